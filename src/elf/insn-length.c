/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86-64: prefixes, then an opcode of one of the maps, then ModRM with SIB and displacement, then an
 * immediate. The maps differ in which opcodes have a ModRM byte and how long their immediate is, and
 * that is all the tables hold: no operands, no names. VEX, EVEX and XOP are prefixes that choose a map.
 *
 * Where an instruction begins is only known from another one that does: the start of the function, by its
 * symbol, or by the unwind table (.eh_frame) where a file was stripped of its symbols.
 */
#include "elf/insn-length.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	M = 1,	  /* ModRM */
	I1 = 2,	  /* 1 byte of immediate */
	IZ = 4,	  /* 4 bytes, 2 with an operand size prefix */
	I4 = 8,	  /* 4 bytes always: branches */
	IV = 16,  /* as IZ, but 8 with REX.W */
	I2 = 32,  /* 2 bytes */
	IA = 64,  /* an address: 8 bytes, 4 with an address size prefix */
	BAD = 128 /* no instruction in 64-bit mode */
};

#define ALU M, M, M, M, I1, IZ, BAD, BAD
#define X4(a) a, a, a, a
#define X8(a) X4(a), X4(a)
#define X16(a) X8(a), X8(a)

/* Prefixes and escapes never get here. */
static const uint8_t one_byte[256] = {
	ALU, ALU, ALU, ALU, ALU, ALU, ALU, ALU, /* 00-3f */
	X16(BAD), X16(0),			/* 40-5f: REX; push, pop */
	BAD, BAD, BAD, M, X4(BAD), IZ, M | IZ, I1, M | I1, X4(0), /* 60-6f */
	X16(I1),						  /* 70-7f: jcc */
	M | I1, M | IZ, BAD, M | I1, X4(M), X8(M),		  /* 80-8f */
	X8(0), 0, 0, BAD, 0, X4(0),				  /* 90-9f */
	X4(IA), X4(0), I1, IZ, 0, 0, X4(0),			  /* a0-af */
	X8(I1), X8(IV),						  /* b0-bf */
	M | I1, M | I1, I2, 0, BAD, BAD, M | I1, M | IZ,	  /* c0-c7 */
	I2 | I1, 0, I2, 0, 0, I1, BAD, 0,			  /* c8-cf */
	X4(M), BAD, BAD, BAD, 0, X8(M),				  /* d0-df */
	X4(I1), X4(I1), I4, I4, BAD, I1, X4(0),			  /* e0-ef */
	BAD, 0, BAD, BAD, 0, 0, M, M, 0, 0, 0, 0, 0, 0, M, M,	  /* f0-ff; f6 and f7 see below */
};

/* Behind 0f. All else has a ModRM byte and no immediate. */
static uint8_t two_byte(uint8_t op)
{
	if ((op >= 0x05 && op <= 0x09) || op == 0x0b || op == 0x0e || (op >= 0x30 && op <= 0x37) ||
	    op == 0x77 || (op >= 0xa0 && op <= 0xa2) || (op >= 0xa8 && op <= 0xaa) ||
	    (op >= 0xc8 && op <= 0xcf))
		return 0;
	if (op >= 0x80 && op <= 0x8f)
		return I4;
	if (op == 0x04 || op == 0x0a || op == 0x0c)
		return BAD;
	if (op == 0x0f || (op >= 0x70 && op <= 0x73) || op == 0xa4 || op == 0xac || op == 0xba ||
	    op == 0xc2 || (op >= 0xc4 && op <= 0xc6))
		return M | I1;
	return M;
}

struct decoder {
	const uint8_t *p, *end;
	bool operand16, address32, wide; /* prefixes 66 and 67, REX.W */
};

static int take(struct decoder *d)
{
	return d->p < d->end ? *d->p++ : -1;
}

static bool skip(struct decoder *d, size_t n)
{
	if ((size_t)(d->end - d->p) < n)
		return false;
	d->p += n;
	return true;
}

/* ModRM, SIB and displacement; gives the ModRM byte, or -1. */
static int take_modrm(struct decoder *d)
{
	int modrm = take(d), mod = modrm >> 6, rm = modrm & 7, sib = -1;
	size_t displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;

	if (modrm < 0)
		return -1;
	if (mod != 3 && rm == 4) {
		sib = take(d);
		if (sib < 0)
			return -1;
	}
	if (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5)))
		displacement = 4;
	return skip(d, displacement) ? modrm : -1;
}

static size_t immediate(const struct decoder *d, unsigned int form)
{
	size_t z = d->operand16 ? 2 : 4, n = 0;

	n += form & I1 ? 1 : 0;
	n += form & I2 ? 2 : 0;
	n += form & IZ ? z : 0;
	n += form & I4 ? 4 : 0;
	n += form & IV ? (d->wide ? 8 : z) : 0;
	n += form & IA ? (d->address32 ? 4 : 8) : 0;
	return n;
}

static bool take_rest(struct decoder *d, unsigned int form)
{
	if (form & BAD)
		return false;
	if (form & M && take_modrm(d) < 0)
		return false;
	return skip(d, immediate(d, form));
}

/* f6 and f7 are "test", with an immediate, where ModRM says 0 or 1. */
static bool take_group3(struct decoder *d, unsigned int form)
{
	int modrm = take_modrm(d);

	if (modrm < 0)
		return false;
	return (modrm >> 3 & 7) > 1 || skip(d, immediate(d, form));
}

static bool take_mapped(struct decoder *d, unsigned int map, bool xop)
{
	int op = take(d);

	if (op < 0)
		return false;
	if (xop)
		return take_rest(d, map == 8 ? M | I1 : map == 9 ? M : map == 10 ? M | I4 : BAD);
	switch (map) {
	case 1:
		return take_rest(d, op == 0x77 ? 0 : two_byte((uint8_t)op) & (M | I1 | BAD) ?
			two_byte((uint8_t)op) & (M | I1 | BAD) : M);
	case 2:
	case 5:
	case 6:
		return take_rest(d, M);
	case 3:
		return take_rest(d, M | I1);
	default:
		return false;
	}
}

/* c5, c4, 62 and 8f: the bytes behind them choose the map. */
static bool take_vector(struct decoder *d, int op)
{
	int first = take(d);

	if (first < 0)
		return false;
	if (op == 0xc5)
		return take_mapped(d, 1, false);
	if (op == 0x62)
		return skip(d, 2) && take_mapped(d, first & 7, false);
	return skip(d, 1) && take_mapped(d, first & 0x1f, op == 0x8f);
}

static bool take_escape(struct decoder *d)
{
	int op = take(d);

	if (op == 0x38)
		return take(d) >= 0 && take_rest(d, M);
	if (op == 0x3a)
		return take(d) >= 0 && take_rest(d, M | I1);
	return op >= 0 && take_rest(d, two_byte((uint8_t)op));
}

static bool is_prefix(int b)
{
	return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 || b == 0xf3 || b == 0x2e || b == 0x36 ||
	       b == 0x3e || b == 0x26 || b == 0x64 || b == 0x65;
}

static bool take_insn(struct decoder *d)
{
	int op = take(d);

	for (; is_prefix(op); op = take(d)) {
		d->operand16 |= op == 0x66;
		d->address32 |= op == 0x67;
	}
	if (op >= 0x40 && op <= 0x4f) {
		d->wide = op & 8;
		op = take(d);
	}
	if (op < 0)
		return false;
	if (op == 0x0f)
		return take_escape(d);
	if (op == 0xc4 || op == 0xc5 || op == 0x62 || (op == 0x8f && d->p < d->end && (*d->p & 0x1f) >= 8))
		return take_vector(d, op);
	if (op == 0xf6 || op == 0xf7)
		return take_group3(d, op == 0xf6 ? I1 : IZ);
	return take_rest(d, one_byte[op]);
}

#define INSN_MAX 15

size_t fl_x86_insn_length(const uint8_t *code, size_t n)
{
	struct decoder d = { .p = code, .end = code + (n < INSN_MAX ? n : INSN_MAX) };

	return take_insn(&d) ? (size_t)(d.p - code) : 0;
}

/* ---- where a function begins ---- */

static int32_t get_s32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The usual encoding of addresses in .eh_frame: four bytes, signed, relative to themselves. */
#define PCREL_SDATA4 0x1b

/*
 * .eh_frame is a row of records, each with its length in front. One whose second word is 0 (a CIE) says how
 * addresses of the others are written; another one (an FDE) begins with a function's start and length. Of
 * the CIE's text "zR", "zPLR" and the like, R is the letter of that encoding.
 */
static int address_encoding(const uint8_t *cie, size_t n)
{
	const uint8_t *text = cie + 1, *end = memchr(text, '\0', n > 1 ? n - 1 : 0), *p;

	if (!end || text[0] != 'z')
		return -1;
	/* two alignments, a register and a length: a byte each in every file but strange ones */
	p = end + 5;
	for (text++; text < end && p < cie + n; text++) {
		if (*text == 'R')
			return *p;
		if (*text == 'P')
			p += (*p & 0x0f) == 0x0b || (*p & 0x0f) == 0x03 ? 5 : 9;
		else if (*text == 'L')
			p++;
	}
	return -1;
}

static bool unwound_function(const struct fl_elf_image *i, uint64_t address, uint64_t *ret)
{
	const Elf64_Shdr *s = fl_elf_section(i, ".eh_frame");
	struct fl_str bytes = s ? fl_elf_section_bytes(i, s) : (struct fl_str){};
	const uint8_t *base = (const void *)bytes.p;
	int encoding = -1;

	for (size_t at = 0; at + 8 <= bytes.n;) {
		uint32_t length = (uint32_t)get_s32(base + at);
		uint64_t start;

		if (length < 4 || length > bytes.n - at - 4)
			return false;
		if (get_s32(base + at + 4) == 0) {
			encoding = address_encoding(base + at + 8, length - 4);
		} else if (encoding == PCREL_SDATA4 && length >= 12) {
			start = s->sh_addr + at + 8 + (int64_t)get_s32(base + at + 8);
			if (address >= start && address - start < (uint32_t)get_s32(base + at + 12)) {
				*ret = start;
				return true;
			}
		}
		at += 4 + length;
	}
	return false;
}

/* The start of the function that has @address. */
static bool function_start(struct fl_elf_image *i, uint64_t address, uint64_t *ret)
{
	const struct fl_elf_symbol *sym =
		fl_elf_image_symbols(i) == 0 ? fl_elf_symbol_at(i, address) : NULL;

	if (sym && address - sym->address < sym->size) {
		*ret = sym->address;
		return true;
	}
	return unwound_function(i, address, ret);
}

int fl_elf_insn_boundary(struct fl_elf_image *i, uint64_t offset)
{
	uint64_t address, start, at;
	const uint8_t *code;

	if (!fl_elf_offset_to_address(i, offset, &address))
		return -ENOENT;
	if (i->head->e_machine == EM_AARCH64)
		return address % 4 == 0;
	if (i->head->e_machine != EM_X86_64 || !function_start(i, address, &start) ||
	    !fl_elf_address_to_offset(i, start, &at))
		return -ENOENT;
	code = fl_elf_bytes(i, at, address - start + INSN_MAX);
	if (!code)
		code = fl_elf_bytes(i, at, address - start + 1);
	for (uint64_t done = 0; code && done <= address - start;) {
		size_t n;

		if (done == address - start)
			return 1;
		n = fl_x86_insn_length(code + done, address - start - done + INSN_MAX);
		if (!n)
			return -ENOENT;
		done += n;
	}
	return code ? 0 : -ENOENT;
}
