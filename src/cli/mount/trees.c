/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/mount/trees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
#include "epdma/endpoint/setup.h"
#include "epdma/sysroot/sysroot.h"
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
#endif
#ifdef FL_HAVE_ALLOC
	struct fl_alloc_source *source;
	struct fl_records_space *space;
#endif
#ifdef FL_HAVE_EPDMA
	struct fl_clock_manual clock;
	struct fl_setup setup;
	struct fl_sysroot *sysroot;
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
static int add_tracing(struct mount_trees *t, bool dump)
{
	const struct fl_target_opts running = {};
	int r = fl_target_open(&running, &t->target);

	if (r < 0)
		return r;
	return fl_dir_add(t->root, FL_STR("tracing"),
			  fl_tracefs_new(t->target, &(struct fl_tracefs_opts){ .dialect = FL_DIALECT_7_3,
									       .dump = dump }));
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
	int r = fl_node_walk(fl_sysroot_root(t->sysroot), fl_str(path), true, &part);

	return r < 0 ? r : fl_dir_add(t->root, fl_str(name), part);
}

static int open_endpoint(struct mount_trees *t)
{
	const struct fl_setup_options board = { .board = "r-car-s4", .clock = &t->clock.clock };
	struct fl_sysroot_config config = { .host = true, .clock = &t->clock };
	struct fl_diag diag = {};
	int r;

	t->clock.clock.now = fl_clock_manual_now;
	r = fl_setup_open(&board, &t->setup, &diag);
	if (fl_say_diag(&diag))
		r = r < 0 ? r : -EINVAL;
	fl_diag_fini(&diag);
	if (r < 0)
		return r;
	config.epc = t->setup.epc;
	return fl_sysroot_new(&config, &t->sysroot);
}

static int add_endpoint(struct mount_trees *t, unsigned int which)
{
	int r = open_endpoint(t);

	for (size_t i = 0; i < FL_ARRAY_SIZE(places) && r == 0; i++)
		if (which & places[i].tree & (MOUNT_CONFIG | MOUNT_PCI))
			r = show_part(t, places[i].over, places[i].name);
	return r;
}
#else
static int add_endpoint(struct mount_trees *t, unsigned int which)
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

int mount_trees_new(unsigned int which, bool dump, struct mount_trees **ret)
{
	struct mount_trees *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->root = fl_dir_new(NULL, NULL);
	if (!t->root)
		r = -ENOMEM;
	if (r == 0 && which & MOUNT_TRACING)
		r = add_tracing(t, dump);
	if (r == 0 && which & (MOUNT_CONFIG | MOUNT_PCI))
		r = add_endpoint(t, which);
	if (r == 0 && which & MOUNT_ALLOCINFO)
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
	fl_sysroot_free(t->sysroot);
	if (t->setup.epc)
		fl_setup_close(&t->setup);
#endif
#ifdef FL_HAVE_PROBE
	fl_target_close(t->target);
#endif
	free(t);
}
