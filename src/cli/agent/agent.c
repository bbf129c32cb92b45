/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland agent: a folder's questions, asked until a signal comes. */
#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "cli/cmds.h"
#include "cli/listen.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "fleet/agent/agent.h"

#define MEMORY_BOUND  (16ull << 20)
#define INTERVAL_NS   10000000000ull

struct agent_opts {
	const char *config, *listen, *otlp, *spool;
	uint64_t interval;
};

static const struct fl_opt options[] = {
	FL_OPT_STR(struct agent_opts, config, 0, "config", "DIR", "a file a question; read again when it changes"),
	FL_OPT_STR(struct agent_opts, listen, 0, "listen", "ADDR:PORT", CLI_LISTEN_HELP),
	FL_OPT_STR(struct agent_opts, otlp, 0, "otlp", "URL",
		   "send metrics and log records to this receiver of OTLP/HTTP"),
	FL_OPT_STR(struct agent_opts, spool, 0, "spool", "DIR,SIZE",
		   "keep there what could not be sent yet, SIZE at most; without it 16M in memory"),
	FL_OPT_DURATION_SOME(struct agent_opts, interval, 0, "interval", "TIME",
			     "with --otlp: send metrics each TIME (default 10s)"),
	{}
};

struct agent_job {
	const struct agent_opts *o;
	struct fl_spool *spool;
	struct fl_sender *sender;
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

/* "DIR,SIZE" */
static int open_spool(struct agent_job *j)
{
	struct fl_str s = fl_str(j->o->spool);
	const char *comma = s.n ? memrchr(s.p, ',', s.n) : NULL;
	_cleanup_free_ char *dir = NULL;
	uint64_t size;
	int r;

	if (!j->o->spool)
		return fl_spool_open(NULL, MEMORY_BOUND, &j->spool) < 0 ? FL_EXIT_FINDINGS : 0;
	if (!comma || comma == s.p || fl_parse_size(fl_str(comma + 1), &size) < 0 || size < 4096)
		return fl_say_usage("--spool: '%s' is no DIR,SIZE, as in /var/spool/foreland,1G", j->o->spool);
	dir = fl_str_dup(fl_str_n(s.p, (size_t)(comma - s.p)));
	r = dir ? fl_spool_open(dir, size, &j->spool) : -ENOMEM;
	if (r == -EBUSY)
		fl_say(FL_ERROR, "%s: another process keeps its spool there", dir);
	else if (r < 0)
		fl_say_failed(dir ? dir : "foreland", r);
	return r < 0 ? FL_EXIT_FINDINGS : 0;
}

static int open_sender(struct agent_job *j)
{
	_cleanup_buf_ struct fl_buf why = {};
	int r;

	if (!j->o->otlp && (j->o->spool || j->o->interval))
		return fl_say_usage("--spool and --interval are of --otlp: give that, too");
	if (!j->o->otlp)
		return 0;
	r = open_spool(j);
	if (r)
		return r;
	r = fl_sender_new(j->o->otlp, getenv("OTEL_EXPORTER_OTLP_HEADERS"), j->spool, &j->sender, &why);
	if (r == -EINVAL)
		return fl_say_usage("--otlp: %s", fl_buf_z(&why));
	if (r < 0 && why.len)
		fl_say(FL_ERROR, "--otlp: %s", fl_buf_z(&why));
	else if (r < 0)
		fl_say_failed("--otlp", r);
	return r < 0 ? FL_EXIT_FINDINGS : 0;
}

static int ask(struct agent_job *j)
{
	const struct fl_agent_opts opts = {
		.config = j->o->config, .sender = j->sender, .spool = j->spool, .found = on_found, .said = on_said,
		.interval_ns = j->o->interval ? j->o->interval : INTERVAL_NS, .ctx = j,
	};
	int r;

	fl_stop_on_signals();
	if (fl_agent_new(&opts, &j->agent) < 0)
		return FL_EXIT_FINDINGS;
	r = j->o->listen ? fl_listen_begin(j->o->listen, fl_agent_values, j->agent, &j->listen) : 0;
	if (r)
		return r;
	r = fl_agent_run(j->agent, j->listen, &fl_stop_asked);
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
	if (!j.o->listen && !j.o->otlp)
		return fl_say_usage("nobody would learn the answers: give --listen, --otlp or both");
	r = open_sender(&j);
	if (r == 0)
		r = ask(&j);
	fl_listen_close(j.listen);
	fl_agent_free(j.agent);
	fl_sender_free(j.sender);
	fl_spool_close(j.spool);
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
