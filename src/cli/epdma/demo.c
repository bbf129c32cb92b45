// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * foreland epdma demo: an endpoint and its host in one process, from binding to the host's leaving.
 * What happens is told on stderr as it happens; the summary is the result.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/json.h"
#include "base/nsec.h"
#include "base/num.h"
#include "cli/cmds.h"
#include "cli/epdma/epdma.h"
#include "cli/epdma/host.h"
#include "cli/say.h"
#include "epdma/loop/bus-loop.h"

struct demo {
	const struct fl_epdma_run_opts *o;
	struct fl_board board;
	struct fl_device *d;
	struct fl_dma_device *dma; /* the host's driver, while it is bound */
	uint64_t transfers, bytes, different;
	uint64_t bulk_bytes, bulk_ns;
	bool recovered; /* from the loss of the link */
};

#define BULK	   (64u << 20)
#define BULK_PIECE (4u << 20)

static void say(const char *fmt, ...) FL_PRINTF(1, 2);

static void say(const char *fmt, ...)
{
	_cleanup_buf_ struct fl_buf line = {};
	va_list ap;

	fl_buf_addz(&line, "foreland: ");
	va_start(ap, fmt);
	fl_buf_vaddf(&line, fmt, ap);
	va_end(ap);
	fl_buf_addc(&line, '\n');
	fl_buf_write_fd(&line, STDERR_FILENO);
}

/* ---- the host's driver over the loopback ---- */

static int attach(struct demo *demo, struct fl_epf_error *e)
{
	struct fl_host_config hc = { .seed_compat = demo->o->endpoint.seed_compat };
	struct fl_host_error why = {};
	const struct fl_epmd *md;
	struct fl_bus *bus;
	int r = fl_bus_loopback(demo->d, true, &bus);

	if (!r)
		r = fl_dma_device_over(bus, &hc, &demo->dma, &why);
	if (r) {
		fl_say(FL_ERROR, "host: %s [%s]", why.text, fl_errno_name(r));
		return r;
	}
	md = fl_host_metadata(fl_dma_device_host(demo->dma));
	say("host: metadata %c in BAR %u, %s, registers in BAR %u at 0x%llx, READY, %u vectors",
	    md->layout == FL_EPMD_B ? 'B' : 'A',
	    fl_host_metadata_bar(fl_dma_device_host(demo->dma)), fl_dw_map_name(md->map),
	    md->reg.bar, (unsigned long long)md->reg.offset,
	    fl_host_vectors(fl_dma_device_host(demo->dma)));
	return 0;
}

static int driver_probe(void *ctx, struct fl_epf *f, struct fl_epf_error *e)
{
	struct demo *demo = ctx;
	int r = fl_device_adopt(demo->d, f);

	return r ?: attach(demo, e);
}

static void driver_remove(void *ctx, struct fl_epf *f)
{
	struct demo *demo = ctx;

	fl_dma_device_close(demo->dma);
	demo->dma = NULL;
}

static const struct fl_sysroot_driver driver = { .probe = driver_probe, .remove = driver_remove };

/* ---- what is shown ---- */

struct pair {
	struct fl_dma_chan *rd, *wr;
	uint8_t *out, *in, *ep;
	fl_dma_addr_t out_addr, in_addr;
};

/* Random bytes to the endpoint and back, compared in the endpoint's memory and at home. */
static int there_and_back(struct demo *demo, struct pair *p, uint64_t ep, size_t n)
{
	int r;

	for (size_t at = 0; at < n; at += 256)
		if (getrandom(p->out + at, FL_MIN(n - at, (size_t)256), 0) < 0)
			return -errno;
	memset(p->in, 0, n);
	r = fl_cli_host_move(p->rd, ep, p->out_addr, n);
	if (!r)
		r = fl_mem_read(fl_device_ep_mem(demo->d), ep, p->ep, n);
	if (!r)
		r = fl_cli_host_move(p->wr, ep, p->in_addr, n);
	if (r)
		return r;
	demo->transfers += 2;
	demo->bytes += 2 * n;
	demo->different += memcmp(p->out, p->ep, n) || memcmp(p->out, p->in, n);
	return 0;
}

static int every_size(struct demo *demo, struct pair *p)
{
	static const size_t sizes[] = { 1, 3, 1024, 1025, 4096, 65537, 1024001 };
	int r = 0;

	for (size_t i = 0; !r && i < FL_ARRAY_SIZE(sizes); i++)
		r = there_and_back(demo, p, demo->board.ram + 64 * i, sizes[i]);
	return r;
}

static int bulk(struct demo *demo, struct pair *p)
{
	uint64_t begun = fl_time_ns(CLOCK_MONOTONIC);

	for (uint64_t done = 0; done < BULK; done += BULK_PIECE) {
		int r = fl_cli_host_move(p->rd, demo->board.ram, p->out_addr, BULK_PIECE);

		if (r)
			return r;
		demo->bulk_bytes += BULK_PIECE;
	}
	demo->bulk_ns += fl_time_ns(CLOCK_MONOTONIC) - begun;
	return 0;
}

/* The link goes while both sides are up: the host is told, and goes on once it is back. */
static int link_loss(struct demo *demo, struct pair *p)
{
	int r;

	fl_device_link(demo->d, false);
	r = fl_cli_host_move(p->rd, demo->board.ram, p->out_addr, 4096);
	say("link down: the transfer fails with %s", r ? fl_errno_name(r) : "nothing");
	if (!r)
		return -EIO;
	fl_device_link(demo->d, true);
	/* -ENOLINK: the device is back and has forgotten; each channel learns so once, and starts anew */
	for (unsigned int tries = 0; tries < 3; tries++) {
		r = there_and_back(demo, p, demo->board.ram, 4096);
		if (r != -ENOLINK)
			break;
		say("link up: the engine was reset, ENOLINK; once more");
	}
	if (r && demo->o->endpoint.seed_compat) {
		say("link up: as posted, the windows are not mapped again (%s)", fl_errno_name(r));
		return 0;
	}
	if (!r) {
		say("link up: transfers succeed again");
		demo->recovered = true;
	}
	return r;
}

static int with_buffers(struct demo *demo, struct pair *p)
{
	int r;

	p->out = fl_dma_alloc_coherent(demo->dma, BULK_PIECE, &p->out_addr);
	p->in = fl_dma_alloc_coherent(demo->dma, BULK_PIECE, &p->in_addr);
	p->ep = malloc(BULK_PIECE);
	if (!p->out || !p->in || !p->ep)
		return -ENOMEM;
	r = every_size(demo, p) ?: bulk(demo, p);
	if (r)
		return r;
	say("%llu transfers, %llu bytes there and back, %llu different",
	    (unsigned long long)demo->transfers, (unsigned long long)demo->bytes,
	    (unsigned long long)demo->different);
	return link_loss(demo, p);
}

static int transfers(struct demo *demo)
{
	struct pair p = {};
	int r = fl_dma_request_chan(demo->dma, FL_DMA_MEM_TO_DEV, -1, &p.rd);

	if (!r)
		r = fl_dma_request_chan(demo->dma, FL_DMA_DEV_TO_MEM, -1, &p.wr);
	if (r) {
		fl_say(FL_ERROR, "a channel of each direction is needed");
		return r;
	}
	r = with_buffers(demo, &p);
	free(p.ep);
	if (r)
		fl_say(FL_ERROR, "host: a transfer failed: %s [%s]", strerror(-r), fl_errno_name(r));
	return r;
}

/* ---- the two ways of setting it up ---- */

static int from_options(struct demo *demo, const struct fl_setup_options *mo)
{
	struct fl_epf_error why = {};
	int r = fl_device_start(demo->d, mo, &why);

	if (r) {
		fl_cli_epdma_refused(demo->board.name, &why);
		return r;
	}
	say("endpoint: %s, %s", demo->board.name, demo->board.about);
	r = attach(demo, &why);
	return r ?: transfers(demo);
}

static int from_script(struct demo *demo, const struct fl_setup_options *mo)
{
	struct fl_sysroot_config config = { .epc = fl_device_epc(demo->d), .host = true,
					    .seed_compat = mo->seed_compat, .layout = mo->layout,
					    .driver = &driver, .driver_ctx = demo };
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_epf_error why = {};
	struct fl_sysroot *m;
	int r = fl_sysroot_new(&config, &m);

	if (r)
		return r;
	r = fl_cli_epdma_script(m, demo->o->configfs, &out, &why);
	fl_buf_write_fd(&out, STDERR_FILENO);
	if (!r && !demo->dma) {
		fl_say(FL_ERROR, "%s: the script binds no driver on the host", demo->o->configfs);
		r = -ENODEV;
	}
	if (!r)
		r = transfers(demo);
	fl_dma_device_close(demo->dma);
	demo->dma = NULL;
	fl_sysroot_free(m);
	return r;
}

static void summary(const struct demo *demo, int r)
{
	_cleanup_buf_ struct fl_buf out = {};
	uint64_t rate = demo->bulk_ns ? demo->bulk_bytes * 1000 / demo->bulk_ns : 0;

	if (demo->o->json) {
		fl_json_schema(&out, "epdma demo");
		fl_json_open(&out, NULL, '{');
		fl_json_strz(&out, "type", "summary");
		fl_json_bool(&out, "ok", !r && !demo->different);
		fl_json_strz(&out, "errno", r ? fl_errno_name(r) : NULL);
		fl_json_strz(&out, "board", demo->board.name);
		fl_json_u64(&out, "transfers", demo->transfers);
		fl_json_u64(&out, "bytes", demo->bytes);
		fl_json_u64(&out, "different", demo->different);
		fl_json_u64(&out, "megabytes_per_second", rate);
		fl_json_bool(&out, "recovered", demo->recovered);
		fl_json_close(&out, '}');
		fl_json_end_line(&out);
	} else if (!r) {
		fl_buf_addf(&out, "%s: %llu transfers verified on both sides, %llu different, "
				  "%llu MB/s in pieces of 4 MiB, link loss %s\n",
			    demo->board.name, (unsigned long long)demo->transfers,
			    (unsigned long long)demo->different, (unsigned long long)rate,
			    demo->recovered ? "survived" : "not survived");
	}
	fl_say_result(&out);
}

static int run(const void *v, const struct fl_args *args)
{
	const struct fl_epdma_run_opts *o = v;
	struct demo demo = { .o = o };
	struct fl_device_config dc = { .board = &demo.board, .threads = 2, .trusted = o->trusted,
				       .seed_compat = o->endpoint.seed_compat };
	struct fl_setup_options mo;
	int r;

	if (fl_cli_epdma_setup(&o->endpoint, &mo))
		return FL_EXIT_USAGE;
	if (!mo.board)
		mo.board = o->configfs ? "r-car-s4" : "rk3588";
	if (fl_cli_epdma_fault(o->fault, &dc.fault))
		return FL_EXIT_USAGE;
	r = fl_cli_epdma_board(&mo, &demo.board);
	if (r)
		return fl_cli_epdma_status(r);
	if (fl_cli_epdma_log(o->trace, &demo.board, &dc.log))
		return FL_EXIT_FINDINGS;
	r = fl_device_new(&dc, &demo.d);
	if (r)
		return fl_cli_host_failed(demo.board.name, r);
	r = o->configfs ? from_script(&demo, &mo) : from_options(&demo, &mo);
	fl_dma_device_close(demo.dma);
	fl_device_free(demo.d);
	r = fl_cli_epdma_log_close(o->trace, dc.log) ?: r;
	summary(&demo, r);
	return r || demo.different ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_epdma_demo = {
	.name = "demo",
	.summary = "Run an endpoint and its host together, and show that bytes arrive",
	.about =
		"Binds the endpoint function, binds the host's driver to it, moves random bytes of several "
		"sizes to the endpoint and back while comparing them in both memories, loses the link and "
		"recovers. With --configfs both sides are set up by a script, as for plan; it must leave the "
		"driver bound. The board is rk3588, or r-car-s4 with a script, unless --board names another.",
	.size = sizeof(struct fl_epdma_run_opts),
	.options = fl_epdma_run_options,
	.run = run,
};
