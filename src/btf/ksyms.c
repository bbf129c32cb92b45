/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over the text notes a row a symbol; names stay where they are. What look-ups need beyond
 * that (chains by name, an order by address) is made when the first of its kind comes, since most
 * programs ask for a symbol or two and the text of 120,000 lines is read for that anyway.
 *
 * Sizes are not in the text. The kernel counts a symbol up to the next higher address of its own
 * part: the kernel's symbols among themselves, each module's among themselves.
 */
#include "btf/ksyms.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "base/num.h"
#include "base/util.h"
#include "btf/errors.h"

#define MAX_FILE (1u << 30)

struct row {
	uint64_t addr;
	uint32_t name; /* offset in the text; the module stands at name + name_len + 2 */
	uint16_t name_len;
	uint8_t module_len;
	char type;
};

struct fl_ksyms {
	struct fl_file file;
	struct fl_str text;
	struct row *rows;
	uint32_t nr_rows, cap;
	bool hidden;
	bool ascending; /* the kernel's own symbols are: then a size is found by looking forward */

	uint32_t *heads, *next, mask; /* chains by name; row + 1, ascending, 0 ends */
	uint32_t *by_addr;	      /* rows, stable */
	uint32_t *modules, nr_modules; /* a row of each run of a module's symbols */
};

static struct fl_str row_name(const struct fl_ksyms *k, const struct row *r)
{
	return fl_str_n(k->text.p + r->name, r->name_len);
}

static struct fl_str row_module(const struct fl_ksyms *k, const struct row *r)
{
	return fl_str_n(k->text.p + r->name + r->name_len + 2, r->module_len);
}

static int add_row(struct fl_ksyms *k, const struct row *row)
{
	if (k->nr_rows == k->cap) {
		uint32_t cap = k->cap ? k->cap * 2 : 1024;
		struct row *rows = cap > k->cap ? reallocarray(k->rows, cap, sizeof(*rows)) : NULL;

		if (!rows)
			return -ENOMEM;
		k->rows = rows;
		k->cap = cap;
	}
	k->rows[k->nr_rows++] = *row;
	return 0;
}

/* By hand: this runs once a line, and the text has no other form. */
static size_t hex_prefix(struct fl_str s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < s.n && n < 16; n++) {
		unsigned int c = (unsigned char)s.p[n], digit = c - '0';

		if (digit > 9) {
			digit = (c | 0x20) - 'a';
			if (digit > 5)
				break;
			digit += 10;
		}
		v = v << 4 | digit;
	}
	*ret = v;
	return n;
}

/* "ffffffff81000000 T _text", then perhaps "\t[module]" */
static int parse_line(struct fl_ksyms *k, const struct fl_line *line, struct fl_diag *diag)
{
	struct fl_str s = line->text, name, module = {};
	struct row row = {};
	size_t n, blank;

	n = hex_prefix(s, &row.addr);
	if (!n || s.n < n + 3 || s.p[n] != ' ' || s.p[n + 2] != ' ')
		return fl_fail_at_line(diag, &fl_btf_errors[FL_E_KSYMS_LINE], line, s);
	row.type = s.p[n + 1];
	name = fl_str_from(s, n + 3);
	blank = fl_str_find(name, '\t', 0);
	if (blank == name.n)
		blank = fl_str_find(name, ' ', 0);
	if (blank < name.n) {
		module = fl_str_from(name, blank + 1);
		if (module.n < 3 || module.p[0] != '[' || module.p[module.n - 1] != ']' ||
		    module.n - 2 > UINT8_MAX)
			return fl_fail_at_line(diag, &fl_btf_errors[FL_E_KSYMS_LINE], line, module);
		row.module_len = module.n - 2;
		name.n = blank;
	}
	if (!name.n || name.n > UINT16_MAX)
		return fl_fail_at_line(diag, &fl_btf_errors[FL_E_KSYMS_LINE], line, name);
	row.name = name.p - k->text.p;
	row.name_len = name.n;
	return add_row(k, &row);
}

static int note_module(struct fl_ksyms *k, uint32_t row)
{
	uint32_t *modules = k->modules;

	if (k->nr_modules % 64 == 0)
		modules = reallocarray(k->modules, k->nr_modules + 64, sizeof(*modules));
	if (!modules)
		return -ENOMEM;
	k->modules = modules;
	k->modules[k->nr_modules++] = row;
	return 0;
}

/* What the whole says: whether addresses are there, and in which order. */
static int survey(struct fl_ksyms *k)
{
	const struct row *before = NULL;
	uint64_t last = 0;

	k->hidden = k->ascending = true;
	for (uint32_t i = 0; i < k->nr_rows; i++) {
		const struct row *r = &k->rows[i];

		k->hidden = k->hidden && !r->addr;
		if (r->module_len && (!before || !fl_str_eq(row_module(k, before), row_module(k, r))) &&
		    note_module(k, i) < 0)
			return -ENOMEM;
		before = r->module_len ? r : before;
		if (r->module_len)
			continue;
		k->ascending = k->ascending && r->addr >= last;
		last = r->addr;
	}
	return 0;
}

static int parse(struct fl_ksyms *k, const char *place, struct fl_diag *diag)
{
	struct fl_str rest = k->text;
	struct fl_line line = { .place = place };
	int r;

	if (rest.n > UINT32_MAX)
		return -EFBIG;
	while (fl_str_line(&rest, &line.text)) {
		line.number++;
		r = parse_line(k, &line, diag);
		if (r < 0)
			return r;
	}
	if (!k->nr_rows)
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_KSYMS_EMPTY], place, "there are no symbols");
	return survey(k);
}

int fl_ksyms_from_text(struct fl_str text, const char *place, struct fl_diag *diag,
		       struct fl_ksyms **ret)
{
	_cleanup_ksyms_ struct fl_ksyms *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->text = text;
	r = parse(k, place, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(k);
	return 0;
}

int fl_ksyms_open(const char *path, struct fl_diag *diag, struct fl_ksyms **ret)
{
	_cleanup_ksyms_ struct fl_ksyms *k = NULL;
	_cleanup_file_ struct fl_file file = {};
	int r;

	r = fl_file_open(path, MAX_FILE, &file);
	if (r < 0) {
		fl_fail_open(diag, path, -r);
		return r;
	}
	r = fl_ksyms_from_text(fl_file_str(&file), path, diag, &k);
	if (r < 0) {
		/* The line that is shown goes with the file. */
		if (diag)
			diag->text = NULL;
		return r;
	}
	k->file = file;
	file = (struct fl_file){};
	*ret = TAKE_PTR(k);
	return 0;
}

void fl_ksyms_close(struct fl_ksyms *k)
{
	if (!k)
		return;
	free(k->rows);
	free(k->heads);
	free(k->next);
	free(k->by_addr);
	free(k->modules);
	fl_file_close(&k->file);
	free(k);
}

bool fl_ksyms_has_module(const struct fl_ksyms *k, struct fl_str module)
{
	for (uint32_t i = 0; i < k->nr_modules; i++) {
		if (fl_str_eq(row_module(k, &k->rows[k->modules[i]]), module))
			return true;
	}
	return false;
}

size_t fl_ksyms_count(const struct fl_ksyms *k)
{
	return k->nr_rows;
}

bool fl_ksyms_hidden(const struct fl_ksyms *k)
{
	return k->hidden;
}

static uint64_t size_of(const struct fl_ksyms *k, const struct row *row)
{
	bool forward = k->ascending && !row->module_len;
	const struct row *from = forward ? row : k->rows, *end = k->rows + k->nr_rows;
	struct fl_str module = row_module(k, row);
	uint64_t next = 0;

	if (k->hidden)
		return 0;
	for (const struct row *r = from; r < end; r++) {
		if (r->addr <= row->addr || (next && r->addr >= next))
			continue;
		if (r->module_len != module.n || !fl_str_eq(row_module(k, r), module))
			continue;
		next = r->addr;
		if (forward)
			break;
	}
	return next ? next - row->addr : 0;
}

static void fill_but_size(const struct fl_ksyms *k, const struct row *r, struct fl_ksym *ret)
{
	*ret = (struct fl_ksym){
		.name = row_name(k, r),
		.module = row_module(k, r),
		.addr = r->addr,
		.type = r->type,
	};
}

static void fill_symbol(const struct fl_ksyms *k, const struct row *r, struct fl_ksym *ret)
{
	fill_but_size(k, r, ret);
	ret->size = size_of(k, r);
}

/* Without memory for it, look-ups go over all rows. */
static void build_chains(struct fl_ksyms *k)
{
	uint32_t size = 16;

	while (size < k->nr_rows && size < 1u << 31)
		size *= 2;
	k->heads = calloc(size, sizeof(*k->heads));
	k->next = calloc(k->nr_rows, sizeof(*k->next));
	if (!k->heads || !k->next) {
		free(k->heads);
		free(k->next);
		k->heads = k->next = NULL;
		return;
	}
	k->mask = size - 1;
	for (uint32_t i = k->nr_rows; i-- > 0;) {
		uint32_t *head = &k->heads[fl_hash(row_name(k, &k->rows[i])) & k->mask];

		k->next[i] = *head;
		*head = i + 1;
	}
}

static bool is_func(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

/* What a find is after. */
struct wanted {
	struct fl_str name, module;
	bool any_module, func;
};

/* "MODULE:NAME", or a name alone. */
static struct wanted make_wanted(struct fl_str name, bool func)
{
	size_t colon = fl_str_find(name, ':', 0);
	struct wanted w = { .name = name, .any_module = colon == name.n, .func = func };

	if (w.any_module)
		return w;
	w.module = fl_str_sub(name, 0, colon);
	w.name = fl_str_from(name, colon + 1);
	if (fl_str_is(w.module, "vmlinux"))
		w.module = FL_STR("");
	return w;
}

static bool matches(const struct fl_ksyms *k, const struct row *r, const struct wanted *w)
{
	return fl_str_eq(row_name(k, r), w->name) && (!w->func || is_func(r->type)) &&
	       (w->any_module || fl_str_eq(row_module(k, r), w->module));
}

static size_t find_rows(const struct fl_ksyms *k, const struct wanted *w, struct fl_ksym *ret, size_t max)
{
	size_t n = 0;

	if (!k->heads)
		build_chains((struct fl_ksyms *)k); /* no part of what it stands for */
	if (!k->heads) {
		for (uint32_t i = 0; i < k->nr_rows; i++)
			if (matches(k, &k->rows[i], w) && n++ < max)
				fill_symbol(k, &k->rows[i], &ret[n - 1]);
		return n;
	}
	for (uint32_t i = k->heads[fl_hash(w->name) & k->mask]; i; i = k->next[i - 1])
		if (matches(k, &k->rows[i - 1], w) && n++ < max)
			fill_symbol(k, &k->rows[i - 1], &ret[n - 1]);
	return n;
}

size_t fl_ksyms_find(const struct fl_ksyms *k, struct fl_str name, struct fl_ksym *ret, size_t max)
{
	struct wanted w = make_wanted(name, false);

	return find_rows(k, &w, ret, max);
}

size_t fl_ksyms_find_func(const struct fl_ksyms *k, struct fl_str name, struct fl_ksym *ret, size_t max)
{
	struct wanted w = make_wanted(name, true);

	return find_rows(k, &w, ret, max);
}

static int compare_addr(const void *a, const void *b, void *ctx)
{
	const struct row *rows = ctx;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	if (rows[i].addr != rows[j].addr)
		return rows[i].addr < rows[j].addr ? -1 : 1;
	return i < j ? -1 : i > j;
}

static int build_order(struct fl_ksyms *k)
{
	k->by_addr = malloc(k->nr_rows * sizeof(*k->by_addr));
	if (!k->by_addr)
		return -ENOMEM;
	for (uint32_t i = 0; i < k->nr_rows; i++)
		k->by_addr[i] = i;
	qsort_r(k->by_addr, k->nr_rows, sizeof(*k->by_addr), compare_addr, k->rows);
	return 0;
}

/*
 * Where kernels have the upper half, what is below it are offsets in per-CPU data. A kernel of 32 bits, or of
 * s390x, has nothing there.
 */
static bool is_offset(const struct fl_ksyms *k, uint64_t addr)
{
	return !(addr >> 63) && k->rows[k->by_addr[k->nr_rows - 1]].addr >> 63;
}

/* Of several symbols at one address the first is shown, as the kernel does. */
int fl_ksyms_at(const struct fl_ksyms *k, uint64_t addr, struct fl_ksym *ret)
{
	uint32_t lo = 0, hi = k->nr_rows;
	const struct row *row;

	if (k->hidden || (!k->by_addr && build_order((struct fl_ksyms *)k) < 0))
		return -ENOENT;
	while (lo < hi) { /* the first above @addr */
		uint32_t mid = lo + (hi - lo) / 2;

		if (k->rows[k->by_addr[mid]].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return -ENOENT;
	row = &k->rows[k->by_addr[lo - 1]];
	if (is_offset(k, row->addr))
		return -ENOENT;
	for (; lo > 1 && k->rows[k->by_addr[lo - 2]].addr == row->addr; lo--)
		;
	fill_symbol(k, &k->rows[k->by_addr[lo - 1]], ret);
	return 0;
}

int fl_ksyms_each(const struct fl_ksyms *k, struct fl_str glob,
		  int (*fn)(void *ctx, const struct fl_ksym *sym), void *ctx)
{
	int r = 0;

	for (uint32_t i = 0; i < k->nr_rows && !r; i++) {
		struct fl_ksym sym;

		if (!fl_str_glob(glob, row_name(k, &k->rows[i])))
			continue;
		fill_but_size(k, &k->rows[i], &sym);
		r = fn(ctx, &sym);
	}
	return r;
}

size_t fl_ksyms_variants(const struct fl_ksyms *k, struct fl_str name, struct fl_ksym *ret, size_t max)
{
	static const char *const marks[] = { ".isra.", ".part.", ".constprop.", ".cold", ".llvm." };
	size_t n = 0;

	for (uint32_t i = 0; i < k->nr_rows; i++) {
		struct fl_str have = row_name(k, &k->rows[i]), tail = fl_str_from(have, name.n);
		bool hit = false;

		if (tail.n < 2 || tail.p[0] != '.' || !fl_str_eq(fl_str_sub(have, 0, name.n), name))
			continue;
		for (size_t m = 0; m < FL_ARRAY_SIZE(marks) && !hit; m++)
			hit = fl_str_starts(tail, marks[m]);
		if (hit && n++ < max)
			fill_symbol(k, &k->rows[i], &ret[n - 1]);
	}
	return n;
}

/* Where a module ends is not in the list; no symbol of one is as large as the room behind the last. */
#define MODULE_SYMBOL_MAX (1u << 20)

int fl_ksyms_kernel_at(const struct fl_ksyms *k, uint64_t addr, struct fl_ksym *ret)
{
	struct fl_ksym end;

	/* per-CPU symbols are low, and are no addresses */
	if (addr >> 63 == 0 || fl_ksyms_at(k, addr, ret) < 0 || ret->addr >> 63 == 0)
		return -ENOENT;
	if (ret->module.n)
		return addr - ret->addr < MODULE_SYMBOL_MAX ? 0 : -ENOENT;
	/* Whatever lies in a symbol of known size is the kernel's; beyond the last one, it is not. */
	if (ret->addr != addr && fl_ksyms_find(k, FL_STR("_end"), &end, 1) &&
	    addr >= end.addr)
		return -ENOENT;
	return 0;
}

void fl_ksym_text(const struct fl_ksym *sym, uint64_t offset, bool name_only, struct fl_buf *out)
{
	fl_buf_add_str(out, sym->name);
	if (!name_only && sym->size)
		fl_buf_addf(out, "+0x%llx/0x%llx", (unsigned long long)offset, (unsigned long long)sym->size);
	else if (!name_only)
		fl_buf_addf(out, "+0x%llx", (unsigned long long)offset);
	if (sym->module.n)
		fl_buf_addf(out, " [%.*s]", FL_STR_ARG(sym->module));
}
