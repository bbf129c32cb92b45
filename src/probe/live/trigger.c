/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms with variables and actions: their maps, and who asks whom. An event's variables lie in one
 * map under the key of its histograms; one that nobody asks for has none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/sys.h"
#include "probe/live/private.h"

#define VARS_MAX 16384 /* of things under way */

/* Events of the session go by their names, and event probes by that of what they are on, too. */
static const struct fl_probe_event *find_event(void *ctx, const char *system, const char *event, bool synth)
{
	const struct fl_session *t = ctx;

	for (size_t i = 0; i < t->n; i++) {
		const struct fl_probe_event *e = t->probes[i].event;

		if ((e->kind == FL_PROBE_SYNTH) != synth)
			continue;
		if ((fl_str_is(e->group, system) && fl_str_is(e->event, event)) ||
		    (e->kind == FL_PROBE_EPROBE && fl_str_is(e->place.system, system) &&
		     fl_str_is(e->place.event, event)))
			return e;
	}
	return NULL;
}

/* The last entry; its text is the session's. */
static void say(struct fl_diag *diag, const struct fl_trigger_log *log)
{
	const struct fl_log_entry *e = &log->entry[log->n - 1];

	fl_diag_set(diag, e->kind, e->span);
	if (e->message)
		fl_diag_message(diag, "%s", e->message);
	if (!diag)
		return;
	diag->column = e->column;
	diag->text = e->command.p;
	diag->text_len = e->command.n;
}

static const struct fl_diag_kind no_hist = { "BAD_HIST", FL_ERROR, EINVAL, "this is no histogram" };

int fl_session_trigger(struct fl_session *t, size_t i, struct fl_str spec, struct fl_diag *diag)
{
	struct live_probe *p = &t->probes[i];
	_cleanup_buf_ struct fl_buf line = {};
	int r;

	t->triggers.find = find_event;
	t->triggers.ctx = t;
	t->triggers.ours = true;
	fl_buf_addf(&line, "%s%.*s", fl_str_starts(spec, "hist:") ? "" : "hist:", FL_STR_ARG(spec));
	if (line.error)
		return line.error;
	r = fl_triggers_write(&t->triggers, p->event->group, p->event->event, fl_buf_str(&line), &t->log, &p->trigger);
	if (r < 0 && t->log.n)
		say(diag, &t->log);
	else if (r < 0 && r != -ENOMEM)
		fl_diag_set(diag, &no_hist, (struct fl_span){});
	return r;
}

static int refuse(struct live_probe *p, const char *why, struct fl_diag *diag)
{
	int r = live_diagnose(diag, p, LIVE_NO_ARGUMENT, (struct fl_span){ 0, (uint32_t)p->def.n });

	fl_diag_message(diag, "%s", why);
	return r;
}

static int lay_out_synth(struct live_probe *p)
{
	p->pub.schema.event = p->event;
	p->pub.schema.hook = "synthetic event";
	return fl_record_layout(p->event, (struct fl_layout_options){}, &p->pub.schema.layout);
}

static int make_maps(struct live_probe *p)
{
	struct fl_gen_trigger *x = p->gen;
	const struct fl_trigger_event *e = p->trigger->event;
	bool referred = false;

	for (size_t i = 0; i < e->n; i++)
		referred |= fl_trigger_is_referred_to(e->trigger[i]);
	x->vars_map = -1;
	if (!x->vars.n || !referred)
		return 0;
	x->vars_map = fl_bpf_map_create(&(struct fl_bpf_map){ .type = BPF_MAP_TYPE_HASH,
							       .name = "fl_vars",
							       .key_size = p->hist.key_size,
							       .value_size = x->vars.size,
							       .entries = FL_MAX(p->hist.size, (uint32_t)VARS_MAX) });
	return FL_MIN(x->vars_map, 0);
}

/* What the language has and the programs do not do; NULL: all is done. */
static const char *not_done(const struct live_probe *p)
{
	const struct fl_hist_attrs *a = &p->trigger->attrs;

	if (p->trigger->event->n > 1)
		return "it has more than one histogram, and one is counted";
	if (a->pause || a->cont || a->clear)
		return "pause, cont and clear are for a histogram that counts already";
	if (a->name)
		return "tables with a name, which several events share, are not counted";
	return a->nohitcount ? "nohitcount is not taken: the hits are always counted" : NULL;
}

static int prepare(struct live_probe *p, struct fl_diag *diag)
{
	const char *why = not_done(p);
	int r;

	if (why)
		return refuse(p, why, diag);
	p->gen = calloc(1, sizeof(*p->gen));
	if (!p->gen)
		return -ENOMEM;
	p->gen->t = p->trigger;
	r = fl_hist_convert(p->trigger, p->event, &p->hist, &why);
	if (r < 0)
		return refuse(p, why ? why : "its histogram cannot be counted", diag);
	r = fl_hist_vars(p->trigger->event, &p->gen->vars);
	if (r < 0)
		return refuse(p, "its histograms have too many variables", diag);
	if (p->trigger->filter && p->filter_text.n)
		return refuse(p, "it has a filter, and its histogram has one", diag);
	if (p->trigger->filter)
		p->filter_text = fl_str(p->trigger->filter);
	p->gen->has_table = !fl_hist_counts_nothing(p->trigger);
	p->pub.hist = p->gen->has_table ? &p->hist : NULL;
	return make_maps(p);
}

static struct live_probe *probe_of(struct fl_session *t, const struct fl_trigger_event *e)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->probes[i].trigger && t->probes[i].trigger->event == e)
			return &t->probes[i];
	return NULL;
}

/* Where each variable that it refers to is found. */
static int find_refs(struct fl_session *t, struct live_probe *p, struct fl_diag *diag)
{
	struct fl_gen_trigger *x = p->gen;

	for (size_t i = 0; i < p->trigger->nr_refs; i++) {
		const struct fl_hist_value *ref = p->trigger->ref[i];
		const struct live_probe *other = probe_of(t, ref->target->owner->event);
		struct fl_gen_ref *r = &x->ref[x->nr_refs++];
		size_t n;

		*r = (struct fl_gen_ref){ .map = -1, .size = fl_hist_value_room(ref), .once = ref->read_once };
		if (!other || other == p)
			continue;
		if (other->hist.key_size != p->hist.key_size)
			return refuse(p, "its keys are not those of the histogram whose variables it asks for", diag);
		n = fl_hist_var(&other->gen->vars, ref->target);
		if (n == SIZE_MAX || other->gen->vars_map < 0)
			return refuse(p, "a variable that its histogram asks for is kept nowhere", diag);
		r->map = other->gen->vars_map;
		r->bit = (uint32_t)n;
		r->offset = other->gen->vars.v[n].offset;
	}
	return 0;
}

static void find_synths(struct fl_session *t, struct live_probe *p)
{
	for (size_t i = 0; i < p->trigger->nr_actions; i++) {
		struct fl_gen_synth *s = &p->gen->synth[p->gen->nr_synths++];

		for (size_t k = 0; k < t->n; k++)
			if (p->trigger->action[i]->synth == t->probes[k].event)
				*s = (struct fl_gen_synth){ (uint16_t)k, &t->probes[k].pub.schema.layout };
	}
}

int live_make_triggers(struct fl_session *t, struct fl_diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < t->n && r == 0; i++) {
		t->failed = i;
		if (t->probes[i].event->kind == FL_PROBE_SYNTH)
			r = lay_out_synth(&t->probes[i]);
		else if (t->probes[i].trigger)
			r = prepare(&t->probes[i], diag);
	}
	for (size_t i = 0; i < t->n && r == 0; i++) {
		t->failed = i;
		if (!t->probes[i].trigger)
			continue;
		r = find_refs(t, &t->probes[i], diag);
		find_synths(t, &t->probes[i]);
	}
	return r;
}

uint64_t live_left_over(const struct live_probe *p)
{
	uint8_t keys[2][FL_HIST_MAX_KEY];
	const void *last = NULL;
	uint64_t n = 0;

	if (!p->gen || p->gen->vars_map < 0)
		return 0;
	while (fl_bpf_map_next_key(p->gen->vars_map, last, keys[n & 1]) == 0)
		last = keys[n++ & 1];
	return n;
}

void live_free_trigger(struct live_probe *p)
{
	if (p->gen)
		live_close(&p->gen->vars_map);
	free(p->gen);
	p->gen = NULL;
}
