/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/otlp/send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fleet/library/library.h"
#include "fleet/otlp/encode.h"

#ifdef FL_HAVE_CURL
#include <curl/curl.h>

#define SECOND	      1000000000ull
#define WAIT_FIRST_NS SECOND
#define WAIT_MAX_NS   (60 * SECOND)
#define RETRY_AFTER_MAX 300 /* seconds */
#define LIMIT	      (64u << 10)
#define CONNECT_MS    10000L
#define REQUEST_MS    30000L

/* Some of these are macros that check the types of what they are given. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define FUNCTIONS(F)                                                                                                  \
	F(curl_global_init) F(curl_easy_init) F(curl_easy_setopt) F(curl_easy_getinfo) F(curl_easy_cleanup)           \
	F(curl_easy_strerror) F(curl_multi_init) F(curl_multi_add_handle) F(curl_multi_remove_handle)                 \
	F(curl_multi_perform) F(curl_multi_info_read) F(curl_multi_cleanup) F(curl_slist_append)                      \
	F(curl_slist_free_all)

static struct {
#define F(name) __typeof__(name) *name;
	FUNCTIONS(F)
#undef F
} net;

static const struct fl_library_symbol symbols[] = {
#define F(name) { #name, (void **)&net.name },
	FUNCTIONS(F)
#undef F
	{}
};

static const char *const libraries[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };

struct fl_sender {
	struct fl_spool *spool;
	char *urls[_FL_SPOOL_KIND_MAX];
	struct curl_slist *headers;
	CURLM *multi;
	CURL *easy;
	bool busy;
	struct fl_spool_item item; /* that is under way */
	struct fl_buf reply;
	uint64_t wait, next; /* the next request not before; 0: at once */
	unsigned int salt;
	struct fl_sender_stats stats;
	struct fl_buf error;
};

/* More than is wanted ends the transfer. */
static size_t on_reply(char *data, size_t size, size_t n, void *ctx)
{
	struct fl_sender *s = ctx;

	if (n > LIMIT || s->reply.len > LIMIT - n)
		return 0;
	fl_buf_add(&s->reply, data, size * n);
	return size * n;
}

/* ---- making one ---- */

static int add_header(struct fl_sender *s, const char *line)
{
	struct curl_slist *l = net.curl_slist_append(s->headers, line);

	if (!l)
		return -ENOMEM;
	s->headers = l;
	return 0;
}

static int add_headers(struct fl_sender *s, const char *list, struct fl_buf *why)
{
	struct fl_str rest = fl_str(list);
	int r = 0;

	while (rest.n && r == 0) {
		struct fl_str one = fl_str_trim(fl_str_sub(rest, 0, fl_str_find(rest, ',', 0)));
		size_t eq = fl_str_find(one, '=', 0);
		_cleanup_buf_ struct fl_buf line = {};

		rest = fl_str_from(rest, fl_str_find(rest, ',', 0) + 1);
		if (eq == 0 || eq == one.n || fl_str_find(one, '\r', 0) < one.n || fl_str_find(one, '\n', 0) < one.n) {
			fl_buf_addz(why, "headers are NAME=VALUE,...");
			return -EINVAL;
		}
		fl_buf_add_str(&line, fl_str_sub(one, 0, eq));
		fl_buf_addz(&line, ": ");
		fl_buf_add_str(&line, fl_str_from(one, eq + 1));
		r = line.error ? line.error : add_header(s, fl_buf_z(&line));
	}
	return r;
}

static int make_urls(struct fl_sender *s, const char *url)
{
	static const char *const paths[] = { [FL_SPOOL_METRICS] = "/v1/metrics", [FL_SPOOL_LOGS] = "/v1/logs" };
	struct fl_str base = fl_str(url);

	while (base.n && base.p[base.n - 1] == '/')
		base.n--;
	for (size_t i = 0; i < FL_ARRAY_SIZE(paths); i++) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_buf_add_str(&b, base);
		fl_buf_addz(&b, paths[i]);
		s->urls[i] = fl_buf_take(&b);
		if (!s->urls[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_handles(struct fl_sender *s)
{
	if (net.curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return -ENOMEM;
	s->multi = net.curl_multi_init();
	s->easy = net.curl_easy_init();
	if (!s->multi || !s->easy)
		return -ENOMEM;
	net.curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	net.curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	net.curl_easy_setopt(s->easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* A receiver that has moved is found at the next connection; there is one for many requests. */
	net.curl_easy_setopt(s->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	net.curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	net.curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, REQUEST_MS);
	net.curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_reply);
	net.curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	net.curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	net.curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "foreland/" FORELAND_VERSION);
	return 0;
}

static bool is_url(const char *url)
{
	struct fl_str s = fl_str(url);

	return (fl_str_starts(s, "http://") && s.n > 7) || (fl_str_starts(s, "https://") && s.n > 8);
}

int fl_sender_new(const char *url, const char *headers, struct fl_spool *spool, struct fl_sender **ret,
		  struct fl_buf *why)
{
	struct fl_sender *s;
	int r;

	if (!is_url(url)) {
		fl_buf_addz(why, "a receiver's address is http://HOST[:PORT][/PATH] or https://...");
		return -EINVAL;
	}
	r = fl_library_open(libraries, symbols, why);
	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->spool = spool;
	s->salt = (unsigned int)getpid();
	r = add_header(s, "Content-Type: application/x-protobuf");
	if (r == 0)
		r = add_header(s, "Content-Encoding: gzip");
	if (r == 0)
		r = add_header(s, "Expect:");
	if (r == 0 && headers)
		r = add_headers(s, headers, why);
	if (r == 0)
		r = make_urls(s, url);
	if (r == 0)
		r = make_handles(s);
	if (r < 0) {
		fl_sender_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void end_request(struct fl_sender *s)
{
	if (s->busy)
		net.curl_multi_remove_handle(s->multi, s->easy);
	s->busy = false;
	fl_buf_fini(&s->item.bytes);
}

void fl_sender_free(struct fl_sender *s)
{
	if (!s)
		return;
	end_request(s);
	if (s->easy)
		net.curl_easy_cleanup(s->easy);
	if (s->multi)
		net.curl_multi_cleanup(s->multi);
	net.curl_slist_free_all(s->headers);
	for (size_t i = 0; i < FL_ARRAY_SIZE(s->urls); i++)
		free(s->urls[i]);
	fl_buf_fini(&s->reply);
	fl_buf_fini(&s->error);
	free(s);
}

/* ---- sending ---- */

static void begin(struct fl_sender *s)
{
	if (fl_spool_first(s->spool, &s->item) < 0)
		return;
	fl_buf_reset(&s->reply);
	net.curl_easy_setopt(s->easy, CURLOPT_URL, s->urls[s->item.kind]);
	net.curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->item.bytes.len);
	net.curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, fl_buf_z(&s->item.bytes));
	s->busy = net.curl_multi_add_handle(s->multi, s->easy) == CURLM_OK;
	s->stats.requests += s->busy;
	if (!s->busy)
		fl_buf_fini(&s->item.bytes);
}

/* Between a half and the whole of what it would be, so that a thousand machines do not come back together. */
static uint64_t scattered(struct fl_sender *s, uint64_t ns)
{
	s->salt = s->salt * 1103515245u + 12345u;
	return ns / 2 + ns / 2 * (s->salt >> 16 & 0x7fff) / 0x7fff;
}

static void try_again(struct fl_sender *s, uint64_t now, uint64_t after_s)
{
	s->stats.retries++;
	s->wait = s->wait ? FL_MIN(s->wait * 2, (uint64_t)WAIT_MAX_NS) : WAIT_FIRST_NS;
	s->next = now + FL_MAX(scattered(s, s->wait), FL_MIN(after_s, (uint64_t)RETRY_AFTER_MAX) * SECOND);
}

static void arrived(struct fl_sender *s)
{
	struct fl_str why;
	uint64_t refused = fl_otlp_refused(fl_buf_str(&s->reply), &why);

	refused = FL_MIN(refused, s->item.items);
	s->stats.refused[s->item.kind] += refused;
	s->stats.sent[s->item.kind] += s->item.items - refused;
	if (refused)
		fl_buf_addf(&s->error, "%lu items were refused: %.*s", refused, (int)FL_MIN(why.n, (size_t)200), why.p);
	s->wait = s->next = 0;
	fl_spool_done(s->spool);
}

static bool is_for_now(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void judge(struct fl_sender *s, CURLcode code, uint64_t now)
{
	long status = 0;
	curl_off_t after = 0;

	net.curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	net.curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
	fl_buf_reset(&s->error);
	if (code == CURLE_OK && status >= 200 && status < 300) {
		arrived(s);
	} else if (code != CURLE_OK) {
		fl_buf_addz(&s->error, net.curl_easy_strerror(code));
		try_again(s, now, 0);
	} else if (is_for_now(status)) {
		fl_buf_addf(&s->error, "the receiver answers %ld", status);
		try_again(s, now, after > 0 ? (uint64_t)after : 0);
	} else {
		fl_buf_addf(&s->error, "the receiver refuses a request: %ld", status);
		s->stats.refused[s->item.kind] += s->item.items;
		s->wait = s->next = 0;
		fl_spool_done(s->spool);
	}
}

void fl_sender_run(struct fl_sender *s, uint64_t now)
{
	int running = 0, left;
	CURLMsg *m;

	if (!s->busy && now >= s->next)
		begin(s);
	if (!s->busy)
		return;
	net.curl_multi_perform(s->multi, &running);
	m = net.curl_multi_info_read(s->multi, &left);
	if (!m || m->msg != CURLMSG_DONE)
		return;
	judge(s, m->data.result, now);
	end_request(s);
}

bool fl_sender_is_busy(const struct fl_sender *s)
{
	return s->busy;
}

void fl_sender_hurry(struct fl_sender *s)
{
	s->wait = s->next = 0;
}

void fl_sender_stats(const struct fl_sender *s, struct fl_sender_stats *ret)
{
	*ret = s->stats;
	ret->error = fl_buf_z(&s->error);
}

#else /* there is nobody to carry it */

int fl_sender_new(const char *url, const char *headers, struct fl_spool *spool, struct fl_sender **ret,
		  struct fl_buf *why)
{
	fl_buf_addz(why, "this program was built without libcurl");
	return -EOPNOTSUPP;
}

void fl_sender_free(struct fl_sender *s)
{
}

void fl_sender_run(struct fl_sender *s, uint64_t now)
{
}

bool fl_sender_is_busy(const struct fl_sender *s)
{
	return false;
}

void fl_sender_hurry(struct fl_sender *s)
{
}

void fl_sender_stats(const struct fl_sender *s, struct fl_sender_stats *ret)
{
	*ret = (struct fl_sender_stats){ .error = "" };
}

#endif
