/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE's requests as calls of the tree. Nothing is cached by the kernel but what never changes: a file's
 * text is made when it is opened, so each open is direct_io, which also makes a write's error that of
 * write(2).
 *
 * splice(2) and sendfile(2), which busybox's cat begins with, do not ask for direct_io: the kernel looks
 * into its page cache, and only up to the size that it knows. To it these files are empty, and it would say
 * so without an error. So the size is told at each open, by storing one byte at the text's end; the pages
 * are then read from here. A stream (trace_pipe) has no size: it is told to be endless, and page reads,
 * which come without the reader's lock owner, are refused, so that who tried splice goes on with read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "mount/private.h"

/*
 * How long names and attributes of what never changes are good. All else is asked for each time: a name that
 * was listed a moment ago may lead to a directory that has been made anew since.
 */
#define LASTING_S 3600.0

/*
 * But who lists a folder of very many names looks at each of them next, and what was told with the listing is good
 * enough for that: as long as a listing may well take.
 */
#define MANY	 1000
#define LISTED_S 1.0

/* A write of this size may go on in the next request: the kernel cuts long ones. */
#define CUT_BYTES (64u << 10)

struct fl_mount_name {
	char *name;
	enum fl_node_type type;
};

static struct fl_mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void *handle_of(const struct fuse_file_info *fi)
{
	return (void *)(uintptr_t)fi->fh;
}

/* Answers -ESTALE and returns NULL where the kernel asks for what is gone. */
static struct fl_node *node_of(fuse_req_t req, fuse_ino_t ino)
{
	struct fl_node *node = fl_inodes_node(mount_of(req)->inodes, ino);

	if (!node)
		fuse_reply_err(req, ESTALE);
	return node;
}

static void reply(fuse_req_t req, int r)
{
	fuse_reply_err(req, r < 0 ? -r : 0);
}

static mode_t type_bits(enum fl_node_type type)
{
	return type == FL_NODE_DIR ? S_IFDIR : type == FL_NODE_SYMLINK ? S_IFLNK : S_IFREG;
}

/* Whoever may write acts with the server's privileges, so others may not even read. */
static struct stat stat_of(const struct fl_node *node, uint64_t ino)
{
	struct stat st = { .st_ino = ino, .st_nlink = 1, .st_uid = geteuid(), .st_gid = getegid() };
	struct fl_str target;

	if (node->type == FL_NODE_DIR) {
		st.st_mode = S_IFDIR | 0750;
		st.st_nlink = 2;
	} else if (node->type == FL_NODE_SYMLINK) {
		st.st_mode = S_IFLNK | 0777;
		if (node->ops->readlink && node->ops->readlink((struct fl_node *)node, &target) == 0)
			st.st_size = (off_t)target.n;
	} else {
		st.st_mode = S_IFREG | (node->mode & 0770);
	}
	return st;
}

/*
 * A directory's attributes are its owner and mode, which stay as long as it does, whatever its name leads to later.
 * The kernel looks at those of each directory on a path before it goes through: who lists a folder by whole paths
 * would ask for them some times an entry. Those of the top are asked for again each second: by them it is seen that the
 * server has been killed.
 */
static double attr_seconds(const struct fl_mount *m, const struct fl_node *node, uint64_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return LISTED_S;
	if (node->lasting || node->type == FL_NODE_DIR)
		return LASTING_S;
	return fl_inodes_is_large(m->inodes, ino) ? LISTED_S : 0;
}

static int fill_entry(struct fl_mount *m, struct fl_node *node, struct fuse_entry_param *ret)
{
	uint64_t ino = fl_inodes_hold(m->inodes, node);

	if (!ino)
		return -ENOMEM;
	*ret = (struct fuse_entry_param){ .ino = ino, .attr = stat_of(node, ino) };
	ret->attr_timeout = attr_seconds(m, node, ino);
	if (node->lasting)
		ret->entry_timeout = LASTING_S;
	else if (fl_inodes_is_large(m->inodes, ino))
		ret->entry_timeout = LISTED_S;
	return 0;
}

static int look_up(struct fl_node *dir, const char *name, struct fl_node **ret)
{
	if (dir->type != FL_NODE_DIR)
		return -ENOTDIR;
	return dir->ops->lookup ? dir->ops->lookup(dir, fl_str(name), ret) : -ENOENT;
}

static void reply_entry(fuse_req_t req, struct fl_node *dir, const char *name)
{
	struct fl_node *node;
	struct fuse_entry_param e;
	int r = look_up(dir, name, &node);

	if (r == 0) {
		r = fill_entry(mount_of(req), node, &e);
		fl_node_unref(node);
	}
	if (r < 0)
		reply(req, r);
	else if (fuse_reply_entry(req, &e) < 0)
		fl_inodes_forget(mount_of(req)->inodes, e.ino, 1);
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fl_node *dir = node_of(req, parent);

	if (dir)
		reply_entry(req, dir, name);
}

static void on_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	fl_inodes_forget(mount_of(req)->inodes, ino, n);
	fuse_reply_none(req);
}

static void on_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *v)
{
	for (size_t i = 0; i < n; i++)
		fl_inodes_forget(mount_of(req)->inodes, v[i].ino, v[i].nlookup);
	fuse_reply_none(req);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fl_node *node = node_of(req, ino);
	struct stat st;

	if (!node)
		return;
	st = stat_of(node, ino);
	if (node->type == FL_NODE_FILE)
		st.st_size = (off_t)fl_inodes_size(mount_of(req)->inodes, ino);
	fuse_reply_attr(req, &st, attr_seconds(mount_of(req), node, ino));
}

/* Truncation comes with open; a change of times is taken, as every shell's ">" and touch may make one. */
static void on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int set,
		       struct fuse_file_info *fi)
{
	struct fl_node *node = node_of(req, ino);
	struct stat st;

	if (!node)
		return;
	st = stat_of(node, ino);
	if ((set & FUSE_SET_ATTR_UID && attr->st_uid != st.st_uid) ||
	    (set & FUSE_SET_ATTR_GID && attr->st_gid != st.st_gid) ||
	    (set & FUSE_SET_ATTR_MODE && (attr->st_mode & 07777) != (st.st_mode & 07777)))
		fuse_reply_err(req, EPERM);
	else
		fuse_reply_attr(req, &st, 0);
}

static void on_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fl_node *node = node_of(req, ino);
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_str target;
	int r;

	if (!node)
		return;
	r = node->ops->readlink ? node->ops->readlink(node, &target) : -EINVAL;
	if (r == 0) {
		fl_buf_add_str(&text, target);
		r = text.error;
	}
	if (r < 0)
		reply(req, r);
	else
		fuse_reply_readlink(req, fl_buf_z(&text));
}

static void on_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fl_node *dir = node_of(req, parent);
	int r;

	if (!dir)
		return;
	r = fl_vfs_mkdir(dir, fl_str(name));
	if (r < 0)
		reply(req, r);
	else
		reply_entry(req, dir, name);
}

static void on_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fl_node *dir = node_of(req, parent), *resolved;
	int r = -EPERM;

	if (!dir)
		return;
	resolved = fl_mount_resolve(mount_of(req), fuse_req_ctx(req)->pid, target);
	if (dir->ops->symlink)
		r = dir->ops->symlink(dir, fl_str(name), fl_str(target), resolved);
	fl_node_unref(resolved);
	if (r < 0)
		reply(req, r);
	else
		reply_entry(req, dir, name);
}

static void on_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fl_node *dir = node_of(req, parent);

	if (dir)
		reply(req, fl_vfs_rmdir(dir, fl_str(name)));
}

/* What their own file systems do not know; without an answer the kernel would say ENOSYS. */
static void on_rename(fuse_req_t req, fuse_ino_t from, const char *name, fuse_ino_t to, const char *new_name,
		      unsigned int flags)
{
	fuse_reply_err(req, EPERM);
}

static void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t to, const char *name)
{
	fuse_reply_err(req, EPERM);
}

/* open(2) of a name that is not there, which is asked of mknod where there is no way to create. */
static void on_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	fuse_reply_err(req, S_ISREG(mode) ? EACCES : EPERM);
}

static void on_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fl_node *dir = node_of(req, parent);

	if (dir)
		reply(req, fl_vfs_unlink(dir, fl_str(name)));
}

/* ---- files ---- */

#define ENDLESS (UINT64_C(1) << 40)

static void tell_size(struct fl_mount *m, fuse_ino_t ino, struct fl_mount_handle *h)
{
	ssize_t n = fl_vfs_size(h->open);
	uint64_t size = n < 0 ? ENDLESS : (uint64_t)n;
	struct fuse_bufvec byte = FUSE_BUFVEC_INIT(1);

	h->is_stream = n < 0;
	fl_inodes_opened(m->inodes, ino, n < 0 ? 0 : size);
	if (!size)
		return;
	byte.buf[0].mem = (void *)"\n";
	fuse_lowlevel_notify_store(m->se, ino, (off_t)size - 1, &byte, (enum fuse_buf_copy_flags)0);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fl_node *node = node_of(req, ino);
	struct fl_mount_handle *h;
	int r;

	if (!node)
		return;
	h = calloc(1, sizeof(*h));
	r = h ? fl_vfs_open(node, fi->flags, &h->open) : -ENOMEM;
	if (r < 0) {
		free(h);
		reply(req, r);
		return;
	}
	h->after = mount_of(req)->files;
	h->at = &mount_of(req)->files;
	if (h->after)
		h->after->at = &h->after;
	mount_of(req)->files = h;
	fi->fh = (uint64_t)(uintptr_t)h;
	fi->direct_io = 1;
	if ((fi->flags & O_ACCMODE) == O_WRONLY)
		fl_inodes_opened(mount_of(req)->inodes, ino, 0);
	else
		tell_size(mount_of(req), ino, h);
	fuse_reply_open(req, fi);
}

static void forget_poll(struct fl_mount *m, struct fl_mount_handle *h)
{
	struct fl_mount_handle **at = &m->polled;

	while (*at && *at != h)
		at = &(*at)->next;
	if (*at)
		*at = h->next;
	if (h->poll)
		fuse_pollhandle_destroy(h->poll);
	h->poll = NULL;
}

static void close_file(struct fl_mount *m, struct fl_mount_handle *h)
{
	forget_poll(m, h);
	*h->at = h->after;
	if (h->after)
		h->after->at = h->at;
	if (h->partial.len)
		fl_vfs_write(h->open, h->partial.data, h->partial.len, 0);
	fl_buf_fini(&h->partial);
	fl_vfs_close(h->open);
	free(h);
}

void fl_mount_close_files(struct fl_mount *m)
{
	while (m->parked) {
		struct fl_mount_parked *p = m->parked;

		m->parked = p->next;
		fuse_reply_err(p->req, ENOTCONN);
		free(p);
	}
	while (m->files)
		close_file(m, m->files);
}

static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	close_file(mount_of(req), handle_of(fi));
	fl_inodes_closed(mount_of(req)->inodes, ino);
	fuse_reply_err(req, 0);
}

/* -EAGAIN: nothing yet. */
static int read_now(fuse_req_t req, struct fl_mount_handle *h, size_t size, uint64_t pos)
{
	char *buf = malloc(size);
	ssize_t n = buf ? fl_vfs_read(h->open, buf, size, pos) : -ENOMEM;

	if (n == -EAGAIN) {
		free(buf);
		return -EAGAIN;
	}
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, buf, (size_t)n);
	free(buf);
	return 0;
}

static struct fl_mount_parked *unpark(struct fl_mount *m, fuse_req_t req)
{
	struct fl_mount_parked **at = &m->parked, *p;

	while (*at && (*at)->req != req)
		at = &(*at)->next;
	p = *at;
	if (p)
		*at = p->next;
	return p;
}

static void on_interrupt(fuse_req_t req, void *data)
{
	struct fl_mount_parked *p = unpark(data, req);

	if (!p)
		return;
	free(p);
	fuse_reply_err(req, EINTR);
}

static void park(fuse_req_t req, struct fl_mount_handle *h, size_t size, uint64_t pos)
{
	struct fl_mount *m = mount_of(req);
	struct fl_mount_parked *p = malloc(sizeof(*p));

	if (!p) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*p = (struct fl_mount_parked){ m->parked, m, h, req, size, pos };
	m->parked = p;
	fuse_req_interrupt_func(req, on_interrupt, m); /* calls it at once where that has been */
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos, struct fuse_file_info *fi)
{
	struct fl_mount_handle *h = handle_of(fi);

	if (h->is_stream && !fi->lock_owner) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (read_now(req, h, size, (uint64_t)pos) != -EAGAIN)
		return;
	if (fi->flags & O_NONBLOCK)
		fuse_reply_err(req, EAGAIN);
	else
		park(req, h, size, (uint64_t)pos);
}

void fl_mount_retry_parked(struct fl_mount *m)
{
	struct fl_mount_parked *todo = m->parked;

	m->parked = NULL;
	while (todo) {
		struct fl_mount_parked *p = todo;

		todo = p->next;
		if (read_now(p->req, p->h, p->size, p->pos) != -EAGAIN) {
			free(p);
			continue;
		}
		p->next = m->parked;
		m->parked = p;
	}
	for (struct fl_mount_handle *h = m->polled, *next; h; h = next) {
		next = h->next;
		if (!fl_vfs_poll(h->open, POLLIN | POLLPRI))
			continue;
		fuse_lowlevel_notify_poll(h->poll);
		forget_poll(m, h);
	}
}

/*
 * The kernel's own files take lines; one that a cut write has left without its end waits for the rest.
 * A short write is whole as it is, as in the kernel. Return: 0 or -errno.
 */
static int write_lines(struct fl_mount_handle *h, const char *data, size_t n, uint64_t pos)
{
	const char *end = memrchr(data, '\n', n);
	size_t whole = n >= CUT_BYTES ? (end ? (size_t)(end + 1 - data) : 0) : n;
	ssize_t r = 0;

	if (whole && h->partial.len) {
		fl_buf_add(&h->partial, data, whole);
		r = h->partial.error ? h->partial.error
				     : fl_vfs_write(h->open, h->partial.data, h->partial.len, pos);
		fl_buf_reset(&h->partial);
	} else if (whole || !n) {
		r = fl_vfs_write(h->open, data, whole, pos);
	}
	if (r >= 0 && whole < n)
		fl_buf_add(&h->partial, data + whole, n - whole);
	return r < 0 ? (int)r : h->partial.error;
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t n, off_t pos,
		     struct fuse_file_info *fi)
{
	struct fl_mount_handle *h = handle_of(fi);
	int r;

	h->open->caller = fuse_req_ctx(req)->pid;
	r = write_lines(h, data, n, (uint64_t)pos);

	if (r < 0)
		reply(req, r);
	else
		fuse_reply_write(req, n);
}

static void on_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct fl_mount_handle *h = handle_of(fi);
	struct fl_mount *m = mount_of(req);
	int ready = fl_vfs_poll(h->open, (short)fi->poll_events);

	if (ph) {
		forget_poll(m, h);
		h->poll = ph;
		h->next = m->polled;
		m->polled = h;
	}
	fuse_reply_poll(req, (unsigned int)ready);
}

static void on_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		     struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
		     size_t out_size)
{
	size_t size = FL_MAX(in_size, out_size);
	struct fl_mount_handle *h = handle_of(fi);
	void *memory;
	long r;

	if (flags & FUSE_IOCTL_DIR || !h || !h->open) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	memory = calloc(1, size + 1);
	if (!memory) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (in_size)
		memcpy(memory, in, in_size);
	r = fl_vfs_ioctl(h->open, cmd, memory);
	if (r < 0)
		reply(req, (int)r);
	else
		fuse_reply_ioctl(req, (int)r, memory, out_size);
	free(memory);
}

/* ---- directories ---- */

static void free_listing(struct fl_mount_handle *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->names[i].name);
	free(h->names);
	free(h);
}

struct listing {
	struct fl_mount_handle *h;
	size_t cap;
};

static int add_name(void *ctx, struct fl_str name, enum fl_node_type type)
{
	struct listing *l = ctx;
	struct fl_mount_handle *h = l->h;

	if (h->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		void *more = reallocarray(h->names, cap, sizeof(*h->names));

		if (!more)
			return -ENOMEM;
		h->names = more;
		l->cap = cap;
	}
	h->names[h->n] = (struct fl_mount_name){ fl_str_dup(name), type };
	if (!h->names[h->n].name)
		return -ENOMEM;
	h->n++;
	return 0;
}

static int list(struct fl_node *dir, struct fl_mount_handle **ret)
{
	struct listing l = { calloc(1, sizeof(*l.h)) };
	int r = l.h ? 0 : -ENOMEM;

	if (r == 0)
		r = add_name(&l, FL_STR("."), FL_NODE_DIR);
	if (r == 0)
		r = add_name(&l, FL_STR(".."), FL_NODE_DIR);
	if (r == 0)
		r = fl_vfs_readdir(dir, add_name, &l);
	if (r < 0 && l.h)
		free_listing(l.h);
	else
		*ret = l.h;
	return r;
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fl_node *dir = node_of(req, ino);
	struct fl_mount_handle *h;
	int r;

	if (!dir)
		return;
	r = list(dir, &h);
	if (r < 0) {
		reply(req, r);
		return;
	}
	if (h->n > MANY)
		fl_inodes_set_large(mount_of(req)->inodes, ino);
	fi->fh = (uint64_t)(uintptr_t)h;
	fuse_reply_open(req, fi);
}

static void on_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	free_listing(handle_of(fi));
	fuse_reply_err(req, 0);
}

/* The entry as the kernel will stat it; number 0 ("not known") for "." and what has gone meanwhile. */
static struct fuse_entry_param listed(struct fl_mount *m, struct fl_node *dir,
				      const struct fl_mount_name *name, bool of_many)
{
	struct fuse_entry_param e = {};
	struct fl_node *node;

	if (strcmp(name->name, ".") && strcmp(name->name, "..") && look_up(dir, name->name, &node) == 0) {
		if (fill_entry(m, node, &e) < 0)
			e = (struct fuse_entry_param){};
		fl_node_unref(node);
	}
	e.attr.st_mode = e.ino ? e.attr.st_mode : type_bits(name->type);
	if (of_many && e.ino) {
		e.attr_timeout = FL_MAX(e.attr_timeout, LISTED_S);
		e.entry_timeout = FL_MAX(e.entry_timeout, LISTED_S);
	}
	return e;
}

/* Entries from @pos on, as many as @size holds. */
static void read_names(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos, struct fuse_file_info *fi,
		       bool plus)
{
	struct fl_node *dir = node_of(req, ino);
	struct fl_mount_handle *h = handle_of(fi);
	struct fl_mount *m = mount_of(req);
	size_t used = 0;
	char *buf;

	if (!dir)
		return;
	buf = malloc(size);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (size_t i = (size_t)pos; i < h->n; i++) {
		struct stat st = { .st_mode = type_bits(h->names[i].type) };
		struct fuse_entry_param e = {};
		size_t need;

		if (plus) {
			e = listed(m, dir, &h->names[i], h->n > MANY);
			need = fuse_add_direntry_plus(req, buf + used, size - used, h->names[i].name, &e,
						      (off_t)i + 1);
		} else {
			need = fuse_add_direntry(req, buf + used, size - used, h->names[i].name, &st,
						 (off_t)i + 1);
		}
		if (need > size - used) {
			if (e.ino)
				fl_inodes_forget(m->inodes, e.ino, 1);
			break;
		}
		used += need;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos, struct fuse_file_info *fi)
{
	read_names(req, ino, size, pos, fi, false);
}

static void on_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos,
			   struct fuse_file_info *fi)
{
	read_names(req, ino, size, pos, fi, true);
}

static void on_init(void *data, struct fuse_conn_info *conn)
{
	conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_READDIRPLUS);
	/* Each listing brings its attributes: who lists, stats. Splice would move pages that are no file's. */
	conn->want &= ~(unsigned int)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ |
				      FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

const struct fuse_lowlevel_ops fl_mount_ops = {
	.init = on_init,
	.lookup = on_lookup,
	.forget = on_forget,
	.forget_multi = on_forget_multi,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.readlink = on_readlink,
	.mkdir = on_mkdir,
	.symlink = on_symlink,
	.rmdir = on_rmdir,
	.unlink = on_unlink,
	.rename = on_rename,
	.link = on_link,
	.mknod = on_mknod,
	.open = on_open,
	.release = on_release,
	.read = on_read,
	.write = on_write,
	.poll = on_poll,
	.ioctl = on_ioctl,
	.opendir = on_opendir,
	.releasedir = on_releasedir,
	.readdir = on_readdir,
	.readdirplus = on_readdirplus,
};
