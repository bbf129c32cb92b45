/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/mount/trees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/say.h"
#include "vfs/dir.h"
#ifdef FL_HAVE_PROBE
#include "probe/target/target.h"
#include "probe/tracefs/tracefs.h"
#endif
#ifdef FL_HAVE_ALLOC
#include "alloc/procfs/allocinfo.h"
#include "alloc/procfs/records-space.h"
#include "alloc/sources/source.h"
#endif
#ifdef FL_HAVE_EPDMA
#include "cli/mount/endpoint.h"
#endif

#define PROC_ALLOCINFO "/proc/allocinfo"

/* Names in the mount, and the paths that they stand over for a command. */
static const struct {
	const char *name;
	unsigned int tree;
	const char *over;
	const char *type; /* of the mount that tools look for there */
	bool beside; /* comes with another one, and is no word of --only */
} places[] = {
	{ "tracing", MOUNT_TRACING, "/sys/kernel/tracing", "tracefs" },
	{ "config", MOUNT_CONFIG, "/sys/kernel/config" },
	{ "pci", MOUNT_PCI, "/sys/bus/pci" },
	{ "pci-epf", MOUNT_CONFIG, "/sys/bus/pci-epf", NULL, true },
	{ "pci_epc", MOUNT_CONFIG, "/sys/class/pci_epc", NULL, true },
	{ "allocinfo", MOUNT_ALLOCINFO, PROC_ALLOCINFO },
};

struct mount_trees {
	struct fl_node *root;
#ifdef FL_HAVE_PROBE
	struct fl_target *target;
	struct fl_node *tracing; /* borrowed */
#endif
#ifdef FL_HAVE_ALLOC
	struct fl_alloc_source *source;
	struct fl_records_space *space;
#endif
#ifdef FL_HAVE_EPDMA
	struct mount_endpoint *endpoint;
#endif
};

int mount_tree_parse(const char *name, unsigned int *ret)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(places); i++)
		if (!places[i].beside && strcmp(places[i].name, name) == 0) {
			*ret = places[i].tree;
			return 0;
		}
	return -EINVAL;
}

size_t mount_trees_binds(unsigned int which, struct fl_mount_bind binds[static MOUNT_BINDS_MAX])
{
	size_t n = 0;

	_Static_assert(FL_ARRAY_SIZE(places) <= MOUNT_BINDS_MAX, "room for each place");
	for (size_t i = 0; i < FL_ARRAY_SIZE(places); i++)
		if (which & places[i].tree)
			binds[n++] = (struct fl_mount_bind){ places[i].name, places[i].over,
								    places[i].type };
	return n;
}

#ifdef FL_HAVE_PROBE
/* root mounts tracefs later, where it is missing; until then the target must not be asked. */
static void say_events(struct fl_target *target)
{
	const char *tracefs = geteuid() == 0 ? NULL : fl_target_tracefs(target);
	_cleanup_buf_ struct fl_buf path = {};

	if (geteuid() == 0)
		return;
	fl_buf_addf(&path, "%s/events", tracefs ? tracefs : "");
	if (!path.error && (!tracefs || access(fl_buf_z(&path), R_OK) < 0))
		fl_say(FL_NOTE, "the kernel's own events are not listed: %s",
		       tracefs ? strerror(errno) : "no tracefs is mounted");
}

static int add_tracing(struct mount_trees *t, bool dump)
{
	const struct fl_target_opts running = {};
	int r = fl_target_open(&running, &t->target);

	if (r < 0)
		return r;
	say_events(t->target);
	t->tracing = fl_tracefs_new(t->target, &(struct fl_tracefs_opts){ .dialect = FL_DIALECT_7_3, .dump = dump });
	return fl_dir_add(t->root, FL_STR("tracing"), t->tracing);
}
#else
static int add_tracing(struct mount_trees *t, bool dump)
{
	return -EOPNOTSUPP;
}
#endif

#ifdef FL_HAVE_EPDMA
/* The endpoint and its host are one tree; the mount shows the parts that commands look for. */
static int show_part(struct mount_trees *t, const char *path, const char *name)
{
	struct fl_node *part;
	int r = fl_node_walk(mount_endpoint_root(t->endpoint), fl_str(path), true, &part);

	return r < 0 ? r : fl_dir_add(t->root, fl_str(name), part);
}

static int add_endpoint(struct mount_trees *t, const struct mount_trees_opts *o)
{
	int r = mount_endpoint_new(o->socket, &t->endpoint);

	for (size_t i = 0; i < FL_ARRAY_SIZE(places) && r == 0; i++)
		if (o->which & places[i].tree & (MOUNT_CONFIG | MOUNT_PCI))
			r = show_part(t, places[i].over, places[i].name);
	return r;
}
#else
static int add_endpoint(struct mount_trees *t, const struct mount_trees_opts *o)
{
	return -EOPNOTSUPP;
}
#endif

#ifdef FL_HAVE_ALLOC
#define LIVE_OBJECTS (1u << 19)

static int read_source(void *ctx, struct fl_alloc_set *set)
{
	const struct fl_alloc_filter all = {};
	struct fl_alloc_findings findings = {};

	return fl_alloc_source_read(ctx, &all, &findings, set);
}

/* The kernel's own file, whose requests it may lack; where there is none, its tracepoints. */
static int open_source(struct mount_trees *t)
{
	_cleanup_buf_ struct fl_buf why = {};
	int r = fl_alloc_source_proc(PROC_ALLOCINFO, &t->source);

	if (r != -ENOENT)
		return r;
	r = fl_alloc_source_kernel(LIVE_OBJECTS, &why, &t->source);
	if (why.len)
		fl_say(FL_NOTE, "allocinfo: %s", fl_buf_z(&why));
	return r;
}

static int add_allocinfo(struct mount_trees *t)
{
	int r = open_source(t);

	if (r == 0)
		r = fl_records_space_new(read_source, t->source, &t->space);
	if (r == 0)
		r = fl_dir_add(t->root, FL_STR("allocinfo"), fl_allocinfo_node(fl_records_space_tags(t->space)));
	return r;
}
#else
static int add_allocinfo(struct mount_trees *t)
{
	return -EOPNOTSUPP;
}
#endif

int mount_trees_new(const struct mount_trees_opts *o, struct mount_trees **ret)
{
	struct mount_trees *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->root = fl_dir_new(NULL, NULL);
	if (!t->root)
		r = -ENOMEM;
	if (r == 0 && o->which & MOUNT_TRACING)
		r = add_tracing(t, o->dump);
	if (r == 0 && o->which & (MOUNT_CONFIG | MOUNT_PCI))
		r = add_endpoint(t, o);
	if (r == 0 && o->which & MOUNT_ALLOCINFO)
		r = add_allocinfo(t);
	if (r < 0)
		mount_trees_free(t);
	else
		*ret = t;
	return r;
}

struct fl_node *mount_trees_root(struct mount_trees *t)
{
	return t->root;
}

int mount_trees_reached(struct mount_trees *t)
{
#ifdef FL_HAVE_PROBE
	if (t->tracing)
		return fl_tracefs_reached(t->tracing);
#endif
	return 0;
}

void mount_trees_tick(struct mount_trees *t)
{
#ifdef FL_HAVE_PROBE
	if (t->tracing)
		fl_tracefs_tick(t->tracing);
#endif
#ifdef FL_HAVE_EPDMA
	mount_endpoint_tick(t->endpoint);
#endif
}

#ifdef FL_HAVE_EPDMA
void mount_trees_lock(struct mount_trees *t)
{
	mount_endpoint_lock(t->endpoint);
}

void mount_trees_unlock(struct mount_trees *t)
{
	mount_endpoint_unlock(t->endpoint);
}
#else
void mount_trees_lock(struct mount_trees *t)
{
}

void mount_trees_unlock(struct mount_trees *t)
{
}
#endif

void mount_trees_free(struct mount_trees *t)
{
	if (!t)
		return;
	fl_node_unref(t->root);
#ifdef FL_HAVE_ALLOC
	fl_records_space_free(t->space);
	fl_alloc_source_close(t->source);
#endif
#ifdef FL_HAVE_EPDMA
	mount_endpoint_free(t->endpoint);
#endif
#ifdef FL_HAVE_PROBE
	fl_target_close(t->target);
#endif
	free(t);
}
