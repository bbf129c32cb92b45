/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/bundle/bundle.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/util.h"
#include "elf/image.h"
#include "probe/bundle/tar.h"

#define NOTES	    "/sys/kernel/notes"
#define TYPES	    "/sys/kernel/btf"
#define MAX_NOTES   65536
#define MAX_KERNELS 4096
#define MAX_MODULES 4096

struct fl_bundle {
	struct fl_str definitions;
	struct fl_bundle_kernel *kernels;
	struct fl_str *keys;
	size_t n;
};

/* ---- which kernel it is ---- */

static void set_text(char *to, size_t size, struct fl_str s)
{
	size_t n = FL_MIN(s.n, size - 1);

	memcpy(to, s.p, n);
	to[n] = '\0';
}

static void set_build_id(struct fl_kernel_id *id, struct fl_str bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = FL_MIN(bytes.n, sizeof(id->build_id) / 2);

	for (size_t i = 0; i < n; i++) {
		id->build_id[2 * i] = digits[(uint8_t)bytes.p[i] >> 4];
		id->build_id[2 * i + 1] = digits[(uint8_t)bytes.p[i] & 15];
	}
	id->build_id[2 * n] = '\0';
}

/* The GNU note among those of an ELF section. */
static struct fl_str find_note(struct fl_str notes)
{
	struct fl_reader r = { .p = (const uint8_t *)notes.p, .size = notes.n };

	while (r.pos < r.size && !r.overrun) {
		const uint8_t *h = fl_reader_take(&r, sizeof(Elf64_Nhdr)), *name, *desc;
		Elf64_Nhdr note;

		if (!h)
			break;
		memcpy(&note, h, sizeof(note));
		name = fl_reader_take(&r, ((size_t)note.n_namesz + 3) & ~(size_t)3);
		desc = fl_reader_take(&r, ((size_t)note.n_descsz + 3) & ~(size_t)3);
		if (name && desc && note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(name, "GNU", 4))
			return fl_str_n((const char *)desc, note.n_descsz);
	}
	return FL_STR("");
}

void fl_kernel_id_running(struct fl_kernel_id *ret)
{
	_cleanup_file_ struct fl_file f = {};
	struct utsname u;

	*ret = (struct fl_kernel_id){};
	if (uname(&u) == 0)
		set_text(ret->release, sizeof(ret->release), fl_str(u.release));
	if (fl_file_open(NOTES, MAX_NOTES, &f) == 0)
		set_build_id(ret, find_note(fl_file_str(&f)));
}

/* Its banner, as it stands in the kernel's own memory. */
static void find_release(const struct fl_elf_image *image, struct fl_kernel_id *ret)
{
	static const char banner[] = "Linux version ";
	const char *end = (const char *)image->file.data + image->file.size;
	const char *p = memmem(image->file.data, image->file.size, banner, strlen(banner));
	struct fl_str rest, word;

	if (!p)
		return;
	p += strlen(banner);
	rest = fl_str_n(p, FL_MIN((size_t)(end - p), sizeof(ret->release)));
	if (fl_str_word(&rest, &word))
		set_text(ret->release, sizeof(ret->release), word);
}

/* A file by its own name, a folder by its last part. */
static struct fl_str name_of(const char *path)
{
	struct fl_str s = fl_str(path), name;

	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	name = fl_str_base_name(s);
	if (fl_str_ends(name, ".btf"))
		name.n -= strlen(".btf");
	return name;
}

static bool is_running(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);

	return real && (strcmp(real, TYPES) == 0 || strcmp(real, TYPES "/vmlinux") == 0);
}

static int open_image(const char *path, struct fl_elf_image *ret)
{
	_cleanup_buf_ struct fl_buf inner = {};
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return fl_elf_image_open(path, ret);
	fl_buf_addf(&inner, "%s/vmlinux", path);
	return inner.error ? inner.error : fl_elf_image_open(fl_buf_z(&inner), ret);
}

int fl_kernel_id_file(const char *path, struct fl_str name, struct fl_kernel_id *ret)
{
	struct fl_elf_image image = {};
	struct fl_kernel_id id = {};
	int r = open_image(path, &image);

	if (r == 0) {
		set_build_id(&id, fl_elf_build_id(&image));
		find_release(&image, &id);
		fl_elf_image_close(&image);
	} else if (r != -EINVAL) {
		return r;
	}
	if (name.n) {
		set_text(id.release, sizeof(id.release), name);
	} else if (is_running(path)) {
		fl_kernel_id_running(&id);
	} else if (!id.build_id[0] && !id.release[0]) {
		set_text(id.release, sizeof(id.release), name_of(path));
	}
	*ret = id;
	return 0;
}

void fl_kernel_id_print(const struct fl_kernel_id *id, struct fl_buf *out)
{
	fl_buf_addz(out, id->release[0] ? id->release : "a kernel");
	if (id->build_id[0])
		fl_buf_addf(out, " (build-id %s)", id->build_id);
}

/* ---- reading ---- */

static struct fl_bundle_kernel *kernel_of(struct fl_bundle *b, struct fl_str key)
{
	struct fl_bundle_kernel *v;
	struct fl_str *keys;

	for (size_t i = 0; i < b->n; i++)
		if (fl_str_eq(b->keys[i], key))
			return &b->kernels[i];
	v = b->n < MAX_KERNELS ? reallocarray(b->kernels, b->n + 1, sizeof(*v)) : NULL;
	if (!v)
		return NULL;
	b->kernels = v;
	keys = reallocarray(b->keys, b->n + 1, sizeof(*keys));
	if (!keys)
		return NULL;
	b->keys = keys;
	keys[b->n] = key;
	v[b->n] = (struct fl_bundle_kernel){ .btf = FL_STR("") };
	return &v[b->n++];
}

static int read_id(struct fl_str text, struct fl_kernel_id *id)
{
	struct fl_str line;

	while (fl_str_line(&text, &line)) {
		if (fl_str_starts(line, "build-id "))
			set_text(id->build_id, sizeof(id->build_id), fl_str_from(line, strlen("build-id ")));
		else if (fl_str_starts(line, "release "))
			set_text(id->release, sizeof(id->release), fl_str_from(line, strlen("release ")));
	}
	return id->build_id[0] || id->release[0] ? 0 : -EINVAL;
}

static int add_module(struct fl_bundle_kernel *k, struct fl_str name, struct fl_str btf)
{
	struct fl_bundle_module *v;

	if (!name.n || name.n >= sizeof(v->name))
		return -EINVAL;
	v = k->nr_modules < MAX_MODULES ? reallocarray(k->modules, k->nr_modules + 1, sizeof(*v)) : NULL;
	if (!v)
		return -ENOMEM;
	k->modules = v;
	v += k->nr_modules++;
	v->btf = btf;
	set_text(v->name, sizeof(v->name), name);
	return 0;
}

/* "kernels/KEY/FILE"; what a later version puts beside these is passed over. */
static int take_file(struct fl_bundle *b, struct fl_str name, struct fl_str content)
{
	struct fl_str rest = fl_str_from(name, strlen("kernels/")), key, file;
	struct fl_bundle_kernel *k;
	size_t slash;

	if (fl_str_is(name, "definitions")) {
		b->definitions = content;
		return 0;
	}
	if (!fl_str_starts(name, "kernels/"))
		return 0;
	slash = fl_str_find(rest, '/', 0);
	key = fl_str_sub(rest, 0, slash);
	file = fl_str_from(rest, slash + 1);
	k = kernel_of(b, key);
	if (!k)
		return -ENOMEM;
	if (fl_str_is(file, "btf"))
		k->btf = content;
	else if (fl_str_starts(file, "modules/"))
		return add_module(k, fl_str_from(file, strlen("modules/")), content);
	return fl_str_is(file, "id") ? read_id(content, &k->id) : 0;
}

int fl_bundle_read(struct fl_str bytes, struct fl_bundle **ret)
{
	struct fl_bundle *b = calloc(1, sizeof(*b));
	struct fl_str name, content;
	int r = b ? 1 : -ENOMEM;

	while (r > 0) {
		r = fl_tar_next(&bytes, &name, &content);
		if (r > 0)
			r = take_file(b, name, content) ?: 1;
	}
	for (size_t i = 0; r == 0 && i < b->n; i++)
		if (!b->kernels[i].btf.n || (!b->kernels[i].id.build_id[0] && !b->kernels[i].id.release[0]))
			r = -EINVAL;
	if (r == 0 && (!b->definitions.p || !b->n))
		r = -EINVAL;
	if (r < 0) {
		fl_bundle_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void fl_bundle_free(struct fl_bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		free(b->kernels[i].modules);
	free(b->kernels);
	free(b->keys);
	free(b);
}

struct fl_str fl_bundle_definitions(const struct fl_bundle *b)
{
	return b->definitions;
}

size_t fl_bundle_nr_kernels(const struct fl_bundle *b)
{
	return b->n;
}

const struct fl_bundle_kernel *fl_bundle_kernel(const struct fl_bundle *b, size_t i)
{
	return &b->kernels[i];
}

const struct fl_bundle_kernel *fl_bundle_find(const struct fl_bundle *b, const struct fl_kernel_id *id)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct fl_kernel_id *k = &b->kernels[i].id;

		if (k->build_id[0] ? strcmp(k->build_id, id->build_id) == 0 : strcmp(k->release, id->release) == 0)
			return &b->kernels[i];
	}
	return NULL;
}

/* Another target asks, since one that was told of none does not ask again. */
static bool has_own(void)
{
	_cleanup_target_ struct fl_target *t = NULL;
	struct fl_btf *btf;

	return fl_target_open(&(struct fl_target_opts){}, &t) == 0 && fl_target_btf(t, &btf) == 0;
}

/* The first is vmlinux's, from which the others go on. */
static int lend(struct fl_target *t, struct fl_str bytes, struct fl_btf *base, const char *name, struct fl_diag *diag,
		struct fl_btf **ret)
{
	int r = fl_btf_from_bytes(bytes.p, bytes.n, base, name, diag, ret);

	if (r < 0)
		return r;
	r = fl_target_lend_btf(t, *ret);
	if (r < 0)
		fl_btf_close(*ret);
	return r;
}

int fl_bundle_lend(const struct fl_bundle *b, struct fl_target *t, struct fl_diag *diag)
{
	const struct fl_bundle_kernel *k;
	struct fl_btf *vmlinux, *module;
	struct fl_kernel_id id;
	int r;

	if (has_own())
		return 1;
	fl_kernel_id_running(&id);
	k = fl_bundle_find(b, &id);
	if (!k)
		return -ENOENT;
	r = lend(t, k->btf, NULL, "vmlinux", diag, &vmlinux);
	for (size_t i = 0; i < k->nr_modules && r == 0; i++)
		r = lend(t, k->modules[i].btf, vmlinux, k->modules[i].name, diag, &module);
	return r;
}
