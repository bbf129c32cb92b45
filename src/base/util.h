/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handful of macros that every folder uses. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* One inside another is two variables of their own: the counter makes their names. */
#define FL_MIN(a, b) FL_PICK_(a, b, <, __COUNTER__)
#define FL_MAX(a, b) FL_PICK_(a, b, >, __COUNTER__)
#define FL_PICK_(a, b, op, n) FL_PICK__(a, b, op, n)
#define FL_PICK__(a, b, op, n)                                                                     \
	({                                                                                         \
		__typeof__(a) a_##n = (a);                                                         \
		__typeof__(b) b_##n = (b);                                                         \
		a_##n op b_##n ? a_##n : b_##n;                                                    \
	})

#define FL_CONTAINER_OF(ptr, type, member)                                                         \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

#define FL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
