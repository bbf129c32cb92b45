/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * no dash or colon but several words
 */
int one(void);

/**
 *
 * two - after an empty line
 */
int two(void);

/**
 * three() - a sentence that ends
 * with the comment's end*/
int three(void);

/**
 * @alone: a parameter without a name
 */
int four(int alone);

/**
 * struct five_t *five() - behind a type
 */
struct five_t *five(void);

/**
 * define SIX - a macro
 */
#define SIX 6

/**
 * enum - nameless
 * @SEVEN: a
 */
enum {
	SEVEN,
	EIGHT,
};

/**
 * nine() - sections twice
 * @a: one
 *
 * Return: 0
 *
 * Return: 1
 */
int nine(int a, int b);

/**
 * ten() - returns as a parameter
 * @returns: the same
 */
int ten(void);
