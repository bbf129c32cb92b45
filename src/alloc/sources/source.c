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
#include <sys/ioctl.h>
#include <unistd.h>

#include "alloc/sources/client.h"
#include "alloc/sources/text.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/util.h"

struct path_source {
	struct fl_alloc_source source;
	const char *path;
};

struct sink {
	const struct fl_alloc_filter *filter;
	struct fl_alloc_findings *findings;
	struct fl_alloc_set *set;
};

static int take_record(void *ctx, const struct fl_alloc_record *r)
{
	struct sink *sink = ctx;

	return fl_alloc_filter_match(sink->filter, r) ? fl_alloc_set_add(sink->set, r) : 0;
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
	struct sink sink = { f, findings, set };
	struct fl_alloc_reader reader = { take_record, take_finding, &sink };

	set->text = *text;
	return fl_alloc_text_read(fl_file_str(text), place, &reader, NULL);
}

static int file_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		     struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct path_source *ps = FL_CONTAINER_OF(s, struct path_source, source);
	struct fl_file text;
	int r = fl_file_open(ps->path, SIZE_MAX / 2, &text);

	return r < 0 ? r : read_text(&text, s->name, f, findings, set);
}

static void path_close(struct fl_alloc_source *s)
{
	free(FL_CONTAINER_OF(s, struct path_source, source));
}

static const struct fl_alloc_source_ops file_ops = { file_read, path_close };

static int path_source(const struct fl_alloc_source_ops *ops, const char *path,
		       struct fl_alloc_source **ret)
{
	struct path_source *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	ps->source.ops = ops;
	ps->source.name = fl_str_is(fl_str(path), "-") ? "standard input" : path;
	ps->path = path;
	*ret = &ps->source;
	return 0;
}

int fl_alloc_source_file(const char *path, struct fl_alloc_source **ret)
{
	return path_source(&file_ops, path, ret);
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
	if (r != -ENOTTY)
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
	return path_source(&proc_ops, path, ret);
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
