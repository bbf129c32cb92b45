/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds the memory of a stock kernel: the kmem tracepoints, counted in BPF maps.
 *
 * Each event's program keeps two maps: "objects" knows of every live object its size and site, and
 * "sites" sums of each site the live bytes and calls. A free finds its object, takes it off its
 * site and forgets it; a free of an unknown address was allocated before the counting began, and is
 * counted as such and nothing else. An allocation at an address that is still known means that its
 * free was not announced (bulk frees have no event): the old object is taken off first.
 *
 * Slab and per-CPU events name the caller. Page events do not: their stack is kept, and the first
 * function on it that is not the page allocator's own is the caller. Pages that the slab allocator
 * took are left out, as their objects are counted one by one.
 *
 * The kernel runs no program inside of itself: where an interrupt comes while one is at work and its
 * handler raises the same event, the program misses that. It is no rare thing, as what was left to
 * RCU is freed by the hundred in such handlers. So each event has two programs, the second of which
 * does the work of the first where that has missed it. They meet in a slot a CPU and event ("turns"):
 * the first leaves the object's address there, the second finds it and takes it away; where it is
 * not there, the first has not run. An interrupt between the two leaves its own addresses, hence the
 * second word: the address that was there before.
 *
 * What is left are events that both miss: an interrupt in an interrupt. They are counted, as are
 * those for which maps were full; either is told and makes the figures inaccurate.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/sources/source.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/nsec.h"
#include "base/num.h"
#include "base/util.h"
#include "bpf/attach.h"
#include "bpf/insn.h"
#include "bpf/sys.h"
#include "btf/btf.h"
#include "btf/ksyms.h"

#define SITES_MAX  32768
#define STACK_MAX  16
#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"
#define KALLSYMS    "/proc/kallsyms"
#define ERROR_MAX  4095 /* the kernel's errors are the last numbers */
#define KEY_PERCPU (1ULL << 60) /* per-CPU addresses are offsets: turned away from others */
#define SITE_STACK (1ULL << 62) /* a site that is a stack's number */

enum event_kind {
	EVENT_OBJECT, /* call_site, ptr, bytes_alloc or the cache; ptr */
	EVENT_PAGE,   /* page, order; the caller is on the stack */
	EVENT_PERCPU,
};

struct event {
	const char *system, *name;
	enum event_kind kind;
	bool is_free;
};

/* What a kernel does not have is left out: the _node ones went in 6.1, bytes_alloc of percpu came. */
static const struct event events[] = {
	{ "kmem", "kmalloc", EVENT_OBJECT, false },
	{ "kmem", "kmalloc_node", EVENT_OBJECT, false },
	{ "kmem", "kmem_cache_alloc", EVENT_OBJECT, false },
	{ "kmem", "kmem_cache_alloc_node", EVENT_OBJECT, false },
	{ "kmem", "mm_page_alloc", EVENT_PAGE, false },
	{ "percpu", "percpu_alloc_percpu", EVENT_PERCPU, false },
	{ "kmem", "kfree", EVENT_OBJECT, true },
	{ "kmem", "kmem_cache_free", EVENT_OBJECT, true },
	{ "kmem", "mm_page_free", EVENT_PAGE, true },
	{ "percpu", "percpu_free_percpu", EVENT_PERCPU, true },
};

struct counts { /* of one event */
	uint64_t allocations, unknown_frees, lost, rescued;
};

struct sums { /* a site's value */
	int64_t bytes, calls;
};

/* The second does what the first has missed. */
enum { FIRST, SECOND, PROGRAMS };

struct hook {
	int prog;
	struct fl_attachment at;
};

struct kernel_source {
	struct fl_alloc_source source;
	struct fl_btf *btf;
	struct fl_ksyms *syms;
	int objects, sites, stacks, counts, turns; /* maps */
	struct hook hooks[FL_ARRAY_SIZE(events)][PROGRAMS];
	uint64_t start;
};

/* Where in an event's record its arguments lie, in bytes; -1: the event has no such argument. */
struct layout {
	int ptr, site, bytes, order, cache;
	int cache_size; /* of the cache's objects, in the cache */
};

/* One program in the making. */
struct making {
	const struct kernel_source *k;
	const struct event *e;
	struct layout l;
	int which;
};

/* The words of a slot of turns. */
enum { TURN = 0, TURN_BEFORE = 8, TURN_SIZE = 16 };

/* Stack slots of the programs. */
enum {
	SLOT_KEY = -8,
	SLOT_SITE = -16,  /* with SLOT_BYTES the object's value */
	SLOT_BYTES = -24,
	SLOT_ZERO = -40,  /* a new site's sums */
	SLOT_OLD = -48,	  /* the site of an object that goes */
	SLOT_INDEX = -56, /* of the counts */
};

static int32_t index_of(const struct making *m)
{
	return (int32_t)(m->e - events);
}

/* One more of a struct counts member. */
static void emit_count(struct fl_insns *p, const struct making *m, int16_t off)
{
	uint32_t none = fl_label_new(p);

	fl_emit_storei(p, 4, BPF_REG_FP, SLOT_INDEX, index_of(m));
	fl_emit_map_lookup(p, m->k->counts, SLOT_INDEX);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, none);
	fl_emit_movi(p, BPF_REG_1, 1);
	fl_emit_atomic_add(p, 8, BPF_REG_0, off, BPF_REG_1);
	fl_label_place(p, none);
}

static void emit_end(struct fl_insns *p)
{
	fl_emit_movi(p, BPF_REG_0, 0);
	fl_emit_exit(p);
}

/* The object whose value r8 points to is taken off its site; r7, r9 are clobbered. */
static void emit_uncount(struct fl_insns *p, const struct kernel_source *k)
{
	uint32_t none = fl_label_new(p);

	fl_emit_load(p, 8, BPF_REG_9, BPF_REG_8, 0);
	fl_emit_load(p, 8, BPF_REG_7, BPF_REG_8, 8);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_OLD, BPF_REG_7);
	fl_emit_map_lookup(p, k->sites, SLOT_OLD);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, none);
	fl_emit_alui(p, BPF_NEG, BPF_REG_9, 0);
	fl_emit_atomic_add(p, 8, BPF_REG_0, 0, BPF_REG_9);
	fl_emit_movi(p, BPF_REG_1, -1);
	fl_emit_atomic_add(p, 8, BPF_REG_0, 8, BPF_REG_1);
	fl_label_place(p, none);
}

/* The object's key into its slot; jumps away where the allocation failed. */
static void emit_key(struct fl_insns *p, const struct making *m, uint32_t nothing)
{
	fl_emit_load(p, 8, BPF_REG_7, BPF_REG_6, (int16_t)m->l.ptr);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_7, 0, nothing);
	if (m->e->kind == EVENT_PERCPU) {
		fl_emit_imm64(p, BPF_REG_1, KEY_PERCPU);
		fl_emit_alu(p, BPF_XOR, BPF_REG_7, BPF_REG_1);
	}
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_KEY, BPF_REG_7);
}

/* Of a slot whose words are in r1 and r2; r7 is the key. */
static void emit_leave_key(struct fl_insns *p)
{
	uint32_t leave = fl_label_new(p);

	fl_emit_jmpi(p, BPF_JNE, BPF_REG_2, 0, leave);
	fl_emit_store(p, 8, BPF_REG_0, TURN_BEFORE, BPF_REG_1);
	fl_label_place(p, leave);
	fl_emit_store(p, 8, BPF_REG_0, TURN, BPF_REG_7);
}

static void emit_find_key(struct fl_insns *p, const struct making *m, uint32_t nothing)
{
	uint32_t before = fl_label_new(p), missed = fl_label_new(p);

	fl_emit_jmpr(p, BPF_JNE, BPF_REG_1, BPF_REG_7, before);
	fl_emit_store(p, 8, BPF_REG_0, TURN, BPF_REG_2);
	fl_emit_storei(p, 8, BPF_REG_0, TURN_BEFORE, 0);
	fl_emit_jmp(p, nothing);
	fl_label_place(p, before);
	fl_emit_jmpr(p, BPF_JNE, BPF_REG_2, BPF_REG_7, missed);
	fl_emit_storei(p, 8, BPF_REG_0, TURN, 0);
	fl_emit_storei(p, 8, BPF_REG_0, TURN_BEFORE, 0);
	fl_emit_jmp(p, nothing);
	fl_label_place(p, missed);
	emit_count(p, m, offsetof(struct counts, rescued));
}

/* The first leaves its key; the second goes on only where that was not done. */
static void emit_turn(struct fl_insns *p, const struct making *m, uint32_t nothing)
{
	fl_emit_storei(p, 4, BPF_REG_FP, SLOT_INDEX, index_of(m));
	fl_emit_map_lookup(p, m->k->turns, SLOT_INDEX);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, nothing);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, TURN);
	fl_emit_load(p, 8, BPF_REG_2, BPF_REG_0, TURN_BEFORE);
	if (m->which == FIRST)
		emit_leave_key(p);
	else
		emit_find_key(p, m, nothing);
}

/* The size of a cache's objects, where the event has nothing but the cache. */
static void emit_cache_size(struct fl_insns *p, const struct making *m)
{
	fl_emit_storei(p, 8, BPF_REG_FP, SLOT_BYTES, 0);
	fl_emit_slot(p, BPF_REG_1, SLOT_BYTES);
	fl_emit_movi(p, BPF_REG_2, 4);
	fl_emit_load(p, 8, BPF_REG_3, BPF_REG_6, (int16_t)m->l.cache);
	fl_emit_alui(p, BPF_ADD, BPF_REG_3, m->l.cache_size);
	fl_emit_call(p, BPF_FUNC_probe_read_kernel);
}

static void emit_object_value(struct fl_insns *p, const struct making *m)
{
	if (m->l.bytes < 0) {
		emit_cache_size(p, m);
	} else {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_6, (int16_t)m->l.bytes);
		fl_emit_store(p, 8, BPF_REG_FP, SLOT_BYTES, BPF_REG_1);
	}
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_6, (int16_t)m->l.site);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_SITE, BPF_REG_1);
}

static void emit_page_value(struct fl_insns *p, const struct making *m)
{
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_6, (int16_t)m->l.order);
	fl_emit_mov32(p, BPF_REG_1, BPF_REG_1);
	fl_emit_movi(p, BPF_REG_2, (int32_t)sysconf(_SC_PAGESIZE));
	fl_emit_alu(p, BPF_LSH, BPF_REG_2, BPF_REG_1);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_BYTES, BPF_REG_2);
	fl_emit_mov(p, BPF_REG_1, BPF_REG_6);
	fl_emit_map_fd(p, BPF_REG_2, m->k->stacks);
	fl_emit_movi(p, BPF_REG_3, BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID);
	fl_emit_call(p, BPF_FUNC_get_stackid);
	fl_emit_imm64(p, BPF_REG_1, SITE_STACK);
	fl_emit_alu(p, BPF_OR, BPF_REG_0, BPF_REG_1); /* an error has all upper bits set */
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_SITE, BPF_REG_0);
}

static void emit_alloc(struct fl_insns *p, const struct making *m)
{
	uint32_t nothing = fl_label_new(p), is_new = fl_label_new(p), lost = fl_label_new(p),
		 have = fl_label_new(p);
	const struct kernel_source *k = m->k;

	fl_emit_mov(p, BPF_REG_6, BPF_REG_1);
	emit_key(p, m, nothing);
	emit_turn(p, m, nothing);
	if (m->e->kind == EVENT_PAGE)
		emit_page_value(p, m);
	else
		emit_object_value(p, m);
	fl_emit_map_lookup(p, k->objects, SLOT_KEY);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, is_new);
	fl_emit_mov(p, BPF_REG_8, BPF_REG_0);
	emit_uncount(p, k);
	fl_label_place(p, is_new);
	fl_emit_map_update(p, k->objects, SLOT_KEY, SLOT_BYTES, BPF_ANY);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, lost);
	fl_emit_map_lookup(p, k->sites, SLOT_SITE);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, have);
	fl_emit_storei(p, 8, BPF_REG_FP, SLOT_ZERO, 0);
	fl_emit_storei(p, 8, BPF_REG_FP, SLOT_ZERO + 8, 0);
	fl_emit_map_update(p, k->sites, SLOT_SITE, SLOT_ZERO, BPF_NOEXIST);
	fl_emit_map_lookup(p, k->sites, SLOT_SITE);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_label_place(p, have);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, SLOT_BYTES);
	fl_emit_atomic_add(p, 8, BPF_REG_0, 0, BPF_REG_1);
	fl_emit_movi(p, BPF_REG_1, 1);
	fl_emit_atomic_add(p, 8, BPF_REG_0, 8, BPF_REG_1);
	emit_count(p, m, offsetof(struct counts, allocations));
	fl_label_place(p, nothing);
	emit_end(p);
	fl_label_place(p, lost);
	emit_count(p, m, offsetof(struct counts, lost));
	emit_end(p);
}

static void emit_free(struct fl_insns *p, const struct making *m)
{
	uint32_t nothing = fl_label_new(p), unknown = fl_label_new(p);

	fl_emit_mov(p, BPF_REG_6, BPF_REG_1);
	emit_key(p, m, nothing);
	emit_turn(p, m, nothing);
	fl_emit_map_lookup(p, m->k->objects, SLOT_KEY);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, unknown);
	fl_emit_mov(p, BPF_REG_8, BPF_REG_0);
	emit_uncount(p, m->k);
	fl_emit_map_fd(p, BPF_REG_1, m->k->objects);
	fl_emit_slot(p, BPF_REG_2, SLOT_KEY);
	fl_emit_call(p, BPF_FUNC_map_delete_elem);
	fl_label_place(p, nothing);
	emit_end(p);
	fl_label_place(p, unknown);
	emit_count(p, m, offsetof(struct counts, unknown_frees));
	emit_end(p);
}

/* An argument's place: the prototype's first parameter is hidden. */
static int argument_at(struct fl_type proto, const char *name)
{
	struct fl_param param;

	for (uint32_t i = 1; fl_type_param(proto, i, &param); i++)
		if (fl_str_is(param.name, name))
			return (int)(i - 1) * 8;
	return -1;
}

static int cache_size_at(const struct fl_btf *btf)
{
	struct fl_type cache = fl_btf_find(btf, FL_STR("kmem_cache"), FL_KIND(BTF_KIND_STRUCT));
	struct fl_member size;

	if (!fl_type_ok(cache) || fl_type_find_member(cache, FL_STR("size"), &size) < 0)
		return -1;
	return (int)(size.bit_offset / 8);
}

/*
 * A function that has the event's arguments by name: the stub that probes are attached to (6.12 and
 * later), the iterator over probes, or what calls BPF programs.
 */
static struct fl_type prototype_of(const struct fl_btf *btf, const char *event)
{
	static const char *const prefixes[] = { "__probestub_", "__traceiter_", "__bpf_trace_" };
	struct fl_type found = FL_TYPE_NONE;
	_cleanup_buf_ struct fl_buf name = {};

	for (size_t i = 0; i < FL_ARRAY_SIZE(prefixes) && !fl_type_ok(found); i++) {
		fl_buf_reset(&name);
		fl_buf_addz(&name, prefixes[i]);
		fl_buf_addz(&name, event);
		found = fl_btf_find(btf, fl_buf_str(&name), FL_KIND(BTF_KIND_FUNC));
	}
	return found;
}

/* -ENOENT where this kernel's event does not say what is needed. */
static int find_layout(const struct fl_btf *btf, const struct event *e, struct layout *ret)
{
	struct fl_type proto = prototype_of(btf, e->name);

	ret->ptr = argument_at(proto, e->kind == EVENT_PAGE ? "page" : "ptr");
	ret->site = argument_at(proto, "call_site");
	ret->bytes = argument_at(proto, "bytes_alloc");
	ret->order = argument_at(proto, "order");
	ret->cache = argument_at(proto, "s");
	ret->cache_size = ret->bytes < 0 && ret->cache >= 0 ? cache_size_at(btf) : -1;
	if (ret->ptr < 0)
		return -ENOENT;
	if (e->is_free)
		return 0;
	if (e->kind == EVENT_PAGE)
		return ret->order < 0 ? -ENOENT : 0;
	return ret->site < 0 || (ret->bytes < 0 && ret->cache_size < 0) ? -ENOENT : 0;
}

static int load_program(struct kernel_source *k, const struct making *m, struct fl_buf *why)
{
	struct hook *h = &k->hooks[index_of(m)][m->which];
	struct fl_attach_point point = { .name = m->e->name };
	_cleanup_insns_ struct fl_insns p = {};
	int r;

	if (m->e->is_free)
		emit_free(&p, m);
	else
		emit_alloc(&p, m);
	r = fl_insns_finish(&p);
	if (r == 0)
		r = fl_prog_load(FL_HOOK_RAW_TP, &point, m->e->name, &p, why);
	if (r < 0)
		return r;
	h->prog = r;
	return fl_prog_attach(FL_HOOK_RAW_TP, &point, h->prog, &h->at);
}

/* The kernel runs them in the order in which they came. */
static int load_event(struct kernel_source *k, const struct event *e, struct fl_buf *why)
{
	struct making m = { .k = k, .e = e };
	int r = find_layout(k->btf, e, &m.l);

	for (m.which = FIRST; r == 0 && m.which < PROGRAMS; m.which++)
		r = load_program(k, &m, why);
	return r;
}

/* Frees before allocations: nothing may be freed unseen that was seen to be allocated. */
static int load_all(struct kernel_source *k, struct fl_buf *why)
{
	unsigned int found = 0;

	for (size_t i = FL_ARRAY_SIZE(events); i-- > 0;) {
		int r = load_event(k, &events[i], why);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		found++;
	}
	return found ? 0 : -ENOENT;
}

static int make_map(int *ret, enum bpf_map_type type, const char *name, uint32_t key_size,
		    size_t value_size, uint32_t entries)
{
	const struct fl_bpf_map map = { .type = type, .name = name, .key_size = key_size,
					.value_size = (uint32_t)value_size, .entries = entries };

	*ret = fl_bpf_map_create(&map);
	return *ret < 0 ? *ret : 0;
}

static int make_maps(struct kernel_source *k, uint32_t max_objects)
{
	const uint32_t n = FL_ARRAY_SIZE(events);
	int r = make_map(&k->objects, BPF_MAP_TYPE_HASH, "fl_objects", 8, 16, max_objects);

	if (r == 0)
		r = make_map(&k->sites, BPF_MAP_TYPE_HASH, "fl_sites", 8, sizeof(struct sums),
			     SITES_MAX);
	if (r == 0)
		r = make_map(&k->stacks, BPF_MAP_TYPE_STACK_TRACE, "fl_stacks", 4, 8 * STACK_MAX,
			     SITES_MAX);
	if (r == 0)
		r = make_map(&k->counts, BPF_MAP_TYPE_ARRAY, "fl_counts", 4, sizeof(struct counts), n);
	if (r == 0)
		r = make_map(&k->turns, BPF_MAP_TYPE_PERCPU_ARRAY, "fl_turns", 4, TURN_SIZE, n);
	return r;
}

/* The page allocator's own functions, by how their names begin. */
static bool is_page_allocator(struct fl_str name)
{
	static const char *const starts[] = {
		"__alloc_pages", "__alloc_frozen_pages", "alloc_pages", "alloc_frozen_pages",
		"__folio_alloc", "folio_alloc",		 "__get_free_page", "get_free_page",
		"get_zeroed_page", "vma_alloc",		 "bpf_", "trace_", "__traceiter", "perf_",
		"__bpf", "folio_prealloc", "alloc_anon_folio", "alloc_fresh",
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(starts); i++)
		if (fl_str_starts(name, starts[i]))
			return true;
	return false;
}

static bool is_slab(struct fl_str name)
{
	return fl_str_is(name, "allocate_slab") || fl_str_starts(name, "new_slab") ||
	       fl_str_starts(name, "___slab_alloc") || fl_str_starts(name, "alloc_slab_page") ||
	       fl_str_starts(name, "alloc_from_pcs") || fl_str_starts(name, "refill_objects");
}

/* The address that a site stands for: 0 for pages of the slab allocator. */
static uint64_t site_address(struct kernel_source *k, const struct fl_ksyms *syms, uint64_t site)
{
	uint64_t ips[STACK_MAX] = {};
	uint32_t id = (uint32_t)site;
	struct fl_ksym sym;

	if (-site <= ERROR_MAX)
		return 1; /* the stack could not be taken */
	if ((site & (3ULL << 62)) != SITE_STACK)
		return site;
	if (fl_bpf_map_lookup(k->stacks, &id, ips) < 0)
		return 1; /* the stack could not be kept */
	for (unsigned int i = 0; i < STACK_MAX && ips[i]; i++) {
		if (fl_ksyms_at(syms, ips[i], &sym) < 0)
			return ips[i];
		if (is_slab(sym.name))
			return 0;
		if (!is_page_allocator(sym.name))
			return ips[i];
	}
	return 1;
}

struct total { /* of one address, of all the stacks that lead there */
	uint64_t address;
	struct sums sums;
};

static int add_record(const struct total *t, const struct fl_ksyms *syms,
		      const struct fl_alloc_filter *f, bool accurate, struct fl_alloc_set *set)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_alloc_record r = { .bytes = t->sums.bytes, .calls = (uint64_t)t->sums.calls,
				     .accurate = accurate ? FL_ACCURATE_YES : FL_ACCURATE_NO };
	struct fl_ksym sym = {};

	if (fl_ksyms_at(syms, t->address, &sym) == 0) {
		fl_buf_add_str(&name, sym.name);
		fl_buf_addz(&name, "+");
		fl_buf_add_hex(&name, t->address - sym.addr);
	} else if (t->address == 1) {
		fl_buf_addz(&name, "(unknown)");
	} else {
		fl_buf_add_hex(&name, t->address);
	}
	r.function = fl_buf_str(&name);
	r.module = sym.module.n ? sym.module : FL_STR("");
	return fl_alloc_filter_match(f, &r) ? fl_alloc_set_add_copy(set, &r) : 0;
}

static int add_site(struct kernel_source *k, const struct fl_ksyms *syms, uint64_t site,
		    struct fl_map *by_address, struct fl_arena *arena)
{
	struct total *t, one = { .address = site_address(k, syms, site) };
	struct fl_map_entry *e;

	if (!one.address || fl_bpf_map_lookup(k->sites, &site, &one.sums) < 0)
		return 0;
	e = fl_map_get(by_address, fl_str_n((const char *)&one.address, 8));
	if (!e) {
		t = FL_ARENA_NEW(arena, struct total);
		if (!t)
			return -ENOMEM;
		t->address = one.address;
		e = fl_map_put(by_address, fl_str_n((const char *)&t->address, 8), NULL);
		if (!e)
			return -ENOMEM;
		e->ptr = t;
	}
	t = e->ptr;
	t->sums.bytes += one.sums.bytes;
	t->sums.calls += one.sums.calls;
	return 0;
}

struct seen {
	struct counts counts; /* of all events */
	uint64_t missed;
};

static uint64_t missed(const struct hook *first)
{
	struct bpf_prog_info info = {};

	if (first->prog < 0 || fl_bpf_info(first->prog, &info, sizeof(info)) < 0)
		return 0;
	return info.recursion_misses;
}

static void look_back(const struct kernel_source *k, struct seen *ret)
{
	*ret = (struct seen){};
	for (uint32_t i = 0; i < FL_ARRAY_SIZE(events); i++) {
		uint64_t n = missed(&k->hooks[i][FIRST]);
		struct counts c = {};

		if (fl_bpf_map_lookup(k->counts, &i, &c) < 0)
			continue;
		ret->counts.allocations += c.allocations;
		ret->counts.unknown_frees += c.unknown_frees;
		ret->counts.lost += c.lost;
		ret->missed += n > c.rescued ? n - c.rescued : 0;
	}
}

static int read_sites(struct kernel_source *k, const struct fl_ksyms *syms,
		      const struct fl_alloc_filter *f, struct fl_alloc_set *set)
{
	_cleanup_map_ struct fl_map by_address = {};
	_cleanup_arena_ struct fl_arena arena = {};
	uint64_t site, *previous = NULL, last;
	struct seen seen;
	bool accurate;
	int r = 0;

	look_back(k, &seen);
	accurate = seen.counts.lost == 0 && seen.missed == 0;
	for (; r == 0 && fl_bpf_map_next_key(k->sites, previous, &site) == 0; previous = &last) {
		r = add_site(k, syms, site, &by_address, &arena);
		last = site;
	}
	fl_map_for_each(e, &by_address)
		if (r == 0)
			r = add_record(e->ptr, syms, f, accurate, set);
	return r;
}

static int kernel_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		       struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct kernel_source *k = FL_CONTAINER_OF(s, struct kernel_source, source);
	int r = k->syms ? 0 : fl_ksyms_open(KALLSYMS, NULL, &k->syms);

	return r < 0 ? r : read_sites(k, k->syms, f, set);
}

static void kernel_close(struct fl_alloc_source *s)
{
	struct kernel_source *k = FL_CONTAINER_OF(s, struct kernel_source, source);

	for (size_t i = 0; i < FL_ARRAY_SIZE(events) * PROGRAMS; i++) {
		fl_attachment_release(&k->hooks[i / PROGRAMS][i % PROGRAMS].at);
		fl_closep(&k->hooks[i / PROGRAMS][i % PROGRAMS].prog);
	}
	fl_closep(&k->objects);
	fl_closep(&k->sites);
	fl_closep(&k->stacks);
	fl_closep(&k->counts);
	fl_closep(&k->turns);
	fl_ksyms_close(k->syms);
	fl_btf_close(k->btf);
	free(k);
}

static const struct fl_alloc_source_ops kernel_ops = { kernel_read, kernel_close };

static struct kernel_source *new_source(void)
{
	struct kernel_source *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->source.ops = &kernel_ops;
	k->source.name = "kernel";
	k->objects = k->sites = k->stacks = k->counts = k->turns = -1;
	for (size_t i = 0; i < FL_ARRAY_SIZE(events) * PROGRAMS; i++)
		k->hooks[i / PROGRAMS][i % PROGRAMS] = (struct hook){ -1, FL_ATTACHMENT_NONE };
	return k;
}

/* Sites are told from the allocator's own functions by name: without names, sums would be those of wrong places. */
static int names_are_there(struct fl_buf *why)
{
	_cleanup_ksyms_ struct fl_ksyms *syms = NULL;
	int r = fl_ksyms_open(KALLSYMS, NULL, &syms);

	if (r < 0) {
		fl_buf_addf(why, "%s, which call sites have their names from: %s", KALLSYMS, strerror(-r));
	} else if (fl_ksyms_hidden(syms)) {
		fl_buf_addz(why, "the addresses in " KALLSYMS " are hidden, and call sites have no names (sysctl "
				 "kernel.kptr_restrict=1 shows them to root)");
		r = -ENODATA;
	}
	return r;
}

int fl_alloc_source_kernel(uint32_t max_objects, struct fl_buf *why, struct fl_alloc_source **ret)
{
	struct kernel_source *k = new_source();
	int r;

	if (!k)
		return -ENOMEM;
	r = fl_btf_open_kernel(VMLINUX_BTF, NULL, "vmlinux", NULL, &k->btf);
	if (r == 0)
		r = names_are_there(why);
	if (r == 0)
		r = make_maps(k, max_objects);
	if (r == 0)
		r = load_all(k, why);
	if (r < 0) {
		kernel_close(&k->source);
		return r;
	}
	k->start = fl_time_ns(CLOCK_MONOTONIC);
	*ret = &k->source;
	return 0;
}

bool fl_alloc_source_kernel_note(struct fl_alloc_source *s, struct fl_buf *out)
{
	struct kernel_source *k = FL_CONTAINER_OF(s, struct kernel_source, source);
	struct seen seen;

	if (s->ops != &kernel_ops)
		return true;
	look_back(k, &seen);
	fl_buf_addf(out,
		    "kernel: counted for %.1f s: %llu allocations; %llu frees of what was there "
		    "before; not counted: %llu for want of room, %llu missed\n",
		    (double)(fl_time_ns(CLOCK_MONOTONIC) - k->start) / 1e9, (unsigned long long)seen.counts.allocations,
		    (unsigned long long)seen.counts.unknown_frees,
		    (unsigned long long)seen.counts.lost, (unsigned long long)seen.missed);
	if (seen.counts.lost)
		fl_buf_addz(out, "help: --objects N makes room for more objects\n");
	if (seen.missed)
		fl_buf_addz(out, "help: events are missed in an interrupt of an interrupt of the "
				 "counting itself; sites may be wrong by as many\n");
	return !seen.counts.lost;
}
