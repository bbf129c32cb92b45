// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A host that means harm: list memory and register accesses as it likes. Byte 0: register map,
 * direction, trusted; then list memory (LIST bytes); then steps of 5 bytes, an operation and a value:
 * write a register, read one, run, change list memory in between. Nothing but the two memories that
 * transfers may touch changes, and the engine comes to rest.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "epdma/engine/engine.h"
#include "fuzz.h"

#define LIST  240u
#define DESC  0x1000ull
#define RAM   0x10000ull
#define HOSTM 0x20000ull
#define OTHER 0x30000ull
#define SIZE  512u
#define EDGE  64u

struct memory {
	uint8_t before[EDGE], bytes[SIZE], behind[EDGE];
};

static struct {
	struct memory desc, ram, host, other;
} m __attribute__((aligned(64)));

static void no_imwr(void *ctx, uint64_t addr, uint32_t data, unsigned int chan)
{
}

static void link_lost(void *ctx)
{
}

static void add(struct fl_mem *mem, uint64_t base, struct memory *what, unsigned int flags)
{
	struct fl_mem_range r = { .base = base, .size = SIZE, .ptr = what->bytes, .fd = -1,
				  .flags = flags | FL_MEM_READ | FL_MEM_WRITE };

	assert(fl_mem_add(mem, &r) == 0);
}

static void assert_all(const uint8_t *p, size_t n, uint8_t v)
{
	for (size_t i = 0; i < n; i++)
		assert(p[i] == v);
}

static void do_step(struct fl_engine *e, const uint8_t *s, bool native)
{
	uint32_t val = s[2] | (uint32_t)s[3] << 8 | (uint32_t)s[4] << 24;
	uint32_t off = (s[1] & 0x3fu) * 4 + (s[0] >> 3 & 7) * 0x100;

	switch (s[0] & 7) {
	case 0:
	case 1:
	case 2:
		fl_engine_write(e, off, val);
		break;
	case 3:
		fl_engine_write(e, native ? 0x04 : 0x10, val & 3);
		break;
	case 4:
		fl_engine_read(e, off + (val & 3));
		break;
	case 5:
		m.desc.bytes[val % LIST] = s[4];
		break;
	default:
		fl_engine_run(e, 4);
		break;
	}
}

/* What a driver does first, so that most inputs get as far as a walk. */
static void prepare(struct fl_engine *e, bool native, bool read)
{
	static const uint16_t v0[][2] = { { 0x00c, 1 }, { 0x02c, 1 }, { 0x128, 1 }, { 0x168, 1 },
					  { 0x090, 1 }, { 0x0c4, 1 } };

	if (native) {
		uint32_t b = read ? 0x100 : 0;

		fl_engine_write(e, b, 1);
		fl_engine_write(e, b + 0x34, 1);
		fl_engine_write(e, b + 0x10, (uint32_t)DESC);
		fl_engine_write(e, b + 0x18, 3);
		fl_engine_write(e, b + 0x88, 0x78);
		fl_engine_write(e, b + 0x04, 1);
		return;
	}
	for (size_t i = 0; i < sizeof(v0) / sizeof(v0[0]); i++)
		fl_engine_write(e, v0[i][0], v0[i][1]);
	fl_engine_write(e, read ? 0x300 : 0x200, 0x300);
	fl_engine_write(e, read ? 0x31c : 0x21c, (uint32_t)DESC);
	fl_engine_write(e, read ? 0x30 : 0x10, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum fl_epdma_map maps[] = { FL_EPDMA_UNROLL, FL_EPDMA_COMPAT, FL_EPDMA_NATIVE };
	static const struct fl_engine_ops ops = { .imwr = no_imwr, .link_lost = link_lost };
	struct fl_engine_config cfg = { .chans = { 2, 2 }, .ops = &ops };
	struct fl_engine *e;

	if (size < 1 + LIST)
		return 0;
	cfg.map = maps[data[0] % 3];
	cfg.trusted = data[0] & 0x80;
	memset(&m, 0x11, sizeof(m));
	memcpy(m.desc.bytes, data + 1, LIST);
	assert(fl_mem_new(&cfg.ep) == 0 && fl_mem_new(&cfg.host) == 0);
	add(cfg.ep, DESC, &m.desc, FL_MEM_DESC);
	add(cfg.ep, RAM, &m.ram, FL_MEM_DATA);
	add(cfg.ep, OTHER, &m.other, 0);
	add(cfg.host, HOSTM, &m.host, 0);
	assert(fl_engine_new(&cfg, &e) == 0);
	for (unsigned int d = 0; d < 2; d++)
		for (unsigned int c = 0; c < 2; c++)
			assert(fl_engine_claim(e, d, c) == 0);
	prepare(e, cfg.map == FL_EPDMA_NATIVE, data[0] & 0x40);
	fl_engine_run(e, 8);
	for (size_t at = 1 + LIST; at + 5 <= size && at < 2000; at += 5)
		do_step(e, data + at, cfg.map == FL_EPDMA_NATIVE);
	fl_engine_run(e, 8);
	if (!cfg.trusted)
		assert_all(m.other.bytes, SIZE, 0x11);
	for (struct memory *p = &m.desc; p <= &m.other; p++) {
		assert_all(p->before, EDGE, 0x11);
		assert_all(p->behind, EDGE, 0x11);
	}
	fl_engine_reset(e);
	assert(!fl_engine_run(e, 1));
	fl_engine_free(e);
	fl_mem_free(cfg.ep);
	fl_mem_free(cfg.host);
	return 0;
}
