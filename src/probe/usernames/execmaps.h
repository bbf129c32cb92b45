/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes have mapped to execute, told by the kernel as it happens (perf's events of mmap, exec and
 * fork). /proc/PID/maps says it only of who lives; most commands are gone before their records are read. A
 * child has its parent's mappings until it execs, and who was there before us is asked by /proc as long as it
 * lives. What was unmapped again is not told: the newest mapping that holds an address counts.
 *
 * The cost is the kernel's: a record for each mapping of code, each exec and each fork in the whole system.
 */
#ifndef PROBE_USERNAMES_EXECMAPS_H
#define PROBE_USERNAMES_EXECMAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mapping.h"

struct fl_execmaps;

/* NULL where the kernel does not permit it, or there is no memory: then nothing is known. */
struct fl_execmaps *fl_execmaps_open(void);
void fl_execmaps_close(struct fl_execmaps *e);

/* Takes over what the kernel has told; what is not taken in time is lost. */
void fl_execmaps_drain(struct fl_execmaps *e);

/* What thread @tid had at @addr at @time (ns of CLOCK_MONOTONIC). @ret is good until the next call. */
bool fl_execmaps_find(struct fl_execmaps *e, uint32_t tid, uint64_t time, uint64_t addr, struct fl_mapping *ret);

#endif
