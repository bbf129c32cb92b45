/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts that describe a target: symbols, and the format of a tracepoint. */
#include <stdlib.h>

#include "foreland/diag.h"
#include "fuzz.h"
#include "probe/target/formats.h"
#include "btf/ksyms.h"

static int look_up(void *ctx, const struct fl_ksym *sym)
{
	struct fl_ksyms *k = ctx;
	struct fl_ksym found;

	if (!fl_ksyms_find(k, sym->name, &found, 1) && fl_str_find(sym->name, ':', 0) == sym->name.n)
		abort(); /* what is there is found by its name */
	/* So is each address of the kernel's half. */
	if (!fl_ksyms_hidden(k) && sym->addr >> 63 &&
	    (fl_ksyms_at(k, sym->addr, &found) < 0 || found.addr != sym->addr))
		abort();
	fl_ksyms_variants(k, sym->name, &found, 1);
	return 0;
}

static void symbols(struct fl_str text)
{
	struct fl_diag diag = {};
	struct fl_ksyms *k = NULL;

	if (fl_ksyms_from_text(text, "fuzz", &diag, &k) < 0 && !diag.kind)
		abort();
	if (k && fl_ksyms_count(k) < 1000)
		fl_ksyms_each(k, FL_STR("*"), look_up, k);
	fl_ksyms_close(k);
	fl_diag_fini(&diag);
}

static void format(struct fl_str text)
{
	_cleanup_arena_ struct fl_arena arena = {};
	struct fl_diag diag = { .place = "fuzz" };
	struct fl_format f;

	if (fl_format_parse(FL_STR("fuzz"), text, &arena, &diag, &f) < 0) {
		if (!diag.kind)
			abort();
	} else {
		for (size_t i = 0; i < f.nr_fields; i++)
			if (f.fields[i].offset + f.fields[i].size > f.size ||
			    !fl_format_field(&f, f.fields[i].name))
				abort();
	}
	fl_diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In memory of its size, so that a read past it is seen. */
	char *copy = malloc(size ? size : 1);
	struct fl_str text = fl_str_n(copy, size);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	symbols(text);
	format(text);
	free(copy);
	return 0;
}
