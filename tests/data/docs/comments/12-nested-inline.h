/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * struct q - q
 */
struct q {
	/** @connection: fields */
	struct {
		/** @status: state */
		int status;
		/** @connection.ref: reference */
		int ref;
	} connection;
	/** @pub: one-line */
	int pub;
	/**
	 * @multi: more
	 *
	 * lines
	 */
	int multi;
	/* private: */
	int hid;
};

/**
 * enum fl - flags
 * @FL_A: a
 *
 * @FL_B: b
 */
enum fl {
	FL_A = BIT(0),
	FL_B = FL_A | GENMASK(3, 1),
	/** @FL_C: c */
	FL_C,
};

/**
 * struct arr - fn pointers
 * @get: get
 * @set: set
 * @tbl: table
 * @bf: bit
 */
struct arr {
	int (*get)(struct device *dev, char *buf);
	void (*set[2])(int a);
	int (*tbl)[4];
	unsigned int bf:3, :5;
};

/**
 * foo - bar: see %FOO, &struct q, &q->pub, $ENV, @x.y and foo()
 * @x: arg
 * @cb: callback
 * @n: array
 *
 * Example::
 *
 *	code @notparam:
 *	  more
 *
 * Return:
 *
 * - 0 on success
 * - -%EINVAL on bad
 *   input
 */
int foo(int x, int (*cb)(void *p, int q), int n[static 3]);
