/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of processes as the kernel's tracer shows them: "/usr/bin/cat[+0x1234]" counts from the
 * start of the mapping that holds the address, " <00007f0012345678>" is one in no file's mapping, or
 * of a process of which nobody knows. /proc/PID/maps is read when a thread is first asked about under its name
 * (another name is perhaps another program), and again where an address is in none of the mappings
 * that were there then. Where the function is known it stands behind: "... main+0x12".
 */
#ifndef PROBE_OUTPUT_USERMAPS_H
#define PROBE_OUTPUT_USERMAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mapping.h"
#include "probe/record/layout.h"

struct fl_usermaps;

struct fl_usermaps *fl_usermaps_new(void); /* NULL: no memory */
void fl_usermaps_free(struct fl_usermaps *m);

/* Who knows functions: appends one's name (@is_call: of the call in front of @addr), or false. */
struct fl_user_namer {
	bool (*text)(void *ctx, uint32_t tid, const struct fl_mapping *m, uint64_t addr, bool is_call,
		     struct fl_buf *out);
	/* The build-id of the file that is mapped, in hexadecimal; NULL: nobody knows. */
	bool (*build_id)(void *ctx, uint32_t tid, const struct fl_mapping *m, struct fl_buf *out);
	/* What the thread had mapped there at @time, though it lives no more; NULL: nobody knows. */
	bool (*mapping)(void *ctx, uint32_t tid, uint64_t time, uint64_t addr, struct fl_mapping *ret);
	void *ctx;
};

void fl_usermaps_name(struct fl_usermaps *m, struct fl_user_namer namer);

void fl_usermaps_text(struct fl_usermaps *m, const struct fl_record *thread, uint64_t addr, bool is_call,
		      struct fl_buf *out);

/*
 * Right behind fl_usermaps_text(): the mapping that it found, and the build-id of its file where that is known.
 * @ret is good until the next fl_usermaps_text().
 */
bool fl_usermaps_mapping(struct fl_usermaps *m, const struct fl_record *thread, uint64_t addr,
			 struct fl_mapping *ret, struct fl_buf *build_id);

#endif
