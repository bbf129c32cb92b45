// SPDX-License-Identifier: GPL-2.0-or-later
/* foreland epdma endpoint: an endpoint behind a socket, until it is interrupted. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/num.h"
#include "base/safe-write.h"
#include "cli/cmds.h"
#include "cli/epdma/epdma.h"
#include "cli/say.h"
#include "epdma/engine/log.h"
#include "epdma/report/report.h"
#include "epdma/mem/guard.h"
#include "epdma/wire/device.h"
#include "epdma/wire/vfu-server.h"

struct endpoint_opts {
	struct fl_epdma_run_opts run;
	const char *socket, *report;
};

static const struct fl_opt options[] = {
	FL_OPT_STR(struct endpoint_opts, socket, 0, "socket", "PATH",
		   "where vfio-user clients connect; required"),
	FL_OPT_STR(struct endpoint_opts, report, 0, "report", "FILE",
		   "what a driver did that silicon would not forgive; FILE.xml is JUnit, else text"),
	FL_OPT_GROUP(struct endpoint_opts, run, fl_epdma_run_options),
	{}
};

/* Set by a signal: the one thing that a handler may do. */
static bool stop;

static void on_signal(int sig)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	fl_guard_install();
}

struct serving {
	struct fl_device *d;
	bool json;
	uint64_t clients;
	bool refused; /* atomic: an address of this client's, and it was told of */
	uint64_t refusals; /* of those before it */
};

static void print(const struct fl_buf *out)
{
	fl_buf_write_fd(out, STDOUT_FILENO);
}

static void say_of_endpoint(const struct serving *s, const char *what, int err)
{
	_cleanup_buf_ struct fl_buf out = {};

	if (!s->json) {
		fl_say(FL_NOTE, "client %llu %s%s%s", (unsigned long long)s->clients, what,
		       err ? ": " : "", err ? strerror(-err) : "");
		return;
	}
	fl_json_open(&out, NULL, '{');
	fl_json_strz(&out, "type", what);
	fl_json_u64(&out, "client", s->clients);
	if (err)
		fl_json_strz(&out, "errno", fl_errno_name(err));
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	print(&out);
}

static void on_attached(void *ctx)
{
	struct serving *s = ctx;
	struct fl_engine_stats st;

	fl_engine_stats(fl_device_engine(s->d), &st);
	s->refusals = st.refused_addrs;
	__atomic_store_n(&s->refused, false, __ATOMIC_RELAXED);
	s->clients++;
	say_of_endpoint(s, "attached", 0);
}

static const char *const dir_names[] = { "write", "read" };

/* A host that aims at the wrong place does so again and again: its first is told, the others counted. */
static void on_refused(void *ctx, const struct fl_engine_refusal *r)
{
	struct serving *s = ctx;
	_cleanup_buf_ struct fl_buf out = {};
	char size[32] = "";

	if (__atomic_exchange_n(&s->refused, true, __ATOMIC_RELAXED))
		return;
	if (!s->json) {
		if (r->size)
			snprintf(size, sizeof(size), ", %u bytes", r->size);
		fl_say(FL_WARNING, "client %llu: %s channel %u: %s 0x%llx%s: refused; more of this client's "
		       "are only counted", (unsigned long long)s->clients, dir_names[r->dir], r->chan,
		       r->what, (unsigned long long)r->addr, size);
		return;
	}
	fl_json_open(&out, NULL, '{');
	fl_json_strz(&out, "type", "refused");
	fl_json_u64(&out, "client", s->clients);
	fl_json_strz(&out, "direction", dir_names[r->dir]);
	fl_json_u64(&out, "channel", r->chan);
	fl_json_strz(&out, "what", r->what);
	fl_json_u64(&out, "address", r->addr);
	fl_json_u64(&out, "size", r->size);
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	print(&out);
}

/* How many it were: said where the first was not the only one. */
static void on_detached(void *ctx, int err)
{
	struct serving *s = ctx;
	struct fl_engine_stats st;

	fl_engine_stats(fl_device_engine(s->d), &st);
	if (!s->json && st.refused_addrs - s->refusals > 1)
		fl_say(FL_NOTE, "client %llu: %llu addresses were refused", (unsigned long long)s->clients,
		       (unsigned long long)(st.refused_addrs - s->refusals));
	say_of_endpoint(s, "detached", err);
}

static void on_turned_away(void *ctx, int err)
{
	struct serving *s = ctx;
	_cleanup_buf_ struct fl_buf out = {};

	if (!s->json) {
		fl_say(FL_NOTE, "a connection was turned away: %s", strerror(-err));
		return;
	}
	fl_json_open(&out, NULL, '{');
	fl_json_strz(&out, "type", "turned_away");
	fl_json_strz(&out, "errno", fl_errno_name(err));
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	print(&out);
}

static void summary(const struct serving *s)
{
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_engine_stats st;

	fl_engine_stats(fl_device_engine(s->d), &st);
	if (!s->json) {
		fprintf(stderr,
			"foreland: %llu clients, %llu elements, %llu bytes, %llu doorbells, "
			"%llu interrupts, %llu aborts, %llu refused addresses, %llu refused registers\n",
			(unsigned long long)s->clients, (unsigned long long)st.elements,
			(unsigned long long)st.bytes, (unsigned long long)st.doorbells,
			(unsigned long long)st.imwrs, (unsigned long long)st.aborts,
			(unsigned long long)st.refused_addrs, (unsigned long long)st.refused_regs);
		return;
	}
	fl_json_open(&out, NULL, '{');
	fl_json_strz(&out, "type", "summary");
	fl_json_u64(&out, "clients", s->clients);
	fl_json_u64(&out, "elements", st.elements);
	fl_json_u64(&out, "bytes", st.bytes);
	fl_json_u64(&out, "doorbells", st.doorbells);
	fl_json_u64(&out, "interrupts", st.imwrs);
	fl_json_u64(&out, "aborts", st.aborts);
	fl_json_u64(&out, "refused_addresses", st.refused_addrs);
	fl_json_u64(&out, "refused_registers", st.refused_regs);
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	print(&out);
}

static void announce(const struct serving *s, const char *path)
{
	const struct fl_board *b = fl_device_board(s->d);
	_cleanup_buf_ struct fl_buf out = {};
	uint8_t id[4];

	fl_device_cfg_read(s->d, 0, id, 4);
	if (!s->json) {
		fl_say_line("foreland: %s [%02x%02x:%02x%02x] listens at %s; memory 0x%llx, %llu bytes",
			b->name, id[1], id[0], id[3], id[2], path, (unsigned long long)b->ram,
			(unsigned long long)b->ram_size);
		return;
	}
	fl_json_schema(&out, "epdma endpoint");
	fl_json_open(&out, NULL, '{');
	fl_json_strz(&out, "type", "listening");
	fl_json_strz(&out, "board", b->name);
	fl_json_strz(&out, "socket", path);
	fl_json_u64(&out, "memory", b->ram);
	fl_json_u64(&out, "memory_size", b->ram_size);
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	print(&out);
}

static int serve_hosts(struct serving *s, const struct endpoint_opts *o)
{
	struct fl_vfu_events events = { on_attached, on_detached, on_turned_away, s };
	int fd, r = fl_vfu_listen(o->socket, &fd);

	if (r < 0) {
		fl_say_failed(o->socket, r);
		return r;
	}
	announce(s, o->socket);
	r = fl_vfu_serve(s->d, fd, &stop, &events);
	close(fd);
	unlink(o->socket);
	summary(s);
	return r;
}

/* The host is at the other end of the socket: of a script, the endpoint's lines alone mean something. */
static int bind_by_script(struct fl_device *d, const struct endpoint_opts *o,
			  const struct fl_setup_options *mo, struct fl_sysroot **ret)
{
	struct fl_sysroot_config config = { .epc = fl_device_epc(d), .layout = mo->layout,
					    .seed_compat = mo->seed_compat };
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_epf_error why = {};
	int r = fl_sysroot_new(&config, ret);

	if (r < 0)
		return r;
	(void)fl_cli_epdma_script(*ret, o->run.configfs, &out, &why);
	fl_buf_write_fd(&out, STDERR_FILENO);
	if (!fl_sysroot_bound(*ret) || !fl_epc_started(fl_device_epc(d))) {
		fl_say(FL_ERROR, "%s: the script binds and starts no function", o->run.configfs);
		return why.kind ? why.err : -ENODEV;
	}
	return fl_device_adopt(d, fl_sysroot_bound(*ret));
}

static int bind_by_options(struct fl_device *d, const struct fl_device_config *dc,
			   const struct fl_setup_options *mo)
{
	struct fl_epf_error err = {};
	int r = fl_device_start(d, mo, &err);

	if (r < 0)
		fl_cli_epdma_refused(dc->board->name, &err);
	return r;
}

static int start(const struct endpoint_opts *o, const struct fl_setup_options *mo,
		 struct fl_device_config *dc)
{
	struct serving s = { .json = o->run.json };
	struct fl_sysroot *machine = NULL;
	struct fl_device *d;
	int r;

	dc->refused = on_refused;
	dc->ctx = &s;
	r = fl_device_new(dc, &s.d);
	if (r < 0) {
		fl_say_failed(dc->board->name, r);
		return r;
	}
	d = s.d;
	r = o->run.configfs ? bind_by_script(d, o, mo, &machine) : bind_by_options(d, dc, mo);
	if (r == 0)
		r = serve_hosts(&s, o);
	fl_sysroot_free(machine);
	fl_device_free(d);
	return r;
}

static int write_report(const char *path, struct fl_report *report)
{
	_cleanup_out_ struct fl_out file = FL_OUT_NONE;
	_cleanup_buf_ struct fl_buf text = {};
	size_t n = strlen(path);
	int r;

	fl_report_end(report);
	if (n > 4 && !strcmp(path + n - 4, ".xml"))
		fl_report_junit(report, &text);
	else
		fl_report_text(report, &text);
	r = text.error ?: fl_out_open(path, &file, NULL);
	if (r == 0)
		r = fl_buf_write_fd(&text, file.fd) ?: fl_out_commit(&file);
	if (r < 0)
		fl_say_failed(path, r);
	else
		fl_say(FL_NOTE, "%zu findings in %s", fl_report_count(report), path);
	return r < 0 ? r : fl_report_count(report) > 0;
}

/* With the report in front of the log, if it is wanted. > 0: there are findings. */
static int reported(const struct endpoint_opts *o, const struct fl_setup_options *mo,
		    struct fl_device_config *dc)
{
	const struct fl_engine_shape shape = {
		.map = dc->board->map, .chans = { dc->board->chans[0], dc->board->chans[1] },
	};
	struct fl_report *report;
	int r, e;

	if (!o->report)
		return start(o, mo, dc);
	r = fl_report_new(&shape, dc->log, &report);
	if (r < 0)
		return r;
	dc->log = fl_report_log(report);
	r = start(o, mo, dc);
	e = write_report(o->report, report);
	fl_report_free(report);
	return r < 0 ? r : e;
}

/* With the trace open, whose last error is the run's. */
static int traced(const struct endpoint_opts *o, const struct fl_setup_options *mo,
		  struct fl_device_config *dc)
{
	struct fl_engine_log *log;
	int r = fl_cli_epdma_log(o->run.trace, dc->board, &dc->log), e;

	if (r < 0)
		return r;
	log = dc->log;
	r = reported(o, mo, dc);
	e = fl_cli_epdma_log_close(o->run.trace, log);
	return r < 0 ? r : e < 0 ? e : r;
}

static int run(const void *v, const struct fl_args *args)
{
	const struct endpoint_opts *o = v;
	struct fl_device_config dc = { .threads = 2, .trusted = o->run.trusted,
				       .seed_compat = o->run.endpoint.seed_compat };
	struct fl_setup_options mo;
	struct fl_board board;
	int r;

	if (!o->socket) {
		return fl_say_usage("--socket is required");
	}
	if (fl_cli_epdma_setup(&o->run.endpoint, &mo) < 0)
		return FL_EXIT_USAGE;
	if (o->run.configfs && !mo.board)
		mo.board = "r-car-s4"; /* the how-to's */
	if (fl_cli_epdma_fault(o->run.fault, &dc.fault) < 0)
		return FL_EXIT_USAGE;
	r = fl_cli_epdma_board(&mo, &board);
	if (r)
		return fl_cli_epdma_status(r);
	dc.board = &board;
	catch_signals();
	r = traced(o, &mo, &dc);
	return r ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_epdma_endpoint = {
	.name = "endpoint",
	.summary = "Run an endpoint behind a vfio-user socket",
	.about = "The endpoint is a PCI device for every vfio-user client: 'foreland epdma host', QEMU "
		 "from 10.1 on, cloud-hypervisor, SPDK. It serves one client after the other, until it "
		 "is interrupted.",
	.size = sizeof(struct endpoint_opts),
	.options = options,
	.run = run,
};
