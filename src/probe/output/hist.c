/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/hist.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "probe/output/stack.h"

static struct fl_str key_string(const struct fl_hist_field *f, const struct fl_hist_entry *e)
{
	const char *z = (const char *)e->key + f->offset;

	return fl_str_n(z, strnlen(z, FL_HIST_STRING));
}

static struct fl_str comm(const struct fl_hist_entry *e)
{
	return fl_str_n(e->comm, strnlen(e->comm, sizeof(e->comm)));
}

/* How wide the texts of a key are, for each key: the kernel's width, or less where a terminal is narrow. */
struct widths {
	size_t text[FL_HIST_MAX_KEYS];
};

static void pad(struct fl_buf *out, size_t start, size_t width)
{
	if (out->len - start < width)
		fl_buf_fill(out, ' ', width - (out->len - start));
}

/* The frames of a stack that is a key, up to the zeros behind them. */
static struct fl_stack key_stack(const struct fl_hist_field *f, const struct fl_hist_entry *e, size_t max)
{
	struct fl_stack s = { .frames = e->key + f->offset };

	while (s.n < max && fl_stack_frame(&s, s.n))
		s.n++;
	return s;
}

static void add_text(struct fl_str s, bool bytes, struct fl_buf *out)
{
	if (bytes)
		fl_buf_add_str(out, s);
	else
		fl_escape(out, s);
}

static void add_stack(const struct fl_hist_field *f, const struct fl_hist_entry *e,
		      struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	struct fl_stack s = key_stack(f, e, FL_HIST_FRAMES);

	for (size_t i = 0; i < s.n; i++) {
		fl_buf_fill(out, ' ', 9);
		add_text(fl_symbols_at(symbols, fl_stack_frame(&s, i)), bytes, out);
		fl_buf_addc(out, '\n');
	}
	if (!s.n)
		fl_buf_addz(out, "         (none)\n");
}

static void trim_key(const struct fl_hist_field *f, const struct fl_hist_entry *e, unsigned int own_frames,
		     struct fl_symbols *symbols)
{
	uint8_t *frames = (uint8_t *)e->key + f->offset; /* the table's own memory */
	struct fl_stack s = key_stack(f, e, FL_HIST_FRAMES_RAW);

	fl_stack_trim(FL_STACK_KERNEL, own_frames, symbols, &s);
	s.n = FL_MIN(s.n, (size_t)FL_HIST_FRAMES);
	memmove(frames, s.frames, 8 * s.n);
	memset(frames + 8 * s.n, 0, f->size - 8 * s.n);
}

void fl_hist_trim(const struct fl_record_schema *p, struct fl_hist_table *t, struct fl_symbols *symbols)
{
	const struct fl_hist *h = t->hist;
	bool any = false;

	for (size_t k = 0; k < h->nr_keys; k++) {
		if (h->keys[k].source != FL_HIST_STACK)
			continue;
		any = true;
		for (size_t i = 0; i < t->n; i++)
			trim_key(&h->keys[k], &t->entries[i], p->own_frames, symbols);
	}
	if (any)
		fl_hist_table_merge(t);
}

static void add_key(const struct fl_hist_field *f, const struct fl_hist_entry *e, size_t most,
		    struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	uint64_t v = f->is_string ? 0 : fl_hist_key(f, e);
	size_t start;

	fl_buf_add_str(out, f->name);
	if (f->source == FL_HIST_STACK) {
		fl_buf_addz(out, ":\n");
		add_stack(f, e, symbols, bytes, out);
		return;
	}
	fl_buf_addz(out, ": ");
	if (f->is_string) {
		start = out->len;
		add_text(key_string(f, e), bytes, out);
		pad(out, start, FL_MIN(most, (size_t)50));
		return;
	}
	switch (f->modifier) {
	case FL_HIST_HEX:
		fl_buf_addf(out, "%" PRIx64, v);
		break;
	case FL_HIST_SYM:
	case FL_HIST_SYM_OFFSET:
		fl_buf_addf(out, "[%" PRIx64 "] ", v);
		start = out->len;
		add_text(f->modifier == FL_HIST_SYM ? fl_symbols_name(symbols, v)
						    : fl_symbols_at(symbols, v), bytes, out);
		pad(out, start, FL_MIN(most, (size_t)(f->modifier == FL_HIST_SYM ? 45 : 55)));
		break;
	case FL_HIST_EXECNAME:
		start = out->len;
		add_text(v ? comm(e) : FL_STR("<idle>"), bytes, out);
		pad(out, start, FL_MIN(most, (size_t)16));
		fl_buf_addf(out, "[%10" PRIu64 "]", v);
		break;
	case FL_HIST_LOG2:
		fl_buf_addf(out, "~ 2^%-2" PRIu64, v);
		break;
	case FL_HIST_BUCKETS:
		fl_buf_addf(out, "~ %" PRIu64 "-%" PRIu64, v, v + f->bucket - 1);
		break;
	case FL_HIST_PLAIN:
		if (f->is_signed)
			fl_buf_addf(out, "%10" PRId64, (int64_t)v);
		else
			fl_buf_addf(out, "%10" PRIu64, v);
		break;
	}
}

static void add_bar(uint64_t v, uint64_t most, unsigned int width, struct fl_buf *out)
{
	unsigned int n = most ? (unsigned int)((double)v * width / (double)most + 0.5) : 0;

	fl_buf_addz(out, " |");
	fl_buf_fill(out, '@', n);
	fl_buf_fill(out, ' ', width - n);
	fl_buf_addc(out, '|');
}

static void add_entry(const struct fl_hist *h, const struct fl_hist_entry *e, const struct widths *widths,
		      struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	bool multiline = false;

	fl_buf_addz(out, "{ ");
	for (size_t i = 0; i < h->nr_keys; i++) {
		if (i)
			fl_buf_addz(out, ", ");
		multiline |= h->keys[i].source == FL_HIST_STACK;
		add_key(&h->keys[i], e, widths->text[i], symbols, bytes, out);
	}
	fl_buf_addz(out, multiline ? "}" : " }");
	fl_buf_addf(out, " hitcount: %10" PRIu64, e->hits);
	for (size_t i = 0; i < h->nr_vals; i++) {
		const struct fl_hist_field *f = &h->vals[i];

		fl_buf_addf(out, "  %.*s: ", FL_STR_ARG(f->name));
		if (f->modifier == FL_HIST_HEX)
			fl_buf_addf(out, "%10" PRIx64, e->sums[i]);
		else if (f->is_signed)
			fl_buf_addf(out, "%10" PRId64, (int64_t)e->sums[i]);
		else
			fl_buf_addf(out, "%10" PRIu64, e->sums[i]);
	}
}

static void add_name(const struct fl_hist_field *f, struct fl_buf *out)
{
	static const char *const names[] = {
		[FL_HIST_HEX] = ".hex",		  [FL_HIST_SYM] = ".sym",
		[FL_HIST_SYM_OFFSET] = ".sym-offset", [FL_HIST_EXECNAME] = ".execname",
		[FL_HIST_LOG2] = ".log2",
	};

	fl_buf_add_str(out, f->name);
	if (f->modifier == FL_HIST_BUCKETS)
		fl_buf_addf(out, ".buckets=%" PRIu64, f->bucket);
	else if (f->modifier)
		fl_buf_addz(out, names[f->modifier]);
}

static void add_sort(const struct fl_hist *h, const struct fl_hist_sort *s, struct fl_buf *out)
{
	if (s->field < 0)
		fl_buf_addz(out, "hitcount");
	else
		add_name(s->field < FL_HIST_MAX_VALS ? &h->vals[s->field]
						     : &h->keys[s->field - FL_HIST_MAX_VALS], out);
	if (s->descending)
		fl_buf_addz(out, ".descending");
}

/* The whole of it, defaults included, as the kernel tells it. */
static void add_spec(const struct fl_hist *h, struct fl_buf *out)
{
	for (size_t i = 0; i < h->nr_keys; i++) {
		fl_buf_addz(out, i ? "," : "hist:keys=");
		add_name(&h->keys[i], out);
	}
	fl_buf_addz(out, ":vals=hitcount");
	for (size_t i = 0; i < h->nr_vals; i++) {
		fl_buf_addc(out, ',');
		add_name(&h->vals[i], out);
	}
	for (size_t i = 0; i < h->nr_sort; i++) {
		fl_buf_addz(out, i ? "," : ":sort=");
		add_sort(h, &h->sort[i], out);
	}
	fl_buf_addf(out, ":size=%u", h->size);
}

/* The longest text of a key; that of one which has no padding does not matter. */
static size_t longest(const struct fl_hist_table *t, size_t key, struct fl_symbols *symbols, bool bytes)
{
	const struct fl_hist_field *f = &t->hist->keys[key];
	size_t most = 0;

	for (size_t i = 0; i < t->n && f->source != FL_HIST_STACK; i++) {
		_cleanup_buf_ struct fl_buf text = {};
		uint64_t v = f->is_string ? 0 : fl_hist_key(f, &t->entries[i]);

		if (f->is_string)
			add_text(key_string(f, &t->entries[i]), bytes, &text);
		else if (f->modifier == FL_HIST_SYM)
			add_text(fl_symbols_name(symbols, v), bytes, &text);
		else if (f->modifier == FL_HIST_SYM_OFFSET)
			add_text(fl_symbols_at(symbols, v), bytes, &text);
		else if (f->modifier == FL_HIST_EXECNAME)
			add_text(v ? comm(&t->entries[i]) : FL_STR("<idle>"), bytes, &text);
		most = FL_MAX(most, text.len);
	}
	return most;
}

static size_t last_line(const struct fl_buf *b)
{
	const char *line = b->len ? memrchr(b->data, '\n', b->len) : NULL;

	return line ? (size_t)(b->data + b->len - line - 1) : b->len;
}

/* What a row leaves of a terminal's line is the bar's, up to a fifth of what lines usually are. */
#define BAR_MOST  20
#define BAR_LEAST 4
#define BAR_FRAME 3

static unsigned int fit(const struct fl_hist_table *t, unsigned int columns, struct fl_symbols *symbols,
			bool bytes, struct widths *widths)
{
	size_t most = 0;

	for (size_t i = 0; i < t->hist->nr_keys; i++)
		widths->text[i] = columns ? longest(t, i, symbols, bytes) : SIZE_MAX;
	for (size_t i = 0; columns && i < t->n; i++) {
		_cleanup_buf_ struct fl_buf row = {};

		add_entry(t->hist, &t->entries[i], widths, symbols, bytes, &row);
		most = FL_MAX(most, last_line(&row));
	}
	if (most + BAR_FRAME + BAR_LEAST > columns)
		return 0;
	return FL_MIN(columns - (unsigned int)most - BAR_FRAME, (unsigned int)BAR_MOST);
}

void fl_hist_text(const struct fl_record_schema *p, const struct fl_hist_table *t, unsigned int columns,
		  struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	struct widths widths;
	unsigned int bars = fit(t, columns, symbols, bytes, &widths);
	uint64_t most = 0;

	for (size_t i = 0; i < t->n; i++)
		most = FL_MAX(most, t->entries[i].hits);
	fl_buf_addf(out, "# %.*s/%.*s\n# event histogram\n#\n# trigger info: ",
		    FL_STR_ARG(p->event->group), FL_STR_ARG(p->event->event));
	add_spec(t->hist, out);
	fl_buf_addz(out, " [active]\n#\n\n");
	for (size_t i = 0; i < t->n; i++) {
		add_entry(t->hist, &t->entries[i], &widths, symbols, bytes, out);
		if (bars)
			add_bar(t->entries[i].hits, most, bars, out);
		fl_buf_addc(out, '\n');
	}
	fl_buf_addf(out, "\nTotals:\n    Hits: %" PRIu64 "\n    Entries: %zu\n    Dropped: %" PRIu64 "\n",
		    t->hits + t->dropped, t->n, t->dropped);
}

static void json_stack(const struct fl_hist_field *f, const struct fl_hist_entry *e,
		       struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_stack s = key_stack(f, e, FL_HIST_FRAMES);

	fl_json_open(out, "common_stacktrace", '[');
	for (size_t i = 0; i < s.n; i++)
		fl_json_str(out, NULL, fl_symbols_at(symbols, fl_stack_frame(&s, i)));
	fl_json_close(out, ']');
}

static void json_key(const struct fl_hist_field *f, const struct fl_hist_entry *e,
		     struct fl_symbols *symbols, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};
	uint64_t v = f->is_string ? 0 : fl_hist_key(f, e);

	fl_buf_add_str(&name, f->name);
	if (f->source == FL_HIST_STACK)
		json_stack(f, e, symbols, out);
	else if (f->is_string)
		fl_json_str(out, fl_buf_z(&name), key_string(f, e));
	else if (f->modifier == FL_HIST_SYM)
		fl_json_str(out, fl_buf_z(&name), fl_symbols_name(symbols, v));
	else if (f->modifier == FL_HIST_SYM_OFFSET)
		fl_json_str(out, fl_buf_z(&name), fl_symbols_at(symbols, v));
	else if (f->modifier == FL_HIST_LOG2)
		fl_json_u64(out, fl_buf_z(&name), v < 64 ? 1ull << v : UINT64_MAX);
	else if (f->is_signed)
		fl_json_s64(out, fl_buf_z(&name), (int64_t)v);
	else
		fl_json_u64(out, fl_buf_z(&name), v);
	if (f->modifier == FL_HIST_EXECNAME)
		fl_json_str(out, "comm", v ? comm(e) : FL_STR("<idle>"));
}

void fl_hist_json(const struct fl_record_schema *p, const struct fl_hist_table *t,
		  struct fl_symbols *symbols, struct fl_buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct fl_hist_entry *e = &t->entries[i];

		fl_json_open(out, NULL, '{');
		fl_json_str(out, "group", p->event->group);
		fl_json_str(out, "event", p->event->event);
		fl_json_open(out, "keys", '{');
		for (size_t k = 0; k < t->hist->nr_keys; k++)
			json_key(&t->hist->keys[k], e, symbols, out);
		fl_json_close(out, '}');
		fl_json_u64(out, "hitcount", e->hits);
		fl_json_open(out, "vals", '{');
		for (size_t k = 0; k < t->hist->nr_vals; k++) {
			_cleanup_buf_ struct fl_buf name = {};

			fl_buf_add_str(&name, t->hist->vals[k].name);
			if (t->hist->vals[k].is_signed)
				fl_json_s64(out, fl_buf_z(&name), (int64_t)e->sums[k]);
			else
				fl_json_u64(out, fl_buf_z(&name), e->sums[k]);
		}
		fl_json_close(out, '}');
		fl_json_close(out, '}');
		fl_json_end_line(out);
	}
}
