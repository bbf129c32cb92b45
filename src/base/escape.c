/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/escape.h"

#include "base/utf8.h"

bool fl_misleads(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Eight bytes at a time: lines are made by the million, and hardly one holds anything. */
#define EACH(byte) (0x0101010101010101ull * (byte))

static size_t plain_bytes(struct fl_str s)
{
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		uint64_t v, is_del;

		memcpy(&v, s.p + i, 8);
		is_del = (v ^ EACH(0x7f)) - EACH(1);
		if (((v - EACH(0x20)) | v | is_del) & EACH(0x80))
			break;
	}
	while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f)
		i++;
	return i;
}

/* Sixteen bytes at once, and one look at the end: for lines that hold nothing, which nearly all are. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static bytes16 strange(const char *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return (bytes16)(v - 0x20 > 0x5e);
}

bool fl_is_plain(struct fl_str s)
{
	bytes16 any;
	uint64_t half[2];

	if (s.n < sizeof(any))
		return plain_bytes(s) == s.n;
	any = strange(s.p + s.n - sizeof(any)); /* the last ones may be looked at twice */
	for (size_t i = 0; i + sizeof(any) <= s.n; i += sizeof(any))
		any |= strange(s.p + i);
	memcpy(half, &any, sizeof(half));
	return !(half[0] | half[1]);
}

static void escape_bytes(struct fl_buf *out, struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++)
		fl_buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
}

void fl_escape(struct fl_buf *out, struct fl_str s)
{
	while (s.n) {
		size_t n = plain_bytes(s);
		uint32_t c = 0;

		fl_buf_add(out, s.p, n);
		s = fl_str_from(s, n);
		if (!s.n)
			return;
		n = fl_utf8_decode(s, &c);
		if (n && !fl_misleads(c))
			fl_buf_add(out, s.p, n);
		else
			escape_bytes(out, fl_str_sub(s, 0, n ? n : 1));
		s = fl_str_from(s, n ? n : 1);
	}
}

void fl_escape_from(struct fl_buf *out, size_t from)
{
	struct fl_str line = fl_str_from(fl_buf_str(out), from);
	_cleanup_buf_ struct fl_buf copy = {};
	bool ended = fl_str_ends(line, "\n");

	line.n -= ended;
	if (fl_is_plain(line))
		return;
	fl_escape(&copy, line);
	if (copy.error) {
		fl_buf_pass_error(out, &copy);
		return;
	}
	out->len = from;
	fl_buf_add_buf(out, &copy);
	if (ended)
		fl_buf_addc(out, '\n');
}

static const char *c_escape(unsigned char c)
{
	static const char *const names[] = {
		['\a'] = "\\a", ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\v'] = "\\v",
		['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
	};

	return c < FL_ARRAY_SIZE(names) ? names[c] : NULL;
}

void fl_quote_path(struct fl_buf *out, const char *prefix, struct fl_str path)
{
	bool quoted = false;

	for (size_t i = 0; i < path.n && !quoted; i++) {
		unsigned char c = (unsigned char)path.p[i];

		quoted = c < 0x20 || c >= 0x7f || c_escape(c);
	}
	fl_buf_addz(out, quoted ? "\"" : "");
	fl_buf_addz(out, prefix);
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c_escape(c))
			fl_buf_addz(out, c_escape(c));
		else if (c < 0x20 || c >= 0x7f)
			fl_buf_addf(out, "\\%03o", c);
		else
			fl_buf_addc(out, path.p[i]);
	}
	fl_buf_addz(out, quoted ? "\"" : "");
}
