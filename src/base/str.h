/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A string that is a place in somebody else's text: pointer and length, never assumed to end in
 * NUL, never owned. Tokens, names and lines are all of this type, so that a span can always be
 * computed back from it.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fl_str {
	const char *p;
	size_t n;
};

#define FL_STR(lit)  ((struct fl_str){ "" lit, sizeof(lit) - 1 })
#define FL_STR_ARG(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct fl_str fl_str(const char *z)
{
	return (struct fl_str){ z, z ? strlen(z) : 0 };
}

static inline struct fl_str fl_str_n(const char *p, size_t n)
{
	return (struct fl_str){ p, n };
}

static inline bool fl_str_eq(struct fl_str a, struct fl_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool fl_str_is(struct fl_str a, const char *z)
{
	return fl_str_eq(a, fl_str(z));
}

static inline bool fl_str_starts(struct fl_str a, const char *z)
{
	size_t n = strlen(z);

	return a.n >= n && memcmp(a.p, z, n) == 0;
}

/* The part of a path behind its last "/": of "a/b.c" "b.c", of "a/" nothing. */
struct fl_str fl_str_base_name(struct fl_str path);

static inline bool fl_str_ends(struct fl_str a, const char *z)
{
	size_t n = strlen(z);

	return a.n >= n && memcmp(a.p + a.n - n, z, n) == 0;
}

/* The part from @from on, @n bytes at most; clamped to the string. */
static inline struct fl_str fl_str_sub(struct fl_str a, size_t from, size_t n)
{
	if (from > a.n)
		from = a.n;
	if (n > a.n - from)
		n = a.n - from;
	return (struct fl_str){ from ? a.p + from : a.p, n }; /* NULL + 0 is undefined in C */
}

static inline struct fl_str fl_str_from(struct fl_str a, size_t from)
{
	return fl_str_sub(a, from, SIZE_MAX);
}

/* Index of the first @c at or after @from, or a.n where there is none. */
static inline size_t fl_str_find(struct fl_str a, char c, size_t from)
{
	const char *hit = from < a.n ? memchr(a.p + from, c, a.n - from) : NULL;

	return hit ? (size_t)(hit - a.p) : a.n;
}

struct fl_str fl_str_trim(struct fl_str a);

/* Cuts the next line (without its "\n") off the front of @rest; false at the end of the text. */
bool fl_str_line(struct fl_str *rest, struct fl_str *line);

/* Cuts the next word (separated by white space) off the front of @rest; false where none is left. */
bool fl_str_word(struct fl_str *rest, struct fl_str *word);

int fl_str_cmp(struct fl_str a, struct fl_str b);

/* A malloc()ed, NUL-terminated copy, or NULL. */
char *fl_str_dup(struct fl_str a);

/* Shell glob with * ? [a-z] and backslash, on byte strings; the whole of @s must match. */
bool fl_str_glob(struct fl_str glob, struct fl_str s);

/*
 * Of @n names the one that a person most likely meant by @wrong: the least edit distance
 * (neighbours that changed places count once), if it is at most a third of @wrong's length. @n when nothing is near.
 */
size_t fl_str_nearest(struct fl_str wrong, const struct fl_str *names, size_t n);

#endif
