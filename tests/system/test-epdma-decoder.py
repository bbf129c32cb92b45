#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The metadata codec against a second decoder, written here from the format's description alone.

test-epdma-decoder.py READER COUNT [SEED]: random blocks, and good ones with some of their words
changed, lengths and BAR sizes bent; strict and as posted. Reason, errno and every decoded field must
be equal. TAP output.
"""
import random, struct, subprocess, sys

READER, COUNT = sys.argv[1], int(sys.argv[2])
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 20260620
UNKNOWN = 2**64 - 1
EINVAL, ENODEV, EOPNOTSUPP = "EINVAL", "ENODEV", "EOPNOTSUPP"


class Refused(Exception):
    pass


def refuse(code, errno=EINVAL):
    raise Refused(f"{code} {errno}")


def overlap(a, b):
    """Two (start, size) with no end past which numbers wrap: Python's integers do not."""
    return a[1] > 0 and b[1] > 0 and a[0] < b[0] + b[1] and b[0] < a[0] + a[1]


class Decoder:
    def __init__(self, blob, pol):
        self.b, self.p = blob, pol

    def w(self, off):
        return int.from_bytes(self.b[off:off + 4], "little")

    def q(self, off):
        return self.w(off) | self.w(off + 4) << 32

    def fits(self, bar, off, size):
        have = self.p["bars"][bar] if bar < 6 else 0
        return size != 0 and off + size <= have

    def entry(self, base):
        c = self.w(base)
        return dict(hw=c & 255, bar=c >> 8 & 7, abar=c >> 12 & 7, aux=c >> 16 & 1,
                    off=self.q(base + 4), size=self.w(base + 12), addr=self.q(base + 16),
                    aoff=self.q(base + 24), asize=self.w(base + 32), aaddr=self.q(base + 36),
                    rsvd=c & 0xFFFE8800)

    def entries(self, hdr, n, step):
        return [[self.entry(hdr + (k + (n[0] if d else 0)) * step) for k in range(n[d])] for d in (0, 1)]

    def plausible(self, hdr, n, step, length):
        if hdr + sum(n) * step > min(length, len(self.b)):
            return False
        return all(e["hw"] == k and self.fits(e["bar"], e["off"], e["size"])
                   for t in self.entries(hdr, n, step) for k, e in enumerate(t))

    def layout(self, n, step, length):
        """'A', 'B' or '?' where the lengths do not decide."""
        if self.p["layout"]:
            return "AB"[self.p["layout"] - 1]
        rest = length - sum(n) * step
        if self.p["seed"] or step < 0x2C or step % 4 or rest < 0x20:
            return "A"
        if rest == 0x20:
            return "B"
        a, b = (self.plausible(h, n, step, length) for h in (0x1C, 0x20))
        return "?" if a == b else "A" if a else "B"

    def identity(self):
        bar = self.p["bar"]
        limit = len(self.b) if bar > 5 or self.p["bars"][bar] == UNKNOWN else self.p["bars"][bar]
        if len(self.b) < 0x1C or limit < 0x1C:
            refuse("MD_SHORT", ENODEV)
        if self.b[:4] != b"PEDM":
            refuse("MD_MAGIC", ENODEV)
        if self.b[4] != 1:
            refuse("MD_REVISION")
        ctrl = self.w(8)
        self.length, self.step = self.w(4) >> 16, ctrl >> 19 & 255
        self.n = (ctrl >> 3 & 255, ctrl >> 11 & 255)
        self.lay = self.layout(self.n, self.step, self.length)
        self.hdr = 0x20 if self.lay == "B" else 0x1C
        if self.length < self.hdr:
            refuse("MD_LEN_HEADER")
        if self.length > limit:
            refuse("MD_LEN_BAR")
        if self.length > len(self.b):
            refuse("MD_TRUNCATED")

    def posted(self):
        ctrl, lay = self.w(8), self.w(0x14)
        if lay & 255 != 1:
            refuse("MD_LAYOUT_ID", EOPNOTSUPP)
        self.map = lay >> 8 & 255
        if self.map == 0:
            refuse("MD_MAP_LEGACY", EOPNOTSUPP)
        if self.map not in (1, 5, 7):
            refuse("MD_MAP")
        self.rbar = ctrl & 7
        if self.rbar > 5:
            refuse("MD_REG_BAR")
        if self.n == (0, 0):
            refuse("MD_NO_CHANS")
        if max(self.n) > 8:
            refuse("MD_CHANS")
        if self.step < 0x2C or self.step % 4:
            refuse("MD_ENTRY_SIZE")
        self.end = self.hdr + sum(self.n) * self.step
        if self.end > self.length:
            refuse("MD_TABLES")
        self.roff, self.rsize = self.q(0xC), self.w(0x18)
        if self.roff > self.p["off_max"]:
            refuse("MD_REG_OFFSET")
        if not self.fits(self.rbar, self.roff, self.rsize):
            refuse("MD_REG_RANGE")
        self.tables = self.entries(self.hdr, self.n, self.step)
        for table in self.tables:
            for k, e in enumerate(table):
                if e["hw"] != k:
                    refuse("MD_HW_CH", EOPNOTSUPP)
                for kind, off, bar, size in [("DESC", "off", "bar", "size")] + \
                        [("AUX", "aoff", "abar", "asize")] * e["aux"]:
                    if e[off] > self.p["off_max"]:
                        refuse(f"MD_{kind}_OFFSET")
                    if e[bar] > 5:
                        refuse(f"MD_{kind}_BAR")
                    if not self.fits(e[bar], e[off], e[size]):
                        refuse(f"MD_{kind}_RANGE")

    def strict(self):
        ctrl = self.w(8)
        req = self.w(0x1C) & 1 if self.lay == "B" else ctrl >> 30 & 1
        ready = ctrl >> 31
        if self.lay == "?":
            refuse("MD_AMBIGUOUS")
        if self.b[5] or ctrl >> 27 & 7 or self.w(0x14) >> 16 or \
                (self.lay == "B" and (ctrl >> 30 & 1 or self.w(0x1C) >> 1)):
            refuse("MD_RESERVED")
        if self.step > 0x2C:
            refuse("MD_ENTRY_LARGER")
        if self.length > self.end:
            refuse("MD_TRAILING")
        if ready and not req:
            refuse("MD_READY_UNASKED")
        if self.p["need_ready"] and not ready:
            refuse("MD_READY_LOST")
        if self.rsize < 0x200 * max(self.n) + (0 if self.map == 7 else 0x200):
            refuse("MD_REG_SMALL")
        if self.roff % 4:
            refuse("MD_REG_ALIGN")
        for e in sum(self.tables, []):
            if e["rsvd"]:
                refuse("MD_RESERVED")
            if e["size"] < 48:
                refuse("MD_DESC_SMALL")
            if e["off"] % 8:
                refuse("MD_DESC_ALIGN")
            if e["addr"] % 8 or e["addr"] + e["size"] >= 2**64:
                refuse("MD_DESC_ADDR")
            if e["aux"]:
                if e["aaddr"] + e["asize"] >= 2**64:
                    refuse("MD_AUX_ADDR")
            elif e["abar"] or e["aoff"] or e["asize"] or e["aaddr"]:
                refuse("MD_AUX_UNEXPECTED")
        self.disjoint()

    def disjoint(self):
        seen = [(self.p["bar"], 0, self.length, None), (self.rbar, self.roff, self.rsize, None)]
        for k, x in enumerate(seen):
            for y in seen[:k]:
                if x[0] == y[0] and overlap(x[1:3], y[1:3]):
                    refuse("MD_OVERLAP")
        for e in sum(self.tables, []):
            mine = [(e["bar"], e["off"], e["size"], e["addr"])]
            if e["aux"]:
                mine.append((e["abar"], e["aoff"], e["asize"], None))
            for x in mine:
                for y in seen:
                    same = x[0] == y[0] and overlap(x[1:3], y[1:3])
                    if x[3] is not None and y[3] is not None:
                        if same or overlap((x[3], x[2]), (y[3], y[2])):
                            refuse("MD_DESC_SHARED")
                    elif same:
                        refuse("MD_OVERLAP")
                seen.append(x)

    def run(self):
        try:
            self.identity()
            self.posted()
            if not self.p["seed"]:
                self.strict()
        except Refused as r:
            return str(r)
        ctrl = self.w(8)
        req = self.w(0x1C) & 1 if self.lay == "B" else ctrl >> 30 & 1
        out = f"ok {self.lay} {self.length} {self.step} {self.map} {req} {ctrl >> 31}"
        out += f" {self.rbar}:{self.roff:x}:{self.rsize:x}"
        for table in self.tables:
            out += f" {len(table)}"
            for e in table:
                out += f" {e['bar']}:{e['off']:x}:{e['size']:x}:{e['addr']:x}"
                if e["aux"]:
                    out += f" {e['abar']}:{e['aoff']:x}:{e['asize']:x}:{e['aaddr']:x}"
        return out


R = random.Random(SEED)
EDGES = [0, 1, 2, 3, 4, 7, 8, 0x2B, 0x2C, 0x2D, 47, 48, 0xFF, 0x100, 0x1000, 0xFFFF, 0x10000,
         0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF]


def good():
    """A block that the strict reader takes, and the BARs that go with it."""
    lay, n = R.choice("AAB"), (R.randrange(9), R.randrange(9))
    if n == (0, 0):
        n = (1, 0)
    hdr, mbar = (0x20 if lay == "B" else 0x1C), R.randrange(6)
    wbar = R.choice([b for b in range(6) if b != mbar])
    req = R.randrange(2)
    ready = req and R.randrange(2)
    total = hdr + sum(n) * 0x2C
    words = [0x4D444550, 1 | total << 16,
             wbar | n[0] << 3 | n[1] << 11 | 0x2C << 19 | ready << 31 | (req << 30 if lay == "A" else 0),
             0x100000, 0, 1 | R.choice([1, 5, 7]) << 8, 0x2000]
    if lay == "B":
        words.append(req)
    at = 0
    for k in list(range(n[0])) + list(range(n[1])):
        size = R.choice([48, 4096, 512, 24 * 170])
        words += [k | wbar << 8, at, 0, size, 0x80000000 + at, R.randrange(4)] + [0] * 5
        at += (size + 7) // 8 * 8 + R.choice([0, 8])
        if R.random() < 0.1:
            words[-11] |= wbar << 12 | 1 << 16
            words[-5:] = [0x200000 + at, 0, 64, R.getrandbits(32), R.getrandbits(31)]
    bars = [0] * 6
    bars[mbar], bars[wbar] = R.choice([0x1000, total, UNKNOWN]), R.choice([0x400000, UNKNOWN])
    return bytearray(struct.pack(f"<{len(words)}I", *words)), bars, mbar, lay


def bend(blob):
    for _ in range(R.choice([0, 1, 1, 1, 2, 3])):
        how = R.random()
        off = R.randrange(0, len(blob) // 4) * 4 if R.random() < 0.6 else R.randrange(0, 0x20, 4)
        v = int.from_bytes(blob[off:off + 4], "little")
        if how < 0.4:
            v ^= 1 << R.randrange(32)
        elif how < 0.6:
            v = R.choice(EDGES)
        elif how < 0.8:
            v = v + R.choice([-8, -4, -1, 1, 4, 8, 0x1000, 1 << 16, 4 << 16]) & 0xFFFFFFFF
        elif how < 0.9:
            v = R.getrandbits(32)
        else:
            other = R.randrange(0, len(blob) // 4) * 4
            v = int.from_bytes(blob[other:other + 4], "little")
        blob[off:off + 4] = v.to_bytes(4, "little")


def case():
    blob, bars, mbar, lay = good()
    if R.random() < 0.02:
        blob = bytearray(R.randbytes(R.randrange(0, 400)))
        blob[:5] = b"PEDM\1"[:len(blob)]
    elif R.random() < 0.95:
        bend(blob)
    if R.random() < 0.15:
        blob += bytes(R.randrange(1, 200))
    elif R.random() < 0.05:
        del blob[R.randrange(len(blob) + 1):]
    if R.random() < 0.1:
        bars[R.randrange(6)] = R.choice([0, 0x1B, 0x1C, 0x100, 0x1000, 2**63, UNKNOWN])
    named = R.choice([0, 0, 0, "AB".index(lay) + 1, 1, 2])
    pol = dict(seed=R.randrange(2), layout=named, need_ready=R.random() < 0.2,
               bar=mbar if R.random() < 0.9 else 255, bars=bars,
               off_max=R.choice([2**63 - 1, 2**63 - 1, 2**31 - 1]))
    return bytes(blob), pol


def pack(blob, p):
    return struct.pack("<I4B7QI", len(blob), p["seed"], p["layout"], p["need_ready"], p["bar"],
                       *p["bars"], p["off_max"], 0) + blob


done, kinds = 0, {}
while done < COUNT:
    batch = [case() for _ in range(min(20000, COUNT - done))]
    p = subprocess.run([READER], input=b"".join(pack(*c) for c in batch), capture_output=True)
    theirs = p.stdout.decode().splitlines()
    if p.returncode or len(theirs) != len(batch):
        print(f"not ok 1 - the reader failed: {p.returncode} {p.stderr.decode()[-2000:]}\n1..1")
        sys.exit(1)
    for (blob, pol), line in zip(batch, theirs):
        mine = Decoder(blob, pol).run()
        kinds[mine.split()[0]] = kinds.get(mine.split()[0], 0) + 1
        if mine != line:
            print(f"not ok 1 - decoders differ\n# ours   {mine}\n# theirs {line}\n# {pol}\n# {blob.hex()}\n1..1")
            sys.exit(1)
    done += len(batch)
print(f"ok 1 - {done} blocks read alike")
want = 33
print(f"{'ok' if len(kinds) >= want else 'not ok'} 2 - {len(kinds)} different answers were seen")
print("# " + ", ".join(f"{k} {v}" for k, v in sorted(kinds.items(), key=lambda x: -x[1])))
print("1..2")
