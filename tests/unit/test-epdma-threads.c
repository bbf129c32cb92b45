// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One device, several threads: each has a channel of its own and waits for its transfers, by interrupt and
 * by polling, over the loopback and over a socket whose server is one more thread. Made for
 * ThreadSanitizer; without it, it checks the bytes and that nobody waits for ever.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "epdma/host/dma-device.h"
#include "epdma/loop/bus-loop.h"
#include "epdma/wire/vfu-server.h"

#define THREADS 6u
#define ROUNDS	60u
#define SIZE	3000u

struct worker {
	pthread_t thread;
	struct fl_dma_device *dma;
	struct fl_dma_chan *chan;
	uint64_t ep;
	unsigned int number, callbacks;
	int error, callback_error;
	bool wrong;
};

static void on_done(void *param, int error)
{
	struct worker *w = param;

	/* In whichever thread, and perhaps after the wait is over: as DMAengine's callbacks are. */
	__atomic_add_fetch(&w->callbacks, 1, __ATOMIC_RELAXED);
	if (error)
		__atomic_store_n(&w->callback_error, error, __ATOMIC_RELAXED);
}

static int one(struct worker *w, fl_dma_addr_t addr, unsigned int n)
{
	fl_dma_cookie_t last = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct fl_dma_slave_config cfg = { .src_addr = w->ep + i * 16 };
		struct fl_dma_tx_state st;
		struct fl_dma_async_tx *tx;
		int r;

		fl_dmaengine_slave_config(w->chan, &cfg);
		r = fl_dmaengine_prep_slave_single(w->chan, addr + i * SIZE, SIZE, &tx);
		if (r < 0)
			return r;
		fl_dma_set_callback(tx, on_done, w);
		last = fl_dmaengine_submit(tx);
		fl_dma_async_issue_pending(w->chan);
		fl_dmaengine_tx_status(w->chan, last, &st);
	}
	return fl_dma_sync_wait(w->chan, last, 30000);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned int k = 0; k < ROUNDS && !w->error && !w->wrong; k++) {
		unsigned int n = 1 + k % 5;
		fl_dma_addr_t addr;
		uint8_t *buf = fl_dma_alloc_coherent(w->dma, n * SIZE, &addr);

		if (!buf) {
			w->error = -ENOMEM;
			break;
		}
		w->error = one(w, addr, n);
		for (unsigned int i = 0; i < n * SIZE; i++)
			w->wrong = w->wrong || buf[i] != w->number + 1;
		fl_dma_free_coherent(w->dma, buf);
	}
	return NULL;
}

struct server {
	pthread_t thread;
	struct fl_device *d;
	int fd, result;
};

static void *serve(void *arg)
{
	static const bool never;
	struct server *s = arg;

	s->result = fl_vfu_session(s->d, s->fd, &never);
	return NULL;
}

static void run(bool socket, bool polled)
{
	struct fl_board board;
	struct fl_device_config dc = { .board = &board, .threads = 2 };
	struct fl_host_config hc = { .polled = polled };
	struct fl_setup_options mo = {};
	struct worker w[THREADS] = {};
	struct fl_dma_device *dma;
	struct server server = {};
	struct fl_buf hold = {};
	struct fl_device *d;
	struct fl_bus *bus;
	int sv[2];

	assert_int_equal(fl_board_load("generic", &hold, &board, NULL), 0);
	fl_buf_fini(&hold);
	assert_int_equal(fl_device_new(&dc, &d), 0);
	assert_int_equal(fl_device_start(d, &mo, NULL), 0);
	if (socket) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
		server.d = d;
		server.fd = sv[1];
		assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);
		assert_int_equal(fl_bus_vfio_user_fd(sv[0], &bus, NULL), 0);
	} else {
		assert_int_equal(fl_bus_loopback(d, true, &bus), 0);
	}
	assert_int_equal(fl_dma_device_over(bus, &hc, &dma, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		uint8_t bytes[4096];

		memset(bytes, (int)i + 1, sizeof(bytes));
		w[i] = (struct worker){ .dma = dma, .ep = board.ram + i * 65536, .number = i };
		assert_int_equal(fl_mem_write(fl_device_ep_mem(d), w[i].ep, bytes, sizeof(bytes)), 0);
		assert_int_equal(fl_dma_request_chan(dma, FL_DMA_DEV_TO_MEM, -1, &w[i].chan), 0);
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].error, 0);
		assert_false(w[i].wrong);
	}
	fl_dma_device_close(dma);
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(w[i].callback_error, 0);
		assert_int_equal(w[i].callbacks, ROUNDS / 5 * (1 + 2 + 3 + 4 + 5));
	}
	if (socket) {
		pthread_join(server.thread, NULL);
		assert_int_equal(server.result, 0);
	}
	fl_device_free(d);
}

static void loopback(void **state)
{
	run(false, false);
	run(false, true);
}

static void over_a_socket(void **state)
{
	run(true, false);
	run(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback),
		cmocka_unit_test(over_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
