/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group's id is the number of its folder, by which the kernel opens it (open_by_handle_at()); the name is then that
 * of what was opened. So nothing is searched, and a group is found wherever it lies.
 *
 * What engines call a container's group, ID being 64 hexadecimal digits:
 *
 *	docker-ID.scope, libpod-ID.scope, cri-containerd-ID.scope, crio-ID.scope
 *	ID				below docker/, or a pod's folder
 *	...:cri-containerd:ID		containerd without systemd
 *	lxc.payload.NAME, machine-NAME.scope	LXC, systemd-nspawn: there are names alone
 */
#include "probe/output/groups.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"
#include "probe/target/cgroupfs.h"

#define GROUPS_MAX 65536 /* that are remembered; those beyond are asked for each time */
#define KERNFS_ID  0xfe	 /* the type of a handle that is an id: FILEID_KERNFS */
#define ID_LEN	   64

struct fl_groups {
	struct fl_arena arena;
	struct fl_map known;
	int mount; /* -1: there is none */
	char path[PATH_MAX];
};

int fl_groups_new(struct fl_groups **ret)
{
	struct fl_groups *g = calloc(1, sizeof(*g));
	_cleanup_buf_ struct fl_buf mount = {};

	if (!g)
		return -ENOMEM;
	g->mount = -1;
	if (fl_cgroup_mount(&mount) == 0 && !mount.error)
		g->mount = open(fl_buf_z(&mount), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret = g;
	return 0;
}

void fl_groups_free(struct fl_groups *g)
{
	if (!g)
		return;
	if (g->mount >= 0)
		close(g->mount);
	fl_map_fini(&g->known);
	fl_arena_fini(&g->arena);
	free(g);
}

/* ---- names ---- */

static struct fl_str without(struct fl_str s, const char *end)
{
	return fl_str_ends(s, end) ? fl_str_sub(s, 0, s.n - strlen(end)) : s;
}

/* The digits at the end of @s, where they are an id. */
static struct fl_str id_of(struct fl_str s)
{
	size_t n = 0;

	while (n < s.n && isxdigit((unsigned char)s.p[s.n - 1 - n]))
		n++;
	return n == ID_LEN && (n == s.n || strchr("-:", s.p[s.n - 1 - n])) ? fl_str_from(s, s.n - n) : FL_STR("");
}

static struct fl_str container_of(struct fl_str name)
{
	struct fl_str id;

	if (fl_str_starts(name, "libpod-conmon-")) /* who watches it */
		return FL_STR("");
	if (fl_str_starts(name, "lxc.payload."))
		return fl_str_from(name, strlen("lxc.payload."));
	name = without(name, ".scope");
	id = id_of(name);
	if (!id.n && fl_str_starts(name, "machine-"))
		return fl_str_from(name, strlen("machine-"));
	return id;
}

/* The innermost: engines run in containers, too. */
struct fl_str fl_container_of_path(struct fl_str path)
{
	while (path.n) {
		size_t start = path.n;
		struct fl_str found;

		while (start && path.p[start - 1] != '/')
			start--;
		found = container_of(fl_str_from(path, start));
		if (found.n)
			return found;
		path.n = start ? start - 1 : 0;
	}
	return FL_STR("");
}

/* ---- by their ids ---- */

/* The path of the group, in @g->path. */
static int path_of(struct fl_groups *g, uint64_t id)
{
	_Alignas(struct file_handle) char room[sizeof(struct file_handle) + sizeof(id)];
	struct file_handle *handle = (struct file_handle *)room;
	char link[40];
	ssize_t n;
	int fd;

	handle->handle_bytes = sizeof(id);
	handle->handle_type = KERNFS_ID;
	memcpy(handle->f_handle, &id, sizeof(id));
	fd = g->mount < 0 ? -1 : open_by_handle_at(g->mount, handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, g->path, sizeof(g->path) - 1);
	close(fd);
	if (n < 0)
		return -errno;
	g->path[n] = '\0';
	return 0;
}

struct fl_str fl_groups_container(struct fl_groups *g, uint64_t id)
{
	struct fl_str key = fl_str_n((const char *)&id, sizeof(id)), found = FL_STR("?");
	struct fl_map_entry *m = fl_map_get(&g->known, key);
	char *name, *copy;

	if (m)
		return fl_str(m->ptr);
	if (path_of(g, id) == 0)
		found = fl_container_of_path(without(fl_str(g->path), " (deleted)"));
	if (g->known.count >= GROUPS_MAX)
		return found;
	name = fl_arena_dup(&g->arena, found);
	copy = fl_arena_dup(&g->arena, key);
	m = name && copy ? fl_map_put(&g->known, fl_str_n(copy, sizeof(id)), NULL) : NULL;
	if (m)
		m->ptr = name;
	return found;
}
