/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/printfmt/names.h"

#include <errno.h>
#include <stdlib.h>

#include "probe/printfmt/private.h"

#define RECORD_MAX 1024 /* where a field may lie */

struct known {
	const struct fl_format *format;
	struct fl_printfmt *text; /* NULL: it cannot be said */
};

struct fl_field_names {
	struct fl_field_namer pub;
	struct fl_arena arena;
	struct known *known;
	size_t n;
};

static struct known *find(struct fl_field_names *names, const struct fl_format *format)
{
	struct known *bigger;

	for (size_t i = 0; i < names->n; i++)
		if (names->known[i].format == format)
			return &names->known[i];
	bigger = reallocarray(names->known, names->n + 1, sizeof(*bigger));
	if (!bigger)
		return NULL;
	names->known = bigger;
	bigger[names->n] = (struct known){.format = format};
	fl_printfmt_parse(format, FL_ABI_OWN, &names->arena, &bigger[names->n].text);
	return &bigger[names->n++];
}

/* A record of which that field alone is known. */
static bool name_field(struct fl_field_namer *pub, const struct fl_format *format, const struct fl_field *field,
		       uint64_t value, struct fl_buf *out)
{
	struct known *k = find((struct fl_field_names *)pub, format);
	uint8_t data[RECORD_MAX] = {};
	struct fl_print_record rec = {.abi = FL_ABI_OWN, .data = data, .size = sizeof(data)};

	if (!k || !k->text || !field->size || field->size > 8 || field->offset > RECORD_MAX - 8)
		return false;
	for (uint32_t i = 0; i < field->size; i++)
		data[field->offset + (rec.abi.big_endian ? field->size - 1 - i : i)] = (uint8_t)(value >> 8 * i);
	return fl_printfmt_field(k->text, field, &rec, out);
}

int fl_field_names_new(struct fl_field_names **ret)
{
	struct fl_field_names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->pub.name = name_field;
	*ret = names;
	return 0;
}

void fl_field_names_free(struct fl_field_names *names)
{
	if (!names)
		return;
	fl_arena_fini(&names->arena);
	free(names->known);
	free(names);
}

struct fl_field_namer *fl_field_names_namer(struct fl_field_names *names)
{
	return &names->pub;
}
