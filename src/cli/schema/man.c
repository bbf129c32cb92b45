/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints foreland-json(7); run when the manual is built. */
#include <unistd.h>

#include "cli/schema/schema.h"

static const char head[] =
	".TH FORELAND-JSON 7\n"
	".SH NAME\n"
	"foreland-json \\- what foreland's commands print with \\-\\-json\n"
	".SH DESCRIPTION\n"
	"A command prints an object a line. The first has the type\n"
	".BR schema ,\n"
	"the name of the command, and a version, which becomes another when a key goes or changes its meaning;\n"
	"keys may be added. The last has the type\n"
	".BR summary .\n"
	"A line that is a row has no\n"
	".BR type .\n"
	"Numbers are numbers. A text that is no UTF\\-8 has U+FFFD where it is not, and its bytes, in hexadecimal\n"
	"digits, under the same key with\n"
	".B _hex\n"
	"behind it.\n"
	".PP\n"
	".B foreland schema\n"
	"prints this page as a JSON Schema.\n"
	".SH LINES\n";

static const char foot[] = ".SH SEE ALSO\n.BR foreland (1)\n";

int main(void)
{
	_cleanup_buf_ struct fl_buf out = {};

	fl_buf_addz(&out, head);
	fl_schema_man(&out);
	fl_buf_addz(&out, foot);
	return out.error || fl_buf_write_fd(&out, STDOUT_FILENO) < 0;
}
