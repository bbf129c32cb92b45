/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as pages. */
#include "docs-reader.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_read("Documentation/fuzz.rst", data, size);
	return 0;
}
