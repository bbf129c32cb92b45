/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histogram specs on an event that has an argument of each kind. What is taken is looked for in another
 * event's keys, and printed over a table whose keys are the input's own bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "probe/hist/hist.h"
#include "probe/output/hist.h"
#include "probe/target/target.h"

static struct fl_probe_arg args[6];

/* One of each print form, and an array, which is neither key nor value. */
static const struct fl_probe_event *event(void)
{
	static struct fl_probe_event e = { .args = args, .nr_args = FL_ARRAY_SIZE(args) };
	static const char *const names[] = { "a", "text", "sym", "s", "list", "wide" };
	static const char *const types[] = { "u32", "string", "symbol", "s64", "u8", "x64" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(args); i++) {
		args[i].name = fl_str(names[i]);
		for (size_t k = 0; k < fl_nr_fetch_types; k++)
			if (strcmp(fl_fetch_types[k].name, types[i]) == 0)
				args[i].type = &fl_fetch_types[k];
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
	fl_hist_trim(&p, &t, symbols);
	fl_hist_text(&p, &t, 80, symbols, true, &out);
	fl_hist_json(&p, &t, symbols, &out);
	fl_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_str spec = fl_str_n((const char *)data, size);
	struct fl_target *target = NULL;
	struct fl_symbols *symbols = NULL;
	struct fl_diag d = {};
	struct fl_hist h = {};

	if (fl_hist_parse(spec, event(), &h, &d) == 0 && h.key_size <= FL_HIST_MAX_KEY &&
	    fl_target_open(&(struct fl_target_opts){ .kallsyms = "/dev/null" }, &target) == 0 &&
	    fl_symbols_new(target, &symbols) == 0) {
		print(&h, data, size, symbols);
		fl_hist_match(&h, event(), &h, &d);
	} else if (d.span.end > size || d.span.start > d.span.end) {
		abort(); /* the complaint points outside of the spec */
	}
	fl_symbols_free(symbols);
	fl_target_close(target);
	fl_diag_fini(&d);
	return 0;
}
