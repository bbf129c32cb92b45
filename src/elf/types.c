/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From entries of DWARF to types of BTF. An entry gets its id when something refers to it for the first time,
 * and waits in a queue; the queue's order is that of the ids, so each type is written when its turn comes. What
 * one unit only declares is looked for among all units, by name, in an index that is made when it is first
 * needed.
 *
 * Arrays of several dimensions are one entry of DWARF and several types of BTF: an item of the queue is an entry
 * and how many of its dimensions are done.
 */
#include "elf/types.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <libelf.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/util.h"
#include "elf/debuginfo.h"

#define TYPES_MAX 200000
#define DEPTH_MAX 16
#define INDEX_ID  1 /* the type of arrays' indices */

/* Newer than the headers that we build with. */
#define KIND_FLOAT  16
#define KIND_ENUM64 19

struct item {
	Dwarf_Die die;
	unsigned int dimension;
};

struct maker {
	struct fl_elf_dwarf dwarf;
	struct item *queue;
	size_t n, cap;	     /* item k has id INDEX_ID + 1 + k */
	struct fl_map ids;   /* by entry and dimension */
	struct fl_map named; /* offset of a type's entry by its name, where it is whole */
	bool has_named;
	struct fl_arena arena;
	struct fl_buf types, strings;
};

struct entry_key {
	const void *address;
	uint64_t dimension;
};

static int open_maker(struct maker *m, const struct fl_elf_image *i)
{
	*m = (struct maker){};
	return fl_elf_dwarf_open(i, &m->dwarf);
}

static void close_maker(struct maker *m)
{
	fl_elf_dwarf_close(&m->dwarf);
	free(m->queue);
	fl_map_fini(&m->ids);
	fl_map_fini(&m->named);
	fl_arena_fini(&m->arena);
	fl_buf_fini(&m->types);
	fl_buf_fini(&m->strings);
}

/* ---- attributes ---- */

static bool number(Dwarf_Die *die, unsigned int name, uint64_t *ret)
{
	Dwarf_Attribute a;
	Dwarf_Word v;

	if (!dwarf_attr_integrate(die, name, &a) || dwarf_formudata(&a, &v) != 0)
		return false;
	*ret = v;
	return true;
}

static bool is_declaration(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_declaration);
}

static bool is_struct(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute a;

	return dwarf_attr_integrate(die, DW_AT_type, &a) && dwarf_formref_die(&a, ret);
}

static uint32_t string(struct maker *m, const char *text)
{
	uint32_t at = (uint32_t)m->strings.len;

	if (!text || !*text)
		return 0;
	fl_buf_add(&m->strings, text, strlen(text) + 1);
	return at;
}

/* ---- the index of names ---- */

static void index_children(struct maker *m, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);
		const char *name = dwarf_diename(&die);
		struct fl_map_entry *e;
		bool is_new;

		if (tag == DW_TAG_namespace)
			index_children(m, &die, depth + 1);
		if (!name || (!is_struct(tag) && tag != DW_TAG_typedef) || is_declaration(&die))
			continue;
		e = fl_map_put(&m->named, fl_str(name), &is_new);
		/* a struct goes before a typedef of its name */
		if (e && (is_new || (e->num >> 63 && is_struct(tag))))
			e->num = dwarf_dieoffset(&die) | (uint64_t)(tag == DW_TAG_typedef) << 63;
	} while (dwarf_siblingof(&die, &die) == 0);
}

static bool find_named(struct maker *m, struct fl_str name, Dwarf_Die *ret)
{
	struct fl_map_entry *e;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;

	while (!m->has_named && dwarf_get_units(m->dwarf.dwarf, cu, &cu, NULL, &type, &die, NULL) == 0)
		index_children(m, &die, 0);
	m->has_named = true;
	e = fl_map_get(&m->named, name);
	return e && dwarf_offdie(m->dwarf.dwarf, e->num & ~(1ull << 63), ret);
}

/* ---- ids ---- */

static uint32_t id_of(struct maker *m, Dwarf_Die *die, unsigned int dimension)
{
	struct entry_key key = { die->addr, dimension };
	struct fl_str text = fl_str_n((const char *)&key, sizeof(key));
	struct fl_map_entry *e;
	struct item *bigger = m->queue;
	bool is_new;

	e = fl_map_get(&m->ids, text);
	if (e)
		return (uint32_t)e->num;
	if (m->n == m->cap)
		bigger = reallocarray(m->queue, m->cap ? m->cap * 2 : 256, sizeof(*bigger));
	text.p = fl_arena_dup(&m->arena, text);
	e = text.p && bigger ? fl_map_put(&m->ids, text, &is_new) : NULL;
	if (bigger)
		m->queue = bigger;
	if (!e || m->n >= TYPES_MAX) {
		m->types.error = e ? -E2BIG : -ENOMEM;
		return 0;
	}
	if (m->n == m->cap)
		m->cap = m->cap ? m->cap * 2 : 256;
	m->queue[m->n++] = (struct item){ *die, dimension };
	e->num = INDEX_ID + m->n;
	return (uint32_t)e->num;
}

/* The id of what an entry is of; 0, void, where it says nothing. */
static uint32_t target(struct maker *m, Dwarf_Die *die)
{
	Dwarf_Die type;

	if (!type_of(die, &type) || dwarf_tag(&type) == DW_TAG_unspecified_type)
		return 0;
	return id_of(m, &type, 0);
}

/* ---- types ---- */

static void add_type(struct maker *m, const char *name, unsigned int kind, uint32_t vlen, bool kflag, uint32_t last)
{
	struct btf_type t = { .name_off = string(m, name),
			      .info = (uint32_t)kflag << 31 | kind << 24 | vlen };

	t.size = last;
	fl_buf_add(&m->types, &t, sizeof(t));
}

static void add_int(struct maker *m, const char *name, uint32_t size, uint32_t encoding)
{
	uint32_t word = encoding << 24 | size * 8;

	add_type(m, name, BTF_KIND_INT, 0, false, size);
	fl_buf_add(&m->types, &word, sizeof(word));
}

static void add_base(struct maker *m, Dwarf_Die *die)
{
	uint64_t encoding = 0, size = 8;

	number(die, DW_AT_encoding, &encoding);
	number(die, DW_AT_byte_size, &size);
	if (encoding == DW_ATE_float && (size == 4 || size == 8 || size == 16)) {
		add_type(m, dwarf_diename(die), KIND_FLOAT, 0, false, (uint32_t)size);
		return;
	}
	if (size != 1 && size != 2 && size != 4 && size != 8 && size != 16)
		size = 8;
	add_int(m, dwarf_diename(die), (uint32_t)size,
		encoding == DW_ATE_boolean ? BTF_INT_BOOL :
		encoding == DW_ATE_signed || encoding == DW_ATE_signed_char ? BTF_INT_SIGNED : 0);
}

/* The width of a bit-field and where it begins, in bits from the struct's start. */
static uint64_t member_place(Dwarf_Die *die, uint64_t *width)
{
	uint64_t at = 0, bit, size = 0;
	Dwarf_Die type;

	*width = 0;
	number(die, DW_AT_bit_size, width);
	if (number(die, DW_AT_data_bit_offset, &at))
		return at;
	number(die, DW_AT_data_member_location, &at);
	at *= 8;
	if (!*width || !number(die, DW_AT_bit_offset, &bit)) /* DWARF 3: from the storage's upper end */
		return at;
	if (!number(die, DW_AT_byte_size, &size) && type_of(die, &type))
		size = (uint64_t)dwarf_bytesize(&type);
	return at + size * 8 - bit - *width;
}

static bool is_member(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return (tag == DW_TAG_member && !dwarf_hasattr(die, DW_AT_external) && !is_declaration(die)) ||
	       tag == DW_TAG_inheritance;
}

static void add_members(struct maker *m, Dwarf_Die *die, bool kflag)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return;
	do {
		struct btf_member member = {};
		uint64_t width, at;

		if (!is_member(&child))
			continue;
		at = member_place(&child, &width);
		/* what one inherits from is a struct without a name within it */
		member.name_off = dwarf_tag(&child) == DW_TAG_member ? string(m, dwarf_diename(&child)) : 0;
		member.type = target(m, &child);
		member.offset = kflag ? (uint32_t)(width << 24 | (at & 0xffffff)) : (uint32_t)at;
		fl_buf_add(&m->types, &member, sizeof(member));
	} while (dwarf_siblingof(&child, &child) == 0);
}

static uint32_t count_members(Dwarf_Die *die, bool *ret_bits)
{
	Dwarf_Die child;
	uint32_t n = 0;

	*ret_bits = false;
	if (dwarf_child(die, &child) != 0)
		return 0;
	do {
		n += is_member(&child);
		*ret_bits |= is_member(&child) && dwarf_hasattr(&child, DW_AT_bit_size);
	} while (n < UINT16_MAX && dwarf_siblingof(&child, &child) == 0);
	return n;
}

static void add_struct(struct maker *m, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	bool is_union = dwarf_tag(die) == DW_TAG_union_type, bits;
	Dwarf_Die whole = *die;
	uint64_t size = 0;
	uint32_t n;

	if (is_declaration(die) && (!name || !find_named(m, fl_str(name), &whole) || !is_struct(dwarf_tag(&whole)))) {
		add_type(m, name ? name : "?", BTF_KIND_FWD, 0, is_union, 0);
		return;
	}
	is_union = dwarf_tag(&whole) == DW_TAG_union_type;
	number(&whole, DW_AT_byte_size, &size);
	n = count_members(&whole, &bits);
	add_type(m, name, is_union ? BTF_KIND_UNION : BTF_KIND_STRUCT, n, bits, (uint32_t)size);
	add_members(m, &whole, bits);
}

static void add_enum(struct maker *m, Dwarf_Die *die)
{
	uint64_t size = 4;
	Dwarf_Die child;
	uint32_t n = 0;
	size_t head;

	number(die, DW_AT_byte_size, &size);
	head = m->types.len;
	add_type(m, dwarf_diename(die), size == 8 ? KIND_ENUM64 : BTF_KIND_ENUM, 0, false, (uint32_t)size);
	if (dwarf_child(die, &child) == 0)
		do {
			Dwarf_Attribute a;
			Dwarf_Sword v = 0;
			uint32_t words[3];

			if (dwarf_tag(&child) != DW_TAG_enumerator || n == UINT16_MAX)
				continue;
			if (dwarf_attr(&child, DW_AT_const_value, &a))
				dwarf_formsdata(&a, &v);
			words[0] = string(m, dwarf_diename(&child));
			words[1] = (uint32_t)v;
			words[2] = (uint32_t)((uint64_t)v >> 32);
			fl_buf_add(&m->types, words, size == 8 ? 12 : 8);
			n++;
		} while (dwarf_siblingof(&child, &child) == 0);
	if (!m->types.error)
		((struct btf_type *)(void *)(m->types.data + head))->info |= n;
}

/* Dimension @k's length; false behind the last. */
static bool dimension(Dwarf_Die *die, unsigned int k, uint64_t *ret)
{
	Dwarf_Die child;
	unsigned int n = 0;

	*ret = 0;
	if (dwarf_child(die, &child) != 0)
		return false;
	do {
		if (dwarf_tag(&child) != DW_TAG_subrange_type || n++ != k)
			continue;
		if (!number(&child, DW_AT_count, ret) && number(&child, DW_AT_upper_bound, ret))
			++*ret;
		return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static void add_array(struct maker *m, struct item *item)
{
	struct btf_array a = { .index_type = INDEX_ID };
	uint64_t n, next;

	dimension(&item->die, item->dimension, &n);
	a.nelems = n > UINT32_MAX ? 0 : (uint32_t)n;
	add_type(m, NULL, BTF_KIND_ARRAY, 0, false, 0);
	a.type = dimension(&item->die, item->dimension + 1, &next) ?
			 id_of(m, &item->die, item->dimension + 1) : target(m, &item->die);
	fl_buf_add(&m->types, &a, sizeof(a));
}

static void add_reference(struct maker *m, Dwarf_Die *die, unsigned int kind)
{
	uint32_t to = target(m, die);

	add_type(m, kind == BTF_KIND_TYPEDEF ? dwarf_diename(die) : NULL, kind, 0, false, to);
}

static void add_item(struct maker *m, struct item *item)
{
	Dwarf_Die *die = &item->die;

	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		return add_base(m, die);
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return add_reference(m, die, BTF_KIND_PTR);
	case DW_TAG_typedef:
		return add_reference(m, die, BTF_KIND_TYPEDEF);
	case DW_TAG_const_type:
	case DW_TAG_atomic_type:
		return add_reference(m, die, BTF_KIND_CONST);
	case DW_TAG_volatile_type:
		return add_reference(m, die, BTF_KIND_VOLATILE);
	case DW_TAG_restrict_type:
		return add_reference(m, die, BTF_KIND_RESTRICT);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return add_struct(m, die);
	case DW_TAG_enumeration_type:
		return add_enum(m, die);
	case DW_TAG_array_type:
		return add_array(m, item);
	case DW_TAG_subroutine_type:
		return add_type(m, NULL, BTF_KIND_FUNC_PROTO, 0, false, target(m, die));
	default: /* a pointer to a member, what languages of their own have: as large as a word */
		return add_int(m, "?", 8, 0);
	}
}

/* Writes whatever waits, and the whole object. */
static int finish(struct maker *m, struct fl_buf *out)
{
	struct btf_header head = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(head) };

	if (!m->strings.error && m->strings.len >= UINT32_MAX)
		return -E2BIG;
	head.type_len = head.str_off = (uint32_t)m->types.len;
	head.str_len = (uint32_t)m->strings.len;
	fl_buf_add(out, &head, sizeof(head));
	fl_buf_add_str(out, fl_buf_str(&m->types));
	fl_buf_add_str(out, fl_buf_str(&m->strings));
	return m->types.error ? m->types.error : m->strings.error ? m->strings.error : out->error;
}

static void begin(struct maker *m)
{
	fl_buf_addc(&m->strings, '\0');
	add_int(m, "__ARRAY_SIZE_TYPE__", 4, 0);
}

static void add_queue(struct maker *m, size_t from)
{
	for (size_t i = from; i < m->n && !m->types.error; i++) {
		struct item item = m->queue[i]; /* the queue moves when it grows */

		add_item(m, &item);
	}
}

int fl_elf_types_of_name(const struct fl_elf_image *image, struct fl_str name, struct fl_buf *out)
{
	struct maker m;
	Dwarf_Die die;
	int r = open_maker(&m, image);

	if (r == 0 && !find_named(&m, name, &die))
		r = -ENOENT;
	if (r == 0) {
		begin(&m);
		id_of(&m, &die, 0);
		add_queue(&m, 0);
		r = finish(&m, out);
	}
	close_maker(&m);
	return r;
}

/* ---- functions ---- */

/* A function in several pieces, of which the unlikely ones lie elsewhere, begins where the first one does. */
static bool begins_at(Dwarf_Die *die, uint64_t address)
{
	Dwarf_Addr base, low, high;

	if ((dwarf_entrypc(die, &low) == 0 && low == address) || (dwarf_lowpc(die, &low) == 0 && low == address))
		return true;
	return dwarf_hasattr(die, DW_AT_ranges) && dwarf_ranges(die, 0, &base, &low, &high) > 0 && low == address;
}

static bool find_function(Dwarf_Die *parent, uint64_t address, unsigned int depth, Dwarf_Die *ret)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram && begins_at(&die, address)) {
			*ret = die;
			return true;
		}
		if ((tag == DW_TAG_namespace || is_struct(tag)) && find_function(&die, address, depth + 1, ret))
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

static bool find_at(struct maker *m, uint64_t address, Dwarf_Die *ret)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;

	while (dwarf_get_units(m->dwarf.dwarf, cu, &cu, NULL, &type, &die, NULL) == 0)
		if (dwarf_haspc(&die, address) == 1 && find_function(&die, address, 0, ret))
			return true;
	return false;
}

/* A register alone, or nothing at all; what is on the stack, the function's first steps put there. */
static struct fl_elf_param param_place(Dwarf_Die *die, uint64_t address)
{
	struct fl_elf_param p = { .reg = -1 };
	Dwarf_Attribute a;
	Dwarf_Op *op;
	size_t n = 0;

	if (!dwarf_attr(die, DW_AT_location, &a)) {
		p.is_gone = true;
		return p;
	}
	if (dwarf_getlocation_addr(&a, address, &op, &n, 1) < 1 || !n)
		p.is_gone = true;
	else if (n == 1 && op[0].atom >= DW_OP_reg0 && op[0].atom <= DW_OP_reg31)
		p.reg = op[0].atom - DW_OP_reg0;
	else if (op[0].atom != DW_OP_fbreg && !(op[0].atom >= DW_OP_breg0 && op[0].atom <= DW_OP_breg31))
		p.is_gone = true;
	return p;
}

static const char *param_name(Dwarf_Die *die)
{
	Dwarf_Attribute a;

	return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &a));
}

static void add_function(struct maker *m, Dwarf_Die *die, uint64_t address, struct fl_elf_func *func)
{
	struct fl_buf params = {};
	Dwarf_Die child;
	uint32_t back = target(m, die), proto, n = 0;

	if (dwarf_child(die, &child) == 0)
		do {
			struct btf_param p;

			if (dwarf_tag(&child) != DW_TAG_formal_parameter || n == FL_ELF_PARAMS_MAX)
				continue;
			p.name_off = string(m, param_name(&child));
			p.type = target(m, &child);
			fl_buf_add(&params, &p, sizeof(p));
			func->params[n++] = param_place(&child, address);
		} while (dwarf_siblingof(&child, &child) == 0);
	func->nr_params = n;
	add_queue(m, 0);
	proto = INDEX_ID + (uint32_t)m->n + 1;
	add_type(m, NULL, BTF_KIND_FUNC_PROTO, n, false, back);
	fl_buf_add_str(&m->types, fl_buf_str(&params));
	add_type(m, dwarf_diename(die) ? dwarf_diename(die) : "?", BTF_KIND_FUNC, 0, false, proto);
	if (params.error)
		m->types.error = params.error;
	fl_buf_fini(&params);
}

int fl_elf_types_of_func(const struct fl_elf_image *image, uint64_t address, struct fl_elf_func *func,
			 struct fl_buf *out)
{
	struct maker m;
	Dwarf_Die die;
	int r = open_maker(&m, image);

	if (r == 0 && !find_at(&m, address, &die))
		r = -ENOENT;
	if (r == 0) {
		begin(&m);
		add_function(&m, &die, address, func);
		r = finish(&m, out);
	}
	close_maker(&m);
	return r;
}

static bool has_inlined(Dwarf_Die *parent, struct fl_str name, unsigned int depth)
{
	Dwarf_Die die;
	uint64_t how;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);
		const char *own = dwarf_diename(&die);

		if (tag == DW_TAG_subprogram && own && fl_str_is(name, own) && number(&die, DW_AT_inline, &how) &&
		    (how == DW_INL_inlined || how == DW_INL_declared_inlined))
			return true;
		if (tag == DW_TAG_namespace && has_inlined(&die, name, depth + 1))
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

bool fl_elf_is_inlined(const struct fl_elf_image *image, struct fl_str name)
{
	struct maker m;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;
	bool found = false;

	if (open_maker(&m, image) == 0)
		while (!found && dwarf_get_units(m.dwarf.dwarf, cu, &cu, NULL, &type, &die, NULL) == 0)
			found = has_inlined(&die, name, 0);
	close_maker(&m);
	return found;
}
