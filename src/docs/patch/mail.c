/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What reviewers of documentation patches ask again and again: why that subject prefix, why not to
 * those lists, and which warning it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "docs/patch/patch.h"

static bool same_name(struct fl_str a, struct fl_str b)
{
	return a.n == b.n && !strncasecmp(a.p, b.p, a.n);
}

/* -- the subject -- */

/* Says where in the house a patch is, and nothing of the subsystem. */
static bool is_general(struct fl_str s)
{
	static const char *const names[] = { "docs", "doc", "documentation", "dt-bindings", "maintainers", "abi",
					     "treewide", "tree-wide", "kernel-doc", "media", "uapi", "translations" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if (same_name(s, fl_str(names[i])))
			return true;
	}
	return false;
}

/* @word is a folder on the path, or a word of its name. */
static bool path_has(struct fl_str path, struct fl_str word)
{
	for (size_t i = 0; i + word.n <= path.n; i++) {
		bool start = !i || strchr("/-_.,", path.p[i - 1]);
		bool end = i + word.n == path.n || strchr("/-_.,", path.p[i + word.n]);

		if (start && end && !strncasecmp(path.p + i, word.p, word.n))
			return true;
	}
	return false;
}

static bool is_subsystem(const struct docs_tree *t, struct fl_str word)
{
	static const char *const roots[] = { "Documentation", "drivers", "net", "fs", "sound", "arch",
					     "include", "Documentation/devicetree/bindings" };
	char path[300];

	if (!word.n || word.n > 60 || memchr(word.p, '/', word.n))
		return false;
	for (size_t i = 0; i < FL_ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s/%.*s", roots[i], FL_STR_ARG(word));
		for (char *c = path + strlen(roots[i]) + 1; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? *c | 32 : *c;
		if (docs_tree_has(t, fl_str(path)))
			return true;
	}
	return false;
}

/* The folder that names the subsystem of Documentation/hwmon/x.rst or drivers/hwmon/x.c. */
static struct fl_str subsystem_of(struct fl_str path)
{
	size_t slash = fl_str_find(path, '/', 0), next;
	struct fl_str rest = fl_str_from(path, slash + 1);

	next = fl_str_find(rest, '/', 0);
	return next < rest.n ? fl_str_sub(rest, 0, next) : fl_str_n("", 0);
}

static bool touches(const struct docs_mail *m, struct fl_str word)
{
	for (const struct docs_change *c = m->changes; c; c = c->next) {
		if ((c->old_path.p && path_has(c->old_path, word)) || (c->new_path.p && path_has(c->new_path, word)))
			return true;
	}
	return false;
}

static void check_prefix(const struct docs_mail *m, const struct docs_tree *t, struct docs_sink *sink,
			 struct fl_str word)
{
	struct fl_str path = m->changes->new_path.p ? m->changes->new_path : m->changes->old_path;
	struct fl_str right = subsystem_of(path);

	if (is_general(word) || !is_subsystem(t, word) || touches(m, word) || !right.n)
		return;
	docs_report(sink, DOCS_MAIL_SUBJECT, m->subject_line, 0, 0,
		    "the subject says \"%.*s:\", but the files are of \"%.*s:\"", FL_STR_ARG(word), FL_STR_ARG(right));
}

static void check_subject(const struct docs_mail *m, const struct docs_tree *t, struct docs_sink *sink)
{
	struct fl_str s = m->subject, word;
	size_t colon;

	while (s.n && (s.p[0] == '[' || s.p[0] == ' ')) {
		size_t end = s.p[0] == '[' ? fl_str_find(s, ']', 0) : 0;

		s = fl_str_from(s, end + 1);
	}
	while ((colon = fl_str_find(s, ':', 0)) < s.n) {
		word = fl_str_trim(fl_str_sub(s, 0, colon));
		check_prefix(m, t, sink, word);
		s = fl_str_from(s, colon + 1);
	}
}

/* -- the recipients -- */

struct section {
	struct fl_str name;
	struct fl_str people[64];
	size_t nr_people;
	bool matches, excluded;
};

/* As get_maintainer: "dir/" is all beneath it; else "*" does not cross a "/". */
static bool pattern_matches(struct fl_str pattern, struct fl_str path)
{
	size_t a = 0, b = 0;
	char glob[1024];

	if (pattern.n && pattern.p[pattern.n - 1] == '/') {
		snprintf(glob, sizeof(glob), "%.*s*", FL_STR_ARG(pattern));
		return fl_str_glob(fl_str(glob), path);
	}
	for (size_t i = 0; i < pattern.n; i++)
		a += pattern.p[i] == '/';
	for (size_t i = 0; i < path.n; i++)
		b += path.p[i] == '/';
	return a == b && fl_str_glob(pattern, path);
}

static bool any_matches(const struct docs_mail *m, struct fl_str pattern)
{
	for (const struct docs_change *c = m->changes; c; c = c->next) {
		if (pattern_matches(pattern, c->new_path.p ? c->new_path : c->old_path))
			return true;
	}
	return false;
}

/* The address in "Name <address>" or "address (moderated ...)". */
static struct fl_str address(struct fl_str s)
{
	size_t lt = fl_str_find(s, '<', 0), gt = fl_str_find(s, '>', lt);

	if (gt < s.n)
		return fl_str_sub(s, lt + 1, gt - lt - 1);
	return fl_str_sub(s, 0, fl_str_find(s, ' ', 0));
}

/* Addresses are compared whole, or by what stands before the "@": archives show no more. */
static bool is_recipient(const struct docs_mail *m, struct fl_str who)
{
	struct fl_str local = fl_str_sub(who, 0, fl_str_find(who, '@', 0)), all = m->recipients;

	for (size_t i = 0; i + local.n <= all.n; i++) {
		bool start = !i || strchr(" <,;\t", all.p[i - 1]);
		bool end = i + local.n == all.n || strchr("@ ,;>\t", all.p[i + local.n]);

		if (start && end && !strncasecmp(all.p + i, local.p, local.n))
			return true;
	}
	return false;
}

static void report_section(const struct docs_mail *m, struct docs_sink *sink, const struct section *s)
{
	_cleanup_buf_ struct fl_buf missing = {};

	for (size_t i = 0; i < s->nr_people; i++) {
		if (is_recipient(m, s->people[i]))
			continue;
		fl_buf_addf(&missing, "%s%.*s", missing.len ? ", " : "", FL_STR_ARG(s->people[i]));
	}
	if (missing.len)
		docs_report(sink, DOCS_MAIL_RECIPIENTS, m->recipients_line ? m->recipients_line : m->subject_line, 0, 0,
			    "%.*s: not sent to %s", FL_STR_ARG(s->name), fl_buf_z(&missing));
}

static void end_section(const struct docs_mail *m, struct docs_sink *sink, struct section *s, struct fl_str name)
{
	if (s->matches && !s->excluded && !fl_str_is(s->name, "THE REST"))
		report_section(m, sink, s);
	*s = (struct section){ .name = name };
}

static void check_recipients(const struct docs_mail *m, const struct docs_tree *t, struct docs_sink *sink)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_str rest, line, value;
	struct section s = {};

	if (!m->recipients.n || docs_tree_read(t, "MAINTAINERS", &text) < 0)
		return;
	rest = fl_buf_str(&text);
	while (fl_str_line(&rest, &line)) {
		if (!line.n) {
			end_section(m, sink, &s, (struct fl_str){});
			continue;
		}
		if (line.n < 3 || line.p[1] != ':') {
			s.name = s.name.n ? s.name : line;
			continue;
		}
		value = fl_str_trim(fl_str_from(line, 2));
		if ((line.p[0] == 'M' || line.p[0] == 'L') && s.nr_people < FL_ARRAY_SIZE(s.people))
			s.people[s.nr_people++] = address(value);
		s.matches |= line.p[0] == 'F' && any_matches(m, value);
		s.excluded |= line.p[0] == 'X' && any_matches(m, value);
	}
	end_section(m, sink, &s, (struct fl_str){});
}

/* -- the changelog -- */

static bool quotes_warning(struct fl_str body)
{
	static const char *const words[] = { "WARNING", "ERROR", "Warning:", "warning:", "error:", "CRITICAL" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(words); i++) {
		if (memmem(body.p, body.n, words[i], strlen(words[i])))
			return true;
	}
	return false;
}

void docs_mail_check(const struct docs_mail *m, const struct docs_tree *t, struct docs_sink *sink,
		     bool fixes_warning)
{
	if (!m->subject.n || !m->changes)
		return;
	check_subject(m, t, sink);
	check_recipients(m, t, sink);
	if (fixes_warning && m->body.p && !quotes_warning(m->body))
		docs_report(sink, DOCS_MAIL_WARNING, m->subject_line, 0, 0,
			    "the patch fixes what tools warn of, and the changelog does not quote the warning");
}
