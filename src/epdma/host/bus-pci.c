// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which way leads to a real device: the driver decides that the kernel has bound to it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epdma/host/bus.h"

#define SYSFS "/sys/bus/pci/devices"

/* Where no driver is, and where one is that leaves the device to its user. */
static const char deaf_alone[] =
	"no interrupts without a driver in the kernel (behind an IOMMU, vfio-pci hands them on)";
static const char deaf_uio[] = "uio_pci_generic hands on the interrupt pin, and this engine sends messages";

/* The name of the driver that is bound to it; "": none. */
static void driver_of(const char *dir, char *name, size_t n)
{
	char path[PATH_MAX], to[PATH_MAX];
	const char *last;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/driver", dir);
	len = readlink(path, to, sizeof(to) - 1);
	to[len < 0 ? 0 : len] = '\0';
	last = strrchr(to, '/');
	snprintf(name, n, "%.*s", (int)n - 1, last ? last + 1 : to);
}

int fl_bus_pci(const char *bdf, struct fl_bus **ret, const char **ret_why)
{
	char dir[PATH_MAX / 2], driver[64];
	bool uio;
	int n, r;

	n = strchr(bdf, '/') ? snprintf(dir, sizeof(dir), "%s", bdf) :
			       snprintf(dir, sizeof(dir), "%s/%s%s", SYSFS, strlen(bdf) < 12 ? "0000:" : "", bdf);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return -ENAMETOOLONG;
	while (n > 1 && dir[n - 1] == '/')
		dir[--n] = '\0';
	driver_of(dir, driver, sizeof(driver));
	if (strcmp(driver, "vfio-pci") == 0)
		return fl_bus_vfio(dir, ret, ret_why);
	uio = strcmp(driver, "uio_pci_generic") == 0;
	if (*driver && !uio) {
		if (ret_why)
			*ret_why = "a driver of the kernel is bound to it: unbind it, or bind vfio-pci instead";
		return -EBUSY;
	}
	r = fl_bus_sysfs(dir, ret);
	if (r == 0)
		(*ret)->deaf = uio ? deaf_uio : deaf_alone;
	else if (r == -EOPNOTSUPP && ret_why)
		*ret_why = "an IOMMU translates what it addresses: bind vfio-pci to it";
	return r;
}
