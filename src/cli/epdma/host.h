/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands below "foreland epdma host" share. */
#ifndef CLI_EPDMA_HOST_H
#define CLI_EPDMA_HOST_H

#include "base/opt.h"
#include "epdma/host/dma-device.h"

struct fl_host_opts {
	const char *socket, *layout;
	bool seed_compat, polled, json;
};

extern const struct fl_opt fl_host_options[];

/*
 * Opens --socket, or the device that @bdf names (NULL: none given). On failure says why on stderr and
 * returns the exit code; 0 otherwise.
 */
int fl_cli_host_open(const struct fl_host_opts *o, const char *bdf, struct fl_dma_device **ret);

/* "WHAT: error: text of err" and the exit code that goes with it. */
int fl_cli_host_failed(const char *what, int err);

/* The same where a transfer over @dev ended, with what is known of the reason. */
int fl_cli_host_stopped(struct fl_dma_device *dev, const char *what, int err);

/*
 * [BDF] [ADDRESS] of @args: opens the device, and finds where @need bytes of endpoint memory may be
 * overwritten, which an endpoint behind a socket tells of where it was not said. As fl_cli_host_open().
 */
int fl_cli_host_open_at(const struct fl_host_opts *o, const struct fl_args *args, uint64_t need,
			struct fl_dma_device **ret, uint64_t *ret_ep);

/* One transfer between endpoint address @ep and host address @addr, waited for. */
int fl_cli_host_move(struct fl_dma_chan *chan, uint64_t ep, fl_dma_addr_t addr, uint64_t n);

extern const struct fl_cmd fl_cmd_epdma_host_bench;

#endif
