/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_event_pid and set_event_notrace_pid: whose events are wanted, and whose are not. With the option event-fork
 * a child is what its parent is, from its first moment on, and forgotten when it is freed (it has events while it
 * ends): two events of the kernel are watched for that, whose records come in order of time among the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "probe/tracefs/private.h"

static size_t place_in(const struct pid_list *l, uint32_t pid)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->pids[middle] < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has(const struct pid_list *l, uint32_t pid)
{
	size_t i = place_in(l, pid);

	return i < l->n && l->pids[i] == pid;
}

static int add(struct pid_list *l, uint32_t pid)
{
	size_t i = place_in(l, pid);

	if (has(l, pid))
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		uint32_t *more = reallocarray(l->pids, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->pids = more;
		l->cap = cap;
	}
	memmove(l->pids + i + 1, l->pids + i, (l->n++ - i) * sizeof(*l->pids));
	l->pids[i] = pid;
	return 0;
}

static void drop(struct pid_list *l, uint32_t pid)
{
	size_t i = place_in(l, pid);

	if (has(l, pid))
		memmove(l->pids + i, l->pids + i + 1, (--l->n - i) * sizeof(*l->pids));
}

/*
 * @others: whom the event is about, such as the task that is switched to: as the kernel does, an event of a switch
 * or of a wakeup passes where any of them is wanted, and where not all are unwanted.
 */
bool pids_pass(const struct instance *in, uint32_t pid, const uint32_t *others, size_t n)
{
	bool wanted = !in->wanted.n || has(&in->wanted, pid), unwanted = in->unwanted.n && has(&in->unwanted, pid);

	for (size_t i = 0; i < n && others[1]; i++) {
		wanted |= has(&in->wanted, others[i]);
		unwanted &= has(&in->unwanted, others[i]);
	}
	return wanted && !unwanted;
}

void pids_fork(struct instance *in, uint32_t parent, uint32_t child)
{
	if (has(&in->wanted, parent))
		add(&in->wanted, child);
	if (has(&in->unwanted, parent))
		add(&in->unwanted, child);
}

void pids_exit(struct instance *in, uint32_t pid)
{
	drop(&in->wanted, pid);
	drop(&in->unwanted, pid);
}

void pids_fini(struct instance *in)
{
	free(in->wanted.pids);
	free(in->unwanted.pids);
	in->wanted = in->unwanted = (struct pid_list){};
}

/* ---- event-fork ---- */

static int watch(struct instance *in, const char *event, struct live_event **ret)
{
	return *ret ? 0 : live_watch(in, "sched", event, ret);
}

static void unwatch(struct live_event **l)
{
	struct live_event *gone = *l;

	*l = NULL;
	live_disable(gone);
}

/* Nobody is followed where nobody is listed. */
static int follow(struct instance *in)
{
	int r;

	if (!in->event_fork || (!in->wanted.n && !in->unwanted.n)) {
		unwatch(&in->forks);
		unwatch(&in->exits);
		return 0;
	}
	r = watch(in, "sched_process_fork", &in->forks);
	return r < 0 ? r : watch(in, "sched_process_free", &in->exits);
}

static int fork_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	fl_buf_addz(out, in->event_fork ? "1\n" : "0\n");
	return 0;
}

static int fork_store(struct fl_node *attr, struct fl_str text)
{
	struct instance *in = attr->data;
	bool on;
	int r = tracefs_switch(text, &on);

	if (r < 0)
		return r;
	tracefs_drain(in, true);
	in->event_fork = on;
	return follow(in);
}

/* ---- the files ---- */

static int list_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct pid_list *l = attr->data;

	for (size_t i = 0; i < l->n; i++)
		fl_buf_addf(out, "%u\n", l->pids[i]);
	return 0;
}

static int list_store(struct fl_node *attr, struct fl_str text)
{
	struct pid_list *l = attr->data;
	struct instance *in = l->in;
	struct fl_str word;
	uint64_t v;
	int r = 0;

	if (!in->root)
		return -ENODEV;
	tracefs_drain(in, true);
	while (r == 0 && fl_str_word(&text, &word))
		r = tracefs_number(word, 0, &v) < 0 || v > INT32_MAX ? -EINVAL : add(l, (uint32_t)v);
	return r < 0 ? r : follow(in);
}

static int list_clear(struct fl_node *attr)
{
	struct pid_list *l = attr->data;

	tracefs_drain(l->in, true);
	l->n = 0;
	return follow(l->in);
}

static int stacks_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	fl_buf_addz(out, in->stacks ? "1\n" : "0\n");
	return 0;
}

static int stacks_store(struct fl_node *attr, struct fl_str text)
{
	struct instance *in = attr->data;
	bool on;
	int r = tracefs_switch(text, &on);

	if (r < 0)
		return r;
	tracefs_drain(in, true);
	in->stacks = on;
	for (struct place *p = in->places; p && r == 0; p = p->next)
		r = p->is_running ? live_update(p) : 0;
	return r;
}

int tracefs_add_pids(struct instance *in)
{
	static const struct attr_row switches[] = { { "event-fork", 0644, { fork_show, fork_store } },
						    { "stacktrace", 0644, { stacks_show, stacks_store } } };
	static const struct attr_row lists[] = {
		{ "set_event_pid", 0644, { list_show, list_store, list_clear } },
		{ "set_event_notrace_pid", 0644, { list_show, list_store, list_clear } },
	};
	struct fl_node *options = instance_owns(in, fl_dir_new(NULL, in));
	int r = fl_dir_add(in->root, FL_STR("options"), options);

	if (r == 0)
		r = tracefs_add_attrs(in, options, switches, FL_ARRAY_SIZE(switches), in);
	in->wanted.in = in->unwanted.in = in;
	if (r == 0)
		r = tracefs_add_attrs(in, in->root, &lists[0], 1, &in->wanted);
	return r < 0 ? r : tracefs_add_attrs(in, in->root, &lists[1], 1, &in->unwanted);
}
