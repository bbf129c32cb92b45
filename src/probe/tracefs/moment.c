/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of one record: the triggers of its event, and its line. The order is the kernel's. Triggers that
 * look into no record come first, and what they switch holds for this record already; if one of the event's looks
 * into it (a filter, a histogram, a stack), all come behind the line.
 */
#include "probe/tracefs/private.h"

bool place_has_triggers(const struct place *p)
{
	return p->commands || (p->hists && p->hists->n);
}

static int add(const struct moment *m, const struct fl_buf *line, struct fl_str raw)
{
	if (line->error || !line->len)
		return line->error;
	return trace_buffer_add(&m->p->in->buffer, m->rec->time, m->rec->cpu, fl_buf_str(line), raw);
}

static int add_line(const struct moment *m)
{
	_cleanup_buf_ struct fl_buf line = {};

	m->line(m, &line);
	if (m->stack && m->p->in->stacks)
		m->stack(m, &line);
	comms_learn(m->p->in->fs, m->rec->pid, m->rec->comm);
	return add(m, &line, m->raw);
}

static int add_stack(const struct moment *m)
{
	_cleanup_buf_ struct fl_buf line = {};

	if (m->stack)
		m->stack(m, &line);
	return add(m, &line, FL_STR(""));
}

static void on_snapshot(void *ctx)
{
	snapshot_take(ctx);
}

static int run_triggers(struct moment *m, bool recorded)
{
	struct instance *in = m->p->in;
	const struct fl_count_actions actions = { .trace = synth_trace, .snapshot = on_snapshot, .ctx = in };
	bool stack = false;
	int r = 0;

	commands_run(m->p, m->rec, false, &stack);
	if (m->p->hists)
		r = fl_count(m->p->hists, m->rec, &actions);
	commands_run(m->p, m->rec, true, &stack);
	return r == 0 && stack && recorded ? add_stack(m) : r;
}

int moment_pass(struct moment *m)
{
	struct place *p = m->p;
	bool late = commands_need_record(p) || (p->hists && p->hists->n), on, stack;
	int r = 0;

	if (p->commands && !late)
		commands_run(p, NULL, false, &stack);
	on = !p->in->buffer.off && cpus_has(p->in, m->rec->cpu);
	if (on && m->passes && (p->wanted || m->always))
		r = add_line(m);
	if (r == 0 && late && p->passes_pids)
		r = run_triggers(m, on);
	return r;
}
