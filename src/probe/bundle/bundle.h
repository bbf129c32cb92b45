/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle: definitions, and of each kernel that they are to run on the few types that they need. It is a tar
 * archive, so that it can be looked into with what everybody has:
 *
 *	definitions			as "foreland trace --file" takes them
 *	kernels/KEY/id			a line "build-id HEX", a line "release TEXT"; one of them may be missing
 *	kernels/KEY/btf			minimal BTF
 *	kernels/KEY/modules/NAME	what is needed of a module's, which goes on from that
 *	kernels/KEY/lowered		the definitions in the text of the oldest kernel's tracefs that can say them:
 *					nothing here reads it; on a machine without foreland it is what people write there
 *
 * KEY is the build-id, or the release where that is all that is known of a kernel.
 */
#ifndef PROBE_BUNDLE_BUNDLE_H
#define PROBE_BUNDLE_BUNDLE_H

#include "base/buf.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/lang/check.h"
#include "probe/target/target.h"

/* What a kernel is told from others by. Either may be empty. */
struct fl_kernel_id {
	char build_id[2 * 64 + 1], release[65];
};

/* Of the kernel that runs; what cannot be read is empty. */
void fl_kernel_id_running(struct fl_kernel_id *ret);
/*
 * Of a file of its types, or of a folder that has them as "vmlinux": an ELF file tells its build-id and release. Raw
 * BTF tells nothing: @name is what it is called, else it is the running kernel's where it lies in sysfs, else the
 * file's or folder's own name without ".btf" is its release.
 */
int fl_kernel_id_file(const char *path, struct fl_str name, struct fl_kernel_id *ret);
/* "6.1.0-57-amd64 (build-id 0123...)" */
void fl_kernel_id_print(const struct fl_kernel_id *id, struct fl_buf *out);

/* ---- reading ---- */

struct fl_bundle;

struct fl_bundle_module {
	char name[64];
	struct fl_str btf;
};

struct fl_bundle_kernel {
	struct fl_kernel_id id;
	struct fl_str btf;
	struct fl_bundle_module *modules;
	size_t nr_modules;
};

/**
 * fl_bundle_read() - what an archive's bytes hold
 * @bytes: borrowed until fl_bundle_free()
 *
 * Return: 0, -EINVAL where it is no bundle, -ENOMEM.
 */
int fl_bundle_read(struct fl_str bytes, struct fl_bundle **ret);
void fl_bundle_free(struct fl_bundle *b); /* NULL is allowed */

struct fl_str fl_bundle_definitions(const struct fl_bundle *b);
size_t fl_bundle_nr_kernels(const struct fl_bundle *b);
const struct fl_bundle_kernel *fl_bundle_kernel(const struct fl_bundle *b, size_t i);
/*
 * The one that @id is: by its build-id where the bundle knows that, since a kernel that was built again may have
 * other types; by its release where it does not. NULL: it is not covered.
 */
const struct fl_bundle_kernel *fl_bundle_find(const struct fl_bundle *b, const struct fl_kernel_id *id);

/**
 * fl_bundle_lend() - give the running kernel's target the types that it lacks
 * @b: must outlive @t
 * @t: live, and not asked for types yet
 *
 * Return: 1: the kernel has types of its own, which are taken; 0: the bundle's are taken; -ENOENT: neither; what
 * reading the bundle's gave, with @diag.
 */
int fl_bundle_lend(const struct fl_bundle *b, struct fl_target *t, struct fl_diag *diag);

/* ---- making ---- */

/**
 * struct fl_bundle_fault - which definition a kernel's types do not suit
 * @line: its number, from 1
 * @text: the line, borrowed from the definitions
 * @verdict: why
 */
struct fl_bundle_fault {
	uint32_t line;
	struct fl_str text;
	struct fl_probe_verdict verdict;
};

/* Begins a bundle in @out. */
int fl_bundle_begin(struct fl_str definitions, struct fl_buf *out);
/*
 * Adds a kernel, whose types are those of @t, modules' among them: opened for this and not asked before. 0; -errno
 * with @fault where a definition is refused, without where the types cannot be read (fl_target_why() tells).
 */
int fl_bundle_add(struct fl_target *t, const struct fl_kernel_id *id, struct fl_str definitions, struct fl_buf *out,
		  struct fl_bundle_fault *fault);
int fl_bundle_end(struct fl_buf *out);

#endif
