/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of user code. Where a parameter is when its function begins is said by the debug information of what was
 * optimised; else by the ABI: one register after the other, each for a whole number or a pointer of at most
 * eight bytes, two for one of sixteen. What is a floating number is in registers that nobody shows us. A struct
 * that is returned by value may take the first register (x86-64), one that is given by value takes some or
 * none: from there on nothing is known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "elf/debugfile.h"
#include "elf/types.h"
#include "foreland/diag.h"
#include "probe/target/target-private.h"
#include "probe/target/target.h"
#include "probe/user/private.h"

#define KIND_FLOAT 16 /* BTF_KIND_FLOAT, newer than some headers */

_Static_assert(FL_USER_PARAMS_MAX == FL_ELF_PARAMS_MAX, "parameters");

struct source {
	struct fl_elf_image image, debug;
	bool has_debug;
	struct fl_buf path;
};

static int open_source(struct fl_target *t, struct fl_str path, struct source *s)
{
	int r;

	*s = (struct source){};
	fl_target_path(t, path, &s->path);
	r = s->path.error ? s->path.error : fl_elf_image_open(fl_buf_z(&s->path), &s->image);
	if (r < 0) {
		fl_buf_fini(&s->path);
		return r;
	}
	s->has_debug = !fl_elf_section(&s->image, ".debug_info") && !fl_elf_section(&s->image, ".zdebug_info") &&
		       fl_elf_debugfile_open(&s->image, fl_buf_z(&s->path), &s->debug) == 0;
	return 0;
}

static void close_source(struct source *s)
{
	if (s->has_debug)
		fl_elf_image_close(&s->debug);
	fl_elf_image_close(&s->image);
	fl_buf_fini(&s->path);
}

static const struct fl_elf_image *debug_of(const struct source *s)
{
	return s->has_debug ? &s->debug : &s->image;
}

/* The object of these bytes, which it takes over. */
static int make_btf(struct fl_target *t, struct fl_buf *bytes, struct fl_btf **ret)
{
	struct fl_diag why = {};
	int r = fl_btf_from_bytes(bytes->data, bytes->len, NULL, "user", &why, ret);

	fl_diag_fini(&why);
	if (r < 0)
		return r;
	r = fl_target_keep_btf(t, *ret, bytes->data);
	*bytes = (struct fl_buf){};
	return r;
}

/* The file's own BTF section. */
static int own_btf(struct fl_target *t, const struct source *s, struct fl_btf **ret)
{
	struct fl_diag why = {};
	int r;

	if (!fl_elf_section(&s->image, ".BTF"))
		return -ENODATA;
	r = fl_btf_open(fl_buf_z(&s->path), NULL, "user", &why, ret);
	fl_diag_fini(&why);
	return r < 0 ? -ENODATA : fl_target_keep_btf(t, *ret, NULL);
}

/* ---- where parameters are ---- */

/* x86-64's numbers in DWARF are not those of the instructions. */
static const struct fl_reg *dwarf_register(const struct fl_arch *arch, int number)
{
	static const char *const x86[] = { "ax", "dx", "cx", "bx", "si", "di", "bp", "sp",
					   "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
	char name[8] = "x";

	if (strcmp(arch->name, "x86_64") == 0)
		return (size_t)number < FL_ARRAY_SIZE(x86) ? fl_arch_reg(arch, fl_str(x86[number])) : NULL;
	if (number > 30)
		return NULL;
	name[1] = (char)(number < 10 ? '0' + number : '0' + number / 10);
	name[2] = (char)(number < 10 ? '\0' : '0' + number % 10);
	return fl_arch_reg(arch, fl_str(name));
}

/* How many words of the ABI a type takes: 0 for none; -1 where that is not known. */
static int words_of(struct fl_type type)
{
	uint64_t size = 8;

	type = fl_type_strip(type);
	switch (fl_type_kind(type)) {
	case KIND_FLOAT:
		return 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return -1;
	default:
		fl_type_size(type, &size);
		return size > 8 ? 2 : 1;
	}
}

static bool returns_in_memory(const struct fl_arch *arch, struct fl_type func)
{
	struct fl_type type = fl_type_strip(fl_type_return(func));
	uint64_t size = 0;

	return strcmp(arch->name, "x86_64") == 0 && fl_kind_is_struct(fl_type_kind(type)) &&
	       fl_type_size(type, &size) == 0 && size > 16;
}

static void find_params(const struct fl_arch *arch, struct fl_type func, const struct fl_elf_func *told,
			struct fl_user_param *ret)
{
	int next = returns_in_memory(arch, func);
	struct fl_param param;

	for (uint32_t i = 0; i < FL_USER_PARAMS_MAX && fl_type_param(func, i, &param); i++) {
		const struct fl_elf_param *p = told && i < told->nr_params ? &told->params[i] : NULL;
		const struct fl_reg *reg = p && p->reg >= 0 ? dwarf_register(arch, p->reg) : NULL;
		int words = words_of(param.type);

		ret[i] = (struct fl_user_param){};
		if (reg)
			ret[i] = (struct fl_user_param){ FL_USER_REG, reg->offset };
		else if (next >= 0 && words > 0 && !(p && (p->is_gone || p->reg >= 0)))
			ret[i] = (struct fl_user_param){ FL_USER_ARG, (uint32_t)next };
		next = next < 0 || words < 0 ? -1 : next + words;
	}
}

/* ---- what is asked ---- */

static int func_of_debug(struct fl_target *t, const struct source *s, uint64_t offset,
			 struct fl_user_param *params, struct fl_type *ret)
{
	_cleanup_buf_ struct fl_buf bytes = {};
	struct fl_elf_func told = {};
	struct fl_btf *btf;
	uint64_t address;
	int r;

	if (!fl_elf_offset_to_address(&s->image, offset, &address))
		return -ENOENT;
	r = fl_elf_types_of_func(debug_of(s), address, &told, &bytes);
	if (r == 0)
		r = make_btf(t, &bytes, &btf);
	if (r < 0)
		return r;
	for (uint32_t id = fl_btf_first_id(btf); id < fl_btf_end_id(btf); id++)
		if (fl_type_kind(fl_btf_type(btf, id)) == BTF_KIND_FUNC)
			*ret = fl_btf_type(btf, id);
	find_params(fl_target_arch(t), *ret, &told, params);
	return 0;
}

int user_func(struct fl_target *t, struct fl_str path, uint64_t offset, struct fl_str symbol,
			struct fl_user_param *params, struct fl_type *ret)
{
	struct source s;
	struct fl_btf *btf;
	int r = open_source(t, path, &s);

	if (r < 0)
		return r;
	r = func_of_debug(t, &s, offset, params, ret);
	if (r == -ENODATA && own_btf(t, &s, &btf) == 0) {
		*ret = fl_btf_find(btf, symbol, FL_KIND(BTF_KIND_FUNC));
		r = fl_type_ok(*ret) ? 0 : -ENOENT;
		if (r == 0)
			find_params(fl_target_arch(t), *ret, NULL, params);
	}
	close_source(&s);
	return r;
}

static int type_of_name(const struct fl_btf *btf, struct fl_str name, struct fl_type *ret)
{
	struct fl_type t = fl_btf_find(btf, name, FL_KIND(BTF_KIND_STRUCT) | FL_KIND(BTF_KIND_UNION));

	if (!fl_type_ok(t))
		t = fl_type_strip(fl_btf_find(btf, name, FL_KIND(BTF_KIND_TYPEDEF)));
	if (!fl_kind_is_struct(fl_type_kind(t)))
		return -ENOENT;
	*ret = t;
	return 0;
}

int user_type(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_type *ret)
{
	_cleanup_buf_ struct fl_buf bytes = {};
	struct source s;
	struct fl_btf *btf;
	int r = open_source(t, path, &s);

	if (r < 0)
		return r;
	r = fl_elf_types_of_name(debug_of(&s), name, &bytes);
	if (r == 0)
		r = make_btf(t, &bytes, &btf);
	else if (r == -ENODATA)
		r = own_btf(t, &s, &btf);
	close_source(&s);
	return r < 0 ? r : type_of_name(btf, name, ret);
}

bool user_inlined(struct fl_target *t, struct fl_str path, struct fl_str name)
{
	struct source s;
	bool found;

	if (open_source(t, path, &s) < 0)
		return false;
	found = fl_elf_is_inlined(debug_of(&s), name);
	close_source(&s);
	return found;
}

const struct fl_user_code fl_user_code = { user_places, user_near, user_func, user_type, user_inlined };
