/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enabled events, traced by BPF programs. Each probe has a session of its own, so that it can come and go while
 * others run; the rings are the instance's, shared by its sessions, so that what comes out of them is in order of
 * time across events. Records say by a number whose they are. A record is certain to be in order once it is older
 * than SETTLE_NS: until then another CPU may still be writing one before it.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/sys.h"
#include "probe/event/synth.h"
#include "base/num.h"
#include "probe/filter/filter.h"
#include "probe/live/session.h"
#include "probe/output/flat.h"
#include "probe/output/stack.h"
#include "probe/output/text.h"
#include "probe/tracefs/private.h"

#define RING_BYTES (512u << 10) /* a CPU */
#define SETTLE_NS  2000000u
#define NUMBERS	   65535u

struct live_event {
	struct live_event *next;
	struct instance *in;
	struct place *place; /* NULL: it is watched for the instance's own sake, and makes no lines */
	struct fl_probe_event *event; /* the list's, or @kernels' */
	struct kernels_event *kernels; /* NULL: a definition */
	struct fl_session *session;   /* NULL: it was enabled once, and its counts are kept */
	struct fl_text *text;
	struct fl_totals before; /* of sessions that are over */
	uint64_t lost;		 /* of this session's, what the buffer knows of */
	uint16_t number;
	uint64_t ip; /* of a definition: where it fires; 0: records say it, or nobody knows */
};

static struct live_event *find(const struct instance *in, const struct fl_probe_event *e)
{
	struct live_event *l = in->live;

	while (l && l->event != e)
		l = l->next;
	return l;
}

bool tracefs_is_enabled(const struct tracefs *fs, const struct fl_probe_event *e)
{
	for (const struct instance *in = fs->instances; in; in = in->next) {
		const struct live_event *l = find(in, e);

		if (l && l->session)
			return true;
	}
	return false;
}

/* ---- records ---- */

/* A record, and how it is said. */
struct saying {
	struct live_event *l;
	uint32_t cpu;
	const struct fl_record *rec;
	size_t size;
	uint8_t *raw; /* of the kernel's: a copy that may be changed */
	size_t n;
};

static const struct fl_record_schema *schema_of(const struct live_event *l)
{
	return &fl_session_probe(l->session, 0)->schema;
}

/* Stacks are asked for apart. */
static void say_line(const struct moment *m, struct fl_buf *out)
{
	const struct saying *s = m->ctx;
	_cleanup_buf_ struct fl_buf line = {};

	if (s->l->kernels) {
		kernels_event_line(s->l->kernels, s->cpu, s->rec, s->raw, s->n, out);
		return;
	}
	fl_text_record(s->l->text, s->cpu, s->rec, s->size, &line);
	fl_buf_add_str(out, fl_str_sub(fl_buf_str(&line), 0, fl_str_find(fl_buf_str(&line), '\n', 0) + 1));
	fl_buf_pass_error(out, &line);
}

static void say_stack(const struct moment *m, struct fl_buf *out)
{
	const struct saying *s = m->ctx;

	fl_stack_text(schema_of(s->l), s->cpu, s->rec, s->size, s->l->in->fs->symbols, false, out);
}

/* The frames lie in the record, where they are wanted. */
static void find_frames(const struct saying *s, struct fl_count_record *r)
{
	const struct fl_record_schema *schema = schema_of(s->l);
	struct fl_stack stack = {};

	if (fl_record_stack(&schema->layout, s->rec, s->size, FL_STACK_KERNEL, &stack) < 0)
		return;
	fl_stack_trim(FL_STACK_KERNEL, schema->own_frames, s->l->in->fs->symbols, &stack);
	r->frames = stack.frames;
	r->nr_frames = stack.n;
}

static int pass(const struct saying *s, bool passes)
{
	struct fl_count_record r = { .data = s->raw, .size = s->n, .time = s->rec->time, .pid = s->rec->pid,
				     .cpu = s->cpu,
				     .comm = fl_str_n(s->rec->comm, strnlen(s->rec->comm, sizeof(s->rec->comm))) };
	struct moment m = { .p = s->l->place, .rec = &r, .raw = fl_str_n((const char *)s->raw, s->n),
			    .passes = passes, .line = say_line, .ctx = s };

	if (s->l->place->has_stacks) {
		find_frames(s, &r);
		m.stack = say_stack;
	}
	return moment_pass(&m);
}

/* The record as its own session has counted it. */
static int of_kernels(struct live_event *l, struct saying *s)
{
	const struct fl_record_layout *layout = &schema_of(l)->layout;
	uint32_t others[2];
	bool passes;
	int r = 0;

	kernels_event_common(l->kernels, s->rec, s->raw, s->n);
	others[0] = kernels_event_word(l->kernels, "prev_pid", s->raw, s->n);
	others[1] = kernels_event_word(l->kernels, "next_pid", s->raw, s->n);
	if (!others[1])
		others[0] = others[1] = kernels_event_word(l->kernels, "pid", s->raw, s->n);
	if (l == l->in->forks)
		pids_fork(l->in, kernels_event_word(l->kernels, "parent_pid", s->raw, s->n),
			  kernels_event_word(l->kernels, "child_pid", s->raw, s->n));
	passes = pids_pass(l->in, s->rec->pid, others, 2);
	if (l->place && (passes || place_has_triggers(l->place))) {
		l->place->passes_pids = passes;
		passes = passes && kernels_event_passes(l->kernels, layout, s->cpu, s->rec, s->size, s->raw, s->n);
		r = pass(s, passes);
	}
	if (l == l->in->exits)
		pids_exit(l->in, kernels_event_word(l->kernels, "pid", s->raw, s->n));
	return r;
}

static int say_kernels(struct live_event *l, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	size_t at = schema_of(l)->layout.raw_offset;
	_cleanup_buf_ struct fl_buf raw = {};
	struct saying s = { l, cpu, rec, size, NULL, 0 };

	if (size < at)
		return 0;
	fl_buf_add(&raw, fl_record_at(rec, at), size - at);
	s.raw = (uint8_t *)raw.data;
	s.n = raw.len;
	return raw.error ? raw.error : of_kernels(l, &s);
}

/* By the event's format, for who reads pages of records, and for filters and triggers. */
static int flatten(const struct live_event *l, const struct fl_record *rec, size_t size, struct fl_buf *out)
{
	const struct fl_flat f = { .schema = schema_of(l), .id = (uint16_t)l->place->id, .ip = l->ip,
				   .symbols = l->in->fs->symbols };

	return fl_flat_record(&f, rec, size, out);
}

static int say_definition(struct live_event *l, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	_cleanup_buf_ struct fl_buf flat = {};
	struct saying s = { l, cpu, rec, size, NULL, 0 };
	struct place *p = l->place;
	bool passes = pids_pass(l->in, rec->pid, NULL, 0);
	int r = 0;

	r = flatten(l, rec, size, &flat);
	if (r < 0)
		return r;
	s.raw = (uint8_t *)flat.data;
	s.n = flat.len;
	p->passes_pids = passes;
	if (p->filters_here && passes) {
		const struct fl_filter_env env = { .comm = fl_str_n(rec->comm, strnlen(rec->comm, FL_COMM_LEN)),
						   .cpu = cpu };

		passes = fl_filter_match(&p->here, s.raw, s.n, &env);
	}
	return pass(&s, passes);
}

static int say(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct live_event *l = ctx;

	return l->kernels ? say_kernels(l, cpu, rec, size) : say_definition(l, cpu, rec, size);
}

/* What goes out is numbered as the session's only event: a copy, as a ring is not written to. */
static int hand_on(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	_cleanup_buf_ struct fl_buf copy = {};
	struct live_event *l = ctx;

	if (l->kernels)
		return say(l, cpu, rec, size);
	fl_buf_add(&copy, (const char *)rec, size);
	if (copy.error)
		return copy.error;
	((struct fl_record *)(void *)copy.data)->event = 0;
	return say(l, cpu, (const struct fl_record *)(const void *)copy.data, size);
}

static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct instance *in = ctx;
	struct live_event *l = rec->event < in->nr_numbered ? in->numbered[rec->event] : NULL;

	return l ? fl_session_take(l->session, cpu, rec, size, hand_on, l) : 0;
}

static void count_lost(struct live_event *l)
{
	uint64_t now = fl_session_lost(l->session, 0);

	if (now == l->lost)
		return;
	if (l->place && l->place->wanted)
		trace_buffer_lose(&l->in->buffer, now - l->lost);
	if (l->place && l->place->hists)
		fl_count_lost(l->place->hists, now - l->lost);
	l->lost = now;
}

/* A record that found its ring full, or for which there is no memory here, was written and is gone. */
void tracefs_drain(struct instance *in, bool all)
{
	uint64_t before = UINT64_MAX;
	struct live_event *l = in->live;

	while (l && !l->session)
		l = l->next;
	if (!l || !in->rings)
		return;
	if (!all)
		before = fl_session_now(l->session) - SETTLE_NS;
	while (fl_rings_read(in->rings, before, on_record, in) == -ENOMEM)
		trace_buffer_lose(&in->buffer, 1);
	for (; l; l = l->next)
		if (l->session)
			count_lost(l);
}

/* ---- on and off ---- */

static void add_totals(struct fl_totals *to, const struct fl_totals *n)
{
	to->hits += n->hits;
	to->missed += n->missed;
}

static void drop_session(struct live_event *l)
{
	if (l->session && l->in->nr_numbered > l->number)
		l->in->numbered[l->number] = NULL;
	fl_text_free(l->text);
	fl_session_free(l->session);
	l->text = NULL;
	l->session = NULL;
	l->lost = 0;
}

static void switch_off(struct live_event *l)
{
	struct fl_totals now;

	if (!l->session)
		return;
	fl_session_stop(l->session);
	/* Programs that are under way end within milliseconds. */
	for (int i = 0; i < 100 && !fl_session_settled(l->session); i++) {
		tracefs_drain(l->in, true);
		if (!fl_session_settled(l->session))
			usleep(200);
	}
	tracefs_drain(l->in, true);
	fl_session_totals(l->session, 0, &now);
	add_totals(&l->before, &now);
	drop_session(l);
}

static int number(struct live_event *l)
{
	struct instance *in = l->in;
	size_t n = 0;

	while (n < in->nr_numbered && in->numbered[n])
		n++;
	if (n == NUMBERS)
		return -ENOSPC;
	if (n == in->nr_numbered) {
		void *more = reallocarray(in->numbered, n + 1, sizeof(*in->numbered));

		if (!more)
			return -ENOMEM;
		in->numbered = more;
		in->nr_numbered++;
	}
	in->numbered[n] = NULL;
	l->number = (uint16_t)n;
	return 0;
}

static int make_rings(struct instance *in)
{
	int cpus = in->rings ? 0 : fl_bpf_possible_cpus();

	if (in->rings || cpus < 0)
		return FL_MIN(cpus, 0);
	return fl_rings_create((uint32_t)cpus, RING_BYTES, &in->rings);
}

static int start(struct live_event *l, const char *filter)
{
	struct fl_session_opts opts = { .raw = l->kernels, .except = (uint32_t)getpid(),
					 .boot_clock = l->in->boot_clock,
					 .stacks = l->place && l->place->has_stacks ? 1u << FL_STACK_KERNEL : 0 };
	struct fl_probe_event *e = l->event;
	int r = make_rings(l->in);

	if (r == 0)
		r = number(l);
	opts.rings = l->in->rings;
	opts.first_event = l->number;
	if (r == 0)
		r = fl_session_new(l->in->fs->target, &opts, &l->session);
	if (r == 0)
		r = fl_session_add(l->session, e, e->text, fl_str(l->kernels ? NULL : filter));
	if (r == 0)
		r = fl_session_start(l->session, NULL);
	if (r == 0 && !l->kernels)
		r = fl_text_new(fl_session_schemas(l->session), l->in->fs->symbols, &l->text);
	if (r < 0)
		drop_session(l);
	else
		l->in->numbered[l->number] = l;
	return r;
}

static int prepare(struct instance *in)
{
	if (!in->root)
		return -ENODEV;
	if (!fl_target_is_live(in->fs->target))
		return -EOPNOTSUPP;
	return in->fs->symbols ? 0 : fl_symbols_new(in->fs->target, &in->fs->symbols);
}

static struct live_event *live_new(struct place *p, struct fl_probe_event *e)
{
	struct live_event *l = find(p->in, e);

	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	*l = (struct live_event){ .next = p->in->live, .in = p->in, .place = p, .event = e };
	p->in->live = l;
	return l;
}

static void drop_event(struct live_event *l)
{
	struct live_event **at = &l->in->live;

	switch_off(l); /* which reads the rings for all that are listed */
	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	kernels_event_free(l->kernels);
	free(l);
}

/* @here: its filter cannot be BPF's, as others want what it drops. */
static int start_kernels(struct instance *in, struct place *p, const char *system, const char *event,
			 const char *filter, bool here, struct live_event **ret)
{
	struct live_event *l = calloc(1, sizeof(*l));
	int r = l ? prepare(in) : -ENOMEM;

	if (r == 0)
		r = kernels_event_new(in->fs, system, event, here ? NULL : filter, &l->kernels);
	if (r < 0) {
		free(l);
		return r;
	}
	l->in = in;
	l->place = p;
	r = filter && here ? kernels_event_filter_here(l->kernels, filter) : 0;
	l->event = kernels_event_probe(l->kernels);
	r = r < 0 ? r : start(l, NULL);
	if (r < 0 && filter && !here) { /* perhaps for what the filter needs */
		r = kernels_event_filter_here(l->kernels, filter);
		l->event = kernels_event_probe(l->kernels);
		r = r < 0 ? r : start(l, NULL);
	}
	if (r < 0) {
		kernels_event_free(l->kernels);
		free(l);
		return r;
	}
	l->next = in->live;
	in->live = l;
	*ret = l;
	return 0;
}

int live_watch(struct instance *in, const char *system, const char *event, struct live_event **ret)
{
	return start_kernels(in, NULL, system, event, NULL, false, ret);
}

void live_disable(struct live_event *l)
{
	if (l)
		drop_event(l);
}

/* All of the event's probes, or none of them. */
static int start_definitions(struct place *p)
{
	const struct fl_event_chain *named =
		fl_event_list_named(&p->in->fs->events, fl_str(p->system), fl_str(p->event));
	int r = prepare(p->in);

	if (r == 0 && p->filter && (p->filters_here || !place_event(p) || place_event(p)->kind == FL_PROBE_SYNTH))
		r = place_parse_filter(p, fl_str(p->filter), &p->here);
	for (size_t i = 0; i < named->n && r == 0; i++) {
		struct fl_probe_event *e = named->v[i];
		struct live_event *l = live_new(p, e);

		if (!l)
			r = -ENOMEM;
		else if (e->kind == FL_PROBE_EPROBE && fl_str_is(e->place.system, FL_SYNTH_SYSTEM))
			r = -EOPNOTSUPP; /* it would read memory when that moment is over */
		else if (!l->session && !e->deferred && e->kind != FL_PROBE_SYNTH) {
			l->ip = fl_flat_place(p->in->fs->target, e);
			r = start(l, p->filters_here ? NULL : p->filter);
		}
	}
	return r;
}

static void stop(struct place *p)
{
	p->is_running = false;
	for (struct live_event *l = p->in->live, *next; l; l = next) {
		next = l->next;
		if (l->place != p)
			continue;
		if (l->kernels)
			drop_event(l);
		else
			switch_off(l); /* its counts are kept */
	}
	fl_filter_fini(&p->here);
}

int live_update(struct place *p)
{
	bool triggers = place_has_triggers(p), wanted = p->wanted || p->switched_by || triggers;
	bool stacks = p->in->stacks || commands_want_stack(p) || (p->hists && fl_count_wants_stack(p->hists));
	struct live_event *l;
	int r;

	if (p->is_running && wanted && stacks == p->has_stacks && triggers == p->filters_here)
		return 0;
	if (p->is_running)
		stop(p);
	if (!wanted || !fl_target_is_live(p->in->fs->target))
		return p->wanted ? -EOPNOTSUPP : 0;
	p->has_stacks = stacks;
	p->filters_here = triggers;
	if (!is_place_enableable(p)) /* made here */
		r = prepare(p->in);
	else if (p->is_kernels)
		r = start_kernels(p->in, p, p->system, p->event, p->filter, triggers, &l);
	else
		r = start_definitions(p);
	p->is_running = true;
	if (r < 0)
		stop(p);
	return r;
}

int live_restart(struct place *p)
{
	stop(p);
	return live_update(p);
}

/* Probes that were removed; an enabled one cannot be. */
void tracefs_forget_removed(struct tracefs *fs)
{
	for (struct instance *in = fs->instances; in; in = in->next)
		for (struct live_event *l = in->live, *next; l; l = next) {
			bool there = l->session;

			next = l->next;
			for (size_t i = 0; i < fs->events.n && !there; i++)
				there = fs->events.events[i] == l->event;
			if (!there)
				drop_event(l);
		}
}

void tracefs_free_live(struct instance *in)
{
	while (in->live)
		drop_event(in->live);
	in->forks = in->exits = NULL;
	free(in->numbered);
	in->numbered = NULL;
	in->nr_numbered = 0;
	fl_rings_free(in->rings);
	in->rings = NULL;
}

/* ---- what is told of them ---- */

void tracefs_profile(struct tracefs *fs, const struct fl_probe_event *e, uint64_t *ret_hits,
		     uint64_t *ret_missed)
{
	*ret_hits = *ret_missed = 0;
	for (const struct instance *in = fs->instances; in; in = in->next) {
		const struct live_event *l = find(in, e);
		struct fl_totals n = {};

		if (!l)
			continue;
		if (l->session)
			fl_session_totals(l->session, 0, &n);
		*ret_hits += n.hits + l->before.hits;
		*ret_missed += n.missed + l->before.missed;
	}
}

static int add_function(void *ctx, const struct fl_ksym *sym)
{
	if (sym->type != 't' && sym->type != 'T' && sym->type != 'w' && sym->type != 'W')
		return 0;
	return fl_map_put(ctx, sym->name, NULL) ? 0 : -ENOMEM;
}

void tracefs_enabled_functions(struct tracefs *fs, struct fl_buf *out)
{
	_cleanup_map_ struct fl_map names = {}; /* a function is listed once, however many events it has */
	struct fl_ksyms *syms;

	if (fl_target_ksyms(fs->target, &syms) < 0)
		return;
	for (const struct instance *in = fs->instances; in; in = in->next)
		for (const struct live_event *l = in->live; l; l = l->next)
			if (l->session && l->event->kind == FL_PROBE_FPROBE)
				fl_ksyms_each(syms, l->event->place.symbol, add_function, &names);
	fl_map_for_each(e, &names)
		fl_buf_addf(out, "%.*s (1)           \n", FL_STR_ARG(e->key));
}
