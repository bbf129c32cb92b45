/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every check's good and bad example, which the manual page shows: the check finds something in the
 * bad one and nothing in the good one. The examples are the expectation; what a check is for, its
 * row says in words of docutils, Sphinx or the kernel's scripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docs/patch/affected.h"
#include "docs/patch/compare.h"

static char top[] = "/tmp/test-docs-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void put(const char *path, struct fl_str text)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", top, path);
	for (char *slash = full + strlen(top) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
	close(fd);
}

/* Writes the example's files. */
static void write_example(const char *example, const char *path)
{
	struct fl_str rest = fl_str(example), line;
	_cleanup_buf_ struct fl_buf text = {};
	char name[256];

	snprintf(name, sizeof(name), "%s", path);
	while (fl_str_line(&rest, &line)) {
		if (!fl_str_starts(line, "=== ")) {
			fl_buf_add_str(&text, line);
			fl_buf_addc(&text, '\n');
			continue;
		}
		if (text.len)
			put(name, fl_buf_str(&text));
		fl_buf_reset(&text);
		snprintf(name, sizeof(name), "%.*s", (int)line.n - 4, line.p + 4);
	}
	put(name, fl_buf_str(&text));
}

static void lay_out(enum docs_check c, const char *example)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mkdir(top, 0755);
	put("Kbuild", FL_STR("# top\n"));
	put("Documentation/.keep", FL_STR("\n"));
	write_example(example, docs_example_path(docs_checks[c].reader));
}

static void run_whole(struct docs_session *run, struct docs_tree *tree, const struct docs_opts *opts)
{
	static const char *const whole[] = { "" };

	assert_int_equal(docs_session_init(run, tree, opts), 0);
	assert_int_equal(docs_session_paths(run, whole, 1), 0);
	assert_int_equal(docs_session_finish(run), 0);
}

/* How often check @c fires in the example. */
static size_t fire(enum docs_check c, const char *example)
{
	_cleanup_buf_ struct fl_buf rel = {};
	struct docs_opts opts = { .level = FL_STYLE, .family = DOCUTILS_22, .threads = 2 };
	struct docs_tree tree;
	struct docs_session run;
	size_t n;

	docs_set_add(&opts.want, c);
	docs_set_add(&opts.want, DOCS_SYSFS_MODULES); /* which examples of "foreland: ignore" are about */
	lay_out(c, example);
	assert_int_equal(docs_tree_open(&tree, top, &rel), 0);
	run_whole(&run, &tree, &opts);
	n = run.n;
	docs_session_fini(&run);
	docs_tree_close(&tree);
	return n;
}

/* The same of a patch: the tree without it, with it, and what its mail deserves. */
static size_t fire_patch(enum docs_check c, const char *example)
{
	_cleanup_buf_ struct fl_buf rel = {}, text = {};
	_cleanup_arena_ struct fl_arena arena = {};
	struct docs_opts opts = { .level = FL_STYLE, .family = DOCUTILS_22, .threads = 2 };
	struct docs_sink sink = { .want = &opts.want, .level = FL_STYLE };
	struct docs_tree before, after;
	struct docs_session old, now;
	struct docs_mail *mails = NULL;
	struct docs_affected affected;
	char *touched[8];
	size_t n = 0, gone, nr_touched = 0;

	memset(&opts.want, 0xff, sizeof(opts.want));
	lay_out(c, example);
	assert_int_equal(docs_tree_open(&before, top, &rel), 0);
	assert_int_equal(docs_tree_open(&after, top, &rel), 0);
	assert_int_equal(docs_tree_read(&before, ".patch", &text), 0);
	assert_int_equal(docs_patch_read(&arena, fl_buf_str(&text), &mails), 0);
	assert_non_null(mails);
	docs_sink_file(&sink, "patch", fl_buf_str(&text));
	assert_int_equal(docs_patch_apply(mails, &after, &sink), 0);
	run_whole(&old, &before, &opts);
	run_whole(&now, &after, &opts);
	gone = docs_mark_known(&now, &old);
	for (const struct docs_change *ch = mails->changes; ch && nr_touched < 8; ch = ch->next)
		touched[nr_touched++] = fl_arena_dup(&arena, ch->old_path.p ? ch->old_path : ch->new_path);
	assert_int_equal(docs_affected_find(&affected, &old, &now, touched, nr_touched), 0);
	docs_still_named(&now, &affected.find, mails, "patch", fl_buf_str(&text));
	docs_affected_fini(&affected);
	docs_mail_check(mails, &after, &sink, gone > 0);
	for (size_t i = 0; i < sink.n; i++)
		n += sink.v[i].check == c;
	for (size_t i = 0; i < now.workers[0].sink.n; i++)
		n += now.workers[0].sink.v[i].check == c;
	docs_session_fini(&old);
	docs_session_fini(&now);
	docs_sink_fini(&sink);
	docs_tree_close(&before);
	docs_tree_close(&after);
	return n;
}

static void examples(void **state)
{
	int bad = 0;

	for (enum docs_check c = 0; c < _DOCS_CHECK_MAX; c++) {
		const struct docs_check_row *row = &docs_checks[c];

		size_t (*try)(enum docs_check c, const char *example) =
			row->reader == DOCS_READ_PATCH ? fire_patch : fire;

		assert_non_null(row->good);
		assert_non_null(row->bad);
		if (try(c, row->good)) {
			print_error("%s: the good example is complained about\n", row->kind.code);
			bad++;
		}
		if (!try(c, row->bad)) {
			print_error("%s: the bad example is not complained about\n", row->kind.code);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void choice(void **state)
{
	_cleanup_buf_ struct fl_buf err = {};
	struct docs_set s = {};

	assert_int_equal(docs_set_parse(&s, "title,abi-tag", &err), 0);
	assert_true(docs_set_has(&s, DOCS_UNDERLINE_SHORT));
	assert_true(docs_set_has(&s, DOCS_ABI_TAG));
	assert_false(docs_set_has(&s, DOCS_ABI_DATE));
	assert_true(docs_set_parse(&s, "tilte-colon", &err) < 0);
	assert_non_null(strstr(fl_buf_z(&err), "did you mean 'title-colon'"));
}

static int setup(void **state)
{
	return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choice),
		cmocka_unit_test(examples),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
