/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct n - nested
 * @a: a
 * @u: union
 * @u.b: b
 * @u.s: s
 * @u.s.c: c
 * @anon1: anonymous
 */
struct n {
	int a;
	union {
		int b;
		struct {
			int c;
		} s;
	} u;
	struct {
		int anon1;
		/* private: */
		int hidden;
		/* public: */
		int shown;
	};
};
