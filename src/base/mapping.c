/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/num.h"

/* "A-B" or "A:B", hexadecimal. */
static bool two(struct fl_str word, char between, uint64_t *a, uint64_t *b)
{
	size_t at = fl_str_find(word, between, 0);

	return fl_parse_u64(fl_str_sub(word, 0, at), 16, a) == 0 &&
	       fl_parse_u64(fl_str_from(word, at + 1), 16, b) == 0;
}

bool fl_mapping_parse(struct fl_str line, struct fl_mapping *ret)
{
	struct fl_str range, perms, offset, device, inode;
	struct fl_mapping m = {};
	uint64_t major, minor;

	if (!fl_str_word(&line, &range) || !fl_str_word(&line, &perms) || !fl_str_word(&line, &offset) ||
	    !fl_str_word(&line, &device) || !fl_str_word(&line, &inode) || perms.n != sizeof(m.perms))
		return false;
	if (!two(range, '-', &m.start, &m.end) || !two(device, ':', &major, &minor) ||
	    fl_parse_u64(offset, 16, &m.offset) < 0 || fl_parse_u64(inode, 10, &m.inode) < 0)
		return false;
	memcpy(m.perms, perms.p, sizeof(m.perms));
	m.major = (uint32_t)major;
	m.minor = (uint32_t)minor;
	while (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = fl_str_from(line, 1); /* behind it a name may end in blanks */
	m.path = line;
	*ret = m;
	return true;
}

/* The kernel writes a newline in a name as "\012", and nothing else differs. */
static int unescape(struct fl_str name, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		bool newline = fl_str_starts(fl_str_from(name, i), "\\012");

		if (n + 1 >= size)
			return -ENAMETOOLONG;
		out[n++] = newline ? '\n' : name.p[i];
		i += newline ? 3 : 0;
	}
	out[n] = '\0';
	return 0;
}

/*
 * The maps show the device of the file system's superblock; fstat() one that btrfs made for the
 * subvolume, or overlayfs for the layer. There the inode alone must do.
 */
static bool many_devices(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == BTRFS_SUPER_MAGIC || fs.f_type == OVERLAYFS_SUPER_MAGIC);
}

static bool is_it(int fd, const struct fl_mapping *m)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_ino != m->inode)
		return false;
	return st.st_dev == makedev(m->major, m->minor) || many_devices(fd);
}

/*
 * The kernel's own link comes first: it cannot be led elsewhere, and leads to files that are deleted
 * or lie in another mount namespace, too; but it takes CAP_CHECKPOINT_RESTORE. Then the name, as the
 * process sees it, and as we do where we may not look through its root.
 */
static int open_one(int pid, const struct fl_mapping *m)
{
	char path[PATH_MAX + 64];
	int fd, n;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start, m->end);
	fd = fl_open_regular(AT_FDCWD, path, 0);
	if (fd >= 0 || fd == -EINVAL)
		return fd; /* the latter is a device that is mapped */
	n = snprintf(path, sizeof(path), "/proc/%d/root", pid);
	if (unescape(m->path, path + n, sizeof(path) - (size_t)n) < 0)
		return -ENAMETOOLONG;
	fd = fl_open_regular(AT_FDCWD, path, 0);
	return fd == -EACCES ? fl_open_regular(AT_FDCWD, path + n, 0) : fd;
}

int fl_mapping_open_fd(int pid, const struct fl_mapping *m)
{
	_cleanup_close_ int fd = -1;

	if (!fl_str_starts(m->path, "/"))
		return -ENOENT;
	fd = open_one(pid, m);
	return fd < 0 || is_it(fd, m) ? TAKE_FD(fd) : -ESTALE;
}

int fl_mapping_open(int pid, const struct fl_mapping *m, size_t max, struct fl_file *ret)
{
	_cleanup_close_ int fd = fl_mapping_open_fd(pid, m);

	return fd < 0 ? TAKE_FD(fd) : fl_file_open_fd(fd, max, ret);
}
