/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A write to an event file is cut into lines and each is applied; the first that is refused ends it
 * with that errno, and what stood before it stays. Opening for writing with O_TRUNC ("> file") first
 * removes the file's own kind of events. What is refused with a reason goes to error_log, which keeps
 * the last eight reasons and is emptied by the same O_TRUNC.
 */
#include "probe/tracefs/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "probe/event/listing.h"
#include "probe/event/synth.h"
#include "bpf/attach.h"
#include "probe/tracefs/private.h"

/* ---- error_log: each instance has its own; of definitions the top one tells ---- */

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

static void forget_oldest(struct instance *in)
{
	free(in->log[0].text);
	memmove(in->log, in->log + 1, --in->nr_log * sizeof(in->log[0]));
}

void log_fini(struct instance *in)
{
	while (in->nr_log)
		free(in->log[--in->nr_log].text);
}

static int log_clear(struct fl_node *attr)
{
	log_fini(attr->data);
	return 0;
}

void tracefs_log(struct instance *in, const struct fl_log_entry *e)
{
	struct fl_buf text = {};
	char *z;

	fl_buf_addf(&text, "%s: error: %s\n", e->subsystem, e->message ? e->message : e->kind->message);
	fl_buf_addf(&text, "  Command: %.*s\n           ", FL_STR_ARG(e->command));
	fl_buf_fill(&text, ' ', e->column);
	fl_buf_addz(&text, "^\n");
	z = fl_buf_take(&text);
	if (!z)
		return; /* the kernel, too, goes on without the entry */
	if (in->nr_log == FL_TRACEFS_LOG_MAX)
		forget_oldest(in);
	in->log[in->nr_log++] = (struct log_entry){ z, now_usec() };
}

static int log_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	for (size_t i = 0; i < in->nr_log; i++) {
		const struct log_entry *e = &in->log[i];

		fl_buf_addf(out, "[%5" PRIu64 ".%06" PRIu64 "] %s", e->usec / 1000000,
			    e->usec % 1000000, e->text);
	}
	return 0;
}

static int log_store(struct fl_node *attr, struct fl_str text)
{
	return 0;
}

int tracefs_add_log(struct instance *in)
{
	static const struct attr_row row = { "error_log", 0644, { log_show, log_store, log_clear } };

	return tracefs_add_attrs(in, in->root, &row, 1, in);
}

/* ---- event files ---- */

static int events_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct event_file *f = attr->data;
	const struct fl_dialect_rules *rules = &fl_dialects[f->fs->dialect];

	for (size_t i = 0; i < f->fs->events.n; i++) {
		const struct fl_probe_event *e = f->fs->events.events[i];

		if (!fl_event_in_file(e, f->kind))
			continue;
		if (f->kind == FL_FILE_SYNTHETIC_EVENTS)
			fl_synth_list(e, out);
		else
			fl_probe_event_list(e, out);
		fl_buf_addc(out, '\n');
		if (f->fs->dump && rules->has_casts)
			fl_probe_event_dump(e, rules->dump, out);
	}
	return 0;
}

static int events_clear(struct fl_node *attr)
{
	struct event_file *f = attr->data;
	int r;

	r = fl_event_list_clear(&f->fs->events, f->kind);
	tracefs_events_changed(f->fs);
	return r;
}

/* What only the kernel can tell: whether its text has an instruction there. */
static int try_place(const struct tracefs *fs, const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf symbol = {};
	int r;

	if (!e || e->kind != FL_PROBE_KPROBE || !e->place.offset || e->deferred || e->place.module.n ||
	    !fl_target_is_live(fs->target))
		return 0;
	fl_buf_add_str(&symbol, e->place.symbol);
	r = symbol.error ? symbol.error : fl_kprobe_try(fl_buf_z(&symbol), e->place.offset);
	return r == -EILSEQ || r == -EINVAL ? r : 0;
}

static void refuse_place(struct tracefs *fs, struct fl_probe_event *e, int error)
{
	struct fl_str text = fl_str_trim(e->text);
	bool is_boundary = error == -EILSEQ;

	tracefs_log(fs->top, &(struct fl_log_entry){
		.kind = &fl_probe_faults[is_boundary ? FL_FAULT_BAD_INSN_BNDRY : FL_FAULT_FAIL_REG_PROBE],
		.subsystem = "trace_kprobe",
		.command = text,
		.column = is_boundary ? (uint32_t)fl_str_find(text, ' ', 0) + 1 : 0 });
	fl_event_list_take_back(&fs->events, e);
}

static int apply(struct event_file *f, struct fl_str line)
{
	_cleanup_verdict_ struct fl_probe_verdict verdict = {};
	struct fl_probe_event *e = NULL;
	int r;

	tracefs_look_for_modules(f->fs);
	r = fl_event_list_apply(&f->fs->events, f->fs->target, f->fs->dialect, f->kind, line, &e, &verdict);
	if (r == 0 && e && e->kind == FL_PROBE_TPROBE && e->assumed & FL_ASSUMED_TRACEPOINT)
		e->deferred = fl_target_is_live(f->fs->target) && !tracefs_is_placed(f->fs, e);
	if (r == 0)
		r = try_place(f->fs, e);
	if (r < 0 && e)
		refuse_place(f->fs, e, r);
	tracefs_events_changed(f->fs);
	for (size_t i = 0; i < verdict.nr_entries; i++)
		tracefs_log(f->fs->top, &verdict.entries[i]);
	return r;
}

static int events_store(struct fl_node *attr, struct fl_str text)
{
	struct fl_str line;
	int r = 0;

	while (r >= 0 && fl_str_line(&text, &line))
		r = line.n < FL_TRACEFS_LINE_MAX ? apply(attr->data, line) : -EINVAL;
	return r;
}

static const struct fl_attr_ops events_attr_ops = { events_show, events_store, events_clear };

static int readme_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct tracefs *fs = attr->data;

	fl_tracefs_readme(fs->dialect, out);
	return 0;
}

/* ---- the whole ---- */

static int fill(struct instance *top)
{
	static const struct attr_row readme = { "README", 0444, { readme_show } };
	struct tracefs *fs = top->fs;
	int r = tracefs_add_attrs(top, top->root, &readme, 1, fs);

	for (size_t i = 0; i < _FL_FILE_MAX && r == 0; i++) {
		fs->event_files[i] = (struct event_file){ fs, i };
		r = fl_dir_add(top->root, fl_str(fl_probe_file_names[i]),
			       instance_owns(top, fl_attr_new(&events_attr_ops, 0644, &fs->event_files[i])));
	}
	return r < 0 ? r : instances_add_folder(top);
}

static bool waits_for_module(const struct tracefs *fs)
{
	for (size_t i = 0; i < fs->events.n; i++)
		if (fs->events.events[i]->deferred)
			return true;
	return false;
}

int fl_tracefs_reached(struct fl_node *root)
{
	return tracefs_add_functions(root->data);
}

void fl_tracefs_tick(struct fl_node *root)
{
	const struct instance *top = root->data;

	if (waits_for_module(top->fs))
		tracefs_look_for_modules(top->fs);
	for (struct instance *in = top->fs->instances; in; in = in->next)
		tracefs_drain(in, false);
}

static bool is_busy(void *ctx, const struct fl_probe_event *e)
{
	return tracefs_is_enabled(ctx, e) || tracefs_triggers_hold(ctx, e);
}

struct fl_node *fl_tracefs_new(struct fl_target *target, const struct fl_tracefs_opts *opts)
{
	struct tracefs *fs = calloc(1, sizeof(*fs));
	struct instance *top;

	if (!fs)
		return NULL;
	fs->target = target;
	fs->dialect = opts->dialect;
	fs->dump = opts->dump;
	fs->events.busy = is_busy;
	fs->events.busy_ctx = fs;
	fs->next_id = 65535;
	if (instance_new(fs, &top) < 0) {
		free(fs);
		return NULL;
	}
	fs->top = top;
	return fill(top) < 0 ? fl_node_unref(top->root) : top->root;
}
