/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program may answer to "alloc show --pid": replies, each behind two bytes of length, that
 * wait in a socket before anything was asked. The first byte chooses the filter.
 */
#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc/sources/client.h"
#include "alloc/views/render.h"
#include "fuzz.h"

/* Fewer messages than a socket's queue holds: nobody waits for room. */
#define REPLIES_MAX 8

static void put_replies(int fd, const uint8_t *data, size_t size)
{
	for (unsigned int i = 0; i < REPLIES_MAX && size >= 2; i++) {
		size_t n = data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		if (send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		data += n;
		size -= n;
	}
	shutdown(fd, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_alloc_filter f = {};
	struct fl_alloc_set set = {};
	struct fl_buf out = {};
	int fds[2];

	if (!size || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	if (data[0] & 1)
		fl_alloc_filter_function(&f, FL_STR("f*"));
	if (data[0] & 2)
		fl_alloc_filter_file(&f, FL_STR("mm/"));
	put_replies(fds[1], data + 1, size - 1);
	if (fl_allocinfo_read_socket(fds[0], getpid(), &f, &set) == 0) {
		for (size_t i = 0; i < set.n; i++)
			assert(fl_alloc_filter_match(&f, &set.v[i]));
		fl_alloc_render_dump(&set, &out);
		assert(!out.error);
	}
	fl_buf_fini(&out);
	fl_alloc_set_fini(&set);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
