/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fix is a chain of edits of whole lines. Of the findings of one file, those whose edits do not
 * touch lines that an earlier one took are applied together; the result is laid over the tree and
 * checked by a run of its own. Where that is not clean, each fix is tried alone, and what passes is
 * kept. Fixes that were in the way of others are taken in a further round.
 */
#include "docs/fix/fix.h"

#include <errno.h>
#include <stdlib.h>

#include "base/safe-write.h"
#include "docs/fix/diff.h"
#include "docs/fix/moved.h"

#define MAX_ROUNDS 32
#define MAX_CHECKS 64 /* of one file, to find what harms */

struct line {
	struct fl_str s;
	bool taken;   /* some edit changes it */
	bool drawing; /* it stands in a picture made of characters */
};

struct file {
	const char *path;
	struct fl_str old;  /* in the tree */
	struct fl_buf now;  /* with what was accepted */
	struct docs_tree *tree;
	const struct docs_opts *opts;
	size_t fixes, refused;
};

/* -- edits -- */

static int split(struct fl_str text, struct line **ret, size_t *ret_n)
{
	struct fl_str line;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	*ret = calloc(n + 2, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (*ret_n = 0; fl_str_line(&text, &line);)
		(*ret)[(*ret_n)++].s = line;
	return 0;
}

/* The edits of @f touch no line that is taken; then they take them. */
static bool take(struct line *v, size_t n, const struct docs_finding *f)
{
	for (const struct docs_edit *e = f->fix; e; e = e->next) {
		if (!e->line || e->line - 1 + e->count > n)
			return false;
		for (uint32_t i = 0; i < FL_MAX(e->count, 1u); i++) {
			if (e->line - 1 + i < n && v[e->line - 1 + i].taken)
				return false;
		}
	}
	for (const struct docs_edit *e = f->fix; e; e = e->next) {
		for (uint32_t i = 0; i < FL_MAX(e->count, 1u); i++) {
			if (e->line - 1 + i < n)
				v[e->line - 1 + i].taken = true;
		}
	}
	return true;
}

static int edit_cmp(const void *a, const void *b)
{
	const struct docs_edit *x = *(const struct docs_edit *const *)a, *y = *(const struct docs_edit *const *)b;

	return x->line < y->line ? -1 : x->line > y->line;
}

static void apply(const struct line *v, size_t n, const struct docs_edit **edits, size_t nr, bool ends,
		  struct fl_buf *out)
{
	size_t at = 0;

	if (nr)
		qsort(edits, nr, sizeof(*edits), edit_cmp);
	for (size_t k = 0; k < nr; k++) {
		while (at + 1 < edits[k]->line && at < n) {
			fl_buf_add_str(out, v[at++].s);
			fl_buf_addc(out, '\n');
		}
		fl_buf_add_str(out, edits[k]->text);
		at += edits[k]->count;
	}
	while (at < n) {
		fl_buf_add_str(out, v[at].s);
		if (++at < n || ends)
			fl_buf_addc(out, '\n');
	}
}

/* The file's text with the fixes of those findings that @use marks. */
static int with_fixes(struct fl_str text, const struct docs_finding *f, size_t n, bool *use, struct fl_buf *out)
{
	_cleanup_free_ const struct docs_edit **edits = NULL;
	_cleanup_free_ struct line *v = NULL;
	size_t lines, nr = 0, cap = 0;
	int r = split(text, &v, &lines);

	for (size_t i = 0; !r && i < n; i++) {
		use[i] = use[i] && f[i].fix && take(v, lines, &f[i]);
		for (const struct docs_edit *e = f[i].fix; use[i] && e; e = e->next)
			cap++;
	}
	edits = calloc(cap + 1, sizeof(*edits));
	if (r < 0 || !edits)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		for (const struct docs_edit *e = f[i].fix; use[i] && e; e = e->next)
			edits[nr++] = e;
	}
	fl_buf_reset(out);
	apply(v, lines, edits, nr, text.n && text.p[text.n - 1] == '\n', out);
	return out->error;
}

/* -- checking again -- */

static size_t count_of(const struct docs_session *run, const char *path, enum docs_check c)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n; i++)
		n += run->v[i].check == c && run->v[i].file && !strcmp(run->v[i].file, path);
	return n;
}

static int check_again(struct file *f, struct docs_session *run, struct fl_str text)
{
	int r = docs_tree_put(f->tree, fl_str(f->path), text);

	if (!r)
		r = docs_session_init(run, f->tree, f->opts);
	if (!r)
		r = docs_session_paths(run, &f->path, 1);
	return r < 0 ? r : docs_session_finish(run);
}

/* Fixes of kernel-doc directives: the file that is named then must have what is asked of it. */
static size_t directives(const struct docs_finding *f, size_t n, const bool *use)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += use[i] && f[i].check == DOCS_REF_SOURCE &&
			 memmem(f[i].text.p, f[i].text.n, "kernel-doc::", 12);
	return count;
}

/* @after has less of what was fixed, and not more of anything. */
static bool better(const struct docs_session *before, const struct docs_session *after, const char *path,
		   const struct docs_finding *f, size_t n, const bool *use)
{
	size_t fixed[_DOCS_CHECK_MAX] = {};

	for (size_t i = 0; i < n; i++)
		fixed[f[i].check] += use[i];
	/* fewer than before only if a page names none of them in an example */
	if (directives(f, n, use) && count_of(before, path, DOCS_REF_KDOC))
		fixed[DOCS_REF_KDOC] += directives(f, n, use);
	for (size_t c = 0; c < _DOCS_CHECK_MAX; c++) {
		if (count_of(after, path, c) + fixed[c] > count_of(before, path, c))
			return false;
	}
	return true;
}

/* Tries the fixes that @use marks; accepts them all or none. */
static int try(struct file *f, const struct docs_session *before, const struct docs_finding *v, size_t n, bool *use,
	       bool *ret_ok)
{
	struct docs_session after = {};
	struct fl_buf text = {};
	int r = with_fixes(fl_buf_str(&f->now), v, n, use, &text);

	*ret_ok = false;
	if (!r)
		r = check_again(f, &after, fl_buf_str(&text));
	if (!r && better(before, &after, f->path, v, n, use)) {
		*ret_ok = true;
		fl_buf_fini(&f->now);
		f->now = text;
		text = (struct fl_buf){};
	}
	if (!r && !*ret_ok)
		r = docs_tree_put(f->tree, fl_str(f->path), fl_buf_str(&f->now));
	fl_buf_fini(&text);
	docs_session_fini(&after);
	return r;
}

static size_t marked(const bool *use, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += use[i];
	return count;
}

/*
 * Halves of the fixes that @use marks, halved again where a half is not clean, until one helps; *ret_ok
 * is false where none does. @budget is how often the file may still be read for it: a page of nothing but
 * bad fixes must not cost the square of its length.
 */
static int try_halves(struct file *f, const struct docs_session *before, const struct docs_finding *v, size_t n,
		      bool *use, bool *ret_ok, unsigned int *budget)
{
	size_t count = marked(use, n), seen = 0;
	_cleanup_free_ bool *half = calloc(n + 1, sizeof(*half));
	int r = half ? 0 : -ENOMEM;

	*ret_ok = false;
	for (int side = 0; side < 2 && !r && !*ret_ok && count > 1 && *budget; side++) {
		seen = 0;
		for (size_t i = 0; i < n; i++) {
			half[i] = use[i] && (seen < count / 2) == !side;
			seen += use[i];
		}
		(*budget)--;
		r = try(f, before, v, n, half, ret_ok);
		if (!r && !*ret_ok)
			r = try_halves(f, before, v, n, half, ret_ok, budget);
	}
	if (*ret_ok)
		memcpy(use, half, n * sizeof(*use));
	return r;
}

/* The findings of @path; findings are sorted by file. */
static void of_file(const struct docs_session *run, const char *path, const struct docs_finding **ret, size_t *ret_n)
{
	size_t from = 0, hi = run->n, to;

	while (from < hi) {
		size_t mid = from + (hi - from) / 2;

		if (strcmp(run->v[mid].file ? run->v[mid].file : "", path) < 0)
			from = mid + 1;
		else
			hi = mid;
	}
	for (to = from; to < run->n && run->v[to].file && !strcmp(run->v[to].file, path); to++)
		;
	*ret = run->v + from;
	*ret_n = to - from;
}

static void add_reference_fixes(struct docs_session *run);

/* -- drawings -- */

/* Arrows, corners and edges of boxes made of characters. */
static bool is_drawn(struct fl_str s)
{
	static const char *const marks[] = { "--+", "+--", "-->", "<--", "==>", "<==", "\\ /", "/ \\", "__|", "|__",
					     " | " };

	for (size_t i = 0; i < FL_ARRAY_SIZE(marks); i++) {
		if (memmem(s.p, s.n, marks[i], strlen(marks[i])))
			return true;
	}
	s = fl_str_trim(s);
	return fl_str_is(s, "|") || fl_str_is(s, "v") || fl_str_is(s, "^");
}

/*
 * Lines between blank ones of which two are drawn are a drawing: what makes paragraphs and lists of them by
 * blank lines would tear it apart. It wants to be a literal block, which only its author can say. Each line
 * is looked at once, however many findings stand in it.
 */
static void mark_drawings(struct line *v, size_t n)
{
	for (size_t from = 0, to, drawn; from < n; from = to + 1) {
		drawn = 0;
		for (to = from; to < n && fl_str_trim(v[to].s).n; to++)
			drawn += is_drawn(v[to].s);
		for (size_t i = from; i < to; i++)
			v[i].drawing = drawn >= 2;
	}
}

static int mark_all(const struct file *f, const struct docs_finding *v, size_t n, bool *use)
{
	_cleanup_free_ struct line *lines = NULL;
	size_t nr;
	int r = split(fl_buf_str(&f->now), &lines, &nr);

	if (r < 0)
		return r;
	mark_drawings(lines, nr);
	for (size_t i = 0; i < n; i++)
		use[i] = v[i].fix && (strcmp(docs_checks[v[i].check].group, "block") || !v[i].line ||
				      v[i].line > nr || !lines[v[i].line - 1].drawing);
	return 0;
}

/* All fixes of what @before found at once, or as many of them as are clean together. */
static int fix_round(struct file *f, struct docs_session *before, bool *ret_ok, unsigned int *budget)
{
	const struct docs_finding *v;
	_cleanup_free_ bool *use = NULL;
	size_t n;
	int r;

	*ret_ok = false;
	add_reference_fixes(before);
	of_file(before, f->path, &v, &n);
	use = calloc(n + 1, sizeof(*use));
	if (!use)
		return -ENOMEM;
	r = mark_all(f, v, n, use);
	f->refused = marked(use, n);
	if (r < 0 || !f->refused)
		return r;
	r = try(f, before, v, n, use, ret_ok);
	if (!r && !*ret_ok)
		r = mark_all(f, v, n, use);
	if (!r && !*ret_ok) {
		r = try_halves(f, before, v, n, use, ret_ok, budget);
	}
	f->fixes += *ret_ok ? marked(use, n) : 0;
	return r;
}

/* Rounds of fixing one file, until nothing more helps. */
static int fix_file(struct file *f)
{
	unsigned int budget = MAX_CHECKS;
	bool ok = true;
	int r = 0;

	for (int round = 0; round < MAX_ROUNDS && ok && !r; round++) {
		struct docs_session before = {};

		r = check_again(f, &before, fl_buf_str(&f->now));
		if (!r)
			r = fix_round(f, &before, &ok, &budget);
		docs_session_fini(&before);
	}
	return r;
}

/* -- references to files that moved -- */

static void fix_reference(struct docs_session *run, struct docs_finding *f)
{
	struct fl_str name = fl_str_sub(f->text, f->col, f->len);
	const char *to = f->check == DOCS_REF_SOURCE || fl_str_starts(name, "Documentation/") ?
				 docs_moved_to(run->tree, name) : NULL;
	char *line;

	if (!to || f->text.n >= 4096)
		return;
	line = docs_sink_printf(&run->workers[0].sink, "%.*s%s%.*s\n", (int)f->col, f->text.p, to,
				(int)(f->text.n - f->col - f->len), f->text.p + f->col + f->len);
	if (line)
		docs_finding_edit(&run->workers[0].sink, f, f->line, 1, fl_str(line));
}

static void add_reference_fixes(struct docs_session *run)
{
	for (size_t i = 0; i < run->n; i++) {
		if ((run->v[i].check == DOCS_REF_FILE || run->v[i].check == DOCS_REF_SOURCE) && !run->v[i].fix)
			fix_reference(run, &run->v[i]);
	}
}

/* -- all files -- */

/* What needs the whole tree is left out where none of the file's fixes is about it. */
static struct docs_opts opts_for(const struct docs_session *run, const char *path)
{
	struct docs_opts opts = *run->opts;
	const struct docs_finding *v;
	bool tree = false;
	size_t n;

	of_file(run, path, &v, &n);
	for (size_t i = 0; i < n; i++)
		tree |= v[i].fix && (docs_checks[v[i].check].reader == DOCS_READ_TREE || docs_is_c(path));
	for (size_t c = 0; c < _DOCS_CHECK_MAX && !tree; c++) {
		if (docs_checks[c].reader == DOCS_READ_TREE)
			opts.want.bits[c / 64] &= ~(1ULL << (c % 64));
	}
	opts.progress = NULL;
	return opts;
}

static int one_file(struct docs_session *run, const char *path, bool write, struct fl_buf *diff,
		    struct docs_fixed *ret)
{
	_cleanup_buf_ struct fl_buf old = {};
	struct docs_opts opts = opts_for(run, path);
	struct file f = { .path = path, .tree = run->tree, .opts = &opts };
	int r = docs_tree_read(run->tree, path, &old);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	f.old = fl_buf_str(&old);
	fl_buf_add_str(&f.now, f.old);
	r = fix_file(&f);
	if (!r && f.fixes && !fl_str_eq(f.old, fl_buf_str(&f.now))) {
		r = docs_diff(diff, path, f.old, fl_buf_str(&f.now));
		if (!r && write)
			r = fl_out_write_at(run->tree->fd, path, f.now.data, f.now.len);
		if (r < 0)
			ret->failed = path;
		ret->files++;
		ret->fixes += f.fixes;
	}
	ret->refused += f.refused;
	fl_buf_fini(&f.now);
	return r;
}

int docs_fix(struct docs_session *run, bool write, struct fl_buf *diff, struct docs_fixed *ret)
{
	const char *last = NULL;
	int r = 0;

	*ret = (struct docs_fixed){};
	add_reference_fixes(run);
	for (size_t i = 0; i < run->n && !r; i++) {
		const struct docs_finding *f = &run->v[i];

		if (!f->fix || !f->file || (last && !strcmp(last, f->file)))
			continue;
		last = f->file;
		r = one_file(run, f->file, write, diff, ret);
	}
	return r;
}
