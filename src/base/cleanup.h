/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound resources: a variable marked _cleanup_x_ is released when it goes out of scope, and
 * TAKE_PTR()/TAKE_FD() hands it to somebody else first. Prefer these to goto.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Defines fn##p(), which releases the pointer that a variable holds; use as _cleanup_(fn##p). */
#define FL_DEFINE_CLEANUP(type, fn)                                                                \
	static inline void fn##p(type *p)                                                          \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}                                                                                          \
	struct fl_cleanup_semicolon

static inline void fl_freep(void *p)
{
	free(*(void **)p);
}

static inline void fl_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

FL_DEFINE_CLEANUP(FILE *, fclose);
FL_DEFINE_CLEANUP(DIR *, closedir);

#define _cleanup_free_	   _cleanup_(fl_freep)
#define _cleanup_close_	   _cleanup_(fl_closep)
#define _cleanup_fclose_   _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) _taken = (p);                                                        \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int _taken = (fd);                                                                 \
		(fd) = -1;                                                                         \
		_taken;                                                                            \
	})

#endif
