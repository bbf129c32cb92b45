/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace: whose events are wanted, as the command line says it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "probe/live/cgroup.h"
#include "probe/record/layout.h"

#define BUDGET_MAX INT32_MAX

/* "N/s", or N */
static int read_budget(const char *text, uint32_t *ret)
{
	struct fl_str s = fl_str(text);
	uint64_t n;

	if (s.n > 2 && fl_str_is(fl_str_from(s, s.n - 2), "/s"))
		s.n -= 2;
	if (fl_parse_u64(s, 10, &n) < 0 || n == 0 || n > BUDGET_MAX)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

/* What names nobody at all is a mistake, and not "everybody". */
static int check_names(const struct trace_opts *o)
{
	if (o->comm && (!*o->comm || strlen(o->comm) >= FL_COMM_LEN))
		return fl_say_usage("--comm: '%s' is no thread's name, which has 1 to %d bytes", o->comm,
				    FL_COMM_LEN - 1);
	if (o->cgroup && !*o->cgroup)
		return fl_say_usage("--cgroup: '' is no control group; / is all of them");
	if (o->container && !*o->container)
		return fl_say_usage("--container: '' is no container");
	if (o->until && !*o->until)
		return fl_say_usage("--until: '' is no filter");
	return FL_EXIT_DONE;
}

int trace_check_task_options(const struct trace_opts *o, const struct fl_args *args)
{
	_cleanup_buf_ struct fl_buf with = {};
	uint32_t budget;

	if (check_names(o))
		return FL_EXIT_USAGE;
	if (o->over && !o->slice)
		return fl_say_usage("--over is of --slice: how long a pair lasts at least");
	if ((o->interval || o->top) && !o->hist.n && !o->file)
		return fl_say_usage("--interval and --top are of histograms: give --hist, too");
	if (o->children && !args->command)
		return fl_say_usage("--children is of COMMAND: give one behind --");
	if (o->follow && !o->pid && !args->command)
		return fl_say_usage("--follow needs somebody to follow: -p PID, or a COMMAND");
	if (o->cgroup && o->container)
		return fl_say_usage("--cgroup and --container name the same thing in two ways: give one");
	if (o->budget && read_budget(o->budget, &budget) < 0)
		return fl_say_usage("--task-budget: '%s' is no number of events a second, as in 1000/s", o->budget);
	if (o->via && strcmp(o->via, "tracefs") == 0 && o->sample)
		return fl_say_usage("--sample is done by BPF programs, not by --via tracefs");
	if (o->via && strcmp(o->via, "tracefs") == 0 &&
	    (o->children || o->follow || o->cgroup || o->container || o->self || o->budget || o->with))
		return fl_say_usage("--follow, --children, --cgroup, --container, --self, --task-budget and --with "
				    "are done by BPF programs, not by --via tracefs");
	return o->with ? trace_with(o->with, &with) : FL_EXIT_DONE;
}

static int open_cgroup(const char *option, const char *path)
{
	int fd = fl_cgroup_open(path);

	if (fd == -EOPNOTSUPP)
		fl_say(FL_ERROR, "%s: no control groups of version 2 (cgroup2) are mounted", option);
	else if (fd < 0)
		fl_say(FL_ERROR, "%s: there is no control group '%s'", option, path);
	return fd;
}

static int open_container(const char *id)
{
	_cleanup_buf_ struct fl_buf path = {};
	int r = fl_cgroup_of_container(id, &path);

	if (r == -ENOTUNIQ) {
		struct fl_str rest = fl_buf_str(&path), line;

		fl_say(FL_ERROR, "--container: '%s' begins the names of several:", id);
		while (fl_str_line(&rest, &line))
			fl_say_line("note: %.*s", FL_STR_ARG(line));
	} else if (r == -ENOENT) {
		fl_say(FL_ERROR, "--container: no control group is named after a container '%s'", id);
	} else if (r == -EOPNOTSUPP) {
		fl_say(FL_ERROR, "--container: no control groups of version 2 (cgroup2) are mounted");
	} else if (r < 0) {
		fl_say_failed("--container", r);
	}
	return r < 0 ? r : open_cgroup("--container", fl_buf_z(&path));
}

int trace_task_filter(struct trace_job *s, bool command, struct fl_tracing_opts *opts)
{
	const struct trace_opts *o = s->o;

	opts->pid = (uint32_t)o->pid;
	opts->comm = o->comm;
	opts->follow = o->follow && o->pid;
	opts->children = o->children || (o->follow && !o->pid && command);
	opts->except = o->self ? 0 : (uint32_t)getpid();
	if (o->budget)
		read_budget(o->budget, &opts->task_budget);
	if (!o->cgroup && !o->container)
		return 0;
	s->cgroup = o->cgroup ? open_cgroup("--cgroup", o->cgroup) : open_container(o->container);
	opts->cgroup_fd = s->cgroup;
	return s->cgroup < 0 ? s->cgroup : 0;
}
