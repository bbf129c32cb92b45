/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A buffer with its switches and its events/: the top one, and those that mkdir(2) makes in instances/. What has
 * been removed goes when the last of its files is closed.
 */
#include <errno.h>
#include <stdlib.h>

#include "probe/live/rings.h"
#include "probe/output/symbols.h"
#include "probe/tracefs/private.h"

#define BUFFER_BYTES (16u << 20)

static void free_tracefs(struct tracefs *fs)
{
	fl_event_list_fini(&fs->events);
	fl_symbols_free(fs->symbols);
	fl_arena_fini(&fs->printk_arena);
	free(fs);
}

static void unlist(struct instance *in)
{
	struct instance **at = &in->fs->instances;

	while (*at && *at != in)
		at = &(*at)->next;
	if (*at)
		*at = in->next;
}

/* What it does ends; its files may still be open. */
static void close_instance(struct instance *in)
{
	tracefs_free_live(in);
	for (struct place *p = in->places; p; p = p->next) {
		commands_free(p);
		p->hists = NULL; /* which the triggers own */
	}
	fl_triggers_fini(&in->triggers);
	trace_buffer_fini(&in->buffer);
	trace_buffer_fini(&in->snapshot);
	pids_fini(in);
	log_fini(in);
	unlist(in);
	in->root = NULL;
}

static void anchor_free(struct fl_node *anchor)
{
	struct instance *in = anchor->data;

	close_instance(in);
	tracefs_free_places(in);
	if (in == in->fs->top)
		free_tracefs(in->fs);
	free(in);
	free(anchor);
}

static const struct fl_node_ops anchor_ops = { .free = anchor_free };
static const struct fl_node_ops root_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.free = fl_dir_free,
};

static struct fl_node *anchor_new(struct instance *in)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct fl_node){ .ops = &anchor_ops, .type = FL_NODE_FILE, .refs = 1, .data = in };
	return n;
}

/* With a reference of the caller's on ->root. On failure @fs stays. */
int instance_new(struct tracefs *fs, struct instance **ret)
{
	struct instance *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return -ENOMEM;
	in->fs = fs;
	in->last_place = &in->places;
	in->events_stale = true;
	in->anchor = anchor_new(in);
	if (!in->anchor) {
		free(in);
		return -ENOMEM;
	}
	if (fs->top) /* which has what all share */
		in->anchor->owner = fl_node_ref(fs->top->anchor);
	tracefs_prepare_triggers(in);
	in->next = fs->instances;
	fs->instances = in;
	trace_buffer_limit(&in->buffer, BUFFER_BYTES);
	in->root = instance_owns(in, fl_dir_new(&root_ops, in));
	if (in->root) /* an instance's may be removed, and made anew */
		in->root->lasting = !fs->top;
	r = in->root ? tracefs_add_events(in) : -ENOMEM;
	if (r == 0)
		r = tracefs_add_controls(in);
	if (r == 0)
		r = tracefs_add_pids(in);
	if (r == 0)
		r = tracefs_add_log(in);
	fl_node_unref(in->anchor); /* its files hold it from here on */
	if (r < 0)
		fl_node_unref(in->root);
	else
		*ret = in;
	return r;
}

/* ---- instances/ ---- */

static int instances_mkdir(struct fl_node *dir, struct fl_str name)
{
	struct instance *top = dir->data, *in;
	int r = instance_new(top->fs, &in);

	return r < 0 ? r : fl_dir_add(dir, name, in->root);
}

static int instances_rmdir(struct fl_node *dir, struct fl_str name)
{
	struct fl_node *root = fl_dir_find(dir, name);

	if (!root)
		return -ENOENT;
	close_instance(root->data);
	return fl_dir_remove(dir, name);
}

static const struct fl_node_ops instances_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.mkdir = instances_mkdir,
	.rmdir = instances_rmdir,
	.free = fl_dir_free,
};

int instances_add_folder(struct instance *top)
{
	return fl_dir_add(top->root, FL_STR("instances"), instance_owns(top, fl_dir_new(&instances_ops, top)));
}
