// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the bytes come from, and what they are held to.
 *
 * A device's BARs are read with 32-bit loads only, through a read-only mapping of resourceN; regular
 * files, which tests and captures consist of, are read with pread(). The first word of each memory
 * BAR is looked at, as a host driver would; where it is the magic, the header and then the block are
 * read once, and everything further works on that copy.
 */
#include "epdma/inspect/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/num.h"
#include "base/util.h"
#include "epdma/metadata/metadata.h"
#include "epdma/metadata/reason.h"

/* ---- sources ---- */

/* Reads @n bytes (a multiple of 4) at the start of a BAR. */
typedef int (*bar_read_fn)(void *ctx, unsigned int bar, void *buf, size_t n);

/*
 * Word, header, block: each only if the one before allows it. Where the length field is rubbish the
 * header alone is kept, and the checks say so.
 */
static int read_block(struct fl_inspect_bar *b, unsigned int bar, bar_read_fn read, void *ctx)
{
	size_t n = sizeof(uint32_t), len;
	uint8_t hdr[FL_EPMD_HDR_LEN_A];
	int r = b->size < n ? -ENODATA : read(ctx, bar, hdr, n);

	if (!r && fl_get_le32(hdr) == FL_EPMD_MAGIC && b->size >= sizeof(hdr)) {
		n = sizeof(hdr);
		r = read(ctx, bar, hdr, n);
	}
	if (r)
		return r;
	len = n < sizeof(hdr) ? n : fl_epmd_get(hdr, 0, FL_MD_LEN);
	len = (len + 3) & ~(size_t)3;
	if (len < n || len > b->size)
		len = n;
	b->bytes = calloc(1, len);
	if (!b->bytes)
		return -ENOMEM;
	b->n = len;
	return read(ctx, bar, b->bytes, len);
}

static int read_blocks(struct fl_inspect *i, bar_read_fn read, void *ctx)
{
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		struct fl_inspect_bar *b = &i->bar[bar];
		int r;

		if (!b->mem || b->problem[0])
			continue;
		r = read_block(b, bar, read, ctx);
		if (r == -ENOMEM)
			return r;
		if (r) {
			b->n = 0;
			snprintf(b->problem, sizeof(b->problem), "cannot be read: %s", strerror(-r));
		}
	}
	return 0;
}

int fl_inspect_dump(const char *name, struct fl_str bytes, struct fl_inspect *ret)
{
	*ret = (struct fl_inspect){ .dump_n = bytes.n };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->dump = malloc(bytes.n + 1);
	if (!ret->dump)
		return -ENOMEM;
	memcpy(ret->dump, bytes.p, bytes.n);
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS; bar++)
		ret->bar[bar].size = FL_EPMD_BAR_UNKNOWN;
	return 0;
}

/* A line of "resource": start, end and flags in hexadecimal. Flags are <linux/ioport.h>'s. */
static int parse_resource(struct fl_str line, struct fl_inspect_bar *ret)
{
	const uint64_t mem = 0x200, unset = 0x20000000, disabled = 0x10000000;
	uint64_t v[3];

	for (unsigned int k = 0; k < 3; k++) {
		struct fl_str word;

		if (!fl_str_word(&line, &word) || fl_parse_u64(word, 0, &v[k]))
			return -EINVAL;
	}
	if (v[0] > v[1])
		return -EINVAL;
	if (!v[2] || !(v[2] & mem) || v[2] & (unset | disabled) || !v[0])
		return 0;
	if (__builtin_add_overflow(v[1] - v[0], 1, &ret->size))
		return -EINVAL;
	ret->addr = v[0];
	ret->mem = true;
	return 0;
}

static int read_resources(int dir, struct fl_inspect *i)
{
	_cleanup_file_ struct fl_file f = {};
	struct fl_str rest, line;
	int fd = openat(dir, "resource", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fl_file_open_fd(fd, 1 << 16, &f);

	if (fd >= 0)
		close(fd);
	rest = r ? FL_STR("") : fl_file_str(&f);
	for (unsigned int bar = 0; !r && bar < FL_EPDMA_NR_BARS; bar++)
		r = fl_str_line(&rest, &line) ? parse_resource(line, &i->bar[bar]) : -EINVAL;
	return r;
}

static void read_config(int dir, struct fl_inspect *i)
{
	_cleanup_close_ int fd = openat(dir, "config", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && i->config_n < sizeof(i->config) &&
	       (n = read(fd, i->config + i->config_n, sizeof(i->config) - i->config_n)) > 0)
		i->config_n += (size_t)n;
}

struct sysfs {
	int dir;
	const struct fl_inspect *i;
};

/* Volatile loads of whole words: a device may answer nothing else. */
static int read_mapped(int fd, void *buf, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (n + page - 1) & ~(page - 1);
	const volatile uint32_t *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	for (size_t k = 0; k < n / sizeof(uint32_t); k++) {
		uint32_t v = p[k];

		memcpy((char *)buf + k * sizeof(v), &v, sizeof(v));
	}
	munmap((void *)p, len);
	return 0;
}

static int read_sysfs(void *ctx, unsigned int bar, void *buf, size_t n)
{
	const struct sysfs *s = ctx;
	char name[sizeof("resource0")];
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t got;

	snprintf(name, sizeof(name), "resource%u", bar % 10);
	fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_size < 0 || (uint64_t)st.st_size < s->i->bar[bar].size)
		return -ENODATA; /* shorter than its BAR: a mapping would fault */
	got = pread(fd, buf, n, 0);
	if (got == (ssize_t)n)
		return 0;
	return read_mapped(fd, buf, n);
}

static bool memory_enabled(const struct fl_inspect *i)
{
	return i->config_n < PCI_COMMAND + 2 ||
	       fl_get_le16(i->config + PCI_COMMAND) & PCI_COMMAND_MEMORY;
}

int fl_inspect_sysfs(const char *dir, struct fl_inspect *ret)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sysfs s = { fd, ret };
	const char *slash;
	int r;

	*ret = (struct fl_inspect){};
	if (fd < 0)
		return -errno;
	slash = strrchr(dir, '/');
	snprintf(ret->name, sizeof(ret->name), "%s", slash && slash[1] ? slash + 1 : dir);
	r = read_resources(fd, ret);
	if (r)
		return r;
	read_config(fd, ret);
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS && !memory_enabled(ret); bar++)
		if (ret->bar[bar].mem)
			snprintf(ret->bar[bar].problem, sizeof(ret->bar[bar].problem),
				 "memory decoding is off, and nothing is written here");
	return read_blocks(ret, read_sysfs, &s);
}

static int read_model(void *ctx, unsigned int bar, void *buf, size_t n)
{
	struct fl_epf *f = ctx;
	struct fl_epc *epc = fl_epf_epc(f);
	uint64_t phys, run, have;
	const void *p;

	if (fl_epc_bar_resolve(epc, fl_epf_func(f), (int)bar, 0, &phys, &run))
		return -ENXIO;
	p = fl_epc_bar_memory(epc, phys, &have);
	if (!p || FL_MIN(run, have) < n)
		return -ENXIO;
	memcpy(buf, p, n);
	return 0;
}

int fl_inspect_epf(struct fl_epf *f, struct fl_inspect *ret)
{
	struct fl_epc *epc = fl_epf_epc(f);
	unsigned int func = fl_epf_func(f);
	int r;

	*ret = (struct fl_inspect){ .config_n = FL_EPC_CFG_SIZE };
	snprintf(ret->name, sizeof(ret->name), "%s.%u", fl_epc_board(epc)->domain_bus, func);
	for (unsigned int off = 0; off < FL_EPC_CFG_SIZE; off += 4)
		fl_put_le32(ret->config + off, fl_epc_cfg_read(epc, func, off, 4));
	for (int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		struct fl_epc_bar_info info;

		fl_epc_bar_info(epc, func, bar, &info);
		ret->bar[bar].size = info.size;
		ret->bar[bar].addr = info.addr;
		ret->bar[bar].mem = info.size;
	}
	/* what is fixed in a BAR shows there without anybody's doing */
	const struct fl_board_window *fixed[] = { &fl_epc_board(epc)->regs, &fl_epc_board(epc)->desc };

	for (unsigned int k = 0; k < FL_ARRAY_SIZE(fixed); k++) {
		int bar = fixed[k]->bar;

		if (bar >= 0 && !ret->bar[bar].size)
			ret->bar[bar].size = FL_EPMD_BAR_UNKNOWN;
	}
	r = read_blocks(ret, read_model, f);
	for (int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) /* a window's memory is not the model's */
		ret->bar[bar].problem[0] = '\0';
	return r;
}

void fl_inspect_fini(struct fl_inspect *i)
{
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS; bar++)
		free(i->bar[bar].bytes);
	free(i->dump);
	free(i->findings);
	*i = (struct fl_inspect){};
}

/* ---- decoding ---- */

/* The offset of a capability in configuration space, 0: there is none. A chain may be a loop. */
static unsigned int find_cap(const struct fl_inspect *i, uint8_t id)
{
	unsigned int at = i->config_n >= 64 ? i->config[PCI_CAPABILITY_LIST] & ~3u : 0;

	for (unsigned int hops = 0; at >= 64 && at + 12 <= i->config_n && hops < 48; hops++) {
		if (i->config[at] == id)
			return at;
		at = i->config[at + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return 0;
}

static void add_range(struct fl_inspect *i, unsigned int bar, uint64_t offset, uint64_t size,
		      const char *fmt, ...) FL_PRINTF(5, 6);

static void add_range(struct fl_inspect *i, unsigned int bar, uint64_t offset, uint64_t size,
		      const char *fmt, ...)
{
	struct fl_inspect_range *r;
	va_list ap;

	if (i->nr_ranges == FL_INSPECT_MAX_RANGES || bar >= FL_EPDMA_NR_BARS || !size)
		return;
	r = &i->ranges[i->nr_ranges++];
	*r = (struct fl_inspect_range){ .bar = (uint8_t)bar, .offset = offset, .size = size };
	va_start(ap, fmt);
	vsnprintf(r->label, sizeof(r->label), fmt, ap);
	va_end(ap);
}

/* The MSI-X table and its pending bits, where configuration space tells. */
static void add_msix(struct fl_inspect *i)
{
	unsigned int cap = find_cap(i, PCI_CAP_ID_MSIX), vectors;
	uint32_t table, pba;

	if (!cap)
		return;
	vectors = (fl_get_le16(i->config + cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u;
	table = fl_get_le32(i->config + cap + PCI_MSIX_TABLE);
	pba = fl_get_le32(i->config + cap + PCI_MSIX_PBA);
	add_range(i, table & 7, table & ~7u, vectors * 16, "MSI-X table, %u vectors", vectors);
	add_range(i, pba & 7, pba & ~7u, (vectors + 63) / 64 * 8, "MSI-X pending bits");
}

static void add_windows(struct fl_inspect *i)
{
	static const char *const names[] = { "write", "read" };

	if (i->md_bar != FL_NO_BAR)
		add_range(i, (unsigned int)i->md_bar, 0, i->md.len, "metadata");
	add_range(i, i->md.reg.bar, i->md.reg.offset, i->md.reg.size, "DMA registers");
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		unsigned int n = FL_MIN(i->md.n[dir], (uint8_t)FL_EPDMA_MAX_CHANS);

		for (unsigned int k = 0; k < n; k++) {
			const struct fl_epmd_chan *c = &i->md.chan[dir][k];

			add_range(i, c->desc.bar, c->desc.offset, c->desc.size,
				  "%s channel %u, descriptors", names[dir], k);
			if (c->aux_valid)
				add_range(i, c->aux.bar, c->aux.offset, c->aux.size,
					  "%s channel %u, auxiliary", names[dir], k);
		}
	}
}

static void note(void *ctx, const struct fl_epmd_finding *f)
{
	struct fl_inspect *i = ctx;
	struct fl_epmd_finding *grown;

	grown = reallocarray(i->findings, i->nr_findings + 1, sizeof(*grown));
	if (!grown)
		return;
	i->findings = grown;
	i->findings[i->nr_findings++] = *f;
}

static void policy_for(const struct fl_inspect *i, enum fl_epmd_layout layout, uint8_t bar,
		       struct fl_epmd_range *busy, struct fl_epmd_policy *ret)
{
	*ret = (struct fl_epmd_policy){ .layout = layout, .seed_compat = i->seed_compat, .bar = bar,
					.busy = busy };
	for (unsigned int k = 0; k < FL_EPDMA_NR_BARS; k++) {
		const struct fl_inspect_bar *b = &i->bar[k];

		ret->bar_size[k] = b->mem || b->size == FL_EPMD_BAR_UNKNOWN ? b->size : 0;
	}
	for (size_t k = 0; k < i->nr_ranges; k++) /* at this point the message tables alone */
		busy[ret->nr_busy++] = (struct fl_epmd_range){ i->ranges[k].bar, i->ranges[k].offset,
							       i->ranges[k].size };
}

/*
 * The posted driver is through with the first BAR that has the magic, whatever stands there; here a
 * better one may follow, and only where none does the first one's faults are shown.
 */
static void find_block(struct fl_inspect *i, enum fl_epmd_layout layout)
{
	struct fl_epmd_range busy[FL_INSPECT_MAX_RANGES];

	for (uint8_t bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		const struct fl_inspect_bar *b = &i->bar[bar];
		struct fl_epmd_policy p;
		int r;

		if (!b->n)
			continue;
		policy_for(i, layout, bar, busy, &p);
		r = fl_epmd_validate(b->bytes, b->n, &p, NULL, NULL);
		if (r == -ENODEV || (r && i->blob))
			continue;
		i->md_bar = bar;
		i->blob = b->bytes;
		i->blob_n = b->n;
		if (!r || i->seed_compat)
			return;
	}
}

int fl_inspect_decode(struct fl_inspect *i, enum fl_epmd_layout layout, bool seed_compat)
{
	struct fl_epmd_range busy[FL_INSPECT_MAX_RANGES];
	struct fl_epmd_policy p;

	i->seed_compat = seed_compat;
	i->md_bar = FL_NO_BAR;
	add_msix(i);
	if (i->dump) {
		i->blob = i->dump;
		i->blob_n = i->dump_n;
	} else {
		find_block(i, layout);
	}
	policy_for(i, layout, i->md_bar == FL_NO_BAR ? UINT8_MAX : (uint8_t)i->md_bar, busy, &p);
	if (!i->blob) {
		struct fl_epmd_finding none = { .kind = FL_EPDMA_REASON(MD_MAGIC), .chan = -1 };

		note(i, &none);
		i->result = -ENODEV;
		return i->result;
	}
	i->result = fl_epmd_examine(i->blob, i->blob_n, &p, note, i, &i->md);
	add_windows(i);
	return i->result;
}
