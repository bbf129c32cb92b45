# SPDX-License-Identifier: GPL-2.0-or-later
"""Histograms and synthetic events from the grammar, right and wrong, from a seed: lists of lines (FILE, TEXT),
each list on an empty set. Field names come from a kernel's own formats."""
import random
import re

EVENTS = ['sched/sched_switch', 'sched/sched_waking', 'sched/sched_wakeup', 'sched/sched_process_exec', 'sched/sched_process_exit',
          'kmem/kmalloc', 'kmem/kfree', 'syscalls/sys_enter_openat', 'syscalls/sys_exit_openat', 'raw_syscalls/sys_enter']
MODIFIERS = ['hex', 'sym', 'sym-offset', 'execname', 'syscall', 'log2', 'usecs', 'percent', 'graph', 'stacktrace', 'buckets=10',
             'bucket=7', 'buckets=0x10', 'buckets=0', 'buckets=', 'bucketsx', 'percentage', 'graph2', 'nosuch', '', 'hex.hex', 'Hex']
SYNTH = ['s:lat u64 lat; pid_t pid', 's:lat u64 lat; pid_t pid; char comm[16]', 's:lat u64 lat; char name[]',
         's:lat u64 lat; unsigned long[] st', 's:lat s64 lat; int prio', 's:one u64 v', 's:two u64 a; long b; unsigned long c']


class Generator:
    def __init__(self, facts, seed):
        self.r = random.Random(seed)
        self.fields = {e: self.read(f'{facts}/events/{e}/format') for e in EVENTS}

    @staticmethod
    def read(path):
        with open(path, encoding='utf-8') as f:
            return [m for m in re.findall(r'field:[^;]*?(\w+)(?:\[\w*\])?;', f.read()) if not m.startswith('common_')]

    def pick(self, *choices):
        return self.r.choice(choices)

    def maybe(self, share):
        return self.r.random() < share

    def field(self, event):
        if self.maybe(0.25):
            return self.pick('common_pid', 'common_cpu', 'cpu', 'common_comm', 'comm', 'COMM', 'CPU', 'common_timestamp', 'stacktrace',
                             'common_stacktrace', 'STACKTRACE', 'hitcount', 'common_type', 'common_flags', 'common_preempt_count')
        if self.maybe(0.04):
            return self.pick('nosuch', '', '$', '$nosuch', 'a.b.c', 'x.y', 'sched.sched_switch.$ts0', '$ts0', '1x', '0', '5')
        own = self.fields.get(event)
        return self.pick(*own) if own else self.pick('lat', 'pid', 'comm', 'name', 'st', 'v', 'a', 'b', 'prio')

    def modified(self, event, share=0.3):
        f = self.field(event)
        if self.maybe(share):
            f += '.' + ('execname' if f == 'common_pid' and self.maybe(0.6) else 'usecs' if f == 'common_timestamp' else
                        self.pick(*MODIFIERS[:11]) if self.maybe(0.8) else self.pick(*MODIFIERS))
        return f

    def atom(self, event):
        return self.pick(self.modified(event, 0.1), self.field(event), self.field(event), '$ts0', '$lat', '$x',
                         self.pick('1', '1000', '0', '0x10', '010', '18446744073709551615', '18446744073709551616', '12x'),
                         'common_timestamp.usecs', self.pick(*EVENTS).replace('/', '.') + '.$' + self.pick('ts0', 'x', 'lat'))

    def expression(self, event):
        if self.maybe(0.5):
            return self.atom(event)
        n = self.pick(2, 2, 2, 3, 3, 4, 5)
        text = self.atom(event)
        for _ in range(n - 1):
            text += self.pick('+', '-', '-', '*', '/') + self.atom(event)
        if self.maybe(0.1):
            text = self.pick(f'-({text})', f'-{text}', f'-({text}', f'({text})', f'-({text})+1', text + '-', f'1000-({text})')
        return text

    def variables(self, event):
        names = self.pick('ts0', 'x', 'lat', 'y', 'ts0', 'lat', 'k', '')
        if self.maybe(0.3):
            return 'ts0=common_timestamp.usecs'
        if self.maybe(0.2):
            return 'lat=common_timestamp.usecs-$ts0'
        return ','.join(names + (str(i) if i else '') + self.pick('=', '=', '=', '=', '=', '=', '=', '', '==') + self.expression(event)
                        for i in range(self.pick(1, 1, 1, 2, 3)))

    def params(self, event):
        return ','.join(self.pick('$lat', '$ts0', '$x', self.field(event), self.field(event), self.pick(' ', '') + '$lat',
                                  self.pick(*EVENTS).replace('/', '.') + '.' + self.pick('$ts0', 'pid', 'prio', 'comm', 'next_pid'),
                                  'p', '', 'a.b') if self.maybe(0.9) else self.field(event) for _ in range(self.pick(1, 1, 2, 2, 3, 3)))

    def action(self, event):
        if self.maybe(0.08):
            return self.pick('onmatch(', 'onmatch()', 'onmatch(sched)', 'onmatch(sched.sched_switch)', 'onmatch(sched.sched_switch).', 'onmax($x',
                             'onmax($x)', 'onmax().save(pid)', 'onmatch(sched.nosuch).trace(lat)', 'onchange(x).save(pid)', 'onmatch(sched.sched_waking).save(pid)',
                             'onmatch(sched.sched_waking).snapshot()', 'onmax($lat).snapshot(', 'onmax($lat).trace', 'onmax($lat).save()', 'onfoo($x).save(pid)',
                             'onmax($lat).save(pid', 'onmatch(a)', 'onchange($nosuch).snapshot()')
        what = self.pick(f'trace(lat,{self.params(event)})', f'lat({self.params(event)})', 'trace(lat,$lat,' + self.field(event) + ')',
                         'trace(one,$lat)', 'one($lat)', 'one(' + self.field(event) + ')', f'trace(nosuch,{self.params(event)})', 'trace(lat)',
                         f'two({self.params(event)})')
        if self.maybe(0.55):
            return f'onmatch({self.pick(*EVENTS[:4], *EVENTS).replace("/", ".")}).{what}'
        saved = ','.join(self.field(event) for _ in range(self.pick(1, 2, 3)))
        return f'{self.pick("onmax", "onchange")}($' + self.pick('lat', 'lat', 'x', 'ts0') + ').' + \
            self.pick(f'save({saved})', f'save({saved})', what, 'snapshot()')

    def filter(self, event):
        return self.pick('comm=="ping"', 'pid > 5', 'common_pid == 1', 'nosuch == 1', 'pid >', '', 'next_comm ~ "a*"', ' pid > 5 ', 'if', 'lat > 1000',
                         self.field(event) + ' == 1', 'comm != "x" && common_pid > 3', '(', 'common_cpu == 0')

    def spec(self, event):
        keys = ','.join(self.modified(event) if self.maybe(0.93) else self.expression(event) for _ in range(self.pick(1, 1, 1, 1, 2, 2, 3, 4)))
        parts = [self.pick('keys=', 'keys=', 'keys=', 'key=') + keys]
        if self.maybe(0.3):
            parts.append(self.pick('vals=', 'values=', 'val=') + ','.join(self.pick('hitcount', self.modified(event), self.modified(event), self.expression(event))
                                                                          for _ in range(self.pick(1, 1, 2, 3))))
        if self.maybe(0.4):
            parts.append(self.variables(event))
        if self.maybe(0.1):
            parts.append(self.variables(event))
        if self.maybe(0.2):
            names = [k.split('.')[0] for k in keys.split(',')] + ['hitcount', 'nosuch', '', 'lat']
            parts.append('sort=' + ','.join(self.pick(*names) + self.pick('', '', '.descending', '.ascending', '.desc', '.') for _ in range(self.pick(1, 1, 2, 3))))
        if self.maybe(0.1):
            parts.append('size=' + self.pick('128', '100', '65', '64', '131072', '131073', '4096', 'x', '', '0x1000', '-1', '0', '18446744073709551615'))
        if self.maybe(0.06):
            parts.append('clock=' + self.pick('global', 'mono', 'local', 'nosuch', 'boot', ' mono ', 'x86-tsc', ''))
        if self.maybe(0.06):
            parts.append('name=' + self.pick('foo', 'bar', ''))
        if self.maybe(0.08):
            parts.append(self.pick('nohitcount', 'NOHC'))
        if self.maybe(0.12):
            parts.append(self.pick('pause', 'cont', 'continue', 'clear'))
        for _ in range(self.pick(0, 0, 0, 0, 1, 1, 2)):
            parts.append(self.action(event))
        if self.maybe(0.05):
            parts.append(self.pick('foo', '', 'keys', 'x=', '=', '=x', 'nohitcount=1', 'keys=pid'))
        if self.maybe(0.1):
            self.r.shuffle(parts)
        text = ':'.join(parts)
        if self.maybe(0.25):
            text += self.pick(' if ', ' if ', ' if ', ' if ', '  if  ', ' if', ':if ', ' if\t', ' iff ') + self.filter(event)
        return text

    def line(self, event, before):
        trigger = f'events/{event}/trigger'
        if before and self.maybe(0.25):
            file, text = self.pick(*before)
            text = text.lstrip('!')
            return file, self.pick('!' + text, text, text + ':pause', text + ':cont', text.replace(' if ', ':clear if '), '!' + text)
        return trigger, self.pick('hist:', 'hist:', 'hist:', 'hist:', 'hist: ', 'hist ', '!hist:') + self.spec(event)

    def pair(self):
        """What people write: a start, an end, and what is made of both."""
        start, end, keys, other = self.pick(('sched/sched_waking', 'sched/sched_switch', 'pid', 'next_pid'),
                                            ('sched/sched_wakeup', 'sched/sched_switch', 'pid', 'next_pid'),
                                            ('syscalls/sys_enter_openat', 'syscalls/sys_exit_openat', 'common_pid', 'common_pid'),
                                            ('sched/sched_waking', 'sched/sched_wakeup', 'pid', 'pid'))
        unit = self.pick('.usecs', '.usecs', '')
        more = self.pick('', '', ',f=' + self.field(start), ',st=common_stacktrace', ':c=comm', ',n=common_pid.execname')
        s = f'hist:keys={keys}:ts0=common_timestamp{unit}{more}'
        params = self.pick('$lat', '$lat,' + other, '$lat,' + self.field(end), '$lat,$f', '$lat,$st', '$lat,' + start.replace('/', '.') + '.prio',
                           '$lat,' + other + ',' + self.field(end))
        e = f'hist:keys={other}:lat=common_timestamp{self.pick(unit, unit, unit, ".usecs", "")}-{self.pick("", "", start.replace("/", ".") + ".")}$ts0'
        e += f':onmatch({start.replace("/", ".")}).' + self.pick(f'trace(lat,{params})', f'lat({params})')
        if self.maybe(0.3):
            e += ':onmax($lat).' + self.pick('save(' + self.field(end) + ')', 'snapshot()', f'trace(lat,{params})')
        rest = [('events/synthetic/lat/trigger', 'hist:' + self.spec('synthetic/lat')), (f'events/{start}/trigger', '!' + s), (f'events/{end}/trigger', '!' + e),
                ('dynamic_events', '-:lat'), (f'events/{end}/trigger', e), ('events/synthetic/lat/trigger', 'hist:keys=pid,lat:sort=pid,lat')]
        self.r.shuffle(rest)
        return [(f'events/{start}/trigger', s), (f'events/{end}/trigger', e)] + rest[:self.pick(1, 2, 3, 4)]

    def sequence(self):
        lines = [('dynamic_events', self.pick(*SYNTH))]
        if self.maybe(0.3):
            lines.append(('dynamic_events', self.pick(*SYNTH)))
        if self.maybe(0.3):
            return lines + self.pair()
        events = [self.pick(*EVENTS) for _ in range(2)] + ['synthetic/lat']
        for _ in range(self.pick(1, 1, 2, 3, 4, 6)):
            lines.append(self.line(self.pick(*events, events[0]), [(f, t) for f, t in lines if f != 'dynamic_events']))
        return lines

    def sequences(self, count):
        out = []
        while sum(map(len, out)) < count:
            out.append([(f, re.sub("['\n]", ' ', t)) for f, t in self.sequence() if f.startswith(('events/s', 'events/k', 'events/r', 'dyn'))])
        return out
