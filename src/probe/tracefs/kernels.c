/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event of the kernel, enabled: an event probe on it that takes the whole record along, which is then said as
 * its own print fmt says it. System calls have none that is theirs: the kernel says them in one way for all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "probe/event/scope.h"
#include "probe/output/linehead.h"
#include "probe/printfmt/printfmt.h"
#include "probe/tracefs/private.h"

#define MAX_PRINTK (16u << 20)

struct kernels_event {
	struct tracefs *fs;
	const struct fl_format *format; /* the target's */
	struct fl_printfmt *fmt;	/* NULL: it cannot be said */
	struct fl_probe_event *probe;
	struct fl_filter filter; /* n 0: none, or BPF applies it */
	struct fl_arena arena;
};

/* Texts that records name by their address (RCU's). Where they cannot be had, the addresses are shown. */
static void learn_printk(struct tracefs *fs)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};

	if (fs->has_printk)
		return;
	fs->has_printk = true;
	fl_buf_addf(&path, "%s/printk_formats", fl_target_tracefs(fs->target));
	if (!path.error && fl_file_open(fl_buf_z(&path), MAX_PRINTK, &f) == 0)
		fl_printk_read(fl_file_str(&f), &fs->printk_arena, &fs->printk);
}

/* @args: what the reader's filter needs besides the record. */
static int define(struct kernels_event *k, struct fl_str args, const char *filter)
{
	_cleanup_buf_ struct fl_buf def = {};

	fl_buf_addf(&def, "e:foreland/%.*s %.*s.%.*s", FL_STR_ARG(k->format->name), FL_STR_ARG(k->format->system),
		    FL_STR_ARG(k->format->name));
	fl_buf_add_str(&def, args);
	if (filter)
		fl_buf_addf(&def, " if %s", filter);
	if (def.error)
		return def.error;
	return fl_probe_check(k->fs->target, FL_DIALECT_7_3, FL_FILE_DYNAMIC_EVENTS, fl_buf_str(&def), &k->probe,
			      NULL);
}

int kernels_event_new(struct tracefs *fs, const char *system, const char *event, const char *filter,
		      struct kernels_event **ret)
{
	struct kernels_event *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->fs = fs;
	learn_printk(fs);
	r = fl_target_format(fs->target, fl_str(system), fl_str(event), &k->format);
	if (r == 0)
		r = fl_printfmt_parse(k->format, FL_ABI_OWN, &k->arena, &k->fmt);
	if (r == -EINVAL) /* then its fields are shown */
		r = 0;
	if (r == 0)
		r = define(k, FL_STR(""), filter);
	if (r < 0)
		kernels_event_free(k);
	else
		*ret = k;
	return r;
}

void kernels_event_free(struct kernels_event *k)
{
	if (!k)
		return;
	if (k->probe)
		fl_probe_event_free(k->probe);
	fl_filter_fini(&k->filter);
	fl_arena_fini(&k->arena);
	free(k);
}

struct fl_probe_event *kernels_event_probe(struct kernels_event *k)
{
	return k->probe;
}

/* A string behind a pointer must be fetched at once: an argument of the probe, for each field that is so looked at. */
static void fetch_strings(const struct kernels_event *k, struct fl_buf *args)
{
	for (size_t i = 0; i < k->filter.n; i++) {
		const struct fl_filter_pred *p = &k->filter.preds[i];

		if (p->field.kind == FL_FILTER_PTR_STRING || p->user)
			fl_buf_addf(args, " s%zu=+0($%.*s):%s", i, FL_STR_ARG(p->name), p->user ? "ustring" : "string");
	}
}

int kernels_event_filter_here(struct kernels_event *k, const char *filter)
{
	struct fl_event_scope scope = { k->fs->target, k->format };
	struct fl_filter_scope names = fl_event_filter_scope(&scope);
	_cleanup_buf_ struct fl_buf args = {};
	int r = fl_filter_parse(fl_str(filter), &names, &k->filter, NULL);

	if (r < 0)
		return r;
	fetch_strings(k, &args);
	if (args.error)
		return args.error;
	fl_probe_event_free(k->probe);
	k->probe = NULL;
	return define(k, fl_buf_str(&args), NULL);
}

struct fetched {
	const struct kernels_event *k;
	const struct fl_record_layout *layout;
	const struct fl_record *rec;
	size_t size;
	const uint8_t *raw;
	size_t n;
};

static uint64_t field_value(const struct fl_field *f, const uint8_t *raw, size_t n)
{
	if ((size_t)f->offset + f->size > n || f->size == 0 || f->size > 8)
		return 0;
	return fl_abi_number(FL_ABI_OWN, raw + f->offset, f->size);
}

/* The filter asks by the address; which field had it says which argument has the string. */
static bool fetched_string(void *ctx, uint64_t address, bool user, struct fl_str *ret)
{
	const struct fetched *f = ctx;
	size_t slot = 0;

	for (size_t i = 0; i < f->k->filter.n; i++) {
		const struct fl_filter_pred *p = &f->k->filter.preds[i];
		const struct fl_field *field = fl_format_field(f->k->format, p->name);

		if (p->field.kind != FL_FILTER_PTR_STRING && !p->user)
			continue;
		if (field && p->user == user && field_value(field, f->raw, f->n) == address)
			return fl_record_string(&f->layout->slots[slot], f->rec, f->size, 0, ret);
		slot++;
	}
	return false;
}

bool kernels_event_passes(const struct kernels_event *k, const struct fl_record_layout *layout, uint32_t cpu,
			  const struct fl_record *rec, size_t size, const uint8_t *raw, size_t n)
{
	struct fetched f = { k, layout, rec, size, raw, n };
	const struct fl_filter_env env = { .cpu = cpu,
					   .comm = fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm))),
					   .string = fetched_string,
					   .ctx = &f };

	return !k->filter.n || fl_filter_match(&k->filter, raw, n, &env);
}

/* ---- what is said of a record ---- */

static uint64_t named_value(const struct kernels_event *k, const char *field, const uint8_t *raw, size_t n)
{
	const struct fl_field *f = fl_format_field(k->format, fl_str(field));

	return f ? field_value(f, raw, n) : 0;
}

uint32_t kernels_event_word(const struct kernels_event *k, const char *field, const uint8_t *raw, size_t n)
{
	return (uint32_t)named_value(k, field, raw, n);
}

/* The words in front of the event's own, which BPF does not show. */
void kernels_event_common(const struct kernels_event *k, const struct fl_record *rec, uint8_t *raw, size_t n)
{
	struct fl_context context = fl_record_context(rec);
	uint16_t type = (uint16_t)k->format->id;

	if (n < 8)
		return;
	memset(raw, 0, 8);
	memcpy(raw, &type, sizeof(type));
	raw[2] = context.flags;
	raw[3] = context.depth;
	memcpy(raw + 4, &rec->pid, sizeof(rec->pid));
}

/* As 7.3 does it: "sys_openat(dfd: 0xffffff9c, filename: 0x7f..., flags: 0, mode: 0)", "sys_openat -> 0x3" */
static bool say_syscall(const struct kernels_event *k, const uint8_t *raw, size_t n, struct fl_buf *out)
{
	struct fl_str name = k->format->name;
	bool enter = fl_str_starts(name, "sys_enter_");
	const char *between = "";

	if (!fl_str_is(k->format->system, "syscalls") || (!enter && !fl_str_starts(name, "sys_exit_")))
		return false;
	name = fl_str_from(name, enter ? strlen("sys_enter_") : strlen("sys_exit_"));
	fl_buf_addf(out, "sys_%.*s", FL_STR_ARG(name));
	if (!enter) {
		fl_buf_addf(out, " -> 0x%llx", (unsigned long long)named_value(k, "ret", raw, n));
		return true;
	}
	fl_buf_addc(out, '(');
	for (size_t i = 0; i < k->format->nr_fields; i++) {
		const struct fl_field *f = &k->format->fields[i];

		if (f->is_common || f->loc != FL_FIELD_INLINE || fl_str_is(f->name, "__syscall_nr") ||
		    fl_str_is(f->name, "nr"))
			continue;
		fl_buf_addf(out, field_value(f, raw, n) < 10 ? "%s%.*s: %llu" : "%s%.*s: 0x%llx", between,
			    FL_STR_ARG(f->name), (unsigned long long)field_value(f, raw, n));
		between = ", ";
	}
	fl_buf_addc(out, ')');
	return true;
}

static void say_fields(const struct kernels_event *k, const uint8_t *raw, size_t n, struct fl_buf *out)
{
	const char *between = "";

	for (size_t i = 0; i < k->format->nr_fields; i++) {
		const struct fl_field *f = &k->format->fields[i];

		if (f->is_common)
			continue;
		fl_buf_addf(out, "%s%.*s=0x%llx", between, FL_STR_ARG(f->name),
			    (unsigned long long)field_value(f, raw, n));
		between = " ";
	}
}

static void say(const struct kernels_event *k, const uint8_t *raw, size_t n, struct fl_buf *out)
{
	struct fl_print_record r = { .abi = FL_ABI_OWN, .data = raw, .size = n, .printk = &k->fs->printk };
	struct fl_ksyms *syms;

	if (fl_target_ksyms(k->fs->target, &syms) == 0)
		r.ksyms = syms;
	fl_buf_addf(out, "%.*s: ", FL_STR_ARG(k->format->name));
	if (k->fmt)
		fl_printfmt_text(k->fmt, &r, out);
	else
		say_fields(k, raw, n, out);
}

void kernels_event_line(struct kernels_event *k, uint32_t cpu, const struct fl_record *rec, uint8_t *raw,
			size_t n, struct fl_buf *out)
{
	char head[FL_LINE_HEAD_ROOM];
	char *end = fl_line_head_once(head, cpu, rec);

	fl_buf_add(out, head, (size_t)(end - head));
	if (!say_syscall(k, raw, n, out))
		say(k, raw, n, out);
	fl_buf_addc(out, '\n');
}
