// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec as a filter, for comparison with a decoder in another language. A record on standard
 * input is 68 bytes of policy (little-endian: u32 snapshot bytes, u8 seed_compat, u8 layout, u8
 * need_ready, u8 metadata BAR, u64 size of each BAR, u64 largest offset, u32 zero) and the snapshot;
 * the answer is a line: reason and errno, or everything that was decoded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/num.h"
#include <foreland/epdma.h>

#define POLICY_LEN 68

static void print_window(const struct fl_epmd_window *w)
{
	printf(" %u:%llx:%x:%llx", w->bar, (unsigned long long)w->offset, w->size,
	       (unsigned long long)w->addr);
}

static void print_block(const struct fl_epmd *md)
{
	printf("ok %c %u %u %u %u %u", md->layout == FL_EPMD_B ? 'B' : 'A', md->len, md->entry_size,
	       md->map, md->host_req, md->ready);
	printf(" %u:%llx:%x", md->reg.bar, (unsigned long long)md->reg.offset, md->reg.size);
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		printf(" %u", md->n[dir]);
		for (unsigned int i = 0; i < md->n[dir]; i++) {
			print_window(&md->chan[dir][i].desc);
			if (md->chan[dir][i].aux_valid)
				print_window(&md->chan[dir][i].aux);
		}
	}
	putchar('\n');
}

int main(void)
{
	uint8_t head[POLICY_LEN];

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		struct fl_epmd_policy policy = { .seed_compat = head[4], .layout = head[5],
						 .need_ready = head[6], .bar = head[7],
						 .off_max = fl_get_le64(head + 56) };
		size_t n = fl_get_le32(head);
		/* exactly as large as the snapshot, so that a sanitizer sees every step outside */
		uint8_t *blob = malloc(n ? n : 1);
		struct fl_epmd_finding why;
		struct fl_epmd md;

		for (unsigned int k = 0; k < FL_EPDMA_NR_BARS; k++)
			policy.bar_size[k] = fl_get_le64(head + 8 + 8 * k);
		if (!blob || (n && fread(blob, n, 1, stdin) != 1))
			return 2;
		if (fl_epmd_parse(blob, n, &policy, &md, &why))
			printf("%s %s\n", why.kind->code, fl_errno_name(why.kind->err));
		else
			print_block(&md);
		free(blob);
	}
	return 0;
}
