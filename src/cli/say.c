/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/num.h"
#include "base/opt.h"

/* That there is no memory must be said without any: cut to what fits, and "?" for what misleads. */
FL_PRINTF(3, 0)
static void say_without_memory(const char *intro, const char *level, const char *fmt, va_list ap)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s%s%s", intro, level, *level ? ": " : "");
	int more = n < 0 ? -1 : vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	size_t len;

	if (more < 0)
		return;
	len = FL_MIN((size_t)n + (size_t)more, sizeof(text) - 1);
	for (size_t i = 0; i < len; i++)
		if (fl_misleads((unsigned char)text[i]) || text[i] & 0x80)
			text[i] = '?';
	text[len++] = '\n';
	fl_buf_write_fd(&(struct fl_buf){ .data = text, .len = len }, STDERR_FILENO);
}

/* One write a line, so that lines of several threads or processes do not mix. */
FL_PRINTF(3, 0)
static void say_with_intro(const char *intro, const char *level, const char *fmt, va_list ap)
{
	_cleanup_buf_ struct fl_buf line = {};
	va_list again;

	va_copy(again, ap);
	fl_buf_addf(&line, "%s%s%s", intro, level, *level ? ": " : "");
	fl_buf_vaddf(&line, fmt, ap);
	fl_buf_addc(&line, '\n');
	fl_escape_from(&line, 0);
	if (line.error)
		say_without_memory(intro, level, fmt, again);
	else
		fl_buf_write_fd(&line, STDERR_FILENO);
	va_end(again);
}

void fl_say(enum fl_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_with_intro("foreland: ", fl_level_name(level), fmt, ap);
	va_end(ap);
}

void fl_say_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_with_intro("", "", fmt, ap);
	va_end(ap);
}

int fl_say_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fl_cmd_vusage(fl_cmd_running(), fmt, ap);
	va_end(ap);
	return FL_EXIT_USAGE;
}

void fl_say_help(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_with_intro("", "help", fmt, ap);
	va_end(ap);
}

static bool said_memory; /* once is enough: what follows from it says nothing new */

void fl_say_failed(const char *what, int err)
{
	if (abs(err) == ENOMEM && said_memory)
		return;
	said_memory |= abs(err) == ENOMEM;
	fl_say_line("%s: error: %s [%s]", what, strerror(abs(err)), fl_errno_name(err));
}

bool fl_say_diag(const struct fl_diag *d)
{
	_cleanup_buf_ struct fl_buf text = {};

	if (!d->kind)
		return false;
	fl_diag_render(d, &text);
	if (text.error)
		fl_say_failed(d->place ? d->place : "foreland", text.error);
	else
		fl_buf_write_fd(&text, STDERR_FILENO);
	return true;
}

int fl_say_result(struct fl_buf *out)
{
	int r = out->error ? out->error : fl_buf_write_fd(out, STDOUT_FILENO);

	fl_buf_reset(out);
	if (r == 0 || r == -EPIPE)
		return r;
	fl_say_failed("standard output", r);
	return -ECANCELED;
}

void fl_say_end(int r)
{
	if (r < 0 && r != -EPIPE && r != -ECANCELED)
		fl_say_failed("foreland", r);
}
