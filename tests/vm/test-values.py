#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every hook with every family of types, and casts and paths at random, through BPF and through the kernel's own
tracer, over the same firings: the same values. The kernel is given the definition as it stands, and lowered text
where it does not take that; what its text cannot say is not compared, and counted.

One program does system calls and calls a function of its own; both tracers look at it alone.
usage: test-values.py [COUNT OF RANDOM ONES [SEED]]
"""
import collections, importlib, os, re, subprocess, sys, tempfile

from guest import done, expect, known, need, run, static, vm

home = '/root'      # where a script in the guest starts

PROGRAM = r'''
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>
struct udata { unsigned char b[8]; short s[4]; int i[4]; long l[2]; const char *str[3]; char arr[16]; } UD = {
	{ 1, 2, 0x80, 0xff, 'A', 'z', 'q', 9 }, { -1, 2, -300, 32767 },
	{ -5, 0x7fffffff, 0x80000000, 42 }, { -1234567890123, 0x1122334455667788 },
	{ "first", "second", "third" }, "array-text" };
__attribute__((noinline, noclone)) long ufunc(long a, unsigned b, const char *s, struct udata *u)
{
	asm volatile("" ::: "memory");
	return 2 * a + b;
}
int main(void)
{
	static const char *const names[] = { "one-file", "two.txt", "a-name-too-long-for-the-inline-part-of-a-dentry" };
	volatile char byte = names[0][0];
	(void)byte;
	for (int i = 0; i < 3; i++) {
		int fd = openat(AT_FDCWD, names[i], O_RDWR | O_CREAT | O_TRUNC, 0640 + i);
		write(fd, "some bytes\0more", 3 + 5 * i);
		lseek(fd, i == 1 ? -2 : 0x1122334455667788, SEEK_SET);
		close(fd);
		getppid();
		ufunc(-7 * i, 0xfffffff0u + i, names[i], &UD);
	}
	return 0;
}
'''

INTS = ' '.join(f'{t}={{}}:{t}' for t in ('u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64',
                                          'x8', 'x16', 'x32', 'x64', 'char'))
BITS = 'a={}:b4@0/8 b={}:b4@4/8 c={}:b8@4/16 d={}:b12@20/32 e={}:b16@48/64 f={}:b1@3/64'


def ints(x):
    return INTS.replace('{}', x)


def bits(x):
    return BITS.replace('{}', x)


FUNC = {    # parameters of vfs_write(file, buf, count, pos): by name, and what the kind allows
    'names': 'file buf count pos',
    'ints': ints('count'),
    'bits': bits('count'),
    'mem': 'pos=+0(pos) p8=+0(pos):u8 p32=+4(pos):s32 flags=+0(file):x32',
    'chain': 'ino=file->f_inode->i_ino mode=file->f_inode->i_mode:x16 len=file->f_path.dentry->d_name.len',
    'string': 'name=file->f_path.dentry->d_name.name:string in=file->f_path.dentry->D_INAME:string',
    'ustring': 'buf=+0(buf):ustring b2=buf:ustring k=+0(buf):string',
    'umem': 'u8=+u0(buf):u8 u32=+u4(buf):x32 u64=+u0(buf):u64',
    'array': 'a=+0(file):x8[16] b=+0(buf):u8[3] n=+0(file->f_path.dentry->d_name.name):char[5] w=+0(pos):u16[4]',
    'symbol': 'op=file->f_op:symbol',
    'symstr': 'op=file->f_op:symstr',      # that kernel spoils all but the last one of a record
    'comm': 'c=$comm d=$comm:string',
    'imm': r'a=\1 b=\-1 c=\0x10:u8 d=\-1:s16 s=\"hello"',
    'fault': r'a=+0(\0):string b=+0(\16):ustring c=+0(+0(\0)):string ok=count',
    'strings': 'n=+0(file->f_path.dentry->d_name.name):char[3] sa=+40(file->f_path.dentry):string[1]',
    'cast': 'n=(dentry)(file->f_path.dentry)->d_name.len i=(inode,i_data)(file->f_mapping)->i_ino '
            'm=(inode)(file->f_inode)->i_mode:x16',
}
ENTRY = dict(FUNC)
REGS = {
    'regs': 'di=%di si=%si dx=%dx:u32 ip=%ip:symbol ips=%ip:symstr ax8=%dx:s8',
    'stack': 's0=$stack0 s1=$stack1:x32 sp=$stack',
}
RETURN = dict(FUNC)
RETURN['retval'] = 'r=$retval r8=$retval:u8 s=$retval:s32 x=$retval:x64 b=$retval:b4@0/32'
TRACE = {
    'names': 'regs id',
    'ints': ints('id'),
    'bits': bits('id'),
    'mem': 'ip=+128(regs) flags=+144(regs):x32 sp8=+152(regs):u8',
    'chain': 'ip=regs->ip di=regs->di dx=regs->dx:u16 sx=regs->si:s32',
    'array': 'r=+80(regs):x64[4] h=+112(regs):u16[4] c=+112(regs):u8[8]',
    'ustring': 'f=+0(+104(regs)):ustring',
    'comm': 'c=$comm',
    'imm': r'a=\7 s=\"text"',
    'fault': r'a=+0(\0):string b=+0(\16):ustring',
}
EVENT = {
    'ints': ints('$flags'),
    'bits': bits('$mode'),
    'names': 'dfd=$dfd:s32 flags=$flags mode=$mode:x16',
    'ustring': 'f=$filename:ustring g=+0($filename):ustring',
    'umem': 'a=+u0($filename):x32 b=+u1($filename):char',
    'array': 'a=+0($filename):u8[4] c=+0($filename):char[7]',
    'comm': 'c=$comm:string',
    'imm': r'a=\7:u16',
}
USER = {
    'ints': ints('%di'),
    'bits': bits('%si'),
    'regs': 'a=%di b=%si:u32 s=%si:s32 d=%dx:x32',
    'string': 's=+0(%dx):ustring t=+0(%dx):string m=+48(%cx):string[3]',
    'array': 'b=+0(%cx):u8[8] c=+0(%cx):char[8] s=+8(%cx):s16[4] i=+16(%cx):s32[4] l=+32(%cx):s64[2] x=+32(%cx):x64[2]',
    'mem': 'a=+16(%cx):s32 b=+20(%cx):u32 c=+32(%cx):s64 d=+72(%cx):string',
    'comm': 'c=$comm',
    'stack': 's=$stack0 p=$stack:x32',
    'imm': r'a=\7 b=\-3:s8',
}
USER_RETURN = {
    'retval': 'r=$retval s=$retval:s64 u=$retval:u32 b=$retval:b4@0/32',
    'comm': 'c=$comm',
    'stack': 'p=$stack:x32',
}


def definitions(ufunc):
    out = []

    def add(kind, head, place, families):
        for name, args in families.items():
            out.append((f'{kind}_{name}', head, place, args))
    add('p', 'p', 'vfs_write', {**ENTRY, **REGS})
    add('f', 'f', 'vfs_write', ENTRY)
    add('r', 'r', 'vfs_write', RETURN)
    add('fr', 'f', 'vfs_write%return', RETURN)
    add('t', 't', 'sys_enter', TRACE)
    add('e', 'e', 'syscalls/sys_enter_openat', EVENT)
    add('u', 'p', f'/prog:{ufunc:#x}', USER)
    add('ur', 'r', f'/prog:{ufunc:#x}', USER_RETURN)
    out.append(('mid', 'p', 'vfs_write+MID', 'di=%di c=$comm ip=%ip:symstr'))
    return out


SCRIPT = r'''
T=/sys/kernel/tracing
echo 16384 >$T/buffer_size_kb
n=5
while ! echo "p:try/mid vfs_write+$n" >>$T/kprobe_events 2>/dev/null; do n=$((n + 1)); done
echo >$T/kprobe_events
sed -i "s/MID/$n/" defs/*
for part in defs/*; do
	faults=
	case $part in defs/v*) faults=--exact-faults ;; esac
	sed 's/^\([a-z]\):/\1:kernel\//' $part >native.defs
	foreland probe lower --readme $T/README - <native.defs >lowered.defs 2>>lower.err
	: >ours.defs
	while read -r line; do
		name=${line#*kernel/}
		name=${name%% *}
		# 6.1 has no types from BTF: what it makes of a bare argument is another thing
		if [ "$(uname -r | cut -c1-4)" != 6.1. ] && echo "$line" >>$T/dynamic_events 2>>kernel.err; then
			how=native
		elif grep ":kernel/$name " lowered.defs >text; then
			how=lowered
			cat text >>$T/dynamic_events 2>>kernel.err || how=refused
		else
			how=unsaid
		fi
		echo "$name $how" >>how
		[ $how = unsaid ] || echo "$line" | sed 's/:kernel/:ours/' >>ours.defs
	done <native.defs
	[ -s ours.defs ] || continue
	echo >$T/trace
	echo 'comm == "prog"' >$T/events/kernel/filter
	echo 1 >$T/events/kernel/enable
	foreland trace --bytes $faults --comm prog --file ours.defs -- /prog >>ours.txt 2>>ours.err
	echo "status $?" >>status
	echo 0 >$T/events/kernel/enable
	cat $T/trace >>kernel.txt
	echo >$T/dynamic_events
done
cat lower.err kernel.err >>ours.err
'''


def events(path):
    """Texts behind the place, by event."""
    text = open(path, encoding='latin-1', newline='\n').read()
    text = re.sub(r'^#.*\n', '', text, flags=re.M)
    head = re.compile(r'^ *\S.{0,15}-\d+ +\[\d{3}\] .{5} +\d+\.\d{6}: (\w+): \(([^)]*)\)', re.M)
    found = list(head.finditer(text))
    out = {}
    for m, end in zip(found, [m.start() for m in found[1:]] + [len(text)]):
        out.setdefault(m[1], []).append((m[2], text[m.end():end].rstrip('\n')))
    return out


def place(text):
    """Function, without where an entry is counted from. Two tracers on one return hide its caller
    from each other."""
    return re.sub(r'\+0x[04]/', '+/', re.sub('^.* <- ', '', text))


def random_ones(count, seed):
    casts = importlib.import_module('casts_gen')
    folder = subprocess.run([vm, '--exported'], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    level = '6.1' if os.environ.get('FORELAND_VM_KERNEL') == '6.1' else '6.12'
    made = casts.generate(static(), folder, level, count, seed)
    return casts, [(f'v{i}', text[0], *text.split(' ', 2)[1:]) for i, text in enumerate(made)]


def write_parts(work, defs):
    """So many at a time; the kernel takes one t event a tracepoint."""
    os.mkdir(f'{work}/defs')
    counts = collections.Counter()
    for name, head, where, args in defs:
        group = 'v' if re.fullmatch(r'v\d+', name) else 't' if head == 't' else 'a'
        part = list(TRACE).index(name[2:]) if group == 't' else counts[group] // {'v': 50, 'a': 9}[group]
        counts[group] += 1
        with open(f'{work}/defs/{group}{part:03}', 'a') as f:
            f.write(f'{head}:{name} {where} {args}\n')


def judge_random(casts, defs, ours, kernel):
    equal = faults = 0
    wrong = []
    for name, head, where, args in defs:
        why, n, bad = casts.compare(ours.get(name, []), kernel.get(name, []))
        equal += n
        faults += bad
        wrong += [f'{head}:{name} {where} {args}: {why}'] if why else []
    expect(f'{len(defs)} with casts and paths at random: {equal} values equal, {faults} faults',
           not wrong and equal >= 2 * len(defs), '\n'.join(wrong))


def judge_fixed(defs, ours, kernel):
    for name, head, where, args in defs:
        a, b = ours.get(name, []), kernel.get(name, [])
        if ':ustring' in args and os.environ.get('FORELAND_VM_KERNEL') != '7.3':
            # an empty one is a fault to older kernels (strncpy_from_user_nofault() gives 0 for it)
            a, b = ([(p, t.replace('=""', '=(fault)')) for p, t in rows] for rows in (a, b))
        good = a and [t for _, t in a] == [t for _, t in b]
        if good and not name.startswith(('t_', 'e_')):
            good = [place(p) for p, _ in a] == [place(p) for p, _ in b]
        expect(f'{name}: {len(a)} firings', good,
               f'{head}:{name} {where} {args}\nours   ' + '\n       '.join(map(str, a[:3])) +
               '\nkernel ' + '\n       '.join(map(str, b[:3])))


def sum_up(defs, how, ours):
    """Definitions and firings that were compared, by hook: as they stand, and in lowered text."""
    rows = collections.defaultdict(collections.Counter)
    for name, head, where, _ in defs:
        kind = {'p': 'uprobe' if where[0] == '/' else 'kprobe', 'r': 'uretprobe' if where[0] == '/' else 'kretprobe',
                'f': 'fexit' if '%return' in where else 'fentry', 't': 'tracepoint', 'e': 'event'}[head]
        rows[kind][how[name]] += 1
        rows[kind]['firings'] += len(ours.get(name, []))
    for kind, n in sorted(rows.items()):
        print(f'# {os.environ.get("FORELAND_VM_KERNEL", "6.12")} {kind}: {n["native"]} as they stand, {n["lowered"]} lowered, '
              f'{n["unsaid"]} not to be said there; {n["firings"]} firings')


def main():
    need()
    count, seed = [int(a) for a in sys.argv[1:]] + [0, 1][len(sys.argv) - 1:]
    with tempfile.TemporaryDirectory() as work:
        with open(f'{work}/p.c', 'w') as f:
            f.write(PROGRAM)
        subprocess.run(['gcc', '-O1', '-w', '-static', '-no-pie', '-o', f'{work}/prog', f'{work}/p.c'],
                       check=True)
        nm = subprocess.run(['nm', f'{work}/prog'], capture_output=True, text=True).stdout
        ufunc = int(re.search(r'^(\w+) T ufunc$', nm, re.M)[1], 16) - 0x400000
        inline = 'd_iname' if known('d_iname') else 'd_shortname.string'    # as of 6.14
        fixed = [(name, head, where, args.replace('D_INAME', inline)) for name, head, where, args in definitions(ufunc)]
        casts, random = random_ones(count, seed) if count else (None, [])
        write_parts(work, fixed + random)
        bring = []
        for name in ('ours.txt', 'kernel.txt', 'ours.err', 'status', 'how'):
            bring += ['--bring', f'{home}/{name}:{work}/{name}']
        ended = run(SCRIPT, '--mem', '1536', '--copy', f'{work}/prog:/prog',
                    '--copy', f'{work}/defs', *bring)
        if ended.returncode:
            return 1
        err = open(f'{work}/ours.err', errors='replace').read()
        expect('every trace ended well', set(open(f'{work}/status')) == {'status 0\n'}, err)
        ours, kernel = events(f'{work}/ours.txt'), events(f'{work}/kernel.txt')
        how = dict(line.split() for line in open(f'{work}/how'))
        expect('the kernel took what can be said in its text', len(how) == len(fixed + random) and
               'refused' not in how.values(), str(how) + err)
        judge_fixed([d for d in fixed if how[d[0]] != 'unsaid'], ours, kernel)
        if random:
            judge_random(casts, [d for d in random if how[d[0]] != 'unsaid'], ours, kernel)
        sum_up(fixed + random, how, ours)
    return done()


if __name__ == '__main__':
    sys.exit(main())
