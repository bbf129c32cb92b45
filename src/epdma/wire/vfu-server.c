// SPDX-License-Identifier: GPL-2.0-or-later
/* The listening socket, and the room in which those wait who have connected and are not served yet. */
#include "epdma/wire/vfu-server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/wire/mpq-server.h"
#include "epdma/wire/vfu-session.h"

#define LOOK_MS	     100
#define MAX_WAITING  64u
#define MAX_GREETING 4096u
#define BEGUN_MS     20

/* One that has connected and is not served yet. */
struct waiting {
	struct vfu_conn conn;
	uint64_t since;
	bool vfio_user; /* its first message is being read */
};

struct room {
	struct waiting w[MAX_WAITING];
	unsigned int n;
	const struct fl_vfu_events *events;
};

/*
 * Whether a greeting is there. The first message of a vfio-user client is VERSION, whose command number, 1,
 * stands in bytes 2 and 3; it is read as a whole, so that nobody who stops in the middle of it is waited
 * for. QEMU's own protocol starts with a 32-bit command of which those bytes are the upper half, 0.
 * -EAGAIN: not there yet; -EPROTO: no message, but a session's to answer; else the connection is over.
 */
static int greeting(struct waiting *w)
{
	uint8_t first[4];
	ssize_t n;

	if (w->vfio_user)
		return vfu_recv(&w->conn);
	n = recv(w->conn.fd, first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0)
		return n == 0 ? -ECONNRESET : errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	if (n < (ssize_t)sizeof(first))
		return -EAGAIN;
	w->vfio_user = fl_get_le16(first + 2) != 0;
	return w->vfio_user ? vfu_recv(&w->conn) : 0;
}

/* Takes @i out of the room; what it was is in *ret. */
static void take_out(struct room *room, unsigned int i, struct waiting *ret)
{
	*ret = room->w[i];
	room->n--;
	memmove(&room->w[i], &room->w[i + 1], (room->n - i) * sizeof(room->w[0]));
}

static void turn_away(struct room *room, unsigned int i, int err)
{
	struct waiting w;

	take_out(room, i, &w);
	if (err == -ECONNRESET && !w.conn.have)
		err = 0; /* came and went */
	vfu_conn_fini(&w.conn);
	if (err && room->events && room->events->turned_away)
		room->events->turned_away(room->events->ctx, err);
}

static int admit(struct room *room, int listen_fd)
{
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct waiting *w;

		if (fd < 0)
			return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
		if (room->n == MAX_WAITING)
			turn_away(room, 0, -EBUSY); /* who has waited longest and said nothing */
		w = &room->w[room->n++];
		*w = (struct waiting){ .since = fl_time_ns(CLOCK_MONOTONIC) };
		vfu_conn_init(&w->conn, fd, MAX_GREETING);
	}
}

/* The one whose turn it is: of those who have greeted, who came first. */
static bool next_client(struct room *room, struct waiting *ret, int *ret_first)
{
	for (unsigned int i = 0; i < room->n;) {
		bool late = fl_time_ns(CLOCK_MONOTONIC) - room->w[i].since > VFU_MESSAGE_MS * 1000000ull;
		int r = greeting(&room->w[i]);

		if (r == 0 || r == -EPROTO) {
			*ret_first = r;
			take_out(room, i, ret);
			return true;
		}
		if (r == -EAGAIN && !late)
			i++;
		else
			turn_away(room, i, r == -EAGAIN ? -ETIMEDOUT : r);
	}
	return false;
}

/* Until somebody comes, or says something. */
static void wait_for_guests(struct room *room, int listen_fd, int ms)
{
	struct pollfd p[MAX_WAITING + 1] = { { .fd = listen_fd, .events = POLLIN } };

	for (unsigned int i = 0; i < room->n; i++) {
		bool peeked = !room->w[i].vfio_user && recv(room->w[i].conn.fd, &(char){ 0 }, 1,
							   MSG_PEEK | MSG_DONTWAIT) > 0;

		/* What is looked at and left where it is would be news for ever: looked at again soon. */
		p[i + 1] = (struct pollfd){ .fd = peeked ? -1 : room->w[i].conn.fd, .events = POLLIN };
		if (peeked)
			ms = FL_MIN(ms, BEGUN_MS);
	}
	poll(p, room->n + 1, ms);
}

static int serve_one(struct fl_device *d, struct waiting *w, int first, const bool *stop)
{
	fcntl(w->conn.fd, F_SETFL, fcntl(w->conn.fd, F_GETFL) & ~O_NONBLOCK);
	if (w->vfio_user)
		return fl_vfu_session_run(d, &w->conn, first, stop);
	return fl_mpq_session(d, TAKE_FD(w->conn.fd), stop);
}

static bool somebody_listens(const struct sockaddr_un *sa)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ||
	       errno != ECONNREFUSED;
}

int fl_vfu_listen(const char *path, int *ret_fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode) || somebody_listens(&sa))
			return -EADDRINUSE;
		unlink(path);
	}
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fl_vfu_serve(struct fl_device *d, int listen_fd, const bool *stop,
		 const struct fl_vfu_events *events)
{
	struct room room = { .events = events };
	int r = 0;

	while (r == 0 && !__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
		struct waiting client;
		int first, err;

		wait_for_guests(&room, listen_fd, FL_MIN((int)fl_device_tick(d), LOOK_MS));
		r = admit(&room, listen_fd);
		if (!next_client(&room, &client, &first))
			continue;
		if (events && events->attached)
			events->attached(events->ctx);
		err = serve_one(d, &client, first, stop);
		if (events && events->detached)
			events->detached(events->ctx, err);
	}
	while (room.n)
		turn_away(&room, 0, 0);
	return r;
}

int fl_vfu_session(struct fl_device *d, int fd, const bool *stop)
{
	struct vfu_conn conn;

	vfu_conn_init(&conn, fd, VFU_MAX_MSG);
	return fl_vfu_session_run(d, &conn, -EAGAIN, stop);
}
