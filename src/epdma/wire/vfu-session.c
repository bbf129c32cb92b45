// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection that is being served. One thread reads it; its requests are answered in order,
 * each before the next is read, which is what clients that allow themselves one outstanding request
 * and clients that send in batches both expect.
 *
 * Host memory that came with a descriptor is mapped. Memory that came without is reached by asking the
 * client (DMA_READ, DMA_WRITE): a worker sends the request and sleeps until this thread, which goes on
 * serving the client meanwhile, finds the reply.
 *
 * Errors. A request that is refused gets a bare header with the errno. What cannot be a request any
 * more (a size that cannot be, a reply that nobody asked for, too many descriptors) ends the connection.
 */
#include "epdma/wire/vfu-session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/nsec.h"
#include "base/util.h"

#define LOOK_MS	     100
#define PEER_MS	     5000 /* how long a client may take to answer us */
#define MAX_POSTED   64u

/* A request of ours that waits for its reply; a posted one for nobody, and is forgotten with it. */
struct fl_vfu_asked {
	struct fl_vfu_asked *next;
	bool posted;
	uint16_t id;
	uint16_t cmd;
	uint8_t *buf; /* DMA_READ: where the bytes go */
	size_t n;
	int result; /* 1: still waiting */
};

/* ---- sending ---- */

int fl_vfu_reply_iov(struct fl_vfu_session *s, struct iovec *iov, unsigned int n, const int *fds,
		     unsigned int nr_fds)
{
	const struct vfu_hdr *req = &s->conn.msg.hdr;
	struct vfu_hdr hdr = { .id = req->id, .cmd = req->cmd, .flags = VFU_REPLY,
			       .size = VFU_HDR_SIZE };
	int r;

	if (req->flags & VFU_NO_REPLY)
		return 0;
	iov[0] = (struct iovec){ &hdr, sizeof(hdr) };
	for (unsigned int i = 1; i < n; i++)
		hdr.size += (uint32_t)iov[i].iov_len;
	pthread_mutex_lock(&s->send_lock);
	r = vfu_send(&s->conn, iov, n, fds, nr_fds);
	pthread_mutex_unlock(&s->send_lock);
	return r;
}

int fl_vfu_reply(struct fl_vfu_session *s, const void *body, size_t n)
{
	return fl_vfu_reply_iov(s, (struct iovec[]){ {}, { (void *)body, n } }, 2, NULL, 0);
}

static int refuse(struct fl_vfu_session *s, int err)
{
	const struct vfu_hdr *req = &s->conn.msg.hdr;
	struct vfu_hdr hdr = { .id = req->id, .cmd = req->cmd, .flags = VFU_REPLY | VFU_ERROR,
			       .size = VFU_HDR_SIZE, .error = (uint32_t)-err };
	int r;

	if (req->flags & VFU_NO_REPLY)
		return 0;
	pthread_mutex_lock(&s->send_lock);
	r = vfu_send(&s->conn, &(struct iovec){ &hdr, sizeof(hdr) }, 1, NULL, 0);
	pthread_mutex_unlock(&s->send_lock);
	return r;
}

/* ---- memory that only the client can reach ---- */

/* The request goes out, and stands in s->asked. -EIO: the session ends. */
static int send_asked(struct fl_vfu_session *s, struct fl_vfu_asked *a, uint64_t addr, const void *out)
{
	struct vfu_dma_access acc = { addr, a->n };
	struct vfu_hdr hdr = { .cmd = a->cmd,
			       .size = (uint32_t)(VFU_HDR_SIZE + sizeof(acc) + (out ? a->n : 0)) };
	struct iovec iov[] = { { &hdr, sizeof(hdr) }, { &acc, sizeof(acc) }, { (void *)out, a->n } };
	int r;

	pthread_mutex_lock(&s->lock);
	if (s->closing) {
		pthread_mutex_unlock(&s->lock);
		return -EIO;
	}
	hdr.id = a->id = s->next_id++;
	a->result = 1;
	a->next = s->asked;
	s->asked = a;
	s->nr_posted += a->posted;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&s->send_lock);
	r = vfu_send(&s->conn, iov, out ? 3 : 2, NULL, 0);
	pthread_mutex_unlock(&s->send_lock);
	return r;
}

/* Lock held. */
static void forget_asked(struct fl_vfu_session *s, struct fl_vfu_asked *a)
{
	struct fl_vfu_asked **at = &s->asked;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
}

/* And its reply is waited for: by a worker, never by the thread that reads the connection. */
static int send_and_wait(struct fl_vfu_session *s, struct fl_vfu_asked *a, uint64_t addr, const void *out)
{
	struct timespec until = fl_time_in(CLOCK_MONOTONIC, PEER_MS);
	int r = send_asked(s, a, addr, out);

	pthread_mutex_lock(&s->lock);
	while (r == 0 && a->result > 0 && !s->closing)
		if (fl_cond_wait_until(&s->answered, &s->lock, &until))
			break;
	forget_asked(s, a);
	r = a->result > 0 ? -EIO : a->result;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int client_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct fl_vfu_asked a = { .cmd = VFU_DMA_READ, .buf = buf, .n = n };

	return send_and_wait(ctx, &a, addr, NULL);
}

static int client_write(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	struct fl_vfu_asked a = { .cmd = VFU_DMA_WRITE, .n = n };

	return send_and_wait(ctx, &a, addr, buf);
}

/* A client that answers none of MAX_POSTED has had its chance: what comes then is lost. */
static int client_post(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	struct fl_vfu_session *s = ctx;
	struct fl_vfu_asked *a;
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->nr_posted < MAX_POSTED;
	pthread_mutex_unlock(&s->lock);
	a = room ? calloc(1, sizeof(*a)) : NULL;
	if (!a)
		return -ENOSPC;
	*a = (struct fl_vfu_asked){ .cmd = VFU_DMA_WRITE, .n = n, .posted = true };
	if (send_asked(s, a, addr, buf) == -EIO)
		free(a);
	return 0;
}

const struct fl_mem_io fl_vfu_client_io = { .read = client_read, .write = client_write,
					    .post = client_post };

/* A reply to one of ours; -EPROTO: nobody asked, or it is not what was asked for. */
static int take_answer(struct fl_vfu_session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_dma_access acc;
	struct fl_vfu_asked *a;
	int r = -EPROTO;

	pthread_mutex_lock(&s->lock);
	for (a = s->asked; a && (a->id != m->hdr.id || a->result <= 0); a = a->next)
		;
	if (a && a->cmd == m->hdr.cmd && m->hdr.flags & VFU_ERROR) {
		a->result = -EIO;
		r = 0;
	} else if (a && a->cmd == m->hdr.cmd && m->len == sizeof(acc) + (a->buf ? a->n : 0)) {
		memcpy(&acc, m->body, sizeof(acc));
		if (acc.count == a->n && a->buf)
			memcpy(a->buf, m->body + sizeof(acc), a->n);
		a->result = acc.count == a->n ? 0 : -EIO;
		r = 0;
	}
	if (r == 0 && a->posted) {
		forget_asked(s, a);
		s->nr_posted--;
		free(a);
	}
	pthread_cond_broadcast(&s->answered);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- the loop ---- */

/* < 0: the connection is over. */
static int handle_message(struct fl_vfu_session *s)
{
	const struct vfu_hdr *h = &s->conn.msg.hdr;
	int r;

	if ((h->flags & VFU_TYPE_MASK) == VFU_REPLY)
		return take_answer(s) < 0 ? refuse(s, -EINVAL) : 0; /* nobody asked, and no harm is done */
	if (h->flags & (VFU_TYPE_MASK | VFU_ERROR)) {
		refuse(s, -EINVAL);
		return -EPROTO;
	}
	if (!s->negotiated && h->cmd != VFU_VERSION) {
		refuse(s, -EINVAL);
		return -EPROTO;
	}
	r = fl_vfu_dispatch(s);
	if (r == -EPIPE || r == -ETIMEDOUT || r == 0)
		return r;
	r = refuse(s, r);
	return r < 0 ? r : s->negotiated ? 0 : -EPROTO; /* no common ground: nothing can follow */
}

static void end_session(struct fl_vfu_session *s)
{
	struct fl_vfu_asked *a;

	fl_device_set_sink(s->d, NULL, NULL);
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	for (a = s->asked; a; a = a->next)
		a->result = -EIO;
	pthread_cond_broadcast(&s->answered);
	pthread_mutex_unlock(&s->lock);
	fl_device_host_gone(s->d);
	while (s->asked) { /* posted: those who wait have taken theirs */
		a = s->asked;
		s->asked = a->next;
		free(a);
	}
	for (unsigned int i = 0; i < VFU_NR_IRQS; i++) {
		fl_vfu_drop_events(s, i);
		free(s->events[i]);
	}
	vfu_conn_fini(&s->conn);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->send_lock);
	pthread_mutex_destroy(&s->lock);
}

static void begin_session(struct fl_vfu_session *s, const bool *stop)
{
	struct timeval look = { .tv_usec = LOOK_MS * 1000 };

	setsockopt(s->conn.fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	s->conn.max_msg = VFU_MAX_MSG;
	s->conn.stop = stop;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->send_lock, NULL);
	pthread_cond_init(&s->answered, NULL);
	fl_device_set_sink(s->d, fl_vfu_on_vector, s);
	fl_engine_lazy(fl_device_engine(s->d), true);
}

int fl_vfu_session_run(struct fl_device *d, struct vfu_conn *conn, int r, const bool *stop)
{
	struct fl_vfu_session s = { .d = d, .conn = *conn, .vectors = { 1, fl_device_msi_vectors(d),
								 fl_device_msix_vectors(d), 1, 1 } };
	uint64_t ticked = 0;

	begin_session(&s, stop);
	for (;; r = vfu_recv(&s.conn)) {
		uint64_t now;

		if (r == 0)
			r = handle_message(&s);
		else if (r == -EPROTO) /* of no size; where the next message begins, nobody knows */
			refuse(&s, -EINVAL);
		if (r < 0 && r != -EAGAIN)
			break;
		now = fl_time_ns(CLOCK_MONOTONIC_COARSE); /* asked for behind each message: the cheap one */
		if (r == -EAGAIN || now - ticked > LOOK_MS * FL_NSEC_PER_MSEC) {
			fl_device_tick(d);
			ticked = now;
			if (__atomic_load_n(stop, __ATOMIC_ACQUIRE))
				break;
		}
	}
	if (r == -ECONNRESET && !s.conn.have)
		r = 0;
	fl_engine_lazy(fl_device_engine(d), false);
	end_session(&s);
	return r == -EAGAIN ? 0 : r;
}
