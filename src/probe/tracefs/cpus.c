/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracing_cpumask: the CPUs whose events are wanted, as words of 32 bits in hexadecimal, the highest first. */
#include <errno.h>
#include <string.h>

#include "base/num.h"
#include "bpf/sys.h"
#include "probe/tracefs/private.h"

#define SEPARATORS ", \t\r\v\f"

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

/* A word of the mask ends at a comma or a blank; they are read from the last to the first. */
static int cut_last(struct fl_str *rest, uint64_t *ret)
{
	size_t start = rest->n;
	struct fl_str word;

	while (start && !strchr(SEPARATORS, rest->p[start - 1]))
		start--;
	word = fl_str_from(*rest, start);
	rest->n = start;
	if (fl_parse_u64(word, 16, ret) < 0 || fl_str_starts(word, "0x") || fl_str_starts(word, "0X"))
		return -EINVAL;
	return word.n > 8 ? -EOVERFLOW : 0;
}

static int parse_mask(struct fl_str text, uint64_t mask[TRACEFS_MAX_CPUS / 64])
{
	struct fl_str rest = fl_str_sub(text, 0, fl_str_find(text, '\n', 0));
	unsigned int n = nr_cpus();
	uint64_t v;

	for (unsigned int word = 0;; word++) {
		unsigned int bits = n > word * 32 ? FL_MIN(n - word * 32, 32u) : 0;
		int r;

		while (rest.n && strchr(SEPARATORS, rest.p[rest.n - 1]))
			rest.n--;
		if (!rest.n)
			return 0;
		if (!bits)
			return -EOVERFLOW;
		r = cut_last(&rest, &v);
		if (r < 0)
			return r;
		if (v >> bits)
			return -EOVERFLOW;
		mask[word / 2] |= v << word % 2 * 32;
	}
}

static int mask_store(struct fl_node *attr, struct fl_str text)
{
	uint64_t mask[TRACEFS_MAX_CPUS / 64] = {};
	struct instance *in = attr->data;
	int r = parse_mask(text, mask);

	if (r < 0)
		return r;
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
