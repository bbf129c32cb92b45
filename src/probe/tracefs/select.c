/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events by name: set_event, and the "enable" of more than one. Names are compared whole, as the kernel does. */
#include <errno.h>

#include "probe/tracefs/private.h"

/* NULL in any of them: whichever. */
struct selection {
	struct fl_str match; /* a system or an event */
	struct fl_str system, event;
};

static bool is_meant(const struct selection *s, const struct place *p)
{
	if (s->match.p && !fl_str_is(s->match, p->event) && !fl_str_is(s->match, p->system))
		return false;
	return (!s->system.p || fl_str_is(s->system, p->system)) && (!s->event.p || fl_str_is(s->event, p->event));
}

static struct fl_str unless_any(struct fl_str part)
{
	return !part.n || fl_str_is(part, "*") ? (struct fl_str){} : part;
}

/* The first error is what is told; the others are tried all the same. */
static int set(struct instance *in, const struct selection *s, bool on)
{
	int r = -EINVAL, first = 0;

	for (struct place *p = in->places; p; p = p->next) {
		if (!p->event || !p->dir || !is_place_enableable(p) || !is_meant(s, p))
			continue;
		r = place_enable(p, on);
		if (r < 0 && !first)
			first = r;
		r = first;
	}
	return r;
}

/* "SYSTEM:EVENT", "SYSTEM:", "EVENT" or "SYSTEM", with "!" in front to switch off. */
int tracefs_set_event(struct instance *in, struct fl_str text)
{
	bool off = text.n && text.p[0] == '!';
	struct fl_str word = off ? fl_str_from(text, 1) : text;
	size_t colon = fl_str_find(word, ':', 0);
	struct selection s = {};
	int r;

	if (colon < word.n) {
		s.system = unless_any(fl_str_sub(word, 0, colon));
		s.event = unless_any(fl_str_from(word, colon + 1));
	} else {
		s.match = word;
	}
	if (off && !in->nr_wanted && !s.match.p && !s.system.p && !s.event.p) /* which is most often */
		return 0;
	r = tracefs_list_places(in, NULL);
	return r < 0 ? r : set(in, &s, !off);
}

void tracefs_show_enabled(struct instance *in, struct fl_buf *out)
{
	for (const struct place *p = in->places; in->nr_wanted && p; p = p->next)
		if (p->event && p->dir && p->wanted)
			fl_buf_addf(out, "%s:%s\n", p->system, p->event);
}

const char *tracefs_state(struct instance *in, const char *system)
{
	size_t on = 0, all = 0;

	if (!in->nr_wanted)
		return "0\n";
	tracefs_list_places(in, system);
	for (const struct place *p = in->places; p; p = p->next) {
		if (!p->event || !p->dir || !is_place_enableable(p) || (system && strcmp(p->system, system)))
			continue;
		all++;
		on += p->wanted;
	}
	return !on ? "0\n" : on == all ? "1\n" : "X\n";
}
