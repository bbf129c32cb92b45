#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-kdoc-random.py FORELAND SOURCE COUNT SEED: Linux 7.3's comments with their declarations, changed at random.

SOURCE is a program that prints where the sources are ("SOURCE 7.3"). The tree's own tools/docs/kernel-doc says what is
wrong with each; files in which we say something else are printed, and more than two in a hundred fail: most
of what is left is no C. The changes are made line by line, one to three in a comment and its declaration.
"""
import collections
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

from kernel_sources import kernel_doc_message

FORELAND, COUNT = os.path.abspath(sys.argv[1]), int(sys.argv[3])
INSERTED = [" *", " * Return: 0", " * @nosuch: y", " * @...: more", " * Context: any", " * Note: z", " * @x.y: nested",
            " ** @two: stars", " * DOC: x", " * Description: d", "/* private: */", "/* public: */", "#ifdef X", "#endif",
            "\tunion {", "\t};", "\tstruct { int z; } zz;", "\tstruct_group(grp, int a; int b;);", "\tDECLARE_BITMAP(bm, 3);",
            "\tint (*fn)(int a, int b);", "\t/** @inl: doc */", "static inline", "__printf(1, 2)"]
REPLACED = [("@", [""]), (":", [""]), (" - ", [": ", " ", " -", "- "]), (",", [";", "", ", int extra,"]), ("*", ["", "**"]),
            (";", [" __packed;", "[4];", ":3;", ", other;"]), ("struct", ["union", "const struct", "struct __packed"]),
            ("int", ["unsigned int", "int __user", "__must_check int", "u32"]), ("/**", ["/*", "/** ", "/***", "/**\t"])]


def blocks(source, r):
    """Comments, each with the declaration behind it."""
    files = [f for d in ("include/linux", "include/net", "include/drm", "mm", "lib") for e in "ch"
             for f in glob.glob(f"{source}/{d}/**/*.{e}", recursive=True)]
    found = []
    r.shuffle(files)
    for name in files:
        with open(name, encoding="utf-8", errors="replace") as f:
            text = f.read()
        for m in re.finditer(r"(?ms)^/\*\*\n.*?\*/\n", text):
            rest = text[m.end():m.end() + 2500]
            brace = re.match(r"\s*(typedef\s+)?(struct|union|enum)\b[^;]*\{", rest)
            end = re.search(r"(?m)^\s*\}[^;]*;" if brace else r"(?m)^\}.*?;\s*$|;\s*$|^\{", rest)
            if end:
                declaration = rest[:end.end()].rstrip()
                found.append((name[-2:], m.group(0) + declaration + ("\n}\n" if declaration[-1] == "{" else "\n")))
        if len(found) > COUNT * 2:
            break
    return r.sample(found, COUNT)


def changed(text, r):
    lines = text.split("\n")
    for _ in range(r.randint(1, 3)):
        i, what = r.randrange(len(lines)), r.random()
        if what < 0.1 and len(lines) > 4:
            del lines[i]
        elif what < 0.2:
            lines.insert(i, lines[i])
        elif what < 0.4:
            line, end = r.choice(INSERTED), next((k for k, x in enumerate(lines) if "*/" in x), 1)
            lines.insert(i if line[0] != " " else r.randint(1, max(end, 1)), line)
        else:
            old, new = r.choice(REPLACED)
            lines[i] = lines[i].replace(old, r.choice(new), 1)
    return "\n".join(lines)


def said(pattern, text):
    out = collections.defaultdict(set)
    for m in re.finditer(pattern, text, re.M):
        out[m.group(1)].add(kernel_doc_message(m.group(2)))
    return out


def main():
    source = subprocess.run([sys.argv[2], "7.3"], stdout=subprocess.PIPE, text=True, check=False)
    if source.returncode:
        return source.returncode
    source, r = source.stdout.strip(), random.Random(int(sys.argv[4]))
    with tempfile.TemporaryDirectory() as d:
        names = []
        for n, (ending, text) in enumerate(blocks(source, r)):
            names.append(f"b{n:05}{ending}")
            with open(f"{d}/{names[-1]}", "w", encoding="utf-8") as f:
                f.write(changed(text, r))
        out = subprocess.run([sys.executable, source + "/tools/docs/kernel-doc", "-none", *names], cwd=d,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False).stdout
        out = re.sub(r"(on line:|Cannot understand .*)\n(.*)", r"\1 \2", out)
        theirs = said(r"^(?:Warning: |Error: )?(b\d+\.\w):\d+:? (?:warning: |error: )?(.*)$", out)
        out = subprocess.run([FORELAND, "docs", "check", "--only", "kdoc", "--kernel-doc", "7.3", "."], cwd=d,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace", check=False).stdout
        mine = said(r"^(b\d+\.\w):\d+:\d+: \w+: (.*) \[[-\w]+\]$", out)
    wrong = [n for n in names if theirs[n] != mine[n]]
    for n in wrong:
        print(f"{n}: kernel-doc {theirs[n] - mine[n] or ''} ours {mine[n] - theirs[n] or ''}")
    print(f"seed {sys.argv[4]}: {len(names)} comments, {sum(map(len, theirs.values()))} messages; {len(wrong)} differ")
    return 1 if len(wrong) * 50 > len(names) or not any(theirs.values()) else 0


sys.exit(main())
