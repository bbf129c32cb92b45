/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fetch program: what one probe argument does when the probe fires, in the kernel's own small
 * instruction set. The language compiles to it; dump, lower, the interpreter and the BPF back end
 * read it. Everything about an op comes from fetch-ops.def.
 *
 * A program is [NOP_SYMBOL] LOAD DEREF* STORE [MOD_BF] [LP_ARRAY] END. One value goes through it:
 * a load op sets it, a deref op replaces it, a store op puts it (or the memory that it addresses)
 * into the record.
 *
 * Programs refer to text (symbol and field names, immediate strings) that the event owns.
 */
#ifndef PROBE_FETCH_FETCH_H
#define PROBE_FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum fl_fetch_op {
#define FETCH_OP(name, operand, stage) FL_FETCH_##name,
#include "probe/fetch/fetch-ops.def"
	_FL_FETCH_MAX,
};

enum fl_fetch_operand {
	FL_OPERAND_NONE,
	FL_OPERAND_PARAM,
	FL_OPERAND_IMM,
	FL_OPERAND_OFFSET,
	FL_OPERAND_STORE,
	FL_OPERAND_SIZE,
	FL_OPERAND_BF,
	FL_OPERAND_TEXT,
};

enum fl_fetch_stage {
	FL_STAGE_LOAD,
	FL_STAGE_DEREF,
	FL_STAGE_STORE,
	FL_STAGE_MODIFY,
	FL_STAGE_LOOP,
	FL_STAGE_END,
};

struct fl_fetch_op_info {
	const char *name;
	enum fl_fetch_operand operand;
	enum fl_fetch_stage stage;
};

extern const struct fl_fetch_op_info fl_fetch_ops[_FL_FETCH_MAX];

/* A name that is no field's, until somebody finds out what it is. */
#define FL_NO_FIELD UINT32_MAX

/* Which members count is the op's operand kind; those that no op has together share their place. */
struct fl_fetch_insn {
	enum fl_fetch_op op;
	union {
		int32_t offset;
		uint32_t field; /* TP_ARG: index in the attached event's format, or FL_NO_FIELD */
	};
	union {
		uint32_t param;
		uint32_t size;
		struct {
			uint8_t basesize, lshift, rshift;
		};
		uint64_t imm;
		struct fl_str text;
	};
};

/* The kernel's limit, END included (FETCH_INSN_MAX). */
#define FL_FETCH_MAX_INSNS 16

struct fl_fetch_program {
	uint32_t n; /* instructions, END included */
	struct fl_fetch_insn code[FL_FETCH_MAX_INSNS];
};

/* How the dump shows DATA and TP_ARG: the series v6 prints a pointer there, its later state text. */
enum fl_dump_style {
	FL_DUMP_V6,
	FL_DUMP_7_3,
};

/* "ARG(0) -> ST_RAW(size=8) -> END" */
void fl_fetch_dump(const struct fl_fetch_program *p, enum fl_dump_style style, struct fl_buf *out);

/*
 * The shape that every finished program has: stages in order, operands within the kernel's limits,
 * one END and nothing behind it. 0 or -EINVAL. Back ends may rely on it and need not check again.
 */
int fl_fetch_check(const struct fl_fetch_program *p);

#endif
