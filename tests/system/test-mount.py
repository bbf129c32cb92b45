#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland mount: what FUSE and mount namespaces do to the trees, with the kernel's own VFS on the other side.

The expected behaviour is that of the kernel's files (O_TRUNC, errno at write(2), 0640 root) and of mount(2).
usage: test-mount.py FORELAND
"""
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tap import check as tell, done

foreland = os.path.abspath(sys.argv[1])


def inside(script, *options):
    """A shell in the command's namespace, with T, C and P for the paths that it sees."""
    head = 'T=/sys/kernel/tracing C=/sys/kernel/config/pci_ep P=/sys/bus/pci\n'
    return subprocess.run([foreland, 'mount', *options, '-', '--', 'bash', '-c', head + script],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)


def prints(expected, script, what, *options):
    r = inside(script, *options)
    tell(r.stdout == expected and r.returncode == 0, what, f'{r.returncode}\n{r.stdout}{r.stderr}')


def skip(why):
    print('1..0 # SKIP', why)
    sys.exit(0)


probe = inside('true')
if probe.returncode and re.search('mounting|namespace|fuse', probe.stderr):
    skip('nothing can be mounted here: ' + probe.stderr.strip())

# ---- the command ----
mounts = open('/proc/self/mountinfo').read()
tell(inside('exit 7').returncode == 7, "the command's exit status is passed on")
tell(inside('kill -TERM $$').returncode == 128 + signal.SIGTERM, 'so is the signal that ended it')
tell(subprocess.run([foreland, 'mount', '-', '--', '/nonexistent/program'], stderr=subprocess.DEVNULL).returncode
     == 127, 'a program that is not there is 127')
tell(subprocess.run([foreland, 'mount', '-', '--', '/etc/passwd'], stderr=subprocess.DEVNULL).returncode
     == 126, 'one that cannot be executed is 126')
tell(subprocess.run([foreland, 'mount', '-', '--', 'pwd'], cwd='/usr/share', capture_output=True, text=True).stdout
     == '/usr/share\n', 'the command begins in the folder of its caller')
tell(subprocess.run([foreland, 'mount', '-'], stderr=subprocess.DEVNULL).returncode == 2, "'-' wants a command")
tell(subprocess.run([foreland, 'mount', '--only', 'nothing', '-', '--', 'true'],
                    stderr=subprocess.DEVNULL).returncode == 2, 'an unknown tree is wrong usage')
tell(open('/proc/self/mountinfo').read() == mounts, 'outside of the command nothing is mounted')
prints('kept\n', 'test -e /sys/kernel/btf && echo kept', 'the other entries of /sys/kernel are there')

# ---- files ----
prints('p:kprobes/one vfs_read\n', 'echo p:one vfs_read >$T/kprobe_events; cat $T/kprobe_events', 'a definition is listed')
prints('p:kprobes/two vfs_write\n', 'echo p:one vfs_read >$T/kprobe_events; echo p:two vfs_write >$T/kprobe_events; '
       'cat $T/dynamic_events', 'O_TRUNC removes what was there')
prints('2\n', 'echo p:one vfs_read >$T/kprobe_events; echo p:two vfs_write >>$T/kprobe_events; '
       'wc -l <$T/dynamic_events', 'O_APPEND does not')
r = inside('echo "p vfs_read \\$nothing" >$T/kprobe_events')
tell('Invalid argument' in r.stderr, 'a refusal is the errno of write(2)', r.stderr)
prints('trace_kprobe: error: Invalid $-variable specified\n',
       'echo "p vfs_read \\$nothing" 2>/dev/null >$T/kprobe_events; grep -o "trace_kprobe: error: .*" $T/error_log', 'and the reason stands in error_log')
prints('1000\n', 'for i in $(seq 1000); do echo "p:g/e$i vfs_read arg_with_a_long_name=%ax"; done >/tmp/mount-$$; '
       'cat /tmp/mount-$$ >$T/kprobe_events; rm /tmp/mount-$$; wc -l <$T/kprobe_events', '40,000 bytes in one write')
prints('9000\n', 'for i in $(seq 9000); do echo "p:g/e$i vfs_read arg_with_a_long_name=%ax"; done >/tmp/mount-$$; '
       'dd if=/tmp/mount-$$ of=$T/kprobe_events bs=4M 2>/dev/null; rm /tmp/mount-$$; wc -l <$T/kprobe_events',
       'a write that the kernel cuts loses no line')
prints('20002\n', 'for i in $(seq 20000); do echo "p:g/e$i vfs_read"; done >/tmp/mount-$$; cat /tmp/mount-$$ >$T/kprobe_events; '
       'rm /tmp/mount-$$; ls -l $T/events/g | grep -c "^d\\|^-"', 'a folder of 20,000 events is listed', '--only', 'tracing')
SENDFILE = """python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
out = os.open("/tmp/mount-out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
try:
    while os.sendfile(out, fd, None, 1 << 16): pass
    print(os.stat("/tmp/mount-out").st_size)
except OSError as e: print(e.errno)
os.unlink("/tmp/mount-out")
' """
prints('same\n', f'echo p:one vfs_read >$T/kprobe_events; for i in $(seq 400); do echo p:e$i vfs_write >>$T/kprobe_events; '
       f'done; test $({SENDFILE} $T/kprobe_events) = $(cat $T/kprobe_events | wc -c) && echo same',
       'sendfile(2) gives the whole text')
prints('refused\n', f'echo text >$T/trace_marker; r=$({SENDFILE} $T/trace_pipe); test $r = 5 -o $r = 22 && echo refused; '
       'timeout 1 cat $T/trace_pipe | grep -q text', 'of a pipe it is refused, and nothing is lost')
prints('[001]\n', """taskset -c 1 sh -c 'echo "a) [b" >$0/trace_marker' $T; grep -o '\\[...\\] .* a) .b$' $T/trace | cut -c1-5""",
       'a marker has the CPU of who wrote it') if len(os.sched_getaffinity(0)) > 1 else None
if os.geteuid() == 0 and 'tracefs' in open('/proc/filesystems').read():
    prints('listed\n', 'test -e $T/events/sched/sched_switch/format && echo listed', "the kernel's events are listed")
prints('640 750\n', 'echo $(stat -c %a $T/kprobe_events $T/events)', "the files are root's")
prints('', 'chmod 666 $T/kprobe_events 2>/dev/null && echo changed; true', 'and stay so')
prints('gone\n', 'echo p:g/e vfs_read >$T/kprobe_events; ls -l $T/events/g/e >/dev/null; echo >$T/kprobe_events; '
       'sleep 0.3; test -e $T/events/g/e || echo gone', 'a removed event is not there any more')

# ---- the endpoint ----
HOWTO = '''cd $C
mkdir functions/pci_epf_dma/dma0
echo 0x1111 >functions/pci_epf_dma/dma0/vendorid
echo 0x2222 >functions/pci_epf_dma/dma0/deviceid
echo 1 >functions/pci_epf_dma/dma0/msi_interrupts
echo 2 >functions/pci_epf_dma/dma0/pci_epf_dma.0/wr_chans
echo 2 >functions/pci_epf_dma/dma0/pci_epf_dma.0/rd_chans
ln -s controllers/*.pcie-ep functions/pci_epf_dma/dma0/primary/
echo 1 >controllers/e65d0000.pcie-ep/start
'''
prints('0x1111\n1\n', HOWTO + 'cat functions/pci_epf_dma/dma0/vendorid; cat controllers/*/start',
       'the how-to, typed by a shell; ln -s is looked up from where the shell stands')
prints('0x1111 0x2222\n', HOWTO + 'echo 1 >$P/rescan; cd $P/devices/0*; echo $(cat vendor device)',
       'the host sees the function')
prints('driver\n', HOWTO + 'echo 1 >$P/rescan; cd $P/devices/0*; echo dw-edma-pcie >driver_override; '
       'echo ${PWD##*/} >$P/drivers_probe; ls -d driver', 'driver_override and drivers_probe bind')

with tempfile.TemporaryDirectory() as d:
    # The other end is a process of its own: what it writes by DMA it must read back, over every channel.
    ASK = f"""
ask() {{
    for i in $(seq 300); do # a socket is there a moment before it listens
        {foreland} epdma host verify --socket {d}/s >{d}/said 2>&1 && break; sleep 0.05
    done
    grep -o ' 0 different' {d}/said || cat {d}/said
}}
test -S {d}/s || echo none yet
"""
    BIND = 'ln -s controllers/*.pcie-ep functions/pci_epf_dma/dma0/primary/\n'
    START = 'echo 1 >controllers/e65d0000.pcie-ep/start\n'
    before = HOWTO.replace(BIND, '').replace(START, '').replace('echo 1 >functions/pci_epf_dma/dma0/msi', 'echo 4 >functions/pci_epf_dma/dma0/msi')
    prints('none yet\n 0 different\ngone\n 0 different\n', ASK.join([before, BIND + START + 'ask\n'
           'rm functions/pci_epf_dma/dma0/primary/*.pcie-ep; test -S ' + d + '/s || echo gone\n' + BIND + 'ask\n']),
           'what the how-to has started answers a host at the socket; unbound, it is gone', '--socket', d + '/s')
    r = inside('true', '--socket', d + '/nowhere/s')
    tell(r.returncode == 1 and 'nowhere' in r.stderr, 'a socket that cannot be made is said', r.stderr)
    r = inside('true', '--socket', d + '/s', '--only', 'pci')
    tell(r.returncode == 2, 'a host in the tree and one at a socket exclude each other', r.stderr)

# ---- a folder ----
with tempfile.TemporaryDirectory() as d:
    server = subprocess.Popen([foreland, 'mount', '--only', 'tracing', d])
    end = time.monotonic() + 20
    while not os.path.exists(d + '/tracing/README') and time.monotonic() < end:
        time.sleep(0.02)
    tell(os.listdir(d) == ['tracing'], '--only chooses', os.listdir(d))
    with open(d + '/tracing/kprobe_events', 'w') as f:
        f.write('p:m/mine vfs_read\n')
    tell(os.path.isfile(d + '/tracing/events/m/mine/format'), 'a folder is served to everybody')
    # A path into the mount itself: looked up by the server, it must not make it wait for itself.
    try:
        with open(d + '/tracing/uprobe_events', 'w') as f:
            f.write(f'p:m/loop {d}/tracing/README:0x10\n')
        said = 0
    except OSError as e:
        said = e.errno
    tell(said == errno.ENOENT, 'the server does not see its own mount', said)
    held = open(d + '/tracing/README')
    server.send_signal(signal.SIGINT)
    tell(server.wait(20) == 0, 'Ctrl-C ends it, also with an open file')
    held.close()
    tell(not os.path.ismount(d) and os.listdir(d) == [], 'and the folder is empty again')

    server = subprocess.Popen([foreland, 'mount', '--only', 'tracing', d])
    while not os.path.exists(d + '/tracing/README') and time.monotonic() < end:
        time.sleep(0.02)
    subprocess.run(['umount', d], check=True)
    tell(server.wait(20) == 0, 'umount ends it')

    server = subprocess.Popen([foreland, 'mount', '--only', 'tracing', d])
    while not os.path.exists(d + '/tracing/README') and time.monotonic() < end:
        time.sleep(0.02)
    server.kill()
    server.wait()
    second = subprocess.Popen([foreland, 'mount', '--only', 'tracing', d])
    good = False
    while not good and time.monotonic() < end + 20:
        time.sleep(0.02)
        try:
            with open(d + '/tracing/README', encoding='utf-8') as f:
                good = f.read() != ''  # the kernel still knows of the dead server's that it was there
        except OSError:
            pass
    tell(good, "a killed server's folder can be mounted again")
    second.terminate()
    second.wait()
    tell(not os.path.ismount(d) and os.listdir(d) == [], 'and nothing of the two is left')

# ---- a user who may not mount: fusermount3 does ----
NOBODY = f"""
mount -t tmpfs none /mnt && mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse || exit 77
mkdir -m 777 /mnt/dir && cp {foreland} /mnt/foreland && cd /mnt || exit 77
exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '
    ./foreland mount --only tracing dir 2>/mnt/dir.error &
    for i in $(seq 200); do test -e dir/tracing/README && break; sleep 0.05; done
    echo "p:u/one vfs_read" >dir/tracing/kprobe_events; cat dir/tracing/kprobe_events
    echo "p:u/two vfs_read \\$nothing" 2>/dev/null >>dir/tracing/kprobe_events; grep -c Invalid dir/tracing/error_log
    ls dir/tracing/events/u; printf 1 | dd of=dir/tracing/events/u/one/enable 2>&1 | grep -o "Operation not permitted"
    fusermount3 -u dir || kill $!; wait; echo ended'
"""
if shutil.which('fusermount3') and shutil.which('setpriv') and os.geteuid() == 0:
    r = subprocess.run(['unshare', '-m', 'sh', '-c', NOBODY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       timeout=120)
    refused = re.search('fusermount3: (.*)', r.stderr)      # in a root without /etc/mtab, for one
    if r.returncode == 77 or refused:
        tell(True, f'as another user # SKIP {refused[1] if refused else "there can be no /dev/fuse for it"}')
    else:
        tell(r.stdout == "p:u/one vfs_read\n1\nenable\nfilter\none\nOperation not permitted\nended\n",
             'as another user: definitions and their errors, EPERM at enable; fusermount3 -u ends it', r.stdout + r.stderr)

sys.exit(done())
