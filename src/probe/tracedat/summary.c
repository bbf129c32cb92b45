/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/summary.h"

#include "base/json.h"
#include "base/num.h"
#include "base/util.h"

/* What stands behind a number, and its key. */
static const char *const counts[][2] = {
	{ "hits", "hits" },	    { "records", "records" }, { "filtered", "filtered" },
	{ "lost", "lost" },	    { "missed", "missed" },   { "faults", "faults" },
	{ "unpaired", "unpaired" }, { "over budget", "over_budget" }, { "without stack", "no_stack" },
};

static const char unowned[] = " lost (the kernel does not say of which event)";

static bool number(struct fl_str s, uint64_t *ret)
{
	return s.n && fl_parse_u64(s, 10, ret) == 0;
}

/* "5 hits": false where it is none of ours. A count that is not known is a question mark, and null. */
static bool add_count(struct fl_str word, struct fl_buf *out)
{
	size_t blank = fl_str_find(word, ' ', 0);
	struct fl_str digits = fl_str_sub(word, 0, blank);
	uint64_t n = 0;
	bool known = number(digits, &n);

	if (blank == word.n || (!known && !fl_str_eq(digits, FL_STR("?"))))
		return false;
	for (size_t i = 0; i < FL_ARRAY_SIZE(counts); i++) {
		if (!fl_str_eq(fl_str_from(word, blank + 1), fl_str(counts[i][0])))
			continue;
		if (known)
			fl_json_u64(out, counts[i][1], n);
		else
			fl_json_null(out, counts[i][1]);
		return true;
	}
	return false;
}

static bool add_event(struct fl_str line, struct fl_buf *out)
{
	size_t slash = fl_str_find(line, '/', 0), colon = fl_str_find(line, ':', slash);
	struct fl_str rest = fl_str_from(line, colon);

	if (slash == line.n || rest.n < 2 || rest.p[1] != ' ')
		return false;
	fl_json_open(out, NULL, '{');
	fl_json_str(out, "group", fl_str_sub(line, 0, slash));
	fl_json_str(out, "event", fl_str_sub(line, slash + 1, colon - slash - 1));
	while (rest.n > 2) {
		size_t comma;

		rest = fl_str_from(rest, 2); /* ": ", and then ", " */
		comma = fl_str_find(rest, ',', 0);
		if (!add_count(fl_str_sub(rest, 0, comma), out))
			return false;
		rest = fl_str_from(rest, comma);
	}
	fl_json_close(out, '}');
	return true;
}

void fl_summary_json(struct fl_str text, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf events = {}, lines = {};
	uint64_t lost = 0;
	struct fl_str line;

	fl_json_open(&events, NULL, '[');
	fl_json_open(&lines, NULL, '[');
	while (fl_str_line(&text, &line)) {
		_cleanup_buf_ struct fl_buf event = {};

		if (add_event(line, &event))
			fl_json_text(&events, NULL, &event);
		else if (!fl_str_ends(line, unowned) ||
			 !number(fl_str_sub(line, 0, line.n - (sizeof(unowned) - 1)), &lost))
			fl_json_str(&lines, NULL, line);
	}
	fl_json_close(&events, ']');
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	if (lost)
		fl_json_u64(out, "lost", lost);
	fl_json_text(out, "events", &events);
	if (lines.len > 1) {
		fl_json_close(&lines, ']');
		fl_json_text(out, "lines", &lines);
	}
	fl_json_close(out, '}');
	fl_json_end_line(out);
}
