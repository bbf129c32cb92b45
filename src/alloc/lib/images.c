/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which file an address is in. The loader knows, and since glibc 2.35 tells without a lock
 * (_dl_find_object); before that its list is walked under its lock, which is why nobody may hold
 * ours meanwhile.
 *
 * A frame that is kept names its image by a number, with the name and build-id of that moment: an
 * image that is unloaded stays in the ledger as what it was, whatever is mapped in its place later.
 * Unloading is noticed by dlclose(), which is ours, and for the loader's own unloading (character
 * sets, name services) by an image that comes where another one was.
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/core.h"

_Atomic uint32_t fl_images_generation;

#ifdef DLFO_STRUCT_HAS_EH_DBASE
extern int _dl_find_object(void *address, struct dl_find_object *ret) __attribute__((weak));

static bool find_quickly(uintptr_t address, struct fl_image *ret)
{
	struct dl_find_object o;

	if (!_dl_find_object || _dl_find_object((void *)address, &o) < 0)
		return false;
	ret->start = (uintptr_t)o.dlfo_map_start;
	ret->end = (uintptr_t)o.dlfo_map_end;
	ret->bias = o.dlfo_link_map ? o.dlfo_link_map->l_addr : 0;
	ret->path = o.dlfo_link_map && o.dlfo_link_map->l_name ? o.dlfo_link_map->l_name : "";
	ret->unwind = o.dlfo_eh_frame;
	return true;
}

static bool is_quick(void)
{
	return _dl_find_object != NULL;
}
#else
static bool find_quickly(uintptr_t address, struct fl_image *ret)
{
	return false;
}

static bool is_quick(void)
{
	return false;
}
#endif

struct search {
	uintptr_t address;
	struct fl_image *ret;
};

static int look(struct dl_phdr_info *info, size_t size, void *v)
{
	struct search *s = v;
	uintptr_t start = UINTPTR_MAX, end = 0;
	const uint8_t *unwind = NULL;

	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		uintptr_t to = from + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
			unwind = (const uint8_t *)from;
		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		start = from < start ? from : start;
		end = to > end ? to : end;
	}
	if (s->address < start || s->address >= end)
		return 0;
	*s->ret = (struct fl_image){ start, end, info->dlpi_addr, info->dlpi_name, unwind };
	return 1;
}

bool fl_image_at(uintptr_t address, struct fl_image *ret)
{
	struct search s = { address, ret };

	if (is_quick())
		return find_quickly(address, ret);
	return dl_iterate_phdr(look, &s) == 1;
}

/* The first note of that kind; all of it lies in the image's first segment, or is not looked at. */
static void find_build_id(const struct fl_image *image, struct fl_ledger_module *m)
{
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)image->start;
	const ElfW(Phdr) *p;

	if (image->end - image->start < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
	    head->e_phoff > 4096 - sizeof(*p))
		return;
	p = (const ElfW(Phdr) *)(image->start + head->e_phoff);
	for (size_t i = 0; i < head->e_phnum && (uintptr_t)(p + i + 1) <= image->start + 4096; i++) {
		uintptr_t at = image->bias + p[i].p_vaddr, end = at + p[i].p_memsz;

		if (p[i].p_type != PT_NOTE || at < image->start || end > image->end || end < at)
			continue;
		while (end - at >= sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *n = (const ElfW(Nhdr) *)at;
			uintptr_t text = at + sizeof(*n) + ((n->n_namesz + 3u) & ~3u);

			if (n->n_namesz > 256 || n->n_descsz > 4096 || text + n->n_descsz > end)
				break;
			if (n->n_type == NT_GNU_BUILD_ID && n->n_descsz <= sizeof(m->build_id)) {
				memcpy(m->build_id, (const void *)text, n->n_descsz);
				m->build_id_size = (uint8_t)n->n_descsz;
				return;
			}
			at = text + ((n->n_descsz + 3u) & ~3u);
		}
	}
}

/* The tables rest on addresses: they begin anew. Under the lock. */
static void begin_tables_anew(void)
{
	atomic_fetch_add(&fl_images_generation, 1);
	fl_chains_forget();
	fl_unwind_forget();
}

/* A library that was opened by a relative name is found from here alone. */
static uint32_t name_module(const char *path)
{
	char whole[4096];
	size_t n, room;

	if (path[0] == '/' || !strchr(path, '/') || !getcwd(whole, sizeof(whole)))
		return fl_book_name(path, strlen(path));
	n = strlen(whole);
	room = sizeof(whole) - n;
	path += strncmp(path, "./", 2) ? 0 : 2;
	if (strlen(path) + 2 > room)
		return fl_book_name(path, strlen(path));
	whole[n] = '/';
	memcpy(whole + n + 1, path, strlen(path) + 1);
	return fl_book_name(whole, strlen(whole));
}

/* A relative name is kept whole. */
static bool is_named(const struct fl_ledger_module *m, const char *path)
{
	const char *name = fl_book.names + m->name;
	size_t n = strlen(name), k;

	if (!strcmp(name, path))
		return true;
	path += strncmp(path, "./", 2) ? 0 : 2;
	k = strlen(path);
	return path[0] != '/' && k && n > k && !strcmp(name + n - k, path);
}

static uint32_t add_module(const struct fl_image *image)
{
	struct fl_ledger_process *p = fl_book.process;
	struct fl_ledger_module *m;

	if (p->nr_modules == FL_LEDGER_MODULES)
		return FL_LEDGER_NO_MODULE;
	m = &fl_book.modules[p->nr_modules];
	*m = (struct fl_ledger_module){ .start = image->start,
					.end = image->end,
					.bias = image->bias };
	m->name = name_module(image->path);
	find_build_id(image, m);
	__atomic_store_n(&p->nr_modules, p->nr_modules + 1, __ATOMIC_RELEASE);
	return p->nr_modules - 1;
}

uint32_t fl_image_module(const struct fl_image *image)
{
	struct fl_ledger_process *p = fl_book.process;
	bool changed = false;

	for (uint32_t i = p->nr_modules; i-- > 0;) {
		struct fl_ledger_module *m = &fl_book.modules[i];

		if (m->unloaded || m->end <= image->start || m->start >= image->end)
			continue;
		if (m->start == image->start && m->end == image->end && is_named(m, image->path))
			return i;
		m->unloaded = 1;
		changed = true;
	}
	if (changed)
		begin_tables_anew();
	return add_module(image);
}

bool fl_image_is_named(uint32_t module, const char *path)
{
	return is_named(&fl_book.modules[module], path);
}

void fl_images_changed(void)
{
	struct fl_locked l = fl_lock();
	struct fl_ledger_process *p = fl_book.process;
	bool changed = false;

	for (uint32_t i = 0; p && is_quick() && i < p->nr_modules; i++) {
		struct fl_ledger_module *m = &fl_book.modules[i];
		struct fl_image image;

		if (m->unloaded || (find_quickly(m->start, &image) && image.end == m->end))
			continue;
		m->unloaded = 1;
		changed = true;
	}
	if (changed)
		begin_tables_anew();
	fl_unlock(l);
}

#if !FL_SANITIZED && !defined(FL_ALLOC_STATIC_)
FL_API int dlclose(void *handle)
{
	static int (*_Atomic next)(void *);
	int (*real)(void *) = next;
	int r;

	if (!real) {
		real = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
		next = real;
	}
	r = real ? real(handle) : -1;
	fl_images_changed();
	return r;
}
#endif
