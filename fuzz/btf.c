/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF from anywhere: raw, in an ELF file, and split on top of itself. What opens must be walked
 * through to its last member and printed; what does not must have said why.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "foreland/diag.h"
#include "fuzz.h"
#include "btf/btf.h"

#define MAX_TYPES 256

static void walk_entries(struct fl_type t)
{
	struct fl_enum_value v;
	struct fl_member m, found;
	struct fl_param p;
	struct fl_var var;

	for (uint32_t i = 0; fl_type_member(t, i, &m); i++)
		if (i < 16)
			fl_type_find_member(t, m.name, &found);
	fl_type_find_member(t, FL_STR("nowhere"), &found);
	for (uint32_t i = 0; fl_type_param(t, i, &p); i++)
		fl_type_kind(p.type);
	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++)
		;
	for (uint32_t i = 0; fl_type_section_var(t, i, &var); i++)
		if (i < 4)
			fl_btf_find_var(t.btf, fl_type_name(var.var), &var);
}

static void walk_type(struct fl_type t)
{
	_cleanup_buf_ struct fl_buf out = {};
	uint64_t size;

	fl_type_size(t, &size);
	walk_entries(t);
	fl_type_print(t, FL_STR("x"), &out);
	fl_type_print_def(t, &out);
	fl_type_print_enum(t, 5, &out);
	/* A name leads to a type of that name. */
	if (fl_type_name(t).n &&
	    !fl_str_eq(fl_type_name(fl_btf_find(t.btf, fl_type_name(t), ~0u)), fl_type_name(t)))
		abort();
}

static struct fl_btf *open_bytes(const void *data, size_t size, struct fl_btf *base)
{
	struct fl_diag diag = {};
	struct fl_btf *btf = NULL;

	if (fl_btf_from_bytes(data, size, base, "fuzz", &diag, &btf) < 0 && !diag.kind)
		abort();
	fl_diag_fini(&diag);
	return btf;
}

static void walk(struct fl_btf *btf)
{
	uint32_t first = btf ? fl_btf_first_id(btf) : 0;

	for (uint32_t i = 0; btf && i < MAX_TYPES && first + i < fl_btf_end_id(btf); i++)
		walk_type(fl_btf_type(btf, first + i));
}

/* Unchecked, so that names and references may lead anywhere. */
static void walk_kernels(struct fl_btf *btf)
{
	uint32_t first = btf ? fl_btf_first_id(btf) : 0;

	for (uint32_t i = 0; btf && i < MAX_TYPES && first + i < fl_btf_end_id(btf); i++) {
		struct fl_type t = fl_btf_type(btf, first + i);
		_cleanup_buf_ struct fl_buf out = {};

		walk_entries(t);
		fl_type_print_def(t, &out);
		fl_btf_find(btf, fl_type_name(t), ~0u);
	}
}

static void open_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct fl_btf *btf = NULL, *kernels = NULL;
	_cleanup_buf_ struct fl_buf path = {};
	struct fl_diag diag = {};

	fl_buf_addf(&path, "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size) {
		fl_btf_open(fl_buf_z(&path), NULL, NULL, &diag, &btf);
		fl_btf_open_kernel(fl_buf_z(&path), NULL, NULL, &diag, &kernels);
	}
	walk(btf);
	walk_kernels(kernels);
	fl_btf_close(kernels);
	fl_btf_close(btf);
	fl_diag_fini(&diag);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_btf *btf, *split;
	void *copy;

	open_file(data, size);
	if (size >= 4 && !memcmp(data, "\177ELF", 4))
		return 0;
	copy = malloc(size ? size : 1); /* of its size, so that a read past it is seen */
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	btf = open_bytes(copy, size, NULL);
	walk(btf);
	split = btf ? open_bytes(copy, size, btf) : NULL;
	walk(split);
	fl_btf_close(split);
	fl_btf_close(btf);
	free(copy);
	return 0;
}
