/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file's offset becomes an address by its program headers, and the address a function by the last
 * symbol that starts at or below it - .symtab where the file has one, .dynsym otherwise. The offset
 * is that of the last byte of the call, so that a call at a function's very end is not taken for
 * its neighbour's.
 *
 * Files are other people's: every offset in them is checked before it is used.
 */
#include "alloc/sources/symbols.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mapping.h"
#include "base/num.h"
#include "base/util.h"

#define FILE_MAX ((size_t)4 << 30)

struct symbol {
	uint64_t address, size;
	const char *name; /* in the file */
};

struct object {
	struct fl_str path; /* empty: not to be opened */
	struct fl_file file;
	const Elf64_Phdr *segments;
	size_t nr_segments;
	struct symbol *symbols; /* by address */
	size_t nr_symbols;
	struct object *next;
};

/* @n things of @size bytes at @off, or NULL. */
static const void *at(const struct object *o, uint64_t off, uint64_t n, uint64_t size)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || !fl_range_ok(off, bytes, o->file.size))
		return NULL;
	return off % 8 ? NULL : o->file.data + off;
}

static int by_address(const void *x, const void *y)
{
	const struct symbol *a = x, *b = y;

	return (a->address > b->address) - (a->address < b->address);
}

static bool is_function(const Elf64_Sym *s)
{
	unsigned int type = ELF64_ST_TYPE(s->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && s->st_shndx != SHN_UNDEF;
}

static int take_symbols(struct object *o, const Elf64_Shdr *table, const Elf64_Shdr *names)
{
	size_t n = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *v = at(o, table->sh_offset, n, sizeof(*v));
	const char *text;

	if (!v || !names->sh_size || !fl_range_ok(names->sh_offset, names->sh_size, o->file.size))
		return 0;
	text = (const char *)o->file.data + names->sh_offset;
	if (text[names->sh_size - 1])
		return 0;
	o->symbols = reallocarray(NULL, n + 1, sizeof(*o->symbols));
	if (!o->symbols)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (is_function(&v[i]) && v[i].st_name < names->sh_size)
			o->symbols[o->nr_symbols++] = (struct symbol){ v[i].st_value, v[i].st_size,
								       text + v[i].st_name };
	qsort(o->symbols, o->nr_symbols, sizeof(*o->symbols), by_address);
	return 0;
}

static int read_sections(struct object *o, const Elf64_Ehdr *head)
{
	const Elf64_Shdr *v = at(o, head->e_shoff, head->e_shnum, sizeof(*v)), *found = NULL;

	for (size_t i = 0; v && i < head->e_shnum; i++) {
		if (v[i].sh_link >= head->e_shnum)
			continue;
		if (v[i].sh_type == SHT_SYMTAB || (v[i].sh_type == SHT_DYNSYM && !found))
			found = &v[i];
	}
	return found ? take_symbols(o, found, &v[found->sh_link]) : 0;
}

static int read_object(struct object *o)
{
	const Elf64_Ehdr *head = at(o, 0, 1, sizeof(*head));

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
	    head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB)
		return 0;
	o->segments = at(o, head->e_phoff, head->e_phnum, sizeof(*o->segments));
	o->nr_segments = o->segments ? head->e_phnum : 0;
	return read_sections(o, head);
}

static const struct symbol *find(const struct object *o, uint64_t offset, uint64_t *ret_address)
{
	size_t low = 0, high = o->nr_symbols;
	const Elf64_Phdr *p = o->segments;

	while (p && p < o->segments + o->nr_segments &&
	       (p->p_type != PT_LOAD || offset < p->p_offset || offset - p->p_offset >= p->p_filesz))
		p++;
	if (!p || p == o->segments + o->nr_segments)
		return NULL;
	*ret_address = offset - p->p_offset + p->p_vaddr;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->symbols[middle].address <= *ret_address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	low--;
	if (o->symbols[low].size && *ret_address - o->symbols[low].address >= o->symbols[low].size)
		return NULL;
	return &o->symbols[low];
}

struct symboliser {
	struct fl_map objects; /* by file name as the record has it */
	struct object *all;
	pid_t pid;	     /* 0: none */
	struct fl_file maps; /* of the process */
	struct fl_arena *arena;
};

/*
 * A process is believed only what its own maps confirm: the files that it has mapped are opened, no
 * others that it may name. A name of 63 characters may be the end of a longer one.
 */
static bool find_mapping(const struct symboliser *s, struct fl_str name, struct fl_mapping *ret)
{
	struct fl_str rest = fl_file_str(&s->maps), line;
	size_t cut = name.n < FL_ALLOC_NAME_CUT ? 0 : SIZE_MAX;

	while (fl_str_line(&rest, &line)) {
		struct fl_mapping m;

		if (fl_mapping_parse(line, &m) && m.path.n >= name.n && m.path.n - name.n <= cut &&
		    fl_str_starts(m.path, "/") && !memcmp(m.path.p + m.path.n - name.n, name.p, name.n)) {
			*ret = m;
			return true;
		}
	}
	return false;
}

/* The file itself: the one that the process has mapped, or one that a dump of ours names. */
static int open_file(const struct symboliser *s, struct object *o, struct fl_str name)
{
	_cleanup_free_ char *path = NULL;
	struct fl_mapping m;

	if (s->pid) {
		if (!find_mapping(s, name, &m))
			return -ENOENT;
		o->path = m.path;
		return fl_mapping_open(s->pid, &m, FILE_MAX, &o->file);
	}
	o->path = name;
	path = fl_str_dup(name);
	if (!path || path[0] != '/')
		return path ? -ENOENT : -ENOMEM;
	return fl_file_open_named(path, FILE_MAX, &o->file);
}

static struct object *object_of(struct symboliser *s, struct fl_str name)
{
	struct object *o;
	bool is_new;
	struct fl_map_entry *e = fl_map_put(&s->objects, name, &is_new);

	if (!e || !is_new)
		return e ? e->ptr : NULL;
	o = calloc(1, sizeof(*o));
	e->ptr = o;
	if (!o)
		return NULL;
	o->next = s->all;
	s->all = o;
	if (open_file(s, o, name) == 0)
		read_object(o);
	return o;
}

static bool is_caller(const struct fl_alloc_record *r)
{
	return fl_str_starts(r->function, "+0x");
}

static int name_record(struct symboliser *s, struct fl_alloc_record *r)
{
	struct object *o = object_of(s, r->file);
	uint64_t address = 0;
	const struct symbol *found = o ? find(o, r->line, &address) : NULL;
	struct fl_str full = o && o->path.n ? o->path : r->file;
	const char *base = full.n ? memrchr(full.p, '/', full.n) : NULL;
	char text[512];
	int n;

	if (found)
		n = snprintf(text, sizeof(text), "%.400s+0x%" PRIx64, found->name,
			     address - found->address);
	else
		n = snprintf(text, sizeof(text), "%.*s+0x%" PRIx64,
			     base ? (int)FL_MIN(full.p + full.n - base - 1, 400) : 0,
			     base ? base + 1 : "", r->line);
	r->function = fl_str_n(fl_arena_dup(s->arena, fl_str_n(text, (size_t)n)), (size_t)n);
	if (!r->module.n && base)
		r->module = fl_str_n(base + 1, (size_t)(full.p + full.n - base - 1));
	if (r->module.n)
		r->module.p = fl_arena_dup(s->arena, r->module);
	if (!r->function.p || (r->module.n && !r->module.p))
		return -ENOMEM;
	r->file = (struct fl_str){};
	r->line = 0;
	return 0;
}

static void symboliser_fini(struct symboliser *s)
{
	while (s->all) {
		struct object *o = s->all;

		s->all = o->next;
		fl_file_close(&o->file);
		free(o->symbols);
		free(o);
	}
	fl_map_fini(&s->objects);
	fl_file_close(&s->maps);
}

int fl_alloc_symbolise(struct fl_alloc_set *set, pid_t pid)
{
	struct symboliser s = { .arena = &set->strings, .pid = pid };
	char path[40];
	size_t first = 0;
	int r = 0;

	while (first < set->n && !is_caller(&set->v[first]))
		first++;
	if (first == set->n)
		return 0;
	if (pid) {
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
		if (fl_file_open(path, 1 << 26, &s.maps) < 0)
			s.maps = (struct fl_file){};
	}
	for (size_t i = first; r == 0 && i < set->n; i++)
		if (is_caller(&set->v[i]))
			r = name_record(&s, &set->v[i]);
	symboliser_fini(&s);
	return r;
}
