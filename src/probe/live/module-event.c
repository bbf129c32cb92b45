/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/module-event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/target/owner.h"

/* @name is "TRACEFS GROUP/EVENT": what removal needs. */
static int write_line(struct fl_str tracefs, const struct fl_buf *line)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_close_ int fd = -1;

	fl_buf_addf(&path, "%.*s/kprobe_events", FL_STR_ARG(tracefs));
	if (path.error || line->error)
		return -ENOMEM;
	fd = open(fl_buf_z(&path), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, line->data, line->len) < 0 ? -errno : 0;
}

static int read_id(const char *tracefs, struct fl_str event, uint64_t *ret)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	int r;

	fl_buf_addf(&path, "%s/events/%.*s/id", tracefs, FL_STR_ARG(event));
	r = fl_file_open(fl_buf_z(&path), 64, &f);
	return r < 0 ? r : fl_parse_u64(fl_str_trim(fl_file_str(&f)), 10, ret);
}

int fl_module_event_make(struct fl_target *t, const struct fl_probe_event *e, bool is_return,
			 struct fl_buf *name, uint64_t *ret_id)
{
	_cleanup_buf_ struct fl_buf line = {}, event = {};
	const char *tracefs = fl_target_tracefs(t);
	int r;

	if (!tracefs)
		return -ENOENT;
	r = fl_owner_name(0, &event);
	if (r < 0)
		return r;
	/* Several definitions may have one name: the event's place in memory tells them apart. */
	fl_buf_addf(&event, "/%s_%zx", is_return ? "ret" : "at", (size_t)e);
	fl_buf_addf(&line, "%c:%.*s %.*s:%.*s", is_return ? 'r' : 'p', FL_STR_ARG(fl_buf_str(&event)),
		    FL_STR_ARG(e->place.module), FL_STR_ARG(e->place.symbol));
	if (e->place.offset)
		fl_buf_addf(&line, "+%llu", (unsigned long long)e->place.offset);
	fl_buf_addc(&line, '\n');
	r = write_line(fl_str(tracefs), &line);
	if (r < 0)
		return r;
	fl_buf_addf(name, "%s %.*s", tracefs, FL_STR_ARG(fl_buf_str(&event)));
	return read_id(tracefs, fl_buf_str(&event), ret_id);
}

void fl_module_event_remove(struct fl_str name)
{
	size_t blank = fl_str_find(name, ' ', 0);
	_cleanup_buf_ struct fl_buf line = {};

	if (blank == name.n)
		return;
	fl_buf_addf(&line, "-:%.*s\n", FL_STR_ARG(fl_str_from(name, blank + 1)));
	write_line(fl_str_sub(name, 0, blank), &line);
}
