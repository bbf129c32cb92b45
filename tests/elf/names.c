/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf-names FILE: addresses on standard input, answers as "addr2line -fiC -e FILE" gives them. */
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
			printf("%s", v[i].file ? "?" : "0");
		if (v[i].discriminator)
			printf(" (discriminator %" PRIu32 ")", v[i].discriminator);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct fl_elf_names *n;
	struct fl_elf_file *f;
	char line[100];

	if (argc != 2 || fl_elf_names_open(&n) < 0)
		return 2;
	f = fl_elf_names_file(n, fl_str(argv[1]), (struct fl_str){});
	if (!f || !fl_elf_file_is_open(f))
		return 1;
	while (fgets(line, sizeof(line), stdin))
		answer(n, f, strtoull(line, NULL, 16));
	fl_elf_names_close(n);
	return 0;
}
