/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The traced system: its types, symbols, tracepoints, registers, and what it permits. A target is
 * the running kernel, or files of another machine; callers cannot tell and need not. Nothing is
 * opened before it is asked for, and everything is kept until the target is closed.
 *
 * Where a file cannot be had, the function that needs it says so with an errno each time, and
 * fl_target_why() has the located reason.
 *
 * Threads: one at a time.
 */
#ifndef PROBE_TARGET_TARGET_H
#define PROBE_TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/opt.h"
#include "base/str.h"
#include "btf/btf.h"
#include "probe/target/caps.h"
#include "probe/target/formats.h"
#include "btf/ksyms.h"
#include "probe/target/regs.h"

struct fl_diag;
struct fl_dialect_rules;
struct fl_target;

/* As the options say it; all zero is the running kernel. The strings must outlive the target. */
struct fl_target_opts {
	struct fl_strv btf;   /* --btf: vmlinux, then modules */
	const char *kallsyms; /* --kallsyms */
	const char *events;   /* --events: SYSTEM/EVENT/format beneath it */
	const char *root;     /* --root: where the paths of user probes are looked up */
	const char *arch;     /* --arch */
	const char *readme;   /* --readme: of its tracefs */
};

/* -EINVAL for an architecture without a table; nothing else is looked at yet. */
int fl_target_open(const struct fl_target_opts *opts, struct fl_target **ret);
void fl_target_close(struct fl_target *t);
FL_DEFINE_CLEANUP(struct fl_target *, fl_target_close);
#define _cleanup_target_ _cleanup_(fl_target_closep)

/*
 * Opens all that the options name, now: what was given by a person is wrong at once and not only when
 * something in it is missed. The errno of the first that cannot be used, and fl_target_why() tells.
 */
int fl_target_check(struct fl_target *t);

/* No file was named: BPF programs may be loaded into what we look at. */
bool fl_target_is_live(const struct fl_target *t);

/**
 * fl_target_refresh() - what modules have brought since, for who lives longer than one question
 *
 * Symbols and formats of a live target are read anew from then on, and types of modules that are new are found; an
 * event of a module that was loaded again may have another number. What was handed out before stays valid.
 *
 * Return: whether modules came or went since the last look (at most one in ten milliseconds; the first is none).
 */
bool fl_target_refresh(struct fl_target *t);

/*
 * For tests and for callers that hold the parts already: put before first use, owned by the target
 * from then on. A BTF object put first is vmlinux, further ones are modules.
 */
int fl_target_put_btf(struct fl_target *t, struct fl_btf *btf);
/*
 * For a live target whose kernel has no types of its own: these answer in their place, as far as they go, vmlinux's
 * first and then modules'. Their ids mean nothing to the kernel, so no program may name one.
 */
int fl_target_lend_btf(struct fl_target *t, struct fl_btf *btf);
bool fl_target_is_lent(const struct fl_target *t);
int fl_target_put_ksyms(struct fl_target *t, struct fl_ksyms *k);
/* @text is copied. */
int fl_target_put_format(struct fl_target *t, struct fl_str system, struct fl_str text,
			 struct fl_diag *diag);

const struct fl_arch *fl_target_arch(const struct fl_target *t);

/* The located reason why the last function of @t failed that had to open something; or NULL. */
const struct fl_diag *fl_target_why(const struct fl_target *t);

/* ---- types ---- */

/* vmlinux's. -ENOENT where there is none, or what opening it gave. */
int fl_target_btf(struct fl_target *t, struct fl_btf **ret);
/* The object of that module; an empty name or "vmlinux" is the kernel's. -ENOENT. */
int fl_target_module_btf(struct fl_target *t, struct fl_str module, struct fl_btf **ret);

/*
 * The type of that name and kinds, vmlinux first, then each module in the order of their names (or of
 * the options); FL_TYPE_NONE where there is none or no BTF. A module's BTF is opened only when
 * vmlinux has no answer.
 */
struct fl_type fl_target_type(struct fl_target *t, struct fl_str name, uint32_t kinds);

/* The FUNC of a function as a definition says it, "vfs_read" or "MODULE:FUNCTION". */
struct fl_type fl_target_func(struct fl_target *t, struct fl_str name);

/*
 * The prototype of a tracepoint's arguments, without the hidden first one: from the typedef
 * "btf_trace_NAME", with the names from "__bpf_trace_NAME" where the kernel has that. The result is
 * a FUNC or FUNC_PROTO whose first parameter is the hidden "void *__data".
 */
struct fl_type fl_target_tracepoint(struct fl_target *t, struct fl_str name);
/*
 * The tracepoint that somebody who wrote @name may have meant; empty where none is near. Borrowed from
 * the target.
 */
struct fl_str fl_target_near_tracepoint(struct fl_target *t, struct fl_str name);

/* Calls @fn with each tracepoint that BTF knows, of vmlinux and of modules; a result other than 0 ends it. */
int fl_target_each_tracepoint(struct fl_target *t, int (*fn)(void *ctx, struct fl_str name), void *ctx);

/* A static per-CPU variable, vmlinux first. -ENOENT. */
int fl_target_percpu(struct fl_target *t, struct fl_str name, struct fl_var *ret);

/* Calls @fn with each BTF object, vmlinux first; all modules are opened. */
int fl_target_each_btf(struct fl_target *t, int (*fn)(void *ctx, struct fl_btf *btf), void *ctx);

/* ---- symbols and tracepoints ---- */

int fl_target_ksyms(struct fl_target *t, struct fl_ksyms **ret);

/* -ENOENT: no such event; -EACCES: tracefs may not be read; -EINVAL: not a format. */
int fl_target_format(struct fl_target *t, struct fl_str system, struct fl_str event,
		     const struct fl_format **ret);

/* Each SYSTEM/EVENT that there is, by name; @glob is matched with "SYSTEM/EVENT" or, without "/",
 * with the event alone. */
int fl_target_each_event(struct fl_target *t, struct fl_str glob,
			 int (*fn)(void *ctx, struct fl_str system, struct fl_str event), void *ctx);

/* ---- files of the target ---- */

/* "/sys/kernel/tracing" or where else tracefs is mounted; NULL where it is not, or offline. */
const char *fl_target_tracefs(struct fl_target *t);

/* Appends its tracefs README. -errno where there is none, and offline where none was given. */
int fl_target_readme(struct fl_target *t, struct fl_buf *out);

/*
 * The language's rules of its own kernel, kept here between learning them and asking for them (probe/lang/dialect.h):
 * malloc()ed, owned from then on. NULL before.
 */
void fl_target_put_dialect(struct fl_target *t, struct fl_dialect_rules *rules);
const struct fl_dialect_rules *fl_target_dialect(const struct fl_target *t);

/* Libraries are looked for as process @pid has them mapped; 0: as ld.so finds them. */
void fl_target_set_process(struct fl_target *t, uint32_t pid);
uint32_t fl_target_process(const struct fl_target *t);

/* Appends @path as it is to be opened: beneath --root where that is given. */
void fl_target_path(const struct fl_target *t, struct fl_str path, struct fl_buf *out);

/* What @path is there: the errno of stat(2); -EOPNOTSUPP where there is nowhere to look, because
 * the target is another machine and no --root was given. */
int fl_target_file(const struct fl_target *t, struct fl_str path, bool *ret_regular);

/*
 * Whether an instruction begins at that offset of a file: 1, or 0, where a breakpoint makes the program
 * compute something else; -ENOENT where it cannot be told.
 */
int fl_target_insn_boundary(const struct fl_target *t, struct fl_str path, uint64_t offset);

/* Whether Go's linker made that file: where it grows a stack, return addresses must be its own. */
bool fl_target_is_go(const struct fl_target *t, struct fl_str path);

#endif
