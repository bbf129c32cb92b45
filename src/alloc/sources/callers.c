/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/sources/callers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/sources/text.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mapping.h"
#include "base/util.h"
#include "elf/debugfile.h"
#include "elf/names.h"

/* What programs and languages put in front of malloc(). */
const char fl_callers_wrappers[] =
	"malloc,calloc,realloc,reallocarray,aligned_alloc,memalign,posix_memalign,valloc,pvalloc,"
	"strdup,__strdup,strndup,__strndup,wcsdup,__wcsdup,asprintf,__asprintf*,___asprintf*,"
	"vasprintf,__vasprintf*,getline,__getline,getdelim,__getdelim,__GI___getdelim,operator new*,"
	"xmalloc,xcalloc,xrealloc,xreallocarray,"
	"xnmalloc,xnrealloc,xzalloc,x2realloc,x2nrealloc,xcharalloc,xmemdup,xmemdup0,xstrdup,"
	"xstrndup,ximalloc,xicalloc,xirealloc,xizalloc,zmalloc*,zcalloc*,zrealloc*,ztry*alloc*,zstrdup,"
	"emalloc,_emalloc*,safe_malloc,safe_calloc,safe_realloc,checked_malloc,"
	"ngx_alloc,ngx_calloc,ngx_memalign,ngx_palloc*,ngx_pcalloc,ngx_pnalloc,"
	"g_malloc*,g_try_malloc*,g_realloc*,g_try_realloc*,g_slice_alloc*,g_strdup,g_strndup,g_memdup*,"
	"CRYPTO_malloc,CRYPTO_zalloc,CRYPTO_realloc,CRYPTO_strdup,CRYPTO_memdup,"
	"PyMem_*,PyObject_Malloc,PyObject_Calloc,PyObject_Realloc,_PyMem_*,_PyObject_Malloc,"
	"_PyObject_Realloc,_PyObject_Calloc,"
	"std::*allocator*::allocate*,std::allocator_traits*::allocate*,__gnu_cxx::*allocator*::allocate*,"
	"std::__*::allocator*::allocate*,std::__cxx11::basic_string*::_M_create*,"
	"*std::_Vector_base*::_M_allocate*,std::__get_temporary_buffer*,"
	"__rust_alloc*,__rust_realloc,__rdl_alloc*,__rdl_realloc,__rg_alloc*,alloc::alloc::*,"
	"<alloc::alloc::Global as core::alloc::Allocator>::*,alloc::raw_vec::*";

struct module {
	struct fl_elf_file *file;
	struct fl_str path, build_id;
};

struct named { /* a place, and the frames that it stands for */
	struct fl_alloc_frame *v;
	size_t n;
};

struct fl_callers {
	struct fl_callers_opts opts;
	struct fl_elf_names *names;
	struct fl_map modules; /* by path and build-id */
	struct fl_map places;  /* by module and address */
	struct fl_map wrappers; /* by function: whether it is one */
	struct fl_arena arena;
	struct fl_file maps; /* the process's */
	bool would_ask;
};

int fl_callers_open(const struct fl_callers_opts *opts, struct fl_callers **ret)
{
	struct fl_callers *c = calloc(1, sizeof(*c));
	char path[40];
	int r;

	if (!c)
		return -ENOMEM;
	c->opts = *opts;
	if (!c->opts.skip)
		c->opts.skip = fl_callers_wrappers;
	r = fl_elf_names_open(&c->names);
	if (r < 0) {
		free(c);
		return r;
	}
	if (opts->pid) {
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)opts->pid);
		if (fl_file_open(path, 1 << 26, &c->maps) < 0)
			c->maps = (struct fl_file){};
	}
	*ret = c;
	return 0;
}

void fl_callers_close(struct fl_callers *c)
{
	if (!c)
		return;
	fl_elf_names_close(c->names);
	fl_map_fini(&c->modules);
	fl_map_fini(&c->places);
	fl_map_fini(&c->wrappers);
	fl_arena_fini(&c->arena);
	fl_file_close(&c->maps);
	free(c);
}

bool fl_callers_would_ask(const struct fl_callers *c)
{
	return c->would_ask;
}

static struct fl_str own_copy(struct fl_callers *c, struct fl_str s)
{
	char *p = s.n ? fl_arena_dup(&c->arena, s) : NULL;

	return p ? fl_str_n(p, s.n) : (struct fl_str){};
}

/*
 * A process is believed only what can be confirmed: a file must have the build-id that it said, or,
 * where it said none, be mapped by it at this moment under that very name.
 */
static bool is_mapped(const struct fl_callers *c, struct fl_str path)
{
	struct fl_str rest = fl_file_str(&c->maps), line;
	struct fl_mapping m;

	while (fl_str_line(&rest, &line))
		if (fl_mapping_parse(line, &m) && fl_str_eq(m.path, path))
			return true;
	return false;
}

/* As the process sees it, in another root perhaps; or as it lies here. */
static struct fl_elf_file *open_file(struct fl_callers *c, struct fl_str path, struct fl_str id)
{
	struct fl_elf_file *f = NULL;
	_cleanup_buf_ struct fl_buf b = {};

	if (c->opts.pid && !id.n && !is_mapped(c, path))
		return NULL;
	if (c->opts.pid) {
		fl_buf_addf(&b, "/proc/%d/root%.*s", (int)c->opts.pid, FL_STR_ARG(path));
		f = b.error ? NULL : fl_elf_names_file(c->names, fl_buf_str(&b), id);
		if (f && fl_elf_file_is_open(f))
			return f;
	}
	return fl_elf_names_file(c->names, path, id);
}

static struct module *module_of(struct fl_callers *c, struct fl_str path, struct fl_str id)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;
	struct module *m;

	fl_buf_add_str(&key, path);
	fl_buf_addc(&key, '\0');
	fl_buf_add_str(&key, id);
	if (key.error)
		return NULL;
	e = fl_map_get(&c->modules, fl_buf_str(&key));
	if (e)
		return e->ptr;
	m = FL_ARENA_NEW(&c->arena, struct module);
	e = m ? fl_map_put(&c->modules, own_copy(c, fl_buf_str(&key)), NULL) : NULL;
	if (!e)
		return NULL;
	e->ptr = m;
	m->path = own_copy(c, path);
	m->build_id = own_copy(c, id);
	if (path.n && path.p[0] == '/')
		m->file = open_file(c, path, id);
	if (m->file && fl_elf_file_image(m->file) && !m->build_id.n)
		m->build_id = fl_elf_build_id(fl_elf_file_image(m->file));
	return m;
}

void fl_callers_place_offset(struct fl_callers *c, struct fl_callers_place *place)
{
	struct module *m = place->module.n ? module_of(c, place->module, place->build_id) : NULL;
	struct fl_elf_image *i = m && m->file ? fl_elf_file_image(m->file) : NULL;
	uint64_t address;

	if (i && fl_elf_offset_to_address(i, place->address, &address))
		place->address = address;
}

static struct named *name_place(struct fl_callers *c, const struct module *m, uint64_t address)
{
	struct fl_elf_frame v[64];
	size_t n = fl_elf_names_at(c->names, m->file, address, v, FL_ARRAY_SIZE(v));
	struct named *named = FL_ARENA_NEW(&c->arena, struct named);

	if (named)
		named->v = fl_arena_array(&c->arena, n, sizeof(*named->v));
	if (!named || !named->v)
		return NULL;
	named->n = n;
	for (size_t i = 0; i < n; i++)
		named->v[i] = (struct fl_alloc_frame){
			.function = fl_str(v[i].function),
			.file = fl_str(v[i].file),
			.line = v[i].line,
			.module = m->path,
			.build_id = m->build_id,
			.offset = address,
			.from_start = v[i].offset,
			.has_from_start = v[i].has_offset,
			.inlined = v[i].inlined,
		};
	c->would_ask |= !v[0].file && fl_elf_debuginfod_wanted() && !fl_elf_debuginfod_possible();
	return named;
}

static const struct named *named_at(struct fl_callers *c, const struct fl_callers_place *place)
{
	struct {
		const struct module *m;
		uint64_t address;
	} key = { module_of(c, place->module, place->build_id), place->address };
	struct fl_str s = fl_str_n((const char *)&key, sizeof(key));
	struct fl_map_entry *e = key.m ? fl_map_get(&c->places, s) : NULL;
	struct named *named;

	if (e)
		return e->ptr;
	named = key.m ? name_place(c, key.m, place->address) : NULL;
	s.p = named ? fl_arena_dup(&c->arena, s) : NULL;
	e = s.p ? fl_map_put(&c->places, s, NULL) : NULL;
	if (!e)
		return NULL;
	e->ptr = named;
	return named;
}

static bool matches_any(const char *globs, struct fl_str function)
{
	struct fl_str rest = fl_str(globs);

	while (rest.n) {
		size_t end = fl_str_find(rest, ',', 0);

		if (fl_str_glob(fl_str_sub(rest, 0, end), function))
			return true;
		rest = fl_str_from(rest, end + 1);
	}
	return false;
}

/* Names come with their parameters in C++; a pattern is meant for what stands before them. */
static bool is_wrapper(struct fl_callers *c, struct fl_str function)
{
	struct fl_map_entry *e;
	size_t end;

	if (!function.n || !c->opts.skip[0])
		return false;
	e = fl_map_get(&c->wrappers, function);
	if (e)
		return e->num;
	end = fl_str_find(function, '(', 1);
	e = fl_map_put(&c->wrappers, function, NULL);
	if (!e)
		return false;
	e->num = matches_any(c->opts.skip, function) ||
		 matches_any(c->opts.skip, fl_str_sub(function, 0, end));
	return e->num;
}

/* "f+0x12" where no line says it better; "lib.so+0x1234", for addr2line, where there is no name. */
static struct fl_str function_text(struct fl_callers *c, const struct fl_alloc_frame *f)
{
	_cleanup_buf_ struct fl_buf b = {};

	if (f->function.n && (f->line || !f->has_from_start))
		return f->function;
	fl_buf_add_str(&b, f->function.n ? f->function : fl_str_base_name(f->module));
	fl_buf_addf(&b, "%s0x%" PRIx64, b.len ? "+" : "",
		    f->function.n ? f->from_start : f->offset);
	return b.error ? (struct fl_str){} : own_copy(c, fl_buf_str(&b));
}

int fl_callers_name(struct fl_callers *c, const struct fl_callers_place *v, size_t n,
		    struct fl_alloc_more *more, struct fl_alloc_record *r)
{
	size_t total = 0, at = 0;
	const struct fl_alloc_frame *who = NULL;
	struct fl_alloc_frame *stack;

	for (size_t i = 0; i < n; i++) {
		const struct named *named = named_at(c, &v[i]);

		if (!named)
			return -ENOMEM;
		total += named->n;
	}
	stack = fl_arena_array(&c->arena, total ? total : 1, sizeof(*stack));
	if (!stack)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct named *named = named_at(c, &v[i]);

		memcpy(stack + at, named->v, named->n * sizeof(*stack));
		at += named->n;
	}
	for (size_t i = 0; !who && i < total; i++)
		if (!is_wrapper(c, stack[i].function))
			who = &stack[i];
	if (!who && total)
		who = &stack[0];
	more->stack = stack;
	more->nr_stack = (uint32_t)total;
	r->more = more;
	r->file = (struct fl_str){};
	r->line = 0;
	if (!who)
		return 0;
	r->function = function_text(c, who);
	r->module = fl_str_base_name(who->module);
	r->file = who->line ? who->file : (struct fl_str){};
	r->line = who->line;
	return r->function.p ? 0 : -ENOMEM;
}

static bool is_caller(const struct fl_alloc_record *r)
{
	return fl_str_starts(r->function, "+0x");
}

/* A dump's own words, with the callers behind the first where it has them. */
static int name_dumped(struct fl_callers *c, struct fl_alloc_record *r)
{
	struct fl_callers_place places[FL_ALLOC_FRAMES_MAX + 1] = { { .module = r->file, .address = r->line } };
	struct fl_alloc_more *more = FL_ARENA_NEW(&c->arena, struct fl_alloc_more);
	size_t n = 1;

	if (!more)
		return -ENOMEM;
	if (fl_str_is(r->file, "?"))
		places[0].module = (struct fl_str){};
	if (r->more)
		*more = *r->more;
	for (uint32_t i = 0; i < more->nr_stack && n < FL_ARRAY_SIZE(places); i++)
		places[n++] = (struct fl_callers_place){ .module = more->stack[i].module,
							 .address = more->stack[i].offset };
	return fl_callers_name(c, places, n, more, r);
}

/* A record that has its name: its callers get theirs. */
static int name_stack(struct fl_callers *c, struct fl_alloc_record *r)
{
	struct fl_callers_place places[FL_ALLOC_FRAMES_MAX];
	struct fl_alloc_more *more = FL_ARENA_NEW(&c->arena, struct fl_alloc_more);
	struct fl_alloc_record scrap = *r;
	size_t n = 0;
	int e;

	if (!more)
		return -ENOMEM;
	*more = *r->more;
	for (; n < more->nr_stack && n < FL_ARRAY_SIZE(places); n++)
		places[n] = (struct fl_callers_place){ .module = more->stack[n].module,
						       .address = more->stack[n].offset };
	e = fl_callers_name(c, places, n, more, &scrap);
	r->more = more;
	return e;
}

int fl_callers_name_set(struct fl_callers *c, struct fl_alloc_set *set)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++) {
		if (is_caller(&set->v[i]))
			r = name_dumped(c, &set->v[i]);
		else if (set->v[i].more && set->v[i].more->nr_stack)
			r = name_stack(c, &set->v[i]);
	}
	return r;
}
