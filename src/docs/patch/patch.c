/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader believes lines, not lengths: a hunk takes as many lines as its head counts, and no more
 * than there are; everything around it is mail. A hunk that is not found at its place is looked for
 * in the rest of the file, nearest first, as patch(1) does; its lines must match exactly.
 */
#include "docs/patch/patch.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "docs/patch/head.h"

struct reader {
	struct fl_arena *a;
	struct fl_str text, line;
	size_t pos;
	uint32_t no;
	struct docs_mail *first, **mail_tail, *mail;
	struct docs_change **change_tail, *change;
	struct docs_hunk **hunk_tail;
	size_t body;
	bool in_body, in_headers, to;
	struct docs_git_head head; /* of the change at hand, or of one before it */
	bool is_stray; /* "diff --git" was text; git takes no new file after it */
};

static bool peek(struct reader *r, struct fl_str *ret)
{
	size_t end;

	if (r->pos >= r->text.n)
		return false;
	end = fl_str_find(r->text, '\n', r->pos);
	*ret = fl_str_sub(r->text, r->pos, end - r->pos);
	if (ret->n && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

static bool next(struct reader *r)
{
	if (!peek(r, &r->line))
		return false;
	r->pos = fl_str_find(r->text, '\n', r->pos) + 1;
	r->no++;
	return true;
}

/* -- the mail around it -- */

static int new_mail(struct reader *r)
{
	r->mail = FL_ARENA_NEW(r->a, struct docs_mail);
	if (!r->mail)
		return -ENOMEM;
	*r->mail_tail = r->mail;
	r->mail_tail = &r->mail->next;
	r->change_tail = &r->mail->changes;
	r->change = NULL;
	r->in_headers = true;
	r->in_body = false;
	return 0;
}

static bool header(struct fl_str line, const char *name, struct fl_str *value)
{
	size_t n = strlen(name);

	if (!fl_str_starts(line, name))
		return false;
	*value = fl_str_trim(fl_str_from(line, n));
	return true;
}

/* One after the other in one string; that they lie in the text is not promised then. */
static void add_recipients(struct reader *r, struct fl_str more)
{
	struct fl_buf b = {};
	char *copy;

	if (!r->mail->recipients.n)
		r->mail->recipients_line = r->no;
	fl_buf_add_str(&b, r->mail->recipients);
	fl_buf_addc(&b, ' ');
	fl_buf_add_str(&b, more);
	copy = fl_arena_dup(r->a, fl_buf_str(&b));
	if (copy)
		r->mail->recipients = fl_str_n(copy, b.len);
	fl_buf_fini(&b);
}

static void add_subject(struct reader *r, struct fl_str more)
{
	struct fl_buf b = {};
	char *copy;

	fl_buf_add_str(&b, r->mail->subject);
	fl_buf_addc(&b, ' ');
	fl_buf_add_str(&b, more);
	copy = fl_arena_dup(r->a, fl_buf_str(&b));
	if (copy)
		r->mail->subject = fl_str_n(copy, b.len);
	fl_buf_fini(&b);
}

static void header_line(struct reader *r)
{
	struct fl_str v;
	bool folded = r->line.n && (r->line.p[0] == ' ' || r->line.p[0] == '\t');
	struct fl_str bare = fl_str_trim(r->line);

	if (!bare.n) {
		r->in_headers = !r->mail->subject.n; /* blank lines before the subject are an archive's */
		r->in_body = !r->in_headers;
		r->body = r->pos;
	} else if (header(r->line, "Subject:", &v) || header(r->line, "* [", &v)) {
		r->mail->subject = r->line.p[0] == '*' ? fl_str_from(r->line, 2) : v;
		r->mail->subject_line = r->no;
		r->to = false;
	} else if (header(bare, "To:", &v) || header(bare, "Cc:", &v) || header(r->line, "From:", &v)) {
		r->to = true;
		add_recipients(r, v);
	} else if (folded && r->to) {
		add_recipients(r, bare);
	} else if (folded && r->mail->subject.n) {
		add_subject(r, bare);
	} else {
		r->to = false;
	}
}

/* "From <hash> date" of mboxes, "* [PATCH" of archives, a Subject where a body stood before. */
static bool starts_mail(struct reader *r)
{
	if (fl_str_starts(r->line, "From ") && r->line.n > 45)
		return true;
	if (fl_str_starts(r->line, "* ["))
		return true;
	return !r->in_headers && (fl_str_starts(r->line, "Subject:") || fl_str_starts(r->line, "Return-Path:"));
}

static void end_body(struct reader *r, size_t at)
{
	if (r->in_body)
		r->mail->body = fl_str_sub(r->text, r->body, at - r->body);
	r->in_body = false;
}

/* -- the diff -- */

static struct docs_change *new_change(struct reader *r)
{
	r->change = FL_ARENA_NEW(r->a, struct docs_change);
	if (!r->change)
		return NULL;
	r->change->line = r->no;
	*r->change_tail = r->change;
	r->change_tail = &r->change->next;
	r->hunk_tail = &r->change->hunks;
	return r->change;
}

/* A newline ends the line at @pos, without which git takes none of a head. */
static bool is_ended(const struct reader *r, size_t pos)
{
	return fl_str_find(r->text, '\n', pos) < r->text.n;
}

/*
 * "diff --git a/X b/X" and what it tells of the file. A line of that shape with nothing of a head below it is
 * text to git.
 */
static int git_head(struct reader *r)
{
	struct fl_str sides = fl_str_from(r->line, strlen("diff --git ")), below;
	bool cr = r->pos > 1 && r->pos <= r->text.n && r->text.p[r->pos - 2] == '\r';

	r->change = NULL;
	sides.n += cr; /* which is of no file's name, so that the sides differ */
	docs_git_head_start(&r->head, r->a, NULL, sides);
	if (r->head.name.p && (!peek(r, &below) || !is_ended(r, r->pos) ||
			       !(docs_git_head_takes(below) || fl_str_starts(below, "@@ ")))) {
		r->is_stray = true;
		return 0;
	}
	if (!new_change(r))
		return -ENOMEM;
	r->change->git = true;
	r->head.change = r->change;
	return 0;
}

static uint32_t number(struct fl_str *s)
{
	uint64_t v = 0;

	while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
		v = v < UINT32_MAX ? v * 10 + (uint64_t)(s->p[0] - '0') : v;
		*s = fl_str_from(*s, 1);
	}
	return FL_MIN(v, (uint64_t)UINT32_MAX);
}

static bool range(struct fl_str *s, char mark, uint32_t *start, uint32_t *count)
{
	if (!s->n || s->p[0] != mark)
		return false;
	*s = fl_str_from(*s, 1);
	if (!s->n || s->p[0] < '0' || s->p[0] > '9')
		return false;
	*start = number(s);
	*count = 1;
	if (s->n && s->p[0] == ',') {
		*s = fl_str_from(*s, 1);
		*count = number(s);
	}
	if (s->n && s->p[0] == ' ')
		*s = fl_str_from(*s, 1);
	return true;
}

/* "@@ -a,b +c,d @@" and the lines that it counts. */
static int hunk(struct reader *r)
{
	struct docs_hunk *h = FL_ARENA_NEW(r->a, struct docs_hunk);
	struct fl_str s = fl_str_from(r->line, 3), line;
	uint32_t old = 0, new = 0;
	size_t start = r->pos;

	if (!h)
		return -ENOMEM;
	if (!range(&s, '-', &h->old_start, &h->old_count) || !range(&s, '+', &h->new_start, &h->new_count))
		return 0; /* not a hunk's head */
	if (!fl_str_starts(s, "@@"))
		r->change->bad = "a hunk's head that is cut off";
	h->line = r->no;
	while ((old < h->old_count || new < h->new_count) && peek(r, &line)) {
		char mark = line.n ? line.p[0] : ' '; /* mailers cut a blank line's blank */

		if (mark != ' ' && mark != '+' && mark != '-' && mark != '\\')
			break;
		old += mark == ' ' || mark == '-';
		new += mark == ' ' || mark == '+';
		next(r);
	}
	if (peek(r, &line) && line.n && line.p[0] == '\\')
		next(r);
	h->corrupt = old != h->old_count || new != h->new_count || r->pos > r->text.n;
	h->text = fl_str_sub(r->text, start, FL_MIN(r->pos, r->text.n) - start);
	*r->hunk_tail = h;
	r->hunk_tail = &h->next;
	if (r->change->git && !r->change->named && !r->head.nr_lines)
		r->change->bad = "hunks without the names that belong before them";
	docs_git_head_end(&r->head);
	return 0;
}

/* "--- @old" and the line at hand name the files of the git head that ended before them. */
static bool is_of(struct reader *r, struct fl_str old)
{
	struct fl_str a = docs_diff_path(r->a, fl_str_from(old, 4)), b = docs_diff_path(r->a, fl_str_from(r->line, 4));

	return r->change->git && fl_str_eq(a, r->change->old_path) && fl_str_eq(b, r->change->new_path);
}

/* "---" and "+++" of a change without a git head, or behind one that has ended. */
static int minus_plus(struct reader *r)
{
	struct fl_str old = r->line, line;

	if (!peek(r, &line) || !fl_str_starts(line, "+++ "))
		return 0;
	next(r);
	if ((!r->change || !r->change->git || r->change->hunks || !is_of(r, old)) && !new_change(r))
		return -ENOMEM;
	r->change->old_path = docs_diff_path(r->a, fl_str_trim(fl_str_from(old, 4)));
	r->change->new_path = docs_diff_path(r->a, fl_str_trim(fl_str_from(r->line, 4)));
	r->change->named = true;
	if (r->is_stray && !r->change->old_path.p)
		r->change->bad = "a new file without the head that belongs before it";
	r->is_stray = false;
	return 0;
}

/* A line below "diff --git", up to the hunks or to a line that no head has. */
static bool in_head(struct reader *r)
{
	if (!r->change || !r->change->git || r->head.change != r->change || r->head.is_ended)
		return false;
	if (r->pos <= r->text.n && docs_git_head_line(&r->head, r->line))
		return true;
	if (!fl_str_starts(r->line, "@@ "))
		docs_git_head_end(&r->head);
	return false;
}

static int diff_line(struct reader *r)
{
	if (fl_str_starts(r->line, "diff --git ")) {
		docs_git_head_end(&r->head);
		end_body(r, (size_t)(r->line.p - r->text.p));
		return git_head(r);
	}
	if (in_head(r))
		return 0;
	if (fl_str_starts(r->line, "--- ") && !fl_str_is(r->line, "--- ")) {
		end_body(r, (size_t)(r->line.p - r->text.p));
		return minus_plus(r);
	}
	return r->change && fl_str_starts(r->line, "@@ ") ? hunk(r) : 0;
}

int docs_patch_read(struct fl_arena *a, struct fl_str text, struct docs_mail **ret)
{
	struct reader r = { .a = a, .text = text };
	struct docs_mail **at;
	int e;

	r.mail_tail = &r.first;
	e = new_mail(&r);
	while (!e && next(&r)) {
		if (r.mail->subject.n || r.mail->changes) {
			if (starts_mail(&r)) {
				end_body(&r, (size_t)(r.line.p - text.p));
				e = new_mail(&r);
			}
		}
		if (!e && r.in_headers && !fl_str_starts(r.line, "diff --git ") && !fl_str_starts(r.line, "--- ") &&
		    !fl_str_starts(r.line, "@@ ") && !r.change)
			header_line(&r);
		else if (!e)
			e = diff_line(&r);
	}
	docs_git_head_end(&r.head);
	if (r.mail)
		end_body(&r, text.n);
	for (at = &r.first; *at;) {
		if ((*at)->changes)
			at = &(*at)->next;
		else
			*at = (*at)->next;
	}
	*ret = r.first;
	return e;
}

/* -- applying -- */

struct lines {
	struct fl_str *v;
	size_t n;
	bool open; /* no newline ends the last */
};

static int split(struct fl_str text, struct lines *ret)
{
	size_t n = 0;

	for (size_t i = 0; (i = fl_str_find(text, '\n', i)) < text.n; i++)
		n++;
	ret->v = calloc(n + 2, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	ret->n = 0;
	for (size_t at = 0; at < text.n;) {
		size_t end = fl_str_find(text, '\n', at);

		ret->v[ret->n++] = fl_str_sub(text, at, end - at);
		at = end + 1;
	}
	ret->open = text.n && text.p[text.n - 1] != '\n';
	return 0;
}

/* One line of a hunk. */
struct hunk_line {
	char mark;
	struct fl_str s;
	bool open; /* "\ No newline at end of file" follows */
};

static bool next_line(struct fl_str *rest, struct hunk_line *ret)
{
	struct fl_str line;

	if (!fl_str_line(rest, &line))
		return false;
	*ret = (struct hunk_line){ line.n ? line.p[0] : ' ', fl_str_from(line, 1), rest->n && rest->p[0] == '\\' };
	return true;
}

/* What git demands of a hunk's place: one at the first line begins there, one without lines behind it ends there. */
struct demands {
	bool begins, ends;
	size_t nr_old;
};

static struct demands demands_of(const struct docs_hunk *h)
{
	struct demands d = { .begins = h->old_start <= 1, .ends = true };
	struct fl_str rest = h->text;
	struct hunk_line l;

	while (next_line(&rest, &l)) {
		if (l.mark == '\\')
			continue;
		d.nr_old += l.mark != '+';
		d.ends = l.mark != ' ';
	}
	return d;
}

/* The hunk's old lines stand at @at. */
static bool fits(const struct docs_hunk *h, const struct demands *d, const struct lines *l, size_t at)
{
	struct fl_str rest = h->text;
	struct hunk_line line;

	if ((d->begins && at) || (d->ends && at + d->nr_old != l->n))
		return false;
	while (next_line(&rest, &line)) {
		if (line.mark == '+' || line.mark == '\\')
			continue;
		if (at >= l->n || !fl_str_eq(l->v[at], line.s) || line.open != (l->open && at + 1 == l->n))
			return false;
		at++;
	}
	return true;
}

/* Where the hunk fits, from @from on, nearest to @want; SIZE_MAX where it does not. */
static size_t place(const struct docs_hunk *h, const struct lines *l, size_t from, size_t want)
{
	struct demands d = demands_of(h);

	if (d.begins)
		return !from && fits(h, &d, l, 0) ? 0 : SIZE_MAX;
	if (d.ends)
		return l->n >= d.nr_old + from && fits(h, &d, l, l->n - d.nr_old) ? l->n - d.nr_old : SIZE_MAX;
	for (size_t k = 0; k <= l->n; k++) {
		if (want + k <= l->n && want + k >= from && fits(h, &d, l, want + k))
			return want + k;
		if (k && want >= k && want - k >= from && fits(h, &d, l, want - k))
			return want - k;
	}
	return SIZE_MAX;
}

static void add(struct fl_buf *out, struct fl_str line, bool open)
{
	fl_buf_add_str(out, line);
	if (!open)
		fl_buf_addc(out, '\n');
}

/* Lines of the file up to @to. */
static void add_lines(struct fl_buf *out, const struct lines *l, size_t *done, size_t to)
{
	for (; *done < to; ++*done)
		add(out, l->v[*done], l->open && *done + 1 == l->n);
}

static void apply_hunk(const struct docs_hunk *h, const struct lines *l, size_t *done, struct fl_buf *out)
{
	struct fl_str rest = h->text;
	struct hunk_line line;

	while (next_line(&rest, &line)) {
		if (line.mark == '+')
			add(out, line.s, line.open);
		else if (line.mark == ' ')
			add_lines(out, l, done, *done + 1);
		else if (line.mark == '-')
			++*done;
	}
}

/* The hunks that fit, applied; the others are reported. */
static void apply_hunks(const struct docs_change *c, const struct lines *l, struct fl_buf *out,
			struct docs_sink *sink)
{
	struct fl_str name = c->new_path.p ? c->new_path : c->old_path;
	size_t done = 0;
	int64_t shift = 0;

	for (const struct docs_hunk *h = c->hunks; h; h = h->next) {
		int64_t want = (int64_t)h->old_start - (h->old_count > 0) + shift;
		size_t at = place(h, l, done, want < (int64_t)done ? done : FL_MIN((size_t)want, l->n));

		if (h->corrupt) {
			docs_report(sink, DOCS_PATCH_APPLY, h->line, 0, 0,
				    "the hunk at line %u of %.*s is corrupt: its head "
				    "counts other lines",
				    h->old_start, FL_STR_ARG(name));
			continue;
		}
		if (at == SIZE_MAX) {
			docs_report(sink, DOCS_PATCH_APPLY, h->line, 0, 0, "the hunk at line %u of %.*s does not apply",
				    h->old_start, FL_STR_ARG(name));
			continue;
		}
		shift += (int64_t)at - want;
		add_lines(out, l, &done, at);
		apply_hunk(h, l, &done, out);
	}
	add_lines(out, l, &done, l->n);
}

static int put(struct docs_tree *t, const struct docs_change *c, const struct fl_buf *out)
{
	int r = 0;

	if (c->old_path.p && !c->copies && (!c->new_path.p || !fl_str_eq(c->old_path, c->new_path)))
		r = docs_tree_put(t, c->old_path, (struct fl_str){});
	if (!r && c->new_path.p)
		r = docs_tree_put(t, c->new_path, fl_buf_str(out));
	return r;
}

static bool inside(struct fl_str path)
{
	char norm[4096];

	return !path.p || (path.n && path.p[0] != '/' && docs_normalize(path, norm, sizeof(norm)) &&
			   fl_str_is(path, norm));
}

static int apply(const struct docs_change *c, struct docs_tree *t, struct docs_sink *sink)
{
	_cleanup_buf_ struct fl_buf old = {}, out = {};
	char *path = c->old_path.p ? fl_str_dup(c->old_path) : NULL;
	struct lines l = {};
	int r = 0;

	if (c->bad) {
		docs_report(sink, DOCS_PATCH_APPLY, c->line, 0, 0, "%s", c->bad);
		free(path);
		return 0;
	}
	if (!inside(c->old_path) || !inside(c->new_path) || (!c->old_path.p && !c->new_path.p)) {
		docs_report(sink, DOCS_PATCH_APPLY, c->line, 0, 0, "a change outside of the tree");
		free(path);
		return 0;
	}
	if (path)
		r = docs_tree_read(t, path, &old);
	free(path);
	if (r < 0) {
		docs_report(sink, DOCS_PATCH_APPLY, c->line, 0, 0, "%.*s: no such file in the tree",
			    FL_STR_ARG(c->old_path));
		return r == -ENOMEM ? r : 0;
	}
	if (c->new_path.p && !(c->old_path.p && fl_str_eq(c->old_path, c->new_path)) && docs_tree_has(t, c->new_path)) {
		docs_report(sink, DOCS_PATCH_APPLY, c->line, 0, 0, "%.*s is there already", FL_STR_ARG(c->new_path));
		return 0;
	}
	if (c->old_path.p && c->old_mode && (c->old_mode & S_IFMT) != S_IFREG) {
		docs_report(sink, DOCS_PATCH_APPLY, c->line, 0, 0, "%.*s is of another type than the patch says",
			    FL_STR_ARG(c->old_path));
		return 0;
	}
	r = split(fl_buf_str(&old), &l);
	if (!r) {
		apply_hunks(c, &l, &out, sink);
		if (!c->new_path.p && out.len)
			docs_report(sink, DOCS_PATCH_APPLY, c->line, 0, 0, "%.*s is not empty where it is deleted",
				    FL_STR_ARG(c->old_path));
		r = out.error ? out.error : put(t, c, &out);
	}
	free(l.v);
	return r;
}

/* The copies of a mail, or all that is no copy. */
static int apply_all(const struct docs_mail *m, bool copies, struct docs_tree *t, struct docs_sink *sink)
{
	int r = 0;

	for (const struct docs_change *c = m->changes; c && !r; c = c->next) {
		if (!c->binary && c->copies == copies)
			r = apply(c, t, sink);
	}
	return r;
}

/* Copies are of what was there before their mail, wherever in it they stand. */
int docs_patch_apply(const struct docs_mail *mails, struct docs_tree *t, struct docs_sink *sink)
{
	int r = 0;

	for (const struct docs_mail *m = mails; m && !r; m = m->next) {
		r = apply_all(m, true, t, sink);
		if (!r)
			r = apply_all(m, false, t, sink);
	}
	return r;
}

/* -- transfer encodings -- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void quoted_printable(struct fl_str s, struct fl_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '=') {
			fl_buf_addc(out, s.p[i]);
		} else if (i + 1 < s.n && s.p[i + 1] == '\n') {
			i++;
		} else if (i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n') {
			i += 2;
		} else if (i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			fl_buf_addc(out, (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
			i += 2;
		} else {
			fl_buf_addc(out, '=');
		}
	}
}

static void base64(struct fl_str s, struct fl_buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	int n = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *d = s.p[i] ? strchr(digits, s.p[i]) : NULL;

		if (!d)
			continue;
		bits = bits << 6 | (uint32_t)(d - digits);
		if (++n == 4) {
			fl_buf_addc(out, (char)(bits >> 16));
			fl_buf_addc(out, (char)(bits >> 8));
			fl_buf_addc(out, (char)bits);
			n = 0;
		}
	}
	if (n >= 2)
		fl_buf_addc(out, (char)(bits >> (n == 2 ? 4 : 10)));
	if (n == 3)
		fl_buf_addc(out, (char)(bits >> 2));
}

/* The value of a header in @head, or of a parameter of it ("boundary="), in any case; n 0: none. */
static struct fl_str value_of(struct fl_str head, const char *name, const char *end)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= head.n; i++) {
		struct fl_str v;

		if (strncasecmp(head.p + i, name, n))
			continue;
		v = fl_str_from(head, i + n);
		while (v.n && (v.p[0] == ' ' || v.p[0] == '"'))
			v = fl_str_from(v, 1);
		for (n = 0; n < v.n && !(v.p[n] && strchr(end, v.p[n])); n++)
			;
		return fl_str_trim(fl_str_sub(v, 0, n));
	}
	return fl_str_n("", 0);
}

/* Behind the empty line that ends the head, or @text.n. */
static size_t head_end(struct fl_str text)
{
	const char *lf = memmem(text.p, text.n, "\n\n", 2), *crlf = memmem(text.p, text.n, "\n\r\n", 3);

	if (crlf && (!lf || crlf < lf))
		return (size_t)(crlf - text.p) + 3;
	return lf ? (size_t)(lf - text.p) + 2 : text.n;
}

static void decode_part(struct fl_str text, struct fl_buf *out, unsigned int depth);

/* The parts between lines "--BOUNDARY"; their heads are left out. */
static void decode_parts(struct fl_str body, struct fl_str boundary, struct fl_buf *out, unsigned int depth)
{
	struct fl_str rest = body, line;
	const char *from = NULL;

	while (fl_str_line(&rest, &line)) {
		if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) || memcmp(line.p + 2, boundary.p, boundary.n))
			continue;
		if (from)
			decode_part(fl_str_n(from, (size_t)(line.p - from)), out, depth);
		from = line.p + line.n + (line.p + line.n < body.p + body.n);
	}
}

/* The body of what a head with its empty line stands before. */
static void decode_body(struct fl_str head, struct fl_str body, struct fl_buf *out, unsigned int depth)
{
	struct fl_str coding = value_of(head, "\nContent-Transfer-Encoding:", "\r\n;");
	struct fl_str boundary = value_of(head, "boundary=", "\"\r\n;");

	if (boundary.n && depth < 4 && value_of(head, "Content-Type: multipart", "\r\n").n)
		decode_parts(body, boundary, out, depth + 1);
	else if (coding.n == 16 && !strncasecmp(coding.p, "quoted-printable", 16))
		quoted_printable(body, out);
	else if (coding.n == 6 && !strncasecmp(coding.p, "base64", 6))
		base64(body, out);
	else
		fl_buf_add_str(out, body);
}

static void decode_part(struct fl_str text, struct fl_buf *out, unsigned int depth)
{
	_cleanup_buf_ struct fl_buf head = {};
	size_t end = head_end(text);

	fl_buf_addc(&head, '\n'); /* a header may begin the part */
	fl_buf_add_str(&head, fl_str_sub(text, 0, end));
	if (text.n && text.p[0] == '\n')
		end = 1; /* it has no head */
	decode_body(fl_buf_str(&head), fl_str_from(text, end), out, depth);
	if (out->len && out->data[out->len - 1] != '\n')
		fl_buf_addc(out, '\n');
}

/* Where the next mail of a box begins, behind @from. */
static size_t next_mail(struct fl_str text, size_t from)
{
	for (const char *p; (p = memmem(text.p + from, text.n - from, "\nFrom ", 6)); from = (size_t)(p - text.p) + 1) {
		struct fl_str line = fl_str_from(text, (size_t)(p - text.p) + 1);

		line.n = fl_str_find(line, '\n', 0);
		if (line.n > 45)
			return (size_t)(line.p - text.p);
	}
	return text.n;
}

/* Mails travel with CR at the ends of lines, which git takes away; those of a bare diff belong to its files. */
static struct fl_str without_cr(struct fl_arena *a, struct fl_str text)
{
	struct fl_str first = fl_str_sub(text, 0, fl_str_find(text, '\n', 0));
	size_t colon = fl_str_find(first, ':', 0), n = 0;
	bool mail = fl_str_starts(first, "From ") || (colon < first.n && !fl_str_starts(first, "Index:"));
	char *out;

	for (size_t i = 0; mail && i < colon && colon < first.n && !fl_str_starts(first, "From "); i++)
		mail = first.p[i] == '-' || (first.p[i] | 32) >= 'a';
	if (!mail || !first.n || first.p[first.n - 1] != '\r' || !(out = fl_arena_dup(a, text)))
		return text;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' || i + 1 == text.n || text.p[i + 1] != '\n')
			out[n++] = text.p[i];
	}
	return fl_str_n(out, n);
}

struct fl_str docs_mail_decode(struct fl_arena *a, struct fl_str text)
{
	_cleanup_buf_ struct fl_buf out = {};
	char *copy;

	text = without_cr(a, text);
	if (!value_of(text, "\nContent-T", "\n").n)
		return text;
	for (size_t at = 0, end; at < text.n; at = end) {
		struct fl_str mail;
		size_t head;

		end = next_mail(text, at);
		mail = fl_str_sub(text, at, end - at);
		head = head_end(mail);
		fl_buf_add_str(&out, fl_str_sub(mail, 0, head));
		decode_body(fl_str_sub(mail, 0, head), fl_str_from(mail, head), &out, 0);
	}
	copy = fl_arena_dup(a, fl_buf_str(&out));
	return copy ? fl_str_n(copy, out.len) : text;
}
