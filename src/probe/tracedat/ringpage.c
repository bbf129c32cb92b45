/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/ringpage.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/num.h"
#include "base/util.h"

enum {
	TYPE_PADDING = 29,
	TYPE_EXTEND = 30,
	TYPE_STAMP = 31,
};

#define COMMIT_MASK	((1u << 27) - 1) /* of a page's used bytes, and of an entry's time */
#define MISSED_EVENTS	(1u << 31)
#define MISSED_STORED	(1u << 30) /* their number stands behind the last entry */

static int number_behind(struct fl_str line, const char *key, uint64_t *ret)
{
	const char *at = memmem(line.p, line.n, key, strlen(key));

	if (!at)
		return -EINVAL;
	line = fl_str_from(line, at + strlen(key) - line.p);
	return fl_parse_u64(fl_str_sub(line, 0, fl_str_find(line, ';', 0)), 10, ret);
}

/* "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;" */
static int parse_data(struct fl_str line, struct fl_ring_format *ret)
{
	uint64_t offset, size;

	if (number_behind(line, "offset:", &offset) < 0 || number_behind(line, "size:", &size) < 0 ||
	    offset < 12 || offset > 4096 || size < 64 || size > 1u << 24)
		return -EINVAL;
	ret->data_offset = offset;
	ret->page_size = offset + size;
	return 0;
}

int fl_ring_format_parse(struct fl_str text, struct fl_ring_format *ret)
{
	struct fl_ring_format f = { .long_size = 8 };
	struct fl_str line;
	uint64_t size;

	while (fl_str_line(&text, &line)) {
		if (memmem(line.p, line.n, " commit;", 8) && number_behind(line, "size:", &size) == 0 && size == 4)
			f.long_size = 4;
		if (!memmem(line.p, line.n, " data;", 6))
			continue;
		if (parse_data(line, &f) < 0)
			return -EINVAL;
		*ret = f;
		return 0;
	}
	return -EINVAL;
}

void fl_ring_page_open(struct fl_ring_page *p, struct fl_str page, uint32_t data_offset, struct fl_abi abi)
{
	const uint8_t *bytes = (const uint8_t *)page.p;
	uint64_t commit, used, room;

	*p = (struct fl_ring_page){ .data = bytes, .abi = abi, .is_cut = true };
	if (page.n < data_offset)
		return;
	room = page.n - data_offset;
	commit = fl_abi_long(abi, bytes + 8);
	used = commit & COMMIT_MASK;
	p->data = bytes + data_offset;
	p->time = fl_abi_u64(abi, bytes);
	p->end = FL_MIN(used, room);
	p->is_cut = used > room;
	if (!(commit & MISSED_EVENTS))
		return;
	p->missed = UINT64_MAX;
	if (commit & MISSED_STORED && fl_range_ok(p->end, abi.long_size, room))
		p->missed = fl_abi_long(abi, p->data + p->end);
}

/* The entry at the cursor; false where it runs past the page. @ret is empty for time and padding. */
static bool next_entry(struct fl_ring_page *p, struct fl_str *ret)
{
	uint32_t word = fl_abi_u32(p->abi, p->data + p->at);
	/* A bit field: its first part is the lowest or the highest bits. */
	uint32_t type = p->abi.big_endian ? word >> 27 : word & 31;
	uint32_t delta = p->abi.big_endian ? word & COMMIT_MASK : word >> 5, length;
	bool has_word = fl_range_ok(p->at, 8, p->end);
	uint32_t second = has_word ? fl_abi_u32(p->abi, p->data + p->at + 4) : 0;
	size_t head = type == 0 ? 8 : 4;

	if (type == TYPE_PADDING && !delta) {
		p->at = p->end; /* the rest of the page is not used */
		return true;
	}
	if ((type == 0 || type >= TYPE_PADDING) && !has_word)
		return false;
	if (type != TYPE_STAMP)
		p->time += delta;
	if (type == TYPE_EXTEND)
		p->time += (uint64_t)second << 27;
	if (type == TYPE_STAMP) /* 59 bits; the highest 5 stay */
		p->time = (p->time & ~((1ull << 59) - 1)) | (uint64_t)second << 27 | delta;
	length = type == 0	      ? second - 4 :
		 type == TYPE_PADDING ? second :
		 type > TYPE_PADDING  ? 4 :
					type * 4;
	if (!fl_range_ok(p->at + head, length, p->end))
		return false;
	if (type < TYPE_PADDING)
		*ret = fl_str_n((const char *)p->data + p->at + head, length);
	p->at += head + ((uint64_t)length + 3) / 4 * 4;
	return true;
}

int fl_ring_page_next(struct fl_ring_page *p, struct fl_str *ret)
{
	*ret = (struct fl_str){};
	while (!ret->p) {
		if (p->at >= p->end)
			return p->is_cut ? -EINVAL : 0;
		if (p->end - p->at < 4 || !next_entry(p, ret) || (ret->p && ret->n < 8))
			return -EINVAL;
	}
	return 1;
}
