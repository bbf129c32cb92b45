/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening BTF: find the two sections, then one pass over the types.
 *
 * The pass does two things at once, since touching the bytes is what costs: it notes where each type
 * starts, and it checks that type's kind, length, names and references. A reference may go forward to
 * a type that the pass has not seen yet; so only the highest id is kept, and compared with the count
 * at the end. When that fails, a second pass finds out whose it was, for the message.
 *
 * Names are not hashed here: a program that traces one event asks for a handful of names, and a scan
 * over the types (0.2 ms for vmlinux) is cheaper than hashing 75,000 strings (see find() in btf.c).
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/util.h"
#include "probe/target/btf-private.h"
#include "probe/target/errors.h"

#define MAX_FILE (1ull << 31) /* offsets within BTF are 32 bits; an ELF vmlinux is larger than its BTF */

#define ALL 0xffffffffu

const struct fl_btf_layout fl_btf_layouts[FL_BTF_KINDS] = {
	[BTF_KIND_UNKN] = { "void" },
	[BTF_KIND_INT] = { "int", .size = 16 },
	[BTF_KIND_PTR] = { "ptr", .size = 12, .refers = ALL },
	[BTF_KIND_ARRAY] = { "array", .size = 12 + sizeof(struct btf_array) },
	[BTF_KIND_STRUCT] = { "struct", .size = 12, .words = 3, .entry_name = ALL, .entry_type = ALL },
	[BTF_KIND_UNION] = { "union", .size = 12, .words = 3, .entry_name = ALL, .entry_type = ALL },
	[BTF_KIND_ENUM] = { "enum", .size = 12, .words = 2, .entry_name = ALL },
	[BTF_KIND_FWD] = { "fwd", .size = 12 },
	[BTF_KIND_TYPEDEF] = { "typedef", .size = 12, .refers = ALL },
	[BTF_KIND_VOLATILE] = { "volatile", .size = 12, .refers = ALL },
	[BTF_KIND_CONST] = { "const", .size = 12, .refers = ALL },
	[BTF_KIND_RESTRICT] = { "restrict", .size = 12, .refers = ALL },
	[BTF_KIND_FUNC] = { "func", .size = 12, .refers = ALL },
	[BTF_KIND_FUNC_PROTO] = { "func_proto", .size = 12, .words = 2, .refers = ALL,
				  .entry_name = ALL, .entry_type = ALL },
	[BTF_KIND_VAR] = { "var", .size = 12 + sizeof(struct btf_var), .refers = ALL },
	[BTF_KIND_DATASEC] = { "datasec", .size = 12, .words = 3 },
	[BTF_KIND_FLOAT] = { "float", .size = 12 },
	[BTF_KIND_DECL_TAG] = { "decl_tag", .size = 12 + sizeof(struct btf_decl_tag), .refers = ALL },
	[BTF_KIND_TYPE_TAG] = { "type_tag", .size = 12, .refers = ALL },
	[BTF_KIND_ENUM64] = { "enum64", .size = 12, .words = 3, .entry_name = ALL },
};

static inline bool is_known(uint32_t info)
{
	return FL_BTF_KIND(info) - 1 < FL_BTF_KINDS - 1u;
}

/* The highest name offset and the highest type id that a type uses. */
struct reach {
	uint32_t name, type;
};

/*
 * Kinds follow each other without order, so a switch would be mispredicted at every second type: what
 * differs between them is masks instead. Names stand in an entry's first word, types in its second;
 * the two exceptions are rare and tested for.
 */
static inline void reach_of(const struct btf_type *t, uint32_t kind, struct reach *r)
{
	const struct fl_btf_layout *l = &fl_btf_layouts[kind];
	const uint32_t *p = (const uint32_t *)(t + 1);
	uint32_t n = l->words ? FL_BTF_VLEN(t->info) : 0;
	uint32_t name = FL_MAX(r->name, t->name_off), type = FL_MAX(r->type, t->type & l->refers);

	for (uint32_t i = 0; i < n; i++, p += l->words) {
		name = FL_MAX(name, p[0] & l->entry_name);
		type = FL_MAX(type, p[1] & l->entry_type);
	}
	*r = (struct reach){ name, type };
	if (__builtin_expect(kind == BTF_KIND_ARRAY, 0))
		r->type = FL_MAX(type, FL_MAX(p[0], p[1]));
	else if (__builtin_expect(kind == BTF_KIND_DATASEC, 0))
		for (p = (const uint32_t *)(t + 1); n; n--, p += 3)
			r->type = FL_MAX(r->type, p[0]);
}

/* Of a kind that is later than this program: as the object's own layout section says, or 0. */
static uint64_t unknown_size(const struct fl_btf *btf, uint32_t info)
{
	const uint8_t *l;

	if (!FL_BTF_KIND(info) || (FL_BTF_KIND(info) + 1) * FL_BTF_LAYOUT_SIZE > btf->layout_len)
		return 0;
	l = btf->layout + FL_BTF_KIND(info) * FL_BTF_LAYOUT_SIZE;
	return sizeof(struct btf_type) + l[0] + (uint64_t)l[1] * FL_BTF_VLEN(info);
}

/* The size of the type at @t, of which at least its header is there; 0 where the kind is unknown. */
static inline uint64_t type_size(const struct fl_btf *btf, const struct btf_type *t)
{
	const struct fl_btf_layout *l;

	if (__builtin_expect(!is_known(t->info), 0))
		return unknown_size(btf, t->info);
	l = &fl_btf_layouts[FL_BTF_KIND(t->info)];
	return l->size + 4u * l->words * FL_BTF_VLEN(t->info);
}

static int fail_type(const struct fl_btf *btf, uint32_t offset, uint32_t id, uint64_t size,
		     const char *place, struct fl_diag *diag)
{
	const struct btf_type *t = (const struct btf_type *)(btf->types + offset);
	uint32_t left = btf->types_len - offset;

	if (left >= sizeof(*t) && (!size || size % 4))
		return fl_target_fail(diag, FL_TARGET_BTF_BAD_KIND, place,
				      "type %u at byte %u of the types is of the unknown kind %u", id,
				      offset, FL_BTF_KIND(t->info));
	if (left < sizeof(*t) || size > left)
		return fl_target_fail(diag, FL_TARGET_BTF_TRUNCATED, place,
				      "type %u at byte %u of the types is cut off: %u bytes are left",
				      id, offset, left);
	return fl_target_fail(diag, FL_TARGET_BTF_BAD_NAME, place,
			      "type %u at byte %u of the types has a name outside of the %u bytes of strings",
			      id, offset, btf->strs_start + btf->strs_len);
}

/* The pass found that some id is too high: whose? */
static int fail_reference(const struct fl_btf *btf, const char *place, struct fl_diag *diag)
{
	for (uint32_t id = btf->first_id; id < btf->end_id; id++) {
		const struct btf_type *t = fl_btf_own(btf, id);
		uint32_t kind = btf->kinds[id - btf->first_id];
		struct reach r = {};

		reach_of(t, kind, &r);
		if (r.type >= btf->end_id)
			return fl_target_fail(
				diag, FL_TARGET_BTF_BAD_TYPE, place,
				"type %u (%s '%.80s') at byte %u of the types refers to type %u of %u", id,
				fl_btf_layouts[kind].name, fl_btf_str(btf, t->name_off),
				btf->offsets[id - btf->first_id], r.type, btf->end_id - 1);
	}
	return -EINVAL;
}

static int make_tables(struct fl_btf *btf)
{
	/* The smallest type is a header. What is not used of the tables is never touched. */
	size_t most = btf->types_len / sizeof(struct btf_type) + 1;

	btf->offsets = malloc(most * (sizeof(*btf->offsets) + sizeof(*btf->kinds)));
	btf->kinds = (uint8_t *)(btf->offsets + most);
	return btf->offsets ? 0 : -ENOMEM;
}

int fl_btf_index(struct fl_btf *btf, const char *place, struct fl_diag *diag)
{
	uint32_t strs_end = btf->strs_start + btf->strs_len, at = 0, n = 0;
	struct reach r = {};

	if (make_tables(btf) < 0)
		return -ENOMEM;
	while (at < btf->types_len) {
		const struct btf_type *t = (const struct btf_type *)(btf->types + at);
		uint32_t left = btf->types_len - at, kind;
		uint64_t size;

		size = left < sizeof(*t) ? 0 : type_size(btf, t);
		if (!size || size > left || size % 4)
			return fail_type(btf, at, btf->first_id + n, size, place, diag);
		kind = is_known(t->info) ? FL_BTF_KIND(t->info) : BTF_KIND_UNKN;
		reach_of(t, kind, &r);
		if (r.name >= strs_end)
			return fail_type(btf, at, btf->first_id + n, size, place, diag);
		btf->offsets[n] = at;
		btf->kinds[n++] = kind;
		at += size;
	}
	btf->end_id = btf->first_id + n;
	return r.type < btf->end_id ? 0 : fail_reference(btf, place, diag);
}

/* The header as all versions have it; what a later one adds stands behind, within hdr_len. */
struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

static int find_layout(struct fl_btf *btf, const uint8_t *data, uint32_t hdr_len, size_t size,
		       const char *place, struct fl_diag *diag)
{
	uint32_t at[2]; /* offset and length */

	if (hdr_len < sizeof(struct header) + sizeof(at))
		return 0;
	memcpy(&at, data + sizeof(struct header), sizeof(at));
	if (!fl_range_ok(at[0], at[1], size))
		return fl_target_fail(diag, FL_TARGET_BTF_SECTION, place,
				      "the layout at %u+%u does not fit into the %zu bytes behind the header",
				      at[0], at[1], size);
	btf->layout = data + hdr_len + at[0];
	btf->layout_len = at[1];
	return 0;
}

/*
 * Cuts @data into its sections. Offsets in the header count from the header's end, and the sections
 * lie in what follows it.
 */
static int find_sections(struct fl_btf *btf, const uint8_t *data, size_t size, const char *place,
			 struct fl_diag *diag)
{
	struct header h;

	if (size < sizeof(h))
		return fl_target_fail(diag, FL_TARGET_BTF_HEADER, place,
				      "this is not BTF: %zu bytes are shorter than its header", size);
	memcpy(&h, data, sizeof(h));
	if (h.magic == __builtin_bswap16(BTF_MAGIC))
		return fl_target_fail(diag, FL_TARGET_BTF_BYTE_ORDER, place, "%s",
				      fl_target_errors[FL_TARGET_BTF_BYTE_ORDER].message);
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.flags)
		return fl_target_fail(diag, FL_TARGET_BTF_HEADER, place,
				      "this is not BTF: magic 0x%04x, version %u, flags 0x%x", h.magic,
				      h.version, h.flags);
	if (h.hdr_len < sizeof(h) || h.hdr_len > size)
		return fl_target_fail(diag, FL_TARGET_BTF_HEADER, place,
				      "the BTF header's length %u is not within %zu to %zu", h.hdr_len,
				      sizeof(h), size);
	size -= h.hdr_len;
	if (!fl_range_ok(h.type_off, h.type_len, size) || !fl_range_ok(h.str_off, h.str_len, size) ||
	    h.type_off % 4 || h.hdr_len % 4)
		return fl_target_fail(diag, FL_TARGET_BTF_SECTION, place,
				      "types at %u+%u and strings at %u+%u do not fit into the %zu bytes behind the header",
				      h.type_off, h.type_len, h.str_off, h.str_len, size);
	btf->types = data + h.hdr_len + h.type_off;
	btf->types_len = h.type_len;
	btf->strs = (const char *)data + h.hdr_len + h.str_off;
	btf->strs_len = h.str_len;
	return find_layout(btf, data, h.hdr_len, size, place, diag);
}

static int check_strings(const struct fl_btf *btf, const char *place, struct fl_diag *diag)
{
	uint32_t n = btf->strs_len, sum;

	if (btf->base ? n && btf->strs[n - 1] : !n || btf->strs[0] || btf->strs[n - 1])
		return fl_target_fail(diag, FL_TARGET_BTF_STRINGS, place,
				      "the %u bytes of BTF strings do not start and end in a NUL byte", n);
	/* Also keeps ids and offsets from wrapping: a type takes 12 bytes, an id counts one. */
	if (__builtin_add_overflow(btf->strs_start, n, &sum) ||
	    __builtin_add_overflow(btf->first_id, btf->types_len / sizeof(struct btf_type), &sum))
		return fl_target_fail(diag, FL_TARGET_BTF_SECTION, place,
				      "base and split BTF together are too large");
	return 0;
}

static int set_name(struct fl_btf *btf, const char *name, const char *place)
{
	struct fl_str base = fl_str(place ? place : "btf");
	size_t n = base.n, dot;

	while (n && base.p[n - 1] != '/')
		n--;
	base = fl_str_from(base, n);
	dot = fl_str_find(base, '.', 0);
	btf->own_name = name ? fl_str_dup(fl_str(name)) : fl_str_dup(fl_str_sub(base, 0, dot));
	btf->name = btf->own_name;
	return btf->name ? 0 : -ENOMEM;
}

static struct fl_btf *new_btf(struct fl_btf *base)
{
	struct fl_btf *btf = calloc(1, sizeof(*btf));

	if (!btf)
		return NULL;
	btf->base = base;
	btf->first_id = btf->end_id = base ? base->end_id : 1;
	btf->strs_start = base ? base->strs_start + base->strs_len : 0;
	return btf;
}

/* Everything behind "the bytes are here"; @data must outlive it. */
static int set_up(struct fl_btf *btf, const uint8_t *data, size_t n, const char *place,
		  struct fl_diag *diag)
{
	int r;

	if ((uintptr_t)data % 4) {
		btf->copy = malloc(n);
		if (!btf->copy)
			return -ENOMEM;
		memcpy(btf->copy, data, n);
		data = btf->copy;
	}
	r = find_sections(btf, data, n, place, diag);
	if (r < 0)
		return r;
	r = check_strings(btf, place, diag);
	return r < 0 ? r : fl_btf_index(btf, place, diag);
}

int fl_btf_from_bytes(const void *data, size_t n, struct fl_btf *base, const char *name,
		      struct fl_diag *diag, struct fl_btf **ret)
{
	_cleanup_btf_ struct fl_btf *btf = new_btf(base);
	int r;

	if (!btf)
		return -ENOMEM;
	r = set_name(btf, name, NULL);
	if (r < 0)
		return r;
	r = set_up(btf, data, n, name, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(btf);
	return 0;
}

/*
 * The .BTF section of an ELF file, as a part of its bytes: 64-bit and of our byte order, which the
 * kernels are that we know registers of. Nothing else of ELF is needed, so no library is.
 */
struct elf {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr h;
};

static bool elf_shdr(const struct elf *e, uint32_t i, Elf64_Shdr *ret)
{
	uint64_t at;

	if (__builtin_add_overflow(e->h.e_shoff, (uint64_t)i * sizeof(*ret), &at) ||
	    !fl_range_ok(at, sizeof(*ret), e->size))
		return false;
	memcpy(ret, e->data + at, sizeof(*ret));
	return ret->sh_type == SHT_NOBITS || fl_range_ok(ret->sh_offset, ret->sh_size, e->size);
}

static bool elf_name_is(const struct elf *e, const Elf64_Shdr *names, uint32_t offset, const char *z)
{
	size_t n = strlen(z) + 1;

	return names->sh_type != SHT_NOBITS && fl_range_ok(offset, n, names->sh_size) &&
	       !memcmp(e->data + names->sh_offset + offset, z, n);
}

static int fail_elf(struct fl_diag *diag, const char *place, const char *why)
{
	return fl_target_fail(diag, FL_TARGET_BTF_BAD_ELF, place, "this ELF file %s", why);
}

/* Past 65279 sections the first section's header holds the numbers. */
static int elf_open(const struct fl_file *f, struct elf *e, uint32_t *ret_n, Elf64_Shdr *ret_names,
		    const char *place, struct fl_diag *diag)
{
	uint32_t names;
	Elf64_Shdr first;

	*e = (struct elf){ .data = f->data, .size = f->size };
	if (f->size < sizeof(e->h))
		return fail_elf(diag, place, "is shorter than its header");
	memcpy(&e->h, f->data, sizeof(e->h));
	if (e->h.e_ident[EI_CLASS] != ELFCLASS64 || e->h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return fail_elf(diag, place, "is not 64-bit little-endian");
	if (!e->h.e_shoff || e->h.e_shentsize != sizeof(Elf64_Shdr) || !elf_shdr(e, 0, &first))
		return fail_elf(diag, place, "has no section table");
	*ret_n = e->h.e_shnum ?: FL_MIN(first.sh_size, (uint64_t)UINT32_MAX);
	names = e->h.e_shstrndx == SHN_XINDEX ? first.sh_link : e->h.e_shstrndx;
	if (!elf_shdr(e, names, ret_names))
		return fail_elf(diag, place, "has no section names");
	return 0;
}

static int find_elf_btf(const struct fl_file *f, struct fl_str *ret, const char *place,
			struct fl_diag *diag)
{
	Elf64_Shdr names, sh, btf = {};
	bool distilled = false;
	struct elf e;
	uint32_t n = 0;
	int r;

	r = elf_open(f, &e, &n, &names, place, diag);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i < n; i++) {
		if (!elf_shdr(&e, i, &sh))
			return fail_elf(diag, place, "has a section that reaches past its end");
		if (elf_name_is(&e, &names, sh.sh_name, ".BTF") && sh.sh_type != SHT_NOBITS)
			btf = sh;
		else if (elf_name_is(&e, &names, sh.sh_name, ".BTF.base"))
			distilled = true;
	}
	if (!btf.sh_size)
		return fl_target_fail(diag, FL_TARGET_BTF_NO_SECTION, place, "%s",
				      fl_target_errors[FL_TARGET_BTF_NO_SECTION].message);
	if (distilled) {
		r = fl_target_fail(diag, FL_TARGET_BTF_DISTILLED, place,
				   "this module's BTF goes on from a base of its own (.BTF.base)");
		fl_diag_help(diag, "load the module and take its file in /sys/kernel/btf, where the "
				   "kernel has put both together");
		return r;
	}
	*ret = fl_str_n((const char *)f->data + btf.sh_offset, btf.sh_size);
	return 0;
}

int fl_btf_open(const char *path, struct fl_btf *base, const char *name, struct fl_diag *diag,
		struct fl_btf **ret)
{
	_cleanup_btf_ struct fl_btf *btf = new_btf(base);
	struct fl_str bytes;
	int r;

	if (!btf)
		return -ENOMEM;
	r = set_name(btf, name, path);
	if (r < 0)
		return r;
	r = fl_file_open(path, MAX_FILE, &btf->file);
	if (r < 0) {
		fl_target_fail(diag, FL_TARGET_TARGET_FILE, path, "%s", strerror(-r));
		return r;
	}
	bytes = fl_file_str(&btf->file);
	if (bytes.n >= SELFMAG && !memcmp(bytes.p, ELFMAG, SELFMAG)) {
		r = find_elf_btf(&btf->file, &bytes, path, diag);
		if (r < 0)
			return r;
	}
	r = set_up(btf, (const uint8_t *)bytes.p, bytes.n, path, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(btf);
	return 0;
}

void fl_btf_close(struct fl_btf *btf)
{
	if (!btf)
		return;
	free(btf->heads);
	free(btf->next);
	free(btf->offsets);
	free(btf->own_name);
	free(btf->copy);
	fl_file_close(&btf->file);
	free(btf);
}
