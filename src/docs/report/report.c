/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/report/report.h"

#include "base/escape.h"
#include "base/json.h"

void docs_render(const struct docs_finding *f, bool marks, struct fl_buf *out)
{
	struct fl_diag_kind kind = docs_checks[f->check].kind;
	struct fl_diag d = {
		.kind = &kind,
		.place = f->file,
		.line = f->line,
		.column = f->col,
		.span = { f->col, f->col + f->len },
		.text = f->line ? f->text.p : NULL,
		.text_len = f->text.n,
		.message = (char *)f->message,
		.help = (char *)f->help,
	};

	kind.level = f->level;
	if (marks)
		fl_buf_addz(out, f->known ? "   " : ">> ");
	fl_diag_render(&d, out);
}

void docs_render_json(const struct docs_finding *f, struct fl_buf *out)
{
	const struct docs_check_row *c = &docs_checks[f->check];

	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "file", f->file);
	fl_json_u64(out, "line", f->line);
	if (f->docline != f->line)
		fl_json_u64(out, "docutils_line", f->docline);
	fl_json_u64(out, "column", f->col);
	fl_json_strz(out, "level", fl_level_name(f->level));
	fl_json_strz(out, "code", c->kind.code);
	fl_json_strz(out, "group", c->group);
	fl_json_strz(out, "message", f->message);
	if (f->help)
		fl_json_strz(out, "help", f->help);
	fl_json_bool(out, "new", !f->known);
	fl_json_bool(out, "fixable", f->fix != NULL);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

void docs_render_robot(const struct docs_finding *f, struct fl_buf *out)
{
	static const char refs[] = "references a file that doesn't exist: ";

	size_t from = out->len;

	fl_buf_addz(out, f->known ? "   " : ">> ");
	if (f->check == DOCS_REF_FILE)
		fl_buf_addf(out, "Warning: %s references a file that doesn't exist: %s\n", f->file,
			    strncmp(f->message, refs, strlen(refs)) ? f->message : f->message + strlen(refs));
	else if (docs_checks[f->check].reader == DOCS_READ_ABI || f->check == DOCS_ABI_DUPLICATE)
		fl_buf_addf(out, "Warning: %s:%u: %s\n", f->file, f->line, f->message);
	else
		fl_buf_addf(out, "%s:%u: %s%s\n", f->file, f->docline,
			    f->level == FL_ERROR ? "ERROR: " : "WARNING: ", f->message);
	fl_escape_from(out, from);
}
