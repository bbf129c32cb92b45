#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-hostile.py FORELAND: inputs that mean harm, and trees that change.

Each run must end by itself with exit status 0 or 1, within a bound of memory, and say what it has
to say on standard error; never by a signal.
"""
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
LIMIT = 4 << 30  # of address space; the largest input here has 100 MB
SANITIZED = "asan" in os.environ.get("FL_SANITIZE", "") or b"__asan" in open(FORELAND, "rb").read()


def limit():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def run(*args, stdin=None, want=(0, 1)):
    p = subprocess.run([FORELAND, "docs", "check", "--level", "style", *args], input=stdin,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
    return p.returncode in want, p.returncode, p.stdout, p.stderr.decode(errors="replace")


def put(top, path, data):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(data)
    return full


def texts(top):
    big = 100 << 20
    yield "a line of 100 MB", "a.rst", b"x" * big
    yield "100 MB of stars", "stars.rst", b"*" * big
    yield "100 MB of line ends", "lines.rst", b"\n" * big
    yield "nothing", "empty.rst", b""
    yield "NULs", "nul.rst", b"\0" * 10000 + b"\n===\n" + b"a\0b\n====\n"
    yield "no UTF-8", "latin.rst", b"caf\xe9 \xff\xfe\n====\n\xc0\x80\n" * 100
    yield "a cut character at the end", "cut.rst", b"text \xe4\xb8"
    yield "deep indentation", "deep.rst", b"".join(b" " * i + b"x\n\n" for i in range(3000))
    yield "deep lists", "lists.rst", b"- " * 20000 + b"x\n"
    yield "deep tables", "tables.rst", (b"+" + b"-" * 3 + b"+\n|   |\n") * 3000 + b"+---+\n"
    yield "a grid of corners", "grid.rst", (b"+-" * 2000 + b"+\n") * 500
    yield "many columns", "cols.rst", b"= " * 5000 + b"=\n" + b"a " * 5000 + b"a\n" + b"= " * 5000 + b"=\n"
    yield "many backquotes", "ticks.rst", b"`a " * 200000
    yield "many roles", "roles.rst", b":ref:`a" * 200000
    yield "many titles", "titles.rst", b"".join(b"T%d\n====\n\n" % i for i in range(50000))
    yield "many title styles", "styles.rst", b"".join(b"Title\n%s\n\n" % (c * 5) for c in
                                                         [bytes([x]) for x in b"=-~^\"'.:*+#<>_`!$%&/()"])
    yield "an ABI file of 20 MB", "Documentation/ABI/testing/a", b"What: /sys/a\nDescription: x\n" * 700000
    yield "an ABI line of 20 MB", "Documentation/ABI/testing/b", b"What:\t" + b"\t" * (20 << 20)
    yield "kernel-doc without end", "a.h", b"/**\n * f() - x\n" + b" * @a: b\n" * 200000
    yield "a struct without end", "b.h", b"/**\n * struct f - x\n */\nstruct f {\n" + b"struct {\n" * 100000
    yield "brackets", "c.h", b"/**\n * f() - x\n */\nint f(" + b"(" * 200000 + b");\n"
    yield "a comment without end", "d.h", b"/**\n * f() - x\n */\nint f(int a /* " + b"x\n" * 1000


def main():
    for name, path, data in texts(None):
        with tempfile.TemporaryDirectory() as top:
            full = put(top, path, data)
            put(top, "Kbuild", b"")
            os.makedirs(os.path.join(top, "Documentation"), exist_ok=True)
            start = time.monotonic()
            ok, code, out, err = run(full)
            check(ok, "%s: status %d, %.1f s %s" % (name, code, time.monotonic() - start,
                                                    "" if ok else err[:200]))
            if len(data) < 1 << 20:
                ok, code, out, err = run("--fix", full)
                check(ok, "%s, --fix: status %d" % (name, code))

    with tempfile.TemporaryDirectory() as top:
        put(top, "MAINTAINERS", b"x\n")
        put(top, "Documentation/a.rst", b":orphan:\n\nA\n=\n\ntext\n")
        os.symlink("..", os.path.join(top, "Documentation/loop"))
        os.symlink("self", os.path.join(top, "Documentation/self"))
        os.symlink("/nowhere", os.path.join(top, "Documentation/dangling.rst"))
        os.mkfifo(os.path.join(top, "Documentation/fifo.rst"))
        ok, code, out, err = run(top)
        check(ok and code == 0, "loops of links, a pipe: status %d" % code)
        ok, code, out, err = run(os.path.join(top, "Documentation/fifo.rst"))
        check(ok, "a pipe by name: status %d" % code)
        ok, code, out, err = run(os.path.join(top, "nowhere"))
        check(code == 1 and "nowhere" in err, "a file that is not there: %s" % err.strip())

        for i in range(10):
            put(top, "Documentation/i%d.rst" % i, b":orphan:\n\nT\n=\n\n" + b"".join(
                b".. include:: i%d.rst\n\n" % ((i + k) % 10) for k in range(30)))
        ok, code, out, err = run(os.path.join(top, "Documentation/i0.rst"))
        check(ok and b"circular inclusion" in out, "files that include each other, and themselves: status %d" % code)
        for i in range(10):
            os.unlink(os.path.join(top, "Documentation/i%d.rst" % i))

        bad = {
            "no patch": b"nothing\n",
            "a hunk that does not fit": b"--- a/Documentation/a.rst\n+++ b/Documentation/a.rst\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n",
            "a missing file": b"--- a/Documentation/b.rst\n+++ b/Documentation/b.rst\n@@ -1,1 +1,1 @@\n-y\n+z\n",
            "a file outside": b"--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -1,1 +1,1 @@\n-y\n+z\n",
            "huge numbers": b"--- a/Documentation/a.rst\n+++ b/Documentation/a.rst\n@@ -4294967295,4294967295 +1,99999999999 @@\n x\n",
            "a cut hunk": b"--- a/Documentation/a.rst\n+++ b/Documentation/a.rst\n@@ -1,5 +1,5 @@\n :orp",
        }
        for name, patch in bad.items():
            ok, code, out, err = run("--patch", "-", top, stdin=patch)
            said = (out.decode(errors="replace") + err).strip()
            check(code == 1 and said, "a patch: %s: %s" % (name, said.split("\n")[0][:100]))
        ok, code, out, err = run("--base", "HEAD", top)
        check(code == 1 and "no revision" in err, "--base without a repository: %s" % err.strip()[:80])
        ok, code, out, err = run("--baseline", os.path.join(top, "MAINTAINERS"), top)
        check(code == 1 and "no output" in err, "--baseline of something else: %s" % err.strip()[:80])

    with tempfile.TemporaryDirectory() as top:  # files come, go and change while they are read
        put(top, "MAINTAINERS", b"x\n")
        for i in range(400):
            put(top, "Documentation/d%d/f.rst" % (i % 20), b"T\n=\n\ntext\n" * 50)
        stop = False

        def disturb():
            i = 0
            while not stop:
                i += 1
                path = "Documentation/d%d/f%d.rst" % (i % 25, i % 7)
                full = put(top, path, b"Title\n===\n" * (i % 500))
                if i % 3 == 0:
                    os.unlink(full)
        thread = threading.Thread(target=disturb)
        thread.start()
        results = [run(top) for _ in range(15)]
        stop = True
        thread.join()
        check(all(r[0] for r in results), "a tree that changes under the run: %s" %
              sorted({r[1] for r in results}))
    sys.exit(done())


main()
