/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel symbols: /proc/kallsyms or a file of its form ("ffffffff81000000 T _text", with a tab and
 * "[module]" behind a module's). Read once; sorted by address and indexed by name when first asked.
 * Names are places in the text, which the object owns. One thread at a time.
 */
#ifndef BTF_KSYMS_H
#define BTF_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

struct fl_buf;
struct fl_diag;
struct fl_ksyms;

struct fl_ksym {
	struct fl_str name;
	struct fl_str module; /* without brackets; empty: the kernel itself */
	uint64_t addr;	      /* 0 where the kernel hides addresses */
	uint64_t size;	      /* up to the next higher address, as the kernel counts it; 0: unknown */
	char type;	      /* 't', 'T', 'd', ... as nm(1) says it */
};

/* @path as given; -EINVAL with @diag at the line that is none. */
int fl_ksyms_open(const char *path, struct fl_diag *diag, struct fl_ksyms **ret);
/* The same from text in memory, which must outlive it. */
int fl_ksyms_from_text(struct fl_str text, const char *place, struct fl_diag *diag,
		       struct fl_ksyms **ret);
void fl_ksyms_close(struct fl_ksyms *k);
FL_DEFINE_CLEANUP(struct fl_ksyms *, fl_ksyms_close);
#define _cleanup_ksyms_ _cleanup_(fl_ksyms_closep)

size_t fl_ksyms_count(const struct fl_ksyms *k);
/* A symbol of that module is there: it is loaded. */
bool fl_ksyms_has_module(const struct fl_ksyms *k, struct fl_str module);
/* Every address is zero: kptr_restrict or a missing CAP_SYSLOG. Names can still be looked up. */
bool fl_ksyms_hidden(const struct fl_ksyms *k);

/**
 * fl_ksyms_find() - all symbols of one name
 * @name: may be "MODULE:NAME" as in probe definitions: that module's only ("vmlinux" is the kernel)
 * @ret: filled with at most @max of them, in the order of the file; may be NULL when @max is 0
 *
 * Return: how many there are, which may be more than @max. More than one is an ambiguous name.
 */
size_t fl_ksyms_find(const struct fl_ksyms *k, struct fl_str name, struct fl_ksym *ret, size_t max);

/* Functions only (types t T w W), as probes count them. */
size_t fl_ksyms_find_func(const struct fl_ksyms *k, struct fl_str name, struct fl_ksym *ret,
			  size_t max);

/*
 * The symbol that covers @addr; -ENOENT below the first, or when addresses are hidden. Offsets in
 * per-CPU data stand in the list like symbols; no address is covered by them.
 */
int fl_ksyms_at(const struct fl_ksyms *k, uint64_t addr, struct fl_ksym *ret);

/* The same for an address of the kernel or of a module, as the kernel itself looks: -ENOENT for others. */
int fl_ksyms_kernel_at(const struct fl_ksyms *k, uint64_t addr, struct fl_ksym *ret);

/*
 * Appends "vfs_read+0x4/0x470 [module]", the kernel's %pS, for an address @offset bytes behind the symbol's;
 * without "+0x4/0x470" where only its name is wanted.
 */
void fl_ksym_text(const struct fl_ksym *sym, uint64_t offset, bool name_only, struct fl_buf *out);

/* Each symbol whose name matches the glob, in the order of the file; non-zero ends and returns. Sizes
 * are not looked for and 0. */
int fl_ksyms_each(const struct fl_ksyms *k, struct fl_str glob,
		  int (*fn)(void *ctx, const struct fl_ksym *sym), void *ctx);

/*
 * What the compiler made of a function that is not there under its name: "name.isra.0",
 * "name.part.0", "name.constprop.0", "name.cold", "name.llvm.123". Returns how many, as above.
 */
size_t fl_ksyms_variants(const struct fl_ksyms *k, struct fl_str name, struct fl_ksym *ret,
			 size_t max);

#endif
