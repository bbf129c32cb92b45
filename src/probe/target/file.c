/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "elf/image.h"
#include "elf/insn-length.h"
#include "probe/target/target.h"

int fl_target_file(const struct fl_target *t, struct fl_str path, bool *ret_regular)
{
	_cleanup_buf_ struct fl_buf full = {};
	struct stat st;

	fl_target_path(t, path, &full);
	if (full.error)
		return full.error;
	/* Beneath no root of its own, another machine's files are not here. */
	if (!fl_target_is_live(t) && fl_str_eq(fl_buf_str(&full), path))
		return -EOPNOTSUPP;
	if (stat(fl_buf_z(&full), &st) < 0)
		return -errno;
	*ret_regular = S_ISREG(st.st_mode);
	return 0;
}

static int open_image(const struct fl_target *t, struct fl_str path, struct fl_elf_image *ret)
{
	_cleanup_buf_ struct fl_buf full = {};

	fl_target_path(t, path, &full);
	if (full.error || (!fl_target_is_live(t) && fl_str_eq(fl_buf_str(&full), path)))
		return -ENOENT;
	return fl_elf_image_open(fl_buf_z(&full), ret) < 0 ? -ENOENT : 0;
}

int fl_target_insn_boundary(const struct fl_target *t, struct fl_str path, uint64_t offset)
{
	struct fl_elf_image image = {};
	int r = open_image(t, path, &image);

	if (r < 0)
		return r;
	r = fl_elf_insn_boundary(&image, offset);
	fl_elf_image_close(&image);
	return r;
}

bool fl_target_is_go(const struct fl_target *t, struct fl_str path)
{
	struct fl_elf_image image = {};
	bool is_go;

	if (open_image(t, path, &image) < 0)
		return false;
	is_go = fl_elf_section(&image, ".go.buildinfo") || fl_elf_section(&image, ".gopclntab");
	fl_elf_image_close(&image);
	return is_go;
}
