/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose events are wanted: what a program asks before it does anything else, and the two small
 * programs that keep the set of followed processes when these fork and go.
 */
#ifndef PROBE_GEN_TASK_FILTER_H
#define PROBE_GEN_TASK_FILTER_H

#include <stdint.h>

#include "base/str.h"
#include "bpf/insn.h"
#include "btf/btf.h"

/* Where a task has the numbers that its pid namespaces give it: byte offsets. */
struct fl_gen_pids {
	uint32_t thread_pid, group_leader;    /* struct task_struct */
	uint32_t level, numbers;	      /* struct pid */
	uint32_t upid_nr, upid_ns, upid_size; /* struct upid */
};

/* One pid namespace, not the first. */
struct fl_gen_pidns {
	struct fl_gen_pids at;
	uint64_t address;
	uint32_t level;
};

/* What is in the set of processes: a byte by process (or by thread), a combination of these. */
enum {
	FL_TASK_WANTED = 1u << 0,
	FL_TASK_CHILDREN = 1u << 1, /* what it forks will be in the set, with both */
};

/* A task's budget and its key: its number in the first pid namespace, for idle tasks their CPU's above it. */
struct fl_task_budget {
	uint64_t second, events;
};

/*
 * All numbers are as the reader's pid namespace has them: with @ns a task's is looked up, and where it
 * has none there FL_PID_OUTSIDE is added to the kernel's. Of what is 0, or a descriptor below 0, nothing is asked.
 */
struct fl_gen_task_filter {
	const struct fl_gen_pidns *ns; /* NULL: the first */
	uint32_t pid;	 /* process or thread */
	uint32_t except; /* process */
	struct fl_str comm;
	int set_fd;    /* hash from a process to FL_TASK_* */
	int cgroup_fd; /* cgroup array of one */
	int budget_fd; /* hash of struct fl_task_budget; @budget events a second of each task */
	uint32_t budget;
};

#define FL_GEN_TASK_FILTER_NONE ((struct fl_gen_task_filter){ .set_fd = -1, .cgroup_fd = -1, .budget_fd = -1 })

struct fl_gen_env;

/* -ENOENT where the kernel's types do not tell. */
int fl_gen_pids_find(struct fl_btf *btf, struct fl_gen_pids *ret);

/* What the program of fl_gen_whoami() leaves in an array map of one value. */
struct fl_whoami {
	uint64_t ns;
	uint64_t level;
};

/* Run in our own context: in which pid namespace are we? */
int fl_gen_whoami(const struct fl_gen_env *env, const struct fl_gen_pids *at, int map, struct fl_insns *out);

/*
 * On the raw tracepoints sched_process_fork and sched_process_free. @failed_fd: array of one value, which at
 * @failed_at counts the processes for which the set had no room. Several copies may run for one fork.
 */
int fl_gen_fork(const struct fl_gen_env *env, int failed_fd, uint32_t failed_at, struct fl_insns *out);
int fl_gen_free(const struct fl_gen_env *env, struct fl_insns *out);

#endif
