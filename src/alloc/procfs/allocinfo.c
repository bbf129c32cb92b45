/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading goes through a page as in the kernel's seq_file: a read gives what is left of the page
 * and then one page more of whole lines, however large the reader's buffer is; the lock is dropped
 * in between. A line that does not fit is taken back and comes first in the next page, and only a
 * line that is longer than a page makes the page grow. Text and requests have an iterator each.
 */
#include "alloc/procfs/allocinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alloc/tags/line.h"
#include "alloc/procfs/session.h"
#include "base/cleanup.h"
#include "base/util.h"

#define PAGE 4096

struct allocinfo_open {
	struct fl_allocinfo_session session;
	struct fl_tag_iter text;
	bool headed;	     /* the heading has been written */
	uint64_t pos;	     /* where the next read() continues */
	char *page;
	size_t size;
	size_t from, count; /* what of the page has not been read yet */
};

/* Any call that takes an address tells a bad one; a pipe is there in every sandbox and emulator. */
static int copy_through_pipe(void *to, const void *from, size_t n)
{
	_cleanup_close_ int out = -1, in = -1;
	int ends[2];

	if (n > PIPE_BUF || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -ENOMEM;
	out = ends[0];
	in = ends[1];
	return write(in, from, n) == (ssize_t)n && read(out, to, n) == (ssize_t)n ? 0 : -EFAULT;
}

/* The process's own memory through the kernel, which answers a bad address instead of dying of it. */
static int copy_between(void *local, const void *user, size_t n, bool to_user)
{
	struct iovec here = { local, n }, there = { (void *)user, n };
	ssize_t done;

	if (!user)
		return -EFAULT;
	if (to_user)
		done = process_vm_writev(getpid(), &here, 1, &there, 1, 0);
	else
		done = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	if (done == (ssize_t)n)
		return 0;
	if (done >= 0 || errno == EFAULT)
		return -EFAULT;
	return to_user ? copy_through_pipe((void *)user, local, n) : copy_through_pipe(local, user, n);
}

static int copy_from(void *dst, const void *user, size_t n)
{
	return copy_between(dst, user, n, false);
}

static int copy_to(void *user, const void *src, size_t n)
{
	return copy_between((void *)src, user, n, true);
}

static int allocinfo_open(struct fl_open *o)
{
	o->state = calloc(1, sizeof(struct allocinfo_open));
	return o->state ? 0 : -ENOMEM;
}

static void allocinfo_release(struct fl_open *o)
{
	struct allocinfo_open *f = o->state;

	free(f->page);
	free(f);
}

static long allocinfo_ioctl(struct fl_open *o, unsigned long request, void *arg)
{
	static const struct fl_user_copy copy = { copy_from, copy_to };
	struct allocinfo_open *f = o->state;

	return fl_allocinfo_ioctl(&f->session, o->node->data, request, arg, &copy);
}

static int grow(struct allocinfo_open *f)
{
	size_t size = f->size ? f->size * 2 : PAGE;
	char *page = realloc(f->page, size);

	if (!page)
		return -ENOMEM;
	f->page = page;
	f->size = size;
	return 0;
}

/* The next line at the end of the page; false where there is none or it does not fit (-ENOSPC). */
static int add_line(struct allocinfo_open *f, struct fl_tag_space *space)
{
	struct fl_tag_iter before = f->text;
	struct fl_tag_counters c;
	struct fl_tag tag;
	size_t n, room = f->size - f->count;

	if (!fl_tag_next(space, &f->text)) {
		f->text = before;
		return 0;
	}
	space->ops->tag(space, f->text.id, f->text.index, &tag);
	c = space->ops->counters(space, f->text.id, f->text.index);
	n = fl_tag_line(&tag, c, f->page + f->count, room);
	if (n >= room) {
		f->text = before;
		return -ENOSPC;
	}
	f->count += n;
	return 1;
}

/* Whole lines up to @wanted bytes or a page. */
static int fill(struct allocinfo_open *f, struct fl_tag_space *space, size_t wanted)
{
	int r = f->size ? 0 : grow(f);

	f->from = 0;
	if (r == 0 && !f->headed && fl_tag_total(space)) {
		f->count = sizeof(FL_TAG_HEADING) - 1;
		memcpy(f->page, FL_TAG_HEADING, f->count);
		f->headed = true;
	}
	for (r = r < 0 ? r : 1; r > 0 && f->count < wanted;) {
		r = add_line(f, space);
		if (r == -ENOSPC && f->count == 0)
			r = grow(f) < 0 ? -ENOMEM : 1;
	}
	return r == -ENOMEM ? r : 0;
}

static size_t take(struct allocinfo_open *f, char *buf, size_t n)
{
	n = FL_MIN(n, f->count);
	if (n)
		memcpy(buf, f->page + f->from, n);
	f->from += n;
	f->count -= n;
	f->pos += n;
	return n;
}

static ssize_t read_on(struct allocinfo_open *f, struct fl_tag_space *space, char *buf, size_t n)
{
	size_t done = take(f, buf, n);
	int r;

	if (f->count || done == n)
		return (ssize_t)done;
	fl_tag_lock(space);
	r = fill(f, space, n - done);
	fl_tag_unlock(space);
	if (r < 0)
		return r;
	return (ssize_t)(done + take(f, buf + done, n - done));
}

/* A reader that jumps gets what it would have got by reading up to there. */
static int skip_to(struct allocinfo_open *f, struct fl_tag_space *space, uint64_t pos)
{
	char scrap[PAGE];

	f->text = (struct fl_tag_iter){};
	f->headed = false;
	f->pos = f->from = f->count = 0;
	while (f->pos < pos) {
		ssize_t n = read_on(f, space, scrap, FL_MIN(pos - f->pos, sizeof(scrap)));

		if (n <= 0)
			return (int)n;
	}
	return 0;
}

static ssize_t allocinfo_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	struct allocinfo_open *f = o->state;
	int r = pos == f->pos ? 0 : skip_to(f, o->node->data, pos);

	if (r < 0)
		return r;
	return pos == f->pos ? read_on(f, o->node->data, buf, n) : 0;
}

static void allocinfo_free(struct fl_node *n)
{
	free(n);
}

static const struct fl_node_ops allocinfo_ops = {
	.open = allocinfo_open,
	.release = allocinfo_release,
	.read = allocinfo_read,
	.ioctl = allocinfo_ioctl,
	.free = allocinfo_free,
};

struct fl_node *fl_allocinfo_node(struct fl_tag_space *space)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->ops = &allocinfo_ops;
	n->type = FL_NODE_FILE;
	n->mode = 0400;
	n->refs = 1;
	n->data = space;
	return n;
}
