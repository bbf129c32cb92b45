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
#include "base/num.h"
#include "probe/live/session.h"
#include "probe/output/text.h"
#include "probe/tracefs/private.h"

#define RING_BYTES (512u << 10) /* a CPU */
#define SETTLE_NS  2000000u
#define NUMBERS	   65535u

struct live_event {
	struct live_event *next;
	struct instance *in;
	struct fl_probe_event *event; /* the list's, or @kernels' */
	struct kernels_event *kernels; /* NULL: a definition */
	struct fl_session *session;   /* NULL: it was enabled once, and its counts are kept */
	struct fl_text *text;
	struct fl_totals before; /* of sessions that are over */
	uint64_t lost;		 /* of this session's, what the buffer knows of */
	uint16_t number;
	bool silent; /* it is watched for the instance's own sake */
};

static struct live_event *find(const struct instance *in, const struct fl_probe_event *e)
{
	struct live_event *l = in->live;

	while (l && l->event != e)
		l = l->next;
	return l;
}

bool tracefs_is_enabled(const struct tracefs *fs, const struct instance *in, const struct fl_probe_event *e)
{
	for (const struct instance *i = in ? in : fs->instances; i; i = in ? NULL : i->next) {
		const struct live_event *l = find(i, e);

		if (l && l->session)
			return true;
	}
	return false;
}

/* ---- records ---- */

struct reading {
	struct instance *in;
	struct live_event *l;
};

/* The record as its own session has counted it. @raw is a copy that may be changed. */
static int of_kernels(struct live_event *l, uint32_t cpu, const struct fl_record *rec, size_t size, uint8_t *raw,
		      struct fl_buf *line)
{
	const struct fl_record_layout *layout = &fl_session_probe(l->session, 0)->schema.layout;
	size_t n = size - layout->raw_offset;
	uint32_t others[2] = { kernels_event_word(l->kernels, "prev_pid", raw, n),
			       kernels_event_word(l->kernels, "next_pid", raw, n) };

	if (!others[1])
		others[0] = others[1] = kernels_event_word(l->kernels, "pid", raw, n);
	if (l == l->in->forks)
		pids_fork(l->in, kernels_event_word(l->kernels, "parent_pid", raw, n),
			  kernels_event_word(l->kernels, "child_pid", raw, n));
	if (!l->silent && pids_pass(l->in, rec->pid, others, 2) &&
	    kernels_event_passes(l->kernels, layout, cpu, rec, size, raw, n))
		kernels_event_line(l->kernels, cpu, rec, raw, n, line);
	if (l == l->in->exits)
		pids_exit(l->in, kernels_event_word(l->kernels, "pid", raw, n));
	return 0;
}

static int say(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	_cleanup_buf_ struct fl_buf line = {}, raw = {};
	struct live_event *l = ctx;
	struct instance *in = l->in;

	if (!l->silent && (in->buffer.off || !cpus_has(in, cpu)))
		return 0;
	if (l->kernels) {
		size_t at = fl_session_probe(l->session, 0)->schema.layout.raw_offset;

		if (size < at)
			return 0;
		fl_buf_add(&raw, fl_record_at(rec, at), size - at);
		if (raw.error)
			return raw.error;
		of_kernels(l, cpu, rec, size, (uint8_t *)raw.data, &line);
	} else if (pids_pass(in, rec->pid, NULL, 0)) {
		fl_text_record(l->text, cpu, rec, size, &line);
	}
	if (line.error || !line.len)
		return line.error;
	return trace_buffer_add(&in->buffer, rec->time, fl_buf_str(&line));
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
	struct fl_totals now;

	fl_session_totals(l->session, 0, &now);
	if (!l->silent)
		trace_buffer_lose(&l->in->buffer, now.lost - l->lost);
	l->lost = now.lost;
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
					 .boot_clock = l->in->boot_clock };
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

static int switch_on(struct instance *in, struct fl_probe_event *e, const char *filter)
{
	struct live_event *l = find(in, e);
	int r = prepare(in);

	if (r < 0)
		return r;
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		*l = (struct live_event){ .next = in->live, .in = in, .event = e };
		in->live = l;
	}
	return l->session || e->deferred ? 0 : start(l, filter);
}

/* All of the event's probes, or none of them. */
int tracefs_enable(struct instance *in, struct fl_str group, struct fl_str event, const char *filter)
{
	const struct fl_event_chain *named = fl_event_list_named(&in->fs->events, group, event);
	int r = 0;

	for (size_t i = 0; i < named->n && r == 0; i++)
		r = switch_on(in, named->v[i], filter);
	if (r < 0)
		tracefs_disable(in, group, event);
	return r;
}

void tracefs_disable(struct instance *in, struct fl_str group, struct fl_str event)
{
	for (struct live_event *l = in->live; l; l = l->next)
		if (!l->kernels && fl_event_is(l->event, group, event))
			switch_off(l);
}

static void forget(struct live_event *l)
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

int live_enable_kernels(struct instance *in, const char *system, const char *event, const char *filter,
			struct live_event **ret)
{
	struct live_event *l = calloc(1, sizeof(*l));
	int r = l ? prepare(in) : -ENOMEM;

	if (r == 0)
		r = kernels_event_new(in->fs, system, event, filter, &l->kernels);
	if (r < 0) {
		free(l);
		return r;
	}
	l->in = in;
	l->event = kernels_event_probe(l->kernels);
	r = start(l, NULL);
	if (r < 0 && filter) { /* perhaps for what the filter needs */
		r = kernels_event_filter_here(l->kernels);
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

void live_disable(struct live_event *l)
{
	if (l)
		forget(l);
}

void live_watch_silently(struct live_event *l)
{
	l->silent = true;
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
				forget(l);
		}
}

void tracefs_free_live(struct instance *in)
{
	while (in->live)
		forget(in->live);
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
