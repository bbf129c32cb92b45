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
	size_t sep = fl_str_find(text, '/', 0);

	if (sep == text.n)
		sep = fl_str_find(text, '.', 0);
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

int fl_default_event(struct fl_parse *p, const char *fmt, ...)
{
	va_list ap;
	char *name;

	va_start(ap, fmt);
	name = make_name(p, fmt, ap);
	va_end(ap);
	if (!name)
		return -ENOMEM;
	for (char *c = name; *c && c[1]; c++) {
		if (c[1] == ':' || c[1] == '.' || c[1] == '*')
			c[1] = '_';
	}
	p->event->event = fl_str(name);
	return 0;
}
