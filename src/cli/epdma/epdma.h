/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the epdma commands share: the options that describe an endpoint. */
#ifndef CLI_EPDMA_EPDMA_H
#define CLI_EPDMA_EPDMA_H

#include "base/opt.h"
#include "epdma/endpoint/setup.h"
#include "epdma/engine/fault.h"
#include "epdma/engine/log.h"
#include "epdma/sysroot/sysroot.h"

struct fl_epdma_opts {
	const char *board;
	uint64_t wr_chans, rd_chans, msi, msix, vendor, device;
	bool has_wr_chans, has_rd_chans, has_msi, has_msix, has_vendor, has_device;
	const char *layout;
	bool seed_compat;
};

extern const struct fl_opt fl_epdma_options[];

/* Of the commands that run an endpoint with its engine. */
struct fl_epdma_run_opts {
	struct fl_epdma_opts endpoint;
	const char *configfs, *trace, *fault;
	bool trusted, json;
};

extern const struct fl_opt fl_epdma_run_options[];

/* Checks and converts; on failure says why on stderr and returns -EINVAL. */
int fl_cli_epdma_layout(const char *text, enum fl_epmd_layout *ret);
int fl_cli_epdma_setup(const struct fl_epdma_opts *o, struct fl_setup_options *ret);

/* Opens the board and its controller, or says on stderr why not; -ENXIO: no board has that name. */
int fl_cli_epdma_open(const struct fl_setup_options *o, struct fl_setup *ret);

/* The exit status where fl_cli_epdma_open() gave @r: a name that is none is wrong usage, a file that fails is not. */
int fl_cli_epdma_status(int r);

/* The board alone, and --fault; on failure they say why on stderr. */
int fl_cli_epdma_board(const struct fl_setup_options *o, struct fl_board *ret);
int fl_cli_epdma_fault(const char *spec, struct fl_fault *ret);
/* --trace; NULL @path: none. */
int fl_cli_epdma_log(const char *path, const struct fl_board *b, struct fl_engine_log **ret);
int fl_cli_epdma_log_close(const char *path, struct fl_engine_log *t);

/* Replays the recording @name and returns the exit code; -1: it is none. */
int fl_cli_epdma_replay(const char *name, bool json);

/* "foreland: BOARD: message: detail [CODE] -ERRNO" on stderr. */
void fl_cli_epdma_refused(const char *place, const struct fl_epf_error *e);

/*
 * Runs the lines of @file ("-": standard input) on @m. Their output goes to @out (NULL: nowhere),
 * failures to stderr; @ret_why is the last refusal that had a reason. 0 or the first failure's errno.
 */
int fl_cli_epdma_script(struct fl_sysroot *m, const char *file, struct fl_buf *out,
			struct fl_epf_error *ret_why);

#endif
