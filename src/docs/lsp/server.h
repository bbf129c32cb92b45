/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A language server for pages, ABI files and comments of C files: one message in, any number out. It
 * reads and writes nothing itself; the command that has the pipe frames the messages.
 */
#ifndef DOCS_LSP_SERVER_H
#define DOCS_LSP_SERVER_H

#include "base/buf.h"

struct docs_lsp;

/* -ENOMEM, or 0. */
int docs_lsp_new(struct docs_lsp **ret);
void docs_lsp_free(struct docs_lsp *s);

/*
 * Takes one JSON-RPC message and appends the answers to @out, each with its head ("Content-Length").
 * 1: the client said exit after shutdown; -EPIPE: it said exit without; -ENOMEM.
 */
int docs_lsp_message(struct docs_lsp *s, struct fl_str message, struct fl_buf *out);

#endif
