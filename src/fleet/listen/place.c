/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/listen/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/num.h"

static int parse_port(struct fl_str s, in_port_t *ret)
{
	uint64_t v;
	int r = fl_parse_u64(s, 10, &v);

	if (r < 0 || v > 65535)
		return -EINVAL;
	*ret = htons((uint16_t)v);
	return 0;
}

int fl_place_parse(struct fl_str s, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	struct fl_str host, port;
	char z[INET6_ADDRSTRLEN];
	in_port_t n;

	if (!colon)
		return -EINVAL;
	host = fl_str_n(s.p, (size_t)(colon - s.p));
	port = fl_str_from(s, host.n + 1);
	if (parse_port(port, &n) < 0)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

		host = fl_str_sub(host, 1, host.n - 2);
		if (host.n >= sizeof(z))
			return -EINVAL;
		memcpy(z, host.p, host.n);
		z[host.n] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = n;
		*ret_len = sizeof(*in6);
		return inet_pton(AF_INET6, z, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	if (!host.n || host.n >= sizeof(z))
		return -EINVAL;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	((struct sockaddr_in *)ret)->sin_family = AF_INET;
	((struct sockaddr_in *)ret)->sin_port = n;
	*ret_len = sizeof(struct sockaddr_in);
	return inet_pton(AF_INET, z, &((struct sockaddr_in *)ret)->sin_addr) == 1 ? 0 : -EINVAL;
}

void fl_place_print(const struct sockaddr_storage *a, struct fl_buf *out)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	char z[INET6_ADDRSTRLEN] = "";

	if (a->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, z, sizeof(z));
		fl_buf_addf(out, "[%s]:%u", z, ntohs(in6->sin6_port));
		return;
	}
	inet_ntop(AF_INET, &in->sin_addr, z, sizeof(z));
	fl_buf_addf(out, "%s:%u", z, ntohs(in->sin_port));
}
