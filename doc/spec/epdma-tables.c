// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the tables of doc/spec/epdma-*.rst from the lists that the code is made of:
 * "epdma-tables NAME". scripts/spec-tables puts them into the documents, and checks that they are.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/util.h"
#include "epdma/regs/dw-regs.h"
#include "epdma/endpoint/epf.h"
#include "epdma/metadata/metadata.h"
#include "epdma/metadata/reason.h"

/* A simple RST table needs to know its columns' widths first: cells are kept, then printed. */
#define MAX_COLUMNS 6
#define MAX_CELLS   2048

static char cells[MAX_CELLS][160];
static size_t nr_cells;

static void cell(const char *fmt, ...) FL_PRINTF(1, 2);

static void cell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (nr_cells < MAX_CELLS)
		vsnprintf(cells[nr_cells++], sizeof(cells[0]), fmt, ap);
	va_end(ap);
}

static void rule(const size_t *width, size_t columns)
{
	for (size_t c = 0; c < columns; c++) {
		for (size_t i = 0; i < width[c]; i++)
			putchar('=');
		putchar(c + 1 < columns ? ' ' : '\n');
	}
}

static void row(const size_t *width, size_t columns, size_t at)
{
	for (size_t c = 0; c + 1 < columns; c++)
		printf("%-*s ", (int)width[c], cells[at + c][0] ? cells[at + c] : "\\");
	printf("%s\n", cells[at + columns - 1]);
}

static void print(size_t columns)
{
	size_t width[MAX_COLUMNS] = {};

	for (size_t i = 0; i < nr_cells; i++)
		width[i % columns] = FL_MAX(width[i % columns], strlen(cells[i]));
	rule(width, columns);
	for (size_t at = 0; at < nr_cells; at += columns) {
		row(width, columns, at);
		if (at == 0)
			rule(width, columns);
	}
	rule(width, columns);
}

static void heading(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cell("%s", names[i]);
}

#define HEADING(...)                                                                               \
	do {                                                                                       \
		static const char *const names[] = { __VA_ARGS__ };                                \
		heading(names, FL_ARRAY_SIZE(names));                                              \
	} while (0)

static void bits(const struct fl_epmd_field_info *i)
{
	if (i->hi == i->lo)
		cell("%u", i->lo);
	else
		cell("%u:%u", i->hi, i->lo);
}

static void metadata(bool entry)
{
	HEADING("Offset", "Bits", "Field", "Layout", "Meaning");
	for (unsigned int f = 0; f < _FL_MD_FIELD_MAX; f++) {
		const struct fl_epmd_field_info *i = &fl_epmd_fields[f];

		if (entry != (i->where == FL_MD_IN_CH))
			continue;
		cell("0x%02x", i->offset);
		bits(i);
		cell("%s", i->name ? i->name : "reserved");
		cell("%s", i->where == FL_MD_IN_A ? "A" : i->where == FL_MD_IN_B ? "B" : "both");
		cell("%s", i->doc ? i->doc : "0");
	}
	print(5);
}

static void metadata_header(void)
{
	metadata(false);
}

static void metadata_entry(void)
{
	metadata(true);
}

static void reasons(unsigned int from, unsigned int to)
{
	HEADING("Reason", "Errno", "What is wrong");
	for (unsigned int i = from; i < to; i++) {
		cell("%s", fl_epdma_reasons[i].code);
		cell("%s", fl_errno_name(fl_epdma_reasons[i].err));
		cell("%s", fl_epdma_reasons[i].message);
	}
	print(3);
}

static void reasons_posted(void)
{
	reasons(FL_EPDMA_MD_SHORT, FL_EPDMA_MD_AMBIGUOUS);
}

static void reasons_strict(void)
{
	reasons(FL_EPDMA_MD_AMBIGUOUS, FL_EPDMA_HW_GONE);
}

static void reasons_other(void)
{
	reasons(FL_EPDMA_HW_GONE, _FL_EPDMA_REASON_MAX);
}

static void attributes(void)
{
	HEADING("Attribute", "Where", "Meaning");
	for (unsigned int i = 0; i < _FL_EPF_ATTR_MAX; i++) {
		cell("%s", fl_epf_attrs[i].name);
		cell("%s", fl_epf_attrs[i].specific ? "pci_epf_dma.N/" : "NAME/");
		cell("%s", fl_epf_attrs[i].doc);
	}
	print(3);
}

static const char *const access_names[] = {
	[FL_DW_RW] = "RW", [FL_DW_RO] = "RO", [FL_DW_WO] = "WO", [FL_DW_W1C] = "W1C",
};

static void offset(uint16_t off)
{
	if (off == 0xffff)
		cell("%s", "");
	else
		cell("0x%03x", off);
}

/* @base is what a block's offsets count from. */
static void registers(unsigned int from, unsigned int to, bool directions, unsigned int base)
{
	if (directions)
		HEADING("Write", "Read", "Register", "Words", "Access", "Meaning");
	else
		HEADING("Offset", "Register", "Access", "Writable", "Meaning");
	for (unsigned int i = from; i < to; i++) {
		const struct fl_dw_reg_row *r = &fl_dw_regs[i];

		offset(r->off[0] == 0xffff ? 0xffff : (uint16_t)(r->off[0] - base));
		if (directions)
			offset(r->off[1]);
		cell("%s", r->name);
		if (directions)
			cell("%u", r->words);
		cell("%s", access_names[r->access]);
		if (!directions)
			cell("0x%08x", r->writable);
		cell("%s", r->text);
	}
	print(directions ? 6 : 5);
}

static void registers_v0(void)
{
	registers(FL_V0_ARB_PRIO, FL_V0CH_CONTROL1, true, 0);
}

static void registers_v0_channel(void)
{
	registers(FL_V0CH_CONTROL1, FL_HN_CH_EN, false, 0x200);
}

static void registers_native(void)
{
	registers(FL_HN_CH_EN, _FL_DW_REG_MAX, false, 0);
}

static const struct {
	const char *name;
	void (*print)(void);
} tables[] = {
	{ "metadata-header", metadata_header },
	{ "metadata-entry", metadata_entry },
	{ "reasons-posted", reasons_posted },
	{ "reasons-strict", reasons_strict },
	{ "reasons-other", reasons_other },
	{ "attributes", attributes },
	{ "registers-v0", registers_v0 },
	{ "registers-v0-channel", registers_v0_channel },
	{ "registers-native", registers_native },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < FL_ARRAY_SIZE(tables); i++) {
		if (strcmp(argv[1], tables[i].name) == 0) {
			tables[i].print();
			return 0;
		}
	}
	fprintf(stderr, "usage: epdma-tables NAME\n");
	return 2;
}
