/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger: what libforeland-alloc counts, in a memfd that outlives the program.
 *
 * The counters of a program are most wanted when it is gone: after a crash, abort(), _exit() or the
 * OOM killer. So they never were the program's own memory, but pages of a file that somebody else
 * keeps too: "foreland alloc run" makes the file and gives it to the program and all its
 * descendants; a program without a runner makes its own, which is found among its descriptors or
 * mappings. The file is sealed against growing and shrinking, so that mapping it is safe; its
 * content is whatever the program (or a bug of the program) wrote there, and a reader checks each
 * offset before it follows it.
 *
 *	0		struct fl_ledger_head
 *	head.first	the newest struct fl_ledger_process; each names the one before it
 *	process...	the regions of that process: sites, frames, modules, names, arrays of counters
 *
 * The file is as large as offsets can get and sparse: a region is a range that nobody else gets, and
 * costs what is written in it. Regions are given out by adding to head.next.
 *
 * A program and its reader may be of different versions: FL_LEDGER_MAGIC names the layout.
 */
#ifndef ALLOC_TAGS_LEDGER_H
#define ALLOC_TAGS_LEDGER_H

#include <stdint.h>

#define FL_LEDGER_NAME	"foreland-alloc"
#define FL_LEDGER_MAGIC "FLALLOC\1"
#define FL_LEDGER_SIZE	(1ULL << 46)

#define FL_LEDGER_SITES	  (1u << 20) /* a process's call sites; number 0 is none */
#define FL_LEDGER_OTHER	  1u	     /* all for which there was no number */
#define FL_LEDGER_FRAMES  (1u << 23)
#define FL_LEDGER_NAMES	  (1u << 26) /* bytes */
#define FL_LEDGER_MODULES 4096u
#define FL_LEDGER_ARRAYS  4000u /* threads at once */
#define FL_LEDGER_DEPTH	  64u

struct fl_ledger_head {
	char magic[8];
	uint64_t token; /* of the runner that made it: 0 where the program did */
	uint64_t next;	/* the first byte that no region has */
	uint64_t first; /* the newest process */
};

enum fl_ledger_state {
	FL_LEDGER_FORKING, /* a child that has not begun to live, and perhaps never will */
	FL_LEDGER_RUNS,
	FL_LEDGER_ENDED, /* by exit() or a return from main() */
	FL_LEDGER_REPLACED, /* by an exec of a program that counts in a record of its own */
};

/* Why a process is not counted, or not all of it. */
#define FL_LEDGER_ASIDE	      (1u << 0) /* the program answers malloc() itself */
#define FL_LEDGER_OTHER_MALLOC (1u << 1) /* counted over an allocator that is not the C library's */
#define FL_LEDGER_CXX_ASIDE   (1u << 2) /* the program has an operator new of its own */
#define FL_LEDGER_PEAKS	      (1u << 3) /* peaks are kept */
#define FL_LEDGER_SANITIZED   (1u << 4) /* malloc() is a sanitizer's: what was built with the library is counted */
#define FL_LEDGER_REALLOC_HIDDEN (1u << 5) /* which does not tell what is reallocated by others */

struct fl_ledger_process {
	uint64_t at;	 /* its own place */
	uint64_t before; /* the process that came before it; 0: none */
	uint64_t start;	 /* /proc/PID/stat's start time */
	int32_t pid, parent; /* as the process sees them */
	uint32_t state, flags;
	uint64_t sites, frames, names, modules, peaks; /* regions; peaks may be 0 */
	uint32_t nr_sites;	   /* numbers given, the highest + 1 */
	uint32_t nr_modules;
	uint64_t nr_frames, nr_names;
	uint64_t peak_bytes;  /* of all sites together, where peaks are kept */
	uint64_t peak_epoch;
	uint64_t refused;     /* allocations that have no number of their own */
	uint64_t mapped;      /* bytes of mmap() that malloc does not know */
	uint32_t nr_arrays;
	uint32_t depth;
	char exe[512];	/* path, cut */
	char comm[16];
	uint64_t arrays[FL_LEDGER_ARRAYS];
};

enum fl_ledger_kind {
	FL_LEDGER_NOTHING, /* the number is free */
	FL_LEDGER_TAG,	   /* of a program that was built with the library */
	FL_LEDGER_CHAIN,   /* callers */
	FL_LEDGER_REST,	   /* FL_LEDGER_OTHER */
	FL_LEDGER_MAPS,	   /* callers of mmap() */
};

#define FL_LEDGER_NO_MODULE 0xffffu

struct fl_ledger_site {
	uint8_t kind, unloaded;
	uint16_t module; /* FL_LEDGER_NO_MODULE: none */
	uint32_t line;
	uint32_t function, file; /* in names */
	uint64_t frames;	 /* the first one's number; of a tag: the address of its record */
	uint32_t nr_frames, pad;
};

/*
 * A frame is a module (upper 16 bits) and an address in it as its file has it (p_vaddr); without a
 * module the address itself. It is the address behind the call.
 */
#define FL_LEDGER_FRAME(module, address) ((uint64_t)(module) << 48 | ((address) & ~(0xffffULL << 48)))

struct fl_ledger_module {
	uint64_t start, end, bias; /* bias: what the loader added to addresses */
	uint32_t name;		   /* path, in names; "": the program */
	uint8_t unloaded;
	uint8_t build_id_size;
	uint8_t build_id[34];
};

/* What one thread has done with one site: see struct fl_alloc_counter_ of the public header. */
struct fl_ledger_counter {
	uint64_t bytes, calls;
	uint64_t freed_bytes, freed_calls;
};

/*
 * A site's peaks, where they are kept. at_* are the live values at the moment when all sites
 * together held the most (epoch: which of those moments they belong to). They are written when the
 * site changes next, so a site that has not changed since holds them still in live_*.
 */
struct fl_ledger_peak {
	int64_t live_bytes, live_calls, peak_bytes;
	int64_t at_bytes, at_calls;
	uint64_t epoch;
};

_Static_assert(sizeof(struct fl_ledger_site) == 32, "a site's place in the file");
_Static_assert(sizeof(struct fl_ledger_module) == 64, "a module's place in the file");
_Static_assert(sizeof(struct fl_ledger_counter) == 32, "a counter's place in the file");
_Static_assert(sizeof(struct fl_ledger_peak) == 48, "a peak's place in the file");

#endif
