/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracefs-script [--no-dump] FACTS DIALECT [ROOT] < SCRIPT: runs shell lines against our tracefs tree, as if in
 * /sys/kernel/tracing of the kernel whose facts (scripts/vm --exported) are in the folder FACTS.
 * Output of the commands is printed; a command that failed is "failed: ERRNO". --no-dump: a kernel that was
 * not built to show fetch programs.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "probe/target/target.h"
#include "probe/tracefs/tracefs.h"
#include "script/script.h"

static int report(void *ctx, const struct fl_diag *diag, int err)
{
	fl_buf_addf(ctx, "failed: %s\n", fl_errno_name(err));
	return 0;
}

/* FACTS/btf: vmlinux, then those of modules. The strings live as long as the program. */
static struct fl_strv btf_files(const char *facts)
{
	_cleanup_buf_ struct fl_buf vmlinux = {}, modules = {};
	static glob_t found;

	fl_buf_addf(&vmlinux, "%s/btf/vmlinux", facts);
	fl_buf_addf(&modules, "%s/btf/[!v]*", facts);
	if (glob(fl_buf_z(&vmlinux), 0, NULL, &found) != 0)
		return (struct fl_strv){};
	glob(fl_buf_z(&modules), GLOB_APPEND, NULL, &found);
	return (struct fl_strv){ (const char **)found.gl_pathv, found.gl_pathc };
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct fl_buf kallsyms = {}, events = {}, out = {};
	_cleanup_target_ struct fl_target *target = NULL;
	_cleanup_file_ struct fl_file script = {};
	struct fl_target_opts opts = {};
	enum fl_dialect dialect = 0;
	struct fl_script *s;
	struct fl_node *root;
	bool dump = argc < 2 || strcmp(argv[1], "--no-dump");

	argv += !dump;
	argc -= !dump;
	if (argc < 3 || argc > 4 || fl_file_open("-", 1 << 24, &script) < 0)
		return 2;
	while (dialect < _FL_DIALECT_MAX && !fl_str_is(fl_str(argv[2]), fl_dialects[dialect].name))
		dialect++;
	fl_buf_addf(&kallsyms, "%s/kallsyms", argv[1]);
	fl_buf_addf(&events, "%s/events", argv[1]);
	opts.btf = btf_files(argv[1]);
	opts.kallsyms = fl_buf_z(&kallsyms);
	opts.events = fl_buf_z(&events);
	opts.root = argc > 3 ? argv[3] : NULL;
	if (dialect == _FL_DIALECT_MAX || fl_target_open(&opts, &target) < 0)
		return 2;
	root = fl_tracefs_new(target, &(struct fl_tracefs_opts){ .dialect = dialect, .dump = dump });
	s = fl_script_new(root);
	fl_script_run(s, fl_file_str(&script), "script", &out, report, &out);
	fl_script_free(s);
	fl_node_unref(root);
	return fl_buf_write_fd(&out, STDOUT_FILENO) < 0;
}
