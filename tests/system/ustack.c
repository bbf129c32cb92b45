// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ustack [jit]: main() calls outer_function(), that middle_function(), and that makes the system call: by itself,
 * or from memory of no file, which /tmp/perf-PID.map calls "made_by_hand".
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static long (*make_call)(void);

/* getppid(), with a frame, and nothing of the C library between. */
static NOINLINE long call_directly(void)
{
	long r;

	__asm__ volatile("" : : "r"(__builtin_frame_address(0))); /* a leaf has a frame if it is looked at */
	__asm__ volatile("syscall" : "=a"(r) : "a"(110) : "rcx", "r11", "memory");
	return r;
}

static NOINLINE long middle_function(void)
{
	long r = make_call();

	__asm__ volatile("");
	return r;
}

static NOINLINE long outer_function(void)
{
	long r = middle_function();

	__asm__ volatile("");
	return r;
}

static void write_code(void)
{
	/* push %rbp; mov %rsp,%rbp; mov $110,%eax; syscall; pop %rbp; ret */
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0x5d, 0xc3 };
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[64];
	FILE *f;

	memcpy(p, code, sizeof(code));
	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	snprintf(name, sizeof(name), "/tmp/perf-%d.map", getpid());
	f = fopen(name, "w");
	fprintf(f, "%lx %zx not_this\n%lx %zx made_by_hand\n", (unsigned long)p + 256, sizeof(code), (unsigned long)p,
		sizeof(code));
	fclose(f);
	make_call = (long (*)(void))p;
}

int main(int argc, char **argv)
{
	char name[64];

	make_call = call_directly;
	if (argc > 1)
		write_code();
	outer_function();
	sleep(2); /* so that it is still there when its stack is read */
	snprintf(name, sizeof(name), "/tmp/perf-%d.map", getpid());
	if (argc > 1)
		unlink(name);
	return 0;
}
