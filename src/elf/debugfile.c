/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/debugfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/cleanup.h"

#define DEBUG_DIR "/usr/lib/debug"

/* The right one has the same build-id. */
static int open_by_id(const struct fl_elf_image *i, const char *path, struct fl_elf_image *ret)
{
	struct fl_elf_image d;
	int r = fl_elf_image_open(path, &d);

	if (r < 0)
		return r;
	if (!fl_str_eq(fl_elf_build_id(i), fl_elf_build_id(&d))) {
		fl_elf_image_close(&d);
		return -ENOENT;
	}
	*ret = d;
	return 0;
}

static int by_build_id(const struct fl_elf_image *i, struct fl_elf_image *ret)
{
	struct fl_str id = fl_elf_build_id(i);
	_cleanup_buf_ struct fl_buf path = {};

	if (id.n < 2 || id.n > 64)
		return -ENOENT;
	fl_buf_addz(&path, DEBUG_DIR "/.build-id/");
	for (size_t k = 0; k < id.n; k++)
		fl_buf_addf(&path, "%02x%s", (unsigned char)id.p[k], k ? "" : "/");
	fl_buf_addz(&path, ".debug");
	return path.error ? path.error : open_by_id(i, fl_buf_z(&path), ret);
}

static int open_by_sum(const char *path, uint32_t sum, struct fl_elf_image *ret)
{
	struct fl_elf_image d;
	int r = fl_elf_image_open(path, &d);

	if (r < 0)
		return r;
	if (crc32_z(0, d.file.data, d.file.size) != sum) {
		fl_elf_image_close(&d);
		return -ENOENT;
	}
	*ret = d;
	return 0;
}

/* A file's name, padded to four bytes, and a checksum. */
static int by_link(const struct fl_elf_image *i, const char *path, struct fl_elf_image *ret)
{
	struct fl_str link = fl_elf_section_bytes(i, fl_elf_section(i, ".gnu_debuglink"));
	_cleanup_free_ char *real = realpath(path, NULL);
	const char *slash = real ? strrchr(real, '/') : NULL;
	size_t n = link.n ? strnlen(link.p, link.n) : 0;
	int r = -ENOENT;

	if (!n || !slash || link.n < 8 || n > link.n - 5 || memchr(link.p, '/', n))
		return -ENOENT;
	for (int place = 0; r < 0 && place < 3; place++) {
		_cleanup_buf_ struct fl_buf p = {};

		fl_buf_addz(&p, place == 2 ? DEBUG_DIR : "");
		fl_buf_add(&p, real, (size_t)(slash - real) + 1);
		fl_buf_addz(&p, place == 1 ? ".debug/" : "");
		fl_buf_add(&p, link.p, n);
		if (!p.error && strcmp(fl_buf_z(&p), real))
			r = open_by_sum(fl_buf_z(&p), fl_get_le32(link.p + link.n - 4), ret);
	}
	return r;
}

bool fl_elf_debuginfod_wanted(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && *urls;
}

#ifdef FL_STATIC
bool fl_elf_debuginfod_possible(void)
{
	return false;
}

static int by_server(const struct fl_elf_image *i, struct fl_elf_image *ret)
{
	return -ENOENT;
}
#else

struct client {
	void *library;
	void *(*begin)(void);
	void (*end)(void *client);
	int (*find)(void *client, const unsigned char *id, int n, char **path);
};

static const struct client *client(void)
{
	static struct client c;
	static bool tried;

	if (!tried) {
		tried = true;
		c.library = dlopen("libdebuginfod.so.1", RTLD_NOW);
	}
	if (c.library && !c.find) {
		*(void **)&c.begin = dlsym(c.library, "debuginfod_begin");
		*(void **)&c.end = dlsym(c.library, "debuginfod_end");
		*(void **)&c.find = dlsym(c.library, "debuginfod_find_debuginfo");
	}
	return c.library && c.begin && c.end && c.find ? &c : NULL;
}

bool fl_elf_debuginfod_possible(void)
{
	return client() != NULL;
}

/* Its client keeps what it fetched, and asks the servers that the variable names. */
static int by_server(const struct fl_elf_image *i, struct fl_elf_image *ret)
{
	struct fl_str id = fl_elf_build_id(i);
	const struct client *c;
	_cleanup_free_ char *path = NULL;
	void *session;
	int fd = -1;

	if (!fl_elf_debuginfod_wanted() || !id.n || id.n > 64)
		return -ENOENT;
	c = client();
	session = c ? c->begin() : NULL;
	if (!session)
		return -ENOENT;
	fd = c->find(session, (const unsigned char *)id.p, (int)id.n, &path);
	c->end(session);
	if (fd < 0)
		return -ENOENT;
	close(fd);
	return open_by_id(i, path, ret);
}
#endif

int fl_elf_debugfile_open(const struct fl_elf_image *i, const char *path, struct fl_elf_image *ret)
{
	if (by_build_id(i, ret) == 0 || by_link(i, path, ret) == 0)
		return 0;
	return by_server(i, ret);
}
