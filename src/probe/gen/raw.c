/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of the event that an event probe hangs on, as it is: for events of the kernel that are printed by
 * their own print fmt. How long it is stands in its own words, where a field's data lies behind the fields; so the
 * fields are read first, and then all of it.
 */
#include "probe/gen/private.h"

/* GEN_CURSOR bytes of the record, into the place for it; clobbers r0 to r5. */
static void read_record(struct fl_gen *g)
{
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_1, GEN_REC);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, g->l->raw_offset);
	fl_emit_mov(p, BPF_REG_2, GEN_CURSOR);
	fl_emit_mov(p, BPF_REG_3, GEN_CTX);
	fl_emit_call(p, BPF_FUNC_probe_read_kernel);
}

/* GEN_CURSOR = where the field's data ends, if that is further. */
static void extend(struct fl_gen *g, const struct fl_field *f)
{
	uint32_t shorter = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_load(p, 4, BPF_REG_1, GEN_REC, (int16_t)(g->l->raw_offset + f->offset));
	fl_emit_mov(p, BPF_REG_2, BPF_REG_1);
	fl_emit_alui(p, BPF_AND, BPF_REG_2, 0xffff);
	fl_emit_alui(p, BPF_RSH, BPF_REG_1, 16);
	fl_emit_alu(p, BPF_ADD, BPF_REG_2, BPF_REG_1);
	if (f->loc == FL_FIELD_REL_LOC)
		fl_emit_alui(p, BPF_ADD, BPF_REG_2, (int32_t)f->offset + 4);
	fl_emit_jmpr(p, BPF_JLE, BPF_REG_2, GEN_CURSOR, shorter);
	fl_emit_mov(p, GEN_CURSOR, BPF_REG_2);
	fl_label_place(p, shorter);
}

int fl_gen_raw(struct fl_gen *g)
{
	const struct fl_format *format = g->env->format;
	bool more = false;
	uint32_t fits;

	if (!g->l->raw_offset)
		return 0;
	if (!format || format->size > FL_RAW_MAX)
		return fl_gen_refuse(g, SIZE_MAX, "the event's record is too long");
	fl_emit_movi(g->p, GEN_CURSOR, (int32_t)format->size);
	read_record(g);
	for (size_t i = 0; i < format->nr_fields; i++) {
		const struct fl_field *f = &format->fields[i];

		if (f->loc == FL_FIELD_INLINE || f->offset + 4 > format->size)
			continue;
		more = true;
		extend(g, f);
	}
	if (more) {
		fits = fl_label_new(g->p);
		fl_emit_jmpi(g->p, BPF_JLE, GEN_CURSOR, FL_RAW_MAX, fits);
		fl_emit_movi(g->p, GEN_CURSOR, FL_RAW_MAX);
		fl_label_place(g->p, fits);
		read_record(g);
	}
	fl_emit_alui(g->p, BPF_ADD, GEN_CURSOR, g->l->raw_offset);
	return 0;
}
