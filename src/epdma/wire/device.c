// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The endpoint put together.
 *
 * Its address space has three kinds of memory: descriptor memory, RAM, and what functions allocate
 * for their BARs. Only the first is marked for lists and only the second for transfers, and that is
 * the whole allow-list: a host that aims a descriptor at metadata, at a list or at registers is told
 * so by an abort. Descriptor memory lies far inside its (sparse) file, so that the file offset which
 * vfio-user has for a BAR as a whole, "area offset minus BAR offset", is never negative.
 *
 * Locks: the device's lock is taken before the engine's and the address spaces', and never while
 * bytes move. Workers that deliver a message take it alone.
 */
#include "epdma/wire/device.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/endpoint/config.h"

#define DESC_FILE_OFFSET (1ull << 40)
#define PAGE		 4096ull
#define BAR0		 0x10u /* in configuration space */
#define LINK_BACK_NS	 (200 * FL_NSEC_PER_MSEC)
#define TICK_MAX_MS	 500u
#define MSI_WINDOW	 0xfee00000ull /* where x86 messages go; 1 MiB */

struct bar_mem {
	struct bar_mem *next;
	uint64_t phys, size;
	uint8_t *ptr;
	int fd;
};

struct fl_device {
	struct fl_device_config cfg;
	struct fl_board board;
	pthread_mutex_t lock;
	struct fl_mem *ep, *host;
	struct fl_engine *engine;
	struct fl_epc *epc;
	struct fl_epf *epf, *own_epf;
	int ram_fd, desc_fd;
	uint8_t *ram, *desc;
	uint64_t desc_size;
	uint64_t list_base; /* where it appears beside its own address; 0: nowhere */
	struct bar_mem *bar_mem;
	uint64_t next_phys;
	bool link_lost; /* atomic: told by a worker */
	uint64_t link_back; /* when it comes up again, 0: no need */

	pthread_mutex_t sink_lock;
	fl_device_irq_fn sink;
	void *sink_ctx;
};

void fl_device_lock(struct fl_device *d)
{
	pthread_mutex_lock(&d->lock);
}

void fl_device_unlock(struct fl_device *d)
{
	pthread_mutex_unlock(&d->lock);
}

/* ---- memory ---- */

static int bar_alloc(void *ctx, uint64_t size, uint64_t align, uint64_t *ret_phys, void **ret_ptr)
{
	struct fl_device *d = ctx;
	uint64_t step = FL_MAX(align, PAGE), phys = (d->next_phys + step - 1) & ~(step - 1);
	struct bar_mem *m = calloc(1, sizeof(*m));
	struct fl_mem_range r = { .base = phys, .size = size, .name = "bar",
				  .flags = FL_MEM_READ | FL_MEM_WRITE };
	int err;

	if (!m)
		return -ENOMEM;
	err = fl_mem_shared("foreland-bar", size, &m->fd, &m->ptr);
	r.ptr = m->ptr;
	r.fd = m->fd;
	if (err == 0)
		err = fl_mem_add(d->ep, &r);
	if (err < 0) {
		free(m);
		return err;
	}
	m->phys = phys;
	m->size = size;
	m->next = d->bar_mem;
	d->bar_mem = m;
	d->next_phys = phys + size;
	*ret_phys = phys;
	*ret_ptr = m->ptr;
	return 0;
}

static void bar_free(void *ctx, uint64_t phys, uint64_t size, void *ptr)
{
	struct fl_device *d = ctx;
	struct bar_mem **at = &d->bar_mem, *m;

	while (*at && (*at)->ptr != ptr)
		at = &(*at)->next;
	m = *at;
	if (!m)
		return;
	*at = m->next;
	fl_mem_del(d->ep, m->phys, m->size);
	munmap(m->ptr, m->size);
	close(m->fd);
	free(m);
}

static const struct fl_epc_mem_ops mem_ops = { .alloc = bar_alloc, .free = bar_free };

static int add_range(struct fl_device *d, const char *name, uint64_t base, uint64_t size,
		     uint8_t *ptr, int fd, uint64_t fd_offset, unsigned int flags)
{
	struct fl_mem_range r = { .base = base, .size = size, .ptr = ptr, .fd = fd,
				  .fd_offset = fd_offset,
				  .flags = flags | FL_MEM_READ | FL_MEM_WRITE };

	snprintf(r.name, sizeof(r.name), "%s", name);
	return fl_mem_add(d->ep, &r);
}

/* A sparse file that holds @size bytes at DESC_FILE_OFFSET. */
static int make_desc(struct fl_device *d)
{
	void *p;

	d->desc_fd = memfd_create("foreland-desc", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (d->desc_fd < 0 || ftruncate(d->desc_fd, (off_t)(DESC_FILE_OFFSET + d->desc_size)) < 0)
		return -errno;
	if (fcntl(d->desc_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	p = mmap(NULL, d->desc_size, PROT_READ | PROT_WRITE, MAP_SHARED, d->desc_fd,
		 (off_t)DESC_FILE_OFFSET);
	if (p == MAP_FAILED)
		return -errno;
	d->desc = p;
	return 0;
}

static int make_memory(struct fl_device *d)
{
	const struct fl_board *b = &d->board;
	unsigned int chans = b->chans[FL_EPDMA_WRITE] + b->chans[FL_EPDMA_READ];
	int r = fl_mem_new(&d->ep);

	d->desc_size = b->desc.size * chans;
	d->next_phys = b->bar_mem;
	if (r == 0)
		r = fl_mem_new(&d->host);
	if (r == 0)
		r = make_desc(d);
	if (r == 0)
		r = add_range(d, "desc", b->desc.phys, d->desc_size, d->desc, d->desc_fd,
			      DESC_FILE_OFFSET, FL_MEM_DESC);
	if (r == 0)
		r = fl_mem_shared("foreland-ram", b->ram_size, &d->ram_fd, &d->ram);
	if (r == 0)
		r = add_range(d, "ram", b->ram, b->ram_size, d->ram, d->ram_fd, 0, FL_MEM_DATA);
	return r;
}

/* ---- the engine, as the controller sees it ---- */

static int list_aux(void *ctx, struct fl_epc_aux *aux, size_t n)
{
	return fl_epc_board_aux(((struct fl_device *)ctx)->epc, aux, n);
}

static int delegate(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, unsigned int func)
{
	return fl_engine_claim(((struct fl_device *)ctx)->engine, dir, hw_ch);
}

static int reclaim(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, bool quiesce)
{
	return fl_engine_release(((struct fl_device *)ctx)->engine, dir, hw_ch, quiesce);
}

static void engine_link_down(void *ctx)
{
	fl_engine_reset(((struct fl_device *)ctx)->engine);
}

static const struct fl_epc_engine_ops epc_engine_ops = {
	.aux = list_aux,
	.delegate = delegate,
	.reclaim = reclaim,
	.link_down = engine_link_down,
};

/* ---- what the engine asks for ---- */

static void trigger(struct fl_device *d, const struct fl_device_message *m)
{
	pthread_mutex_lock(&d->sink_lock);
	if (d->sink)
		d->sink(d->sink_ctx, m);
	pthread_mutex_unlock(&d->sink_lock);
}

/*
 * Which vector a message means: what the host wrote into the MSI capability decides. MSI-X tables stay
 * with some hosts and never reach us; a message to where messages go, that is not ordinary memory, is
 * then the host's for the channel's vector.
 */
static bool is_message(struct fl_device *d, uint64_t addr, uint32_t data, struct fl_device_message *m)
{
	unsigned int vector;
	bool is;

	fl_device_lock(d);
	is = d->epf && fl_epc_msi_match(d->epc, fl_epf_func(d->epf), addr, data, &vector) == 0;
	m->vector = is ? (int)vector : -1;
	for (unsigned int i = 0; d->epf && i < 2; i++)
		m->n[i] = (uint8_t)fl_epf_get(d->epf, i ? FL_EPF_rd_chans : FL_EPF_wr_chans);
	fl_device_unlock(d);
	if (is)
		return true;
	if (addr - MSI_WINDOW >= 1u << 20)
		return false;
	fl_mem_lock(d->host);
	is = !fl_mem_find(d->host, addr, NULL);
	fl_mem_unlock(d->host);
	return is;
}

static void on_imwr(void *ctx, uint64_t addr, uint32_t data, unsigned int chan)
{
	struct fl_device *d = ctx;
	unsigned int wr = d->board.chans[FL_EPDMA_WRITE];
	struct fl_device_message m = {
		.dir = chan < wr ? FL_EPDMA_WRITE : FL_EPDMA_READ, .chan = chan < wr ? chan : chan - wr,
	};
	uint8_t le[4];

	if (is_message(d, addr, data, &m)) {
		trigger(d, &m);
		return;
	}
	fl_put_le32(le, data);
	fl_mem_post(d->host, addr, le, sizeof(le)); /* a lost write is lost, as on a bus */
}

static void on_link_lost(void *ctx)
{
	__atomic_store_n(&((struct fl_device *)ctx)->link_lost, true, __ATOMIC_RELEASE);
}

static void on_refused(void *ctx, const struct fl_engine_refusal *r)
{
	const struct fl_device_config *cfg = &((struct fl_device *)ctx)->cfg;

	if (cfg->refused)
		cfg->refused(cfg->ctx, r);
}

static const struct fl_engine_ops engine_ops = { .imwr = on_imwr, .refused = on_refused, .link_lost = on_link_lost };

bool fl_device_is_eventfd(int fd)
{
	char name[32], link[32] = "";

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return readlink(name, link, sizeof(link) - 1) > 0 && strcmp(link, "anon_inode:[eventfd]") == 0;
}

/* The flag is the file's, so whoever gave it to us can take it back: it is set each time. */
void fl_device_signal(int fd)
{
	uint64_t one = 1;
	int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return;
	if (write(fd, &one, sizeof(one)) < 0)
		return; /* full: it is pending anyway */
}

void fl_device_set_sink(struct fl_device *d, fl_device_irq_fn fn, void *ctx)
{
	pthread_mutex_lock(&d->sink_lock);
	d->sink = fn;
	d->sink_ctx = ctx;
	pthread_mutex_unlock(&d->sink_lock);
}

/* ---- life ---- */

static int make_parts(struct fl_device *d)
{
	struct fl_engine_config ec = {
		.map = d->board.map,
		.chans = { d->board.chans[FL_EPDMA_WRITE], d->board.chans[FL_EPDMA_READ] },
		.threads = d->cfg.threads, .trusted = d->cfg.trusted, .ops = &engine_ops, .ctx = d,
		.log = d->cfg.log, .fault = &d->cfg.fault,
	};
	struct fl_epc_config pc = { .board = &d->board, .clock = d->cfg.clock, .mem = &mem_ops,
				    .mem_ctx = d, .seed_compat = d->cfg.seed_compat };
	int r = make_memory(d);

	ec.ep = d->ep;
	ec.host = d->host;
	if (r == 0)
		r = fl_engine_new(&ec, &d->engine);
	if (r == 0)
		r = fl_epc_new(&pc, &d->epc);
	if (r == 0)
		fl_epc_set_engine(d->epc, &epc_engine_ops, d);
	return r;
}

int fl_device_new(const struct fl_device_config *config, struct fl_device **ret)
{
	struct fl_device *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->cfg = *config;
	if (!d->cfg.clock)
		d->cfg.clock = &fl_clocksource_monotonic;
	d->board = *config->board;
	d->ram_fd = d->desc_fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->sink_lock, NULL);
	r = make_parts(d);
	if (r < 0) {
		fl_device_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void fl_device_free(struct fl_device *d)
{
	if (!d)
		return;
	fl_engine_stop(d->engine); /* its interrupts look at the function and the controller */
	fl_epf_free(d->own_epf);
	fl_epc_free(d->epc);
	fl_engine_free(d->engine);
	fl_mem_free(d->ep);
	fl_mem_free(d->host);
	if (d->ram)
		munmap(d->ram, d->board.ram_size);
	if (d->desc)
		munmap(d->desc, d->desc_size);
	if (d->ram_fd >= 0)
		close(d->ram_fd);
	if (d->desc_fd >= 0)
		close(d->desc_fd);
	pthread_mutex_destroy(&d->sink_lock);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* COMMAND has the last word on what the engine may do. Lock held. */
static void gate_engine(struct fl_device *d)
{
	fl_engine_set_master(d->engine, d->epf && fl_epc_master_on(d->epc, fl_epf_func(d->epf)));
}

/*
 * Some hosts name a list by the address that the BAR has for them. It appears there too, for as long as the
 * BAR does; where that is memory of the endpoint's already, the list stays unknown, and its use an abort.
 */
static void follow_list_bar(struct fl_device *d)
{
	struct fl_mem_range r = { .size = d->desc_size, .ptr = d->desc, .fd = -1, .name = "desc bar",
				  .flags = FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DESC };
	struct fl_epc_bar_info info = {};

	if (!d->board.lists_by_bar || !d->epf)
		return;
	fl_epc_bar_info(d->epc, fl_epf_func(d->epf), d->board.desc.bar, &info);
	r.base = info.addr ? info.addr + d->board.desc.bar_offset : 0;
	if (r.base == d->list_base)
		return;
	if (d->list_base && d->list_base != d->board.desc.phys)
		fl_mem_del(d->ep, d->list_base, d->desc_size);
	d->list_base = r.base;
	if (r.base && r.base != d->board.desc.phys && fl_mem_add(d->ep, &r) < 0)
		d->list_base = 0;
}

/* An engine that is told of by a capability is the host's, whatever a function hands over. */
static void give_engine(struct fl_device *d)
{
	for (unsigned int dir = 0; d->board.vsec_dma && dir < _FL_EPDMA_DIR_MAX; dir++)
		for (unsigned int i = 0; i < d->board.chans[dir]; i++)
			fl_engine_claim(d->engine, dir, i); /* -EBUSY: it is already */
}

static void link_up(struct fl_device *d)
{
	if (!fl_epc_started(d->epc))
		fl_epc_start(d->epc);
	if (!fl_epc_link(d->epc))
		fl_epc_link_up(d->epc);
	fl_epc_run(d->epc);
	gate_engine(d);
	follow_list_bar(d);
	give_engine(d);
}

int fl_device_adopt(struct fl_device *d, struct fl_epf *f)
{
	if (!fl_epf_epc(f))
		return -ENODEV;
	fl_device_lock(d);
	d->epf = f;
	link_up(d);
	fl_device_unlock(d);
	return 0;
}

void fl_device_forget(struct fl_device *d)
{
	if (fl_epc_link(d->epc))
		fl_epc_link_down(d->epc);
	d->epf = NULL;
	gate_engine(d);
}

int fl_device_start(struct fl_device *d, const struct fl_setup_options *o, struct fl_epf_error *err)
{
	struct fl_setup m = { .board = d->board, .epc = d->epc };
	int r;

	fl_device_lock(d);
	r = fl_setup_function(&m, o, err);
	if (r == 0)
		r = fl_epf_bind(m.epf, d->epc, err);
	fl_device_unlock(d);
	if (r < 0) {
		fl_epf_free(m.epf);
		return r;
	}
	d->own_epf = m.epf;
	return fl_device_adopt(d, m.epf);
}

struct fl_epc *fl_device_epc(struct fl_device *d)
{
	return d->epc;
}

struct fl_engine *fl_device_engine(struct fl_device *d)
{
	return d->engine;
}

struct fl_mem *fl_device_host_mem(struct fl_device *d)
{
	return d->host;
}

struct fl_mem *fl_device_ep_mem(struct fl_device *d)
{
	return d->ep;
}

const struct fl_board *fl_device_board(const struct fl_device *d)
{
	return &d->board;
}

/* The link-loss fault, told by a worker; and the link that comes back behind it. Lock held. */
static void check_link(struct fl_device *d)
{
	uint64_t now;

	if (__atomic_load_n(&d->link_lost, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&d->link_lost, false, __ATOMIC_RELEASE);
		fl_epc_link_down(d->epc);
		gate_engine(d);
		d->link_back = fl_clocksource_now(d->cfg.clock) + LINK_BACK_NS;
	}
	if (!d->link_back)
		return;
	now = fl_clocksource_now(d->cfg.clock);
	if (now >= d->link_back) {
		d->link_back = 0;
		link_up(d);
	}
}

/* Nothing answers over a link that is down. */
static bool unreachable(struct fl_device *d)
{
	check_link(d);
	return !fl_epc_link(d->epc);
}

/* ---- configuration space ---- */

/* The largest access that is aligned and fits. */
static unsigned int cfg_step(uint32_t off, size_t n)
{
	return off % 4 == 0 && n >= 4 ? 4 : off % 2 == 0 && n >= 2 ? 2 : 1;
}

void fl_device_cfg_read(struct fl_device *d, uint32_t off, void *buf, size_t n)
{
	uint8_t *p = buf;

	fl_device_lock(d);
	if (unreachable(d)) {
		memset(buf, 0xff, n);
		n = 0;
	}
	while (n) {
		unsigned int step = cfg_step(off, n);
		uint32_t v = htole32(fl_epc_cfg_read(d->epc, fl_epf_func(d->epf), off, step));

		memcpy(p, &v, step);
		p += step;
		off += step;
		n -= step;
	}
	fl_device_unlock(d);
}

/*
 * A function-level reset clears the BARs' addresses, and who wrote them writes them again, if he sees that. The
 * guest of a machine monitor does not: monitors answer for BARs out of their own memory, as the kernel's vfio
 * does, where a reset leaves them alone. So it does here.
 */
static void cfg_write(struct fl_device *d, uint32_t off, unsigned int size, uint32_t v)
{
	unsigned int func = fl_epf_func(d->epf);
	bool reset = fl_config_asks_reset(off, size, v);
	uint32_t bars[FL_EPDMA_NR_BARS];

	for (unsigned int i = 0; reset && i < FL_EPDMA_NR_BARS; i++)
		bars[i] = fl_epc_cfg_read(d->epc, func, BAR0 + 4 * i, 4);
	fl_epc_cfg_write(d->epc, func, off, size, v);
	for (unsigned int i = 0; reset && i < FL_EPDMA_NR_BARS; i++)
		fl_epc_cfg_write(d->epc, func, BAR0 + 4 * i, 4, bars[i]);
}

void fl_device_cfg_write(struct fl_device *d, uint32_t off, const void *buf, size_t n)
{
	const uint8_t *p = buf;

	fl_device_lock(d);
	if (unreachable(d))
		n = 0;
	while (n) {
		unsigned int step = cfg_step(off, n);
		uint32_t v = 0;

		memcpy(&v, p, step);
		cfg_write(d, off, step, le32toh(v));
		p += step;
		off += step;
		n -= step;
	}
	fl_epc_run(d->epc);
	gate_engine(d);
	follow_list_bar(d);
	fl_device_unlock(d);
}

/* ---- BARs ---- */

uint64_t fl_device_bar_size(struct fl_device *d, unsigned int bar)
{
	struct fl_epc_bar_info info;

	fl_device_lock(d);
	fl_epc_bar_info(d->epc, fl_epf_func(d->epf), (int)bar, &info);
	fl_device_unlock(d);
	return info.size;
}

static bool in_regs(const struct fl_device *d, uint64_t phys)
{
	return phys - d->board.regs.phys < d->board.regs.size;
}

static void regs_access(struct fl_device *d, uint32_t off, uint8_t *buf, size_t n, bool write)
{
	if (off % 4 || n % 4) { /* an unsupported request */
		if (!write)
			memset(buf, 0xff, n);
		return;
	}
	for (; n; n -= 4, off += 4, buf += 4) {
		if (write)
			fl_engine_write(d->engine, off, fl_get_le32(buf));
		else
			fl_put_le32(buf, fl_engine_read(d->engine, off));
	}
}

/* The request never arrives: the fault's way of READY that does not come. Lock held. */
static void forget_request(struct fl_device *d, unsigned int bar, uint64_t off, uint8_t *buf, size_t n)
{
	struct fl_epf_view v;
	uint64_t at;
	uint32_t bit;

	if (!d->cfg.fault.at[FL_FAULT_NO_READY].nth || fl_epf_view(d->epf, &v) < 0 ||
	    (int)bar != v.metadata_bar)
		return;
	at = v.md.layout == FL_EPMD_B ? FL_EPMD_HOST_CTRL : FL_EPMD_CTRL;
	bit = v.md.layout == FL_EPMD_B ? FL_EPMD_HOST_CTRL_REQ : FL_EPMD_CTRL_HOST_REQ;
	if (off > at || at + 4 > off + n || !(fl_get_le32(buf + (at - off)) & bit))
		return;
	if (fl_fault_hit(&d->cfg.fault, FL_FAULT_NO_READY))
		fl_put_le32(buf + (at - off), fl_get_le32(buf + (at - off)) & ~bit);
}

/*
 * Memory behind a BAR. A store is done under the lock, since the function changes words of its own
 * there, and word by word, as a CPU's store to a BAR arrives.
 */
static void mem_access(struct fl_device *d, unsigned int bar, uint64_t off, uint64_t phys,
		       uint8_t *buf, size_t n, bool write)
{
	fl_epc_run(d->epc);
	if (!write) {
		if (fl_mem_read(d->ep, phys, buf, n) < 0)
			memset(buf, 0xff, n);
		return;
	}
	forget_request(d, bar, off, buf, n);
	fl_mem_write(d->ep, phys, buf, n);
	fl_epc_bar_written(d->epc, fl_epf_func(d->epf), (int)bar, off, n);
	fl_epc_run(d->epc);
}

/* One piece that lies together on the endpoint; its length. */
static size_t bar_piece(struct fl_device *d, unsigned int bar, uint64_t off, uint8_t *buf, size_t n,
			bool write)
{
	uint64_t phys, run;
	bool regs = false;
	int r;

	fl_device_lock(d);
	r = unreachable(d) || !fl_epc_memory_on(d->epc, fl_epf_func(d->epf)) ?
			     -ENXIO :
			     fl_epc_bar_resolve(d->epc, fl_epf_func(d->epf), (int)bar, off, &phys,
						&run);
	if (r == 0) {
		n = FL_MIN((uint64_t)n, run);
		regs = in_regs(d, phys);
		if (regs)
			n = FL_MIN((uint64_t)n, d->board.regs.phys + d->board.regs.size - phys);
		else if (phys < d->board.regs.phys)
			n = FL_MIN((uint64_t)n, d->board.regs.phys - phys);
	}
	if (r < 0 && fl_epc_link(d->epc) && !fl_epc_memory_on(d->epc, fl_epf_func(d->epf)))
		fl_engine_note_blocked(d->engine, bar, off, write);
	if (r == 0 && !regs)
		mem_access(d, bar, off, phys, buf, n, write);
	fl_device_unlock(d);
	if (regs)
		regs_access(d, (uint32_t)(phys - d->board.regs.phys), buf, n, write);
	if (r < 0 && !write)
		memset(buf, 0xff, n);
	return n;
}

void fl_device_bar_read(struct fl_device *d, unsigned int bar, uint64_t off, void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n) {
		size_t done = bar_piece(d, bar, off, p, n, false);

		off += done;
		p += done;
		n -= done;
	}
}

void fl_device_bar_write(struct fl_device *d, unsigned int bar, uint64_t off, const void *buf, size_t n)
{
	const uint8_t *from = buf;

	while (n) {
		uint8_t piece[4096];
		size_t done = FL_MIN(n, sizeof(piece));

		memcpy(piece, from, done);
		done = bar_piece(d, bar, off, piece, done, true);
		off += done;
		from += done;
		n -= done;
	}
}

/* ---- what may be mapped ---- */

static unsigned int add_area(const struct fl_device *d, const struct fl_epmd_window *w,
			     unsigned int bar, struct fl_device_area *areas, unsigned int n,
			     unsigned int max)
{
	struct fl_device_area a = { .offset = w->offset, .size = w->size, .fd = d->desc_fd,
				    .fd_offset = DESC_FILE_OFFSET + (w->addr - d->board.desc.phys) };

	if (w->bar != bar || n == max || (a.offset | a.size | a.fd_offset) % PAGE ||
	    !fl_range_ok(w->addr - d->board.desc.phys, w->size, d->desc_size))
		return n;
	/* One file offset is said for the BAR as a whole: all areas must agree on it. */
	if (n && areas[0].fd_offset - areas[0].offset != a.fd_offset - a.offset)
		return n;
	if (n && areas[n - 1].offset + areas[n - 1].size == a.offset) {
		areas[n - 1].size += a.size;
		return n;
	}
	areas[n] = a;
	return n + 1;
}

unsigned int fl_device_areas(struct fl_device *d, unsigned int bar, struct fl_device_area *areas,
			     unsigned int max)
{
	struct fl_epf_view v;
	unsigned int n = 0;

	fl_device_lock(d);
	if (fl_epf_view(d->epf, &v) == 0)
		for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++)
			for (unsigned int i = 0; i < v.md.n[dir]; i++)
				n = add_area(d, &v.md.chan[dir][i].desc, bar, areas, n, max);
	fl_device_unlock(d);
	return n;
}

static unsigned int vectors(struct fl_device *d, enum fl_epf_attr attr, bool capable)
{
	int64_t n;

	fl_device_lock(d);
	n = capable ? fl_epf_get(d->epf, attr) : 0;
	fl_device_unlock(d);
	return (unsigned int)n;
}

unsigned int fl_device_msi_vectors(struct fl_device *d)
{
	return vectors(d, FL_EPF_msi_interrupts, d->board.features.msi_capable);
}

unsigned int fl_device_msix_vectors(struct fl_device *d)
{
	return vectors(d, FL_EPF_msix_interrupts, d->board.features.msix_capable);
}

/* ---- events ---- */

void fl_device_link(struct fl_device *d, bool up)
{
	fl_device_lock(d);
	if (up)
		link_up(d);
	else if (fl_epc_link(d->epc))
		fl_epc_link_down(d->epc);
	gate_engine(d);
	d->link_back = 0;
	fl_device_unlock(d);
}

void fl_device_reset(struct fl_device *d)
{
	fl_device_lock(d);
	if (fl_epc_link(d->epc))
		fl_epc_link_down(d->epc);
	link_up(d);
	fl_device_unlock(d);
}

void fl_device_host_gone(struct fl_device *d)
{
	fl_mem_del_all(d->host);
	fl_engine_kick(d->engine); /* what runs comes to an abort */
	fl_engine_drain(d->engine);
}

unsigned int fl_device_tick(struct fl_device *d)
{
	uint64_t now, next;

	fl_device_lock(d);
	check_link(d);
	fl_epc_run(d->epc);
	next = FL_MIN(fl_epc_next(d->epc), d->link_back ? d->link_back : FL_NEVER);
	now = fl_clocksource_now(d->cfg.clock);
	fl_device_unlock(d);
	if (next <= now)
		return 1;
	return (unsigned int)FL_MIN((next - now) / FL_NSEC_PER_MSEC + 1, (uint64_t)TICK_MAX_MS);
}

void fl_device_pump(struct fl_device *d)
{
	if (fl_engine_run(d->engine, 2))
		fl_engine_kick(d->engine);
}
