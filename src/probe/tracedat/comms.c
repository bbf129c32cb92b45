/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/comms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/util.h"

static int compare(const void *a, const void *b)
{
	const struct fl_comm *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Of several names the one that stands last in the text is the last one in its process. */
static int compare_lines(const void *a, const void *b)
{
	const struct fl_comm *x = a, *y = b;
	int order = compare(a, b);

	return order ? order : x->name.p < y->name.p ? -1 : x->name.p > y->name.p;
}

static size_t keep_last(struct fl_comm *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || list[i].pid != list[i + 1].pid)
			list[kept++] = list[i];
	return kept;
}

void fl_comm_write(struct fl_str name, struct fl_buf *out)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '\n')
			fl_buf_addz(out, FL_COMM_NEWLINE);
		else
			fl_buf_addc(out, name.p[i]);
}

static int read_name(struct fl_arena *changed, struct fl_str text, struct fl_str *ret)
{
	const size_t n = strlen(FL_COMM_NEWLINE);
	size_t to = 0;
	char *p;

	*ret = text;
	if (text.n < n || !memmem(text.p, text.n, FL_COMM_NEWLINE, n))
		return 0;
	p = fl_arena_dup(changed, text);
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < text.n; to++) {
		bool newline = fl_str_starts(fl_str_from(text, i), FL_COMM_NEWLINE);

		p[to] = newline ? '\n' : text.p[i];
		i += newline ? n : 1;
	}
	*ret = fl_str_n(p, to);
	return 0;
}

static int read_list(struct fl_arena *changed, struct fl_str text, struct fl_comm **ret, size_t *ret_n)
{
	_cleanup_free_ struct fl_comm *list = NULL;
	struct fl_str line, word;
	size_t lines = 1, n = 0;
	uint64_t pid;

	text = fl_str_sub(text, 0, fl_str_find(text, '\0', 0));
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	list = calloc(lines, sizeof(*list));
	if (!list)
		return -ENOMEM;
	while (fl_str_line(&text, &line)) {
		if (!fl_str_word(&line, &word) || fl_parse_u64(word, 10, &pid) < 0 || pid > UINT32_MAX)
			continue;
		list[n].pid = pid;
		if (read_name(changed, fl_str_from(line, 1), &list[n++].name) < 0)
			return -ENOMEM;
	}
	qsort(list, n, sizeof(*list), compare_lines);
	*ret_n = keep_last(list, n);
	*ret = TAKE_PTR(list);
	return 0;
}

int fl_comms_read(struct fl_comms *c, struct fl_str text)
{
	return read_list(&c->changed, text, &c->list, &c->n);
}

/* @out: both lists, which are in order; of a number that both have the newer name counts. */
static size_t merge(struct fl_comm *out, const struct fl_comm *old, size_t nr_old, const struct fl_comm *new,
		    size_t nr_new)
{
	size_t n = 0;

	while (nr_old || nr_new) {
		bool has_new = nr_new && (!nr_old || new->pid <= old->pid);
		bool has_old = nr_old && (!nr_new || old->pid <= new->pid);

		out[n++] = has_new ? *new : *old;
		new += has_new;
		nr_new -= has_new;
		old += has_old;
		nr_old -= has_old;
	}
	return n;
}

int fl_comms_add(struct fl_comms *c, struct fl_str text)
{
	_cleanup_free_ struct fl_comm *more = NULL;
	char *copy = fl_arena_dup(&c->changed, text);
	struct fl_comm *both;
	size_t n;
	int r = copy ? read_list(&c->changed, fl_str_n(copy, text.n), &more, &n) : -ENOMEM;

	if (r < 0)
		return r;
	both = calloc(c->n + n + 1, sizeof(*both));
	if (!both)
		return -ENOMEM;
	c->n = merge(both, c->list, c->n, more, n);
	free(c->list);
	c->list = both;
	memset(c->known, 0, sizeof(c->known));
	return 0;
}

void fl_comms_write(const struct fl_comms *c, struct fl_buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		fl_buf_addf(out, "%u ", c->list[i].pid);
		fl_comm_write(c->list[i].name, out);
		fl_buf_addc(out, '\n');
	}
}

void fl_comms_fini(struct fl_comms *c)
{
	free(c->list);
	fl_arena_fini(&c->changed);
	*c = (struct fl_comms){};
}

static struct fl_str find(const struct fl_comms *c, uint32_t pid)
{
	struct fl_comm key = { .pid = pid }, *hit;

	if (!pid)
		return FL_STR("<idle>");
	hit = bsearch(&key, c->list, c->n, sizeof(key), compare);
	return hit ? hit->name : FL_STR("<...>");
}

struct fl_str fl_comms_find(struct fl_comms *c, uint32_t pid)
{
	struct fl_comm *k = &c->known[pid % FL_ARRAY_SIZE(c->known)];

	if (!k->name.p || k->pid != pid)
		*k = (struct fl_comm){ pid, find(c, pid) };
	return k->name;
}
