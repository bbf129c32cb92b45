#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland mount --only allocinfo: the kernel's file and requests where the kernel has none.

The judges are the kernel's own selftest (tools/testing/selftests/alloc_tag of linux-source 7.3, compiled here and
unmodified) over a text such as a profiling kernel shows; and, over this kernel's own allocations, ioctl(2) against
the text, by the structures of the kernel's header. usage: test-allocinfo.py FORELAND SOURCE
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import check as tell, done

foreland, source = os.path.abspath(sys.argv[1]), sys.argv[2]


def mounted(*command, **more):
    return subprocess.run([foreland, 'mount', '--only', 'allocinfo', '-', '--', *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, **more)


if not os.path.exists('/proc/allocinfo'):
    probe = mounted('true')
    if probe.returncode:
        print('1..0 # SKIP', probe.stderr.strip().split('\n')[-1])
        sys.exit(0)
    r = mounted('cat', '/proc/allocinfo')
    lines = r.stdout.split('\n')
    tell(lines[0].startswith('allocinfo - version: ') and len(lines) > 10 and
         all(re.fullmatch(r' *-?\d+ +\d+ \S+:\d+( \[\w+\])? func:\S+( accurate:no)? ', line) for line in lines[2:-1]),
         "this kernel's own allocations are lines of the kernel's form", r.stdout[:500] + r.stderr)
    r = mounted('sh', '-c', 'test -r /proc/self/status && test -d /proc/$$/fd && test -r /proc/meminfo && echo all')
    tell(r.stdout == 'all\n' and 'processes that start later' in r.stderr, 'all else of /proc is there, and what is not is said',
         r.stdout + r.stderr)
    r = mounted('stat', '-c', '%a %U', '/proc/allocinfo')
    tell(r.stdout == '400 root\n', "the file is root's", r.stdout)
    r = mounted(foreland, 'alloc', 'show', '--json', '--function', 'pte_alloc_one')
    tell('"function":"pte_alloc_one"' in r.stdout, 'a client that filters by function gets it (by ioctl)', r.stdout + r.stderr)

# The kernel's test, over a text; the tags that it looks for are the kernel's own.
fetched = subprocess.run([os.path.join(source, 'scripts/linux-source'), '7.3'], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
if fetched.returncode or not shutil.which('gcc'):
    print(f'# no selftest: {fetched.stderr.strip()}')
else:
    linux = fetched.stdout.strip()
    text = ['allocinfo - version: 2.0', '#     <size>  <calls> <tag info>']
    text += [f'{i * 96:12} {i:8} mm/memory.c:{1000 + i} func:do_{i} ' for i in range(1, 9)]
    text += [f'{i * 4096 + 24:12} {i:8} kernel/fork.c:{1500 + i} func:dup_mm ' for i in range(1, 3)]
    text += ['       12345        3 kernel/module/main.c:2956 func:do_init_module ']
    text += [f'{i * 64:12} {i:8} fs/file{i}.c:{i} [ext4] func:f{i} ' for i in range(300)]
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(d + '/include/linux')
        os.symlink(linux + '/include/uapi/linux/alloc_tag.h', d + '/include/linux/alloc_tag.h')
        subprocess.run(['gcc', '-static', '-o', d + '/test', '-I', d + '/include',
                        linux + '/tools/testing/selftests/alloc_tag/allocinfo_ioctl_test.c'], check=True)
        with open(d + '/allocinfo', 'w') as f:
            f.write('\n'.join(text) + '\n')
        # A /proc with that file, as a kernel with profiling and without the requests has it.
        script = f'''
            mkdir {d}/proc && mount -t tmpfs none {d}/proc && mkdir {d}/proc/real && mount --rbind /proc {d}/proc/real || exit 77
            for e in $(ls /proc); do ln -s real/$e {d}/proc/$e; done
            rm -f {d}/proc/allocinfo; cp {d}/allocinfo {d}/proc/allocinfo && mount --move {d}/proc /proc || exit 77
            exec {foreland} mount --only allocinfo - -- sh -c '{d}/test; cat /proc/allocinfo >{d}/copy'
        '''
        r = subprocess.run(['unshare', '-m', 'sh', '-c', script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=120)
        for name in ('filename', 'function', 'size', 'lineno'):
            tell(re.search(rf'^ok \d+ test_{name}_filter$', r.stdout, re.M), f"the kernel's test_{name}_filter", r.stdout + r.stderr)
        tell(os.path.exists(d + '/copy') and open(d + '/copy').read() == '\n'.join(text) + '\n',
             'the text comes out as it went in')
sys.exit(done())
