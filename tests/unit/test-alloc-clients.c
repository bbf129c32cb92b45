/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clients of /proc/allocinfo that know nothing of this project: they are written from the facts
 * of the interface alone - request numbers, and fields by their offsets in bytes - one for the
 * merged shape and one for the posted v6 after its third patch. What they read must be what the
 * text says, line for line, which a third, sscanf()-shaped reader takes apart.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc/sources/client.h"
#include "alloc/procfs/registry.h"
#include "alloc/sources/source.h"
#include "alloc/procfs/allocinfo.h"
#include "base/util.h"

#define LIMIT 4000

struct line {
	char text[600];
};

struct shape {
	unsigned long get_at, get_next, content_id;
	size_t args_size, data_at, min_at, max_at;
	uint64_t min_bit, max_bit;
};

static const struct shape merged = {
	.get_at = 0xC1D0A601, .get_next = 0x80E0A602, .content_id = 0x8008A600,
	.args_size = 464, .data_at = 240, .min_at = 208 + 8, .max_at = 216 + 8,
	.min_bit = 0x20, .max_bit = 0x40,
};

static const struct shape v6 = {
	.get_at = 0xC1C8A601, .get_next = 0x80E0A602, .content_id = 0x8008A600,
	.args_size = 456, .data_at = 232, .min_at = 208 + 8, .max_at = 216 + 8,
	.min_bit = 0x10, .max_bit = 0x20,
};

static uint64_t u64_at(const unsigned char *p, size_t at)
{
	uint64_t v;

	memcpy(&v, p + at, 8);
	return v;
}

static void put_u64(unsigned char *p, size_t at, uint64_t v)
{
	memcpy(p + at, &v, 8);
}

/* A tag's 224 bytes in the form of the reader below. */
static void describe(const unsigned char *d, struct line *l)
{
	snprintf(l->text, sizeof(l->text), "%lld %llu %s:%llu [%s] %s %d",
		 (long long)u64_at(d, 200), (unsigned long long)u64_at(d, 208), d + 128,
		 (unsigned long long)u64_at(d, 192), d, d + 64, d[216]);
}

/* The loop that the interface asks for: id, GET_AT, GET_NEXT until ENOENT, id. */
static size_t client(struct fl_open *f, const struct shape *s, uint64_t mask, uint64_t min,
		     uint64_t max, struct line *out)
{
	unsigned char args[512] = {}, data[224], before[8], after[8];
	size_t n = 0;
	long r;

	assert_int_equal(fl_vfs_ioctl(f, s->content_id, before), 0);
	put_u64(args, 8, mask);
	put_u64(args, s->min_at, min);
	put_u64(args, s->max_at, max);
	for (r = fl_vfs_ioctl(f, s->get_at, args); r == 0; r = fl_vfs_ioctl(f, s->get_next, data)) {
		if (n == 0)
			memcpy(data, args + s->data_at, sizeof(data));
		assert_true(n < LIMIT);
		describe(data, &out[n++]);
	}
	assert_int_equal(r, -ENOENT);
	assert_int_equal(fl_vfs_ioctl(f, s->content_id, after), 0);
	assert_memory_equal(before, after, 8);
	return n;
}

static char *whole_text(struct fl_open *f)
{
	char *text = calloc(1, LIMIT * 150);
	size_t at = 0;
	ssize_t n;

	while ((n = fl_vfs_read(f, text + at, 65536, at)) > 0) {
		assert_true(n < 4096); /* one page of whole lines, whatever is asked for */
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	return text;
}

/* The text in the same form; @min and @max as the size filter is described. */
static size_t text_reader(struct fl_open *f, uint64_t min, uint64_t max, struct line *out)
{
	char *text = whole_text(f), *save = NULL;
	size_t n = 0;

	assert_int_equal(strncmp(text, "allocinfo - version: 2.0\n#", 26), 0);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char file[200], module[100] = "", function[100], accurate[30] = "";
		unsigned long long line, calls;
		long long bytes;

		if (l[0] == 'a' || l[0] == '#')
			continue;
		if (sscanf(l, "%lld %llu %199[^:]:%llu [%99[^]]] func:%99s %29s", &bytes, &calls,
			   file, &line, module, function, accurate) < 6) {
			module[0] = '\0';
			assert_true(sscanf(l, "%lld %llu %199[^:]:%llu func:%99s %29s", &bytes,
					   &calls, file, &line, function, accurate) >= 5);
		}
		if ((uint64_t)bytes < min || (uint64_t)bytes > max)
			continue;
		snprintf(out[n++].text, sizeof(out->text), "%lld %llu %s:%llu [%s] %s %d", bytes,
			 calls, file, line, module, function, strcmp(accurate, "accurate:no") != 0);
	}
	free(text);
	return n;
}

static struct fl_tag_entry core[300], ext4[2000];

static void fill(struct fl_tag_entry *v, size_t n, const char *module, const char *file)
{
	static char functions[3000][16];
	static size_t used;

	for (size_t i = 0; i < n; i++) {
		snprintf(functions[used], sizeof(functions[used]), "fn_%zu", used);
		v[i].tag = (struct fl_tag){ module, functions[used++], file, i + 1, i % 97 == 0 };
		v[i].counters.bytes = i % 50 == 49 ? (uint64_t)-8 : i * i * 37 % 100000;
		v[i].counters.calls = i % 13;
	}
}

static void clients_read_what_the_text_says(void **state)
{
	static const struct {
		bool has_min, has_max;
		uint64_t min, max;
	} ranges[] = {
		{ false, false, 0, UINT64_MAX }, { true, false, 50000, UINT64_MAX },
		{ false, true, 0, 37 },		 { true, true, 37, 99998 },
		{ true, true, 148, 148 },	 { true, false, UINT64_MAX, UINT64_MAX },
	};
	struct line *a = calloc(LIMIT, sizeof(*a)), *b = calloc(LIMIT, sizeof(*b));
	struct fl_tag_registry reg = {};
	struct fl_node *node;
	struct fl_open *f;
	uint64_t id;

	fl_tag_registry_init(&reg);
	fill(core, 300, NULL, "mm/slub.c");
	fill(ext4, 2000, "ext4", "fs/ext4/super.c");
	assert_int_equal(fl_tag_registry_load(&reg, core, 300, &id), 0);
	assert_int_equal(fl_tag_registry_load(&reg, ext4, 2000, &id), 0);
	node = fl_allocinfo_node(&reg.space);
	assert_int_equal(fl_vfs_open(node, 0, &f), 0);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		size_t expected = text_reader(f, ranges[i].min, ranges[i].max, b);

		for (int old = 0; old < 2; old++) {
			const struct shape *s = old ? &v6 : &merged;
			uint64_t mask = (ranges[i].has_min ? s->min_bit : 0) |
					(ranges[i].has_max ? s->max_bit : 0);
			size_t n = client(f, s, mask, ranges[i].min, ranges[i].max, a);

			assert_int_equal(n, expected);
			for (size_t j = 0; j < n; j++)
				assert_string_equal(a[j].text, b[j].text);
		}
	}
	fl_vfs_close(f);
	fl_node_unref(node);
	fl_tag_registry_fini(&reg);
	free(a);
	free(b);
}

/* However it is cut into reads, the text is the same; so is a read that jumps. */
static void text_does_not_depend_on_the_reads(void **state)
{
	static const size_t sizes[] = { 1, 7, 100, 4095, 4096, 5000 };
	struct fl_tag_registry reg = {};
	struct fl_node *node;
	struct fl_open *f;
	char *text, *other = calloc(1, LIMIT * 150);
	uint64_t id;

	fl_tag_registry_init(&reg);
	assert_int_equal(fl_tag_registry_load(&reg, ext4, 2000, &id), 0);
	node = fl_allocinfo_node(&reg.space);
	assert_int_equal(fl_vfs_open(node, 0, &f), 0);
	text = whole_text(f);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t at = 0;
		ssize_t n;

		while ((n = fl_vfs_read(f, other + at, sizes[i], at)) > 0)
			at += (size_t)n;
		assert_int_equal(at, strlen(text));
		assert_memory_equal(text, other, at);
	}
	assert_int_equal(fl_vfs_read(f, other, 50, 5000), 50);
	assert_memory_equal(other, text + 5000, 50);
	assert_int_equal(fl_vfs_read(f, other, 50, 1 << 30), 0);
	free(text);
	free(other);
	fl_vfs_close(f);
	fl_node_unref(node);
	fl_tag_registry_fini(&reg);
}

/* A kernel that knows one shape only, and one whose modules never hold still. */
struct kernel {
	struct fl_allocinfo_peer peer;
	struct fl_open *file;
	unsigned long get_at, get_next;
	unsigned int ids; /* how often the content id was asked for */
	unsigned int still_after; /* from that question on it stays the same */
};

static int kernel_request(struct fl_allocinfo_peer *peer, unsigned long request, void *arg)
{
	struct kernel *k = FL_CONTAINER_OF(peer, struct kernel, peer);

	if (request == 0x8008A600) {
		uint64_t id = ++k->ids < k->still_after ? k->ids : 0;

		memcpy(arg, &id, sizeof(id));
		return 0;
	}
	if (request != k->get_at && request != k->get_next)
		return -ENOTTY;
	return (int)fl_vfs_ioctl(k->file, request, arg);
}

static void our_client_finds_the_shape(void **state)
{
	static const unsigned long shapes[][2] = {
		{ 0xC1D0A601, 0x80E0A602 }, { 0xC1D8A601, 0x80E8A602 }, { 0xC1C8A601, 0x80E0A602 },
	};
	struct fl_alloc_filter f = { .mask = FL_ALLOCINFO_MIN_SIZE | FL_ALLOCINFO_MAX_SIZE |
					     FL_ALLOCINFO_INACCURATE,
				     .min_size = 37, .max_size = 99998 };
	struct fl_tag_registry reg = {};
	struct fl_node *node;
	size_t expected = 0;
	uint64_t id;

	fl_tag_registry_init(&reg);
	assert_int_equal(fl_tag_registry_load(&reg, ext4, 2000, &id), 0);
	for (size_t i = 0; i < 2000; i++)
		expected += !ext4[i].tag.inaccurate && ext4[i].counters.bytes >= 37 &&
			    ext4[i].counters.bytes <= 99998;
	node = fl_allocinfo_node(&reg.space);
	for (size_t i = 0; i < 4; i++) {
		struct kernel k = { { kernel_request, NULL }, NULL, i < 3 ? shapes[i][0] : 1,
				    i < 3 ? shapes[i][1] : 1, 0, 0 };
		struct fl_alloc_set set = {};

		assert_int_equal(fl_vfs_open(node, 0, &k.file), 0);
		assert_int_equal(fl_allocinfo_read(&k.peer, &f, &set), i < 3 ? 0 : -ENOTTY);
		assert_int_equal(set.n, i < 3 ? expected : 0);
		fl_alloc_set_fini(&set);
		fl_vfs_close(k.file);
	}
	fl_node_unref(node);
	fl_tag_registry_fini(&reg);
}

/* Read again while modules come and go, each set once; what never holds still is told to be torn. */
static void a_set_that_moves_is_read_again(void **state)
{
	struct fl_alloc_filter all = {};
	struct fl_tag_registry reg = {};
	struct fl_node *node;
	uint64_t id;

	fl_tag_registry_init(&reg);
	assert_int_equal(fl_tag_registry_load(&reg, core, 300, &id), 0);
	node = fl_allocinfo_node(&reg.space);
	for (unsigned int still = 4; still <= 1000; still += 996) {
		struct kernel k = { { kernel_request, NULL }, NULL, 0xC1D0A601, 0x80E0A602, 0, still };
		struct fl_alloc_set set = {};

		assert_int_equal(fl_vfs_open(node, 0, &k.file), 0);
		assert_int_equal(fl_allocinfo_read(&k.peer, &all, &set), 0);
		assert_int_equal(set.n, 300);
		assert_int_equal(set.torn, still == 1000);
		assert_int_equal(k.ids, still == 4 ? 6 : 20); /* twice a reading, ten readings at most */
		fl_alloc_set_fini(&set);
		fl_vfs_close(k.file);
	}
	fl_node_unref(node);
	fl_tag_registry_fini(&reg);
}

/*
 * A kernel's file that has no ioctl - any file is one - is read as text, and filtered here. It may go
 * while it is watched: the kernel takes it away when it has no more room for tags.
 */
static void a_file_without_requests_is_read_as_text(void **state)
{
	static const char text[] = "allocinfo - version: 1.0\n#     <size>  <calls> <tag info>\n"
				   "1 1 mm/a.c:1 func:f \nnonsense\n4096 2 mm/b.c:2 [m] func:g \n";
	struct fl_alloc_filter f = { .mask = FL_ALLOCINFO_MIN_SIZE, .min_size = 2 };
	struct fl_alloc_findings findings = {};
	struct fl_alloc_source *source;
	struct fl_alloc_set set = {};
	char path[] = "/tmp/foreland-test-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(fl_alloc_source_proc(path, &source), 0);
	assert_int_equal(fl_alloc_source_read(source, &f, &findings, &set), 0);
	assert_int_equal(set.n, 1);
	assert_int_equal(set.v[0].bytes, 4096);
	assert_true(fl_str_is(set.v[0].module, "m"));
	assert_int_equal(set.v[0].accurate, FL_ACCURATE_UNKNOWN);
	assert_int_equal(findings.errors, 1);
	assert_false(set.has_content_id);
	fl_alloc_set_fini(&set);
	unlink(path);
	assert_int_equal(fl_alloc_source_read(source, &f, &findings, &set), -ENOENT);
	assert_int_equal(set.n, 0);
	fl_alloc_source_close(source);
	assert_int_equal(fl_alloc_source_proc(path, &source), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_read_what_the_text_says),
		cmocka_unit_test(text_does_not_depend_on_the_reads),
		cmocka_unit_test(our_client_finds_the_shape),
		cmocka_unit_test(a_set_that_moves_is_read_again),
		cmocka_unit_test(a_file_without_requests_is_read_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
