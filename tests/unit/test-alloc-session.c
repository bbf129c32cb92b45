/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/allocinfo's requests against a model, in 100,000 random sequences of calls.
 *
 * The model is written from the interface's description (rules in order, errnos, what is stored
 * when) and shares nothing with the engine but the public header: where the engine walks with an
 * iterator, the model lists all tags of the moment and asks which comes next; where the engine
 * compares strings in place, the model cuts and copies them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc/procfs/registry.h"
#include "alloc/procfs/allocinfo.h"
#include "base/util.h"
#include "foreland/allocinfo.h"

#define SEQUENCES 100000
#define CALLS	  14
#define MODULES	  5
#define TAGS	  6

#define TEXT63 "123456789012345678901234567890123456789012345678901234567890123"

/* Names around the limit of 63 characters, and some that share their last 63. */
static const char *const names[] = {
	"f", "g", "mm/slub.c", "", TEXT63, "4" TEXT63, "5" TEXT63, "abc" TEXT63,
	"23456789012345678901234567890123456789012345678901234567890123",
};

static uint64_t random_state;

static unsigned int rnd(unsigned int n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(random_state >> 33) % n;
}

/* The world: modules by id, as the model sees them. */
struct module {
	bool loaded;
	uint64_t seq;
	size_t n;
	struct fl_tag_entry tags[TAGS];
};

struct place { /* of a tag: ordered by module, then by index */
	uint64_t module;
	size_t index;
};

struct model {
	struct module modules[MODULES];
	uint64_t seqs;
	uint64_t content_id;
	/* one open file */
	uint64_t mask;
	struct fl_allocinfo_filter filter;
	bool positioned;
	bool begun;	  /* the cursor is behind a tag or at an end, not at the start */
	bool at_end;	  /* the cursor is behind all of module `cursor.module` */
	struct place cursor;
	uint64_t cursor_seq;
};

static void set_field(char field[64], const char *s)
{
	memset(field, 0, 64);
	memcpy(field, s, strlen(s));
}

static const char *cut(const char *s)
{
	return strlen(s) >= 64 ? s + strlen(s) - 63 : s;
}

static bool equal(const char *name, const char field[64])
{
	char wanted[65] = {};

	memcpy(wanted, field, 64);
	return strlen(wanted) < 64 && !strcmp(cut(name), wanted);
}

static bool model_matches(const struct model *m, const struct fl_tag_entry *e)
{
	const struct fl_allocinfo_filter *f = &m->filter;
	const struct fl_tag *t = &e->tag;
	bool ok = true;

	if (m->mask & 1)
		ok &= t->module ? equal(t->module, f->fields.modname) : !f->fields.modname[0];
	if (m->mask & 2)
		ok &= !t->function || equal(t->function, f->fields.function);
	if (m->mask & 4)
		ok &= !t->file || equal(t->file, f->fields.filename);
	if (m->mask & 8)
		ok &= t->line == f->fields.lineno;
	if (m->mask & 16)
		ok &= t->inaccurate == (f->inaccurate != 0);
	if (m->mask & 32)
		ok &= e->counters.bytes >= f->min_size;
	if (m->mask & 64)
		ok &= e->counters.bytes <= f->max_size;
	return ok;
}

/* Is the tag still to come for the cursor? */
static bool ahead(const struct model *m, struct place p)
{
	if (!m->begun)
		return true;
	if (m->at_end)
		return p.module > m->cursor.module;
	if (p.module != m->cursor.module)
		return p.module > m->cursor.module;
	return m->modules[p.module].seq != m->cursor_seq || p.index > m->cursor.index;
}

static bool model_next(struct model *m, struct fl_tag_entry *ret)
{
	uint64_t last = m->cursor.module;

	for (struct place p = {}; p.module < MODULES; p.module++) {
		if (!m->modules[p.module].loaded)
			continue;
		last = FL_MAX(last, p.module);
		for (p.index = 0; p.index < m->modules[p.module].n; p.index++) {
			if (!ahead(m, p) || !model_matches(m, &m->modules[p.module].tags[p.index]))
				continue;
			m->begun = true;
			m->at_end = false;
			m->cursor = p;
			m->cursor_seq = m->modules[p.module].seq;
			*ret = m->modules[p.module].tags[p.index];
			return true;
		}
	}
	/* nothing more: behind the last module there is, or where it stood if that was further */
	if (m->begun ? m->at_end || !m->modules[m->cursor.module].loaded : true)
		last = m->begun ? FL_MAX(last, m->cursor.module) : last;
	m->at_end = true;
	m->cursor.module = last;
	m->begun = true;
	return false;
}

static size_t model_total(const struct model *m)
{
	size_t n = 0;

	for (unsigned int i = 0; i < MODULES; i++)
		n += m->modules[i].loaded ? m->modules[i].n : 0;
	return n;
}

static void model_fill(const struct fl_tag_entry *e, struct fl_allocinfo_tag_data *d)
{
	memset(d, 0, sizeof(*d));
	set_field(d->tag.modname, cut(e->tag.module ? e->tag.module : ""));
	set_field(d->tag.function, cut(e->tag.function ? e->tag.function : ""));
	set_field(d->tag.filename, cut(e->tag.file ? e->tag.file : ""));
	d->tag.lineno = e->tag.line;
	d->counter.bytes = e->counters.bytes;
	d->counter.calls = e->counters.calls;
	d->counter.accurate = !e->tag.inaccurate;
}

static int model_get_at(struct model *m, const struct fl_allocinfo_get_at *args, bool in_faults,
			struct fl_allocinfo_tag_data *data)
{
	struct fl_tag_entry e;

	if (in_faults)
		return -EFAULT;
	if (args->filter.mask > 0x7f)
		return -EINVAL;
	if ((args->filter.mask & 0x60) == 0x60 && args->filter.min_size > args->filter.max_size)
		return -EINVAL;
	if (args->pos >= model_total(m))
		return -ENOENT;
	m->mask = args->filter.mask;
	if (m->mask)
		m->filter = args->filter;
	m->begun = m->at_end = false;
	m->cursor = (struct place){};
	for (uint64_t i = 0; i <= args->pos; i++)
		if (!model_next(m, &e))
			return -ENOENT;
	m->positioned = true;
	model_fill(&e, data);
	return 0;
}

static int model_get_next(struct model *m, struct fl_allocinfo_tag_data *data)
{
	struct fl_tag_entry e;

	if (!m->positioned) {
		m->begun = m->at_end = false;
		m->cursor = (struct place){};
	}
	m->positioned = model_next(m, &e);
	if (!m->positioned)
		return -ENOENT;
	model_fill(&e, data);
	return 0;
}

/* The engine's side. */
struct engine {
	struct fl_tag_registry reg;
	struct fl_node *node;
	struct fl_open *file;
	char *pages; /* one that can be written, one that can be read, one that cannot be touched */
	/* a space in between that counts */
	struct fl_tag_space counting;
	unsigned int counted;
	bool counted_twice;
	uint64_t counted_id;
	size_t counted_index;
};

static struct fl_tag_space *below(struct fl_tag_space *s)
{
	return &FL_CONTAINER_OF(s, struct engine, counting)->reg.space;
}

static uint64_t c_content_id(struct fl_tag_space *s)
{
	return below(s)->ops->content_id(below(s));
}

static bool c_module(struct fl_tag_space *s, uint64_t id, struct fl_tag_module *ret)
{
	return below(s)->ops->module(below(s), id, ret);
}

static void c_tag(struct fl_tag_space *s, uint64_t id, size_t index, struct fl_tag *ret)
{
	below(s)->ops->tag(below(s), id, index, ret);
}

static struct fl_tag_counters c_counters(struct fl_tag_space *s, uint64_t id, size_t index)
{
	struct engine *e = FL_CONTAINER_OF(s, struct engine, counting);

	if (e->counted && e->counted_id == id && e->counted_index == index)
		e->counted_twice = true;
	e->counted++;
	e->counted_id = id;
	e->counted_index = index;
	return below(s)->ops->counters(below(s), id, index);
}

static const struct fl_tag_space_ops counting_ops = {
	.content_id = c_content_id, .module = c_module, .tag = c_tag, .counters = c_counters,
};

static void random_tags(struct module *mod, uint64_t id)
{
	static const char *const modules[] = { "ext4", "nf", TEXT63, "x" TEXT63, "y" TEXT63 };
	const char *name = id ? modules[rnd(5)] : NULL;

	mod->n = 1 + rnd(TAGS);
	for (size_t i = 0; i < mod->n; i++) {
		struct fl_tag_entry *e = &mod->tags[i];

		e->tag.module = name;
		e->tag.function = rnd(8) ? names[rnd(FL_ARRAY_SIZE(names))] : NULL;
		e->tag.file = rnd(8) ? names[rnd(FL_ARRAY_SIZE(names))] : NULL;
		e->tag.line = rnd(3);
		e->tag.inaccurate = rnd(4) == 0;
		e->counters.bytes = rnd(6) ? rnd(5) * 100 : (uint64_t)-100;
		e->counters.calls = rnd(3);
	}
}

static void load(struct model *m, struct engine *e)
{
	uint64_t id = 0, got = 99;

	while (id < MODULES && m->modules[id].loaded)
		id++;
	if (id == MODULES)
		return;
	random_tags(&m->modules[id], id);
	m->modules[id].loaded = true;
	m->modules[id].seq = ++m->seqs;
	m->content_id++;
	assert_int_equal(fl_tag_registry_load(&e->reg, m->modules[id].tags, m->modules[id].n, &got), 0);
	assert_int_equal(got, id);
}

static void unload(struct model *m, struct engine *e)
{
	uint64_t id = rnd(MODULES);
	bool was = m->modules[id].loaded;

	m->modules[id].loaded = false;
	m->content_id += was;
	assert_int_equal(fl_tag_registry_unload(&e->reg, id), was ? 0 : -ENOENT);
}

static void random_filter(struct fl_allocinfo_filter *f)
{
	static const unsigned int masks[] = { 0, 1, 2, 4, 8, 16, 32, 64, 96, 0x7f, 6, 0x80 };

	memset(f, 0, sizeof(*f));
	f->mask = rnd(2) ? masks[rnd(FL_ARRAY_SIZE(masks))] : rnd(128);
	if (rnd(40) == 0)
		f->mask |= 1ULL << (7 + rnd(57));
	if (rnd(3))
		set_field(f->fields.modname, rnd(2) ? "ext4" : TEXT63);
	memcpy(f->fields.function, "f", 1);
	if (rnd(3) == 0)
		memset(f->fields.function, 'f', 64); /* no NUL: never equal */
	else if (rnd(2))
		set_field(f->fields.function, TEXT63);
	set_field(f->fields.filename, names[rnd(5)]);
	f->fields.lineno = rnd(3);
	f->inaccurate = rnd(3) * 7;
	f->min_size = rnd(5) * 100;
	f->max_size = rnd(6) ? rnd(6) * 100 : UINT64_MAX;
}

enum where { WRITABLE, READ_ONLY, NOWHERE, ACROSS, _WHERE_MAX };

/* @n bytes of @src at a place of the wanted kind; ACROSS ends in the untouchable page. */
static void *put(struct engine *e, enum where where, const void *src, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = e->pages;

	if (where == READ_ONLY) {
		at += page;
		assert_int_equal(mprotect(at, page, PROT_READ | PROT_WRITE), 0);
		memcpy(at, src, n);
		assert_int_equal(mprotect(at, page, PROT_READ), 0);
		return at;
	}
	if (where == NOWHERE)
		return rnd(2) ? at + 2 * page : NULL;
	if (where == ACROSS)
		return at + 2 * page - n / 2;
	memcpy(at, src, n);
	return at;
}

static enum where random_where(void)
{
	return rnd(12) ? WRITABLE : rnd(_WHERE_MAX);
}

/* One shape of GET_AT: the model is asked in the merged one. */
static void call_get_at(struct model *m, struct engine *e)
{
	struct fl_allocinfo_get_at args = { .pos = rnd(3) ? rnd(3) : rnd(40) };
	struct fl_allocinfo_v6_get_at v6 = {};
	struct fl_allocinfo_v7_get_at v7 = {};
	enum where where = random_where();
	unsigned int shape = rnd(3);
	unsigned long request = FL_ALLOCINFO_GET_AT;
	void *expect = &args, *arg;
	size_t size = sizeof(args);
	int r, got;

	random_filter(&args.filter);
	if (shape == 1) { /* no inaccurate; the size bits lower by one */
		uint64_t bits = args.filter.mask & ~0x10ULL;

		if (args.filter.mask < 0x80)
			args.filter.mask = bits;
		v6.pos = args.pos;
		v6.filter.mask = (args.filter.mask & 0xf) | ((bits >> 5 & 3) << 4) |
				 (args.filter.mask & ~0x7fULL);
		v6.filter.fields = args.filter.fields;
		v6.filter.min_size = args.filter.min_size;
		v6.filter.max_size = args.filter.max_size;
		args.filter.inaccurate = 0;
		request = 0xC1C8A601;
		expect = &v6;
		size = sizeof(v6);
	} else if (shape == 2) {
		v7.pos = args.pos;
		v7.filter.mask = args.filter.mask;
		memcpy(&v7.filter.fields, &args.filter.fields, sizeof(args.filter.fields));
		v7.filter.fields.inaccurate = args.filter.inaccurate;
		v7.filter.min_size = args.filter.min_size;
		v7.filter.max_size = args.filter.max_size;
		request = 0xC1D8A601;
		expect = &v7;
		size = sizeof(v7);
	}
	arg = put(e, where, expect, size);
	r = model_get_at(m, &args, where == NOWHERE || where == ACROSS, &args.data);
	if (r == 0 && where == READ_ONLY)
		r = -EFAULT;
	e->counted = 0;
	e->counted_twice = false;
	got = (int)fl_vfs_ioctl(e->file, request, arg);
	assert_int_equal(got, r);
	assert_false(e->counted_twice);
	if (r < 0)
		return;
	v6.data = args.data;
	memcpy(&v7.data.tag, &args.data.tag, sizeof(args.data.tag));
	v7.data.counter = args.data.counter;
	assert_memory_equal(arg, expect, size);
	if (!(args.filter.mask & 0x60))
		assert_int_equal(e->counted, 1);
}

static void call_get_next(struct model *m, struct engine *e)
{
	struct fl_allocinfo_tag_data data;
	struct fl_allocinfo_v7_tag_data v7 = {};
	bool is_v7 = rnd(3) == 0;
	enum where where = random_where();
	size_t size = is_v7 ? sizeof(v7) : sizeof(data);
	void *arg;
	int r, got;

	memset(&data, 0xee, sizeof(data));
	memset(&v7, 0xee, sizeof(v7));
	arg = put(e, where, &v7, size);
	r = model_get_next(m, &data);
	if (r == 0 && where != WRITABLE)
		r = -EFAULT;
	e->counted = 0;
	e->counted_twice = false;
	got = (int)fl_vfs_ioctl(e->file, is_v7 ? 0x80E8A602 : 0x80E0A602, arg);
	assert_int_equal(got, r);
	assert_false(e->counted_twice);
	if (r < 0)
		return;
	memset(&v7, 0, sizeof(v7));
	memcpy(&v7.tag, &data.tag, sizeof(data.tag));
	v7.counter = data.counter;
	assert_memory_equal(arg, is_v7 ? (void *)&v7 : (void *)&data, size);
}

static void call_content_id(struct model *m, struct engine *e)
{
	enum where where = random_where();
	uint64_t id = 0;
	void *arg = put(e, where, &id, sizeof(id));
	int r = (int)fl_vfs_ioctl(e->file, 0x8008A600, arg);

	assert_int_equal(r, where == WRITABLE ? 0 : -EFAULT);
	if (r == 0)
		assert_memory_equal(arg, &m->content_id, sizeof(id));
}

static void call_unknown(struct engine *e)
{
	static const unsigned long requests[] = { 0, 0xC1E8A601, 0x80F8A602, 0xA603, 0xC1D0A602 };

	assert_int_equal(fl_vfs_ioctl(e->file, requests[rnd(5)], e->pages), -ENOTTY);
}

static void reopen(struct model *m, struct engine *e)
{
	fl_vfs_close(e->file);
	assert_int_equal(fl_vfs_open(e->node, 0, &e->file), 0);
	m->mask = 0;
	m->positioned = m->begun = m->at_end = false;
	m->cursor = (struct place){};
}

static void any_call(struct model *m, struct engine *e)
{
	unsigned int what = rnd(20);
	char scrap[100];

	if (what < 6)
		call_get_at(m, e);
	else if (what < 14)
		call_get_next(m, e);
	else if (what < 15)
		call_content_id(m, e);
	else if (what < 16)
		call_unknown(e);
	else if (what < 17) /* text has an iterator of its own */
		assert_true(fl_vfs_read(e->file, scrap, sizeof(scrap), 0) >= 0);
	else if (what < 18)
		load(m, e);
	else if (what < 19)
		unload(m, e);
	else
		reopen(m, e);
}

static void sequence(struct engine *e, uint64_t seed)
{
	struct model m = {};

	random_state = seed * 0x9e3779b97f4a7c15ULL + 1;
	e->reg = (struct fl_tag_registry){};
	fl_tag_registry_init(&e->reg);
	for (unsigned int i = rnd(4); i > 0; i--)
		load(&m, e);
	reopen(&m, e);
	for (unsigned int i = 0; i < CALLS; i++)
		any_call(&m, e);
	fl_tag_registry_fini(&e->reg);
}

static void answers_as_the_model(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct engine e = { .counting.ops = &counting_ops };

	e.pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(e.pages, MAP_FAILED);
	assert_int_equal(mprotect(e.pages + 2 * page, page, PROT_NONE), 0);
	e.node = fl_allocinfo_node(&e.counting);
	for (uint64_t i = 0; i < SEQUENCES; i++)
		sequence(&e, i);
	fl_vfs_close(e.file);
	fl_node_unref(e.node);
	munmap(e.pages, 3 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers_as_the_model) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
