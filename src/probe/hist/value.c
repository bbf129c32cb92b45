/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/hist/value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "probe/event/synth.h"

/* ---- an event's fields ---- */

static const struct fl_hist_event_field in_no_record[] = {
	{ .name = "CPU", .type = "int", .is_signed = true, .kind = FL_HF_CPU },
	{ .name = "cpu", .type = "int", .is_signed = true, .kind = FL_HF_CPU },
	{ .name = "common_cpu", .type = "int", .is_signed = true, .kind = FL_HF_CPU },
	{ .name = "COMM", .type = "char *", .kind = FL_HF_COMM },
	{ .name = "comm", .type = "char *", .kind = FL_HF_COMM },
	{ .name = "stacktrace", .type = "char *", .kind = FL_HF_STACK },
	{ .name = "STACKTRACE", .type = "char *", .kind = FL_HF_STACK },
};

static enum fl_hist_field_kind kind_of(const char *type)
{
	bool is_text = strstr(type, "char");

	if (is_text && strstr(type, "__data_loc"))
		return FL_HF_DYN_STRING;
	if (is_text && strstr(type, "__rel_loc"))
		return FL_HF_RDYN_STRING;
	if (is_text && strchr(type, '['))
		return FL_HF_STATIC_STRING;
	if (strcmp(type, "char *") == 0 || strcmp(type, "const char *") == 0)
		return FL_HF_PTR_STRING;
	return FL_HF_NUMBER;
}

static const char *take(struct fl_buf *text, struct fl_arena *arena)
{
	return text->error ? NULL : fl_arena_dup(arena, fl_buf_str(text));
}

/* Its type as the kernel holds it, brackets included. */
static const char *format_type(const struct fl_field *f, struct fl_arena *arena)
{
	_cleanup_buf_ struct fl_buf text = {};

	fl_buf_addf(&text, "%s%.*s", f->loc == FL_FIELD_DATA_LOC ? "__data_loc "
				     : f->loc == FL_FIELD_REL_LOC ? "__rel_loc " : "", FL_STR_ARG(f->type));
	if (f->is_array && f->array_len)
		fl_buf_addf(&text, "[%u]", f->array_len);
	else if (f->is_array)
		fl_buf_addz(&text, "[]");
	return take(&text, arena);
}

static const char *synth_type(const struct fl_probe_arg *a, struct fl_arena *arena)
{
	_cleanup_buf_ struct fl_buf text = {};
	bool located = a->type->flags & FL_TYPE_STACK ||
		       (a->type->flags & FL_TYPE_STRING && !(a->type->flags & FL_TYPE_FIXED));

	fl_buf_addf(&text, "%s%.*s", located ? "__data_loc " : "", FL_STR_ARG(a->body));
	return take(&text, arena);
}

static int of_format(const struct fl_field *f, struct fl_arena *arena, struct fl_hist_event_field *ret)
{
	*ret = (struct fl_hist_event_field){
		.name = fl_arena_dup(arena, f->name), .type = format_type(f, arena), .offset = f->offset,
		.size = f->size, .is_signed = f->is_signed, .is_common = f->is_common };
	if (!ret->name || !ret->type)
		return -ENOMEM;
	ret->kind = kind_of(ret->type);
	return 0;
}

static int of_synth(const struct fl_probe_arg *a, struct fl_arena *arena, struct fl_hist_event_field *ret)
{
	*ret = (struct fl_hist_event_field){
		.name = fl_arena_dup(arena, a->name), .type = synth_type(a, arena), .offset = a->offset,
		.size = a->size, .is_signed = a->type->is_signed };
	if (!ret->name || !ret->type)
		return -ENOMEM;
	ret->kind = a->type->flags & FL_TYPE_STACK ? FL_HF_STACK : kind_of(ret->type);
	return 0;
}

static const struct fl_hist_event_field common[] = {
	{ "common_type", "unsigned short", 0, 2, false, true },
	{ "common_flags", "unsigned char", 2, 1, false, true },
	{ "common_preempt_count", "unsigned char", 3, 1, false, true },
	{ "common_pid", "int", 4, 4, true, true },
};

int fl_hist_event_fields(const struct fl_format *format, const struct fl_probe_event *synth,
			 struct fl_arena *arena, struct fl_hist_event_fields *ret)
{
	size_t n = synth ? synth->nr_args : format->nr_fields;
	struct fl_hist_event_field *v = fl_arena_array(arena, n + FL_ARRAY_SIZE(common), sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = synth ? of_synth(&synth->args[i], arena, &v[i]) : of_format(&format->fields[i], arena, &v[i]);
	if (r < 0)
		return r;
	if (synth) {
		memcpy(v + n, common, sizeof(common));
		n += FL_ARRAY_SIZE(common);
	}
	*ret = (struct fl_hist_event_fields){ v, n };
	return 0;
}

static const struct fl_hist_event_field *find(const struct fl_hist_event_field *v, size_t n, bool is_common,
					      const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].is_common == is_common && strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

const struct fl_hist_event_field *fl_hist_event_field(const struct fl_hist_event_fields *f, const char *name)
{
	const struct fl_hist_event_field *found = find(f->v, f->n, false, name);

	if (!found)
		found = find(in_no_record, FL_ARRAY_SIZE(in_no_record), false, name);
	return found ? found : find(f->v, f->n, true, name);
}

/* ---- a value ---- */

static struct fl_hist_value *typed(struct fl_hist_value *v, const char *type, uint32_t size, bool is_signed)
{
	v->type = type;
	v->size = size;
	v->is_signed = is_signed;
	return v;
}

/* LOG2 and BUCKET stand around the field itself. */
static struct fl_hist_value *around(struct fl_arena *arena, struct fl_hist_value *v)
{
	const unsigned int shape = FL_HV_LOG2 | FL_HV_BUCKET;

	v->operand[0] = fl_hist_value_new(arena, v->field, v->flags & ~shape);
	return v->operand[0] ? typed(v, v->operand[0]->type, v->operand[0]->size, false) : NULL;
}

static struct fl_hist_value *of_field(struct fl_hist_value *v)
{
	const struct fl_hist_event_field *f = v->field;

	switch (f->kind) {
	case FL_HF_STATIC_STRING:
		v->flags |= FL_HV_STRING_;
		return typed(v, f->type, f->size, false);
	case FL_HF_DYN_STRING:
	case FL_HF_RDYN_STRING:
	case FL_HF_COMM:
		v->flags |= FL_HV_STRING_;
		return typed(v, f->type, FL_HV_STRING, false);
	case FL_HF_STACK:
		v->flags |= FL_HV_STACK;
		return typed(v, f->type, FL_HV_STRING, false);
	default:
		break;
	}
	if (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8)
		return NULL;
	return typed(v, f->type, f->size, f->is_signed);
}

struct fl_hist_value *fl_hist_value_new(struct fl_arena *arena, const struct fl_hist_event_field *field,
					unsigned int flags)
{
	struct fl_hist_value *v = fl_arena_array(arena, 1, sizeof(*v));

	if (!v)
		return NULL;
	v->field = field;
	v->flags = flags;
	if (flags & (FL_HV_EXPR | FL_HV_ALIAS | FL_HV_REF))
		return v; /* whoever made it says its type */
	if (flags & (FL_HV_HITCOUNT | FL_HV_CONST))
		return typed(v, "u64", 8, false);
	if (flags & FL_HV_STACK)
		return typed(v, "unsigned long[]", FL_HV_FRAMES * 8, false);
	if (flags & (FL_HV_LOG2 | FL_HV_BUCKET))
		return around(arena, v);
	if (flags & FL_HV_TIME)
		return typed(v, "u64", 8, false);
	if (flags & FL_HV_CPU)
		return typed(v, "unsigned int", 4, false);
	if (flags & FL_HV_COMM)
		return typed(v, "char[]", FL_HV_STRING, false);
	return field ? of_field(v) : v;
}

/* ---- text ---- */

static const char *qualified(const struct fl_hist_value *v, struct fl_arena *arena)
{
	_cleanup_buf_ struct fl_buf text = {};
	const char *z;

	fl_buf_addf(&text, "%s.%s.%s%s", v->system, v->event, v->flags & FL_HV_REF ? "$" : "", v->name);
	z = text.len < FL_HV_STRING ? take(&text, arena) : NULL;
	return z ? z : "";
}

static const char *name_within(const struct fl_hist_value *v, unsigned int level, struct fl_arena *arena)
{
	if (level > 1)
		return "";
	if (v->field)
		return v->field->name;
	if (v->flags & (FL_HV_LOG2 | FL_HV_ALIAS | FL_HV_BUCKET))
		return v->operand[0] ? name_within(v->operand[0], level + 1, arena) : "";
	if (v->flags & FL_HV_CPU)
		return "common_cpu";
	if (v->flags & FL_HV_COMM)
		return "common_comm";
	if (v->flags & (FL_HV_EXPR | FL_HV_REF))
		return v->system ? qualified(v, arena) : v->name ? v->name : "";
	if (v->flags & FL_HV_TIME)
		return "common_timestamp";
	if (v->flags & FL_HV_STACK)
		return "common_stacktrace";
	return v->flags & FL_HV_HITCOUNT ? "hitcount" : "";
}

const char *fl_hist_value_name(const struct fl_hist_value *v, struct fl_arena *arena)
{
	return name_within(v, 0, arena);
}

const char *fl_hist_value_modifier(const struct fl_hist_value *v)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} modifiers[] = {
#define M(flag, name, ...) { FL_HV_##flag, name },
#include "probe/hist/modifiers.def"
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(modifiers); i++)
		if (v->flags & modifiers[i].flag)
			return modifiers[i].name;
	return NULL;
}

static void add_modifier(const struct fl_hist_value *v, struct fl_buf *out)
{
	const char *name = fl_hist_value_modifier(v);

	if (name)
		fl_buf_addf(out, ".%s", name);
}

static void add_bucket(const struct fl_hist_value *v, struct fl_buf *out)
{
	if (v->bucket)
		fl_buf_addf(out, "=%" PRIu64, v->bucket);
}

void fl_hist_value_operand(const struct fl_hist_value *v, struct fl_arena *arena, struct fl_buf *out)
{
	if (v->flags & FL_HV_REF && !v->system)
		fl_buf_addc(out, '$');
	else if (!(v->flags & FL_HV_REF) && v->flags & FL_HV_CONST)
		fl_buf_addf(out, "%" PRIu64, v->constant);
	fl_buf_addz(out, fl_hist_value_name(v, arena));
	if (!(v->flags & FL_HV_REF))
		add_modifier(v, out);
	add_bucket(v, out);
}

void fl_hist_value_print(const struct fl_hist_value *v, bool twice, struct fl_arena *arena, struct fl_buf *out)
{
	const char *name = fl_hist_value_name(v, arena);

	if (v->variable)
		fl_buf_addf(out, "%s=", v->variable);
	if (v->flags & FL_HV_CPU)
		fl_buf_addz(out, "common_cpu");
	if (v->flags & FL_HV_COMM)
		fl_buf_addz(out, "common_comm");
	else if (v->flags & FL_HV_CPU && !twice)
		;
	else if (v->flags & FL_HV_CONST)
		fl_buf_addf(out, "%" PRIu64, v->constant);
	else
		fl_buf_addf(out, "%s%s", v->flags & (FL_HV_REF | FL_HV_ALIAS) && !v->system ? "$" : "", name);
	if (!(v->flags & (FL_HV_REF | FL_HV_EXPR | FL_HV_STACK)))
		add_modifier(v, out);
	add_bucket(v, out);
}
