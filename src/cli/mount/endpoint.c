/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/mount/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/say.h"
#include "epdma/endpoint/setup.h"
#include "epdma/mem/guard.h"
#include "epdma/sysroot/sysroot.h"
#include "epdma/wire/serving.h"

/* The how-to's. */
#define BOARD "r-car-s4"

struct mount_endpoint {
	struct fl_clocksource_manual clock; /* of the host in the tree, and of its controller */
	struct fl_setup setup;
	struct fl_device *device; /* NULL: the host is in the tree */
	struct fl_vfu_events events;
	struct fl_serving *serving;
	struct fl_sysroot *sysroot;
	const char *socket;
	bool refused; /* the socket could not be made, which was said */
};

static void on_attached(void *ctx)
{
	fl_say(FL_NOTE, "a host is attached");
}

static void on_detached(void *ctx, int err)
{
	fl_say(FL_NOTE, "the host is gone%s%s", err ? ": " : "", err ? strerror(-err) : "");
}

static void on_leaving(void *ctx)
{
	struct mount_endpoint *e = ctx;

	if (e->serving) /* else all of it is going */
		fl_serving_stop_locked(e->serving);
}

static int open_board(struct mount_endpoint *e)
{
	const struct fl_setup_options board = { .board = BOARD, .clock = &e->clock.clock };
	struct fl_diag diag = {};
	int r;

	e->clock.clock.now = fl_clocksource_manual_now;
	r = fl_setup_open(&board, &e->setup, &diag);
	if (fl_say_diag(&diag))
		r = r < 0 ? r : -EINVAL;
	fl_diag_fini(&diag);
	return r;
}

/* A device of its own around the same board, with memory and an engine. */
static int open_device(struct mount_endpoint *e)
{
	const struct fl_device_config config = { .board = &e->setup.board, .threads = 2 };
	int r = fl_device_new(&config, &e->device);

	if (r < 0)
		return r;
	fl_guard_install();
	e->events = (struct fl_vfu_events){ on_attached, on_detached, NULL, e };
	r = fl_serving_new(e->device, e->socket, &e->events, &e->serving);
	if (r < 0)
		fl_say_failed(e->socket, r);
	return r;
}

static int open_tree(struct mount_endpoint *e)
{
	struct fl_sysroot_config config = { .epc = e->setup.epc, .host = true, .clock = &e->clock };

	if (e->device)
		config = (struct fl_sysroot_config){ .epc = fl_device_epc(e->device), .leaving = on_leaving,
						      .leaving_ctx = e };
	return fl_sysroot_new(&config, &e->sysroot);
}

int mount_endpoint_new(const char *socket, struct mount_endpoint **ret)
{
	struct mount_endpoint *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->socket = socket;
	r = open_board(e);
	if (r == 0 && socket)
		r = open_device(e);
	if (r == 0)
		r = open_tree(e);
	if (r < 0)
		mount_endpoint_free(e);
	else
		*ret = e;
	return r;
}

void mount_endpoint_free(struct mount_endpoint *e)
{
	if (!e)
		return;
	fl_serving_free(e->serving);
	e->serving = NULL;
	fl_sysroot_free(e->sysroot);
	fl_device_free(e->device);
	if (e->setup.epc)
		fl_setup_close(&e->setup);
	free(e);
}

struct fl_node *mount_endpoint_root(struct mount_endpoint *e)
{
	return fl_sysroot_root(e->sysroot);
}

void mount_endpoint_tick(struct mount_endpoint *e)
{
	struct fl_epf *f = e && e->device ? fl_sysroot_bound(e->sysroot) : NULL;
	int r;

	if (!f || !fl_epc_started(fl_device_epc(e->device)))
		return;
	r = fl_serving_start(e->serving, f);
	if (r < 0 && !e->refused)
		fl_say_failed(e->socket, r);
	e->refused = r < 0;
}

void mount_endpoint_lock(struct mount_endpoint *e)
{
	if (e && e->device)
		fl_device_lock(e->device);
}

void mount_endpoint_unlock(struct mount_endpoint *e)
{
	if (e && e->device)
		fl_device_unlock(e->device);
}
