/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories and files that wait to be read, shared by the workers of a session. */
#ifndef DOCS_RUN_JOBS_H
#define DOCS_RUN_JOBS_H

#include <pthread.h>

#include "docs/fact/fact.h"

struct docs_jobs {
	pthread_mutex_t lock; /* of @first and @busy */
	pthread_cond_t more;
	struct docs_job *first;
	unsigned int busy; /* workers that may add jobs */
	atomic_uint open_dirs;
	int fd; /* the tree's top */
	/* Reads a file. @name is @path seen from the directory @fd, or @fd is negative. */
	void (*take)(void *ctx, struct docs_worker *w, const char *path, int fd, const char *name);
	void *ctx;
};

/* Adds @path, a file or a directory of the tree ("": its top). */
int docs_jobs_add(struct docs_jobs *q, const char *path);

/* Takes jobs until there are none left and nobody makes more. Several threads at once. */
void docs_jobs_work(struct docs_jobs *q, struct docs_worker *w);

void docs_jobs_fini(struct docs_jobs *q);

#endif
