/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for addresses in files: what is shown of a frame. A file is opened once, its debug file is
 * looked for when lines are first asked for, and answers are kept by address.
 */
#ifndef ELF_NAMES_H
#define ELF_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "elf/image.h"

struct fl_elf_names; /* many files */
struct fl_elf_file;  /* one of them */

/* Strings live as long as the names. */
struct fl_elf_frame {
	const char *function; /* demangled; NULL: not known */
	const char *file;     /* NULL: not known; without a line the symbols alone have it */
	uint32_t line, discriminator;
	bool inlined;	 /* into the frame that follows */
	uint64_t offset; /* from the function's start, where a symbol says where that is */
	bool has_offset;
};

int fl_elf_names_open(struct fl_elf_names **ret);
void fl_elf_names_close(struct fl_elf_names *n); /* NULL is allowed */

/*
 * The file of that path. @build_id (n 0: unknown) is what it must have: a file that was replaced
 * since gives no names. Never NULL but for want of memory: a file that cannot be had has no names.
 */
struct fl_elf_file *fl_elf_names_file(struct fl_elf_names *n, struct fl_str path,
				      struct fl_str build_id);
/* The same by a descriptor, which is kept and closed, for files that are reached otherwise. */
struct fl_elf_file *fl_elf_names_file_fd(struct fl_elf_names *n, struct fl_str path, int fd);
bool fl_elf_file_is_open(const struct fl_elf_file *f);
struct fl_elf_image *fl_elf_file_image(struct fl_elf_file *f); /* NULL where it is not open */

/* The frames at @address of the file, innermost first; at least one of which nothing may be known. */
size_t fl_elf_names_at(struct fl_elf_names *n, struct fl_elf_file *f, uint64_t address,
		       struct fl_elf_frame *v, size_t max);

#endif
