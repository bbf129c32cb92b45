/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe: the group, and what its commands share. */
#include "cli/probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/num.h"
#include "cli/cmds.h"
#include "cli/say.h"

const struct fl_opt fl_target_options[] = {
	FL_OPT_LIST(struct fl_target_opts, btf, 0, "btf", "FILE",
		    "types: first of the kernel, then of modules; may be repeated"),
	FL_OPT_STR(struct fl_target_opts, kallsyms, 0, "kallsyms", "FILE", "symbols, as /proc/kallsyms"),
	FL_OPT_STR(struct fl_target_opts, events, 0, "events", "DIR",
		   "events, as SYSTEM/EVENT/format beneath DIR"),
	FL_OPT_STR(struct fl_target_opts, root, 0, "root", "DIR",
		   "where the files of user probes are looked up"),
	FL_OPT_STR(struct fl_target_opts, readme, 0, "readme", "FILE",
		   "its tracefs README, for --dialect kernel and for what it can be told"),
	FL_OPT_STR(struct fl_target_opts, arch, 0, "arch", "x86_64|arm64", "the target's architecture"),
	{}
};

int fl_cli_target(const struct fl_target_opts *opts, struct fl_target **ret)
{
	_cleanup_target_ struct fl_target *t = NULL;
	int r = fl_target_open(opts, &t);

	if (r == -EINVAL) {
		fl_say(FL_ERROR, "there is no table of registers for '%s'",
		       opts->arch ? opts->arch : "this machine");
		return r;
	}
	if (r == 0)
		r = fl_target_check(t);
	if (r == 0) {
		*ret = TAKE_PTR(t);
		return 0;
	}
	if (t && fl_target_why(t)) {
		fl_say_diag(fl_target_why(t));
	} else {
		fl_say_failed("foreland", r);
	}
	return r;
}

int fl_cli_dialect(const char *name, enum fl_dialect *ret)
{
	*ret = FL_DIALECT_7_3;
	return name ? fl_dialect_parse(name, ret) : 0;
}

int fl_cli_learn_dialect(struct fl_target *t, enum fl_dialect dialect)
{
	int r = dialect == FL_DIALECT_KERNEL ? fl_dialect_learn(t) : 0;

	if (r < 0)
		fl_say(FL_ERROR, "--dialect kernel: neither a README nor BTF shows this kernel's rules");
	return r;
}

int fl_cli_probe_file(const char *name, enum fl_probe_file *ret)
{
	*ret = FL_FILE_DYNAMIC_EVENTS;
	return name ? fl_probe_file_parse(name, ret) : 0;
}

static int each_line(int (*fn)(void *ctx, struct fl_str def, const char *place, uint32_t line),
		     void *ctx)
{
	_cleanup_file_ struct fl_file f = {};
	struct fl_str rest, def;
	uint32_t line = 0;
	int r = fl_file_open("-", (size_t)1 << 30, &f);

	if (r < 0) {
		fl_say_failed("standard input", r);
		return r;
	}
	rest = fl_file_str(&f);
	while (r >= 0 && fl_str_line(&rest, &def))
		r = fn(ctx, def, "-", ++line);
	return r;
}

int fl_cli_each_definition(const struct fl_args *args,
			   int (*fn)(void *ctx, struct fl_str def, const char *place, uint32_t line),
			   void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < args->n && r >= 0; i++) {
		char place[sizeof("definition 18446744073709551615")];

		snprintf(place, sizeof(place), "definition %zu", i + 1);
		if (strcmp(args->v[i], "-") == 0)
			r = each_line(fn, ctx);
		else
			r = fn(ctx, fl_str(args->v[i]), place, 0);
	}
	return r;
}

void fl_cli_print_verdict(struct fl_probe_verdict *v, struct fl_str def, const char *place,
			  uint32_t line)
{
	_cleanup_buf_ struct fl_buf out = {};
	uint32_t column = v->diag.column;

	if (!v->diag.kind) { /* the kernel says nothing more, either */
		fl_buf_addz(&out, place);
		if (line)
			fl_buf_addf(&out, ":%u", line);
		fl_buf_addf(&out, ": error: not accepted: %s [%s]\n", strerror(v->errno_value),
			    fl_errno_name(v->errno_value));
		fl_buf_add_str(&out, def);
		fl_buf_addc(&out, '\n');
	} else {
		v->diag.place = place;
		v->diag.line = line;
		/* The kernel's column counts in its own form of the command. */
		v->diag.column = v->entries[v->nr_entries - 1].place;
		fl_diag_render(&v->diag, &out);
		v->diag.column = column;
		v->diag.place = NULL;
	}
	fl_buf_write_fd(&out, STDERR_FILENO);
}

void fl_cli_json_first(enum fl_dialect dialect, struct fl_buf *out)
{
	fl_json_schema_open(out, "probe check");
	fl_json_strz(out, "dialect", fl_dialects[dialect].name);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

void fl_cli_json_last(uint64_t accepted, uint64_t refused, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "accepted", accepted);
	fl_json_u64(out, "refused", refused);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static const struct fl_cmd *const probe_subs[] = {
	&fl_cmd_probe_check,
	&fl_cmd_probe_dump,
	&fl_cmd_probe_lower,
	&fl_cmd_probe_list,
	&fl_cmd_probe_bundle,
	&fl_cmd_probe_syntax,
	NULL,
};

const struct fl_cmd fl_cmd_probe = {
	.name = "probe",
	.summary = "Typed probe definitions: check, compile, translate, list",
	.subs = probe_subs,
};
