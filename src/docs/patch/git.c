/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/patch/git.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

extern char **environ;

/* The output of "git -C ROOT args"; -ENOENT where git says no. */
static int run(const struct docs_tree *t, const char *const *args, struct fl_buf *out)
{
	const char *argv[16] = { "git", "-C", t->root };
	posix_spawn_file_actions_t actions;
	int pipefd[2], status, r;
	pid_t pid;

	for (size_t i = 0; i < 12 && args[i]; i++)
		argv[i + 3] = args[i];
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

int docs_git_verify(const struct docs_tree *t, const char *rev, struct fl_buf *hash)
{
	const char *args[] = { "rev-parse", "--verify", "--quiet", "--end-of-options", rev, NULL };
	int r = run(t, args, hash);

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
	return object.error ? object.error : run(t, args, out);
}

int docs_git_changed(const struct docs_tree *t, const char *rev, struct fl_buf *out)
{
	const char *changed[] = { "diff", "--name-only", "--no-renames", "--relative", "-z", rev, "--", NULL };
	const char *fresh[] = { "ls-files", "--others", "--exclude-standard", "-z", NULL };
	int r = run(t, changed, out);

	return r < 0 ? r : run(t, fresh, out);
}
