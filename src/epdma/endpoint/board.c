// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Board files: a line is a key and its values; "#" starts a comment; order does not matter. Each key
 * is a row of keys[], whose function reads the rest of the line; a row is required unless it says
 * otherwise, and "bar" alone may come more than once. BARs that no line names are programmable.
 */
#include "epdma/endpoint/board.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/num.h"
#include "base/util.h"
#include "epdma/metadata/reason.h"

#include "boards.h" /* made from boards/ */

struct parser {
	const char *place;
	struct fl_str line, rest; /* the whole line, and what of it is not read yet */
	uint32_t number;
	struct fl_board *board;
	struct fl_diag *diag;
	uint8_t bars_seen;
	struct fl_str window_line[2]; /* registers, descriptors: judged once all is read */
	uint32_t window_number[2];
};

static int fail(struct parser *p, enum fl_epdma_reason why, struct fl_str at)
{
	uint32_t from = (uint32_t)(at.p - p->line.p);
	int r = fl_diag_set(p->diag, &fl_epdma_reasons[why],
			    (struct fl_span){ from, from + (uint32_t)at.n });

	if (p->diag) {
		p->diag->place = p->place;
		p->diag->line = p->number;
		p->diag->text = p->line.p;
		p->diag->text_len = p->line.n;
	}
	return r;
}

static int bad_value(struct parser *p, struct fl_str at, const char *wanted)
{
	int r = fail(p, FL_EPDMA_BOARD_VALUE, at);

	if (p->diag)
		fl_diag_message(p->diag, "%s is expected", wanted);
	return r;
}

/* The empty string behind the line's last word, where something is missing. */
static struct fl_str end_of_line(const struct parser *p)
{
	return fl_str_from(fl_str_trim(p->line), fl_str_trim(p->line).n);
}

static int take_word(struct parser *p, const char *wanted, struct fl_str *ret)
{
	return fl_str_word(&p->rest, ret) ? 0 : bad_value(p, end_of_line(p), wanted);
}

static int take_num(struct parser *p, uint64_t min, uint64_t max, const char *wanted, uint64_t *ret)
{
	struct fl_str word;
	uint64_t v;
	int r = take_word(p, wanted, &word);

	if (r)
		return r;
	if ((fl_parse_u64(word, 0, &v) && fl_parse_size(word, &v)) || v < min || v > max)
		return bad_value(p, word, wanted);
	*ret = v;
	return 0;
}

static bool has_control(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static int take_name(struct parser *p, char *buf, size_t size)
{
	struct fl_str word;
	int r = take_word(p, "a name", &word);

	if (r)
		return r;
	if (word.n >= size || fl_str_find(word, '/', 0) < word.n || has_control(word))
		return bad_value(p, word, "a shorter name without \"/\" and control bytes");
	memcpy(buf, word.p, word.n);
	buf[word.n] = '\0';
	return 0;
}

static int take_choice(struct parser *p, const char *const *names, size_t n, const char *wanted,
		       unsigned int *ret)
{
	struct fl_str word;
	int r = take_word(p, wanted, &word);

	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (names[i] && fl_str_is(word, names[i])) {
			*ret = (unsigned int)i;
			return 0;
		}
	}
	return bad_value(p, word, wanted);
}

/* ---- one function a key ---- */

static const char *const bar_types[] = {
	[FL_BAR_PROGRAMMABLE] = "programmable", [FL_BAR_FIXED] = "fixed",
	[FL_BAR_RESIZABLE] = "resizable",	[FL_BAR_RESERVED] = "reserved",
	[FL_BAR_DISABLED] = "disabled",
};

static const char *const map_names[] = {
	[FL_EPDMA_LEGACY] = "legacy", [FL_EPDMA_UNROLL] = "unroll",
	[FL_EPDMA_COMPAT] = "compat", [FL_EPDMA_NATIVE] = "native",
};

static const struct {
	const char *name;
	size_t offset;
} feature_names[] = {
	{ "msi", offsetof(struct fl_epc_features, msi_capable) },
	{ "msix", offsetof(struct fl_epc_features, msix_capable) },
	{ "intx", offsetof(struct fl_epc_features, intx_capable) },
	{ "linkup-notifier", offsetof(struct fl_epc_features, linkup_notifier) },
	{ "dynamic-inbound", offsetof(struct fl_epc_features, dynamic_inbound_mapping) },
	{ "subrange", offsetof(struct fl_epc_features, subrange_mapping) },
};

static int key_board(struct parser *p)
{
	return take_name(p, p->board->name, sizeof(p->board->name));
}

static int key_about(struct parser *p)
{
	struct fl_str text = fl_str_trim(p->rest);

	if (!text.n || text.n >= sizeof(p->board->about) || has_control(text))
		return bad_value(p, text.n ? text : end_of_line(p),
				 "a line of up to 127 printable bytes");
	memcpy(p->board->about, text.p, text.n);
	p->board->about[text.n] = '\0';
	p->rest = fl_str_from(p->rest, SIZE_MAX);
	return 0;
}

static int key_controller(struct parser *p)
{
	return take_name(p, p->board->controller, sizeof(p->board->controller));
}

static int key_host_bus(struct parser *p)
{
	return take_name(p, p->board->domain_bus, sizeof(p->board->domain_bus));
}

#define NUMBER_KEY(fn, type, field, min, max, wanted)                                              \
	static int fn(struct parser *p)                                                            \
	{                                                                                          \
		uint64_t v = 0;                                                                    \
		int r = take_num(p, min, max, wanted, &v);                                         \
		if (!r)                                                                            \
			p->board->field = (type)v;                                                 \
		return r;                                                                          \
	}

NUMBER_KEY(key_vendor, uint16_t, vendor, 0, 0xfffe, "a vendor id below 0xffff")
NUMBER_KEY(key_device, uint16_t, device, 0, 0xffff, "a device id up to 0xffff")
NUMBER_KEY(key_functions, uint8_t, max_functions, 1, 8, "a number from 1 to 8")
NUMBER_KEY(key_taken, uint8_t, functions_taken, 0, 0xff, "a mask of functions up to 0xff")
NUMBER_KEY(key_windows, uint8_t, inbound_windows, 1, 255, "a number from 1 to 255")
NUMBER_KEY(key_link_speed, uint8_t, link_speed, 1, 6, "a PCI Express generation from 1 to 6")
NUMBER_KEY(key_link_width, uint8_t, link_width, 1, 32, "a number of lanes from 1 to 32")
NUMBER_KEY(key_writes, uint8_t, chans[FL_EPDMA_WRITE], 0, 64, "a number of channels from 0 to 64")
NUMBER_KEY(key_reads, uint8_t, chans[FL_EPDMA_READ], 0, 64, "a number of channels from 0 to 64")

static int key_features(struct parser *p)
{
	struct fl_str word;

	while (fl_str_word(&p->rest, &word)) {
		size_t i = 0;

		while (i < FL_ARRAY_SIZE(feature_names) && !fl_str_is(word, feature_names[i].name))
			i++;
		if (i == FL_ARRAY_SIZE(feature_names))
			return bad_value(p, word, "msi, msix, intx, linkup-notifier, "
						  "dynamic-inbound or subrange");
		*(bool *)((char *)&p->board->features + feature_names[i].offset) = true;
	}
	return 0;
}

static int key_align(struct parser *p)
{
	struct fl_str at = fl_str_trim(p->rest);
	uint64_t v = 0;
	int r = take_num(p, 0, 1ull << 40, "0 or a power of two", &v);

	if (!r && (v & (v - 1)))
		r = bad_value(p, at, "0 or a power of two");
	if (!r)
		p->board->features.align = v;
	return r;
}

static int key_bar(struct parser *p)
{
	static const char wanted[] = "programmable, fixed, resizable, reserved or disabled";
	struct fl_str at = fl_str_trim(p->rest), word;
	uint64_t bar = 0, size = 0;
	unsigned int type = 0;
	bool only_64bit = false;
	int r = take_num(p, 0, FL_EPDMA_NR_BARS - 1, "a BAR from 0 to 5", &bar);

	if (r)
		return r;
	if (p->bars_seen & 1u << bar)
		return fail(p, FL_EPDMA_BOARD_TWICE, fl_str_sub(at, 0, 1));
	r = take_choice(p, bar_types, FL_ARRAY_SIZE(bar_types), wanted, &type);
	if (!r && type == FL_BAR_FIXED)
		r = take_num(p, 16, UINT64_MAX, "the BAR's size", &size);
	if (r)
		return r;
	if (fl_str_word(&p->rest, &word)) {
		if (!fl_str_is(word, "64bit"))
			return bad_value(p, word, "64bit");
		only_64bit = true;
	}
	p->bars_seen |= 1u << bar;
	p->board->features.bar[bar].type = type;
	p->board->features.bar[bar].fixed_size = size;
	p->board->features.bar[bar].only_64bit = only_64bit;
	return 0;
}

static int key_map(struct parser *p)
{
	unsigned int map = 0;
	int r = take_choice(p, map_names, FL_ARRAY_SIZE(map_names),
			    "legacy, unroll, compat or native", &map);

	if (!r)
		p->board->map = map;
	return r;
}

static int take_range(struct parser *p, uint64_t *ret_base, uint64_t *ret_size)
{
	struct fl_str at = fl_str_trim(p->rest);
	uint64_t base = 0, size = 0, end;
	int r = take_num(p, 0, UINT64_MAX, "an address", &base)
		?: take_num(p, 1, UINT64_MAX, "a size", &size);

	if (r)
		return r;
	if (__builtin_add_overflow(base, size, &end))
		return bad_value(p, at, "a range below 2^64");
	*ret_base = base;
	*ret_size = size;
	return 0;
}

/* "BASE SIZE", then "bar N OFFSET" for what the host sees anyway. */
static int take_window(struct parser *p, struct fl_board_window *ret)
{
	struct fl_board_window w = { .bar = -1 };
	struct fl_str word;
	uint64_t bar;
	int r = take_range(p, &w.phys, &w.size);

	if (!r && fl_str_word(&p->rest, &word)) {
		if (!fl_str_is(word, "bar"))
			return bad_value(p, word, "bar");
		r = take_num(p, 0, FL_EPDMA_NR_BARS - 1, "a BAR from 0 to 5", &bar)
		    ?: take_num(p, 0, INT64_MAX, "an offset", &w.bar_offset);
		if (!r)
			w.bar = (int)bar;
	}
	if (!r)
		*ret = w;
	return r;
}

static int keep_window(struct parser *p, unsigned int which, struct fl_board_window *ret)
{
	p->window_line[which] = p->line;
	p->window_number[which] = p->number;
	return take_window(p, ret);
}

static int key_registers(struct parser *p)
{
	return keep_window(p, 0, &p->board->regs);
}

static int key_descriptors(struct parser *p)
{
	return keep_window(p, 1, &p->board->desc);
}

/* "dma", or "device-memory ADDRESS" */
static int key_vsec(struct parser *p)
{
	static const char *const names[] = { "dma", "device-memory" };
	unsigned int which;
	int r = take_choice(p, names, FL_ARRAY_SIZE(names), "dma or device-memory", &which);

	if (r)
		return r;
	if (which == 0)
		p->board->vsec_dma = true;
	else
		r = take_num(p, 0, UINT64_MAX, "an address", &p->board->device_memory);
	p->board->vsec_device_memory = p->board->vsec_device_memory || which == 1;
	return r;
}

static int key_list_address(struct parser *p)
{
	static const char *const names[] = { "endpoint", "bar" };
	unsigned int which;
	int r = take_choice(p, names, FL_ARRAY_SIZE(names), "endpoint or bar", &which);

	p->board->lists_by_bar = !r && which == 1;
	return r;
}

static int key_memory(struct parser *p)
{
	return take_range(p, &p->board->ram, &p->board->ram_size);
}

static int key_bar_memory(struct parser *p)
{
	return take_range(p, &p->board->bar_mem, &p->board->bar_mem_size);
}

static const struct key {
	const char *name;
	int (*read)(struct parser *p);
	bool optional;
	bool repeats;
} keys[] = {
	{ "board", key_board },
	{ "about", key_about },
	{ "controller", key_controller },
	{ "host-bus", key_host_bus },
	{ "vendor", key_vendor },
	{ "device", key_device },
	{ "functions", key_functions },
	{ "functions-taken", key_taken, .optional = true },
	{ "inbound-windows", key_windows },
	{ "link-speed", key_link_speed },
	{ "link-width", key_link_width },
	{ "features", key_features },
	{ "align", key_align },
	{ "bar", key_bar, .optional = true, .repeats = true },
	{ "map", key_map },
	{ "write-channels", key_writes },
	{ "read-channels", key_reads },
	{ "registers", key_registers },
	{ "descriptors", key_descriptors },
	{ "list-address", key_list_address, .optional = true },
	{ "vsec", key_vsec, .optional = true, .repeats = true },
	{ "memory", key_memory },
	{ "bar-memory", key_bar_memory },
};

/* ---- the file ---- */

static int unknown_key(struct parser *p, struct fl_str word)
{
	struct fl_str names[FL_ARRAY_SIZE(keys)];
	size_t near;
	int r = fail(p, FL_EPDMA_BOARD_KEY, word);

	for (size_t i = 0; i < FL_ARRAY_SIZE(keys); i++)
		names[i] = fl_str(keys[i].name);
	near = fl_str_nearest(word, names, FL_ARRAY_SIZE(keys));
	if (p->diag && near < FL_ARRAY_SIZE(keys))
		fl_diag_help(p->diag, "did you mean \"%s\"?", keys[near].name);
	return r;
}

static int read_line(struct parser *p, uint32_t *seen)
{
	struct fl_str word, extra;
	size_t i = 0;
	int r;

	p->rest = fl_str_sub(p->line, 0, fl_str_find(p->line, '#', 0));
	if (!fl_str_word(&p->rest, &word))
		return 0;
	while (i < FL_ARRAY_SIZE(keys) && !fl_str_is(word, keys[i].name))
		i++;
	if (i == FL_ARRAY_SIZE(keys))
		return unknown_key(p, word);
	if (*seen & 1u << i && !keys[i].repeats)
		return fail(p, FL_EPDMA_BOARD_TWICE, word);
	*seen |= 1u << i;
	r = keys[i].read(p);
	if (!r && fl_str_word(&p->rest, &extra))
		return bad_value(p, extra, "nothing more");
	return r;
}

static int check_complete(struct parser *p, uint32_t seen)
{
	int r;

	for (size_t i = 0; i < FL_ARRAY_SIZE(keys); i++) {
		if (keys[i].optional || seen & 1u << i)
			continue;
		p->line = FL_STR("");
		r = fail(p, FL_EPDMA_BOARD_MISSING, p->line);
		if (p->diag) {
			p->diag->text = NULL;
			fl_diag_message(p->diag, "the key \"%s\" is missing", keys[i].name);
		}
		return r;
	}
	return 0;
}

#define MAX_BAR (2ull << 30) /* of 32 bits */

/* A window, or @n of a kind, side by side: no end may be past 2^64, nor outside of what a BAR can have. */
static int check_window(struct parser *p, unsigned int which, const struct fl_board_window *w, uint64_t n)
{
	uint64_t all, end;

	if (!__builtin_mul_overflow(w->size, n, &all) && !__builtin_add_overflow(w->phys, all, &end) &&
	    w->size <= UINT32_MAX && (w->bar < 0 || fl_range_ok(w->bar_offset, all, MAX_BAR)))
		return 0;
	p->line = p->window_line[which];
	p->number = p->window_number[which];
	return bad_value(p, fl_str_trim(p->line), "a window that metadata and a BAR have room for");
}

/* Eight is what the maps of the first family have room for. */
static int check_chans(struct parser *p)
{
	const struct fl_board *b = p->board;

	if (b->map == FL_EPDMA_NATIVE || FL_MAX(b->chans[0], b->chans[1]) <= FL_EPDMA_MAX_CHANS)
		return 0;
	p->line = FL_STR("");
	return bad_value(p, p->line, "at most 8 channels a direction, but with map native,");
}

int fl_board_parse(struct fl_str text, const char *place, struct fl_board *ret,
		   struct fl_diag *diag)
{
	struct fl_board board = {};
	struct parser p = { .place = place, .board = &board, .diag = diag };
	uint32_t seen = 0;
	int r;

	while (fl_str_line(&text, &p.line)) {
		p.number++;
		r = read_line(&p, &seen);
		if (r)
			return r;
	}
	r = check_complete(&p, seen) ?:
	    check_chans(&p) ?:
	    check_window(&p, 0, &board.regs, 1) ?:
	    check_window(&p, 1, &board.desc,
			 (uint64_t)board.chans[FL_EPDMA_WRITE] + board.chans[FL_EPDMA_READ]);
	if (!r)
		*ret = board;
	return r;
}

/* ---- presets ---- */

const char *const fl_board_names[] = {
#define B(name, text) name,
	FL_BOARDS
#undef B
	NULL,
};

static const char *const board_texts[] = {
#define B(name, text) text,
	FL_BOARDS
#undef B
};

int fl_board_load(const char *name, struct fl_buf *hold, struct fl_board *ret,
		  struct fl_diag *diag)
{
	_cleanup_file_ struct fl_file file = {};
	int r;

	if (strchr(name, '/')) {
		r = fl_file_open(name, 1 << 20, &file);
		if (r)
			return r;
		fl_buf_add_str(hold, fl_file_str(&file));
		return hold->error ?: fl_board_parse(fl_buf_str(hold), name, ret, diag);
	}
	for (size_t i = 0; fl_board_names[i]; i++)
		if (strcmp(name, fl_board_names[i]) == 0)
			return fl_board_parse(fl_str(board_texts[i]), name, ret, diag);
	return -ENOENT;
}

static void print_window(struct fl_buf *out, const char *key, const struct fl_board_window *w)
{
	fl_buf_addf(out, "%s 0x%llx 0x%llx", key, (unsigned long long)w->phys,
		    (unsigned long long)w->size);
	if (w->bar >= 0)
		fl_buf_addf(out, " bar %d 0x%llx", w->bar, (unsigned long long)w->bar_offset);
	fl_buf_addc(out, '\n');
}

static void print_bars(struct fl_buf *out, const struct fl_epc_features *f)
{
	for (unsigned int i = 0; i < FL_EPDMA_NR_BARS; i++) {
		fl_buf_addf(out, "bar %u %s", i, bar_types[f->bar[i].type]);
		if (f->bar[i].type == FL_BAR_FIXED)
			fl_buf_addf(out, " 0x%llx", (unsigned long long)f->bar[i].fixed_size);
		fl_buf_addz(out, f->bar[i].only_64bit ? " 64bit\n" : "\n");
	}
}

void fl_board_print(const struct fl_board *b, struct fl_buf *out)
{
	fl_buf_addf(out, "board %s\nabout %s\ncontroller %s\nhost-bus %s\n", b->name, b->about,
		    b->controller, b->domain_bus);
	fl_buf_addf(out, "vendor 0x%04x\ndevice 0x%04x\nfunctions %u\nfunctions-taken 0x%x\n",
		    b->vendor, b->device, b->max_functions, b->functions_taken);
	fl_buf_addf(out, "inbound-windows %u\nlink-speed %u\nlink-width %u\nfeatures",
		    b->inbound_windows, b->link_speed, b->link_width);
	for (size_t i = 0; i < FL_ARRAY_SIZE(feature_names); i++)
		if (*((const bool *)((const char *)&b->features + feature_names[i].offset)))
			fl_buf_addf(out, " %s", feature_names[i].name);
	fl_buf_addf(out, "\nalign 0x%llx\n", (unsigned long long)b->features.align);
	print_bars(out, &b->features);
	fl_buf_addf(out, "map %s\nwrite-channels %u\nread-channels %u\n", map_names[b->map],
		    b->chans[FL_EPDMA_WRITE], b->chans[FL_EPDMA_READ]);
	print_window(out, "registers", &b->regs);
	print_window(out, "descriptors", &b->desc);
	if (b->lists_by_bar)
		fl_buf_addz(out, "list-address bar\n");
	if (b->vsec_dma)
		fl_buf_addz(out, "vsec dma\n");
	if (b->vsec_device_memory)
		fl_buf_addf(out, "vsec device-memory 0x%llx\n", (unsigned long long)b->device_memory);
	fl_buf_addf(out, "memory 0x%llx 0x%llx\nbar-memory 0x%llx 0x%llx\n",
		    (unsigned long long)b->ram, (unsigned long long)b->ram_size,
		    (unsigned long long)b->bar_mem, (unsigned long long)b->bar_mem_size);
}
