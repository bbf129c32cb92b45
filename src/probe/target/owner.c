/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/util.h"

#define PREFIX		  "foreland_"
#define INITIAL_NAMESPACE 0xeffffffcull /* PROC_PID_INIT_INO: the same on every kernel */

/* When the process was started, in clock ticks since boot: field 22 of its stat file. */
static int start_of(pid_t pid, uint64_t *ret)
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	_cleanup_close_ int fd = -1;
	struct fl_str rest, word;
	size_t paren;
	int r;

	fl_buf_addf(&path, "/proc/%d/stat", (int)pid);
	fd = open(fl_buf_z(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	r = fl_buf_read_fd(&text, fd, 4096);
	if (r < 0)
		return r;
	/* The second field is the name, in parentheses, and may hold anything. */
	for (paren = text.len; paren && text.data[paren - 1] != ')'; paren--)
		;
	rest = fl_str_from(fl_buf_str(&text), paren);
	for (int field = 3; field <= 22; field++)
		if (!fl_str_word(&rest, &word))
			return -EINVAL;
	return fl_parse_u64(word, 10, ret);
}

/* The number of the namespace that our process numbers are of: "pid:[4026531836]". */
static uint64_t own_namespace(void)
{
	char text[64];
	ssize_t n = readlink("/proc/self/ns/pid", text, sizeof(text));
	struct fl_str s = fl_str_n(text, n > 0 ? (size_t)n : 0);
	size_t open = fl_str_find(s, '[', 0);
	uint64_t number;

	s = fl_str_sub(s, open + 1, fl_str_find(s, ']', open) - open - 1);
	return fl_parse_u64(s, 10, &number) == 0 ? number : INITIAL_NAMESPACE;
}

int fl_owner_name(pid_t pid, struct fl_buf *out)
{
	uint64_t start = 0;
	int r;

	if (!pid)
		pid = getpid();
	r = start_of(pid, &start);
	if (r < 0)
		return r;
	fl_buf_addf(out, PREFIX "%d_%llu", (int)pid, (unsigned long long)start);
	if (own_namespace() != INITIAL_NAMESPACE)
		fl_buf_addf(out, "_%llu", (unsigned long long)own_namespace());
	return out->error;
}

struct owner {
	pid_t pid;
	uint64_t start, namespace;
};

static bool parse(struct fl_str name, struct owner *ret)
{
	struct fl_str rest = fl_str_from(name, strlen(PREFIX));
	size_t mid = fl_str_find(rest, '_', 0), end = fl_str_find(rest, '_', mid + 1);
	uint64_t pid = 0;

	ret->namespace = INITIAL_NAMESPACE;
	if (!fl_str_starts(name, PREFIX) || mid == rest.n ||
	    fl_parse_u64(fl_str_sub(rest, 0, mid), 10, &pid) < 0 || !pid || pid > INT32_MAX ||
	    fl_parse_u64(fl_str_sub(rest, mid + 1, end - mid - 1), 10, &ret->start) < 0 ||
	    (end < rest.n && fl_parse_u64(fl_str_from(rest, end + 1), 10, &ret->namespace) < 0))
		return false;
	ret->pid = (pid_t)pid;
	return true;
}

bool fl_owner_is(struct fl_str name)
{
	struct owner o;

	return parse(name, &o);
}

enum fl_owner_state fl_owner_state(struct fl_str name)
{
	struct owner o;
	uint64_t now;

	if (!parse(name, &o))
		return FL_OWNER_GONE;
	if (o.namespace != own_namespace())
		return FL_OWNER_ELSEWHERE;
	return start_of(o.pid, &now) == 0 && now == o.start ? FL_OWNER_ALIVE : FL_OWNER_GONE;
}

/* ---- cleaning ---- */

struct cleaning {
	const char *tracefs;
	struct fl_str name; /* of what is to go; empty: whatever has no owner any more */
	int (*fn)(void *ctx, struct fl_str what, int err);
	void *ctx;
};

static int write_file(const char *path, int flags, struct fl_str text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text.p, text.n) < 0 ? -errno : 0;
}

static bool has_to_go(const struct cleaning *c, struct fl_str name)
{
	if (c->name.n)
		return fl_str_eq(name, c->name);
	return fl_owner_is(name) && fl_owner_state(name) != FL_OWNER_ALIVE;
}

/* -EXDEV: whether its owner lives cannot be seen from here. */
static int may_go(const struct cleaning *c, struct fl_str name)
{
	return !c->name.n && fl_owner_state(name) == FL_OWNER_ELSEWHERE ? -EXDEV : 0;
}

/* An event that an instance has switched on cannot be removed: instances come first. */
static int clean_instances(const struct cleaning *c)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *e;
	int r = 0;

	fl_buf_addf(&path, "%s/instances", c->tracefs);
	dir = opendir(fl_buf_z(&path));
	while (dir && r == 0 && (e = readdir(dir))) {
		_cleanup_buf_ struct fl_buf name = {};

		if (!has_to_go(c, fl_str(e->d_name)))
			continue;
		fl_buf_addf(&name, "instances/%s", e->d_name);
		r = may_go(c, fl_str(e->d_name));
		if (r == 0 && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) < 0)
			r = -errno;
		r = c->fn(c->ctx, fl_buf_str(&name), r);
	}
	return r;
}

static int remove_event(const struct cleaning *c, const char *file, struct fl_str event)
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};

	fl_buf_addf(&path, "%s/events/%.*s/enable", c->tracefs, FL_STR_ARG(event));
	write_file(fl_buf_z(&path), 0, FL_STR("0")); /* where that fails, the next will tell */
	fl_buf_addf(&text, "-:%.*s\n", FL_STR_ARG(event));
	return write_file(file, O_APPEND, fl_buf_str(&text));
}

/* The "GROUP/EVENT" of a line "f:GROUP/EVENT PLACE ARG..."; empty where it is none. */
static struct fl_str event_of(struct fl_str line)
{
	size_t colon = fl_str_find(line, ':', 0), end = fl_str_find(line, ' ', 0);
	struct fl_str event = fl_str_from(line, colon + 1);

	if (colon >= end)
		return FL_STR("");
	return fl_str_sub(event, 0, end - colon - 1);
}

static int clean_events(const struct cleaning *c, const char *name)
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	_cleanup_close_ int fd = -1;
	struct fl_str rest, line;
	int r;

	fl_buf_addf(&path, "%s/%s", c->tracefs, name);
	fd = open(fl_buf_z(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fl_buf_read_fd(&text, fd, 1u << 26);
	rest = fl_buf_str(&text);
	while (r == 0 && fl_str_line(&rest, &line)) {
		struct fl_str event = event_of(line);
		struct fl_str group = fl_str_sub(event, 0, fl_str_find(event, '/', 0));

		if (has_to_go(c, group)) {
			r = may_go(c, group);
			r = c->fn(c->ctx, event, r < 0 ? r : remove_event(c, fl_buf_z(&path), event));
		}
	}
	return r;
}

static int clean(const struct cleaning *c)
{
	/* dynamic_events has them all; kernels before 5.0 have two files of kinds. */
	static const char *const files[] = { "dynamic_events", "kprobe_events", "uprobe_events" };
	int r = clean_instances(c), found = -ENOENT;

	for (size_t i = 0; i < FL_ARRAY_SIZE(files) && r == 0; i++) {
		r = clean_events(c, files[i]);
		if (r == -ENOENT) {
			r = 0;
			continue;
		}
		found = r;
		if (i == 0)
			break;
	}
	return r ? r : found;
}

int fl_owner_clean(const char *tracefs, int (*fn)(void *ctx, struct fl_str what, int err), void *ctx)
{
	return clean(&(struct cleaning){ .tracefs = tracefs, .fn = fn, .ctx = ctx });
}

int fl_owner_remove(const char *tracefs, struct fl_str name,
		    int (*fn)(void *ctx, struct fl_str what, int err), void *ctx)
{
	return clean(&(struct cleaning){ .tracefs = tracefs, .name = name, .fn = fn, .ctx = ctx });
}
