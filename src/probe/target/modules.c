/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

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

/* @path is that of a line: "kernel/fs/xfs/xfs.ko.xz: ..." */
static bool is_called(struct fl_str path, struct fl_str name)
{
	struct fl_str file = fl_str_base_name(fl_str_sub(path, 0, fl_str_find(path, ':', 0)));

	if (file.n < name.n + 3 || !fl_str_is(fl_str_sub(file, name.n, 3), ".ko"))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (file.p[i] != name.p[i] && !(file.p[i] == '-' && name.p[i] == '_'))
			return false;
	return true;
}

/* 1 or 0; -errno where there is no such list. */
static int is_listed(const char *list, struct fl_str name)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	struct fl_str rest, line;
	struct utsname u;
	int r;

	if (uname(&u) < 0)
		return -errno;
	fl_buf_addf(&path, "/lib/modules/%s/%s", u.release, list);
	r = path.error ? path.error : fl_file_open(fl_buf_z(&path), 64u << 20, &f);
	if (r < 0)
		return r;
	rest = fl_file_str(&f);
	while (fl_str_line(&rest, &line))
		if (is_called(line, name))
			return 1;
	return 0;
}

enum fl_module_kept fl_module_kept(struct fl_str name)
{
	int r = is_listed("modules.dep", name);

	if (r > 0)
		return FL_MODULE_ON_DISK;
	if (is_listed("modules.builtin", name) > 0)
		return FL_MODULE_BUILT_IN;
	return r < 0 ? FL_MODULE_UNKNOWN : FL_MODULE_ABSENT;
}
