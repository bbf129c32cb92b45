/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts: what one file says that others are compared with (labels, toctree entries, ABI names, C
 * names and so on), and the worker that reads files, one at a time, and collects facts and findings.
 * A worker knows the tree and what was asked for, but no other worker and no order of files.
 */
#ifndef DOCS_FACT_H
#define DOCS_FACT_H

#include <stdatomic.h>

#include "docs/conf/conf.h"
#include "docs/finding/sink.h"
#include "docs/kdoc/kdoc.h"
#include "docs/rst/rst.h"
#include "docs/tree/tree.h"

struct docs_opts {
	const struct docs_conf *conf; /* of the tree, where it was read before; NULL: it is read */
	struct docs_set want;
	enum fl_level level; /* the mildest that is reported */
	enum docs_family family;
	bool kernel_doc_given;	       /* else the tree's own is @kernel_doc */
	enum kdoc_dialect kernel_doc;
	unsigned int threads;		 /* 0: one a processor */
	/*
	 * Files outside of the operands are not read: labels, toctrees and CONFIG names that the
	 * operands alone do not know are reported. For runs that are compared with each other.
	 */
	bool local;
	atomic_size_t *progress;	 /* counts files that were read; may be NULL */
};

enum docs_fact_kind {
	DOCS_FACT_LABEL,	     /* ".. _name:", for :ref:. extra "t": what it stands before has a title */
	DOCS_FACT_LABEL_REF,  /* :ref:`name`. extra "x": with a text of its own */
	DOCS_FACT_TERM,	     /* of a glossary, as it is written */
	DOCS_FACT_TERM_REF,
	DOCS_FACT_CITATION,
	DOCS_FACT_CITATION_REF,
	DOCS_FACT_PAGE,	     /* a page; name: its path. extra "o": orphan */
	DOCS_FACT_TOC,	     /* a toctree's entry; name: path or pattern of pages */
	DOCS_FACT_INCLUDED,   /* a file that some page includes */
	DOCS_FACT_ABI,	     /* a What */
	DOCS_FACT_KDOC,	     /* a kernel-doc directive; name: the source file, extra: its options */
	DOCS_FACT_SOURCE,     /* a C file with comments that may be kernel-doc */
	DOCS_FACT_CONFIG,     /* CONFIG_name in a page */
	DOCS_FACT_C,	     /* a C declaration; name: "kind name", extra: the page and line that has it */
	DOCS_FACT_NAMED,	     /* a place in which a path is written that is looked for */
	DOCS_FACT_IGNORE,    /* "foreland: ignore NAME" in a comment, for its lines up to @end */
	_DOCS_FACT_MAX,
};

/* Lives in the arena of its worker's sink. */
struct docs_fact {
	struct fl_str name, extra, text; /* text: the line it stands in */
	const char *file;
	const char *page; /* that includes the file; NULL: it speaks for itself */
	uint32_t line, col, end;
	uint16_t styles[RST_MAX_STYLES];
	uint8_t nr_styles, level;
	bool in_namespace; /* of C names, which a page chose */
	bool weak; /* of C names: takes the name only where nobody has it */
	bool quiet; /* its file is read for facts alone: nothing is reported there */
	struct docs_fact *next;
};

/* A file or folder that could not be read, so that nothing is known of it. */
struct docs_unread {
	const char *path;
	int error; /* negative */
	struct docs_unread *next;
};

struct docs_worker {
	const struct docs_opts *opts;
	struct docs_tree *tree;
	const struct docs_conf *conf;
	enum kdoc_dialect kernel_doc;
	struct docs_sink sink;
	struct fl_buf text;	 /* of the file at hand */
	struct fl_map exists;	 /* path -> 1 no, 2 yes */
	struct fl_arena scratch; /* as long as a file is read */
	struct docs_fact *facts[_DOCS_FACT_MAX];
	struct docs_unread *unread;
	const char *path; /* of the file at hand */
	uint32_t *kdoc;	  /* offsets of comments that may be kernel-doc */
	size_t nr_kdoc, cap_kdoc;
	bool orphan; /* the page at hand says so of itself, or a file that it begins with */
	bool begins_with_file;
	bool quiet; /* what is at hand is read for its facts alone */
};

void docs_worker_init(struct docs_worker *w, struct docs_tree *tree, const struct docs_conf *conf,
		      const struct docs_opts *opts);
void docs_worker_fini(struct docs_worker *w);

/* Facts are kept for the end of the session. NULL when memory is short, which the sink then knows. */
struct docs_fact *docs_fact_add(struct docs_worker *w, enum docs_fact_kind kind, struct fl_str name,
				uint32_t line, uint32_t col);

/* A C name that @page declares at @page_line, by itself or through a comment. */
struct docs_fact *docs_fact_c(struct docs_worker *w, const char *kind, struct fl_str name, const char *page,
		 uint32_t page_line, uint32_t line, uint32_t col);

/* The page that says it. */
static inline const char *docs_fact_page(const struct docs_fact *u)
{
	return u->page ? u->page : u->file;
}

/* The order of files and lines, for qsort() of pointers to facts. */
int docs_fact_cmp(const void *a, const void *b);

/* A finding at the place of @u. */
struct docs_finding *docs_report_fact(struct docs_sink *s, enum docs_check c, const struct docs_fact *u,
				      const char *fmt, ...) FL_PRINTF(4, 5);

/* The words that texts of the tree may use; NULL: all that somebody knows. */
static inline const struct rst_vocabulary *docs_words(const struct docs_worker *w)
{
	return w->conf && w->conf->present ? &w->conf->words : NULL;
}

/* docs_tree_glob() with a memory. */
bool docs_exists(struct docs_worker *w, struct fl_str path);

/* Remembers that @path could not be read for reason @error (a negative errno). */
void docs_note_unread(struct docs_worker *w, const char *path, int error);

/* Notes that a comment which may be kernel-doc begins at byte @at of the file at hand. */
void docs_note_comment(struct docs_worker *w, size_t at);

#endif
