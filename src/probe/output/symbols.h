/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as "vfs_read+0x4/0x470 [module]", the kernel's %pS. The symbol table is read when the
 * first address is asked for; answers are kept.
 */
#ifndef PROBE_OUTPUT_SYMBOLS_H
#define PROBE_OUTPUT_SYMBOLS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "probe/output/usermaps.h"

struct fl_buf;
struct fl_record;
struct fl_target;
struct fl_symbols;

int fl_symbols_new(struct fl_target *t, struct fl_symbols **ret);
void fl_symbols_free(struct fl_symbols *s);
FL_DEFINE_CLEANUP(struct fl_symbols *, fl_symbols_free);
#define _cleanup_symbols_ _cleanup_(fl_symbols_freep)

/* The longest answer; longer names are cut. */
#define FL_SYMBOL_MAX 320

/*
 * "name+0x4/0x470 [module]", or the number in hexadecimal where no symbol covers it. Good until the
 * next call.
 */
struct fl_str fl_symbols_at(struct fl_symbols *s, uint64_t addr);
/* What a value of a type without numbers says: the same, or of a control group's id the container (see groups.h). */
struct fl_str fl_symbols_shown(struct fl_symbols *s, const struct fl_fetch_type *type, uint64_t v);
/* The name alone. */
struct fl_str fl_symbols_name(struct fl_symbols *s, uint64_t addr);
/* Appends an address of the process that made @rec: see usermaps.h. */
/* Functions of processes have names from then on. */
void fl_symbols_name_users(struct fl_symbols *s, struct fl_user_namer namer);
void fl_symbols_user(struct fl_symbols *s, const struct fl_record *rec, uint64_t addr, bool is_call,
		     struct fl_buf *out);
/* Behind fl_symbols_user(): see fl_usermaps_mapping(). */
bool fl_symbols_user_mapping(struct fl_symbols *s, const struct fl_record *rec, uint64_t addr, struct fl_mapping *ret,
			     struct fl_buf *build_id);
/* Why addresses that were asked for had no names: -EPERM where they are hidden, what reading them gave; or 0. */
int fl_symbols_nameless(const struct fl_symbols *s);
/* "name+@offset/size" of a function by name ("MODULE:NAME" too); empty where it is not known. */
struct fl_str fl_symbols_named(struct fl_symbols *s, struct fl_str name, uint64_t offset);

#endif
