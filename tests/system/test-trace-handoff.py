#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two processes hand work to each other while sched_switch is traced.

What the lines must say is known from elsewhere: the names are chosen here, the pids are fork()'s,
and how many CPUs a process may use is set with sched_setaffinity() and read back from /proc.

usage: test-trace-handoff.py FORELAND
"""
import ctypes, json, os, re, signal, subprocess, sys, time

foreland = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
DEF = ('t:demo/switch sched_switch from=prev->comm:string to=next->comm:string pid=next->pid '
       'cpus=$current->nr_cpus_allowed')


def may_load_bpf():
    """Loads "return 0" as a raw tracepoint program, without foreland."""
    insns = (ctypes.c_uint64 * 2)(0x00000000000000b7, 0x0000000000000095)
    licence = ctypes.c_char_p(b'GPL')
    attr = (ctypes.c_uint64 * 16)()
    attr[0] = 17 | 2 << 32                        # BPF_PROG_TYPE_RAW_TRACEPOINT, 2 instructions
    attr[1] = ctypes.addressof(insns)
    attr[2] = ctypes.cast(licence, ctypes.c_void_p).value
    fd = libc.syscall(321, 5, attr, 48)           # bpf(BPF_PROG_LOAD), x86-64
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def name_self(name):
    libc.prctl(15, name.encode(), 0, 0, 0)        # PR_SET_NAME


def player(name, cpus, get, put):
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    name_self(name)
    os.sched_setaffinity(0, cpus)
    while os.read(get, 1):
        time.sleep(0.002)
        os.write(put, b'x')
    os._exit(0)


def allowed(pid):
    for line in open(f'/proc/{pid}/status'):
        if line.startswith('Cpus_allowed:'):
            return bin(int(line.split()[1].replace(',', ''), 16)).count('1')


def ready(name, pid):
    """It has its name, and its CPUs: of one that hands on, one."""
    return open(f'/proc/{pid}/comm').read() == name + '\n' and (name == 'fl-wide' or allowed(pid) == 1)


def run(*options):
    r = subprocess.run([foreland, 'trace', *options, DEF], capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == 0, r
    return r


def check(rows, players, narrow, wide):
    """rows: (comm, pid of the line; from, to, pid, cpus)"""
    by_name = {name: pid for name, pid in players.items()}
    seen = {name: 0 for name in players}
    handed = set()
    for comm, pid, from_, to, to_pid, cpus in rows:
        if to in by_name:
            assert to_pid == by_name[to], (to, to_pid, by_name)
        if from_ in by_name:
            assert comm == from_ and pid == by_name[from_], (comm, pid, from_, by_name)
            assert cpus == (wide if from_ == 'fl-wide' else narrow), (from_, cpus)
            seen[from_] += 1
            handed.add((from_, to))
    assert all(seen.values()), seen
    assert handed & {('fl-ping', 'fl-pong'), ('fl-pong', 'fl-ping')} or len(rows) < 200, handed


def main():
    if os.uname().machine != 'x86_64' or not may_load_bpf():
        print('raw tracepoint programs cannot be loaded here')
        sys.exit(77)
    if os.stat('/proc/self/ns/pid').st_ino != 0xeffffffc:
        print("in a pid namespace fork()'s numbers are not those that the kernel traces")
        sys.exit(77)
    ping, pong, wide = os.pipe(), os.pipe(), os.pipe()
    cpu = {min(os.sched_getaffinity(0))}
    players = {'fl-ping': player('fl-ping', cpu, ping[0], pong[1]),
               'fl-pong': player('fl-pong', cpu, pong[0], ping[1]),
               'fl-wide': player('fl-wide', os.sched_getaffinity(0), wide[0], wide[1])}
    try:
        os.write(ping[1], b'x')
        os.write(wide[1], b'x')
        end = time.monotonic() + 60
        while not all(ready(name, pid) for name, pid in players.items()) and time.monotonic() < end:
            time.sleep(0.01)
        narrow, all_cpus = allowed(players['fl-ping']), allowed(players['fl-wide'])
        assert narrow == 1 and all_cpus == len(os.sched_getaffinity(0))

        line = re.compile(r'^ *(.{1,16})-(\d+) +\[(\d{3})\] .{5} +\d+\.\d{6}: switch: '
                          r'\(__probestub_sched_switch\) '
                          r'from="(.*)" to="(.*)" pid=(\d+) cpus=(\d+)$')
        text = run('-t', '1').stdout.splitlines()
        rows = []
        for t in text:
            m = line.match(t)
            assert m, t
            rows.append((m[1], int(m[2]), m[4], m[5], int(m[6]), int(m[7])))
        check(rows, players, narrow, all_cpus)
        times = [float(re.search(r' (\d+\.\d{6}): ', t)[1]) for t in text]
        assert times == sorted(times)

        objects = [json.loads(l) for l in run('-t', '1', '--json').stdout.splitlines()]
        assert objects[0]['type'] == 'schema' and objects[-1]['type'] == 'summary'
        rows = [(o['comm'], o['pid'], o['args']['from'], o['args']['to'], o['args']['pid'],
                 o['args']['cpus']) for o in objects[1:-1]]
        check(rows, players, narrow, all_cpus)
        s = objects[-1]['events'][0]
        assert s['records'] == len(rows) and s['hits'] == s['records'] + s['filtered'] + s['lost'], s

        # -n is exact, -p and --comm leave out all others
        assert len(run('-n', '5').stdout.splitlines()) == 5
        for option in (('-p', str(players['fl-pong'])), ('--comm', 'fl-pong')):
            lines = run('-t', '50', '-n', '5', *option).stdout.splitlines()
            assert lines and all('from="fl-pong"' in l for l in lines), option
    finally:
        for pid in players.values():
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


main()
