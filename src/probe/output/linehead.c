/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/linehead.h"

#include "base/escape.h"
#include "base/util.h"
#include "probe/output/put.h"

#define SECOND 1000000000u

static char *put_comm(char *p, const struct fl_record *rec)
{
	size_t n = strnlen(rec->comm, sizeof(rec->comm));

	if (rec->pid == 0)
		return fl_put_mem(p, "          <idle>", 16);
	p = fl_put_fill(p, ' ', sizeof(rec->comm) - n);
	return fl_put_mem(p, rec->comm, n);
}

static char resched_char(uint8_t flags)
{
	bool need = flags & FL_FLAG_NEED_RESCHED, folded = flags & FL_FLAG_PREEMPT_RESCHED;

	if (flags & FL_FLAG_RESCHED_LAZY)
		return need && folded ? 'B' : folded ? 'L' : need ? 'b' : 'l';
	return need && folded ? 'N' : need ? 'n' : folded ? 'p' : '.';
}

static char context_char(uint8_t flags)
{
	if (flags & FL_FLAG_NMI)
		return flags & FL_FLAG_HARDIRQ ? 'Z' : 'z';
	if (flags & FL_FLAG_HARDIRQ)
		return flags & FL_FLAG_SOFTIRQ ? 'H' : 'h';
	return flags & FL_FLAG_SOFTIRQ ? 's' : '.';
}

/* irqs and bottom halves off, need resched, hard or soft interrupt, preempt and migration depth */
static char *put_flags(char *p, struct fl_context c)
{
	static const char off[] = ".dbD", depth[] = ".123456789abcdef";

	p = fl_put_char(p, off[!!(c.flags & FL_FLAG_IRQS_OFF) + 2 * !!(c.flags & FL_FLAG_BH_OFF)]);
	p = fl_put_char(p, resched_char(c.flags));
	p = fl_put_char(p, context_char(c.flags));
	p = fl_put_char(p, depth[c.depth & 15]);
	return fl_put_char(p, depth[c.depth >> 4]);
}

/* A record's own context is made of its flags: to tell it from others, they do. */
static uint64_t context_key(const struct fl_record *rec, const struct fl_context *given)
{
	return given ? 1ull << 63 | (uint64_t)given->depth << 8 | given->flags
		     : (uint64_t)rec->flags << 32;
}

/* 16 of a name, 10 of a number, 10 of another, and 10 around them at most. */
void fl_line_who_make(struct fl_line_who *w, uint32_t cpu, const struct fl_record *rec,
		      const struct fl_context *given)
{
	unsigned int width = fl_put_width(rec->pid);
	char *p = w->text;

	memcpy(w->comm, rec->comm, sizeof(w->comm));
	w->pid = rec->pid;
	w->cpu = cpu;
	w->context = context_key(rec, given);
	p = fl_put_char(put_comm(p, rec), '-');
	p = fl_put_digits(p, rec->pid, width);
	p = fl_put_fill(p, ' ', width < 7 ? 7 - width : 0);
	p = fl_put_mem(p, " [", 2);
	width = fl_put_width(cpu);
	p = fl_put_digits(p, cpu, width < 3 ? 3 : width);
	p = put_flags(fl_put_mem(p, "] ", 2), given ? *given : fl_record_context(rec));
	w->len = (uint8_t)(p - w->text);
	w->is_plain = fl_is_plain(fl_str_n(w->text, w->len));
}

static bool is_who(const struct fl_line_who *w, uint32_t cpu, const struct fl_record *rec,
		   const struct fl_context *given)
{
	uint64_t comm[FL_COMM_LEN / 8];

	memcpy(comm, rec->comm, sizeof(comm));
	return w->len && w->pid == rec->pid && w->cpu == cpu && w->context == context_key(rec, given) &&
	       w->comm[0] == comm[0] && w->comm[1] == comm[1];
}

static __attribute__((noinline)) void make_second(struct fl_line_second *s, uint64_t seconds)
{
	unsigned int width = fl_put_width(seconds);
	char *p = s->text;

	p = fl_put_fill(p, ' ', width < 5 ? 6 - width : 1);
	p = fl_put_char(fl_put_digits(p, seconds, width), '.');
	s->start = seconds * SECOND;
	s->len = (uint32_t)(p - s->text);
}

char *fl_line_put(const struct fl_line_who *w, struct fl_line_second *s, char *p, uint64_t stamp)
{
	uint64_t time;

	if (__builtin_add_overflow(stamp, 500, &time)) /* rounded to microseconds */
		time = stamp;
	if (!s->len || time < s->start || time - s->start >= SECOND)
		make_second(s, time / SECOND);
	memcpy(p, w->text, sizeof(w->text));
	p += w->len;
	memcpy(p, s->text, sizeof(s->text));
	p += s->len;
	p = fl_put_6_digits(p, (uint32_t)(time - s->start) / 1000);
	return fl_put_mem(p, ": ", 2);
}

/* "%12llu" where the time is a plain number. */
char *fl_line_put_raw(const struct fl_line_who *w, char *p, uint64_t time)
{
	unsigned int width = fl_put_width(time);

	memcpy(p, w->text, sizeof(w->text));
	p += w->len;
	p = fl_put_fill(p, ' ', width < 12 ? 13 - width : 1);
	return fl_put_mem(fl_put_digits(p, time, width), ": ", 2);
}

char *fl_line_head(struct fl_line_heads *h, char *p, uint32_t cpu, const struct fl_record *rec,
		   const struct fl_context *context)
{
	struct fl_line_who *who = &h->who[(cpu * 31 + rec->pid) % FL_LINE_HEAD_WHO];

	if (!is_who(who, cpu, rec, context))
		fl_line_who_make(who, cpu, rec, context);
	h->is_plain = who->is_plain;
	return fl_line_put(who, &h->second, p, rec->time);
}

char *fl_line_head_once(char *p, uint32_t cpu, const struct fl_record *rec)
{
	struct fl_line_second second = {};
	struct fl_line_who who = {};

	fl_line_who_make(&who, cpu, rec, NULL);
	return fl_line_put(&who, &second, p, rec->time);
}
