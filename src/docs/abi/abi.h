/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of Documentation/ABI's files. */
#ifndef DOCS_ABI_ABI_H
#define DOCS_ABI_ABI_H

#include "docs/fact/fact.h"

void docs_read_abi(struct docs_worker *w);

#endif
