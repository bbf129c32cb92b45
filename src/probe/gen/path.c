/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole paths, by an own walk: bpf_d_path() is for a handful of functions only.
 *
 * A path is a name and all that is above it, so it is found back to front, and is written so: into a
 * piece of scratch memory, from its end. Each step takes one name in front of the path so far, or goes
 * from the root of a mounted file system to the place that it is mounted on (struct mount around the
 * struct vfsmount that a struct path names). The walk ends at the root of the mounts. The finished text
 * is then copied to where the record's next string goes: from there on it is a string as any other, for
 * filters, keys and outputs.
 *
 *	/mnt/data/dir/file	dentry "file", "dir", then the root of what is mounted: over to dentry
 *				"data", "mnt", then the root of the root file system, whose mount is its
 *				own parent
 *
 * Nobody is kept from renaming meanwhile: each name is a right one, the whole perhaps one that never
 * was, as with every walk without locks. A walk of FL_PATH_STEPS steps, or one whose text has reached a
 * string's limit, ends there with "..." in front, which no path begins with.
 *
 * As d_path() does: what has no name any more has " (deleted)" behind it; pipes and sockets are
 * "pipe:[INODE]", anonymous inodes "anon_inode:NAME". Unlike it, the path does not start at the reader's
 * root, as there is no reader: it starts at the root of the process's mounts. A dentry alone knows no
 * mount: its path starts at its file system's root.
 */
#include <stdlib.h>

#include "probe/gen/private.h"

/* What is left of the steps: on the stack, where the verifier sees it count down. */
#define FP_LEFT (GEN_FP_WORDS - 8)

/*
 * All else lies in front of the text. Of numbers there the verifier remembers nothing, so that each
 * round of the walk looks the same to it, and is looked at once instead of once for each way there.
 */
struct state {
	uint64_t dentry;
	uint64_t mount; /* 0: a dentry alone */
	uint64_t pos;	/* of the text's first byte */
	uint64_t other; /* a pointer on the way */
	uint64_t mark;	/* "..." ends here */
};

#define AT(w, member) ((int16_t)(state_at((w)->g) + offsetof(struct state, member)))

#define NAME_LEN_MAX 255
#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534f434b
#define ANON_MAGIC   0x09041934
#define TMPFS_MAGIC  0x01021994
#define MARK_LEN     3 /* "..." */

uint32_t fl_gen_path_scratch(const struct fl_record_layout *l)
{
	return l->has_paths ? (l->string_max + NAME_LEN_MAX + sizeof(struct state) + 8) / 8 * 8 : 0;
}

/* Where the text begins when it is empty: behind it are its NUL and the names' slack. */
static int32_t text_end(const struct fl_gen *g)
{
	return g->l->string_max - 1 - MARK_LEN;
}

static int32_t state_at(const struct fl_gen *g)
{
	return (int32_t)((g->l->max_size + 7) / 8 * 8);
}

static int32_t work_at(const struct fl_gen *g)
{
	return state_at(g) + (int32_t)sizeof(struct state);
}

struct walk {
	struct fl_gen *g;
	const struct fl_gen_paths *k;
	uint32_t next, cut, fault, finish, done; /* labels */
};

/* r0 = @size bytes at the pointer in the state + @offset */
static void read_at(struct walk *w, int16_t at, unsigned int size, uint32_t offset)
{
	fl_emit_load(w->g->p, 8, BPF_REG_0, GEN_REC, at);
	fl_gen_read_kernel(w->g, size, BPF_REG_0, (int32_t)offset);
}

static void save(struct walk *w, int16_t at)
{
	fl_emit_store(w->g->p, 8, GEN_REC, at, BPF_REG_0);
}

/* @reg = address of the text, @before bytes in front of it */
static void text_address(struct walk *w, uint8_t reg, int32_t before)
{
	struct fl_insns *p = w->g->p;

	fl_emit_load(p, 8, reg, GEN_REC, AT(w, pos));
	fl_emit_jmpi(p, BPF_JGT, reg, text_end(w->g), w->fault); /* it never is: the verifier wants it said */
	fl_emit_alui(p, BPF_ADD, reg, work_at(w->g) - before);
	fl_emit_alu(p, BPF_ADD, reg, GEN_REC);
}

/* The text grows by @n bytes in front; r1 = their address. Leaves where there is no room. */
static void grow(struct walk *w, int32_t n)
{
	struct fl_insns *p = w->g->p;

	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, pos));
	fl_emit_alui(p, BPF_SUB, BPF_REG_1, n);
	fl_emit_jmpi(p, BPF_JSLT, BPF_REG_1, 0, w->cut);
	fl_emit_jmpi(p, BPF_JSGT, BPF_REG_1, text_end(w->g), w->cut);
	fl_emit_store(p, 8, GEN_REC, AT(w, pos), BPF_REG_1);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, work_at(w->g));
	fl_emit_alu(p, BPF_ADD, BPF_REG_1, GEN_REC);
}

static void put_text(struct walk *w, const char *text)
{
	size_t n = strlen(text);

	grow(w, (int32_t)n);
	for (size_t i = 0; i < n; i++)
		fl_emit_storei(w->g->p, 1, BPF_REG_1, (int16_t)i, text[i]);
}

/* "/NAME", or the name alone, of the dentry. */
static void put_name(struct walk *w, bool slash)
{
	struct fl_insns *p = w->g->p;

	read_at(w, AT(w, dentry), 4, w->k->name_len);
	fl_emit_jmpi(p, BPF_JGT, BPF_REG_0, NAME_LEN_MAX, w->fault);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, pos));
	fl_emit_alu(p, BPF_SUB, BPF_REG_1, GEN_VALUE);
	fl_emit_alui(p, BPF_SUB, BPF_REG_1, slash);
	fl_emit_jmpi(p, BPF_JSLT, BPF_REG_1, 0, w->cut);
	fl_emit_jmpi(p, BPF_JSGT, BPF_REG_1, text_end(w->g), w->cut);
	fl_emit_store(p, 8, GEN_REC, AT(w, pos), BPF_REG_1);
	read_at(w, AT(w, dentry), 8, w->k->name);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, w->fault);
	fl_emit_mov(p, BPF_REG_3, BPF_REG_0);
	text_address(w, BPF_REG_1, 0);
	if (slash) {
		fl_emit_storei(p, 1, BPF_REG_1, 0, '/');
		fl_emit_alui(p, BPF_ADD, BPF_REG_1, 1);
	}
	fl_emit_mov(p, BPF_REG_2, GEN_VALUE);
	fl_emit_call(p, BPF_FUNC_probe_read_kernel);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, w->fault);
}

/* "NAME:[INODE]" */
static void put_inode(struct walk *w, const char *name)
{
	uint32_t last = fl_label_new(w->g->p);
	struct fl_insns *p = w->g->p;

	put_text(w, "]");
	read_at(w, AT(w, dentry), 8, w->k->inode);
	save(w, AT(w, other));
	read_at(w, AT(w, other), 8, w->k->ino);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	for (int digit = 0; digit < 20; digit++) {
		grow(w, 1);
		fl_emit_mov(p, BPF_REG_2, GEN_VALUE);
		fl_emit_alui(p, BPF_MOD, BPF_REG_2, 10);
		fl_emit_alui(p, BPF_ADD, BPF_REG_2, '0');
		fl_emit_store(p, 1, BPF_REG_1, 0, BPF_REG_2);
		fl_emit_alui(p, BPF_DIV, GEN_VALUE, 10);
		fl_emit_jmpi(p, BPF_JEQ, GEN_VALUE, 0, last);
	}
	fl_label_place(p, last);
	put_text(w, ":[");
	put_text(w, name);
	fl_emit_jmp(p, w->finish);
}

/* What is no part of a tree: told by its file system's number. Everything else has a name. */
static void put_rootless(struct walk *w)
{
	struct fl_insns *p = w->g->p;
	uint32_t pipe = fl_label_new(p), sock = fl_label_new(p), anon = fl_label_new(p);
	uint32_t named = fl_label_new(p);

	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, FP_LEFT);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_1, FL_PATH_STEPS - 1, w->finish); /* names are there already */
	read_at(w, AT(w, dentry), 8, w->k->sb);
	save(w, AT(w, other));
	read_at(w, AT(w, other), 8, w->k->magic);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, PIPEFS_MAGIC, pipe);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, SOCKFS_MAGIC, sock);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, ANON_MAGIC, anon);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, TMPFS_MAGIC, named);
	put_text(w, " (deleted)"); /* memfd and shared memory never had a name */
	fl_label_place(p, named);
	put_name(w, true);
	fl_emit_jmp(p, w->finish);
	fl_label_place(p, pipe);
	put_inode(w, "pipe");
	fl_label_place(p, sock);
	put_inode(w, "socket");
	fl_label_place(p, anon);
	put_name(w, false);
	put_text(w, "anon_inode:");
	fl_emit_jmp(p, w->finish);
}

/* At the root of a file system: over to where it is mounted. Goes on behind where it is not one. */
static void cross(struct walk *w)
{
	uint32_t no = fl_label_new(w->g->p), root = fl_label_new(w->g->p);
	struct fl_insns *p = w->g->p;

	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, mount));
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, no);
	read_at(w, AT(w, mount), 8, w->k->mount_mnt + w->k->mnt_root);
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, dentry));
	fl_emit_jmpr(p, BPF_JNE, BPF_REG_0, BPF_REG_1, no);
	read_at(w, AT(w, mount), 8, w->k->mount_parent);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, w->fault);
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, mount));
	fl_emit_jmpr(p, BPF_JEQ, BPF_REG_0, BPF_REG_1, root);
	save(w, AT(w, other));
	read_at(w, AT(w, mount), 8, w->k->mountpoint);
	save(w, AT(w, dentry));
	fl_emit_load(p, 8, BPF_REG_0, GEN_REC, AT(w, other));
	save(w, AT(w, mount));
	fl_emit_jmp(p, w->next);
	fl_label_place(p, root); /* of the mounts: "/" itself where nothing is behind it */
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, pos));
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_1, text_end(w->g), w->finish);
	put_text(w, "/");
	fl_emit_jmp(p, w->finish);
	fl_label_place(p, no);
}

/* One round: a name, or a mount. */
static void step(struct walk *w)
{
	uint32_t not_root = fl_label_new(w->g->p);
	struct fl_insns *p = w->g->p;

	fl_label_place(p, w->next);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, FP_LEFT);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, w->cut);
	fl_emit_alui(p, BPF_SUB, BPF_REG_1, 1);
	fl_emit_store(p, 8, BPF_REG_FP, FP_LEFT, BPF_REG_1);
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, dentry));
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, w->fault);
	cross(w);
	read_at(w, AT(w, dentry), 8, w->k->parent);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, w->fault);
	save(w, AT(w, other));
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, dentry));
	fl_emit_jmpr(p, BPF_JNE, BPF_REG_0, BPF_REG_1, not_root);
	put_rootless(w);
	fl_label_place(p, not_root);
	put_name(w, true);
	fl_emit_load(p, 8, BPF_REG_0, GEN_REC, AT(w, other));
	save(w, AT(w, dentry));
	fl_emit_jmp(p, w->next);
}

/* AT(w, dentry) and AT(w, mount) from the struct at GEN_VALUE. */
static void start(struct walk *w, struct fl_str type)
{
	uint32_t path = fl_str_is(type, "file") ? w->k->file_path : 0;
	struct fl_insns *p = w->g->p;

	fl_emit_jmpi(p, BPF_JEQ, GEN_VALUE, 0, w->fault);
	if (fl_str_is(type, "dentry")) {
		fl_emit_mov(p, BPF_REG_0, GEN_VALUE);
		save(w, AT(w, dentry));
		fl_emit_movi(p, BPF_REG_0, 0);
		save(w, AT(w, mount));
		return;
	}
	fl_gen_read_kernel(w->g, 8, GEN_VALUE, (int32_t)(path + w->k->path_dentry));
	save(w, AT(w, dentry));
	fl_gen_read_kernel(w->g, 8, GEN_VALUE, (int32_t)(path + w->k->path_mnt));
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, w->fault);
	fl_emit_addi64(p, BPF_REG_0, -(int64_t)w->k->mount_mnt, BPF_REG_1);
	save(w, AT(w, mount));
}

/* Without a place in the hash the name is gone; roots never have one. */
static void put_deleted(struct walk *w)
{
	uint32_t no = fl_label_new(w->g->p);
	struct fl_insns *p = w->g->p;

	read_at(w, AT(w, dentry), 8, w->k->unhashed);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, no);
	read_at(w, AT(w, dentry), 8, w->k->parent);
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(w, dentry));
	fl_emit_jmpr(p, BPF_JEQ, BPF_REG_0, BPF_REG_1, no);
	put_text(w, " (deleted)");
	fl_label_place(p, no);
}

/* The text goes behind the record's strings; r0 = its length with the NUL. */
static void copy(struct walk *w)
{
	struct fl_insns *p = w->g->p;

	fl_label_place(p, w->finish);
	text_address(w, BPF_REG_3, 0);
	fl_label_place(p, w->done);
	fl_emit_mov(p, BPF_REG_1, GEN_REC);
	fl_emit_alu(p, BPF_ADD, BPF_REG_1, GEN_CURSOR);
	fl_emit_movi(p, BPF_REG_2, w->g->l->string_max);
	fl_emit_call(p, fl_gen_string_helper(w->g, false));
	fl_emit_jmpi(p, BPF_JGT, BPF_REG_0, w->g->l->string_max, w->fault);
}

/* "..." in front of the path so far. */
static void mark_cut(struct walk *w, uint32_t past)
{
	struct fl_insns *p = w->g->p;

	fl_emit_jmp(p, past);
	fl_label_place(p, w->cut);
	text_address(w, BPF_REG_3, MARK_LEN);
	for (int16_t i = 0; i < MARK_LEN; i++)
		fl_emit_storei(p, 1, BPF_REG_3, i, '.');
	fl_emit_jmp(p, w->done);
	fl_label_place(p, past);
}

int fl_gen_path(struct fl_gen *g, size_t arg, struct fl_type type, uint32_t fault)
{
	struct fl_insns *p = g->p;
	struct walk w = { g, g->env->paths, fl_label_new(p), fl_label_new(p), fault, fl_label_new(p),
			  fl_label_new(p) };
	uint32_t past = fl_label_new(p);

	if (!w.k)
		return fl_gen_refuse(g, arg, "the kernel's types do not say where a path's parts lie");
	if (fl_type_kind(type) == BTF_KIND_PTR)
		type = fl_type_strip(fl_type_target(type));
	fl_emit_storei(p, 8, GEN_REC, AT(&w, pos), text_end(g));
	fl_emit_storei(p, 8, BPF_REG_FP, FP_LEFT, FL_PATH_STEPS);
	fl_emit_mov(p, BPF_REG_1, GEN_REC);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, work_at(g) + text_end(g));
	fl_emit_storei(p, 1, BPF_REG_1, 0, 0);
	start(&w, fl_type_name(type));
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, AT(&w, dentry));
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, fault);
	put_deleted(&w);
	step(&w);
	copy(&w);
	mark_cut(&w, past);
	return 0;
}
