/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who decides between fentry, kprobe and the others: an event's place and arguments say which hooks could carry
 * it, best first (fl_points_hooks(), whose reasons fl_points_reason() says to people); hook-choice.c tries one after
 * the other by loading and attaching. A trampoline costs least and knows parameters by type, but shows no
 * registers, sits on entry or return alone, and takes one function; a kprobe takes all of that. Before a hook is
 * tried, fl_points_find() looks up what it must be given, which is another thing for each: a BTF id, a
 * tracepoint's name, an offset in a file, an address for each function of a name.
 */
#include "probe/live/point.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "bpf/sys.h"
#include "probe/live/module-event.h"

void fl_points_fini(struct fl_points *p)
{
	free(p->addresses);
	free(p->counters);
	free(p->name);
	free(p->module);
	fl_module_event_remove(fl_buf_str(&p->module_event));
	fl_buf_fini(&p->module_event);
	fl_module_event_remove(fl_buf_str(&p->module_entry));
	fl_buf_fini(&p->module_entry);
	*p = (struct fl_points){};
}

/* Registers and the stack are seen by kprobes only. */
static bool wants_regs(const struct fl_probe_event *e)
{
	for (size_t i = 0; i < e->nr_args; i++) {
		enum fl_fetch_op op = e->args[i].program.code[0].op;

		if (op == FL_FETCH_REG || op == FL_FETCH_STACK || op == FL_FETCH_STACKP)
			return true;
	}
	return false;
}

/* All but registers: pages of the process, which may have to be waited for. */
static bool reads_memory(const struct fl_probe_event *e)
{
	for (size_t i = 0; i < e->nr_args; i++)
		for (uint32_t k = 0; k < e->args[i].program.n; k++) {
			enum fl_fetch_op op = e->args[i].program.code[k].op;

			if (fl_fetch_ops[op].stage == FL_STAGE_DEREF || op == FL_FETCH_STACK ||
			    (fl_fetch_ops[op].stage == FL_STAGE_STORE && op != FL_FETCH_ST_RAW))
				return true;
		}
	return false;
}

/* Said with its module: it is traced whenever that is there. */
static bool waits_for_module(const struct fl_probe_event *e)
{
	return e->place.module.n && !e->place.is_glob;
}

const char *fl_points_reason(const struct fl_probe_event *e)
{
	switch (e->kind) {
	case FL_PROBE_KPROBE:
		if (waits_for_module(e))
			return "an event of the kernel's waits for the module, each time it comes";
		return "p and r are kprobes, the only hook that any instruction can have";
	case FL_PROBE_FPROBE:
		if (waits_for_module(e))
			return "an event of the kernel's waits for the module, each time it comes";
		if (e->place.is_glob)
			return "one link holds all functions of the pattern";
		if (wants_regs(e))
			return "registers and the stack are seen by kprobes only";
		return e->is_return ? "fexit is the cheapest hook of a return, and still has the arguments"
				    : "fentry is the cheapest hook of a function";
	case FL_PROBE_TPROBE:
		return "a raw tracepoint is the cheapest hook, and has the arguments as they are";
	case FL_PROBE_EPROBE:
		return "the fields of an event's record are there for classic tracepoints only";
	case FL_PROBE_UPROBE:
		if (e->place.nr_offsets > 1)
			return "one link holds all places of the name";
		return reads_memory(e) ? "user code has one kind of hook; where it may sleep, it waits for memory"
				       : "user code has one kind of hook";
	case FL_PROBE_SAMPLE:
		return "a timer of the kernel's on each CPU";
	case FL_PROBE_SYNTH:
		return "actions of histograms make it";
	case _FL_PROBE_KIND_MAX:
		break;
	}
	return "";
}

size_t fl_points_hooks(const struct fl_probe_event *e, enum fl_hook hooks[static _FL_HOOK_MAX])
{
	bool ret = e->is_return;
	size_t n = 0;

	switch (e->kind) {
	case FL_PROBE_KPROBE:
		if (waits_for_module(e))
			hooks[n++] = ret ? FL_HOOK_KRETPROBE_EVENT : FL_HOOK_KPROBE_EVENT;
		hooks[n++] = ret ? FL_HOOK_KRETPROBE : FL_HOOK_KPROBE;
		break;
	case FL_PROBE_FPROBE:
		if (waits_for_module(e)) /* what holds a trampoline holds its module, too */
			hooks[n++] = ret ? FL_HOOK_KRETPROBE_EVENT : FL_HOOK_KPROBE_EVENT;
		if (e->place.is_glob)
			hooks[n++] = ret ? FL_HOOK_KRETPROBE_MULTI : FL_HOOK_KPROBE_MULTI;
		else if (!wants_regs(e))
			hooks[n++] = ret ? FL_HOOK_FEXIT : FL_HOOK_FENTRY;
		if (!e->place.is_glob && !wants_regs(e))
			hooks[n++] = ret ? FL_HOOK_KRETPROBE_MULTI : FL_HOOK_KPROBE_MULTI;
		hooks[n++] = ret ? FL_HOOK_KRETPROBE : FL_HOOK_KPROBE;
		break;
	case FL_PROBE_TPROBE:
		hooks[n++] = FL_HOOK_RAW_TP;
		break;
	case FL_PROBE_EPROBE:
		hooks[n++] = FL_HOOK_TRACEPOINT;
		break;
	case FL_PROBE_UPROBE:
		if (e->place.nr_offsets > 1 && reads_memory(e))
			hooks[n++] = ret ? FL_HOOK_URETPROBE_MULTI_SLEEP : FL_HOOK_UPROBE_MULTI_SLEEP;
		if (e->place.nr_offsets > 1)
			hooks[n++] = ret ? FL_HOOK_URETPROBE_MULTI : FL_HOOK_UPROBE_MULTI;
		if (reads_memory(e))
			hooks[n++] = ret ? FL_HOOK_URETPROBE_SLEEP : FL_HOOK_UPROBE_SLEEP;
		hooks[n++] = ret ? FL_HOOK_URETPROBE : FL_HOOK_UPROBE;
		break;
	case FL_PROBE_SAMPLE:
		hooks[n++] = FL_HOOK_SAMPLE;
		break;
	case FL_PROBE_SYNTH: /* no hook's, but an action's */
	case _FL_PROBE_KIND_MAX:
		break;
	}
	return n;
}

/* ---- one place ---- */

static int set_name(struct fl_points *p, struct fl_str name)
{
	p->name = fl_str_dup(name);
	if (!p->name)
		return -ENOMEM;
	p->at.name = p->name;
	return 0;
}

/* "MODULE:SYMBOL" or "SYMBOL" */
static void full_name(const struct fl_probe_event *e, struct fl_buf *out)
{
	if (e->place.module.n) {
		fl_buf_add_str(out, e->place.module);
		fl_buf_addc(out, ':');
	}
	fl_buf_add_str(out, e->place.symbol);
}

/* Bytes of a parameter beyond a register's: a struct of up to 16 takes two registers. */
static uint32_t slots_of(struct fl_type t)
{
	uint64_t size = 8;

	return fl_type_size(t, &size) == 0 && size > 8 ? 2 : 1;
}

/* Which word of a trampoline each parameter begins in. */
static int map_words(struct fl_type func, struct fl_points *p)
{
	struct fl_param param;

	p->nr_arg_slots = p->words = 0;
	for (uint32_t i = 0; fl_type_param(func, i, &param); i++) {
		if (p->nr_arg_slots == FL_ABI_MAX_PARAMS)
			return -E2BIG;
		p->arg_slot[p->nr_arg_slots++] = (uint8_t)p->words;
		p->words += slots_of(param.type);
	}
	return 0;
}

/* ... and which register, or word of the stack. Where nobody can tell, nothing is read. */
static void map_registers(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *p)
{
	if (!e->func.btf || e->kind == FL_PROBE_UPROBE)
		return;
	if (fl_abi_slots(fl_target_arch(t), e->func, p->arg_slot, &p->nr_arg_slots) == 0)
		return;
	p->nr_arg_slots = FL_ABI_MAX_PARAMS;
	memset(p->arg_slot, FL_ABI_NO_SLOT, sizeof(p->arg_slot));
}

static int find_kprobe(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *p)
{
	_cleanup_buf_ struct fl_buf name = {};

	if (e->place.has_address) {
		p->at.address = e->place.address;
		return 0;
	}
	p->at.offset = e->place.offset;
	if (e->place.is_entry)
		map_registers(t, e, p);
	full_name(e, &name);
	return set_name(p, fl_buf_str(&name));
}

/* A trampoline is put on one function, and by its type: which of several that would be, chance says. */
static bool is_ambiguous(struct fl_target *t, struct fl_str name)
{
	struct fl_ksyms *syms;

	return fl_target_ksyms(t, &syms) == 0 && fl_ksyms_find_func(syms, name, NULL, 0) > 1;
}

/* An f event is of all functions of its name. */
static bool has_several(struct fl_target *t, const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf name = {};

	if (e->place.is_glob || e->kind != FL_PROBE_FPROBE)
		return e->place.is_glob;
	full_name(e, &name);
	return is_ambiguous(t, fl_buf_str(&name));
}

static int find_trampoline(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *p,
			   struct fl_buf *why)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_type func;

	full_name(e, &name);
	if (is_ambiguous(t, fl_buf_str(&name))) {
		fl_buf_addz(why, "several functions have this name");
		return -EADDRNOTAVAIL;
	}
	func = fl_target_func(t, fl_buf_str(&name));
	if (!fl_type_ok(func)) {
		fl_buf_addz(why, "the function is not in BTF");
		return -ENOENT;
	}
	p->at.btf_id = func.id;
	if (fl_btf_base(func.btf)) {
		p->module = fl_str_dup(fl_str(fl_btf_name(func.btf)));
		if (!p->module)
			return -ENOMEM;
		p->at.module = p->module;
	}
	if (map_words(func, p) < 0) {
		fl_buf_addz(why, "too many arguments");
		return -E2BIG;
	}
	return 0;
}

static int find_tracepoint(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *p,
			   struct fl_buf *why)
{
	int r = fl_target_format(t, e->place.system, e->place.event, &p->format);

	if (r < 0) {
		fl_buf_addz(why, "its format cannot be read");
		return r;
	}
	p->at.tracepoint_id = p->format->id;
	return 0;
}

static int find_module_event(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *p,
			     struct fl_buf *why)
{
	uint64_t id = 0;
	int r = find_kprobe(t, e, p);

	if (r == 0 && e->is_return && e->nr_entry_args)
		r = fl_module_event_make(t, e, false, &p->module_entry, &id);
	p->entry_id = (uint32_t)id;
	if (r == 0)
		r = fl_module_event_make(t, e, e->is_return, &p->module_event, &id);
	if (r < 0)
		fl_buf_addz(why, "tracefs takes no event for it");
	p->at.tracepoint_id = (uint32_t)id;
	return r;
}

/* ---- many places ---- */

static int add_address(struct fl_points *p, uint64_t address)
{
	size_t n = p->at.nr_addresses;
	uint64_t *bigger = p->addresses;

	if (n % 64 == 0)
		bigger = reallocarray(p->addresses, n + 64, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	p->addresses = bigger;
	p->addresses[p->at.nr_addresses++] = address;
	return 0;
}

static int find_uprobe(struct fl_target *t, const struct fl_probe_event *e, bool multi, struct fl_points *p)
{
	const struct fl_probe_place *place = &e->place;
	_cleanup_buf_ struct fl_buf path = {};
	int r;

	fl_target_path(t, place->path, &path);
	p->at.offset = place->offset;
	p->at.refctr = place->has_refctr ? place->refctr : 0;
	r = set_name(p, fl_buf_str(&path));
	for (size_t i = 0; i < place->nr_offsets && place->nr_offsets > 1 && r == 0; i++)
		r = add_address(p, place->offsets[i]);
	if (r < 0 || place->nr_offsets <= 1)
		return r;
	p->at.cookie = true;
	p->at.addresses = p->addresses;
	p->counters = multi && p->at.refctr ? calloc(place->nr_offsets, sizeof(*p->counters)) : NULL;
	for (size_t i = 0; p->counters && i < place->nr_offsets; i++)
		p->counters[i] = p->at.refctr;
	p->at.counters = p->counters;
	p->each_offset = !multi;
	p->nr_each = multi ? 1 : p->at.nr_addresses;
	return multi && p->at.refctr && !p->counters ? -ENOMEM : 0;
}

/* Each CPU that is there now. */
static int find_cpus(const struct fl_probe_event *e, struct fl_points *p)
{
	_cleanup_file_ struct fl_file f = {};
	uint64_t first, last;
	struct fl_str list;
	int r = fl_file_open("/sys/devices/system/cpu/online", 1 << 16, &f);

	list = fl_str_trim(fl_file_str(&f));
	while (r == 0 && list.n) {
		if (!fl_cpu_range(&list, &first, &last))
			return -EINVAL;
		for (uint64_t cpu = first; cpu <= last && r == 0; cpu++)
			r = add_address(p, cpu);
	}
	p->at.frequency = e->place.frequency;
	p->each_cpu = true;
	p->nr_each = p->at.nr_addresses;
	return r;
}

/* Every function of that name; @name may be "MODULE:NAME". */
static int add_functions(struct fl_points *p, const struct fl_ksyms *syms, struct fl_str name)
{
	size_t n = fl_ksyms_find_func(syms, name, NULL, 0);
	struct fl_ksym *found = calloc(n + 1, sizeof(*found));
	int r = found ? 0 : -ENOMEM;

	if (found)
		fl_ksyms_find_func(syms, name, found, n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_address(p, found[i].addr);
	free(found);
	return r;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * A name stands in the list once for each function that has it, and each time all of them are found. A
 * kernel since 6.18 hooks an address as often as it is given.
 */
static void drop_repeated(struct fl_points *p)
{
	size_t n = 0;

	if (!p->at.nr_addresses)
		return;
	qsort(p->addresses, p->at.nr_addresses, sizeof(*p->addresses), by_address);
	for (size_t i = 0; i < p->at.nr_addresses; i++)
		if (!n || p->addresses[n - 1] != p->addresses[i])
			p->addresses[n++] = p->addresses[i];
	p->at.nr_addresses = n;
}

/* "NAME" or "NAME [MODULE]", as the definition wants it: @ret is "MODULE:NAME", vmlinux's without. */
static bool is_wanted(const struct fl_probe_event *e, struct fl_str line, struct fl_buf *ret)
{
	struct fl_str module = {}, name;

	if (!fl_str_word(&line, &name) || !fl_str_glob(e->place.symbol, name))
		return false;
	if (fl_str_word(&line, &module) && module.n > 2)
		module = fl_str_sub(module, 1, module.n - 2);
	if (e->place.module.n && !fl_str_eq(e->place.module, module))
		return false;
	fl_buf_reset(ret);
	fl_buf_addf(ret, "%.*s:%.*s", FL_STR_ARG(module.n ? module : FL_STR("vmlinux")), FL_STR_ARG(name));
	return !ret->error;
}

/* What else a glob matches: symbols that stand at none of @found's addresses. */
struct others {
	const struct fl_probe_event *e;
	const struct fl_points *found;
	struct fl_points rest;
};

static bool has_address(const struct fl_points *p, uint64_t addr)
{
	return p->at.nr_addresses &&
	       bsearch(&addr, p->addresses, p->at.nr_addresses, sizeof(addr), by_address);
}

static int add_other(void *ctx, const struct fl_ksym *s)
{
	struct others *o = ctx;

	if (!memchr("tTwW", s->type, 4) || has_address(o->found, s->addr) ||
	    (o->e->place.module.n && !fl_str_eq(o->e->place.module, s->module)))
		return 0;
	return add_address(&o->rest, s->addr);
}

/*
 * A function has one name in ftrace's list, though it may have several: __x64_sys_getppid stands there as
 * __do_sys_getppid. The kernel's own globs are of all names.
 */
static int add_aliases(const struct fl_probe_event *e, struct fl_ksyms *syms, struct fl_str list, struct fl_points *p)
{
	struct others o = { e, p, {} };
	struct fl_str line, name;
	struct fl_ksym s[32];
	int r;

	drop_repeated(p);
	r = fl_ksyms_each(syms, e->place.symbol, add_other, &o);
	drop_repeated(&o.rest);
	while (r == 0 && o.rest.at.nr_addresses && fl_str_line(&list, &line)) {
		size_t n = fl_str_word(&line, &name) ? fl_ksyms_find_func(syms, name, s, FL_ARRAY_SIZE(s)) : 0;

		for (size_t i = 0; i < n && i < FL_ARRAY_SIZE(s) && r == 0; i++)
			if (has_address(&o.rest, s[i].addr))
				r = add_address(p, s[i].addr);
	}
	fl_points_fini(&o.rest);
	return r;
}

/* The functions that ftrace can hook stand in tracefs, a line each, "[module]" behind some. */
static int find_functions(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *p,
			  struct fl_buf *why)
{
	_cleanup_file_ struct fl_file list = {};
	_cleanup_buf_ struct fl_buf path = {}, name = {};
	struct fl_str rest, line;
	struct fl_ksyms *syms;
	int r;

	if (fl_target_tracefs(t))
		fl_buf_addf(&path, "%s/available_filter_functions", fl_target_tracefs(t));
	r = fl_file_open(fl_buf_z(&path), 64u << 20, &list);
	if (r == 0)
		r = fl_target_ksyms(t, &syms);
	if (r < 0) {
		fl_buf_addz(why, "the list of functions that can be traced is not readable");
		return r;
	}
	rest = fl_file_str(&list);
	while (r == 0 && fl_str_line(&rest, &line))
		if (is_wanted(e, line, &name))
			r = add_functions(p, syms, fl_buf_str(&name));
	if (r == 0 && e->place.is_glob)
		r = add_aliases(e, syms, fl_file_str(&list), p);
	if (r < 0)
		return r;
	drop_repeated(p);
	if (!p->at.nr_addresses) {
		fl_buf_addz(why, "no function of that name can be traced");
		return -ENOENT;
	}
	p->at.addresses = p->addresses;
	p->is_multi = true;
	if (!e->place.is_glob)
		map_registers(t, e, p);
	return 0;
}

enum fl_hook fl_points_shared_hook(const struct fl_probe_event *e)
{
	const struct fl_probe_place *place = &e->place;

	switch (e->kind) {
	case FL_PROBE_KPROBE:
	case FL_PROBE_FPROBE:
		if (place->module.n || place->is_glob || place->has_address || place->offset || wants_regs(e) ||
		    !place->is_entry || e->nr_entry_args)
			return _FL_HOOK_MAX;
		return e->is_return ? FL_HOOK_KRETPROBE_MULTI : FL_HOOK_KPROBE_MULTI;
	case FL_PROBE_UPROBE: /* whose switch cannot sleep */
		if (place->nr_offsets > 1 || place->has_refctr || reads_memory(e) || e->nr_entry_args)
			return _FL_HOOK_MAX;
		return e->is_return ? FL_HOOK_URETPROBE_MULTI : FL_HOOK_UPROBE_MULTI;
	default:
		return _FL_HOOK_MAX;
	}
}

void fl_points_shared(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *ret)
{
	fl_points_fini(ret);
	map_registers(t, e, ret);
}

int fl_points_address(struct fl_target *t, const struct fl_probe_event *e, uint64_t *ret)
{
	struct fl_ksyms *syms;
	struct fl_ksym sym;

	if (fl_target_ksyms(t, &syms) < 0 || fl_ksyms_hidden(syms) ||
	    fl_ksyms_find_func(syms, e->place.symbol, &sym, 1) != 1)
		return -ENOENT;
	*ret = sym.addr;
	return 0;
}

int fl_points_find(struct fl_target *t, const struct fl_probe_event *e, enum fl_hook hook,
		   struct fl_points *ret, struct fl_buf *why)
{
	int r = -EINVAL;

	fl_points_fini(ret);
	ret->nr_each = 1;
	switch (hook) {
	case FL_HOOK_SAMPLE:
		return find_cpus(e, ret);
	case FL_HOOK_RAW_TP:
		return set_name(ret, e->place.symbol);
	case FL_HOOK_FENTRY:
	case FL_HOOK_FEXIT:
		return find_trampoline(t, e, ret, why);
	case FL_HOOK_KPROBE:
	case FL_HOOK_KRETPROBE:
		if (!has_several(t, e))
			return find_kprobe(t, e, ret);
		r = find_functions(t, e, ret, why);
		ret->nr_each = ret->at.nr_addresses;
		ret->each_address = true;
		return r;
	case FL_HOOK_KPROBE_MULTI:
	case FL_HOOK_KRETPROBE_MULTI:
		return find_functions(t, e, ret, why);
	case FL_HOOK_KPROBE_EVENT:
	case FL_HOOK_KRETPROBE_EVENT:
		return find_module_event(t, e, ret, why);
	case FL_HOOK_TRACEPOINT:
		return find_tracepoint(t, e, ret, why);
	case FL_HOOK_UPROBE_SLEEP:
	case FL_HOOK_URETPROBE_SLEEP:
	case FL_HOOK_UPROBE:
	case FL_HOOK_URETPROBE:
		return find_uprobe(t, e, false, ret);
	case FL_HOOK_UPROBE_MULTI_SLEEP:
	case FL_HOOK_UPROBE_MULTI:
	case FL_HOOK_URETPROBE_MULTI_SLEEP:
	case FL_HOOK_URETPROBE_MULTI:
		return find_uprobe(t, e, true, ret);
	case _FL_HOOK_MAX:
		break;
	}
	return r;
}

struct fl_attach_point fl_points_each(const struct fl_points *p, size_t i)
{
	struct fl_attach_point at = p->at;

	if (p->each_address)
		at.address = p->addresses[i];
	if (p->each_cpu)
		at.cpu = (int)p->addresses[i];
	if (p->each_offset)
		at.offset = p->addresses[i];
	return at;
}

void fl_points_env(const struct fl_points *p, struct fl_gen_env *env)
{
	env->arg_slot = p->arg_slot;
	env->nr_arg_slots = p->nr_arg_slots;
	env->trampoline_words = p->words;
	env->format = p->format;
}

/* "SYMBOL", "SYMBOL+8", "SYMBOL-8" */
static int split_symbol(struct fl_str text, struct fl_str *ret_name, int64_t *ret_offset)
{
	size_t sign = FL_MIN(fl_str_find(text, '+', 0), fl_str_find(text, '-', 0));

	*ret_name = fl_str_sub(text, 0, sign);
	*ret_offset = 0;
	return sign < text.n ? fl_parse_s64(fl_str_from(text, sign), 0, ret_offset) : 0;
}

/*
 * A per-CPU variable of vmlinux, by BTF: lists of symbols may leave data out (KALLSYMS_ALL=n) or hide
 * their addresses, but where the variable lies among the others is known.
 */
static int percpu_place(struct fl_target *t, struct fl_fetch_program *p, struct fl_str name, int64_t offset)
{
	struct fl_var var;

	if (p->code[2].op != FL_FETCH_CPU_PTR)
		return -ENOENT;
	if (fl_target_percpu(t, name, &var) < 0 || fl_btf_base(var.var.btf))
		return -ENOENT;
	p->code[1].imm = var.offset + (uint64_t)offset;
	p->code[1].offset = FL_IMM_PERCPU;
	return 0;
}

int fl_points_symbol(struct fl_target *t, struct fl_fetch_program *p)
{
	struct fl_ksyms *syms;
	struct fl_ksym sym;
	struct fl_str name;
	int64_t offset;

	if (p->code[0].op != FL_FETCH_NOP_SYMBOL || p->code[1].op != FL_FETCH_IMM || p->code[1].imm)
		return 0;
	if (split_symbol(p->code[0].text, &name, &offset) < 0)
		return -ENOENT;
	if (fl_target_ksyms(t, &syms) < 0 || fl_ksyms_find(syms, name, &sym, 1) == 0 ||
	    fl_ksyms_hidden(syms) || !sym.addr)
		return percpu_place(t, p, name, offset);
	p->code[1].imm = sym.addr + (uint64_t)offset;
	return 0;
}
