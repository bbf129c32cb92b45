/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the VFS does before and between the calls into a file system: the path walk and the checks
 * that are the same for every tree. Engines never repeat these.
 */
#include "vfs/node.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#define MAX_LINKS 40 /* MAXSYMLINKS */
#define MAX_NAME  255 /* NAME_MAX */
#define MAX_PATH  4096 /* PATH_MAX, with its NUL */

struct fl_node *fl_node_ref(struct fl_node *n)
{
	n->refs++;
	return n;
}

struct fl_node *fl_node_unref(struct fl_node *n)
{
	struct fl_node *owner;

	if (!n || --n->refs)
		return NULL;
	owner = n->owner;
	if (n->ops->free)
		n->ops->free(n);
	return fl_node_unref(owner);
}

static struct fl_node *root_of(struct fl_node *n)
{
	while (n->parent)
		n = n->parent;
	return n;
}

/* Cuts the next part off a path; false when only slashes are left. */
static bool next_part(struct fl_str *path, struct fl_str *part)
{
	size_t n;

	while (path->n && path->p[0] == '/')
		*path = fl_str_from(*path, 1);
	n = fl_str_find(*path, '/', 0);
	*part = fl_str_sub(*path, 0, n);
	*path = fl_str_from(*path, n);
	return n > 0;
}

static bool only_slashes(struct fl_str path)
{
	struct fl_str part;

	return !next_part(&path, &part);
}

static int walk_path(struct fl_node *cwd, struct fl_str path, bool follow_last, unsigned int links,
		struct fl_node **ret);

/* Replaces *@at, a link that was found in @dir, by what it names. */
static int follow(struct fl_node *dir, struct fl_node **at, unsigned int links)
{
	struct fl_node *link = *at, *target;
	struct fl_str text;
	int r;

	if (links >= MAX_LINKS)
		return -ELOOP;
	r = link->ops->readlink ? link->ops->readlink(link, &text) : -EINVAL;
	if (r < 0)
		return r;
	r = walk_path(dir, text, true, links + 1, &target);
	if (r < 0)
		return r;
	fl_node_unref(link);
	*at = target;
	return 0;
}

/* One step down from *@at; the reference moves along. */
static int step(struct fl_node **at, struct fl_str part, bool follow_link, unsigned int links)
{
	struct fl_node *dir = *at, *next = NULL;
	int r = 0;

	if (dir->type != FL_NODE_DIR)
		return -ENOTDIR;
	if (part.n > MAX_NAME)
		return -ENAMETOOLONG;
	if (fl_str_is(part, "."))
		return 0;
	if (fl_str_is(part, ".."))
		next = fl_node_ref(dir->parent ? dir->parent : dir);
	else
		r = dir->ops->lookup ? dir->ops->lookup(dir, part, &next) : -ENOENT;
	if (r < 0)
		return r;
	if (next->type == FL_NODE_SYMLINK && follow_link)
		r = follow(dir, &next, links);
	if (r < 0) {
		fl_node_unref(next);
		return r;
	}
	fl_node_unref(dir);
	*at = next;
	return 0;
}

static int walk_path(struct fl_node *cwd, struct fl_str path, bool follow_last, unsigned int links,
		struct fl_node **ret)
{
	bool want_dir = path.n && path.p[path.n - 1] == '/';
	struct fl_node *at;
	struct fl_str part;
	int r = 0;

	if (!path.n)
		return -ENOENT;
	if (path.n >= MAX_PATH)
		return -ENAMETOOLONG;
	at = fl_node_ref(path.p[0] == '/' ? root_of(cwd) : cwd);
	while (r == 0 && next_part(&path, &part))
		r = step(&at, part, follow_last || want_dir || !only_slashes(path), links);
	if (r == 0 && want_dir && at->type != FL_NODE_DIR)
		r = -ENOTDIR;
	if (r < 0)
		fl_node_unref(at);
	else
		*ret = at;
	return r;
}

int fl_node_walk(struct fl_node *cwd, struct fl_str path, bool follow_last, struct fl_node **ret)
{
	return walk_path(cwd, path, follow_last, 0, ret);
}

int fl_node_walk_parent(struct fl_node *cwd, struct fl_str path, struct fl_node **ret_dir,
			struct fl_str *ret_last)
{
	size_t end = path.n, start;
	struct fl_str head;

	if (!path.n)
		return -ENOENT;
	while (end && path.p[end - 1] == '/')
		end--;
	for (start = end; start && path.p[start - 1] != '/';)
		start--;
	*ret_last = fl_str_sub(path, start, end - start);
	if (ret_last->n > MAX_NAME)
		return -ENAMETOOLONG;
	head = fl_str_sub(path, 0, start);
	return walk_path(cwd, head.n ? head : FL_STR("."), true, 0, ret_dir);
}

static bool is_dots(struct fl_str name)
{
	return !name.n || fl_str_is(name, ".") || fl_str_is(name, "..");
}

int fl_vfs_open(struct fl_node *n, int flags, struct fl_open **ret)
{
	int mode = flags & O_ACCMODE;
	struct fl_open *o;
	int r = 0;

	if (n->type == FL_NODE_DIR && mode != O_RDONLY)
		return -EISDIR;
	if (n->type == FL_NODE_SYMLINK)
		return -ELOOP;
	if (mode != O_WRONLY && !(n->mode & 0444) && !n->open_to_root)
		return -EACCES;
	if (mode != O_RDONLY && !(n->mode & 0222) && !n->open_to_root)
		return -EACCES;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->node = fl_node_ref(n);
	o->flags = flags;
	if (n->ops->open)
		r = n->ops->open(o);
	if (r < 0) {
		fl_node_unref(n);
		free(o);
		return r;
	}
	*ret = o;
	return 0;
}

void fl_vfs_close(struct fl_open *o)
{
	if (!o)
		return;
	if (o->node->ops->release)
		o->node->ops->release(o);
	fl_node_unref(o->node);
	free(o);
}

ssize_t fl_vfs_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	if ((o->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (o->node->type == FL_NODE_DIR)
		return -EISDIR;
	return o->node->ops->read ? o->node->ops->read(o, buf, n, pos) : -EINVAL;
}

ssize_t fl_vfs_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos)
{
	if ((o->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	return o->node->ops->write ? o->node->ops->write(o, buf, n, pos) : -EINVAL;
}

ssize_t fl_vfs_size(struct fl_open *o)
{
	return o->node->ops->size ? o->node->ops->size(o) : -1;
}

long fl_vfs_ioctl(struct fl_open *o, unsigned long request, void *arg)
{
	return o->node->ops->ioctl ? o->node->ops->ioctl(o, request, arg) : -ENOTTY;
}

int fl_vfs_poll(struct fl_open *o, short events)
{
	return o->node->ops->poll ? o->node->ops->poll(o, events) :
				    events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

/* The directory for a new entry @path; -EEXIST where there is one already. */
static int walk_new(struct fl_node *cwd, struct fl_str path, struct fl_node **ret_dir,
		    struct fl_str *ret_name)
{
	struct fl_node *dir, *old;
	int r;

	r = fl_node_walk_parent(cwd, path, &dir, ret_name);
	if (r < 0)
		return r;
	if (is_dots(*ret_name))
		r = -EEXIST;
	else if (dir->ops->lookup && dir->ops->lookup(dir, *ret_name, &old) == 0) {
		fl_node_unref(old);
		r = -EEXIST;
	}
	if (r < 0)
		fl_node_unref(dir);
	else
		*ret_dir = dir;
	return r;
}

int fl_vfs_mkdir(struct fl_node *cwd, struct fl_str path)
{
	struct fl_node *dir;
	struct fl_str name;
	int r;

	r = walk_new(cwd, path, &dir, &name);
	if (r < 0)
		return r;
	r = dir->ops->mkdir ? dir->ops->mkdir(dir, name) : -EPERM;
	fl_node_unref(dir);
	return r;
}

int fl_vfs_symlink(struct fl_node *cwd, struct fl_str target, struct fl_str path)
{
	struct fl_node *dir, *resolved = NULL;
	struct fl_str name;
	int r;

	r = walk_new(cwd, path, &dir, &name);
	if (r < 0)
		return r;
	/* configfs looks the target up from the caller's directory, not from the link's. */
	if (fl_node_walk(cwd, target, true, &resolved) < 0)
		resolved = NULL;
	r = dir->ops->symlink ? dir->ops->symlink(dir, name, target, resolved) : -EPERM;
	fl_node_unref(resolved);
	fl_node_unref(dir);
	return r;
}

/* Finds the entry that is to go, of the type that the call is for. */
static int walk_old(struct fl_node *cwd, struct fl_str path, bool want_dir, struct fl_node **ret_dir,
		    struct fl_str *ret_name)
{
	struct fl_node *dir, *old = NULL;
	int r;

	r = fl_node_walk_parent(cwd, path, &dir, ret_name);
	if (r < 0)
		return r;
	if (is_dots(*ret_name))
		r = !want_dir	       ? -EISDIR :
		    ret_name->n == 1 ? -EINVAL :
		    ret_name->n == 2 ? -ENOTEMPTY :
				       -EBUSY;
	else
		r = dir->ops->lookup ? dir->ops->lookup(dir, *ret_name, &old) : -ENOENT;
	if (r == 0 && (old->type == FL_NODE_DIR) != want_dir)
		r = want_dir ? -ENOTDIR : -EISDIR;
	fl_node_unref(old);
	if (r < 0)
		fl_node_unref(dir);
	else
		*ret_dir = dir;
	return r;
}

int fl_vfs_rmdir(struct fl_node *cwd, struct fl_str path)
{
	struct fl_node *dir;
	struct fl_str name;
	int r;

	r = walk_old(cwd, path, true, &dir, &name);
	if (r < 0)
		return r;
	r = dir->ops->rmdir ? dir->ops->rmdir(dir, name) : -EPERM;
	fl_node_unref(dir);
	return r;
}

int fl_vfs_unlink(struct fl_node *cwd, struct fl_str path)
{
	struct fl_node *dir;
	struct fl_str name;
	int r;

	r = walk_old(cwd, path, false, &dir, &name);
	if (r < 0)
		return r;
	r = dir->ops->unlink ? dir->ops->unlink(dir, name) : -EPERM;
	fl_node_unref(dir);
	return r;
}

int fl_vfs_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	if (dir->type != FL_NODE_DIR)
		return -ENOTDIR;
	return dir->ops->readdir ? dir->ops->readdir(dir, fn, ctx) : 0;
}
