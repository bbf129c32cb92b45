#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Generated histograms that the kernel takes, counted by its own triggers and by foreland on the same firings of the
same events: keys, sums and drops are equal; where times are in it, what is made of pairs is equal in number,
order and fields, and latencies are near the kernel's: who looks at the clock second sees what came between,
which in an emulator is a lot at times, so nine of ten must be.

usage: test-hist-firings.py VM STATIC [COUNT [SEED [KERNEL]]]; STATIC prints where the guest's program is
"""
import difflib
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import done, expect

EVENTS = ['raw_syscalls/sys_enter', 'raw_syscalls/sys_exit', 'kmem/kmalloc', 'kmem/kfree', 'syscalls/sys_enter_openat',
          'syscalls/sys_exit_openat', 'syscalls/sys_enter_newfstatat', 'syscalls/sys_exit_newfstatat', 'sched/sched_process_exec']
MODIFIERS = {'id': ['', '.syscall', '.hex', '.log2', '.buckets=10'], 'call_site': ['', '.sym', '.sym-offset', '.hex'],
             'common_pid': ['', '.execname', '.hex'], 'common_cpu': [''], 'common_stacktrace': ['']}
PAIRS = [('newfstatat', 'dfd'), ('newfstatat', 'flag'), ('openat', 'flags'), ('openat', 'mode')]
COMM = 'comm == "busybox"'
BATCH = 10
WORK = {'newfstatat': 'busybox find /proc/sys/kernel /etc', 'openat': 'busybox md5sum /proc/sys/kernel/* /proc/sys/vm/* /proc/sys/fs/*'}


class Generator:
    def __init__(self, facts, seed, series):
        self.own_keys = ['common_pid', 'common_cpu', 'common_stacktrace'] + (['common_comm'] if series == '7.3' else [])
        self.r = random.Random(seed)
        self.n = 0
        self.pointers = {e: set() for e in EVENTS}
        self.texts = {e: set() for e in EVENTS}
        self.fields = {e: self.read(e, f'{facts}/events/{e}/format') for e in EVENTS}

    def read(self, event, path):
        """The event's own numbers and strings, with the types that foreland's definitions have for them."""
        fields = {}
        with open(path, encoding='utf-8') as f:
            for decl, size, signed in re.findall(r'field:([^;]*);\s*offset:\d+;\s*size:(\d+);\s*signed:(\d);', f.read()):
                name = decl.split()[-1]
                if name.startswith('common_') or name.startswith('__') or '[' in name:
                    continue
                if '__data_loc char[]' in decl:
                    fields[name] = 'string'
                elif not decl.startswith('__data_loc'):
                    if '*' in decl:
                        self.pointers[event].add(name)
                    if 'char *' in decl:
                        self.texts[event].add(name)
                    fields[name] = f'{"s" if signed == "1" else "u"}{8 * int(size)}'
        return fields

    def numbers(self, event):
        return [f for f, t in self.fields[event].items() if t != 'string']

    def condition(self, event):
        """The kernel compares neither pointers nor what it takes for texts with numbers."""
        fields = [f for f in self.numbers(event) if f not in self.pointers[event]]
        return f' if {self.r.choice(fields)} {self.r.choice([">", "!=", "<", "=="])} {self.r.choice(["0", "64", "1000"])}' if fields else ''

    def key(self, event):
        f = self.r.choice([*self.fields[event], *self.fields[event], *self.own_keys])
        if f == 'common_comm' or self.fields[event].get(f) == 'string':
            return f
        return f + self.r.choice(MODIFIERS.get(f, ['', '', '.hex', '.log2', '.buckets=100']))

    def expression(self, event):
        a, b = (self.r.choice(self.numbers(event)) for _ in range(2))
        return self.r.choice([a, f'{a}+{b}', f'{a}-{b}', f'{a}*2', f'{a}/3', f'{a}+1', f'{a}/{b}', f'{a}/4+{b}', f'{a}*{b}-7', f'{a}/1000/7'])

    def spec(self, event):
        keys = dict.fromkeys(self.key(event) for _ in range(self.r.choice([1, 1, 2, 2, 3])))
        plain = [k.split('.')[0] for k in keys]
        if len(set(plain)) < len(plain) or len({'filename', 'common_stacktrace', 'common_comm'} & set(plain)) > 1:
            return None  # the latter are longer than the kernel's keys
        spec = 'keys=' + ','.join(keys)
        if self.r.random() < 0.4:
            spec += ':vals=' + ','.join(dict.fromkeys(self.r.choice(self.numbers(event)) + self.r.choice(['', '', '.hex', '.percent', '.graph'])
                                                      for _ in range(self.r.choice([1, 2]))))
        if self.r.random() < 0.3:
            saved = ','.join(dict.fromkeys(self.r.choice(self.numbers(event)) for _ in range(2)))
            self.n += 1  # an event has one variable of a name
            spec += f':v{self.n}={self.expression(event)}:{self.r.choice(["onmax", "onchange"])}($v{self.n}).save({saved})'
        sorted_by = [k for k in plain if k != 'common_stacktrace']
        if sorted_by and self.r.random() < 0.5:
            spec += ':sort=' + self.r.choice(sorted_by) + self.r.choice(['', '.descending'])
        spec += ':size=' + self.r.choice(['128', '2048', '4096'])
        if ':vals=' in spec and self.r.random() < 0.2:
            spec += ':nohitcount'
        if self.r.random() < 0.3:
            spec += self.condition(event)
        return event, spec

    def batches(self, count):
        specs = {}
        while len(specs) < count:
            made = self.spec(self.r.choice(EVENTS))
            if made:
                specs[made] = None
        specs = list(specs)
        return [specs[i:i + BATCH] for i in range(0, count, BATCH)]


def kernels(spec):
    head, _, condition = spec.partition(' if ')
    return f'hist:{head} if {COMM}' + (f' && {condition}' if condition else '')


def definition(generator, event):
    fields = generator.fields[event]
    args = ' '.join(f'{f}=' + (f'+0(${f}):string' if t == 'string' else f'${f}:{t}') for f, t in fields.items())
    return f'e {event} {args}\n'


def pair(i, call, field):
    """Text for the kernel's dynamic_events and two triggers, and for a file of definitions."""
    synth = f's:lat{i} u64 lat; u64 what; long ret'
    start = f'keys=common_pid:ts{i}=common_timestamp.usecs,w{i}={field}'
    end = (f'keys=common_pid:lat{i}=common_timestamp.usecs-$ts{i},k{i}=$w{i}:'
           f'onmatch(syscalls.sys_enter_{call}).trace(lat{i},$lat{i},$k{i},ret)')
    ours = (f'{synth}\ne syscalls/sys_enter_{call} {field}=${field}:u64\nhist:{start}\n'
            f'e syscalls/sys_exit_{call} ret=$ret:s64\nhist:{end}\n')
    return synth, {f'syscalls/sys_enter_{call}': start, f'syscalls/sys_exit_{call}': end}, ours


def script(generator, batch, i):
    """Counts one batch by both, and prints a mark in front of what each says."""
    text, ours, undo = 'cd /sys/kernel/tracing\n', '', ''
    for event in dict.fromkeys(e for e, _ in batch):
        ours += definition(generator, event)
        for spec in (s for e, s in batch if e == event):
            text += f"echo '{kernels(spec)}' >>events/{event}/trigger || echo '%refused {event} {spec}'\n"
            ours += f'hist:{spec}\n'
        undo += f'echo %kernel {event}\ncat events/{event}/hist\necho >events/{event}/trigger\n'
    text += f"cat >/tmp/defs <<'EOF'\n{ours}EOF\n"
    text += f'echo %ours {i}\nforeland trace --comm busybox --file /tmp/defs -- {WORK[["newfstatat", "openat"][i % 2]]} 2>/tmp/err >/tmp/out\ncat /tmp/out\necho %said\ncat /tmp/err\n'
    return text + undo + 'cd /\n'


def pairs_script(i):
    call, field = PAIRS[i % len(PAIRS)]
    synth, triggers, ours = pair(i, call, field)
    text = f"cd /sys/kernel/tracing\necho '{synth}' >>dynamic_events\n"
    for event, spec in triggers.items():
        text += f"echo '{kernels(spec)}' >events/{event}/trigger || echo '%refused {event} {spec}'\n"
    text += f"echo >trace\necho 1 >events/synthetic/lat{i}/enable\ncat >/tmp/defs <<'EOF'\n{ours}EOF\n"
    text += f'echo %lines {i}\nforeland trace --comm busybox --file /tmp/defs -- {WORK[call]} 2>/tmp/err >/tmp/out\necho 0 >events/synthetic/lat{i}/enable\n'
    text += 'grep "lat=" /tmp/out\necho %kernels\ngrep "lat=" trace\necho %said\ncat /tmp/err\n'
    text += ''.join(f'echo >events/{e}/trigger\n' for e in reversed(triggers))
    return text + f"echo '-:lat{i}' >>dynamic_events\ncd /\n"


def histograms(text):
    """Bodies by event and the text of their triggers, without the condition that all of the kernel's have; the
    event stands in front of ours, and nowhere in the kernel's."""
    found = {}
    for event, part in re.findall(r'(?:^# \w+/(\w+)\n)?^# event histogram\n(.*?)(?=^# event histogram|^# \w+/\w+\n|\Z)', text, re.M | re.S):
        info = re.search(r'# trigger info: (.*) \[active\]', part)[1].replace(f' if {COMM} && ', ' if ').replace(f' if {COMM}', '')
        info = info.replace('common_cpucommon_cpu', 'common_cpu')  # 7.3 shows that name twice
        body = re.sub(r'^#.*\n', '', part, flags=re.M).strip()
        found[event, info] = body
    return found


def entries(body):
    """Equals stand in any order: the kernel's sort is not stable. Our programs, where an interrupt met one, have
    names while they are there, and the kernel is asked after that."""
    body = re.sub(r'^ +(?:bpf_prog_\w+_foreland\+\S+ \[bpf\]|0xffffffffc\w{7})$', '         a program', body, flags=re.M)
    table, _, totals = body.partition('\n\nTotals:')
    return sorted(re.split(r'\n(?=\{)', re.sub(r'[ \n]+$', '', table, flags=re.M))), totals.split()


def order(info, body, texts):
    """What it is sorted by, row by row. The kernel sorts the bytes of a pointer to char as a text; we have numbers there."""
    by = re.search(r':sort=([^:.]*)', info)[1]
    return [] if by in texts else re.findall(rf'\b{by}: *(.*?)(?:,| }}|  |$)', body.partition('\n\nTotals:')[0], re.M)


def hits(body):
    return int(re.search(r'Hits: (\d+)|$', body)[1] or 0)


def is_missed(own, body, missed):
    """An event within a BPF program (of an interrupt's, say) runs no other, which the kernel counts and we tell."""
    return own and 0 < hits(body) - hits(own) <= missed


def compare(texts, text):
    head, _, rest = text.partition('%said\n')
    ours, kernel = histograms(head), {}
    said = rest.split('%kernel')[0]
    missed = {event: int(n) for event, n in re.findall(r'/(\w+): .* (\d+) missed', said)}
    for part in rest.split('%kernel ')[1:]:
        kernel.update({(part.split('\n')[0], info): body for (_, info), body in histograms(part).items()})
    for (event, info), body in kernel.items():
        name = event.split('/')[1]
        own = ours.get((name, info), '')
        same = is_missed(own, body, missed.get(name, 0)) or entries(own) == entries(body) and order(info, own, texts[event]) == order(info, body, texts[event])
        expect(f'{event} {info}', same, '\n'.join(difflib.unified_diff(*(sum(entries(b), []) for b in (body, own)), 'the kernel', 'foreland', lineterm='')),
               order(info, body, texts[event]), order(info, own, texts[event]), said)
    return len(kernel)


def near(a, b):
    return abs(a - b) <= max(20, 0.05 * b)


def compare_lines(name, text):
    ours, _, kernel = text.partition('%said\n')[0].partition('%kernels\n')
    ours, kernel = ([(int(m[1]), m[2]) for m in re.finditer(r'lat=(\d+) (what=.*)', part)] for part in (ours, kernel))
    far = [(a, b) for a, b in zip(ours, kernel) if not near(a[0], b[0])]
    expect(f'{name}: as many, in the same order', len(kernel) > 20 and [o[1] for o in ours] == [k[1] for k in kernel],
           (len(ours), len(kernel), ours[:5], kernel[:5], text.partition('%said\n')[2]))
    expect(f'{name}: latencies', kernel and len(far) <= len(kernel) / 10, (len(far), len(kernel), far[:10]))


def main():
    vm, static = sys.argv[1:3]
    count, seed, series = (sys.argv[3:] + ['100', '1', '7.3'][len(sys.argv) - 3:])[:3]
    guest = [vm, '--kernel', series]
    ready = subprocess.run([*guest, '--ready'], capture_output=True, text=True, check=False)
    if ready.returncode:
        print('1..0 # SKIP', (ready.stdout + ready.stderr).strip().splitlines()[-1])
        return 0
    program = subprocess.run([static], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    facts = subprocess.run([*guest, '--exported'], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    generator = Generator(facts, int(seed), series)
    batches = generator.batches(int(count))
    nr_pairs = min(8, len(batches))
    text = ''.join(script(generator, b, i) for i, b in enumerate(batches)) + ''.join(pairs_script(i) for i in range(nr_pairs))
    out = subprocess.run([*guest, '--foreland', program, '--timeout', '1200'], input=text, capture_output=True, text=True, errors='replace', check=False)
    parts = re.split(r'^%(ours|lines) \d+\n', out.stdout, flags=re.M)
    refused = re.findall(r'^%refused .*', out.stdout, re.M)
    expect('the kernel takes what is generated', not refused, refused)
    tables = [t for k, t in zip(parts[1::2], parts[2::2]) if k == 'ours']
    lines = [t for k, t in zip(parts[1::2], parts[2::2]) if k == 'lines']
    n = sum(compare(generator.texts, t) for t in tables)
    expect('all were counted', n == int(count) - len(refused) and len(lines) == nr_pairs, (n, len(lines), out.stderr[-2000:]))
    expect('some tables were full', re.search('Dropped: [1-9]', out.stdout))
    for i, t in enumerate(lines):
        compare_lines(f'pairs of {PAIRS[i % len(PAIRS)]}', t)
    return done()


if __name__ == '__main__':
    sys.exit(main())
