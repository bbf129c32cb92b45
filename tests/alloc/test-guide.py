#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-guide.py FORELAND INCLUDE LIB GUIDE LIVE: the guide's command lines ("$ ...") run as they
stand there, in a folder that has the files they speak of. Lines that need root ("# ...") are only
checked to be understood: they fail for want of rights, or work, but never as wrong usage."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

foreland, include, lib, guide, live = sys.argv[1:6]
HEAD = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
with tempfile.TemporaryDirectory() as tmp:
    os.chmod(tmp, 0o700)
    os.mkdir(f"{tmp}/bin")
    os.symlink(os.path.realpath(foreland), f"{tmp}/bin/foreland")
    for name, size in (("before.txt", 8192), ("after.txt", 12288)):
        with open(f"{tmp}/{name}", "w") as f:
            f.write(f"{HEAD}{size} 2 fs/ext4/super.c:7 [ext4] func:f \n100 1 mm/slub.c:9 func:g \n")
    with open(f"{tmp}/prog.c", "w") as f:
        f.write('#include <stdlib.h>\nint main(void) { return !malloc(4711); }\n')
    env = dict(os.environ, PATH=f"{tmp}/bin:{os.environ['PATH']}", INCLUDE=include, LIB=lib,
               LD_LIBRARY_PATH=lib, XDG_RUNTIME_DIR=tmp)
    program = subprocess.Popen([live], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    env["PID"] = program.stdout.readline().strip()
    lines = re.findall(r"^ {4}([$#]) (.*)$", open(guide).read(), re.M)
    lines = [x for x in lines if x[0] == "$" or x[1].startswith("foreland")]
    for prompt, line in lines:
        if prompt == "#":
            line = re.sub(r"--time \S+", "--time 10ms", line)
        p = subprocess.run(["sh", "-c", line], cwd=tmp, env=env, capture_output=True, text=True, timeout=60)
        good = p.returncode == 0 if prompt == "$" else p.returncode in (0, 1)
        check(good, line, p.stderr)
    check(re.search(r"\n *4711 +1 prog.c:2 func:main", open(f"{tmp}/end.txt").read()), "the program's dump names its call")
    program.stdin.close()
    program.wait()
sys.exit(done())
