/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * btf-open [FILE [ROUNDS]]: opening BTF and two look-ups by name, ours against libbpf's btf__parse() of
 * the same file without any look-up. Without FILE it is the running kernel's own, opened as tracing
 * does it; a FILE is checked as well. The two take turns, and it is their CPU time that counts; medians
 * and the median of the ratios of each turn are printed. No verdict.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "measure.h"
#include "btf/btf.h"

#define MAX_ROUNDS 1001

static double now(void)
{
	return seconds(CLOCK_THREAD_CPUTIME_ID) * 1e6;
}

static double ours(const char *path, bool is_file)
{
	double start = now();
	_cleanup_btf_ struct fl_btf *btf = NULL;
	int r = is_file ? fl_btf_open(path, NULL, NULL, NULL, &btf)
			: fl_btf_open_kernel(path, NULL, NULL, NULL, &btf);

	if (r < 0 ||
	    !fl_btf_find(btf, FL_STR("task_struct"), FL_KIND(BTF_KIND_STRUCT)).id ||
	    !fl_btf_find(btf, FL_STR("vfs_read"), FL_KIND(BTF_KIND_FUNC)).id) {
		fprintf(stderr, "%s: cannot be opened, or is no kernel's\n", path);
		exit(1);
	}
	return now() - start;
}

static double theirs(const char *path)
{
	double start = now(), end;
	struct btf *btf = btf__parse(path, NULL);

	if (!btf) {
		fprintf(stderr, "%s: libbpf cannot open it\n", path);
		exit(1);
	}
	end = now();
	btf__free(btf);
	return end - start;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/sys/kernel/btf/vmlinux";
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 51;
	static double a[MAX_ROUNDS], b[MAX_ROUNDS], ratio[MAX_ROUNDS];

	n = n < 1 ? 1 : FL_MIN(n, (long)MAX_ROUNDS);
	for (long i = 0; i < n; i++) {
		a[i] = ours(path, argc > 1);
		b[i] = theirs(path);
		ratio[i] = a[i] / b[i];
	}
	printf("ours, open + 2 look-ups:  %.0f us\n", median(a, n));
	printf("libbpf, btf__parse():     %.0f us\n", median(b, n));
	printf("ratio: %.2f (goal 0.33)\n", median(ratio, n));
	return 0;
}
