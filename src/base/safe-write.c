/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/safe-write.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"

/* ---- names that must not stay ---- */

/*
 * A signal's handler may look at this list at any moment, so it only grows at its head, in one
 * store, and an entry that is done with is marked (dir -1) and used again. There are as many as
 * there were files at one time.
 */
struct fl_temp {
	struct fl_temp *next;
	int dir;
	bool taken;
	pid_t pid; /* a child that forked off has the list, and no right to it */
	char name[32];
};

static struct fl_temp *temps;

static void unlink_temps(void)
{
	for (struct fl_temp *t = __atomic_load_n(&temps, __ATOMIC_ACQUIRE); t; t = t->next) {
		int dir = __atomic_exchange_n(&t->dir, -1, __ATOMIC_ACQ_REL);

		if (dir >= 0 && t->pid == getpid())
			unlinkat(dir, t->name, 0);
	}
}

static void on_signal(int sig)
{
	unlink_temps();
	signal(sig, SIG_DFL);
	raise(sig); /* it is blocked here, and ends us as soon as we return */
}

/* A handler and not SIG_IGN, which a program that we start would have from us. */
static void on_full(int sig)
{
	(void)sig; /* write(2) says EFBIG, and that is told as a full disk is */
}

void fl_out_clean_up_at_end(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGALRM, SIGXCPU };
	struct sigaction sa = { .sa_handler = on_signal }, full = { .sa_handler = on_full }, old;

	sigaction(SIGXFSZ, &full, NULL);

	atexit(unlink_temps);
	for (size_t i = 0; i < FL_ARRAY_SIZE(ends); i++)
		if (sigaction(ends[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(ends[i], &sa, NULL);
}

static struct fl_temp *temp_take(void)
{
	struct fl_temp *t;

	for (t = __atomic_load_n(&temps, __ATOMIC_ACQUIRE); t; t = t->next)
		if (!__atomic_test_and_set(&t->taken, __ATOMIC_ACQUIRE))
			return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->dir = -1;
	t->taken = true;
	t->next = __atomic_load_n(&temps, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&temps, &t->next, t, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return t;
}

static void temp_give_back(struct fl_temp **t)
{
	if (*t) {
		__atomic_store_n(&(*t)->dir, -1, __ATOMIC_RELEASE);
		__atomic_clear(&(*t)->taken, __ATOMIC_RELEASE);
	}
	*t = NULL;
}

/* 80 bits that nobody knows before. */
static int temp_name(struct fl_temp *t)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint8_t dice[16];
	size_t n = sizeof(".foreland-") - 1;

	if (getrandom(dice, sizeof(dice), 0) != sizeof(dice))
		return -EIO;
	memcpy(t->name, ".foreland-", n);
	for (size_t i = 0; i < sizeof(dice); i++)
		t->name[n++] = digits[dice[i] & 31];
	t->name[n] = '\0';
	return 0;
}

/* ---- the new file, before it has its name ---- */

/* Makes something of a name that was not there: @make() returns -EEXIST where it was, after all. */
static int with_new_name(struct fl_out *o, int (*make)(struct fl_out *o, mode_t mode), mode_t mode)
{
	int r = -EEXIST;

	o->temp = temp_take();
	if (!o->temp)
		return -ENOMEM;
	for (int tries = 0; tries < 8 && r == -EEXIST; tries++) {
		r = temp_name(o->temp);
		if (r < 0)
			return r;
		o->temp->pid = getpid();
		__atomic_store_n(&o->temp->dir, o->spot.dir, __ATOMIC_RELEASE);
		r = make(o, mode);
		if (r < 0)
			__atomic_store_n(&o->temp->dir, -1, __ATOMIC_RELEASE);
	}
	return r;
}

static int create_named(struct fl_out *o, mode_t mode)
{
	o->fd = openat(o->spot.dir, o->temp->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       mode);
	return o->fd < 0 ? -errno : 0;
}

static int give_name(struct fl_out *o, mode_t mode)
{
	char self[64];

	(void)mode;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, self, o->spot.dir, o->temp->name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* A nameless file gets its name through /proc; where that is not mounted it has one from the start. */
static int create(struct fl_out *o, mode_t mode)
{
	if (access("/proc/self/fd", X_OK) == 0)
		o->fd = openat(o->spot.dir, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
	return o->fd >= 0 ? 0 : with_new_name(o, create_named, mode);
}

static void drop_new_file(struct fl_out *o)
{
	if (o->temp && o->temp->dir >= 0)
		unlinkat(o->spot.dir, o->temp->name, 0);
	temp_give_back(&o->temp);
	fl_closep(&o->fd);
	o->fd = -1;
}

/* The owner first, while the file is empty and nobody else's to open; then the mode. */
static int become_like(int fd, const struct stat *st)
{
	mode_t mode = st->st_mode & 0777;

	if (fchown(fd, st->st_uid, st->st_gid) < 0) {
		struct stat now;

		if (fstat(fd, &now) < 0 || now.st_uid != st->st_uid)
			return -EPERM;
		mode &= 0707; /* the group is another one, and was promised nothing */
	}
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* ---- what cannot be replaced is written into ---- */

static int reopen(const struct fl_spot *p, const struct stat *was, int flags)
{
	_cleanup_close_ int fd = openat(p->dir, p->name, flags | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != was->st_dev || st.st_ino != was->st_ino)
		return -ESTALE;
	return TAKE_FD(fd);
}

/*
 * A file in a folder where we may make no other, or one that another is mounted on. In a folder
 * that all may write, somebody may have put it there for us (fs.protected_regular).
 */
static int open_in_place(const struct fl_spot *p, const struct stat *was)
{
	_cleanup_close_ int fd = -1;
	struct stat dir;

	if (fstat(p->dir, &dir) < 0)
		return -errno;
	if ((dir.st_mode & S_ISVTX) && !fl_owner_trusted(was))
		return -EACCES;
	fd = reopen(p, was, O_RDWR | O_NONBLOCK);
	if (fd == -EACCES)
		fd = reopen(p, was, O_WRONLY | O_NONBLOCK);
	if (fd < 0)
		return TAKE_FD(fd);
	if ((was->st_mode & 07000) && fchmod(fd, was->st_mode & 0777) < 0)
		return -errno;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int write_into(struct fl_out *o, int fd)
{
	if (fd < 0)
		return fd;
	drop_new_file(o);
	o->fd = fd;
	fl_spot_fini(&o->spot);
	return 0;
}

static int copy(int from, int to)
{
	char block[65536];

	for (off_t at = 0;;) {
		ssize_t n = pread(from, block, sizeof(block), at);
		struct fl_buf view = { .data = block, .len = n > 0 ? n : 0 };
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = fl_buf_write_fd(&view, to);
		if (r < 0)
			return r;
		at += n;
	}
}

/* ---- opening ---- */

/* 1: there is such a file; 0: there is none. */
static int stat_spot(const struct fl_spot *p, struct stat *st)
{
	if (fstatat(p->dir, p->name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

static int replace_regular(struct fl_out *o, const struct stat *was)
{
	int r = create(o, was ? 0600 : 0666);

	if (r == 0 && was)
		r = become_like(o->fd, was);
	if ((r == -EACCES || r == -EPERM) && was)
		return write_into(o, open_in_place(&o->spot, was));
	return r;
}

/* A FIFO that somebody else put there would let us wait for ever (fs.protected_fifos). */
static int open_special(struct fl_out *o, const struct stat *was)
{
	if (S_ISFIFO(was->st_mode) && !fl_owner_trusted(was))
		return -EACCES;
	if (S_ISSOCK(was->st_mode))
		return -ENXIO;
	return write_into(o, reopen(&o->spot, was, O_WRONLY));
}

static int open_at_spot(struct fl_out *o, bool special)
{
	struct stat st;
	int r = stat_spot(&o->spot, &st);

	if (r <= 0)
		return r < 0 ? r : replace_regular(o, NULL);
	if (S_ISREG(st.st_mode))
		return replace_regular(o, &st);
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return special ? open_special(o, &st) : -EINVAL;
}

/* The number in /dev/fd/N and its other names; -1: it is none of these. */
static int own_descriptor(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/" };

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < FL_ARRAY_SIZE(folders); i++) {
		size_t n = strlen(folders[i]), digits;

		if (strncmp(path, folders[i], n) != 0)
			continue;
		digits = strspn(path + n, "0123456789");
		if (digits && digits < 9 && !path[n + digits])
			return (int)strtol(path + n, NULL, 10);
	}
	return -1;
}

static int open_own(int number, struct fl_out *o)
{
	o->fd = fcntl(number, F_DUPFD_CLOEXEC, 3);
	return o->fd < 0 ? -errno : 0;
}

static int open_magic(struct fl_out *o)
{
	o->fd = openat(o->spot.dir, o->spot.name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (o->fd < 0)
		return -errno;
	fl_spot_fini(&o->spot);
	return 0;
}

int fl_out_open(const char *path, struct fl_out *ret, struct fl_diag *diag)
{
	_cleanup_out_ struct fl_out o = FL_OUT_NONE;
	int own = own_descriptor(path), r;

	if (own >= 0) {
		r = open_own(own, &o);
	} else {
		r = fl_walk(path, &o.spot, diag);
		if (r == 0)
			r = o.spot.magic ? open_magic(&o) : open_at_spot(&o, true);
	}
	if (r < 0)
		return r;
	*ret = o;
	o = (struct fl_out)FL_OUT_NONE;
	return 0;
}

int fl_out_open_at(int tree, const char *path, struct fl_out *ret)
{
	_cleanup_out_ struct fl_out o = FL_OUT_NONE;
	int r = fl_walk_beneath(tree, path, &o.spot);

	if (r == 0)
		r = open_at_spot(&o, false);
	if (r < 0)
		return r;
	*ret = o;
	o = (struct fl_out)FL_OUT_NONE;
	return 0;
}

/* ---- into its place ---- */

/* Another file system is mounted on the name, as containers do with single files. */
static int copy_into_place(struct fl_out *o)
{
	_cleanup_close_ int to = -1;
	struct stat st;
	int r = stat_spot(&o->spot, &st);

	if (r <= 0 || !S_ISREG(st.st_mode))
		return r < 0 ? r : -EBUSY;
	to = open_in_place(&o->spot, &st);
	if (to < 0)
		return TAKE_FD(to);
	r = copy(o->fd, to);
	return r < 0 ? r : write_into(o, TAKE_FD(to));
}

static int publish(struct fl_out *o)
{
	int r = o->temp ? 0 : with_new_name(o, give_name, 0);

	if (r < 0)
		return r;
	if (renameat(o->spot.dir, o->temp->name, o->spot.dir, o->spot.name) == 0)
		temp_give_back(&o->temp);
	else if (errno == EBUSY)
		return copy_into_place(o);
	else
		return -errno;
	return 0;
}

/* What has no disk behind it (a pipe, a terminal) has nothing to be synced. */
static int sync_fd(int fd)
{
	if (fsync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
		return 0;
	return -errno;
}

static int sync_folder(int dir)
{
	_cleanup_close_ int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : sync_fd(fd); /* one that we may not read is synced by its own time */
}

int fl_out_commit(struct fl_out *o)
{
	int r = sync_fd(o->fd);

	if (r == 0 && o->spot.dir >= 0)
		r = publish(o);
	if (r == 0 && o->spot.dir >= 0)
		r = sync_folder(o->spot.dir);
	if (r == 0)
		fl_spot_fini(&o->spot);
	return r;
}

void fl_out_fini(struct fl_out *o)
{
	drop_new_file(o);
	fl_spot_fini(&o->spot);
}

static int write_and_commit(struct fl_out *o, const void *data, size_t n)
{
	struct fl_buf view = { .data = (char *)data, .len = n };
	int r = fl_buf_write_fd(&view, o->fd);

	return r < 0 ? r : fl_out_commit(o);
}

int fl_out_write(const char *path, const void *data, size_t n, struct fl_diag *diag)
{
	_cleanup_out_ struct fl_out o = FL_OUT_NONE;
	int r = fl_out_open(path, &o, diag);

	return r < 0 ? r : write_and_commit(&o, data, n);
}

int fl_out_write_at(int tree, const char *path, const void *data, size_t n)
{
	_cleanup_out_ struct fl_out o = FL_OUT_NONE;
	int r = fl_out_open_at(tree, path, &o);

	return r < 0 ? r : write_and_commit(&o, data, n);
}

int fl_out_stream(const char *path, struct fl_diag *diag)
{
	_cleanup_out_ struct fl_out o = FL_OUT_NONE;
	int r = fl_out_open(path, &o, diag);

	if (r == 0 && o.spot.dir >= 0)
		r = publish(&o);
	return r < 0 ? r : TAKE_FD(o.fd);
}
