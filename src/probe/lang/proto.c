/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probed function's prototype, and what an entry keeps for the return. */
#include <errno.h>

#include "probe/lang/parse.h"

/*
 * A tracepoint's parameters are those of its stub, __probestub_NAME; where BTF lacks that one, those
 * of the tracepoint's own typedef.
 */
static struct fl_type find_proto(struct fl_parse *p)
{
	struct fl_type func = fl_target_type(p->target, p->function, FL_KIND(BTF_KIND_FUNC));
	struct fl_str stub = FL_STR("__probestub_");

	if (!fl_type_ok(func) && (p->at & FL_AT_TPOINT) && fl_str_starts(p->function, stub.p))
		return fl_target_tracepoint(p->target, fl_str_from(p->function, stub.n));
	return func;
}

int fl_query_proto(struct fl_parse *p)
{
	struct fl_type func;

	if (fl_type_ok(p->proto))
		return 0;
	if (fl_at_user_types(p))
		return fl_query_user_proto(p);
	if (p->function.n == 0)
		return -EINVAL;
	func = find_proto(p);
	if (!fl_type_ok(func))
		return -ENOENT;
	p->proto = fl_type_kind(func) == BTF_KIND_FUNC ? fl_type_target(func) : func;
	p->nr_params = fl_type_nr_params(p->proto);
	if ((p->at & FL_AT_TPOINT) && p->nr_params)
		p->nr_params--;
	p->event->func = p->proto;
	return 0;
}

bool fl_proto_param(const struct fl_parse *p, uint32_t i, struct fl_param *ret)
{
	return fl_type_param(p->proto, i + !!(p->at & FL_AT_TPOINT), ret);
}

int fl_keep_entry_arg(struct fl_parse *p, uint32_t arg)
{
	struct fl_probe_event *e = p->event;
	size_t i = 0;

	if (!e->entry_args)
		e->entry_args = fl_arena_array(&e->arena, FL_MAX_PROBE_ARGS, sizeof(*e->entry_args));
	if (!e->entry_args)
		return -ENOMEM;
	while (i < e->nr_entry_args && e->entry_args[i] != arg)
		i++;
	if (i == e->nr_entry_args) {
		if (i == FL_MAX_PROBE_ARGS)
			return -ENOSPC;
		e->entry_args[e->nr_entry_args++] = arg;
	}
	return i * 8;
}
