/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the alloc commands share: where records come from, which are wanted, how they are shown. */
#ifndef CLI_ALLOC_COMMON_H
#define CLI_ALLOC_COMMON_H

#include "alloc/records/errors.h"
#include "alloc/records/filter.h"
#include "alloc/records/order.h"
#include "alloc/sources/source.h"
#include "base/opt.h"
#include "metrics/metrics.h"

struct alloc_source_opts {
	const char *input;
	uint64_t pid;
	bool has_pid;
	uint64_t attach;
	bool has_attach;
	bool kernel;
	uint64_t objects;
	const char *skip;
};

struct alloc_filter_opts {
	const char *module, *function, *file;
	uint64_t line, min_size, max_size, min_calls, max_calls, min_avg, max_avg;
	bool has_line, has_min_size, has_max_size, has_min_calls, has_max_calls, has_min_avg,
		has_max_avg;
	bool accurate, inaccurate;
};

struct alloc_view_opts {
	const char *sort;
	uint64_t lines;
	bool raw;
	bool json;
};

struct alloc_form_opts {
	const char *tree;
	uint64_t depth;
	bool dump, folded;
	const char *output;
	const char *prometheus;
};

extern const struct fl_opt alloc_form_options[];
extern const struct fl_opt alloc_source_options[];
extern const struct fl_opt alloc_filter_options[];
extern const struct fl_opt alloc_view_options[];

/* These complain on standard error and return an exit code, FL_EXIT_DONE where all is well. */
int alloc_make_filter(const struct alloc_filter_opts *o, struct fl_alloc_filter *ret);
int alloc_make_order(const struct alloc_view_opts *o, struct fl_alloc_order *ret);
/* A form can be one thing only. */
int alloc_check_form(const struct alloc_view_opts *view, const struct alloc_form_opts *form);
int alloc_open(const struct alloc_source_opts *o, struct fl_alloc_source **ret);

/* How much was seen, on standard error; nothing for other sources. @code, or FL_EXIT_FINDINGS where that is not all. */
int alloc_note(struct fl_alloc_source *s, int code);

/* What a program's ledger (@flags, @refused) does not count, or not apart. False: something is missing. */
bool alloc_say_limits(uint32_t flags, uint64_t refused, const char *name);

/* FL_EXIT_FINDINGS also where some lines were bad; *@ret_usable tells whether @set is filled. */
int alloc_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
	       struct fl_alloc_set *set, bool *ret_usable);

/* The same with a row a place: chains of callers are summed before the filter is applied. */
int alloc_read_places(const struct alloc_source_opts *o, struct fl_alloc_source *s,
		      const struct fl_alloc_filter *f, struct fl_alloc_set *set, bool *ret_usable);
/* Its records are chains of callers: filters are for what is made of them. */
bool alloc_has_chains(const struct alloc_source_opts *o);

/* A set as it is to be shown: JSON, table, tree, dump or metrics. */
struct alloc_look {
	const char *command; /* for the schema line */
	const struct alloc_view_opts *view;
	const struct alloc_form_opts *form;
	struct fl_alloc_order order;
	bool pids; /* in text each row says whose it is */
	bool chains; /* a row a chain of callers; otherwise a row a place */
	bool at_peak;
	const struct fl_alloc_filter *filter; /* applied to the rows; NULL: has been applied */
	const char *dump_note; /* a line for a dump's head; NULL: none */
};

/* Prints, or writes to the file asked for; sorts and shortens @set. @code, or FL_EXIT_FINDINGS where that failed. */
int alloc_look_at(const struct alloc_look *l, struct fl_alloc_set *set, int code);

/* Of the largest sites; what is left out is said, there and on standard error. Sorts @set. */
int alloc_metrics(struct fl_alloc_set *set, struct fl_metrics **ret);
int alloc_write_prometheus(const char *path, struct fl_alloc_set *set, int code);

/* Writes to standard output; @code, or FL_EXIT_FINDINGS where that failed. */
int alloc_print(struct fl_buf *out, int code);
/* "12 tags, 3.4M in 56 calls" on standard error. */
void alloc_summary(const struct fl_alloc_set *set);

#endif
