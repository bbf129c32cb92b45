// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "epdma/vfu.h"

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

void vfu_conn_fini(struct vfu_conn *c)
{
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

/* Up to @want bytes of the current message in all. */
static int fill(struct vfu_conn *c, size_t want)
{
	while (c->have < want) {
		char control[CMSG_SPACE(sizeof(int) * VFU_MAX_FDS * 2)];
		struct iovec iov = { c->buf + c->have, want - c->have };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				     .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		collect_fds(c, &mh);
		if (n == 0)
			return -ECONNRESET;
		c->have += (size_t)n;
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

static void begin(struct vfu_conn *c)
{
	drop_fds(c);
	c->have = 0;
	c->too_many_fds = false;
	c->msg.body = NULL;
}

int vfu_recv(struct vfu_conn *c)
{
	int r;

	if (c->msg.body) /* the one before was handed out whole */
		begin(c);
	r = make_room(c, VFU_HDR_SIZE);
	if (r == 0)
		r = fill(c, VFU_HDR_SIZE);
	if (r < 0)
		return r;
	memcpy(&c->msg.hdr, c->buf, VFU_HDR_SIZE);
	if (c->msg.hdr.size < VFU_HDR_SIZE || c->msg.hdr.size > c->max_msg)
		return -EPROTO;
	r = make_room(c, c->msg.hdr.size);
	if (r == 0)
		r = fill(c, c->msg.hdr.size);
	if (r < 0)
		return r;
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

/* A peer that does not read for this long is not there. */
#define SEND_PATIENCE_MS 5000

int vfu_send(int fd, const struct iovec *iov, unsigned int n, const int *fds, unsigned int nr_fds)
{
	char control[CMSG_SPACE(sizeof(int) * VFU_MAX_FDS)];
	struct iovec left[4];
	struct msghdr mh = { .msg_iov = left, .msg_iovlen = n };

	if (n > FL_ARRAY_SIZE(left) || nr_fds > VFU_MAX_FDS)
		return -EINVAL;
	memcpy(left, iov, n * sizeof(*iov));
	if (nr_fds)
		attach_fds(&mh, control, sizeof(control), fds, nr_fds);
	while (mh.msg_iovlen) {
		ssize_t done = sendmsg(fd, &mh, MSG_NOSIGNAL);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			if (poll(&p, 1, SEND_PATIENCE_MS) <= 0)
				return -EPIPE;
			continue;
		}
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == ECONNRESET ? -EPIPE : -errno;
		mh.msg_control = NULL;
		mh.msg_controllen = 0;
		advance(&mh, (size_t)done);
	}
	return 0;
}
