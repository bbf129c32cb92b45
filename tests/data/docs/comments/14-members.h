/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/types.h>
/**
 * struct virt - a device
 * @features: bits
 * @features_array: the same
 */
struct virt {
	VIRTIO_DECLARE_FEATURES(features);
	int not_told;
};

/**
 * struct attr - an attribute
 * @show: reads
 * @show_const: the same
 */
struct attr {
	__SYSFS_FUNCTION_ALTERNATIVE(
		int (*show)(struct attr *a);
		int (*show_const)(const struct attr *a);
	);
};

/**
 * struct told - wrong
 * @frist: misspelt
 */
struct told {
	int first;
};

/**
 * union u - of two
 * @a: a
 */
union u {
	int a;
	int b;
};

/**
 * vari() - a macro
 * @fmt: format
 */
#define vari(fmt, args...) printk(fmt, ## args)

/**
 * struct behind - a directive
 * @x: x
 */
#ifdef CONFIG_X
struct behind {
	int x;
};
#endif
