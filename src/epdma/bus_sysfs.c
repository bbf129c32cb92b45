// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include "epdma/bus.h"
int fl_bus_sysfs(const char *bdf, const char *root, struct fl_bus **ret)
{
	return -ENODEV;
}
