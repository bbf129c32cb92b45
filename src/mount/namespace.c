/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three mount namespaces:
 *
 *	the caller's	has DIR, where one was given
 *	the command's	a copy, in which parts of the tree stand over the system's own paths
 *	the server's	a copy without any of it: no path of it leads into its own mount
 *
 * The command's is private, so that nothing comes out of it, and goes with its last process. Where the
 * user may make none (fusermount3 mounts), the server takes a user namespace, too, and does so before anything
 * is mounted: from there a mount that was inherited could not be taken away, and to cover it is to wait for who
 * looks into it already, who waits for the server.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "mount/private.h"

/* Where the command's namespace has the whole tree for a moment, where no DIR was given. */
#define STAGE "/tmp"

static int say(struct fl_buf *why, int r, const char *what, const char *path)
{
	if (r < 0)
		fl_buf_addf(why, "%s%s%s: %s", what, *path ? " " : "", path, strerror(-r));
	return r;
}

static int make_private(void)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* ---- mounting ---- */

/* Where it fails, @ret_what is what was tried. */
static int mount_here(const char *dir, int *ret_fuse, const char **ret_what)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];

	*ret_what = "opening /dev/fuse, to mount over";
	if (fd < 0)
		return -errno;
	*ret_what = "mounting over";
	snprintf(options, sizeof(options), "fd=%d,rootmode=40750,user_id=%u,group_id=%u,default_permissions",
		 fd, geteuid(), getegid());
	if (mount("foreland", dir, "fuse.foreland", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return -errno;
	*ret_fuse = TAKE_FD(fd);
	return 0;
}

/* Moves into a namespace that is a copy of this one, and forgets @dir there. */
static int look_away(const char *dir, struct fl_buf *why)
{
	int r = unshare(CLONE_NEWNS) < 0 ? -errno : make_private();

	if (r == 0 && umount2(dir, MNT_DETACH) < 0)
		r = -errno;
	return say(why, r, "leaving the mount behind", "");
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/*
 * The same for a user who may make namespaces in a user namespace only; @dir is not mounted yet, and what will be
 * mounted there is not seen from here.
 */
static int look_away_as_user(struct fl_buf *why)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];
	int r = unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? -errno : 0;

	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	if (r == 0)
		r = write_file("/proc/self/uid_map", map);
	if (r == 0)
		r = write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	if (r == 0)
		r = write_file("/proc/self/gid_map", map);
	if (r == 0)
		r = make_private();
	return say(why, r, "leaving the mount behind (this user may make no user namespace)", "");
}

/* ---- fusermount3 ---- */

/*
 * It is started before the server leaves its namespaces, in which a set-user-id program means something, and mounts
 * after that: so the server never has the mount. It hands the descriptor over, stays, and unmounts when the other end
 * of @comm is closed, also by a kill.
 */
static _Noreturn void be_helper(const char *dir, int go, int comm)
{
	char number[16], c;

	if (read(go, &c, 1) != 1)
		_exit(1);
	snprintf(number, sizeof(number), "%d", comm);
	setenv("_FUSE_COMMFD", number, 1);
	fcntl(comm, F_SETFD, 0);
	execlp("fusermount3", "fusermount3", "-o",
	       "rw,nosuid,nodev,default_permissions,auto_unmount,fsname=foreland,subtype=foreland", "--", dir, NULL);
	_exit(127);
}

static int receive_fd(int comm, int *ret)
{
	char c, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const struct cmsghdr *head;

	if (recvmsg(comm, &msg, MSG_CMSG_CLOEXEC) <= 0)
		return -EPERM;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return -EPERM;
	memcpy(ret, CMSG_DATA(head), sizeof(*ret));
	return 0;
}

static int attach(struct fl_mount *m, const char *where, struct fl_buf *why)
{
	char *argv[] = { (char *)"foreland", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	m->se = fuse_session_new(&args, &fl_mount_ops, sizeof(fl_mount_ops), m);
	fuse_opt_free_args(&args);
	if (!m->se)
		return say(why, -ENOMEM, "libfuse", "");
	if (fuse_session_mount(m->se, where) < 0)
		return say(why, -EPERM, "mounting over", where);
	/* The loop reads until there is no request, and sleeps in poll(2) alone. */
	fcntl(fuse_session_fd(m->se), F_SETFL, O_RDWR | O_NONBLOCK);
	return 0;
}

/* mount(2) has been called, and libfuse gets its descriptor. */
static int attach_fd(struct fl_mount *m, int fd, struct fl_buf *why)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	return attach(m, name, why);
}

static int mount_by_helper(struct fl_mount *m, struct fl_buf *why)
{
	_cleanup_close_ int go = -1, wait = -1, theirs = -1;
	int comm[2], pipes[2], fd, r;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	wait = pipes[0];
	go = pipes[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, comm) < 0)
		return -errno;
	m->comm = comm[0];
	theirs = comm[1];
	m->helper = fork();
	if (m->helper == 0) {
		close(go);
		close(m->comm);
		be_helper(m->dir, wait, theirs);
	}
	if (m->helper < 0)
		return -errno;
	close(theirs);
	theirs = -1;
	m->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	r = look_away_as_user(why);
	if (r < 0)
		return r;
	r = write(go, "", 1) == 1 ? receive_fd(m->comm, &fd) : -EPERM;
	return r < 0 ? say(why, r, "fusermount3: mounting over", m->dir) : attach_fd(m, fd, why);
}

static int mount_for_all(struct fl_mount *m, struct fl_buf *why)
{
	const char *what;
	int fd, r = mount_here(m->dir, &fd, &what);

	if (r == -EPERM || r == -EACCES)
		return mount_by_helper(m, why);
	if (r < 0)
		return say(why, r, what, m->dir);
	r = attach_fd(m, fd, why);
	return r < 0 ? r : look_away(m->dir, why);
}

static int mount_for_command(struct fl_mount *m, struct fl_buf *why)
{
	int fd, r = unshare(CLONE_NEWNS) < 0 ? -errno : make_private();
	const char *what = "a mount namespace for the command";

	if (r < 0)
		return say(why, r, what, "");
	r = mount_here(STAGE, &fd, &what);
	if (r < 0)
		return say(why, r, what, STAGE);
	m->outside = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	r = m->outside < 0 ? -errno : attach_fd(m, fd, why);
	return r < 0 ? r : look_away(STAGE, why);
}

/* Relative names stop to mean anything when the namespace changes. */
static int absolute(const char *dir, char **ret)
{
	*ret = realpath(dir, NULL);
	return *ret ? 0 : -errno;
}

/* A server that was killed leaves a folder whose attributes are known for a while yet, but nothing else of it. */
static int clear_dead(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs) == 0 || errno != ENOTCONN)
		return 0;
	return umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

static int name_folder(struct fl_mount *m, const char *dir, struct fl_buf *why)
{
	struct stat st;
	int r = absolute(dir, &m->dir);

	if (r == 0)
		r = clear_dead(m->dir);
	if (r == 0 && stat(m->dir, &st) < 0)
		r = -errno;
	else if (r == 0 && !S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	return say(why, r, "the folder", dir);
}

int fl_mount_new(struct fl_node *root, const char *dir, struct fl_mount **ret, struct fl_buf *why)
{
	_cleanup_mount_ struct fl_mount *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->outside = m->mounts = m->comm = -1;
	r = fl_inodes_new(root, &m->inodes);
	if (r == 0 && dir)
		r = name_folder(m, dir, why);
	if (r < 0)
		return r;
	if (dir) {
		m->outside = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
		r = mount_for_all(m, why);
	} else {
		r = mount_for_command(m, why);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

/* mountinfo writes some bytes as "\040"; a folder with such a name is not recognized, and not given up. */
bool fl_mount_is_gone(struct fl_mount *m)
{
	_cleanup_buf_ struct fl_buf text = {}, needle = {};
	char piece[4096];
	ssize_t n;

	if (m->mounts < 0 || strpbrk(m->dir, " \t\n\\"))
		return false;
	for (off_t at = 0; (n = pread(m->mounts, piece, sizeof(piece), at)) > 0; at += n)
		fl_buf_add(&text, piece, (size_t)n);
	fl_buf_addf(&needle, " %s ", m->dir);
	return n == 0 && !text.error && !needle.error && !strstr(fl_buf_z(&text), fl_buf_z(&needle));
}

static void unmount(struct fl_mount *m)
{
	if (m->dir && m->helper <= 0 && setns(m->outside, CLONE_NEWNS) == 0)
		umount2(m->dir, MNT_DETACH);
}

void fl_mount_free(struct fl_mount *m)
{
	if (!m)
		return;
	if (m->se) {
		fl_mount_close_files(m);
		unmount(m);
		fuse_session_destroy(m->se);
	}
	free(m->request.mem);
	fl_inodes_free(m->inodes);
	if (m->outside >= 0)
		close(m->outside);
	if (m->mounts >= 0)
		close(m->mounts);
	if (m->comm >= 0)
		close(m->comm);
	if (m->helper > 0)
		waitpid(m->helper, NULL, 0);
	free(m->dir);
	free(m);
}

/* ---- the command's view ---- */

static int bind_over(const char *from, const char *over)
{
	return mount(from, over, NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

static int make_like(const char *from, const char *path)
{
	struct stat st;
	int fd;

	if (stat(from, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return mkdir(path, 0755) < 0 ? -errno : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* One entry of the folder that @kept holds open, at the same name in what now stands over it. */
static int keep_entry(int kept, const char *folder, const char *name)
{
	_cleanup_buf_ struct fl_buf from = {}, to = {};
	int r;

	fl_buf_addf(&from, "/proc/self/fd/%d/%s", kept, name);
	fl_buf_addf(&to, "%s/%s", folder, name);
	if (from.error || to.error)
		return -ENOMEM;
	r = make_like(fl_buf_z(&from), fl_buf_z(&to));
	return r < 0 ? r : bind_over(fl_buf_z(&from), fl_buf_z(&to));
}

/*
 * A place for a name that the system's folder does not have and cannot be given: an empty file system
 * over the folder, into which every entry of the folder is bound.
 */
static int widen(const char *folder)
{
	_cleanup_close_ int kept = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = kept < 0 ? NULL : fdopendir(dup(kept));
	struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	if (mount("foreland", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") < 0)
		r = -errno;
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = keep_entry(kept, folder, e->d_name);
	closedir(d);
	return r;
}

#define PROC_ASIDE ".foreland-proc"

/*
 * /proc has an entry a process, and they come and go. So the real one is kept aside, beneath the empty
 * file system that stands over it, and every name of this moment is a link there. Processes that are
 * made later are missing (but as "self").
 */
static int widen_proc(void)
{
	_cleanup_close_ int kept = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = kept < 0 ? NULL : fdopendir(dup(kept));
	char real[64];
	struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	snprintf(real, sizeof(real), "/proc/self/fd/%d", kept);
	if (mount("foreland", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m") < 0 ||
	    mkdir(STAGE "/" PROC_ASIDE, 0555) < 0)
		r = -errno;
	if (r == 0)
		r = bind_over(real, STAGE "/" PROC_ASIDE);
	while (r == 0 && (e = readdir(d))) {
		_cleanup_buf_ struct fl_buf target = {}, link = {};

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		fl_buf_addf(&target, PROC_ASIDE "/%s", e->d_name);
		fl_buf_addf(&link, STAGE "/%s", e->d_name);
		if (target.error || link.error || symlink(fl_buf_z(&target), fl_buf_z(&link)) < 0)
			r = target.error || link.error ? -ENOMEM : -errno;
	}
	closedir(d);
	if (r == 0 && mount(STAGE, "/proc", NULL, MS_MOVE, NULL) < 0)
		r = -errno;
	return r;
}

static int make_place(const char *from, const char *over)
{
	_cleanup_buf_ struct fl_buf folder = {};
	struct stat st;
	int r = 0;

	if (lstat(over, &st) == 0)
		return 0;
	fl_buf_addf(&folder, "%.*s", (int)(strrchr(over, '/') - over), over);
	if (folder.error)
		return -ENOMEM;
	if (strcmp(fl_buf_z(&folder), "/proc") == 0)
		r = widen_proc();
	else
		r = widen(fl_buf_z(&folder));
	return r < 0 ? r : make_like(from, over);
}

/* A failure is none of ours: then the tool finds what it would have found. */
static void mount_beneath(const struct fl_mount_bind *b)
{
	struct stat st, above;
	_cleanup_buf_ struct fl_buf parent = {};

	fl_buf_addf(&parent, "%s/..", b->over);
	if (!parent.error && stat(b->over, &st) == 0 && stat(fl_buf_z(&parent), &above) == 0 &&
	    st.st_dev == above.st_dev)
		mount(b->type, b->over, b->type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static int show(const char *top, const struct fl_mount_bind *b)
{
	_cleanup_buf_ struct fl_buf from = {};
	int r;

	fl_buf_addf(&from, "%s/%s", top, b->from);
	r = from.error ? from.error : make_place(fl_buf_z(&from), b->over);
	if (r == 0 && b->type)
		mount_beneath(b);
	return r < 0 ? r : bind_over(fl_buf_z(&from), b->over);
}

static int enter(const struct fl_mount *m)
{
	if (m->dir && unshare(CLONE_NEWNS) < 0)
		return -errno;
	return make_private();
}

/* In the child. Returns only where something went wrong. */
static int become(struct fl_mount *m, char **argv)
{
	const char *top = m->dir ? m->dir : STAGE;
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	int r = 0;

	if (m->helper <= 0 && setns(m->outside, CLONE_NEWNS) < 0)
		r = -errno;
	if (r == 0)
		r = enter(m);
	if (r < 0) {
		fprintf(stderr, "foreland: error: the command's mount namespace: %s\n", strerror(-r));
		return 125;
	}
	for (size_t i = 0; i < m->nr_binds; i++) {
		r = show(top, &m->binds[i]);
		if (r < 0) {
			fprintf(stderr, "foreland: error: %s: %s\n", m->binds[i].over, strerror(-r));
			return 125;
		}
	}
	if (!m->dir)
		umount2(STAGE, MNT_DETACH);
	/* setns() has left the folder that the caller is in, and what is mounted over it is to be seen. */
	if (!cwd || chdir(cwd) < 0) {
		fprintf(stderr, "foreland: error: the current folder: %s\n", cwd ? strerror(errno) : "it is gone");
		return 125;
	}
	execvp(argv[0], argv);
	fprintf(stderr, "foreland: error: %s: %s\n", argv[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

pid_t fl_mount_start(struct fl_mount *m, const struct fl_mount_bind *binds, size_t n, char **argv)
{
	pid_t pid;

	m->binds = binds;
	m->nr_binds = n;
	pid = fork();
	if (pid == 0)
		_exit(become(m, argv));
	return pid < 0 ? -errno : pid;
}

/* ---- paths as the command writes them ---- */

/* What is left of @path behind @prefix, where it lies beneath; NULL elsewhere. */
static const char *beneath(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(path, prefix, n) || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n : "/";
}

/* A path of the command's view as one of the tree. */
static int in_tree(const struct fl_mount *m, const char *path, struct fl_buf *ret)
{
	const char *rest;

	for (size_t i = 0; i < m->nr_binds; i++) {
		rest = beneath(path, m->binds[i].over);
		if (!rest)
			continue;
		fl_buf_addf(ret, "/%s%s", m->binds[i].from, rest);
		return ret->error;
	}
	rest = m->dir ? beneath(path, m->dir) : NULL;
	if (!rest)
		return -ENOENT;
	fl_buf_addz(ret, rest);
	return ret->error;
}

/* The kernel hands on a link's text alone; configfs looks it up from where its maker stands. */
struct fl_node *fl_mount_resolve(struct fl_mount *m, pid_t pid, const char *target)
{
	_cleanup_buf_ struct fl_buf path = {}, tree = {};
	char proc[64], cwd[PATH_MAX];
	struct fl_node *node;
	ssize_t n;

	if (target[0] != '/') {
		snprintf(proc, sizeof(proc), "/proc/%d/cwd", (int)pid);
		n = readlink(proc, cwd, sizeof(cwd));
		if (n < 0 || n == (ssize_t)sizeof(cwd))
			return NULL;
		fl_buf_addf(&path, "%.*s/", (int)n, cwd);
	}
	fl_buf_addz(&path, target);
	if (path.error || in_tree(m, fl_buf_z(&path), &tree) < 0 ||
	    fl_node_walk(fl_inodes_node(m->inodes, FUSE_ROOT_ID), fl_buf_str(&tree), true, &node) < 0)
		return NULL;
	return node;
}
