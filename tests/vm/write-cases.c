/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write-cases DIR < CASES: does to the files of a tracefs what the lines of CASES say, and prints what came of each:
 * "FLAG FILE TEXT" writes TEXT (where \n, \t, \0, \\ and \xNN mean what they mean in C) in one write(2) to FILE,
 * opened for writing with O_TRUNC (t), O_APPEND (a), O_CREAT (c) or none of them (w); "mkdir", "rmdir" and "stat"
 * want no TEXT, and "mv" has the new name for it; "show" reads. "- FILE" in front of it all: FILE is what is shown
 * behind a write, instead of the one that was written to. Behind each the error log's new entries, without their
 * times.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char log_before[1 << 16], text[1 << 17], shown[1 << 16];

static size_t slurp(const char *file, char *to, size_t size)
{
	int fd = open(file, O_RDONLY | O_NONBLOCK);
	size_t n = 0;
	ssize_t r = -1;

	while (fd >= 0 && n < size - 1 && (r = read(fd, to + n, size - 1 - n)) > 0)
		n += (size_t)r;
	to[n] = '\0';
	if (fd < 0 || r < 0)
		snprintf(to + n, size - n, "(%s)\n", strerror(errno));
	if (fd >= 0)
		close(fd);
	return strlen(to);
}

static void print_block(const char *mark, const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "\n");

		printf("%s%.*s\n", mark, (int)n, s);
		s += n + (s[n] == '\n');
	}
}

/* Only lines that were not there before: their times tell them apart. */
static void new_errors(void)
{
	static char now[1 << 16];
	const char *from = now;
	size_t n;

	slurp("error_log", now, sizeof(now));
	n = strlen(log_before);
	if (n && strncmp(now, log_before, n) == 0) {
		from = now + n;
	} else if (n) { /* the oldest has made room: whole entries of the front may be gone */
		for (const char *s = log_before; (s = strstr(s + 1, "\n[")); )
			if (strncmp(now, s + 1, strlen(s + 1)) == 0) {
				from = now + strlen(s + 1);
				break;
			}
	}
	for (const char *s = from; *s;) {
		size_t len = strcspn(s, "\n");
		const char *says = memchr(s, ']', len);

		says = *s == '[' && says ? says + 1 : s;
		printf("  log:%.*s\n", (int)(s + len - says), says);
		s += len + (s[len] == '\n');
	}
	memcpy(log_before, now, sizeof(now));
}

static size_t unescape(const char *s, char *to)
{
	size_t n = 0;

	for (; *s; s++) {
		if (*s != '\\') {
			to[n++] = *s;
		} else if (*++s == 'x') {
			const char hex[] = { s[1], s[2], '\0' };

			to[n++] = (char)strtol(hex, NULL, 16);
			s += 2;
		} else {
			to[n++] = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s == '0' ? '\0' : *s;
		}
	}
	return n;
}

static void result(int r)
{
	printf("  %s\n", r < 0 ? strerror(errno) : "done");
}

static void put(const char *file, int flags, const char *escaped)
{
	size_t n = unescape(escaped, text);
	int fd = open(file, O_WRONLY | flags, 0644);
	ssize_t r;

	if (fd < 0) {
		printf("  open: %s\n", strerror(errno));
		return;
	}
	r = write(fd, text, n);
	if (r < 0)
		printf("  write: %s\n", strerror(errno));
	else
		printf("  write: %zd of %zu\n", r, n);
	if (close(fd) < 0)
		printf("  close: %s\n", strerror(errno));
}

static void do_case(char *line)
{
	char *what = strsep(&line, " "), *file, *show = NULL;
	struct stat st;

	if (strcmp(what, "-") == 0) {
		show = strsep(&line, " ");
		what = strsep(&line, " ");
	}
	file = strsep(&line, " ");
	line = line ? line : (char *)"";
	if (strcmp(what, "mkdir") == 0) {
		result(mkdir(file, 0755));
	} else if (strcmp(what, "rmdir") == 0) {
		result(rmdir(file));
	} else if (strcmp(what, "mv") == 0) {
		result(rename(file, line));
	} else if (strcmp(what, "stat") == 0) {
		result(stat(file, &st));
	} else {
		if (strcmp(what, "show"))
			put(file, *what == 't' ? O_TRUNC : *what == 'a' ? O_APPEND : *what == 'c' ? O_CREAT : 0, line);
		slurp(show ? show : file, shown, sizeof(shown));
		print_block("  | ", shown);
	}
	new_errors();
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (argc != 2 || chdir(argv[1]) < 0)
		return 2;
	slurp("error_log", log_before, sizeof(log_before));
	for (int i = 1; (n = getline(&line, &cap, stdin)) > 0; i++) {
		line[n - 1] = '\0';
		printf("== %d %.200s\n", i, line);
		do_case(line);
	}
	free(line);
	return 0;
}
