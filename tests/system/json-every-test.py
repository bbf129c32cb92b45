#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""json-every-test.py FORELAND JSON_TEE BUILD [TEST]...: each JSON line that any test prints, or one of those that
are named, is valid by `foreland schema`.

The tests that run the program are run with json-tee in its place, and python3-jsonschema judges what it
noted. Whether they pass is not the question here: some ask who the program is, which json-tee is not."""
import json
import os
import shutil
import subprocess
import sys

from json_judge import Judge
from tap import check, done, folder

foreland, tee, build = (os.path.abspath(p) for p in sys.argv[1:4])
named = sys.argv[4:]
judge = Judge(foreland)
work = folder("json")
os.mkdir(f"{work}/lines")
shutil.copy(tee, f"{work}/foreland")
os.symlink(foreland, f"{work}/real")
total = 0
listed = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True, text=True, check=True)
for test in json.loads(listed.stdout):
    suites = {name.split(":")[-1] for name in test["suite"]}
    # The program stands there as it lies in the build folder.
    cmd = [f"{work}/foreland" if os.path.join(build, word) == foreland else word for word in test["cmd"]]
    if cmd == test["cmd"] or {"long", "vm"} & suites or test["name"].startswith("json-"):
        continue
    if named and test["name"] not in named:
        continue
    try:
        ended = subprocess.run(cmd, env={**os.environ, **test["env"]}, cwd=test["workdir"] or build, timeout=600,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        ended = "no"
    wrong, n = [], 0
    for name in os.listdir(f"{work}/lines"):
        with open(f"{work}/lines/{name}", encoding="utf-8") as f:
            text = f.read()
        os.unlink(f"{work}/lines/{name}")
        if not text.endswith("\n"):  # it was killed within a line
            text = text[:text.rfind("\n") + 1]
        if name.startswith("mixed-"):  # COMMAND prints there, too; what is an object is ours
            text = "".join(line for line in text.splitlines(True) if line.startswith("{"))
        n += len(text.splitlines())
        wrong += judge.output(text, False)
    total += n
    if not n:
        continue
    check(not wrong, f"{test['name']}: {n} lines (status {ended})", "\n".join(sorted(set(wrong))[:20]))
least = 1 if named else 1000
check(total >= least, f"{total} lines were judged, which is {least} or more")
for line in judge.unseen():
    print(f"# printed by no test: {line}")
sys.exit(done())
