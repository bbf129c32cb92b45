/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of the machine, configfs.c and host.c, and what they share. */
#ifndef EPDMA_SYSROOT_SYSROOT_PRIVATE_H
#define EPDMA_SYSROOT_SYSROOT_PRIVATE_H

#include "epdma/metadata/reason.h"
#include "epdma/sysroot/sysroot.h"
#include "vfs/dir.h"

struct function;

/* What an attribute's node points to. */
struct attr {
	struct function *f;
	unsigned int which;
};

/*
 * A function directory. It stays allocated as long as the machine, for the sake of nodes that
 * somebody still holds after rmdir; @epf is NULL then, and they answer -ENODEV.
 */
struct function {
	struct function *next;
	struct fl_sysroot *m;
	struct fl_epf *epf;
	unsigned int index; /* of its own sub-directory, pci_epf_dma.N */
	char *name;
	struct fl_node *dir; /* borrowed */
	struct attr attrs[_FL_EPF_ATTR_MAX];
	struct fl_node *linked_in; /* the directory that holds the link by which it is bound */

	/* as a device of the host */
	bool visible;
	char bdf[32];
	struct fl_node *device; /* borrowed */
	struct attr device_attrs[16];
	char *override;
	bool driven;
};

struct fl_sysroot {
	struct fl_sysroot_config config;
	struct fl_epc_header shared_header;
	struct fl_node *root;
	struct fl_node *controller;		       /* controllers/NAME; borrowed */
	struct fl_node *devices, *driver; /* of the host; borrowed, NULL without one */
	struct function *functions;		       /* in the order of their making */
	struct fl_epf_error error;
};

#define FL_DRIVER "dw-edma-pcie"

int fl_sysroot_make_configfs(struct fl_sysroot *m);
int fl_sysroot_make_host(struct fl_sysroot *m);

/* Shows the host what it can see now, and takes away what it cannot see any more. */
void fl_sysroot_rescan(struct fl_sysroot *m);
/* Before a function goes away: its driver is unbound, its device disappears. */
void fl_sysroot_hide(struct function *f);

/* A text attribute in @dir. */
int fl_sysroot_attr(struct fl_node *dir, const char *name, const struct fl_attr_ops *ops,
		    mode_t mode, void *data);

#endif
