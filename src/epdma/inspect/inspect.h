/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at an endpoint DMA device without touching it: a dump of its metadata BAR, a real device's
 * directory in sysfs (opened for reading only), or a modelled endpoint. Reads no more of a BAR than
 * its first word, unless that is the magic.
 */
#ifndef EPDMA_INSPECT_INSPECT_H
#define EPDMA_INSPECT_INSPECT_H

#include "base/buf.h"
#include "epdma/endpoint/epf.h"

struct fl_inspect_bar {
	uint64_t size; /* 0: none; FL_EPMD_BAR_UNKNOWN: a dump does not tell */
	uint64_t addr;
	bool mem; /* a memory BAR that has an address */
	uint8_t *bytes;
	size_t n;
	char problem[96]; /* why nothing could be read */
};

/* One thing that lies in a BAR. */
struct fl_inspect_range {
	uint8_t bar;
	uint64_t offset, size;
	char label[40];
};

#define FL_INSPECT_MAX_RANGES 48

struct fl_inspect {
	char name[256]; /* of the device or file */
	struct fl_inspect_bar bar[FL_EPDMA_NR_BARS];
	uint8_t *dump; /* instead of BARs */
	size_t dump_n;
	uint8_t config[FL_EPC_CFG_SIZE];
	size_t config_n;

	/* filled by fl_inspect_decode() */
	bool seed_compat;
	int md_bar; /* FL_NO_BAR: a dump, or nothing found */
	const uint8_t *blob;
	size_t blob_n;
	struct fl_epmd md;
	int result; /* 0 or -errno, as fl_epmd_parse() */
	struct fl_epmd_finding *findings;
	size_t nr_findings;
	struct fl_inspect_range ranges[FL_INSPECT_MAX_RANGES];
	size_t nr_ranges;
};

int fl_inspect_dump(const char *name, struct fl_str bytes, struct fl_inspect *ret);
/* @dir: a device's directory with "resource", "resource0" ... and "config". */
int fl_inspect_sysfs(const char *dir, struct fl_inspect *ret);
/* A bound function, as a host sees it. */
int fl_inspect_epf(struct fl_epf *f, struct fl_inspect *ret);
void fl_inspect_fini(struct fl_inspect *i);
#define _cleanup_inspect_ __attribute__((cleanup(fl_inspect_fini)))

/* Finds and examines the metadata; returns @i->result, or -ENOMEM. */
int fl_inspect_decode(struct fl_inspect *i, enum fl_epmd_layout layout, bool seed_compat);

void fl_inspect_text(const struct fl_inspect *i, struct fl_buf *out);
void fl_inspect_json(const struct fl_inspect *i, struct fl_buf *out);
/* The configuration space as "lspci -F" reads it; -ENODATA: none was given. */
int fl_inspect_config(const struct fl_inspect *i, struct fl_buf *out);
/* Each BAR as a column of boxes. */
void fl_inspect_pictures(const struct fl_inspect *i, struct fl_buf *out);

#endif
