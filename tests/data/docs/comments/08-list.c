/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * f() - does
 * @x: one of
 *     - a
 *     - b
 *
 * Text:
 * - one
 * - two
 *   more
 *
 * Return:
 * * 0 - ok
 * * -EINVAL - bad
 */
int f(int x)
{
	return 0;
}
