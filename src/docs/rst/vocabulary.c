/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/rst/vocabulary.h"

#include "base/util.h"

#define NEAR	2 /* letters */
#define LONGEST 63 /* name that is compared */

static const struct rst_directive directives[] = {
#define DIRECTIVE(name, req, opt, blanks, content, options, extension)                             \
	{ name, req, opt, blanks, RST_CONTENT_##content, options, extension },
#include "docs/rst/directives.def"
#undef DIRECTIVE
};

/* Of the names above: pages ask for them often enough that to count their letters each time shows. */
static const unsigned char lengths[] = {
#define DIRECTIVE(name, req, opt, blanks, content, options, extension) sizeof(name) - 1,
#include "docs/rst/directives.def"
#undef DIRECTIVE
};

static const struct {
	const char *name, *extension;
	size_t n;
} roles[] = {
#define ROLE(name, extension) { name, extension, sizeof(name) - 1 },
#include "docs/rst/roles.def"
#undef ROLE
};

static const char *const domains[] = { "c", "cpp", "py", "js", "rst", "std" };

/* @name in lower case, or "" where it is no name of such a length. */
static struct fl_str lower(struct fl_str name, char *out, size_t size)
{
	if (name.n >= size)
		return fl_str_n("", 0);
	for (size_t i = 0; i < name.n; i++)
		out[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 32 : name.p[i];
	return fl_str_n(out, name.n);
}

static bool loaded(const struct rst_vocabulary *v, const char *extension)
{
	return !extension[0] || !v || fl_map_get(&v->extensions, fl_str(extension));
}

/* @row of length @len is @name, or is it within a domain whose name may be left out. */
static bool names(const char *row, size_t len, struct fl_str name, const struct rst_vocabulary *v)
{
	size_t n;

	if (len < name.n || memcmp(row + len - name.n, name.p, name.n))
		return false;
	if (len == name.n)
		return true;
	for (size_t i = 0; i < FL_ARRAY_SIZE(domains); i++) {
		n = strlen(domains[i]);
		if (len == n + 1 + name.n && !strncmp(row, domains[i], n) && row[n] == ':')
			return !v || !v->domain || !strcmp(domains[i], v->domain) || !strcmp(domains[i], "std");
	}
	return false;
}

const struct rst_directive *rst_find_directive(const struct rst_vocabulary *v, struct fl_str name)
{
	char buf[64];
	struct fl_map_entry *e;

	name = lower(name, buf, sizeof(buf));
	e = v && name.n ? fl_map_get(&v->directives, name) : NULL;
	if (e)
		return e->ptr;
	for (size_t i = 0; name.n && i < FL_ARRAY_SIZE(directives); i++) {
		if (names(directives[i].name, lengths[i], name, v) && loaded(v, directives[i].extension))
			return &directives[i];
	}
	return NULL;
}

bool rst_find_role(const struct rst_vocabulary *v, struct fl_str name)
{
	char buf[64];

	name = lower(name, buf, sizeof(buf));
	if (v && name.n && fl_map_get(&v->roles, name))
		return true;
	for (size_t i = 0; name.n && i < FL_ARRAY_SIZE(roles); i++) {
		if (names(roles[i].name, roles[i].n, name, v) && loaded(v, roles[i].extension))
			return true;
	}
	return false;
}

/* At most NEAR letters are to be added, dropped or changed to make @a of @b. */
static bool is_near(struct fl_str a, struct fl_str b)
{
	unsigned int row[LONGEST + 1], diagonal, up, cost;

	if (!a.n || !b.n || a.n > LONGEST || b.n > LONGEST || a.n > b.n + NEAR || b.n > a.n + NEAR)
		return false;
	for (unsigned int k = 0; k <= b.n; k++)
		row[k] = k;
	for (unsigned int i = 1; i <= a.n; i++) {
		diagonal = row[0];
		row[0] = i;
		for (unsigned int k = 1; k <= b.n; k++) {
			up = row[k];
			cost = diagonal + (a.p[i - 1] != b.p[k - 1]);
			row[k] = FL_MIN(cost, FL_MIN(up, row[k - 1]) + 1);
			diagonal = up;
		}
	}
	return row[b.n] <= NEAR;
}

/* The best of the known names by the house's measure, else the first that is near enough. */
static struct fl_str near(struct fl_str name, const struct fl_str *known, size_t n)
{
	size_t at = fl_str_nearest(name, known, n);

	if (at < n && is_near(name, known[at]))
		return known[at];
	for (size_t i = 0; i < n; i++) {
		if (is_near(name, known[i]))
			return known[i];
	}
	return fl_str_n("", 0);
}

struct fl_str rst_near_directive(const struct rst_vocabulary *v, struct fl_str name)
{
	struct fl_str known[FL_ARRAY_SIZE(directives)];

	for (size_t i = 0; i < FL_ARRAY_SIZE(directives); i++)
		known[i] = loaded(v, directives[i].extension) ? fl_str(directives[i].name) : fl_str_n("", 0);
	return near(name, known, FL_ARRAY_SIZE(known));
}

struct fl_str rst_near_role(const struct rst_vocabulary *v, struct fl_str name)
{
	struct fl_str known[FL_ARRAY_SIZE(roles)];

	for (size_t i = 0; i < FL_ARRAY_SIZE(roles); i++)
		known[i] = loaded(v, roles[i].extension) ? fl_str(roles[i].name) : fl_str_n("", 0);
	return near(name, known, FL_ARRAY_SIZE(known));
}

const struct rst_directive *rst_directive_class(struct fl_str name)
{
	static const char *const classes[][2] = {
		{ "Image", "image" },	      { "Figure", "figure" },	{ "Include", "include" },
		{ "CodeBlock", "code-block" }, { "LiteralInclude", "literalinclude" },
		{ "Table", "table" },	      { "ListTable", "list-table" }, { "CSVTable", "csv-table" },
		{ "TocTree", "toctree" },     { "Only", "only" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(classes); i++) {
		if (fl_str_is(name, classes[i][0]))
			return rst_find_directive(NULL, fl_str(classes[i][1]));
	}
	return NULL;
}
