/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own lines, and one JSON object a line. */
#include <stdlib.h>

#include "base/escape.h"
#include "base/json.h"
#include "probe/export/private.h"

static void *create_lines(const struct fl_export_opts *opts)
{
	struct fl_recorded_lines *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->raw = opts->raw;
	l->bytes = opts->bytes;
	l->source_width = opts->source_width;
	return l;
}

static void destroy_lines(void *l)
{
	fl_recorded_lines_fini(l);
	free(l);
}

static int add_line(void *l, const struct fl_recorded *rec, struct fl_buf *out)
{
	fl_recorded_text(l, rec, out);
	return 0;
}

static bool add_text(void *form, struct fl_str source, struct fl_str text, struct fl_buf *out)
{
	const struct fl_recorded_lines *l = form;
	struct fl_str line;

	if (l->bytes) {
		fl_buf_add_str(out, text);
		return true;
	}
	while (fl_str_line(&text, &line)) {
		fl_escape(out, line);
		fl_buf_addc(out, '\n');
	}
	return true;
}

static int add_object(void *form, const struct fl_recorded *rec, struct fl_buf *out)
{
	fl_recorded_json(rec, out);
	return 0;
}

static bool add_text_object(void *form, struct fl_str source, struct fl_str text,
			    struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "latency");
	fl_json_str(out, "source", source);
	fl_json_str(out, "text", text);
	fl_json_close(out, '}');
	fl_json_end_line(out);
	return true;
}

const struct fl_form fl_form_text = {
	.name = "text",
	.create = create_lines,
	.destroy = destroy_lines,
	.record = add_line,
	.text = add_text,
};

const struct fl_form fl_form_json = {
	.name = "json",
	.create = create_lines,
	.destroy = destroy_lines,
	.record = add_object,
	.text = add_text_object,
};
