#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The dark corners of FUSE, on a mount of the tracing tree: long and concurrent writes, blocked reads, poll, splice,
mmap, unmounting and dying with open files, and what a listing costs.

The expected behaviour is that of the kernel's tracefs, and of umount(2) and poll(2); what a listing costs is the
kernel's count of the server's read(2) calls (/proc/PID/io), one of which is a request.
usage: test-mount-corners.py FORELAND
"""
import errno
import mmap
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

from tap import check as tell, done

foreland = os.path.abspath(sys.argv[1])
DEADLINE = 60


def skip(why):
    print('1..0 # SKIP', why)
    sys.exit(0)


def until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def code(function, *args):
    try:
        function(*args)
        return 0
    except OSError as e:
        return e.errno


class Server:
    def __init__(self, where):
        self.dir, self.t = where, where + '/tracing/'
        self.process = subprocess.Popen([foreland, 'mount', '--only', 'tracing', where], stderr=subprocess.PIPE, text=True)
        if not until(lambda: os.path.exists(self.t + 'README') or self.process.poll() is not None) or \
                self.process.poll() is not None:
            skip('nothing can be mounted here: ' + self.process.stderr.read().strip())

    def open(self, name, flags):
        return os.open(self.t + name, flags)

    def read(self, name):
        with open(self.t + name) as f:
            return f.read()

    def write(self, name, text, flags=os.O_WRONLY | os.O_TRUNC):
        fd = self.open(name, flags)
        try:
            done = 0
            while done < len(text):
                done += os.write(fd, text[done:].encode())
        finally:
            os.close(fd)

    def reads(self):
        with open(f'/proc/{self.process.pid}/io') as f:
            return int(dict(line.split(': ') for line in f.read().splitlines())['syscr'])

    def ended(self):
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return 'it hangs'


if os.geteuid():
    skip('umount(8) is for root')
if subprocess.run(['unshare', '-m', 'true'], stderr=subprocess.DEVNULL).returncode:
    skip('there can be no mount namespace here')
os.environ['LC_ALL'] = 'C'
if 'FORELAND_OWN_MOUNTS' not in os.environ: # other tests look at those of the machine
    os.environ['FORELAND_OWN_MOUNTS'] = '1'
    os.execvp('unshare', ['unshare', '-m', sys.executable, *sys.argv])

with tempfile.TemporaryDirectory() as where:
    s = Server(where)

    # ---- writes ----
    forty = ''.join(f'p:g/e{i} vfs_read a_name_that_takes_room=%ax\n' for i in range(950))
    fd = s.open('kprobe_events', os.O_WRONLY | os.O_TRUNC)
    tell(len(forty) > 40000 and os.write(fd, forty.encode()) == len(forty), '40,000 bytes are one write')
    os.close(fd)
    tell(s.read('kprobe_events').count('\n') == 950, 'and are all done')
    wrong = forty.replace('e500 vfs_read', 'e500 vfs_read $nothing').replace('p:g/', 'p:h/')
    tell(code(s.write, 'kprobe_events', wrong, os.O_WRONLY | os.O_APPEND) == errno.EINVAL,
         'a wrong line among them is the error of write(2)')
    tell(s.read('kprobe_events').count('p:h/') == 500, 'what stood before it is done')
    lots = ''.join(f'p:g/e{i} vfs_read a_name_that_takes_room=%ax\n' for i in range(7000))
    s.write('kprobe_events', lots)
    tell(len(lots) > 300000 and s.read('kprobe_events').count('\n') == 7000,
         '300,000 bytes, which come in pieces, lose no line')
    s.write('kprobe_events', '')
    tell(s.read('kprobe_events') == '', 'O_TRUNC empties it')

    children = []
    for i in range(200):
        pid = os.fork()
        if pid == 0:
            os._exit(code(s.write, 'kprobe_events', f'p:g/e{i} vfs_read\n', os.O_WRONLY | os.O_APPEND))
        children.append(pid)
    status = [os.waitpid(pid, 0)[1] for pid in children]
    tell(not any(status) and s.read('kprobe_events').count('\n') == 200, 'two hundred append at once', status)

    # ---- trace_pipe ----
    def marker(text):
        s.write('trace_marker', text, os.O_WRONLY)

    fd = s.open('trace_pipe', os.O_RDONLY | os.O_NONBLOCK)
    tell(code(os.read, fd, 10) == errno.EAGAIN, 'an empty trace_pipe is EAGAIN for who does not want to wait')
    p = select.poll()
    p.register(fd, select.POLLIN)
    tell(p.poll(100) == [], 'and poll(2) says so')
    timer = threading.Timer(0.1, marker, ('now',))
    timer.start()
    tell([e for _, e in p.poll(DEADLINE * 1000)] == [select.POLLIN], 'poll(2) wakes up with what comes')
    timer.join()
    tell(b'tracing_mark_write: now' in os.read(fd, 4096), 'which then is there')
    os.close(fd)

    marker('one by one')
    fd = s.open('trace_pipe', os.O_RDONLY)
    line = b''
    while not line.endswith(b'\n'):
        line += os.read(fd, 1)
    tell(line.endswith(b' tracing_mark_write: one by one\n'), 'who reads byte by byte, as a shell does, has the whole line', line)
    os.close(fd)
    writers = [threading.Thread(target=lambda who=who: [marker(f'{who} {i}') for i in range(200)]) for who in 'ab']
    fd = s.open('trace_pipe', os.O_RDONLY)
    for w in writers:
        w.start()
    text = b''
    while text.count(b'\n') < 400: # with less room than three lines have
        text += os.read(fd, 100)
    for w in writers:
        w.join()
    os.close(fd)
    tell([re.findall(who + r' (\d+)\n', text.decode()) for who in 'ab'] == [[str(i) for i in range(200)]] * 2,
         'a reader with little room has each line of two writers, once and in order')

    class Woken(Exception):
        pass

    def wake(*_):
        raise Woken

    signal.signal(signal.SIGALRM, wake)
    fd = s.open('trace_pipe', os.O_RDONLY)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        os.read(fd, 10)
        woken = False
    except Woken:
        woken = True
    tell(woken, 'a signal ends a read that waits')
    marker('later')
    tell(b'later' in os.read(fd, 4096), 'and nothing is lost by that')
    os.close(fd)
    reader = subprocess.Popen(['cat', s.t + 'trace_pipe'], stdout=subprocess.DEVNULL)
    until(lambda: open(f'/proc/{reader.pid}/stat').read().split(')')[1].split()[0] == 'S')
    reader.kill()
    tell(reader.wait(DEADLINE) == -signal.SIGKILL, 'SIGKILL ends who waits')
    tell(s.read('tracing_on') == '1\n', 'and the server goes on')

    # ---- what direct files cannot ----
    def moved(move):
        """What arrives in the pipe, or the errno."""
        out, into = os.pipe()
        try:
            return os.read(out, 4096) if move(into) else b'nothing'
        except OSError as e:
            return e.errno
        finally:
            os.close(out)
            os.close(into)

    fd = s.open('README', os.O_RDONLY)
    text = os.pread(fd, 100, 0)
    tell(moved(lambda to: os.splice(fd, to, 100, offset_src=0)) in (text, errno.EINVAL), 'splice gives what read gives, or is refused')
    tell(moved(lambda to: os.sendfile(to, fd, 0, 100)) in (text, errno.EINVAL), 'so does sendfile, which is a splice')
    tell(code(mmap.mmap, fd, 100, mmap.MAP_SHARED, mmap.PROT_READ) == errno.ENODEV, 'a shared mapping is refused')
    os.close(fd)
    marker('spliced')
    fd = s.open('trace_pipe', os.O_RDONLY)
    got = moved(lambda to: os.splice(fd, to, 4096))
    tell(got == errno.EINVAL or b'spliced' in got, 'a pipe is never silently empty for splice', got)
    os.close(fd)

    # ---- a reader sees one moment ----
    marker('first')
    fd = s.open('trace', os.O_RDONLY)
    head = os.read(fd, 64)
    marker('second')
    rest = b''.join(iter(lambda: os.read(fd, 65536), b''))
    tell(b'first' in rest and b'second' not in rest and head.startswith(b'# tracer'), 'an open file is of one moment')
    os.close(fd)

    # ---- listings ----
    s.write('kprobe_events', ''.join(f'p:many/e{i} vfs_read\n' for i in range(4000)))
    before = s.reads()
    listed = len(os.listdir(s.t + 'events/many'))
    cost = s.reads() - before
    # A request is one read, and another one tells that there is no more.
    tell(listed == 4002 and cost < 2 * 4000 / 20, 'a listing asks for twenty entries at a time, or more', f'{listed} {cost}')
    before = s.reads()
    lines = subprocess.run(['ls', '-l', s.t + 'events/many'], stdout=subprocess.PIPE, text=True).stdout.count('\n')
    cost = s.reads() - before
    # Each is looked at by its whole path. A machine that stands still for a second may make a page of them be asked again.
    tell(lines == 4003 and cost < 4000, 'ls -l asks for no entry by itself, and for no directory on its path', f'{lines} {cost}')
    s.write('kprobe_events', '')

    # ---- an instance goes, its files are open ----
    if os.path.exists(s.t + 'events/ftrace/print/trigger'):
        os.mkdir(s.t + 'instances/a')
        s.write('instances/a/events/ftrace/print/trigger', 'hist:keys=common_pid')
        s.write('instances/a/trace_marker', 'counted', os.O_WRONLY)
        held = s.open('instances/a/events/ftrace/print/hist', os.O_RDONLY)
        other = s.open('instances/a/events/ftrace/print/trigger', os.O_RDONLY)
        os.rmdir(s.t + 'instances/a')
        tell(b'Hits: 1\n' in os.read(held, 4096), 'what was opened in a removed instance is read to its end')
        os.close(held)
        os.close(other)
        tell(not os.path.exists(s.t + 'instances/a') and s.read('tracing_on') == '1\n', 'and the server goes on')

    # ---- opening and closing ----
    def held():
        with open(f'/proc/{s.process.pid}/status') as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read())[1]), len(os.listdir(f'/proc/{s.process.pid}/fd'))

    def open_each(names, times):
        for name in names * times:
            for flags in (os.O_RDONLY | os.O_NONBLOCK, os.O_WRONLY | os.O_APPEND):
                try:
                    fd = s.open(name, flags)
                except OSError: # "snapshot" for reading, while there is none, and what is the kernel's own
                    continue
                code(os.read, fd, 65536)
                os.close(fd)

    names = [n for n in os.listdir(s.t) if os.path.isfile(s.t + n)] + ['per_cpu/cpu0/' + n for n in os.listdir(s.t + 'per_cpu/cpu0')]
    open_each(names, 20)
    before = held()
    open_each(names, 200)
    after = held()
    sanitized = b'__asan_init' in open(foreland, 'rb').read() # which keeps what was freed
    tell(len(names) > 20 and after[1] == before[1] and (sanitized or after[0] - before[0] < 512),
         'two hundred openings of each file cost no descriptor and no memory', f'{before} {after}')
    for i in range(20):
        os.mkdir(s.t + 'instances/b')
        s.write('instances/b/trace_marker', 'hi', os.O_WRONLY)
        before = before if i > 5 else held()
        os.rmdir(s.t + 'instances/b')
    tell(sanitized or held()[0] - before[0] < 512, 'nor do instances that come and go', f'{before} {held()}')

    # ---- leaving ----
    fd = s.open('README', os.O_RDONLY)
    tell(subprocess.run(['umount', where], stderr=subprocess.DEVNULL).returncode != 0 and s.read('tracing_on') == '1\n',
         'umount with an open file is refused, and nothing happens')
    subprocess.run(['umount', '-l', where], check=True)
    tell(len(os.read(fd, 100)) == 100, 'a lazy one leaves the open file')
    os.close(fd)
    tell(s.ended() == 0, 'and the server ends with it')

    s = Server(where)
    reader = subprocess.Popen(['cat', s.t + 'trace_pipe'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: open(f'/proc/{reader.pid}/stat').read().split(')')[1].split()[0] == 'S')
    subprocess.run(['umount', '-f', '-l', where], check=True)
    said = reader.communicate(timeout=DEADLINE)[1]
    tell(reader.returncode == 1 and ('not connected' in said or 'abort' in said),
         'umount -f tells who waits', f'{reader.returncode} {said}')
    tell(s.ended() == 0, 'and ends the server')

    s = Server(where)
    fd = s.open('trace_pipe', os.O_RDONLY)
    reader = subprocess.Popen(['cat', s.t + 'trace_pipe'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: open(f'/proc/{reader.pid}/stat').read().split(')')[1].split()[0] == 'S')
    s.process.kill()
    s.process.wait()
    said = reader.communicate(timeout=DEADLINE)[1]
    tell(reader.returncode == 1 and ('not connected' in said or 'abort' in said),
         'a killed server leaves nobody waiting', f'{reader.returncode} {said}')
    tell(code(os.read, fd, 10) in (errno.ENOTCONN, errno.ECONNABORTED), 'who has a file of a killed server is told')
    code(os.close, fd) # which flushes, and is told, too
    tell(subprocess.run(['umount', where], stderr=subprocess.DEVNULL).returncode == 0 and not os.path.ismount(where),
         'and what it has left can be unmounted')

sys.exit(done())
