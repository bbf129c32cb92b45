/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p|r[:[GROUP/][EVENT]] PATH:OFFSET[%return][(REFCTR)] [ARG...] */
#include <errno.h>
#include <inttypes.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"
#include "probe/lang/register.h"

int fl_check_user_file(struct fl_parse *p, struct fl_str path)
{
	bool regular;
	int r = fl_target_file(p->target, path, &regular);

	if (r == -EOPNOTSUPP) { /* there is nowhere to look */
		p->event->assumed |= FL_ASSUMED_FILE;
		return 0;
	}
	if (r < 0) {
		fl_fault(p, 0, FL_FAULT_FILE_NOT_FOUND, path);
		return r;
	}
	return regular ? 0 : fl_fault(p, 0, FL_FAULT_NO_REGULAR_FILE, path);
}

/* "(" REFCTR ")" at the end of the place; cuts it off @offset. */
static int parse_refctr(struct fl_parse *p, struct fl_str place, struct fl_str *offset)
{
	size_t open = fl_k_find(*offset, '(', 0), close = fl_k_find(*offset, ')', open);
	struct fl_str number = fl_str_sub(*offset, open + 1, close - open - 1);
	long column = offset->p - place.p;
	int r;

	if (open == offset->n)
		return 0;
	if (close == offset->n)
		return fl_fault(p, column + close, FL_FAULT_REFCNT_OPEN_BRACE,
				fl_str_from(*offset, open));
	if (close + 1 < offset->n)
		return fl_fault(p, column + close + 1, FL_FAULT_BAD_REFCNT_SUFFIX,
				fl_str_from(*offset, close + 1));
	r = fl_kstrtoul(number, 0, &p->event->place.refctr);
	if (r < 0)
		return fl_number_fault(p, column + open + 1, FL_FAULT_BAD_REFCNT, number, r);
	p->event->place.has_refctr = p->event->place.refctr != 0;
	*offset = fl_str_sub(*offset, 0, open);
	return 0;
}

/* OFFSET["%return"] */
static int parse_offset(struct fl_parse *p, struct fl_str place, struct fl_str offset)
{
	size_t percent = fl_k_find(offset, '%', 0);
	struct fl_str suffix = fl_str_from(offset, percent);
	long column = offset.p - place.p;
	int r;

	if (suffix.n && !fl_str_is(suffix, "%return"))
		return fl_fault(p, column + percent, FL_FAULT_BAD_ADDR_SUFFIX, suffix);
	if (suffix.n)
		p->event->is_return = true;
	offset = fl_str_sub(offset, 0, percent);
	r = fl_kstrtoul(offset, 0, &p->event->place.offset);
	if (r < 0)
		return fl_number_fault(p, column, FL_FAULT_BAD_UPROBE_OFFS, offset, r);
	return 0;
}

static int parse_place(struct fl_parse *p, const struct fl_word *w, size_t colon)
{
	struct fl_probe_place *place = &p->event->place;
	struct fl_str offset = fl_str_from(w->text, colon + 1);
	int r;

	place->span = w->span;
	place->path = fl_str_sub(w->text, 0, colon);
	r = fl_check_user_file(p, place->path);
	if (r == 0)
		r = parse_refctr(p, w->text, &offset);
	return r < 0 ? r : parse_offset(p, w->text, offset);
}

static int default_event(struct fl_parse *p)
{
	struct fl_str name = p->event->place.path;

	for (size_t i = name.n; i > 0; i--) {
		if (name.p[i - 1] == '/') {
			name = fl_str_from(name, i);
			break;
		}
	}
	name = fl_str_sub(name, 0, fl_str_any(name, ".-_"));
	return fl_default_event_raw(p, "p_%.*s_0x%" PRIx64, FL_STR_ARG(name),
				    p->event->place.offset);
}

/* Names are read only where ":" stands right behind the letter. */
static int parse_names(struct fl_parse *p, struct fl_str head, int (*otherwise)(struct fl_parse *p))
{
	int r;

	p->log.index = 0;
	if (fl_at(head, 1) == ':') {
		r = fl_parse_event_name(p, fl_str_from(head, 2), 2, &p->event->group,
					&p->event->event);
		if (r < 0)
			return r;
	}
	return p->event->event.n ? 0 : otherwise(p);
}

/* Index of the ":" before the offset, or n where the word is no place of a user probe. */
static size_t offset_colon(struct fl_str text)
{
	size_t i = text.n;

	while (i > 0 && text.p[i - 1] != ':')
		i--;
	if (i == 0 || !fl_k_isdigit(fl_at(text, i)) || !memchr(text.p, '/', text.n))
		return text.n;
	return i - 1;
}

/* The kernel looks at that one instruction alone, and not whether the one before it ends there. */
static void assume_boundary(struct fl_parse *p)
{
	const struct fl_probe_place *place = &p->event->place;

	if (fl_target_insn_boundary(p->target, place->path, place->offset) != 1)
		p->event->assumed |= FL_ASSUMED_INSN_BOUNDARY;
}

void fl_begin_uprobe(struct fl_parse *p)
{
	p->log.subsystem = "trace_uprobe";
	p->event->kind = FL_PROBE_UPROBE;
	p->event->group = FL_STR("uprobes");
	p->event->is_return = p->log.words.w[0].text.p[0] == 'r';
}

int fl_end_uprobe(struct fl_parse *p, int (*otherwise)(struct fl_parse *p))
{
	struct fl_words *words = &p->log.words;
	int r = parse_names(p, words->w[0].text, otherwise);

	p->at = FL_AT_USER | (p->event->is_return ? FL_AT_RETURN : 0);
	if (r == 0)
		r = fl_parse_args(p, &(struct fl_words){ words->w + 2, words->n - 2 });
	if (r == 0)
		r = fl_register_uprobe(p);
	return r;
}

int fl_check_uprobe(struct fl_parse *p)
{
	struct fl_words *words = &p->log.words;
	struct fl_str head = words->w[0].text;
	size_t colon;
	int r;

	if ((head.p[0] != 'p' && head.p[0] != 'r') || words->n < 2)
		return -ECANCELED;
	fl_begin_uprobe(p);
	r = fl_count_args(p, words->n - 2);
	if (r < 0)
		return r;
	colon = offset_colon(words->w[1].text);
	if (colon == words->w[1].text.n)
		return -ECANCELED;
	p->log.index = 1;
	r = parse_place(p, &words->w[1], colon);
	if (r == 0)
		r = fl_end_uprobe(p, default_event);
	if (r == 0 && !(p->event->assumed & FL_ASSUMED_FILE))
		assume_boundary(p);
	return r;
}
