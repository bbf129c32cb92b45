/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference semantics of fetch programs: runs one over a memory that callbacks show. It is the
 * judge of the other back ends, so it is plain before it is fast.
 *
 * A read that fails leaves a fault behind and nothing else: where the kernel leaves what happened to
 * lie in its ring buffer, we say that there is no value.
 */
#ifndef PROBE_FETCH_INTERP_H
#define PROBE_FETCH_INTERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "probe/fetch/fetch.h"

#define FL_INTERP_MAX_ELEMENTS 64

/* What a program runs on. */
struct fl_machine {
	/* Copies @n bytes; 0, or -EFAULT when one of them cannot be read. */
	int (*read)(void *ctx, uint64_t addr, bool user, void *buf, size_t n);
	/* The value of a load: REG, STACK, STACKP, RETVAL, COMM and CURRENT and DATA (addresses), ARG,
	 * FOFFS, EDATA, TP_ARG. 0 or -errno. */
	int (*load)(void *ctx, const struct fl_fetch_insn *insn, uint64_t *ret);
	uint64_t percpu; /* what CPU_PTR adds */
	bool user;	 /* all memory is the user's, as for a user probe */
	size_t string_max; /* bytes of a string, NUL included; 0: the kernel's 4096 */
	void *ctx;
};

/* One value: an element of an array, or the only one. */
struct fl_fetched {
	bool fault;
	uint64_t value; /* the stored bytes, zero-extended; a symstr's address */
	size_t string, length; /* of a string in @strings, NUL included in neither */
};

struct fl_interp {
	size_t n;
	struct fl_fetched v[FL_INTERP_MAX_ELEMENTS];
	struct fl_buf strings;
};

void fl_interp_fini(struct fl_interp *r);

/* @p has passed fl_fetch_check(). Faults are in the result; -ENOMEM. */
int fl_interp_run(const struct fl_fetch_program *p, const struct fl_machine *m,
		  struct fl_interp *ret);

#endif
