/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/bundle/tar.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 512u

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "POSIX: a header is one block");

/* Of all bytes, those of the sum itself as blanks. */
static uint32_t sum_of(const struct header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	uint32_t sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i - offsetof(struct header, sum) < sizeof(h->sum) ? ' ' : p[i];
	return sum;
}

int fl_tar_add(struct fl_buf *out, const char *name, struct fl_str content)
{
	struct header h = { .mode = "0000644", .uid = "0000000", .gid = "0000000", .mtime = "00000000000", .type = '0',
			    .magic = "ustar", .version = { '0', '0' } };

	if (strlen(name) >= sizeof(h.name))
		return -ENAMETOOLONG;
	memcpy(h.name, name, strlen(name));
	snprintf(h.size, sizeof(h.size), "%011zo", content.n & 077777777777);
	snprintf(h.sum, sizeof(h.sum), "%06o", sum_of(&h) & 0777777u);
	h.sum[7] = ' ';
	fl_buf_add(out, &h, sizeof(h));
	fl_buf_add_str(out, content);
	fl_buf_fill(out, '\0', (BLOCK - content.n % BLOCK) % BLOCK);
	return out->error;
}

void fl_tar_end(struct fl_buf *out)
{
	fl_buf_fill(out, '\0', (size_t)2 * BLOCK);
}

/* Octal digits up to a blank or a NUL. */
static int number(const char *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v * 8 + (uint64_t)(p[i] - '0');
	if (!i || (i < n && p[i] && p[i] != ' '))
		return -EINVAL;
	*ret = v;
	return 0;
}

static int read_member(struct fl_str *rest, struct header *h, struct fl_str *ret_content)
{
	uint64_t size, sum, whole;

	if (rest->n < BLOCK)
		return -EINVAL;
	memcpy(h, rest->p, sizeof(*h));
	if (memcmp(h->magic, "ustar", 5) != 0 || number(h->sum, sizeof(h->sum), &sum) < 0 || sum != sum_of(h) ||
	    number(h->size, sizeof(h->size), &size) < 0 || size > rest->n - BLOCK)
		return -EINVAL;
	whole = (size + BLOCK - 1) / BLOCK * BLOCK;
	if (whole > rest->n - BLOCK)
		return -EINVAL;
	*ret_content = fl_str_sub(*rest, BLOCK, size);
	*rest = fl_str_from(*rest, BLOCK + whole);
	return 1;
}

static bool is_end(struct fl_str rest)
{
	static const char zeros[BLOCK];

	return rest.n >= BLOCK && memcmp(rest.p, zeros, BLOCK) == 0;
}

int fl_tar_next(struct fl_str *rest, struct fl_str *ret_name, struct fl_str *ret_content)
{
	struct header h;
	int r;

	do {
		const char *name = rest->p;

		if (is_end(*rest))
			return 0;
		r = read_member(rest, &h, ret_content);
		if (r < 0)
			return r;
		*ret_name = fl_str_n(name, strnlen(name, sizeof(h.name)));
	} while (h.type != '0' && h.type != '\0');
	return 1;
}
