/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include <math.h>

#include "base/utf8.h"

/* A comma is due unless the value opens its object, array or line. */
static void place(struct fl_buf *b, const char *key)
{
	char last = b->len ? b->data[b->len - 1] : '\n';

	if (last != '{' && last != '[' && last != '\n')
		fl_buf_addc(b, ',');
	if (!key)
		return;
	fl_buf_addc(b, '"');
	fl_buf_addz(b, key);
	fl_buf_add(b, "\":", 2);
}

void fl_json_open(struct fl_buf *b, const char *key, char bracket)
{
	place(b, key);
	fl_buf_addc(b, bracket);
}

void fl_json_close(struct fl_buf *b, char bracket)
{
	fl_buf_addc(b, bracket);
}

void fl_json_end_line(struct fl_buf *b)
{
	fl_buf_addc(b, '\n');
}

static void quote_special(struct fl_buf *b, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		fl_buf_addc(b, '\\');
		fl_buf_addc(b, c);
		return;
	case '\n':
		fl_buf_add(b, "\\n", 2);
		return;
	case '\t':
		fl_buf_add(b, "\\t", 2);
		return;
	default:
		fl_buf_addf(b, "\\u%04x", c);
	}
}

void fl_json_quote(struct fl_buf *b, struct fl_str s)
{
	size_t plain = 0, i = 0;

	fl_buf_addc(b, '"');
	while (i < s.n) {
		unsigned char c = s.p[i];
		size_t len = c < 0x80 ? 1 : fl_utf8_len(fl_str_from(s, i));

		if (len && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			i += len;
			continue;
		}
		fl_buf_add(b, s.p + plain, i - plain);
		if (len)
			quote_special(b, c);
		else
			fl_buf_addz(b, "\xef\xbf\xbd");
		plain = ++i;
	}
	if (i > plain)
		fl_buf_add(b, s.p + plain, i - plain);
	fl_buf_addc(b, '"');
}

void fl_json_str(struct fl_buf *b, const char *key, struct fl_str v)
{
	place(b, key);
	fl_json_quote(b, v);
}

void fl_json_strz(struct fl_buf *b, const char *key, const char *v)
{
	if (v)
		fl_json_str(b, key, fl_str(v));
	else
		fl_json_null(b, key);
}

void fl_json_u64(struct fl_buf *b, const char *key, uint64_t v)
{
	place(b, key);
	fl_buf_add_u64(b, v);
}

void fl_json_s64(struct fl_buf *b, const char *key, int64_t v)
{
	place(b, key);
	fl_buf_add_s64(b, v);
}

void fl_json_f64(struct fl_buf *b, const char *key, double v)
{
	if (!isfinite(v)) {
		fl_json_null(b, key);
		return;
	}
	place(b, key);
	fl_buf_addf(b, "%.17g", v);
}

void fl_json_bool(struct fl_buf *b, const char *key, bool v)
{
	place(b, key);
	fl_buf_addz(b, v ? "true" : "false");
}

void fl_json_null(struct fl_buf *b, const char *key)
{
	place(b, key);
	fl_buf_add(b, "null", 4);
}

void fl_json_schema(struct fl_buf *b, const char *command)
{
	fl_json_open(b, NULL, '{');
	fl_json_strz(b, "type", "schema");
	fl_json_strz(b, "command", command);
	fl_json_u64(b, "version", 1);
	fl_json_close(b, '}');
	fl_json_end_line(b);
}
