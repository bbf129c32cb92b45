/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/record/filter.h"

#include "probe/event/scope.h"

struct scope {
	struct fl_target *target;
	const struct fl_probe_event *event;
	const struct fl_record_layout *layout;
};

static struct fl_filter_field field_of(const struct fl_probe_arg *a, const struct fl_record_slot *s)
{
	struct fl_filter_field f = { FL_FILTER_NUMBER, s->offset, s->size, a->type->is_signed };

	if (s->kind == FL_SLOT_STRING)
		f.kind = FL_FILTER_DYN_STRING;
	return f;
}

static bool find_field(void *ctx, struct fl_str name, struct fl_filter_field *ret)
{
	const struct scope *s = ctx;

	for (size_t i = 0; i < s->event->nr_args; i++) {
		const struct fl_probe_arg *a = &s->event->args[i];

		if (fl_str_eq(a->name, name) && a->count == 0 && !(a->type->flags & FL_TYPE_STACK)) {
			*ret = field_of(a, &s->layout->slots[i]);
			return true;
		}
	}
	if (fl_str_is(name, "comm") || fl_str_is(name, "COMM"))
		*ret = (struct fl_filter_field){ .kind = FL_FILTER_COMM };
	else if (fl_str_is(name, "cpu") || fl_str_is(name, "CPU"))
		*ret = (struct fl_filter_field){ .kind = FL_FILTER_CPU, .size = 4 };
	else if (fl_str_is(name, "common_pid"))
		*ret = (struct fl_filter_field){ FL_FILTER_NUMBER, offsetof(struct fl_record, pid), 4, true };
	else
		return false;
	return true;
}

static bool function(void *ctx, struct fl_str name, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct scope *s = ctx;
	struct fl_ksyms *syms;
	struct fl_ksym sym;

	if (fl_target_ksyms(s->target, &syms) < 0 || !fl_ksyms_find_func(syms, name, &sym, 1))
		return false;
	*ret_start = sym.addr;
	*ret_end = sym.addr + sym.size;
	return true;
}

int fl_record_filter(struct fl_target *t, const struct fl_probe_event *e,
		    const struct fl_record_layout *l, const struct fl_format *format,
		    struct fl_str text, struct fl_filter *ret, struct fl_diag *diag)
{
	struct scope ours = { t, e, l };
	struct fl_event_scope theirs = { t, format };
	struct fl_filter_scope scope = { .find = find_field, .function = function, .ctx = &ours };

	fl_filter_fini(ret);
	if (format)
		scope = fl_event_filter_scope(&theirs);
	return fl_filter_parse(text, &scope, ret, diag);
}
