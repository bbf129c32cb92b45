#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-shelf.py FORELAND LOAD THREADS FOLDER: the tools of the shelf that need no more than user probes and tracepoints, each
with a program that writes down what it did (shelf-load.c), or with the C library's own; and
how tools are found. Nothing but programs of this test is traced.
"""
import os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import done, expect

foreland, load, threads, folder = (os.path.abspath(a) for a in sys.argv[1:])


def run(*words, **kw):
    return subprocess.run([foreland, *words], capture_output=True, text=True, timeout=120, **kw)


def tool(name, *command, options=('--children',)):
    return run('trace', *options, '--file', name, '--', *command)


def facts(ended):
    return sorted(re.findall(r'^fact (.*)', ended.stdout, re.M))


def lines(ended, pattern):
    return sorted(m[1] for m in re.finditer(pattern, ended.stdout, re.M))


def shelf():
    """The program carries what lies in the folder; each file says what it shows and costs."""
    files = sorted(f for f in os.listdir(folder) if f != 'meson.build')
    listed = run('trace', '--list-tools').stdout.splitlines()
    expect('--list-tools: each file of the folder', sorted(line.split()[0] for line in listed) == files, listed)
    heads = {f: open(f'{folder}/{f}').read() for f in files}
    expect('each says what it shows, and what it costs', all(
         re.match(rf'# {re.escape(f)}: \S.*\n# cost: \S', text) for f, text in heads.items()), heads.keys())
    expect('at least eight answer what others do not', sum('# asks more: ' in t for t in heads.values()) >= 8)
    offered = run('--complete', 'trace', '--file', 'tcp').stdout.splitlines()
    expect('shells complete them, and files', ':files' in offered and
           [o for o in offered if o != ':files'] == [f for f in files if f.startswith('tcp')], offered)


def finding(work):
    ended = run('trace', '--file', 'runqlatt')
    expect('what is neither file nor tool', ended.returncode == 1 and "did you mean 'runqlat'?" in ended.stderr, ended)
    for text, words in (('--output x\n', "x:1: error: a file of definitions has no such option"),
                        ('# a comment\n--top none\n', 'x:2: error: '),
                        ('--top 3 4\n', 'x:1: error: one option a line is wanted')):
        with open(f'{work}/x', 'w') as f:
            f.write(text)
        ended = run('trace', '--file', 'x', cwd=work)
        expect(f'{text.splitlines()[-1]}: refused', ended.returncode == 1 and words in ended.stderr, ended)
    shutil.copy(f'{folder}/syscount', f'{work}/syscount')
    with open(f'{work}/syscount', 'a') as f:
        f.write('nonsense\n')
    ended = run('trace', '--file', 'syscount', cwd=work)
    expect('a file of that name here goes first', ended.returncode == 1 and 'syscount:7: error' in ended.stderr, ended)


def counting():
    ended = tool('syscount', load, 'sync', options=('--children', '--top', '1000'))
    expect('syscount: a call by its name and number', re.search(
         r'^\{ id: sys_f(data)?sync +\[ *\d+\] \} hitcount: +1$', ended.stdout, re.M), ended)
    expect('syscount: and who calls', re.search(r'^\{ common_comm: shelf-load +\} hitcount: +\d+$', ended.stdout, re.M), ended)
    ended = tool('syscount', 'true')
    expect('the command line goes before what the file says', ended.stdout.count('id: ') <= 10, ended)
    ended = tool('pidpersec', load, 'fork')
    made = re.search(r'^\{ parent: shelf-load +\} hitcount: +(\d+)$', ended.stdout, re.M)
    expect('pidpersec: as many as were made', made and made[1] == '5', ended)
    ended = tool('runqlat', load, 'nap', options=())
    expect('runqlat: each sleep ends with a wait for a CPU', int((re.search(r'Hits: (\d+)', ended.stdout) or [0, 0])[1]) >= 3 and
           'usecs: ~ 2^' in ended.stdout, ended)
    ended = tool('exitsnoop', load, 'fork')
    expect('exitsnoop: each that ends', len(re.findall(r' exit: .* status=0$', ended.stdout, re.M)) == 6, ended)
    for name, pattern in (('cpudist', r'usecs: ~ 2\^'), ('offcputime', r'comm: shelf-load +, usecs: ~ 2\^'),
                          ('softirqs', r'vec: +\d+, usecs: ~ 2\^'),
                          ('slabratetop', r'cache: \S+ +\} hitcount: +\d+  bytes: +\d+'), ('profile', 'hitcount: ')):
        ended = tool(name, 'sh', '-c', f'i=0; {load} nap; while [ $i -lt 20000 ]; do i=$((i + 1)); done', options=())
        expect(f'{name}: counts', re.search(pattern, ended.stdout), ended.stdout[-800:] + ended.stderr)
    for name in ('hardirqs', 'klockstat', 'wqlat', 'drsnoop', 'biotop', 'biosnoop', 'biostacks', 'writeback'):
        ended = run('trace', '-t', '0.1', '--file', name)
        expect(f'{name}: is attached', ended.returncode == 0, ended)
    ended = tool('cpuwalk', sys.executable, '-c', 'import time\nt = time.process_time()\nwhile time.process_time() < t + 0.5: pass',
                 options=('--children',))
    hits = re.search(r'Hits: (\d+)', ended.stdout)
    expect('cpuwalk: who works is seen', hits and int(hits[1]) >= 10, ended)


def user_code(work):
    ended = tool('threadsnoop', threads, 'thread')
    expect('threadsnoop: the function', facts(ended) and facts(ended) == lines(ended, r'create: .*(function=.*)'), ended)
    if os.path.exists('/bin/bash') and 'readline' in subprocess.run(['nm', '-D', '/bin/bash'], capture_output=True, text=True).stdout:
        ended = tool('bashreadline', load, 'type', '/bin/bash')
        expect('bashreadline: what is typed', facts(ended) and facts(ended) == lines(ended, r' line: .*(line=.*)'), ended)
    ended = tool('gethostlatency', 'getent', 'ahosts', '127.0.0.9')
    got = lines(ended, r'(host=127.0.0.9 .* ret=0)')
    expect('gethostlatency: the name, and how long it took', len(got) == 1 and re.search(r' us=\d+ ', got[0]), ended)


def main():
    shelf()
    with tempfile.TemporaryDirectory() as work:
        if run('trace', '-t', '0.1', f'p {load}:main').returncode or run('trace', '-n', '1', 't sched_switch').returncode:
            print('ok - the tools at work # SKIP probes cannot be made here')
        else:
            finding(work)
            counting()
            user_code(work)
    return done()


sys.exit(main())
