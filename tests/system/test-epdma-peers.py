#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a peer may do to the endpoint that serves it, and to others: nothing. Usage: ... FORELAND ROUNDS

First each misdeed of a client that is being served, alone: the next client is served, in the time that the
manual states, and the endpoint ends when told. Then ROUNDS of hostile peers beside one honest client, at
random moments from a fixed seed: its transfers are compared byte by byte in the endpoint's memory; requests
of others that are served between two of its own are counted, and the manual's number is 0; descriptors and
mappings of the endpoint return to where they began. TAP output."""
import errno, mmap, os, random, select, signal, socket, struct, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND, ROUNDS = sys.argv[1], int(sys.argv[2])
RAM = 0x100000000
MESSAGE_S, SEND_S = 5, 2  # of the manual: a message that began is whole after so long, a reply taken


def memory(size):
    fd = os.memfd_create("client")
    os.ftruncate(fd, size)
    return fd, mmap.mmap(fd, size)


def assign(c):
    """BARs of rk3588 at some addresses, memory space and bus master on."""
    for bar, at in ((0, 0x80000000), (1, 0x80100000), (4, 0x80200000)):
        c.write(7, 0x10 + 4 * bar, struct.pack("<I", at))
    c.write(7, 4, struct.pack("<H", 6))


def handshake(c):
    c.write(0, 8, struct.pack("<I", struct.unpack("<I", c.read(0, 8, 4))[0] | 1 << 30))
    for _ in range(200):
        if struct.unpack("<I", c.read(0, 8, 4))[0] >> 31:
            break
        time.sleep(0.01)
    ctl, lo, hi, _, alo, ahi = struct.unpack_from("<IIIIII", c.read(0, 0, 0xCC), 0x1C)
    return ctl >> 8 & 7, lo | hi << 32, alo | ahi << 32


def start(c, lists, src, dst, size, message):
    """One element over write channel 0, unroll map; the message goes to @message."""
    bar, off, desc = lists
    reg = lambda o, v: c.write(4, o, struct.pack("<I", v))
    reg(0x0C, 0), reg(0x0C, 1), reg(0x60, message), reg(0x64, 0), reg(0x70, 0x40), reg(0x90, 1), reg(0x58, 0x10001)
    c.write(bar, off, struct.pack("<IIQQIIQQ", 25, size, src, dst, 6, 0, desc, 0))
    reg(0x200, 0x300), reg(0x21C, desc & 0xFFFFFFFF), reg(0x220, desc >> 32), reg(0x10, 0)


def status(c):
    for _ in range(500):
        s = struct.unpack("<I", c.read(4, 0x4C, 4))[0]
        if s:
            return s
        time.sleep(0.005)
    return 0


def owner(path):
    c = Client(path)
    c.version()
    return c


# ---- misdeeds of one that is served; each leaves its connection open ----

def truncates(c):
    """A message is aimed at memory that was cut off after it was mapped, then a transfer."""
    assign(c)
    lists = handshake(c)
    fd, m = memory(1 << 16)
    cut, m2 = memory(4096)
    assert c.map(RAM, 1 << 16, fd) == b"" and c.map(0xC0000, 4096, cut) == b""
    m2.close(), os.ftruncate(cut, 0)
    start(c, lists, ep.ram, RAM, 64, 0xC0010)
    good = status(c) == 1
    m.close(), os.ftruncate(fd, 0)
    start(c, lists, ep.ram, RAM, 64, 0xC0010)
    return good and status(c) == 0x10000


def never_reads(c):
    try:
        for _ in range(2000):
            c.s.settimeout(0.5)
            c.send(c.frame(c.READ, struct.pack("=QII", 0, 7, 4096)))
    except OSError:
        pass
    return True


def stalls(c):
    c.s.send(b"\0")
    return True


def dribbles(c):
    def run():
        try:
            for b in c.frame(c.READ, bytes(4000)):
                c.s.send(bytes([b]))
                time.sleep(0.1)
        except OSError:
            pass
    threading.Thread(target=run, daemon=True).start()
    return True


def never_answers(c):
    """Memory without a descriptor: the server has to ask for it. A message there must not be waited for."""
    assign(c)
    lists = handshake(c)
    fd, _ = memory(1 << 16)
    good = c.map(RAM, 1 << 16, fd) == b"" and c.map(0xC0000, 4096) == b""
    asked = 0
    real = c.reply

    def reply():
        nonlocal asked
        while True:
            hdr, body = real()
            if hdr[3] & 0xF:
                return hdr, body
            asked += 1
    c.reply = reply
    begun = time.time()
    for _ in range(100):
        start(c, lists, ep.ram, RAM, 64, 0xC0010)
        good &= status(c) == 1
    return good and asked == 64 and time.time() - begun < 4


def pipe_for_an_event(c):
    r, w = os.pipe()
    refused = c.set_irqs(0x24, 1, 0, 1, fds=[w]) == -errno.EINVAL
    fd, _ = memory(4096)
    return refused and c.set_irqs(0x24, 1, 0, 1, fds=[fd]) == -errno.EINVAL


def full_event(c):
    """A blocking eventfd whose counter is at its end: nobody may wait for room in it."""
    e = os.eventfd(0, 0)
    good = c.set_irqs(0x24, 1, 0, 1, fds=[e]) == b""
    os.set_blocking(e, True)
    os.write(e, struct.pack("=Q", 2**64 - 2))
    return good and c.set_irqs(0x21, 1, 0, 1) == b"" and c.set_irqs(0x21, 1, 0, 1) == b""




for misdeed, ends in ((truncates, 0), (pipe_for_an_event, 0), (full_event, 0), (never_answers, 0),
                      (stalls, MESSAGE_S), (dribbles, MESSAGE_S), (never_reads, SEND_S)):
    ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
    bad = owner(ep.socket)
    good = misdeed(bad)
    if not ends:
        bad.close()
    begun = time.time()
    nxt = Client(ep.socket)
    nxt.s.settimeout(MESSAGE_S + 5)
    good &= isinstance(nxt.version(), bytes) and nxt.read(7, 0, 2) == struct.pack("<H", 0x1D87)
    took = time.time() - begun
    nxt.close()
    lines, code = ep.stop()
    told = [l.get("errno") for l in lines if l["type"] == "detached"]
    good &= told[0] == ("ETIMEDOUT" if ends else None) and took < ends + 3 and code == 0
    check(good, f"{misdeed.__name__}: the next client is served{f' within {ends} s' if ends else ''}, and it is told ({took:.1f} s, {told})")

# who asks and never reads does not keep the endpoint from ending, nor one that is silent
for misdeed in (never_reads, stalls):
    ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
    bad = owner(ep.socket)
    misdeed(bad)
    begun = time.time()
    _, code = ep.stop()
    check(code == 0 and time.time() - begun < 1.5, f"{misdeed.__name__}: one SIGTERM ends the endpoint ({time.time() - begun:.1f} s)")

# a silent connection costs no CPU, and keeps nobody waiting
ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
ticks = lambda: sum(map(int, open(f"/proc/{ep.p.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))
silent = [socket.socket(socket.AF_UNIX) for _ in range(3)]
for s in silent:
    s.connect(ep.socket)
silent[1].send(b"\0")
silent[2].send(struct.pack("=HHIII", 1, 1, 64, 0, 0))
time.sleep(0.1)
a = ticks()
time.sleep(1)
spent = ticks() - a
c = owner(ep.socket)
check(c.read(7, 0, 2) == struct.pack("<H", 0x1D87) and spent <= 5, f"silence, one byte and half a greeting: nobody waits, {spent} of 100 ticks")
c.close()
[s.close() for s in silent]
ep.stop()

# ---- rounds: one honest client, hostile ones beside it ----

def silent_peer(p, rng):
    p.settimeout(0.05)
    try:
        p.recv(1)
    except TimeoutError:
        pass # nobody answers one who says nothing


def one_byte(p, rng):
    p.send(bytes([rng.randrange(256)]))


def half_greeting(p, rng):
    whole = struct.pack("=HHIIIHH", 1, 1, 64, 0, 0, 0, 1) + b'{"capabilities":{}}' + bytes(25)
    p.send(whole[:rng.randrange(1, 60)])


def garbage(p, rng):
    p.send(rng.randbytes(rng.randrange(1, 5000)))


def oversize(p, rng):
    p.send(struct.pack("=HHIII", 1, 1, 0xFFFFFFFF, 0, 0))


def resets(p, rng):
    p.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def descriptors(p, rng):
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    p.sendmsg([struct.pack("=HHIII", 1, 1, 20, 0, 0)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=20i", *fds))])
    [os.close(f) for f in fds]


def greets_and_asks(p, rng):
    p.send(struct.pack("=HHIIIHH", 1, 1, 20, 0, 0, 0, 1) + b"".join(
        struct.pack("=HHIIIQII", i, 9, 32, 0, 0, 0, 7, 4) for i in range(50)))


def served(p):
    """It greets and waits for its turn, as an honest client does; 0.2 s for each answer."""
    c = Client.__new__(Client)
    c.s, c.id, c.piece = p, 0, None
    c.version()
    assign(c)
    return c, handshake(c)


def truncates_when_served(p, rng):
    c, lists = served(p)
    fd, m = memory(1 << 16)
    c.map(RAM, 1 << 15, fd), c.map(0xC0000, 1 << 15, fd, offset=1 << 15)
    start(c, lists, ep.ram, RAM, 1 << 15, 0xC0010)
    m.close(), os.ftruncate(fd, rng.choice((0, 4096, 1 << 15)))
    start(c, lists, ep.ram, RAM, 1 << 15, 0xC0010)
    os.close(fd)


def unmapped_replies(p, rng):
    """The server has to ask for its memory, and gets nothing, half a reply, another one, or too much."""
    c, lists = served(p)
    c.map(RAM, 1 << 16)
    start(c, lists, ep.ram, RAM, 64, 0xFEE00000)
    asked = p.recv(16)
    n, cmd = struct.unpack_from("=HH", asked) if len(asked) == 16 else (0, 12)
    p.send(rng.choice((b"", asked[:7], struct.pack("=HHIII", n ^ 1, cmd, 16, 1, 0), struct.pack("=HHIII", n, cmd, 33, 1, 0) + bytes(17),
                       struct.pack("=HHIII", n, cmd, 0xFFFFFFFF, 1, 0), struct.pack("=HHIII", n, 11, 16, 0x21, 22))))


MISDEEDS = [silent_peer, one_byte, half_greeting, garbage, oversize, resets, descriptors, greets_and_asks, truncates_when_served,
            unmapped_replies]
did = dict.fromkeys(MISDEEDS, 0)  # how many came to their end
ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
warm = owner(ep.socket)
warm.close()
time.sleep(0.3)
before = ep.fds(), ep.maps()
serving = threading.Event()  # an honest client is being served
over = threading.Event()
generation = 0
answered = []  # requests of others that were answered meanwhile


def count(p):
    """What this connection is sent while an honest client is served; what came before does not count."""
    p.setblocking(False)
    turn = serving.is_set() and generation
    if not turn:
        return
    try:
        p.recv(1 << 20)
    except BlockingIOError:
        pass
    time.sleep(0.003)
    got = p.recv(1 << 20)
    if got and serving.is_set() and turn == generation:
        answered.append(len(got))


def hostile(seed):
    rng = random.Random(seed)
    while not over.is_set():
        p = socket.socket(socket.AF_UNIX)
        try:
            p.settimeout(0.2)
            p.connect(ep.socket)
            misdeed = rng.choice(MISDEEDS)
            misdeed(p, rng)
            did[misdeed] += 1
            time.sleep(rng.random() * 0.01)
            count(p)
        except (OSError, EOFError, AssertionError, struct.error):
            pass
        p.close()


threads = [threading.Thread(target=hostile, args=(k,)) for k in range(3)]
[t.start() for t in threads]
rng = random.Random(99)
moved = wrong = waited = 0
ram = mmap.mmap(os.open(ep.memory(), os.O_RDWR), 1 << 20)
every = lambda: all(did[m] for m in MISDEEDS)
rounds = 0
while rounds < ROUNDS or (rounds < 20 * ROUNDS and not every()):  # until each has had its turn, however slow the machine
    rounds += 1
    c = Client(ep.socket)
    begun = time.time()
    c.version()
    waited = max(waited, time.time() - begun)
    generation += 1
    serving.set()
    assign(c)
    lists = handshake(c)
    fd, m = memory(1 << 16)
    c.map(RAM, 1 << 16, fd)
    for _ in range(3):
        n, at = rng.randrange(1, 60000), rng.randrange(1 << 19)
        ram[at:at + n] = rng.randbytes(n)
        start(c, lists, ep.ram + at, RAM + 7, n, 0xFEE00000)
        wrong += status(c) != 1 or m[7:7 + n] != ram[at:at + n]
        moved += 1
    serving.clear()
    c.close()
    m.close()
    os.close(fd)
over.set()
[t.join() for t in threads]
check(moved == 3 * rounds and not wrong, f"{rounds} rounds, {moved} transfers beside hostile peers, {wrong} wrong; waited at most {waited:.1f} s")
check(every(), "of each misdeed: " + ", ".join(f"{m.__name__} {k}" for m, k in did.items()))
check(not answered, f"requests of others between two of an honest client's: {len(answered)}, of 0")
for _ in range(80):
    if (ep.fds(), ep.maps()) == before:
        break
    time.sleep(0.1)
check((ep.fds(), ep.maps()) == before, f"descriptors and mappings: {before} before, {(ep.fds(), ep.maps())} after")
check(ep.stop()[1] == 0, "and it ends as it should")
sys.exit(done())
