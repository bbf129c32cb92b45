/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/agent/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/util.h"
#include "fleet/agent/notify.h"
#include "fleet/agent/running.h"
#include "fleet/config/config.h"
#include "probe/lib/engine.h"

#define SECOND	      1000000000ull
#define MS	      1000000ull
#define SERIES_BUDGET 10000
#define NAP_LEAST_MS  5
#define NAP_MOST_MS   100  /* while records may come: a ring holds what comes meanwhile */
#define NAP_IDLE_MS   1000 /* while none can */
#define NAP_SEND_MS   20   /* while a request is under way */
#define CALM_NS	      (200 * MS) /* a folder that changes is read when it has been quiet that long */

struct fl_agent {
	struct fl_agent_opts o;
	struct fl_system *sys;
	struct fl_running **v;
	size_t n;
	struct fl_push *push; /* NULL: nothing is sent */
	uint64_t budget_next, watchdog_next;
	uint64_t reloads, refused_reloads;
	int inotify;
	uint64_t changed; /* when the folder was last seen to change; 0: it is as it was read */
	unsigned int nap;
};

static void say(struct fl_agent *a, enum fl_level level, const char *text)
{
	a->o.said(a->o.ctx, level, text);
}

/* ---- what is found out ---- */

static int on_record(void *ctx, struct fl_running *q, const struct fl_record *rec, size_t size)
{
	struct fl_agent *a = ctx;

	if (!a->push)
		return 0;
	return fl_push_record(a->push, fl_str(fl_running_question(q)->name), fl_running_schema(q, rec), rec, size,
			      fl_running_time(q, rec), fl_running_symbols(q));
}

static void add_reloads(struct fl_metrics *m, const char *result, uint64_t n)
{
	_cleanup_labels_ struct fl_labels labels = {};

	fl_labels_add(&labels, FL_STR("result"), fl_str(result));
	fl_metrics_add(m, FL_METRIC_RELOADS, &labels, FL_U64(n));
}

int fl_agent_values(void *agent, struct fl_metrics **ret)
{
	struct fl_agent *a = agent;
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	int r = fl_metrics_new(SERIES_BUDGET, &m);

	for (size_t i = 0; i < a->n && r == 0; i++)
		r = fl_running_metrics(a->v[i], m);
	if (r < 0)
		return r;
	fl_metrics_add(m, FL_METRIC_QUESTIONS, NULL, FL_U64(a->n));
	add_reloads(m, "taken", a->reloads);
	add_reloads(m, "refused", a->refused_reloads);
	if (a->push)
		fl_push_metrics(a->push, m);
	fl_metrics_process(m);
	fl_metrics_finish(m);
	*ret = TAKE_PTR(m);
	return 0;
}

/* ---- the questions ---- */

/* The same as one that is asked already goes on. */
static size_t find_same(const struct fl_agent *a, const struct fl_question *q)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct fl_question *o = a->v[i] ? fl_running_question(a->v[i]) : NULL;

		if (o && strcmp(o->name, q->name) == 0 && fl_str_eq(o->text, q->text))
			return i;
	}
	return a->n;
}

struct set {
	struct fl_running **v;
	bool *kept; /* was asked before */
	size_t n;
};

static void drop_set(struct set *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->kept[i])
			fl_running_free(s->v[i]);
	free(s->v);
	free(s->kept);
}

static int start_all(struct fl_agent *a, struct fl_questions *all, struct set *s, struct fl_diag *diag,
		     struct fl_arena *place)
{
	s->v = calloc(all->n + 1, sizeof(struct fl_running *));
	s->kept = calloc(all->n + 1, sizeof(*s->kept));
	if (!s->v || !s->kept)
		return -ENOMEM;
	for (size_t i = 0; i < all->n; i++) {
		size_t same = find_same(a, all->v[i]);
		int r;

		s->kept[i] = same < a->n;
		if (s->kept[i]) {
			s->v[s->n++] = a->v[same];
			continue;
		}
		r = fl_running_start(a->sys, all->v[i], &s->v[i], diag, place);
		if (r < 0) {
			if (!diag->place)
				diag->place = fl_arena_dup(place, fl_str(all->v[i]->path));
			return r;
		}
		all->v[i] = NULL; /* its */
		s->n++;
	}
	return 0;
}

static bool is_in(const struct set *s, const struct fl_running *r)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == r)
			return true;
	return false;
}

static void take(struct fl_agent *a, struct set *s)
{
	for (size_t i = 0; i < a->n; i++) {
		if (is_in(s, a->v[i]))
			continue;
		fl_running_finish(a->v[i], on_record, a);
		fl_running_free(a->v[i]);
	}
	free(a->v);
	free(s->kept);
	a->v = s->v;
	a->n = s->n;
	*s = (struct set){};
}

/* All or nothing: the new ones are asked before the old ones go. */
static int read_questions(struct fl_agent *a)
{
	_cleanup_questions_ struct fl_questions all = {};
	_cleanup_arena_ struct fl_arena place = {};
	struct fl_diag diag = {};
	struct set s = {};
	int r = fl_questions_read(a->o.config, &all, &diag, &place);

	if (r == 0)
		r = start_all(a, &all, &s, &diag, &place);
	if (r < 0) {
		drop_set(&s);
		a->o.found(a->o.ctx, &diag, r);
	} else {
		take(a, &s);
	}
	fl_diag_fini(&diag);
	return r;
}

static void say_status(struct fl_agent *a)
{
	_cleanup_buf_ struct fl_buf b = {};

	fl_buf_addf(&b, "STATUS=%zu questions are asked", a->n);
	fl_notify(fl_buf_z(&b));
}

static void read_again(struct fl_agent *a)
{
	a->changed = 0;
	fl_notify("RELOADING=1");
	if (read_questions(a) < 0) {
		a->refused_reloads++;
		say(a, FL_WARNING, "the questions that were asked before go on");
	} else {
		a->reloads++;
		say(a, FL_NOTE, "the questions were read again");
	}
	fl_notify("READY=1");
	say_status(a);
}

/* What has changed does not matter: all is read. */
static void look_at_folder(struct fl_agent *a, uint64_t now)
{
	char events[4096] __attribute__((aligned(8)));

	while (read(a->inotify, events, sizeof(events)) > 0)
		a->changed = now;
	if (a->changed && now - a->changed >= CALM_NS)
		read_again(a);
}

static int hold_budgets(struct fl_agent *a, uint64_t now)
{
	if (now < a->budget_next)
		return 0;
	a->budget_next = now + SECOND;
	for (size_t i = 0; i < a->n; i++) {
		_cleanup_buf_ struct fl_buf why = {};
		int r = fl_running_budget(a->v[i], a->sys, now, on_record, a, &why);

		if (why.len)
			say(a, r < 0 ? FL_ERROR : FL_WARNING, fl_buf_z(&why));
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

/* ---- the loop ---- */

static int read_records(struct fl_agent *a, bool *ret_any, bool *ret_may)
{
	*ret_any = *ret_may = false;
	for (size_t i = 0; i < a->n; i++) {
		int64_t n = fl_running_read(a->v[i], on_record, a);

		if (n < 0)
			return (int)n;
		*ret_any |= n > 0;
		*ret_may |= fl_running_has_records(a->v[i]);
	}
	return 0;
}

static void be_alive(struct fl_agent *a, uint64_t now)
{
	uint64_t every = fl_notify_watchdog_ns();

	if (!every || now < a->watchdog_next)
		return;
	a->watchdog_next = now + every;
	fl_notify("WATCHDOG=1");
}

static unsigned int next_nap(struct fl_agent *a, bool any, bool may)
{
	uint64_t watchdog = fl_notify_watchdog_ns() / MS;
	unsigned int most = may ? NAP_MOST_MS : NAP_IDLE_MS;

	if (watchdog && watchdog < most)
		most = (unsigned int)watchdog / 2 + 1;
	if (a->changed)
		most = FL_MIN(most, (unsigned int)(CALM_NS / MS));
	if (a->push && fl_push_is_busy(a->push))
		most = FL_MIN(most, (unsigned int)NAP_SEND_MS);
	a->nap = any ? NAP_LEAST_MS : a->nap * 2;
	a->nap = FL_MIN(a->nap, most);
	return a->nap;
}

static void wait_a_little(struct fl_agent *a, struct fl_listen *listen, unsigned int ms)
{
	struct pollfd p[] = { { .fd = a->inotify, .events = POLLIN },
			      { .fd = listen ? fl_listen_fd(listen) : -1, .events = POLLIN } };

	poll(p, FL_ARRAY_SIZE(p), (int)ms);
	if (listen)
		fl_listen_run(listen);
}

static int step(struct fl_agent *a, struct fl_listen *listen)
{
	uint64_t now = fl_time_ns(CLOCK_MONOTONIC);
	bool any, may;
	int r = read_records(a, &any, &may);

	if (r == 0)
		r = hold_budgets(a, now);
	if (r == 0 && a->push)
		r = fl_push_run(a->push, now);
	if (r < 0)
		return r;
	look_at_folder(a, now);
	be_alive(a, now);
	wait_a_little(a, listen, next_nap(a, any, may));
	return 0;
}

static int finish(struct fl_agent *a)
{
	int r = 0;

	fl_notify("STOPPING=1");
	for (size_t i = 0; i < a->n && r == 0; i++)
		r = fl_running_finish(a->v[i], on_record, a);
	return r < 0 || !a->push ? r : fl_push_finish(a->push);
}

int fl_agent_run(struct fl_agent *a, struct fl_push *push, struct fl_listen *listen, const volatile sig_atomic_t *stop)
{
	int r = 0, last;

	a->push = push;
	fl_notify("READY=1");
	say_status(a);
	while (r == 0 && !*stop)
		r = step(a, listen);
	last = finish(a);
	return r < 0 ? r : last;
}

int fl_agent_new(const struct fl_agent_opts *o, struct fl_agent **ret)
{
	struct fl_agent *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->o = *o;
	a->nap = NAP_LEAST_MS;
	a->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->inotify < 0 || inotify_add_watch(a->inotify, o->config, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
								       IN_DELETE | IN_CREATE | IN_ONLYDIR) < 0) {
		r = -errno;
		o->found(o->ctx, &(struct fl_diag){}, r);
	} else {
		r = fl_system_open(NULL, &a->sys);
		if (r == 0 && o->opened)
			r = o->opened(o->ctx, fl_system_target(a->sys));
		if (r == 0)
			r = read_questions(a);
	}
	if (r < 0) {
		fl_agent_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void fl_agent_free(struct fl_agent *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		fl_running_free(a->v[i]);
	free(a->v);
	fl_system_close(a->sys);
	if (a->inotify >= 0)
		close(a->inotify);
	free(a);
}
