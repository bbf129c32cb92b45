/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What machines read: SARIF 2.1.0, the annotations of GitHub and GitLab, JUnit's and checkstyle's XML, and
 * the two forms that b4 takes from a checker. Names and texts come from strangers' files, so each form
 * escapes as its reader wants; what XML and JSON cannot hold becomes U+FFFD.
 */
#include "docs/report/format.h"

#include "base/escape.h"
#include "base/json.h"
#include "base/utf8.h"
#include "docs/report/report.h"

static const char *id_of(const struct docs_finding *f)
{
	return docs_checks[f->check].kind.code;
}

static const char *file_of(const struct docs_finding *f)
{
	return f->file ? f->file : "";
}

/* Characters of the line before byte @at, and one: columns as machines count them. */
static uint32_t character(const struct docs_finding *f, uint32_t at)
{
	uint32_t n = 1;

	for (size_t i = 0; i < at && i < f->text.n;) {
		size_t len = fl_utf8_len(fl_str_from(f->text, i));

		i += len ? len : 1;
		n++;
	}
	return n;
}

/* -- for people, and as JSON lines -- */

static void text_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	docs_render(f, p->marks, out);
}

static void json_begin(struct docs_printed *p, struct fl_buf *out)
{
	fl_json_schema(out, "docs check");
}

static void json_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	docs_render_json(f, out);
}

static void json_end(struct docs_printed *p, struct fl_buf *out)
{
	fl_buf_addf(out, "{\"type\":\"summary\",\"errors\":%zu,\"warnings\":%zu,\"style\":%zu}\n", p->count[FL_ERROR],
		    p->count[FL_WARNING], p->count[FL_STYLE]);
}

/* -- SARIF -- */

static const char *sarif_level(enum fl_level level)
{
	return level == FL_ERROR ? "error" : level == FL_WARNING ? "warning" : "note";
}

static void sarif_rule(size_t check, struct fl_buf *out)
{
	const struct docs_check_row *c = &docs_checks[check];

	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "id", c->kind.code);
	fl_json_open(out, "shortDescription", '{');
	fl_json_strz(out, "text", c->kind.message);
	fl_json_close(out, '}');
	fl_json_open(out, "defaultConfiguration", '{');
	fl_json_strz(out, "level", sarif_level(c->kind.level));
	fl_json_close(out, '}');
	fl_json_close(out, '}');
}

static void sarif_begin(struct docs_printed *p, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "version", "2.1.0");
	fl_json_open(out, "runs", '[');
	fl_json_open(out, NULL, '{');
	fl_json_open(out, "tool", '{');
	fl_json_open(out, "driver", '{');
	fl_json_strz(out, "name", "foreland");
	fl_json_strz(out, "semanticVersion", FORELAND_VERSION);
	fl_json_open(out, "rules", '[');
	for (size_t i = 0; i < _DOCS_CHECK_MAX; i++)
		sarif_rule(i, out);
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_close(out, '}');
	fl_json_strz(out, "columnKind", "unicodeCodePoints");
	fl_json_open(out, "results", '[');
}

/* A path as a relative reference of RFC 3986. */
static void add_uri(struct fl_buf *out, const char *path)
{
	_cleanup_buf_ struct fl_buf uri = {};

	for (const char *c = path; *c; c++) {
		bool plain = (*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') ||
			     strchr("-._~/+,@", *c);

		if (plain)
			fl_buf_addc(&uri, *c);
		else
			fl_buf_addf(&uri, "%%%02X", (unsigned char)*c);
	}
	fl_json_buf(out, "uri", &uri);
}

static void sarif_location(const struct docs_finding *f, struct fl_buf *out)
{
	fl_json_open(out, "locations", '[');
	fl_json_open(out, NULL, '{');
	fl_json_open(out, "physicalLocation", '{');
	fl_json_open(out, "artifactLocation", '{');
	add_uri(out, file_of(f));
	fl_json_strz(out, "uriBaseId", "%SRCROOT%");
	fl_json_close(out, '}');
	if (f->line) {
		fl_json_open(out, "region", '{');
		fl_json_u64(out, "startLine", f->line);
		fl_json_u64(out, "startColumn", character(f, f->col));
		if (f->len)
			fl_json_u64(out, "endColumn", character(f, f->col + f->len));
		fl_json_close(out, '}');
	}
	fl_json_close(out, '}');
	fl_json_close(out, '}');
	fl_json_close(out, ']');
}

static void sarif_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "ruleId", id_of(f));
	fl_json_u64(out, "ruleIndex", f->check);
	fl_json_strz(out, "level", sarif_level(f->level));
	fl_json_open(out, "message", '{');
	fl_json_strz(out, "text", f->message);
	fl_json_close(out, '}');
	sarif_location(f, out);
	fl_json_close(out, '}');
}

static void sarif_end(struct docs_printed *p, struct fl_buf *out)
{
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* -- GitHub's workflow commands -- */

static void add_command_text(struct fl_buf *out, const char *s, const char *special)
{
	for (; *s; s++) {
		if (*s == '%' || *s == '\r' || *s == '\n' || strchr(special, *s))
			fl_buf_addf(out, "%%%02X", (unsigned char)*s);
		else
			fl_buf_addc(out, *s);
	}
}

static void github_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	fl_buf_addf(out, "::%s file=", f->level == FL_ERROR ? "error" : f->level == FL_WARNING ? "warning" : "notice");
	add_command_text(out, file_of(f), ":,");
	if (f->line)
		fl_buf_addf(out, ",line=%u,col=%u", f->line, character(f, f->col));
	fl_buf_addf(out, ",title=%s::", id_of(f));
	add_command_text(out, f->message, "");
	fl_buf_addc(out, '\n');
}

/* -- GitLab's code quality report -- */

static void array_begin(struct docs_printed *p, struct fl_buf *out)
{
	fl_json_open(out, NULL, '[');
}

static void array_end(struct docs_printed *p, struct fl_buf *out)
{
	fl_json_close(out, ']');
	fl_json_end_line(out);
}

/* FNV-1a over everything that tells the finding from others. */
static uint64_t fingerprint(const struct docs_finding *f)
{
	const char *parts[] = { file_of(f), id_of(f), f->message };
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < FL_ARRAY_SIZE(parts); i++) {
		for (const char *c = parts[i]; ; c++) {
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
			if (!*c)
				break;
		}
	}
	return (hash ^ ((uint64_t)f->line << 20 ^ f->col)) * 0x100000001b3u;
}

static void gitlab_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	char print[20];

	snprintf(print, sizeof(print), "%016llx", (unsigned long long)fingerprint(f));
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "description", f->message);
	fl_json_strz(out, "check_name", id_of(f));
	fl_json_strz(out, "fingerprint", print);
	fl_json_strz(out, "severity", f->level == FL_ERROR ? "major" : f->level == FL_WARNING ? "minor" : "info");
	fl_json_strz(out, "type", "issue");
	fl_json_open(out, "categories", '[');
	fl_json_strz(out, NULL, "Style");
	fl_json_close(out, ']');
	fl_json_open(out, "location", '{');
	fl_json_strz(out, "path", file_of(f));
	fl_json_open(out, "lines", '{');
	fl_json_u64(out, "begin", f->line ? f->line : 1);
	fl_json_u64(out, "end", f->line ? f->line : 1);
	fl_json_close(out, '}');
	fl_json_close(out, '}');
	fl_json_close(out, '}');
}

/* -- XML -- */

static void add_xml(struct fl_buf *out, const char *s)
{
	static const char *const names[] = { ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;",
					     ['\''] = "&apos;", ['\t'] = "&#9;", ['\n'] = "&#10;" };
	struct fl_str rest = fl_str(s);

	while (rest.n) {
		unsigned char c = (unsigned char)rest.p[0];
		uint32_t code = c;
		size_t len = c & 0x80 ? fl_utf8_decode(rest, &code) : 1;

		if (c < FL_ARRAY_SIZE(names) && names[c])
			fl_buf_addz(out, names[c]);
		else if (!len || code < 32 || code == 0xfffe || code == 0xffff)
			fl_buf_addz(out, "\xef\xbf\xbd");
		else
			fl_buf_add(out, rest.p, len);
		rest = fl_str_from(rest, len ? len : 1);
	}
}

static void junit_begin(struct docs_printed *p, struct fl_buf *out)
{
	size_t n = p->count[FL_ERROR] + p->count[FL_WARNING] + p->count[FL_STYLE];

	fl_buf_addf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite "
		    "name=\"foreland docs check\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
		    n ? n : 1, n);
	if (!n)
		fl_buf_addz(out, "<testcase classname=\"foreland\" name=\"docs check\"/>\n");
}

static void junit_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	fl_buf_addz(out, "<testcase classname=\"");
	add_xml(out, file_of(f));
	fl_buf_addf(out, "\" name=\"%s:%u\"><failure type=\"%s\" message=\"", id_of(f), f->line,
		    fl_level_name(f->level));
	add_xml(out, f->message);
	fl_buf_addz(out, "\">");
	add_xml(out, file_of(f));
	fl_buf_addf(out, ":%u: ", f->line);
	add_xml(out, f->message);
	fl_buf_addz(out, "</failure></testcase>\n");
}

static void junit_end(struct docs_printed *p, struct fl_buf *out)
{
	fl_buf_addz(out, "</testsuite>\n</testsuites>\n");
}

static void checkstyle_begin(struct docs_printed *p, struct fl_buf *out)
{
	fl_buf_addz(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n");
}

static void checkstyle_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	if (!p->file || strcmp(p->file, file_of(f))) {
		fl_buf_addf(out, "%s<file name=\"", p->file ? "</file>\n" : "");
		add_xml(out, file_of(f));
		fl_buf_addz(out, "\">\n");
	}
	fl_buf_addf(out, "<error line=\"%u\" column=\"%u\" severity=\"%s\" message=\"", f->line ? f->line : 1,
		    character(f, f->col), f->level == FL_STYLE ? "info" : fl_level_name(f->level));
	add_xml(out, f->message);
	fl_buf_addf(out, "\" source=\"foreland.%s\"/>\n", id_of(f));
}

static void checkstyle_end(struct docs_printed *p, struct fl_buf *out)
{
	fl_buf_addf(out, "%s</checkstyle>\n", p->file ? "</file>\n" : "");
}

/* -- b4 -- */

/* b4 takes each line for a finding, so that there is one line each and none else. */
static void b4_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	size_t from = out->len;

	fl_buf_addf(out, "%s:%u: %s: %s [%s]\n", file_of(f), f->line, f->level == FL_ERROR ? "ERROR" : "WARNING",
		    f->message, id_of(f));
	fl_escape_from(out, from);
}

static void review_finding(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out)
{
	b4_finding(p, f, &p->details);
}

static void review_end(struct docs_printed *p, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf summary = {};
	size_t mild = p->count[FL_WARNING] + p->count[FL_STYLE];

	fl_buf_addf(&summary, "%zu errors, %zu warnings", p->count[FL_ERROR], mild);
	fl_json_open(out, NULL, '[');
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "tool", "foreland docs check");
	fl_json_strz(out, "status", p->count[FL_ERROR] ? "fail" : mild ? "warn" : "pass");
	fl_json_buf(out, "summary", &summary);
	fl_json_buf(out, "details", &p->details);
	fl_json_strz(out, "url", "");
	fl_json_close(out, '}');
	fl_json_close(out, ']');
	fl_json_end_line(out);
}

/* -- the table -- */

static void nothing(struct docs_printed *p, struct fl_buf *out)
{
}

static const struct docs_format formats[] = {
	{ "text", nothing, text_finding, nothing, true },
	{ "json", json_begin, json_finding, json_end, false },
	{ "sarif", sarif_begin, sarif_finding, sarif_end, false },
	{ "github", nothing, github_finding, nothing, false },
	{ "gitlab", array_begin, gitlab_finding, array_end, false },
	{ "junit", junit_begin, junit_finding, junit_end, false },
	{ "checkstyle", checkstyle_begin, checkstyle_finding, checkstyle_end, false },
	{ "b4", nothing, b4_finding, nothing, false },
	{ "b4-review", nothing, review_finding, review_end, false },
};

const struct docs_format *docs_format_find(const char *name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	}
	return NULL;
}
