/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each event has a list of hooks that could carry it, best first. A hook is tried by doing it:
 * generate, load, attach. What the kernel refuses is written down in its own words and the next one
 * is tried, so that nothing depends on version numbers, and so that a refusal of all of them can be
 * explained line by line.
 *
 * In the same way the form of memory reads is found: the cheapest that the kernel's types speak for
 * first, the helper last. What worked for one event is where the next one starts.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "probe/gen/kernel.h"
#include "probe/live/private.h"
#include "probe/record/filter.h"

/* The kernel's ENOTSUPP, which is no errno of user space; uprobes give it. */
#define ENOTSUPP_KERNEL 524

static void tried(struct live_probe *p, enum fl_hook hook, const char *what, int err,
		  struct fl_str why)
{
	fl_buf_addf(&p->pub.tried, "%s: %s: %s", fl_hooks[hook].name, what, fl_errno_name(err));
	if (why.n)
		fl_buf_addf(&p->pub.tried, " (%.*s)", FL_STR_ARG(why));
	fl_buf_addc(&p->pub.tried, '\n');
}

/* Loads with the cheapest form of reading that the kernel takes. */
static int load_program(struct fl_session *t, struct live_probe *p, const struct fl_gen_env *env,
			struct fl_gen_error *error)
{
	struct fl_gen_env form = *env;
	int r = -EINVAL;

	for (; form.read < _FL_READ_MAX; form.read++) {
		_cleanup_insns_ struct fl_insns insns = {};
		_cleanup_buf_ struct fl_buf why = {};

		if (form.read == FL_READ_WINDOW && !form.window_type)
			continue;
		r = fl_gen_event(p->event, p->pub.hook, &p->pub.schema.layout, &form, &insns,
				 error);
		if (r < 0)
			return r;
		r = fl_prog_load(p->pub.hook, &p->points.at, "foreland", &insns, &why);
		if (r >= 0) {
			p->pub.read = t->env.read = form.read;
			return r;
		}
		tried(p, p->pub.hook, fl_read_form_names[form.read], r, fl_buf_str(&why));
		if (r == -EPERM)
			break;
	}
	return r;
}

static int load_entry_program(struct live_probe *p, const struct fl_gen_env *env,
			      struct fl_gen_error *error)
{
	_cleanup_insns_ struct fl_insns insns = {};
	_cleanup_buf_ struct fl_buf why = {};
	int r;

	if (p->entry_map < 0)
		return 0;
	r = fl_gen_entry(p->event, env, &insns, error);
	if (r < 0)
		return r;
	p->entry_prog = fl_prog_load(FL_HOOK_KPROBE, &p->points.at, "foreland_entry", &insns, &why);
	if (p->entry_prog < 0)
		tried(p, FL_HOOK_KPROBE, "loading", p->entry_prog, fl_buf_str(&why));
	return p->entry_prog < 0 ? p->entry_prog : 0;
}

static int load_hook(struct fl_session *t, struct live_probe *p, size_t index,
		     struct fl_gen_error *error)
{
	struct fl_gen_env env = t->env;
	int r;

	r = live_make_entry_map(p);
	if (r == 0)
		r = live_make_scratch(p);
	if (r < 0)
		return r;
	env.event = (uint16_t)index;
	env.scratch_fd = p->scratch;
	env.entry_fd = p->entry_map;
	env.counts = p->pub.is_counted;
	env.hists = p->counted_by;
	env.nr_hists = p->nr_counted_by;
	env.filter = p->filter.n && !p->reader_filters ? &p->filter : NULL;
	fl_points_env(&p->points, &env);
	p->prog = load_program(t, p, &env, error);
	if (p->prog < 0)
		return p->prog;
	return load_entry_program(p, &env, error);
}

static int attach_one(struct live_probe *p, enum fl_hook hook, int prog,
		      const struct fl_attach_point *at)
{
	struct fl_attachment a = FL_ATTACHMENT_NONE;
	int r = fl_prog_attach(hook, at, prog, &a);

	if (r < 0) {
		tried(p, hook, "attaching", r, fl_str(""));
		return r;
	}
	p->attached[p->nr_attached++] = a;
	return 0;
}

static bool is_user_multi(enum fl_hook hook)
{
	return hook == FL_HOOK_UPROBE_MULTI || hook == FL_HOOK_UPROBE_MULTI_SLEEP || hook == FL_HOOK_URETPROBE_MULTI ||
	       hook == FL_HOOK_URETPROBE_MULTI_SLEEP;
}

static void leave_out(struct live_probe *p, const struct fl_attach_point *at, int err)
{
	const struct fl_probe_place *place = &p->event->place;

	for (size_t i = 0; i < place->nr_offsets; i++)
		if (place->offsets[i] == (at->nr_addresses ? at->addresses[0] : at->offset))
			fl_buf_addf(&p->pub.left_out, "%.*s: %s\n", FL_STR_ARG(place->names[i]), fl_errno_name(err));
}

/* Whether the kernel cannot put a breakpoint there, which says nothing of other places. */
static bool is_of_place(int err)
{
	return err == -EOPNOTSUPP || err == -ENOTSUPP_KERNEL || err == -EIO || err == -EINVAL;
}

/* All places of a file in one link; where one is refused, halves, until that one is alone and left out. */
static int attach_range(struct live_probe *p, struct fl_attach_point at)
{
	struct fl_attachment a = FL_ATTACHMENT_NONE;
	size_t half = at.nr_addresses / 2;
	int r = fl_prog_attach(p->pub.hook, &at, p->prog, &a);

	if (r == 0) {
		p->attached[p->nr_attached++] = a;
		return 0;
	}
	if (!is_of_place(r))
		return r;
	if (!half) {
		leave_out(p, &at, r);
		return 0;
	}
	at.nr_addresses -= half;
	r = attach_range(p, at);
	at.addresses += at.nr_addresses;
	at.counters = at.counters ? at.counters + at.nr_addresses : NULL;
	at.nr_addresses = half;
	return r < 0 ? r : attach_range(p, at);
}

/* The entry program, where words of the entry are kept for the return. */
static int attach_entry(struct live_probe *p, struct fl_attach_point at)
{
	at.tracepoint_id = p->points.entry_id;
	switch (p->pub.hook) {
	case FL_HOOK_KRETPROBE_MULTI:
		return attach_one(p, FL_HOOK_KPROBE_MULTI, p->entry_prog, &at);
	case FL_HOOK_KRETPROBE_EVENT:
		return attach_one(p, FL_HOOK_KPROBE_EVENT, p->entry_prog, &at);
	default:
		return attach_one(p, FL_HOOK_KPROBE, p->entry_prog, &at);
	}
}

/* The entry program first: a return without entry words would be counted as unpaired. */
static int attach_hook(struct live_probe *p)
{
	size_t n = p->points.nr_each;
	int r = 0;

	p->attached = calloc(2 * n + p->points.at.nr_addresses, sizeof(*p->attached));
	if (!p->attached)
		return -ENOMEM;
	if (is_user_multi(p->pub.hook)) {
		r = attach_range(p, p->points.at);
		if (r == 0 && !p->nr_attached)
			r = -EOPNOTSUPP;
		if (r < 0)
			tried(p, p->pub.hook, "attaching", r, fl_buf_str(&p->pub.left_out));
		return r;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		struct fl_attach_point at = fl_points_each(&p->points, i);

		if (p->entry_prog >= 0)
			r = attach_entry(p, at);
		if (r == 0)
			r = attach_one(p, p->pub.hook, p->prog, &at);
		if (r < 0 && p->points.each_offset && is_of_place(r)) {
			leave_out(p, &at, r);
			r = 0;
		}
	}
	return r == 0 && !p->nr_attached ? -EOPNOTSUPP : r;
}

/*
 * A tracepoint that nobody has may be that of a module that comes later, and so the kernel's own probes take
 * the name. One that is nearly another's is a slip.
 */
static bool can_wait(struct fl_session *t, struct live_probe *p, int err)
{
	return t->opts.waits && err == -ENOENT && p->pub.hook == FL_HOOK_RAW_TP && p->prog >= 0 &&
	       !fl_target_near_tracepoint(t->target, p->event->place.symbol).n;
}

#define LOOK_NS 5000000u

void live_arm_waiting(struct fl_session *t)
{
	uint64_t now = t->nr_waiting ? fl_session_now(t) : 0;

	if (!t->nr_waiting || now - t->looked < LOOK_NS)
		return;
	t->looked = now;
	for (size_t i = 0; i < t->n; i++) {
		struct live_probe *p = &t->probes[i];
		struct fl_attachment a = FL_ATTACHMENT_NONE;
		int r;

		if (!p->pub.is_waiting)
			continue;
		r = fl_prog_attach(p->pub.hook, &p->points.at, p->prog, &a);
		if (r == -ENOENT)
			continue;
		p->attached[0] = a;
		p->pub.wait_error = r;
		p->pub.is_waiting = false;
		p->nr_attached = r == 0;
		t->nr_waiting--;
	}
}

void live_detach(struct live_probe *p)
{
	for (size_t i = p->nr_attached; i-- > 0;) {
		p->missed += fl_attachment_missed(&p->attached[i]);
		fl_attachment_release(&p->attached[i]);
	}
	free(p->attached);
	p->attached = NULL;
	p->nr_attached = 0;
}

/* Everything of a hook that was not taken. */
void live_unload(struct live_probe *p)
{
	live_detach(p);
	live_close(&p->prog);
	live_close(&p->entry_prog);
	live_close(&p->entry_map);
	live_close(&p->scratch);
}

static int lay_out(const struct fl_session *t, struct live_probe *p, enum fl_hook hook,
		   struct fl_diag *diag)
{
	struct fl_layout_options o = fl_gen_layout(p->event, hook, p->points.is_multi);

	o.ip |= live_asks_for_ip(p) && fl_hooks[hook].ctx != FL_CTX_ARGS && fl_hooks[hook].ctx != FL_CTX_RECORD;
	o.stacks = p->pub.is_counted ? 0 : t->opts.stacks;
	o.pretty = p->pub.schema.pretty = t->opts.pretty && !p->pub.is_counted;
	o.faults |= o.pretty;
	o.raw = t->opts.raw && p->event->kind == FL_PROBE_EPROBE;
	p->pub.schema.namer = o.pretty ? t->opts.namer : NULL;
	p->pub.schema.format = p->points.format;
	p->pub.hook = hook;
	p->pub.schema.hook = fl_hooks[hook].name;
	p->pub.schema.own_frames = fl_gen_own_frames(hook);
	if (fl_record_layout(p->event, o, &p->pub.schema.layout) < 0)
		return live_diagnose(diag, p, LIVE_TOO_BIG, (struct fl_span){0, 0});
	return 0;
}

/* The filter's columns are moved to where it stands in the definition. */
int live_read_filter(struct fl_session *t, struct live_probe *p, struct fl_diag *diag)
{
	struct fl_str text = p->event->filter.n ? p->event->filter : p->filter_text;
	uint32_t at =
		p->event->filter.n ? p->event->filter_span.start : (uint32_t)(text.p - p->def.p);
	int r;

	if (!text.n)
		return 0;
	r = fl_record_filter(t->target, p->event, &p->pub.schema.layout, p->points.format, text,
			     &p->filter, diag);
	if (r < 0 && diag) {
		diag->column += at;
		diag->span.start += at;
		diag->span.end += at;
		diag->text = p->def.p;
		diag->text_len = p->def.n;
	}
	if (r < 0)
		return r;
	p->reader_filters = !fl_gen_filter_compiles(&p->filter, p->event->kind == FL_PROBE_SYNTH ||
							   fl_hooks[p->pub.hook].ctx != FL_CTX_RECORD);
	if (p->reader_filters && (p->points.format || p->pub.is_counted)) {
		r = live_diagnose(diag, p, LIVE_NO_ARGUMENT,
				  (struct fl_span){at, at + (uint32_t)text.n});
		fl_diag_message(diag, "a search through a string is not compiled for this");
		return r;
	}
	return 0;
}

int live_load_for(struct fl_session *t, size_t index, enum fl_hook hook)
{
	struct live_probe *p = &t->probes[index];
	struct fl_gen_error error = {SIZE_MAX, NULL};
	int r;

	fl_points_shared(t->target, p->event, &p->points);
	r = lay_out(t, p, hook, NULL);
	if (r == 0)
		r = live_read_filter(t, p, NULL);
	if (r == 0)
		r = live_read_hist_filters(t, p, NULL);
	if (r == 0)
		r = load_hook(t, p, index, &error);
	if (r < 0)
		live_unload(p);
	return r;
}

/* Tries the hooks in turn until one holds. */
int live_load_probe(struct fl_session *t, size_t index, struct fl_diag *diag)
{
	struct live_probe *p = &t->probes[index];
	struct fl_gen_error error = {SIZE_MAX, NULL};
	enum fl_hook hooks[_FL_HOOK_MAX];
	size_t n = fl_points_hooks(p->event, hooks);
	int r;

	if (p->event->kind == FL_PROBE_SYNTH || p->pub.is_shared)
		return 0; /* actions make it, or a link of many has it */
	r = live_check_boundary(t, p, diag);
	if (r < 0)
		return r;
	r = -EOPNOTSUPP;
	for (size_t i = 0; i < n; i++) {
		fl_buf_reset(&p->pub.left_out);
		fl_buf_add_str(&p->pub.left_out, p->event->place.left_out);
		_cleanup_buf_ struct fl_buf why = {};

		r = fl_points_find(t->target, p->event, hooks[i], &p->points, &why);
		if (r < 0) {
			tried(p, hooks[i], "looking for the place", r, fl_buf_str(&why));
			continue;
		}
		r = lay_out(t, p, hooks[i], diag);
		if (r == 0)
			r = live_read_filter(t, p, diag);
		if (r == 0)
			r = live_read_hist_filters(t, p, diag);
		if (r < 0)
			return r;
		r = load_hook(t, p, index, &error);
		if (r == 0)
			r = attach_hook(p);
		if (r == 0)
			return 0;
		if (can_wait(t, p, r)) {
			fl_buf_reset(&p->pub.tried);
			p->pub.is_waiting = true;
			t->nr_waiting++;
			return 0;
		}
		if (error.why)
			tried(p, hooks[i], "generating", r, fl_str(error.why));
		live_unload(p);
	}
	return live_refused(t, p, r, &error, diag);
}
