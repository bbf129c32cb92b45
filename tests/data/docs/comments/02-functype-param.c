/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * add() - add a node
 * @root: tree root
 * @less: comparator used to order nodes
 */
int add(struct root *root, bool (less)(struct node *a, const struct node *b))
{
	return 0;
}
