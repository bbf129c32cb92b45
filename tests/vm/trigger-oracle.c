/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the running kernel: reads lines "FILE<TAB>TEXT", writes each text into that file of its tracefs, and
 * prints what came of it, one JSON object a line:
 *
 *	{"errno":22,"log":"hist:sched:sched_switch: error: ...\n  Command: ...\n    ^\n...","show":"..."}
 *
 * where "log" is the whole of error_log without its times, and "show" what the file shows afterwards. A line
 * "=" takes away all that was defined before it, and empties the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"

static char text[1 << 20];
static char *used[64];
static size_t nr_used;

static void print_json(const char *s, size_t n)
{
	putchar('"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = s[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static size_t read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t n = 0;
	ssize_t got;

	while (fd >= 0 && n < sizeof(text) && (got = read(fd, text + n, sizeof(text) - n)) > 0)
		n += got;
	if (fd >= 0)
		close(fd);
	return n;
}

/* "[  1.5] " is taken off each line that has it. */
static void print_log(void)
{
	size_t n = read_file("error_log"), kept = 0;

	for (size_t i = 0, start = 1; i < n; i++) {
		if (start && text[i] == '[') {
			while (i < n && text[i] != ']')
				i++;
			i++;
			start = 0;
			continue;
		}
		start = text[i] == '\n';
		text[kept++] = text[i];
	}
	print_json(text, kept);
}

static void empty(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd >= 0)
		close(fd);
}

/* What another one refers to goes after it. */
static void reset(void)
{
	for (int round = 0; round < 6; round++) {
		for (size_t i = 0; i < nr_used; i++)
			empty(used[i]);
		empty("dynamic_events");
	}
	empty("error_log");
}

static void remember(const char *path)
{
	for (size_t i = 0; i < nr_used; i++)
		if (strcmp(used[i], path) == 0)
			return;
	if (nr_used < sizeof(used) / sizeof(used[0]) && strstr(path, "/trigger"))
		used[nr_used++] = strdup(path);
}

static int put(const char *path, const char *line, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND), err;

	if (fd < 0)
		return errno;
	err = write(fd, line, n) < 0 ? errno : 0;
	close(fd);
	return err;
}

int main(void)
{
	char *line = NULL, *tab;
	size_t cap = 0;
	ssize_t n;

	if (chdir(TRACING) < 0)
		return 1;
	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[0] == '=') {
			reset();
			continue;
		}
		tab = strchr(line, '\t');
		if (!tab)
			continue;
		*tab = '\0';
		remember(line);
		printf("{\"errno\":%d,\"log\":", put(line, tab + 1, line + n - tab - 1));
		print_log();
		printf(",\"show\":");
		print_json(text, read_file(line));
		printf("}\n");
	}
	reset();
	free(line);
	return 0;
}
