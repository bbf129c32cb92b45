/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the parameters of a function of the kernel are when it begins. Parameter N is in register N as long
 * as each fills one: a struct that is passed by value takes two of them or none, and moves what stands
 * behind it.
 */
#ifndef PROBE_TARGET_ABI_H
#define PROBE_TARGET_ABI_H

#include <stdint.h>

#include "btf/btf.h"
#include "probe/target/regs.h"

/* No place that holds the value itself: an empty struct, or one of which the register has the address. */
#define FL_ABI_NO_SLOT 0xff

/* Parameters that are looked at; none of the kernel's functions has that many. */
#define FL_ABI_MAX_PARAMS 64

/*
 * The slot that each parameter of @func (a FUNC or FUNC_PROTO) begins in: a number of @arch->args, and from
 * @arch->nr_args on a word of the stack's arguments. -E2BIG, or -EOPNOTSUPP for types that the kernel does
 * not pass (floating numbers). @ret_n: how many there are.
 */
int fl_abi_slots(const struct fl_arch *arch, struct fl_type func, uint8_t ret[static FL_ABI_MAX_PARAMS],
		 size_t *ret_n);

#endif
