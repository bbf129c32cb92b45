#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-who.py FORELAND WHO: whose events a trace has. The judge is who.c, a tree of processes each of
which writes down its number and how often it called getppid(): for each process the trace has exactly as
many, the first calls after its birth included, and it has nobody else.
"""
import json, os, platform, re, select, shutil, subprocess, sys, tempfile, time
from collections import Counter

import pidns
from tap import done, expect

foreland, who = sys.argv[1], sys.argv[2]
GETPPID = {'x86_64': 110, 'aarch64': 173}[platform.machine()]
DEF = f't:w/call sys_enter id if id == {GETPPID}'


def trace(*args, prefix=(), **kw):
    return subprocess.run([*prefix, foreland, 'trace', '--json', *args], capture_output=True, text=True,
                          timeout=120, **kw)


def rows_of(text):
    rows = [json.loads(line) for line in text.splitlines() if line.startswith('{')]
    return [r for r in rows if 'type' not in r], next((r for r in rows if r.get('type') == 'summary'), None)


def log_of(text):
    return Counter({int(m[1]): int(m[2]) for m in re.finditer(r'^(\d+) (\d+)$', text, re.M)})


def same(name, ended, want=None):
    rows, summary = rows_of(ended.stdout)
    got = Counter(r['pid'] for r in rows)
    want = want if want is not None else log_of(ended.stdout)
    lost = sum(e['lost'] + e['missed'] for e in summary['events']) if summary else 1
    expect(name, ended.returncode == 0 and want and got == want and not lost,
           f'{ended.returncode} got {got} want {want} {summary} {ended.stderr}')
    return rows


def by_listener(name, option, wants):
    """-p of a process that has a child already: it works when the trace has shown that it is there."""
    log = tempfile.TemporaryFile('w+')
    helper = subprocess.Popen([who, 'listen'], stdin=subprocess.PIPE, stdout=log, text=True, bufsize=0)
    helper.stdin.write('a')
    children = f'/proc/{helper.pid}/task/{helper.pid}/children'
    while not open(children).read().strip():
        time.sleep(0.01)
    run = subprocess.Popen([foreland, 'trace', '--json', *option, '-p', str(helper.pid), DEF],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen, end = b'', time.monotonic() + 60
    while b'"pid"' not in seen and time.monotonic() < end and run.poll() is None:
        helper.stdin.write('p')
        if select.select([run.stdout], [], [], 0.05)[0]:
            seen += os.read(run.stdout.fileno(), 1 << 16)
    helper.stdin.write('gq')
    helper.wait()
    out, err = run.communicate(timeout=60)      # the trace ends by itself
    seen, out = seen.decode(), out.decode()
    log.seek(0)
    want = log_of(log.read())
    rows, summary = rows_of(seen + out)
    got = Counter(r['pid'] for r in rows)
    expect(f'{name}: the process itself is there', got.pop(helper.pid, 0) >= want.pop(helper.pid), got)
    wanted = want if wants else Counter()
    expect(f'{name}: {"each descendant, old and new" if wants else "and no descendant"}',
           run.returncode == 0 and len(want) == 9 and got == wanted, f'{run.returncode} {got} {wanted} {err}')


def by_command():
    same('--children: each call of each process of the tree, from the first on',
         trace('--children', DEF, '--', who, 'tree'))
    same('--follow does the same for a command', trace('--follow', DEF, '--', who, 'tree'))
    ended = trace('--children', 't:w/call sys_enter id', '--hist', 'keys=id', '--', who, 'tree')
    rows, _ = rows_of(ended.stdout)
    expect('--children --hist: the same sum', sum(r['hitcount'] for r in rows if r['keys']['id'] == GETPPID) ==
           sum(log_of(ended.stdout).values()), ended.stdout)


def by_self():
    for option in ([], ['--self']):
        run = subprocess.Popen([foreland, 'trace', '--json', *option, '--comm', 'foreland', '-t', '0.5',
                                't:w/call sys_enter id'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = run.communicate()
        mine = [r for r in rows_of(out)[0] if r['pid'] == run.pid]
        expect('foreland\'s own events are ' + ('there with --self' if option else 'left out'),
               run.returncode == 0 and bool(mine) == bool(option), f'{len(mine)} {err}')


def cgroup2():
    for line in open('/proc/self/mountinfo'):
        words = line.split()
        if words[words.index('-') + 1] == 'cgroup2':
            return words[4]
    return None


def with_each(group, ident):
    """--with: the user that the command becomes, its group by the number of the folder, the container by its name."""
    script = 'import os\nos.setuid(33)\nfor _ in range(5): os.getppid()'
    inner = ['sh', '-c', f'echo 0 >{group}/cgroup.procs; exec "$@"', 'sh', sys.executable, '-c', script]
    want = {'uid': 33, 'cgroup': os.stat(group).st_ino, 'container': ident}
    ended = trace('--children', '--with', 'uid,cgroup,container', DEF + ' && uid == 33', '--', *inner)
    rows, _ = rows_of(ended.stdout)
    got = [{k: r['args'].get(k) for k in want} for r in rows]
    expect('--with: uid, cgroup and container, and a filter on them', got == [want] * 5, f'{got[:2]} {want} {ended.stderr}')
    ended = trace('--children', '--with', 'uid', DEF, '--hist', 'keys=uid', '--', *inner)
    rows, _ = rows_of(ended.stdout)
    expect('--with: a key', {'uid': 33} in [r['keys'] for r in rows if r['hitcount'] == 5], ended.stdout + ended.stderr)


def by_group():
    top = cgroup2()
    name = f'foreland-{os.getpid()}'
    ident = f'{os.getpid():012x}' + 'ab' * 26
    try:
        groups = [f'{top}/{name}', f'{top}/{name}/within', f'{top}/{name}/docker-{ident}.scope',
                  f'{top}/{name}/docker-{ident[:12]}{"cd" * 26}.scope']
        for group in groups:
            os.mkdir(group)
    except OSError as err:
        return print(f'ok - --cgroup, --container # SKIP no group can be made in {top}: {err}')

    def join(group):
        return lambda: open(f'{group}/cgroup.procs', 'w').write('0')
    try:
        for what, group, options in (
                ('--cgroup of a folder', groups[0], ['--cgroup', groups[0]]),
                ('--cgroup, a group beneath it', groups[1], ['--cgroup', groups[0]]),
                ('--cgroup as /proc has it', groups[0], ['--cgroup', f'/{name}']),
                ('--container by its id', groups[2], ['--container', ident]),
                ('--container by the beginning of it', groups[2], ['--container', ident[:16]])):
            # The command is in its group before it begins; the trace itself is not.
            inner = ['sh', '-c', f'echo 0 >{group}/cgroup.procs; exec "$@"', 'sh', who, 'tree']
            same(what, trace(*options, DEF, '--', *inner))
        with_each(groups[2], ident)
        ended = trace('--cgroup', groups[2], DEF, '--', who, 'tree')
        rows, summary = rows_of(ended.stdout)
        expect('--cgroup: nobody from outside', ended.returncode == 0 and not rows and
               summary['events'][0]['filtered'] > 0, ended.stdout + ended.stderr)
        for options, words in ((['--container', ident[:10]], 'begins the names of several'),
                               (['--container', 'no-such-thing'], 'no control group is named'),
                               (['--cgroup', '/no/such'], "there is no control group '/no/such'")):
            ended = trace(*options, DEF, '--', 'touch', '/tmp/who-was-started')
            expect(f'{" ".join(options)[:24]}: said, and nothing started', ended.returncode == 1 and
                   words in ended.stderr and not os.path.exists('/tmp/who-was-started'), ended.stderr)
    finally:
        for group in reversed(groups):
            os.rmdir(group)


def by_namespace():
    new = ['unshare', '--fork', '--pid', '--mount-proc']
    if subprocess.run([*new, 'true'], capture_output=True).returncode:
        return print('ok - pid namespaces # SKIP none can be made here')
    same('in a pid namespace: --children, by its numbers', trace('--children', DEF, '--', who, 'tree', prefix=new))
    ended = trace('--comm', os.path.basename(who)[:15], DEF, '--', *new, who, 'tree', prefix=new)
    rows, _ = rows_of(ended.stdout)
    inner, got = log_of(ended.stdout), Counter(r['pid'] for r in rows)
    expect('in a pid namespace: those in one beneath it have numbers of ours', len(inner) == 7 and
           sorted(got.values()) == sorted(inner.values()) and got != inner and 0 not in got, f'{got} {inner}')
    script = f'{who} listen <$0 & p=$!; exec 3>$0; {foreland} trace --json -n 1 -p $p "$1" & t=$!; ' \
             'while kill -0 $t 2>/dev/null; do printf p >&3; sleep 0.05; done; printf q >&3; echo pid $p'
    with tempfile.TemporaryDirectory() as work:
        os.mkfifo(f'{work}/pipe')
        ended = subprocess.run([*new, 'sh', '-c', script, f'{work}/pipe', DEF], capture_output=True, text=True,
                               timeout=60)
    rows, _ = rows_of(ended.stdout)
    pid = int(re.search(r'^pid (\d+)', ended.stdout, re.M)[1])
    expect('in a pid namespace: -p by its number there', rows and {r['pid'] for r in rows} == {pid} and pid < 20,
           ended.stdout[-400:] + ended.stderr)
    by_outside(new)


def call_until_done(run):
    end = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < end:
        os.getppid()
        time.sleep(0.001)
    return run.stdout.read()


def by_outside(new):
    """This process lives outside of the namespace, and calls until the trace has its lines."""
    comm = f'who-{os.getpid()}'     # there are others called python3
    with open('/proc/self/comm', 'w') as f:
        f.write(comm)
    own = {1000000000 + os.getpid()} if pidns.is_initial() else None  # elsewhere the kernel's number is not known here
    what = [*new, foreland, 'trace', '-n', '3', '--comm', comm, DEF]
    rows, _ = rows_of(call_until_done(subprocess.Popen([*what, '--json'], stdout=subprocess.PIPE, text=True)))
    got = {r['pid'] for r in rows}
    expect('in a pid namespace: who is outside has the kernel\'s number, and a mark', len(rows) == 3 and
           (got == own or not own and min(got) > 1000000000), f'{got} {own}')
    with tempfile.TemporaryDirectory() as work:
        call_until_done(subprocess.Popen([*what, '-o', f'{work}/r.dat'], stdout=subprocess.PIPE))
        readers = [[foreland, 'report'], *([['trace-cmd', 'report', '-N', '-i']] if shutil.which('trace-cmd') else [])]
        for reader in readers:
            shown = subprocess.run([*reader, f'{work}/r.dat'], capture_output=True, text=True).stdout
            found = re.findall(r'^ *(\S+)-(\d+) +\[', shown, re.M)
            expect(f'{os.path.basename(reader[0])} report: who is outside has its name', len(found) == 3 and
                   set(found) == {(comm, str(n)) for n in got}, shown)


def by_budget():
    total, most = 60000, 100
    ended = trace('--children', '--task-budget', f'{most}/s', DEF, '--', who, 'flood', str(total))
    rows, summary = rows_of(ended.stdout)
    seconds = Counter(r['time_ns'] // 1000000000 for r in rows)
    s = summary['events'][0]
    expect('--task-budget: no second has more', rows and max(seconds.values()) <= most, seconds)
    expect('--task-budget: what is over it is counted, and all adds up', s['over_budget'] + s['records'] == total and
           s['hits'] == s['records'] + s['filtered'] + s['over_budget'] and not s['lost'], s)


def by_interval():
    """What all intervals have together is what the program wrote, and none is counted twice."""
    mine = f't:w/call sys_enter id if comm == "{os.path.basename(who)[:15]}"'
    ended = trace('--children', '--interval', '0.1', mine, '--hist', 'keys=id:sort=hitcount.descending',
                  '--', 'sh', '-c', '"$0" flood 3000; sleep 0.5; "$0" flood 5000', who)
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{')]
    spans = [(r['begin_ns'], r['end_ns']) for r in lines if r.get('type') == 'interval']
    got = [r['hitcount'] for r in lines if 'hitcount' in r and r['keys']['id'] == GETPPID]
    expect('--interval: the sum of all is what was done', ended.returncode == 0 and sum(got) ==
           sum(log_of(ended.stdout).values()) == 8000 and len(got) >= 2, f'{got} {ended.stderr}')
    expect('--interval: each begins where the last one ended', len(spans) >= 2 and
           all(a[1] == b[0] for a, b in zip(spans, spans[1:])), spans)
    ended = trace('--children', '--top', '1', 't:w/call sys_enter id', '--hist', 'keys=id',
                  '--', who, 'flood', '9000')
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{')]
    shown = [r for r in lines if 'hitcount' in r]
    more = [r['entries'] for r in lines if r.get('type') == 'more']
    expect('--top: the one with the most hits alone, and how many there are beside it', len(shown) == 1 and
           shown[0]['keys']['id'] == GETPPID and shown[0]['hitcount'] == 9000 and len(more) == 1 and more[0] > 0, lines)


def by_sample():
    """About as many samples as the program used time for, by its own clock; most of them in its own code."""
    ended = trace('--children', '--sample', '500', '--ustack', '--', who, 'burn', '600')
    rows, summary = rows_of(ended.stdout)
    (pid, us), = log_of(ended.stdout).items() or [(0, 0)]
    mine = [r for r in rows if r['pid'] == pid]
    expect('--sample: as many as time was used for', ended.returncode == 0 and
           us * 500e-6 * 0.2 < len(mine) < us * 500e-6 * 1.8, f'{len(mine)} {us} {summary} {ended.stderr}')
    user = [r for r in mine if re.fullmatch(r'0x[0-9a-f]{1,14}', r['place'])]
    expect('--sample: most are in the program, with its stack', len(user) > len(mine) / 2 and
           sum(bool(r.get('user_stack')) for r in user) > len(user) / 2, f'{len(user)} {mine[:2]}')


def by_glob():
    """A definition for each tracepoint of the name: what BTF lists, by probe list."""
    listed = subprocess.run([foreland, 'probe', 'list', 'functions', '__probestub_sched_process_*'],
                            capture_output=True, text=True).stdout
    ended = trace('--children', 't:w/ sched_process_*', '--', who, 'tree')
    rows, summary = rows_of(ended.stdout)
    names = [e['event'] for e in summary['events']] if summary else []
    count = Counter(r['event'] for r in rows)
    expect('t GLOB: an event each, in the order of their names', ended.returncode == 0 and names == sorted(names) and
           {'sched_process_exec', 'sched_process_exit', 'sched_process_fork'} <= set(names) and
           all(n.startswith('sched_process_') for n in names) and
           (not listed or set(re.findall(r'__probestub_(\w+)', listed)) == set(names)), f'{names} {listed}')
    # 7 processes, of which each that has children makes one by a thread: 3 threads and 6 children
    expect('t GLOB: each fires as the program did', count['sched_process_exec'] == 1 and
           count['sched_process_fork'] == 9 and count['sched_process_exit'] == 10, count)
    ended = trace('t no_such_thing_*', '--', 'touch', '/tmp/who-was-started')
    expect('t GLOB: nothing matches', ended.returncode == 1 and 'Nothing matches this glob' in ended.stderr and
           not os.path.exists('/tmp/who-was-started'), ended)


def by_usage():
    for words in (['--children'], ['--follow'], ['--cgroup', '/', '--container', 'x', '--', 'true'],
                  ['--task-budget', 'x'], ['--task-budget', '0/s'], ['--task-budget', '5/m'],
                  ['--sample', '0'], ['--sample', '99', '--via', 'tracefs'], ['--interval', '1'], ['--top', '3'], ['--interval', '0', '--hist', 'keys=id'],
                  ['--follow', '--via', 'tracefs', '--', 'touch', '/tmp/who-was-started'],
                  ['--task-budget', '5/s', '--via', 'tracefs']):
        command = words[words.index('--'):] if '--' in words else []
        ended = trace(*[w for w in words if w not in command], DEF, *command)
        expect(f'{" ".join(words)}: refused before anything starts', ended.returncode == 2 and not ended.stdout and
               not os.path.exists('/tmp/who-was-started'), f'{ended.returncode} {ended.stderr}')


def main():
    probe = trace('-n', '1', 't sched_switch')
    if probe.returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    by_usage()
    by_interval()
    by_glob()
    by_sample()
    by_command()
    by_listener('-p', [], False)
    by_listener('-p --follow', ['--follow'], True)
    by_self()
    by_group()
    by_namespace()
    by_budget()
    return done()


sys.exit(main())
