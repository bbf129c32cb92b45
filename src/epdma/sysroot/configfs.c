// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The endpoint's half: pci_ep/functions and pci_ep/controllers, as drivers/pci/endpoint/pci-ep-cfs.c
 * shows them. In Linux "primary", "secondary" and the function's own directory appear about a
 * millisecond after mkdir; here they are there at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "epdma/sysroot/sysroot-private.h"

#define DRIVER_NAME "pci_epf_dma"

int fl_sysroot_attr(struct fl_node *dir, const char *name, const struct fl_attr_ops *ops,
		    mode_t mode, void *data)
{
	return fl_dir_add(dir, fl_str(name), fl_attr_new(ops, mode, data));
}

/* ---- a function's attributes ---- */

static int show_attr(struct fl_node *n, struct fl_buf *out)
{
	const struct attr *a = n->data;

	if (!a->f->epf)
		return -ENODEV;
	fl_epf_show(a->f->epf, a->which, out);
	return 0;
}

static int store_attr(struct fl_node *n, struct fl_str text)
{
	const struct attr *a = n->data;

	if (!a->f->epf)
		return -ENODEV;
	return fl_epf_store(a->f->epf, a->which, text, &a->f->m->error);
}

static const struct fl_attr_ops attr_ops = { .show = show_attr, .store = store_attr };

/* ---- binding ---- */

static int bind_to(struct function *f, struct fl_node *dir, struct fl_str name, struct fl_str target)
{
	int r;

	if (fl_dir_find(dir, name))
		return -EEXIST;
	r = fl_epf_bind(f->epf, f->m->config.epc, &f->m->error);
	if (r)
		return r;
	r = fl_dir_add(dir, name, fl_link_new(target));
	if (r) {
		fl_epf_unbind(f->epf);
		return r;
	}
	f->linked_in = dir;
	return 0;
}

static int unbind_from(struct function *f, struct fl_node *dir, struct fl_str name)
{
	int r = fl_dir_remove(dir, name);

	if (r)
		return r;
	fl_sysroot_hide(f);
	fl_epf_unbind(f->epf);
	f->linked_in = NULL;
	return 0;
}

/* "ln -s controllers/NAME functions/pci_epf_dma/dma0/primary/" */
static int primary_symlink(struct fl_node *dir, struct fl_str name, struct fl_str target,
			   struct fl_node *resolved)
{
	struct function *f = dir->data;

	if (!f->epf || !resolved)
		return -ENOENT;
	if (resolved != f->m->controller)
		return -EPERM;
	return bind_to(f, dir, name, target);
}

static int primary_unlink(struct fl_node *dir, struct fl_str name)
{
	return unbind_from(dir->data, dir, name);
}

static const struct fl_node_ops primary_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.symlink = primary_symlink,
	.unlink = primary_unlink,
	.free = fl_dir_free,
};

/* This function has no second interface, and its driver refuses to be bound without a first. */
static int secondary_symlink(struct fl_node *dir, struct fl_str name, struct fl_str target,
			     struct fl_node *resolved)
{
	struct function *f = dir->data;

	if (!f->epf || !resolved)
		return -ENOENT;
	return resolved == f->m->controller ? -EINVAL : -EPERM;
}

static const struct fl_node_ops secondary_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.symlink = secondary_symlink,
	.free = fl_dir_free,
};

/* A function linked into a function would be a virtual one; the engine has no resources for those. */
static int function_symlink(struct fl_node *dir, struct fl_str name, struct fl_str target,
			    struct fl_node *resolved)
{
	return resolved ? -EOPNOTSUPP : -ENOENT;
}

static const struct fl_node_ops function_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.symlink = function_symlink,
	.free = fl_dir_free,
};

/* ---- making and removing functions ---- */

static unsigned int free_index(const struct fl_sysroot *m)
{
	unsigned int index = 0;

	for (const struct function *f = m->functions; f;) {
		if (f->epf && f->index == index) {
			index++;
			f = m->functions;
		} else {
			f = f->next;
		}
	}
	return index;
}

static int fill_function(struct function *f)
{
	char own[32];
	struct fl_node *sub;
	int r = 0;

	snprintf(own, sizeof(own), DRIVER_NAME ".%u", f->index);
	r = fl_dir_add(f->dir, FL_STR("primary"), fl_dir_new(&primary_ops, f))
	    ?: fl_dir_add(f->dir, FL_STR("secondary"), fl_dir_new(&secondary_ops, f))
	    ?: fl_dir_add(f->dir, fl_str(own), fl_dir_new(NULL, NULL));
	sub = fl_dir_find(f->dir, fl_str(own));
	for (unsigned int i = 0; !r && i < _FL_EPF_ATTR_MAX; i++) {
		f->attrs[i] = (struct attr){ f, i };
		r = fl_sysroot_attr(fl_epf_attrs[i].specific ? sub : f->dir, fl_epf_attrs[i].name,
				    &attr_ops, 0644, &f->attrs[i]);
	}
	return r;
}

static int new_function(struct fl_sysroot *m, struct fl_str name, struct function **ret)
{
	const struct fl_epf_config config = {
		.seed_compat = m->config.seed_compat,
		.layout = m->config.layout,
		.shared_header = m->config.seed_compat ? &m->shared_header : NULL,
	};
	struct function *f = calloc(1, sizeof(*f)), **last = &m->functions;

	if (!f)
		return -ENOMEM;
	f->m = m;
	f->index = free_index(m);
	f->name = fl_str_dup(name);
	if (!f->name || fl_epf_new(&config, &f->epf)) {
		free(f->name);
		free(f);
		return -ENOMEM;
	}
	while (*last)
		last = &(*last)->next;
	*last = f;
	*ret = f;
	return 0;
}

static void kill_function(struct function *f)
{
	fl_epf_free(f->epf);
	f->epf = NULL;
	f->dir = NULL;
}

static int driver_mkdir(struct fl_node *dir, struct fl_str name)
{
	struct fl_sysroot *m = dir->data;
	struct function *f;
	int r;

	if (fl_dir_find(dir, name))
		return -EEXIST;
	r = new_function(m, name, &f);
	if (r)
		return r;
	f->dir = fl_dir_new(&function_ops, f);
	r = f->dir ? fill_function(f) : -ENOMEM;
	if (!r)
		r = fl_dir_add(dir, name, f->dir);
	else
		fl_node_unref(f->dir);
	if (r)
		kill_function(f);
	return r;
}

static int driver_rmdir(struct fl_node *dir, struct fl_str name)
{
	struct fl_node *n = fl_dir_find(dir, name);
	struct function *f = n ? n->data : NULL;

	if (!f)
		return -ENOENT;
	if (fl_epf_epc(f->epf))
		return -EBUSY;
	kill_function(f);
	return fl_dir_remove(dir, name);
}

static const struct fl_node_ops driver_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.mkdir = driver_mkdir,
	.rmdir = driver_rmdir,
	.free = fl_dir_free,
};

/* ---- controllers ---- */

static struct function *function_of(struct fl_sysroot *m, const struct fl_node *dir)
{
	for (struct function *f = m->functions; f; f = f->next)
		if (f->epf && f->dir == dir)
			return f;
	return NULL;
}

/* "ln -s functions/pci_epf_dma/dma0 controllers/NAME/": the other way round */
static int controller_symlink(struct fl_node *dir, struct fl_str name, struct fl_str target,
			      struct fl_node *resolved)
{
	struct function *f;

	if (!resolved)
		return -ENOENT;
	f = function_of(dir->data, resolved);
	return f ? bind_to(f, dir, name, target) : -EPERM;
}

static int controller_unlink(struct fl_node *dir, struct fl_str name)
{
	struct fl_sysroot *m = dir->data;
	struct fl_node *n = fl_dir_find(dir, name);

	if (!n || n->type != FL_NODE_SYMLINK)
		return n ? -EPERM : -ENOENT;
	for (struct function *f = m->functions; f; f = f->next)
		if (f->linked_in == dir)
			return unbind_from(f, dir, name);
	return -ENOENT;
}

static const struct fl_node_ops controller_ops = {
	.lookup = fl_dir_lookup,
	.readdir = fl_dir_readdir,
	.symlink = controller_symlink,
	.unlink = controller_unlink,
	.free = fl_dir_free,
};

static int show_start(struct fl_node *n, struct fl_buf *out)
{
	const struct fl_sysroot *m = n->data;

	fl_buf_addf(out, "%d\n", fl_epc_started(m->config.epc));
	return 0;
}

/* What Linux's kstrtobool() makes of a text: its first letter, or two for "on" and "off". */
static int parse_bool(struct fl_str text, bool *ret)
{
	static const char yes[] = "yY1tT", no[] = "nN0fF";
	char c = text.n ? text.p[0] : '\0';

	if (c && strchr(yes, c))
		*ret = true;
	else if (c && strchr(no, c))
		*ret = false;
	else if (text.n > 1 && (c == 'o' || c == 'O') && (text.p[1] == 'n' || text.p[1] == 'N'))
		*ret = true;
	else if (text.n > 1 && (c == 'o' || c == 'O') && (text.p[1] == 'f' || text.p[1] == 'F'))
		*ret = false;
	else
		return -EINVAL;
	return 0;
}

/* A host that is part of this machine sees the link come up, and looks at the bus. */
static int store_start(struct fl_node *n, struct fl_str text)
{
	struct fl_sysroot *m = n->data;
	struct fl_epc *epc = m->config.epc;
	bool on;
	int r = parse_bool(text, &on);

	if (r)
		return r;
	if (!on)
		for (struct function *f = m->functions; f; f = f->next)
			fl_sysroot_hide(f);
	r = on ? fl_epc_start(epc) : fl_epc_stop(epc);
	if (!r && on && m->config.host) {
		fl_epc_link_up(epc);
		fl_sysroot_rescan(m);
	}
	return r;
}

static const struct fl_attr_ops start_ops = { .show = show_start, .store = store_start };

int fl_sysroot_make_configfs(struct fl_sysroot *m)
{
	struct fl_str name = fl_str(fl_epc_board(m->config.epc)->controller);
	struct fl_node *functions, *controllers, *class, *drivers;
	int r;

	functions = fl_dir_make_path(m->root, FL_STR("sys/kernel/config/pci_ep/functions"));
	controllers = fl_dir_make_path(m->root, FL_STR("sys/kernel/config/pci_ep/controllers"));
	class = fl_dir_make_path(m->root, FL_STR("sys/class/pci_epc"));
	drivers = fl_dir_make_path(m->root, FL_STR("sys/bus/pci-epf/drivers"));
	if (!functions || !controllers || !class || !drivers)
		return -ENOMEM;
	r = fl_dir_add(functions, FL_STR(DRIVER_NAME), fl_dir_new(&driver_ops, m))
	    ?: fl_dir_add(controllers, name, fl_dir_new(&controller_ops, m))
	    ?: fl_dir_add(class, name, fl_dir_new(NULL, NULL))
	    ?: fl_dir_add(drivers, FL_STR(DRIVER_NAME), fl_dir_new(NULL, NULL));
	if (r)
		return r;
	m->controller = fl_dir_find(controllers, name);
	return fl_sysroot_attr(m->controller, "start", &start_ops, 0644, m);
}
