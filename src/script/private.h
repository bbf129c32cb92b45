/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the script face, as script.c calls them: private to this folder. */
#ifndef SCRIPT_PRIVATE_H
#define SCRIPT_PRIVATE_H

#include "script/script.h"
#include "script/words.h"

struct variable {
	char *name, *value;
};

struct added_command {
	const char *name;
	fl_script_command_fn fn;
	void *ctx;
};

struct fl_script {
	struct fl_node *root;
	struct fl_node *cwd; /* counted */
	const char *const *ignored;
	bool transcript, exited;
	struct variable *vars;
	size_t nr_vars;
	struct added_command *added;
	size_t nr_added;
};

/* One simple command while it runs. */
struct fl_command {
	struct fl_script *s;
	const struct fl_shell_word *args; /* args[0] is the command's name */
	size_t n;
	struct fl_buf out;		 /* its standard output */
	const struct fl_shell_word *redirect;	 /* the file behind > or >> */
	const struct fl_shell_word *input;	 /* the file behind < */
	bool append;
	const struct fl_shell_word *culprit;	 /* what the errno is about */
	const char *doing;		 /* "cannot create directory" */
	struct fl_diag *diag;
};


/* Finds the command that args[0] names and runs it. 0 or -errno, with the diag or the culprit set. */
int fl_command_call(struct fl_command *c);

bool fl_command_exists(struct fl_str name);

/* Notes what an errno is about; returns @err. */
int fl_command_blame(struct fl_command *c, const struct fl_shell_word *word, const char *doing, int err);

#endif
