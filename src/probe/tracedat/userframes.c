/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/userframes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/util.h"
#include "probe/output/symbols.h"
#include "probe/tracedat/timeline.h"

/* ---- writing ---- */

struct fl_thread_frames {
	uint32_t tid, nr_maps;
	char comm[FL_COMM_LEN + 1];
	struct fl_buf maps, frames;
};

/* What makes a frame another one. The name changes with the program. */
struct key {
	uint64_t addr;
	uint32_t tid, is_call;
	char comm[FL_COMM_LEN];
};

void fl_user_writer_fini(struct fl_user_writer *w)
{
	for (size_t i = 0; i < w->nr_threads; i++) {
		fl_buf_fini(&w->threads[i].maps);
		fl_buf_fini(&w->threads[i].frames);
	}
	free(w->threads);
	fl_map_fini(&w->told);
	fl_arena_fini(&w->arena);
	*w = (struct fl_user_writer){};
}

/* 1: it is new; 0: it has been told. */
static int remember(struct fl_user_writer *w, const struct fl_record *rec, uint64_t addr, bool is_call)
{
	struct key k = { .addr = addr, .tid = rec->pid, .is_call = is_call };
	struct fl_str key = fl_str_n((const char *)&k, sizeof(k));

	memcpy(k.comm, rec->comm, sizeof(k.comm));
	if (fl_map_get(&w->told, key))
		return 0;
	key.p = fl_arena_dup(&w->arena, key);
	return key.p && fl_map_put(&w->told, key, NULL) ? 1 : -ENOMEM;
}

static struct fl_thread_frames *thread_of(struct fl_user_writer *w, const struct fl_record *rec)
{
	struct fl_thread_frames *t;
	size_t n = strnlen(rec->comm, FL_COMM_LEN);

	for (size_t i = w->nr_threads; i-- > 0;)
		if (w->threads[i].tid == rec->pid)
			return &w->threads[i];
	t = reallocarray(w->threads, w->nr_threads + 1, sizeof(*t));
	if (!t)
		return NULL;
	w->threads = t;
	t = &w->threads[w->nr_threads++];
	*t = (struct fl_thread_frames){ .tid = rec->pid };
	for (size_t i = 0; i < n; i++)
		t->comm[i] = rec->comm[i] > ' ' ? rec->comm[i] : '_'; /* one word, which is what is read there */
	if (!n)
		t->comm[0] = '_';
	return t;
}

static void add_map(struct fl_thread_frames *t, const struct fl_mapping *m)
{
	_cleanup_buf_ struct fl_buf line = {};

	fl_buf_addf(&line, "%llx %llx %.*s\n", (unsigned long long)m->start, (unsigned long long)m->end,
		    FL_STR_ARG(m->path));
	if (!m->path.n || line.error || (t->maps.len && memmem(t->maps.data, t->maps.len, line.data, line.len)))
		return;
	fl_buf_add_buf(&t->maps, &line);
	t->nr_maps++;
}

static void add_line_text(struct fl_buf *out, const struct fl_buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		fl_buf_addc(out, text->data[i] == '\n' || !text->data[i] ? '?' : text->data[i]);
	fl_buf_addc(out, '\n');
}

int fl_user_writer_frame(struct fl_user_writer *w, struct fl_symbols *symbols, const struct fl_record *rec,
			 uint64_t addr, bool is_call)
{
	_cleanup_buf_ struct fl_buf text = {}, build_id = {};
	struct fl_thread_frames *t;
	struct fl_mapping m;
	int r = remember(w, rec, addr, is_call);

	if (r <= 0)
		return r;
	fl_symbols_user(symbols, rec, addr, is_call, &text);
	if (!fl_symbols_user_mapping(symbols, rec, addr, &m, &build_id))
		return 0; /* nobody knows, and the number is in the record */
	t = thread_of(w, rec);
	if (!t)
		return -ENOMEM;
	add_map(t, &m);
	fl_buf_addf(&t->frames, "frame %llx %c %llu %s ", (unsigned long long)addr, is_call ? 'c' : 'i',
		    (unsigned long long)rec->time, build_id.len ? fl_buf_z(&build_id) : "-");
	add_line_text(&t->frames, &text);
	return t->maps.error ? t->maps.error : t->frames.error;
}

int fl_user_writer_take(struct fl_user_writer *w, struct fl_buf *options)
{
	for (size_t i = 0; i < w->nr_threads; i++) {
		struct fl_thread_frames *t = &w->threads[i];
		_cleanup_buf_ struct fl_buf text = {};

		fl_buf_addf(&text, "%x %x %s\n", t->tid, t->nr_maps, t->comm);
		fl_buf_add_buf(&text, &t->maps);
		fl_buf_add_buf(&text, &t->frames);
		fl_buf_addc(&text, '\0');
		if (text.error)
			return text.error;
		fl_dat_put_option(options, FL_DAT_PROCMAPS, fl_buf_str(&text));
		fl_buf_fini(&t->maps);
		fl_buf_fini(&t->frames);
	}
	w->nr_threads = 0;
	return options->error;
}

/* ---- reading ---- */

struct fl_user_frame {
	uint32_t tid, is_call;
	uint64_t addr, time;
	struct fl_str build_id, text;
};

struct fl_user_map {
	uint32_t pid;
	uint64_t start, end;
	struct fl_str path;
};

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_frames(const void *a, const void *b)
{
	const struct fl_user_frame *x = a, *y = b;
	int r = compare(x->tid, y->tid);

	if (!r)
		r = compare(x->addr, y->addr);
	if (!r)
		r = compare(x->is_call, y->is_call);
	return r ? r : compare(x->time, y->time);
}

static int compare_maps(const void *a, const void *b)
{
	const struct fl_user_map *x = a, *y = b;
	int r = compare(x->pid, y->pid);

	return r ? r : compare(x->start, y->start);
}

static void take_frame(struct fl_user_frames *f, uint32_t tid, struct fl_str line, const struct fl_timeline *timeline)
{
	struct fl_user_frame frame = { .tid = tid };
	struct fl_str addr, kind, time;

	if (!fl_str_word(&line, &addr) || !fl_str_word(&line, &kind) || !fl_str_word(&line, &time) ||
	    !fl_str_word(&line, &frame.build_id) || fl_parse_u64(addr, 16, &frame.addr) < 0 ||
	    fl_parse_u64(time, 10, &frame.time) < 0)
		return;
	frame.is_call = fl_str_is(kind, "c");
	frame.time = fl_timeline_at(timeline, 0, frame.time);
	frame.text = fl_str_sub(line, line.n && line.p[0] == ' ', line.n);
	f->frames[f->nr_frames++] = frame;
}

static void take_map(struct fl_user_frames *f, uint32_t pid, struct fl_str start, struct fl_str line)
{
	struct fl_user_map m = { .pid = pid };
	struct fl_str end;

	if (!fl_str_word(&line, &end) || fl_parse_u64(start, 16, &m.start) < 0 || fl_parse_u64(end, 16, &m.end) < 0)
		return;
	m.path = fl_str_trim(line);
	f->maps[f->nr_maps++] = m;
}

static void take_option(struct fl_user_frames *f, struct fl_str text, const struct fl_timeline *timeline)
{
	struct fl_str line, word;
	uint64_t pid;

	if (!fl_str_line(&text, &line) || !fl_str_word(&line, &word) || fl_parse_u64(word, 16, &pid) < 0 ||
	    pid > UINT32_MAX)
		return;
	while (fl_str_line(&text, &line)) {
		if (!fl_str_word(&line, &word))
			continue;
		if (fl_str_is(word, "frame"))
			take_frame(f, (uint32_t)pid, line, timeline);
		else
			take_map(f, (uint32_t)pid, word, line);
	}
}

static size_t count_lines(struct fl_str text)
{
	struct fl_str line;
	size_t n = 0;

	while (fl_str_line(&text, &line))
		n++;
	return n;
}

int fl_user_frames_read(struct fl_user_frames *f, const struct fl_datfile *d, const struct fl_timeline *timeline)
{
	const struct fl_dat_option *o = NULL;
	size_t lines = 0;
	void *more;

	while ((o = fl_datfile_option(d, FL_DAT_PROCMAPS, o)))
		lines += count_lines(fl_dat_option_text(o));
	if (!lines)
		return 0;
	more = reallocarray(f->frames, f->nr_frames + lines, sizeof(*f->frames));
	f->frames = more ? more : f->frames;
	if (more)
		more = reallocarray(f->maps, f->nr_maps + lines, sizeof(*f->maps));
	if (!more)
		return -ENOMEM;
	f->maps = more;
	while ((o = fl_datfile_option(d, FL_DAT_PROCMAPS, o))) {
		struct fl_str text = fl_dat_option_text(o);
		char *copy = fl_arena_dup(&f->texts, text);

		if (!copy)
			return -ENOMEM;
		take_option(f, fl_str_n(copy, text.n), timeline);
	}
	qsort(f->frames, f->nr_frames, sizeof(*f->frames), compare_frames);
	qsort(f->maps, f->nr_maps, sizeof(*f->maps), compare_maps);
	return 0;
}

void fl_user_frames_fini(struct fl_user_frames *f)
{
	free(f->frames);
	free(f->maps);
	fl_arena_fini(&f->texts);
	*f = (struct fl_user_frames){};
}

/* The last that is not behind @want; of a record that came before all that is said, the first. */
static const struct fl_user_frame *find_frame(const struct fl_user_frames *f, const struct fl_user_frame *want)
{
	size_t low = 0, high = f->nr_frames;
	const struct fl_user_frame *at;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_frames(&f->frames[middle], want) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low ? low - 1 : 0; i < f->nr_frames && i <= low; i++) {
		at = &f->frames[i];
		if (at->tid == want->tid && at->addr == want->addr && at->is_call == want->is_call)
			return at;
	}
	return NULL;
}

static bool by_map(const struct fl_user_frames *f, uint32_t pid, uint64_t addr, struct fl_buf *out)
{
	const struct fl_user_map want = { .pid = pid, .start = addr }, *m;
	size_t low = 0, high = f->nr_maps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_maps(&f->maps[middle], &want) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	m = &f->maps[low - 1];
	if (m->pid != pid || addr >= m->end)
		return false;
	fl_buf_addf(out, "%.*s[+0x%llx]", FL_STR_ARG(m->path), (unsigned long long)(addr - m->start));
	return true;
}

bool fl_user_frames_text(const struct fl_user_frames *f, uint32_t tid, uint64_t addr, bool is_call, uint64_t time,
			 struct fl_buf *out)
{
	struct fl_user_frame want = { .tid = tid, .addr = addr, .is_call = is_call, .time = time };
	const struct fl_user_frame *found = find_frame(f, &want);

	if (found)
		fl_buf_add_str(out, found->text);
	return found || by_map(f, tid, addr, out);
}

void fl_user_frames_files(const struct fl_user_frames *f, struct fl_buf *out)
{
	_cleanup_map_ struct fl_map told = {};
	struct fl_arena arena = {};

	for (size_t i = 0; i < f->nr_frames; i++) {
		const struct fl_user_frame *frame = &f->frames[i];
		struct fl_str path = fl_str_sub(frame->text, 0, fl_str_find(frame->text, '[', 0));
		_cleanup_buf_ struct fl_buf line = {};
		struct fl_str key;

		if (fl_str_is(frame->build_id, "-"))
			continue;
		fl_buf_addf(&line, "%.*s %.*s\n", FL_STR_ARG(path), FL_STR_ARG(frame->build_id));
		key = fl_buf_str(&line);
		if (line.error || fl_map_get(&told, key))
			continue;
		fl_buf_add_buf(out, &line);
		key.p = fl_arena_dup(&arena, key);
		if (!key.p || !fl_map_put(&told, key, NULL))
			out->error = -ENOMEM;
	}
	fl_arena_fini(&arena);
}
