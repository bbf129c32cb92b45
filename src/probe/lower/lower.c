/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fetch program is turned back into text from its inside out: the load gives the innermost part,
 * each dereference wraps it in "+OFFSET( )", and the store, which replaced the last dereference,
 * wraps it once more. Types are always written, since the older kernel has no BTF to derive them
 * from. A bit-field of BTF becomes "bWIDTH@OFFSET/SIZE" in the smallest container that holds it.
 *
 *	f vfs_read n=file->f_path.dentry->d_name.name:string
 *	p:fprobes/vfs_read__entry vfs_read n=+0(+40(+72($arg1))):string
 */
#include "probe/lower/lower.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "probe/event/listing.h"
#include "probe/target/abi.h"

#define MAX_BODY 63

const struct fl_diag_kind fl_lower_faults[_FL_LOWER_FAULT_MAX] = {
#define D(name, text)                                                                              \
	[FL_FAULT_##name] = { .code = #name, .level = FL_ERROR, .err = EOPNOTSUPP, .message = text },
#include "probe/lower/errors.def"
};

#define F(id) (1u << FL_LOWER_##id)

const struct fl_lower_level fl_lower_levels[] = {
#define LEVEL(version, in_guest, bits) { .name = version, .proved = in_guest, .features = bits },
#include "probe/lower/levels.def"
};
const size_t fl_nr_lower_levels = FL_ARRAY_SIZE(fl_lower_levels);

const struct fl_lower_level *fl_lower_level(struct fl_str name)
{
	for (size_t i = 0; i < fl_nr_lower_levels; i++) {
		if (fl_str_is(name, fl_lower_levels[i].name))
			return &fl_lower_levels[i];
	}
	return NULL;
}

uint32_t fl_lower_readme(struct fl_str readme)
{
	static const char *const texts[] = {
#define FEATURE(id, text) [FL_LOWER_##id] = text,
#include "probe/lower/features.def"
	};
	uint32_t features = 0;

	for (size_t i = 0; i < FL_ARRAY_SIZE(texts); i++) {
		if (memmem(readme.p, readme.n, texts[i], strlen(texts[i])))
			features |= 1u << i;
	}
	return features;
}

struct lower {
	const struct fl_probe_event *e;
	const struct fl_arch *arch;
	uint32_t features;
	struct fl_diag *diag;
};

static int refuse(struct lower *l, enum fl_lower_fault fault, struct fl_span span)
{
	int r = fl_diag_set(l->diag, &fl_lower_faults[fault], span);

	if (l->diag) {
		l->diag->text = l->e->text.p;
		l->diag->text_len = l->e->text.n;
	}
	return r;
}

static int need(struct lower *l, uint32_t feature, enum fl_lower_fault fault, struct fl_span span)
{
	return l->features & feature ? 0 : refuse(l, fault, span);
}

/* The register's number, or a word of the stack where the kernel's own numbers end with the registers. */
static int add_slot(struct lower *l, const struct fl_probe_arg *arg, uint32_t slot, struct fl_buf *out)
{
	if (slot == FL_ABI_NO_SLOT)
		return refuse(l, FL_FAULT_LOWER_NO_SLOT, arg->span);
	if (slot < l->arch->nr_args || l->arch->has_return_word)
		fl_buf_addf(out, "$arg%" PRIu32, slot + 1);
	else if (!l->e->is_return)
		fl_buf_addf(out, "$stack%" PRIu32, slot - (uint32_t)l->arch->nr_args);
	else
		return refuse(l, FL_FAULT_LOWER_STACK_ARG, arg->span);
	return 0;
}

/* Where argument @n of the function is, from 0. */
static int find_slot(const struct fl_probe_event *e, const struct fl_arch *arch, uint32_t n, uint32_t *ret)
{
	uint8_t slots[FL_ABI_MAX_PARAMS];
	size_t nr = 0;
	int r = e->func.btf ? fl_abi_slots(arch, e->func, slots, &nr) : 0;

	*ret = r == 0 && n < nr ? slots[n] : n;
	return r;
}

/* Argument @n; kept from its entry where this is its return. */
static int add_argument(struct lower *l, const struct fl_probe_arg *arg, uint32_t n, struct fl_buf *out)
{
	uint32_t slot = 0;
	int r = need(l, F(ARGN), FL_FAULT_LOWER_ARGN, arg->span);

	if (r == 0 && l->e->is_return)
		r = need(l, F(RETURN_ARGS), FL_FAULT_LOWER_RETURN_ARGS, arg->span);
	if (r == 0 && find_slot(l->e, l->arch, n, &slot) < 0)
		r = refuse(l, FL_FAULT_LOWER_NO_SLOT, arg->span);
	return r < 0 ? r : add_slot(l, arg, slot, out);
}

static int add_register(struct lower *l, const struct fl_fetch_insn *insn, struct fl_buf *out)
{
	const struct fl_reg *reg = fl_arch_reg_at(l->arch, insn->param);

	fl_buf_addf(out, "%%%s", reg ? reg->name : "?");
	return reg ? 0 : -EINVAL;
}

/* The ABI's register, or the word of the stack above the return address. */
static int add_user_argument(struct lower *l, uint32_t n, struct fl_buf *out)
{
	if (n < l->arch->nr_args)
		fl_buf_addf(out, "%%%s", fl_arch_reg_at(l->arch, l->arch->args[n])->name);
	else
		fl_buf_addf(out, "$stack%" PRIu32, n - (uint32_t)l->arch->nr_args + l->arch->has_return_word);
	return 0;
}

/* The load that a program begins with; a symbol takes the dereference behind it along. */
static int add_load(struct lower *l, const struct fl_probe_arg *arg,
		    const struct fl_fetch_insn *insn, struct fl_buf *out)
{
	switch (insn->op) {
	case FL_FETCH_REG:
		return add_register(l, insn, out);
	case FL_FETCH_STACK:
		fl_buf_addf(out, "$stack%" PRIu32, insn->param);
		return 0;
	case FL_FETCH_STACKP:
		fl_buf_addz(out, "$stack");
		return 0;
	case FL_FETCH_RETVAL:
		fl_buf_addz(out, "$retval");
		return 0;
	case FL_FETCH_COMM:
		fl_buf_addz(out, "$comm");
		return 0;
	case FL_FETCH_CURRENT:
		fl_buf_addz(out, "$current");
		return need(l, F(CURRENT), FL_FAULT_LOWER_CURRENT, arg->span);
	case FL_FETCH_UID:
	case FL_FETCH_CGROUP:
		return refuse(l, FL_FAULT_LOWER_WHOSE, arg->span);
	case FL_FETCH_ARG: /* a tracepoint's number 0 is hidden: 1 is its first */
		if (l->e->kind == FL_PROBE_UPROBE) /* which has no words for it */
			return add_user_argument(l, insn->param, out);
		if (l->e->kind != FL_PROBE_TPROBE)
			return add_argument(l, arg, insn->param, out);
		fl_buf_addf(out, "$arg%" PRIu32, insn->param);
		return need(l, F(ARGN), FL_FAULT_LOWER_ARGN, arg->span);
	case FL_FETCH_EDATA:
		return add_argument(l, arg, l->e->entry_args[insn->offset / 8], out);
	case FL_FETCH_TP_ARG:
		fl_buf_addf(out, "$%.*s", FL_STR_ARG(insn->text));
		return 0;
	case FL_FETCH_FOFFS:
		fl_buf_addf(out, "@+0x%" PRIx64, insn->imm);
		return 0;
	case FL_FETCH_NOP_SYMBOL:
		fl_buf_addf(out, "@%.*s", FL_STR_ARG(insn->text));
		return 0;
	case FL_FETCH_IMM:
		fl_buf_addf(out, "\\0x%" PRIx64, insn->imm);
		return need(l, F(IMMEDIATE), FL_FAULT_LOWER_IMMEDIATE, arg->span);
	case FL_FETCH_DATA:
		fl_buf_addf(out, "\\\"%.*s\"", FL_STR_ARG(insn->text));
		return need(l, F(IMMEDIATE), FL_FAULT_LOWER_IMMEDIATE, arg->span);
	default:
		return -EINVAL;
	}
}

/* Puts @head in front of what is there, and ")" behind. */
static void wrap(struct fl_buf *out, const char *head)
{
	_cleanup_buf_ struct fl_buf inner = {};

	fl_buf_add_buf(&inner, out);
	fl_buf_reset(out);
	fl_buf_addf(out, "%s%s)", head, fl_buf_z(&inner));
	if (inner.error)
		out->error = inner.error;
}

static int wrap_deref(struct lower *l, const struct fl_probe_arg *arg, int64_t offset, bool user,
		      struct fl_buf *out)
{
	char head[sizeof("+u-2147483648(")];

	snprintf(head, sizeof(head), "%c%s%" PRId64 "(", offset < 0 ? '-' : '+', user ? "u" : "",
		 offset < 0 ? -offset : offset);
	wrap(out, head);
	return user ? need(l, F(USER_DEREF), FL_FAULT_LOWER_USER_DEREF, arg->span) : 0;
}

static int add_step(struct lower *l, const struct fl_probe_arg *arg,
		    const struct fl_fetch_insn *insn, struct fl_buf *out)
{
	switch (insn->op) {
	case FL_FETCH_DEREF:
	case FL_FETCH_ST_MEM:
		return wrap_deref(l, arg, insn->offset, false, out);
	case FL_FETCH_UDEREF:
	case FL_FETCH_ST_UMEM:
		return wrap_deref(l, arg, insn->offset, true, out);
	case FL_FETCH_CPU_PTR:
		wrap(out, "this_cpu_ptr(");
		return need(l, F(PERCPU), FL_FAULT_LOWER_PERCPU, arg->span);
	default:
		return 0;
	}
}

/* A string's store is the last dereference, unless that was kept: for arrays, and for addresses
 * that were loaded as they are. */
static bool string_is_deref(const struct fl_probe_arg *arg, const struct fl_fetch_insn *store)
{
	enum fl_fetch_op before = store[-1].op;

	if (store->op != FL_FETCH_ST_STRING && store->op != FL_FETCH_ST_USTRING)
		return false;
	return !arg->count && before != FL_FETCH_IMM && before != FL_FETCH_COMM &&
	       before != FL_FETCH_DATA && before != FL_FETCH_TP_ARG;
}

/* Text of a program's load, dereferences and store. */
static int add_expression(struct lower *l, const struct fl_probe_arg *arg, struct fl_buf *out)
{
	const struct fl_fetch_insn *insn = arg->program.code;
	bool symbol = insn->op == FL_FETCH_NOP_SYMBOL, file = insn->op == FL_FETCH_FOFFS;
	int r = add_load(l, arg, insn, out);

	insn += symbol ? 2 : 1;
	/* "@SYM" and "@+OFFSET" are what is there: the first dereference, or the store, is theirs. */
	if ((symbol || file) && insn->op != FL_FETCH_CPU_PTR) {
		bool stored = fl_fetch_ops[insn->op].stage == FL_STAGE_STORE;

		if (stored && insn->offset == 0)
			return r;
		if (!stored)
			insn++;
	}
	for (; r == 0 && fl_fetch_ops[insn->op].stage == FL_STAGE_DEREF; insn++)
		r = add_step(l, arg, insn, out);
	if (r < 0)
		return r;
	if (string_is_deref(arg, insn))
		return wrap_deref(l, arg, insn->offset,
				  insn->op == FL_FETCH_ST_USTRING && !(arg->type->flags & FL_TYPE_USER),
				  out);
	return add_step(l, arg, insn, out);
}

static const struct fl_fetch_insn *bitfield(const struct fl_probe_arg *arg)
{
	for (uint32_t i = 0; i < arg->program.n; i++) {
		if (arg->program.code[i].op == FL_FETCH_MOD_BF)
			return &arg->program.code[i];
	}
	return NULL;
}

static int add_bitfield_type(struct lower *l, const struct fl_probe_arg *arg,
			     const struct fl_fetch_insn *bf, struct fl_buf *out)
{
	unsigned int width = 64 - bf->rshift, offset = 64 - bf->lshift - width, size = 8;

	if (arg->bit_width) {
		fl_buf_add_str(out, arg->type_text);
		return 0;
	}
	if (width + offset > 64)
		return refuse(l, FL_FAULT_LOWER_BITFIELD, arg->span);
	while (size < width + offset)
		size *= 2;
	fl_buf_addf(out, "b%u@%u/%u", width, offset, size);
	return 0;
}

static int add_type(struct lower *l, const struct fl_probe_arg *arg, struct fl_buf *out)
{
	const struct fl_fetch_insn *bf = bitfield(arg);
	const struct fl_fetch_type *t = arg->type;
	int r = 0;

	if (t->flags & FL_TYPE_PATH)
		return refuse(l, FL_FAULT_LOWER_PATH, arg->span);
	fl_buf_addc(out, ':');
	if (bf) {
		r = add_bitfield_type(l, arg, bf, out);
	} else {
		fl_buf_addz(out, t->name);
		if ((t->flags & FL_TYPE_USER))
			r = need(l, F(USTRING), FL_FAULT_LOWER_USTRING, arg->span);
		else if (t->flags & FL_TYPE_SYMSTR)
			r = need(l, F(SYMSTR), FL_FAULT_LOWER_SYMSTR, arg->span);
		else if (t->print == FL_PRINT_CHAR)
			r = need(l, F(CHAR), FL_FAULT_LOWER_CHAR, arg->span);
	}
	if (arg->count)
		fl_buf_addf(out, "[%" PRIu32 "]", arg->count);
	return r;
}

static int add_arg(struct lower *l, const struct fl_probe_arg *arg, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf body = {};
	int r = add_expression(l, arg, &body);

	if (r == 0)
		r = add_type(l, arg, &body);
	if (r < 0)
		return r;
	if (body.len > MAX_BODY)
		return refuse(l, FL_FAULT_LOWER_TOO_LONG, arg->span);
	fl_buf_addf(out, " %.*s=", FL_STR_ARG(arg->name));
	fl_buf_add_buf(out, &body);
	return body.error;
}

/* The letter, and whether the event stays what it was: function probes can be kprobes. */
static int add_head(struct lower *l, struct fl_buf *out)
{
	const struct fl_probe_event *e = l->e;
	struct fl_span head = { 0, 1 };
	bool kprobe = e->kind == FL_PROBE_KPROBE || e->kind == FL_PROBE_UPROBE ||
		      (e->kind == FL_PROBE_FPROBE && !(l->features & F(FPROBE)));
	int r = 0;

	if (e->kind == FL_PROBE_FPROBE && kprobe && e->place.is_glob)
		return refuse(l, FL_FAULT_LOWER_GLOB, e->place.span);
	if (e->kind == FL_PROBE_TPROBE)
		r = need(l, F(TPROBE), FL_FAULT_LOWER_TPROBE, head);
	if (e->kind == FL_PROBE_EPROBE)
		r = need(l, F(EPROBE), FL_FAULT_LOWER_EPROBE, head);
	if (r < 0)
		return r;
	fl_buf_addc(out, kprobe ? (e->is_return ? 'r' : 'p') :
		    e->kind == FL_PROBE_FPROBE ? 'f' : e->kind == FL_PROBE_TPROBE ? 't' : 'e');
	if (e->kind == FL_PROBE_KPROBE && e->maxactive)
		fl_buf_addf(out, "%" PRIu32, e->maxactive);
	fl_buf_addf(out, ":%.*s/%.*s ", FL_STR_ARG(e->group), FL_STR_ARG(e->event));
	fl_probe_place_print(e, out);
	if (e->is_return && !kprobe)
		fl_buf_addz(out, "%return");
	return 0;
}

static int add_event(struct lower *l, struct fl_buf *out)
{
	const struct fl_probe_event *e = l->e;
	int r;

	if (e->kind == FL_PROBE_SYNTH) { /* older than all that is lowered */
		fl_probe_event_list(e, out);
		return 0;
	}
	r = add_head(l, out);

	for (size_t i = 0; i < e->nr_args && r == 0; i++)
		r = add_arg(l, &e->args[i], out);
	if (r == 0 && e->filter.n) {
		r = need(l, F(FILTER), FL_FAULT_LOWER_FILTER, e->filter_span);
		fl_buf_addf(out, " if %.*s", FL_STR_ARG(e->filter));
	}
	return r;
}

int fl_lower(const struct fl_probe_event *e, const struct fl_arch *arch, uint32_t features,
	     struct fl_buf *out, struct fl_diag *diag)
{
	struct lower l = { .e = e, .arch = arch, .features = features, .diag = diag };
	_cleanup_buf_ struct fl_buf text = {};
	int r = add_event(&l, &text);

	if (r < 0)
		return r;
	if (text.error)
		return text.error;
	fl_buf_add_buf(out, &text);
	return out->error;
}

static bool is_moved(const struct fl_probe_event *e, const struct fl_arch *arch, const struct fl_fetch_insn *insn)
{
	uint32_t slot, n = insn->param;

	if (insn->op == FL_FETCH_EDATA)
		n = e->entry_args[insn->offset / 8];
	else if (insn->op != FL_FETCH_ARG)
		return false;
	return find_slot(e, arch, n, &slot) < 0 || slot != n || (slot >= arch->nr_args && !arch->has_return_word);
}

bool fl_lower_moves(const struct fl_probe_event *e, const struct fl_arch *arch)
{
	if (e->kind != FL_PROBE_KPROBE && e->kind != FL_PROBE_FPROBE)
		return false;
	for (size_t i = 0; i < e->nr_args; i++)
		if (is_moved(e, arch, e->args[i].program.code))
			return true;
	return false;
}

const struct fl_lower_level *fl_lower_oldest(const struct fl_probe_event *e,
					     const struct fl_arch *arch)
{
	for (size_t i = 0; i < fl_nr_lower_levels; i++) {
		_cleanup_buf_ struct fl_buf text = {};

		if (fl_lower(e, arch, fl_lower_levels[i].features, &text, NULL) == 0)
			return &fl_lower_levels[i];
	}
	return NULL;
}
