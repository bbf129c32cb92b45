/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BPF ring buffers, one a CPU, read as one stream in order of time. Nothing wakes the reader.
 *
 * One thread reads. Records stay in the ring until all that came with them were handed out; the
 * pointers given to the callback are good during the call only.
 */
#ifndef PROBE_LIVE_RINGS_H
#define PROBE_LIVE_RINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "probe/record/layout.h"

struct fl_rings;

/*
 * A ring of @bytes (a power of two, a multiple of the page) for each CPU that is online, and one for all
 * others below @nr_cpus, which may come online later. -errno of the kernel.
 */
int fl_rings_create(uint32_t nr_cpus, size_t bytes, struct fl_rings **ret);
void fl_rings_free(struct fl_rings *r);
FL_DEFINE_CLEANUP(struct fl_rings *, fl_rings_free);
#define _cleanup_rings_ _cleanup_(fl_rings_freep)

/*
 * The array of maps that programs look their CPU's ring up in; -1: there are few rings, and programs
 * name them. (Filling such an array makes the kernel wait for a grace period, at each start.)
 */
int fl_rings_fd(const struct fl_rings *r);

/* Ring @i, by its CPU's number; false past the last one. */
bool fl_rings_get(const struct fl_rings *r, size_t i, uint32_t *ret_cpu, int *ret_fd);

/* The ring of CPUs that have none of their own; -1: each has. */
int fl_rings_spare(const struct fl_rings *r);

/* @size is the record's length. A result other than 0 ends the reading and is returned. */
typedef int (*fl_record_fn)(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size);

/*
 * Hands out every record that is older than @before, oldest first. Records that a program is still
 * writing, and all behind them on that CPU, wait for the next call.
 *
 * Return: the number handed out, or what @fn returned.
 */
int64_t fl_rings_read(struct fl_rings *r, uint64_t before, fl_record_fn fn, void *ctx);

#endif
