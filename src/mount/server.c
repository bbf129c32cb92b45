/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: requests from the kernel, ticks for the tree, and what is parked between them. */
#include "mount/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "mount/private.h"

#define TICK_MS 20

static void enter(const struct fl_mount_loop *loop)
{
	if (loop->enter)
		loop->enter(loop->ctx);
}

static void leave(const struct fl_mount_loop *loop)
{
	if (loop->leave)
		loop->leave(loop->ctx);
}

/* Requests that are there, one after the other; but a stream of them does not delay the tree for ever. */
static int serve_requests(struct fl_mount *m, const struct fl_mount_loop *loop)
{
	for (int i = 0; i < 256; i++) {
		int n = fuse_session_receive_buf(m->se, &m->request);

		if (n == -EINTR || n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n;
		enter(loop);
		fuse_session_process_buf(m->se, &m->request);
		leave(loop);
	}
	return 0;
}

int fl_mount_run(struct fl_mount *m, const struct fl_mount_loop *loop)
{
	struct pollfd fds[3] = { { fuse_session_fd(m->se), POLLIN, 0 }, { loop->wake_fd, POLLIN, 0 },
				 { m->mounts, POLLPRI, 0 } };
	int r = 0;

	while (r == 0 && !fuse_session_exited(m->se) && !(loop->stop && *loop->stop)) {
		if (poll(fds, 3, TICK_MS) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents & POLLIN)
			r = serve_requests(m, loop);
		/* POLLERR: unmounted, or the connection was aborted */
		if (r == 0 && fds[0].revents & (POLLERR | POLLHUP) && !(fds[0].revents & POLLIN))
			break;
		if (m->mounts >= 0 && fds[2].revents & POLLPRI && fl_mount_is_gone(m))
			break;
		if (r == 0 && loop->tick)
			r = loop->tick(loop->ctx);
		enter(loop);
		fl_mount_retry_parked(m);
		leave(loop);
	}
	return r == -ENODEV ? 0 : r;
}
