/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/otlp/resource.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/nsec.h"
#include "base/num.h"
#include "base/util.h"
#include "fleet/otlp/attribute.h"

#define GIVEN_MAX 64
#define ID_DIGITS 64
#define PROC_MAX  (4u << 20)

enum { RESOURCE_ATTRIBUTES = 1 };

struct given {
	struct fl_str keys[GIVEN_MAX], values[GIVEN_MAX];
	size_t n;
	struct fl_arena arena;
};

/* ---- what was said ---- */

/* %XX is a byte. */
static int decode(struct given *g, struct fl_str s, struct fl_str *ret)
{
	char *z = fl_arena_alloc(&g->arena, s.n + 1);
	size_t n = 0;

	if (!z)
		return -ENOMEM;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t v = (uint8_t)s.p[i];

		if (s.p[i] == '%') {
			if (s.n - i < 3 || fl_parse_u64(fl_str_sub(s, i + 1, 2), 16, &v) < 0)
				return -EINVAL;
			i += 2;
		}
		z[n++] = (char)v;
	}
	*ret = fl_str_n(z, n);
	return 0;
}

static int parse_given(const char *text, struct given *g)
{
	struct fl_str rest = fl_str(text ? text : "");
	int r = 0;

	while (rest.n && r == 0) {
		size_t comma = fl_str_find(rest, ',', 0);
		struct fl_str one = fl_str_trim(fl_str_sub(rest, 0, comma));
		size_t eq = fl_str_find(one, '=', 0);

		rest = fl_str_from(rest, FL_MIN(comma + 1, rest.n));
		if (!one.n)
			continue;
		if (eq == 0 || eq == one.n || g->n == GIVEN_MAX)
			return -EINVAL;
		g->keys[g->n] = fl_str_trim(fl_str_sub(one, 0, eq));
		r = decode(g, fl_str_trim(fl_str_from(one, eq + 1)), &g->values[g->n]);
		g->n += r == 0;
	}
	return r;
}

static bool is_given(const struct given *g, struct fl_str key, size_t from)
{
	for (size_t i = from; i < g->n; i++)
		if (fl_str_eq(g->keys[i], key))
			return true;
	return false;
}

/* ---- what is found out ---- */

static void add(struct fl_otlp_resource *r, const struct given *g, const char *key, struct fl_str v)
{
	if (v.n && !is_given(g, fl_str(key), 0))
		fl_otlp_attribute(&r->attributes, RESOURCE_ATTRIBUTES, fl_str(key), v);
}

static void add_line(struct fl_otlp_resource *r, const struct given *g, const char *key, const char *path)
{
	_cleanup_file_ struct fl_file f = {};
	struct fl_str text, line;

	if (fl_file_open(path, PROC_MAX, &f) < 0)
		return;
	text = fl_file_str(&f);
	if (fl_str_line(&text, &line))
		add(r, g, key, fl_str_trim(line));
}

static size_t hex_digits(struct fl_str s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || (s.p[n] >= 'a' && s.p[n] <= 'f')))
		n++;
	return n;
}

/* The last one that stands alone in @s, behind @before. */
static struct fl_str find_id(struct fl_str s, const char *before)
{
	struct fl_str found = FL_STR("");
	size_t len = strlen(before);

	for (size_t i = 0; i + len + ID_DIGITS <= s.n; i++) {
		struct fl_str at = fl_str_from(s, i + len);

		if (memcmp(s.p + i, before, len) == 0 && hex_digits(at) == ID_DIGITS)
			found = fl_str_sub(at, 0, ID_DIGITS);
	}
	return found;
}

/*
 * Where a process sees its own cgroup by its whole path, the id is a part of that (cri-containerd-ID.scope,
 * docker/ID). In a namespace of its own that is "/", but runtimes lay files of theirs over /etc/hosts, and these lie
 * in a folder of the container's name. (Layers of images have such names, too, in other folders.)
 */
struct fl_str fl_otlp_container(struct fl_str cgroup, struct fl_str mounts)
{
	static const char *const parts[] = { "/", "-" };
	struct fl_str id = FL_STR("");

	for (size_t i = 0; i < FL_ARRAY_SIZE(parts) && !id.n; i++)
		id = find_id(cgroup, parts[i]);
	return id.n ? id : find_id(mounts, "/containers/");
}

static void add_container(struct fl_otlp_resource *r, const struct given *g)
{
	_cleanup_file_ struct fl_file cgroup = {}, mounts = {};
	struct fl_str of_mounts = FL_STR(""), of_cgroup = FL_STR("");

	if (fl_file_open("/proc/self/cgroup", PROC_MAX, &cgroup) == 0)
		of_cgroup = fl_file_str(&cgroup);
	if (fl_file_open("/proc/self/mountinfo", PROC_MAX, &mounts) == 0)
		of_mounts = fl_file_str(&mounts);
	add(r, g, "container.id", fl_otlp_container(of_cgroup, of_mounts));
}

static const char *arch_of(const char *machine)
{
	if (strcmp(machine, "x86_64") == 0)
		return "amd64";
	return strcmp(machine, "aarch64") == 0 ? "arm64" : machine;
}

static void add_all(struct fl_otlp_resource *r, const struct given *g, const struct utsname *u)
{
	add(r, g, "service.name", FL_STR("foreland"));
	add(r, g, "service.version", FL_STR(FORELAND_VERSION));
	add(r, g, "service.instance.id", fl_str(u->nodename));
	add(r, g, "host.name", fl_str(u->nodename));
	add(r, g, "host.arch", fl_str(arch_of(u->machine)));
	add_line(r, g, "host.id", "/etc/machine-id");
	add(r, g, "os.type", FL_STR("linux"));
	add(r, g, "os.version", fl_str(u->release));
	add_line(r, g, "linux.boot_id", "/proc/sys/kernel/random/boot_id");
	add(r, g, "process.executable.name", FL_STR("foreland"));
	if (!is_given(g, FL_STR("process.pid"), 0))
		fl_otlp_attribute_int(&r->attributes, RESOURCE_ATTRIBUTES, FL_STR("process.pid"), (uint64_t)getpid());
	add_container(r, g);
	for (size_t i = 0; i < g->n; i++) /* of two of one name the last */
		if (!is_given(g, g->keys[i], i + 1))
			fl_otlp_attribute(&r->attributes, RESOURCE_ATTRIBUTES, g->keys[i], g->values[i]);
}

int fl_otlp_resource(const char *given, const char *service, struct fl_otlp_resource *ret, struct fl_buf *why)
{
	struct fl_otlp_resource r = {};
	struct given g = {};
	struct utsname u;
	uint64_t id[2];
	int err = 0;

	*ret = r;
	if (uname(&u) < 0 || getrandom(id, sizeof(id), 0) != sizeof(id))
		return -errno;
	snprintf(r.run, sizeof(r.run), "%016lx%016lx", id[0], id[1]);
	r.start_ns = fl_time_ns(CLOCK_REALTIME);
	err = parse_given(given, &g);
	if (err == -EINVAL) {
		g.n = 0;
		fl_buf_addz(why, "resource attributes are KEY=VALUE,..., 64 at most, and %XX for other bytes: "
				 "none is taken");
	}
	if (service && service[0] && g.n < GIVEN_MAX) {
		g.keys[g.n] = FL_STR("service.name");
		g.values[g.n++] = fl_str(service);
	}
	add_all(&r, &g, &u);
	fl_arena_fini(&g.arena);
	*ret = r;
	return err == -ENOMEM ? err : r.attributes.error;
}

void fl_otlp_resource_fini(struct fl_otlp_resource *r)
{
	fl_buf_fini(&r->attributes);
}
