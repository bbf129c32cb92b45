/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe bundle: definitions with the types that they need, for kernels that have none. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/safe-write.h"
#include "cli/cmds.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/bundle/bundle.h"
#include "probe/target/user.h"

#define DEFINITIONS_MAX (16u << 20)

struct bundle_opts {
	struct fl_target_opts target;
	const char *output;
};

static const struct fl_opt bundle_options[] = {
	FL_OPT_LIST(struct bundle_opts, target.btf, 0, "btf", "[RELEASE=]FILE|DIR",
		    "a kernel's types: vmlinux, raw BTF named after its release, or a folder of vmlinux and modules; "
		    "may be repeated"),
	FL_OPT_STR(struct bundle_opts, target.kallsyms, 0, "kallsyms", "FILE", "symbols, as /proc/kallsyms"),
	FL_OPT_STR(struct bundle_opts, target.events, 0, "events", "DIR",
		   "events, as SYSTEM/EVENT/format beneath DIR"),
	FL_OPT_STR(struct bundle_opts, target.arch, 0, "arch", "x86_64|arm64", "the kernels' architecture"),
	FL_OPT_STR(struct bundle_opts, output, 'o', "output", "BUNDLE", "write there"),
	{}
};

struct bundling {
	const struct bundle_opts *o;
	const char *place; /* of the definitions */
	struct fl_str definitions;
	struct fl_buf out;
};

static int say_fault(const struct bundling *b, const char *kernel, struct fl_bundle_fault *f, int err)
{
	if (f->line) {
		fl_cli_print_verdict(&f->verdict, f->text, b->place, f->line);
		fl_say_line("%s: note: that is what this kernel's types say", kernel);
		fl_probe_verdict_fini(&f->verdict);
	} else {
		fl_say_failed(kernel, err);
	}
	return err;
}

/* ---- the files of one kernel ---- */

struct files {
	char **v; /* vmlinux, then modules by name */
	size_t n;
};

static void files_fini(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i]);
	free(f->v);
}

static int add_file(struct files *f, const char *dir, const char *name)
{
	_cleanup_buf_ struct fl_buf path = {};
	char **v = reallocarray(f->v, f->n + 1, sizeof(char *));

	if (!v)
		return -ENOMEM;
	f->v = v;
	fl_buf_addz(&path, dir);
	if (name)
		fl_buf_addf(&path, "/%s", name);
	v[f->n] = fl_buf_take(&path);
	if (!v[f->n])
		return -ENOMEM;
	f->n++;
	return 0;
}

static int is_module(const struct dirent *e)
{
	return e->d_name[0] != '.' && strcmp(e->d_name, "vmlinux") != 0;
}

/* A file is a kernel's alone; a folder is as /sys/kernel/btf. */
static int list_files(const char *path, struct files *f)
{
	struct dirent **list;
	struct stat st;
	int n, r;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return add_file(f, path, NULL);
	n = scandir(path, &list, is_module, alphasort);
	if (n < 0)
		return -errno;
	r = add_file(f, path, "vmlinux");
	for (int i = 0; i < n; i++) {
		r = r == 0 ? add_file(f, path, list[i]->d_name) : r;
		free(list[i]);
	}
	free(list);
	return r;
}

static int add_kernel(struct bundling *b, const char *given)
{
	_cleanup_(files_fini) struct files files = {};
	_cleanup_target_ struct fl_target *t = NULL;
	_cleanup_buf_ struct fl_buf shown = {};
	struct fl_target_opts opts = b->o->target;
	struct fl_bundle_fault fault = {};
	const char *eq = strchr(given, '='), *path;
	struct fl_kernel_id id;
	size_t before = b->out.len;
	int r;

	if (eq && memchr(given, '/', (size_t)(eq - given)))
		eq = NULL; /* a path's own */
	path = eq ? eq + 1 : given;
	r = list_files(path, &files);
	if (r < 0)
		return say_fault(b, path, &fault, r);
	opts.btf.v = (const char **)files.v;
	opts.btf.n = files.n;
	r = fl_kernel_id_file(path, eq ? fl_str_n(given, (size_t)(eq - given)) : FL_STR(""), &id);
	if (r < 0)
		return say_fault(b, path, &fault, r);
	if (fl_cli_target(&opts, &t) < 0)
		return -ECANCELED;
	fl_target_use_code(t, &fl_user_code);
	r = fl_bundle_add(t, &id, b->definitions, &b->out, &fault);
	if (r < 0)
		return say_fault(b, path, &fault, r);
	fl_kernel_id_print(&id, &shown);
	fl_say(FL_NOTE, "%s: %zu bytes", fl_buf_z(&shown), b->out.len - before);
	return 0;
}

static int write_out(struct bundling *b)
{
	struct fl_diag d = {};
	int r = fl_bundle_end(&b->out);

	if (r == 0)
		r = fl_out_write(b->o->output, b->out.data, b->out.len, &d);
	if (r < 0 && !fl_say_diag(&d))
		fl_say_failed(b->o->output, r);
	fl_diag_fini(&d);
	return r;
}

static int bundle_run(const void *v, const struct fl_args *args)
{
	struct bundling b = { .o = v, .place = args->v[0] };
	_cleanup_file_ struct fl_file f = {};
	int r;

	if (!b.o->output || !b.o->target.btf.n)
		return fl_say_usage("--btf FILE says for which kernels, and -o BUNDLE where to");
	r = fl_file_open(b.place, DEFINITIONS_MAX, &f);
	if (r < 0) {
		fl_say_failed(b.place, r);
		return FL_EXIT_FINDINGS;
	}
	b.definitions = fl_file_str(&f);
	r = fl_bundle_begin(b.definitions, &b.out);
	for (size_t i = 0; i < b.o->target.btf.n && r == 0; i++)
		r = add_kernel(&b, b.o->target.btf.v[i]);
	if (r == 0)
		r = write_out(&b);
	fl_buf_fini(&b.out);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_probe_bundle = {
	.name = "bundle",
	.summary = "Put definitions and the types that they need into a file, for kernels without BTF",
	.args = "DEFS",
	.about = "DEFS is a file of definitions as of 'trace --file', or -. They are checked against each kernel's "
		 "types, and of these the few that they need are kept, with the build-id or release that the kernel "
		 "is known by, and with the definitions in the text of older kernels' tracefs. Of a folder modules' "
		 "types are kept, too; /sys/kernel/btf is the kernel that runs. 'trace --bundle' and "
		 "'agent --bundle' take the types of the kernel that runs, where it has none of its own.",
	.size = sizeof(struct bundle_opts),
	.options = bundle_options,
	.min_args = 1,
	.max_args = 1,
	.run = bundle_run,
};
