/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A synthetic event as an action makes it: the record that the kernel would have filed, and its line. */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "probe/event/format.h"
#include "probe/event/synth.h"
#include "probe/output/linehead.h"
#include "probe/output/stack.h"
#include "probe/tracefs/private.h"

/* A histogram may listen to an event that its own action makes, one made by that, and so on. */
#define NESTING_MAX 4

static bool is_dynamic(const struct fl_probe_arg *a)
{
	return a->type->flags & FL_TYPE_STACK || (a->type->flags & FL_TYPE_STRING && !(a->type->flags & FL_TYPE_FIXED));
}

/* Behind the fixed part, with its place in the field. */
static void put_dynamic(const struct fl_probe_arg *a, struct fl_str text, size_t at, struct fl_buf *out)
{
	bool is_text = a->type->flags & FL_TYPE_STRING;
	uint32_t n = (uint32_t)(text.n + is_text);

	if (!out->error)
		fl_put_le32(out->data + at, (uint32_t)out->len | n << 16);
	fl_buf_add_str(out, text);
	if (is_text)
		fl_buf_addc(out, '\0');
}

static void put_field(const struct fl_probe_arg *a, const struct fl_count_value *v, struct fl_buf *out)
{
	size_t at = FL_FORMAT_COMMON_SIZE + a->offset;
	struct fl_str text = fl_str_sub(v->text.p ? v->text : FL_STR(""), 0, FL_SYNTH_STRING - 1);
	uint64_t number = htole64(v->number);

	if (out->error)
		return;
	if (is_dynamic(a))
		put_dynamic(a, text, at, out);
	else if (a->type->flags & FL_TYPE_STRING)
		memcpy(out->data + at, text.p, text.n);
	else
		memcpy(out->data + at, &number, FL_MIN((size_t)a->type->size, sizeof(number)));
}

static void make_record(const struct place *p, const struct fl_probe_event *e, uint32_t pid,
			const struct fl_count_value *v, size_t n, struct fl_buf *out)
{
	size_t fixed = FL_FORMAT_COMMON_SIZE;

	for (size_t i = 0; i < e->nr_args; i++)
		fixed = FL_MAX(fixed, FL_FORMAT_COMMON_SIZE + (size_t)e->args[i].offset + fl_synth_room(&e->args[i]));
	fl_buf_fill(out, '\0', fixed);
	if (!out->error) {
		fl_put_le16(out->data, (uint16_t)p->id);
		fl_put_le32(out->data + 4, pid);
	}
	for (size_t i = 0; i < n && i < e->nr_args; i++)
		put_field(&e->args[i], &v[i], out);
}

/* ---- the line ---- */

struct saying {
	const struct fl_probe_event *e;
	const struct fl_count_value *v;
	size_t n;
};

static void say_stack(const struct moment *m, struct fl_str frames, struct fl_buf *out)
{
	fl_buf_addz(out, "STACK:\n");
	for (size_t at = 0; at + 8 <= frames.n; at += 8) {
		uint64_t frame;

		memcpy(&frame, frames.p + at, sizeof(frame));
		if (!frame)
			break;
		fl_buf_addf(out, "=> %.*s\n", FL_STR_ARG(fl_symbols_at(m->p->in->fs->symbols, frame)));
	}
}

static void say_value(const struct moment *m, const struct fl_probe_arg *a, const struct fl_count_value *v,
		      struct fl_buf *out)
{
	unsigned int unused = 64 - 8 * FL_MIN((unsigned int)a->type->size, 8u);
	uint64_t number = v->number;

	if (a->type->flags & FL_TYPE_STACK) {
		say_stack(m, v->text.p ? v->text : FL_STR(""), out);
	} else if (a->type->flags & FL_TYPE_STRING) {
		if (v->text.p)
			fl_escape(out, v->text);
	} else {
		number = a->type->is_signed ? (uint64_t)((int64_t)(number << unused) >> unused)
					    : number << unused >> unused;
		if (a->type->is_signed)
			fl_buf_addf(out, "%" PRId64, (int64_t)number);
		else
			fl_buf_addf(out, "%" PRIu64, number);
	}
}

static void say(const struct moment *m, struct fl_buf *out)
{
	const struct saying *s = m->ctx;
	struct fl_record head = { .time = m->rec->time, .pid = m->rec->pid };
	char room[FL_LINE_HEAD_ROOM];

	memcpy(head.comm, m->rec->comm.p, FL_MIN(m->rec->comm.n, sizeof(head.comm) - 1));
	fl_buf_add(out, room, (size_t)(fl_line_head_once(room, m->rec->cpu, &head) - room));
	fl_buf_addf(out, "%.*s: ", FL_STR_ARG(s->e->event));
	for (size_t i = 0; i < s->e->nr_args && i < s->n; i++) {
		fl_buf_addf(out, "%s%.*s=", i ? " " : "", FL_STR_ARG(s->e->args[i].name));
		say_value(m, &s->e->args[i], &s->v[i], out);
	}
	fl_buf_addc(out, '\n');
}

int synth_trace(void *ctx, const struct fl_probe_event *synth, const struct fl_count_record *at,
		const struct fl_count_value *v, size_t n)
{
	struct instance *in = ctx;
	struct place *p = place_named(in, synth->group, synth->event);
	const struct saying s = { synth, v, n };
	_cleanup_buf_ struct fl_buf data = {};
	struct fl_count_record rec = *at;
	struct moment m = { .p = p, .rec = &rec, .passes = true, .line = say, .ctx = &s };
	int r;

	if (!p)
		return -ENOMEM;
	if ((!p->wanted && !place_has_triggers(p)) || in->nesting == NESTING_MAX)
		return 0;
	make_record(p, synth, at->pid, v, n, &data);
	if (data.error)
		return data.error;
	rec.data = (const uint8_t *)data.data;
	rec.size = data.len;
	m.raw = fl_buf_str(&data);
	p->passes_pids = true;
	if (p->filter) {
		const struct fl_filter_env env = { .comm = rec.comm, .cpu = rec.cpu };

		m.passes = p->here.n && fl_filter_match(&p->here, rec.data, rec.size, &env);
	}
	in->nesting++;
	r = moment_pass(&m);
	in->nesting--;
	return r;
}
