/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sites and their numbers.
 *
 * A block refers to its site by number, never by address: the record lies in the module's own data
 * and is gone after dlclose(), while the block may live on. What a number stands for is copied into
 * the ledger when it is given - names of tags, frames of chains - so that it can be told by whoever
 * reads that, whatever became of the module.
 *
 * A module that is unloaded leaves the list of tags at once, as in the kernel; its tags keep their
 * numbers, so frees still find the right account, and those that still hold something are shown as
 * unloaded. Only the same module with the same tags gets those numbers again when it comes back, and
 * only where none of them holds anything: so loading and unloading for ever does not use them up, and
 * no other module inherits its sums.
 *
 * Numbers are given out once. What comes behind the last one is counted under FL_LEDGER_OTHER.
 *
 * At exit destructors run while the program still allocates: from then on nothing is unregistered.
 */
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/lib/core.h"

#define MODULES_MAX 1024

struct module { /* that has tags */
	bool used;
	struct fl_alloc_site *start; /* its section */
	size_t n;
	struct fl_image image;
};

struct retired { /* numbers of a module that is gone, holding nothing */
	uint32_t first, n;
};

struct chain_slot {
	uint64_t hash;
	uint32_t index;
};

static struct module modules[MODULES_MAX];
static struct retired retired[256];
static size_t nr_retired;
static struct chain_slot *chains; /* by frames in the ledger's form */
static bool exiting;

static void at_exit(void)
{
	exiting = true;
}

static uint32_t new_site(void)
{
	struct fl_ledger_process *p = fl_book.process;
	uint32_t index = p->nr_sites;

	if (index >= fl_book.sites_max)
		return FL_LEDGER_OTHER;
	__atomic_store_n(&p->nr_sites, index + 1, __ATOMIC_RELEASE);
	return index;
}

/* Sites of one function and file come together: their names are kept once. */
static uint32_t name_of(const char *s, const char **last, uint32_t *last_at)
{
	if (!s)
		return 0;
	if (s != *last) {
		*last_at = fl_book_name(s, strlen(s));
		*last = s;
	}
	return *last_at;
}

static void write_tag(uint32_t index, const struct fl_alloc_site *site, uint32_t module)
{
	static const char *last_file, *last_function;
	static uint32_t file_at, function_at;
	struct fl_ledger_site *s = &fl_book.sites[index];

	if (index == FL_LEDGER_OTHER)
		return;
	s->module = (uint16_t)module;
	s->unloaded = 0;
	s->line = site->line;
	s->frames = (uintptr_t)site;
	if (s->kind != FL_LEDGER_TAG) {
		s->file = name_of(site->file, &last_file, &file_at);
		s->function = name_of(site->function, &last_function, &function_at);
	}
	__atomic_store_n(&s->kind, FL_LEDGER_TAG, __ATOMIC_RELEASE);
}

static uint32_t register_locked(struct fl_alloc_site *site, const struct fl_image *image)
{
	uint32_t index = __atomic_load_n(&site->index, __ATOMIC_RELAXED);

	if (index)
		return index;
	if (!fl_book_open())
		return 0;
	index = new_site();
	write_tag(index, site, image ? fl_image_module(image) : FL_LEDGER_NO_MODULE);
	if (index == FL_LEDGER_OTHER)
		fl_book.process->refused++;
	__atomic_store_n(&site->index, index, __ATOMIC_RELAXED);
	return index;
}

/* A site that is used before its module is registered, or a C++ one. */
uint32_t fl_site_register(struct fl_alloc_site *site)
{
	struct fl_image image;
	struct fl_locked l;
	uint32_t index;
	bool known;

	fl_setup();
	if (fl_settings.off || fl_real() == FL_REAL_ASIDE)
		return 0;
	known = fl_image_at((uintptr_t)site, &image);
	l = fl_lock();
	index = register_locked(site, known ? &image : NULL);
	fl_unlock(l);
	return index;
}

static uint64_t hash_frames(const uint64_t *v, unsigned int n)
{
	uint64_t h = n;

	for (unsigned int i = 0; i < n; i++) {
		h = (h ^ v[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	return h ? h : 1;
}

static uint32_t new_chain(enum fl_ledger_kind kind, const uint64_t *frames, unsigned int n)
{
	struct fl_ledger_process *p = fl_book.process;
	struct fl_ledger_site *s;
	uint32_t index;

	if (n > fl_book.frames_max - p->nr_frames)
		return FL_LEDGER_OTHER;
	index = new_site();
	if (index == FL_LEDGER_OTHER)
		return index;
	s = &fl_book.sites[index];
	memcpy(fl_book.frames + p->nr_frames, frames, n * sizeof(*frames));
	s->module = FL_LEDGER_NO_MODULE;
	s->frames = p->nr_frames;
	s->nr_frames = n;
	p->nr_frames += n;
	__atomic_store_n(&s->kind, kind, __ATOMIC_RELEASE);
	return index;
}

uint32_t fl_site_chain(enum fl_ledger_kind kind, const uint64_t *frames, unsigned int n)
{
	uint64_t hash = hash_frames(frames, n) + kind;
	uint32_t i, mask = (1u << fl_book.table_bits) - 1;
	struct chain_slot *slot;

	if (!chains)
		chains = fl_memory((mask + 1UL) * sizeof(*chains));
	if (!chains)
		return FL_LEDGER_OTHER;
	for (i = hash >> 40 & mask; chains[i].hash && chains[i].hash != hash; i = (i + 1) & mask)
		;
	slot = &chains[i];
	if (slot->hash)
		return slot->index;
	slot->index = new_chain(kind, frames, n);
	if (slot->index != FL_LEDGER_OTHER) /* a table of all numbers keeps free slots */
		slot->hash = hash;
	return slot->index;
}

static bool is_same_tag(uint32_t index, const struct fl_alloc_site *site, const char *path)
{
	const struct fl_ledger_site *s = &fl_book.sites[index];

	return s->kind == FL_LEDGER_TAG && s->unloaded && s->line == site->line &&
	       s->module != FL_LEDGER_NO_MODULE &&
	       fl_image_is_named(s->module, path) &&
	       !strcmp(fl_book.names + s->file, site->file) &&
	       !strcmp(fl_book.names + s->function, site->function);
}

/* The numbers that this very module had before; 0: none. */
static uint32_t former_numbers(const struct fl_alloc_site *start, size_t n, const char *path)
{
	for (size_t i = 0; i < nr_retired; i++) {
		struct retired r = retired[i];
		size_t j = 0;

		while (r.n == n && j < n && !start[j].index &&
		       is_same_tag(r.first + (uint32_t)j, &start[j], path))
			j++;
		if (j < n || r.n != n)
			continue;
		retired[i] = retired[--nr_retired];
		return r.first;
	}
	return 0;
}

/* Numbers for a whole section; some may have one already, having been used before. */
static void number(struct module *m)
{
	uint32_t first = former_numbers(m->start, m->n, m->image.path);
	uint32_t module = fl_image_module(&m->image);

	for (size_t j = 0; j < m->n; j++) {
		uint32_t index = m->start[j].index;

		if (!index)
			index = first ? first + (uint32_t)j : new_site();
		write_tag(index, &m->start[j], module);
		__atomic_store_n(&m->start[j].index, index, __ATOMIC_RELAXED);
	}
}

static void add_module(struct fl_alloc_module *pub, const struct fl_image *image)
{
	struct module *m = modules;

	while (m < modules + MODULES_MAX && m->used)
		m++;
	if (m == modules + MODULES_MAX)
		return;
	*m = (struct module){ true, pub->start, (size_t)(pub->stop - pub->start), *image };
	number(m);
	pub->private_id = (uint32_t)(m - modules) + 1;
}

FL_API void fl_alloc_register(struct fl_alloc_module *pub)
{
	static atomic_bool registered_exit;
	struct fl_image image = { .path = "" };
	struct fl_locked l;
	bool hidden;

	fl_setup();
	if (pub->private_id || fl_settings.off)
		return;
	hidden = fl_real_hides_realloc();
	fl_image_at((uintptr_t)pub->image, &image);
	if (!atomic_exchange(&registered_exit, true))
		atexit(at_exit);
	l = fl_lock();
	/* an empty record says why there is nothing */
	if (!pub->private_id && fl_book_open() && fl_real_kind != FL_REAL_ASIDE)
		add_module(pub, &image);
	if (hidden)
		fl_book_flag(FL_LEDGER_REALLOC_HIDDEN);
	if (pub->flags & FL_ALLOC_MODULE_CXX)
		fl_settings.news = true;
	fl_unlock(l);
}

/* Returns whether the number is free: the site holds nothing. */
static bool retire(uint32_t index)
{
	struct fl_alloc_counters c;

	if (index == FL_LEDGER_OTHER)
		return false;
	fl_counters_read(index, &c);
	fl_book.sites[index].unloaded = 1;
	return !c.bytes && !c.calls;
}

/* C++'s sites came one by one: they are known by where their records lie. */
static void retire_inside(const struct fl_image *image)
{
	for (uint32_t i = FL_LEDGER_OTHER + 1; i < fl_book.process->nr_sites; i++) {
		const struct fl_ledger_site *s = &fl_book.sites[i];

		if (s->kind == FL_LEDGER_TAG && !s->unloaded && s->frames >= image->start &&
		    s->frames < image->end)
			retire(i);
	}
}

static void remove_module(struct module *m)
{
	uint32_t first = m->n ? m->start[0].index : 0;
	bool whole = first != 0;

	for (size_t i = 0; i < m->n; i++) {
		uint32_t index = m->start[i].index;

		if (!index)
			continue;
		whole &= index == first + i;
		whole &= retire(index);
		m->start[i].index = 0;
	}
	retire_inside(&m->image);
	if (whole && nr_retired < sizeof(retired) / sizeof(retired[0]))
		retired[nr_retired++] = (struct retired){ first, (uint32_t)m->n };
	m->used = false;
}

FL_API void fl_alloc_unregister(struct fl_alloc_module *pub)
{
	struct fl_locked l;

	if (!pub->private_id || exiting)
		return;
	l = fl_lock();
	if (pub->private_id)
		remove_module(&modules[pub->private_id - 1]);
	pub->private_id = 0;
	fl_unlock(l);
}

FL_API void fl_alloc_read(const struct fl_alloc_site *site, struct fl_alloc_counters *ret)
{
	uint32_t index = __atomic_load_n(&site->index, __ATOMIC_RELAXED);

	*ret = (struct fl_alloc_counters){ 0 };
	if (index && fl_book.process)
		fl_counters_read(index, ret);
}
