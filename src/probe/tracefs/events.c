/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/SYSTEM/EVENT: those of the running kernel, whose names and formats are read from its own
 * tracefs, and beside them ours. The kernel's are listed, and each directory is filled when somebody
 * looks into it: there are two thousand.
 *
 * Numbers ("id") of ours go from 65535 downward, the kernel's from a few hundred upward, so that they
 * never meet: perf_event_open() of one of ours is refused instead of opening another event.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/tracefs/private.h"

#define SYSTEM_FILES 2 /* enable, filter */

static void make_key(struct fl_str system, const struct fl_str *event, struct fl_buf *key)
{
	fl_buf_add_str(key, system);
	fl_buf_addc(key, '\0');
	if (event)
		fl_buf_add_str(key, *event);
}

static struct place *place_new(struct instance *in, struct fl_str system, const struct fl_str *event)
{
	struct place *p = FL_ARENA_NEW(&in->names, struct place);

	if (!p)
		return NULL;
	p->in = in;
	p->system = fl_arena_dup(&in->names, system);
	p->event = event ? fl_arena_dup(&in->names, *event) : NULL;
	if (!p->system || (event && !p->event))
		return NULL;
	*in->last_place = p;
	in->last_place = &p->next;
	return p;
}

static struct place *place_of(struct instance *in, struct fl_str system, const struct fl_str *event)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;
	char *copy;

	make_key(system, event, &key);
	e = key.error ? NULL : fl_map_get(&in->by_name, fl_buf_str(&key));
	if (e || key.error)
		return e ? e->ptr : NULL;
	copy = fl_arena_dup(&in->names, fl_buf_str(&key));
	e = copy ? fl_map_put(&in->by_name, fl_str_n(copy, key.len), NULL) : NULL;
	if (!e)
		return NULL;
	e->ptr = place_new(in, system, event);
	return e->ptr;
}

void tracefs_free_places(struct instance *in)
{
	for (struct place *p = in->places; p; p = p->next) {
		commands_free(p);
		fl_filter_fini(&p->here);
		free(p->filter);
		free(p->refused);
	}
	fl_map_fini(&in->by_name);
	fl_arena_fini(&in->names);
}

struct place *place_named(struct instance *in, struct fl_str system, struct fl_str event)
{
	return place_of(in, system, &event);
}

/* The kernel's have their place once their system was looked at. */
struct place *place_find(struct instance *in, struct fl_str system, struct fl_str event)
{
	_cleanup_free_ char *name = fl_str_dup(system);
	struct place *p;

	if (!name || tracefs_list_places(in, name) < 0)
		return NULL;
	p = place_of(in, system, &event);
	return p && p->dir ? p : NULL;
}

const struct fl_probe_event *place_event(const struct place *p)
{
	if (p->is_kernels)
		return NULL;
	return fl_event_list_find(&p->in->fs->events, fl_str(p->system), fl_str(p->event));
}

/* ---- an event ---- */

/* The kernel may still lead to a directory that has gone, or has been made anew since. */
static int now_at(struct fl_node **dir)
{
	const struct place *p = (*dir)->data;

	if (!p->dir)
		tracefs_list_places(p->in, p->system);
	*dir = p->dir;
	return *dir ? 0 : -ENOENT;
}

static int fill_event(struct fl_node **dir)
{
	struct place *p = (*dir)->data;
	int r = now_at(dir);

	if (r < 0 || p->filled)
		return r;
	p->filled = true;
	return place_fill(p);
}

static int event_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = fill_event(&dir);

	return r < 0 ? r : fl_dir_lookup(dir, name, ret);
}

static int event_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = fill_event(&dir);

	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops event_ops = { .lookup = event_lookup, .readdir = event_readdir,
					      .free = fl_dir_free };

static int add_event(struct fl_node *system, struct place *p)
{
	p->filled = false;
	p->dir = instance_owns(p->in, fl_dir_new(&event_ops, p));
	if (p->dir)
		p->dir->lasting = system->lasting && p->is_kernels;
	return fl_dir_add(system, fl_str(p->event), p->dir);
}

/* ---- a system ---- */

/* Each name in a folder of the kernel's own tracefs that is a folder itself. */
static int each_folder(const struct tracefs *fs, const char *beneath, int (*fn)(void *ctx, struct fl_str name),
		       void *ctx)
{
	_cleanup_buf_ struct fl_buf path = {};
	struct dirent *e;
	DIR *d;
	int r = 0;

	fl_buf_addf(&path, "%s/events/%s", fl_target_tracefs(fs->target), beneath);
	d = path.error ? NULL : opendir(fl_buf_z(&path));
	if (!d)
		return path.error ? path.error : -errno;
	while (r == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.' && e->d_type == DT_DIR)
			r = fn(ctx, fl_str(e->d_name));
	closedir(d);
	return r;
}

static int add_kernels_event(void *ctx, struct fl_str name)
{
	struct fl_node *dir = ctx;
	struct place *system = dir->data, *p = place_of(system->in, fl_str(system->system), &name);

	if (!p)
		return -ENOMEM;
	if (p->dir)
		return 0; /* one of ours has the name; the kernel would have refused it */
	p->is_kernels = true;
	return add_event(dir, p);
}

static int fill_system(struct fl_node *dir)
{
	struct place *p = dir->data;
	int r;

	if (p->filled)
		return 0;
	p->filled = true;
	r = place_fill(p);
	if (r < 0 || !p->is_kernels || !fl_target_is_live(p->in->fs->target))
		return r;
	return each_folder(p->in->fs, p->system, add_kernels_event, dir);
}

/* Modules come with events of their own: whoever asks for what is not there, or for all, has it looked up again. */
static int look_again(struct fl_node *dir)
{
	struct place *p = dir->data;

	if (!p->is_kernels || !fl_target_is_live(p->in->fs->target))
		return 0;
	return each_folder(p->in->fs, p->system, add_kernels_event, dir);
}

static int system_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = now_at(&dir);

	if (r == 0)
		r = fill_system(dir);
	if (r == 0)
		r = fl_dir_lookup(dir, name, ret);
	if (r == -ENOENT && dir && look_again(dir) == 0)
		r = fl_dir_lookup(dir, name, ret);
	return r;
}

static int system_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = now_at(&dir);

	if (r == 0)
		r = fill_system(dir);
	if (r == 0)
		look_again(dir);
	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops system_ops = { .lookup = system_lookup, .readdir = system_readdir,
					       .free = fl_dir_free };

static struct place *system_place(struct instance *in, struct fl_str name, bool is_kernels)
{
	struct place *p = place_of(in, name, NULL);

	if (!p || p->dir)
		return p;
	p->is_kernels = is_kernels;
	p->filled = false;
	p->dir = instance_owns(in, fl_dir_new(&system_ops, p));
	if (p->dir)
		p->dir->lasting = in->events_dir->lasting && is_kernels;
	if (fl_dir_add(in->events_dir, name, p->dir) < 0) {
		p->dir = NULL;
		return NULL;
	}
	return p;
}

static int add_kernels_system(void *ctx, struct fl_str name)
{
	return system_place(ctx, name, true) ? 0 : -ENOMEM;
}

/* ---- events/ ---- */

static bool is_kernels_event_there(const struct place *p)
{
	_cleanup_buf_ struct fl_buf path = {};

	fl_buf_addf(&path, "%s/events/%s/%s", fl_target_tracefs(p->in->fs->target), p->system, p->event);
	return path.error || access(fl_buf_z(&path), F_OK) == 0;
}

static void drop_gone(struct instance *in, bool kernels)
{
	for (struct place *p = in->places; p; p = p->next) {
		struct place *system;

		if (!p->event || !p->dir || p->is_kernels != kernels ||
		    (kernels ? is_kernels_event_there(p) : place_event(p) != NULL))
			continue;
		system = place_of(in, fl_str(p->system), NULL);
		fl_dir_remove(system->dir, fl_str(p->event));
		p->dir = NULL;
		free(p->filter);
		free(p->refused);
		p->filter = p->refused = NULL;
		commands_free(p);
		in->nr_wanted -= p->wanted;
		p->wanted = false;
		if ((system->is_kernels && !kernels) || fl_dir_count(system->dir) > SYSTEM_FILES)
			continue;
		fl_dir_remove(in->events_dir, fl_str(system->system));
		system->dir = NULL;
	}
}

static int add_ours(struct instance *in, const struct fl_probe_event *e)
{
	struct place *system = system_place(in, e->group, false);
	struct place *p = system ? place_of(in, e->group, &e->event) : NULL;
	int r = p ? fill_system(system->dir) : -ENOMEM;

	if (r < 0 || p->dir)
		return r; /* several probes of one event share its directory */
	p->is_kernels = false;
	if (!p->id)
		p->id = in->fs->next_id--;
	return add_event(system->dir, p);
}

void tracefs_events_changed(struct tracefs *fs)
{
	tracefs_forget_removed(fs);
	for (struct instance *in = fs->instances; in; in = in->next)
		in->events_stale = true;
}

/* Those of files, all at once: nobody writes to these. */
static int add_filed_event(void *ctx, struct fl_str system, struct fl_str event)
{
	struct place *s = system_place(ctx, system, true);
	int r = s ? fill_system(s->dir) : -ENOMEM;

	return r < 0 ? r : add_kernels_event(s->dir, event);
}

static int refresh(struct instance *in)
{
	struct tracefs *fs = in->fs;
	int r = 0;

	if (!in->root)
		return -ENOENT;
	tracefs_look_for_modules(fs);
	if (!in->kernels_listed && !fl_target_is_live(fs->target)) {
		in->kernels_listed = true;
		fl_target_each_event(fs->target, FL_STR("*"), add_filed_event, in);
	}
	if (!in->kernels_listed && fl_target_is_live(fs->target) && fl_target_tracefs(fs->target)) {
		in->kernels_listed = true;
		r = each_folder(fs, "", add_kernels_system, in);
		if (r == -EACCES || r == -EPERM) /* another user's: ours are listed */
			r = 0;
	}
	if (!in->events_stale || r < 0)
		return r;
	drop_gone(in, false);
	for (size_t i = 0; i < fs->events.n && r == 0; i++)
		r = add_ours(in, fs->events.events[i]);
	in->events_stale = r < 0;
	return r;
}

int tracefs_list_places(struct instance *in, const char *system)
{
	int r = refresh(in);

	for (struct place *p = in->places; p && r == 0; p = p->next)
		if (!p->event && p->dir && (!system || strcmp(p->system, system) == 0))
			r = fill_system(p->dir);
	return r;
}

static int look_for_systems(struct instance *in)
{
	if (!fl_target_is_live(in->fs->target) || !fl_target_tracefs(in->fs->target))
		return 0;
	return each_folder(in->fs, "", add_kernels_system, in);
}

static int events_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = refresh(dir->data);

	if (r == 0)
		r = fl_dir_lookup(dir, name, ret);
	if (r == -ENOENT && look_for_systems(dir->data) == 0)
		r = fl_dir_lookup(dir, name, ret);
	return r;
}

static int events_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = refresh(dir->data);

	if (r == 0)
		look_for_systems(dir->data);
	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops events_ops = { .lookup = events_lookup, .readdir = events_readdir,
					       .free = fl_dir_free };

/* ---- modules ---- */

bool tracefs_is_placed(const struct tracefs *fs, const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_ksyms *syms;

	if (fl_target_ksyms(fs->target, &syms) < 0)
		return false;
	if (e->kind == FL_PROBE_TPROBE)
		fl_buf_addf(&name, "__traceiter_%.*s", FL_STR_ARG(e->place.symbol));
	else if (e->place.module.n)
		fl_buf_addf(&name, "%.*s:%.*s", FL_STR_ARG(e->place.module), FL_STR_ARG(e->place.symbol));
	else
		fl_buf_add_str(&name, e->place.symbol);
	return !name.error && fl_ksyms_find(syms, fl_buf_str(&name), NULL, 0) > 0;
}

static void begin_deferred(struct tracefs *fs)
{
	for (size_t i = 0; i < fs->events.n; i++) {
		struct fl_probe_event *e = fs->events.events[i];

		if (!e->deferred || !tracefs_is_placed(fs, e))
			continue;
		e->deferred = false;
		for (struct instance *in = fs->instances; in; in = in->next) {
			struct place *p = place_named(in, e->group, e->event);

			if (p && p->is_running)
				live_restart(p);
		}
	}
}

void tracefs_look_for_modules(struct tracefs *fs)
{
	if (!fl_target_is_live(fs->target) || !fl_target_refresh(fs->target))
		return;
	for (struct instance *in = fs->instances; in; in = in->next) {
		if (in->kernels_listed && fl_target_tracefs(fs->target))
			drop_gone(in, true);
		in->kernels_listed = false;
	}
	begin_deferred(fs);
}

static int available_show(struct fl_node *attr, struct fl_buf *out)
{
	struct instance *in = attr->data;
	int r = tracefs_list_places(in, NULL);

	for (const struct place *p = in->places; p && r == 0; p = p->next)
		if (p->event && p->dir)
			fl_buf_addf(out, "%s:%s\n", p->system, p->event);
	return r;
}

/* How the kernel's ring is laid out, for who reads pages of it. */
static int copy_head(const struct instance *in, const char *name, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	const char *tracefs = fl_target_is_live(in->fs->target) ? fl_target_tracefs(in->fs->target) : NULL;
	int r;

	if (!tracefs)
		return -EOPNOTSUPP;
	fl_buf_addf(&path, "%s/events/%s", tracefs, name);
	r = path.error ? path.error : fl_file_open(fl_buf_z(&path), 4096, &f);
	if (r == 0)
		fl_buf_add_str(out, fl_file_str(&f));
	return r;
}

static int page_show(struct fl_node *attr, struct fl_buf *out)
{
	return copy_head(attr->data, "header_page", out);
}

static int event_show(struct fl_node *attr, struct fl_buf *out)
{
	return copy_head(attr->data, "header_event", out);
}

static const struct attr_row heads[] = {
	{ "header_page", 0444, { page_show } },
	{ "header_event", 0444, { event_show } },
};

int tracefs_add_events(struct instance *in)
{
	static const struct attr_row available = { "available_events", 0444, { available_show } };
	int r;

	in->events_dir = instance_owns(in, fl_dir_new(&events_ops, in));
	if (in->events_dir) /* the folder of an instance may be removed, and made anew */
		in->events_dir->lasting = in == in->fs->top || !in->fs->top;
	r = fl_dir_add(in->root, FL_STR("events"), in->events_dir);
	if (r == 0)
		r = tracefs_add_enable(in);
	if (r == 0)
		r = tracefs_add_attrs(in, in->events_dir, heads, FL_ARRAY_SIZE(heads), in);
	return r < 0 || in->fs->top ? r : tracefs_add_attrs(in, in->root, &available, 1, in);
}
