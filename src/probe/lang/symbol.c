/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols in definitions: SYM[+|-OFFSET] and what address it has. */
#include <errno.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

int fl_split_symbol(struct fl_str text, struct fl_str *symbol, int64_t *offset)
{
	size_t sign = 0;
	int64_t v = 0;
	int r;

	while (sign < text.n && text.p[sign] != '+' && text.p[sign] != '-')
		sign++;
	r = sign < text.n ? fl_kstrtol(fl_str_from(text, sign), 0, &v) : 0;
	if (r < 0)
		return r;
	*symbol = fl_str_sub(text, 0, sign);
	*offset = v;
	return 0;
}

/* The address of @text; where there is no symbol table, or one without addresses, it is taken for
 * granted that there is one. */
static int symbol_address(struct fl_parse *p, struct fl_str text, uint64_t *ret)
{
	struct fl_ksyms *syms;
	struct fl_ksym sym;
	struct fl_str name;
	int64_t offset;
	int r = fl_split_symbol(text, &name, &offset);

	if (r < 0)
		return r;
	*ret = 0;
	if (fl_target_ksyms(p->target, &syms) < 0) {
		p->event->assumed |= FL_ASSUMED_SYMBOL;
		return 0;
	}
	if (name.n == 0 || fl_ksyms_find(syms, name, &sym, 1) == 0)
		return -ENOENT;
	if (fl_ksyms_hidden(syms)) {
		p->event->assumed |= FL_ASSUMED_SYMBOL;
		return 0;
	}
	if (sym.addr == 0)
		return -ENOENT;
	*ret = sym.addr + offset;
	return 0;
}

int fl_resolve_symbols(struct fl_parse *p, struct fl_probe_arg *arg)
{
	for (struct fl_fetch_insn *code = arg->program.code; code->op != FL_FETCH_END; code++) {
		int r;

		if (code->op != FL_FETCH_NOP_SYMBOL)
			continue;
		r = symbol_address(p, code->text, &code[1].imm);
		if (r < 0)
			return r;
	}
	return 0;
}
