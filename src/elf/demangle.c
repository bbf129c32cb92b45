/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/demangle.h"

#include <libiberty/demangle.h>
#include <stddef.h>
#include <string.h>

/* A name this long is made to be expensive: substitutions multiply. */
#define NAME_MAX_MANGLED 8192

char *fl_elf_demangle(const char *name)
{
	if ((name[0] != '_' && strncmp(name, "R", 1)) || strlen(name) > NAME_MAX_MANGLED)
		return NULL;
	return cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
}
