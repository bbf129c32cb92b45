/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends with blocks in its hands, its own and the C library's; built with and without the library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TAGGED
#include "foreland/alloc.h"
#endif

struct node {
	struct node *next;
	char *name;
};

static struct node *list;
static char *line, *text;

static void add(const char *name)
{
	struct node *n = malloc(sizeof(*n));

	if (!n)
		exit(1);
	n->next = list;
	n->name = strdup(name);
	list = n;
}

static void drop(void)
{
	struct node *n = list;

	list = n->next;
	free(n->name);
	free(n);
}

int main(int argc, char **argv)
{
	void *volatile table = calloc(100, sizeof(int));
	FILE *f = fopen("/proc/self/status", "r");
	size_t n = 8;

	for (int i = 0; i < 1000; i++) {
		char name[20];

		snprintf(name, sizeof(name), "%d", i * i);
		add(name);
		if (i % 3 == 0)
			drop();
	}
	table = realloc(table, 1234);
	line = malloc(n);
	if (f && getline(&line, &n, f) < 0) /* grown by the C library: its block from then on */
		return 1;
	if (asprintf(&text, "%0100d", 7) < 0)
		return 1;
	return !table;
}
