// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The protocol, request by request: what each may hold, and its answer.
 *
 * A register write may be a doorbell: the thread then walks lists itself for a moment, since it has the
 * CPU and the cache, and passes what takes longer to the engine's workers.
 */
#include "epdma/wire/vfu-session.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/util.h"

#define MAX_AREAS    16u
#define MAX_CLIENT_FDS 1024 /* libvfio-user's limit of what a client may say */
#define MAX_DMA_SIZE (8ull << 40)
#define CONFIG_SIZE  FL_EPC_CFG_SIZE
#define PAGE	     4096ull

static const char capabilities[] = "{\"capabilities\":{\"max_msg_fds\":8,"
				   "\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,"
				   "\"pgsizes\":4096}}";

/* ---- VERSION ---- */

/* A number within bounds, where it is there at all. */
static bool number_ok(struct json_object *o, const char *key, int64_t min, int64_t max)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return true;
	return json_object_is_type(v, json_type_int) && json_object_get_int64(v) >= min &&
	       json_object_get_int64(v) <= max;
}

/* The page sizes that a client has: a mask, in which pages of ours are, or of whole multiples. */
static bool pgsizes_ok(struct json_object *caps)
{
	struct json_object *v;

	return number_ok(caps, "pgsizes", PAGE, INT64_MAX) &&
	       (!json_object_object_get_ex(caps, "pgsizes", &v) ||
		!(json_object_get_int64(v) & (int64_t)(PAGE - 1)));
}

static bool migration_ok(struct json_object *caps)
{
	struct json_object *m, *v;
	int64_t n;

	if (!json_object_object_get_ex(caps, "migration", &m))
		return true;
	if (!json_object_is_type(m, json_type_object) || !number_ok(m, "pgsize", PAGE, INT64_MAX))
		return false;
	n = json_object_object_get_ex(m, "pgsize", &v) ? json_object_get_int64(v) : (int64_t)PAGE;
	return !(n & (n - 1));
}

/* Everything that we know of is what it should be, or the client is refused. */
static bool capabilities_ok(struct json_object *root)
{
	struct json_object *caps;

	if (!json_object_is_type(root, json_type_object))
		return false;
	if (!json_object_object_get_ex(root, "capabilities", &caps))
		return true;
	return json_object_is_type(caps, json_type_object) &&
	       number_ok(caps, "max_msg_fds", 0, MAX_CLIENT_FDS) &&
	       number_ok(caps, "max_data_xfer_size", 0, INT64_MAX) &&
	       number_ok(caps, "max_dma_maps", 0, INT64_MAX) && pgsizes_ok(caps) && migration_ok(caps);
}

static bool json_ok(const char *text, size_t n)
{
	struct json_tokener *tok;
	struct json_object *root;
	bool ok;

	if (!n)
		return true; /* no data at all */
	if (text[n - 1] != '\0' || strlen(text) + 1 != n)
		return false;
	tok = json_tokener_new_ex(8);
	if (!tok)
		return false;
	root = json_tokener_parse_ex(tok, text, (int)n);
	ok = root && json_tokener_get_error(tok) == json_tokener_success && capabilities_ok(root);
	json_object_put(root);
	json_tokener_free(tok);
	return ok;
}

static int on_version(struct fl_vfu_session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_version v;

	if (s->negotiated || m->len < sizeof(v) || m->nr_fds)
		return -EINVAL;
	memcpy(&v, m->body, sizeof(v));
	if (v.major != VFU_MAJOR)
		return -EINVAL;
	if (!json_ok((const char *)m->body + sizeof(v), m->len - sizeof(v)))
		return -EINVAL;
	v.minor = FL_MIN(v.minor, (uint16_t)VFU_MINOR);
	s->negotiated = true;
	return fl_vfu_reply_iov(s, (struct iovec[]){ {}, { &v, sizeof(v) },
					      { (void *)capabilities, sizeof(capabilities) } },
			 3, NULL, 0);
}

/* ---- DMA ---- */

static int check_map(const struct vfu_dma_map *map, const struct vfu_msg *m)
{
	uint64_t end;

	if (m->len != sizeof(*map) || map->argsz < sizeof(*map) || m->nr_fds > 1)
		return -EINVAL;
	if (map->flags & ~(VFU_DMA_F_READ | VFU_DMA_F_WRITE | VFU_DMA_F_MMAP | VFU_DMA_F_FILE_IO))
		return -EINVAL;
	if (!(map->flags & (VFU_DMA_F_READ | VFU_DMA_F_WRITE)) || !map->size ||
	    __builtin_add_overflow(map->addr, map->size - 1, &end))
		return -EINVAL;
	return map->size > MAX_DMA_SIZE ? -ENOSPC : 0;
}

static int on_dma_map(struct fl_vfu_session *s)
{
	struct fl_mem *host = fl_device_host_mem(s->d);
	const struct vfu_msg *m = &s->conn.msg;
	struct fl_mem_range r = { .fd = -1, .io = &fl_vfu_client_io, .io_ctx = s, .name = "client" };
	struct vfu_dma_map map = {};
	int err;

	if (m->len >= sizeof(map))
		memcpy(&map, m->body, sizeof(map));
	err = check_map(&map, m);
	if (err < 0)
		return err;
	r.base = map.addr;
	r.size = map.size;
	r.flags = (map.flags & VFU_DMA_F_READ ? FL_MEM_READ : 0) |
		  (map.flags & VFU_DMA_F_WRITE ? FL_MEM_WRITE : 0);
	if (m->nr_fds)
		err = fl_mem_map(m->fds[0], map.offset, map.size, &r);
	if (err == 0) {
		err = fl_mem_add(host, &r);
		if (err < 0)
			fl_mem_unmap(&r);
	}
	return err < 0 ? err : fl_vfu_reply(s, NULL, 0);
}

static int on_dma_unmap(struct fl_vfu_session *s)
{
	struct fl_mem *host = fl_device_host_mem(s->d);
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_dma_unmap un;
	int r = 0;

	if (m->len < sizeof(un) || m->nr_fds)
		return -EINVAL;
	memcpy(&un, m->body, sizeof(un));
	if (un.argsz < sizeof(un) || un.flags & ~VFU_UNMAP_F_ALL)
		return -EINVAL;
	if (un.flags & VFU_UNMAP_F_ALL) {
		if (un.addr || un.size)
			return -EINVAL;
		fl_mem_del_all(host);
	} else {
		r = fl_mem_del(host, un.addr, un.size);
	}
	return r < 0 ? r : fl_vfu_reply(s, &un, sizeof(un));
}

/* ---- what the device has: regions, interrupts ---- */

static int on_device_info(struct fl_vfu_session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_device_info info;

	if (m->len < sizeof(info) || m->nr_fds)
		return -EINVAL;
	memcpy(&info, m->body, sizeof(info));
	if (info.argsz < sizeof(info))
		return -EINVAL;
	info = (struct vfu_device_info){ .argsz = sizeof(info),
					 .flags = VFU_DEVICE_F_RESET | VFU_DEVICE_F_PCI,
					 .num_regions = VFU_NR_REGIONS, .num_irqs = VFU_NR_IRQS };
	return fl_vfu_reply(s, &info, sizeof(info));
}

static uint64_t region_size(struct fl_vfu_session *s, uint32_t index)
{
	if (index < VFU_REGION_ROM)
		return fl_device_bar_size(s->d, index);
	return index == VFU_REGION_CONFIG ? CONFIG_SIZE : 0;
}

struct region_reply {
	struct vfu_region_info info;
	struct vfu_cap_sparse cap;
	struct vfu_sparse_area areas[MAX_AREAS];
};

static int on_region_info(struct fl_vfu_session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct fl_device_area areas[MAX_AREAS];
	struct region_reply out = {};
	unsigned int n = 0;
	uint32_t argsz;
	size_t full = sizeof(out.info);

	if (m->len < sizeof(out.info) || m->nr_fds)
		return -EINVAL;
	memcpy(&out.info, m->body, sizeof(out.info));
	argsz = out.info.argsz;
	if (argsz < sizeof(out.info) || out.info.index >= VFU_NR_REGIONS)
		return -EINVAL;
	out.info = (struct vfu_region_info){ .index = out.info.index,
					     .size = region_size(s, out.info.index) };
	if (out.info.size)
		out.info.flags = VFU_REGION_F_READ | VFU_REGION_F_WRITE;
	if (out.info.index < VFU_REGION_ROM)
		n = fl_device_areas(s->d, out.info.index, areas, MAX_AREAS);
	if (n) {
		full += sizeof(out.cap) + n * sizeof(out.areas[0]);
		out.info.flags |= VFU_REGION_F_MMAP;
		out.info.offset = areas[0].fd_offset - areas[0].offset;
	}
	out.info.argsz = (uint32_t)full;
	/* A caller without room for the capability comes again; told of one that is not there, QEMU goes. */
	if (!n || argsz < full)
		return fl_vfu_reply(s, &out.info, sizeof(out.info));
	out.info.flags |= VFU_REGION_F_CAPS;
	out.info.cap_offset = sizeof(out.info);
	out.cap.h = (struct vfu_cap_header){ .id = VFU_CAP_SPARSE_MMAP, .version = 1 };
	out.cap.nr_areas = n;
	for (unsigned int i = 0; i < n; i++)
		out.areas[i] = (struct vfu_sparse_area){ areas[i].offset, areas[i].size };
	return fl_vfu_reply_iov(s, (struct iovec[]){ {}, { &out, full } }, 2, &areas[0].fd, 1);
}

static int on_irq_info(struct fl_vfu_session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_irq_info info;

	if (m->len < sizeof(info) || m->nr_fds)
		return -EINVAL;
	memcpy(&info, m->body, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VFU_NR_IRQS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = s->vectors[info.index];
	info.flags = VFU_IRQ_F_EVENTFD;
	if (info.index == VFU_IRQ_INTX)
		info.flags |= VFU_IRQ_F_MASKABLE;
	if (info.index == VFU_IRQ_MSI || info.index == VFU_IRQ_MSIX)
		info.flags |= VFU_IRQ_F_NORESIZE;
	return fl_vfu_reply(s, &info, sizeof(info));
}

/* ---- regions ---- */

static int check_access(struct fl_vfu_session *s, struct vfu_region_access *a, bool write)
{
	const struct vfu_msg *m = &s->conn.msg;

	if (m->len < sizeof(*a) || m->nr_fds)
		return -EINVAL;
	memcpy(a, m->body, sizeof(*a));
	if (a->count > VFU_MAX_XFER || m->len != sizeof(*a) + (write ? a->count : 0))
		return -EINVAL;
	if (a->region >= VFU_NR_REGIONS || !fl_range_ok(a->offset, a->count, region_size(s, a->region)))
		return -EINVAL;
	return 0;
}

static int on_region_read(struct fl_vfu_session *s)
{
	struct vfu_region_access a;
	uint8_t small[64];
	_cleanup_free_ uint8_t *large = NULL;
	uint8_t *buf = small;
	int r = check_access(s, &a, false);

	if (r < 0)
		return r;
	if (a.count > sizeof(small)) {
		buf = large = malloc(a.count);
		if (!large)
			return -ENOMEM;
	}
	if (a.region == VFU_REGION_CONFIG)
		fl_device_cfg_read(s->d, (uint32_t)a.offset, buf, a.count);
	else
		fl_device_bar_read(s->d, a.region, a.offset, buf, a.count);
	return fl_vfu_reply_iov(s, (struct iovec[]){ {}, { &a, sizeof(a) }, { buf, a.count } }, 3, NULL, 0);
}

static int on_region_write(struct fl_vfu_session *s)
{
	const uint8_t *data = s->conn.msg.body + sizeof(struct vfu_region_access);
	struct vfu_region_access a;
	int r = check_access(s, &a, true);

	if (r < 0)
		return r;
	if (a.region == VFU_REGION_CONFIG)
		fl_device_cfg_write(s->d, (uint32_t)a.offset, data, a.count);
	else
		fl_device_bar_write(s->d, a.region, a.offset, data, a.count);
	r = fl_vfu_reply(s, &a, sizeof(a));
	fl_device_pump(s->d);
	return r;
}

static int on_reset(struct fl_vfu_session *s)
{
	if (s->conn.msg.nr_fds)
		return -EINVAL;
	fl_device_reset(s->d);
	return fl_vfu_reply(s, NULL, 0);
}

/* What the endpoint says when it starts, for a host that only has the socket. */
static int on_memory(struct fl_vfu_session *s)
{
	const struct fl_board *b = fl_device_board(s->d);
	struct vfu_memory mem = { b->ram, b->ram_size };

	return s->conn.msg.nr_fds ? -EINVAL : fl_vfu_reply(s, &mem, sizeof(mem));
}

int fl_vfu_dispatch(struct fl_vfu_session *s)
{
	switch (s->conn.msg.hdr.cmd) {
	case VFU_VERSION:
		return on_version(s);
	case VFU_DMA_MAP:
		return on_dma_map(s);
	case VFU_DMA_UNMAP:
		return on_dma_unmap(s);
	case VFU_DEVICE_GET_INFO:
		return on_device_info(s);
	case VFU_DEVICE_GET_REGION_INFO:
		return on_region_info(s);
	case VFU_DEVICE_GET_IRQ_INFO:
		return on_irq_info(s);
	case VFU_DEVICE_SET_IRQS:
		return fl_vfu_set_irqs(s);
	case VFU_REGION_READ:
		return on_region_read(s);
	case VFU_REGION_WRITE:
		return on_region_write(s);
	case VFU_DEVICE_RESET:
		return on_reset(s);
	case VFU_FORELAND_MEMORY:
		return on_memory(s);
	default:
		return -EINVAL;
	}
}
