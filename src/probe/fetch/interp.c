/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program has a load, dereferences, a store, perhaps a bit-field and a loop. The loop repeats the
 * store alone, each time one element further on; but an array of strings is one of pointers, so there
 * the last dereference is repeated, from where the next pointer lies.
 */
#include "probe/fetch/interp.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

#define STRING_MAX 4096

struct run {
	const struct fl_machine *m;
	const struct fl_fetch_insn *code;
	struct fl_interp *out;
	uint64_t value; /* what flows through the program */
	uint64_t before; /* and what it was before the last dereference */
};

void fl_interp_fini(struct fl_interp *r)
{
	fl_buf_fini(&r->strings);
	*r = (struct fl_interp){};
}

static int load(struct run *r)
{
	if (r->code->op == FL_FETCH_NOP_SYMBOL)
		r->code++;
	if (r->code->op == FL_FETCH_IMM) {
		r->value = r->code++->imm;
		return 0;
	}
	return r->m->load(r->m->ctx, r->code++, &r->value);
}

static int dereference(struct run *r, const struct fl_fetch_insn *insn)
{
	uint8_t word[8];
	int err;

	r->before = r->value;
	if (insn->op == FL_FETCH_CPU_PTR) {
		r->value += r->m->percpu;
		return 0;
	}
	err = r->m->read(r->m->ctx, r->value + (int64_t)insn->offset, insn->op == FL_FETCH_UDEREF, word,
			 sizeof(word));
	if (err == 0)
		r->value = fl_get_le64(word);
	return err;
}

/* The string at @addr, byte by byte; one that is too long is cut, once the byte that gives way to its
 * NUL was read. */
static int store_string(struct run *r, uint64_t addr, bool user, struct fl_fetched *v)
{
	size_t max = r->m->string_max ? r->m->string_max : STRING_MAX;
	char c = '\0';

	v->string = r->out->strings.len;
	for (size_t n = 0; n < max; n++) {
		if (r->m->read(r->m->ctx, addr + n, user, &c, 1) < 0) {
			r->out->strings.len = v->string;
			v->fault = true;
			return 0;
		}
		if (c == '\0' || n + 1 == max)
			break;
		fl_buf_addc(&r->out->strings, c);
	}
	v->length = r->out->strings.len - v->string;
	fl_buf_addc(&r->out->strings, '\0');
	return r->out->strings.error;
}

static uint64_t low_bytes(uint64_t v, uint32_t size)
{
	return size >= 8 ? v : v & ((1ULL << size * 8) - 1);
}

static uint64_t bitfield(const struct fl_fetch_insn *bf, uint64_t v)
{
	/* A shift by the whole width, which a program may ask for, leaves nothing. */
	v = bf->lshift < 64 ? low_bytes(v << bf->lshift, bf->basesize) : 0;
	return bf->rshift < 64 ? v >> bf->rshift : 0;
}

static void store_memory(struct run *r, const struct fl_fetch_insn *insn, uint64_t addr,
			 struct fl_fetched *v)
{
	uint8_t bytes[8] = {};

	if (r->m->read(r->m->ctx, addr, insn->op == FL_FETCH_ST_UMEM, bytes, insn->size) < 0)
		v->fault = true;
	else
		v->value = fl_get_le64(bytes);
}

static int store(struct run *r, const struct fl_fetch_insn *insn, struct fl_fetched *v)
{
	uint64_t addr = r->value + (int64_t)insn->offset;

	switch (insn->op) {
	case FL_FETCH_ST_RAW:
		v->value = low_bytes(r->value, insn->size);
		break;
	case FL_FETCH_ST_MEM:
	case FL_FETCH_ST_UMEM:
		store_memory(r, insn, addr, v);
		break;
	case FL_FETCH_ST_STRING:
	case FL_FETCH_ST_USTRING:
		return store_string(r, addr, insn->op == FL_FETCH_ST_USTRING, v);
	case FL_FETCH_ST_SYMSTR:
		v->value = addr;
		break;
	default:
		return -EINVAL;
	}
	if (insn[1].op == FL_FETCH_MOD_BF && !v->fault)
		v->value = low_bytes(bitfield(&insn[1], v->value), insn->size);
	return 0;
}

static uint32_t count(const struct fl_fetch_insn *st)
{
	for (; st->op != FL_FETCH_END; st++) {
		if (st->op == FL_FETCH_LP_ARRAY)
			return st->param;
	}
	return 1;
}

static bool is_string(const struct fl_fetch_insn *st)
{
	return st->op == FL_FETCH_ST_STRING || st->op == FL_FETCH_ST_USTRING;
}

/* Goes on to the next element. The kernel finds the next pointer from the last dereference alone. */
static int advance(struct run *r)
{
	if (!is_string(r->code)) {
		r->value += r->code->size;
		return 0;
	}
	if (fl_fetch_ops[r->code[-1].op].stage != FL_STAGE_DEREF)
		return -EILSEQ;
	r->value = r->before + 8;
	return dereference(r, r->code - 1);
}

static void all_faults(struct fl_interp *out, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < n; i++)
		out->v[i] = (struct fl_fetched){ .fault = true };
}

/* A null among the pointers of a list of the user's: nothing behind it is of the list. */
static bool is_end_of_list(const struct run *r, uint32_t n)
{
	return n > 1 && r->value == 0 && is_string(r->code) && fl_fetch_ops[r->code[-1].op].stage == FL_STAGE_DEREF &&
	       (r->m->user || r->code->op == FL_FETCH_ST_USTRING);
}

static int run_loop(struct run *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int err;

		if ((i && advance(r) < 0) || is_end_of_list(r, n)) {
			all_faults(r->out, i, n);
			return 0;
		}
		r->out->v[i] = (struct fl_fetched){};
		err = store(r, r->code, &r->out->v[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

int fl_interp_run(const struct fl_fetch_program *p, const struct fl_machine *m,
		  struct fl_interp *ret)
{
	struct run r = { .m = m, .code = p->code, .out = ret };
	const struct fl_fetch_insn *st = p->code;
	int err;

	while (fl_fetch_ops[st->op].stage != FL_STAGE_STORE)
		st++;
	ret->n = FL_MIN(count(st), (uint32_t)FL_INTERP_MAX_ELEMENTS);
	fl_buf_reset(&ret->strings);
	err = load(&r);
	while (err == 0 && r.code < st)
		err = dereference(&r, r.code++);
	if (err < 0) {
		all_faults(ret, 0, ret->n);
		return err == -ENOMEM ? err : 0;
	}
	return run_loop(&r, ret->n);
}
