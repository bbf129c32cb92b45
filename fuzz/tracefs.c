/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shell lines on the tracefs tree: the first byte chooses the dialect. Whatever they did, the log
 * keeps its eight entries, each event has its folder, and the list can be emptied, unless an event
 * probe is attached to an event of the list.
 */
#include <assert.h>

#include "small-target.h"
#include "fuzz.h"
#include "probe/lang/dialect.h"
#include "probe/tracefs/tracefs.h"
#include "script/script.h"

static int render(void *ctx, const struct fl_diag *diag, int err)
{
	_cleanup_buf_ struct fl_buf out = {};

	assert(err < 0);
	fl_diag_render(diag, &out);
	fl_diag_json(diag, NULL, false, &out);
	return 0;
}

static int count_failure(void *ctx, const struct fl_diag *diag, int err)
{
	++*(int *)ctx;
	return 0;
}

static void run(struct fl_script *s, const char *text, struct fl_buf *out, int *failed)
{
	fl_buf_reset(out);
	fl_script_run(s, fl_str(text), "check", out, count_failure, failed);
}

static size_t count(const struct fl_buf *b, const char *what)
{
	size_t n = 0, length = strlen(what);

	for (const char *at = fl_buf_z(b); (at = strstr(at, what)); at += length)
		n++;
	return n;
}

/* "p:GROUP/EVENT PLACE ..." has events/GROUP/EVENT/format; dump lines begin with "#". */
static void look_at_formats(struct fl_script *s, struct fl_str listing)
{
	struct fl_str line;
	int failed = 0;

	while (fl_str_line(&listing, &line)) {
		_cleanup_buf_ struct fl_buf command = {}, out = {};
		size_t colon = fl_str_find(line, ':', 0);
		struct fl_str name = fl_str_sub(line, colon + 1, fl_str_find(line, ' ', 0) - colon - 1);

		if (line.p[0] == '#')
			continue;
		for (size_t i = 0; i < name.n; i++) /* a name made of a symbol may need quotes */
			if (!strchr("_/", name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9') &&
			    !((name.p[i] | 32) >= 'a' && (name.p[i] | 32) <= 'z'))
				return;
		fl_buf_addf(&command, "cat events/%.*s/format\n", FL_STR_ARG(name));
		run(s, fl_buf_z(&command), &out, &failed);
		assert(!failed && count(&out, "print fmt: ") == 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_script *s;
	struct fl_node *root;
	int failed = 0;

	if (size == 0 || size > 20000)
		return 0;
	root = fl_tracefs_new(small_target(), &(struct fl_tracefs_opts){
					       .dialect = data[0] % _FL_DIALECT_MAX, .dump = true });
	s = fl_script_new(root);
	fl_script_run(s, fl_str_n((const char *)data + 1, size - 1), "fuzz", &out, render, NULL);
	run(s, "cd /\ncat error_log\n", &out, &failed);
	assert(count(&out, "\n  Command: ") <= 8);
	run(s, "cat dynamic_events\n", &out, &failed);
	look_at_formats(s, fl_buf_str(&out));
	run(s, "echo > dynamic_events\ncat dynamic_events kprobe_events uprobe_events\n", &out, &failed);
	assert(failed ? out.len > 0 : out.len == 0); /* event probes and histograms hold events */
	fl_script_free(s);
	fl_node_unref(root);
	return 0;
}
