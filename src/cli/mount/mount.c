/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland mount: the trees as file systems, for a person or for one command. */
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cmds.h"
#include "cli/mount/trees.h"
#include "cli/say.h"
#include "cli/stop.h"

struct mount_opts {
	struct fl_strv only;
	bool dump;
	const char *socket;
};

static const struct fl_opt options[] = {
	FL_OPT_LIST(struct mount_opts, only, 0, "only", "tracing|config|pci|allocinfo",
		    "these trees alone; may be given several times"),
	FL_OPT_FLAG(struct mount_opts, dump, 0, "dump",
		    "show each argument's fetch program behind its definition"),
	FL_OPT_STR(struct mount_opts, socket, 0, "socket", "PATH",
		   "where hosts connect (vfio-user) once the endpoint is started; pci is not served then"),
	{}
};

struct running {
	struct mount_trees *trees;
	pid_t pid; /* of the command; 0: none */
	int status; /* of waitpid() */
	bool ended;
};

/* Ends the server with the command. */
static int tick(void *ctx)
{
	struct running *c = ctx;

	mount_trees_tick(c->trees);
	if (c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->ended = true;
	return c->ended;
}

static void enter(void *ctx)
{
	struct running *c = ctx;

	mount_trees_lock(c->trees);
}

static void leave(void *ctx)
{
	struct running *c = ctx;

	mount_trees_unlock(c->trees);
}

static int exit_status(const struct running *c)
{
	return WIFEXITED(c->status) ? WEXITSTATUS(c->status) : 128 + WTERMSIG(c->status);
}

static int read_only_option(const struct mount_opts *o, bool for_command, unsigned int *ret)
{
	unsigned int which = 0, one;

	for (size_t i = 0; i < o->only.n; i++) {
		if (mount_tree_parse(o->only.v[i], &one) < 0) {
			fl_say_usage("--only: '%s' is none of tracing, config, pci, allocinfo", o->only.v[i]);
			return -EINVAL;
		}
		which |= one;
	}
	if (o->socket && which & MOUNT_PCI) {
		fl_say_usage("--socket: the host is another program, and --only pci shows one in the tree");
		return -EINVAL;
	}
	/* Counting costs every allocation of the system something, and the command's /proc is changed. */
	*ret = which ? which : MOUNT_ALL & ~(unsigned int)(MOUNT_ALLOCINFO | (o->socket ? MOUNT_PCI : 0));
	if (for_command && which & MOUNT_ALLOCINFO && access("/proc/allocinfo", F_OK) < 0)
		fl_say(FL_NOTE, "this kernel has no /proc/allocinfo: the command sees a /proc of this moment, in which "
				"processes that start later are missing, but for itself");
	return 0;
}

/*
 * The events of the running kernel are read from its own tracefs. The server's mount namespace is its
 * own, so that mounting it there, where it is missing, is seen by nobody else.
 */
static void reach_tracefs(void)
{
	struct statfs fs;

	if (geteuid() == 0 && statfs("/sys/kernel/tracing", &fs) == 0 && (unsigned long)fs.f_type != TRACEFS_MAGIC)
		mount("nodev", "/sys/kernel/tracing", "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* An enabled event takes a handful of descriptors, and there are thousands of events. Not for the command. */
static void raise_files(void)
{
	struct rlimit most = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_NOFILE, &most) == 0 || getrlimit(RLIMIT_NOFILE, &most) < 0)
		return;
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
}

static int serve_trees(struct fl_mount *m, struct mount_trees *trees, unsigned int which, char **argv)
{
	struct fl_mount_bind binds[MOUNT_BINDS_MAX];
	struct running command = { .trees = trees };
	struct fl_mount_loop loop = { .stop = &fl_stop_asked, .tick = tick, .ctx = &command, .wake_fd = -1,
				      .enter = enter, .leave = leave };
	_cleanup_close_ int pidfd = -1;
	int r;

	reach_tracefs();
	r = mount_trees_reached(trees);
	if (r < 0) {
		fl_say_failed("foreland", r);
		return FL_EXIT_FINDINGS;
	}
	if (argv) {
		command.pid = fl_mount_start(m, binds, mount_trees_binds(which, binds), argv);
		if (command.pid < 0) {
			fl_say_failed(argv[0], command.pid);
			return FL_EXIT_FINDINGS;
		}
		pidfd = (int)syscall(SYS_pidfd_open, command.pid, 0);
		loop.wake_fd = pidfd;
	}
	raise_files();
	r = fl_mount_run(m, &loop);
	if (command.ended)
		return exit_status(&command);
	if (command.pid > 0) {
		kill(command.pid, SIGTERM);
		waitpid(command.pid, &command.status, 0);
		return exit_status(&command);
	}
	if (r < 0)
		fl_say_failed("foreland", r);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int mount_run(const void *v, const struct fl_args *args)
{
	const struct mount_opts *o = v;
	const char *dir = strcmp(args->v[0], "-") ? args->v[0] : NULL;
	_cleanup_buf_ struct fl_buf why = {};
	struct mount_trees_opts which = { .dump = o->dump, .socket = o->socket };
	struct mount_trees *trees;
	struct fl_mount *m;
	int r;

	if (!dir && !args->command)
		return fl_say_usage("'-' in place of a folder goes with -- COMMAND");
	if (read_only_option(o, args->command, &which.which) < 0)
		return FL_EXIT_USAGE;
	r = mount_trees_new(&which, &trees);
	if (r < 0) {
		fl_say_failed("foreland", r);
		return FL_EXIT_FINDINGS;
	}
	fl_stop_on_signals(); /* before there is a mount that a signal could leave behind */
	r = fl_mount_new(mount_trees_root(trees), dir, &m, &why);
	if (r < 0) {
		fl_say(FL_ERROR, "%s", fl_buf_z(&why));
	} else {
		r = serve_trees(m, trees, which.which, args->command);
		fl_mount_free(m);
	}
	mount_trees_free(trees);
	return r < 0 ? FL_EXIT_FINDINGS : r;
}

const struct fl_cmd fl_cmd_mount = {
	.name = "mount",
	.summary = "The kernel's own files of tomorrow, as a file system of today",
	.args = "DIR|- [-- COMMAND]",
	.about = "Shows tracing/, config/ and pci/ in DIR, until it is unmounted or Ctrl-C is "
		 "pressed, and allocinfo where --only names it. Scripts and tools that know the kernel's files "
		 "work on them as they are; where a tool looks for a path of its own, it is told "
		 "(TRACEFS_PATH=DIR/tracing).\n\n"
		 "With -- COMMAND the same trees stand over the kernel's own paths (/sys/kernel/tracing, "
		 "/sys/kernel/config, /sys/bus/pci), for COMMAND and what it starts alone. When COMMAND ends, all "
		 "is undone, and its status is the exit status. DIR may then be '-': outside of COMMAND nothing is "
		 "mounted anywhere.\n\n"
		 "The files belong to the user who mounts, and nobody else may even read them: whoever writes a "
		 "definition acts with the server's privileges.",
	.size = sizeof(struct mount_opts),
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.takes_command = true,
	.run = mount_run,
};
