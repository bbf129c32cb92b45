/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One form, as its file gives it. */
#ifndef PROBE_EXPORT_PRIVATE_H
#define PROBE_EXPORT_PRIVATE_H

#include "probe/export/export.h"

struct fl_form {
	const char *name;
	void *(*create)(const struct fl_export_opts *opts); /* NULL: no memory */
	void (*destroy)(void *form);
	int (*record)(void *form, const struct fl_recorded *rec, struct fl_buf *out);
	int (*finish)(void *form, struct fl_buf *out); /* NULL: nothing stands at the end */
	bool (*text)(void *form, struct fl_str source, struct fl_str text, struct fl_buf *out); /* NULL: no place */
	uint64_t (*left_out)(const void *form);						       /* NULL: none */
};

#define F(name) extern const struct fl_form fl_form_##name;
#include "probe/export/forms.def"
#undef F

#endif
