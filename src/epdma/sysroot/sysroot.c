// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/sysroot/sysroot.h"

#include <errno.h>
#include <stdlib.h>

#include "epdma/sysroot/sysroot-private.h"

int fl_sysroot_new(const struct fl_sysroot_config *config, struct fl_sysroot **ret)
{
	struct fl_sysroot *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->config = *config;
	m->shared_header = fl_epf_default_header;
	m->root = fl_dir_new(NULL, NULL);
	r = m->root ? fl_sysroot_make_configfs(m) : -ENOMEM;
	if (!r && config->host)
		r = fl_sysroot_make_host(m);
	if (r) {
		fl_sysroot_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void fl_sysroot_free(struct fl_sysroot *m)
{
	if (!m)
		return;
	for (struct function *f = m->functions, *next; f; f = next) {
		next = f->next;
		fl_sysroot_hide(f);
		fl_epf_free(f->epf);
		free(f->name);
		free(f);
	}
	fl_node_unref(m->root);
	free(m);
}

struct fl_node *fl_sysroot_root(struct fl_sysroot *m)
{
	return m->root;
}

struct fl_epf *fl_sysroot_bound(struct fl_sysroot *m)
{
	for (struct function *f = m->functions; f; f = f->next)
		if (f->epf && fl_epf_epc(f->epf))
			return f->epf;
	return NULL;
}

const struct fl_epf_error *fl_sysroot_error(const struct fl_sysroot *m)
{
	return &m->error;
}

void fl_sysroot_forget(struct fl_sysroot *m)
{
	m->error = (struct fl_epf_error){};
}
