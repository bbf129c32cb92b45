/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe check: accepts definitions, or says what the kernel would. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/num.h"
#include "cli/cmds.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/event/listing.h"
#include "probe/lang/check.h"

struct check_opts {
	struct fl_target_opts target;
	struct fl_strv matrix;
	const char *file;
	const char *dialect;
	bool json;
	bool sequence;
};

static const struct fl_opt check_options[] = {
	FL_OPT_FLAG(struct check_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_STR(struct check_opts, dialect, 0, "dialect", "7.3|v6|6.12|kernel|mainline",
		   "whose rules apply; default: 7.3"),
	FL_OPT_FLAG(struct check_opts, sequence, 0, "sequence",
		    "apply the definitions in order, removals included, to one list of events"),
	FL_OPT_LIST(struct check_opts, matrix, 0, "matrix", "BTF",
		    "say whether they can run on the kernel of that BTF, and how; may be repeated"),
	FL_OPT_STR(struct check_opts, file, 0, "file", "dynamic_events|kprobe_events|uprobe_events|synthetic_events",
		   "the control file that they are for; default: dynamic_events"),
	FL_OPT_GROUP(struct check_opts, target, fl_target_options),
	{}
};

struct check {
	const struct check_opts *opts;
	enum fl_dialect dialect;
	enum fl_probe_file file;
	struct fl_target *target;
	struct fl_event_list list;
	struct fl_buf out;
	uint64_t accepted, refused;
};

/* Names of what is taken for granted, in the order of the bits. */
static const char *const assumptions[] = {
	"insn_boundary", "not_blacklisted", "module", "tracepoint", "file", "symbol",
};

static const char *const assumed_words[] = {
	"that an instruction begins there is taken for granted", "",
	"the module is not loaded; its symbol is taken for granted",
	"this kernel has no such tracepoint; a module may bring it",
	"the file is taken for granted", "the symbol is taken for granted",
};
_Static_assert(FL_ARRAY_SIZE(assumed_words) == FL_ARRAY_SIZE(assumptions), "words for each");

static void json_event(const struct check *c, const struct fl_probe_event *e, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_str rest, line;

	if (!e) { /* a comment, or a removal */
		fl_json_null(out, "listing");
		fl_json_open(out, "dump", '[');
		fl_json_close(out, ']');
		return;
	}
	fl_probe_event_list(e, &text);
	fl_json_buf(out, "listing", &text);
	fl_buf_reset(&text);
	fl_probe_event_dump(e, fl_dialect_rules(c->target, c->dialect)->dump, &text);
	rest = fl_buf_str(&text);
	fl_json_open(out, "dump", '[');
	while (fl_str_line(&rest, &line))
		fl_json_str(out, NULL, line);
	fl_json_close(out, ']');
}

/* Of the event, and of the dialect where nothing shows that the kernel has that rule. */
static void json_assumed(const struct check *c, unsigned int assumed, struct fl_buf *out)
{
	bool own = c->dialect == FL_DIALECT_KERNEL;

	if (!assumed && !own)
		return;
	fl_json_open(out, "assumed", '[');
	for (size_t i = 0; i < FL_ARRAY_SIZE(assumptions); i++) {
		if (assumed & 1u << i)
			fl_json_strz(out, NULL, assumptions[i]);
	}
	for (size_t i = 0; own && fl_dialect_unshown[i]; i++)
		fl_json_strz(out, NULL, fl_dialect_unshown[i]);
	fl_json_close(out, ']');
}

/* What the kernel would log, the last one included, where that is more than the finding itself. */
static void json_log(const struct fl_probe_verdict *v, struct fl_buf *out)
{
	fl_json_open(out, "log", '[');
	for (size_t i = 0; i < v->nr_entries; i++) {
		const struct fl_log_entry *e = &v->entries[i];

		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "subsystem", e->subsystem);
		fl_json_strz(out, "message", e->message ? e->message : e->kind->message);
		fl_json_str(out, "command", e->command);
		fl_json_u64(out, "column", e->column);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
}

static void json_verdict(const struct fl_probe_verdict *v, struct fl_str def, struct fl_buf *out)
{
	const struct fl_log_entry *last = v->nr_entries ? &v->entries[v->nr_entries - 1] : NULL;

	fl_json_strz(out, "errno", fl_errno_name(v->errno_value));
	if (last && !fl_str_eq(last->command, def))
		fl_json_str(out, "command", last->command);
	if (v->diag.kind)
		fl_diag_json(&v->diag, "error", false, out);
	else
		fl_json_null(out, "error");
	if (v->nr_entries > 1)
		json_log(v, out);
}

/* What was taken for granted, for people: a note each below the listing. */
static void print_assumed(struct check *c, const struct fl_probe_event *e)
{
	struct fl_str place = fl_str_sub(e->text, e->place.span.start, e->place.span.end - e->place.span.start);
	struct fl_str near = FL_STR("");

	for (size_t i = 0; i < FL_ARRAY_SIZE(assumptions); i++) {
		/* Of nearly every probe, and nothing that a person could do about it. */
		if (!(e->assumed & 1u << i) || 1u << i == FL_ASSUMED_NOT_BLACKLISTED)
			continue;
		if (1u << i == FL_ASSUMED_TRACEPOINT)
			near = fl_target_near_tracepoint(c->target, e->place.symbol);
		fprintf(stderr, "note: '%.*s': %s%s%.*s%s\n", FL_STR_ARG(place), assumed_words[i],
			near.n ? "; did you mean '" : "", FL_STR_ARG(near), near.n ? "'?" : "");
	}
}

static int flush(struct check *c)
{
	int r = fl_say_result(&c->out);

	fl_buf_reset(&c->out);
	return r;
}

static void print_text(struct check *c, const struct fl_probe_event *e)
{
	if (!e)
		return;
	fl_probe_event_list(e, &c->out);
	fl_buf_addc(&c->out, '\n');
	if (e->assumed & ~FL_ASSUMED_NOT_BLACKLISTED) {
		flush(c);
		print_assumed(c, e);
	}
}

static int check_one(void *ctx, struct fl_str def, const char *place, uint32_t line)
{
	struct check *c = ctx;
	_cleanup_verdict_ struct fl_probe_verdict v = { .no_help = c->opts->json };
	struct fl_probe_event *e = NULL;
	int r;

	if (c->opts->sequence)
		r = fl_event_list_apply(&c->list, c->target, c->dialect, c->file, def, &e, &v);
	else
		r = fl_probe_check(c->target, c->dialect, c->file, def, &e, &v);
	if (r == -ENOMEM && !v.errno_value)
		return r;
	if (r < 0)
		c->refused++;
	else
		c->accepted++;
	if (c->opts->json) {
		fl_json_open(&c->out, NULL, '{');
		fl_json_str(&c->out, "definition", def);
		fl_json_bool(&c->out, "ok", r == 0);
		if (r == 0)
			json_event(c, e, &c->out);
		else
			json_verdict(&v, def, &c->out);
		json_assumed(c, e ? e->assumed : 0, &c->out);
		fl_json_close(&c->out, '}');
		fl_json_end_line(&c->out);
	} else if (r == 0) {
		print_text(c, e);
	} else {
		flush(c);
		fl_cli_print_verdict(&v, def, place, line);
	}
	if (!c->opts->sequence)
		fl_probe_event_free(e);
	return c->out.len > 1 << 16 ? flush(c) : 0;
}

static int check_run(const void *v, const struct fl_args *args)
{
	const struct check_opts *opts = v;
	_cleanup_target_ struct fl_target *target = NULL;
	struct check c = { .opts = opts };
	int r;

	if (fl_cli_dialect(opts->dialect, &c.dialect) < 0 ||
	    fl_cli_probe_file(opts->file, &c.file) < 0)
		return FL_EXIT_USAGE;
	if (opts->matrix.n)
		return fl_cli_matrix(&opts->matrix, opts->target.arch, c.dialect, opts->json, args);
	if (fl_cli_target(&opts->target, &target) < 0 || fl_cli_learn_dialect(target, c.dialect) < 0)
		return FL_EXIT_FINDINGS;
	c.target = target;
	if (opts->json)
		fl_cli_json_first(c.dialect, &c.out);
	r = fl_cli_each_definition(args, check_one, &c);
	if (opts->json)
		fl_cli_json_last(c.accepted, c.refused, &c.out);
	else if (c.accepted + c.refused > 1)
		fprintf(stderr, "%llu accepted, %llu refused\n", (unsigned long long)c.accepted,
			(unsigned long long)c.refused);
	if (r == 0)
		r = flush(&c);
	fl_say_end(r);
	fl_event_list_fini(&c.list);
	fl_buf_fini(&c.out);
	return r < 0 || c.refused ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_probe_check = {
	.name = "check",
	.summary = "Accept probe definitions, or say what the kernel would",
	.args = "DEF...|-",
	.about = "Reads each definition as the kernel's dynamic_events file does: code, message and "
		 "column of a finding are the kernel's own. \"-\" reads one definition a line from "
		 "standard input. Each is judged alone, against an empty list of events, unless "
		 "--sequence is given.\n\n"
		 "Without target options the target is the running kernel.",
	.size = sizeof(struct check_opts),
	.options = check_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.takes_removals = true,
	.run = check_run,
};
