# SPDX-License-Identifier: GPL-2.0-or-later
"""Definitions with casts and paths that a kernel can be asked in its own words or in lowered ones: walks through
the structs of that kernel's own BTF, mostly from what the parameters really point to. Where a read faults there
is nothing to compare: 6.12 leaves in a number what lay in its ring buffer before.
"""
import importlib
import re

import probe_gen
import rawbtf

lower = importlib.import_module('test-lower')
PLACES = ['vfs_write', 'vfs_open', 'security_file_permission', 'security_file_open', '__fput',
          'generic_file_open', 'may_open']
TYPES = ['', '', '', ':u8', ':s16', ':x32', ':u64', ':s8[3]', ':x16[4]', ':b3@2/8', ':char[5]']


class Typed(lower.Casts):
    """Casts to what is really there, or, now and then, to what is not."""

    def pointee(self, i):
        i = self.facts.btf.strip(i)
        if not i or self.facts.btf.types[i].kind != rawbtf.PTR:
            return 0
        i = self.facts.btf.strip(self.facts.btf.types[i].ref)
        return i if self.facts.is_struct(i) else 0

    def inner(self, parameters):
        """An expression and the struct that it points to."""
        known = [(n, self.pointee(t)) for n, t in parameters if self.pointee(t)]
        name, struct = self.r.choice(known)
        if self.maybe(0.4):
            members = [(m, self.pointee(t)) for m, t in self.facts.members(struct)]
            members = [(m, t) for m, t in members if t]
            if members:
                member, struct = self.r.choice(members)
                return f'({name}->{member})', struct
        return name if self.maybe(0.5) else f'({name})', struct

    def typed_cast(self, parameters):
        expression, struct = self.inner(parameters)
        name = self.facts.btf.types[struct].name
        if not name or self.facts.btf.types[struct].kind != rawbtf.STRUCT or self.maybe(0.15):
            name = self.r.choice(lower.STRUCTS)
            struct = self.facts.btf.find(rawbtf.STRUCT, name)
        option = ''
        if self.maybe(0.15):
            whole = [m for m, _ in self.facts.members(struct) if m and not self.bits(struct, m)]
            option = ',' + self.r.choice(whole)
        return f'({name}{option}){expression}{self.walk(struct)}'

    def definition_on(self, i):
        place = self.r.choice([p for p in PLACES if p in self.facts.functions])
        parameters = self.facts.params(place)
        args = [f'a{k}={self.typed_cast(parameters)}{self.r.choice(TYPES)}'
                for k in range(self.r.randint(1, 3))]
        head = self.pick('p', 'p', 'f', 'r')
        return f'{head}:low/v{i} {place} ' + ' '.join(args)


def fields(text):
    return re.findall(r' (a\d)=((?:(?! a\d=).)*)', text, re.S)


def compare(ours, kernel):
    """(what differs, values compared, faults)"""
    if not ours and not kernel:     # a function that is inlined there, or not called
        return '', 0, 0
    if len(ours) != len(kernel):
        return f'{len(ours)} firings, {len(kernel)} of the kernel', 0, 0
    n = faults = 0
    for (_, a), (_, b) in zip(ours, kernel):
        for (name, x), (_, y) in zip(fields(a), fields(b)):
            if '(fault)' in x:
                faults += 1
            elif x == y:
                n += 1
            else:
                return f'{name}: {x!r}, the kernel {y!r}', n, faults
        if len(fields(a)) != len(fields(b)):
            return f'{a!r}, the kernel {b!r}', n, faults
    return '', n, faults


def generate(foreland, folder, level, count, seed):
    gen = Typed(probe_gen.Facts(folder), seed)
    options = ['--btf', folder + '/btf/vmlinux', '--kallsyms', folder + '/kallsyms', '--events',
               folder + '/events', '--arch', 'x86_64']
    out = []
    while len(out) < count:
        some = [gen.definition_on(len(out) + k) for k in range(100)]
        good = [d for d, t in zip(some, lower.lowered(foreland, options, level, some)) if t]
        out += [re.sub(r':low/v\d+ ', f':v{len(out) + k} ', d) for k, d in enumerate(good)]
    return out[:count]
