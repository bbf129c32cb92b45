/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work waits on a stack of jobs, each a directory or a handful of files of one. A worker that takes
 * a directory puts its subdirectories and its files back in pieces; so one huge directory is
 * shared, and no list of all files is needed before the first is read. Its files are opened from the
 * directory, which stays open until the last of them was read: that spares the kernel the path. Of a
 * tree so deep that many would be open at once, the files are opened by their whole path.
 */
#include "docs/run/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK	  2048 /* bytes of names a job */
#define MOST_DIRS 64   /* open at once */

struct docs_dir {
	atomic_uint refs;
	int fd; /* -1: by path */
	char path[];
};

/* A directory or file named by its path (no @in), or files of @in. */
struct docs_job {
	struct docs_job *next;
	struct docs_dir *in;
	bool dir;
	size_t n; /* bytes in names, one after the other, each with its NUL */
	char names[];
};

static void push(struct docs_jobs *q, struct docs_job *j)
{
	pthread_mutex_lock(&q->lock);
	j->next = q->first;
	q->first = j;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
}

/* @idle: the worker comes with nothing in hand. NULL when nobody has work and nobody makes more. */
static struct docs_job *pop(struct docs_jobs *q, bool idle)
{
	struct docs_job *j;

	pthread_mutex_lock(&q->lock);
	if (!idle)
		q->busy--;
	while (!q->first && q->busy)
		pthread_cond_wait(&q->more, &q->lock);
	j = q->first;
	if (j) {
		q->first = j->next;
		q->busy++;
	} else {
		pthread_cond_broadcast(&q->more);
	}
	pthread_mutex_unlock(&q->lock);
	return j;
}

static void dir_unref(struct docs_jobs *q, struct docs_dir *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
		return;
	if (d->fd >= 0) {
		close(d->fd);
		atomic_fetch_sub(&q->open_dirs, 1);
	}
	free(d);
}

static void job_free(struct docs_jobs *q, struct docs_job *j)
{
	dir_unref(q, j->in);
	free(j);
}

static int push_path(struct docs_jobs *q, const char *dir, const char *name, bool is_dir)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	struct docs_job *j = malloc(sizeof(*j) + size);

	if (!j)
		return -ENOMEM;
	*j = (struct docs_job){ .dir = is_dir, .n = size };
	snprintf(j->names, size, "%s%s%s", dir, dir[0] && name[0] ? "/" : "", name);
	j->n = strlen(j->names) + 1;
	push(q, j);
	return 0;
}

/* Adds a file of @in to *@j, which is pushed when it is full. */
static int add_file(struct docs_jobs *q, struct docs_job **j, struct docs_dir *in, const char *name)
{
	size_t size = strlen(name) + 1;

	if (*j && (*j)->n + size > CHUNK) {
		push(q, *j);
		*j = NULL;
	}
	if (!*j) {
		*j = malloc(sizeof(**j) + CHUNK);
		if (!*j)
			return -ENOMEM;
		**j = (struct docs_job){ .in = in };
		atomic_fetch_add(&in->refs, 1);
	}
	memcpy((*j)->names + (*j)->n, name, size);
	(*j)->n += size;
	return 0;
}

static int entry_type(int fd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type;
	if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static struct docs_dir *new_dir(struct docs_jobs *q, const char *path, int fd)
{
	struct docs_dir *d = malloc(sizeof(*d) + strlen(path) + 1);

	if (!d)
		return NULL;
	atomic_init(&d->refs, 1);
	memcpy(d->path, path, strlen(path) + 1);
	d->fd = -1;
	if (atomic_fetch_add(&q->open_dirs, 1) < MOST_DIRS)
		d->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (d->fd < 0)
		atomic_fetch_sub(&q->open_dirs, 1);
	return d;
}

/* Hidden entries, links and devices are left out: no loop can be walked into. */
static void take_dir(struct docs_jobs *q, struct docs_worker *w, const char *dir)
{
	int fd = openat(q->fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct docs_dir *in = d ? new_dir(q, dir, fd) : NULL;
	struct docs_job *files = NULL;
	struct dirent *e;
	int r = d && !in ? -ENOMEM : 0;

	if (!d && errno != ENOENT) /* gone meanwhile is no failure */
		docs_note_unread(w, dir[0] ? dir : ".", -errno);
	if (!d && fd >= 0)
		close(fd);

	while (in && !r && (e = readdir(d))) {
		int type = e->d_name[0] == '.' ? DT_UNKNOWN : entry_type(fd, e);

		if (type == DT_DIR)
			r = push_path(q, dir, e->d_name, true);
		else if (type == DT_REG)
			r = add_file(q, &files, in, e->d_name);
	}
	if (r < 0)
		w->sink.error = r;
	if (files)
		push(q, files);
	dir_unref(q, in);
}

static void take_files(struct docs_jobs *q, struct docs_worker *w, const struct docs_job *j)
{
	char path[PATH_MAX];

	for (size_t at = 0; at < j->n; at += strlen(j->names + at) + 1) {
		const char *name = j->names + at;

		if (snprintf(path, sizeof(path), "%s%s%s", j->in->path, j->in->path[0] ? "/" : "", name) <
		    (int)sizeof(path))
			q->take(q->ctx, w, path, j->in->fd, name);
		else
			docs_note_unread(w, j->in->path, -ENAMETOOLONG);
	}
}

int docs_jobs_add(struct docs_jobs *q, const char *path)
{
	struct stat st;

	return push_path(q, path, "", !path[0] || (fstatat(q->fd, path, &st, 0) == 0 && S_ISDIR(st.st_mode)));
}

void docs_jobs_work(struct docs_jobs *q, struct docs_worker *w)
{
	struct docs_job *j;

	for (bool idle = true; (j = pop(q, idle)); idle = false) {
		if (j->dir)
			take_dir(q, w, j->names);
		else if (j->in)
			take_files(q, w, j);
		else
			q->take(q->ctx, w, j->names, -1, NULL);
		job_free(q, j);
	}
}

void docs_jobs_fini(struct docs_jobs *q)
{
	while (q->first) {
		struct docs_job *next = q->first->next;

		job_free(q, q->first);
		q->first = next;
	}
}
