/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function's name is the linkage name that its debug information has; where that has none (C) the
 * symbol's, which tells a part or copy that the compiler made (f.cold, f.constprop.0); where there is
 * no symbol the debug information's plain name. What was inlined has no symbol. This is the order
 * that addr2line has, too.
 */
#include "elf/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/util.h"
#include "elf/debugfile.h"
#include "elf/demangle.h"
#include "elf/lines.h"

struct fl_elf_file {
	char *path;
	struct fl_elf_image image, debug;
	bool is_open, has_debug, looked;
	struct fl_elf_lines *lines;
	struct fl_elf_file *next;
};

struct fl_elf_names {
	struct fl_elf_file *files;
	struct fl_map by_path;	 /* and build-id */
	struct fl_map demangled; /* by mangled name */
	struct fl_arena strings;
};

int fl_elf_names_open(struct fl_elf_names **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void fl_elf_names_close(struct fl_elf_names *n)
{
	if (!n)
		return;
	while (n->files) {
		struct fl_elf_file *f = n->files;

		n->files = f->next;
		fl_elf_lines_close(f->lines);
		if (f->has_debug)
			fl_elf_image_close(&f->debug);
		if (f->is_open)
			fl_elf_image_close(&f->image);
		free(f->path);
		free(f);
	}
	fl_map_fini(&n->by_path);
	fl_map_fini(&n->demangled);
	fl_arena_fini(&n->strings);
	free(n);
}

/* The place for a file in the map; *@ret_new where it is not there yet. */
static struct fl_elf_file *place(struct fl_elf_names *n, struct fl_str path, struct fl_str id,
				 bool *ret_new)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;
	struct fl_elf_file *f;
	struct fl_str own;

	*ret_new = false;
	fl_buf_add_str(&key, path);
	fl_buf_addc(&key, '\0');
	fl_buf_add_str(&key, id);
	e = key.error ? NULL : fl_map_get(&n->by_path, fl_buf_str(&key));
	if (e)
		return e->ptr;
	own = fl_str_n(fl_arena_dup(&n->strings, fl_buf_str(&key)), key.len);
	f = calloc(1, sizeof(*f));
	e = own.p && f ? fl_map_put(&n->by_path, own, NULL) : NULL;
	if (f)
		f->path = fl_str_dup(path);
	if (!e || !f->path) {
		free(f);
		return NULL;
	}
	e->ptr = f;
	f->next = n->files;
	n->files = f;
	*ret_new = true;
	return f;
}

struct fl_elf_file *fl_elf_names_file(struct fl_elf_names *n, struct fl_str path, struct fl_str id)
{
	bool is_new;
	struct fl_elf_file *f = place(n, path, id, &is_new);

	if (!f || !is_new || f->path[0] != '/' || fl_elf_image_open(f->path, &f->image) < 0)
		return f;
	f->is_open = true;
	if (id.n && !fl_str_eq(id, fl_elf_build_id(&f->image))) {
		fl_elf_image_close(&f->image);
		f->is_open = false;
	}
	return f;
}

struct fl_elf_file *fl_elf_names_file_fd(struct fl_elf_names *n, struct fl_str path, int fd)
{
	_cleanup_close_ int own = fd;
	bool is_new;
	struct fl_elf_file *f = place(n, path, FL_STR("fd"), &is_new);

	if (f && is_new)
		f->is_open = fl_elf_image_open_fd(own, &f->image) == 0;
	return f;
}

bool fl_elf_file_is_open(const struct fl_elf_file *f)
{
	return f->is_open;
}

struct fl_elf_image *fl_elf_file_image(struct fl_elf_file *f)
{
	return f->is_open ? &f->image : NULL;
}

/* Symbols are taken from the debug file where the file itself has only those for the loader. */
static void look_for_debug(struct fl_elf_file *f)
{
	if (f->looked)
		return;
	f->looked = true;
	if (fl_elf_lines_open(&f->image, &f->lines) == 0)
		return;
	fl_elf_image_symbols(&f->image);
	if (fl_elf_debugfile_open(&f->image, f->path, &f->debug) < 0)
		return;
	f->has_debug = true;
	fl_elf_lines_open(&f->debug, &f->lines);
}

static const struct fl_elf_symbol *symbol_at(struct fl_elf_file *f, uint64_t address)
{
	const struct fl_elf_symbol *s = fl_elf_symbol_at(&f->image, address);

	if (!f->image.is_full && f->has_debug) {
		const struct fl_elf_symbol *d = fl_elf_symbol_at(&f->debug, address);

		s = d ? d : s;
	}
	return s;
}

static char *dup_z(struct fl_elf_names *n, struct fl_str s)
{
	char *p = fl_arena_alloc(&n->strings, s.n + 1);

	if (p) {
		memcpy(p, s.p, s.n);
		p[s.n] = '\0';
	}
	return p;
}

static const char *readable(struct fl_elf_names *n, const char *mangled)
{
	struct fl_map_entry *e = fl_map_get(&n->demangled, fl_str(mangled));
	_cleanup_free_ char *text = NULL;
	const char *at;
	struct fl_str key;
	char *own = NULL;

	if (e)
		return e->ptr ? e->ptr : mangled;
	key = fl_str(mangled);
	key.p = fl_arena_dup(&n->strings, key);
	text = fl_elf_demangle(mangled);
	at = strchr(mangled, '@');
	if (text)
		own = dup_z(n, fl_str(text));
	else if (at) /* a version, as a debug file's table has it behind the name */
		own = dup_z(n, fl_str_n(mangled, (size_t)(at - mangled)));
	e = key.p ? fl_map_put(&n->demangled, key, NULL) : NULL;
	if (e)
		e->ptr = own;
	return own ? own : mangled;
}

static void name(struct fl_elf_names *n, const struct fl_elf_line *l,
		 const struct fl_elf_symbol *symbol, struct fl_elf_frame *ret)
{
	const char *mangled = l->linkage_name ? l->linkage_name : symbol ? symbol->name : l->name;

	ret->function = mangled ? readable(n, mangled) : NULL;
	ret->file = l->file || !symbol ? l->file : symbol->file;
	ret->line = l->line;
	ret->discriminator = l->discriminator;
}

size_t fl_elf_names_at(struct fl_elf_names *n, struct fl_elf_file *f, uint64_t address,
		       struct fl_elf_frame *v, size_t max)
{
	struct fl_elf_line lines[64] = {};
	const struct fl_elf_symbol *symbol;
	size_t k = 0;

	if (!max)
		return 0;
	v[0] = (struct fl_elf_frame){};
	if (!f || !f->is_open)
		return 1;
	look_for_debug(f);
	symbol = symbol_at(f, address);
	if (f->lines)
		k = fl_elf_lines_at(f->lines, address, lines, FL_MIN(max, FL_ARRAY_SIZE(lines)));
	k = k ? k : 1;
	for (size_t i = 0; i < k; i++) {
		bool last = i + 1 == k;

		v[i] = (struct fl_elf_frame){ .inlined = !last };
		name(n, &lines[i], last ? symbol : NULL, &v[i]);
	}
	v[k - 1].has_offset = symbol != NULL;
	v[k - 1].offset = symbol ? address - symbol->address : 0;
	return k;
}
