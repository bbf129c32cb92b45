/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland doctor: what this machine permits, what is missing, and what to do about it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/num.h"
#include "base/util.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "cli/vm.h"
#include "probe/target/owner.h"
#include "probe/target/target.h"

struct doctor_opts {
	bool json, clean;
	const char *vm;
};

static const struct fl_opt doctor_options[] = {
	FL_OPT_FLAG(struct doctor_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_FLAG(struct doctor_opts, clean, 0, "clean",
		    "remove from tracefs what a killed run has left there, and nothing else"),
	FL_OPT_STR_BARE(struct doctor_opts, vm, "vm", "6.1|6.12|6.18|7.3|FILE",
			"examine a guest, with the kernel that 'trace --vm' takes by that name"),
	{}
};

static const char *const state_names[] = {
	[FL_CAP_UNKNOWN] = "unknown",
	[FL_CAP_NO] = "no",
	[FL_CAP_YES] = "yes",
};

/* A row of what is shown: a capability, or what only a face can find out. */
struct row {
	struct fl_cap_info info;
	struct fl_cap_result result;
};

static int print(struct fl_buf *out, int code)
{
	return fl_say_result(out) < 0 ? FL_EXIT_FINDINGS : code;
}

static void add_lower(struct fl_buf *out, const char *name)
{
	for (; *name; name++)
		fl_buf_addc(out, tolower((unsigned char)*name));
}

/* ---- the guest ---- */

/* The script answers by its exit status: 0, or 77 with the reason on standard error. */
static void probe_guest(struct fl_cap_result *r)
{
	_cleanup_buf_ struct fl_buf path = {}, command = {}, text = {};
	struct fl_str rest, line;
	FILE *f;
	int status, err;

	r->state = FL_CAP_NO;
	err = fl_vm_script_path(&path);
	if (err < 0) {
		snprintf(r->note, sizeof(r->note), "%s", fl_vm_why_not(err));
		return;
	}
	fl_buf_addf(&command, "exec '%s' --ready 2>&1", fl_buf_z(&path));
	f = strchr(fl_buf_z(&path), '\'') ? NULL : popen(fl_buf_z(&command), "re");
	if (!f)
		return;
	fl_buf_read_fd(&text, fileno(f), 1u << 16);
	status = pclose(f);
	rest = fl_buf_str(&text);
	while (fl_str_line(&rest, &line))
		snprintf(r->note, sizeof(r->note), "%.*s", FL_STR_ARG(line));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		r->state = FL_CAP_YES;
}

/* ---- output ---- */

static void row_json(const struct row *row, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	add_lower(&name, row->info.name);
	fl_json_open(out, NULL, '{');
	fl_json_buf(out, "name", &name);
	fl_json_strz(out, "group", row->info.group);
	fl_json_strz(out, "state", state_names[row->result.state]);
	fl_json_strz(out, "errno", row->result.err ? fl_errno_name(row->result.err) : NULL);
	fl_json_bool(out, "denied", row->result.denied);
	fl_json_strz(out, "note", row->result.note[0] ? row->result.note : NULL);
	fl_json_strz(out, "about", row->info.about);
	fl_json_strz(out, "serves", row->info.serves);
	fl_json_strz(out, "remedy", row->info.remedy);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void row_text(const struct row *row, struct fl_buf *out)
{
	static const char *const marks[] = { " ? ", "no ", "yes" };
	_cleanup_buf_ struct fl_buf name = {};

	add_lower(&name, row->info.name);
	fl_buf_addf(out, "  %s  %-18s %s", marks[row->result.state], fl_buf_z(&name), row->info.about);
	if (row->result.note[0] && row->result.state != FL_CAP_NO)
		fl_buf_addf(out, " (%s)", row->result.note);
	fl_buf_addc(out, '\n');
}

/* "kprobe: EINVAL, the verifier's words" / "for p probes: do this" */
static void advice_text(const struct row *row, struct fl_buf *out)
{
	fl_buf_addz(out, "  ");
	add_lower(out, row->info.name);
	fl_buf_addc(out, ':');
	if (row->result.err)
		fl_buf_addf(out, " %s", fl_errno_name(row->result.err));
	if (row->result.note[0])
		fl_buf_addf(out, "%s %s", row->result.err ? "," : "", row->result.note);
	fl_buf_addf(out, "\n      for %s: %s\n", row->info.serves, row->info.remedy);
}

static void text(const struct row *rows, size_t n, struct fl_buf *out)
{
	const char *group = "";
	struct utsname u;
	unsigned int missing = 0, denied = 0;

	if (uname(&u) == 0)
		fl_buf_addf(out, "foreland " FORELAND_VERSION " on %s %s, %s\n", u.sysname, u.release,
			    u.machine);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(group, rows[i].info.group))
			fl_buf_addf(out, "\n%s\n", rows[i].info.group);
		group = rows[i].info.group;
		row_text(&rows[i], out);
	}
	for (size_t i = 0; i < n; i++) {
		if (rows[i].result.state != FL_CAP_NO)
			continue;
		denied += rows[i].result.denied;
		if (rows[i].result.denied)
			continue;
		if (!missing++)
			fl_buf_addz(out, "\nwhat is missing, and what to do\n");
		advice_text(&rows[i], out);
	}
	if (denied)
		fl_buf_addf(out, "  and %u that this process may not use, whatever the kernel can\n",
			    denied);
}

static void json(const struct row *rows, size_t n, struct fl_buf *out)
{
	unsigned int counts[FL_ARRAY_SIZE(state_names)] = {};
	struct utsname u = {};

	uname(&u);
	fl_json_schema_open(out, "doctor");
	fl_json_strz(out, "kernel", u.release);
	fl_json_strz(out, "machine", u.machine);
	fl_json_close(out, '}');
	fl_json_end_line(out);
	for (size_t i = 0; i < n; i++) {
		counts[rows[i].result.state]++;
		row_json(&rows[i], out);
	}
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	for (size_t i = 0; i < FL_ARRAY_SIZE(counts); i++)
		fl_json_u64(out, state_names[i], counts[i]);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* ---- cleaning ---- */

struct clean_count {
	unsigned int removed, failed;
	bool json;
	struct fl_buf out;
};

static int cleaned(void *ctx, struct fl_str what, int err)
{
	struct clean_count *c = ctx;

	if (err == -EXDEV) {
		fl_say(FL_NOTE, "%.*s stays: its owner is of another process namespace, a container's or this "
		       "one's host", FL_STR_ARG(what));
		return 0;
	}
	if (err < 0) {
		fl_say(FL_ERROR, "%.*s cannot be removed: %s", FL_STR_ARG(what), strerror(-err));
		c->failed++;
		return 0;
	}
	c->removed++;
	if (c->json) {
		fl_json_open(&c->out, NULL, '{');
		fl_json_str(&c->out, "removed", what);
		fl_json_close(&c->out, '}');
		fl_json_end_line(&c->out);
	} else {
		fl_buf_addf(&c->out, "%.*s\n", FL_STR_ARG(what));
	}
	return 0;
}

static void clean_summary(struct clean_count *c)
{
	fl_json_open(&c->out, NULL, '{');
	fl_json_strz(&c->out, "type", "summary");
	fl_json_u64(&c->out, "removed", c->removed);
	fl_json_u64(&c->out, "failed", c->failed);
	fl_json_close(&c->out, '}');
	fl_json_end_line(&c->out);
}

static int clean(struct fl_target *t, bool as_json)
{
	struct clean_count c = { .json = as_json };
	const char *tracefs = fl_target_tracefs(t);
	int r, code;

	if (as_json)
		fl_json_schema(&c.out, "doctor");
	r = tracefs ? fl_owner_clean(tracefs, cleaned, &c) : -ENOENT;
	if (as_json)
		clean_summary(&c);
	code = print(&c.out, c.failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE);
	fl_buf_fini(&c.out);
	if (r < 0) {
		fl_say_failed(tracefs ? tracefs : "tracefs", r);
		return FL_EXIT_FINDINGS;
	}
	fl_say(FL_NOTE, "%u removed", c.removed);
	return code;
}

/* Something can be traced here: a hook takes programs. Without types, what is read has no names, but is there. */
static bool can_trace(struct fl_target *t)
{
	return fl_cap_has(t, FL_CAP_RAW_TP) || fl_cap_has(t, FL_CAP_KPROBE) || fl_cap_has(t, FL_CAP_UPROBE);
}

static int examine(struct fl_target *t, bool as_json)
{
	static struct row rows[_FL_CAP_MAX + 1];
	struct row *guest = &rows[_FL_CAP_MAX];
	_cleanup_buf_ struct fl_buf out = {};

	for (int i = 0; i < _FL_CAP_MAX; i++)
		rows[i] = (struct row){ *fl_cap_info(i), *fl_cap_probe(t, i) };
	guest->info = (struct fl_cap_info){
		.name = "VM", .group = "guest", .about = "a guest with a kernel of its own can be started",
		.serves = "--vm, which needs no privilege",
		.remedy = "install qemu-system-x86, busybox-static and cpio",
	};
	probe_guest(&guest->result);
	if (as_json)
		json(rows, FL_ARRAY_SIZE(rows), &out);
	else
		text(rows, FL_ARRAY_SIZE(rows), &out);
	if (!can_trace(t))
		fl_say(FL_NOTE, "nothing can be traced here; --vm does it in a guest");
	return print(&out, can_trace(t) ? FL_EXIT_DONE : FL_EXIT_FINDINGS);
}

/* Returns only on failure. */
static int examine_guest(const struct doctor_opts *o)
{
	const char *options[3], *words[] = { "doctor", o->json ? "--json" : NULL, NULL };
	int r;

	options[fl_vm_kernel_option(o->vm, options)] = NULL;
	r = fl_vm_exec((char *const *)options, (char *const *)words);
	fl_say(FL_ERROR, "no guest can be started: %s", fl_vm_why_not(r));
	return FL_EXIT_FINDINGS;
}

static int doctor_run(const void *v, const struct fl_args *args)
{
	const struct doctor_opts *opts = v;
	_cleanup_target_ struct fl_target *t = NULL;
	int r;

	if (opts->vm && opts->clean)
		return fl_say_usage("--clean has nothing to clean in a guest: leave --vm out");
	if (opts->vm)
		return examine_guest(opts);
	r = fl_target_open(&(struct fl_target_opts){}, &t);
	if (r < 0) {
		fl_say(FL_ERROR, "there is no table of registers for this machine");
		return FL_EXIT_FINDINGS;
	}
	return opts->clean ? clean(t, opts->json) : examine(t, opts->json);
}

const struct fl_cmd fl_cmd_doctor = {
	.name = "doctor",
	.summary = "What this machine permits, what is missing, and what to do",
	.about = "Every capability is tried out and not guessed from a version: small programs are loaded "
		 "into the kernel and attached for a moment, files are opened.\n\n"
		 "The exit status is 1 when nothing at all can be traced here. With --clean it is 1 when "
		 "something could not be removed; what a run that still goes on has created is left alone.",
	.size = sizeof(struct doctor_opts),
	.options = doctor_options,
	.run = doctor_run,
};
