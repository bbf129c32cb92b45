/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout that a bound function has, for people and programs. */
#ifndef EPDMA_INSPECT_FUNCTION_LAYOUT_H
#define EPDMA_INSPECT_FUNCTION_LAYOUT_H

#include "base/buf.h"
#include "epdma/endpoint/epf.h"

/* Resources, the window's pieces and pictures of the BARs. 0, -ENODEV (not bound) or -ENOMEM. */
int fl_function_layout_text(struct fl_epf *f, struct fl_buf *out);
int fl_function_layout_json(struct fl_epf *f, struct fl_buf *out);

#endif
