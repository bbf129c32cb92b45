/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bpf(2) system call, as far as a trace needs it. All return a descriptor or 0, or -errno; a
 * descriptor is closed on exec.
 *
 * (libbpf is not used for these few calls: with it comes its ELF loader, which doubles the static
 * program's size, and programs that it loads at each start to find out what names may be given.)
 */
#ifndef BPF_SYS_H
#define BPF_SYS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Of Linux 6.6: newer than the headers that we build with. */
#define FL_BPF_TRACE_UPROBE_MULTI 48

struct fl_bpf_map {
	enum bpf_map_type type;
	const char *name; /* at most 15 bytes */
	uint32_t key_size, value_size, entries, flags;
	int inner_fd; /* of maps in maps */
};

struct fl_bpf_prog {
	uint32_t type, attach_type;
	const char *name;
	const struct bpf_insn *insns;
	size_t nr_insns;
	bool may_sleep;
	uint32_t attach_btf_id;
	int attach_btf_fd; /* of a module; 0: vmlinux */
	char *log;	   /* NULL: none is kept */
	uint32_t log_size;
};

int fl_bpf_map_create(const struct fl_bpf_map *map);
int fl_bpf_map_lookup(int map, const void *key, void *value);
int fl_bpf_map_update(int map, const void *key, const void *value, uint64_t flags);
int fl_bpf_map_next_key(int map, const void *key, void *next); /* @key NULL: the first */

int fl_bpf_prog_load(const struct fl_bpf_prog *prog);
/* Runs a raw tracepoint's program once, in the caller's own context. */
int fl_bpf_prog_run(int prog);
int fl_bpf_raw_tracepoint_open(const char *name, int prog); /* NULL: what it was loaded for */
int fl_bpf_link_create(int prog, int target, uint32_t attach_type);
int fl_bpf_link_multi(int prog, const uint64_t *addresses, const uint64_t *cookies, uint32_t n, uint32_t flags);

/* Many places of one file; @counters may be NULL. */
struct fl_bpf_user_places {
	const char *path;
	const uint64_t *offsets, *cookies, *counters;
	uint32_t n;
	bool is_return;
};

int fl_bpf_link_user(int prog, const struct fl_bpf_user_places *places);
/* On a perf event, with a cookie (since 5.15). */
int fl_bpf_link_perf(int prog, int perf, uint64_t cookie);

int fl_bpf_info(int fd, void *info, uint32_t size);
int fl_bpf_btf_next_id(uint32_t *id);
int fl_bpf_btf_open(uint32_t id);

/* One more than the highest number that a CPU can have. */
int fl_bpf_possible_cpus(void);
/* Cuts "0-3" or "7" off the front of "0-3,7". */
bool fl_cpu_range(struct fl_str *list, uint64_t *first, uint64_t *last);

#endif
