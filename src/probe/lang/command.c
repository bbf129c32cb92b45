/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/command.h"

#include <errno.h>
#include <string.h>

#include "probe/lang/ktext.h"

static bool next_word(struct fl_str text, size_t *pos, struct fl_str *ret)
{
	size_t start = *pos, end;

	while (start < text.n && fl_k_isspace(text.p[start]))
		start++;
	for (end = start; end < text.n && !fl_k_isspace(text.p[end]); end++)
		;
	*ret = fl_str_sub(text, start, end - start);
	*pos = end;
	return end > start;
}

#define FIRST_WORDS 8

/* Room for twice as many words as there are. */
static int grow(struct fl_arena *arena, struct fl_words *words)
{
	size_t cap = words->n ? words->n * 2 : FIRST_WORDS;
	struct fl_word *w = fl_arena_array(arena, cap, sizeof(*w));

	if (!w)
		return -ENOMEM;
	if (words->n)
		memcpy(w, words->w, words->n * sizeof(*w));
	words->w = w;
	return 0;
}

int fl_words_split(struct fl_str def, struct fl_arena *arena, struct fl_words *ret)
{
	struct fl_str text = fl_str_sub(def, 0, fl_k_find(def, '#', 0));
	struct fl_words words = {};
	struct fl_str word;
	size_t pos = 0;

	while (next_word(text, &pos, &word)) {
		bool full = words.n % FIRST_WORDS == 0 && (words.n & (words.n - 1)) == 0;

		if (full && grow(arena, &words) < 0)
			return -ENOMEM;
		words.w[words.n++] = (struct fl_word){ .text = word, .span = { pos - word.n, pos } };
	}
	*ret = words;
	return 0;
}

/* The words joined by one blank. */
static struct fl_str command_text(struct fl_log *log)
{
	size_t n = 0, at = 0;
	char *z;

	for (size_t i = 0; i < log->words.n; i++)
		n += log->words.w[i].text.n + 1;
	z = fl_arena_alloc(log->arena, n + 1);
	if (!z || !n)
		return FL_STR("");
	for (size_t i = 0; i < log->words.n; i++) {
		struct fl_str word = log->words.w[i].text;

		memcpy(z + at, word.p, word.n);
		at += word.n;
		z[at++] = ' ';
	}
	z[n - 1] = '\0';
	return fl_str_n(z, n - 1);
}

static size_t word_column(const struct fl_log *log)
{
	size_t column = 0;

	for (size_t i = 0; i < log->index && i < log->words.n; i++)
		column += log->words.w[i].text.n + 1;
	return column;
}

/* Where @at was written; a word that was made stands for the whole of what it was made from. */
static struct fl_span written_span(const struct fl_log *log, struct fl_str at)
{
	if (at.p >= log->def.p && at.p + at.n <= log->def.p + log->def.n) {
		uint32_t start = at.p - log->def.p;

		return (struct fl_span){ start, start + at.n };
	}
	if (log->index < log->words.n)
		return log->words.w[log->index].span;
	return (struct fl_span){ log->def.n, log->def.n };
}

/* The caret's place in the definition: the kernel's, where that word is still as it was written. */
static uint32_t written_place(const struct fl_log *log, long offset, struct fl_span span)
{
	const struct fl_word *w = &log->words.w[log->index];

	if (log->index >= log->words.n)
		return log->def.n;
	return w->made || offset < 0 ? span.start : w->span.start + offset;
}

void fl_log_add(struct fl_log *log, const struct fl_log_entry *entry)
{
	if (!log->entries)
		log->entries = fl_arena_array(log->arena, FL_LOG_MAX, sizeof(*entry));
	if (log->entries && log->n < FL_LOG_MAX)
		log->entries[log->n++] = *entry;
}

int fl_log(struct fl_log *log, long offset, enum fl_probe_fault fault, struct fl_str at)
{
	/* The kernel puts what lies behind the last word there, whatever the offset. */
	bool behind = log->index >= log->words.n;
	struct fl_span span = written_span(log, at);

	fl_log_add(log, &(struct fl_log_entry){
		.kind = &fl_probe_faults[fault],
		.subsystem = log->subsystem,
		.command = command_text(log),
		.column = word_column(log) + (behind ? 0 : offset),
		.span = span,
		.place = written_place(log, offset, span),
	});
	return -fl_probe_faults[fault].err;
}

/* Of the whole line as it was written, up to a comment; its caret is always the first. */
void fl_log_no_kind(struct fl_log *log)
{
	struct fl_span first = log->words.w[0].span;

	fl_log_add(log, &(struct fl_log_entry){
		.kind = &fl_probe_faults[FL_FAULT_NO_EVENT_KIND],
		.subsystem = "dynevent",
		.command = fl_str_sub(log->def, 0, fl_k_find(log->def, '#', 0)),
		.span = first,
		.place = first.start,
	});
}
