/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a frame to its caller's, by the table that each image has for exceptions (.eh_frame), and by
 * frame pointers where code has no table: what a compiler at run time made, hand-written code.
 *
 * The table is always asked first, since whether bp is a frame pointer is known to it alone: most
 * of a distribution's code uses bp for other things. Reading a table is slow - a binary search, then
 * a small program for each function (DWARF 4, 6.4) - but what comes out is always the same: where
 * the caller's stack begins (the "CFA", a distance from sp or bp), that the return address lies in
 * front of it, and where bp was saved. That is a rule of one word, kept by address in a table that
 * all threads share: a step costs a look-up and two loads. Each entry's key is stored xored with its
 * rule, so that an entry that another thread is writing at the moment is seen as not fitting.
 *
 * On the way bad tables and bad frame pointers can lead anywhere; nothing is read outside of the
 * thread's stack where its end is known, and frame pointers are not followed where it is not.
 *
 * Costs: 2 to 3 ns a frame that is known, some hundred for the first time (bench/alloc-chain).
 */
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "alloc/lib/core.h"

#define RULES	 (1u << 16)
#define STACK_MAX (512UL << 20) /* the first thread's */
#define THREAD_STACK_MAX (64UL << 20)
#define GUESS_MAX (64UL << 10) /* of a frame on a stack whose end is not known */

enum rule_kind {
	RULE_NONE, /* not known yet */
	RULE_NO_TABLE,
	RULE_OUTERMOST,
	RULE_SP, /* CFA = sp + offset */
	RULE_BP,
	RULE_BP_DEREF, /* CFA = *(bp + offset): the function aligned its stack */
	RULE_SIGNAL,
};

enum bp_kind {
	BP_SAME,
	BP_AT_CFA, /* saved at CFA - offset */
	BP_AT_BP,  /* saved at bp + offset */
	BP_LOST,
};

struct rule {
	enum rule_kind kind;
	enum bp_kind bp;
	int32_t cfa_offset, bp_offset;
};

struct entry {
	_Atomic uint64_t key, packed;
};

static struct entry rules[RULES];

/* kind: 3 bits, bp: 2, bp_offset: 27, cfa_offset: 32. */
static uint64_t pack(const struct rule *r)
{
	return (uint64_t)r->kind | (uint64_t)r->bp << 3 |
	       ((uint64_t)(uint32_t)r->bp_offset & 0x7ffffff) << 5 |
	       (uint64_t)(uint32_t)r->cfa_offset << 32;
}

static struct rule unpack(uint64_t v)
{
	return (struct rule){ .kind = v & 7,
			      .bp = v >> 3 & 3,
			      .bp_offset = (int32_t)((uint32_t)(v >> 5) << 5) >> 5,
			      .cfa_offset = (int32_t)(v >> 32) };
}

static bool fits(const struct rule *r)
{
	return r->bp_offset < 1 << 26 && r->bp_offset >= -(1 << 26);
}

void fl_unwind_forget(void)
{
	memset(rules, 0, sizeof(rules));
}

#if defined(__x86_64__)

#define DW_BP 6
#define DW_SP 7
#define DW_RA 16

/* Bytes of a table, never read behind its end. */
struct bytes {
	const uint8_t *p, *end;
	bool bad;
};

static uint64_t take(struct bytes *b, unsigned int n)
{
	uint64_t v = 0;

	if ((size_t)(b->end - b->p) < n) {
		b->bad = true;
		b->p = b->end;
		return 0;
	}
	memcpy(&v, b->p, n);
	b->p += n;
	return v;
}

static uint64_t uleb(struct bytes *b)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint64_t c = take(b, 1);

		v |= (c & 0x7f) << shift;
		if (!(c & 0x80))
			return v;
	}
	b->bad = true;
	return v;
}

static int64_t sleb(struct bytes *b)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint64_t c = take(b, 1);

		v |= (c & 0x7f) << shift;
		if (!(c & 0x80))
			return (int64_t)(c & 0x40 && shift + 7 < 64 ? v | ~0ULL << (shift + 7) : v);
	}
	b->bad = true;
	return (int64_t)v;
}

/* A pointer in one of the encodings that compilers use: absolute or relative to its own place. */
static uint64_t encoded(struct bytes *b, uint8_t encoding)
{
	uint64_t at = (uintptr_t)b->p, v;

	switch (encoding & 0x0f) {
	case 0x00:
	case 0x04:
	case 0x0c:
		v = take(b, 8);
		break;
	case 0x03:
		v = take(b, 4);
		break;
	case 0x0b:
		v = (uint64_t)(int64_t)(int32_t)take(b, 4);
		break;
	default:
		b->bad = true;
		return 0;
	}
	if ((encoding & 0x70) == 0x10)
		return v + at;
	b->bad |= (encoding & 0x70) != 0;
	return v;
}

struct state {
	int64_t cfa_reg, cfa_offset; /* cfa_reg -1: an expression, which cfa_offset stands for */
	enum bp_kind bp;
	int64_t bp_offset;
	int64_t ra_offset;
	bool ra_undefined, unknown;
};

struct program {
	uint64_t code_align;
	int64_t data_align;
	uint64_t loc, pc;
	struct state now, initial, saved[8];
	unsigned int depth;
};

/* bp + N, and its content where @deref: the one form of expression that code generators use. */
static bool bp_expression(struct bytes *b, bool deref, int64_t *ret)
{
	uint64_t n = uleb(b);
	const uint8_t *start = b->p;
	struct bytes e = { start, start + n, false };

	if (n > (uint64_t)(b->end - b->p)) {
		b->bad = true;
		return false;
	}
	b->p += n;
	if (take(&e, 1) != 0x70 + DW_BP)
		return false;
	*ret = sleb(&e);
	return !e.bad && (deref ? take(&e, 1) == 0x06 && e.p == e.end : e.p == e.end);
}

static void saved_at(struct program *p, uint64_t reg, int64_t offset)
{
	if (reg == DW_BP) {
		p->now.bp = BP_AT_CFA;
		p->now.bp_offset = -offset;
	} else if (reg == DW_RA) {
		p->now.ra_offset = offset;
		p->now.ra_undefined = false;
	}
}

static void restored(struct program *p, uint64_t reg)
{
	if (reg == DW_BP) {
		p->now.bp = p->initial.bp;
		p->now.bp_offset = p->initial.bp_offset;
	} else if (reg == DW_RA) {
		p->now.ra_offset = p->initial.ra_offset;
	}
}

static void advance(struct program *p, uint64_t delta)
{
	p->loc += delta * p->code_align;
}

static void define_cfa(struct program *p, int64_t reg, int64_t offset)
{
	p->now.cfa_reg = reg;
	p->now.cfa_offset = offset;
}

static void lose(struct program *p, uint64_t reg, bool undefined)
{
	if (reg == DW_BP)
		p->now.bp = BP_LOST;
	if (reg == DW_RA)
		p->now.ra_undefined |= undefined;
}

static void remember(struct program *p, bool back)
{
	if (!back && p->depth < 8)
		p->saved[p->depth++] = p->now;
	else if (back && p->depth)
		p->now = p->saved[--p->depth];
	else
		p->now.unknown = true;
}

/* Opcodes that say where the CFA is; false where @op is none of them. */
static bool cfa_opcode(struct program *p, struct bytes *b, uint8_t op)
{
	uint64_t reg;
	int64_t offset = 0;

	switch (op) {
	case 0x0c: /* def_cfa */
		reg = uleb(b);
		define_cfa(p, (int64_t)reg, (int64_t)uleb(b));
		break;
	case 0x0d: /* def_cfa_register */
		p->now.cfa_reg = (int64_t)uleb(b);
		break;
	case 0x0e: /* def_cfa_offset */
		p->now.cfa_offset = (int64_t)uleb(b);
		break;
	case 0x0f: /* def_cfa_expression */
		p->now.unknown |= !bp_expression(b, true, &offset);
		define_cfa(p, -1, offset);
		break;
	case 0x12: /* def_cfa_sf */
		reg = uleb(b);
		define_cfa(p, (int64_t)reg, sleb(b) * p->data_align);
		break;
	case 0x13: /* def_cfa_offset_sf */
		p->now.cfa_offset = sleb(b) * p->data_align;
		break;
	default:
		return false;
	}
	return true;
}

/* Those that say where a register was saved. */
static bool register_opcode(struct program *p, struct bytes *b, uint8_t op)
{
	uint64_t reg = uleb(b);
	int64_t offset = 0;

	switch (op) {
	case 0x05: /* offset_extended */
		saved_at(p, reg, (int64_t)uleb(b) * p->data_align);
		break;
	case 0x06: /* restore_extended */
		restored(p, reg);
		break;
	case 0x07: /* undefined */
		lose(p, reg, true);
		break;
	case 0x08: /* same_value */
		if (reg == DW_BP)
			p->now.bp = BP_SAME;
		break;
	case 0x09: /* register */
		lose(p, reg, false);
		uleb(b);
		break;
	case 0x10: /* expression */
		if (!bp_expression(b, false, &offset)) {
			lose(p, reg, false);
		} else if (reg == DW_BP) {
			p->now.bp = BP_AT_BP;
			p->now.bp_offset = offset;
		}
		break;
	case 0x11: /* offset_extended_sf */
		saved_at(p, reg, sleb(b) * p->data_align);
		break;
	case 0x16: /* val_expression */
		lose(p, reg, false);
		reg = uleb(b);
		b->p += reg <= (uint64_t)(b->end - b->p) ? reg : (uint64_t)(b->end - b->p);
		break;
	default:
		return false;
	}
	return true;
}

static void extended(struct program *p, struct bytes *b, uint8_t op, uint8_t encoding)
{
	switch (op) {
	case 0x00: /* nop */
		break;
	case 0x01: /* set_loc */
		p->loc = encoded(b, encoding);
		break;
	case 0x02: /* advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		advance(p, take(b, 1u << (op - 2)));
		break;
	case 0x0a: /* remember_state, restore_state */
	case 0x0b:
		remember(p, op == 0x0b);
		break;
	case 0x2e: /* GNU_args_size */
		uleb(b);
		break;
	default:
		if (cfa_opcode(p, b, op) || register_opcode(p, b, op))
			break;
		p->now.unknown = true;
		b->p = b->end;
	}
}

/* Until it has come behind the address in question. */
static void execute(struct program *p, struct bytes b, uint8_t encoding)
{
	while (b.p < b.end && !b.bad) {
		struct state before = p->now;
		uint8_t op = (uint8_t)take(&b, 1);

		switch (op >> 6) {
		case 1:
			advance(p, op & 0x3f);
			break;
		case 2:
			saved_at(p, op & 0x3f, (int64_t)uleb(&b) * p->data_align);
			break;
		case 3:
			restored(p, op & 0x3f);
			break;
		default:
			extended(p, &b, op, encoding);
		}
		if (p->loc > p->pc) {
			p->now = before;
			return;
		}
	}
	p->now.unknown |= b.bad;
}

/* The table's entry for @pc by its sorted index; NULL: there is none. */
static const uint8_t *find_entry(const uint8_t *index, uintptr_t pc)
{
	struct bytes b = { index, index + 64, false };
	uint64_t n;
	const uint8_t *table;
	size_t low = 0, high;
	int64_t wanted = (int64_t)(pc - (uintptr_t)index);
	int32_t pair[2];
	uint8_t enc[3];

	if (take(&b, 1) != 1)
		return NULL;
	for (int i = 0; i < 3; i++)
		enc[i] = (uint8_t)take(&b, 1);
	encoded(&b, enc[0]);
	n = encoded(&b, enc[1]);
	if (b.bad || enc[2] != 0x3b || !n || n > 1u << 28)
		return NULL;
	table = b.p;
	for (high = n; low < high;) {
		size_t middle = low + (high - low) / 2;

		memcpy(pair, table + middle * 8, 8);
		if (pair[0] <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	memcpy(pair, table + (low - 1) * 8, 8);
	return index + pair[1];
}

struct cie {
	uint8_t encoding;
	bool is_signal;
	struct bytes program;
	bool has_data;
};

static bool read_cie(const uint8_t *at, struct program *p, struct cie *ret)
{
	struct bytes b = { at, at + 8, false };
	uint64_t length = take(&b, 4), id = take(&b, 4), n;
	const char *words;
	const uint8_t *data_end;

	if (length >= 0xfffffff0 || length < 8 || id)
		return false;
	b.end = at + 4 + length;
	take(&b, 1);
	words = (const char *)b.p;
	while (take(&b, 1))
		;
	*ret = (struct cie){ .has_data = words[0] == 'z' };
	p->code_align = uleb(&b);
	p->data_align = sleb(&b);
	if (uleb(&b) != DW_RA || b.bad || (words[0] && words[0] != 'z'))
		return false;
	n = ret->has_data ? uleb(&b) : 0;
	data_end = b.p + n;
	for (const char *w = words + 1; words[0] && *w && !b.bad; w++) {
		if (*w == 'R')
			ret->encoding = (uint8_t)take(&b, 1);
		else if (*w == 'P')
			encoded(&b, (uint8_t)take(&b, 1) & 0x7f);
		else if (*w == 'L')
			take(&b, 1);
		else if (*w == 'S')
			ret->is_signal = true;
	}
	ret->program = (struct bytes){ data_end, b.end, false };
	return data_end <= b.end;
}

static struct rule conclude(const struct program *p)
{
	const struct state *s = &p->now;
	struct rule r = { .kind = RULE_NO_TABLE,
			  .bp = s->bp,
			  .cfa_offset = (int32_t)s->cfa_offset,
			  .bp_offset = (int32_t)s->bp_offset };

	if (s->ra_undefined)
		r.kind = RULE_OUTERMOST;
	else if (s->unknown || s->ra_offset != -8)
		return r;
	else if (s->cfa_reg == DW_SP)
		r.kind = RULE_SP;
	else if (s->cfa_reg == DW_BP)
		r.kind = RULE_BP;
	else if (s->cfa_reg == -1)
		r.kind = RULE_BP_DEREF;
	return r;
}

/* The rule at @pc from the entry at @at. */
static struct rule read_entry(const uint8_t *at, uintptr_t pc)
{
	struct rule none = { .kind = RULE_NO_TABLE };
	struct bytes b = { at, at + 8, false };
	uint64_t length = take(&b, 4), back = take(&b, 4), size;
	struct program p = { .pc = pc, .now.ra_offset = -8 };
	struct cie cie;

	if (length >= 0xfffffff0 || length < 8 || !read_cie(at + 4 - back, &p, &cie))
		return none;
	b.end = at + 4 + length;
	p.loc = encoded(&b, cie.encoding);
	size = encoded(&b, cie.encoding & 0x0f);
	if (b.bad || pc < p.loc || pc - p.loc >= size)
		return none;
	if (cie.is_signal)
		return (struct rule){ .kind = RULE_SIGNAL };
	if (cie.has_data) {
		uint64_t n = uleb(&b);

		if (n > (uint64_t)(b.end - b.p))
			return none;
		b.p += n;
	}
	size = p.loc;
	p.loc = 0;
	p.pc = UINT64_MAX; /* all of the common part */
	execute(&p, cie.program, cie.encoding);
	p.initial = p.now;
	p.loc = size;
	p.pc = pc;
	execute(&p, b, cie.encoding);
	return conclude(&p);
}

static struct rule read_rule(uintptr_t pc)
{
	struct fl_image image;
	const uint8_t *entry;

	if (!fl_image_at(pc, &image) || !image.unwind)
		return (struct rule){ .kind = RULE_NO_TABLE };
	entry = find_entry(image.unwind, pc);
	return entry ? read_entry(entry, pc) : (struct rule){ .kind = RULE_NO_TABLE };
}

static struct rule rule_at(uintptr_t pc)
{
	struct entry *e = &rules[(pc * 0x9e3779b97f4a7c15ULL) >> 48];
	uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed);
	uint64_t packed = atomic_load_explicit(&e->packed, memory_order_relaxed);
	struct rule r;

	if (likely((key ^ packed) == pc && packed))
		return unpack(packed);
	r = read_rule(pc);
	if (!fits(&r))
		r = (struct rule){ .kind = RULE_NO_TABLE };
	packed = pack(&r);
	atomic_store_explicit(&e->packed, packed, memory_order_relaxed);
	atomic_store_explicit(&e->key, pc ^ packed, memory_order_relaxed);
	return r;
}

extern void *__libc_stack_end __attribute__((weak));

/* Where this thread's stack ends; 0: it is on another one (a coroutine's, a handler's). */
static uintptr_t stack_end(uintptr_t sp)
{
	uintptr_t tp = (uintptr_t)__builtin_thread_pointer();
	uintptr_t first = &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;

	if (sp < tp && tp - sp < THREAD_STACK_MAX) /* it lies behind each thread's stack but the first's */
		return tp;
	return sp > tp && sp < first && first - sp < STACK_MAX ? first + 64 : 0;
}

static bool is_within(uintptr_t at, uintptr_t sp, uintptr_t end)
{
	return at >= sp && at % 8 == 0 && (end ? at < end - 16 : at - sp < GUESS_MAX);
}

static uintptr_t word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

/* Without a table: bp must be a frame pointer, on a stack that is known. */
static bool by_frame_pointer(struct fl_frame *f, struct fl_step *step, uintptr_t end)
{
	uintptr_t at = f->bp;

	if (!end || !is_within(at, f->sp, end) || word(at + 8) < 4096)
		return false;
	step->used_bp = true;
	step->pc_at = at + 8;
	step->bp_at = at;
	f->pc = word(at + 8);
	f->bp = word(at);
	f->sp = at + 16;
	f->is_exact = false;
	return true;
}

static bool out_of_signal(struct fl_frame *f, struct fl_step *step)
{
	const ucontext_t *u = (const ucontext_t *)f->sp;

	step->is_fixed = false;
	f->pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
	f->bp = (uintptr_t)u->uc_mcontext.gregs[REG_RBP];
	f->sp = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
	f->is_exact = true;
	return f->pc > 4096;
}

static bool find_cfa(const struct fl_frame *f, const struct rule *r, uintptr_t end, uintptr_t *ret)
{
	uintptr_t at;

	if (r->kind == RULE_SP) {
		*ret = f->sp + (uintptr_t)(intptr_t)r->cfa_offset;
	} else {
		at = f->bp + (uintptr_t)(intptr_t)r->cfa_offset;
		if (r->kind == RULE_BP_DEREF) {
			if (!is_within(at, f->sp, end))
				return false;
			at = word(at);
		}
		*ret = at;
	}
	return *ret > f->sp && is_within(*ret - 8, f->sp, end);
}

static bool find_bp(const struct fl_frame *f, const struct rule *r, uintptr_t cfa, uintptr_t end,
		    uintptr_t *ret_at)
{
	if (r->bp == BP_AT_CFA)
		*ret_at = cfa - (uintptr_t)(intptr_t)r->bp_offset;
	else
		*ret_at = f->bp + (uintptr_t)(intptr_t)r->bp_offset;
	return is_within(*ret_at, f->sp, end);
}

bool fl_unwind(struct fl_frame *f, struct fl_step *step)
{
	struct rule r = rule_at(f->is_exact ? f->pc : f->pc - 1);
	uintptr_t cfa, at, end = stack_end(f->sp);

	*step = (struct fl_step){ .is_fixed = true };
	if (r.kind == RULE_NO_TABLE)
		return by_frame_pointer(f, step, end);
	if (r.kind == RULE_SIGNAL)
		return out_of_signal(f, step);
	if (r.kind == RULE_OUTERMOST || !find_cfa(f, &r, end, &cfa))
		return false;
	step->used_bp = r.kind != RULE_SP;
	step->is_fixed = r.kind != RULE_BP_DEREF && r.bp != BP_AT_BP;
	step->pc_at = cfa - 8;
	if (r.bp != BP_SAME) {
		if (r.bp == BP_LOST || !find_bp(f, &r, cfa, end, &at)) {
			step->is_fixed = false;
			f->bp = 0;
		} else {
			step->bp_at = at;
			f->bp = word(at);
		}
	}
	f->pc = word(cfa - 8);
	f->sp = cfa;
	f->is_exact = false;
	return f->pc > 4096;
}

#else /* frame pointers are part of the ABI (arm64: x29 points to {x29, x30}) */

bool fl_unwind(struct fl_frame *f, struct fl_step *step)
{
	const uintptr_t *at = (const uintptr_t *)f->bp;

	*step = (struct fl_step){ .is_fixed = true, .used_bp = true };
	if (f->bp < f->sp || f->bp % 8 || f->bp - f->sp > GUESS_MAX || at[1] < 4096)
		return false;
	step->pc_at = f->bp + 8;
	step->bp_at = f->bp;
	f->sp = f->bp + 16;
	f->bp = at[0];
	f->pc = at[1];
	return true;
}

#endif
