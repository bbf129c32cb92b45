/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting in the kernel. The arguments are fetched into the scratch record as for a record that is
 * sent; behind it the key is put together, and the entry of a per-CPU hash is added to. Nothing
 * else of the record is made, and nothing is sent.
 *
 * An entry that is not there yet is inserted with what would have been added. Another CPU may have
 * been faster: then it is there now, and is added to after all.
 */
#include <errno.h>

#include "probe/gen/private.h"

int16_t fl_gen_key_at(const struct fl_gen *g)
{
	return (int16_t)((g->l->max_size + 7) / 8 * 8 + fl_gen_path_scratch(g->l));
}

static int16_t match_at(const struct fl_gen *g)
{
	return (int16_t)(fl_gen_key_at(g) + g->env->hist->key_size);
}

uint32_t fl_gen_hist_scratch(const struct fl_record_layout *l, const struct fl_hist *h)
{
	return (l->max_size + 7) / 8 * 8 + fl_gen_path_scratch(l) + h->key_size + FL_HIST_MAX_KEY;
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
		fl_emit_call(p, BPF_FUNC_get_current_pid_tgid);
		fl_emit_mov32(p, BPF_REG_1, BPF_REG_0);
		break;
	case FL_HIST_CPU:
		fl_emit_load(p, 4, BPF_REG_1, BPF_REG_FP, GEN_FP_KEY);
		break;
	case FL_HIST_LATENCY:
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_SAVE);
		break;
	case FL_HIST_EXPR:
		r = fl_gen_hist_number(g, f->value);
		break;
	case FL_HIST_STACK: /* no numbers: see key_stack() and key_comm() */
	case FL_HIST_COMM:
		break;
	}
	fl_gen_shape(g, f->modifier, f->bucket);
	return r;
}

/* The string, with zeros behind it: equal strings must be equal keys. */
static void key_string(struct fl_gen *g, const struct fl_record_slot *s, int16_t at)
{
	struct fl_insns *p = g->p;

	for (int16_t done = 0; done < FL_HIST_STRING; done += 8)
		fl_emit_storei(p, 8, GEN_REC, (int16_t)(at + done), 0);
	fl_emit_mov(p, BPF_REG_1, GEN_REC);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, at);
	fl_emit_movi(p, BPF_REG_2, FL_HIST_STRING);
	fl_emit_load(p, 2, BPF_REG_3, GEN_REC, (int16_t)s->offset);
	fl_emit_alu(p, BPF_ADD, BPF_REG_3, GEN_REC);
	fl_emit_call(p, fl_gen_string_helper(g, false));
}

/* The frames, with zeros behind them; all zeros where the kernel gives none. */
static void key_stack(struct fl_gen *g, int16_t at)
{
	for (int16_t done = 0; done < FL_HIST_FRAMES_RAW * 8; done += 8)
		fl_emit_storei(g->p, 8, GEN_REC, (int16_t)(at + done), 0);
	fl_emit_mov(g->p, BPF_REG_2, GEN_REC);
	fl_emit_alui(g->p, BPF_ADD, BPF_REG_2, at);
	fl_gen_stack(g, FL_STACK_KERNEL, FL_HIST_FRAMES_RAW);
}

/* The task's name, with zeros behind it. */
static void key_comm(struct fl_gen *g, int16_t at)
{
	for (int16_t done = 0; done < FL_HIST_STRING; done += 8)
		fl_emit_storei(g->p, 8, GEN_REC, (int16_t)(at + done), 0);
	fl_emit_mov(g->p, BPF_REG_1, GEN_REC);
	fl_emit_alui(g->p, BPF_ADD, BPF_REG_1, at);
	fl_emit_movi(g->p, BPF_REG_2, FL_COMM_LEN);
	fl_emit_call(g->p, BPF_FUNC_get_current_comm);
}

static int key_field(struct fl_gen *g, const struct fl_hist_field *f, int16_t at)
{
	int r = 0;

	if (f->source == FL_HIST_COMM) {
		key_comm(g, at);
	} else if (f->is_string) {
		key_string(g, &g->l->slots[f->arg], at);
	} else if (f->source == FL_HIST_STACK) {
		key_stack(g, at);
	} else {
		r = load_field(g, f);
		fl_emit_store(g->p, 8, GEN_REC, at, BPF_REG_1);
	}
	return r;
}

static void address_of(struct fl_gen *g, uint8_t reg, uint8_t base, int32_t at)
{
	fl_emit_mov(g->p, reg, base);
	fl_emit_alui(g->p, BPF_ADD, reg, at);
}

/* GEN_FP_SAVE = time since the other event kept it under the same key */
static void latency(struct fl_gen *g, uint32_t unpaired)
{
	const struct fl_hist *h = g->env->hist;
	struct fl_insns *p = g->p;
	int16_t at = match_at(g);

	for (size_t i = 0; i < h->nr_match; i++) {
		struct fl_hist_field f = { .arg = h->match[i] };

		if (h->match[i] > SIZE_MAX - FL_HIST_LATENCY)
			f.source = (enum fl_hist_source)(SIZE_MAX - h->match[i]);
		f.is_string = f.source == FL_HIST_ARG && g->l->slots[f.arg].kind == FL_SLOT_STRING;
		f.is_signed = f.source == FL_HIST_ARG && g->e->args[f.arg].type->is_signed;
		key_field(g, &f, at);
		at = (int16_t)(at + fl_hist_key_size(&f));
	}
	fl_emit_map_fd(p, BPF_REG_1, g->env->since_fd);
	address_of(g, BPF_REG_2, GEN_REC, match_at(g));
	fl_emit_call(p, BPF_FUNC_map_lookup_elem);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, unpaired);
	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_0, 0);
	fl_emit_map_fd(p, BPF_REG_1, g->env->since_fd);
	address_of(g, BPF_REG_2, GEN_REC, match_at(g));
	fl_emit_call(p, BPF_FUNC_map_delete_elem);
	fl_emit_call(p, BPF_FUNC_ktime_get_ns);
	fl_emit_alu(p, BPF_SUB, BPF_REG_0, GEN_VALUE);
	if (h->usecs)
		fl_emit_alui(p, BPF_DIV, BPF_REG_0, 1000);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_SAVE, BPF_REG_0);
}

static void keep_time(struct fl_gen *g, uint32_t lost)
{
	struct fl_insns *p = g->p;

	fl_emit_call(p, BPF_FUNC_ktime_get_ns);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_ENTRY, BPF_REG_0);
	fl_emit_map_fd(p, BPF_REG_1, g->env->keep_fd);
	address_of(g, BPF_REG_2, GEN_REC, fl_gen_key_at(g));
	address_of(g, BPF_REG_3, BPF_REG_FP, GEN_FP_ENTRY);
	fl_emit_movi(p, BPF_REG_4, BPF_ANY);
	fl_emit_call(p, BPF_FUNC_map_update_elem);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, lost);
}

static void look_up(struct fl_gen *g)
{
	fl_emit_map_fd(g->p, BPF_REG_1, g->env->hist_fd);
	address_of(g, BPF_REG_2, GEN_REC, fl_gen_key_at(g));
	fl_emit_call(g->p, BPF_FUNC_map_lookup_elem);
}

/* What is to be added, on the stack at GEN_FP_WORDS. */
static int values(struct fl_gen *g)
{
	const struct fl_hist *h = g->env->hist;
	struct fl_insns *p = g->p;
	int r = 0;

	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_WORDS, 1);
	for (size_t i = 0; i < h->nr_vals && r == 0; i++) {
		r = load_field(g, &h->vals[i]);
		fl_emit_store(p, 8, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + h->vals[i].offset), BPF_REG_1);
	}
	if (h->execname) {
		address_of(g, BPF_REG_1, BPF_REG_FP, GEN_FP_WORDS + h->value_size - FL_COMM_LEN);
		fl_emit_movi(p, BPF_REG_2, FL_COMM_LEN);
		fl_emit_call(p, BPF_FUNC_get_current_comm);
	}
	return r;
}

/* The entry at r0 += the values. Nothing interrupts a program by itself on its CPU. */
static void add(struct fl_gen *g)
{
	const struct fl_hist *h = g->env->hist;
	struct fl_insns *p = g->p;

	for (int16_t i = 0; i <= (int16_t)h->nr_vals; i++) {
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

int fl_gen_hist_keys(struct fl_gen *g)
{
	const struct fl_hist *h = g->env->hist;
	int r = 0;

	for (size_t i = 0; i < h->nr_keys && r == 0; i++)
		r = key_field(g, &h->keys[i], (int16_t)(fl_gen_key_at(g) + h->keys[i].offset));
	return r;
}

int fl_gen_hist_table(struct fl_gen *g, uint32_t lost)
{
	const struct fl_hist *h = g->env->hist;
	uint32_t there = fl_label_new(g->p), done = fl_label_new(g->p);
	struct fl_insns *p = g->p;
	int r = h->nr_vals ? values(g) : 0;

	look_up(g);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, there);
	if (!h->nr_vals)
		r = values(g);
	fl_emit_map_fd(p, BPF_REG_1, g->env->hist_fd);
	address_of(g, BPF_REG_2, GEN_REC, fl_gen_key_at(g));
	address_of(g, BPF_REG_3, BPF_REG_FP, GEN_FP_WORDS);
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

int fl_gen_hist(struct fl_gen *g, uint32_t lost, uint32_t unpaired)
{
	const struct fl_hist *h = g->env->hist;
	int r;

	if (g->env->trigger)
		return fl_gen_trigger(g, lost, unpaired);
	if (h->since.n)
		latency(g, unpaired);
	r = fl_gen_hist_keys(g);
	if (h->keep.n)
		keep_time(g, lost);
	return r < 0 ? r : fl_gen_hist_table(g, lost);
}
