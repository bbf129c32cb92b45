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

#include "base/file.h"
#include "base/num.h"
#include "probe/event/format.h"
#include "probe/tracefs/private.h"

#define MAX_FORMAT (1u << 20)

/*
 * What the files of one directory point to. It is made once for a name and stays as long as the tree, for
 * the sake of files that somebody still holds open.
 */
struct place {
	struct place *next;
	struct tracefs *fs;
	char *system, *event; /* event NULL: the system's own directory */
	bool is_kernels, filled;
	unsigned int id;
	struct fl_node *dir; /* borrowed; NULL while it is not there */
};

static struct place *place_of(struct tracefs *fs, struct fl_str system, const struct fl_str *event)
{
	struct place *p = fs->places;

	while (p && !(fl_str_is(system, p->system) &&
		      (event ? p->event && fl_str_is(*event, p->event) : !p->event)))
		p = p->next;
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct place){ fs->places, fs, fl_str_dup(system), event ? fl_str_dup(*event) : NULL };
	if (!p->system || (event && !p->event)) {
		free(p->system);
		free(p->event);
		free(p);
		return NULL;
	}
	fs->places = p;
	return p;
}

void tracefs_free_places(struct tracefs *fs)
{
	while (fs->places) {
		struct place *p = fs->places;

		fs->places = p->next;
		free(p->system);
		free(p->event);
		free(p);
	}
}

/* ---- the files of an event ---- */

static const struct fl_probe_event *event_of(const struct place *p)
{
	return fl_event_list_find(&p->fs->events, fl_str(p->system), fl_str(p->event));
}

/* A file of the kernel's own directory, as it is. */
static int copy(const struct place *p, const char *name, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	int r;

	fl_buf_addf(&path, "%s/events/%s/%s/%s", fl_target_tracefs(p->fs->target), p->system, p->event, name);
	r = path.error ? path.error : fl_file_open(fl_buf_z(&path), MAX_FORMAT, &f);
	if (r == 0)
		fl_buf_add_str(out, fl_file_str(&f));
	return r;
}

static int format_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;
	const struct fl_probe_event *e = event_of(p);

	if (p->is_kernels)
		return copy(p, "format", out);
	if (!e)
		return -ENODEV;
	fl_format_print(e, p->id, out);
	return 0;
}

static int id_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	if (p->is_kernels)
		return copy(p, "id", out);
	fl_buf_addf(out, "%u\n", p->id);
	return 0;
}

static int enable_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;
	const struct fl_probe_event *e = event_of(p);

	fl_buf_addz(out, e && tracefs_is_enabled(p->fs, e) ? "1\n" : "0\n");
	return 0;
}

static int enable_store(struct fl_node *attr, struct fl_str text)
{
	const struct place *p = attr->data;
	uint64_t v;

	if (fl_parse_u64(fl_str_trim(text), 10, &v) < 0 || v > 1)
		return -EINVAL;
	if (v && p->is_kernels)
		return -EOPNOTSUPP;
	if (v)
		return tracefs_enable(p->fs, fl_str(p->system), fl_str(p->event));
	tracefs_disable(p->fs, fl_str(p->system), fl_str(p->event));
	return 0;
}

static int filter_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, "none\n");
	return 0;
}

/* "0" takes a filter away, and there is none. */
static int filter_store(struct fl_node *attr, struct fl_str text)
{
	return fl_str_is(fl_str_trim(text), "0") ? 0 : -EOPNOTSUPP;
}

static int trigger_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, "# Available triggers:\n#\n");
	return 0;
}

static int trigger_store(struct fl_node *attr, struct fl_str text)
{
	return -EOPNOTSUPP;
}

struct attr_row {
	const char *name;
	mode_t mode;
	struct fl_attr_ops ops;
};

static const struct attr_row event_attrs[] = {
	{ "enable", 0644, { enable_show, enable_store } },
	{ "filter", 0644, { filter_show, filter_store } },
	{ "format", 0444, { format_show } },
	{ "id", 0444, { id_show } },
	{ "trigger", 0644, { trigger_show, trigger_store } },
};

static int add_attrs(struct fl_node *dir, const struct attr_row *rows, size_t n, void *data)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct fl_node *attr = fl_attr_new(&rows[i].ops, rows[i].mode, data);

		if (attr)
			attr->lasting = dir->lasting;
		r = fl_dir_add(dir, fl_str(rows[i].name), attr);
	}
	return r;
}

static int fill_event(struct fl_node *dir)
{
	struct place *p = dir->data;

	if (p->filled)
		return 0;
	p->filled = true;
	return add_attrs(dir, event_attrs, FL_ARRAY_SIZE(event_attrs), p);
}

static int event_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = fill_event(dir);

	return r < 0 ? r : fl_dir_lookup(dir, name, ret);
}

static int event_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = fill_event(dir);

	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops event_ops = { .lookup = event_lookup, .readdir = event_readdir,
					      .free = fl_dir_free };

static int add_event(struct fl_node *system, struct place *p)
{
	p->filled = false;
	p->dir = fl_dir_new(&event_ops, p);
	if (p->dir)
		p->dir->lasting = p->is_kernels;
	return fl_dir_add(system, fl_str(p->event), p->dir);
}

/* ---- a system ---- */

/* "0", "1", or "X" where some are on. */
static const char *state_of(const struct tracefs *fs, const char *system)
{
	size_t on = 0, all = 0;

	for (size_t i = 0; i < fs->events.n; i++)
		if (!system || fl_str_is(fs->events.events[i]->group, system)) {
			all++;
			on += tracefs_is_enabled(fs, fs->events.events[i]);
		}
	return !on ? "0\n" : on == all ? "1\n" : "X\n";
}

static int system_enable_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	fl_buf_addz(out, state_of(p->fs, p->system));
	return 0;
}

static int set_all(struct tracefs *fs, const char *system, struct fl_str text)
{
	_cleanup_buf_ struct fl_buf words = {};
	uint64_t v;

	if (fl_parse_u64(fl_str_trim(text), 10, &v) < 0 || v > 1)
		return -EINVAL;
	fl_buf_addf(&words, "%s%s:*", v ? "" : "!", system ? system : "*");
	return words.error ? words.error : tracefs_set_event(fs, fl_buf_str(&words));
}

static int system_enable_store(struct fl_node *attr, struct fl_str text)
{
	const struct place *p = attr->data;

	return set_all(p->fs, p->system, text);
}

static const struct attr_row system_attrs[] = {
	{ "enable", 0644, { system_enable_show, system_enable_store } },
	{ "filter", 0644, { filter_show, filter_store } },
};

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
	struct place *system = dir->data, *p = place_of(system->fs, fl_str(system->system), &name);

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
	r = add_attrs(dir, system_attrs, FL_ARRAY_SIZE(system_attrs), p);
	return r < 0 || !p->is_kernels ? r : each_folder(p->fs, p->system, add_kernels_event, dir);
}

static int system_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = fill_system(dir);

	return r < 0 ? r : fl_dir_lookup(dir, name, ret);
}

static int system_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = fill_system(dir);

	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops system_ops = { .lookup = system_lookup, .readdir = system_readdir,
					       .free = fl_dir_free };

static struct place *system_place(struct tracefs *fs, struct fl_str name, bool is_kernels)
{
	struct place *p = place_of(fs, name, NULL);

	if (!p || p->dir)
		return p;
	p->is_kernels = is_kernels;
	p->filled = false;
	p->dir = fl_dir_new(&system_ops, p);
	if (p->dir)
		p->dir->lasting = is_kernels;
	if (fl_dir_add(fs->events_dir, name, p->dir) < 0) {
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

static void drop_gone(struct tracefs *fs)
{
	for (struct place *p = fs->places; p; p = p->next) {
		struct place *system;

		if (!p->event || p->is_kernels || !p->dir || event_of(p))
			continue;
		system = place_of(fs, fl_str(p->system), NULL);
		fl_dir_remove(system->dir, fl_str(p->event));
		p->dir = NULL;
		if (system->is_kernels || fl_dir_count(system->dir) > FL_ARRAY_SIZE(system_attrs))
			continue;
		fl_dir_remove(fs->events_dir, fl_str(system->system));
		system->dir = NULL;
	}
}

static int add_ours(struct tracefs *fs, const struct fl_probe_event *e)
{
	struct place *system = system_place(fs, e->group, false);
	struct place *p = system ? place_of(fs, e->group, &e->event) : NULL;
	int r = p ? fill_system(system->dir) : -ENOMEM;

	if (r < 0 || p->dir)
		return r; /* several probes of one event share its directory */
	p->is_kernels = false;
	if (!p->id)
		p->id = fs->next_id--;
	return add_event(system->dir, p);
}

void tracefs_events_changed(struct tracefs *fs)
{
	tracefs_forget_removed(fs);
	fs->events_stale = true;
}

static int refresh(struct tracefs *fs)
{
	int r = 0;

	if (!fs->kernels_listed && fl_target_is_live(fs->target) && fl_target_tracefs(fs->target)) {
		fs->kernels_listed = true;
		r = each_folder(fs, "", add_kernels_system, fs);
	}
	if (!fs->events_stale || r < 0)
		return r;
	drop_gone(fs);
	for (size_t i = 0; i < fs->events.n && r == 0; i++)
		r = add_ours(fs, fs->events.events[i]);
	fs->events_stale = r < 0;
	return r;
}

static int events_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = refresh(dir->data);

	return r < 0 ? r : fl_dir_lookup(dir, name, ret);
}

static int events_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = refresh(dir->data);

	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops events_ops = { .lookup = events_lookup, .readdir = events_readdir,
					       .free = fl_dir_free };

static int all_enable_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, state_of(attr->data, NULL));
	return 0;
}

static int all_enable_store(struct fl_node *attr, struct fl_str text)
{
	return set_all(attr->data, NULL, text);
}

static const struct attr_row all_attrs[] = {
	{ "enable", 0644, { all_enable_show, all_enable_store } },
};

/* ---- set_event, available_events ---- */

/* "SYSTEM:EVENT", "SYSTEM:" and "EVENT", with "!" in front to switch off. */
int tracefs_set_event(struct tracefs *fs, struct fl_str text)
{
	bool off = text.n && text.p[0] == '!';
	struct fl_str word = off ? fl_str_from(text, 1) : text, system = FL_STR("*"), event = word;
	size_t colon = fl_str_find(word, ':', 0);
	int r = -EINVAL;

	if (colon < word.n) {
		system = fl_str_sub(word, 0, colon);
		event = fl_str_from(word, colon + 1);
		event = event.n ? event : FL_STR("*");
	}
	for (size_t i = 0; i < fs->events.n; i++) {
		const struct fl_probe_event *e = fs->events.events[i];
		bool meant = fl_str_glob(event, e->event) || (colon == word.n && fl_str_glob(word, e->group));

		if (!fl_str_glob(system, e->group) || !meant)
			continue;
		if (off)
			tracefs_disable(fs, e->group, e->event);
		r = off ? 0 : tracefs_enable(fs, e->group, e->event);
		if (r < 0)
			return r;
	}
	/* None of ours: the kernel's cannot be switched on here, and are off. */
	return off ? 0 : r == -EINVAL && fs->kernels_listed ? -EOPNOTSUPP : r;
}

void tracefs_show_enabled(struct tracefs *fs, struct fl_buf *out)
{
	for (size_t i = 0; i < fs->events.n; i++) {
		const struct fl_probe_event *e = fs->events.events[i];

		if (tracefs_is_enabled(fs, e) &&
		    fl_event_list_find(&fs->events, e->group, e->event) == e)
			fl_buf_addf(out, "%.*s:%.*s\n", FL_STR_ARG(e->group), FL_STR_ARG(e->event));
	}
}

static int available_show(struct fl_node *attr, struct fl_buf *out)
{
	struct tracefs *fs = attr->data;
	int r = refresh(fs);

	for (struct place *p = fs->places, *next; p && r == 0; p = next) {
		next = p->next;
		if (!p->event && p->dir)
			r = fill_system(p->dir);
	}
	for (const struct place *p = fs->places; p && r == 0; p = p->next)
		if (p->event && p->dir)
			fl_buf_addf(out, "%s:%s\n", p->system, p->event);
	return r;
}

int tracefs_add_events(struct fl_node *root, struct tracefs *fs)
{
	static const struct fl_attr_ops available = { available_show };
	int r;

	fs->next_id = 65535;
	fs->events_dir = fl_dir_new(&events_ops, fs);
	if (fs->events_dir)
		fs->events_dir->lasting = true;
	r = fl_dir_add(root, FL_STR("events"), fs->events_dir);
	if (r == 0)
		r = add_attrs(fs->events_dir, all_attrs, FL_ARRAY_SIZE(all_attrs), fs);
	return r < 0 ? r : fl_dir_add(root, FL_STR("available_events"), fl_attr_new(&available, 0444, fs));
}
