/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct a - x
 * @b: y
 */
struct a {
	MACRO_X;
	int b;
};

/**
 * struct c - x
 * @MACRO_X: y
 * @b: y
 */
struct c {
	MACRO_X;
	int b;
};

/**
 * struct d - x
 * @b: y
 */
struct d {
	int b;
	MACRO_Y
};

/**
 * struct e - x
 * @b: y
 */
struct e {
	MACRO_Y
	int b;
};
