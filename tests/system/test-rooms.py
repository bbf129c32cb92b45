#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The floor plan: scripts/check-rooms has nothing to say, and the compiler refuses an upward include.

For the second, a file that includes one header is compiled with the very flags of a folder's own files, as
compile_commands.json has them: what the folder depends on is found, what stands above it or beside it is not.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

from tap import check, done

build, source = sys.argv[1], sys.argv[2]
if not os.path.exists(os.path.join(source, '.git')) or not shutil.which('git'):
    print("1..0 # SKIP this is no repository: its files cannot be listed")
    sys.exit(0)
#   a file of the folder      a header below it          one that it must not see
ROWS = (
    ('src/base/buf.c', 'base/str.h', 'btf/btf.h'),
    ('src/bpf/insn.c', 'base/buf.h', 'probe/gen/gen.h'),
    ('src/btf/btf.c', 'base/buf.h', 'probe/target/target.h'),
    ('src/vfs/node.c', 'base/str.h', 'script/script.h'),
    ('src/probe/record/layout.c', 'probe/event/event.h', 'probe/lang/check.h'),
    ('src/probe/gen/gen.c', 'probe/record/layout.h', 'probe/live/session.h'),
    ('src/probe/output/text.c', 'probe/record/schema.h', 'bpf/attach.h'),
    ('src/probe/lang/check.c', 'probe/event/event.h', 'probe/live/session.h'),
    ('src/epdma/engine/engine.c', 'base/str.h', 'probe/event/event.h'),
    ('src/alloc/views/watch.c', 'base/str.h', 'cli/say.h'),
    ('src/docs/rst/rst.c', 'base/str.h', 'docs/run/run.h'),
)


def command(path):
    for entry in json.load(open(os.path.join(build, 'compile_commands.json'))):
        if os.path.realpath(os.path.join(entry['directory'], entry['file'])) == os.path.join(source, path):
            return shlex.split(entry['command'])
    return None


def compiles(path, header):
    words = command(path)
    if words is None:
        return None
    for option in ('-MQ', '-MF', '-o', '-c'):
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
    words = [w for w in words if w not in ('-MD', '-Werror')]
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, 'one.c'), 'w') as f:
            f.write(f'#include "{header}"\n')
        return subprocess.run(words + ['-fsyntax-only', os.path.join(d, 'one.c')], cwd=build,
                              stderr=subprocess.DEVNULL).returncode == 0


said = subprocess.run([os.path.join(source, 'scripts/check-rooms')], stdout=subprocess.PIPE, text=True)
for line in said.stdout.splitlines():
    print('#', line)
check(said.returncode == 0, 'scripts/check-rooms has nothing to say')
for path, below, above in ROWS:
    if command(path) is None:
        continue
    check(compiles(path, below), f'{os.path.dirname(path)} sees {below}')
    check(not compiles(path, above), f'{os.path.dirname(path)} does not see {above}')
sys.exit(done())
