/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dump, and what stands in it for callers that have no site: the file that is mapped at the
 * address as the file, the offset in it as the line, and the same as "+0x..." for a function - what
 * a symboliser needs. Everything here may run in a signal handler: system calls and our own memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/core.h"
#include "alloc/tags/line.h"

#define MAPS_TEXT (4u << 20)
#define MAPS_MAX  16384

struct map {
	uintptr_t start, end, offset;
	const char *path;
};

struct writer {
	int fd;
	int error;
	size_t n;
};

static char *maps_text;
static struct map *maps;
static size_t nr_maps;
static char program[512];
static char out[65536];

static uintptr_t hex(const char **p)
{
	uintptr_t v = 0;

	for (;; (*p)++) {
		unsigned int c = (unsigned char)**p, d = c - '0';

		if (d > 9)
			d = c - 'a' < 6 ? c - 'a' + 10 : 99;
		if (d == 99)
			return v;
		v = v << 4 | d;
	}
}

/* START-END PERMS OFFSET DEV INODE  PATH; only what is mapped from files and executable counts. */
static void add_map(char *line)
{
	const char *p = line;
	struct map m;
	char *path = strchr(line, '/');

	m.start = hex(&p);
	p += *p == '-';
	m.end = hex(&p);
	if (!path || strlen(p) < 6 || p[3] != 'x' || nr_maps == MAPS_MAX)
		return;
	p += 6;
	m.offset = hex(&p);
	m.path = path;
	maps[nr_maps++] = m;
}

static size_t read_all(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t at = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	while (at < size - 1 && (n = read(fd, buf + at, size - 1 - at)) > 0)
		at += (size_t)n;
	close(fd);
	buf[at] = '\0';
	return at;
}

void fl_callers_refresh(void)
{
	ssize_t n;

	if (!fl_settings.callers && !fl_settings.news)
		return;
	if (!maps_text)
		maps_text = fl_memory(MAPS_TEXT);
	if (!maps)
		maps = fl_memory(MAPS_MAX * sizeof(*maps));
	if (!maps_text || !maps)
		return;
	nr_maps = 0;
	read_all("/proc/self/maps", maps_text, MAPS_TEXT);
	for (char *line = maps_text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		add_map(line);
	}
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
}

/* Not inside of the next function: the last byte of the call, not the address behind it. */
void fl_caller_tag(uintptr_t address, struct fl_tag *ret)
{
	static char function[2 + 1 + 16 + 1];
	const struct map *m = maps;
	uintptr_t offset;
	const char *base;
	char *at = function + sizeof(function) - 1;

	*ret = (struct fl_tag){ .function = function, .file = "?" };
	address--;
	while (m && m < maps + nr_maps && (address < m->start || address >= m->end))
		m++;
	offset = address;
	if (m && m < maps + nr_maps) {
		offset = address - m->start + m->offset;
		base = strrchr(m->path, '/');
		ret->file = m->path;
		ret->module = strcmp(m->path, program) ? base + 1 : NULL;
	}
	ret->line = offset;
	do
		*--at = "0123456789abcdef"[offset & 15];
	while (offset >>= 4);
	*--at = 'x';
	*--at = '0';
	*--at = '+';
	ret->function = at;
}

static void flush(struct writer *w)
{
	for (size_t at = 0; at < w->n && !w->error;) {
		ssize_t n = write(w->fd, out + at, w->n - at);

		if (n < 0 && errno != EINTR)
			w->error = -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	w->n = 0;
}

static void add(struct writer *w, const char *s, size_t n)
{
	if (n > sizeof(out) - w->n)
		flush(w);
	if (n > sizeof(out))
		return;
	memcpy(out + w->n, s, n);
	w->n += n;
}

static void add_word(struct writer *w, const char *key, uint64_t v)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = ' ';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	add(w, key, strlen(key));
	add(w, at, (size_t)(digits + sizeof(digits) - at));
}

static void add_line(struct writer *w, const struct fl_tag *tag, struct fl_tag_counters c)
{
	size_t n = fl_tag_line(tag, c, out + w->n, sizeof(out) - w->n);

	if (n > sizeof(out) - w->n) {
		flush(w);
		n = fl_tag_line(tag, c, out, sizeof(out));
		n = n > sizeof(out) ? 0 : n;
	}
	w->n += n;
}

/* What is kept on request follows as words behind the tag, where readers look for what is new. */
static void add_extra(struct writer *w, uint32_t index)
{
	struct fl_alloc_counters c;

	w->n--; /* the line's end */
	fl_counters_read(index, &c);
	if (fl_settings.peak)
		add_word(w, "peak:", (uint64_t)c.peak_bytes);
	if (fl_settings.total) {
		add_word(w, "total:", c.total_bytes);
		add_word(w, "total_calls:", c.total_calls);
	}
	add(w, "\n", 1);
}

static bool add_kept(void *ctx, const struct fl_tag *tag, int64_t bytes, int64_t calls)
{
	struct fl_tag_counters c = { (uint64_t)bytes, (uint64_t)calls };

	add(ctx, "# unloaded:", 11);
	add_line(ctx, tag, c);
	return !((struct writer *)ctx)->error;
}

static int dump(int fd)
{
	struct fl_tag_space *space = fl_site_space();
	struct writer w = { .fd = fd };
	struct fl_tag_iter it = { 0 };

	fl_callers_refresh();
	add(&w, FL_TAG_HEADING, sizeof(FL_TAG_HEADING) - 1);
	while (!w.error && fl_tag_next(space, &it)) {
		struct fl_tag tag;

		space->ops->tag(space, it.id, it.index, &tag);
		add_line(&w, &tag, space->ops->counters(space, it.id, it.index));
		if (fl_settings.peak || fl_settings.total)
			add_extra(&w, fl_site_space_index(it.id, it.index));
	}
	fl_sites_kept(add_kept, &w);
	flush(&w);
	return w.error;
}

FL_API int fl_alloc_dump(int fd)
{
	int r;

	if (!fl_trylock_for_long())
		return -EBUSY;
	r = dump(fd);
	fl_unlock();
	return r;
}

/* %p in the name is the process id. */
static void expand(char *path, size_t size)
{
	char digits[12];
	size_t n = 0, at = 0;

	for (unsigned int pid = (unsigned int)getpid(); pid; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	for (const char *p = fl_settings.dump; *p && at < size - 12; p++) {
		if (p[0] != '%' || p[1] != 'p') {
			path[at++] = *p;
			continue;
		}
		for (size_t i = n; i > 0; i--)
			path[at++] = digits[i - 1];
		p++;
	}
	path[at] = '\0';
}

void fl_dump_wanted(void)
{
	char path[640];
	int fd;

	if (!fl_settings.dump[0])
		return;
	expand(path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	dump(fd);
	close(fd);
}
