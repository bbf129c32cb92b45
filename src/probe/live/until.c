/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/until.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "probe/filter/errors.h"
#include "probe/record/filter.h"

static const struct fl_diag_kind no_event = {
	.code = "NO_SUCH_EVENT", .level = FL_ERROR, .err = ENOENT, .message = "no definition here has this name",
};

/* What is to be said of one event. */
struct row {
	bool is_meant;
	struct fl_filter filter; /* n 0: each of its records */
};

struct fl_until {
	size_t n;
	struct row rows[]; /* by event */
};

/* The colon behind an event's name; none: SIZE_MAX. Filters have some in quotes alone. */
static size_t find_colon(struct fl_str text)
{
	char quote = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == ':')
			return i;
	}
	return SIZE_MAX;
}

/* "EVENT" or "GROUP/EVENT" */
static bool is_name_of(struct fl_str name, const struct fl_probe_event *e)
{
	size_t slash = fl_str_find(name, '/', 0);

	if (slash == name.n)
		return fl_str_eq(name, e->event);
	return fl_str_eq(fl_str_sub(name, 0, slash), e->group) && fl_str_eq(fl_str_from(name, slash + 1), e->event);
}

/* Every event that has the name; how many. */
static size_t mean(struct fl_until *u, struct fl_record_schemas events, struct fl_str name)
{
	size_t n = 0;

	for (size_t i = 0; i < events.n; i++) {
		u->rows[i].is_meant = is_name_of(name, events.v[i]->event);
		n += u->rows[i].is_meant;
	}
	return n;
}

static int complain(struct fl_str text, size_t at, struct fl_diag *diag)
{
	if (diag) {
		diag->text = text.p;
		diag->text_len = text.n;
		diag->column += at;
		diag->span.start += at;
		diag->span.end += at;
	}
	return -EINVAL;
}

/* The filter at @at in @text, for all that are meant; those that have not its fields are left out. */
static int parse(struct fl_until *u, struct fl_target *target, struct fl_record_schemas events, struct fl_str text,
		 size_t at, struct fl_diag *diag)
{
	size_t n = 0;

	for (size_t i = 0; i < events.n; i++) {
		const struct fl_record_schema *e = events.v[i];
		int r;

		if (!u->rows[i].is_meant)
			continue;
		r = fl_record_filter(target, e->event, &e->layout, NULL, fl_str_from(text, at),
				     &u->rows[i].filter, diag);
		u->rows[i].is_meant = r == 0;
		n += r == 0;
		if (r == -ENOMEM || (r < 0 && diag && diag->kind != &fl_filter_errors[FL_FILTER_FIELD_NOT_FOUND]))
			return r == -ENOMEM ? r : complain(text, at, diag);
	}
	if (!n)
		return complain(text, at, diag);
	fl_diag_fini(diag);
	return 0;
}

int fl_until_new(struct fl_target *target, struct fl_record_schemas events, struct fl_str text,
		 struct fl_until **ret, struct fl_diag *diag)
{
	_cleanup_(fl_until_freep) struct fl_until *u = calloc(1, sizeof(*u) + events.n * sizeof(u->rows[0]));
	size_t colon = find_colon(text), at = 0;
	int r = 0;

	if (!u)
		return -ENOMEM;
	u->n = events.n;
	if (colon != SIZE_MAX) {
		at = colon + 1;
		if (!mean(u, events, fl_str_trim(fl_str_sub(text, 0, colon)))) {
			fl_diag_set(diag, &no_event, (struct fl_span){ 0, colon });
			return complain(text, 0, diag);
		}
	} else if (mean(u, events, fl_str_trim(text))) {
		at = text.n;
	} else {
		for (size_t i = 0; i < u->n; i++)
			u->rows[i].is_meant = true;
	}
	if (fl_str_trim(fl_str_from(text, at)).n)
		r = parse(u, target, events, text, at, diag);
	if (r == 0)
		*ret = TAKE_PTR(u);
	return r;
}

void fl_until_free(struct fl_until *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n; i++)
		fl_filter_fini(&u->rows[i].filter);
	free(u);
}

bool fl_until_match(const struct fl_until *u, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	const struct row *row = &u->rows[rec->event];
	struct fl_filter_env env = { .comm = fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm))), .cpu = cpu };

	return row->is_meant && (!row->filter.n || fl_filter_match(&row->filter, rec, size, &env));
}
