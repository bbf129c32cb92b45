/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No system call tells the scheduler's clock, but every record of perf is stamped by it: an event of a
 * process's own name, and a name that is set to what it is, make one.
 */
#include "probe/live/clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/nsec.h"
#include "base/util.h"

#define TRIES	  5	     /* of which the one that took least time counts */
#define LOOK_NS	  100000000  /* between two looks: at 500 ppm, the most that is slewed, 50 us */
#define JITTER_NS 2000	     /* of a measurement: what moves less was not set */

const char *const fl_clock_names[_FL_CLOCK_MAX] = {
	[FL_CLOCK_MONO] = "mono", [FL_CLOCK_BOOT] = "boot", [FL_CLOCK_LOCAL] = "local",
	[FL_CLOCK_TAI] = "tai",	  [FL_CLOCK_WALL] = "wall",
};

static int open_perf(struct fl_clock *c)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY,
		.comm = 1, .sample_id_all = 1, .sample_type = PERF_SAMPLE_TIME,
		.exclude_kernel = 1, .exclude_hv = 1,
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	c->perf = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (c->perf < 0)
		return -errno;
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, c->perf, 0);
	if (p == MAP_FAILED)
		return -errno;
	c->page = p;
	c->size = page;
	return 0;
}

/* The time stands at the end of the record that the kernel makes of a name. */
static int perf_time(struct fl_clock *c, uint64_t *ret)
{
	struct perf_event_mmap_page *head = (void *)c->page;
	uint64_t before = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE), after;
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, name);
	after = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE);
	__atomic_store_n(&head->data_tail, after, __ATOMIC_RELEASE);
	if (after - before < sizeof(struct perf_event_header) + 8)
		return -EOPNOTSUPP;
	memcpy(ret, c->page + c->size + (after - 8) % c->size, 8); /* of 8 bytes none is torn */
	return 0;
}

static int clock_time(struct fl_clock *c, uint64_t *ret)
{
	if (c->id == FL_CLOCK_LOCAL)
		return perf_time(c, ret);
	*ret = fl_time_ns(c->id == FL_CLOCK_TAI ? CLOCK_TAI : CLOCK_REALTIME);
	return 0;
}

/* The clock's time less CLOCK_MONOTONIC's at the same moment. */
static int measure(struct fl_clock *c, int64_t *ret)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t from = fl_time_ns(CLOCK_MONOTONIC), to, time;
		int r = clock_time(c, &time);

		if (r < 0)
			return r;
		to = fl_time_ns(CLOCK_MONOTONIC);
		if (to - from >= best)
			continue;
		best = to - from;
		*ret = (int64_t)(time - (from + (to - from) / 2));
	}
	return 0;
}

static bool is_shifted(const struct fl_clock *c)
{
	return c->id > FL_CLOCK_BOOT;
}

int fl_clock_open(const char *name, struct fl_clock *ret)
{
	struct fl_clock c = FL_CLOCK_NONE;
	int r = 0;

	while (name && c.id < _FL_CLOCK_MAX && strcmp(name, fl_clock_names[c.id]) != 0)
		c.id++;
	if (c.id == _FL_CLOCK_MAX)
		return -EINVAL;
	if (c.id == FL_CLOCK_LOCAL)
		r = open_perf(&c);
	if (r == 0 && is_shifted(&c))
		r = measure(&c, &c.shift);
	c.looked = fl_time_ns(CLOCK_MONOTONIC);
	if (r < 0)
		fl_clock_close(&c);
	else
		*ret = c;
	return r;
}

void fl_clock_close(struct fl_clock *c)
{
	if (c->page)
		munmap(c->page, 2 * c->size);
	if (c->perf >= 0)
		close(c->perf);
	*c = (struct fl_clock)FL_CLOCK_NONE;
}

void fl_clock_follow(struct fl_clock *c)
{
	uint64_t now;
	int64_t shift, moved;

	if (!is_shifted(c))
		return;
	now = fl_time_ns(CLOCK_MONOTONIC);
	if (now - c->looked < LOOK_NS || measure(c, &shift) < 0)
		return;
	c->looked = now;
	moved = shift - c->shift;
	if (c->id != FL_CLOCK_LOCAL && moved > -JITTER_NS && moved < JITTER_NS)
		return;
	if (c->id != FL_CLOCK_LOCAL)
		c->stepped += moved;
	c->shift = shift;
}
