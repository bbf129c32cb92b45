/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parsed event meets the target and the events that are there already. Several probes may share
 * one event of one name if they are of one kind and their arguments have the same names and types;
 * else a name can be used once, by a probe or by an event of the kernel.
 */
#include <errno.h>

#include "probe/lang/ktext.h"
#include "probe/lang/list.h"
#include "probe/lang/register.h"

size_t fl_count_symbols(struct fl_parse *p, struct fl_str name)
{
	size_t colon = fl_k_find(name, ':', 0);
	struct fl_ksyms *syms;

	if (fl_target_ksyms(p->target, &syms) < 0) {
		p->event->assumed |= FL_ASSUMED_SYMBOL;
		return FL_SYMBOLS_UNKNOWN;
	}
	/* Symbols of a module that is not loaded are looked up when it is. */
	if (colon < name.n && !fl_ksyms_has_module(syms, fl_str_sub(name, 0, colon))) {
		p->event->assumed |= FL_ASSUMED_MODULE;
		return FL_SYMBOLS_UNKNOWN;
	}
	p->symbol_name = name;
	return fl_ksyms_find(syms, name, &p->symbol, 1);
}

/* The symbol of that name, which was mostly counted just before. */
static bool find_symbol(struct fl_parse *p, struct fl_ksyms *syms, struct fl_str name,
			struct fl_ksym *ret)
{
	if (!p->symbol.name.n || name.p != p->symbol_name.p || name.n != p->symbol_name.n)
		return fl_ksyms_find(syms, name, ret, 1) > 0;
	*ret = p->symbol;
	return true;
}

/*
 * On x86 a function may begin with ENDBR, four bytes; the kernel counts what follows as its entry,
 * too. Whether one does is in its text. Kernels that are built with them have ibt_save(); there,
 * functions of other files can be called through a pointer and begin so, and those of one file
 * most often cannot and do not.
 */
static bool may_have_endbr(struct fl_parse *p, struct fl_ksyms *syms, const struct fl_ksym *sym)
{
	if (!fl_str_is(fl_str(fl_target_arch(p->target)->name), "x86_64"))
		return false;
	return !syms || (sym->type != 't' && fl_ksyms_find(syms, FL_STR("ibt_save"), NULL, 0) > 0);
}

int fl_on_function_entry(struct fl_parse *p, struct fl_str symbol, uint64_t offset)
{
	struct fl_ksyms *syms = NULL;
	struct fl_ksym sym, at;

	if (p->event->assumed & FL_ASSUMED_MODULE)
		return -ENOENT;
	if (fl_target_ksyms(p->target, &syms) < 0)
		syms = NULL;
	if (syms && !find_symbol(p, syms, symbol, &sym))
		return -ENOENT;
	if (syms && offset == 0 && sym.addr >> 63)
		return 0;
	if (syms && !fl_ksyms_hidden(syms)) {
		if (fl_ksyms_kernel_at(syms, sym.addr + offset, &at) < 0)
			return -ENOENT;
		offset += sym.addr - at.addr;
	}
	if (offset == 0)
		return 0;
	return offset == 4 && may_have_endbr(p, syms, &sym) ? 0 : -EINVAL;
}

int fl_parse_maxactive(struct fl_parse *p, struct fl_str number)
{
	uint32_t *maxactive = &p->event->maxactive;

	if (number.n > FL_MAX_NAME - 1 || fl_kstrtouint(number, 0, maxactive) < 0 || *maxactive == 0)
		return fl_fault(p, 1, FL_FAULT_BAD_MAXACT, number);
	return *maxactive > FL_MAX_MAXACTIVE ? fl_fault(p, 1, FL_FAULT_MAXACT_TOO_BIG, number) : 0;
}

int fl_count_args(struct fl_parse *p, size_t n)
{
	if (n <= FL_MAX_PROBE_ARGS)
		return 0;
	if (!p->rules->logs_counts)
		return -E2BIG;
	p->log.index = 2;
	return fl_fault(p, 0, FL_FAULT_TOO_MANY_ARGS, FL_STR(""));
}

static bool is_fprobe(const struct fl_probe_event *e)
{
	return e->kind == FL_PROBE_FPROBE || e->kind == FL_PROBE_TPROBE;
}

static bool same_family(const struct fl_probe_event *a, const struct fl_probe_event *b)
{
	return a->kind == b->kind || (is_fprobe(a) && is_fprobe(b));
}

/* 1-based number of the first argument that differs in name or type, 0: none. */
static size_t first_difference(const struct fl_probe_event *a, const struct fl_probe_event *b)
{
	if (a->nr_args != b->nr_args)
		return (a->nr_args < b->nr_args ? a->nr_args : b->nr_args) + 1;
	for (size_t i = 0; i < a->nr_args; i++) {
		if (a->args[i].type != b->args[i].type || a->args[i].count != b->args[i].count ||
		    !fl_str_eq(a->args[i].name, b->args[i].name))
			return i + 1;
	}
	return 0;
}

static bool same_place(const struct fl_probe_event *a, const struct fl_probe_event *b)
{
	return fl_str_eq(a->place.symbol, b->place.symbol) &&
	       fl_str_eq(a->place.module, b->place.module) &&
	       a->place.offset == b->place.offset && fl_str_eq(a->place.path, b->place.path);
}

static bool same_probe(const struct fl_probe_event *a, const struct fl_probe_event *b)
{
	if (!same_place(a, b))
		return false;
	for (size_t i = 0; i < a->nr_args; i++) {
		if (!fl_str_eq(a->args[i].body, b->args[i].body))
			return false;
	}
	return true;
}

static int fault_at_head(struct fl_parse *p, enum fl_probe_fault fault)
{
	p->log.index = 0;
	return fl_fault(p, 0, fault, p->log.words.w[0].text);
}

/* Another probe of event @first. */
static int join(struct fl_parse *p, const struct fl_probe_event *first)
{
	const struct fl_probe_event *e = p->event;
	const struct fl_event_chain *like;
	size_t differs;

	if (e->is_return != first->is_return || e->kind != first->kind)
		return fault_at_head(p, FL_FAULT_DIFF_PROBE_TYPE);
	differs = first_difference(e, first);
	if (differs) {
		p->log.index = differs + 1;
		return fl_fault(p, 0, FL_FAULT_DIFF_ARG_TYPE,
				differs <= e->nr_args ? fl_str_sub(p->log.def,
					e->args[differs - 1].span.start,
					e->args[differs - 1].span.end -
					e->args[differs - 1].span.start) : FL_STR(""));
	}
	like = fl_event_list_like(p->list, e);
	for (size_t i = 0; i < like->n; i++)
		if (same_family(like->v[i], e) && same_probe(like->v[i], e))
			return fault_at_head(p, FL_FAULT_SAME_PROBE);
	return 0;
}

/* The name is free, or the probe may join those that have it. */
static int claim_name(struct fl_parse *p, bool may_join)
{
	const struct fl_probe_event *e = p->event;
	const struct fl_event_chain *named = p->list ? fl_event_list_named(p->list, e->group, e->event) : NULL;
	const struct fl_format *format;

	for (size_t i = 0; named && may_join && i < named->n; i++)
		if (same_family(named->v[i], e))
			return join(p, named->v[i]);
	if ((named && named->n) ||
	    fl_target_format(p->target, e->group, e->event, &format) == 0)
		return fault_at_head(p, FL_FAULT_EVENT_EXIST);
	return 0;
}

static int resolve_all(struct fl_parse *p)
{
	for (size_t i = 0; i < p->event->nr_args; i++) {
		int r = fl_resolve_symbols(p, &p->event->args[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Behind the kernel's text lie symbols that call themselves text: jiffies is an alias in its sections. */
static bool is_text(const struct fl_ksyms *syms, const struct fl_ksym *sym)
{
	struct fl_ksym end;

	if (!strchr("tTwW", sym->type))
		return false;
	return sym->module.n || !fl_ksyms_find(syms, FL_STR("_etext"), &end, 1) || sym->addr < end.addr ||
	       end.addr == 0;
}

/* A return can only be probed from a function's entry. */
static int check_address(struct fl_parse *p, struct fl_ksyms *syms)
{
	uint64_t addr = p->event->place.address;
	struct fl_ksym at;

	if (addr == 0)
		return -EINVAL;
	if (!p->event->is_return || !syms || fl_ksyms_hidden(syms))
		return 0;
	if (fl_ksyms_kernel_at(syms, addr, &at) < 0)
		return -ENOENT;
	return addr == at.addr || addr == at.addr + 4 ? 0 : -EINVAL;
}

/* What can be told of a place without the kernel's text: -EINVAL where no probe can be. */
static int check_text(struct fl_parse *p)
{
	struct fl_probe_place *place = &p->event->place;
	struct fl_ksyms *syms;
	struct fl_ksym sym;

	p->event->assumed |= FL_ASSUMED_NOT_BLACKLISTED;
	if (place->has_address || place->offset)
		p->event->assumed |= FL_ASSUMED_INSN_BOUNDARY;
	if (fl_target_ksyms(p->target, &syms) < 0)
		syms = NULL;
	if (place->has_address)
		return check_address(p, syms);
	if (p->event->assumed & FL_ASSUMED_MODULE)
		return -ENOENT;
	if (!syms || !find_symbol(p, syms, p->function, &sym))
		return 0;
	if (!is_text(syms, &sym))
		return -EINVAL;
	return fl_ksyms_hidden(syms) ? 0 : fl_ksyms_kernel_at(syms, sym.addr + place->offset, &sym);
}

int fl_register_kprobe(struct fl_parse *p)
{
	bool may_wait = p->event->place.has_address || (p->event->assumed & FL_ASSUMED_MODULE);
	int r = claim_name(p, true), place;

	if (r < 0)
		return r;
	/* What is no text is refused at once; symbols in arguments come before the place itself. */
	place = check_text(p);
	r = place == -EINVAL && !p->event->place.has_address ? place : resolve_all(p);
	if (r == 0)
		r = place;
	/* The kernel waits for a module, and takes an address that is none for one. */
	p->event->deferred = r == -ENOENT && may_wait;
	if (r == 0 || p->event->deferred)
		return 0;
	p->log.index = 1;
	fl_fault(p, 0, r == -ENOENT ? FL_FAULT_BAD_PROBE_ADDR : FL_FAULT_FAIL_REG_PROBE,
		 p->log.words.w[1].text);
	return r;
}

static int is_function(void *syms, const struct fl_ksym *sym)
{
	return is_text(syms, sym);
}

/* -ENOENT where no function matches */
static int find_functions(struct fl_parse *p)
{
	struct fl_str symbol = p->event->place.symbol;
	struct fl_ksym first;
	struct fl_ksyms *syms;
	bool found;

	p->event->assumed |= FL_ASSUMED_NOT_BLACKLISTED;
	if (fl_target_ksyms(p->target, &syms) < 0) {
		p->event->assumed |= FL_ASSUMED_SYMBOL;
		return 0;
	}
	/* "!" takes away, from none: nothing is left, which a return probe does not stand. */
	if (symbol.n && symbol.p[0] == '!')
		found = !p->event->is_return && !p->rules->glob_needs_function &&
			fl_ksyms_each(syms, fl_str_from(symbol, 1), is_function, syms) != 0;
	else if (p->event->place.is_glob)
		found = fl_ksyms_each(syms, symbol, is_function, syms) != 0;
	else if (p->event->place.module.n)
		found = find_symbol(p, syms, p->function, &first) && is_text(syms, &first);
	else
		found = fl_k_find(symbol, ':', 0) == symbol.n &&
			fl_ksyms_find_func(syms, symbol, &first, 1) > 0 && is_text(syms, &first);
	return found ? 0 : -ENOENT;
}

/* Kernels that place a t probe at once can have one on a tracepoint. */
static bool tracepoint_is_taken(const struct fl_parse *p)
{
	const struct fl_probe_event *e = p->event;

	if (p->rules->fprobe_checked_first || e->kind != FL_PROBE_TPROBE ||
	    (e->assumed & FL_ASSUMED_TRACEPOINT))
		return false;
	return p->list && fl_event_list_at(p->list, e)->n;
}

int fl_register_fprobe(struct fl_parse *p)
{
	bool first = p->rules->fprobe_checked_first, not_found = false;
	int r = claim_name(p, true);

	if (r < 0)
		return first ? -EINVAL : r;
	r = first ? 0 : resolve_all(p);
	if (r == 0 && tracepoint_is_taken(p))
		return -EEXIST;
	p->event->deferred = p->event->place.module.n && (p->event->assumed & FL_ASSUMED_MODULE);
	if (r == 0 && p->event->kind == FL_PROBE_FPROBE && !p->event->deferred) {
		r = find_functions(p);
		not_found = r < 0;
	}
	if (r == 0)
		return 0;
	p->log.index = 1;
	if (r == -ENOENT && (first || !not_found))
		fl_fault(p, 0, FL_FAULT_BAD_PROBE_ADDR, p->log.words.w[1].text);
	else
		fl_fault(p, 0, FL_FAULT_FAIL_REG_PROBE, p->log.words.w[1].text);
	return first || not_found ? -EINVAL : r;
}

int fl_register_eprobe(struct fl_parse *p)
{
	return claim_name(p, false);
}

/* One place of one file has one reference counter. */
static bool refctr_conflicts(const struct fl_parse *p)
{
	const struct fl_probe_event *e = p->event;

	const struct fl_event_chain *there = p->list ? fl_event_list_at(p->list, e) : NULL;

	for (size_t i = 0; there && i < there->n; i++)
		if (same_place(there->v[i], e) && there->v[i]->place.refctr != e->place.refctr)
			return true;
	return false;
}

int fl_register_uprobe(struct fl_parse *p)
{
	return refctr_conflicts(p) ? -EINVAL : claim_name(p, true);
}
