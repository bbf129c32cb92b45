// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * List elements a second at 64 bytes, on one core, beside what memcpy() alone makes of the same 64-byte
 * copies with a call each. Both run interleaved over the same buffers; medians are printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epdma/engine/engine.h"
#include "measure.h"

#define SLOTS 4096u
#define SIZE  64u
#define LAPS  64u
#define RUNS  15u

#define DESC  0x80000000ull
#define RAM   0x40000000ull
#define HOSTM 0x100000000ull

static double now(void)
{
	return seconds(CLOCK_MONOTONIC);
}

static void no_imwr(void *ctx, uint64_t addr, uint32_t data, unsigned int chan)
{
}

struct slot {
	uint32_t ctl, size;
	uint64_t src, dst;
};

/* As opaque as the engine's own copies are: the size is not known when compiling. */
static void copies(uint8_t *to, const uint8_t *from, volatile uint32_t *size)
{
	for (uint32_t i = 0; i < SLOTS * LAPS; i++)
		memcpy(to + i % SLOTS * SIZE, from + i % SLOTS * SIZE, *size);
}

static void lists(struct fl_engine *e, struct slot *slots, unsigned int *phase)
{
	for (unsigned int lap = 0; lap < LAPS; lap++) {
		for (unsigned int i = 0; i < SLOTS; i++)
			slots[i].ctl = *phase;
		fl_engine_write(e, 0x10, 0);
		while (fl_engine_run(e, 1024))
			;
		*phase ^= 1;
	}
}

int main(void)
{
	static const struct fl_engine_ops ops = { .imwr = no_imwr };
	struct fl_engine_config cfg = { .map = FL_EPDMA_UNROLL, .chans = { 1, 1 }, .ops = &ops };
	struct slot *slots = aligned_alloc(64, (SLOTS + 1) * sizeof(*slots) / 64 * 64 + 64);
	uint8_t *ram = aligned_alloc(4096, SLOTS * SIZE), *host = aligned_alloc(4096, SLOTS * SIZE);
	double walk[RUNS], plain[RUNS], t;
	volatile uint32_t size = SIZE;
	unsigned int phase = 1;
	struct fl_engine *e;

	if (!slots || !ram || !host || fl_mem_new(&cfg.ep) || fl_mem_new(&cfg.host))
		return 1;
	memset(ram, 1, SLOTS * SIZE);
	memset(host, 2, SLOTS * SIZE);
	fl_mem_add(cfg.ep, &(struct fl_mem_range){ .base = DESC, .size = (SLOTS + 1) * sizeof(*slots),
		.ptr = (uint8_t *)slots, .flags = FL_MEM_READ | FL_MEM_DESC });
	fl_mem_add(cfg.ep, &(struct fl_mem_range){ .base = RAM, .size = SLOTS * SIZE, .ptr = ram,
		.flags = FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DATA });
	fl_mem_add(cfg.host, &(struct fl_mem_range){ .base = HOSTM, .size = SLOTS * SIZE, .ptr = host,
		.flags = FL_MEM_READ | FL_MEM_WRITE });
	if (fl_engine_new(&cfg, &e) || fl_engine_claim(e, FL_EPDMA_WRITE, 0))
		return 1;
	for (unsigned int i = 0; i < SLOTS; i++)
		slots[i] = (struct slot){ 0, SIZE, RAM + i * SIZE, HOSTM + i * SIZE };
	slots[SLOTS] = (struct slot){ 6, 0, DESC, 0 };
	fl_engine_write(e, 0x0c, 1);
	fl_engine_write(e, 0x200, 0x300);
	fl_engine_write(e, 0x21c, (uint32_t)DESC);
	for (unsigned int i = 0; i < RUNS; i++) {
		t = now();
		lists(e, slots, &phase);
		walk[i] = now() - t;
		t = now();
		copies(host, ram, &size);
		plain[i] = now() - t;
	}
	if (memcmp(host, ram, SLOTS * SIZE))
		return 1;
	printf("list elements of 64 B, one core\t%.1f M/s (goal 10)\n",
	       SLOTS * LAPS / median(walk, RUNS) / 1e6);
	printf("memcpy() of 64 B, one core\t%.1f M/s\n", SLOTS * LAPS / median(plain, RUNS) / 1e6);
	fl_engine_free(e);
	fl_mem_free(cfg.ep);
	fl_mem_free(cfg.host);
	free(slots);
	free(ram);
	free(host);
	return 0;
}
