#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-report-forms.py FORELAND PROTO: what report selects, counts, and converts to.

The recordings are datwriter.py's, so that every value is known; readers are not ours: Python's json and
csv, protoc with the messages of PROTO, and a profile's wire format as profile.proto numbers it."""
import csv
import gzip
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from datwriter import Machine, Recording, format_of
from tap import done, expect, skip

foreland, proto = sys.argv[1:3]
names = []
tmp = tempfile.TemporaryDirectory()


def write(data):
    names.append(f"{tmp.name}/r{len(names)}.dat")
    with open(names[-1], "wb") as f:
        f.write(data)
    return names[-1]


def report(*args):
    return subprocess.run([foreland, "report", *args], capture_output=True)


def letters(r):
    return re.findall(r"tag=\"?(\w+)", r.stdout.decode())


# ---- a recording: an event with numbers, texts and lists; pairs; stacks; a probe ----
TEST = format_of("sample", 300, [("int", "n", 8, 4, True), ("u64", "big", 16, 8, False), ("char", "tag[8]", 24, 8, True),
                                 ("u16", "list[2]", 32, 4, False)], '"n=%d tag=%s", REC->n, REC->tag')
ENTRY = format_of("softirq_entry", 301, [("unsigned int", "vec", 8, 4, False)], '"vec=%u", REC->vec')
EXIT = format_of("softirq_exit", 302, [("unsigned int", "vec", 8, 4, False)], '"vec=%u", REC->vec')
SWITCH = format_of("sched_switch", 303, [("char", "prev_comm[16]", 8, 16, True), ("pid_t", "prev_pid", 24, 4, True), ("int", "prev_prio", 28, 4, True),
                                         ("long", "prev_state", 32, 8, True), ("char", "next_comm[16]", 40, 16, True),
                                         ("pid_t", "next_pid", 56, 4, True), ("int", "next_prio", 60, 4, True)],
                   '"%s ==> %s", REC->prev_comm, REC->next_comm')
PROBE = format_of("probe", 304, [("unsigned long", "__probe_ip", 8, 8, False), ("u32", "count", 16, 4, False), ("u64", "addr", 24, 8, False)],
                  '"(%lx) count=%u addr=0x%llx", REC->__probe_ip, REC->count, REC->addr')
STACK = format_of("kernel_stack", 4, [("int", "size", 8, 4, True), ("unsigned long", "caller[8]", 16, 64, False)], '"\\t=> %ps\\n", (void *)REC->caller[0]')
KSYMS = "ffffffff81000000 T inner\nffffffff81001000 T middle\nffffffff81002000 T outer\nffffffff81003000 T end\n"
m = Machine()


def sample(pid, n, tag):
    return m.record(300, pid, m.pack("i4xQ", n, 1 << 40 | n & 255) + tag.encode().ljust(8, b"\0") + m.pack("HH", 1, 2))


def stack(pid, *frames):
    return m.record(4, pid, m.pack("i4x", len(frames)) + m.pack("8Q", *(frames + (0,) * (8 - len(frames)))))


streams = {0: [(1_000_000_000, sample(10, -1, "a")), (1_000_001_000, sample(11, 5, "b")), (3_000_000_000, sample(10, 7, "c")),
               (3_100_000_000, m.record(301, 10, m.pack("I", 9))), (3_100_500_000, m.record(302, 10, m.pack("I", 9))),
               (3_200_000_000, m.record(301, 10, m.pack("I", 9))), (3_202_000_000, m.record(302, 10, m.pack("I", 9))),
               (3_300_000_000, m.record(301, 10, m.pack("I", 9)))],
           2: [(2_000_000_000, sample(12, 300, "d")), (2_500_000_000, stack(12, 0xffffffff81000010, 0xffffffff81001010, 0xffffffff81002010)),
               (2_600_000_000, stack(12, 0xffffffff81000020, 0xffffffff81002020)),
               (2_700_000_000, stack(12, 0xffffffff81000010, 0xffffffff81001010, 0xffffffff81002010)),
               (4_000_000_000, m.record(303, 12, b"from".ljust(16, b"\0") + m.pack("iiq", 12, 120, -2) + b"to".ljust(16, b"\0") + m.pack("ii", 13, 90))),
               (4_100_000_000, m.record(304, 12, m.pack("QI4xQ", 0xffffffff81000010, 42, 0xabc)))]}
instance = {1: [(2_200_000_000, sample(20, 1, "x"))]}
FORMATS = {"test": [TEST], "irq": [ENTRY, EXIT], "sched": [SWITCH], "probes": [PROBE]}
rec = Recording(m, FORMATS, [("", "mono", {c: m.pages(r) for c, r in streams.items()}), ("foo", "mono", {c: m.pages(r) for c, r in instance.items()})],
                ftrace=[STACK], kallsyms=KSYMS, comms={10: "ten", 11: "eleven", 12: "twelve", 20: "twenty"})
path = write(rec.version_7("zlib"))
records = 15

# ---- selection ----
for args, want in [
        ([], "abdxc"), (["--cpu", "0"], "abc"), (["--cpu", "1-2"], "dx"), (["--cpu", "0", "--cpu", "2"], "abdc"), (["-p", "10"], "ac"),
        (["-p", "11", "--pid", "12"], "bd"), (["--since", "1.000001"], "bdxc"), (["--until", "2"], "abd"), (["--since", "2", "--until", "2.2"], "dx"),
        (["--since", "+1"], "dxc"), (["--until", "+1.2"], "abdx"), (["--buffer", "foo"], "x"), (["--buffer", "main"], "abdc"),
        (["-F", "sample"], "abdxc"), (["-F", "sample: n > 5"], "dc"), (["-F", "test/sample: n < 0"], "a"), (["-F", "test:sample: tag ~ \"[bx]\""], "bx"),
        (["-F", "sample: n == 5", "-F", "sample: n == 7"], "bc"), (["-F", "sample: COMM == \"twelve\""], "d"), (["-F", "sa*: big & 7 && CPU == 0"], "abc"),
        (["-F", "sample: n > 0", "--cpu", "0", "--until", "2"], "b")]:
    r = report(*args, path)
    expect("report " + " ".join(args), r.returncode == 0 and letters(r) == list(want), (r.stderr[-300:], letters(r)))
big = Machine(True, 4)
swapped = write(Recording(big, {"test": [TEST]}, [("", "mono", {0: big.pages([(5000 + i, big.record(300, 1, big.pack("i4xQ", n, n & (1 << 64) - 1) + b"t%d" % i + bytes(6) + bytes(4)))
                                                                              for i, n in enumerate([-1, 5, 70000])])})]).version_6())
r = report("-F", "sample: n > 5 && big == 70000", swapped)
expect("a filter on a recording of the other byte order", letters(r) == ["t2"], r)
for args, why in [(["-F", "nosuch"], b"nosuch"), (["-F", "sample: nofield == 1"], b"FIELD_NOT_FOUND"), (["-F", "sample: n =="], b"error")]:
    r = report(*args, path)
    expect(f"report {' '.join(args)} is refused", r.returncode == 1 and why in r.stderr, r.stderr)
for args in (["--since", "soon"], ["--cpu", "x"], ["-p", "1-"], ["--to", "nothing"], ["--json", "--to", "csv"]):
    r = report(*args, path)
    expect(f"report {' '.join(args)} is a mistake in the command line", r.returncode == 2 and not r.stdout, r)

# ---- counting ----
r = report("--stat", path)
text = r.stdout.decode()
expect("--stat says what the file is and counts its events", "version 7, compression zlib" in text and "buffer foo" in text and "clock mono" in text and
       dict(re.findall(r"^(?:foo: )?(\S+:\S+) +(\d+)$", text, re.M))["irq:softirq_entry"] == "3", text)
rows = {o["name"]: o for o in map(json.loads, report("--profile", "--json", path).stdout.splitlines()) if "type" not in o}
# 500 us and 2 ms, and one that does not end
expect("--profile tells how long pairs took", rows["softirq"] == {"name": "softirq", "count": 2, "total": 2_500_000, "average": 1_250_000, "min": 500_000,
                                                                   "max": 2_000_000, "not_ended": 1, "not_begun": 0}, rows)

# ---- csv ----
lines = list(csv.DictReader(io.StringIO(report("--to", "csv", path).stdout.decode(), newline="")))
expect("--to csv: a row a record", len(lines) == records + 0 and lines[0]["time"] == "1.000000000" and lines[0]["event"] == "test:sample" and
       lines[0]["text"] == "n=-1 tag=a" and lines[0]["fields"] == "n=-1 big=1099511628031 tag=a list={1,2}" and lines[0]["comm"] == "ten", lines[:1] + [len(lines)])

# ---- chrome ----
events = json.loads(report("--to", "chrome", path).stdout)["traceEvents"]
expect("--to chrome: begin and end, instants, names of threads",
       [e["ph"] for e in events if e["name"] == "softirq"] == list("BEBEB") and sum(e["ph"] == "i" for e in events) == records - 5 and
       {e["args"]["name"] for e in events if e["ph"] == "M"} == {"ten", "eleven", "twelve", "twenty"} and
       [e for e in events if e["name"] == "sample"][0]["ts"] == 1_000_000 and [e for e in events if e["name"] == "sample"][0]["args"]["list"] == [1, 2], events[:3])

# ---- stacks ----
folded = report("--to", "folded", path).stdout.decode().splitlines()
expect("--to folded", sorted(folded) == ["twelve;outer;inner 1", "twelve;outer;middle;inner 2"], folded)
r = report("--to", "folded", swapped)
expect("a recording without stacks is said to have none", r.returncode == 1 and b"have no stacks" in r.stderr, r)
out = f"{tmp.name}/p.pb.gz"
r = report("-o", out, path)


def wire(data):
    """Fields of one message: (number, value), as protobuf's encoding says."""
    i = 0

    def varint():
        nonlocal i
        v = shift = 0
        while True:
            b = data[i]
            i += 1
            v |= (b & 127) << shift
            shift += 7
            if b < 128:
                return v
    while i < len(data):
        key = varint()
        if key & 7 == 2:
            n = varint()
            i += n
            yield key >> 3, data[i - n:i]
        else:
            yield key >> 3, varint()


fields = list(wire(gzip.open(out).read())) if os.path.exists(out) else []
strings = [v.decode() for k, v in fields if k == 6]
functions = {dict(wire(v))[1]: strings[dict(wire(v))[2]] for k, v in fields if k == 5}
locations = {dict(wire(v))[1]: functions[dict(wire(dict(wire(v))[4]))[1]] for k, v in fields if k == 4}
samples = sorted((tuple(locations[x] for n, x in wire(v) if n == 1), dict(wire(v))[2]) for k, v in fields if k == 2)
expect("-o FILE.pb.gz: a profile with the same stacks, the innermost frame first",
       samples == [(("inner", "middle", "outer", "twelve"), 2), (("inner", "outer", "twelve"), 1)] and strings[0] == "", samples)

# ---- perfetto ----
out = f"{tmp.name}/t.pftrace"
r = report("-o", out, path)
expect("-o FILE.pftrace", r.returncode == 0 and not r.stdout and os.path.getsize(out) > 500, r)
if shutil.which("protoc"):
    text = subprocess.run(["protoc", f"--proto_path={os.path.dirname(proto)}", "--decode=Trace", os.path.basename(proto)], stdin=open(out, "rb"),
                          capture_output=True, text=True).stdout

    def tree(lines):
        """[(name, value or list)] of protoc's text."""
        node = []
        for line in lines:
            line = line.strip()
            if line == "}":
                return node
            if line.endswith("{"):
                node.append((line[:-2], tree(lines)))
            else:
                key, _, value = line.partition(": ")
                node.append((key, json.loads(value) if value[0] == '"' else value))
        return node

    packets = [dict(p) for k, p in tree(iter(text.splitlines()))]
    expect("protoc knows every field of it", packets and not re.search(r"^\s*\d+[: ]", text, re.M), text[:500])
    ftrace = [(p["ftrace_events"][0][1], dict(e)) for p in packets if "ftrace_events" in p for k, e in p["ftrace_events"] if k == "event"]
    expect("every record that is no stack is an event of its CPU", len(ftrace) == records - 3 and sorted({c for c, _ in ftrace}) == ["0", "1", "2"], len(ftrace))
    generic = [dict(e["generic"]) | {"pid": e["pid"], "timestamp": e["timestamp"]} for c, e in ftrace if "generic" in e]
    first = [e["generic"] for c, e in ftrace if "generic" in e][0]
    expect("its arguments are all there, typed", first[0] == ("event_name", "sample") and [sorted(map(tuple, f)) for k, f in first if k == "field"] == [
        [("int_value", "-1"), ("name", "n")], [("name", "big"), ("uint_value", "1099511628031")], [("name", "tag"), ("str_value", "a")],
        [("name", "list"), ("uint_value", "1")], [("name", "list"), ("uint_value", "2")]], first)
    switch = [dict(e["sched_switch"]) for c, e in ftrace if "sched_switch" in e]
    expect("what Perfetto has a message for is in that message", switch == [
        {"prev_comm": "from", "prev_pid": "12", "prev_prio": "120", "prev_state": "-2", "next_comm": "to", "next_pid": "13", "next_prio": "90"}], switch)
    tracks = {dict(p["track_descriptor"])["uuid"]: dict(p["track_descriptor"]) for p in packets if "track_descriptor" in p}
    track_events = [(p.get("timestamp"), dict(p["track_event"])) for p in packets if "track_event" in p]
    slices = [(t, e["type"], tracks[e["track_uuid"]].get("name")) for t, e in track_events if e["type"].startswith("SLICE")]
    expect("pairs are slices on their CPU's track", slices == [(str(t), k, "CPU 0") for t, k in zip(
        [3_100_000_000, 3_100_500_000, 3_200_000_000, 3_202_000_000, 3_300_000_000], ["SLICE_BEGIN", "SLICE_END"] * 2 + ["SLICE_BEGIN"])], slices)
    instants = [(t, e["name"], dict(tracks[e["track_uuid"]]["thread"])["thread_name"]) for t, e in track_events if e["type"] == "INSTANT"]
    counters = [(tracks[e["track_uuid"]]["name"], e["counter_value"]) for t, e in track_events if e["type"] == "COUNTER"]
    expect("a probe is an instant of its thread, its numbers are counters", instants == [("4100000000", "probe", "twelve")] and
           counters == [("probe.count", "42")], (instants, counters))
    told = [x for p in packets if "interned_data" in p for x in p["interned_data"]]
    function = {dict(x)["iid"]: dict(x)["str"] for k, x in told if k == "function_names"}
    frame = {dict(x)["iid"]: function[dict(x)["function_name_id"]] for k, x in told if k == "frames"}
    callstack = {dict(x)["iid"]: [frame[v] for n, v in x if n == "frame_ids"] for k, x in told if k == "callstacks"}
    got = [callstack[dict(p["perf_sample"])["callstack_iid"]] for p in packets if "perf_sample" in p]
    expect("stacks are samples with call stacks, the outermost frame first",
           got == [["outer", "middle", "inner"], ["outer", "inner"], ["outer", "middle", "inner"]] and len(callstack) == 2, got)
    expect("what is referred to was told before", [("sequence_flags" in p) for p in packets if "perf_sample" in p] == [True] * 3 and
           packets[0].get("sequence_flags") == "1", packets[:1])
else:
    print("# protoc is not installed: Perfetto's messages are not decoded")
# ---- mappings of processes, as trace-cmd records them (PROCMAPS, trace-cmd.dat.v6(5)), and what is none ----
USER = format_of("user_stack", 12, [("unsigned int", "tgid", 8, 4, False), ("unsigned long", "caller[8]", 16, 64, False)], '"\\t=> %ps\\n", (void *)REC->caller[0]')


def user_frames(*options):
    data = m.record(12, 100, m.pack("I4x", 77) + m.pack("QQQQQ", 0x401010, 0x7f0000001234, 0x402000, 0x9000, 0) + bytes(24))
    rec = Recording(m, {"test": [TEST]}, [("", "mono", {0: m.pages([(5000, data)])})], ftrace=[USER], comms={100: "a"},
                    options=[("procmaps", o) for o in options])
    r = report(write(rec.version_6()))
    return [line[4:] for line in r.stdout.decode(errors="replace").splitlines() if line.startswith(" => ")], r


MAPS = b"4d 2 prog\n401000 402000 /bin/prog\n7f0000000000 7f0000002000 /lib/one\n\0"
plain, r = user_frames()
expect("frames of processes are numbers where nothing says what they are", plain[0] == " <0000000000401010>" and len(plain) == 4, (plain, r.stderr))
got, r = user_frames(MAPS)
expect("and places in files where their mappings are recorded, the end left out", got == ["/bin/prog[+0x10]", "/lib/one[+0x1234]", *plain[2:]], (got, r.stderr))
HOSTILE = [b"", b"\0", b"\n\n\n", b"4d", b"4d ffffffff x\n", b"zz 1 x\n401000 402000 /bin/prog\n\0", b"ffffffffffffffffff 1 x\n401000 402000 /a\n\0",
           b"4d 1 x\n402000 401000 /backwards\n\0", b"4d 1 x\nframe\nframe 401010\nframe 401010 c x - y\nframe zz c 1 - y\n\0",
           b"4e 1 other\n401000 402000 /of/another\n\0"]
wrong = [(o, *user_frames(o)) for o in HOSTILE]
expect("what is no mapping changes nothing", all(got == plain and r.returncode in (0, 1) for _, got, r in wrong), [w for w in wrong if w[1] != plain][:2])
got, r = user_frames(MAPS[:-1] + b"frame 401010 i 0 - \x1b[1mred\n\0")
expect("a name is escaped as all that others wrote", got[0] == "\\x1b[1mred", got)
# ---- a recording anew: nothing in it is left out ----
def sections(data):
    """{number: [content]} of a file of version 7 that is not compressed, by the options' offsets (trace-cmd.dat.v7(5))."""
    at = data.index(b"none\0") + 5
    at = data.index(b"\0", at) + 1
    found, where = {}, struct.unpack_from("<Q", data, at)[0]
    while where:
        size, pos = struct.unpack_from("<Q", data, where + 8)[0], where + 16
        end, where = pos + size, 0
        while pos < end:
            number, n = struct.unpack_from("<HI", data, pos)
            pos += 6
            if number == 0:
                where = struct.unpack_from("<Q", data, pos)[0]
            elif 16 <= number <= 25 and number != 24:
                to = struct.unpack_from("<Q", data, pos)[0]
                found.setdefault(number, []).append(data[to + 16:to + 16 + struct.unpack_from("<Q", data, to + 8)[0]])
            pos += n
    return found


LATENCY = b"# tracer: irqsoff\n# latency: 7 us\n"
EXTRA = [(23, b"\x9f\xeb\x01\0types"), (25, b"ffffffffc0000000 dummy\n")]
rec = Recording(m, {"test": [TEST]}, [("", "mono", {0: m.pages(streams[0][:3])}), ("late", "local", LATENCY)], comms={10: "ten"}, sections=EXTRA)
for packing in ("none", "zlib"):
    path, out = write(rec.version_7(packing)), f"{tmp.name}/anew.dat"
    r = report("-o", out, path)
    with open(out, "rb") as f:
        got = sections(f.read()) if r.returncode == 0 else {}
    expect(f"-o FILE.dat: types, modules and a latency tracer's text are carried over (from {packing})",
           got.get(23) == [EXTRA[0][1]] and got.get(25) == [EXTRA[1][1]] and got.get(22) == [LATENCY], (r, got.keys()))
    expect("and it is read again, all of it", report(out).stdout == report(path).stdout and LATENCY in report(out).stdout,
           (report(out), report(path)))
# trace-cmd reads no latency text of an instance, nor from the file as it was: it is asked about the rest.
if shutil.which("trace-cmd"):
    for what, buffer, want in (("records", {0: m.pages(streams[0][:3])}, b"n=7"), ("a latency tracer's text", LATENCY, LATENCY)):
        path, out = write(Recording(m, {"test": [TEST]}, [("", "mono", buffer)], sections=EXTRA).version_7()), f"{tmp.name}/anew.dat"
        r = report("-o", out, path)
        shown = [subprocess.run(["trace-cmd", "report", "-N", name], capture_output=True).stdout for name in (path, out)]
        if not shown[0]:    # which foreland did not write
            skip(f"trace-cmd shows the same of both: {what}", "this trace-cmd (3.4 is one) shows nothing of the first")
            continue
        expect(f"trace-cmd shows the same of both: {what}", r.returncode == 0 and want in shown[0] and shown[0] == shown[1], shown)
for big, long_size in ((True, 8), (False, 4), (True, 4)):
    other = Machine(big, long_size)
    text = format_of("sample", 300, [("int", "n", 8, 4, True)], '"n=%d", REC->n')
    path = write(Recording(other, {"test": [text]}, [("", "mono", {0: other.pages([(5, other.record(300, 1, other.pack("i", 3)))])})]).version_6())
    out = f"{tmp.name}/other.dat"
    r = report("-o", out, path)
    expect(f"-o FILE.dat of a {'big' if big else 'little'}-endian machine of {8 * long_size} bits is refused in words",
           r.returncode == 1 and b"[NOT_WRITTEN]" in r.stderr and r.stderr.count(b"error") == 1 and not os.path.exists(out), r)

sys.exit(done())
