/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Triggers that are one word (Documentation/trace/events.rst, section 6):
 *
 *	traceon | traceoff | snapshot | stacktrace [":" COUNT] ["if" FILTER]
 *	(enable | disable) "_" (event | hist) ":" SYSTEM ":" EVENT [":" COUNT] ["if" FILTER]
 *
 * with "!" in front to take one away. An event has one of each kind, and switches another event once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "probe/lang/ktext.h"
#include "probe/tracefs/private.h"

#define UNLIMITED UINT64_MAX

enum action { SWITCH_TRACE, TAKE_SNAPSHOT, SHOW_STACK, SWITCH_EVENT, SWITCH_HISTS };

struct kind {
	const char *name;
	enum action action;
	bool on;
};

static const struct kind kinds[] = {
	{ "traceon", SWITCH_TRACE, true },	 { "traceoff", SWITCH_TRACE, false },
	{ "snapshot", TAKE_SNAPSHOT, true },	 { "stacktrace", SHOW_STACK, true },
	{ "enable_event", SWITCH_EVENT, true },	 { "disable_event", SWITCH_EVENT, false },
	{ "enable_hist", SWITCH_HISTS, true },	 { "disable_hist", SWITCH_HISTS, false },
};

struct command {
	struct command *next;
	const struct kind *kind;
	struct place *target; /* what is switched; NULL: the trace */
	uint64_t count;
	char *text; /* of the filter; NULL: none */
	struct fl_filter filter;
};

static bool has_target(const struct kind *k)
{
	return k->action == SWITCH_EVENT || k->action == SWITCH_HISTS;
}

static void command_free(struct command *c)
{
	fl_filter_fini(&c->filter);
	free(c->text);
	free(c);
}

/* ---- what is asked of all of them ---- */

bool commands_want_stack(const struct place *p)
{
	for (const struct command *c = p->commands; c; c = c->next)
		if (c->kind->action == SHOW_STACK)
			return true;
	return false;
}

bool commands_need_record(const struct place *p)
{
	for (const struct command *c = p->commands; c; c = c->next)
		if (c->text || c->kind->action == SHOW_STACK)
			return true;
	return false;
}

void commands_show(const struct place *p, struct fl_buf *out)
{
	for (const struct command *c = p->commands; c; c = c->next) {
		fl_buf_addz(out, c->kind->name);
		if (c->target)
			fl_buf_addf(out, ":%s:%s", c->target->system, c->target->event);
		if (c->count == UNLIMITED)
			fl_buf_addz(out, ":unlimited");
		else
			fl_buf_addf(out, ":count=%" PRIu64, c->count);
		fl_buf_addf(out, c->text ? " if %s\n" : "\n", c->text);
	}
}

/* ---- doing ---- */

static bool is_so_already(const struct place *p, const struct command *c)
{
	if (c->kind->action == SWITCH_TRACE)
		return p->in->buffer.off != c->kind->on;
	return c->kind->action == SWITCH_EVENT && c->target->wanted == c->kind->on;
}

static void switch_event(struct place *p, bool on)
{
	if (p->wanted == on)
		return;
	p->wanted = on;
	p->in->nr_wanted += on ? 1 : -1;
}

static void act(struct place *p, const struct command *c, bool *ret_stack)
{
	switch (c->kind->action) {
	case SWITCH_TRACE:
		p->in->buffer.off = !c->kind->on;
		break;
	case TAKE_SNAPSHOT:
		snapshot_take(p->in);
		break;
	case SHOW_STACK:
		*ret_stack = true;
		break;
	case SWITCH_EVENT:
		switch_event(c->target, c->kind->on);
		break;
	case SWITCH_HISTS:
		for (size_t i = 0; c->target->hists && i < c->target->hists->n; i++)
			c->target->hists->trigger[i]->paused = !c->kind->on;
		break;
	}
}

static bool passes(const struct command *c, const struct fl_count_record *rec)
{
	struct fl_filter_env env;

	if (!c->text)
		return true;
	env = (struct fl_filter_env){ .comm = rec->comm, .cpu = rec->cpu };
	return fl_filter_match(&c->filter, rec->data, rec->size, &env);
}

void commands_run(struct place *p, const struct fl_count_record *rec, bool late, bool *ret_stack)
{
	for (struct command *c = p->commands; c; c = c->next) {
		if ((c->kind->action == SHOW_STACK) != late || !c->count || !passes(c, rec) || is_so_already(p, c))
			continue;
		if (c->count != UNLIMITED)
			c->count--;
		act(p, c, ret_stack);
	}
}

/* ---- writing ---- */

static const struct kind *find_kind(struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(kinds); i++)
		if (fl_str_is(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static struct command **find_like(struct place *p, const struct kind *k, const struct place *target)
{
	struct command **at = &p->commands;

	while (*at && ((*at)->kind->action != k->action || (*at)->target != target))
		at = &(*at)->next;
	return at;
}

/* "SYSTEM:EVENT[:...]" */
static int cut_target(struct place *p, struct fl_str *param, struct place **ret)
{
	size_t colon = fl_str_find(*param, ':', 0), end;
	struct fl_str system = fl_str_sub(*param, 0, colon), event;

	if (colon == param->n)
		return -EINVAL;
	*param = fl_str_from(*param, colon + 1);
	end = fl_str_find(*param, ':', 0);
	event = fl_str_sub(*param, 0, end);
	*param = fl_str_from(*param, end + 1);
	*ret = place_find(p->in, system, event);
	return *ret ? 0 : -EINVAL;
}

/* "if FILTER" */
static int read_filter(const struct place *p, struct fl_str text, struct command *c)
{
	struct fl_str word;

	if (!text.n)
		return 0;
	if (!fl_str_word(&text, &word) || !fl_str_is(word, "if") || !fl_str_trim(text).n)
		return -EINVAL;
	c->text = fl_str_dup(fl_str_trim(text));
	return c->text ? place_parse_filter(p, fl_str(c->text), &c->filter) : -ENOMEM;
}

/* The parameter stands in front of a blank; where it may be left out, it begins with a digit. */
static int cut_param(struct fl_str *text, const struct kind *k, struct fl_str *ret)
{
	size_t end = fl_str_any(*text, " \t");

	*ret = FL_STR("");
	if (!text->n)
		return has_target(k) ? -EINVAL : 0;
	if (!has_target(k) && (text->p[0] < '0' || text->p[0] > '9'))
		return 0;
	*ret = fl_str_sub(*text, 0, end);
	*text = fl_str_trim(fl_str_from(*text, end));
	return ret->n ? 0 : -EINVAL;
}

static void drop(struct place *p, struct command **at)
{
	struct command *c = *at;
	struct place *target = c->target;

	*at = c->next;
	command_free(c);
	if (target && target->switched_by)
		target->switched_by--;
	if (target)
		live_update(target);
	live_update(p);
}

void commands_free(struct place *p)
{
	while (p->commands) {
		struct command *c = p->commands;

		p->commands = c->next;
		if (c->target && c->target->switched_by)
			c->target->switched_by--;
		command_free(c);
	}
}

/* The event must run from now on, and what it switches, too. */
static int insert(struct place *p, struct command *c)
{
	int r;

	c->next = p->commands;
	p->commands = c;
	if (c->target)
		c->target->switched_by++;
	r = live_update(p);
	if (r == 0 && c->target)
		r = live_update(c->target);
	if (c->kind->action == TAKE_SNAPSHOT)
		p->in->has_snapshot = true;
	if (r < 0)
		drop(p, &p->commands);
	return r;
}

static int add(struct place *p, const struct kind *k, struct place *target, struct fl_str param, struct fl_str filter)
{
	struct command *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (r == 0) {
		*c = (struct command){ .kind = k, .target = target, .count = UNLIMITED };
		r = param.n ? fl_parse_u64(fl_str_sub(param, 0, fl_str_find(param, ':', 0)), 0, &c->count) : 0;
	}
	if (r == 0)
		r = read_filter(p, filter, c);
	if (r == 0 && *find_like(p, k, target))
		r = -EEXIST;
	if (r < 0 && c)
		command_free(c);
	return r < 0 ? r : insert(p, c);
}

int command_write(struct place *p, struct fl_str text)
{
	struct fl_str rest = fl_str_trim(text), param;
	bool removing = rest.n && rest.p[0] == '!';
	size_t end = fl_str_any(rest, ": \t");
	const struct kind *k = find_kind(fl_str_sub(rest, removing, end - removing));
	struct place *target = NULL;
	struct command **at;
	int r;

	if (!k)
		return -ENOENT;
	rest = fl_str_trim(fl_str_from(rest, end + 1));
	r = cut_param(&rest, k, &param);
	if (r == 0 && has_target(k))
		r = cut_target(p, &param, &target);
	if (r < 0)
		return r;
	tracefs_drain(p->in, true);
	if (!removing)
		return add(p, k, target, param, rest);
	at = find_like(p, k, target);
	if (*at)
		drop(p, at);
	return 0;
}
