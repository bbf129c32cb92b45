/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <stdlib.h> as the system has it, then the mapping; found before it by -isystem .../foreland/map. */
#include <foreland/alloc-unmap.h>
#include_next <stdlib.h>
#if !defined(__ASSEMBLER__) && !defined(__need_malloc_and_calloc)
#include <foreland/alloc.h>
#include <foreland/alloc-map.h>
#endif
