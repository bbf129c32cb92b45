/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reStructuredText reader: docutils' block grammar in one pass over lines. What it finds wrong
 * goes to a sink in docutils' words and at docutils' lines; what other checks need to know of the
 * text (targets, references, directives, roles) is handed on as facts.
 *
 * The same reader serves pages, the bodies of kernel-doc comments and the descriptions of ABI
 * files: each line says by itself where it came from.
 */
#ifndef DOCS_RST_H
#define DOCS_RST_H

#include "base/arena.h"
#include "base/str.h"
#include "docs/finding/sink.h"
#include "docs/rst/vocabulary.h"

/* A line as docutils sees it: tabs expanded, trailing blanks gone, outer indentation cut off. */
struct rst_line {
	const char *p;
	uint32_t n;
	uint32_t no;  /* line in the file, 1-based */
	uint32_t off; /* screen columns in front of p in the file's line */
};

struct rst_view {
	struct rst_line *v;
	uint32_t n;
};

enum rst_fact_kind {
	RST_TARGET,	 /* ".. _name:", "_`name`", `text <uri>`_ */
	RST_SECTION,	 /* a title */
	RST_REF,	 /* name_, `name`_ */
	RST_FOOTNOTE,	 /* ".. [name]"; extra: what stands between the brackets */
	RST_FOOTNOTE_REF,
	RST_CITATION,
	RST_CITATION_REF,
	RST_SUBST,
	RST_SUBST_REF,
	RST_ROLE,	 /* name: the role, extra: its text */
	RST_DIRECTIVE,	 /* name; extra: the first argument; view: its content or options */
	RST_TERM,	 /* of a glossary */
	RST_INDIRECT,	 /* ".. _name: other_": extra is other */
	RST_FILE,	 /* that the directive @name reads; extra: the file */
	RST_URI_TARGET,	 /* a target with an address: extra is it */
};

struct rst_fact {
	enum rst_fact_kind kind;
	uint32_t line, col;
	struct fl_str name, extra;
	struct rst_view view, args, options; /* args and options: of a directive, a line each */
	struct rst_fact *outer;	    /* the directive in whose content this one stands */
	struct fl_str path;	    /* of a declaration: its name with those that it stands within */
	uint16_t styles[16]; /* of titles in use where the directive stands */
	uint8_t nr_styles, level;
	bool titled; /* of targets: what they stand before has a title, which :ref: shows */
	bool implicit; /* of targets within a reference: any other of the name goes before it */
	bool inside; /* of indirect targets: it leads to a place of this page */
	bool lost;   /* another has the name, too, and so none has it; set while names are judged */
	enum { RST_NEW, RST_ON_THE_WAY, RST_FOLLOWED } walk; /* of indirect targets, while names are judged */
	struct rst_fact *next, *next_open;
};

enum docs_family {
	DOCUTILS_21, /* and older */
	DOCUTILS_22,
};

#define RST_MAX_STYLES	 16
#define RST_MAX_INCLUDES 8

struct rst {
	struct docs_sink *sink;
	struct fl_arena *arena; /* for what lives as long as the text is read */
	enum docs_family family;
	bool want_facts;
	const struct rst_vocabulary *words; /* NULL: all that somebody knows */
	struct fl_map titles;	 /* in lower case */
	unsigned int nr_problems; /* pieces of inline markup that are none after all */
	bool doubled;		 /* the section that we are in is not the first of its name */
	struct fl_map own_roles; /* that the text itself defines */
	struct rst_fact *facts, **tail;
	struct rst_fact *outer; /* the directive whose content is being read */
	struct rst_fact *open; /* targets whose element has not come yet */
	uint16_t styles[RST_MAX_STYLES]; /* over << 8 | under, in order of first use */
	unsigned int nr_styles, level;	 /* level: that of the section we are in */
	unsigned int base_level;	 /* sections above it cannot be begun here (kernel-doc bodies) */
	const char *page;		 /* the page that includes this text, or NULL */
	unsigned int depth;
	/* Reads a file that an include directive names, in place; NULL: such files are left alone. */
	void (*include)(struct rst *r, struct fl_str name, bool titles);
	/* The lines of another file, as they are; NULL: no file can be read. */
	bool (*text)(struct rst *r, struct fl_str name, struct rst_view *ret);
	void *ctx; /* of both */
	const char *files[RST_MAX_INCLUDES]; /* that we are in, each included by the one before */
	unsigned int includes;
	size_t included; /* bytes, in all */
};

/* Splits @text into lines. -ENOMEM. */
int rst_split(struct fl_arena *a, struct fl_str text, struct rst_view *ret);

/* Reads a whole text. @titles: sections may stand in it. */
void rst_read(struct rst *r, struct rst_view view, bool titles);

/* Frees what reading left behind, facts apart. */
void rst_fini(struct rst *r);

/* Reads text that is included in one that is being read. */
void rst_read_within(struct rst *r, struct rst_view view, bool titles);

/* Facts of a whole page judged against each other: unknown and doubled names. */
void rst_names(struct rst *r);

#endif
