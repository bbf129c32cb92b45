/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting in the kernel. The arguments are fetched into the scratch record as for a record that is
 * sent; behind it the key is put together, and the entry of a per-CPU hash is added to. Nothing
 * else of the record is made, and nothing is sent. An event may have several histograms: each has a filter,
 * a table and counts of its own, and what one of them loses is nothing to the next.
 *
 * An entry that is not there yet is inserted with what would have been added. Another CPU may have
 * been faster: then it is there now, and is added to after all.
 */
#include <errno.h>

#include "probe/gen/private.h"

uint32_t fl_gen_hist_scratch(const struct fl_record_layout *l, const struct fl_gen_hist *const *hists, size_t n)
{
	uint32_t base = (l->max_size + 7) / 8 * 8 + fl_gen_path_scratch(l), most = 0;

	for (size_t i = 0; i < n; i++)
		most = FL_MAX(most, fl_gen_trigger_scratch(hists[i], 0));
	return (base + most + 7) / 8 * 8;
}

/* r1 = ceil(log2(r1)), 0 for 0 and 1; clobbers r2 and r3 */
static void log2_up(struct fl_gen *g)
{
	uint32_t done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_2, BPF_REG_1);
	fl_emit_movi(p, BPF_REG_1, 0);
	fl_emit_jmpi(p, BPF_JLE, BPF_REG_2, 1, done);
	fl_emit_alui(p, BPF_SUB, BPF_REG_2, 1);
	for (int32_t step = 32; step; step /= 2) {
		uint32_t small = fl_label_new(p);

		fl_emit_mov(p, BPF_REG_3, BPF_REG_2);
		fl_emit_alui(p, BPF_RSH, BPF_REG_3, step);
		fl_emit_jmpi(p, BPF_JEQ, BPF_REG_3, 0, small);
		fl_emit_mov(p, BPF_REG_2, BPF_REG_3);
		fl_emit_alui(p, BPF_ADD, BPF_REG_1, step);
		fl_label_place(p, small);
	}
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, 1);
	fl_label_place(p, done);
}

void fl_gen_shape(struct fl_gen *g, enum fl_hist_modifier m, uint64_t bucket)
{
	if (m == FL_HIST_LOG2) {
		log2_up(g);
	} else if (m == FL_HIST_BUCKETS) {
		fl_emit_imm64(g->p, BPF_REG_2, bucket);
		fl_emit_alu(g->p, BPF_DIV, BPF_REG_1, BPF_REG_2);
		fl_emit_alu(g->p, BPF_MUL, BPF_REG_1, BPF_REG_2);
	}
}

/* r1 = where the probe is, where the record of this kind of probe tells it */
static int load_ip(struct fl_gen *g)
{
	if (!g->l->ip_offset)
		return fl_gen_refuse(g, SIZE_MAX, "the function is not known to this hook");
	fl_emit_load(g->p, 8, BPF_REG_1, GEN_REC, (int16_t)g->l->ip_offset);
	return 0;
}

/* r1 = the field's number */
static int load_field(struct fl_gen *g, const struct fl_hist_field *f)
{
	const struct fl_record_slot *s = &g->l->slots[f->arg];
	struct fl_insns *p = g->p;
	int r = 0;

	switch (f->source) {
	case FL_HIST_ARG:
		fl_emit_load(p, s->size, BPF_REG_1, GEN_REC, (int16_t)s->offset);
		fl_emit_extend(p, BPF_REG_1, s->size, f->is_signed);
		break;
	case FL_HIST_PID:
		fl_gen_ids(g, BPF_REG_1, BPF_REG_2);
		break;
	case FL_HIST_CPU:
		fl_emit_load(p, 4, BPF_REG_1, BPF_REG_FP, GEN_FP_KEY);
		break;
	case FL_HIST_IP:
		r = load_ip(g);
		break;
	case FL_HIST_EXPR:
		r = fl_gen_hist_number(g, f->value);
		break;
	case FL_HIST_STACK: /* no numbers: see key_field() */
	case FL_HIST_COMM:
		break;
	}
	fl_gen_shape(g, f->modifier, f->bucket);
	return r;
}

void fl_gen_scratch_at(struct fl_gen *g, uint8_t reg, int32_t at)
{
	fl_emit_mov(g->p, reg, GEN_REC);
	fl_emit_alui(g->p, BPF_ADD, reg, at);
}

void fl_gen_clear(struct fl_gen *g, int32_t at, int32_t size)
{
	for (int32_t done = 0; done < size; done += 8)
		fl_emit_storei(g->p, 8, GEN_REC, (int16_t)(at + done), 0);
}

/* The string, with zeros behind it: equal strings must be equal keys. */
static void key_string(struct fl_gen *g, const struct fl_record_slot *s, int32_t at, int32_t size)
{
	struct fl_insns *p = g->p;

	fl_gen_clear(g, at, size);
	fl_gen_scratch_at(g, BPF_REG_1, at);
	fl_emit_movi(p, BPF_REG_2, size);
	fl_emit_load(p, 2, BPF_REG_3, GEN_REC, (int16_t)s->offset);
	fl_emit_alu(p, BPF_ADD, BPF_REG_3, GEN_REC);
	fl_emit_call(p, fl_gen_string_helper(g, false));
}

void fl_gen_frames(struct fl_gen *g, int32_t at)
{
	fl_gen_clear(g, at, FL_HIST_FRAMES_RAW * 8);
	fl_gen_scratch_at(g, BPF_REG_2, at);
	fl_gen_stack(g, FL_STACK_KERNEL, FL_HIST_FRAMES_RAW, fl_gen_own_frames((enum fl_hook)(g->hook - fl_hooks)));
}

void fl_gen_copy(struct fl_gen *g, int32_t from, int32_t to, int32_t size)
{
	for (int32_t done = 0; done < size; done += 8) {
		fl_emit_load(g->p, 8, BPF_REG_1, GEN_REC, (int16_t)(from + done));
		fl_emit_store(g->p, 8, GEN_REC, (int16_t)(to + done), BPF_REG_1);
	}
}

int fl_gen_stack_field(struct fl_gen *g, const char *name, int32_t at)
{
	size_t arg = fl_hist_arg(g->e, name);

	if (arg == SIZE_MAX || g->l->slots[arg].kind != FL_SLOT_STACK)
		return fl_gen_refuse(g, SIZE_MAX, "a histogram wants a stack that is no field of a synthetic event");
	fl_gen_copy(g, g->l->slots[arg].offset, at, FL_HIST_FRAMES_RAW * 8);
	return 0;
}

void fl_gen_comm_text(struct fl_gen *g, int32_t at, int32_t size)
{
	fl_gen_clear(g, at, size);
	fl_gen_scratch_at(g, BPF_REG_1, at);
	fl_emit_movi(g->p, BPF_REG_2, FL_COMM_LEN);
	fl_emit_call(g->p, BPF_FUNC_get_current_comm);
}

static int key_field(struct fl_gen *g, const struct fl_hist_field *f, int32_t at)
{
	int r = 0;

	if (f->source == FL_HIST_COMM) {
		fl_gen_comm_text(g, at, f->size);
	} else if (f->is_string) {
		key_string(g, &g->l->slots[f->arg], at, f->size);
	} else if (f->source == FL_HIST_STACK && f->value->field && f->value->field->size) {
		r = fl_gen_stack_field(g, f->value->field->name, at);
	} else if (f->source == FL_HIST_STACK) {
		fl_gen_frames(g, at);
	} else {
		r = load_field(g, f);
		fl_emit_store(g->p, 8, GEN_REC, (int16_t)at, BPF_REG_1);
	}
	return r;
}

int fl_gen_hist_keys(struct fl_gen *g, const struct fl_hist_field *keys, size_t n, int32_t at)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = key_field(g, &keys[i], at + keys[i].offset);
	return r;
}

/* ---- the table ---- */

static void look_up(struct fl_gen *g)
{
	fl_emit_map_fd(g->p, BPF_REG_1, g->h->table);
	fl_gen_scratch_at(g, BPF_REG_2, fl_gen_key_at(g));
	fl_emit_call(g->p, BPF_FUNC_map_lookup_elem);
}

static void stack_slot(struct fl_gen *g, uint8_t reg, int32_t at)
{
	fl_emit_mov(g->p, reg, BPF_REG_FP);
	fl_emit_alui(g->p, BPF_ADD, reg, at);
}

/* What is to be added, on the stack at GEN_FP_WORDS. */
static int values(struct fl_gen *g)
{
	const struct fl_hist *h = g->h->hist;
	struct fl_insns *p = g->p;
	int r = 0;

	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_WORDS, 1);
	for (size_t i = 0; i < h->nr_vals && r == 0; i++) {
		r = load_field(g, &h->vals[i]);
		fl_emit_store(p, 8, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + h->vals[i].offset), BPF_REG_1);
	}
	if (h->execname) {
		stack_slot(g, BPF_REG_1, GEN_FP_WORDS + h->value_size - FL_COMM_LEN);
		fl_emit_movi(p, BPF_REG_2, FL_COMM_LEN);
		fl_emit_call(p, BPF_FUNC_get_current_comm);
	}
	return r;
}

/* The entry at r0 += the values. Nothing interrupts a program by itself on its CPU. */
static void add(struct fl_gen *g)
{
	struct fl_insns *p = g->p;

	for (int16_t i = 0; i <= (int16_t)g->h->hist->nr_vals; i++) {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, (int16_t)(8 * i));
		if (i == 0) {
			fl_emit_alui(p, BPF_ADD, BPF_REG_1, 1);
		} else {
			fl_emit_load(p, 8, BPF_REG_2, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + 8 * i));
			fl_emit_alu(p, BPF_ADD, BPF_REG_1, BPF_REG_2);
		}
		fl_emit_store(p, 8, BPF_REG_0, (int16_t)(8 * i), BPF_REG_1);
	}
}

int fl_gen_hist_table(struct fl_gen *g, uint32_t lost)
{
	uint32_t there = fl_label_new(g->p), done = fl_label_new(g->p);
	size_t nr_vals = g->h->hist->nr_vals;
	struct fl_insns *p = g->p;
	int r = nr_vals ? values(g) : 0;

	look_up(g);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, there);
	if (!nr_vals)
		r = values(g);
	fl_emit_map_fd(p, BPF_REG_1, g->h->table);
	fl_gen_scratch_at(g, BPF_REG_2, fl_gen_key_at(g));
	stack_slot(g, BPF_REG_3, GEN_FP_WORDS);
	fl_emit_movi(p, BPF_REG_4, BPF_NOEXIST);
	fl_emit_call(p, BPF_FUNC_map_update_elem);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, done);
	look_up(g);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_label_place(p, there);
	add(g);
	fl_label_place(p, done);
	return r;
}

/* ---- all of them ---- */

static void count_at(struct fl_gen *g, uint32_t label, size_t member, uint32_t done)
{
	if (!fl_label_used(g->p, label))
		return;
	fl_label_place(g->p, label);
	fl_gen_count_other(g, g->h->slot, member);
	fl_emit_jmp(g->p, done);
}

static int gen_one_hist(struct fl_gen *g)
{
	uint32_t lost = fl_label_new(g->p), unpaired = fl_label_new(g->p), unwanted = fl_label_new(g->p),
		 done = fl_label_new(g->p);
	int r = g->h->filter ? fl_gen_filter(g, g->h->filter, true, unwanted) : 0;

	if (r == 0)
		r = fl_gen_trigger(g, lost, unpaired);
	fl_gen_count_other(g, g->h->slot, offsetof(struct fl_probe_counts, done));
	fl_emit_jmp(g->p, done);
	count_at(g, lost, offsetof(struct fl_probe_counts, lost), done);
	count_at(g, unpaired, offsetof(struct fl_probe_counts, unpaired), done);
	count_at(g, unwanted, offsetof(struct fl_probe_counts, filtered), done);
	fl_label_place(g->p, done);
	return r;
}

int fl_gen_hists(struct fl_gen *g, const struct fl_gen_hist *const *hists, size_t n)
{
	const struct fl_gen_hist *before = g->h;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		g->h = hists[i];
		r = gen_one_hist(g);
	}
	g->h = before;
	return r;
}
