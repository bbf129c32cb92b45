#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/tally over results that are written here, as meson writes them: what passed, failed, was
skipped, and what failed once and passed alone.
usage: test-tally.py TALLY
"""
import json
import os
import subprocess
import sys
import tempfile

from tap import done, expect

tally = sys.argv[1]


def result(name, word, out=''):
    return {'name': f'foreland:base / {name}', 'result': word, 'stdout': out, 'stderr': '', 'duration': 60.0,
            'returncode': 0 if word in ('OK', 'SKIP') else 1}


def run(first, again=(), status='1', words=()):
    with tempfile.TemporaryDirectory() as top:
        for folder in ('logs', 'gcc/meson-logs'):
            os.makedirs(os.path.join(top, folder))
        for name, tests in (('testlog-gcc.json', first), ('testlog-gcc-again.json', again)):
            with open(os.path.join(top, 'gcc/meson-logs', name), 'w') as f:
                f.writelines(json.dumps(t) + '\n' for t in tests)
        for name, text in (('gcc.tests', status), ('gcc.err', 'what meson said')):
            with open(os.path.join(top, 'logs', name), 'w') as f:
                f.write(text)
        ended = subprocess.run([sys.executable, tally, *words, top], capture_output=True, text=True)
        return ended.returncode, ended.stdout.replace(top, 'TOP') + ended.stderr


fine, bad = 'ok 1 - a\nok 2 - b\n', 'ok 1 - a\n# why\nnot ok 2 - b\n'
status, out = run([result('x', 'OK', fine), result('y', 'OK')], status='0')
expect('what passes', status == 0 and out.splitlines()[-1] == '3 passed, 0 failed, 0 skipped', out)
status, out = run([result('x', 'FAIL', bad), result('y', 'SKIP', '1..0 # SKIP no such thing\n')])
expect('what fails, and what is skipped', status == 1 and 'failed: gcc: x: b' in out and
       'skipped: y: no such thing (gcc)' in out and out.splitlines()[-1] == '1 passed, 1 failed, 1 skipped', out)
status, out = run([result('x', 'FAIL', bad), result('y', 'OK')], [result('x', 'OK', fine)])
expect('what passes alone is told, and counts once', status == 0 and 'unsteady: gcc: x: b' in out and
       '# why' in out and out.splitlines()[-1] == '3 passed, 0 failed, 0 skipped, 1 unsteady', out)
status, out = run([result('x', 'FAIL', bad)], [result('x', 'FAIL', bad)])
expect('what fails twice has failed', status == 1 and out.splitlines()[-1] == '1 passed, 1 failed, 0 skipped', out)
status, out = run([result('x', 'TIMEOUT', 'ok 1 - a\n')], [result('x', 'TIMEOUT', '')])
expect('what does not end has failed', status == 1 and 'TIMEOUT' in out, out)
status, out = run([], status='2')
expect('a lane without a result', status == 1 and 'what meson said' in out, out)
status, out = run([result('x', 'OK', fine)], status='5')
expect('a lane that ends badly though all its tests are well', status == 1 and 'status 5' in out, out)
status, out = run([result('x', 'FAIL', bad), result('y', 'OK'), result('z', 'TIMEOUT')], words=['--failed'])
expect('the names of what failed', out == 'gcc TOP/gcc x\ngcc TOP/gcc z\n', out)
sys.exit(done())
