/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file a name stands for. A library that a process has mapped is the one in its own root; else the
 * loader's cache says. Its format is glibc's (dl-cache.h): behind a magic of 20 bytes the number of entries,
 * then from byte 48 on 24 bytes each, of which the second and third number are where name and path stand.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "elf/image.h"
#include "probe/target/target-private.h"
#include "probe/target/target.h"
#include "probe/target/user.h"

#define CACHE	    "/etc/ld.so.cache"
#define CACHE_MAGIC "glibc-ld.so.cache1.1"
#define CACHE_HEAD  48
#define CACHE_ENTRY 24

static bool starts_with_slash(struct fl_str s)
{
	return s.n && s.p[0] == '/';
}

/* "libc" is libc.so.6 and libc-2.31.so, "libc.so.6" itself alone. */
static bool is_library(struct fl_str file, struct fl_str name)
{
	if (fl_str_eq(file, name))
		return true;
	if (!fl_str_starts(name, "lib") || file.n <= name.n || memcmp(file.p, name.p, name.n))
		return false;
	file = fl_str_from(file, name.n);
	return fl_str_starts(file, ".so") ||
	       (file.p[0] == '-' && file.n > 4 && file.p[1] >= '0' && file.p[1] <= '9' &&
		fl_str_is(fl_str_from(file, file.n - 3), ".so"));
}

/* The last word of a line of maps, behind five others, may have blanks in it. */
static struct fl_str mapped_path(struct fl_str line)
{
	struct fl_str word;

	for (int i = 0; i < 5; i++)
		if (!fl_str_word(&line, &word))
			return (struct fl_str){};
	return fl_str_trim(line);
}

/* @path as a process sees it, from here: in its root where that is another one. */
static void in_root(uint32_t pid, struct fl_str path, struct fl_buf *ret)
{
	_cleanup_buf_ struct fl_buf theirs = {}, ours = {};
	struct stat a, b;

	fl_buf_addf(&theirs, "/proc/%u/root%.*s", pid, FL_STR_ARG(path));
	fl_buf_add_str(&ours, path);
	if (theirs.error || ours.error)
		ret->error = -ENOMEM;
	else if (stat(fl_buf_z(&theirs), &a) == 0 &&
		 (stat(fl_buf_z(&ours), &b) < 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino))
		fl_buf_add_str(ret, fl_buf_str(&theirs));
	else
		fl_buf_add_str(ret, path);
}

static int in_process(uint32_t pid, struct fl_str name, struct fl_buf *ret)
{
	_cleanup_file_ struct fl_file maps = {};
	char path[32];
	struct fl_str rest, line, mapped;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	if (fl_file_open(path, 64u << 20, &maps) < 0)
		return -ENOENT;
	rest = fl_file_str(&maps);
	while (fl_str_line(&rest, &line)) {
		mapped = mapped_path(line);
		if (!starts_with_slash(mapped) || !is_library(fl_str_base_name(mapped), name))
			continue;
		in_root(pid, mapped, ret);
		return ret->error;
	}
	return -ENOENT;
}

static bool is_ours(const char *path)
{
	struct fl_elf_image image;
	bool good = fl_elf_image_open(path, &image) == 0;

	if (good)
		fl_elf_image_close(&image);
	return good;
}

static struct fl_str cached(struct fl_str cache, uint32_t offset)
{
	return offset < cache.n ? fl_str_n(cache.p + offset, strnlen(cache.p + offset, cache.n - offset)) :
				  (struct fl_str){};
}

/* libssl.so, which is there to link with, is a link to libssl.so.3. */
static bool is_same_file(const char *x, const char *y)
{
	struct stat a, b;

	return stat(x, &a) == 0 && stat(y, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Of two libraries of one name the loader takes the first. */
static int take_library(struct fl_str soname, struct fl_str path, struct fl_str *found, struct fl_buf *ret)
{
	if (!found->n) {
		*found = soname;
		fl_buf_add_str(ret, path);
		return 0;
	}
	if (fl_str_eq(*found, soname) || is_same_file(fl_buf_z(ret), path.p))
		return 0;
	fl_buf_reset(ret);
	fl_buf_addf(ret, "%.*s\n%.*s", FL_STR_ARG(*found), FL_STR_ARG(soname));
	return -ENOTUNIQ;
}

static int in_cache(struct fl_str name, struct fl_buf *ret)
{
	_cleanup_file_ struct fl_file f = {};
	struct fl_str cache, found = {};
	uint32_t n;
	const char *at;
	int r = fl_file_open(CACHE, 64u << 20, &f);

	cache = fl_file_str(&f);
	at = r < 0 || !cache.n ? NULL : memmem(cache.p, cache.n, CACHE_MAGIC, sizeof(CACHE_MAGIC) - 1);
	cache = at ? fl_str_from(cache, (size_t)(at - cache.p)) : (struct fl_str){};
	if (cache.n < CACHE_HEAD)
		return -ENOENT;
	n = fl_get_le32(cache.p + 20);
	r = 0;
	for (uint32_t i = 0; i < n && r == 0 && CACHE_HEAD + (i + 1ull) * CACHE_ENTRY <= cache.n; i++) {
		const char *e = cache.p + CACHE_HEAD + (size_t)i * CACHE_ENTRY;
		struct fl_str soname = cached(cache, fl_get_le32(e + 4));
		struct fl_str path = cached(cache, fl_get_le32(e + 8));

		if (is_library(soname, name) && path.n && is_ours(path.p))
			r = take_library(soname, path, &found, ret);
	}
	return r < 0 ? r : found.n ? 0 : -ENOENT;
}

int fl_target_user_file(struct fl_target *t, struct fl_str name, struct fl_buf *ret)
{
	uint32_t pid = fl_target_process(t);
	int r = -ENOENT;

	if (memchr(name.p, '/', name.n)) {
		if (pid && starts_with_slash(name))
			in_root(pid, name, ret);
		else
			fl_buf_add_str(ret, name);
		return ret->error;
	}
	if (!fl_target_is_live(t) || !name.n)
		return -ENOENT;
	if (pid)
		r = in_process(pid, name, ret);
	if (r == -ENOENT && fl_str_starts(name, "lib")) /* other names are modules', which may yet come */
		r = in_cache(name, ret);
	return r;
}

/* ---- what is in it ---- */

void fl_user_places_fini(struct fl_user_places *p)
{
	free(p->v);
	fl_arena_fini(&p->arena);
	*p = (struct fl_user_places){};
}

bool fl_is_glob(struct fl_str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (strchr("*?[", name.p[i]))
			return true;
	return false;
}

void fl_target_use_code(struct fl_target *t, const struct fl_user_code *code)
{
	*fl_target_code(t) = code;
}

bool fl_target_has_code(struct fl_target *t)
{
	return *fl_target_code(t);
}

int fl_target_user_places(struct fl_target *t, struct fl_str path, struct fl_str name,
			  struct fl_user_places *ret)
{
	const struct fl_user_code *code = *fl_target_code(t);

	return code ? code->places(t, path, name, ret) : -ENODATA;
}

void fl_target_near_function(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_buf *out)
{
	const struct fl_user_code *code = *fl_target_code(t);

	if (code)
		code->near(t, path, name, out);
}

int fl_target_user_func(struct fl_target *t, struct fl_str path, uint64_t offset, struct fl_str symbol,
			struct fl_user_param *params, struct fl_type *ret)
{
	const struct fl_user_code *code = *fl_target_code(t);

	return code ? code->func(t, path, offset, symbol, params, ret) : -ENODATA;
}

int fl_target_user_type(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_type *ret)
{
	const struct fl_user_code *code = *fl_target_code(t);

	return code ? code->type(t, path, name, ret) : -ENODATA;
}

bool fl_target_user_inlined(struct fl_target *t, struct fl_str path, struct fl_str name)
{
	const struct fl_user_code *code = *fl_target_code(t);

	return code && code->inlined(t, path, name);
}
