/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/patch/compare.h"

#include <errno.h>
#include <stdlib.h>

#include <json-c/json.h>

#define ALLOW_FILE ".foreland-docs-allow"

/* -- keys -- */

static void add_message(struct fl_buf *b, struct fl_str message)
{
	bool digit = false;

	for (size_t i = 0; i < message.n; i++) {
		bool d = message.p[i] >= '0' && message.p[i] <= '9';

		if (!d || !digit)
			fl_buf_addc(b, d ? '#' : message.p[i]);
		digit = d;
	}
}

static struct fl_str make_key(struct fl_arena *a, struct fl_str file, struct fl_str id, struct fl_str message)
{
	_cleanup_buf_ struct fl_buf b = {};
	char *copy;

	fl_buf_add_str(&b, file);
	fl_buf_addc(&b, '\n');
	fl_buf_add_str(&b, id);
	fl_buf_addc(&b, '\n');
	add_message(&b, message);
	copy = fl_arena_dup(a, fl_buf_str(&b));
	return fl_str_n(copy, copy ? b.len : 0);
}

static struct fl_str key_of(struct fl_arena *a, const struct docs_finding *f)
{
	return make_key(a, fl_str(f->file ? f->file : ""), fl_str(docs_checks[f->check].kind.code),
			fl_str(f->message));
}

static void count(struct fl_map *m, struct fl_str key)
{
	struct fl_map_entry *e = key.p ? fl_map_put(m, key, NULL) : NULL;

	if (e)
		e->num++;
}

static size_t mark(struct docs_session *now, struct fl_map *m, struct fl_arena *a)
{
	size_t known = 0;

	for (size_t i = 0; i < now->n; i++) {
		struct fl_map_entry *e = fl_map_get(m, key_of(a, &now->v[i]));

		if (e && e->num) {
			e->num--;
			now->v[i].known = true;
			known++;
		}
	}
	return known;
}

size_t docs_mark_known(struct docs_session *now, const struct docs_session *before)
{
	_cleanup_arena_ struct fl_arena a = {};
	_cleanup_map_ struct fl_map m = {};

	for (size_t i = 0; i < before->n; i++)
		count(&m, key_of(&a, &before->v[i]));
	return before->n - mark(now, &m, &a);
}

/* -- saved output -- */

static struct fl_str json_member(struct json_object *o, const char *name)
{
	struct json_object *v = json_object_object_get(o, name);

	return v && json_object_is_type(v, json_type_string) ? fl_str(json_object_get_string(v)) : FL_STR("");
}

static bool json_line(struct fl_map *m, struct fl_arena *a, struct fl_str line)
{
	char *z = fl_arena_dup(a, line);
	struct json_object *o = z ? json_tokener_parse(z) : NULL;

	if (!o)
		return false;
	if (json_member(o, "code").n)
		count(m, make_key(a, json_member(o, "file"), json_member(o, "code"), json_member(o, "message")));
	json_object_put(o);
	return true;
}

/* "file:line:col: level: message [id]", with ">> " or blanks before it. */
static bool text_line(struct fl_map *m, struct fl_arena *a, struct fl_str line)
{
	static const char *const levels[] = { ": error: ", ": warning: ", ": style: " };
	struct fl_str file, id, message;
	size_t open = line.n;

	if (fl_str_starts(line, ">> "))
		line = fl_str_from(line, 3);
	line = fl_str_trim(line);
	if (line.n < 4 || line.p[line.n - 1] != ']')
		return false;
	for (open = line.n - 1; open && line.p[open] != '['; open--)
		;
	id = fl_str_sub(line, open + 1, line.n - open - 2);
	for (size_t i = 0; i < FL_ARRAY_SIZE(levels); i++) {
		const char *at = memmem(line.p, open, levels[i], strlen(levels[i]));

		if (!at)
			continue;
		file = fl_str_sub(line, 0, (size_t)(at - line.p));
		message = fl_str_trim(fl_str_sub(line, file.n + strlen(levels[i]), open - file.n - strlen(levels[i])));
		while (file.n && ((file.p[file.n - 1] >= '0' && file.p[file.n - 1] <= '9') ||
				  file.p[file.n - 1] == ':'))
			file.n--; /* line and column */
		count(m, make_key(a, file, id, message));
		return true;
	}
	return false;
}

int docs_mark_baseline(struct docs_session *now, struct fl_str saved)
{
	_cleanup_arena_ struct fl_arena a = {};
	_cleanup_map_ struct fl_map m = {};
	bool understood = !fl_str_trim(saved).n;
	struct fl_str line;

	while (fl_str_line(&saved, &line))
		understood |= line.n && line.p[0] == '{' ? json_line(&m, &a, line) : text_line(&m, &a, line);
	if (!understood)
		return -EINVAL;
	mark(now, &m, &a);
	return 0;
}

/* -- the allow list -- */

struct allow {
	struct fl_str path, check;
};

static bool allows(const struct allow *v, size_t n, const struct docs_finding *f)
{
	const struct docs_check_row *c = &docs_checks[f->check];

	for (size_t i = 0; i < n; i++) {
		if (f->file && fl_str_glob(v[i].path, fl_str(f->file)) &&
		    (fl_str_is(v[i].check, c->kind.code) || fl_str_is(v[i].check, c->group)))
			return true;
	}
	return false;
}

static size_t read_allow(struct fl_str text, struct allow *v, uint32_t *ret_bad)
{
	struct fl_str line, reason;
	uint32_t no = 0;
	size_t n = 0;

	while (fl_str_line(&text, &line)) {
		struct docs_set set = {};
		_cleanup_buf_ struct fl_buf err = {};
		char id[64];

		no++;
		line = fl_str_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;
		if (!fl_str_word(&line, &v[n].path) || !fl_str_word(&line, &v[n].check) ||
		    !fl_str_word(&line, &reason) || v[n].check.n >= sizeof(id)) {
			*ret_bad = *ret_bad ? *ret_bad : no;
			continue;
		}
		snprintf(id, sizeof(id), "%.*s", FL_STR_ARG(v[n].check));
		if (docs_set_parse(&set, id, &err) < 0)
			*ret_bad = *ret_bad ? *ret_bad : no;
		else
			n++;
	}
	return n;
}

int docs_allow(struct docs_session *run, uint32_t *ret_bad)
{
	_cleanup_buf_ struct fl_buf text = {};
	_cleanup_free_ struct allow *v = NULL;
	size_t n = 1, kept = 0;
	int r = docs_tree_read(run->tree, ALLOW_FILE, &text);

	*ret_bad = 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == '\n';
	v = calloc(n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = read_allow(fl_buf_str(&text), v, ret_bad);
	for (size_t i = 0; i < run->n; i++) {
		if (!allows(v, n, &run->v[i]))
			run->v[kept++] = run->v[i];
	}
	run->n = kept;
	return 0;
}

/* -- what the patch takes away -- */

/* Places in which the path is written, and toctrees' entries for it. */
static void add_places(const struct docs_session *run, const struct docs_session *found, struct fl_str name,
		       struct fl_buf *out)
{
	const struct docs_session *sessions[] = { found, run };
	static const enum docs_fact_kind kinds[] = { DOCS_FACT_NAMED, DOCS_FACT_TOC };
	const struct docs_fact *v[200], *last = NULL;
	size_t n = 0;

	for (size_t k = 0; k < FL_ARRAY_SIZE(kinds); k++) {
		for (unsigned int i = 0; i < sessions[k]->nr_workers; i++) {
			for (const struct docs_fact *u = sessions[k]->workers[i].facts[kinds[k]]; u; u = u->next) {
				if (n < FL_ARRAY_SIZE(v) && fl_str_eq(u->name, name))
					v[n++] = u;
			}
		}
	}
	if (n)
		qsort(v, n, sizeof(*v), docs_fact_cmp);
	for (size_t i = 0; i < n; i++) {
		if (last && !strcmp(last->file, v[i]->file) && last->line == v[i]->line)
			continue;
		fl_buf_addf(out, "%s%s:%u", out->len ? ", " : "", v[i]->file, v[i]->line);
		last = v[i];
	}
}

static bool taken_away(const struct docs_session *run, const struct docs_change *c)
{
	return c->old_path.p && !(c->new_path.p && fl_str_eq(c->old_path, c->new_path)) &&
	       !docs_tree_has(run->tree, c->old_path);
}

static void report(const struct docs_session *run, const struct docs_session *found, struct docs_sink *sink,
		   const struct docs_change *c)
{
	_cleanup_buf_ struct fl_buf places = {};

	add_places(run, found, c->old_path, &places);
	if (!places.len)
		return;
	if (c->new_path.p)
		docs_report(sink, DOCS_PATCH_RENAME, c->line, 0, 0, "renames %.*s to %.*s, still named in %s",
			    FL_STR_ARG(c->old_path), FL_STR_ARG(c->new_path), fl_buf_z(&places));
	else
		docs_report(sink, DOCS_PATCH_RENAME, c->line, 0, 0, "deletes %.*s, still named in %s",
			    FL_STR_ARG(c->old_path), fl_buf_z(&places));
}

void docs_still_named(struct docs_session *run, const struct docs_session *found, const struct docs_mail *mails,
		      const char *patch, struct fl_str text)
{
	struct docs_sink *sink = &run->workers[0].sink;

	if (!docs_wants(sink, DOCS_PATCH_RENAME))
		return;
	docs_sink_file(sink, patch, text);
	for (const struct docs_mail *m = mails; m; m = m->next) {
		for (const struct docs_change *c = m->changes; c; c = c->next) {
			if (taken_away(run, c))
				report(run, found, sink, c);
		}
	}
	docs_sink_file(sink, NULL, fl_str_n("", 0));
}
