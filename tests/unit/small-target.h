/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target of a few types, functions and one event, for tests that need no kernel:
 *
 *	struct path { struct dentry *dentry; };
 *	struct file { unsigned int f_mode; unsigned char f_bits:3, :2, f_more:7; struct path f_path;
 *		      union { long a; struct { char b[8]; }; }; struct file *next; void *f_op; };
 *	struct dentry { struct { struct { u32 hash, len; }; const unsigned char *name; } d_name; };
 *	struct task_struct { int pid; char comm[16]; struct task_struct *parent; };
 *	struct half_bytes { unsigned char low:4, high:4, next:4; };
 *	long vfs_read(struct file *file, char *buf, unsigned long count, long *pos);
 *	void kfree(const void *object);	struct file *sock_alloc(void);
 *	tracepoint sched_switch(void *__data, bool preempt, struct task_struct *prev)
 */
#ifndef TESTS_SMALL_TARGET_H
#define TESTS_SMALL_TARGET_H

#include <stdlib.h>

#include "btf-writer.h"
#include "probe/target/target.h"

static const char small_symbols[] = "0000000000001000 A runqueues\n"
				    "ffffffff81000000 T _stext\n"
				    "ffffffff81000100 T vfs_read\n"
				    "ffffffff81000200 T kfree\n"
				    "ffffffff81000300 T sock_alloc\n"
				    "ffffffff81000400 t twice\n"
				    "ffffffff81000500 t twice\n"
				    "ffffffff81000600 t gone.isra.0\n"
				    "ffffffff81000700 T ibt_save\n"
				    "ffffffff81002000 D jiffies\n"
				    "ffffffff81003000 D init_task\n"
				    "ffffffff81004000 B _end\n"
				    "ffffffffc0000000 t mod_func\t[mod]\n";

static const char small_format[] =
	"name: sched_switch\nID: 1\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\tfield:const char * name;\toffset:32;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"%s\", REC->prev_comm\n";

static void small_types(struct btfw *w)
{
	uint32_t u32 = btfw_int(w, "unsigned int", 4, 0), i32 = btfw_int(w, "int", 4, BTF_INT_SIGNED);
	uint32_t u8 = btfw_int(w, "unsigned char", 1, 0), s64 = btfw_int(w, "long", 8, BTF_INT_SIGNED);
	uint32_t u64 = btfw_int(w, "unsigned long", 8, 0), bl = btfw_int(w, "_Bool", 1, BTF_INT_BOOL);
	uint32_t void_p = btfw_ref(w, NULL, BTF_KIND_PTR, 0), char_p = btfw_ref(w, NULL, BTF_KIND_PTR, u8);
	uint32_t long_p = btfw_ref(w, NULL, BTF_KIND_PTR, s64), text = btfw_array(w, u8, i32, 16);
	uint32_t eight = btfw_array(w, u8, i32, 8), at = w->n;
	/* ids of what comes next: types that refer to each other */
	uint32_t dentry_p = at + 1, dentry = at + 2, qstr = at + 3, hash_len = at + 4, path = at + 5;
	uint32_t file_p = at + 6, file = at + 7, either = at + 8, inner = at + 9, task_p = at + 10;
	uint32_t task = at + 11, proto;

	btfw_ref(w, NULL, BTF_KIND_PTR, dentry);
	btfw_struct(w, "dentry", 16, 1);
	btfw_member(w, "d_name", qstr, 0);
	btfw_struct(w, NULL, 16, 2);
	btfw_member(w, NULL, hash_len, 0);
	btfw_member(w, "name", char_p, 64);
	btfw_struct(w, NULL, 8, 2);
	btfw_member(w, "hash", u32, 0);
	btfw_member(w, "len", u32, 32);
	btfw_struct(w, "path", 8, 1);
	btfw_member(w, "dentry", dentry_p, 0);
	btfw_ref(w, NULL, BTF_KIND_PTR, file);
	btfw_type(w, "file", BTF_KIND_STRUCT, 7, 1, 48);
	btfw_member(w, "f_mode", u32, 0);
	btfw_member(w, "f_bits", u8, 32 | 3 << 24);
	btfw_member(w, "f_more", u32, 37 | 7 << 24);
	btfw_member(w, "f_path", path, 64);
	btfw_member(w, NULL, either, 128);
	btfw_member(w, "next", file_p, 192);
	btfw_member(w, "f_op", void_p, 256);
	btfw_type(w, NULL, BTF_KIND_UNION, 2, 0, 8);
	btfw_member(w, "a", s64, 0);
	btfw_member(w, NULL, inner, 0);
	btfw_struct(w, NULL, 8, 1);
	btfw_member(w, "b", eight, 0);
	btfw_ref(w, NULL, BTF_KIND_PTR, task);
	btfw_struct(w, "task_struct", 32, 3);
	btfw_member(w, "pid", i32, 0);
	btfw_member(w, "comm", text, 32);
	btfw_member(w, "parent", task_p, 192);

	proto = btfw_proto(w, s64, 4);
	btfw_pair(w, "file", file_p);
	btfw_pair(w, "buf", char_p);
	btfw_pair(w, "count", u64);
	btfw_pair(w, "pos", long_p);
	btfw_func(w, "vfs_read", proto);
	proto = btfw_proto(w, 0, 1);
	btfw_pair(w, "object", void_p);
	btfw_func(w, "kfree", proto);
	btfw_func(w, "sock_alloc", btfw_proto(w, file_p, 0));
	proto = btfw_proto(w, 0, 3);
	btfw_pair(w, "__data", void_p);
	btfw_pair(w, "preempt", bl);
	btfw_pair(w, "prev", task_p);
	btfw_func(w, "__probestub_sched_switch", proto);
	btfw_type(w, "half_bytes", BTF_KIND_STRUCT, 3, 1, 2);
	btfw_member(w, "low", u8, 0 | 4 << 24);
	btfw_member(w, "high", u8, 4 | 4 << 24);
	btfw_member(w, "next", u8, 8 | 4 << 24);
	btfw_ref(w, "btf_trace_sched_switch", BTF_KIND_TYPEDEF, btfw_ref(w, NULL, BTF_KIND_PTR, proto));
}

/* Never freed: one a process. */
static inline void make_small_target(const char *arch, struct btfw *w, struct fl_target **target)
{
	struct fl_target_opts opts = { .arch = arch, .events = "/nonexistent",
				       .kallsyms = "/nonexistent" };
	struct fl_ksyms *syms;
	struct fl_btf *btf;
	struct fl_str bytes;

	small_types(w);
	bytes = btfw_finish(w);
	if (fl_target_open(&opts, target) < 0 ||
	    fl_btf_from_bytes(bytes.p, bytes.n, NULL, "vmlinux", NULL, &btf) < 0 ||
	    fl_target_put_btf(*target, btf) < 0 ||
	    fl_ksyms_from_text(fl_str(small_symbols), "symbols", NULL, &syms) < 0 ||
	    fl_target_put_ksyms(*target, syms) < 0 ||
	    fl_target_put_format(*target, FL_STR("sched"), fl_str(small_format), NULL) < 0)
		abort();
}

static inline struct fl_target *small_target(void)
{
	static struct fl_target *target;
	static struct btfw w;

	if (!target)
		make_small_target("x86_64", &w, &target);
	return target;
}

#endif
