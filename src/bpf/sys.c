/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "base/util.h"

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void set_name(char to[BPF_OBJ_NAME_LEN], const char *name)
{
	memcpy(to, name, strnlen(name, BPF_OBJ_NAME_LEN - 1));
}

int fl_bpf_map_create(const struct fl_bpf_map *map)
{
	union bpf_attr attr = {
		.map_type = map->type, .key_size = map->key_size, .value_size = map->value_size,
		.max_entries = map->entries, .map_flags = map->flags,
		.inner_map_fd = (uint32_t)map->inner_fd,
	};

	set_name(attr.map_name, map->name);
	return bpf(BPF_MAP_CREATE, &attr);
}

int fl_bpf_map_lookup(int map, const void *key, void *value)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map, .key = address(key), .value = address(value) };

	return bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

int fl_bpf_map_update(int map, const void *key, const void *value, uint64_t flags)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map, .key = address(key), .value = address(value) };

	attr.flags = flags;
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

int fl_bpf_map_next_key(int map, const void *key, void *next)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map, .key = address(key), .next_key = address(next) };

	return bpf(BPF_MAP_GET_NEXT_KEY, &attr);
}

/* The verifier gives up a load with EAGAIN when a signal comes in between. */
int fl_bpf_prog_load(const struct fl_bpf_prog *p)
{
	int r = -EAGAIN;

	for (int tries = 0; tries < 5 && r == -EAGAIN; tries++) {
		union bpf_attr attr = {
			.prog_type = p->type, .expected_attach_type = p->attach_type,
			.insns = address(p->insns), .insn_cnt = (uint32_t)p->nr_insns,
			.prog_flags = p->may_sleep ? BPF_F_SLEEPABLE : 0,
			.license = address("GPL"), .attach_btf_id = p->attach_btf_id,
			.attach_btf_obj_fd = (uint32_t)p->attach_btf_fd,
			.log_buf = address(p->log), .log_size = p->log ? p->log_size : 0,
			.log_level = p->log ? 1 : 0,
		};

		set_name(attr.prog_name, p->name);
		r = bpf(BPF_PROG_LOAD, &attr);
	}
	return r;
}

int fl_bpf_prog_run(int prog)
{
	union bpf_attr attr = { .test = { .prog_fd = (uint32_t)prog } };

	return bpf(BPF_PROG_TEST_RUN, &attr);
}

int fl_bpf_raw_tracepoint_open(const char *name, int prog)
{
	union bpf_attr attr = {};

	attr.raw_tracepoint.name = address(name);
	attr.raw_tracepoint.prog_fd = (uint32_t)prog;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

int fl_bpf_link_create(int prog, int target, uint32_t attach_type)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.target_fd = (uint32_t)target;
	attr.link_create.attach_type = attach_type;
	return bpf(BPF_LINK_CREATE, &attr);
}

int fl_bpf_link_multi(int prog, const uint64_t *addresses, const uint64_t *cookies, uint32_t n, uint32_t flags)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.attach_type = BPF_TRACE_KPROBE_MULTI;
	attr.link_create.kprobe_multi.addrs = address(addresses);
	attr.link_create.kprobe_multi.cookies = address(cookies);
	attr.link_create.kprobe_multi.cnt = n;
	attr.link_create.kprobe_multi.flags = flags;
	return bpf(BPF_LINK_CREATE, &attr);
}

/* The kernel's union bpf_attr for these, as of 6.6. */
struct link_attr {
	uint32_t prog, target, attach_type, flags;
	union {
		struct {
			uint64_t path, offsets, counters, cookies;
			uint32_t n, flags, pid, pad;
		} user;
		struct {
			uint64_t cookie;
		} perf;
		uint8_t room[48];
	};
};

_Static_assert(sizeof(struct link_attr) == 64, "union bpf_attr, link_create");

static int make_link(struct link_attr *attr)
{
	long r = syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

int fl_bpf_link_user(int prog, const struct fl_bpf_user_places *places)
{
	struct link_attr attr = { .prog = (uint32_t)prog, .attach_type = FL_BPF_TRACE_UPROBE_MULTI };

	attr.user.path = address(places->path);
	attr.user.offsets = address(places->offsets);
	attr.user.cookies = address(places->cookies);
	attr.user.counters = address(places->counters);
	attr.user.n = places->n;
	attr.user.flags = places->is_return; /* BPF_F_UPROBE_MULTI_RETURN */
	return make_link(&attr);
}

int fl_bpf_link_perf(int prog, int perf, uint64_t cookie)
{
	struct link_attr attr = { .prog = (uint32_t)prog, .target = (uint32_t)perf, .attach_type = BPF_PERF_EVENT };

	attr.perf.cookie = cookie;
	return make_link(&attr);
}

int fl_bpf_info(int fd, void *info, uint32_t size)
{
	union bpf_attr attr = {};

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info = address(info);
	attr.info.info_len = size;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

int fl_bpf_btf_next_id(uint32_t *id)
{
	union bpf_attr attr = { .start_id = *id };
	int r = bpf(BPF_BTF_GET_NEXT_ID, &attr);

	if (r == 0)
		*id = attr.next_id;
	return r;
}

int fl_bpf_btf_open(uint32_t id)
{
	union bpf_attr attr = { .btf_id = id };

	return bpf(BPF_BTF_GET_FD_BY_ID, &attr);
}

bool fl_cpu_range(struct fl_str *list, uint64_t *first, uint64_t *last)
{
	size_t comma = fl_str_find(*list, ',', 0), dash;
	struct fl_str part = fl_str_trim(fl_str_sub(*list, 0, comma));

	*list = fl_str_from(*list, comma + 1);
	dash = fl_str_find(part, '-', 0);
	if (fl_parse_u64(fl_str_sub(part, 0, dash), 10, first) < 0)
		return false;
	*last = *first;
	return dash == part.n || fl_parse_u64(fl_str_from(part, dash + 1), 10, last) == 0;
}

int fl_bpf_possible_cpus(void)
{
	_cleanup_file_ struct fl_file f = {};
	uint64_t first, last, most = 0;
	struct fl_str list;
	int r;

	r = fl_file_open("/sys/devices/system/cpu/possible", 1 << 16, &f);
	if (r < 0)
		return r;
	list = fl_file_str(&f);
	while (fl_cpu_range(&list, &first, &last))
		most = FL_MAX(most, last + 1);
	return most && most < 65536 ? (int)most : -EINVAL;
}
