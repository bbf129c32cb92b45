/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as text for people, as JSON, and as the kernel test robot's mail. */
#ifndef DOCS_REPORT_H
#define DOCS_REPORT_H

#include "base/buf.h"
#include "docs/finding/sink.h"

/* As every diagnostic of foreland; @marks: new findings are prefixed ">> ", others by blanks. */
void docs_render(const struct docs_finding *f, bool marks, struct fl_buf *out);

/* One line of JSON. */
void docs_render_json(const struct docs_finding *f, struct fl_buf *out);

/* One line as the robot quotes them, in the words of the tool that it runs. */
void docs_render_robot(const struct docs_finding *f, struct fl_buf *out);

#endif
