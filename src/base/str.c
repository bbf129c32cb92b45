/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include <stdlib.h>

#include "base/util.h"

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct fl_str fl_str_trim(struct fl_str a)
{
	while (a.n && is_space(a.p[0]))
		a.p++, a.n--;
	while (a.n && is_space(a.p[a.n - 1]))
		a.n--;
	return a;
}

struct fl_str fl_str_base_name(struct fl_str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash ? fl_str_from(path, (size_t)(slash - path.p) + 1) : path;
}

bool fl_str_line(struct fl_str *rest, struct fl_str *line)
{
	size_t end;

	if (!rest->n)
		return false;
	end = fl_str_find(*rest, '\n', 0);
	*line = fl_str_sub(*rest, 0, end);
	*rest = fl_str_from(*rest, end + 1);
	return true;
}

bool fl_str_word(struct fl_str *rest, struct fl_str *word)
{
	size_t n = 0;

	while (rest->n && is_space(rest->p[0]))
		rest->p++, rest->n--;
	while (n < rest->n && !is_space(rest->p[n]))
		n++;
	*word = fl_str_sub(*rest, 0, n);
	*rest = fl_str_from(*rest, n);
	return n > 0;
}

int fl_str_cmp(struct fl_str a, struct fl_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	if (r)
		return r;
	return a.n < b.n ? -1 : a.n > b.n;
}

char *fl_str_dup(struct fl_str a)
{
	char *z = malloc(a.n + 1);

	if (!z)
		return NULL;
	if (a.n)
		memcpy(z, a.p, a.n);
	z[a.n] = '\0';
	return z;
}

/*
 * Matches one [..] set at the start of @glob against @c. Returns the set's length, 0 where the
 * bracket is not closed (and then stands for itself).
 */
static size_t glob_set(struct fl_str glob, char c, bool *ret_hit)
{
	bool negate = glob.n > 1 && (glob.p[1] == '!' || glob.p[1] == '^');
	size_t first = negate ? 2 : 1;
	bool hit = false;

	for (size_t i = first; i < glob.n; i++) {
		unsigned char lo = glob.p[i], hi = lo;

		if (lo == ']' && i > first) {
			*ret_hit = hit != negate;
			return i + 1;
		}
		if (i + 2 < glob.n && glob.p[i + 1] == '-' && glob.p[i + 2] != ']') {
			hi = glob.p[i + 2];
			i += 2;
		}
		if ((unsigned char)c >= lo && (unsigned char)c <= hi)
			hit = true;
	}
	return 0;
}

/* Length of the glob's first element if it matches @c, else 0. "*" is the caller's. */
static size_t glob_one(struct fl_str glob, char c)
{
	bool hit = false;
	size_t n;

	switch (glob.p[0]) {
	case '?':
		return 1;
	case '[':
		n = glob_set(glob, c, &hit);
		if (n)
			return hit ? n : 0;
		break;
	case '\\':
		if (glob.n > 1)
			return glob.p[1] == c ? 2 : 0;
		break;
	}
	return glob.p[0] == c;
}

/* Only the last star needs to be tried again: what an earlier one matched stays good enough. */
bool fl_str_glob(struct fl_str glob, struct fl_str s)
{
	struct fl_str star = {}, star_s = {};

	while (s.n) {
		size_t n;

		if (glob.n && glob.p[0] == '*') {
			glob = star = fl_str_from(glob, 1);
			star_s = s;
			continue;
		}
		n = glob.n ? glob_one(glob, s.p[0]) : 0;
		if (n) {
			glob = fl_str_from(glob, n);
			s = fl_str_from(s, 1);
			continue;
		}
		if (!star.p)
			return false;
		star_s = fl_str_from(star_s, 1);
		s = star_s;
		glob = star;
	}
	while (glob.n && glob.p[0] == '*')
		glob = fl_str_from(glob, 1);
	return glob.n == 0;
}

#define NEAREST_MAX 64 /* bytes of a name that are compared */

/*
 * Insertions, deletions, other characters, and neighbours that changed places, each one step, or more
 * than @limit. Three rows of the table: this one, the one before, and the one before that for the last.
 */
static unsigned int edit_distance(struct fl_str a, struct fl_str b, unsigned int limit)
{
	unsigned int rows[3][NEAREST_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
		unsigned int best = row[0] = i;

		for (size_t j = 1; j <= b.n; j++) {
			unsigned int cost = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			cost = FL_MIN(cost, FL_MIN(row[j - 1], above[j]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				cost = FL_MIN(cost, two[j - 2] + 1);
			row[j] = cost;
			best = FL_MIN(best, cost);
		}
		if (best > limit + 1) /* a swap may still take one back */
			return limit + 1;
	}
	return rows[a.n % 3][b.n];
}

size_t fl_str_nearest(struct fl_str wrong, const struct fl_str *names, size_t n)
{
	unsigned int best = wrong.n < 3 ? 1 : wrong.n / 3;
	size_t hit = n;

	if (!wrong.n || wrong.n > NEAREST_MAX)
		return n;
	for (size_t i = 0; i < n; i++) {
		size_t gap = names[i].n > wrong.n ? names[i].n - wrong.n : wrong.n - names[i].n;
		unsigned int d;

		if (names[i].n > NEAREST_MAX || gap > best)
			continue;
		d = edit_distance(wrong, names[i], best);
		if (d < best || (d == best && hit == n)) {
			best = d;
			hit = i;
		}
	}
	return hit;
}
