/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handful of macros that every folder uses. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define FL_MIN(a, b)                                                                               \
	({                                                                                         \
		__typeof__(a) _a = (a);                                                            \
		__typeof__(b) _b = (b);                                                            \
		_a < _b ? _a : _b;                                                                 \
	})

#define FL_MAX(a, b)                                                                               \
	({                                                                                         \
		__typeof__(a) _a = (a);                                                            \
		__typeof__(b) _b = (b);                                                            \
		_a > _b ? _a : _b;                                                                 \
	})

#define FL_CONTAINER_OF(ptr, type, member)                                                         \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

#define FL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
