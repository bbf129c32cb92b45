/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the running kernel lets this process do. Nothing is guessed from a version: a BPF feature is
 * there when a small program that uses it loads, a tracefs file when it can be opened. Each answer is
 * found when it is first asked for and kept. One row a capability, in caps.def.
 */
#ifndef PROBE_TARGET_CAPS_H
#define PROBE_TARGET_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct fl_target;

/* FL_CAP_BPF, FL_CAP_RAW_TP, FL_CAP_FENTRY, FL_CAP_KPROBE_MULTI, FL_CAP_RDONLY_CAST_VOID, ... */
enum fl_cap {
#define C(id, ...) FL_CAP_##id,
#include "probe/target/caps.def"
#undef C
	_FL_CAP_MAX,
};

enum fl_cap_state {
	FL_CAP_UNKNOWN, /* not asked yet, or it cannot be told from here */
	FL_CAP_NO,
	FL_CAP_YES,
};

struct fl_cap_info {
	const char *name;   /* "RDONLY_CAST_VOID"; shown in lower case */
	const char *group;  /* "privilege", "facts", "hooks", "bpf", "tracefs", "others" */
	const char *about;  /* what it is */
	const char *serves; /* what foreland does with it */
	const char *remedy; /* what to do where it is missing */
};

struct fl_cap_result {
	enum fl_cap_state state;
	bool asked;
	bool denied;  /* it is this process that may not; another one might */
	int err; /* positive errno of the attempt; 0 when it worked or was not made */
	char note[120]; /* a value or a reason: "2", "needs CAP_PERFMON", the verifier's last line */
};

const struct fl_cap_info *fl_cap_info(enum fl_cap cap);

/* The answer, probed on first use. Lives as long as the target. */
const struct fl_cap_result *fl_cap_probe(struct fl_target *t, enum fl_cap cap);

static inline bool fl_cap_has(struct fl_target *t, enum fl_cap cap)
{
	return fl_cap_probe(t, cap)->state == FL_CAP_YES;
}

#endif
