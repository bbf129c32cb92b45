/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/library/library.h"

#include <dlfcn.h>
#include <errno.h>

int fl_library_open(const char *const *names, const struct fl_library_symbol *symbols, struct fl_buf *why)
{
	void *lib = NULL;

	for (size_t i = 0; names[i] && !lib; i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		fl_buf_addf(why, "%s is not installed", names[0]);
		return -ENOENT;
	}
	for (size_t i = 0; symbols[i].name; i++) {
		*symbols[i].to = dlsym(lib, symbols[i].name);
		if (*symbols[i].to)
			continue;
		fl_buf_addf(why, "%s has no %s: it is too old", names[0], symbols[i].name);
		dlclose(lib);
		return -ENOENT;
	}
	return 0;
}
