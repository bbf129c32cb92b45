/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdw reads DWARF; what it has no index for is kept here: which unit has an address (the section
 * for that, .debug_aranges, is left out by some compilers), and which functions a unit has. From a
 * function's entry one goes down to the innermost inlined one that has the address; its place in
 * the source is the line table's, and that of each function around it is where it was called.
 *
 * Going down means to look at each entry beneath a function, of which most are variables. So a function
 * that is asked for a second time is gone through once, and what has addresses in it is kept, with its
 * name and place: ten thousand addresses of a program are of some thousand functions.
 *
 * A distribution moves what several files share into one more file (.gnu_debugaltlink, made by dwz),
 * without which there would be no names.
 */
#include "elf/lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/util.h"
#include "elf/debuginfo.h"

#define DEPTH_MAX 64

struct range {
	uint64_t low, high;
	size_t index; /* of the unit */
	Dwarf_Off die;
};

struct ranges {
	struct range *v;
	size_t n, cap;
};

/* What of a function has addresses of its own, in the order of the entries: what is in it follows, one deeper. */
struct scope {
	uint64_t low, high;
	Dwarf_Off die;
	unsigned int depth; /* the function itself: 0 */
	bool is_frame; /* a function, and no block */
	bool is_named;
	struct fl_elf_line frame; /* its name, and the place of its call */
};

struct function {
	struct scope *v;
	size_t n, cap;
	unsigned int asked;
};

struct unit {
	Dwarf_Die die;
	struct ranges functions;
	bool has_functions, has_inner;
	Dwarf_Files *files;
	size_t nr_files;
	const char *folder; /* where it was compiled */
	struct fl_map paths; /* whole ones, by what the tables have */
	struct fl_map known; /* struct function, by entry */
};

struct fl_elf_lines {
	struct fl_elf_dwarf dwarf;
	struct unit *units;
	size_t nr_units;
	struct ranges by_address; /* of units */
	struct fl_arena strings;
};

static int add_range(struct ranges *r, struct range one)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct range *v = reallocarray(r->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = one;
	return 0;
}

static int add_ranges(struct ranges *to, Dwarf_Die *die, size_t index)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	int r = 0;

	while (r == 0 && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0)
		if (low < high && low) /* what the linker dropped begins at 0 */
			r = add_range(to, (struct range){ low, high, index, dwarf_dieoffset(die) });
	return r;
}

static int by_low(const void *x, const void *y)
{
	const struct range *a = x, *b = y;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	if (a->high != b->high)
		return a->high > b->high ? -1 : 1; /* what contains comes before what is in it */
	/*
	 * Inline functions that several units have are one in the file: the linker kept the first, and
	 * the first is found last.
	 */
	return (a->index < b->index) - (a->index > b->index);
}

static void sort(struct ranges *r)
{
	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_low);
}

/* The innermost range that has the address: ranges nest, but do not cross. */
static const struct range *find_range(const struct ranges *r, uint64_t address)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->v[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t back = 0; low-- > 0 && back < 64; back++)
		if (address < r->v[low].high)
			return &r->v[low];
	return NULL;
}

static int find_units(struct fl_elf_lines *l)
{
	size_t cap = 0;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;
	int r = 0;

	while (r == 0 && dwarf_get_units(l->dwarf.dwarf, cu, &cu, NULL, &type, &die, NULL) == 0) {
		if (type != DW_UT_compile || dwarf_tag(&die) != DW_TAG_compile_unit)
			continue;
		if (l->nr_units == cap) {
			struct unit *v = reallocarray(l->units, cap ? cap * 2 : 64, sizeof(*v));

			if (!v)
				return -ENOMEM;
			l->units = v;
			cap = cap ? cap * 2 : 64;
		}
		l->units[l->nr_units] = (struct unit){ .die = die };
		r = add_ranges(&l->by_address, &die, l->nr_units++);
	}
	sort(&l->by_address);
	return r;
}

/*
 * Functions stand in units and namespaces. Those that stand in classes and other functions (local
 * classes, lambdas, GNU C's nested ones) are looked for only where an address is in no other: to find
 * them all of a unit must be gone through.
 */
static bool may_hold_functions(int tag, bool inner)
{
	if (tag == DW_TAG_namespace || tag == DW_TAG_module)
		return true;
	return inner && (tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
			 tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block);
}

static int find_functions(struct unit *u, Dwarf_Die *parent, bool inner, unsigned int depth)
{
	Dwarf_Die die;
	int r = 0;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return 0;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			r = add_ranges(&u->functions, &die, 0);
		if (r == 0 && may_hold_functions(tag, inner))
			r = find_functions(u, &die, inner, depth + 1);
	} while (r == 0 && dwarf_siblingof(&die, &die) == 0);
	return r;
}

static const struct range *function_at(struct unit *u, uint64_t address)
{
	const struct range *found;

	if (!u->has_functions) {
		u->has_functions = true;
		find_functions(u, &u->die, false, 0);
		sort(&u->functions);
	}
	found = find_range(&u->functions, address);
	if (found || u->has_inner)
		return found;
	u->has_inner = true;
	u->functions.n = 0;
	find_functions(u, &u->die, true, 0);
	sort(&u->functions);
	return find_range(&u->functions, address);
}

void fl_elf_lines_close(struct fl_elf_lines *l)
{
	if (!l)
		return;
	for (size_t k = 0; k < l->nr_units; k++) {
		free(l->units[k].functions.v);
		fl_map_fini(&l->units[k].paths);
		fl_map_for_each(e, &l->units[k].known)
			free(((struct function *)e->ptr)->v);
		fl_map_fini(&l->units[k].known);
	}
	fl_arena_fini(&l->strings);
	free(l->units);
	free(l->by_address.v);
	fl_elf_dwarf_close(&l->dwarf);
	free(l);
}

int fl_elf_lines_open(const struct fl_elf_image *i, struct fl_elf_lines **ret)
{
	struct fl_elf_lines *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = fl_elf_dwarf_open(i, &l->dwarf);
	if (r < 0) {
		free(l);
		return r == -ENODATA ? -ENOENT : r;
	}
	r = find_units(l);
	if (r < 0)
		fl_elf_lines_close(l);
	else
		*ret = l;
	return r;
}

static const char *string_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute a;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &a));
}

static void name_frame(Dwarf_Die *die, struct fl_elf_line *ret)
{
	ret->linkage_name = string_of(die, DW_AT_linkage_name);
	if (!ret->linkage_name)
		ret->linkage_name = string_of(die, DW_AT_MIPS_linkage_name);
	ret->name = string_of(die, DW_AT_name);
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
	       tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

static bool child_with(Dwarf_Die *parent, uint64_t address, Dwarf_Die *ret)
{
	if (dwarf_child(parent, ret) != 0)
		return false;
	do
		if (is_scope(dwarf_tag(ret)) && dwarf_haspc(ret, address) > 0)
			return true;
	while (dwarf_siblingof(ret, ret) == 0);
	return false;
}

/* A relative folder of compilation is left out by libdw; with it the path is what addr2line gives. */
static const char *whole(struct fl_elf_lines *l, struct unit *u, const char *path)
{
	_cleanup_buf_ struct fl_buf b = {};
	struct fl_map_entry *e;

	if (!path || path[0] == '/')
		return path;
	if (!u->folder)
		u->folder = string_of(&u->die, DW_AT_comp_dir);
	if (!u->folder)
		return path;
	e = fl_map_get(&u->paths, fl_str_n((const char *)&path, sizeof(path)));
	if (e)
		return e->ptr;
	fl_buf_addf(&b, "%s/%s", u->folder, path);
	fl_buf_addc(&b, '\0');
	e = fl_map_put(&u->paths,
		       fl_str_n(fl_arena_dup(&l->strings, fl_str_n((const char *)&path, sizeof(path))),
				sizeof(path)), NULL);
	if (!e || b.error)
		return path;
	e->ptr = fl_arena_dup(&l->strings, fl_buf_str(&b));
	return e->ptr;
}

static const char *file_name(struct unit *u, Dwarf_Word index)
{
	if (!u->files && dwarf_getsrcfiles(&u->die, &u->files, &u->nr_files) != 0)
		return NULL;
	return index < u->nr_files ? dwarf_filesrc(u->files, index, NULL, NULL) : NULL;
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute a;
	Dwarf_Word v = 0;

	return dwarf_attr(die, name, &a) && dwarf_formudata(&a, &v) == 0 ? v : 0;
}

static void place_by_table(struct fl_elf_lines *l, struct unit *u, uint64_t address,
			   struct fl_elf_line *ret)
{
	Dwarf_Line *line = dwarf_getsrc_die(&u->die, address);
	int number = 0;
	unsigned int discriminator = 0;

	if (!line)
		return;
	ret->file = whole(l, u, dwarf_linesrc(line, NULL, NULL));
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		ret->line = (uint32_t)number;
	if (dwarf_linediscriminator(line, &discriminator) == 0)
		ret->discriminator = discriminator;
}

static void place_by_call(struct fl_elf_lines *l, struct unit *u, Dwarf_Die *inlined,
			  struct fl_elf_line *ret)
{
	ret->file = whole(l, u, file_name(u, number_of(inlined, DW_AT_call_file)));
	ret->line = (uint32_t)number_of(inlined, DW_AT_call_line);
}

static int add_scope(struct function *f, struct scope one)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		struct scope *v = reallocarray(f->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n++] = one;
	return 0;
}

static int add_scopes(struct function *f, Dwarf_Die *die, unsigned int depth)
{
	struct scope one = { .die = dwarf_dieoffset(die), .depth = depth,
			     .is_frame = depth == 0 || dwarf_tag(die) == DW_TAG_inlined_subroutine };
	Dwarf_Addr base;
	Dwarf_Die child;
	ptrdiff_t at = 0;
	int r = 0;

	while (r == 0 && (at = dwarf_ranges(die, at, &base, &one.low, &one.high)) > 0)
		r = add_scope(f, one);
	if (r < 0 || depth == DEPTH_MAX || dwarf_child(die, &child) != 0)
		return r;
	do
		if (is_scope(dwarf_tag(&child)))
			r = add_scopes(f, &child, depth + 1);
	while (r == 0 && dwarf_siblingof(&child, &child) == 0);
	return r;
}

/* One frame with its name, and where it was called if it was inlined. */
static void describe(struct fl_elf_lines *l, struct unit *u, struct scope *s)
{
	Dwarf_Die die;

	if (s->is_named || !dwarf_offdie(l->dwarf.dwarf, s->die, &die))
		return;
	s->is_named = true;
	name_frame(&die, &s->frame);
	if (s->depth > 0)
		place_by_call(l, u, &die, &s->frame);
}

/* The frames at @address, outermost first, as pointers into what is known of the function. */
static size_t known_frames(const struct function *f, uint64_t address, struct scope **v)
{
	unsigned int depth = 0;
	size_t n = 0, last = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct scope *s = &f->v[i];

		if (depth > 0 && s->depth < depth && s->die != f->v[last].die)
			break;
		if (s->depth != depth || address < s->low || address >= s->high)
			continue;
		last = i;
		depth++;
		if (s->is_frame && n < DEPTH_MAX)
			v[n++] = s;
	}
	return n;
}

/* The same, found by going down once. */
static size_t find_frames(struct fl_elf_lines *l, const struct range *function, uint64_t address,
			  struct scope *v)
{
	Dwarf_Die die;
	size_t n = 0;

	if (!dwarf_offdie(l->dwarf.dwarf, function->die, &die))
		return 0;
	v[n++] = (struct scope){ .die = function->die };
	for (unsigned int d = 1; d < DEPTH_MAX && child_with(&die, address, &die); d++)
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
			v[n++] = (struct scope){ .die = dwarf_dieoffset(&die), .depth = d };
	return n;
}

/* What is known of a function; NULL at the first question, and where there is no memory. */
static struct function *known_function(struct fl_elf_lines *l, struct unit *u, Dwarf_Off die)
{
	struct fl_str key = fl_str_n((const char *)&die, sizeof(die));
	struct fl_map_entry *e = fl_map_get(&u->known, key);
	struct function *f = e ? e->ptr : NULL;
	Dwarf_Die entry;

	if (!f) {
		f = FL_ARENA_NEW(&l->strings, struct function);
		key.p = fl_arena_dup(&l->strings, key);
		e = f && key.p ? fl_map_put(&u->known, key, NULL) : NULL;
		if (e)
			e->ptr = f;
		return NULL;
	}
	if (f->asked++ == 0 && dwarf_offdie(l->dwarf.dwarf, die, &entry) && add_scopes(f, &entry, 0) < 0)
		f->n = 0;
	return f->n ? f : NULL;
}

size_t fl_elf_lines_at(struct fl_elf_lines *l, uint64_t address, struct fl_elf_line *v, size_t max)
{
	const struct range *in = find_range(&l->by_address, address), *function;
	struct scope found[DEPTH_MAX], *chain[DEPTH_MAX];
	struct function *known;
	size_t n = 0, given;
	struct unit *u;

	if (!in || !max)
		return 0;
	u = &l->units[in->index];
	function = function_at(u, address);
	known = function ? known_function(l, u, function->die) : NULL;
	if (known)
		n = known_frames(known, address, chain);
	else if (function)
		n = find_frames(l, function, address, found);
	for (size_t k = 0; !known && k < n; k++)
		chain[k] = &found[k];
	given = FL_MIN(n ? n : 1, max);
	memset(v, 0, given * sizeof(*v));
	place_by_table(l, u, address, &v[0]);
	for (size_t k = 0; k < n && k <= given; k++)
		describe(l, u, chain[n - 1 - k]);
	for (size_t k = 0; k < given && k < n; k++) {
		v[k].name = chain[n - 1 - k]->frame.name;
		v[k].linkage_name = chain[n - 1 - k]->frame.linkage_name;
		if (k > 0) {
			v[k].file = chain[n - k]->frame.file;
			v[k].line = chain[n - k]->frame.line;
		}
	}
	return given;
}
