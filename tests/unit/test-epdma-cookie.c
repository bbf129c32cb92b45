// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cookies at the end of their numbers. The judge is the kernel's dma_async_is_complete(): what lies between
 * the last finished and the last given out is under way, whatever the wrap. The file under test is part of
 * this one, so that a channel can be put just before the end.
 */
#include "epdma/host/dmaengine.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "epdma/loop/bus-loop.h"

static void over_the_end(void **state)
{
	struct fl_setup_options fn = { .msi = { true, 4 } };
	struct fl_device_config dc = { .threads = 1 };
	struct fl_host_config hc = {};
	struct fl_dma_device *dev;
	struct fl_dma_async_tx *tx;
	struct fl_dma_chan *c;
	struct fl_board board;
	struct fl_buf hold = {};
	struct fl_device *d;
	struct fl_bus *bus;
	fl_dma_addr_t addr;
	fl_dma_cookie_t given[6];

	assert_int_equal(fl_board_load("generic", &hold, &board, NULL), 0);
	dc.board = &board;
	assert_int_equal(fl_device_new(&dc, &d), 0);
	assert_int_equal(fl_device_start(d, &fn, NULL), 0);
	assert_int_equal(fl_bus_loopback(d, true, &bus), 0);
	assert_int_equal(fl_dma_device_over(bus, &hc, &dev, NULL), 0);
	assert_int_equal(fl_dma_request_chan(dev, FL_DMA_DEV_TO_MEM, 0, &c), 0);
	assert_non_null(fl_dma_alloc_coherent(dev, 4096, &addr));
	c->used = c->last = INT32_MAX - 3;
	for (unsigned int i = 0; i < 6; i++) {
		/* the second and the fifth read registers, which no list allows */
		struct fl_dma_slave_config cfg = { .src_addr = i % 3 == 1 ? board.regs.phys : board.ram };

		fl_dmaengine_slave_config(c, &cfg);
		assert_int_equal(fl_dmaengine_prep_slave_single(c, addr, 8, &tx), 0);
		given[i] = fl_dmaengine_submit(tx);
		assert_int_equal(given[i], i < 3 ? INT32_MAX - 2 + (int)i : (int)i - 2);
		for (unsigned int k = 0; k <= i; k++)
			assert_int_equal(fl_dmaengine_tx_status(c, given[k], NULL), FL_DMA_IN_PROGRESS);
		assert_int_equal(fl_dmaengine_tx_status(c, INT32_MAX - 3, NULL), FL_DMA_COMPLETE);
		assert_int_equal(fl_dma_sync_wait(c, given[i], 1), -ETIMEDOUT);
	}
	fl_dma_async_issue_pending(c);
	assert_int_equal(fl_dma_sync_wait(c, given[5], 5000), 0);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(fl_dma_sync_wait(c, given[i], 5000), i % 3 == 1 ? -EIO : 0);
		assert_int_equal(fl_dmaengine_tx_status(c, given[i], NULL),
				 i % 3 == 1 ? FL_DMA_ERROR : FL_DMA_COMPLETE);
	}
	fl_dma_device_close(dev);
	fl_device_free(d);
	fl_buf_fini(&hold);
}

static void options_of_a_later_library(void **state)
{
	struct fl_dma_device_options o = { .size = sizeof(o) + 8 };
	struct fl_dma_device *dev = NULL;
	struct fl_dma_error err = {};

	assert_int_equal(fl_dma_device_open("vfio-user:/nowhere", &o, &dev, &err), -E2BIG);
	assert_non_null(strstr(err.text, "later library"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_the_end),
		cmocka_unit_test(options_of_a_later_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
