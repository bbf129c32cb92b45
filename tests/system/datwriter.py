# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of any machine, made from trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5): not by our code."""
import struct
import subprocess
import zlib

COMMON = """\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

"""
OPTIONS = {"date": 1, "cpustat": 2, "buffer": 3, "clock": 4, "uname": 5, "offset": 7, "cpucount": 8, "version": 9, "procmaps": 10,
           "traceid": 11, "time_shift": 12, "tsc2nsec": 14}


def format_of(name, number, fields, print_fmt):
    """A format file; @fields are (C type, name, offset, size, signed), an array's brackets behind its name."""
    lines = "".join(f"\tfield:{t} {n};\toffset:{o};\tsize:{s};\tsigned:{int(g)};\n" for t, n, o, s, g in fields)
    return f"name: {name}\nID: {number}\nformat:\n{COMMON}{lines}\nprint fmt: {print_fmt}\n"


class Machine:
    def __init__(self, big=False, long_size=8, page_size=4096):
        self.order, self.long_size, self.page_size = ">" if big else "<", long_size, page_size
        self.big = big
        self.head = 8 + long_size

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def long(self, v):
        return self.pack("Q" if self.long_size == 8 else "I", v)

    def word(self, kind, delta):
        return self.pack("I", kind << 27 | delta if self.big else kind | delta << 5)

    def header_page(self):
        return (f"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
                f"\tfield: local_t commit;\toffset:8;\tsize:{self.long_size};\tsigned:1;\n"
                f"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
                f"\tfield: char data;\toffset:{self.head};\tsize:{self.page_size - self.head};\tsigned:1;\n").encode()

    def record(self, number, pid, body, flags=0):
        return self.pack("HBBi", number, flags, 0, pid) + body

    def pages(self, records, missed=None):
        """Pages of [(time, record)]; @missed: {index of a page: records lost before it (-1: unknown)}."""
        out, entries, first, last = [], b"", None, 0

        def flush():
            commit, tail = len(entries), b""
            lost = (missed or {}).get(len(out))
            if lost is not None:
                commit |= 1 << 31
                if lost >= 0:
                    commit |= 1 << 30
                    tail = self.long(lost)
            page = self.pack("Q", first) + self.long(commit) + entries + tail
            out.append(page + bytes(self.page_size - len(page)))

        for time, rec in records:
            rec += bytes(-len(rec) % 4)
            if first is not None and self.head + len(entries) + len(rec) + 24 > self.page_size:
                flush()
                entries, first = b"", None
            if first is None:
                first = last = time
            delta = time - last
            if delta >= 1 << 27:
                entries += self.word(30, delta & (1 << 27) - 1) + self.pack("I", delta >> 27)
                delta = 0
            if len(rec) <= 112:
                entries += self.word(len(rec) // 4, delta)
            else:
                entries += self.word(0, delta) + self.pack("I", len(rec) + 4)
            entries += rec
            last = time
        if first is not None:
            flush()
        return b"".join(out)


class Recording:
    """@buffers: [(name, clock, {cpu: pages})], the main one first; @options: [(name, bytes)]."""

    def __init__(self, machine, formats, buffers, ftrace=(), options=(), comms=None, kallsyms="", printk="", sections=()):
        self.m, self.formats, self.buffers, self.ftrace = machine, formats, buffers, list(ftrace)
        self.options, self.kallsyms, self.printk = list(options), kallsyms, printk
        self.sections = list(sections)  # (number, bytes), of version 7
        self.comms = "".join(f"{p} {c}\n" for p, c in (comms or {}).items())

    def sized(self, text, form):
        data = text if isinstance(text, bytes) else text.encode()
        return self.m.pack(form, len(data)) + data

    def start(self, version):
        return (b"\x17\x08\x44tracing" + version + b"\0" + bytes([self.m.big, self.m.long_size]) +
                self.m.pack("I", self.m.page_size))

    def ring_formats(self):
        return (b"header_page\0" + self.sized(self.m.header_page(), "Q") +
                b"header_event\0" + self.sized("# compressed entry header\n", "Q"))

    def ftrace_formats(self):
        return self.m.pack("I", len(self.ftrace)) + b"".join(self.sized(f, "Q") for f in self.ftrace)

    def event_formats(self):
        out = self.m.pack("I", len(self.formats))
        for system, texts in self.formats.items():
            out += system.encode() + b"\0" + self.m.pack("I", len(texts)) + b"".join(self.sized(t, "Q") for t in texts)
        return out

    def option(self, number, data):
        return self.m.pack("HI", number, len(data)) + data

    def version_6(self):
        m, (name, clock, streams) = self.m, self.buffers[0]
        cpus = max(max(s, default=0) for _, _, s in self.buffers) + 1
        out = (self.start(b"6") + self.ring_formats() + self.ftrace_formats() + self.event_formats() +
               self.sized(self.kallsyms, "I") + self.sized(self.printk, "I") + self.sized(self.comms, "Q") +
               m.pack("I", cpus))
        options = [(OPTIONS[k], v) for k, v in self.options]
        if clock:
            options.append((OPTIONS["clock"], b""))
        table = 10 + 16 * cpus
        clock_text = self.sized(f"[{clock}] other\0", "Q") if clock else b""
        fixed = len(out) + 10 + sum(6 + len(v) for _, v in options) + 2 + table + len(clock_text)
        fixed += sum(6 + 8 + len(n) + 1 for n, _, _ in self.buffers[1:])
        at = fixed + table * (len(self.buffers) - 1)
        tables, data = [], b""
        for _, _, streams in self.buffers:
            t = b"flyrecord\0"
            for cpu in range(cpus):
                pages = streams.get(cpu, b"")
                pad = -(at + len(data)) % m.page_size if pages else 0
                data += bytes(pad)
                t += m.pack("QQ", at + len(data), len(pages))
                data += pages
            tables.append(t)
        for i, (n, _, _) in enumerate(self.buffers[1:]):
            options.append((OPTIONS["buffer"], m.pack("Q", fixed + table * i) + n.encode() + b"\0"))
        out += b"options  \0" + b"".join(self.option(*o) for o in options) + m.pack("H", 0)
        return out + tables[0] + clock_text + b"".join(tables[1:]) + data

    def squeeze(self, packing, data):
        if packing == "zlib":
            return zlib.compress(data)
        return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout

    def version_7(self, packing="none", pages_in_chunk=3, backwards=False):
        """@backwards: sections in the opposite order, and the options in two sections."""
        m = self.m
        head = self.start(b"7") + packing.encode() + b"\0" + (b"1.0\0" if packing != "none" else b"\0")
        out = bytearray(head + bytes(8))
        options = [(OPTIONS[k], v) for k, v in self.options]

        def section(number, content, squeezed=True):
            at, packed = len(out), squeezed and packing != "none"
            if packed:
                block = self.squeeze(packing, content)
                content = m.pack("II", len(block), len(content)) + block
            out.extend(m.pack("HHIQ", number, packed, 0, len(content)) + content)
            return at

        parts = [(16, self.ring_formats()), (17, self.ftrace_formats()), (18, self.event_formats()),
                 (19, self.sized(self.kallsyms, "I")), (20, self.sized(self.printk, "I")), (21, self.sized(self.comms, "Q"))]
        for number, content in parts[::-1] if backwards else parts:
            options.append((number, m.pack("Q", section(number, content))))
        for number, content in self.sections:
            options.append((number, m.pack("Q", section(number, content))))
        for name, clock, streams in self.buffers:
            if isinstance(streams, bytes):  # a latency tracer's text
                options.append((22, m.pack("Q", section(22, streams, squeezed=False)) + name.encode() + b"\0" + clock.encode() + b"\0"))
                continue
            at, table = len(out), b""
            out.extend(m.pack("HHIQ", 3, packing != "none", 0, 0))
            for cpu, pages in streams.items():
                if packing == "none":
                    out.extend(bytes(-len(out) % m.page_size))
                start, size = len(out), m.page_size * pages_in_chunk
                if packing == "none":
                    out.extend(pages)
                else:
                    chunks = [pages[i:i + size] for i in range(0, len(pages), size)]
                    out.extend(m.pack("I", len(chunks)))
                    for c in chunks:
                        block = self.squeeze(packing, c)
                        out.extend(m.pack("II", len(block), len(c)) + block)
                table += m.pack("IQQ", cpu, start, len(out) - start)
            out[at + 8:at + 16] = m.pack("Q", len(out) - at - 16)
            options.append((3, m.pack("Q", at) + name.encode() + b"\0" + clock.encode() + b"\0" +
                            m.pack("II", m.page_size, len(streams)) + table))
        second = b"".join(self.option(*o) for o in options[1::2]) if backwards else b""
        first = b"".join(self.option(*o) for o in (options[::2] if backwards else options))
        next_at = section(0, second + self.option(0, m.pack("Q", 0))) if backwards else 0
        at = section(0, first + self.option(0, m.pack("Q", next_at)), squeezed=False)
        out[len(head):len(head) + 8] = m.pack("Q", at)
        return bytes(out)
