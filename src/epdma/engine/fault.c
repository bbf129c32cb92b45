// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/engine/fault.h"

#include <errno.h>

#include "base/num.h"
#include "base/util.h"

static const char *const names[_FL_FAULT_MAX] = {
	[FL_FAULT_LOST_DOORBELL] = "lost-doorbell",
	[FL_FAULT_LINK_LOSS] = "link-loss",
	[FL_FAULT_POISONED_READ] = "poisoned-read",
	[FL_FAULT_NO_READY] = "no-ready",
};

static const struct fl_diag_kind bad_kind = {
	"FAULT_KIND", FL_ERROR, EINVAL, "unknown fault",
};
static const struct fl_diag_kind bad_number = {
	"FAULT_NUMBER", FL_ERROR, EINVAL, "expected which occasion: a number from 1 on",
};

static struct fl_span span_of(struct fl_str whole, struct fl_str part)
{
	uint32_t start = (uint32_t)(part.p - whole.p);

	return (struct fl_span){ start, start + (uint32_t)part.n };
}

static int unknown_kind(struct fl_str whole, struct fl_str name, struct fl_diag *diag)
{
	struct fl_str all[_FL_FAULT_MAX];
	size_t near;

	for (size_t i = 0; i < _FL_FAULT_MAX; i++)
		all[i] = fl_str(names[i]);
	near = fl_str_nearest(name, all, _FL_FAULT_MAX);
	fl_diag_set(diag, &bad_kind, span_of(whole, name));
	if (diag && near < _FL_FAULT_MAX)
		fl_diag_help(diag, "did you mean '%s'?", names[near]);
	else if (diag)
		fl_diag_help(diag, "one of lost-doorbell, link-loss, poisoned-read, no-ready");
	return -EINVAL;
}

/* KIND [ ":" N [ "+" ] ] */
static int parse_one(struct fl_str whole, struct fl_str one, struct fl_fault *f,
		     struct fl_diag *diag)
{
	size_t colon = fl_str_find(one, ':', 0);
	struct fl_str name = fl_str_sub(one, 0, colon);
	struct fl_str number = fl_str_from(one, colon + 1);
	uint64_t nth = 1;
	bool on = false;
	size_t k = 0;

	while (k < _FL_FAULT_MAX && !fl_str_is(name, names[k]))
		k++;
	if (k == _FL_FAULT_MAX)
		return unknown_kind(whole, name, diag);
	if (colon < one.n) {
		on = fl_str_ends(number, "+");
		if (fl_parse_u64(fl_str_sub(number, 0, number.n - on), 10, &nth) || !nth)
			return fl_diag_set(diag, &bad_number, span_of(whole, number));
	}
	f->at[k].nth = nth;
	f->at[k].on = on;
	return 0;
}

int fl_fault_parse(struct fl_str spec, struct fl_fault *ret, struct fl_diag *diag)
{
	struct fl_fault f = {};
	size_t from = 0;
	int r;

	if (diag) {
		diag->text = spec.p;
		diag->text_len = spec.n;
	}
	do {
		size_t comma = fl_str_find(spec, ',', from);

		r = parse_one(spec, fl_str_sub(spec, from, comma - from), &f, diag);
		if (r < 0)
			return r;
		from = comma + 1;
	} while (from <= spec.n);
	*ret = f;
	return 0;
}

bool fl_fault_hit(struct fl_fault *f, enum fl_fault_kind kind)
{
	uint64_t n;

	if (!f || !f->at[kind].nth)
		return false;
	n = __atomic_add_fetch(&f->at[kind].seen, 1, __ATOMIC_RELAXED);
	return f->at[kind].on ? n >= f->at[kind].nth : n == f->at[kind].nth;
}
