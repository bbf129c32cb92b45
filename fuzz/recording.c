/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that somebody made: opened, and every record printed both ways. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "probe/tracedat/recording.h"

static int print_all(const char *path)
{
	_cleanup_recorded_lines_ struct fl_recorded_lines lines = {};
	_cleanup_recording_ struct fl_recording *r = fl_recording_new();
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_recorded rec;

	if (!r)
		return 0;
	fl_recording_add(r, path);
	for (int i = 0; i < 1000 && fl_recording_next(r, &rec) > 0; i++) {
		fl_buf_reset(&out);
		fl_recorded_text(&lines, &rec, &out);
		fl_recorded_json(&rec, &out);
	}
	while (fl_recording_finding(r))
		;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("recording", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size)
		print_all(path);
	return 0;
}
