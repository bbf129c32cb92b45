/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeding one end of a socket pair from an input: records {u16 length, u8 descriptors, bytes}, each one
 * sendmsg() with that many descriptors (memory and an eventfd in turn), then the end. Whatever the other
 * end sends is read and thrown away.
 */
#ifndef FUZZ_EPDMA_WIRE_H
#define FUZZ_EPDMA_WIRE_H

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct wire {
	const uint8_t *data;
	size_t size;
	int fd;
	pthread_t feeder, drain;
};

static void wire_fds(struct msghdr *mh, char *control, unsigned int n)
{
	static int fds[2] = { -1, -1 };
	struct cmsghdr *c;

	if (fds[0] < 0) {
		fds[0] = memfd_create("fuzz", MFD_CLOEXEC);
		fds[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert(fds[0] >= 0 && fds[1] >= 0 && ftruncate(fds[0], 1 << 16) == 0);
	}
	mh->msg_control = control;
	mh->msg_controllen = CMSG_SPACE(n * sizeof(int));
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (unsigned int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fds[i % 2], sizeof(int));
}

static void *wire_feed(void *arg)
{
	struct wire *w = arg;
	size_t at = 0;

	while (at + 3 <= w->size) {
		size_t n = w->data[at] | (size_t)w->data[at + 1] << 8;
		unsigned int nr_fds = w->data[at + 2] % 20;
		char control[CMSG_SPACE(20 * sizeof(int))] = {};
		struct iovec iov;
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

		at += 3;
		n = n < w->size - at ? n : w->size - at;
		iov = (struct iovec){ (void *)(w->data + at), n };
		if (nr_fds)
			wire_fds(&mh, control, nr_fds);
		if (n && sendmsg(w->fd, &mh, MSG_NOSIGNAL) < 0)
			break;
		at += n;
	}
	shutdown(w->fd, SHUT_WR);
	return NULL;
}

static void *wire_drain(void *arg)
{
	struct wire *w = arg;
	static _Thread_local char sink[65536];

	while (recv(w->fd, sink, sizeof(sink), 0) > 0)
		;
	return NULL;
}

/* The end that the tested code gets; it closes it. */
static int wire_start(struct wire *w, const uint8_t *data, size_t size)
{
	int sv[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	*w = (struct wire){ .data = data, .size = size, .fd = sv[0] };
	assert(pthread_create(&w->feeder, NULL, wire_feed, w) == 0);
	assert(pthread_create(&w->drain, NULL, wire_drain, w) == 0);
	return sv[1];
}

static void wire_end(struct wire *w)
{
	pthread_join(w->feeder, NULL);
	pthread_join(w->drain, NULL);
	close(w->fd);
}

#endif
