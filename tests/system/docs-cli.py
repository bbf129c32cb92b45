#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-cli.py FORELAND: what people do with docs check beside checking a tree: a revision, a saved
run, the robot's report, standard input, the allow list, the manual's git hook, a terminal, --write.
"""
import json
import os
import pty
import re
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
MANUAL = os.path.join(HERE, "..", "..", "doc", "man", "foreland-docs.1.in")
ROBOT = os.path.join(HERE, "..", "data", "docs", "robot.mail")


def run(top, *args, stdin=None):
    p = subprocess.run([FORELAND, "docs", "check", *args], cwd=top, input=stdin, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    return p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


def git(top, *args, **kw):
    env = dict(os.environ, GIT_CONFIG_NOSYSTEM="1", HOME=top, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b.c",
               GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b.c",
               PATH=os.path.join(top, ".bin") + ":" + os.environ["PATH"])
    return subprocess.run(["git", "-C", top, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=env, text=True, **kw)


OLD = "X\n=\n\nSee Documentation/index.rst and /sys/modules/x.\n"
NEW = "X\n=\n\nA line more, with Documentation/indx.rst.\n\nSee /sys/modules/x.\n\nTitle\n----\n\ntext\n"


def tree(top):
    put(top, "MAINTAINERS", "x\n")
    put(top, "Documentation/index.rst", "Docs\n====\n\n.. toctree::\n\n   a/x\n")
    put(top, "Documentation/a/x.rst", OLD)


def revisions():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        git(top, "init", "-q")
        git(top, "add", ".")
        git(top, "commit", "-qm", "one")
        first = git(top, "rev-parse", "HEAD").stdout.strip()
        code, out, err = run(top, "--base", "HEAD")
        check(code == 0 and not out, "--base: an unchanged tree has nothing new", out, err)
        put(top, "Documentation/a/x.rst", NEW)
        code, out, err = run(top, "--base", "HEAD")
        found = re.findall(r"^(.*?) .*\[(.*)\]$", out, re.M)
        check(code == 1 and found == [(">>", "ref-file"), (">>", "title-underline-short")],
              "--base: what is new since, and not what has moved", out, err)
        put(top, "Documentation/a/new.rst", "New\n===\n\ntext ``more\n")
        code, out, err = run(top, "--base", "HEAD")
        check("new.rst:4" in out and "toctree-orphan" in out, "--base: files that git does not know yet", out)
        os.unlink(os.path.join(top, "Documentation/a/new.rst"))
        diff = git(top, "diff").stdout
        git(top, "commit", "-qam", "two")
        code, out, err = run(top, "--base", first)
        check(code == 1 and out.count(">>") == 2, "--base: a revision further back", out)
        code, out, err = run(top, "--patch", "-", stdin=diff.encode())
        check(code == 1 and "patch-apply" in out, "a patch that is in the tree does not apply", out, err)
        code, out, err = run(top, "--patch", "-", "--base", first, stdin=diff.encode())
        check(code == 1 and out.count(">>") == 2 and "patch-apply" not in out,
              "it applies to the revision before it", out, err)
        code, out, err = run(top, "--base", "no-such-revision")
        check(code == 1 and "no-such-revision" in err, "a revision that is none is named", err)
        code, out, err = run(top, "--robot", "--base", first)
        check(out.startswith("head:   " + git(top, "rev-parse", first).stdout.strip()) and
              "   Documentation/a/x.rst:6: WARNING: /sys/modules" in out and ">> Documentation/a/x.rst:9: " in out,
              "--robot --base: head, old and new", out)


def baseline():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        saved = {}
        for name, args in ("text", ()), ("json", ("--json",)):
            saved[name] = os.path.join(top, ".before." + name)
            code, out, err = run(top, *args)
            check(code == 1, "a run to compare with, as " + name)
            put(top, ".before." + name, out)
        for name in saved:
            put(top, "Documentation/a/x.rst", OLD)
            code, out, err = run(top, "--baseline", saved[name])
            check(code == 0 and not out, "--baseline, %s: the same tree has nothing new" % name, out)
            put(top, "Documentation/a/x.rst", NEW)
            code, out, err = run(top, "--baseline", saved[name])
            found = re.findall(r"^>> .*\[(.*)\]$", out, re.M)
            check(code == 1 and found == ["ref-file", "title-underline-short"] and "/sys/modules" not in
                  "".join(re.findall(r"^\S.*warning.*", out, re.M)),
                  "--baseline, %s: what is new alone, though lines have moved" % name, out)
        put(top, "Documentation/a/x.rst", OLD + "\nAnd /sys/modules/y.\n")
        code, out, err = run(top, "--baseline", saved["text"])
        check(code == 1 and out.count("[sysfs-modules]") == 1, "a second one of a kind is new", out)


def robot():
    """The report of 20 June 2026: files that say what it says of them, and a patch for the new line."""
    with open(ROBOT, encoding="utf-8") as f:
        mail = f.read()
    lines = re.findall(r"^(   |>> )Warning: (\S+) references a file that doesn't exist: (\S+)$", mail, re.M)
    head = re.search(r"^All warnings.*$", mail, re.M).group(0)
    check(len(lines) == 11, "the report has 11 lines: %d" % len(lines))
    texts = {}
    for mark, path, name in lines:
        if mark != ">> ":
            texts.setdefault(path, []).append(name)
    with tempfile.TemporaryDirectory() as top:
        put(top, "Documentation/index.rst", "Docs\n====\n\ntext\n")
        for path, names in texts.items():
            put(top, path, "".join("\n/* %s */\n" % n for n in names) if path.endswith(".c") else
                "".join(("F:\t%s\n" if path == "MAINTAINERS" else "See %s\n") % n for n in names))
        new = [(p, n) for mark, p, n in lines if mark == ">> "][0]
        patch = ("--- a/%s\n+++ b/%s\n@@ -1,1 +1,2 @@\n+F:\t%s\n F:\t%s\n" %
                 (new[0], new[0], new[1], texts[new[0]][0]))
        for path in texts:  # so that the report tells of all files, as the robot's does
            if path != new[0]:
                first = open(os.path.join(top, path), encoding="utf-8").read().split("\n")[0]
                patch += "--- a/%s\n+++ b/%s\n@@ -1,1 +1,2 @@\n %s\n+\n" % (path, path, first)
        code, out, err = run(top, "--robot", "--only", "ref-file", "--patch", "-", stdin=patch.encode())
    want = []
    for mark, path, name in lines:
        # A place for a name, and a text about old kernels, are no missing files; "file:" is no
        # part of the name: the script that the robot runs is known for these.
        if "xxx/xxx" in name or "Configure.help" in name:
            continue
        want.append("%sWarning: %s references a file that doesn't exist: %s" % (mark, path, name.replace("file:", "")))
    got = [line for line in out.split("\n") if "references a file" in line]
    check(got == want, "--robot prints the report's lines, in its order, with its marks", "\n".join(got), err)
    check(head in out, "and its heading: " + head, out)


def standard_input():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        code, out, err = run(top, "-", stdin=b"Title\n===\n\nSee ``this.\n")
        check(code == 1 and "<stdin>.rst:4:5: warning: Inline literal" in out, "a page on standard input", out, err)
        code, out, err = run(top, "-", stdin=b"Title\n=====\n\nSee Documentation/index.rst.\n")
        check(code == 0 and not out, "which knows the tree around it", out, err)
        code, out, err = run(top, "-", stdin=b"")
        check(code == 0 and not out, "or an empty one", out, err)


def allow_list():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, ".foreland-docs-allow", "# old\nDocumentation/a/*  sysfs-modules  the page tells of old kernels\n")
        code, out, err = run(top)
        check(code == 0 and not out, "the allow list takes a finding out", out, err)
        put(top, ".foreland-docs-allow", "Documentation/b/* paths no such page\n")
        code, out, err = run(top)
        check(code == 1 and "sysfs-modules" in out, "but no other", out)
        for bad in "Documentation/a/* sysfs-modules\n", "Documentation/a/* sysfs-moduls why\n":
            put(top, ".foreland-docs-allow", "\n" + bad)
            code, out, err = run(top)
            check(code == 1 and ".foreland-docs-allow:2" in err, "a line without reason or check is told: " +
                  err.split("\n")[0], err)


INCLUDING = """:orphan:

Top
===

Part
----

.. include:: part.txt

End
---

.. include:: more.rst
"""
PART = "Inc\n~~~\n\n* a\nb *c\n\nDeep\n++++\n\ntext\n"
MORE = """:orphan:

One
---

Two
~~~

Three
\"\"\"\"\"

text
"""


def includes():
    """Titles of an included file follow the page's styles; docutils itself says where they do not."""
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        for name, text in ("page.rst", INCLUDING), ("part.txt", PART), ("more.rst", MORE):
            put(top, "Documentation/b/" + name, text)
        code, out, err = run(top, "Documentation/b/more.rst", "--skip", "toctree")
        check(code == 0, "the included page by itself is right", out, err)
        code, out, err = run(top, "Documentation/b/page.rst")
        mine = sorted((m[0], int(m[1])) for m in re.findall(r"^Documentation/b/(\S+?):(\d+):", out, re.M))
        try:
            import docutils.core
        except ImportError:
            print("# no docutils to compare with")
            return
        doc = docutils.core.publish_doctree(
            INCLUDING, source_path=os.path.join(top, "Documentation/b/page.rst"),
            settings_overrides={"report_level": 2, "halt_level": 6, "warning_stream": False})
        theirs = sorted((os.path.basename(m["source"]), m["line"])
                        for m in doc.findall(lambda n: n.tagname == "system_message") if m["level"] >= 2)
        check(mine == theirs and ("more.rst", 9) in mine, "with the page around it: %s" % theirs, mine, theirs)


# A start-string right in front of its end-string encloses nothing; what docutils 0.19 and 0.23 say.
STARS = {"**** foo** bar": 1, "***** foo** bar": 0, "*** foo** bar": 0, "a ****": 2, "**** foo": 1,
         "***foo*** bar": 0, "**** foo ** bar": 1, "*foo ** bar*": 0, "``` foo`` bar": 0, "```` foo`` bar": 1}


def stars():
    with tempfile.TemporaryDirectory() as top:
        for i, text in enumerate(STARS):
            put(top, "%d.rst" % i, text + "\n")
        code, out, err = run(top)
        for i, text in enumerate(STARS):
            mine = len(re.findall(r"^%d\.rst:.*\[inline-end\]" % i, out, re.M))
            check(mine == STARS[text], "%s: %d complaints" % (text, STARS[text]), out)
        try:
            import docutils.core
        except ImportError:
            return
        theirs = {t: len(list(docutils.core.publish_doctree(
            t + "\n", settings_overrides={"report_level": 2, "halt_level": 6, "warning_stream": False}).findall(
                lambda n: n.tagname == "system_message"))) for t in STARS}
        check(theirs == STARS, "docutils says the same", theirs)


# A title and a reference to it, by its text without markup; docutils 0.19 and 0.23 resolve all but the last.
TITLES = [("``execve(2)``", "`execve(2)`_", True), ("A *big* thing", "`a big thing`_", True),
          ("The ``x`` and `y`", "`The x and y`_", True), ("Plain name", "`plain name`_", True),
          ("``a`` *b* **c** :sub:`d` |s| e", "`a b c d s e`_", True), ("1. One \\*", "`1. one *`_", True),
          ("See name_", "`see name`_", True), ("`t <https://x>`_ u", "`t u`_", True), ("*a* b", "`*a* b`_", False)]


def titles():
    with tempfile.TemporaryDirectory() as top:
        mine, theirs = [], []
        for title, ref, known in TITLES:
            text = "Top\n===\n\n%s\n%s\n\n%s\n\n.. _name: https://x\n.. |s| replace:: s\n" % (
                title, "-" * 40, ref)
            put(top, "x.rst", text)
            code, out, err = run(top, "--only", "target-unknown")
            mine.append(not out)
            try:
                import docutils.core
            except ImportError:
                theirs.append(known)
                continue
            doc = docutils.core.publish_doctree(text, settings_overrides={
                "report_level": 3, "halt_level": 6, "warning_stream": False})
            theirs.append(not [m for m in doc.transform_messages if "Unknown target name" in m.astext()])
        for (title, ref, known), here, there in zip(TITLES, mine, theirs):
            check(here == there == known, "title %s, reference %s: %s" % (title, ref, known), here, there)


LABELS = [(".. _a:\n\nTitle\n=====\n", True), (".. _a:\n\n1. Title\n========\n", True), (".. _a:\n\ntext\n", False),
          (".. _a:\n\n* item\n", False), (".. _a:\n\n.. figure:: x.svg\n\n   Caption\n", True),
          (".. _a:\n\n.. figure:: x.svg\n", False), (".. _a:\n\n.. table:: T\n\n   == ==\n   a  b\n   == ==\n", True),
          (".. _a:\n\n.. cssclass:: l\n\n.. table:: T\n\n   == ==\n   a  b\n   == ==\n", True),
          (".. _a:\n\nterm\n  text\n", True), (".. _a:\n\n:field: text\n", True),
          (".. _a:\n.. _b:\n\nTitle\n=====\n", True), (".. _a:\n\n.. a comment\n\nTitle\n=====\n", False),
          (".. code-block:: c\n   :name: a\n   :caption: C\n\n   int x;\n", True),
          (".. code-block:: c\n   :name: a\n\n   int x;\n", False)]


def labels():
    """Which labels have a title is Sphinx's rule (std domain); two without one are no duplicates."""
    for text, titled in LABELS:
        with tempfile.TemporaryDirectory() as top:
            tree(top)
            put(top, "Documentation/x.svg", "<svg/>\n")
            put(top, "Documentation/a/x.svg", "<svg/>\n")
            put(top, "Documentation/a/x.rst", "X\n=\n\ntext\n\n" + text)
            put(top, "Documentation/index.rst", "D\n=\n\n:ref:`a` :ref:`text <a>`\n\n.. toctree::\n\n   a/x\n")
            code, out, err = run(top)
            check(("[label-untitled]" not in out) == titled and out.count("[") == (not titled),
                  "%r: %s title" % (text, "a" if titled else "no"), out)
            put(top, "Documentation/b.rst", ":orphan:\n\nB\n=\n\n" + text)
            code, out, err = run(top)
            check(("[label-duplicate]" in out) == titled, "and twice it is %s duplicate" % ("a" if titled else "no"), out)


def c_names():
    """A patch that documents a name a second time; and one page's name is none of a namespace's."""
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, "lib/a.c", "/**\n * f() - does it\n */\nvoid f(void);\n")
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. kernel-doc:: lib/a.c\n   :FUNCTIONS: f\n")
        put(top, "Documentation/y.rst", ":orphan:\n\nY\n=\n\ntext\n")
        patch = "--- a/Documentation/y.rst\n+++ b/Documentation/y.rst\n@@ -6,1 +6,%d @@\n text\n+\n%s"
        again = "+.. kernel-doc:: lib/a.c\n+   :functions: f\n"
        code, out, err = run(top, "--patch", "-", stdin=(patch % (4, again)).encode())
        check(code == 1 and ">> lib/a.c:2:4: warning: Duplicate C declaration of function f, also defined at a/x:4."
              in out, "a C name that a patch declares a second time", out, err)
        spaced = "+.. c:namespace:: it\n+\n" + again
        code, out, err = run(top, "--patch", "-", stdin=(patch % (6, spaced)).encode())
        check(code == 0 and not out, "but in a namespace", out, err)
    with tempfile.TemporaryDirectory() as top:  # as Sphinx 9.2 says of drm_atomic.c and drm_atomic.h of Linux 7.3
        tree(top)
        put(top, "lib/a.c", "/**\n * f() - does it\n */\nvoid f(void);\n")
        put(top, "lib/z.h", "/**\n * struct f - is it\n * @m: what\n */\nstruct f {\n\tint m;\n};\n")
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. kernel-doc:: lib/z.h\n\n.. kernel-doc:: lib/a.c\n")
        code, out, err = run(top)
        check(re.findall(r"^(\S+): warning.*also defined at (\S+)\.", out, re.M) == [("lib/a.c:2:4", "a/x:4")],
              "of two comments the one is told that stands later on the page", out, err)


def hook():
    with open(MANUAL) as f:
        text = f.read()
    recipe = re.search(r"A GIT HOOK.*?\.EX\n(.*?)\.EE", text, re.S).group(1).replace("\\-", "-").replace("\\e", "\\")
    name = re.search(r"\.I (\.git/hooks/\S+)", text).group(1).replace("\\-", "-")
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, ".bin/foreland", "#!/bin/sh\nexec %s \"$@\"\n" % FORELAND)
        put(top, ".gitignore", ".bin\n.gitconfig\n")
        os.chmod(os.path.join(top, ".bin/foreland"), 0o755)
        git(top, "init", "-q")
        git(top, "add", ".")
        git(top, "commit", "-qm", "one")
        put(top, name, recipe)
        os.chmod(os.path.join(top, name), 0o755)
        put(top, "Documentation/a/x.rst", NEW)
        p = git(top, "commit", "-qam", "two")
        check(p.returncode != 0 and "title-underline-short" in p.stdout, "the manual's hook stops a bad commit", p.stdout)
        put(top, "Documentation/a/x.rst", OLD + "\nMore.\n")
        p = git(top, "commit", "-qam", "two")
        check(p.returncode == 0, "and lets a good one pass", p.stdout)
        p = git(top, "commit", "-q", "--allow-empty", "-m", "three")
        check(p.returncode == 0, "and an empty one", p.stdout)


def terminal():
    """Progress is for terminals alone, and leaves nothing on the screen."""
    with tempfile.TemporaryDirectory() as top:
        put(top, "MAINTAINERS", "x\n")
        page = ":orphan:\n\nT\n=\n\n" + "Some *words* and ``more`` of them.\n\n" * 20000
        for i in range(60):
            put(top, "Documentation/p%d.rst" % i, page)
        primary, secondary = pty.openpty()
        p = subprocess.Popen([FORELAND, "docs", "check", "--level", "style", top], stdout=subprocess.PIPE,
                             stderr=secondary)
        os.close(secondary)
        said = b""
        while True:
            try:
                piece = os.read(primary, 4096)
            except OSError:
                break
            if not piece:
                break
            said += piece
        out = p.stdout.read()
        p.wait()
        counts = [int(n) for n in re.findall(rb"\r(\d+) files", said)]
        if counts:  # a machine may be too fast for it
            check(counts == sorted(counts) and counts[-1] <= 61, "progress counts up on a terminal: %s" % counts[-3:])
        check(b"\r" not in out, "and does not reach standard output")
        last = said.split(b"\x1b[K")[-1]
        check(b"files" not in last and b"remarks" in last, "it is wiped before the summary", said[-200:])
        code, out, err = run(top, "--level", "style")
        check("\r" not in err and "\x1b" not in err, "no terminal, no progress", err)


def write():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, "kernel/locking/lockdep_proc.c", "int x;\n")
        put(top, "Documentation/locking/mutex-design.rst", ":orphan:\n\nM\n=\n\ntext\n")
        put(top, "Documentation/a/x.rst", "Longer\n====\n\nSee /sys/modules/x, Documentation/mutex-design.txt\n"
            "and kernel/lockdep_proc.c.\n* item\n")
        before = open(os.path.join(top, "Documentation/a/x.rst")).read()
        code, out, err = run(top, "--fix", "--level", "style")
        check(code in (0, 1) and "+======" in out, "--fix prints a diff", out, err)
        check(open(os.path.join(top, "Documentation/a/x.rst")).read() == before, "and changes nothing")
        patch = subprocess.run(["patch", "-p1", "--dry-run"], cwd=top, input=out.encode(), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        check(patch.returncode == 0, "patch(1) takes it", patch.stdout.decode())
        code, out2, err = run(top, "--fix", "--write", "--level", "style")
        check(out2 == out, "--write prints the same diff", out2)
        subprocess.run(["patch", "-p1", "-R"], cwd=top, input=out.encode(), stdout=subprocess.PIPE)
        check(open(os.path.join(top, "Documentation/a/x.rst")).read() == before, "and writes what it printed")
        run(top, "--fix", "--write", "--level", "style")
        after = open(os.path.join(top, "Documentation/a/x.rst")).read()
        check("Longer\n======\n" in after and "/sys/module/x" in after and "x, Documentation/locking/mutex-design.rst\n" in after and
              "kernel/locking/lockdep_proc.c" in after, "title, sysfs path and moved source file", after)
        code, out, err = run(top, "--fix", "--write", "--level", "style")
        check(not out, "a second time there is nothing left to fix", out, err)
        line = "/sys/module%s/a and /sys/module%s/b/parameter%s/c\n"
        put(top, "page.rst", "| l\n%s==\n   e\n%s| l\n   e\n%s" % ((line % ("s", "s", ""),) * 3))
        run(top, "--fix", "--write", "page.rst")
        after = open(os.path.join(top, "page.rst")).read()
        check(after.count(line % ("", "", "s")) == 3 and after.count("/a and") == 3,
              "fixes of one line follow one another: no line is half mended or doubled", after)
        # That they are not tried at once shows where there are many: each text that harms costs a look at the page.
        put(top, "page.rst", "P\n=\n" + ("\n" + line % ("s", "s", "")) * 200)
        run(top, "--fix", "--write", "page.rst")
        after = open(os.path.join(top, "page.rst")).read()
        check(after.count(line % ("", "", "s")) == 200 and after.count("/a and") == 200,
              "so do those of 200 lines", after[:400])
        code, out, err = run(top, "--write")
        check(code == 2 and "--fix" in err, "--write alone is a mistake", err)


def ignored():
    """In each kind of comment, for its lines and no other; and one that nothing needs any more."""
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. foreland: ignore sysfs-modules of an old kernel\n\nSee /sys/modules/x\n"
            "or /sys/modules/y.\n\nBut /sys/modules/z.\n")
        code, out, err = run(top)
        check(re.findall(r"^(\S+?:\d+)", out, re.M) == ["Documentation/a/x.rst:9"], "ignored up to the next blank line", out)
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. foreland: ignore paths of an old kernel\n\nSee /sys/module/x.\n")
        code, out, err = run(top)
        check("x.rst:4:" in out and "[ignore-unused]" in out and code == 1, "one that nothing needs is told", out)
        code, out, err = run(top, "--skip", "sysfs-modules")
        check(code == 0, "but not where its check was not asked for", out)
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. foreland: ignore paths\n\nSee /sys/modules/x, foreland: ignore\n")
        code, out, err = run(top)
        check("x.rst:4:4: error" in out and out.count("[ignore-bad]") == 1, "one without a reason, too", out)
        put(top, "Documentation/a/x.rst", OLD.replace("/sys/modules", "/sys/module"))
        put(top, "lib/a.c", "/* foreland: ignore kdoc-param the caller knows */\n/**\n * f() - does it\n */\nvoid f(int a);\n\n"
            "/**\n * g() - does it\n */\nvoid g(int a);\n")
        put(top, "Documentation/ABI/testing/x", "# foreland: ignore abi-date nobody knows\n\nWhat:\t\t/sys/a\nDate:\t\t31 Februar 2012\n"
            "Contact:\tx@y.z\nDescription:\n\t\tText.\n")
        code, out, err = run(top)
        check(re.findall(r"^(\S+?:\d+)", out, re.M) == ["lib/a.c:10"], "in C and ABI files", out)
        code, out, err = run(top, "--patch", "-", stdin=b"--- a/lib/a.c\n+++ b/lib/a.c\n@@ -1,3 +1,2 @@\n"
                             b"-/* foreland: ignore kdoc-param the caller knows */\n /**\n  * f() - does it\n")
        check(">> lib/a.c:4:" in out and "[kdoc-param]" in out, "a patch that takes it away brings the finding back", out)


# A name that is not there, a file that is, and whether the one became the other: the folders say.
MOVED = [("Documentation/arm/pxa-mfp.txt", "Documentation/arch/arm/pxa-mfp.rst", True),
         ("drivers/net/tg3.c", "drivers/net/ethernet/broadcom/tg3.c", True),
         ("include/linux/taskstats.h", "include/uapi/linux/taskstats.h", True),
         ("Documentation/powerpc/fsl/mpic.txt", "Documentation/virt/kvm/devices/mpic.rst", False),
         ("drivers/foo/bar.c", "drivers/gpu/drm/nouveau/r535/bar.c", False),
         ("drivers/gpu/bar.c", "drivers/gpu/drm/bar.c", False),
         ("net/core/devlink.c", "net/dsa/devlink.c", False),
         ("include/asm/byteorder.h", "include/linux/rpmsg/byteorder.h", False),
         ("include/generated/asm-offsets.h", "include/asm-generic/asm-offsets.h", False),
         ("drivers/power/core.c", "drivers/hw/power/core.c", False),
         ("drivers/power/x/core.c", "drivers/hw/power/x/core.c", True),
         ("kernel/core.c", "kernel/debug/core.c", False), ("arch/x86/xxx.c", "arch/x86/kernel/xxx.c", False)]


def moved():
    for old, new, evident in MOVED:
        with tempfile.TemporaryDirectory() as top:
            tree(top)
            put(top, new, ":orphan:\n\nT\n=\n\ntext\n" if new.endswith(".rst") else "int x;\n")
            put(top, "Documentation/a/x.rst", "X\n=\n\nSee %s.\n" % old)
            code, out, err = run(top, "--fix", "--level", "style", "Documentation/a/x.rst")
            check(("+See %s." % new in out) == evident, "%s %s %s" % (old, "became" if evident else "is not", new), out)
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, "drivers/gpu/drm/opp_table.h", "/**\n * DOC: other\n *\n * Text.\n */\n")
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. kernel-doc:: drivers/gpu/opp_table.h\n   :doc: overview\n")
        code, out, err = run(top, "--fix", "--level", "style")
        check(not out, "a directive that would find nothing there is left alone", out)
        put(top, "drivers/gpu/drm/opp_table.h", "/**\n * DOC: overview\n *\n * Text.\n */\n")
        code, out, err = run(top, "--fix", "--level", "style")
        check("+.. kernel-doc:: drivers/gpu/drm/opp_table.h" in out, "and one that finds its text is mended", out)
        put(top, "rust/a.rs", "//! srctree/tools/memory-model/Documentation/explanation.txt\n")
        put(top, "tools/memory-model/Documentation/explanation.txt", "text\n")
        code, out, err = run(top, "rust")
        check(code == 0, "srctree/ is the tree's top", out)


# Two letters are missing: docutils knows no such directive either, the suggestion is ours.
NEAR = "T\n=\n\n.. litralinclud:: a.txt\n"
# What is deeper than a parameter's second line stays deeper, as in kernel-doc's own output.
DEEPER = """/**
 * f() - does it
 * @a: one of these
 *     As follows::
 *
 *         code
 *
 *     and so on
 */
int f(int a)
{
}
"""


def words():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, "Documentation/a/x.rst", NEAR)
        code, out, err = run(top, "Documentation/a/x.rst")
        check(code == 1 and "did you mean 'literalinclude'?" in out, "a directive with two letters missing", out)
        put(top, "Documentation/a/x.rst", "X\n=\n\n.. kernel-doc:: lib/deeper.c\n")
        put(top, "lib/deeper.c", DEEPER)
        code, out, err = run(top, "lib/deeper.c", "Documentation/a/x.rst")
        check(code == 0, "a literal block within what is said of a parameter", out)


DRAWING = """T
=

The way of a frame
  +------+    +------+
  | one  |--->| two  |
  +------+    +------+
     |
    \\ /

- item
text after it
"""


def drawings():
    """Blank lines between the lines of a drawing mend its finding and ruin it."""
    with tempfile.TemporaryDirectory() as top:
        put(top, "x.rst", DRAWING)
        code, out, err = run(top, "x.rst")
        check("unexpected" in out.lower() or "definition" in out.lower() or "[" in out, "a drawing is complained about", out)
        code, out, err = run(top, "--fix", "x.rst")
        check("+\n" in out and "@@ -9,4 +9,5 @@" in out and out.count("\n+") == 2, "only the list is mended", out)


def places():
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        for wrong in "nowhere", "Documentation/nowhere.rst":
            code, out, err = run(top, wrong)
            check(code == 1 and err.startswith(wrong + ": error: ") and not out and len(err) < 200,
                  "a path that is none: %s" % err.strip(), out)
        code, out, err = run(top, "Documentation", "/")
        check(code == 1 and "another tree" in err, "two trees at once: %s" % err.strip()[:60], err)
        put(top, "Documentation/a/latin.rst", b":orphan:\n\nCaf\xe9\n====\n\ntext\n")
        code, out, err = run(top, "Documentation/a/latin.rst")
        check(code == 1 and "latin.rst:3:4: error: byte 0xe9 is no UTF-8 [encoding-utf8]" in out and
              out.count("latin.rst") == 1, "a page in another encoding: one message", out, err)
        code, out, err = run(os.path.join(top, "Documentation/a"), "x.rst")
        check(code == 1 and out.startswith("Documentation/a/x.rst:4:"), "a file, seen from its folder", out, err)
        code, out, err = run(top, "--json", "Documentation")
        rows = [json.loads(line) for line in out.split("\n") if line]
        check(rows[0]["type"] == "schema" and rows[-1]["type"] == "summary" and rows[-1]["warnings"] == len(rows) - 3,
              "--json: schema, rows, summary", out)
        put(top, "Documentation/a/named.rst", ":orphan:\n\nN\n=\n\nDocumentation/a/xxx.rst, Documentation/xx/b.rst, "
            "linux-2.6.12-vanilla/Documentation/dontdiff, Documentation/x.rst, linux-next/Documentation/b.rst\n")
        code, out, err = run(top, "--only", "ref-file", "Documentation/a/named.rst")
        check(re.findall(r"exist: (\S+)", out) == ["Documentation/x.rst", "linux-next/Documentation/b.rst"],
              "places for names, and other trees, are no references", out)
        code, out, err = run(top, "--only", "title-undeline-short")
        check(code == 2 and "did you mean 'title-" in err, "a check that is none: %s" % err.split("\n")[0], err)


def meant():
    """A patch or a revision among the files: the option that was meant is named."""
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        put(top, "my.patch", "--- a/Documentation/a/x.rst\n+++ b/Documentation/a/x.rst\n@@ -1,1 +1,1 @@\n-a\n+b\n")
        code, out, err = run(top, "my.patch")
        check(code == 2 and "--patch" in err and not out, "a patch as a file: %s" % err.split("\n")[0], out)
        for args in ("init", "-q"), ("add", "."), ("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "x"):
            subprocess.run(["git", *args], cwd=top, check=True)
        for wrong in "HEAD", "HEAD..master":
            code, out, err = run(top, wrong)
            check(code == 1 and "help: --base HEAD " in err, "a revision as a file: %s" % err.split("\n")[-2], err)
        code, out, err = run(top, "HEAD~9")
        check(code == 1 and "help" not in err, "what is neither file nor revision gets no hint", err)


def many():
    """At a terminal, 20 findings of a kind about a file, and the number of the others; elsewhere all."""
    with tempfile.TemporaryDirectory() as top:
        put(top, "x.rst", "T\n=\n\n" + "a *b\n\n" * 33)
        code, out, err = run(top, "x.rst")
        check(out.count("inline-end") == 33 and "more of" not in out, "a pipe gets all 33", out)
        got = subprocess.run(["script", "-qec", FORELAND + " docs check x.rst", "/dev/null"], cwd=top, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True).stdout
        check(got.count("[inline-end]") == 20 and "x.rst: 13 more of inline-end" in got, "a terminal 20 and a number", got)


for part in meant, many, revisions, baseline, robot, standard_input, allow_list, ignored, includes, stars, titles, labels, c_names, hook, terminal, write, moved, words, drawings, places:
    part()
sys.exit(done())
