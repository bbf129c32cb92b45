/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/journal.h"

#include <errno.h>
#include <unistd.h>

#include "probe/tracedat/pagewriter.h"
#include "probe/tracedat/section-writer.h"

static int append(struct fl_journal *j, const struct fl_buf *b)
{
	int r = b->error ? b->error : fl_buf_write_fd(b, j->fd);

	if (r == 0)
		j->size += b->len;
	return r;
}

/* A section goes to the end of @out, the option that leads to it into @options. */
static void add_section(const struct fl_journal *j, uint16_t id, struct fl_str content,
			struct fl_buf *out, struct fl_buf *options)
{
	_cleanup_buf_ struct fl_buf place = {};

	fl_dat_put_number(&place, j->size + out->len, 8);
	fl_dat_put_option(options, id, fl_buf_str(&place));
	fl_dat_put_section(out, id, content, FL_PACKING_NONE);
}

/* The options, ended by the one that will lead on; returns where in the file that is. */
static uint64_t add_options(const struct fl_journal *j, struct fl_buf *options, struct fl_buf *out)
{
	fl_dat_put_option(options, FL_DAT_DONE, FL_STR("\0\0\0\0\0\0\0\0"));
	fl_dat_put_section(out, FL_DAT_DONE, fl_buf_str(options), FL_PACKING_NONE);
	return j->size + out->len - 8;
}

static int write_link(const struct fl_journal *j, uint64_t to)
{
	uint64_t le = htole64(to);

	return pwrite(j->fd, &le, sizeof(le), j->link_at) == sizeof(le) ? 0 : -EIO;
}

int fl_journal_open(int fd, const struct fl_journal_start *start, struct fl_journal *ret)
{
	_cleanup_buf_ struct fl_buf out = {}, options = {}, part = {};
	struct fl_journal j = {.fd = fd, .clock = start->clock};
	uint64_t first;
	int r;

	fl_dat_put_start(&out, 7);
	fl_buf_add(&out, "none\0", 6); /* no compression, of no version */
	j.link_at = out.len;
	fl_dat_put_number(&out, 0, 8);
	fl_dat_put_ring_formats(&part);
	add_section(&j, FL_DAT_HEADER_INFO, fl_buf_str(&part), &out, &options);
	fl_buf_reset(&part);
	fl_dat_put_ftrace_formats(&part, start->formats, start->nr_formats);
	add_section(&j, FL_DAT_FTRACE_EVENTS, fl_buf_str(&part), &out, &options);
	fl_buf_reset(&part);
	fl_dat_put_event_formats(&part, start->formats, start->nr_formats);
	add_section(&j, FL_DAT_EVENT_FORMATS, fl_buf_str(&part), &out, &options);
	for (size_t i = 0; i < start->nr_options; i++)
		fl_dat_put_option(&options, start->options[i].id, start->options[i].data);
	first = out.len;
	add_options(&j, &options, &out);
	r = part.error ? part.error : options.error ? options.error : append(&j, &out);
	if (r == 0)
		r = write_link(&j, first);
	if (r < 0)
		return r;
	j.link_at = j.size - 8;
	*ret = j;
	return 0;
}

void fl_journal_fini(struct fl_journal *j)
{
	fl_buf_fini(&j->streams);
}

int fl_journal_page(struct fl_journal *j, uint32_t cpu, struct fl_str page)
{
	struct fl_buf view = {.data = (char *)page.p, .len = page.n};

	fl_dat_put_number(&j->streams, cpu, 4);
	fl_dat_put_number(&j->streams, j->size, 8);
	fl_dat_put_number(&j->streams, page.n, 8);
	j->nr_streams++;
	return j->streams.error ? j->streams.error : append(j, &view);
}

static void add_buffer(const struct fl_journal *j, struct fl_buf *out, struct fl_buf *options)
{
	_cleanup_buf_ struct fl_buf option = {};

	fl_dat_put_number(&option, j->size + out->len, 8);
	fl_buf_addc(&option, '\0'); /* the main buffer has no name */
	fl_buf_add_str(&option, j->clock);
	fl_buf_addc(&option, '\0');
	fl_dat_put_number(&option, FL_PAGE_SIZE, 4);
	fl_dat_put_number(&option, j->nr_streams, 4);
	fl_buf_add_str(&option, fl_buf_str(&j->streams));
	fl_dat_put_section(out, FL_DAT_BUFFER, FL_STR(""), FL_PACKING_NONE);
	fl_dat_put_option(options, FL_DAT_BUFFER, fl_buf_str(&option));
}

int fl_journal_commit(struct fl_journal *j, struct fl_str comms, struct fl_str symbols, struct fl_str users,
		      const struct fl_dat_option *more, size_t nr_more)
{
	_cleanup_buf_ struct fl_buf out = {}, options = {}, part = {};
	uint64_t first, link;
	int r;

	if (comms.n) {
		fl_dat_put_sized(&part, comms, 8);
		add_section(j, FL_DAT_CMDLINES, fl_buf_str(&part), &out, &options);
		fl_buf_reset(&part);
	}
	if (symbols.n) {
		fl_dat_put_sized(&part, symbols, 4);
		add_section(j, FL_DAT_KALLSYMS, fl_buf_str(&part), &out, &options);
	}
	if (j->nr_streams)
		add_buffer(j, &out, &options);
	fl_buf_add_str(&options, users);
	for (size_t i = 0; i < nr_more; i++)
		fl_dat_put_option(&options, more[i].id, more[i].data);
	if (!options.len)
		return 0;
	first = j->size + out.len;
	link = add_options(j, &options, &out);
	r = part.error ? part.error : options.error ? options.error : append(j, &out);
	if (r == 0)
		r = write_link(j, first);
	if (r < 0)
		return r;
	j->link_at = link;
	j->nr_streams = 0;
	fl_buf_reset(&j->streams);
	return 0;
}
