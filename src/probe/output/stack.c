/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/stack.h"

#include <errno.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/num.h"
#include "probe/output/linehead.h"

const char *const fl_stack_keys[_FL_STACK_MAX] = {
	[FL_STACK_KERNEL] = "stack",
	[FL_STACK_USER] = "user_stack",
};

const char *const fl_stack_titles[_FL_STACK_MAX] = {
	[FL_STACK_KERNEL] = "<stack trace>",
	[FL_STACK_USER] = "<user stack trace>",
};

/* What stands between a tracepoint's place and the program that hangs on it. */
static bool is_tracing(struct fl_str name)
{
	static const char *const starts[] = { "bpf_trace_run", "__bpf_trace_", "__traceiter_",
					      "__probestub_",  "perf_trace_",  "bpf_prog_" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(starts); i++)
		if (fl_str_starts(name, starts[i]))
			return true;
	return fl_str_is(name, "trace_call_bpf") || fl_str_is(name, "perf_call_bpf_enter") ||
	       fl_str_is(name, "perf_syscall_enter") || fl_str_is(name, "perf_call_bpf_exit") ||
	       fl_str_is(name, "perf_syscall_exit") || fl_str_is(name, "perf_trace_run_bpf_submit");
}

void fl_stack_trim(enum fl_stack_kind kind, unsigned int own_frames, struct fl_symbols *symbols,
		   struct fl_stack *s)
{
	size_t skip = FL_MIN((size_t)own_frames, s->n);

	if (kind == FL_STACK_USER)
		return;
	while (skip < s->n && is_tracing(fl_symbols_name(symbols, fl_stack_frame(s, skip))))
		skip++;
	s->frames += 8 * skip;
	s->n -= skip;
}

void fl_stack_frame_text(enum fl_stack_kind kind, uint64_t addr, bool is_call, const struct fl_record *rec,
			 struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_str text;

	if (kind == FL_STACK_USER) {
		fl_symbols_user(symbols, rec, addr, is_call, out);
		return;
	}
	text = fl_symbols_at(symbols, addr);
	fl_buf_add_str(out, fl_symbols_name(symbols, addr));
	if (fl_str_ends(text, "]"))
		fl_buf_add_str(out, fl_str_from(text, fl_str_find(text, ' ', 0)));
}

static void end_line(struct fl_buf *out, size_t from, bool bytes)
{
	if (!bytes)
		fl_escape_from(out, from);
	fl_buf_addc(out, '\n');
}

static void add_lines(enum fl_stack_kind kind, const struct fl_stack *s, const struct fl_record *rec,
		      struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t from = out->len;

		fl_buf_addz(out, " => ");
		fl_stack_frame_text(kind, fl_stack_frame(s, i), i > 0, rec, symbols, out);
		end_line(out, from, bytes);
	}
	if (s->is_full)
		fl_buf_addz(out, " => ...\n");
}

struct fl_stack fl_stack_field(const struct fl_record_slot *slot, const struct fl_record *rec,
			       struct fl_symbols *symbols)
{
	struct fl_stack s = fl_record_frames(slot, rec);

	fl_stack_trim(FL_STACK_KERNEL, 0, symbols, &s);
	s.n = FL_MIN(s.n, (size_t)FL_FIELD_FRAMES);
	return s;
}

void fl_stack_field_text(const struct fl_record_slot *slot, const struct fl_record *rec, struct fl_symbols *symbols,
			 bool bytes, struct fl_buf *out)
{
	struct fl_stack s = fl_stack_field(slot, rec, symbols);

	fl_buf_addz(out, "STACK:\n");
	for (size_t i = 0; i < s.n; i++) {
		size_t from = out->len;

		fl_buf_addf(out, "=> %.*s", FL_STR_ARG(fl_symbols_at(symbols, fl_stack_frame(&s, i))));
		end_line(out, from, bytes);
	}
}

void fl_stack_text(const struct fl_record_schema *p, uint32_t cpu, const struct fl_record *rec, size_t size,
		   struct fl_symbols *symbols, bool bytes, struct fl_buf *out)
{
	for (unsigned int kind = 0; kind < _FL_STACK_MAX; kind++) {
		struct fl_stack s = {};
		int r = fl_record_stack(&p->layout, rec, size, (enum fl_stack_kind)kind, &s);
		size_t from = out->len;
		char *at = r == -ENOENT ? NULL : fl_buf_reserve(out, FL_LINE_HEAD_ROOM);

		if (!at || (r == 0 && !s.n))
			continue;
		out->len += (size_t)(fl_line_head_once(at, cpu, rec) - at);
		fl_buf_addz(out, fl_stack_titles[kind]);
		end_line(out, from, bytes);
		if (r < 0)
			fl_buf_addf(out, " (none: %s)\n", fl_errno_name(r));
		fl_stack_trim((enum fl_stack_kind)kind, p->own_frames, symbols, &s);
		add_lines((enum fl_stack_kind)kind, &s, rec, symbols, bytes, out);
	}
}

void fl_stack_json(const struct fl_record_schema *p, const struct fl_record *rec, size_t size,
		   struct fl_symbols *symbols, struct fl_buf *out)
{
	for (unsigned int kind = 0; kind < _FL_STACK_MAX; kind++) {
		struct fl_stack s = {};
		int r = fl_record_stack(&p->layout, rec, size, (enum fl_stack_kind)kind, &s);

		if (r == -ENOENT)
			continue;
		if (r < 0) {
			fl_json_null(out, fl_stack_keys[kind]);
			continue;
		}
		fl_stack_trim((enum fl_stack_kind)kind, p->own_frames, symbols, &s);
		fl_json_open(out, fl_stack_keys[kind], '[');
		for (size_t i = 0; i < s.n; i++) {
			_cleanup_buf_ struct fl_buf text = {};

			if (kind == FL_STACK_KERNEL)
				fl_buf_add_str(&text, fl_symbols_at(symbols, fl_stack_frame(&s, i)));
			else
				fl_symbols_user(symbols, rec, fl_stack_frame(&s, i), i > 0, &text);
			fl_json_buf(out, NULL, &text);
		}
		fl_json_close(out, ']');
	}
}
