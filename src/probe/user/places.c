/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where names are in a file. A place that its author marked (USDT) is a note, as systemtap's sys/sdt.h
 * writes it: three addresses - of the place, of the section .stapsdt.base when the note was written, and of
 * the counter that switches it on - then provider, name and where the arguments are. Where the file was
 * moved afterwards (prelink), the base tells by how much.
 */
#include "probe/user/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "elf/debugfile.h"
#include "elf/demangle.h"
#include "elf/image.h"
#include "probe/target/target.h"

#define NT_STAPSDT 3

/* A file, and the one that has what was stripped off it. */
struct user_file {
	struct fl_elf_image image, debug;
	bool has_debug;
};

static int open_file(struct fl_target *t, struct fl_str path, struct user_file *f)
{
	_cleanup_buf_ struct fl_buf full = {};
	int r;

	fl_target_path(t, path, &full);
	if (full.error)
		return full.error;
	r = fl_elf_image_open(fl_buf_z(&full), &f->image);
	if (r < 0)
		return r;
	fl_elf_image_symbols(&f->image);
	f->has_debug = !f->image.is_full && fl_elf_debugfile_open(&f->image, fl_buf_z(&full), &f->debug) == 0;
	if (f->has_debug)
		fl_elf_image_symbols(&f->debug);
	return 0;
}

static void close_file(struct user_file *f)
{
	if (f->has_debug)
		fl_elf_image_close(&f->debug);
	fl_elf_image_close(&f->image);
}

/* A segment may claim more than the file has. */
static bool find_offset(const struct fl_elf_image *i, uint64_t address, uint64_t *ret)
{
	return fl_elf_address_to_offset(i, address, ret) && fl_elf_bytes(i, *ret, 1);
}

static int add_place(struct fl_user_places *p, struct fl_user_place place)
{
	struct fl_user_place *bigger = p->v;

	if (p->n % 64 == 0)
		bigger = reallocarray(p->v, p->n + 64, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	p->v = bigger;
	place.name.p = fl_arena_dup(&p->arena, place.name);
	place.args.p = fl_arena_dup(&p->arena, place.args);
	place.plain.p = fl_arena_dup(&p->arena, place.plain);
	if (!place.name.p || !place.args.p || !place.plain.p)
		return -ENOMEM;
	p->v[p->n++] = place;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct fl_user_place *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Aliases are one place. */
static void drop_repeated(struct fl_user_places *p)
{
	size_t n = 0;

	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), by_offset);
	for (size_t i = 0; i < p->n; i++)
		if (!n || p->v[n - 1].offset != p->v[i].offset)
			p->v[n++] = p->v[i];
	p->n = n;
}

/* ---- functions ---- */

/* "ns::f(int) const" is known as "ns::f", too. */
static struct fl_str without_params(struct fl_str name)
{
	size_t at = fl_str_find(name, '(', 0);

	return at && at < name.n ? fl_str_sub(name, 0, at) : name;
}

static bool fits(struct fl_str want, bool glob, struct fl_str name)
{
	return glob ? fl_str_glob(want, name) : fl_str_eq(want, name);
}

/* Rust's "<store::Item>::twice" is written, and mangled by older compilers, as "store::Item::twice". */
static bool fits_inherent(struct fl_str want, bool glob, struct fl_str name)
{
	_cleanup_buf_ struct fl_buf plain = {};
	size_t end = fl_str_find(name, '>', 0);

	if (!fl_str_starts(name, "<") || !fl_str_starts(fl_str_from(name, end), ">::") ||
	    fl_str_find(name, ' ', 0) < end || fl_str_find(name, '<', 1) < end)
		return false;
	fl_buf_add_str(&plain, fl_str_sub(name, 1, end - 1));
	fl_buf_add_str(&plain, fl_str_from(name, end + 1));
	return !plain.error && fits(want, glob, fl_buf_str(&plain));
}

static bool is_wanted(struct fl_str want, bool glob, const char *symbol)
{
	struct fl_str name = fl_str(symbol);
	_cleanup_free_ char *text = NULL;

	name = fl_str_sub(name, 0, fl_str_find(name, '@', 0)); /* a version */
	if (glob && (strstr(symbol, ".cold") || strstr(symbol, ".part.")))
		return false; /* pieces, which nobody calls */
	if (fits(want, glob, name))
		return true;
	text = fl_elf_demangle(symbol);
	return text && (fits(want, glob, fl_str(text)) || fits(want, glob, without_params(fl_str(text))) ||
			fits_inherent(want, glob, fl_str(text)));
}

/*
 * Instructions with an EVEX prefix, executed out of line, have left wrong values in the upper registers (glibc's
 * __strchr_evex on Linux 6.18): the traced program then computes something else.
 */
static bool is_fragile(const struct fl_elf_image *file, uint64_t offset)
{
	const uint8_t *byte = fl_elf_bytes(file, offset, 1);

	return file->head->e_machine == EM_X86_64 && byte && *byte == 0x62;
}

static bool has_ifunc(struct fl_elf_image *i, uint64_t address)
{
	const struct fl_elf_symbol *s = fl_elf_symbol_at(i, address);

	for (; s && s->address == address; s--) {
		if (s->is_ifunc)
			return true;
		if (s == i->symbols)
			break;
	}
	return false;
}

/*
 * Code that is run when the program is loaded, to choose the code that does the work: the address of an IFUNC
 * symbol. Other symbols of that address, which look like functions, are no more than that.
 */
static bool is_chosen(struct user_file *f, uint64_t address)
{
	return has_ifunc(&f->image, address) || (f->has_debug && has_ifunc(&f->debug, address));
}

static int add_functions(struct user_file *f, const struct fl_elf_image *from, struct fl_str want, bool glob,
			 struct fl_user_places *ret)
{
	int r = 0;

	for (size_t i = 0; i < from->nr_symbols && r == 0; i++) {
		const struct fl_elf_symbol *s = &from->symbols[i];
		struct fl_user_place place = { .name = fl_str(s->name), .args = FL_STR("") };

		_cleanup_free_ char *plain = NULL;

		if (!is_wanted(want, glob, s->name) ||
		    !find_offset(&f->image, s->address, &place.offset))
			continue;
		plain = fl_elf_demangle(s->name);
		place.plain = fl_str(plain ? plain : "");
		place.is_fragile = is_fragile(&f->image, place.offset);
		place.is_chosen = is_chosen(f, s->address);
		r = add_place(ret, place);
	}
	return r;
}

static bool any_chosen(const struct fl_user_places *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].is_chosen)
			return true;
	return false;
}

/*
 * A name that is chosen is refused, though a function may have it, too: that is an older version (glibc's
 * memcpy@GLIBC_2.2.5), which no program of today calls.
 */
static int find_functions(struct user_file *f, struct fl_str want, bool glob, struct fl_user_places *ret)
{
	int r = add_functions(f, &f->image, want, glob, ret);

	if (r == 0 && f->has_debug)
		r = add_functions(f, &f->debug, want, glob, ret);
	drop_repeated(ret);
	if (r == 0 && !glob && any_chosen(ret))
		r = -EOPNOTSUPP;
	return r < 0 || ret->n ? r : -ENOENT;
}

/* ---- marked places ---- */

struct note {
	uint64_t pc, base, counter;
	struct fl_str provider, name, args;
};

/* NUL-terminated, from @text on, which is moved behind it. */
static bool cut_string(struct fl_str *text, struct fl_str *ret)
{
	size_t n = text->n ? strnlen(text->p, text->n) : 0;

	if (n == text->n)
		return false;
	*ret = fl_str_sub(*text, 0, n);
	*text = fl_str_from(*text, n + 1);
	return true;
}

static bool read_note(struct fl_str desc, struct note *ret)
{
	if (desc.n < 24)
		return false;
	ret->pc = fl_get_le64(desc.p);
	ret->base = fl_get_le64(desc.p + 8);
	ret->counter = fl_get_le64(desc.p + 16);
	desc = fl_str_from(desc, 24);
	return cut_string(&desc, &ret->provider) && cut_string(&desc, &ret->name) && cut_string(&desc, &ret->args);
}

/* The counter lies in .probes, which has bytes in the file. */
static uint64_t counter_offset(const struct fl_elf_image *i, uint64_t address)
{
	uint64_t offset;

	return address && find_offset(i, address, &offset) ? offset : 0;
}

static int add_note(const struct fl_elf_image *i, const struct note *n, struct fl_str provider,
		    struct fl_str name, struct fl_user_places *ret)
{
	const Elf64_Shdr *base = fl_elf_section(i, ".stapsdt.base");
	uint64_t moved = base && n->base ? base->sh_addr - n->base : 0;
	struct fl_user_place place = { .args = n->args, .plain = FL_STR("") };
	_cleanup_buf_ struct fl_buf full = {};

	if (!fl_str_glob(provider, n->provider) || !fl_str_glob(name, n->name) ||
	    !find_offset(i, n->pc + moved, &place.offset))
		return 0;
	place.refctr = n->counter ? counter_offset(i, n->counter + moved) : 0;
	fl_buf_addf(&full, "%.*s:%.*s", FL_STR_ARG(n->provider), FL_STR_ARG(n->name));
	place.name = fl_buf_str(&full);
	return full.error ? full.error : add_place(ret, place);
}

static int find_notes(const struct fl_elf_image *i, struct fl_str provider, struct fl_str name,
		      struct fl_user_places *ret)
{
	struct fl_str notes = fl_elf_section_bytes(i, fl_elf_section(i, ".note.stapsdt"));
	int r = 0;

	while (r == 0 && notes.n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		struct note n;
		uint64_t owner, desc;

		memcpy(&h, notes.p, sizeof(h));
		owner = ((uint64_t)h.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)h.n_descsz + 3) & ~3ull;
		if (sizeof(h) + owner + h.n_descsz > notes.n)
			break;
		if (h.n_type == NT_STAPSDT && read_note(fl_str_sub(notes, sizeof(h) + owner, h.n_descsz), &n))
			r = add_note(i, &n, provider, name, ret);
		notes = fl_str_from(notes, sizeof(h) + owner + desc);
	}
	drop_repeated(ret);
	return r < 0 ? r : ret->n ? 0 : -ENOENT;
}

int user_places(struct fl_target *t, struct fl_str path, struct fl_str name,
			  struct fl_user_places *ret)
{
	struct user_file f = {};
	size_t colon;
	int r = open_file(t, path, &f);

	if (r < 0)
		return r;
	ret->is_glob = fl_is_glob(name);
	if (fl_str_starts(name, "sdt:")) {
		name = fl_str_from(name, 4);
		colon = fl_str_find(name, ':', 0);
		r = find_notes(&f.image, fl_str_sub(name, 0, colon), fl_str_from(name, colon + 1), ret);
	} else {
		r = find_functions(&f, name, ret->is_glob, ret);
	}
	close_file(&f);
	return r;
}

/* ---- what was meant ---- */

static void nearest(const struct fl_elf_image *i, struct fl_str name, struct fl_buf *out)
{
	struct fl_str *v = calloc(i->nr_symbols + 1, sizeof(*v));
	size_t at = i->nr_symbols;

	for (size_t k = 0; v && k < i->nr_symbols; k++)
		v[k] = fl_str(i->symbols[k].name);
	if (v)
		at = fl_str_nearest(name, v, i->nr_symbols);
	if (at < i->nr_symbols)
		fl_buf_add_str(out, v[at]);
	free(v);
}

void user_near(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_buf *out)
{
	struct user_file f = {};

	if (open_file(t, path, &f) < 0)
		return;
	nearest(f.has_debug ? &f.debug : &f.image, name, out);
	close_file(&f);
}
