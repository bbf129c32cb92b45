/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each kernel's part of a bundle: the definitions are checked against its types while these note what is looked
 * at, and so are the questions that every program of ours asks of a kernel (where a task's numbers are).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "btf/btf.h"
#include "probe/bundle/bundle.h"
#include "probe/bundle/tar.h"
#include "probe/gen/kernel.h"
#include "probe/gen/task-filter.h"
#include "probe/live/session.h"
#include "probe/lower/lower.h"

int fl_bundle_begin(struct fl_str definitions, struct fl_buf *out)
{
	return fl_tar_add(out, "definitions", definitions);
}

/* In the oldest text that can say it; what none can is said in its place. */
static void lower(struct fl_target *t, const struct fl_probe_event *e, struct fl_str def, struct fl_buf *out)
{
	const struct fl_lower_level *level = fl_lower_oldest(e, fl_target_arch(t));
	_cleanup_buf_ struct fl_buf line = {};
	struct fl_diag d = {};

	if (level && fl_lower(e, fl_target_arch(t), level->features, &line, &d) == 0)
		fl_buf_addf(out, "%.*s\n", FL_STR_ARG(fl_buf_str(&line)));
	else
		fl_buf_addf(out, "# no text of an older kernel says: %.*s\n", FL_STR_ARG(def));
	fl_diag_fini(&d);
}

static int check(struct fl_target *t, struct fl_str def, struct fl_buf *lowered, struct fl_probe_verdict *v)
{
	struct fl_probe_verdict first = {};
	struct fl_probe_event *e = NULL;
	struct fl_str filter, bare = fl_definition_split(def, &filter);
	int r = fl_probe_check_trace(t, FL_DIALECT_7_3, bare, &e, v);

	if (r < 0) {
		r = fl_probe_check_trace(t, FL_DIALECT_V6, bare, &e, &first);
		fl_probe_verdict_fini(&first);
	}
	if (r == 0 && e)
		lower(t, e, def, lowered);
	if (r == 0)
		fl_probe_verdict_fini(v);
	fl_probe_event_free(e);
	return r;
}

/* A glob is a definition for each that it matches. */
static int check_line(struct fl_target *t, struct fl_str line, struct fl_buf *lowered, struct fl_probe_verdict *v)
{
	_cleanup_buf_ struct fl_buf lines = {};
	struct fl_str rest, def;
	int r = fl_probe_expand(t, line, &lines);

	r = FL_MIN(r, 0);
	rest = fl_buf_str(&lines);
	while (r == 0 && fl_str_line(&rest, &def))
		r = check(t, def, lowered, v);
	return r;
}

static bool is_definition(struct fl_str line)
{
	return line.n && line.p[0] != '#' && !fl_str_starts(line, "hist:") && !fl_str_starts(line, "--");
}

static int check_all(struct fl_target *t, struct fl_str definitions, struct fl_buf *lowered,
		     struct fl_bundle_fault *fault)
{
	struct fl_str line;
	int r = 0;

	for (uint32_t n = 1; r == 0 && fl_str_line(&definitions, &line); n++) {
		line = fl_str_trim(line);
		if (!is_definition(line))
			continue;
		r = check_line(t, line, lowered, &fault->verdict);
		if (r < 0) {
			fault->line = n;
			fault->text = line;
		}
	}
	return r;
}

/* What every program asks. Where the types have no answer now, they have none there, and it goes without. */
static void ask_all(struct fl_target *t, struct fl_btf *btf)
{
	struct fl_gen_paths paths;
	struct fl_gen_pids pids;
	struct fl_gen_env env = {};

	fl_kernel_percpu(t, &env);
	fl_gen_pids_find(btf, &pids);
	fl_kernel_paths(t, &paths);
}

static int put(const struct fl_kernel_id *id, const char *file, struct fl_str content, struct fl_buf *out)
{
	char key[sizeof(id->build_id)], name[256];

	snprintf(key, sizeof(key), "%s", id->build_id[0] ? id->build_id : id->release);
	for (char *p = key; *p; p++)
		if (*p == '/')
			*p = '_';
	snprintf(name, sizeof(name), "kernels/%s/%s", key, file);
	return fl_tar_add(out, name, content);
}

static int put_id(const struct fl_kernel_id *id, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf text = {};

	if (id->build_id[0])
		fl_buf_addf(&text, "build-id %s\n", id->build_id);
	if (id->release[0])
		fl_buf_addf(&text, "release %s\n", id->release);
	return put(id, "id", fl_buf_str(&text), out);
}

/* ---- the objects that types lie in ---- */

struct objects {
	struct fl_btf **v; /* vmlinux's first */
	struct fl_buf *types;
	size_t n;
};

static void objects_fini(struct objects *o)
{
	for (size_t i = 0; o->types && i < o->n; i++)
		fl_buf_fini(&o->types[i]);
	free(o->types);
	free(o->v);
}

static int watch(void *ctx, struct fl_btf *btf)
{
	struct objects *o = ctx;
	struct fl_btf **v = reallocarray(o->v, o->n + 1, sizeof(struct fl_btf *));

	if (!v)
		return -ENOMEM;
	o->v = v;
	v[o->n++] = btf;
	return fl_btf_watch(btf);
}

static int put_types(const struct fl_kernel_id *id, struct objects *o, struct fl_buf *out)
{
	int r;

	o->types = calloc(o->n + 1, sizeof(*o->types));
	r = o->types ? fl_btf_minimal(o->v, o->n, o->types) : -ENOMEM;
	if (r == 0)
		r = put(id, "btf", fl_buf_str(&o->types[0]), out);
	for (size_t i = 1; i < o->n && r == 0; i++) {
		char name[96];

		snprintf(name, sizeof(name), "modules/%s", fl_btf_name(o->v[i]));
		r = o->types[i].len ? put(id, name, fl_buf_str(&o->types[i]), out) : 0;
	}
	return r;
}

int fl_bundle_add(struct fl_target *t, const struct fl_kernel_id *id, struct fl_str definitions, struct fl_buf *out,
		  struct fl_bundle_fault *fault)
{
	_cleanup_(objects_fini) struct objects o = {};
	_cleanup_buf_ struct fl_buf lowered = {};
	struct fl_btf *btf;
	int r = fl_target_btf(t, &btf);

	if (r == 0)
		r = fl_target_each_btf(t, watch, &o);
	if (r == 0)
		r = check_all(t, definitions, &lowered, fault);
	if (r < 0)
		return r;
	ask_all(t, btf);
	r = put_id(id, out);
	if (r == 0)
		r = put_types(id, &o, out);
	return r < 0 ? r : put(id, "lowered", fl_buf_str(&lowered), out);
}

int fl_bundle_end(struct fl_buf *out)
{
	fl_tar_end(out);
	return out->error;
}
