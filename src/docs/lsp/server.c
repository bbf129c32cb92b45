/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An open buffer is laid over the tree and its file checked by itself, which takes milliseconds. What that
 * cannot know, the labels, pages, C names and Whats of all other files, is the index: one session over the
 * whole of Documentation, kept with its facts, and made anew when the checkout changes under us
 * (.git/HEAD or .git/index) or the editor says that files have changed. Checks that compare files are
 * left out of the buffer's session; its references to labels are judged by the index here.
 */
#include "docs/lsp/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "base/json.h"
#include "docs/lsp/document.h"
#include "docs/run/session.h"

#define MOST_ITEMS 400 /* of a completion */

struct docs_lsp {
	bool opened, shut; /* the tree; the client said shutdown */
	struct docs_tree tree;
	struct docs_opts opts, index_opts;
	struct docs_session index;
	bool indexed;
	struct timespec head, stage; /* of the checkout when the index was made */
	struct fl_map labels;	     /* -> the fact of the index */
	struct fl_map documents;     /* path -> struct docs_document * */
	struct fl_arena arena;	     /* for paths */
};

/* -- messages -- */

static void send(struct fl_buf *out, struct fl_buf *message)
{
	fl_buf_addf(out, "Content-Length: %zu\r\n\r\n", message->len);
	fl_buf_add_str(out, fl_buf_str(message));
}

static void open_reply(struct fl_buf *m, struct json_object *id)
{
	fl_json_open(m, NULL, '{');
	fl_json_strz(m, "jsonrpc", "2.0");
	if (json_object_is_type(id, json_type_int))
		fl_json_s64(m, "id", json_object_get_int64(id));
	else
		fl_json_strz(m, "id", json_object_get_string(id));
}

static void reply_null(struct fl_buf *out, struct json_object *id)
{
	_cleanup_buf_ struct fl_buf m = {};

	open_reply(&m, id);
	fl_json_null(&m, "result");
	fl_json_close(&m, '}');
	send(out, &m);
}

static void reply_error(struct fl_buf *out, struct json_object *id, int code, const char *text)
{
	_cleanup_buf_ struct fl_buf m = {};

	open_reply(&m, id);
	fl_json_open(&m, "error", '{');
	fl_json_s64(&m, "code", code);
	fl_json_strz(&m, "message", text);
	fl_json_close(&m, '}');
	fl_json_close(&m, '}');
	send(out, &m);
}

static struct json_object *get(struct json_object *o, const char *path)
{
	char key[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		o = json_object_is_type(o, json_type_object) ? json_object_object_get(o, key) : NULL;
		path += n + (path[n] == '.');
	}
	return o;
}

static struct fl_str get_str(struct json_object *o, const char *path)
{
	struct json_object *v = get(o, path);

	return v && json_object_is_type(v, json_type_string) ?
		       fl_str_n(json_object_get_string(v), (size_t)json_object_get_string_len(v)) : fl_str_n(NULL, 0);
}

static struct docs_position get_position(struct json_object *o, const char *path)
{
	struct json_object *p = get(o, path);

	return (struct docs_position){ (uint32_t)json_object_get_int64(get(p, "line")),
				       (uint32_t)json_object_get_int64(get(p, "character")) };
}

/* -- addresses -- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "file:///a%20b" is "/a b". */
static void path_of(struct fl_str uri, struct fl_buf *out)
{
	if (fl_str_starts(uri, "file://"))
		uri = fl_str_from(uri, 7);
	for (size_t i = 0; i < uri.n; i++) {
		if (uri.p[i] == '%' && i + 2 < uri.n && hex(uri.p[i + 1]) >= 0 && hex(uri.p[i + 2]) >= 0) {
			fl_buf_addc(out, (char)(hex(uri.p[i + 1]) << 4 | hex(uri.p[i + 2])));
			i += 2;
		} else {
			fl_buf_addc(out, uri.p[i]);
		}
	}
}

static void add_uri(const struct docs_lsp *s, struct fl_buf *m, const char *path)
{
	_cleanup_buf_ struct fl_buf uri = {}, full = {};

	fl_buf_addf(&full, "%s/%s", s->tree.root, path);
	fl_buf_addz(&uri, "file://");
	for (const char *c = fl_buf_z(&full); *c; c++) {
		if ((*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') || strchr("-._~/+,@", *c))
			fl_buf_addc(&uri, *c);
		else
			fl_buf_addf(&uri, "%%%02X", (unsigned char)*c);
	}
	fl_json_buf(m, "uri", &uri);
}

/* The buffer of a message's textDocument, and its path in the tree; NULL where it is not open. */
static struct docs_document *document(struct docs_lsp *s, struct json_object *params, const char **ret_path)
{
	_cleanup_buf_ struct fl_buf full = {};
	struct fl_map_entry *e;
	size_t n = s->opened ? strlen(s->tree.root) : 0;

	path_of(get_str(params, "textDocument.uri"), &full);
	if (!s->opened || full.len <= n + 1 || strncmp(fl_buf_z(&full), s->tree.root, n) || full.data[n] != '/')
		return NULL;
	e = fl_map_get(&s->documents, fl_str(full.data + n + 1));
	*ret_path = e ? e->key.p : NULL;
	return e ? e->ptr : NULL;
}

/* -- the index -- */

static struct timespec changed(const struct docs_lsp *s, const char *name)
{
	struct stat st;

	return fstatat(s->tree.fd, name, &st, 0) == 0 ? st.st_mtim : (struct timespec){};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

#define each_fact(f, s, kind)                                                                      \
	for (unsigned int i_ = 0; i_ < (s)->nr_workers; i_++)                                      \
		for (const struct docs_fact *f = (s)->workers[i_].facts[kind]; f; f = f->next)

static int make_index(struct docs_lsp *s)
{
	const char *docs[] = { docs_tree_doc_dir(&s->tree) };
	const char *const top[] = { "" };
	int r;

	if (s->indexed)
		docs_session_fini(&s->index);
	fl_map_fini(&s->labels);
	s->head = changed(s, ".git/HEAD");
	s->stage = changed(s, ".git/index");
	r = docs_session_init(&s->index, &s->tree, &s->index_opts);
	s->indexed = true;
	if (!r)
		r = docs_session_paths(&s->index, s->tree.kernel ? docs : top, 1);
	if (!r)
		r = docs_session_finish(&s->index);
	each_fact(f, &s->index, DOCS_FACT_LABEL) {
		struct fl_map_entry *e = fl_map_put(&s->labels, f->name, NULL);

		if (e)
			e->ptr = (void *)f;
	}
	return r;
}

static bool is_stale(const struct docs_lsp *s)
{
	return !s->indexed || !same_time(s->head, changed(s, ".git/HEAD")) ||
	       !same_time(s->stage, changed(s, ".git/index"));
}

static void leave_out(struct docs_set *want, enum docs_check c)
{
	want->bits[c / 64] &= ~(1ULL << (c % 64));
}

static int open_tree(struct docs_lsp *s, struct json_object *params)
{
	_cleanup_buf_ struct fl_buf path = {}, rel = {};
	struct fl_str uri = get_str(params, "rootUri");

	if (!uri.n)
		uri = get_str(params, "rootPath");
	path_of(uri.n ? uri : FL_STR("."), &path);
	if (docs_tree_open(&s->tree, fl_buf_z(&path), &rel) < 0)
		return -ENOENT;
	s->opened = true;
	s->opts = (struct docs_opts){ .level = FL_STYLE, .family = DOCUTILS_22, .local = true, .threads = 1 };
	s->index_opts = (struct docs_opts){ .level = FL_ERROR, .family = DOCUTILS_22 };
	memset(&s->opts.want, 0xff, sizeof(s->opts.want));
	for (size_t c = 0; c < _DOCS_CHECK_MAX; c++) {
		if (docs_checks[c].reader == DOCS_READ_TREE && c != DOCS_TITLE_HERE)
			leave_out(&s->opts.want, c);
	}
	leave_out(&s->opts.want, DOCS_CONFIG_UNKNOWN);
	docs_set_add(&s->index_opts.want, DOCS_LABEL_UNDEFINED); /* reads pages and comments, for their facts */
	return 0;
}

/* -- diagnostics -- */

static void add_position(struct fl_buf *m, const char *key, uint32_t line, uint32_t character)
{
	fl_json_open(m, key, '{');
	fl_json_u64(m, "line", line);
	fl_json_u64(m, "character", character);
	fl_json_close(m, '}');
}

static void add_range(struct fl_buf *m, uint32_t line, uint32_t from, uint32_t to)
{
	fl_json_open(m, "range", '{');
	add_position(m, "start", line, from);
	add_position(m, "end", line, to);
	fl_json_close(m, '}');
}

static void add_diagnostic(struct fl_buf *m, uint32_t line, struct fl_str text, uint32_t col, uint32_t len,
			   enum fl_level level, const char *code, const char *message)
{
	uint32_t from = docs_utf16(text, col), to = docs_utf16(text, len ? (size_t)col + len : text.n);

	fl_json_open(m, NULL, '{');
	add_range(m, line ? line - 1 : 0, from, FL_MAX(from, to));
	fl_json_u64(m, "severity", level == FL_ERROR ? 1 : level == FL_WARNING ? 2 : 4);
	fl_json_strz(m, "code", code);
	fl_json_strz(m, "source", "foreland");
	fl_json_strz(m, "message", message);
	fl_json_close(m, '}');
}

/* References of the buffer to labels that neither it nor the index has. */
static void add_labels(struct docs_lsp *s, const struct docs_session *run, const char *path, struct fl_buf *m)
{
	_cleanup_map_ struct fl_map own = {};
	const struct fl_map_entry *e;
	struct docs_finding at;
	char text[300];

	each_fact(f, run, DOCS_FACT_LABEL)
		fl_map_put(&own, f->name, NULL);
	each_fact(f, run, DOCS_FACT_LABEL_REF) {
		e = fl_map_get(&s->labels, f->name); /* of the buffer's own labels, the index knows old ones */
		if (fl_map_get(&own, f->name) || memchr(f->name.p, ':', f->name.n) ||
		    (e && strcmp(((const struct docs_fact *)e->ptr)->file, path)))
			continue;
		at = (struct docs_finding){ .text = f->text, .col = f->col, .len = (uint32_t)f->name.n };
		docs_finding_columns(&at); /* from columns on the screen to bytes */
		snprintf(text, sizeof(text), "undefined label: '%.*s'", FL_STR_ARG(f->name));
		add_diagnostic(m, f->line, f->text, at.col, at.len, FL_WARNING, "label-undefined", text);
	}
}

static int check(struct docs_lsp *s, const char *path, struct docs_session *run)
{
	int r;

	s->opts.conf = s->indexed ? &s->index.conf : NULL;
	r = docs_session_init(run, &s->tree, &s->opts);

	if (!r)
		r = docs_session_paths(run, &path, 1);
	return r ? r : docs_session_finish(run);
}

static int publish(struct docs_lsp *s, const char *path, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf m = {};
	struct docs_session run;
	int r;

	if (is_stale(s))
		make_index(s);
	r = check(s, path, &run);
	fl_json_open(&m, NULL, '{');
	fl_json_strz(&m, "jsonrpc", "2.0");
	fl_json_strz(&m, "method", "textDocument/publishDiagnostics");
	fl_json_open(&m, "params", '{');
	add_uri(s, &m, path);
	fl_json_open(&m, "diagnostics", '[');
	for (size_t i = 0; !r && i < run.n; i++) {
		const struct docs_finding *f = &run.v[i];

		if (f->file && !strcmp(f->file, path))
			add_diagnostic(&m, f->line, f->text, f->col, f->len, f->level, docs_checks[f->check].kind.code,
				       f->message);
	}
	if (!r)
		add_labels(s, &run, path, &m);
	fl_json_close(&m, ']');
	fl_json_close(&m, '}');
	fl_json_close(&m, '}');
	send(out, &m);
	docs_session_fini(&run);
	return r;
}

static int publish_all(struct docs_lsp *s, struct fl_buf *out)
{
	int r = 0;

	fl_map_for_each(e, &s->documents) {
		if (!r && e->ptr)
			r = publish(s, e->key.p, out);
	}
	return r;
}

/* -- buffers -- */

static int did_open(struct docs_lsp *s, struct json_object *params, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf full = {};
	struct fl_str text = get_str(params, "textDocument.text");
	struct docs_document *d;
	struct fl_map_entry *e;
	size_t n = s->opened ? strlen(s->tree.root) : 0;
	char *path;

	path_of(get_str(params, "textDocument.uri"), &full);
	if (!s->opened || full.len <= n + 1 || strncmp(fl_buf_z(&full), s->tree.root, n) || full.data[n] != '/')
		return 0; /* of another tree */
	path = fl_arena_dup(&s->arena, fl_str(full.data + n + 1));
	e = path ? fl_map_put(&s->documents, fl_str(path), NULL) : NULL;
	d = e ? (e->ptr ? e->ptr : calloc(1, sizeof(*d))) : NULL;
	if (!d)
		return -ENOMEM;
	e->ptr = d;
	fl_buf_reset(&d->text);
	fl_buf_add_str(&d->text, text);
	if (d->text.error || docs_tree_lend(&s->tree, e->key, fl_buf_str(&d->text)) < 0)
		return -ENOMEM;
	return publish(s, e->key.p, out);
}

static int did_change(struct docs_lsp *s, struct json_object *params, struct fl_buf *out)
{
	struct json_object *changes = get(params, "contentChanges");
	const char *path = NULL;
	struct docs_document *d = document(s, params, &path);
	size_t n = changes && json_object_is_type(changes, json_type_array) ? json_object_array_length(changes) : 0;
	int r = 0;

	if (!d)
		return 0;
	for (size_t i = 0; i < n && !r; i++) {
		struct json_object *c = json_object_array_get_idx(changes, i);
		struct fl_str text = get_str(c, "text");

		if (get(c, "range")) {
			r = docs_document_edit(d, get_position(c, "range.start"), get_position(c, "range.end"), text);
		} else {
			fl_buf_reset(&d->text);
			fl_buf_add_str(&d->text, text);
			r = d->text.error;
		}
	}
	if (!r)
		r = docs_tree_lend(&s->tree, fl_str(path), fl_buf_str(&d->text));
	return r ? r : publish(s, path, out);
}

static int did_close(struct docs_lsp *s, struct json_object *params)
{
	const char *path = NULL;
	struct docs_document *d = document(s, params, &path);
	struct fl_map_entry *e = d ? fl_map_get(&s->documents, fl_str(path)) : NULL;

	if (!e)
		return 0;
	docs_tree_forget(&s->tree, e->key);
	fl_buf_fini(&d->text);
	free(d);
	e->ptr = NULL;
	return 0;
}

/* -- questions -- */

static bool name_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       (c && strchr("./-+<>:", c)) || (c & 0x80);
}

/* The name under the cursor, of a label (with what may stand in one), a path or a C name. */
static struct fl_str name_at(const struct docs_document *d, struct docs_position p, struct fl_str *ret_line)
{
	struct fl_str line = docs_document_line(d, p.line), name;
	size_t at = docs_document_byte(d, p) - (size_t)(line.p - d->text.data), from = at, to = at;

	*ret_line = line;
	while (from && name_char(line.p[from - 1]))
		from--;
	while (to < line.n && name_char(line.p[to]))
		to++;
	name = fl_str_sub(line, from, to - from);
	while (name.n && strchr("<:", name.p[0]))
		name = fl_str_from(name, 1);
	while (name.n && strchr(">:.", name.p[name.n - 1]))
		name.n--;
	return name;
}

static void add_location(const struct docs_lsp *s, struct fl_buf *m, const char *path, uint32_t line)
{
	fl_json_open(m, NULL, '{');
	add_uri(s, m, path);
	add_range(m, line ? line - 1 : 0, 0, 0);
	fl_json_close(m, '}');
}

static bool label_is(struct fl_str label, struct fl_str name)
{
	if (label.n != name.n)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 32 : name.p[i];

		if (c != label.p[i])
			return false;
	}
	return true;
}

/* "function NAME" and the like. */
static bool c_name_is(struct fl_str full, struct fl_str name)
{
	return full.n > name.n && !memcmp(full.p + full.n - name.n, name.p, name.n) &&
	       full.p[full.n - name.n - 1] == ' ';
}

static void add_definitions(struct docs_lsp *s, struct fl_buf *m, const char *page, struct fl_str name)
{
	char path[2048], full[2048];
	const char *slash = strrchr(page, '/');

	each_fact(f, &s->index, DOCS_FACT_LABEL) {
		if (label_is(f->name, name))
			add_location(s, m, f->file, f->line);
	}
	each_fact(f, &s->index, DOCS_FACT_C) {
		if (c_name_is(f->name, name))
			add_location(s, m, f->file, f->line);
	}
	each_fact(f, &s->index, DOCS_FACT_ABI) {
		if (fl_str_eq(f->name, name))
			add_location(s, m, f->file, f->line);
	}
	for (int i = 0; i < 3 && name.n; i++) { /* as it is, a file from here, a page from here or from the top */
		struct fl_str here = fl_str_n(page, slash ? (size_t)(slash + 1 - page) : 0);
		struct fl_str dir = i == 0 ? fl_str_n("", 0) : name.p[0] != '/' ? here :
				    fl_str_sub(s->tree.doc, 0, s->tree.doc.n - 1);

		if (snprintf(full, sizeof(full), "%.*s%.*s%s", FL_STR_ARG(dir), FL_STR_ARG(name),
			     i == 2 ? ".rst" : "") < (int)sizeof(full) &&
		    docs_normalize(fl_str(full), path, sizeof(path)) &&
		    docs_is_file(&s->tree, path)) {
			add_location(s, m, path, 1);
			return;
		}
	}
}

static void answer_definition(struct docs_lsp *s, struct json_object *id, struct json_object *params,
			      struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf m = {};
	const char *path = NULL;
	struct docs_document *d = document(s, params, &path);
	struct fl_str line, name = {};

	open_reply(&m, id);
	fl_json_open(&m, "result", '[');
	if (d)
		name = name_at(d, get_position(params, "position"), &line);
	if (name.n)
		add_definitions(s, &m, path, name);
	fl_json_close(&m, ']');
	fl_json_close(&m, '}');
	send(out, &m);
}

static void answer_references(struct docs_lsp *s, struct json_object *id, struct json_object *params,
			      struct fl_buf *out)
{
	static const enum docs_fact_kind kinds[] = { DOCS_FACT_LABEL_REF, DOCS_FACT_TOC, DOCS_FACT_KDOC,
						     DOCS_FACT_INCLUDED };
	_cleanup_buf_ struct fl_buf m = {};
	const char *path = NULL;
	struct docs_document *d = document(s, params, &path);
	struct fl_str line, name = {};

	if (d)
		name = name_at(d, get_position(params, "position"), &line);
	while (name.n && name.p[0] == '_')
		name = fl_str_from(name, 1); /* ".. _label:" */
	open_reply(&m, id);
	fl_json_open(&m, "result", '[');
	for (size_t k = 0; k < FL_ARRAY_SIZE(kinds) && name.n; k++) {
		each_fact(f, &s->index, kinds[k]) {
			if (k ? fl_str_eq(f->name, name) : label_is(f->name, name))
				add_location(s, &m, f->file, f->line);
		}
	}
	fl_json_close(&m, ']');
	fl_json_close(&m, '}');
	send(out, &m);
}

static void add_item(struct fl_buf *m, struct fl_str label, const char *detail)
{
	fl_json_open(m, NULL, '{');
	fl_json_str(m, "label", label);
	fl_json_u64(m, "kind", 18); /* a reference */
	fl_json_strz(m, "detail", detail);
	fl_json_close(m, '}');
}

/* Labels behind :ref:`, pages behind :doc:`. */
static void answer_completion(struct docs_lsp *s, struct json_object *id, struct json_object *params,
			      struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf m = {};
	const char *path = NULL;
	struct docs_document *d = document(s, params, &path);
	struct docs_position p = get_position(params, "position");
	struct fl_str line = d ? docs_document_line(d, p.line) : fl_str_n("", 0);
	size_t at = d ? docs_document_byte(d, p) - (size_t)(line.p - d->text.data) : 0, tick = at, n = 0;
	struct fl_str role, word;

	while (tick && line.p[tick - 1] != '`')
		tick--;
	role = fl_str_sub(line, 0, tick ? tick - 1 : 0);
	word = fl_str_sub(line, tick, at - tick);
	open_reply(&m, id);
	fl_json_open(&m, "result", '[');
	if (fl_str_ends(role, ":ref:")) {
		fl_map_for_each(e, &s->labels) {
			const struct docs_fact *f = e->ptr;

			if (e->key.n >= word.n && label_is(fl_str_sub(e->key, 0, word.n), word) && n++ < MOST_ITEMS)
				add_item(&m, e->key, f->file);
		}
	}
	if (fl_str_ends(role, ":doc:")) {
		each_fact(f, &s->index, DOCS_FACT_PAGE) {
			struct fl_str page = f->name;

			if (!docs_is_in_doc(&s->tree, f->file) || !fl_str_ends(page, ".rst"))
				continue;
			page = fl_str_sub(page, s->tree.doc.n - 1, page.n - s->tree.doc.n - 3);
			if (page.n >= word.n && !memcmp(page.p, word.p, word.n) && n++ < MOST_ITEMS)
				add_item(&m, page, f->file);
		}
	}
	fl_json_close(&m, ']');
	fl_json_close(&m, '}');
	send(out, &m);
}

static void add_edits(const struct docs_lsp *s, struct fl_buf *m, const char *path, const struct docs_edit *e)
{
	fl_json_open(m, "edit", '{');
	fl_json_open(m, "documentChanges", '[');
	fl_json_open(m, NULL, '{');
	fl_json_open(m, "textDocument", '{');
	add_uri(s, m, path);
	fl_json_null(m, "version");
	fl_json_close(m, '}');
	fl_json_open(m, "edits", '[');
	for (; e; e = e->next) {
		fl_json_open(m, NULL, '{');
		fl_json_open(m, "range", '{');
		add_position(m, "start", e->line - 1, 0);
		add_position(m, "end", e->line - 1 + e->count, 0);
		fl_json_close(m, '}');
		fl_json_str(m, "newText", e->text);
		fl_json_close(m, '}');
	}
	fl_json_close(m, ']');
	fl_json_close(m, '}');
	fl_json_close(m, ']');
	fl_json_close(m, '}');
}

static void answer_actions(struct docs_lsp *s, struct json_object *id, struct json_object *params,
			   struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf m = {};
	const char *path = NULL;
	struct docs_document *d = document(s, params, &path);
	struct docs_position from = get_position(params, "range.start"), to = get_position(params, "range.end");
	struct docs_session run = {};
	int r = d ? check(s, path, &run) : -ENOENT;

	open_reply(&m, id);
	fl_json_open(&m, "result", '[');
	for (size_t i = 0; !r && i < run.n; i++) {
		const struct docs_finding *f = &run.v[i];
		char title[300];

		if (!f->fix || !f->line || f->line - 1 < from.line || f->line - 1 > to.line || strcmp(f->file, path))
			continue;
		snprintf(title, sizeof(title), "Fix: %s", f->message);
		fl_json_open(&m, NULL, '{');
		fl_json_strz(&m, "title", title);
		fl_json_strz(&m, "kind", "quickfix");
		add_edits(s, &m, path, f->fix);
		fl_json_close(&m, '}');
	}
	fl_json_close(&m, ']');
	fl_json_close(&m, '}');
	send(out, &m);
	docs_session_fini(&run);
}

/* -- the protocol -- */

static void answer_initialize(struct fl_buf *out, struct json_object *id)
{
	static const char capabilities[] =
		"{\"textDocumentSync\":{\"openClose\":true,\"change\":2,\"save\":{}},\"definitionProvider\":true,"
		"\"referencesProvider\":true,\"codeActionProvider\":{\"codeActionKinds\":[\"quickfix\"]},"
		"\"completionProvider\":{\"triggerCharacters\":[\"`\",\"/\"]}}";
	_cleanup_buf_ struct fl_buf m = {};

	open_reply(&m, id);
	fl_buf_addf(&m, ",\"result\":{\"capabilities\":%s,\"serverInfo\":{\"name\":\"foreland\",\"version\":\"%s\"}}}",
		    capabilities, FORELAND_VERSION);
	send(out, &m);
}

static int request(struct docs_lsp *s, struct fl_str method, struct json_object *id, struct json_object *params,
		   struct fl_buf *out)
{
	static const struct {
		const char *name;
		void (*answer)(struct docs_lsp *s, struct json_object *id, struct json_object *params,
			       struct fl_buf *out);
	} rows[] = {
		{ "textDocument/definition", answer_definition }, { "textDocument/references", answer_references },
		{ "textDocument/completion", answer_completion }, { "textDocument/codeAction", answer_actions },
	};

	if (fl_str_is(method, "initialize")) {
		if (!s->opened && open_tree(s, params) < 0)
			reply_error(out, id, -32803, "the root folder cannot be opened");
		else
			answer_initialize(out, id);
		return 0;
	}
	if (fl_str_is(method, "shutdown")) {
		s->shut = true;
		reply_null(out, id);
		return 0;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (!fl_str_is(method, rows[i].name))
			continue;
		if (s->opened && is_stale(s))
			make_index(s);
		rows[i].answer(s, id, params, out);
		return 0;
	}
	reply_error(out, id, -32601, "no such method");
	return 0;
}

static int notice(struct docs_lsp *s, struct fl_str method, struct json_object *params, struct fl_buf *out)
{
	if (fl_str_is(method, "exit"))
		return s->shut ? 1 : -EPIPE;
	if (fl_str_is(method, "textDocument/didOpen"))
		return did_open(s, params, out);
	if (fl_str_is(method, "textDocument/didChange"))
		return did_change(s, params, out);
	if (fl_str_is(method, "textDocument/didClose"))
		return did_close(s, params);
	if (s->opened && (fl_str_is(method, "textDocument/didSave") ||
			  fl_str_is(method, "workspace/didChangeWatchedFiles"))) {
		s->head = (struct timespec){ .tv_nsec = -1 }; /* made anew when it is wanted */
		return publish_all(s, out);
	}
	return 0;
}

int docs_lsp_message(struct docs_lsp *s, struct fl_str message, struct fl_buf *out)
{
	char *z = fl_str_dup(message);
	struct json_object *o = z ? json_tokener_parse(z) : NULL, *id = get(o, "id"), *params = get(o, "params");
	struct fl_str method = get_str(o, "method");
	int r = 0;

	free(z);
	if (o && !method.n && id)
		r = 0; /* an answer to what we never ask */
	else if (!o || !method.n)
		reply_error(out, NULL, -32700, "no JSON-RPC message");
	else
		r = id ? request(s, method, id, params, out) : notice(s, method, params, out);
	json_object_put(o);
	return r ? r : out->error;
}

int docs_lsp_new(struct docs_lsp **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void docs_lsp_free(struct docs_lsp *s)
{
	if (!s)
		return;
	if (s->indexed)
		docs_session_fini(&s->index);
	fl_map_for_each(e, &s->documents) {
		struct docs_document *d = e->ptr;

		if (d)
			fl_buf_fini(&d->text);
		free(d);
	}
	fl_map_fini(&s->documents);
	fl_map_fini(&s->labels);
	if (s->opened)
		docs_tree_close(&s->tree);
	fl_arena_fini(&s->arena);
	free(s);
}
