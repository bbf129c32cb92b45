/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as a program's ledger: its head, a process's record, and its regions. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc/sources/ledger.h"
#include "alloc/views/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_callers_opts opts = { .skip = "" };
	struct fl_callers *names;
	struct fl_ledger_entry *v = NULL;
	struct fl_alloc_set set = {};
	struct fl_buf out = {};
	size_t n = 0, damaged = 0;
	int fd = memfd_create("ledger", 0);

	if (fd < 0 || write(fd, FL_LEDGER_MAGIC, 8) != 8 || write(fd, data, size) < 0 ||
	    fl_callers_open(&opts, &names) < 0) {
		close(fd);
		return 0;
	}
	if (fl_ledger_list(fd, &v, &n) == 0)
		for (size_t i = 0; i < n && i < 4; i++)
			fl_ledger_read(fd, &v[i], names, &set, &damaged);
	fl_alloc_render_dump(&set, &out);
	free(v);
	fl_buf_fini(&out);
	fl_alloc_set_fini(&set);
	fl_callers_close(names);
	close(fd);
	return 0;
}
