/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/finding/check.h"

#include <errno.h>

const struct docs_check_row docs_checks[_DOCS_CHECK_MAX] = {
#define CHECK(c, id, grp, lvl, rd, fx, summary, gd, bd)                                            \
	[DOCS_##c] = { .kind = { id, FL_##lvl, 0, summary }, .group = grp,                         \
		       .reader = DOCS_READ_##rd, .fix = fx, .good = gd, .bad = bd },
#include "docs/finding/checks.def"
#undef CHECK
};

const char *docs_example_path(enum docs_reader reader)
{
	switch (reader) {
	case DOCS_READ_ABI:
		return "Documentation/ABI/testing/sysfs-example";
	case DOCS_READ_KDOC:
		return "include/linux/example.h";
	case DOCS_READ_MAINT:
		return "MAINTAINERS";
	case DOCS_READ_PATCH:
		return ".patch";
	default:
		return "Documentation/example.rst";
	}
}

static bool add_named(struct docs_set *s, struct fl_str name)
{
	bool any = false;

	for (size_t i = 0; i < _DOCS_CHECK_MAX; i++) {
		if (fl_str_is(name, docs_checks[i].kind.code) || fl_str_is(name, docs_checks[i].group)) {
			docs_set_add(s, i);
			any = true;
		}
	}
	return any;
}

static void unknown(struct fl_str name, struct fl_buf *err)
{
	struct fl_str names[2 * _DOCS_CHECK_MAX];
	size_t n = 0, near;

	for (size_t i = 0; i < _DOCS_CHECK_MAX; i++) {
		names[n++] = fl_str(docs_checks[i].kind.code);
		names[n++] = fl_str(docs_checks[i].group);
	}
	near = fl_str_nearest(name, names, n);
	fl_buf_addf(err, "'%.*s' is no check and no group of checks", FL_STR_ARG(name));
	if (near < n)
		fl_buf_addf(err, "; did you mean '%.*s'?", FL_STR_ARG(names[near]));
}

int docs_set_parse(struct docs_set *s, const char *names, struct fl_buf *err)
{
	struct fl_str rest = fl_str(names);

	while (rest.n) {
		size_t comma = fl_str_find(rest, ',', 0);
		struct fl_str name = fl_str_trim(fl_str_sub(rest, 0, comma));

		if (name.n && !add_named(s, name)) {
			unknown(name, err);
			return -EINVAL;
		}
		rest = fl_str_from(rest, comma + 1);
	}
	return 0;
}

bool docs_set_reads(const struct docs_set *s, enum docs_reader reader)
{
	for (size_t i = 0; i < _DOCS_CHECK_MAX; i++) {
		if (docs_checks[i].reader == reader && docs_set_has(s, i))
			return true;
	}
	return false;
}

/* roff takes a leading dot or quote and every backslash for its own; bytes that are no text are \xHH. */
static void add_roff(struct fl_buf *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fl_buf_addz(out, "\\&");
		if (*text == '\\')
			fl_buf_addz(out, "\\e");
		else if (*text == '-')
			fl_buf_addz(out, "\\-");
		else if ((*text & 0x80) || (*text < ' ' && *text != '\n' && *text != '\t'))
			fl_buf_addf(out, "\\ex%02x", (unsigned char)*text);
		else
			fl_buf_addc(out, *text);
		start = *text == '\n';
	}
}

static void add_example(struct fl_buf *out, const char *what, const char *text)
{
	if (!text)
		return;
	fl_buf_addf(out, ".RS\n.B %s:\n.PP\n.EX\n", what);
	add_roff(out, text);
	fl_buf_addz(out, "\n.EE\n.RE\n");
}

void docs_checks_man(struct fl_buf *out)
{
	const char *group = "";

	fl_buf_addz(out, ".TH FORELAND\\-DOCS\\-CHECKS 7\n.SH NAME\n"
			 "foreland\\-docs\\-checks \\- the checks of foreland docs check\n"
			 ".SH DESCRIPTION\n"
			 "Each check has a name, which stands in brackets behind its messages and which\n"
			 ".B \\-\\-only\nand\n.B \\-\\-skip\ntake, and belongs to a group, which they take too.\n"
			 "A line \"=== path\" in an example names the file whose text follows; what stands\n"
			 "before it is a page, an ABI file, a header, MAINTAINERS or a patch.\n");
	for (size_t i = 0; i < _DOCS_CHECK_MAX; i++) {
		const struct docs_check_row *c = &docs_checks[i];

		if (!fl_str_is(fl_str(group), c->group)) {
			fl_buf_addf(out, ".SH GROUP %s\n", c->group);
			group = c->group;
		}
		fl_buf_addz(out, ".TP\n.B ");
		add_roff(out, c->kind.code);
		fl_buf_addf(out, "\n(%s%s) ", fl_level_name(c->kind.level), c->fix ? ", has a fix" : "");
		add_roff(out, c->kind.message);
		fl_buf_addc(out, '\n');
		add_example(out, "good", c->good);
		add_example(out, "bad", c->bad);
	}
}
