/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint put together from a board and a few numbers: what the commands share. */
#ifndef EPDMA_ENDPOINT_SETUP_H
#define EPDMA_ENDPOINT_SETUP_H

#include "epdma/endpoint/epf.h"

/* A number that may be left to the board. */
struct fl_setup_number {
	bool given;
	uint64_t v;
};

struct fl_setup_options {
	const char *board; /* NULL: "generic" */
	struct fl_setup_number chans[_FL_EPDMA_DIR_MAX]; /* else all that the board has */
	struct fl_setup_number msi, msix; /* else one vector a channel, MSI where it can be */
	struct fl_setup_number vendor, device; /* else the board's */
	enum fl_epmd_layout layout;
	bool seed_compat;
	const struct fl_clocksource *clock; /* NULL: real time */
	const struct fl_epc_mem_ops *mem; /* as in struct fl_epc_config */
	void *mem_ctx;
};

struct fl_setup {
	struct fl_buf board_text; /* what a diagnostic points into */
	struct fl_board board;
	struct fl_epc *epc;
	struct fl_epf *epf; /* not bound yet */
};

/* The board and its controller. -ENOENT: no such board; -EINVAL: see @diag. */
int fl_setup_open(const struct fl_setup_options *o, struct fl_setup *ret, struct fl_diag *diag);
/* The function, its attributes set. */
int fl_setup_function(struct fl_setup *m, const struct fl_setup_options *o,
		       struct fl_epf_error *reterr);
void fl_setup_close(struct fl_setup *m);

#endif
