/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question's budget, by the clock that its owner has: what it has used since the last look, a second at least, is
 * held against what it may. One that is over it is thinned first, then off for a minute; it comes back one step at a
 * time, from the middle only where the last minute would have been within half of it.
 */
#ifndef FLEET_AGENT_BUDGET_H
#define FLEET_AGENT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum fl_stage { FL_STAGE_WHOLE, FL_STAGE_THINNED, FL_STAGE_OFF };

/* Since it began, or a second; of limits 0 is none. */
struct fl_use {
	uint64_t records;
	uint64_t cpu_ns; /* of the agent, for reading and handing on */
};

struct fl_budget {
	struct fl_use limit; /* a second */
	struct fl_use before, most; /* when it was last looked at; the most a second since the stage began */
	uint64_t looked, since;
	uint64_t over; /* how often */
	enum fl_stage stage;
};

void fl_budget_begin(struct fl_budget *b, struct fl_use limit, uint64_t now);

/*
 * @used: since it began. @ret_rate: what that is a second, where the answer is another stage. Return: the stage that
 * is right from now on; fl_budget_stage() enters it.
 */
enum fl_stage fl_budget_judge(struct fl_budget *b, struct fl_use used, uint64_t now, struct fl_use *ret_rate);
void fl_budget_stage(struct fl_budget *b, enum fl_stage to, uint64_t now);

/* It uses more than it may: of what, where there are two. */
bool fl_budget_is_over(const struct fl_budget *b, struct fl_use rate);

#endif
