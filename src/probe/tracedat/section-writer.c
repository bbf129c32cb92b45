/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/section-writer.h"

#include <endian.h>

#include "probe/tracedat/pagewriter.h"

void fl_dat_put_number(struct fl_buf *out, uint64_t v, size_t size)
{
	uint64_t le = htole64(v);

	fl_buf_add(out, &le, size);
}

void fl_dat_put_sized(struct fl_buf *out, struct fl_str text, size_t bytes_of_length)
{
	fl_dat_put_number(out, text.n, bytes_of_length);
	fl_buf_add_str(out, text);
}

void fl_dat_put_start(struct fl_buf *out, unsigned int version)
{
	fl_buf_addf(out, "\x17\x08\x44tracing%u", version);
	fl_dat_put_number(out, 0, 1); /* the version's NUL */
	fl_dat_put_number(out, 0, 1); /* little endian */
	fl_dat_put_number(out, sizeof(uint64_t), 1);
	fl_dat_put_number(out, FL_PAGE_SIZE, 4);
}

void fl_dat_put_ring_formats(struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf page = {}, event = {};

	fl_buf_addz(&page, "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
			   "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
			   "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n");
	fl_buf_addf(&page, "\tfield: char data;\toffset:%u;\tsize:%u;\tsigned:1;\n", FL_PAGE_HEAD,
		    FL_PAGE_SIZE - FL_PAGE_HEAD);
	fl_buf_addz(&event, "# compressed entry header\n"
			    "\ttype_len    :    5 bits\n"
			    "\ttime_delta  :   27 bits\n"
			    "\tarray       :   32 bits\n\n"
			    "\tpadding     : type == 29\n"
			    "\ttime_extend : type == 30\n"
			    "\ttime_stamp : type == 31\n"
			    "\tdata max type_len  == 28\n");
	fl_buf_add(out, "header_page", 12);
	fl_dat_put_sized(out, fl_buf_str(&page), 8);
	fl_buf_add(out, "header_event", 13);
	fl_dat_put_sized(out, fl_buf_str(&event), 8);
}

static bool is_ftrace(const struct fl_dat_format *f)
{
	return fl_str_is(f->system, "ftrace");
}

static size_t count_system(const struct fl_dat_format *f, size_t n, struct fl_str system)
{
	size_t members = 0;

	for (size_t i = 0; i < n; i++)
		members += fl_str_eq(f[i].system, system);
	return members;
}

static void put_system(struct fl_buf *out, const struct fl_dat_format *f, size_t n,
		       struct fl_str system)
{
	fl_dat_put_number(out, count_system(f, n, system), 4);
	for (size_t i = 0; i < n; i++)
		if (fl_str_eq(f[i].system, system))
			fl_dat_put_sized(out, f[i].text, 8);
}

void fl_dat_put_ftrace_formats(struct fl_buf *out, const struct fl_dat_format *f, size_t n)
{
	put_system(out, f, n, FL_STR("ftrace"));
}

/* The first event of its system speaks for all of them. */
static bool is_first(const struct fl_dat_format *f, size_t i)
{
	return !is_ftrace(&f[i]) && !count_system(f, i, f[i].system);
}

void fl_dat_put_event_formats(struct fl_buf *out, const struct fl_dat_format *f, size_t n)
{
	size_t systems = 0;

	for (size_t i = 0; i < n; i++)
		systems += is_first(f, i);
	fl_dat_put_number(out, systems, 4);
	for (size_t i = 0; i < n; i++) {
		if (!is_first(f, i))
			continue;
		fl_buf_add_str(out, f[i].system);
		fl_buf_addc(out, '\0');
		put_system(out, f, n, f[i].system);
	}
}

void fl_dat_put_option(struct fl_buf *out, uint16_t id, struct fl_str data)
{
	fl_dat_put_number(out, id, 2);
	fl_dat_put_sized(out, data, 4);
}

int fl_dat_put_section(struct fl_buf *out, uint16_t id, struct fl_str content,
		       enum fl_packing packing)
{
	_cleanup_buf_ struct fl_buf packed = {}, block = {};
	int r;

	if (packing != FL_PACKING_NONE) {
		r = fl_pack(packing, content, &block);
		if (r < 0)
			return r;
		fl_dat_put_number(&packed, block.len, 4);
		fl_dat_put_number(&packed, content.n, 4);
		fl_buf_add_str(&packed, fl_buf_str(&block));
		content = fl_buf_str(&packed);
	}
	fl_dat_put_number(out, id, 2);
	fl_dat_put_number(out, packing != FL_PACKING_NONE, 2);
	fl_dat_put_number(out, 0, 4); /* no description */
	fl_dat_put_sized(out, content, 8);
	return packed.error ? packed.error : out->error;
}
