/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine alone: its registers by number (from the databook's public register lists, not from
 * dw_regs.def) and lists written here word by word. Nothing of the host driver takes part.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "epdma/engine.h"
#include "epdma/fault.h"

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

static void on_imwr(void *ctx, uint64_t addr, uint32_t data, unsigned int chan)
{
	struct rig *r = ctx;
	unsigned int i = __atomic_fetch_add(&r->msgs, 1, __ATOMIC_SEQ_CST);

	if (i < 64) {
		r->msg[i].addr = addr;
		r->msg[i].data = data;
	}
}

static void on_link_lost(void *ctx)
{
	((struct rig *)ctx)->lost++;
}

static const struct fl_engine_ops rig_ops = { .imwr = on_imwr, .link_lost = on_link_lost };

static void add(struct fl_mem *m, uint64_t base, void *p, uint64_t n, unsigned int flags)
{
	struct fl_mem_range r = { .base = base, .size = n, .ptr = p, .fd = -1, .flags = flags };

	assert_int_equal(fl_mem_add(m, &r), 0);
}

static struct rig *rig_new(enum fl_epdma_map map, enum fl_epdma_dir dir, unsigned int ch, bool trusted,
			   struct fl_fault *fault)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct fl_engine_config cfg = {
		.map = map, .chans = { 4, 4 }, .trusted = trusted, .ops = &rig_ops, .ctx = r,
		.fault = fault,
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

static void rig_free(struct rig *r)
{
	fl_engine_free(r->e);
	fl_mem_free(r->ep);
	fl_mem_free(r->host);
	free(r);
}

static void put(struct rig *r, unsigned int slot, uint32_t ctl, uint32_t size, uint64_t src,
		uint64_t dst)
{
	uint8_t *p = r->desc + 24 * slot;

	memcpy(p + 4, &size, 4);
	memcpy(p + 8, &src, 8);
	memcpy(p + 16, &dst, 8);
	memcpy(p, &ctl, 4);
}

static uint32_t chbase(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		return 0x200 * r->ch + 0x100 * r->dir;
	return 0x200 + 0x200 * r->ch + 0x100 * r->dir;
}

static void ring(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		fl_engine_write(r->e, chbase(r) + 4, 1);
	else
		fl_engine_write(r->e, r->dir ? 0x30 : 0x10, r->ch);
}

/* The driver's sequence for a first chunk. */
static void start(struct rig *r, uint64_t llp)
{
	uint32_t b = chbase(r);

	if (r->map == FL_EPDMA_NATIVE) {
		fl_engine_write(r->e, b + 0x00, 1);
		fl_engine_write(r->e, b + 0x88, 0x78);
		fl_engine_write(r->e, b + 0x34, 1);
		fl_engine_write(r->e, b + 0x10, (uint32_t)llp);
		fl_engine_write(r->e, b + 0x14, (uint32_t)(llp >> 32));
		fl_engine_write(r->e, b + 0x18, 3);
	} else {
		fl_engine_write(r->e, r->dir ? 0x2c : 0x0c, 1);
		if (r->map == FL_EPDMA_COMPAT)
			fl_engine_write(r->e, (r->dir ? 0x168 : 0x128) + 4 * r->ch, 1);
		fl_engine_write(r->e, r->dir ? 0xc4 : 0x90, 1u << r->ch);
		fl_engine_write(r->e, b + 0x00, 0x300);
		fl_engine_write(r->e, b + 0x1c, (uint32_t)llp);
		fl_engine_write(r->e, b + 0x20, (uint32_t)(llp >> 32));
	}
	ring(r);
}

static void run(struct rig *r)
{
	for (unsigned int i = 0; i < 10000 && fl_engine_run(r->e, 16); i++)
		;
}

static uint64_t llp(struct rig *r)
{
	uint32_t at = chbase(r) + (r->map == FL_EPDMA_NATIVE ? 0x10 : 0x1c);

	return fl_engine_read(r->e, at) | (uint64_t)fl_engine_read(r->e, at + 4) << 32;
}

static unsigned int status(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		return fl_engine_read(r->e, chbase(r) + 0x80) & 3;
	return fl_engine_read(r->e, chbase(r)) >> 5 & 3;
}

static bool aborted(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		return status(r) == 2 && fl_engine_read(r->e, chbase(r) + 0x84) & 4;
	return status(r) == 2 && fl_engine_read(r->e, r->dir ? 0xa0 : 0x4c) >> 16 & 1u << r->ch;
}

static uint64_t src_of(struct rig *r, uint64_t ep, uint64_t host)
{
	return r->dir == FL_EPDMA_WRITE ? ep : host;
}

static uint64_t dst_of(struct rig *r, uint64_t ep, uint64_t host)
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

static void moves_bytes(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 1024, 1025, 4095, 4096, 4097, 600000 };

	FOR_EACH_KIND(r, false, NULL) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint8_t *from = r->dir ? r->hostm : r->ram, *to = r->dir ? r->ram : r->hostm;

			memset(to, 0x5a, 1 << 20);
			put(r, 0, CB | LIE | RIE, sizes[i], src_of(r, RAM + 5, HOSTM + 3),
			    dst_of(r, RAM + 5, HOSTM + 3));
			put(r, 1, LLP | TCB, 0, DESC, 0);
			start(r, DESC);
			run(r);
			assert_memory_equal(to + (r->dir ? 5 : 3), from + (r->dir ? 3 : 5), sizes[i]);
			assert_int_equal(to[(r->dir ? 5 : 3) - 1], 0x5a);
			assert_int_equal(to[(r->dir ? 5 : 3) + sizes[i]], 0x5a);
			assert_int_equal(status(r), 3);
			assert_int_equal(llp(r), DESC); /* over the link, onto the stale slot */
		}
	}
}

/* Chunks of any length in a ring of 3 slots and a link: phase by phase, as the driver writes them. */
static void laps(void **state)
{
	FOR_EACH_KIND(r, false, NULL) {
		uint8_t *from = r->dir ? r->hostm : r->ram, *to = r->dir ? r->ram : r->hostm;
		unsigned int at = 0, phase = 1;

		memset(to, 0, 1 << 20);
		memset(r->desc, 0, sizeof(r->desc));
		put(r, 3, LLP | TCB, 0, DESC, 0);
		for (unsigned int n = 0; n < 17; n++) {
			put(r, at, phase, 100, src_of(r, RAM + n * 100, HOSTM + n * 100),
			    dst_of(r, RAM + n * 100, HOSTM + n * 100));
			if (n == 0)
				start(r, DESC);
			else
				ring(r);
			run(r);
			assert_memory_equal(to, from, n * 100 + 100);
			assert_int_equal(to[n * 100 + 100], 0);
			if (++at == 3) {
				at = 0;
				phase ^= 1;
			}
			assert_int_equal(status(r), 3);
			assert_int_equal(llp(r), DESC + 24 * at);
		}
	}
}

static void messages_v0(void **state)
{
	for (unsigned int ch = 0; ch < 4; ch++)
		for (unsigned int dir = 0; dir < 2; dir++) {
			struct rig *r = rig_new(FL_EPDMA_UNROLL, dir, ch, false, NULL);

			fl_engine_write(r->e, dir ? 0xcc : 0x60, 0xfee00000);
			fl_engine_write(r->e, dir ? 0xd0 : 0x64, 0x1);
			fl_engine_write(r->e, dir ? 0xd4 : 0x68, 0xfee01000);
			fl_engine_write(r->e, dir ? 0xdc : 0x70, 0x22221111);
			fl_engine_write(r->e, dir ? 0xe0 : 0x74, 0x44443333);
			put(r, 0, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
			put(r, 1, CB | LIE, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
			put(r, 2, CB | LIE | RIE, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
			start(r, DESC);
			run(r);
			assert_int_equal(r->msgs, 1);
			assert_true(r->msg[0].addr == 0x1fee00000ull);
			assert_int_equal(r->msg[0].data, 0x1111 * (ch + 1));
			assert_int_equal(fl_engine_read(r->e, dir ? 0xa0 : 0x4c), 1u << ch);
			fl_engine_write(r->e, dir ? 0xac : 0x58, 1u << ch);
			assert_int_equal(fl_engine_read(r->e, dir ? 0xa0 : 0x4c), 0);
			put(r, 3, CB, 8, 0, 0); /* nothing is mapped at 0 */
			ring(r);
			run(r);
			assert_true(aborted(r));
			assert_int_equal(r->msgs, 2);
			assert_true(r->msg[1].addr == 0xfee01000ull);
			assert_int_equal(llp(r), DESC + 72);
			fl_engine_write(r->e, dir ? 0xac : 0x58, 0x10000u << ch);
			assert_int_equal(fl_engine_read(r->e, dir ? 0xb4 : 0x5c), 0);
			rig_free(r);
		}
}

/* Native: stop latches only with the local enable, goes out only with the remote one and unmasked. */
static void messages_native(void **state)
{
	static const struct { uint32_t setup, stat; unsigned int msgs; } rows[] = {
		{ 0x00, 0, 0 }, { 0x08, 0, 0 }, { 0x10, 1, 0 }, { 0x18, 1, 1 }, { 0x19, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_new(FL_EPDMA_NATIVE, FL_EPDMA_READ, 2, false, NULL);
		uint32_t b = chbase(r);

		put(r, 0, CB, 8, HOSTM, RAM);
		fl_engine_write(r->e, b + 0x90, 0xfee00000);
		fl_engine_write(r->e, b + 0xa8, 7);
		fl_engine_write(r->e, b + 0x00, 1);
		fl_engine_write(r->e, b + 0x88, rows[i].setup);
		fl_engine_write(r->e, b + 0x34, 1);
		fl_engine_write(r->e, b + 0x10, (uint32_t)DESC);
		fl_engine_write(r->e, b + 0x18, 3);
		fl_engine_write(r->e, b + 0x04, 1);
		run(r);
		assert_int_equal(fl_engine_read(r->e, b + 0x80), 3);
		assert_int_equal(fl_engine_read(r->e, b + 0x84), rows[i].stat);
		assert_int_equal(r->msgs, rows[i].msgs);
		if (r->msgs)
			assert_int_equal(r->msg[0].data, 7);
		rig_free(r);
	}
}

/* Lists that a hostile host writes: each ends in an abort, moves nothing, and the engine lives on. */
static void hostile_lists(void **state)
{
	struct { const char *what; uint64_t llp; uint32_t ctl, size; uint64_t ep, host; } rows[] = {
		{ "list in RAM", RAM, CB, 8, RAM, HOSTM },
		{ "list nowhere", 0xdead0000, CB, 8, RAM, HOSTM },
		{ "list at the end of its memory", DESC + 8192 - 16, CB, 8, RAM, HOSTM },
		{ "list unaligned", DESC + 4, CB, 8, RAM, HOSTM },
		{ "list at the end of the space", UINT64_MAX - 7, CB, 8, RAM, HOSTM },
		{ "link to itself", DESC, LLP, 0, DESC, DESC },
		{ "link with toggle to itself", DESC, LLP | TCB, 0, DESC, DESC },
		{ "link unaligned", DESC, LLP, 0, DESC + 2, DESC + 2 },
		{ "link nowhere", DESC, LLP, 0, 0x10, 0x10 },
		{ "endpoint nowhere", DESC, CB, 8, 0x10, HOSTM },
		{ "endpoint past its end", DESC, CB, 16, RAM + (1 << 20) - 15, HOSTM },
		{ "endpoint wraps", DESC, CB, 0x100, UINT64_MAX - 0x7f, HOSTM },
		{ "endpoint not on the list", DESC, CB, 8, SECRET, HOSTM },
		{ "endpoint descriptor memory", DESC, CB, 8, DESC + 4096, HOSTM },
		{ "host nowhere", DESC, CB, 8, RAM, 0x10 },
		{ "host past its end", DESC, CB, 16, RAM, HOSTM + (1 << 20) - 15 },
		{ "host wraps", DESC, CB, 0x100, RAM, UINT64_MAX - 0x7f },
		{ "largest size", DESC, CB, 0xffffffff, RAM, HOSTM },
	};

	FOR_EACH_KIND(r, false, NULL) {
		memset(r->secret, 0x77, sizeof(r->secret));
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			static uint8_t ram[1 << 20], hostm[1 << 20];

			memcpy(ram, r->ram, sizeof(ram));
			memcpy(hostm, r->hostm, sizeof(hostm));
			put(r, 0, rows[i].ctl, rows[i].size, src_of(r, rows[i].ep, rows[i].host),
			    dst_of(r, rows[i].ep, rows[i].host));
			start(r, rows[i].llp);
			run(r);
			if (!aborted(r))
				fail_msg("%s: no abort, status %u", rows[i].what, status(r));
			assert_memory_equal(ram, r->ram, sizeof(ram));
			assert_memory_equal(hostm, r->hostm, sizeof(hostm));
			assert_int_equal(r->secret[0], 0x77);
		}
		put(r, 0, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		put(r, 1, 0, 0, 0, 0);
		start(r, DESC);
		run(r);
		assert_int_equal(status(r), 3);
		assert_memory_equal(r->ram, r->hostm, 8);
	}
}

/* What is odd but legal: no abort. */
static void odd_lists(void **state)
{
	FOR_EACH_KIND(r, false, NULL) {
		put(r, 0, 0, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		start(r, DESC); /* CB never matches */
		run(r);
		assert_int_equal(status(r), 3);
		assert_int_equal(llp(r), DESC);

		put(r, 0, CB, 0, 0, 0); /* size 0 looks at no address */
		put(r, 1, CB | TCB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		put(r, 2, 0, 0, 0, 0);
		start(r, DESC);
		run(r);
		assert_int_equal(status(r), 3);
		assert_int_equal(llp(r), DESC + 48);
		assert_memory_equal(r->ram, r->hostm, 8);

		put(r, 0, CB, 0, 0, 0); /* a ring that never moves a byte ends */
		put(r, 1, LLP, 0, DESC, 0);
		start(r, DESC);
		run(r);
		assert_true(aborted(r));
	}
}

/* A ring without a toggle runs until it is stopped, and stops when told. */
static void endless_ring(void **state)
{
	FOR_EACH_KIND(r, false, NULL) {
		put(r, 0, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		put(r, 1, LLP, 0, DESC, 0);
		start(r, DESC);
		assert_true(fl_engine_run(r->e, 50));
		assert_int_equal(status(r), 1);
		if (r->map == FL_EPDMA_NATIVE)
			fl_engine_write(r->e, chbase(r) + 4, 2);
		else
			fl_engine_write(r->e, r->dir ? 0x30 : 0x10, 1u << 31 | r->ch);
		assert_false(fl_engine_run(r->e, 1));
		assert_int_equal(status(r), 3);
		ring(r);
		assert_true(fl_engine_run(r->e, 1)); /* and goes on */
		if (r->map == FL_EPDMA_NATIVE)
			fl_engine_write(r->e, chbase(r), 0);
		else
			fl_engine_write(r->e, r->dir ? 0x2c : 0x0c, 0);
		assert_false(fl_engine_run(r->e, 1));
		assert_int_equal(llp(r), 0);
		assert_int_equal(status(r), 0);
	}
}

static void register_accesses(void **state)
{
	struct rig *r = rig_new(FL_EPDMA_UNROLL, FL_EPDMA_WRITE, 0, false, NULL);
	struct fl_engine_stats st;

	assert_int_equal(fl_engine_read(r->e, 0x008), 4 | 4 << 16);
	fl_engine_write(r->e, 0x008, 0xffffffff);
	assert_int_equal(fl_engine_read(r->e, 0x008), 4 | 4 << 16);
	fl_engine_write(r->e, 0x054, 0xffffffff);
	assert_int_equal(fl_engine_read(r->e, 0x054), 0x00ff00ff);
	assert_int_equal(fl_engine_read(r->e, 0x055), 0);
	assert_int_equal(fl_engine_read(r->e, 0x1ffc), 0);
	assert_int_equal(fl_engine_read(r->e, 0xfffffffc), 0);
	fl_engine_write(r->e, 0xfffffffc, 1);
	fl_engine_write(r->e, 0x010, 0);	  /* engine off */
	fl_engine_write(r->e, 0x010, 5);	  /* no such channel */
	fl_engine_write(r->e, 0x00c, 1);
	fl_engine_write(r->e, 0x010, 1u << 31);	  /* stop while idle */
	fl_engine_write(r->e, 0x010, 0);	  /* not in list mode */
	assert_int_equal(fl_engine_read(r->e, 0x04c), 0x10000);
	fl_engine_stats(r->e, &st);
	assert_int_equal(st.refused_regs, 6);
	assert_int_equal(fl_engine_release(r->e, FL_EPDMA_WRITE, 1, true), 0);
	fl_engine_write(r->e, 0x400, 0x300); /* channel 1 is not the host's any more */
	assert_int_equal(fl_engine_read(r->e, 0x400), 0);
	assert_int_equal(fl_engine_claim(r->e, FL_EPDMA_WRITE, 0), -EBUSY);
	assert_int_equal(fl_engine_claim(r->e, FL_EPDMA_WRITE, 4), -EINVAL);
	assert_int_equal(fl_engine_claim(r->e, FL_EPDMA_WRITE, 1), 0);
	rig_free(r);
}

static void trusted_reaches_all(void **state)
{
	struct rig *r = rig_new(FL_EPDMA_UNROLL, FL_EPDMA_WRITE, 0, true, NULL);

	memset(r->secret, 0x77, 8);
	put(r, 0, CB, 8, SECRET, HOSTM);
	start(r, DESC);
	run(r);
	assert_int_equal(status(r), 3);
	assert_int_equal(r->hostm[7], 0x77);
	rig_free(r);
}

static void faults(void **state)
{
	struct fl_fault f;

	assert_int_equal(fl_fault_parse(FL_STR("lost-doorbell:2,poisoned-read:3+"), &f, NULL), 0);
	FOR_EACH_KIND(r, false, &f) {
		f.at[FL_FAULT_LOST_DOORBELL].seen = f.at[FL_FAULT_POISONED_READ].seen = 0;
		memset(r->desc, 0, sizeof(r->desc));
		put(r, 0, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		start(r, DESC);
		run(r);
		put(r, 1, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		ring(r);
		run(r);
		assert_int_equal(llp(r), DESC + 24); /* not heard */
		ring(r);
		run(r);
		assert_int_equal(llp(r), DESC + 48);
		put(r, 2, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		ring(r);
		run(r);
		assert_int_equal(aborted(r), r->dir == FL_EPDMA_READ);
	}
	assert_int_equal(fl_fault_parse(FL_STR("link-loss:2"), &f, NULL), 0);
	FOR_EACH_KIND(r, false, &f) {
		f.at[FL_FAULT_LINK_LOSS].seen = 0;
		memset(r->desc, 0, sizeof(r->desc));
		put(r, 0, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		put(r, 1, CB, 8, src_of(r, RAM + 64, HOSTM + 64), dst_of(r, RAM + 64, HOSTM + 64));
		start(r, DESC);
		run(r);
		assert_int_equal(r->lost, 1);
		assert_int_equal(llp(r), DESC + 24);
		fl_engine_reset(r->e);
		assert_int_equal(llp(r), 0);
		assert_memory_not_equal(r->ram + 64, r->hostm + 64, 8);
	}
	assert_int_equal(fl_fault_parse(FL_STR("lost-doorbel"), &f, NULL), -EINVAL);
	assert_int_equal(fl_fault_parse(FL_STR("link-loss:0"), &f, NULL), -EINVAL);
	assert_int_equal(fl_fault_parse(FL_STR("link-loss:1,"), &f, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_bytes),
		cmocka_unit_test(laps),
		cmocka_unit_test(messages_v0),
		cmocka_unit_test(messages_native),
		cmocka_unit_test(hostile_lists),
		cmocka_unit_test(odd_lists),
		cmocka_unit_test(endless_ring),
		cmocka_unit_test(register_accesses),
		cmocka_unit_test(trusted_reaches_all),
		cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
