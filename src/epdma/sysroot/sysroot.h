/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines as one tree of files: the endpoint's /sys/kernel/config/pci_ep, /sys/class/pci_epc
 * and /sys/bus/pci-epf, and the host's /sys/bus/pci with the devices that the endpoint shows it.
 * What Linux's configfs and sysfs do at mkdir, a write or a symlink happens here to the modelled
 * controller, with the same errnos.
 *
 * Without a host (@host false) there is no /sys/bus/pci, and the link comes up when somebody else,
 * a transport, says so.
 */
#ifndef EPDMA_SYSROOT_SYSROOT_H
#define EPDMA_SYSROOT_SYSROOT_H

#include "epdma/endpoint/epf.h"
#include "vfs/node.h"

struct fl_sysroot;

/*
 * The host's driver. probe() is called with a function whose BARs are assigned; 0 binds it. The
 * built-in one makes the handshake and reads the metadata, and drives no channel.
 */
struct fl_sysroot_driver {
	int (*probe)(void *ctx, struct fl_epf *f, struct fl_epf_error *reterr);
	void (*remove)(void *ctx, struct fl_epf *f);
};

struct fl_sysroot_config {
	struct fl_epc *epc; /* borrowed */
	bool seed_compat;
	enum fl_epmd_layout layout;
	bool host;
	/* The built-in driver waits by moving this, the controller's own clock; NULL with @driver. */
	struct fl_clocksource_manual *clock;
	const struct fl_sysroot_driver *driver;
	void *driver_ctx;
	/* Before a function is unbound, or its controller stopped. NULL: nobody wants to know. */
	void (*leaving)(void *ctx);
	void *leaving_ctx;
};

int fl_sysroot_new(const struct fl_sysroot_config *config, struct fl_sysroot **ret);
void fl_sysroot_free(struct fl_sysroot *m); /* unbinds everything; NULL is allowed */

struct fl_node *fl_sysroot_root(struct fl_sysroot *m); /* borrowed */

/* The first function that is bound, or NULL. */
struct fl_epf *fl_sysroot_bound(struct fl_sysroot *m);

/*
 * Why the last operation failed, in more words than its errno; kind NULL where it did not, or where
 * the errno says it all. fl_sysroot_forget() clears it.
 */
const struct fl_epf_error *fl_sysroot_error(const struct fl_sysroot *m);
void fl_sysroot_forget(struct fl_sysroot *m);

/* "lspci" with -n, -k and -s SLOT, as a command of the script face. @ctx is the machine. */
int fl_sysroot_lspci(void *ctx, const struct fl_str *args, size_t n, struct fl_buf *out);

#endif
