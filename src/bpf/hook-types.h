/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places in a kernel that take a program, a row each in hook-types.def: which type of program, how it
 * is attached, and what it is given.
 */
#ifndef BPF_HOOK_TYPES_H
#define BPF_HOOK_TYPES_H

#include <stdbool.h>
#include <stdint.h>

enum fl_hook {
#define HOOK(id, ...) FL_HOOK_##id,
#include "bpf/hook-types.def"
	_FL_HOOK_MAX,
};

enum fl_ctx {
	FL_CTX_ARGS,	   /* one u64 an argument */
	FL_CTX_TRAMPOLINE, /* read through bpf_get_func_arg() and bpf_get_func_ret() */
	FL_CTX_REGS,	   /* struct pt_regs, kernel memory */
	FL_CTX_USER_REGS,  /* struct pt_regs, user memory */
	FL_CTX_RECORD,	   /* the tracepoint's own record */
};

struct fl_hook_info {
	const char *name;
	uint32_t prog_type, attach_type;
	enum fl_ctx ctx;
	bool is_return;
	bool may_sleep;
};

extern const struct fl_hook_info fl_hooks[_FL_HOOK_MAX];

#endif
