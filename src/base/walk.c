/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"

#define MAX_LINKS  40 /* the kernel's own limit */
#define PROC_MAGIC 0x9fa0
#define FOLDER	   (O_PATH | O_DIRECTORY | O_CLOEXEC)

static const struct fl_diag_kind foreign_link = {
	.code = "FOREIGN_LINK",
	.level = FL_ERROR,
	.err = ELOOP,
	.message = "a symbolic link that others can exchange is not followed",
};

void fl_spot_fini(struct fl_spot *p)
{
	fl_closep(&p->dir);
	p->dir = -1;
}

bool fl_owner_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/*
 * A group's right to write counts as others', but for root's group and for the group that many
 * systems make for one user (of the same number, and it is ours).
 */
bool fl_folder_closed(const struct stat *dir)
{
	mode_t others = S_IWOTH;

	if (dir->st_gid != 0 && !(dir->st_gid == getegid() && dir->st_gid == geteuid()))
		others |= S_IWGRP;
	return fl_owner_trusted(dir) && (!(dir->st_mode & others) || (dir->st_mode & S_ISVTX));
}

/* ---- what the user typed ---- */

struct walk {
	int cur;
	struct fl_buf rest; /* what is still to be walked; links' targets are put before it */
	size_t at;
	unsigned int links;
	bool closed; /* each folder on the way must be */
};

static void walk_fini(struct walk *w)
{
	fl_closep(&w->cur);
	fl_buf_fini(&w->rest);
}

static int enter(struct walk *w, int fd)
{
	struct stat st;

	if (fd < 0)
		return -errno;
	fl_closep(&w->cur);
	w->cur = fd;
	return w->closed && (fstat(fd, &st) < 0 || !fl_folder_closed(&st)) ? -EPERM : 0;
}

static int start_at(struct walk *w)
{
	const char *path = fl_buf_z(&w->rest) + w->at;

	if (path[0] == '/')
		return enter(w, open("/", FOLDER));
	return w->cur < 0 ? enter(w, open(".", FOLDER)) : 0;
}

/* Cuts the next component off; -ENOENT at the end. @last: nothing follows, not even a slash. */
static int next_name(struct walk *w, char name[static NAME_MAX + 1], bool *last)
{
	const char *p = fl_buf_z(&w->rest) + w->at;
	size_t n;

	p += strspn(p, "/");
	n = strcspn(p, "/");
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	if (n == 0)
		return -ENOENT;
	memcpy(name, p, n);
	name[n] = '\0';
	w->at = p + n - fl_buf_z(&w->rest);
	*last = p[n] == '\0';
	return 0;
}

static bool ends_in_slashes(const struct walk *w)
{
	const char *rest = fl_buf_z(&w->rest) + w->at;

	return !rest[strspn(rest, "/")];
}

static bool on_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_MAGIC;
}

static int refuse(int link, const char *name, const struct stat *st, struct fl_diag *diag)
{
	char self[64], path[PATH_MAX];
	ssize_t n;
	int r = fl_diag_set(diag, &foreign_link, (struct fl_span){});

	snprintf(self, sizeof(self), "/proc/self/fd/%d", link);
	n = readlink(self, path, sizeof(path));
	if (n <= 0 || n >= (ssize_t)sizeof(path))
		n = snprintf(path, sizeof(path), "%s", name);
	fl_diag_message(diag, "the symbolic link %.*s (of user %u) could be exchanged by others: "
			"it is not followed", (int)n, path, (unsigned int)st->st_uid);
	return r;
}

static bool may_follow(int dir, const struct stat *link)
{
	struct stat st;

	return fstat(dir, &st) == 0 && fl_owner_trusted(link) && fl_folder_closed(&st);
}

/* The link's target takes the link's place in what is still to be walked. */
static int follow(struct walk *w, int link)
{
	struct fl_buf rest = {};
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target));

	if (n < 0)
		return -errno;
	if (n == 0 || n >= (ssize_t)sizeof(target))
		return n ? -ENAMETOOLONG : -ENOENT;
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	fl_buf_add(&rest, target, n);
	fl_buf_addz(&rest, fl_buf_z(&w->rest) + w->at);
	if (rest.error || rest.len > (size_t)PATH_MAX * 2) {
		int r = rest.error ? rest.error : -ENAMETOOLONG;

		fl_buf_fini(&rest);
		return r;
	}
	fl_buf_fini(&w->rest);
	w->rest = rest;
	w->at = 0;
	return start_at(w);
}

static int arrive(struct walk *w, const char *name, bool magic, struct fl_spot *ret)
{
	*ret = (struct fl_spot){ .dir = w->cur, .magic = magic };
	memcpy(ret->name, name, strlen(name) + 1);
	w->cur = -1;
	return 1;
}

/* One component. 1: arrived; 0: go on. */
static int step(struct walk *w, struct fl_spot *ret, struct fl_diag *diag)
{
	char name[NAME_MAX + 1];
	bool last;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = next_name(w, name, &last);

	if (r < 0)
		return r == -ENOENT ? -EISDIR : r;
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return enter(w, openat(w->cur, "..", FOLDER));
	fd = openat(w->cur, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return last ? arrive(w, name, false, ret) : ends_in_slashes(w) ? -EISDIR : -ENOENT;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		if (!may_follow(w->cur, &st))
			return refuse(fd, name, &st, diag);
		if (!on_proc(w->cur))
			return follow(w, fd);
		return last ? arrive(w, name, true, ret) : enter(w, openat(w->cur, name, FOLDER));
	}
	if (last)
		return S_ISDIR(st.st_mode) ? -EISDIR : arrive(w, name, false, ret);
	return S_ISDIR(st.st_mode) ? enter(w, TAKE_FD(fd)) : -ENOTDIR;
}

int fl_walk(const char *path, struct fl_spot *ret, struct fl_diag *diag)
{
	_cleanup_(walk_fini) struct walk w = { .cur = -1 };
	int r;

	if (!path[0])
		return -ENOENT;
	fl_buf_addz(&w.rest, path);
	r = w.rest.error;
	if (r == 0)
		r = start_at(&w);
	while (r == 0)
		r = step(&w, ret, diag);
	return r < 0 ? r : 0;
}

static bool only_roots(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWOTH | (st->st_gid ? S_IWGRP : 0)));
}

/* From the root, and not from where we are: that folder's own way is a part of it. */
static int absolute(const char *path, struct fl_buf *out)
{
	char here[PATH_MAX];

	if (path[0] != '/') {
		if (!getcwd(here, sizeof(here)))
			return -errno;
		fl_buf_addf(out, "%s/", here);
	}
	fl_buf_addz(out, path);
	return out->error;
}

int fl_walk_for_root(const char *path)
{
	_cleanup_(walk_fini) struct walk w = { .cur = -1, .closed = true };
	_cleanup_spot_ struct fl_spot spot = FL_SPOT_NONE;
	struct stat file, folder;
	int r;

	if (geteuid() != 0)
		return 0;
	r = absolute(path, &w.rest);
	if (r == 0)
		r = start_at(&w);
	while (r == 0)
		r = step(&w, &spot, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -EPERM;
	if (fstatat(spot.dir, spot.name, &file, AT_SYMLINK_NOFOLLOW) < 0 || fstat(spot.dir, &folder) < 0)
		return -EPERM;
	return S_ISREG(file.st_mode) && only_roots(&file) && only_roots(&folder) ? 0 : -EPERM;
}

/* ---- inside of a tree ---- */

static int enter_plain(int cur, struct fl_str name)
{
	char z[NAME_MAX + 1];
	struct stat st;
	int fd, r;

	if (name.n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(z, name.p, name.n);
	z[name.n] = '\0';
	fd = openat(cur, z, FOLDER | O_NOFOLLOW);
	if (fd >= 0)
		return fd;
	r = -errno;
	if (r == -ENOTDIR && fstatat(cur, z, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return -ELOOP;
	return r;
}

/* Without openat2() (before 5.6, or where a filter does not know it): one component at a time. */
static int walk_by_hand(int tree, const char *path)
{
	int cur = openat(tree, ".", FOLDER);

	if (cur < 0)
		return -errno;
	while (cur >= 0 && *path) {
		size_t n = strcspn(path, "/");
		int next = enter_plain(cur, n ? fl_str_n(path, n) : FL_STR("."));

		close(cur);
		cur = next;
		path += n + strspn(path + n, "/");
	}
	return cur;
}

/* No path of ours climbs, so that both ways of walking need not agree on what that would mean. */
static bool climbs(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0)
			return true;
		path += n + strspn(path + n, "/");
	}
	return false;
}

int fl_walk_folder(int tree, const char *path)
{
	static bool no_openat2; /* asked once; threads agree on the answer */
	struct open_how how = {
		.flags = FOLDER,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (path[0] == '/' || climbs(path))
		return -EXDEV;
	if (__atomic_load_n(&no_openat2, __ATOMIC_RELAXED))
		return walk_by_hand(tree, path);
	do
		fd = syscall(SYS_openat2, tree, *path ? path : ".", &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN); /* a rename went on beside it */
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd < 0 ? -errno : (int)fd;
	__atomic_store_n(&no_openat2, true, __ATOMIC_RELAXED);
	return walk_by_hand(tree, path);
}

int fl_walk_beneath(int tree, const char *path, struct fl_spot *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char folder[PATH_MAX];
	int fd;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EISDIR;
	if (strlen(name) > NAME_MAX || (slash && slash - path >= PATH_MAX))
		return -ENAMETOOLONG;
	if (slash == path)
		return -EXDEV;
	memcpy(folder, path, slash ? slash - path : 0);
	folder[slash ? slash - path : 0] = '\0';
	fd = fl_walk_folder(tree, folder);
	if (fd < 0)
		return fd;
	*ret = (struct fl_spot){ .dir = fd };
	memcpy(ret->name, name, strlen(name) + 1);
	return 0;
}
