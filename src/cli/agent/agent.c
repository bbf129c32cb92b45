/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland agent: a folder's questions, asked until a signal comes. */
#include <errno.h>

#include "cli/bundle.h"
#include "cli/cmds.h"
#include "cli/listen.h"
#include "cli/push.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "fleet/agent/agent.h"

struct agent_opts {
	const char *config, *listen, *bundle;
	struct push_opts push;
	uint64_t interval;
};

static const struct fl_opt options[] = {
	FL_OPT_STR(struct agent_opts, config, 0, "config", "DIR", "a file a question; read again when it changes"),
	FL_OPT_STR(struct agent_opts, bundle, 0, "bundle", "BUNDLE", CLI_BUNDLE_HELP),
	FL_OPT_STR(struct agent_opts, listen, 0, "listen", "ADDR:PORT", CLI_LISTEN_HELP),
	FL_OPT_GROUP(struct agent_opts, push, fl_push_options),
	FL_OPT_DURATION_SOME(struct agent_opts, interval, 0, "interval", "TIME",
			     "with --otlp: send metrics each TIME (default 10s)"),
	{}
};

struct agent_job {
	const struct agent_opts *o;
	struct push_job push;
	struct cli_bundle bundle;
	struct fl_agent *agent;
	struct fl_listen *listen;
};

static void on_found(void *ctx, const struct fl_diag *d, int err)
{
	const struct agent_job *j = ctx;

	if (!fl_say_diag(d))
		fl_say_failed(d->place ? d->place : j->o->config, err);
}

static void on_said(void *ctx, enum fl_level level, const char *text)
{
	fl_say(level, "%s", text);
}

static int on_target(void *ctx, struct fl_target *t)
{
	struct agent_job *j = ctx;

	return j->bundle.b ? fl_cli_bundle_lend(&j->bundle, t) : 0;
}

static int ask(struct agent_job *j)
{
	const struct fl_agent_opts opts = {
		.config = j->o->config, .found = on_found, .said = on_said, .opened = on_target, .ctx = j,
	};
	int r;

	fl_stop_on_signals();
	if (fl_agent_new(&opts, &j->agent) < 0)
		return FL_EXIT_FINDINGS;
	r = j->o->listen ? fl_listen_begin(j->o->listen, fl_agent_values, j->agent, &j->listen) : 0;
	if (r == 0)
		r = fl_push_begin(&j->push, j->o->interval, fl_agent_values, j->agent);
	if (r)
		return r;
	r = fl_agent_run(j->agent, j->push.push, j->listen, &fl_stop_asked);
	if (r < 0)
		fl_say_failed("foreland agent", r);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int run(const void *opts, const struct fl_args *args)
{
	struct agent_job j = { .o = opts };
	int r;

	if (!j.o->config)
		return fl_say_usage("--config DIR says where the questions are");
	if (!j.o->listen && !j.o->push.otlp)
		return fl_say_usage("nobody would learn the answers: give --listen, --otlp or both");
	if (!j.o->push.otlp && j.o->interval)
		return fl_say_usage("--interval is of --otlp: give that, too");
	if (j.o->bundle && fl_cli_bundle_open(j.o->bundle, &j.bundle) < 0)
		return FL_EXIT_FINDINGS;
	r = fl_push_open(&j.o->push, &j.push);
	if (r == 0)
		r = ask(&j);
	fl_listen_close(j.listen);
	fl_push_end(&j.push);
	fl_agent_free(j.agent);
	fl_cli_bundle_close(&j.bundle);
	return r;
}

const struct fl_cmd fl_cmd_agent = {
	.name = "agent",
	.summary = "Ask a folder's questions all the time, and send or serve the answers",
	.about = "Each file NAME.conf in DIR is a question: definitions of probes and their histograms as in 'trace "
		 "--file', and settings, a line each.\n\n"
		 "Histograms and what became of each hit are metrics, records are log records with typed "
		 "attributes. A folder that changes is read again as a whole: where one file is wrong, that is said "
		 "with its line, and the questions that were asked before go on.",
	.size = sizeof(struct agent_opts),
	.options = options,
	.run = run,
};
