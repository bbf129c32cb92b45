/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alloc-load N: makes the kernel allocate objects of known kinds and numbers and holds them until
 * its standard input ends: N/2 sockets, an epoll instance that watches N eventfds, N pages of a
 * file in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_pages(int fd, int n)
{
	static char page[4096];

	for (int i = 0; i < n; i++)
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100, ep = epoll_create1(0);
	struct rlimit limit = { 100000, 100000 };
	struct epoll_event ev = { .events = EPOLLIN };
	char c;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || ep < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		int fd = eventfd(0, 0);

		if (fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			return 1;
	}
	for (int i = 0; i < n / 2; i++)
		if (socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
			return 1;
	if (write_pages(memfd_create("load", 0), n) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	return read(STDIN_FILENO, &c, 1) < 0;
}
