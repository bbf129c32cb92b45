/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shared library that was built with tags, to be loaded and unloaded with objects alive. */
#include "foreland/alloc.h"

__attribute__((visibility("default"))) void *plugin_allocate(size_t size);

void *plugin_allocate(size_t size)
{
	return malloc(size);
}

/* Is not called: a tag that holds nothing. */
__attribute__((visibility("default"))) char *plugin_copy(const char *s);

char *plugin_copy(const char *s)
{
	return strdup(s);
}
