/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/views/stacks.h"

#include <inttypes.h>
#include <string.h>

#include "base/util.h"

size_t fl_alloc_chain(const struct fl_alloc_record *r, struct fl_alloc_frame v[3],
		      const struct fl_alloc_frame **ret)
{
	size_t n = 0;

	if (r->more && r->more->nr_stack) {
		*ret = r->more->stack;
		return FL_MIN(r->more->nr_stack, FL_ALLOC_CHAIN_MAX);
	}
	*ret = v;
	memset(v, 0, 3 * sizeof(*v));
	v[n].function = r->function.n ? r->function : FL_STR("(unknown)");
	v[n].file = r->file;
	v[n++].line = r->line;
	if (r->file.n)
		v[n++].function = r->file;
	v[n++].function = r->module.n ? r->module : FL_STR("(built in)");
	return n;
}

void fl_alloc_frame_name(const struct fl_alloc_frame *f, struct fl_buf *out)
{
	const char *slash;

	if (f->function.n) {
		fl_buf_add_str(out, f->function);
		return;
	}
	slash = f->module.n ? memrchr(f->module.p, '/', f->module.n) : NULL;
	fl_buf_add_str(out, slash ? fl_str_from(f->module, (size_t)(slash + 1 - f->module.p)) : f->module);
	fl_buf_addf(out, "%s0x%" PRIx64, f->module.n ? "+" : "", f->offset);
}

/* What ends a frame or a line in this format becomes another sign. */
static void add_folded_name(const struct fl_alloc_frame *f, struct fl_buf *name, struct fl_buf *out)
{
	fl_buf_reset(name);
	fl_alloc_frame_name(f, name);
	for (size_t i = 0; i < name->len; i++) {
		unsigned char c = (unsigned char)name->data[i];

		fl_buf_addc(out, c == ';' ? ':' : c < ' ' || c == 127 ? '?' : (char)c);
	}
}

void fl_alloc_render_folded(const struct fl_alloc_set *set, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	for (size_t i = 0; i < set->n; i++) {
		struct fl_alloc_frame v[3];
		const struct fl_alloc_frame *chain;
		size_t n = fl_alloc_chain(&set->v[i], v, &chain);

		if (set->v[i].bytes <= 0)
			continue;
		while (n-- > 0) {
			add_folded_name(&chain[n], &name, out);
			fl_buf_addc(out, n ? ';' : ' ');
		}
		fl_buf_add_s64(out, set->v[i].bytes);
		fl_buf_addc(out, '\n');
	}
}
