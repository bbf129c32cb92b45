#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The vfio-user client against servers that break the rules: a real endpoint answers, and a proxy of
this test's bends one of its answers on the way. The client must say so and end, with exit status 1,
without a signal and in bounded time; where it can do without what was bent, it may succeed. TAP output.
"""
import json, os, socket, struct, subprocess, sys, threading

from epdma_lib import Client, Endpoint, check, done, folder

FORELAND = os.path.abspath(sys.argv[1])
NO_REPLY = 0x10
ERROR = 0x20


class Stop(Exception):
    pass


class Frames(Client):
    """One end of a connection, frame by frame, descriptors included."""

    def __init__(self, s):
        self.s = s
        self.piece = None

    def frame_in(self):
        self.fds = []
        hdr = struct.unpack("=HHIII", self.exactly(16))
        return list(hdr), self.exactly(hdr[2] - 16), self.fds

    def frame_out(self, hdr, body, fds):
        self.send(struct.pack("=HHIII", *hdr) + body, fds)
        for fd in fds:
            os.close(fd)


def serve(listener, target, cmd, nth, bend):
    """Passes frames on; the nth reply to cmd goes through bend(hdr, body, fds, raw socket)."""
    s, _ = listener.accept()
    host, ep = Frames(s), Frames(socket.socket(socket.AF_UNIX))
    ep.s.connect(target)
    seen = 0
    try:
        while True:
            hdr, body, fds = host.frame_in()
            ep.frame_out(hdr, body, fds)
            if hdr[3] & NO_REPLY:
                continue
            hdr, body, fds = ep.frame_in()
            if hdr[1] == cmd:
                seen += 1
                if seen == nth:
                    hdr, body, fds = bend(hdr, body, fds, s)
            host.frame_out(hdr, body, fds)
    except (EOFError, OSError, Stop):
        pass
    s.close()
    ep.s.close()


def pump(src, dst, change):
    """Frames of one direction, each as change(hdr, body, fds) has it."""
    try:
        while True:
            dst.frame_out(*change(*src.frame_in()))
    except (EOFError, OSError, struct.error):
        pass
    for side in (src, dst):
        try:
            side.s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(listener, target, to_ep, to_host, piece):
    """Passes frames in both directions at once: either side may ask."""
    s, _ = listener.accept()
    host, ep = Frames(s), Frames(socket.socket(socket.AF_UNIX))
    ep.s.connect(target)
    host.piece = piece
    t = threading.Thread(target=pump, args=(ep, host, to_host), daemon=True)
    t.start()
    pump(host, ep, to_ep)
    t.join(5)


asked = set()  # what the server asked of the client


def same(h, b, f):
    return h, b, f


def note(h, b, f):
    if not h[3] & 0xF:
        asked.add(h[1])
    return h, b, f


def without_memory(h, b, f):
    """Memory is mapped without a descriptor, so that the server has to ask for every byte of it."""
    if h[1] == Client.DMA_MAP:
        for fd in f:
            os.close(fd)
        f = []
    return h, b, f


def without_mmap(h, b, f):
    """Nothing of the device can be mapped, as with a server that traps everything."""
    if h[1] == Client.REGION_INFO and h[3] & 0xF == 1 and len(b) >= 32:
        for fd in f:
            os.close(fd)
        argsz, flags, index, cap, size, off = struct.unpack_from("=IIIIQQ", b)
        b, f = struct.pack("=IIIIQQ", 32, flags & 3, index, 0, size, 0), []
        h[2] = 16 + len(b)
    return h, b, f


def libvfio_user_version(h, b, f):
    """What a libvfio-user server says of itself; it takes one descriptor a message here."""
    if h[1] == Client.VERSION:
        b = struct.pack("=HH", 0, 1) + json.dumps({"capabilities": {
            "max_msg_fds": 1, "max_data_xfer_size": 1048576, "twin_socket": {"supported": False},
            "migration": {"pgsize": 4096}, "write_multiple": True}}).encode() + b"\0"
        h[2] = 16 + len(b)
    return h, b, f


def few_fds(h, b, f):
    assert len(f) <= 1, "more descriptors than the server takes"
    return h, b, f


def resize(body):
    """The reply with another body, its size said truly."""
    return lambda h, b, f, s: ([h[0], h[1], 16 + len(body(b)), h[3], h[4]], body(b), f)


def header(i, v):
    def bend(h, b, f, s):
        h[i] = v(h[i])
        return h, b, f
    return bend


def patch(off, fmt, v):
    def bend(h, b, f, s):
        b = bytearray(b)
        if off + struct.calcsize(fmt) <= len(b):
            struct.pack_into(fmt, b, off, v)
        return h, bytes(b), f
    return bend


def cut(n):
    def bend(h, b, f, s):
        s.sendall((struct.pack("=HHIII", *h) + b)[:n])
        raise Stop
    return bend


def error(code):
    return lambda h, b, f, s: ([h[0], h[1], 16, h[3] | ERROR, code], b"", [])


def with_fds(n):
    return lambda h, b, f, s: (h, b, f + [os.open("/dev/null", os.O_RDONLY) for _ in range(n)])


def file_of(size):
    """In place of the memory that a region can be mapped from, one that is shorter than it says."""
    def bend(h, b, f, s):
        if not f:
            return h, b, f
        for fd in f:
            os.close(fd)
        fd = os.memfd_create("short")
        os.ftruncate(fd, size)
        return h, b, [fd]
    return bend


def caps_loop(h, b, f, s):
    """A sparse capability that follows itself."""
    cap = struct.pack("=HHIII", 1, 1, 32, 0, 0)
    info = bytearray(b[:32])
    struct.pack_into("=II", info, 0, 32 + len(cap), struct.unpack_from("=I", b, 4)[0] | 8)
    struct.pack_into("=I", info, 12, 32)
    body = bytes(info) + cap
    return [h[0], h[1], 16 + len(body), h[3], h[4]], body, f


C = Client
READ, WRITE, INFO, REGION, VERSION, IRQS, MAP = C.READ, C.WRITE, C.GET_INFO, C.REGION_INFO, C.VERSION, C.SET_IRQS, C.DMA_MAP
FAILS, MAY = {1}, {0, 1}
cases = [
    ("a reply of another size: READ, short", READ, 3, resize(lambda b: b[:-1]), FAILS),
    ("a reply of another size: READ, long", READ, 3, resize(lambda b: b + b"\0" * 4), FAILS),
    ("a reply of another size: READ, bare", READ, 3, resize(lambda b: b""), FAILS),
    ("a reply of another size: READ, 2 MiB", READ, 3, resize(lambda b: b + b"\0" * (2 << 20)), FAILS),
    ("READ of another count", READ, 3, patch(12, "=I", 3), FAILS),
    ("READ of another region", READ, 3, patch(8, "=I", 5), FAILS),
    ("READ refused", READ, 3, error(22), FAILS),
    ("READ refused without an errno", READ, 3, error(0), FAILS),
    ("a reply to something else", READ, 3, header(0, lambda v: v ^ 0x55), FAILS),
    ("a reply of another command", READ, 3, header(1, lambda v: 3), FAILS),
    ("a reply that is a request", READ, 3, header(3, lambda v: 0), FAILS),
    ("a size below the header's", READ, 3, header(2, lambda v: 15), FAILS),
    ("a size past every limit", READ, 3, header(2, lambda v: 0xFFFFFFFF), FAILS),
    ("a stream that ends inside a header", READ, 3, cut(7), FAILS),
    ("a stream that ends inside a body", READ, 3, cut(21), FAILS),
    ("a stream that ends", READ, 9, cut(0), FAILS),
    ("descriptors that nobody announced", READ, 3, with_fds(1), MAY),
    ("more descriptors than a message may have", READ, 3, with_fds(40), MAY),
    ("VERSION: broken JSON", VERSION, 1, resize(lambda b: b[:4] + b"{\0"), MAY),
    ("VERSION: no text at all", VERSION, 1, resize(lambda b: b[:4]), MAY),
    ("VERSION: too short", VERSION, 1, resize(lambda b: b[:3]), FAILS),
    ("VERSION: no NUL", VERSION, 1, resize(lambda b: b[:-1]), FAILS),
    ("VERSION: deep JSON", VERSION, 1, resize(lambda b: b[:4] + b'{"a":' * 100 + b"1" + b"}" * 100 + b"\0"), MAY),
    ("VERSION: major 1", VERSION, 1, patch(0, "=H", 1), FAILS),
    ("VERSION: refused", VERSION, 1, error(22), FAILS),
    ("GET_INFO: too short", INFO, 1, resize(lambda b: b[:8]), FAILS),
    ("GET_INFO: no regions", INFO, 1, patch(8, "=I", 0), FAILS),
    ("GET_INFO: 4 G of regions", INFO, 1, patch(8, "=I", 0xFFFFFFFF), MAY),
    ("GET_INFO: no PCI device", INFO, 1, patch(4, "=I", 0), MAY),
    ("REGION_INFO: too short", REGION, 1, resize(lambda b: b[:31]), FAILS),
    ("REGION_INFO: refused", REGION, 1, error(22), FAILS),
    ("a chain of capabilities that is a loop", REGION, 2, caps_loop, MAY),
    ("capabilities outside of the reply", REGION, 2, patch(12, "=I", 0xFFFFFF00), MAY),
    ("a region of 2^64 bytes", REGION, 1, patch(16, "=Q", 2**64 - 1), MAY),
    ("a mapping beyond its file: empty", REGION, 2, file_of(0), MAY),
    ("a mapping beyond its file: short", REGION, 2, file_of(4096), MAY),
    ("a mapping beyond its file: offset", REGION, 2, patch(24, "=Q", 2**63), MAY),
    ("SET_IRQS refused", IRQS, 1, error(22), MAY),
    ("DMA_MAP refused", MAP, 1, error(28), MAY),
]

ep = Endpoint(FORELAND, "rk3588")
tmp = folder()
try:
    for i, (mode, (what, cmd, nth, bend, want)) in enumerate([(m, c) for m in ([], ["--seed-compat"]) for c in cases]):
        path = f"{tmp}/{i}"
        what += " (as posted)" if mode else ""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        t = threading.Thread(target=serve, args=(listener, ep.socket, cmd, nth, bend), daemon=True)
        t.start()
        # verify uses everything: registers, lists, interrupts and memory
        try:
            p = subprocess.run([FORELAND, "epdma", "host", "--socket", path, "verify", *mode, hex(ep.ram)],
                               capture_output=True, text=True, timeout=60)
            said = p.stderr.strip().replace("\n", "; ")
            good = p.returncode in want and (p.returncode == 0 or ": error: " in p.stderr) and \
                "no BAR holds" not in said and "No such device" not in said
            check(good, f"{what}: {p.returncode} {said}")
        except subprocess.TimeoutExpired:
            check(False, f"{what}: it hangs")
        listener.close()
        t.join(5)
    both = lambda f, g: lambda *a: g(*f(*a))
    for what, to_ep, to_host, piece in (
            ("memory that the server has to ask for", without_memory, note, None),
            ("nothing that could be mapped", same, without_mmap, None),
            ("nothing that could be mapped, replies in pieces of 7", same, without_mmap, 7),
            ("a libvfio-user server's version", few_fds, libvfio_user_version, None),
            ("a libvfio-user server's version, byte by byte", few_fds, libvfio_user_version, 1),
            ("all of it", both(few_fds, without_memory), both(libvfio_user_version, without_mmap), None)):
        path = f"{tmp}/relay"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        t = threading.Thread(target=relay, args=(listener, ep.socket, to_ep, to_host, piece), daemon=True)
        t.start()
        p = subprocess.run([FORELAND, "epdma", "host", "--socket", path, "verify", hex(ep.ram)],
                           capture_output=True, text=True, timeout=120)
        t.join(5)
        check(p.returncode == 0 and " 0 different" in p.stdout, f"a server that is like others: {what}: {p.stderr.strip()}")
        listener.close()
        os.unlink(path)
    check(asked == {C.DMA_READ, C.DMA_WRITE}, "and it was asked for its memory both ways")
    p = subprocess.run([FORELAND, "epdma", "host", "--socket", ep.socket, "verify", hex(ep.ram)], capture_output=True)
    check(p.returncode == 0, "the endpoint serves the next client")
    check(ep.stop()[1] == 0, "and ends as it should")
finally:
    ep.p.kill()
sys.exit(done())
