/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p|r[:[GROUP/][EVENT]] PATH:OFFSET[%return][(REFCTR)] [ARG...] */
#include <errno.h>
#include <inttypes.h>

#include "base/num.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"
#include "probe/lang/register.h"
#include "probe/target/user.h"

static int check_file(struct fl_parse *p, struct fl_str path)
{
	bool regular;
	int r = fl_target_file(p->target, path, &regular);

	if (r == -EOPNOTSUPP) { /* there is nowhere to look */
		p->event->assumed |= FL_ASSUMED_FILE;
		return 0;
	}
	if (r < 0) {
		fl_fault(p, 0, FL_FAULT_FILE_NOT_FOUND, path);
		return r;
	}
	return regular ? 0 : fl_fault(p, 0, FL_FAULT_NO_REGULAR_FILE, path);
}

/* "(" REFCTR ")" at the end of the place; cuts it off @offset. */
static int parse_refctr(struct fl_parse *p, struct fl_str place, struct fl_str *offset)
{
	size_t open = fl_k_find(*offset, '(', 0), close = fl_k_find(*offset, ')', open);
	struct fl_str number = fl_str_sub(*offset, open + 1, close - open - 1);
	long column = offset->p - place.p;
	int r;

	if (open == offset->n)
		return 0;
	if (close == offset->n)
		return fl_fault(p, column + close, FL_FAULT_REFCNT_OPEN_BRACE,
				fl_str_from(*offset, open));
	if (close + 1 < offset->n)
		return fl_fault(p, column + close + 1, FL_FAULT_BAD_REFCNT_SUFFIX,
				fl_str_from(*offset, close + 1));
	r = fl_kstrtoul(number, 0, &p->event->place.refctr);
	if (r < 0)
		return fl_number_fault(p, column + open + 1, FL_FAULT_BAD_REFCNT, number, r);
	p->event->place.has_refctr = p->event->place.refctr != 0;
	*offset = fl_str_sub(*offset, 0, open);
	return 0;
}

/* OFFSET["%return"] */
static int parse_offset(struct fl_parse *p, struct fl_str place, struct fl_str offset)
{
	size_t percent = fl_k_find(offset, '%', 0);
	struct fl_str suffix = fl_str_from(offset, percent);
	long column = offset.p - place.p;
	int r;

	if (suffix.n && !fl_str_is(suffix, "%return"))
		return fl_fault(p, column + percent, FL_FAULT_BAD_ADDR_SUFFIX, suffix);
	if (suffix.n)
		p->event->is_return = true;
	offset = fl_str_sub(offset, 0, percent);
	r = fl_kstrtoul(offset, 0, &p->event->place.offset);
	if (r < 0)
		return fl_number_fault(p, column, FL_FAULT_BAD_UPROBE_OFFS, offset, r);
	return 0;
}

static int parse_place(struct fl_parse *p, const struct fl_word *w, size_t colon)
{
	struct fl_probe_place *place = &p->event->place;
	struct fl_str offset = fl_str_from(w->text, colon + 1);
	int r;

	place->span = w->span;
	place->path = fl_str_sub(w->text, 0, colon);
	r = check_file(p, place->path);
	if (r == 0)
		r = parse_refctr(p, w->text, &offset);
	return r < 0 ? r : parse_offset(p, w->text, offset);
}

static int default_event(struct fl_parse *p)
{
	struct fl_str name = p->event->place.path;

	for (size_t i = name.n; i > 0; i--) {
		if (name.p[i - 1] == '/') {
			name = fl_str_from(name, i);
			break;
		}
	}
	name = fl_str_sub(name, 0, fl_str_any(name, ".-_"));
	return fl_default_event_raw(p, "p_%.*s_0x%" PRIx64, FL_STR_ARG(name),
				    p->event->place.offset);
}

/* Names are read only where ":" stands right behind the letter. */
static int parse_names(struct fl_parse *p, struct fl_str head, int (*otherwise)(struct fl_parse *p))
{
	int r;

	p->log.index = 0;
	if (fl_at(head, 1) == ':') {
		r = fl_parse_event_name(p, fl_str_from(head, 2), 2, &p->event->group,
					&p->event->event);
		if (r < 0)
			return r;
	}
	return p->event->event.n ? 0 : otherwise(p);
}

/* Index of the ":" before the offset, or n where the word is no place of a user probe. */
static size_t offset_colon(struct fl_str text)
{
	size_t i = text.n;

	while (i > 0 && text.p[i - 1] != ':')
		i--;
	if (i == 0 || !fl_k_isdigit(fl_at(text, i)) || !memchr(text.p, '/', text.n))
		return text.n;
	return i - 1;
}

/* The kernel looks at that one instruction alone, and not whether the one before it ends there. */
static void assume_boundary(struct fl_parse *p)
{
	const struct fl_probe_place *place = &p->event->place;

	if (fl_target_insn_boundary(p->target, place->path, place->offset) != 1)
		p->event->assumed |= FL_ASSUMED_INSN_BOUNDARY;
}

static void begin_uprobe(struct fl_parse *p)
{
	p->log.subsystem = "trace_uprobe";
	p->event->kind = FL_PROBE_UPROBE;
	p->event->group = FL_STR("uprobes");
	p->event->is_return = p->log.words.w[0].text.p[0] == 'r';
}

static int end_uprobe(struct fl_parse *p, int (*otherwise)(struct fl_parse *p))
{
	struct fl_words *words = &p->log.words;
	int r = parse_names(p, words->w[0].text, otherwise);

	p->at = FL_AT_USER | (p->event->is_return ? FL_AT_RETURN : 0);
	if (r == 0)
		r = fl_parse_args(p, &(struct fl_words){ words->w + 2, words->n - 2 });
	if (r == 0)
		r = fl_register_uprobe(p);
	return r;
}

int fl_check_uprobe(struct fl_parse *p)
{
	struct fl_words *words = &p->log.words;
	struct fl_str head = words->w[0].text;
	size_t colon;
	int r;

	if ((head.p[0] != 'p' && head.p[0] != 'r') || words->n < 2)
		return -ECANCELED;
	begin_uprobe(p);
	r = fl_count_args(p, words->n - 2);
	if (r < 0)
		return r;
	colon = offset_colon(words->w[1].text);
	if (colon == words->w[1].text.n)
		return -ECANCELED;
	p->log.index = 1;
	r = parse_place(p, &words->w[1], colon);
	if (r == 0)
		r = end_uprobe(p, default_event);
	if (r == 0 && !(p->event->assumed & FL_ASSUMED_FILE))
		assume_boundary(p);
	return r;
}

/* ---- by name ---- */

/*
 * User code by name, which no kernel takes:
 *
 *	p|r[:[GROUP/][EVENT]] FILE:FUNCTION[+OFFSET][%return] [ARG...]
 *	p[:[GROUP/][EVENT]] FILE:sdt:PROVIDER:NAME [ARG...]
 *
 * FILE is a path, or the name of a library or program; FUNCTION may be a glob, and has colons of its own
 * (C++, Rust), so the file ends at the first colon behind which something is left and which makes a file of
 * what stands before. What comes out is the event of PATH:OFFSET, of one or many offsets.
 *
 * A marked place says where it has its arguments in the assembler's words, "-4@%edi 8@-8(%rbp) 4@$5"
 * (x86-64), "-4@w0 8@[sp, 16] 4@5" (arm64): the size, negative where it is signed, and the operand. $arg1 is
 * the first. Places with the same words are one event's, others are variants of it.
 */

static int refuse_place(struct fl_parse *p, struct fl_str at, const struct fl_buf *message, int err)
{
	char *text = fl_arena_dup(&p->event->arena, fl_buf_str(message));

	if (!text || message->error)
		return -ENOMEM;
	fl_fault(p, at.p - p->log.words.w[p->log.index].text.p, FL_FAULT_BAD_UPROBE_OFFS, at);
	p->log.entries[p->log.n - 1].message = text;
	return err;
}

/* ---- the file ---- */

static bool is_module(struct fl_parse *p, struct fl_str name)
{
	struct fl_btf *btf;

	return fl_target_module_btf(p->target, name, &btf) == 0;
}

/* 1: the file is found; 0: these words are not of user code; -errno: said. */
static int find_file(struct fl_parse *p, struct fl_str text, struct fl_str name, struct fl_buf *path)
{
	bool regular, has_slash = memchr(name.p, '/', name.n);
	int r;

	if (!has_slash && is_module(p, name))
		return 0;
	r = fl_target_user_file(p->target, name, path);
	if (r == -ENOTUNIQ) {
		_cleanup_buf_ struct fl_buf why = {};
		struct fl_str rest = fl_buf_str(path), first = {};

		fl_str_line(&rest, &first);
		fl_buf_addf(&why, "'%.*s' is %.*s or %.*s: name one of them, or its program with -p", FL_STR_ARG(name),
			    FL_STR_ARG(first), FL_STR_ARG(rest));
		return refuse_place(p, text, &why, -EINVAL);
	}
	if (r < 0 || fl_target_file(p->target, fl_buf_str(path), &regular) < 0)
		return 0;
	return regular;
}

/* Where the file's name ends, with the file: 0 where there is none. */
static int split_file(struct fl_parse *p, struct fl_str text, size_t *colon, struct fl_buf *path)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i + 1 < text.n; i++) {
		if (text.p[i] != ':')
			continue;
		fl_buf_reset(path);
		*colon = i;
		r = find_file(p, text, fl_str_sub(text, 0, i), path);
	}
	return r;
}

/* ---- the places ---- */

static bool is_alike(const struct fl_user_place *a, const struct fl_user_place *b)
{
	return a->refctr == b->refctr && fl_str_eq(a->args, b->args);
}

/* How many different words for their arguments (and counters) the places have; those of variant @wanted are kept. */
static size_t keep_variant(struct fl_user_places *places, size_t wanted)
{
	size_t n = 0, kept = 0;
	struct fl_user_place mine = places->v[0];

	for (size_t i = 0; i < places->n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = is_alike(&places->v[k], &places->v[i]);
		if (!seen && n++ == wanted)
			mine = places->v[i];
	}
	for (size_t i = 0; i < places->n; i++)
		if (is_alike(&places->v[i], &mine))
			places->v[kept++] = places->v[i];
	places->n = kept;
	return n;
}

static int place_name(struct fl_parse *p, const struct fl_user_place *place, uint64_t offset, struct fl_str *ret)
{
	_cleanup_buf_ struct fl_buf name = {};

	fl_buf_add_str(&name, place->name);
	if (offset)
		fl_buf_addf(&name, "+0x%lx", (unsigned long)offset);
	ret->p = fl_arena_dup(&p->event->arena, fl_buf_str(&name));
	ret->n = name.len;
	return name.error || !ret->p ? -ENOMEM : 0;
}

static int keep_places(struct fl_parse *p, const struct fl_user_places *places, uint64_t offset)
{
	struct fl_probe_place *place = &p->event->place;

	place->offsets = fl_arena_array(&p->event->arena, places->n, sizeof(*place->offsets));
	place->names = fl_arena_array(&p->event->arena, places->n, sizeof(*place->names));
	if (!place->offsets || !place->names)
		return -ENOMEM;
	for (size_t i = 0; i < places->n; i++) {
		place->offsets[i] = places->v[i].offset + offset;
		if (place_name(p, &places->v[i], offset, &place->names[i]) < 0)
			return -ENOMEM;
	}
	place->nr_offsets = places->n;
	place->offset = place->offsets[0];
	place->refctr = places->v[0].refctr;
	place->has_refctr = place->refctr;
	place->is_glob = places->is_glob;
	place->is_entry = !offset && !p->marked.p;
	place->is_fragile = !offset && places->v[0].is_fragile;
	return 0;
}

/* What code the loader may choose is, by convention, called after what it is chosen for: __memcpy_sse2, strlen_avx2. */
static void add_choices(struct fl_parse *p, struct fl_str symbol, struct fl_buf *why)
{
	_cleanup_places_ struct fl_user_places places = {};
	_cleanup_buf_ struct fl_buf glob = {};

	fl_buf_addf(&glob, "*%.*s_*", FL_STR_ARG(symbol));
	if (fl_target_user_places(p->target, p->event->place.path, fl_buf_str(&glob), &places) < 0 || !places.n) {
		fl_buf_addz(why, ", which the symbols of its debug file would tell");
		return;
	}
	fl_buf_addf(why, ", one of '%s':", fl_buf_z(&glob));
	for (size_t i = 0, n = 0; i < places.n && n < 3; i++)
		if (!places.v[i].is_chosen)
			fl_buf_addf(why, "%s %.*s", n++ ? "," : "", FL_STR_ARG(places.v[i].name));
}

static int no_place(struct fl_parse *p, struct fl_str at, struct fl_str symbol, int err)
{
	struct fl_str path = p->event->place.path;
	_cleanup_buf_ struct fl_buf why = {}, near = {};

	if (err == -EOPNOTSUPP) {
		fl_buf_addf(&why, "'%.*s' is chosen when the program is loaded (IFUNC): name what it becomes",
			    FL_STR_ARG(symbol));
		if (!fl_is_glob(symbol))
			add_choices(p, symbol, &why);
	} else if (err == -ENOENT && fl_str_starts(symbol, "sdt:")) {
		fl_buf_addf(&why, "%.*s has no marked place '%.*s'", FL_STR_ARG(path),
			    FL_STR_ARG(fl_str_from(symbol, 4)));
	} else if (err == -ENOENT) {
		fl_buf_addf(&why, "%.*s has no function '%.*s' (it %s)", FL_STR_ARG(path), FL_STR_ARG(symbol),
			    fl_target_user_inlined(p->target, path, symbol) ? "is inlined" : "may be inlined");
		if (!fl_is_glob(symbol))
			fl_target_near_function(p->target, path, symbol, &near);
		if (near.len)
			fl_buf_addf(&why, ": did you mean '%.*s'?", FL_STR_ARG(fl_buf_str(&near)));
	} else if (err == -EINVAL) {
		fl_buf_addf(&why, "%.*s is no whole program of 64 bits: a place in it is named by its offset",
			    FL_STR_ARG(path));
	} else {
		fl_buf_addf(&why, "%.*s cannot be read: %s", FL_STR_ARG(path), fl_errno_name(err));
	}
	return refuse_place(p, at, &why, err == -ENOENT ? -ENOENT : -EINVAL);
}

static const char *why_not(const struct fl_user_place *place)
{
	return place->is_chosen ? "what it becomes is chosen when the program is loaded (IFUNC)" :
	       place->is_fragile ? "an EVEX instruction, which uprobes may spoil" : NULL;
}

/* Of a glob, what would do harm, or is no code, is left out; a name is refused later, where it is not forced. */
static int leave_out(struct fl_parse *p, struct fl_user_places *places)
{
	_cleanup_buf_ struct fl_buf out = {};
	size_t n = 0;

	for (size_t i = 0; i < places->n; i++) {
		const char *why = places->is_glob ? why_not(&places->v[i]) : NULL;

		if (why)
			fl_buf_addf(&out, "%.*s: %s\n", FL_STR_ARG(places->v[i].name), why);
		else
			places->v[n++] = places->v[i];
	}
	places->n = n;
	p->event->place.left_out = fl_str_n(fl_arena_dup(&p->event->arena, fl_buf_str(&out)), out.len);
	return out.error || !p->event->place.left_out.p ? -ENOMEM : n ? 0 : -ENOENT;
}

/* FUNCTION["+"OFFSET]: a function of an assembler's may have a plus in its name, so the number decides. */
static int cut_offset(struct fl_str *symbol, uint64_t *ret)
{
	const char *plus = symbol->n ? memrchr(symbol->p, '+', symbol->n) : NULL;
	size_t at = plus ? (size_t)(plus - symbol->p) : symbol->n;

	*ret = 0;
	if (!plus || !fl_k_isdigit(fl_at(*symbol, at + 1)) || fl_kstrtoul(fl_str_from(*symbol, at + 1), 0, ret) < 0)
		return 0;
	*symbol = fl_str_sub(*symbol, 0, at);
	return 0;
}

static int find_places(struct fl_parse *p, struct fl_str symbol, uint64_t offset)
{
	_cleanup_places_ struct fl_user_places places = {};
	int r = fl_target_user_places(p->target, p->event->place.path, symbol, &places);

	if (r == 0)
		r = leave_out(p, &places);
	if (r < 0)
		return r == -ENOMEM ? r : no_place(p, symbol, symbol, r);
	if (fl_str_starts(symbol, "sdt:")) {
		char *args;

		p->nr_variants = keep_variant(&places, p->variant);
		args = fl_arena_dup(&p->event->arena, places.v[0].args);
		if (!args)
			return -ENOMEM;
		p->marked = fl_str(args);
	}
	return keep_places(p, &places, offset);
}

static int parse_named_place(struct fl_parse *p, const struct fl_word *w, size_t colon, const struct fl_buf *path)
{
	struct fl_probe_place *place = &p->event->place;
	struct fl_str symbol = fl_str_from(w->text, colon + 1);
	size_t percent = fl_k_find(symbol, '%', 0);
	uint64_t offset;
	char *file = fl_arena_dup(&p->event->arena, fl_buf_str(path));

	if (!file)
		return -ENOMEM;
	place->span = w->span;
	place->path = fl_str(file);
	if (percent < symbol.n && !fl_str_is(fl_str_from(symbol, percent), "%return"))
		return fl_fault(p, (long)(colon + 1 + percent), FL_FAULT_BAD_ADDR_SUFFIX, fl_str_from(symbol, percent));
	p->event->is_return |= percent < symbol.n;
	symbol = fl_str_sub(symbol, 0, percent);
	cut_offset(&symbol, &offset);
	place->symbol = symbol;
	if (p->event->is_return && (offset || fl_str_starts(symbol, "sdt:")))
		return fl_fault(p, (long)(colon + 1), FL_FAULT_BAD_ADDR_SUFFIX, fl_str_from(w->text, colon + 1));
	return find_places(p, symbol, offset);
}

/* The name, without what no event's name may have, and the offset as kprobes have it. */
static int default_named_event(struct fl_parse *p)
{
	const struct fl_probe_place *place = &p->event->place;
	struct fl_str name = place->symbol;
	int r;

	if (fl_str_starts(name, "sdt:"))
		return fl_default_event(p, "%.*s", FL_STR_ARG(fl_str_from(name, 4)));
	r = fl_default_event(p, "%c_%.*s_0", p->event->is_return ? 'r' : 'p', FL_STR_ARG(name));
	return r;
}

int fl_check_named_user(struct fl_parse *p)
{
	struct fl_words *words = &p->log.words;
	_cleanup_buf_ struct fl_buf path = {};
	struct fl_str text;
	size_t colon;
	int r;

	if ((words->w[0].text.p[0] != 'p' && words->w[0].text.p[0] != 'r') || words->n < 2 ||
	    !fl_target_has_code(p->target))
		return -ECANCELED;
	text = words->w[1].text;
	p->log.subsystem = "trace_uprobe";
	p->log.index = 1;
	r = split_file(p, text, &colon, &path);
	if (r <= 0 || fl_k_isdigit(fl_at(text, colon + 1)))
		return r < 0 ? r : -ECANCELED;
	begin_uprobe(p);
	r = fl_count_args(p, words->n - 2);
	if (r == 0)
		r = parse_named_place(p, &words->w[1], colon, &path);
	return r < 0 ? r : end_uprobe(p, default_named_event);
}

/* ---- types ---- */

int fl_query_user_proto(struct fl_parse *p)
{
	const struct fl_probe_place *place = &p->event->place;
	struct fl_user_param *params;
	struct fl_type func;
	int r;

	if (p->marked.p)
		return -ENOENT;
	params = fl_arena_array(&p->event->arena, FL_USER_PARAMS_MAX, sizeof(*params));
	if (!params)
		return -ENOMEM;
	r = fl_target_user_func(p->target, place->path, place->offset, place->symbol, params, &func);
	if (r < 0)
		return r;
	p->user_params = params;
	p->proto = fl_type_kind(func) == BTF_KIND_FUNC ? fl_type_target(func) : func;
	p->nr_params = FL_MIN(fl_type_nr_params(p->proto), (uint32_t)FL_USER_PARAMS_MAX);
	return 0;
}

int fl_load_user_param(struct fl_parse *p, struct fl_str name, uint32_t i)
{
	const struct fl_user_param *param = &p->user_params[i];
	_cleanup_buf_ struct fl_buf why = {};

	if (p->event->is_return)
		return fl_fault(p, p->offset, FL_FAULT_NOFENTRY_ARGS, name);
	if (param->place == FL_USER_GONE) {
		fl_buf_addf(&why, "'%.*s' is in no register that can be read when the function begins",
			    FL_STR_ARG(name));
		return refuse_place(p, name, &why, -EINVAL);
	}
	*fl_insn(p) = (struct fl_fetch_insn){
		.op = param->place == FL_USER_REG ? FL_FETCH_REG : FL_FETCH_ARG, .param = param->number,
	};
	return 0;
}

struct fl_type fl_find_user_struct(struct fl_parse *p, struct fl_str name)
{
	struct fl_type t = FL_TYPE_NONE;

	if (!name.n || fl_target_user_type(p->target, p->event->place.path, name, &t) < 0)
		return FL_TYPE_NONE;
	return t;
}

/* ---- arguments of marked places ---- */

/* Operand @n of "SIZE@OPERAND SIZE@OPERAND", where arm64's "[sp, 16]" has a blank in it. */
static bool operand(struct fl_str args, uint64_t n, struct fl_str *ret)
{
	for (;;) {
		size_t end = 0;
		int depth = 0;

		args = fl_str_trim(args);
		while (end < args.n && (depth > 0 || args.p[end] != ' ')) {
			depth += args.p[end] == '[' ? 1 : args.p[end] == ']' ? -1 : 0;
			end++;
		}
		if (!end)
			return false;
		*ret = fl_str_sub(args, 0, end);
		args = fl_str_from(args, end);
		if (--n == 0)
			return true;
	}
}

/* The 64-bit register's name in the kernel's words: "%edi", "%dil" and "%rdi" are "di", "w3" is "x3". */
static const struct fl_reg *find_register(const struct fl_arch *arch, struct fl_str name)
{
	static const struct {
		const char *name, *whole;
	} pieces[] = {
		{ "al", "ax" }, { "bl", "bx" }, { "cl", "cx" }, { "dl", "dx" },
		{ "sil", "si" }, { "dil", "di" }, { "bpl", "bp" }, { "spl", "sp" },
	};
	const struct fl_reg *reg;
	char text[8] = "";

	if (fl_at(name, 0) == '%')
		name = fl_str_from(name, 1);
	reg = fl_arch_reg(arch, name);
	if (reg || name.n < 2 || name.n >= sizeof(text))
		return reg;
	for (size_t i = 0; i < FL_ARRAY_SIZE(pieces); i++)
		if (fl_str_is(name, pieces[i].name))
			return fl_arch_reg(arch, fl_str(pieces[i].whole));
	memcpy(text, name.p, name.n);
	if (text[0] == 'w') { /* arm64 */
		text[0] = 'x';
		return fl_arch_reg(arch, fl_str(text));
	}
	if (text[0] == 'r' && fl_k_isdigit(text[1])) /* r8d, r10w */
		return fl_arch_reg(arch, fl_str_n(text, name.n - 1));
	return fl_arch_reg(arch, fl_str_from(fl_str(text), 1)); /* rdi, edi */
}

/* "-8(%rbp)", "(%rax)", "[x29, 16]" */
static int memory(struct fl_parse *p, struct fl_str text, const struct fl_reg **reg, int64_t *offset)
{
	const struct fl_arch *arch = fl_target_arch(p->target);
	struct fl_str number, name;
	size_t comma;

	if (fl_at(text, 0) == '[') {
		text = fl_str_sub(text, 1, text.n - 2);
		comma = fl_str_find(text, ',', 0);
		name = fl_str_sub(text, 0, comma);
		number = fl_str_trim(fl_str_from(text, comma + 1));
	} else {
		size_t open = fl_str_find(text, '(', 0);

		number = fl_str_sub(text, 0, open);
		name = fl_str_from(text, open + 1);
		name = fl_str_sub(name, 0, fl_str_find(name, ')', 0));
	}
	*reg = find_register(arch, name);
	*offset = 0;
	if (!*reg)
		return -EINVAL;
	if (!number.n)
		return 0;
	if (number.p[0] == '-')
		return fl_kstrtol_negative(fl_str_from(number, 1), 0, offset);
	return fl_kstrtol(number, 0, offset);
}

static int load_register(struct fl_parse *p, const struct fl_reg *reg)
{
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_REG, .param = reg->offset };
	return 0;
}

static int load_operand(struct fl_parse *p, struct fl_str text)
{
	const struct fl_reg *reg = find_register(fl_target_arch(p->target), text);
	struct fl_str number = fl_at(text, 0) == '$' ? fl_str_from(text, 1) : text;
	int64_t value;
	int r;

	if (reg)
		return load_register(p, reg);
	r = fl_at(number, 0) == '-' ? fl_kstrtol_negative(fl_str_from(number, 1), 0, &value) :
				      fl_kstrtol(number, 0, &value);
	if (r == 0) {
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_IMM, .imm = (uint64_t)value };
		return 0;
	}
	r = memory(p, text, &reg, &value);
	if (r < 0)
		return r;
	load_register(p, reg);
	r = fl_next_insn(p, text);
	if (r == 0)
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_DEREF, .offset = (int32_t)value };
	return r;
}

int fl_parse_marked_arg(struct fl_parse *p, struct fl_str text, uint64_t n)
{
	static const struct {
		const char *size, *type;
	} types[] = {
		{ "1", "u8" }, { "2", "u16" }, { "4", "u32" }, { "8", "u64" },
		{ "-1", "s8" }, { "-2", "s16" }, { "-4", "s32" }, { "-8", "s64" },
	};
	_cleanup_buf_ struct fl_buf why = {};
	struct fl_str arg, size;
	size_t at;
	int r;

	if (!operand(p->marked, n, &arg)) {
		fl_buf_addf(&why, "the marked place has no argument %lu: it has '%.*s'", (unsigned long)n,
			    FL_STR_ARG(p->marked));
		return refuse_place(p, text, &why, -EINVAL);
	}
	at = fl_str_find(arg, '@', 0);
	size = fl_str_sub(arg, 0, at);
	for (size_t i = 0; i < FL_ARRAY_SIZE(types); i++)
		if (fl_str_is(size, types[i].size))
			p->marked_type = types[i].type;
	r = at < arg.n ? load_operand(p, fl_str_from(arg, at + 1)) : -EINVAL;
	if (r == -EINVAL || r == -ERANGE) {
		fl_buf_addf(&why, "the marked place's argument %lu, '%.*s', is nothing that can be fetched",
			    (unsigned long)n, FL_STR_ARG(arg));
		return refuse_place(p, text, &why, -EINVAL);
	}
	return r;
}
