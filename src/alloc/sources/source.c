/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text and the kernel's file. The kernel gives its text in pieces of less than a page and lets
 * modules come and go in between, so a dump of 300 kB can be torn. Kernels with the ioctl have a
 * content id for that; for those without it the list of modules is compared before and after, which
 * sees the same events.
 */
#include "alloc/sources/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alloc/sources/callers.h"
#include "alloc/sources/client.h"
#include "alloc/sources/text.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/util.h"

struct path_source {
	struct fl_alloc_source source;
	const char *path, *skip;
	struct fl_callers *names; /* records' strings are its: it stays until the source is closed */
};

struct sink {
	const struct fl_alloc_filter *filter; /* NULL: all are taken */
	struct fl_alloc_findings *findings;
	struct fl_alloc_set *set;
	struct fl_alloc_words words;
};

/* A name that its writer gave with blanks as \040; the kernel writes no backslash. */
static int decode(struct fl_arena *a, struct fl_str *s)
{
	char *p;
	size_t n = 0;

	if (!s->n || !memchr(s->p, '\\', s->n))
		return 0;
	p = fl_arena_alloc(a, s->n);
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const char *c = s->p + i;
		bool octal = c[0] == '\\' && s->n - i > 3 && c[1] >= '0' && c[1] <= '3' &&
			     c[2] >= '0' && c[2] <= '7' && c[3] >= '0' && c[3] <= '7';

		p[n++] = octal ? (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0')) : *c;
		i += octal ? 3 : 0;
	}
	*s = fl_str_n(p, n);
	return 0;
}

/* Words that are ours live until the next line alone. */
static int keep_words(struct sink *sink, struct fl_alloc_record *r)
{
	struct fl_arena *a = &sink->set->strings;
	struct fl_alloc_more *more = FL_ARENA_NEW(a, struct fl_alloc_more);
	struct fl_alloc_frame *stack = fl_arena_array(a, sink->words.n + 1, sizeof(*stack));

	if (!more || !stack)
		return -ENOMEM;
	memcpy(stack, sink->words.frames, sink->words.n * sizeof(*stack));
	for (unsigned int i = 0; i < sink->words.n; i++)
		if (decode(a, &stack[i].module) < 0)
			return -ENOMEM;
	*more = sink->words.more;
	more->stack = stack;
	more->nr_stack = sink->words.n;
	r->more = more;
	sink->words.any = false;
	return 0;
}

static bool matches(const struct sink *sink, const struct fl_alloc_record *r)
{
	return !sink->filter || fl_alloc_filter_match(sink->filter, r);
}

/* Callers are addresses here. A filter is meant for their names, and has to wait for them. */
static int take_record(void *ctx, const struct fl_alloc_record *r)
{
	struct sink *sink = ctx;
	struct fl_alloc_record own;
	int e = 0;

	if (fl_str_starts(r->function, "+0x"))
		sink->filter = NULL;
	if (!sink->words.any && !sink->words.is_escaped)
		return matches(sink, r) ? fl_alloc_set_add(sink->set, r) : 0;
	own = *r;
	if (sink->words.is_escaped)
		e = decode(&sink->set->strings, &own.function);
	sink->words.is_escaped = false;
	if (e == 0 && sink->words.any)
		e = keep_words(sink, &own);
	if (e < 0 || !matches(sink, &own))
		return e;
	return fl_alloc_set_add(sink->set, &own);
}

static void take_finding(void *ctx, const struct fl_diag *d)
{
	struct fl_alloc_findings *findings = ((struct sink *)ctx)->findings;

	findings->errors += d->kind->level == FL_ERROR;
	if (findings->report)
		findings->report(findings->ctx, d);
}

/* The set keeps the text, whose bytes its records point to. */
static int read_text(struct fl_file *text, const char *place, const struct fl_alloc_filter *f,
		     struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct sink sink = { .filter = f, .findings = findings, .set = set };
	struct fl_alloc_reader reader = { &sink.words, f, take_record, take_finding, &sink };

	set->text = *text;
	return fl_alloc_text_read(fl_file_str(text), place, &reader, NULL);
}

static bool has_callers(const struct fl_alloc_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (fl_str_starts(set->v[i].function, "+0x") ||
		    (set->v[i].more && set->v[i].more->nr_stack))
			return true;
	return false;
}

static int read_named(struct path_source *ps, struct fl_file *text, const struct fl_alloc_filter *f,
		      struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct fl_callers_opts opts = { .skip = ps->skip };
	size_t kept = 0;
	int r = read_text(text, ps->source.name, f, findings, set);

	if (r < 0 || !has_callers(set))
		return r;
	if (!ps->names)
		r = fl_callers_open(&opts, &ps->names);
	if (r == 0)
		r = fl_callers_name_set(ps->names, set);
	for (size_t i = 0; r == 0 && i < set->n; i++)
		if (fl_alloc_filter_match(f, &set->v[i]))
			set->v[kept++] = set->v[i];
	set->n = kept;
	return r;
}

static int file_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		     struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct path_source *ps = FL_CONTAINER_OF(s, struct path_source, source);
	struct fl_file text;
	int r = fl_file_open(ps->path, SIZE_MAX / 2, &text);

	return r < 0 ? r : read_named(ps, &text, f, findings, set);
}

static void path_close(struct fl_alloc_source *s)
{
	struct path_source *ps = FL_CONTAINER_OF(s, struct path_source, source);

	fl_callers_close(ps->names);
	free(ps);
}

static const struct fl_alloc_source_ops file_ops = { file_read, path_close };

static int path_source(const struct fl_alloc_source_ops *ops, const char *path, const char *skip,
		       struct fl_alloc_source **ret)
{
	struct path_source *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	ps->source.ops = ops;
	ps->source.name = fl_str_is(fl_str(path), "-") ? "standard input" : path;
	ps->path = path;
	ps->skip = skip;
	*ret = &ps->source;
	return 0;
}

int fl_alloc_source_file(const char *path, const char *skip, struct fl_alloc_source **ret)
{
	return path_source(&file_ops, path, skip, ret);
}

struct fd_peer {
	struct fl_allocinfo_peer peer;
	int fd;
};

static int fd_request(struct fl_allocinfo_peer *peer, unsigned long request, void *arg)
{
	struct fd_peer *p = FL_CONTAINER_OF(peer, struct fd_peer, peer);

	return ioctl(p->fd, request, arg) < 0 ? -errno : 0;
}

/* Tells one set of loaded modules from another; 0 where it cannot be seen. */
static uint32_t modules_fingerprint(void)
{
	struct fl_file f;
	struct fl_str rest, line, word;
	_cleanup_buf_ struct fl_buf names = {};

	if (fl_file_open("/proc/modules", 1 << 24, &f) < 0)
		return 0;
	for (rest = fl_file_str(&f); fl_str_line(&rest, &line);) {
		if (fl_str_word(&line, &word))
			fl_buf_add_str(&names, word);
		fl_buf_addc(&names, ' ');
	}
	fl_file_close(&f);
	return fl_hash(fl_buf_str(&names));
}

static int proc_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		     struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct path_source *ps = FL_CONTAINER_OF(s, struct path_source, source);
	_cleanup_close_ int fd = open(ps->path, O_RDONLY | O_CLOEXEC);
	struct fd_peer peer = { { fd_request, NULL }, fd };
	struct fl_file text;
	uint32_t modules;
	int r;

	if (fd < 0)
		return -errno;
	r = fl_allocinfo_read(&peer.peer, f, set);
	if (r != -ENOTTY && r != -ENOSYS) /* the latter from an emulator of system calls */
		return r;
	modules = modules_fingerprint();
	r = fl_file_open_fd(fd, SIZE_MAX / 2, &text);
	if (r < 0)
		return r;
	set->torn = modules != modules_fingerprint();
	return read_text(&text, s->name, f, findings, set);
}

static const struct fl_alloc_source_ops proc_ops = { proc_read, path_close };

int fl_alloc_source_proc(const char *path, struct fl_alloc_source **ret)
{
	if (access(path, R_OK) < 0)
		return -errno;
	return path_source(&proc_ops, path, NULL, ret);
}

bool fl_alloc_profiling_is_off(void)
{
	struct fl_file f;
	bool off;

	if (fl_file_open("/proc/sys/vm/mem_profiling", 16, &f) < 0)
		return false;
	off = fl_str_starts(fl_file_str(&f), "0");
	fl_file_close(&f);
	return off;
}

int fl_alloc_source_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
			 struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	return s->ops->read(s, f, findings, set);
}

void fl_alloc_source_close(struct fl_alloc_source *s)
{
	if (s)
		s->ops->close(s);
}
