#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host against a server that is hostile as a whole: it says nothing, stops, floods, lies in the metadata and
in every register. A real endpoint answers behind a proxy of this test's that changes what comes back
(test-epdma-client.py bends one reply of the protocol; here it is the device that lies). Whatever it does, 'host verify'
ends by itself with status 1 and a line that names the error, never by a signal; how long it may take is stated with
each: the time for which the host waits for a reply, for READY, and for a transfer. What each field of the metadata
may hold is the posted header's (tests/data/epdma). Usage: ... FORELAND [long]. TAP output."""
import os, random, re, socket, struct, subprocess, sys, tempfile, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND, LONG = os.path.abspath(sys.argv[1]), "long" in sys.argv[2:]
REPLY_S, SEND_S, READY_S, TRANSFER_S = 10, 2, 2, 60
SLACK_S = 20  # a machine that does other things as well
C = Client
tmp = folder()


class Gone(Exception):
    pass


class Frames(Client):
    def __init__(self, s):
        self.s, self.piece, self.held = s, None, []

    def reply_in(self):
        """What the other says to a request of ours; it may have asked something meanwhile, which keeps its turn."""
        while not (frame := self.next_in())[0][3] & 0xf:
            self.held.append(frame)
        return frame

    def frame_in(self):
        return self.held.pop(0) if self.held else self.next_in()

    def next_in(self):
        self.fds = []
        hdr = struct.unpack("=HHIII", self.exactly(16))
        return list(hdr), self.exactly(hdr[2] - 16), self.fds

    def frame_out(self, hdr, body, fds=()):
        self.send(struct.pack("=HHIII", *hdr) + body, fds)
        for fd in fds:
            os.close(fd)


class Server:
    """Behind its socket, each request goes through ask(self, hdr, body, fds), each reply through answer(); either
    may return what is passed on, None for nothing, or raise Gone."""

    def __init__(self, ep, ask=None, answer=None):
        self.ep, self.ask, self.answer = ep, ask, answer
        self.path = tempfile.mktemp(dir=tmp)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(0)
        self.seen, self.stop = 0, threading.Event()
        self.t = threading.Thread(target=self.run, daemon=True)
        self.t.start()

    def run(self):
        try:
            self.host = Frames(self.listener.accept()[0])
            self.back = Frames(socket.socket(socket.AF_UNIX))
            if self.ep:
                self.back.s.connect(self.ep.socket)
            while True:
                f = self.host.frame_in()
                f = self.ask(self, *f) if self.ask else f
                if not f:
                    continue
                self.back.frame_out(*f)
                if f[0][3] & 0x10:
                    continue
                r = self.back.frame_in()
                r = self.answer(self, f, *r) if self.answer else r
                if r:
                    self.host.frame_out(*r)
        except (EOFError, OSError, Gone):
            pass
        finally:
            for s in ("host", "back"):
                if hasattr(self, s):
                    getattr(self, s).s.close()

    def close(self):
        self.stop.set()
        self.listener.close()
        self.t.join(5)


def verdict(server, what, seconds, says, may=(1,)):
    """What the host made of it, as (passed, text)."""
    begun = time.time()
    p = subprocess.Popen([FORELAND, "epdma", "host", "verify", "--socket", server.path, "0x20000000"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _, err = p.communicate(timeout=seconds + SLACK_S)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        return False, f"{what}: it hangs"
    finally:
        server.close()
    good = p.returncode in may and (p.returncode == 0 or (": error: " in err and re.search(says, err)))
    return bool(good), f"{what}: {p.returncode} after {time.time() - begun:.1f} s, {err.strip().splitlines()[:1]}"


# ---- the device that lies: metadata and registers; one endpoint serves one case after the other ----

ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
META, REGS = 0, 4  # BARs of this board
ANY = r"\[[A-Z_]+\]"


def reads(region, change):
    """Each word that is read from @region as change(offset, word) has it."""
    def answer(server, asked, hdr, body, fds):
        off, bar, count = struct.unpack_from("=QII", body) if len(body) >= 16 else (0, -1, 0)
        if hdr[1] != C.READ or bar != region or count % 4:
            return hdr, body, fds
        words = struct.unpack(f"<{count // 4}I", body[16:])
        new = [change(off + 4 * i, w) & 0xFFFFFFFF for i, w in enumerate(words)]
        return hdr, body[:16] + struct.pack(f"<{len(new)}I", *new), fds
    return answer


def word(at, value, mask=0xFFFFFFFF):
    return reads(META, lambda off, w: (w & ~mask) | value if off == at else w)


def noise(region, seed, keep=()):
    rng = random.Random(seed)
    return reads(region, lambda off, w: w if off in keep else rng.choice((rng.getrandbits(32), w, 0, w ^ 1 << rng.randrange(32))))


ENTRY = 0x1C  # of the first write channel, layout A
LIES = [
    ("another magic", word(0, 0x4D444551), r"no BAR holds endpoint DMA metadata \[ENODEV\]"),
    ("a revision that nobody knows", word(4, 9, 0xFF), ANY),
    ("a length of 4", word(4, 4 << 16, 0xFFFF0000), ANY),
    ("a length beyond everything", word(4, 0xFFFF << 16, 0xFFFF0000), ANY),
    ("no channels", word(8, 0, 0xFF << 3 | 0xFF << 11), ANY),
    ("255 channels each way", word(8, 0xFF << 3 | 0xFF << 11, 0xFF << 3 | 0xFF << 11), ANY),
    ("entries of 0 bytes", word(8, 0, 0xFF << 19), ANY),
    ("entries of 3 bytes", word(8, 3 << 19, 0xFF << 19), ANY),
    ("registers in BAR 7", word(8, 7, 7), ANY),
    ("registers beyond their BAR", word(0x0C, 0xFFFFF000), ANY),
    ("registers at 2^63", word(0x10, 1 << 31), ANY),
    ("a layout that nobody knows", word(0x14, 0x42, 0xFF), ANY),
    ("a map that nobody knows", word(0x14, 0x4200, 0xFF00), ANY),
    ("a register window of 0 bytes", word(0x18, 0), ANY),
    ("a register window of 4 GiB", word(0x18, 0xFFFFFFFF), ANY),
    ("another channel than its place says", word(ENTRY, 5, 0xFF), ANY),
    ("lists in BAR 6", word(ENTRY, 6 << 8, 7 << 8), ANY),
    ("lists in a BAR that is not there", word(ENTRY, 5 << 8, 7 << 8), ANY),
    ("lists beyond their BAR", word(ENTRY + 4, 0xFFFFF000), ANY),
    ("lists of 0 bytes", word(ENTRY + 0xC, 0), ANY),
    ("lists of 4 GiB", word(ENTRY + 0xC, 0xFFFFFFFF), ANY),
    ("lists of 24 bytes", word(ENTRY + 0xC, 24), ANY),
    ("metadata that reads as all ones", reads(META, lambda off, w: 0xFFFFFFFF), r"\[ENODEV\]"),
    ("registers that read as all ones", reads(REGS, lambda off, w: 0xFFFFFFFF), ANY),
    ("registers that read as zero", reads(REGS, lambda off, w: 0), ANY),
    ("another count of channels in the engine", reads(REGS, lambda off, w: 0x10001 if off == 8 else w), ANY),
]
for what, answer, says in LIES:
    check(*verdict(Server(ep, answer=answer), what, TRANSFER_S, says))
ROUNDS = 200 if LONG else 6
for region, what, keep in ((META, "metadata", (0,)), (REGS, "registers", ())):
    bad = [text for seed in range(ROUNDS)
           for good, text in [verdict(Server(ep, answer=noise(region, seed, keep)), f"seed {seed}", TRANSFER_S, ANY, (0, 1))] if not good]
    check(not bad, f"{ROUNDS} devices whose {what} say something else at each look {bad[:3] or ''}")
honest = subprocess.run([FORELAND, "epdma", "host", "verify", "--socket", ep.socket], capture_output=True, text=True)
check(honest.returncode == 0 and " 0 different" in honest.stdout, "the endpoint behind all this serves the next")
ep.stop()


# ---- the server that stops or floods: each waits for a limit, so they wait side by side ----

def after(n, then):
    """The first @n replies as they are, then then(server, asked, hdr, body, fds)."""
    def answer(server, asked, hdr, body, fds):
        server.seen += 1
        return (hdr, body, fds) if server.seen <= n else then(server, asked, hdr, body, fds)
    return answer


def silence(server, *_):
    server.stop.wait(TRANSFER_S + SLACK_S)
    raise Gone


def half(server, asked, hdr, body, fds):
    server.host.s.sendall(struct.pack("=HHIII", *hdr)[:9])
    silence(server)


def dribble(server, asked, hdr, body, fds):
    for b in struct.pack("=HHIII", *hdr) + body:
        server.host.s.sendall(bytes([b]))
        if server.stop.wait(1):
            break
    raise Gone


def asks_for_ever(server, asked, hdr, body, fds):
    """For memory that was never mapped, and reads what it is told."""
    while True:
        server.host.send(struct.pack("=HHIIIQQ", 7, C.DMA_READ, 32, 0, 0, 0xDEAD0000, 64))
        server.host.exactly(16)


def floods(server, asked, hdr, body, fds):
    """The same, and reads nothing."""
    while True:
        server.host.send(struct.pack("=HHIIIQQ", 7, C.DMA_READ, 32, 0, 0, 0xDEAD0000, 64))


def oversize(server, asked, hdr, body, fds):
    server.host.s.sendall(struct.pack("=HHIII", hdr[0], hdr[1], 0xFFFFFFF0, 1, 0))
    silence(server)


def unasked(server, asked, hdr, body, fds):
    server.host.frame_out([0x7777, C.READ, 16, 1, 0], b"")
    return hdr, body, fds


def beyond(count, cmd):
    """Asks for @count bytes of memory behind whatever is mapped, then answers."""
    def then(server, asked, hdr, body, fds):
        data = bytes(min(count, 4096)) if cmd == C.DMA_WRITE else b""
        server.host.send(struct.pack("=HHIIIQQ", 7, cmd, 32 + len(data), 0, 0, 0xFFFFFFFFFFFFF000, count) + data)
        refused, _, _ = server.host.reply_in()
        if not refused[3] & 0x20:
            os._exit(2)
        return hdr, body, fds
    return then


def not_ready(server, asked, hdr, body, fds):
    return reads(META, lambda off, w: w & 0x7FFFFFFF if off == 8 else w)(server, asked, hdr, body, fds)


def no_doorbell(server, hdr, body, fds):
    """The engine never hears of a transfer."""
    if hdr[1] == C.WRITE and struct.unpack_from("=QI", body) in ((0x10, REGS), (0x30, REGS)):
        return None
    return hdr, body, fds


DEAD = r"the server does not answer|the server is gone|closed the connection|no vfio-user message|takes nothing more"
SLOW = [
    ("it takes the connection and says nothing", None, silence, None, REPLY_S, DEAD),
    ("it falls silent after 30 replies", None, after(30, silence), True, REPLY_S, DEAD),
    ("half a header, then silence", None, after(20, half), True, REPLY_S + 5, DEAD),
    ("a reply byte by byte", None, after(25, dribble), True, REPLY_S + 5, DEAD),
    ("it asks for memory for ever and never answers", None, after(40, asks_for_ever), True, REPLY_S, DEAD),
    ("it asks for memory and takes no answer", None, after(40, floods), True, REPLY_S + SEND_S, DEAD),
    ("a size past every limit, then silence", None, after(10, oversize), True, REPLY_S, DEAD),
    ("a reply that nobody asked for", None, after(35, unasked), True, REPLY_S, r"does not fit|\[ENODEV\]"),
    ("it asks for memory beyond the end of all", None, after(45, beyond(1 << 20, C.DMA_READ)), True, REPLY_S, DEAD),
    ("it asks for 2^64-1 bytes", None, after(45, beyond(2**64 - 1, C.DMA_READ)), True, REPLY_S, DEAD),
    ("it writes to memory beyond the end of all", None, after(45, beyond(4096, C.DMA_WRITE)), True, REPLY_S, DEAD),
    ("READY is never set", None, not_ready, True, READY_S, r"did not set READY within 2000 ms \[ETIMEDOUT\]"),
] + ([("transfers that never end", no_doorbell, None, True, TRANSFER_S, r"\[ETIMEDOUT\]")] if LONG else [])
results = {}


def slow(i):
    what, ask, answer, device, seconds, says = SLOW[i]
    mine = Endpoint(FORELAND, "rk3588", "--msi", "4") if device else None
    server = Server(mine, (lambda s, *f: silence(s)) if answer is silence else ask, None if answer is silence else answer)
    results[i] = verdict(server, what, seconds, says, (0,) if "beyond" in what or "2^64" in what else (1,))
    if mine:
        mine.stop()


def not_accepted():
    """Nobody takes it, and others wait in front of it already."""
    s = socket.socket(socket.AF_UNIX)
    path = tempfile.mktemp(dir=tmp)
    s.bind(path)
    s.listen(0)
    waiting = []
    try:
        for _ in range(3):
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            waiting[-1].connect(path)
    except BlockingIOError:
        pass
    server = type("Full", (), {"path": path, "close": lambda self: s.close()})()
    results[len(SLOW)] = verdict(server, "it takes no connection, and its queue is full", REPLY_S, r"full\.|: error: ")


threads = [threading.Thread(target=slow, args=(i,)) for i in range(len(SLOW))] + [threading.Thread(target=not_accepted)]
[t.start() for t in threads]
[t.join() for t in threads]
for i in sorted(results):
    check(*results[i])
sys.exit(done())
