/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e[:[GROUP/][EVENT]] SYSTEM.EVENT [ARG...] [if FILTER] */
#include <errno.h>

#include "probe/event/format.h"
#include "probe/lang/ktext.h"
#include "probe/lang/list.h"
#include "probe/lang/parse.h"
#include "probe/lang/register.h"
#include "probe/event/scope.h"

/* The event that the probe is attached to. */
static int parse_place(struct fl_parse *p, const struct fl_word *w)
{
	struct fl_probe_place *place = &p->event->place;

	place->span = w->span;
	if (fl_parse_event_name(p, w->text, 0, &place->system, &place->event) < 0 ||
	    !place->system.n || !place->event.n)
		return fl_fault(p, 0, FL_FAULT_NO_EVENT_INFO, w->text);
	return 0;
}

/* Index of the word "if", or words->n. */
static size_t find_filter(const struct fl_words *words)
{
	size_t i = 2;

	while (i < words->n && !fl_str_is(words->w[i].text, "if"))
		i++;
	return i;
}

/* The kernel lets no probe of another kind be attached to. */
static bool can_be_attached_to(const struct fl_probe_event *e)
{
	return e->kind == FL_PROBE_FPROBE || e->kind == FL_PROBE_TPROBE || e->kind == FL_PROBE_SYNTH;
}

/* An f, t or s event that was defined before; one of another kind may have the same name. */
static int listed_format(struct fl_parse *p)
{
	struct fl_probe_place *place = &p->event->place;
	_cleanup_buf_ struct fl_buf text = {};
	const struct fl_probe_event *e = NULL;
	const struct fl_event_chain *named;
	struct fl_format *format;

	if (!p->list)
		return -ENOENT;
	named = fl_event_list_named(p->list, place->system, place->event);
	for (size_t i = 0; i < named->n && !e; i++)
		e = can_be_attached_to(named->v[i]) ? named->v[i] : NULL;
	if (!e)
		return -ENOENT;
	fl_format_print(e, 0, &text);
	format = FL_ARENA_NEW(&p->event->arena, struct fl_format);
	if (text.error || !format)
		return -ENOMEM;
	p->format = format;
	return fl_format_parse(place->system, fl_buf_str(&text), &p->event->arena, NULL, format);
}

static int attach(struct fl_parse *p, const struct fl_word *w)
{
	struct fl_probe_place *place = &p->event->place;
	int r = -ENOENT;

	/* ftrace's own entries cannot be attached to */
	if (!fl_str_is(place->system, "ftrace"))
		r = fl_target_format(p->target, place->system, place->event, &p->format);
	if (r < 0)
		r = listed_format(p);
	return r == -ENOMEM || r == 0 ? r : fl_fault(p, 0, FL_FAULT_BAD_ATTACH_EVENT, w->text);
}

/* The kernel reads the filter now, and throws it away: it is for enabling the event. */
static int check_filter(struct fl_parse *p)
{
	struct fl_event_scope scope = { .target = p->target, .format = p->format };
	struct fl_filter_scope names = fl_event_filter_scope(&scope);
	struct fl_span span = p->event->filter_span;
	_cleanup_filter_ struct fl_filter filter = {};
	struct fl_diag diag = {};
	int r;

	names.no_functions = p->rules->no_filter_functions;
	names.no_cpu_lists = p->rules->no_cpu_lists;
	r = fl_filter_parse(p->event->filter, &names, &filter, &diag);
	if (r < 0 && diag.kind) {
		char *message = diag.message ? fl_arena_dup(&p->event->arena, fl_str(diag.message)) :
					       NULL;

		span.start = FL_MIN(span.start + diag.column, span.end);
		fl_log_add(&p->log, &(struct fl_log_entry){
			.kind = diag.kind,
			.message = message,
			.subsystem = "event filter parse error",
			.command = p->event->filter,
			.column = diag.column,
			.span = span,
			.place = span.start,
		});
	}
	fl_diag_fini(&diag);
	return r == -ENOMEM || r == 0 ? r : -EINVAL;
}

/* FILTER: the words behind "if", joined by one blank */
static int parse_filter(struct fl_parse *p, size_t first)
{
	const struct fl_words *words = &p->log.words;
	_cleanup_buf_ struct fl_buf b = {};
	char *copy;

	p->log.index = first;
	if (first == words->n)
		return fl_fault(p, 0, FL_FAULT_NO_EP_FILTER, words->w[first - 1].text);
	for (size_t i = first; i < words->n; i++) {
		if (i > first)
			fl_buf_addc(&b, ' ');
		fl_buf_add_str(&b, words->w[i].text);
	}
	copy = b.error ? NULL : fl_arena_dup(&p->event->arena, fl_buf_str(&b));
	if (!copy)
		return -ENOMEM;
	p->event->filter = fl_str(copy);
	p->event->filter_span = (struct fl_span){ words->w[first].span.start,
						  words->w[words->n - 1].span.end };
	return check_filter(p);
}

static int parse_names(struct fl_parse *p, struct fl_str head)
{
	size_t colon = fl_k_find(head, ':', 1);

	p->event->group = FL_STR("eprobes");
	if (colon == head.n)
		return 0;
	return fl_parse_event_name(p, fl_str_from(head, colon + 1), colon + 1, &p->event->group,
				   &p->event->event);
}

static int parse_eprobe(struct fl_parse *p, struct fl_words *args)
{
	struct fl_words *words = &p->log.words;
	size_t filter = find_filter(words);
	int r;

	*args = (struct fl_words){ words->w + 2, filter - 2 };
	r = parse_names(p, words->w[0].text);
	if (r < 0)
		return r;
	p->log.index = 1;
	r = parse_place(p, &words->w[1]);
	if (r < 0)
		return r;
	if (!p->event->event.n)
		p->event->event = p->event->place.event;
	r = fl_count_args(p, args->n);
	if (r == 0)
		r = attach(p, &words->w[1]);
	if (r == 0 && filter < words->n)
		r = parse_filter(p, filter + 1);
	return r;
}

int fl_check_eprobe(struct fl_parse *p)
{
	struct fl_words args;
	int r;

	if (p->log.words.w[0].text.p[0] != 'e' || p->log.words.n < 2)
		return -ECANCELED;
	p->log.subsystem = "event_probe";
	p->event->kind = FL_PROBE_EPROBE;
	p->at = FL_AT_KERNEL | FL_AT_EVENT;
	r = parse_eprobe(p, &args);
	if (r == 0)
		r = fl_parse_args(p, &args);
	return r < 0 ? r : fl_register_eprobe(p);
}
