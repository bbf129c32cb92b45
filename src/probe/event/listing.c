/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/event/listing.h"

#include <inttypes.h>

#include "probe/event/synth.h"

/* The kernel's default number of pending returns, where a definition names none. */
#define DEFAULT_MAXACTIVE 10

static void list_head(const struct fl_probe_event *e, struct fl_buf *out)
{
	static const char letters[] = {
		[FL_PROBE_KPROBE] = 'p', [FL_PROBE_FPROBE] = 'f', [FL_PROBE_TPROBE] = 't',
		[FL_PROBE_EPROBE] = 'e', [FL_PROBE_UPROBE] = 'p',
	};
	bool letter_says = e->kind == FL_PROBE_KPROBE || e->kind == FL_PROBE_UPROBE;

	fl_buf_addc(out, letter_says && e->is_return ? 'r' : letters[e->kind]);
	if (e->maxactive)
		fl_buf_add_u64(out, e->maxactive);
	else if (e->kind == FL_PROBE_KPROBE && e->is_return && !e->deferred)
		fl_buf_add_u64(out, DEFAULT_MAXACTIVE); /* set when the probe is placed */
	fl_buf_addf(out, ":%.*s/%.*s ", FL_STR_ARG(e->group), FL_STR_ARG(e->event));
}

void fl_probe_place_print(const struct fl_probe_event *e, struct fl_buf *out)
{
	const struct fl_probe_place *place = &e->place;

	switch (e->kind) {
	case FL_PROBE_UPROBE:
		fl_buf_addf(out, "%.*s:0x%016" PRIx64, FL_STR_ARG(place->path), place->offset);
		if (place->has_refctr)
			fl_buf_addf(out, "(0x%" PRIx64 ")", place->refctr);
		return;
	case FL_PROBE_EPROBE:
		fl_buf_addf(out, "%.*s.%.*s", FL_STR_ARG(place->system), FL_STR_ARG(place->event));
		return;
	default:
		break;
	}
	if (place->has_address) {
		fl_buf_addf(out, "0x%016" PRIx64, place->address);
		return;
	}
	if (place->module.p)
		fl_buf_addf(out, "%.*s:", FL_STR_ARG(place->module));
	fl_buf_add_str(out, place->symbol);
	if (e->kind == FL_PROBE_KPROBE && place->offset)
		fl_buf_addf(out, "+%" PRIu64, place->offset);
}

void fl_probe_event_list(const struct fl_probe_event *e, struct fl_buf *out)
{
	if (e->kind == FL_PROBE_SYNTH) {
		fl_buf_addz(out, "s:" FL_SYNTH_SYSTEM "/");
		fl_synth_list(e, out);
		return;
	}
	list_head(e, out);
	fl_probe_place_print(e, out);
	if (e->kind == FL_PROBE_FPROBE && e->is_return)
		fl_buf_addz(out, "%return");
	for (size_t i = 0; i < e->nr_args; i++)
		fl_buf_addf(out, " %.*s=%.*s", FL_STR_ARG(e->args[i].name),
			    FL_STR_ARG(e->args[i].body));
}

void fl_probe_event_dump(const struct fl_probe_event *e, enum fl_dump_style style, struct fl_buf *out)
{
	if (e->kind == FL_PROBE_SYNTH)
		return; /* nothing is fetched */
	for (size_t i = 0; i < e->nr_args; i++) {
		fl_buf_addf(out, "#  %.*s: ", FL_STR_ARG(e->args[i].name));
		fl_fetch_dump(&e->args[i].program, style, out);
		fl_buf_addc(out, '\n');
	}
}
