/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfs/dir.h"

#include <errno.h>
#include <poll.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/map.h"

/* Found by its name at once: generators make folders of 100,000 entries. */
struct child {
	struct child *next, *prev; /* in the order in which they were added */
	struct child *chain;	   /* of its bucket */
	struct fl_node *node;
	uint32_t hash;
	char name[];
};

struct dir {
	struct fl_node node;
	struct child *first, *last;
	struct child **buckets;
	size_t n, nr_buckets; /* a power of two, or 0 */
};

static const struct fl_node_ops plain_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.free = fl_dir_free,
};

struct fl_node *fl_dir_new(const struct fl_node_ops *ops, void *data)
{
	struct dir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->node = (struct fl_node){
		.ops = ops ? ops : &plain_ops, .type = FL_NODE_DIR, .mode = 0755, .refs = 1, .data = data,
	};
	return &d->node;
}

static struct dir *to_dir(const struct fl_node *n)
{
	return FL_CONTAINER_OF((struct fl_node *)n, struct dir, node);
}

static struct child **bucket_of(const struct dir *d, uint32_t hash)
{
	return &d->buckets[hash & (d->nr_buckets - 1)];
}

static struct child *find_child(struct dir *d, struct fl_str name)
{
	uint32_t hash = fl_hash(name);
	struct child *c = d->nr_buckets ? *bucket_of(d, hash) : NULL;

	while (c && !(c->hash == hash && fl_str_is(name, c->name)))
		c = c->chain;
	return c;
}

static int grow(struct dir *d)
{
	struct dir bigger = { .nr_buckets = d->nr_buckets ? d->nr_buckets * 2 : 8 };

	if (d->n < d->nr_buckets)
		return 0;
	bigger.buckets = calloc(bigger.nr_buckets, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return -ENOMEM;
	for (struct child *c = d->first; c; c = c->next) {
		struct child **at = bucket_of(&bigger, c->hash);

		c->chain = *at;
		*at = c;
	}
	free(d->buckets);
	d->buckets = bigger.buckets;
	d->nr_buckets = bigger.nr_buckets;
	return 0;
}

static int add(struct dir *d, struct fl_str name, struct fl_node *child)
{
	struct child *c, **at;

	if (find_child(d, name))
		return -EEXIST;
	c = calloc(1, sizeof(*c) + name.n + 1);
	if (!c || grow(d) < 0) {
		free(c);
		return -ENOMEM;
	}
	c->node = child;
	c->hash = fl_hash(name);
	memcpy(c->name, name.p, name.n);
	at = bucket_of(d, c->hash);
	c->chain = *at;
	*at = c;
	c->prev = d->last;
	*(d->last ? &d->last->next : &d->first) = c;
	d->last = c;
	d->n++;
	if (!child->parent)
		child->parent = &d->node;
	return 0;
}

int fl_dir_add(struct fl_node *dir, struct fl_str name, struct fl_node *child)
{
	int r;

	if (!child)
		return -ENOMEM;
	r = add(to_dir(dir), name, child);
	if (r < 0)
		fl_node_unref(child);
	return r;
}

static void drop(struct dir *d, struct child *c)
{
	struct child **at = bucket_of(d, c->hash);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	*(c->prev ? &c->prev->next : &d->first) = c->next;
	*(c->next ? &c->next->prev : &d->last) = c->prev;
	d->n--;
	if (c->node->parent == &d->node)
		c->node->parent = NULL;
	fl_node_unref(c->node);
	free(c);
}

int fl_dir_remove(struct fl_node *dir, struct fl_str name)
{
	struct child *c = find_child(to_dir(dir), name);

	if (!c)
		return -ENOENT;
	drop(to_dir(dir), c);
	return 0;
}

struct fl_node *fl_dir_find(struct fl_node *dir, struct fl_str name)
{
	struct child *c = find_child(to_dir(dir), name);

	return c ? c->node : NULL;
}

size_t fl_dir_count(const struct fl_node *dir)
{
	return to_dir(dir)->n;
}

struct fl_node *fl_dir_make_path(struct fl_node *root, struct fl_str path)
{
	struct fl_node *at = root;

	while (at && path.n) {
		size_t end = fl_str_find(path, '/', 0);
		struct fl_str part = fl_str_sub(path, 0, end);
		struct fl_node *next;

		path = fl_str_from(path, end + 1);
		if (!part.n)
			continue;
		next = fl_dir_find(at, part);
		if (!next) {
			next = fl_dir_new(NULL, NULL);
			if (fl_dir_add(at, part, next) < 0)
				next = NULL;
		}
		if (next && next->type != FL_NODE_DIR)
			next = NULL;
		at = next;
	}
	return at;
}

int fl_dir_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	struct child *c = find_child(to_dir(dir), name);

	if (!c)
		return -ENOENT;
	*ret = fl_node_ref(c->node);
	return 0;
}

int fl_dir_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = 0;

	for (const struct child *c = to_dir(dir)->first; c && r == 0; c = c->next)
		r = fn(ctx, fl_str(c->name), c->node->type);
	return r;
}

void fl_dir_clear(struct fl_node *dir)
{
	struct dir *d = to_dir(dir);

	while (d->last)
		drop(d, d->last);
}

void fl_dir_free(struct fl_node *dir)
{
	struct dir *d = to_dir(dir);

	fl_dir_clear(dir);
	free(d->buckets);
	free(d);
}

struct attr {
	struct fl_node node;
	const struct fl_attr_ops *ops;
};

struct reader {
	struct fl_buf text;
	uint64_t version;
	bool has_read;
};

static int attr_open(struct fl_open *o)
{
	struct attr *a = FL_CONTAINER_OF(o->node, struct attr, node);
	struct reader *reader;
	int r = 0;

	if ((o->flags & O_ACCMODE) != O_RDONLY && o->flags & O_TRUNC && a->ops->truncate)
		r = a->ops->truncate(o->node);
	if (r < 0 || (o->flags & O_ACCMODE) == O_WRONLY || !a->ops->show)
		return r;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	r = a->ops->show(o->node, &reader->text);
	if (r == 0)
		r = reader->text.error;
	if (r < 0) {
		fl_buf_fini(&reader->text);
		free(reader);
		return r;
	}
	reader->version = a->ops->version ? a->ops->version(o->node) : 0;
	o->state = reader;
	return 0;
}

static void attr_release(struct fl_open *o)
{
	struct reader *reader = o->state;

	if (!reader)
		return;
	fl_buf_fini(&reader->text);
	free(reader);
}

static ssize_t attr_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	struct reader *reader = o->state;
	struct fl_str part;

	if (!reader)
		return -EINVAL;
	part = fl_str_sub(fl_buf_str(&reader->text), pos, n);
	memcpy(buf, part.p, part.n);
	reader->has_read = true;
	return part.n;
}

static ssize_t attr_size(struct fl_open *o)
{
	const struct reader *reader = o->state;

	return reader ? (ssize_t)reader->text.len : 0;
}

static int attr_poll(struct fl_open *o, short events)
{
	struct attr *a = FL_CONTAINER_OF(o->node, struct attr, node);
	const struct reader *reader = o->state;
	uint64_t now = a->ops->version && reader ? a->ops->version(o->node) : 0;
	short ready = 0;

	if (!a->ops->version || !reader)
		return events & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
	if (now != (reader->has_read ? reader->version : 0))
		ready |= POLLIN | POLLRDNORM;
	if (now != reader->version)
		ready |= POLLPRI;
	return events & ready;
}

static ssize_t attr_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos)
{
	struct attr *a = FL_CONTAINER_OF(o->node, struct attr, node);
	int r = a->ops->store ? a->ops->store(o->node, fl_str_n(buf, n)) : -EINVAL;

	return r < 0 ? r : (ssize_t)n;
}

static void attr_free(struct fl_node *n)
{
	free(FL_CONTAINER_OF(n, struct attr, node));
}

static const struct fl_node_ops attr_node_ops = {
	.open = attr_open,
	.release = attr_release,
	.read = attr_read,
	.size = attr_size,
	.write = attr_write,
	.poll = attr_poll,
	.free = attr_free,
};

struct fl_node *fl_attr_new(const struct fl_attr_ops *ops, mode_t mode, void *data)
{
	struct attr *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	if (!ops->show)
		mode &= ~0444;
	if (!ops->store)
		mode &= ~0222;
	a->ops = ops;
	a->node = (struct fl_node){
		.ops = &attr_node_ops, .type = FL_NODE_FILE, .mode = mode, .refs = 1, .data = data,
	};
	return &a->node;
}

/* A node with a text behind it: a link's target, a file's content. */
struct text {
	struct fl_node node;
	size_t n;
	char text[];
};

static struct fl_str text_of(const struct fl_node *node)
{
	struct text *t = FL_CONTAINER_OF((struct fl_node *)node, struct text, node);

	return fl_str_n(t->text, t->n);
}

static void text_free(struct fl_node *node)
{
	free(FL_CONTAINER_OF(node, struct text, node));
}

static struct fl_node *text_new(struct fl_str s, struct fl_node node)
{
	struct text *t = s.n < SIZE_MAX - sizeof(*t) ? calloc(1, sizeof(*t) + s.n) : NULL;

	if (!t)
		return NULL;
	t->n = s.n;
	memcpy(t->text, s.p, s.n);
	t->node = node;
	return &t->node;
}

static int link_readlink(struct fl_node *node, struct fl_str *ret)
{
	*ret = text_of(node);
	return 0;
}

static const struct fl_node_ops link_ops = {
	.readlink = link_readlink,
	.free = text_free,
};

struct fl_node *fl_link_new(struct fl_str target)
{
	return text_new(target, (struct fl_node){ .ops = &link_ops, .type = FL_NODE_SYMLINK,
						  .mode = 0777, .refs = 1 });
}
