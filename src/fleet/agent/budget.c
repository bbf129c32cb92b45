/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/agent/budget.h"

#include "base/util.h"

#define SECOND	 1000000000ull
#define STAGE_NS (60 * SECOND)

void fl_budget_begin(struct fl_budget *b, struct fl_use limit, uint64_t now)
{
	*b = (struct fl_budget){ .limit = limit, .looked = now, .since = now };
}

static uint64_t a_second(uint64_t n, uint64_t ns)
{
	return (uint64_t)((double)n * (double)SECOND / (double)ns);
}

static bool is_within(const struct fl_budget *b, struct fl_use rate, uint64_t part)
{
	return (!b->limit.records || rate.records <= b->limit.records / part) &&
	       (!b->limit.cpu_ns || rate.cpu_ns <= b->limit.cpu_ns / part);
}

bool fl_budget_is_over(const struct fl_budget *b, struct fl_use rate)
{
	return !is_within(b, rate, 1);
}

/* Back by one step, or the same for another minute. */
static enum fl_stage calm(struct fl_budget *b, uint64_t now)
{
	if (b->stage == FL_STAGE_WHOLE || now - b->since < STAGE_NS)
		return b->stage;
	if (b->stage == FL_STAGE_OFF)
		return FL_STAGE_THINNED;
	if (is_within(b, b->most, 2))
		return FL_STAGE_WHOLE;
	b->since = now;
	b->most = (struct fl_use){};
	return b->stage;
}

enum fl_stage fl_budget_judge(struct fl_budget *b, struct fl_use used, uint64_t now, struct fl_use *ret_rate)
{
	uint64_t ns = now - b->looked;
	struct fl_use rate;

	if (ns < SECOND)
		return b->stage;
	rate = (struct fl_use){ a_second(used.records - b->before.records, ns),
				a_second(used.cpu_ns - b->before.cpu_ns, ns) };
	b->looked = now;
	b->before = used;
	b->most = (struct fl_use){ FL_MAX(b->most.records, rate.records), FL_MAX(b->most.cpu_ns, rate.cpu_ns) };
	*ret_rate = rate;
	if (b->stage == FL_STAGE_OFF || !fl_budget_is_over(b, rate))
		return calm(b, now);
	b->over++;
	return b->stage == FL_STAGE_WHOLE ? FL_STAGE_THINNED : FL_STAGE_OFF;
}

void fl_budget_stage(struct fl_budget *b, enum fl_stage to, uint64_t now)
{
	b->stage = to;
	b->since = now;
	b->most = (struct fl_use){};
}
