/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe lower: a definition in the text that an older kernel takes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "cli/cmds.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/lower/lower.h"
#include "probe/target/user.h"

struct lower_opts {
	struct fl_target_opts target;
	const char *level;
	const char *dialect;
};

static const struct fl_opt lower_options[] = {
	FL_OPT_STR(struct lower_opts, level, 0, "level", "5.10|5.15|6.1|6.6|6.12",
		   "the kernel's version; default: 6.12"),
	FL_OPT_STR(struct lower_opts, dialect, 0, "dialect", "7.3|v6|6.12|kernel|mainline",
		   "whose rules the definition follows; default: 7.3"),
	FL_OPT_GROUP(struct lower_opts, target, fl_target_options),
	{}
};

struct lowering {
	struct fl_target *target;
	enum fl_dialect dialect;
	uint32_t features;
	bool failed;
};

/* One that only a trace takes, by the name of user code; what it says otherwise is not asked for. */
static int check_user_code(struct lowering *l, struct fl_str def, size_t *variant, struct fl_probe_event **ret,
			   struct fl_probe_verdict *v)
{
	struct fl_probe_event *e = NULL;
	int r = fl_probe_check_variant(l->target, l->dialect, def, variant, &e, v);

	if (r == 0 && e && !e->place.nr_offsets) {
		fl_probe_event_free(e);
		return -EINVAL;
	}
	*ret = e;
	return r;
}

/* A line for each of its places, whose events are numbered where they are several. */
static int lower_places(struct lowering *l, struct fl_probe_event *e, size_t *number, bool several,
			struct fl_buf *out, struct fl_diag *diag)
{
	struct fl_str name = e->event;
	int r = 0;

	for (size_t i = 0; i < FL_MAX(e->place.nr_offsets, (size_t)1) && r == 0; i++) {
		_cleanup_buf_ struct fl_buf numbered = {};

		fl_buf_add_str(&numbered, name);
		if (several)
			fl_buf_addf(&numbered, "_%zu", (*number)++);
		e->event = fl_buf_str(&numbered);
		if (e->place.nr_offsets)
			e->place.offset = e->place.offsets[i];
		r = numbered.error ? numbered.error : fl_lower(e, fl_target_arch(l->target), l->features, out, diag);
		fl_buf_addc(out, '\n');
	}
	e->event = name;
	return r;
}

static int lower_user_code(struct lowering *l, struct fl_str def, struct fl_probe_event *e, size_t variant,
			   struct fl_buf *out, struct fl_diag *diag)
{
	bool several = variant || e->place.nr_offsets > 1;
	size_t number = 0;
	int r = lower_places(l, e, &number, several, out, diag);

	while (r == 0 && variant) {
		struct fl_probe_event *next = NULL;

		r = check_user_code(l, def, &variant, &next, NULL);
		if (r == 0)
			r = lower_places(l, next, &number, several, out, diag);
		fl_probe_event_free(next);
	}
	return r;
}

static bool is_no_kind(const struct fl_probe_verdict *v)
{
	return v->diag.kind && strcmp(v->diag.kind->code, "NO_EVENT_KIND") == 0;
}

static int lower_one(void *ctx, struct fl_str def, const char *place, uint32_t line)
{
	struct lowering *l = ctx;
	_cleanup_verdict_ struct fl_probe_verdict v = {}, user = {};
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_probe_event *e = NULL;
	struct fl_diag diag = {};
	size_t variant = 0;
	int r = check_user_code(l, def, &variant, &e, &user);

	if (r < 0)
		r = fl_probe_check(l->target, l->dialect, FL_FILE_DYNAMIC_EVENTS, def, &e, &v);
	if (r < 0 && v.errno_value) {
		l->failed = true;
		/* what no kernel takes is said as a trace says it */
		fl_cli_print_verdict(is_no_kind(&v) && user.diag.kind ? &user : &v, def, place, line);
		return 0;
	}
	if (r < 0 || !e)
		return r;
	r = lower_user_code(l, def, e, variant, &out, &diag);
	if (r < 0 && diag.kind) {
		l->failed = true;
		diag.place = place;
		diag.line = line;
		fl_say_diag(&diag);
		r = 0;
	} else if (r == 0) {
		r = fl_say_result(&out);
	}
	fl_diag_fini(&diag);
	fl_probe_event_free(e);
	return r;
}

/* What the older kernel can: its README's word, or what is known of its version. */
static int find_features(const struct lower_opts *opts, uint32_t *ret)
{
	const struct fl_lower_level *level;
	_cleanup_file_ struct fl_file readme = {};
	int r;

	if (opts->target.readme) {
		r = fl_file_open(opts->target.readme, 1 << 20, &readme);
		if (r < 0) {
			fl_say_failed(opts->target.readme, r);
			return r;
		}
		*ret = fl_lower_readme(fl_file_str(&readme));
		return 0;
	}
	level = fl_lower_level(fl_str(opts->level ? opts->level : "6.12"));
	if (!level)
		return -EINVAL;
	if (!level->proved)
		fl_say(FL_NOTE, "what %s takes is known from its documents alone", level->name);
	*ret = level->features;
	return 0;
}

static int lower_run(const void *v, const struct fl_args *args)
{
	const struct lower_opts *opts = v;
	_cleanup_target_ struct fl_target *target = NULL;
	struct lowering l = {};
	int r;

	if (fl_cli_dialect(opts->dialect, &l.dialect) < 0)
		return FL_EXIT_USAGE;
	if (opts->level && opts->target.readme) {
		return fl_say_usage("--level and --readme exclude each other");
	}
	if (find_features(opts, &l.features) < 0 || fl_cli_target(&opts->target, &target) < 0 ||
	    fl_cli_learn_dialect(target, l.dialect) < 0)
		return FL_EXIT_FINDINGS;
	l.target = target;
	fl_target_use_code(target, &fl_user_code);
	r = fl_cli_each_definition(args, lower_one, &l);
	fl_say_end(r);
	return r < 0 || l.failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_probe_lower = {
	.name = "lower",
	.summary = "Say a probe in the text that an older kernel takes",
	.args = "DEF...|-",
	.about = "Casts and paths of fields become plain dereferences by offset, with the offsets of "
		 "the target's types. What the older kernel cannot say is refused, with the reason.",
	.size = sizeof(struct lower_opts),
	.options = lower_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.takes_removals = true,
	.run = lower_run,
};
