// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages on a stream socket. A read may bring less than a message or more than one, and file descriptors
 * come with the bytes that they were sent with; so bytes stay in the connection's buffer until a message is
 * whole, and what was read beyond it, bytes and descriptors, begins the next one. A message that began is whole
 * within VFU_MESSAGE_MS, a reply is taken by the peer within VFU_SEND_MS, or the connection is over.
 *
 * Latency is what a register costs, so that a reader looks for a message a few times before it sleeps
 * (receive()), and short pieces are sent as one (gather()).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/vfu/vfu.h"

void vfu_conn_init(struct vfu_conn *c, int fd, size_t max_msg)
{
	*c = (struct vfu_conn){ .fd = fd, .max_msg = max_msg };
}

static void drop_fds(struct vfu_conn *c)
{
	for (unsigned int i = 0; i < c->msg.nr_fds; i++)
		if (c->msg.fds[i] >= 0)
			close(c->msg.fds[i]);
	c->msg.nr_fds = 0;
}

/* What came with the start of this message while the one before it was read. */
static void adopt_late_fds(struct vfu_conn *c)
{
	memcpy(c->msg.fds, c->late_fds, sizeof(c->msg.fds));
	c->msg.nr_fds = c->nr_late_fds;
	c->nr_late_fds = 0;
}

void vfu_conn_fini(struct vfu_conn *c)
{
	drop_fds(c);
	adopt_late_fds(c);
	drop_fds(c);
	free(c->buf);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct vfu_conn){ .fd = -1 };
}

int vfu_take_fd(struct vfu_conn *c, unsigned int i)
{
	return TAKE_FD(c->msg.fds[i]);
}

/* Descriptors beyond what a message may have are closed at once and make it invalid. */
static void collect_fds(struct vfu_conn *c, struct msghdr *mh)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		size_t n;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(fd), sizeof(fd));
			if (c->msg.nr_fds < VFU_MAX_FDS) {
				c->msg.fds[c->msg.nr_fds++] = fd;
				continue;
			}
			close(fd);
			c->too_many_fds = true;
		}
	}
	if (mh->msg_flags & MSG_CTRUNC)
		c->too_many_fds = true;
}

#define LOOKS	   48u
#define SLEEPS_MIN 16u
#define SLEEPS_MAX 1024u

static ssize_t receive_now(struct vfu_conn *c, struct msghdr *mh, int flags)
{
	if (c->no_fds) /* what comes all the same is closed by the kernel */
		return recv(c->fd, mh->msg_iov->iov_base, mh->msg_iov->iov_len, flags);
	return recvmsg(c->fd, mh, flags | MSG_CMSG_CLOEXEC);
}

/*
 * A peer that is awake answers within microseconds; to fall asleep and be woken takes several times
 * that. So a message is looked for a few times first. Where that was in vain (the peer needs this very
 * CPU, or has nothing to say), not again for a while, which gets longer each time.
 */
static ssize_t receive(struct vfu_conn *c, struct msghdr *mh)
{
	if (c->sleeps) {
		c->sleeps--;
		return receive_now(c, mh, 0);
	}
	for (unsigned int i = 0; i < LOOKS; i++) {
		ssize_t n = receive_now(c, mh, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			continue;
		/* What was there at once would have been there for a sleeper: it says nothing of looking. */
		c->vain -= i && c->vain;
		return n;
	}
	c->sleeps = FL_MIN(SLEEPS_MIN << c->vain, SLEEPS_MAX);
	c->vain += c->sleeps < SLEEPS_MAX;
	return receive_now(c, mh, 0);
}

/* A peer that began a message and does not end it is not there. */
static bool too_slow(struct vfu_conn *c)
{
	uint64_t now;

	if (!c->have)
		return false;
	now = fl_time_ns(CLOCK_MONOTONIC);
	if (!c->begun)
		c->begun = now;
	return now - c->begun > VFU_MESSAGE_MS * 1000000ull;
}

/* Until at least @least bytes are there; no read asks for more than makes @most. */
static int receive_to(struct vfu_conn *c, size_t least, size_t most, unsigned int *ret_fds_before)
{
	while (c->have < least) {
		char control[CMSG_SPACE(sizeof(int) * VFU_MAX_FDS * 2)];
		struct iovec iov = { c->buf + c->have, most - c->have };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				     .msg_controllen = sizeof(control) };
		ssize_t n = receive(c, &mh);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EWOULDBLOCK)
			return -errno;
		if (n < 0)
			return too_slow(c) ? -ETIMEDOUT : -EAGAIN;
		*ret_fds_before = c->msg.nr_fds;
		if (mh.msg_controllen && !c->no_fds)
			collect_fds(c, &mh);
		if (n == 0)
			return -ECONNRESET;
		c->have += (size_t)n;
		if (c->have < least && too_slow(c))
			return -ETIMEDOUT;
	}
	return c->too_many_fds ? -EMSGSIZE : 0;
}

static int make_room(struct vfu_conn *c, size_t n)
{
	size_t cap = FL_MAX(c->cap, (size_t)4096);
	void *p;

	if (n <= c->cap)
		return 0;
	while (cap < n)
		cap *= 2;
	p = realloc(c->buf, cap);
	if (!p)
		return -ENOMEM;
	c->buf = p;
	c->cap = cap;
	return 0;
}

/* The message before is over; what was read beyond it starts this one. */
static void begin(struct vfu_conn *c)
{
	size_t size = c->msg.hdr.size;

	drop_fds(c);
	adopt_late_fds(c);
	memmove(c->buf, c->buf + size, c->have - size);
	c->have -= size;
	c->too_many_fds = false;
	c->msg.body = NULL;
}

/* Descriptors of the read that went beyond the message are the next one's. */
static void put_fds_off(struct vfu_conn *c, unsigned int from)
{
	c->nr_late_fds = c->msg.nr_fds - from;
	memcpy(c->late_fds, c->msg.fds + from, c->nr_late_fds * sizeof(int));
	c->msg.nr_fds = from;
}

#define FIRST_READ 36u

int vfu_recv(struct vfu_conn *c)
{
	unsigned int before = 0;
	int r;

	if (c->msg.body) /* the one before was handed out whole */
		begin(c);
	r = make_room(c, FIRST_READ);
	if (r == 0)
		r = receive_to(c, VFU_HDR_SIZE, FIRST_READ, &before);
	if (r < 0)
		return r;
	memcpy(&c->msg.hdr, c->buf, VFU_HDR_SIZE);
	if (c->msg.hdr.size < VFU_HDR_SIZE || c->msg.hdr.size > c->max_msg)
		return -EPROTO;
	if (c->have > c->msg.hdr.size)
		put_fds_off(c, before);
	r = make_room(c, c->msg.hdr.size);
	if (r == 0 && c->have < c->msg.hdr.size)
		r = receive_to(c, c->msg.hdr.size, c->msg.hdr.size, &before);
	if (r < 0)
		return r;
	c->begun = 0;
	c->msg.body = c->buf + VFU_HDR_SIZE;
	c->msg.len = c->msg.hdr.size - VFU_HDR_SIZE;
	return 0;
}

static void attach_fds(struct msghdr *mh, char *control, size_t size, const int *fds,
		       unsigned int nr_fds)
{
	struct cmsghdr *cm;

	memset(control, 0, size);
	mh->msg_control = control;
	mh->msg_controllen = CMSG_SPACE(sizeof(int) * nr_fds);
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int) * nr_fds);
	memcpy(CMSG_DATA(cm), fds, sizeof(int) * nr_fds);
}

/* Drops the first @n bytes of what is still to be sent. */
static void advance(struct msghdr *mh, size_t n)
{
	while (mh->msg_iovlen && n >= mh->msg_iov->iov_len) {
		n -= mh->msg_iov->iov_len;
		mh->msg_iov++;
		mh->msg_iovlen--;
	}
	if (mh->msg_iovlen) {
		mh->msg_iov->iov_base = (char *)mh->msg_iov->iov_base + n;
		mh->msg_iov->iov_len -= n;
	}
}

static bool wait_for_room(struct vfu_conn *c, uint64_t until)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	if (fl_time_ns(CLOCK_MONOTONIC) >= until)
		return false;
	poll(&p, 1, 50); /* in short pieces: somebody may want us to end */
	return true;
}

#define SMALL 128u

/* What is short costs less in one piece than the kernel takes to look at its pieces. */
static void gather(struct msghdr *mh, uint8_t small[SMALL])
{
	size_t n = (size_t)mh->msg_iovlen, at = 0; /* an int to musl */

	for (size_t i = 0; i < n; i++)
		at += mh->msg_iov[i].iov_len;
	if (at > SMALL || n < 2)
		return;
	at = 0;
	for (size_t i = 0; i < n; i++) {
		if (mh->msg_iov[i].iov_len)
			memcpy(small + at, mh->msg_iov[i].iov_base, mh->msg_iov[i].iov_len);
		at += mh->msg_iov[i].iov_len;
	}
	*mh->msg_iov = (struct iovec){ small, at };
	mh->msg_iovlen = 1;
}

int vfu_send(struct vfu_conn *c, const struct iovec *iov, unsigned int n, const int *fds,
	     unsigned int nr_fds)
{
	char control[CMSG_SPACE(sizeof(int) * VFU_MAX_FDS)];
	struct iovec left[4];
	struct msghdr mh = { .msg_iov = left, .msg_iovlen = n };
	uint8_t small[SMALL];
	uint64_t until = 0;

	if (n > FL_ARRAY_SIZE(left) || nr_fds > VFU_MAX_FDS)
		return -EPIPE;
	memcpy(left, iov, n * sizeof(*iov));
	gather(&mh, small);
	if (nr_fds)
		attach_fds(&mh, control, sizeof(control), fds, nr_fds);
	while (mh.msg_iovlen) {
		bool plain = mh.msg_iovlen == 1 && !mh.msg_control;
		ssize_t done = plain ? send(c->fd, mh.msg_iov->iov_base, mh.msg_iov->iov_len,
					    MSG_NOSIGNAL | MSG_DONTWAIT) :
				       sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno == EAGAIN) {
			if (!until)
				until = fl_time_ns(CLOCK_MONOTONIC) + VFU_SEND_MS * 1000000ull;
			if (c->stop && __atomic_load_n(c->stop, __ATOMIC_ACQUIRE))
				return -EPIPE;
			if (!wait_for_room(c, until))
				return -ETIMEDOUT;
			continue;
		}
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -EPIPE;
		mh.msg_control = NULL;
		mh.msg_controllen = 0;
		advance(&mh, (size_t)done);
	}
	return 0;
}
