/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram with variables and actions, as the kernel does it: the key is made; variables of other events
 * are looked up under it, and where one is missing nothing more is done; its own variables are worked out; its
 * table is added to; its variables are kept under the key; its actions are done with both.
 *
 * Scratch memory behind the record:
 *
 *	key		as it lies in the maps
 *	match		by what others' variables are looked up, where its own key is worked out of those
 *	references	what was found of others' variables, each in its room
 *	variables	its own, as they lie in their map: a word that says which are set, then each
 *	seen		what an action keeps: zeros, then what it saves
 *	record		of a synthetic event, strings in rooms of 64 bytes; behind it all of this again, for the
 *			histograms of that event
 *
 * A variable that is used up is taken by deleting its entry: only one of two CPUs can, so that a pair is one
 * pair. A start that finds another one there, which nobody has used, replaces it and counts that.
 *
 * What onmax() has seen of a key lies in a map of its own. Two CPUs that see the same key in the same moment may
 * both find it smaller than theirs: then the later one stays, as in the kernel.
 */
#include <errno.h>
#include <string.h>

#include "probe/gen/private.h"

#define DEPTH_MAX  4 /* of an expression */
#define NESTED_MAX 3 /* synthetic events made of histograms of synthetic events */
#define FP_VALUE(depth) ((int16_t)(GEN_FP_WORDS + 8 * (GEN_MAX_WORDS - 1 - (depth))))
#define FP_ENTRY	GEN_FP_SP /* what an action has seen, while it is written */

/* ---- scratch memory ---- */

static uint32_t refs_size(const struct fl_gen_hist *h)
{
	uint32_t n = 0;

	for (size_t i = 0; i < h->nr_refs; i++)
		n += h->ref[i].size;
	return n;
}

/* A record of @l with all its strings, in their rooms. */
static uint32_t synth_size(const struct fl_record_layout *l)
{
	return l->fixed_size + (uint32_t)l->nr_strings * FL_HIST_STRING;
}

static uint32_t synth_scratch(const struct fl_gen_synth *s, unsigned int depth)
{
	uint32_t most = 0;

	for (size_t i = 0; i < s->nr_hists; i++)
		most = FL_MAX(most, fl_gen_trigger_scratch(s->hists[i], depth + 1));
	return s->layout ? synth_size(s->layout) + most : 0;
}

uint32_t fl_gen_trigger_scratch(const struct fl_gen_hist *h, unsigned int depth)
{
	uint32_t most = 0;

	for (size_t i = 0; i < FL_HIST_ACTIONS && depth <= NESTED_MAX; i++)
		most = FL_MAX(most, synth_scratch(&h->synth[i], depth));
	return h->hist->key_size + h->hist->match_size + refs_size(h) + h->hist->vars.size + h->hist->seen.size + most;
}

int32_t fl_gen_key_at(const struct fl_gen *g)
{
	if (g->base)
		return g->base;
	return (int32_t)((g->l->max_size + 7) / 8 * 8 + fl_gen_path_scratch(g->l));
}

static int32_t match_at(const struct fl_gen *g)
{
	return fl_gen_key_at(g) + g->h->hist->key_size;
}

static int32_t ref_at(const struct fl_gen *g, size_t ref)
{
	int32_t at = match_at(g) + g->h->hist->match_size;

	for (size_t i = 0; i < ref; i++)
		at += g->h->ref[i].size;
	return at;
}

static int32_t vars_at(const struct fl_gen *g)
{
	return ref_at(g, g->h->nr_refs);
}

static int32_t seen_at(const struct fl_gen *g)
{
	return vars_at(g) + g->h->hist->vars.size;
}

static int32_t synth_at(const struct fl_gen *g)
{
	return seen_at(g) + g->h->hist->seen.size;
}

/* ---- values ---- */

/* Where a reference's value lies: among what was found, or among the event's own. */
static int32_t kept_at(const struct fl_gen *g, const struct fl_hist_value *ref)
{
	size_t own = fl_hist_place_of(&g->h->hist->vars, ref->target);

	if (own != SIZE_MAX)
		return vars_at(g) + g->h->hist->vars.v[own].offset;
	return ref_at(g, ref->flags & FL_HV_ALIAS ? ref->operand[0]->slot : ref->slot);
}

static int number(struct fl_gen *g, const struct fl_hist_value *v, unsigned int depth);

/* r1 = r1 / r2, as fl_hist_operate() has it; a division by nothing gives all ones. */
static void divide(struct fl_gen *g, const struct fl_hist_value *v)
{
	uint32_t large = fl_label_new(g->p), fine = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	if (v->multiplier) {
		fl_emit_jmpi(p, BPF_JGE, BPF_REG_1, 1 << FL_HIST_DIV_SHIFT, large);
		fl_emit_alui(p, BPF_MUL, BPF_REG_1, (int32_t)v->multiplier);
		fl_emit_alui(p, BPF_ADD, BPF_REG_1, (1 << FL_HIST_DIV_SHIFT) - 1);
		fl_emit_alui(p, BPF_RSH, BPF_REG_1, FL_HIST_DIV_SHIFT);
		fl_emit_jmp(p, fine);
		fl_label_place(p, large);
	}
	fl_emit_alu(p, BPF_DIV, BPF_REG_1, BPF_REG_2);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_2, 0, fine);
	fl_emit_movi(p, BPF_REG_1, -1);
	fl_label_place(p, fine);
}

/* r1 = r1 OP r2 */
static void operate(struct fl_gen *g, const struct fl_hist_value *v)
{
	if (v->op == '/')
		divide(g, v);
	else
		fl_emit_alu(g->p, v->op == '+' ? BPF_ADD : v->op == '-' ? BPF_SUB : BPF_MUL, BPF_REG_1, BPF_REG_2);
}

static int expression(struct fl_gen *g, const struct fl_hist_value *v, unsigned int depth)
{
	struct fl_insns *p = g->p;
	int r;

	if (depth >= DEPTH_MAX)
		return fl_gen_refuse(g, SIZE_MAX, "an expression of a histogram nests too deep");
	r = number(g, v->operand[0], depth);
	if (r < 0)
		return r;
	if (v->op == 'n') {
		fl_emit_alui(p, BPF_XOR, BPF_REG_1, -1);
		fl_emit_alui(p, BPF_ADD, BPF_REG_1, 1);
		return 0;
	}
	fl_emit_store(p, 8, BPF_REG_FP, FP_VALUE(depth), BPF_REG_1);
	r = number(g, v->operand[1], depth + 1);
	if (r < 0)
		return r;
	fl_emit_mov(p, BPF_REG_2, BPF_REG_1);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, FP_VALUE(depth));
	operate(g, v);
	return 0;
}

static int field(struct fl_gen *g, const struct fl_hist_value *v)
{
	size_t arg = fl_hist_arg(g->e, v->field->name);
	const struct fl_record_slot *s;

	if (strcmp(v->field->name, "common_pid") == 0) {
		fl_gen_ids(g, BPF_REG_1, BPF_REG_2);
		return 0;
	}
	if (arg == SIZE_MAX)
		return fl_gen_refuse(g, SIZE_MAX, "a histogram names a field that is no argument of the event");
	s = &g->l->slots[arg];
	fl_emit_load(g->p, s->size, BPF_REG_1, GEN_REC, (int16_t)s->offset);
	fl_emit_extend(g->p, BPF_REG_1, s->size, g->e->args[arg].type->is_signed);
	return 0;
}

/* r1 = the value */
static int number(struct fl_gen *g, const struct fl_hist_value *v, unsigned int depth)
{
	struct fl_insns *p = g->p;
	int r;

	if (v->flags & (FL_HV_REF | FL_HV_ALIAS)) {
		fl_emit_load(p, 8, BPF_REG_1, GEN_REC, (int16_t)kept_at(g, v));
	} else if (v->flags & FL_HV_CONST) {
		fl_emit_imm64(p, BPF_REG_1, v->constant);
	} else if (v->flags & FL_HV_EXPR) {
		return expression(g, v, depth);
	} else if (v->flags & (FL_HV_LOG2 | FL_HV_BUCKET)) {
		r = number(g, v->operand[0], depth);
		fl_gen_shape(g, v->flags & FL_HV_LOG2 ? FL_HIST_LOG2 : FL_HIST_BUCKETS, v->bucket);
		return r;
	} else if (v->flags & FL_HV_TIME) {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_SAVE);
	} else if (v->flags & FL_HV_CPU) {
		fl_emit_load(p, 4, BPF_REG_1, BPF_REG_FP, GEN_FP_KEY);
	} else if (v->flags & FL_HV_HITCOUNT) {
		fl_emit_movi(p, BPF_REG_1, 1);
	} else if (v->flags & FL_HV_STACK || !v->field) {
		return fl_gen_refuse(g, SIZE_MAX, "a stack is no number");
	} else {
		return field(g, v);
	}
	return 0;
}

int fl_gen_hist_number(struct fl_gen *g, const struct fl_hist_value *v)
{
	return number(g, v, 0);
}

/* ---- strings ---- */

/* The text of @v at @at, with zeros behind it. */
static int text(struct fl_gen *g, const struct fl_hist_value *v, int32_t at)
{
	struct fl_insns *p = g->p;
	size_t arg;

	if (!(v->flags & (FL_HV_REF | FL_HV_ALIAS)) && v->flags & (FL_HV_COMM | FL_HV_EXECNAME)) {
		fl_gen_comm_text(g, at, FL_HIST_STRING);
		return 0;
	}
	fl_gen_clear(g, at, FL_HIST_STRING);
	fl_gen_scratch_at(g, BPF_REG_1, at);
	fl_emit_movi(p, BPF_REG_2, FL_HIST_STRING);
	if (v->flags & (FL_HV_REF | FL_HV_ALIAS)) {
		fl_gen_scratch_at(g, BPF_REG_3, kept_at(g, v));
	} else {
		arg = v->field ? fl_hist_arg(g->e, v->field->name) : SIZE_MAX;
		if (arg == SIZE_MAX || g->l->slots[arg].kind != FL_SLOT_STRING)
			return fl_gen_refuse(g, SIZE_MAX, "a histogram wants a string that is no argument");
		fl_emit_load(p, 2, BPF_REG_3, GEN_REC, (int16_t)g->l->slots[arg].offset);
		fl_emit_alu(p, BPF_ADD, BPF_REG_3, GEN_REC);
	}
	fl_emit_call(p, fl_gen_string_helper(g, false));
	return 0;
}

/* The frames of @v at @at, with zeros behind them. */
static int frames(struct fl_gen *g, const struct fl_hist_value *v, int32_t at)
{
	if (v->flags & (FL_HV_REF | FL_HV_ALIAS))
		fl_gen_copy(g, kept_at(g, v), at, FL_HIST_FRAMES_RAW * 8);
	else if (v->field && v->field->size)
		return fl_gen_stack_field(g, v->field->name, at);
	else
		fl_gen_frames(g, at);
	return 0;
}

/* @v at @at, in the room that a place has for it. */
static int put(struct fl_gen *g, const struct fl_hist_value *v, uint16_t room, int32_t at)
{
	int r = v->flags & FL_HV_STACK ? frames(g, v, at) : room > 8 ? text(g, v, at) : fl_gen_hist_number(g, v);

	if (r == 0 && room == 8)
		fl_emit_store(g->p, 8, GEN_REC, (int16_t)at, BPF_REG_1);
	return r;
}

/* ---- others' variables ---- */

/* Others' entries are found by the keys, or by what stands for theirs. */
static int32_t lookup_at(const struct fl_gen *g)
{
	return g->h->hist->by_match ? match_at(g) : fl_gen_key_at(g);
}

/* r0 = the entry of the key at @at in that map, or NULL */
static void look_up(struct fl_gen *g, int map, int32_t at)
{
	fl_emit_map_fd(g->p, BPF_REG_1, map);
	fl_gen_scratch_at(g, BPF_REG_2, at);
	fl_emit_call(g->p, BPF_FUNC_map_lookup_elem);
}

/* All that is wanted of one histogram's, at r0. */
static void copy_refs(struct fl_gen *g, int map, uint32_t unpaired)
{
	struct fl_insns *p = g->p;

	for (size_t i = 0; i < g->h->nr_refs; i++) {
		const struct fl_gen_ref *r = &g->h->ref[i];

		if (r->map != map)
			continue;
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, 0);
		fl_emit_alui(p, BPF_RSH, BPF_REG_1, (int32_t)r->bit);
		fl_emit_alui(p, BPF_AND, BPF_REG_1, 1);
		fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, unpaired);
		for (int16_t done = 0; done < (int16_t)r->size; done += 8) {
			fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, (int16_t)(r->offset + done));
			fl_emit_store(p, 8, GEN_REC, (int16_t)(ref_at(g, i) + done), BPF_REG_1);
		}
	}
}

static bool is_used_up(const struct fl_gen_hist *h, int map)
{
	for (size_t i = 0; i < h->nr_refs; i++)
		if (h->ref[i].map == map && h->ref[i].once)
			return true;
	return false;
}

static void find_refs(struct fl_gen *g, uint32_t unpaired)
{
	const struct fl_gen_hist *h = g->h;
	struct fl_insns *p = g->p;

	for (size_t i = 0; i < h->nr_refs; i++) {
		int map = h->ref[i].map;
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= h->ref[k].map == map;
		if (map < 0 || seen)
			continue;
		look_up(g, map, lookup_at(g));
		fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, unpaired);
		copy_refs(g, map, unpaired);
		if (!is_used_up(h, map))
			continue;
		fl_emit_map_fd(p, BPF_REG_1, map);
		fl_gen_scratch_at(g, BPF_REG_2, lookup_at(g));
		fl_emit_call(p, BPF_FUNC_map_delete_elem);
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, unpaired);
	}
}

/* ---- its own variables ---- */

static int work_out_variables(struct fl_gen *g)
{
	const struct fl_hist_kept *vars = &g->h->hist->vars;
	int r = 0;

	if (vars->n) {
		fl_emit_imm64(g->p, BPF_REG_1, (1ull << vars->n) - 1);
		fl_emit_store(g->p, 8, GEN_REC, (int16_t)vars_at(g), BPF_REG_1);
	}
	for (size_t i = 0; i < vars->n && r == 0; i++)
		r = put(g, vars->v[i].value, vars->v[i].size, vars_at(g) + vars->v[i].offset);
	return r;
}

static void update(struct fl_gen *g, int map, int32_t value_at, int32_t flags)
{
	fl_emit_map_fd(g->p, BPF_REG_1, map);
	fl_gen_scratch_at(g, BPF_REG_2, fl_gen_key_at(g));
	fl_gen_scratch_at(g, BPF_REG_3, value_at);
	fl_emit_movi(g->p, BPF_REG_4, flags);
	fl_emit_call(g->p, BPF_FUNC_map_update_elem);
}

static void keep_variables(struct fl_gen *g, uint32_t lost)
{
	uint32_t done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	if (g->h->vars_map < 0)
		return;
	update(g, g->h->vars_map, vars_at(g), BPF_NOEXIST);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, done);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, -EEXIST, lost);
	fl_gen_count_other(g, g->h->slot, offsetof(struct fl_probe_counts, replaced));
	update(g, g->h->vars_map, vars_at(g), BPF_ANY);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, lost);
	fl_label_place(p, done);
}

/* ---- synthetic events ---- */

/* What a parameter stands for: a field that was named is read now. */
static const struct fl_hist_value *meant(const struct fl_trigger *t, const struct fl_hist_value *ref)
{
	for (size_t i = 0; i < t->nr_field_vars; i++)
		if (t->field_var[i].var == ref->target)
			return t->field_var[i].val;
	return ref;
}

/* The string at its room, and where it is told of. */
static int put_text(struct fl_gen *g, const struct fl_hist_value *v, int32_t slot, int32_t room)
{
	struct fl_insns *p = g->p;
	int32_t at = synth_at(g) + room;
	uint32_t fine = fl_label_new(p);
	int r = text(g, v, at);

	if (r < 0)
		return r;
	/* its length: a copy onto itself tells */
	fl_gen_scratch_at(g, BPF_REG_1, at);
	fl_emit_movi(p, BPF_REG_2, FL_HIST_STRING);
	fl_gen_scratch_at(g, BPF_REG_3, at);
	fl_emit_call(p, fl_gen_string_helper(g, false));
	fl_emit_jmpi(p, BPF_JSGT, BPF_REG_0, 0, fine);
	fl_emit_movi(p, BPF_REG_0, 0);
	fl_label_place(p, fine);
	fl_emit_store(p, 2, GEN_REC, (int16_t)(synth_at(g) + slot + 2), BPF_REG_0);
	fl_emit_movi(p, BPF_REG_1, room);
	fl_emit_store(p, 2, GEN_REC, (int16_t)(synth_at(g) + slot), BPF_REG_1);
	return 0;
}

static int put_fields(struct fl_gen *g, const struct fl_hist_action *a, const struct fl_record_layout *l)
{
	int32_t room = l->fixed_size;
	int r = 0;

	for (size_t i = 0; i < a->nr_params && r == 0; i++) {
		const struct fl_hist_value *v = meant(g->h->hist->trigger, a->ref[i]);
		const struct fl_record_slot *s = &l->slots[i];

		if (s->kind == FL_SLOT_STRING) {
			r = put_text(g, v, s->offset, room);
			room += FL_HIST_STRING;
		} else if (s->kind == FL_SLOT_STACK) {
			r = frames(g, v, synth_at(g) + s->offset);
		} else {
			r = number(g, v, 0);
			fl_emit_store(g->p, s->size, GEN_REC, (int16_t)(synth_at(g) + s->offset), BPF_REG_1);
		}
	}
	return r;
}

/* The histograms of the event whose record lies at GEN_REC now. */
static int count_synth(struct fl_gen *g, const struct fl_gen_synth *s)
{
	struct fl_gen inner = *g;
	int r;

	if (g->depth == NESTED_MAX)
		return fl_gen_refuse(g, SIZE_MAX, "synthetic events of histograms of synthetic events nest too deep");
	inner.e = s->event;
	inner.l = s->layout;
	inner.base = (int32_t)synth_size(s->layout);
	inner.depth++;
	r = fl_gen_hists(&inner, s->hists, s->nr_hists);
	g->out_of_memory |= inner.out_of_memory;
	return r;
}

static int send_synth(struct fl_gen *g, const struct fl_gen_synth *s)
{
	uint32_t lost = fl_label_new(g->p), done = fl_label_new(g->p);

	fl_gen_output(g, synth_size(s->layout), lost);
	fl_emit_jmp(g->p, done);
	fl_label_place(g->p, lost);
	fl_gen_count_other(g, s->number, offsetof(struct fl_probe_counts, lost));
	fl_label_place(g->p, done);
	return 0;
}

/* The record at GEN_REC, if it is wanted. */
static int give_synth(struct fl_gen *g, const struct fl_gen_synth *s)
{
	uint32_t unwanted = fl_label_new(g->p), done = fl_label_new(g->p);
	const struct fl_record_layout *l = g->l;
	int r;

	g->l = s->layout;
	fl_gen_head(g, s->number);
	r = s->filter ? fl_gen_filter(g, s->filter, true, unwanted) : 0;
	g->l = l;
	if (r == 0)
		r = s->is_counted ? count_synth(g, s) : send_synth(g, s);
	if (!fl_label_used(g->p, unwanted))
		return r;
	fl_emit_jmp(g->p, done);
	fl_label_place(g->p, unwanted);
	fl_gen_count_other(g, s->number, offsetof(struct fl_probe_counts, filtered));
	fl_label_place(g->p, done);
	return r;
}

static int make_synth(struct fl_gen *g, const struct fl_hist_action *a, const struct fl_gen_synth *s)
{
	int32_t at = synth_at(g);
	int r;

	fl_gen_count_other(g, s->number, offsetof(struct fl_probe_counts, hits));
	r = put_fields(g, a, s->layout);
	if (r < 0)
		return r;
	fl_emit_alui(g->p, BPF_ADD, GEN_REC, at);
	r = give_synth(g, s);
	fl_emit_alui(g->p, BPF_ADD, GEN_REC, -at);
	return r;
}

/* ---- what is seen ---- */

/* r0 = the entry of what was seen, made of zeros where there is none */
static void find_seen(struct fl_gen *g, uint32_t lost)
{
	uint32_t there = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	look_up(g, g->h->seen_map, fl_gen_key_at(g));
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, there);
	fl_gen_clear(g, seen_at(g), g->h->hist->seen.size);
	update(g, g->h->seen_map, seen_at(g), BPF_NOEXIST);
	look_up(g, g->h->seen_map, fl_gen_key_at(g));
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_label_place(p, there);
}

/* Into the entry at FP_ENTRY. */
static int save(struct fl_gen *g)
{
	const struct fl_hist_kept *seen = &g->h->hist->seen;
	struct fl_insns *p = g->p;
	int r = 0;

	for (size_t i = 0; i < seen->n && r == 0; i++)
		if (seen->v[i].from)
			r = put(g, seen->v[i].from, seen->v[i].size, seen_at(g) + seen->v[i].offset);
	fl_emit_load(p, 8, BPF_REG_2, BPF_REG_FP, FP_ENTRY);
	for (size_t i = 0; i < seen->n; i++)
		for (int32_t done = 0; seen->v[i].from && done < seen->v[i].size; done += 8) {
			int32_t at = seen->v[i].offset + done;

			fl_emit_load(p, 8, BPF_REG_1, GEN_REC, (int16_t)(seen_at(g) + at));
			fl_emit_store(p, 8, BPF_REG_2, (int16_t)at, BPF_REG_1);
		}
	return r;
}

#define SNAP(member) ((int16_t)offsetof(struct fl_gen_snapshot, member))

/* The value in GEN_VALUE is kept with its key where it says more than that of the last snapshot. */
static void take_snapshot(struct fl_gen *g, const struct fl_hist_action *a)
{
	uint32_t done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_map_value(p, BPF_REG_2, g->h->snapshot, 0);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_2, SNAP(value));
	fl_emit_jmpr(p, a->handler == FL_HIST_ONMAX ? BPF_JLE : BPF_JEQ, GEN_VALUE, BPF_REG_1, done);
	fl_emit_store(p, 8, BPF_REG_2, SNAP(value), GEN_VALUE);
	for (int32_t i = 0; i < g->h->hist->key_size; i += 8) {
		fl_emit_load(p, 8, BPF_REG_1, GEN_REC, (int16_t)(fl_gen_key_at(g) + i));
		fl_emit_store(p, 8, BPF_REG_2, (int16_t)(SNAP(key) + i), BPF_REG_1);
	}
	fl_emit_mov(p, BPF_REG_1, BPF_REG_2);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, SNAP(comm));
	fl_emit_movi(p, BPF_REG_2, FL_COMM_LEN);
	fl_emit_call(p, BPF_FUNC_get_current_comm);
	fl_emit_map_value(p, BPF_REG_2, g->h->snapshot, 0);
	fl_emit_movi(p, BPF_REG_1, 1);
	fl_emit_atomic_add(p, 8, BPF_REG_2, SNAP(taken), BPF_REG_1);
	fl_label_place(p, done);
}

/* onmax() and onchange() */
static int track(struct fl_gen *g, size_t action, uint32_t lost)
{
	const struct fl_hist *h = g->h->hist;
	const struct fl_hist_action *a = h->trigger->action[action];
	int16_t at = (int16_t)h->seen.v[fl_hist_seen_by(h, a)].offset;
	uint32_t same = fl_label_new(g->p);
	struct fl_insns *p = g->p;
	int r = 0;

	find_seen(g, lost);
	fl_emit_store(p, 8, BPF_REG_FP, FP_ENTRY, BPF_REG_0);
	r = number(g, a->tracked, 0);
	if (r < 0)
		return r;
	fl_emit_mov(p, GEN_VALUE, BPF_REG_1);
	fl_emit_load(p, 8, BPF_REG_2, BPF_REG_FP, FP_ENTRY);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_2, at);
	fl_emit_jmpr(p, a->handler == FL_HIST_ONMAX ? BPF_JLE : BPF_JEQ, GEN_VALUE, BPF_REG_1, same);
	fl_emit_store(p, 8, BPF_REG_2, at, GEN_VALUE);
	if (a->kind == FL_HIST_SAVE)
		r = save(g);
	else if (a->kind == FL_HIST_TRACE)
		r = make_synth(g, a, &g->h->synth[action]);
	else
		take_snapshot(g, a);
	fl_label_place(p, same);
	return r;
}

static int act(struct fl_gen *g, uint32_t lost)
{
	const struct fl_trigger *t = g->h->hist->trigger;
	int r = 0;

	for (size_t i = 0; i < t->nr_actions && r == 0; i++)
		r = t->action[i]->handler == FL_HIST_ONMATCH ? make_synth(g, t->action[i], &g->h->synth[i])
							     : track(g, i, lost);
	return r;
}

/* GEN_FP_SAVE = the time, in the unit that the spec asks for */
static void take_time(struct fl_gen *g)
{
	fl_emit_call(g->p, g->env->boot_clock ? BPF_FUNC_ktime_get_boot_ns : BPF_FUNC_ktime_get_ns);
	if (g->h->hist->trigger->attrs.usecs)
		fl_emit_alui(g->p, BPF_DIV, BPF_REG_0, 1000);
	fl_emit_store(g->p, 8, BPF_REG_FP, GEN_FP_SAVE, BPF_REG_0);
}

static int keys(struct fl_gen *g)
{
	return fl_gen_hist_keys(g, g->h->hist->keys, g->h->hist->nr_keys, fl_gen_key_at(g));
}

int fl_gen_trigger(struct fl_gen *g, uint32_t lost, uint32_t unpaired)
{
	const struct fl_hist *h = g->h->hist;
	int r;

	if (h->trigger->has_time)
		take_time(g);
	r = h->by_match ? fl_gen_hist_keys(g, h->match, h->nr_match, match_at(g)) : keys(g);
	if (r < 0)
		return r;
	find_refs(g, unpaired);
	r = work_out_variables(g);
	if (r == 0 && h->by_match)
		r = keys(g);
	if (r == 0 && g->h->table >= 0)
		r = fl_gen_hist_table(g, lost);
	keep_variables(g, lost);
	return r < 0 ? r : act(g, lost);
}
