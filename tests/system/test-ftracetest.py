#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own tests of tracefs on "foreland mount", by the kernel's own harness (scripts/ftracetest).

doc/spec/ftracetest.rst lists every script with what is to be expected of it; the folder of the fetched
source is the other side. What a script expects is its own.
usage: test-ftracetest.py FORELAND SOURCE definitions PART...
       test-ftracetest.py FORELAND SOURCE PART KERNEL
    PART is folders of the source, with commas between them: what is served of these and is no definition is run in
    a guest of KERNEL. "definitions" are run here, and each folder must be in one of the PARTs.
"""
import os
import re
import subprocess
import sys

from tap import check as tell, done, skip as leave_out

foreland, source, part = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
here = part == 'definitions'
kernel = None if here else sys.argv[4]
scripts = os.path.join(source, 'scripts')


def skip(why):
    print('1..0 # SKIP', why)
    sys.exit(0)


if here:
    probe = subprocess.run([foreland, 'mount', '-', '--', 'true'], stderr=subprocess.PIPE, text=True)
    if probe.returncode:
        skip(probe.stderr.strip().split('\n')[-1])
fetched = subprocess.run([os.path.join(scripts, 'linux-source'), '7.3'], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
if fetched.returncode:
    skip(fetched.stderr.strip().split('\n')[-1])
top = fetched.stdout.strip() + '/tools/testing/selftests/ftrace/test.d'
there = {os.path.relpath(os.path.join(d, f), top) for d, _, names in os.walk(top) for f in names
         if f.endswith('.tc')}

rows = re.findall(r'   \* - (\S+\.tc)\n     - (\w+)\n     - (.*)',
                  open(os.path.join(source, 'doc/spec/ftracetest.rst'), encoding='utf-8').read())
listed = {test: (state, why) for test, state, why in rows}


tell(there == set(listed), 'every script of the source is listed, and no other',
     ' '.join(sorted(there ^ set(listed))))
served = {t: why for t, (state, why) in listed.items() if state == 'served'}
if here:
    run = sorted(t for t, why in served.items() if why == 'definitions')
    parts = [folder for p in sys.argv[4:] for folder in p.split(',')]
    folders = {os.path.dirname(t) for t in served.keys() - set(run)}
    tell(sorted(parts) == sorted(folders), 'each folder of the others is run in one part', parts, folders)
    tell(set(served.values()) <= {'definitions', 'live', 'triggers'} and
         {state for state, _ in listed.values()} <= {'served', 'module', 'later', 'no'}, 'each is classed')
    for test, (state, why) in sorted(listed.items()):
        if state != 'served':
            leave_out(test, 'only with the sample modules, in a guest' if state == 'module' else why)
else:
    modules = [t for t, (state, _) in listed.items() if state == 'module' and os.path.dirname(t) in part.split(',')]
    run = sorted(t for t, why in served.items() if why != 'definitions' and os.path.dirname(t) in part.split(','))
    built = kernel != '6.1' and subprocess.run([os.path.join(source, 'tests/vm/samples/build'), '--kernel', kernel],
                                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if built and built.returncode == 0:
        run = sorted(run + modules)
    for test in sorted(set(modules) - set(run)):
        leave_out(test, built.stderr.strip().split('\n')[-1] if built else 'the sample modules are not of this kernel')
command = [os.path.join(scripts, 'ftracetest')] + (['--kernel', kernel] if kernel else []) + run
out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                     env=dict(os.environ, FORELAND=foreland), timeout=3000)
if out.returncode == 77:
    skip(out.stdout.strip().split('\n')[-1])
# "[3] what it is about", in a guest what it prints, and then its verdict. Behind all of them come those that run in an
# instance, too.
CHANCE = {('6.1', 'filter/event-filter-function.tc (instance)'):
          'the function that calls most may be in a module (fuse), and the script looks for it among the kernel\'s own'}


def has_instance(test):
    with open(os.path.join(top, test), encoding='utf-8') as f:
        return re.search(r'^#[ \t]*flags:.*instance', f.read(), re.M)


cases = run + [f'{t} (instance)' for t in run if has_instance(t)]
VERDICT = r'\t\[(?:\x1b\[\d+m)?(PASS|FAIL|XFAIL|UNRESOLVED|UNTESTED|UNSUPPORTED|UNDEFINED)'
results = {}
for part in re.split(r'^(?=\[\d+\])', out.stdout, flags=re.M):
    number, verdict = re.match(r'\[(\d+)\]', part), re.search(VERDICT, part)
    if number and verdict:
        results[int(number[1])] = verdict[1]
left = 0
for i, test in enumerate(cases, 1):
    good = results.get(i) in ('PASS', 'XFAIL') # which the harness, too, counts as right
    if results.get(i) == 'FAIL' and (kernel, test) in CHANCE:
        leave_out(test, CHANCE[kernel, test])
        left += 1
    else:
        tell(good, test, '' if good else f'{results.get(i)}\n{out.stdout[-1500:]}')
tell(len(results) == len(cases), 'there are no others', sorted(results))
tell(out.returncode == 0 or left, 'the harness is content', f'status {out.returncode}')
sys.exit(done())
