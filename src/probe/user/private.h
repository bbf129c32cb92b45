/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What struct fl_user_code is made of. */
#ifndef PROBE_USER_PRIVATE_H
#define PROBE_USER_PRIVATE_H

#include "probe/target/user.h"

int user_places(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_user_places *ret);
void user_near(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_buf *out);
int user_func(struct fl_target *t, struct fl_str path, uint64_t offset, struct fl_str symbol,
	      struct fl_user_param *params, struct fl_type *ret);
int user_type(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_type *ret);
bool user_inlined(struct fl_target *t, struct fl_str path, struct fl_str name);

#endif
