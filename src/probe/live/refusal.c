/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/util.h"
#include "probe/live/private.h"

static const struct fl_diag_kind kinds[] = {
#define D(code, level, err, message) [LIVE_##code] = {"TRACE_" #code, FL_##level, err, message},
#include "probe/live/errors.def"
};

int live_diagnose(struct fl_diag *d, const struct live_probe *p, enum live_error error,
		  struct fl_span span)
{
	int r = fl_diag_set(d, &kinds[error], span);

	if (d) {
		d->text = p->def.p;
		d->text_len = p->def.n;
	}
	return r;
}

/* The first thing that is missing, in the order in which it would be asked for. */
void live_help_permission(struct fl_target *t, struct fl_diag *diag)
{
	static const enum fl_cap asked[] = {FL_CAP_CAP_BPF, FL_CAP_CAP_PERFMON, FL_CAP_LOCKDOWN,
					    FL_CAP_BPF};

	for (size_t i = 0; i < FL_ARRAY_SIZE(asked); i++) {
		const struct fl_cap_result *res = fl_cap_probe(t, asked[i]);
		const struct fl_cap_info *info = fl_cap_info(asked[i]);

		if (res->state == FL_CAP_NO) {
			fl_diag_help(diag, "missing: %s%s%s%s: %s", info->about,
				     res->note[0] ? " (" : "", res->note, res->note[0] ? ")" : "",
				     info->remedy);
			return;
		}
	}
	fl_diag_help(diag,
		     "'foreland doctor' tells what this kernel permits; --vm traces in a guest");
}

static int not_found(struct fl_session *t, struct live_probe *p, struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;
	bool tracepoint = p->event->kind == FL_PROBE_TPROBE;
	int r = live_diagnose(diag, p, LIVE_NOT_FOUND, place);
	struct fl_str near;

	fl_diag_message(
		diag, "this kernel has no %s '%.*s'", tracepoint ? "tracepoint" : "place",
		FL_STR_ARG(fl_str_sub(p->event->text, place.start, place.end - place.start)));
	near = tracepoint ? fl_target_near_tracepoint(t->target, p->event->place.symbol)
			  : FL_STR("");
	if (near.n)
		fl_diag_help(diag, "did you mean '%.*s'?", FL_STR_ARG(near));
	return r;
}

int live_refused(struct fl_session *t, struct live_probe *p, int err,
		 const struct fl_gen_error *error, struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;
	int r;

	if (error->why && error->arg < p->event->nr_args) {
		r = live_diagnose(diag, p, LIVE_NO_ARGUMENT, p->event->args[error->arg].span);
		fl_diag_message(diag, "the argument cannot be fetched here: %s", error->why);
	} else if (err == -EPERM || err == -EACCES) {
		r = live_diagnose(diag, p, LIVE_NOT_PERMITTED, place);
		live_help_permission(t->target, diag);
	} else if (err == -ENOENT) {
		r = not_found(t, p, diag);
	} else {
		r = live_diagnose(diag, p, LIVE_NO_HOOK, place);
	}
	return r;
}
