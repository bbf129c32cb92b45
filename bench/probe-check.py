#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What 10,000 refused definitions cost: `foreland probe check`, and writing each to kprobe_events.

Both run in the guest, by turns; of foreland's time the part that one definition takes as well (its
start, reading BTF and symbols) is taken off. usage: probe-check.py FORELAND ORACLE VM STATIC
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here + '/../tests/vm')
import probe_gen # noqa: E402 (beside the tests)

SCRIPT = '''
now() { cut -d' ' -f1 /proc/uptime; }
mine() { a=$(now); foreland probe check --dialect 6.12 --file kprobe_events --json - >/dev/null; echo $a $(now); }
for i in 1 2 3 4 5; do
	echo kernel $(./{oracle} =1 <refused)
	echo ours $(mine <refused)
	echo start $(head -n 1 refused | mine)
done
'''


def refused(program, facts, count):
    """Definitions of kprobes from the generator that 6.12 does not take."""
    gen = probe_gen.Generator(probe_gen.Facts(facts), 5, 0)
    out = []
    while len(out) < count:
        some = [d for d in gen.lines(4000) if d[0] in 'pr' and '/bin' not in d and '"' not in d]
        run = subprocess.run([program, 'probe', 'check', '--json', '--dialect', '6.12', '--file',
                              'kprobe_events', '--btf', facts + '/btf/vmlinux', '--kallsyms',
                              facts + '/kallsyms', '--events', facts + '/events', '-'],
                             input='\n'.join(some) + '\n', stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.DEVNULL, check=False)
        rows = [json.loads(line) for line in run.stdout.splitlines()]
        out += [r['definition'] for r in rows if 'type' not in r and not r['ok'] and r['error']]
    return out[:count]


def main():
    program, oracle, vm, static = sys.argv[1:5]
    if subprocess.run([vm, '--ready'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      check=False).returncode:
        return 77
    facts = subprocess.run([vm, '--exported'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.strip()
    binary = subprocess.run([static], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    count = 10000
    with tempfile.TemporaryDirectory() as work:
        with open(work + '/refused', 'w') as f:
            f.write('\n'.join(refused(program, facts, count)) + '\n')
        script = SCRIPT.replace('{oracle}', os.path.basename(oracle))
        out = subprocess.run([vm, '--timeout', '900', '--foreland', binary, '--copy', oracle,
                              '--copy', work + '/refused'], input=script, text=True,
                             stdout=subprocess.PIPE, check=True).stdout
    times = {'kernel': [], 'ours': [], 'start': []}
    for line in out.splitlines():
        name, *values = line.split()
        values = [float(v) for v in values]
        times[name].append(values[-1] - values[0] if len(values) == 2 else values[0])
    kernel, ours, start = (statistics.median(times[k]) for k in ('kernel', 'ours', 'start'))
    print(f'{count} refused definitions: kernel {kernel:.2f} s, foreland {ours:.2f} s, of which '
          f'{start:.2f} s start; kernel / foreland = {kernel / max(ours - start, 0.01):.0f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
