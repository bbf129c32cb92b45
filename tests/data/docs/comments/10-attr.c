/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * h() - does
 * @x: x
 */
__must_check __printf(1, 2) static __always_inline struct foo * __init
h(const char *x, ...)
{
	return 0;
}
/**
 * i() - does
 * @p: p
 * @q: q
 */
DEFINE_FREE(i, int *, kfree(_T))
/**
 * DECLARE_X() - bitmap
 * @name: n
 */
#define DECLARE_X(name) \
	unsigned long name[1]
/**
 * sys_foo() - a syscall
 * @a: a
 * @b: b
 */
SYSCALL_DEFINE2(foo, int, a, char __user *, b)
{
	return 0;
}
/**
 * var x - a variable
 */
extern int x;
