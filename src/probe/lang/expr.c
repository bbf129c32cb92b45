/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FETCHARG: what an argument reads.
 *
 *	fetcharg = "$" variable | "%" register | "@" memory | ("+" | "-") dereference
 *	         | "\" immediate | "(" cast | "this_cpu_" .. | field-or-parameter
 *
 * One value flows through the program that this makes: the innermost part comes first, and each
 * part around it adds an instruction. The running offset of the caret moves into each part that is
 * entered; a dereference puts it back to where its inside began.
 */
#include <errno.h>
#include <string.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

int fl_next_insn(struct fl_parse *p, struct fl_str at)
{
	if (p->pc + 1 == FL_FETCH_MAX_INSNS - 1)
		return fl_fault(p, p->offset, FL_FAULT_TOO_MANY_OPS, at);
	p->pc++;
	return 0;
}

static int load(struct fl_parse *p, enum fl_fetch_op op, uint32_t param)
{
	fl_insn(p)->op = op;
	fl_insn(p)->param = param;
	return 0;
}

/* -ENOENT where the attached event has no such field */
static int event_field(struct fl_parse *p, struct fl_str name)
{
	for (size_t i = 0; p->format && i < p->format->nr_fields; i++) {
		const struct fl_field *f = &p->format->fields[i];
		char *copy;

		if (f->is_common || !fl_str_eq(f->name, name))
			continue;
		copy = fl_arena_dup(&p->event->arena, f->name);
		if (!copy)
			return -ENOMEM;
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_TP_ARG, .field = i,
						      .text = fl_str(copy) };
		return 0;
	}
	return -ENOENT;
}

static bool is_comm(struct fl_str name)
{
	return fl_str_is(name, "comm") || fl_str_is(name, "COMM");
}

/* variable of an e-probe = FIELD | "comm" | "COMM" */
static int parse_event_var(struct fl_parse *p, struct fl_str text)
{
	struct fl_str name = fl_str_from(text, 1);
	int r = event_field(p, name);

	if (r != -ENOENT)
		return r;
	if (p->rules->event_vars_last) {
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_TP_ARG, .field = FL_NO_FIELD, .text = name };
		return 0;
	}
	if (is_comm(name))
		return load(p, FL_FETCH_COMM, 0);
	return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
}

/* variable = "stack" [N] */
static int parse_stack(struct fl_parse *p, struct fl_str text)
{
	struct fl_str number = fl_str_from(text, sizeof("$stack") - 1);
	uint64_t n;

	if (number.n == 0)
		return load(p, FL_FETCH_STACKP, 0);
	if (!fl_k_isdigit(number.p[0]) || fl_kstrtoul(number, 10, &n) < 0)
		return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
	if ((p->at & FL_AT_KERNEL) && n > fl_target_arch(p->target)->thread_size / 8)
		return fl_fault(p, p->offset, FL_FAULT_BAD_STACK_NUM, text);
	return load(p, FL_FETCH_STACK, n);
}

/* variable = "arg" N */
static int parse_arg_number(struct fl_parse *p, struct fl_str text)
{
	uint64_t n;
	int kept;

	if (p->rules->no_btf_args && !fl_at_entry(p))
		return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
	if (fl_kstrtoul(fl_str_from(text, sizeof("$arg") - 1), 10, &n) < 0)
		return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
	if (n == 0 || n > fl_target_arch(p->target)->thread_size / 8)
		return fl_fault(p, p->offset, FL_FAULT_BAD_ARG_NUM, text);
	if (p->marked.p)
		return fl_parse_marked_arg(p, text, n);
	n--;
	if (p->event->kind == FL_PROBE_UPROBE && p->event->place.is_entry && !p->event->is_return)
		return load(p, FL_FETCH_ARG, n); /* as the ABI has it */
	if (fl_at_entry(p)) /* a tracepoint's first argument is hidden */
		return load(p, FL_FETCH_ARG, n + !!(p->at & FL_AT_TPOINT));
	if (!fl_at_return(p))
		return fl_fault(p, p->offset, FL_FAULT_NOFENTRY_ARGS, text);
	kept = fl_keep_entry_arg(p, n);
	if (kept < 0)
		return kept;
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_EDATA, .offset = kept };
	return 0;
}

/* variable = "current" ["->" PATH] */
static int parse_current(struct fl_parse *p, struct fl_str text)
{
	struct fl_str rest = fl_str_from(text, sizeof("$current") - 1);

	if (p->at & FL_AT_KERNEL) {
		if (fl_at(rest, 0) == '-')
			return fl_parse_btf_arg(p, text);
		if (rest.n == 0)
			return load(p, FL_FETCH_CURRENT, 0);
	}
	return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
}

/* variable of a trace = "common_uid" | "common_cgroup" */
static int parse_whose(struct fl_parse *p, struct fl_str text)
{
	if (fl_str_is(text, "$common_uid"))
		return load(p, FL_FETCH_UID, 0);
	if (fl_str_is(text, "$common_cgroup"))
		return load(p, FL_FETCH_CGROUP, 0);
	return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
}

/* variable = "retval" ["->" PATH] | stack | "comm" | "COMM" | current | arg */
static int parse_variable(struct fl_parse *p, struct fl_str text)
{
	if (p->in_trace && fl_str_starts(text, "$common_"))
		return parse_whose(p, text);
	if (p->at & FL_AT_EVENT)
		return parse_event_var(p, text);
	if (fl_str_starts(text, "$retval") && (!p->rules->no_btf_args || fl_str_is(text, "$retval"))) {
		if (!(p->at & FL_AT_RETURN))
			return fl_fault(p, p->offset, FL_FAULT_RETVAL_ON_PROBE, text);
		if (p->at & FL_AT_KERNEL ? p->rules->no_btf_args :
					   !fl_at_user_types(p) || !memchr(text.p, '>', text.n))
			return load(p, FL_FETCH_RETVAL, 0);
		return fl_parse_btf_arg(p, text);
	}
	if (fl_str_starts(text, "$stack"))
		return parse_stack(p, text);
	if (is_comm(fl_str_from(text, 1)))
		return load(p, FL_FETCH_COMM, 0);
	if (p->rules->has_casts && fl_str_starts(text, "$current"))
		return parse_current(p, text);
	if (fl_str_starts(text, "$arg"))
		return parse_arg_number(p, text);
	return fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
}

/* register = NAME */
static int parse_register(struct fl_parse *p, struct fl_str text)
{
	const struct fl_reg *reg;

	if (p->at & (FL_AT_EVENT | FL_AT_FPROBE)) {
		fl_fault(p, p->offset, FL_FAULT_BAD_VAR, text);
		/* v6 and before go on, and then find that nothing was fetched. */
		return p->rules->reg_ends_there ? -EINVAL : 0;
	}
	reg = fl_arch_reg(fl_target_arch(p->target), fl_str_from(text, 1));
	if (!reg)
		return fl_fault(p, p->offset, FL_FAULT_BAD_REG_NAME, text);
	return load(p, FL_FETCH_REG, reg->offset);
}

static int load_symbol(struct fl_parse *p, struct fl_str text)
{
	char *name = fl_arena_dup(&p->event->arena, fl_str_from(text, 1));
	int r;

	if (!name)
		return -ENOMEM;
	if (!(p->at & FL_AT_KERNEL))
		return fl_fault(p, p->offset, FL_FAULT_SYM_ON_UPROBE, text);
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_NOP_SYMBOL, .text = fl_str(name) };
	r = fl_next_insn(p, text);
	if (r < 0)
		return r;
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_IMM };
	return 0;
}

static int load_file_offset(struct fl_parse *p, struct fl_str text)
{
	int64_t offset;
	int r;

	if (p->at & FL_AT_KERNEL) {
		return fl_fault_as(p, p->offset, FL_FAULT_FILE_ON_KPROBE, text, p->rules->file_on_kernel);
	}
	r = fl_kstrtol(fl_str_from(text, 2), 0, &offset);
	if (r < 0)
		return fl_number_fault(p, p->offset, FL_FAULT_BAD_FILE_OFFS, text, r);
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_FOFFS, .imm = offset };
	return 0;
}

static int load_address(struct fl_parse *p, struct fl_str text)
{
	uint64_t addr;
	int r = fl_kstrtoul(fl_str_from(text, 1), 0, &addr);

	if (r < 0)
		return fl_number_fault(p, p->offset, FL_FAULT_BAD_MEM_ADDR, text, r);
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_IMM, .imm = addr };
	return 0;
}

/* memory = ADDRESS | "+" FILE-OFFSET | SYMBOL [("+" | "-") OFFSET] */
static int parse_memory(struct fl_parse *p, struct fl_str text)
{
	int r;

	if (fl_k_isdigit(fl_at(text, 1)))
		r = load_address(p, text);
	else if (fl_at(text, 1) == '+')
		r = load_file_offset(p, text);
	else
		r = load_symbol(p, text);
	if (r < 0)
		return r;
	r = fl_next_insn(p, text);
	if (r < 0)
		return r;
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_DEREF };
	return 0;
}

/* FETCHARG ")": the inside of a dereference or of this_cpu_*(), and @op on its value. */
static int parse_inside(struct fl_parse *p, struct fl_str text, enum fl_fetch_op op, int64_t offset)
{
	long start = p->offset;
	size_t close = text.n;
	int r;

	while (close > 0 && text.p[close - 1] != ')')
		close--;
	if (close == 0)
		return fl_fault(p, p->offset + text.n, FL_FAULT_DEREF_OPEN_BRACE, text);
	text = fl_str_sub(text, 0, close - 1);
	r = fl_parse_expr(p, text);
	if (r < 0)
		return r;
	p->offset = start;
	if (fl_insn(p)->op == FL_FETCH_COMM || fl_insn(p)->op == FL_FETCH_DATA)
		return fl_fault(p, p->offset, FL_FAULT_COMM_CANT_DEREF, text);
	/* this_cpu_ptr(@SYM) wants the symbol's address, not what is there. */
	if (op != FL_FETCH_CPU_PTR || fl_at(text, 0) != '@') {
		r = fl_next_insn(p, text);
		if (r < 0)
			return r;
	}
	*fl_insn(p) = (struct fl_fetch_insn){ .op = op, .offset = (int32_t)offset };
	p->last = FL_TYPE_NONE;
	p->marked_type = NULL;
	return 0;
}

static int enter(struct fl_parse *p, struct fl_str at)
{
	if (p->rules->nests_derefs && ++p->nested > p->rules->max_nested)
		return fl_fault(p, p->offset, FL_FAULT_TOO_MANY_NESTED, at);
	return 0;
}

static void leave(struct fl_parse *p)
{
	if (p->rules->nests_derefs)
		p->nested--;
}

/* dereference = ("+" | "-") ["u"] OFFSET "(" FETCHARG ")" */
static int parse_dereference(struct fl_parse *p, struct fl_str text)
{
	bool user = fl_at(text, 1) == 'u', negative = text.p[0] == '-';
	struct fl_str number = fl_str_from(text, 1 + user);
	size_t open = fl_k_find(number, '(', 0);
	int64_t offset;
	int r;

	r = enter(p, text);
	if (r < 0)
		return r;
	if (open == number.n)
		return fl_fault(p, p->offset, FL_FAULT_DEREF_NEED_BRACE, text);
	r = (negative ? fl_kstrtol_negative : fl_kstrtol)(fl_str_sub(number, 0, open), 0, &offset);
	if (r < 0)
		return fl_number_fault(p, p->offset, FL_FAULT_BAD_DEREF_OFFS, text, r);
	/* As the kernel counts: the sign, but neither "u" nor the "+" of "+-8". */
	p->offset += open + 1 + (negative || fl_at(number, 0) != '-');
	r = parse_inside(p, fl_str_from(number, open + 1), user ? FL_FETCH_UDEREF : FL_FETCH_DEREF,
			 offset);
	leave(p);
	return r;
}

size_t fl_this_cpu_prefix(struct fl_str text)
{
	if (fl_str_starts(text, "this_cpu_ptr("))
		return sizeof("this_cpu_ptr(") - 1;
	if (fl_str_starts(text, "this_cpu_read("))
		return sizeof("this_cpu_read(") - 1;
	return 0;
}

/* this-cpu = ("this_cpu_ptr(" | "this_cpu_read(") FETCHARG ")" */
static int parse_this_cpu(struct fl_parse *p, struct fl_str text)
{
	size_t prefix = fl_this_cpu_prefix(text);
	bool read = fl_str_starts(text, "this_cpu_read(");
	int r;

	if (!p->rules->percpu_everywhere && (p->at & (FL_AT_USER | FL_AT_EVENT)))
		return fl_fault(p, p->offset, FL_FAULT_NOSUP_PERCPU, text);
	r = enter(p, text);
	if (r < 0)
		return r;
	p->offset += prefix;
	r = parse_inside(p, fl_str_from(text, prefix), FL_FETCH_CPU_PTR, 0);
	if (r < 0)
		return r;
	if (read) { /* +0(this_cpu_ptr(..)) */
		r = fl_next_insn(p, text);
		if (r < 0)
			return r;
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_DEREF };
	}
	leave(p);
	return 0;
}

/* '"' TEXT '"' behind a backslash */
static int parse_imm_string(struct fl_parse *p, struct fl_str text)
{
	struct fl_str inner = fl_str_from(text, 2);
	char *copy;

	if (inner.n == 0 || inner.p[inner.n - 1] != '"')
		return fl_fault(p, p->offset + 2 + inner.n, FL_FAULT_IMMSTR_NO_CLOSE, text);
	copy = fl_arena_dup(&p->event->arena, fl_str_sub(inner, 0, inner.n - 1));
	if (!copy)
		return -ENOMEM;
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_DATA, .text = fl_str(copy) };
	return 0;
}

/* immediate = NUMBER | '"' TEXT '"' */
static int parse_immediate(struct fl_parse *p, struct fl_str text)
{
	struct fl_str number = fl_str_from(text, 1);
	int64_t value;
	uint64_t imm = 0;
	int r = -EINVAL;

	if (fl_at(number, 0) == '"')
		return parse_imm_string(p, text);
	if (fl_k_isdigit(fl_at(number, 0))) {
		r = fl_kstrtoul(number, 0, &imm);
	} else if (fl_at(number, 0) == '-' || fl_at(number, 0) == '+') {
		r = fl_kstrtol(fl_str_from(number, number.p[0] == '+'), 0, &value);
		imm = r < 0 ? 0 : (uint64_t)value;
	}
	if (r < 0)
		return fl_number_fault(p, p->offset + 1, FL_FAULT_BAD_IMM, number, r);
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_IMM, .imm = imm };
	return 0;
}

/* FIELD of the attached event | PARAMETER ["->" PATH] */
static int parse_name(struct fl_parse *p, struct fl_str text)
{
	int r;

	if ((p->at & FL_AT_EVENT) && p->rules->bare_event_fields) {
		r = event_field(p, text);
		if (r == -ENOENT)
			return fl_fault(p, p->offset, FL_FAULT_NO_EVENT_FIELD, text);
		return r;
	}
	if (!fl_at_entry(p) && !fl_at_return(p) && !fl_at_user_types(p))
		return fl_fault(p, p->offset, FL_FAULT_NOSUP_BTFARG, text);
	return fl_parse_btf_arg(p, text);
}

static int parse_by_first(struct fl_parse *p, struct fl_str text)
{
	char c = fl_at(text, 0);

	switch (c) {
	case '$':
		return parse_variable(p, text);
	case '%':
		return parse_register(p, text);
	case '@':
		return parse_memory(p, text);
	case '+':
	case '-':
		return parse_dereference(p, text);
	case '\\':
		return parse_immediate(p, text);
	}
	if (p->rules->has_casts && c == '(')
		return fl_parse_cast(p, text);
	if (p->rules->has_casts && fl_this_cpu_prefix(text))
		return parse_this_cpu(p, text);
	if (!p->rules->no_btf_args && (fl_k_isalpha(c) || c == '_'))
		return parse_name(p, text);
	return 0;
}

int fl_parse_expr(struct fl_parse *p, struct fl_str text)
{
	uint32_t start = p->pc;
	int r = parse_by_first(p, text);

	if (r == 0 && p->code[start].op == FL_FETCH_NOP)
		return fl_fault(p, p->offset, FL_FAULT_BAD_FETCH_ARG, text);
	return r;
}
