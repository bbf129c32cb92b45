/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of whose events are wanted (gen/task-filter.h): maps, and the programs that follow forks. They are
 * in place before the first probe is.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "bpf/sys.h"
#include "probe/live/private.h"

#define SET_MAX	   65536 /* processes at once */
#define BUDGET_MAX 65536 /* tasks at once; the one that was seen longest ago makes room */

/* The first pid namespace has this number in every kernel. */
#define INIT_PID_NAMESPACE "pid:[4026531836]"

static bool in_first_namespace(void)
{
	char name[64] = "";

	return readlink("/proc/self/ns/pid", name, sizeof(name) - 1) < 0 || strcmp(name, INIT_PID_NAMESPACE) == 0;
}

static int make_map(uint32_t type, const char *name, uint32_t key, uint32_t value, uint32_t entries)
{
	return fl_bpf_map_create(&(struct fl_bpf_map){ .type = type, .name = name, .key_size = key,
						       .value_size = value, .entries = entries });
}

/* ---- the namespace that we are in ---- */

static int ask_namespace(struct fl_session *t, struct fl_gen_pidns *ret)
{
	_cleanup_insns_ struct fl_insns insns = {};
	_cleanup_close_ int map = -1, prog = -1;
	_cleanup_buf_ struct fl_buf why = {};
	struct fl_attach_point nowhere = {};
	struct fl_whoami me = {};
	uint32_t key = 0;
	struct fl_btf *btf;
	int r = fl_target_btf(t->target, &btf);

	if (r == 0)
		r = fl_gen_pids_find(btf, &ret->at);
	if (r < 0)
		return r;
	map = make_map(BPF_MAP_TYPE_ARRAY, "fl_whoami", 4, sizeof(me), 1);
	if (map < 0)
		return map;
	r = fl_gen_whoami(&t->env, &ret->at, map, &insns);
	if (r < 0)
		return r;
	prog = fl_prog_load(FL_HOOK_RAW_TP, &nowhere, "foreland_whoami", &insns, &why);
	if (prog < 0)
		return prog;
	r = fl_bpf_prog_run(prog);
	if (r == 0)
		r = fl_bpf_map_lookup(map, &key, &me);
	ret->address = me.ns;
	ret->level = (uint32_t)me.level;
	return r < 0 ? r : me.ns ? 0 : -EOPNOTSUPP;
}

/* ---- the set of processes ---- */

static int put(const struct fl_session *t, uint32_t pid, uint8_t value)
{
	return fl_bpf_map_update(t->tasks.gen.set_fd, &pid, &value, BPF_ANY);
}

static bool hands_down(const struct fl_session *t, uint32_t pid)
{
	uint8_t value = 0;

	return fl_bpf_map_lookup(t->tasks.gen.set_fd, &pid, &value) == 0 && value & FL_TASK_WANTED &&
	       value & FL_TASK_CHILDREN;
}

/* The fourth word of a process's stat, whose second is a name with anything in it. */
static uint32_t parent_of(const char *pid)
{
	_cleanup_file_ struct fl_file f = {};
	_cleanup_buf_ struct fl_buf path = {};
	struct fl_str text, word;
	uint64_t n = 0;

	fl_buf_addf(&path, "/proc/%s/stat", pid);
	if (path.error || fl_file_open(fl_buf_z(&path), 4096, &f) < 0)
		return 0;
	text = fl_file_str(&f);
	while (text.n && memchr(text.p, ')', text.n))
		text = fl_str_from(text, fl_str_find(text, ')', 0) + 1);
	if (!fl_str_word(&text, &word) || !fl_str_word(&text, &word) || fl_parse_u64(word, 10, &n) < 0)
		return 0;
	return (uint32_t)n;
}

/* One look at all processes: how many were added, or -errno. */
static int add_children(const struct fl_session *t)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int r = 0, n = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir))) {
		uint64_t pid;

		if (fl_parse_u64(fl_str(e->d_name), 10, &pid) < 0 || hands_down(t, (uint32_t)pid) ||
		    !hands_down(t, parent_of(e->d_name)))
			continue;
		r = put(t, (uint32_t)pid, FL_TASK_WANTED | FL_TASK_CHILDREN);
		n++;
	}
	closedir(dir);
	return r < 0 ? r : n;
}

/*
 * Those that are there already. Forks are followed by now; a child that was made before its parent was in
 * the set is there to be seen when this looks again.
 */
static int add_descendants(const struct fl_session *t)
{
	int n;

	do
		n = add_children(t);
	while (n > 0);
	return n;
}

static int follow(struct fl_session *t, const char *tracepoint, const struct fl_insns *insns)
{
	struct fl_attach_point at = { .name = tracepoint };
	struct live_follower *f = &t->tasks.followers[t->tasks.nr_followers];
	_cleanup_buf_ struct fl_buf why = {};
	int r;

	f->prog = fl_prog_load(FL_HOOK_RAW_TP, &at, "foreland_follow", insns, &why);
	if (f->prog < 0)
		return f->prog;
	r = fl_prog_attach(FL_HOOK_RAW_TP, &at, f->prog, &f->attached);
	if (r < 0)
		live_close(&f->prog);
	else
		t->tasks.nr_followers++;
	return r;
}

/*
 * The kernel leaves a program out where it has interrupted itself: on a kernel that runs tracepoints with
 * preemption (7.3), where the fork of one task was preempted within it, and the next one's is on the same processor.
 * So there are several copies, which do the same, and a fork is lost only where all of them are left out.
 */
static int follow_forks(struct fl_session *t)
{
	_cleanup_insns_ struct fl_insns freed = {};
	int r = 0;

	t->tasks.failed = make_map(BPF_MAP_TYPE_ARRAY, "fl_unfollowed", 4, sizeof(uint64_t[LIVE_FORK_COPIES]), 1);
	if (t->tasks.failed < 0)
		return t->tasks.failed;
	for (uint32_t i = 0; i < LIVE_FORK_COPIES && r == 0; i++) {
		_cleanup_insns_ struct fl_insns fork = {};

		r = fl_gen_fork(&t->env, t->tasks.failed, i * (uint32_t)sizeof(uint64_t), &fork);
		if (r == 0)
			r = follow(t, "sched_process_fork", &fork);
	}
	if (r < 0 || t->tasks.gen.ns)
		return r;
	r = fl_gen_free(&t->env, &freed);
	return r < 0 ? r : follow(t, "sched_process_free", &freed);
}

static int make_set(struct fl_session *t)
{
	const struct fl_session_opts *o = &t->opts;
	uint8_t value = o->follow ? FL_TASK_WANTED | FL_TASK_CHILDREN : FL_TASK_WANTED;
	int r;

	if (!t->env.task_btf)
		return -EOPNOTSUPP;
	t->tasks.gen.set_fd = make_map(BPF_MAP_TYPE_HASH, "fl_who", 4, 1, SET_MAX);
	if (t->tasks.gen.set_fd < 0)
		return t->tasks.gen.set_fd;
	r = follow_forks(t);
	if (r == 0 && o->pid)
		r = put(t, o->pid, value);
	if (r == 0 && o->pid && o->follow)
		r = add_descendants(t);
	if (r == 0 && o->children)
		r = put(t, (uint32_t)getpid(), FL_TASK_CHILDREN);
	return r;
}

static int make_cgroup(struct fl_session *t)
{
	uint32_t key = 0;
	int map = make_map(BPF_MAP_TYPE_CGROUP_ARRAY, "fl_cgroup", 4, 4, 1);

	t->tasks.gen.cgroup_fd = map;
	return map < 0 ? map : fl_bpf_map_update(map, &key, &t->opts.cgroup_fd, BPF_ANY);
}

static int make_budget(struct fl_session *t)
{
	t->tasks.gen.budget = t->opts.task_budget;
	t->tasks.gen.budget_fd = make_map(BPF_MAP_TYPE_LRU_HASH, "fl_budget", 8, sizeof(struct fl_task_budget),
					BUDGET_MAX);
	return FL_MIN(t->tasks.gen.budget_fd, 0);
}

int live_task_filter_start(struct fl_session *t)
{
	const struct fl_session_opts *o = &t->opts;
	struct live_task_filter *w = &t->tasks;
	bool in_set = o->follow || o->children;
	int r = 0;

	w->gen.pid = in_set ? 0 : o->pid;
	w->gen.except = o->except;
	w->gen.comm = fl_str(o->comm);
	t->env.tasks = &w->gen;
	if (!in_first_namespace()) {
		r = ask_namespace(t, &w->ns);
		if (r == 0)
			w->gen.ns = &w->ns;
		else if (!o->pid && !in_set) /* then numbers are only shown */
			r = 0;
	}
	if (r == 0 && in_set)
		r = make_set(t);
	if (r == 0 && o->has_cgroup)
		r = make_cgroup(t);
	if (r == 0 && o->task_budget)
		r = make_budget(t);
	return r;
}

void live_task_filter_init(struct live_task_filter *w)
{
	w->gen = FL_GEN_TASK_FILTER_NONE;
	w->failed = -1;
}

void live_task_filter_fini(struct live_task_filter *w)
{
	for (size_t i = 0; i < w->nr_followers; i++) {
		fl_attachment_release(&w->followers[i].attached);
		live_close(&w->followers[i].prog);
	}
	live_close(&w->gen.set_fd);
	live_close(&w->gen.cgroup_fd);
	live_close(&w->gen.budget_fd);
	live_close(&w->failed);
}

uint64_t fl_session_not_followed(const struct fl_session *t)
{
	uint64_t failed[LIVE_FORK_COPIES] = {}, most = 0;
	uint32_t key = 0;

	if (t->tasks.failed >= 0)
		fl_bpf_map_lookup(t->tasks.failed, &key, failed);
	for (size_t i = 0; i < LIVE_FORK_COPIES; i++)
		most = FL_MAX(most, failed[i]);
	return most;
}

uint64_t fl_session_forks_missed(const struct fl_session *t)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < LIVE_FORK_COPIES && i < t->tasks.nr_followers; i++)
		least = FL_MIN(least, live_prog_missed(t->tasks.followers[i].prog));
	return least == UINT64_MAX ? 0 : least;
}

bool fl_session_follows_any(const struct fl_session *t)
{
	uint32_t key, next;
	bool first = true;

	if (t->tasks.gen.set_fd < 0)
		return false;
	while (fl_bpf_map_next_key(t->tasks.gen.set_fd, first ? NULL : &key, &next) == 0) {
		first = false;
		key = next;
		if (hands_down(t, key) && (kill((pid_t)key, 0) == 0 || errno == EPERM))
			return true;
	}
	return false;
}
