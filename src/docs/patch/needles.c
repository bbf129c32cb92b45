/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wu and Manber's search: as long as the shortest needle allows, the text is stepped over. Two bytes at
 * the end of a window of that length say how far the window may move until they could be part of any
 * needle; where they say zero, the needles whose window ends so are compared. Case is folded in ASCII.
 */
#include "docs/patch/needles.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

#define KEYS 65536

static unsigned char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 32 : c;
}

static unsigned int key(const char *p)
{
	return (unsigned int)fold(p[0]) << 8 | fold(p[1]);
}

int docs_needles_add(struct docs_needles *s, struct fl_str text, int kind, struct fl_str dir)
{
	if (!text.n)
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 32;
		struct docs_needle *v = reallocarray(s->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = (struct docs_needle){ .text = text, .dir = dir, .kind = kind };
	s->shortest = s->n == 1 || text.n < s->shortest ? text.n : s->shortest;
	return 0;
}

int docs_needles_ready(struct docs_needles *s)
{
	s->shift = calloc(KEYS, sizeof(*s->shift));
	s->first = calloc(KEYS, sizeof(*s->first));
	if (!s->shift || !s->first)
		return -ENOMEM;
	if (s->shortest < 2)
		return 0; /* every place is compared */
	for (size_t k = 0; k < KEYS; k++)
		s->shift[k] = FL_MIN(s->shortest - 1, (size_t)UINT16_MAX);
	for (size_t i = 0; i < s->n; i++) {
		const char *p = s->v[i].text.p;

		for (size_t at = 0; at + 2 <= s->shortest; at++) {
			size_t left = s->shortest - 2 - at;

			s->shift[key(p + at)] = FL_MIN((size_t)s->shift[key(p + at)], left);
		}
		s->v[i].next = s->first[key(p + s->shortest - 2)];
		s->first[key(p + s->shortest - 2)] = (uint32_t)i + 1;
	}
	return 0;
}

static bool stands_at(const struct docs_needle *n, struct fl_str text, size_t at)
{
	if (at + n->text.n > text.n)
		return false;
	for (size_t i = 0; i < n->text.n; i++) {
		if (fold(text.p[at + i]) != fold(n->text.p[i]))
			return false;
	}
	return true;
}

static bool each_place(const struct docs_needles *s, struct fl_str text,
		       docs_needle_hit *hit, void *ctx)
{
	for (size_t at = 0; at < text.n; at++) {
		for (size_t i = 0; i < s->n; i++) {
			if (stands_at(&s->v[i], text, at) && hit(ctx, text, at, &s->v[i]))
				return true;
		}
	}
	return false;
}

bool docs_needles_find(const struct docs_needles *s, struct fl_str text,
		       docs_needle_hit *hit, void *ctx)
{
	if (!s->n)
		return false;
	if (s->shortest < 2)
		return each_place(s, text, hit, ctx);
	for (size_t end = s->shortest; end <= text.n;) {
		unsigned int k = key(text.p + end - 2);

		if (s->shift[k]) {
			end += s->shift[k];
			continue;
		}
		for (uint32_t i = s->first[k]; i; i = s->v[i - 1].next) {
			if (stands_at(&s->v[i - 1], text, end - s->shortest) &&
			    hit(ctx, text, end - s->shortest, &s->v[i - 1]))
				return true;
		}
		end++;
	}
	return false;
}

void docs_needles_fini(struct docs_needles *s)
{
	free(s->v);
	free(s->shift);
	free(s->first);
	*s = (struct docs_needles){};
}
