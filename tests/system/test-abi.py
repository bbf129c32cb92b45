#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where "probe lower" finds a function's last argument behind structs that are passed by value, against what
the compiler says in the code that it makes of "return last": of each architecture whose compiler is there."""
import os, random, re, shutil, subprocess, sys, tempfile

from tap import check, done, skip

foreland = sys.argv[1]
TYPES = '''
typedef struct { } empty; typedef struct { int a; } one; typedef struct { long a, b; } two;
typedef struct { int a; long b; } mixed; typedef struct { char c[3]; } small; typedef struct { char c[16]; } chars;
typedef struct { long a[3]; } large; typedef struct { char a; long b; } __attribute__((packed)) packed;
typedef struct { unsigned a : 3, b : 9; long c; } bits; typedef union { void *p; char c[12]; } either;
typedef struct { either e; unsigned is_kernel : 1; } sockptr; typedef struct { one a; small b; int c; } nested;
typedef __int128 wide; typedef struct { wide w; } wides;
'''
NAMES = ['char', 'int', 'long', 'empty', 'one', 'two', 'mixed', 'small', 'chars', 'large', 'packed', 'bits', 'either',
         'sockptr', 'nested', 'wide', 'wides']
X86 = {'rdi': 1, 'rsi': 2, 'rdx': 3, 'rcx': 4, 'r8': 5, 'r9': 6}


def source(n):
    chance = random.Random(7)
    text = TYPES
    for i in range(n):
        params = [f'{chance.choice(NAMES)} a{k}' for k in range(chance.randint(1, 8))] + ['long last']
        text += f'long f{i}({", ".join(params)}) {{ return last; }}\n'
    return text


def bodies(assembly):
    """Function: its instructions."""
    found, at = {}, None
    for line in assembly.splitlines():
        if m := re.match(r'(f\d+):', line):
            at = found.setdefault(m[1], [])
        elif at is not None and (m := re.match(r'\s+([a-z]\S*)\s*(.*)', line)):
            at.append((m[1], m[2].replace(' ', '')))
            at = None if m[1] == 'ret' else at
    return found


def wanted_x86_64(code):
    for op, operands in code:
        if m := re.match(r'%(\w+),%rax', operands):
            return f'$arg{X86[m[1]]}'
        if m := re.match(r'(\d+)\(%rsp\),%rax', operands):
            return f'$arg{6 + int(m[1]) // 8}'
    return None


def wanted_arm64(code):
    below = 0       # what the function has made room for
    for op, operands in code:
        if op == 'sub' and (m := re.match(r'sp,sp,#?(\d+)', operands)):
            below = int(m[1])
        if m := re.match(r'x0,x(\d)$', operands):
            return f'$arg{int(m[1]) + 1}'
        if m := re.match(r'x0,\[sp(?:,#?(\d+))?\]', operands):
            return f'$stack{(int(m[1] or 0) - below) // 8}'
    return '$arg1' if code == [('ret', '')] else None


def judge(work, arch, compiler, wanted, n=300):
    with open(f'{work}/f.c', 'w') as f:
        f.write(source(n))
    flags = ['-O2', '-fno-asynchronous-unwind-tables', '-fcf-protection=none'][:3 if arch == 'x86_64' else 2]
    made = [subprocess.run([compiler, *flags, *more, f'{work}/f.c', '-w'], capture_output=True, text=True)
            for more in (['-S', '-o', f'{work}/f.s'], ['-gbtf', '-c', '-o', f'{work}/f.o'])]
    if any(m.returncode for m in made):
        return skip(arch, f'this compiler writes no BTF: {made[1].stderr.strip()[:80]!r}')
    with open(f'{work}/syms', 'w') as f:
        for i in range(n):
            f.write(f'{0xffffffff81000000 + i * 64:x} T f{i}\n')
    with open(f'{work}/defs', 'w') as f:
        f.writelines(f'p:k/e{i} f{i} last\n' for i in range(n))
    got = subprocess.run([foreland, 'probe', 'lower', '--level', '6.12', '--arch', arch, '--btf', f'{work}/f.o',
                          '--kallsyms', f'{work}/syms', '--events', work, '-'],
                         stdin=open(f'{work}/defs'), capture_output=True, text=True)
    told = dict(re.findall(r' (f\d+) last=(\$\w+):s64', got.stdout))
    code = bodies(open(f'{work}/f.s').read())
    wrong = [(f, told.get(f), wanted(code[f])) for f in code if wanted(code[f]) != told.get(f)]
    text = source(n).splitlines()
    check(len(code) == n and not wrong, f'{arch}: {n} functions as the compiler places their arguments', got.stderr[:500],
          *[(*row, next(line for line in text if line.startswith(f'long {row[0]}('))) for row in wrong[:10]])


def compiler_of(arch):
    names = ['x86_64-linux-gnu-gcc', 'gcc'] if os.uname().machine == 'x86_64' else ['x86_64-linux-gnu-gcc']
    return next(filter(shutil.which, names if arch == 'x86_64' else ['aarch64-linux-gnu-gcc']), None)


for arch, wanted in ('x86_64', wanted_x86_64), ('arm64', wanted_arm64):
    with tempfile.TemporaryDirectory() as work:
        if compiler_of(arch):
            judge(work, arch, compiler_of(arch), wanted)
        else:
            skip(arch, f'no compiler for {arch}')
sys.exit(done())
