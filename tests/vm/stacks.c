// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process with stacks that are known: calls of some depths that end in two system calls. Built
 * with frame pointers, the outermost of which is zero. Then it lives on until the file /tmp/go is
 * there, so that its mappings can be read.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL static __attribute__((noinline, used))

static int null;

/* The system calls are made here and not in the C library, which has no frame pointers. */
static inline long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;

	asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 asm("x8") = number, x0 asm("x0") = a, x1 asm("x1") = b, x2 asm("x2") = c;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#else
#error "this architecture's system calls are not known here"
#endif
}

CALL int shallow(int depth)
{
	asm volatile("" : "+r"(depth));
	call(SYS_getppid, 0, 0, 0);
	return (int)call(SYS_write, null, (long)"four", 4) + depth;
}

CALL int deep(int depth)
{
	asm volatile("" : "+r"(depth)); /* as many calls as it says, whatever the compiler knows */
	return depth ? deep(depth - 1) + 1 : shallow(depth) + 1;
}

CALL void work(void)
{
	shallow(0);
	deep(0);
	deep(3);
}

/* Work whose frames end with it: the frame pointer is zero where it is called. */
static void outermost(void)
{
#if defined(__x86_64__)
	asm volatile("push %%rbp; xor %%ebp, %%ebp; call work; pop %%rbp" ::: "memory", "rax", "rcx", "rdx",
		     "rsi", "rdi", "r8", "r9", "r10", "r11");
#elif defined(__aarch64__)
	asm volatile("stp x29, x30, [sp, #-16]!; mov x29, xzr; bl work; ldp x29, x30, [sp], #16" ::: "memory",
		     "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
		     "x14", "x15", "x16", "x17", "x18", "x30", "cc");
#endif
}

int main(int argc, char **argv)
{
	if (argc > 1)
		deep((int)strtol(argv[1], NULL, 10));
	null = open("/dev/null", O_WRONLY);
	outermost();
	while (access("/tmp/go", F_OK) != 0)
		usleep(10000);
	return 0;
}
