#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-schema.py FORELAND: what is printed with --json is what `foreland schema` says.

python3-jsonschema is the judge: of the schema itself (by its meta-schema), and of the lines of every command
that can run here. scripts/check-json holds those to the table that are not printed."""
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is missing")
    sys.exit(0)
from datwriter import Machine, Recording, format_of
from json_judge import Judge
from tap import done, expect

foreland = os.path.abspath(sys.argv[1])


def run(*argv, **kw):
    return subprocess.run([foreland, *argv], capture_output=True, text=True, timeout=120, **kw)


judge = Judge(foreland)
expect("the schema is one, by its meta-schema", True)


if "epdma-plan" in judge.schema["$defs"]:
    part = json.loads(run("schema", "epdma", "host").stdout)
    expect("the schema of a group is that of its commands",
           set(part["$defs"]) == {"epdma-host-ls", "epdma-host-read", "epdma-host-write", "epdma-host-verify", "epdma-host-bench", "value"}, part["$defs"].keys())
    typo = run("schema", "epdma", "paln")
    expect("a misspelt command is guessed", "did you mean 'epdma plan'?" in typo.stderr, typo.stderr)
none = run("schema", "no", "such")
expect("a command that prints none is wrong usage", none.returncode == 2 and not none.stdout, none)


# ---- what is printed ----

def printed(what, *argv, command=None, status=(0,), **kw):
    r = run(*argv, **kw)
    wrong = judge.output(r.stdout)
    first = json.loads(r.stdout.splitlines()[0]) if r.stdout else {}
    expect(what, r.returncode in status and not wrong and r.stdout and
           first.get("command") == (command or " ".join(argv).split(" -")[0].split(" /")[0]),
           f"status {r.returncode}\n{r.stderr}\n" + "\n".join(wrong))
    return r.stdout


tmp = tempfile.TemporaryDirectory()
os.chdir(tmp.name)
have = judge.schema["$defs"]


def write(name, data):
    with open(name, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)
    return name


def recording():
    m = Machine(False, 8, 4096)
    fields = [("int", "a", 8, 4, True), ("char", "s[8]", 12, 8, False)]
    text = format_of("sample", 300, fields, '"a=%d s=%s", REC->a, REC->s')
    rows = [(i * 1000, m.record(300, 7, m.pack("i", -i) + b"ab\xff\0\0\0\0\0")) for i in range(200)]
    return Recording(m, {"test": [text]}, [("", "local", {0: m.pages(rows, {1: 17, 2: -1})})]).version_6()


def small_btf():
    """int, struct pair { int a; int b; }, enum color { RED = -1 }, typedef int word, int twice(int n)."""
    names = b"\0int\0pair\0a\0b\0color\0RED\0word\0twice\0n\0"
    at = lambda s: names.index(b"\0" + s + b"\0") + 1
    head = lambda name, kind, vlen, ref, flag=0: struct.pack("<III", at(name) if name else 0, flag << 31 | kind << 24 | vlen, ref)
    types = (head(b"int", 1, 0, 4) + struct.pack("<I", 1 << 24 | 32) +
             head(b"pair", 4, 2, 8) + struct.pack("<IIIIII", at(b"a"), 1, 0, at(b"b"), 1, 32) +
             head(b"color", 6, 1, 4, 1) + struct.pack("<Ii", at(b"RED"), -1) +
             head(b"word", 8, 0, 1) +
             head(b"", 13, 1, 1) + struct.pack("<II", at(b"n"), 1) +
             head(b"twice", 12, 1, 5))
    return struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(names)) + types + names


def try_probe():
    btf = write("btf", small_btf())
    write("symbols", "ffffffff81000000 T twice\nffffffff81000040 T other\n")
    os.makedirs("events/sched/sched_tick")
    write("events/sched/sched_tick/format", "name: sched_tick\nID: 9\nformat:\n\tfield:unsigned short common_type;\toffset:0;"
          "\tsize:2;\tsigned:0;\n\n\tfield:int cpu;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: \"cpu=%d\", REC->cpu\n")
    target = ("--btf", btf, "--kallsyms", "symbols", "--events", "events")
    printed("probe syntax", "probe", "syntax", "--json")
    for what in ("functions", "types", "tracepoints"):
        printed(f"probe list {what}", "probe", "list", what, "*", "--json", *target, command="probe list")
    definitions = "\n".join(["f twice n=n", "f twice n=m", "p twice+1", "e sched/sched_tick cpu=$cpu", "# nothing",
                             "p twice a=\xe9", "p:x", "f twice n=(nothing)n->x", "p nowhere:nothing", ""])
    for extra in ((), ("--sequence",), ("--dialect", "v6"), ("--dialect", "6.12")):
        printed(f"probe check {' '.join(extra)}", "probe", "check", "--json", *target, *extra, "-", input=definitions,
                status=(1,), command="probe check")
    printed("probe check --matrix", "probe", "check", "--json", "--matrix", btf, "f twice n=n", "f none", status=(0, 1),
            command="probe check")
    printed("doctor", "doctor", "--json", status=(0, 1))
    dat = write("r.dat", recording())
    printed("report", "report", "--json", dat)
    printed("report --raw, of two", "report", "--json", "--raw", dat, dat, command="report")
    printed("report --stat", "report", "--json", "--stat", dat, command="report")
    printed("report --profile", "report", "--json", "--profile", dat, command="report")
    printed("report --to json", "report", "--to", "json", dat, command="report")
    live = run("trace", "--json", "-n", "2", "t sched_switch to=next->comm:string")
    if live.returncode:
        print(f"# not traced here: {live.stderr.splitlines()[0]}")
        return
    expect("trace", not judge.output(live.stdout), judge.output(live.stdout))
    printed("trace, with stacks", "trace", "--json", "-n", "2", "--stack", "t sched_switch next=next", command="trace")
    printed("trace --hist", "trace", "--json", "-t", "0.2s", "--hist", "keys=common_pid.execname:vals=cpu",
            "t sched_switch cpu=$current->wake_cpu", command="trace")
    run("trace", "-n", "2", "-o", "t.dat", "t sched_switch to=next->comm:string")
    text = printed("report of a trace", "report", "--json", "t.dat", command="report")
    last = json.loads(text.splitlines()[-1])
    expect("whose summary has objects, as the trace's own", [e["event"] for e in last["events"]] == ["sched_switch"] and
           last["events"][0]["records"] >= 2 and "lines" not in last, last)


def try_alloc():
    head = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
    write("tags", head + "        4096        2 mm/a.c:10 func:f \n         128        1 drivers/b.c:7 [mod] func:g extra:1 \n")
    write("more", head + "        8192        4 mm/a.c:12 func:f \n          64        1 fs/c.c:9 func:h accurate:no \n")
    printed("alloc show", "alloc", "show", "--json", "--input", "tags")
    printed("alloc show --tree", "alloc", "show", "--json", "--input", "tags", "--tree", "dir", command="alloc show")
    printed("alloc diff", "alloc", "diff", "--json", "tags", "more")
    printed("alloc watch", "alloc", "watch", "--json", "--input", "tags", "-c", "2", "--interval", "10ms")
    for options, key in (("--stack=4", '"stack"'), ("--tree=module", '"group"')):
        r = run("alloc", "run", "--json", "--at-peak", options, "--", "sort", "tags", "-o", "sorted")
        expect(f"alloc run {options}", r.returncode == 0 and key in r.stdout and not judge.output(r.stdout), r)


def try_epdma():
    printed("epdma plan", "epdma", "plan", "--json", "--board", "r-car-s4")
    printed("epdma plan that cannot be bound", "epdma", "plan", "--json", "--board", "rk3588", "--wr-chans", "9", status=(1,))
    printed("epdma demo", "epdma", "demo", "--json", "--trace", "log")
    printed("a recording of it", "epdma", "inspect", "--json", "log")
    write("junk", bytes(4096))
    printed("epdma inspect of three bytes", "epdma", "inspect", "--json", write("short", b"abc"), status=(1,),
            command="epdma inspect")
    printed("epdma inspect of nothing", "epdma", "inspect", "--json", "junk", status=(0, 1))
    from epdma_lib import Endpoint
    ep = Endpoint(foreland, "rk3588")
    at = ("--json", "--socket", ep.socket)
    printed("epdma host ls", "epdma", "host", "ls", *at)
    printed("epdma host read", "epdma", "host", "read", *at, hex(ep.ram), "100")
    printed("epdma host write", "epdma", "host", "write", *at, hex(ep.ram), "junk")
    printed("epdma host verify", "epdma", "host", "verify", *at)
    printed("epdma host bench", "epdma", "host", "bench", *at)
    lines, _ = ep.stop()
    expect("epdma endpoint", not judge.output("\n".join(json.dumps(v) for v in [ep.schema, ep.hello, *lines])))


def try_docs():
    os.makedirs("tree/Documentation")
    write("tree/MAINTAINERS", "")
    write(b"tree/Documentation/odd-\xff.rst".decode("utf-8", "surrogateescape"), "T\n=\n\nSee Documentation/none.rst and\n\n=== =\na  b  c\n")
    text = printed("docs check", "docs", "check", "--json", "tree", status=(1,))
    expect("a name that is no UTF-8 has its bytes beside it",
           any(json.loads(v).get("file_hex", "").endswith("ff2e727374") for v in text.splitlines()), text)


for name, tries in (("probe-check", try_probe), ("alloc-show", try_alloc), ("epdma-plan", try_epdma), ("docs-check", try_docs)):
    if name in have:
        tries()

# ---- what is not printed ----

taken = []
for (command, i), v in judge.seen.items():
    of = have[command.replace(" ", "-")]["anyOf"][i]
    if judge.line(command, {**v, "no_such_key": 1}) is not None:
        taken.append(f"{command}: a key that there is not: {of['description']}")
    for key in of["required"]:
        rest = {k: x for k, x in v.items() if k != key}
        if jsonschema.Draft202012Validator({**of, "$defs": {"value": have["value"]}}).is_valid(rest):
            taken.append(f"{command}: without {key}: {of['description']}")
expect("unknown keys are refused, and missing ones", not taken and len(judge.seen) > 10, "\n".join(taken))
for line in judge.unseen():
    print(f"# not printed here: {line}")
sys.exit(done())
