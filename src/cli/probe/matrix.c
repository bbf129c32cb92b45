/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe check --matrix: which of several kernels can run a definition, and by what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/table.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/lower/lower.h"

struct matrix {
	const struct fl_strv *btf;
	struct fl_target **targets; /* one a BTF */
	enum fl_dialect dialect;
	bool json;
	uint64_t accepted, refused;
	struct fl_table table;
	struct fl_buf out;
};

/* What one kernel says to one definition. */
struct cell {
	bool ok;
	const char *why; /* where it is not */
	const struct fl_lower_level *level; /* the oldest text that can say it */
	struct fl_probe_verdict verdict;
};

/* A function that is not in BTF can have been inlined, or be none: no typed probe finds it. */
static const char *missing_place(struct fl_target *t, const struct fl_probe_event *e)
{
	struct fl_str symbol = e->place.symbol;

	if (e->kind == FL_PROBE_TPROBE && !fl_type_ok(fl_target_tracepoint(t, symbol)))
		return "no such tracepoint in its BTF";
	if ((e->kind == FL_PROBE_FPROBE && !e->place.is_glob) ||
	    (e->kind == FL_PROBE_KPROBE && !e->place.has_address))
		return fl_type_ok(fl_target_type(t, symbol, FL_KIND(BTF_KIND_FUNC))) ?
		       NULL : "no such function in its BTF";
	return NULL;
}

static void check_for_target(struct matrix *m, struct fl_target *t, struct fl_str def, struct cell *ret)
{
	struct fl_probe_event *e = NULL;
	int r = fl_probe_check(t, m->dialect, FL_FILE_DYNAMIC_EVENTS, def, &e, &ret->verdict);

	if (r < 0) {
		ret->why = ret->verdict.diag.kind ? fl_diag_text(&ret->verdict.diag) : strerror(-r);
		return;
	}
	if (e) {
		ret->why = missing_place(t, e);
		ret->level = fl_lower_oldest(e, fl_target_arch(t));
	}
	ret->ok = !ret->why;
	fl_probe_event_free(e);
}

static void add_json(struct matrix *m, struct fl_str def, const char *btf, const struct cell *c)
{
	fl_json_open(&m->out, NULL, '{');
	fl_json_str(&m->out, "definition", def);
	fl_json_strz(&m->out, "btf", btf);
	fl_json_bool(&m->out, "ok", c->ok);
	fl_json_bool(&m->out, "bpf", c->ok);
	fl_json_strz(&m->out, "tracefs", c->ok && c->level ? c->level->name : NULL);
	if (!c->ok)
		fl_json_strz(&m->out, "why", c->why);
	fl_json_close(&m->out, '}');
	fl_json_end_line(&m->out);
}

static void add_row(struct matrix *m, struct fl_str def, const char *btf, const struct cell *c)
{
	fl_table_cell(&m->table, fl_str(btf));
	fl_table_cell(&m->table, fl_str(c->ok ? "yes" : "no"));
	if (!c->ok)
		fl_table_cellf(&m->table, "%s", c->why);
	else if (c->level)
		fl_table_cellf(&m->table, "bpf, tracefs from %s", c->level->name);
	else
		fl_table_cell(&m->table, FL_STR("bpf"));
	fl_table_cell(&m->table, def);
}

static int judge_all(void *ctx, struct fl_str def, const char *place, uint32_t line)
{
	struct matrix *m = ctx;

	for (size_t i = 0; i < m->btf->n; i++) {
		struct cell c = {};

		check_for_target(m, m->targets[i], def, &c);
		m->accepted += c.ok;
		m->refused += !c.ok;
		if (m->json)
			add_json(m, def, m->btf->v[i], &c);
		else
			add_row(m, def, m->btf->v[i], &c);
		fl_probe_verdict_fini(&c.verdict);
	}
	return 0;
}

static int open_targets(struct matrix *m, const char *arch)
{
	for (size_t i = 0; i < m->btf->n; i++) {
		struct fl_target_opts opts = { .btf = { &m->btf->v[i], 1 }, .arch = arch };
		const struct fl_diag *why;
		struct fl_btf *btf;
		int r = fl_cli_target(&opts, &m->targets[i]);

		if (r == 0)
			r = fl_cli_learn_dialect(m->targets[i], m->dialect);
		if (r < 0)
			return r;
		r = fl_target_btf(m->targets[i], &btf);
		why = fl_target_why(m->targets[i]);
		if (r < 0) {
			fl_say(FL_ERROR, "%s: %s", m->btf->v[i],
			       why && why->kind ? fl_diag_text(why) : strerror(-r));
			return r;
		}
	}
	return 0;
}

int fl_cli_matrix(const struct fl_strv *btf, const char *arch, enum fl_dialect dialect, bool json,
		  const struct fl_args *args)
{
	static const struct fl_column columns[] = { { .name = "BTF" }, { .name = "runs" },
						    { .name = "by" }, { .name = "definition" } };
	_cleanup_free_ struct fl_target **targets = calloc(btf->n, sizeof(*targets));
	struct matrix m = { .btf = btf, .targets = targets, .dialect = dialect, .json = json };
	int r;

	if (!targets)
		return FL_EXIT_FINDINGS;
	fl_table_init(&m.table, columns, FL_ARRAY_SIZE(columns));
	r = open_targets(&m, arch);
	if (r == 0 && json)
		fl_cli_json_first(dialect, &m.out);
	if (r == 0)
		r = fl_cli_each_definition(args, judge_all, &m);
	if (r == 0 && !json)
		r = fl_table_print(&m.table, &m.out);
	else if (r == 0)
		fl_cli_json_last(m.accepted, m.refused, &m.out);
	if (r == 0)
		r = fl_say_result(&m.out);
	fl_table_fini(&m.table);
	fl_buf_fini(&m.out);
	for (size_t i = 0; i < btf->n; i++)
		fl_target_close(targets[i]);
	return r < 0 || m.refused ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}
