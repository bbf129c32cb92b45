#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The epdma documents: every "$ foreland" line runs and ends as it says, what the how-to shows behind a
"#" line is printed, and every test that the list of deviations names exists. TAP output.
"""
import os, re, shlex, shutil, subprocess, sys

from tap import check, done, folder

FORELAND, ROOT = os.path.abspath(sys.argv[1]), sys.argv[2]


tmp = folder()
os.mkdir(tmp + "/bin")
os.symlink(FORELAND, tmp + "/bin/foreland")
shutil.copy(ROOT + "/doc/guide/epdma-howto.rst", tmp)
shutil.copy(ROOT + "/boards/generic.board", tmp + "/my.board")
env = dict(os.environ, PATH=tmp + "/bin:" + os.environ["PATH"])
for doc in ["doc/guide/epdma-howto.rst", "doc/guide/epdma-function.rst"]:
    lines = open(f"{ROOT}/{doc}").read().splitlines()
    for i, line in enumerate(lines):
        m = re.match(r"\t\$ (foreland .*)", line)
        if not m:
            continue
        status = re.match(r"\t\[exit (\d+)\]", lines[i + 1]) if i + 1 < len(lines) else None
        p = subprocess.run(shlex.split(m[1]), cwd=tmp, env=env, capture_output=True, text=True)
        check(p.returncode == (int(status[1]) if status else 0) and (p.stdout or p.stderr),
              f"{doc}:{i + 1}: {m[1]}")
# the how-to's output lines, in their order
p = subprocess.run([FORELAND, "epdma", "plan", "--configfs", tmp + "/epdma-howto.rst"],
                   capture_output=True, text=True)
got = iter(p.stdout.splitlines())
how = open(tmp + "/epdma-howto.rst").read().splitlines()
shown = [l[1:] for l in how if re.match(r"\t[^#$\[]", l)]
missing = [l for l in shown if not any(l == g for g in got)]
check(len(shown) >= 10 and not missing, f"what the how-to shows is printed {missing}")

text = open(ROOT + "/doc/spec/epdma-deviations.rst").read()
check([w for w in re.findall(r"^W(\d+),", text, re.M)] == [str(k) for k in range(1, 23)],
      "all 22 weaknesses are listed, in order")
bad = open(ROOT + "/doc/spec/epdma-bad-inputs.rst").read()
check([int(w) for w in re.findall(r"^(\d+) ", bad, re.M)] == list(range(1, 60)), "all 59 bad inputs are listed")
for name, what in re.findall(r"(test-[\w-]+\.(?:c|py)):\s+([^.;\n]+(?:\n\t[^.;\n]+)*)", text + bad):
    path = [p for p in (f"{ROOT}/tests/unit/{name}", f"{ROOT}/tests/system/{name}") if os.path.exists(p)]
    source = open(path[0]).read() if path else ""
    for one in what.split(","):
        check(one.strip() in source, f"{name} has {one.strip()}")
sys.exit(done())
