/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Perfetto's protobuf: a Trace is a row of TracePackets.
 *
 * Every record is a FtraceEvent in the bundle of its CPU, as traced_probes files it: in the message
 * that Perfetto has for the event, or in the generic one with names and values. Beside that, what
 * begins and ends something is a slice on the track of its thread or CPU; a probe's record is an
 * instant on its thread's track, and its numbers are counters; stacks are samples with call stacks.
 *
 * Tracks, and texts of stacks, are described once, in front of their first use. A bundle is written
 * when it is full or at the end: readers sort by time.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/protobuf.h"
#include "base/utf8.h"
#include "base/util.h"
#include "probe/export/private.h"
#include "probe/export/pairs.h"
#include "probe/export/perfetto.h"

#define BUNDLE_BYTES 32768
#define SEQUENCE     1
#define UUID_THREAD  (1ull << 32)
#define UUID_CPU     (2ull << 32)
#define UUID_COUNTER (3ull << 32)
#define UUID_PAIR    (4ull << 32)
#define KERNEL_MAP   1
#define USER_MAP     2

struct known {
	const char *system, *event;
	unsigned int number;
	const char *fields;
};

static const struct known known_events[] = {
#define E(system, event, number, fields) {system, event, number, fields},
#include "probe/export/perfetto-events.def"
#undef E
};

#define MAX_NUMBERED 32

/* What is known of an event; found by its format. */
struct event {
	const struct fl_format *format;
	unsigned int message; /* 0: the generic one */
	bool is_probe;
	uint8_t numbers[MAX_NUMBERED]; /* of each printed value in its message; 0: none */
	const struct fl_field
		*places[2]; /* a probe's ip and the like, which are no printed values */
};

struct bundle {
	struct fl_buf events;
	bool lost;
};

struct perfetto {
	struct fl_pairs pairs;
	struct event *cache[1024]; /* by the format's address */
	struct event **events;
	size_t nr_events;
	struct bundle *bundles; /* by CPU */
	uint32_t nr_bundles;
	struct fl_map tracks, frames, stacks;
	struct fl_arena arena;
	bool has_head;
};

static void *create(const struct fl_export_opts *opts)
{
	return calloc(1, sizeof(struct perfetto));
}

static void destroy(void *form)
{
	struct perfetto *p = form;

	for (uint32_t i = 0; i < p->nr_bundles; i++)
		fl_buf_fini(&p->bundles[i].events);
	for (size_t i = 0; i < p->nr_events; i++)
		free(p->events[i]);
	free(p->events);
	free(p->bundles);
	fl_pairs_fini(&p->pairs);
	fl_map_fini(&p->tracks);
	fl_map_fini(&p->frames);
	fl_map_fini(&p->stacks);
	fl_arena_fini(&p->arena);
	free(p);
}

/* ---- packets ---- */

static size_t open_packet(struct fl_buf *out)
{
	return fl_pb_open(out, TRACE_PACKET);
}

static void close_packet(struct fl_buf *out, size_t packet)
{
	fl_pb_u64(out, PACKET_SEQUENCE_ID, SEQUENCE);
	fl_pb_close(out, packet);
}

/* What follows refers to what was told before. */
static void put_head(struct perfetto *p, struct fl_buf *out)
{
	size_t packet, interned, part;

	if (p->has_head)
		return;
	p->has_head = true;
	packet = open_packet(out);
	fl_pb_u64(out, PACKET_SEQUENCE_FLAGS, 1); /* incremental state cleared */
	interned = fl_pb_open(out, PACKET_INTERNED_DATA);
	for (unsigned int map = KERNEL_MAP; map <= USER_MAP; map++) {
		part = fl_pb_open(out, INTERNED_MAPPING_PATHS);
		fl_pb_u64(out, INTERNED_STRING_IID, map);
		fl_pb_str(out, INTERNED_STRING_STR,
			  map == KERNEL_MAP ? FL_STR("[kernel]") : FL_STR("[user]"));
		fl_pb_close(out, part);
		part = fl_pb_open(out, INTERNED_MAPPINGS);
		fl_pb_u64(out, MAPPING_IID, map);
		fl_pb_u64(out, MAPPING_PATH_STRING_IDS, map);
		fl_pb_close(out, part);
	}
	fl_pb_close(out, interned);
	close_packet(out, packet);
}

static struct fl_str text_of(struct fl_str s)
{
	return fl_utf8_valid(s) ? s : FL_STR("(not UTF-8)");
}

/* ---- what is told once ---- */

/* 1: @key is new in the map; its number is then one more than the last one's. */
static int intern(struct perfetto *p, struct fl_map *map, struct fl_str key, uint64_t *ret)
{
	struct fl_map_entry *e = fl_map_get(map, key);
	const char *copy;

	if (e) {
		*ret = e->num;
		return 0;
	}
	copy = fl_arena_dup(&p->arena, key);
	e = copy ? fl_map_put(map, fl_str_n(copy, key.n), NULL) : NULL;
	if (!e)
		return -ENOMEM;
	*ret = e->num = map->count;
	return 1;
}

static int is_new_track(struct perfetto *p, uint64_t uuid)
{
	uint64_t number;

	return intern(p, &p->tracks, fl_str_n((const char *)&uuid, sizeof(uuid)), &number);
}

static int tell_thread(struct perfetto *p, const struct fl_recorded *rec, struct fl_buf *out)
{
	size_t packet, track, thread;
	int r = is_new_track(p, UUID_THREAD | rec->pid);

	if (r <= 0)
		return r;
	packet = open_packet(out);
	track = fl_pb_open(out, PACKET_TRACK_DESCRIPTOR);
	fl_pb_u64(out, TRACK_UUID, UUID_THREAD | rec->pid);
	thread = fl_pb_open(out, TRACK_THREAD);
	fl_pb_u64(out, THREAD_PID, rec->pid); /* its process is not recorded */
	fl_pb_u64(out, THREAD_TID, rec->pid);
	fl_pb_str(out, THREAD_NAME, text_of(rec->comm));
	fl_pb_close(out, thread);
	fl_pb_close(out, track);
	close_packet(out, packet);
	return 0;
}

/* A track that is neither a thread nor a process: a CPU, a pair, a counter. */
static int tell_track(struct perfetto *p, uint64_t uuid, struct fl_str name, bool counter,
		      struct fl_buf *out)
{
	size_t packet, track;
	int r = is_new_track(p, uuid);

	if (r <= 0)
		return r;
	packet = open_packet(out);
	track = fl_pb_open(out, PACKET_TRACK_DESCRIPTOR);
	fl_pb_u64(out, TRACK_UUID, uuid);
	fl_pb_str(out, TRACK_NAME, name);
	if (counter)
		fl_pb_close(out, fl_pb_open(out, TRACK_COUNTER));
	fl_pb_close(out, track);
	close_packet(out, packet);
	return 0;
}

/* ---- the records themselves ---- */

static void number_fields(const struct known *k, const struct fl_recorded *rec, struct event *e)
{
	struct fl_str rest = fl_str(k->fields), name;

	e->message = k->number;
	for (uint8_t number = 1; fl_str_word(&rest, &name); number++)
		for (size_t i = 0; i < rec->printer->n && i < MAX_NUMBERED; i++)
			if (fl_str_eq(rec->printer->values[i].name, name))
				e->numbers[i] = number;
}

static struct event *describe(struct perfetto *p, const struct fl_recorded *rec)
{
	struct event **more = reallocarray(p->events, p->nr_events + 1, sizeof(*more));
	struct event *e = more ? calloc(1, sizeof(*e)) : NULL;

	if (more)
		p->events = more;
	if (!e)
		return NULL;
	e->format = rec->format;
	e->is_probe = fl_event_is_probe(rec->format);
	e->places[0] = rec->printer->ip;
	e->places[1] = rec->printer->ret_ip;
	for (size_t i = 0; i < FL_ARRAY_SIZE(known_events); i++)
		if (fl_str_is(rec->format->system, known_events[i].system) &&
		    fl_str_is(rec->format->name, known_events[i].event))
			number_fields(&known_events[i], rec, e);
	p->events[p->nr_events++] = e;
	return e;
}

static struct event *event_of(struct perfetto *p, const struct fl_recorded *rec)
{
	struct event **slot = &p->cache[((uintptr_t)rec->format >> 4) % FL_ARRAY_SIZE(p->cache)];

	if (*slot && (*slot)->format == rec->format)
		return *slot;
	for (size_t i = 0; i < p->nr_events; i++)
		if (p->events[i]->format == rec->format)
			return *slot = p->events[i];
	return *slot = describe(p, rec);
}

static void add_known_value(const struct fl_recorded *rec, const struct fl_printed *v,
			    unsigned int number, struct fl_buf *out)
{
	struct fl_recorded_value value;

	for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++) {
		if (!fl_recorded_value(rec, v, k, &value))
			continue;
		if (value.is_text)
			fl_pb_str(out, number, text_of(value.text));
		else
			fl_pb_u64(out, number, value.number);
	}
}

static void add_generic_number(struct fl_str name, uint64_t v, bool is_signed, struct fl_buf *out)
{
	size_t field = fl_pb_open(out, GENERIC_FIELD);

	fl_pb_str(out, GENERIC_FIELD_NAME, name);
	fl_pb_u64(out, is_signed ? GENERIC_FIELD_INT : GENERIC_FIELD_UINT, v);
	fl_pb_close(out, field);
}

static void add_generic_value(const struct fl_recorded *rec, const struct fl_printed *v,
			      struct fl_buf *out)
{
	struct fl_recorded_value value;
	size_t field;

	for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++) {
		if (!fl_recorded_value(rec, v, k, &value))
			continue;
		if (!value.is_text) {
			add_generic_number(v->name, value.number, value.is_signed, out);
			continue;
		}
		field = fl_pb_open(out, GENERIC_FIELD);
		fl_pb_str(out, GENERIC_FIELD_NAME, v->name);
		fl_pb_str(out, GENERIC_FIELD_STR, text_of(value.text));
		fl_pb_close(out, field);
	}
}

static void add_message(const struct event *e, const struct fl_recorded *rec, struct fl_buf *out)
{
	size_t message = fl_pb_open(out, e->message ? e->message : FTRACE_GENERIC);
	uint64_t place;

	if (!e->message)
		fl_pb_str(out, GENERIC_EVENT_NAME, rec->format->name);
	for (size_t i = 0; i < 2 && !e->message; i++)
		if (e->places[i] && fl_recorded_number(rec, e->places[i], 0, 1, &place))
			add_generic_number(e->places[i]->name, place, false, out);
	for (size_t i = 0; i < rec->printer->n; i++) {
		if (!e->message)
			add_generic_value(rec, &rec->printer->values[i], out);
		else if (i < MAX_NUMBERED && e->numbers[i])
			add_known_value(rec, &rec->printer->values[i], e->numbers[i], out);
	}
	fl_pb_close(out, message);
}

static void flush_bundle(struct perfetto *p, uint32_t cpu, struct fl_buf *out)
{
	struct bundle *b = &p->bundles[cpu];
	size_t packet, bundle;

	if (!b->events.len)
		return;
	packet = open_packet(out);
	bundle = fl_pb_open(out, PACKET_FTRACE_EVENTS);
	fl_pb_u64(out, BUNDLE_CPU, cpu);
	fl_buf_add_str(out, fl_buf_str(&b->events));
	if (b->lost)
		fl_pb_u64(out, BUNDLE_LOST_EVENTS, 1);
	fl_pb_close(out, bundle);
	close_packet(out, packet);
	if (b->events.error)
		out->error = b->events.error;
	fl_buf_reset(&b->events);
	b->lost = false;
}

static struct bundle *bundle_of(struct perfetto *p, uint32_t cpu)
{
	if (cpu >= p->nr_bundles) {
		struct bundle *more = reallocarray(p->bundles, (size_t)cpu + 1, sizeof(*more));

		if (!more)
			return NULL;
		memset(more + p->nr_bundles, 0, (cpu + 1 - p->nr_bundles) * sizeof(*more));
		p->bundles = more;
		p->nr_bundles = cpu + 1;
	}
	return &p->bundles[cpu];
}

static int add_ftrace_event(struct perfetto *p, const struct event *e,
			    const struct fl_recorded *rec, struct fl_buf *out)
{
	struct bundle *b = bundle_of(p, rec->cpu);
	size_t event;

	if (!b)
		return -ENOMEM;
	if (rec->missed) {
		flush_bundle(p, rec->cpu, out);
		b->lost = true;
	}
	event = fl_pb_open(&b->events, BUNDLE_EVENT);
	fl_pb_u64(&b->events, FTRACE_TIMESTAMP, rec->time);
	fl_pb_u64(&b->events, FTRACE_PID, rec->pid);
	add_message(e, rec, &b->events);
	fl_pb_close(&b->events, event);
	if (b->events.len > BUNDLE_BYTES)
		flush_bundle(p, rec->cpu, out);
	return b->events.error;
}

/* ---- tracks ---- */

static void add_annotations(const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_recorded_value value;

	for (size_t i = 0; i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];

		for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++) {
			size_t note;

			if (!fl_recorded_value(rec, v, k, &value))
				continue;
			note = fl_pb_open(out, TRACK_EVENT_DEBUG_ANNOTATIONS);
			fl_pb_str(out, ANNOTATION_NAME, v->name);
			if (value.is_text)
				fl_pb_str(out, ANNOTATION_STRING, text_of(value.text));
			else
				fl_pb_u64(out, value.is_signed ? ANNOTATION_INT : ANNOTATION_UINT,
					  value.number);
			fl_pb_close(out, note);
		}
	}
}

static void add_track_event(uint64_t uuid, unsigned int type, struct fl_str name,
			    const struct fl_recorded *rec, struct fl_buf *out)
{
	size_t packet = open_packet(out), event;

	fl_pb_u64(out, PACKET_TIMESTAMP, rec->time);
	event = fl_pb_open(out, PACKET_TRACK_EVENT);
	fl_pb_u64(out, TRACK_EVENT_TYPE, type);
	fl_pb_u64(out, TRACK_EVENT_TRACK_UUID, uuid);
	if (type != TYPE_SLICE_END)
		fl_pb_str(out, TRACK_EVENT_NAME, name);
	add_annotations(rec, out);
	fl_pb_close(out, event);
	close_packet(out, packet);
}

/* Where a slice is drawn: see pairs.h. */
static int pair_track(struct perfetto *p, const struct fl_pair_event *pair,
		      const struct fl_recorded *rec, uint64_t *ret, struct fl_buf *out)
{
	char name[32];

	if (pair->on_cpu) {
		*ret = UUID_CPU | rec->cpu;
		snprintf(name, sizeof(name), "CPU %u", rec->cpu);
		return tell_track(p, *ret, fl_str(name), false, out);
	}
	if (!pair->key) {
		*ret = UUID_THREAD | rec->pid;
		return tell_thread(p, rec, out);
	}
	*ret = UUID_PAIR | (uint32_t)((fl_pair_key(pair, rec) * 0x9e3779b97f4a7c15ull) >> 32 ^
				      fl_hash(pair->name));
	return tell_track(p, *ret, pair->name, false, out);
}

static int add_slice(struct perfetto *p, const struct fl_pair_event *pair,
		     const struct fl_recorded *rec, struct fl_buf *out)
{
	uint64_t uuid;
	int r = pair_track(p, pair, rec, &uuid, out);

	if (r == 0)
		add_track_event(uuid,
				pair->side == FL_PAIR_BEGIN ? TYPE_SLICE_BEGIN : TYPE_SLICE_END,
				pair->name, rec, out);
	return r;
}

/* Numbers of a probe, drawn over time; addresses and what is shown in hexadecimal are none. */
static int add_counters(struct perfetto *p, const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_recorded_value value;
	char name[160];
	int r = 0;

	for (size_t i = 0; i < rec->printer->n && r == 0; i++) {
		const struct fl_printed *v = &rec->printer->values[i];
		uint64_t uuid;
		size_t packet, event;

		if (fl_recorded_is_list(v) ||
		    (v->print != FL_PRINT_SIGNED && v->print != FL_PRINT_UNSIGNED) ||
		    !fl_recorded_value(rec, v, 0, &value))
			continue;
		snprintf(name, sizeof(name), "%.*s.%.*s", FL_STR_ARG(rec->format->name),
			 FL_STR_ARG(v->name));
		uuid = UUID_COUNTER | fl_hash(fl_str(name));
		r = tell_track(p, uuid, fl_str(name), true, out);
		packet = open_packet(out);
		fl_pb_u64(out, PACKET_TIMESTAMP, rec->time);
		event = fl_pb_open(out, PACKET_TRACK_EVENT);
		fl_pb_u64(out, TRACK_EVENT_TYPE, TYPE_COUNTER);
		fl_pb_u64(out, TRACK_EVENT_TRACK_UUID, uuid);
		fl_pb_u64(out, TRACK_EVENT_COUNTER_VALUE, value.number);
		fl_pb_close(out, event);
		close_packet(out, packet);
	}
	return r;
}

/* ---- stacks ---- */

struct frames {
	uint64_t iids[256];
	size_t n;
	struct fl_buf told; /* what is new */
};

static int add_frame(struct perfetto *p, const struct fl_recorded *rec, enum fl_stack_kind kind,
		     uint64_t addr, struct frames *f)
{
	_cleanup_buf_ struct fl_buf name = {};
	uint64_t iid;
	size_t part;
	int r;

	if (kind == FL_STACK_KERNEL)
		fl_recorded_symbol(rec, addr, true, &name);
	else
		fl_recorded_user_name(rec, addr, f->n > 0, &name);
	r = name.error ? name.error : intern(p, &p->frames, fl_buf_str(&name), &iid);
	if (r < 0)
		return r;
	if (r > 0) {
		part = fl_pb_open(&f->told, INTERNED_FUNCTION_NAMES);
		fl_pb_u64(&f->told, INTERNED_STRING_IID, iid);
		fl_pb_str(&f->told, INTERNED_STRING_STR, fl_buf_str(&name));
		fl_pb_close(&f->told, part);
		part = fl_pb_open(&f->told, INTERNED_FRAMES);
		fl_pb_u64(&f->told, FRAME_IID, iid);
		fl_pb_u64(&f->told, FRAME_FUNCTION_NAME_ID, iid);
		fl_pb_u64(&f->told, FRAME_MAPPING_ID,
			  kind == FL_STACK_KERNEL ? KERNEL_MAP : USER_MAP);
		fl_pb_u64(&f->told, FRAME_REL_PC, addr);
		fl_pb_close(&f->told, part);
	}
	f->iids[f->n++] = iid;
	return 0;
}

/* The outermost frame first. */
static void tell_stack(struct frames *f, uint64_t iid)
{
	size_t part = fl_pb_open(&f->told, INTERNED_CALLSTACKS);

	fl_pb_u64(&f->told, CALLSTACK_IID, iid);
	for (size_t i = f->n; i-- > 0;)
		fl_pb_u64(&f->told, CALLSTACK_FRAME_IDS, f->iids[i]);
	fl_pb_close(&f->told, part);
}

static void put_sample(const struct frames *f, uint64_t iid, const struct fl_recorded *rec,
		       struct fl_buf *out)
{
	size_t packet = open_packet(out), part;

	fl_pb_u64(out, PACKET_TIMESTAMP, rec->time);
	fl_pb_u64(out, PACKET_SEQUENCE_FLAGS, 2); /* needs what was told before */
	if (f->told.len) {
		part = fl_pb_open(out, PACKET_INTERNED_DATA);
		fl_buf_add_str(out, fl_buf_str(&f->told));
		fl_pb_close(out, part);
	}
	part = fl_pb_open(out, PACKET_PERF_SAMPLE);
	fl_pb_u64(out, SAMPLE_CPU, rec->cpu);
	fl_pb_u64(out, SAMPLE_PID, rec->pid);
	fl_pb_u64(out, SAMPLE_TID, rec->pid);
	fl_pb_u64(out, SAMPLE_CALLSTACK_IID, iid);
	fl_pb_close(out, part);
	close_packet(out, packet);
}

static int add_stack(struct perfetto *p, const struct fl_recorded *rec, enum fl_stack_kind kind,
		     uint64_t at, struct fl_buf *out)
{
	struct frames f = {};
	uint64_t addr, iid;
	int r = 0;

	while (r == 0 && f.n < FL_ARRAY_SIZE(f.iids) && fl_recorded_frame(rec, &at, &addr))
		r = add_frame(p, rec, kind, addr, &f);
	if (r == 0)
		r = intern(p, &p->stacks, fl_str_n((const char *)f.iids, f.n * sizeof(f.iids[0])),
			   &iid);
	if (r > 0)
		tell_stack(&f, iid);
	if (r >= 0)
		put_sample(&f, iid, rec, out);
	if (r >= 0)
		r = f.told.error;
	fl_buf_fini(&f.told);
	return r;
}

static int add_record(void *form, const struct fl_recorded *rec, struct fl_buf *out)
{
	const struct fl_pair_event *pair = NULL;
	struct perfetto *p = form;
	enum fl_stack_kind kind;
	struct event *e;
	uint64_t at;
	int r;

	if (!rec->format)
		return 0;
	put_head(p, out);
	if (fl_recorded_stack(rec, &kind, &at))
		return add_stack(p, rec, kind, at, out);
	e = event_of(p, rec);
	r = e ? add_ftrace_event(p, e, rec, out) : -ENOMEM;
	if (r == 0)
		r = fl_pairs_find(&p->pairs, rec, &pair);
	if (r < 0)
		return r;
	if (pair->side != FL_PAIR_NONE)
		return add_slice(p, pair, rec, out);
	if (!e->is_probe)
		return 0;
	r = tell_thread(p, rec, out);
	if (r == 0)
		add_track_event(UUID_THREAD | rec->pid, TYPE_INSTANT, rec->format->name, rec, out);
	return r == 0 ? add_counters(p, rec, out) : r;
}

static int finish(void *form, struct fl_buf *out)
{
	struct perfetto *p = form;

	put_head(p, out);
	for (uint32_t i = 0; i < p->nr_bundles; i++)
		flush_bundle(p, i, out);
	return 0;
}

const struct fl_form fl_form_perfetto = {
	.name = "perfetto",
	.create = create,
	.destroy = destroy,
	.record = add_record,
	.finish = finish,
};
