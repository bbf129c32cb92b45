/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program gets two variables and nothing else: LD_PRELOAD for the library, FORELAND_ALLOC for
 * what it shall count and for the ledger, which it opens through our own /proc/PID/fd and so has no
 * descriptor of ours from its start.
 *
 * Processes that are gone leave their accounts in the ledger. A build that starts ten thousand would
 * leave gigabytes: unless children are asked for, a look twice a second finds those that have ended
 * and gives their pages back.
 */
#include "cli/alloc/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/util.h"
#include "base/walk.h"
#include "cli/say.h"
#include "elf/image.h"

#define LIBRARY	  "libforeland-alloc.so.0.1.0"
#define SCRIPTS	  4 /* a script's interpreter may be a script */
#define LOOK_TIME 500000000L

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

static int set_environment(const struct alloc_runner *r)
{
	_cleanup_buf_ struct fl_buf words = {}, library = {};
	int e = find_library(&library);

	if (e < 0) {
		fl_say_failed(fl_buf_z(&library), e);
		if (e == -EPERM)
			fl_say_help("root loads it only where root alone can write it and its folders");
		return e;
	}
	fl_buf_addf(&words, "%s,ledger=%d:%d:%llu", r->words, (int)getpid(), r->ledger,
		    (unsigned long long)r->token);
	e = words.error ? words.error : prepend("FORELAND_ALLOC", fl_buf_z(&words), ",");
	return e < 0 ? e : prepend("LD_PRELOAD", fl_buf_z(&library), ":");
}

/* The program behind "#!": @path becomes it. False where the file is no script. */
static bool interpreter_of(char path[PATH_MAX])
{
	char line[PATH_MAX];
	_cleanup_close_ int fd = fl_open_regular(AT_FDCWD, path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;
	char *start = line + 2;

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	start += strspn(start, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	snprintf(path, PATH_MAX, "%s", start);
	return true;
}

/* A sanitizer's runtime must be the first library, and has malloc() for itself. */
static bool has_sanitizer(const struct fl_elf_image *i)
{
	static const char *const marks[] = { "__asan_init", "__tsan_init", "__msan_init",
					     "__hwasan_init", "__lsan_init" };
	struct fl_str names = fl_elf_section_bytes(i, fl_elf_section(i, ".dynstr"));

	for (size_t k = 0; names.n && k < FL_ARRAY_SIZE(marks); k++)
		if (memmem(names.p, names.n, marks[k], strlen(marks[k]) + 1))
			return true;
	return false;
}

/* With rights of its own the loader takes no library from us. */
static bool has_other_rights(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	return (st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
	       (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != getegid()) ||
	       (geteuid() && getxattr(path, "security.capability", NULL, 0) > 0);
}

const char *alloc_runner_objection(const char *program, const char **help)
{
	struct fl_elf_image image;
	const char *why = NULL;
	char path[PATH_MAX];

	*help = NULL;
	if (!fl_find_program(program, path))
		return NULL;
	for (int i = 0; i < SCRIPTS && interpreter_of(path); i++)
		;
	if (has_other_rights(path)) {
		*help = "run it as the user that it becomes";
		return "runs with rights of its own (set-user-ID, set-group-ID or capabilities): the "
		       "loader takes no library from another user";
	}
	if (fl_elf_image_open(path, &image) < 0)
		return NULL;
	if (!fl_elf_interpreter(&image).n) {
		why = "is linked statically: it has no loader that could take a library";
		*help = "link it with libforeland-alloc.a, or count it from outside with "
			"'foreland alloc watch --attach PID'";
	} else if (has_sanitizer(&image)) {
		why = "was built with a sanitizer, which has malloc() for itself";
		*help = "build it without, or link it with libforeland-alloc";
	}
	fl_elf_image_close(&image);
	return why;
}

static void end_child(const sigset_t *before, char **argv, int to)
{
	int err;

	sigprocmask(SIG_SETMASK, before, NULL);
	execvp(argv[0], argv);
	err = errno;
	_exit(write(to, &err, sizeof(err)) < 0 ? 126 : 127);
}

/* The pipe closes when the program is there, or brings the reason why it is not. */
static int start(struct alloc_runner *r, char **argv, const sigset_t *before)
{
	_cleanup_close_ int from = -1, to = -1;
	int fds[2], err = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	from = fds[0];
	to = fds[1];
	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (r->pid == 0)
		end_child(before, argv, to);
	close(TAKE_FD(to));
	if (read(from, &err, sizeof(err)) == sizeof(err))
		waitpid(r->pid, NULL, 0);
	return -err;
}

static bool is_gone(const struct fl_ledger_entry *e)
{
	return e->state == FL_LEDGER_REPLACED ||
	       (e->state != FL_LEDGER_FORKING && e->pid > 0 && kill(e->pid, 0) < 0 && errno == ESRCH);
}

static void give_back(struct alloc_runner *r)
{
	_cleanup_free_ struct fl_ledger_entry *v = NULL;
	size_t n = 0;

	if (fl_ledger_list(r->ledger, &v, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (v[i].pid != r->pid && is_gone(&v[i]))
			fl_ledger_forget(r->ledger, &v[i]);
}

static void read_comm(struct alloc_runner *r)
{
	char path[40];
	struct fl_file f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)r->pid);
	if (fl_file_open(path, 64, &f) < 0)
		return;
	snprintf(r->comm, sizeof(r->comm), "%.*s", (int)(f.size ? f.size - 1 : 0),
		 (const char *)f.data);
	fl_file_close(&f);
}

/* Its name is read while it waits to be buried: another one says that it became another program. */
static int wait_for(struct alloc_runner *r)
{
	const struct timespec look = { .tv_nsec = LOOK_TIME };
	siginfo_t si = {};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		if (waitid(P_PID, (id_t)r->pid, &si, WEXITED | WNOWAIT | WNOHANG) < 0)
			return -errno;
		if (si.si_pid == r->pid)
			break;
		if (sigtimedwait(&child, NULL, &look) < 0 && errno == EAGAIN && !r->keep_children)
			give_back(r);
	}
	read_comm(r);
	return waitpid(r->pid, &r->status, 0) < 0 ? -errno : 0;
}

/* Ctrl-C is meant for the program: whatever it makes of it, there is a report to be given. */
static void leave_signals(sigset_t *ret_before)
{
	static const int theirs[] = { SIGINT, SIGQUIT, SIGPIPE };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, ret_before);
	for (size_t i = 0; i < FL_ARRAY_SIZE(theirs); i++)
		signal(theirs[i], SIG_IGN);
}

static void count_children(struct alloc_runner *r)
{
	_cleanup_free_ struct fl_ledger_entry *v = NULL;
	size_t n = 0;

	if (fl_ledger_list(r->ledger, &v, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		r->children += v[i].pid != r->pid && v[i].state != FL_LEDGER_FORKING &&
			       v[i].state != FL_LEDGER_REPLACED;
}

int alloc_runner_run(struct alloc_runner *r, char **argv, bool is_counted)
{
	sigset_t before;
	int e;

	r->ledger = fl_ledger_make(&r->token);
	if (r->ledger < 0)
		return r->ledger;
	e = is_counted ? set_environment(r) : 0;
	if (e < 0)
		return -ECANCELED;
	sigprocmask(SIG_BLOCK, NULL, &before);
	e = start(r, argv, &before);
	if (e < 0)
		return e;
	leave_signals(&before);
	e = wait_for(r);
	count_children(r);
	return e;
}

void alloc_runner_fini(struct alloc_runner *r)
{
	if (r->ledger >= 0)
		close(r->ledger);
	r->ledger = -1;
}

int alloc_runner_account(const struct alloc_runner *r, struct fl_ledger_entry *ret)
{
	_cleanup_free_ struct fl_ledger_entry *v = NULL;
	size_t n = 0;
	int e = fl_ledger_list(r->ledger, &v, &n);

	for (size_t i = 0; e == 0 && i < n; i++) {
		if (v[i].pid != r->pid || v[i].state == FL_LEDGER_REPLACED ||
		    v[i].state == FL_LEDGER_FORKING)
			continue;
		*ret = v[i];
		return 0;
	}
	return e < 0 ? e : -ENOENT;
}

int alloc_runner_exit_code(const struct alloc_runner *r)
{
	return WIFSIGNALED(r->status) ? 128 + WTERMSIG(r->status) : WEXITSTATUS(r->status);
}
