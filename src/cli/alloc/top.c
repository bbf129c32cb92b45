/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc top: the largest tags, live. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "alloc/views/merge.h"
#include "alloc/views/render.h"
#include "alloc/views/watch.h"
#include "cli/alloc/common.h"
#include "cli/cmds.h"
#include "cli/say.h"

/* The other screen, without a cursor; and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME  "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

extern const struct fl_cmd fl_cmd_alloc_top;

struct top_opts {
	struct alloc_source_opts source;
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	uint64_t interval;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct top_opts, source, alloc_source_options),
	FL_OPT_GROUP(struct top_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct top_opts, view, alloc_view_options),
	FL_OPT_DURATION_SOME(struct top_opts, interval, 'i', "interval", "TIME",
			"time between two looks (default 1s)"),
	{}
};

struct top {
	const struct top_opts *opts;
	struct fl_alloc_source *source;
	struct fl_alloc_filter filter;
	struct fl_alloc_order order;
	struct fl_alloc_watch watch;
	bool raw;
	bool plain; /* a terminal that knows no sequences: screen stands below screen */
	unsigned int rows, columns;
	struct termios before;
	int signals;
	int code;
};

static const char *escape(const struct top *t, const char *sequence)
{
	return t->plain ? "" : sequence;
}

static void measure(struct top *t)
{
	struct winsize ws = {};

	t->rows = 24;
	t->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row && ws.ws_col) {
		t->rows = ws.ws_row;
		t->columns = ws.ws_col;
	}
}

/* Bytes that a terminal would act upon become "?"; the line is cut at the screen's edge. */
static void add_line(const struct top *t, struct fl_str line, bool heading, struct fl_buf *out)
{
	fl_buf_addz(out, escape(t, heading ? "\033[7m" : ""));
	for (size_t i = 0; i < line.n && i < t->columns; i++)
		fl_buf_addc(out, line.p[i] < ' ' || line.p[i] == 127 ? '?' : line.p[i]);
	fl_buf_addz(out, escape(t, heading ? CLEAR_LINE "\033[0m" : CLEAR_LINE));
}

static void add_title(const struct top *t, const struct fl_alloc_set *set, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf b = {};
	uint64_t bytes = 0;

	for (size_t i = 0; i < set->n; i++)
		bytes += (uint64_t)set->v[i].bytes;
	fl_buf_addf(&b, "%s: ", t->source->name);
	fl_alloc_add_bytes(&b, (int64_t)bytes, t->raw);
	fl_buf_addf(&b, " in %zu tags%s", set->n, set->torn ? " (torn)" : "");
	add_line(t, fl_buf_str(&b), false, out);
	fl_buf_addz(out, "\n");
	add_line(t, FL_STR("sort: b bytes  c calls  a average  f file  n function  m module  p peak  t total   "
			   "r raw   q quit"), false, out);
}

static int draw(struct top *t, struct fl_alloc_set *set)
{
	_cleanup_buf_ struct fl_buf out = {}, table = {};
	struct fl_str rest, line;
	unsigned int row = 2;
	size_t limit = t->rows > 3 ? t->rows - 3 : 1;
	int r;

	fl_buf_addz(&out, escape(t, HOME));
	add_title(t, set, &out);
	if (t->opts->view.lines && t->opts->view.lines < limit)
		limit = t->opts->view.lines;
	fl_alloc_sort(set, &t->order, limit);
	r = fl_alloc_render_top(set, &t->watch, t->raw, &table);
	if (r < 0)
		return r;
	for (rest = fl_buf_str(&table); row < t->rows && fl_str_line(&rest, &line); row++) {
		fl_buf_addz(&out, "\n");
		add_line(t, line, row == 2, &out);
	}
	fl_buf_addz(&out, t->plain ? "\n\n" : CLEAR_REST);
	return out.error ? out.error : fl_buf_write_fd(&out, STDOUT_FILENO);
}

static int look(struct top *t)
{
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	const struct fl_alloc_filter everything = {};
	bool chains = alloc_has_chains(&t->opts->source);
	struct fl_alloc_findings findings = {};
	int r = fl_alloc_source_read(t->source, chains ? &everything : &t->filter, &findings, &set);

	if (r == 0 && chains) {
		r = fl_alloc_merge(&set);
		fl_alloc_keep(&set, &t->filter);
	}
	if (r == 0)
		r = fl_alloc_watch_add(&t->watch, &set);
	return r < 0 ? r : draw(t, &set);
}

/* False to quit. */
static bool key(struct top *t, char c)
{
	static const char keys[] = "bcafnmpt"; /* in the order of enum fl_alloc_key */
	const char *at = c ? strchr(keys, c) : NULL;

	if (at) {
		t->order.reverse = t->order.key == (enum fl_alloc_key)(at - keys) &&
				   !t->order.reverse;
		t->order.key = (enum fl_alloc_key)(at - keys);
	}
	t->raw ^= c == 'r';
	return c != 'q' && c != 3 && c != 4;
}

static bool keys(struct top *t)
{
	char buf[16];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0)
		return false;
	for (ssize_t i = 0; i < n; i++)
		if (!key(t, buf[i]))
			return false;
	return true;
}

/* A resize is a reason to draw anew; any other signal to end. */
static bool signalled(struct top *t)
{
	struct signalfd_siginfo si;

	if (read(t->signals, &si, sizeof(si)) != sizeof(si) || si.ssi_signo != SIGWINCH)
		return false;
	measure(t);
	return true;
}

static int loop(struct top *t)
{
	uint64_t interval = t->opts->interval ? t->opts->interval : 1000000000ULL;
	struct timespec ts = { (time_t)(interval / 1000000000), (long)(interval % 1000000000) };

	for (;;) {
		struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
				       { .fd = t->signals, .events = POLLIN } };
		int r = look(t);

		if (r < 0)
			return r;
		if (ppoll(p, 2, &ts, NULL) < 0)
			return -errno;
		if (p[0].revents && !keys(t))
			return 0;
		if (p[1].revents && !signalled(t))
			return 0;
	}
}

static int open_signals(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < FL_ARRAY_SIZE(wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void say(const char *s)
{
	struct fl_buf b = {};

	fl_buf_addz(&b, s);
	fl_buf_write_fd(&b, STDOUT_FILENO);
	fl_buf_fini(&b);
}

/* The terminal is what it was before, whatever ends the loop. */
static int on_screen(struct top *t)
{
	struct termios raw;
	int r;

	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return -errno;
	t->signals = open_signals();
	if (t->signals < 0)
		return -errno;
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	measure(t);
	say(escape(t, ENTER));
	r = loop(t);
	say(escape(t, LEAVE));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
	close(t->signals);
	return r;
}

static bool is_plain_terminal(const char *name)
{
	return !name || !*name || !strcmp(name, "dumb");
}

static int run(const void *opts, const struct fl_args *args)
{
	struct top t = { .opts = opts };
	int code, r;

	if (t.opts->view.json)
		return fl_say_usage("a screen has no --json: 'foreland alloc watch --json' has");
	t.plain = is_plain_terminal(getenv("TERM"));
	code = alloc_make_filter(&t.opts->filter, &t.filter);
	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&t.opts->view, &t.order);
	if (code == FL_EXIT_DONE && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		code = fl_say_usage("not a terminal: 'foreland alloc show' and 'foreland alloc watch' write to files");
	if (code == FL_EXIT_DONE)
		code = alloc_open(&t.opts->source, &t.source);
	if (code != FL_EXIT_DONE)
		return code;
	t.raw = t.opts->view.raw;
	r = on_screen(&t);
	if (r < 0)
		fl_say_failed(t.source->name, r);
	code = alloc_note(t.source, r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE);
	fl_alloc_watch_fini(&t.watch);
	fl_alloc_source_close(t.source);
	return code;
}

const struct fl_cmd fl_cmd_alloc_top = {
	.name = "top",
	.summary = "Show the largest tags live, on a screen",
	.about = "Keys choose the order (twice: the reverse), r switches between plain and human\n"
		 "units, q quits. GROWTH is what a tag has gained since top was started. On a dumb\n"
		 "terminal (TERM) screens stand one below the other, without any sequences.",
	.size = sizeof(struct top_opts),
	.options = options,
	.run = run,
};
