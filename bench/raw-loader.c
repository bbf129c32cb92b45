/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw-loader: the least that a C program does to print one event: a raw tracepoint program on
 * sched_switch that sends the time and the bare pointer "next" through one ring, without any types.
 * What first-event holds foreland's start against. Link it statically.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define INSN(op, dst, src, o, i) { .code = op, .dst_reg = dst, .src_reg = src, .off = o, .imm = i }

static int print(void *ctx, void *data, size_t size)
{
	const uint64_t *v = data;

	printf("%lu next=%#lx\n", v[0], v[1]);
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, 256 << 10, NULL);
	struct bpf_insn prog[] = {
		INSN(0x79, 6, 1, 16, 0),	   /* r6 = next */
		INSN(0x85, 0, 0, 0, BPF_FUNC_ktime_get_ns),
		INSN(0x7b, 10, 0, -16, 0),	   /* the record, on the stack */
		INSN(0x7b, 10, 6, -8, 0),
		INSN(0x18, 1, BPF_PSEUDO_MAP_FD, 0, map), INSN(0, 0, 0, 0, 0),
		INSN(0xbf, 2, 10, 0, 0), INSN(0x07, 2, 0, 0, -16),
		INSN(0xb7, 3, 0, 0, 16), INSN(0xb7, 4, 0, 0, 0),
		INSN(0x85, 0, 0, 0, BPF_FUNC_ringbuf_output),
		INSN(0xb7, 0, 0, 0, 0), INSN(0x95, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "raw_loader", "GPL", prog,
			       sizeof(prog) / sizeof(prog[0]), NULL);
	struct ring_buffer *rb = ring_buffer__new(map, print, NULL, NULL);

	if (map < 0 || fd < 0 || !rb || bpf_raw_tracepoint_open("sched_switch", fd) < 0) {
		perror("raw-loader");
		return 1;
	}
	for (;;)
		ring_buffer__poll(rb, 100);
}
