// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What two processes cost. An endpoint runs in a child behind a socket pair, another in this process
 * behind the loopback bus; the same host driver drives both, in turns, and beside them run memcpy() of
 * the same bytes and a bare ping-pong of the same message sizes. Medians over rounds are printed, and
 * the ratios of each round's neighbours.
 *
 * Where the two run decides more than what they do: a processor that sleeps is woken by an interrupt, which
 * on a virtual machine costs ten times what the answer does, and the scheduler leaves one pair on one
 * processor and the next one on two. So all are held to the same places, first one processor, then two.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/nsec.h"
#include "epdma/host/dma-device.h"
#include "epdma/loop/bus-loop.h"
#include "epdma/vfu/vfu.h"
#include "epdma/wire/vfu-server.h"
#include "measure.h"

#define ROUNDS	  25u
#define BIG	  (1u << 20)
#define NR_BIG	  32u
#define DEPTH	  32u
#define NR_SMALL  200u /* batches a round */
#define NR_PINGS  2000u

static double now(void)
{
	return (double)fl_time_ns(CLOCK_MONOTONIC) * 1e-9;
}

/* @v keeps its order: rounds are compared pair by pair. */
static double middle(const double *v)
{
	double sorted[ROUNDS];

	memcpy(sorted, v, sizeof(sorted));
	return median(sorted, ROUNDS);
}

static double median_ratio(const double *a, const double *b)
{
	double r[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++)
		r[i] = a[i] / b[i];
	return median(r, ROUNDS);
}

static int here, there; /* processors: this process's, and that of whoever answers */

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		exit(1);
}

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static struct fl_device *new_device(struct fl_board *board)
{
	struct fl_device_config dc = { .board = board, .threads = 1 };
	struct fl_setup_options mo = {};
	struct fl_buf hold = {};
	struct fl_device *d = NULL;
	int r = fl_board_load("rk3588", &hold, board, NULL);

	fl_buf_fini(&hold);
	if (r == 0)
		r = fl_device_new(&dc, &d);
	if (r == 0)
		r = fl_device_start(d, &mo, NULL);
	if (r < 0)
		die("endpoint", r);
	return d;
}

/* The endpoint in a process of its own; our end of its socket. */
static int fork_endpoint(pid_t *pid)
{
	static const bool never;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		exit(1);
	*pid = fork();
	if (*pid == 0) {
		struct fl_board board;

		run_on(there);
		close(sv[0]);
		fl_vfu_session(new_device(&board), sv[1], &never);
		_exit(0);
	}
	close(sv[1]);
	return sv[0];
}

/* A bare peer: a request of 32 bytes, a reply of 36, as a register read has. */
static int fork_pong(pid_t *pid)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		exit(1);
	*pid = fork();
	if (*pid == 0) {
		char msg[64] = {};

		run_on(there);
		close(sv[0]);
		while (recv(sv[1], msg, 32, MSG_WAITALL) == 32)
			if (send(sv[1], msg, 36, 0) != 36)
				break;
		_exit(0);
	}
	close(sv[1]);
	return sv[0];
}

struct side {
	struct fl_dma_device *dma;
	struct fl_dma_chan *wr;
	uint8_t *buf;
	fl_dma_addr_t addr;
	uint64_t ep;
};

static void open_side(struct side *s, struct fl_bus *bus, uint64_t ep, bool polled)
{
	struct fl_host_config hc = { .polled = polled };
	struct fl_host_error why = {};
	int r = fl_dma_device_over(bus, &hc, &s->dma, &why);

	if (r < 0)
		die(why.text, r);
	r = fl_dma_request_chan(s->dma, FL_DMA_DEV_TO_MEM, 0, &s->wr);
	if (r < 0)
		die("channel", r);
	s->buf = fl_dma_alloc_coherent(s->dma, (size_t)NR_BIG * BIG, &s->addr);
	if (!s->buf)
		exit(1);
	memset(s->buf, 1, (size_t)NR_BIG * BIG);
	s->ep = ep;
}

static void batch(struct side *s, uint32_t size, unsigned int n)
{
	fl_dma_cookie_t last = 0;
	struct fl_dma_async_tx *tx;
	int r;

	for (unsigned int i = 0; i < n; i++) {
		struct fl_dma_slave_config cfg = { .src_addr = s->ep + (uint64_t)i * size };

		fl_dmaengine_slave_config(s->wr, &cfg);
		r = fl_dmaengine_prep_slave_single(s->wr, s->addr + (uint64_t)i * size, size, &tx);
		if (r < 0)
			die("prep", r);
		last = fl_dmaengine_submit(tx);
	}
	r = fl_dma_async_issue_pending(s->wr);
	if (r == 0)
		r = fl_dma_sync_wait(s->wr, last, 60000);
	if (r < 0)
		die("transfer", r);
}

/* How often this process went to sleep, and how often it lost its processor to somebody else. */
struct switches {
	double slept, preempted;
};

static struct switches switches(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (struct switches){ (double)ru.ru_nvcsw, (double)ru.ru_nivcsw };
}

static double time_small(struct side *s, struct switches *sum)
{
	struct switches before = switches(), after;
	double t = now();

	for (unsigned int i = 0; i < NR_SMALL; i++)
		batch(s, 64, DEPTH);
	t = now() - t;
	after = switches();
	sum->slept += after.slept - before.slept;
	sum->preempted += after.preempted - before.preempted;
	return NR_SMALL * DEPTH / t;
}

static double time_big(struct side *s)
{
	double t = now();

	batch(s, BIG, NR_BIG);
	return (double)NR_BIG * BIG / (now() - t);
}

static double time_memcpy(uint8_t *to, const uint8_t *from)
{
	double t = now();

	for (unsigned int i = 0; i < NR_BIG; i++)
		memcpy(to + (size_t)i * BIG, from + (size_t)i * BIG, BIG);
	return (double)NR_BIG * BIG / (now() - t);
}

static double time_pings(int fd)
{
	char msg[64] = {};
	double t = now();

	for (unsigned int i = 0; i < NR_PINGS; i++)
		if (send(fd, msg, 32, 0) != 32 || recv(fd, msg, 36, MSG_WAITALL) != 36)
			exit(1);
	return (now() - t) / NR_PINGS;
}

static double time_reads(struct side *s)
{
	struct fl_host *h = fl_dma_device_host(s->dma);
	const struct fl_epmd *md = fl_host_metadata(h);
	struct fl_bus *bus = fl_host_bus(h);
	double t = now();
	uint32_t val;

	for (unsigned int i = 0; i < NR_PINGS; i++)
		if (bus->ops->read32(bus, md->reg.bar, md->reg.offset + 8, &val) < 0)
			exit(1);
	return (now() - t) / NR_PINGS;
}

static void touch_endpoint_memory(struct side *s)
{
	struct fl_dma_slave_config cfg = { .dst_addr = s->ep };
	struct fl_dma_async_tx *tx;
	struct fl_dma_chan *rd;
	fl_dma_cookie_t c;

	if (fl_dma_request_chan(s->dma, FL_DMA_MEM_TO_DEV, 0, &rd) < 0)
		exit(1);
	fl_dmaengine_slave_config(rd, &cfg);
	fl_dmaengine_prep_slave_single(rd, s->addr, (uint64_t)NR_BIG * BIG, &tx);
	c = fl_dmaengine_submit(tx);
	fl_dma_async_issue_pending(rd);
	if (fl_dma_sync_wait(rd, c, 60000) < 0)
		exit(1);
	fl_dma_release_channel(rd);
}

static void measure(struct side *two, struct side *one, int pong, const char *how)
{
	double big[ROUNDS], plain[ROUNDS], small2[ROUNDS], small1[ROUNDS], reads[ROUNDS],
		pings[ROUNDS];
	struct switches sum1 = {}, sum2 = {};
	uint8_t *from;
	int fd;

	if (fl_mem_shared("bench", (uint64_t)NR_BIG * BIG, &fd, &from) < 0)
		exit(1);
	memset(from, 2, (size_t)NR_BIG * BIG);
	touch_endpoint_memory(two);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		plain[i] = time_memcpy(two->buf, from);
		big[i] = time_big(two);
		small1[i] = time_small(one, &sum1);
		small2[i] = time_small(two, &sum2);
		pings[i] = time_pings(pong);
		reads[i] = time_reads(two);
	}
	printf("%s\n", how);
	printf("1 MiB transfers, two processes\t%.0f MB/s\tmemcpy %.0f MB/s\tratio %.2f (goal 0.95)\n",
	       middle(big) / 1e6, middle(plain) / 1e6, median_ratio(big, plain));
	printf("64 B transfers, 32 deep, two processes\t%.0f k/s\tone process %.0f k/s\tratio %.2f "
	       "(goal 0.7)\n",
	       middle(small2) / 1e3, middle(small1) / 1e3, median_ratio(small2, small1));
	/* What the figure before depends on: a sleep costs a wake-up, a preemption a whole slice. */
	printf("sleeps and preemptions in 1000 batches of it\ttwo processes %.0f and %.0f\tone process %.0f and %.0f\n",
	       sum2.slept * 1e3 / (ROUNDS * NR_SMALL), sum2.preempted * 1e3 / (ROUNDS * NR_SMALL),
	       sum1.slept * 1e3 / (ROUNDS * NR_SMALL), sum1.preempted * 1e3 / (ROUNDS * NR_SMALL));
	printf("register read, round trip\t%.2f us\tbare ping-pong %.2f us\tratio %.2f (goal 1.15)\n",
	       middle(reads) * 1e6, middle(pings) * 1e6, median_ratio(reads, pings));
}

/* Both ways of completion, in these places. */
static void measure_places(void)
{
	struct side two = {}, one = {};
	struct fl_board board;
	pid_t ep, pong;
	int pong_fd = fork_pong(&pong);

	printf("on %s\n", here == there ? "one processor" : "two processors");
	for (int polled = 0; polled < 2; polled++) {
		int fd = fork_endpoint(&ep);
		struct fl_device *d;
		struct fl_bus *bus;
		int r = fl_bus_vfio_user_fd(fd, &bus, NULL);

		if (r < 0)
			die("client", r);
		run_on(there); /* for the engine's thread */
		d = new_device(&board);
		run_on(here);
		open_side(&two, bus, board.ram, polled);
		if (fl_bus_loopback(d, true, &bus) < 0)
			exit(1);
		open_side(&one, bus, board.ram, polled);
		measure(&two, &one, pong_fd, polled ? "completion by polling" : "completion by interrupt");
		fl_dma_device_close(two.dma);
		fl_dma_device_close(one.dma);
		fl_device_free(d);
		waitpid(ep, NULL, 0);
	}
	close(pong_fd);
	waitpid(pong, NULL, 0);
}

int main(void)
{
	double load[1] = { 0 };
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	while (!CPU_ISSET(here, &set))
		here++;
	if (getloadavg(load, 1) == 1)
		printf("%d processors, load %.1f before this\n", CPU_COUNT(&set), load[0]);
	there = here;
	run_on(here);
	measure_places();
	if (CPU_COUNT(&set) > 1) {
		do
			there++;
		while (!CPU_ISSET(there, &set));
		measure_places();
	}
	return 0;
}
