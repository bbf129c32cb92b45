/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many times each probe was hit, and what became of it. A program counts on its own CPU, in memory that we
 * have mapped: hits, and of these what was filtered, found no room in the ring, was over the task's budget, or
 * was a return without its entry. Records are counted here, as they are handed out. When the hooks are gone and
 * the rings are empty the sum holds:
 *
 *	hits = records + filtered + lost + unpaired + over_budget
 *
 * and fl_session_settled() says so: a program that still runs has counted its hit and not yet the rest. Where
 * what is counted begins later than the hooks (fl_session_begin()), what there was then is taken off; where it
 * ends before them (fl_session_freeze()), younger records are nobody's, and hits are what the others add up to.
 * Programs that the kernel did not run, since one of ours was running there, are beside the sum ("missed").
 */
#include <errno.h>
#include <string.h>

#include "bpf/sys.h"
#include "probe/live/private.h"

/* A pointer that points nowhere is no fault of its own, though reading there failed. */
static uint64_t count_pretty_faults(const struct fl_record_layout *l, const struct fl_record *rec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->nr_slots; i++)
		n += fl_record_fault(l, rec, i) ||
		     (l->slots[i].extra && fl_record_extra(l, rec, i) == FL_EXTRA_FAULT);
	return n;
}

uint64_t live_count_faults(const struct fl_record_layout *l, const struct fl_record *rec)
{
	uint64_t n = 0, word;

	for (uint32_t bit = 0; bit < l->nr_faults; bit += 64) {
		memcpy(&word, fl_record_at(rec, l->faults_offset + bit / 8), 8);
		if (word) /* rarely */
			n += (uint64_t)__builtin_popcountll(word);
	}
	if (l->nr_faults > l->nr_slots)
		n = count_pretty_faults(l, rec);
	for (size_t i = 0; l->nr_strings && i < l->nr_slots; i++)
		for (size_t k = 0; l->slots[i].kind == FL_SLOT_STRING && k < l->slots[i].count; k++)
			n += !(fl_record_value(&l->slots[i], rec, k, false) >> 16);
	return n;
}

uint64_t live_count_no_stack(const struct fl_record_layout *l, const struct fl_record *rec,
			     size_t size)
{
	struct fl_stack stack;
	uint64_t n = 0;

	for (unsigned int kind = 0; kind < _FL_STACK_MAX; kind++) {
		int r = fl_record_stack(l, rec, size, (enum fl_stack_kind)kind, &stack);

		n += r < 0 && r != -ENOENT;
	}
	return n;
}

uint64_t live_prog_missed(int prog)
{
	struct bpf_prog_info info = {};

	if (prog < 0 || fl_bpf_info(prog, &info, sizeof(info)) < 0)
		return 0;
	return info.recursion_misses;
}

/* The counts of one slot, over all CPUs. */
static struct fl_probe_counts counts_of(const struct fl_session *t, size_t slot)
{
	uint32_t stride = fl_control_stride((uint32_t)t->nr_slots);
	struct fl_probe_counts n = {};

	for (uint32_t cpu = 0; t->counts && cpu < t->env.nr_cpus; cpu++) {
		const struct fl_probe_counts *c = (const void *)(t->counts + (size_t)cpu * stride);

		n.hits += __atomic_load_n(&c[slot].hits, __ATOMIC_RELAXED);
		n.filtered += __atomic_load_n(&c[slot].filtered, __ATOMIC_RELAXED);
		n.lost += __atomic_load_n(&c[slot].lost, __ATOMIC_RELAXED);
		n.unpaired += __atomic_load_n(&c[slot].unpaired, __ATOMIC_RELAXED);
		n.replaced += __atomic_load_n(&c[slot].replaced, __ATOMIC_RELAXED);
		n.done += __atomic_load_n(&c[slot].done, __ATOMIC_RELAXED);
		n.over_budget += __atomic_load_n(&c[slot].over_budget, __ATOMIC_RELAXED);
	}
	return n;
}

uint64_t live_dropped(const struct fl_session *t, const struct live_hist *h)
{
	return counts_of(t, h->gen.slot).lost;
}

/* Variables that nobody has used, or can any more, are unpaired starts. */
static void add_hist(const struct fl_session *t, const struct live_probe *p, size_t k, struct fl_totals *n)
{
	struct fl_probe_counts c = counts_of(t, p->hists[k]->gen.slot);
	uint64_t unused = c.replaced + live_left_over(p->hists[k]);

	n->unpaired += c.unpaired + unused;
	n->records += c.done - unused;
}

/* What came to several histograms is a record, whatever became of it in each: the first that runs tells. */
static void add_hists(const struct fl_session *t, const struct live_probe *p, struct fl_totals *n)
{
	struct fl_probe_counts first = p->nr_counted_by ? counts_of(t, p->counted_by[0]->slot)
							: (struct fl_probe_counts){};

	n->records = first.done + first.lost + first.unpaired + first.filtered;
}

/* What the kernel's side says now. */
static struct fl_totals counted(const struct fl_session *t, size_t i)
{
	const struct live_probe *p = &t->probes[i];
	struct fl_probe_counts c = counts_of(t, i);
	struct fl_totals n = { .missed = p->missed, .hits = c.hits,
			       .missed_together = p->missed_together + live_missed_many(t, i),
			       .filtered = c.filtered, .lost = c.lost, .over_budget = c.over_budget };

	n.missed += live_prog_missed(p->prog) + live_prog_missed(p->entry_prog);
	for (size_t k = 0; k < p->nr_attached; k++)
		n.missed += fl_attachment_missed(&p->attached[k]);
	if (p->pub.nr_hists == 1)
		add_hist(t, p, 0, &n);
	else if (p->pub.nr_hists)
		add_hists(t, p, &n);
	else
		n.unpaired = c.unpaired;
	return n;
}

/* What each of several histograms has lost, or found no partner for. */
static void add_losses(const struct fl_session *t, const struct live_probe *p, struct fl_totals *n)
{
	for (size_t k = 0; p->pub.nr_hists > 1 && k < p->pub.nr_hists; k++) {
		struct fl_probe_counts c = counts_of(t, p->hists[k]->gen.slot);

		n->lost += c.lost;
		n->unpaired += c.unpaired + c.replaced + live_left_over(p->hists[k]);
	}
}

static bool counts_in_kernel(const struct fl_session *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->probes[i].pub.is_counted)
			return true;
	return false;
}

static int ignore(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	return 0;
}

/* Full rings are emptied first: what comes then has room. */
void fl_session_begin(struct fl_session *t)
{
	if (counts_in_kernel(t))
		return;
	t->begin = UINT64_MAX;
	fl_session_read(t, UINT64_MAX, ignore, NULL);
	t->begin = fl_session_now(t);
	for (size_t i = 0; i < t->n; i++)
		t->probes[i].before = counted(t, i);
}

uint64_t fl_session_newest(const struct fl_session *t)
{
	return t->newest;
}

void fl_session_freeze(struct fl_session *t, uint64_t end)
{
	if (counts_in_kernel(t))
		return;
	t->end = end;
	for (size_t i = 0; i < t->n; i++)
		t->probes[i].frozen = counted(t, i);
}

void fl_session_totals(struct fl_session *t, size_t i, struct fl_totals *ret)
{
	const struct live_probe *p = &t->probes[i];

	*ret = t->end ? p->frozen : counted(t, i);
	ret->hits -= p->before.hits;
	ret->filtered -= p->before.filtered;
	ret->lost -= p->before.lost;
	ret->unpaired -= p->before.unpaired;
	ret->over_budget -= p->before.over_budget;
	ret->missed -= p->before.missed;
	ret->missed_together -= p->before.missed_together;
	if (!p->pub.is_counted)
		ret->records = p->records;
	add_losses(t, p, ret);
	ret->faults = p->faults;
	ret->no_stack = p->no_stack;
	ret->filtered += p->filtered;
	/* a program that was under way when the end was set is counted by its record's time */
	if (t->end)
		ret->hits = ret->records + ret->filtered + ret->lost + ret->unpaired + ret->over_budget;
}

uint64_t fl_session_lost(const struct fl_session *t, size_t i)
{
	return counts_of(t, i).lost;
}

bool fl_session_settled(struct fl_session *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct fl_totals known, now = counted(t, i);

		fl_session_totals(t, i, &known);
		if (t->probes[i].pub.nr_hists > 1)
			known.records = now.records;
		if (now.hits != known.records + t->probes[i].outside + now.filtered + t->probes[i].filtered +
					now.lost + now.unpaired + now.over_budget)
			return false;
	}
	return true;
}
