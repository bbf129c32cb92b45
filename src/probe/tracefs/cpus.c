/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracing_cpumask: the CPUs whose events are wanted, as words of 32 bits in hexadecimal, the highest first. */
#include <errno.h>
#include <string.h>

#include "base/num.h"
#include "bpf/sys.h"
#include "probe/tracefs/private.h"

static unsigned int nr_cpus(void)
{
	int n = fl_bpf_possible_cpus();

	return n < 1 ? 1 : FL_MIN((unsigned int)n, (unsigned int)TRACEFS_MAX_CPUS);
}

bool cpus_has(const struct instance *in, uint32_t cpu)
{
	return cpu >= TRACEFS_MAX_CPUS || !(in->no_cpus[cpu / 64] >> cpu % 64 & 1);
}

static int mask_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;
	unsigned int n = nr_cpus();

	for (unsigned int word = (n + 31) / 32; word-- > 0;) {
		unsigned int bits = FL_MIN(n - word * 32, 32u);
		uint32_t v = (uint32_t)~(in->no_cpus[word / 2] >> word % 2 * 32);

		v &= (uint32_t)((UINT64_C(1) << bits) - 1);
		fl_buf_addf(out, "%0*x%s", (int)(bits + 3) / 4, v, word ? "," : "\n");
	}
	return 0;
}

static int mask_store(struct fl_node *attr, struct fl_str text)
{
	uint64_t mask[TRACEFS_MAX_CPUS / 64] = {}, v;
	struct instance *in = attr->data;
	struct fl_str rest = fl_str_trim(text);

	if (!rest.n)
		return -EINVAL;
	while (rest.n) {
		size_t end = fl_str_find(rest, ',', 0);

		if (fl_parse_u64(fl_str_sub(rest, 0, end), 16, &v) < 0 || v > UINT32_MAX ||
		    mask[FL_ARRAY_SIZE(mask) - 1] >> 32)
			return -EINVAL;
		for (size_t i = FL_ARRAY_SIZE(mask); i-- > 0;)
			mask[i] = mask[i] << 32 | (i ? mask[i - 1] >> 32 : v);
		rest = fl_str_from(rest, end + 1);
	}
	tracefs_drain(in, true);
	for (size_t i = 0; i < FL_ARRAY_SIZE(mask); i++)
		in->no_cpus[i] = ~mask[i];
	return 0;
}

int tracefs_add_cpus(struct instance *in)
{
	static const struct attr_row row = { "tracing_cpumask", 0644, { mask_show, mask_store } };

	return tracefs_add_attrs(in, in->root, &row, 1, in);
}
