/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs into the kernel and onto their hooks. Everything is held by file descriptors of this
 * process and nothing else: when it dies, in whatever way, the kernel takes all of it away.
 */
#ifndef BPF_ATTACH_H
#define BPF_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/hook-types.h"
#include "bpf/insn.h"

/* Where a hook is put. */
struct fl_attach_point {
	const char *name;      /* tracepoint or function; NULL: @address. PATH for user probes. */
	uint64_t address;      /* kernel text address where @name is NULL */
	uint64_t offset;       /* behind @name; in the file of a user probe */
	uint64_t refctr;       /* user probes: reference counter's offset in the file, 0: none */
	int pid;	       /* user probes: in that process alone, with all its threads; 0: in all */
	uint32_t btf_id;       /* trampolines: the FUNC ... */
	const char *module;    /* ... in that module's BTF; NULL: vmlinux */
	uint32_t frequency; /* samples: times a second, on CPU @cpu */
	int cpu;
	uint32_t tracepoint_id; /* classic tracepoints, events of kprobes */
	const uint64_t *addresses; /* multi: text addresses; in files offsets, which programs get as cookies */
	const uint64_t *cookies;   /* beside these, of programs that tell them apart; NULL: none, or the offsets */
	const uint64_t *counters;  /* beside these, as @refctr; NULL: none */
	bool cookie;		   /* user probes: a program gets @offset as its cookie */
	size_t nr_addresses;
};

/* Descriptors that keep one hook in place; -1: not used. */
struct fl_attachment {
	int link;
	int perf;
};

#define FL_ATTACHMENT_NONE ((struct fl_attachment){ -1, -1 })

/*
 * Loads @insns for @hook at @point. Where the kernel refuses, @why gets the last line of its
 * verifier that says something. Return: the program's descriptor or -errno.
 */
int fl_prog_load(enum fl_hook hook, const struct fl_attach_point *point, const char *name,
		 const struct fl_insns *insns, struct fl_buf *why);

/* 0 or -errno. */
int fl_prog_attach(enum fl_hook hook, const struct fl_attach_point *point, int prog,
		   struct fl_attachment *ret);
void fl_attachment_release(struct fl_attachment *a);

/*
 * The kernel makes a probe at @symbol + @offset, which does nothing, and takes it away again: -EILSEQ within an
 * instruction, -EINVAL where none may be. -ENODEV, -EPERM: it cannot be asked.
 */
int fl_kprobe_try(const char *symbol, uint64_t offset);

/* Firings that the kernel dropped before any program ran (since 6.7 it tells); 0 where it does not. */
uint64_t fl_attachment_missed(const struct fl_attachment *a);

/* Descriptor of a loaded module's BTF object: -ENOENT where there is none. */
int fl_module_btf_fd(const char *module);

#endif
