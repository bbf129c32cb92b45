/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that Kconfig files define, read beside everything else. */
#include "docs/run.h"

#include <errno.h>

static int add_symbol(struct docs_run *run, struct fl_str name)
{
	char *key = fl_arena_dup(&run->symbol_arena, name);

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

static void *read_symbols(void *arg)
{
	struct docs_run *run = arg;
	_cleanup_buf_ struct fl_buf text = {};
	int r = docs_tree_list(run->tree);

	for (size_t i = 0; !r && i < run->tree->nr_paths; i++) {
		const char *path = run->tree->paths[i], *name = strrchr(path, '/');

		if (strncmp(name ? name + 1 : path, "Kconfig", 7))
			continue;
		if (docs_tree_read(run->tree, path, &text) == 0)
			r = read_kconfig(run, fl_buf_str(&text));
	}
	run->symbol_error = r;
	return NULL;
}

void docs_start_symbols(struct docs_run *run)
{
	if (!run->symbols_started && !run->symbols_read)
		run->symbols_started = !pthread_create(&run->symbol_thread, NULL, read_symbols, run);
}

int docs_wait_symbols(struct docs_run *run)
{
	if (run->symbols_started)
		pthread_join(run->symbol_thread, NULL);
	else if (!run->symbols_read)
		read_symbols(run);
	run->symbols_started = false;
	run->symbols_read = true;
	return run->symbol_error;
}
