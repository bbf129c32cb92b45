/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the manual page of the checks; run when the manual is built. */
#include <unistd.h>

#include "docs/finding/check.h"

int main(void)
{
	_cleanup_buf_ struct fl_buf out = {};

	docs_checks_man(&out);
	return out.error || fl_buf_write_fd(&out, STDOUT_FILENO) < 0;
}
