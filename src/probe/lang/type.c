/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

/* Whatever starts with "b" is a bit-field; its container is an unsigned type. */
static struct fl_str container_type(struct fl_str name)
{
	size_t slash = fl_k_find(name, '/', 0);
	uint64_t bits;

	if (slash == name.n || fl_kstrtoul(fl_str_from(name, slash + 1), 0, &bits) < 0)
		return FL_STR("");
	return bits == 8 ? FL_STR("u8") : bits == 16 ? FL_STR("u16") :
	       bits == 32 ? FL_STR("u32") : bits == 64 ? FL_STR("u64") : FL_STR("");
}

static bool is_called(const struct fl_fetch_type *t, struct fl_str name)
{
	size_t i = 0;

	while (i < name.n && t->name[i] == name.p[i] && t->name[i])
		i++;
	return i == name.n && !t->name[i];
}

const struct fl_fetch_type *fl_find_type(struct fl_str name, unsigned int at)
{
	if (fl_at(name, 0) == 'b')
		name = container_type(name);
	for (size_t i = 0; i < fl_nr_fetch_types; i++) {
		const struct fl_fetch_type *t = &fl_fetch_types[i];

		if (is_called(t, name) &&
		    (!(t->flags & FL_TYPE_KERNEL) || !(at & FL_AT_USER)))
			return t;
	}
	return NULL;
}
