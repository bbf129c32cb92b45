#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-faces.py FORELAND MANDIR: --help, the bash completion and the manual pages name the same
commands and options. Each is read through its own reader (bash itself, man's formatter), so that a
face which cannot be used fails here as well as one that disagrees."""
import glob
import re
import subprocess
import sys

foreland, mandir = sys.argv[1:3]
checks = failures = 0


def expect(what, ok):
    global checks, failures
    checks += 1
    failures += not ok
    print(f"{'ok' if ok else 'not ok'} {checks} - {what}")


def run(*argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, **kw)


def section(text, title):
    m = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.M)
    return m.group(1) if m else ""


def parse_help(words):
    r = run(foreland, *words, "--help")
    expect(f"{' '.join(words)} --help exits 0 and says nothing on stderr", r.returncode == 0 and not r.stderr)
    subs = re.findall(r"^  (\S+)", section(r.stdout, "Commands"), re.M)
    options = set()
    for row in section(r.stdout, "Options").splitlines():
        head = re.split(r"\s{2,}", row.strip())[0]
        options |= set(re.findall(r"(?<!\S)(--[a-z][a-z-]*|-[A-Za-z])(?=[, ]|$)", head))
    return subs, options


def completions(words, current):
    line = ["foreland", *words, current]
    script = (f"source <({foreland} --print-completion); COMP_WORDS=({' '.join(repr(w) for w in line)}); "
              f"COMP_CWORD={len(line) - 1}; _foreland; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    r = run("bash", "-c", script)
    expect(f"bash completes '{' '.join(line)}' without a word of complaint", r.returncode == 0 and not r.stderr)
    return set(r.stdout.split())


def man_text():
    text = ""
    for page in sorted(glob.glob(f"{mandir}/*.1")):
        r = run("man", "--warnings", "-l", page, env={"MANWIDTH": "400", "PATH": "/usr/bin:/bin", "LC_ALL": "C"})
        expect(f"man formats {page.split('/')[-1]} without warnings", r.returncode == 0 and not r.stderr.strip())
        text += re.sub(r".\x08", "", r.stdout)
    return text


man = man_text()
todo = [[]]
while todo:
    words = todo.pop()
    subs, options = parse_help(words)
    name = " ".join(["foreland", *words])
    expect(f"{name}: completion offers the options of --help",
           completions(words, "-") == options - {"-h"})
    offered = completions(words, "")
    expect(f"{name}: completion offers the commands of --help",
           {w for w in offered if not w.startswith("-")} == set(subs))
    for sub in subs:
        todo.append(words + [sub])
    place = man if not words else man[man.find(f"   {name}\n"):] if f"   {name}\n" in man else ""
    for option in sorted(options - {"-h", "--help"}):
        expect(f"{name}: the manual has {option}", re.search(rf"(?<!\S){option}\b", place) is not None)
    r = run(foreland, *words, "--no-such-option")
    expect(f"{name}: an unknown option is one line, a pointer to --help, and exit status 2",
           r.returncode == 2 and not r.stdout and len(r.stderr.splitlines()) == 2)

print(f"1..{checks}")
sys.exit(failures != 0)
