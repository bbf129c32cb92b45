/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The script face and the tree beneath it against a judge that is not ours: the same lines are run
 * by /bin/sh in a real directory, and output and success of every line must be equal.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "script/script.h"
#include "vfs/dir.h"

/* A small file system in memory: what the real directory can, as far as the lines need it. */
static struct fl_node *new_dir(void);

static int ram_mkdir(struct fl_node *dir, struct fl_str name)
{
	return fl_dir_add(dir, name, new_dir());
}

static int ram_rmdir(struct fl_node *dir, struct fl_str name)
{
	if (fl_dir_count(fl_dir_find(dir, name)))
		return -ENOTEMPTY;
	return fl_dir_remove(dir, name);
}

static int ram_symlink(struct fl_node *dir, struct fl_str name, struct fl_str target,
		       struct fl_node *resolved)
{
	return fl_dir_add(dir, name, fl_link_new(target));
}

static const struct fl_node_ops ram_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.mkdir = ram_mkdir,
	.rmdir = ram_rmdir,
	.symlink = ram_symlink,
	.unlink = fl_dir_remove,
	.free = fl_dir_free,
};

static struct fl_node *new_dir(void)
{
	return fl_dir_new(&ram_ops, NULL);
}

static struct fl_buf file_text;

static int file_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_add_str(out, fl_buf_str(&file_text));
	return 0;
}

static int file_store(struct fl_node *attr, struct fl_str text)
{
	fl_buf_reset(&file_text);
	fl_buf_add_str(&file_text, text);
	return 0;
}

static const struct fl_attr_ops file_ops = { file_show, file_store };

static int count_report(void *ctx, const struct fl_diag *diag, int err)
{
	assert_non_null(diag->kind);
	assert_true(err < 0);
	++*(int *)ctx;
	return 0;
}

static void ask_shell(const char *dir, const char *line, struct fl_buf *out, bool *ok)
{
	_cleanup_buf_ struct fl_buf cmd = {};
	FILE *p;
	int r;

	fl_buf_addf(&cmd, "cd %s && exec 2>/dev/null; %s", dir, line);
	p = popen(fl_buf_z(&cmd), "r");
	assert_non_null(p);
	r = fl_buf_read_fd(out, fileno(p), 1 << 20);
	assert_int_equal(r, 0);
	*ok = pclose(p) == 0;
}

static const char *const lines[] = {
	"echo one two  three",
	"echo 'a  b' \"c  d\" e\\ f",
	"echo -n x; echo y",
	"mkdir a",
	"mkdir a",
	"mkdir a/b/c",
	"mkdir -p a/b/c",
	"ls",
	"ls a a/b",
	"ls nothing",
	"echo 7 > f",
	"cat f",
	"cat f f",
	"cat < f",
	"echo 8 > nodir/f",
	"echo 9 > a",
	"ln -s f link",
	"cat link",
	"ln -s ../f a/",
	"cat a/f",
	"ln -s f link",
	"rm link",
	"rm link",
	"rm -f link",
	"rm a",
	"rmdir a",
	"rmdir f",
	"cd a/b; ls; cd ..; ls; cat f",
	"cd f",
	"X=a/b; ls $X; ls ${X}/c",
	"false && echo no || echo yes",
	"true && echo yes || echo no",
	"true || echo no; echo then",
	"echo '$X' \"$HOME_UNSET\" '#' a#b # comment",
	"ln -s loop loop; cat loop",
	"rm loop",
	"rm a/f; rmdir a/b/c a/b; rmdir a/",
	"ls f/",
	"ls",
	"nosuchcommand",
};

/* A line for the script and the shell in @dir: output and success must be equal. */
static void same_as_sh(struct fl_node *root, const char *dir, const char *line)
{
	_cleanup_buf_ struct fl_buf ours = {}, theirs = {};
	struct fl_script *s = fl_script_new(root);
	int reports = 0, r;
	bool ok;

	r = fl_script_run(s, fl_str(line), "script", &ours, count_report, &reports);
	fl_script_free(s);
	ask_shell(dir, line, &theirs, &ok);
	if (strcmp(fl_buf_z(&ours), fl_buf_z(&theirs)) || (r == 0) != ok)
		fail_msg("%s: ours %d '%s', sh %d '%s'", line, r, fl_buf_z(&ours), ok, fl_buf_z(&theirs));
}

/* A chain of links, each of which is asked for the file: the kernel follows so many of them, and no more. */
static void same_links(struct fl_node *root, const char *dir)
{
	for (int i = 1; i <= 42; i++) {
		_cleanup_buf_ struct fl_buf line = {};

		if (i == 1)
			fl_buf_addz(&line, "ln -s f chain1; cat chain1");
		else
			fl_buf_addf(&line, "ln -s chain%d chain%d; cat chain%d", i - 1, i, i);
		same_as_sh(root, dir, fl_buf_z(&line));
	}
}

/* The longest name that a file may have, and the next longer one. */
static void same_names(struct fl_node *root, const char *dir)
{
	for (int n = 254; n <= 257; n++) {
		_cleanup_buf_ struct fl_buf line = {};

		fl_buf_addf(&line, "mkdir d%0*d; ls d%0*d/.", n - 1, 0, n - 1, 0);
		same_as_sh(root, dir, fl_buf_z(&line));
	}
}

/* The longest path, and the next longer one: "././f", and one more slash. */
static void same_paths(struct fl_node *root, const char *dir)
{
	for (int more = 0; more < 2; more++) {
		_cleanup_buf_ struct fl_buf line = {};

		fl_buf_addz(&line, "cat ");
		for (int i = 0; i < (4095 - 1) / 2; i++)
			fl_buf_addz(&line, "./");
		fl_buf_addz(&line, more ? "/f" : "f");
		same_as_sh(root, dir, fl_buf_z(&line));
	}
}

static void test_same_as_sh(void **state)
{
	char dir[] = "/tmp/foreland-script-XXXXXX";
	_cleanup_buf_ struct fl_buf cmd = {};
	struct fl_node *root = new_dir();

	assert_non_null(mkdtemp(dir));
	assert_int_equal(fl_dir_add(root, FL_STR("f"), fl_attr_new(&file_ops, 0644, NULL)), 0);
	fl_buf_addf(&cmd, "echo > %s/f", dir);
	assert_int_equal(system(fl_buf_z(&cmd)), 0);
	for (size_t i = 0; i < FL_ARRAY_SIZE(lines); i++)
		same_as_sh(root, dir, lines[i]);
	same_links(root, dir);
	same_names(root, dir);
	same_paths(root, dir);
	fl_buf_reset(&cmd);
	fl_buf_addf(&cmd, "rm -r %s", dir);
	assert_int_equal(system(fl_buf_z(&cmd)), 0);
	fl_node_unref(root);
	fl_buf_fini(&file_text);
}

struct last_report {
	int err, n;
	uint32_t line;
	struct fl_span span;
	char code[32];
};

static int keep_report(void *ctx, const struct fl_diag *diag, int err)
{
	struct last_report *last = ctx;

	last->err = err;
	last->line = diag->line;
	last->span = diag->span;
	snprintf(last->code, sizeof(last->code), "%s", diag->kind->code);
	last->n++;
	return 0;
}

/* Where a complaint points to is ours to decide; these are counted by hand in the lines. */
static void test_reports(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t line;
		struct fl_span span;
		const char *code;
	} rows[] = {
		{ "cat none", -ENOENT, 1, { 4, 8 }, "COMMAND_FAILED" },
		{ "true\n\n  rmdir none", -ENOENT, 3, { 8, 12 }, "COMMAND_FAILED" },
		{ "echo 1 > none", -EACCES, 1, { 9, 13 }, "COMMAND_FAILED" },
		{ "echo 'x", -EINVAL, 1, { 5, 6 }, "NO_CLOSING_QUOTE" },
		{ "echo ${x", -EINVAL, 1, { 5, 8 }, "NO_CLOSING_BRACE" },
		{ "echo $(x)", -EINVAL, 1, { 5, 7 }, "UNSUPPORTED" },
		{ "echo x >", -EINVAL, 1, { 7, 8 }, "SYNTAX" },
		{ "mkdirr x", -ENOENT, 1, { 0, 6 }, "COMMAND_NOT_FOUND" },
		{ "ls -z", -EINVAL, 1, { 3, 5 }, "COMMAND_USAGE" },
		{ "echo \\\n a; rm", -EINVAL, 1, { 9, 11 }, "COMMAND_USAGE" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		struct fl_node *root = fl_dir_new(NULL, NULL);
		struct fl_script *s = fl_script_new(root);
		_cleanup_buf_ struct fl_buf out = {};
		struct last_report last = {};

		fl_script_run(s, fl_str(rows[i].text), "script", &out, keep_report, &last);
		assert_int_equal(last.n, 1);
		assert_int_equal(last.err, rows[i].err);
		assert_int_equal(last.line, rows[i].line);
		assert_int_equal(last.span.start, rows[i].span.start);
		assert_int_equal(last.span.end, rows[i].span.end);
		assert_string_equal(last.code, rows[i].code);
		fl_script_free(s);
		fl_node_unref(root);
	}
}

static void test_transcript(void **state)
{
	struct fl_node *root = new_dir();
	struct fl_script *s = fl_script_new(root);
	static const char *const ignored[] = { "mount", NULL };
	_cleanup_buf_ struct fl_buf out = {};
	int failed = 0, r;

	fl_script_transcript(s, true);
	fl_script_ignore(s, ignored);
	r = fl_script_run(s, FL_STR("Prose.\n\n\t# mount -t x none /\n\t# mkdir \\\n\t\td\n\t# ls\n\td\n"),
			  "how-to", &out, count_report, &failed);
	assert_int_equal(r, 0);
	assert_int_equal(failed, 0);
	assert_string_equal(fl_buf_z(&out), "d\n");
	r = fl_script_run(s, FL_STR("+Prose.\n+\n+\t# mkdir \\\n+\t\te\n+\t# ls\n+\td\n"), "mail", &out,
			  count_report, &failed);
	assert_int_equal(r, 0);
	assert_int_equal(failed, 0);
	assert_string_equal(fl_buf_z(&out), "d\nd\ne\n");
	fl_script_free(s);
	fl_node_unref(root);
}

static int shout(void *ctx, const struct fl_str *args, size_t n, struct fl_buf *out)
{
	for (size_t i = 0; i < n; i++)
		fl_buf_addf(out, "%.*s!", FL_STR_ARG(args[i]));
	return n ? 0 : -ENODEV;
}

static int count_errors(void *ctx, const struct fl_diag *diag, int err)
{
	assert_int_equal(err, -ENODEV);
	(*(int *)ctx)++;
	return 0;
}

static void commands_can_be_added(void **state)
{
	struct fl_node *root = new_dir();
	struct fl_script *s = fl_script_new(root);
	_cleanup_buf_ struct fl_buf out = {};
	int errors = 0;

	assert_int_equal(fl_script_add_command(s, "shout", shout, NULL), 0);
	assert_int_equal(fl_script_add_command(s, "shout", shout, NULL), -EEXIST);
	assert_int_equal(fl_script_add_command(s, "echo", shout, NULL), -EEXIST);
	assert_int_equal(fl_script_run(s, FL_STR("shout a 'b c'\n"), "t", &out, NULL, NULL), 0);
	assert_string_equal(fl_buf_z(&out), "a!b c!");
	assert_int_equal(fl_script_run(s, FL_STR("shout\n"), "t", &out, count_errors, &errors), -ENODEV);
	assert_int_equal(errors, 1);
	fl_script_free(s);
	fl_node_unref(root);
}

static void transcripts_are_recognised(void **state)
{
	assert_true(fl_script_is_transcript(FL_STR("Title\n=====\n\t# ls x\n\ty  z\n")));
	assert_true(fl_script_is_transcript(FL_STR("$ mkdir a\ntrue enough\n")));
	assert_true(fl_script_is_transcript(FL_STR("@@ -0,0 +1,2 @@\n+Title\n+\t# ls x\n+\ty  z\n")));
	assert_false(fl_script_is_transcript(FL_STR("+ mkdir a\n+\t# ls a\n"))); /* of sh -x */
	assert_false(fl_script_is_transcript(FL_STR("# echo the ids\necho 1 > x\n")));
	assert_false(fl_script_is_transcript(FL_STR("# a comment\nfrob\n")));
	assert_false(fl_script_is_transcript(FL_STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_can_be_added),
		cmocka_unit_test(transcripts_are_recognised),
		cmocka_unit_test(test_same_as_sh),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_transcript),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
