/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name of its own is no evidence: of "drivers/foo/bar.c" there is one other bar.c in the whole kernel, and
 * mpic.txt of a processor is not mpic.rst of a hypervisor. What has moved keeps its folders: all of them
 * stand, in their order, in the new path too ("net/tg3.c" in "net/ethernet/broadcom/tg3.c", "arm/x.txt" in
 * "arch/arm/x.rst"). A name that many folders have ("core", "main") must keep two of them, or the same
 * folder. And only one file may fit.
 */
#include "docs/fix/moved.h"

#include <strings.h>

#include "base/util.h"

static struct fl_str folders(struct fl_str path)
{
	return fl_str_sub(path, 0, path.n - fl_str_base_name(path).n);
}

/* Equal but for dashes and underscores, case, and .txt that became .rst or .yaml. */
static bool like(struct fl_str old, struct fl_str new)
{
	if (fl_str_ends(old, ".txt") && (fl_str_ends(new, ".rst") || fl_str_ends(new, ".yaml"))) {
		old.n -= 4;
		new.n -= fl_str_ends(new, ".rst") ? 4 : 5;
	}
	if (old.n != new.n)
		return false;
	for (size_t i = 0; i < old.n; i++) {
		char a = old.p[i] == '_' ? '-' : old.p[i], b = new.p[i] == '_' ? '-' : new.p[i];

		if (strncasecmp(&a, &b, 1))
			return false;
	}
	return true;
}

static bool is_one_of(struct fl_str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fl_str_is(s, words[i]))
			return true;
	}
	return false;
}

/* The next folder of @rest; false at the end. */
static bool next_folder(struct fl_str *rest, struct fl_str *ret)
{
	size_t end = fl_str_find(*rest, '/', 0);

	*ret = fl_str_sub(*rest, 0, end);
	*rest = fl_str_from(*rest, end + 1);
	return ret->n > 0;
}

static struct fl_str stem(struct fl_str base)
{
	return fl_str_sub(base, 0, fl_str_find(base, '.', 0));
}

/* Stands for any name, or for a file that the build makes, or is found by the build's own paths. */
static bool is_no_name(struct fl_str name)
{
	static const char *const words[] = { "foo", "bar", "baz", "xxx", "xx", "example", "foobar", "generated",
					     "path" };
	struct fl_str rest = name, word;

	if (fl_str_starts(name, "include/asm") || memmem(name.p, name.n, "include/asm/", 12) ||
	    memchr(name.p, '*', name.n) || memchr(name.p, '?', name.n))
		return true;
	while (next_folder(&rest, &word)) {
		if (is_one_of(stem(word), words, FL_ARRAY_SIZE(words)))
			return true;
	}
	return false;
}

static bool is_common(struct fl_str base)
{
	static const char *const words[] = { "core", "main", "init", "setup", "index", "readme", "common", "utils",
					     "types", "device", "driver", "intro", "introduction", "overview", "kernel",
					     "config", "debug", "design", "concepts", "general", "irq", "memory", "version" };
	struct fl_str s = stem(base);
	char lower[16];

	for (size_t i = 0; i < s.n && s.n < sizeof(lower); i++)
		lower[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 32 : s.p[i];
	return s.n < 3 || (s.n < sizeof(lower) && is_one_of(fl_str_n(lower, s.n), words, FL_ARRAY_SIZE(words)));
}

/* All folders of @old stand in @new in their order; *count is how many that are, the top one apart. */
static bool keeps_folders(struct fl_str old, struct fl_str new, size_t *count)
{
	struct fl_str a, b, from = folders(old), to = folders(new);

	*count = 0;
	for (size_t depth = 0; next_folder(&from, &a); depth++) {
		do {
			if (!next_folder(&to, &b))
				return false;
		} while (!fl_str_eq(a, b));
		*count += depth > 0;
	}
	return true;
}

static bool is_evident(struct fl_str old, struct fl_str new)
{
	size_t kept;

	if (!like(fl_str_base_name(old), fl_str_base_name(new)) || !keeps_folders(old, new, &kept))
		return false;
	return !is_common(fl_str_base_name(old)) || kept >= 2 || fl_str_eq(folders(old), folders(new));
}

/* Searched within the translation that is named, or outside of all of them. */
static bool same_realm(struct fl_str old, const char *path)
{
	static const char dir[] = "Documentation/translations/";
	size_t n = sizeof(dir) - 1;

	if (!fl_str_starts(old, dir))
		return strncmp(path, dir, n) != 0;
	n = fl_str_find(old, '/', n) + 1;
	return n <= old.n && !strncmp(path, old.p, n);
}

const char *docs_moved_to(struct docs_tree *t, struct fl_str name)
{
	struct fl_str top = fl_str_sub(name, 0, fl_str_find(name, '/', 0) + 1);
	const char *only = NULL;
	bool doubled = false;

	if (!fl_str_base_name(name).n || is_no_name(name) || docs_tree_list(t) < 0)
		return NULL;
	for (size_t i = docs_tree_lower(t, top); i < t->nr_paths && !strncmp(t->paths[i], top.p, top.n); i++) {
		struct fl_str path = fl_str(t->paths[i]);

		if (!same_realm(name, t->paths[i]) || !is_evident(name, path))
			continue;
		doubled |= only != NULL;
		only = t->paths[i];
	}
	return doubled ? NULL : only;
}
