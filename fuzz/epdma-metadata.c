// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A metadata block, and what it is held to. What the strict reader accepts must be built again byte
 * for byte, and be accepted as posted, unless it is of the layout that was not known then.
 */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/inspect/inspect.h"
#include "fuzz.h"

static void again(const uint8_t *blob, const struct fl_epmd_policy *strict, const struct fl_epmd *md,
		  size_t n)
{
	struct fl_epmd_policy posted = *strict;
	uint8_t built[FL_EPMD_LEN_MAX];
	struct fl_epmd other;
	size_t len;

	assert(fl_epmd_build(md, built, sizeof(built), &len) == 0);
	assert(len == md->len && memcmp(built, blob, len) == 0);
	posted.seed_compat = true;
	posted.layout = md->layout;
	assert(fl_epmd_parse(blob, n, &posted, &other, NULL) == 0);
	assert(memcmp(&other.chan, &md->chan, sizeof(other.chan)) == 0);
}

static void look(const uint8_t *blob, size_t n, const struct fl_epmd_policy *p)
{
	_cleanup_inspect_ struct fl_inspect i = {};
	_cleanup_buf_ struct fl_buf out = {};

	if (fl_inspect_dump("fuzz", fl_str_n((const char *)blob, n), &i))
		return;
	for (unsigned int k = 0; k < FL_EPDMA_NR_BARS; k++)
		i.bar[k].size = p->bar_size[k];
	fl_inspect_decode(&i, p->layout, p->seed_compat);
	fl_inspect_text(&i, &out);
	fl_inspect_json(&i, &out);
}

/* 16 bytes say how to read: flags, BAR, and the size of each BAR as a power of two. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_epmd_policy p = {};
	struct fl_epmd md;

	if (size < 16)
		return 0;
	p.seed_compat = data[0] & 1;
	p.need_ready = data[0] & 2;
	p.layout = data[1] % 3;
	p.bar = data[2] % 7;
	p.off_max = data[3] & 1 ? INT32_MAX : 0;
	for (unsigned int k = 0; k < FL_EPDMA_NR_BARS; k++)
		p.bar_size[k] = data[4 + k] == 255	? FL_EPMD_BAR_UNKNOWN
				: data[4 + k] % 64 == 0 ? 0
							: 1ull << data[4 + k] % 64;
	data += 16;
	size -= 16;
	if (fl_epmd_parse(data, size, &p, &md, NULL) == 0 && !p.seed_compat)
		again(data, &p, &md, size);
	(void)fl_epmd_validate(data, size, &p, NULL, NULL);
	look(data, size, &p);
	return 0;
}
