#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-mail.py FORELAND: patches as people send them. What git apply --check and git mailinfo take, we
take, with the same result; what they refuse, we refuse.
"""
import base64
import os
import quopri
import re
import shutil
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
PAGE = ":orphan:\n\nTitle of it\n===========\n\nOne.\n\nTwo.\n\nThree.\n"
LAST = ":orphan:\n\nT\n=\n\nlast"
HUNK = "@@ -1,6 +1,6 @@\n :orphan:\n \n-Title of it\n+Title of it, longer\n ===========\n \n One.\n"


def make(top):
    for path, text in (("MAINTAINERS", "x\n"), ("Documentation/index.rst", "T\n=\n\ntext\n"), ("Documentation/a.rst", PAGE),
                       ("Documentation/l.rst", LAST), ("top.txt", "text\n")):
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)
    subprocess.run(["git", "init", "-q", top], check=True)


def run(top, *args, stdin=None):
    p = subprocess.run([FORELAND, "docs", "check", "--skip", "mail", *args], cwd=top, input=stdin,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.stdout.decode(errors="replace") + p.stderr.decode(errors="replace")


def findings(out):
    return sorted(re.findall(r"^(?:>> )?(Documentation\S*?:\d*).*\[([-\w]+)\]$", out, re.M))


def names(old, new):
    return "--- %s\n+++ %s\n" % (old, new)


A = "Documentation/a.rst"
NEW = "--- /dev/null\n+++ b/Documentation/n.rst\n@@ -0,0 +1,4 @@\n+:orphan:\n+\n+Title\n+===\n"
HEADED = "diff --git a/%s b/%s\n" % (A, A)
NEWHEAD = "diff --git a/Documentation/n.rst b/Documentation/n.rst\nnew file mode 100644\n"
END = "@@ -8,3 +8,5 @@\n Two.\n \n Three.\n+\n+* a\n"
PATCHES = {
    "a/ and b/": names("a/" + A, "b/" + A) + HUNK,
    "i/ and w/": names("i/" + A, "w/" + A) + HUNK,
    "c/ and i/, with a head": "diff --git c/%s i/%s\nindex 1..2 100644\n" % (A, A) + names("c/" + A, "i/" + A) + HUNK,
    "linux.orig/ and linux/, dates": names("linux.orig/" + A + "\t2026-01-01", "linux/" + A + "\t2026-01-02") + HUNK,
    "no folder to strip": names(A, A) + HUNK,
    "a name alone": names("top.txt", "top.txt") + "@@ -1 +1 @@\n-text\n+other\n",
    "a quoted name": names('"a/Documentation/\\141.rst"', '"b/Documentation/\\141.rst"') + HUNK,
    "a copy": "diff --git a/%s b/Documentation/c.rst\nsimilarity index 90%%\ncopy from %s\ncopy to Documentation/c.rst\n" %
              (A, A) + names("a/" + A, "b/Documentation/c.rst") + HUNK,
    "a rename": "diff --git a/%s b/Documentation/c.rst\nsimilarity index 100%%\nrename from %s\nrename to "
                "Documentation/c.rst\n" % (A, A),
    "a rename onto a file": "diff --git a/%s b/Documentation/l.rst\nsimilarity index 100%%\nrename from %s\nrename to "
                            "Documentation/l.rst\n" % (A, A),
    "a change of mode": "diff --git a/%s b/%s\nold mode 100644\nnew mode 100755\n" % (A, A),
    "a new file": NEW,
    "a new file over one that is there": NEW.replace("n.rst", "a.rst"),
    "a hunk at the end": names("a/" + A, "b/" + A) + END,
    "a hunk at the end that moved": names("a/" + A, "b/" + A) + END.replace("-8,3 +8,5", "-4,3 +4,5"),
    "a hunk that must be at the end and is not": names("a/" + A, "b/" + A) + "@@ -4,3 +4,4 @@\n ===========\n \n One.\n+x\n",
    "a hunk that must be at the start and is not": names("a/" + A, "b/" + A) + "@@ -1,3 +1,4 @@\n+x\n ===========\n \n One.\n",
    "a hunk some lines off": names("a/" + A, "b/" + A) + "@@ -4,3 +4,4 @@\n One.\n \n+* b\n Two.\n",
    "a deletion": names("a/" + A, "/dev/null") + "@@ -1,10 +0,0 @@\n" + "".join("-%s\n" % s for s in PAGE.split("\n")[:-1]),
    "a deletion of a part": "diff --git a/%s b/%s\ndeleted file mode 100644\n" % (A, A) + names("a/" + A, "/dev/null") +
                            "@@ -1,2 +0,0 @@\n-:orphan:\n-\n",
    "a line without end": names("a/Documentation/l.rst", "b/Documentation/l.rst") +
                          "@@ -4,3 +4,4 @@\n =\n \n-last\n\\ No newline at end of file\n+* last\n+more\n",
    "a line whose end is not told": names("a/Documentation/l.rst", "b/Documentation/l.rst") +
                                    "@@ -4,3 +4,3 @@\n =\n \n-last\n+other\n",
    "lines that end in CR": (names("a/" + A, "b/" + A) + HUNK).replace("\n", "\r\n"),
    "a hunk that is cut off": names("a/" + A, "b/" + A) + HUNK.rsplit(" One", 1)[0],
    "a hunk that counts more lines": names("a/" + A, "b/" + A) + HUNK.replace("-1,6", "-1,7"),
    "a hunk's head that is cut off": names("a/" + A, "b/" + A) + HUNK.replace(" @@", " ", 1),
    "a hunk whose last line does not end": names("a/" + A, "b/" + A) + HUNK[:-1],
    "a hunk without the names before it": HEADED + HUNK,
    "names that its head does not have": HEADED + names("a/top.txt", "b/top.txt") + HUNK,
    "a deletion without the lines": HEADED + "deleted file mode 100644\nindex 1111111..0000000\n",
    "a head that a strange line ends": HEADED + " index 1111111..2222222 100644\n" + names("a/" + A, "b/" + A) + HUNK,
    "a new file whose head a strange line ends": NEWHEAD + " index 1111111..2222222\n" + NEW,
    "two files, the first empty": NEWHEAD + "index 0000000..e69de29\n text\n" + names("a/" + A, "b/" + A) + HUNK,
    "a blank behind a name": HEADED + "deleted file mode 100644\n" + names("a/%s " % A, "/dev/null") + "@@ -1,10 +0,0 @@\n" +
                             "".join("-%s\n" % s for s in PAGE.split("\n")[:-1]),
    "a head without hunks, in lines that end in CR": (NEWHEAD + "index 0000000..e69de29\n").replace("\n", "\r\n"),
    "a mode of another type": "diff --git a/top.txt b/top.txt\ndeleted file mode 200644\n" + names("a/top.txt", "/dev/null") +
                              "@@ -1 +0,0 @@\n-text\n",
    "two modes of two types": HEADED + "old mode 100644\nnew mode 120000\n",
    "a mode that is none": HEADED + "old mode 1006x4\nnew mode 100755\n",
    "a rename without one of the names": HEADED.replace("b/" + A, "b/x") + "rename to x\n",
    "a rename and a copy": HEADED.replace("b/" + A, "b/x") + "rename from %s\nrename to x\ncopy from %s\ncopy to x\n" % (A, A),
    "a head with an index alone": HEADED + "index 1111111..2222222 100644\n",
    "a head of one line, of two names": HEADED.replace("b/" + A, "b/x") + "similarity\n",
    "a new file behind a head of one line": NEWHEAD.split("\n")[0] + "\n new file mode 100644\n" + NEW,
    "a head whose last line does not end": NEWHEAD + "index 0000000..e69de29\n" + HEADED + "index 1..2 100644",
    "a blank behind a quoted name": "diff --git \"a/%s\" b/x\nrename from \"%s\" \nrename to x\n" % (A, A),
    "hunks below an index alone": HEADED + "index 1111111..2222222 100644\n" + HUNK,
    "a copy of a file that is changed before": HEADED + names("a/" + A, "b/" + A) + HUNK +
        "diff --git a/%s b/Documentation/c.rst\nsimilarity index 90%%\ncopy from %s\ncopy to Documentation/c.rst\n" % (A, A) +
        names("a/" + A, "b/Documentation/c.rst") + HUNK,
    "no such file": names("a/Documentation/z.rst", "b/Documentation/z.rst") + HUNK,
}


def patches():
    for what, patch in PATCHES.items():
        for again in (False, True):
            with tempfile.TemporaryDirectory() as top:
                make(top)
                before = findings(run(top))
                if again and subprocess.run(["git", "apply"], cwd=top, input=patch.encode(), stderr=subprocess.DEVNULL).returncode:
                    continue
                git = subprocess.run(["git", "apply", "--check"], cwd=top, input=patch.encode(), stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
                ours = run(top, "--patch", "-", stdin=patch.encode())
                refused = "[patch-apply]" in ours
                check(refused == (git.returncode != 0), "%s%s: %s" % (what, ", again" if again else "", "refused" if
                                                                      git.returncode else "taken"), git.stdout.decode(), ours)
                if git.returncode or again:
                    continue
                subprocess.run(["git", "apply"], cwd=top, input=patch.encode(), check=True, stderr=subprocess.DEVNULL)
                want = [f for f in findings(run(top)) if f not in before]
                check(findings(ours) == want, "%s: and the findings are those of the result" % what, ours, want)


DIFF = "diff --git a/%s b/%s\nindex 1111111..2222222 100644\n" % (A, A) + names("a/" + A, "b/" + A) + HUNK
HEAD = "From: A B <a@b.c>\nSubject: [PATCH] docs: caf\u00e9\nTo: x@y.z\n"
BODY = "A change.\n\nSigned-off-by: A B <a@b.c>\n---\n\n" + DIFF + "-- \n2.39\n"


def mails():
    raw = BODY.encode()
    b64 = base64.encodebytes(raw).decode()
    qp = quopri.encodestring(raw).decode()
    part = "--XX=_1\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: %s\n\n%s\n"
    return {
        "plain": HEAD + "\n" + BODY,
        "base64": HEAD + "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\n\n" + b64,
        "quoted-printable": HEAD + "content-transfer-encoding: Quoted-Printable\nContent-Type: text/plain\n\n" + qp,
        "multipart with an attachment": HEAD + "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"XX=_1\"\n\n" +
            part % ("7bit", "Hello.\n---\n") + part.replace("text/plain", "text/x-patch") % ("base64", base64.encodebytes(
                DIFF.encode()).decode()) + "--XX=_1--\n",
        "multipart, all in one part": HEAD + "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX=_1\n\n" +
            part % ("quoted-printable", qp) + "--XX=_1--\n",
        "lines that end in CR": (HEAD + "\n" + BODY).replace("\n", "\r\n"),
        "a box of two": "From 1234567890123456789012345678901234567890 Mon Sep 17 00:00:00 2001\n" + HEAD +
            "Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\n" + b64 +
            "\nFrom 1234567890123456789012345678901234567890 Mon Sep 17 00:00:00 2001\n" + HEAD + "\nNo patch.\n",
    }


def mailbox():
    for what, mail in mails().items():
        with tempfile.TemporaryDirectory() as top:
            make(top)
            first = mail.split("\nFrom 1234")[0].replace("\r\n", "\n")  # as git mailsplit does
            subprocess.run(["git", "mailinfo", "msg", "patch"], cwd=top, input=first.encode(), stdout=subprocess.DEVNULL, check=True)
            git = subprocess.run(["git", "apply", "--check", "patch"], cwd=top)
            ours = run(top, "--patch", "-", stdin=mail.encode())
            check(git.returncode == 0 and "title-underline-short" in ours and "patch-apply" not in ours,
                  "a mail, %s: as git mailinfo reads it" % what, ours)


if not shutil.which("git"):
    print("1..0 # SKIP git is not installed")
    sys.exit(0)
patches()
mailbox()
sys.exit(done())
