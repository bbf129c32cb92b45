/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc show: one look at the tags. */
#include <signal.h>
#include <time.h>

#include "cli/alloc/common.h"
#include "cli/cmds.h"
#include "cli/say.h"

extern const struct fl_cmd fl_cmd_alloc_show;

struct show_opts {
	struct alloc_source_opts source;
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	struct alloc_form_opts form;
	uint64_t time;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct show_opts, source, alloc_source_options),
	FL_OPT_GROUP(struct show_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct show_opts, view, alloc_view_options),
	FL_OPT_GROUP(struct show_opts, form, alloc_form_options),
	FL_OPT_DURATION_SOME(struct show_opts, time, 't', "time", "TIME",
			"with --kernel and --attach: count for TIME (default 5s, or until Ctrl-C)"),
	{}
};

/* Until Ctrl-C at the latest. */
static void wait_for(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigtimedwait(&set, NULL, &ts);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int run(const void *opts, const struct fl_args *args)
{
	const struct show_opts *o = opts;
	_cleanup_(fl_alloc_source_closep) struct fl_alloc_source *source = NULL;
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	const struct fl_alloc_filter everything = {};
	struct fl_alloc_filter filter;
	struct alloc_look look = { .command = "alloc show", .view = &o->view, .form = &o->form };
	bool usable;
	int code;

	code = alloc_make_filter(&o->filter, &filter);
	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&o->view, &look.order);
	if (code == FL_EXIT_DONE)
		code = alloc_check_form(&o->view, &o->form);
	if (code == FL_EXIT_DONE && o->time && !o->source.kernel && !o->source.has_attach)
		code = fl_say_usage("--time is of --kernel and --attach: how long they count");
	if (code == FL_EXIT_DONE)
		code = alloc_open(&o->source, &source);
	if (code != FL_EXIT_DONE)
		return code;
	if (o->source.kernel || o->source.has_attach)
		wait_for(o->time ? o->time : 5000000000ULL);
	if (alloc_has_chains(&o->source))
		look.filter = &filter;
	code = alloc_read(source, look.filter ? &everything : &filter, &set, &usable);
	code = alloc_note(source, code);
	return usable ? alloc_look_at(&look, &set, code) : code;
}

const struct fl_cmd fl_cmd_alloc_show = {
	.name = "show",
	.summary = "Show allocation tags: filtered, sorted, as table, tree, JSON or metrics",
	.size = sizeof(struct show_opts),
	.options = options,
	.run = run,
};
