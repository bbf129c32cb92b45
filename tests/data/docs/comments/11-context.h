/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct k - k
 * @list: l
 * @bits: b
 * @fl: flex
 * @a: a
 * @b: b
 */
struct k {
	struct list_head list;
	DECLARE_BITMAP(bits, 32);
	int a, *b;
	DECLARE_FLEX_ARRAY(int, fl);
} __packed __aligned(8);
/**
 * struct lock_guarded - k
 * @l: l
 * @v: v
 */
struct lock_guarded {
	spinlock_t l;
	int v __guarded_by(&l);
};
