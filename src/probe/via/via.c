/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/via/via.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "base/util.h"
#include "probe/lower/lower.h"
#include "probe/target/owner.h"

enum {
#define D(code, ...) VIA_##code,
#include "probe/via/errors.def"
};

static const struct fl_diag_kind kinds[] = {
#define D(code, level, err, message) [VIA_##code] = { "VIA_" #code, FL_##level, err, message },
#include "probe/via/errors.def"
};

struct entry {
	struct fl_probe_event *event;
	struct fl_str filter;
	bool made; /* stands in dynamic_events */
};

struct fl_via {
	struct fl_target *target;
	struct fl_via_opts opts;
	struct fl_buf root;	/* of tracefs */
	struct fl_buf owner;	/* our group's and our instance's name */
	struct fl_buf instance; /* its path */
	bool has_instance;
	struct entry *entries;
	size_t n;
	int pipe;	/* trace_pipe of the instance */
	int life;	/* the helper sees it close */
	struct fl_buf text; /* read, but not a whole line yet */
};

/* ---- files ---- */

static int put(const char *dir, const char *file, struct fl_str text)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_close_ int fd = -1;

	fl_buf_addf(&path, "%s/%s", dir, file);
	fd = open(fl_buf_z(&path), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text.p, text.n) < 0 ? -errno : 0;
}

static int get(const char *dir, const char *file, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_close_ int fd = -1;

	fl_buf_addf(&path, "%s/%s", dir, file);
	fd = open(fl_buf_z(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fl_buf_read_fd(out, fd, 1u << 26);
}

static const char *root(const struct fl_via *v)
{
	return fl_buf_z(&v->root);
}

static const char *instance(const struct fl_via *v)
{
	return fl_buf_z(&v->instance);
}

/* "events/GROUP/EVENT/FILE" */
static void event_file(const struct fl_via *v, const struct entry *x, const char *file,
		       struct fl_buf *out)
{
	fl_buf_addf(out, "events/%s/%.*s/%s", fl_buf_z(&v->owner), FL_STR_ARG(x->event->event), file);
}

/* ---- the helper ---- */

static int ignore(void *ctx, struct fl_str what, int err)
{
	return 0;
}

/* Waits for the end of the process at the pipe's other end, then removes what it has left. */
static void outlive(const char *tracefs, struct fl_str owner, int life)
{
	struct timespec tenth = { 0, 100000000 };
	char byte;

	setsid();
	prctl(PR_SET_NAME, "foreland-clean");
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (int fd = 0; fd < 1024; fd++)
		if (fd != life)
			close(fd);
	while (read(life, &byte, 1) < 0 && errno == EINTR)
		;
	/* as long as nobody has waited for it, a dead process still is in the list */
	while (fl_owner_alive(owner))
		nanosleep(&tenth, NULL);
	fl_owner_clean(tracefs, ignore, NULL);
	_exit(0);
}

/* Forked twice, so that it is nobody's child to wait for. */
static int start_helper(struct fl_via *v)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		if (fork() == 0)
			outlive(root(v), fl_buf_str(&v->owner), fds[0]);
		_exit(0);
	}
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return -errno;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	v->life = fds[1];
	return 0;
}

/* ---- setting up ---- */

int fl_via_new(struct fl_target *target, const struct fl_via_opts *opts, struct fl_via **ret)
{
	_cleanup_via_ struct fl_via *v = calloc(1, sizeof(*v));
	const char *tracefs = fl_target_tracefs(target);
	int r;

	if (!v)
		return -ENOMEM;
	v->pipe = v->life = -1;
	v->target = target;
	v->opts = *opts;
	if (!tracefs)
		return -ENOENT;
	fl_buf_addz(&v->root, tracefs);
	r = fl_owner_name(0, &v->owner);
	if (r < 0)
		return r;
	fl_buf_addf(&v->instance, "%s/instances/%s", tracefs, fl_buf_z(&v->owner));
	r = v->root.error ? v->root.error : v->instance.error;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

int fl_via_add(struct fl_via *v, struct fl_probe_event *e, struct fl_str filter)
{
	struct entry *bigger = reallocarray(v->entries, v->n + 1, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	v->entries = bigger;
	v->entries[v->n++] = (struct entry){ e, filter, false };
	return 0;
}

static int diagnose(struct fl_diag *d, const struct entry *x, int kind, struct fl_span span)
{
	int r = fl_diag_set(d, &kinds[kind], span);

	if (d) {
		d->text = x->event->text.p;
		d->text_len = x->event->text.n;
	}
	return r;
}

/* The last entry of error_log: "[ time] SUBSYSTEM: error: MESSAGE". */
static void add_kernel_words(struct fl_via *v, struct fl_diag *diag, int err)
{
	_cleanup_buf_ struct fl_buf log = {};
	struct fl_str rest, line, last = {};
	static const char mark[] = "error: ";

	if (get(root(v), "error_log", &log) == 0) {
		rest = fl_buf_str(&log);
		while (fl_str_line(&rest, &line)) {
			char *at = memmem(line.p, line.n, mark, sizeof(mark) - 1);

			if (at && line.p[0] == '[')
				last = fl_str_from(line, (size_t)(at - line.p) + sizeof(mark) - 1);
		}
	}
	if (last.n)
		fl_diag_message(diag, "the kernel's tracer refuses the event: %.*s", FL_STR_ARG(last));
	else
		fl_diag_message(diag, "the kernel's tracer refuses the event: %s", strerror(-err));
}

/* The event's text for this kernel, in our group. */
static int lower(struct fl_via *v, struct entry *x, uint32_t features, struct fl_buf *out,
		 struct fl_diag *diag)
{
	struct fl_str group = x->event->group;
	int r;

	x->event->group = fl_buf_str(&v->owner);
	r = fl_lower(x->event, fl_target_arch(v->target), features, out, diag);
	x->event->group = group;
	fl_buf_addc(out, '\n');
	return r < 0 ? r : out->error;
}

/* The kernel lists it under our name, or it was not taken whatever the write said. */
static bool is_listed(struct fl_via *v, const struct entry *x)
{
	_cleanup_buf_ struct fl_buf list = {}, want = {};

	fl_buf_addf(&want, ":%s/%.*s ", fl_buf_z(&v->owner), FL_STR_ARG(x->event->event));
	return get(root(v), "dynamic_events", &list) == 0 && list.len &&
	       memmem(list.data, list.len, want.data, want.len);
}

static int make_event(struct fl_via *v, struct entry *x, uint32_t features, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf text = {};
	int r;

	r = lower(v, x, features, &text, diag);
	if (r < 0)
		return r;
	put(root(v), "error_log", FL_STR("\n")); /* cleared, to see what this one adds */
	r = put(root(v), "dynamic_events", fl_buf_str(&text));
	if (r == 0 && !is_listed(v, x))
		r = -EINVAL;
	if (r < 0) {
		diagnose(diag, x, VIA_REFUSED, x->event->place.span);
		add_kernel_words(v, diag, r);
		fl_diag_help(diag, "it was given: %.*s", (int)text.len - 1, fl_buf_z(&text));
		return r;
	}
	x->made = true;
	return 0;
}

/* The definition's filter, and the command's name. */
static int set_filter(struct fl_via *v, const struct entry *x, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf text = {}, path = {};
	int r;

	if (x->filter.n)
		fl_buf_addf(&text, "(%.*s)", FL_STR_ARG(x->filter));
	if (v->opts.comm)
		fl_buf_addf(&text, "%scomm == \"%s\"", text.len ? " && " : "", v->opts.comm);
	if (!text.len)
		return 0;
	event_file(v, x, "filter", &path);
	r = put(instance(v), fl_buf_z(&path), fl_buf_str(&text));
	if (r < 0) {
		diagnose(diag, x, VIA_FILTER, x->event->place.span);
		fl_diag_message(diag, "the kernel's tracer refuses the filter '%s'", fl_buf_z(&text));
	}
	return r;
}

/* All threads of the process, and what they start from now on. */
static int set_pids(struct fl_via *v)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	struct dirent *e;

	if (!v->opts.pid)
		return 0;
	fl_buf_addf(&path, "/proc/%u/task", v->opts.pid);
	dir = opendir(fl_buf_z(&path));
	if (!dir)
		return -ESRCH;
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			fl_buf_addf(&text, "%s ", e->d_name);
	put(instance(v), "options/event-fork", FL_STR("1"));
	return put(instance(v), "set_event_pid", fl_buf_str(&text));
}

static int enable(struct fl_via *v, const struct entry *x, struct fl_str on)
{
	_cleanup_buf_ struct fl_buf path = {};

	event_file(v, x, "enable", &path);
	return put(instance(v), fl_buf_z(&path), on);
}

static int set_up_instance(struct fl_via *v, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf path = {};
	int r = 0;

	if (mkdir(instance(v), 0700) < 0)
		return -errno;
	v->has_instance = true;
	put(instance(v), "trace_clock", v->opts.boot_clock ? FL_STR("boot") : FL_STR("mono"));
	r = set_pids(v);
	for (size_t i = 0; i < v->n && r == 0; i++)
		r = set_filter(v, &v->entries[i], diag);
	fl_buf_addf(&path, "%s/trace_pipe", instance(v));
	v->pipe = open(fl_buf_z(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (r == 0 && v->pipe < 0)
		r = -errno;
	for (size_t i = 0; i < v->n && r == 0; i++)
		r = enable(v, &v->entries[i], FL_STR("1"));
	return r;
}

int fl_via_start(struct fl_via *v, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf readme = {};
	uint32_t features;
	int r;

	get(root(v), "README", &readme);
	features = fl_lower_readme(fl_buf_str(&readme));
	r = start_helper(v);
	for (size_t i = 0; i < v->n && r == 0; i++)
		r = make_event(v, &v->entries[i], features, diag);
	if (r == 0)
		r = set_up_instance(v, diag);
	if (r < 0 && diag && !diag->kind) {
		diagnose(diag, &v->entries[0], VIA_NO_TRACEFS, v->entries[0].event->place.span);
		fl_diag_message(diag, "the kernel's tracer cannot be used: %s", strerror(-r));
		fl_diag_help(diag, "'foreland doctor' tells what this kernel permits; --vm traces in a guest");
	}
	return r;
}

/* ---- running ---- */

void fl_via_stop(struct fl_via *v)
{
	for (size_t i = 0; i < v->n && v->has_instance; i++)
		enable(v, &v->entries[i], FL_STR("0"));
}

static int hand_out_lines(struct fl_via *v, fl_via_line_fn fn, void *ctx)
{
	struct fl_str rest = fl_buf_str(&v->text), line;
	size_t used = 0;
	int r = 0;

	while (r == 0) {
		size_t end = fl_str_find(rest, '\n', used);

		if (end == rest.n)
			break;
		line = fl_str_sub(rest, used, end - used);
		used = end + 1;
		r = fn(ctx, line);
	}
	memmove(v->text.data, v->text.data + used, v->text.len - used);
	v->text.len -= used;
	return r;
}

/* What traces reading traces this as well: there always is one line more. So there is a limit. */
#define READS_AT_ONCE 64

int fl_via_read(struct fl_via *v, fl_via_line_fn fn, void *ctx)
{
	for (int i = 0; i < READS_AT_ONCE; i++) {
		char *room = fl_buf_reserve(&v->text, 1u << 16);
		ssize_t n;
		int r;

		if (!room)
			return -ENOMEM;
		n = read(v->pipe, room, 1u << 16);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || errno == EAGAIN ? 0 : -errno;
		v->text.len += (size_t)n;
		r = hand_out_lines(v, fn, ctx);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "overrun: 12" and "dropped events: 3" of each CPU */
uint64_t fl_via_lost(struct fl_via *v)
{
	uint64_t lost = 0, n;

	for (int cpu = 0;; cpu++) {
		_cleanup_buf_ struct fl_buf file = {}, stats = {};
		struct fl_str rest, line;

		fl_buf_addf(&file, "per_cpu/cpu%d/stats", cpu);
		if (get(instance(v), fl_buf_z(&file), &stats) < 0)
			return lost;
		rest = fl_buf_str(&stats);
		while (fl_str_line(&rest, &line)) {
			size_t colon = fl_str_find(line, ':', 0);
			struct fl_str name = fl_str_sub(line, 0, colon);

			if ((fl_str_is(name, "overrun") || fl_str_is(name, "dropped events")) &&
			    fl_parse_u64(fl_str_trim(fl_str_from(line, colon + 1)), 10, &n) == 0)
				lost += n;
		}
	}
}

void fl_via_free(struct fl_via *v)
{
	if (!v)
		return;
	fl_via_stop(v);
	if (v->pipe >= 0)
		close(v->pipe);
	if (v->has_instance)
		rmdir(instance(v));
	for (size_t i = 0; i < v->n; i++) {
		_cleanup_buf_ struct fl_buf text = {};

		fl_buf_addf(&text, "-:%s/%.*s\n", fl_buf_z(&v->owner),
			    FL_STR_ARG(v->entries[i].event->event));
		if (v->entries[i].made)
			put(root(v), "dynamic_events", fl_buf_str(&text));
	}
	if (v->life >= 0)
		close(v->life);
	fl_buf_fini(&v->root);
	fl_buf_fini(&v->owner);
	fl_buf_fini(&v->instance);
	fl_buf_fini(&v->text);
	free(v->entries);
	free(v);
}
