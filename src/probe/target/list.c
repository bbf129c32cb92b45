/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/list.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/util.h"

#define FLUSH_AT  65536
#define BTF_TRACE "btf_trace_" /* a typedef of that name for each tracepoint */

static const char *const kind_names[_FL_LIST_MAX] = {
	[FL_LIST_FUNCTIONS] = "functions",
	[FL_LIST_TRACEPOINTS] = "tracepoints",
	[FL_LIST_TYPES] = "types",
};

/* One thing that was found; functions without types have a symbol alone. */
struct row {
	struct fl_str name, module;
	struct fl_type type;
	uint64_t addr;
	uint32_t addresses; /* how many symbols have that name */
};

struct list {
	struct fl_target *target;
	struct fl_str glob;
	bool json;
	fl_list_fn fn;
	void *ctx;
	struct fl_buf out;
	size_t count;

	struct row *rows;
	size_t nr_rows, cap;
	struct fl_map by_name; /* "MODULE:NAME" of rows, and ":NAME" of tracepoints, seen so far */
	struct fl_arena arena;
};

int fl_list_kind_parse(struct fl_str name, enum fl_list_kind *ret)
{
	for (size_t i = 0; i < _FL_LIST_MAX; i++) {
		if (!fl_str_is(name, kind_names[i]))
			continue;
		*ret = i;
		return 0;
	}
	return -EINVAL;
}

const char *fl_list_kind_name(enum fl_list_kind kind)
{
	return kind_names[kind];
}

/* ---- rows ---- */

static struct row *add_row(struct list *l)
{
	if (l->nr_rows == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1024;
		struct row *rows = reallocarray(l->rows, cap, sizeof(*rows));

		if (!rows)
			return NULL;
		l->rows = rows;
		l->cap = cap;
	}
	l->rows[l->nr_rows] = (struct row){};
	return &l->rows[l->nr_rows++];
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = fl_str_cmp(x->name, y->name);

	return r ?: fl_str_cmp(x->module, y->module);
}

static struct fl_str module_of(const struct fl_btf *btf)
{
	return fl_btf_base(btf) ? fl_str(fl_btf_name(btf)) : FL_STR("");
}

static int collect_type(void *ctx, struct fl_type t)
{
	struct list *l = ctx;
	struct row *row = fl_type_name(t).n ? add_row(l) : NULL;

	if (!row)
		return fl_type_name(t).n ? -ENOMEM : 0;
	row->name = fl_type_name(t);
	row->module = module_of(t.btf);
	row->type = t;
	return 0;
}

static int collect_functions(void *ctx, struct fl_btf *btf)
{
	struct list *l = ctx;

	return fl_btf_each(btf, l->glob, FL_KIND(BTF_KIND_FUNC), collect_type, l);
}

#define LISTED_TYPES                                                                               \
	(FL_KIND(BTF_KIND_STRUCT) | FL_KIND(BTF_KIND_UNION) | FL_KIND(BTF_KIND_ENUM) |             \
	 FL_KIND(BTF_KIND_ENUM64) | FL_KIND(BTF_KIND_TYPEDEF))

static int collect_types(void *ctx, struct fl_btf *btf)
{
	struct list *l = ctx;

	return fl_btf_each(btf, l->glob, LISTED_TYPES, collect_type, l);
}

/* ---- symbols beside functions ---- */

static struct fl_map_entry *entry_of(struct list *l, struct fl_str module, struct fl_str name)
{
	_cleanup_buf_ struct fl_buf key = {};

	fl_buf_add_str(&key, module);
	fl_buf_addc(&key, ':');
	fl_buf_add_str(&key, name);
	if (fl_map_get(&l->by_name, fl_buf_str(&key)))
		return fl_map_get(&l->by_name, fl_buf_str(&key));
	return fl_map_put(&l->by_name, fl_str(fl_arena_dup(&l->arena, fl_buf_str(&key)) ?: ""), NULL);
}

/* Code that can be called: not the padding in front of functions, nor what is no kernel's text. */
static bool is_function(const struct fl_ksym *sym)
{
	return strchr("tTwW", sym->type) && !fl_str_starts(sym->name, "__pfx_") &&
	       !fl_str_starts(sym->name, "__cfi_") && !fl_str_is(sym->module, "bpf") &&
	       !fl_str_starts(sym->module, "__builtin__");
}

/* Counts a symbol at its function; one that has no types is a row of its own. */
static int collect_symbol(void *ctx, const struct fl_ksym *sym)
{
	struct list *l = ctx;
	struct fl_map_entry *e;
	struct row *row;

	if (!is_function(sym))
		return 0;
	e = entry_of(l, sym->module, sym->name);
	if (!e)
		return -ENOMEM;
	if (!e->num) {
		row = add_row(l);
		if (!row)
			return -ENOMEM;
		row->name = sym->name;
		row->module = sym->module;
		e->num = l->nr_rows;
	}
	row = &l->rows[e->num - 1];
	if (!row->addresses++)
		row->addr = sym->addr;
	return 0;
}

static int collect_symbols(struct list *l)
{
	struct fl_ksyms *k;

	int r = fl_target_ksyms(l->target, &k);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l->nr_rows; i++) {
		struct fl_map_entry *e = entry_of(l, l->rows[i].module, l->rows[i].name);

		if (!e)
			return -ENOMEM;
		if (!e->num)
			e->num = i + 1;
	}
	return fl_ksyms_each(k, l->glob, collect_symbol, l);
}

/* ---- output ---- */

static int emit(struct list *l, bool last)
{
	int r;

	if (l->out.error)
		return l->out.error;
	if (!l->out.len || (!last && l->out.len < FLUSH_AT))
		return 0;
	r = l->fn(l->ctx, &l->out);
	fl_buf_reset(&l->out);
	return r;
}

static void json_str(struct fl_buf *out, const char *key, struct fl_str s)
{
	if (s.n)
		fl_json_str(out, key, s);
	else
		fl_json_null(out, key);
}

static void json_type(struct fl_buf *out, const char *key, struct fl_type t)
{
	_cleanup_buf_ struct fl_buf text = {};

	fl_type_print(t, FL_STR(""), &text);
	fl_json_buf(out, key, &text);
}

/* Parameters from @first on. */
static void json_args(struct fl_buf *out, struct fl_type func, uint32_t first)
{
	struct fl_param p;

	fl_json_open(out, "args", '[');
	for (uint32_t i = first; fl_type_param(func, i, &p); i++) {
		fl_json_open(out, NULL, '{');
		json_str(out, "name", p.name);
		if (fl_type_is_void(p.type))
			fl_json_strz(out, "type", "...");
		else
			json_type(out, "type", p.type);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
}

static void json_end(struct fl_buf *out)
{
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void json_address(struct fl_buf *out, uint64_t addr)
{
	_cleanup_buf_ struct fl_buf text = {};

	fl_buf_add_hex(&text, addr);
	fl_json_buf(out, "address", &text);
}

static void function_json(const struct row *row, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_str(out, "name", row->name);
	json_str(out, "module", row->module);
	if (fl_type_ok(row->type)) {
		json_type(out, "returns", fl_type_return(row->type));
		json_args(out, row->type, 0);
	} else {
		fl_json_null(out, "returns");
		fl_json_null(out, "args");
	}
	fl_json_u64(out, "symbols", row->addresses);
	if (row->addr) /* as text: more bits than a JSON number is sure to keep */
		json_address(out, row->addr);
	else
		fl_json_null(out, "address");
	json_end(out);
}

static void add_module(struct fl_buf *out, struct fl_str module)
{
	if (module.n)
		fl_buf_addf(out, " [%.*s]", FL_STR_ARG(module));
}

static void function_text(const struct row *row, bool symbols, struct fl_buf *out)
{
	if (fl_type_ok(row->type))
		fl_type_print_func(row->type, out);
	else
		fl_buf_add_str(out, row->name);
	add_module(out, row->module);
	if (!fl_type_ok(row->type))
		fl_buf_addz(out, " (no types)");
	else if (symbols && !row->addresses)
		fl_buf_addz(out, " (no symbol)");
	if (row->addresses > 1)
		fl_buf_addf(out, " (%u symbols of that name)", row->addresses);
	fl_buf_addc(out, '\n');
}

static void members_json(struct fl_type t, struct fl_buf *out)
{
	struct fl_member m;

	fl_json_open(out, "members", '[');
	for (uint32_t i = 0; fl_type_member(t, i, &m); i++) {
		fl_json_open(out, NULL, '{');
		json_str(out, "name", m.name);
		json_type(out, "type", m.type);
		fl_json_u64(out, "offset", m.bit_offset / 8);
		fl_json_u64(out, "bit", m.bit_offset % 8);
		fl_json_u64(out, "bits", m.bits);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
}

static void values_json(struct fl_type t, struct fl_buf *out)
{
	struct fl_enum_value v;

	fl_json_open(out, "values", '[');
	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++) {
		fl_json_open(out, NULL, '{');
		fl_json_str(out, "name", v.name);
		if (fl_type_enum_signed(t))
			fl_json_s64(out, "value", v.value);
		else
			fl_json_u64(out, "value", v.value);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
}

static void type_json(const struct row *row, struct fl_buf *out)
{
	unsigned int kind = fl_type_kind(row->type);
	uint64_t size;

	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "kind", kind == BTF_KIND_ENUM64 ? "enum" : fl_kind_name(kind));
	fl_json_str(out, "name", row->name);
	json_str(out, "module", row->module);
	if (fl_type_size(row->type, &size) == 0)
		fl_json_u64(out, "size", size);
	else
		fl_json_null(out, "size");
	if (kind == BTF_KIND_TYPEDEF)
		json_type(out, "target", fl_type_target(row->type));
	else if (fl_kind_is_struct(kind))
		members_json(row->type, out);
	else
		values_json(row->type, out);
	json_end(out);
}

/* A name is asked for whole; a pattern gives a line for each. */
static void type_text(const struct list *l, const struct row *row, struct fl_buf *out)
{
	unsigned int kind = fl_type_kind(row->type);
	uint64_t size;

	if (fl_str_eq(l->glob, row->name) || kind == BTF_KIND_TYPEDEF) {
		if (row->module.n)
			fl_buf_addf(out, "/* module %.*s */\n", FL_STR_ARG(row->module));
		fl_type_print_def(row->type, out);
		return;
	}
	fl_type_print(row->type, FL_STR(""), out);
	add_module(out, row->module);
	fl_buf_addf(out, " (%u %s", fl_type_vlen(row->type),
		    fl_kind_is_struct(kind) ? "members" : "values");
	if (fl_type_size(row->type, &size) == 0)
		fl_buf_addf(out, ", %llu bytes", (unsigned long long)size);
	fl_buf_addz(out, ")\n");
}

/* ---- tracepoints ---- */

static void fields_json(const struct fl_format *f, struct fl_buf *out)
{
	fl_json_open(out, "fields", '[');
	for (size_t i = 0; i < f->nr_fields; i++) {
		const struct fl_field *field = &f->fields[i];

		if (field->is_common)
			continue;
		fl_json_open(out, NULL, '{');
		fl_json_str(out, "name", field->name);
		fl_json_str(out, "type", field->type);
		fl_json_u64(out, "offset", field->offset);
		fl_json_u64(out, "size", field->size);
		fl_json_bool(out, "signed", field->is_signed);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
}

static void fields_text(const struct fl_format *f, struct fl_buf *out)
{
	bool first = true;

	for (size_t i = 0; i < f->nr_fields; i++) {
		const struct fl_field *field = &f->fields[i];

		if (field->is_common)
			continue;
		fl_buf_addz(out, first ? "\t" : " ");
		first = false;
		fl_buf_addf(out, "%.*s %.*s", FL_STR_ARG(field->type), FL_STR_ARG(field->name));
		if (field->is_array && field->loc == FL_FIELD_INLINE)
			fl_buf_addf(out, "[%u]", field->array_len);
		fl_buf_addc(out, ';');
	}
	if (!first)
		fl_buf_addc(out, '\n');
}

/* The prototype without the hidden first parameter. */
static void tracepoint_args(struct fl_type func, struct fl_buf *out)
{
	struct fl_param p;

	fl_buf_addc(out, '(');
	for (uint32_t i = 1; fl_type_param(func, i, &p); i++) {
		if (i > 1)
			fl_buf_addz(out, ", ");
		fl_type_print(p.type, p.name, out);
	}
	fl_buf_addc(out, ')');
}

static void tracepoint_json(struct list *l, struct fl_str system, struct fl_str name,
			    struct fl_type func, const struct fl_format *f)
{
	fl_json_open(&l->out, NULL, '{');
	json_str(&l->out, "system", system);
	fl_json_str(&l->out, "name", name);
	if (fl_type_ok(func))
		json_args(&l->out, func, 1);
	else
		fl_json_null(&l->out, "args");
	if (f)
		fields_json(f, &l->out);
	else
		fl_json_null(&l->out, "fields");
	json_end(&l->out);
}

static void tracepoint_text(struct list *l, struct fl_str system, struct fl_str name,
			    struct fl_type func, const struct fl_format *f)
{
	if (system.n)
		fl_buf_addf(&l->out, "%.*s/", FL_STR_ARG(system));
	fl_buf_add_str(&l->out, name);
	if (fl_type_ok(func))
		tracepoint_args(func, &l->out);
	fl_buf_addc(&l->out, '\n');
	if (f)
		fields_text(f, &l->out);
}

static int list_event(void *ctx, struct fl_str system, struct fl_str event)
{
	struct list *l = ctx;
	struct fl_type func = fl_target_tracepoint(l->target, event);
	const struct fl_format *f = NULL;
	struct fl_map_entry *e;

	fl_target_format(l->target, system, event, &f);
	if (!f && !fl_type_ok(func))
		return 0; /* a folder that is no event */
	e = entry_of(l, FL_STR(""), event);
	if (!e)
		return -ENOMEM;
	e->num = ++l->count;
	if (l->json)
		tracepoint_json(l, system, event, func, f);
	else
		tracepoint_text(l, system, event, func, f);
	return emit(l, false);
}

/* A tracepoint without an event: t probes find it, tracefs does not show it. */
static int list_bare_tracepoint(void *ctx, struct fl_type t)
{
	struct list *l = ctx;
	struct fl_str name = fl_str_from(fl_type_name(t), strlen(BTF_TRACE));
	struct fl_type func = fl_target_tracepoint(l->target, name);
	struct fl_map_entry *e = entry_of(l, FL_STR(""), name);

	if (!e)
		return -ENOMEM;
	if (e->num || !fl_type_ok(func) || !fl_str_glob(l->glob, name))
		return 0;
	e->num = ++l->count;
	if (l->json)
		tracepoint_json(l, FL_STR(""), name, func, NULL);
	else
		tracepoint_text(l, FL_STR(""), name, func, NULL);
	return emit(l, false);
}

static int list_bare_tracepoints(void *ctx, struct fl_btf *btf)
{
	return fl_btf_each(btf, FL_STR(BTF_TRACE "*"), FL_KIND(BTF_KIND_TYPEDEF),
			   list_bare_tracepoint, ctx);
}

/* ---- the three lists ---- */

static int list_rows(struct list *l, bool functions)
{
	struct fl_ksyms *k;
	bool symbols = functions && fl_target_ksyms(l->target, &k) == 0;
	int r = 0;

	if (l->nr_rows)
		qsort(l->rows, l->nr_rows, sizeof(*l->rows), compare_rows);
	for (size_t i = 0; i < l->nr_rows && r == 0; i++) {
		const struct row *row = &l->rows[i];

		if (functions && l->json)
			function_json(row, &l->out);
		else if (functions)
			function_text(row, symbols, &l->out);
		else if (l->json)
			type_json(row, &l->out);
		else
			type_text(l, row, &l->out);
		l->count++;
		r = emit(l, false);
	}
	return r;
}

/* From types, from symbols, or from both. */
static int list_functions(struct list *l)
{
	struct fl_btf *btf;
	int types = fl_target_btf(l->target, &btf), r;

	if (types == 0)
		types = fl_target_each_btf(l->target, collect_functions, l);
	r = collect_symbols(l);
	if (r == -ENOMEM || types == -ENOMEM)
		return -ENOMEM;
	if (r < 0 && types < 0)
		return types;
	return list_rows(l, true);
}

/* Events first, then tracepoints that have none; either may be missing, but not both. */
static int list_tracepoints(struct list *l)
{
	int events = fl_target_each_event(l->target, l->glob, list_event, l), r;
	struct fl_btf *btf;

	if (events < 0 && events != -ENOENT && events != -EACCES)
		return events;
	r = fl_target_btf(l->target, &btf);
	if (r < 0)
		return events < 0 ? r : 0;
	return fl_target_each_btf(l->target, list_bare_tracepoints, l);
}

static int list_types(struct list *l)
{
	struct fl_btf *btf;
	int r = fl_target_btf(l->target, &btf);

	if (r == 0)
		r = fl_target_each_btf(l->target, collect_types, l);
	return r < 0 ? r : list_rows(l, false);
}

int fl_list(struct fl_target *t, enum fl_list_kind kind, struct fl_str glob, bool json,
	    fl_list_fn fn, void *ctx, size_t *ret_count)
{
	struct list l = { .target = t, .glob = glob, .json = json, .fn = fn, .ctx = ctx };
	int r;

	switch (kind) {
	case FL_LIST_FUNCTIONS:
		r = list_functions(&l);
		break;
	case FL_LIST_TRACEPOINTS:
		r = list_tracepoints(&l);
		break;
	default:
		r = list_types(&l);
	}
	if (r == 0)
		r = emit(&l, true);
	fl_buf_fini(&l.out);
	fl_map_fini(&l.by_name);
	fl_arena_fini(&l.arena);
	free(l.rows);
	if (r < 0)
		return r;
	*ret_count = l.count;
	return 0;
}
