/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The metadata block by which a PCI endpoint hands its DMA engine to the host: little-endian 32-bit
 * words at offset 0 of one memory BAR, a header, then one entry for each write channel and one for
 * each read channel. Field positions are rows of src/epdma/metadata.def; doc/spec/epdma-metadata.rst
 * shows them as tables.
 *
 * A write channel moves bytes from the endpoint to the host, a read channel from the host to the
 * endpoint: the words are the engine's (it writes to, and reads from, the PCIe link).
 *
 * Two layouts share magic and revision. In A (as posted in June 2026) the host asks with bit 30 of
 * CTRL, in B (later) with a word of its own behind REG_SIZE, which makes the header 4 bytes longer.
 *
 * Everything here works on one snapshot, a copy of the block, and never on device memory. No
 * function prints, keeps state or allocates; all may be called from any thread.
 */
#ifndef FORELAND_EPDMA_H
#define FORELAND_EPDMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <foreland/diag.h>

#define FL_EPMD_MAGIC	   0x4d444550u /* "PEDM" on the wire */
#define FL_EPMD_REVISION   1
#define FL_EPMD_ENTRY_LEN  0x2c /* of one channel entry, at least */
#define FL_EPMD_HDR_LEN_A  0x1c
#define FL_EPMD_HDR_LEN_B  0x20
#define FL_EPMD_LEN_MAX	   0xffff /* what the 16-bit length field can say */
#define FL_EPDMA_MAX_CHANS 8	  /* a direction */
#define FL_EPDMA_NR_BARS   6

/* Byte offsets of the words that the two sides change while they run. */
#define FL_EPMD_CTRL	      0x08
#define FL_EPMD_HOST_CTRL     0x1c	 /* layout B only */
#define FL_EPMD_CTRL_HOST_REQ (1u << 30) /* layout A only */
#define FL_EPMD_CTRL_READY    (1u << 31)
#define FL_EPMD_HOST_CTRL_REQ (1u << 0) /* layout B only */

/** enum fl_epmd_layout - which header a block has. */
enum fl_epmd_layout {
	FL_EPMD_AUTO, /* decide by the lengths; only for readers */
	FL_EPMD_A,
	FL_EPMD_B,
};

/** enum fl_epdma_map - the engine's register map, as the metadata and the Linux driver number it. */
enum fl_epdma_map {
	FL_EPDMA_LEGACY = 0,
	FL_EPDMA_UNROLL = 1,
	FL_EPDMA_COMPAT = 5,
	FL_EPDMA_NATIVE = 7,
};

/** enum fl_epdma_dir - a channel's direction, and the index of every array that has one a direction. */
enum fl_epdma_dir {
	FL_EPDMA_WRITE, /* endpoint to host */
	FL_EPDMA_READ,	/* host to endpoint */
	_FL_EPDMA_DIR_MAX,
};

/**
 * struct fl_epmd_window - memory that the host reaches through a BAR
 * @bar: 0 to 5
 * @offset: bytes into that BAR
 * @size: bytes
 * @addr: where the endpoint's engine sees the same memory; unused for the register window
 */
struct fl_epmd_window {
	uint8_t bar;
	uint64_t offset;
	uint32_t size;
	uint64_t addr;
};

/** struct fl_epmd_chan - one entry of a channel table. */
struct fl_epmd_chan {
	uint8_t hw_ch;
	struct fl_epmd_window desc; /* linked-list memory */
	bool aux_valid;
	struct fl_epmd_window aux; /* data window, where the endpoint offers one */
};

/**
 * struct fl_epmd - a decoded block
 * @layout: A or B once decoded
 * @len: bytes that the block says it has; ignored by fl_epmd_build()
 * @entry_size: bytes from one channel entry to the next; 0 for the builder's default
 * @reg_layout: 1: the DesignWare family
 * @map: enum fl_epdma_map, valid for @reg_layout 1
 * @n: channels of each direction
 */
struct fl_epmd {
	enum fl_epmd_layout layout;
	uint8_t revision;
	uint16_t len;
	uint8_t entry_size;
	bool host_req, ready;
	uint8_t reg_layout, map;
	struct fl_epmd_window reg;
	uint8_t n[_FL_EPDMA_DIR_MAX];
	struct fl_epmd_chan chan[_FL_EPDMA_DIR_MAX][FL_EPDMA_MAX_CHANS];
};

#define FL_EPMD_BAR_UNKNOWN UINT64_MAX /* ranges in this BAR are not checked */

/** struct fl_epmd_range - bytes of a BAR that hold something else: an MSI-X table, a PBA. */
struct fl_epmd_range {
	uint8_t bar;
	uint64_t offset, size;
};

/**
 * struct fl_epmd_policy - what a reader holds a block to
 * @layout: which one it must have; AUTO decides, and means A with @seed_compat
 * @seed_compat: accept what the driver as posted accepts, with its errnos, and nothing less
 * @need_ready: the snapshot was taken after the handshake, READY must stand (strict only)
 * @bar: the BAR that the snapshot came from
 * @bar_size: bytes of each memory BAR; 0: absent, I/O or unassigned; or FL_EPMD_BAR_UNKNOWN
 * @off_max: largest offset that can be mapped; 0 stands for INT64_MAX
 * @busy: further ranges that no window may touch (strict only)
 * @nr_busy: their number
 */
struct fl_epmd_policy {
	enum fl_epmd_layout layout;
	bool seed_compat;
	bool need_ready;
	uint8_t bar;
	uint64_t bar_size[FL_EPDMA_NR_BARS];
	uint64_t off_max;
	const struct fl_epmd_range *busy;
	size_t nr_busy;
};

/**
 * struct fl_epmd_finding - one thing that is wrong with a block
 * @kind: reason: its stable name, errno and text
 * @field: the field's name as in the tables ("DESC_SIZE"), or NULL for the block as a whole
 * @offset: byte offset of the field's word in the block
 * @dir: direction of the channel entry that it lies in
 * @chan: index of that entry, -1 for the header
 * @value: what stands there
 */
struct fl_epmd_finding {
	const struct fl_diag_kind *kind;
	const char *field;
	uint32_t offset;
	enum fl_epdma_dir dir;
	int chan;
	uint64_t value;
};

/**
 * fl_epmd_validate() - the checks before the request: header and table sizes
 * @blob: snapshot from offset 0 of the BAR
 * @n: its bytes; a block of up to FL_EPMD_LEN_MAX bytes must be in it whole
 * @policy: see there
 * @ret_layout: A or B; may be NULL
 * @reterr: what is wrong; may be NULL
 *
 * Return: 0; -ENODEV: this is no metadata at all; -EINVAL, -EOPNOTSUPP: see @reterr.
 */
int fl_epmd_validate(const void *blob, size_t n, const struct fl_epmd_policy *policy,
		     enum fl_epmd_layout *ret_layout, struct fl_epmd_finding *reterr);

/**
 * fl_epmd_parse() - all checks, and the decoded block; written only on success
 *
 * Arguments and results are those of fl_epmd_validate().
 */
int fl_epmd_parse(const void *blob, size_t n, const struct fl_epmd_policy *policy,
		  struct fl_epmd *ret, struct fl_epmd_finding *reterr);

/**
 * fl_epmd_check_engine() - hold the channel counts against the engine's own
 * @md: decoded block
 * @ctrl: the register at 0x008 of the register window (maps unroll and compat)
 * @seed_compat: as in the policy
 * @reterr: what is wrong; may be NULL
 *
 * Return: 0; -EOPNOTSUPP where a direction that is handed over is not handed over whole.
 */
int fl_epmd_check_engine(const struct fl_epmd *md, uint32_t ctrl, bool seed_compat,
			 struct fl_epmd_finding *reterr);

/** typedef fl_epmd_finding_fn - called for each finding of fl_epmd_examine(), worst stage first. */
typedef void (*fl_epmd_finding_fn)(void *ctx, const struct fl_epmd_finding *f);

/**
 * fl_epmd_examine() - all findings, not only the first, and whatever could be decoded
 *
 * For inspection. @ret is filled as far as the block makes sense.
 * Return: what fl_epmd_parse() would.
 */
int fl_epmd_examine(const void *blob, size_t n, const struct fl_epmd_policy *policy,
		    fl_epmd_finding_fn fn, void *ctx, struct fl_epmd *ret);

/** fl_epmd_len() - bytes that a block of this layout and these channel counts takes. */
size_t fl_epmd_len(enum fl_epmd_layout layout, unsigned int nr_chans);

/**
 * fl_epmd_build() - encode
 * @md: what to encode, @layout A or B
 * @buf: receives fl_epmd_len() bytes
 * @cap: room in it
 * @ret_len: bytes written
 *
 * Return: 0; -EOVERFLOW: a value that its field cannot hold; -ENOSPC: @cap; -EINVAL: no layout.
 */
int fl_epmd_build(const struct fl_epmd *md, void *buf, size_t cap, size_t *ret_len);

#endif
