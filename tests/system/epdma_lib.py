# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of endpoint and host processes share: an endpoint that runs, its memory as a file, and
a vfio-user client written here from the protocol's description, which shares no line with foreland."""
import atexit, json, os, socket, struct, subprocess, sys, threading

from tap import check, done, folder, skip  # most tests take them from here

BOARDS = {"rk3588": 0x20000000, "r-car-s4": 0x490000000, "spacemit-k3": 0x120000000, "generic": 0x40000000}


class Endpoint:
    """foreland epdma endpoint in a process of its own."""

    def __init__(self, foreland, board, *args):
        self.dir = folder("epdma")
        self.socket = os.path.join(self.dir, "ep.sock")
        self.log = open(os.path.join(self.dir, "log"), "w+")
        self.board = board
        self.p = subprocess.Popen([foreland, "epdma", "endpoint", "--board", board, "--socket", self.socket,
                                   "--json", *args], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.schema = json.loads(self.p.stdout.readline())
        self.hello = json.loads(self.p.stdout.readline())
        self.ram = self.hello["memory"]
        # It tells of each host that comes and goes, and waits while nobody reads.
        self.lines = []
        self.drain = threading.Thread(target=lambda out: self.lines.extend(out), args=(self.p.stdout,),
                                      daemon=True)
        self.drain.start()
        atexit.register(lambda: self.p.poll() is None and self.p.kill())

    def memory(self):
        """Path of the endpoint's memory: the file that backs it, read without foreland's help."""
        fds = f"/proc/{self.p.pid}/fd"
        for fd in os.listdir(fds):
            if "foreland-ram" in os.readlink(f"{fds}/{fd}"):
                return f"{fds}/{fd}"
        raise RuntimeError("no memory")

    def fds(self):
        return len(os.listdir(f"/proc/{self.p.pid}/fd"))

    def maps(self):
        return len(open(f"/proc/{self.p.pid}/maps").readlines())

    def stop(self):
        """Ends it; its lines of output, and the exit status."""
        self.p.terminate()
        code = self.p.wait(20)
        self.drain.join()
        subprocess.run(["rm", "-rf", self.dir])
        return [json.loads(l) for l in self.lines], code


def sha256(path, start=0, size=None):
    """By sha256sum, of a part of a file."""
    if size is None:
        size = os.path.getsize(path) - start
    dd = subprocess.Popen(["dd", f"if={path}", "bs=1M", "iflag=skip_bytes,count_bytes", f"skip={start}",
                           f"count={size}", "status=none"], stdout=subprocess.PIPE)
    return subprocess.run(["sha256sum"], stdin=dd.stdout, capture_output=True, text=True).stdout.split()[0]


class Client:
    """A vfio-user client: frames by hand, sent in whatever pieces a test wants."""
    VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, REGION_IO_FDS, IRQ_INFO, SET_IRQS = range(1, 9)
    READ, WRITE, DMA_READ, DMA_WRITE, RESET = range(9, 14)

    def __init__(self, path, piece=None):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.s.settimeout(10)
        self.id = 0
        self.piece = piece

    def frame(self, cmd, body=b"", flags=0, size=None):
        self.id = (self.id + 1) & 0xFFFF
        return struct.pack("=HHIII", self.id, cmd, 16 + len(body) if size is None else size, flags, 0) + body

    def send(self, data, fds=()):
        step = self.piece or len(data)
        first = data[:step]
        if fds:
            self.s.sendmsg([first], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))])
        else:
            self.s.sendall(first)
        for at in range(step, len(data), step):
            self.s.sendall(data[at:at + step])

    def exactly(self, n):
        out = b""
        self.fds = getattr(self, "fds", [])
        while len(out) < n:
            data, anc, _, _ = self.s.recvmsg(n - len(out), 4096)
            for level, kind, raw in anc:
                if kind == socket.SCM_RIGHTS:
                    self.fds += list(struct.unpack(f"={len(raw) // 4}i", raw))
            if not data:
                raise EOFError
            out += data
        return out

    def reply(self):
        hdr = struct.unpack("=HHIII", self.exactly(16))
        body = self.exactly(hdr[2] - 16)
        return hdr, body

    def call(self, cmd, body=b"", fds=(), flags=0):
        """The reply's body; an errno as a negative number instead."""
        self.fds = []
        self.send(self.frame(cmd, body, flags), fds)
        hdr, body = self.reply()
        assert hdr[0] == self.id and hdr[1] == cmd and hdr[3] & 0xF == 1, hdr
        if hdr[3] & 0x20:
            assert hdr[2] == 16 and hdr[4]
            return -hdr[4]
        return body

    def version(self, major=0, minor=1, caps=b'{"capabilities":{}}\0'):
        return self.call(self.VERSION, struct.pack("=HH", major, minor) + caps)

    def read(self, region, off, count):
        r = self.call(self.READ, struct.pack("=QII", off, region, count))
        return r if isinstance(r, int) else r[16:]

    def write(self, region, off, data):
        return self.call(self.WRITE, struct.pack("=QII", off, region, len(data)) + data)

    def map(self, addr, size, fd=None, flags=3, offset=0, argsz=32):
        return self.call(self.DMA_MAP, struct.pack("=IIQQQ", argsz, flags, offset, addr, size),
                         [fd] if fd is not None else [])

    def unmap(self, addr, size, flags=0, argsz=24):
        return self.call(self.DMA_UNMAP, struct.pack("=IIQQ", argsz, flags, addr, size))

    def set_irqs(self, flags, index, start, count, data=b"", fds=(), argsz=20):
        return self.call(self.SET_IRQS, struct.pack("=IIIII", argsz, flags, index, start, count) + data, fds)

    def close(self):
        self.s.close()
