/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct cut - lines of the preprocessor in the middle of a declaration
 * @status: a struct
 * @running: the scripts look for it here
 * @asleep: here, too
 * @status.done: and not here
 */
struct cut {
	struct {
		u32 running:1,
#ifdef CONFIG_PM
		    asleep:1,
#endif
		    done:1;
	} status;
};

/**
 * struct two - the same without bit-fields
 * @s: a struct
 */
struct two {
	struct {
		u32 p,
#if defined(X) && Y
		    *q,
#else
		    t[2],
#endif
		    r;
		int z;
	} s;
};
