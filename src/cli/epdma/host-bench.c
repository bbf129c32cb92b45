// SPDX-License-Identifier: GPL-2.0-or-later
/* foreland epdma host bench: how fast, and how long. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/nsec.h"
#include "base/num.h"
#include "base/table.h"
#include "cli/cmds.h"
#include "cli/epdma/host.h"
#include "cli/say.h"

#define DEPTH	   32u
#define RUN_NS	   200000000ull
#define MAX_SIZE   (1u << 20)
#define ROUNDS	   2000u
#define TIMEOUT_MS 60000

struct bench {
	struct fl_dma_device *dev;
	struct fl_dma_chan *chan;
	uint64_t ep;
	fl_dma_addr_t addr;
};

/* One batch, submitted and waited for. */
static int batch(struct bench *b, uint32_t size, unsigned int depth)
{
	fl_dma_cookie_t last = 0;
	int r;

	for (unsigned int i = 0; i < depth; i++) {
		struct fl_dma_async_tx *tx;

		r = fl_dmaengine_prep_slave_single(b->chan, b->addr, size, &tx);
		if (r < 0)
			return r;
		last = fl_dmaengine_submit(tx);
	}
	r = fl_dma_async_issue_pending(b->chan);
	return r < 0 ? r : fl_dma_sync_wait(b->chan, last, TIMEOUT_MS);
}

static int rate(struct bench *b, uint32_t size, double *ret_per_second)
{
	uint64_t start = fl_time_ns(CLOCK_MONOTONIC), n = 0, now;
	int r;

	do {
		r = batch(b, size, DEPTH);
		if (r < 0)
			return r;
		n += DEPTH;
		now = fl_time_ns(CLOCK_MONOTONIC);
	} while (now - start < RUN_NS);
	*ret_per_second = (double)n * 1e9 / (double)(now - start);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct quantiles {
	uint64_t p50, p99;
};

static struct quantiles quantiles(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return (struct quantiles){ v[n / 2], v[n * 99 / 100] };
}

/* A register that is read across the bus: the list pointer of channel 0. */
static int register_latency(struct bench *b, struct quantiles *ret)
{
	static uint64_t v[ROUNDS];
	struct fl_host *h = fl_dma_device_host(b->dev);
	const struct fl_epmd *md = fl_host_metadata(h);
	struct fl_bus *bus = fl_host_bus(h);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t t = fl_time_ns(CLOCK_MONOTONIC);
		uint32_t val;
		int r = bus->ops->read32(bus, md->reg.bar, md->reg.offset, &val);

		if (r < 0)
			return r;
		v[i] = fl_time_ns(CLOCK_MONOTONIC) - t;
	}
	*ret = quantiles(v, ROUNDS);
	return 0;
}

/* From the issue of one 64-byte descriptor until its completion is seen. */
static int completion_latency(struct bench *b, struct quantiles *ret)
{
	static uint64_t v[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t t = fl_time_ns(CLOCK_MONOTONIC);
		int r = batch(b, 64, 1);

		if (r < 0)
			return r;
		v[i] = fl_time_ns(CLOCK_MONOTONIC) - t;
	}
	*ret = quantiles(v, ROUNDS);
	return 0;
}

/* What was measured, as it is to be printed. */
struct report {
	bool json;
	struct fl_table rates; /* text alone */
	struct fl_buf out;     /* behind them */
};

static void row(struct report *rep, const char *what, uint32_t size, double rate)
{
	struct fl_buf *out = &rep->out;

	if (!rep->json) {
		fl_table_cellf(&rep->rates, "%s", what);
		fl_table_cellf(&rep->rates, "%u", size);
		fl_table_cellf(&rep->rates, "%.0f", rate);
		fl_table_cellf(&rep->rates, "%.1f", rate * size / 1e6);
		return;
	}
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "direction", what);
	fl_json_u64(out, "size", size);
	fl_json_u64(out, "depth", DEPTH);
	fl_json_f64(out, "transfers_per_second", rate);
	fl_json_f64(out, "bytes_per_second", rate * size);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void latency(struct report *rep, const char *what, struct quantiles q)
{
	struct fl_buf *out = &rep->out;

	if (rep->json) {
		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "latency", what);
		fl_json_u64(out, "p50_ns", q.p50);
		fl_json_u64(out, "p99_ns", q.p99);
		fl_json_close(out, '}');
		fl_json_end_line(out);
		return;
	}
	fl_buf_addf(out, "%s: p50 %.1f us, p99 %.1f us\n", what, (double)q.p50 / 1e3,
		    (double)q.p99 / 1e3);
}

static void summary(const struct bench *b, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "address", b->ep);
	fl_json_u64(out, "depth", DEPTH);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static int one_direction(struct bench *b, enum fl_dma_transfer_direction dir, struct report *rep)
{
	static const uint32_t sizes[] = { 64, 512, 4096, 65536, MAX_SIZE };
	int r = fl_dma_request_chan(b->dev, dir, -1, &b->chan);

	if (r == -ENODEV)
		return 0;
	fl_dmaengine_slave_config(b->chan, &(struct fl_dma_slave_config){ b->ep, b->ep });
	for (size_t i = 0; r == 0 && i < FL_ARRAY_SIZE(sizes); i++) {
		double per_second;

		r = rate(b, sizes[i], &per_second);
		if (r == 0)
			row(rep, dir == FL_DMA_DEV_TO_MEM ? "from-endpoint" : "to-endpoint", sizes[i],
			    per_second);
	}
	if (r == 0 && dir == FL_DMA_DEV_TO_MEM) {
		struct quantiles q = {};

		r = completion_latency(b, &q);
		if (r == 0)
			latency(rep, "64 B transfer, issue to completion", q);
	}
	fl_dma_release_channel(b->chan);
	return r;
}

static int measure(struct bench *b, struct report *rep)
{
	struct quantiles q = {};
	int r;

	if (!fl_dma_alloc_coherent(b->dev, MAX_SIZE, &b->addr))
		return -errno;
	r = one_direction(b, FL_DMA_DEV_TO_MEM, rep);
	if (r == 0)
		r = one_direction(b, FL_DMA_MEM_TO_DEV, rep);
	if (r == 0)
		r = register_latency(b, &q);
	if (r < 0)
		return r;
	latency(rep, "register read", q);
	if (rep->json)
		summary(b, &rep->out);
	return 0;
}

static int bench_run(const void *v, const struct fl_args *args)
{
	static const struct fl_column columns[] = {
		{ "DIRECTION", false }, { "SIZE", true }, { "TRANSFERS/S", true }, { "MB/S", true },
	};
	const struct fl_host_opts *o = v;
	struct report rep = { .json = o->json };
	_cleanup_buf_ struct fl_buf out = {};
	struct bench b = {};
	int r, said;

	r = fl_cli_host_open_at(o, args, MAX_SIZE, &b.dev, &b.ep);
	if (r)
		return r;
	fl_table_init(&rep.rates, columns, FL_ARRAY_SIZE(columns));
	if (o->json)
		fl_json_schema(&rep.out, "epdma host bench");
	r = measure(&b, &rep);
	/* Also where it ended early: what was measured until then. */
	if (!o->json)
		fl_table_print(&rep.rates, &out);
	fl_buf_add_buf(&out, &rep.out);
	said = fl_say_result(&out);
	if (r < 0)
		r = fl_cli_host_stopped(b.dev, "transfer", r);
	fl_dma_device_close(b.dev);
	fl_table_fini(&rep.rates);
	fl_buf_fini(&rep.out);
	return r ? r : said < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_epdma_host_bench = {
	.name = "bench",
	.summary = "Measure transfers a second by size, and latencies",
	.args = "[BDF] [ADDRESS]",
	.about = "32 transfers are under way at a time. Endpoint memory from ADDRESS on, 1 MiB, is "
		 "overwritten; without ADDRESS, where the endpoint behind the socket says that its memory begins.",
	.max_args = 2,
	.size = sizeof(struct fl_host_opts),
	.options = fl_host_options,
	.run = bench_run,
};
