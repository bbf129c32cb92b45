/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A write to an event file is cut into lines and each is applied; the first that is refused ends it
 * with that errno, and what stood before it stays. Opening for writing with O_TRUNC ("> file") first
 * removes the file's own kind of events. What is refused with a reason goes to error_log, which keeps
 * the last eight reasons and is emptied by the same O_TRUNC.
 */
#include "probe/tracefs/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "probe/event/format.h"
#include "vfs/dir.h"

struct log_entry {
	char *text; /* everything behind the time stamp */
	uint64_t usec;
};

/* One of the files that list events; the others need nothing but the whole. */
struct event_file {
	struct tracefs *fs;
	enum fl_probe_file kind;
};

struct tracefs {
	struct fl_target *target;
	enum fl_dialect dialect;
	bool dump;
	struct fl_event_list events;
	struct log_entry log[FL_TRACEFS_LOG_MAX]; /* oldest first */
	size_t nr_log;
	struct event_file event_files[_FL_FILE_MAX];
	bool events_stale; /* events/ does not show the list as it is */
};

/* ---- error_log ---- */

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

static void forget_oldest(struct tracefs *fs)
{
	free(fs->log[0].text);
	memmove(fs->log, fs->log + 1, --fs->nr_log * sizeof(fs->log[0]));
}

static int log_clear(struct fl_node *attr)
{
	struct tracefs *fs = attr->data;

	while (fs->nr_log)
		forget_oldest(fs);
	return 0;
}

static void log_add(struct tracefs *fs, const struct fl_log_entry *e)
{
	struct fl_buf text = {};
	char *z;

	fl_buf_addf(&text, "%s: error: %s\n", e->subsystem, e->message ? e->message : e->kind->message);
	fl_buf_addf(&text, "  Command: %.*s\n           ", FL_STR_ARG(e->command));
	fl_buf_fill(&text, ' ', e->column);
	fl_buf_addz(&text, "^\n");
	z = fl_buf_take(&text);
	if (!z)
		return; /* the kernel, too, goes on without the entry */
	if (fs->nr_log == FL_TRACEFS_LOG_MAX)
		forget_oldest(fs);
	fs->log[fs->nr_log++] = (struct log_entry){ z, now_usec() };
}

static int log_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct tracefs *fs = attr->data;

	for (size_t i = 0; i < fs->nr_log; i++) {
		const struct log_entry *e = &fs->log[i];

		fl_buf_addf(out, "[%5" PRIu64 ".%06" PRIu64 "] %s", e->usec / 1000000,
			    e->usec % 1000000, e->text);
	}
	return 0;
}

static int log_store(struct fl_node *attr, struct fl_str text)
{
	return 0;
}

static const struct fl_attr_ops log_ops = { log_show, log_store, log_clear };

/* ---- event files ---- */

static int events_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct event_file *f = attr->data;
	const struct fl_dialect_rules *rules = &fl_dialects[f->fs->dialect];

	for (size_t i = 0; i < f->fs->events.n; i++) {
		const struct fl_probe_event *e = f->fs->events.events[i];

		if (!fl_event_in_file(e, f->kind))
			continue;
		fl_probe_event_list(e, out);
		fl_buf_addc(out, '\n');
		if (f->fs->dump && rules->has_casts)
			fl_probe_event_dump(e, rules->dump, out);
	}
	return 0;
}

static int events_clear(struct fl_node *attr)
{
	struct event_file *f = attr->data;

	f->fs->events_stale = true;
	return fl_event_list_clear(&f->fs->events, f->kind);
}

static int apply(struct event_file *f, struct fl_str line)
{
	_cleanup_verdict_ struct fl_probe_verdict verdict = {};
	int r;

	r = fl_event_list_apply(&f->fs->events, f->fs->target, f->fs->dialect, f->kind, line, NULL,
				&verdict);
	f->fs->events_stale = true;
	for (size_t i = 0; i < verdict.nr_entries; i++)
		log_add(f->fs, &verdict.entries[i]);
	return r;
}

static int events_store(struct fl_node *attr, struct fl_str text)
{
	struct fl_str line;
	int r = 0;

	while (r >= 0 && fl_str_line(&text, &line))
		r = line.n < FL_TRACEFS_LINE_MAX ? apply(attr->data, line) : -EINVAL;
	return r;
}

static const struct fl_attr_ops events_attr_ops = { events_show, events_store, events_clear };

static int readme_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct tracefs *fs = attr->data;

	fl_tracefs_readme(fs->dialect, out);
	return 0;
}

static const struct fl_attr_ops readme_ops = { readme_show };

/* ---- events/GROUP/EVENT/{format,id} ---- */

static int show_event(struct fl_node *root, const struct fl_probe_event *e, unsigned int id)
{
	_cleanup_buf_ struct fl_buf path = {}, format = {}, number = {};
	struct fl_node *dir;
	int r;

	fl_buf_addf(&path, "%.*s/%.*s", FL_STR_ARG(e->group), FL_STR_ARG(e->event));
	fl_format_print(e, id, &format);
	fl_buf_addf(&number, "%u\n", id);
	dir = path.error ? NULL : fl_dir_make_path(root, fl_buf_str(&path));
	if (!dir || format.error || number.error)
		return -ENOMEM;
	r = fl_dir_add(dir, FL_STR("format"), fl_text_node_new(fl_buf_str(&format)));
	if (r == -EEXIST)
		return 0; /* several probes of one event share its format */
	return r < 0 ? r : fl_dir_add(dir, FL_STR("id"), fl_text_node_new(fl_buf_str(&number)));
}

/* Made anew when somebody looks, after the list has changed. */
static int refresh(struct fl_node *dir)
{
	struct tracefs *fs = dir->data;
	int r = 0;

	if (!fs->events_stale)
		return 0;
	fl_dir_clear(dir);
	for (size_t i = 0; i < fs->events.n && r == 0; i++)
		r = show_event(dir, fs->events.events[i], i + 1);
	fs->events_stale = r < 0;
	return r;
}

static int events_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret)
{
	int r = refresh(dir);

	return r < 0 ? r : fl_dir_lookup(dir, name, ret);
}

static int events_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx)
{
	int r = refresh(dir);

	return r < 0 ? r : fl_dir_readdir(dir, fn, ctx);
}

static const struct fl_node_ops events_ops = {
	.lookup = events_lookup,
	.readdir = events_readdir,
	.free = fl_dir_free,
};

static void root_free(struct fl_node *root)
{
	struct tracefs *fs = root->data;

	while (fs->nr_log)
		forget_oldest(fs);
	fl_event_list_fini(&fs->events);
	fl_dir_free(root);
	free(fs);
}

static const struct fl_node_ops root_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.free = root_free,
};

static int fill(struct fl_node *root, struct tracefs *fs)
{
	int r = fl_dir_add(root, FL_STR("README"), fl_attr_new(&readme_ops, 0444, fs));

	if (r == 0)
		r = fl_dir_add(root, FL_STR("error_log"), fl_attr_new(&log_ops, 0644, fs));
	for (size_t i = 0; i < _FL_FILE_MAX && r == 0; i++) {
		fs->event_files[i] = (struct event_file){ fs, i };
		r = fl_dir_add(root, fl_str(fl_probe_file_names[i]),
			       fl_attr_new(&events_attr_ops, 0644, &fs->event_files[i]));
	}
	return r < 0 ? r : fl_dir_add(root, FL_STR("events"), fl_dir_new(&events_ops, fs));
}

struct fl_node *fl_tracefs_new(struct fl_target *target, const struct fl_tracefs_opts *opts)
{
	struct tracefs *fs = calloc(1, sizeof(*fs));
	struct fl_node *root = fs ? fl_dir_new(&root_ops, fs) : NULL;

	if (!root) {
		free(fs);
		return NULL;
	}
	fs->target = target;
	fs->dialect = opts->dialect;
	fs->dump = opts->dump;
	if (fill(root, fs) < 0)
		return fl_node_unref(root);
	return root;
}
