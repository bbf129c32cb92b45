/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endian-safe, alignment-safe access to bytes that came from somewhere else, register fields by
 * mask, and a reader that cannot run past its end.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FL_DEFINE_ACCESS(bits, order)                                                              \
	static inline uint##bits##_t fl_get_##order##bits(const void *p)                           \
	{                                                                                          \
		uint##bits##_t v;                                                                  \
		memcpy(&v, p, sizeof(v));                                                          \
		return order##bits##toh(v);                                                        \
	}                                                                                          \
	static inline void fl_put_##order##bits(void *p, uint##bits##_t v)                         \
	{                                                                                          \
		v = hto##order##bits(v);                                                           \
		memcpy(p, &v, sizeof(v));                                                          \
	}                                                                                          \
	struct fl_access_semicolon

FL_DEFINE_ACCESS(16, le);
FL_DEFINE_ACCESS(32, le);
FL_DEFINE_ACCESS(64, le);
FL_DEFINE_ACCESS(16, be);
FL_DEFINE_ACCESS(32, be);
FL_DEFINE_ACCESS(64, be);

/* A field is named by its mask alone; the shift follows from it, so the two cannot disagree. */
#define FL_FIELD_GET(mask, reg) (((reg) & (mask)) >> __builtin_ctzll(mask))
#define FL_FIELD_PREP(mask, v)	(((uint64_t)(v) << __builtin_ctzll(mask)) & (mask))

/* Bits @lo to @hi, both included. */
#define FL_BITS(hi, lo) ((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))

/* [off, off+len) lies within [0, size), without overflow. */
static inline bool fl_range_ok(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

/*
 * Reads forward through a byte range. After the first read past the end every further one returns
 * zero and @overrun stays set, so a decoder may check once, behind a whole structure.
 */
struct fl_reader {
	const uint8_t *p;
	size_t size;
	size_t pos;
	bool overrun;
};

static inline const uint8_t *fl_reader_take(struct fl_reader *r, size_t n)
{
	const uint8_t *at = r->p + r->pos;

	if (r->overrun || !fl_range_ok(r->pos, n, r->size)) {
		r->overrun = true;
		return NULL;
	}
	r->pos += n;
	return at;
}

static inline uint8_t fl_reader_u8(struct fl_reader *r)
{
	const uint8_t *p = fl_reader_take(r, 1);

	return p ? *p : 0;
}

static inline uint16_t fl_reader_le16(struct fl_reader *r)
{
	const uint8_t *p = fl_reader_take(r, 2);

	return p ? fl_get_le16(p) : 0;
}

static inline uint32_t fl_reader_le32(struct fl_reader *r)
{
	const uint8_t *p = fl_reader_take(r, 4);

	return p ? fl_get_le32(p) : 0;
}

static inline uint64_t fl_reader_le64(struct fl_reader *r)
{
	const uint8_t *p = fl_reader_take(r, 8);

	return p ? fl_get_le64(p) : 0;
}

#endif
