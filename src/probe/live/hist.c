/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms of a session: which event has which, their maps, and who asks whom. What a variable keeps lies in
 * a map of its histogram, under the key; one that nobody asks for has none. Histograms of one name count in
 * the maps of the first of them.
 *
 * Entries that only hold variables are taken away when their pair has come, which the kernel never does: so a
 * table of starts is as large as what is under way, and not as what there ever was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/sys.h"
#include "probe/live/hist-map.h"
#include "probe/live/private.h"
#include "probe/record/filter.h"

#define VARS_MAX 16384 /* of things under way */

/* ---- reading specs ---- */

/* A second event of the same name has histograms of its own: it goes by its number behind the name. */
static bool is_named(const struct fl_session *t, size_t i, const char *system, const char *event)
{
	const struct fl_probe_event *e = t->probes[i].event;
	struct fl_str name = fl_str(event);
	size_t hash = fl_str_find(name, '#', 0);
	char number[24];

	if (!fl_str_is(e->group, system) || !fl_str_eq(e->event, fl_str_sub(name, 0, hash)))
		return false;
	snprintf(number, sizeof(number), "%zu", i);
	return hash == name.n || fl_str_is(fl_str_from(name, hash + 1), number);
}

/* Events of the session go by their names, and event probes by that of what they are on, too. */
static const struct fl_probe_event *find_event(void *ctx, const char *system, const char *event, bool synth)
{
	const struct fl_session *t = ctx;

	for (size_t i = 0; i < t->n; i++) {
		const struct fl_probe_event *e = t->probes[i].event;

		if ((e->kind == FL_PROBE_SYNTH) != synth)
			continue;
		if (is_named(t, i, system, event) ||
		    (e->kind == FL_PROBE_EPROBE && fl_str_is(e->place.system, system) &&
		     fl_str_is(e->place.event, event)))
			return e;
	}
	return NULL;
}

static bool is_second(const struct fl_session *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (fl_str_eq(t->probes[k].event->group, t->probes[i].event->group) &&
		    fl_str_eq(t->probes[k].event->event, t->probes[i].event->event))
			return true;
	return false;
}

static int name_event(const struct fl_session *t, size_t i, struct fl_buf *out)
{
	fl_buf_add_str(out, t->probes[i].event->event);
	if (is_second(t, i))
		fl_buf_addf(out, "#%zu", i);
	return out->error;
}

/* The last entry; its text is the session's. */
static void say(struct fl_diag *diag, const struct fl_trigger_log *log)
{
	const struct fl_log_entry *e = &log->entry[log->n - 1];

	fl_diag_set(diag, e->kind, e->span);
	if (e->message)
		fl_diag_message(diag, "%s", e->message);
	if (!diag)
		return;
	diag->column = e->column;
	diag->text = e->command.p;
	diag->text_len = e->command.n;
}

static const struct fl_diag_kind no_hist = { "BAD_HIST", FL_ERROR, EINVAL,
					    "a histogram has keys=FIELD[,FIELD]..." };

int fl_session_hist(struct fl_session *t, size_t i, struct fl_str spec, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf line = {}, name = {};
	size_t logged = t->log.n;
	int r = name_event(t, i, &name);

	t->triggers.find = find_event;
	t->triggers.ctx = t;
	t->triggers.ours = true;
	fl_buf_addf(&line, "%s%.*s", fl_str_starts(spec, "hist:") ? "" : "hist:", FL_STR_ARG(spec));
	if (r < 0 || line.error)
		return r < 0 ? r : line.error;
	r = fl_triggers_write(&t->triggers, t->probes[i].event->group, fl_buf_str(&name), fl_buf_str(&line), &t->log,
			      NULL);
	if (r < 0 && (t->log.n > logged || t->log.n == FL_TRIGGER_LOG_MAX))
		say(diag, &t->log);
	else if (r < 0 && r != -ENOMEM)
		fl_diag_set(diag, &no_hist, (struct fl_span){});
	if (r == 0)
		t->probes[i].pub.is_counted = true;
	return r;
}

/* ---- several ---- */

struct pair {
	size_t event;
	const char *spec;
};

static bool is_synth(const struct fl_session *t, size_t i)
{
	return t->probes[i].event->kind == FL_PROBE_SYNTH;
}

/* Which spec is whose; SIZE_MAX: their number says nothing. */
static size_t pair_up(const struct fl_session *t, const char *const *specs, size_t n, struct pair *ret)
{
	size_t hooked = 0, count = 0;

	for (size_t i = 0; i < t->n; i++)
		hooked += !is_synth(t, i);
	if (n > 1 && n != hooked && n != t->n && hooked != 1)
		return SIZE_MAX;
	for (size_t i = 0; i < t->n && n; i++) {
		bool all = n == t->n && n != hooked && n > 1;

		if (is_synth(t, i) && !all)
			continue;
		for (size_t k = 0; hooked == 1 && !all && k < n; k++)
			ret[count++] = (struct pair){ i, specs[k] };
		if (hooked != 1 || all)
			ret[count] = (struct pair){ i, specs[n == 1 ? 0 : count] }, count++;
	}
	return count;
}

/* What was refused may ask for what came later: it is tried again while others were taken. */
static int write_pairs(struct fl_session *t, struct pair *pairs, size_t n, struct fl_diag *diag)
{
	size_t left = n, before;
	int r;

	do {
		before = left;
		left = r = 0;
		for (size_t i = 0; i < before; i++) {
			struct fl_diag d = {};
			int e = fl_session_hist(t, pairs[i].event, fl_str(pairs[i].spec), &d);

			if (e < 0)
				pairs[left++] = pairs[i];
			if (e < 0 && r == 0 && diag) {
				fl_diag_fini(diag);
				*diag = d;
				d = (struct fl_diag){};
			}
			r = r ? r : e;
			fl_diag_fini(&d);
		}
	} while (left && left < before);
	return r;
}

int fl_session_hists(struct fl_session *t, const char *const *specs, size_t n, struct fl_diag *diag)
{
	_cleanup_free_ struct pair *pairs = calloc(n * t->n + 1, sizeof(*pairs));
	size_t count = pairs ? pair_up(t, specs, n, pairs) : 0;
	int r;

	if (!pairs)
		return -ENOMEM;
	if (count == SIZE_MAX) {
		r = fl_diag_set(diag, &no_hist, (struct fl_span){});
		fl_diag_message(diag, "as many --hist as definitions are wanted, or one for all");
		return r;
	}
	return write_pairs(t, pairs, count, diag);
}

/* ---- one histogram ---- */

static int refuse(struct live_probe *p, const char *why, struct fl_diag *diag)
{
	int r = live_diagnose(diag, p, LIVE_NO_ARGUMENT, (struct fl_span){ 0, (uint32_t)p->def.n });

	fl_diag_message(diag, "%s", why);
	return r;
}

/* Its strings are those that variables keep. */
static int lay_out_synth(const struct fl_session *t, struct live_probe *p)
{
	struct fl_record_layout *l = &p->pub.schema.layout;
	int r = fl_record_layout(p->event, (struct fl_layout_options){}, l);

	p->pub.schema.event = p->event;
	p->pub.schema.hook = "synthetic event";
	p->pub.schema.pretty = t->opts.pretty && !p->pub.is_counted;
	if (l->nr_strings)
		l->string_max = FL_HIST_STRING;
	l->max_size = l->fixed_size + (uint32_t)l->nr_strings * FL_HIST_STRING;
	return r;
}

static int add_hist(struct live_probe *p, const struct fl_trigger *trigger, struct fl_diag *diag)
{
	struct live_hist *h = calloc(1, sizeof(*h));
	const char *why = NULL;
	int r;

	if (!h)
		return -ENOMEM;
	h->gen = (struct fl_gen_hist){ .hist = &h->hist, .table = -1, .vars_map = -1, .seen_map = -1, .snapshot = -1 };
	h->trigger = trigger;
	p->hists[p->pub.nr_hists++] = h;
	r = fl_hist_layout(trigger, p->event, &h->hist, &why);
	if (r < 0)
		return refuse(p, why ? why : "its histogram cannot be counted", diag);
	if (!trigger->paused)
		p->counted_by[p->nr_counted_by++] = &h->gen;
	return 0;
}

static const struct fl_trigger_event *triggers_of(const struct fl_session *t, size_t i)
{
	_cleanup_buf_ struct fl_buf name = {};
	const struct fl_trigger_event *e = t->triggers.events;

	if (name_event(t, i, &name) < 0)
		return NULL;
	while (e && !(fl_str_is(t->probes[i].event->group, e->system) && fl_str_is(fl_buf_str(&name), e->event)))
		e = e->next;
	return e && e->n ? e : NULL;
}

static int find_hists(struct fl_session *t, size_t i, struct fl_diag *diag)
{
	const struct fl_trigger_event *e = triggers_of(t, i);
	struct live_probe *p = &t->probes[i];
	int r = 0;

	if (!e)
		return 0;
	p->hists = calloc(e->n, sizeof(*p->hists));
	p->counted_by = calloc(e->n, sizeof(*p->counted_by));
	if (!p->hists || !p->counted_by)
		return -ENOMEM;
	p->pub.is_counted = true;
	for (size_t k = 0; k < e->n && r == 0; k++)
		r = add_hist(p, e->trigger[k], diag);
	return r;
}

/* The counts of one that is alone are its event's; of several each has its own. */
static void give_slots(struct fl_session *t)
{
	t->nr_slots = t->n;
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->probes[i].pub.nr_hists; k++)
			t->probes[i].hists[k]->gen.slot =
				(uint16_t)(t->probes[i].pub.nr_hists == 1 ? i : t->nr_slots++);
}

int live_find_hists(struct fl_session *t, struct fl_diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < t->n && r == 0; i++) {
		t->failed = i;
		r = find_hists(t, i, diag);
		if (r == 0 && is_synth(t, i))
			r = lay_out_synth(t, &t->probes[i]);
		if (r == 0 && is_synth(t, i))
			r = live_read_filter(t, &t->probes[i], diag);
	}
	give_slots(t);
	return r;
}

/* ---- maps ---- */

static int make_map(enum bpf_map_type type, const char *name, const struct fl_hist *h, uint32_t value, uint32_t entries,
		    int *ret)
{
	*ret = fl_bpf_map_create(&(struct fl_bpf_map){ .type = type, .name = name, .key_size = h->key_size,
							.value_size = value, .entries = entries });
	return FL_MIN(*ret, 0);
}

static bool takes_snapshots(const struct fl_trigger *t)
{
	for (size_t i = 0; i < t->nr_actions; i++)
		if (t->action[i]->kind == FL_HIST_SNAPSHOT)
			return true;
	return false;
}

static int make_maps(struct live_hist *h)
{
	const struct fl_hist *hist = &h->hist;
	int r = 0;

	if (!hist->counts_nothing)
		r = make_map(BPF_MAP_TYPE_PERCPU_HASH, "fl_hist", hist, hist->value_size, hist->size, &h->gen.table);
	if (r == 0 && hist->vars.n && fl_trigger_is_referred_to(h->trigger))
		r = make_map(BPF_MAP_TYPE_HASH, "fl_vars", hist, hist->vars.size,
			     FL_MAX(hist->size, (uint32_t)VARS_MAX), &h->gen.vars_map);
	if (r == 0 && hist->seen.n)
		r = make_map(BPF_MAP_TYPE_HASH, "fl_seen", hist, hist->seen.size, hist->size, &h->gen.seen_map);
	if (r == 0 && takes_snapshots(h->trigger)) {
		h->gen.snapshot = fl_bpf_map_create(
			&(struct fl_bpf_map){ .type = BPF_MAP_TYPE_ARRAY, .name = "fl_snapshot", .key_size = 4,
					      .value_size = sizeof(struct fl_gen_snapshot), .entries = 1 });
		r = FL_MIN(h->gen.snapshot, 0);
	}
	return r;
}

static struct live_hist *of_trigger(const struct fl_session *t, const struct fl_trigger *trigger)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->probes[i].pub.nr_hists; k++)
			if (t->probes[i].hists[k]->trigger == trigger)
				return t->probes[i].hists[k];
	return NULL;
}

/* Of the first of its name. */
static int borrow_maps(const struct fl_session *t, struct live_hist *h)
{
	const struct live_hist *owner = of_trigger(t, h->trigger->shared);

	if (!owner || owner->hist.key_size != h->hist.key_size || owner->hist.value_size != h->hist.value_size ||
	    owner->hist.vars.size != h->hist.vars.size || owner->hist.seen.size != h->hist.seen.size)
		return -EINVAL;
	h->is_borrower = true;
	h->gen.table = owner->gen.table;
	h->gen.vars_map = owner->gen.vars_map;
	h->gen.seen_map = owner->gen.seen_map;
	h->gen.snapshot = owner->gen.snapshot;
	return 0;
}

/* ---- who asks whom ---- */

static const char *look_up_by(struct live_hist *h, const struct fl_probe_event *e, const struct live_hist *other)
{
	if (h->hist.by_match && fl_hist_match(&h->hist, e, &other->hist) < 0)
		return "its event has no fields with the names of the keys whose variables it asks for";
	if (!h->hist.by_match && other->hist.key_size != h->hist.key_size)
		return "its keys are not those of the histogram whose variables it asks for";
	return NULL;
}

/* Where each variable that it refers to is found. */
static const char *find_refs(struct fl_session *t, const struct live_probe *p, struct live_hist *h)
{
	for (size_t i = 0; i < h->trigger->nr_refs; i++) {
		const struct fl_hist_value *ref = h->trigger->ref[i];
		const struct live_hist *other = of_trigger(t, ref->target->owner);
		struct fl_gen_ref *r = &h->gen.ref[h->gen.nr_refs++];
		const char *why;
		size_t n;

		*r = (struct fl_gen_ref){ .map = -1, .size = fl_hist_value_room(ref), .once = ref->read_once };
		if (!other || other == h || ref->target->owner == h->trigger->shared)
			continue;
		why = look_up_by(h, p->event, other);
		if (why)
			return why;
		n = fl_hist_place_of(&other->hist.vars, ref->target);
		if (n == SIZE_MAX || other->gen.vars_map < 0)
			return "a variable that its histogram asks for is kept nowhere";
		r->map = other->gen.vars_map;
		r->bit = (uint32_t)n;
		r->offset = other->hist.vars.v[n].offset;
	}
	return NULL;
}

/* The event's argument that an action's parameter is; NULL: it is something else. */
static const struct fl_probe_arg *named_by(const struct fl_trigger *t, const struct fl_hist_value *ref,
					   const struct fl_probe_event *e)
{
	for (size_t i = 0; i < t->nr_field_vars; i++) {
		const struct fl_hist_value *v = t->field_var[i].val;
		size_t arg = t->field_var[i].var == ref->target && v->field ? fl_hist_arg(e, v->field->name) : SIZE_MAX;

		if (arg != SIZE_MAX)
			return &e->args[arg];
	}
	return NULL;
}

/* A field is shown as what it is made of is: a port in network byte order stays one. */
static void learn_types(const struct fl_trigger *t, const struct fl_hist_action *a, const struct fl_probe_event *e,
			struct fl_probe_event *synth)
{
	for (size_t i = 0; i < a->nr_params && i < synth->nr_args; i++) {
		const struct fl_probe_arg *arg = a->ref[i] ? named_by(t, a->ref[i], e) : NULL;
		uint64_t size;

		if (!arg || fl_type_ok(synth->args[i].btf) || fl_type_size(arg->btf, &size) < 0 ||
		    size != synth->args[i].size)
			continue;
		synth->args[i].btf = arg->btf;
		synth->args[i].written = arg->written;
	}
}

static void find_synths(struct fl_session *t, const struct live_probe *from, struct live_hist *h)
{
	for (size_t i = 0; i < h->trigger->nr_actions; i++)
		for (size_t k = 0; k < t->n; k++) {
			const struct live_probe *p = &t->probes[k];

			if (h->trigger->action[i]->synth != p->event)
				continue;
			h->gen.synth[i] = (struct fl_gen_synth){
				(uint16_t)k, p->event, &p->pub.schema.layout,
				p->filter.n && !p->reader_filters ? &p->filter : NULL,
				p->pub.is_counted, p->counted_by, p->nr_counted_by };
			learn_types(h->trigger, h->trigger->action[i], from->event, p->event);
		}
}

static int each_hist(struct fl_session *t, struct fl_diag *diag,
		     int (*fn)(struct fl_session *t, struct live_probe *p, struct live_hist *h, struct fl_diag *diag))
{
	int r = 0;

	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->probes[i].pub.nr_hists && r == 0; k++) {
			t->failed = i;
			r = fn(t, &t->probes[i], t->probes[i].hists[k], diag);
		}
	return r;
}

static int make_own(struct fl_session *t, struct live_probe *p, struct live_hist *h, struct fl_diag *diag)
{
	return h->trigger->shared ? 0 : live_no_maps(t, p, make_maps(h), diag);
}

static int share(struct fl_session *t, struct live_probe *p, struct live_hist *h, struct fl_diag *diag)
{
	if (!h->trigger->shared || borrow_maps(t, h) == 0)
		return 0;
	return refuse(p, "its fields differ from those of the histogram of the same name", diag);
}

static int connect(struct fl_session *t, struct live_probe *p, struct live_hist *h, struct fl_diag *diag)
{
	const char *why = find_refs(t, p, h);

	find_synths(t, p, h);
	return why ? refuse(p, why, diag) : 0;
}

int live_make_hists(struct fl_session *t, struct fl_diag *diag)
{
	int r = each_hist(t, diag, make_own);

	if (r == 0)
		r = each_hist(t, diag, share);
	if (r == 0)
		r = each_hist(t, diag, connect);
	for (size_t i = 0; i < t->n && r == 0; i++)
		if (is_synth(t, i))
			r = live_read_hist_filters(t, &t->probes[i], diag);
	return r;
}

int live_read_hist_filters(struct fl_session *t, struct live_probe *p, struct fl_diag *diag)
{
	for (size_t i = 0; i < p->pub.nr_hists; i++) {
		struct live_hist *h = p->hists[i];
		int r;

		if (!h->trigger->filter)
			continue;
		r = fl_record_filter(t->target, p->event, &p->pub.schema.layout, NULL, fl_str(h->trigger->filter),
				     &h->filter, NULL);
		if (r < 0)
			return refuse(p, "the filter of its histogram asks for what is no field of it", diag);
		if (!fl_gen_filter_compiles(&h->filter, true))
			return refuse(p, "a search through a string is not compiled for histograms", diag);
		h->gen.filter = &h->filter;
	}
	return 0;
}

bool live_asks_for_ip(const struct live_probe *p)
{
	for (size_t i = 0; i < p->pub.nr_hists; i++)
		for (size_t k = 0; k < p->hists[i]->hist.nr_keys; k++)
			if (p->hists[i]->hist.keys[k].source == FL_HIST_IP)
				return true;
	return false;
}

/* ---- what was counted ---- */

uint64_t live_left_over(const struct live_hist *h)
{
	uint8_t keys[2][FL_HIST_MAX_KEY];
	const void *last = NULL;
	uint64_t n = 0;

	if (h->gen.vars_map < 0 || h->is_borrower)
		return 0;
	while (fl_bpf_map_next_key(h->gen.vars_map, last, keys[n & 1]) == 0)
		last = keys[n++ & 1];
	return n;
}

static void read_snapshot(const struct live_hist *h, struct fl_hist_table *ret)
{
	struct fl_gen_snapshot s;
	uint32_t zero = 0;

	if (h->gen.snapshot < 0 || fl_bpf_map_lookup(h->gen.snapshot, &zero, &s) < 0 || !s.taken)
		return;
	ret->snapshot = (struct fl_hist_snapshot){ .taken = s.taken, .value = s.value };
	memcpy(ret->snapshot.comm, s.comm, sizeof(s.comm));
	memcpy(ret->snapshot.key, s.key, sizeof(s.key));
}

int fl_session_hist_read(struct fl_session *t, size_t i, size_t k, struct fl_hist_table *ret)
{
	const struct live_hist *h = t->probes[i].hists[k];
	int r;

	if (h->gen.table < 0 || h->is_borrower)
		return -ENOENT;
	r = fl_hist_map_read(h->gen.table, &h->hist, ret);
	if (r == 0 && h->gen.seen_map >= 0)
		r = fl_hist_map_seen(h->gen.seen_map, ret);
	if (r < 0)
		return r;
	read_snapshot(h, ret);
	ret->dropped = live_dropped(t, h);
	return 0;
}

uint64_t fl_session_snapshots(const struct fl_session *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->probes[i].pub.nr_hists; k++) {
			struct fl_hist_table table = {};

			read_snapshot(t->probes[i].hists[k], &table);
			n += table.snapshot.taken;
		}
	return n;
}

void live_free_hists(struct live_probe *p)
{
	for (size_t i = 0; i < p->pub.nr_hists; i++) {
		struct live_hist *h = p->hists[i];

		if (!h->is_borrower) {
			live_close(&h->gen.table);
			live_close(&h->gen.vars_map);
			live_close(&h->gen.seen_map);
			live_close(&h->gen.snapshot);
		}
		fl_filter_fini(&h->filter);
		free(h);
	}
	free(p->hists);
	free(p->counted_by);
}
