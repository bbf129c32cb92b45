/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"

#include "base/util.h"

size_t fl_utf8_decode(struct fl_str s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = s.n ? s.p[0] : 0;
	uint32_t v;
	size_t len;

	if (!s.n)
		return 0;
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	if (c < 0xc2 || c > 0xf4)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (s.n < len)
		return 0;
	v = c & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s.p[i] & 0x3f);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*ret = v;
	return len;
}

size_t fl_utf8_len(struct fl_str s)
{
	uint32_t c;

	return fl_utf8_decode(s, &c);
}

size_t fl_utf8_encode(uint32_t c, char out[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00u >> n) | c);
	return n;
}

bool fl_utf8_valid(struct fl_str s)
{
	for (size_t i = 0, n; i < s.n; i += n) {
		n = fl_utf8_len(fl_str_from(s, i));
		if (!n)
			return false;
	}
	return true;
}

/* Blocks, not single characters: what is wide or combining in a kernel tree lies in these. */
static const struct {
	uint32_t first, last;
	unsigned int width;
} widths[] = {
	{ 0x0300, 0x036f, 0 },	 { 0x1100, 0x115f, 2 },	  { 0x200b, 0x200f, 0 },
	{ 0x202a, 0x202e, 0 },	 { 0x2060, 0x2064, 0 },	  { 0x20d0, 0x20ff, 0 },
	{ 0x2e80, 0x303e, 2 },	 { 0x3041, 0xa4cf, 2 },	  { 0xac00, 0xd7a3, 2 },
	{ 0xf900, 0xfaff, 2 },	 { 0xfe00, 0xfe0f, 0 },	  { 0xfe20, 0xfe2f, 0 },
	{ 0xfe30, 0xfe6f, 2 },	 { 0xff00, 0xff60, 2 },	  { 0xffe0, 0xffe6, 2 },
	{ 0x1f300, 0x1f64f, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
};

unsigned int fl_utf8_width(uint32_t c)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(widths) && c >= widths[i].first; i++)
		if (c <= widths[i].last)
			return widths[i].width;
	return 1;
}
