/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that Kconfig files define. They are read when somebody first asks. */
#include "docs/run.h"

#include <errno.h>

static int add_symbol(struct docs_run *run, struct fl_str name)
{
	char *key = fl_arena_dup(&run->workers[0].sink.arena, name);

	return key && fl_map_put(&run->symbols, fl_str_n(key, name.n), NULL) ? 0 : -ENOMEM;
}

static int read_kconfig(struct docs_run *run, struct fl_str text)
{
	struct fl_str line, word, name;
	int r = 0;

	while (!r && fl_str_line(&text, &line)) {
		if (fl_str_word(&line, &word) && (fl_str_is(word, "config") || fl_str_is(word, "menuconfig")) &&
		    fl_str_word(&line, &name))
			r = add_symbol(run, name);
	}
	return r;
}

int docs_read_symbols(struct docs_run *run)
{
	_cleanup_buf_ struct fl_buf text = {};
	int r = run->symbols_read ? 0 : docs_tree_list(run->tree);

	for (size_t i = 0; !r && !run->symbols_read && i < run->tree->nr_paths; i++) {
		const char *path = run->tree->paths[i], *name = strrchr(path, '/');

		if (strncmp(name ? name + 1 : path, "Kconfig", 7))
			continue;
		if (docs_tree_read(run->tree, path, &text) == 0)
			r = read_kconfig(run, fl_buf_str(&text));
	}
	run->symbols_read = true;
	return r;
}
