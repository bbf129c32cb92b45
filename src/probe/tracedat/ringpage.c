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

#define COMMIT_MASK	((1u << 27) - 1)
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
int fl_ring_header(struct fl_str text, uint32_t *ret_data_offset, uint32_t *ret_page_size)
{
	uint64_t offset, size;
	struct fl_str line;

	while (fl_str_line(&text, &line)) {
		if (!memmem(line.p, line.n, " data;", 6))
			continue;
		if (number_behind(line, "offset:", &offset) < 0 || number_behind(line, "size:", &size) < 0 ||
		    offset < 16 || offset > 4096 || size < 64 || size > 1u << 24)
			return -EINVAL;
		*ret_data_offset = offset;
		*ret_page_size = offset + size;
		return 0;
	}
	return -EINVAL;
}

void fl_ring_page_open(struct fl_ring_page *p, const uint8_t *page, uint32_t page_size,
		       uint32_t data_offset)
{
	uint64_t commit = fl_get_le64(page + 8), room = page_size - data_offset;

	*p = (struct fl_ring_page){ .data = page + data_offset, .time = fl_get_le64(page) };
	p->end = FL_MIN(commit & COMMIT_MASK, room);
	if (!(commit & MISSED_EVENTS))
		return;
	p->missed = UINT64_MAX;
	if (commit & MISSED_STORED && fl_range_ok(p->end, 8, room))
		p->missed = fl_get_le64(p->data + p->end);
}

/* The entry at the cursor; false where it runs past the page. @ret is empty for time and padding. */
static bool next_entry(struct fl_ring_page *p, struct fl_str *ret)
{
	uint32_t word = fl_get_le32(p->data + p->at), type = word & 31, length;
	bool has_word = fl_range_ok(p->at, 8, p->end);
	uint32_t second = has_word ? fl_get_le32(p->data + p->at + 4) : 0;
	size_t head = type == 0 ? 8 : 4;

	if (type == TYPE_PADDING && !(word >> 5)) {
		p->at = p->end; /* the rest of the page is not used */
		return true;
	}
	if ((type == 0 || type >= TYPE_PADDING) && !has_word)
		return false;
	if (type != TYPE_STAMP)
		p->time += word >> 5;
	if (type == TYPE_EXTEND)
		p->time += (uint64_t)second << 27;
	if (type == TYPE_STAMP) /* 59 bits; the highest 5 stay */
		p->time = (p->time & ~((1ull << 59) - 1)) | (uint64_t)second << 27 | word >> 5;
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
			return 0;
		if (p->end - p->at < 4 || !next_entry(p, ret) || (ret->p && ret->n < 8))
			return -EINVAL;
	}
	return 1;
}
