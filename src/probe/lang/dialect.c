/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a kernel that nobody has written a row for: its tracefs README names what its definitions
 * can say, and its BTF holds the parser's own enumerators, one for each complaint (TP_ERR_*) and for each
 * instruction of a fetch program (FETCH_OP_*). A kernel that can complain of per-CPU accesses in user
 * probes refuses them; one without that complaint does not. What neither shows is taken from the row that
 * is nearest, and said to be.
 */
#include "probe/lang/dialect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "probe/target/target.h"

const struct fl_dialect_rules fl_dialects[_FL_DIALECT_MAX] = {
#define DIALECT(id, ...) [FL_DIALECT_##id] = { __VA_ARGS__ },
#include "probe/lang/dialects.def"
};

int fl_dialect_parse(const char *name, enum fl_dialect *ret)
{
	for (int d = 0; d < _FL_DIALECT_MAX; d++) {
		const char *alias = fl_dialects[d].alias;

		if (!fl_dialects[d].name)
			continue;
		if (strcmp(fl_dialects[d].name, name) == 0 || (alias && strcmp(alias, name) == 0)) {
			*ret = d;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- a kernel's own ---- */

/* Enumerators and functions of the parser, and of the filters', that say something about its rules. */
#define MARKS(M)                                                                                   \
	M(TP_ERR_NO_BTF_FIELD) M(TP_ERR_NO_TRACEPOINT) M(TP_ERR_TOO_MANY_ARGS)                     \
	M(TP_ERR_TOO_MANY_EARGS) M(TP_ERR_TYPECAST_BAD_ARROW) M(TP_ERR_NOSUP_PERCPU)               \
	M(TP_ERR_NO_EVENT_FIELD) M(TP_ERR_TYPECAST_SYM_OFFSET) M(TP_ERR_NEED_STRING_TYPE)          \
	M(FILT_ERR_MISSING_BRACE_OPEN) M(FILT_ERR_NO_FUNCTION) M(FETCH_OP_IMMSTR)                  \
	M(print_type_char) M(traceprobe_expand_dentry_args)

enum mark {
#define MARK(name) MARK_##name,
	MARKS(MARK)
#undef MARK
	NR_MARKS,
};

static const char *const mark_names[] = {
#define MARK(name) #name,
	MARKS(MARK)
#undef MARK
};

/* Rules that no README and no enumerator shows. */
const char *const fl_dialect_unshown[] = { "max_body", "reg_ends_there", "fprobe_maxactive",
					   "fprobe_checked_first", "meta_args_need_btf", "logs_no_kind",
					   "glob_needs_function", "user_symbols", "event_vars_last",
					   "columns_return", "symbol_errnos", "long_arg_einval",
					   "maxactive_on_kprobe", NULL };

static void look_at_name(struct fl_str name, bool *marks)
{
	for (int m = 0; m < NR_MARKS; m++)
		marks[m] |= fl_str_is(name, mark_names[m]);
}

static bool is_parsers(struct fl_str name)
{
	return fl_str_starts(name, "TP_ERR_") || fl_str_starts(name, "FETCH_OP_") ||
	       fl_str_starts(name, "FILT_ERR_");
}

static void look_at_enum(struct fl_type t, bool *marks)
{
	struct fl_enum_value v;

	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++) {
		if (i == 0 && !is_parsers(v.name))
			return;
		look_at_name(v.name, marks);
	}
}

/* False where the parser's enumerators are not there. */
static bool read_btf(struct fl_target *t, bool *marks)
{
	bool found = false;
	struct fl_btf *btf;

	if (fl_target_btf(t, &btf) < 0)
		return false;
	for (uint32_t id = fl_btf_first_id(btf); id < fl_btf_end_id(btf); id++) {
		struct fl_type type = fl_btf_type(btf, id);
		struct fl_enum_value first;

		if (fl_type_kind(type) == BTF_KIND_FUNC)
			look_at_name(fl_type_name(type), marks);
		if (fl_type_kind(type) != BTF_KIND_ENUM)
			continue;
		found |= fl_type_enum_value(type, 0, &first) && fl_str_starts(first.name, "TP_ERR_");
		look_at_enum(type, marks);
	}
	return found;
}

static bool readme_says(const struct fl_buf *readme, const char *words)
{
	return memmem(readme->data, readme->len, words, strlen(words)) != NULL;
}

static void apply_btf(struct fl_dialect_rules *r, const bool *marks)
{
	bool casts = marks[MARK_TP_ERR_TYPECAST_BAD_ARROW];

	r->has_casts = casts;
	r->no_btf_args = !marks[MARK_TP_ERR_NO_BTF_FIELD];
	r->no_fprobes = !marks[MARK_TP_ERR_NO_TRACEPOINT];
	r->no_char = !marks[MARK_print_type_char];
	r->no_dentries = !marks[MARK_traceprobe_expand_dentry_args];
	r->no_cpu_lists = !marks[MARK_FILT_ERR_MISSING_BRACE_OPEN];
	r->no_filter_functions = !marks[MARK_FILT_ERR_NO_FUNCTION];
	r->mute_string_type = !marks[MARK_TP_ERR_NEED_STRING_TYPE];
	r->percpu_everywhere = casts && !marks[MARK_TP_ERR_NOSUP_PERCPU];
	r->bare_event_fields = marks[MARK_TP_ERR_NO_EVENT_FIELD];
	r->cast_symbol_alone = marks[MARK_TP_ERR_TYPECAST_SYM_OFFSET];
	r->logs_counts = marks[MARK_TP_ERR_TOO_MANY_ARGS];
	r->max_entry_args = marks[MARK_TP_ERR_TOO_MANY_EARGS] ? fl_dialects[FL_DIALECT_7_3].max_entry_args : 0;
	r->dump = marks[MARK_FETCH_OP_IMMSTR] ? FL_DUMP_7_3 : FL_DUMP_V6;
}

/* A README goes before BTF: it may have been given for a kernel whose types are another one's. */
static void apply_readme(struct fl_dialect_rules *r, const struct fl_buf *readme)
{
	r->has_casts = readme_says(readme, "[(structname");
	r->no_btf_args = !readme_says(readme, "<argname>[->field");
	r->no_fprobes = !readme_says(readme, "f[:[<group>/]");
	r->no_char = !readme_says(readme, "char");
	r->no_dentries = !readme_says(readme, "%pd/%pD");
}

/* The row that the rest is taken from. */
static enum fl_dialect nearest(bool casts, bool fprobes, bool has_btf, const bool *marks)
{
	if (!casts)
		return fprobes ? FL_DIALECT_6_12 : FL_DIALECT_6_1;
	return has_btf && !marks[MARK_TP_ERR_NOSUP_PERCPU] ? FL_DIALECT_V6 : FL_DIALECT_7_3;
}

int fl_dialect_learn(struct fl_target *t)
{
	_cleanup_buf_ struct fl_buf readme = {};
	struct fl_dialect_rules *rules;
	bool marks[NR_MARKS] = {};
	bool has_btf = read_btf(t, marks), has_readme = fl_target_readme(t, &readme) == 0;
	bool casts = has_readme ? readme_says(&readme, "[(structname")
				: marks[MARK_TP_ERR_TYPECAST_BAD_ARROW];
	bool fprobes = has_readme ? readme_says(&readme, "f[:[<group>/]") : marks[MARK_TP_ERR_NO_TRACEPOINT];

	if (!has_btf && !has_readme)
		return -ENOENT;
	rules = malloc(sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	*rules = fl_dialects[nearest(casts, fprobes, has_btf, marks)];
	if (has_btf)
		apply_btf(rules, marks);
	if (has_readme)
		apply_readme(rules, &readme);
	rules->name = fl_dialects[FL_DIALECT_KERNEL].name;
	fl_target_put_dialect(t, rules);
	return 0;
}

const struct fl_dialect_rules *fl_dialect_rules(const struct fl_target *t, enum fl_dialect dialect)
{
	const struct fl_dialect_rules *own = fl_target_dialect(t);

	return dialect == FL_DIALECT_KERNEL && own ? own : &fl_dialects[dialect];
}
