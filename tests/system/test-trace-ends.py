#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-ends.py FORELAND: however a trace ends, what it wrote is whole, and its summary says what became
of every hit: text, JSON lines, histograms (text and JSON) and recordings, ended by each signal, by a reader
that goes away, and by a full disk. What --strict says of loss is held against a reader that does not read.
"""
import array, fcntl, json, os, re, shutil, signal, subprocess, sys, tempfile, termios, threading, time

from tap import done, expect

foreland = sys.argv[1]
DEFS = ['t:e/in sys_enter id', 't:e/out sys_exit ret if ret == 7777777']
COUNTS = re.compile(r'^e/(in|out): (\d+) hits, (\d+) records, (\d+) filtered, (\d+) lost, (\d+) missed, (\d+) faults', re.M)


def totals(text):
    """hits, records, filtered, lost by event, of a text summary or of JSON's last row."""
    if text.lstrip().startswith('{'):
        last = json.loads(text.splitlines()[-1])
        assert last['type'] == 'summary'
        return {e['event']: tuple(e[k] for k in ('hits', 'records', 'filtered', 'lost', 'missed', 'faults'))
                for e in last['events']}
    return {m[1]: tuple(int(n) for n in m.groups()[1:]) for m in COUNTS.finditer(text)}


def adds_up(got, empty_ok=False):
    return set(got) == {'in', 'out'} and all(h == r + f + l for h, r, f, l, *_ in got.values()) and \
        (empty_ok or got['in'][0] > 0) and got['out'][1] == 0 and got['out'][2] + got['out'][3] == got['out'][0]


# name, options, where the summary is, a judge of what was written
def text_whole(path, got):
    lines = open(path).read().split('\n')
    return lines[-1] == '' and len(lines) - 1 == got['in'][1] and all(
        re.search(r': in: \(__probestub_sys_enter(\+\S+)?\) id=\d+$', line) for line in lines[:-1])


def json_whole(path, got):
    rows = [json.loads(line) for line in open(path)]
    return rows[0]['type'] == 'schema' and rows[-1]['type'] == 'summary' and len(rows) - 2 == got['in'][1]


def hist_whole(path, got):
    text = open(path).read()
    return re.search(r'^Totals:\n    Hits: (\d+)\n    Entries: \d+\n    Dropped: \d+$', text, re.M) and \
        int(re.search(r'Hits: (\d+)', text)[1]) == got['in'][1]


def hist_json_whole(path, got):
    rows = [json.loads(line) for line in open(path)]
    return rows[-1]['type'] == 'summary' and sum(r['hitcount'] for r in rows if r.get('event') == 'in' and
                                                'hitcount' in r) == got['in'][1]


def dat_whole(path, got):
    if not shutil.which('trace-cmd'):
        return True
    report = subprocess.run(['trace-cmd', 'report', '-N', path], capture_output=True, text=True)
    return report.returncode == 0 and len(re.findall(r' in: ', report.stdout)) == got['in'][1]


KINDS = {
    'text': ([], 'err', text_whole),
    'JSON': (['--json'], 'out', json_whole),
    'histogram': (['--hist', 'keys=id', '--hist', 'keys=ret'], 'err', hist_whole),
    'histogram as JSON': (['--json', '--hist', 'keys=id', '--hist', 'keys=ret'], 'out', hist_json_whole),
    'recording': ([], 'err', dat_whole),
}


class Caller(threading.Thread):
    """Calls the kernel a thousand times a second, so that a trace of this process has something to show."""
    def __enter__(self):
        self.over = False
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()

    def run(self):
        while not self.over:
            os.getppid()
            time.sleep(0.001)


def until(true, seconds=60):
    """Polls; what must come comes, however slow the machine is."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)


def has_written(run, path, size):
    return run.poll() is not None or any(os.path.exists(p) and os.path.getsize(p) > size for p in (path, path + '.part'))


def is_attached(run):
    """Both programs hang on their tracepoints: links among its files."""
    def target(fd):
        try:
            return os.readlink(f'/proc/{run.pid}/fd/{fd}')
        except OSError:
            return ''
    return sum('bpf_link' in target(fd) or 'raw-tracepoint' in target(fd) for fd in os.listdir(f'/proc/{run.pid}/fd')) >= 2


def by_signals(work):
    for kind, (options, where, whole) in KINDS.items():
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            path = f'{work}/out.dat' if kind == 'recording' else f'{work}/out'
            for old in (path, path + '.part'):
                if os.path.exists(old):
                    os.unlink(old)
            run = subprocess.Popen([foreland, 'trace', '-p', str(os.getpid()), *options, '-o', path, *DEFS],
                                   stderr=subprocess.PIPE, text=True)
            if 'histogram' in kind:         # writes nothing before its end
                until(lambda: run.poll() is not None or is_attached(run))
                time.sleep(0.5)
            else:
                until(lambda: has_written(run, path, 20000 if kind == 'recording' else 2000))
            run.send_signal(sig)
            if sig == signal.SIGTERM:       # timeout(1) signals its child, and then its whole group
                time.sleep(0.002)
                run.send_signal(sig)
            err = run.communicate()[1]
            got = totals(open(path).read() if where == 'out' else err)
            expect(f'{kind}: {sig.name} ends it well, and all adds up',
                   run.returncode == 0 and adds_up(got) and whole(path, got), f'{run.returncode} {got} {err}')


def by_readers(work):
    for kind in ('text', 'JSON'):
        options = KINDS[kind][0]
        run = subprocess.Popen([foreland, 'trace', *options, DEFS[0]], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        run.stdout.readline()
        run.stdout.close()
        err = run.stderr.read()
        expect(f'{kind}: a reader that goes away ends it without a complaint', run.wait() == 0 and
               'error' not in err, f'{run.returncode} {err}')
    for kind, (options, _, _) in KINDS.items():
        path = '/dev/full'
        if kind == 'recording':
            path = f'{work}/full.dat'
            os.symlink('/dev/full', path)
        run = subprocess.run([foreland, 'trace', *options, '-p', str(os.getpid()), '-t', '0.5', '-o', path, *DEFS],
                             capture_output=True, text=True)
        expect(f'{kind}: a full disk is one error, and status 1', run.returncode == 1 and
               run.stderr.count('error') == 1 and 'No space left on device' in run.stderr,
               f'{run.returncode} {run.stderr}')


def waiting(pipe):
    n = array.array('i', [0])
    fcntl.ioctl(pipe, termios.FIONREAD, n)
    return n[0]


def by_loss():
    for options, text in (([], 'text'), (['--json'], 'JSON')):
        for strict in ([], ['--strict']):
            read, write = os.pipe()
            run = subprocess.Popen([foreland, 'trace', *strict, *options, '-t', '2', *DEFS], stdout=write,
                                   stderr=subprocess.PIPE, text=True)
            os.close(write)
            until(lambda: [os.getppid() for _ in range(1000)] and waiting(read) >= 60000)   # the pipe of 64 KiB is full: now the rings fill
            for _ in range(200000):                 # 512 KiB each
                os.getppid()
            out = b''
            while block := os.read(read, 1 << 20):
                out += block
            os.close(read)
            err = run.stderr.read()
            got = totals(out.decode() if options else err)
            lost = got['in'][3] > 0
            expect(f'{text}{" --strict" if strict else ""}: what a slow reader costs is counted' +
                   (', and the status is 1' if strict else ', and the status 0'),
                   lost and adds_up(got) and run.wait() == (1 if strict else 0), f'{run.returncode} {got}')


def by_command(work):
    """COMMAND's exit status is ours (POSIX's numbers for what cannot be run), and nothing goes on after the end."""
    deaf = 'trap "" TERM; while :; do sleep 0.05; done'
    os.chmod(work, 0o755)
    open(f'{work}/plain', 'w').close()
    for name, options, command, want in (
            ('status 7 is passed through', [], ['sh', '-c', 'exit 7'], 7),
            ('signal 9 is 137', [], ['sh', '-c', 'kill -9 $$'], 137),
            ('what is not there is 127', ['-n', '2'], ['no-such-program'], 127),
            ('what is no program is 126', [], [f'{work}/plain'], 126),
            ('success is 0', [], ['true'], 0),
            ('one that does not listen is killed', ['-n', '1'], ['sh', '-c', deaf], 0)):
        for via in ('bpf', 'tracefs'):
            run = subprocess.run([foreland, 'trace', '--via', via, *options, 't sched_switch', '--', *command],
                                 capture_output=True, text=True, timeout=60)
            expect(f'{via}: COMMAND: {name}', run.returncode == want or 'NO_TRACEFS' in run.stderr,
                   f'{run.returncode} {run.stderr}')


def by_process():
    sleeper = subprocess.Popen(['sleep', '0.5'])
    run = subprocess.run([foreland, 'trace', '-p', str(sleeper.pid), 't sys_enter'], capture_output=True, text=True,
                         timeout=60) if sleeper.poll() is None else None
    sleeper.wait()
    expect('-p: a process that is not waited for yet has ended for all that', run and run.returncode == 0, run)
    last = int(open('/proc/sys/kernel/pid_max').read()) - 1
    run = subprocess.run([foreland, 'trace', '-p', str(last), 't sched_switch'], capture_output=True, text=True,
                         timeout=60)
    expect('-p: a process that is not there is an error', run.returncode == 1 and 'there is no process' in run.stderr,
           run)
    run = subprocess.run(['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', foreland, 'trace',
                          '-p', '1', '-t', '1', 't sched_switch'], capture_output=True, text=True, timeout=60)
    expect('-p: without privilege it is refused', run.returncode == 1, run)


def by_freezing(work):
    """After the Nth line nothing is counted, though the hooks still fire for some milliseconds."""
    for kind, (options, where, whole) in KINDS.items():
        if 'histogram' in kind:
            continue
        path = f'{work}/n.dat' if kind == 'recording' else f'{work}/n'
        runs = [subprocess.run([foreland, 'trace', '-p', str(os.getpid()), '-n', '1', '--strict', *options, '-o', path, DEFS[0]],
                               capture_output=True, text=True) for _ in range(5)]
        expect(f'{kind}: -n 1 --strict loses nothing', not any(r.returncode for r in runs),
               [r.stderr for r in runs])


def main():
    probe = subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True)
    if probe.returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    with tempfile.TemporaryDirectory() as work:
        with Caller():
            by_signals(work)
            by_readers(work)
            by_freezing(work)
        by_command(work)
    by_process()
    by_loss()
    return done()


sys.exit(main())
