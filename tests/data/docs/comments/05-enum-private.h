/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * enum e - numbers
 * @A: a
 * @B: b
 */
enum e {
	A,
	B = (1 << 2),
	/* private: */
	E_MAX,
};
