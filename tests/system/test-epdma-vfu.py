#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The vfio-user server against clients that are not foreland's: requests in the order and shape in which
QEMU 10.1, cloud-hypervisor and libvfio-user's clients send them (from the protocol's description and what
those clients demand), whole, byte by byte and in odd pieces; then everything that a client may get wrong.
A list is programmed register by register from here and moves bytes into memory that this file shares.
TAP output."""
import array, errno, fcntl, mmap, os, select, struct, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND = sys.argv[1]
EINVAL = -errno.EINVAL
RAM = 0x100000000  # where the client's memory is, for the device
MSI = 0xFEE01000
CAPS_QEMU = b'{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"pgsizes":4096,"max_dma_maps":65535,"migration":{"pgsize":4096}}}\0'


def efd():
    return os.eventfd(0, os.EFD_NONBLOCK)


def memory(size):
    fd = os.memfd_create("client")
    os.ftruncate(fd, size)
    return fd, mmap.mmap(fd, size)


def find_cap(c, want):
    at = c.read(7, 0x34, 1)[0]
    while at:
        ident, nxt = c.read(7, at, 2)
        if ident == want:
            return at
        at = nxt
    return 0


def assign(c):
    """What firmware and a kernel write: sizes, addresses, decoding."""
    at = 0x80000000
    for bar in range(6):
        off = 0x10 + 4 * bar
        c.write(7, off, b"\xff" * 4)
        size = struct.unpack("<I", c.read(7, off, 4))[0] & ~0xF
        c.write(7, off, struct.pack("<I", 0))
        if size:
            size = (~size + 1) & 0xFFFFFFFF
            at = (at + size - 1) // size * size
            c.write(7, off, struct.pack("<I", at))
            at += size
    c.write(7, 4, struct.pack("<H", 6))


def program_msi(c, vectors_log2):
    cap = find_cap(c, 5)
    ctrl = struct.unpack("<H", c.read(7, cap + 2, 2))[0]
    c.write(7, cap + 4, struct.pack("<I", MSI))
    data = cap + 8
    if ctrl & 0x80:
        c.write(7, cap + 8, struct.pack("<I", 0))
        data = cap + 12
    c.write(7, data, struct.pack("<H", 0x40))
    c.write(7, cap + 2, struct.pack("<H", (ctrl & ~0x70) | vectors_log2 << 4 | 1))


def handshake(c):
    """rk3588, metadata A in BAR 0: the request, READY, the first write channel's list."""
    ctrl = struct.unpack("<I", c.read(0, 8, 4))[0]
    c.write(0, 8, struct.pack("<I", ctrl | 1 << 30))
    for _ in range(200):
        if struct.unpack("<I", c.read(0, 8, 4))[0] >> 31:
            break
        time.sleep(0.01)
    blob = c.read(0, 0, 0xCC)
    assert blob[:4] == b"PEDM" and struct.unpack_from("<I", blob, 8)[0] >> 31, blob[:16].hex()
    ch_ctrl, lo, hi, size, alo, ahi = struct.unpack_from("<IIIIII", blob, 0x1C)
    return ch_ctrl >> 8 & 7, lo | hi << 32, alo | ahi << 32


def transfer(c, write_list, desc_addr, ep, host, size, vector, message=MSI):
    """One element over write channel 0, by registers of the unroll map."""
    reg = lambda off, v: c.write(4, off, struct.pack("<I", v))
    reg(0x0C, 0)
    reg(0x0C, 1)
    reg(0x60, message), reg(0x64, 0)
    reg(0x68, message), reg(0x6C, 0)
    reg(0x70, 0x40 + vector)
    reg(0x90, 1)
    reg(0x58, 0x10001)
    write_list(struct.pack("<IIQQ", 1 | 8 | 16, size, ep, host) + struct.pack("<IIQQ", 6, 0, desc_addr, 0))
    reg(0x200, 0x300)
    reg(0x21C, desc_addr & 0xFFFFFFFF)
    reg(0x220, desc_addr >> 32)
    reg(0x10, 0)


def transfer_any(c, write, ch, desc_addr, put, ep, host):
    """Eight bytes over any channel of the unroll map; where its message goes is the client's business."""
    reg = lambda off, v: c.write(4, off, struct.pack("<I", v))
    block = 0x200 + 0x200 * ch + (0 if write else 0x100)
    en, bell, done, data, clear, err = (0x0C, 0x10, 0x60, 0x70, 0x58, 0x90) if write else (0x2C, 0x30, 0xCC, 0xDC, 0xAC, 0xC4)
    reg(en, 1)
    reg(done, 0xFEE0C000), reg(done + 4, 0)
    reg(data + ch // 2 * 4, 0x4321 << 16 * (ch % 2))
    reg(err, 1 << ch)
    reg(clear, 0x10001 << ch)
    src, dst = (ep, host) if write else (host, ep)
    put(struct.pack("<IIQQ", 1 | 8 | 16, 8, src, dst) + struct.pack("<IIQQ", 6, 0, desc_addr, 0))
    reg(block, 0x300)
    reg(block + 0x1C, desc_addr & 0xFFFFFFFF)
    reg(block + 0x20, desc_addr >> 32)
    reg(bell, ch)


def wait_event(fd):
    return bool(select.select([fd], [], [], 5)[0]) and struct.unpack("=Q", os.read(fd, 8))[0] > 0


def region_info(c, index, argsz=32):
    return c.call(c.REGION_INFO, struct.pack("=IIIIQQ", argsz, 0, index, 0, 0, 0))


def run_device(c, ep, what, mapped):
    """From memory to an interrupt: what every client comes to in the end."""
    fd, mem = memory(1 << 20)
    good = c.map(RAM, 1 << 20, fd) == b""
    events = [efd() for _ in range(4)]
    good &= c.set_irqs(0x24, 1, 0, 4, fds=events) == b""
    assign(c)
    program_msi(c, 2)
    bar, off, desc = handshake(c)
    pattern = os.urandom(5000)
    with open(ep.memory(), "r+b") as f:
        f.seek(77)
        f.write(pattern)
    if mapped:
        argsz = struct.unpack_from("=I", region_info(c, bar))[0]
        body = region_info(c, bar, argsz)
        _, flags, _, cap, size, base = struct.unpack_from("=IIIIQQ", body)
        ident, _, nxt, areas, _ = struct.unpack_from("=HHIII", body, cap)
        where, length = struct.unpack_from("=QQ", body, cap + 16)
        good &= flags & 0xC == 0xC and ident == 1 and areas == 1 and len(c.fds) == 1 and argsz == len(body)
        lists = mmap.mmap(c.fds[0], length, offset=base + where)
        write_list = lambda raw: lists.__setitem__(slice(off - where, off - where + len(raw)), raw)
    else:
        write_list = lambda raw: c.write(bar, off, raw)
    transfer(c, write_list, desc, ep.ram + 77, RAM + 123, 5000, 3)
    good &= wait_event(events[3])
    good &= mem[123:5123] == pattern and mem[122:123] == b"\0" and mem[5123:5124] == b"\0"
    good &= struct.unpack("<I", c.read(4, 0x4C, 4))[0] == 1
    good &= c.unmap(RAM, 1 << 20) == struct.pack("=IIQQ", 24, 0, RAM, 1 << 20)
    transfer(c, write_list, desc, ep.ram + 77, RAM + 123, 5000, 2)
    good &= wait_event(events[2])  # the abort's message
    good &= struct.unpack("<I", c.read(4, 0x4C, 4))[0] == 0x10000
    check(good, what)
    for e in events:
        os.close(e)
    os.close(fd)


def as_qemu_reads(c):
    """QEMU 11's hw/vfio-user/device.c refuses a region whose flags say CAPS while cap_offset lies before the
    end of the structure: with room for that alone, and with all the room that is asked for."""
    good = True
    for i in range(9):
        for argsz in (32, 33, struct.unpack_from("=I", region_info(c, i))[0] - 1, 256):
            body = region_info(c, i, max(argsz, 32))
            flags, cap = struct.unpack_from("=I4xI", body, 4)
            good &= not (flags & 8 and cap < 32) and len(body) <= max(argsz, 32)
            good &= bool(flags & 8) == (len(body) > 32)
    return good


def gates(c, ep):
    """COMMAND's bits and the reset, as on silicon. The numbers are PCI's own."""
    fd, mem = memory(1 << 16)
    good = c.map(RAM, 1 << 16, fd) == b""
    event = efd()
    good &= c.set_irqs(0x24, 1, 0, 1, fds=[event]) == b""
    assign(c)
    program_msi(c, 0)
    bar, off, desc = handshake(c)
    put = lambda raw: c.write(bar, off, raw)
    c.write(7, 4, struct.pack("<H", 4))  # no memory space
    good &= c.read(0, 0, 4) == b"\xff" * 4 and c.read(4, 0x08, 4) == b"\xff" * 4
    c.write(4, 0x0C, b"\1\0\0\0")
    c.write(7, 4, struct.pack("<H", 2))  # no bus master: a driver that forgets pci_set_master()
    good &= c.read(4, 0x0C, 4) == b"\0" * 4 and c.read(0, 0, 4) == b"PEDM"
    check(good, "without memory space no BAR answers")
    transfer(c, put, desc, ep.ram, RAM, 64, 0)
    time.sleep(0.3)
    good = struct.unpack("<I", c.read(4, 0x4C, 4))[0] == 0x10000 and mem[:64] == bytes(64)
    good &= not select.select([event], [], [], 0)[0]
    check(good, "without bus master no byte and no message leaves")
    c.write(7, 4, struct.pack("<H", 6))
    with open(ep.memory(), "r+b") as f:
        f.write(b"gate" * 16)
    transfer(c, put, desc, ep.ram, RAM, 64, 0)
    check(wait_event(event) and mem[:64] == b"gate" * 16, "with both they do")
    pm = find_cap(c, 1)
    c.write(7, pm + 4, b"\3\0")  # D3hot
    good = pm and c.read(0, 0, 4) == b"\xff" * 4
    c.write(7, pm + 4, b"\0\0")
    good &= c.read(0, 0, 4) == b"PEDM"
    check(good, "D3hot and back")
    pcie = find_cap(c, 0x10)
    bars = c.read(7, 0x10, 24)
    good = struct.unpack("<I", c.read(7, pcie + 4, 4))[0] >> 28 & 1 and any(bars)
    c.write(7, pcie + 8, struct.pack("<H", struct.unpack("<H", c.read(7, pcie + 8, 2))[0] | 1 << 15))
    # BARs keep their addresses, as vfio's do: a monitor answers for them itself, and its guest sees no need to write them
    good &= c.read(7, 4, 2) == b"\0\0" and c.read(7, 0x10, 24) == bars and c.read(7, pcie + 9, 1)[0] < 0x80
    c.write(7, 4, struct.pack("<H", 6))
    good &= c.read(4, 0x0C, 4) == b"\0" * 4 and c.read(4, 0x4C, 4) == b"\0" * 4
    program_msi(c, 0)
    bar, off, desc = handshake(c)
    mem[:64] = bytes(64)
    transfer(c, put, desc, ep.ram, RAM, 64, 0)
    check(good and wait_event(event) and mem[:64] == b"gate" * 16, "a function-level reset resets function and engine")
    c.unmap(RAM, 1 << 16)
    os.close(event)


def qemu(c, ep, what):
    good = struct.unpack_from("=HH", c.version(0, 0, CAPS_QEMU)) == (0, 0)
    info = c.call(c.GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))
    good &= struct.unpack("=IIII", info) == (16, 3, 9, 5)
    for i in range(9):
        body = region_info(c, i)
        argsz, flags, index, cap, size, off = struct.unpack_from("=IIIIQQ", body)
        good &= index == i and (size > 0) == (i in (0, 1, 4, 7))
        if argsz > 32:
            body = region_info(c, i, argsz)
            good &= len(body) == argsz and len(c.fds) == 1
    good &= len(c.read(7, 0, 256)) == 256
    for i in range(3):
        good &= struct.unpack("=IIII", c.call(c.IRQ_INFO, struct.pack("=IIII", 16, 0, i, 0)))[3] == [1, 4, 0][i]
    check(good, f"{what}: negotiated and looked round")
    # maps in a batch, the replies read afterwards
    fd, _ = memory(1 << 16)
    ids = []
    for k in range(5):
        f = c.frame(c.DMA_MAP, struct.pack("=IIQQQ", 32, 3, k * 4096, 0x10000 + k * 0x10000, 4096))
        ids.append(c.id)
        c.send(f, [fd])
    c.send(c.frame(c.DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, 0xC0000, 4096)))  # RAM without a descriptor
    ids.append(c.id)
    good = [c.reply()[0] for _ in ids]
    check([(h[0], h[2], h[3]) for h in good] == [(i, 16, 1) for i in ids], f"{what}: maps in a batch")
    check(c.call(c.RESET) == b"" and c.call(c.RESET) == b"", f"{what}: reset")
    run_device(c, ep, f"{what}: a list, mapped, and interrupts", True)
    check(c.set_irqs(0x21, 1, 0, 0) == b"", f"{what}: interrupts off again")


def cloud_hypervisor(c, ep, what):
    good = struct.unpack_from("=HH", c.version(0, 1, b'{"capabilities":{"max_msg_fds":16}}\0')) == (0, 1)
    good &= len(c.call(c.GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))) == 16
    for i in range(9):
        good &= len(region_info(c, i)) >= 32
    for i in range(5):
        good &= len(c.call(c.IRQ_INFO, struct.pack("=IIII", 16, 0, i, 0))) == 16
    good &= c.call(c.RESET) == b""
    good &= len(c.call(c.WRITE, struct.pack("=QII", 4, 7, 2) + b"\0\0")) == 16  # 32 bytes with its header
    check(good, f"{what}: replies of exactly the sizes it reads")
    run_device(c, ep, f"{what}: a list by messages, and interrupts", False)


def libvfio_user(c, ep, what):
    body = c.version(0, 1, b'{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576}}\0')
    check(struct.unpack_from("=HH", body) == (0, 1) and body[-1:] == b"\0"
          and json.loads(body[4:-1])["capabilities"]["max_msg_fds"] == 8, f"{what}: version")
    run_device(c, ep, f"{what}: a list, mapped, and interrupts", True)


def no_descriptor(c, ep, what):
    """Memory without a descriptor: the device asks this client for its bytes, in the middle of things."""
    c.version()
    assign(c)
    program_msi(c, 2)
    mem = bytearray(8192)
    good = c.map(RAM, 8192) == b""
    event = efd()
    c.set_irqs(0x24, 1, 0, 1, fds=[event])
    bar, off, desc = handshake(c)
    pattern = os.urandom(3000)
    with open(ep.memory(), "r+b") as f:
        f.write(pattern)
    transfer(c, lambda raw: c.write(bar, off, raw), desc, ep.ram, RAM + 9, 3000, 0)
    asked = 0
    while asked < 3000:
        hdr, body = c.reply()
        addr, count = struct.unpack_from("=QQ", body)
        good &= hdr[1] == c.DMA_WRITE and hdr[3] & 0xF == 0 and len(body) == 16 + count
        mem[addr - RAM:addr - RAM + count] = body[16:]
        asked += count
        c.s.sendall(struct.pack("=HHIII", hdr[0], hdr[1], 32, 1, 0) + body[:16])
    good &= wait_event(event) and bytes(mem[9:3009]) == pattern
    check(good, what)


def msix(c, ep, granted):
    """A client that keeps the MSI-X table to itself, as QEMU does: only the number of its eventfds tells
    which of them a channel's message belongs to, by the rule that the Linux driver shares vectors by."""
    c.version()
    assign(c)
    fd, mem = memory(4096)
    c.map(RAM, 4096, fd)
    events = [efd() for _ in range(granted)]
    if granted == 3:  # as a guest's driver that tried MSI first, and gave it back
        c.set_irqs(0x24, 1, 0, 1, fds=[events[0]])
        c.set_irqs(0x21, 1, 0, 0)
    good = c.set_irqs(0x24, 2, 0, granted, fds=events) == b""
    cap = find_cap(c, 0x11)
    c.write(7, cap + 2, struct.pack("<H", struct.unpack("<H", c.read(7, cap + 2, 2))[0] | 0x8000))
    handshake(c)
    blob = c.read(0, 0, 0xCC)
    for i, (write, ch) in enumerate([(True, 0), (True, 1), (False, 0), (False, 1)]):
        ctrl, lo, hi, size, alo, ahi = struct.unpack_from("<IIIIII", blob, 0x1C + 0x2C * i)
        transfer_any(c, write, ch, alo | ahi << 32, lambda raw: c.write(ctrl >> 8 & 7, lo | hi << 32, raw), ep.ram, RAM)
        share = max(1, granted // 2)
        want = 0 if granted == 1 else ch % share if write else share + ch % (granted - share)
        good &= wait_event(events[want])
        good &= not any(select.select([e], [], [], 0)[0] for e in events)
    check(good, f"MSI-X with {granted} vectors")
    for e in events:
        os.close(e)
    os.close(fd)


ep = Endpoint(FORELAND, "rk3588", "--msi", "4", "--msix", "4")
for granted in (1, 2, 3, 4):
    c = Client(ep.socket)
    msix(c, ep, granted)
    c.close()
ep.stop()

ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
c = Client(ep.socket)
c.version()
check(as_qemu_reads(c), "capabilities of regions are told of where they are")
gates(c, ep)
c.close()
ep.stop()

ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
time.sleep(0.1)
for piece, how in ((None, "whole"), (1, "byte by byte"), (7, "in pieces of 7"), (33, "in pieces of 33")):
    for who in (qemu, cloud_hypervisor, libvfio_user):
        c = Client(ep.socket, piece)
        who(c, ep, f"{who.__name__}, {how}")
        c.close()
c = Client(ep.socket)
no_descriptor(c, ep, "memory without a descriptor is asked for")
c.close()

# several requests in one piece, and requests without a reply
c = Client(ep.socket)
c.version()
many = b"".join(c.frame(c.READ, struct.pack("=QII", 0, 7, 4)) for _ in range(100))
many += c.frame(c.WRITE, struct.pack("=QII", 0x3C, 7, 1) + b"\x55", flags=0x10)
many += c.frame(c.RESET, flags=0x10) + c.frame(c.READ, struct.pack("=QII", 0x3C, 7, 1))
c.send(many)
got = [c.reply() for _ in range(101)]
check(all(b[16:] == struct.pack("<HH", 0x1D87, 0x3588) for _, b in got[:100]) and got[100][0][0] == c.id,
      "a hundred requests in one piece, and those that want no reply get none")
c.close()


# what a client leaves: registers stay, its memory and its eventfds are forgotten
c = Client(ep.socket)
c.version()
assign(c)
c.write(4, 0x54, struct.pack("<I", 0x10001))
kept = memory(4096)[0]
good = c.map(RAM, 4096, kept) == b""
c.close()
c = Client(ep.socket)
c.version()
good &= c.call(c.GET_INFO, struct.pack("=IIII", 16, 0, 0, 0)) == struct.pack("=IIII", 16, 3, 9, 5)
good &= c.read(4, 0x54, 4) == struct.pack("<I", 0x10001)
good &= c.unmap(RAM, 4096) == -errno.ENOENT
good &= c.call(c.RESET) == b"" and (assign(c), c.read(4, 0x54, 4))[1] == b"\0" * 4
check(good, "the next client finds the registers of the one before, not its memory; a reset clears them")
c.close()
os.close(kept)


def fresh(fn, what):
    """Each on a connection of its own, and the next client must find the server well."""
    c = Client(ep.socket)
    try:
        good = fn(c)
    except (EOFError, ConnectionError):
        good = "closed"
    c.close()
    d = Client(ep.socket)
    well = not isinstance(d.version(), int)
    d.close()
    check(good and well, what + mode)


def answered(act, ends=True):
    """A reply of EINVAL; then the end, or the connection as it was."""
    def check(c):
        act(c)
        hdr, _ = c.reply()
        if hdr[2:] != (16, 0x21, errno.EINVAL):
            return False
        if not ends:
            return c.read(7, 0, 2) == struct.pack("<H", 0x1D87)
        try:
            c.exactly(1)
        except (EOFError, ConnectionResetError):
            return True
        return False
    return check


def closes(fn):
    def run(c):
        try:
            fn(c)
            c.reply()
        except (EOFError, ConnectionError):
            return True
        return False
    return run


def refused(fn, want=EINVAL):
    def run(c):
        c.version()
        return fn(c) == want
    return run


def int_status(c):
    for _ in range(200):
        status = struct.unpack("<I", c.read(4, 0x4C, 4))[0]
        if status:
            break
        time.sleep(0.01)
    return status


def memory_games(c):
    """A message to an address that nothing answers at, one into memory, and memory that is cut off after
    it was mapped: the first is lost, the last an abort, and the server lives."""
    c.version()
    assign(c)
    mfd, m = memory(1 << 16)
    c.map(RAM, 1 << 16, mfd)
    bar, off, desc = handshake(c)
    program = lambda r: c.write(bar, off, r)
    transfer(c, program, desc, ep.ram, RAM, 4096, 0, 0xDEAD0000)
    good = int_status(c) == 1
    transfer(c, program, desc, ep.ram, RAM, 4096, 0, 0xDEAD0000)
    good &= int_status(c) == 1
    with open(ep.memory(), "rb") as f:
        good &= m[:4096] == f.read(4096)
    c.map(0xC0000, 1 << 12, mfd, offset=1 << 13)
    transfer(c, program, desc, ep.ram, RAM, 64, 5, 0xC0010)
    good &= int_status(c) == 1 and m[(1 << 13) + 16:(1 << 13) + 20] == struct.pack("<I", 0x45)
    m.close()
    os.ftruncate(mfd, 0)
    transfer(c, program, desc, ep.ram, RAM, 4096, 0)
    good &= int_status(c) == 0x10000
    os.close(mfd)
    return good


# what may go wrong on the wire goes wrong in both modes alike
lines, code = ep.stop()
check(code == 0, "it ends as it should")
for mode, args in (("", []), (" (as posted)", ["--seed-compat", "--trusted"])):
    ep = Endpoint(FORELAND, "rk3588", "--msi", "4", *args)
    raw = lambda *a: struct.pack("=HHIII", *a)
    fresh(answered(lambda c: c.send(raw(1, 1, 15, 0, 0))), "a size below the header's: EINVAL, and the end")
    fresh(answered(lambda c: c.send(raw(1, 1, 0xFFFFFFFF, 0, 0))), "and one past every limit")
    fresh(answered(lambda c: c.send(raw(1, 1, 0, 0, 0))), "and none")
    fresh(answered(lambda c: (c.version(), c.send(raw(9, 9, 36, 1, 0) + b"\0" * 20)), ends=False), "a reply to nothing: EINVAL")
    fresh(answered(lambda c: (c.version(), c.send(raw(9, 9, 32, 7, 0) + b"\0" * 16))), "a type that there is not")
    fresh(lambda c: c.call(c.GET_INFO, struct.pack("=IIII", 16, 0, 0, 0)) == EINVAL, "anything before VERSION")
    for caps, what in ((b"{", "broken JSON"), (b"{}", "no NUL"), (b"[]\0", "JSON that is no object"),
                       (b'{"capabilities":1}\0', "capabilities that are no object"), (b'{}\0{}\0', "two texts"),
                       (b'{"capabilities":{"max_msg_fds":"8"}}\0', "a number as text"),
                       (b'{"capabilities":{"max_msg_fds":-1}}\0', "a negative number"),
                       # as libvfio-user's lib/tran.c: at most 1024, an object, a page size
                       (b'{"capabilities":{"max_msg_fds":1025}}\0', "more descriptors than anybody has"),
                       (b'{"capabilities":{"migration":1}}\0', "migration that is no object"),
                       (b'{"capabilities":{"migration":{"pgsize":"4096"}}}\0', "a page size as text"),
                       (b'{"capabilities":{"migration":{"pgsize":4095}}}\0', "a page size that is none"),
                       (b'{"capabilities":{"pgsizes":0}}\0', "no page size"),
                       (b'{"a":' * 50 + b"1" + b"}" * 50 + b"\0", "JSON fifty deep")):
        fresh(lambda c: c.version(0, 1, caps) == EINVAL, f"VERSION: {what}")
    for caps in (b'{"capabilities":{"max_msg_fds":1024,"migration":{"pgsize":65536}}}\0', b'{"capabilities":{"migration":{}}}\0'):
        fresh(lambda c: isinstance(c.version(0, 1, caps), bytes), "VERSION: what is just right")
    fresh(lambda c: c.version(1, 0) == EINVAL, "VERSION: major 1")
    fresh(lambda c: struct.unpack_from("=HH", c.version(0, 99)) == (0, 2), "VERSION: a later minor is answered by ours")
    fresh(lambda c: c.call(c.VERSION, b"\0\0") == EINVAL, "VERSION: too short")
    fd, mem = memory(1 << 16)
    fresh(lambda c: c.call(c.VERSION, struct.pack("=HH", 0, 1) + b"{}\0", [fd]) == EINVAL, "VERSION: with a descriptor")
    fresh(refused(lambda c: c.version()), "VERSION: twice")
    fresh(closes(lambda c: (c.version(), c.send(c.frame(c.RESET), [fd] * 17))), "more descriptors than a message may have")
    fresh(refused(lambda c: c.call(c.RESET, fds=[fd])), "RESET with a descriptor")
    fresh(refused(lambda c: c.call(99)), "a command that there is not")
    fresh(refused(lambda c: c.call(15)), "WRITE_MULTI, which was not negotiated")

    def crooked(c):
        """An offset that is no multiple of the page: the bytes are where they were said to be."""
        c.version(), assign(c)
        good = c.map(RAM, 8192, fd, offset=5000) == b""
        bar, off, desc = handshake(c)
        with open(ep.memory(), "r+b") as f:
            f.write(b"crooked!")
        transfer(c, lambda r: c.write(bar, off, r), desc, ep.ram, RAM + 3, 8, 0)
        good &= int_status(c) == 1 and mem[5003:5011] == b"crooked!"
        return good and isinstance(c.unmap(RAM, 8192), bytes) and c.write(4, 0x0C, b"\0" * 4) is not None
    fresh(crooked, "DMA_MAP: an odd offset")

    for what, want, args in (
            ("short argsz", EINVAL, dict(argsz=31)), ("no access", EINVAL, dict(flags=0)),
            ("unknown flags", EINVAL, dict(flags=0x83)), ("size 0", EINVAL, dict(size=0)),
            ("past 2^64", EINVAL, dict(addr=2**64 - 4096, size=8192)), ("9 TiB", -errno.ENOSPC, dict(size=9 << 40)),
            ("past the file's end", EINVAL, dict(size=1 << 17, fd=fd)), ("the end past the file, by its offset", EINVAL, dict(offset=5, fd=fd, size=1 << 16)),
            ("an offset that wraps", EINVAL, dict(offset=2**64 - 4096, fd=fd))):
        a = dict(addr=RAM, size=4096)
        a.update(args)
        fresh(refused(lambda c: c.map(**a), want), f"DMA_MAP: {what}")
    fresh(refused(lambda c: c.call(c.DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, RAM, 4096), [fd, fd])), "DMA_MAP: two descriptors")
    fresh(refused(lambda c: c.call(c.DMA_MAP, b"\0" * 31)), "DMA_MAP: too short")
    fresh(refused(lambda c: (c.map(RAM, 8192, fd), c.map(RAM + 4096, 8192, fd))[1], -errno.EEXIST), "DMA_MAP: an overlap")
    fresh(refused(lambda c: (c.map(RAM, 8192, fd), c.unmap(RAM, 4096))[1], -errno.ENOENT), "DMA_UNMAP: a part")
    fresh(refused(lambda c: c.unmap(RAM, 4096), -errno.ENOENT), "DMA_UNMAP: nothing there")
    fresh(refused(lambda c: (c.map(RAM, 8192, fd), c.unmap(RAM, 8192, flags=1))[1]), "DMA_UNMAP: a dirty bitmap")
    fresh(refused(lambda c: c.unmap(4096, 0, flags=2)), "DMA_UNMAP: all, and an address")
    fresh(refused(lambda c: (c.map(RAM, 8192, fd), c.map(0, 4096, fd), c.unmap(0, 0, flags=2), c.map(RAM, 4096, fd))[3], b""),
          "DMA_UNMAP: all")
    fresh(refused(lambda c: c.unmap(RAM, 1, argsz=23)), "DMA_UNMAP: short argsz")

    for what, args in (("no action", (0x04, 1, 0, 1)), ("two actions", (0x34, 1, 0, 1)), ("no kind of data", (0x20, 1, 0, 1)),
                       ("two kinds", (0x23, 1, 0, 1)), ("unknown flags", (0x61, 1, 0, 1)), ("an index too far", (0x21, 5, 0, 1)),
                       ("a start too far", (0x21, 1, 4, 1)), ("a count too far", (0x21, 1, 0, 5)), ("a sum that wraps", (0x21, 1, 2**32 - 1, 2)),
                       ("ERR masked", (0x09, 3, 0, 1)), ("REQ unmasked", (0x11, 4, 0, 1)), ("no count, booleans", (0x22, 1, 0, 0)),
                       ("no count, descriptors", (0x24, 1, 0, 0)), ("booleans missing", (0x22, 1, 0, 2)),
                       ("MSI-X, of which there is none", (0x21, 2, 0, 1))):
        fresh(refused(lambda c: c.set_irqs(*args)), f"SET_IRQS: {what}")
    fresh(refused(lambda c: c.set_irqs(0x22, 1, 0, 2, b"\1")), "SET_IRQS: too few booleans")
    fresh(refused(lambda c: c.set_irqs(0x21, 1, 0, 1, b"\1")), "SET_IRQS: data that nobody announced")
    fresh(refused(lambda c: c.set_irqs(0x24, 1, 0, 2, fds=[fd])), "SET_IRQS: too few descriptors")
    fresh(refused(lambda c: c.set_irqs(0x21, 1, 0, 1, fds=[fd])), "SET_IRQS: descriptors without being told")
    fresh(refused(lambda c: c.set_irqs(0x24, 1, 0, 1, argsz=19)), "SET_IRQS: short argsz")
    fresh(refused(lambda c: c.set_irqs(0x09, 1, 0, 0)), "SET_IRQS: mask of nothing")
    fresh(refused(lambda c: c.set_irqs(0x11, 1, 0, 0)), "SET_IRQS: unmask of nothing")
    e = efd()
    fresh(refused(lambda c: (c.set_irqs(0x24, 1, 2, 1, fds=[e]), c.set_irqs(0x22, 1, 1, 2, b"\0\1"), wait_event(e))[2], True),
          "SET_IRQS: triggered by a boolean")
    fresh(refused(lambda c: (c.set_irqs(0x24, 1, 2, 1, fds=[e]), c.set_irqs(0x24, 1, 2, 1), c.set_irqs(0x21, 1, 2, 1),
                             bool(select.select([e], [], [], 0)[0]))[3], False), "SET_IRQS: no descriptors disconnect")

    acc = lambda off, region, count: struct.pack("=QII", off, region, count)
    fresh(refused(lambda c: c.call(c.READ, acc(0, 9, 4))), "REGION_READ: no such region")
    fresh(refused(lambda c: c.call(c.READ, acc(0, 6, 4))), "REGION_READ: a region without size")
    fresh(refused(lambda c: c.call(c.READ, acc(4094, 7, 4))), "REGION_READ: over the end")
    fresh(refused(lambda c: c.call(c.READ, acc(2**64 - 2, 7, 4))), "REGION_READ: that wraps")
    fresh(refused(lambda c: c.call(c.READ, acc(0, 0, (1 << 20) + 1))), "REGION_READ: more than a message holds")
    size = lambda c, n: struct.unpack_from("=Q", region_info(c, n), 16)[0]
    fresh(refused(lambda c: len(c.read(next(n for n in range(6) if size(c, n) >= 1 << 20), 0, 1 << 20)), 1 << 20),
          "REGION_READ: all that a message holds")
    fresh(refused(lambda c: c.call(c.READ, acc(0, 7, 4) + b"x")), "REGION_READ: with data")
    fresh(refused(lambda c: len(c.call(c.READ, acc(4096, 7, 0))), 16), "REGION_READ: nothing, at the end")
    fresh(refused(lambda c: c.call(c.WRITE, acc(0, 7, 4) + b"xyz")), "REGION_WRITE: less data than announced")
    fresh(refused(lambda c: c.read(4, 0x4D, 2), b"\xff\xff"), "registers by half words read as all ones")
    fresh(refused(lambda c: (c.write(7, 4, b"\6\0"), c.write(4, 0x21D, b"\1\2"), c.read(4, 0x21C, 4))[2], b"\0" * 4), "registers by half words are not written")
    fresh(refused(lambda c: (c.write(4, 0x21C, struct.pack("<Q", 0x1122334455667788)), c.read(4, 0x21C, 8))[1], struct.pack("<Q", 0x1122334455667788)), "two registers by 8 bytes")
    fresh(refused(lambda c: len(c.read(4, 0, 8192)), 8192), "a whole register window in one read")
    fresh(refused(lambda c: region_info(c, 9)), "REGION_INFO: no such region")
    fresh(refused(lambda c: region_info(c, 0, 31)), "REGION_INFO: short argsz")
    fresh(refused(lambda c: c.call(c.IRQ_INFO, struct.pack("=IIII", 16, 0, 5, 0))), "IRQ_INFO: no such index")
    fresh(refused(lambda c: c.call(c.GET_INFO, struct.pack("=IIII", 15, 0, 0, 0))), "GET_INFO: short argsz")
    fresh(memory_games, "messages to nowhere and into memory, and memory that is cut off")
    time.sleep(0.3)
    base = ep.fds(), ep.maps()
    for k in range(200):
        c = Client(ep.socket)
        if k % 2:
            c.version()
            c.map(RAM, 1 << 16, fd)
            c.set_irqs(0x24, 1, 0, 2, fds=[e, e])
            c.send(c.frame(c.READ, acc(0, 7, 4))[:20], [fd, fd])  # and gone in the middle of a message
        c.close()
    c = Client(ep.socket)
    c.version()
    c.close()
    time.sleep(0.3)
    check(ep.fds() == base[0] and ep.maps() - base[1] < 10, f"200 clients later: descriptors and mappings as before {base} {(ep.fds(), ep.maps())}{mode}")
    lines, code = ep.stop()
    check(code == 0, "and it ends as it should" + mode)
sys.exit(done())
