/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alloc/tags/line.h"

struct out {
	char *buf;
	size_t size;
	size_t len; /* of all that was written, room or not */
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_str(struct out *o, const char *s)
{
	while (s && *s)
		put(o, *s++);
}

static void put_number(struct out *o, bool negative, uint64_t v, unsigned int width)
{
	char digits[20];
	unsigned int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (unsigned int i = n + negative; i < width; i++)
		put(o, ' ');
	if (negative)
		put(o, '-');
	while (n)
		put(o, digits[--n]);
}

size_t fl_tag_line(const struct fl_tag *tag, struct fl_tag_counters c, char *buf, size_t size)
{
	struct out o = { buf, size, 0 };
	bool negative = (int64_t)c.bytes < 0;

	put_number(&o, negative, negative ? -c.bytes : c.bytes, 12);
	put(&o, ' ');
	put_number(&o, false, c.calls, 8);
	put(&o, ' ');
	put_str(&o, tag->file);
	put(&o, ':');
	put_number(&o, false, tag->line, 0);
	if (tag->module) {
		put_str(&o, " [");
		put_str(&o, tag->module);
		put(&o, ']');
	}
	put_str(&o, " func:");
	put_str(&o, tag->function);
	if (tag->inaccurate)
		put_str(&o, " accurate:no");
	put_str(&o, " \n");
	return o.len;
}
