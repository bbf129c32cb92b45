/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main() of a fuzz target where libFuzzer is not linked: runs every file that it is given, and
 * every file of the folders that it is given, through the target once. With -mutate=N each file is
 * also run N times with bytes flipped, cut, doubled and spliced, from a fixed seed, so that any
 * build with sanitizers gives a short fuzz run that is the same everywhere.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/num.h"
#include "fuzz.h"

#define MAX_FILE (1u << 20)

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 32;
}

static void mutate(struct fl_buf *b)
{
	size_t at = b->len ? random32() % b->len : 0, n;

	switch (random32() % 5) {
	case 0:
		if (b->len)
			b->data[at] ^= 1u << random32() % 8;
		break;
	case 1:
		if (b->len)
			b->data[at] = "\0\xff 0-(){}[]:.,\n\t\"'\\/@+$%*#<>="[random32() % 30];
		break;
	case 2:
		b->len = at;
		break;
	case 3:
		n = b->len - at;
		n = n > 64 ? 64 : n;
		if (n && fl_buf_reserve(b, n)) {
			memmove(b->data + at + n, b->data + at, b->len - at);
			b->len += n;
		}
		break;
	case 4:
		n = b->len - at;
		n = n > 8 ? 8 : n;
		memmove(b->data + at, b->data + at + n, b->len - at - n);
		b->len -= n;
		break;
	}
}

static int run_file(const char *path, uint64_t mutations)
{
	_cleanup_file_ struct fl_file f = {};
	int r = fl_file_open(path, MAX_FILE, &f);

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
		return 1;
	}
	LLVMFuzzerTestOneInput(f.data, f.size);
	for (uint64_t i = 0; i < mutations; i++) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_buf_add(&b, f.data, f.size);
		for (uint32_t n = 1 + random32() % 4; n; n--)
			mutate(&b);
		LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
	}
	return 0;
}

static int run_folder(const char *path, uint64_t mutations, unsigned int *files)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	int failed = 0;

	while (dir && (e = readdir(dir))) {
		_cleanup_buf_ struct fl_buf file = {};

		if (e->d_name[0] == '.')
			continue;
		fl_buf_addf(&file, "%s/%s", path, e->d_name);
		failed |= run_file(fl_buf_z(&file), mutations);
		++*files;
	}
	return failed;
}

int main(int argc, char **argv)
{
	unsigned int files = 0;
	uint64_t mutations = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (strncmp(argv[i], "-mutate=", 8) == 0) {
			failed |= fl_parse_u64(fl_str(argv[i] + 8), 10, &mutations) < 0;
		} else if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			failed |= run_folder(argv[i], mutations, &files);
		} else {
			failed |= run_file(argv[i], mutations);
			files++;
		}
	}
	printf("%u files, %llu mutations of each\n", files, (unsigned long long)mutations);
	return failed || !files;
}
