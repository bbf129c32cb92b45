/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the running kernel: reads probe definitions, one a line, writes each to its dynamic_events
 * (or to the file named), and prints what came of it, one JSON object a line:
 *
 *	{"errno":22,"log":[["trace_kprobe: error: Invalid ...","p vfs_read ...",17]],"list":""}
 *
 * where the number is the caret's column in the command before it. Every byte that is not plain
 * ASCII is printed as \u00xx. Each definition meets an empty list and an empty log, but
 * behind a line "+" the next one meets what is there of both. "=N" instead of a file name repeats the input
 * N times, prints the seconds it took and no rows: for the benchmark.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"

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

static size_t read_file(const char *path, char *text, size_t cap)
{
	int fd = open(path, O_RDONLY);
	size_t n = 0;
	ssize_t got;

	while (fd >= 0 && n < cap && (got = read(fd, text + n, cap - n)) > 0)
		n += got;
	if (fd >= 0)
		close(fd);
	return n;
}

static char text[1 << 20];

/* Where module fetchargs is loaded: it prints the fetch programs, too. */
static const char *list_file = TRACING "dynamic_events";

static void print_list(void)
{
	printf(",\"list\":");
	print_json(text, read_file(list_file, text, sizeof(text)));
}

/* Three lines an entry: "[  1.5] subsystem: error: ...", "  Command: ...", blanks and "^". */
static void print_log(void)
{
	static const char command[] = "  Command: ";
	char *end = text + read_file(TRACING "error_log", text, sizeof(text)), *next;
	int part = 0;

	printf(",\"log\":[");
	for (char *line = text; line < end; line = next + 1) {
		next = memchr(line, '\n', end - line);
		if (!next)
			break;
		if (part % 3 == 0) {
			char *close = memchr(line, ']', next - line);

			printf("%s[", part ? "," : "");
			line = close ? close + 2 : line;
			print_json(line, next - line);
		} else if (part % 3 == 1) {
			putchar(',');
			print_json(line + sizeof(command) - 1, next - line - sizeof(command) + 1);
		} else {
			printf(",%td]", next - line - (ptrdiff_t)sizeof(command));
		}
		part++;
	}
	printf("]");
}

static void empty(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd >= 0)
		close(fd);
}

static int define(const char *path, const char *line, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND), err;

	if (fd < 0)
		return errno;
	err = write(fd, line, n) < 0 ? errno : 0;
	close(fd);
	return err;
}

/* Event probes first: they hold the events that they are attached to. */
static void empty_list(void)
{
	size_t n = read_file(TRACING "dynamic_events", text, sizeof(text) - 1);

	text[n] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		char removal[256] = "-";
		size_t name = strcspn(line + 1, " ");

		if (line[0] != 'e' || name + 2 > sizeof(removal))
			continue;
		memcpy(removal + 1, line + 1, name);
		define(TRACING "dynamic_events", removal, name + 1);
	}
	empty(TRACING "dynamic_events");
}

static void ask(const char *path, const char *line, size_t n)
{
	int err = define(path, line, n);

	printf("{\"errno\":%d", err);
	print_log();
	print_list();
	printf("}\n");
}

static int bench(long rounds)
{
	static char lines[1 << 22];
	size_t n = fread(lines, 1, sizeof(lines), stdin);
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < rounds; i++) {
		for (char *line = lines, *end; line < lines + n; line = end + 1) {
			end = memchr(line, '\n', lines + n - line);
			if (!end)
				break;
			define(TRACING "kprobe_events", line, end - line + 1);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.6f\n", b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 && argv[1][0] == '/' ? argv[1] : TRACING "dynamic_events";
	bool keep = false;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (access("/proc/fetchargs", R_OK) == 0)
		list_file = "/proc/fetchargs";
	if (argc > 1 && argv[1][0] == '=')
		return bench(strtol(argv[1] + 1, NULL, 10));
	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (strcmp(line, "+\n") == 0) {
			keep = true;
			continue;
		}
		if (!keep) {
			empty_list();
			empty(TRACING "error_log");
		}
		keep = false;
		ask(path, line, n);
	}
	empty_list();
	free(line);
	return 0;
}
