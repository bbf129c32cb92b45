/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as C files with kernel-doc comments. */
#include "docs-reader.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_read("include/fuzz.h", data, size);
	return 0;
}
