/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/pagewriter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"

#define DELTA_MAX     ((1u << 27) - 1)
#define TYPE_EXTEND   30
#define SMALL_MAX     112 /* longest record whose length is in the 5 bits, in words */
#define MISSED_EVENTS (1u << 31)
#define MISSED_STORED (1u << 30) /* their number stands behind the last entry */

void fl_page_writer_fini(struct fl_page_writer *w)
{
	free(w->page);
	w->page = NULL;
}

int fl_page_writer_flush(struct fl_page_writer *w)
{
	uint64_t commit = w->used;
	size_t n = FL_PAGE_HEAD + w->used;

	if (!w->used)
		return 0;
	if (w->missed) {
		commit |= MISSED_EVENTS;
		if (w->missed != UINT64_MAX) {
			commit |= MISSED_STORED;
			fl_put_le64(w->page + n, w->missed);
			n += 8;
		}
	}
	fl_put_le64(w->page + 8, commit);
	w->used = 0;
	w->missed = 0;
	return w->full(w->ctx, fl_str_n((const char *)w->page, n));
}

int fl_page_writer_lost(struct fl_page_writer *w, uint64_t n)
{
	int r = fl_page_writer_flush(w);

	if (w->missed == UINT64_MAX || n == UINT64_MAX ||
	    __builtin_add_overflow(w->missed, n, &w->missed))
		w->missed = UINT64_MAX;
	return r;
}

static void put_word(struct fl_page_writer *w, uint32_t v)
{
	fl_put_le32(w->page + FL_PAGE_HEAD + w->used, v);
	w->used += 4;
}

static void put_record(struct fl_page_writer *w, uint64_t delta, struct fl_str record)
{
	size_t room = (record.n + 3) / 4 * 4;

	if (delta > DELTA_MAX) {
		put_word(w, TYPE_EXTEND | (uint32_t)(delta & DELTA_MAX) << 5);
		put_word(w, delta >> 27);
		delta = 0;
	}
	if (room <= SMALL_MAX) {
		put_word(w, room / 4 | delta << 5);
	} else {
		put_word(w, delta << 5);
		put_word(w, room + 4);
	}
	memcpy(w->page + FL_PAGE_HEAD + w->used, record.p, record.n);
	memset(w->page + FL_PAGE_HEAD + w->used + record.n, 0, room - record.n);
	w->used += room;
}

int fl_page_writer_add(struct fl_page_writer *w, uint64_t time, struct fl_str record)
{
	uint32_t size = w->size ? w->size : FL_PAGE_SIZE;
	size_t need =
		record.n + 3 + 16 + 8; /* its words in front, and a number of lost ones behind */
	int r;

	if (need > size - FL_PAGE_HEAD)
		return -E2BIG;
	if (!w->page)
		w->page = malloc(size);
	if (!w->page)
		return -ENOMEM;
	if (w->used + need > size - FL_PAGE_HEAD || (w->used && time < w->last)) {
		r = fl_page_writer_flush(w);
		if (r < 0)
			return r;
	}
	if (!w->used) {
		fl_put_le64(w->page, time);
		w->last = time;
	}
	put_record(w, time - w->last, record);
	w->last = time;
	return 0;
}
