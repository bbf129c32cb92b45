#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-faces.py FORELAND MANDIR: --help, the bash completion and the manual pages name the same
commands and options. Each is read through its own reader (bash itself, man's formatter), so that a
face which cannot be used fails here as well as one that disagrees."""
import glob
import os
import re
import shutil
import subprocess
import sys

from tap import done, expect, folder

foreland, mandir = sys.argv[1:3]


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
        options |= set(re.findall(r"(?<!\S)(--[a-z][a-z-]*|-[A-Za-z])(?=[, \[]|$)", head))
    return subs, options


def completions(words, current):
    line = [foreland, *words, current]
    script = (f"source <({foreland} --print-completion bash); COMP_WORDS=({' '.join(repr(w) for w in line)}); "
              f"COMP_CWORD={len(line) - 1}; _foreland; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    r = run("bash", "-c", script)
    expect(f"bash completes 'foreland {' '.join(line[1:])}' without a word of complaint", r.returncode == 0 and not r.stderr)
    return set(r.stdout.split())


def man_text():
    text = ""
    for page in sorted(glob.glob(f"{mandir}/*.[17]")):
        r = run("mandoc", "-T", "lint", page)
        expect(f"mandoc has nothing to say of {page.split('/')[-1]}", not r.stdout + r.stderr)
        if r.stdout:
            print(f"#   {r.stdout[:600]}")
    for page in sorted(glob.glob(f"{mandir}/*.1")):
        r = run("man", "--warnings", "-l", page, env={"MANWIDTH": "400", "PATH": "/usr/bin:/bin", "LC_ALL": "C"})
        expect(f"man formats {page.split('/')[-1]} without warnings", r.returncode == 0 and not r.stderr.strip())
        r = run("man", "--warnings", "-E", "UTF-8", "-l", page,
                env={"MANWIDTH": "80", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        expect(f"nor are there any on 80 columns: {page.split('/')[-1]}", not r.stderr.strip(), r.stderr)
        text += re.sub(r".\x08", "", r.stdout)
    return text


def zsh_completions(words, current):
    """_foreland() as zsh runs it; what takes the offers is zsh's only inside a completion."""
    line = " ".join(repr(w) for w in [foreland, *words, current])
    script = (f"_describe() {{ print -l -- ${{offered%%:*}} }}; _files() {{ print :files }}; "
              f"_command_names() {{ print :commands }}; words=({line}); CURRENT={len(words) + 2}; "
              f"source {tmp}/_foreland; _foreland")
    r = run("zsh", "-fc", script)
    expect(f"zsh completes 'foreland {' '.join([*words, current])}' without a word of complaint",
           r.returncode == 0 and not r.stderr)
    return set(r.stdout.split())


def fish_completions(words, current):
    line = " ".join(["foreland", *words, current])
    r = run("fish", "-N", "-c", f"source {tmp}/foreland.fish; complete -C '{line}'",
            env={"PATH": os.path.dirname(foreland) + ":/usr/bin:/bin", "HOME": tmp, "LC_ALL": "C.UTF-8"})
    expect(f"fish completes '{line}' without a word of complaint", r.returncode == 0 and not r.stderr)
    return {row.split("\t")[0] for row in r.stdout.splitlines()}


def try_shells():
    """What stands behind an option or a command, in each shell there is; each as its own reader has it."""
    rows = [(["epdma", "plan", "--board"], "r", {"r-car-s4", "rk3588"}),
            (["trace", "--via"], "", {"bpf", "tracefs"}),
            (["epdma", "host"], "", {"ls", "read", "write", "verify", "bench"}),
            (["alloc", "show", "--sort"], "b", {"bytes"}),
            (["probe", "list"], "t", {"tracepoints", "types"})]
    for name, file in (("bash", "foreland.bash"), ("zsh", "_foreland"), ("fish", "foreland.fish")):
        with open(f"{tmp}/{file}", "w", encoding="utf-8") as f:
            f.write(run(foreland, "--print-completion", name).stdout)
    for shell, ask in (("bash", completions), ("zsh", zsh_completions), ("fish", fish_completions)):
        if not shutil.which(shell):
            print(f"# there is no {shell} here")
            continue
        for words, current, want in rows:
            got = ask(words, current)
            expect(f"{shell}: {' '.join(words)} {current}: {' '.join(sorted(want))}", got == want)
        offered = ask(["docs", "check", "--only"], "ref-")
        expect(f"{shell}: names of checks are offered", {"ref-file", "ref-doc"} <= offered)
    expect("a file is asked of the shell", run(foreland, "--complete", "report", "").stdout == ":files\n")
    expect("a program stands behind --", run(foreland, "--complete", "trace", "x", "--", "l").stdout == ":commands\n")
    expect("a list goes on behind its comma",
           "TITLE,refs\n" in run(foreland, "--complete", "docs", "check", "--only", "TITLE,re").stdout)
    expect("a value that is written behind = is completed",
           run(foreland, "--complete", "trace", "--via=b").stdout == "--via=bpf\n")
    r = run(foreland, "help", "epdma", "plan")
    expect("help COMMAND is COMMAND --help", r.stdout == run(foreland, "epdma", "plan", "--help").stdout and r.stdout)


tmp = folder()
foreland = os.path.abspath(foreland)
try_shells()
man = man_text()
todo = [[]]
while todo:
    words = todo.pop()
    subs, options = parse_help(words)
    name = " ".join(["foreland", *words])
    expect(f"{name}: completion offers the options of --help",
           completions(words, "-") == options - {"-h"})
    if subs:
        expect(f"{name}: completion offers the commands of --help", completions(words, "") == set(subs))
    for sub in subs:
        todo.append(words + [sub])
    place = man if not words else man[man.find(f"   {name}\n"):] if f"   {name}\n" in man else ""
    for option in sorted(options - {"-h", "--help"}):
        expect(f"{name}: the manual has {option}", re.search(rf"(?<!\S){option}\b", place) is not None)
    r = run(foreland, *words, "--no-such-option")
    expect(f"{name}: an unknown option is one line, a pointer to --help, and exit status 2",
           r.returncode == 2 and not r.stdout and len(r.stderr.splitlines()) == 2)

sys.exit(done())
