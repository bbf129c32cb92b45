/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "epdma/wire/serving.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct fl_serving {
	struct fl_device *device;
	const char *path;
	const struct fl_vfu_events *events;
	pthread_t thread;
	bool running, stop; /* @stop is atomic */
	int fd;
};

static void close_socket(struct fl_serving *s)
{
	close(s->fd);
	unlink(s->path);
}

int fl_serving_new(struct fl_device *device, const char *path, const struct fl_vfu_events *events,
		   struct fl_serving **ret)
{
	struct fl_serving *s = calloc(1, sizeof(*s));
	int r = s ? fl_vfu_listen(path, &s->fd) : -ENOMEM;

	if (r < 0) {
		free(s);
		return r;
	}
	s->device = device;
	s->path = path;
	s->events = events;
	close_socket(s); /* nobody shall wait at it before there is an endpoint */
	*ret = s;
	return 0;
}

static void *serving_thread(void *v)
{
	struct fl_serving *s = v;

	fl_vfu_serve(s->device, s->fd, &s->stop, s->events);
	return NULL;
}

int fl_serving_start(struct fl_serving *s, struct fl_epf *f)
{
	int r;

	if (s->running)
		return 0;
	r = fl_device_adopt(s->device, f);
	if (r == 0)
		r = fl_vfu_listen(s->path, &s->fd);
	if (r < 0)
		return r;
	s->stop = false;
	r = -pthread_create(&s->thread, NULL, serving_thread, s);
	s->running = r == 0;
	if (r < 0)
		close_socket(s);
	return r;
}

/* The thread may be waiting for the lock. */
void fl_serving_stop_locked(struct fl_serving *s)
{
	if (!s->running)
		return;
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	fl_device_unlock(s->device);
	pthread_join(s->thread, NULL);
	fl_device_host_gone(s->device);
	fl_device_lock(s->device);
	fl_device_forget(s->device);
	close_socket(s);
	s->running = false;
}

void fl_serving_free(struct fl_serving *s)
{
	if (!s)
		return;
	fl_device_lock(s->device);
	fl_serving_stop_locked(s);
	fl_device_unlock(s->device);
	free(s);
}
