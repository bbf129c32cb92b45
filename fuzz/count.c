/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms that are counted here: in front of the first NUL a line each for the trigger files of two events ("1" or
 * "2" is in front of it), behind it records: a byte that says whose, a byte for how long, and that many bytes, which
 * end where their allocation does. Every hit is in the file, or dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "probe/count/count.h"
#include "probe/target/target.h"

#define FORMAT(name, id) "name: " name "\nID: " id "\nformat:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n" \
	"\tfield:unsigned int len;\toffset:8;\tsize:4;\tsigned:0;\n" \
	"\tfield:s16 change;\toffset:12;\tsize:2;\tsigned:1;\n" \
	"\tfield:__data_loc char[] text;\toffset:16;\tsize:4;\tsigned:0;\n" \
	"\tfield:__rel_loc char[] near;\toffset:20;\tsize:4;\tsigned:0;\n" \
	"\tfield:char name[8];\toffset:24;\tsize:8;\tsigned:0;\n" \
	"\tfield:u64 where;\toffset:32;\tsize:8;\tsigned:0;\n\n" \
	"print fmt: \"%u\", REC->len\n"

static const char *const names[] = { "first", "second" };

static const struct fl_probe_event *find(void *ctx, const char *system, const char *event, bool synth)
{
	return NULL;
}

static void write_lines(struct fl_triggers *set, struct fl_str rest)
{
	struct fl_trigger_log log = {};
	struct fl_str line;

	while (fl_str_line(&rest, &line))
		if (line.n)
			fl_triggers_write(set, FL_STR("g"), fl_str(names[line.p[0] == '2']),
					  fl_str_sub(line, 1, line.n), &log, NULL);
	fl_trigger_log_fini(&log);
}

static void happen(const struct fl_triggers *set, unsigned int which, const uint8_t *data, size_t n, uint64_t time)
{
	struct fl_trigger_event *e = fl_triggers_event(set, FL_STR("g"), fl_str(names[which]));
	const struct fl_count_actions actions = {};
	uint8_t *copy = malloc(n ? n : 1);
	const struct fl_count_record rec = { .data = copy, .size = n, .time = time, .comm = FL_STR("fuzz"),
					     .frames = copy, .nr_frames = n / 8 };
	uint64_t before = e ? fl_count_hits(e) : 0;

	if (e && copy) {
		memcpy(copy, data, n);
		if (fl_count(e, &rec, &actions) == 0 && fl_count_hits(e) - before > e->n * e->n)
			abort(); /* a histogram counted a record twice */
	}
	free(copy);
}

static void records(const struct fl_triggers *set, const uint8_t *p, size_t n)
{
	for (uint64_t time = 0; n >= 2; time += 1000) {
		size_t size = FL_MIN((size_t)p[1], n - 2);

		happen(set, p[0] & 1, p + 2, size, time);
		p += 2 + size;
		n -= 2 + size;
	}
}

static void show(const struct fl_triggers *set, struct fl_symbols *symbols)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		const struct fl_trigger_event *e = fl_triggers_event(set, FL_STR("g"), fl_str(names[i]));
		struct fl_buf out = {};

		if (e && fl_count_show(e, symbols, &out) == 0 && e->n && !strstr(fl_buf_z(&out), "\nTotals:\n"))
			abort(); /* the file is not whole */
		fl_buf_fini(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	size_t text = end ? (size_t)(end - data) : size;
	struct fl_target *target = NULL;
	struct fl_symbols *symbols = NULL;

	if (fl_target_open(&(struct fl_target_opts){ .kallsyms = "/dev/null" }, &target) == 0 &&
	    fl_target_put_format(target, FL_STR("g"), FL_STR(FORMAT("first", "1")), NULL) == 0 &&
	    fl_target_put_format(target, FL_STR("g"), FL_STR(FORMAT("second", "2")), NULL) == 0 &&
	    fl_symbols_new(target, &symbols) == 0) {
		struct fl_triggers set = { .target = target, .find = find, .clear_counted = fl_count_clear };

		write_lines(&set, fl_str_n((const char *)data, text));
		if (end)
			records(&set, end + 1, size - text - 1);
		show(&set, symbols);
		fl_triggers_fini(&set);
	}
	fl_symbols_free(symbols);
	fl_target_close(target);
	return 0;
}
