/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * elf-names [-a] FILE: addresses on standard input, answers as "addr2line [-a] -fiC -e FILE" gives them,
 * which has the innermost frame's discriminator at all of its frames.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf/names.h"

static void answer(struct fl_elf_names *n, struct fl_elf_file *f, uint64_t address)
{
	struct fl_elf_frame v[64];
	size_t k = fl_elf_names_at(n, f, address, v, 64);

	for (size_t i = 0; i < k; i++) {
		printf("%s\n%s:", v[i].function ? v[i].function : "??", v[i].file ? v[i].file : "??");
		if (v[i].line)
			printf("%" PRIu32, v[i].line);
		else
			printf("%s", v[i].file || v[i].function ? "?" : "0");
		if (v[0].discriminator)
			printf(" (discriminator %" PRIu32 ")", v[0].discriminator);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct fl_elf_names *n;
	struct fl_elf_file *f;
	char line[100];

	if (argc < 2 || argc > 3 || fl_elf_names_open(&n) < 0)
		return 2;
	f = fl_elf_names_file(n, fl_str(argv[argc - 1]), (struct fl_str){});
	if (!f || !fl_elf_file_is_open(f))
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t address = strtoull(line, NULL, 16);

		if (argc == 3)
			printf("0x%016" PRIx64 "\n", address);
		answer(n, f, address);
	}
	fl_elf_names_close(n);
	return 0;
}
