/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom an allocation without a site is charged to. */
#ifndef ALLOC_LIB_INTERPOSE_H
#define ALLOC_LIB_INTERPOSE_H

#include "alloc/lib/core.h"

/* For the function that is the process's: its own frame says who called it, and from where. */
#define FL_CALLER ((void *const *)__builtin_frame_address(0))

static inline uint32_t fl_implicit(void *const *frame)
{
	if (unlikely(fl_charged))
		return fl_site_index(fl_charged);
	return unlikely(fl_settings.depth) ? fl_site_of_caller(frame) : 0;
}

/* The same for C++'s new, which a tagged C++ program has counted in any case. */
static inline uint32_t fl_implicit_new(void *const *frame)
{
	if (unlikely(fl_charged))
		return fl_site_index(fl_charged);
	return fl_settings.depth || fl_settings.news ? fl_site_of_caller(frame) : 0;
}

#endif
