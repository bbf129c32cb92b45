/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF, the kernel's own type information, read where it lies.
 *
 * One struct fl_btf is one BTF object: vmlinux, or a module's, which is "split": its type ids and
 * string offsets go on where its base's end. A struct fl_type is a place in one of them; it is
 * passed by value, costs nothing, and stays valid as long as its object. Ids below a base's count
 * belong to the base, and every function here gives a type that is already so resolved: @btf of the
 * type tells whether it comes from vmlinux or from which module.
 *
 * Opening checks every kind and length, and of files every string offset and type id, so the functions
 * below need not fail on them. What a check in one pass cannot see (cycles) is met by limits on each
 * walk: such a type gives FL_TYPE_NONE or -ELOOP, never a crash and never an endless loop.
 *
 * Names are places in the object's string section, and live as long as it does.
 *
 * Threads: an object may be read by one thread at a time (look-ups build their index when they are
 * first needed).
 */
#ifndef BTF_BTF_H
#define BTF_BTF_H

#include <linux/btf.h> /* BTF_KIND_*, BTF_INT_*, BTF_VAR_* and BTF_FUNC_* are the kernel's numbers */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

struct fl_buf;
struct fl_diag;
struct fl_btf;

struct fl_type {
	const struct fl_btf *btf; /* NULL: no such type */
	uint32_t id;		  /* 0 is void */
};

#define FL_TYPE_NONE ((struct fl_type){ NULL, 0 })

static inline bool fl_type_ok(struct fl_type t)
{
	return t.btf;
}

static inline bool fl_type_is_void(struct fl_type t)
{
	return t.btf && t.id == 0;
}

/* ---- objects ---- */

/**
 * fl_btf_open() - map a file and check it
 * @path: raw BTF (/sys/kernel/btf/vmlinux), or an ELF file with a .BTF section
 * @base: what a split object goes on from, which must outlive it; NULL for a whole one
 * @name: "vmlinux" or the module's name; NULL: the last part of @path without its ending
 *
 * Return: 0; the errno of opening or reading; -ENODATA for an ELF file without BTF; -EINVAL with
 * @diag saying which type, at which byte, is wrong.
 */
int fl_btf_open(const char *path, struct fl_btf *base, const char *name, struct fl_diag *diag,
		struct fl_btf **ret);

/*
 * The same on what the running kernel shows of itself, in /sys/kernel/btf, and with less ado: it is its
 * own, which it has checked, so names and references are not looked at before they are used (a wrong
 * one is then no name, no type). Its names are as pahole writes them for vmlinux: each once.
 */
int fl_btf_open_kernel(const char *path, struct fl_btf *base, const char *name, struct fl_diag *diag,
		       struct fl_btf **ret);

/* The same as fl_btf_open() on bytes in memory, which are not copied (unless unaligned) and must outlive it. */
int fl_btf_from_bytes(const void *data, size_t n, struct fl_btf *base, const char *name,
		      struct fl_diag *diag, struct fl_btf **ret);

void fl_btf_close(struct fl_btf *btf); /* NULL is allowed */
FL_DEFINE_CLEANUP(struct fl_btf *, fl_btf_close);
#define _cleanup_btf_ _cleanup_(fl_btf_closep)

const char *fl_btf_name(const struct fl_btf *btf);
struct fl_btf *fl_btf_base(const struct fl_btf *btf); /* NULL for vmlinux */

/* Ids in [first, end) are this object's own; 1 is the first of a whole one. */
uint32_t fl_btf_first_id(const struct fl_btf *btf);
uint32_t fl_btf_end_id(const struct fl_btf *btf);

/* The type of that id, in this object or its base; FL_TYPE_NONE past the end. */
struct fl_type fl_btf_type(const struct fl_btf *btf, uint32_t id);

/* ---- look-up ---- */

#define FL_KIND(k) (1u << (k)) /* FL_KIND(BTF_KIND_STRUCT) | FL_KIND(BTF_KIND_UNION) */

/*
 * The first type of that name whose kind is in @kinds, by id, as the kernel finds it. Looks in this
 * object alone, not in its base (fl_target_type() looks in vmlinux first, then in each module).
 */
struct fl_type fl_btf_find(const struct fl_btf *btf, struct fl_str name, uint32_t kinds);

/* The next one of the same name and @kinds after @t, in the same object; FL_TYPE_NONE at the end. */
struct fl_type fl_btf_find_next(struct fl_type t, uint32_t kinds);

/*
 * Calls @fn for each of the object's own types of @kinds whose name matches the shell glob, by id.
 * A result other than 0 ends the walk and is returned.
 */
int fl_btf_each(const struct fl_btf *btf, struct fl_str glob, uint32_t kinds,
		int (*fn)(void *ctx, struct fl_type t), void *ctx);

/* ---- the few types that somebody needs ---- */

/*
 * From now on it is noted which types are looked at. 0 or -ENOMEM.
 */
int fl_btf_watch(struct fl_btf *btf);

/**
 * fl_btf_minimal() - BTF of the types that were looked at since fl_btf_watch()
 * @objects: vmlinux's, and behind it those of modules that go on from it; all watched
 * @out: one for each, appended, 4 bytes aligned where it is; of a module of which nothing is needed it stays as it is
 *
 * Of a struct the members whose types were looked at are there, at their offsets; what is only pointed to is a
 * forward declaration. The same questions have the same answers, by other ids.
 *
 * Return: 0, -EINVAL where the first is split, another is not of the first, or one is not watched; -ENOMEM.
 */
int fl_btf_minimal(struct fl_btf *const *objects, size_t n, struct fl_buf *out);

/* ---- any type ---- */

unsigned int fl_type_kind(struct fl_type t); /* BTF_KIND_*; BTF_KIND_UNKN for void and none */
struct fl_str fl_type_name(struct fl_type t); /* empty where it has none */
bool fl_type_kflag(struct fl_type t);	      /* FWD: a union; ENUM: signed; else as it stands */

/*
 * What it refers to: PTR, TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG, DECL_TAG, VAR: the type;
 * ARRAY: the element; FUNC: its prototype; FUNC_PROTO: the return type. FL_TYPE_NONE for others.
 */
struct fl_type fl_type_target(struct fl_type t);

/* Behind typedef, const, volatile, restrict and type tags. void stays void. */
struct fl_type fl_type_strip(struct fl_type t);

/*
 * Its size in bytes, modifiers and typedefs skipped; pointers are 8. -ENOENT for void, functions and
 * forward declarations, -EOVERFLOW, -ELOOP.
 */
int fl_type_size(struct fl_type t, uint64_t *ret);

/* struct or union, modifiers not skipped */
static inline bool fl_kind_is_struct(unsigned int kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

/* ---- int, float, array ---- */

struct fl_int {
	uint32_t size;	     /* bytes */
	uint8_t bits;	     /* as encoded: may be less than size * 8 in old BTF */
	uint8_t bit_offset;  /* 0 but in old BTF */
	bool is_signed, is_char, is_bool;
};

int fl_type_int(struct fl_type t, struct fl_int *ret); /* -EINVAL: not an int */
uint32_t fl_type_array_len(struct fl_type t);	       /* 0 for others */

/* ---- struct and union ---- */

struct fl_member {
	struct fl_str name;  /* empty: anonymous */
	struct fl_type type; /* as written: modifiers not skipped */
	struct fl_type parent; /* the struct or union in which it is written */
	uint32_t bit_offset; /* from the start of the type that was asked */
	uint32_t bits;	     /* width of a bitfield; 0: none */
};

/* Number of members, parameters, enum values or variables; 0 for others. */
uint32_t fl_type_vlen(struct fl_type t);

/* Member @i as it is written; false past the end or when @t is no struct or union. */
bool fl_type_member(struct fl_type t, uint32_t i, struct fl_member *ret);

/**
 * fl_type_find_member() - the member that the kernel's probe events mean by a name
 * @t: a struct or union (modifiers not skipped)
 *
 * Named members come first, in order. Anonymous structs and unions are put aside, 16 at most, and
 * searched after them, the last one first, and so on inwards.
 *
 * Return: 0, -EINVAL when @t is no struct or union, -ENOENT, -ELOOP for a struct that holds itself.
 */
int fl_type_find_member(struct fl_type t, struct fl_str name, struct fl_member *ret);

/* ---- functions ---- */

struct fl_param {
	struct fl_str name; /* may be empty */
	struct fl_type type; /* void in the last place of a variadic function */
};

/* @t may be a FUNC or a FUNC_PROTO in all of these. */
struct fl_type fl_type_return(struct fl_type t);
uint32_t fl_type_nr_params(struct fl_type t);
bool fl_type_param(struct fl_type t, uint32_t i, struct fl_param *ret);

/* ---- enum and enum64 ---- */

struct fl_enum_value {
	struct fl_str name;
	uint64_t value; /* sign-extended when the enum is signed */
};

bool fl_type_enum_signed(struct fl_type t);
bool fl_type_enum_value(struct fl_type t, uint32_t i, struct fl_enum_value *ret);
/* Name of the value, else (all values are bits) "A|B|0x40", else the number. Appends to @out. */
void fl_type_print_enum(struct fl_type t, uint64_t value, struct fl_buf *out);

/* ---- variables: in kernel BTF, the static per-CPU ones ---- */

struct fl_var {
	struct fl_type var;  /* the VAR */
	struct fl_type type; /* its type */
	struct fl_str section; /* ".data..percpu" */
	uint32_t offset;     /* within the section, bytes */
	uint32_t size;
	uint32_t linkage; /* BTF_VAR_* */
};

/* Of this object alone. -ENOENT, also where a VAR is in no section. */
int fl_btf_find_var(const struct fl_btf *btf, struct fl_str name, struct fl_var *ret);
/* Variable @i of a DATASEC. */
bool fl_type_section_var(struct fl_type datasec, uint32_t i, struct fl_var *ret);

/* ---- C text ---- */

/*
 * Appends the type as C would declare @name with it: "struct file *file", "char comm[16]",
 * "int (*fn)(void *data)"; an empty name gives the bare type. Anonymous structs are "struct {...}".
 */
void fl_type_print(struct fl_type t, struct fl_str name, struct fl_buf *out);

/* A FUNC: "ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)". */
void fl_type_print_func(struct fl_type func, struct fl_buf *out);

/* A whole definition: struct, union or enum with members, typedef; offsets as comments. */
void fl_type_print_def(struct fl_type t, struct fl_buf *out);

/* "int", "ptr", ...: the kind's name as bpftool prints it, in lower case. */
const char *fl_kind_name(unsigned int kind);

#endif
