#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares `foreland probe check` with the answers that running kernels gave (tests/data/vectors).

Struct offsets, bit-fields and addresses in the records are those of the kernel that gave them. They
are replaced by the numbers of the BTF and symbols at hand, read by rawbtf.py and not by foreland.
usage: test-vectors.py FORELAND VECTORS KERNEL [FILE...]
KERNEL is a folder as scripts/vm --export leaves it, or that script, which then says where one is.
"""
import errno
import json
import os
import re
import subprocess
import sys
import tempfile

import rawbtf

OFFSET_OPS = ('DEREF', 'UDEREF', 'ST_MEM', 'ST_UMEM', 'ST_STRING', 'ST_USTRING', 'ST_SYMSTR')


def first(*paths):
    return next(p for p in paths if os.path.exists(p))


def kernel_folder(source):
    """Exits with 77 where no guest is possible, and so no kernel's files are to be had."""
    if os.path.isdir(source):
        return source
    ready = subprocess.run([source, '--ready'], capture_output=True, text=True, check=False)
    if ready.returncode:
        print('skipped:', ready.stdout + ready.stderr)
        sys.exit(77)
    return subprocess.run([source, '--exported'], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


class Kernel:
    """The target's files, with the sample module that the kernel's selftests load beside them."""

    def __init__(self, folder, work):
        btf = first(folder + '/vmlinux.btf', folder + '/btf/vmlinux', folder + '/btf')
        with open(btf, 'rb') as f:
            self.btf = rawbtf.Btf(f.read())
        self.symbols = {}
        syms = first(folder + '/kallsyms', folder + '/kallsyms.txt')
        with open(syms) as f:
            text = f.read()
        for line in text.splitlines():
            addr, _, name = line.split()[:3]
            self.symbols.setdefault(name, int(addr, 16))
        sample = work + '/trace_events_sample.btf'
        with open(sample, 'wb') as f:
            module, self.own = rawbtf.sample_module(self.btf)
            f.write(module)
        with open(work + '/kallsyms', 'w') as f:
            f.write(text + 'ffffffffc0000000 t sample_timer_cb\t[trace_events_sample]\n')
        os.makedirs(work + '/files/bin')
        for path in ('bin/busybox', 'bin/sh', 'init'):
            open(work + '/files/' + path, 'w').close()
        self.options = ['--btf', btf, '--btf', sample, '--kallsyms', work + '/kallsyms',
                        '--events', folder + '/events', '--root', work + '/files',
                        '--arch', 'x86_64']

    def offset(self, path):
        if path in self.own:
            return self.own[path]
        found = self.btf.path(path)
        return found[0] // 8 if found else None


class Run:
    def __init__(self, program, kernel):
        self.program, self.kernel = program, kernel

    def check(self, dialect, definitions, sequence=False):
        cmd = [self.program, 'probe', 'check', '--json', '--dialect', dialect,
               *self.kernel.options, *(['--sequence'] if sequence else []), '-']
        out = subprocess.run(cmd, input='\n'.join(definitions) + '\n', text=True,
                             stdout=subprocess.PIPE, check=False).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return [r for r in rows if 'type' not in r]


def intended(v6, mainline, kernel):
    """What v6 means where its answer was a bug of that kernel."""
    bugs = v6.get('kernel_bug', [])
    if 'anon_kflag' in bugs:
        path = next(iter(v6['bitfields']))
        bits, width = kernel.btf.path(path)
        cut = f' -> MOD_BF(basesize=8,lshift={64 - width - bits % 8},rshift={64 - width})'
        cut = '' if bits % 8 == 0 and width % 8 == 0 else cut
        dump = re.sub(r'offset=\d+', f'offset={bits // 8}', v6['dump'][0])
        dump = re.sub(r' -> MOD_BF\([^)]*\)', cut, dump)
        return dict(v6, dump=[dump], offsets={}, bitfields={})
    if 'int_as_string' in bugs:
        return dict(v6, ok=False, errno=errno.EINVAL, msg='This type does not fit for string.',
                    caret=None, show=None, dump=[])
    if mainline['ok'] or v6['ok'] or v6['msg'] != mainline['msg']:
        if mainline['msg'] and 'Per-cpu' in mainline['msg']: # v6 allows it there
            return dict(v6, ok=True, errno=0, msg=None, caret=None, show=v6['def'].replace(
                        ':0x1000', ':0x0000000000001000'),
                        dump=['#  v: IMM(0x1000) -> CPU_PTR -> ST_RAW(size=8) -> END'])
        return mainline
    return v6


def candidates(number, record, kernel):
    """What a recorded offset may be here: it is one of the paths, or the difference of two."""
    paths = {p: kernel.offset(p) for p in record.get('offsets', {})}
    old = record.get('offsets', {})
    out = {paths[p] for p in paths if old[p] == number and paths[p] is not None}
    for p in paths:
        for q in paths:
            if p != q and old[p] - old[q] == number and None not in (paths[p], paths[q]):
                out.add(paths[p] - paths[q])
    if not out or re.search(rf'[+-]u?(0x)?0*{abs(number):x}\(|[+-]u?{abs(number)}\(', record['def']):
        out.add(number)
    return out


def bitfield_match(ours, record, kernel):
    for path in record.get('bitfields', {}):
        found = kernel.btf.path(path)
        if found and ours == [8, 64 - found[1] - found[0] % 8, 64 - found[1]]:
            return True
    return False


def op_match(want, ours, record, kernel):
    if want == ours:
        return True
    name, mine = want.split('(')[0], ours.split('(')[0]
    if name != mine:
        return False
    if name in ('DATA', 'TP_ARG'):
        return bool(record.get('volatile'))
    wn = [int(x, 0) for x in re.findall(r'-?(?:0x[0-9a-f]+|\d+)', want.split('(', 1)[1])]
    on = [int(x, 0) for x in re.findall(r'-?(?:0x[0-9a-f]+|\d+)', ours.split('(', 1)[1])]
    if name in OFFSET_OPS:
        return wn[1:] == on[1:] and on[0] in candidates(wn[0], record, kernel)
    if name == 'MOD_BF':
        return bitfield_match(on, record, kernel)
    if name == 'IMM':
        for sym, addr in record.get('symbols', {}).items():
            base = re.split('[+-]', sym)[0]
            old = int(addr, 16) if addr else None
            new = kernel.symbols.get(base)
            if old is None or new is None:
                continue
            delta = int(sym[len(base):] or '0')
            if on[0] == (new + delta) & (1 << 64) - 1:
                return True
        return False
    return False


def dump_match(want, ours, record, kernel):
    if len(want) != len(ours):
        return False
    for w, o in zip(want, ours):
        wname, wops = w.split(': ', 1)
        oname, oops = o.split(': ', 1)
        wops, oops = wops.split(' -> '), oops.split(' -> ')
        if wname != oname or len(wops) != len(oops):
            return False
        if not all(op_match(a, b, record, kernel) for a, b in zip(wops, oops)):
            return False
    return True


def masked(text, record, kernel):
    """A text with the numbers of %pd and %pD chains, and of addresses, taken out."""
    if text is None:
        return None
    if ':%p' in record['def']:
        text = re.sub(r'\+0x[0-9a-f]+\(', '+0xN(', text)
    return re.sub(r'0x[0-9a-f]{16}', '0xN', text) if record.get('volatile_show') else text


def differences(record, ours, kernel):
    live_only = record['errno'] == errno.EILSEQ or record['msg'] == 'Failed to register probe event'
    if live_only and ours['ok'] and ours.get('assumed'):
        return []
    diff = []
    if record['ok'] != ours['ok']:
        return ['ok']
    if record['ok']:
        if masked(record['show'], record, kernel) != masked(ours['listing'], record, kernel):
            diff.append('show')
        if not dump_match(record['dump'], ours['dump'], record, kernel):
            diff.append('dump')
        return diff
    error = ours['error'] or {}
    if record['errno'] != getattr(errno, ours['errno']):
        diff.append('errno')
    if record['msg'] != error.get('message'):
        diff.append('msg')
    if record['caret'] is not None and record['caret'] != error.get('column'):
        diff.append('caret')
    if masked(record.get('cmd', record['def']), record, kernel) != \
       masked(ours.get('command', ours['definition']), record, kernel) and record['msg']:
        diff.append('cmd')
    return diff


def load(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def shipped(record):
    """What Linux 7.3.4 answers where the recorded kernel, the merged parser on 6.12, did not yet: lines
    that no kind of event knows are logged (6.19), $arg* without BTF is refused at once (7.2)."""
    if not record['ok'] and not record['msg'] and record['errno'] == errno.EINVAL and \
       not record.get('setup') and record['def'][0] != '-' and len(record['def']) < 4095:
        return dict(record, msg='No matching dynamic event type', caret=0)
    if ' $arg*' in record['def'] and record['msg'] == 'Invalid $-variable specified':
        return dict(record, msg='BTF is not available or not supported', errno=errno.EOPNOTSUPP)
    return record


def expected(name, folder, kernel):
    records, twins = (load(f'{folder}/{name.split(".")[0]}.{d}.jsonl')
                      for d in (name.split('.', 1)[1], 'mainline'))
    out = [intended(r, t, kernel) if r.get('kernel_bug') else r for r, t in zip(records, twins)]
    return [shipped(r) for r in out] if name.endswith('.mainline') else out


def compare(name, folder, run, kernel):
    dialect = name.rsplit('.', 1)[1]
    records = expected(name, folder, kernel)
    plain = [r for r in records if not r.get('setup')]
    answers = dict(zip(map(id, plain), run.check(dialect, [r['def'] for r in plain])))
    agree = 0
    for r in records:
        ours = answers.get(id(r))
        if ours is None:
            ours = run.check(dialect, [d for _, d in r['setup']] + [r['def']], sequence=True)[-1]
        diff = differences(r, ours, kernel)
        agree += not diff
        if diff:
            print(f'{name}: {r["def"]}\n  differ: {" ".join(diff)}')
            keys = ('ok', 'errno', 'msg', 'caret', 'show', 'dump', 'cmd', 'offsets')
            print('  kernel:', {k: r[k] for k in keys if r.get(k) not in (None, [])})
            print('  ours:  ', {k: v for k, v in ours.items() if k != 'definition'})
    print(f'{name}: {agree} of {len(records)} agree')
    return agree == len(records)


def main():
    program, folder, source, *names = sys.argv[1:]
    names = names or ['selftests.v6', 'selftests.mainline', 'casts.v6', 'casts.mainline']
    with tempfile.TemporaryDirectory() as work:
        kernel = Kernel(kernel_folder(source), work)
        run = Run(program, kernel)
        results = [compare(n, folder, run, kernel) for n in names]
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main())
