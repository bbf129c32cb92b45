/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Definitions, a line each, on one list of events: the first byte chooses dialect and control file.
 * What is accepted is printed and read again: the same event must come of it. Its programs must have
 * the shape that back ends rely on, and it is lowered. A finding must lie in the definition.
 */
#include <assert.h>

#include "small-target.h"
#include "fuzz.h"
#include "probe/event/listing.h"
#include "probe/lang/check.h"
#include "probe/lower/lower.h"

static struct fl_buf printed(const struct fl_probe_event *e, enum fl_dialect dialect)
{
	struct fl_buf b = {};

	fl_probe_event_list(e, &b);
	fl_buf_addc(&b, '\n');
	fl_probe_event_dump(e, fl_dialects[dialect].dump, &b);
	return b;
}

static bool is_name(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(i && s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '_')
			return false;
	}
	return s.n > 0;
}

/* What listings cannot say: names made of a symbol's odd letters, and too long expressions. */
static bool can_be_read_again(const struct fl_probe_event *e, enum fl_dialect dialect)
{
	for (size_t i = 0; i < e->nr_args; i++) {
		if (e->args[i].body.n > fl_dialects[dialect].max_body)
			return false;
	}
	return is_name(e->event) && !e->place.has_address;
}

static void read_again(const struct fl_probe_event *e, enum fl_dialect dialect)
{
	_cleanup_buf_ struct fl_buf first = printed(e, dialect), second = {};
	struct fl_str text = fl_buf_str(&first);
	struct fl_probe_event *again = NULL;

	if (!can_be_read_again(e, dialect))
		return;
	text.n = fl_str_find(text, '\n', 0);
	if (text.n > 4094)
		return;
	assert(fl_probe_check(small_target(), dialect, FL_FILE_DYNAMIC_EVENTS, text, &again, NULL) == 0);
	second = printed(again, dialect);
	assert(fl_str_eq(fl_buf_str(&first), fl_buf_str(&second)));
	fl_probe_event_free(again);
}

static void lower(const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_diag diag = {};

	for (size_t i = 0; i < fl_nr_lower_levels; i++)
		fl_lower(e, fl_target_arch(small_target()), fl_lower_levels[i].features, &out, &diag);
	fl_diag_fini(&diag);
}

static void one(struct fl_event_list *list, enum fl_dialect dialect, enum fl_probe_file file,
		struct fl_str def)
{
	_cleanup_verdict_ struct fl_probe_verdict v = {};
	_cleanup_buf_ struct fl_buf shown = {};
	struct fl_probe_event *e = NULL;
	int r = fl_event_list_apply(list, small_target(), dialect, file, def, &e, &v);

	assert((r < 0) == (v.errno_value > 0));
	if (v.diag.kind) {
		assert(v.diag.span.start <= v.diag.span.end && v.diag.span.end <= def.n);
		fl_diag_render(&v.diag, &shown);
	}
	if (r < 0 || !e)
		return;
	for (size_t i = 0; i < e->nr_args; i++)
		assert(fl_fetch_check(&e->args[i].program) == 0);
	read_again(e, dialect);
	lower(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_event_list list = {};
	struct fl_str rest, def;
	uint8_t choice;

	if (size == 0 || size > 20000)
		return 0;
	choice = data[0];
	rest = fl_str_n((const char *)data + 1, size - 1);
	while (fl_str_line(&rest, &def))
		one(&list, choice % _FL_DIALECT_MAX, choice % 8 < 6 ? 0 : choice % 8 - 5, def);
	fl_event_list_fini(&list);
	return 0;
}
