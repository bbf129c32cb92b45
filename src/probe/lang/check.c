/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "probe/lang/help.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

void fl_probe_verdict_fini(struct fl_probe_verdict *v)
{
	fl_diag_fini(&v->diag);
	fl_arena_fini(&v->arena);
	v->no_help = false;
	v->errno_value = 0;
	v->entries = NULL;
	v->nr_entries = 0;
}

/* The kinds that a control file makes events of, in the order in which they are asked. */
static int (*const checkers[][6])(struct fl_parse *p) = {
	[FL_FILE_DYNAMIC_EVENTS] = { fl_check_synth, fl_check_eprobe, fl_check_fprobe, fl_check_kprobe,
				     fl_check_uprobe },
	[FL_FILE_KPROBE_EVENTS] = { fl_check_kprobe },
	[FL_FILE_UPROBE_EVENTS] = { fl_check_uprobe },
	[FL_FILE_SYNTHETIC_EVENTS] = { fl_check_plain_synth },
};

/* $argN is the parameter, wherever that is: whoever fetches it needs the prototype, which no name has asked for. */
static void keep_proto(struct fl_parse *p)
{
	const struct fl_probe_event *e = p->event;

	if (e->func.btf || (e->kind != FL_PROBE_KPROBE && e->kind != FL_PROBE_FPROBE))
		return;
	for (size_t i = 0; i < e->nr_args; i++) {
		enum fl_fetch_op op = e->args[i].program.code[0].op;

		if (op == FL_FETCH_ARG || op == FL_FETCH_EDATA) {
			fl_query_proto(p);
			return;
		}
	}
}

/* One kind after the other, until one knows the definition; what one left behind is taken back. */
static int check_kinds(struct fl_parse *p, enum fl_probe_file file)
{
	struct fl_probe_event *e = p->event;
	int r = p->in_trace ? fl_check_named_user(p) : -ECANCELED;

	for (size_t i = 0; checkers[file][i] && r == -ECANCELED; i++) {
		if (p->rules->no_fprobes && checkers[file][i] == fl_check_fprobe)
			continue;
		if (p->log.subsystem) {
			*e = (struct fl_probe_event){ .text = e->text, .arena = e->arena };
			p->log.subsystem = NULL;
			p->log.index = 0;
			p->at = 0;
		}
		r = checkers[file][i](p);
	}
	if (r == -ECANCELED && file == FL_FILE_DYNAMIC_EVENTS && p->rules->logs_no_kind)
		fl_log_no_kind(&p->log);
	if (r == 0)
		keep_proto(p);
	return r == -ECANCELED ? -EINVAL : r;
}

static void fill_verdict(const struct fl_parse *p, int err, struct fl_probe_verdict *v)
{
	const struct fl_log_entry *last = p->log.n ? &p->log.entries[p->log.n - 1] : NULL;

	bool no_help = v->no_help;

	fl_probe_verdict_fini(v);
	v->no_help = no_help;
	v->errno_value = -err;
	v->entries = p->log.entries;
	v->nr_entries = p->log.n;
	if (last) {
		fl_diag_set(&v->diag, last->kind, last->span);
		v->diag.column = last->column;
		v->diag.text = p->event->text.p;
		v->diag.text_len = p->event->text.n;
		if (last->message)
			fl_diag_message(&v->diag, "%s", last->message);
		if (!no_help)
			fl_probe_help(p, &v->diag);
	}
	v->arena = p->event->arena;
	p->event->arena = (struct fl_arena){};
}

static int check_event(struct fl_parse *p, enum fl_probe_file file, struct fl_str def)
{
	struct fl_probe_event *e = p->event;
	char *text = fl_arena_dup(&e->arena, def);
	struct fl_event_list none = {};
	int r;

	if (!text)
		return -ENOMEM;
	e->text = fl_str_n(text, def.n);
	p->log.arena = &e->arena;
	p->log.def = e->text;
	if (def.n > FL_MAX_COMMAND || memchr(def.p, '\0', def.n))
		return -EINVAL;
	r = fl_words_split(e->text, &e->arena, &p->log.words);
	if (r < 0 || p->log.words.n == 0)
		return r;
	return fl_is_removal(file, def) ? fl_event_list_remove(&none, file, def) : check_kinds(p, file);
}

static int check(struct fl_parse *p, enum fl_probe_file file, struct fl_str def,
		 struct fl_probe_event **ret, struct fl_probe_verdict *verdict)
{
	struct fl_arena arena = {};
	struct fl_probe_event *e = FL_ARENA_NEW(&arena, struct fl_probe_event);
	struct fl_fetch_insn code[FL_FETCH_MAX_INSNS];
	int r;

	if (!e)
		return -ENOMEM;
	p->event = e;
	p->code = code;
	e->arena = arena; /* which it lies in */
	r = check_event(p, file, def);
	if (r == 0 && p->log.words.n) {
		*ret = e;
		return 0;
	}
	if (r < 0 && verdict)
		fill_verdict(p, r, verdict);
	fl_probe_event_free(e);
	if (r == 0)
		*ret = NULL;
	return r;
}

/* ---- globs ---- */

struct expansion {
	struct fl_str head, glob, tail; /* of the definition */
	struct fl_str *names;
	size_t n;
	struct fl_arena arena;
};

static int keep_name(struct expansion *x, struct fl_str name)
{
	struct fl_str *bigger = x->names;

	if (!fl_str_glob(x->glob, name))
		return 0;
	if (x->n % 64 == 0)
		bigger = reallocarray(x->names, x->n + 64, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	x->names = bigger;
	x->names[x->n] = fl_str_n(fl_arena_dup(&x->arena, name), name.n);
	return x->names[x->n++].p ? 0 : -ENOMEM;
}

static int keep_tracepoint(void *ctx, struct fl_str name)
{
	return keep_name(ctx, name);
}

static int keep_event(void *ctx, struct fl_str system, struct fl_str event)
{
	_cleanup_buf_ struct fl_buf name = {};

	fl_buf_addf(&name, "%.*s.%.*s", FL_STR_ARG(system), FL_STR_ARG(event));
	return name.error ? name.error : keep_name(ctx, fl_buf_str(&name));
}

static int by_name(const void *a, const void *b)
{
	const struct fl_str *x = a, *y = b;
	int order = memcmp(x->p, y->p, FL_MIN(x->n, y->n));

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* A module's tracepoint may stand in several objects. */
static int write_expansion(struct expansion *x, struct fl_buf *out)
{
	int n = 0;

	if (x->n)
		qsort(x->names, x->n, sizeof(*x->names), by_name);
	for (size_t i = 0; i < x->n; i++) {
		if (i && fl_str_eq(x->names[i], x->names[i - 1]))
			continue;
		fl_buf_addf(out, "%.*s%.*s%.*s\n", FL_STR_ARG(x->head), FL_STR_ARG(x->names[i]), FL_STR_ARG(x->tail));
		n++;
	}
	return out->error ? out->error : n ? n : -ENOENT;
}

int fl_probe_expand(struct fl_target *target, struct fl_str def, struct fl_buf *out)
{
	struct expansion x = {};
	_cleanup_buf_ struct fl_buf dotted = {};
	struct fl_str rest = def, kind = {};
	int r;

	if (!fl_str_word(&rest, &kind) || !fl_str_word(&rest, &x.glob) || (kind.p[0] != 't' && kind.p[0] != 'e') ||
	    fl_str_any(x.glob, "*?[") == x.glob.n) {
		fl_buf_addf(out, "%.*s\n", FL_STR_ARG(def));
		return out->error ? out->error : 1;
	}
	x.head = fl_str_sub(def, 0, (size_t)(x.glob.p - def.p));
	x.tail = fl_str_from(def, (size_t)(x.glob.p - def.p) + x.glob.n);
	if (kind.p[0] == 't') {
		r = fl_target_each_tracepoint(target, keep_tracepoint, &x);
	} else {
		size_t slash = fl_str_any(x.glob, "/.");

		fl_buf_addf(&dotted, "%.*s.%.*s", FL_STR_ARG(fl_str_sub(x.glob, 0, slash)),
			    FL_STR_ARG(fl_str_from(x.glob, slash + 1)));
		x.glob = fl_buf_str(&dotted);
		r = fl_target_each_event(target, FL_STR("*"), keep_event, &x);
	}
	r = r < 0 ? r : write_expansion(&x, out);
	free(x.names);
	fl_arena_fini(&x.arena);
	return r;
}

int fl_probe_check_variant(struct fl_target *target, enum fl_dialect dialect, struct fl_str def,
			   size_t *variant, struct fl_probe_event **ret, struct fl_probe_verdict *verdict)
{
	struct fl_parse p = { .target = target, .rules = fl_dialect_rules(target, dialect), .in_trace = true,
			      .variant = *variant };
	int r = check(&p, FL_FILE_DYNAMIC_EVENTS, def, ret, verdict);

	*variant = *variant + 1 < p.nr_variants ? *variant + 1 : 0;
	return r;
}

int fl_probe_check_trace(struct fl_target *target, enum fl_dialect dialect, struct fl_str def,
			 struct fl_probe_event **ret, struct fl_probe_verdict *verdict)
{
	size_t first = 0;

	return fl_probe_check_variant(target, dialect, def, &first, ret, verdict);
}

int fl_probe_check_in(struct fl_target *target, enum fl_dialect dialect, enum fl_probe_file file,
		      struct fl_str def, const struct fl_event_list *list,
		      struct fl_probe_event **ret, struct fl_probe_verdict *verdict)
{
	struct fl_parse p = { .target = target, .rules = fl_dialect_rules(target, dialect), .list = list };

	return check(&p, file, def, ret, verdict);
}

int fl_probe_check(struct fl_target *target, enum fl_dialect dialect, enum fl_probe_file file,
		   struct fl_str def, struct fl_probe_event **ret, struct fl_probe_verdict *verdict)
{
	return fl_probe_check_in(target, dialect, file, def, NULL, ret, verdict);
}

int fl_event_list_apply(struct fl_event_list *l, struct fl_target *target, enum fl_dialect dialect,
			enum fl_probe_file file, struct fl_str def, struct fl_probe_event **ret,
			struct fl_probe_verdict *verdict)
{
	struct fl_probe_event *e = NULL;
	int r;

	if (fl_is_removal(file, def)) {
		r = fl_event_list_remove(l, file, def);
		if (r < 0 && verdict)
			verdict->errno_value = -r;
	} else {
		r = fl_probe_check_in(target, dialect, file, def, l, &e, verdict);
	}
	if (r == 0 && e) {
		r = fl_event_list_append(l, e);
		if (r < 0) {
			fl_probe_event_free(e);
			return r;
		}
	}
	if (r == 0 && ret)
		*ret = e;
	return r;
}
