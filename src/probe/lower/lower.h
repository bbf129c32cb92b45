/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event in the text of an older kernel: what casts and paths of fields stand for, plain
 * dereferences by offset, which tracefs has taken for years. The offsets are those of the target
 * that the event was checked against. What cannot be said is refused, with the reason.
 */
#ifndef PROBE_LOWER_LOWER_H
#define PROBE_LOWER_LOWER_H

#include "base/buf.h"
#include "foreland/diag.h"
#include "probe/event/event.h"
#include "probe/target/regs.h"

enum fl_lower_feature {
#define FEATURE(id, readme) FL_LOWER_##id,
#include "probe/lower/features.def"
	_FL_LOWER_FEATURE_MAX,
};

enum fl_lower_fault {
#define D(code, message) FL_FAULT_##code,
#include "probe/lower/errors.def"
	_FL_LOWER_FAULT_MAX,
};

extern const struct fl_diag_kind fl_lower_faults[_FL_LOWER_FAULT_MAX];

struct fl_lower_level {
	const char *name;
	bool proved; /* in the guest; else from documents */
	uint32_t features; /* 1u << FL_LOWER_... */
};

extern const struct fl_lower_level fl_lower_levels[];
extern const size_t fl_nr_lower_levels;

/* NULL where there is none of that name. */
const struct fl_lower_level *fl_lower_level(struct fl_str name);

/* What a kernel can, by the text of its tracefs README. */
uint32_t fl_lower_readme(struct fl_str readme);

/**
 * fl_lower() - append the event's definition for a kernel that can @features
 * @e: a checked event
 * @arch: whose registers it names
 * @diag: the refusal: a piece of @e->text, which it refers to
 *
 * Return: 0, -EOPNOTSUPP with @diag, -ENOMEM. @out is left as it was unless 0 is returned.
 */
int fl_lower(const struct fl_probe_event *e, const struct fl_arch *arch, uint32_t features,
	     struct fl_buf *out, struct fl_diag *diag);

/*
 * Whether an argument of the function is elsewhere than the kernel looks for it by the same name or number,
 * which takes parameter N to be in register N: the lowered text says where it is.
 */
bool fl_lower_moves(const struct fl_probe_event *e, const struct fl_arch *arch);

/* The oldest kernel whose text can say the event; NULL: none can. */
const struct fl_lower_level *fl_lower_oldest(const struct fl_probe_event *e,
					     const struct fl_arch *arch);

#endif
