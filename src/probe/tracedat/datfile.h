/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of trace-cmd's format taken apart: version 6 (one header, front to back) and 7 (sections
 * anywhere, options that say where). What comes out is the same for both: event formats, symbols,
 * names of processes, options, and for each buffer the places of its CPUs' pages.
 *
 * Every number in the file is hostile. What cannot be read is a finding; what was read before stays.
 */
#ifndef PROBE_TRACEDAT_DATFILE_H
#define PROBE_TRACEDAT_DATFILE_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "probe/record/abi.h"
#include "probe/tracedat/findings.h"
#include "probe/tracedat/unpack.h"

/* Options, by trace-cmd's numbers. Those from HEADER_INFO on say where a section is (version 7). */
enum fl_dat_option_id {
	FL_DAT_DONE,
	FL_DAT_DATE,
	FL_DAT_CPUSTAT,
	FL_DAT_BUFFER,
	FL_DAT_TRACECLOCK,
	FL_DAT_UNAME,
	FL_DAT_HOOK,
	FL_DAT_OFFSET,
	FL_DAT_CPUCOUNT,
	FL_DAT_VERSION,
	FL_DAT_PROCMAPS,
	FL_DAT_TRACEID,
	FL_DAT_TIME_SHIFT,
	FL_DAT_GUEST,
	FL_DAT_TSC2NSEC,
	FL_DAT_STRINGS,
	FL_DAT_HEADER_INFO,
	FL_DAT_FTRACE_EVENTS,
	FL_DAT_EVENT_FORMATS,
	FL_DAT_KALLSYMS,
	FL_DAT_PRINTK,
	FL_DAT_CMDLINES,
	FL_DAT_BUFFER_TEXT,
	FL_DAT_BTF_FILE,
	FL_DAT_LAST_BOOT_INFO,
	FL_DAT_MODULES,
	_FL_DAT_OPTION_MAX,
};

struct fl_dat_option {
	uint16_t id;
	struct fl_str data;
};

struct fl_dat_format {
	struct fl_str system, text;
};

/* One CPU's pages: bytes of struct fl_datfile's @file, or where its chunks begin. */
struct fl_dat_stream {
	uint32_t cpu;
	uint64_t offset, size;
};

struct fl_dat_buffer {
	struct fl_str name;  /* empty: the main one */
	struct fl_str clock; /* "local"; empty: not said */
	uint32_t page_size;
	bool is_packed;
	struct fl_str text; /* of a latency tracer's buffer, which has no records; p NULL: it has */
	struct fl_dat_stream *streams;
	uint32_t nr_streams;
};

struct fl_datfile {
	const char *path;
	int fd;
	struct fl_file file;
	uint64_t from; /* byte of the file with which @file begins: 0 but of what follows a part */
	uint64_t link_at; /* version 7: where the last options say what follows them; 0: nothing can */
	struct fl_arena arena;
	struct fl_findings findings;
	unsigned int version;
	struct fl_abi abi;
	uint32_t page_size;
	uint32_t data_offset; /* where records begin in a page */
	enum fl_packing packing;
	struct fl_unpacker *unpacker;
	struct fl_dat_format *formats;
	size_t nr_formats, cap_formats;
	struct fl_str kallsyms, printk, comms;
	struct fl_dat_option *options;
	size_t nr_options, cap_options;
	struct fl_dat_buffer *buffers;
	size_t nr_buffers, cap_buffers;
	void **unpacked; /* memory of sections that were compressed */
	size_t nr_unpacked, cap_unpacked;
};

/*
 * @path is borrowed. -EINVAL or -EPROTONOSUPPORT where nothing can be shown, the reason being the
 * last finding; -errno of reading without one. The object is to be closed in each case.
 */
int fl_datfile_open(const char *path, struct fl_datfile *ret);
void fl_datfile_close(struct fl_datfile *d);

/*
 * What has been linked to the end of @d, which grows as "journal.h" says, since it was opened: 1 with
 * @ret, which has the options and buffers of these sections alone, whose lines are in @comms and @kallsyms,
 * and which can be followed in its turn, but not @d any more. 0: nothing. What is wrong is added to @findings.
 */
int fl_datfile_follow(struct fl_datfile *d, struct fl_findings *findings, struct fl_datfile *ret);

/* The next option of that number behind @after (NULL: the first); NULL at the end. */
const struct fl_dat_option *fl_datfile_option(const struct fl_datfile *d, uint16_t id,
					      const struct fl_dat_option *after);

/* The content of the section of version 7 that an option leads to. A finding where there is none. */
int fl_datfile_section(struct fl_datfile *d, const struct fl_dat_option *o, struct fl_str *ret);

/* The text of an option, up to its NUL. */
struct fl_str fl_dat_option_text(const struct fl_dat_option *o);

#endif
