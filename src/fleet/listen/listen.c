/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/listen/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/util.h"
#include "fleet/library/library.h"
#include "fleet/listen/place.h"
#include "metrics/text.h"

#ifdef FL_HAVE_MICROHTTPD
#include <microhttpd.h>

#define LISTEN_CONNECTIONS 64
#define LISTEN_EACH	   16 /* of one address */
#define LISTEN_PATIENCE	   30 /* seconds, for question and answer together */
#define LISTEN_SILENCE	   10 /* seconds without a byte */
#define LISTEN_MEMORY	   (16u << 10)
#define LISTEN_FRESH_NS	   100000000u /* values that old are given again */

#define FUNCTIONS(F)                                                                                                  \
	F(MHD_start_daemon) F(MHD_stop_daemon) F(MHD_run) F(MHD_get_daemon_info) F(MHD_get_connection_info)           \
	F(MHD_lookup_connection_value) F(MHD_create_response_from_buffer) F(MHD_add_response_header)                  \
	F(MHD_queue_response) F(MHD_destroy_response)

static struct {
#define F(name) __typeof__(name) *name;
	FUNCTIONS(F)
#undef F
} http;

static const struct fl_library_symbol symbols[] = {
#define F(name) { #name, (void **)&http.name },
	FUNCTIONS(F)
#undef F
	{}
};

static const char *const libraries[] = { "libmicrohttpd.so.12", "libmicrohttpd.so.1", NULL };

struct connection {
	int fd; /* -1: none */
	uint64_t begin;
};

struct fl_listen {
	struct MHD_Daemon *daemon;
	int epoll;
	fl_listen_fn fn;
	void *ctx;
	struct connection connections[LISTEN_CONNECTIONS];
	struct fl_buf text[FL_ARRAY_SIZE(fl_metrics_content_types)];
	uint64_t made; /* when; 0: never */
	int error;     /* of making it */
	struct fl_buf place;
};

/* ---- answers ---- */

static void work_out(struct fl_listen *l)
{
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	uint64_t now = fl_time_ns(CLOCK_MONOTONIC);

	if (l->made && now - l->made < LISTEN_FRESH_NS)
		return;
	l->made = now;
	l->error = l->fn(l->ctx, &m);
	for (size_t i = 0; i < FL_ARRAY_SIZE(l->text) && l->error == 0; i++) {
		fl_buf_reset(&l->text[i]);
		fl_metrics_text(m, (enum fl_metrics_form)i, &l->text[i]);
		l->error = l->text[i].error;
	}
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *type, struct fl_str body)
{
	struct MHD_Response *r = http.MHD_create_response_from_buffer(body.n, (void *)body.p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result queued;

	if (!r)
		return MHD_NO;
	http.MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	http.MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	queued = http.MHD_queue_response(c, status, r);
	http.MHD_destroy_response(r);
	return queued;
}

static enum MHD_Result answer_metrics(struct fl_listen *l, struct MHD_Connection *c)
{
	const char *accept = http.MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	enum fl_metrics_form form = accept && strstr(accept, "application/openmetrics-text") ? FL_METRICS_OPENMETRICS
											     : FL_METRICS_PROMETHEUS;

	work_out(l);
	if (l->error)
		return answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			      FL_STR("the values could not be read\n"));
	return answer(c, MHD_HTTP_OK, fl_metrics_content_types[form], fl_buf_str(&l->text[form]));
}

/* Called twice for a request: first for its head, and what is answered then ends the connection. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	static int seen;

	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*size) { /* a body, which nobody asked for: it is not read on */
		*size = 0;
		return MHD_NO;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", FL_STR("GET only\n"));
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(ctx, c);
	if (strcmp(url, "/") == 0)
		return answer(c, MHD_HTTP_OK, "text/plain", FL_STR("foreland: metrics are at /metrics\n"));
	return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", FL_STR("metrics are at /metrics\n"));
}

/* ---- who is connected ---- */

static struct connection *find(struct fl_listen *l, int fd)
{
	for (size_t i = 0; i < LISTEN_CONNECTIONS; i++)
		if (l->connections[i].fd == fd)
			return &l->connections[i];
	return NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **state,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = http.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	bool begins = code == MHD_CONNECTION_NOTIFY_STARTED;
	struct connection *at = info ? find(ctx, begins ? -1 : info->connect_fd) : NULL;

	if (at)
		*at = (struct connection){ begins ? info->connect_fd : -1, fl_time_ns(CLOCK_MONOTONIC) };
}

/* Bytes that trickle keep the library patient. */
static void end_late_ones(struct fl_listen *l)
{
	uint64_t now = fl_time_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < LISTEN_CONNECTIONS; i++)
		if (l->connections[i].fd >= 0 && now - l->connections[i].begin > LISTEN_PATIENCE * 1000000000ull)
			shutdown(l->connections[i].fd, SHUT_RDWR);
}

/* ---- the daemon ---- */

static int open_socket(const char *where, struct fl_buf *place, struct fl_buf *why)
{
	struct sockaddr_storage a;
	_cleanup_close_ int fd = -1;
	socklen_t n;
	int yes = 1;

	if (fl_place_parse(fl_str(where), &a, &n) < 0) {
		fl_buf_addz(why, "a place to listen is ADDR:PORT, as 127.0.0.1:9435 or [::1]:9435");
		return -EINVAL;
	}
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, LISTEN_CONNECTIONS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return -errno;
	fl_place_print(&a, place);
	return TAKE_FD(fd);
}

static int start(struct fl_listen *l, int fd)
{
	const union MHD_DaemonInfo *info;

	l->daemon = http.MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, fd,
					  MHD_OPTION_CONNECTION_LIMIT, (unsigned int)LISTEN_CONNECTIONS,
					  MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)LISTEN_EACH,
					  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)LISTEN_SILENCE,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LISTEN_MEMORY,
					  MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_END);
	if (!l->daemon)
		return -EIO;
	info = http.MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	l->epoll = info ? info->epoll_fd : -1;
	return info ? 0 : -EIO;
}

int fl_listen_open(const char *where, fl_listen_fn fn, void *ctx, struct fl_listen **ret, struct fl_buf *why)
{
	_cleanup_close_ int fd = -1;
	struct fl_listen *l;
	int r = fl_library_open(libraries, symbols, why);

	if (r < 0)
		return r;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->fn = fn;
	l->ctx = ctx;
	for (size_t i = 0; i < LISTEN_CONNECTIONS; i++)
		l->connections[i].fd = -1;
	fd = open_socket(where, &l->place, why);
	r = fd < 0 ? fd : start(l, fd);
	if (r < 0) {
		fl_listen_close(l);
		return r;
	}
	(void)TAKE_FD(fd); /* the daemon's from now on */
	*ret = l;
	return 0;
}

void fl_listen_close(struct fl_listen *l)
{
	if (!l)
		return;
	if (l->daemon)
		http.MHD_stop_daemon(l->daemon);
	for (size_t i = 0; i < FL_ARRAY_SIZE(l->text); i++)
		fl_buf_fini(&l->text[i]);
	fl_buf_fini(&l->place);
	free(l);
}

void fl_listen_run(struct fl_listen *l)
{
	http.MHD_run(l->daemon);
	end_late_ones(l);
}

int fl_listen_fd(const struct fl_listen *l)
{
	return l->epoll;
}

const char *fl_listen_place(const struct fl_listen *l)
{
	return fl_buf_z(&l->place);
}

#else /* nobody can be listened to */

int fl_listen_open(const char *where, fl_listen_fn fn, void *ctx, struct fl_listen **ret, struct fl_buf *why)
{
	fl_buf_addz(why, "this program was built without libmicrohttpd");
	return -EOPNOTSUPP;
}

void fl_listen_close(struct fl_listen *l)
{
}

void fl_listen_run(struct fl_listen *l)
{
}

int fl_listen_fd(const struct fl_listen *l)
{
	return -1;
}

const char *fl_listen_place(const struct fl_listen *l)
{
	return "";
}

#endif
