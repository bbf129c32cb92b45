/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of groups and events: the given ones and the defaults. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

/* [GROUP ("/" | ".")] [EVENT] */
int fl_parse_event_name(struct fl_parse *p, struct fl_str text, long offset, struct fl_str *group,
			struct fl_str *event)
{
	size_t sep = fl_k_find(text, '/', 0);

	if (sep == text.n)
		sep = fl_k_find(text, '.', 0);
	if (sep < text.n) {
		struct fl_str name = fl_str_sub(text, 0, sep);

		if (sep == 0)
			return fl_fault(p, offset, FL_FAULT_NO_GROUP_NAME, text);
		if (sep + 1 > FL_MAX_NAME)
			return fl_fault(p, offset, FL_FAULT_GROUP_TOO_LONG, name);
		if (!fl_is_good_name(name, true))
			return fl_fault(p, offset, FL_FAULT_BAD_GROUP_NAME, name);
		*group = name;
		offset += sep + 1;
		text = fl_str_from(text, sep + 1);
		*event = text;
		if (text.n == 0)
			return 0;
	}
	if (text.n == 0)
		return fl_fault(p, offset, FL_FAULT_NO_EVENT_NAME, text);
	if (text.n >= FL_MAX_NAME)
		return fl_fault(p, offset, FL_FAULT_EVENT_TOO_LONG, text);
	if (!fl_is_good_name(text, false))
		return fl_fault(p, offset, FL_FAULT_BAD_EVENT_NAME, text);
	*event = text;
	return 0;
}

/* At most FL_MAX_NAME bytes with the NUL, in the event's arena. */
FL_PRINTF(2, 0) static char *make_name(struct fl_parse *p, const char *fmt, va_list ap)
{
	char name[FL_MAX_NAME];
	int n = vsnprintf(name, sizeof(name), fmt, ap);

	return n < 0 ? NULL : fl_arena_dup(&p->event->arena, fl_str(name));
}

int fl_default_event_raw(struct fl_parse *p, const char *fmt, ...)
{
	va_list ap;
	char *name;

	va_start(ap, fmt);
	name = make_name(p, fmt, ap);
	va_end(ap);
	p->event->event = fl_str(name);
	return name ? 0 : -ENOMEM;
}

/* As the kernel does it, which leaves the first character and other signs of a glob; "*" came with f probes. */
static void make_identifier(const struct fl_parse *p, char *name)
{
	for (char *c = name; *c && c[1]; c++) {
		if (c[1] == ':' || c[1] == '.' || (c[1] == '*' && !p->rules->no_fprobes))
			c[1] = '_';
	}
}

/* A trace's names go into recordings, whose readers know identifiers alone. */
static void make_legal(char *name)
{
	for (char *c = name; *c; c++)
		if (!fl_k_isalnum(*c) && *c != '_')
			*c = '_';
}

/* By hand: each definition without a name comes here, if only to be refused afterwards. */
int fl_default_probe_event(struct fl_parse *p, char letter, struct fl_str symbol, uint64_t offset)
{
	char number[24], *digit = number + sizeof(number);
	size_t n = FL_MIN(symbol.n, (size_t)FL_MAX_NAME), digits;
	char *name = fl_arena_alloc(&p->event->arena, FL_MAX_NAME + n + sizeof(number));

	if (!name)
		return -ENOMEM;
	do
		*--digit = (char)('0' + offset % 10);
	while (offset /= 10);
	*--digit = '_';
	digits = (size_t)(number + sizeof(number) - digit);
	name[0] = letter;
	name[1] = '_';
	memcpy(name + 2, symbol.p, n);
	memcpy(name + 2 + n, digit, digits);
	n = FL_MIN(2 + n + digits, (size_t)FL_MAX_NAME - 1);
	name[n] = '\0';
	make_identifier(p, name);
	p->event->event = fl_str_n(name, n);
	return 0;
}

int fl_default_event(struct fl_parse *p, const char *fmt, ...)
{
	va_list ap;
	char *name;

	va_start(ap, fmt);
	name = make_name(p, fmt, ap);
	va_end(ap);
	if (!name)
		return -ENOMEM;
	make_identifier(p, name);
	if (p->in_trace)
		make_legal(name);
	p->event->event = fl_str(name);
	return 0;
}
