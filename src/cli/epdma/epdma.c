// SPDX-License-Identifier: GPL-2.0-or-later
/* foreland epdma: the group, and what its commands share. */
#include "cli/epdma/epdma.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "cli/write.h"
#include "script/script.h"
#include "vfs/dir.h"

const struct fl_opt fl_epdma_options[] = {
	FL_OPT_STR(struct fl_epdma_opts, board, 0, "board", "BOARD",
		   "the endpoint: generic, r-car-s4, rk3588, spacemit-k3, synopsys-edda, amd-mdb, "
		   "or a file with a / in its name"),
	FL_OPT_U64_SET(struct fl_epdma_opts, wr_chans, has_wr_chans, 0, "wr-chans", "N",
		       "write channels (endpoint to host); default: all that the board has"),
	FL_OPT_U64_SET(struct fl_epdma_opts, rd_chans, has_rd_chans, 0, "rd-chans", "N",
		       "read channels (host to endpoint); default: all that the board has"),
	FL_OPT_U64_SET(struct fl_epdma_opts, msi, has_msi, 0, "msi", "N",
		       "MSI vectors; default: one a channel"),
	FL_OPT_U64_SET(struct fl_epdma_opts, msix, has_msix, 0, "msix", "N", "MSI-X vectors"),
	FL_OPT_U64_SET(struct fl_epdma_opts, vendor, has_vendor, 0, "vendor", "ID",
		       "PCI vendor id; default: the board's"),
	FL_OPT_U64_SET(struct fl_epdma_opts, device, has_device, 0, "device", "ID",
		       "PCI device id; default: the board's"),
	FL_OPT_STR(struct fl_epdma_opts, layout, 0, "metadata-layout", "A|B",
		   "which metadata is written or expected; default: A when writing, either when reading"),
	FL_OPT_FLAG(struct fl_epdma_opts, seed_compat, 0, "seed-compat",
		    "behave as the series of June 2026 does, weaknesses included"),
	{}
};

const struct fl_opt fl_epdma_run_options[] = {
	FL_OPT_STR(struct fl_epdma_run_opts, configfs, 0, "configfs", "FILE|-",
		   "configure by the lines of a shell script or of a how-to instead of options"),
	FL_OPT_FLAG(struct fl_epdma_run_opts, trusted, 0, "trusted",
		    "let the host reach any endpoint memory, not the declared memory alone"),
	FL_OPT_STR(struct fl_epdma_run_opts, trace, 0, "trace", "FILE",
		   "record registers, list elements and interrupts; 'inspect FILE' replays them"),
	FL_OPT_STR(struct fl_epdma_run_opts, fault, 0, "fault", "SPEC",
		   "KIND[:N[+]],... of lost-doorbell, link-loss, poisoned-read, no-ready"),
	FL_OPT_FLAG(struct fl_epdma_run_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_GROUP(struct fl_epdma_run_opts, endpoint, fl_epdma_options),
	{}
};

int fl_cli_epdma_layout(const char *text, enum fl_epmd_layout *ret)
{
	*ret = FL_EPMD_AUTO;
	if (!text)
		return 0;
	if (strlen(text) != 1 || (*text != 'A' && *text != 'B')) {
		fl_say_usage("--metadata-layout: '%s' is none of A|B", text);
		return -EINVAL;
	}
	*ret = *text == 'A' ? FL_EPMD_A : FL_EPMD_B;
	return 0;
}

int fl_cli_epdma_setup(const struct fl_epdma_opts *o, struct fl_setup_options *ret)
{
	*ret = (struct fl_setup_options){
		.board = o->board,
		.chans = { { o->has_wr_chans, o->wr_chans }, { o->has_rd_chans, o->rd_chans } },
		.msi = { o->has_msi, o->msi },
		.msix = { o->has_msix, o->msix },
		.vendor = { o->has_vendor, o->vendor },
		.device = { o->has_device, o->device },
		.seed_compat = o->seed_compat,
	};
	return fl_cli_epdma_layout(o->layout, &ret->layout);
}

static void show_diag(struct fl_diag *diag)
{
	fl_say_diag(diag);
	fl_diag_fini(diag);
}

static void no_such_board(const char *name)
{
	_cleanup_buf_ struct fl_buf all = {};
	struct fl_str names[16];
	size_t n = 0, near;

	for (; n < FL_ARRAY_SIZE(names) && fl_board_names[n]; n++) {
		names[n] = fl_str(fl_board_names[n]);
		fl_buf_addf(&all, "%s%s", n ? "|" : "", fl_board_names[n]);
	}
	near = fl_str_nearest(fl_str(name), names, n);
	if (near < n)
		fl_say_usage("--board: '%s' is none of %s, did you mean '%.*s'?", name, fl_buf_z(&all),
			     FL_STR_ARG(names[near]));
	else
		fl_say_usage("--board: '%s' is none of %s, nor a file with a / in its name", name, fl_buf_z(&all));
}

int fl_cli_epdma_open(const struct fl_setup_options *o, struct fl_setup *ret)
{
	struct fl_diag diag = {};
	int r = fl_setup_open(o, ret, &diag);

	if (!r)
		return 0;
	if (diag.kind) {
		show_diag(&diag);
	} else if (r == -ENOMEM) {
		fl_say_failed("foreland", r);
	} else if (r == -ENOENT && !strchr(o->board, '/')) {
		no_such_board(o->board);
		r = -ENXIO;
	} else {
		fl_say_failed(o->board, r);
	}
	fl_setup_close(ret);
	return r;
}

int fl_cli_epdma_status(int r)
{
	return r == -ENXIO ? FL_EXIT_USAGE : r ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

int fl_cli_epdma_board(const struct fl_setup_options *o, struct fl_board *ret)
{
	struct fl_setup m;
	int r = fl_cli_epdma_open(o, &m);

	if (r < 0)
		return r;
	*ret = m.board;
	fl_setup_close(&m);
	return 0;
}

int fl_cli_epdma_fault(const char *spec, struct fl_fault *ret)
{
	struct fl_diag diag = { .place = "--fault" };
	int r;

	if (!spec)
		return 0;
	r = fl_fault_parse(fl_str(spec), ret, &diag);
	if (r < 0)
		show_diag(&diag);
	return r;
}

int fl_cli_epdma_log(const char *path, const struct fl_board *b, struct fl_engine_log **ret)
{
	const struct fl_engine_shape shape = {
		.map = b->map, .chans = { b->chans[FL_EPDMA_WRITE], b->chans[FL_EPDMA_READ] },
	};
	int fd = path ? fl_write_stream(path) : -1, r;

	if (fd < 0)
		return path ? fd : 0;
	r = fl_engine_log_open(fd, &shape, ret);
	if (r < 0)
		fl_say_failed(path, r);
	return r;
}

int fl_cli_epdma_log_close(const char *path, struct fl_engine_log *t)
{
	int r = fl_engine_log_close(t);

	if (r < 0)
		fl_say_failed(path, r);
	return r;
}

void fl_cli_epdma_refused(const char *place, const struct fl_epf_error *e)
{
	fl_say_line("%s: error: %s: %s [%s] -%s", place, e->kind->message, e->text, e->kind->code,
		    fl_errno_name(e->err));
}

/* ---- --configfs ---- */

struct script_run {
	struct fl_sysroot *m;
	struct fl_epf_error *why;
	int first;
};

static int report(void *ctx, const struct fl_diag *diag, int err)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct script_run *run = ctx;
	const struct fl_epf_error *e = fl_sysroot_error(run->m);

	fl_diag_render(diag, &text);
	if (e->kind) {
		fl_buf_addf(&text, "note: %s%s%s [%s] -%s\n", e->kind->message,
			    e->text[0] ? ": " : "", e->text, e->kind->code, fl_errno_name(e->err));
		*run->why = *e;
	}
	fl_buf_write_fd(&text, STDERR_FILENO);
	fl_sysroot_forget(run->m);
	if (!run->first)
		run->first = err;
	return 0;
}

#define CONFIGFS "/sys/kernel/config"

/*
 * "mount -t configfs none DIR": everything is mounted already, so that at its usual place this does
 * nothing; another DIR, outside of /sys, becomes a link to it.
 */
static int mount_configfs(void *ctx, const struct fl_str *args, size_t n, struct fl_buf *out)
{
	struct fl_node *root = ctx, *dir, *there;
	struct fl_str path = n ? args[n - 1] : FL_STR(CONFIGFS), last = path;

	if (fl_node_walk(root, path, true, &there) == 0) {
		fl_node_unref(there);
		return 0;
	}
	while (fl_str_find(last, '/', 0) < last.n)
		last = fl_str_from(last, fl_str_find(last, '/', 0) + 1);
	if (!fl_str_starts(path, "/") || fl_str_starts(path, "/sys") || !last.n)
		return -ENOENT;
	dir = fl_dir_make_path(root, fl_str_sub(path, 0, path.n - last.n));
	return dir ? fl_dir_add(dir, last, fl_link_new(FL_STR(CONFIGFS))) : -ENOTDIR;
}

int fl_cli_epdma_script(struct fl_sysroot *m, const char *file, struct fl_buf *out,
			struct fl_epf_error *ret_why)
{
	static const char *const ignored[] = { "modprobe", "foreland", NULL };
	struct script_run run = { .m = m, .why = ret_why };
	_cleanup_buf_ struct fl_buf nowhere = {};
	_cleanup_file_ struct fl_file f = {};
	struct fl_script *s;
	int r = fl_file_open(file, 1 << 24, &f);

	if (r) {
		fl_say_failed(file, r);
		return r;
	}
	s = fl_script_new(fl_sysroot_root(m));
	if (!s)
		return -ENOMEM;
	fl_script_ignore(s, ignored);
	fl_script_transcript(s, fl_script_is_transcript(fl_file_str(&f)));
	r = fl_script_add_command(s, "lspci", fl_sysroot_lspci, m)
	    ?: fl_script_add_command(s, "mount", mount_configfs, fl_sysroot_root(m));
	if (!r)
		(void)fl_script_run(s, fl_file_str(&f), file, out ? out : &nowhere, report, &run);
	fl_script_free(s);
	return r ?: run.first;
}

static const struct fl_cmd *const subs[] = {
	&fl_cmd_epdma_demo,
	&fl_cmd_epdma_endpoint,
	&fl_cmd_epdma_host,
	&fl_cmd_epdma_inspect,
	&fl_cmd_epdma_plan,
	NULL,
};

const struct fl_cmd fl_cmd_epdma = {
	.name = "epdma",
	.summary = "A PCI endpoint's DMA engine, handed to the host",
	.about = "Models, drives and inspects endpoints that hand their DMA engine to the host: the "
		 "metadata in a BAR, the endpoint function that writes it, the DesignWare engine and "
		 "the host's driver, without the silicon.",
	.subs = subs,
};
