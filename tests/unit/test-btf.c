/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BTF reader on bytes that are written here. Layouts and encodings are those of the kernel's
 * Documentation/bpf/btf.rst; the order in which members are searched is the one recorded from a
 * running kernel's probe events (named ones first, then anonymous ones, the last one first, at most
 * 16 put aside). Whole kernels' BTF is compared with bpftool in tests/system.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "btf-writer.h"
#include "foreland/diag.h"
#include "btf/btf.h"

static struct fl_btf *open_bytes(struct fl_str bytes, struct fl_btf *base, const char *name)
{
	struct fl_diag diag = {};
	struct fl_btf *btf = NULL;

	if (fl_btf_from_bytes(bytes.p, bytes.n, base, name, &diag, &btf) < 0)
		fail_msg("%s", diag.kind ? fl_diag_text(&diag) : "no reason given");
	return btf;
}

static void assert_str(struct fl_str s, const char *want)
{
	if (!fl_str_is(s, want))
		fail_msg("'%.*s' is not '%s'", FL_STR_ARG(s), want);
}

static struct fl_type named(const struct fl_btf *btf, const char *name, unsigned int kind)
{
	return fl_btf_find(btf, fl_str(name), FL_KIND(kind));
}

static void test_sizes(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, BTF_INT_SIGNED);
	uint32_t c = btfw_ref(&w, NULL, BTF_KIND_CONST, i);
	uint32_t td = btfw_ref(&w, "myint", BTF_KIND_TYPEDEF, c);
	uint32_t arr = btfw_array(&w, td, i, 5);
	uint32_t arr2 = btfw_array(&w, arr, i, 3);
	uint32_t p = btfw_ref(&w, NULL, BTF_KIND_PTR, arr2);
	uint32_t fwd = btfw_type(&w, "later", BTF_KIND_FWD, 0, 1, 0);
	uint32_t flt = btfw_type(&w, "double", BTF_KIND_FLOAT, 0, 0, 8);
	struct fl_btf *btf = open_bytes(btfw_finish(&w), NULL, "t");
	struct fl_int in;
	uint64_t n = 0;

	assert_int_equal(fl_btf_first_id(btf), 1);
	assert_int_equal(fl_btf_end_id(btf), 9);
	assert_int_equal(fl_type_int(fl_btf_type(btf, i), &in), 0);
	assert_true(in.is_signed && !in.is_char && !in.is_bool && in.bits == 32 && in.size == 4);
	assert_int_equal(fl_type_int(fl_btf_type(btf, c), &in), -EINVAL);
	assert_int_equal(fl_type_strip(fl_btf_type(btf, td)).id, i);
	assert_int_equal(fl_type_size(fl_btf_type(btf, arr2), &n), 0);
	assert_int_equal(n, 60);
	assert_int_equal(fl_type_size(fl_btf_type(btf, p), &n), 0);
	assert_int_equal(n, 8);
	assert_int_equal(fl_type_size(fl_btf_type(btf, flt), &n), 0);
	assert_int_equal(n, 8);
	assert_int_equal(fl_type_size(fl_btf_type(btf, fwd), &n), -ENOENT);
	assert_true(fl_type_kflag(fl_btf_type(btf, fwd)));
	assert_int_equal(fl_type_size(fl_btf_type(btf, 0), &n), -ENOENT);
	assert_true(fl_type_is_void(fl_btf_type(btf, 0)));
	assert_false(fl_type_ok(fl_btf_type(btf, 9)));
	assert_int_equal(fl_type_target(fl_btf_type(btf, arr2)).id, arr);
	fl_btf_close(btf);
	btfw_fini(&w);
}

/* The same answers by scanning (the first two look-ups) and from the index (those after). */
static void test_find(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, 0);
	uint32_t t1 = btfw_ref(&w, "foo", BTF_KIND_TYPEDEF, i);
	uint32_t s1 = btfw_struct(&w, "foo", 4, 0);
	uint32_t s2 = btfw_struct(&w, "foo", 8, 0);
	struct fl_btf *btf;

	btfw_struct(&w, "foobar", 4, 0);
	btf = open_bytes(btfw_finish(&w), NULL, "t");
	for (int round = 0; round < 4; round++) {
		struct fl_type t = named(btf, "foo", BTF_KIND_STRUCT);

		assert_int_equal(t.id, s1);
		t = fl_btf_find_next(t, FL_KIND(BTF_KIND_STRUCT));
		assert_int_equal(t.id, s2);
		assert_false(fl_type_ok(fl_btf_find_next(t, FL_KIND(BTF_KIND_STRUCT))));
		assert_int_equal(named(btf, "foo", BTF_KIND_TYPEDEF).id, t1);
		assert_int_equal(fl_btf_find(btf, FL_STR("foo"), ~0u).id, t1);
		assert_false(fl_type_ok(named(btf, "fo", BTF_KIND_STRUCT)));
		assert_false(fl_type_ok(named(btf, "fooba", BTF_KIND_STRUCT)));
		assert_false(fl_type_ok(named(btf, "", BTF_KIND_STRUCT)));
		assert_false(fl_type_ok(fl_btf_find(btf, FL_STR("foo\0x"), ~0u)));
		assert_false(fl_type_ok(named(btf, "int", BTF_KIND_STRUCT)));
	}
	fl_btf_close(btf);
	btfw_fini(&w);
}

static int count(void *ctx, struct fl_type t)
{
	++*(int *)ctx;
	return fl_str_is(fl_type_name(t), "stop") ? 42 : 0;
}

static void test_each(void **state)
{
	struct btfw w = {};
	struct fl_btf *btf;
	int n = 0;

	btfw_struct(&w, "task_struct", 4, 0);
	btfw_struct(&w, "task_group", 4, 0);
	btfw_struct(&w, NULL, 4, 0);
	btfw_ref(&w, "task_t", BTF_KIND_TYPEDEF, 1);
	btfw_struct(&w, "stop", 4, 0);
	btfw_struct(&w, "task_late", 4, 0);
	btf = open_bytes(btfw_finish(&w), NULL, "t");
	assert_int_equal(fl_btf_each(btf, FL_STR("task_*"), FL_KIND(BTF_KIND_STRUCT), count, &n), 0);
	assert_int_equal(n, 3);
	n = 0;
	assert_int_equal(fl_btf_each(btf, FL_STR("*"), FL_KIND(BTF_KIND_STRUCT), count, &n), 42);
	assert_int_equal(n, 4);
	fl_btf_close(btf);
	btfw_fini(&w);
}

/*
 * struct outer { struct { int x; int a; }; struct { int x; struct { int deep; }; }; int late:3; int x2; }
 */
static void test_members(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, BTF_INT_SIGNED), a1, a2, a3, c, outer;
	struct fl_member m = {};
	struct fl_btf *btf;

	a1 = btfw_struct(&w, NULL, 8, 2);
	btfw_member(&w, "x", i, 0);
	btfw_member(&w, "a", i, 32);
	a3 = btfw_struct(&w, NULL, 4, 1);
	btfw_member(&w, "deep", i, 0);
	a2 = btfw_struct(&w, NULL, 8, 2);
	btfw_member(&w, "x", i, 0);
	btfw_member(&w, NULL, a3, 32);
	c = btfw_ref(&w, NULL, BTF_KIND_CONST, a2); /* modifiers on the way are skipped */
	outer = btfw_type(&w, "outer", BTF_KIND_STRUCT, 4, 1, 24);
	btfw_member(&w, NULL, a1, 0);
	btfw_member(&w, NULL, c, 64);
	btfw_member(&w, "late", i, 3 << 24 | 128);
	btfw_member(&w, "x2", i, 160);
	btf = open_bytes(btfw_finish(&w), NULL, "t");

	struct fl_type t = fl_btf_type(btf, outer);

	assert_int_equal(fl_type_vlen(t), 4);
	assert_int_equal(fl_type_find_member(t, FL_STR("x"), &m), 0);
	assert_int_equal(m.bit_offset, 64); /* the last anonymous one is searched first */
	assert_int_equal(m.parent.id, a2);
	assert_int_equal(fl_type_find_member(t, FL_STR("a"), &m), 0);
	assert_int_equal(m.bit_offset, 32);
	assert_int_equal(fl_type_find_member(t, FL_STR("deep"), &m), 0);
	assert_int_equal(m.bit_offset, 96);
	assert_int_equal(m.bits, 0);
	assert_int_equal(fl_type_find_member(t, FL_STR("late"), &m), 0);
	assert_int_equal(m.bit_offset, 128);
	assert_int_equal(m.bits, 3);
	assert_int_equal(fl_type_find_member(t, FL_STR("dee"), &m), -ENOENT);
	assert_int_equal(fl_type_find_member(t, FL_STR(""), &m), -ENOENT);
	assert_int_equal(fl_type_find_member(fl_btf_type(btf, i), FL_STR("x"), &m), -EINVAL);
	assert_int_equal(fl_type_find_member(FL_TYPE_NONE, FL_STR("x"), &m), -EINVAL);
	fl_btf_close(btf);
	btfw_fini(&w);
}

/* 17 anonymous members: the seventeenth is not put aside. */
static void test_sixteen_anonymous(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, 0), anon[17], outer;
	struct fl_member m;
	struct fl_btf *btf;

	for (int k = 0; k < 17; k++) {
		char name[8];

		snprintf(name, sizeof(name), "m%d", k);
		anon[k] = btfw_struct(&w, NULL, 4, 1);
		btfw_member(&w, name, i, 0);
	}
	outer = btfw_struct(&w, "outer", 68, 17);
	for (int k = 0; k < 17; k++)
		btfw_member(&w, NULL, anon[k], k * 32);
	btf = open_bytes(btfw_finish(&w), NULL, "t");
	assert_int_equal(fl_type_find_member(fl_btf_type(btf, outer), FL_STR("m15"), &m), 0);
	assert_int_equal(m.bit_offset, 480);
	assert_int_equal(fl_type_find_member(fl_btf_type(btf, outer), FL_STR("m16"), &m), -ENOENT);
	fl_btf_close(btf);
	btfw_fini(&w);
}

static void test_circles(void **state)
{
	struct btfw w = {};
	uint32_t self, ring, arr, fn;
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_member m;
	struct fl_btf *btf;
	uint64_t n;

	self = btfw_struct(&w, "self", 8, 1);
	btfw_member(&w, NULL, self, 0);
	ring = btfw_ref(&w, "ring", BTF_KIND_TYPEDEF, 3);
	btfw_ref(&w, NULL, BTF_KIND_CONST, ring);
	arr = btfw_array(&w, 4, 1, 1);
	fn = btfw_proto(&w, 5, 1); /* returns, and takes, itself */
	btfw_pair(&w, "again", fn);
	btfw_ref(&w, NULL, BTF_KIND_PTR, 6);
	btf = open_bytes(btfw_finish(&w), NULL, "t");
	assert_int_equal(fl_type_find_member(fl_btf_type(btf, self), FL_STR("x"), &m), -ELOOP);
	assert_false(fl_type_ok(fl_type_strip(fl_btf_type(btf, ring))));
	assert_int_equal(fl_type_size(fl_btf_type(btf, ring), &n), -ELOOP);
	assert_int_equal(fl_type_size(fl_btf_type(btf, arr), &n), -ELOOP);
	for (uint32_t id = 1; id < fl_btf_end_id(btf); id++) {
		fl_type_print(fl_btf_type(btf, id), FL_STR("x"), &out);
		fl_type_print_def(fl_btf_type(btf, id), &out);
	}
	assert_true(out.len > 0);
	fl_btf_close(btf);
	btfw_fini(&w);
}

static void test_overflow(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, 0), big;
	struct fl_btf *btf;
	uint64_t n;

	big = btfw_array(&w, i, i, 0xffffffff);
	big = btfw_array(&w, big, i, 0xffffffff);
	big = btfw_array(&w, big, i, 0xffffffff);
	btf = open_bytes(btfw_finish(&w), NULL, "t");
	assert_int_equal(fl_type_size(fl_btf_type(btf, big), &n), -EOVERFLOW);
	fl_btf_close(btf);
	btfw_fini(&w);
}

static void test_split(void **state)
{
	struct btfw base = {}, one = {}, two = {};
	uint32_t i = btfw_int(&base, "int", 4, 0), s1, s2;
	struct fl_btf *vmlinux, *a, *b;
	struct fl_member m;

	btfw_struct(&base, "file", 8, 0);
	vmlinux = open_bytes(btfw_finish(&base), NULL, "vmlinux");
	one.base_types = two.base_types = 2;
	one.base_strs = two.base_strs = base.strs.len;
	s1 = btfw_struct(&one, "mine", 4, 1);
	btfw_member(&one, "m", i, 0);
	s2 = btfw_struct(&two, "other", 4, 1);
	btfw_member(&two, "o", 3, 0);
	a = open_bytes(btfw_finish(&one), vmlinux, "one");
	b = open_bytes(btfw_finish(&two), vmlinux, "two");

	assert_int_equal(s1, 3);
	assert_int_equal(s2, 3); /* the same id in two objects */
	assert_int_equal(fl_btf_first_id(a), 3);
	assert_ptr_equal(fl_btf_base(a), vmlinux);
	assert_str(fl_type_name(fl_btf_type(a, 3)), "mine");
	assert_str(fl_type_name(fl_btf_type(b, 3)), "other");
	assert_ptr_equal(fl_btf_type(b, 2).btf, vmlinux);
	assert_str(fl_type_name(fl_btf_type(b, 2)), "file");
	assert_int_equal(fl_type_find_member(fl_btf_type(a, 3), FL_STR("m"), &m), 0);
	assert_ptr_equal(m.type.btf, vmlinux);
	assert_string_equal(fl_btf_name(m.parent.btf), "one");
	assert_false(fl_type_ok(named(a, "file", BTF_KIND_STRUCT)));
	assert_int_equal(named(b, "other", BTF_KIND_STRUCT).id, 3);
	for (int k = 0; k < 3; k++) /* and from the index */
		assert_int_equal(named(b, "other", BTF_KIND_STRUCT).id, 3);
	fl_btf_close(b);
	fl_btf_close(a);
	fl_btf_close(vmlinux);
	btfw_fini(&base);
	btfw_fini(&one);
	btfw_fini(&two);
}

static void test_func_enum_var(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, BTF_INT_SIGNED), proto, fn, e, es, e64, var, sec;
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_enum_value v;
	struct fl_param p;
	struct fl_var pv;
	struct fl_btf *btf;

	proto = btfw_proto(&w, i, 2);
	btfw_pair(&w, "fd", i);
	btfw_pair(&w, NULL, 0);
	fn = btfw_func(&w, "do_it", proto);
	e = btfw_type(&w, "flags", BTF_KIND_ENUM, 2, 0, 4);
	btfw_pair(&w, "READ", 1);
	btfw_pair(&w, "WRITE", 2);
	es = btfw_type(&w, "level", BTF_KIND_ENUM, 1, 1, 4);
	btfw_pair(&w, "NEG", -1);
	e64 = btfw_type(&w, "wide", BTF_KIND_ENUM64, 1, 0, 8);
	btfw_pair(&w, "TOP", 1);
	btfw_u32(&w, 0x80000000);
	var = btfw_var(&w, "counter", i);
	sec = btfw_type(&w, ".data..percpu", BTF_KIND_DATASEC, 1, 0, 64);
	btfw_u32(&w, var);
	btfw_u32(&w, 32);
	btfw_u32(&w, 4);
	btfw_var(&w, "loose", i);
	btf = open_bytes(btfw_finish(&w), NULL, "t");

	assert_int_equal(fl_type_nr_params(fl_btf_type(btf, fn)), 2);
	assert_int_equal(fl_type_return(fl_btf_type(btf, fn)).id, i);
	assert_true(fl_type_param(fl_btf_type(btf, fn), 0, &p));
	assert_str(p.name, "fd");
	assert_true(fl_type_param(fl_btf_type(btf, proto), 1, &p));
	assert_true(fl_type_is_void(p.type));
	assert_false(fl_type_param(fl_btf_type(btf, fn), 2, &p));
	assert_int_equal(fl_type_nr_params(fl_btf_type(btf, i)), 0);

	assert_true(fl_type_enum_value(fl_btf_type(btf, es), 0, &v));
	assert_true(v.value == UINT64_MAX);
	assert_true(fl_type_enum_value(fl_btf_type(btf, e64), 0, &v));
	assert_true(v.value == 0x8000000000000001);
	fl_type_print_enum(fl_btf_type(btf, e), 2, &out);
	fl_buf_addc(&out, ' ');
	fl_type_print_enum(fl_btf_type(btf, e), 3, &out);
	fl_buf_addc(&out, ' ');
	fl_type_print_enum(fl_btf_type(btf, e), 0x11, &out);
	fl_buf_addc(&out, ' ');
	fl_type_print_enum(fl_btf_type(btf, e), 0, &out);
	fl_buf_addc(&out, ' ');
	fl_type_print_enum(fl_btf_type(btf, es), -7, &out);
	assert_string_equal(fl_buf_z(&out), "WRITE READ|WRITE READ|0x10 0 -7");

	assert_int_equal(fl_btf_find_var(btf, FL_STR("counter"), &pv), 0);
	assert_int_equal(pv.offset, 32);
	assert_int_equal(pv.type.id, i);
	assert_int_equal(pv.linkage, BTF_VAR_GLOBAL_ALLOCATED);
	assert_str(pv.section, ".data..percpu");
	assert_int_equal(fl_btf_find_var(btf, FL_STR("loose"), &pv), -ENOENT);
	assert_int_equal(fl_btf_find_var(btf, FL_STR("int"), &pv), -ENOENT);
	assert_false(fl_type_section_var(fl_btf_type(btf, sec), 1, &pv));
	fl_btf_close(btf);
	btfw_fini(&w);
}

/* What a C compiler takes for the same type, checked by reading. */
static void test_c_text(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, BTF_INT_SIGNED), file, proto, fnp, arr, cfile, pp;
	struct fl_btf *btf;

	file = btfw_type(&w, "file", BTF_KIND_FWD, 0, 0, 0);
	cfile = btfw_ref(&w, NULL, BTF_KIND_CONST, file);
	pp = btfw_ref(&w, NULL, BTF_KIND_PTR, cfile);
	proto = btfw_proto(&w, pp, 2);
	btfw_pair(&w, "n", i);
	btfw_pair(&w, NULL, 0);
	fnp = btfw_ref(&w, NULL, BTF_KIND_PTR, proto);
	arr = btfw_array(&w, fnp, i, 2);
	uint32_t cptr = btfw_ref(&w, NULL, BTF_KIND_CONST, pp);
	uint32_t parr = btfw_ref(&w, NULL, BTF_KIND_PTR, btfw_array(&w, i, i, 4));
	uint32_t noargs = btfw_func(&w, "nothing", btfw_proto(&w, 0, 0));
	uint32_t func = btfw_func(&w, "open_it", proto);
	uint32_t anon = btfw_type(&w, NULL, BTF_KIND_STRUCT, 1, 1, 4);

	btfw_member(&w, "low", i, 5 << 24);
	uint32_t s = btfw_type(&w, "box", BTF_KIND_STRUCT, 3, 1, 12);

	btfw_member(&w, "f", pp, 0);
	btfw_member(&w, NULL, anon, 64);
	btfw_member(&w, "bit", i, 1 << 24 | 65);
	btf = open_bytes(btfw_finish(&w), NULL, "t");

	const struct {
		uint32_t id;
		const char *name, *want;
	} rows[] = {
		{ i, "x", "int x" },
		{ i, "", "int" },
		{ pp, "f", "const struct file *f" },
		{ cptr, "f", "const struct file *const f" },
		{ fnp, "fn", "const struct file *(*fn)(int n, ...)" },
		{ arr, "fn", "const struct file *(*fn[2])(int n, ...)" },
		{ parr, "p", "int (*p)[4]" },
		{ noargs, "", "void nothing(void)" },
		{ func, "", "const struct file *open_it(int n, ...)" },
		{ anon, "s", "struct {...} s" },
		{ 0, "", "void" },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		_cleanup_buf_ struct fl_buf out = {};

		fl_type_print(fl_btf_type(btf, rows[k].id), fl_str(rows[k].name), &out);
		assert_string_equal(fl_buf_z(&out), rows[k].want);
	}

	_cleanup_buf_ struct fl_buf def = {};

	fl_type_print_def(fl_btf_type(btf, s), &def);
	assert_string_equal(fl_buf_z(&def), "struct box {\t/* size 12 */\n"
					    "\tconst struct file *f;\t/* 0 */\n"
					    "\tstruct {\n"
					    "\t\tint low : 5;\t/* 8 bit 0 */\n"
					    "\t};\t/* 8 */\n"
					    "\tint bit : 1;\t/* 8 bit 1 */\n"
					    "};\n");
	fl_btf_close(btf);
	btfw_fini(&w);
}

/* ---- what is wrong is said, with the place ---- */

static void assert_refused(struct fl_str bytes, int err, const char *code, const char *words)
{
	struct fl_diag diag = {};
	struct fl_btf *btf = NULL;
	int r = fl_btf_from_bytes(bytes.p, bytes.n, NULL, "bad", &diag, &btf);

	assert_int_equal(r, err);
	assert_null(btf);
	assert_non_null(diag.kind);
	assert_string_equal(diag.kind->code, code);
	if (!strstr(fl_diag_text(&diag), words))
		fail_msg("'%s' does not say '%s'", fl_diag_text(&diag), words);
	assert_string_equal(diag.place, "bad");
	fl_diag_fini(&diag);
}

static void test_refusals(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, 0);

	btfw_ref(&w, "t", BTF_KIND_TYPEDEF, 7);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_BAD_TYPE",
		       "type 2 (typedef 't') at byte 16 of the types refers to type 7 of 2");
	btfw_fini(&w);

	/* the first id that is not there: one behind the last, named by each place that refers */
	w = (struct btfw){};
	btfw_int(&w, "int", 4, 0);
	btfw_ref(&w, "t", BTF_KIND_TYPEDEF, 3);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_BAD_TYPE",
		       "type 2 (typedef 't') at byte 16 of the types refers to type 3 of 2");
	btfw_fini(&w);

	w = (struct btfw){};
	btfw_struct(&w, "s", 4, 1);
	btfw_member(&w, "a", 2, 0);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_BAD_TYPE", "refers to type 2 of 1");
	btfw_fini(&w);

	w = (struct btfw){};
	btfw_int(&w, "int", 4, 0);
	btfw_array(&w, 1, 3, 4);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_BAD_TYPE", "refers to type 3 of 2");
	btfw_fini(&w);

	w = (struct btfw){};
	btfw_int(&w, "int", 4, 0);
	btfw_struct(&w, "s", 4, 2);
	btfw_member(&w, "a", i, 0);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_TRUNCATED", "type 2 at byte 16");
	btfw_fini(&w);

	w = (struct btfw){};
	btfw_struct(&w, "s", 4, 1);
	btfw_u32(&w, 4000); /* the member's name */
	btfw_u32(&w, 0);
	btfw_u32(&w, 0);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_BAD_NAME", "type 1 at byte 0");
	btfw_fini(&w);

	w = (struct btfw){};
	btfw_type(&w, "odd", 20, 0, 0, 0);
	assert_refused(btfw_finish(&w), -EINVAL, "BTF_BAD_KIND", "type 1 at byte 0");
	btfw_fini(&w);

	w = (struct btfw){};
	btfw_int(&w, "int", 4, 0);
	btfw_finish(&w);
	w.all.data[w.all.len - 1] = 'x';
	assert_refused(fl_buf_str(&w.all), -EINVAL, "BTF_STRINGS", "NUL");
	btfw_finish(&w);
	w.all.data[0] = (char)0xeb;
	w.all.data[1] = (char)0x9f;
	assert_refused(fl_buf_str(&w.all), -EOPNOTSUPP, "BTF_BYTE_ORDER", "byte order");
	w.all.data[0] = 'E';
	assert_refused(fl_buf_str(&w.all), -EINVAL, "BTF_HEADER", "magic");
	btfw_fini(&w);
}

/*
 * A later kernel's object: the header tells of a layout section, by which a kind that we do not know
 * (the 20th is that of a location) is stepped over; and a count of more than 16 bits.
 */
static void test_later_kernels(void **state)
{
	static const uint8_t layout[21][4] = { [20] = { 4, 8 } };
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = 32 };
	struct btfw w = {};
	_cleanup_buf_ struct fl_buf b = {};
	uint32_t at[2], many = 70000, i, big, value;
	struct fl_enum_value v;
	struct fl_btf *btf;

	i = btfw_int(&w, "int", 4, 0);
	btfw_type(&w, "where", 20, 2, 0, 0xffff); /* no type, since we do not know */
	for (int k = 0; k < 5; k++)
		btfw_u32(&w, 0xdeadbeef);
	big = btfw_type(&w, "big", BTF_KIND_ENUM, many, 0, 4);
	value = btfw_str(&w, "V");
	for (uint32_t k = 0; k < many; k++) {
		btfw_u32(&w, value);
		btfw_u32(&w, k);
	}
	h.type_len = at[0] = w.types.len;
	at[1] = sizeof(layout);
	h.str_off = at[0] + at[1];
	h.str_len = w.strs.len;
	fl_buf_add(&b, &h, 24);
	fl_buf_add(&b, at, sizeof(at));
	fl_buf_add_str(&b, fl_buf_str(&w.types));
	fl_buf_add(&b, layout, sizeof(layout));
	fl_buf_add_str(&b, fl_buf_str(&w.strs));
	btf = open_bytes(fl_buf_str(&b), NULL, "later");
	assert_int_equal(fl_btf_end_id(btf), 4);
	assert_int_equal(fl_type_kind(fl_btf_type(btf, i)), BTF_KIND_INT);
	assert_int_equal(fl_type_kind(fl_btf_type(btf, 2)), BTF_KIND_UNKN);
	assert_str(fl_type_name(fl_btf_type(btf, 2)), "where");
	assert_int_equal(fl_type_vlen(fl_btf_type(btf, big)), many);
	assert_true(fl_type_enum_value(fl_btf_type(btf, big), many - 1, &v));
	assert_int_equal(v.value, many - 1);
	assert_int_equal(named(btf, "big", BTF_KIND_ENUM).id, big);
	fl_btf_close(btf);

	((uint32_t *)b.data)[7] = 80; /* the layout ends before that kind */
	assert_refused(fl_buf_str(&b), -EINVAL, "BTF_BAD_KIND",
		       "type 2 at byte 16 of the types is of the unknown kind 20");
	((uint32_t *)b.data)[7] = 1u << 30;
	assert_refused(fl_buf_str(&b), -EINVAL, "BTF_SECTION", "layout");
	btfw_fini(&w);
}

/* No beginning of a good object is a good object. */
static void test_truncation(void **state)
{
	struct btfw w = {};
	uint32_t i = btfw_int(&w, "int", 4, 0);
	struct fl_str bytes;

	btfw_struct(&w, "s", 4, 1);
	btfw_member(&w, "a", i, 0);
	bytes = btfw_finish(&w);
	for (size_t n = 0; n < bytes.n; n++) {
		char *copy = malloc(n ? n : 1); /* of its size, so that ASan sees a read past it */
		struct fl_diag diag = {};
		struct fl_btf *btf = NULL;

		memcpy(copy, bytes.p, n);
		assert_true(fl_btf_from_bytes(copy, n, NULL, "cut", &diag, &btf) == -EINVAL);
		assert_non_null(diag.kind);
		fl_diag_fini(&diag);
		free(copy);
	}
	btfw_fini(&w);
}

/* ---- files ---- */

static void put_section(struct fl_buf *b, uint32_t name, uint32_t type, uint64_t offset, uint64_t size)
{
	Elf64_Shdr sh = { .sh_name = name, .sh_type = type, .sh_offset = offset, .sh_size = size };

	fl_buf_add(b, &sh, sizeof(sh));
}

/* ELF header, section names, BTF (at an odd place), section table. */
static void make_elf(struct fl_str btf, struct fl_buf *b)
{
	static const char names[] = "\0.shstrtab\0.BTF";
	Elf64_Ehdr h = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 1,
	};
	uint64_t at_names = sizeof(h), at_btf = at_names + sizeof(names) + 1;

	at_btf |= 1;
	h.e_shoff = at_btf + btf.n;
	fl_buf_add(b, &h, sizeof(h));
	fl_buf_add(b, names, sizeof(names));
	fl_buf_fill(b, '\0', at_btf - b->len);
	fl_buf_add_str(b, btf);
	put_section(b, 0, SHT_NULL, 0, 0);
	put_section(b, 1, SHT_STRTAB, at_names, sizeof(names));
	put_section(b, 11, SHT_PROGBITS, at_btf, btf.n);
}

typedef int open_fn(const char *path, struct fl_btf *base, const char *name, struct fl_diag *diag,
		    struct fl_btf **ret);

static int open_file_by(open_fn *fn, struct fl_str bytes, const char *name, struct fl_diag *diag,
			struct fl_btf **ret)
{
	char path[] = "/tmp/foreland-test-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	close(fd);
	r = fn(path, NULL, name, diag, ret);
	unlink(path);
	return r;
}

static int open_file(struct fl_str bytes, const char *name, struct fl_diag *diag, struct fl_btf **ret)
{
	return open_file_by(fl_btf_open, bytes, name, diag, ret);
}

static void test_files(void **state)
{
	struct btfw w = {};
	_cleanup_buf_ struct fl_buf elf = {};
	struct fl_diag diag = {};
	struct fl_btf *btf = NULL;
	struct fl_str bytes;

	btfw_struct(&w, "inside", 4, 0);
	bytes = btfw_finish(&w);
	assert_int_equal(open_file(bytes, NULL, NULL, &btf), 0);
	assert_int_equal(named(btf, "inside", BTF_KIND_STRUCT).id, 1);
	assert_true(strncmp(fl_btf_name(btf), "foreland-test-", 14) == 0);
	fl_btf_close(btf);

	make_elf(bytes, &elf);
	assert_int_equal(open_file(fl_buf_str(&elf), "mod", NULL, &btf), 0);
	assert_int_equal(named(btf, "inside", BTF_KIND_STRUCT).id, 1);
	assert_string_equal(fl_btf_name(btf), "mod");
	fl_btf_close(btf);

	for (size_t n = 0; n < elf.len; n++) {
		btf = NULL;
		assert_true(open_file(fl_str_n(elf.data, n), NULL, &diag, &btf) < 0);
		assert_null(btf);
	}
	memcpy(memmem(elf.data, elf.len, ".BTF", 4), ".XYZ", 4);
	assert_int_equal(open_file(fl_buf_str(&elf), NULL, &diag, &btf), -ENODATA);
	assert_string_equal(diag.kind->code, "BTF_NO_SECTION");
	assert_int_equal(fl_btf_open("/nonexistent/vmlinux", NULL, NULL, &diag, &btf), -ENOENT);
	assert_string_equal(diag.place, "/nonexistent/vmlinux");
	fl_diag_fini(&diag);
	btfw_fini(&w);
}

/* ---- the running kernel's ---- */

/* Each type by id, and some by name, as they were written. */
static void assert_written(struct fl_str bytes, const char *const *names, uint32_t n)
{
	struct fl_diag diag = {};
	struct fl_btf *btf;

	assert_int_equal(open_file_by(fl_btf_open_kernel, bytes, "vmlinux", &diag, &btf), 0);
	assert_int_equal(fl_btf_end_id(btf), n + 1);
	for (uint32_t id = 1; id <= n; id++) {
		assert_str(fl_type_name(fl_btf_type(btf, id)), names[id] ?: "");
		if (names[id] && id % 1000 == 0) {
			struct fl_btf *fresh; /* which has no index yet */

			assert_int_equal(open_file_by(fl_btf_open_kernel, bytes, "vmlinux", &diag, &fresh), 0);
			assert_int_equal(fl_btf_find(fresh, fl_str(names[id]), ~0u).id, id);
			assert_int_equal(fl_btf_find(fresh, fl_str(names[id]), ~0u).id, id);
			assert_false(fl_type_ok(fl_btf_find(fresh, fl_str(names[id]), FL_KIND(BTF_KIND_FUNC))));
			assert_false(fl_type_ok(fl_btf_find(fresh, fl_str(names[id] + 1), ~0u)));
			fl_btf_close(fresh);
		}
	}
	fl_btf_close(btf);
	fl_diag_fini(&diag);
}

#define MANY 20000

/*
 * Many types, with an enum of @values somewhere in between. Its values are chosen such that they
 * could be types themselves (each two make an int of 4 bytes): who guesses where a type starts is led
 * astray there.
 */
static uint32_t write_many(struct btfw *w, uint32_t values, char **names)
{
	for (uint32_t i = 1; i <= MANY; i++) {
		assert_true(asprintf(&names[i], i % 3 ? "t_%u" : "s_%u", i) > 0);
		if (i == MANY / 5) {
			btfw_type(w, names[i], BTF_KIND_ENUM, values, 0, 4);
			for (uint32_t k = 0; k < values; k++) {
				btfw_u32(w, k % 2 ? 4 : 0);
				btfw_u32(w, k % 2 ? 32 : BTF_KIND_INT << 24);
			}
		} else if (i % 3) {
			btfw_ref(w, names[i], BTF_KIND_TYPEDEF, 0);
		} else {
			btfw_struct(w, names[i], 4, 1);
			btfw_member(w, names[i], i, 0);
		}
	}
	return MANY;
}

static void test_kernels(void **state)
{
	static const uint32_t values[] = { 1, 1000, 60000, 65535 };
	static char *names[MANY + 1];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct btfw w = {};
		uint32_t n = write_many(&w, values[i], names);

		assert_written(btfw_finish(&w), (const char *const *)names, n);
		btfw_fini(&w);
		while (n)
			free(names[n--]);
	}
}

/* What is not checked at the start is no name and no type when it is asked for. */
static void test_kernels_unchecked(void **state)
{
	struct btfw w = {};
	struct fl_diag diag = {};
	struct fl_member m = {};
	struct fl_btf *btf;
	uint32_t s = btfw_struct(&w, "s", 4, 1);
	uint32_t odd;

	btfw_u32(&w, 4000000); /* the member's name, and type */
	btfw_u32(&w, 4000000);
	btfw_u32(&w, 0);
	odd = btfw_ref(&w, "odd", BTF_KIND_PTR, 4000000);
	assert_int_equal(open_file_by(fl_btf_open_kernel, btfw_finish(&w), NULL, &diag, &btf), 0);
	assert_true(fl_type_member(fl_btf_type(btf, s), 0, &m));
	assert_str(m.name, "");
	assert_false(fl_type_ok(m.type));
	assert_false(fl_type_ok(fl_type_target(fl_btf_type(btf, odd))));
	fl_btf_close(btf);

	w.types.len -= 4; /* lengths are checked of any */
	btf = NULL;
	assert_int_equal(open_file_by(fl_btf_open_kernel, btfw_finish(&w), NULL, &diag, &btf), -EINVAL);
	assert_null(btf);
	assert_string_equal(diag.kind->code, "BTF_TRUNCATED");
	fl_diag_fini(&diag);
	btfw_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_sixteen_anonymous),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_func_enum_var),
		cmocka_unit_test(test_c_text),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_later_kernels),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_kernels_unchecked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
