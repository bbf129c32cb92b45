/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sites and modules.
 *
 * A block refers to its site by number, never by address: the record lies in the module's own data
 * and is gone after dlclose(), while the block may live on. A module that is unloaded leaves the
 * list at once, as in the kernel; its tags that still hold something are copied to our own memory
 * and keep their numbers, so frees still find the right account, and a dump names them at its end.
 * The numbers of a module that held nothing are given to the next module of the same size, so that
 * loading and unloading for ever does not use them up.
 *
 * Module ids are the lowest that are free; the list is an array indexed by them. What has no module
 * - callers' addresses, C++ sites outside any registered image - is under the last id.
 *
 * At exit destructors run while the program still allocates and before the last dump: from then on
 * nothing is unregistered.
 */
#include <link.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/lib/core.h"

#define MODULES_MAX  1024
#define LOOSE	     (MODULES_MAX - 1) /* the id of what has no module */
#define CALLER_SLOTS (1u << 21)

struct module {
	bool used;
	bool builtin;
	char name[64];
	uint64_t seq;
	struct fl_alloc_site *start; /* its section */
	size_t nr_section;
	uint32_t *loose; /* numbers of sites that came one by one */
	size_t nr_loose;
	uintptr_t image, image_end;
};

struct entry { /* what a number stands for */
	const struct fl_alloc_site *site;
	uintptr_t caller;
};

struct kept {
	uint32_t index;
	struct fl_alloc_site site;
	struct kept *next;
	char text[]; /* module, function, file */
};

struct spare { /* numbers that nobody uses */
	uint32_t first, n;
};

struct caller_slot {
	_Atomic uintptr_t address;
	_Atomic uint32_t index;
};

static atomic_int lock_word;
static atomic_bool lock_wanted;
void (*fl_lock_pending)(void);

static struct module *modules; /* MODULES_MAX */
static struct entry *entries;  /* FL_SITES_MAX */
static struct caller_slot *_Atomic callers;
static uint32_t last_index;
static uint64_t content_id, last_seq;
static struct kept *kept;
static struct spare spares[256];
static size_t nr_spares;
static bool exiting;

/* The thread that forks holds the lock over it, and others' handlers may allocate meanwhile. */
static __thread bool forking __attribute__((tls_model("initial-exec")));

void fl_lock(void)
{
	if (unlikely(forking))
		return;
	while (atomic_exchange_explicit(&lock_word, 1, memory_order_acquire))
		sched_yield();
}

/* Whoever fails here has left word before, and whoever lets go looks for it behind that. */
bool fl_trylock(void)
{
	if (forking)
		return false;
	atomic_store(&lock_wanted, true);
	if (atomic_exchange(&lock_word, 1))
		return false;
	atomic_store(&lock_wanted, false);
	return true;
}

void fl_unlock(void)
{
	if (unlikely(forking))
		return;
	atomic_store(&lock_word, 0);
	if (unlikely(atomic_load(&lock_wanted)) && fl_lock_pending)
		fl_lock_pending();
}

bool fl_trylock_for_long(void)
{
	for (unsigned int i = 0; i < 10000; i++) {
		if (!atomic_exchange(&lock_word, 1))
			return true;
		sched_yield();
	}
	return false;
}

bool fl_unlock_quietly(void)
{
	atomic_store(&lock_word, 0);
	return atomic_load(&lock_wanted);
}

void fl_lock_for_fork(void)
{
	fl_lock();
	forking = true;
}

void fl_unlock_after_fork(void)
{
	forking = false;
	fl_unlock();
}

static void at_exit(void)
{
	exiting = true;
}

static bool ready(void)
{
	if (likely(entries != NULL))
		return true;
	modules = fl_memory(MODULES_MAX * sizeof(*modules));
	entries = modules ? fl_memory(FL_SITES_MAX * sizeof(*entries)) : NULL;
	return entries != NULL;
}

static uint32_t new_index(const struct fl_alloc_site *site, uintptr_t caller)
{
	if (last_index + 1 >= FL_SITES_MAX)
		return 0;
	entries[++last_index] = (struct entry){ site, caller };
	return last_index;
}

static struct module *loose_module(const void *address)
{
	struct module *m = &modules[LOOSE];

	for (size_t i = 0; address && i < LOOSE; i++)
		if (modules[i].used && modules[i].image <= (uintptr_t)address &&
		    (uintptr_t)address < modules[i].image_end)
			return &modules[i];
	if (!m->used) {
		m->used = true;
		m->seq = ++last_seq;
	}
	return m;
}

static void add_loose(const void *address, uint32_t index)
{
	struct module *m = loose_module(address);

	if (!m->loose)
		m->loose = fl_memory(FL_SITES_MAX * sizeof(*m->loose));
	if (!m->loose)
		return;
	m->loose[m->nr_loose++] = index;
	content_id++;
}

static bool in_section(const struct fl_alloc_site *site)
{
	for (size_t i = 0; i < LOOSE; i++)
		if (modules[i].used && modules[i].start <= site &&
		    site < modules[i].start + modules[i].nr_section)
			return true;
	return false;
}

/*
 * A site that is used before its module is registered, or a C++ one. The file name tells them apart:
 * only sections hold C's, and those are listed by their section when it comes.
 */
uint32_t fl_site_register(struct fl_alloc_site *site)
{
	uint32_t index;

	fl_setup();
	if (fl_settings.off)
		return 0;
	fl_lock();
	index = __atomic_load_n(&site->index, __ATOMIC_RELAXED);
	if (!index && ready()) {
		index = new_index(site, 0);
		__atomic_store_n(&site->index, index, __ATOMIC_RELAXED);
		if (index && !in_section(site))
			add_loose(site, index);
	}
	fl_unlock();
	return index;
}

static uint32_t caller_slot(struct caller_slot *v, uintptr_t address)
{
	uint32_t i = (uint32_t)((address * 0x9e3779b97f4a7c15ULL) >> 43);

	for (;; i = (i + 1) % CALLER_SLOTS) {
		uintptr_t there = atomic_load_explicit(&v[i].address, memory_order_acquire);

		if (there == address || there == 0)
			return i;
	}
}

static uint32_t new_caller(uintptr_t address)
{
	struct caller_slot *v;
	uint32_t i, index = 0;

	fl_lock();
	v = atomic_load_explicit(&callers, memory_order_relaxed);
	if (!v) {
		v = fl_memory(CALLER_SLOTS * sizeof(*v));
		atomic_store_explicit(&callers, v, memory_order_release);
	}
	if (v && ready()) {
		i = caller_slot(v, address);
		index = atomic_load_explicit(&v[i].index, memory_order_relaxed);
		if (!index) {
			index = new_index(NULL, address);
			atomic_store_explicit(&v[i].index, index, memory_order_relaxed);
			if (index)
				add_loose(NULL, index);
			if (index) /* a table that is full must keep a free slot */
				atomic_store_explicit(&v[i].address, address,
						      memory_order_release);
		}
	}
	fl_unlock();
	return index;
}

uint32_t fl_site_of_caller(const void *address)
{
	struct caller_slot *v = atomic_load_explicit(&callers, memory_order_acquire);
	uint32_t i;

	if (likely(v != NULL)) {
		i = caller_slot(v, (uintptr_t)address);
		if (likely(atomic_load_explicit(&v[i].address, memory_order_acquire)))
			return atomic_load_explicit(&v[i].index, memory_order_relaxed);
	}
	return new_caller((uintptr_t)address);
}

/* What the loader knows of the object that holds an address. */
struct object {
	uintptr_t address, start, end;
	const char *name; /* "": the program */
};

static int find_object(struct dl_phdr_info *info, size_t size, void *v)
{
	struct object *o = v;
	uintptr_t start = UINTPTR_MAX, end = 0;

	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		start = from < start ? from : start;
		end = from + info->dlpi_phdr[i].p_memsz > end ?
			      from + info->dlpi_phdr[i].p_memsz : end;
	}
	if (o->address < start || o->address >= end)
		return 0;
	o->start = start;
	o->end = end;
	o->name = info->dlpi_name;
	return 1;
}

static void set_name(struct module *m, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	n = strnlen(base, sizeof(m->name) - 1);
	memcpy(m->name, base, n);
	m->name[n] = '\0';
	m->builtin = n == 0;
}

/* Numbers for a whole section: those of an old one of its size, or new ones. */
static void number(struct fl_alloc_site *start, size_t n)
{
	size_t i = 0;

	while (i < nr_spares && spares[i].n != n)
		i++;
	for (size_t j = 0; j < n; j++) {
		if (start[j].index) {
			entries[start[j].index].site = &start[j];
			continue;
		}
		if (i < nr_spares) {
			start[j].index = spares[i].first + (uint32_t)j;
			entries[start[j].index] = (struct entry){ &start[j], 0 };
		} else {
			start[j].index = new_index(&start[j], 0);
		}
	}
	if (i < nr_spares)
		spares[i] = spares[--nr_spares];
}

static void add_module(struct fl_alloc_module *pub, const struct object *o)
{
	struct module *m = modules;

	while (m < modules + LOOSE && m->used)
		m++;
	if (m == modules + LOOSE)
		return;
	set_name(m, o->name);
	m->used = true;
	m->seq = ++last_seq;
	m->start = pub->start;
	m->nr_section = (size_t)(pub->stop - pub->start);
	m->nr_loose = 0;
	m->image = o->start;
	m->image_end = o->end;
	number(m->start, m->nr_section);
	content_id += m->nr_section > 0;
	pub->private_id = (uint32_t)(m - modules) + 1;
}

FL_API void fl_alloc_register(struct fl_alloc_module *pub)
{
	static atomic_bool registered_exit;
	struct object o = { .address = (uintptr_t)pub->image, .name = "" };

	fl_setup();
	if (pub->private_id || fl_settings.off)
		return;
	dl_iterate_phdr(find_object, &o);
	if (!atomic_exchange(&registered_exit, true))
		atexit(at_exit);
	fl_lock();
	if (!pub->private_id && ready())
		add_module(pub, &o);
	if (pub->flags & FL_ALLOC_MODULE_CXX)
		fl_settings.news = true;
	fl_unlock();
}

static char *put(char *at, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 1;

	memcpy(at, s ? s : "", n);
	return at + n;
}

/* Returns whether the number is free: the site held nothing. */
static bool retire(const struct module *m, uint32_t index)
{
	const struct fl_alloc_site *site = entries[index].site;
	int64_t bytes, calls;
	struct kept *k;
	char *at;

	fl_counters_sum(index, &bytes, &calls);
	entries[index].site = NULL;
	if ((!bytes && !calls) || !site)
		return !bytes && !calls;
	k = fl_memory(sizeof(*k) + strlen(m->name) + strlen(site->function) + strlen(site->file) + 3);
	if (!k)
		return false;
	k->index = index;
	k->site = *site;
	at = put(k->text, m->name);
	k->site.function = at;
	at = put(at, site->function);
	k->site.file = at;
	put(at, site->file);
	k->next = kept;
	kept = k;
	entries[index].site = &k->site;
	return false;
}

static void remove_module(struct module *m)
{
	uint32_t first = m->nr_section ? m->start[0].index : 0;
	bool whole = first != 0;

	for (size_t i = 0; i < m->nr_section; i++) {
		uint32_t index = m->start[i].index;

		if (!index)
			continue;
		whole &= index == first + i;
		whole &= retire(m, index);
	}
	for (size_t i = 0; i < m->nr_loose; i++)
		retire(m, m->loose[i]);
	if (whole && nr_spares < sizeof(spares) / sizeof(spares[0]))
		spares[nr_spares++] = (struct spare){ first, (uint32_t)m->nr_section };
	m->used = false;
	m->nr_section = m->nr_loose = 0;
	content_id++;
}

FL_API void fl_alloc_unregister(struct fl_alloc_module *pub)
{
	if (!pub->private_id || exiting)
		return;
	fl_lock();
	if (pub->private_id)
		remove_module(&modules[pub->private_id - 1]);
	pub->private_id = 0;
	fl_unlock();
}

void fl_sites_kept(bool (*fn)(void *ctx, const struct fl_tag *tag, int64_t bytes, int64_t calls),
		   void *ctx)
{
	for (const struct kept *k = kept; k; k = k->next) {
		struct fl_tag tag = { k->text, k->site.function, k->site.file, k->site.line, false };
		int64_t bytes, calls;

		fl_counters_sum(k->index, &bytes, &calls);
		if ((bytes || calls) && !fn(ctx, &tag, bytes, calls))
			return;
	}
}

FL_API void fl_alloc_read(const struct fl_alloc_site *site, struct fl_alloc_counters *ret)
{
	uint32_t index = __atomic_load_n(&site->index, __ATOMIC_RELAXED);

	*ret = (struct fl_alloc_counters){ 0 };
	if (!index)
		return;
	fl_counters_read(index, ret);
}

/* The space: asked under fl_lock() or a successful fl_trylock(). */

static uint64_t space_content_id(struct fl_tag_space *space)
{
	return content_id;
}

static bool space_module(struct fl_tag_space *space, uint64_t id, struct fl_tag_module *ret)
{
	for (; modules && id < MODULES_MAX; id++) {
		const struct module *m = &modules[id];

		if (!m->used || m->nr_section + m->nr_loose == 0)
			continue;
		*ret = (struct fl_tag_module){ id, m->seq, m->nr_section + m->nr_loose };
		return true;
	}
	return false;
}

uint32_t fl_site_space_index(uint64_t id, size_t i)
{
	const struct module *m = &modules[id];

	return i < m->nr_section ? m->start[i].index : m->loose[i - m->nr_section];
}

static void space_tag(struct fl_tag_space *space, uint64_t id, size_t i, struct fl_tag *ret)
{
	const struct module *m = &modules[id];
	const struct entry *e = &entries[fl_site_space_index(id, i)];

	if (!e->site) {
		fl_caller_tag(e->caller, ret);
		return;
	}
	*ret = (struct fl_tag){ .module = m->builtin || id == LOOSE ? NULL : m->name,
				.function = e->site->function,
				.file = e->site->file,
				.line = e->site->line };
}

static struct fl_tag_counters space_counters(struct fl_tag_space *space, uint64_t id, size_t i)
{
	int64_t bytes, calls;

	fl_counters_sum(fl_site_space_index(id, i), &bytes, &calls);
	return (struct fl_tag_counters){ (uint64_t)bytes, (uint64_t)calls };
}

static const struct fl_tag_space_ops space_ops = {
	.content_id = space_content_id,
	.module = space_module,
	.tag = space_tag,
	.counters = space_counters,
};

struct fl_tag_space *fl_site_space(void)
{
	static struct fl_tag_space space = { &space_ops };

	return &space;
}
