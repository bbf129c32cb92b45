/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/vfs.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/place.h"
#include "base/util.h"
#include "foreland/diag.h"
#include "probe/target/modules.h"
#include "probe/target/target-private.h"

#define SYS_BTF	      "/sys/kernel/btf"
#define MAX_FORMAT    (1u << 20)
#define TRACEFS_MAGIC 0x74726163

/* One BTF object: where it is, and once it was asked for, what came of that. */
struct object {
	const char *path; /* NULL: put by the caller */
	const char *name;
	struct fl_btf *btf;
	int err; /* negative, once opening has failed */
};

/* A program's types. */
struct kept_btf {
	struct fl_btf *btf;
	void *bytes;
	struct kept_btf *next;
};

/* Symbols that were, for who still has a name of theirs. */
struct old_ksyms {
	struct fl_ksyms *ksyms;
	struct old_ksyms *next;
};

struct fl_target {
	struct fl_target_opts opts;
	const struct fl_arch *arch;
	struct fl_arena arena; /* names and formats */

	struct object *objects; /* vmlinux first */
	size_t nr_objects;
	bool listed; /* modules are among the objects */
	bool lent;   /* they are not the kernel's own */

	struct fl_ksyms *ksyms;
	int ksyms_err;
	struct old_ksyms *old_ksyms;
	struct fl_modules_watch modules;

	struct fl_map formats; /* "SYSTEM/EVENT" -> struct fl_format */
	const char *tracefs;

	struct fl_dialect_rules *dialect;
	struct kept_btf *kept;
	const struct fl_user_code *code; /* NULL: nobody knows any */
	uint32_t process; /* whose libraries are meant; 0: nobody's */

	struct fl_cap_result caps[_FL_CAP_MAX];
	struct fl_diag why;
};

static bool is_offline(const struct fl_target_opts *o)
{
	return o->btf.n || o->kallsyms || o->events || o->arch;
}

int fl_target_open(const struct fl_target_opts *opts, struct fl_target **ret)
{
	struct fl_target *t;
	const struct fl_arch *arch;

	arch = opts->arch ? fl_arch_find(fl_str(opts->arch)) : fl_arch_host();
	if (!arch)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->opts = *opts;
	t->arch = arch;
	*ret = t;
	return 0;
}

const struct fl_user_code **fl_target_code(struct fl_target *t)
{
	return &t->code;
}

int fl_target_keep_btf(struct fl_target *t, struct fl_btf *btf, void *bytes)
{
	struct kept_btf *k = calloc(1, sizeof(*k));

	if (!k) {
		fl_btf_close(btf);
		free(bytes);
		return -ENOMEM;
	}
	*k = (struct kept_btf){ btf, bytes, t->kept };
	t->kept = k;
	return 0;
}

void fl_target_close(struct fl_target *t)
{
	if (!t)
		return;
	while (t->kept) {
		struct kept_btf *k = t->kept;

		t->kept = k->next;
		fl_btf_close(k->btf);
		free(k->bytes);
		free(k);
	}
	while (t->nr_objects) /* modules before their base */
		fl_btf_close(t->objects[--t->nr_objects].btf);
	free(t->objects);
	fl_ksyms_close(t->ksyms);
	while (t->old_ksyms) {
		struct old_ksyms *old = t->old_ksyms;

		t->old_ksyms = old->next;
		fl_ksyms_close(old->ksyms);
		free(old);
	}
	fl_map_fini(&t->formats);
	free(t->dialect);
	fl_arena_fini(&t->arena);
	fl_diag_fini(&t->why);
	free(t);
}

bool fl_target_is_live(const struct fl_target *t)
{
	return !is_offline(&t->opts);
}

const struct fl_arch *fl_target_arch(const struct fl_target *t)
{
	return t->arch;
}

const struct fl_diag *fl_target_why(const struct fl_target *t)
{
	return t->why.kind ? &t->why : NULL;
}

struct fl_cap_result *fl_target_cap_results(struct fl_target *t)
{
	return t->caps;
}

/* ---- sorted names of a folder ---- */

struct names {
	const char **v;
	size_t n, cap;
};

static void names_fini(struct names *names)
{
	free(names->v);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *names, const char *name)
{
	if (names->n == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 64;
		const char **v = reallocarray(names->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		names->v = v;
		names->cap = cap;
	}
	names->v[names->n++] = name;
	return 0;
}

/* What is in the folder, hidden entries aside, sorted; only folders where @folders. */
static int list_folder(const char *path, bool folders, struct fl_arena *arena, struct names *ret)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir))) {
		if (e->d_name[0] == '.' ||
		    (folders && e->d_type != DT_DIR && e->d_type != DT_UNKNOWN && e->d_type != DT_LNK))
			continue;
		r = add_name(ret, fl_arena_dup(arena, fl_str(e->d_name)));
		if (r == 0 && !ret->v[ret->n - 1])
			r = -ENOMEM;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	return r;
}

/* ---- types ---- */

static int add_object(struct fl_target *t, const char *path, const char *name, struct fl_btf *btf)
{
	struct object *more = reallocarray(t->objects, t->nr_objects + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	t->objects = more;
	t->objects[t->nr_objects++] = (struct object){ .path = path, .name = name, .btf = btf };
	return 0;
}

int fl_target_put_btf(struct fl_target *t, struct fl_btf *btf)
{
	t->listed = true;
	return add_object(t, NULL, fl_btf_name(btf), btf);
}

int fl_target_lend_btf(struct fl_target *t, struct fl_btf *btf)
{
	int r = fl_target_put_btf(t, btf);

	t->lent = r == 0;
	return r;
}

bool fl_target_is_lent(const struct fl_target *t)
{
	return t->lent;
}

/* "kernel/fs/xfs/xfs.ko", "nf-nat": a module is called as in /proc/modules. */
static const char *module_name(struct fl_target *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct fl_str s = fl_str(slash ? slash + 1 : path);
	char *name = fl_arena_dup(&t->arena, fl_str_sub(s, 0, fl_str_find(s, '.', 0)));

	for (char *p = name; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static int list_given(struct fl_target *t)
{
	int r = 0;

	for (size_t i = 0; i < t->opts.btf.n && r == 0; i++)
		r = add_object(t, t->opts.btf.v[i],
			       i ? module_name(t, t->opts.btf.v[i]) : "vmlinux", NULL);
	return r;
}

static bool has_object(const struct fl_target *t, const char *name)
{
	for (size_t i = 0; i < t->nr_objects; i++)
		if (!strcmp(t->objects[i].name, name))
			return true;
	return false;
}

/* Those that are not there yet. */
static int list_modules(struct fl_target *t)
{
	_cleanup_(names_fini) struct names names = {};
	int r = 0;

	if (list_folder(SYS_BTF, false, &t->arena, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.n && r == 0; i++) {
		struct fl_buf path = {};

		if (has_object(t, names.v[i]))
			continue;
		fl_buf_addf(&path, SYS_BTF "/%s", names.v[i]);
		r = add_object(t, fl_arena_dup(&t->arena, fl_buf_str(&path)), names.v[i], NULL);
		fl_buf_fini(&path);
	}
	return r;
}

static int list_running(struct fl_target *t)
{
	int r = add_object(t, SYS_BTF "/vmlinux", "vmlinux", NULL);

	return r < 0 ? r : list_modules(t);
}

/* The list of objects, none of which is opened by this. */
static int list_objects(struct fl_target *t)
{
	if (t->listed)
		return 0;
	t->listed = true;
	return is_offline(&t->opts) ? list_given(t) : list_running(t);
}

static int open_btf(struct fl_target *t, const struct object *o, struct fl_btf *base, struct fl_btf **ret)
{
	if (!o->path)
		return -ENOMEM;
	if (is_offline(&t->opts))
		return fl_btf_open(o->path, base, o->name, &t->why, ret);
	return fl_btf_open_kernel(o->path, base, o->name, &t->why, ret);
}

static int open_object(struct fl_target *t, size_t i, struct fl_btf **ret)
{
	struct object *o;
	int r;

	r = list_objects(t);
	if (r < 0)
		return r;
	if (i >= t->nr_objects)
		return -ENOENT;
	o = &t->objects[i];
	if (!o->btf && !o->err) {
		struct fl_btf *base = NULL;

		if (i) {
			r = open_object(t, 0, &base);
			if (r < 0)
				return r;
		}
		o->err = open_btf(t, o, base, &o->btf);
	}
	if (o->err)
		return o->err;
	*ret = o->btf;
	return 0;
}

int fl_target_btf(struct fl_target *t, struct fl_btf **ret)
{
	return open_object(t, 0, ret);
}

int fl_target_module_btf(struct fl_target *t, struct fl_str module, struct fl_btf **ret)
{
	int r = list_objects(t);

	if (r < 0)
		return r;
	if (!module.n)
		return open_object(t, 0, ret);
	for (size_t i = 0; i < t->nr_objects; i++)
		if (fl_str_is(module, t->objects[i].name))
			return open_object(t, i, ret);
	return -ENOENT;
}

int fl_target_each_btf(struct fl_target *t, int (*fn)(void *ctx, struct fl_btf *btf), void *ctx)
{
	int r = list_objects(t);

	for (size_t i = 0; i < t->nr_objects && r == 0; i++) {
		struct fl_btf *btf;

		r = open_object(t, i, &btf);
		if (r == 0)
			r = fn(ctx, btf);
		else if (i) /* one module's does not hide the others' */
			r = 0;
	}
	return r;
}

struct type_search {
	struct fl_str name;
	uint32_t kinds;
	struct fl_type found;
};

static int search_type(void *ctx, struct fl_btf *btf)
{
	struct type_search *s = ctx;

	s->found = fl_btf_find(btf, s->name, s->kinds);
	return fl_type_ok(s->found);
}

struct fl_type fl_target_type(struct fl_target *t, struct fl_str name, uint32_t kinds)
{
	struct type_search s = { .name = name, .kinds = kinds };

	fl_target_each_btf(t, search_type, &s);
	return s.found;
}

struct fl_type fl_target_func(struct fl_target *t, struct fl_str name)
{
	size_t colon = fl_str_find(name, ':', 0);
	struct fl_btf *btf;

	if (colon == name.n)
		return fl_target_type(t, name, FL_KIND(BTF_KIND_FUNC));
	if (fl_target_module_btf(t, fl_str_sub(name, 0, colon), &btf) < 0)
		return FL_TYPE_NONE;
	return fl_btf_find(btf, fl_str_from(name, colon + 1), FL_KIND(BTF_KIND_FUNC));
}

#define TYPEDEF_PREFIX "btf_trace_" /* a typedef of that name for each tracepoint */

/*
 * Functions that are made for each tracepoint and have its arguments by name: the stub that probes
 * are attached to (6.12 and later), the iterator over probes, and what calls BPF programs (named
 * after the event's class, which mostly is its own).
 */
static int search_tracepoint(void *ctx, struct fl_btf *btf)
{
	static const char *const prefixes[] = { "__probestub_", "__traceiter_", "__bpf_trace_" };
	_cleanup_buf_ struct fl_buf name = {};
	struct type_search *s = ctx;

	for (size_t i = 0; i < FL_ARRAY_SIZE(prefixes) && !fl_type_ok(s->found); i++) {
		fl_buf_reset(&name);
		fl_buf_addz(&name, prefixes[i]);
		fl_buf_add_str(&name, s->name);
		s->found = fl_btf_find(btf, fl_buf_str(&name), FL_KIND(BTF_KIND_FUNC));
	}
	if (fl_type_ok(s->found))
		return 1;
	fl_buf_reset(&name);
	fl_buf_addz(&name, TYPEDEF_PREFIX);
	fl_buf_add_str(&name, s->name);
	s->found = fl_btf_find(btf, fl_buf_str(&name), FL_KIND(BTF_KIND_TYPEDEF));
	s->found = fl_type_target(fl_type_strip(s->found));
	return fl_type_kind(s->found) == BTF_KIND_FUNC_PROTO;
}

struct fl_type fl_target_tracepoint(struct fl_target *t, struct fl_str name)
{
	struct type_search s = { .name = name };

	return fl_target_each_btf(t, search_tracepoint, &s) == 1 ? s.found : FL_TYPE_NONE;
}

struct tracepoint_walk {
	int (*fn)(void *ctx, struct fl_str name);
	void *ctx;
};

static int on_tracepoint(void *ctx, struct fl_type t)
{
	struct tracepoint_walk *w = ctx;

	return w->fn(w->ctx, fl_str_from(fl_type_name(t), sizeof(TYPEDEF_PREFIX) - 1));
}

static int tracepoints_of(void *ctx, struct fl_btf *btf)
{
	return fl_btf_each(btf, FL_STR(TYPEDEF_PREFIX "*"), FL_KIND(BTF_KIND_TYPEDEF), on_tracepoint, ctx);
}

int fl_target_each_tracepoint(struct fl_target *t, int (*fn)(void *ctx, struct fl_str name), void *ctx)
{
	struct tracepoint_walk w = { fn, ctx };

	return fl_target_each_btf(t, tracepoints_of, &w);
}

struct near_search {
	struct fl_str near, *names;
	size_t n, cap;
};

static int collect_tracepoint(void *ctx, struct fl_type t)
{
	struct near_search *s = ctx;

	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 1024;
		struct fl_str *names = reallocarray(s->names, cap, sizeof(*names));

		if (!names)
			return -ENOMEM;
		s->names = names;
		s->cap = cap;
	}
	s->names[s->n++] = fl_str_from(fl_type_name(t), sizeof(TYPEDEF_PREFIX) - 1);
	return 0;
}

static int collect_tracepoints(void *ctx, struct fl_btf *btf)
{
	return fl_btf_each(btf, FL_STR(TYPEDEF_PREFIX "*"), FL_KIND(BTF_KIND_TYPEDEF), collect_tracepoint,
			   ctx);
}

struct fl_str fl_target_near_tracepoint(struct fl_target *t, struct fl_str name)
{
	struct near_search s = {};
	size_t i;

	fl_target_each_btf(t, collect_tracepoints, &s);
	i = fl_str_nearest(name, s.names, s.n);
	if (i < s.n && !fl_str_eq(s.names[i], name))
		s.near = s.names[i];
	free(s.names);
	return s.near;
}

struct var_search {
	struct fl_str name;
	struct fl_var *ret;
};

static int search_var(void *ctx, struct fl_btf *btf)
{
	struct var_search *s = ctx;

	return fl_btf_find_var(btf, s->name, s->ret) == 0;
}

int fl_target_percpu(struct fl_target *t, struct fl_str name, struct fl_var *ret)
{
	struct var_search s = { name, ret };
	int r = fl_target_each_btf(t, search_var, &s);

	return r == 1 ? 0 : r < 0 ? r : -ENOENT;
}

/* ---- symbols ---- */

int fl_target_put_ksyms(struct fl_target *t, struct fl_ksyms *k)
{
	fl_ksyms_close(t->ksyms);
	t->ksyms = k;
	return 0;
}

int fl_target_ksyms(struct fl_target *t, struct fl_ksyms **ret)
{
	const char *path = t->opts.kallsyms;

	if (!path && !is_offline(&t->opts))
		path = "/proc/kallsyms";
	if (!t->ksyms && !t->ksyms_err)
		t->ksyms_err = path ? fl_ksyms_open(path, &t->why, &t->ksyms) : -ENOENT;
	if (!t->ksyms)
		return t->ksyms_err;
	*ret = t->ksyms;
	return 0;
}

bool fl_target_refresh(struct fl_target *t)
{
	struct old_ksyms *old;

	if (is_offline(&t->opts) || !fl_modules_changed(&t->modules))
		return false;
	old = t->ksyms ? calloc(1, sizeof(*old)) : NULL;
	if (old) {
		*old = (struct old_ksyms){ t->ksyms, t->old_ksyms };
		t->old_ksyms = old;
		t->ksyms = NULL;
	}
	if (t->listed && !t->lent)
		list_modules(t);
	fl_map_fini(&t->formats);
	t->formats = (struct fl_map){};
	return true;
}

/* ---- tracepoints ---- */

static const char *find_tracefs(void)
{
	static const char *const usual[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(usual); i++) {
		struct statfs fs;

		if (statfs(usual[i], &fs) == 0 && (unsigned long)fs.f_type == TRACEFS_MAGIC)
			return usual[i];
	}
	return NULL;
}

const char *fl_target_tracefs(struct fl_target *t)
{
	if (!t->tracefs && !is_offline(&t->opts)) /* it may be mounted yet */
		t->tracefs = find_tracefs();
	return t->tracefs;
}

/* The folder that holds SYSTEM/EVENT, without a slash at its end. */
static int events_folder(struct fl_target *t, struct fl_buf *out)
{
	if (t->opts.events)
		fl_buf_addz(out, t->opts.events);
	else if (fl_target_tracefs(t))
		fl_buf_addf(out, "%s/events", t->tracefs);
	else
		return -ENOENT;
	return out->error;
}

/* As the name of a file: nothing that leads elsewhere. */
static bool is_plain(struct fl_str s)
{
	return s.n && s.n < 256 && s.p[0] != '.' && fl_str_find(s, '/', 0) == s.n &&
	       !memchr(s.p, '\0', s.n);
}

static int read_format(struct fl_target *t, struct fl_str system, struct fl_str event,
		       struct fl_format *ret)
{
	_cleanup_file_ struct fl_file file = {};
	_cleanup_buf_ struct fl_buf path = {};
	int r;

	if (!is_plain(system) || !is_plain(event))
		return -ENOENT;
	r = events_folder(t, &path);
	if (r < 0)
		return r;
	fl_buf_addf(&path, "/%.*s/%.*s/format", FL_STR_ARG(system), FL_STR_ARG(event));
	r = path.error ?: fl_file_open(fl_buf_z(&path), MAX_FORMAT, &file);
	if (r < 0)
		return r;
	t->why.place = fl_arena_dup(&t->arena, fl_buf_str(&path));
	r = fl_format_parse(system, fl_file_str(&file), &t->arena, &t->why, ret);
	if (r < 0) /* the line that is wrong outlives the file */
		t->why.text = fl_arena_dup(&t->arena, fl_str_n(t->why.text, t->why.text_len));
	return r;
}

static struct fl_buf format_key(struct fl_str system, struct fl_str event)
{
	struct fl_buf key = {};

	fl_buf_add_str(&key, system);
	fl_buf_addc(&key, '/');
	fl_buf_add_str(&key, event);
	return key;
}

static int add_format(struct fl_target *t, const struct fl_format *f, struct fl_format **ret)
{
	_cleanup_buf_ struct fl_buf key = format_key(f->system, f->name);
	struct fl_format *copy = FL_ARENA_NEW(&t->arena, struct fl_format);
	char *name = fl_arena_dup(&t->arena, fl_buf_str(&key));
	struct fl_map_entry *e = name && copy ? fl_map_put(&t->formats, fl_str(name), NULL) : NULL;

	if (!e)
		return -ENOMEM;
	*copy = *f;
	e->ptr = copy;
	*ret = copy;
	return 0;
}

int fl_target_put_format(struct fl_target *t, struct fl_str system, struct fl_str text,
			 struct fl_diag *diag)
{
	struct fl_format f, *added;
	int r = fl_format_parse(system, text, &t->arena, diag, &f);

	return r < 0 ? r : add_format(t, &f, &added);
}

int fl_target_format(struct fl_target *t, struct fl_str system, struct fl_str event,
		     const struct fl_format **ret)
{
	_cleanup_buf_ struct fl_buf key = format_key(system, event);
	struct fl_map_entry *e = fl_map_get(&t->formats, fl_buf_str(&key));
	struct fl_format f, *added;
	int r;

	if (e) {
		*ret = e->ptr;
		return 0;
	}
	r = read_format(t, system, event, &f);
	if (r < 0)
		return r;
	f.name = event; /* what the folder is called is what it is asked for */
	r = add_format(t, &f, &added);
	if (r < 0)
		return r;
	added->name = fl_str(fl_arena_dup(&t->arena, event));
	*ret = added;
	return 0;
}

struct event_walk {
	struct fl_str glob;
	bool whole; /* the glob is of "SYSTEM/EVENT" */
	int (*fn)(void *ctx, struct fl_str system, struct fl_str event);
	void *ctx;
};

static bool event_matches(const struct event_walk *w, struct fl_str system, struct fl_str event)
{
	_cleanup_buf_ struct fl_buf key = {};

	if (!w->whole)
		return fl_str_glob(w->glob, event);
	key = format_key(system, event);
	return fl_str_glob(w->glob, fl_buf_str(&key));
}

static int walk_system(const struct event_walk *w, const char *folder, const char *system)
{
	_cleanup_(names_fini) struct names events = {};
	_cleanup_arena_ struct fl_arena arena = {};
	_cleanup_buf_ struct fl_buf path = {};
	int r;

	fl_buf_addf(&path, "%s/%s", folder, system);
	r = path.error ?: list_folder(fl_buf_z(&path), true, &arena, &events);
	for (size_t i = 0; i < events.n && r == 0; i++)
		if (event_matches(w, fl_str(system), fl_str(events.v[i])))
			r = w->fn(w->ctx, fl_str(system), fl_str(events.v[i]));
	return r == -ENOTDIR ? 0 : r;
}

int fl_target_each_event(struct fl_target *t, struct fl_str glob,
			 int (*fn)(void *ctx, struct fl_str system, struct fl_str event), void *ctx)
{
	struct event_walk w = { glob, fl_str_find(glob, '/', 0) < glob.n, fn, ctx };
	_cleanup_(names_fini) struct names systems = {};
	_cleanup_arena_ struct fl_arena arena = {};
	_cleanup_buf_ struct fl_buf folder = {};
	int r;

	r = events_folder(t, &folder);
	if (r == 0)
		r = list_folder(fl_buf_z(&folder), true, &arena, &systems);
	for (size_t i = 0; i < systems.n && r == 0; i++)
		r = walk_system(&w, fl_buf_z(&folder), systems.v[i]);
	return r;
}

/* ---- what was given ---- */

static int check_folder(struct fl_target *t, const char *path)
{
	_cleanup_closedir_ DIR *dir = path ? opendir(path) : NULL;
	int err = errno;

	if (!path || dir)
		return 0;
	fl_fail_open(&t->why, path, err);
	return -err;
}

static int check_readme(struct fl_target *t)
{
	_cleanup_buf_ struct fl_buf text = {};
	int r = t->opts.readme ? fl_target_readme(t, &text) : 0;

	if (r < 0)
		fl_fail_open(&t->why, t->opts.readme, -r);
	return r;
}

int fl_target_check(struct fl_target *t)
{
	struct fl_ksyms *k;
	struct fl_btf *btf;
	int r = 0;

	for (size_t i = 0; i < t->opts.btf.n && r == 0; i++)
		r = open_object(t, i, &btf);
	if (r == 0 && t->opts.kallsyms)
		r = fl_target_ksyms(t, &k);
	if (r == 0)
		r = check_readme(t);
	if (r == 0)
		r = check_folder(t, t->opts.events);
	return r < 0 ? r : check_folder(t, t->opts.root);
}

/* ---- files ---- */

void fl_target_path(const struct fl_target *t, struct fl_str path, struct fl_buf *out)
{
	if (t->opts.root)
		fl_buf_addz(out, t->opts.root);
	fl_buf_add_str(out, path);
}

void fl_target_set_process(struct fl_target *t, uint32_t pid)
{
	t->process = pid;
}

uint32_t fl_target_process(const struct fl_target *t)
{
	return t->process;
}

int fl_target_readme(struct fl_target *t, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_close_ int fd = -1;

	if (t->opts.readme)
		fl_buf_addz(&path, t->opts.readme);
	else if (is_offline(&t->opts) || !fl_target_tracefs(t))
		return -ENOENT;
	else
		fl_buf_addf(&path, "%s/README", fl_target_tracefs(t));
	if (path.error)
		return path.error;
	fd = open(fl_buf_z(&path), O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fl_buf_read_fd(out, fd, 1u << 20);
}

void fl_target_put_dialect(struct fl_target *t, struct fl_dialect_rules *rules)
{
	free(t->dialect);
	t->dialect = rules;
}

const struct fl_dialect_rules *fl_target_dialect(const struct fl_target *t)
{
	return t->dialect;
}
