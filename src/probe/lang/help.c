/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The next step for a person, where there is one right one. The kernel's message stays as it is;
 * this stands below it. A row a fault; what is meant by a name is looked for in the target only now,
 * when something is wrong.
 */
#include "probe/lang/help.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

/* A list of names to find the nearest in. */
struct names {
	struct fl_str *v;
	size_t n, cap;
};

#define MAX_NAMES 262144

static void add_name(struct names *names, struct fl_str name)
{
	size_t cap = names->cap ? names->cap * 2 : 64;
	struct fl_str *v;

	if (name.n == 0 || names->n == MAX_NAMES)
		return;
	if (names->n == names->cap) {
		v = reallocarray(names->v, cap, sizeof(*v));
		if (!v)
			return;
		names->v = v;
		names->cap = cap;
	}
	names->v[names->n++] = name;
}

/* "did you mean '...'?"; frees the names. False where none is near. */
static bool suggest(struct fl_diag *d, struct fl_str wrong, struct names *names, const char *prefix)
{
	size_t i = fl_str_nearest(wrong, names->v, names->n);
	bool found = i < names->n;

	if (found)
		fl_diag_help(d, "did you mean '%s%.*s'?", prefix, FL_STR_ARG(names->v[i]));
	free(names->v);
	return found;
}

static struct fl_str underlined(const struct fl_parse *p, const struct fl_diag *d)
{
	return fl_str_sub(p->log.def, d->span.start, d->span.end - d->span.start);
}

/* ---- fields ---- */

#define MAX_DEPTH 4

static void collect_members(struct fl_type t, struct names *names, int depth)
{
	struct fl_member m;

	for (uint32_t i = 0; fl_type_member(t, i, &m); i++) {
		if (m.name.n)
			add_name(names, m.name);
		else if (depth < MAX_DEPTH)
			collect_members(fl_type_strip(m.type), names, depth + 1);
	}
}

/* The path from @t to a member of that name in one of its own structures: "d_name.len". */
static bool path_inside(struct fl_type t, struct fl_str name, struct fl_buf *path, int depth)
{
	struct fl_member m, hit;
	size_t len = path->len;

	for (uint32_t i = 0; depth < MAX_DEPTH && fl_type_member(t, i, &m); i++) {
		struct fl_type inner = fl_type_strip(m.type);

		if (!fl_kind_is_struct(fl_type_kind(inner)))
			continue;
		fl_buf_add_str(path, m.name);
		if (m.name.n)
			fl_buf_addc(path, '.');
		if (fl_type_find_member(inner, name, &hit) == 0) {
			fl_buf_add_str(path, name);
			return true;
		}
		if (path_inside(inner, name, path, depth + 1))
			return true;
		path->len = len;
	}
	return false;
}

struct owner_search {
	struct fl_str member;
	struct fl_type owner;
	size_t n;
};

static int find_owner(void *ctx, struct fl_type t)
{
	struct owner_search *s = ctx;
	struct fl_member m;

	if (fl_type_find_member(t, s->member, &m) == 0 && fl_type_name(t).n) {
		s->owner = t;
		s->n++;
	}
	return s->n > 1; /* one is an answer, two are none */
}

/* The only struct of the kernel that has such a member. */
static void help_owner(const struct fl_parse *p, struct fl_diag *d, struct fl_str name)
{
	struct owner_search s = { .member = name };
	struct fl_btf *btf;

	if (fl_target_btf(p->target, &btf) < 0)
		return;
	fl_btf_each(btf, FL_STR("*"), FL_KIND(BTF_KIND_STRUCT), find_owner, &s);
	if (s.n == 1)
		fl_diag_help(d, "this member is in struct %.*s", FL_STR_ARG(fl_type_name(s.owner)));
}

static void help_field(const struct fl_parse *p, struct fl_diag *d)
{
	struct fl_str name = underlined(p, d);
	_cleanup_buf_ struct fl_buf path = {};
	struct names names = {};

	if (!name.n || !fl_type_ok(p->searched))
		return;
	if (path_inside(p->searched, name, &path, 0)) {
		fl_diag_help(d, "it is there as '%s'", fl_buf_z(&path));
		return;
	}
	collect_members(p->searched, &names, 0);
	if (!suggest(d, name, &names, ""))
		help_owner(p, d, name);
}

/* ---- parameters, structs, types ---- */

static void help_param(const struct fl_parse *p, struct fl_diag *d)
{
	_cleanup_buf_ struct fl_buf list = {};
	struct names names = {};
	struct fl_param param;

	for (uint32_t i = 0; i < p->nr_params && fl_proto_param(p, i, &param); i++) {
		add_name(&names, param.name);
		fl_buf_addf(&list, "%s%.*s", i ? ", " : "", FL_STR_ARG(param.name));
	}
	if (!suggest(d, underlined(p, d), &names, "") && list.len)
		fl_diag_help(d, "the parameters are %s", fl_buf_z(&list));
	else if (!list.len && fl_type_ok(p->proto))
		fl_diag_help(d, "this function has no parameters");
}

/* Arguments by name of a tracepoint that is not there: its name is what is wrong. */
static void help_entry(const struct fl_parse *p, struct fl_diag *d)
{
	struct fl_str name = p->event->place.symbol, near;

	if (!(p->event->assumed & FL_ASSUMED_TRACEPOINT)) {
		help_param(p, d);
		return;
	}
	near = fl_target_near_tracepoint(p->target, name);
	if (near.n)
		fl_diag_help(d, "there is no tracepoint '%.*s': did you mean '%.*s'?", FL_STR_ARG(name),
			     FL_STR_ARG(near));
}

/* The kernel's message speaks of this one place, where there are no types at all. */
static bool help_no_types(const struct fl_parse *p, struct fl_diag *d)
{
	struct fl_btf *btf;
	int r = fl_target_btf(p->target, &btf);

	if (r < 0 && p->event->kind != FL_PROBE_UPROBE)
		fl_diag_help(d, "no types are known here, %s: they come from a kernel with CONFIG_DEBUG_INFO_BTF=y, or "
				"from --btf FILE", strerror(-r));
	return d->help;
}

static int collect_type(void *ctx, struct fl_type t)
{
	add_name(ctx, fl_type_name(t));
	return 0;
}

static void help_struct(const struct fl_parse *p, struct fl_diag *d)
{
	struct fl_str name = underlined(p, d);
	struct fl_type t = fl_target_type(p->target, name, FL_KIND(BTF_KIND_UNION) |
					  FL_KIND(BTF_KIND_TYPEDEF) | FL_KIND(BTF_KIND_INT));
	struct names names = {};
	struct fl_btf *btf;

	if (fl_type_kind(t) == BTF_KIND_TYPEDEF &&
	    fl_type_kind(fl_type_strip(t)) == BTF_KIND_STRUCT && fl_type_name(fl_type_strip(t)).n) {
		fl_diag_help(d, "this is a typedef: did you mean '%.*s'?",
			     FL_STR_ARG(fl_type_name(fl_type_strip(t))));
		return;
	}
	if (fl_type_ok(t)) {
		fl_diag_help(d, "this is a %s: casts take the name of a struct",
			     fl_kind_name(fl_type_kind(t)));
		return;
	}
	if (!name.n || fl_target_btf(p->target, &btf) < 0)
		return;
	fl_btf_each(btf, FL_STR("*"), FL_KIND(BTF_KIND_STRUCT), collect_type, &names);
	suggest(d, name, &names, "");
}

static void help_pointer(const struct fl_parse *p, struct fl_diag *d)
{
	bool in_cast = d->span.start && p->log.def.p[d->span.start - 1] == '(';

	if (in_cast)
		help_struct(p, d);
}

static void help_type(const struct fl_parse *p, struct fl_diag *d)
{
	struct names names = {};

	for (size_t i = 0; i < fl_nr_fetch_types; i++)
		add_name(&names, fl_str(fl_fetch_types[i].name));
	suggest(d, underlined(p, d), &names, "");
}

static void help_string(const struct fl_parse *p, struct fl_diag *d)
{
	fl_diag_help(d, "for the string that a value points to, write +0(VALUE):string");
}

static void help_dot(const struct fl_parse *p, struct fl_diag *d)
{
	fl_diag_help(d, "a pointer's field is reached by '->'");
}

/* ---- variables and registers ---- */

static void help_register(const struct fl_parse *p, struct fl_diag *d)
{
	const struct fl_arch *arch = fl_target_arch(p->target);
	struct fl_str name = fl_str_from(underlined(p, d), 1);
	struct names names = {};

	/* "rdi" and "edi" are the assembler's names of "di" */
	if ((fl_at(name, 0) == 'r' || fl_at(name, 0) == 'e') &&
	    fl_arch_reg(arch, fl_str_from(name, 1))) {
		fl_diag_help(d, "did you mean '%%%.*s'?", FL_STR_ARG(fl_str_from(name, 1)));
		return;
	}
	for (size_t i = 0; i < arch->nr_regs; i++)
		add_name(&names, fl_str(arch->regs[i].name));
	suggest(d, name, &names, "%");
}

static void help_variable(const struct fl_parse *p, struct fl_diag *d)
{
	static const char *const variables[] = { "retval", "stack", "comm", "arg1", "current" };
	struct fl_str text = underlined(p, d);
	struct names names = {};

	if (fl_at(text, 0) == '%') {
		fl_diag_help(d, "registers can be read by p and r probes alone");
		return;
	}
	for (size_t i = 0; p->format && i < p->format->nr_fields; i++) {
		if (!p->format->fields[i].is_common)
			add_name(&names, p->format->fields[i].name);
	}
	for (size_t i = 0; !p->format && i < FL_ARRAY_SIZE(variables); i++)
		add_name(&names, fl_str(variables[i]));
	suggest(d, fl_str_from(text, fl_at(text, 0) == '$'), &names, "$");
}

static void help_fetch(const struct fl_parse *p, struct fl_diag *d)
{
	if (fl_at(underlined(p, d), 0) == '%')
		help_variable(p, d);
}

static void help_retval(const struct fl_parse *p, struct fl_diag *d)
{
	if (p->event->kind == FL_PROBE_TPROBE)
		fl_diag_help(d, "a tracepoint returns nothing");
	else
		fl_diag_help(d, "the return is probed by r, or by %%return behind the place");
}

/* ---- places ---- */

static int collect_function(void *ctx, const struct fl_ksym *sym)
{
	if (strchr("tTwW", sym->type))
		add_name(ctx, sym->name);
	return 0;
}

/* An unknown symbol of an argument is refused at the probe's own place: the kernel's caret is there. */
static void help_data_symbol(const struct fl_parse *p, const struct fl_ksyms *syms, struct fl_diag *d)
{
	struct fl_str rest = p->log.def, name;
	size_t at;

	while ((at = fl_str_find(rest, '@', 0)) < rest.n) {
		rest = fl_str_from(rest, at + 1);
		name = fl_str_sub(rest, 0, fl_str_any(rest, "+-):,[] \t"));
		if (!name.n || isdigit((unsigned char)name.p[0]) || fl_ksyms_find(syms, name, NULL, 0))
			continue;
		fl_diag_help(d, "'%.*s' is not among the kernel's symbols (variables are with CONFIG_KALLSYMS_ALL=y "
			"alone)", FL_STR_ARG(name));
		return;
	}
}

/* A function that is not there under its name: what the compiler made of it, or a near one. */
static void help_symbol(const struct fl_parse *p, struct fl_diag *d)
{
	struct fl_str place = p->event->place.symbol, name;
	struct names names = {};
	struct fl_ksyms *syms;
	struct fl_ksym sym;

	name = fl_str_sub(place, 0, fl_str_any(place, "+-"));
	if (!name.n || fl_target_ksyms(p->target, &syms) < 0)
		return;
	if (fl_ksyms_find(syms, name, NULL, 0)) {
		help_data_symbol(p, syms, d);
		return;
	}
	if (fl_ksyms_variants(syms, name, &sym, 1)) {
		fl_diag_help(d, "the function exists as '%.*s'", FL_STR_ARG(sym.name));
		return;
	}
	fl_ksyms_each(syms, FL_STR("*"), collect_function, &names);
	suggest(d, name, &names, "");
}

static void help_ambiguous(const struct fl_parse *p, struct fl_diag *d)
{
	_cleanup_buf_ struct fl_buf list = {};
	struct fl_ksym found[4];
	struct fl_ksyms *syms;
	size_t n;

	if (fl_target_ksyms(p->target, &syms) < 0 || fl_ksyms_hidden(syms))
		return;
	n = fl_ksyms_find(syms, p->event->place.symbol, found, FL_ARRAY_SIZE(found));
	for (size_t i = 0; i < FL_MIN(n, FL_ARRAY_SIZE(found)); i++)
		fl_buf_addf(&list, "%s0x%" PRIx64, i ? ", " : "", found[i].addr);
	if (n)
		fl_diag_help(d, "this name has %zu addresses, of which one must be given: %s%s", n,
			     fl_buf_z(&list), n > FL_ARRAY_SIZE(found) ? ", ..." : "");
}

struct event_names {
	struct names names;
	struct fl_arena arena; /* names are the caller's for the moment of the call */
};

static int collect_event(void *ctx, struct fl_str system, struct fl_str event)
{
	struct event_names *e = ctx;
	char *copy = fl_arena_dup(&e->arena, event);

	if (copy)
		add_name(&e->names, fl_str(copy));
	return 0;
}

static void help_event(const struct fl_parse *p, struct fl_diag *d)
{
	_cleanup_buf_ struct fl_buf glob = {};
	struct event_names e = {};

	fl_buf_addf(&glob, "%.*s/*", FL_STR_ARG(p->event->place.system));
	fl_target_each_event(p->target, fl_buf_str(&glob), collect_event, &e);
	suggest(d, p->event->place.event, &e.names, "");
	fl_arena_fini(&e.arena);
}

/* ---- casts and limits ---- */

static void help_cast(const struct fl_parse *p, struct fl_diag *d)
{
	fl_diag_help(d, "a cast is followed by a value and a field: (STRUCT)VALUE->FIELD");
}

static void help_no_string(const struct fl_parse *p, struct fl_diag *d)
{
	if (p->in_trace)
		fl_diag_help(d, "string is of char pointers and arrays; path is of struct file, path and "
				"dentry, and of pointers to them");
}

static void help_length(const struct fl_parse *p, struct fl_diag *d)
{
	fl_diag_help(d, "at most %zu bytes can stand behind '='", p->rules->max_body);
}

/* What a trace takes and no kernel does. */
static void help_user_code(const struct fl_parse *p, struct fl_diag *d)
{
	const struct fl_words *words = &p->log.words;
	struct fl_str place = words->n > 1 ? words->w[1].text : FL_STR("");

	if (!p->in_trace && memchr(place.p, '/', place.n) && memchr(place.p, ':', place.n))
		fl_diag_help(d, "'foreland trace' takes user code by name, and 'foreland probe lower' makes "
				"PATH:OFFSET of it");
}

static void help_user_types(const struct fl_parse *p, struct fl_diag *d)
{
	if (p->at & FL_AT_USER && !p->in_trace)
		fl_diag_help(d, "'foreland trace' takes types of user code, from the program's debug information");
}

static void help_big_array(const struct fl_parse *p, struct fl_diag *d)
{
	if (!p->in_trace)
		fl_diag_help(d, "'foreland trace' takes buffers of up to 4096 bytes, as x8[N]");
}

/* ---- what was meant by a definition in another tool's words: "kprobe:vfs_read", "sched:sched_switch" ---- */

/* bpftrace's, and what others call them: the kernel's letter, and what stands behind the place. */
static const struct {
	const char *name, *letter, *behind;
} others[] = {
	{ "kprobe", "p", "" },
	{ "kretprobe", "r", "" },
	{ "fentry", "f", "" },
	{ "kfunc", "f", "" },
	{ "fexit", "f", "%return" },
	{ "kretfunc", "f", "%return" },
	{ "uprobe", "p", "" },
	{ "uretprobe", "r", "" },
	{ "rawtracepoint", "t", "" },
	{ "tracepoint", "e", "" },
};

static bool is_name(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_' && s.p[i] != '.')
			return false;
	return s.n && !isdigit((unsigned char)s.p[0]);
}

/* "SYSTEM:EVENT" or "SYSTEM/EVENT": how perf and trace-cmd, and the folders of tracefs, call an event. */
static bool event(struct fl_str s, struct fl_buf *out)
{
	size_t colon = fl_str_find(s, ':', 0), at = colon < s.n ? colon : fl_str_find(s, '/', 0);
	struct fl_str system = fl_str_sub(s, 0, at), name = fl_str_from(s, at + 1);

	if (!is_name(system) || !is_name(name))
		return false;
	fl_buf_addf(out, "e %.*s/%.*s", FL_STR_ARG(system), FL_STR_ARG(name));
	return true;
}

/* A program's code without the letter. */
static bool by_path(struct fl_str letter, struct fl_str place, struct fl_buf *out)
{
	if (!place.n || place.p[0] != '/')
		return false;
	fl_buf_addf(out, "%.*s %.*s", FL_STR_ARG(letter), FL_STR_ARG(place));
	return true;
}

/* What stands behind "kprobe:"; fentry's may have the module in front, which BTF knows by itself. */
static bool of_kind(size_t kind, struct fl_str place, struct fl_buf *out)
{
	size_t colon = fl_str_find(place, ':', 0);

	if (!place.n)
		return false;
	if (place.p[0] == '/')
		return by_path(fl_str(others[kind].letter), place, out);
	if (others[kind].letter[0] == 'e')
		return event(place, out);
	if (others[kind].letter[0] == 'f' && colon < place.n)
		place = fl_str_from(place, colon + 1);
	fl_buf_addf(out, "%s %.*s%s", others[kind].letter, FL_STR_ARG(place), others[kind].behind);
	return true;
}

/* "kprobe:PLACE" or "kprobe PLACE". */
static bool by_kind(struct fl_str word, struct fl_str next, struct fl_buf *out)
{
	size_t colon = fl_str_find(word, ':', 0);
	struct fl_str name = fl_str_sub(word, 0, colon);

	for (size_t i = 0; i < FL_ARRAY_SIZE(others); i++)
		if (fl_str_eq(name, fl_str(others[i].name)))
			return of_kind(i, colon < word.n ? fl_str_from(word, colon + 1) : next, out);
	return false;
}

/* "p:vfs_read": a letter, and what the kernel takes for the event's name. */
static bool by_letter(struct fl_str word, struct fl_str next, struct fl_buf *out)
{
	if (next.n || word.n < 3 || word.p[1] != ':' || !memchr("prft", word.p[0], 4) ||
	    !is_name(fl_str_from(word, 2)))
		return false;
	fl_buf_addf(out, "%c %.*s", word.p[0], FL_STR_ARG(fl_str_from(word, 2)));
	return true;
}

static bool by_name(struct fl_str word, struct fl_target *t, struct fl_buf *out)
{
	if (!is_name(word))
		return false;
	fl_buf_addf(out, "%s %.*s", fl_type_ok(fl_target_tracepoint(t, word)) ? "t" : "p", FL_STR_ARG(word));
	return true;
}

static bool guess(struct fl_str def, struct fl_target *t, struct fl_buf *out)
{
	struct fl_str word, next, rest;
	size_t blank;

	def = fl_str_trim(def);
	blank = fl_str_find(def, ' ', 0);
	word = fl_str_sub(def, 0, blank);
	rest = fl_str_trim(fl_str_from(def, blank));
	next = fl_str_sub(rest, 0, fl_str_find(rest, ' ', 0));
	return by_kind(word, next, out) || by_letter(word, next, out) || by_path(FL_STR("p"), word, out) ||
	       (!next.n && (event(word, out) || by_name(word, t, out)));
}

static void help_kind(const struct fl_parse *p, struct fl_diag *d)
{
	_cleanup_buf_ struct fl_buf form = {};

	help_user_code(p, d);
	if (!d->help && guess(p->log.def, p->target, &form))
		fl_diag_help(d, "did you mean '%s'?", fl_buf_z(&form));
}

static void (*const helpers[_FL_FAULT_MAX])(const struct fl_parse *p, struct fl_diag *d) = {
	[FL_FAULT_NO_EVENT_KIND] = help_kind,
	[FL_FAULT_NO_BTF_FIELD] = help_field,
	[FL_FAULT_NO_BTFARG] = help_param,
	[FL_FAULT_NO_BTF_ENTRY] = help_entry,
	[FL_FAULT_NO_PTR_STRCT] = help_pointer,
	[FL_FAULT_BAD_TYPE] = help_type,
	[FL_FAULT_BAD_STRING] = help_string,
	[FL_FAULT_BAD_TYPE4STR] = help_no_string,
	[FL_FAULT_NOSUP_DAT_ARG] = help_dot,
	[FL_FAULT_BAD_REG_NAME] = help_register,
	[FL_FAULT_BAD_VAR] = help_variable,
	[FL_FAULT_BAD_FETCH_ARG] = help_fetch,
	[FL_FAULT_NO_EVENT_FIELD] = help_variable,
	[FL_FAULT_RETVAL_ON_PROBE] = help_retval,
	[FL_FAULT_BAD_PROBE_ADDR] = help_symbol,
	[FL_FAULT_FAIL_REG_PROBE] = help_symbol,
	[FL_FAULT_NON_UNIQ_SYMBOL] = help_ambiguous,
	[FL_FAULT_BAD_ATTACH_EVENT] = help_event,
	[FL_FAULT_TYPECAST_REQ_FIELD] = help_cast,
	[FL_FAULT_ARG_TOO_LONG] = help_length,
	[FL_FAULT_ARRAY_TOO_BIG] = help_big_array,
	[FL_FAULT_NOSUP_BTFARG] = help_user_types,
};

/* Where there is no type, each of these is of that alone. */
static const bool needs_types[_FL_FAULT_MAX] = {
	[FL_FAULT_NO_BTF_ENTRY] = true, [FL_FAULT_NO_BTFARG] = true, [FL_FAULT_NOSUP_BTFARG] = true,
	[FL_FAULT_NO_PTR_STRCT] = true,
};

void fl_probe_help(const struct fl_parse *p, struct fl_diag *diag)
{
	ptrdiff_t fault = diag->kind - fl_probe_faults;

	if (fault < 0 || fault >= _FL_FAULT_MAX || (needs_types[fault] && help_no_types(p, diag)))
		return;
	if (helpers[fault])
		helpers[fault](p, diag);
}
