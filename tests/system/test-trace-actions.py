#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Histograms whose actions make synthetic events: a program asks for its parent N times, and knows that it did;
each call must be one line, or be counted as lost. What a call is, and when it ended, tell the machine's
tracepoints of system calls.

usage: test-trace-actions.py FORELAND
"""
import collections, json, os, re, subprocess, sys, tempfile

from tap import check as tell, done, skip

foreland = sys.argv[1]
CALLS = 3000
GETPPID = {'x86_64': 110, 'aarch64': 173}.get(os.uname().machine)
LOAD = [sys.executable, '-c', f'import os\nfor i in range({CALLS}): os.getppid()']
SYNTH = 's:call u64 lat; int pid; char what[]; u64 twice; long ret'
START, END = f't:q/start sys_enter id if id == {GETPPID}', 't:q/end sys_exit ret'
FIRST = 'keys=common_pid:ts0=common_timestamp,name=common_comm'
SECOND = 'keys=common_pid:lat=common_timestamp-$ts0,n=$name:two=$lat*2:onmatch(q.start).trace(call,$lat,common_pid,$n,$two,ret)'
GETPGRP = {'x86_64': 111, 'aarch64': 155}.get(os.uname().machine)
TWO = [sys.executable, '-c', f'import os\nfor i in range({CALLS}): os.getppid(); os.getpgrp()']
COMM = os.path.basename(sys.executable)[:15]
BOTH = f't:q/both sys_enter id if id == {GETPPID} || id == {GETPGRP}'


def run(*args, command=LOAD):
    return subprocess.run([foreland, 'trace', '--children', *args, '--', *command], capture_output=True, text=True, timeout=120)


def totals(rows):
    return {e['event']: e for e in rows[-1]['events']}


def balance(rows, what):
    """Starts, of which the program knows how many there were, are pairs, unmatched, or dropped."""
    t = totals(rows)
    calls = [r for r in rows[1:-1] if r['event'] == 'call']
    start, made = t['start'], t['call']
    tell(start['records'] + start['unpaired'] + start['lost'] == CALLS and
         start['hits'] - start['filtered'] == CALLS, f'{what}: {CALLS} starts', t)
    tell(made['hits'] == CALLS - start['unpaired'] - start['lost'] and start['unpaired'] == 0 and
         len(calls) + made['lost'] == made['hits'], f'{what}: pairs + unmatched + dropped = starts', t)
    return calls


def counted(*args, command=TWO):
    """Rows of histograms by their event, and the last row."""
    out = run('--json', *args, command=command)
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    if not rows:
        tell(False, str(args), out.stderr)
        return collections.defaultdict(list), {}
    by = collections.defaultdict(list)
    for r in rows[1:-1]:
        if 'keys' in r:
            by[r['event']].append(r)
    return by, totals(rows)


def seen():
    """getppid() and getpgrp() in turn, each CALLS times by one thread: what changes, and how often, is known."""
    by, _ = counted(BOTH, '--hist', 'keys=common_pid:v=id*2:onmax($v).save(id,common_comm)')
    r = by['both'][0] if len(by['both']) == 1 else {}
    tell(r.get('hitcount') == 2 * CALLS and r['seen'] == [{'handler': 'onmax', 'variable': 'v', 'value': 2 * GETPGRP}] and
         r['saved'] == {'id': GETPGRP, 'common_comm': COMM}, 'onmax() and what it saves', by)
    by, _ = counted(BOTH, '--hist', 'keys=common_pid:v=id:onchange($v).save(id)')
    r = by['both'][0] if len(by['both']) == 1 else {}
    tell(r and r['seen'][0]['value'] == GETPGRP and r['saved'] == {'id': GETPGRP}, 'onchange() has the last one', by)
    by, t = counted('s:changed s64 v; int pid', BOTH, '--hist', 'keys=common_pid:v=id:onchange($v).trace(changed,$v,common_pid)')
    tell(t and t['changed']['hits'] == 2 * CALLS and t['changed']['records'] + t['changed']['lost'] == 2 * CALLS,
         'onchange() makes an event at each', t)
    by, t = counted('s:more s64 v', BOTH, '--hist', 'keys=common_pid:v=id:onmax($v).more($v)')
    tell(t and t['more']['hits'] == 2, 'onmax() at each that is greater', t)
    rows = [json.loads(line) for line in run('--json', BOTH, '--hist', 'keys=common_pid:v=id:onmax($v).snapshot()', command=TWO)
            .stdout.splitlines()]
    shot = [r for r in rows if r.get('type') == 'snapshot']
    tell(len(shot) == 1 and shot[0]['value'] == GETPGRP and shot[0]['taken'] == 2 and list(shot[0]['keys']) == ['common_pid'], 'snapshot() tells its event', shot)
    text = run(BOTH, '--hist', 'keys=id:v=id:onchange($v).snapshot()', command=TWO).stdout
    tell(re.search(r'^\tchanged: +%d$' % GETPGRP, text, re.M) and
         re.search(r'^Snapshot taken \(see tracing/snapshot\).  Details:\n\ttriggering value \{ onchange\(\$v\) \}: +%d\t'
                   r'triggered by event with key: \{ id: +%d \}$' % (GETPGRP, GETPGRP), text, re.M), 'as the kernel prints it', text)


def tables():
    by, t = counted(BOTH, '--hist', 'keys=id', '--hist', 'keys=common_pid:vals=id', '--hist', f'keys=id if id == {GETPGRP}')
    shown = sorted((sorted(r['keys']), r['hitcount'], r['vals']) for r in by['both'])
    tell(shown == [(['common_pid'], 2 * CALLS, {'id': CALLS * (GETPPID + GETPGRP)}), (['id'], CALLS, {}), (['id'], CALLS, {}), (['id'], CALLS, {})] and
         t['both']['records'] == 2 * CALLS, 'three histograms of one probe', by)
    two = [f't:q/a sys_enter id if id == {GETPPID}', f't:q/b sys_enter id if id == {GETPGRP}']
    by, t = counted(*two, '--hist', 'keys=id:name=both')
    tell(sorted((r['keys']['id'], r['hitcount']) for r in by['a']) == sorted([(GETPPID, CALLS), (GETPGRP, CALLS)]) and not by['b'] and
         t['b']['records'] == CALLS, 'two events count in one table', by)
    by, _ = counted(BOTH, '--hist', 'keys=common_pid:vals=id:nohitcount')
    tell(len(by['both']) == 1 and 'hitcount' not in by['both'][0] and by['both'][0]['vals'] == {'id': CALLS * (GETPPID + GETPGRP)}, 'nohitcount', by)
    by, t = counted(BOTH, '--hist', 'keys=id:pause')
    tell(t and not by['both'] and t['both']['records'] == 0 and t['both']['hits'] == t['both']['filtered'], 'what is paused counts nothing', t)
    by, t = counted(BOTH, '--hist', 'keys=id:pause', '--hist', 'keys=id:cont')
    tell(sum(r['hitcount'] for r in by['both']) == 2 * CALLS, 'and goes on after cont', by)
    for word in ('cont', 'clear'):
        out = run(BOTH, '--hist', f'keys=id:{word}', command=TWO)
        tell(out.returncode == 1 and "Can't clear or continue a nonexistent hist trigger" in out.stderr, f'{word} of nothing', out.stderr)
    by, _ = counted(*two, '--hist', 'keys=common_pid:t0=common_timestamp', '--hist', 'keys=gap.log2:gap=common_timestamp-$t0:sort=gap')
    tell(sum(r['hitcount'] for r in by['b']) == CALLS and not by['a'], "a variable of its own is a key: other's keys are found by name", by)
    with tempfile.TemporaryDirectory() as folder:
        name = folder + '/defs'
        with open(name, 'w', encoding='utf-8') as f:
            f.write(f'{SYNTH}\nhist:keys=what,pid:vals=twice,ret:l=lat:onmax($l).save(ret) if ret > 0\nhist:keys=lat.log2\n'
                    f'{START}\nhist:{FIRST}\n{END}\nhist:{SECOND}\n')
        by, t = counted('--file', name, command=LOAD)
    rows = [r for r in by['call'] if 'what' in r['keys']]
    tell(len(rows) == 1 and rows[0]['hitcount'] == CALLS == sum(r['hitcount'] for r in by['call'] if 'lat' in r['keys']) and
         rows[0]['keys']['what'] == COMM and rows[0]['vals']['ret'] == CALLS * rows[0]['saved']['ret'] > 0,
         'histograms of a synthetic event', by)
    text = run(BOTH, '--top', '1', '--hist', 'keys=id:vals=hitcount.percent', command=TWO).stdout
    tell(re.findall(r'hitcount \(%\): +([\d.]+)$', text, re.M) == ['50.00'], 'parts are of all, however many are shown', text)
    out = run(BOTH, '--hist', 'keys=id:size=1', command=TWO)
    tell(re.search(r'Hits: %d\n    Entries: 1\n    Dropped: %d\n' % (CALLS, CALLS), out.stdout) and f' {CALLS} lost' in out.stderr,
         'what a full table drops is told', out.stdout + out.stderr)


def slices():
    """A line a pair; what it is lowered to is what is written by hand above."""
    two = [START.replace(' if', ' comm=$comm if'), END]
    rows = [json.loads(line) for line in run('--json', '--slice', 'start,end,common_pid', *two).stdout.splitlines()]
    pairs = [r['args'] for r in rows[1:-1]]
    tell(len(pairs) + totals(rows)['slice']['lost'] == CALLS and all(list(p) == ['lat_ns', 'pid', 'id', 'comm', 'ret'] and
         p['lat_ns'] > 0 and p['id'] == GETPPID and p['comm'] == COMM for p in pairs), 'a slice: a line a pair', pairs[:2])
    rows = [json.loads(line) for line in run('--json', '--over', '1h', '--slice', 'q.start,q/end,common_pid,save=common_comm', *two).stdout.splitlines()]
    n = totals(rows)['slice']
    tell(len(rows) == 2 and n['hits'] == n['filtered'] == CALLS, '--over', rows)
    rows = [json.loads(line) for line in run('--json', '--slice', 'start,end,common_pid,save=id', '--hist', 'keys=id,pid:vals=lat_ns', *two).stdout.splitlines()]
    table = [r for r in rows if 'hitcount' in r]
    tell(len(table) == 1 and table[0]['hitcount'] == CALLS and table[0]['keys']['id'] == GETPPID, 'a histogram of it', table)
    err = run('--explain', '--slice', 'start,end,common_pid', *two, command=['true']).stderr
    tell(re.match(r's:slice u64 lat_ns; int pid; s64 id; char comm\[\]; s64 ret\nhist:keys=common_pid:ts0=common_timestamp,s_id=id,s_comm=comm .*\n'
                  r'hist:keys=common_pid:lat=common_timestamp-\$ts0:onmatch\(q.start\).trace\(slice,\$lat,common_pid,\$s_id,\$s_comm,ret\)', err),
         '--explain shows what it is lowered to', err)
    for text, why, caret in (('start,end', 'a slice is START,END,KEY', 0), ('begin,end,id', 'no event of this command', 0), ('start,stop,id', 'no event of this command', 6),
                             ('start,start,id', 'is the one that starts', 6), ('start,end,id', 'the event that ends has no such field', 10),
                             ('start,end,ret', 'the event that starts has no such field', 10), ('start,end,common_pid,save=x', 'has no such field', 26),
                             ('start,end,common_pid,id', 'a slice is START,END,KEY', 21), ('start,end,common_pid,save=id,id', 'kept already', 29)):
        out = run('--slice', text, *two, command=['true'])
        tell(out.returncode == 1 and why in out.stderr and out.stderr.splitlines()[-1].find('^') == caret, f'--slice {text}', out.stderr)


def stacks():
    """The stack of a pair's first event, as a line's field, a key and what is saved: what --stack takes with that event."""
    rows = [json.loads(line) for line in run('--json', '--stack', START).stdout.splitlines()]
    want = {tuple(r['stack']) for r in rows[1:-1]}
    synth, first = 's:call u64 lat; long[] st; s64 ret', 'keys=common_pid:ts0=common_timestamp,s=common_stacktrace'
    second = 'keys=common_pid:lat=common_timestamp-$ts0:onmatch(q.start).trace(call,$lat,$s,ret)'
    args = [synth, START, '--hist', first, END, '--hist', second]
    rows = [json.loads(line) for line in run('--json', *args).stdout.splitlines()]
    made = [r['args'] for r in rows[1:-1]]
    tell(made and len(made) + totals(rows)['call']['lost'] == CALLS and {tuple(a['st']) for a in made} == want and
         len({a['ret'] for a in made}) == 1, "a stack is a pair's field", want, made[:2])
    text = run(*args).stdout
    frames = '\n'.join('=> ' + f for f in want.pop())
    tell(re.search(r' call: lat=\d+ st=STACK:\n' + re.escape(frames) + r'\n ret=\d+$', text, re.M), 'as the kernel prints it', text[:1000])
    by, _ = counted(synth, '--hist', 'keys=st.stacktrace', START, '--hist', first, END, '--hist', second, command=LOAD)
    tell(sum(r['hitcount'] for r in by['call']) == CALLS and '=> ' + '\n=> '.join(by['call'][0]['keys']['st']) == frames, 'and a key', by)
    by, _ = counted(START, '--hist', 'keys=common_pid:v=id:onmax($v).save(common_stacktrace)', command=LOAD)
    tell([['=> ' + '\n=> '.join(v) for v in r['saved'].values()] for r in by['start']] == [[frames]], 'and saved', by)
    with tempfile.TemporaryDirectory() as folder:
        run('-o', folder + '/x.dat', *args)
        out = subprocess.run([foreland, 'report', '--json', folder + '/x.dat'], capture_output=True, text=True, check=False).stdout
    kept = [json.loads(line) for line in out.splitlines()]
    kept = [r['args']['st'] for r in kept if r.get('event') == 'call']
    tell(kept and all('=> ' + '\n=> '.join(st) == frames for st in kept), 'and in a recording', kept[:2], frames)


def flight():
    """What was kept up to the moment of snapshot() is a file of its own; the program waits for it."""
    with tempfile.TemporaryDirectory() as folder:
        name, dat = folder + '/defs', folder + '/x.dat'
        with open(name, 'w', encoding='utf-8') as f:
            f.write(f't:q/kept sys_enter id if id == {GETPGRP}\nt:q/watch sys_enter id if id == {GETPPID}\n'
                    'hist:keys=common_pid:v=id:onmax($v).snapshot()\n')
        load = ('import os, sys, time\nfor i in range(5): os.getpgrp()\nos.getppid()\n'
                f'for i in range(6000):\n    if os.path.exists({folder + "/x-1.dat"!r}): break\n    time.sleep(0.01)\n'
                'for i in range(7): os.getpgrp()')
        err = run('--flight', '64K', '--file', name, '-o', dat, command=[sys.executable, '-c', load]).stderr
        kept = []
        for path in (folder + '/x-1.dat', dat):
            shown = subprocess.run([foreland, 'report', path], capture_output=True, text=True, timeout=60).stdout
            kept.append(shown.count(': kept:'))
        tell(kept == [5, 7], 'snapshot() writes what --flight has kept', kept, err)


def namespace():
    """A key common_pid is the number that the traced program knows itself by."""
    new = ['unshare', '--fork', '--pid', '--mount-proc']
    if os.geteuid() or subprocess.run([*new, 'true'], capture_output=True).returncode:
        skip('a key common_pid within a pid namespace', 'no namespace can be made here')
        return
    load = f'import os\nprint(os.getpid(), flush=True)\nfor i in range({CALLS}): os.getppid()'
    out = subprocess.run([*new, foreland, 'trace', '--children', START, '--hist', 'keys=common_pid', '--', sys.executable, '-c', load],
                         capture_output=True, text=True, timeout=120)
    pid = out.stdout.splitlines()[0] if out.stdout else ''
    tell(pid and re.search(r'^\{ common_pid: +%s \} hitcount: +%d$' % (pid, CALLS), out.stdout, re.M), 'a key common_pid within a pid namespace',
         out.stdout + out.stderr)


def main():
    if not GETPPID:
        print('1..0 # SKIP no number of getppid() is known for this machine')
        return 0
    if subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True).returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    both = ['--hist', FIRST, '--hist', SECOND]
    rows = [json.loads(line) for line in run('--json', SYNTH, START, END, *both).stdout.splitlines()]
    calls = balance(rows, 'json')
    parent = os.getpid()
    tell(all(r['args']['pid'] == r['pid'] and r['args']['what'] == r['comm'] for r in calls) and calls,
         'fields and strings of the first event are the task\'s', calls[:3])
    tell(all(0 < r['args']['lat'] < 10**10 and (r['args']['twice'] - 2 * r['args']['lat']) % 2**64 == 0 for r in calls) and calls,
         'times and what is worked out of them', calls[:3])
    tell(len({r['args']['ret'] for r in calls}) == 1, 'a field of the second event', {r['args']['ret'] for r in calls})

    out = run(SYNTH, START, END, *both)
    lines = [line for line in out.stdout.splitlines() if ': call: ' in line]
    lost = int(re.search(r'synthetic/call: .* (\d+) lost', out.stderr)[1])
    tell(len(lines) + lost == CALLS and
         all(re.search(r': call: lat=\d+ pid=\d+ what=\S+ twice=\d+ ret=\d+$', line) for line in lines),
         'text is as the kernel prints synthetic events', out.stderr + '\n'.join(lines[:3]))

    with tempfile.TemporaryDirectory() as folder:
        dat = folder + '/calls.dat'
        err = run('-o', dat, SYNTH, START, END, *both).stderr
        shown = subprocess.run([foreland, 'report', dat], capture_output=True, text=True, timeout=60).stdout
        lost = int(re.search(r'synthetic/call: .* (\d+) lost', err)[1])
        count = len(re.findall(r': call: +lat=\d+ pid=\d+ what=\S+ twice=\d+ ret=\d+', shown))
        tell(count + lost == CALLS, 'a recording has them', err + shown[-400:])

        name = folder + '/defs'
        with open(name, 'w', encoding='utf-8') as f:
            f.write(f'# what, then who makes it\n{SYNTH}\n{START}\nhist:{FIRST}\n{END}\nhist:{SECOND}\n'
                    f't:q/table sys_enter id if id == {GETPPID}\nhist:keys=id:vals=id\n')
        out = run('--json', '--file', name)
        rows = [json.loads(line) for line in out.stdout.splitlines()]
        balance(rows, 'a file')
        table = [r for r in rows if r.get('event') == 'table' and 'hitcount' in r]
        tell([(r['keys']['id'], r['hitcount'], r['vals']['id']) for r in table] == [(GETPPID, CALLS, CALLS * GETPPID)],
             'a table beside them', table)
        with open(name, 'w', encoding='utf-8') as f:
            f.write(f'hist:{FIRST}\n{START}\n')
        out = run('--file', name)
        tell(out.returncode == 1 and ':1: error: a histogram stands behind' in out.stderr, 'a histogram of nothing is refused', out)

    out = run(SYNTH, START, END, '--hist', FIRST, '--hist', SECOND.replace('call,', 'nosuch,'))
    tell(out.returncode == 1 and "Couldn't find synthetic event" in out.stderr and out.stderr.splitlines()[-1].index('^') ==
         ('hist:' + SECOND).index('call,'), "what is wrong is said in the kernel's words, with its caret", out.stderr)
    seen()
    tables()
    slices()
    stacks()
    flight()
    namespace()
    return done()


if __name__ == '__main__':
    sys.exit(main())
