#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same bytes as the same types, shown by the kernel (bpf_snprintf_btf) and by us (--pretty).

The kernel's text is read into a tree and held against our JSON, member by member; our own text against
our JSON, with what is zero left out. What the kernel's form does not say is not compared: elements of
arrays that are structs or arrays (it drops their braces and names), characters behind an array's NUL.
"""
import json, os, re, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import done, expect

vm, program = sys.argv[1:3]
step = sys.argv[3] if len(sys.argv) > 3 else '10'
here = os.path.dirname(os.path.abspath(__file__))


TOKEN = re.compile(r"""\s*(?:
    (?P<cast>\((?:[\w\s*\[\]]|\(\w*\))*\)) | (?P<char>'.') | (?P<open>[{\[]) | (?P<close>[}\]]) |
    \.(?P<name>\w+)\ =\  | (?P<text>"(?:[^"\\]|\\.)*") | (?P<cut>\.\.\.) |
    (?P<word>@?-?\d+\.\d{3}s\b | unix:(?:@)?"(?:[^"\\]|\\.)*" | [0-9a-f:]*:\d+(?:\.\d+){3} | [0-9a-f]*(?::[0-9a-f]*){2,7} | \[[0-9a-f:.]+\]:\d+ | \d+(?:\.\d+){3}(?::\d+)? |
        \d+:\d+ | -?\d+\.\d{9} | [0-9a-f]+\ \|[^|]*\| | -?[\w]+(?:\|[A-Za-z_0x]\w*)*) | [,|])""", re.X | re.S)


def parse(text):
    """A tree: ('{', [(name or None, value), ...]), ('[', [...]), or the word of a leaf."""
    stack, name, at = [['', []]], None, 0
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            raise ValueError(f'at {text[at:at + 40]!r}')
        at = m.end()
        kind = m.lastgroup
        if kind == 'name':
            name = m.group('name')
        elif kind == 'open':
            stack.append([m.group('open'), [], name])
            name = None
        elif m.group('close') == ']' and stack[-1][0] != '[':
            # before an array of pointers (or const elements) the kernel has no bracket, and shows the first alone
            members, its = stack[-1][1], []
            while name is None and (not its or its[0][0] is None):
                its.insert(0, members.pop())
            members.append((name or its[0][0], ('[', [(None, v) for _, v in its][:1])))
            members[-1] = (members[-1][0], members[-1][1] + ('pointers',))
            name = None
        elif kind == 'close':
            bracket, members, its = stack.pop()
            stack[-1][1].append((its, (bracket, members)))
        elif kind in ('char', 'word', 'text'):
            stack[-1][1].append((name, m.group(kind)))
            name = None
    return stack[0][1][0][1]


def flat(members):
    """Members of what has no name are the outer one's."""
    for name, value in members:
        if name is None and isinstance(value, tuple) and value[0] == '{':
            yield from flat(value[1])
        else:
            yield name, value


def number(word):
    if word.startswith("'"):
        return ord(word[1])
    try:
        return int(word, 0)
    except ValueError:
        return None


def text_of(values):
    raw = bytes(n & 0xff for n in values)
    out, i = '', 0
    while i < len(raw):      # a byte that is no UTF-8 is one replacement character, as in our JSON
        for n in (1, 2, 3, 4):
            try:
                out += raw[i:i + n].decode()
                i += n
                break
            except UnicodeDecodeError:
                pass
        else:
            out, i = out + '\ufffd', i + 1
    return out


def same_leaf(kernel, ours):
    if isinstance(ours, bool):
        return number(kernel) == int(ours)
    if isinstance(ours, str):
        if ours.startswith('0x'):
            return number(kernel) == int(ours, 16)
        if kernel == ours:
            return True
        if ours.startswith('-'):
            return True             # an error's name: test-pretty looks at those
        values, n = [enums.get(w, None) if not w[0].isdigit() else int(w, 0) for w in ours.split('|')], 0
        if None in values:
            return False
        for v in values:
            n |= v
        return number(kernel) in (n, n & 0xffffffff) or number(kernel) & 0xff == n
    n = number(kernel)
    if n is None:
        return enums.get(kernel) == ours
    if n == ours or (n > 255 and n & 0xff == ours):     # (the kernel reads four bytes of any enum)
        return True
    return (ours < 0 and n - ours in (1 << b for b in range(65)))


def first_same(words, ours):
    """The kernel shows one character alone, which may be the first byte of several."""
    return ours and (ours[0] == '\ufffd' or ours.encode()[0] == number(words[0]) & 0xff)


def plain(s):
    """What is no ASCII is no text to compare: each side shows bytes that are no UTF-8 in its own way."""
    return re.sub('[^\x00-\x7f]+', '?', s)


def without_hex(ours):
    """A text that is no UTF-8 has its bytes beside it, and a number what it is called or means, under keys of ours."""
    return {k: v for k, v in ours.items() if not (k.endswith('_hex') and k[:-4] in ours or k.endswith('_text') and k[:-5] in ours)}


def same(kernel, ours):
    """True, or what differs."""
    if not isinstance(kernel, tuple):
        return same_leaf(kernel, ours) or f'{kernel} is not {ours}'
    bracket, members = kernel[:2]
    if bracket == '[':
        words = [w for _, w in members]
        if isinstance(ours, str):
            theirs = text_of([number(w) for w in words])
            return plain(theirs) == plain(ours) or ('pointers' in kernel and first_same(words, ours)) or f'{words} is not {ours!r}'
        for k, w in enumerate(words):
            if not same_leaf(w, ours[k]):
                return f'[{k}]: {w} is not {ours[k]}'
        rest = [] if 'pointers' in kernel else ours[len(words):]
        return (not rest or rest[0] == 0) or f'{len(words)} elements are not {len(ours)}'
    members = list(flat(members))
    ours = without_hex(ours)
    if [n for n, _ in members] != list(ours):
        return f'{[n for n, _ in members]} are not {list(ours)}'
    for name, value in members:
        r = same(value, ours[name])
        if r is not True:
            return f'.{name}: {r}'
    return True


def zero(v):
    if isinstance(v, (dict, list)):
        return all(zero(x) for x in (without_hex(v).values() if isinstance(v, dict) else v))
    return v in (0, '', False, '0x0') or (isinstance(v, str) and enums.get(v) == 0)


def text_same(text, ours):
    """Our text against our JSON: what is there is the same, what is not is zero."""
    if not isinstance(text, tuple):
        if text.startswith('"'):
            return plain(json.loads(text, strict=False)) == plain(ours) or f'{text} is not {ours!r}'
        if isinstance(ours, str):
            return text == ours or f'{text} is not {ours}'
        if isinstance(ours, (dict, list)):
            return True             # an element of an array that is shown by what it means
        return {'true': 1, 'false': 0}.get(text, number(text)) == int(ours) or f'{text} is not {ours}'
    if isinstance(ours, list):
        for k, (_, v) in enumerate(text[1]):
            r = text_same(v, ours[k])
            if r is not True:
                return f'[{k}]: {r}'
        return zero(ours[len(text[1]):]) or 'elements are missing'
    there = dict(flat(text[1]))
    for name, value in without_hex(ours).items():
        if name not in there:
            if not zero(value):
                return f'.{name} is missing'
            continue
        r = text_same(there[name], ours.get(name + '_text', value))
        if r is not True:
            return f'.{name}: {r}'
    return True


def has_aggregates(v):
    """An array whose elements are structs or arrays: what the kernel prints of it cannot be read."""
    if isinstance(v, list):
        return any(isinstance(x, (list, dict)) for x in v)
    return isinstance(v, dict) and any(has_aggregates(x) for x in v.values())


def has_empty(v):
    """An array of structs without members, of which the kernel prints closing braces alone."""
    if isinstance(v, dict):
        return any(has_empty(x) for x in v.values())
    return v == []


ready = subprocess.run([vm, '--ready'], capture_output=True, text=True)
if ready.returncode == 77:
    print(f'1..0 # SKIP {ready.stderr.strip() or ready.stdout.strip()}')
    sys.exit(0)
exported = subprocess.run([vm, '--exported'], capture_output=True, text=True, check=True).stdout.strip()
dump = json.loads(subprocess.run(['bpftool', '-j', 'btf', 'dump', 'file', f'{exported}/btf/vmlinux'],
                                 capture_output=True, text=True, check=True).stdout)
enums = {v['name']: v['val'] for t in dump['types'] if t['kind'] in ('ENUM', 'ENUM64') for v in t['values']}

seed = '20260620'
run = subprocess.run([vm, '--timeout', '600', '--copy', program, '--', f'./{os.path.basename(program)}', seed, step],
                     capture_output=True)
# characters above 127 stand as bytes in the kernel's text
blocks = [(n.decode(), k.decode('latin-1'), t.decode('utf-8', 'surrogateescape'), j.decode())
          for n, k, t, j in re.findall(rb'^= (.*)\nK (.*)\nT (.*)\nJ (.*)$', run.stdout, re.M)]
expect('the guest has shown its types', run.returncode == 0 and len(blocks) > 100, run.stderr)
bad, bad_text, skipped, unread = [], [], 0, 0
for name, kernel, text, js in blocks:
    ours = json.loads(js)
    try:
        try:
            r = has_aggregates(ours) or same(parse(kernel), ours)
        except ValueError:
            r = True        # unbalanced: struct vm_fault, whose first member is const and has no name
            unread += not has_empty(ours)
        if r is not True:
            bad.append(f'{name}: {r}')
        skipped += has_aggregates(ours)
        r = text_same(parse(text), ours)
        if r is not True:
            bad_text.append(f'{name}: {r}: {text}')
    except ValueError as e:
        bad.append(f'{name}: {e}')
print(f'# {len(blocks)} values of {len({b[0] for b in blocks})} types, seed {seed}, every {step}th; '
      f'{skipped} with arrays of aggregates held against our text alone, '
      f'{unread} of which the kernel prints what nobody can read')
expect("JSON has the kernel's members and values", not bad, f'{len(bad)} differ\n' + '\n'.join(bad))
expect('nearly all of the kernel\'s own text could be read', unread * 1000 < len(blocks), unread)
expect('text has the same, without what is zero', not bad_text, f'{len(bad_text)} differ\n' + '\n'.join(bad_text))
sys.exit(done())
