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
#include "probe/live/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "bpf/attach.h"
#include "probe/record/filter.h"
#include "probe/live/hist-map.h"
#include "probe/gen/kernel.h"
#include "probe/live/point.h"
#include "bpf/sys.h"

#define DEFAULT_RING (512u << 10)
#define ENTRY_WORDS_MAX 8192 /* calls that may be under way at once */

enum {
#define D(code, ...) TRACE_##code,
#include "probe/live/errors.def"
};

static const struct fl_diag_kind kinds[] = {
#define D(code, level, err, message) [TRACE_##code] = { "TRACE_" #code, FL_##level, err, message },
#include "probe/live/errors.def"
};

struct probe {
	struct fl_session_probe pub;
	struct fl_probe_event *event;
	struct fl_points points; /* where, once found out */
	struct fl_str def;	 /* whole, with the filter */
	struct fl_str filter_text;
	struct fl_filter filter;
	bool reader_filters;	 /* not compiled into the program */
	uint64_t filtered;	 /* by the reader */
	struct fl_hist hist;	 /* nr_keys 0: none */
	int prog, entry_prog, entry_map, scratch, hist_map, keep_map;
	struct fl_attachment *attached;
	size_t nr_attached;
	uint64_t records, faults, no_stack;
	uint64_t missed; /* by hooks that are gone */
};

struct fl_session {
	struct fl_target *target;
	struct fl_session_opts opts;
	struct fl_gen_env env;
	struct fl_gen_paths paths;
	struct probe *probes;
	size_t n;
	struct fl_rings *rings;
	int control;
	uint8_t *counts; /* the control map's value */
	size_t counts_size;
	size_t failed;
};

static int diagnose(struct fl_diag *d, const struct probe *p, int kind, struct fl_span span)
{
	int r = fl_diag_set(d, &kinds[kind], span);

	if (d) {
		d->text = p->def.p;
		d->text_len = p->def.n;
	}
	return r;
}

int fl_session_new(struct fl_target *target, const struct fl_session_opts *opts, struct fl_session **ret)
{
	struct fl_session *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->target = target;
	t->opts = *opts;
	t->control = -1;
	*ret = t;
	return 0;
}

struct fl_str fl_definition_split(struct fl_str def, struct fl_str *ret_filter)
{
	struct fl_str rest = def, word;

	*ret_filter = fl_str_n(def.p + def.n, 0);
	while (def.n && def.p[0] != 'e' && fl_str_word(&rest, &word)) {
		if (!fl_str_is(word, "if"))
			continue;
		*ret_filter = fl_str_trim(rest);
		return fl_str_n(def.p, (size_t)(word.p - def.p));
	}
	return def;
}

int fl_session_add(struct fl_session *t, struct fl_probe_event *e, struct fl_str def,
		 struct fl_str filter)
{
	struct probe *bigger = reallocarray(t->probes, t->n + 1, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	t->probes = bigger;
	t->probes[t->n++] = (struct probe){ .pub.event = e, .event = e, .def = def,
					    .filter_text = filter, .prog = -1, .entry_prog = -1,
					    .entry_map = -1, .scratch = -1, .hist_map = -1,
					    .keep_map = -1 };
	return 0;
}

static void detach(struct probe *p)
{
	for (size_t i = p->nr_attached; i-- > 0;) {
		p->missed += fl_attachment_missed(&p->attached[i]);
		fl_attachment_release(&p->attached[i]);
	}
	free(p->attached);
	p->attached = NULL;
	p->nr_attached = 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Everything of a hook that was not taken. */
static void unload(struct probe *p)
{
	detach(p);
	close_fd(&p->prog);
	close_fd(&p->entry_prog);
	close_fd(&p->entry_map);
	close_fd(&p->scratch);
}

void fl_session_free(struct fl_session *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		unload(&t->probes[i]);
		close_fd(&t->probes[i].hist_map);
		close_fd(&t->probes[i].keep_map);
		fl_points_fini(&t->probes[i].points);
		fl_filter_fini(&t->probes[i].filter);
		fl_buf_fini(&t->probes[i].pub.tried);
	}
	if (t->counts)
		munmap(t->counts, t->counts_size);
	close_fd(&t->control);
	fl_rings_free(t->rings);
	free(t->probes);
	free(t);
}

/* ---- maps ---- */

static size_t whole_pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

static int make_control(struct fl_session *t)
{
	uint32_t size = t->env.nr_cpus * fl_control_stride((uint32_t)t->n);
	void *p;

	t->control = fl_bpf_map_create(&(struct fl_bpf_map){
			.type = BPF_MAP_TYPE_ARRAY, .name = "fl_control", .key_size = 4,
			.value_size = size, .entries = 1, .flags = BPF_F_MMAPABLE });
	if (t->control < 0)
		return t->control;
	t->counts_size = whole_pages(size);
	p = mmap(NULL, t->counts_size, PROT_READ, MAP_SHARED, t->control, 0);
	if (p == MAP_FAILED)
		return -errno;
	t->counts = p;
	return 0;
}

/* The record is built here where its strings' lengths are not known before. */
static int make_scratch(struct probe *p)
{
	uint32_t size = (p->pub.layout.max_size + 7) / 8 * 8 + fl_gen_path_scratch(&p->pub.layout);

	if (!p->pub.layout.nr_strings && !p->pub.layout.stacks && !p->filter.n && !p->hist.nr_keys)
		return 0;
	if (p->hist.nr_keys)
		size = (fl_gen_hist_scratch(&p->pub.layout, &p->hist) + 7) / 8 * 8;
	p->scratch = fl_bpf_map_create(&(struct fl_bpf_map){
			.type = BPF_MAP_TYPE_PERCPU_ARRAY, .name = "fl_scratch", .key_size = 4,
			.value_size = size, .entries = 1 });
	return FL_MIN(p->scratch, 0);
}

/* Before 5.11 maps counted against the limit of locked memory. */
static void lift_memlock(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &all);
}

static int make_maps(struct fl_session *t)
{
	size_t ring = t->opts.ring_bytes ? t->opts.ring_bytes : DEFAULT_RING;
	int cpus = fl_bpf_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	t->env.nr_cpus = (uint32_t)cpus;
	t->env.nr_events = (uint16_t)t->n;
	r = make_control(t);
	if (r == 0)
		r = fl_rings_create((uint32_t)cpus, ring, &t->rings);
	if (r < 0)
		return r;
	t->env.control_fd = t->control;
	t->env.rings_fd = fl_rings_fd(t->rings);
	for (size_t i = 0; t->env.rings_fd < 0 && i < FL_RINGS_NAMED; i++)
		if (fl_rings_get(t->rings, i, &t->env.ring_cpu[i], &t->env.ring_fd[i]))
			t->env.nr_rings++;
	return 0;
}

static int make_entry_map(struct probe *p)
{
	if (!p->event->nr_entry_args || fl_hooks[p->pub.hook].ctx != FL_CTX_REGS)
		return 0;
	p->entry_map = fl_bpf_map_create(&(struct fl_bpf_map){
			.type = BPF_MAP_TYPE_HASH, .name = "fl_entry", .key_size = 8,
			.value_size = 8 * (uint32_t)p->event->nr_entry_args,
			.entries = ENTRY_WORDS_MAX });
	return FL_MIN(p->entry_map, 0);
}

/* ---- one hook of one event ---- */

static void tried(struct probe *p, enum fl_hook hook, const char *what, int err, struct fl_str why)
{
	fl_buf_addf(&p->pub.tried, "%s: %s: %s", fl_hooks[hook].name, what, fl_errno_name(err));
	if (why.n)
		fl_buf_addf(&p->pub.tried, " (%.*s)", FL_STR_ARG(why));
	fl_buf_addc(&p->pub.tried, '\n');
}

/* Loads with the cheapest form of reading that the kernel takes. */
static int load_program(struct fl_session *t, struct probe *p, const struct fl_gen_env *env,
			struct fl_gen_error *error)
{
	struct fl_gen_env form = *env;
	int r = -EINVAL;

	for (; form.read < _FL_READ_MAX; form.read++) {
		_cleanup_insns_ struct fl_insns insns = {};
		_cleanup_buf_ struct fl_buf why = {};

		if (form.read == FL_READ_WINDOW && !form.window_type)
			continue;
		r = fl_gen_event(p->event, p->pub.hook, &p->pub.layout, &form, &insns, error);
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

static int load_entry_program(struct probe *p, const struct fl_gen_env *env,
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

/* The map of the event that keeps the time which @p asks for. */
static int since_map(const struct fl_session *t, const struct probe *p)
{
	for (size_t i = 0; p->hist.since.n && i < t->n; i++)
		if (t->probes[i].hist.keep.n && fl_str_eq(t->probes[i].hist.keep, p->hist.since))
			return t->probes[i].keep_map;
	return -1;
}

static int load_hook(struct fl_session *t, struct probe *p, size_t index, struct fl_gen_error *error)
{
	struct fl_gen_env env = t->env;
	int r;

	r = make_entry_map(p);
	if (r == 0)
		r = make_scratch(p);
	if (r < 0)
		return r;
	env.event = (uint16_t)index;
	env.scratch_fd = p->scratch;
	env.entry_fd = p->entry_map;
	env.hist = p->hist.nr_keys ? &p->hist : NULL;
	env.hist_fd = p->hist_map;
	env.keep_fd = p->keep_map;
	env.since_fd = since_map(t, p);
	env.filter = p->filter.n && !p->reader_filters ? &p->filter : NULL;
	fl_points_env(&p->points, &env);
	p->prog = load_program(t, p, &env, error);
	if (p->prog < 0)
		return p->prog;
	return load_entry_program(p, &env, error);
}

static int attach_one(struct probe *p, enum fl_hook hook, int prog, const struct fl_attach_point *at)
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

/* The entry program first: a return without entry words would be counted as unpaired. */
static int attach_hook(struct probe *p)
{
	enum fl_hook entry = p->pub.hook == FL_HOOK_KRETPROBE_MULTI ? FL_HOOK_KPROBE_MULTI
								    : FL_HOOK_KPROBE;
	size_t n = p->points.nr_each;
	int r = 0;

	p->attached = calloc(2 * n, sizeof(*p->attached));
	if (!p->attached)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct fl_attach_point at = fl_points_each(&p->points, i);

		if (p->entry_prog >= 0)
			r = attach_one(p, entry, p->entry_prog, &at);
		if (r == 0)
			r = attach_one(p, p->pub.hook, p->prog, &at);
	}
	return r;
}

/* ---- all events ---- */

static int lay_out(const struct fl_session *t, struct probe *p, enum fl_hook hook, struct fl_diag *diag)
{
	struct fl_layout_options o = fl_gen_layout(p->event, hook, p->points.is_multi);

	o.stacks = p->hist.nr_keys ? 0 : t->opts.stacks;
	o.pretty = p->pub.pretty = t->opts.pretty && !p->hist.nr_keys;
	o.faults |= o.pretty;
	p->pub.hook = hook;
	if (fl_record_layout(p->event, o, &p->pub.layout) < 0)
		return diagnose(diag, p, TRACE_TOO_BIG, (struct fl_span){ 0, 0 });
	return 0;
}

#define KEEP_MAX 16384 /* times kept, of things under way */

static int make_hist_maps(struct probe *p)
{
	const struct fl_hist *h = &p->hist;

	if (!h->nr_keys)
		return 0;
	p->hist_map = fl_bpf_map_create(&(struct fl_bpf_map){
			.type = BPF_MAP_TYPE_PERCPU_HASH, .name = "fl_hist", .key_size = h->key_size,
			.value_size = h->value_size, .entries = h->size });
	if (p->hist_map < 0 || !h->keep.n)
		return FL_MIN(p->hist_map, 0);
	p->keep_map = fl_bpf_map_create(&(struct fl_bpf_map){
			.type = BPF_MAP_TYPE_HASH, .name = "fl_keep", .key_size = h->key_size,
			.value_size = 8, .entries = KEEP_MAX });
	return FL_MIN(p->keep_map, 0);
}

static int match_keeper(struct probe *p, const struct fl_hist *keeper, struct fl_diag *diag)
{
	struct fl_str text = p->hist.text, name = p->hist.since;
	uint32_t at = (uint32_t)(name.p - text.p);
	int r;

	if (keeper)
		return fl_hist_match(&p->hist, p->event, keeper, diag);
	r = diagnose(diag, p, TRACE_NO_ARGUMENT, (struct fl_span){ at, at + (uint32_t)name.n });
	fl_diag_message(diag, "no event keeps a time under the name '%.*s'", FL_STR_ARG(name));
	if (diag) {
		diag->text = text.p;
		diag->text_len = text.n;
	}
	return r;
}

/* Who asks for another event's time must have its keys' fields. */
static int match_hists(struct fl_session *t, struct fl_diag *diag)
{
	for (size_t i = 0; i < t->n; i++) {
		struct fl_hist *h = &t->probes[i].hist;
		const struct fl_hist *keeper = NULL;
		int r;

		for (size_t k = 0; h->since.n && k < t->n; k++)
			if (fl_str_eq(t->probes[k].hist.keep, h->since))
				keeper = &t->probes[k].hist;
		r = h->since.n ? match_keeper(&t->probes[i], keeper, diag) : 0;
		if (r == 0)
			r = make_hist_maps(&t->probes[i]);
		if (r < 0) {
			t->failed = i;
			return r;
		}
	}
	return 0;
}

static int resolve_symbols(struct fl_session *t, struct probe *p, struct fl_diag *diag)
{
	for (size_t i = 0; i < p->event->nr_args; i++) {
		struct fl_probe_arg *a = &p->event->args[i];
		int r = fl_points_symbol(t->target, &a->program);

		if (r < 0) {
			r = diagnose(diag, p, TRACE_NO_SYMBOL, a->span);
			fl_diag_message(diag, "symbol '%.*s' has no address on this kernel",
					FL_STR_ARG(a->program.code[0].text));
			return r;
		}
	}
	return 0;
}

static bool uses_percpu(const struct fl_probe_event *e)
{
	for (size_t i = 0; i < e->nr_args; i++)
		for (uint32_t k = 0; k < e->args[i].program.n; k++)
			if (e->args[i].program.code[k].op == FL_FETCH_CPU_PTR)
				return true;
	return false;
}

static bool uses_paths(const struct fl_probe_event *e)
{
	for (size_t i = 0; i < e->nr_args; i++)
		if (e->args[i].type->flags & FL_TYPE_PATH)
			return true;
	return false;
}

/* What few events need of the kernel, when the first of them does. */
static void more_facts(struct fl_session *t, const struct fl_probe_event *e)
{
	if (uses_percpu(e))
		fl_kernel_percpu(t->target, &t->env);
	if (uses_paths(e) && fl_kernel_paths(t->target, &t->paths) == 0)
		t->env.paths = &t->paths;
}

/* The first thing that is missing, in the order in which it would be asked for. */
static void help_permission(struct fl_target *t, struct fl_diag *diag)
{
	static const enum fl_cap asked[] = { FL_CAP_CAP_BPF, FL_CAP_CAP_PERFMON, FL_CAP_LOCKDOWN,
					     FL_CAP_BPF };

	for (size_t i = 0; i < FL_ARRAY_SIZE(asked); i++) {
		const struct fl_cap_result *res = fl_cap_probe(t, asked[i]);
		const struct fl_cap_info *info = fl_cap_info(asked[i]);

		if (res->state == FL_CAP_NO) {
			fl_diag_help(diag, "missing: %s%s%s%s: %s",
				     info->about, res->note[0] ? " (" : "", res->note,
				     res->note[0] ? ")" : "", info->remedy);
			return;
		}
	}
	fl_diag_help(diag, "'foreland doctor' tells what this kernel permits; --vm traces in a guest");
}

static int not_found(struct fl_session *t, struct probe *p, struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;
	bool tracepoint = p->event->kind == FL_PROBE_TPROBE;
	int r = diagnose(diag, p, TRACE_NOT_FOUND, place);
	struct fl_str near;

	fl_diag_message(diag, "this kernel has no %s '%.*s'", tracepoint ? "tracepoint" : "place",
			FL_STR_ARG(fl_str_sub(p->event->text, place.start, place.end - place.start)));
	near = tracepoint ? fl_target_near_tracepoint(t->target, p->event->place.symbol) : FL_STR("");
	if (near.n)
		fl_diag_help(diag, "did you mean '%.*s'?", FL_STR_ARG(near));
	return r;
}

static int refused(struct fl_session *t, struct probe *p, int err, const struct fl_gen_error *error,
		   struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;
	int r;

	if (error->why && error->arg < p->event->nr_args) {
		r = diagnose(diag, p, TRACE_NO_ARGUMENT, p->event->args[error->arg].span);
		fl_diag_message(diag, "the argument cannot be fetched here: %s", error->why);
	} else if (err == -EPERM || err == -EACCES) {
		r = diagnose(diag, p, TRACE_NOT_PERMITTED, place);
		help_permission(t->target, diag);
	} else if (err == -ENOENT) {
		r = not_found(t, p, diag);
	} else {
		r = diagnose(diag, p, TRACE_NO_HOOK, place);
	}
	return r;
}

/* The filter's columns are moved to where it stands in the definition. */
static int read_filter(struct fl_session *t, struct probe *p, struct fl_diag *diag)
{
	struct fl_str text = p->event->filter.n ? p->event->filter : p->filter_text;
	uint32_t at = p->event->filter.n ? p->event->filter_span.start
					 : (uint32_t)(text.p - p->def.p);
	int r;

	if (!text.n)
		return 0;
	r = fl_record_filter(t->target, p->event, &p->pub.layout, p->points.format, text, &p->filter,
			    diag);
	if (r < 0 && diag) {
		diag->column += at;
		diag->span.start += at;
		diag->span.end += at;
		diag->text = p->def.p;
		diag->text_len = p->def.n;
	}
	if (r < 0)
		return r;
	p->reader_filters = !fl_gen_filter_compiles(&p->filter, p->pub.hook);
	if (p->reader_filters && (p->points.format || p->hist.nr_keys)) {
		r = diagnose(diag, p, TRACE_NO_ARGUMENT, (struct fl_span){ at, at + (uint32_t)text.n });
		fl_diag_message(diag, "a search through a string is not compiled for this");
		return r;
	}
	return 0;
}

/* Tries the hooks in turn until one holds. */
static int load_probe(struct fl_session *t, size_t index, struct fl_diag *diag)
{
	struct probe *p = &t->probes[index];
	struct fl_gen_error error = { SIZE_MAX, NULL };
	enum fl_hook hooks[_FL_HOOK_MAX];
	size_t n = fl_points_hooks(p->event, hooks);
	int r = -EOPNOTSUPP;

	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct fl_buf why = {};

		r = fl_points_find(t->target, p->event, hooks[i], &p->points, &why);
		if (r < 0) {
			tried(p, hooks[i], "looking for the place", r, fl_buf_str(&why));
			continue;
		}
		r = lay_out(t, p, hooks[i], diag);
		if (r == 0)
			r = read_filter(t, p, diag);
		if (r < 0)
			return r;
		r = load_hook(t, p, index, &error);
		if (r == 0)
			r = attach_hook(p);
		if (r == 0)
			return 0;
		if (error.why)
			tried(p, hooks[i], "generating", r, fl_str(error.why));
		unload(p);
	}
	return refused(t, p, r, &error, diag);
}

int fl_session_start(struct fl_session *t, struct fl_diag *diag)
{
	int r;

	lift_memlock();
	t->env.boot_clock = t->opts.boot_clock;
	t->env.exact_faults = t->opts.exact_faults;
	t->env.pid = t->opts.pid;
	t->env.comm = fl_str(t->opts.comm);
	fl_kernel_facts(t->target, &t->env);
	r = make_maps(t);
	if (r < 0) {
		bool permission = r == -EPERM || r == -EACCES;

		diagnose(diag, &t->probes[0], permission ? TRACE_NOT_PERMITTED : TRACE_NO_MAPS,
			 t->probes[0].event->place.span);
		if (permission)
			help_permission(t->target, diag);
		return r;
	}
	r = match_hists(t, diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n; i++) {
		more_facts(t, t->probes[i].event);
		r = resolve_symbols(t, &t->probes[i], diag);
		if (r == 0)
			r = load_probe(t, i, diag);
		if (r < 0) {
			t->failed = i;
			return r;
		}
	}
	return 0;
}

/* ---- running ---- */

void fl_session_stop(struct fl_session *t)
{
	for (size_t i = 0; i < t->n; i++)
		detach(&t->probes[i]);
}

struct reading {
	struct fl_session *t;
	fl_record_fn fn;
	void *ctx;
};

/* A pointer that points nowhere is no fault of its own, though reading there failed. */
static uint64_t count_pretty_faults(const struct fl_record_layout *l, const struct fl_record *rec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->nr_slots; i++)
		n += fl_record_fault(l, rec, i) ||
		     (l->slots[i].extra && fl_record_extra(l, rec, i) == FL_EXTRA_FAULT);
	return n;
}

static uint64_t count_faults(const struct fl_record_layout *l, const struct fl_record *rec)
{
	uint64_t n = 0, word;

	for (uint32_t bit = 0; bit < l->nr_faults; bit += 64) {
		memcpy(&word, fl_record_at(rec, l->faults_offset + bit / 8), 8);
		if (word) /* rarely */
			n += (uint64_t)__builtin_popcountll(word);
	}
	if (l->nr_faults > l->nr_slots)
		n = count_pretty_faults(l, rec);
	for (size_t i = 0; l->nr_strings && i < l->nr_slots; i++)
		for (size_t k = 0; l->slots[i].kind == FL_SLOT_STRING && k < l->slots[i].count; k++)
			n += !(fl_record_value(&l->slots[i], rec, k, false) >> 16);
	return n;
}

static uint64_t count_no_stack(const struct fl_record_layout *l, const struct fl_record *rec, size_t size)
{
	struct fl_stack stack;
	uint64_t n = 0;

	for (unsigned int kind = 0; kind < _FL_STACK_MAX; kind++) {
		int r = fl_record_stack(l, rec, size, (enum fl_stack_kind)kind, &stack);

		n += r < 0 && r != -ENOENT;
	}
	return n;
}

static bool passes(const struct probe *p, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct fl_filter_env env = { .cpu = cpu, .comm = fl_str_n(rec->comm, strnlen(rec->comm,
								      sizeof(rec->comm))) };

	return fl_filter_match(&p->filter, rec, size, &env);
}

/* A record that is not one of ours cannot come out of our rings; trust is good, a check is cheap. */
static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct reading *r = ctx;
	struct probe *p;

	if (rec->event >= r->t->n)
		return 0;
	p = &r->t->probes[rec->event];
	if (size < p->pub.layout.fixed_size)
		return 0;
	if (p->reader_filters && !passes(p, cpu, rec, size)) {
		p->filtered++;
		return 0;
	}
	p->records++;
	p->faults += count_faults(&p->pub.layout, rec);
	if (p->pub.layout.stacks)
		p->no_stack += count_no_stack(&p->pub.layout, rec, size);
	return r->fn(r->ctx, cpu, rec, size);
}

int64_t fl_session_read(struct fl_session *t, uint64_t before, fl_record_fn fn, void *ctx)
{
	struct reading r = { t, fn, ctx };

	return fl_rings_read(t->rings, before, on_record, &r);
}

int fl_session_hist(struct fl_session *t, size_t i, struct fl_str spec, struct fl_diag *diag)
{
	struct probe *p = &t->probes[i];
	int r = fl_hist_parse(spec, p->event, &p->hist, diag);

	if (r == 0)
		p->pub.hist = &p->hist;
	return r;
}

/* Programs run with recursion refused by the kernel, which counts. */
static uint64_t missed(int prog)
{
	struct bpf_prog_info info = {};

	if (prog < 0 || fl_bpf_info(prog, &info, sizeof(info)) < 0)
		return 0;
	return info.recursion_misses;
}

void fl_session_totals(struct fl_session *t, size_t i, struct fl_session_totals *ret)
{
	uint32_t stride = fl_control_stride((uint32_t)t->n);
	const struct probe *p = &t->probes[i];

	*ret = (struct fl_session_totals){ .records = p->records, .faults = p->faults,
					 .filtered = p->filtered, .no_stack = p->no_stack,
					 .missed = p->missed + missed(p->prog) + missed(p->entry_prog) };
	for (size_t i = 0; i < p->nr_attached; i++)
		ret->missed += fl_attachment_missed(&p->attached[i]);
	if (p->pub.hist)
		ret->records = fl_hist_map_hits(p->hist_map, &p->hist);
	for (uint32_t cpu = 0; t->counts && cpu < t->env.nr_cpus; cpu++) {
		const struct fl_probe_counts *c = (const void *)(t->counts + (size_t)cpu * stride);

		ret->hits += __atomic_load_n(&c[i].hits, __ATOMIC_RELAXED);
		ret->filtered += __atomic_load_n(&c[i].filtered, __ATOMIC_RELAXED);
		ret->lost += __atomic_load_n(&c[i].lost, __ATOMIC_RELAXED);
		ret->unpaired += __atomic_load_n(&c[i].unpaired, __ATOMIC_RELAXED);
	}
}

bool fl_session_settled(struct fl_session *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct fl_session_totals s;

		fl_session_totals(t, i, &s);
		if (s.hits != s.records + s.filtered + s.lost + s.unpaired)
			return false;
	}
	return true;
}

size_t fl_session_nr_probes(const struct fl_session *t)
{
	return t->n;
}

const struct fl_session_probe *fl_session_probe(const struct fl_session *t, size_t i)
{
	return &t->probes[i].pub;
}

uint64_t fl_session_now(const struct fl_session *t)
{
	struct timespec ts;

	clock_gettime(t->opts.boot_clock ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

size_t fl_session_failed(const struct fl_session *t)
{
	return t->failed;
}

int fl_session_hist_read(struct fl_session *t, size_t i, struct fl_hist_table *ret)
{
	struct probe *p = &t->probes[i];
	struct fl_session_totals s;
	int r;

	if (!p->pub.hist)
		return -ENOENT;
	r = fl_hist_map_read(p->hist_map, &p->hist, ret);
	if (r < 0)
		return r;
	fl_session_totals(t, i, &s);
	ret->dropped = s.lost;
	return 0;
}
