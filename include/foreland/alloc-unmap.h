/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the mapping back, for headers that declare the names. */
#undef malloc
#undef calloc
#undef realloc
#undef reallocarray
#undef memalign
#undef aligned_alloc
#undef posix_memalign
#undef valloc
#undef pvalloc
#undef strdup
#undef strndup
#undef free
