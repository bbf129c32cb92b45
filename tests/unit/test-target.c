/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols, tracepoint formats, registers, and a target made of files. Symbol lines and formats are
 * in the form that a 6.12 and a 6.18 kernel print; register offsets are those recorded from a
 * running kernel's fetch programs (x86-64) and those of the ptrace ABI (arm64).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "btf-writer.h"
#include "foreland/diag.h"
#include "probe/target/owner.h"
#include "probe/target/target.h"

static void assert_str(struct fl_str s, const char *want)
{
	if (!fl_str_is(s, want))
		fail_msg("'%.*s' is not '%s'", FL_STR_ARG(s), want);
}

/* ---- symbols ---- */

static const char symbols[] = "ffffffff81000000 T _text\n"
			      "ffffffff81000000 T startup_64\n"
			      "ffffffff81000100 t s_next\n"
			      "ffffffff81000180 T vfs_read\n"
			      "ffffffff81000200 t s_next\n"
			      "ffffffff81000280 t do_one.isra.0\n"
			      "ffffffff810002c0 t do_one.isra.0.cold\n"
			      "ffffffff81000300 D jiffies\n"
			      "ffffffffc0000000 t s_next\t[xfs]\n"
			      "ffffffffc0000040 t init\t[xfs]\n"
			      "ffffffffc0000010 t tiny\t[xfs]\n"
			      "ffffffffc0001000 t bpf_prog_6deef7357e7b4530\t[bpf]\n";

static struct fl_ksyms *open_symbols(const char *text)
{
	struct fl_ksyms *k = NULL;

	assert_int_equal(fl_ksyms_from_text(fl_str(text), "t", NULL, &k), 0);
	return k;
}

static void test_symbols_by_name(void **state)
{
	struct fl_ksyms *k = open_symbols(symbols);
	struct fl_ksym s[8];

	assert_int_equal(fl_ksyms_count(k), 12);
	assert_false(fl_ksyms_hidden(k));
	assert_int_equal(fl_ksyms_find(k, FL_STR("vfs_read"), s, 8), 1);
	assert_true(s[0].addr == 0xffffffff81000180 && s[0].size == 0x80 && s[0].type == 'T');
	assert_int_equal(s[0].module.n, 0);
	assert_int_equal(fl_ksyms_find(k, FL_STR("s_next"), s, 2), 3); /* two of three are given */
	assert_true(s[1].addr == 0xffffffff81000200);
	assert_int_equal(fl_ksyms_find(k, FL_STR("xfs:s_next"), s, 8), 1);
	assert_str(s[0].module, "xfs");
	assert_true(s[0].size == 0x10); /* up to "tiny", which stands later in the file */
	assert_int_equal(fl_ksyms_find(k, FL_STR("vmlinux:s_next"), s, 8), 2);
	assert_int_equal(fl_ksyms_find(k, FL_STR("vfs_rea"), s, 8), 0);
	assert_int_equal(fl_ksyms_find(k, FL_STR(""), s, 8), 0);
	assert_int_equal(fl_ksyms_find_func(k, FL_STR("jiffies"), NULL, 0), 0);
	assert_int_equal(fl_ksyms_find(k, FL_STR("jiffies"), s, 8), 1);
	assert_true(s[0].size == 0); /* the last of the kernel's own */
	assert_int_equal(fl_ksyms_variants(k, FL_STR("do_one"), s, 8), 2);
	assert_str(s[0].name, "do_one.isra.0");
	assert_int_equal(fl_ksyms_variants(k, FL_STR("do_on"), s, 8), 0);
	fl_ksyms_close(k);
}

static void test_symbols_by_address(void **state)
{
	struct fl_ksyms *k = open_symbols(symbols);
	struct fl_ksym s;

	assert_int_equal(fl_ksyms_at(k, 0xffffffff81000185, &s), 0);
	assert_str(s.name, "vfs_read");
	assert_int_equal(fl_ksyms_at(k, 0xffffffff81000000, &s), 0);
	assert_str(s.name, "_text"); /* the first of two */
	assert_true(s.size == 0x100);
	assert_int_equal(fl_ksyms_at(k, 0xffffffffc000003f, &s), 0);
	assert_str(s.name, "tiny");
	assert_int_equal(fl_ksyms_at(k, 0x1000, &s), -ENOENT);
	/* as kallsyms_lookup_size_offset() has it: far behind the last module is nobody's */
	assert_int_equal(fl_ksyms_kernel_at(k, 0xffffffffc000003f, &s), 0);
	assert_int_equal(fl_ksyms_kernel_at(k, 0xffffffffd12eede0, &s), -ENOENT);
	fl_ksyms_close(k);

	k = open_symbols("0000000000000000 T _text\n0000000000000000 T vfs_read\n");
	assert_true(fl_ksyms_hidden(k));
	assert_int_equal(fl_ksyms_at(k, 0, &s), -ENOENT);
	assert_int_equal(fl_ksyms_find(k, FL_STR("vfs_read"), &s, 1), 1);
	fl_ksyms_close(k);
}

static int count_symbol(void *ctx, const struct fl_ksym *sym)
{
	++*(int *)ctx;
	return 0;
}

static void test_symbols_refused(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, start;
	} rows[] = {
		{ "ffffffff81000000 T _text\nnonsense\n", 2, 0 },
		{ "ffffffff81000000 T \n", 1, 19 },
		{ "ffffffff81000000 T a\nffffffff81000000 t b\txfs\n", 2, 21 },
		{ "fffffffff81000000 T a\n", 1, 0 }, /* 17 digits */
	};
	struct fl_ksyms *k = open_symbols(symbols);
	int n = 0;

	assert_int_equal(fl_ksyms_each(k, FL_STR("*_next"), count_symbol, &n), 0);
	assert_int_equal(n, 3);
	fl_ksyms_close(k);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_diag d = {};

		assert_int_equal(fl_ksyms_from_text(fl_str(rows[i].text), "t", &d, &k), -EINVAL);
		assert_string_equal(d.kind->code, "KSYMS_LINE");
		assert_int_equal(d.line, rows[i].line);
		assert_int_equal(d.span.start, rows[i].start);
		fl_diag_fini(&d);
	}
	assert_int_equal(fl_ksyms_from_text(FL_STR(""), "t", NULL, &k), -ENODATA);
}

/* ---- formats ---- */

static const char format[] =
	"name: demo_event\n"
	"ID: 317\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:__rel_loc u8[] buf;\toffset:28;\tsize:4;\tsigned:0;\n"
	"\tfield:struct list_head *head;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long args[NR_ARGS];\toffset:40;\tsize:48;\tsigned:0;\n"
	"\n"
	"print fmt: \"%s\n%d\", __get_str(name), REC->common_pid\n";

static void test_format(void **state)
{
	_cleanup_arena_ struct fl_arena arena = {};
	const struct fl_field *f;
	struct fl_format fmt;

	assert_int_equal(fl_format_parse(FL_STR("demo"), fl_str(format), &arena, NULL, &fmt), 0);
	assert_str(fmt.system, "demo");
	assert_str(fmt.name, "demo_event");
	assert_int_equal(fmt.id, 317);
	assert_int_equal(fmt.nr_fields, 7);
	assert_int_equal(fmt.size, 88);
	assert_str(fmt.print_fmt, "\"%s\n%d\", __get_str(name), REC->common_pid");
	f = fl_format_field(&fmt, FL_STR("common_pid"));
	assert_true(f && f->is_common && f->is_signed && f->offset == 4 && f->size == 4);
	f = fl_format_field(&fmt, FL_STR("prev_comm"));
	assert_true(f && !f->is_common && f->is_array && f->array_len == 16 && !f->is_signed);
	assert_str(f->type, "char");
	f = fl_format_field(&fmt, FL_STR("name"));
	assert_true(f && f->loc == FL_FIELD_DATA_LOC && f->is_array && f->array_len == 0);
	assert_str(f->type, "__data_loc char[]");
	assert_int_equal(fl_format_field(&fmt, FL_STR("buf"))->loc, FL_FIELD_REL_LOC);
	f = fl_format_field(&fmt, FL_STR("head"));
	assert_str(f->type, "struct list_head *");
	f = fl_format_field(&fmt, FL_STR("args"));
	assert_true(f->is_array && f->array_len == 0 && f->size == 48);
	assert_null(fl_format_field(&fmt, FL_STR("nam")));
}

static void test_format_refused(void **state)
{
#define HEAD "name: x\nID: 1\nformat:\n"
	static const struct {
		const char *text, *code;
		uint32_t line;
	} rows[] = {
		{ "", "FORMAT_NO_NAME", 0 },
		{ "name: x\nID: many\n", "FORMAT_NO_NAME", 2 },
		{ "name: x\nID: 1\nfields:\n", "FORMAT_LINE", 3 },
		{ HEAD "\tfield:int a;\toffset:0;\n", "FORMAT_FIELD", 4 },
		{ HEAD "\tfield:int a;\toffset:x;\tsize:4;\tsigned:0;\n", "FORMAT_FIELD", 4 },
		{ HEAD "\tfield:a;\toffset:0;\tsize:4;\tsigned:0;\n", "FORMAT_FIELD", 4 },
		{ HEAD "\tfield:int a];\toffset:0;\tsize:4;\tsigned:0;\n", "FORMAT_FIELD", 4 },
		{ HEAD "\tfield:int a;\toffset:4294967295;\tsize:4;\tsigned:0;\n", "FORMAT_RANGE", 4 },
		{ HEAD "\tfilter:int a;\n", "FORMAT_FIELD", 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_arena_ struct fl_arena arena = {};
		struct fl_diag d = { .place = "t" };
		struct fl_format fmt;

		assert_int_equal(fl_format_parse(FL_STR("s"), fl_str(rows[i].text), &arena, &d, &fmt),
				 -EINVAL);
		assert_string_equal(d.kind->code, rows[i].code);
		assert_int_equal(d.line, rows[i].line);
		fl_diag_fini(&d);
	}
}

/* ---- registers ---- */

static void test_registers(void **state)
{
	static const struct {
		const char *arch, *reg;
		int offset;
	} rows[] = {
		{ "x86_64", "r15", 0 },	    { "x86_64", "bp", 32 },   { "x86_64", "bx", 40 },
		{ "x86_64", "r11", 48 },    { "x86_64", "r10", 56 },  { "x86_64", "r9", 64 },
		{ "x86_64", "r8", 72 },	    { "x86_64", "ax", 80 },   { "x86_64", "cx", 88 },
		{ "x86_64", "dx", 96 },	    { "x86_64", "si", 104 },  { "x86_64", "di", 112 },
		{ "amd64", "orig_ax", 120 }, { "x86-64", "ip", 128 }, { "x86_64", "cs", 136 },
		{ "x86_64", "flags", 144 }, { "x86_64", "sp", 152 },  { "x86_64", "ss", 160 },
		{ "x86_64", "rax", -1 },    { "x86_64", "x0", -1 },   { "arm64", "x0", 0 },
		{ "arm64", "x30", 240 },    { "aarch64", "lr", 240 }, { "arm64", "sp", 248 },
		{ "arm64", "pc", 256 },	    { "arm64", "pstate", 264 }, { "arm64", "ax", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_arch *arch = fl_arch_find(fl_str(rows[i].arch));
		const struct fl_reg *reg = fl_arch_reg(arch, fl_str(rows[i].reg));

		assert_int_equal(reg ? reg->offset : -1, rows[i].offset);
	}
	assert_null(fl_arch_find(FL_STR("riscv")));
	assert_string_equal(fl_arch_reg_at(fl_arch_find(FL_STR("arm64")), 240)->name, "x30");
	assert_null(fl_arch_reg_at(fl_arch_find(FL_STR("arm64")), 4));
	for (size_t a = 0; fl_arch_get(a); a++) {
		const struct fl_arch *arch = fl_arch_get(a);

		assert_non_null(fl_arch_reg_at(arch, arch->ret));
		assert_non_null(fl_arch_reg_at(arch, arch->sp));
		assert_non_null(fl_arch_reg_at(arch, arch->ip));
		for (size_t i = 0; i < arch->nr_args; i++)
			assert_non_null(fl_arch_reg_at(arch, arch->args[i]));
	}
}

/* ---- a target of files ---- */

struct files {
	char dir[64], vmlinux[96], module[96], kallsyms[96], events[96];
};

static void put_file(char *path, size_t size, const char *dir, const char *name, struct fl_str text)
{
	FILE *f;

	snprintf(path, size, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	fclose(f);
}

#define VFS_READ_PROTO 4

/* vmlinux: struct file, vfs_read(), a tracepoint with a stub and one without, a per-CPU counter. */
static void make_vmlinux(struct btfw *w)
{
	uint32_t i = btfw_int(w, "int", 4, BTF_INT_SIGNED), ptr, proto, sec_var, tp, anon, s;

	s = btfw_struct(w, "file", 4, 1);
	btfw_member(w, "f_mode", i, 0);
	ptr = btfw_ref(w, NULL, BTF_KIND_PTR, s);
	proto = btfw_proto(w, i, 1);
	btfw_pair(w, "file", ptr);
	btfw_func(w, "vfs_read", proto);
	tp = btfw_proto(w, 0, 2);
	btfw_pair(w, "__data", i);
	btfw_pair(w, "prev", i);
	btfw_func(w, "__probestub_sched_switch", tp);
	anon = btfw_proto(w, 0, 2);
	btfw_pair(w, NULL, i);
	btfw_pair(w, NULL, i);
	btfw_ref(w, "btf_trace_old", BTF_KIND_TYPEDEF, btfw_ref(w, NULL, BTF_KIND_PTR, anon));
	sec_var = btfw_var(w, "hits", i);
	btfw_type(w, ".data..percpu", BTF_KIND_DATASEC, 1, 0, 64);
	btfw_u32(w, sec_var);
	btfw_u32(w, 8);
	btfw_u32(w, 4);
	assert_int_equal(proto, VFS_READ_PROTO);
}

static void make_files(struct files *f)
{
	struct btfw base = {}, mod = {};
	char path[512];
	struct fl_str bytes;

	strncpy(f->dir, "/tmp/foreland-test-XXXXXX", sizeof(f->dir));
	assert_non_null(mkdtemp(f->dir));
	make_vmlinux(&base);
	bytes = btfw_finish(&base);
	put_file(f->vmlinux, sizeof(f->vmlinux), f->dir, "vmlinux", bytes);
	mod.base_types = base.n;
	mod.base_strs = base.strs.len;
	btfw_struct(&mod, "xfs_inode", 8, 1);
	btfw_member(&mod, "i_ino", 1, 32);
	btfw_func(&mod, "xfs_open", VFS_READ_PROTO);
	btfw_func(&mod, "vfs_read", VFS_READ_PROTO);
	put_file(f->module, sizeof(f->module), f->dir, "nf-xfs.ko", btfw_finish(&mod));
	put_file(f->kallsyms, sizeof(f->kallsyms), f->dir, "kallsyms", fl_str(symbols));
	snprintf(f->events, sizeof(f->events), "%s/events", f->dir);
	mkdir(f->events, 0755);
	snprintf(path, sizeof(path), "%s/demo", f->events);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/demo/demo_event", f->events);
	mkdir(path, 0755);
	put_file(path, sizeof(path), f->events, "demo/demo_event/format", fl_str(format));
	put_file(path, sizeof(path), f->events, "demo/enable", FL_STR("0\n"));
	btfw_fini(&base);
	btfw_fini(&mod);
}

static void remove_files(struct files *f)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -r '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
}

static int count_event(void *ctx, struct fl_str system, struct fl_str event)
{
	assert_str(system, "demo");
	assert_str(event, "demo_event");
	++*(int *)ctx;
	return 0;
}

static void test_target_types(struct fl_target *t)
{
	struct fl_type type;
	struct fl_param p;
	struct fl_btf *btf;
	struct fl_var v;

	type = fl_target_type(t, FL_STR("xfs_inode"), FL_KIND(BTF_KIND_STRUCT));
	assert_string_equal(fl_btf_name(type.btf), "nf_xfs");
	type = fl_target_func(t, FL_STR("vfs_read"));
	assert_string_equal(fl_btf_name(type.btf), "vmlinux"); /* which is searched first */
	type = fl_target_func(t, FL_STR("nf_xfs:vfs_read"));
	assert_string_equal(fl_btf_name(type.btf), "nf_xfs");
	assert_false(fl_type_ok(fl_target_func(t, FL_STR("nope:vfs_read"))));
	assert_false(fl_type_ok(fl_target_func(t, FL_STR("vmlinux:xfs_open"))));
	type = fl_target_tracepoint(t, FL_STR("sched_switch"));
	assert_true(fl_type_param(type, 1, &p));
	assert_str(p.name, "prev");
	type = fl_target_tracepoint(t, FL_STR("old"));
	assert_int_equal(fl_type_nr_params(type), 2);
	assert_false(fl_type_ok(fl_target_tracepoint(t, FL_STR("none"))));
	assert_int_equal(fl_target_percpu(t, FL_STR("hits"), &v), 0);
	assert_int_equal(v.offset, 8);
	assert_int_equal(fl_target_percpu(t, FL_STR("misses"), &v), -ENOENT);
	assert_int_equal(fl_target_module_btf(t, FL_STR("vmlinux"), &btf), 0);
	assert_int_equal(fl_target_module_btf(t, FL_STR("ext4"), &btf), -ENOENT);
}

static void test_target_of_files(void **state)
{
	struct files f;
	const char *btf[2];
	struct fl_target_opts opts = { .btf = { btf, 2 }, .arch = "arm64", .root = "/mnt" };
	_cleanup_buf_ struct fl_buf path = {};
	const struct fl_format *fmt, *again;
	struct fl_target *t = NULL;
	struct fl_ksyms *k;
	int n = 0;

	make_files(&f);
	btf[0] = f.vmlinux;
	btf[1] = f.module;
	opts.kallsyms = f.kallsyms;
	opts.events = f.events;
	assert_int_equal(fl_target_open(&opts, &t), 0);
	assert_false(fl_target_is_live(t));
	assert_string_equal(fl_target_arch(t)->name, "arm64");
	test_target_types(t);
	assert_int_equal(fl_target_ksyms(t, &k), 0);
	assert_int_equal(fl_ksyms_count(k), 12);
	assert_int_equal(fl_target_format(t, FL_STR("demo"), FL_STR("demo_event"), &fmt), 0);
	assert_int_equal(fmt->id, 317);
	assert_int_equal(fl_target_format(t, FL_STR("demo"), FL_STR("demo_event"), &again), 0);
	assert_ptr_equal(fmt, again);
	assert_int_equal(fl_target_format(t, FL_STR("demo"), FL_STR("other"), &fmt), -ENOENT);
	assert_int_equal(fl_target_format(t, FL_STR(".."), FL_STR("demo"), &fmt), -ENOENT);
	assert_int_equal(fl_target_each_event(t, FL_STR("demo_*"), count_event, &n), 0);
	assert_int_equal(fl_target_each_event(t, FL_STR("demo/*"), count_event, &n), 0);
	assert_int_equal(fl_target_each_event(t, FL_STR("other/*"), count_event, &n), 0);
	assert_int_equal(n, 2);
	assert_null(fl_target_tracefs(t));
	fl_target_path(t, FL_STR("/bin/true"), &path);
	assert_string_equal(fl_buf_z(&path), "/mnt/bin/true");
	fl_target_close(t);
	remove_files(&f);
}

/* What was not given is not taken from the running kernel, and what is wrong stays wrong. */
static void test_target_without(void **state)
{
	struct files f;
	const char *btf[1];
	struct fl_target_opts opts = { .btf = { btf, 1 } };
	const struct fl_format *fmt;
	struct fl_target *t = NULL;
	struct fl_ksyms *k;
	struct fl_btf *b;

	make_files(&f);
	btf[0] = f.kallsyms;
	assert_int_equal(fl_target_open(&opts, &t), 0);
	assert_null(fl_target_why(t));
	assert_int_equal(fl_target_ksyms(t, &k), -ENOENT);
	assert_int_equal(fl_target_format(t, FL_STR("sched"), FL_STR("sched_switch"), &fmt), -ENOENT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fl_target_btf(t, &b), -EINVAL);
	assert_int_equal(fl_target_check(t), -EINVAL);
	assert_string_equal(fl_target_why(t)->kind->code, "BTF_HEADER");
	assert_string_equal(fl_target_why(t)->place, f.kallsyms);
	assert_false(fl_type_ok(fl_target_type(t, FL_STR("file"), ~0u)));
	fl_target_close(t);
	for (int i = 0; i < 4; i++) {
		const char *nowhere = "/nonexistent/file";

		opts = (struct fl_target_opts){
			.btf = { &nowhere, i == 0 },
			.kallsyms = i == 1 ? nowhere : NULL,
			.events = i == 2 ? nowhere : NULL,
			.root = i == 3 ? nowhere : NULL,
		};
		assert_int_equal(fl_target_open(&opts, &t), 0);
		assert_int_equal(fl_target_check(t), -ENOENT);
		assert_string_equal(fl_target_why(t)->place, nowhere);
		fl_target_close(t);
	}
	opts = (struct fl_target_opts){ .arch = "vax" };
	assert_int_equal(fl_target_open(&opts, &t), -EINVAL);
	remove_files(&f);
}

/* ---- who owns what is in tracefs ---- */

static int count_removed(void *ctx, struct fl_str what, int err)
{
	assert_int_equal(err, fl_str_is(what, "foreland_1_7_1/d") ? -EXDEV : 0); /* of another namespace */
	*(int *)ctx += err == 0;
	return 0;
}

static void read_back(const char *path, char *text, size_t n)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, n - 1, f)] = '\0';
	fclose(f);
}

/* A folder stands for tracefs: what would be written into dynamic_events is behind its lines. */
static void test_owner(void **state)
{
	static const char *const others[] = {
		"foreland_1", "foreland_1_", "foreland__1", "foreland_x_1", "foreland_1_1x", "forelan_1_1",
		"foreland_0_1", "foreland_99999999999_1", "foreland_1_1_x", "foreland_1_1_1_1", "",
	};
	char dir[] = "/tmp/foreland-test-XXXXXX", path[64], text[512], want[512], cmd[64];
	_cleanup_buf_ struct fl_buf mine = {}, lines = {}, gone = {};
	const char *container;
	int removed = 0;

	assert_int_equal(fl_owner_name(0, &mine), 0);
	assert_true(fl_owner_is(fl_buf_str(&mine)));
	assert_int_equal(fl_owner_state(fl_buf_str(&mine)), FL_OWNER_ALIVE);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(fl_owner_is(fl_str(others[i])));
	/* Process 1 runs, but was not started a moment after the boot's end of time. */
	assert_true(fl_owner_is(FL_STR("foreland_1_18446744073709551615")));
	assert_int_equal(fl_owner_state(FL_STR("foreland_1_18446744073709551615_1")), FL_OWNER_ELSEWHERE);
	/* in a container the namespace stands behind it */
	container = strrchr(fl_buf_z(&mine), '_');
	container = strchr(strchr(fl_buf_z(&mine), '_') + 1, '_') == container ? "" : container;
	fl_buf_addf(&gone, "foreland_1_18446744073709551615%s", container);
	assert_int_equal(fl_owner_state(fl_buf_str(&gone)), FL_OWNER_GONE);

	assert_non_null(mkdtemp(dir));
	fl_buf_addf(&lines, "p:kprobes/a vfs_read\nf:%s/b vfs_read\nf:%s/c vfs_read x=y:u8\nf:foreland_1_7_1/d f\n",
		    fl_buf_z(&mine), fl_buf_z(&gone));
	put_file(path, sizeof(path), dir, "dynamic_events", fl_buf_str(&lines));
	assert_int_equal(fl_owner_clean(dir, count_removed, &removed), 0);
	assert_int_equal(removed, 1);
	read_back(path, text, sizeof(text));
	snprintf(want, sizeof(want), "%s-:%s/c\n", fl_buf_z(&lines), fl_buf_z(&gone));
	assert_string_equal(text, want);
	unlink(path);
	assert_int_equal(fl_owner_clean(dir, count_removed, &removed), -ENOENT);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols_by_name),
		cmocka_unit_test(test_symbols_by_address),
		cmocka_unit_test(test_symbols_refused),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_refused),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_target_of_files),
		cmocka_unit_test(test_target_without),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
