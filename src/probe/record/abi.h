/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the machine that made a record stores numbers: its byte order and the size of its kernel's
 * long. Recordings travel; a live record is this machine's own.
 */
#ifndef PROBE_RECORD_ABI_H
#define PROBE_RECORD_ABI_H

#include "base/bytes.h"

struct fl_abi {
	bool big_endian;
	uint8_t long_size; /* 4 or 8 */
};

#define FL_ABI_OWN ((struct fl_abi){ .big_endian = __BYTE_ORDER == __BIG_ENDIAN, .long_size = sizeof(long) })

static inline uint16_t fl_abi_u16(struct fl_abi a, const void *p)
{
	return a.big_endian ? fl_get_be16(p) : fl_get_le16(p);
}

static inline uint32_t fl_abi_u32(struct fl_abi a, const void *p)
{
	return a.big_endian ? fl_get_be32(p) : fl_get_le32(p);
}

static inline uint64_t fl_abi_u64(struct fl_abi a, const void *p)
{
	return a.big_endian ? fl_get_be64(p) : fl_get_le64(p);
}

/* @size is 1 to 8 bytes; those that no C type has are read all the same. */
static inline uint64_t fl_abi_number(struct fl_abi a, const void *p, unsigned int size)
{
	const uint8_t *b = p;
	uint64_t v = 0;

	switch (size) {
	case 1:
		return *b;
	case 2:
		return fl_abi_u16(a, p);
	case 4:
		return fl_abi_u32(a, p);
	case 8:
		return fl_abi_u64(a, p);
	}
	for (unsigned int i = 0; i < size; i++)
		v = v << 8 | b[a.big_endian ? i : size - 1 - i];
	return v;
}

static inline uint64_t fl_abi_long(struct fl_abi a, const void *p)
{
	return a.long_size == 4 ? fl_abi_u32(a, p) : fl_abi_u64(a, p);
}

#endif
