/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/cleanup.h"

#define FILE_MAX ((size_t)4 << 30)

const void *fl_elf_bytes(const struct fl_elf_image *i, uint64_t offset, uint64_t n)
{
	return fl_range_ok(offset, n, i->file.size) ? i->file.data + offset : NULL;
}

/* @n things of @size bytes, where they may be read as they stand. */
static const void *things(const struct fl_elf_image *i, uint64_t offset, uint64_t n, uint64_t size)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || offset % 8)
		return NULL;
	return fl_elf_bytes(i, offset, bytes);
}

static bool is_ours(const Elf64_Ehdr *head)
{
	const unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB :
										 ELFDATA2MSB;

	return head && !memcmp(head->e_ident, ELFMAG, SELFMAG) &&
	       head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_ident[EI_DATA] == order;
}

static void find_tables(struct fl_elf_image *i)
{
	const Elf64_Shdr *names;

	i->segments = things(i, i->head->e_phoff, i->head->e_phnum, sizeof(*i->segments));
	i->nr_segments = i->segments ? i->head->e_phnum : 0;
	i->sections = things(i, i->head->e_shoff, i->head->e_shnum, sizeof(*i->sections));
	i->nr_sections = i->sections ? i->head->e_shnum : 0;
	if (i->head->e_shstrndx >= i->nr_sections)
		return;
	names = &i->sections[i->head->e_shstrndx];
	i->names = fl_elf_bytes(i, names->sh_offset, names->sh_size);
	if (i->names && names->sh_size && !i->names[names->sh_size - 1])
		i->names_size = names->sh_size;
}

/* Nobody but root and the asker can cut it short. */
static bool is_safe_to_map(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & 022);
}

static int read_file(int fd, const struct stat *st, struct fl_file *ret)
{
	_cleanup_buf_ struct fl_buf b = {};
	int r;

	if (is_safe_to_map(st))
		return fl_file_open_fd(fd, FILE_MAX, ret);
	r = fl_buf_read_fd(&b, fd, FILE_MAX);
	if (r < 0)
		return r;
	*ret = (struct fl_file){ .size = b.len };
	ret->data = (const uint8_t *)fl_buf_take(&b);
	return ret->data ? 0 : -ENOMEM;
}

int fl_elf_image_open_fd(int fd, struct fl_elf_image *ret)
{
	struct fl_elf_image i = {};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = read_file(fd, &st, &i.file);
	if (r < 0)
		return r;
	i.head = things(&i, 0, 1, sizeof(*i.head));
	if (!is_ours(i.head)) {
		fl_file_close(&i.file);
		return -EINVAL;
	}
	find_tables(&i);
	*ret = i;
	return 0;
}

int fl_elf_image_open(const char *path, struct fl_elf_image *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fl_elf_image_open_fd(fd, ret);
}

void fl_elf_image_close(struct fl_elf_image *i)
{
	free(i->symbols);
	fl_file_close(&i->file);
	*i = (struct fl_elf_image){};
}

const Elf64_Shdr *fl_elf_section(const struct fl_elf_image *i, const char *name)
{
	for (size_t k = 0; k < i->nr_sections; k++)
		if (i->sections[k].sh_name < i->names_size &&
		    !strcmp(i->names + i->sections[k].sh_name, name))
			return &i->sections[k];
	return NULL;
}

struct fl_str fl_elf_section_bytes(const struct fl_elf_image *i, const Elf64_Shdr *s)
{
	const char *p = NULL;

	if (s && s->sh_type != SHT_NOBITS && !(s->sh_flags & SHF_COMPRESSED))
		p = fl_elf_bytes(i, s->sh_offset, s->sh_size);
	return p ? fl_str_n(p, s->sh_size) : (struct fl_str){};
}

/* Of a run of notes. */
static struct fl_str build_id_in(const uint8_t *p, size_t n)
{
	while (p && n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		uint64_t name, text;

		memcpy(&h, p, sizeof(h));
		name = ((uint64_t)h.n_namesz + 3) & ~3ULL;
		text = ((uint64_t)h.n_descsz + 3) & ~3ULL;
		if (sizeof(h) + name + h.n_descsz > n)
			break;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !memcmp(p + sizeof(h), "GNU", 4))
			return fl_str_n((const char *)p + sizeof(h) + name, h.n_descsz);
		if (sizeof(h) + name + text >= n)
			break;
		p += sizeof(h) + name + text;
		n -= sizeof(h) + name + text;
	}
	return (struct fl_str){};
}

struct fl_str fl_elf_build_id(const struct fl_elf_image *i)
{
	struct fl_str id = {};

	for (size_t k = 0; !id.n && k < i->nr_segments; k++)
		if (i->segments[k].p_type == PT_NOTE)
			id = build_id_in(fl_elf_bytes(i, i->segments[k].p_offset,
						      i->segments[k].p_filesz),
					 i->segments[k].p_filesz);
	for (size_t k = 0; !id.n && k < i->nr_sections; k++)
		if (i->sections[k].sh_type == SHT_NOTE)
			id = build_id_in(fl_elf_bytes(i, i->sections[k].sh_offset,
						      i->sections[k].sh_size),
					 i->sections[k].sh_size);
	return id;
}

bool fl_elf_offset_to_address(const struct fl_elf_image *i, uint64_t offset, uint64_t *ret)
{
	for (const Elf64_Phdr *p = i->segments; p && p < i->segments + i->nr_segments; p++) {
		if (p->p_type != PT_LOAD || offset < p->p_offset ||
		    offset - p->p_offset >= p->p_filesz)
			continue;
		*ret = offset - p->p_offset + p->p_vaddr;
		return true;
	}
	return false;
}

bool fl_elf_address_to_offset(const struct fl_elf_image *i, uint64_t address, uint64_t *ret)
{
	for (const Elf64_Phdr *p = i->segments; p && p < i->segments + i->nr_segments; p++) {
		if (p->p_type != PT_LOAD || address < p->p_vaddr ||
		    address - p->p_vaddr >= p->p_filesz)
			continue;
		*ret = address - p->p_vaddr + p->p_offset;
		return true;
	}
	return false;
}

struct fl_str fl_elf_interpreter(const struct fl_elf_image *i)
{
	for (const Elf64_Phdr *p = i->segments; p && p < i->segments + i->nr_segments; p++) {
		const char *path = p->p_type == PT_INTERP ?
					   fl_elf_bytes(i, p->p_offset, p->p_filesz) : NULL;

		if (path)
			return fl_str_n(path, strnlen(path, p->p_filesz));
	}
	return (struct fl_str){ "", 0 };
}

/* Aliases stand in the order in which addr2line and the kernel prefer them: global before local. */
static int by_address(const void *x, const void *y)
{
	const struct fl_elf_symbol *a = x, *b = y;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->is_local != b->is_local)
		return a->is_local ? -1 : 1;
	return (a > b) - (a < b);
}

static bool is_function(const Elf64_Sym *s)
{
	unsigned int type = ELF64_ST_TYPE(s->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && s->st_shndx != SHN_UNDEF;
}

/* What stands between one source's name and the next is local to it. */
static const char *source_name(const Elf64_Sym *s, struct fl_str names, const char *before)
{
	if (ELF64_ST_TYPE(s->st_info) != STT_FILE)
		return before;
	return s->st_name < names.n && names.p[s->st_name] ? names.p + s->st_name : NULL;
}

static int take_symbols(struct fl_elf_image *i, const Elf64_Shdr *table)
{
	size_t n = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *v = things(i, table->sh_offset, n, sizeof(*v));
	struct fl_str names = fl_elf_section_bytes(i, &i->sections[table->sh_link]);
	const char *source = NULL;

	if (!v || !names.n || names.p[names.n - 1])
		return 0;
	i->symbols = reallocarray(NULL, n + 1, sizeof(*i->symbols));
	if (!i->symbols)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++) {
		bool is_local = ELF64_ST_BIND(v[k].st_info) == STB_LOCAL;

		source = source_name(&v[k], names, source);
		if (is_function(&v[k]) && v[k].st_name < names.n)
			i->symbols[i->nr_symbols++] = (struct fl_elf_symbol){
				v[k].st_value, v[k].st_size, names.p + v[k].st_name,
				is_local ? source : NULL, is_local,
				ELF64_ST_BIND(v[k].st_info) == STB_WEAK,
				ELF64_ST_TYPE(v[k].st_info) == STT_GNU_IFUNC
			};
	}
	qsort(i->symbols, i->nr_symbols, sizeof(*i->symbols), by_address);
	return 0;
}

int fl_elf_image_symbols(struct fl_elf_image *i)
{
	const Elf64_Shdr *found = NULL;

	if (i->has_symbols)
		return 0;
	i->has_symbols = true;
	for (size_t k = 0; k < i->nr_sections; k++) {
		const Elf64_Shdr *s = &i->sections[k];

		if (s->sh_link >= i->nr_sections || s->sh_type == SHT_NOBITS)
			continue;
		if (s->sh_type == SHT_SYMTAB || (s->sh_type == SHT_DYNSYM && !found))
			found = s;
	}
	i->is_full = found && found->sh_type == SHT_SYMTAB;
	return found ? take_symbols(i, found) : 0;
}

/*
 * The last one that starts at or below the address. One without a size (hand-written code) reaches
 * up to the next.
 */
const struct fl_elf_symbol *fl_elf_symbol_at(struct fl_elf_image *i, uint64_t address)
{
	const struct fl_elf_symbol *s;
	size_t low = 0, high;

	if (fl_elf_image_symbols(i) < 0)
		return NULL;
	for (high = i->nr_symbols; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (i->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	s = &i->symbols[low - 1];
	while (s > i->symbols && s->size && address - s->address >= s->size &&
	       s[-1].address == s->address)
		s--;
	return s->size && address - s->address >= s->size ? NULL : s;
}

const struct fl_elf_symbol *fl_elf_symbol_named(struct fl_elf_image *i, struct fl_str name)
{
	if (fl_elf_image_symbols(i) < 0)
		return NULL;
	for (size_t k = 0; k < i->nr_symbols; k++)
		if (fl_str_is(name, i->symbols[k].name))
			return &i->symbols[k];
	return NULL;
}
