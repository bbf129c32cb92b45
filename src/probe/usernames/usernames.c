/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/usernames/usernames.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/util.h"
#include "elf/names.h"
#include "probe/usernames/execmaps.h"

#define FILES	  256 /* that are kept open */
#define PERF_MAPS 16  /* processes whose map is kept */
#define MAP_NAME  "/tmp/perf-" /* and a number: as the process sees it */
#define MAP_MAX	  (64u << 20)

struct mapped {
	uint32_t major, minor;
	uint64_t inode;
	struct fl_elf_file *file; /* NULL: it cannot be had */
};

/* What a compiler wrote of one process. */
struct perf_map {
	uint32_t tid;
	uint64_t size; /* of the file when it was read: it grows */
	struct fl_buf text;
};

struct fl_usernames {
	struct fl_elf_names *names;
	struct fl_execmaps *execmaps; /* NULL: the kernel does not tell */
	struct mapped files[FILES];
	size_t nr_files;
	struct perf_map maps[PERF_MAPS];
};

struct fl_usernames *fl_usernames_new(void)
{
	struct fl_usernames *n = calloc(1, sizeof(*n));

	if (n && fl_elf_names_open(&n->names) < 0) {
		free(n);
		return NULL;
	}
	if (n)
		n->execmaps = fl_execmaps_open();
	return n;
}

void fl_usernames_free(struct fl_usernames *n)
{
	if (!n)
		return;
	fl_elf_names_close(n->names);
	fl_execmaps_close(n->execmaps);
	for (size_t i = 0; i < PERF_MAPS; i++)
		fl_buf_fini(&n->maps[i].text);
	free(n);
}

/* ---- files ---- */

/* One path may be several files, in several namespaces: the inode tells them apart. */
static struct fl_elf_file *open_mapped(struct fl_usernames *n, uint32_t tid, const struct fl_mapping *m)
{
	_cleanup_buf_ struct fl_buf key = {};
	int fd = fl_mapping_open_fd((int)tid, m);

	if (fd < 0) /* it is gone, and its file is perhaps here: the inode tells */
		fd = fl_mapping_open_fd((int)getpid(), m);
	if (fd < 0)
		return NULL;
	fl_buf_addf(&key, "%.*s#%u:%u:%lu", FL_STR_ARG(m->path), m->major, m->minor, m->inode);
	if (key.error) {
		close(fd);
		return NULL;
	}
	return fl_elf_names_file_fd(n->names, fl_buf_str(&key), fd);
}

static struct fl_elf_file *file_of(struct fl_usernames *n, uint32_t tid, const struct fl_mapping *m)
{
	struct mapped *f;

	for (size_t i = 0; i < n->nr_files; i++) {
		f = &n->files[i];
		if (f->inode == m->inode && f->major == m->major && f->minor == m->minor)
			return f->file;
	}
	if (n->nr_files == FILES)
		return NULL;
	f = &n->files[n->nr_files++];
	*f = (struct mapped){ m->major, m->minor, m->inode, open_mapped(n, tid, m) };
	return f->file;
}

static bool by_file(struct fl_usernames *n, uint32_t tid, const struct fl_mapping *m, uint64_t addr, bool is_call,
		    struct fl_buf *out)
{
	struct fl_elf_file *file = file_of(n, tid, m);
	struct fl_elf_image *image = file ? fl_elf_file_image(file) : NULL;
	struct fl_elf_frame v[64], *f;
	uint64_t address;
	size_t got;

	if (!image || !fl_elf_offset_to_address(image, addr - m->start + m->offset - is_call, &address))
		return false;
	got = fl_elf_names_at(n->names, file, address, v, FL_ARRAY_SIZE(v));
	f = got ? &v[got - 1] : NULL; /* the others are inlined into it */
	if (!f || !f->function || !f->has_offset)
		return false;
	fl_buf_addf(out, "%s+0x%lx", f->function, f->offset + is_call);
	return true;
}

/* ---- maps of compilers ---- */

/* The number that the process has in its own namespace: the last of "NStgid: 4711 1". */
static bool own_number(uint32_t tid, struct fl_str *ret, struct fl_buf *text)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	struct fl_str rest, line, word;

	fl_buf_addf(&path, "/proc/%u/status", tid);
	if (fl_file_open(fl_buf_z(&path), 1 << 16, &f) < 0)
		return false; /* it is gone */
	for (rest = fl_file_str(&f); fl_str_line(&rest, &line);) {
		if (!fl_str_starts(line, "NStgid:"))
			continue;
		while (fl_str_word(&line, &word)) {
			fl_buf_reset(text);
			fl_buf_add_str(text, word);
		}
	}
	*ret = fl_buf_str(text);
	return text->len;
}

static void read_map(struct perf_map *p, uint32_t tid)
{
	_cleanup_buf_ struct fl_buf path = {}, number = {};
	_cleanup_file_ struct fl_file f = {};
	struct fl_str own;
	struct stat st;

	if (own_number(tid, &own, &number))
		fl_buf_addf(&path, "/proc/%u/root%s%.*s.map", tid, MAP_NAME, FL_STR_ARG(own));
	else
		fl_buf_addf(&path, MAP_NAME "%u.map", tid); /* of a process that has ended: the file is left */
	if (path.error || stat(fl_buf_z(&path), &st) < 0 || (p->tid == tid && p->size == (uint64_t)st.st_size))
		return;
	p->tid = tid;
	p->size = (uint64_t)st.st_size;
	fl_buf_reset(&p->text);
	if (fl_file_open(fl_buf_z(&path), MAP_MAX, &f) == 0)
		fl_buf_add_str(&p->text, fl_file_str(&f));
}

/* "START SIZE NAME", the last that holds the address: code moves, and what is there now was written last. */
static bool find_in_map(const struct perf_map *p, uint64_t addr, bool is_call, struct fl_buf *out)
{
	struct fl_str rest = fl_buf_str(&p->text), line, start, size, name = {};
	uint64_t at, n, found = 0;

	addr -= is_call;
	while (fl_str_line(&rest, &line)) {
		if (!fl_str_word(&line, &start) || !fl_str_word(&line, &size) || fl_parse_u64(start, 16, &at) < 0 ||
		    fl_parse_u64(size, 16, &n) < 0 || addr < at || addr - at >= n)
			continue;
		name = fl_str_trim(line);
		found = at;
	}
	if (!name.n)
		return false;
	fl_buf_addf(out, "%.*s+0x%lx", FL_STR_ARG(name), addr - found + is_call);
	return true;
}

static bool by_map(struct fl_usernames *n, uint32_t tid, uint64_t addr, bool is_call, struct fl_buf *out)
{
	struct perf_map *p = &n->maps[tid % PERF_MAPS];

	if (p->tid == tid && find_in_map(p, addr, is_call, out))
		return true;
	if (p->tid != tid) {
		fl_buf_reset(&p->text);
		p->tid = 0;
		p->size = 0;
	}
	read_map(p, tid);
	return p->tid == tid && find_in_map(p, addr, is_call, out);
}

bool fl_usernames_text(void *names, uint32_t tid, const struct fl_mapping *m, uint64_t addr, bool is_call,
		       struct fl_buf *out)
{
	struct fl_usernames *n = names;

	if (fl_str_starts(m->path, "/") && m->inode)
		return by_file(n, tid, m, addr, is_call, out);
	return m->perms[2] == 'x' && by_map(n, tid, addr, is_call, out);
}

bool fl_usernames_build_id(void *names, uint32_t tid, const struct fl_mapping *m, struct fl_buf *out)
{
	struct fl_elf_file *file = fl_str_starts(m->path, "/") && m->inode ? file_of(names, tid, m) : NULL;
	struct fl_elf_image *image = file ? fl_elf_file_image(file) : NULL;
	struct fl_str id = image ? fl_elf_build_id(image) : (struct fl_str){};

	fl_buf_add_hex_bytes(out, id);
	return id.n;
}

bool fl_usernames_mapping(void *names, uint32_t tid, uint64_t time, uint64_t addr, struct fl_mapping *ret)
{
	struct fl_usernames *n = names;

	return fl_execmaps_find(n->execmaps, tid, time, addr, ret);
}

void fl_usernames_idle(struct fl_usernames *n)
{
	if (n)
		fl_execmaps_drain(n->execmaps);
}
