/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/dialect.h"

#include <errno.h>
#include <string.h>

const struct fl_dialect_rules fl_dialects[_FL_DIALECT_MAX] = {
#define DIALECT(id, ...) [FL_DIALECT_##id] = { __VA_ARGS__ },
#include "probe/lang/dialects.def"
};

int fl_dialect_parse(const char *name, enum fl_dialect *ret)
{
	for (int d = 0; d < _FL_DIALECT_MAX; d++) {
		const char *alias = fl_dialects[d].alias;

		if (strcmp(fl_dialects[d].name, name) == 0 || (alias && strcmp(alias, name) == 0)) {
			*ret = d;
			return 0;
		}
	}
	return -EINVAL;
}
