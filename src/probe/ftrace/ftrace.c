/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's ring buffer is read raw, page by page and CPU by CPU. A round notes the time, takes
 * all pages that there are, and hands out in order what is older than that time: nothing older can
 * come any more. The rest waits for the next round.
 */
#include "probe/ftrace/ftrace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/event/listing.h"
#include "probe/ftrace/reaper.h"
#include "probe/lower/lower.h"
#include "probe/tracedat/ringpage.h"
#include "probe/target/owner.h"

#define TEXT_MAX       (1u << 20)
#define PAGES_A_ROUND  256 /* of one CPU: a producer that never pauses does not hold us */
#define ERROR_LOG_HEAD "  Command: "
#define IN_INTERRUPT   0x58 /* hard, soft or not maskable: of the kernel's trace flags */

enum ftrace_error {
#define D(code, level, err, message) FTRACE_##code,
#include "probe/ftrace/errors.def"
#undef D
	_FTRACE_ERROR_MAX,
};

static const struct fl_diag_kind errors[_FTRACE_ERROR_MAX] = {
#define D(code_, level_, err_, message_)                                                           \
	{ .code = #code_, .level = FL_##level_, .err = err_, .message = message_ },
#include "probe/ftrace/errors.def"
#undef D
};

struct event {
	const struct fl_probe_event *e;
	struct fl_str filter;
	struct fl_buf text; /* as the kernel was given it */
	struct fl_buf own;  /* as it was written, where the kernel's README speaks of casts */
	struct fl_buf name; /* in tracefs, unique within our group */
	struct fl_buf place; /* of event probes, whose records have none */
	struct fl_buf format_text;
	struct fl_format format;
	struct fl_event_printer printer;
	uint64_t records, faults;
};

/* A page that was read and is not yet handed out. */
struct queued {
	struct queued *next;
	uint8_t bytes[];
};

struct cpu {
	int fd;
	uint32_t number;
	struct queued *first, **last; /* @page is a cursor into the first */
	struct fl_ring_page page;
	struct fl_str record; /* p NULL: none is at hand */
};

struct fl_ftrace {
	struct fl_target *target;
	struct fl_ftrace_opts opts;
	const char *tracefs;
	struct fl_buf owner;	/* the group's and the instance's name */
	struct fl_buf instance; /* path */
	struct fl_reaper reaper;
	bool has_instance;
	struct event *events;
	size_t nr_events;
	struct cpu *cpus;
	size_t nr_cpus;
	struct fl_ring_format ring;
	struct fl_arena arena; /* formats */
	char comm[16];
};

/* ---- files of tracefs ---- */

static int read_text(const char *path, struct fl_buf *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fl_buf_read_fd(out, fd, TEXT_MAX);
}

static int write_text(const char *path, int flags, struct fl_str text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	return write(fd, text.p, text.n) < 0 ? -errno : 0;
}

/* @path is a format with one string for the instance's folder. */
FL_PRINTF(3, 4)
static int write_instance(const struct fl_ftrace *t, struct fl_str text, const char *fmt, ...)
{
	_cleanup_buf_ struct fl_buf path = {};
	va_list ap;

	fl_buf_addf(&path, "%s/", fl_buf_z(&t->instance));
	va_start(ap, fmt);
	fl_buf_vaddf(&path, fmt, ap);
	va_end(ap);
	return path.error ? path.error : write_text(fl_buf_z(&path), 0, text);
}

static int fail(enum ftrace_error code, const struct event *ev, int err, struct fl_diag *diag)
{
	fl_diag_set(diag, &errors[code], ev ? ev->e->place.span : (struct fl_span){});
	if (diag && ev) {
		diag->text = ev->e->text.p;
		diag->text_len = ev->e->text.n;
	}
	if (err)
		fl_diag_message(diag, "%s: %s", errors[code].message, fl_errno_name(err));
	return err ? err : -errors[code].err;
}

/*
 * The kernel's own words, if the last entry of its log is about @given: message, and the caret in
 * @text, which stands @shift bytes behind @given's start.
 */
static void quote_log(const char *folder, struct fl_str given, size_t shift, struct fl_str text,
		      struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf path = {}, log = {};
	struct fl_str rest, line, message = {}, shown = {};
	size_t column = 0;

	fl_buf_addf(&path, "%s/error_log", folder);
	if (!diag || read_text(fl_buf_z(&path), &log) < 0)
		return;
	for (rest = fl_buf_str(&log); fl_str_line(&rest, &line);) {
		const char *at = memmem(line.p, line.n, "error: ", 7);

		if (line.n && line.p[0] == '[' && at)
			message = fl_str_from(line, at + 7 - line.p);
		else if (fl_str_starts(line, ERROR_LOG_HEAD))
			shown = fl_str_from(line, strlen(ERROR_LOG_HEAD));
		else
			column = fl_str_find(line, '^', 0);
	}
	if (!message.n || !fl_str_eq(fl_str_trim(shown), fl_str_trim(given)))
		return;
	fl_diag_message(diag, "%s: %.*s", diag->kind->message, FL_STR_ARG(message));
	shift += strlen(ERROR_LOG_HEAD);
	diag->text = text.p;
	diag->text_len = text.n;
	diag->column = column >= shift ? FL_MIN(column - shift, text.n) : 0;
	diag->span = (struct fl_span){ diag->column, diag->column + 1 };
}

/* ---- start ---- */

/* The filter of an event probe is of the event that it hangs on, and stands in its definition. */
static bool is_part_of_text(const struct event *ev)
{
	return ev->filter.n && ev->e->kind == FL_PROBE_EPROBE;
}

static void name_event(const struct fl_ftrace *t, struct event *ev)
{
	unsigned int twins = 0;

	for (const struct event *other = t->events; other < ev; other++)
		twins += fl_str_eq(other->e->event, ev->e->event);
	fl_buf_add_str(&ev->name, ev->e->event);
	if (twins)
		fl_buf_addf(&ev->name, "_%u", twins + 1);
	if (ev->e->kind == FL_PROBE_EPROBE)
		fl_buf_addf(&ev->place, "%.*s.%.*s", FL_STR_ARG(ev->e->place.system),
			    FL_STR_ARG(ev->e->place.event));
}

/* "p:kprobes/p_vfs_read_0 vfs_read" becomes "p:OWNER/NAME vfs_read". */
static int rename_event(const struct fl_ftrace *t, const struct event *ev, struct fl_str text,
			struct fl_buf *out)
{
	size_t blank = fl_str_find(text, ' ', 0), colon = fl_str_find(text, ':', 0);

	fl_buf_add_str(out, fl_str_sub(text, 0, FL_MIN(colon, blank)));
	fl_buf_addf(out, ":%s/%s", fl_buf_z(&t->owner), fl_buf_z(&ev->name));
	fl_buf_add_str(out, fl_str_from(text, blank));
	if (is_part_of_text(ev))
		fl_buf_addf(out, " if %.*s", FL_STR_ARG(ev->filter));
	return out->error ? out->error : ev->name.error;
}

/*
 * A kernel whose README speaks of casts is given the event as it was written, and the lowered text only
 * where it refuses that; what cannot be lowered may still be written. Arguments that the kernel would look
 * for in the wrong register are lowered for it, too.
 */
static int make_texts(struct fl_ftrace *t, struct event *ev, uint32_t features, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf own = {}, lowered = {};
	int r;

	name_event(t, ev);
	if (features & 1u << FL_LOWER_CASTS && !fl_lower_moves(ev->e, fl_target_arch(t->target))) {
		fl_probe_event_list(ev->e, &own);
		r = rename_event(t, ev, fl_buf_str(&own), &ev->own);
		if (r < 0)
			return r;
	}
	r = fl_lower(ev->e, fl_target_arch(t->target), features, &lowered, ev->own.len ? NULL : diag);
	if (r == -EOPNOTSUPP && ev->own.len)
		return 0;
	return r < 0 ? r : rename_event(t, ev, fl_buf_str(&lowered), &ev->text);
}

static int make_all_texts(struct fl_ftrace *t, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf path = {}, readme = {};
	uint32_t features;
	int r;

	fl_buf_addf(&path, "%s/README", t->tracefs);
	r = read_text(fl_buf_z(&path), &readme);
	if (r < 0)
		return fail(FTRACE_NO_TRACEFS, NULL, r, diag);
	features = fl_lower_readme(fl_buf_str(&readme));
	for (size_t i = 0; i < t->nr_events && r == 0; i++)
		r = make_texts(t, &t->events[i], features, diag);
	return r;
}

static int make_instance(struct fl_ftrace *t, struct fl_diag *diag)
{
	int r = fl_reaper_start(&t->reaper, t->tracefs, fl_buf_str(&t->owner));

	if (r < 0)
		return r;
	if (mkdir(fl_buf_z(&t->instance), 0700) < 0)
		return fail(FTRACE_NO_INSTANCE, NULL, -errno, diag);
	t->has_instance = true;
	return write_instance(t, t->opts.boot_clock ? FL_STR("boot") : FL_STR("mono"), "trace_clock");
}

static int write_event(const struct fl_ftrace *t, const struct fl_buf *text)
{
	_cleanup_buf_ struct fl_buf path = {}, line = {};

	fl_buf_addf(&path, "%s/dynamic_events", t->tracefs);
	fl_buf_addf(&line, "%.*s\n", FL_STR_ARG(fl_buf_str(text)));
	if (path.error || line.error)
		return -ENOMEM;
	if (access(fl_buf_z(&path), W_OK) < 0 && errno == ENOENT)
		return -ENOSYS;
	return write_text(fl_buf_z(&path), O_APPEND, fl_buf_str(&line));
}

/* As it was written where the kernel takes that, else lowered. */
static int define(struct fl_ftrace *t, struct event *ev, struct fl_diag *diag)
{
	const struct fl_probe_place *place = &ev->e->place;
	int r;

	if (ev->e->kind == FL_PROBE_UPROBE && !t->opts.force &&
	    fl_target_insn_boundary(t->target, place->path, place->offset) == 0)
		return fail(FTRACE_NO_BOUNDARY, ev, 0, diag);
	r = ev->own.len ? write_event(t, &ev->own) : -EINVAL;

	if (r == 0 || !ev->text.len) {
		fl_buf_fini(&ev->text);
		ev->text = ev->own;
		ev->own = (struct fl_buf){};
	} else if (r != -ENOSYS) {
		r = write_event(t, &ev->text);
	}
	if (r == -ENOSYS)
		return fail(FTRACE_NO_DYNAMIC_EVENTS, NULL, 0, diag);
	if (r == 0)
		return 0;
	fail(FTRACE_REFUSED, ev, r, diag);
	quote_log(t->tracefs, fl_buf_str(&ev->text), 0, fl_buf_str(&ev->text), diag);
	return r;
}

/* The kernel's filters know both quotes and no escapes: a name must not end its own string. */
static int add_comm(const char *comm, struct fl_buf *text)
{
	char quote = strchr(comm, '"') ? '\'' : '"';

	if (strchr(comm, quote))
		return -EINVAL;
	fl_buf_addf(text, "comm == %c%s%c && ", quote, comm, quote);
	return 0;
}

/*
 * The definition's filter and --comm are one filter of the kernel's; and what we do ourselves is left
 * out: reading a record would make the next one. By filter, because the kernel's other means,
 * set_event_notrace_pid, leaves out the interrupts too that happen to come while we run.
 */
static int set_filter(struct fl_ftrace *t, struct event *ev, struct fl_diag *diag)
{
	bool own = ev->filter.n && !is_part_of_text(ev);
	_cleanup_buf_ struct fl_buf text = {};
	int r;

	if (own)
		fl_buf_addf(&text, "(%.*s) && ", FL_STR_ARG(ev->filter));
	r = t->opts.comm ? add_comm(t->opts.comm, &text) : 0;
	if (r < 0)
		return fail(FTRACE_COMM_QUOTES, NULL, 0, diag);
	fl_buf_addf(&text, "(common_pid != %d || common_flags & %d)", (int)getpid(), IN_INTERRUPT);
	r = write_instance(t, fl_buf_str(&text), "events/%s/%s/filter", fl_buf_z(&t->owner),
			   fl_buf_z(&ev->name));
	if (r == 0)
		return 0;
	fail(FTRACE_FILTER_REFUSED, ev, r, diag);
	if (own)
		quote_log(fl_buf_z(&t->instance), fl_buf_str(&text), strlen("("), ev->filter, diag);
	return r;
}

static int load_format(struct fl_ftrace *t, struct event *ev)
{
	_cleanup_buf_ struct fl_buf path = {};
	int r;

	fl_buf_addf(&path, "%s/events/%s/%s/format", t->tracefs, fl_buf_z(&t->owner), fl_buf_z(&ev->name));
	r = read_text(fl_buf_z(&path), &ev->format_text);
	if (r == 0)
		r = fl_format_parse(ev->e->group, fl_buf_str(&ev->format_text), &t->arena, NULL,
				    &ev->format);
	if (r < 0)
		return r;
	ev->format.name = ev->e->event;
	return fl_event_printer_make(&ev->format, &t->arena, &ev->printer);
}

/* A process is its threads; a thread that it starts later is not seen. */
static int set_pid(struct fl_ftrace *t)
{
	_cleanup_buf_ struct fl_buf path = {}, list = {};
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *e;

	if (!t->opts.pid)
		return 0;
	fl_buf_addf(&path, "/proc/%u/task", t->opts.pid);
	dir = opendir(fl_buf_z(&path));
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			fl_buf_addf(&list, "%s ", e->d_name);
	if (!list.len)
		fl_buf_addf(&list, "%u", t->opts.pid);
	return write_instance(t, fl_buf_str(&list), "set_event_pid");
}

static int load_page_format(struct fl_ftrace *t)
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	int r;

	fl_buf_addf(&path, "%s/events/header_page", t->tracefs);
	r = read_text(fl_buf_z(&path), &text);
	return r < 0 ? r : fl_ring_format_parse(fl_buf_str(&text), &t->ring);
}

static int open_cpus(struct fl_ftrace *t)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	t->cpus = calloc(n > 0 ? n : 1, sizeof(*t->cpus));
	if (!t->cpus)
		return -ENOMEM;
	for (long i = 0; i < n; i++) {
		_cleanup_buf_ struct fl_buf path = {};
		struct cpu *c = &t->cpus[t->nr_cpus];

		fl_buf_addf(&path, "%s/per_cpu/cpu%ld/trace_pipe_raw", fl_buf_z(&t->instance), i);
		c->fd = open(fl_buf_z(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (c->fd < 0 && errno == ENOENT)
			continue; /* a CPU that was never there */
		if (c->fd < 0)
			return -errno;
		c->number = i;
		c->last = &c->first;
		t->nr_cpus++;
	}
	return 0;
}

int fl_ftrace_start(struct fl_ftrace *t, struct fl_diag *diag)
{
	struct event *end = t->events + t->nr_events;
	int r;

	t->tracefs = fl_target_tracefs(t->target);
	if (!t->tracefs)
		return fail(FTRACE_NO_TRACEFS, NULL, 0, diag);
	fl_buf_addf(&t->instance, "%s/instances/%s", t->tracefs, fl_buf_z(&t->owner));
	r = make_all_texts(t, diag);
	if (r == 0)
		r = make_instance(t, diag);
	for (struct event *ev = t->events; ev < end && r == 0; ev++)
		r = define(t, ev, diag);
	for (struct event *ev = t->events; ev < end && r == 0; ev++)
		r = set_filter(t, ev, diag);
	for (struct event *ev = t->events; ev < end && r == 0; ev++)
		r = load_format(t, ev);
	if (r == 0)
		r = set_pid(t);
	if (r == 0)
		r = load_page_format(t);
	if (r == 0)
		r = open_cpus(t);
	for (struct event *ev = t->events; ev < end && r == 0; ev++) {
		r = write_instance(t, FL_STR("1"), "events/%s/%s/enable", fl_buf_z(&t->owner),
				   fl_buf_z(&ev->name));
		if (r < 0)
			fail(FTRACE_NOT_ENABLED, ev, r, diag);
	}
	return r;
}

/* ---- reading ---- */

static void open_page(const struct fl_ftrace *t, struct fl_ring_page *page, const void *bytes)
{
	fl_ring_page_open(page, fl_str_n(bytes, t->ring.page_size), t->ring.data_offset, FL_ABI_OWN);
}

static int take_pages(struct fl_ftrace *t, struct cpu *c)
{
	for (int i = 0; i < PAGES_A_ROUND; i++) {
		struct queued *q = malloc(sizeof(*q) + t->ring.page_size);
		ssize_t n;

		if (!q)
			return -ENOMEM;
		n = read(c->fd, q->bytes, t->ring.page_size);
		if (n <= 0) {
			int err = n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;

			free(q);
			return err;
		}
		memset(q->bytes + n, 0, t->ring.page_size - n);
		q->next = NULL;
		*c->last = q;
		if (c->last == &c->first)
			open_page(t, &c->page, q->bytes);
		c->last = &q->next;
	}
	return 0;
}

static void drop_first(struct fl_ftrace *t, struct cpu *c)
{
	struct queued *gone = c->first;

	c->first = gone->next;
	free(gone);
	if (c->first)
		open_page(t, &c->page, c->first->bytes);
	else
		c->last = &c->first;
}

/* Sees to it that @c->record is there, if any of its pages has one left. */
static void look_ahead(struct fl_ftrace *t, struct cpu *c)
{
	while (!c->record.p && c->first)
		if (fl_ring_page_next(&c->page, &c->record) <= 0)
			drop_first(t, c);
}

static struct cpu *earliest(struct fl_ftrace *t, uint64_t before)
{
	struct cpu *first = NULL;

	for (size_t i = 0; i < t->nr_cpus; i++) {
		struct cpu *c = &t->cpus[i];

		look_ahead(t, c);
		if (c->record.p && c->page.time <= before && (!first || c->page.time < first->page.time))
			first = c;
	}
	return first;
}

/* "PID NAME" in saved_cmdlines: the kernel's own memory of who was switched away from. */
static bool saved_comm(struct fl_ftrace *t, uint32_t pid, struct fl_str *ret)
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	struct fl_str rest, line, word;
	uint64_t number;

	fl_buf_addf(&path, "%s/saved_cmdlines", t->tracefs);
	if (read_text(fl_buf_z(&path), &text) < 0)
		return false;
	for (rest = fl_buf_str(&text); fl_str_line(&rest, &line);) {
		if (!fl_str_word(&line, &word) || fl_parse_u64(word, 10, &number) < 0 || number != pid)
			continue;
		line = fl_str_sub(fl_str_trim(line), 0, sizeof(t->comm));
		memcpy(t->comm, line.p, line.n);
		*ret = fl_str_n(t->comm, line.n);
		return true;
	}
	return false;
}

/* The name of now, or of when it was last seen. */
static struct fl_str comm_of(struct fl_ftrace *t, uint32_t pid)
{
	_cleanup_close_ int fd = -1;
	struct fl_str saved;
	char path[48];
	ssize_t n;

	if (!pid)
		return FL_STR("<idle>");
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, t->comm, sizeof(t->comm));
	if (n > 0)
		return fl_str_trim(fl_str_n(t->comm, n));
	return saved_comm(t, pid, &saved) ? saved : FL_STR("<...>");
}

int fl_ftrace_ended_comms(const struct fl_ftrace *t, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	struct fl_str rest, line, word;

	fl_buf_addf(&path, "%s/saved_cmdlines", t->tracefs);
	if (read_text(fl_buf_z(&path), &text) < 0)
		return 0; /* names stay what they were */
	for (rest = fl_buf_str(&text); fl_str_line(&rest, &line);) {
		struct fl_str words = line;
		char proc[48];

		if (!fl_str_word(&words, &word) || word.n > 10)
			continue;
		snprintf(proc, sizeof(proc), "/proc/%.*s", FL_STR_ARG(word));
		if (access(proc, F_OK) < 0)
			fl_buf_addf(out, "%.*s\n", FL_STR_ARG(line));
	}
	return out->error;
}

static struct event *event_of(struct fl_ftrace *t, uint16_t type)
{
	for (size_t i = 0; i < t->nr_events; i++)
		if (t->events[i].format.id == type)
			return &t->events[i];
	return NULL;
}

static int hand_out(struct fl_ftrace *t, struct cpu *c, fl_recorded_fn fn, void *ctx)
{
	struct fl_recorded rec;
	struct event *ev;

	fl_recorded_start(&rec, FL_ABI_OWN, c->page.time, c->number, c->record);
	c->record = (struct fl_str){};
	ev = event_of(t, rec.type);
	if (!ev)
		return 0;
	rec.format = &ev->format;
	rec.printer = &ev->printer;
	rec.place = fl_buf_str(&ev->place);
	rec.comm = comm_of(t, rec.pid);
	ev->records++;
	ev->faults += fl_recorded_faults(&rec);
	return fn(ctx, &rec);
}

static uint64_t now(const struct fl_ftrace *t)
{
	struct timespec ts;

	clock_gettime(t->opts.boot_clock ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

int64_t fl_ftrace_read(struct fl_ftrace *t, fl_recorded_fn fn, void *ctx)
{
	uint64_t before = now(t);
	int64_t n = 0;
	struct cpu *c;
	int r;

	for (size_t i = 0; i < t->nr_cpus; i++) {
		r = take_pages(t, &t->cpus[i]);
		if (r < 0)
			return r;
	}
	while ((c = earliest(t, before))) {
		r = hand_out(t, c, fn, ctx);
		if (r < 0)
			return r;
		n++;
	}
	return n;
}

/* ---- what it says of itself ---- */

struct fl_str fl_ftrace_text(const struct fl_ftrace *t, size_t i)
{
	return fl_buf_str(&t->events[i].text);
}

struct fl_str fl_ftrace_format(const struct fl_ftrace *t, size_t i)
{
	return fl_buf_str(&t->events[i].format_text);
}

/*
 * "EVENT HITS MISSED" in kprobe_profile, "FILE EVENT HITS" in uprobe_profile; function, tracepoint
 * and event probes stand in neither. Groups are not named: with two events of a name there is no
 * telling. Returns the number of lines that could be the event's.
 */
static int find_profile(const struct fl_ftrace *t, const char *file, unsigned int skip, struct fl_str name,
			uint64_t numbers[static 2])
{
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	struct fl_str rest, line, word;
	int n = 0;

	fl_buf_addf(&path, "%s/%s", t->tracefs, file);
	if (read_text(fl_buf_z(&path), &text) < 0)
		return 0;
	for (rest = fl_buf_str(&text); fl_str_line(&rest, &line);) {
		for (unsigned int i = 0; i < skip; i++)
			fl_str_word(&line, &word);
		if (!fl_str_word(&line, &word) || !fl_str_eq(word, name))
			continue;
		n++;
		for (size_t i = 0; i < 2 && fl_str_word(&line, &word); i++)
			fl_parse_u64(word, 10, &numbers[i]);
	}
	return n;
}

/* "overrun: N" and "dropped events: N" of a CPU's stats */
static uint64_t lost_by(const struct fl_ftrace *t, const struct cpu *c)
{
	static const char *const keys[] = { "overrun: ", "dropped events: " };
	_cleanup_buf_ struct fl_buf path = {}, text = {};
	struct fl_str rest, line;
	uint64_t lost = 0, n;

	fl_buf_addf(&path, "%s/per_cpu/cpu%u/stats", fl_buf_z(&t->instance), c->number);
	if (read_text(fl_buf_z(&path), &text) < 0)
		return 0;
	for (rest = fl_buf_str(&text); fl_str_line(&rest, &line);)
		for (size_t k = 0; k < FL_ARRAY_SIZE(keys); k++)
			if (fl_str_starts(line, keys[k]) &&
			    fl_parse_u64(fl_str_trim(fl_str_from(line, strlen(keys[k]))), 10, &n) == 0)
				lost += n;
	return lost;
}

uint64_t fl_ftrace_lost(const struct fl_ftrace *t)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < t->nr_cpus; i++)
		lost += lost_by(t, &t->cpus[i]);
	return lost;
}

void fl_ftrace_totals(const struct fl_ftrace *t, size_t i, struct fl_ftrace_totals *ret)
{
	const struct event *ev = &t->events[i];
	struct fl_str name = fl_buf_str(&ev->name);
	uint64_t numbers[2] = {}, lost = fl_ftrace_lost(t);
	int n = find_profile(t, "kprobe_profile", 0, name, numbers) +
		find_profile(t, "uprobe_profile", 1, name, numbers);

	*ret = (struct fl_ftrace_totals){ .records = ev->records, .faults = ev->faults };
	ret->knows_lost = t->nr_events == 1 || !lost;
	ret->lost = ret->knows_lost ? lost : 0;
	ret->knows_hits = n == 1;
	if (!ret->knows_hits)
		return;
	ret->hits = numbers[0];
	ret->missed = numbers[1];
	ret->knows_filtered = ret->knows_lost && ret->hits >= ret->records + ret->lost;
	if (ret->knows_filtered)
		ret->filtered = ret->hits - ret->records - ret->lost;
}

/* ---- life ---- */

int fl_ftrace_new(struct fl_target *target, const struct fl_ftrace_opts *opts, struct fl_ftrace **ret)
{
	_cleanup_ftrace_ struct fl_ftrace *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->target = target;
	t->opts = *opts;
	t->reaper.fd = -1;
	r = fl_owner_name(0, &t->owner);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

int fl_ftrace_add(struct fl_ftrace *t, const struct fl_probe_event *e, struct fl_str filter)
{
	struct event *more = reallocarray(t->events, t->nr_events + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	t->events = more;
	more[t->nr_events++] = (struct event){ .e = e, .filter = filter };
	return 0;
}

void fl_ftrace_stop(struct fl_ftrace *t)
{
	for (size_t i = 0; t->has_instance && i < t->nr_events; i++)
		write_instance(t, FL_STR("0"), "events/%s/%s/enable", fl_buf_z(&t->owner),
			       fl_buf_z(&t->events[i].name));
}

static int ignore_result(void *ctx, struct fl_str what, int err)
{
	return 0;
}

static void free_cpu(struct fl_ftrace *t, struct cpu *c)
{
	while (c->first)
		drop_first(t, c);
	close(c->fd);
}

void fl_ftrace_free(struct fl_ftrace *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr_cpus; i++)
		free_cpu(t, &t->cpus[i]);
	if (t->reaper.fd >= 0)
		fl_owner_remove(t->tracefs, fl_buf_str(&t->owner), ignore_result, NULL);
	fl_reaper_stop(&t->reaper);
	for (size_t i = 0; i < t->nr_events; i++) {
		fl_buf_fini(&t->events[i].text);
		fl_buf_fini(&t->events[i].own);
		fl_buf_fini(&t->events[i].name);
		fl_buf_fini(&t->events[i].place);
		fl_buf_fini(&t->events[i].format_text);
	}
	fl_arena_fini(&t->arena);
	fl_buf_fini(&t->owner);
	fl_buf_fini(&t->instance);
	free(t->events);
	free(t->cpus);
	free(t);
}
