/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run over a tree: every file is read once, by a pool of threads; each worker collects findings
 * and facts of its own; what several files say of each other is judged when all were read.
 */
#ifndef DOCS_RUN_H
#define DOCS_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "docs/rst/rst.h"
#include "docs/finding/sink.h"
#include "docs/tree/tree.h"

struct docs_opts {
	struct docs_set want;
	enum fl_level level; /* the mildest that is reported */
	enum docs_family family;
	unsigned int threads;		 /* 0: one a processor */
	/*
	 * Files outside of the operands are not read: labels, toctrees and CONFIG names that the
	 * operands alone do not know are reported. For runs that are compared with each other.
	 */
	bool local;
	atomic_size_t *progress;	 /* counts files that were read; may be NULL */
};

enum docs_use_kind {
	DOCS_USE_LABEL,	     /* ".. _name:" before a title or figure, for :ref: */
	DOCS_USE_LABEL_REF,  /* :ref:`name` */
	DOCS_USE_PAGE,	     /* a page; name: its path. extra "o": orphan */
	DOCS_USE_TOC,	     /* a toctree's entry; name: path or pattern of pages */
	DOCS_USE_INCLUDED,   /* a file that some page includes */
	DOCS_USE_ABI,	     /* a What */
	DOCS_USE_KDOC,	     /* a kernel-doc directive; name: the source file, extra: its options */
	DOCS_USE_SOURCE,     /* a C file with comments that may be kernel-doc */
	DOCS_USE_CONFIG,     /* CONFIG_name in a page */
	DOCS_USE_C,	     /* a C declaration; name: "kind name", extra: the page and line that has it */
	DOCS_USE_NAMED,	     /* one of the names that the run looks for */
	_DOCS_USE_MAX,
};

/* Something that one file says and that others are compared with. Lives in its worker's arena. */
struct docs_use {
	struct fl_str name, extra, text; /* text: the line it stands in */
	const char *file;
	uint32_t line, col;
	uint16_t styles[RST_MAX_STYLES];
	uint8_t nr_styles, level;
	bool in_namespace; /* of C names, which a page chose */
	bool quiet; /* its file is read for facts alone: nothing is reported there */
	struct docs_use *next;
};

struct docs_worker {
	struct docs_run *run;
	pthread_t thread;
	struct docs_sink sink;
	struct fl_buf text;	 /* of the file at hand */
	struct fl_map exists;	 /* path -> 1 no, 2 yes */
	struct fl_arena scratch; /* as long as a file is read */
	struct docs_use *uses[_DOCS_USE_MAX];
	const char *path; /* of the file at hand */
	uint32_t *kdoc;	  /* offsets of comments that may be kernel-doc */
	size_t nr_kdoc, cap_kdoc;
	bool quiet; /* the comment at hand is read for its facts alone */
};

struct docs_run {
	struct docs_tree *tree;
	const struct docs_opts *opts;
	struct docs_worker *workers;
	unsigned int nr_workers;
	/* directories and files that wait */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct docs_job *jobs;
	unsigned int busy;
	atomic_uint open_dirs;
	bool whole; /* all of Documentation is read */
	bool quiet; /* the jobs are read for their facts alone */
	struct fl_map symbols; /* CONFIG names; their keys live in symbol_arena */
	struct fl_arena symbol_arena;
	pthread_t symbol_thread;
	bool symbols_started, symbols_read;
	int symbol_error;
	void *judge;
	/* files are read to find these names in them, and for nothing else */
	const struct fl_str *needles;
	size_t nr_needles;
	struct docs_finding *v; /* all findings, sorted */
	size_t n;
	size_t nr_files;
	int error;
};

int docs_run_init(struct docs_run *run, struct docs_tree *tree, const struct docs_opts *opts);
void docs_run_fini(struct docs_run *run);

/* Reads everything beneath @paths (relative to the tree; "" is all of it). */
int docs_run_paths(struct docs_run *run, const char *const *paths, size_t n);

/* Reads one text that is no file, as if it were @path. */
int docs_run_text(struct docs_run *run, const char *path, struct fl_str text);

/* Judges the files against each other, and sorts all findings into @run->v. */
int docs_run_finish(struct docs_run *run);

/* Sorts once more, when findings were added since. */
int docs_run_sort(struct docs_run *run);

/* -- for the readers -- */

void docs_run_all(struct docs_run *run, void *(*fn)(void *worker));


/* Facts are kept for the end of the run. */
struct docs_use *docs_use(struct docs_worker *w, enum docs_use_kind kind, struct fl_str name,
			  uint32_t line, uint32_t col);

/* A C name that @page declares at @line, by itself or through a comment. */
void docs_use_c(struct docs_worker *w, const char *kind, struct fl_str name, const char *page,
		uint32_t page_line, uint32_t line, uint32_t col);

/* docs_tree_glob() with a memory. */
bool docs_exists(struct docs_worker *w, struct fl_str path);

/* A finding at the place of @u. */
struct docs_finding *docs_report_use(struct docs_sink *s, enum docs_check c, const struct docs_use *u,
				     const char *fmt, ...) FL_PRINTF(4, 5);

/* The build makes a page of that name. */
bool docs_generated(struct docs_worker *w, struct fl_str name);

/* @dir (with its "/") and @name, ".." taken out; false where that leaves the tree. */
bool docs_join(struct fl_str dir, struct fl_str name, const char *end, char *out, size_t size);

void docs_read_text(struct docs_worker *w);	/* text.c */
void docs_find_names(struct docs_worker *w);
void docs_read_named(struct docs_worker *w); /* named.c */
void docs_read_abi(struct docs_worker *w);	/* abi.c */
void docs_read_page(struct docs_worker *w);	/* page.c */
void docs_read_maintainers(struct docs_worker *w); /* maint.c */
void docs_judge_tree(struct docs_run *run);	/* graph.c */
/* Reads the names in a thread of its own; waits for it. kconfig.c */
void docs_start_symbols(struct docs_run *run);
int docs_wait_symbols(struct docs_run *run);

/* What the path says of a file. */
bool docs_is_page(const char *path);
bool docs_is_abi(const char *path);
bool docs_is_c(const char *path);

#endif
