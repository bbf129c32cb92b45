/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * g() - does
 * @x: the x, returns
 *     return value in it
 *
 * Explains what
 * returns: may be there.
 *
 * Return: 0
 */
int g(int x)
{
	return 0;
}
