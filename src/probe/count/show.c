/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file "hist" as the kernel shows it: histogram by histogram, entries in the order that was asked for. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "probe/count/private.h"
#include "probe/hist/table.h"
#include "probe/output/meaning.h"

/* One histogram that is being shown. */
struct showing {
	const struct fl_trigger *t;
	struct fl_symbols *symbols;
	struct fl_arena *arena;
	struct fl_buf *out;
};

static void pad(struct fl_buf *out, size_t start, size_t width)
{
	if (out->len - start < width)
		fl_buf_fill(out, ' ', width - (out->len - start));
}

static void add_padded(const struct showing *s, struct fl_str text, size_t width)
{
	size_t start = s->out->len;

	fl_escape(s->out, text);
	pad(s->out, start, width);
}

static uint64_t key_number(const struct fl_hist_value *v, const uint8_t *key)
{
	uint64_t n = 0;

	memcpy(&n, key + v->offset, FL_MIN(v->size, 8u));
	return n;
}

static struct fl_str key_text(const struct fl_hist_value *v, const uint8_t *key)
{
	const char *z = (const char *)key + v->offset;

	return fl_str_n(z, strnlen(z, v->size));
}

/* ---- keys ---- */

static void add_stack(const struct showing *s, const struct fl_hist_value *v, const uint8_t *key)
{
	if (v->field)
		fl_buf_addf(s->out, "%s.stacktrace", v->field->name);
	else
		fl_buf_addz(s->out, "common_stacktrace:\n");
	for (uint32_t at = 0; at + 8 <= v->size; at += 8) {
		uint64_t frame;

		memcpy(&frame, key + v->offset + at, sizeof(frame));
		if (!frame)
			break;
		fl_buf_addz(s->out, "         ");
		fl_escape(s->out, fl_symbols_at(s->symbols, frame));
		fl_buf_addc(s->out, '\n');
	}
}

static void add_syscall(const struct showing *s, uint64_t n)
{
	const char *known = fl_syscall_name((int64_t)n);
	_cleanup_buf_ struct fl_buf name = {};

	if (known)
		fl_buf_addf(&name, "sys_%s", known);
	else
		fl_buf_addz(&name, "unknown_syscall");
	add_padded(s, fl_buf_str(&name), 30);
	fl_buf_addf(s->out, "[%3" PRIu64 "]", n);
}

static void add_key(const struct showing *s, const struct fl_hist_value *v, const struct entry *e)
{
	uint64_t n = key_number(v, e->key);

	if (v->flags & FL_HV_STACK) {
		add_stack(s, v, e->key);
		return;
	}
	fl_buf_addf(s->out, "%s: ", fl_hist_value_name(v, s->arena));
	if (v->flags & FL_HV_HEX) {
		fl_buf_addf(s->out, "%" PRIx64, n);
	} else if (v->flags & FL_HV_SYM) {
		fl_buf_addf(s->out, "[%" PRIx64 "] ", n);
		add_padded(s, fl_symbols_name(s->symbols, n), 45);
	} else if (v->flags & FL_HV_SYM_OFFSET) {
		fl_buf_addf(s->out, "[%" PRIx64 "] ", n);
		add_padded(s, fl_symbols_at(s->symbols, n), 55);
	} else if (v->flags & FL_HV_EXECNAME) {
		add_padded(s, n ? fl_str(e->comm) : FL_STR("<idle>"), 16);
		fl_buf_addf(s->out, "[%10" PRIu64 "]", n);
	} else if (v->flags & FL_HV_SYSCALL) {
		add_syscall(s, n);
	} else if (v->flags & FL_HV_LOG2) {
		fl_buf_addf(s->out, "~ 2^%-2" PRIu64, n);
	} else if (v->flags & FL_HV_BUCKET) {
		fl_buf_addf(s->out, "~ %" PRIu64 "-%" PRIu64, n, n + v->bucket - 1);
	} else if (v->flags & FL_HV_STRING_) {
		add_padded(s, key_text(v, e->key), 50);
	} else {
		fl_buf_addf(s->out, "%10" PRIu64, n);
	}
}

static void add_keys(const struct showing *s, const struct entry *e)
{
	bool multiline = false;

	fl_buf_addz(s->out, "{ ");
	for (size_t i = s->t->nr_vals; i < s->t->nr_values; i++) {
		fl_buf_addz(s->out, i > s->t->nr_vals ? ", " : "");
		add_key(s, s->t->value[i], e);
		multiline |= (s->t->value[i]->flags & FL_HV_STACK) != 0;
	}
	fl_buf_addz(s->out, multiline ? "}" : " }");
}

/* ---- sums ---- */

/* Of all entries: what ".percent" and ".graph" are of. */
struct extent {
	uint64_t most, total;
};

static uint64_t sum_of(const struct entry *e, size_t sum)
{
	return sum ? e->sum[sum] : e->hits;
}

static struct extent extent_of(const struct counted *c, size_t sum)
{
	struct extent x = {};

	fl_map_for_each(m, &c->entries) {
		x.total += sum_of(m->ptr, sum);
		x.most = FL_MAX(x.most, sum_of(m->ptr, sum));
	}
	return x;
}

static void add_sum(const struct showing *s, const char *name, unsigned int flags, uint64_t v, struct extent x)
{
	unsigned int part;

	if (flags & FL_HV_PERCENT && !fl_hist_hundredths(v, x.total, &part))
		fl_buf_addf(s->out, " %s (%%):[ERROR]", name);
	else if (flags & FL_HV_PERCENT)
		fl_buf_addf(s->out, " %s (%%): %3u.%02u", name, part / 100, part % 100);
	else if (flags & FL_HV_GRAPH && fl_hist_hundredths(v, x.most, &part)) {
		fl_buf_addf(s->out, " %s: ", name);
		fl_buf_fill(s->out, '#', part * 20 / 10000);
		fl_buf_fill(s->out, ' ', 20 - part * 20 / 10000);
	} else if (flags & FL_HV_GRAPH)
		fl_buf_addf(s->out, " %s: %20s", name, "[ERROR]");
	else
		fl_buf_addf(s->out, flags & FL_HV_HEX ? " %s: %10" PRIx64 : " %s: %10" PRIu64, name, v);
}

static void add_sums(const struct showing *s, const struct counted *c, const struct entry *e)
{
	size_t sum = 1;

	if (!s->t->attrs.nohitcount)
		add_sum(s, "hitcount", 0, e->hits, (struct extent){});
	for (size_t i = 1; i < s->t->nr_vals; i++) {
		const struct fl_hist_value *v = s->t->value[i];

		if (v->flags & FL_HV_VAR)
			continue;
		if (!(v->flags & FL_HV_EXPR)) {
			fl_buf_addc(s->out, ' ');
			add_sum(s, fl_hist_value_name(v, s->arena), v->flags, e->sum[sum],
				v->flags & (FL_HV_PERCENT | FL_HV_GRAPH) ? extent_of(c, sum) : (struct extent){});
		}
		sum++;
	}
}

/* ---- what onmax() and onchange() keep ---- */

static void add_saved(const struct showing *s, const struct entry *e)
{
	for (size_t i = 0; i < s->t->nr_save_vars; i++) {
		const struct fl_hist_value *var = s->t->save_var[i].var;
		const struct kept *k = &e->var[var->slot];

		fl_buf_addf(s->out, "  %s: ", var->variable);
		if (k->data || s->t->save_var[i].val->flags & FL_HV_STRING_)
			add_padded(s, fl_str_n(k->data ? k->data : "", k->n), 32);
		else
			fl_buf_addf(s->out, "%10" PRIu64, k->number);
	}
}

static void add_tracked(const struct showing *s, const struct entry *e)
{
	for (size_t i = 0; i < s->t->nr_actions; i++) {
		const struct fl_hist_action *a = s->t->action[i];

		if (a->handler == FL_HIST_ONMATCH)
			continue;
		fl_buf_addf(s->out, "\n\t%s: %10" PRIu64, a->handler == FL_HIST_ONMAX ? "max" : "changed",
			    e->var[a->best->slot].number);
		if (a->kind != FL_HIST_SNAPSHOT)
			add_saved(s, e);
	}
}

static void add_shot(const struct showing *s, const struct counted *c)
{
	for (size_t i = 0; i < s->t->nr_actions && c->shot; i++) {
		const struct fl_hist_action *a = s->t->action[i];

		if (a->kind != FL_HIST_SNAPSHOT)
			continue;
		fl_buf_addf(s->out, "\nSnapshot taken (see tracing/snapshot).  Details:\n"
			    "\ttriggering value { %s(%s) }: %10" PRIu64 "\ttriggered by event with key: ",
			    a->handler == FL_HIST_ONMAX ? "onmax" : "onchange", a->variable, c->shot_value);
		add_keys(s, c->shot);
		fl_buf_addc(s->out, '\n');
		return;
	}
}

/* ---- the order ---- */

static int compare_numbers(uint64_t a, uint64_t b, bool is_signed)
{
	if (is_signed)
		return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
	return (a > b) - (a < b);
}

/* Of a pointer to characters the kernel compares the bytes as if they were some (create_tracing_map_fields()). */
static bool is_text(const struct fl_hist_value *v)
{
	return v->flags & FL_HV_STRING_ || (v->field && v->field->kind == FL_HF_PTR_STRING);
}

/* By a sort key's value: counted without variables, sums first, then keys. */
static int compare_by(const struct fl_trigger *t, const struct fl_hist_sort_key *k, const struct entry *a,
		      const struct entry *b)
{
	size_t sums = t->nr_vals - t->nr_vars;
	const struct fl_hist_value *v;
	int r;

	if (k->value < sums) {
		r = compare_numbers(sum_of(a, k->value), sum_of(b, k->value), false);
	} else {
		v = t->value[k->value + t->nr_vars];
		r = v->flags & FL_HV_STACK     ? 0
		    : is_text(v)	       ? fl_str_cmp(key_text(v, a->key), key_text(v, b->key))
		    : compare_numbers(key_number(v, a->key), key_number(v, b->key), v->is_signed && v->size == 8);
	}
	return k->descending ? -r : r;
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct fl_trigger *t = ctx;
	const struct entry *const *x = a, *const *y = b;
	int r = 0;

	for (size_t i = 0; i < t->nr_sort && r == 0; i++)
		r = compare_by(t, &t->sort[i], *x, *y);
	return r;
}

static int add_entries(const struct showing *s, const struct counted *c)
{
	size_t n = c->entries.count, i = 0;
	_cleanup_free_ const struct entry **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	fl_map_for_each(m, &c->entries)
		sorted[i++] = m->ptr;
	qsort_r(sorted, n, sizeof(*sorted), compare, (void *)s->t);
	for (i = 0; i < n; i++) {
		add_keys(s, sorted[i]);
		add_sums(s, c, sorted[i]);
		add_tracked(s, sorted[i]);
		fl_buf_addc(s->out, '\n');
	}
	return 0;
}

int fl_count_show(const struct fl_trigger_event *e, struct fl_symbols *symbols, struct fl_buf *out)
{
	static const struct counted nothing;
	_cleanup_arena_ struct fl_arena arena = {};
	int r = 0;

	for (size_t i = 0; i < e->n && r == 0; i++) {
		const struct showing s = { counting(e->trigger[i]), symbols, &arena, out };
		const struct counted *c = s.t->counted ? s.t->counted : &nothing;

		fl_buf_addf(out, "%s# event histogram\n#\n# trigger info: ", i ? "\n\n" : "");
		fl_trigger_print(e->trigger[i], out);
		fl_buf_addz(out, "#\n\n");
		r = add_entries(&s, c);
		add_shot(&s, c);
		fl_buf_addf(out, "\nTotals:\n    Hits: %" PRIu64 "\n    Entries: %u\n    Dropped: %" PRIu64 "\n",
			    c->hits, c->entries.count, c->dropped);
	}
	return r;
}
