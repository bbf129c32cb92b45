// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the engine does with good lists, and with faults that are injected. Bad input is
 * test-engine-bad.c's.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine-rig.h"
#include "epdma/mem/guard.h"

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

/*
 * Native: stop latches only with the local enable, and goes out with the remote one. The mask is the pin's:
 * Linux's remote owner writes 0x7d (dw-hdma-v0-core.c, 7.3) and waits for the message.
 */
static void messages_native(void **state)
{
	static const struct { uint32_t setup, stat; unsigned int msgs; } rows[] = {
		{ 0x00, 0, 0 }, { 0x08, 0, 0 }, { 0x10, 1, 0 }, { 0x18, 1, 1 }, { 0x19, 1, 1 }, { 0x7d, 1, 1 },
		{ 0x55, 1, 0 },
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
		engine_enable(r, 0);
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
	assert_int_equal(fl_engine_read(r->e, 0x04c), 0);
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

/* Without list mode: one element out of SAR, DAR and size, as dw_hdma_v0_core_non_ll_start() programs it. */
static void without_list(void **state)
{
	FOR_EACH_KIND(r, false, NULL) {
		uint64_t src = src_of(r, RAM + 16, HOSTM + 32), dst = dst_of(r, RAM + 16, HOSTM + 32);
		uint32_t b = chbase(r), at = r->map == FL_EPDMA_NATIVE ? 0x1c : 0x08;

		for (unsigned int again = 0; again < 2; again++) {
			memset(r->dir ? r->ram : r->hostm, 0, 256);
			engine_enable(r, 1);
			fl_engine_write(r->e, b + at, 100);
			fl_engine_write(r->e, b + at + 4, (uint32_t)src);
			fl_engine_write(r->e, b + at + 8, (uint32_t)(src >> 32));
			fl_engine_write(r->e, b + at + 12, (uint32_t)dst);
			fl_engine_write(r->e, b + at + 16, (uint32_t)(dst >> 32));
			if (r->map == FL_EPDMA_NATIVE) {
				fl_engine_write(r->e, b + 0x88, 0x7d);
				fl_engine_write(r->e, b + 0x90, 0xfee00000);
				fl_engine_write(r->e, b + 0x34, 0);
			} else {
				fl_engine_write(r->e, r->dir ? 0xcc : 0x60, 0xfee00000);
				fl_engine_write(r->e, b, 0x18); /* LIE, RIE, no LLE */
			}
			ring(r);
			run(r);
			assert_int_equal(status(r), 3);
			assert_int_equal(r->msgs, 1 + again);
			assert_memory_equal(r->ram + 16, r->hostm + 32, 100);
			assert_int_equal((r->dir ? r->ram + 16 : r->hostm + 32)[100], 0);
			assert_int_equal(llp(r), 0);
		}
		fl_engine_write(r->e, b + at, 100);
		fl_engine_write(r->e, b + at + (r->dir ? 4 : 12), 0x10);
		fl_engine_write(r->e, b + at + (r->dir ? 8 : 16), 0);
		ring(r);
		run(r);
		assert_int_equal(status(r), 2); /* nothing is mapped at 0x10 */
	}
}

/* What COMMAND's bus master bit gates: bytes both ways, and messages. */
static void bus_master(void **state)
{
	FOR_EACH_KIND(r, false, NULL) {
		uint8_t before[8];

		memcpy(before, r->dir ? r->ram : r->hostm, 8);
		put(r, 0, CB | RIE, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		put(r, 1, CB | RIE, 0, 0, 0); /* no byte, but a message */
		if (r->map == FL_EPDMA_NATIVE) {
			fl_engine_write(r->e, chbase(r) + 0xa0, 0xfee00000); /* abort */
			fl_engine_write(r->e, chbase(r) + 0x90, 0xfee00000); /* stop */
		} else {
			fl_engine_write(r->e, r->dir ? 0xd4 : 0x68, 0xfee00000);
			fl_engine_write(r->e, r->dir ? 0xcc : 0x60, 0xfee00000);
		}
		fl_engine_set_master(r->e, false);
		start(r, DESC);
		run(r);
		assert_true(aborted(r));
		assert_int_equal(r->msgs, 0);
		assert_memory_equal(before, r->dir ? r->ram : r->hostm, 8);
		fl_engine_set_master(r->e, true);
		start(r, DESC);
		run(r);
		assert_int_equal(status(r), 3);
		assert_memory_equal(r->ram, r->hostm, 8);
		assert_int_equal(r->msgs, r->map == FL_EPDMA_NATIVE ? 1 : 2);
	}
}

/* Power, and not ENGINE_EN, starts, stops and quiesces a channel in HDMA's compatible mode. */
static void compat_power(void **state)
{
	struct rig *r = rig_new(FL_EPDMA_COMPAT, FL_EPDMA_READ, 1, false, NULL);

	put(r, 0, CB, 8, HOSTM, RAM);
	put(r, 1, LLP, 0, DESC, 0);
	fl_engine_write(r->e, 0x2c, 1);
	assert_int_equal(fl_engine_read(r->e, 0x2c), 0);
	fl_engine_write(r->e, 0x500, 0x300);
	ring(r);
	assert_int_equal(status(r), 0); /* without power */
	start(r, DESC);
	assert_true(fl_engine_run(r->e, 4));
	fl_engine_write(r->e, 0x2c, 0);
	assert_true(fl_engine_run(r->e, 4)); /* there is none to switch off */
	fl_engine_write(r->e, 0x168, 0);
	assert_true(fl_engine_run(r->e, 4)); /* channel 0's power */
	fl_engine_write(r->e, 0x16c, 0);
	assert_false(fl_engine_run(r->e, 4));
	assert_int_equal(status(r), 0);
	assert_int_equal(fl_engine_read(r->e, 0x16c), 0);
	rig_free(r);
}

/* One block at 0x100, and the viewport at 0x0fc says whose. */
static void legacy_viewport(void **state)
{
	for (unsigned int dir = 0; dir < 2; dir++) {
		struct rig *r = rig_new(FL_EPDMA_LEGACY, dir, 2, false, NULL);

		put(r, 0, CB | LIE | RIE, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		fl_engine_write(r->e, dir ? 0x2c : 0x0c, 1);
		fl_engine_write(r->e, 0x0fc, 1);
		fl_engine_write(r->e, 0x100 + 0x1c, 0x1234);
		fl_engine_write(r->e, 0x0fc, 2 | dir << 31);
		assert_int_equal(fl_engine_read(r->e, 0x0fc), 2 | dir << 31);
		assert_int_equal(fl_engine_read(r->e, 0x11c), 0);
		fl_engine_write(r->e, 0x100, 0x300);
		fl_engine_write(r->e, 0x11c, (uint32_t)DESC);
		fl_engine_write(r->e, dir ? 0x30 : 0x10, 2);
		run(r);
		assert_int_equal(fl_engine_read(r->e, 0x100) >> 5 & 3, 3);
		assert_int_equal(fl_engine_read(r->e, 0x11c), DESC + 24);
		assert_int_equal(fl_engine_read(r->e, dir ? 0xa0 : 0x4c), 4);
		assert_memory_equal(r->ram, r->hostm, 8);
		fl_engine_write(r->e, 0x0fc, 1);
		assert_int_equal(fl_engine_read(r->e, 0x11c), 0x1234);
		assert_int_equal(fl_engine_read(r->e, 0x200), 0); /* unroll's blocks are not there */
		rig_free(r);
	}
}

/* Memory that a peer has cut off: the abort tells on which side it was (read channel: 0xb4 ours, 0xb8 the host's). */
static void cut_memory(void **state)
{
	assert_int_equal(fl_guard_install(), 0); /* here: the test library has a handler of its own */
	for (unsigned int host = 0; host < 2; host++) {
		struct rig *r = rig_new(FL_EPDMA_UNROLL, FL_EPDMA_READ, 1, false, NULL);
		struct fl_mem_range m = { .base = 0x50000000, .fd = -1,
					  .flags = FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DATA };
		int fd = memfd_create("cut", MFD_CLOEXEC);

		assert_int_equal(ftruncate(fd, 8192), 0);
		assert_int_equal(fl_mem_map(fd, 100, 8192, &m), -EINVAL); /* past the end */
		assert_int_equal(fl_mem_map(fd, 100, 4096, &m), 0);
		assert_int_equal(fl_mem_add(host ? r->host : r->ep, &m), 0);
		assert_int_equal(ftruncate(fd, 0), 0);
		put(r, 0, CB, 64, host ? m.base : HOSTM, host ? RAM : m.base);
		start(r, DESC);
		run(r);
		assert_true(aborted(r));
		assert_int_equal(fl_engine_read(r->e, 0xb4), host ? 0 : 2);
		assert_int_equal(fl_engine_read(r->e, 0xb8), host ? 2 : 0);
		assert_int_equal(fl_mem_write(host ? r->host : r->ep, m.base, "x", 1), -EFAULT);
		rig_free(r);
		close(fd);
	}
}

/* HDMA native has room for 64 channels a direction, 0x200 apart; v0's maps for 8. */
static void sixty_four_channels(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct fl_engine_config cfg = { .map = FL_EPDMA_NATIVE, .chans = { 64, 64 }, .ops = &rig_ops, .ctx = r };
	struct fl_engine *none;

	assert_int_equal(fl_mem_new(&r->ep), 0);
	assert_int_equal(fl_mem_new(&r->host), 0);
	add(r->ep, DESC, r->desc, sizeof(r->desc), FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DESC);
	add(r->ep, RAM, r->ram, sizeof(r->ram), FL_MEM_READ | FL_MEM_WRITE | FL_MEM_DATA);
	add(r->host, HOSTM, r->hostm, sizeof(r->hostm), FL_MEM_READ | FL_MEM_WRITE);
	cfg.ep = r->ep;
	cfg.host = r->host;
	assert_int_equal(fl_engine_new(&cfg, &r->e), 0);
	for (unsigned int i = 0; i < 128; i++) {
		r->map = FL_EPDMA_NATIVE;
		r->dir = i / 64;
		r->ch = i % 64;
		assert_int_equal(fl_engine_claim(r->e, r->dir, r->ch), 0);
		memset(r->ram, (int)i + 1, 64);
		memset(r->hostm, (int)i + 129, 64);
		put(r, 0, CB, 64, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
		put(r, 1, 0, 0, 0, 0);
		start(r, DESC);
		run(r);
		assert_int_equal(fl_engine_read(r->e, 0x200 * r->ch + 0x100 * r->dir + 0x80), 3);
		assert_memory_equal(r->ram, r->hostm, 64);
	}
	cfg.chans[1] = 65;
	assert_int_equal(fl_engine_new(&cfg, &none), -EINVAL);
	cfg.map = FL_EPDMA_UNROLL;
	cfg.chans[1] = 9;
	assert_int_equal(fl_engine_new(&cfg, &none), -EINVAL);
	rig_free(r);
}

/* Host memory behind functions: a worker's, which the host's stop meets while the answer is awaited. */
static struct {
	struct rig *r;
	bool rings_first, stops, rings, fails;
} io;

static int io_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	memset(buf, 0x5a, n);
	if (io.rings_first)
		ring(io.r);
	if (io.stops)
		fl_engine_write(io.r->e, 0x30, 1u << 31 | io.r->ch);
	if (io.rings)
		ring(io.r);
	io.rings_first = io.stops = io.rings = false;
	return io.fails ? -EIO : 0;
}

static int io_write(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	return 0;
}

static void ends(struct rig *r, unsigned int want)
{
	for (unsigned int i = 0; i < 5000 && status(r) != want; i++)
		usleep(1000);
	assert_int_equal(status(r), want);
}

/* However the slice that a stop met ends, the stop is over with it: the next doorbell is heard. */
static void stop_in_flight(void **state)
{
	static const struct fl_mem_io ops = { .read = io_read, .write = io_write };
	static const struct { bool rings_first, stops, rings, fails; unsigned int first, slots; } rows[] = {
		{ false, false, false, false, 3, 1 }, { false, true, false, true, 2, 0 },
		{ false, true, false, false, 3, 0 },  { true, true, false, false, 3, 0 },
		{ false, true, true, false, 3, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_new_threads(FL_EPDMA_UNROLL, FL_EPDMA_READ, 1, false, NULL, 1);
		struct fl_mem_range h = { .base = 0x1000, .size = 4096, .io = &ops, .fd = -1,
					  .flags = FL_MEM_READ | FL_MEM_WRITE };

		assert_int_equal(fl_mem_add(r->host, &h), 0);
		io.r = r;
		io.rings_first = rows[i].rings_first;
		io.stops = rows[i].stops;
		io.rings = rows[i].rings;
		io.fails = rows[i].fails;
		put(r, 0, CB, 64, 0x1000, RAM);
		put(r, 1, 0, 0, 0, 0);
		start(r, DESC);
		ends(r, rows[i].first);
		assert_int_equal(llp(r), DESC + 24 * rows[i].slots); /* a doorbell behind the stop: on */
		io.fails = false;
		memset(r->ram, 0, 64);
		start(r, DESC);
		for (unsigned int ms = 0; ms < 5000 && llp(r) != DESC + 24; ms++)
			usleep(1000);
		assert_int_equal(r->ram[63], 0x5a);
		rig_free(r);
	}
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
		cmocka_unit_test(endless_ring),
		cmocka_unit_test(register_accesses),
		cmocka_unit_test(without_list),
		cmocka_unit_test(bus_master),
		cmocka_unit_test(compat_power),
		cmocka_unit_test(legacy_viewport),
		cmocka_unit_test(cut_memory),
		cmocka_unit_test(sixty_four_channels),
		cmocka_unit_test(stop_in_flight),
		cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
