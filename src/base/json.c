/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/escape.h"
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

/* What a terminal could act upon is escaped, too: JSON is shown as often as it is parsed. */
static void quote_special(struct fl_buf *b, uint32_t c)
{
	if (c == '"' || c == '\\')
		fl_buf_addf(b, "\\%c", (char)c);
	else
		fl_buf_addf(b, "\\u%04x", c);
}

/* False where @s holds a byte that is no UTF-8. */
static bool quote(struct fl_buf *b, struct fl_str s)
{
	size_t plain = 0, i = 0;
	bool whole = true;

	fl_buf_addc(b, '"');
	while (i < s.n) {
		uint32_t c = (unsigned char)s.p[i];
		size_t len = c < 0x80 ? 1 : fl_utf8_decode(fl_str_from(s, i), &c);

		if (len && !fl_misleads(c) && c != '"' && c != '\\') {
			i += len;
			continue;
		}
		fl_buf_add(b, s.p + plain, i - plain);
		if (len)
			quote_special(b, c);
		else
			fl_buf_addz(b, "\xef\xbf\xbd");
		whole &= len != 0;
		i += len ? len : 1;
		plain = i;
	}
	if (i > plain)
		fl_buf_add(b, s.p + plain, i - plain);
	fl_buf_addc(b, '"');
	return whole;
}

void fl_json_hex(struct fl_buf *b, const char *key, struct fl_str v)
{
	place(b, key);
	fl_buf_addc(b, '"');
	fl_buf_add_hex_bytes(b, v);
	fl_buf_addc(b, '"');
}

void fl_json_hexes_add(struct fl_json_hexes *h, bool is_text, struct fl_str element)
{
	bool odd = is_text && !fl_utf8_valid(element);

	if (!h->list.len)
		fl_json_open(&h->list, NULL, '[');
	if (odd)
		fl_json_hex(&h->list, NULL, element);
	else
		fl_json_null(&h->list, NULL);
	h->any |= odd;
}

void fl_json_hexes_end(struct fl_json_hexes *h, const char *key, struct fl_buf *b)
{
	_cleanup_buf_ struct fl_buf name = {};

	if (h->any) {
		fl_json_close(&h->list, ']');
		fl_buf_addf(&name, "%s_hex", key);
		fl_json_text(b, fl_buf_z(&name), &h->list);
	}
	fl_buf_fini(&h->list);
}

void fl_json_str(struct fl_buf *b, const char *key, struct fl_str v)
{
	char hex_key[80];

	place(b, key);
	if (!quote(b, v) && key &&
	    snprintf(hex_key, sizeof(hex_key), "%s_hex", key) < (int)sizeof(hex_key))
		fl_json_hex(b, hex_key, v);
}

void fl_json_buf(struct fl_buf *b, const char *key, const struct fl_buf *v)
{
	fl_json_str(b, key, fl_buf_str(v));
	fl_buf_pass_error(b, v);
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

void fl_json_text(struct fl_buf *b, const char *key, const struct fl_buf *value)
{
	place(b, key);
	fl_buf_add_buf(b, value);
	fl_buf_pass_error(b, value);
}

void fl_json_schema_open(struct fl_buf *b, const char *command)
{
	fl_json_open(b, NULL, '{');
	fl_json_strz(b, "type", "schema");
	fl_json_strz(b, "command", command);
	fl_json_u64(b, "version", 1);
}

void fl_json_schema(struct fl_buf *b, const char *command)
{
	fl_json_schema_open(b, command);
	fl_json_close(b, '}');
	fl_json_end_line(b);
}
