#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel with the typed probe series printed, and what foreland prints for the same
definitions and the same system calls on a stock kernel (tests/data/vectors/runtime.v6.jsonl; what
each action does stands in the README there).

For action timer a module of the same names is built (tests/vm/module): its timer fires four times, and
its own event is traced by the kernel beside ours, as in the record.

Equal means: numbers, strings, order of arguments and text form. Not compared: symbol offsets and
sizes, callers, addresses; and the answers that research names as bugs of that kernel, whose intended
form is written here beside the bug.
"""
import json, os, re, subprocess, sys, tempfile

from guest import done, expect, need, run, skip, top

here = os.path.dirname(os.path.abspath(__file__))
vectors = os.path.join(top, 'tests', 'data', 'vectors')
home = '/root'      # where a script in the guest starts

RRUN = r'''
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct udata {
	unsigned char b[8];
	short s[4];
	int i[4];
	long l[2];
	const char *str[3];
	char arr[16];
	unsigned bf_a : 3, bf_b : 7, bf_c : 22;
} UD = {
	{ 1, 2, 0x80, 0xff, 'A', 'z', 0, 9 }, { -1, 2, -300, 32767 },
	{ -5, 0x7fffffff, 0x80000000, 42 }, { -1234567890123, 0x1122334455667788 },
	{ "first", "second", "third" }, "array-text", 5, 100, 0x12345,
};

__attribute__((noinline, noclone)) long ufunc(long a, unsigned b, const char *s, struct udata *u)
{
	asm volatile("" ::: "memory");
	return 2 * a + b;
}

static int oracle(void)
{
	return openat(AT_FDCWD, "/oracle.txt", O_RDWR | O_CREAT | O_TRUNC, 0644);
}

/* The module's timer is let run, and waited for. */
static void timer(void)
{
	const char *run = "/sys/module/trace_events_sample/parameters/run";
	char left = '1';
	int fd = open(run, O_RDWR);

	write(fd, &left, 1);
	while (left != '0') {
		usleep(10000);
		pread(fd, &left, 1, 0);
	}
	close(fd);
}

static void act(const char *what)
{
	char buf[8];
	int fd;

	if (!strcmp(what, "open")) {
		close(oracle());
	} else if (!strcmp(what, "write")) {
		fd = oracle();
		write(fd, "Hello, world!", 13);
		close(fd);
	} else if (!strcmp(what, "read")) {
		fd = oracle();
		write(fd, "Hello, world!", 13);
		pread(fd, buf, 5, 7);
		close(fd);
	} else if (!strcmp(what, "lseek")) {
		fd = oracle();
		lseek(fd, 0x1122334455667788, SEEK_SET);
		close(fd);
	} else if (!strcmp(what, "lseekneg")) {
		fd = oracle();
		lseek(fd, -2, SEEK_SET);
		close(fd);
	} else if (!strcmp(what, "chdir")) {
		chdir("/sys/kernel/tracing");
		chdir("/");
	} else if (!strcmp(what, "getpid")) {
		getppid();
	} else if (!strcmp(what, "prio")) {
		getpriority(0, 0);
	} else if (!strcmp(what, "timer")) {
		timer();
	} else if (!strcmp(what, "ufunc")) {
		ufunc(-7, 0xfffffff0, "ustring arg", &UD);
	} else if (!strcmp(what, "ufuncfault")) {
		ufunc(3, 4, (char *)16, (struct udata *)8);
	}
}

int main(int argc, char **argv)
{
	int fd = open("/sys/kernel/tracing/tracing_on", O_WRONLY);

	write(fd, "1", 1);
	close(fd);
	act(argv[1]);
	fd = open("/sys/kernel/tracing/tracing_on", O_WRONLY);
	write(fd, "0", 1);
	return 0;
}
'''

# Where that kernel's line is not what its program means (the series' notes name each one).
INTENDED = {
    'symstr2': lambda line: line.replace('rrun" b=', '" b='),     # terminator overwritten
    'fault': lambda line: re.sub(r'd=\{\(fault\),".*"\}', 'd={(fault),(fault)}', line),  # stale bytes
}


def plain(line, name):
    """A line without what may differ."""
    line = line.replace('\0', ' ')
    line = re.sub(r'\((\S+) <- ', '(CALLER <- ', line)
    line = re.sub(r'\+0x[0-9a-f]+/0x[0-9a-f]+', '', line)
    line = re.sub(r'0xff[0-9a-f]{14}\b', 'ADDR', line)
    line = re.sub(r'\(0x[0-9a-f]+\)|<- 0x[0-9a-f]+\)', '(ADDR)', line)
    if name == 'fw':
        line = re.sub(r'buf=0x[0-9a-f]+', 'buf=ADDR', line)
    elif name == 'arr':                             # bytes of a pointer
        line = re.sub(r'nm=\{.*?\}', 'nm={}', line)
    elif name == 'vo':                              # what lies on the stack behind a path
        line = re.sub(r'up=0x[0-9a-f]+', 'up=', line)
    elif name == 'tp':                              # a register of the program's
        line = re.sub(r'regs=0x[0-9a-f]+', 'regs=', line)
    elif name == 'sym':                             # the kernel's own build
        line = re.sub(r'\(root@.*? %s', '(...) %s', line)
        line = re.sub(r'\(debian-kernel@.*? %s', '(...) %s', line)
    elif name == 'bf':                              # whether another CPU woke it up
        line = re.sub(r' d=[01]\b', ' d=', line)
    elif name == 'cur':                             # who started it
        line = line.replace('par="init"', 'par="foreland"')
    return line


def records():
    out = []
    later = [json.loads(l) for l in open(f'{vectors}/runtime.mainline.jsonl')]
    for i, line in enumerate(open(f'{vectors}/runtime.v6.jsonl')):
        r = json.loads(line)
        # two bugs of the exact v6: per-CPU symbols, and file offsets counted twice
        if r['def'].split()[0] in ('p:rt/pcpuk', 'p:rt/um'):
            r['text'] = later[i]['text']
        if r['def'].startswith('p:rt/bf'):      # Debian's task_struct has no brk_randomized
            r['def'] = r['def'].replace(' f=$current->brk_randomized', '')
            r['text'] = [t.replace(' f=0', '') for t in r['text']]
        if r['def'].startswith('p:rt/sym '):     # a newline inside of a string
            r['text'] = ['\n'.join(r['text'])]
        out.append(r)
    return out


def module():
    """The sample module's path, or why there is none."""
    run = subprocess.run([os.path.join(here, 'module', 'build')], capture_output=True, text=True)
    if run.returncode not in (0, 77):
        expect('the sample module builds', False, run.stderr)
    last = (run.stdout if run.returncode == 0 else run.stderr).strip().splitlines()
    return run.returncode == 0, last[-1] if last else ''


def symbols(program):
    """File offset of ufunc; address of UD; its distance from where the probed segment's file starts,
    which is what the kernel takes @+OFFSET for."""
    nm = {w[2]: int(w[0], 16) for w in (l.split() for l in subprocess.run(
        ['nm', program], capture_output=True, text=True).stdout.splitlines()) if len(w) == 3}
    segments = [[int(x, 16) for x in (w[1], w[2], w[4])] for w in (
        l.split() for l in subprocess.run(['readelf', '-lW', program], capture_output=True,
                                          text=True).stdout.splitlines()) if w[:1] == ['LOAD']]

    def in_file(addr):
        return next(addr - v + o for o, v, size in segments if v <= addr < v + size)
    text = in_file(nm['ufunc'])
    return text, nm['UD'], nm['UD'] - (nm['ufunc'] - text)


def timed(text):
    """Records of a trace and their times; a value may hold a newline."""
    head = re.compile(r'^ *\S.{0,15}-\d+ +\[\d{3}\] .{5} +(\d+\.\d{6}): ', re.M)
    starts = [m for m in head.finditer(text)]
    ends = [m.start() for m in starts[1:]] + [len(text)]
    return [(float(m[1]), text[m.end():e].rstrip('\n')) for m, e in zip(starts, ends)]


def read(path):
    with open(path, encoding='latin-1', newline='\n') as f:
        return f.read()


def main():
    need()
    todo = records()
    built, sample = module()
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f'{work}/defs')
        with open(f'{work}/r.c', 'w') as f:
            f.write(RRUN)
        subprocess.run(['gcc', '-O1', '-w', '-static', '-no-pie', '-o', f'{work}/rrun', f'{work}/r.c'],
                       check=True)
        ufunc, ud, ud_file = symbols(f'{work}/rrun')
        script = 'mkdir out\ntracing=/sys/kernel/tracing\necho mono >$tracing/trace_clock\n'
        for i, r in enumerate(todo):
            text = r['def'].replace('/rrun:0x1870', f'/rrun:{ufunc:#x}')
            text = text.replace('@0x4a70e0', f'@{ud:#x}').replace('@+0xa70e0', f'@+{ud_file:#x}')
            with open(f'{work}/defs/{i}', 'w') as f:
                f.write(text + '\n')
            comm, before, after = '--comm rrun', '', ''
            if r['action'] == 'timer':      # fires whoever runs
                if not built:
                    continue
                comm = ''
                before = 'insmod ./trace-events-sample.ko; echo 1 >$tracing/events/sample-trace/enable; '
                after = f'; grep foo_timer_fn: $tracing/trace >out/{i}.kernel'
            script += (before + f'foreland trace --bytes {comm} --file defs/{i} -o out/{i} -- /rrun {r["action"]} '
                       f'2>out/{i}.err; echo $? >out/{i}.status{after}\n')
        ended = run(script, '--copy', f'{work}/rrun:/rrun',
                    *(['--copy', sample] if built else []), '--copy', f'{work}/defs',
                    '--bring', f'{home}/out:{work}/out')
        for i, r in enumerate(todo if ended.returncode == 0 else []):
            name = re.match(r'\S+?/(\w+)', r['def'])[1]
            if r['action'] == 'timer' and not built:
                skip(f'{r["kind"]} {name}: {r["action"]}', sample)
                continue
            got = timed(read(f'{work}/out/{i}'))
            if r['action'] == 'timer':
                # ours first, where both have the same microsecond
                got = sorted(got + timed(read(f'{work}/out/{i}.kernel')), key=lambda line: line[0])
            got = [text for _, text in got]
            err = read(f'{work}/out/{i}.err')
            want = [plain(INTENDED.get(name, str)(t), name) for t in r['text']]
            got = [plain(t, name) for t in got]
            # the program's own switching of the kernel's tracer stands around the action
            same = any(got[k:k + len(want)] == want for k in range(len(got)))
            expect(f'{r["kind"]} {name}: {r["action"]}', same,
                   f'{r["def"]}\nwant {want}\ngot  {got}\n{err}')
    return done()


sys.exit(main())
