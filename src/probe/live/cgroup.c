/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/cgroup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/target/cgroupfs.h"

#define DEPTH_MAX 32 /* of groups within each other that are looked through */

static int open_group(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	close(fd);
	return -ENOENT;
}

int fl_cgroup_open(const char *path)
{
	_cleanup_buf_ struct fl_buf full = {};
	int fd = open_group(path), r;

	if (fd >= 0)
		return fd;
	r = fl_cgroup_mount(&full);
	if (r < 0)
		return r;
	fl_buf_addf(&full, "/%s", path);
	return full.error ? full.error : open_group(fl_buf_z(&full));
}

/* The id stands at the name's start or behind what an engine puts there, which is no part of an id. */
static bool is_container(const char *name, const char *id)
{
	size_t n = strlen(id);

	if (strstr(name, "conmon")) /* who watches it */
		return false;
	for (const char *at = strstr(name, id); at; at = strstr(at + 1, id)) {
		const char *end = at + n;

		if (at != name && at[-1] != '-' && at[-1] != '.' && at[-1] != ':')
			continue;
		if (isxdigit((unsigned char)id[0]) || !*end || *end == '.')
			return true;
	}
	return false;
}

static bool is_folder(const struct dirent *e)
{
	return e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* Adds each that fits as a line; what is within a container's group is the container's. */
static int search(struct fl_buf *path, const char *id, unsigned int depth, struct fl_buf *found)
{
	size_t len = path->len;
	DIR *dir = opendir(fl_buf_z(path));
	struct dirent *e;
	int n = 0;

	if (!dir)
		return 0; /* it has gone meanwhile */
	while ((e = readdir(dir)) && !path->error) {
		if (!is_folder(e))
			continue;
		path->len = len;
		fl_buf_addf(path, "/%s", e->d_name);
		if (is_container(e->d_name, id)) {
			fl_buf_addf(found, "%s%s", found->len ? "\n" : "", fl_buf_z(path));
			n++;
		} else if (depth < DEPTH_MAX) {
			n += search(path, id, depth + 1, found);
		}
	}
	path->len = len;
	closedir(dir);
	return n;
}

int fl_cgroup_of_container(const char *id, struct fl_buf *ret)
{
	_cleanup_buf_ struct fl_buf path = {};
	int r = *id ? fl_cgroup_mount(&path) : -ENOENT, n;

	if (r < 0)
		return r;
	n = search(&path, id, 0, ret);
	if (path.error || ret->error)
		return -ENOMEM;
	return n == 0 ? -ENOENT : n == 1 ? 0 : -ENOTUNIQ;
}
