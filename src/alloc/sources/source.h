/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where records come from, behind one interface: a saved dump, the running kernel's file (by
 * ioctl where it has one, otherwise its text), a live program.
 */
#ifndef ALLOC_SOURCES_SOURCE_H
#define ALLOC_SOURCES_SOURCE_H

#include <sys/types.h>

#include "alloc/records/filter.h"
#include "alloc/records/record.h"
#include "base/buf.h"
#include "foreland/diag.h"

struct fl_alloc_source;

/* Findings about lines of a text, as they come. */
struct fl_alloc_findings {
	void (*report)(void *ctx, const struct fl_diag *d); /* NULL: none wanted */
	void *ctx;
	size_t errors; /* counted here by the source */
	size_t damaged; /* sites that a program's ledger has no sense of */
	uint32_t flags; /* of that ledger, where they are new: why something is not counted */
	uint64_t refused; /* calls that it has no place for, the first time that there are any */
};

struct fl_alloc_source_ops {
	/* Adds what matches @f to @set, which is empty. */
	int (*read)(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		    struct fl_alloc_findings *findings, struct fl_alloc_set *set);
	void (*close)(struct fl_alloc_source *s);
};

struct fl_alloc_source {
	const struct fl_alloc_source_ops *ops;
	const char *name; /* for messages; borrowed */
};

/*
 * Each read opens the file anew; "-" is standard input. Callers get names from the files that the
 * dump says; @skip as in fl_callers_opts; borrowed. Never fails but for -ENOMEM.
 */
int fl_alloc_source_file(const char *path, const char *skip, struct fl_alloc_source **ret);

/*
 * /proc/allocinfo or what @path names in its place. -ENOENT: this kernel was built or started
 * without allocation profiling; -EACCES: the file is root's.
 */
int fl_alloc_source_proc(const char *path, struct fl_alloc_source **ret);
/* vm.mem_profiling is 0: the file shows what was counted until then. */
bool fl_alloc_profiling_is_off(void);

/*
 * A live program with libforeland-alloc: its ledger. @skip as in fl_callers_opts; borrowed. Reading
 * fails with -ESRCH where there is no such process, -ENOENT where it counts nothing that others can
 * read, -EACCES where it is another user's. Records' strings live until the source is closed.
 */
int fl_alloc_source_pid(pid_t pid, const char *skip, struct fl_alloc_source **ret);
bool fl_alloc_source_is_pid(const struct fl_alloc_source *s);

/*
 * A stock kernel, by its kmem tracepoints: what has been allocated since this call and is still
 * held, by caller; file and line are not known. Needs root (CAP_BPF, CAP_PERFMON) and tracefs.
 * @max_objects is how many live objects are kept track of at once. @why gets what the kernel's
 * verifier has to say.
 */
int fl_alloc_source_kernel(uint32_t max_objects, struct fl_buf *why, struct fl_alloc_source **ret);
/* One line about how much was seen; nothing for other sources. False: there was no room for all of it. */
bool fl_alloc_source_kernel_note(struct fl_alloc_source *s, struct fl_buf *out);

/*
 * A running program that was not prepared, by user probes on its malloc's family: what it has
 * allocated since this call and still holds. Needs root; children are not counted. -ESRCH: there is no
 * such process. -ENOENT: none of its files defines malloc(). @why as above; @skip as in
 * fl_callers_opts.
 */
int fl_alloc_source_attach(pid_t pid, uint32_t max_objects, const char *skip, struct fl_buf *why,
			   struct fl_alloc_source **ret);
/* One line about how much was seen and what it cost; nothing for other sources. False: not all was counted. */
bool fl_alloc_source_attach_note(struct fl_alloc_source *s, struct fl_buf *out);

int fl_alloc_source_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
			 struct fl_alloc_findings *findings, struct fl_alloc_set *set);
void fl_alloc_source_close(struct fl_alloc_source *s); /* NULL is allowed */

static inline void fl_alloc_source_closep(struct fl_alloc_source **s)
{
	fl_alloc_source_close(*s);
}

#endif
