/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest's script is found, in each layout that cli/vm.h promises, made in a folder. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/vm.h"

static char top[PATH_MAX];

static const char *in_top(const char *tail)
{
	static char path[2][PATH_MAX + 64];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", top, tail);
	return path[turn];
}

static void make(const char *tail, mode_t mode)
{
	_cleanup_close_ int fd = open(in_top(tail), O_CREAT | O_WRONLY, mode);

	assert_true(fd >= 0);
}

/* Folders and programs of the layouts; nothing in "alone". */
static int set_up(void **state)
{
	static const char *const folders[] = {
		"alone", "beside", "prefix", "prefix/bin", "prefix/libexec",
		"prefix/libexec/foreland", "plain",
	};
	const char *tmp = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%s/test-vm.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(top))
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		assert_int_equal(mkdir(in_top(folders[i]), 0755), 0);
	make("beside/foreland-vm", 0755);
	make("plain/foreland-vm", 0644); /* not a program */
	make("prefix/libexec/foreland/vm", 0755);
	unsetenv("FORELAND_VM");
	return 0;
}

static int tear_down(void **state)
{
	static const char *const all[] = {
		"beside/foreland-vm", "plain/foreland-vm", "prefix/libexec/foreland/vm", "alone",
		"beside", "plain", "prefix/libexec/foreland", "prefix/libexec", "prefix/bin",
		"prefix", "",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (remove(in_top(all[i])) < 0)
			return -1;
	return 0;
}

static void check(const char *exe, const char *want)
{
	_cleanup_buf_ struct fl_buf got = {};
	int r = fl_vm_script_find(in_top(exe), &got);

	if (!want) {
		assert_int_equal(r, -ENOENT);
		assert_int_equal(got.len, 0);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(fl_buf_z(&got), in_top(want));
}

static void test_layouts(void **state)
{
	check("beside/foreland", "beside/foreland-vm");
	check("prefix/bin/foreland", "prefix/bin/../libexec/foreland/vm");
	/* Where nothing is beside the program, what is installed is used; here nothing may be. */
	if (access(FORELAND_LIBEXECDIR "/vm", X_OK) < 0) {
		check("alone/foreland", NULL);
		check("plain/foreland", NULL);
	}
}

static void test_named(void **state)
{
	setenv("FORELAND_VM", in_top("prefix/libexec/foreland/vm"), 1);
	check("beside/foreland", "prefix/libexec/foreland/vm");
	/* A name that is wrong is told, not silently replaced by another script. */
	setenv("FORELAND_VM", in_top("nothing"), 1);
	check("beside/foreland", NULL);
	setenv("FORELAND_VM", "", 1);
	check("beside/foreland", "beside/foreland-vm");
	unsetenv("FORELAND_VM");
}

/* The script is a program that prints its words: what it prints is what the guest would be given. */
static void test_exec(void **state)
{
	static char *const options[] = { (char *)"--kernel", (char *)"6.1", NULL };
	static char *const words[] = { (char *)"trace", (char *)"p a b=$arg1", NULL };
	char exe[PATH_MAX] = "", want[PATH_MAX + 256], got[PATH_MAX + 256] = "";
	int pipefd[2];
	ssize_t n;

	assert_int_equal(pipe(pipefd), 0);
	if (fork() == 0) {
		dup2(pipefd[1], STDOUT_FILENO);
		setenv("FORELAND_VM", "/bin/echo", 1);
		fl_vm_exec(options, words);
		_exit(1);
	}
	close(pipefd[1]);
	n = read(pipefd[0], got, sizeof(got) - 1);
	close(pipefd[0]);
	assert_true(n > 0);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	assert_true(n > 0);
	snprintf(want, sizeof(want),
		 "--foreland %s --plain --timeout 0 --kernel 6.1 -- "
		 "env FORELAND_IN_GUEST=1 foreland trace p a b=$arg1\n", exe);
	assert_string_equal(got, want);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_exec),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
