/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc run: a program as it is, with libforeland-alloc loaded before it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/sources/symbols.h"
#include "base/cleanup.h"
#include "base/walk.h"
#include "cli/alloc/common.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "cli/write.h"

#define LIBRARY "libforeland-alloc.so.0.1.0"

extern const struct fl_cmd fl_cmd_alloc_run;

struct run_opts {
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	struct alloc_form_opts form;
	const char *output;
	bool total, peak;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct run_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct run_opts, view, alloc_view_options),
	FL_OPT_GROUP(struct run_opts, form, alloc_form_options),
	FL_OPT_STR(struct run_opts, output, 'o', "output", "FILE",
		   "keep the dump in FILE (as foreland alloc show --input reads it)"),
	FL_OPT_FLAG(struct run_opts, total, 0, "total",
		    "also what each caller has allocated since the start"),
	FL_OPT_FLAG(struct run_opts, peak, 0, "peak", "also the most that each caller ever held"),
	{}
};

/*
 * In the build tree the library is beside our folder; an installation may have been moved, as a
 * whole; or only the program was, and the library is where it was configured to be.
 */
static int find_library(struct fl_buf *ret)
{
	static const char *const places[] = { "../alloc/lib/" LIBRARY,
						"../" FORELAND_LIBDIR_NAME "/" LIBRARY };
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));
	const char *slash = n > 0 ? memrchr(exe, '/', (size_t)n) : NULL;

	for (size_t i = 0; slash && i < 2; i++) {
		fl_buf_reset(ret);
		fl_buf_add(ret, exe, (size_t)(slash - exe) + 1);
		fl_buf_addz(ret, places[i]);
		if (access(fl_buf_z(ret), R_OK) == 0)
			return fl_walk_for_root(fl_buf_z(ret));
	}
	fl_buf_reset(ret);
	fl_buf_addz(ret, FORELAND_LIBDIR "/" LIBRARY);
	return access(fl_buf_z(ret), R_OK) == 0 ? fl_walk_for_root(fl_buf_z(ret)) : -errno;
}

/* What is there already stays: another preload, the user's own words. */
static int prepend(const char *name, const char *value, const char *separator)
{
	const char *old = getenv(name);
	_cleanup_buf_ struct fl_buf b = {};

	fl_buf_addz(&b, value);
	if (old && *old) {
		fl_buf_addz(&b, separator);
		fl_buf_addz(&b, old);
	}
	return b.error ? b.error : setenv(name, fl_buf_z(&b), 1) < 0 ? -errno : 0;
}

static int set_environment(const struct run_opts *o, const char *dump)
{
	_cleanup_buf_ struct fl_buf words = {}, library = {};
	int r = find_library(&library);

	if (r < 0) {
		fl_say_failed(fl_buf_z(&library), r);
		if (r == -EPERM)
			fl_say_help("root loads it only where root alone can write it and its folders");
		return r;
	}
	fl_buf_addf(&words, "callers,dump=%s.%%p%s%s", dump, o->total ? ",total" : "",
		    o->peak ? ",peak" : "");
	r = prepend("FORELAND_ALLOC", fl_buf_z(&words), ",");
	return r < 0 ? r : prepend("LD_PRELOAD", fl_buf_z(&library), ":");
}

/*
 * The pipe closes when the program is there, or brings the reason why it is not. Ctrl-C is meant for
 * the program: whatever it makes of it, there is a report to be given afterwards.
 */
static int start(char **argv, pid_t *ret)
{
	_cleanup_close_ int from = -1, to = -1;
	int fds[2], err = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	from = fds[0];
	to = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		execvp(argv[0], argv);
		err = errno;
		_exit(write(to, &err, sizeof(err)) < 0 ? 126 : 127);
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN); /* and there is a folder to be removed */
	close(TAKE_FD(to));
	if (read(from, &err, sizeof(err)) == sizeof(err))
		waitpid(pid, NULL, 0);
	*ret = pid;
	return -err;
}

/* The exit code for how the program ended; a word about it where that was not well. */
static int end_of(const char *name, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return FL_EXIT_FINDINGS;
	if (WIFSIGNALED(status))
		fl_say(FL_ERROR, "%s was killed by signal %d (%s)", name, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		fl_say(FL_ERROR, "%s exited with status %d", name, WEXITSTATUS(status));
	return status ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int read_dump(const struct run_opts *o, const char *path, struct fl_alloc_set *set)
{
	_cleanup_(fl_alloc_source_closep) struct fl_alloc_source *source = NULL;
	struct alloc_source_opts from = { .input = path };
	struct fl_alloc_filter everything = {}, filter;
	bool usable;
	size_t kept = 0;
	int code = alloc_make_filter(&o->filter, &filter);

	if (code == FL_EXIT_DONE)
		code = alloc_open(&from, &source);
	if (code == FL_EXIT_DONE)
		code = alloc_read(source, &everything, set, &usable);
	if (code != FL_EXIT_DONE)
		return code;
	if (fl_alloc_symbolise(set, 0) < 0)
		return FL_EXIT_FINDINGS;
	for (size_t i = 0; i < set->n; i++)
		if ((set->v[i].bytes || set->v[i].calls || set->v[i].extra.n) &&
		    fl_alloc_filter_match(&filter, &set->v[i]))
			set->v[kept++] = set->v[i];
	set->n = kept;
	return FL_EXIT_DONE;
}

static int report(const struct run_opts *o, const char *path, int code)
{
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	struct alloc_look look = { .command = "alloc run", .view = &o->view, .form = &o->form };
	int r = alloc_make_order(&o->view, &look.order);

	if (r == FL_EXIT_DONE && access(path, R_OK) < 0) {
		fl_say(FL_ERROR, "the program left no dump");
		fl_say_help(
			"it is linked statically, has other privileges, or ended by _exit() or a "
			"signal; ask it with --pid while it runs");
		r = FL_EXIT_FINDINGS;
	}
	if (r == FL_EXIT_DONE)
		r = read_dump(o, path, &set);
	return r == FL_EXIT_DONE ? alloc_look_at(&look, &set, code) : r;
}

static int keep(const char *dump, const char *output)
{
	_cleanup_file_ struct fl_file f = {};
	int r = fl_file_open(dump, SIZE_MAX / 2, &f);

	if (r < 0) {
		fl_say_failed(output, r);
		return r;
	}
	return fl_write_file(output, &(struct fl_buf){ .data = (char *)f.data, .len = f.size });
}

static int run_in(const struct run_opts *o, char **argv, const char *dir)
{
	_cleanup_buf_ struct fl_buf prefix = {}, dump = {};
	pid_t pid = 0;
	int r, code;

	fl_buf_addf(&prefix, "%s/dump", dir);
	r = set_environment(o, fl_buf_z(&prefix));
	if (r < 0)
		return FL_EXIT_FINDINGS;
	r = start(argv, &pid);
	if (r < 0) {
		fl_say_failed(argv[0], r);
		return FL_EXIT_FINDINGS;
	}
	code = end_of(argv[0], pid);
	fl_buf_addf(&dump, "%s.%d", fl_buf_z(&prefix), (int)pid);
	code = report(o, fl_buf_z(&dump), code);
	if (o->output && keep(fl_buf_z(&dump), o->output) < 0)
		code = FL_EXIT_FINDINGS;
	return code;
}

static void remove_dir(const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	rmdir(dir);
}

static int run(const void *opts, const struct fl_args *args)
{
	const struct run_opts *o = opts;
	char dir[] = "/tmp/foreland-run-XXXXXX";
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
	if (!args->command || !args->command[0])
		return fl_say_usage("a program is expected behind '--'");
	if (!mkdtemp(dir)) {
		fl_say_failed(dir, errno);
		return FL_EXIT_FINDINGS;
	}
	code = run_in(o, args->command, dir);
	remove_dir(dir);
	return code;
}

const struct fl_cmd fl_cmd_alloc_run = {
	.name = "run",
	.summary = "Run a program and show what it held at its end, by caller",
	.args = "-- PROG [ARG]...",
	.about = "The program is run as it is, with libforeland-alloc before it: each allocation is\n"
		 "counted under its caller's address, which is then named from the file's symbols.\n"
		 "While it runs it can be asked with 'foreland alloc show --pid'.",
	.size = sizeof(struct run_opts),
	.options = options,
	.takes_command = true,
	.run = run,
};
