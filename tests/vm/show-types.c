// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show-types SEED STEP: the same random bytes as each STEPth struct and union of the running kernel's
 * BTF, shown by the kernel (bpf_snprintf_btf(), run by a test run of a raw tracepoint's program) and by
 * us. Prints, a line each, "= NAME", "K TEXT", "T OUR TEXT" and "J OUR JSON".
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/insn.h"
#include "bpf/sys.h"
#include "probe/output/show.h"

#define MAX_BYTES 1024
#define MAX_TEXT  65536
#define AT_BYTES  16
/* compact, raw pointers, zeros too: the kernel's BTF_F_ flags */
#define FLAGS (1 | 4 | 8)

struct input {
	uint64_t type, result;
	uint8_t bytes[MAX_BYTES];
};

static int make_map(uint32_t size)
{
	return fl_bpf_map_create(&(struct fl_bpf_map){ .type = BPF_MAP_TYPE_ARRAY, .name = "show", .key_size = 4,
						       .value_size = size, .entries = 1 });
}

static int make_program(int input, int text)
{
	_cleanup_insns_ struct fl_insns p = {};
	static char log[65536];
	int fd;

	fl_emit_map_value(&p, BPF_REG_6, input, 0);
	fl_emit_mov(&p, BPF_REG_1, BPF_REG_6);
	fl_emit_alui(&p, BPF_ADD, BPF_REG_1, AT_BYTES);
	fl_emit_store(&p, 8, BPF_REG_FP, -16, BPF_REG_1);
	fl_emit_load(&p, 8, BPF_REG_1, BPF_REG_6, 0);
	fl_emit_store(&p, 8, BPF_REG_FP, -8, BPF_REG_1); /* type, and flags of zero */
	fl_emit_map_value(&p, BPF_REG_1, text, 0);
	fl_emit_movi(&p, BPF_REG_2, MAX_TEXT);
	fl_emit_mov(&p, BPF_REG_3, BPF_REG_FP);
	fl_emit_alui(&p, BPF_ADD, BPF_REG_3, -16);
	fl_emit_movi(&p, BPF_REG_4, 16);
	fl_emit_movi(&p, BPF_REG_5, FLAGS);
	fl_emit_call(&p, BPF_FUNC_snprintf_btf);
	fl_emit_store(&p, 8, BPF_REG_6, 8, BPF_REG_0);
	fl_emit_movi(&p, BPF_REG_0, 0);
	fl_emit_exit(&p);
	if (fl_insns_finish(&p) < 0)
		return -EINVAL;
	fd = fl_bpf_prog_load(&(struct fl_bpf_prog){ .type = BPF_PROG_TYPE_RAW_TRACEPOINT, .name = "show",
						     .insns = p.v, .nr_insns = p.n, .log = log,
						     .log_size = sizeof(log) });
	if (fd < 0)
		fprintf(stderr, "%s\n", log);
	return fd;
}

static int run(int program)
{
	union bpf_attr attr = { .test.prog_fd = (uint32_t)program };

	return syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* Few bits, many bits, or none. */
static void fill(uint8_t *bytes, size_t n, unsigned int round)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = round == 0 ? (random() % 8 ? 0 : 1u << random() % 8)
			   : round == 1 ? (uint8_t)random() : 0;
}

struct judge {
	int input, text, program;
};

static int show(const struct judge *j, struct fl_type t, size_t size, unsigned int round)
{
	_cleanup_buf_ struct fl_buf text = {}, json = {};
	static char kernels[MAX_TEXT];
	struct input in = { .type = t.id };
	struct fl_shown v = { .type = t, .bytes = in.bytes, .n = size };
	uint32_t key = 0;
	int r;

	fill(in.bytes, size, round);
	r = fl_bpf_map_update(j->input, &key, &in, BPF_ANY);
	if (r == 0)
		r = run(j->program);
	if (r == 0)
		r = fl_bpf_map_lookup(j->text, &key, kernels);
	if (r == 0) {
		struct input out;

		r = fl_bpf_map_lookup(j->input, &key, &out);
		if (r == 0 && ((int64_t)out.result < 0 || out.result >= MAX_TEXT))
			return 0; /* the kernel could not */
	}
	if (r < 0)
		return r;
	fl_show_text(&v, &text);
	fl_show_json(&v, NULL, &json);
	printf("= %.*s\nK %s\nT %s\nJ %s\n", (int)fl_type_name(t).n, fl_type_name(t).p, kernels, fl_buf_z(&text),
	       fl_buf_z(&json));
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t step = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
	struct fl_btf *btf = NULL;
	struct judge j;
	int r;

	srandom(argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 1);
	r = fl_btf_open("/sys/kernel/btf/vmlinux", NULL, "vmlinux", NULL, &btf);
	j.input = make_map(sizeof(struct input));
	j.text = make_map(MAX_TEXT);
	j.program = make_program(j.input, j.text);
	if (r < 0 || j.program < 0) {
		fprintf(stderr, "show-types: %d %d\n", r, j.program);
		return 1;
	}
	for (uint32_t id = 1, n = 0; id < fl_btf_end_id(btf); id++) {
		struct fl_type t = fl_btf_type(btf, id);
		uint64_t size;

		if (!fl_kind_is_struct(fl_type_kind(t)) || !fl_type_name(t).n || fl_type_size(t, &size) < 0 ||
		    !size || size > MAX_BYTES || n++ % step)
			continue;
		for (unsigned int round = 0; round < 3 && r == 0; round++)
			r = show(&j, t, size, round);
		if (r < 0) {
			fprintf(stderr, "show-types: %s\n", strerror(-r));
			return 1;
		}
	}
	fl_btf_close(btf);
	return 0;
}
