#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--via tracefs, text and -o FILE.dat, against the kernel's own tracer: the same lowered events are
defined a second time under another group, and what the kernel prints of those in its "trace" file is
what ours must print of the same firings: process, CPU, flags, names and values. The .dat file is read
by trace-cmd report. What is counted is held against the kernel's profile files and ring statistics.
"""
import json, re, shutil, subprocess, sys, tempfile

from guest import done, expect, need, run

DEFS = [
    'f:GROUP/rd vfs_read name=file->f_path.dentry->d_name.name:string count=count mode=file->f_inode->i_mode:x16 '
    'op=file->f_op->read_iter:symbol opname=file->f_op->read_iter:symstr bytes=+0($arg1):u8[4] bad=+0(\\0):string',
    'r:GROUP/ret vfs_read a=$retval:s32 c=$comm',
    'p:GROUP/wr vfs_write pos=+0($arg4):s64 first=+0(%di):char',
    'e:GROUP/exec sched/sched_process_exec name=$filename:string pid=$pid:s32',
]
WORK = '''#!/bin/sh
echo 'hello world' >known
busybox dd if=known of=copy bs=5
busybox cat /proc/self/comm
busybox true
'''

SCRIPT = r'''
T=/sys/kernel/tracing
chmod +x work
echo mono >$T/trace_clock
sed 's,GROUP,judge,' defs | foreland probe lower - >$T/dynamic_events
cat $T/dynamic_events >defined
echo 1 >$T/events/judge/enable
for f in $T/events/judge/*/filter; do echo 'comm == "busybox"' >$f; done
echo 'name == "/proc/self/exe"' >$T/events/judge/exec/filter	# as busybox's shell starts its own
run()			# NAME OPTION...: the same firings, seen twice
{
	name=$1
	shift
	echo >$T/trace
	echo 1 >$T/tracing_on
	foreland trace --bytes --via tracefs --file mine "$@" -- ./work >/dev/null 2>$name.err
	echo $name $? >>status
	echo 0 >$T/tracing_on
	cat $T/trace >$name.kernel
}
sed 's,GROUP,mine,; /^e:/!s,$, if comm == "busybox",; /^e:/s,$, if filename == "/proc/self/exe",' defs >mine
run text -o text
run dat -o via.dat
run json --json -o json
foreland report --bytes via.dat >report || cat text.err dat.err status >&2
echo 0 >$T/events/judge/enable
echo >$T/dynamic_events

# what is counted: the kernel's own numbers, taken while the events are still there
foreland trace --via tracefs --json -o counts 'p:mine/counted vfs_read c=$arg3 if c == 5' -- \
	sh -c "./work >/dev/null 2>&1; grep ' counted ' $T/kprobe_profile >profile" 2>counts.err
foreland trace --via tracefs 'p:mine/both vfs_read' 'f:mine/other vfs_write' -- ./work >/dev/null 2>two.err

# more sleepers than a return probe has room for: the kernel counts those it missed
mkfifo fifo
cat >sleepers <<'END'
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
	busybox cat fifo &
done
sleep 1
echo >fifo
wait
END
foreland trace --via tracefs --strict --json -o missed.via 'r:mine/slept fifo_open' -- sh ./sleepers 2>missed.err
echo missed.via $? >>status
foreland trace --strict --json -o missed.bpf 'r:mine/slept fifo_open' -- sh ./sleepers 2>>missed.err
echo missed.bpf $? >>status
foreland trace --strict --json -o missed.not 'f:mine/slept fifo_open%return' -- sh ./sleepers 2>>missed.err
echo missed.not $? >>status
'''
BRING = ('text', 'via.dat', 'json', 'report', 'defined', 'status', 'counts', 'counts.err', 'profile',
         'two.err', 'missed.via', 'missed.bpf', 'missed.not', 'text.kernel', 'dat.kernel', 'json.kernel',
         'text.err', 'dat.err')
LINE = re.compile(r'^ *(\S.{0,15})-(\d+) +\[(\d+)\] (.{5}) +(\d+\.\d+): (\w+): (.*)$')


def read(path):
    with open(path, encoding='latin-1') as f:
        return f.read()


def lines(text):
    """(comm, pid, cpu, flags, rest) of each line, by event: the two orders of events that fire at the
    same place are nobody's. Of two return probes on a function, one cannot see the caller."""
    out = {}
    for m in (LINE.match(line) for line in text.splitlines()):
        if m:
            rest = re.sub(r'\((\S+|\[unknown/kretprobe\'d\]) <- ', '(CALLER <- ', m[7].strip())
            comm = '' if m[6] == 'exec' else m[1]       # it is changing its name
            flags = m[4][0] + '.' + m[4][2:]            # when to reschedule, the moment decides
            out.setdefault(m[6], []).append((comm, m[2], int(m[3]), flags, rest))
    return out


def differing(got, want):
    """The first few pairs that are not the same."""
    pairs = [(g, w) for e in want for g, w in zip(got.get(e, []), want[e]) if g != w]
    return '\n'.join([f'{ {e: len(v) for e, v in got.items()} } { {e: len(v) for e, v in want.items()} }'] +
                     [f'got  {g}\nwant {w}' for g, w in pairs[:5]])


def judge_lines(work):
    want = lines(read(f'{work}/text.kernel'))
    expect('the kernel traced every kind', len(want) == len(DEFS) and all(want.values()),
           read(f'{work}/defined') + str({e: len(v) for e, v in want.items()}))
    got = lines(read(f'{work}/text'))
    expect('text: process, CPU, flags, places and values are the kernel\'s, line by line', got == want,
           differing(got, want) + read(f'{work}/text.err'))
    want = lines(read(f'{work}/dat.kernel'))
    # trace-cmd shows a string that could not be read as empty, and chars and places its own way
    report = subprocess.run(['trace-cmd', 'report', '-N', f'{work}/via.dat'], capture_output=True, text=True)
    shape = re.compile(r'^ *(\S.{0,15})-(\d+) +\[(\d+)\] +(?:(\S{5}) +)?(\d+\.\d+): (\w+): +(.*)$', re.M)
    theirs = {}
    for comm, pid, cpu, flags, time, event, rest in shape.findall(report.stdout):
        theirs.setdefault(event, []).append(('' if event == 'exec' else comm, pid, int(cpu), flags, rest))
    expect('-o FILE.dat: trace-cmd report reads it without a complaint',
           report.returncode == 0 and 'error' not in report.stderr.lower(), report.stderr)
    plain = {event: [(c, p, n, values(rest)) for c, p, n, _, rest in rows] for event, rows in theirs.items()}
    kernel = {event: [(c, p, n, values(rest)) for c, p, n, _, rest in rows] for event, rows in want.items()}
    expect('trace-cmd report: the same processes, CPUs and values', plain == kernel, differing(plain, kernel))
    mine = lines(read(f'{work}/report'))
    # where an event probe hangs, no format file says
    want['exec'] = [row[:4] + (row[4].replace('(sched.sched_process_exec) ', ''),) for row in want['exec']]
    expect('foreland report: the kernel\'s lines, flags included', mine == want, differing(mine, want))
    rows = [json.loads(line) for line in open(f'{work}/json')]
    want = lines(read(f'{work}/json.kernel'))
    counted = {e: sum(r.get('event') == e for r in rows) for e in want}
    expect('JSON: as many records', counted == {e: len(v) for e, v in want.items()}, counted)
    total = {e['event']: e for e in rows[-1]['events']}
    expect('JSON summary: records, and the fault in each of one event',
           all(total[e]['records'] == n for e, n in counted.items()) and total['rd']['faults'] == counted['rd']
           and not any(total[e]['faults'] for e in total if e != 'rd'), total)


def values(rest):
    """name=value of a line; what trace-cmd shows otherwise is left out: chars, sizes of functions."""
    rest = re.sub(r'( op=\w+\+0x\w+)/0x\w+', r'\1', rest)
    rest = re.sub(r"first=('.'|\S+)", '', rest.replace('(fault)', '""'), flags=re.S)
    return re.findall(r'(\w+)=("[^"]*"|\{[^}]*\}|[^ "{]+)', rest)


def judge_counts(work):
    total = json.loads(read(f'{work}/counts').splitlines()[-1])['events'][0]
    hits, missed = (int(n) for n in read(f'{work}/profile').split()[1:3])
    expect('hits are the kernel\'s, and what is no record was filtered',
           hits <= total['hits'] <= hits + 50 and total['missed'] == missed and total['records'] > 0 and
           total['filtered'] == total['hits'] - total['records'] and total['lost'] == 0,
           f'{total} {hits} {missed}\n' + read(f'{work}/counts.err'))
    err = read(f'{work}/two.err')
    expect('a summary says what is not known', re.search(
         r'^mine/both: \d+ hits, \d+ records, \d+ filtered, 0 lost, 0 missed, 0 faults\n'
         r'mine/other: \? hits, \d+ records, \? filtered, 0 lost, \? missed, 0 faults$', err, re.M), err)


def judge_missed(work, status):
    for name in ('missed.via', 'missed.bpf'):
        total = json.loads(read(f'{work}/{name}').splitlines()[-1])['events'][0]
        expect(f'{name}: a return probe\'s misses are counted, none of 25 calls is forgotten',
               total['missed'] > 0 and total['records'] + total['missed'] == 25, total)
        expect(f'{name}: --strict makes it status 1', status[name] == '1', status)
    total = json.loads(read(f'{work}/missed.not').splitlines()[-1])['events'][0]
    expect('fexit misses none', total['records'] == 25 and not total['missed'] and
           status['missed.not'] == '0', f'{total} {status}')


def main():
    need('' if shutil.which('trace-cmd') else 'trace-cmd is not installed')
    with tempfile.TemporaryDirectory() as work:
        for name, text in (('defs', '\n'.join(DEFS) + '\n'), ('work', WORK)):
            with open(f'{work}/{name}', 'w') as f:
                f.write(text)
        bring = [word for name in BRING for word in ('--bring', f'/root/{name}:{work}/{name}')]
        ended = run(SCRIPT, '--copy', f'{work}/defs', '--copy', f'{work}/work', *bring)
        if ended.returncode == 0:
            status = dict(line.split() for line in open(f'{work}/status'))
            expect('the traces ended well', all(status[n] == '0' for n in ('text', 'dat', 'json')),
                   f'{status}\n{ended.stderr}' + read(f'{work}/dat.err'))
            judge_lines(work)
            judge_counts(work)
            judge_missed(work, status)
    return done()


sys.exit(main())
