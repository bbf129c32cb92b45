/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Callers are named from files that are other people's: any bytes, any offset. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc/sources/symbols.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_alloc_set set = {};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[40];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (uint64_t offset = 0; offset < 3; offset++) {
		struct fl_alloc_record r = { .file = fl_str(path), .line = offset * 0x1100,
					     .function = FL_STR("+0x1") };

		if (fl_alloc_set_add_copy(&set, &r) < 0)
			abort();
	}
	if (fl_alloc_symbolise(&set, 0) < 0)
		abort();
	fl_alloc_set_fini(&set);
	close(fd);
	return 0;
}
