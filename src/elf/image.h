/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF file's bytes: sections, segments, notes, symbols. Only what this machine runs is read
 * (64 bit, its byte order).
 *
 * Files are other people's, and the reader may be root. So a file is opened without waiting (a
 * FIFO would), must be a regular one, is mapped only where nobody but root or the asker can change it
 * and is read otherwise (one that is cut short under a mapping kills its reader), and every offset
 * in it is checked before it is used.
 */
#ifndef ELF_IMAGE_H
#define ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/str.h"

struct fl_elf_symbol {
	uint64_t address, size;
	const char *name; /* in the image */
	const char *file; /* a local one's source, as the symbols have it; NULL: not known */
	bool is_local, is_weak;
	bool is_ifunc; /* the address is of what chooses the function */
};

struct fl_elf_image {
	struct fl_file file;
	const Elf64_Ehdr *head;
	const Elf64_Phdr *segments;
	const Elf64_Shdr *sections;
	size_t nr_segments, nr_sections;
	const char *names; /* of sections */
	size_t names_size;
	struct fl_elf_symbol *symbols; /* functions, by address; see fl_elf_image_symbols() */
	size_t nr_symbols;
	bool has_symbols, is_full; /* from .symtab */
};

/* -EINVAL where it is no such file; otherwise open()'s errors. */
int fl_elf_image_open(const char *path, struct fl_elf_image *ret);
int fl_elf_image_open_fd(int fd, struct fl_elf_image *ret);
void fl_elf_image_close(struct fl_elf_image *i);

/* @n bytes at @offset; NULL where the file has not as many. */
const void *fl_elf_bytes(const struct fl_elf_image *i, uint64_t offset, uint64_t n);
const Elf64_Shdr *fl_elf_section(const struct fl_elf_image *i, const char *name);
/* The section's bytes, uncompressed ones alone; n is 0 where it is not there. */
struct fl_str fl_elf_section_bytes(const struct fl_elf_image *i, const Elf64_Shdr *s);

struct fl_str fl_elf_build_id(const struct fl_elf_image *i); /* n 0: none */
/* An offset in the file as an address of its own, and the other way; false where no segment has it. */
bool fl_elf_offset_to_address(const struct fl_elf_image *i, uint64_t offset, uint64_t *ret);
bool fl_elf_address_to_offset(const struct fl_elf_image *i, uint64_t address, uint64_t *ret);
/* "" where it needs no loader: a static program. */
struct fl_str fl_elf_interpreter(const struct fl_elf_image *i);

/* Reads the symbols once: .symtab, or .dynsym where that is not there. 0 or -ENOMEM. */
int fl_elf_image_symbols(struct fl_elf_image *i);
/* The function that @address is in; NULL: none is known. */
const struct fl_elf_symbol *fl_elf_symbol_at(struct fl_elf_image *i, uint64_t address);
/* A function by its name; where there are several, the first. */
const struct fl_elf_symbol *fl_elf_symbol_named(struct fl_elf_image *i, struct fl_str name);

#endif
