// SPDX-License-Identifier: GPL-2.0-or-later
/* foreland epdma host: the host's side of an endpoint, over a socket or a real device. */
#include "cli/epdma/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/num.h"
#include "base/table.h"
#include "cli/cmds.h"
#include "cli/epdma/epdma.h"
#include "cli/say.h"

#define BUFFER	   (16u << 20)
#define TIMEOUT_MS 60000

const struct fl_opt fl_host_options[] = {
	FL_OPT_STR(struct fl_host_opts, socket, 0, "socket", "PATH",
		   "a vfio-user server's socket, instead of a device's address"),
	FL_OPT_FLAG(struct fl_host_opts, polled, 0, "polled",
		    "look at the engine instead of waiting for its interrupts"),
	FL_OPT_FLAG(struct fl_host_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_STR(struct fl_host_opts, layout, 0, "metadata-layout", "A|B",
		   "which metadata is accepted; default: either"),
	FL_OPT_FLAG(struct fl_host_opts, seed_compat, 0, "seed-compat",
		    "accept exactly what the series of June 2026 accepts"),
	{}
};

int fl_cli_host_failed(const char *what, int err)
{
	fl_say_failed(what, err);
	return FL_EXIT_FINDINGS;
}

int fl_cli_host_stopped(struct fl_dma_device *dev, const char *what, int err)
{
	const char *why = fl_bus_why(fl_host_bus(fl_dma_device_host(dev)));

	if (err == -EIO)
		why = "the engine aborted the transfer";
	if (why)
		fl_say(FL_ERROR, "%s: %s [%s]", what, why, fl_errno_name(err));
	else
		fl_say_failed(what, err);
	if (err == -EIO)
		fl_say_help("an endpoint allows the memory that it tells of when it starts, or with "
			    "--trusted all of its memory");
	return FL_EXIT_FINDINGS;
}

/* There is no device to talk to. */
static int unreachable(const struct fl_host_opts *o, const char *where, const char *why, int err)
{
	if (why)
		fl_say(FL_ERROR, "%s: %s [%s]", where, why, fl_errno_name(err));
	else
		fl_say_failed(where, err);
	if (!o->socket && err == -ENOENT)
		fl_say_help("a device's address is like 0000:01:00.1; 'lspci -D -d ::0801' lists them");
	else if (err == -ENOENT || err == -ECONNREFUSED)
		fl_say_help("'foreland epdma endpoint --socket %s' listens there", where);
	return FL_EXIT_FINDINGS;
}

int fl_cli_host_open(const struct fl_host_opts *o, const char *bdf, struct fl_dma_device **ret)
{
	struct fl_host_config cfg = { .seed_compat = o->seed_compat, .polled = o->polled };
	const char *where = o->socket ? o->socket : bdf;
	struct fl_host_error err = {};
	const char *why = NULL;
	struct fl_bus *bus;
	int r;

	if (!where || (o->socket && bdf))
		return fl_say_usage("either --socket or the address of a device is expected");
	if (fl_cli_epdma_layout(o->layout, &cfg.layout) < 0)
		return FL_EXIT_USAGE;
	r = o->socket ? fl_bus_vfio_user(o->socket, &bus, &why) : fl_bus_pci(bdf, &bus, &why);
	if (r < 0)
		return unreachable(o, where, why, r);
	if (bus->deaf && !cfg.polled)
		fl_say(FL_NOTE, "%s: %s: the engine is polled", where, bus->deaf);
	cfg.polled = cfg.polled || bus->deaf;
	r = fl_dma_device_over(bus, &cfg, ret, &err);
	if (r < 0) {
		fl_say(FL_ERROR, "%s: %s [%s]", where, err.text, fl_errno_name(r));
		return FL_EXIT_FINDINGS;
	}
	return 0;
}

/* ---- ls ---- */

static const char *const dir_names[] = { "write", "read" };

static void ls_json(struct fl_host *h, uint32_t id, struct fl_buf *out)
{
	const struct fl_epmd *md = fl_host_metadata(h);

	fl_json_schema(out, "epdma host ls");
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "device");
	fl_json_u64(out, "vendor", id & 0xffff);
	fl_json_u64(out, "device", id >> 16);
	fl_json_strz(out, "map", fl_dw_map_name(md->map));
	fl_json_strz(out, "layout", md->layout == FL_EPMD_B ? "B" : "A");
	fl_json_u64(out, "metadata_bar", fl_host_metadata_bar(h));
	fl_json_u64(out, "vectors", fl_host_vectors(h));
	fl_json_close(out, '}');
	fl_json_end_line(out);
	for (unsigned int i = 0; i < fl_host_nr_chans(h); i++) {
		const struct fl_host_chan *c = fl_host_chan_at(h, i);
		enum fl_epdma_dir dir = fl_host_chan_dir(c);
		const struct fl_epmd_window *w = &md->chan[dir][fl_host_chan_index(c)].desc;

		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "direction", dir_names[dir]);
		fl_json_u64(out, "channel", fl_host_chan_index(c));
		fl_json_u64(out, "slots", fl_host_chan_slots(c));
		fl_json_u64(out, "bar", w->bar);
		fl_json_u64(out, "offset", w->offset);
		fl_json_u64(out, "size", w->size);
		fl_json_u64(out, "address", w->addr);
		fl_json_close(out, '}');
		fl_json_end_line(out);
	}
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "channels", fl_host_nr_chans(h));
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void ls_text(struct fl_host *h, uint32_t id, struct fl_buf *out)
{
	static const struct fl_column columns[] = {
		{ "DIRECTION", false }, { "CHANNEL", true }, { "SLOTS", true }, { "BAR", true },
		{ "OFFSET", true },	{ "SIZE", true },    { "ENDPOINT ADDRESS", true },
	};
	const struct fl_epmd *md = fl_host_metadata(h);
	_cleanup_table_ struct fl_table t;

	fl_buf_addf(out, "%04x:%04x %s, metadata %s in BAR%u, registers in BAR%u at 0x%llx, %u vectors\n",
		    id & 0xffff, id >> 16, fl_dw_map_name(md->map),
		    md->layout == FL_EPMD_B ? "B" : "A", fl_host_metadata_bar(h), md->reg.bar,
		    (unsigned long long)md->reg.offset, fl_host_vectors(h));
	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
	for (unsigned int i = 0; i < fl_host_nr_chans(h); i++) {
		const struct fl_host_chan *c = fl_host_chan_at(h, i);
		enum fl_epdma_dir dir = fl_host_chan_dir(c);
		const struct fl_epmd_window *w = &md->chan[dir][fl_host_chan_index(c)].desc;

		fl_table_cellf(&t, "%s", dir_names[dir]);
		fl_table_cellf(&t, "%u", fl_host_chan_index(c));
		fl_table_cellf(&t, "%u", fl_host_chan_slots(c));
		fl_table_cellf(&t, "%u", w->bar);
		fl_table_cellf(&t, "0x%llx", (unsigned long long)w->offset);
		fl_table_cellf(&t, "0x%x", w->size);
		fl_table_cellf(&t, "0x%llx", (unsigned long long)w->addr);
	}
	fl_table_print(&t, out);
}

static int ls_run(const void *v, const struct fl_args *args)
{
	const struct fl_host_opts *o = v;
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_dma_device *dev;
	uint8_t id[4];
	int r = fl_cli_host_open(o, args->n ? args->v[0] : NULL, &dev);

	if (r)
		return r;
	r = fl_host_bus(fl_dma_device_host(dev))->ops->cfg_read(
		fl_host_bus(fl_dma_device_host(dev)), 0, id, sizeof(id));
	if (r == 0)
		(o->json ? ls_json : ls_text)(fl_dma_device_host(dev), fl_get_le32(id), &out);
	fl_dma_device_close(dev);
	if (r < 0)
		return fl_cli_host_failed("configuration space", r);
	return fl_say_result(&out) < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

/* ---- one transfer ---- */

int fl_cli_host_move(struct fl_dma_chan *chan, uint64_t ep, fl_dma_addr_t addr, uint64_t n)
{
	struct fl_dma_slave_config cfg = { .src_addr = ep, .dst_addr = ep };
	struct fl_dma_async_tx *tx;
	fl_dma_cookie_t cookie;
	int r;

	fl_dmaengine_slave_config(chan, &cfg);
	r = fl_dmaengine_prep_slave_single(chan, addr, n, &tx);
	if (r < 0)
		return r;
	cookie = fl_dmaengine_submit(tx);
	fl_dma_async_issue_pending(chan);
	r = fl_dma_sync_wait(chan, cookie, TIMEOUT_MS);
	if (r == -ETIMEDOUT)
		fl_dmaengine_terminate_sync(chan);
	return r;
}

static int parse_range(const struct fl_args *args, size_t at, uint64_t *ret)
{
	if (fl_parse_size(fl_str(args->v[at]), ret) == 0)
		return 0;
	fl_say(FL_ERROR, "'%s' is no number", args->v[at]);
	return -EINVAL;
}

/* A word of the kind that names a device: it is not the address that is missing beside it. */
static bool is_bdf(const char *word)
{
	return strchr(word, ':') || strchr(word, '/');
}

/* Says what is missing, where a device stands alone or nothing says which it is. */
static bool place_said(const struct fl_host_opts *o, const struct fl_args *args, const char *last)
{
	if (args->n == 2 && !o->socket && is_bdf(args->v[0])) {
		fl_say_usage("an ADDRESS of endpoint memory and a %s are expected behind '%s'", last, args->v[0]);
		return false;
	}
	if (args->n == 2 && !o->socket) {
		fl_say_usage("either --socket or the address of a device is expected");
		return false;
	}
	return true;
}

struct mover {
	struct fl_dma_device *dev;
	struct fl_dma_chan *chan;
	uint8_t *buf;
	fl_dma_addr_t addr;
	size_t size;
};

/* 0, or an exit code with everything closed again. */
static int mover_open(const struct fl_host_opts *o, const char *bdf,
		      enum fl_dma_transfer_direction dir, size_t size, struct mover *m)
{
	int r = fl_cli_host_open(o, bdf, &m->dev);

	if (r)
		return r;
	r = fl_dma_request_chan(m->dev, dir, -1, &m->chan);
	if (r < 0) {
		fl_say(FL_ERROR, "the endpoint hands over no %s channel",
		       dir == FL_DMA_DEV_TO_MEM ? "write" : "read");
		fl_dma_device_close(m->dev);
		return FL_EXIT_FINDINGS;
	}
	/* Where the device reaches physical memory alone, large pieces are hard to get. */
	for (m->size = size; !m->buf && m->size >= 4096; m->size /= 2) {
		m->buf = fl_dma_alloc_coherent(m->dev, m->size, &m->addr);
		if (m->buf)
			break;
	}
	if (!m->buf) {
		r = fl_cli_host_failed("memory for the device", -errno);
		fl_dma_device_close(m->dev);
		return r;
	}
	return 0;
}

static int failed_at(struct mover *m, uint64_t ep, int err)
{
	char what[64];
	int r;

	snprintf(what, sizeof(what), "endpoint address 0x%llx", (unsigned long long)ep);
	r = fl_cli_host_stopped(m->dev, what, err);
	fl_dma_device_close(m->dev);
	return r;
}

static int write_all(const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = write(STDOUT_FILENO, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

#define ROW_BYTES 64u

/* The bytes as rows: where they lie, and each as two digits. */
static int write_rows(const uint8_t *p, size_t n, uint64_t ep)
{
	_cleanup_buf_ struct fl_buf out = {};

	for (size_t at = 0; at < n; at += ROW_BYTES) {
		char hex[2 * ROW_BYTES + 1];
		size_t len = FL_MIN(n - at, (size_t)ROW_BYTES);

		for (size_t i = 0; i < len; i++)
			snprintf(hex + 2 * i, 3, "%02x", p[at + i]);
		fl_json_open(&out, NULL, '{');
		fl_json_u64(&out, "address", ep + at);
		fl_json_u64(&out, "length", len);
		fl_json_strz(&out, "bytes", hex);
		fl_json_close(&out, '}');
		fl_json_end_line(&out);
	}
	return out.error ?: fl_buf_write_fd(&out, STDOUT_FILENO);
}

/* The first or the last line of @command; both say what was asked for. */
static int write_line(const char *command, const char *type, uint64_t ep, uint64_t n)
{
	_cleanup_buf_ struct fl_buf out = {};

	if (!type) {
		fl_json_schema(&out, command);
	} else {
		fl_json_open(&out, NULL, '{');
		fl_json_strz(&out, "type", type);
		fl_json_u64(&out, "address", ep);
		fl_json_u64(&out, "bytes", n);
		fl_json_close(&out, '}');
		fl_json_end_line(&out);
	}
	return out.error ?: fl_buf_write_fd(&out, STDOUT_FILENO);
}

/* read [BDF] ADDRESS LENGTH */
static int read_run(const void *v, const struct fl_args *args)
{
	const struct fl_host_opts *o = v;
	const char *bdf = args->n == 3 ? args->v[0] : NULL;
	uint64_t ep, left, begin;
	struct mover m = {};
	int r;

	if (!place_said(o, args, "LENGTH") || parse_range(args, args->n - 2, &ep) < 0 ||
	    parse_range(args, args->n - 1, &left) < 0)
		return FL_EXIT_USAGE;
	begin = ep;
	r = mover_open(v, bdf, FL_DMA_DEV_TO_MEM, FL_MIN(FL_MAX(left, 4096u), (uint64_t)BUFFER), &m);
	if (r)
		return r;
	r = o->json ? write_line("epdma host read", NULL, 0, 0) : 0;
	while (r == 0 && left) {
		uint64_t n = FL_MIN(left, (uint64_t)m.size);

		r = fl_cli_host_move(m.chan, ep, m.addr, n);
		if (r < 0)
			return failed_at(&m, ep, r);
		r = o->json ? write_rows(m.buf, n, ep) : write_all(m.buf, n);
		ep += n;
		left -= n;
	}
	if (r == 0 && o->json)
		r = write_line("epdma host read", "summary", begin, ep - begin);
	fl_dma_device_close(m.dev);
	return r < 0 ? fl_cli_host_failed("standard output", r) : FL_EXIT_DONE;
}

/* write [BDF] ADDRESS FILE */
static int write_run(const void *v, const struct fl_args *args)
{
	const struct fl_host_opts *o = v;
	const char *bdf = args->n == 3 ? args->v[0] : NULL, *name = args->v[args->n - 1];
	_cleanup_file_ struct fl_file f = {};
	struct mover m = {};
	uint64_t ep;
	int r;

	if (!place_said(o, args, "FILE") || parse_range(args, args->n - 2, &ep) < 0)
		return FL_EXIT_USAGE;
	r = fl_file_open(name, SIZE_MAX / 2, &f);
	if (r < 0)
		return fl_cli_host_failed(name, r);
	r = mover_open(v, bdf, FL_DMA_MEM_TO_DEV, FL_MIN(FL_MAX(f.size, 4096u), (size_t)BUFFER), &m);
	if (r)
		return r;
	for (size_t at = 0; at < f.size;) {
		size_t n = FL_MIN(f.size - at, m.size);

		memcpy(m.buf, f.data + at, n);
		r = fl_cli_host_move(m.chan, ep + at, m.addr, n);
		if (r < 0)
			return failed_at(&m, ep + at, r);
		at += n;
	}
	fl_dma_device_close(m.dev);
	r = o->json ? write_line("epdma host write", NULL, 0, 0) : 0;
	if (r == 0 && o->json)
		r = write_line("epdma host write", "summary", ep, f.size);
	return r < 0 ? fl_cli_host_failed("standard output", r) : FL_EXIT_DONE;
}

/* ---- verify ---- */

static const uint32_t verify_sizes[] = { 1,    2,    3,	   64,	    1024,    1025,   4095,
					 4096, 4097, 65536, 1024000, 1024001 };
#define VERIFY_MAX 1024001u

struct verify {
	struct fl_dma_device *dev;
	uint8_t *out, *in;
	fl_dma_addr_t out_addr, in_addr;
	uint64_t ep;
	uint64_t transfers, bytes, bad;
};

/* One size over one pair of channels: random bytes there, and back to another place. */
static int verify_one(struct verify *v, struct fl_dma_chan *rd, struct fl_dma_chan *wr, uint32_t n)
{
	int r;

	for (uint32_t at = 0; at < n; at += 256)
		if (getrandom(v->out + at, FL_MIN(n - at, 256u), 0) < 0)
			return -errno;
	memset(v->in, 0xa5, n + 1);
	r = fl_cli_host_move(rd, v->ep, v->out_addr, n);
	if (r == 0)
		r = fl_cli_host_move(wr, v->ep, v->in_addr, n);
	if (r < 0)
		return r;
	v->transfers += 2;
	v->bytes += 2ull * n;
	if (memcmp(v->out, v->in, n) || v->in[n] != 0xa5) {
		v->bad++;
		fl_say(FL_ERROR, "%u bytes came back different", n);
	}
	return 0;
}

static int verify_pairs(struct verify *v, unsigned int nr_rd, unsigned int nr_wr)
{
	for (unsigned int i = 0; i < FL_MAX(nr_rd, nr_wr); i++) {
		struct fl_dma_chan *rd, *wr;
		int r = fl_dma_request_chan(v->dev, FL_DMA_MEM_TO_DEV, (int)(i % nr_rd), &rd);

		if (r == 0)
			r = fl_dma_request_chan(v->dev, FL_DMA_DEV_TO_MEM, (int)(i % nr_wr), &wr);
		for (size_t k = 0; r == 0 && k < FL_ARRAY_SIZE(verify_sizes); k++)
			r = verify_one(v, rd, wr, verify_sizes[k]);
		if (r < 0)
			return r;
		fl_dma_release_channel(rd);
		fl_dma_release_channel(wr);
	}
	return 0;
}

static void verify_report(const struct verify *v, bool json)
{
	_cleanup_buf_ struct fl_buf out = {};

	if (json) {
		fl_json_schema(&out, "epdma host verify");
		fl_json_open(&out, NULL, '{');
		fl_json_strz(&out, "type", "summary");
		fl_json_u64(&out, "transfers", v->transfers);
		fl_json_u64(&out, "bytes", v->bytes);
		fl_json_u64(&out, "different", v->bad);
		fl_json_close(&out, '}');
		fl_json_end_line(&out);
	} else {
		fl_buf_addf(&out, "%llu transfers, %llu bytes, %llu different\n",
			    (unsigned long long)v->transfers, (unsigned long long)v->bytes,
			    (unsigned long long)v->bad);
	}
	fl_say_result(&out);
}

static int announced_memory(struct fl_dma_device *dev, uint64_t need, uint64_t *ret)
{
	struct fl_bus *bus = fl_host_bus(fl_dma_device_host(dev));
	uint64_t size;
	int r = bus->ops->memory ? bus->ops->memory(bus, ret, &size) : -EOPNOTSUPP;

	if (r == 0 && size < need)
		r = -ENOSPC;
	return r;
}

int fl_cli_host_open_at(const struct fl_host_opts *o, const struct fl_args *args, uint64_t need,
			struct fl_dma_device **ret, uint64_t *ret_ep)
{
	bool said = args->n == (o->socket ? 1u : 2u);
	int r;

	if (!o->socket && (!args->n || !is_bdf(args->v[0])))
		return fl_say_usage("either --socket or the address of a device is expected");
	if (!said && !o->socket)
		return fl_say_usage("an ADDRESS of endpoint memory is expected behind '%s': a real device does not "
				    "tell which of it may be overwritten", args->v[0]);
	if (said && o->socket && is_bdf(args->v[0]))
		return fl_say_usage("either --socket or the address of a device is expected, not both");
	if (said && parse_range(args, args->n - 1, ret_ep) < 0)
		return FL_EXIT_USAGE;
	r = fl_cli_host_open(o, o->socket ? (args->n > 1 ? args->v[0] : NULL) : args->v[0], ret);
	if (r || said)
		return r;
	r = announced_memory(*ret, need, ret_ep);
	if (r == 0)
		return 0;
	fl_say(FL_ERROR, "the server does not tell of %llu bytes of memory: type '--socket %s ADDRESS' [%s]",
	       (unsigned long long)need, o->socket, fl_errno_name(r));
	fl_dma_device_close(*ret);
	return FL_EXIT_USAGE;
}

/* verify [BDF] [ADDRESS]: endpoint memory from there on is overwritten. */
static int verify_run(const void *opts, const struct fl_args *args)
{
	const struct fl_host_opts *o = opts;
	const struct fl_epmd *md;
	struct verify v = {};
	int r;

	r = fl_cli_host_open_at(o, args, VERIFY_MAX, &v.dev, &v.ep);
	if (r)
		return r;
	md = fl_host_metadata(fl_dma_device_host(v.dev));
	if (!md->n[FL_EPDMA_READ] || !md->n[FL_EPDMA_WRITE]) {
		fl_say(FL_ERROR, "verify needs a channel of each direction");
		fl_dma_device_close(v.dev);
		return FL_EXIT_FINDINGS;
	}
	v.out = fl_dma_alloc_coherent(v.dev, VERIFY_MAX + 1, &v.out_addr);
	v.in = v.out ? fl_dma_alloc_coherent(v.dev, VERIFY_MAX + 1, &v.in_addr) : NULL;
	r = v.in ? verify_pairs(&v, md->n[FL_EPDMA_READ], md->n[FL_EPDMA_WRITE]) : -errno;
	if (r < 0)
		r = fl_cli_host_stopped(v.dev, "transfer", r);
	fl_dma_device_close(v.dev);
	if (r)
		return r;
	verify_report(&v, o->json);
	return v.bad ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

/* ---- the commands ---- */

static const struct fl_cmd cmd_ls = {
	.name = "ls",
	.summary = "Show the device and its channels",
	.args = "[BDF]",
	.max_args = 1,
	.size = sizeof(struct fl_host_opts),
	.options = fl_host_options,
	.run = ls_run,
};

static const struct fl_cmd cmd_read = {
	.name = "read",
	.summary = "Copy endpoint memory to standard output, by DMA",
	.args = "[BDF] ADDRESS LENGTH",
	.min_args = 2,
	.max_args = 3,
	.size = sizeof(struct fl_host_opts),
	.options = fl_host_options,
	.run = read_run,
};

static const struct fl_cmd cmd_write = {
	.name = "write",
	.summary = "Copy a file, or - for standard input, into endpoint memory, by DMA",
	.args = "[BDF] ADDRESS FILE",
	.min_args = 2,
	.max_args = 3,
	.size = sizeof(struct fl_host_opts),
	.options = fl_host_options,
	.run = write_run,
};

static const struct fl_cmd cmd_verify = {
	.name = "verify",
	.summary = "Write random bytes over every channel, read them back, compare",
	.args = "[BDF] [ADDRESS]",
	.about = "Endpoint memory from ADDRESS on, 1024001 bytes, is overwritten; without ADDRESS, where the "
		 "endpoint behind the socket says that its memory begins.",
	.max_args = 2,
	.size = sizeof(struct fl_host_opts),
	.options = fl_host_options,
	.run = verify_run,
};

static const struct fl_cmd *const subs[] = {
	&cmd_ls, &cmd_read, &cmd_write, &cmd_verify, &fl_cmd_epdma_host_bench, NULL,
};

const struct fl_cmd fl_cmd_epdma_host = {
	.name = "host",
	.summary = "Drive an endpoint's DMA engine from the host",
	.about = "The device is behind a vfio-user server's --socket, or a real one that BDF names "
		 "(0000:01:00.1, as root). One that vfio-pci is bound to is driven by interrupts, behind its "
		 "IOMMU; one that has no driver is polled, and no IOMMU may translate its addresses.",
	.subs = subs,
};
