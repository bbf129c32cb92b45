/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder of questions, a file NAME.conf each. A line is a setting (settings.def), a definition of a probe, or a
 * histogram of the probe in front of it, the latter two as "foreland trace --file" has them:
 *
 *	# reads by file system
 *	events = 1000
 *	f:vfs/read vfs_read file->f_inode->i_sb->s_id:string count
 *	hist:keys=s_id:vals=count
 *
 * Only this form is judged here; definitions are, when they are started.
 */
#ifndef FLEET_CONFIG_CONFIG_H
#define FLEET_CONFIG_CONFIG_H

#include "base/arena.h"
#include "foreland/diag.h"

struct fl_question_line {
	const char *text; /* ended by NUL */
	uint32_t number;  /* from 1 */
	bool is_hist;
};

struct fl_question {
	const char *name; /* the file's, without ".conf" */
	const char *path;
	struct fl_str text; /* the file's */
	const char *comm;
	uint64_t sample, events, cpu, task_events; /* 0: not set */
	struct fl_question_line *lines;
	size_t n;
	struct fl_arena arena;
};

void fl_question_free(struct fl_question *q); /* NULL is allowed */

/**
 * fl_question_parse() - one file's text
 * @path: what it is called; its last part is the question's name
 * @diag, @place: as below
 */
int fl_question_parse(const char *path, struct fl_str text, struct fl_question **ret, struct fl_diag *diag,
		      struct fl_arena *place);

struct fl_questions {
	struct fl_question **v; /* by name */
	size_t n;
};

void fl_questions_fini(struct fl_questions *q);
#define _cleanup_questions_ __attribute__((cleanup(fl_questions_fini)))

/**
 * fl_questions_read() - all of them, or none
 * @diag: which file, and where in it; its texts are kept in @place until fl_diag_fini()
 * @place: owns what @diag refers to
 *
 * Return: 0; -errno with @diag where a file is wrong, without where the folder cannot be read.
 */
int fl_questions_read(const char *dir, struct fl_questions *ret, struct fl_diag *diag, struct fl_arena *place);

#endif
