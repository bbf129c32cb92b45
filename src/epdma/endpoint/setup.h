/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint put together from a board and a few numbers: what the commands share. */
#ifndef EPDMA_ENDPOINT_SETUP_H
#define EPDMA_ENDPOINT_SETUP_H

#include "epdma/endpoint/epf.h"

/* A number that may be left to the board. */
struct fl_model_number {
	bool given;
	uint64_t v;
};

struct fl_model_options {
	const char *board; /* NULL: "generic" */
	struct fl_model_number chans[_FL_EPDMA_DIR_MAX]; /* else all that the board has */
	struct fl_model_number msi, msix; /* else one vector a channel, MSI where it can be */
	struct fl_model_number vendor, device; /* else the board's */
	enum fl_epmd_layout layout;
	bool seed_compat;
	const struct fl_clock *clock; /* NULL: real time */
	const struct fl_epc_mem_ops *mem; /* as in struct fl_epc_config */
	void *mem_ctx;
};

struct fl_model {
	struct fl_buf board_text; /* what a diagnostic points into */
	struct fl_board board;
	struct fl_epc *epc;
	struct fl_epf *epf; /* not bound yet */
};

/* The board and its controller. -ENOENT: no such board; -EINVAL: see @diag. */
int fl_model_open(const struct fl_model_options *o, struct fl_model *ret, struct fl_diag *diag);
/* The function, its attributes set. */
int fl_model_configure(struct fl_model *m, const struct fl_model_options *o,
		       struct fl_epf_error *reterr);
void fl_model_close(struct fl_model *m);

/*
 * A host's part in a bound function's handshake, for who wants to see the result: link up, BARs
 * assigned, HOST_REQ set, and the controller run until READY. -ETIMEDOUT: it never came.
 * @clock is the one that the controller has.
 */
int fl_model_handshake(struct fl_epf *f, struct fl_clock_manual *clock);
/* The request and the wait alone, and its taking back. */
int fl_model_request(struct fl_epf *f, struct fl_clock_manual *clock);
void fl_model_withdraw(struct fl_epf *f);
/* Gives the endpoint two seconds to take READY back where nobody asks for it. */
void fl_model_settle(struct fl_epf *f, struct fl_clock_manual *clock);

#endif
