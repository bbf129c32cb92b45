/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call site and its live values, as the kernel's text names them. */
#ifndef ALLOC_TAGS_TAG_H
#define ALLOC_TAGS_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of one call site. Borrowed strings; NULL where the tag has none. */
struct fl_tag {
	const char *module; /* NULL: built in */
	const char *function;
	const char *file;
	uint64_t line;
	bool inaccurate;
};

/* Live values: allocated minus freed. A sum over CPUs or threads may be negative for a moment. */
struct fl_tag_counters {
	uint64_t bytes;
	uint64_t calls;
};

#endif
