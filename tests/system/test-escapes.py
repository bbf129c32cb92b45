#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-escapes.py FORELAND: what others wrote, shown. Output for people holds no byte that a terminal acts
upon and no line that is not ours; JSON gives each byte back. Judges: Python's unicodedata, json and
str.encode(), git's own quoting of names, patch(1), and the number of events that were made."""
import json
import os
import shutil
import subprocess
import sys
import unicodedata

from tap import done, expect, folder

FORELAND = os.path.abspath(sys.argv[1])
BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
EVIL = b"\x1b[31m\xc2\x9b2J\xe2\x80\xae\x9b\x07\x7f"


def run(*argv, **kw):
    return subprocess.run([FORELAND, *argv], capture_output=True, timeout=60, **kw)


def bad(data):
    """The first thing in @data that must not be shown, or None."""
    for line in data.split(b"\n"):
        try:
            text = line.decode()
        except UnicodeDecodeError as e:
            return e
        for c in text:
            if unicodedata.category(c) in ("Cc", "Zl", "Zp") or ord(c) in BIDI:
                return line
    return None


def shown(data):
    """@data as it is to be shown: each byte of a bad character as \\xHH."""
    out, i = "", 0
    while i < len(data):
        n = 1 if data[i] < 0x80 else 2 if data[i] < 0xE0 else 3 if data[i] < 0xF0 else 4
        try:
            c = data[i:i + n].decode()
        except UnicodeDecodeError:
            n, c = 1, None
        ok = c and unicodedata.category(c) not in ("Cc", "Zl", "Zp") and ord(c) not in BIDI
        out += c if ok else "".join(f"\\x{b:02x}" for b in data[i:i + n])
        i += n
    return out.encode()


def rows(data):
    return [json.loads(line) for line in data.split(b"\n") if line]


os.chdir(folder("show"))

# -- allocation tags --
with open("in", "wb") as f:
    f.write(b"allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
            b"         100        1 mm/a" + EVIL + b".c:1 [mod" + EVIL + b"] func:f" + EVIL + b" \n")
for args in ([], ["--tree", "dir"], ["--tree", "module"], ["--tree", "function"], ["--dump"]):
    r = run("alloc", "show", "--input", "in", *args)
    expect(f"alloc show {' '.join(args)}: names are escaped",
           r.returncode == 0 and bad(r.stdout) is None and shown(EVIL) in r.stdout, r)
r = run("alloc", "diff", "/dev/null", "in")
expect("alloc diff: names are escaped", bad(r.stdout) is None and bad(r.stderr) is None, r)
r = run("alloc", "show", "--input", "in", "--json")
row = [x for x in rows(r.stdout) if "function" in x][0]
expect("alloc show --json: escaped, and the bytes are under function_hex and file_hex",
       bad(r.stdout) is None and bytes.fromhex(row["function_hex"]) == b"f" + EVIL
       and bytes.fromhex(row["file_hex"]) == b"mm/a" + EVIL + b".c" and "\ufffd" in row["function"], r)
r = run("alloc", "show", "--input", "no\x1b[31m\nforeland: fine")
expect("a file's name in a complaint", bad(r.stderr) is None and r.stderr.count(b"\n") <= 2, r)

# -- documents --
os.makedirs("tree/Documentation")
NAME = b"Documentation/x\n--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-all:\n+all: evil\n\x1b\xff\".rst"
with open("tree/Makefile", "w") as f:
    f.write("all:\n")
try:
    os.makedirs(os.path.dirname(b"tree/" + NAME), exist_ok=True)
    with open(b"tree/" + NAME, "w") as f:
        f.write("Title long\n====\n\nText.\n")
    with open("tree/Documentation/bad.rst", "wb") as f:
        f.write(b"Title\n=====\n\n`" + EVIL + b"\n\n:nosuch" + EVIL + b":`x`\n")
    for args in ([], ["--robot"], ["--format", "text"]):
        r = run("docs", "check", *args, "tree")
        if r.returncode == 2:
            continue
        expect(f"docs check {' '.join(args)}: names and text are escaped", bad(r.stdout) is None and r.stdout, r)
    r = run("docs", "check", "--json", "tree")
    hexes = [bytes.fromhex(x["file_hex"]) for x in rows(r.stdout) if "file_hex" in x]
    expect("docs check --json: a name that is no UTF-8 is under file_hex", bad(r.stdout) is None and NAME in hexes, r)
    r = run("docs", "check", "--fix", "tree")
    shutil.copytree("tree", "new")
    with open(b"new/" + NAME, "a") as f:
        f.write("more\n")
    subprocess.run(["git", "init", "-q", "tree"], check=True)
    git = ["git", "-C", "tree", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(git + ["add", "."], check=True)
    subprocess.run(git + ["commit", "-qm", "x"], check=True)
    with open(b"tree/" + NAME, "a") as f:
        f.write("more\n")
    diff = subprocess.run(git + ["diff"], capture_output=True, check=True).stdout
    heads = [line for line in diff.split(b"\n") if line[:4] in (b"--- ", b"+++ ")]
    expect("docs check --fix: names are quoted as git quotes them",
           len(heads) == 2 and all(h in r.stdout.split(b"\n") for h in heads), r.stdout, heads)
    subprocess.run(git + ["checkout", "-q", "."], check=True)
    p = subprocess.run(["patch", "-p1", "--batch"], cwd="tree", input=r.stdout, capture_output=True)
    with open("tree/Makefile") as f:
        # patch 2.8 makes no file whose name has a newline
        expect("patch -p1 takes it, or refuses the name, and the Makefile stays as it was",
               f.read() == "all:\n" and (not p.returncode or b"Invalid byte sequence" in p.stderr), p)
except OSError as e:
    print(f"# names of any bytes: {e}")

# -- tracing --
COMM, PATH = b"\x1b[31mA\nB\x9b;", b"/nope\x1b[2J\nroot-1 [000] fake: (evil)\xe2\x80\xae\x9b\"\\"
DEF = "t:x sys_enter fn=+0(regs->si):ustring if fn ~ \"/nope*\""
with open("evil.py", "w") as f:
    f.write(f"""import ctypes
LIBC = ctypes.CDLL(None)
LIBC.prctl(15, {COMM!r}, 0, 0, 0)
for _ in range(3):
    LIBC.open({PATH!r}, 0)
""")


def traced(*args):
    return run("trace", *args, "--", sys.executable, "evil.py")


probe = run("trace", "-t", "10ms", DEF)
if os.uname().machine != "x86_64":
    print("# tracing: the definition is x86's")
elif probe.returncode != 0:
    print(f"# tracing: {probe.stderr.decode(errors='replace').splitlines()[:1]}")
else:
    r = traced(DEF)
    expect("trace: three events are three lines, comm and string escaped",
           bad(r.stdout) is None and r.stdout.count(b"\n") == 3 and shown(COMM) in r.stdout
           and shown(PATH) in r.stdout, r)
    r = traced("--bytes", DEF)
    expect("trace --bytes: as they are", r.stdout.count(COMM) == 3 and r.stdout.count(PATH) == 3, r)
    r = traced("--json", DEF)
    got = [x for x in rows(r.stdout) if "args" in x]
    expect("trace --json: comm_hex and fn_hex hold the bytes", bad(r.stdout) is None and len(got) == 3
           and bytes.fromhex(got[0]["comm_hex"]) == COMM and bytes.fromhex(got[0]["args"]["fn_hex"]) == PATH, r)
    r = traced("--stack", DEF)
    expect("trace --stack: the stack's own head is escaped", bad(r.stdout) is None and b"stack trace" in r.stdout, r)
    r = traced("--hist", "keys=common_pid.execname,fn", DEF)
    expect("trace --hist: keys are escaped", bad(r.stdout) is None and shown(COMM) in r.stdout, r)
    r = traced("-o", "t.dat", DEF)
    a, b, c = run("report", "t.dat"), run("report", "--bytes", "t.dat"), run("report", "--json", "t.dat")
    expect("report: the same, from a recording", bad(a.stdout) is None and a.stdout.count(b"\n") == 3
           and shown(COMM) in a.stdout and shown(PATH) in a.stdout, a)
    expect("report --bytes", b.stdout.count(COMM) == 3 and b.stdout.count(PATH) == 3, b)
    got = [x for x in rows(c.stdout) if "args" in x]
    expect("report --json", bad(c.stdout) is None and len(got) == 3
           and bytes.fromhex(got[0]["args"]["fn_hex"]) == PATH, c)

sys.exit(done())
