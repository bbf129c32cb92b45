/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/num.h"
#include "base/safe-write.h"

#define NAME_DIGITS 16
#define ITEM_MAX    (64u << 20)
#define COUNTS	    "pushed-out"

/* What stands in front of the bytes. */
struct head {
	char magic[8];
	uint64_t kind, items, size;
	uint64_t sum; /* crc32 of the bytes */
};

#define MAGIC "FLSPOOL1"

struct item {
	struct item *next;
	uint64_t number, items, size;
	enum fl_spool_kind kind;
	struct fl_buf bytes; /* in memory alone */
};

struct fl_spool {
	int dir; /* -1: memory */
	uint64_t bound, next;
	struct item *first, *last;
	uint64_t given; /* the number of the one that fl_spool_first() gave */
	struct fl_spool_stats stats;
};

struct name {
	char z[NAME_DIGITS + 1];
};

static struct name name_of(uint64_t number)
{
	struct name n;

	snprintf(n.z, sizeof(n.z), "%016" PRIx64, number);
	return n;
}

/* ---- the list ---- */

static int append(struct fl_spool *s, const struct item *from)
{
	struct item *i = malloc(sizeof(*i));

	if (!i)
		return -ENOMEM;
	*i = *from;
	i->next = NULL;
	if (s->last)
		s->last->next = i;
	else
		s->first = i;
	s->last = i;
	s->stats.bytes += i->size;
	s->stats.waiting++;
	return 0;
}

static void forget_first(struct fl_spool *s)
{
	struct item *i = s->first;

	s->first = i->next;
	if (!s->first)
		s->last = NULL;
	s->stats.bytes -= i->size;
	s->stats.waiting--;
	fl_buf_fini(&i->bytes);
	free(i);
}

static void remove_first(struct fl_spool *s)
{
	if (s->dir >= 0)
		unlinkat(s->dir, name_of(s->first->number).z, 0);
	forget_first(s);
}

/* ---- counts ---- */

static void write_counts(struct fl_spool *s)
{
	_cleanup_buf_ struct fl_buf b = {};

	if (s->dir < 0)
		return;
	fl_buf_addf(&b, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->stats.items[FL_SPOOL_METRICS],
		    s->stats.items[FL_SPOOL_LOGS], s->stats.batches);
	if (!b.error)
		fl_out_write_at(s->dir, COUNTS, b.data, b.len);
}

static void read_counts(struct fl_spool *s)
{
	uint64_t *to[] = { &s->stats.items[FL_SPOOL_METRICS], &s->stats.items[FL_SPOOL_LOGS], &s->stats.batches };
	_cleanup_close_ int fd = fl_open_regular(s->dir, COUNTS, O_NOFOLLOW);
	_cleanup_buf_ struct fl_buf b = {};
	struct fl_str rest, word;

	if (fd < 0 || fl_buf_read_fd(&b, fd, 256) < 0)
		return;
	rest = fl_buf_str(&b);
	for (size_t i = 0; i < 3 && fl_str_word(&rest, &word); i++)
		if (fl_parse_u64(word, 10, to[i]) < 0)
			*to[i] = 0;
}

static void push_out(struct fl_spool *s, enum fl_spool_kind kind, uint64_t items)
{
	s->stats.items[kind] += items;
	s->stats.batches++;
}

/* ---- files ---- */

static int read_item(struct fl_spool *s, uint64_t number, struct item *i, struct fl_buf *bytes)
{
	_cleanup_close_ int fd = fl_open_regular(s->dir, name_of(number).z, O_NOFOLLOW);
	_cleanup_buf_ struct fl_buf all = {};
	struct head h;
	int r;

	if (fd < 0)
		return fd;
	r = fl_buf_read_fd(&all, fd, ITEM_MAX + sizeof(h));
	if (r < 0)
		return r;
	if (all.len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, all.data, sizeof(h));
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 || h.kind >= _FL_SPOOL_KIND_MAX ||
	    h.size != all.len - sizeof(h) ||
	    crc32(0, (const uint8_t *)all.data + sizeof(h), (uInt)h.size) != h.sum)
		return -EBADMSG;
	*i = (struct item){ .number = number, .items = h.items, .size = h.size, .kind = (enum fl_spool_kind)h.kind };
	if (bytes)
		fl_buf_add(bytes, all.data + sizeof(h), h.size);
	return bytes ? bytes->error : 0;
}

static int write_item(struct fl_spool *s, const struct item *i, struct fl_str bytes)
{
	struct head h = { .kind = i->kind, .items = i->items, .size = bytes.n,
			  .sum = crc32(0, (const uint8_t *)bytes.p, (uInt)bytes.n) };
	_cleanup_buf_ struct fl_buf all = {};

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	fl_buf_add(&all, &h, sizeof(h));
	fl_buf_add_str(&all, bytes);
	return all.error ? all.error : fl_out_write_at(s->dir, name_of(i->number).z, all.data, all.len);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The numbers of all files that have one for a name. */
static int list(struct fl_spool *s, struct fl_buf *numbers)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return -errno;
	}
	while ((e = readdir(d))) {
		uint64_t number;

		if (strlen(e->d_name) == NAME_DIGITS && fl_parse_u64(fl_str(e->d_name), 16, &number) == 0)
			fl_buf_add(numbers, &number, sizeof(number));
	}
	return numbers->error;
}

static int read_all(struct fl_spool *s)
{
	_cleanup_buf_ struct fl_buf numbers = {};
	int r = list(s, &numbers);
	uint64_t *v = (uint64_t *)numbers.data;
	size_t n = numbers.len / sizeof(*v);

	if (n)
		qsort(v, n, sizeof(*v), by_number);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct item item;

		s->next = v[i] + 1;
		r = read_item(s, v[i], &item, NULL);
		if (r == 0) {
			r = append(s, &item);
			continue;
		}
		if (r == -ENOMEM)
			return r;
		s->stats.damaged++;
		unlinkat(s->dir, name_of(v[i]).z, 0);
		r = 0;
	}
	return r;
}

static int open_dir(const char *dir)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!fl_owner_trusted(&st) || !fl_folder_closed(&st))
		return -EPERM;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

int fl_spool_open(const char *dir, uint64_t bound, struct fl_spool **ret)
{
	struct fl_spool *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->bound = bound;
	s->dir = dir ? open_dir(dir) : -1;
	if (dir && s->dir < 0)
		r = s->dir;
	if (r == 0 && dir) {
		read_counts(s);
		r = read_all(s);
	}
	if (r < 0) {
		fl_spool_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void fl_spool_close(struct fl_spool *s)
{
	if (!s)
		return;
	while (s->first)
		forget_first(s);
	if (s->dir >= 0)
		close(s->dir);
	free(s);
}

int fl_spool_put(struct fl_spool *s, enum fl_spool_kind kind, uint64_t items, struct fl_str bytes)
{
	struct item i = { .number = s->next, .items = items, .size = bytes.n, .kind = kind };
	uint64_t before = s->stats.batches;
	int r;

	if (bytes.n > s->bound || bytes.n > ITEM_MAX) {
		push_out(s, kind, items);
		write_counts(s);
		return -E2BIG;
	}
	while (s->first && s->stats.bytes + bytes.n > s->bound) {
		push_out(s, s->first->kind, s->first->items);
		remove_first(s);
	}
	if (s->stats.batches != before)
		write_counts(s);
	if (s->dir < 0)
		fl_buf_add_str(&i.bytes, bytes);
	r = s->dir < 0 ? i.bytes.error : write_item(s, &i, bytes);
	if (r == 0)
		r = append(s, &i);
	if (r < 0) {
		fl_buf_fini(&i.bytes);
		push_out(s, kind, items);
		write_counts(s);
	} else {
		s->next++;
	}
	return r;
}

int fl_spool_first(struct fl_spool *s, struct fl_spool_item *ret)
{
	struct item read;
	int r = 0;

	while (s->first) {
		*ret = (struct fl_spool_item){ .kind = s->first->kind, .items = s->first->items };
		if (s->dir < 0)
			fl_buf_add_buf(&ret->bytes, &s->first->bytes);
		else
			r = read_item(s, s->first->number, &read, &ret->bytes);
		s->given = s->first->number;
		if (r == 0 || r == -ENOMEM)
			return r ? r : ret->bytes.error;
		fl_buf_fini(&ret->bytes);
		s->stats.damaged++; /* somebody has changed it since */
		remove_first(s);
	}
	return -ENOENT;
}

void fl_spool_done(struct fl_spool *s)
{
	if (s->first && s->first->number == s->given)
		remove_first(s);
}

void fl_spool_stats(const struct fl_spool *s, struct fl_spool_stats *ret)
{
	*ret = s->stats;
}
