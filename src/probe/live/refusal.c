/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trace that cannot be started is answered. bpf(2) and perf_event_open(2) say EPERM, EINVAL or ENOENT for
 * a dozen reasons each; which one it was is found out afterwards, by asking for each that is possible: a
 * missing capability, the kernel's blacklist, limits, what the verifier wrote last.
 */
#include <errno.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/num.h"
#include "base/util.h"
#include "probe/live/private.h"

static const struct fl_diag_kind kinds[] = {
#define D(code, level, err, message) [LIVE_##code] = {"TRACE_" #code, FL_##level, err, message},
#include "probe/live/errors.def"
};

int live_diagnose(struct fl_diag *d, const struct live_probe *p, enum live_error error,
		  struct fl_span span)
{
	int r = fl_diag_set(d, &kinds[error], span);

	if (d) {
		d->text = p->def.p;
		d->text_len = p->def.n;
	}
	return r;
}

/* The first permission that is missing, in the order in which it would be asked for; NULL: none is. */
static const struct fl_cap_info *missing_permission(struct fl_target *t, const struct fl_cap_result **ret)
{
	static const enum fl_cap asked[] = {FL_CAP_CAP_BPF, FL_CAP_CAP_PERFMON, FL_CAP_LOCKDOWN,
					    FL_CAP_BPF};

	for (size_t i = 0; i < FL_ARRAY_SIZE(asked); i++) {
		*ret = fl_cap_probe(t, asked[i]);
		if ((*ret)->state == FL_CAP_NO)
			return fl_cap_info(asked[i]);
	}
	return NULL;
}

static void help_permission(struct fl_target *t, struct fl_diag *diag)
{
	const struct fl_cap_result *res;
	const struct fl_cap_info *info = missing_permission(t, &res);

	if (info)
		fl_diag_help(diag, "missing: %s%s%s%s: %s", info->about, res->note[0] ? " (" : "",
			     res->note, res->note[0] ? ")" : "", info->remedy);
	else
		fl_diag_help(diag,
			     "'foreland doctor' tells what this kernel permits; --vm traces in a guest");
}

/* The kernel's list of functions that no probe may be in: "0xSTART-0xEND\tNAME", a line each. */
static bool is_blacklisted(struct fl_target *t, const struct live_probe *p)
{
	const struct fl_probe_place *place = &p->event->place;
	_cleanup_file_ struct fl_file f = {};
	struct fl_str rest, line, range;
	uint64_t address = place->address, start, end;
	struct fl_ksyms *syms;
	struct fl_ksym sym;

	if (fl_file_open("/sys/kernel/debug/kprobes/blacklist", 16u << 20, &f) < 0)
		return false;
	if (!place->has_address && fl_target_ksyms(t, &syms) == 0 &&
	    fl_ksyms_find_func(syms, place->symbol, &sym, 1) > 0)
		address = sym.addr + place->offset;
	rest = fl_file_str(&f);
	while (address && fl_str_line(&rest, &line)) {
		size_t dash;

		if (!fl_str_word(&line, &range))
			continue;
		dash = fl_str_find(range, '-', 0);
		if (fl_parse_u64(fl_str_sub(range, 0, dash), 0, &start) == 0 &&
		    fl_parse_u64(fl_str_from(range, dash + 1), 0, &end) == 0 && address >= start &&
		    address < end)
			return true;
	}
	return false;
}

/* What the kernel says of a function it does not let be traced: no more than EINVAL. */
static bool must_not_be_probed(struct fl_target *t, const struct live_probe *p, int err)
{
	bool kernel = p->event->kind == FL_PROBE_KPROBE || p->event->kind == FL_PROBE_FPROBE;

	return kernel && !p->event->place.is_glob &&
	       (err == -EINVAL || err == -EADDRNOTAVAIL || err == -ENOENT || err == -EBUSY) &&
	       is_blacklisted(t, p);
}

/* The last line that says what the kernel had against a program or hook. */
static struct fl_str last_tried(const struct live_probe *p)
{
	struct fl_str rest = fl_buf_str(&p->pub.tried), line, last = {};

	while (fl_str_line(&rest, &line))
		last = line;
	return last;
}

static int no_files(struct fl_diag *diag, const struct live_probe *p, int err)
{
	struct rlimit limit = {};
	int r = live_diagnose(diag, p, LIVE_NO_FILES, p->event->place.span);

	getrlimit(RLIMIT_NOFILE, &limit);
	if (err == -ENFILE)
		fl_diag_help(diag, "the whole system is at its limit, /proc/sys/fs/file-max");
	else
		fl_diag_help(diag, "this process may have %llu (EMFILE); 'ulimit -Hn' sets how many",
			     (unsigned long long)limit.rlim_cur);
	return r;
}

int live_no_maps(struct fl_session *t, const struct live_probe *p, int err, struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;

	if (err >= 0)
		return 0;
	if (err == -EMFILE || err == -ENFILE)
		return no_files(diag, p, err);
	if (err != -EPERM && err != -EACCES) {
		live_diagnose(diag, p, LIVE_NO_MAPS, place);
		return err;
	}
	live_diagnose(diag, p, LIVE_NOT_PERMITTED, place);
	help_permission(t->target, diag);
	return err;
}

int live_nobody(struct fl_session *t, const struct live_probe *p, int err, struct fl_diag *diag)
{
	if (err != -EOPNOTSUPP && err != -ENOENT && err != -EINVAL)
		return live_no_maps(t, p, err, diag);
	live_diagnose(diag, p, LIVE_NO_WHO, p->event->place.span);
	fl_diag_help(diag, "it takes the kernel's BTF, and Linux 5.11 in a pid namespace or to follow a process");
	return err;
}

int live_check_boundary(struct fl_session *t, const struct live_probe *p, struct fl_diag *diag)
{
	const struct fl_probe_place *place = &p->event->place;
	int r;

	if (place->is_fragile && !t->opts.force) {
		r = live_diagnose(diag, p, LIVE_FRAGILE, place->span);
		fl_diag_help(diag, "it has an EVEX prefix: programs have been seen to compute something else; "
				   "--force puts it all the same");
		return r;
	}
	if (p->event->kind != FL_PROBE_UPROBE || t->opts.force ||
	    fl_target_insn_boundary(t->target, place->path, place->offset) != 0)
		return 0;
	r = live_diagnose(diag, p, LIVE_NO_BOUNDARY, place->span);
	fl_diag_help(diag, "a breakpoint there makes the program compute something else; --force puts it all "
			   "the same");
	return r;
}

static int not_found(struct fl_session *t, struct live_probe *p, struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;
	bool tracepoint = p->event->kind == FL_PROBE_TPROBE;
	int r = live_diagnose(diag, p, LIVE_NOT_FOUND, place);
	struct fl_str near;

	fl_diag_message(
		diag, "this kernel has no %s '%.*s'", tracepoint ? "tracepoint" : "place",
		FL_STR_ARG(fl_str_sub(p->event->text, place.start, place.end - place.start)));
	near = tracepoint ? fl_target_near_tracepoint(t->target, p->event->place.symbol)
			  : FL_STR("");
	if (near.n)
		fl_diag_help(diag, "did you mean '%.*s'?", FL_STR_ARG(near));
	return r;
}

int live_refused(struct fl_session *t, struct live_probe *p, int err,
		 const struct fl_gen_error *error, struct fl_diag *diag)
{
	struct fl_span place = p->event->place.span;
	const struct fl_cap_result *missing;
	int r;

	if (error->why && error->arg < p->event->nr_args) {
		r = live_diagnose(diag, p, LIVE_NO_ARGUMENT, p->event->args[error->arg].span);
		fl_diag_message(diag, "the argument cannot be fetched here: %s", error->why);
	} else if ((err == -EPERM || err == -EACCES) && missing_permission(t->target, &missing)) {
		r = live_diagnose(diag, p, LIVE_NOT_PERMITTED, place);
		help_permission(t->target, diag);
	} else if (err == -EACCES || err == -EPERM) {
		r = live_diagnose(diag, p, LIVE_VERIFIER, place);
		fl_diag_help(diag, "its last words: %.*s", FL_STR_ARG(last_tried(p)));
	} else if (err == -EMFILE || err == -ENFILE) {
		r = no_files(diag, p, err);
	} else if (must_not_be_probed(t->target, p, err)) {
		r = live_diagnose(diag, p, LIVE_BLACKLISTED, place);
		fl_diag_help(diag, "it stands in the kernel's list, /sys/kernel/debug/kprobes/blacklist");
	} else if (err == -ENOENT) {
		r = not_found(t, p, diag);
	} else {
		r = live_diagnose(diag, p, LIVE_NO_HOOK, place);
		fl_diag_help(diag, "'foreland doctor' tells what this kernel lacks; --vm has one that takes it");
	}
	return r;
}
