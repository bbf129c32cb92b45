// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/engine/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nsec.h"
#include "base/util.h"
#include "epdma/engine/engine.h"
#include "epdma/regs/dw-regs.h"

#define NSEC_PER_SEC 1000000000ull

struct log_file {
	struct fl_engine_log trace;
	FILE *f;
	struct fl_engine_shape shape;
	uint64_t start;
	int error;
};

static const char *const dirs[] = { "wr", "rd" };

/* One event without its time; what files hold and what differences are shown in. */
void fl_engine_event_format(const struct fl_engine_event *ev, unsigned int map, char *buf, size_t n)
{
	char name[32];

	switch (ev->kind) {
	case FL_EV_READ:
	case FL_EV_WRITE:
		snprintf(buf, n, "%c 0x%03x 0x%08x %s", ev->kind, (unsigned int)ev->addr, ev->val,
			 fl_dw_place_name(map, (uint32_t)ev->addr, name, sizeof(name)));
		break;
	case FL_EV_ELEM:
	case FL_EV_LINK:
	case FL_EV_STOP:
		snprintf(buf, n, "%c %s%u 0x%llx ctl=0x%08x size=0x%x src=0x%llx dst=0x%llx", ev->kind,
			 dirs[ev->dir], ev->chan, (unsigned long long)ev->addr, ev->slot.ctl,
			 ev->slot.size, (unsigned long long)ev->slot.src,
			 (unsigned long long)ev->slot.dst);
		break;
	case FL_EV_ABORT:
		snprintf(buf, n, "A %s%u 0x%llx reason=%u %s", dirs[ev->dir], ev->chan,
			 (unsigned long long)ev->addr, ev->val, fl_engine_abort_name(ev->val));
		break;
	case FL_EV_IMWR:
		snprintf(buf, n, "I 0x%llx 0x%08x", (unsigned long long)ev->addr, ev->val);
		break;
	case FL_EV_OWNER:
	case FL_EV_DEAF:
		snprintf(buf, n, "%c %s%u 0x0 val=%u", ev->kind, dirs[ev->dir], ev->chan, ev->val);
		break;
	case FL_EV_RESET:
		snprintf(buf, n, "X reset");
		break;
	case FL_EV_BLOCKED:
		snprintf(buf, n, "B bar%u 0x%llx val=%u", ev->chan, (unsigned long long)ev->addr, ev->val);
		break;
	case FL_EV_MASTER:
		snprintf(buf, n, "M val=%u", ev->val);
		break;
	}
}

static void file_emit(struct fl_engine_log *t, const struct fl_engine_event *ev)
{
	struct log_file *tf = FL_CONTAINER_OF(t, struct log_file, trace);
	uint64_t now = fl_time_ns(CLOCK_MONOTONIC) - tf->start;
	char line[160];

	fl_engine_event_format(ev, tf->shape.map, line, sizeof(line));
	if (fprintf(tf->f, "%llu.%09llu %s\n", (unsigned long long)(now / NSEC_PER_SEC),
		    (unsigned long long)(now % NSEC_PER_SEC), line) < 0 && !tf->error)
		tf->error = -errno;
}

int fl_engine_log_open(int fd, const struct fl_engine_shape *shape, struct fl_engine_log **ret)
{
	struct log_file *t = calloc(1, sizeof(*t));

	if (t)
		t->f = fdopen(fd, "w");
	if (!t || !t->f) {
		free(t);
		close(fd);
		return -ENOMEM;
	}
	t->trace.emit = file_emit;
	t->shape = *shape;
	t->start = fl_time_ns(CLOCK_MONOTONIC);
	fprintf(t->f, "# foreland epdma trace 1 map=%u wr=%u rd=%u\n", shape->map,
		shape->chans[FL_EPDMA_WRITE], shape->chans[FL_EPDMA_READ]);
	*ret = &t->trace;
	return 0;
}

int fl_engine_log_close(struct fl_engine_log *t)
{
	struct log_file *tf;
	int r;

	if (!t)
		return 0;
	tf = FL_CONTAINER_OF(t, struct log_file, trace);
	r = tf->error;
	if (fclose(tf->f) && !r)
		r = -errno;
	free(tf);
	return r;
}
