// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host driver and endpoint in one process: every board, both ways of reaching the list, interrupts and
 * polling. Bytes are compared with what this file put into either memory; nothing is asked of the
 * library about its own success alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "epdma/host/dma-device.h"
#include "epdma/loop/bus-loop.h"

struct rig {
	struct fl_board board;
	struct fl_device *d;
	struct fl_dma_device *dma;
};

static const char *const boards[] = { "generic", "r-car-s4", "rk3588", "spacemit-k3" };

static void rig_device(struct rig *r, const char *board, const struct fl_setup_options *fn)
{
	struct fl_device_config dc = { .board = &r->board, .threads = 1 };
	struct fl_buf hold = {};

	assert_int_equal(fl_board_load(board, &hold, &r->board, NULL), 0);
	fl_buf_fini(&hold);
	assert_int_equal(fl_device_new(&dc, &r->d), 0);
	assert_int_equal(fl_device_start(r->d, fn, NULL), 0);
}

static void rig_open(struct rig *r, const char *board, bool map_lists, bool polled, bool trusted,
		     const char *fault, unsigned int threads)
{
	struct fl_device_config dc = { .board = &r->board, .threads = threads, .trusted = trusted };
	struct fl_setup_options fn = { .msi = { true, 4 } };
	struct fl_host_config hc = { .polled = polled, .stall_ms = 30 };
	struct fl_host_error why = {};
	struct fl_epf_error err = {};
	struct fl_bus *bus;
	struct fl_buf hold = {};

	assert_int_equal(fl_board_load(board, &hold, &r->board, NULL), 0);
	fl_buf_fini(&hold);
	if (fault)
		assert_int_equal(fl_fault_parse(fl_str(fault), &dc.fault, NULL), 0);
	assert_int_equal(fl_device_new(&dc, &r->d), 0);
	if (fl_device_start(r->d, &fn, &err) < 0)
		fail_msg("%s: bind: %s", board, err.text);
	assert_int_equal(fl_bus_loopback(r->d, map_lists, &bus), 0);
	if (fl_dma_device_over(bus, &hc, &r->dma, &why) < 0)
		fail_msg("%s: probe: %s", board, why.text);
}

static void rig_close(struct rig *r)
{
	fl_dma_device_close(r->dma);
	fl_device_free(r->d);
}

static void pattern(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* While the link is down the device does not answer, afterwards it has forgotten: either is right. */
#define LINK_GONE 1

static void r_is(int r, int want)
{
	if (want == LINK_GONE)
		assert_true(r == -ENODEV || r == -ENOLINK);
	else
		assert_int_equal(r, want);
}

static void transfer(struct rig *r, struct fl_dma_chan *chan, bool to_host, fl_dma_addr_t addr,
		     uint64_t ep, size_t n, int want)
{
	struct fl_dma_slave_config cfg = { .src_addr = ep, .dst_addr = ep };
	struct fl_dma_async_tx *tx;
	fl_dma_cookie_t cookie;

	assert_int_equal(fl_dmaengine_slave_config(chan, &cfg), 0);
	assert_int_equal(fl_dmaengine_prep_slave_single(chan, addr, n, &tx), 0);
	cookie = fl_dmaengine_submit(tx);
	fl_dma_async_issue_pending(chan);
	r_is(fl_dma_sync_wait(chan, cookie, 20000), want);
}

static void sizes_both_ways(struct rig *r)
{
	static const size_t sizes[] = { 1, 2, 3, 1024, 1025, 4095, 4096, 4097, 1024000, 1024001 };
	size_t max = 1 << 20;
	uint8_t *want = malloc(max), *got = malloc(max), *buf;
	struct fl_dma_chan *wr, *rd;
	fl_dma_addr_t addr;

	assert_int_equal(fl_dma_request_chan(r->dma, FL_DMA_DEV_TO_MEM, -1, &wr), 0);
	assert_int_equal(fl_dma_request_chan(r->dma, FL_DMA_MEM_TO_DEV, -1, &rd), 0);
	buf = fl_dma_alloc_coherent(r->dma, max, &addr);
	assert_non_null(buf);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t ep = r->board.ram + 4096 + i;

		pattern(want, max, (uint32_t)i);
		memcpy(buf, want, max);
		memset(got, 0xee, max);
		assert_int_equal(fl_mem_write(fl_device_ep_mem(r->d), ep, got, max), 0);
		transfer(r, rd, false, addr + i, ep, sizes[i], 0);
		assert_int_equal(fl_mem_read(fl_device_ep_mem(r->d), ep, got, max), 0);
		assert_memory_equal(got, want + i, sizes[i]);
		assert_int_equal(got[sizes[i]], 0xee);

		pattern(want, max, (uint32_t)i + 100);
		assert_int_equal(fl_mem_write(fl_device_ep_mem(r->d), ep, want, max), 0);
		memset(buf, 0xdd, max);
		transfer(r, wr, true, addr + i, ep, sizes[i], 0);
		assert_memory_equal(buf + i, want, sizes[i]);
		assert_int_equal(buf[i + sizes[i]], 0xdd);
	}
	fl_dma_free_coherent(r->dma, buf);
	free(want);
	free(got);
}

static void all_boards(void **state)
{
	for (unsigned int i = 0; i < 4 * 4; i++) {
		struct rig r;

		rig_open(&r, boards[i / 4], i & 1, i & 2, false, NULL, 2);
		sizes_both_ways(&r);
		rig_close(&r);
	}
}

/* More pieces than the list holds, in lists cut at random on both sides: several laps. */
static void scatter(void **state)
{
	for (unsigned int b = 0; b < 4; b++) {
		enum { BYTES = 300000, MAXSG = 2048 };
		static struct fl_dma_sg dst[MAXSG], src[MAXSG];
		uint8_t *want = malloc(BYTES), *buf;
		struct fl_dma_async_tx *tx;
		struct fl_dma_chan *wr;
		fl_dma_cookie_t cookie;
		fl_dma_addr_t addr;
		size_t nd = 0, ns = 0;
		struct rig r;

		srand(b + 1);
		rig_open(&r, boards[b], b & 1, b & 2, false, NULL, 1);
		assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 1, &wr), 0);
		buf = fl_dma_alloc_coherent(r.dma, BYTES, &addr);
		pattern(want, BYTES, b);
		for (size_t at = 0; at < BYTES; ns++) {
			size_t n = (size_t)(rand() % 400 + 1);

			n = n > BYTES - at ? BYTES - at : n;
			/* spread over endpoint memory, each piece with a gap behind it */
			src[ns] = (struct fl_dma_sg){ r.board.ram + at * 2 + 7, n };
			assert_int_equal(fl_mem_write(fl_device_ep_mem(r.d), src[ns].addr, want + at, n),
					 0);
			at += n;
		}
		for (size_t at = 0; at < BYTES; nd++) {
			size_t n = (size_t)(rand() % 900 + 1);

			n = n > BYTES - at ? BYTES - at : n;
			dst[nd] = (struct fl_dma_sg){ addr + at, n };
			at += n;
		}
		assert_int_equal(fl_dmaengine_prep_dma_sg(wr, dst, nd, src, ns, &tx), 0);
		assert_true(ns + nd > 4 * fl_dma_chan_slots(wr));
		cookie = fl_dmaengine_submit(tx);
		assert_int_equal(fl_dma_async_issue_pending(wr), 0);
		assert_int_equal(fl_dma_sync_wait(wr, cookie, 20000), 0);
		assert_memory_equal(buf, want, BYTES);
		rig_close(&r);
		free(want);
	}
}

struct count {
	unsigned int done, failed;
};

static void on_done(void *param, int error)
{
	struct count *c = param;

	__atomic_add_fetch(error ? &c->failed : &c->done, 1, __ATOMIC_SEQ_CST);
}

/* All channels at once, many descriptors each, callbacks counted. */
static void many_channels(void **state)
{
	enum { PER = 400, SIZE = 777 };
	struct fl_dma_chan *ch[16];
	struct count count = {};
	fl_dma_addr_t addr;
	unsigned int n = 0;
	struct rig r;
	uint8_t *buf, *want = malloc(16 * PER * SIZE);

	rig_open(&r, "generic", true, false, false, NULL, 2);
	while (n < 16 && fl_dma_request_chan(r.dma, n < 8 ? FL_DMA_DEV_TO_MEM : FL_DMA_MEM_TO_DEV, -1,
					     &ch[n]) == 0)
		n++;
	assert_int_equal(n, 16);
	buf = fl_dma_alloc_coherent(r.dma, 16 * PER * SIZE, &addr);
	pattern(want, 16 * PER * SIZE, 5);
	memcpy(buf + 8 * PER * SIZE, want + 8 * PER * SIZE, 8 * PER * SIZE);
	assert_int_equal(fl_mem_write(fl_device_ep_mem(r.d), r.board.ram, want, 8 * PER * SIZE), 0);
	for (unsigned int k = 0; k < PER; k++)
		for (unsigned int i = 0; i < 16; i++) {
			uint64_t at = (uint64_t)(i * PER + k) * SIZE;
			struct fl_dma_slave_config cfg = { r.board.ram + at, r.board.ram + at };
			struct fl_dma_async_tx *tx;

			fl_dmaengine_slave_config(ch[i], &cfg);
			assert_int_equal(fl_dmaengine_prep_slave_single(ch[i], addr + at, SIZE, &tx), 0);
			fl_dma_set_callback(tx, on_done, &count);
			assert_true(fl_dmaengine_submit(tx) > 0);
			if (k % 7 == 0)
				fl_dma_async_issue_pending(ch[i]);
		}
	for (unsigned int i = 0; i < 16; i++)
		fl_dma_async_issue_pending(ch[i]);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(fl_dma_sync_wait(ch[i], PER, 20000), 0);
	assert_int_equal(count.done, 16 * PER);
	assert_memory_equal(buf, want, 8 * PER * SIZE);
	assert_int_equal(fl_mem_read(fl_device_ep_mem(r.d), r.board.ram + 8 * PER * SIZE, buf,
				     8 * PER * SIZE), 0);
	assert_memory_equal(buf, want + 8 * PER * SIZE, 8 * PER * SIZE);
	rig_close(&r);
	free(want);
}

/* A refused address fails its own descriptor; those around it are done. */
static void abort_in_the_middle(void **state)
{
	for (unsigned int b = 0; b < 8; b++) {
		fl_dma_cookie_t c[3];
		struct fl_dma_chan *wr;
		fl_dma_addr_t addr;
		struct rig r;
		uint8_t *buf;

		rig_open(&r, boards[b / 2], true, b & 1, false, NULL, 1);
		assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 0, &wr), 0);
		buf = fl_dma_alloc_coherent(r.dma, 4096, &addr);
		assert_int_equal(fl_mem_write(fl_device_ep_mem(r.d), r.board.ram, "first", 6), 0);
		assert_int_equal(fl_mem_write(fl_device_ep_mem(r.d), r.board.ram + 64, "third", 6), 0);
		for (unsigned int i = 0; i < 3; i++) {
			/* the middle one reads the engine's registers, which no list allows */
			struct fl_dma_slave_config cfg = {
				.src_addr = i == 1 ? r.board.regs.phys : r.board.ram + 32 * i,
			};
			struct fl_dma_async_tx *tx;

			fl_dmaengine_slave_config(wr, &cfg);
			assert_int_equal(fl_dmaengine_prep_slave_single(wr, addr + 32 * i, 6, &tx), 0);
			c[i] = fl_dmaengine_submit(tx);
		}
		fl_dma_async_issue_pending(wr);
		assert_int_equal(fl_dma_sync_wait(wr, c[2], 5000), 0);
		assert_int_equal(fl_dma_sync_wait(wr, c[0], 5000), 0);
		assert_int_equal(fl_dma_sync_wait(wr, c[1], 5000), -EIO);
		assert_memory_equal(buf, "first", 6);
		assert_memory_equal(buf + 64, "third", 6);
		assert_int_equal(buf[32], 0);
		rig_close(&r);
	}
}

/*
 * The manual's word: results of the last 1024 are kept, older ones read as COMPLETE. The first fails, and
 * so does the one that takes its place.
 */
static void history(void **state)
{
	fl_dma_cookie_t bad = 0, last;
	struct fl_dma_async_tx *tx;
	struct fl_dma_chan *wr;
	fl_dma_addr_t addr;
	struct rig r;

	rig_open(&r, "generic", true, false, false, NULL, 1);
	assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 0, &wr), 0);
	assert_non_null(fl_dma_alloc_coherent(r.dma, 4096, &addr));
	for (unsigned int i = 0; i <= 1024; i++) {
		bool fails = i == 0 || i == 1024;
		struct fl_dma_slave_config cfg = { .src_addr = fails ? r.board.regs.phys : r.board.ram };

		fl_dmaengine_slave_config(wr, &cfg);
		assert_int_equal(fl_dmaengine_prep_slave_single(wr, addr, 6, &tx), 0);
		last = fl_dmaengine_submit(tx);
		if (i == 0)
			bad = last;
		if (i < 1023)
			continue;
		fl_dma_async_issue_pending(wr);
		assert_int_equal(fl_dma_sync_wait(wr, last, 20000), fails ? -EIO : 0);
		assert_int_equal(last - bad, i);
		assert_int_equal(fl_dma_sync_wait(wr, bad, 0), i == 1023 ? -EIO : 0);
		assert_int_equal(fl_dmaengine_tx_status(wr, bad, NULL),
				 i == 1023 ? FL_DMA_ERROR : FL_DMA_COMPLETE);
	}
	rig_close(&r);
}

static void lost_doorbell(void **state)
{
	struct fl_dma_chan *wr;
	fl_dma_addr_t addr;
	struct rig r;

	rig_open(&r, "rk3588", true, false, false, "lost-doorbell:2", 1);
	assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 0, &wr), 0);
	assert_non_null(fl_dma_alloc_coherent(r.dma, 4096, &addr));
	for (unsigned int i = 0; i < 4; i++)
		transfer(&r, wr, true, addr, r.board.ram, 64, 0);
	rig_close(&r);
}

/* The link goes in the middle: the descriptor is reported, and the channel works again afterwards. */
static void link_loss(void **state)
{
	struct fl_dma_chan *wr;
	fl_dma_addr_t addr;
	struct rig r;

	for (unsigned int b = 0; b < 4; b++) {
		rig_open(&r, boards[b], true, b & 1, false, "link-loss:3", 1);
		assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 0, &wr), 0);
		assert_non_null(fl_dma_alloc_coherent(r.dma, 4096, &addr));
		transfer(&r, wr, true, addr, r.board.ram, 64, 0);
		transfer(&r, wr, true, addr, r.board.ram, 64, 0);
		transfer(&r, wr, true, addr, r.board.ram, 64, LINK_GONE);
		transfer(&r, wr, true, addr, r.board.ram, 64, 0);
		rig_close(&r);
	}
}

static void poisoned(void **state)
{
	struct fl_dma_chan *rd;
	fl_dma_addr_t addr;
	struct rig r;

	rig_open(&r, "rk3588", true, false, false, "poisoned-read", 1);
	assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_MEM_TO_DEV, 0, &rd), 0);
	assert_non_null(fl_dma_alloc_coherent(r.dma, 4096, &addr));
	transfer(&r, rd, false, addr, r.board.ram, 64, -EIO);
	transfer(&r, rd, false, addr, r.board.ram, 64, 0);
	rig_close(&r);
}

static void no_ready(void **state)
{
	struct fl_board board;
	struct fl_device_config dc = { .board = &board, .threads = 1 };
	struct fl_setup_options fn = {};
	struct fl_host_config hc = { .ready_ms = 30 };
	struct fl_host_error why = {};
	struct fl_dma_device *dma;
	struct fl_buf hold = {};
	struct fl_device *d;
	struct fl_bus *bus;

	assert_int_equal(fl_board_load("rk3588", &hold, &board, NULL), 0);
	fl_buf_fini(&hold);
	assert_int_equal(fl_fault_parse(FL_STR("no-ready"), &dc.fault, NULL), 0);
	assert_int_equal(fl_device_new(&dc, &d), 0);
	assert_int_equal(fl_device_start(d, &fn, NULL), 0);
	assert_int_equal(fl_bus_loopback(d, true, &bus), 0);
	assert_int_equal(fl_dma_device_over(bus, &hc, &dma, &why), -ETIMEDOUT);
	assert_string_equal(why.text, "BAR0: the endpoint did not set READY within 30 ms");
	assert_int_equal(fl_bus_loopback(d, true, &bus), 0); /* the next request is heard */
	assert_int_equal(fl_dma_device_over(bus, &hc, &dma, &why), 0);
	fl_dma_device_close(dma);
	fl_device_free(d);
}

static void residue_and_terminate(void **state)
{
	struct fl_dma_sg sg[3];
	struct fl_dma_tx_state st;
	struct fl_dma_async_tx *tx;
	struct fl_dma_chan *wr, *other;
	fl_dma_cookie_t cookie;
	fl_dma_addr_t addr;
	struct rig r;

	rig_open(&r, "rk3588", true, true, false, NULL, 0); /* no thread: nothing moves by itself */
	assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 0, &wr), 0);
	assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 0, &other), -EBUSY);
	assert_int_equal(fl_dma_request_chan(r.dma, FL_DMA_DEV_TO_MEM, 2, &other), -ENODEV);
	assert_non_null(fl_dma_alloc_coherent(r.dma, 4096, &addr));
	for (unsigned int i = 0; i < 3; i++)
		sg[i] = (struct fl_dma_sg){ addr + 100 * i, 100 };
	fl_dmaengine_slave_config(wr, &(struct fl_dma_slave_config){ .src_addr = r.board.ram });
	assert_int_equal(fl_dmaengine_prep_slave_sg(wr, sg, 3, &tx), 0);
	cookie = fl_dmaengine_submit(tx);
	assert_int_equal(fl_dmaengine_tx_status(wr, cookie, &st), FL_DMA_IN_PROGRESS);
	assert_int_equal(st.residue, 300);
	fl_dma_async_issue_pending(wr);
	assert_int_equal(fl_engine_step(fl_device_engine(r.d), FL_EPDMA_WRITE, 0), 0);
	assert_int_equal(fl_dmaengine_tx_status(wr, cookie, &st), FL_DMA_IN_PROGRESS);
	assert_int_equal(st.residue, 200);
	assert_int_equal(fl_dma_sync_wait(wr, cookie, 1), -ETIMEDOUT);
	assert_int_equal(fl_dmaengine_terminate_sync(wr), 0);
	assert_int_equal(fl_dmaengine_tx_status(wr, cookie, &st), FL_DMA_ERROR);
	assert_int_equal(st.error, -ECANCELED);
	assert_int_equal(fl_dmaengine_prep_slave_sg(wr, sg, 0, &tx), -EINVAL);
	sg[1].len = 0;
	assert_int_equal(fl_dmaengine_prep_slave_sg(wr, sg, 3, &tx), -EINVAL);
	sg[1] = (struct fl_dma_sg){ UINT64_MAX, 2 };
	assert_int_equal(fl_dmaengine_prep_slave_sg(wr, sg, 3, &tx), -EINVAL);
	assert_int_equal(fl_dma_sync_wait(wr, 99, 1), -EINVAL);
	rig_close(&r);
}

/*
 * Which vector a channel's message comes on, MSI and MSI-X, by the rule of the Linux driver: one vector
 * is everybody's, more are split between the directions.
 */
static void vectors(void **state)
{
	static const struct { unsigned int msi, msix, of[4]; } rows[] = {
		{ 1, 0, { 0, 0, 0, 0 } }, { 2, 0, { 0, 0, 1, 1 } }, { 4, 0, { 0, 1, 2, 3 } },
		{ 0, 1, { 0, 0, 0, 0 } }, { 0, 2, { 0, 0, 1, 1 } }, { 0, 3, { 0, 0, 1, 2 } },
		{ 0, 4, { 0, 1, 2, 3 } }, { 0, 9, { 0, 1, 2, 3 } }, { 1, 4, { 0, 0, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_setup_options fn = { .msi = { true, rows[i].msi }, .msix = { true, rows[i].msix } };
		struct fl_dma_buf buf;
		struct fl_host *h;
		struct fl_bus *bus;
		struct rig r;

		rig_device(&r, "rk3588", &fn);
		assert_int_equal(fl_bus_loopback(r.d, true, &bus), 0);
		assert_int_equal(fl_host_probe(bus, &(struct fl_host_config){}, &h, NULL), 0);
		assert_int_equal(bus->ops->dma_alloc(bus, 64, &buf), 0);
		for (unsigned int k = 0; k < 4; k++) {
			struct fl_host_chan *c = fl_host_chan_at(h, k);
			struct fl_host_seg seg = { r.board.ram, buf.addr, 64 };
			struct fl_host_tx tx = { .segs = &seg, .nr_segs = 1, .bytes = 64 };
			uint64_t got = 0;

			if (fl_host_chan_dir(c) == FL_EPDMA_READ)
				seg = (struct fl_host_seg){ buf.addr, r.board.ram, 64 };
			fl_host_submit(c, &tx);
			assert_int_equal(fl_host_issue(c), 0);
			for (unsigned int tries = 0; !got && tries < 100; tries++)
				bus->ops->irq_wait(bus, 100, &got);
			assert_int_equal(got, 1u << rows[i].of[k]);
			assert_true(fl_host_vector_chans(h, rows[i].of[k]) & 1u << k);
			assert_int_equal(fl_host_poll(c), 1);
			assert_int_equal(tx.state, FL_TX_DONE);
		}
		bus->ops->dma_free(bus, &buf);
		fl_host_remove(h);
		fl_bus_close(bus);
		fl_device_free(r.d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_boards),
		cmocka_unit_test(scatter),
		cmocka_unit_test(many_channels),
		cmocka_unit_test(abort_in_the_middle),
		cmocka_unit_test(history),
		cmocka_unit_test(lost_doorbell),
		cmocka_unit_test(link_loss),
		cmocka_unit_test(poisoned),
		cmocka_unit_test(no_ready),
		cmocka_unit_test(residue_and_terminate),
		cmocka_unit_test(vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
