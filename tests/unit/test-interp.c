/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter, on the memory of a small program whose probes a 6.12 kernel fired: the function
 * ufunc(long a, unsigned b, const char *s, struct udata *u), called with (-7, 0xfffffff0,
 * "ustring arg", &UD) and with (3, 4, (char *)16, (struct udata *)8). The expected texts are that
 * kernel's lines, except for @+OFFSET, which it got wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "probe/fetch/interp.h"
#include "probe/lang/check.h"
#include "probe/target/target.h"

#define UDATA	0x4a70e0
#define STRINGS 0x480000
#define IMAGE	0x400000 /* load address */

/* struct udata, and behind it what its pointers point to */
struct image {
	uint8_t udata[112];
	char strings[64];
};

struct world {
	struct image image;
	uint64_t regs[22];
};

static void make_image(struct image *m)
{
	static const uint8_t b[8] = { 1, 2, 0x80, 0xff, 'A', 'z', 0, 9 };
	static const int16_t s[4] = { -1, 2, -300, 32767 };
	static const int32_t i[4] = { -5, 0x7fffffff, (int32_t)0x80000000, 42 };
	static const int64_t l[2] = { -1234567890123, 0x1122334455667788 };

	memcpy(m->udata, b, 8);
	for (int k = 0; k < 4; k++) {
		fl_put_le16(m->udata + 8 + 2 * k, s[k]);
		fl_put_le32(m->udata + 16 + 4 * k, i[k]);
	}
	fl_put_le64(m->udata + 32, l[0]);
	fl_put_le64(m->udata + 40, l[1]);
	memcpy(m->strings, "first\0second\0third\0ustring arg", 31);
	fl_put_le64(m->udata + 48, STRINGS);
	fl_put_le64(m->udata + 56, STRINGS + 6);
	fl_put_le64(m->udata + 64, STRINGS + 13);
	memcpy(m->udata + 72, "array-text", 11);
	fl_put_le32(m->udata + 88, 5 | 100 << 3 | 0x12345u << 10); /* bit-fields 3:5, 7:100, 22 */
}

static int read_memory(void *ctx, uint64_t addr, bool user, void *buf, size_t n)
{
	struct world *w = ctx;

	(void)user;
	if (addr >= UDATA && fl_range_ok(addr - UDATA, n, sizeof(w->image.udata)))
		memcpy(buf, w->image.udata + (addr - UDATA), n);
	else if (addr >= STRINGS && fl_range_ok(addr - STRINGS, n, sizeof(w->image.strings)))
		memcpy(buf, w->image.strings + (addr - STRINGS), n);
	else
		return -EFAULT;
	return 0;
}

static int load_value(void *ctx, const struct fl_fetch_insn *insn, uint64_t *ret)
{
	struct world *w = ctx;

	switch (insn->op) {
	case FL_FETCH_REG:
		*ret = w->regs[insn->param / 8];
		return 0;
	case FL_FETCH_RETVAL:
		*ret = w->regs[10];
		return 0;
	case FL_FETCH_FOFFS:
		*ret = IMAGE + insn->imm;
		return 0;
	default:
		return -EINVAL;
	}
}

static void print_one(struct fl_buf *out, const struct fl_probe_arg *a, const struct fl_interp *r,
		      size_t i)
{
	const struct fl_fetched *v = &r->v[i];
	unsigned int shift = 64 - 8 * a->type->size;

	switch (a->type->print) {
	case FL_PRINT_UNSIGNED:
		fl_buf_addf(out, "%llu", (unsigned long long)v->value);
		break;
	case FL_PRINT_SIGNED:
		fl_buf_addf(out, "%lld", (long long)(v->value << shift) >> shift);
		break;
	case FL_PRINT_CHAR:
		fl_buf_addf(out, "'%c'", (int)v->value);
		break;
	case FL_PRINT_STRING:
		if (v->fault)
			fl_buf_addz(out, "(fault)");
		else
			fl_buf_addf(out, "\"%s\"", r->strings.data + v->string);
		break;
	default:
		fl_buf_addf(out, "0x%llx", (unsigned long long)v->value);
	}
}

static void print_arg(struct fl_buf *out, const struct fl_probe_arg *a, struct world *w)
{
	struct fl_machine m = { .read = read_memory, .load = load_value, .percpu = 0x1000, .ctx = w };
	struct fl_interp r = {};

	assert_int_equal(fl_fetch_check(&a->program), 0);
	assert_int_equal(fl_interp_run(&a->program, &m, &r), 0);
	fl_buf_addf(out, " %.*s=%s", FL_STR_ARG(a->name), a->count ? "{" : "");
	for (size_t i = 0; i < r.n; i++) {
		if (i)
			fl_buf_addc(out, ',');
		print_one(out, a, &r, i);
	}
	if (a->count)
		fl_buf_addc(out, '}');
	fl_interp_fini(&r);
}

/* What the arguments of @def give, in the form of a trace line. */
static void expect(struct world *w, const char *def, const char *text)
{
	struct fl_target_opts opts = { .arch = "x86_64", .kallsyms = "/dev/null" };
	_cleanup_target_ struct fl_target *target = NULL;
	struct fl_probe_event *e = NULL;
	_cleanup_buf_ struct fl_buf out = {};

	assert_int_equal(fl_target_open(&opts, &target), 0);
	assert_int_equal(fl_probe_check(target, FL_DIALECT_V6, FL_FILE_DYNAMIC_EVENTS, fl_str(def),
					&e, NULL), 0);
	for (size_t i = 0; i < e->nr_args; i++)
		print_arg(&out, &e->args[i], w);
	assert_string_equal(fl_buf_z(&out), text);
	fl_probe_event_free(e);
}

enum { CX = 88 / 8, DX = 96 / 8, SI = 104 / 8, DI = 112 / 8, AX = 80 / 8 };

static struct world first_call(void)
{
	struct world w = {};

	make_image(&w.image);
	w.regs[DI] = -7;
	w.regs[SI] = 0xfffffff0;
	w.regs[DX] = STRINGS + 19;
	w.regs[CX] = UDATA;
	return w;
}

static void values_and_arrays(void **state)
{
	struct world w = first_call();

	(void)state;
	w.regs[AX] = 2ULL * -7 + 0xfffffff0;
	expect(&w, "p:rt/u /rrun:0x1870 a=%di b=%si:u32 bs=%si:s32 s=+0(%dx):ustring s2=+0(%dx):string "
		   "u8=+0(%cx):u8[8] sh=+8(%cx):s16[4] i=+16(%cx):s32[4] l=+32(%cx):s64[2]",
	       " a=0xfffffffffffffff9 b=4294967280 bs=-16 s=\"ustring arg\" s2=\"ustring arg\" "
	       "u8={1,2,128,255,65,122,0,9} sh={-1,2,-300,32767} i={-5,2147483647,-2147483648,42} "
	       "l={-1234567890123,1234605616436508552}");
	expect(&w, "p:rt/um /rrun:0x1870 a=@0x4a70e0:x8[8] b=@+0xa70e0:x8[8]",
	       " a={0x1,0x2,0x80,0xff,0x41,0x7a,0x0,0x9} b={0x1,0x2,0x80,0xff,0x41,0x7a,0x0,0x9}");
	expect(&w, "r:rt/ur /rrun:0x1870 r=$retval rs=$retval:s64 ru=$retval:u32",
	       " r=0xffffffe2 rs=4294967266 ru=4294967266");
}

static void strings_and_bitfields(void **state)
{
	struct world w = first_call();

	(void)state;
	expect(&w, "p:a/b /rrun:0x1 p=+48(%cx):string[3] q=+0(+56(%cx)):string t=+72(%cx):string c=+72(%cx):char[5]",
	       " p={\"first\",\"second\",\"third\"} q=\"second\" t=\"array-text\" "
	       "c={'a','r','r','a','y'}");
	expect(&w, "p:a/b /rrun:0x1 x=+88(%cx):b3@0/32 y=+88(%cx):b7@3/32 z=+88(%cx):b22@10/32",
	       " x=5 y=100 z=74565");
	expect(&w, "p:a/b /rrun:0x1 x=this_cpu_ptr(%di) y=\\-1:s8", " x=0xff9 y=-1");
}

static void faults(void **state)
{
	struct world w = { .regs = { [DI] = 3, [SI] = 4, [DX] = 16, [CX] = 8 } };

	(void)state;
	make_image(&w.image);
	expect(&w, "p:rt/uf /rrun:0x1870 s=+0(%dx):ustring t=+0(%dx):string p=+48(%cx):string[2] ok=%di:u8",
	       " s=(fault) t=(fault) p={(fault),(fault)} ok=3");
}

/* argv as Linux lays it out: pointers, a null, and then those of the environment. */
static void a_null_ends_a_list_of_the_users(void **state)
{
	struct world w = first_call();

	(void)state;
	fl_put_le64(w.image.udata + 56, 0);
	expect(&w, "p:a/b /rrun:0x1 p=+48(%cx):ustring[3]", " p={\"first\",(fault),(fault)}");
	expect(&w, "p:a/b /rrun:0x1 p=+48(%cx):string[3]", " p={\"first\",(fault),\"third\"}");
}

static void long_strings_are_cut(void **state)
{
	struct world w = first_call();
	struct fl_machine m = { .read = read_memory, .load = load_value, .string_max = 4, .ctx = &w };
	struct fl_fetch_program p = { .n = 3, .code = { { .op = FL_FETCH_IMM, .imm = STRINGS },
		{ .op = FL_FETCH_ST_STRING, .size = 4 }, { .op = FL_FETCH_END } } };
	struct fl_interp r = {};

	(void)state;
	assert_int_equal(fl_interp_run(&p, &m, &r), 0);
	assert_int_equal(r.v[0].length, 3);
	assert_string_equal(r.strings.data + r.v[0].string, "fir");
	fl_interp_fini(&r);
}

static void bad_programs_are_refused(void **state)
{
	static const struct fl_fetch_insn end = { .op = FL_FETCH_END },
		raw = { .op = FL_FETCH_ST_RAW, .size = 8 }, reg = { .op = FL_FETCH_REG },
		deref = { .op = FL_FETCH_DEREF }, odd = { .op = FL_FETCH_ST_RAW, .size = 3 };

	(void)state;
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 3, { reg, raw, end } }), 0);
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 2, { reg, raw } }), -EINVAL);
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 3, { raw, reg, end } }), -EINVAL);
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 4, { reg, raw, deref, end } }),
			 -EINVAL);
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 3, { reg, odd, end } }), -EINVAL);
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 4, { reg, reg, raw, end } }),
			 -EINVAL);
	assert_int_equal(fl_fetch_check(&(struct fl_fetch_program){ 3, { reg, deref, end } }), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_arrays),
		cmocka_unit_test(strings_and_bitfields),
		cmocka_unit_test(faults),
		cmocka_unit_test(a_null_ends_a_list_of_the_users),
		cmocka_unit_test(long_strings_are_cut),
		cmocka_unit_test(bad_programs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
