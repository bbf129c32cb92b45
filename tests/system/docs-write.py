#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-write.py FORELAND: what docs check reads and writes beside hostile neighbours.

Folders that cannot be read, trees that are exchanged while they are written, names and repositories
that mean harm; git and patch(1) are the judges of diffs.
"""
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
NOBODY = 65534
BAD = "Longer title\n====\n\nText.\n"
GOOD = "Longer title\n============\n\nText.\n"


def run(top, *args, stdin=None, user=None):
    p = subprocess.run([FORELAND, "docs", "check", *args], cwd=top, input=stdin, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, user=user)
    return p.returncode, p.stdout.decode(errors="surrogateescape"), p.stderr.decode(errors="replace")


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)
    return full


def folder():
    top = tempfile.TemporaryDirectory()
    os.chmod(top.name, 0o755)
    put(top.name, "MAINTAINERS", "x\n")
    put(top.name, "Documentation/index.rst", "T\n=\n\ntext\n")
    return top


def unreadable():
    with folder() as top:
        put(top, "Documentation/secret/a.rst", BAD)
        put(top, "Documentation/b.rst", ":orphan:\n\n" + GOOD)
        os.chmod(os.path.join(top, "Documentation/secret"), 0)
        user = NOBODY if os.geteuid() == 0 else None
        code, out, err = run(top, user=user)
        check(code == 1 and "Documentation/secret" in err and "Permission denied" in err,
              "a folder that cannot be read is told, and a failure", code, out, err)
        os.chmod(os.path.join(top, "Documentation/secret"), 0o755)
        os.chmod(os.path.join(top, "Documentation/secret/a.rst"), 0)
        code, out, err = run(top, user=user)
        check(code == 1 and "Documentation/secret/a.rst" in err, "and so is a file", code, out, err)


def too_large():
    """A page beyond a gigabyte: its file has no blocks, so that it costs nobody any space."""
    with folder() as top:
        put(top, "Documentation/b.rst", ":orphan:\n\n" + BAD)
        os.truncate(put(top, "Documentation/a.rst", ":orphan:\n"), (1 << 30) + 1)
        code, out, err = run(top)
        check(code == 1 and "Documentation/a.rst" in err and "File too large" in err,
              "a file of more than a gigabyte is told, and a failure", code, out, err)
        check("Documentation/b.rst" in out + err, "and the others are read", code, out, err)


def modes():
    with folder() as top:
        page = put(top, "Documentation/a.rst", ":orphan:\n\n" + BAD)
        for mode in 0o4755, 0o2755, 0o640:
            put(top, "Documentation/a.rst", ":orphan:\n\n" + BAD)
            os.chmod(page, mode)
            run(top, "--fix", "--write")
            now = os.stat(page).st_mode
            check(open(page).read() == ":orphan:\n\n" + GOOD and stat.S_IMODE(now) == mode & 0o777,
                  "a page of mode %o is written with mode %o" % (mode, mode & 0o777), oct(now))
        left = [f for f in os.listdir(os.path.join(top, "Documentation")) if f not in ("a.rst", "index.rst")]
        check(not left, "nothing is left beside it", left)


def exchanged():
    """The tree's owner swaps a folder for a link while we write: nothing may arrive behind the link."""
    with folder() as top, tempfile.TemporaryDirectory() as outside:
        for i in range(30):
            put(top, "Documentation/d/p%d.rst" % i, ":orphan:\n\n" + BAD)
        place, away, link = (os.path.join(top, "Documentation", n) for n in ("d", "e", "l"))
        os.symlink(outside, link)
        stop = threading.Event()
        real = os.open(place, os.O_DIRECTORY)  # the folder, whatever it is called

        def swap():
            while not stop.is_set():
                os.rename(place, away)
                os.rename(link, place)
                os.rename(place, link)
                os.rename(away, place)

        thread = threading.Thread(target=swap)
        thread.start()
        end = time.time() + 4
        while time.time() < end and not os.listdir(outside):
            run(top, "--fix", "--write")
            for i in range(30):
                with open(os.open("p%d.rst" % i, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=real), "w") as f:
                    f.write(":orphan:\n\n" + BAD)
        stop.set()
        thread.join()
        os.close(real)
        got = os.listdir(outside)
        check(not got, "a folder that is exchanged for a link leads nobody outside", got)


def diffs():
    with folder() as top:
        subprocess.run(["git", "init", "-q", top], check=True)
        names = ["plain.rst", "with blank.rst", "quote\".rst", "back\\slash.rst", "caf\u00e9.rst", "tab\there.rst",
                 "new\n--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@.rst"]
        for name in names:
            put(top, "Documentation/" + name.replace("/", "_"), ":orphan:\n\n" + BAD)
        code, out, err = run(top, "--fix")
        heads = re.findall(r"^\+\+\+ (.*)$", out, re.M)
        check(len(heads) == len(names), "one head a file: %s" % heads, out)
        p = subprocess.run(["git", "apply"], cwd=top, input=out.encode(errors="surrogateescape"),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        fixed = [n for n in names if open(os.path.join(top, "Documentation", n.replace("/", "_"))).read() ==
                 ":orphan:\n\n" + GOOD]
        check(p.returncode == 0 and fixed == names, "git apply takes the diff of all names", p.stdout.decode(), fixed)
    for text, want in (("Title long\n====\n\nText.", "Title long\n==========\n\nText."),
                       ("T\n=\n\nSee /sys/modules/x", "T\n=\n\nSee /sys/module/x\n"),
                       ("T\n=\n\n* a\ntext\n", "T\n=\n\n* a\n\ntext\n")):
        with folder() as top:
            subprocess.run(["git", "init", "-q", top], check=True)
            page = put(top, "a.rst", text)
            code, out, err = run(top, "--fix", "a.rst")
            p = subprocess.run(["git", "apply"], cwd=top, input=out.encode(), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
            check(p.returncode == 0 and open(page).read() == want, "%r: git apply makes %r" % (text[-20:], want[-20:]),
                  out, p.stdout.decode(), open(page).read())


def repository():
    """A repository's configuration names programs; none of them may be run."""
    with folder() as top, tempfile.TemporaryDirectory() as seen:
        script = put(top, "evil", "#!/bin/sh\ntouch %s/$1ran\ncat\n" % seen)
        os.chmod(script, 0o755)
        env = dict(os.environ, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b.c", GIT_COMMITTER_NAME="a",
                   GIT_COMMITTER_EMAIL="a@b.c", HOME=seen)

        def git(*args):
            subprocess.run(["git", "-C", top, *args], env=env, check=True, stdout=subprocess.DEVNULL)

        git("init", "-q")
        put(top, ".gitattributes", "*.rst filter=f diff=d\n")
        git("add", ".")
        git("commit", "-qm", "one")
        for key, value in (("core.fsmonitor", script + " m"), ("diff.external", script + " e"),
                           ("filter.f.clean", script + " c"), ("filter.f.process", script + " p"),
                           ("filter.f.smudge", script + " s"), ("filter.f.required", "true"),
                           ("diff.d.textconv", script + " t"), ("diff.d.command", script + " d"),
                           ("core.hooksPath", top), ("core.pager", script + " g")):
            git("config", key, value)
        for hook in ("post-index-change", "fsmonitor-watchman"):
            os.chmod(put(top, hook, "#!/bin/sh\ntouch %s/%s\n" % (seen, hook)), 0o755)
        put(top, "Documentation/index.rst", BAD)
        os.utime(os.path.join(top, "Documentation/index.rst"), (1, 1))
        code, out, err = run(top, "--base", "HEAD")
        check(code == 1 and "title-underline-short" in out and not os.listdir(seen),
              "--base in a stranger's repository runs nothing of its own", out, err, os.listdir(seen))


for part in unreadable, too_large, modes, exchanged, diffs, repository:
    part()
sys.exit(done())
