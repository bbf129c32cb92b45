/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/patch/git.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

extern char **environ;

#define MOST_ARGS 400

/*
 * A repository's own configuration names programs that git would run: a file system monitor, hooks,
 * external diffs, filters of files that are compared, transports that fetch what is missing. The tree
 * may be a stranger's; so all of these are turned off, on the command line, which goes before the files.
 */
static const char *const harmless[] = {
	"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=",
	"-c", "protocol.allow=never", "-c", "core.pager=cat", "-c", "core.alternateRefsCommand=",
	"--no-optional-locks", "--no-pager",
};

/* The output of "git -C ROOT @args" with @more before the command; -ENOENT where git says no. */
static int run(const struct docs_tree *t, const char *const *more, size_t nr_more, const char *const *args,
	       struct fl_buf *out)
{
	const char *argv[MOST_ARGS + 32] = { "git", "-C", t->root };
	posix_spawn_file_actions_t actions;
	int pipefd[2], status, r;
	size_t n = 3;
	pid_t pid;

	for (size_t i = 0; i < FL_ARRAY_SIZE(harmless); i++)
		argv[n++] = harmless[i];
	for (size_t i = 0; i < nr_more && n < MOST_ARGS; i++)
		argv[n++] = more[i];
	for (size_t i = 0; args[i]; i++)
		argv[n++] = args[i];
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipefd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	r = posix_spawnp(&pid, "git", &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipefd[1]);
	if (r) {
		close(pipefd[0]);
		return -ENOEXEC;
	}
	r = fl_buf_read_fd(out, pipefd[0], DOCS_MAX_FILE);
	close(pipefd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOENT;
}

/* "-c KEY=" for each filter that the configuration has, one after the other; each ended by NUL. */
static int no_filters(const struct docs_tree *t, struct fl_buf *out, const char **argv, size_t *ret_n)
{
	static const char *const list[] = { "config", "--null", "--name-only", "--get-regexp",
					    "^filter\\.", NULL };
	_cleanup_buf_ struct fl_buf names = {};
	int r = run(t, NULL, 0, list, &names);

	*ret_n = 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* there are none */
	for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
		fl_buf_addf(out, "%s=%s", names.data + at,
			    fl_str_ends(fl_str(names.data + at), ".required") ? "false" : "");
		fl_buf_addc(out, '\0');
	}
	if (out->error)
		return out->error;
	for (size_t at = 0; at < out->len; at += strlen(out->data + at) + 1) {
		if (*ret_n + 2 > MOST_ARGS - 32)
			return -E2BIG;
		argv[(*ret_n)++] = "-c";
		argv[(*ret_n)++] = out->data + at;
	}
	return 0;
}

int docs_git_verify(const struct docs_tree *t, const char *rev, struct fl_buf *hash)
{
	const char *args[] = { "rev-parse", "--verify", "--quiet", "--end-of-options", rev, NULL };
	int r = run(t, NULL, 0, args, hash);

	if (!r && hash->len && hash->data[hash->len - 1] == '\n')
		hash->data[--hash->len] = '\0';
	return r;
}

int docs_git_show(const struct docs_tree *t, const char *rev, struct fl_str path, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf object = {};
	const char *args[] = { "cat-file", "blob", NULL, NULL };

	fl_buf_addf(&object, "%s:./%.*s", rev, FL_STR_ARG(path));
	args[2] = fl_buf_z(&object);
	return object.error ? object.error : run(t, NULL, 0, args, out);
}

int docs_git_changed(const struct docs_tree *t, const char *rev, struct fl_buf *out)
{
	const char *changed[] = { "diff", "--no-ext-diff", "--no-textconv", "--name-only", "--no-renames",
				  "--relative", "-z", rev, "--", NULL };
	const char *fresh[] = { "ls-files", "--others", "--exclude-standard", "-z", NULL };
	const char *more[MOST_ARGS];
	_cleanup_buf_ struct fl_buf filters = {};
	size_t n;
	int r = no_filters(t, &filters, more, &n);

	if (!r)
		r = run(t, more, n, changed, out);
	return r < 0 ? r : run(t, more, n, fresh, out);
}
