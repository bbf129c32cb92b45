#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a Debian kernel in the guest and `foreland probe check` with that kernel's dialect the same
definitions, made from a seed, and compares what they say: accepted or not, errno, message, caret,
Command text, every entry of the log, listing.

A quarter of the definitions come in groups that meet one list of events and one error_log, which
keeps eight entries. For a kernel with the typed probe series, half of all are of the series' own
forms. The definitions of the kernel's own syntax tests (tests/data/vectors) come first; in a long run
those of casts as well.

What may differ is a row of EXPLAINED, with the place in that kernel's source; every other difference
is unexplained and fails the test.
usage: test-differential.py FORELAND ORACLE VM [COUNT [SEED [KERNEL [DIALECT]]]]
"""
import collections
import errno
import json
import os
import re
import subprocess
import sys
import tempfile

import probe_gen


def needs_text(kernel, ours, text):
    """Accepted by us with the place taken for granted."""
    live = any(w in e[0] for e in kernel['log'] for w in ('instruction boundary', 'Failed to register'))
    return ours['ok'] and kernel['errno'] and ours.get('assumed') and \
        (live or kernel['errno'] == errno.EILSEQ)


def code(ours):
    return (ours.get('error') or {}).get('code')


def type_is_size(kernel, ours, text):
    """Refused by us alone, or by the kernel for what it looks at later: what stands behind, a symbol, registering."""
    if code(ours) != 'BAD_TYPE4STR' or not kernel['errno']:
        return code(ours) == 'BAD_TYPE4STR'
    if not kernel['log']:
        return kernel['errno'] == errno.ENOENT and '@' in text
    return kernel['log'][-1][2] > ours['error']['column'] or \
        kernel['log'][-1][0].endswith('Invalid probed address or symbol')


# what is judged when the expression has been read
BEHIND = ('BAD_BITFIELD', 'BAD_STRING', 'BAD_SYMSTRING', 'BAD_TYPE4STR', 'TOO_MANY_OPS', 'EVENT_TOO_BIG')


def pointer_as_caret(kernel, ours, text):
    """The caret is then the low 16 bits of an address: any column, and another one at each boot."""
    if code(ours) not in BEHIND or not kernel['log']:
        return False
    whole = text.encode('utf-8', 'surrogateescape')
    start, end = ours['error']['span']
    word = whole[:end].split()[-1:] + whole[start:].split()[:1]
    return b'->' in b''.join(word) and kernel['log'][-1][0].endswith(ours['error']['message'])


# (kernels, the kernel's file, function, what it does there, whether it is that)
EXPLAINED = [
    (('6.1', '6.12', '7.3'), 'kernel/kprobes.c', 'check_kprobe_address_safe',
     'looks into its own text for instructions and at its blacklist', needs_text),
    (('6.12',), 'kernel/trace/trace_probe.c', 'parse_btf_field',
     'adds a pointer to the offset of a caret behind fields', pointer_as_caret),
    (('6.12', '7.3'), 'kernel/trace/trace_probe.c', 'check_prepare_btf_string_fetch',
     "takes the type's size for a type's number where it is neither pointer nor array", type_is_size),
]


def explanation(series, kernel, ours, text):
    for kernels, file, function, _, judge in EXPLAINED:
        if series in kernels and judge(kernel, ours, text):
            return f'{file}:{function}'
    return None


def kernel_answers(vm, oracle, lines, before=()):
    text = '\n'.join(lines).encode('utf-8', 'surrogateescape') + b'\n'
    out = subprocess.run([*([vm] if isinstance(vm, str) else vm), '--stdin', '--timeout', '3000', '--copy', oracle,
                          '--', *before, './' + os.path.basename(oracle)], input=text, stdout=subprocess.PIPE, check=True)
    rows = []
    for line in out.stdout.decode().splitlines():
        row = json.loads(line)
        row['list'] = row['list'].encode('latin-1').decode('utf-8', 'replace')
        row['log'] = [[e[0], e[1].encode('latin-1').decode('utf-8', 'replace'), e[2]]
                      for e in row['log']]
        rows.append(row)
    return rows


class Ours:
    def __init__(self, program, facts, root, dialect='6.12'):
        btf = facts + '/btf/vmlinux' if os.path.isdir(facts + '/btf') else facts + '/vmlinux.btf'
        self.command = [program, 'probe', 'check', '--json', '--dialect', dialect, '--arch',
                        'x86_64', '--btf', btf, '--kallsyms', facts + '/kallsyms', '--events',
                        facts + '/events', '--root', root]

    def answers(self, definitions, *options):
        out = subprocess.run([*self.command, *options, '-'],
                             input='\n'.join(definitions).encode('utf-8') + b'\n',
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        rows = [json.loads(line) for line in out.stdout.decode().splitlines()]
        return [r for r in rows if 'type' not in r]


def masked(text):
    return re.sub(r'0x[0-9a-f]{16}\b', '0xN', text)


def our_log(text, ours):
    """(message, Command text, column) of each entry that @ours makes."""
    if ours.get('log'):
        return [(e['message'], e['command'], e['column']) for e in ours['log']]
    if not ours.get('error'):
        return []
    return [(ours['error']['message'], ours.get('command', text), ours['error']['column'])]


def kernel_log(kernel):
    return [(head.split('error: ')[-1], command, column) for head, command, column in kernel['log']]


def differences(text, kernel, ours, log=None, alone=True):
    """Names of what differs. @log: the last entries of ours on this list, these ones included."""
    diff = []
    mine = (our_log(text, ours) if log is None else log)[-8:]
    if ours['ok'] != (kernel['errno'] == 0):
        diff.append('ok')
    elif not ours['ok'] and getattr(errno, ours['errno']) != kernel['errno']:
        diff.append('errno')
    if ours['ok'] and kernel['errno'] == 0:
        there, shown = masked(kernel['list']).splitlines(), masked(ours['listing'] or '')
        if (there != [shown] * bool(shown)) if alone else (shown and shown not in there):
            diff.append('listing')
    theirs = kernel_log(kernel)
    if len(mine) != len(theirs):
        diff.append('log')
    else:
        for i, what in enumerate(('message', 'command', 'caret')):
            if [e[i] for e in mine] != [e[i] for e in theirs]:
                diff.append(what)
    return diff


def show(what, diff, kernel, ours):
    print(f'{what}: {" ".join(diff)}\n  kernel {kernel}\n  ours   {ours}')


def compare(series, definitions, kernel, ours, explained):
    """How many differ without an explanation; @explained counts those with one."""
    wrong = 0
    for text, k, o in zip(definitions, kernel, ours):
        diff = differences(text, k, o)
        why = diff and explanation(series, k, o, text)
        if why:
            explained[why] += 1
        elif diff:
            wrong += 1
            show(repr(text), diff, k, o)
    return wrong


def compare_groups(series, groups, kernel, ours, explained):
    """The same of groups; one that differs is left there, for its list is another one from there on."""
    wrong, at = 0, 0
    for group in groups:
        mine, theirs, log = ours.answers(group, '--sequence'), kernel[at:at + len(group)], []
        at += len(group)
        for i, (text, k, o) in enumerate(zip(group, theirs, mine)):
            log = (log + our_log(text, o))[-8:]
            diff = differences(text, k, o, log, alone=False)
            why = diff and explanation(series, k, o, text)
            if why:
                explained[why] += 1
                break
            if diff:
                wrong += 1
                show(group[:i + 1], diff, k, o)
                break
    return wrong


def recorded(names):
    """The definitions of tests/data/vectors that stand alone and fit into one line."""
    folder = os.path.dirname(os.path.abspath(__file__)) + '/../data/vectors/'
    out = []
    for name in names:
        with open(folder + name + '.v6.jsonl', encoding='utf-8') as f:
            records = [json.loads(line) for line in f]
        # the sample module of the selftests is not in the guest
        out += [r['def'] for r in records if not r.get('setup') and len(r['def']) < 4000 and
                'sample_timer_cb' not in r['def']]
    return out


def questions(gen, count, series):
    """@count lines: definitions that stand alone, and groups of 2 to 8."""
    typed, groups = series not in ('6.1', '6.12', '6.18'), []
    while sum(map(len, groups)) < count // 4:
        groups.append(gen.sequence(typed))
    count -= sum(map(len, groups))
    definitions = recorded(['selftests', 'casts'] if count > 5000 or typed else ['selftests'])[:count // 4]
    own = list(gen.typed_lines(count // 2)) if typed else []
    definitions += own + list(gen.lines(count - len(definitions) - len(own)))
    return definitions, groups


def main():
    program, oracle, vm = sys.argv[1:4]
    count, seed, series, dialect = (sys.argv[4:] + ['2000', '1', '6.12', '6.12'][len(sys.argv) - 4:])[:4]
    count = int(count)
    guest = [vm, '--kernel', series]
    ready = subprocess.run([*guest, '--ready'], capture_output=True, text=True, check=False)
    if ready.returncode:
        print('skipped:', ready.stdout + ready.stderr)
        return 77
    facts = subprocess.run([*guest, '--exported'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.strip()
    # before 6.15 an f probe was registered when it was defined, which takes long
    slow = min(0.5, 300 / max(1, count * 0.18)) if series in ('6.1', '6.12') else 1
    gen = probe_gen.Generator(probe_gen.Facts(facts), int(seed), slow)
    definitions, groups = questions(gen, count, series)
    if series in ('6.12', '7.3'): # older ones have no stacks in synthetic events
        synth = probe_gen.Generator(gen.facts, int(seed))
        definitions += synth.synth_lines(count // 8)
        groups += [synth.synth_sequence() for _ in range(count // 64)]
    lines = definitions + [x for g in groups for i, t in enumerate(g) for x in ['+'] * (i > 0) + [t]]
    kernel = kernel_answers(guest, oracle, lines)
    explained = collections.Counter()
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(root + '/bin')
        for name in ('bin/busybox', 'bin/sh', 'init'):
            open(root + '/' + name, 'w').close()
        ours = Ours(program, facts, root, dialect)
        single, n = ours.answers(definitions), len(definitions)
        if len(single) != n or len(kernel) != n + sum(map(len, groups)):
            print(f'{n} definitions, {len(kernel)} answers of the kernel, {len(single)} ours')
            return 1
        wrong = compare(series, definitions, kernel, single, explained) + \
            compare_groups(series, groups, kernel[n:], ours, explained)
    accepted = sum(k['errno'] == 0 for k in kernel)
    print(f'seed {seed}, kernel {series}: {n} definitions and {len(groups)} groups of {len(kernel) - n} lines, '
          f'{accepted} accepted; {wrong} unexplained differences')
    for why, times in explained.most_common():
        print(f'explained: {times} by {why}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
