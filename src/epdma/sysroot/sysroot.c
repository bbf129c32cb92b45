// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/sysroot/sysroot.h"

#include <errno.h>
#include <stdlib.h>

#include "epdma/sysroot/sysroot-private.h"

int fl_machine_new(const struct fl_machine_config *config, struct fl_machine **ret)
{
	struct fl_machine *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->config = *config;
	m->shared_header = fl_epf_default_header;
	m->root = fl_dir_new(NULL, NULL);
	r = m->root ? fl_machine_make_configfs(m) : -ENOMEM;
	if (!r && config->host)
		r = fl_machine_make_host(m);
	if (r) {
		fl_machine_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void fl_machine_free(struct fl_machine *m)
{
	if (!m)
		return;
	for (struct function *f = m->functions, *next; f; f = next) {
		next = f->next;
		fl_machine_hide(f);
		fl_epf_free(f->epf);
		free(f->name);
		free(f);
	}
	fl_node_unref(m->root);
	free(m);
}

struct fl_node *fl_machine_root(struct fl_machine *m)
{
	return m->root;
}

struct fl_epf *fl_machine_function(struct fl_machine *m, unsigned int i)
{
	for (struct function *f = m->functions; f; f = f->next)
		if (f->epf && i-- == 0)
			return f->epf;
	return NULL;
}

struct fl_epf *fl_machine_bound(struct fl_machine *m)
{
	for (struct function *f = m->functions; f; f = f->next)
		if (f->epf && fl_epf_epc(f->epf))
			return f->epf;
	return NULL;
}

const struct fl_epf_error *fl_machine_error(const struct fl_machine *m)
{
	return &m->error;
}

void fl_machine_forget(struct fl_machine *m)
{
	m->error = (struct fl_epf_error){};
}
