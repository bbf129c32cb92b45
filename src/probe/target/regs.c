/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/regs.h"

#include <elf.h>

#include "base/util.h"

/* One list of rows, spread over one array an architecture: rows of another become nothing. */
#define ROW_x86_64_x86_64(n, o) { n, o },
#define ROW_x86_64_arm64(n, o)
#define ROW_arm64_arm64(n, o) { n, o },
#define ROW_arm64_x86_64(n, o)

static const struct fl_reg x86_64_regs[] = {
#define R(arch, name, offset) ROW_x86_64_##arch(#name, offset)
#include "probe/target/regs.def"
#undef R
};

static const struct fl_reg arm64_regs[] = {
#define R(arch, name, offset) ROW_arm64_##arch(#name, offset)
#include "probe/target/regs.def"
#undef R
};

/* di si dx cx r8 r9 */
static const uint16_t x86_64_args[] = { 112, 104, 96, 88, 72, 64 };
/* x0 .. x7 */
static const uint16_t arm64_args[] = { 0, 8, 16, 24, 32, 40, 48, 56 };

static const struct fl_arch arches[] = {
	{
		.name = "x86_64",
		.elf_machine = EM_X86_64,
		.regs = x86_64_regs,
		.nr_regs = FL_ARRAY_SIZE(x86_64_regs),
		.args = x86_64_args,
		.nr_args = FL_ARRAY_SIZE(x86_64_args),
		.ret = 80,
		.sp = 152,
		.ip = 128,
		.has_return_word = true,
		.flags = 144,
		.irqs_bit = 9,
		.size = 168,
		.thread_size = 16384,
		.syscall_prefix = "__x64_sys_",
	},
	{
		.name = "arm64",
		.elf_machine = EM_AARCH64,
		.regs = arm64_regs,
		.nr_regs = FL_ARRAY_SIZE(arm64_regs),
		.args = arm64_args,
		.nr_args = FL_ARRAY_SIZE(arm64_args),
		.ret = 0,
		.sp = 248,
		.ip = 256,
		.flags = 264,
		.irqs_bit = 7,
		.irqs_bit_is_off = true,
		.size = 272, /* what probes can name; more stands behind it */
		.thread_size = 16384,
		.syscall_prefix = "__arm64_sys_",
	},
};

static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "x86-64", "x86_64" },
	{ "amd64", "x86_64" },
	{ "aarch64", "arm64" },
};

const struct fl_arch *fl_arch_get(size_t i)
{
	return i < FL_ARRAY_SIZE(arches) ? &arches[i] : NULL;
}

const struct fl_arch *fl_arch_find(struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(aliases); i++)
		if (fl_str_is(name, aliases[i].alias))
			name = fl_str(aliases[i].name);
	for (size_t i = 0; i < FL_ARRAY_SIZE(arches); i++)
		if (fl_str_is(name, arches[i].name))
			return &arches[i];
	return NULL;
}

const struct fl_arch *fl_arch_host(void)
{
#if defined(__x86_64__)
	return fl_arch_find(FL_STR("x86_64"));
#elif defined(__aarch64__)
	return fl_arch_find(FL_STR("arm64"));
#else
	return NULL;
#endif
}

const struct fl_reg *fl_arch_reg(const struct fl_arch *arch, struct fl_str name)
{
	for (size_t i = 0; i < arch->nr_regs; i++)
		if (fl_str_is(name, arch->regs[i].name))
			return &arch->regs[i];
	return NULL;
}

const struct fl_reg *fl_arch_reg_at(const struct fl_arch *arch, uint32_t offset)
{
	for (size_t i = 0; i < arch->nr_regs; i++)
		if (arch->regs[i].offset == offset)
			return &arch->regs[i];
	return NULL;
}
