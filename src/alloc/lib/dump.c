/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dump: the kernel's text over the process's own sites. A chain is shown by its innermost
 * frame, as what a symboliser needs: the file as the file, the address in it as the line, and the
 * same as "+0x..." for a function; the frames behind it follow as "from:FILE+0x...". Everything here
 * may run in a signal handler: system calls and our own memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/core.h"
#include "alloc/tags/line.h"

struct writer {
	int fd;
	int error;
	size_t n;
};

static char out[65536];

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

static void add_z(struct writer *w, const char *s)
{
	add(w, s, strlen(s));
}

static void add_number(struct writer *w, uint64_t v, unsigned int base)
{
	char digits[24], *at = digits + sizeof(digits);

	do
		*--at = "0123456789abcdef"[v % base];
	while (v /= base);
	add(w, at, (size_t)(digits + sizeof(digits) - at));
}

static void add_word(struct writer *w, const char *key, uint64_t v)
{
	add_z(w, key);
	add_number(w, v, 10);
	add(w, " ", 1);
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

static const char *path_of(uint32_t module)
{
	const char *path = module == FL_LEDGER_NO_MODULE ?
				   "?" : fl_book.names + fl_book.modules[module].name;

	return *path ? path : fl_book.process->exe;
}

/* The name behind the last slash; NULL for the program itself. */
static const char *module_name(uint32_t module)
{
	const char *path, *base;

	if (module == FL_LEDGER_NO_MODULE)
		return NULL;
	path = fl_book.names + fl_book.modules[module].name;
	base = strrchr(path, '/');
	return *path ? (base ? base + 1 : path) : NULL;
}

static uint64_t address_of(uint64_t frame)
{
	return frame & ~(0xffffULL << 48);
}

static void tag_of_chain(const struct fl_ledger_site *s, char function[24], struct fl_tag *ret)
{
	uint64_t frame = s->nr_frames ? fl_book.frames[s->frames] : FL_LEDGER_FRAME(0xffff, 1);
	uint64_t address = address_of(frame) - 1; /* the last byte of the call */
	char *at = function + 23;

	ret->module = module_name((uint32_t)(frame >> 48));
	ret->file = path_of((uint32_t)(frame >> 48));
	ret->line = address;
	*at = '\0';
	do
		*--at = "0123456789abcdef"[address & 15];
	while (address >>= 4);
	memmove(function + 3, at, strlen(at) + 1);
	memcpy(function, "+0x", 3);
	ret->function = function;
}

static void tag_of(const struct fl_ledger_site *s, char function[24], struct fl_tag *ret)
{
	*ret = (struct fl_tag){ .function = "(more)", .file = "?" };
	if (s->kind == FL_LEDGER_CHAIN || s->kind == FL_LEDGER_MAPS)
		tag_of_chain(s, function, ret);
	if (s->kind != FL_LEDGER_TAG)
		return;
	ret->module = module_name(s->module);
	ret->function = fl_book.names + s->function;
	ret->file = fl_book.names + s->file;
	ret->line = s->line;
}

static void add_frames(struct writer *w, const struct fl_ledger_site *s)
{
	for (uint32_t i = 1; i < s->nr_frames; i++) {
		uint64_t frame = fl_book.frames[s->frames + i];

		add_z(w, "from:");
		add_z(w, path_of((uint32_t)(frame >> 48)));
		add_z(w, "+0x");
		add_number(w, address_of(frame) - 1, 16);
		add(w, " ", 1);
	}
}

/* What is kept on request follows as words behind the tag, where readers look for what is new. */
static void add_extra(struct writer *w, const struct fl_ledger_site *s,
		      const struct fl_alloc_counters *c)
{
	w->n--; /* the line's end */
	if (fl_settings.peak)
		add_word(w, "peak:", (uint64_t)c->peak_bytes);
	if (fl_settings.total) {
		add_word(w, "total:", c->total_bytes);
		add_word(w, "total_calls:", c->total_calls);
	}
	if (s->kind == FL_LEDGER_MAPS)
		add_z(w, "mmap ");
	if (s->kind != FL_LEDGER_TAG)
		add_frames(w, s);
	add(w, "\n", 1);
}

static void add_site(struct writer *w, uint32_t index)
{
	const struct fl_ledger_site *s = &fl_book.sites[index];
	struct fl_alloc_counters c;
	char function[24];
	struct fl_tag tag;

	fl_counters_read(index, &c);
	if (s->kind == FL_LEDGER_NOTHING ||
	    ((s->unloaded || index == FL_LEDGER_OTHER) && !c.bytes && !c.calls))
		return;
	tag_of(s, function, &tag);
	if (s->unloaded)
		add_z(w, "# unloaded:");
	add_line(w, &tag, (struct fl_tag_counters){ (uint64_t)c.bytes, (uint64_t)c.calls });
	add_extra(w, s, &c);
}

#define ASIDE "# malloc() is the program's own: nothing is counted\n"

static int dump(int fd)
{
	struct writer w = { .fd = fd };

	add(&w, FL_TAG_HEADING, sizeof(FL_TAG_HEADING) - 1);
	if (fl_real_kind == FL_REAL_ASIDE)
		add(&w, ASIDE, sizeof(ASIDE) - 1);
	for (uint32_t i = FL_LEDGER_OTHER; !w.error && fl_book.process && i < fl_book.process->nr_sites;
	     i++)
		add_site(&w, i);
	flush(&w);
	return w.error;
}

FL_API int fl_alloc_dump(int fd)
{
	struct fl_locked l = fl_lock();
	int r = dump(fd);

	fl_unlock(l);
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
