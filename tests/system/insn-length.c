/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * insn-length FILE < ADDRESSES: for each line "ADDRESS LENGTH" of a disassembler (hexadecimal, decimal),
 * whether our decoder agrees about that instruction of FILE. Prints those that differ, and the count.
 */
#include <stdio.h>

#include "elf/insn-length.h"

int main(int argc, char **argv)
{
	unsigned long agree = 0, differ = 0, n;
	struct fl_elf_image image = {};
	unsigned long long address;

	if (argc != 2 || fl_elf_image_open(argv[1], &image) < 0)
		return 2;
	while (scanf("%llx %lu", &address, &n) == 2) {
		const uint8_t *code;
		uint64_t offset;

		if (!fl_elf_address_to_offset(&image, address, &offset))
			continue;
		code = fl_elf_bytes(&image, offset, 15);
		if (!code)
			continue;
		if (fl_x86_insn_length(code, 15) == n) {
			agree++;
			continue;
		}
		differ++;
		printf("%llx: %zu, not %lu: %02x %02x %02x %02x %02x\n", address, fl_x86_insn_length(code, 15), n,
		       code[0], code[1], code[2], code[3], code[4]);
	}
	printf("%lu agree, %lu differ\n", agree, differ);
	fl_elf_image_close(&image);
	return differ || !agree;
}
