/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that is run under libforeland-alloc: what stands against it, its life, its end. */
#ifndef CLI_ALLOC_RUNNER_H
#define CLI_ALLOC_RUNNER_H

#include <sys/types.h>

#include "alloc/sources/ledger.h"
#include "base/buf.h"

struct alloc_runner {
	const char *words; /* for FORELAND_ALLOC */
	bool keep_children; /* their accounts, too: else a child's is given back when it is gone */
	int ledger;
	uint64_t token;
	pid_t pid;
	int status;	/* as waitpid() has it */
	char comm[16];	/* what it was called at its end */
	uint64_t children; /* processes that counted, beside the program itself */
};

/*
 * Why a program cannot be counted, as far as its file tells; NULL: nothing is known against it. @help
 * gets what can be done instead.
 */
const char *alloc_runner_objection(const char *program, const char **help);

/*
 * Starts it and waits for its end. @is_counted is false for a program with an objection, which then
 * runs as if we were not there. 0, or -errno where it could not be started: -ENOENT for one that is
 * not found.
 */
int alloc_runner_run(struct alloc_runner *r, char **argv, bool is_counted);
void alloc_runner_fini(struct alloc_runner *r);

/* The account of the program itself: -ENOENT where it left none. */
int alloc_runner_account(const struct alloc_runner *r, struct fl_ledger_entry *ret);

/* The exit status that the command takes over, from how the program ended. */
int alloc_runner_exit_code(const struct alloc_runner *r);

#endif
