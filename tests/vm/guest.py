# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share that run one script in the guest: their results, and the guest itself."""
import os
import subprocess
import sys

top = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
vm = os.path.join(top, 'scripts', 'vm')
sys.path.insert(0, os.path.join(top, 'tests', 'system'))
from tap import done, expect, skip  # the tests take them from here


def need(missing=''):
    """Ends the test where there is no guest, or where @missing names what else is not there."""
    ready = subprocess.run([vm, '--ready'], capture_output=True, text=True)
    if ready.returncode == 77 or missing:
        print(f'1..0 # SKIP {ready.stderr.strip() or missing}')
        sys.exit(0)


def known(name):
    """Whether the guest's kernel knows @name, of whatever: it stands among the strings of its types."""
    facts = subprocess.run([vm, '--exported'], capture_output=True, text=True, check=True).stdout.strip()
    with open(os.path.join(facts, 'btf', 'vmlinux'), 'rb') as f:
        return b'\0%s\0' % name.encode() in f.read()


def static():
    """Where the static foreland is, which is built where it is not."""
    return subprocess.run([os.path.join(top, 'scripts', 'static')], check=True, capture_output=True,
                          text=True).stdout.strip()


def run(script, *options):
    """The script's end in a guest that has the static foreland, as a subprocess.CompletedProcess."""
    ended = subprocess.run([vm, '--foreland', static(), '--timeout', '900', *options], input=script,
                           capture_output=True, text=True)
    expect('the guest ran', ended.returncode == 0, ended.stdout + ended.stderr)
    return ended
