/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a diff must not be is slow: fixes may touch every line of a large file. So lines that stand once
 * in both texts are found first, by a map; the longest run of them that is in the same order in both
 * (patience: n log n) anchors the rest. Between two anchors the lines alike at both ends are taken off,
 * a few lines are compared each with each, and more than a few are one region of change.
 *
 * Names are quoted as git does ("base/escape.h"), so that no name can look like a line of the diff.
 */
#include "docs/fix/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/map.h"

#define CONTEXT 3
#define FEW	64 /* lines that are compared each with each */

struct line {
	struct fl_str s;
	bool open; /* no newline ends it */
};

struct text {
	struct line *v;
	size_t n;
};

/* Lines [a, a_end) become [b, b_end). */
struct region {
	size_t a, a_end, b, b_end;
};

struct diff {
	struct text a, b;
	struct region *v;
	size_t n, cap;
	int error;
};

static int split(struct fl_str s, struct text *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	ret->v = calloc(n + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (size_t at = 0, end; at < s.n; at = end + 1) {
		end = fl_str_find(s, '\n', at);
		ret->v[ret->n++] = (struct line){ fl_str_sub(s, at, end - at), end == s.n };
	}
	return 0;
}

static bool same(const struct diff *d, size_t a, size_t b)
{
	return d->a.v[a].open == d->b.v[b].open && fl_str_eq(d->a.v[a].s, d->b.v[b].s);
}

static void add_region(struct diff *d, struct region r)
{
	if (r.a == r.a_end && r.b == r.b_end)
		return;
	if (d->n && d->v[d->n - 1].a_end == r.a && d->v[d->n - 1].b_end == r.b) {
		d->v[d->n - 1].a_end = r.a_end;
		d->v[d->n - 1].b_end = r.b_end;
		return;
	}
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 64;
		struct region *v = reallocarray(d->v, cap, sizeof(*v));

		if (!v) {
			d->error = -ENOMEM;
			return;
		}
		d->v = v;
		d->cap = cap;
	}
	d->v[d->n++] = r;
}

/* -- between two anchors -- */

/* Few lines: the longest common subsequence, by the table of its lengths. */
static void compare_few(struct diff *d, struct region r)
{
	uint8_t len[FEW + 1][FEW + 1] = {};
	size_t an = r.a_end - r.a, bn = r.b_end - r.b, i = 0, k = 0;

	for (size_t x = an; x-- > 0;) {
		for (size_t y = bn; y-- > 0;)
			len[x][y] = same(d, r.a + x, r.b + y) ? len[x + 1][y + 1] + 1 :
				    FL_MAX(len[x + 1][y], len[x][y + 1]);
	}
	while (i < an || k < bn) {
		if (i < an && k < bn && same(d, r.a + i, r.b + k)) {
			i++;
			k++;
		} else if (i < an && (k == bn || len[i + 1][k] >= len[i][k + 1])) {
			add_region(d, (struct region){ r.a + i, r.a + i + 1, r.b + k, r.b + k });
			i++;
		} else {
			add_region(d, (struct region){ r.a + i, r.a + i, r.b + k, r.b + k + 1 });
			k++;
		}
	}
}

static void compare(struct diff *d, struct region r)
{
	while (r.a < r.a_end && r.b < r.b_end && same(d, r.a, r.b)) {
		r.a++;
		r.b++;
	}
	while (r.a < r.a_end && r.b < r.b_end && same(d, r.a_end - 1, r.b_end - 1)) {
		r.a_end--;
		r.b_end--;
	}
	if (r.a_end - r.a <= FEW && r.b_end - r.b <= FEW)
		compare_few(d, r);
	else
		add_region(d, r);
}

/* -- anchors -- */

struct count {
	uint32_t a, b;	 /* how often the line is in each text */
	size_t at_a, at_b;
};

struct anchor {
	size_t a, b;
	struct anchor *before; /* in the run that ends here */
};

/* Lines that stand once in both texts, in the order of the first. */
static struct anchor *unique_lines(struct diff *d, size_t *ret_n)
{
	_cleanup_map_ struct fl_map m = {};
	_cleanup_free_ struct count *v = calloc(d->a.n + d->b.n + 1, sizeof(*v));
	struct anchor *out = calloc(d->a.n + 1, sizeof(*out));
	size_t used = 0;

	*ret_n = 0;
	for (size_t i = 0; v && out && i < d->a.n + d->b.n; i++) {
		bool fresh, first = i < d->a.n;
		size_t at = first ? i : i - d->a.n;
		struct fl_map_entry *e = fl_map_put(&m, first ? d->a.v[at].s : d->b.v[at].s, &fresh);

		if (!e)
			break;
		if (fresh)
			e->num = used++;
		*(first ? &v[e->num].a : &v[e->num].b) += 1;
		*(first ? &v[e->num].at_a : &v[e->num].at_b) = at;
	}
	fl_map_for_each(e, &m) {
		const struct count *c = &v[e->num];

		if (c->a == 1 && c->b == 1 && same(d, c->at_a, c->at_b))
			out[(*ret_n)++] = (struct anchor){ c->at_a, c->at_b, NULL };
	}
	return out;
}

/* The longest run of anchors whose places in the second text ascend, from its end. */
static struct anchor *longest(struct anchor *v, size_t n)
{
	struct anchor **pile = calloc(n + 1, sizeof(*pile)), *last;
	size_t piles = 0;

	for (size_t i = 0; pile && i < n; i++) {
		size_t lo = 0, hi = piles;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (pile[mid]->b < v[i].b)
				lo = mid + 1;
			else
				hi = mid;
		}
		v[i].before = lo ? pile[lo - 1] : NULL;
		pile[lo] = &v[i];
		piles += lo == piles;
	}
	last = piles ? pile[piles - 1] : NULL;
	free(pile);
	return last;
}

static void find_regions(struct diff *d)
{
	size_t n;
	_cleanup_free_ struct anchor *v = unique_lines(d, &n);
	struct anchor *at = longest(v, n), *first = NULL;
	struct region r = {};

	while (at) { /* turned round: from the first to the last */
		struct anchor *before = at->before;

		at->before = first;
		first = at;
		at = before;
	}
	for (; first; first = first->before) {
		r.a_end = first->a;
		r.b_end = first->b;
		compare(d, r);
		r.a = first->a + 1;
		r.b = first->b + 1;
	}
	r.a_end = d->a.n;
	r.b_end = d->b.n;
	compare(d, r);
}

/* -- printing -- */

static void put_lines(struct fl_buf *out, char mark, const struct text *t, size_t from, size_t to)
{
	for (; from < to; from++) {
		fl_buf_addc(out, mark);
		fl_buf_add_str(out, t->v[from].s);
		fl_buf_addc(out, '\n');
		if (t->v[from].open)
			fl_buf_addz(out, "\\ No newline at end of file\n");
	}
}

static void put_range(struct fl_buf *out, char mark, size_t from, size_t count)
{
	fl_buf_addf(out, "%c%zu", mark, count ? from + 1 : from);
	if (count != 1)
		fl_buf_addf(out, ",%zu", count);
}

/* One hunk: regions whose contexts touch. */
static void put_hunk(struct fl_buf *out, const struct diff *d, const struct region *v, size_t n)
{
	size_t from = v[0].a > CONTEXT ? v[0].a - CONTEXT : 0, to = FL_MIN(v[n - 1].a_end + CONTEXT, d->a.n);
	size_t b_from = v[0].b - (v[0].a - from), b_to = v[n - 1].b_end + (to - v[n - 1].a_end), at = from;

	fl_buf_addz(out, "@@ ");
	put_range(out, '-', from, to - from);
	fl_buf_addc(out, ' ');
	put_range(out, '+', b_from, b_to - b_from);
	fl_buf_addz(out, " @@\n");
	for (size_t i = 0; i < n; i++) {
		put_lines(out, ' ', &d->a, at, v[i].a);
		put_lines(out, '-', &d->a, v[i].a, v[i].a_end);
		put_lines(out, '+', &d->b, v[i].b, v[i].b_end);
		at = v[i].a_end;
	}
	put_lines(out, ' ', &d->a, at, to);
}

/* "--- a/NAME"; a tab ends a name with blanks. */
static void put_name(struct fl_buf *out, const char *mark, const char *side, const char *path)
{
	fl_buf_addf(out, "%s ", mark);
	fl_quote_path(out, side, fl_str(path));
	fl_buf_addz(out, strchr(path, ' ') ? "\t\n" : "\n");
}

static void put_diff(struct fl_buf *out, const struct diff *d, const char *path)
{
	if (!d->n)
		return;
	put_name(out, "---", "a/", path);
	put_name(out, "+++", "b/", path);
	for (size_t from = 0, to; from < d->n; from = to) {
		for (to = from + 1; to < d->n && d->v[to].a <= d->v[to - 1].a_end + 2 * CONTEXT; to++)
			;
		put_hunk(out, d, d->v + from, to - from);
	}
}

int docs_diff(struct fl_buf *out, const char *path, struct fl_str old, struct fl_str new)
{
	struct diff d = {};

	d.error = split(old, &d.a);
	if (!d.error)
		d.error = split(new, &d.b);
	if (!d.error)
		find_regions(&d);
	if (!d.error)
		put_diff(out, &d, path);
	free(d.a.v);
	free(d.b.v);
	free(d.v);
	return d.error ? d.error : out->error;
}
