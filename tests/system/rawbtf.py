# SPDX-License-Identifier: GPL-2.0-or-later
"""BTF, read and written by a few lines that share nothing with foreland's own reader: the tests'
source of struct offsets, and of small modules' types."""
import struct

(INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO,
 VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64) = range(1, 20)
EXTRA = {INT: 4, ARRAY: 12, VAR: 4, DECL_TAG: 4}
PER = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}


class Type:
    __slots__ = ('kind', 'name', 'kflag', 'vlen', 'ref', 'data')


class Btf:
    def __init__(self, data):
        magic, _, _, hlen, toff, tlen, soff, slen = struct.unpack_from('<HBBIIIII', data)
        assert magic == 0xeb9f
        self.strings = data[hlen + soff:hlen + soff + slen]
        self.types = [None]
        self.by_name = {}
        pos, end = hlen + toff, hlen + toff + tlen
        while pos < end:
            name, info, ref = struct.unpack_from('<III', data, pos)
            t = Type()
            t.kind, t.vlen, t.kflag, t.ref = info >> 24 & 31, info & 0xffff, info >> 31, ref
            t.name = self.string(name)
            pos += 12
            size = EXTRA.get(t.kind, 0) + PER.get(t.kind, 0) * t.vlen
            t.data = data[pos:pos + size]
            pos += size
            self.by_name.setdefault((t.kind, t.name), len(self.types))
            self.types.append(t)

    def string(self, off):
        return self.strings[off:self.strings.index(b'\0', off)].decode()

    def find(self, kind, name):
        return self.by_name.get((kind, name))

    def strip(self, i):
        while i and self.types[i].kind in (TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG):
            i = self.types[i].ref
        return i

    def member(self, i, name):
        """(bit offset, width, type) of a member, anonymous ones searched."""
        t = self.types[i]
        inside = []
        for m in range(t.vlen):
            off, ref, bits = struct.unpack_from('<III', t.data, m * 12)
            width = bits >> 24 if t.kflag else 0
            bits = bits & 0xffffff if t.kflag else bits
            if off and self.string(off) == name:
                return bits, width, self.strip(ref)
            if not off:
                inside.append((bits, self.strip(ref)))
        for bits, ref in reversed(inside):
            if self.types[ref].kind in (STRUCT, UNION):
                found = self.member(ref, name)
                if found:
                    return found[0] + bits, found[1], found[2]
        return None

    def path(self, text):
        """(bit offset, width) of "struct.member.member"; None where there is no such."""
        name, *fields = text.split('.')
        i, bits, width = self.find(STRUCT, name), 0, 0
        for field in fields:
            if not i or self.types[i].kind not in (STRUCT, UNION):
                return None
            found = self.member(i, field)
            if not found:
                return None
            bits, width, i = bits + found[0], found[1], found[2]
        return bits, width


class Module:
    """Split BTF on top of @base."""

    def __init__(self, base):
        self.base, self.strings, self.types, self.n = base, b'', b'', len(base.types)

    def string(self, text):
        if not text:
            return 0
        off = len(self.base.strings) + len(self.strings)
        self.strings += text.encode() + b'\0'
        return off

    def add(self, kind, name, ref, vlen=0, extra=b'', kflag=0):
        self.types += struct.pack('<III', self.string(name), kflag << 31 | kind << 24 | vlen,
                                  ref) + extra
        self.n += 1
        return self.n - 1

    def struct(self, name, size, members):
        extra = b''.join(struct.pack('<III', self.string(n), t, bits) for n, t, bits in members)
        return self.add(STRUCT, name, size, len(members), extra)

    def func(self, name, params, ret=0):
        extra = b''.join(struct.pack('<II', self.string(n), t) for n, t in params)
        proto = self.add(FUNC_PROTO, '', ret, len(params), extra)
        return self.add(FUNC, name, proto)

    def bytes(self):
        return struct.pack('<HBBIIIII', 0xeb9f, 1, 0, 24, 0, len(self.types), len(self.types),
                           len(self.strings)) + self.types + self.strings


def sample_module(btf):
    """The kernel's samples/trace_events, struct foo_timer_data and sample_timer_cb(): its bytes, and the
    offsets of that struct's members."""
    m = Module(btf)
    timer = btf.find(STRUCT, 'timer_list')
    char = btf.find(INT, 'char')
    name = m.add(PTR, '', m.add(CONST, '', char))
    counter = m.add(PTR, '', btf.find(INT, 'int'))
    size = btf.types[timer].ref
    m.struct('foo_timer_data', size + 16,
             [('name', name, 0), ('timer', timer, 64), ('counter', counter, 64 + size * 8)])
    m.func('sample_timer_cb', [('t', m.add(PTR, '', timer))])
    return m.bytes(), {'foo_timer_data.name': 0, 'foo_timer_data.timer': 8,
                       'foo_timer_data.counter': 8 + size}
