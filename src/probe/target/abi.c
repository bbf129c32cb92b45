/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calling conventions, as far as the kernel uses them: whole numbers, pointers, and what is made of them.
 *
 * x86-64 (System V): a struct of up to 16 bytes whose members are aligned takes one or two registers if so
 * many are left, and otherwise lies on the stack as a larger one does; what comes behind may still be given
 * the registers that were left. arm64 (AAPCS64): a larger struct is given by its address, 16 bytes that are
 * aligned as such begin in an even register, and after the first that went to the stack all do.
 *
 * BTF tells no alignment: it follows from the members, as it does where nobody has said otherwise.
 */
#include "probe/target/abi.h"

#include <errno.h>

#include "base/util.h"

#define MAX_DEPTH 16

/* What of a type decides. */
struct shape {
	uint64_t size;
	uint32_t align;
	bool is_composite;
	bool is_unaligned; /* a member is not where its type wants it */
};

static int look_at(struct fl_type t, unsigned int depth, struct shape *ret);

static int look_at_members(struct fl_type t, unsigned int depth, struct shape *ret)
{
	struct fl_member m;

	ret->is_composite = true;
	for (uint32_t i = 0; fl_type_member(t, i, &m); i++) {
		struct shape inner = {};
		int r = look_at(m.type, depth + 1, &inner);

		if (r < 0)
			return r;
		ret->is_unaligned |= inner.is_unaligned || (!m.bits && m.bit_offset % (inner.align * 8));
		if (!m.bits || fl_type_name(m.type).n)
			ret->align = FL_MAX(ret->align, inner.align);
	}
	return 0;
}

static int look_at(struct fl_type t, unsigned int depth, struct shape *ret)
{
	t = fl_type_strip(t);
	*ret = (struct shape){.align = 1};
	if (depth > MAX_DEPTH)
		return -ELOOP;
	switch (fl_type_kind(t)) {
	case BTF_KIND_ARRAY: {
		int r = look_at(fl_type_target(t), depth + 1, ret);

		ret->is_composite = true;
		return r < 0 || fl_type_size(t, &ret->size) == 0 ? r : -ENOENT;
	}
	case BTF_KIND_FLOAT:
		return -EOPNOTSUPP;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: {
		int r = look_at_members(t, depth, ret);

		return r < 0 ? r : fl_type_size(t, &ret->size);
	}
	default:
		if (fl_type_size(t, &ret->size) < 0)
			return -ENOENT;
		ret->align = (uint32_t)FL_MAX(FL_MIN(ret->size, (uint64_t)16), (uint64_t)1);
		return 0;
	}
}

/* What is taken already. */
struct taken {
	const struct fl_arch *arch;
	size_t registers, words;
};

static size_t on_stack(struct taken *at, uint64_t words, uint32_t align)
{
	size_t slot;

	at->words += align > 8 ? at->words % 2 : 0;
	slot = at->arch->nr_args + at->words;
	at->words += words;
	return slot;
}

static size_t place_x86_64(struct taken *at, const struct shape *s)
{
	uint64_t words = (s->size + 7) / 8;
	size_t slot = at->registers;

	if (!words)
		return FL_ABI_NO_SLOT;
	if (words > 2 || s->is_unaligned || at->registers + words > at->arch->nr_args)
		return on_stack(at, words, s->align);
	at->registers += words;
	return slot;
}

static size_t place_arm64(struct taken *at, const struct shape *s)
{
	bool is_address = s->is_composite && s->size > 16;
	uint64_t words = is_address ? 1 : (s->size + 7) / 8;
	size_t slot;

	if (!words)
		return FL_ABI_NO_SLOT;
	at->registers += !is_address && s->align > 8 ? at->registers % 2 : 0;
	slot = at->registers;
	if (at->registers + words > at->arch->nr_args) {
		at->registers = at->arch->nr_args;
		slot = on_stack(at, words, is_address ? 8 : s->align);
	} else {
		at->registers += words;
	}
	return is_address ? FL_ABI_NO_SLOT : slot;
}

int fl_abi_slots(const struct fl_arch *arch, struct fl_type func, uint8_t ret[static FL_ABI_MAX_PARAMS],
		 size_t *ret_n)
{
	struct taken at = {.arch = arch};
	struct fl_param param;
	size_t n = 0;

	for (; fl_type_param(func, (uint32_t)n, &param) && !fl_type_is_void(param.type); n++) {
		struct shape s;
		int r = n == FL_ABI_MAX_PARAMS ? -E2BIG : look_at(param.type, 0, &s);
		size_t slot;

		if (r < 0)
			return r;
		slot = arch->has_return_word ? place_x86_64(&at, &s) : place_arm64(&at, &s);
		if (slot > FL_ABI_NO_SLOT)
			return -E2BIG;
		ret[n] = (uint8_t)slot;
	}
	*ret_n = n;
	return 0;
}
