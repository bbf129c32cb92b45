/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A git head tells the names of a change up to three times: in its first line, in "rename from" and the
 * like, and before the hunks. The first line alone cannot be split where a name has blanks and the sides
 * differ, so it counts only where both sides are equal; a name that was told by one line may not be told
 * otherwise by the next. A head without hunks must change something: a mode, or that a file is there.
 */
#include "docs/patch/head.h"

#include <string.h>
#include <sys/stat.h>

#include "base/util.h"

/* The quote that ends the name at the start of @s, or 0; what stands behind it is no part of the name. */
static size_t closing(struct fl_str s)
{
	if (!s.n || s.p[0] != '"')
		return 0;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i;
		i += s.p[i] == '\\';
	}
	return 0;
}

struct fl_str docs_diff_unquote(struct fl_arena *a, struct fl_str s)
{
	static const char from[] = "abtnvfr\"\\", to[] = "\a\b\t\n\v\f\r\"\\";
	size_t n = 0, end = closing(s);
	char *out;

	if (!end)
		return s;
	s = fl_str_sub(s, 1, end - 1);
	out = fl_arena_alloc(a, s.n + 1);
	for (size_t i = 0; out && i < s.n; i++) {
		const char *e = s.p[i] == '\\' && i + 1 < s.n ? strchr(from, s.p[i + 1]) : NULL;

		if (e && s.p[i + 1]) {
			out[n++] = to[e - from];
			i++;
		} else if (s.p[i] == '\\' && i + 3 < s.n) {
			out[n++] = (char)((s.p[i + 1] - '0') << 6 | (s.p[i + 2] - '0') << 3 | (s.p[i + 3] - '0'));
			i += 3;
		} else {
			out[n++] = s.p[i];
		}
	}
	return fl_str_n(out ? out : "", out ? n : 0);
}

/* Without its first folder, whatever that is called ("a/", "i/", "linux.orig/"); a name alone is kept. */
static struct fl_str stripped(struct fl_str s)
{
	size_t slash = fl_str_find(s, '/', 0);

	return slash < s.n ? fl_str_from(s, slash + 1) : s;
}

struct fl_str docs_diff_path(struct fl_arena *a, struct fl_str s)
{
	s = docs_diff_unquote(a, fl_str_sub(s, 0, fl_str_find(s, '\t', 0)));
	if (fl_str_is(fl_str_trim(s), "/dev/null"))
		return (struct fl_str){};
	return stripped(s);
}

/* -- the first line -- */

/* The side "a/NAME" without its folder; p NULL where it has none. */
static struct fl_str side(struct fl_arena *a, struct fl_str s)
{
	s = docs_diff_unquote(a, s);
	return fl_str_find(s, '/', 0) < s.n ? stripped(s) : (struct fl_str){};
}

void docs_git_head_start(struct docs_git_head *h, struct fl_arena *a, struct docs_change *c, struct fl_str sides)
{
	*h = (struct docs_git_head){ .arena = a, .change = c };
	for (size_t i = 0; (i = fl_str_find(sides, ' ', i)) < sides.n; i++) {
		struct fl_str one = side(a, fl_str_sub(sides, 0, i)), other = side(a, fl_str_from(sides, i + 1));

		if (one.p && other.p && fl_str_eq(one, other)) {
			h->name = one;
			return;
		}
	}
}

/* -- the lines below -- */

static void bad(struct docs_git_head *h, const char *why)
{
	if (!h->change->bad)
		h->change->bad = why;
}

static uint32_t mode(struct docs_git_head *h, struct fl_str s)
{
	uint32_t v = 0;
	size_t i = 0;

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '7'; i++)
		v = v << 3 | (uint32_t)(s.p[i] - '0');
	if (!i || (i < s.n && s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r'))
		bad(h, "a mode that is none");
	return v;
}

static void old_mode(struct docs_git_head *h, struct fl_str s)
{
	h->change->old_mode = mode(h, s);
}

static void new_mode(struct docs_git_head *h, struct fl_str s)
{
	h->new_mode = mode(h, s);
}

static void kind(struct docs_git_head *h)
{
	if (++h->nr_kinds > 1)
		bad(h, "its head says two things of one file");
}

static void deleted(struct docs_git_head *h, struct fl_str s)
{
	h->is_delete = true;
	h->old = h->name;
	kind(h);
	old_mode(h, s);
}

static void fresh(struct docs_git_head *h, struct fl_str s)
{
	h->is_new = true;
	h->new = h->name;
	kind(h);
	new_mode(h, s);
}

static void renamed_from(struct docs_git_head *h, struct fl_str s)
{
	h->change->renames = true;
	h->old = docs_diff_unquote(h->arena, s);
	kind(h);
}

static void copied_from(struct docs_git_head *h, struct fl_str s)
{
	h->change->copies = true;
	h->old = docs_diff_unquote(h->arena, s);
	kind(h);
}

static void moved_to(struct docs_git_head *h, struct fl_str s)
{
	h->new = docs_diff_unquote(h->arena, s);
}

/* "index 1234567..89abcde 100644" */
static void index_line(struct docs_git_head *h, struct fl_str s)
{
	size_t blank = fl_str_find(s, ' ', 0);

	if (blank < s.n && memmem(s.p, blank, "..", 2))
		old_mode(h, fl_str_from(s, blank + 1));
}

static void binary(struct docs_git_head *h, struct fl_str s)
{
	(void)s;
	h->change->binary = true;
}

static void nothing(struct docs_git_head *h, struct fl_str s)
{
	(void)h;
	(void)s;
}

/* What "---" or "+++" tells of one side, of which @told is known; @none: the other lines say that it is not there. */
static void told(struct docs_git_head *h, struct fl_str *known, bool none, struct fl_str s)
{
	struct fl_str path = docs_diff_path(h->arena, s);

	if (none ? path.p != NULL : !path.p && !known->p)
		bad(h, "its head and the names before the hunks do not agree that there is a file");
	else if (known->p && !(path.p && fl_str_eq(*known, path)))
		bad(h, "its names contradict each other");
	else if (!none)
		*known = path;
	h->change->named = true;
}

static void old_name(struct docs_git_head *h, struct fl_str s)
{
	told(h, &h->old, h->is_new, s);
}

static void new_name(struct docs_git_head *h, struct fl_str s)
{
	told(h, &h->new, h->is_delete, s);
}

static const struct {
	const char *starts;
	void (*read)(struct docs_git_head *h, struct fl_str rest);
} rows[] = {
	{ "--- ", old_name }, { "+++ ", new_name },
	{ "old mode ", old_mode }, { "new mode ", new_mode },
	{ "deleted file mode ", deleted }, { "new file mode ", fresh },
	{ "rename from ", renamed_from }, { "rename old ", renamed_from }, { "copy from ", copied_from },
	{ "rename to ", moved_to }, { "rename new ", moved_to }, { "copy to ", moved_to },
	{ "similarity index ", nothing }, { "dissimilarity index ", nothing }, { "index ", index_line },
	{ "Binary files ", binary }, { "GIT binary patch", binary },
};

bool docs_git_head_takes(struct fl_str line)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (fl_str_starts(line, rows[i].starts))
			return true;
	}
	return false;
}

bool docs_git_head_line(struct docs_git_head *h, struct fl_str line)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (!fl_str_starts(line, rows[i].starts))
			continue;
		rows[i].read(h, fl_str_from(line, strlen(rows[i].starts)));
		h->nr_lines++;
		return true;
	}
	return false;
}

/* -- its end -- */

static bool changes_something(const struct docs_git_head *h)
{
	return h->nr_kinds || (h->new_mode && h->change->old_mode);
}

void docs_git_head_end(struct docs_git_head *h)
{
	struct docs_change *c = h->change;

	if (h->is_ended || !c)
		return;
	h->is_ended = true;
	if (!h->old.p && !h->new.p)
		h->old = h->new = h->name;
	if ((!h->old.p && !h->is_new) || (!h->new.p && !h->is_delete))
		bad(h, "its head lacks a file's name");
	if (!c->hunks && !c->binary && !changes_something(h))
		bad(h, "a head that changes nothing");
	if (c->old_mode && h->new_mode && ((c->old_mode ^ h->new_mode) & S_IFMT))
		bad(h, "the modes of its head are of two types");
	c->old_path = h->is_new ? (struct fl_str){} : h->old;
	c->new_path = h->is_delete ? (struct fl_str){} : h->new;
}
