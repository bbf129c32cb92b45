/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram with variables and actions, as the kernel does it: the key is made; variables of other events
 * are looked up under it, and where one is missing nothing more is done; its table is added to; its own
 * variables are kept under the key; its actions are done with both.
 *
 * Scratch memory behind the record:
 *
 *	key		as it lies in the maps
 *	references	what was found of others' variables, 8 bytes each, strings 64
 *	variables	the event's own, as they lie in its map: a word that says which are set, then each
 *	record		of a synthetic event, strings in rooms of 64 bytes
 *
 * A variable that is used up is taken by deleting its entry: only one of two CPUs can, so that a pair is one
 * pair. A start that finds another one there, which nobody has used, replaces it and counts that.
 */
#include <errno.h>
#include <string.h>

#include "probe/gen/private.h"

#define DEPTH_MAX 4
#define FP_VALUE(depth) ((int16_t)(GEN_FP_WORDS + 8 * (GEN_MAX_WORDS - 1 - (depth))))

static const struct fl_gen_trigger *trigger_of(const struct fl_gen *g)
{
	return g->env->trigger;
}

/* ---- scratch memory ---- */

static uint32_t refs_size(const struct fl_gen_trigger *x)
{
	uint32_t n = 0;

	for (size_t i = 0; i < x->nr_refs; i++)
		n += x->ref[i].size;
	return n;
}

/* A record of @l with all its strings, in their rooms. */
static uint32_t synth_size(const struct fl_record_layout *l)
{
	return l->fixed_size + (uint32_t)l->nr_strings * FL_HIST_STRING;
}

uint32_t fl_gen_trigger_scratch(const struct fl_gen_trigger *x)
{
	uint32_t most = 0;

	for (size_t i = 0; i < x->nr_synths; i++)
		most = FL_MAX(most, x->synth[i].layout ? synth_size(x->synth[i].layout) : 0);
	return refs_size(x) + x->vars.size + most;
}

static int16_t refs_at(const struct fl_gen *g)
{
	return (int16_t)(fl_gen_key_at(g) + g->env->hist->key_size);
}

static int16_t ref_at(const struct fl_gen *g, size_t ref)
{
	int16_t at = refs_at(g);

	for (size_t i = 0; i < ref; i++)
		at = (int16_t)(at + trigger_of(g)->ref[i].size);
	return at;
}

static int16_t vars_at(const struct fl_gen *g)
{
	return (int16_t)(refs_at(g) + (int32_t)refs_size(trigger_of(g)));
}

static int16_t synth_at(const struct fl_gen *g)
{
	return (int16_t)(vars_at(g) + trigger_of(g)->vars.size);
}

static void address(struct fl_gen *g, uint8_t reg, int16_t at)
{
	fl_emit_mov(g->p, reg, GEN_REC);
	fl_emit_alui(g->p, BPF_ADD, reg, at);
}

/* ---- values ---- */

/* Where a reference's value lies: among what was found, or among the event's own. */
static int16_t kept_at(const struct fl_gen *g, const struct fl_hist_value *ref)
{
	const struct fl_gen_trigger *x = trigger_of(g);
	size_t own = fl_hist_var(&x->vars, ref->target);

	if (own != SIZE_MAX)
		return (int16_t)(vars_at(g) + x->vars.v[own].offset);
	return ref_at(g, ref->flags & FL_HV_ALIAS ? ref->operand[0]->slot : ref->slot);
}

static int number(struct fl_gen *g, const struct fl_hist_value *v, unsigned int depth);

/* r1 = r1 OP r2; a division by nothing gives all ones. */
static void operate(struct fl_gen *g, char op)
{
	uint32_t fine = fl_label_new(g->p);

	if (op != '/') {
		fl_emit_alu(g->p, op == '+' ? BPF_ADD : op == '-' ? BPF_SUB : BPF_MUL, BPF_REG_1, BPF_REG_2);
		return;
	}
	fl_emit_alu(g->p, BPF_DIV, BPF_REG_1, BPF_REG_2);
	fl_emit_jmpi(g->p, BPF_JNE, BPF_REG_2, 0, fine);
	fl_emit_movi(g->p, BPF_REG_1, -1);
	fl_label_place(g->p, fine);
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
	operate(g, v->op);
	return 0;
}

static int field(struct fl_gen *g, const struct fl_hist_value *v)
{
	size_t arg = fl_hist_arg(g->e, v->field->name);
	const struct fl_record_slot *s;

	if (strcmp(v->field->name, "common_pid") == 0) {
		fl_emit_call(g->p, BPF_FUNC_get_current_pid_tgid);
		fl_emit_mov32(g->p, BPF_REG_1, BPF_REG_0);
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
		fl_emit_load(p, 8, BPF_REG_1, GEN_REC, kept_at(g, v));
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
		return fl_gen_refuse(g, SIZE_MAX, "stacks are not kept in variables yet");
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

static void clear_room(struct fl_gen *g, int16_t at)
{
	for (int16_t done = 0; done < FL_HIST_STRING; done += 8)
		fl_emit_storei(g->p, 8, GEN_REC, (int16_t)(at + done), 0);
}

/* The text of @v at @at, with zeros behind it. */
static int text(struct fl_gen *g, const struct fl_hist_value *v, int16_t at)
{
	struct fl_insns *p = g->p;
	size_t arg;

	clear_room(g, at);
	address(g, BPF_REG_1, at);
	if (v->flags & (FL_HV_REF | FL_HV_ALIAS)) {
		fl_emit_movi(p, BPF_REG_2, FL_HIST_STRING);
		address(g, BPF_REG_3, kept_at(g, v));
	} else if (v->flags & (FL_HV_COMM | FL_HV_EXECNAME)) {
		fl_emit_movi(p, BPF_REG_2, FL_COMM_LEN);
		fl_emit_call(p, BPF_FUNC_get_current_comm);
		return 0;
	} else {
		arg = v->field ? fl_hist_arg(g->e, v->field->name) : SIZE_MAX;
		if (arg == SIZE_MAX || g->l->slots[arg].kind != FL_SLOT_STRING)
			return fl_gen_refuse(g, SIZE_MAX, "a histogram wants a string that is no argument");
		fl_emit_movi(p, BPF_REG_2, FL_HIST_STRING);
		fl_emit_load(p, 2, BPF_REG_3, GEN_REC, (int16_t)g->l->slots[arg].offset);
		fl_emit_alu(p, BPF_ADD, BPF_REG_3, GEN_REC);
	}
	fl_emit_call(p, fl_gen_string_helper(g, false));
	return 0;
}

/* ---- others' variables ---- */

/* r0 = the entry of the key in that map, or NULL */
static void look_up(struct fl_gen *g, int map)
{
	fl_emit_map_fd(g->p, BPF_REG_1, map);
	address(g, BPF_REG_2, fl_gen_key_at(g));
	fl_emit_call(g->p, BPF_FUNC_map_lookup_elem);
}

/* All that is wanted of one event's, at r0. */
static void copy_refs(struct fl_gen *g, int map, uint32_t unpaired)
{
	const struct fl_gen_trigger *x = trigger_of(g);
	struct fl_insns *p = g->p;

	for (size_t i = 0; i < x->nr_refs; i++) {
		const struct fl_gen_ref *r = &x->ref[i];

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

static bool is_used_up(const struct fl_gen_trigger *x, int map)
{
	for (size_t i = 0; i < x->nr_refs; i++)
		if (x->ref[i].map == map && x->ref[i].once)
			return true;
	return false;
}

static void find_refs(struct fl_gen *g, uint32_t unpaired)
{
	const struct fl_gen_trigger *x = trigger_of(g);
	struct fl_insns *p = g->p;

	for (size_t i = 0; i < x->nr_refs; i++) {
		int map = x->ref[i].map;
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= x->ref[k].map == map;
		if (map < 0 || seen)
			continue;
		look_up(g, map);
		fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, unpaired);
		copy_refs(g, map, unpaired);
		if (!is_used_up(x, map))
			continue;
		fl_emit_map_fd(p, BPF_REG_1, map);
		address(g, BPF_REG_2, fl_gen_key_at(g));
		fl_emit_call(p, BPF_FUNC_map_delete_elem);
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, unpaired);
	}
}

/* ---- its own variables ---- */

static int keep_variables(struct fl_gen *g, uint32_t lost)
{
	const struct fl_gen_trigger *x = trigger_of(g);
	uint32_t done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_imm64(p, BPF_REG_1, (1ull << x->vars.n) - 1);
	fl_emit_store(p, 8, GEN_REC, vars_at(g), BPF_REG_1);
	for (size_t i = 0; i < x->vars.n; i++) {
		const struct fl_hist_var_place *v = &x->vars.v[i];
		int16_t at = (int16_t)(vars_at(g) + v->offset);
		int r = v->size > 8 ? text(g, v->value, at) : number(g, v->value, 0);

		if (r < 0)
			return r;
		if (v->size == 8)
			fl_emit_store(p, 8, GEN_REC, at, BPF_REG_1);
	}
	if (x->vars_map < 0)
		return 0;
	for (int again = 0; again < 2; again++) {
		fl_emit_map_fd(p, BPF_REG_1, x->vars_map);
		address(g, BPF_REG_2, fl_gen_key_at(g));
		address(g, BPF_REG_3, vars_at(g));
		fl_emit_movi(p, BPF_REG_4, again ? BPF_ANY : BPF_NOEXIST);
		fl_emit_call(p, BPF_FUNC_map_update_elem);
		if (again)
			break;
		fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, done);
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, -EEXIST, lost);
		fl_gen_count(g, offsetof(struct fl_probe_counts, replaced));
	}
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, lost);
	fl_label_place(p, done);
	return 0;
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
static int put_text(struct fl_gen *g, const struct fl_hist_value *v, int16_t slot, int16_t room)
{
	struct fl_insns *p = g->p;
	int16_t at = (int16_t)(synth_at(g) + room);
	uint32_t fine = fl_label_new(p);
	int r = text(g, v, at);

	if (r < 0)
		return r;
	/* its length: a copy onto itself tells */
	address(g, BPF_REG_1, at);
	fl_emit_movi(p, BPF_REG_2, FL_HIST_STRING);
	address(g, BPF_REG_3, at);
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
	int16_t room = (int16_t)l->fixed_size;
	int r = 0;

	for (size_t i = 0; i < a->nr_params && r == 0; i++) {
		const struct fl_hist_value *v = meant(trigger_of(g)->t, a->ref[i]);
		const struct fl_record_slot *s = &l->slots[i];

		if (s->kind == FL_SLOT_STRING) {
			r = put_text(g, v, (int16_t)s->offset, room);
			room += FL_HIST_STRING;
		} else {
			r = number(g, v, 0);
			fl_emit_store(g->p, s->size, GEN_REC, (int16_t)(synth_at(g) + s->offset), BPF_REG_1);
		}
	}
	return r;
}

static int make_synth(struct fl_gen *g, const struct fl_hist_action *a, const struct fl_gen_synth *s)
{
	const struct fl_record_layout *l = g->l;
	struct fl_insns *p = g->p;
	uint32_t lost = fl_label_new(p), done = fl_label_new(p);
	int r;

	fl_gen_count_other(g, s->event, offsetof(struct fl_probe_counts, hits));
	r = put_fields(g, a, s->layout);
	if (r < 0)
		return r;
	fl_emit_alui(p, BPF_ADD, GEN_REC, synth_at(g));
	g->l = s->layout;
	fl_gen_head(g, s->event);
	g->l = l;
	fl_gen_output(g, synth_size(s->layout), lost);
	fl_emit_jmp(p, done);
	fl_label_place(p, lost);
	fl_gen_count_other(g, s->event, offsetof(struct fl_probe_counts, lost));
	fl_label_place(p, done);
	fl_emit_alui(p, BPF_ADD, GEN_REC, -synth_at(g));
	return 0;
}

static int act(struct fl_gen *g)
{
	const struct fl_gen_trigger *x = trigger_of(g);
	int r = 0;

	for (size_t i = 0; i < x->t->nr_actions && r == 0; i++) {
		const struct fl_hist_action *a = x->t->action[i];

		if (a->handler == FL_HIST_ONMATCH && a->kind == FL_HIST_TRACE)
			r = make_synth(g, a, &x->synth[i]);
		else
			r = fl_gen_refuse(g, SIZE_MAX, "onmax, onchange, save and snapshot are not done here yet");
	}
	return r;
}

/* GEN_FP_SAVE = the time, in the unit that the spec asks for */
static void take_time(struct fl_gen *g)
{
	fl_emit_call(g->p, g->env->boot_clock ? BPF_FUNC_ktime_get_boot_ns : BPF_FUNC_ktime_get_ns);
	if (trigger_of(g)->t->attrs.usecs)
		fl_emit_alui(g->p, BPF_DIV, BPF_REG_0, 1000);
	fl_emit_store(g->p, 8, BPF_REG_FP, GEN_FP_SAVE, BPF_REG_0);
}

int fl_gen_trigger(struct fl_gen *g, uint32_t lost, uint32_t unpaired)
{
	const struct fl_gen_trigger *x = trigger_of(g);
	int r;

	if (x->t->has_time)
		take_time(g);
	r = fl_gen_hist_keys(g);
	if (r < 0)
		return r;
	find_refs(g, unpaired);
	if (x->has_table)
		r = fl_gen_hist_table(g, lost);
	if (r == 0 && x->vars.n)
		r = keep_variables(g, lost);
	if (r == 0)
		r = act(g);
	fl_gen_count(g, offsetof(struct fl_probe_counts, done));
	return r;
}
