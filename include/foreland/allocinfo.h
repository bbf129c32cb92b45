/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The binary interface of /proc/allocinfo: structures, request numbers and filter bits, as the
 * kernel has them since 7.3, and the two shapes in which it was posted before.
 *
 * The kernel's own header (linux/alloc_tag.h) does not exist on the systems that people build on
 * today, and knows one of the three shapes. Sizes are part of the request numbers, so a wrong shape
 * is answered with ENOTTY and never misread.
 *
 * Sizes are in bytes; strings are padded with zeroes to FL_ALLOCINFO_STR_SIZE; a string that has 64
 * characters or more is given by its last 63.
 *
 * Source: the posted series ("alloc_tag: add size-based filtering to ioctl", v6) and the facts of
 * the merged header.
 */
#ifndef FORELAND_ALLOCINFO_H
#define FORELAND_ALLOCINFO_H

#include <stdint.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>

#define FL_ALLOCINFO_STR_SIZE 64

/* Bits of a filter's mask. All that are set must hold; a mask of 0 lets everything through. */
#define FL_ALLOCINFO_MODNAME	(1u << 0) /* "" selects what is built in, and only that */
#define FL_ALLOCINFO_FUNCTION	(1u << 1)
#define FL_ALLOCINFO_FILENAME	(1u << 2)
#define FL_ALLOCINFO_LINENO	(1u << 3)
#define FL_ALLOCINFO_INACCURATE (1u << 4) /* 0 selects accurate tags alone, else inaccurate ones */
#define FL_ALLOCINFO_MIN_SIZE	(1u << 5) /* live bytes, inclusive */
#define FL_ALLOCINFO_MAX_SIZE	(1u << 6)
#define FL_ALLOCINFO_MASKS	0x7fu

struct fl_allocinfo_content_id {
	uint64_t id; /* equal: the set of tags is the same; says nothing about counters */
};

struct fl_allocinfo_tag {
	char modname[FL_ALLOCINFO_STR_SIZE]; /* "" for what is built in */
	char function[FL_ALLOCINFO_STR_SIZE];
	char filename[FL_ALLOCINFO_STR_SIZE];
	uint64_t lineno;
};

struct fl_allocinfo_counter {
	uint64_t bytes __attribute__((aligned(8))); /* live */
	uint64_t calls __attribute__((aligned(8))); /* live */
	uint8_t accurate;
	uint8_t pad[7];
};

struct fl_allocinfo_tag_data {
	struct fl_allocinfo_tag tag;
	struct fl_allocinfo_counter counter;
};

struct fl_allocinfo_filter {
	uint64_t mask;
	struct fl_allocinfo_tag fields;
	uint64_t min_size;
	uint64_t max_size;
	uint64_t inaccurate;
};

struct fl_allocinfo_get_at {
	uint64_t pos;			   /* in: how many matches to skip */
	struct fl_allocinfo_filter filter; /* in */
	struct fl_allocinfo_tag_data data; /* out */
};

#define FL_ALLOCINFO_MAGIC	0xA6
#define FL_ALLOCINFO_CONTENT_ID _IOR(FL_ALLOCINFO_MAGIC, 0, struct fl_allocinfo_content_id)
#define FL_ALLOCINFO_GET_AT	_IOWR(FL_ALLOCINFO_MAGIC, 1, struct fl_allocinfo_get_at)
#define FL_ALLOCINFO_GET_NEXT	_IOR(FL_ALLOCINFO_MAGIC, 2, struct fl_allocinfo_tag_data)

/*
 * v6 up to its third patch: no inaccurate, and the two size bits one lower. CONTENT_ID and GET_NEXT
 * are the same as the merged ones.
 */
#define FL_ALLOCINFO_V6_MIN_SIZE (1u << 4)
#define FL_ALLOCINFO_V6_MAX_SIZE (1u << 5)
#define FL_ALLOCINFO_V6_MASKS	 0x3fu

struct fl_allocinfo_v6_filter {
	uint64_t mask;
	struct fl_allocinfo_tag fields;
	uint64_t min_size;
	uint64_t max_size;
};

struct fl_allocinfo_v6_get_at {
	uint64_t pos;
	struct fl_allocinfo_v6_filter filter;
	struct fl_allocinfo_tag_data data;
};

#define FL_ALLOCINFO_V6_GET_AT _IOWR(FL_ALLOCINFO_MAGIC, 1, struct fl_allocinfo_v6_get_at)

/*
 * v6 and v7 complete: inaccurate stands in the tag, and so is a part of answers too, where it
 * means nothing (counter.accurate does). The bits are the merged ones.
 */
struct fl_allocinfo_v7_tag {
	char modname[FL_ALLOCINFO_STR_SIZE];
	char function[FL_ALLOCINFO_STR_SIZE];
	char filename[FL_ALLOCINFO_STR_SIZE];
	uint64_t lineno;
	uint64_t inaccurate;
};

struct fl_allocinfo_v7_tag_data {
	struct fl_allocinfo_v7_tag tag;
	struct fl_allocinfo_counter counter;
};

struct fl_allocinfo_v7_filter {
	uint64_t mask;
	struct fl_allocinfo_v7_tag fields;
	uint64_t min_size;
	uint64_t max_size;
};

struct fl_allocinfo_v7_get_at {
	uint64_t pos;
	struct fl_allocinfo_v7_filter filter;
	struct fl_allocinfo_v7_tag_data data;
};

#define FL_ALLOCINFO_V7_GET_AT	 _IOWR(FL_ALLOCINFO_MAGIC, 1, struct fl_allocinfo_v7_get_at)
#define FL_ALLOCINFO_V7_GET_NEXT _IOR(FL_ALLOCINFO_MAGIC, 2, struct fl_allocinfo_v7_tag_data)

#ifndef __cplusplus
_Static_assert(sizeof(struct fl_allocinfo_counter) == 24, "the kernel's counter");
_Static_assert(FL_ALLOCINFO_CONTENT_ID == 0x8008A600u, "the kernel's request number");
_Static_assert(FL_ALLOCINFO_GET_AT == 0xC1D0A601u, "the kernel's request number");
_Static_assert(FL_ALLOCINFO_GET_NEXT == 0x80E0A602u, "the kernel's request number");
_Static_assert(FL_ALLOCINFO_V6_GET_AT == 0xC1C8A601u, "v6 after its third patch");
_Static_assert(FL_ALLOCINFO_V7_GET_AT == 0xC1D8A601u, "v7");
_Static_assert(FL_ALLOCINFO_V7_GET_NEXT == 0x80E8A602u, "v7");
#endif

#endif
