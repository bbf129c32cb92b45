/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definition language on a small target: what needs no kernel to be judged. Messages, carets and
 * limits are those of the kernel's own selftests (fprobe_, kprobe_ and uprobe_syntax_errors.tc) and of
 * its parser's constants; that they agree on a real kernel's types is tests/system/test-vectors.py.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/event/listing.h"
#include "probe/lang/check.h"
#include "probe/lang/ktext.h"
#include "small-target.h"

#define NAME63 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

/* ---- numbers ---- */

static void numbers_as_the_kernel_reads_them(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} rows[] = {
		{ "0", 0, 0 }, { "0x1F", 0, 31 }, { "017", 0, 15 }, { "+7", 0, 7 }, { "-8", 0, -8 },
		{ "7\n", 0, 7 }, { "", -EINVAL, 0 }, { "0x", -EINVAL, 0 }, { "08", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "--1", -EINVAL, 0 }, { "-+1", -EINVAL, 0 },
		{ "9223372036854775807", 0, INT64_MAX }, { "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775808", 0, INT64_MIN }, { "-9223372036854775809", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 }, { "000000000000000000000000000000008", -EINVAL, 0 },
		{ "0x000000000000000000000000000000008", 0, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t v = 0;

		assert_int_equal(fl_kstrtol(fl_str(rows[i].text), 0, &v), rows[i].r);
		assert_true(v == rows[i].value);
	}
}

/* ---- refusals ---- */

struct refusal {
	const char *def, *code;
	uint32_t column, start, end;
	const char *help;
};

static void refuse(enum fl_dialect dialect, const struct refusal *row)
{
	_cleanup_verdict_ struct fl_probe_verdict v = {};
	struct fl_probe_event *e = NULL;

	if (fl_probe_check(small_target(), dialect, FL_FILE_DYNAMIC_EVENTS, fl_str(row->def), &e, &v) == 0)
		fail_msg("accepted: %s", row->def);
	if (!v.diag.kind || strcmp(v.diag.kind->code, row->code) != 0)
		fail_msg("%s: %s and not %s", row->def, v.diag.kind ? v.diag.kind->code : "nothing",
			 row->code);
	if (v.diag.column != row->column || v.diag.span.start != row->start ||
	    v.diag.span.end != row->end)
		fail_msg("%s: %u [%u,%u)", row->def, v.diag.column, v.diag.span.start, v.diag.span.end);
	if (row->help && (!v.diag.help || strcmp(v.diag.help, row->help) != 0))
		fail_msg("%s: %s", row->def, v.diag.help ? v.diag.help : "no help");
}

static void refusals_have_caret_span_and_help(void **state)
{
	static const struct refusal rows[] = {
		{ "f vfs_read fil->f_mode", "NO_BTFARG", 11, 11, 14, "did you mean 'file'?" },
		{ "f vfs_read $arg2 x=xyzzy", "NO_BTFARG", 19, 19, 24, "the parameters are file, buf, count, pos" },
		{ "f sock_alloc nr", "NO_BTF_ENTRY", 13, 13, 15, "this function has no parameters" },
		{ "f vfs_read v=file->f_mod", "NO_BTF_FIELD", 19, 19, 24, "did you mean 'f_mode'?" },
		{ "f vfs_read v=file->dentry", "NO_BTF_FIELD", 19, 19, 25, "it is there as 'f_path.dentry'" },
		{ "f vfs_read v=file->pid", "NO_BTF_FIELD", 19, 19, 22, "this member is in struct task_struct" },
		{ "f vfs_read v=(fil)file->pid", "NO_PTR_STRCT", 14, 14, 17, "did you mean 'file'?" },
		{ "f vfs_read v=(int)file->pid", "NO_PTR_STRCT", 14, 14, 17,
		  "this is a int: casts take the name of a struct" },
		{ "p vfs_read v=%rdi", "BAD_REG_NAME", 13, 13, 17, "did you mean '%di'?" },
		{ "p vfs_read v=$stack0:strng", "BAD_TYPE", 21, 21, 26, "did you mean 'string'?" },
		{ "p gone", "BAD_PROBE_ADDR", 2, 2, 6, "the function exists as 'gone.isra.0'" },
		{ "p twice", "NON_UNIQ_SYMBOL", 2, 2, 7,
		  "this name has 2 addresses, of which one must be given: 0xffffffff81000400, 0xffffffff81000500" },
		{ "p vfs_read @nosuchsym", "BAD_PROBE_ADDR", 2, 2, 10, "'nosuchsym' is not among the kernel's symbols "
		  "(variables are with CONFIG_KALLSYMS_ALL=y alone)" },
		{ "p vfs_raed", "BAD_PROBE_ADDR", 2, 2, 10, "did you mean 'vfs_read'?" },
		{ "e sched/sched_switch $prev_pd", "BAD_VAR", 21, 21, 29, "did you mean '$prev_pid'?" },
		{ "f vfs_read v=(file)file", "TYPECAST_REQ_FIELD", 23, 19, 23, NULL },
		{ "f vfs_read v=file.f_mode", "NOSUP_DAT_ARG", 18, 13, 24, "a pointer's field is reached by '->'" },
		/* a field option must begin a byte: bit 4 does not, bit 8 does (limits_on_both_sides) */
		{ "f vfs_read v=(half_bytes,high)file->low", "TYPECAST_NOT_ALIGNED", 25, 25, 29, NULL },
		{ "p vfs_read   v=+0(+0(@0)", "DEREF_OPEN_BRACE", 21, 21, 23, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuse(FL_DIALECT_V6, &rows[i]);
}

/* What 7.3.4 answered, where it differs from the series as posted: the fault's code and column. */
static void refusals_of_7_3(void **state)
{
	static const struct refusal rows[] = {
		{ "zz", "NO_EVENT_KIND", 0, 0, 2, NULL },
		{ "e", "NO_EVENT_KIND", 0, 0, 1, NULL },
		{ ":x", "NO_EVENT_KIND", 0, 0, 2, NULL },
		{ "p:c/e /bin/busybox:zz", "NO_EVENT_KIND", 0, 0, 5, NULL },
		{ "f:h/e !vfs_read", "BAD_PROBE_ADDR", 6, 6, 15, NULL },
		{ "f:c/e sock_alloc $arg*", "NOSUP_BTFARG", 17, 17, 22, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuse(FL_DIALECT_7_3, &rows[i]);
}

/* Lines that take events away, of which there are none: no entry in the log, and this errno. */
static void removals_from_nothing(void **state)
{
	static const struct {
		const char *def;
		int err;
	} rows[] = { { "-:h/e", ENOENT }, { "-:e", ENOENT }, { "!p:h/e vfs_read", ENOENT }, { "-:h/", ENOENT },
		     { "-h/e", EINVAL }, { "-", EINVAL }, { "-:", EINVAL } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_verdict_ struct fl_probe_verdict v = {};
		struct fl_probe_event *e = NULL;

		assert_int_equal(fl_probe_check(small_target(), FL_DIALECT_7_3, FL_FILE_DYNAMIC_EVENTS,
						fl_str(rows[i].def), &e, &v), -rows[i].err);
		assert_int_equal(v.errno_value, rows[i].err);
		assert_null(v.diag.kind);
	}
}

/* The last definition of a pair that is accepted, and the first that is not. */
static void limits_on_both_sides(void **state)
{
	static const struct {
		enum fl_dialect dialect;
		const char *good, *bad, *code;
	} rows[] = {
		{ FL_DIALECT_V6, "r4096 vfs_read", "r4097 vfs_read", "MAXACT_TOO_BIG" },
		{ FL_DIALECT_V6, "p vfs_read +0(%di):x8[64]", "p vfs_read +0(%di):x8[65]", "ARRAY_TOO_BIG" },
		{ FL_DIALECT_V6, "p:" NAME63 " vfs_read", "p:" NAME63 "n vfs_read", "EVENT_TOO_LONG" },
		{ FL_DIALECT_V6, "p:" NAME63 "/e vfs_read", "p:" NAME63 "n/e vfs_read", "GROUP_TOO_LONG" },
		{ FL_DIALECT_V6, "p vfs_read $stack2048", "p vfs_read $stack2049", "BAD_STACK_NUM" },
		{ FL_DIALECT_V6, "p vfs_read aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=%di",
		  "p vfs_read aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=%di", "ARG_NAME_TOO_LONG" },
		{ FL_DIALECT_V6, "p vfs_read %di:b32@0/32", "p vfs_read %di:b32@1/32", "BAD_BITFIELD" },
		{ FL_DIALECT_V6, "f vfs_read v=(file)((file)((file)file->next)->next)->next",
		  "f vfs_read v=(file)((file)((file)((file)buf->next)->next)->next)->a", "TOO_MANY_NESTED" },
		{ FL_DIALECT_V6, "f vfs_read v=(half_bytes,next)file->low",
		  "f vfs_read v=(half_bytes,high)file->low", "TYPECAST_NOT_ALIGNED" },
		{ FL_DIALECT_7_3, "p vfs_read +0(+0(+0(+0(+0(+0(+0(+0(%di))))))))",
		  "p vfs_read +0(+0(+0(+0(+0(+0(+0(+0(+0(%di)))))))))", "TOO_MANY_NESTED" },
		{ FL_DIALECT_V6, "p vfs_read +0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(%di))))))))))))))",
		  "p vfs_read +0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(+0(%di)))))))))))))))", "TOO_MANY_OPS" },
		{ FL_DIALECT_V6, "p vfs_read v=+0x0000000000000000000000000000000000000000000000000000000(%di)",
		  "p vfs_read v=+0x00000000000000000000000000000000000000000000000000000000(%di)", "ARG_TOO_LONG" },
		{ FL_DIALECT_6_12, "p vfs_read file", "p vfs_read (file)file->a", "BAD_FETCH_ARG" },
		{ FL_DIALECT_6_12, "f10 vfs_read%return", "f10 vfs_read", "BAD_MAXACT_TYPE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_verdict_ struct fl_probe_verdict v = {};
		struct fl_probe_event *e = NULL;
		int r = fl_probe_check(small_target(), rows[i].dialect, FL_FILE_DYNAMIC_EVENTS,
				       fl_str(rows[i].good), &e, &v);

		if (r < 0)
			fail_msg("%s: %s", rows[i].good, v.diag.kind ? v.diag.kind->code : "?");
		fl_probe_event_free(e);
		r = fl_probe_check(small_target(), rows[i].dialect, FL_FILE_DYNAMIC_EVENTS,
				   fl_str(rows[i].bad), &e, &v);
		if (r == 0 || strcmp(v.diag.kind->code, rows[i].code) != 0)
			fail_msg("%s: %s", rows[i].bad, r ? v.diag.kind->code : "accepted");
	}
}

/* ---- events ---- */

static void an_event_says_what_was_written(void **state)
{
	struct fl_probe_event *e = NULL;
	_cleanup_buf_ struct fl_buf out = {};

	(void)state;
	assert_int_equal(fl_probe_check(small_target(), FL_DIALECT_V6, FL_FILE_DYNAMIC_EVENTS,
		FL_STR("f:g/e  vfs_read%return m=file->f_more $retval c=count:x16 n=(file,f_path)buf->f_mode # no"),
		&e, NULL), 0);
	assert_int_equal(e->kind, FL_PROBE_FPROBE);
	assert_true(e->is_return && e->nr_args == 4 && e->nr_entry_args == 3);
	assert_int_equal(e->entry_args[0], 0);
	assert_int_equal(e->entry_args[1], 2);
	assert_int_equal(e->entry_args[2], 1);
	assert_int_equal(e->record_size, 4 + 8 + 2 + 4);
	assert_int_equal(e->args[2].offset, 12);
	assert_true(fl_str_is(fl_type_name(e->args[1].btf), "long"));
	fl_probe_event_list(e, &out);
	fl_buf_addc(&out, '\n');
	fl_probe_event_dump(e, FL_DUMP_V6, &out);
	/* f_more is 7 bits from bit 37: byte 4, bit 5 */
	assert_string_equal(fl_buf_z(&out),
		"f:g/e vfs_read%return m=file->f_more arg2=$retval c=count:x16 n=(file,f_path)buf->f_mode\n"
		"#  m: EDATA(offset=0) -> ST_MEM(offset=4,size=4) -> MOD_BF(basesize=8,lshift=52,rshift=57) -> END\n"
		"#  arg2: RETVAL -> ST_RAW(size=8) -> END\n"
		"#  c: EDATA(offset=8) -> ST_RAW(size=2) -> END\n"
		"#  n: EDATA(offset=16) -> ST_MEM(offset=-8,size=4) -> END\n");
	fl_probe_event_free(e);
}

static int apply(struct fl_event_list *l, const char *line)
{
	return fl_event_list_apply(l, small_target(), FL_DIALECT_V6, FL_FILE_DYNAMIC_EVENTS,
				   fl_str(line), NULL, NULL);
}

static void a_list_of_events(void **state)
{
	struct fl_event_list l = {};

	(void)state;
	assert_int_equal(apply(&l, "p:g/e vfs_read v=\\1"), 0);
	assert_int_equal(apply(&l, "p:g/e kfree v=\\1"), 0); /* two probes of one event */
	assert_int_equal(apply(&l, "p:g/e kfree v=\\1"), -EEXIST);
	assert_int_equal(apply(&l, "p:g/e kfree v=\\1:u8"), -EEXIST);
	assert_int_equal(apply(&l, "r:g/e kfree v=\\1"), -EEXIST);
	assert_int_equal(apply(&l, "e:g/e sched/sched_switch"), -EEXIST);
	assert_int_equal(apply(&l, "p:sched/sched_switch vfs_read"), -EEXIST); /* the kernel's own */
	assert_int_equal(apply(&l, "f:h/e vfs_read"), 0);
	assert_int_equal(apply(&l, "t:h/e sched_switch"), -EINVAL);
	assert_int_equal(apply(&l, "# nothing"), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(apply(&l, "-:g/e kfree"), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(apply(&l, "-:nosuch"), -ENOENT);
	assert_int_equal(apply(&l, "-:"), -EINVAL);
	assert_int_equal(apply(&l, "-:e"), 0); /* in every group */
	assert_int_equal(l.n, 0);
	fl_event_list_fini(&l);
}

/*
 * arm64's registers and arguments: offsets in struct user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h),
 * names of regs_query_register_offset(). No function begins with what another entry could stand behind.
 */
static void another_architecture(void **state)
{
	static const struct {
		const char *def, *dump, *code;
	} rows[] = {
		{ "p vfs_read a=%x1 b=%lr c=+8(%sp):u32",
		  "#  a: REG(8) -> ST_RAW(size=8) -> END\n#  b: REG(240) -> ST_RAW(size=8) -> END\n"
		  "#  c: REG(248) -> ST_MEM(offset=8,size=4) -> END\n", NULL },
		{ "p vfs_read %pc %pstate:x32 $stack1",
		  "#  arg1: REG(256) -> ST_RAW(size=8) -> END\n#  arg2: REG(264) -> ST_RAW(size=4) -> END\n"
		  "#  arg3: STACK(1) -> ST_RAW(size=8) -> END\n", NULL },
		{ "f vfs_read m=(file)$arg2->f_mode", "#  m: ARG(1) -> ST_MEM(offset=0,size=4) -> END\n", NULL },
		{ "p vfs_read %di", NULL, "BAD_REG_NAME" },
		{ "p vfs_read $stack2049", NULL, "BAD_STACK_NUM" },
		{ "r vfs_read+4", NULL, "BAD_RETPROBE" },
	};
	static struct fl_target *target;
	static struct btfw w;

	(void)state;
	make_small_target("arm64", &w, &target);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_verdict_ struct fl_probe_verdict v = {};
		_cleanup_buf_ struct fl_buf dump = {};
		struct fl_probe_event *e = NULL;
		int r = fl_probe_check(target, FL_DIALECT_V6, FL_FILE_DYNAMIC_EVENTS,
				       fl_str(rows[i].def), &e, &v);

		if (rows[i].code) {
			assert_true(r < 0 && v.diag.kind);
			assert_string_equal(v.diag.kind->code, rows[i].code);
			continue;
		}
		assert_int_equal(r, 0);
		fl_probe_event_dump(e, FL_DUMP_V6, &dump);
		assert_string_equal(fl_buf_z(&dump), rows[i].dump);
		fl_probe_event_free(e);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_as_the_kernel_reads_them),
		cmocka_unit_test(refusals_have_caret_span_and_help),
		cmocka_unit_test(refusals_of_7_3),
		cmocka_unit_test(removals_from_nothing),
		cmocka_unit_test(another_architecture),
		cmocka_unit_test(limits_on_both_sides),
		cmocka_unit_test(an_event_says_what_was_written),
		cmocka_unit_test(a_list_of_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
