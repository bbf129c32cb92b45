/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Samples for profilers that listen: USDT probes otel_memory:alloc(ptr, size, weight) and
 * otel_memory:free(ptr). Each has a semaphore, so that a program which nobody listens to pays for a
 * look at one word of memory an allocation, and nothing a free: the header of a sampled block says so.
 */
#ifndef ALLOC_LIB_SAMPLE_H
#define ALLOC_LIB_SAMPLE_H

#include "alloc/lib/core.h"

/* The kernel counts the listeners here; what is a part of programs looks at it, too. */
extern volatile unsigned short fl_sample_listeners __attribute__((visibility("hidden")));

bool fl_sample_draw(size_t size);
void fl_sample_tell_alloc(void *p, size_t size);
void fl_sample_tell_free(void *p);
/* After fork(): the child's samples are its own. */
void fl_sample_in_child(void);

/* Whether a block of this size, which is about to be allocated, is one of the sample. */
static inline bool fl_sample(size_t size)
{
	return unlikely(fl_sample_listeners) && fl_sample_draw(size);
}

#endif
