/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine alone: registers by number (from the databook's public register lists, not from
 * dw_regs.def) and lists written word by word. Nothing of the host driver takes part.
 */
#ifndef TESTS_ENGINE_RIG_H
#define TESTS_ENGINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "epdma/engine/engine.h"
#include "epdma/engine/fault.h"

#define DESC  0x80000000ull
#define RAM   0x40000000ull
#define HOSTM 0x100000000ull
#define SECRET 0xa0000000ull /* endpoint memory that is on no list */

struct rig {
	struct fl_mem *ep, *host;
	struct fl_engine *e;
	uint8_t desc[8192] __attribute__((aligned(64)));
	uint8_t ram[1 << 20], hostm[1 << 20], secret[4096];
	struct { uint64_t addr; uint32_t data; } msg[64];
	unsigned int msgs, lost;
	enum fl_epdma_map map;
	enum fl_epdma_dir dir;
	unsigned int ch;
};

static inline void on_imwr(void *ctx, uint64_t addr, uint32_t data, unsigned int chan)
{
	struct rig *r = ctx;
	unsigned int i = __atomic_fetch_add(&r->msgs, 1, __ATOMIC_SEQ_CST);

	if (i < 64) {
		r->msg[i].addr = addr;
		r->msg[i].data = data;
	}
}

static inline void on_link_lost(void *ctx)
{
	((struct rig *)ctx)->lost++;
}

static const struct fl_engine_ops rig_ops = { .imwr = on_imwr, .link_lost = on_link_lost };

static inline void add(struct fl_mem *m, uint64_t base, void *p, uint64_t n, unsigned int flags)
{
	struct fl_mem_range r = { .base = base, .size = n, .ptr = p, .fd = -1, .flags = flags };

	assert_int_equal(fl_mem_add(m, &r), 0);
}

static inline struct rig *rig_new_threads(enum fl_epdma_map map, enum fl_epdma_dir dir, unsigned int ch,
					  bool trusted, struct fl_fault *fault, unsigned int threads)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct fl_engine_config cfg = {
		.map = map, .chans = { 4, 4 }, .trusted = trusted, .ops = &rig_ops, .ctx = r,
		.fault = fault, .threads = threads,
	};

	r->map = map;
	r->dir = dir;
	r->ch = ch;
	for (size_t i = 0; i < sizeof(r->ram); i++) {
		r->ram[i] = (uint8_t)(i * 31 + (i >> 8));
		r->hostm[i] = (uint8_t)(i * 17 + (i >> 7) + 1);
	}
	assert_int_equal(fl_mem_new(&r->ep), 0);
	assert_int_equal(fl_mem_new(&r->host), 0);
	add(r->ep, DESC, r->desc, sizeof(r->desc), FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DESC);
	add(r->ep, RAM, r->ram, sizeof(r->ram), FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DATA);
	add(r->ep, SECRET, r->secret, sizeof(r->secret), FL_MEM_READ | FL_MEM_WRITE);
	/* In two halves: an element may span ranges that lie side by side. */
	add(r->host, HOSTM, r->hostm, 1 << 19, FL_MEM_READ | FL_MEM_WRITE);
	add(r->host, HOSTM + (1 << 19), r->hostm + (1 << 19), 1 << 19, FL_MEM_READ | FL_MEM_WRITE);
	cfg.ep = r->ep;
	cfg.host = r->host;
	assert_int_equal(fl_engine_new(&cfg, &r->e), 0);
	for (unsigned int d = 0; d < 2; d++)
		for (unsigned int c = 0; c < 4; c++)
			assert_int_equal(fl_engine_claim(r->e, d, c), 0);
	return r;
}

static inline struct rig *rig_new(enum fl_epdma_map map, enum fl_epdma_dir dir, unsigned int ch, bool trusted,
				  struct fl_fault *fault)
{
	return rig_new_threads(map, dir, ch, trusted, fault, 0);
}

static inline void rig_free(struct rig *r)
{
	fl_engine_free(r->e);
	fl_mem_free(r->ep);
	fl_mem_free(r->host);
	free(r);
}

static inline void put(struct rig *r, unsigned int slot, uint32_t ctl, uint32_t size, uint64_t src,
		uint64_t dst)
{
	uint8_t *p = r->desc + 24 * slot;

	memcpy(p + 4, &size, 4);
	memcpy(p + 8, &src, 8);
	memcpy(p + 16, &dst, 8);
	memcpy(p, &ctl, 4);
}

static inline uint32_t chbase(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		return 0x200 * r->ch + 0x100 * r->dir;
	return 0x200 + 0x200 * r->ch + 0x100 * r->dir;
}

static inline void ring(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		fl_engine_write(r->e, chbase(r) + 4, 1);
	else
		fl_engine_write(r->e, r->dir ? 0x30 : 0x10, r->ch);
}

/* v0: the direction's ENGINE_EN, or where there is none (databook 6.10a) the channel's PWR_EN. */
static inline void engine_enable(struct rig *r, uint32_t on)
{
	if (r->map == FL_EPDMA_NATIVE)
		fl_engine_write(r->e, chbase(r), on);
	else if (r->map == FL_EPDMA_COMPAT)
		fl_engine_write(r->e, (r->dir ? 0x168 : 0x128) + 4 * r->ch, on);
	else
		fl_engine_write(r->e, r->dir ? 0x2c : 0x0c, on);
}

/* The driver's sequence for a first chunk. */
static inline void start(struct rig *r, uint64_t llp)
{
	uint32_t b = chbase(r);

	if (r->map == FL_EPDMA_NATIVE) {
		engine_enable(r, 1);
		fl_engine_write(r->e, b + 0x88, 0x7d); /* as Linux: enables, and the pins masked */
		fl_engine_write(r->e, b + 0x34, 1);
		fl_engine_write(r->e, b + 0x10, (uint32_t)llp);
		fl_engine_write(r->e, b + 0x14, (uint32_t)(llp >> 32));
		fl_engine_write(r->e, b + 0x18, 3);
	} else {
		engine_enable(r, 1);
		fl_engine_write(r->e, r->dir ? 0xc4 : 0x90, 1u << r->ch);
		fl_engine_write(r->e, b + 0x00, 0x300);
		fl_engine_write(r->e, b + 0x1c, (uint32_t)llp);
		fl_engine_write(r->e, b + 0x20, (uint32_t)(llp >> 32));
	}
	ring(r);
}

static inline void run(struct rig *r)
{
	for (unsigned int i = 0; i < 10000 && fl_engine_run(r->e, 16); i++)
		;
}

static inline uint64_t llp(struct rig *r)
{
	uint32_t at = chbase(r) + (r->map == FL_EPDMA_NATIVE ? 0x10 : 0x1c);

	return fl_engine_read(r->e, at) | (uint64_t)fl_engine_read(r->e, at + 4) << 32;
}

static inline unsigned int status(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		return fl_engine_read(r->e, chbase(r) + 0x80) & 3;
	return fl_engine_read(r->e, chbase(r)) >> 5 & 3;
}

static inline bool aborted(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		return status(r) == 2 && fl_engine_read(r->e, chbase(r) + 0x84) & 4;
	return status(r) == 2 && fl_engine_read(r->e, r->dir ? 0xa0 : 0x4c) >> 16 & 1u << r->ch;
}

static inline uint64_t src_of(struct rig *r, uint64_t ep, uint64_t host)
{
	return r->dir == FL_EPDMA_WRITE ? ep : host;
}

static inline uint64_t dst_of(struct rig *r, uint64_t ep, uint64_t host)
{
	return r->dir == FL_EPDMA_WRITE ? host : ep;
}

#define CB  1u
#define TCB 2u
#define LLP 4u
#define LIE 8u
#define RIE 16u

static const enum fl_epdma_map maps[] = { FL_EPDMA_UNROLL, FL_EPDMA_COMPAT, FL_EPDMA_NATIVE };

#define FOR_EACH_KIND(r, trusted, fault)                                                           \
	for (unsigned int k_ = 0; k_ < 6; k_++)                                                    \
		for (struct rig *r = rig_new(maps[k_ / 2], k_ % 2, k_ % 4, trusted, fault); r;     \
		     rig_free(r), r = NULL)

#endif
