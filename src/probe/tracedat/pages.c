/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/pages.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

#define MAX_CHUNK (64u << 20) /* trace-cmd makes them of ten pages */

static int take_u32(struct fl_dat_pages *p, uint32_t *ret)
{
	if (!fl_range_ok(p->next, 4, p->end))
		return -EINVAL;
	*ret = fl_abi_u32(p->file->abi, p->file->file.data + p->next);
	p->next += 4;
	return 0;
}

static int open_stream(const struct fl_datfile *d, const struct fl_dat_stream *s, bool is_packed,
		       uint32_t page_size, struct fl_dat_pages *ret)
{
	*ret = (struct fl_dat_pages){
		.file = d,
		.page_size = page_size,
		.is_packed = is_packed,
		.next = s->offset,
		/* Chunks say themselves where they end; trace-cmd counts their number in or not. */
		.end = is_packed ? d->file.size : s->offset + s->size,
	};
	return is_packed && s->size ? take_u32(ret, &ret->chunks_left) : 0;
}

int fl_dat_pages_open(const struct fl_datfile *d, const struct fl_dat_buffer *b, const struct fl_dat_stream *s,
		      struct fl_dat_pages *ret)
{
	return open_stream(d, s, b->is_packed, b->page_size, ret);
}

void fl_dat_pages_close(struct fl_dat_pages *p)
{
	free(p->chunk);
	*p = (struct fl_dat_pages){};
}

static int room_for_chunk(struct fl_dat_pages *p, uint32_t size)
{
	if (size > MAX_CHUNK)
		return -EINVAL;
	if (size <= p->chunk_cap)
		return 0;
	free(p->chunk);
	p->chunk_cap = 0;
	p->chunk = malloc(size);
	if (!p->chunk)
		return -ENOMEM;
	p->chunk_cap = size;
	return 0;
}

/* 1: the next chunk is unpacked; 0: there is none. */
static int next_chunk(struct fl_dat_pages *p)
{
	uint32_t packed, size;
	struct fl_str block;
	int err;

	p->chunk_size = p->chunk_at = 0;
	if (!p->chunks_left)
		return 0;
	p->chunks_left--;
	if (take_u32(p, &packed) < 0 || take_u32(p, &size) < 0 || !fl_range_ok(p->next, packed, p->end))
		return -EINVAL;
	err = room_for_chunk(p, size);
	if (err < 0)
		return err;
	block = fl_str_n((const char *)p->file->file.data + p->next, packed);
	p->next += packed;
	err = fl_unpack(p->file->unpacker, p->file->packing, block, p->chunk, size, &p->chunk_size);
	return err == 0 ? 1 : err == -ENOMEM ? err : -EINVAL;
}

static int next_packed(struct fl_dat_pages *p, struct fl_str *ret)
{
	while (p->chunk_at >= p->chunk_size) {
		int r = next_chunk(p);

		if (r <= 0) {
			p->chunks_left = 0;
			return r;
		}
	}
	*ret = fl_str_sub(fl_str_n((const char *)p->chunk, p->chunk_size), p->chunk_at, p->page_size);
	p->chunk_at += ret->n;
	return 1;
}

int fl_dat_pages_next(struct fl_dat_pages *p, struct fl_str *ret)
{
	uint64_t left = p->end - p->next;

	if (p->is_packed)
		return next_packed(p, ret);
	if (!left)
		return 0;
	*ret = fl_str_n((const char *)p->file->file.data + p->next, FL_MIN(left, (uint64_t)p->page_size));
	p->next += ret->n;
	return 1;
}

int fl_dat_whole(const struct fl_datfile *d, const struct fl_dat_stream *s, bool is_packed, size_t max,
		 struct fl_buf *out)
{
	struct fl_dat_pages p;
	struct fl_str part;
	int r = open_stream(d, s, is_packed, 1u << 16, &p);

	while (r == 0 && (r = fl_dat_pages_next(&p, &part)) > 0) {
		fl_buf_add_str(out, part);
		r = out->len > max ? -E2BIG : out->error;
	}
	fl_dat_pages_close(&p);
	return r;
}
