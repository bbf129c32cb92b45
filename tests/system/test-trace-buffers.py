#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-buffers.py FORELAND: buffers (x8[N]) and lists of strings (ustring[N]), which a process of this test
hands to the kernel, and knows; a dump of bytes is compared with that of od(1). The pointers are read from the
registers of system calls.
"""
import json, os, re, subprocess, sys

from tap import done, expect

foreland = sys.argv[1]
MACHINE = {'x86_64': (1, 59, 'regs->si', 'regs->di'), 'aarch64': (64, 221, 'regs->regs[1]', 'regs->regs[0]')}.get(os.uname().machine)


def run(*words, **kw):
    return subprocess.run([foreland, *words], capture_output=True, text=True, timeout=120, **kw)


def rows(ended):
    found = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{')]
    return [r['args'] for r in found if 'type' not in r]


def od(data):
    """The dump's bytes and texts, by somebody else."""
    text = subprocess.run(['od', '-An', '-v', '-tx1', '-w16'], input=data, capture_output=True).stdout.decode()
    return [' '.join(line.split()) for line in text.splitlines()]


def buffers(write, second, first):
    data = bytes(range(256)) * 16
    writer = [sys.executable, '-c', 'import os, sys\nr, w = os.pipe()\nb = bytes(range(256)) * 16\n'
              'os.dup2(w, 77)\nos.write(77, b)\nos._exit(0)']
    probe = f't sys_enter n=id fd={first}:s32 data=+0({second}):x8[%d] if n == {write} && fd == 77'
    for n in (65, 300, 4096):
        ended = run('trace', '--json', '--children', probe % n, '--', *writer)
        got = rows(ended)
        expect(f'{n} bytes', len(got) == 1 and bytes(got[0]['data']) == data[:n], ended)
    ended = run('trace', '--pretty', '--children', probe % 40, '--', *writer)
    dump = re.findall(r'^\t(\w{4})  ((?:[0-9a-f]{2} +)+) *\|(.*)\|$', ended.stdout, re.M)
    expect('--pretty: as od has it', [' '.join(d[1].split()) for d in dump] == od(data[:40]) and
          [d[0] for d in dump] == ['0000', '0010', '0020'] and dump[2][2] == " !\"#$%&'", ended)
    ended = run('trace', '--pretty', '--children', probe % 1024, '--', sys.executable, '-c',
                'import os\nr, w = os.pipe()\nos.dup2(w, 77)\nos.write(77, bytes(2048))')
    expect('--pretty: what repeats is one line', re.search(r'data:\n\t0000 .*\n\t\*\n\t03f0 .*\n', ended.stdout), ended)
    ended = run('trace', probe % 4097)
    expect('4097 are refused', ended.returncode == 1 and 'Array number is too big' in ended.stderr, ended)
    ended = run('trace', probe.replace('x8[', 'u16[') % 65)
    expect('65 numbers are refused', ended.returncode == 1 and 'Array number is too big' in ended.stderr, ended)
    ended = run('probe', 'check', f't sys_enter data=+0({second}):x8[65]')
    expect("probe check: the kernel's words, and who takes it", ended.returncode == 1 and
          'Array number is too big' in ended.stderr and "'foreland trace' takes buffers" in ended.stderr, ended)


def lists(execve, second):
    words = ['/bin/sh', '-c', ':', 'zero', 'one two', '']
    env = {'ENVIRONMENT_OF_THE_TEST': '1', 'PATH': os.environ['PATH']}
    ended = run('trace', '--json', '--self', f't sys_enter n=id argv=+0({second}):ustring[12] if n == {execve}', '--', *words, env=env)
    got = [r['argv'] for r in rows(ended) if r['argv'][0] == '/bin/sh']
    expect('argv ends at its NULL', words + [None] * 6 in got, ended)


def main():
    if not MACHINE:
        print('1..0 # SKIP no numbers of system calls are known for this machine')
        return 0
    if run('trace', '-n', '1', 't sched_switch').returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    write, execve, second, first = MACHINE
    buffers(write, second, first)
    lists(execve, second)
    return done()


sys.exit(main())
