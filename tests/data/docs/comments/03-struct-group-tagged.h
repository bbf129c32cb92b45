/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct p - parameters
 * @fast: the fast ones
 * @order: order
 */
struct p {
	struct_group_tagged(p_fast, fast,
		int order;
	);
};
