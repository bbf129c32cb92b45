/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/walk.h"

static int take_if_runs(const char *path, struct fl_buf *ret)
{
	int r;

	if (access(path, X_OK) < 0)
		return -ENOENT;
	r = fl_walk_for_root(path);
	if (r < 0)
		return r;
	fl_buf_addz(ret, path);
	return ret->error;
}

static int beside(const char *exe, const char *tail, struct fl_buf *ret)
{
	_cleanup_buf_ struct fl_buf path = {};
	const char *slash = strrchr(exe, '/');

	if (!slash)
		return -ENOENT;
	fl_buf_add(&path, exe, slash - exe + 1);
	fl_buf_addz(&path, tail);
	if (path.error)
		return -ENOMEM;
	return take_if_runs(fl_buf_z(&path), ret);
}

int fl_vm_script_find(const char *exe, struct fl_buf *ret)
{
	const char *named = getenv("FORELAND_VM");
	int r;

	if (named && *named)
		return take_if_runs(named, ret);
	r = beside(exe, "foreland-vm", ret);
	if (r == -ENOENT)
		r = beside(exe, "../libexec/foreland/vm", ret);
	if (r == -ENOENT)
		r = take_if_runs(FORELAND_LIBEXECDIR "/vm", ret);
	return r;
}

const char *fl_vm_why_not(int r)
{
	if (r == -ENOENT)
		return "the script 'foreland-vm' is not installed";
	if (r == -EPERM)
		return "root runs the script 'foreland-vm' only where root alone can write it and its folders";
	return strerror(-r);
}

static int own_path(char exe[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", exe, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	exe[n] = '\0';
	return 0;
}

int fl_vm_script_path(struct fl_buf *ret)
{
	char exe[PATH_MAX];
	int r = own_path(exe);

	return r < 0 ? r : fl_vm_script_find(exe, ret);
}

static size_t count(char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

size_t fl_vm_kernel_option(const char *kernel, const char *ret[static 2])
{
	if (!*kernel)
		return 0;
	ret[0] = strchr(kernel, '/') || access(kernel, R_OK) == 0 ? "--kernel-image" : "--kernel";
	ret[1] = kernel;
	return 2;
}

#define IN_GUEST "FORELAND_IN_GUEST"

const char *fl_vm_release(void)
{
	static struct utsname u;

	return getenv(IN_GUEST) && uname(&u) == 0 ? u.release : NULL;
}

int fl_vm_exec(char *const *options, char *const *words)
{
	_cleanup_buf_ struct fl_buf script = {};
	_cleanup_free_ const char **argv = NULL;
	char exe[PATH_MAX];
	size_t n = 0;
	int r;

	r = own_path(exe);
	if (r < 0)
		return r;
	r = fl_vm_script_find(exe, &script);
	if (r < 0)
		return r;
	argv = calloc(count(options) + count(words) + 11, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[n++] = fl_buf_z(&script);
	argv[n++] = "--foreland";
	argv[n++] = exe;
	argv[n++] = "--plain";
	argv[n++] = "--timeout"; /* a command ends itself, or by Ctrl-C */
	argv[n++] = "0";
	for (; *options; options++)
		argv[n++] = *options;
	argv[n++] = "--";
	argv[n++] = "env";
	argv[n++] = IN_GUEST "=1";
	argv[n++] = "foreland";
	for (; *words; words++)
		argv[n++] = *words;
	execv(argv[0], (char *const *)argv);
	return -errno;
}
