/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the probe commands share: the target's options, and reading definitions. */
#ifndef CLI_PROBE_PROBE_H
#define CLI_PROBE_PROBE_H

#include "base/buf.h"
#include "base/opt.h"
#include "foreland/diag.h"
#include "probe/lang/check.h"
#include "probe/target/target.h"

/* Rows bound to a struct fl_target_opts, for FL_OPT_GROUP(). */
extern const struct fl_opt fl_target_options[];

/* Opens the target; says on standard error what it cannot, and returns -errno. */
int fl_cli_target(const struct fl_target_opts *opts, struct fl_target **ret);

/* -EINVAL is a usage error that has been said; NULL stands for the default. */
int fl_cli_dialect(const char *name, enum fl_dialect *ret);
/* Finds out what the dialect "kernel" means; says what it cannot. Others need nothing. */
int fl_cli_learn_dialect(struct fl_target *t, enum fl_dialect dialect);
int fl_cli_probe_file(const char *name, enum fl_probe_file *ret);

/*
 * Calls @fn for each definition: the operands, or the lines of standard input for "-". @place is
 * what to call it in a finding, @line 0 for operands. A negative result ends it and is returned.
 */
int fl_cli_each_definition(const struct fl_args *args,
			   int (*fn)(void *ctx, struct fl_str def, const char *place, uint32_t line),
			   void *ctx);

/* The finding for people: in the definition's own text. @v->diag.kind may be NULL. */
void fl_cli_print_verdict(struct fl_probe_verdict *v, struct fl_str def, const char *place,
			  uint32_t line);

/* The first and the last line of probe check --json. */
void fl_cli_json_first(enum fl_dialect dialect, struct fl_buf *out);
void fl_cli_json_last(uint64_t accepted, uint64_t refused, struct fl_buf *out);

/* probe check --matrix: each definition on each BTF. The exit status. */
int fl_cli_matrix(const struct fl_strv *btf, const char *arch, enum fl_dialect dialect, bool json,
		  const struct fl_args *args);

#endif
