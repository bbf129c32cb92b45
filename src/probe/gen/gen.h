/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code generator: a checked event and its record's layout in, straight-line eBPF out. It asks
 * nobody anything: all that it must know of the kernel and of the session stands in struct
 * fl_gen_env, so that the same event gives the same instructions on every machine.
 */
#ifndef PROBE_GEN_GEN_H
#define PROBE_GEN_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/hist/layout.h"
#include "bpf/hook-types.h"
#include "bpf/insn.h"
#include "probe/record/layout.h"
#include "probe/filter/filter.h"
#include "probe/gen/task-filter.h"
#include "probe/event/event.h"
#include "probe/target/abi.h"
#include "probe/target/formats.h"
#include "probe/target/regs.h"

/* How kernel memory is read, cheapest first. */
enum fl_read_form {
	FL_READ_VOID,	/* bpf_rdonly_cast() to void, then a plain load */
	FL_READ_WINDOW, /* bpf_rdonly_cast() to a struct that is mostly one array of integers */
	FL_READ_HELPER, /* bpf_probe_read*(): tells about faults */
	_FL_READ_MAX,
};

extern const char *const fl_read_form_names[_FL_READ_MAX];

/* Where this CPU's offset of per-CPU data comes from. */
enum fl_percpu_form {
	FL_PERCPU_NONE,
	FL_PERCPU_TABLE,    /* __per_cpu_offset[cpu], at a known address */
	FL_PERCPU_VARIABLE, /* value of the per-CPU variable this_cpu_off, through its BTF id */
	FL_PERCPU_RUNQUEUE, /* from the current task's run queue */
};

/* @offset of an IMM that is no address, but a variable's place among this CPU's variables. */
#define FL_IMM_PERCPU 1

/* Byte offsets that a walk over a path needs. */
struct fl_gen_paths {
	uint32_t file_path;		   /* struct file: f_path */
	uint32_t path_mnt, path_dentry;	   /* struct path */
	uint32_t parent, name, name_len, unhashed, sb; /* struct dentry: d_hash.pprev, d_sb */
	uint32_t inode, ino;		   /* struct dentry: d_inode; struct inode: i_ino */
	uint32_t magic;			   /* struct super_block: s_magic */
	uint32_t mount_mnt, mount_parent, mountpoint; /* struct mount */
	uint32_t mnt_root;		   /* struct vfsmount */
};

/* Counted by each program, one array of them a CPU in the session's control map. */
struct fl_probe_counts {
	uint64_t hits;
	uint64_t filtered;
	uint64_t lost; /* no room in the ring */
	uint64_t unpaired; /* a return whose entry was before the probe, or was missed */
	uint64_t over_budget; /* of its task, in this second */
	uint64_t done;	   /* of histograms: gone through to the end */
	uint64_t replaced; /* variables that another event set anew before anybody used them */
};

/*
 * Pieces of scratch memory a CPU has. A user probe's program may be preempted by a task that hits the same
 * probe, and that one by another: each takes a piece of its own, and only the fifth finds none.
 */
#define FL_GEN_SCRATCHES 4

/* Programs can name at most 64 maps; with more rings they look them up. */
#define FL_RINGS_NAMED 32

/* A variable that is asked for: @map < 0: it is the histogram's own. */
struct fl_gen_ref {
	int map;
	uint32_t bit; /* that tells it is set */
	uint16_t offset, size;
	bool once;
};

struct fl_gen_hist;

/* What an action makes: an event of the session. */
struct fl_gen_synth {
	uint16_t number;
	const struct fl_probe_event *event;
	const struct fl_record_layout *layout; /* NULL: the action makes none */
	const struct fl_filter *filter;	       /* which are wanted; NULL: all */
	bool is_counted;		       /* by these, and not sent */
	const struct fl_gen_hist *const *hists;
	size_t nr_hists;
};

/**
 * struct fl_gen_hist - a histogram as a program counts it
 * @slot: where its counts lie in the control map
 * @table: per-CPU hash from its keys to its sums; -1: it has none
 * @vars_map, @seen_map: hashes from its keys to what is kept; -1: nothing is
 * @snapshot: array of one struct fl_gen_snapshot; -1: none is taken
 * @filter: its own; NULL: none
 */
struct fl_gen_hist {
	const struct fl_hist *hist;
	uint16_t slot;
	int table, vars_map, seen_map, snapshot;
	const struct fl_filter *filter;
	struct fl_gen_ref ref[FL_HIST_VARS];
	size_t nr_refs;
	struct fl_gen_synth synth[FL_HIST_ACTIONS];
};

/* What snapshot() was taken for last: the value, the key, the task. */
struct fl_gen_snapshot {
	uint64_t taken; /* times */
	uint64_t value;
	char comm[FL_COMM_LEN];
	uint8_t key[FL_HIST_MAX_KEY];
};

struct fl_gen_env {
	enum fl_read_form read;
	uint32_t rdonly_cast;	/* BTF id of the kfunc */
	uint32_t window_type;	/* FL_READ_WINDOW: BTF id of the struct ... */
	uint32_t window_offset; /* ... and where its array starts */
	bool nonoverlapping;	/* user and kernel addresses differ: bpf_probe_read() takes both */
	const struct fl_arch *arch;

	bool task_btf; /* bpf_get_current_task_btf(), and these offsets in task_struct: */
	uint32_t task_pid, task_tgid, task_comm;

	enum fl_percpu_form percpu;
	uint64_t percpu_table;	/* TABLE: address */
	uint32_t percpu_var;	/* VARIABLE: BTF id of this_cpu_off */
	uint32_t rq_path[3];	/* RUNQUEUE: task_struct -> se.cfs_rq -> rq: offsets to follow, */
	int64_t rq_to_offset;	/* then from the run queue to the variable this_cpu_off, */
	int64_t rq_to_section;	/* or to the first per-CPU variable */

	/* Where a user return probe's function is: task_struct -> utask -> vaddr -> bp_addr; all 0: not known. */
	uint32_t user_func[3];

	const struct fl_gen_paths *paths; /* NULL: this kernel's types do not tell */
	bool boot_clock;
	bool exact_faults;
	const struct fl_gen_task_filter *tasks; /* NULL: everybody */

	uint16_t event; /* its number in the session */
	uint16_t first_event; /* what the records of the session's first event are numbered */
	uint16_t nr_events;
	uint32_t nr_cpus;
	int control_fd; /* array map of one value: counts[cpu][event] */
	int rings_fd;	/* array of one ring a CPU; -1: those below */
	size_t nr_rings; /* by CPU number */
	uint32_t ring_cpu[FL_RINGS_NAMED];
	int ring_fd[FL_RINGS_NAMED];
	int spare_fd; /* the ring of CPUs that are not among those; -1: lost */
	int scratch_fd; /* per-CPU array of FL_GEN_SCRATCHES: records with strings are built there */
	int entry_fd;	/* return probes on registers: hash from stack pointer to entry words */

	const uint8_t *arg_slot; /* that each parameter begins in: of fl_abi_slots(), or word of a trampoline */
	size_t nr_arg_slots;
	uint32_t trampoline_words; /* slots in front of the return value */
	const struct fl_format *format; /* FL_CTX_RECORD */
	const struct fl_filter *filter; /* NULL: none, or the reader applies it */
	bool counts; /* instead of sending, by these: */
	const struct fl_gen_hist *const *hists;
	size_t nr_hists;
};

/* Why an event cannot be generated for that hook. */
struct fl_gen_error {
	size_t arg; /* SIZE_MAX: not an argument's fault */
	const char *why;
};

/* Frames on top of a kernel stack that a hook's program takes: its own, and those of what calls it. */
uint8_t fl_gen_own_frames(enum fl_hook hook);

/* What a record of this event needs to carry when it is made by that hook; stacks are the caller's. */
struct fl_layout_options fl_gen_layout(const struct fl_probe_event *e, enum fl_hook hook, bool is_multi);

/* 0, -EOPNOTSUPP with @err, or an error of fl_insns_finish(). */
int fl_gen_event(const struct fl_probe_event *e, enum fl_hook hook,
		 const struct fl_record_layout *l, const struct fl_gen_env *env,
		 struct fl_insns *out, struct fl_gen_error *err);

/* Whether the program can apply all of the filter itself. @in_record: it is on our record. */
bool fl_gen_filter_compiles(const struct fl_filter *f, bool in_record);

/* Steps of a walk over a path: names and mounts. */
#define FL_PATH_STEPS 64

/* Bytes of scratch memory behind the record that paths are made in. */
uint32_t fl_gen_path_scratch(const struct fl_record_layout *l);

/* Bytes of scratch memory, that record included, which counting by these needs. 0: they nest too deep. */
uint32_t fl_gen_hist_scratch(const struct fl_record_layout *l, const struct fl_gen_hist *const *hists, size_t n);

/* The program at function entry that keeps the words a return probe asks for. */
int fl_gen_entry(const struct fl_probe_event *e, const struct fl_gen_env *env, struct fl_insns *out,
		 struct fl_gen_error *err);

/* Bytes of one CPU's part of the control map. */
static inline uint32_t fl_control_stride(uint32_t nr_events)
{
	return (nr_events * (uint32_t)sizeof(struct fl_probe_counts) + 63) / 64 * 64;
}

#endif
