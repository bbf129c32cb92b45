// SPDX-License-Identifier: GPL-2.0-or-later
/* The part of foreland epdma inspect that is about recordings: runs them again. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/cmds.h"
#include "cli/epdma/epdma.h"
#include "cli/say.h"
#include "epdma/engine/log.h"

static void show_json(const struct fl_replay_result *r, struct fl_buf *out)
{
	fl_json_schema(out, "epdma inspect");
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "events", r->events);
	fl_json_bool(out, "same", !r->line);
	if (r->line) {
		fl_json_u64(out, "line", r->line);
		fl_json_strz(out, "recorded", r->recorded);
		fl_json_strz(out, "replayed", r->replayed);
	}
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void show_text(const char *name, const struct fl_replay_result *r, struct fl_buf *out)
{
	if (!r->line) {
		fl_buf_addf(out, "%llu events, all as recorded\n", (unsigned long long)r->events);
		return;
	}
	fl_buf_addf(out, "%s:%u: error: the engine does something else [REPLAY]\n", name, r->line);
	fl_buf_addf(out, "recorded: %s\nreplayed: %s\n", r->recorded, r->replayed);
}

static int replay(const char *name, struct fl_str text, bool json)
{
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_diag diag = { .place = name };
	struct fl_replay_result res;
	int r = fl_engine_replay(text, &res, &diag);

	if (diag.kind) {
		fl_say_diag(&diag);
		fl_diag_fini(&diag);
		return FL_EXIT_FINDINGS;
	}
	if (r < 0 && !res.line) {
		fl_say_failed(name, r);
		return FL_EXIT_FINDINGS;
	}
	if (json)
		show_json(&res, &out);
	else
		show_text(name, &res, &out);
	if (fl_say_result(&out) < 0)
		return FL_EXIT_FINDINGS;
	return res.line ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

int fl_cli_epdma_replay(const char *name, bool json)
{
	_cleanup_file_ struct fl_file f = {};
	struct stat st;

	if (stat(name, &st) < 0 || !S_ISREG(st.st_mode) || fl_file_open(name, 1ull << 32, &f) < 0 ||
	    !fl_engine_log_is(fl_file_str(&f)))
		return -1;
	return replay(name, fl_file_str(&f), json);
}
