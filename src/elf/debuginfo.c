/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libelf unpacks a compressed section by writing to its header, where the file lies: a mapping is made writable
 * for that, and since it is private what is written is in our copy of the page alone.
 */
#include "elf/debuginfo.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/cleanup.h"

static Elf *open_elf(const struct fl_elf_image *i)
{
	char *data = (char *)(uintptr_t)i->file.data;

	if (i->file.mapped && mprotect(data, i->file.size, PROT_READ | PROT_WRITE) < 0)
		return NULL;
	return elf_memory(data, i->file.size);
}

/* The file that the debug file shares with others: by build-id, or the path that stands there. */
static void open_alt(struct fl_elf_dwarf *d)
{
	_cleanup_buf_ struct fl_buf path = {};
	const void *id;
	const char *name;
	ssize_t n = dwelf_dwarf_gnu_debugaltlink(d->dwarf, &name, &id);

	if (n < 2 || n > 64)
		return;
	fl_buf_addz(&path, "/usr/lib/debug/.build-id/");
	for (ssize_t k = 0; k < n; k++)
		fl_buf_addf(&path, "%02x%s", ((const unsigned char *)id)[k], k ? "" : "/");
	fl_buf_addz(&path, ".debug");
	if (path.error || (fl_elf_image_open(fl_buf_z(&path), &d->alt_image) < 0 &&
			   (name[0] != '/' || fl_elf_image_open(name, &d->alt_image) < 0)))
		return;
	if (!fl_str_eq(fl_elf_build_id(&d->alt_image), fl_str_n(id, (size_t)n)))
		return;
	d->alt_elf = open_elf(&d->alt_image);
	d->alt = d->alt_elf ? dwarf_begin_elf(d->alt_elf, DWARF_C_READ, NULL) : NULL;
	if (d->alt)
		dwarf_setalt(d->dwarf, d->alt);
}

int fl_elf_dwarf_open(const struct fl_elf_image *i, struct fl_elf_dwarf *ret)
{
	if (!fl_elf_section(i, ".debug_info") && !fl_elf_section(i, ".zdebug_info"))
		return -ENODATA;
	elf_version(EV_CURRENT);
	*ret = (struct fl_elf_dwarf){ .elf = open_elf(i) };
	ret->dwarf = ret->elf ? dwarf_begin_elf(ret->elf, DWARF_C_READ, NULL) : NULL;
	if (!ret->dwarf) {
		fl_elf_dwarf_close(ret);
		return -ENODATA;
	}
	open_alt(ret);
	return 0;
}

void fl_elf_dwarf_close(struct fl_elf_dwarf *d)
{
	if (d->dwarf)
		dwarf_end(d->dwarf);
	if (d->alt)
		dwarf_end(d->alt);
	if (d->elf)
		elf_end(d->elf);
	if (d->alt_elf)
		elf_end(d->alt_elf);
	fl_elf_image_close(&d->alt_image);
	*d = (struct fl_elf_dwarf){};
}
