/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "foreland docs check". */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "docs/patch/affected.h"
#include "docs/patch/compare.h"
#include "docs/fix/fix.h"
#include "docs/patch/git.h"
#include "docs/report/format.h"
#include "docs/report/report.h"

#define MOST_TOLD 20 /* complaints of one kind on standard error; then they are counted */

struct check_opts {
	const char *only, *skip, *level, *docutils, *kernel_doc, *patch, *base, *baseline;
	const char *format, *doc_root;
	uint64_t warnings_exit;
	bool fix, write, robot, json;
};

static const struct fl_opt options[] = {
	FL_OPT_STR(struct check_opts, patch, 0, "patch", "FILE",
		   "apply patches or mails (- is standard input) in memory and report what is new"),
	FL_OPT_STR(struct check_opts, base, 0, "base", "REV",
		   "the revision that patches apply to; without a patch, what has changed since"),
	FL_OPT_STR(struct check_opts, baseline, 0, "baseline", "FILE",
		   "report what is not in FILE, the output of an earlier run"),
	FL_OPT_FLAG(struct check_opts, fix, 0, "fix", "print a diff that fixes what has one right answer"),
	FL_OPT_FLAG(struct check_opts, write, 0, "write", "with --fix: change the files"),
	FL_OPT_STR(struct check_opts, only, 0, "only", "CHECK,...", "run these checks or groups alone"),
	FL_OPT_STR(struct check_opts, skip, 0, "skip", "CHECK,...", "leave these checks or groups out"),
	FL_OPT_STR(struct check_opts, level, 0, "level", "error|warning|style",
		   "the mildest level that is reported (warning)"),
	FL_OPT_STR(struct check_opts, docutils, 0, "docutils", "0.21|0.22|0.23",
		   "whose message family is spoken (0.23)"),
	FL_OPT_STR(struct check_opts, kernel_doc, 0, "kernel-doc", "6.12|7.3",
		   "whose rules for comments apply (those of the tree's own script)"),
	FL_OPT_STR(struct check_opts, doc_root, 0, "doc-root", "DIR",
		   "the folder of the tree's pages (Documentation, or where conf.py lies)"),
	FL_OPT_FLAG(struct check_opts, robot, 0, "robot", "print a report as the kernel test robot's"),
	FL_OPT_FLAG(struct check_opts, json, 0, "json", "print one JSON object a line (--format json)"),
	FL_OPT_STR(struct check_opts, format, 0, "format", DOCS_FORMAT_NAMES, "how findings are printed (text)"),
	FL_OPT_U64_IN(struct check_opts, warnings_exit, 0, "warnings-exit", "N", 1, 255,
		      "the exit status where there are warnings and no errors (1)"),
	{}
};

/* One invocation. */
struct session {
	const struct check_opts *o;
	struct docs_opts opts;
	struct docs_tree tree, orig; /* orig: without the patch */
	const struct docs_format *format;
	struct docs_session run, before; /* before: of orig */
	struct docs_affected affected;
	char **old_paths;	     /* what is checked in orig, where that is something else */
	size_t nr_old;
	struct fl_arena arena;
	struct fl_buf patch, head;
	struct docs_mail *mails;
	const char *patch_name;
	char **paths; /* what is checked, relative to the tree */
	size_t nr_paths;
	bool compared; /* known and new findings are told apart */
	atomic_size_t files;
};

static int read_check_options(const struct check_opts *o, struct docs_opts *opts)
{
	_cleanup_buf_ struct fl_buf err = {};
	struct docs_set skip = {};
	int r = 0;

	if (o->write && !o->fix)
		return fl_say_usage("--write goes with --fix");
	if (o->robot + o->json + (o->format != NULL) > 1)
		return fl_say_usage("--robot, --json and --format exclude each other");
	if (o->fix && (o->patch || o->robot || o->json || o->format))
		return fl_say_usage("--fix goes with files alone");
	if (o->only)
		r = docs_set_parse(&opts->want, o->only, &err);
	else
		memset(&opts->want, 0xff, sizeof(opts->want));
	if (!r && o->only && docs_set_is_empty(&opts->want))
		return fl_say_usage("--only: '%s' names no check", o->only);
	if (!r && o->skip)
		r = docs_set_parse(&skip, o->skip, &err);
	if (r < 0)
		return fl_say_usage("%s", fl_buf_z(&err));
	for (size_t i = 0; i < FL_ARRAY_SIZE(skip.bits); i++)
		opts->want.bits[i] &= ~skip.bits[i];
	opts->level = FL_WARNING;
	for (enum fl_level l = FL_ERROR; o->level && l <= FL_STYLE; l++)
		opts->level = strcmp(o->level, fl_level_name(l)) ? opts->level : l;
	opts->kernel_doc_given = o->kernel_doc;
	opts->kernel_doc = o->kernel_doc && !strcmp(o->kernel_doc, "7.3") ? KDOC_7_3 : KDOC_6_12;
	opts->family = o->docutils && !strcmp(o->docutils, "0.21") ? DOCUTILS_21 : DOCUTILS_22;
	return FL_EXIT_DONE;
}

/* -- what is checked -- */

static int add_path(struct session *s, const char *path)
{
	char **v = reallocarray(s->paths, s->nr_paths + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	s->paths = v;
	v[s->nr_paths] = strdup(path);
	return v[s->nr_paths] ? (s->nr_paths++, 0) : -ENOMEM;
}

/* What is no file may be a revision, or two: then --base was meant. */
static void suggest_base(const char *arg)
{
	const char *dots = strstr(arg, "..");
	_cleanup_buf_ struct fl_buf rel = {}, hash = {};
	_cleanup_free_ char *rev = dots ? strndup(arg, (size_t)(dots - arg)) : strdup(arg);
	struct docs_tree here = { .fd = -1 };

	if (rev && rev[0] && docs_tree_open(&here, ".", &rel) == 0 && docs_git_verify(&here, rev, &hash) == 0)
		fl_say_help("--base %s checks what has changed since that revision", rev);
	docs_tree_close(&here);
}

static int add_operand(struct session *s, const char *arg, const char *first)
{
	_cleanup_buf_ struct fl_buf rel = {};
	struct docs_tree other = { .fd = -1 };
	int r = docs_tree_open(&other, arg, &rel);

	if (r < 0) {
		fl_say_failed(arg[0] ? arg : "''", r);
		suggest_base(arg);
	} else if (strcmp(other.root, s->tree.root))
		fl_say(FL_ERROR, "%s lies in another tree than %s", arg, first), r = -EXDEV;
	else
		r = add_path(s, fl_buf_z(&rel));
	docs_tree_close(&other);
	return r;
}

/* An operand that is a patch would be read as text, and nothing found in it: --patch was meant. */
static bool is_patch(struct session *s, const char *path)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct docs_mail *mails = NULL;

	if (docs_is_page(path) || docs_is_abi(path) || docs_is_c(path) || !docs_is_file(&s->tree, path) ||
	    docs_tree_read(&s->tree, path, &text) < 0 ||
	    docs_patch_read(&s->arena, docs_mail_decode(&s->arena, fl_buf_str(&text)), &mails) < 0)
		return false;
	return mails && mails->changes;
}

static int refuse_patches(struct session *s)
{
	for (size_t i = 0; i < s->nr_paths; i++) {
		if (is_patch(s, s->paths[i])) {
			fl_say_usage("%s is a patch; --patch FILE checks what it changes", s->paths[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int open_tree(struct session *s, const struct fl_args *args)
{
	_cleanup_buf_ struct fl_buf rel = {};
	const char *first = ".";
	int r;

	for (size_t i = args->n; i-- > 0;)
		first = strcmp(args->v[i], "-") ? args->v[i] : first;
	r = docs_tree_open(&s->tree, first, &rel);
	if (r < 0) {
		fl_say_failed(first[0] ? first : "''", r);
		suggest_base(first);
		return r;
	}
	if (s->o->doc_root)
		r = docs_tree_doc_root(&s->tree, s->o->doc_root);
	if (r < 0)
		return fl_say_failed(s->o->doc_root, r), r;
	for (size_t i = 0; i < args->n && !r; i++) {
		if (strcmp(args->v[i], "-"))
			r = add_operand(s, args->v[i], first);
	}
	if (!r && !args->n)
		r = add_path(s, fl_buf_z(&rel));
	return r;
}

static bool reads_stdin(const struct fl_args *args)
{
	for (size_t i = 0; i < args->n; i++) {
		if (!strcmp(args->v[i], "-"))
			return true;
	}
	return false;
}

static int read_stdin(struct session *s)
{
	struct fl_buf text = {};
	char *copy;
	int r = fl_buf_read_fd(&text, STDIN_FILENO, DOCS_MAX_FILE);

	copy = r < 0 ? NULL : fl_arena_dup(&s->arena, fl_buf_str(&text));
	if (!r && !copy)
		r = -ENOMEM;
	if (!r)
		r = docs_session_text(&s->run, "<stdin>.rst", fl_str_n(copy, text.len));
	fl_buf_fini(&text);
	return r;
}

/* -- progress -- */

static atomic_bool finished;

static void *show_progress(void *arg)
{
	struct session *s = arg;

	for (unsigned int tick = 0; !atomic_load(&finished); tick++) {
		usleep(100000);
		if (tick > 4 && !atomic_load(&finished))
			fprintf(stderr, "\r%zu files ", atomic_load(&s->files));
	}
	fputs("\r\033[K", stderr);
	return NULL;
}

static int run_paths(struct session *s, struct docs_session *run, char **paths, size_t n)
{
	bool terminal = isatty(STDERR_FILENO);
	pthread_t thread;
	int r;

	atomic_store(&finished, false);
	terminal = terminal && pthread_create(&thread, NULL, show_progress, s) == 0;
	r = docs_session_paths(run, (const char *const *)paths, n);
	if (!r)
		r = docs_session_finish(run);
	atomic_store(&finished, true);
	if (terminal)
		pthread_join(thread, NULL);
	return r;
}

/* -- patches and revisions -- */

static int read_patch(struct session *s)
{
	_cleanup_file_ struct fl_file f = {};
	int r;

	s->patch_name = strcmp(s->o->patch, "-") ? s->o->patch : "<stdin>";
	r = fl_file_open(s->o->patch, DOCS_MAX_FILE, &f);
	if (r < 0)
		return fl_say_failed(s->patch_name, r), r;
	fl_buf_add_str(&s->patch, docs_mail_decode(&s->arena, fl_file_str(&f)));
	if (s->patch.error)
		return s->patch.error;
	r = docs_patch_read(&s->arena, fl_buf_str(&s->patch), &s->mails);
	if (!r && !s->mails)
		return fl_say(FL_ERROR, "%s: no patch in it", s->patch_name), -EINVAL;
	return r;
}

static int touched(struct session *s, bool after)
{
	int r = 0;

	for (const struct docs_mail *m = s->mails; m; m = m->next) {
		for (const struct docs_change *c = m->changes; c && !r; c = c->next) {
			struct fl_str path = after ? c->new_path : c->old_path;
			_cleanup_free_ char *z = path.p ? fl_str_dup(path) : NULL;
			bool known = !z;

			for (size_t i = 0; i < s->nr_paths && !known; i++)
				known = !strcmp(s->paths[i], z);
			if (!known)
				r = add_path(s, z);
		}
	}
	return r;
}

static void forget_paths(struct session *s)
{
	for (size_t i = 0; i < s->nr_paths; i++)
		free(s->paths[i]);
	s->nr_paths = 0;
}

/* The files of @s->paths as they are in the revision, laid over @t. */
static int lay_base(struct session *s, struct docs_tree *t)
{
	int r = 0;

	for (size_t i = 0; i < s->nr_paths && !r; i++) {
		_cleanup_buf_ struct fl_buf text = {};
		struct fl_str path = fl_str(s->paths[i]);

		r = docs_git_show(t, s->o->base, path, &text);
		if (r == -ENOENT)
			r = docs_tree_put(t, path, (struct fl_str){});
		else if (!r)
			r = docs_tree_put(t, path, fl_buf_str(&text));
	}
	return r;
}

static int verify_base(struct session *s)
{
	int r = docs_git_verify(&s->tree, s->o->base, &s->head);

	if (r < 0)
		fl_say(FL_ERROR, "%s is no revision of %s", s->o->base, s->tree.root);
	return r;
}

static int open_orig(struct session *s)
{
	_cleanup_buf_ struct fl_buf rel = {};
	int r = docs_tree_open(&s->orig, s->tree.root, &rel);

	return r || !s->o->doc_root ? r : docs_tree_doc_root(&s->orig, s->o->doc_root);
}

static int begin_session_anew(struct docs_session *run, struct docs_tree *t, const struct docs_opts *opts)
{
	docs_session_fini(run);
	return docs_session_init(run, t, opts);
}

static int check_state(struct session *s, struct docs_session *run, struct docs_tree *t, char **paths, size_t n)
{
	int r = begin_session_anew(run, t, &s->opts);

	return r ? r : run_paths(s, run, paths, n);
}

static int check_whole(struct session *s)
{
	char none[] = "", *top[] = { none };
	int r;

	s->opts.local = false;
	r = check_state(s, &s->before, &s->orig, top, 1);
	return r ? r : check_state(s, &s->run, &s->tree, top, 1);
}

static bool has_path(const struct session *s, struct fl_str path)
{
	for (size_t i = 0; i < s->nr_paths; i++) {
		if (fl_str_is(path, s->paths[i]))
			return true;
	}
	return false;
}

/* The files of both states that the change can have affected, beside its own. */
static int add_affected(struct session *s)
{
	int r = 0;

	fl_map_for_each(e, &s->affected.paths) {
		if (!r && !has_path(s, e->key))
			r = add_path(s, e->key.p);
	}
	return r;
}

/*
 * Both states: the files of the change by themselves, and then with those that they affect. The report of
 * the robot tells old findings, too, and wants both states whole.
 */
static int check_both(struct session *s)
{
	int r = 0;

	for (size_t i = 0; i < s->nr_old && !r; i++) {
		if (!has_path(s, fl_str(s->old_paths[i])))
			r = add_path(s, s->old_paths[i]);
	}
	s->opts.local = true;
	if (!r)
		r = check_state(s, &s->before, &s->orig, s->paths, s->nr_paths);
	if (!r)
		r = check_state(s, &s->run, &s->tree, s->paths, s->nr_paths);
	if (!r)
		r = docs_affected_find(&s->affected, &s->before, &s->run, s->paths, s->nr_paths);
	if (!r && (s->affected.whole || s->o->robot)) {
		r = check_whole(s);
	} else if (!r && s->affected.paths.count) {
		r = add_affected(s);
		if (!r)
			r = check_state(s, &s->before, &s->orig, s->paths, s->nr_paths);
		if (!r)
			r = check_state(s, &s->run, &s->tree, s->paths, s->nr_paths);
	}
	if (!r)
		docs_mark_known(&s->run, &s->before);
	s->opts.local = false;
	return r;
}

/* What the patch's text and mail deserve, beside what the files do. */
static int check_mails(struct session *s, struct docs_sink *sink)
{
	size_t gone = docs_mark_known(&s->run, &s->before);

	docs_still_named(&s->run, &s->affected.find, s->mails, s->patch_name, fl_buf_str(&s->patch));
	docs_sink_file(sink, s->patch_name, fl_buf_str(&s->patch));
	for (const struct docs_mail *m = s->mails; m; m = m->next)
		docs_mail_check(m, &s->tree, sink, gone > 0);
	docs_sink_file(sink, NULL, fl_str_n("", 0));
	return 0;
}

static int check_patch(struct session *s)
{
	struct docs_sink errors = { .want = &s->opts.want, .level = s->opts.level };
	struct docs_sink *sink;
	int r = read_patch(s);

	forget_paths(s);
	if (!r)
		r = touched(s, false);
	if (!r)
		r = open_orig(s);
	if (!r && s->o->base)
		r = verify_base(s);
	if (!r && s->o->base) {
		r = lay_base(s, &s->orig);
		r = r < 0 ? r : lay_base(s, &s->tree);
	}
	s->old_paths = s->paths;
	s->nr_old = s->nr_paths;
	s->paths = NULL;
	s->nr_paths = 0;
	docs_sink_file(&errors, s->patch_name, fl_buf_str(&s->patch));
	if (!r)
		r = docs_patch_apply(s->mails, &s->tree, &errors);
	if (!r)
		r = touched(s, true);
	if (!r)
		r = check_both(s);
	sink = &s->run.workers[0].sink;
	if (!r)
		r = check_mails(s, sink);
	s->compared = true;
	for (size_t i = 0; i < errors.n; i++) {
		const struct docs_finding *e = &errors.v[i];
		struct docs_finding *f = docs_report(sink, e->check, 0, 0, 0, "%s", e->message);

		if (!f)
			continue;
		f->file = s->patch_name;
		f->line = f->docline = e->line;
		f->text = fl_str_n(fl_arena_dup(&s->arena, e->text), e->text.n);
	}
	docs_sink_fini(&errors);
	if (!r)
		r = docs_session_sort(&s->run);
	if (!r)
		docs_mark_known(&s->run, &s->before);
	return r;
}

/* What has changed since a revision, without a patch. */
static int check_since(struct session *s)
{
	_cleanup_buf_ struct fl_buf changed = {};
	int r = verify_base(s);

	if (!r)
		r = docs_git_changed(&s->tree, s->o->base, &changed);
	forget_paths(s);
	for (size_t at = 0; at < changed.len && !r; at += strlen(changed.data + at) + 1)
		r = add_path(s, changed.data + at);
	if (!r)
		r = open_orig(s);
	if (!r)
		r = lay_base(s, &s->orig);
	for (size_t i = 0; i < s->nr_paths && !r; i++) {
		char **v = reallocarray(s->old_paths, s->nr_old + 1, sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->old_paths = v;
		v[s->nr_old++] = strdup(s->paths[i]);
	}
	if (!r)
		r = check_both(s);
	s->compared = true;
	return r;
}

static int read_baseline(struct session *s)
{
	_cleanup_file_ struct fl_file f = {};
	int r = fl_file_open(s->o->baseline, DOCS_MAX_FILE, &f);

	if (r < 0)
		return fl_say_failed(s->o->baseline, r), r;
	r = docs_mark_baseline(&s->run, fl_file_str(&f));
	if (r < 0)
		fl_say(FL_ERROR, "%s: no output of foreland docs check", s->o->baseline);
	s->compared = true;
	return r;
}

/* What could not be read is told, and is a failure: nothing is known of it. */
static size_t tell_unread(const struct docs_session *run)
{
	size_t n = 0;

	for (unsigned int i = 0; i < run->nr_workers; i++) {
		for (const struct docs_unread *u = run->workers[i].unread; u; u = u->next) {
			if (n++ < MOST_TOLD)
				fl_say_failed(u->path, u->error);
		}
	}
	if (n > MOST_TOLD)
		fl_say(FL_ERROR, "%zu more files could not be read", n - MOST_TOLD);
	return n;
}

/* -- output -- */

static void robot_head(const struct session *s, struct fl_buf *out)
{
	bool errors = false, warnings = false;

	if (s->head.len)
		fl_buf_addf(out, "head:   %s\n", fl_buf_z(&s->head));
	for (const struct docs_mail *m = s->mails; m; m = m->next) {
		if (m->subject.n)
			fl_buf_addf(out, "commit: %.*s\n", FL_STR_ARG(m->subject));
	}
	for (size_t i = 0; i < s->run.n; i++) {
		errors |= s->run.v[i].level == FL_ERROR;
		warnings |= s->run.v[i].level != FL_ERROR;
	}
	fl_buf_addf(out, "%sAll %s (new ones prefixed by >>):\n\n", out->len ? "\n" : "",
		    errors && warnings ? "error/warnings" : errors ? "errors" : "warnings");
}

/* Findings that are printed, counted by level. */
static size_t count_new(const struct session *s, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < s->run.n; i++) {
		count[s->run.v[i].level] += !s->run.v[i].known;
		n += !s->run.v[i].known;
	}
	return n;
}

/*
 * A person at a terminal is told MOST_TOLD findings of one check about one file, and then their number; what
 * goes elsewhere is whole.
 */
struct told {
	bool here;
	const char *file;
	size_t n[_DOCS_CHECK_MAX];
};

static void tell_rest(struct told *t, struct fl_buf *out)
{
	for (size_t c = 0; t->file && c < _DOCS_CHECK_MAX; c++) {
		if (t->n[c] > MOST_TOLD)
			fl_buf_addf(out, "%s: %zu more of %s\n", t->file, t->n[c] - MOST_TOLD,
				    docs_checks[c].kind.code);
	}
	memset(t->n, 0, sizeof(t->n));
}

static bool is_told(struct told *t, const struct docs_finding *f, struct fl_buf *out)
{
	if (!t->here || !f->file)
		return true;
	if (!t->file || strcmp(t->file, f->file))
		tell_rest(t, out);
	t->file = f->file;
	return ++t->n[f->check] <= MOST_TOLD;
}

static int print_findings(struct session *s, struct docs_printed *p, struct fl_buf *out)
{
	struct told told = { .here = s->format->talks && isatty(STDOUT_FILENO) };
	int r = 0;

	for (size_t i = 0; i < s->run.n && !r; i++) {
		const struct docs_finding *f = &s->run.v[i];

		if (s->o->robot) {
			docs_render_robot(f, out);
		} else if ((!s->compared || !f->known) && is_told(&told, f, out)) {
			s->format->finding(p, f, out);
			p->file = f->file ? f->file : "";
			p->n++;
		}
		if (out->len > 65536 && out->data[out->len - 1] == '\n') /* a comma is due by what stands before */
			r = fl_say_result(out);
	}
	tell_rest(&told, out);
	return r;
}

static int print(struct session *s)
{
	_cleanup_buf_ struct fl_buf out = {};
	struct docs_printed p = { .marks = s->compared };
	size_t fresh = count_new(s, p.count);
	int r;

	if (s->o->robot)
		robot_head(s, &out);
	else
		s->format->begin(&p, &out);
	r = print_findings(s, &p, &out);
	if (!s->o->robot)
		s->format->end(&p, &out);
	if (!r)
		r = fl_say_result(&out);
	fl_buf_fini(&p.details);
	if (r < 0)
		return FL_EXIT_FINDINGS;
	if (s->format->talks)
		fprintf(stderr, "%zu%s errors, %zu warnings, %zu remarks on style\n", p.count[FL_ERROR],
			s->compared ? " new" : "", p.count[FL_WARNING], p.count[FL_STYLE]);
	if (!fresh)
		return FL_EXIT_DONE;
	return p.count[FL_ERROR] || !s->o->warnings_exit ? FL_EXIT_FINDINGS : (int)s->o->warnings_exit;
}

static int fix(struct session *s)
{
	_cleanup_buf_ struct fl_buf diff = {};
	struct docs_fixed done;
	int r = docs_fix(&s->run, s->o->write, &diff, &done);

	if (!r)
		r = fl_buf_write_fd(&diff, STDOUT_FILENO);
	if (r < 0)
		fl_say_failed(done.failed ? done.failed : "foreland", r);
	if (r < 0)
		return FL_EXIT_FINDINGS;
	fprintf(stderr, "%zu fixes in %zu files%s; %zu of %zu findings have none\n", done.fixes, done.files,
		s->o->write ? ", written" : "", s->run.n > done.fixes ? s->run.n - done.fixes : 0, s->run.n);
	return done.fixes < s->run.n ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

/* -- the command -- */

static int check_tree(struct session *s, const struct fl_args *args)
{
	uint32_t bad = 0;
	int code, r = open_tree(s, args);
	size_t unread;

	if (!r && refuse_patches(s) < 0)
		return FL_EXIT_USAGE;
	s->opts.progress = &s->files;
	if (!r)
		r = docs_session_init(&s->run, &s->tree, &s->opts);
	if (!r)
		r = docs_session_init(&s->before, &s->tree, &s->opts);
	if (!r && reads_stdin(args))
		r = read_stdin(s);
	if (!r)
		r = s->o->patch ? check_patch(s) :
		    s->o->base	? check_since(s) :
				  run_paths(s, &s->run, s->paths, s->nr_paths);
	if (!r && s->o->baseline)
		r = read_baseline(s);
	if (!r)
		r = docs_allow(&s->run, &bad);
	if (r == -ENOMEM)
		fl_say_failed("foreland", ENOMEM);
	if (r < 0)
		return FL_EXIT_FINDINGS;
	if (bad)
		fl_say(FL_ERROR, ".foreland-docs-allow:%u: expected PATH CHECK REASON", bad);
	unread = tell_unread(&s->run);
	code = s->o->fix ? fix(s) : print(s);
	return unread || bad ? FL_EXIT_FINDINGS : code;
}

static int run_check(const void *v, const struct fl_args *args)
{
	struct session s = { .o = v, .tree = { .fd = -1 }, .orig = { .fd = -1 } };
	int code = read_check_options(s.o, &s.opts);

	s.format = docs_format_find(s.o->json ? "json" : s.o->format ? s.o->format : "text");

	if (code == FL_EXIT_DONE)
		code = check_tree(&s, args);
	docs_session_fini(&s.run);
	docs_session_fini(&s.before);
	docs_affected_fini(&s.affected);
	docs_tree_close(&s.tree);
	docs_tree_close(&s.orig);
	for (size_t i = 0; i < s.nr_old; i++)
		free(s.old_paths[i]);
	free(s.old_paths);
	fl_arena_fini(&s.arena);
	fl_buf_fini(&s.patch);
	fl_buf_fini(&s.head);
	forget_paths(&s);
	free(s.paths);
	return code;
}

const struct fl_cmd fl_cmd_docs_check = {
	.name = "check",
	.summary = "Find what is wrong with documentation, in a tree, folders, files or a patch",
	.args = "[TREE|DIR|FILE|-]...",
	.about = "The checks, with their groups:\n"
#define CHECK(code, id, group, level, reader, fix, summary, good, bad) "\n  " group "  " id "  " summary
#include "docs/finding/checks.def"
#undef CHECK
	,
	.size = sizeof(struct check_opts),
	.options = options,
	.max_args = SIZE_MAX,
	.run = run_check,
};
