/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live program that was built with libforeland-alloc, or runs under it: its ledger is read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc/sources/ledger.h"
#include "alloc/sources/source.h"
#include "base/cleanup.h"
#include "base/util.h"

struct pid_source {
	struct fl_alloc_source source;
	pid_t pid;
	char name[32];
	const char *skip;
	struct fl_callers *names; /* records' strings are its: it stays until the next reading */
	uint32_t flags; /* that were found before */
	uint64_t refused;
};

static bool is_strangers(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return geteuid() && stat(path, &st) == 0 && st.st_uid != geteuid();
}

static void keep_matches(const struct fl_alloc_filter *f, struct fl_alloc_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++)
		if (fl_alloc_filter_match(f, &set->v[i]))
			set->v[kept++] = set->v[i];
	set->n = kept;
}

static int read_entry(struct pid_source *ps, const struct fl_alloc_filter *f,
		      struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	_cleanup_close_ int fd = fl_ledger_find(ps->pid);
	struct fl_callers_opts opts = { .pid = ps->pid, .skip = ps->skip };
	struct fl_ledger_entry e;
	int r = fd < 0 ? fd : fl_ledger_entry_of(fd, ps->pid, &e);

	if (r < 0)
		return r;
	if (!ps->names)
		r = fl_callers_open(&opts, &ps->names);
	if (r == 0)
		r = fl_ledger_read(fd, &e, ps->names, set, &findings->damaged);
	if (r < 0)
		return r;
	/* said once, however often it is read */
	findings->flags = e.flags & ~ps->flags;
	findings->refused = ps->refused ? 0 : e.refused;
	ps->flags |= e.flags;
	ps->refused = e.refused;
	keep_matches(f, set);
	return 0;
}

static int pid_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		    struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct pid_source *ps = FL_CONTAINER_OF(s, struct pid_source, source);
	int r = read_entry(ps, f, findings, set);

	return r < 0 && r != -ESRCH && is_strangers(ps->pid) ? -EACCES : r;
}

static void pid_close(struct fl_alloc_source *s)
{
	struct pid_source *ps = FL_CONTAINER_OF(s, struct pid_source, source);

	fl_callers_close(ps->names);
	free(ps);
}

static const struct fl_alloc_source_ops pid_ops = { pid_read, pid_close };

int fl_alloc_source_pid(pid_t pid, const char *skip, struct fl_alloc_source **ret)
{
	struct pid_source *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	snprintf(ps->name, sizeof(ps->name), "process %d", (int)pid);
	ps->source.ops = &pid_ops;
	ps->source.name = ps->name;
	ps->pid = pid;
	ps->skip = skip;
	*ret = &ps->source;
	return 0;
}

bool fl_alloc_source_is_pid(const struct fl_alloc_source *s)
{
	return s->ops == &pid_ops;
}
