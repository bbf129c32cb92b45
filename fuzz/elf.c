/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as an ELF file: symbols, build-id, debug link, and lines where it has some. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_elf_names *n;
	struct fl_elf_frame v[8];
	struct fl_elf_file *f;
	int fd = memfd_create("elf", 0);
	uint64_t out;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fl_elf_names_open(&n) < 0) {
		close(fd);
		return 0;
	}
	f = fl_elf_names_file_fd(n, FL_STR("/none"), fd);
	if (f && fl_elf_file_image(f)) {
		struct fl_elf_image *i = fl_elf_file_image(f);

		fl_elf_interpreter(i);
		fl_elf_offset_to_address(i, 64, &out);
		fl_elf_address_to_offset(i, 0x1000, &out);
		for (uint64_t at = 0; at < 0x3000; at += 0x7f)
			fl_elf_names_at(n, f, at, v, 8);
		fl_elf_symbol_named(i, FL_STR("main"));
	}
	fl_elf_names_close(n);
	return 0;
}
