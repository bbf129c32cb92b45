/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one entry of a fuzz target: libFuzzer's, and main.c's where that is not linked. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always 0. Anything wrong is a crash, an assertion or a sanitizer's report. */
__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
