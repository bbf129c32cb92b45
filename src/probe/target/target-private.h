/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What target.c and caps.c share. */
#ifndef PROBE_TARGET_TARGET_PRIVATE_H
#define PROBE_TARGET_TARGET_PRIVATE_H

#include "probe/target/caps.h"

/* Kept in the target, so that each is asked for once. */
struct fl_cap_result *fl_target_cap_results(struct fl_target *t);

struct fl_btf;
struct fl_user_code;

const struct fl_user_code **fl_target_code(struct fl_target *t);

/* Kept until the target is closed, with the bytes that it lies in (NULL: its own). Both are gone on failure. */
int fl_target_keep_btf(struct fl_target *t, struct fl_btf *btf, void *bytes);

#endif
