/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/event/format.h"

#include "base/util.h"
#include "probe/event/synth.h"

struct fixed_field {
	const char *decl;
	uint32_t offset, size;
	bool is_signed;
};

static const struct fixed_field common[] = {
	{ "unsigned short common_type", 0, 2 },
	{ "unsigned char common_flags", 2, 1 },
	{ "unsigned char common_preempt_count", 3, 1 },
	{ "int common_pid", 4, 4, true },
};

static const struct fixed_field entry_fields[] = {
	{ "unsigned long __probe_ip", 8, 8 },
};

static const struct fixed_field return_fields[] = {
	{ "unsigned long __probe_func", 8, 8 },
	{ "unsigned long __probe_ret_ip", 16, 8 },
};

/* What a kind of record has between the common fields and the arguments, and how it is printed. */
struct head {
	const struct fixed_field *fields;
	size_t n;
	const char *fmt, *args;
};

static const struct head event_head = { NULL, 0, "", "" };
static const struct head entry_head = { entry_fields, FL_ARRAY_SIZE(entry_fields), "(%lx)",
					", REC->__probe_ip" };
static const struct head return_head = { return_fields, FL_ARRAY_SIZE(return_fields), "(%lx <- %lx)",
					 ", REC->__probe_func, REC->__probe_ret_ip" };

static const struct head *head_of(const struct fl_probe_event *e)
{
	if (e->kind == FL_PROBE_EPROBE || e->kind == FL_PROBE_SYNTH)
		return &event_head;
	return e->is_return ? &return_head : &entry_head;
}

uint32_t fl_format_args_offset(const struct fl_probe_event *e)
{
	return FL_FORMAT_COMMON_SIZE + head_of(e)->n * sizeof(uint64_t);
}

static void add_fixed(const struct fixed_field *f, size_t n, struct fl_buf *out)
{
	for (size_t i = 0; i < n; i++)
		fl_buf_addf(out, "\tfield:%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", f[i].decl,
			    f[i].offset, f[i].size, f[i].is_signed);
}

static bool is_string(const struct fl_probe_arg *a)
{
	return a->type->flags & FL_TYPE_STRING;
}

/* ---- synthetic events ---- */

static bool has_location(const struct fl_fetch_type *t)
{
	return t->flags & FL_TYPE_STACK || (t->flags & FL_TYPE_STRING && !(t->flags & FL_TYPE_FIXED));
}

static void add_synth_field(const struct fl_probe_arg *a, uint32_t base, struct fl_buf *out)
{
	fl_buf_addf(out, "\tfield:%s", has_location(a->type) ? "__data_loc " : "");
	/* The kernel puts brackets behind the name, and forgets what is in them. */
	if (a->type->flags & FL_TYPE_FIXED) {
		fl_buf_addf(out, "%.*s %.*s[]", (int)fl_str_find(a->body, '[', 0), a->body.p,
			    FL_STR_ARG(a->name));
	} else {
		fl_buf_addf(out, "%.*s %.*s", FL_STR_ARG(a->body), FL_STR_ARG(a->name));
	}
	fl_buf_addf(out, ";\toffset:%u;\tsize:%u;\tsigned:%d;\n", base + a->offset, a->size,
		    a->type->is_signed);
}

static void print_synth(const struct fl_probe_event *e, struct fl_buf *out)
{
	fl_buf_addz(out, "\nprint fmt: \"");
	for (size_t i = 0; i < e->nr_args; i++)
		fl_buf_addf(out, "%s%.*s=%s", i ? " " : "", FL_STR_ARG(e->args[i].name),
			    fl_synth_conversion(e->args[i].type));
	fl_buf_addc(out, '"');
	for (size_t i = 0; i < e->nr_args; i++) {
		const struct fl_fetch_type *t = e->args[i].type;

		fl_buf_addf(out, t->flags & FL_TYPE_STACK ? ", __get_stacktrace(%.*s)"
				 : has_location(t)	  ? ", __get_str(%.*s)"
							  : ", REC->%.*s",
			    FL_STR_ARG(e->args[i].name));
	}
	fl_buf_addc(out, '\n');
}

/* ---- probes ---- */

/* The kernel declares arrays without their length, but arrays of strings with it. */
static void add_field(const struct fl_probe_arg *a, uint32_t base, struct fl_buf *out)
{
	fl_buf_addz(out, "\tfield:");
	if (is_string(a))
		fl_buf_addz(out, "__data_loc char[]");
	else
		fl_buf_addf(out, "%c%u", a->type->is_signed ? 's' : 'u', a->type->size * 8);
	if (is_string(a) && a->count)
		fl_buf_addf(out, "[%u]", a->count);
	fl_buf_addf(out, " %.*s%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", FL_STR_ARG(a->name),
		    !is_string(a) && a->count ? "[]" : "", base + a->offset, a->size,
		    a->type->is_signed || is_string(a));
}

static const char *conversion(const struct fl_fetch_type *t)
{
	bool wide = t->size == 8;

	switch (t->print) {
	case FL_PRINT_UNSIGNED:
		return wide ? "%Lu" : "%u";
	case FL_PRINT_SIGNED:
		return wide ? "%Ld" : "%d";
	case FL_PRINT_HEX:
		return wide ? "0x%Lx" : "0x%x";
	case FL_PRINT_CHAR:
		return "'%c'";
	case FL_PRINT_SYMBOL:
		return "%pS";
	case FL_PRINT_STRING:
		return "\\\"%s\\\"";
	}
	return "";
}

static void add_conversions(const struct fl_probe_arg *a, struct fl_buf *out)
{
	fl_buf_addf(out, " %.*s=%s", FL_STR_ARG(a->name), a->count ? "{" : "");
	fl_buf_addz(out, conversion(a->type));
	for (uint32_t i = 1; i < a->count; i++)
		fl_buf_addf(out, ",%s", conversion(a->type));
	if (a->count)
		fl_buf_addc(out, '}');
}

static void add_values(const struct fl_probe_arg *a, struct fl_buf *out)
{
	for (uint32_t i = 0; i < FL_MAX(a->count, 1u); i++) {
		fl_buf_addf(out, is_string(a) ? ", __get_str(%.*s" : ", REC->%.*s", FL_STR_ARG(a->name));
		if (a->count)
			fl_buf_addf(out, "[%u]", i);
		if (is_string(a))
			fl_buf_addc(out, ')');
	}
}

void fl_format_print_common(struct fl_buf *out)
{
	add_fixed(common, FL_ARRAY_SIZE(common), out);
	fl_buf_addc(out, '\n');
}

void fl_format_print(const struct fl_probe_event *e, unsigned int id, struct fl_buf *out)
{
	const struct head *head = head_of(e);
	uint32_t base = fl_format_args_offset(e);

	fl_buf_addf(out, "name: %.*s\nID: %u\nformat:\n", FL_STR_ARG(e->event), id);
	fl_format_print_common(out);
	add_fixed(head->fields, head->n, out);
	for (size_t i = 0; i < e->nr_args; i++)
		(e->kind == FL_PROBE_SYNTH ? add_synth_field : add_field)(&e->args[i], base, out);
	if (e->kind == FL_PROBE_SYNTH) {
		print_synth(e, out);
		return;
	}
	fl_buf_addf(out, "\nprint fmt: \"%s", head->fmt);
	for (size_t i = 0; i < e->nr_args; i++)
		add_conversions(&e->args[i], out);
	fl_buf_addf(out, "\"%s", head->args);
	for (size_t i = 0; i < e->nr_args; i++)
		add_values(&e->args[i], out);
	fl_buf_addc(out, '\n');
}
