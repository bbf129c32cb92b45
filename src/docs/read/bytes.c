/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is looked for in every file of the tree, 1.5 GB of them: names of documents, sysfs paths, the
 * start of kernel-doc comments, and bytes beyond ASCII. One walk over the bytes finds candidates for
 * all of them, 16 at a time, by two or three bytes at fixed distances ("D" and, 13 behind, "/");
 * only blocks that hold a candidate are looked at byte by byte. The compiler turns the vector type
 * into what the machine has.
 */
#include <limits.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/utf8.h"
#include "docs/read/read.h"

#define BLOCK 64
#define REACH 16 /* bytes behind a block that the comparisons touch */

static const char doc_name[] = "Documentation/";
static const char sys_name[] = "/sys/module";

#define DOC_LEN (sizeof(doc_name) - 1)

struct hits {
	size_t block; /* of a candidate; the bytes' end where there is none */
	bool high, control;
};

/*
 * The first block in [@i, @n) with a candidate, and what stands in it and in the blocks before. Made
 * twice, for vectors of 16 bytes and, where the machine has them, of 32.
 */
#define SCAN(name, V, target)                                                                      \
	target static inline V name##_load(const char *p)                                          \
	{                                                                                          \
		V v;                                                                               \
                                                                                                   \
		memcpy(&v, p, sizeof(v));                                                          \
		return v;                                                                          \
	}                                                                                          \
                                                                                                   \
	target static inline bool name##_any(V v)                                                  \
	{                                                                                          \
		uint64_t u[sizeof(V) / 8], all = 0;                                                \
                                                                                                   \
		memcpy(u, &v, sizeof(u));                                                          \
		for (size_t k = 0; k < sizeof(V) / 8; k++)                                         \
			all |= u[k];                                                               \
		return all;                                                                        \
	}                                                                                          \
                                                                                                   \
	target static struct hits name(const char *p, size_t i, size_t n, bool controls)           \
	{                                                                                          \
		V high = {}, ctl = {};                                                             \
                                                                                                   \
		for (; i + BLOCK + REACH <= n; i += BLOCK) {                                       \
			V hit = {};                                                                \
                                                                                                   \
			for (size_t k = i; k < i + BLOCK; k += sizeof(V)) {                        \
				V a = name##_load(p + k), slash = (V)(a == '/');                   \
                                                                                                   \
				hit |= (V)(a == 'D') & (V)(name##_load(p + k + 13) == '/');        \
				hit |= slash & (V)(name##_load(p + k + 2) == '*') &                \
				       (V)(name##_load(p + k + 3) <= ' ');                         \
				hit |= slash & (V)(name##_load(p + k + 4) == '/') &                \
				       (V)(name##_load(p + k + 5) == 'm');                         \
				high |= a;                                                         \
				if (controls)                                                      \
					ctl |= ((V)(a < 32) & (V)(a != '\t') & (V)(a != '\n') &    \
						(V)(a != '\r') & (V)(a != '\f')) |                 \
					       (V)(a == 127);                                      \
			}                                                                          \
			if (name##_any(hit))                                                       \
				break;                                                             \
		}                                                                                  \
		return (struct hits){ i, name##_any(high & 0x80), name##_any(ctl) };               \
	}

typedef uint8_t v16 __attribute__((vector_size(16)));
SCAN(scan16, v16, )

#if defined(__x86_64__)
typedef uint8_t v32 __attribute__((vector_size(32)));
SCAN(scan32, v32, __attribute__((target("avx2"))))

/*
 * The processor has AVX2, and the kernel keeps its registers. __builtin_cpu_supports() would ask twenty such
 * questions when any command starts, and each costs a virtual machine some ten microseconds.
 */
static bool ask_avx2(void)
{
	uint32_t a, b, c, d, kept, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return false;
	__asm__ volatile("xgetbv" : "=a"(kept), "=d"(high) : "c"(0));
	return (kept & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_AVX2;
}

static bool has_avx2(void)
{
	static atomic_int known; /* 0: not asked yet; threads that ask at once get the same answer */
	int answer = atomic_load_explicit(&known, memory_order_relaxed);

	if (!answer) {
		answer = ask_avx2() ? 1 : -1;
		atomic_store_explicit(&known, answer, memory_order_relaxed);
	}
	return answer > 0;
}
#endif

static struct hits scan(struct fl_str text, size_t i, bool controls)
{
#if defined(__x86_64__)
	if (has_avx2())
		return scan32(text.p, i, text.n, controls);
#endif
	return scan16(text.p, i, text.n, controls);
}

/* -- names of documents -- */

static bool name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_.,~/*[]?+-", c));
}

static bool path_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_./~+-", c));
}

/* Files in which such names mean something else: build rules, scripts, leavings of patch(1). */
static bool refs_skipped(const char *path)
{
	static const char *const ends[] = { ".sh", ".py", ".pl", "~", ".rej", ".org", ".orig",
					    "documentation-file-ref-check" };
	struct fl_str p = fl_str(path);

	if (fl_str_starts(p, "Next/") || strstr(path, "Makefile") || strstr(path, "/."))
		return true;
	for (size_t i = 0; i < FL_ARRAY_SIZE(ends); i++) {
		if (fl_str_ends(p, ends[i]))
			return true;
	}
	return false;
}

/* Two texts that tell of files of old kernels, and their translations. */
static bool known_exception(const char *path, struct fl_str name)
{
	return (strstr(path, "scsi/scsi_mid_low_api") && fl_str_ends(name, "Documentation/Configure.help")) ||
	       (!strcmp(path, "drivers/vhost/vhost.c") && fl_str_ends(name, "/lguest.c")) ||
	       fl_str_ends(name, "Documentation/scheduler/sched-pelt") ||
	       memmem(name.p, name.n, "lio-core", 8);
}

/* "xxx", "XXXX", "xxx.rst": a place for a name, not a name. */
static bool placeholder(struct fl_str name)
{
	while (name.n) {
		size_t end = fl_str_find(name, '/', 0), i = 0;

		while (i < end && (name.p[i] | 32) == 'x')
			i++;
		if (i >= 2 && (i == end || name.p[i] == '.'))
			return true;
		name = fl_str_from(name, end + 1);
	}
	return false;
}

/* Cuts off what does not belong to the name: footnotes, brackets, the sentence's end. */
static struct fl_str trim_name(struct fl_str s)
{
	size_t close = fl_str_find(s, ']', 0), open = fl_str_find(s, '[', 0), next;
	void *again = s.n > DOC_LEN ? memmem(s.p + 1, s.n - 1, doc_name, DOC_LEN) : NULL;

	if (again) {
		next = (const char *)again - s.p;
		s.n = next;
		while (s.n && s.p[s.n - 1] != ',')
			s.n--;
		if (!s.n)
			s.n = next;
		close = fl_str_find(s, ']', 0);
		open = fl_str_find(s, '[', 0);
	}
	if (s.n > 6 && s.p[s.n - 1] == ']' && open < s.n && open >= 4 &&
	    (!memcmp(s.p + open - 3, "txt", 3) || !memcmp(s.p + open - 3, "rst", 3)) &&
	    open + 1 < s.n - 1 && s.p[open + 1] >= '0' && s.p[open + 1] <= '9')
		s.n = open;
	else if (open >= s.n && close < s.n)
		s.n = close;
	while (s.n && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ','))
		s.n--;
	return s;
}

/* For files below tools/: names may be relative to the file's folder or the one above. */
static bool tools_has(struct docs_worker *w, struct fl_str name)
{
	const char *slash = strrchr(w->path, '/');
	const char *bpf = strstr(w->path, "testing/selftests/bpf");
	char dir[512], path[1024];

	if (!slash || !strstr(w->path, "tools"))
		return false;
	if (bpf)
		snprintf(dir, sizeof(dir), "%.*sbpf/bpftool%.*s", (int)(bpf - w->path), w->path,
			 (int)(slash - bpf - 21), bpf + 21);
	else
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - w->path), w->path);
	for (int up = 0; up < 2; up++) {
		if (snprintf(path, sizeof(path), "%s%s/%.*s", dir, up ? "/.." : "", FL_STR_ARG(name)) <
			    (int)sizeof(path) && docs_exists(w, fl_str(path)))
			return true;
	}
	return false;
}

/* Something of that name is there, in one of the ways in which names are written. */
static bool found(struct docs_worker *w, struct fl_str name, struct fl_str full)
{
	struct fl_str bare = name;

	if (docs_exists(w, name) || (full.n > name.n && docs_exists(w, full)) || docs_generated(w, name) ||
	    tools_has(w, name) || (full.n > name.n && tools_has(w, full)))
		return true;
	while (bare.n && strchr("?*~+-_/", bare.p[bare.n - 1]))
		bare.n--;
	return bare.n < name.n && bare.n >= DOC_LEN - 1 && docs_exists(w, bare);
}

/* "linux-2.6.12-vanilla/Documentation/": a tree that somebody has beside this one. */
static bool in_other_tree(struct fl_str full)
{
	return fl_str_starts(full, "linux-") && full.n > 6 && full.p[6] >= '0' && full.p[6] <= '9';
}

static void check_name(struct docs_worker *w, struct fl_str text, size_t at)
{
	size_t start = at, end = at + DOC_LEN, bol = at;
	struct fl_str name, full, line;
	struct docs_finding *f;
	uint32_t col, no;

	while (end < text.n && end - at < PATH_MAX && name_char(text.p[end]))
		end++;
	if (end < text.n && text.p[end] == '{')
		return;
	while (start && at - start < PATH_MAX && path_char(text.p[start - 1]))
		start--;
	if (start && text.p[start - 1] == ':' && at - start >= 2 && text.p[start] == '/')
		return; /* an address */
	name = trim_name(fl_str_sub(text, at, end - at));
	full = fl_str_sub(text, start, at - start + name.n);
	if (fl_str_starts(full, "srctree/")) /* how rustdoc names the tree's top */
		full = fl_str_from(full, 8);
	if (name.n < DOC_LEN - 1 || found(w, name, full) || known_exception(w->path, full) ||
	    placeholder(name) || in_other_tree(full))
		return;
	while (bol && text.p[bol - 1] != '\n' && at - bol < PATH_MAX)
		bol--;
	line = fl_str_sub(text, bol, FL_MIN(text.n - bol, (size_t)2 * PATH_MAX));
	line.n = fl_str_find(line, '\n', at - bol);
	if (memmem(line.p, line.n, "Documentation/output", 20) || memmem(line.p, at - bol, "http", 4))
		return;
	no = docs_sink_locate(&w->sink, start, &col);
	f = docs_report(&w->sink, DOCS_REF_FILE, no, col, full.n, "references a file that doesn't exist: %.*s",
			FL_STR_ARG(full));
	(void)f;
}

/* -- sysfs -- */

static bool word_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The line at @no with @len bytes at @col replaced is the fix; a line that is no line of prose gets none. */
static void fix_bytes(struct docs_worker *w, struct docs_finding *f, uint32_t no, uint32_t col, size_t len,
		      const char *with)
{
	_cleanup_buf_ struct fl_buf b = {};
	struct fl_str line;

	if (!f || col > PATH_MAX)
		return;
	line = docs_sink_line(&w->sink, no);
	if (line.n > PATH_MAX || col > line.n || len > line.n - col)
		return;
	fl_buf_add_str(&b, fl_str_sub(line, 0, col));
	fl_buf_addz(&b, with);
	fl_buf_add_str(&b, fl_str_from(line, col + len));
	fl_buf_addc(&b, '\n');
	docs_finding_edit(&w->sink, f, no, 1, fl_buf_str(&b));
}

/* "/sys/module/NAME/parameter" as a whole part of the path, at @at behind "/sys/module". */
static size_t parameter_at(struct fl_str text, size_t at)
{
	size_t slash;

	if (at >= text.n || text.p[at] != '/')
		return 0;
	for (slash = at + 1; slash < text.n && text.p[slash] != '/'; slash++) {
		if (text.p[slash] == ' ' || text.p[slash] == '\n' || text.p[slash] == '\t')
			return 0;
	}
	if (slash + 10 > text.n || slash == at + 1 || memcmp(text.p + slash, "/parameter", 10))
		return 0;
	slash += 10;
	return slash < text.n && (word_char(text.p[slash]) || text.p[slash] == '-') ? 0 : slash - 9;
}

static void check_sysfs(struct docs_worker *w, struct fl_str text, size_t at)
{
	size_t end = at + sizeof(sys_name) - 1, param;
	bool plural = end < text.n && text.p[end] == 's';
	struct docs_finding *f = NULL;
	uint32_t col, no;
	char *fix;

	if (at && (word_char(text.p[at - 1]) || text.p[at - 1] == '/' || text.p[at - 1] == '.'))
		return; /* part of a longer path */
	end += plural;
	if (end < text.n && (word_char(text.p[end]) || text.p[end] == '-' || text.p[end] == '.') &&
	    !(text.p[end] == '.' && (end + 1 >= text.n || !word_char(text.p[end + 1]))))
		return;
	no = docs_sink_locate(&w->sink, at, &col);
	param = parameter_at(text, end);
	if (param)
		f = docs_report(&w->sink, DOCS_SYSFS_PARAMETER, no, col + (param - at), 9, NULL);
	if (f && !plural)
		fix_bytes(w, f, no, col + (param - at), 9, "parameters");
	if (!plural)
		return;
	f = docs_report(&w->sink, DOCS_SYSFS_MODULES, no, col, 12, NULL);
	if (!param) {
		fix_bytes(w, f, no, col, 12, sys_name);
	} else if (f) { /* both faults on one line are one edit */
		fix = docs_sink_printf(&w->sink, "%s%.*sparameters", sys_name, (int)(param - end),
				       text.p + end);
		fix_bytes(w, f, no, col, param - at + 9, fix);
	}
}

/* -- bytes -- */

static bool is_bidi(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Linux is UTF-8 as a whole; of other trees that is known of their pages alone. */
static bool has_encoding(const struct docs_worker *w)
{
	return w->tree->is_linux || docs_is_in_doc(w->tree, w->path) || fl_str_ends(fl_str(w->path), ".rst");
}

static void check_utf8(struct docs_worker *w, struct fl_str text)
{
	uint32_t col, no;

	if (!has_encoding(w))
		return;
	for (size_t i = 0; i < text.n;) {
		uint32_t c;
		size_t len;

		if (!(text.p[i] & 0x80)) {
			i++;
			continue;
		}
		len = fl_utf8_decode(fl_str_from(text, i), &c);
		if (!len) {
			no = docs_sink_locate(&w->sink, i, &col);
			docs_report(&w->sink, DOCS_UTF8, no, col, 1, "byte 0x%02x is no UTF-8",
				    (unsigned char)text.p[i]);
			return; /* one is enough: it is another encoding */
		}
		if (is_bidi(c)) {
			no = docs_sink_locate(&w->sink, i, &col);
			docs_report(&w->sink, DOCS_BIDI, no, col, len,
				    "bidirectional control character U+%04X", c);
		}
		i += len;
	}
}

static bool is_control(unsigned char c)
{
	return (c < 32 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 127;
}

static void check_control(struct docs_worker *w, struct fl_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = text.p[i];
		uint32_t col, no;

		if (!is_control(c))
			continue;
		no = docs_sink_locate(&w->sink, i, &col);
		docs_report(&w->sink, DOCS_CONTROL, no, col, 1, "control byte 0x%02x", c);
		return;
	}
}

/* -- the walk -- */

static void candidates(struct docs_worker *w, struct fl_str text, size_t from, size_t to, bool refs, bool c)
{
	for (size_t i = from; i < to; i++) {
		size_t left = text.n - i;

		if (text.p[i] == 'D' && refs && left >= DOC_LEN && !memcmp(text.p + i, doc_name, DOC_LEN))
			check_name(w, text, i);
		if (text.p[i] != '/')
			continue;
		if (left >= sizeof(sys_name) - 1 && !memcmp(text.p + i, sys_name, sizeof(sys_name) - 1))
			check_sysfs(w, text, i);
		if (c && left > 3 && text.p[i + 1] == '*' && text.p[i + 2] == '*' &&
		    (i == 0 || text.p[i - 1] == '\n') && (text.p[i + 3] == '\n' || text.p[i + 3] == '\r' ||
		     text.p[i + 3] == '\t' || text.p[i + 3] == ' '))
			docs_note_comment(w, i);
	}
}

static bool is_text_kind(const char *path)
{
	struct fl_str p = fl_str(path);
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return docs_is_page(path) || docs_is_c(path) || docs_is_abi(path) || fl_str_ends(p, ".S") ||
	       fl_str_ends(p, ".txt") || fl_str_ends(p, ".yaml") || fl_str_ends(p, ".dts") ||
	       fl_str_ends(p, ".dtsi") || fl_str_ends(p, ".rs") || !strncmp(name, "Kconfig", 7) ||
	       !strcmp(path, "MAINTAINERS");
}

/* -- what the file itself wants ignored -- */

static const char ignore_word[] = "foreland: ignore";

/* The last of the next lines that are not blank. */
static uint32_t block_end(struct docs_worker *w, uint32_t no)
{
	uint32_t most = no + 1000;

	while (no < most && !fl_str_trim(docs_sink_line(&w->sink, no + 1)).n)
		no++;
	while (no < most && fl_str_trim(docs_sink_line(&w->sink, no + 1)).n)
		no++;
	return no;
}

static bool names_check(struct fl_str name)
{
	for (size_t c = 0; c < _DOCS_CHECK_MAX; c++) {
		if (fl_str_is(name, docs_checks[c].kind.code) || fl_str_is(name, docs_checks[c].group))
			return true;
	}
	return false;
}

static void ignored_place(struct docs_worker *w, size_t at)
{
	struct fl_str rest = fl_str_from(w->sink.text, at + sizeof(ignore_word) - 1), name, reason;
	uint32_t col, no = docs_sink_locate(&w->sink, at, &col);
	struct docs_fact *f;

	rest.n = fl_str_find(rest, '\n', 0);
	if (!fl_str_word(&rest, &name) || !names_check(name) || !fl_str_word(&rest, &reason) ||
	    fl_str_is(reason, "*/")) {
		docs_report(&w->sink, DOCS_IGNORE_BAD, no, col, sizeof(ignore_word) - 1, NULL);
		return;
	}
	f = docs_fact_add(w, DOCS_FACT_IGNORE, name, no, col);
	if (f)
		f->end = block_end(w, no);
}

/* Behind ".." of a page, "#", or within a comment of C. */
static bool is_comment(struct fl_str text, size_t at)
{
	size_t bol = at;
	struct fl_str before;

	while (bol && text.p[bol - 1] != '\n')
		bol--;
	before = fl_str_trim(fl_str_sub(text, bol, at - bol));
	return fl_str_is(before, "..") || fl_str_is(before, "#") || fl_str_is(before, "*") || fl_str_is(before, "/*") ||
	       fl_str_is(before, "//");
}

static void ignored_places(struct docs_worker *w)
{
	struct fl_str text = w->sink.text;

	const char *p = text.p;

	while ((p = memmem(p, (size_t)(text.p + text.n - p), ignore_word, sizeof(ignore_word) - 1))) {
		if (is_comment(text, (size_t)(p - text.p)))
			ignored_place(w, (size_t)(p - text.p));
		p++;
	}
}

void docs_read_bytes(struct docs_worker *w)
{
	struct fl_str text = w->sink.text;
	bool refs = w->tree->is_linux && !refs_skipped(w->path) && docs_wants(&w->sink, DOCS_REF_FILE);
	bool c = docs_is_c(w->path);
	bool kind = is_text_kind(w->path), document = docs_is_page(w->path) || docs_is_abi(w->path);
	struct hits h = {}, all = {};
	size_t i = 0;

	if (!kind && memchr(text.p, '\0', FL_MIN(text.n, (size_t)1024)))
		return; /* binary */
	for (;; i = h.block + BLOCK) {
		h = scan(text, i, document);
		all.high |= h.high;
		all.control |= h.control;
		i = h.block;
		if (i + BLOCK + REACH > text.n)
			break;
		candidates(w, text, i, i + BLOCK, refs, c);
	}
	candidates(w, text, i, text.n, refs, c);
	for (; i < text.n; i++) {
		all.high |= (text.p[i] & 0x80) != 0;
		all.control |= is_control(text.p[i]);
	}
	if (all.high && kind)
		check_utf8(w, text);
	if (all.control && document)
		check_control(w, text);
	if (document || w->nr_kdoc || !strcmp(w->path, "MAINTAINERS"))
		ignored_places(w);
}
