#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-threat-model.py SOURCES: each line of doc/spec/threat-model.rst names a test, and that test says what
the line says it does."""
import os
import re
import sys

from tap import check, done

top = sys.argv[1]
with open(f"{top}/doc/spec/threat-model.rst") as f:
    text = f.read()
rows = re.findall(r"^   \* - (.*?)(?=^   \* - |^[^ \n]|\Z)", text, re.M | re.S)
rows = [r for r in rows if not r.startswith("Commands")]
for row in rows:
    m = re.search(r"^     - ``([^`]+)``: (.*)\Z", row.strip("\n"), re.M | re.S)
    words = " ".join(m[2].split()) if m else ""
    ok = False
    if m and os.path.exists(f"{top}/{m[1]}"):
        with open(f"{top}/{m[1]}") as f:
            ok = words in " ".join(f.read().split())
    check(ok, m[1] + ': ' + words if m else 'no test: ' + row[:60])
check(len(rows) >= 20, f"{len(rows)} lines were read, which is 20 or more")
sys.exit(done())
