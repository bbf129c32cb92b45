/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live program that was built with libforeland-alloc, or runs under it, asked over its socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc/sources/client.h"
#include "alloc/sources/source.h"
#include "alloc/sources/symbols.h"
#include "alloc/tags/wire.h"
#include "base/cleanup.h"
#include "base/util.h"

/* A program that is stopped, or blocks the signal, is not waited for longer than this. */
#define PATIENCE_SECONDS 5

#define NAMES (FL_ALLOCINFO_MODNAME | FL_ALLOCINFO_FUNCTION | FL_ALLOCINFO_FILENAME)

struct pid_source {
	struct fl_alloc_source source;
	pid_t pid;
	char name[32];
};

struct socket_peer {
	struct fl_allocinfo_peer peer;
	int fd;
	struct {
		struct fl_wire_reply head;
		char bytes[FL_WIRE_MAX_RECORDS * sizeof(struct fl_allocinfo_tag_data)];
	} reply;
};

/* The program's directory, as it would choose it: its user's, not ours. */
static int connect_to(pid_t pid, const char *dir)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (fd < 0)
		return -errno;
	if ((size_t)snprintf(name.sun_path, sizeof(name.sun_path), "%s/" FL_WIRE_NAME, dir,
			     (int)pid) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return -errno;
	if (cred.pid != pid)
		return -ECONNREFUSED;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int owner_of(pid_t pid, uid_t *ret)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret = st.st_uid;
	return 0;
}

static int connect_pid(pid_t pid)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char dir[64];
	uid_t uid = 0;
	int r = owner_of(pid, &uid);

	if (r < 0)
		return r;
	if (run && run[0] == '/') {
		r = connect_to(pid, run);
		if (r >= 0)
			return r;
	}
	snprintf(dir, sizeof(dir), "/run/user/%u", (unsigned int)uid);
	r = connect_to(pid, dir);
	if (r >= 0)
		return r;
	snprintf(dir, sizeof(dir), FL_WIRE_DIR, (unsigned int)uid);
	return connect_to(pid, dir);
}

/* One exchange; the reply's bytes stay in the peer. Returns how many there are. */
static ssize_t ask(struct socket_peer *p, const struct fl_wire_request *head, const void *arg,
		   size_t arg_size)
{
	char message[sizeof(*head) + 1024];
	ssize_t n;

	if (arg_size > sizeof(message) - sizeof(*head))
		return -E2BIG;
	memcpy(message, head, sizeof(*head));
	if (arg_size)
		memcpy(message + sizeof(*head), arg, arg_size);
	if (send(p->fd, message, sizeof(*head) + arg_size, MSG_NOSIGNAL) < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	n = recv(p->fd, &p->reply, sizeof(p->reply), 0);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n < (ssize_t)sizeof(p->reply.head))
		return -ECONNRESET;
	if (p->reply.head.result < 0)
		return p->reply.head.result;
	return n - (ssize_t)sizeof(p->reply.head);
}

static int socket_request(struct fl_allocinfo_peer *peer, unsigned long request, void *arg)
{
	struct socket_peer *p = FL_CONTAINER_OF(peer, struct socket_peer, peer);
	struct fl_wire_request head = { .request = (uint32_t)request };
	size_t size = _IOC_SIZE(request);
	ssize_t n = ask(p, &head, arg, _IOC_DIR(request) & _IOC_WRITE ? size : 0);

	if (n < 0)
		return (int)n;
	if ((size_t)n != size)
		return -EPROTO;
	memcpy(arg, p->reply.bytes, size);
	return 0;
}

static int socket_batch(struct fl_allocinfo_peer *peer, struct fl_allocinfo_tag_data *v, size_t max,
			size_t *ret_n)
{
	struct socket_peer *p = FL_CONTAINER_OF(peer, struct socket_peer, peer);
	struct fl_wire_request head = { .request = FL_ALLOCINFO_GET_NEXT };
	ssize_t n;

	head.count = (uint32_t)FL_MIN(max, (size_t)FL_WIRE_MAX_RECORDS);
	n = ask(p, &head, NULL, 0);
	if (n < 0)
		return (int)n;
	if (n == 0 || n % (ssize_t)sizeof(*v) || (size_t)n / sizeof(*v) > max)
		return -EPROTO;
	memcpy(v, p->reply.bytes, (size_t)n);
	*ret_n = (size_t)n / sizeof(*v);
	return 0;
}

static bool has_names(const struct fl_alloc_filter *f)
{
	return f->mask & NAMES || f->more;
}

/* Callers get their names on this side only, so a filter by name can only be applied here too. */
static int read_callers(struct fl_allocinfo_peer *peer, const struct fl_alloc_filter *f, pid_t pid,
			struct fl_alloc_set *set)
{
	struct fl_alloc_filter rest = *f;
	size_t kept = 0;
	int r;

	rest.mask &= ~NAMES;
	rest.more = 0;
	r = fl_allocinfo_read(peer, &rest, set);
	if (r == 0)
		r = fl_alloc_symbolise(set, pid);
	for (size_t i = 0; r == 0 && i < set->n; i++)
		if (fl_alloc_filter_match(f, &set->v[i]))
			set->v[kept++] = set->v[i];
	set->n = r == 0 ? kept : 0;
	return r;
}

int fl_allocinfo_read_socket(int fd, pid_t pid, const struct fl_alloc_filter *f,
			     struct fl_alloc_set *set)
{
	_cleanup_free_ struct socket_peer *peer = calloc(1, sizeof(*peer));
	int r;

	if (!peer)
		return -ENOMEM;
	peer->peer.request = socket_request;
	peer->peer.batch = socket_batch;
	peer->fd = fd;
	r = fl_allocinfo_read(&peer->peer, f, set);
	if (r == 0 && set->n == 0 && has_names(f))
		return read_callers(&peer->peer, f, pid, set);
	return r < 0 ? r : fl_alloc_symbolise(set, pid);
}

/* Only root is answered by other users' programs: whatever it was that failed, that is why. */
static bool is_strangers(pid_t pid)
{
	uid_t uid = 0;

	return geteuid() && owner_of(pid, &uid) == 0 && uid != geteuid();
}

static int pid_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		    struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct pid_source *ps = FL_CONTAINER_OF(s, struct pid_source, source);
	_cleanup_close_ int fd = connect_pid(ps->pid);
	int r = fd < 0 ? fd : fl_allocinfo_read_socket(fd, ps->pid, f, set);

	return r < 0 && is_strangers(ps->pid) ? -EACCES : r;
}

static void pid_close(struct fl_alloc_source *s)
{
	free(FL_CONTAINER_OF(s, struct pid_source, source));
}

static const struct fl_alloc_source_ops pid_ops = { pid_read, pid_close };

int fl_alloc_source_pid(pid_t pid, struct fl_alloc_source **ret)
{
	struct pid_source *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	snprintf(ps->name, sizeof(ps->name), "process %d", (int)pid);
	ps->source.ops = &pid_ops;
	ps->source.name = ps->name;
	ps->pid = pid;
	*ret = &ps->source;
	return 0;
}

bool fl_alloc_source_is_pid(const struct fl_alloc_source *s)
{
	return s->ops == &pid_ops;
}
