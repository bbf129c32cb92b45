/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/unpack.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_LEVEL 3

const char *const fl_packing_names[_FL_PACKING_MAX] = {
	[FL_PACKING_NONE] = "none",
	[FL_PACKING_ZLIB] = "zlib",
	[FL_PACKING_ZSTD] = "zstd",
};

int fl_packing_find(struct fl_str name, enum fl_packing *ret)
{
	for (unsigned int i = 0; i < _FL_PACKING_MAX; i++) {
		if (fl_str_is(name, fl_packing_names[i])) {
			*ret = (enum fl_packing)i;
			return 0;
		}
	}
	return -EPROTONOSUPPORT;
}

static int unpack_zlib(struct fl_str block, void *out, size_t *size)
{
	uLongf made = *size;

	if (uncompress(out, &made, (const Bytef *)block.p, block.n) != Z_OK)
		return -EINVAL;
	*size = made;
	return 0;
}

void fl_unpacker_fini(struct fl_unpacker *u)
{
	ZSTD_freeDCtx(u->zstd);
	u->zstd = NULL;
}

static int unpack_zstd(struct fl_unpacker *u, struct fl_str block, void *out, size_t *size)
{
	size_t made;

	if (!u->zstd)
		u->zstd = ZSTD_createDCtx();
	if (!u->zstd)
		return -ENOMEM;
	made = ZSTD_decompressDCtx(u->zstd, out, *size, block.p, block.n);
	if (ZSTD_isError(made))
		return -EINVAL;
	*size = made;
	return 0;
}

int fl_unpack(struct fl_unpacker *u, enum fl_packing packing, struct fl_str block, void *out, size_t size,
	      size_t *ret_made)
{
	int r = -EINVAL;

	if (packing == FL_PACKING_ZLIB)
		r = unpack_zlib(block, out, &size);
	else if (packing == FL_PACKING_ZSTD)
		r = unpack_zstd(u, block, out, &size);
	if (r == 0)
		*ret_made = size;
	return r;
}

int fl_pack(enum fl_packing packing, struct fl_str data, struct fl_buf *out)
{
	bool zstd = packing == FL_PACKING_ZSTD;
	size_t room = zstd ? ZSTD_compressBound(data.n) : compressBound(data.n);
	char *at = fl_buf_reserve(out, room);
	uLongf made = room;

	if (!at)
		return -ENOMEM;
	if (zstd) {
		made = ZSTD_compress(at, room, data.p, data.n, ZSTD_LEVEL);
		if (ZSTD_isError(made))
			return -ENOMEM;
	} else if (compress((Bytef *)at, &made, (const Bytef *)data.p, data.n) != Z_OK) {
		return -ENOMEM;
	}
	out->len += made;
	return 0;
}
