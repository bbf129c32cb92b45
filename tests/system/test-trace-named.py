#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-named.py FORELAND NAMED: user code by name. named.c writes down what it does, which is what a trace
of it must show; offsets are readelf's, names of C++ nm's. Nothing but programs of this test is probed.
"""
import json, os, re, shutil, subprocess, sys, tempfile

from tap import expect as check, done, skip

foreland, program = sys.argv[1], os.path.abspath(sys.argv[2])


def out(*args, **kw):
    return subprocess.run(args, capture_output=True, text=True, timeout=120, **kw)


def trace(*defs, options=(), command=None):
    ended = out(foreland, 'trace', '--json', '--children', *options, *defs, '--', *(command or [program, '4']))
    rows = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{')]
    return [r for r in rows if 'type' not in r], ended


def said(ended, word):
    """What the program wrote, behind @word."""
    return [line.split(' ', 1)[1] for line in ended.stdout.splitlines() if line.startswith(word + ' ')]


def symbols(path):
    """NAME -> offset in the file, by readelf: address, moved by its segment."""
    loads = [[int(x, 16) for x in m.groups()] for m in re.finditer(
        r'^ +LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+)', out('readelf', '-lW', path).stdout, re.M)]
    found = {}
    for m in re.finditer(r'^ +\d+: (\w+) +\d+ FUNC +\w+ +\w+ +\d+ (\S+)', out('readelf', '-sW', path).stdout, re.M):
        address = int(m[1], 16)
        for offset, start, size in loads:
            if start <= address < start + size:
                found[m[2]] = address - start + offset
    return found


RUST = """
mod store {
    pub struct Item { pub n: u64 }
    impl Item {
        #[inline(never)]
        pub fn twice(&self, by: u64) -> u64 { println!("twice {}", by); std::hint::black_box(self.n * 2 + by) }
    }
    #[inline(never)]
    pub fn add<T: Into<u64>>(a: T, b: u64) -> u64 { println!("add {}", b); std::hint::black_box(a.into() + b) }
}
fn main() { for i in 0..3 { store::Item { n: i }.twice(7 + i); store::add(i as u32, 30 + i); } }
"""
GO = """
package main
import "fmt"
type Store struct { n int }
//go:noinline
func (s *Store) Add(by int) int { fmt.Println("add", by); s.n += by; return s.n }
//go:noinline
func twice(n int) int { fmt.Println("twice", n); return 2 * n }
func main() { s := &Store{}; for i := 0; i < 3; i++ { s.Add(30 + i); twice(7 + i) } }
"""


def other_languages(work):
    """What the programs say that they did, in their own order; names are as they stand in their sources."""
    with open(f'{work}/named.rs', 'w', encoding='utf-8') as f:
        f.write(RUST)
    for mangling in ('legacy', 'v0'):
        binary = f'{work}/rust-{mangling}'
        command = ['rustc', '-O', '-o', binary, f'{work}/named.rs']
        made = shutil.which('rustc') and any(out(*command, *more).returncode == 0 for more in (
            ['-C', f'symbol-mangling-version={mangling}'], *[[]] * (mangling == 'legacy')))
        if not made:
            skip(f'Rust, {mangling} names', 'no rustc that makes them')
            continue
        rows, ended = trace(f'p:r/m {binary}:named::store::Item::twice by=$arg2:u64', f'p:r/f {binary}:named::store::add* b=$arg2:u64',
                            command=[binary])
        want = [(line.split()[0], int(line.split()[1])) for line in ended.stdout.splitlines() if re.match(r'(twice|add) \d', line)]
        got = [({'m': 'twice', 'f': 'add'}[r['event']], list(r['args'].values())[0]) for r in rows]
        check(f'Rust, {mangling} names: a method, and a glob of a generic function', len(want) == 6 and got == want, ended)
    if not shutil.which('go'):
        skip('Go names', 'no go')
        return
    with open(f'{work}/named.go', 'w', encoding='utf-8') as f:
        f.write(GO)
    out('go', 'build', '-o', f'{work}/go-named', f'{work}/named.go', env={**os.environ, 'GOFLAGS': '-mod=mod', 'GOCACHE': f'{work}/cache'})
    rows, ended = trace(f'p:g/m {work}/go-named:main.(*Store).Add by=%bx:s64', f'p:g/f {work}/go-named:main.twi* n=%ax:s64', command=[f'{work}/go-named'])
    want = [(line.split()[0], int(line.split()[1])) for line in ended.stdout.splitlines() if re.match(r'(twice|add) \d', line)]
    got = [({'m': 'add', 'f': 'twice'}[r['event']], list(r['args'].values())[0]) for r in rows]
    check('Go: a method, and a glob of functions', len(want) == 6 and got == want, ended)


def by_function(work):
    offsets = symbols(program)
    rows, ended = trace(f'p {program}:paint_red n=$arg1:s32')
    check('PATH:FUNCTION: each call, with its argument', [r['args']['n'] for r in rows] ==
          [int(n) for n in said(ended, 'paint')[::2]] == [0, 1, 2, 3] and {r['place'] for r in rows} == {'paint_red'},
          ended)
    rows, ended = trace(f'p {program}:hidden_local n=$arg1:s32')
    check('a function that only .symtab has', len(rows) == 4, ended)
    rows, ended = trace(f'r {program}:serve n=$retval:s32')
    check('its return', [r['args']['n'] for r in rows] == [int(n) for n in said(ended, 'returned')], ended)
    rows, ended = trace(f'p {program}:serve%return n=$retval:s32')
    check('its return in other words', [r['args']['n'] for r in rows] == [int(n) for n in said(ended, 'returned')], ended)
    rows, ended = trace(f'p {program}:paint_* n=$arg1:s32')
    want = [(f, i) for i in range(4) for f in ('paint_red', 'paint_green')]
    check('a glob: each function by its name', [(r['place'], r['args']['n']) for r in rows] == want, ended)
    rows, ended = trace(f'r {program}:paint_* n=$retval:s32')
    check('returns by a glob', [(r['place'].split(' <- ')[1], r['args']['n']) for r in rows] ==
          [(f, i + k) for i in range(4) for f, k in (('paint_red', 1), ('paint_green', 2))], ended)
    lowered = out(foreland, 'probe', 'lower', f'p:a/b {program}:paint_red n=%di').stdout.strip()
    check('probe lower: what the kernel takes', lowered == f'p:a/b {program}:0x{offsets["paint_red"]:x} n=%di' or
          re.fullmatch(rf'p:a/b {re.escape(program)}:0x0*{offsets["paint_red"]:x} n=%di(:x64)?', lowered), lowered)
    lowered = out(foreland, 'probe', 'lower', f'p {program}:paint_*').stdout
    check('probe lower: a line for each of several', sorted(int(m, 16) for m in re.findall(r':(0x\w+)$', lowered, re.M)) ==
          sorted(v for k, v in offsets.items() if k.startswith('paint_')), lowered)
    lowered = out(foreland, 'probe', 'lower', f'p:a/b {program}:serve k=c->cmd->flags')
    check('probe lower: types become offsets', re.search(r' k=\+0x0*8\(\+0x0*8\(%di\)\):s32$', lowered.stdout.strip()) or
          re.search(r' k=\+8\(\+8\(%di\)\):s32$', lowered.stdout.strip()), lowered)
    # Stripped, with the rest in a debug file that is found by the link to it.
    stripped = f'{work}/stripped'
    os.mkdir(f'{work}/.debug')
    out('objcopy', '--only-keep-debug', program, f'{work}/.debug/stripped.debug')
    out('objcopy', '--strip-all', program, stripped)
    out('objcopy', f'--add-gnu-debuglink={work}/.debug/stripped.debug', stripped)
    rows, ended = trace(f'p {stripped}:hidden_local', command=[stripped, '4'])
    check('a function that only the debug file has', len(rows) == 4, ended)
    ended = out(foreland, 'probe', 'check', 'p no_such_module:paint_red')
    lowered = out(foreland, 'probe', 'lower', 'p no_such_module:paint_red')
    check('what may be a module is left to the kernel', ended.returncode == 0 and
          lowered.stdout == 'p:kprobes/p_no_such_module_paint_red_0 no_such_module:paint_red\n', f'{ended} {lowered}')


def by_mark():
    rows, ended = trace(f'p {program}:sdt:named:serve name=+0($arg1):ustring n=$arg2 seven=$arg3')
    want = [line.split() for line in said(ended, 'serve')]
    check('sdt: arguments in registers and constants', [(r['args']['name'], r['args']['n'], r['args']['seven'])
          for r in rows] == [(w[0], int(w[1]), 7) for w in want] and len(want) == 4, ended)
    rows, ended = trace(f'p {program}:sdt:named:paint n=$arg1')
    check('sdt: one name in two functions, each with its own operand', [r['args']['n'] for r in rows] ==
          [int(n) for n in said(ended, 'paint')], ended)
    rows, ended = trace(f'p {program}:sdt:named:guarded n=$arg1')
    check('sdt: its counter is up while it is traced', [r['args']['n'] for r in rows] ==
          [int(n) for n in said(ended, 'guard')] == [0, -1, -2, -3], ended)
    alone = out(program, '2').stdout
    check('sdt: and down afterwards', 'guard' not in alone and 'local' in alone, alone)
    rows, ended = trace(f'p {program}:sdt:named:*')
    check('sdt: a glob', [r['place'] for r in rows] == ['named:serve', 'named:paint', 'named:paint',
                                                        'named:guarded'] * 4, ended)


def by_cxx(work):
    if not shutil.which('g++'):
        return skip('C++', 'there is no g++')
    with open(f'{work}/x.cc', 'w') as f:
        f.write('#include <cstdio>\nnamespace shop { struct till { int n; __attribute__((noinline)) int add(int k) '
                '{ n += k; return n; } __attribute__((noinline)) int add(long k, int m) { n -= k * m; return n; } }; }\n'
                'int main() { shop::till t = {0}; for (int i = 0; i < 3; i++) { t.add(i); t.add(2l, i); } '
                'return 0; }\n')
    out('g++', '-O1', '-o', f'{work}/x', f'{work}/x.cc')
    names = re.findall(r' [TW] (\S+)$', out('nm', f'{work}/x').stdout, re.M)
    adds = [n for n in names if 'till' in n]
    rows, ended = trace(f'p {work}/x:shop::till::add k=$arg2:s32', command=[f'{work}/x'])
    check('C++: both functions of a name as it is written', sorted({r['place'] for r in rows}) == sorted(adds) and
          len(rows) == 6 and len(adds) == 2, ended)
    rows, ended = trace(f'p {work}/x:*till::add(int)', command=[f'{work}/x'])
    check('C++: one of them by its parameters', len(rows) == 3 and len({r['place'] for r in rows}) == 1, ended)


def by_choice(work):
    """A name that the loader makes one of several functions of: its address is that of who chooses."""
    with open(f'{work}/choice.c', 'w') as f:
        f.write('static __attribute__((noinline, used)) int twice_plain(int n) { __asm__ volatile(""); return 2 * n; }\n'
                'static __attribute__((used)) int (*pick(void))(int) { return twice_plain; }\n'
                'int twice(int n) __attribute__((ifunc("pick")));\n'
                'int main(void) { int s = 0; for (int i = 0; i < 3; i++) s += twice(i); return s == 6 ? 0 : 1; }\n')
    if out('gcc', '-O1', '-o', f'{work}/choice', f'{work}/choice.c').returncode:
        return print('ok - IFUNC # SKIP the compiler has none')
    table = dict(re.findall(r': (\w+) +\d+ (?:FUNC|IFUNC) .* (twice|pick)$', out('readelf', '-sW', f'{work}/choice').stdout,
                            re.M))
    check('readelf: the name and who chooses are one address', len(table) == 1, table)
    for name in ('twice', 'pick'):
        rows, ended = trace(f'p {work}/choice:{name}', command=[f'{work}/choice'])
        check(f'IFUNC: {name} is refused', ended.returncode == 1 and not rows and
              f"'{name}' is chosen when the program is loaded (IFUNC)" in ended.stderr, ended)
        check(f'IFUNC: {name}: what else to write', name == 'pick' or ": twice_plain [" in ended.stderr, ended)
    rows, ended = trace(f'p {work}/choice:twice* n=$arg1:s32', command=[f'{work}/choice'])
    check('IFUNC: a glob is of what does the work, and says so', [r['args']['n'] for r in rows] == [0, 1, 2] and
          'left out: twice: ' in ended.stderr, ended)


TYPED = 'serve key=c->cmd->fullname:ustring n=count how=color deep=c->in.deep name=c->in.name:string ' \
        'a=c->cmd->arity h=c->cmd->hidden f=(client)c->cmd->flags next=c->next'
KEYS = {'get-a-key': (9, 2, 5), 'set-a-key': (17, 5, 6)}


def typed(name, path, prefix=()):
    """Parameters, chains, a cast, bit-fields: what the program wrote of each call, and what its source says."""
    ended = out(*prefix, foreland, 'trace', '--json', '--children', f'p {path}:{TYPED}', '--', path, '4')
    rows = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{')]
    got = [[r['args'][k] for k in ('key', 'n', 'deep', 'name', 'a', 'h', 'f', 'how')] for r in rows if 'type' not in r]
    want = []
    for line in said(ended, 'serve'):
        key, n, deep, inner = line.split()
        want.append([key, int(n), int(deep), inner, *KEYS[key], 7 if int(n) % 3 else 0])
    check(name, len(want) == 4 and got == want, f'{ended} {got} {want}')


def in_pieces(work):
    """The unlikely part of a function lies elsewhere: it has a list of ranges and no first address."""
    with open(f'{work}/pieces.c', 'w') as f:
        f.write('#include <stdio.h>\n#include <stdlib.h>\nstruct pair { int a, b; };\n'
                '__attribute__((cold, noreturn, noinline)) static void fail(int n) { printf("%d\\n", n); abort(); }\n'
                '__attribute__((noinline)) int pieces(struct pair *p, int n) {\n'
                '\tif (n < 0)\n\t\tfail(p->b);\n\treturn p->a + n;\n}\n'
                'int main(int argc, char **argv) { struct pair p = { 40, 2 }; return pieces(&p, argc + 1) == 42 ? 0 : 1; }\n')
    out('gcc', '-O2', '-g', '-o', f'{work}/pieces', f'{work}/pieces.c')
    if not re.search(r': pieces\n(?:(?!.*DW_TAG).*\n)*.*DW_AT_ranges', out('readelf', '--debug-dump=info',
                                                                                  f'{work}/pieces').stdout):
        return skip('a function in pieces', 'this compiler leaves it whole')
    rows, ended = trace(f'p {work}/pieces:pieces b=p->b n=n', command=[f'{work}/pieces'])
    check('a function in pieces', [r['args'] for r in rows] == [{'b': 2, 'n': 2}] and ended.returncode == 0, ended)


def by_type(work):
    typed('types of a program of its DWARF', program)
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'named.c')
    for level in ('-O0', '-O3'):
        out('gcc', level, '-g', '-w', '-o', f'{work}/level{level}', source)
        typed(f'built with {level}', f'{work}/level{level}')
    out('gcc', '-O2', '-gdwarf-4', '-w', '-o', f'{work}/four', source)
    typed('of DWARF 4', f'{work}/four')
    out('objcopy', '--compress-debug-sections', program, f'{work}/packed')
    check('readelf: sections are compressed', re.search(r'\.debug_info.*\n.* C ', out('readelf', '-SW', f'{work}/packed').stdout +
          out('readelf', '-S', f'{work}/packed').stdout))
    typed('of compressed sections', f'{work}/packed')
    rows, ended = trace(f'p {work}/packed:no_such_function')
    check('a function that is not there, beside compressed sections', ended.returncode == 1 and
          "has no function 'no_such_function'" in ended.stderr, ended)
    in_pieces(work)
    stripped = f'{work}/by-id'
    out('objcopy', '--strip-all', program, stripped)
    ident = re.search(r'Build ID: (\w+)', out('readelf', '-n', stripped).stdout)
    rows, ended = trace(f'p {stripped}:0x1000 x=c->cmd')
    check('without types that is said', ended.returncode == 1 and 'NO_BTF_ENTRY' in ended.stderr, ended)
    own = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /usr/lib/debug && mkdir -p "$0" && '
           'cp "$1" "$2" && shift 2 && exec "$@"']
    if not ident or out('unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/usr/lib/debug').returncode:
        skip('types by build-id', 'there is no build-id, or /usr/lib/debug cannot be one of our own')
    else:
        folder = f'/usr/lib/debug/.build-id/{ident[1][:2]}'
        out('objcopy', '--only-keep-debug', program, f'{work}/only')
        typed('of a debug file that is found by build-id', stripped,
              own + [folder, f'{work}/only', f'{folder}/{ident[1][2:]}.debug'])
    rows, ended = trace(f'p {program}:serve x=foo')
    check('a parameter that is not there', 'the parameters are c, count, color' in ended.stderr, ended)
    rows, ended = trace(f'p {program}:serve x=c->nosuch')
    check('a member that is not there', 'NO_BTF_FIELD' in ended.stderr, ended)
    with open(program, 'rb') as f, open(f'{program}-32', 'wb') as half:
        head = f.read()
        half.write(head[:4] + b'\1' + head[5:])     # a program of 32 bits
    rows, ended = trace(f'p {program}-32:serve')
    check('a program of 32 bits is told as that', 'is no whole program of 64 bits' in ended.stderr, ended)
    ended = out(foreland, 'probe', 'check', f'p {program}:0x1000 x=(client)c->cmd')
    check("probe check refuses a cast in the kernel's words and names trace", ended.returncode == 1 and
          'BTF is not available or not supported' in ended.stderr and "'foreland trace' takes types" in ended.stderr, ended)


def by_library(work):
    with open(f'{work}/lib.c', 'w') as f:
        f.write('int lib_twice(int n); int lib_twice(int n) { return 2 * n; }\n')
    with open(f'{work}/user.c', 'w') as f:
        f.write('#include <stdio.h>\n#include <unistd.h>\nint lib_twice(int n);\nint main(void) { char c; '
                'while (read(0, &c, 1) == 1) lib_twice(c); return 0; }\n')
    lib = f'{work}/libforelandtest.so.3'
    out('gcc', '-shared', '-fPIC', '-o', lib, f'{work}/lib.c')
    out('gcc', '-o', f'{work}/user', f'{work}/user.c', lib, f'-Wl,-rpath,{work}')
    user = subprocess.Popen([f'{work}/user'], stdin=subprocess.PIPE, bufsize=0)
    while lib not in open(f'/proc/{user.pid}/maps').read():
        pass
    run = subprocess.Popen([foreland, 'trace', '--json', '-n', '2', '-p', str(user.pid),
                            'p libforelandtest:lib_twice n=$arg1:s32'], stdout=subprocess.PIPE, text=True)
    while run.poll() is None:
        user.stdin.write(b'A')
        try:
            run.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
    rows = [json.loads(line) for line in run.stdout.read().splitlines()]
    user.kill()
    user.wait()
    check('a library as the process of -p has it', [r['args']['n'] for r in rows if 'type' not in r] == [65, 65], rows)
    cache = out('/sbin/ldconfig', '-p').stdout
    want = re.search(r'libc\.so\.6 \(libc6,x86-64.*\) => (\S+)', cache)
    lowered = out(foreland, 'probe', 'lower', 'p:a/b libc:getaddrinfo').stdout
    if want:
        check('a library as the loader has it', lowered.startswith(f'p:a/b {want[1]}:0x'), lowered)


def by_refusal():
    for definition, words in ((f'p {program}:paint_rde', "did you mean 'paint_red'?"),
                              (f'p {program}:sdt:named:nothing', "has no marked place 'named:nothing'"),
                              (f'p {program}:sdt:named:serve x=$arg4', 'has no argument 4'),
                              (f'r {program}:sdt:named:serve', 'BAD_ADDR_SUFFIX'),
                              (f'p {program}:pasted', "has no function 'pasted' (it is inlined)"),
                              (f'p {program}:no_such_*', "no function 'no_such_*'")):
        rows, ended = trace(definition)
        check(f'{definition.split(":", 1)[1]}: refused, and nothing started', ended.returncode == 1 and
              words in ended.stderr and not ended.stdout, ended)
    ended = out(foreland, 'probe', 'check', f'p {program}:paint_red')
    check("probe check refuses in the kernel's words and names trace", ended.returncode == 1 and
          'No matching dynamic event type' in ended.stderr and "'foreland trace' takes user code by name" in ended.stderr,
          ended)


def moving_stacks(work):
    """Go's runtime copies stacks, the address that a return probe left on one with them (golang/go issue 22008). What
    makes a file Go's own is its section: the test's program, with one added, is enough."""
    with open(f'{work}/buildinfo', 'wb') as f:
        f.write(b'\xff Go buildinf:')
    out('objcopy', '--add-section', f'.go.buildinfo={work}/buildinfo', program, f'{work}/go')
    for path, kind, warned in ((f'{work}/go', 'r', True), (f'{work}/go', 'p', False), (program, 'r', False)):
        rows, ended = trace(f'{kind} {path}:paint_red', command=[path, '4'])
        check(f'{kind} of {"a Go program" if path != program else "any other"}: {"warned" if warned else "no word"}',
              len(rows) == 4 and ('may crash it' in ended.stderr) == warned, ended)


def main():
    probe = out(foreland, 'trace', '-t', '0.1', f'p {program}:main')
    if probe.returncode:
        print('1..0 # SKIP user probes cannot be made here')
        return 0
    with tempfile.TemporaryDirectory() as work:
        by_function(work)
        by_mark()
        by_choice(work)
        by_cxx(work)
        other_languages(work)
        by_type(work)
        by_library(work)
        moving_stacks(work)
        by_refusal()
    return done()


sys.exit(main())
