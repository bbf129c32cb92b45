/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations in C as Sphinx's C domain reads them: the arguments of "c:function::" and its like. */
#ifndef DOCS_READ_CDECL_H
#define DOCS_READ_CDECL_H

#include "base/map.h"

struct cdecl_words {
	const struct fl_map *attributes, *calls; /* conf.py's c_id_attributes and c_paren_attributes */
};

/*
 * @kind: "function", "macro", "struct", "union", "enum", "enumerator", "member", "var" or "type". NULL, and the
 * name that is declared; or what is wrong in Sphinx's words, and the column at which it is.
 */
const char *cdecl_read(struct fl_str text, const char *kind, struct cdecl_words words, struct fl_str *ret_name,
		       size_t *ret_at);

/* The text of a role like ":c:func:" is a name that Sphinx can look for. */
bool cdecl_is_reference(struct fl_str text);

#endif
