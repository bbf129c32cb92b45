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

#include "probe/lang/format.h"
#include "tree/dir.h"

struct log_entry {
	char *text; /* everything behind the time stamp */
	uint64_t usec;
};

struct tracefs {
	struct fl_target *target;
	enum fl_dialect dialect;
	struct fl_event_list events;
	struct log_entry log[FL_TRACEFS_LOG_MAX]; /* oldest first */
	size_t nr_log;
	bool events_stale; /* events/ does not show the list as it is */
};

/* One of the files of a struct tracefs. What a reader sees is made when it opens the file. */
struct file {
	struct fl_node node;
	struct tracefs *fs;
	const struct file_ops *ops;
};

struct file_ops {
	const char *name;
	mode_t mode;
	enum fl_probe_file events; /* of the event files */
	void (*show)(const struct file *f, struct fl_buf *out);
	void (*truncate)(struct file *f);
	ssize_t (*write)(struct file *f, struct fl_str text);
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

static void log_clear(struct file *f)
{
	while (f->fs->nr_log)
		forget_oldest(f->fs);
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

static void log_show(const struct file *f, struct fl_buf *out)
{
	for (size_t i = 0; i < f->fs->nr_log; i++) {
		const struct log_entry *e = &f->fs->log[i];

		fl_buf_addf(out, "[%5" PRIu64 ".%06" PRIu64 "] %s", e->usec / 1000000,
			    e->usec % 1000000, e->text);
	}
}

static ssize_t log_write(struct file *f, struct fl_str text)
{
	return text.n;
}

/* ---- event files ---- */

static void events_show(const struct file *f, struct fl_buf *out)
{
	const struct fl_dialect_rules *rules = &fl_dialects[f->fs->dialect];

	for (size_t i = 0; i < f->fs->events.n; i++) {
		const struct fl_probe_event *e = f->fs->events.events[i];

		if (!fl_event_in_file(e, f->ops->events))
			continue;
		fl_probe_event_list(e, out);
		fl_buf_addc(out, '\n');
		if (rules->has_casts)
			fl_probe_event_dump(e, rules->dump, out);
	}
}

static void events_clear(struct file *f)
{
	fl_event_list_clear(&f->fs->events, f->ops->events);
	f->fs->events_stale = true;
}

static int apply(struct file *f, struct fl_str line)
{
	_cleanup_verdict_ struct fl_probe_verdict verdict = {};
	int r;

	r = fl_event_list_apply(&f->fs->events, f->fs->target, f->fs->dialect, f->ops->events, line,
				NULL, &verdict);
	f->fs->events_stale = true;
	for (size_t i = 0; i < verdict.nr_entries; i++)
		log_add(f->fs, &verdict.entries[i]);
	return r;
}

static ssize_t events_write(struct file *f, struct fl_str text)
{
	struct fl_str rest = text, line;

	while (fl_str_line(&rest, &line)) {
		int r = line.n < FL_TRACEFS_LINE_MAX ? apply(f, line) : -EINVAL;

		if (r < 0)
			return r;
	}
	return text.n;
}

static void readme_show(const struct file *f, struct fl_buf *out)
{
	fl_tracefs_readme(f->fs->dialect, out);
}

static const struct file_ops files[] = {
	{ "README", 0444, 0, readme_show },
	{ "dynamic_events", 0644, FL_FILE_DYNAMIC_EVENTS, events_show, events_clear, events_write },
	{ "error_log", 0644, 0, log_show, log_clear, log_write },
	{ "kprobe_events", 0644, FL_FILE_KPROBE_EVENTS, events_show, events_clear, events_write },
	{ "uprobe_events", 0644, FL_FILE_UPROBE_EVENTS, events_show, events_clear, events_write },
};

/* ---- nodes ---- */

static struct file *to_file(struct fl_node *n)
{
	return FL_CONTAINER_OF(n, struct file, node);
}

static int file_open(struct fl_open *o)
{
	struct file *f = to_file(o->node);
	struct fl_buf *text;

	if ((o->flags & O_ACCMODE) != O_RDONLY && o->flags & O_TRUNC && f->ops->truncate)
		f->ops->truncate(f);
	if ((o->flags & O_ACCMODE) == O_WRONLY)
		return 0;
	text = calloc(1, sizeof(*text));
	if (!text)
		return -ENOMEM;
	f->ops->show(f, text);
	o->state = text;
	return text->error;
}

static void file_release(struct fl_open *o)
{
	if (o->state)
		fl_buf_fini(o->state);
	free(o->state);
}

static ssize_t file_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	struct fl_str part = fl_str_sub(fl_buf_str(o->state), pos, n);

	memcpy(buf, part.p, part.n);
	return part.n;
}

static ssize_t file_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos)
{
	struct file *f = to_file(o->node);

	return f->ops->write(f, fl_str_n(buf, n));
}

static void file_free(struct fl_node *n)
{
	free(to_file(n));
}

static const struct fl_node_ops node_ops = {
	.open = file_open,
	.release = file_release,
	.read = file_read,
	.write = file_write,
	.free = file_free,
};

static struct fl_node *file_new(struct tracefs *fs, const struct file_ops *ops)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fs = fs;
	f->ops = ops;
	f->node = (struct fl_node){ .ops = &node_ops, .type = FL_NODE_FILE, .mode = ops->mode, .refs = 1 };
	return &f->node;
}

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

struct fl_node *fl_tracefs_new(struct fl_target *target, enum fl_dialect dialect)
{
	struct tracefs *fs = calloc(1, sizeof(*fs));
	struct fl_node *root = fs ? fl_dir_new(&root_ops, fs) : NULL;

	if (!root) {
		free(fs);
		return NULL;
	}
	fs->target = target;
	fs->dialect = dialect;
	for (size_t i = 0; i < FL_ARRAY_SIZE(files); i++)
		if (fl_dir_add(root, fl_str(files[i].name), file_new(fs, &files[i])) < 0)
			return fl_node_unref(root);
	if (fl_dir_add(root, FL_STR("events"), fl_dir_new(&events_ops, fs)) < 0)
		return fl_node_unref(root);
	return root;
}
