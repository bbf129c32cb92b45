/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "probe/fetch/fetch.h"

const struct fl_fetch_op_info fl_fetch_ops[_FL_FETCH_MAX] = {
#define FETCH_OP(op, how, when)                                                                    \
	[FL_FETCH_##op] = { .name = #op, .operand = FL_OPERAND_##how, .stage = FL_STAGE_##when },
#include "probe/fetch/fetch-ops.def"
};

/* Texts: the series shows a pointer for a string and for an event's field, and later what is there. */
static void dump_text(const struct fl_fetch_insn *insn, enum fl_dump_style style, struct fl_buf *out)
{
	const char *name = fl_fetch_ops[insn->op].name;

	if (insn->op == FL_FETCH_DATA && style == FL_DUMP_7_3)
		name = "IMMSTR";
	fl_buf_addf(out, "%s(%.*s)", name, FL_STR_ARG(insn->text));
}

static void dump_insn(const struct fl_fetch_insn *insn, enum fl_dump_style style, struct fl_buf *out)
{
	const struct fl_fetch_op_info *op = &fl_fetch_ops[insn->op];

	switch (op->operand) {
	case FL_OPERAND_NONE:
		fl_buf_addz(out, op->name);
		return;
	case FL_OPERAND_PARAM:
		fl_buf_addf(out, "%s(%u)", op->name, insn->param);
		return;
	case FL_OPERAND_IMM:
		fl_buf_addf(out, "%s(0x%llx)", op->name, (unsigned long long)insn->imm);
		return;
	case FL_OPERAND_OFFSET:
		fl_buf_addf(out, "%s(offset=%d)", op->name, insn->offset);
		return;
	case FL_OPERAND_STORE:
		fl_buf_addf(out, "%s(offset=%d,size=%u)", op->name, insn->offset, insn->size);
		return;
	case FL_OPERAND_SIZE:
		fl_buf_addf(out, "%s(size=%u)", op->name, insn->size);
		return;
	case FL_OPERAND_BF:
		fl_buf_addf(out, "%s(basesize=%u,lshift=%u,rshift=%u)", op->name, insn->basesize,
			    insn->lshift, insn->rshift);
		return;
	case FL_OPERAND_TEXT:
		dump_text(insn, style, out);
		return;
	}
}

void fl_fetch_dump(const struct fl_fetch_program *p, enum fl_dump_style style, struct fl_buf *out)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (i)
			fl_buf_addz(out, " -> ");
		dump_insn(&p->code[i], style, out);
	}
}

static bool operand_ok(const struct fl_fetch_insn *insn)
{
	switch (insn->op) {
	case FL_FETCH_ST_RAW:
	case FL_FETCH_ST_MEM:
	case FL_FETCH_ST_UMEM:
		return insn->size == 1 || insn->size == 2 || insn->size == 4 || insn->size == 8;
	case FL_FETCH_ST_STRING:
	case FL_FETCH_ST_USTRING:
	case FL_FETCH_ST_SYMSTR:
		return insn->size == 4;
	case FL_FETCH_MOD_BF:
		return insn->basesize == 1 || insn->basesize == 2 || insn->basesize == 4 ||
		       insn->basesize == 8;
	case FL_FETCH_LP_ARRAY:
		return insn->param >= 1 && insn->param <= 4096; /* of the kernel: 64 */
	case FL_FETCH_NOP:
	case FL_FETCH_ST_EDATA:
		return false;
	default:
		return true;
	}
}

int fl_fetch_check(const struct fl_fetch_program *p)
{
	enum fl_fetch_stage stage = FL_STAGE_LOAD;
	unsigned int loads = 0, stores = 0, modifies = 0;

	if (p->n < 3 || p->n > FL_FETCH_MAX_INSNS)
		return -EINVAL;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct fl_fetch_insn *insn = &p->code[i];

		if (insn->op >= _FL_FETCH_MAX || fl_fetch_ops[insn->op].stage < stage ||
		    !operand_ok(insn) || (insn->op == FL_FETCH_END) != (i + 1 == p->n))
			return -EINVAL;
		if (insn->op == FL_FETCH_NOP_SYMBOL && (i || p->code[1].op != FL_FETCH_IMM))
			return -EINVAL;
		stage = fl_fetch_ops[insn->op].stage;
		loads += stage == FL_STAGE_LOAD && insn->op != FL_FETCH_NOP_SYMBOL;
		stores += stage == FL_STAGE_STORE;
		modifies += stage == FL_STAGE_MODIFY;
	}
	return loads == 1 && stores == 1 && modifies <= 1 ? 0 : -EINVAL;
}
