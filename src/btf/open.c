/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening BTF: finding its sections, in a file of its own or in an ELF file. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/util.h"
#include "btf/private.h"
#include "btf/errors.h"

#define MAX_FILE (1ull << 31) /* offsets within BTF are 32 bits; an ELF vmlinux is larger than its BTF */

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
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_SECTION], place,
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
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_HEADER], place,
				      "this is not BTF: %zu bytes are shorter than its header", size);
	memcpy(&h, data, sizeof(h));
	if (h.magic == __builtin_bswap16(BTF_MAGIC))
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_BYTE_ORDER], place, "%s",
				      fl_btf_errors[FL_E_BTF_BYTE_ORDER].message);
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.flags)
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_HEADER], place,
				      "this is not BTF: magic 0x%04x, version %u, flags 0x%x", h.magic,
				      h.version, h.flags);
	if (h.hdr_len < sizeof(h) || h.hdr_len > size)
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_HEADER], place,
				      "the BTF header's length %u is not within %zu to %zu", h.hdr_len,
				      sizeof(h), size);
	size -= h.hdr_len;
	if (!fl_range_ok(h.type_off, h.type_len, size) || !fl_range_ok(h.str_off, h.str_len, size) ||
	    h.type_off % 4 || h.hdr_len % 4)
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_SECTION], place,
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
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_STRINGS], place,
				      "the %u bytes of BTF strings do not start and end in a NUL byte", n);
	/* Also keeps ids and offsets from wrapping: a type takes 12 bytes, an id counts one. */
	if (__builtin_add_overflow(btf->strs_start, n, &sum) ||
	    __builtin_add_overflow(btf->first_id, btf->types_len / sizeof(struct btf_type), &sum))
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_SECTION], place,
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
	return r < 0 ? r : fl_btf_count(btf, place, diag);
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
	return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_BAD_ELF], place, "this ELF file %s", why);
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
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_NO_SECTION], place, "%s",
				      fl_btf_errors[FL_E_BTF_NO_SECTION].message);
	if (distilled) {
		r = fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_DISTILLED], place,
				   "this module's BTF goes on from a base of its own (.BTF.base)");
		fl_diag_help(diag, "load the module and take its file in /sys/kernel/btf, where the "
				   "kernel has put both together");
		return r;
	}
	*ret = fl_str_n((const char *)f->data + btf.sh_offset, btf.sh_size);
	return 0;
}

static int open_file(const char *path, struct fl_btf *base, const char *name, bool is_kernels,
		     struct fl_diag *diag, struct fl_btf **ret)
{
	_cleanup_btf_ struct fl_btf *btf = new_btf(base);
	struct fl_str bytes;
	int r;

	if (!btf)
		return -ENOMEM;
	btf->is_kernels = is_kernels;
	r = set_name(btf, name, path);
	if (r < 0)
		return r;
	r = fl_file_open(path, MAX_FILE, &btf->file);
	if (r < 0) {
		fl_fail_open(diag, path, -r);
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

int fl_btf_open(const char *path, struct fl_btf *base, const char *name, struct fl_diag *diag,
		struct fl_btf **ret)
{
	return open_file(path, base, name, false, diag, ret);
}

int fl_btf_open_kernel(const char *path, struct fl_btf *base, const char *name, struct fl_diag *diag,
		       struct fl_btf **ret)
{
	return open_file(path, base, name, true, diag, ret);
}

void fl_btf_close(struct fl_btf *btf)
{
	if (!btf)
		return;
	free(btf->used);
	free(btf->heads);
	free(btf->next);
	free(btf->marks);
	free(btf->own_name);
	free(btf->copy);
	fl_file_close(&btf->file);
	free(btf);
}
