/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/gen/kernel.h"

#include <errno.h>
#include <string.h>

/* A member by a path of names through structs that lie within each other: its byte offset. */
static bool member_offset(struct fl_type t, const char *path, uint32_t *ret)
{
	struct fl_str rest = fl_str(path);
	uint32_t bits = 0;

	while (rest.n) {
		size_t dot = fl_str_find(rest, '.', 0);
		struct fl_member m;

		t = fl_type_strip(t);
		if (fl_type_find_member(t, fl_str_sub(rest, 0, dot), &m) < 0)
			return false;
		bits += m.bit_offset;
		t = m.type;
		rest = fl_str_from(rest, dot + 1);
	}
	*ret = bits / 8;
	return true;
}

static void task_offsets(struct fl_btf *btf, struct fl_gen_env *env)
{
	struct fl_type task = fl_btf_find(btf, FL_STR("task_struct"), FL_KIND(BTF_KIND_STRUCT));

	env->task_btf = fl_type_ok(task) && member_offset(task, "pid", &env->task_pid) &&
			member_offset(task, "tgid", &env->task_tgid) &&
			member_offset(task, "comm", &env->task_comm);
}

/* How far loads may go behind the start of an array: the longest fetch of an array by loads. */
#define WINDOW_NEED 64
/* An array further behind cannot be reached by a load's own offset. */
#define WINDOW_REACH 16384

/* A struct with a plain member that is a long array of 8-byte integers. */
static int find_window(void *ctx, struct fl_type t)
{
	struct fl_gen_env *env = ctx;
	struct fl_member m;

	for (uint32_t i = 0; fl_type_member(t, i, &m); i++) {
		struct fl_type array = fl_type_strip(m.type);
		struct fl_int element;

		if (m.bit_offset / 8 > WINDOW_REACH)
			return 0;
		if (fl_type_kind(array) != BTF_KIND_ARRAY ||
		    fl_type_int(fl_type_strip(fl_type_target(array)), &element) < 0 ||
		    element.size != 8 || fl_type_array_len(array) * 8 < WINDOW_NEED)
			continue;
		env->window_type = t.id;
		env->window_offset = m.bit_offset / 8;
		return 1;
	}
	return 0;
}

/* BTF's enum of BPF features names what bpf_rdonly_cast() takes. */
static bool casts_to_void(struct fl_btf *btf)
{
	struct fl_type t = fl_btf_find(btf, FL_STR("bpf_features"), FL_KIND(BTF_KIND_ENUM));
	struct fl_enum_value v;

	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++)
		if (fl_str_is(v.name, "BPF_FEAT_RDONLY_CAST_TO_VOID"))
			return true;
	return false;
}

static void read_form(struct fl_btf *btf, struct fl_gen_env *env)
{
	struct fl_type cast = fl_btf_find(btf, FL_STR("bpf_rdonly_cast"), FL_KIND(BTF_KIND_FUNC));

	env->read = FL_READ_HELPER;
	if (!fl_type_ok(cast))
		return;
	env->rdonly_cast = cast.id;
	if (casts_to_void(btf))
		env->read = FL_READ_VOID;
	else if (fl_btf_each(btf, FL_STR("*"), FL_KIND(BTF_KIND_STRUCT), find_window, env) == 1)
		env->read = FL_READ_WINDOW;
}

int fl_kernel_facts(struct fl_target *t, struct fl_gen_env *env)
{
	struct fl_btf *btf;

	env->arch = fl_target_arch(t);
	env->nonoverlapping = strcmp(env->arch->name, "x86_64") == 0;
	env->read = FL_READ_HELPER;
	if (fl_target_is_lent(t) || fl_target_btf(t, &btf) < 0)
		return 0;
	task_offsets(btf, env);
	read_form(btf, env);
	return 0;
}

void fl_kernel_user_func(struct fl_target *t, struct fl_gen_env *env)
{
	static const struct {
		const char *type, *member;
	} steps[] = {{"task_struct", "utask"}, {"uprobe_task", "vaddr"}, {"uprobe_dispatch_data", "bp_addr"}};
	struct fl_btf *btf;

	if (fl_target_btf(t, &btf) < 0)
		return;
	for (size_t i = FL_ARRAY_SIZE(steps); i-- > 0;)
		if (!member_offset(fl_btf_find(btf, fl_str(steps[i].type), FL_KIND(BTF_KIND_STRUCT)), steps[i].member,
				   &env->user_func[i]))
			return; /* the first step, which tells, is not filled then */
}

int fl_kernel_paths(struct fl_target *t, struct fl_gen_paths *ret)
{
	struct fl_gen_paths p;
	const struct {
		const char *type, *path;
		uint32_t *offset;
	} wanted[] = {
		{ "file", "f_path", &p.file_path },
		{ "path", "mnt", &p.path_mnt },
		{ "path", "dentry", &p.path_dentry },
		{ "dentry", "d_parent", &p.parent },
		{ "dentry", "d_name.name", &p.name },
		{ "dentry", "d_name.len", &p.name_len },
		{ "dentry", "d_hash.pprev", &p.unhashed },
		{ "dentry", "d_sb", &p.sb },
		{ "dentry", "d_inode", &p.inode },
		{ "inode", "i_ino", &p.ino },
		{ "super_block", "s_magic", &p.magic },
		{ "mount", "mnt", &p.mount_mnt },
		{ "mount", "mnt_parent", &p.mount_parent },
		{ "mount", "mnt_mountpoint", &p.mountpoint },
		{ "vfsmount", "mnt_root", &p.mnt_root },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(wanted); i++) {
		struct fl_type type = fl_target_type(t, fl_str(wanted[i].type), FL_KIND(BTF_KIND_STRUCT));

		if (!fl_type_ok(type) || !member_offset(type, wanted[i].path, wanted[i].offset))
			return -ENOENT;
	}
	*ret = p;
	return 0;
}

/* ---- per-CPU ---- */

static bool symbol_address(struct fl_target *t, const char *name, uint64_t *ret)
{
	struct fl_ksyms *syms;
	struct fl_ksym sym;

	if (fl_target_ksyms(t, &syms) < 0 || fl_ksyms_hidden(syms) ||
	    fl_ksyms_find(syms, fl_str(name), &sym, 1) == 0)
		return false;
	*ret = sym.addr;
	return true;
}

/*
 * Without addresses of data symbols: each task knows its run queue, which is a per-CPU variable, and
 * BTF knows how far each per-CPU variable lies from it.
 */
static bool over_run_queue(struct fl_target *t, struct fl_btf *btf, struct fl_gen_env *env)
{
	struct fl_type task = fl_btf_find(btf, FL_STR("task_struct"), FL_KIND(BTF_KIND_STRUCT));
	struct fl_type cfs = fl_btf_find(btf, FL_STR("cfs_rq"), FL_KIND(BTF_KIND_STRUCT));
	struct fl_var queue, offset;

	if (fl_target_percpu(t, FL_STR("runqueues"), &queue) < 0 ||
	    fl_target_percpu(t, FL_STR("this_cpu_off"), &offset) < 0 ||
	    !member_offset(task, "se.cfs_rq", &env->rq_path[0]) ||
	    !member_offset(cfs, "rq", &env->rq_path[1]))
		return false;
	env->rq_to_offset = (int64_t)offset.offset - (int64_t)queue.offset;
	env->rq_to_section = -(int64_t)queue.offset;
	return true;
}

void fl_kernel_percpu(struct fl_target *t, struct fl_gen_env *env)
{
	struct fl_var var;
	struct fl_btf *btf;
	uint64_t unused;

	if (env->percpu != FL_PERCPU_NONE)
		return;
	if (symbol_address(t, "__per_cpu_offset", &env->percpu_table)) {
		env->percpu = FL_PERCPU_TABLE;
		return;
	}
	if (fl_target_btf(t, &btf) < 0)
		return;
	if (!fl_target_is_lent(t) && symbol_address(t, "this_cpu_off", &unused) &&
	    fl_target_percpu(t, FL_STR("this_cpu_off"), &var) == 0) {
		env->percpu = FL_PERCPU_VARIABLE;
		env->percpu_var = var.var.id;
	} else if (over_run_queue(t, btf, env)) {
		env->percpu = FL_PERCPU_RUNQUEUE;
	}
}
