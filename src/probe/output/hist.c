/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/hist.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "probe/output/meaning.h"
#include "probe/output/stack.h"

static struct fl_str key_string(const struct fl_hist_field *f, const struct fl_hist_entry *e)
{
	const char *z = (const char *)e->key + f->offset;

	return fl_str_n(z, strnlen(z, f->size));
}

static struct fl_str comm(const struct fl_hist_entry *e)
{
	return fl_str_n(e->comm, strnlen(e->comm, sizeof(e->comm)));
}

/* How wide the texts of a key are, for each key: the kernel's width, or less where a terminal is narrow. */
struct widths {
	size_t text[FL_HIST_MAX_KEYS];
};

/* The kernel calls it by its function. */
static void add_syscall(uint64_t number, struct fl_buf *out)
{
	static const char *const others[][2] = {
		{ "stat", "newstat" },	 { "fstat", "newfstat" },     { "lstat", "newlstat" },
		{ "uname", "newuname" }, { "sendfile", "sendfile64" }, { "umount2", "umount" },
	};
	const char *name = number <= INT_MAX ? fl_syscall_name((int64_t)number) : NULL;

	for (size_t i = 0; name && i < FL_ARRAY_SIZE(others); i++)
		if (strcmp(name, others[i][0]) == 0)
			name = others[i][1];
	if (name)
		fl_buf_addf(out, "sys_%s", name);
	else
		fl_buf_addz(out, "unknown_syscall");
}

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

static void trim_key(const struct fl_hist_field *f, const struct fl_hist_entry *e, struct fl_symbols *symbols)
{
	uint8_t *frames = (uint8_t *)e->key + f->offset; /* the table's own memory */
	struct fl_stack s = key_stack(f, e, FL_HIST_FRAMES_RAW);

	fl_stack_trim(FL_STACK_KERNEL, 0, symbols, &s);
	s.n = FL_MIN(s.n, (size_t)FL_HIST_FRAMES);
	memmove(frames, s.frames, 8 * s.n);
	memset(frames + 8 * s.n, 0, f->size - 8 * s.n);
}

void fl_hist_trim(struct fl_hist_table *t, struct fl_symbols *symbols)
{
	const struct fl_hist *h = t->hist;
	bool any = false;

	for (size_t k = 0; k < h->nr_keys; k++) {
		if (h->keys[k].source != FL_HIST_STACK)
			continue;
		any = true;
		for (size_t i = 0; i < t->n; i++)
			trim_key(&h->keys[k], &t->entries[i], symbols);
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
		fl_buf_addz(out, f->value && f->value->field ? ".stacktrace:\n" : ":\n");
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
	case FL_HIST_SYSCALL:
		start = out->len;
		add_syscall(v, out);
		pad(out, start, FL_MIN(most, (size_t)30));
		fl_buf_addf(out, "[%3" PRIu64 "]", v);
		break;
	case FL_HIST_LOG2:
		fl_buf_addf(out, "~ 2^%-2" PRIu64, v);
		break;
	case FL_HIST_BUCKETS:
		fl_buf_addf(out, "~ %" PRIu64 "-%" PRIu64, v, v + f->bucket - 1);
		break;
	default:
		fl_buf_addf(out, "%10" PRIu64, v); /* whatever its sign, as the kernel's */
		break;
	}
}

/* ---- sums ---- */

#define GRAPH_WIDTH 20

static void add_graph(uint64_t v, uint64_t most, struct fl_buf *out)
{
	unsigned int part = 0, n;

	if (!fl_hist_hundredths(v, most, &part)) {
		fl_buf_addf(out, "%*s", GRAPH_WIDTH, "[ERROR]");
		return;
	}
	n = FL_MIN(part * GRAPH_WIDTH / 10000, (unsigned int)GRAPH_WIDTH);
	fl_buf_fill(out, '#', n);
	fl_buf_fill(out, ' ', GRAPH_WIDTH - n);
}

static void add_sum(const struct fl_hist_field *f, uint64_t v, struct fl_hist_whole w, struct fl_buf *out)
{
	unsigned int part = 0;

	fl_buf_addf(out, "  %.*s", FL_STR_ARG(f->name));
	if (f->modifier == FL_HIST_PERCENT && !fl_hist_hundredths(v, w.all, &part)) {
		fl_buf_addz(out, " (%):[ERROR]");
	} else if (f->modifier == FL_HIST_PERCENT) {
		fl_buf_addf(out, " (%%): %3u.%02u", part / 100, part % 100);
	} else if (f->modifier == FL_HIST_GRAPH) {
		fl_buf_addz(out, ": ");
		add_graph(v, w.most, out);
	} else if (f->modifier == FL_HIST_HEX) {
		fl_buf_addf(out, ": %10" PRIx64, v);
	} else {
		fl_buf_addf(out, ": %10" PRIu64, v);
	}
}

/* ---- what actions have seen ---- */

static uint64_t seen_number(const struct fl_hist_place *p, const struct fl_hist_entry *e)
{
	uint64_t v = 0;

	if (e->seen)
		memcpy(&v, e->seen + p->offset, 8);
	return v;
}

static struct fl_str seen_text(const struct fl_hist_place *p, const struct fl_hist_entry *e)
{
	const char *z = e->seen ? (const char *)e->seen + p->offset : "";

	return fl_str_n(z, strnlen(z, p->size));
}

static struct fl_stack seen_stack(const struct fl_hist_place *p, const struct fl_hist_entry *e,
				  struct fl_symbols *symbols)
{
	struct fl_stack s = { .frames = e->seen ? e->seen + p->offset : NULL };

	while (s.frames && s.n < FL_HIST_FRAMES_RAW && fl_stack_frame(&s, s.n))
		s.n++;
	fl_stack_trim(FL_STACK_KERNEL, 0, symbols, &s);
	s.n = FL_MIN(s.n, (size_t)FL_HIST_FRAMES);
	return s;
}

/* The kernel shows where it keeps it, which says nothing: the frames, as in a key. */
static void add_saved_stack(const struct fl_hist_place *p, const struct fl_hist_entry *e, struct fl_symbols *symbols,
			    bool bytes, struct fl_buf *out)
{
	struct fl_stack s = seen_stack(p, e, symbols);

	for (size_t i = 0; i < s.n; i++) {
		fl_buf_addz(out, "\n\t\t");
		add_text(fl_symbols_at(symbols, fl_stack_frame(&s, i)), bytes, out);
	}
}

static void add_saved(const struct fl_hist *h, const struct fl_hist_entry *e, struct fl_symbols *symbols, bool bytes,
		      struct fl_buf *out)
{
	for (size_t i = 0; i < h->seen.n; i++) {
		const struct fl_hist_place *p = &h->seen.v[i];
		size_t start;

		if (!p->from)
			continue;
		fl_buf_addf(out, "  %s: ", p->value->variable);
		start = out->len;
		if (p->from->flags & FL_HV_STACK)
			add_saved_stack(p, e, symbols, bytes, out);
		else if (p->size == 8)
			fl_buf_addf(out, "%10" PRIu64, seen_number(p, e));
		else
			add_text(seen_text(p, e), bytes, out);
		pad(out, start, p->size == FL_HIST_STRING ? 32 : 0);
	}
}

static void add_seen(const struct fl_hist *h, const struct fl_hist_entry *e, struct fl_symbols *symbols, bool bytes,
		     struct fl_buf *out)
{
	const struct fl_trigger *t = h->trigger;

	for (size_t i = 0; t && i < t->nr_actions; i++) {
		size_t at = fl_hist_seen_by(h, t->action[i]);

		if (at == SIZE_MAX)
			continue;
		fl_buf_addf(out, "\n\t%s: %10" PRIu64, t->action[i]->handler == FL_HIST_ONMAX ? "max" : "changed",
			    seen_number(&h->seen.v[at], e));
		if (t->action[i]->kind != FL_HIST_SNAPSHOT)
			add_saved(h, e, symbols, bytes, out);
	}
}

/* ---- rows ---- */

static void add_bar(uint64_t v, uint64_t most, unsigned int width, struct fl_buf *out)
{
	unsigned int n = most ? (unsigned int)((double)v * width / (double)most + 0.5) : 0;

	fl_buf_addz(out, " |");
	fl_buf_fill(out, '@', n);
	fl_buf_fill(out, ' ', width - n);
	fl_buf_addc(out, '|');
}

static void add_keys(const struct fl_hist *h, const struct fl_hist_entry *e, const struct widths *widths,
		     struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	bool multiline = false;

	fl_buf_addz(out, "{ ");
	for (size_t i = 0; i < h->nr_keys; i++) {
		if (i)
			fl_buf_addz(out, ", ");
		multiline |= h->keys[i].source == FL_HIST_STACK;
		add_key(&h->keys[i], e, widths ? widths->text[i] : SIZE_MAX, symbols, bytes, out);
	}
	fl_buf_addz(out, multiline ? "}" : " }");
}

static void add_entry(const struct fl_hist_table *t, const struct fl_hist_entry *e, const struct widths *widths,
		      struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	const struct fl_hist *h = t->hist;

	add_keys(h, e, widths, symbols, bytes, out);
	if (!h->trigger->attrs.nohitcount)
		fl_buf_addf(out, " hitcount: %10" PRIu64, e->hits);
	for (size_t i = 0; i < h->nr_vals; i++)
		add_sum(&h->vals[i], e->sums[i], t->whole[i], out);
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
		else if (f->modifier == FL_HIST_SYSCALL)
			add_syscall(v, &text);
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

		add_entry(t, &t->entries[i], widths, symbols, bytes, &row);
		most = FL_MAX(most, last_line(&row));
	}
	if (most + BAR_FRAME + BAR_LEAST > columns)
		return 0;
	return FL_MIN(columns - (unsigned int)most - BAR_FRAME, (unsigned int)BAR_MOST);
}

/* The action that takes snapshots. */
static const struct fl_hist_action *snapshot_action(const struct fl_hist *h)
{
	size_t i = 0;

	while (h->trigger->action[i]->kind != FL_HIST_SNAPSHOT)
		i++;
	return h->trigger->action[i];
}

static struct fl_hist_entry snapshot_entry(const struct fl_hist_snapshot *s)
{
	struct fl_hist_entry e = { .key = s->key };

	memcpy(e.comm, s->comm, sizeof(e.comm));
	return e;
}

static void add_snapshot(const struct fl_hist_table *t, struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	const struct fl_hist_action *a = snapshot_action(t->hist);
	struct fl_hist_entry e = snapshot_entry(&t->snapshot);

	fl_buf_addf(out, "\nSnapshot taken (see tracing/snapshot).  Details:\n\ttriggering value { %s(%s) }: %10" PRIu64
			 "\ttriggered by event with key: ",
		    a->handler == FL_HIST_ONMAX ? "onmax" : "onchange", a->variable, t->snapshot.value);
	add_keys(t->hist, &e, NULL, symbols, bytes, out);
	fl_buf_addc(out, '\n');
}

void fl_hist_text(const struct fl_record_schema *p, const struct fl_hist_table *t, unsigned int columns,
		  struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	struct widths widths;
	unsigned int bars;
	uint64_t most = 0;

	bars = fit(t, columns, symbols, bytes, &widths);
	for (size_t i = 0; i < t->n; i++)
		most = FL_MAX(most, t->entries[i].hits);
	fl_buf_addf(out, "# %.*s/%.*s\n# event histogram\n#\n# trigger info: ",
		    FL_STR_ARG(p->event->group), FL_STR_ARG(p->event->event));
	fl_trigger_print(t->hist->trigger, out);
	fl_buf_addz(out, "#\n\n");
	for (size_t i = 0; i < t->n; i++) {
		add_entry(t, &t->entries[i], &widths, symbols, bytes, out);
		if (bars)
			add_bar(t->entries[i].hits, most, bars, out);
		add_seen(t->hist, &t->entries[i], symbols, bytes, out);
		fl_buf_addc(out, '\n');
	}
	if (t->snapshot.taken)
		add_snapshot(t, symbols, bytes, out);
	fl_buf_addf(out, "\nTotals:\n    Hits: %" PRIu64 "\n    Entries: %zu\n    Dropped: %" PRIu64 "\n",
		    t->hits, t->n, t->dropped);
}

static void json_frames(const char *key, const struct fl_stack *s, struct fl_symbols *symbols, struct fl_buf *out)
{
	fl_json_open(out, key, '[');
	for (size_t i = 0; i < s->n; i++)
		fl_json_str(out, NULL, fl_symbols_at(symbols, fl_stack_frame(s, i)));
	fl_json_close(out, ']');
}

static void json_stack(const char *key, const struct fl_hist_field *f, const struct fl_hist_entry *e,
		       struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_stack s = key_stack(f, e, FL_HIST_FRAMES);

	json_frames(key, &s, symbols, out);
}

static void json_syscall(const char *key, uint64_t number, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	add_syscall(number, &name);
	fl_json_str(out, key, fl_buf_str(&name));
}

static void json_key(const struct fl_hist_field *f, const struct fl_hist_entry *e,
		     struct fl_symbols *symbols, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};
	uint64_t v = f->is_string ? 0 : fl_hist_key(f, e);

	fl_buf_add_str(&name, f->name);
	if (f->source == FL_HIST_STACK)
		json_stack(fl_buf_z(&name), f, e, symbols, out);
	else if (f->is_string)
		fl_json_str(out, fl_buf_z(&name), key_string(f, e));
	else if (f->modifier == FL_HIST_SYM)
		fl_json_str(out, fl_buf_z(&name), fl_symbols_name(symbols, v));
	else if (f->modifier == FL_HIST_SYM_OFFSET)
		fl_json_str(out, fl_buf_z(&name), fl_symbols_at(symbols, v));
	else if (f->modifier == FL_HIST_SYSCALL)
		json_syscall(fl_buf_z(&name), v, out);
	else if (f->modifier == FL_HIST_LOG2)
		fl_json_u64(out, fl_buf_z(&name), v < 64 ? 1ull << v : UINT64_MAX);
	else if (f->is_signed)
		fl_json_s64(out, fl_buf_z(&name), (int64_t)v);
	else
		fl_json_u64(out, fl_buf_z(&name), v);
	if (f->modifier == FL_HIST_EXECNAME)
		fl_json_str(out, "comm", v ? comm(e) : FL_STR("<idle>"));
}

static void json_head(const struct fl_record_schema *p, const struct fl_hist_table *t, const char *type,
		      const struct fl_hist_entry *e, struct fl_symbols *symbols, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	if (type)
		fl_json_strz(out, "type", type);
	fl_json_str(out, "group", p->event->group);
	fl_json_str(out, "event", p->event->event);
	fl_json_open(out, "keys", '{');
	for (size_t k = 0; k < t->hist->nr_keys; k++)
		json_key(&t->hist->keys[k], e, symbols, out);
	fl_json_close(out, '}');
}

static void json_sums(const struct fl_hist *h, const struct fl_hist_entry *e, struct fl_buf *out)
{
	fl_json_open(out, "vals", '{');
	for (size_t k = 0; k < h->nr_vals; k++) {
		_cleanup_buf_ struct fl_buf name = {};

		fl_buf_add_str(&name, h->vals[k].name);
		if (h->vals[k].is_signed)
			fl_json_s64(out, fl_buf_z(&name), (int64_t)e->sums[k]);
		else
			fl_json_u64(out, fl_buf_z(&name), e->sums[k]);
	}
	fl_json_close(out, '}');
}

static void json_saved(const struct fl_hist *h, const struct fl_hist_entry *e, struct fl_symbols *symbols,
		       struct fl_buf *out)
{
	fl_json_open(out, "saved", '{');
	for (size_t i = 0; i < h->seen.n; i++) {
		const struct fl_hist_place *p = &h->seen.v[i];

		if (p->from && p->from->flags & FL_HV_STACK) {
			struct fl_stack s = seen_stack(p, e, symbols);

			json_frames(p->value->variable, &s, symbols, out);
		} else if (p->from && p->size > 8) {
			fl_json_str(out, p->value->variable, seen_text(p, e));
		} else if (p->from && p->from->is_signed) {
			fl_json_s64(out, p->value->variable, (int64_t)seen_number(p, e));
		} else if (p->from) {
			fl_json_u64(out, p->value->variable, seen_number(p, e));
		}
	}
	fl_json_close(out, '}');
}

static void json_seen(const struct fl_hist *h, const struct fl_hist_entry *e, struct fl_symbols *symbols,
		      struct fl_buf *out)
{
	fl_json_open(out, "seen", '[');
	for (size_t i = 0; i < h->trigger->nr_actions; i++) {
		const struct fl_hist_action *a = h->trigger->action[i];
		size_t at = fl_hist_seen_by(h, a);

		if (at == SIZE_MAX)
			continue;
		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "handler", a->handler == FL_HIST_ONMAX ? "onmax" : "onchange");
		fl_json_strz(out, "variable", a->variable + 1);
		fl_json_u64(out, "value", seen_number(&h->seen.v[at], e));
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
	if (h->trigger->nr_save_vars)
		json_saved(h, e, symbols, out);
}

void fl_hist_json(const struct fl_record_schema *p, const struct fl_hist_table *t,
		  struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_hist_entry last = snapshot_entry(&t->snapshot);

	for (size_t i = 0; i < t->n; i++) {
		const struct fl_hist_entry *e = &t->entries[i];

		json_head(p, t, NULL, e, symbols, out);
		if (!t->hist->trigger->attrs.nohitcount)
			fl_json_u64(out, "hitcount", e->hits);
		json_sums(t->hist, e, out);
		if (t->hist->seen.n)
			json_seen(t->hist, e, symbols, out);
		fl_json_close(out, '}');
		fl_json_end_line(out);
	}
	if (!t->snapshot.taken)
		return;
	json_head(p, t, "snapshot", &last, symbols, out);
	fl_json_u64(out, "value", t->snapshot.value);
	fl_json_u64(out, "taken", t->snapshot.taken);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}
