/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel tree that is checked: a directory, a revision's change laid over it in memory, and the
 * answers to "is there such a file". Reading is thread-safe once the overlay stands.
 */
#ifndef DOCS_TREE_H
#define DOCS_TREE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"

#define DOCS_MAX_FILE (1u << 30)

struct docs_overlay_file {
	struct fl_str text;
	bool deleted;
};

struct docs_tree {
	char *root; /* absolute or as given; without "/" at the end */
	int fd;
	bool kernel;	      /* it is a tree with documentation, whose pages belong together */
	bool is_linux;	      /* with what Linux has beside its pages: ABI files, MAINTAINERS */
	struct fl_str doc;    /* the folder of its pages, with its "/": "Documentation/" */
	struct fl_arena arena;
	struct fl_map overlay; /* path -> struct docs_overlay_file * */
	pthread_mutex_t lock;  /* of what follows */
	char **paths;	       /* every file, sorted; NULL until docs_tree_list() */
	size_t nr_paths;
};

/*
 * Opens the tree that @path lies in: the nearest directory upwards that has Documentation and
 * MAINTAINERS or Kbuild, else @path itself (its directory, where it is a file).
 * @ret_rel is @path within the tree, "" for the root.
 */
int docs_tree_open(struct docs_tree *t, const char *path, struct fl_buf *ret_rel);
void docs_tree_close(struct docs_tree *t);

/* The pages lie in @dir ("doc"), whatever was found. -ENOENT where there is no such folder. */
int docs_tree_doc_root(struct docs_tree *t, const char *dir);

/* The pages' folder without its "/". */
const char *docs_tree_doc_dir(const struct docs_tree *t);

/* @path lies in the pages' folder. */
bool docs_is_in_doc(const struct docs_tree *t, const char *path);

/* Lays @text over @path; @text is copied. A NULL p deletes. */
int docs_tree_put(struct docs_tree *t, struct fl_str path, struct fl_str text);

/* Lays @text over @path until it is forgotten; @path and @text are borrowed, and may be lent again. */
int docs_tree_lend(struct docs_tree *t, struct fl_str path, struct fl_str text);
void docs_tree_forget(struct docs_tree *t, struct fl_str path);

/* There is a file (no folder) of that name. */
bool docs_is_file(const struct docs_tree *t, const char *path);

/* The bytes of @path into @b (emptied first). -ENOENT, -EISDIR, -EFBIG, ... */
int docs_tree_read(const struct docs_tree *t, const char *path, struct fl_buf *b);

/* The same; where @dir is not negative, @name is that file seen from it, which lists it as a file. */
int docs_tree_read_at(const struct docs_tree *t, const char *path, int dir, const char *name, struct fl_buf *b);

/* Resolves "//", "." and ".." by text; false where the path leaves the tree. */
bool docs_normalize(struct fl_str path, char *out, size_t size);

/* A file or directory of that name is there. "//", "." and ".." are understood. */
bool docs_tree_has(const struct docs_tree *t, struct fl_str path);

/* Some file or directory matches; as the shell's, "*" does not cross "/". */
bool docs_tree_glob(struct docs_tree *t, struct fl_str pattern);

/* Fills @paths: all files but hidden ones. Once only; further calls wait for the first. */
int docs_tree_list(struct docs_tree *t);

/* Index of the first path that is not less than @prefix; needs docs_tree_list(). */
size_t docs_tree_lower(const struct docs_tree *t, struct fl_str prefix);

/* What the path says of a file. */
bool docs_is_page(const char *path);
bool docs_is_abi(const char *path);
bool docs_is_c(const char *path);

#endif
