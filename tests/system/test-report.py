#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-report.py FORELAND: recordings of every version, byte order, word and page size are read.

They are made by datwriter.py from the format's manual pages. What is to be printed is known from what
was put in; trace-cmd, where it is there, is asked whether it reads the same from them."""
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from datwriter import Machine, Recording, format_of
from tap import done, expect

foreland = sys.argv[1]
names = []
tmp = tempfile.TemporaryDirectory()


def write(data):
    names.append(f"{tmp.name}/r{len(names)}.dat")
    path = names[-1]
    with open(path, "wb") as f:
        f.write(data)
    return path


def report(*args):
    return subprocess.run([foreland, "report", *args], capture_output=True)


LINE = re.compile(r"^\s*(\S+)-(\d+)\s+\[(\d+)\]\s+(?:[.\w]{4,5}\s+)?(\d+\.\d+|\d+): +(\w+):\s*(.*)$")


def rows(text):
    """(comm, pid, cpu, time, event, the rest), of our lines or trace-cmd's."""
    return [LINE.match(l).groups() if LINE.match(l) else l for l in text.splitlines() if l.strip() and l[:5] != "cpus="]


def sample(m):
    """The format of one event on that machine, and a record of it."""
    long = "Q" if m.long_size == 8 else "I"
    fields = [("int", "a", 8, 4, True), ("unsigned short", "b", 12, 2, False), ("unsigned char", "c", 14, 1, False),
              ("unsigned long", "l", 16, m.long_size, False), ("u64", "q", 24, 8, False), ("char", "s[8]", 32, 8, False)]
    text = format_of("sample", 300, fields, '"a=%d b=%u c=%u l=%lu q=%llu s=%s", REC->a, REC->b, REC->c, REC->l, REC->q, REC->s')

    def record(i, pid=100):
        return m.record(300, pid, m.pack("iHBx", -i, 2 * i, i % 250) + m.pack(long, 3 * i) + bytes(8 - m.long_size) +
                        m.pack("Q", 5 << 32 | i) + b"x%d" % i + bytes(8 - len("x%d" % i)))
    return text, record


def expected(i, time, cpu, pid, comm):
    return (comm, str(pid), f"{cpu:03}", f"{(time + 500) // 10**9}.{(time + 500) % 10**9 // 1000:06}", "sample",
            f"a={-i} b={2 * i} c={i % 250} l={3 * i} q={(5 << 32) + i} s=x{i}")


def theirs(path):
    r = subprocess.run(["trace-cmd", "report", "-N", path], capture_output=True, text=True)
    return rows(r.stdout)


def plain(row):
    """Without what only one of the two puts around a value."""
    return [x.replace('"', "") for x in row[:5]] + [row[5].replace('"', "")]


# ---- every kind of machine ----
has_zstd = shutil.which("zstd")
for big in (False, True):
    for long_size in (8, 4):
        for page_size in (4096, 16384, 65536):
            m = Machine(big, long_size, page_size)
            text, record = sample(m)
            times = [10**9 * 7 + i * 1000 for i in range(400)]
            times[200:] = [t + (1 << 33) for t in times[200:]]  # a gap that needs a time extension
            cpu = {c: m.pages([(t, record(i, 100 + c)) for i, t in enumerate(times) if i % 3 == c]) for c in range(3)}
            want = [expected(i, t, i % 3, 100 + i % 3, ("zero", "one", "<...>")[i % 3]) for i, t in enumerate(times)]
            rec = Recording(m, {"test": [text]}, [("", "local", cpu)], comms={100: "zero", 101: "one"})
            kinds = {"version 6": rec.version_6(), "version 7": rec.version_7(), "version 7, zlib": rec.version_7("zlib"),
                     "version 7, zlib, options in any order": rec.version_7("zlib", 1, True)}
            if has_zstd:
                kinds["version 7, zstd"] = rec.version_7("zstd", 10)
            for kind, data in kinds.items():
                path = write(data)
                r = report(path)
                got = rows(r.stdout.decode())
                name = f"{kind}, {'big' if big else 'little'} endian, {8 * long_size} bits, pages of {page_size}"
                expect(name, r.returncode == 0 and not r.stderr and [plain(g) for g in got] == [list(w) for w in want],
                       (r.stderr, [(g, w) for g, w in zip(got, want) if g != w][:2], len(got)))
                if shutil.which("trace-cmd") and "zlib" not in kind and page_size == 4096:
                    t = theirs(path)
                    expect(f"trace-cmd agrees: {name}", [x[:5] for x in t] == [x[:5] for x in got], (t[:2], got[:2], len(t)))

# ---- what stands beside the records ----
m = Machine()
text, record = sample(m)
one = {0: m.pages([(5000, record(1))]), 1: m.pages([(3000, record(2, 200))])}
late = {1: m.pages([(4000, record(3, 200))]), 6: m.pages([(6000, record(4, 300))])}
for version in (6, 7):
    def make(options=(), clock="local", buffers=None):
        r = Recording(m, {"test": [text]}, buffers or [("", clock, one)], options=options)
        return write(r.version_6() if version == 6 else r.version_7())

    path = make(buffers=[("", "local", one), ("foo", "local", late)])
    r = report(path)
    got = r.stdout.decode().splitlines()
    expect(f"version {version}: every buffer's records are shown, by time, with its name",
           r.returncode == 0 and [re.search(r"s=\"?(x\d)", l).group(1) for l in got] == ["x2", "x3", "x1", "x4"] and
           [l.lstrip().startswith("foo: ") for l in got] == [False, True, False, True], (r.stderr, got))
    objects = [json.loads(l) for l in report("--json", path).stdout.splitlines()]
    expect(f"version {version}: and in JSON by the key 'source'",
           [o.get("source") for o in objects if "event" in o] == [None, "foo", None, "foo"], objects)
    expect(f"version {version}: CPUs that came late", [o["cpu"] for o in objects if "event" in o] == [1, 1, 0, 6], objects)
    r = report(make([("date", b"0x10\0"), ("offset", b"-7000\0")]))
    got = rows(r.stdout.decode())
    # date is in us, offset in ns: 3000 + 16000 - 7000
    expect(f"version {version}: offsets of time are added", [g[3] for g in got] == ["0.000012", "0.000014"], (r.stderr, got))
    r = report(make(clock="x86-tsc"))
    got = rows(r.stdout.decode())
    expect(f"version {version}: cycles are shown as cycles", [g[3] for g in got] == ["3000", "5000"], (r.stderr, got))
    objects = [json.loads(l) for l in report("--json", make(clock="counter")).stdout.splitlines()]
    expect(f"version {version}: and have another key than time_ns", [o.get("time") for o in objects if "event" in o] == [3000, 5000] and
           not any("time_ns" in o for o in objects), objects)
    r = report(make([("tsc2nsec", m.pack("IIQ", 1 << 20, 19, 0))], "x86-tsc"))
    got = rows(r.stdout.decode())
    expect(f"version {version}: unless the file says how to turn them into time", [g[3] for g in got] == ["0.000006", "0.000010"], got)
    # Two samples at one offset: each stamp moves by it; scaling is 1.
    shift = m.pack("QII", 1, 0, 2) + 2 * (m.pack("I", 1) + m.pack("q", 0) + m.pack("q", 2000) + m.pack("Q", 1)) + 2 * m.pack("Q", 0)
    got = rows(report(make([("time_shift", shift)])).stdout.decode())
    expect(f"version {version}: a guest's times are its host's", [g[3] for g in got] == ["0.000005", "0.000007"], got)
    r = report(make([("cpustat", b"CPU: 0\nentries: 5\n\0")]))
    expect(f"version {version}: the statistics are told", b"entries: 5" in r.stderr, r.stderr)

lost = [(i * 1000, record(i)) for i in range(250)]
n = m.pages(lost, {1: 17, 2: -1})
r = report(write(Recording(m, {"test": [text]}, [("", "local", {0: n})]).version_6()))
got = r.stdout.decode().splitlines()
marks = [l for l in got if "DROPPED" in l]
expect("lost records are told where they are missing", marks == ["CPU:0 [17 EVENTS DROPPED]", "CPU:0 [EVENTS DROPPED]"] and
       len(got) == 252, (marks, len(got)))
if shutil.which("trace-cmd"):
    t = subprocess.run(["trace-cmd", "report", "-N", write(Recording(m, {"test": [text]}, [("", "local", {0: n})]).version_6())],
                       capture_output=True, text=True).stdout.splitlines()
    expect("with the words of trace-cmd, at its places",
           [i for i, l in enumerate(t[1:]) if "DROPPED" in l] == [i for i, l in enumerate(got) if "DROPPED" in l] and
           [l.strip() for l in t if "DROPPED" in l] == marks, t[:5])

# ---- print fmt: what the kernel's seq_printf() and trace_print_*_seq() make of the same words ----
FIELDS = [("u32", "u", 8, 4, False), ("int", "i", 12, 4, True), ("u64", "q", 16, 8, False), ("char", "s[8]", 24, 8, True),
          ("u8", "ip[4]", 32, 4, False), ("u8", "six[16]", 36, 16, False), ("u8", "mac[6]", 52, 6, False),
          ("__be16", "port", 58, 2, False), ("__data_loc char[]", "d", 60, 4, True), ("__data_loc u32[]", "arr", 64, 4, False),
          ("__data_loc __u8[]", "sa", 68, 4, False), ("__data_loc unsigned long[]", "mask", 72, 4, False),
          ("unsigned long", "at", 80, 8, False), ("s8", "c", 88, 1, True), ("__rel_loc char[]", "r", 92, 4, True)]
fixed = 96
SYMBOLS = "ffffffff81000000 T first_function\nffffffff81001000 t second_function\t[mod]\nffffffff81002000 T end\n"
def print_record(m):
    tails = [b"dynamic\0", m.pack("III", 1, 255, 4096),
             m.pack("H", 2) + struct.pack(">H", 8080) + bytes([127, 0, 0, 1]) + bytes(8), m.pack("QQ", 0x5, 1 << 63), b"rel\0"]
    locs, at = [], fixed
    for t in tails:
        locs.append(at | len(t) << 16)
        at += len(t)
    locs[4] = (locs[4] & 0xffff) - 96 | len(tails[4]) << 16
    body = m.pack("IiQ", 5, -3, 1 << 40) + b"text\0\0\0\0" + bytes([10, 1, 2, 3])
    body += bytes.fromhex("20010db8000000000000000000000001") + bytes.fromhex("0a1b2c3d4e5f") + struct.pack(">H", 443)
    body += m.pack("IIII", *locs[:4]) + bytes(4) + m.pack("Q", 0xffffffff81000010) + m.pack("b", -7) + bytes(3) + m.pack("I", locs[4])
    return m.record(400, 7, body + b"".join(tails))


CASES = [
    ('"%d %u %x %#x %05d|%-6d|%6d|%+d", REC->i, REC->u, REC->u, REC->u, REC->i, REC->u, REC->u, REC->u', "-3 5 5 0x5 -0003|5     |     5|+5"),
    ('"%s|%8s|%-8s|%.2s", REC->s, REC->s, REC->s, REC->s', "text|    text|text    |te"),
    ('"%s %s 100%%", __get_str(d), __get_rel_str(r)', "dynamic rel 100%"),
    ('"%llu %llx %lu", REC->q, REC->q, (unsigned long)REC->q', "1099511627776 10000000000 1099511627776"),
    ('"%s", __print_flags(REC->u, "|", { 0x1, "A" }, { 0x2, "B" }, { 0x4, "C" })', "A|C"),
    ('"%s", __print_flags(REC->u, " ", { 1UL << 2, "C" })', "C 0x1"),
    ('"%s|", __print_flags(REC->u & 8, "|", { 8, "H" })', "|"),
    ('"%s %s", __print_symbolic(REC->u, { 4, "four" }, { 5, "five" }), __print_symbolic(REC->u, { 4, "four" })', "five 0x5"),
    ('"%s", __print_symbolic(REC->i, { -3, "minus" })', "minus"),
    ('"%s", __print_hex(REC->ip, 4)', "0a 01 02 03"),
    ('"%s", __print_hex_str(REC->ip, sizeof(REC->ip))', "0a010203"),
    ('"%s", __print_dynamic_array(arr, 4)', "{0x1,0xff,0x1000}"),
    ('"%s", __print_array(__get_dynamic_array(arr), __get_dynamic_array_len(arr) / 4, 4)', "{0x1,0xff,0x1000}"),
    ('"%d", __get_dynamic_array_len(arr)', "12"),
    ('"%u", ((u32 *)__get_dynamic_array(arr))[1]', "255"),
    ('"%s", __get_bitmask(mask)', "80000000,00000000,00000000,00000005"),
    ('"%*pbl", 128, __get_dynamic_array(mask)', "0,2,127"),
    ('"%pISpc", __get_sockaddr(sa)', "127.0.0.1:8080"),
    ('"%pI4 %pI6c %pI6 %pM", REC->ip, REC->six, REC->six, REC->mac',
     "10.1.2.3 2001:db8::1 2001:0db8:0000:0000:0000:0000:0000:0001 0a:1b:2c:3d:4e:5f"),
    ('"%*phC", 6, REC->mac', "0a:1b:2c:3d:4e:5f"),
    ('"%ps %pS", (void *)REC->at, (void *)REC->at', "first_function first_function+0x10/0x2000"),
    ('"%s", REC->u > 4 ? "more" : "less"', "more"),
    ('"%d", REC->i < 0 && REC->u == 5 ? (REC->i * 2 + 10) % 4 : 99', "0"),
    ('"%d %d", REC->i >> 1, REC->u << 3 | 1', "-2 41"),
    ('"%u", (u8)(REC->i)', "253"),
    ('"%d", (int)(REC->u - 6U)', "-1"),
    ('"%d", REC->u - 6U > 0', "1"),
    ('"%d", REC->c', "-7"),
    ('"%c%c", 65 + REC->u, \'z\'', "Fz"),
    ('"%d:%d", ((unsigned int) ((REC->u) >> 20)), ((unsigned int) ((REC->u) & ((1U << 20) - 1)))', "0:5"),
    ('"%u", REC->ip[3]', "3"),
    ('"a" "b%d" "\\t\\"c\\"", REC->u', 'ab5\t"c"'),
    ('"%lu.%06lu", __print_ns_to_secs(REC->q), __print_ns_without_secs(REC->q)', "1099.511627776"),
    ('"%*d|%.*s", 4, REC->u, 3, REC->s', "   5|tex"),
    ('"%hhx %hx", REC->i, REC->i', "fd fffd"),
    ('"%s", __print_symbolic(REC->u, { UNKNOWN_NAME, "unknown" }, { 5, "five" })', "five"),
    ('"%x", ~REC->u', "fffffffa"),
    ('"%u", ntohs_of_nobody(REC->port)', None), # a function of the kernel: all fields
    ('"%s", ({ int x = REC->u; x; })', None),
]
for big in (False, True):
    m = Machine(big)
    for print_fmt, want in CASES:
        if big and "port" in print_fmt:
            continue
        text = format_of("shown", 400, FIELDS, print_fmt)
        rec = Recording(m, {"test": [text]}, [("", "local", {0: m.pages([(1000, print_record(m))])})], kallsyms=SYMBOLS)
        got = report("--bytes", write(rec.version_7())).stdout.decode().partition("shown: ")[2].rstrip("\n")
        ok = got == want if want is not None else got.startswith("u=5 i=-3 ") or got.startswith(" u=5 i=-3 ")
        expect(f"{print_fmt[:70]} {'(big endian)' if big else ''}", ok, (got, want))
text = format_of("shown", 400, FIELDS, '"%d %s", REC->u, REC->s')
rec = Recording(m, {"test": [text]}, [("", "local", {0: m.pages([(1000, print_record(m))])})], kallsyms=SYMBOLS)
path = write(rec.version_6())
o = json.loads(report("--json", path).stdout.splitlines()[1])
expect("JSON has the fields, and the text under a key of its own", o["text"] == "5 text" and o["args"]["u"] == 5 and
       o["args"]["arr"] == [1, 255, 4096] and o["args"]["mask"] == [5, 1 << 63] and o["args"]["sa"][:4] == [0, 2, 0x1f, 0x90] and
       o["args"]["s"] == "text", o)
expect("--raw prints the fields", b" u=5 i=-3 " in report("--raw", path).stdout and
       b" arr={1,255,4096} " in report("--raw", path).stdout, report("--raw", path).stdout)

# ---- events of ftrace's own ----
m = Machine()
FTRACE = [format_of("print", 5, [("unsigned long", "ip", 8, 8, False), ("char", "buf[]", 16, 0, True)], '"%ps: %s", (void *)REC->ip, REC->buf'),
          format_of("bprint", 6, [("unsigned long", "ip", 8, 8, False), ("const char *", "fmt", 16, 8, False), ("u32", "buf[]", 24, 0, False)],
                    '"%ps: %s", (void *)REC->ip, REC->fmt'),
          format_of("bputs", 14, [("unsigned long", "ip", 8, 8, False), ("const char *", "str", 16, 8, False)], '"%ps: %s", (void *)REC->ip, REC->str'),
          format_of("raw_data", 16, [("unsigned int", "id", 8, 4, False), ("char", "buf[]", 12, 0, True)], '"id:%04x %08x", REC->id, (int)REC->buf[0]'),
          format_of("function", 1, [("unsigned long", "ip", 8, 8, False), ("unsigned long", "parent_ip", 16, 8, False)],
                    '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip')]
at = 0xffffffff81000010
# vbin_printf(): an int aligned to 4, a long long in two words, a string with its NUL, then aligned again
binary = m.pack("i", -5) + b"str\0" + m.pack("II", 1, 2) + b"q" + bytes(3) + m.pack("I", 0xabc)
rows_ = [m.record(5, 1, m.pack("Q", at) + b"hello\nworld\x1b[31m\n\0"), m.record(6, 1, m.pack("QQ", at, 0xffffffff82000000) + binary),
         m.record(14, 1, m.pack("QQ", at, 0xffffffff82000040)), m.record(16, 1, m.pack("I", 0x2a) + bytes([1, 2, 0xff, 0])),
         m.record(1, 1, m.pack("QQ", at, at + 0x1000))]
rec = Recording(m, {}, [("", "local", {0: m.pages([(1000 * (i + 1), r) for i, r in enumerate(rows_)])})], ftrace=FTRACE, kallsyms=SYMBOLS,
                printk='0xffffffff82000000 : "i=%d s=%s q=%llx c=%c x=%#x\\n"\n0xffffffff82000040 : "only text\\n"\n')
path = write(rec.version_6())
got = [l.partition(": ")[2] for l in report(path).stdout.decode().splitlines()]
expect("markers, trace_printk() and functions are told as the kernel tells them",
       got == [r"print: first_function: hello\x0aworld\x1b[31m", "bprint: first_function: i=-5 s=str q=200000001 c=q x=0xabc",
               "bputs: first_function: only text", "raw_data: # 2a buf: 01 02 ff 00", "function:  first_function <-- second_function [mod]"], got)
expect("--bytes leaves control bytes as they are", b"hello\nworld\x1b[31m\n" in report("--bytes", path).stdout)

# Kernels of 32 bits and of s390x have no upper half: there, too, addresses have names. On others what is below are offsets.
for big, size, low, want in ((False, 4, 0xc1000000, "one <-- two"), (True, 4, 0xc0008000, "one <-- two"), (True, 8, 0x100000, "one <-- two"),
                             (False, 8, 0xffffffff81000000, "one <-- two"), (False, 8, 0x100000, "0x100010 <-- 0x101010")):
    m = Machine(big, size)
    function = format_of("function", 1, [("unsigned long", "ip", 8, size, False), ("unsigned long", "parent_ip", 8 + size, size, False)],
                         '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip')
    far = f"{0xffffffff82000000:x} T far\n" if want[0] == "0" else ""
    symbols = f"{low:0{size * 2}x} T one\n{low + 0x1000:0{size * 2}x} t two\n{far}"
    record_ = m.record(1, 1, m.long(low + 0x10) + m.long(low + 0x1010))
    got = report(write(Recording(m, {}, [("", "local", {0: m.pages([(1000, record_)])})], ftrace=[function], kallsyms=symbols).version_6())).stdout.decode()
    expect(f"functions at 0x{low:x}{', big endian' if big else ''}, {8 * size} bits", got.rstrip().endswith(" " + want), got)

# ---- texts and numbers of every length, and what is not to be shown as it is ----
rnd = random.Random(3)
texts, want = {}, []
for size in range(1, 26):
    texts[size] = format_of(f"t{size}", 400 + size, [("char", f"s[{size}]", 8, size, True), ("int", "n", 36, 4, True), ("u64", "q", 40, 8, False)],
                            '"[%s] %d %llu|%s", REC->s, REC->n, REC->q, __print_symbolic(REC->n, { 7, "se\x1bven" }, { -9, "" })')
for i in range(3000):
    size = rnd.randrange(1, 26)
    s = bytes(rnd.choice(b"AAAAAAAAz ~\x01\x1b\x1f\x7f\x80\xff\0") for _ in range(size))
    n, q = rnd.choice([7, -9, rnd.getrandbits(31) >> rnd.randrange(31)]), rnd.getrandbits(64) >> rnd.randrange(64)
    name = {7: "se\\x1bven", -9: ""}.get(n, f"0x{n:x}")
    shown = "".join(chr(b) if 0x20 <= b < 0x7f else f"\\x{b:02x}" for b in s.split(b"\0")[0])
    want.append((400 + size, m.pack(f"{size}s{28 - size}xiQ", s, n, q), f"t{size}: [{shown}] {n} {q}|{name}"))
path = write(Recording(m, {"test": list(texts.values())},
                       [("", "mono", {0: m.pages([(i * 1000, m.record(number, 5 + i % 8 // 7, body)) for i, (number, body, _) in enumerate(want)])})],
                       comms={5: "plain", 6: "a\x1bb"}).version_6())
got = [l.split(": ", 1) for l in report(path).stdout.decode(errors="replace").splitlines()]
expect("texts and numbers of every length, with bytes that are not shown as they are", [g[1] for g in got] == [w[2] for w in want],
       [(g[1], w[2]) for g, w in zip(got, want) if g[1] != w[2]][:3])
expect("and so are names of processes", {g[0].split(" [")[0].strip() for g in got} == {"plain-5", "a\\x1bb-6"}, got[:1])
short = m.record(425, 5, b"A" * 20)
got = report(write(Recording(m, {"test": list(texts.values())}, [("", "mono", {0: m.pages([(1000, short), (2000, short)])})]).version_6())).stdout
expect("of a record that ends in a text what is not there is said", got.count(b"(fault)") >= 2 and got.count(b"t25: ") == 2, got)

# ---- several files ----
text, record = sample(m)
a = write(Recording(m, {"test": [text]}, [("", "mono", {0: m.pages([(1000, record(1)), (9000, record(2))])})]).version_6())
b = write(Recording(Machine(True, 4), {"test": [sample(Machine(True, 4))[0]]},
                    [("", "mono", {0: Machine(True, 4).pages([(5000, sample(Machine(True, 4))[1](3))])})]).version_7("zlib"))
r = report(a, b)
got = r.stdout.decode()
expect("several files are one list by time", re.findall(r"s=\"?(x\d)", got) == ["x1", "x3", "x2"] and r.returncode == 0, (r.stderr, got))
r = report(a, f"{tmp.name}/not-there")
expect("one that is not there is said, and the other shown", r.returncode == 1 and b"not-there" in r.stderr and r.stdout.count(b"\n") == 2, r)

# ---- damage ----
whole = Recording(m, {"test": [text]}, [("", "local", {0: m.pages(lost)})]).version_6()
r = report(write(whole[:-4096]))
got = rows(r.stdout.decode())
expect("of a file that is cut short everything is shown that is there, and what is not is said",
       r.returncode == 1 and len(got) > 50 and b"CUT_SHORT" in r.stderr, (r.stderr, len(got)))
r = report(write(b"PERFILE2" + bytes(100)))
expect("another file is refused", r.returncode == 1 and b"[NOT_A_RECORDING]" in r.stderr, r)
r = report(write(whole.replace(b"tracing6", b"tracing8")))
expect("a version that is not known is refused", r.returncode == 1 and b"[OTHER_VERSION]" in r.stderr, r)
odd = Recording(m, {"test": [text]}, [("", "local", {0: m.pages([(1000, record(1)), (2000, m.record(999, 1, bytes(8)))])})],
                options=[("uname", b"x\0")])
r = report(write(odd.version_6()))
expect("a record without a format is shown as bytes, and said once", r.returncode == 0 and b"[UNKNOWN_EVENT]" in r.stderr and
       b"event 999" in r.stdout, r)
sys.exit(done())
