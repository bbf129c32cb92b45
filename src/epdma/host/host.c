// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finding the device and agreeing with it. The order is the posted driver's: scan the memory BARs for
 * the magic, validate, set HOST_REQ, poll READY, parse, program. Three things are done differently by
 * default, each for a reason: the block is copied once and judged as a whole (it may change under a
 * reader); a malformed block in one BAR does not hide a good one in the next; and a request that came
 * to nothing is withdrawn, so that the endpoint does not keep its windows open for nobody.
 */
#include "epdma/host/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/host/host-private.h"

#define READY_MS 2000
#define STALL_MS 1000
#define ALL_ONES 0xffffffffu

__attribute__((format(printf, 2, 3))) static void explain(struct fl_host_error *err,
							  const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

/* Puts what the bus knows behind what was said. */
static int failed(struct fl_bus *bus, struct fl_host_error *err, int r)
{
	const char *why = fl_bus_why(bus);
	size_t n = err ? strlen(err->text) : 0;

	if (err && why)
		snprintf(err->text + n, sizeof(err->text) - n, ": %s", why);
	return r;
}

/* ---- registers ---- */

static uint64_t reg_off(const struct fl_host *h, enum fl_dw_reg reg, enum fl_epdma_dir dir,
			unsigned int ch, unsigned int index)
{
	return h->md.reg.offset + fl_dw_offset(reg, dir, ch) + 4 * index;
}

int fl_host_reg_read(struct fl_host *h, enum fl_dw_reg reg, enum fl_epdma_dir dir, unsigned int ch,
		     unsigned int index, uint32_t *ret)
{
	return h->bus->ops->read32(h->bus, h->md.reg.bar, reg_off(h, reg, dir, ch, index), ret);
}

int fl_host_reg_write(struct fl_host *h, enum fl_dw_reg reg, enum fl_epdma_dir dir,
		      unsigned int ch, unsigned int index, uint32_t val)
{
	return h->bus->ops->write32(h->bus, h->md.reg.bar, reg_off(h, reg, dir, ch, index), val);
}

int fl_host_reg_write_ask(struct fl_host *h, const struct fl_host_reg *to, uint32_t val, const struct fl_host_reg *ask)
{
	const struct fl_bus_ops *ops = h->bus->ops;
	uint64_t off = reg_off(h, to->reg, to->dir, to->ch, 0);

	if (!ops->write_ask32)
		return ops->write32(h->bus, h->md.reg.bar, off, val);
	return ops->write_ask32(h->bus, h->md.reg.bar, off, val, reg_off(h, ask->reg, ask->dir, ask->ch, 0));
}

/* ---- the metadata ---- */

static int read_word(struct fl_host *h, unsigned int bar, uint64_t off, uint32_t *ret)
{
	return h->bus->ops->read32(h->bus, bar, off, ret);
}

/* A copy of the whole block, or of its header where the length makes no sense. */
static int snapshot(struct fl_host *h, unsigned int bar, uint64_t bar_size, uint8_t **ret, size_t *ret_n)
{
	uint32_t hdr, word;
	uint8_t *blob;
	size_t n;
	int r;

	r = read_word(h, bar, 4, &hdr);
	if (r < 0)
		return r;
	n = FL_MAX(hdr >> 16, (uint32_t)FL_EPMD_HDR_LEN_B);
	n = FL_MIN((uint64_t)n, bar_size) & ~(size_t)3;
	blob = malloc(n ? n : 1);
	if (!blob)
		return -ENOMEM;
	for (size_t off = 0; off < n; off += 4) {
		r = read_word(h, bar, off, &word);
		if (r < 0) {
			free(blob);
			return r;
		}
		fl_put_le32(blob + off, word);
	}
	*ret = blob;
	*ret_n = n;
	return 0;
}

static int bar_sizes(struct fl_host *h, struct fl_epmd_policy *p)
{
	for (unsigned int i = 0; i < FL_EPDMA_NR_BARS; i++) {
		struct fl_bus_bar bar;
		int r = h->bus->ops->bar_info(h->bus, i, &bar);

		if (r < 0)
			return r;
		p->bar_size[i] = bar.mem ? bar.size : 0;
	}
	return 0;
}

static int judge_block(struct fl_host *h, struct fl_epmd_policy *p, bool whole, enum fl_epmd_layout *layout,
		 struct fl_host_error *err)
{
	struct fl_epmd_finding f = {};
	uint8_t *blob;
	size_t n;
	int r;

	r = snapshot(h, p->bar, p->bar_size[p->bar], &blob, &n);
	if (r < 0) {
		explain(err, "BAR%u: the metadata cannot be read", p->bar);
		return r;
	}
	p->need_ready = whole;
	if (whole)
		r = fl_epmd_parse(blob, n, p, &h->md, &f);
	else
		r = fl_epmd_validate(blob, n, p, layout, &f);
	free(blob);
	if (r < 0 && f.kind && f.chan >= 0)
		explain(err, "BAR%u: %s channel %d: %s (%s=0x%llx) [%s]", p->bar,
			f.dir == FL_EPDMA_WRITE ? "write" : "read", f.chan, f.kind->message,
			f.field ? f.field : "block", (unsigned long long)f.value, f.kind->code);
	else if (r < 0 && f.kind)
		explain(err, "BAR%u: %s (%s=0x%llx) [%s]", p->bar, f.kind->message,
			f.field ? f.field : "block", (unsigned long long)f.value, f.kind->code);
	return r;
}

/* The BAR that holds a block which may be asked. */
static int scan_bars(struct fl_host *h, struct fl_epmd_policy *p, enum fl_epmd_layout *layout,
		struct fl_host_error *err)
{
	int first = -ENODEV;

	explain(err, "no BAR holds endpoint DMA metadata");
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		uint32_t magic;
		int r;

		if (p->bar_size[bar] < FL_EPMD_HDR_LEN_A)
			continue;
		r = read_word(h, bar, 0, &magic);
		if (r < 0) {
			explain(err, "BAR%u cannot be read", bar);
			return r;
		}
		if (magic != FL_EPMD_MAGIC)
			continue;
		p->bar = bar;
		r = judge_block(h, p, false, layout, first == -ENODEV ? err : NULL);
		if (r == 0)
			return 0;
		if (h->cfg.seed_compat)
			return r;
		if (first == -ENODEV)
			first = r;
	}
	return first;
}

/* In layout A the request shares CTRL with READY, in B it has a word of its own. */
static int set_request(struct fl_host *h, enum fl_epmd_layout layout, bool on)
{
	uint32_t ctrl;
	int r;

	if (layout == FL_EPMD_B)
		return h->bus->ops->write32(h->bus, h->md_bar, FL_EPMD_HOST_CTRL,
					    on ? FL_EPMD_HOST_CTRL_REQ : 0);
	r = read_word(h, h->md_bar, FL_EPMD_CTRL, &ctrl);
	if (r < 0)
		return r;
	if (ctrl == ALL_ONES)
		return -ENODEV;
	ctrl = on ? ctrl | FL_EPMD_CTRL_HOST_REQ : ctrl & ~FL_EPMD_CTRL_HOST_REQ;
	return h->bus->ops->write32(h->bus, h->md_bar, FL_EPMD_CTRL, ctrl);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000l };

	nanosleep(&ts, NULL);
}

/* Whether the endpoint says that its block is ready; -ENODEV: the device is gone, and everything reads as ones. */
static int is_ready(struct fl_host *h)
{
	uint32_t ctrl;
	int r = read_word(h, h->md_bar, FL_EPMD_CTRL, &ctrl);

	if (r < 0)
		return r;
	return ctrl == ALL_ONES ? -ENODEV : !!(ctrl & FL_EPMD_CTRL_READY);
}

/* Until READY is @want. */
static int wait_ready(struct fl_host *h, bool want, unsigned int ms)
{
	uint64_t until = fl_time_ns(CLOCK_MONOTONIC) + ms * 1000000ull;

	for (;;) {
		int r = is_ready(h);

		if (r < 0)
			return r;
		if (r == want)
			return 0;
		if (fl_time_ns(CLOCK_MONOTONIC) >= until)
			return -ETIMEDOUT;
		sleep_ms(1);
	}
}

/*
 * A request that stands from before (a host that was killed) proves nothing about READY: withdraw it,
 * let READY fall, and ask anew. An endpoint that does not look at falling edges keeps READY standing;
 * then the wait ends early and its word is taken, as the posted driver takes it.
 */
static int request_ready(struct fl_host *h, enum fl_epmd_layout layout, struct fl_host_error *err)
{
	uint32_t ctrl;
	int r = read_word(h, h->md_bar, FL_EPMD_CTRL, &ctrl);

	if (r == 0 && ctrl == ALL_ONES)
		r = -ENODEV;
	if (r == 0 && ctrl & FL_EPMD_CTRL_READY && !h->cfg.seed_compat) {
		r = set_request(h, layout, false);
		if (r == 0)
			r = wait_ready(h, false, 50);
		if (r == -ETIMEDOUT)
			r = 0;
	}
	if (r == 0)
		r = set_request(h, layout, true);
	if (r == 0)
		r = wait_ready(h, true, h->cfg.ready_ms);
	if (r == -ETIMEDOUT)
		explain(err, "BAR%u: the endpoint did not set READY within %u ms", h->md_bar,
			h->cfg.ready_ms);
	else if (r < 0)
		explain(err, "BAR%u: the device is gone%s", h->md_bar,
			fl_bus_why(h->bus) ? "" : " (reads as all ones)");
	return r;
}

static int check_engine(struct fl_host *h, struct fl_host_error *err)
{
	struct fl_epmd_finding f = {};
	uint32_t ctrl;
	int r;

	if (fl_host_native(h))
		return 0;
	r = fl_host_reg_read(h, FL_V0_CTRL, FL_EPDMA_WRITE, 0, 0, &ctrl);
	if (r == 0)
		r = fl_epmd_check_engine(&h->md, ctrl, h->cfg.seed_compat, &f);
	if (r < 0 && f.kind)
		explain(err, "%s (CTRL=0x%x) [%s]", f.kind->message, ctrl, f.kind->code);
	return r;
}

/* ---- the function as a whole ---- */

/*
 * What firmware does for a device that no firmware saw: an address for each BAR, naturally aligned.
 * The addresses mean nothing to us, but controllers cannot translate a BAR that has none.
 */
static int assign_bars(struct fl_host *h)
{
	uint64_t at = 0x80000000u;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < FL_EPDMA_NR_BARS; i++) {
		struct fl_bus_bar bar;
		uint8_t le[4];

		r = h->bus->ops->bar_info(h->bus, i, &bar);
		if (r < 0 || !bar.size || bar.size > 0x20000000u)
			continue;
		at = (at + bar.size - 1) & ~(bar.size - 1);
		fl_put_le32(le, (uint32_t)at);
		r = h->bus->ops->cfg_write(h->bus, 0x10 + 4 * i, le, 4);
		at += bar.size;
	}
	return r;
}

#define COMMAND	       4u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u

static int change_command(struct fl_host *h, uint16_t clear, uint16_t set)
{
	uint8_t cmd[2];
	int r = h->bus->ops->cfg_read(h->bus, COMMAND, cmd, 2);

	if (r < 0)
		return r;
	if (fl_get_le16(cmd) == 0xffff)
		return -ENODEV;
	fl_put_le16(cmd, (uint16_t)((fl_get_le16(cmd) & ~clear) | set));
	return h->bus->ops->cfg_write(h->bus, COMMAND, cmd, 2);
}

/* Without it no BAR answers. */
static int enable_memory(struct fl_host *h)
{
	uint8_t cmd[2];
	int r = h->bus->ops->cfg_read(h->bus, COMMAND, cmd, 2);

	if (r == 0 && h->bus->ops->bare && !(fl_get_le16(cmd) & COMMAND_MEMORY))
		r = assign_bars(h);
	return r < 0 ? r : change_command(h, 0, COMMAND_MEMORY);
}

/* Without it nothing moves. Not before the device is known to be what it should be. */
static int enable_master(struct fl_host *h)
{
	return change_command(h, 0, COMMAND_MASTER);
}

/* ---- interrupts ---- */

static void share_vectors(struct fl_host *h)
{
	for (unsigned int i = 0; i < h->nr_chans; i++) {
		struct fl_host_chan *c = &h->chans[i];

		c->vector = fl_dw_vector(h->md.n, h->msi.vectors, c->dir, c->hw);
	}
}

static int program_v0(struct fl_host *h, enum fl_epdma_dir dir)
{
	static const enum fl_dw_reg addr[] = { FL_V0_DONE_IMWR_LO, FL_V0_ABORT_IMWR_LO };
	uint32_t data[4] = {}, both = 0;
	int r = 0;

	for (unsigned int i = 0; i < h->md.n[dir]; i++) {
		uint32_t d = h->msi.data + fl_host_chan(h, dir, i)->vector;

		data[i / 2] |= (d & 0xffff) << (i % 2 * 16);
		both |= 1u << i;
	}
	for (unsigned int i = 0; r == 0 && i < 2; i++) {
		r = fl_host_reg_write(h, addr[i], dir, 0, 0, (uint32_t)h->msi.addr);
		if (r == 0)
			r = fl_host_reg_write(h, addr[i] + 1, dir, 0, 0,
					      (uint32_t)(h->msi.addr >> 32));
	}
	for (unsigned int i = 0; r == 0 && i < 4; i++)
		r = fl_host_reg_write(h, FL_V0_IMWR_DATA, dir, 0, i, data[i]);
	if (r == 0)
		r = fl_host_reg_write(h, FL_V0_INT_CLEAR, dir, 0, 0, both | both << 16);
	return r;
}

static int program_native(struct fl_host *h, const struct fl_host_chan *c)
{
	static const enum fl_dw_reg addr[] = { FL_HN_STOP_MSG_LO, FL_HN_WM_MSG_LO, FL_HN_ABORT_MSG_LO };
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < 3; i++) {
		r = fl_host_reg_write(h, addr[i], c->dir, c->hw, 0, (uint32_t)h->msi.addr);
		if (r == 0)
			r = fl_host_reg_write(h, addr[i] + 1, c->dir, c->hw, 0,
					      (uint32_t)(h->msi.addr >> 32));
	}
	if (r == 0)
		r = fl_host_reg_write(h, FL_HN_MSG_DATA, c->dir, c->hw, 0,
				      h->msi.data + c->vector);
	return r;
}

int fl_host_program_irqs(struct fl_host *h)
{
	int r = 0;

	if (!fl_host_native(h)) {
		for (unsigned int d = 0; r == 0 && d < _FL_EPDMA_DIR_MAX; d++)
			if (h->md.n[d])
				r = program_v0(h, d);
		return r;
	}
	for (unsigned int i = 0; r == 0 && i < h->nr_chans; i++)
		r = program_native(h, &h->chans[i]);
	return r;
}

static int setup_irqs(struct fl_host *h, struct fl_host_error *err)
{
	int r;

	if (h->cfg.polled)
		return fl_host_program_irqs(h);
	r = h->bus->ops->irq_setup(h->bus, h->cfg.vectors ? h->cfg.vectors : h->nr_chans, &h->msi);
	if (r < 0) {
		explain(err, "no interrupt vector can be had over %s", h->bus->ops->name);
		return r;
	}
	if (!h->cfg.seed_compat && !fl_host_native(h) && h->msi.data + h->msi.vectors - 1 > 0xffff) {
		explain(err, "message data 0x%x does not fit the engine's 16 bits", h->msi.data);
		return -EINVAL;
	}
	share_vectors(h);
	return fl_host_program_irqs(h);
}

uint32_t fl_host_vector_chans(const struct fl_host *h, unsigned int vector)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < h->nr_chans; i++)
		if (h->chans[i].vector == vector)
			mask |= 1u << i;
	return mask;
}

/* ---- life ---- */

static int make_chans(struct fl_host *h)
{
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
		for (unsigned int i = 0; i < h->md.n[d]; i++) {
			struct fl_host_chan *c = &h->chans[h->nr_chans++];
			int r;

			*c = (struct fl_host_chan){ .h = h, .dir = d, .hw = i,
						    .desc = h->md.chan[d][i].desc };
			r = fl_host_chan_init(c);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/*
 * Whatever a host before us left running stops here: lists that nobody feeds, channels that halted.
 * Both v0 maps are handed over by whole directions, so a direction's reset is ours to ask for.
 */
static int quiet_engine(struct fl_host *h)
{
	uint64_t until = fl_time_ns(CLOCK_MONOTONIC) + 200000000ull;
	bool compat = h->md.map == FL_EPDMA_COMPAT;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < h->nr_chans; i++) {
		const struct fl_host_chan *c = &h->chans[i];
		enum fl_dw_reg reg = fl_host_native(h) ? FL_HN_CH_EN :
				     compat		? FL_V0_PWR_EN : FL_V0_ENGINE_EN;
		unsigned int ch = fl_host_native(h) ? c->hw : 0, index = compat ? c->hw : 0;
		uint32_t busy = 1;

		r = fl_host_reg_write(h, reg, c->dir, ch, index, 0);
		while (r == 0 && busy & 1) {
			r = fl_host_reg_read(h, reg, c->dir, ch, index, &busy);
			if (r == 0 && fl_time_ns(CLOCK_MONOTONIC) > until)
				return -ETIMEDOUT;
		}
	}
	return r;
}

/*
 * After a loss of the link: addresses, enables and the engine are as after power-on. READY comes back
 * by itself, since the request still stands in the endpoint's memory; it is set again all the same.
 */
static int meet_again(struct fl_host *h)
{
	int r = enable_memory(h);

	if (r == 0)
		r = set_request(h, h->md.layout, true);
	if (r == 0)
		r = wait_ready(h, true, 50);
	return r < 0 ? r : enable_master(h);
}

int fl_host_recover(struct fl_host *h)
{
	uint64_t until = fl_time_ns(CLOCK_MONOTONIC) + h->cfg.ready_ms * 1000000ull;
	int r;

	for (;;) {
		r = meet_again(h);
		if ((r != -ENODEV && r != -ETIMEDOUT) || fl_time_ns(CLOCK_MONOTONIC) >= until)
			break;
		sleep_ms(5);
	}
	if (r == 0 && !h->cfg.polled)
		r = h->bus->ops->irq_setup(h->bus, h->cfg.vectors ? h->cfg.vectors : h->nr_chans,
					   &h->msi);
	return r < 0 ? r : fl_host_program_irqs(h);
}

static int shake_hands(struct fl_host *h, struct fl_host_error *err)
{
	struct fl_epmd_policy p = { .layout = h->cfg.layout, .seed_compat = h->cfg.seed_compat };
	enum fl_epmd_layout layout = FL_EPMD_A;
	int r = bar_sizes(h, &p);

	if (r < 0)
		return r;
	r = scan_bars(h, &p, &layout, err);
	if (r < 0)
		return r;
	h->md_bar = p.bar;
	h->md.layout = layout;
	r = request_ready(h, layout, err);
	if (r == 0)
		r = judge_block(h, &p, true, NULL, err);
	if (r < 0 && !h->cfg.seed_compat)
		set_request(h, layout, false);
	return r;
}

int fl_host_probe(struct fl_bus *bus, const struct fl_host_config *config, struct fl_host **ret,
		  struct fl_host_error *err)
{
	struct fl_host *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->bus = bus;
	h->cfg = *config;
	h->cfg.ready_ms = config->ready_ms ? config->ready_ms : READY_MS;
	h->cfg.stall_ms = config->stall_ms ? config->stall_ms : STALL_MS;
	explain(err, "the device does not answer");
	r = enable_memory(h);
	if (r == 0)
		r = shake_hands(h, err);
	if (r < 0) {
		free(h);
		return failed(bus, err, r);
	}
	explain(err, "the device cannot be programmed");
	r = check_engine(h, err);
	if (r == 0)
		r = enable_master(h);
	if (r == 0)
		r = make_chans(h);
	if (r == 0)
		r = quiet_engine(h);
	if (r == 0)
		r = setup_irqs(h, err);
	if (r < 0) {
		fl_host_remove(h);
		return failed(bus, err, r);
	}
	*ret = h;
	return 0;
}

void fl_host_remove(struct fl_host *h)
{
	if (!h)
		return;
	for (unsigned int i = 0; i < h->nr_chans; i++)
		fl_host_terminate(&h->chans[i]);
	if (!h->cfg.seed_compat)
		set_request(h, h->md.layout, false);
	change_command(h, COMMAND_MASTER, 0);
	free(h);
}

int fl_host_alive(struct fl_host *h)
{
	int r = is_ready(h);

	return r == 0 ? -ENOLINK : r < 0 ? r : 0;
}

const struct fl_epmd *fl_host_metadata(const struct fl_host *h)
{
	return &h->md;
}

unsigned int fl_host_metadata_bar(const struct fl_host *h)
{
	return h->md_bar;
}

struct fl_bus *fl_host_bus(struct fl_host *h)
{
	return h->bus;
}

unsigned int fl_host_vectors(const struct fl_host *h)
{
	return h->msi.vectors;
}

struct fl_host_chan *fl_host_chan(struct fl_host *h, enum fl_epdma_dir dir, unsigned int i)
{
	return i < h->md.n[dir] ? &h->chans[dir == FL_EPDMA_READ ? h->md.n[FL_EPDMA_WRITE] + i : i]
				: NULL;
}

unsigned int fl_host_nr_chans(const struct fl_host *h)
{
	return h->nr_chans;
}

struct fl_host_chan *fl_host_chan_at(struct fl_host *h, unsigned int i)
{
	return i < h->nr_chans ? &h->chans[i] : NULL;
}
