/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/modules.h"

#include <fcntl.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define LOOK_NS 10000000u

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* FNV-1a of the names, sizes and addresses; the counts of users between them change without end. */
static uint64_t sum_of(struct fl_str list)
{
	uint64_t sum = 0xcbf29ce484222325;
	struct fl_str line;

	while (fl_str_line(&list, &line)) {
		struct fl_str word;

		for (int field = 0; fl_str_word(&line, &word); field++) {
			if (field != 0 && field != 1 && field != 5)
				continue;
			for (size_t i = 0; i < word.n; i++)
				sum = (sum ^ (uint8_t)word.p[i]) * 0x100000001b3;
		}
	}
	return sum;
}

bool fl_modules_changed(struct fl_modules_watch *w)
{
	_cleanup_buf_ struct fl_buf text = {};
	_cleanup_close_ int fd = -1;
	uint64_t time = now(), before = w->sum;

	if (w->sum && time - w->looked < LOOK_NS)
		return false;
	w->looked = time;
	fd = open("/proc/modules", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fl_buf_read_fd(&text, fd, 16u << 20) < 0)
		return false;
	w->sum = sum_of(fl_buf_str(&text)) | 1;
	return before && before != w->sum;
}
