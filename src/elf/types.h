/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program's types, of its debug information (DWARF), in the kernel's own form (BTF): of one function, or of a
 * struct by its name, with all types that these lead to. Names of C++ and Rust are without their namespaces.
 */
#ifndef ELF_TYPES_H
#define ELF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "elf/image.h"

#define FL_ELF_PARAMS_MAX 32

/* Where a parameter is when its function begins. */
struct fl_elf_param {
	int reg;       /* DWARF's number; -1: none is named */
	bool is_gone;  /* the compiler has left it nowhere */
};

struct fl_elf_func {
	struct fl_elf_param params[FL_ELF_PARAMS_MAX];
	size_t nr_params; /* what follows the last one is not told */
};

/*
 * @image has the debug information, and must be read no longer than the call. @out gets a whole BTF object. The
 * function that begins at @address is its only FUNC: -ENOENT where none does, -ENODATA without debug
 * information, -E2BIG where there are too many types.
 */
int fl_elf_types_of_func(const struct fl_elf_image *image, uint64_t address, struct fl_elf_func *func,
			 struct fl_buf *out);

/* The struct, union, class or typedef of that name. */
int fl_elf_types_of_name(const struct fl_elf_image *image, struct fl_str name, struct fl_buf *out);

/* Whether a function of that name is inlined somewhere. */
bool fl_elf_is_inlined(const struct fl_elf_image *image, struct fl_str name);

#endif
