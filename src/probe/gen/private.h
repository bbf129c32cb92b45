/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the generator share. */
#ifndef PROBE_GEN_PRIVATE_H
#define PROBE_GEN_PRIVATE_H

#include "probe/gen/gen.h"

/* Registers that live through the whole program. */
enum {
	GEN_CTX = BPF_REG_6,
	GEN_REC = BPF_REG_7,	/* the record that is being made */
	GEN_CURSOR = BPF_REG_8, /* where the next string goes, from the record's start */
	GEN_VALUE = BPF_REG_9,	/* what the fetch program holds */
};

/* Words kept from entry to return; the stack has 512 bytes. */
#define GEN_MAX_WORDS 40

/* Stack slots, 8 bytes each. */
enum {
	GEN_FP_CPU = -8,     /* this CPU's number (u32 at -4), and map keys */
	GEN_FP_KEY = -4,
	GEN_FP_TASK = -16,   /* current task */
	GEN_FP_TEMP = -24,   /* one word read */
	GEN_FP_COUNTS = -40, /* this CPU's counts of the event */
	GEN_FP_SP = -48,     /* key of the entry words */
	GEN_FP_ENTRY = -56,  /* the entry words */
	GEN_FP_FRAME = -56,  /* two words of a trampoline's frame, where there are no entry words */
	GEN_FP_SAVE = -64,   /* a value kept over a call */
	GEN_FP_WORDS = -64 - 8 * GEN_MAX_WORDS,
	GEN_FP_TAKEN = GEN_FP_WORDS - 16, /* scratch memory to be given back; 0: none */
	GEN_FP_PIDS = GEN_FP_WORDS - 24,  /* the task's number and its process's (u32 at +4); see task-filter.c */
	GEN_FP_TASK_KEYS = GEN_FP_WORDS - 32,  /* keys of task-filter.c */
};

/* Code that stands behind the program's end, so that the usual path is straight. */
enum fl_detour_kind {
	DETOUR_READ,  /* @size bytes at GEN_VALUE + @offset by helper; into @slot, or GEN_VALUE if 0 */
	DETOUR_FAULT, /* clear @size bytes at @slot, and tell it in bit @arg */
};

struct fl_gen_detour {
	enum fl_detour_kind kind;
	uint32_t label, back, fault;
	int32_t offset;
	uint32_t size;
	uint16_t slot;
	size_t arg;
};

struct fl_gen {
	const struct fl_probe_event *e;
	const struct fl_record_layout *l;
	const struct fl_gen_env *env;
	const struct fl_hook_info *hook;
	const struct fl_gen_hist *h; /* the histogram at hand */
	int32_t base;		     /* of the scratch memory behind the record; 0: there is none */
	unsigned int depth;	     /* of synthetic events that histograms make of histograms of such */
	struct fl_insns *p;
	struct fl_gen_error *err;
	uint32_t leave; /* label: return 0 */
	bool out_of_memory;
	struct fl_gen_detour *detours;
	size_t nr_detours, cap_detours;
};

/* Records the reason; returns -EOPNOTSUPP. */
int fl_gen_refuse(struct fl_gen *g, size_t arg, const char *why);

/* The current task's number and its process's, as they are shown; clobbers r0 to r5. */
void fl_gen_ids(struct fl_gen *g, uint8_t pid, uint8_t tgid);
/* Jumps to @unwanted where the current task is nobody whose events are wanted. */
int fl_gen_wanted(struct fl_gen *g, uint32_t unwanted);
/* Jumps to @over where the current task has had its events of this second. */
void fl_gen_budget(struct fl_gen *g, uint32_t over);

/* Generates argument @i into its slot. */
int fl_gen_arg(struct fl_gen *g, size_t i);
/* The collected detours. */
void fl_gen_detours(struct fl_gen *g);
/* GEN_VALUE = parameter @n (fetch numbering) of the probed function. */
int fl_gen_load_arg(struct fl_gen *g, size_t arg, uint32_t n);
/* r0 = this CPU's offset of per-CPU data; clobbers r1-r5. */
int fl_gen_percpu_offset(struct fl_gen *g, size_t arg);
/* r0 = the word at address register @reg + @offset, known to be the kernel's; clobbers r1-r5. */
void fl_gen_read_kernel(struct fl_gen *g, unsigned int size, uint8_t reg, int32_t offset);

/* reg = the current task; clobbers r0-r5 */
void fl_gen_load_task(struct fl_gen *g, uint8_t reg);

/* GEN_VALUE = a field of the tracepoint's record: a number, or the address of a string. */
int fl_gen_load_field(struct fl_gen *g, size_t arg, const struct fl_field *f);
/* The helper that copies a string. */
int32_t fl_gen_string_helper(const struct fl_gen *g, bool user);
/* Goes on where the filter accepts, jumps to @unwanted where it does not. @in_record: it is on our record. */
int fl_gen_filter(struct fl_gen *g, const struct fl_filter *f, bool in_record, uint32_t unwanted);
/*
 * The path of the struct (or of the one that the pointer @type is of) at address GEN_VALUE, behind the
 * record's strings; r0 = its length with the NUL. Jumps to @fault.
 */
int fl_gen_path(struct fl_gen *g, size_t arg, struct fl_type type, uint32_t fault);
/* One load op: GEN_VALUE = what it loads. */
int fl_gen_load(struct fl_gen *g, size_t arg, const struct fl_fetch_insn *insn);
/* Waits for the memory that will be read, where the hook may sleep. */
int fl_gen_touch(struct fl_gen *g);
/* Puts the record of the event that is hung on behind ours, where the layout wants it; strings go behind that. */
int fl_gen_raw(struct fl_gen *g);
/* Puts the stacks that the layout wants behind the record. */
void fl_gen_stacks(struct fl_gen *g);
/* r0 = bytes of the stack of that kind without its first @skip frames, or -errno, put into @frames words at r2. */
void fl_gen_stack(struct fl_gen *g, enum fl_stack_kind kind, uint32_t frames, uint8_t skip);
/* hist.c: counts what was fetched, by each of @hists in turn. */
int fl_gen_hists(struct fl_gen *g, const struct fl_gen_hist *const *hists, size_t n);
/* One of them after its filter: variables and actions, too. */
int fl_gen_trigger(struct fl_gen *g, uint32_t lost, uint32_t unpaired);
/* Its parts: keys put at @at, and the table that is added to. */
int fl_gen_hist_keys(struct fl_gen *g, const struct fl_hist_field *keys, size_t n, int32_t at);
int fl_gen_hist_table(struct fl_gen *g, uint32_t lost);
/* r1 = log2 of r1, or its bucket. */
void fl_gen_shape(struct fl_gen *g, enum fl_hist_modifier m, uint64_t bucket);
/* The task's name, or a string of the record, with zeros behind it, at GEN_REC + @at. */
void fl_gen_comm_text(struct fl_gen *g, int32_t at, int32_t size);
/* The frames of the kernel's stack, with zeros behind them. */
void fl_gen_frames(struct fl_gen *g, int32_t at);
/* Those that are a field of the synthetic event whose record this is. */
int fl_gen_stack_field(struct fl_gen *g, const char *name, int32_t at);
/* Words of the scratch record; @size is a multiple of 8. */
void fl_gen_copy(struct fl_gen *g, int32_t from, int32_t to, int32_t size);
/* Zeros there. */
void fl_gen_clear(struct fl_gen *g, int32_t at, int32_t size);
/* reg = GEN_REC + @at */
void fl_gen_scratch_at(struct fl_gen *g, uint8_t reg, int32_t at);

/* trigger.c: r1 = a value; where things lie in scratch memory. */
int fl_gen_hist_number(struct fl_gen *g, const struct fl_hist_value *v);
int32_t fl_gen_key_at(const struct fl_gen *g);
uint32_t fl_gen_trigger_scratch(const struct fl_gen_hist *h, unsigned int depth);

/* gen.c: adds one to a count of this event, or of another one; the head and the way of a record. */
void fl_gen_count(struct fl_gen *g, size_t member);
void fl_gen_count_other(struct fl_gen *g, uint16_t event, size_t member);
void fl_gen_head(struct fl_gen *g, uint16_t event);
void fl_gen_output(struct fl_gen *g, uint32_t size, uint32_t lost);

#endif
