/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters as instructions: each predicate is a comparison and two jumps, always forward, as the
 * parser has laid them out (probe/filter/filter.h).
 *
 * A filter on our arguments reads the record that was built; one of an event probe reads the record
 * of the event it hangs on. Strings are compared where they lie; those behind the context or a
 * pointer are copied to the stack first. What takes a search through the string (a middle, a glob)
 * is not compiled: the reader of the records judges those, with the same meaning.
 */
#include <errno.h>
#include <string.h>

#include "probe/gen/private.h"

#define STRING_ROOM (8 * GEN_MAX_WORDS) /* on the stack, at GEN_FP_WORDS */

static bool compiles(const struct fl_filter_pred *p, bool in_record)
{
	if (p->op == FL_FILTER_CPUS)
		return false;
	if (p->op != FL_FILTER_MATCH)
		return true;
	if (p->pattern.n + 2 > STRING_ROOM)
		return false;
	switch (p->match) {
	case FL_FILTER_MATCH_FULL:
	case FL_FILTER_MATCH_FRONT:
		return true;
	case FL_FILTER_MATCH_END:
		return in_record && p->field.kind == FL_FILTER_DYN_STRING;
	default:
		return false;
	}
}

bool fl_gen_filter_compiles(const struct fl_filter *f, bool in_record)
{
	for (size_t i = 0; i < f->n; i++)
		if (!compiles(&f->preds[i], in_record))
			return false;
	return true;
}

/* Where a predicate leads. */
struct ways {
	uint32_t yes, no;
};

/* r1 = the field; common fields that are in no record are asked for */
static int load_number(struct fl_gen *g, const struct fl_filter_field *f, bool in_record)
{
	struct fl_insns *p = g->p;

	if (f->kind == FL_FILTER_CPU) {
		fl_emit_load(p, 4, BPF_REG_1, BPF_REG_FP, GEN_FP_KEY);
	} else if (in_record) {
		fl_emit_load(p, f->size, BPF_REG_1, GEN_REC, (int16_t)f->offset);
		fl_emit_extend(p, BPF_REG_1, f->size, f->is_signed);
	} else {
		struct fl_field field = { .offset = f->offset, .size = f->size,
					  .is_signed = f->is_signed };
		int r = 0;

		for (size_t i = 0; f->offset < 8 && i < g->env->format->nr_fields; i++)
			if (g->env->format->fields[i].offset == f->offset)
				field = g->env->format->fields[i];
		r = fl_gen_load_field(g, SIZE_MAX, &field);
		if (r < 0)
			return r;
		fl_emit_mov(p, BPF_REG_1, GEN_VALUE);
	}
	return 0;
}

static int64_t narrow(uint64_t v, const struct fl_filter_field *f)
{
	unsigned int shift = f->size < 8 ? 64 - 8 * f->size : 0;

	return f->is_signed ? (int64_t)(v << shift) >> shift : (int64_t)(v << shift >> shift);
}

static int number(struct fl_gen *g, const struct fl_filter_pred *pred, bool in_record, struct ways w)
{
	static const uint8_t ops[][2] = { /* unsigned, signed */
		[FL_FILTER_EQ] = { BPF_JEQ, BPF_JEQ },	 [FL_FILTER_NE] = { BPF_JNE, BPF_JNE },
		[FL_FILTER_LT] = { BPF_JLT, BPF_JSLT },	 [FL_FILTER_LE] = { BPF_JLE, BPF_JSLE },
		[FL_FILTER_GT] = { BPF_JGT, BPF_JSGT },	 [FL_FILTER_GE] = { BPF_JGE, BPF_JSGE },
		[FL_FILTER_BAND] = { BPF_JSET, BPF_JSET },
	};
	const struct fl_filter_field *f = &pred->field;
	int r = load_number(g, f, in_record);

	if (r < 0)
		return r;
	if (pred->op == FL_FILTER_FUNCTION) {
		fl_emit_imm64(g->p, BPF_REG_2, pred->value);
		fl_emit_jmpr(g->p, BPF_JLT, BPF_REG_1, BPF_REG_2, w.no);
		fl_emit_imm64(g->p, BPF_REG_2, pred->end);
		fl_emit_jmpr(g->p, BPF_JGE, BPF_REG_1, BPF_REG_2, w.no);
		fl_emit_jmp(g->p, w.yes);
		return 0;
	}
	fl_emit_imm64(g->p, BPF_REG_2, (uint64_t)narrow(pred->value, f));
	fl_emit_jmpr(g->p, ops[pred->op][f->is_signed], BPF_REG_1, BPF_REG_2, w.yes);
	fl_emit_jmp(g->p, w.no);
	return 0;
}

/* The @n bytes at @reg + @off are @text; clobbers r2 and r3. */
static void same_bytes(struct fl_gen *g, uint8_t reg, int16_t off, const char *text, size_t n,
		       uint32_t no)
{
	for (size_t done = 0, piece; done < n; done += piece) {
		uint64_t want = 0;

		for (piece = 8; piece > n - done;)
			piece /= 2;
		memcpy(&want, text + done, piece);
		fl_emit_load(g->p, (unsigned int)piece, BPF_REG_2, reg, (int16_t)(off + (int)done));
		fl_emit_imm64(g->p, BPF_REG_3, want);
		fl_emit_jmpr(g->p, BPF_JNE, BPF_REG_2, BPF_REG_3, no);
	}
}

/* A string in the record: r1 = its address, r4 = its length without NUL */
static void record_string(struct fl_gen *g, const struct fl_filter_pred *pred, uint32_t unreadable,
			  uint32_t no)
{
	int32_t n = (int32_t)pred->pattern.n;
	struct fl_insns *p = g->p;

	fl_emit_load(p, 2, BPF_REG_1, GEN_REC, (int16_t)pred->field.offset);
	fl_emit_load(p, 2, BPF_REG_4, GEN_REC, (int16_t)(pred->field.offset + 2));
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_4, 0, unreadable);
	fl_emit_alui(p, BPF_SUB, BPF_REG_4, 1);
	if (pred->match == FL_FILTER_MATCH_FULL)
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_4, n, no);
	else
		fl_emit_jmpi(p, BPF_JLT, BPF_REG_4, n, no);
	if (pred->match == FL_FILTER_MATCH_END) {
		fl_emit_alu(p, BPF_ADD, BPF_REG_1, BPF_REG_4);
		fl_emit_alui(p, BPF_SUB, BPF_REG_1, n);
	}
	/* holds by itself; the verifier has not kept count of what was stored in the slot */
	fl_emit_jmpi(p, BPF_JGT, BPF_REG_1, (int32_t)g->l->max_size - n - 8, no);
	fl_emit_alu(p, BPF_ADD, BPF_REG_1, GEN_REC);
}

/* A string elsewhere: copied to the stack, one byte more than a match has; r4 as above */
static int copied_string(struct fl_gen *g, const struct fl_filter_pred *pred, uint32_t unreadable,
			 uint32_t no)
{
	int32_t n = (int32_t)pred->pattern.n, room = n + 2;
	struct fl_insns *p = g->p;
	struct fl_field field = { .offset = pred->field.offset, .size = pred->field.size,
				  .is_array = true, .type = FL_STR("char") };
	int r;

	if (pred->field.kind == FL_FILTER_PTR_STRING)
		field = (struct fl_field){ .offset = pred->field.offset, .size = 8 };
	else if (pred->field.kind == FL_FILTER_DYN_STRING)
		field.loc = FL_FIELD_DATA_LOC;
	else if (pred->field.kind == FL_FILTER_RDYN_STRING)
		field.loc = FL_FIELD_REL_LOC;
	r = fl_gen_load_field(g, SIZE_MAX, &field);
	if (r < 0)
		return r;
	fl_emit_mov(p, BPF_REG_1, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, GEN_FP_WORDS);
	fl_emit_movi(p, BPF_REG_2, room);
	fl_emit_mov(p, BPF_REG_3, GEN_VALUE);
	fl_emit_call(p, fl_gen_string_helper(g, pred->user));
	fl_emit_jmpi(p, BPF_JSLE, BPF_REG_0, 0, unreadable);
	fl_emit_mov(p, BPF_REG_4, BPF_REG_0);
	fl_emit_alui(p, BPF_SUB, BPF_REG_4, 1);
	fl_emit_jmpi(p, pred->match == FL_FILTER_MATCH_FULL ? BPF_JNE : BPF_JLT, BPF_REG_4, n, no);
	return 0;
}

/* The task's name, padded with NUL by the helper. */
static void comm_string(struct fl_gen *g)
{
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_1, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, GEN_FP_WORDS);
	fl_emit_movi(p, BPF_REG_2, FL_COMM_LEN);
	fl_emit_call(p, BPF_FUNC_get_current_comm);
}

static int string(struct fl_gen *g, const struct fl_filter_pred *pred, bool in_record, struct ways w,
		  uint32_t unreadable)
{
	size_t n = pred->pattern.n;
	int r;

	if (pred->field.kind == FL_FILTER_COMM) {
		char want[FL_COMM_LEN + 1] = {};

		if (n >= FL_COMM_LEN) {
			fl_emit_jmp(g->p, w.no);
			return 0;
		}
		memcpy(want, pred->pattern.p, n);
		comm_string(g);
		same_bytes(g, BPF_REG_FP, GEN_FP_WORDS, want,
			   n + (pred->match == FL_FILTER_MATCH_FULL), w.no);
	} else if (in_record) {
		record_string(g, pred, unreadable, w.no);
		same_bytes(g, BPF_REG_1, 0, pred->pattern.p, n, w.no);
	} else {
		r = copied_string(g, pred, unreadable, w.no);
		if (r < 0)
			return r;
		same_bytes(g, BPF_REG_FP, GEN_FP_WORDS, pred->pattern.p, n, w.no);
	}
	fl_emit_jmp(g->p, w.yes);
	return 0;
}

int fl_gen_filter(struct fl_gen *g, const struct fl_filter *f, bool in_record, uint32_t unwanted)
{
	uint32_t accept = fl_label_new(g->p), first = 0;
	int r = 0;

	for (size_t i = 0; i < f->n; i++) {
		uint32_t label = fl_label_new(g->p);

		first = i ? first : label;
	}
	for (size_t i = 0; i < f->n && r == 0; i++) {
		const struct fl_filter_pred *pred = &f->preds[i];
		uint16_t to[2] = { pred->on_false, pred->on_true };
		uint32_t labels[2];
		struct ways w;

		for (int k = 0; k < 2; k++)
			labels[k] = to[k] == FL_FILTER_ACCEPT ? accept :
				    to[k] == FL_FILTER_REJECT ? unwanted : first + to[k];
		w = (struct ways){ labels[!pred->negate], labels[pred->negate] };
		if (i == 0 || fl_label_used(g->p, first + (uint32_t)i)) {
			fl_label_place(g->p, first + (uint32_t)i);
			r = pred->op == FL_FILTER_MATCH ? string(g, pred, in_record, w, labels[0])
							: number(g, pred, in_record, w);
		}
	}
	fl_label_place(g->p, accept);
	return r;
}
