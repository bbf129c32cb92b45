/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file may say of one of its places which findings are not to be reported there, in its own kind of comment:
 *
 *   .. foreland: ignore title-colon   the title is a quotation
 *   # foreland: ignore ref-file       tells of old kernels
 *
 * It stands for its own line and for the next lines that are not blank, up to the blank line behind them:
 * a paragraph, a title, a declaration. One that nothing needs is reported, so that none outlives its cause;
 * but only where its check was asked for and the file was read for it.
 */
#include "docs/run/private.h"

#include <stdlib.h>

static int by_place(const void *a, const void *b)
{
	const struct docs_fact *x = *(const struct docs_fact *const *)a, *y = *(const struct docs_fact *const *)b;
	int r = strcmp(x->file, y->file);

	return r ? r : x->line < y->line ? -1 : x->line > y->line;
}

/* Ignored places of all workers, by file and line. */
static const struct docs_fact **sorted(const struct docs_session *s, size_t *ret_n)
{
	const struct docs_fact **v;
	size_t n = 0;

	*ret_n = 0;
	for (unsigned int i = 0; i < s->nr_workers; i++) {
		for (const struct docs_fact *f = s->workers[i].facts[DOCS_FACT_IGNORE]; f; f = f->next)
			n++;
	}
	v = n ? calloc(n, sizeof(*v)) : NULL;
	for (unsigned int i = 0; v && i < s->nr_workers; i++) {
		for (const struct docs_fact *f = s->workers[i].facts[DOCS_FACT_IGNORE]; f; f = f->next)
			v[(*ret_n)++] = f;
	}
	if (v)
		qsort(v, n, sizeof(*v), by_place);
	return v;
}

static bool covers(const struct docs_fact *i, const struct docs_finding *f)
{
	const struct docs_check_row *c = &docs_checks[f->check];

	return f->line >= i->line && f->line <= i->end &&
	       (fl_str_is(i->name, c->kind.code) || fl_str_is(i->name, c->group));
}

/* The first place of @file that does not end before @line: places end in the order in which they begin. */
static size_t first_of(const struct docs_fact **v, size_t n, const char *file, uint32_t line)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = strcmp(v[mid]->file, file);

		if (r < 0 || (!r && v[mid]->end < line))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool take_out(const struct docs_fact **v, size_t n, bool *used, const struct docs_finding *f)
{
	bool any = false;

	for (size_t i = f->file ? first_of(v, n, f->file, f->line) : n;
	     i < n && v[i]->line <= f->line && !strcmp(v[i]->file, f->file); i++) {
		if (covers(v[i], f))
			any = used[i] = true;
	}
	return any;
}

/* A check that was not asked for, or is milder than what is reported, could not be seen. */
static bool could_be_seen(const struct docs_session *s, struct fl_str name)
{
	for (size_t c = 0; c < _DOCS_CHECK_MAX; c++) {
		if ((fl_str_is(name, docs_checks[c].kind.code) || fl_str_is(name, docs_checks[c].group)) &&
		    (!docs_set_has(&s->opts->want, c) || docs_checks[c].kind.level > s->opts->level))
			return false;
	}
	return !s->opts->local;
}

void docs_ignore(struct docs_session *s, bool tell)
{
	size_t n, kept = 0;
	const struct docs_fact **v = sorted(s, &n);
	bool *used = n ? calloc(n, sizeof(*used)) : NULL;

	for (size_t i = 0; used && i < s->n; i++) {
		if (!take_out(v, n, used, &s->v[i]))
			s->v[kept++] = s->v[i];
	}
	s->n = used ? kept : s->n;
	for (size_t i = 0; tell && used && i < n; i++) {
		if (!used[i] && could_be_seen(s, v[i]->name))
			docs_report_fact(&s->workers[0].sink, DOCS_IGNORE_UNUSED, v[i],
					 "nothing here needs \"ignore %.*s\"", FL_STR_ARG(v[i]->name));
	}
	free(used);
	free(v);
}
