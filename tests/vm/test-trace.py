#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Function probes in the guest, each value held against a source that is not foreland:

 * the kernel's timers: its own hrtimer_expire_entry event, and its own kprobe event on the same
   function, whose offsets bpftool reads from the guest's BTF;
 * reads of files: a static program that writes down what it did;
 * what stays behind: the kernel's list of hooked functions and of loaded programs.
"""
import json, os, re, shutil, subprocess, sys, tempfile

from guest import done, expect, need, run, vm

READER = r'''
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static char data[4096];
static void use(const char *name, size_t size, size_t step, int times)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (write(fd, data, size) < 0)
		return;
	lseek(fd, 0, SEEK_SET);
	for (int i = 0; i < times; i++)
		printf("%s %zu %zd\n", name, step, read(fd, data, step));
	close(fd);
}
int main(void)
{
	use("known-file.txt", 1000, 400, 4);
	use("x", 7, 4096, 2);
	use("a-name-that-is-longer-than-what-fits-inside-a-dentry.dat", 300, 299, 2);
	int fd = open(".", O_RDONLY);
	printf("root 10 %d\n", (int)read(fd, data, 10) < 0 ? -21 : 0); /* EISDIR */
	fflush(stdout);
	return 0;
}
'''

SCRIPT = r'''
T=/sys/kernel/tracing
cat /proc/uptime >/dev/null
foreland trace --json --comm fl-reader -o reads.json \
	'f:demo/enter vfs_read name=file->f_path.dentry->d_name.name:string count' \
	'f:demo/leave vfs_read%return name=file->f_path.dentry->d_name.name:string count ret=$retval' \
	-- ./fl-reader >did.txt
echo reads $? >status.txt

echo mono >$T/trace_clock
echo 1 >$T/events/timer/hrtimer_expire_entry/enable
echo "p:kt/tick tick_nohz_handler timer=%di next=NEXT(%di):s64 calls=CALLS(%di):u64 jiffies=JIFFIES(%di):u64" \
	>>$T/dynamic_events
echo 1 >$T/events/kt/tick/enable
foreland trace --self --json -t 2 -o ticks.json 'f:demo/tick tick_nohz_handler timer
	next=(tick_sched,sched_timer)timer->next_tick:s64 calls=(tick_sched,sched_timer)timer->idle_calls
	jiffies=(tick_sched,sched_timer)timer->last_jiffies'
echo ticks $? >>status.txt
echo 0 >$T/events/enable
cat $T/trace >kernel.txt
echo >$T/dynamic_events

hooked() { wc -l <$T/enabled_functions; }
loaded() { grep -c 'bpf_prog_.*_foreland' /proc/kallsyms; }
echo before $(hooked) $(loaded) >left.txt
for signal in INT TERM KILL; do
	foreland trace 'f vfs_write count' 'p vfs_open' 't sched_switch' 'r vfs_read $retval c=count' >/dev/null 2>&1 &
	pid=$!
	while [ $(loaded) -lt 5 ]; do sleep 0.1; done
	echo while $(hooked) $(loaded) >>left.txt
	kill -$signal $pid
	wait $pid
	echo ended $signal $? >>left.txt
	tries=0
	while [ $(loaded) -gt 0 ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
	echo after $(hooked) $(loaded) >>left.txt
done
'''


def offsets(btf):
    """Of tick_sched's members, counted from sched_timer, by bpftool."""
    bits, inside = {}, False
    dump = subprocess.run(['bpftool', 'btf', 'dump', 'file', btf], capture_output=True, text=True)
    for line in dump.stdout.splitlines():
        if line.startswith('['):
            inside = bool(re.match(r"\[\d+\] STRUCT 'tick_sched' ", line))
        elif inside:
            m = re.match(r"\t'(\w+)' .*bits_offset=(\d+)", line)
            bits[m[1]] = int(m[2])
    return {m: bits[m] // 8 - bits['sched_timer'] // 8
            for m in ('next_tick', 'idle_calls', 'last_jiffies')}


def rows(path):
    objects = [json.loads(line) for line in open(path)]
    assert objects[0]['type'] == 'schema' and objects[-1]['type'] == 'summary'
    return objects[1:-1], {e['event']: e for e in objects[-1]['events']}


def judge_reads(work):
    did = [line.split() for line in open(f'{work}/did.txt')]
    got, summary = rows(f'{work}/reads.json')
    want = [(name, int(count)) for name, count, _ in did]
    enter = [(r['args']['name'], r['args']['count']) for r in got if r['event'] == 'enter']
    expect('the reads are those of the program', len(did) == 9 and enter == want,
           f'{enter}\n{want}')
    want = [(name, int(count), int(ret)) for name, count, ret in did]
    leave = [(r['args']['name'], r['args']['count'], r['args']['ret'])
             for r in got if r['event'] == 'leave']
    expect('their results are what the program got', leave == want, f'{leave}\n{want}')
    expect('each line is of the program', all(r['comm'] == 'fl-reader' for r in got))
    expect('returns name their caller', all(re.match(r'(ksys_read|__x64_sys_read|vfs_read)\+0x\w+/0x\w+ <- vfs_read$',
                                                     r['place']) for r in got if r['event'] == 'leave'),
           {r['place'] for r in got})
    expect('nothing was lost', all(e['hits'] == e['records'] + e['filtered'] and not e['lost']
                                   for e in summary.values()), summary)


def judge_ticks(work):
    line = re.compile(r'\[(\d+)\] .{5} +(\d+\.\d{6}): (\w+): (.*)')
    expired, probed = [], []
    for text in open(f'{work}/kernel.txt'):
        m = line.search(text)
        if m and m[3] == 'hrtimer_expire_entry' and 'function=tick_nohz_handler' in m[4]:
            expired.append((int(m[1]), float(m[2]), int(re.search(r'hrtimer=0*(\w+)', m[4])[1], 16)))
        elif m and m[3] == 'tick':
            f = dict(word.split('=') for word in m[4].split() if '=' in word)
            probed.append((int(m[1]), float(m[2]), int(f['timer'], 16), int(f['next']),
                           int(f['calls']), int(f['jiffies'])))
    got, summary = rows(f'{work}/ticks.json')
    ours = [(r['cpu'], r['time_ns'] / 1e9, r['args']['timer'], r['args']['next'], r['args']['calls'],
             r['args']['jiffies']) for r in got]
    expect('the tick was traced', len(ours) > 50 and not summary['tick']['lost'], summary)
    for cpu in sorted({o[0] for o in ours}):
        mine = [o for o in ours if o[0] == cpu]
        # The tracers are switched on and off one after the other: what only one of them could see,
        # at the ends, is no difference between them.
        all_theirs = [p[1] for p in probed if p[0] == cpu] or [0]
        first = max(mine[0][1], all_theirs[0]) - 0.0005
        last = min(mine[-1][1], all_theirs[-1]) + 0.0005
        mine = [o for o in mine if first <= o[1] <= last]
        theirs = [p for p in probed if p[0] == cpu and first <= p[1] <= last]
        same = len(mine) > 20 and [m[2:] for m in mine] == [t[2:] for t in theirs]
        expect(f'CPU {cpu}: same values as the kernel\'s own probe, firing by firing', same,
               f'{len(mine)} {len(theirs)}\n{mine[:5]}\n{theirs[:5]}')
        events = [e for e in expired if e[0] == cpu and first - 0.001 <= e[1] <= last]
        # each firing follows its own hrtimer_expire_entry, before the next one
        order = sorted([(e[1], 'e') for e in events] + [(m[1], 'm') for m in mine])
        kinds = ''.join(k for _, k in order)
        kinds = kinds[kinds.index('e'):]
        expect(f'CPU {cpu}: the firings of hrtimer_expire_entry, in the same order',
               re.fullmatch('(em)+e?', kinds), kinds[:80])
    expect('values move', len({o[4] for o in ours}) > 1 and len({o[5] for o in ours}) > 5)


def judge_left(work):
    lines = [line.split() for line in open(f'{work}/left.txt')]
    hooked = int(lines[0][1])
    for i, signal in enumerate(('INT', 'TERM', 'KILL')):
        during, ended, after = lines[1 + 3 * i:4 + 3 * i]
        expect(f'SIG{signal}: hooked while it runs', int(during[1]) > hooked and int(during[2]) >= 5,
               lines)
        expect(f'SIG{signal}: exit status', ended[2] == ('137' if signal == 'KILL' else '0'), lines)
        expect(f'SIG{signal}: nothing is left in the kernel', after[1:] == [str(hooked), '0'], lines)


def main():
    need('' if shutil.which('bpftool') else 'bpftool is missing')
    exported = subprocess.run([vm, '--exported'], check=True, capture_output=True,
                              text=True).stdout.strip()
    at = offsets(os.path.join(exported, 'btf', 'vmlinux'))
    with tempfile.TemporaryDirectory() as work:
        with open(f'{work}/r.c', 'w') as f:
            f.write(READER)
        subprocess.run(['gcc', '-O1', '-static', '-o', f'{work}/fl-reader', f'{work}/r.c'], check=True)
        script = SCRIPT.replace('\n\tnext=(', ' next=(').replace('\n\tjiffies=(', ' jiffies=(')
        for word, member in (('NEXT', 'next_tick'), ('CALLS', 'idle_calls'),
                             ('JIFFIES', 'last_jiffies')):
            script = script.replace(word + '(', f'{at[member]:+d}(')
        bring = []
        for name in ('reads.json', 'did.txt', 'status.txt', 'ticks.json', 'kernel.txt', 'left.txt'):
            bring += ['--bring', f'/root/{name}:{work}/{name}']
        ended = run(script, '--copy', f'{work}/fl-reader', *bring)
        if ended.returncode == 0:
            expect('both traces ended well', open(f'{work}/status.txt').read() == 'reads 0\nticks 0\n',
                   ended.stderr)
            judge_reads(work)
            judge_ticks(work)
            judge_left(work)
    return done()


sys.exit(main())
