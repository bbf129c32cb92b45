/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/alloc/common.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alloc/tags/ledger.h"
#include "alloc/views/merge.h"
#include "base/num.h"
#include "cli/say.h"

#define PROC_ALLOCINFO "/proc/allocinfo"

const struct fl_opt alloc_source_options[] = {
	FL_OPT_STR(struct alloc_source_opts, input, 0, "input", "FILE",
		   "read a saved dump ('-': standard input) instead of " PROC_ALLOCINFO),
	FL_OPT_PID_SET(struct alloc_source_opts, pid, has_pid, 'p', "pid",
		       "ask a live program that has libforeland-alloc"),
	FL_OPT_STR(struct alloc_source_opts, skip, 0, "skip", "GLOB[,GLOB]...",
		   "wrappers, whose callers are named instead ('': none; default: the usual ones)"),
	FL_OPT_PID_SET(struct alloc_source_opts, attach, has_attach, 0, "attach",
		       "count a running program from now on, by user probes on its malloc()"),
	FL_OPT_FLAG(struct alloc_source_opts, kernel, 0, "kernel",
		    "count in this kernel from now on, by its kmem tracepoints"),
	FL_OPT_U64(struct alloc_source_opts, objects, 0, "objects", "N",
		   "with --kernel and --attach: keep track of N live objects (default 524288)"),
	{}
};

const struct fl_opt alloc_filter_options[] = {
	FL_OPT_SIZE_SET(struct alloc_filter_opts, min_size, has_min_size, 0, "min-size", "N",
			"tags that hold at least N bytes (K, M, G, T)"),
	FL_OPT_SIZE_SET(struct alloc_filter_opts, max_size, has_max_size, 0, "max-size", "N",
			"tags that hold at most N bytes"),
	FL_OPT_STR(struct alloc_filter_opts, module, 0, "module", "M",
		   "tags of module M ('': what is built in); a glob is allowed"),
	FL_OPT_STR(struct alloc_filter_opts, function, 0, "function", "F",
		   "tags in function F; a glob is allowed"),
	FL_OPT_STR(struct alloc_filter_opts, file, 0, "file", "F",
		   "tags in file F, or beneath directory F/; a glob is allowed"),
	FL_OPT_U64_SET(struct alloc_filter_opts, line, has_line, 0, "line", "N", "tags in line N"),
	FL_OPT_FLAG(struct alloc_filter_opts, accurate, 0, "accurate",
		    "tags whose counters are accurate"),
	FL_OPT_FLAG(struct alloc_filter_opts, inaccurate, 0, "inaccurate",
		    "tags whose counters are not accurate"),
	FL_OPT_U64_SET(struct alloc_filter_opts, min_calls, has_min_calls, 0, "min-calls", "N",
		       "tags with at least N live allocations"),
	FL_OPT_U64_SET(struct alloc_filter_opts, max_calls, has_max_calls, 0, "max-calls", "N",
		       "tags with at most N live allocations"),
	FL_OPT_SIZE_SET(struct alloc_filter_opts, min_avg, has_min_avg, 0, "min-avg", "N",
			"tags whose allocations average at least N bytes"),
	FL_OPT_SIZE_SET(struct alloc_filter_opts, max_avg, has_max_avg, 0, "max-avg", "N",
			"tags whose allocations average at most N bytes"),
	{}
};

static void set_ranges(const struct alloc_filter_opts *o, struct fl_alloc_filter *f)
{
	f->line = o->line;
	f->min_size = o->min_size;
	f->max_size = o->max_size;
	f->min_calls = o->min_calls;
	f->max_calls = o->max_calls;
	f->min_average = o->min_avg;
	f->max_average = o->max_avg;
	f->mask |= (o->has_line ? FL_ALLOCINFO_LINENO : 0) |
		   (o->has_min_size ? FL_ALLOCINFO_MIN_SIZE : 0) |
		   (o->has_max_size ? FL_ALLOCINFO_MAX_SIZE : 0);
	f->more |= (o->has_min_calls ? FL_ALLOC_MIN_CALLS : 0) |
		   (o->has_max_calls ? FL_ALLOC_MAX_CALLS : 0) |
		   (o->has_min_avg ? FL_ALLOC_MIN_AVERAGE : 0) |
		   (o->has_max_avg ? FL_ALLOC_MAX_AVERAGE : 0);
}

int alloc_make_filter(const struct alloc_filter_opts *o, struct fl_alloc_filter *ret)
{
	*ret = (struct fl_alloc_filter){};
	if (o->module)
		fl_alloc_filter_module(ret, fl_str(o->module));
	if (o->function)
		fl_alloc_filter_function(ret, fl_str(o->function));
	if (o->file)
		fl_alloc_filter_file(ret, fl_str(o->file));
	set_ranges(o, ret);
	if (o->accurate && o->inaccurate)
		return fl_say_usage("--accurate and --inaccurate exclude each other");
	if (o->accurate || o->inaccurate) {
		ret->mask |= FL_ALLOCINFO_INACCURATE;
		ret->inaccurate = o->inaccurate;
	}
	if (fl_alloc_filter_check(ret) < 0)
		return fl_say_usage("a range's minimum is above its maximum");
	return FL_EXIT_DONE;
}

int alloc_make_order(const struct alloc_view_opts *o, struct fl_alloc_order *ret)
{
	*ret = (struct fl_alloc_order){};
	if (o->sort && fl_alloc_order_parse(o->sort, ret) < 0)
		return fl_say_usage("--sort: '%s' is none of " FL_ALLOC_KEYS ", nor one of them with '-' before it",
				    o->sort);
	return FL_EXIT_DONE;
}

#define COUNT_INSTEAD "count what it allocates from now on with --kernel, or "

static int open_proc(struct fl_alloc_source **ret)
{
	int r = fl_alloc_source_proc(PROC_ALLOCINFO, ret);

	if (r == 0 && fl_alloc_profiling_is_off()) {
		fl_say(FL_WARNING, "vm.mem_profiling is 0: these are the figures of the moment when it "
				   "was turned off, less what has been freed since");
		fl_say_help("sysctl vm.mem_profiling=1 counts what is allocated from then on");
	}
	if (r == 0)
		return FL_EXIT_DONE;
	fl_say_failed(PROC_ALLOCINFO, r);
	if (r == -ENOENT)
		fl_say_help(
			"this kernel has no allocation profiling (CONFIG_MEM_ALLOC_PROFILING, and "
			"not sysctl.vm.mem_profiling=never); " COUNT_INSTEAD
			"read a dump with --input");
	else if (r == -EACCES)
		fl_say_help("the file is root's; run as root, or read a dump with --input");
	return FL_EXIT_FINDINGS;
}

#define OBJECTS_DEFAULT (1u << 19)

static void help_with_probes(const struct alloc_source_opts *o, int err)
{
	if (err == -EPERM || err == -EACCES)
		fl_say_help("counting needs root; 'foreland doctor' tells what is missing");
	else if (err == -ENOENT && o->has_attach)
		fl_say_help("none of the files that it has mapped defines malloc() by that name");
	else if (err == -ENOENT)
		fl_say_help("it needs BTF that names the arguments of the kmem tracepoints; "
			    "'foreland doctor' tells what is missing");
}

static int check_source(const struct alloc_source_opts *o)
{
	if (o->objects > 1u << 28)
		return fl_say_usage("--objects takes at most 268435456");
	if (o->objects && !o->kernel && !o->has_attach)
		return fl_say_usage("--objects is of --kernel and --attach: others keep track of what they like");
	return FL_EXIT_DONE;
}

static int open_probes(const struct alloc_source_opts *o, struct fl_alloc_source **ret)
{
	uint32_t objects = o->objects ? (uint32_t)o->objects : OBJECTS_DEFAULT;
	_cleanup_buf_ struct fl_buf why = {};
	char name[32] = "kernel";
	int r;

	if (o->has_attach) {
		snprintf(name, sizeof(name), "process %d", (int)o->attach);
		r = fl_alloc_source_attach((pid_t)o->attach, objects, o->skip, &why, ret);
	} else {
		r = fl_alloc_source_kernel(objects, &why, ret);
	}
	if (r == 0) {
		fl_say_line("%s: note: counting from now on", name);
		return FL_EXIT_DONE;
	}
	fl_say_failed(name, r);
	if (why.len)
		fl_say_line("%s: note: %s", name, fl_buf_z(&why));
	help_with_probes(o, r);
	return FL_EXIT_FINDINGS;
}

int alloc_note(struct fl_alloc_source *s, int code)
{
	_cleanup_buf_ struct fl_buf out = {};
	bool whole = fl_alloc_source_kernel_note(s, &out);

	whole &= fl_alloc_source_attach_note(s, &out);
	fl_buf_write_fd(&out, STDERR_FILENO);
	return whole ? code : FL_EXIT_FINDINGS;
}

int alloc_open(const struct alloc_source_opts *o, struct fl_alloc_source **ret)
{
	int r = check_source(o);

	if (r)
		return r;
	if (!!o->input + o->has_pid + o->has_attach + o->kernel > 1)
		return fl_say_usage("--input, --pid, --attach and --kernel exclude each other");
	if (o->kernel || o->has_attach)
		return open_probes(o, ret);
	if (!o->input && !o->has_pid)
		return open_proc(ret);
	if (o->has_pid)
		r = fl_alloc_source_pid((pid_t)o->pid, o->skip, ret);
	else
		r = fl_alloc_source_file(o->input, o->skip, ret);
	if (r < 0)
		fl_say_failed("foreland alloc", r);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

#define TOLD_MOST 20 /* findings of a kind that are shown; the others are counted */

struct told {
	const struct fl_diag_kind *kind[16];
	size_t n[16];
};

static void report(void *ctx, const struct fl_diag *d)
{
	struct told *t = ctx;
	size_t i = 0;

	while (i < FL_ARRAY_SIZE(t->kind) - 1 && t->kind[i] && t->kind[i] != d->kind)
		i++;
	t->kind[i] = d->kind;
	if (++t->n[i] <= TOLD_MOST)
		fl_say_diag(d);
}

static void report_rest(const struct told *t, const char *name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(t->kind) && t->kind[i]; i++)
		if (t->n[i] > TOLD_MOST)
			fl_say_line("%s: note: %zu more like these [%s]", name, t->n[i] - TOLD_MOST, t->kind[i]->code);
}

static void help_with_pid(int err)
{
	if (err == -ENOENT || err == -EPROTO)
		fl_say_help("it has no libforeland-alloc (of this version): build it with that, or "
			    "start it with 'foreland alloc run'");
	else if (err == -EACCES)
		fl_say_help("it is another user's, or has closed its descriptor; ask as that user, "
			    "or as root");
}

bool alloc_say_limits(uint32_t flags, uint64_t refused, const char *name)
{
	if (flags & FL_LEDGER_ASIDE) {
		fl_say(FL_WARNING, "%s brings its own malloc(), which is left to it: nothing was counted",
		       name);
		fl_say_help("its allocator may have statistics of its own (MALLOC_CONF for "
			    "jemalloc); 'foreland alloc watch --attach PID' counts from outside");
	}
	if (flags & FL_LEDGER_SANITIZED)
		fl_say(FL_NOTE, "%s: a sanitizer answers malloc(): of what was not built with the library "
				"nothing is counted", name);
	if (flags & FL_LEDGER_REALLOC_HIDDEN)
		fl_say(FL_NOTE, "%s: what such code reallocates is not seen", name);
	if (flags & FL_LEDGER_OTHER_MALLOC)
		fl_say(FL_NOTE, "%s: another allocator than the C library's is used: what is freed by "
				"functions of its own is not seen", name);
	if (refused)
		fl_say(FL_WARNING,
		       "%s: %llu calls came from more callers than can be told apart; they are summed",
		       name, (unsigned long long)refused);
	return !refused && !(flags & FL_LEDGER_ASIDE);
}

int alloc_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
	       struct fl_alloc_set *set, bool *ret_usable)
{
	struct told told = {};
	struct fl_alloc_findings findings = { .report = report, .ctx = &told };
	int r = fl_alloc_source_read(s, f, &findings, set);

	*ret_usable = r == 0;
	report_rest(&told, s->name);
	if (r < 0) {
		fl_say_failed(s->name, r);
		if (fl_alloc_source_is_pid(s))
			help_with_pid(r);
		return FL_EXIT_FINDINGS;
	}
	if (findings.damaged)
		fl_say(FL_WARNING, "%s: %zu entries are damaged and left out", s->name,
		       findings.damaged);
	if (set->torn)
		fl_say_line("%s: warning: %s [TORN]", s->name,
			fl_alloc_errors[FL_ALLOC_TORN].message);
	if (!alloc_say_limits(findings.flags, findings.refused, s->name))
		return FL_EXIT_FINDINGS;
	return findings.errors || findings.damaged ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

bool alloc_has_chains(const struct alloc_source_opts *o)
{
	return o->has_pid || o->has_attach;
}

int alloc_read_places(const struct alloc_source_opts *o, struct fl_alloc_source *s,
		      const struct fl_alloc_filter *f, struct fl_alloc_set *set, bool *ret_usable)
{
	const struct fl_alloc_filter everything = {};
	bool chains = alloc_has_chains(o);
	int code = alloc_read(s, chains ? &everything : f, set, ret_usable);

	if (!*ret_usable || !chains)
		return code;
	if (fl_alloc_merge(set) < 0) {
		fl_say_failed(s->name, -ENOMEM);
		*ret_usable = false;
		return FL_EXIT_FINDINGS;
	}
	fl_alloc_keep(set, f);
	return code;
}

int alloc_print(struct fl_buf *out, int code)
{
	return fl_say_result(out) < 0 ? FL_EXIT_FINDINGS : code;
}

void alloc_summary(const struct fl_alloc_set *set)
{
	struct fl_buf b = {};
	uint64_t bytes = 0, calls = 0;

	for (size_t i = 0; i < set->n; i++) {
		bytes += (uint64_t)set->v[i].bytes;
		calls += set->v[i].calls;
	}
	fl_buf_addf(&b, "%zu tags, ", set->n);
	fl_buf_add_human(&b, (int64_t)bytes);
	fl_buf_addf(&b, " in %llu calls\n", (unsigned long long)calls);
	fl_buf_write_fd(&b, STDERR_FILENO);
	fl_buf_fini(&b);
}
