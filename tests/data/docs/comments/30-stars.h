/* SPDX-License-Identifier: GPL-2.0-or-later */

/**
 * two_stars - a parameter behind two stars
 ** @a: is described
 * text with a star * @b: is, too
 */
int two_stars(int a, int b);

/**
 * variadic - no such parameter
 * @a: a
 * @...: nothing more
 */
int variadic(int a);

/**
 * really - has them
 * @a: a
 * @...: more
 */
int really(int a, ...);

/**
 * struct dots - no such member
 * @a: a
 * @...: nothing more
 */
struct dots {
	int a;
};

/**
 * twice - a heading that has nothing below it
 * @a: a
 *
 * Context:
 * Context: any
 */
void twice(int a);

/**
 * callback - a typedef that is not called one
 * @a: a
 */
typedef int (*callback)(int a);

/**
 * pointer - a function all the same
 * @a: a
 */
int (*pointer)(int a);

/**
 * fixed - no function to the scripts
 * @a: a
 */
int (* const fixed)(int a);

/**
 * lost - words of which some are not shown
 * @a: a
 */
 * static inline int __init lost(int a);

/**
 * open_end - a bracket that nothing closes
 * @a: a
 */
int open_end(int a,
{
}

/**
 * struct misspelt - is none
 * @a: a
 */
structt misspelt {
	int a;
};

/**
 * marked - a comment that means something to structs alone
 * @a: a
 */
/* public: */
int __always_unused *
/* private: */
marked(int a));

/**
 * a_very_long_name_for_what_cannot_be_understood - which is shown whole, however long it is
 * @one: one
 */
struct a_very_long_name_for_what_cannot_be_understood_1, a_very_long_name_for_what_cannot_be_understood_2,
	a_very_long_name_for_what_cannot_be_understood_3, a_very_long_name_for_what_cannot_be_understood_4,
	a_very_long_name_for_what_cannot_be_understood_5, a_very_long_name_for_what_cannot_be_understood_6;

/**  
 * blanks - behind the comment's begin
 * @a: a
 */
int blanks(int a, int b);

/** 	
 * union word - whose declaration has another one
 * @a: a
 * @c: c
 */
struct word {
	int a;
	int b;
};

/**
 * struct other - whose declaration has another one
 * @a: a
 * @c: c
 */
union other {
	int a;
	int b;
};

/**
 * struct packed - with an attribute before its name
 * @a: a
 */
struct __packed packed {
	int a;
	int b;
};

/**
 * struct aligned - with one that has a number
 * @a: a
 */
struct __aligned(8) aligned {
	int a;
	int b;
};

/**
 * enum small - the same
 * @A: a
 */
enum __packed small {
	A,
	B,
};

/**
 * enum typed - as C23 has it
 * @C: c
 */
enum typed : unsigned char {
	C,
	D,
};
