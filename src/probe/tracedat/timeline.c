/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/util.h"
#include "probe/tracedat/datfile-private.h"

#define FLAG_INTERPOLATE 1

/* "0x1234", "-5": as strtoll(3) reads them. */
static int64_t number_of(const struct fl_dat_option *o)
{
	struct fl_str text = fl_dat_option_text(o);
	bool negative = fl_str_starts(text, "-");
	uint64_t v = 0;

	if (negative)
		text = fl_str_from(text, 1);
	fl_parse_u64(text, 0, &v);
	return negative ? (int64_t)(0 - v) : (int64_t)v;
}

static int64_t *member(struct fl_time_sample *s, unsigned int which)
{
	return which == 0   ? &s->time
	       : which == 1 ? &s->offset
	       : which == 2 ? &s->scaling
			    : &s->fraction;
}

static void read_members(struct fl_dat_reader *r, struct fl_time_shift *s, unsigned int which)
{
	for (uint32_t i = 0; i < s->n; i++)
		*member(&s->samples[i], which) = (int64_t)fl_dat_number(r, 8);
}

static int by_time(const void *a, const void *b)
{
	const struct fl_time_sample *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

/* Of samples with one time the first counts. */
static void sort(struct fl_time_shift *s)
{
	uint32_t n = 0;

	qsort(s->samples, s->n, sizeof(*s->samples), by_time);
	for (uint32_t i = 0; i < s->n; i++)
		if (!i || s->samples[i].time != s->samples[i - 1].time)
			s->samples[n++] = s->samples[i];
	s->n = n;
}

static int read_cpu_shift(struct fl_dat_reader *r, struct fl_time_shift *s)
{
	s->n = fl_dat_number(r, 4);
	if (r->r.overrun || s->n > (r->r.size - r->r.pos) / 24) {
		s->n = 0;
		r->r.overrun = true;
		return 0;
	}
	s->samples = calloc(s->n + 1, sizeof(*s->samples));
	if (!s->samples)
		return -ENOMEM;
	for (unsigned int which = 0; which < 3; which++)
		read_members(r, s, which);
	return 0;
}

static int read_shifts(struct fl_timeline *t, struct fl_datfile *d, struct fl_str data)
{
	struct fl_dat_reader r = fl_dat_reader(d, data);
	uint32_t cpus;
	int err = 0;

	fl_dat_number(&r, 8); /* the peer's id */
	t->interpolate = fl_dat_number(&r, 4) & FLAG_INTERPOLATE;
	cpus = fl_dat_number(&r, 4);
	if (r.r.overrun || cpus > data.n / 4)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path,
				       "time shift of %u CPUs", cpus);
	t->shifts = calloc(cpus + 1, sizeof(*t->shifts));
	if (!t->shifts)
		return -ENOMEM;
	for (t->nr_shifts = 0; t->nr_shifts < cpus && err == 0 && !r.r.overrun; t->nr_shifts++)
		err = read_cpu_shift(&r, &t->shifts[t->nr_shifts]);
	if (err == 0 && r.r.overrun) {
		t->nr_shifts = 0;
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "time shift");
	}
	/* Files of older trace-cmds end here. */
	for (uint32_t i = 0; i < t->nr_shifts && r.r.pos < r.r.size; i++)
		read_members(&r, &t->shifts[i], 3);
	for (uint32_t i = 0; i < t->nr_shifts; i++)
		sort(&t->shifts[i]);
	return err;
}

int fl_timeline_read(struct fl_timeline *t, struct fl_datfile *d)
{
	const struct fl_dat_option *o = NULL;

	while ((o = fl_datfile_option(d, FL_DAT_DATE, o)))
		t->offset += number_of(o) * 1000;
	while ((o = fl_datfile_option(d, FL_DAT_OFFSET, o)))
		t->offset += number_of(o);
	o = fl_datfile_option(d, FL_DAT_TSC2NSEC, NULL);
	if (o && o->data.n >= 16) {
		t->mult = fl_abi_u32(d->abi, o->data.p);
		t->shift = fl_abi_u32(d->abi, o->data.p + 4);
		t->shift = FL_MIN(t->shift, 63u);
	}
	o = fl_datfile_option(d, FL_DAT_TIME_SHIFT, NULL);
	if (o && read_shifts(t, d, o->data) == -ENOMEM)
		return -ENOMEM;
	t->is_plain = !t->offset && !t->mult && !t->nr_shifts;
	return 0;
}

void fl_timeline_fini(struct fl_timeline *t)
{
	for (uint32_t i = 0; i < t->nr_shifts; i++)
		free(t->shifts[i].samples);
	free(t->shifts);
	*t = (struct fl_timeline){};
}

static uint64_t correct(const struct fl_timeline *t, uint64_t stamp, const struct fl_time_sample *a,
			const struct fl_time_sample *b)
{
	int64_t move = a->offset;

	if (t->interpolate && b->time != a->time) {
		__int128 delta = (__int128)b->time - a->time;
		__int128 way = ((__int128)stamp - a->time) * ((__int128)b->offset - a->offset);

		move = (int64_t)(a->offset + (way + delta / 2) / delta);
	}
	if (a->scaling)
		stamp = (uint64_t)(((unsigned __int128)stamp * (uint64_t)a->scaling) >>
				   (a->fraction & 63));
	return stamp + (uint64_t)move;
}

/* By the two samples around the stamp, or the first or last two. */
static uint64_t shifted(const struct fl_timeline *t, const struct fl_time_shift *s, uint64_t stamp)
{
	uint32_t low = 0, high = s->n - 1;

	if (!s->n)
		return stamp;
	if (s->n == 1)
		return stamp + (uint64_t)s->samples[0].offset;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if ((int64_t)stamp < s->samples[middle].time)
			high = middle;
		else
			low = middle;
	}
	return correct(t, stamp, &s->samples[low], &s->samples[high]);
}

uint64_t fl_timeline_at_slow(const struct fl_timeline *t, uint32_t cpu, uint64_t stamp)
{
	if (cpu < t->nr_shifts)
		stamp = shifted(t, &t->shifts[cpu], stamp);
	if (t->mult)
		stamp = (uint64_t)(((unsigned __int128)stamp * t->mult) >> t->shift);
	return stamp + (uint64_t)t->offset;
}

/* The kernel's clocks that count no nanoseconds; those of other architectures are cycles. */
bool fl_timeline_is_raw(const struct fl_timeline *t, struct fl_str clock)
{
	static const char *const in_ns[] = {"local",	"global", "perf", "mono",
					    "mono_raw", "boot",	  "tai",  "tsc2nsec"};

	if (t->mult || !clock.n)
		return false;
	for (size_t i = 0; i < FL_ARRAY_SIZE(in_ns); i++)
		if (fl_str_is(clock, in_ns[i]))
			return false;
	return true;
}
