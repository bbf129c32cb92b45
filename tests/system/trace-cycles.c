/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace-cycles N: starts and stops a trace N times in one process, and says how many descriptors the
 * process holds before and after by the kernel's own listing. Exit 77 where nothing can be traced.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/live/run.h"
#include "probe/lang/check.h"

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int ignore(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	return -ECANCELED;
}

static int idle(void *ctx)
{
	return 0;
}

static int cycle(struct fl_target *target, struct fl_probe_event *e, struct fl_str def)
{
	_cleanup_session_ struct fl_session *t = NULL;
	struct fl_session_loop run = { .duration_ns = 1, .record = ignore, .idle = idle };
	struct fl_diag diag = {};
	int r = fl_session_new(target, &(struct fl_session_opts){}, &t);

	if (r == 0)
		r = fl_session_add(t, e, def, fl_str(""));
	if (r == 0)
		r = fl_session_start(t, &diag);
	if (r == 0)
		r = fl_session_run(t, &run);
	fl_diag_fini(&diag);
	return r;
}

int main(int argc, char **argv)
{
	struct fl_str def = FL_STR("t sched_switch to=next->comm:string pid=next->pid");
	_cleanup_target_ struct fl_target *target = NULL;
	struct fl_probe_verdict v = {};
	struct fl_probe_event *e = NULL;
	int n = argc > 1 ? (int)strtol(argv[1], NULL, 0) : 10, before;

	if (fl_target_open(&(struct fl_target_opts){}, &target) < 0 ||
	    fl_probe_check(target, FL_DIALECT_V6, FL_FILE_DYNAMIC_EVENTS, def, &e, &v) < 0 ||
	    cycle(target, e, def) < 0)
		return 77;
	before = count_fds();
	for (int i = 0; i < n; i++)
		if (cycle(target, e, def) < 0)
			return 1;
	printf("%d %d\n", before, count_fds());
	fl_probe_event_free(e);
	fl_probe_verdict_fini(&v);
	return 0;
}
