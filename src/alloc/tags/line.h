/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tag as a line of /proc/allocinfo. Without printf and memory: the library calls it in a handler. */
#ifndef ALLOC_TAGS_LINE_H
#define ALLOC_TAGS_LINE_H

#include "alloc/tags/tag.h"

#define FL_TAG_HEADING "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"

/*
 * Writes the line with its "\n", without NUL. Returns its length, which may exceed @size: the line
 * is then incomplete, and a second call with more room gives all of it.
 */
size_t fl_tag_line(const struct fl_tag *tag, struct fl_tag_counters c, char *buf, size_t size);

#endif
