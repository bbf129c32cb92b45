/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Script lines on a tree that allows everything. */
#include <errno.h>

#include "fuzz.h"
#include "script/script.h"
#include "vfs/dir.h"

static int make_dir(struct fl_node *dir, struct fl_str name);

static int make_link(struct fl_node *dir, struct fl_str name, struct fl_str target,
		     struct fl_node *resolved)
{
	return fl_dir_add(dir, name, fl_link_new(target));
}

static int remove_dir(struct fl_node *dir, struct fl_str name)
{
	return fl_dir_count(fl_dir_find(dir, name)) ? -ENOTEMPTY : fl_dir_remove(dir, name);
}

static const struct fl_node_ops dir_ops = {
	.lookup = fl_dir_lookup, .readdir = fl_dir_readdir, .mkdir = make_dir, .rmdir = remove_dir,
	.symlink = make_link, .unlink = fl_dir_remove, .free = fl_dir_free,
};

static int make_dir(struct fl_node *dir, struct fl_str name)
{
	return fl_dir_add(dir, name, fl_dir_new(&dir_ops, NULL));
}

static int show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, "value\n");
	return 0;
}

static int store(struct fl_node *attr, struct fl_str text)
{
	return text.n && text.p[0] == 'x' ? -EINVAL : 0;
}

static const struct fl_attr_ops file_ops = { show, store };

static int render(void *ctx, const struct fl_diag *diag, int err)
{
	_cleanup_buf_ struct fl_buf out = {};

	fl_diag_render(diag, &out);
	fl_diag_json(diag, NULL, false, &out);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_node *root = fl_dir_new(&dir_ops, NULL);
	struct fl_script *s = fl_script_new(root);
	_cleanup_buf_ struct fl_buf out = {};

	fl_dir_add(root, FL_STR("f"), fl_attr_new(&file_ops, 0644, NULL));
	fl_script_transcript(s, size & 1);
	fl_script_run(s, fl_str_n((const char *)data, size), "fuzz", &out, render, NULL);
	fl_script_free(s);
	fl_node_unref(root);
	return 0;
}
