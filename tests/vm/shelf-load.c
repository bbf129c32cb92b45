/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shelf-load OP [ARG...]: does what a tool of the shelf shows, and writes down what it did: a line "fact ..." for
 * each event, in the words in which a trace of it has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fact(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void fact(const char *fmt, ...)
{
	char line[1024] = "fact ";
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, n) < 0)
		_exit(1);
}

static long result(long r)
{
	return r < 0 ? -errno : r;
}

/* argv, as the kernel has it of the process that runs */
static void op_cmdline(char **args)
{
	char all[512] = "", text[1024] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, all, sizeof(all) - 1);

	(void)args;
	for (char *p = all; p < all + n; p += strlen(p) + 1)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\"%s\"", p == all ? "" : ",", p);
	fact("ppid=%d argv={%s,", getppid(), text);
}

static void op_open(char **args)
{
	static const char *const names[] = { "/etc/passwd", "/no/such", "shelf-relative", "../etc" };

	char cwd[256] = "";

	(void)args;
	if (!getcwd(cwd, sizeof(cwd)))
		exit(1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		fact("name=\"%s\" ret=%ld cwd=\"%s\"", names[i], result(open(names[i], O_RDONLY)), cwd);
}

static void op_stat(char **args)
{
	struct statfs f;
	struct stat s;

	(void)args;
	fact("name=\"/etc/passwd\" ret=%ld", result(stat("/etc/passwd", &s)));
	fact("name=\"/no/such/file\" ret=%ld", result(lstat("/no/such/file", &s)));
	fact("name=\"/proc\" ret=%ld", result(statfs("/proc", &f)));
	fact("name=\"/nowhere\" ret=%ld", result(statfs("/nowhere", &f)));
}

static void op_kill(char **args)
{
	pid_t child;

	(void)args;
	signal(SIGUSR1, SIG_IGN);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	fact("tpid=%d sig=SIGUSR1 ret=%ld", child, result(kill(child, SIGUSR1)));
	fact("tpid=%d sig=SIGTERM ret=%ld", 4194303, result(kill(4194303, SIGTERM)));
	fact("tpid=%d sig=SIGUSR1 ret=%ld", child, result(syscall(SYS_tgkill, child, child, SIGUSR1)));
	fact("tpid=%d sig=SIGKILL ret=%ld", child, result(syscall(SYS_tkill, child, SIGKILL)));
	wait(NULL);
}

static void op_nap(char **args)
{
	(void)args;
	for (int i = 1; i < 4; i++) {
		struct timespec t = { 0, 1000000 * i + 7 };

		if (i == 2)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
		else
			syscall(SYS_nanosleep, &t, NULL);
		fact("ns=%ld ppid=%d", t.tv_nsec, getppid());
	}
}

static void op_sync(char **args)
{
	int fd = open("shelf-synced", O_RDWR | O_CREAT, 0600);
	void *map;

	(void)args;
	if (ftruncate(fd, 4096))
		exit(1);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sync();
	fact("sys_enter_sync");
	syncfs(fd);
	fact("sys_enter_syncfs");
	fsync(fd);
	fact("sys_enter_fsync");
	fdatasync(fd);
	fact("sys_enter_fdatasync");
	sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE);
	fact("sys_enter_sync_file_range");
	msync(map, 4096, MS_SYNC);
	fact("sys_enter_msync");
}

static void op_setuid(char **args)
{
	(void)args;
	setfsuid(7);
	fact("uid=0 to=7 ret=0"); /* it returns the old one */
	setfsuid(0);
	fact("uid=0 to=0 ret=7");
	fact("uid=0 ruid=0 euid=0 suid=5 ret=%ld", result(syscall(SYS_setresuid, 0, 0, 5)));
	fact("uid=0 to=33 ret=%ld", result(syscall(SYS_setuid, 33)));
	fact("uid=33 to=0 ret=%ld", result(syscall(SYS_setuid, 0)));
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &n);
	return ntohs(a.sin_port);
}

static void op_listen(char **args)
{
	struct sockaddr_in a = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)args;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		exit(1);
	fact("addr=127.0.0.1 port=%d backlog=9 ret=%ld", port_of(fd), result(listen(fd, 9)));
}

static void op_bind(char **args)
{
	struct sockaddr_in a = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long r = result(bind(fd, (struct sockaddr *)&a, sizeof(a)));

	(void)args;
	fact("addr=127.0.0.1 port=0 given=%d protocol=6 ret=%ld", port_of(fd), r);
	a = loopback(port_of(fd));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	fact("addr=127.0.0.1 port=%d given=0 protocol=6 ret=%ld", ntohs(a.sin_port),
	     result(bind(fd, (struct sockaddr *)&a, sizeof(a))));
}

static int listener(int backlog)
{
	struct sockaddr_in a = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, backlog))
		exit(1);
	return fd;
}

static int connected(int port, int flags)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) && errno != EINPROGRESS)
		exit(1);
	return fd;
}

/* How who connects, and closes first, goes through the states of RFC 9293, by Linux's numbers. */
static void active_close(int port)
{
	static const int states[] = { 7, 2, 1, 4, 5, 7 };

	for (size_t i = 1; i < sizeof(states) / sizeof(*states); i++)
		fact("from=%d to=%d rport=%d", states[i - 1], states[i], port);
}

/* A connection that sends 1,000 bytes and gets 300: how it is seen by who asks, or by who accepts. */
static void op_tcp(char **args)
{
	char buf[1000] = "";
	int l = listener(9), port = port_of(l), c = connected(port, 0), s = accept(l, NULL, NULL), mine = port_of(c);

	if (write(c, buf, 1000) != 1000 || recv(s, buf, 1000, MSG_WAITALL) != 1000 || write(s, buf, 300) != 300 ||
	    recv(c, buf, 300, MSG_WAITALL) != 300)
		exit(1);
	if (strcmp(args[0], "connect") == 0)
		fact("saddr=127.0.0.1 sport=%d daddr=127.0.0.1 dport=%d", mine, port);
	else if (strcmp(args[0], "accept") == 0)
		fact("raddr=127.0.0.1 rport=%d laddr=127.0.0.1 lport=%d waiting=0 max=9", mine, port);
	else if (strcmp(args[0], "life") == 0)
		fact("pid=%d comm=shelf-load laddr=127.0.0.1 lport=%d raddr=127.0.0.1 rport=%d sent=1002 received=301",
		     getpid(), mine, port); /* with SYN and FIN */
	else if (strcmp(args[0], "connlat") == 0)
		fact("pid=%d comm=shelf-load laddr=127.0.0.1 lport=%d raddr=127.0.0.1 rport=%d", getpid(), mine, port);
	else if (strcmp(args[0], "states") == 0)
		active_close(port);
	else
		fact("{ limit: 9, waiting: 0 } hitcount: 1");
	shutdown(c, SHUT_RDWR);
	while (read(s, buf, sizeof(buf)) > 0)
		;
	close(s);
	close(c);
	usleep(200000);
}

/* Two wait to be accepted, and there is room for one: what others ask is asked again, after a second. */
static void op_retransmit(char **args)
{
	int l = listener(0), port = port_of(l), fd[4];
	unsigned char state[4];

	(void)args;
	for (int i = 0; i < 4; i++)
		fd[i] = connected(port, SOCK_NONBLOCK);
	usleep(1600000);
	for (int i = 0; i < 4; i++) {
		unsigned char info[256] = "";
		socklen_t n = sizeof(info);

		getsockopt(fd[i], IPPROTO_TCP, 11 /* TCP_INFO */, info, &n);
		state[i] = info[0];
		if (state[i] == 2)
			fact("lport=%d rport=%d state=2", port_of(fd[i]), port);
	}
}

static void op_unix(char **args)
{
	int s[2];
	char buf[64];

	(void)args;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s))
		exit(1);
	for (int i = 0; i < 3; i++) {
		int n = snprintf(buf, sizeof(buf), "message-%d", i), k = (int)write(s[0], buf, (size_t)n);

		if (read(s[1], buf, sizeof(buf)) != k)
			exit(1);
		fact("len=%d", n);
	}
}

static void op_disk(char **args)
{
	void *page;
	int fd = open(args[0], O_RDONLY | O_DIRECT);

	if (fd < 0 || posix_memalign(&page, 4096, 16384))
		exit(1);
	for (int i = 0; i < 3; i++) {
		size_t n = 4096u << i;

		if (pread(fd, page, n, 65536 * i) != (ssize_t)n)
			exit(1);
		fact("sector=%d bytes=%zu comm=shelf-load pid=%d", 128 * i, n, getpid());
	}
}

static void op_mount(char **args)
{
	char cwd[256] = "";

	(void)args;
	if (!getcwd(cwd, sizeof(cwd)) || mkdir("shelf-mnt", 0700))
		exit(1);
	fact("dev=\"shelf\" where=\"%s/shelf-mnt\" type=\"tmpfs\" flags=0x2 ret=%ld", cwd,
	     result(mount("shelf", "shelf-mnt", "tmpfs", MS_NOSUID, NULL)));
	fact("name=\"shelf-mnt\" flags=0x0 ret=%ld", result(umount("shelf-mnt")));
	fact("name=\"shelf-mnt\" flags=0x0 ret=%ld", result(umount("shelf-mnt")));
	fact("dev=\"shelf\" where=\"%s/shelf-mnt\" type=\"nosuchfs\" flags=0x0 ret=%ld", cwd,
	     result(mount("shelf", "shelf-mnt", "nosuchfs", 0, NULL)));
	rmdir("shelf-mnt");
}

static void op_shm(char **args)
{
	int id = shmget(0x1234, 8192, IPC_CREAT | 0600);
	void *p = shmat(id, NULL, 0);

	(void)args;
	fact("key=0x1234 size=8192 flags=0x380 ret=%d", id);
	fact("id=%d addr=0x0 flags=0x0 ret=%p", id, p);
	fact("addr=%p ret=%ld", p, result(shmdt(p)));
	fact("id=%d cmd=0 ret=%ld", id, result(shmctl(id, IPC_RMID, NULL)));
}

/* A file that lives for some time, and one that is written and read. */
static void op_file(char **args)
{
	char buf[1000] = "";
	int fd = open("shelf-file", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 3; i++)
		if (write(fd, buf, 1000) != 1000)
			exit(1);
	for (int i = 0; i < 2; i++)
		if (pread(fd, buf, 500, 0) != 500)
			exit(1);
	usleep(20000);
	if (unlink("shelf-file"))
		exit(1);
	if (strcmp(args[0], "life") == 0) {
		fact("name=shelf-file");
		return;
	}
	fact("{ common_pid: shelf-load [ %d], name: shelf-file } hitcount: 3 bytes: 3000", getpid());
	fact("{ common_pid: shelf-load [ %d], name: shelf-file } hitcount: 2 bytes: 1000", getpid());
}

/* Waits for what another task writes. */
static void op_wait(char **args)
{
	char buf[8];

	if (mkfifo("shelf-fifo", 0600) && errno != EEXIST)
		exit(1);
	if (fork() == 0) {
		int fd = open("shelf-fifo", O_WRONLY);

		prctl(PR_SET_NAME, "shelf-waker");
		usleep(40000);
		_exit(write(fd, "hello", 5) != 5);
	}
	if (read(open("shelf-fifo", O_RDONLY), buf, sizeof(buf)) != 5)
		exit(1);
	if (strcmp(args[0], "slow") == 0)
		fact("name=shelf-fifo bytes=5");
	else
		fact("{ waker: shelf-waker, target: shelf-load } hitcount: 1");
}

static long packets(void)
{
	FILE *f = fopen("/sys/class/net/lo/statistics/tx_packets", "re");
	long n = -1;

	if (!f || fscanf(f, "%ld", &n) != 1)
		exit(1);
	fclose(f);
	return n;
}

static void op_udp(char **args)
{
	struct sockaddr_in a = loopback(9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[2000] = "";
	long n = packets();

	(void)args;
	for (int i = 0; i < 5; i++)
		if (sendto(fd, buf, sizeof(buf), 0, (struct sockaddr *)&a, sizeof(a)) < 0)
			exit(1);
	fact("dev: lo %ld", packets() - n);
}

/* Six want the same CPU; how long each of them waited is the kernel's own account. */
static void op_spin(char **args)
{
	cpu_set_t one;

	(void)args;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 6; i++)
		if (fork() == 0) {
			unsigned long long delay = 0;
			FILE *f;

			while (clock() < CLOCKS_PER_SEC / 8)
				;
			f = fopen("/proc/self/schedstat", "re");
			if (!f || fscanf(f, "%*s %llu", &delay) != 1)
				_exit(1);
			fact("pid=%d %llu", getpid(), delay / 1000);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static void op_fork(char **args)
{
	(void)args;
	for (int i = 0; i < 5; i++)
		if (fork() == 0)
			_exit(0);
	while (wait(NULL) > 0)
		;
	fact("{ parent: shelf-load } hitcount: 5");
}

static void op_hostname(char **args)
{
	(void)args;
	fact("uid=0 cap=CAP_SYS_ADMIN ret=%ld", result(sethostname("shelf", 5)));
	if (setuid(33))
		exit(1);
	fact("uid=33 cap=CAP_SYS_ADMIN ret=%ld", result(sethostname("shelf", 5)));
}

static void *begin(void *p)
{
	return p;
}

static void op_thread(char **args)
{
	pthread_t t;

	(void)args;
	if (pthread_create(&t, NULL, begin, NULL))
		exit(1);
	fact("function=%p", (void *)begin);
	pthread_join(t, NULL);
}

/* A shell at a terminal. */
static void op_type(char **args)
{
	static const char *const lines[] = { "echo typed one\n", "cd /\n", "exit\n" };
	int master = posix_openpt(O_RDWR | O_NOCTTY), status;
	char buf[512];
	pid_t child;

	if (master < 0 || grantpt(master) || unlockpt(master))
		exit(1);
	child = fork();
	if (child == 0) {
		int fd;

		setsid();
		fd = open(ptsname(master), O_RDWR);
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execl(args[0], "bash", "--norc", "-i", NULL);
		_exit(127);
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		usleep(500000);
		if (write(master, lines[i], strlen(lines[i])) < 0)
			exit(1);
		fact("line=\"%.*s\"", (int)strlen(lines[i]) - 1, lines[i]);
	}
	while (read(master, buf, sizeof(buf)) > 0)
		;
	waitpid(child, &status, 0);
}

static void op_hog(char **args)
{
	(void)args;
	if (fork() == 0) {
		fact("pid=%d comm=\"shelf-load\"", getpid());
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
	}
	wait(NULL);
}

static const struct {
	const char *name;
	void (*run)(char **args);
} ops[] = {
	{ "cmdline", op_cmdline }, { "open", op_open }, { "stat", op_stat }, { "kill", op_kill }, { "nap", op_nap },
	{ "sync", op_sync }, { "setuid", op_setuid }, { "tcp", op_tcp }, { "retransmit", op_retransmit },
	{ "unix", op_unix }, { "disk", op_disk }, { "fork", op_fork }, { "hostname", op_hostname },
	{ "listen", op_listen }, { "bind", op_bind }, { "mount", op_mount }, { "shm", op_shm }, { "file", op_file },
	{ "wait", op_wait }, { "udp", op_udp }, { "spin", op_spin }, { "thread", op_thread },
	{ "type", op_type }, { "hog", op_hog },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(ops) / sizeof(*ops); i++) {
		if (strcmp(ops[i].name, argv[1]) == 0) {
			ops[i].run(argv + 2);
			return 0;
		}
	}
	return 2;
}
