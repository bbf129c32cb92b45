/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hundred functions that are called once each, with their own number, and one system call: many.sh
 * has a probe on each. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ONE(n)                                                                                     \
	long fn_##n(long number);                                                                  \
	__attribute__((noinline)) long fn_##n(long number)                                         \
	{                                                                                          \
		__asm__ volatile("" ::: "memory");                                                 \
		return 1##n - 100 == number;                                                       \
	}
#define TEN(d) ONE(d##0) ONE(d##1) ONE(d##2) ONE(d##3) ONE(d##4) ONE(d##5) ONE(d##6) ONE(d##7) ONE(d##8) ONE(d##9)
#define CALL(n) right += fn_##n(1##n - 100);
#define CALL_TEN(d) \
	CALL(d##0) CALL(d##1) CALL(d##2) CALL(d##3) CALL(d##4) CALL(d##5) CALL(d##6) CALL(d##7) CALL(d##8) CALL(d##9)

TEN(0) TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9)

int main(void)
{
	long right = 0;

	CALL_TEN(0) CALL_TEN(1) CALL_TEN(2) CALL_TEN(3) CALL_TEN(4)
	CALL_TEN(5) CALL_TEN(6) CALL_TEN(7) CALL_TEN(8) CALL_TEN(9)
	syscall(SYS_getppid);
	printf("%ld\n", right);
	return 0;
}
