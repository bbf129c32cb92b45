/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comma-separated values as RFC 4180 has them: time, CPU, thread, name, source, event, and its
 * fields as "name=value" in the last column, since events differ in theirs.
 */
#include <stdlib.h>

#include "base/util.h"
#include "probe/export/private.h"

struct csv {
	bool has_head;
};

static void *create(const struct fl_export_opts *opts)
{
	return calloc(1, sizeof(struct csv));
}

/* In quotes where it holds one of the characters that mean something. */
static void add_cell(struct fl_str s, struct fl_buf *out)
{
	bool quote = false;

	for (size_t i = 0; i < s.n; i++)
		quote |= s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
	if (!quote) {
		fl_buf_add_str(out, s);
		return;
	}
	fl_buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			fl_buf_addc(out, '"');
		fl_buf_addc(out, s.p[i]);
	}
	fl_buf_addc(out, '"');
}

static void add_element(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t i,
			struct fl_buf *out)
{
	struct fl_recorded_value value;

	if (!fl_recorded_value(rec, v, i, &value))
		fl_buf_addz(out, "(fault)");
	else if (value.is_text)
		fl_buf_add_str(out, value.text);
	else if (value.is_signed)
		fl_buf_add_s64(out, (int64_t)value.number);
	else
		fl_buf_add_u64(out, value.number);
}

static void add_fields(const struct fl_recorded *rec, struct fl_buf *out)
{
	for (size_t i = 0; i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];
		bool list = fl_recorded_is_list(v);

		fl_buf_addf(out, i ? " %.*s=" : "%.*s=", FL_STR_ARG(v->name));
		if (list)
			fl_buf_addc(out, '{');
		for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++) {
			if (k)
				fl_buf_addc(out, ',');
			add_element(rec, v, k, out);
		}
		if (list)
			fl_buf_addc(out, '}');
	}
}

static int add_record(void *form, const struct fl_recorded *rec, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {}, fields = {}, said = {};
	struct csv *c = form;

	if (!c->has_head)
		fl_buf_addz(out, "time,cpu,pid,comm,source,event,text,fields\r\n");
	c->has_head = true;
	if (rec->raw_time)
		fl_buf_addf(out, "%llu,%u,%u,", (unsigned long long)rec->time, rec->cpu, rec->pid);
	else
		fl_buf_addf(out, "%llu.%09llu,%u,%u,", (unsigned long long)rec->time / 1000000000,
			    (unsigned long long)rec->time % 1000000000, rec->cpu, rec->pid);
	add_cell(rec->comm, out);
	fl_buf_addc(out, ',');
	add_cell(rec->source, out);
	fl_buf_addc(out, ',');
	if (rec->format) {
		fl_buf_addf(&name, "%.*s:%.*s", FL_STR_ARG(rec->format->system),
			    FL_STR_ARG(rec->format->name));
		fl_recorded_said(rec, &said);
		add_fields(rec, &fields);
	} else {
		fl_buf_addf(&name, "%u", rec->type);
	}
	add_cell(fl_buf_str(&name), out);
	fl_buf_addc(out, ',');
	add_cell(fl_buf_str(&said), out);
	fl_buf_addc(out, ',');
	add_cell(fl_buf_str(&fields), out);
	fl_buf_addz(out, "\r\n");
	return FL_MIN(name.error, FL_MIN(fields.error, said.error));
}

const struct fl_form fl_form_csv = {
	.name = "csv",
	.create = create,
	.destroy = free,
	.record = add_record,
};
