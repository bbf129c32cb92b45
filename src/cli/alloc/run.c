/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc run: a program as it is, with libforeland-alloc loaded before it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "alloc/sources/ledger.h"
#include "alloc/views/merge.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "cli/alloc/common.h"
#include "cli/alloc/runner.h"
#include "cli/cmds.h"
#include "cli/say.h"

#define STACK_DEFAULT 16

extern const struct fl_cmd fl_cmd_alloc_run;

struct run_opts {
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	struct alloc_form_opts form;
	uint64_t stack;
	bool has_stack;
	const char *skip;
	bool total, peak, at_peak, children, mmap;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct run_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct run_opts, view, alloc_view_options),
	FL_OPT_GROUP(struct run_opts, form, alloc_form_options),
	FL_OPT_U64_SET(struct run_opts, stack, has_stack, 0, "stack", "N",
		       "count by chains of N callers, and show them (default 16, summed by place)"),
	FL_OPT_STR(struct run_opts, skip, 0, "skip", "GLOB[,GLOB]...",
		   "wrappers, whose callers are named instead ('': none; default: the usual ones)"),
	FL_OPT_FLAG(struct run_opts, children, 0, "children",
		    "also the processes that it started, each with its process id"),
	FL_OPT_FLAG(struct run_opts, mmap, 0, "mmap",
		    "also memory that it maps past malloc(), as rows of their own"),
	FL_OPT_FLAG(struct run_opts, total, 0, "total",
		    "also callers that hold nothing any more"),
	FL_OPT_FLAG(struct run_opts, peak, 0, "peak",
		    "keep the most that each caller ever held (dear: all threads share one lock)"),
	FL_OPT_FLAG(struct run_opts, at_peak, 0, "at-peak",
		    "show what was held when all together held the most"),
	{}
};

static bool wants_peaks(const struct run_opts *o)
{
	return o->peak || o->at_peak || (o->view.sort && strstr(o->view.sort, "peak"));
}

/* What made an account empty, from what is known now. */
static void say_why_nothing(const struct alloc_runner *r, const char *name)
{
	fl_say(FL_ERROR, "%s left nothing that could be shown", name);
	if (r->children)
		fl_say_help("it became another program without the library, or handed the work to "
			    "other processes: see --children");
	else
		fl_say_help("the library was not loaded, or could not reach its ledger: does the "
			    "program clear its environment (env -i), or change its root or user "
			    "before it is executed?");
}

/* What it became by exec has another name; its figures would be taken for the program's. */
static bool became_other(const struct alloc_runner *r, const struct fl_ledger_entry *e)
{
	return e->state == FL_LEDGER_RUNS && r->comm[0] && strcmp(r->comm, e->comm) &&
	       !strncmp(e->comm, strrchr(e->exe, '/') ? strrchr(e->exe, '/') + 1 : e->exe, 15);
}

struct report {
	const struct run_opts *opts;
	const struct alloc_runner *runner;
	const char *name;
	struct fl_alloc_filter filter;
	struct fl_callers *names;
	struct fl_alloc_set set;
	size_t damaged;
	bool is_whole;
};

static bool is_wanted(const struct report *rp, const struct fl_alloc_record *r)
{
	if (!r->bytes && !r->calls && !rp->opts->total && !rp->opts->at_peak &&
	    !(wants_peaks(rp->opts) && r->more && r->more->peak_bytes))
		return false;
	return true;
}

static int read_accounts(struct report *rp, const struct fl_ledger_entry *own)
{
	_cleanup_free_ struct fl_ledger_entry *v = NULL;
	size_t n = 0, kept = 0;
	int r = fl_ledger_read(rp->runner->ledger, own, rp->names, &rp->set, &rp->damaged);

	if (r == 0 && rp->opts->children)
		r = fl_ledger_list(rp->runner->ledger, &v, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (v[i].at == own->at || v[i].state == FL_LEDGER_FORKING ||
		    v[i].state == FL_LEDGER_REPLACED)
			continue;
		rp->is_whole &= alloc_say_limits(v[i].flags, v[i].refused, v[i].comm);
		r = fl_ledger_read(rp->runner->ledger, &v[i], rp->names, &rp->set, &rp->damaged);
	}
	for (size_t i = 0; r == 0 && i < rp->set.n; i++)
		if (is_wanted(rp, &rp->set.v[i]))
			rp->set.v[kept++] = rp->set.v[i];
	rp->set.n = kept;
	return r;
}

static void say_children(const struct report *rp)
{
	if (rp->runner->children && !rp->opts->children && !rp->opts->form.output)
		fl_say(FL_NOTE, "%llu other processes were counted in accounts of their own; "
				"--children shows each",
		       (unsigned long long)rp->runner->children);
}

static void say_maps(const struct report *rp, struct fl_alloc_mapped m)
{
	_cleanup_buf_ struct fl_buf b = {};

	if (!m.bytes || rp->opts->form.output)
		return;
	fl_buf_add_human(&b, m.bytes);
	fl_say(FL_NOTE, "%s in %llu mappings that malloc() does not know; --mmap shows them",
	       fl_buf_z(&b), (unsigned long long)m.calls);
}

static int show(struct report *rp)
{
	const struct run_opts *o = rp->opts;
	struct alloc_form_opts form = o->form;
	struct alloc_look look = { .command = "alloc run", .view = &o->view, .form = &form,
				   .pids = o->children,
				   .chains = o->has_stack || wants_peaks(o) || o->children,
				   .at_peak = o->at_peak, .filter = &rp->filter };
	char note[64];

	snprintf(note, sizeof(note), "# %llu other processes\n",
		 (unsigned long long)rp->runner->children);
	form.dump |= form.output && !form.folded && !form.tree && !o->view.json &&
		     !fl_str_ends(fl_str(form.output), ".pb.gz");
	look.dump_note = rp->runner->children ? note : NULL;
	if (alloc_make_order(&o->view, &look.order) != FL_EXIT_DONE)
		return FL_EXIT_FINDINGS;
	say_children(rp);
	if (!o->mmap)
		say_maps(rp, fl_alloc_without_maps(&rp->set));
	return alloc_look_at(&look, &rp->set, FL_EXIT_DONE);
}

static int report(struct report *rp)
{
	const struct fl_callers_opts names = { .skip = rp->opts->skip };
	struct fl_ledger_entry own;
	int r = alloc_runner_account(rp->runner, &own);

	if (r == 0 && became_other(rp->runner, &own))
		r = -ENOENT;
	if (r == -ENOENT) {
		say_why_nothing(rp->runner, rp->name);
		return FL_EXIT_FINDINGS;
	}
	if (r == 0)
		rp->is_whole = alloc_say_limits(own.flags, own.refused, rp->name);
	if (r == 0)
		r = fl_callers_open(&names, &rp->names);
	if (r == 0)
		r = read_accounts(rp, &own);
	if (r < 0) {
		fl_say_failed("foreland alloc run", r);
		return FL_EXIT_FINDINGS;
	}
	if (rp->damaged)
		fl_say(FL_WARNING, "%zu entries of the program's account are damaged and left out",
		       rp->damaged);
	if (fl_callers_would_ask(rp->names))
		fl_say(FL_NOTE, "DEBUGINFOD_URLS is set, but this program asks no servers");
	r = show(rp);
	return rp->is_whole && !rp->damaged ? r : FL_EXIT_FINDINGS;
}

static int start_failed(const char *name, int err)
{
	if (err == -ECANCELED)
		return FL_EXIT_FINDINGS;
	fl_say_failed(name, err);
	return err == -ENOENT ? 127 : 126;
}

static void say_end(const char *name, int status)
{
	if (WIFSIGNALED(status))
		fl_say(FL_NOTE, "%s was killed by signal %d (%s)", name, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
}

static int run_counted(const struct run_opts *o, char **argv, const struct fl_alloc_filter *filter)
{
	unsigned int depth = o->has_stack ? (unsigned int)o->stack : STACK_DEFAULT;
	struct report rp = { .opts = o, .name = argv[0], .filter = *filter };
	struct alloc_runner r = { .keep_children = o->children, .ledger = -1 };
	const char *help, *objection = alloc_runner_objection(argv[0], &help);
	char words[64];
	int code;

	snprintf(words, sizeof(words), "stack=%u%s", depth, wants_peaks(o) ? ",peak" : "");
	r.words = words;
	rp.runner = &r;
	if (objection) {
		fl_say(FL_WARNING, "%s %s; it runs uncounted", argv[0], objection);
		fl_say_help("%s", help);
	}
	code = alloc_runner_run(&r, argv, !objection);
	if (code < 0) {
		alloc_runner_fini(&r);
		return start_failed(argv[0], code);
	}
	say_end(argv[0], r.status);
	code = objection ? FL_EXIT_FINDINGS : report(&rp);
	fl_alloc_set_fini(&rp.set);
	fl_callers_close(rp.names);
	alloc_runner_fini(&r);
	return r.status ? alloc_runner_exit_code(&r) : code;
}

static int run(const void *opts, const struct fl_args *args)
{
	const struct run_opts *o = opts;
	struct fl_alloc_filter filter;
	struct fl_alloc_order order;
	int code = alloc_check_form(&o->view, &o->form);

	/* what is wrong is told before the program runs, not after */
	if (code == FL_EXIT_DONE)
		code = alloc_make_filter(&o->filter, &filter);
	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&o->view, &order);
	if (code != FL_EXIT_DONE)
		return code;
	if (o->has_stack && (!o->stack || o->stack > FL_LEDGER_DEPTH))
		return fl_say_usage("--stack: '%llu' is out of range (1 to %u)", (unsigned long long)o->stack,
				    FL_LEDGER_DEPTH);
	if (!args->command || !args->command[0])
		return fl_say_usage("a program is expected behind '--'");
	return run_counted(o, args->command, &filter);
}

const struct fl_cmd fl_cmd_alloc_run = {
	.name = "run",
	.summary = "Run a program and show what it held at its end, by who asked for it",
	.args = "-- PROG [ARG]...",
	.about = "The program is run as it is, with libforeland-alloc before it: each allocation is\n"
		 "counted under its chain of callers, of which the first is named that is no wrapper\n"
		 "of malloc(). There is a report however it ends: exit(), _exit(), abort(), a crash,\n"
		 "the kernel's OOM killer. While it runs it can be asked with 'foreland alloc show\n"
		 "--pid'. The exit status is the program's; 128+N where signal N ended it. With -o\n"
		 "FILE nothing is printed on standard output: FILE gets the dump, or what --json,\n"
		 "--tree or --folded ask for; a profile for pprof where its name ends in .pb.gz.",
	.size = sizeof(struct run_opts),
	.options = options,
	.takes_command = true,
	.run = run,
};
