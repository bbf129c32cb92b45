/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes as a traced program: its functions, its marked places (notes), and the types of its debug information
 * or BTF. What is said of it must hold: places lie in the file, and a type can be walked to its end.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "probe/target/target.h"
#include "probe/target/user.h"

#define PLACES_MAX 16 /* that are asked for their types: each reads the file again */

static void ask_type(struct fl_target *t, struct fl_str path, const struct fl_user_place *p)
{
	struct fl_user_param params[FL_USER_PARAMS_MAX];
	struct fl_type func;

	if (fl_target_user_func(t, path, p->offset, p->name, params, &func) < 0)
		return;
	func = fl_type_target(func);
	for (size_t i = 0; i < fl_type_vlen(func) && i < FL_USER_PARAMS_MAX; i++)
		assert(params[i].place != FL_USER_ARG || params[i].number < 32);
}

static void ask_places(struct fl_target *t, struct fl_str path, size_t size, struct fl_str name)
{
	_cleanup_places_ struct fl_user_places places = {};

	if (fl_target_user_places(t, path, name, &places) < 0)
		return;
	for (size_t i = 0; i < places.n; i++) {
		assert(places.v[i].offset < size && places.v[i].refctr < size);
		assert(!i || places.v[i - 1].offset < places.v[i].offset);
		if (i < PLACES_MAX)
			ask_type(t, path, &places.v[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_target_opts opts = { .arch = "x86_64", .kallsyms = "/nonexistent",
				       .events = "/nonexistent" };
	struct fl_target *t; /* one an input: it keeps the types that it was asked for */
	struct fl_type type;
	char path[64];
	int fd = memfd_create("program", 0);

	if (fl_target_open(&opts, &t) < 0)
		abort();
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		fl_target_use_code(t, &fl_user_code);
		ask_places(t, fl_str(path), size, FL_STR("work"));
		ask_places(t, fl_str(path), size, FL_STR("*"));
		ask_places(t, fl_str(path), size, FL_STR("sdt:*:*"));
		fl_target_user_type(t, fl_str(path), FL_STR("node"), &type);
		fl_target_user_inlined(t, fl_str(path), FL_STR("inner"));
	}
	fl_target_close(t);
	close(fd);
	return 0;
}
