// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The protocol, request by request. One thread reads a connection; its requests are answered in order,
 * each before the next is read, which is what clients that allow themselves one outstanding request
 * and clients that send in batches both expect.
 *
 * A register write may be a doorbell: the thread then walks lists itself for a moment, since it has the
 * CPU and the cache, and passes what takes longer to the engine's workers.
 *
 * Host memory that came with a descriptor is mapped. Memory that came without is reached by asking the
 * client (DMA_READ, DMA_WRITE): a worker sends the request and sleeps until this thread, which goes on
 * serving the client meanwhile, finds the reply.
 *
 * Errors. A request that is refused gets a bare header with the errno. What cannot be a request any
 * more (a size that cannot be, a reply that nobody asked for, too many descriptors) ends the connection.
 */
#include "epdma/wire/vfu-server.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/vfu/vfu.h"
#include "epdma/wire/mpq-server.h"

#define LOOK_MS	     100
#define MAX_VECTORS  2048u
#define MAX_AREAS    16u
#define MAX_CLIENT_FDS 1024 /* libvfio-user's limit of what a client may say */
#define MAX_DMA_SIZE (8ull << 40)
#define PEER_MS	     5000 /* how long a client may take to answer us */
#define MAX_POSTED   64u
#define MAX_WAITING  64u
#define MAX_GREETING 4096u
#define BEGUN_MS     20
#define CONFIG_SIZE  FL_EPC_CFG_SIZE
#define PAGE	     4096ull

static const char capabilities[] = "{\"capabilities\":{\"max_msg_fds\":8,"
				   "\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,"
				   "\"pgsizes\":4096}}";

/* A request of ours that waits for its reply; a posted one for nobody, and is forgotten with it. */
struct asked {
	struct asked *next;
	bool posted;
	uint16_t id;
	uint16_t cmd;
	uint8_t *buf; /* DMA_READ: where the bytes go */
	size_t n;
	int result; /* 1: still waiting */
};

struct session {
	struct fl_device *d;
	struct vfu_conn conn;
	bool negotiated;
	uint32_t vectors[VFU_NR_IRQS];
	pthread_mutex_t send_lock; /* workers send too */
	pthread_mutex_t lock;	   /* everything below */
	pthread_cond_t answered;
	struct asked *asked;
	unsigned int nr_posted;
	uint16_t next_id;
	bool closing;
	int *events[VFU_NR_IRQS]; /* eventfds by vector, -1: none */
	unsigned int connected[VFU_NR_IRQS]; /* how many there are */
};

/* ---- sending ---- */

static int reply_iov(struct session *s, struct iovec *iov, unsigned int n, const int *fds,
		     unsigned int nr_fds)
{
	const struct vfu_hdr *req = &s->conn.msg.hdr;
	struct vfu_hdr hdr = { .id = req->id, .cmd = req->cmd, .flags = VFU_REPLY,
			       .size = VFU_HDR_SIZE };
	int r;

	if (req->flags & VFU_NO_REPLY)
		return 0;
	iov[0] = (struct iovec){ &hdr, sizeof(hdr) };
	for (unsigned int i = 1; i < n; i++)
		hdr.size += (uint32_t)iov[i].iov_len;
	pthread_mutex_lock(&s->send_lock);
	r = vfu_send(&s->conn, iov, n, fds, nr_fds);
	pthread_mutex_unlock(&s->send_lock);
	return r;
}

static int reply(struct session *s, const void *body, size_t n)
{
	return reply_iov(s, (struct iovec[]){ {}, { (void *)body, n } }, 2, NULL, 0);
}

static int refuse(struct session *s, int err)
{
	const struct vfu_hdr *req = &s->conn.msg.hdr;
	struct vfu_hdr hdr = { .id = req->id, .cmd = req->cmd, .flags = VFU_REPLY | VFU_ERROR,
			       .size = VFU_HDR_SIZE, .error = (uint32_t)-err };
	int r;

	if (req->flags & VFU_NO_REPLY)
		return 0;
	pthread_mutex_lock(&s->send_lock);
	r = vfu_send(&s->conn, &(struct iovec){ &hdr, sizeof(hdr) }, 1, NULL, 0);
	pthread_mutex_unlock(&s->send_lock);
	return r;
}

/* ---- memory that only the client can reach ---- */

/* The request goes out, and stands in s->asked. -EIO: the session ends. */
static int send_asked(struct session *s, struct asked *a, uint64_t addr, const void *out)
{
	struct vfu_dma_access acc = { addr, a->n };
	struct vfu_hdr hdr = { .cmd = a->cmd,
			       .size = (uint32_t)(VFU_HDR_SIZE + sizeof(acc) + (out ? a->n : 0)) };
	struct iovec iov[] = { { &hdr, sizeof(hdr) }, { &acc, sizeof(acc) }, { (void *)out, a->n } };
	int r;

	pthread_mutex_lock(&s->lock);
	if (s->closing) {
		pthread_mutex_unlock(&s->lock);
		return -EIO;
	}
	hdr.id = a->id = s->next_id++;
	a->result = 1;
	a->next = s->asked;
	s->asked = a;
	s->nr_posted += a->posted;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&s->send_lock);
	r = vfu_send(&s->conn, iov, out ? 3 : 2, NULL, 0);
	pthread_mutex_unlock(&s->send_lock);
	return r;
}

/* Lock held. */
static void forget_asked(struct session *s, struct asked *a)
{
	struct asked **at = &s->asked;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
}

/* And its reply is waited for: by a worker, never by the thread that reads the connection. */
static int ask(struct session *s, struct asked *a, uint64_t addr, const void *out)
{
	struct timespec until = fl_time_in(CLOCK_MONOTONIC, PEER_MS);
	int r = send_asked(s, a, addr, out);

	pthread_mutex_lock(&s->lock);
	while (r == 0 && a->result > 0 && !s->closing)
		if (fl_cond_wait_until(&s->answered, &s->lock, &until))
			break;
	forget_asked(s, a);
	r = a->result > 0 ? -EIO : a->result;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int client_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct asked a = { .cmd = VFU_DMA_READ, .buf = buf, .n = n };

	return ask(ctx, &a, addr, NULL);
}

static int client_write(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	struct asked a = { .cmd = VFU_DMA_WRITE, .n = n };

	return ask(ctx, &a, addr, buf);
}

/* A client that answers none of MAX_POSTED has had its chance: what comes then is lost. */
static int client_post(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	struct session *s = ctx;
	struct asked *a;
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->nr_posted < MAX_POSTED;
	pthread_mutex_unlock(&s->lock);
	a = room ? calloc(1, sizeof(*a)) : NULL;
	if (!a)
		return -ENOSPC;
	*a = (struct asked){ .cmd = VFU_DMA_WRITE, .n = n, .posted = true };
	if (send_asked(s, a, addr, buf) == -EIO)
		free(a);
	return 0;
}

static const struct fl_mem_io client_io = { .read = client_read, .write = client_write,
					    .post = client_post };

/* A reply to one of ours; -EPROTO: nobody asked, or it is not what was asked for. */
static int take_answer(struct session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_dma_access acc;
	struct asked *a;
	int r = -EPROTO;

	pthread_mutex_lock(&s->lock);
	for (a = s->asked; a && (a->id != m->hdr.id || a->result <= 0); a = a->next)
		;
	if (a && a->cmd == m->hdr.cmd && m->hdr.flags & VFU_ERROR) {
		a->result = -EIO;
		r = 0;
	} else if (a && a->cmd == m->hdr.cmd && m->len == sizeof(acc) + (a->buf ? a->n : 0)) {
		memcpy(&acc, m->body, sizeof(acc));
		if (acc.count == a->n && a->buf)
			memcpy(a->buf, m->body + sizeof(acc), a->n);
		a->result = acc.count == a->n ? 0 : -EIO;
		r = 0;
	}
	if (r == 0 && a->posted) {
		forget_asked(s, a);
		s->nr_posted--;
		free(a);
	}
	pthread_cond_broadcast(&s->answered);
	pthread_mutex_unlock(&s->lock);
	return r;
}

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

static int on_version(struct session *s)
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
	return reply_iov(s, (struct iovec[]){ {}, { &v, sizeof(v) },
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

static int on_dma_map(struct session *s)
{
	struct fl_mem *host = fl_device_host_mem(s->d);
	const struct vfu_msg *m = &s->conn.msg;
	struct fl_mem_range r = { .fd = -1, .io = &client_io, .io_ctx = s, .name = "client" };
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
	return err < 0 ? err : reply(s, NULL, 0);
}

static int on_dma_unmap(struct session *s)
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
	return r < 0 ? r : reply(s, &un, sizeof(un));
}

/* ---- what there is ---- */

static int on_device_info(struct session *s)
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
	return reply(s, &info, sizeof(info));
}

static uint64_t region_size(struct session *s, uint32_t index)
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

static int on_region_info(struct session *s)
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
		return reply(s, &out.info, sizeof(out.info));
	out.info.flags |= VFU_REGION_F_CAPS;
	out.info.cap_offset = sizeof(out.info);
	out.cap.h = (struct vfu_cap_header){ .id = VFU_CAP_SPARSE_MMAP, .version = 1 };
	out.cap.nr_areas = n;
	for (unsigned int i = 0; i < n; i++)
		out.areas[i] = (struct vfu_sparse_area){ areas[i].offset, areas[i].size };
	return reply_iov(s, (struct iovec[]){ {}, { &out, full } }, 2, &areas[0].fd, 1);
}

static int on_irq_info(struct session *s)
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
	return reply(s, &info, sizeof(info));
}

/* ---- interrupts ---- */

static void set_event(struct session *s, uint32_t index, uint32_t vector, int fd)
{
	if (!s->events[index]) {
		if (fd < 0)
			return;
		s->events[index] = malloc(MAX_VECTORS * sizeof(int));
		if (!s->events[index]) {
			close(fd);
			return;
		}
		for (unsigned int i = 0; i < MAX_VECTORS; i++)
			s->events[index][i] = -1;
	}
	if (s->events[index][vector] >= 0) {
		close(s->events[index][vector]);
		s->connected[index]--;
	}
	s->events[index][vector] = fd;
	s->connected[index] += fd >= 0;
}

static void drop_events(struct session *s, uint32_t index)
{
	for (unsigned int i = 0; s->events[index] && i < MAX_VECTORS; i++)
		set_event(s, index, i, -1);
}

static void fire(struct session *s, uint32_t index, uint32_t vector)
{
	if (s->events[index])
		fl_device_signal(s->events[index][vector]);
}

/*
 * A message whose vector the MSI capability tells goes there. One that it does not is of a client which
 * keeps an MSI-X table to itself: of the vectors that it connected, the channel's. A client that has
 * connected neither hears nothing.
 */
static void on_vector(void *ctx, const struct fl_device_message *m)
{
	struct session *s = ctx;
	uint32_t index;

	pthread_mutex_lock(&s->lock);
	index = m->vector < 0 && s->connected[VFU_IRQ_MSIX] ? VFU_IRQ_MSIX : VFU_IRQ_MSI;
	fire(s, index, m->vector >= 0 ? (uint32_t)m->vector :
					fl_dw_vector(m->n, s->connected[index], m->dir, m->chan));
	pthread_mutex_unlock(&s->lock);
}

static bool one_bit(uint32_t v)
{
	return v && !(v & (v - 1));
}

static int check_set_irqs(struct session *s, const struct vfu_set_irqs *set, size_t data_len)
{
	const struct vfu_msg *m = &s->conn.msg;
	uint32_t data = set->flags & VFU_DATA_MASK, action = set->flags & VFU_ACTION_BITS, end;

	if (set->argsz < sizeof(*set) || set->flags & ~(VFU_DATA_MASK | VFU_ACTION_BITS) ||
	    !one_bit(data) || !one_bit(action) || set->index >= VFU_NR_IRQS)
		return -EINVAL;
	if (__builtin_add_overflow(set->start, set->count, &end) || end > s->vectors[set->index] ||
	    end > MAX_VECTORS)
		return -EINVAL;
	if ((set->index == VFU_IRQ_ERR || set->index == VFU_IRQ_REQ) && action != VFU_ACTION_TRIGGER)
		return -EINVAL;
	if (!set->count && (data != VFU_DATA_NONE || action != VFU_ACTION_TRIGGER))
		return -EINVAL;
	if (data == VFU_DATA_BOOL && data_len != set->count)
		return -EINVAL;
	if (data != VFU_DATA_BOOL && data_len)
		return -EINVAL;
	if (data != VFU_DATA_EVENTFD && m->nr_fds)
		return -EINVAL;
	if (data == VFU_DATA_EVENTFD && m->nr_fds && m->nr_fds != set->count)
		return -EINVAL;
	for (unsigned int i = 0; i < m->nr_fds; i++)
		if (!fl_device_is_eventfd(m->fds[i]))
			return -EINVAL;
	return 0;
}

/* Masking is the client's business for messages; INTx is never raised. Both are accepted. */
static void do_set_irqs(struct session *s, const struct vfu_set_irqs *set, const uint8_t *bools)
{
	uint32_t data = set->flags & VFU_DATA_MASK;

	if (!(set->flags & VFU_ACTION_TRIGGER))
		return;
	if (data == VFU_DATA_NONE && !set->count && !set->start) {
		drop_events(s, set->index);
		free(s->events[set->index]);
		s->events[set->index] = NULL;
		return;
	}
	for (uint32_t i = 0; i < set->count; i++) {
		if (data == VFU_DATA_EVENTFD)
			set_event(s, set->index, set->start + i,
				  s->conn.msg.nr_fds ? vfu_take_fd(&s->conn, i) : -1);
		else if (data == VFU_DATA_NONE || bools[i])
			fire(s, set->index, set->start + i);
	}
}

static int on_set_irqs(struct session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_set_irqs set;
	int r;

	if (m->len < sizeof(set))
		return -EINVAL;
	memcpy(&set, m->body, sizeof(set));
	r = check_set_irqs(s, &set, m->len - sizeof(set));
	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	do_set_irqs(s, &set, m->body + sizeof(set));
	pthread_mutex_unlock(&s->lock);
	return reply(s, NULL, 0);
}

/* ---- regions ---- */

static int check_access(struct session *s, struct vfu_region_access *a, bool write)
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

static int on_region_read(struct session *s)
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
	return reply_iov(s, (struct iovec[]){ {}, { &a, sizeof(a) }, { buf, a.count } }, 3, NULL, 0);
}

static int on_region_write(struct session *s)
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
	r = reply(s, &a, sizeof(a));
	fl_device_pump(s->d);
	return r;
}

static int on_reset(struct session *s)
{
	if (s->conn.msg.nr_fds)
		return -EINVAL;
	fl_device_reset(s->d);
	return reply(s, NULL, 0);
}

/* What the endpoint says when it starts, for a host that only has the socket. */
static int on_memory(struct session *s)
{
	const struct fl_board *b = fl_device_board(s->d);
	struct vfu_memory mem = { b->ram, b->ram_size };

	return s->conn.msg.nr_fds ? -EINVAL : reply(s, &mem, sizeof(mem));
}

/* ---- the loop ---- */

static int dispatch(struct session *s)
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
		return on_set_irqs(s);
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

/* < 0: the connection is over. */
static int handle(struct session *s)
{
	const struct vfu_hdr *h = &s->conn.msg.hdr;
	int r;

	if ((h->flags & VFU_TYPE_MASK) == VFU_REPLY)
		return take_answer(s) < 0 ? refuse(s, -EINVAL) : 0; /* nobody asked, and no harm is done */
	if (h->flags & (VFU_TYPE_MASK | VFU_ERROR)) {
		refuse(s, -EINVAL);
		return -EPROTO;
	}
	if (!s->negotiated && h->cmd != VFU_VERSION) {
		refuse(s, -EINVAL);
		return -EPROTO;
	}
	r = dispatch(s);
	if (r == -EPIPE || r == -ETIMEDOUT || r == 0)
		return r;
	r = refuse(s, r);
	return r < 0 ? r : s->negotiated ? 0 : -EPROTO; /* no common ground: nothing can follow */
}

static void end_session(struct session *s)
{
	struct asked *a;

	fl_device_set_sink(s->d, NULL, NULL);
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	for (a = s->asked; a; a = a->next)
		a->result = -EIO;
	pthread_cond_broadcast(&s->answered);
	pthread_mutex_unlock(&s->lock);
	fl_device_host_gone(s->d);
	while (s->asked) { /* posted: those who wait have taken theirs */
		a = s->asked;
		s->asked = a->next;
		free(a);
	}
	for (unsigned int i = 0; i < VFU_NR_IRQS; i++) {
		drop_events(s, i);
		free(s->events[i]);
	}
	vfu_conn_fini(&s->conn);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->send_lock);
	pthread_mutex_destroy(&s->lock);
}

static void begin_session(struct session *s, const bool *stop)
{
	struct timeval look = { .tv_usec = LOOK_MS * 1000 };

	setsockopt(s->conn.fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	s->conn.max_msg = VFU_MAX_MSG;
	s->conn.stop = stop;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->send_lock, NULL);
	pthread_cond_init(&s->answered, NULL);
	fl_device_set_sink(s->d, on_vector, s);
	fl_engine_lazy(fl_device_engine(s->d), true);
}

/* @conn is the session's from then on; @r: what vfu_recv() has given for it already, -EAGAIN: nothing. */
static int session(struct fl_device *d, struct vfu_conn *conn, int r, const bool *stop)
{
	struct session s = { .d = d, .conn = *conn, .vectors = { 1, fl_device_msi_vectors(d),
								 fl_device_msix_vectors(d), 1, 1 } };
	uint64_t ticked = 0;

	begin_session(&s, stop);
	for (;; r = vfu_recv(&s.conn)) {
		uint64_t now;

		if (r == 0)
			r = handle(&s);
		else if (r == -EPROTO) /* of no size; where the next message begins, nobody knows */
			refuse(&s, -EINVAL);
		if (r < 0 && r != -EAGAIN)
			break;
		now = fl_clock_now(&fl_clock_monotonic);
		if (r == -EAGAIN || now - ticked > LOOK_MS * FL_NSEC_PER_MSEC) {
			fl_device_tick(d);
			ticked = now;
			if (__atomic_load_n(stop, __ATOMIC_ACQUIRE))
				break;
		}
	}
	if (r == -ECONNRESET && !s.conn.have)
		r = 0;
	fl_engine_lazy(fl_device_engine(d), false);
	end_session(&s);
	return r == -EAGAIN ? 0 : r;
}

int fl_vfu_session(struct fl_device *d, int fd, const bool *stop)
{
	struct vfu_conn conn;

	vfu_conn_init(&conn, fd, VFU_MAX_MSG);
	return session(d, &conn, -EAGAIN, stop);
}

/* ---- the socket ---- */

/* One that has connected and is not served yet. */
struct waiting {
	struct vfu_conn conn;
	uint64_t since;
	bool vfio_user; /* its first message is being read */
};

struct room {
	struct waiting w[MAX_WAITING];
	unsigned int n;
	const struct fl_vfu_events *events;
};

/*
 * Whether a greeting is there. The first message of a vfio-user client is VERSION, whose command number, 1,
 * stands in bytes 2 and 3; it is read as a whole, so that nobody who stops in the middle of it is waited
 * for. QEMU's own protocol starts with a 32-bit command of which those bytes are the upper half, 0.
 * -EAGAIN: not there yet; -EPROTO: no message, but a session's to answer; else the connection is over.
 */
static int greeting(struct waiting *w)
{
	uint8_t first[4];
	ssize_t n;

	if (w->vfio_user)
		return vfu_recv(&w->conn);
	n = recv(w->conn.fd, first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0)
		return n == 0 ? -ECONNRESET : errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	if (n < (ssize_t)sizeof(first))
		return -EAGAIN;
	w->vfio_user = fl_get_le16(first + 2) != 0;
	return w->vfio_user ? vfu_recv(&w->conn) : 0;
}

/* Takes @i out of the room; what it was is in *ret. */
static void take_out(struct room *room, unsigned int i, struct waiting *ret)
{
	*ret = room->w[i];
	room->n--;
	memmove(&room->w[i], &room->w[i + 1], (room->n - i) * sizeof(room->w[0]));
}

static void turn_away(struct room *room, unsigned int i, int err)
{
	struct waiting w;

	take_out(room, i, &w);
	if (err == -ECONNRESET && !w.conn.have)
		err = 0; /* came and went */
	vfu_conn_fini(&w.conn);
	if (err && room->events && room->events->turned_away)
		room->events->turned_away(room->events->ctx, err);
}

static int admit(struct room *room, int listen_fd)
{
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct waiting *w;

		if (fd < 0)
			return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
		if (room->n == MAX_WAITING)
			turn_away(room, 0, -EBUSY); /* who has waited longest and said nothing */
		w = &room->w[room->n++];
		*w = (struct waiting){ .since = fl_time_ns(CLOCK_MONOTONIC) };
		vfu_conn_init(&w->conn, fd, MAX_GREETING);
	}
}

/* The one whose turn it is: of those who have greeted, who came first. */
static bool next_client(struct room *room, struct waiting *ret, int *ret_first)
{
	for (unsigned int i = 0; i < room->n;) {
		bool late = fl_time_ns(CLOCK_MONOTONIC) - room->w[i].since > VFU_MESSAGE_MS * 1000000ull;
		int r = greeting(&room->w[i]);

		if (r == 0 || r == -EPROTO) {
			*ret_first = r;
			take_out(room, i, ret);
			return true;
		}
		if (r == -EAGAIN && !late)
			i++;
		else
			turn_away(room, i, r == -EAGAIN ? -ETIMEDOUT : r);
	}
	return false;
}

/* Until somebody comes, or says something. */
static void wait_for_guests(struct room *room, int listen_fd, int ms)
{
	struct pollfd p[MAX_WAITING + 1] = { { .fd = listen_fd, .events = POLLIN } };

	for (unsigned int i = 0; i < room->n; i++) {
		bool peeked = !room->w[i].vfio_user && recv(room->w[i].conn.fd, &(char){ 0 }, 1,
							   MSG_PEEK | MSG_DONTWAIT) > 0;

		/* What is looked at and left where it is would be news for ever: looked at again soon. */
		p[i + 1] = (struct pollfd){ .fd = peeked ? -1 : room->w[i].conn.fd, .events = POLLIN };
		if (peeked)
			ms = FL_MIN(ms, BEGUN_MS);
	}
	poll(p, room->n + 1, ms);
}

static int serve_one(struct fl_device *d, struct waiting *w, int first, const bool *stop)
{
	fcntl(w->conn.fd, F_SETFL, fcntl(w->conn.fd, F_GETFL) & ~O_NONBLOCK);
	if (w->vfio_user)
		return session(d, &w->conn, first, stop);
	return fl_mpq_session(d, TAKE_FD(w->conn.fd), stop);
}

static bool somebody_listens(const struct sockaddr_un *sa)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ||
	       errno != ECONNREFUSED;
}

int fl_vfu_listen(const char *path, int *ret_fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode) || somebody_listens(&sa))
			return -EADDRINUSE;
		unlink(path);
	}
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fl_vfu_serve(struct fl_device *d, int listen_fd, const bool *stop,
		 const struct fl_vfu_events *events)
{
	struct room room = { .events = events };
	int r = 0;

	while (r == 0 && !__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
		struct waiting client;
		int first, err;

		wait_for_guests(&room, listen_fd, FL_MIN((int)fl_device_tick(d), LOOK_MS));
		r = admit(&room, listen_fd);
		if (!next_client(&room, &client, &first))
			continue;
		if (events && events->attached)
			events->attached(events->ctx);
		err = serve_one(d, &client, first, stop);
		if (events && events->detached)
			events->detached(events->ctx, err);
	}
	while (room.n)
		turn_away(&room, 0, 0);
	return r;
}
