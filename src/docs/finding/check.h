/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of checks: one row a check, in checks.def. Its identifiers, the choice of --only and
 * --skip, the list in --help, the manual page and the tests' examples all come from it.
 */
#ifndef DOCS_CHECK_H
#define DOCS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/util.h"
#include "foreland/diag.h"

/* What finds it: a reader runs on a file when one of its checks is wanted. */
enum docs_reader {
	DOCS_READ_TEXT,	 /* every text file: names of files, sysfs paths, bytes */
	DOCS_READ_ABI,	 /* Documentation/ABI */
	DOCS_READ_RST,	 /* reStructuredText pages */
	DOCS_READ_KDOC,	 /* kernel-doc comments in C */
	DOCS_READ_MAINT, /* MAINTAINERS */
	DOCS_READ_TREE,	 /* what several files say of each other, after all were read */
	DOCS_READ_PATCH, /* the patch itself and its mail */
	_DOCS_READ_MAX,
};

enum docs_check {
#define CHECK(code, id, group, level, reader, fix, summary, good, bad) DOCS_##code,
#include "docs/finding/checks.def"
#undef CHECK
	_DOCS_CHECK_MAX,
};

/*
 * @kind.code is the id. @good and @bad are a small tree each: "=== path" opens a file, and what
 * stands before the first such line is @path's text. NULL where nothing can be shown in a file.
 */
struct docs_check_row {
	struct fl_diag_kind kind;
	const char *group;
	enum docs_reader reader;
	bool fix;
	const char *good, *bad;
};

extern const struct docs_check_row docs_checks[_DOCS_CHECK_MAX];

/* The path that a row's example file has when it names none. */
const char *docs_example_path(enum docs_reader reader);

/* A choice of checks. */
struct docs_set {
	uint64_t bits[(_DOCS_CHECK_MAX + 63) / 64];
};

static inline bool docs_set_has(const struct docs_set *s, enum docs_check c)
{
	return s->bits[c / 64] >> (c % 64) & 1;
}

static inline bool docs_set_is_empty(const struct docs_set *s)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(s->bits); i++)
		if (s->bits[i])
			return false;
	return true;
}

static inline void docs_set_add(struct docs_set *s, enum docs_check c)
{
	s->bits[c / 64] |= 1ULL << (c % 64);
}

/*
 * Names checks by id or group, separated by commas. -EINVAL for a name that is none of them; then
 * @err says so, with the name that was probably meant.
 */
int docs_set_parse(struct docs_set *s, const char *names, struct fl_buf *err);

/* Some check of @reader is in @s. */
bool docs_set_reads(const struct docs_set *s, enum docs_reader reader);

/* The manual page of all checks, with their examples, in man(7). */
void docs_checks_man(struct fl_buf *out);

#endif
