/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enabled events, traced by BPF programs. Each probe has a session of its own, so that it can come and
 * go while others run; what the sessions hand out is put in order of time here. A record is certain to
 * be in order once it is older than SETTLE_NS: until then another CPU may still be writing one before it.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "btf/ksyms.h"
#include "base/num.h"
#include "probe/live/session.h"
#include "probe/output/text.h"
#include "probe/tracefs/private.h"

#define RING_BYTES (64u << 10) /* a CPU and probe */
#define SETTLE_NS  2000000u

struct live_event {
	struct live_event *next;
	struct tracefs *fs;
	struct fl_probe_event *event; /* the list's */
	struct fl_session *session;   /* NULL: it was enabled once, and its counts are kept */
	struct fl_text *text;
	struct fl_totals before; /* of sessions that are over */
	uint64_t lost;		 /* of this session's, what the buffer knows of */
	pid_t self;
};

static struct live_event *find(const struct tracefs *fs, const struct fl_probe_event *e)
{
	struct live_event *l = fs->live;

	while (l && l->event != e)
		l = l->next;
	return l;
}

bool tracefs_is_enabled(const struct tracefs *fs, const struct fl_probe_event *e)
{
	const struct live_event *l = find(fs, e);

	return l && l->session;
}

/* ---- records ---- */

/* The server's own reads of files are no part of what somebody traces. */
static bool is_own(const struct live_event *l, const struct fl_record *rec)
{
	return rec->pid == (uint32_t)l->self;
}

static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	_cleanup_buf_ struct fl_buf line = {};
	struct live_event *l = ctx;

	if (l->fs->buffer.off || is_own(l, rec))
		return 0;
	fl_text_record(l->text, cpu, rec, size, &line);
	return line.error ? line.error : trace_buffer_add(&l->fs->buffer, rec->time, fl_buf_str(&line));
}

/* A record that found its ring full, or for which there is no memory here, was written and is gone. */
static void drain_one(struct live_event *l, bool all)
{
	uint64_t before = all ? UINT64_MAX : fl_session_now(l->session) - SETTLE_NS;
	struct fl_totals now;

	while (fl_session_read(l->session, before, on_record, l) == -ENOMEM)
		trace_buffer_lose(&l->fs->buffer, 1);
	fl_session_totals(l->session, 0, &now);
	trace_buffer_lose(&l->fs->buffer, now.lost - l->lost);
	l->lost = now.lost;
}

void tracefs_drain(struct tracefs *fs, bool all)
{
	for (struct live_event *l = fs->live; l; l = l->next)
		if (l->session)
			drain_one(l, all);
}

/* ---- on and off ---- */

static void add_totals(struct fl_totals *to, const struct fl_totals *n)
{
	to->hits += n->hits;
	to->missed += n->missed;
}

static void switch_off(struct live_event *l)
{
	struct fl_totals now;

	if (!l->session)
		return;
	fl_session_stop(l->session);
	/* Programs that are under way end within milliseconds. */
	for (int i = 0; i < 100 && !fl_session_settled(l->session); i++) {
		drain_one(l, true);
		if (!fl_session_settled(l->session))
			usleep(200);
	}
	drain_one(l, true);
	fl_session_totals(l->session, 0, &now);
	add_totals(&l->before, &now);
	fl_text_free(l->text);
	fl_session_free(l->session);
	l->text = NULL;
	l->session = NULL;
	l->lost = 0;
}

static int start(struct live_event *l)
{
	const struct fl_session_opts opts = { .ring_bytes = RING_BYTES };
	struct fl_probe_event *e = l->event;
	int r = fl_session_new(l->fs->target, &opts, &l->session);

	if (r == 0)
		r = fl_session_add(l->session, e, e->text, FL_STR(""));
	if (r == 0)
		r = fl_session_start(l->session, NULL);
	if (r == 0)
		r = fl_text_new(fl_session_schemas(l->session), l->fs->symbols, &l->text);
	if (r < 0) {
		fl_text_free(l->text);
		fl_session_free(l->session);
		l->text = NULL;
		l->session = NULL;
	}
	return r;
}

static int switch_on(struct tracefs *fs, struct fl_probe_event *e)
{
	struct live_event *l = find(fs, e);

	if (!fl_target_is_live(fs->target))
		return -EOPNOTSUPP;
	if (!fs->symbols && fl_symbols_new(fs->target, &fs->symbols) < 0)
		return -ENOMEM;
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		*l = (struct live_event){ fs->live, fs, e, .self = getpid() };
		fs->live = l;
	}
	return l->session || e->deferred ? 0 : start(l);
}

/* All of the event's probes, or none of them. */
int tracefs_enable(struct tracefs *fs, struct fl_str group, struct fl_str event)
{
	int r = 0;

	for (size_t i = 0; i < fs->events.n && r == 0; i++)
		if (fl_event_is(fs->events.events[i], group, event))
			r = switch_on(fs, fs->events.events[i]);
	if (r < 0)
		tracefs_disable(fs, group, event);
	return r;
}

void tracefs_disable(struct tracefs *fs, struct fl_str group, struct fl_str event)
{
	tracefs_drain(fs, true);
	for (struct live_event *l = fs->live; l; l = l->next)
		if (fl_event_is(l->event, group, event))
			switch_off(l);
}

/* Probes that were removed; an enabled one cannot be. */
void tracefs_forget_removed(struct tracefs *fs)
{
	struct live_event **at = &fs->live;

	while (*at) {
		struct live_event *l = *at;
		bool there = false;

		for (size_t i = 0; i < fs->events.n; i++)
			there |= fs->events.events[i] == l->event;
		if (there) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		free(l);
	}
}

void tracefs_free_live(struct tracefs *fs)
{
	while (fs->live) {
		struct live_event *l = fs->live;

		fs->live = l->next;
		switch_off(l);
		free(l);
	}
	fl_symbols_free(fs->symbols);
	trace_buffer_fini(&fs->buffer);
}

/* ---- what is told of them ---- */

void tracefs_profile(struct tracefs *fs, const struct fl_probe_event *e, uint64_t *ret_hits,
		     uint64_t *ret_missed)
{
	const struct live_event *l = find(fs, e);
	struct fl_totals n = {};

	if (l && l->session)
		fl_session_totals(l->session, 0, &n);
	*ret_hits = n.hits + (l ? l->before.hits : 0);
	*ret_missed = n.missed + (l ? l->before.missed : 0);
}

static int add_function(void *out, const struct fl_ksym *sym)
{
	if (sym->type == 't' || sym->type == 'T' || sym->type == 'w' || sym->type == 'W')
		fl_buf_addf(out, "%.*s (1)           \n", FL_STR_ARG(sym->name));
	return 0;
}

/* A function is listed once, however many events it has. */
static bool is_first_on(const struct tracefs *fs, const struct live_event *l)
{
	for (const struct live_event *other = fs->live; other != l; other = other->next)
		if (other->session && other->event->kind == FL_PROBE_FPROBE &&
		    fl_str_eq(other->event->place.symbol, l->event->place.symbol))
			return false;
	return true;
}

void tracefs_enabled_functions(struct tracefs *fs, struct fl_buf *out)
{
	struct fl_ksyms *syms;

	if (fl_target_ksyms(fs->target, &syms) < 0)
		return;
	for (const struct live_event *l = fs->live; l; l = l->next)
		if (l->session && l->event->kind == FL_PROBE_FPROBE && is_first_on(fs, l))
			fl_ksyms_each(syms, l->event->place.symbol, add_function, out);
}
