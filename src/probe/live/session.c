/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "probe/gen/kernel.h"
#include "probe/live/private.h"

int fl_session_new(struct fl_target *target, const struct fl_session_opts *opts,
		   struct fl_session **ret)
{
	struct fl_session *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->target = target;
	t->opts = *opts;
	t->control = -1;
	live_task_filter_init(&t->tasks);
	*ret = t;
	return 0;
}

struct fl_str fl_definition_split(struct fl_str def, struct fl_str *ret_filter)
{
	struct fl_str rest = def, word;

	*ret_filter = fl_str_n(def.p + def.n, 0);
	while (def.n && def.p[0] != 'e' && fl_str_word(&rest, &word)) {
		if (!fl_str_is(word, "if"))
			continue;
		*ret_filter = fl_str_trim(rest);
		return fl_str_n(def.p, (size_t)(word.p - def.p));
	}
	return def;
}

int fl_session_add(struct fl_session *t, struct fl_probe_event *e, struct fl_str def,
		   struct fl_str filter)
{
	struct live_probe *bigger = reallocarray(t->probes, t->n + 1, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	t->probes = bigger;
	t->probes[t->n++] = (struct live_probe){.pub.schema.event = e,
						.event = e,
						.def = def,
						.filter_text = filter,
						.prog = -1,
						.entry_prog = -1,
						.entry_map = -1,
						.scratch = -1};
	return 0;
}

void fl_session_free(struct fl_session *t)
{
	if (!t)
		return;
	live_detach_many(t);
	free(t->links);
	for (size_t i = 0; i < t->n; i++) {
		live_unload(&t->probes[i]);
		live_free_hists(&t->probes[i]);
		fl_points_fini(&t->probes[i].points);
		fl_filter_fini(&t->probes[i].filter);
		fl_buf_fini(&t->probes[i].pub.tried);
		fl_buf_fini(&t->probes[i].pub.left_out);
	}
	fl_triggers_fini(&t->triggers);
	fl_trigger_log_fini(&t->log);
	if (t->counts)
		munmap(t->counts, t->counts_size);
	live_close(&t->control);
	live_task_filter_fini(&t->tasks);
	if (!t->opts.rings)
		fl_rings_free(t->rings);
	free(t->schemas);
	free(t->probes);
	free(t);
}

/* ---- starting ---- */

static int resolve_symbols(struct fl_session *t, struct live_probe *p, struct fl_diag *diag)
{
	for (size_t i = 0; i < p->event->nr_args; i++) {
		struct fl_probe_arg *a = &p->event->args[i];
		struct fl_ksyms *syms;
		int r = fl_points_symbol(t->target, &a->program);

		if (r < 0) {
			r = live_diagnose(diag, p, LIVE_NO_SYMBOL, a->span);
			fl_diag_message(diag, "symbol '%.*s' has no address on this kernel",
					FL_STR_ARG(a->program.code[0].text));
			if (fl_target_ksyms(t->target, &syms) == 0 && fl_ksyms_hidden(syms))
				fl_diag_help(diag, "all addresses in /proc/kallsyms are hidden; sysctl "
						   "kernel.kptr_restrict=1 shows them to root");
			return r;
		}
	}
	return 0;
}

static bool uses_percpu(const struct fl_probe_event *e)
{
	for (size_t i = 0; i < e->nr_args; i++)
		for (uint32_t k = 0; k < e->args[i].program.n; k++)
			if (e->args[i].program.code[k].op == FL_FETCH_CPU_PTR)
				return true;
	return false;
}

static bool uses_paths(const struct fl_probe_event *e)
{
	for (size_t i = 0; i < e->nr_args; i++)
		if (e->args[i].type->flags & FL_TYPE_PATH)
			return true;
	return false;
}

/* What few events need of the kernel, when the first of them does. */
static void more_facts(struct fl_session *t, const struct fl_probe_event *e)
{
	if (uses_percpu(e))
		fl_kernel_percpu(t->target, &t->env);
	if (e->kind == FL_PROBE_UPROBE && e->is_return)
		fl_kernel_user_func(t->target, &t->env);
	if (uses_paths(e) && fl_kernel_paths(t->target, &t->paths) == 0)
		t->env.paths = &t->paths;
}

static int list_schemas(struct fl_session *t)
{
	t->schemas = calloc(t->n, sizeof(*t->schemas));
	if (!t->schemas)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		t->schemas[i] = &t->probes[i].pub.schema;
	return 0;
}

int fl_session_start(struct fl_session *t, struct fl_diag *diag)
{
	int r;

	live_lift_memlock();
	t->env.boot_clock = t->opts.boot_clock;
	t->env.exact_faults = t->opts.exact_faults;
	fl_kernel_facts(t->target, &t->env);
	r = list_schemas(t);
	if (r == 0)
		r = live_find_hists(t, diag);
	if (r < 0)
		return r;
	r = live_make_maps(t);
	r = live_no_maps(t, &t->probes[0], r, diag);
	if (r == 0)
		r = live_nobody(t, &t->probes[0], live_task_filter_start(t), diag);
	if (r == 0)
		r = live_make_hists(t, diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n; i++) {
		more_facts(t, t->probes[i].event);
		r = resolve_symbols(t, &t->probes[i], diag);
		if (r < 0) {
			t->failed = i;
			return r;
		}
	}
	r = live_load_many(t);
	for (size_t i = 0; i < t->n && r == 0; i++) {
		r = live_load_probe(t, i, diag);
		t->failed = i;
	}
	return r;
}

/* ---- running ---- */

void fl_session_stop(struct fl_session *t)
{
	live_detach_many(t);
	for (size_t i = 0; i < t->n; i++)
		live_detach(&t->probes[i]);
}

struct reading {
	struct fl_session *t;
	fl_record_fn fn;
	void *ctx;
};

static bool passes(const struct live_probe *p, uint32_t cpu, const struct fl_record *rec,
		   size_t size)
{
	struct fl_filter_env env = {
		.cpu = cpu, .comm = fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm)))};

	return fl_filter_match(&p->filter, rec, size, &env);
}

/* A record that is not one of ours cannot come out of our rings; trust is good, a check is cheap.
 */
static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct reading *r = ctx;
	uint16_t i = (uint16_t)(rec->event - r->t->opts.first_event);
	struct live_probe *p;

	if (i >= r->t->n)
		return 0;
	p = &r->t->probes[i];
	if (size < p->pub.schema.layout.fixed_size)
		return 0;
	if (rec->time < r->t->begin || (r->t->end && rec->time > r->t->end)) {
		p->outside++;
		return 0;
	}
	if (p->reader_filters && !passes(p, cpu, rec, size)) {
		p->filtered++;
		return 0;
	}
	r->t->newest = rec->time;
	p->records++;
	p->faults += live_count_faults(&p->pub.schema.layout, rec);
	if (p->pub.schema.layout.stacks)
		p->no_stack += live_count_no_stack(&p->pub.schema.layout, rec, size);
	return r->fn(r->ctx, cpu, rec, size);
}

int64_t fl_session_read(struct fl_session *t, uint64_t before, fl_record_fn fn, void *ctx)
{
	struct reading r = {t, fn, ctx};

	live_arm_waiting(t);
	return fl_rings_read(t->rings, before, on_record, &r);
}

int fl_session_take(struct fl_session *t, uint32_t cpu, const struct fl_record *rec, size_t size,
		    fl_record_fn fn, void *ctx)
{
	struct reading r = {t, fn, ctx};

	return on_record(&r, cpu, rec, size);
}

/* ---- what it is made of ---- */

struct fl_record_schemas fl_session_schemas(const struct fl_session *t)
{
	return (struct fl_record_schemas){t->schemas, t->n};
}

size_t fl_session_nr_probes(const struct fl_session *t)
{
	return t->n;
}

const struct fl_session_probe *fl_session_probe(const struct fl_session *t, size_t i)
{
	return &t->probes[i].pub;
}

uint64_t fl_session_now(const struct fl_session *t)
{
	struct timespec ts;

	clock_gettime(t->opts.boot_clock ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

size_t fl_session_failed(const struct fl_session *t)
{
	return t->failed;
}
