/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "foreland docs lsp": the language server's pipe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cmds.h"
#include "cli/say.h"
#include "docs/lsp/server.h"

#define MOST (64u << 20) /* bytes of a message */

/* The length that the heads in front of a message tell; -ENODATA at the end of the input. */
static ssize_t read_heads(FILE *in)
{
	char line[256];
	ssize_t n = -EBADMSG;

	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '\r' || line[0] == '\n')
			return n;
		if (!strncasecmp(line, "Content-Length:", 15))
			n = strtol(line + 15, NULL, 10);
	}
	return -ENODATA;
}

static int serve_client(struct docs_lsp *s)
{
	_cleanup_buf_ struct fl_buf in = {}, out = {};
	int r = 0;

	while (!r) {
		ssize_t n = read_heads(stdin);
		char *room;

		if (n == -ENODATA)
			return 0;
		if (n < 0 || n > MOST)
			return -EBADMSG;
		fl_buf_reset(&in);
		fl_buf_reset(&out);
		room = fl_buf_reserve(&in, (size_t)n + 1);
		if (!room)
			return -ENOMEM;
		if (fread(room, 1, (size_t)n, stdin) != (size_t)n)
			return 0;
		in.len = (size_t)n;
		r = docs_lsp_message(s, fl_buf_str(&in), &out);
		if (out.len && fl_buf_write_fd(&out, STDOUT_FILENO) < 0)
			return -EPIPE;
	}
	return r;
}

static int run_lsp(const void *v, const struct fl_args *args)
{
	struct docs_lsp *s;
	int r = docs_lsp_new(&s);

	if (!r)
		r = serve_client(s);
	if (r < 0 && r != -EPIPE)
		fl_say_failed("the client", r);
	docs_lsp_free(s);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static const struct fl_opt options[] = {
	{}
};

const struct fl_cmd fl_cmd_docs_lsp = {
	.name = "lsp",
	.summary = "A language server on standard input, for pages, ABI files and comments",
	.about = "It speaks the Language Server Protocol with an editor: diagnostics of the open buffer while\n"
		 "it is typed in, fixes as code actions, definitions, references and completion.",
	.options = options,
	.run = run_lsp,
};
