/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/num.h"
#include "base/util.h"
#include "base/walk.h"

#define FILE_MAX (1u << 20)
#define SUFFIX	 ".conf"

enum config_error {
#define D(code, ...) CONFIG_##code,
#include "fleet/config/errors.def"
#undef D
	_CONFIG_ERROR_MAX,
};

static const struct fl_diag_kind errors[_CONFIG_ERROR_MAX] = {
#define D(code, level, err, message) [CONFIG_##code] = { #code, FL_##level, err, message },
#include "fleet/config/errors.def"
#undef D
};

enum setting_type { TEXT, NUMBER };

static const struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	uint64_t least;
} settings[] = {
#define S(name, type, field, least, help) { name, type, offsetof(struct fl_question, field), least },
#include "fleet/config/settings.def"
#undef S
};

void fl_question_free(struct fl_question *q)
{
	struct fl_arena arena;

	if (!q)
		return;
	arena = q->arena; /* which it lies in itself */
	fl_arena_fini(&arena);
}

void fl_questions_fini(struct fl_questions *q)
{
	for (size_t i = 0; i < q->n; i++)
		fl_question_free(q->v[i]);
	free(q->v);
	*q = (struct fl_questions){};
}

/* ---- one file ---- */

struct reading {
	struct fl_question *q;
	struct fl_diag *diag;
	struct fl_arena *place;
	struct fl_str line;
	uint32_t number;
};

static int complain(const struct reading *r, enum config_error error, struct fl_str at)
{
	uint32_t from = at.p >= r->line.p && at.p <= r->line.p + r->line.n ? (uint32_t)(at.p - r->line.p) : 0;
	int err = fl_diag_set(r->diag, &errors[error], (struct fl_span){ from, from + (uint32_t)at.n });

	r->diag->place = fl_arena_dup(r->place, fl_str(r->q->path));
	r->diag->line = r->number;
	if (!r->line.n)
		return err;
	r->diag->text = fl_arena_dup(r->place, r->line);
	r->diag->text_len = r->diag->text ? r->line.n : 0;
	return err;
}

static int set(const struct reading *r, const struct setting *s, struct fl_str name, struct fl_str value)
{
	void *at = (char *)r->q + s->offset;
	uint64_t n;

	if (s->type == TEXT) {
		if (*(const char **)at)
			return complain(r, CONFIG_SET_TWICE, name);
		*(const char **)at = fl_arena_dup(&r->q->arena, value);
		return *(const char **)at ? 0 : -ENOMEM;
	}
	if (*(uint64_t *)at)
		return complain(r, CONFIG_SET_TWICE, name);
	if (fl_parse_u64(value, 10, &n) < 0 || n < s->least || n > INT32_MAX)
		return complain(r, CONFIG_BAD_NUMBER, value);
	*(uint64_t *)at = n;
	return 0;
}

/* "NAME = VALUE": no definition has its first "=" behind a single word. */
static bool is_setting(struct fl_str line, struct fl_str *name, struct fl_str *value)
{
	size_t eq = fl_str_find(line, '=', 0);

	*name = fl_str_trim(fl_str_sub(line, 0, eq));
	*value = fl_str_trim(fl_str_from(line, eq + 1));
	if (eq == line.n || fl_str_find(*name, ':', 0) < name->n)
		return false;
	return fl_str_find(*name, ' ', 0) == name->n && fl_str_find(*name, '\t', 0) == name->n;
}

static int add_setting(const struct reading *r, struct fl_str name, struct fl_str value)
{
	struct fl_str names[FL_ARRAY_SIZE(settings)];
	size_t near;
	int err;

	for (size_t i = 0; i < FL_ARRAY_SIZE(settings); i++) {
		if (fl_str_is(name, settings[i].name))
			return set(r, &settings[i], name, value);
		names[i] = fl_str(settings[i].name);
	}
	err = complain(r, CONFIG_NO_SETTING, name);
	near = fl_str_nearest(name, names, FL_ARRAY_SIZE(settings));
	if (near < FL_ARRAY_SIZE(settings))
		fl_diag_help(r->diag, "did you mean '%s'?", settings[near].name);
	return err;
}

static int add_line(const struct reading *r, size_t room)
{
	struct fl_question *q = r->q;
	struct fl_question_line *l = &q->lines[q->n];
	struct fl_str name, value;

	if (is_setting(r->line, &name, &value))
		return add_setting(r, name, value);
	*l = (struct fl_question_line){ fl_arena_dup(&q->arena, r->line), r->number,
					fl_str_starts(r->line, "hist:") };
	if (!l->text || q->n == room)
		return -ENOMEM;
	if (l->is_hist && !q->n)
		return complain(r, CONFIG_LONE_HIST, r->line);
	q->n++;
	return 0;
}

static size_t count_lines(struct fl_str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

static int parse(struct reading *r)
{
	struct fl_question *q = r->q;
	struct fl_str rest = q->text, line;
	size_t room = count_lines(rest);
	int err = 0;

	q->lines = fl_arena_array(&q->arena, room + 1, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	while (err == 0 && fl_str_line(&rest, &line)) {
		r->number++;
		r->line = fl_str_trim(line);
		if (r->line.n && r->line.p[0] != '#')
			err = add_line(r, room);
	}
	if (err == 0 && !q->n && !q->sample) {
		r->line = FL_STR("");
		r->number = 0;
		return complain(r, CONFIG_EMPTY, r->line);
	}
	return err;
}

static bool is_name(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (i && (c == '-' || c == '_' || c == '.'))))
			return false;
	}
	return s.n;
}

/* @path ends with SUFFIX. */
static struct fl_question *new_question(const char *path)
{
	struct fl_arena arena = {};
	struct fl_question *q = FL_ARENA_NEW(&arena, struct fl_question);
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;

	if (!q)
		return NULL;
	q->name = fl_arena_dup(&arena, fl_str_sub(fl_str(file), 0, strlen(file) - strlen(SUFFIX)));
	q->path = fl_arena_dup(&arena, fl_str(path));
	if (!q->name || !q->path) {
		fl_arena_fini(&arena);
		return NULL;
	}
	q->arena = arena;
	return q;
}

static int parse_question(struct fl_question *q, struct fl_str text, struct fl_diag *diag, struct fl_arena *place)
{
	struct reading r = { .q = q, .diag = diag, .place = place, .line = FL_STR("") };
	const char *copy = fl_arena_dup(&q->arena, text);

	if (!copy)
		return -ENOMEM;
	q->text = fl_str_n(copy, text.n);
	return is_name(fl_str(q->name)) ? parse(&r) : complain(&r, CONFIG_BAD_NAME, r.line);
}

int fl_question_parse(const char *path, struct fl_str text, struct fl_question **ret, struct fl_diag *diag,
		      struct fl_arena *place)
{
	struct fl_question *q = fl_str_ends(fl_str(path), SUFFIX) ? new_question(path) : NULL;
	int err = q ? parse_question(q, text, diag, place) : -ENOMEM;

	if (err < 0)
		fl_question_free(q);
	else
		*ret = q;
	return err;
}

static int read_question(struct fl_question *q, struct fl_diag *diag, struct fl_arena *place)
{
	struct reading r = { .q = q, .diag = diag, .place = place, .line = FL_STR("") };
	_cleanup_file_ struct fl_file f = {};
	int err;

	if (fl_walk_for_root(q->path) < 0)
		return complain(&r, CONFIG_NOT_OURS, r.line);
	err = fl_file_open_named(q->path, FILE_MAX, &f);
	if (err < 0) {
		complain(&r, CONFIG_UNREADABLE, r.line);
		fl_diag_message(diag, "This cannot be read: %s.", fl_errno_name(err));
		return err;
	}
	return parse_question(q, fl_file_str(&f), diag, place);
}

/* ---- the folder ---- */

static int is_question(const struct dirent *e)
{
	return e->d_name[0] != '.' && fl_str_ends(fl_str(e->d_name), SUFFIX);
}

static int add(struct fl_questions *all, struct fl_question *q)
{
	struct fl_question **v = reallocarray(all->v, all->n + 1, sizeof(struct fl_question *));

	if (!v)
		return -ENOMEM;
	all->v = v;
	v[all->n++] = q;
	return 0;
}

int fl_questions_read(const char *dir, struct fl_questions *ret, struct fl_diag *diag, struct fl_arena *place)
{
	_cleanup_questions_ struct fl_questions all = {};
	struct dirent **list;
	int n = scandir(dir, &list, is_question, alphasort), r = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		_cleanup_buf_ struct fl_buf path = {};
		struct fl_question *q;

		fl_buf_addf(&path, "%s/%s", dir, list[i]->d_name);
		free(list[i]);
		if (r < 0)
			continue;
		q = path.error ? NULL : new_question(fl_buf_z(&path));
		r = q ? add(&all, q) : -ENOMEM;
		if (r == 0)
			r = read_question(q, diag, place);
		else
			fl_question_free(q);
	}
	free(list);
	if (r < 0)
		return r;
	*ret = all;
	all = (struct fl_questions){};
	return 0;
}
