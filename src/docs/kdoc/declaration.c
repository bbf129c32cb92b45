/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The declaration reader: from tokens to names. It knows as much of C as declarations need: the
 * name of a declarator is the word in "(*name)", or else the last word before "[", ":" or the end;
 * members of a nameless struct are its owner's, those of a named one are "owner.member".
 */
#include "docs/kdoc/kdoc.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/map.h"

#define MAX_NESTING 32

struct decls {
	struct docs_sink *sink;
	struct fl_arena *arena;
	enum kdoc_dialect dialect;
	const struct kdoc *k;
	struct kdoc_decl *first, **tail;
	unsigned int depth;
	bool is_union;
	struct fl_str varargs; /* needs no description */
	struct fl_map told, known; /* names that are described, and that are declared */
};

static bool is(const struct kdoc_token *t, const char *z)
{
	return fl_str_is(t->s, z);
}

static bool opens(const struct kdoc_token *t)
{
	return t->s.n == 1 && strchr("([{", t->s.p[0]);
}

static bool shuts(const struct kdoc_token *t)
{
	return t->s.n == 1 && strchr(")]}", t->s.p[0]);
}

/* Behind the bracket that @i opens; @n where it stays open. */
static size_t behind(const struct kdoc_token *v, size_t n, size_t i)
{
	size_t depth = 0;

	for (; i < n; i++) {
		depth += opens(&v[i]);
		if (shuts(&v[i]) && --depth == 0)
			return i + 1;
	}
	return n;
}

/* Up to the next @mark outside of brackets. */
static size_t upto(const struct kdoc_token *v, size_t n, size_t i, const char *mark)
{
	while (i < n && !is(&v[i], mark))
		i = opens(&v[i]) ? behind(v, n, i) : i + 1;
	return FL_MIN(i, n);
}

static void declare(struct decls *d, struct fl_str prefix, const struct kdoc_token *t)
{
	struct kdoc_decl *e = FL_ARENA_NEW(d->arena, struct kdoc_decl);
	char *name = fl_arena_alloc(d->arena, prefix.n + t->s.n + 2);

	if (!e || !name) {
		d->sink->error = -ENOMEM;
		return;
	}
	snprintf(name, prefix.n + t->s.n + 2, "%.*s%s%.*s", FL_STR_ARG(prefix), prefix.n ? "." : "",
		 FL_STR_ARG(t->s));
	e->name = fl_str(name);
	e->line = t->line;
	e->at = t->s.p;
	*d->tail = e;
	d->tail = &e->next;
	if (!fl_map_put(&d->known, e->name, NULL))
		d->sink->error = -ENOMEM;
}

/* Attributes stand behind the name, or are the word before it; they are no names. */
static bool is_attribute(struct fl_str s)
{
	static const char *const names[] = {
		"__packed", "__aligned", "____cacheline_aligned", "____cacheline_aligned_in_smp",
		"__attribute__", "__maybe_unused", "__always_unused", "__counted_by",
		"__counted_by_le", "__counted_by_be", "__counted_by_ptr",
		"__pt_guarded_by", "CRYPTO_MINALIGN_ATTR", "__randomize_layout",
		"__guarded_by", "__private", "__ro_after_init", "__read_mostly", "__percpu_seqcount",
		"__no_randomize_layout", "__designated_init", "__initdata", "__rcu_guarded",
		"____cacheline_internodealigned_in_smp", "__cacheline_group_begin_aligned", "__nonstring",
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if (fl_str_is(s, names[i]))
			return true;
	}
	return false;
}

/* The "*" of "(*name" or "(__rcu *name" whose "(" is at @i, or 0. */
static size_t pointer_at(const struct kdoc_token *v, size_t i, size_t to)
{
	for (i++; i < to && v[i].word; i++)
		;
	return i < to && (is(&v[i], "*") || is(&v[i], "^")) ? i : 0;
}

/* "unsigned int : 3" has no name. */
static bool is_type_word(struct fl_str s)
{
	static const char *const names[] = { "int", "unsigned", "signed", "long", "short", "char", "u8", "u16",
					     "u32", "u64", "__u8", "__u16", "__u32", "__u64", "uint8_t",
					     "uint16_t", "uint32_t", "uint64_t", "bool" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if (fl_str_is(s, names[i]))
			return true;
	}
	return false;
}

/* The token that names the declarator [from, to), or NULL. */
static const struct kdoc_token *declarator(const struct kdoc_token *v, size_t from, size_t to)
{
	const struct kdoc_token *name = NULL;

	for (size_t i = from; i < to; i++) {
		if (is(&v[i], "(") && pointer_at(v, i, to)) { /* to a function or an array */
			const struct kdoc_token *inner =
				declarator(v, pointer_at(v, i, to) + 1, behind(v, to, i) - 1);

			if (inner)
				return inner;
		}
		if (is(&v[i], "(") && i + 3 < to && v[i + 1].word && is(&v[i + 2], ")") && is(&v[i + 3], "("))
			return &v[i + 1]; /* a function: bool (less)(...) */
		if (is(&v[i], ":") && name && is_type_word(name->s))
			return NULL;
		if (is(&v[i], "[") || is(&v[i], ":") || is(&v[i], "="))
			break;
		if (is(&v[i], "(")) {
			i = behind(v, to, i) - 1;
			continue;
		}
		if (v[i].word && (!is_attribute(v[i].s) || (name && is_type_word(name->s) && i + 1 == to)))
			name = &v[i]; /* "u32 __unused" is a member of that name */
	}
	return name;
}

/* -- parameters -- */

static void parameters(struct decls *d, const struct kdoc_token *v, size_t from, size_t to)
{
	while (from < to) {
		size_t end = upto(v, to, from, ",");
		const struct kdoc_token *name = declarator(v, from, end);

		if (end > from && is(&v[end - 1], "...")) { /* or "args...", of macros */
			if (d->dialect == KDOC_6_12 || end != from + 2) /* 7.3 wants "args..." described */
				d->varargs = end == from + 2 ? v[from].s : v[end - 1].s;
			declare(d, fl_str_n("", 0), end == from + 2 ? &v[from] : &v[end - 1]);
		} else if (end > from + 1 && v[from].word && is(&v[from + 1], "(") && behind(v, end, from + 1) == end) {
			parameters(d, v, from + 2, end - 1); /* a macro around some */
		} else if (end > from && is(&v[end - 1], "*")) {
			declare(d, fl_str_n("", 0),
				&(struct kdoc_token){ .s = fl_str_n("", 0), .line = v[from].line, .word = true });
		} else if (name) {
			if (end == from + 1 && is(name, "void"))
				d->varargs = name->s;
			declare(d, fl_str_n("", 0), name);
		}
		from = end + 1;
	}
}

/* -- members -- */

static void members(struct decls *d, const struct kdoc_token *v, size_t from, size_t to, struct fl_str prefix);

/* Macros that declare members: which argument names, and where members begin in a group. */
static const struct {
	const char *name;
	int arg;   /* the argument that is the name, or -1: the arguments from @group on are members */
	int group;
} member_macros[] = {
	{ "DECLARE_BITMAP", 0, 0 }, { "DECLARE_HASHTABLE", 0, 0 }, { "DECLARE_KFIFO", 0, 0 },
	{ "DECLARE_KFIFO_PTR", 0, 0 }, { "DECLARE_FLEX_ARRAY", 1, 0 }, { "__DECLARE_FLEX_ARRAY", 1, 0 },
	{ "DEFINE_DMA_UNMAP_ADDR", 0, 0 }, { "DEFINE_DMA_UNMAP_LEN", 0, 0 },
	{ "DECLARE_PHY_INTERFACE_MASK", 0, 0 }, { "__ETHTOOL_DECLARE_LINK_MODE_MASK", 0, 0 },
	{ "VIRTIO_DECLARE_FEATURES", 0, 0 }, { "__SYSFS_FUNCTION_ALTERNATIVE", -1, 0 },
	{ "struct_group", -1, 1 }, { "struct_group_attr", -1, 2 }, { "struct_group_tagged", -1, 2 },
	{ "__struct_group", -1, 3 },
};

/* The second member of VIRTIO_DECLARE_FEATURES(name): name_array. */
static const struct kdoc_token *array_of(struct decls *d, const struct kdoc_token *name)
{
	struct kdoc_token *t = FL_ARENA_NEW(d->arena, struct kdoc_token);
	char *s = fl_arena_alloc(d->arena, name->s.n + sizeof("_array"));

	if (!t || !s)
		return name;
	snprintf(s, name->s.n + sizeof("_array"), "%.*s_array", FL_STR_ARG(name->s));
	*t = (struct kdoc_token){ .s = fl_str(s), .line = name->line, .word = true };
	return t;
}

/* A member that a macro declares; false where the words are none of those. */
static bool macro_member(struct decls *d, const struct kdoc_token *v, size_t from, size_t to,
			 struct fl_str prefix)
{
	size_t i = 0, close, arg = from + 2;

	if (from + 1 >= to || !is(&v[from + 1], "("))
		return false;
	while (i < FL_ARRAY_SIZE(member_macros) && !is(&v[from], member_macros[i].name))
		i++;
	if (i == FL_ARRAY_SIZE(member_macros))
		return false;
	close = behind(v, to, from + 1) - 1;
	for (int skip = member_macros[i].arg < 0 ? member_macros[i].group : member_macros[i].arg; skip; skip--)
		arg = upto(v, close, arg, ",") + 1;
	if (arg > close)
		return true;
	if (member_macros[i].arg < 0) {
		if (d->dialect == KDOC_6_12 && is(&v[from], "struct_group_tagged")) /* the tag's member is a name too */
			declare(d, prefix, &v[upto(v, close, from + 2, ",") + 1]);
		members(d, v, arg, close, prefix);
	} else if (v[arg].word) {
		declare(d, prefix, &v[arg]);
		if (is(&v[from], "VIRTIO_DECLARE_FEATURES"))
			declare(d, prefix, array_of(d, &v[arg]));
	}
	return true;
}

/* The "{" of a struct or union's body in the declaration [from, to), or @to. */
static size_t body_of(const struct kdoc_token *v, size_t from, size_t to, bool *ret_enum)
{
	size_t i = from;
	bool aggregate = false;

	*ret_enum = false;
	for (; i < to && !is(&v[i], "{"); i++) {
		aggregate |= is(&v[i], "struct") || is(&v[i], "union");
		*ret_enum |= is(&v[i], "enum");
		if (is(&v[i], "(") && !(i && is_attribute(v[i - 1].s)))
			return to;
	}
	return i < to && (aggregate || *ret_enum) ? i : to;
}

static void nested(struct decls *d, const struct kdoc_token *v, size_t open, size_t to, struct fl_str prefix)
{
	size_t shut = behind(v, to, open) - 1, from = shut + 1;
	bool any = false;

	while (from < to) {
		size_t end = upto(v, to, from, ",");
		const struct kdoc_token *name = declarator(v, from, end);
		char *path;

		if (name) {
			any = true;
			declare(d, prefix, name);
			path = fl_arena_alloc(d->arena, prefix.n + name->s.n + 2);
			if (path) {
				snprintf(path, prefix.n + name->s.n + 2, "%.*s%s%.*s", FL_STR_ARG(prefix),
					 prefix.n ? "." : "", FL_STR_ARG(name->s));
				members(d, v, open + 1, shut, fl_str(path));
			}
		}
		from = end + 1;
	}
	if (!any)
		members(d, v, open + 1, shut, prefix);
}

/* @typed: the type was read already, and only names are left. */
static void plain_members(struct decls *d, const struct kdoc_token *v, size_t from, size_t to,
			  struct fl_str prefix, bool typed)
{
	bool first = !typed;

	while (from < to) {
		size_t end = upto(v, to, from, ",");
		const struct kdoc_token *name = declarator(v, from, end);

		/* "int : 4;" has no name: its only word is the type. "SOME_MEMBERS;" is a member for the scripts. */
		if (name && !(first && name == &v[from] && from + 1 < end && is(&v[from + 1], ":")))
			declare(d, prefix, name);
		first = false;
		from = end + 1;
	}
}

/*
 * "int a, #ifdef X b, #endif c;": the scripts end a declaration at each line of the preprocessor's. What is left
 * of it has no type, and they forget which struct it is in.
 */
static bool is_cut(const struct kdoc_token *v, size_t from, size_t end)
{
	for (size_t i = from + 1; i < end; i++) {
		if (v[i].cut)
			return true;
	}
	return false;
}

static void members(struct decls *d, const struct kdoc_token *v, size_t from, size_t to, struct fl_str prefix)
{
	bool is_enum;

	if (++d->depth > MAX_NESTING)
		from = to;
	while (from < to) {
		size_t end, open;

		end = upto(v, to, from, ";");
		open = body_of(v, from, end, &is_enum);
		if (end == from)
			;
		else if (open < end && is_enum)
			plain_members(d, v, behind(v, end, open), end, prefix, true);
		else if (open < end)
			nested(d, v, open, end, prefix);
		else if (!macro_member(d, v, from, end, prefix) && !is(&v[from], "static_assert") &&
			 !fl_str_starts(v[from].s, "__cacheline_group"))
			plain_members(d, v, from, end, is_cut(v, from, end) ? fl_str_n("", 0) : prefix, false);
		from = end + 1;
	}
	d->depth--;
}

static void values(struct decls *d, const struct kdoc_token *v, size_t from, size_t to)
{
	while (from < to) {
		if (v[from].word)
			declare(d, fl_str_n("", 0), &v[from]);
		from = upto(v, to, from, ",") + 1;
	}
}

/*
 * What stands between "private:" and "public:" is cut out of the text before anything else is made
 * of it; the marks need not respect the braces.
 */
static size_t without_private(struct kdoc_token *v, size_t n)
{
	bool private = false;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (is(&v[i], "private:") || is(&v[i], "public:"))
			private = is(&v[i], "private:");
		else if (!private)
			v[kept++] = v[i];
	}
	return kept;
}

/* -- described against declared -- */

/* "@name:", or "@args...:" for "args". */
static bool described(const struct decls *d, struct fl_str name)
{
	char dots[200];

	if (fl_map_get(&d->told, name))
		return true;
	return snprintf(dots, sizeof(dots), "%.*s...", FL_STR_ARG(name)) < (int)sizeof(dots) &&
	       fl_map_get(&d->told, fl_str(dots));
}

/* Bytes between the start of the line and the name, where it stands there. */
static uint32_t column(const struct kdoc_decl *e, struct fl_str line)
{
	return e->at >= line.p && e->at < line.p + line.n ? (uint32_t)(e->at - line.p) : 0;
}

static const char *thing_word(const struct decls *d)
{
	enum kdoc_kind kind = d->k->kind;

	if (kind == KDOC_STRUCT || kind == KDOC_UNION) /* the declaration's word counts, not the comment's */
		kind = d->is_union ? KDOC_UNION : KDOC_STRUCT;
	return kind == KDOC_STRUCT ? "struct member" : kind == KDOC_UNION ? "union member" :
	       kind == KDOC_ENUM   ? "enum value" : "function parameter";
}

static void undescribed(struct decls *d, const char *thing)
{
	for (const struct kdoc_decl *e = d->first; e; e = e->next) {
		uint32_t col;

		if (described(d, e->name) || memchr(e->name.p, '.', e->name.n) ||
		    (d->varargs.n && fl_str_eq(e->name, d->varargs)))
			continue;
		col = column(e, docs_sink_line(d->sink, e->line));
		if (d->k->kind == KDOC_ENUM)
			docs_report(d->sink, DOCS_KDOC_PARAM, e->line, col, e->name.n,
				    "Enum value '%.*s' not described in enum '%s'", FL_STR_ARG(e->name), thing);
		else
			docs_report(d->sink, DOCS_KDOC_PARAM, e->line, col, e->name.n,
				    "%s '%.*s' not described in '%s'",
				    d->dialect == KDOC_7_3 ? thing_word(d) : "Function parameter or struct member",
				    FL_STR_ARG(e->name), thing);
	}
}

static void excess(struct decls *d, const char *thing)
{
	for (uint32_t i = 0; i < d->k->n; i++) {
		const struct kdoc_section *s = &d->k->v[i];

		if (!s->param || fl_map_get(&d->known, s->name) || fl_str_is(s->name, "struct") ||
		    fl_str_is(s->name, "union"))
			continue;
		if (fl_str_starts(s->name, "...") && s->name.n > 3)
			continue;
		docs_finding_columns(docs_report(d->sink, DOCS_KDOC_EXCESS, s->line, s->col, s->name.n + 1,
						 "Excess %s '%s%.*s' description in '%s'", thing_word(d),
						 d->dialect == KDOC_7_3 && d->k->kind == KDOC_ENUM ? "@" : "",
						 FL_STR_ARG(s->name), thing));
	}
}

static void other_name(struct decls *d, const char *what, struct fl_str real)
{
	bool function = d->k->kind == KDOC_FUNCTION;

	docs_report(d->sink, DOCS_KDOC_PROTOTYPE, d->k->line, d->k->col, d->k->name.n,
		    "expecting prototype for %s%s%.*s%s. Prototype was for %s%s%.*s%s instead", what,
		    what[0] ? " " : "", FL_STR_ARG(d->k->name), function ? "()" : "", what, what[0] ? " " : "",
		    FL_STR_ARG(real), function ? "()" : "");
}

/* -- functions -- */

/* Words in front of a function that a comment does not speak of. */
static bool is_macro_call(struct fl_str s)
{
	static const char *const names[] = { "__printf", "__alloc_size", "__realloc_size", "__diagnose_as",
					     "__attribute__", "__aligned", "__section", "__scanf", "__malloc" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if (fl_str_is(s, names[i]))
			return true;
	}
	return false;
}

/* "int (*name)(...)", the one pointer that the scripts take for a function of its name. */
static bool names_pointer(const struct kdoc_token *v, size_t n)
{
	return n > 4 && v[0].word && is(&v[1], "(") && is(&v[2], "*") && v[3].word && is(&v[4], ")");
}

/* Index of the function's name: the word before the first "(" that belongs to it; @n where none. */
static size_t function_name(const struct kdoc_token *v, size_t n)
{
	if (names_pointer(v, n))
		return 3;
	for (size_t i = 0; i + 1 < n; i++) {
		if (v[i].word && is(&v[i + 1], "(")) {
			if (!is_macro_call(v[i].s))
				return i;
			i = behind(v, n, i + 1) - 1;
			continue;
		}
		if (!v[i].word && !is(&v[i], "*") && !is(&v[i], "~"))
			return n;
	}
	return n;
}

static struct fl_str without_noprof(struct fl_str s)
{
	if (fl_str_ends(s, "_noprof"))
		s.n -= 7;
	return s;
}

/* SYSCALL_DEFINE2(name, type, arg, type, arg) declares sys_name. */
static struct fl_str syscall_name(struct decls *d, const struct kdoc_token *v, size_t n, size_t at)
{
	size_t close = behind(v, n, at + 1) - 1, i = upto(v, close, at + 2, ",") + 1;
	char *name = fl_arena_alloc(d->arena, v[at + 2].s.n + 5);

	while (i < close) { /* types and names in turn */
		i = upto(v, close, i, ",") + 1;
		if (i < close)
			declare(d, fl_str_n("", 0), &v[i]);
		i = upto(v, close, i, ",") + 1;
	}
	if (!name)
		return v[at + 2].s;
	snprintf(name, v[at + 2].s.n + 5, "sys_%.*s", FL_STR_ARG(v[at + 2].s));
	return fl_str(name);
}

/* DEFINE_IDTENTRY_IRQ(name) is void name(struct pt_regs *regs, u32 vector), as 7.3's script knows. */
static struct fl_str interrupt_entry(struct decls *d, const struct kdoc_token *v, size_t at)
{
	struct kdoc_token regs = { .s = FL_STR("regs"), .line = v[at].line, .word = true };
	struct kdoc_token vector = { .s = FL_STR("vector"), .line = v[at].line, .word = true };

	declare(d, fl_str_n("", 0), &regs);
	declare(d, fl_str_n("", 0), &vector);
	return v[at + 2].s;
}

/* TRACE_EVENT(name, TP_PROTO(...), ...) declares trace_name. */
static bool tracepoint(struct decls *d, const struct kdoc_token *v, size_t n, size_t at)
{
	size_t proto = at;

	while (proto + 1 < n && !is(&v[proto], "TP_PROTO"))
		proto++;
	if (proto + 1 >= n)
		return false;
	parameters(d, v, proto + 2, behind(v, n, proto + 1) - 1);
	return true;
}

/* Words in front of a declaration that are not shown. */
static bool is_storage(const struct kdoc_token *t)
{
	static const char *const names[] = { "static", "extern", "asmlinkage", "inline", "__inline__", "__inline",
					     "__always_inline", "noinline" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if (is(t, names[i]))
			return true;
	}
	return false;
}

/* Up to behind what the scripts take away wherever it stands; @i: nothing. */
static size_t behind_dropped(const struct kdoc_token *v, size_t n, size_t i)
{
	static const char *const names[] = {
		"__init", "__init_or_module", "__exit", "__deprecated", "__flatten", "__meminit", "__must_check",
		"__weak", "__sched", "__always_unused", "__maybe_unused", "__printf", "__alloc_size", "__realloc_size",
		"__diagnose_as", "__cond_acquires", "__cond_releases", "__acquires", "__releases", "__must_hold",
		"__must_not_hold", "__must_hold_shared", "__cond_acquires_shared", "__acquires_shared",
		"__releases_shared", "__no_context_analysis", "__attribute_const__", "__attribute__",
		"__FORTIFY_INLINE",
	};
	bool found = false;

	for (size_t k = 0; k < FL_ARRAY_SIZE(names); k++)
		found |= is(&v[i], names[k]);
	if (!found)
		return i;
	return i + 1 < n && is(&v[i + 1], "(") ? behind(v, n, i + 1) : i + 1;
}

static void cannot_understand(struct decls *d, const struct kdoc_token *v, size_t n)
{
	_cleanup_buf_ struct fl_buf text = {};
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		bool joined = i + 1 < n && v[i].s.p + v[i].s.n == v[i + 1].s.p;
		size_t next = behind_dropped(v, n, i);

		if (is_storage(&v[i]) && (first || d->dialect == KDOC_7_3))
			continue;
		if (next > i) {
			i = next - 1;
			continue;
		}
		first = false;
		fl_buf_add_str(&text, without_noprof(v[i].s));
		if (!joined && (i + 1 < n || d->dialect == KDOC_6_12))
			fl_buf_addc(&text, ' ');
	}
	docs_report(d->sink, DOCS_KDOC_PROTOTYPE, n ? v[0].line : d->k->line, 0, 0,
		    "cannot understand function prototype: '%s'", fl_buf_z(&text));
}

static bool any_is(const struct kdoc_token *v, size_t n, size_t i, const char *mark)
{
	while (i < n && !is(&v[i], mark))
		i++;
	return i < n;
}

static void function(struct decls *d, const struct kdoc_tokens *t)
{
	const struct kdoc_token *v = t->v;
	size_t n = t->n, at, from;
	struct fl_str real;
	char thing[256];

	at = t->define && n && v[0].word ? 0 : function_name(v, n);
	if (at >= n || !v[0].word || (!t->define && !any_is(v, n, at, ")"))) {
		cannot_understand(d, v, n);
		return;
	}
	real = without_noprof(v[at].s);
	if (fl_str_is(real, "DECLARE_EVENT_CLASS"))
		return; /* a template of tracepoints: what it declares has no name here */
	from = at + 1;
	while (from < n && is(&v[from], ")"))
		from++;
	if (fl_str_starts(real, "SYSCALL_DEFINE") && at + 2 < n)
		real = syscall_name(d, v, n, at);
	else if ((fl_str_is(real, "TRACE_EVENT") || fl_str_is(real, "DEFINE_EVENT")) && at + 2 < n &&
		 tracepoint(d, v, n, at)) {
		snprintf(thing, sizeof(thing), "trace_%.*s", FL_STR_ARG(v[at + 2].s));
		undescribed(d, thing);
		excess(d, thing);
		return;
	}
	if (fl_str_is(real, "DEFINE_IDTENTRY_IRQ") && d->dialect != KDOC_6_12 && at + 2 < n)
		real = interrupt_entry(d, v, at);
	else if (real.n && at < n && from < n && is(&v[from], "(") && !fl_str_starts(real, "sys_") &&
		 (!t->define || v[from].s.p == v[at].s.p + v[at].s.n)) /* "name (" is no macro's parameter list */
		parameters(d, v, from + 1, behind(v, n, from) - 1);
	snprintf(thing, sizeof(thing), "%.*s", FL_STR_ARG(real));
	undescribed(d, thing);
	if (!fl_str_eq(real, d->k->name))
		other_name(d, "", real);
	else
		excess(d, thing);
}

/* -- types -- */

static const char *kind_word(enum kdoc_kind kind)
{
	return kind == KDOC_STRUCT ? "struct" : kind == KDOC_UNION ? "union" : kind == KDOC_ENUM ? "enum" : "typedef";
}

/* The tag, or what a typedef calls it. */
static struct fl_str type_real_name(const struct kdoc_token *v, size_t n, size_t open, size_t shut)
{
	struct fl_str real = {};

	for (size_t i = 0; i < open; i++) {
		if (is(&v[i], "("))
			i = behind(v, open, i) - 1;
		else if (v[i].word && !is_attribute(v[i].s) && !is(&v[i], "typedef") && !is(&v[i], "struct") &&
			 !is(&v[i], "union") && !is(&v[i], "enum"))
			real = v[i].s;
	}
	for (size_t i = shut + 1; i < n && !real.n; i++) {
		if (v[i].word && !is_attribute(v[i].s))
			real = v[i].s;
	}
	return real;
}

/* What stands before the "{" is a function, with its parameters. */
static bool is_function(const struct kdoc_token *v, size_t open)
{
	for (size_t i = 1; i < open; i++) {
		if (is(&v[i], "(") && !is_attribute(v[i - 1].s) && !is_macro_call(v[i - 1].s))
			return true;
		if (is(&v[i], "("))
			i = behind(v, open, i) - 1;
	}
	return false;
}

/* "struct {" or "struct tag {": with an attribute between them, the scripts do not find their way. */
static bool is_plain_tag(const struct kdoc_token *v, size_t open)
{
	for (size_t i = open; i-- > 0;) {
		if (is(&v[i], "enum") || is(&v[i], "struct") || is(&v[i], "union"))
			return open - i == 1 || (open - i == 2 && v[i + 1].word);
	}
	return false;
}

static void aggregate(struct decls *d, const struct kdoc_tokens *t)
{
	struct kdoc_token *v = t->v;
	size_t open = upto(v, t->n, 0, "{"), shut;
	struct fl_str real;
	bool is_enum = false;
	char thing[256];

	for (size_t i = 0; i < open && open < t->n; i++)
		is_enum |= is(&v[i], "enum");
	if (open >= t->n || !is_plain_tag(v, open) || is_enum != (d->k->kind == KDOC_ENUM) || is_function(v, open)) {
		docs_report(d->sink, DOCS_KDOC_PROTOTYPE, d->k->line, d->k->col, d->k->name.n, "%sCannot parse %s!",
			    d->dialect == KDOC_7_3 ? "error: " : "",
			    d->k->kind == KDOC_ENUM ? "enum" : "struct or union");
		return;
	}
	shut = behind(v, t->n, open) - 1;
	real = type_real_name(v, t->n, open, shut);
	for (size_t i = 0; i < open; i++)
		d->is_union |= is(&v[i], "union");
	if (!fl_str_eq(real, d->k->name)) {
		other_name(d, kind_word(d->is_union ? KDOC_UNION : d->k->kind), real);
		return;
	}
	shut = open + 1 + without_private(v + open + 1, shut - open - 1);
	if (d->k->kind == KDOC_ENUM)
		values(d, v, open + 1, shut);
	else
		members(d, v, open + 1, shut, fl_str_n("", 0));
	snprintf(thing, sizeof(thing), "%.*s", FL_STR_ARG(real.n ? real : FL_STR("(anonymous)")));
	undescribed(d, thing);
	excess(d, thing);
}

/* The "(" of "type (*name)(...)" and "type (name)(...)" at @i: a typedef of a function. */
static bool names_function(const struct kdoc_token *v, size_t end, size_t i)
{
	return i + 1 < end && is(&v[i], "(") &&
	       (is(&v[i + 1], "*") || (i + 3 < end && v[i + 1].word && is(&v[i + 2], ")") && is(&v[i + 3], "(")));
}

/* The name that the typedef gives; *@i is its first bracket, and then that of a function's parameters. */
static const struct kdoc_token *typedef_name(const struct kdoc_token *v, size_t end, size_t *i)
{
	size_t open = *i;

	if (open < end && is(&v[open], "{"))
		return declarator(v, behind(v, end, open), end);
	if (open >= end)
		return declarator(v, 0, end);
	if (!names_function(v, end, open))
		return open ? &v[open - 1] : NULL;
	*i = behind(v, end, open);
	return declarator(v, open + 1, *i);
}

static void typedef_(struct decls *d, const struct kdoc_tokens *t)
{
	const struct kdoc_token *v = t->v, *name;
	size_t end = upto(v, t->n, 0, ";"), i = 0;
	char thing[256];

	while (i < end && !is(&v[i], "(") && !is(&v[i], "{"))
		i++;
	name = typedef_name(v, end, &i);
	if (!name) {
		docs_report(d->sink, DOCS_KDOC_PROTOTYPE, d->k->line, d->k->col, d->k->name.n,
			    "%sCannot parse typedef!",
			    d->dialect == KDOC_7_3 ? "error: " : "");
		return;
	}
	if (!fl_str_eq(name->s, d->k->name)) {
		other_name(d, "typedef", name->s);
		return;
	}
	if (i >= end || !is(&v[i], "("))
		return;
	parameters(d, v, i + 1, behind(v, end, i) - 1);
	snprintf(thing, sizeof(thing), "%.*s", FL_STR_ARG(name->s));
	undescribed(d, thing);
}

void kdoc_compare(struct docs_sink *sink, struct fl_arena *arena, enum kdoc_dialect dialect,
		  const struct kdoc *k, const struct kdoc_tokens *t)
{
	struct decls d = { .sink = sink, .arena = arena, .dialect = dialect, .k = k };

	d.tail = &d.first;
	if (!docs_wants(sink, DOCS_KDOC_PARAM) && !docs_wants(sink, DOCS_KDOC_EXCESS) &&
	    !docs_wants(sink, DOCS_KDOC_PROTOTYPE))
		return;
	for (uint32_t i = 0; i < k->n; i++) {
		if (k->v[i].param && !fl_map_put(&d.told, k->v[i].name, NULL))
			sink->error = -ENOMEM;
	}
	if (k->kind == KDOC_FUNCTION)
		function(&d, t);
	else if (k->kind == KDOC_TYPEDEF)
		typedef_(&d, t);
	else if (k->kind != KDOC_VAR) /* whose description has no parts */
		aggregate(&d, t);
	fl_map_fini(&d.told);
	fl_map_fini(&d.known);
}
