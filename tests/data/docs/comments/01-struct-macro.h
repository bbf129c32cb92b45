/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct a - a thing
 * @x: first
 * @show: show
 */
struct a {
	int x;
	__counted_by_ptr(x) int *show;
};
/**
 * struct b - a thing
 * @n: count
 * @p: pointer
 */
struct b {
	int n;
	int *p __counted_by_ptr(n);
};
