/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histogram specs, several a line each, on an event that has an argument of each kind: as the kernel takes them,
 * and as trace does. What is taken is laid out, looked for in another event's keys, and printed over a table
 * whose keys are the input's own bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "probe/hist/layout.h"
#include "probe/hist/slice.h"
#include "probe/output/hist.h"
#include "probe/target/target.h"

static struct fl_probe_arg args[6];

/* One of each print form, and an array, which is neither key nor value. */
static const struct fl_probe_event *event(void)
{
	static struct fl_probe_event e = { .group = FL_STR("g"), .event = FL_STR("e"), .args = args,
					   .nr_args = FL_ARRAY_SIZE(args) };
	static const char *const names[] = { "a", "text", "sym", "s", "list", "wide" };
	static const char *const types[] = { "u32", "string", "symbol", "s64", "u8", "x64" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(args); i++) {
		args[i].name = fl_str(names[i]);
		for (size_t k = 0; k < fl_nr_fetch_types; k++)
			if (strcmp(fl_fetch_types[k].name, types[i]) == 0)
				args[i].type = &fl_fetch_types[k], args[i].size = fl_fetch_types[k].size;
	}
	args[4].count = 3;
	return &e;
}

static void print(const struct fl_hist *h, const uint8_t *data, size_t size, struct fl_symbols *symbols)
{
	const struct fl_record_schema p = { .event = event() };
	uint8_t keys[2 * FL_HIST_MAX_KEY] = {};
	struct fl_hist_entry entries[2] = { { .key = keys, .hits = size }, { .key = keys + h->key_size } };
	struct fl_hist_table t = { .hist = h, .entries = entries, .n = 2 };
	struct fl_buf out = {};

	memcpy(keys, data, FL_MIN(size, sizeof(keys)));
	fl_hist_trim(&t, symbols);
	fl_hist_text(&p, &t, 80, symbols, true, &out);
	fl_hist_json(&p, &t, symbols, &out);
	fl_buf_fini(&out);
}

static const struct fl_probe_event *find(void *ctx, const char *system, const char *name, bool synth)
{
	return synth ? NULL : event();
}

static void take(const struct fl_trigger *t, const uint8_t *data, size_t size, struct fl_symbols *symbols)
{
	struct fl_hist h = {};
	const char *why;

	if (fl_hist_layout(t, event(), &h, &why) < 0 || h.key_size > FL_HIST_MAX_KEY)
		return;
	print(&h, data, size, symbols);
	fl_hist_match(&h, event(), &h);
}

/* A filter's caret may stand behind its end, as the kernel's. */
static bool is_of_hist(const struct fl_log_entry *e)
{
	return e->kind >= fl_hist_faults && e->kind < fl_hist_faults + _FL_HIST_FAULT_MAX;
}

static void each_line(struct fl_triggers *set, struct fl_str rest, struct fl_symbols *symbols)
{
	struct fl_trigger_log log = {};
	struct fl_trigger *t;
	struct fl_str line;

	while (fl_str_line(&rest, &line)) {
		if (fl_triggers_write(set, FL_STR("g"), FL_STR("e"), line, &log, &t) == 0 && t)
			take(t, (const uint8_t *)line.p, line.n, symbols);
		for (size_t i = 0; i < log.n; i++)
			if (is_of_hist(&log.entry[i]) && log.entry[i].column > log.entry[i].command.n)
				abort(); /* the caret stands outside of the command */
	}
	fl_trigger_log_fini(&log);
}

/* The whole input, between two events of the same fields. */
static void slice(struct fl_str text)
{
	struct fl_probe_event other = *event();
	const struct fl_probe_event *events[] = { event(), &other };
	struct fl_diag d = {};
	struct fl_slice s = {};

	other.event = FL_STR("f");
	fl_slice_lower(text, text.n, events, FL_ARRAY_SIZE(events), &s, &d);
	if (d.span.end > text.n || d.span.start > d.span.end)
		abort();
	fl_slice_fini(&s);
	fl_diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_str text = fl_str_n((const char *)data, size);
	struct fl_target *target = NULL;
	struct fl_symbols *symbols = NULL;

	if (fl_target_open(&(struct fl_target_opts){ .kallsyms = "/dev/null" }, &target) == 0 &&
	    fl_symbols_new(target, &symbols) == 0) {
		for (int ours = 0; ours < 2; ours++) {
			struct fl_triggers set = { .find = find, .ours = ours };

			each_line(&set, text, symbols);
			fl_triggers_fini(&set);
		}
	}
	slice(text);
	fl_symbols_free(symbols);
	fl_target_close(target);
	return 0;
}
