/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spec cut into its words, which stand between colons. */
#include <errno.h>
#include <string.h>

#include "probe/hist/private.h"
#include "probe/lang/ktext.h"

#define BITS_MIN 7
#define BITS_MAX 17

#define ENTRIES_MAX (1u << 24) /* of ours */

/* "size=N": N is rounded up to a power of two; ours is what was asked for. */
static int read_size(const struct hist_parse *p, const char *text, struct fl_hist_attrs *a)
{
	unsigned int bits = 0;
	uint64_t n;
	int r = fl_kstrtoul(fl_str(text), 0, &n);

	if (r < 0)
		return r;
	if (p->set->ours && n && n <= ENTRIES_MAX) {
		a->entries = (uint32_t)n;
		return 0;
	}
	while (bits < 64 && (uint64_t)1 << bits < n)
		bits++;
	a->bits = bits;
	return bits < BITS_MIN || bits > BITS_MAX ? -EINVAL : 0;
}

static char *behind(char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* "NAME=VALUE"; what is no name of ours defines variables. */
static int read_assignment(const struct hist_parse *p, char *text, struct fl_hist_attrs *a)
{
	char *v;

	if ((v = behind(text, "key=")) || (v = behind(text, "keys=")))
		a->keys = v;
	else if ((v = behind(text, "val=")) || (v = behind(text, "vals=")) || (v = behind(text, "values=")))
		a->vals = v;
	else if ((v = behind(text, "sort=")))
		a->sort = v;
	else if (behind(text, "name="))
		a->name = text; /* the kernel keeps the word, too */
	else if ((v = behind(text, "clock=")))
		a->clock = v + strspn(v, " \t\n\v\f\r");
	else if ((v = behind(text, "size=")))
		return read_size(p, v, a);
	else if (a->nr_assignments == FL_HIST_VARS)
		return hist_fault(p, FL_HIST_TOO_MANY_VARS, text);
	else
		a->assignment[a->nr_assignments++] = text;
	return 0;
}

static int read_word(char *text, struct fl_hist_attrs *a)
{
	if (strcmp(text, "nohitcount") == 0 || strcmp(text, "NOHC") == 0)
		a->nohitcount = true;
	else if (strcmp(text, "pause") == 0)
		a->pause = true;
	else if (strcmp(text, "cont") == 0 || strcmp(text, "continue") == 0)
		a->cont = true;
	else if (strcmp(text, "clear") == 0)
		a->clear = true;
	else if (a->nr_actions < FL_HIST_ACTIONS &&
		 (behind(text, "onmatch(") || behind(text, "onmax(") || behind(text, "onchange(")))
		a->action[a->nr_actions++] = text;
	else
		return -EINVAL;
	return 0;
}

static void trim_end(char *text)
{
	size_t n = strlen(text);

	while (n && fl_k_isspace(text[n - 1]))
		text[--n] = '\0';
}

int hist_read_attrs(const struct hist_parse *p, char *text, struct fl_hist_attrs *a)
{
	static char clock[] = "global";
	int r = 0;

	*a = (struct fl_hist_attrs){ .bits = FL_HIST_BITS };
	while (text && r == 0) {
		char *word = strsep(&text, ":"), *value = strchr(word, '=');

		if (value && !value[1])
			return hist_fault(p, FL_HIST_EMPTY_ASSIGNMENT, word);
		r = value ? read_assignment(p, word, a) : read_word(word, a);
	}
	if (r < 0)
		return r;
	if (!a->clock)
		a->clock = clock;
	trim_end(a->clock);
	return a->keys ? 0 : -EINVAL;
}
