/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/export/export.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "probe/export/private.h"

struct fl_export {
	const struct fl_form *form;
	void *state;
};

static const struct fl_form *const forms[] = {
#define F(name) &fl_form_##name,
#include "probe/export/forms.def"
#undef F
};

int fl_export_new(const char *form, struct fl_export_opts opts, struct fl_export **ret)
{
	_cleanup_export_ struct fl_export *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (size_t i = 0; i < FL_ARRAY_SIZE(forms); i++)
		if (!strcmp(forms[i]->name, form))
			e->form = forms[i];
	if (!e->form)
		return -EINVAL;
	e->state = e->form->create(&opts);
	if (!e->state)
		return -ENOMEM;
	*ret = TAKE_PTR(e);
	return 0;
}

void fl_export_free(struct fl_export *e)
{
	if (e && e->state)
		e->form->destroy(e->state);
	free(e);
}

int fl_export_record(struct fl_export *e, const struct fl_recorded *rec, struct fl_buf *out)
{
	int r = e->form->record(e->state, rec, out);

	return r < 0 ? r : out->error;
}

int fl_export_finish(struct fl_export *e, struct fl_buf *out)
{
	int r = e->form->finish ? e->form->finish(e->state, out) : 0;

	return r < 0 ? r : out->error;
}

bool fl_export_text(struct fl_export *e, struct fl_str source, struct fl_str text,
		    struct fl_buf *out)
{
	return e->form->text && e->form->text(e->state, source, text, out);
}

uint64_t fl_export_left_out(const struct fl_export *e)
{
	return e->form->left_out ? e->form->left_out(e->state) : 0;
}
