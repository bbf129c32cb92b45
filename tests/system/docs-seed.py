#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-seed.py FORELAND: the patches of tests/data/docs on trees made up from what they change.

Each defect is found before its patch, none after; the patch's mail gets what its reviewers said;
--fix changes the lines that the patch changes, to the same text (but for the widths of borders).
The trees hold the hunks' lines at the hunks' places, and filler elsewhere.
"""
import os
import re
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = sys.argv[1]
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "docs")


def foreland(*args, stdin=None, cwd=None):
    run = subprocess.run([FORELAND, "docs", "check", *args], input=stdin, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, cwd=cwd)
    return run.returncode, run.stdout, run.stderr


def read(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return f.read()


def hunks(mail):
    """(path, [(old start, old lines, new lines)]) of a mail with one file."""
    path = re.search(r"^\+\+\+ b/(.*)$", mail, re.M).group(1)
    out, lines, i = [], mail.split("\n"), 0
    while i < len(lines):
        m = re.match(r"@@ -(\d+),(\d+) \+\d+,(\d+) @@", lines[i])
        i += 1
        if not m:
            continue
        old, new, want_old, want_new = [], [], int(m.group(2)), int(m.group(3))
        while len(old) < want_old or len(new) < want_new:
            mark, rest = (lines[i] or " ")[0], lines[i][1:]
            if mark in " -":
                old.append(rest)
            if mark in " +":
                new.append(rest)
            i += 1
        out.append((int(m.group(1)), old, new))
    return path, out


def write(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as f:
        f.write(text)


MAINTAINERS = """Maintainers

HARDWARE MONITORING
M:\tGuenter Roeck <linux@roeck-us.net>
L:\tlinux-hwmon@vger.kernel.org
F:\tDocumentation/hwmon/

INTEL DRM DISPLAY FOR XE AND I915 DRIVERS
M:\tJani Nikula <jani.nikula@linux.intel.com>
M:\tRodrigo Vivi <rodrigo.vivi@intel.com>
L:\tintel-gfx@lists.freedesktop.org
L:\tintel-xe@lists.freedesktop.org
F:\tinclude/uapi/drm/xe_drm.h

DOCUMENTATION
M:\tJonathan Corbet <corbet@lwn.net>
R:\tShuah Khan <skhan@linuxfoundation.org>
L:\tlinux-doc@vger.kernel.org
F:\tDocumentation/
"""


def tree(top, path, before):
    write(top, "MAINTAINERS", MAINTAINERS)
    write(top, path, before)
    write(top, "Documentation/iio/index.rst", ":orphan:\n\nIIO\n===\n\ntext\n")
    write(top, "Documentation/index.rst", "Docs\n====\n\n.. toctree::\n   :glob:\n\n   *\n   hwmon/*\n"
          "   driver-api/*\n   process/debugging/*\n")
    write(top, "Documentation/netlink/specs/drm_ras.yaml", "name: drm-ras\n")
    write(top, "Documentation/driver-uapi.rst", "===============\nDRM Driver uAPI\n===============\n\n"
          "drm/xe uAPI\n===========\n\n.. kernel-doc:: include/uapi/drm/xe_drm.h\n")


def before_and_after(mail, head, comment):
    """The file around the hunks: @head first, then lines of filler, @comment in front of each."""
    path, parts = hunks(mail)
    before, after = list(head), list(head)
    for start, old, new in parts:
        while len(before) < start - 1:
            before.append(comment)
            after.append(comment)
        before += old
        after += new
    tail = {"xe_drm": [" */", ""], "ipmi": ["", "    text", ""]}
    for key, lines in tail.items():
        if key in path:
            before += lines
            after += lines
    return path, "\n".join(before) + "\n", "\n".join(after) + "\n"


CASES = [
    # mail, head of the file, filler, checks that must fire before, how many
    ("ipmi.mail", ["IPMI", "====", "", "text", ""], "", {"sysfs-modules": 1}),
    ("kgdb.mail", ["KGDB", "====", "", "text", ""], "", {"sysfs-parameter": 1}),
    ("ltc4283.mail", ["LTC", "===", "", "text", ""], "", {"table-malformed": 1}),
    ("reboot-mode.mail", ["What:\t\t/sys/class/reboot-mode/<driver>/reboot_modes"], "",
     {"abi-indented-tag": 1}),
    ("xe_drm.mail", ["/* head */"], "", {"title-not-here": 3}),
]


def counts(out):
    found = {}
    for c in re.findall(r"\[([a-z0-9-]+)\]$", out, re.M):
        found[c] = found.get(c, 0) + 1
    return found


def same_but_borders(fixed, after):
    a, b = fixed.split("\n"), after.split("\n")
    if len(a) != len(b):
        return False
    return all(x == y or (set(x) <= set("= ") and set(y) <= set("= ") and x and y)
               for x, y in zip(a, b))


def one(name, head, filler, want):
    mail = read(name)
    path, before, after = before_and_after(mail, head, filler)
    if "xe_drm" in name:
        # the hunk lies within a comment that begins before it
        start = [i for i, l in enumerate(before.split("\n")) if "Refer to" in l][0]
        for text in ("before", "after"):
            lines = (before if text == "before" else after).split("\n")
            lines[start - 3:start] = ["/**", " * DOC: uevent generated by xe", " *"]
            if text == "before":
                before = "\n".join(lines)
            else:
                after = "\n".join(lines)
    with tempfile.TemporaryDirectory() as top:
        tree(top, path, before)
        code, out, err = foreland("--skip", "toctree,kdoc", os.path.join(top, path))
        got = counts(out)
        check(code == 1 and got == want, "%s: found before: %s %s" % (name, got, err.strip()))
        code, out, err = foreland("--patch", "-", top, stdin=mail)
        got = {k: v for k, v in counts(out).items() if not k.startswith("mail-")}
        check(not got, "%s: the patch brings nothing new: %s" % (name, got))
        mails = out
        code, out, err = foreland("--fix", "--skip", "toctree,kdoc", os.path.join(top, path))
        check("+++ b/" + path in out, "%s: a fix is offered" % name)
        foreland("--fix", "--write", "--skip", "toctree,kdoc", os.path.join(top, path))
        with open(os.path.join(top, path), encoding="utf-8") as f:
            fixed = f.read()
        check(same_but_borders(fixed, after) if "ltc" in name else fixed == after,
              "%s: --fix changes what the patch changes" % name)
        write(top, path, after)
        code, out, err = foreland("--skip", "toctree,kdoc", os.path.join(top, path))
        check(code == 0 and not counts(out), "%s: nothing found after: %s" % (name, counts(out)))
    return mails


def main():
    said = {name: one(name, head, filler, want) for name, head, filler, want in CASES}
    # what the reviewers wrote: tests/data/docs has the patches, their answers are quoted here
    check('"iio:"' in said["ltc4283.mail"] and '"hwmon:"' in said["ltc4283.mail"],
          'reviewer: Why "iio:" in the Subject line instead of "hwmon:"?')
    check("linux-hwmon@vger.kernel.org" in said["ltc4283.mail"],
          "reviewer: send the patch to the hwmon mailing list and the HWMON maintainer")
    check("intel-xe@lists.freedesktop.org" in said["xe_drm.mail"] and
          "rodrigo.vivi@intel.com" in said["xe_drm.mail"],
          "reviewer: send this patch to the DRM XE maintainers & mailing list")
    check("mail-no-warning" in said["xe_drm.mail"],
          "reviewer: It would be helpful to include the warnings here")
    check("mail-subject" not in said["xe_drm.mail"], "xe_drm: the subject is right")
    check("mail-subject" not in said["ipmi.mail"], "ipmi: the subject is right")

    # the list of lines in the answer of 20 June 2026: 18 lines, in two shapes
    lines = re.findall(r"^((?:Documentation|drivers|fs|kernel)/[^:\n]+):(.*)$", read("sysfs-list.mail"), re.M)
    check(len(lines) == 18, "the list in the mail has 18 lines: %d" % len(lines))
    with tempfile.TemporaryDirectory() as top:
        write(top, "MAINTAINERS", "x\n")
        write(top, "Documentation/x", "")
        for i, (path, text) in enumerate(lines):
            write(top, "%s.%d%s" % (path, i, os.path.splitext(path)[1]), text + "\n")
        code, out, err = foreland("--only", "paths", top)
        files = set(re.findall(r"^(\S+?):\d+:\d+: warning", out, re.M))
        check(len(files) == len(lines), "all of them are found: %d of %d" % (len(files), len(lines)))
    sys.exit(done())


main()
