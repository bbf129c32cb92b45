/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * p[:[GROUP/][EVENT]] [MODULE:]SYMBOL[+OFFSET][%return] | ADDRESS [ARG...]
 * r[MAXACTIVE][:[GROUP/][EVENT]] [MODULE:]SYMBOL[+0] | ADDRESS [ARG...]
 */
#include <errno.h>
#include <inttypes.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"
#include "probe/lang/register.h"

/* Digits behind the letter: how many returns may be pending at a time. */
static int parse_maxactive(struct fl_parse *p, struct fl_str head)
{
	size_t colon = fl_k_find(head, ':', 1);
	struct fl_str number = fl_str_sub(head, 1, colon - 1);

	if (!fl_k_isdigit(fl_at(head, 1)))
		return 0;
	if (p->event->is_return)
		return fl_parse_maxactive(p, number);
	return fl_fault_as(p, 1, FL_FAULT_BAD_MAXACT_TYPE, number, p->rules->maxactive_on_kprobe);
}

/* 0: there is one such symbol, or it cannot be told; else the fault. @n: how many there are. */
static int validate_symbol(struct fl_parse *p, struct fl_str text, size_t n)
{
	int r;

	if (n == 1 || n == FL_SYMBOLS_UNKNOWN)
		return 0;
	r = fl_fault(p, 0, n > 1 ? FL_FAULT_NON_UNIQ_SYMBOL : FL_FAULT_BAD_PROBE_ADDR, text);
	if (p->rules->symbol_errnos)
		return n ? -EADDRNOTAVAIL : -ENOENT;
	return r;
}

/* Sets where arguments are evaluated; faults where a return is asked for elsewhere. */
static int find_entry(struct fl_parse *p, struct fl_str text)
{
	struct fl_probe_place *place = &p->event->place;
	int r = fl_on_function_entry(p, place->symbol, place->offset);

	place->is_entry = r == 0;
	if (p->event->is_return)
		p->at |= FL_AT_RETURN;
	else if (r == 0)
		p->at |= FL_AT_ENTRY;
	if (r == -EINVAL && p->event->is_return)
		return fl_fault(p, 0, FL_FAULT_BAD_RETPROBE, text);
	return 0;
}

/* 6.1 asks for the function's entry first, and then how many symbols there are of that name. */
static int find_symbol(struct fl_parse *p, struct fl_str text)
{
	size_t n = fl_count_symbols(p, p->event->place.symbol);
	int r = p->rules->symbol_errnos ? 0 : validate_symbol(p, text, n);

	if (r == 0)
		r = find_entry(p, text);
	if (r == 0 && p->rules->symbol_errnos)
		r = validate_symbol(p, text, n);
	return r;
}

/* [MODULE:]SYMBOL[+OFFSET][%return] */
static int parse_symbol(struct fl_parse *p, struct fl_str text)
{
	struct fl_probe_place *place = &p->event->place;
	size_t percent = fl_k_find(text, '%', 0), colon;
	struct fl_str suffix = fl_str_from(text, percent), place_text;
	int64_t offset;
	int r;

	if (suffix.n && !fl_str_is(suffix, "%return"))
		return fl_fault(p, percent, FL_FAULT_BAD_ADDR_SUFFIX, suffix);
	if (suffix.n)
		p->event->is_return = true;
	place_text = fl_str_sub(text, 0, percent);
	r = fl_split_symbol(place_text, &place->symbol, &offset);
	if (r < 0 || offset < 0 || offset > UINT32_MAX)
		return fl_fault(p, 0, FL_FAULT_BAD_PROBE_ADDR, place_text);
	place->offset = offset;
	r = find_symbol(p, place_text);
	if (r < 0)
		return r;
	p->function = place->symbol;
	colon = fl_k_find(place->symbol, ':', 0);
	if (colon < place->symbol.n) {
		place->module = fl_str_sub(place->symbol, 0, colon);
		place->symbol = fl_str_from(place->symbol, colon + 1);
	}
	return 0;
}

static int parse_place(struct fl_parse *p, const struct fl_word *w)
{
	struct fl_probe_place *place = &p->event->place;

	place->span = w->span;
	if (fl_kstrtoul(w->text, 0, &place->address) == 0) {
		place->has_address = true;
		return 0;
	}
	p->log.index = 1;
	if (fl_k_find(w->text, '/', 0) < w->text.n && fl_k_find(w->text, ':', 0) < w->text.n)
		return -ECANCELED; /* a user probe */
	return parse_symbol(p, w->text);
}

static int default_event(struct fl_parse *p)
{
	const struct fl_probe_place *place = &p->event->place;
	char letter = p->event->is_return ? 'r' : 'p';

	if (place->has_address)
		return fl_default_event(p, "%c_0x%016" PRIx64, letter, place->address);
	return fl_default_probe_event(p, letter, p->function, place->offset);
}

/* [":" [GROUP "/"] [EVENT]] behind the letter, or what it is called by itself. */
static int parse_names(struct fl_parse *p, struct fl_str head)
{
	size_t colon = fl_k_find(head, ':', 1);
	int r;

	p->log.index = 0;
	p->event->group = FL_STR("kprobes");
	if (colon < head.n) {
		r = fl_parse_event_name(p, fl_str_from(head, colon + 1), colon + 1,
					&p->event->group, &p->event->event);
		if (r < 0)
			return r;
	}
	return p->event->event.n ? 0 : default_event(p);
}

int fl_check_kprobe(struct fl_parse *p)
{
	struct fl_words *words = &p->log.words;
	struct fl_str head = words->w[0].text;
	struct fl_words args;
	int r;

	if ((head.p[0] != 'p' && head.p[0] != 'r') || words->n < 2)
		return -ECANCELED;
	args = (struct fl_words){ words->w + 2, words->n - 2 };
	p->log.subsystem = "trace_kprobe";
	p->event->kind = FL_PROBE_KPROBE;
	p->event->is_return = head.p[0] == 'r';
	p->at = FL_AT_KERNEL;
	r = parse_maxactive(p, head);
	if (r == 0)
		r = parse_place(p, &words->w[1]);
	if (r == 0)
		r = parse_names(p, head);
	if (r == 0)
		r = fl_expand_meta_args(p, &args);
	if (r == 0)
		r = fl_count_args(p, args.n);
	if (r == 0)
		r = fl_expand_dentry_args(p, &args);
	if (r == 0)
		r = fl_parse_args(p, &args);
	return r < 0 ? r : fl_register_kprobe(p);
}
