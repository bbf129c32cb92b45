/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every command, one a file; the tree of them is in main.c. */
#ifndef CLI_CMDS_H
#define CLI_CMDS_H

#include "base/opt.h"

extern const struct fl_cmd fl_cmd_root;
extern const struct fl_cmd fl_cmd_probe;
extern const struct fl_cmd fl_cmd_probe_check;
extern const struct fl_cmd fl_cmd_probe_bundle;
extern const struct fl_cmd fl_cmd_probe_list;
extern const struct fl_cmd fl_cmd_probe_syntax;
extern const struct fl_cmd fl_cmd_probe_dump;
extern const struct fl_cmd fl_cmd_probe_lower;

extern const struct fl_cmd fl_cmd_agent;
extern const struct fl_cmd fl_cmd_alloc;
extern const struct fl_cmd fl_cmd_docs;
extern const struct fl_cmd fl_cmd_doctor;
extern const struct fl_cmd fl_cmd_mount;
extern const struct fl_cmd fl_cmd_report;
extern const struct fl_cmd fl_cmd_schema;
extern const struct fl_cmd fl_cmd_trace;
void fl_trace_tool_names(struct fl_buf *out); /* a line each: what --file may name */
extern const struct fl_cmd fl_cmd_epdma;
extern const struct fl_cmd fl_cmd_epdma_demo;
extern const struct fl_cmd fl_cmd_epdma_inspect;
extern const struct fl_cmd fl_cmd_epdma_endpoint;
extern const struct fl_cmd fl_cmd_epdma_host;
extern const struct fl_cmd fl_cmd_epdma_plan;

#endif
