/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

void fl_file_close(struct fl_file *f)
{
	if (f->mapped)
		munmap((void *)f->data, f->size);
	else
		free((void *)f->data);
	*f = (struct fl_file){};
}

static int read_whole(int fd, size_t max, struct fl_file *ret)
{
	_cleanup_buf_ struct fl_buf b = {};
	int r;

	r = fl_buf_read_fd(&b, fd, max);
	if (r < 0)
		return r;
	ret->size = b.len;
	ret->mapped = false;
	ret->data = (const uint8_t *)fl_buf_take(&b);
	return ret->data ? 0 : -ENOMEM;
}

/*
 * A mapped file that is cut short is SIGBUS for whoever looks at it, so it is mapped only where
 * nobody but root and us may do that.
 */
static bool others_may_cut(const struct stat *st)
{
	mode_t others = S_IWOTH | (st->st_gid ? S_IWGRP : 0);

	return (st->st_uid != 0 && st->st_uid != geteuid()) || (st->st_mode & others);
}

int fl_file_open_rest(int fd, uint64_t *from, size_t max, struct fl_file *ret)
{
	uint64_t start = *from / (uint64_t)sysconf(_SC_PAGESIZE) * (uint64_t)sysconf(_SC_PAGESIZE);
	struct stat st;
	size_t n;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	*from = start;
	if (S_ISREG(st.st_mode) && lseek(fd, (off_t)start, SEEK_SET) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size <= start)
		return read_whole(fd, max, ret);
	n = (uint64_t)st.st_size - start;
	if (n > max)
		return -EFBIG;
	p = others_may_cut(&st) ? MAP_FAILED : mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, (off_t)start);
	if (p == MAP_FAILED)
		return read_whole(fd, max, ret);
	*ret = (struct fl_file){ .data = p, .size = n, .mapped = true };
	return 0;
}

int fl_file_open_fd(int fd, size_t max, struct fl_file *ret)
{
	uint64_t from = 0;

	return fl_file_open_rest(fd, &from, max, ret);
}

int fl_file_open(const char *path, size_t max, struct fl_file *ret)
{
	_cleanup_close_ int fd = -1;

	if (path[0] == '-' && !path[1])
		return read_whole(STDIN_FILENO, max, ret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fl_file_open_fd(fd, max, ret);
}

/* ---- what others name ---- */

/*
 * Looked at before it is opened, because opening alone can wait (a FIFO) or start something (a tape, a
 * watchdog). Where there is no /proc the second look is at what was opened.
 */
int fl_open_regular(int dir, const char *path, int flags)
{
	_cleanup_close_ int look = openat(dir, path, O_PATH | O_CLOEXEC | flags), fd = -1;
	struct stat st, now;
	char self[64];

	if (look < 0 || fstat(look, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : S_ISLNK(st.st_mode) ? -ELOOP : -EINVAL;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", look);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
	if (fd < 0 || fstat(fd, &now) < 0)
		return -errno;
	if (now.st_dev != st.st_dev || now.st_ino != st.st_ino)
		return -ESTALE;
	return TAKE_FD(fd);
}

int fl_file_open_named(const char *path, size_t max, struct fl_file *ret)
{
	_cleanup_close_ int fd = fl_open_regular(AT_FDCWD, path, 0);

	return fd < 0 ? fd : fl_file_open_fd(fd, max, ret);
}

bool fl_find_program(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/'))
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && access(path, X_OK) == 0;
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; *dirs;) {
		size_t n = strcspn(dirs, ":");
		struct stat st;

		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dirs, n ? "/" : "", name) < PATH_MAX &&
		    stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}
