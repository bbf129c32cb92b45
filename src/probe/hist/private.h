/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the histogram's parser share.
 *
 * The kernel cuts its text with NULs and finds the place of a caret by searching the whole command for
 * what is left of the piece at fault; so do we, on copies in the trigger's arena.
 */
#ifndef PROBE_HIST_PRIVATE_H
#define PROBE_HIST_PRIVATE_H

#include <string.h>

#include "probe/hist/hist.h"

struct hist_parse {
	struct fl_triggers *set;
	struct fl_trigger_event *event;
	struct fl_trigger *t;
	const char *command; /* "hist:..." as it was written: what carets count in */
	const char *place;   /* "hist:SYSTEM:EVENT" */
	struct fl_trigger_log *log;
};

/* Logs; returns -errno of the fault. The caret stands where @at is found first; NULL: in front. */
int hist_fault(const struct hist_parse *p, enum fl_hist_fault fault, const char *at);
/* Without the blanks around it, in place. */
char *hist_strip(char *text);
/* A copy in the trigger's arena; NULL: no memory. */
char *hist_copy(const struct hist_parse *p, const char *z);

/* hist.c: fills the trigger from "keys=... [if FILTER]". */
int hist_read(const struct hist_parse *p, const char *spec);
bool hist_same(const struct fl_trigger *a, const struct fl_trigger *b, bool with_filter);
/* The value that a sort key means. */
const struct fl_hist_value *hist_sorted_by(const struct fl_trigger *t, const struct fl_hist_sort_key *s);

/* spec.c: cuts @text; 0 or -errno. */
int hist_read_attrs(const struct hist_parse *p, char *text, struct fl_hist_attrs *a);

/* expr.c. The text is cut; the result is one value of the trigger. */
int hist_read_expr(const struct hist_parse *p, char *text, unsigned int flags, const char *variable,
		   unsigned int *depth, struct fl_hist_value **ret);
int hist_read_atom(const struct hist_parse *p, char *text, unsigned int *flags, const char *variable,
		   struct fl_hist_value **ret);
/* The trigger's reference to that variable; NULL: it has as many as there can be. */
struct fl_hist_value *hist_refer(const struct hist_parse *p, struct fl_hist_value *variable, const char *system,
				 const char *event);

/* fields.c: values, variables and keys, and the order in which entries are shown. */
int hist_read_fields(const struct hist_parse *p);
int hist_read_sort(const struct hist_parse *p);

/* variables.c: who has a variable of that name; NULL: nobody (which may have been logged). */
struct fl_hist_value *hist_own_variable(const struct fl_trigger *t, const char *name);
struct fl_hist_value *hist_variable_here(const struct hist_parse *p, const char *name);
struct fl_hist_value *hist_find_variable(const struct hist_parse *p, const char *system, const char *event,
					 const char *name);
bool hist_has_variables(const struct fl_trigger *t);
bool hist_uses_variables(const struct fl_hist_value *v, unsigned int level);

/* actions.c */
int hist_read_actions(const struct hist_parse *p);
int hist_make_actions(const struct hist_parse *p);
bool hist_same_actions(const struct fl_trigger *a, const struct fl_trigger *b);
void hist_print_actions(const struct fl_trigger *t, struct fl_buf *out);

/* Of events that are no kernel's; NULL: there is none. */
static inline const struct fl_probe_event *hist_find_synth(const struct fl_triggers *set, const char *name)
{
	return set->find ? set->find(set->ctx, "synthetic", name, true) : NULL;
}

static inline const struct fl_probe_event *hist_find_event(const struct fl_triggers *set, const char *system,
							   const char *event)
{
	const struct fl_probe_event *e = set->find ? set->find(set->ctx, system, event, false) : NULL;

	return e || strcmp(system, "synthetic") != 0 ? e : hist_find_synth(set, event);
}

/* set.c: made or found; NULL: there is no such event, or no memory. */
struct fl_trigger_event *hist_event(struct fl_triggers *set, const char *system, const char *event);
/* "keys=..." for @event; @quiet: for another histogram, whose command keeps the carets. */
int hist_add(struct fl_triggers *set, struct fl_trigger_event *event, const struct hist_parse *quiet, bool removing,
	     const char *spec, struct fl_trigger_log *log, struct fl_trigger **ret);

#endif
