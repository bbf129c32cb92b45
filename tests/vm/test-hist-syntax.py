#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's own tests of histograms write, out of its sources, on our tree of files.

Of each script below trigger/: every line that it writes into an event's trigger file, into synthetic_events or
dynamic_events must be accepted or refused as the script expects, one after the other on one tree. Of those that
test errors: the caret must stand where theirs does; of those that test expressions: what the file then shows.
The events' formats are those of Debian's kernel of that series.
usage: test-hist-syntax.py TRACEFS_SCRIPT VM LINUX_SOURCE SERIES
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

PROGRAM = None


def tree(lines):
    """What our tree prints, a part for each line."""
    out = subprocess.run([*PROGRAM], input=''.join(f"{line}\necho '%%%'\n" for line in lines), stdout=subprocess.PIPE,
                         text=True, check=True)
    return out.stdout.split('%%%\n')[:-1]


def variables(text):
    """NAME="VALUE" of the script."""
    return dict(re.findall(r'^(\w+)=["\']?([^"\'\n]*)["\']?$', text, re.M))


def unfolded(text, names):
    for _ in range(3):
        text = re.sub(r'\$\{?(\w+)\}?', lambda m: names.get(m[1], m[0]), text)
    return text


def writes(text):
    """(the line as it can be run, whether it is to be refused)"""
    names = variables(text)
    for line in text.replace('\\\n', ' ').splitlines():
        m = re.match(r'^(! *)?echo +(\'[^\']*\'|"[^"]*"|\'!\'"[^"]*") *(>>?) *(\S*)(.*)$', line.strip())
        if not m:
            continue
        quoted, file = m[2], unfolded(m[4], names)
        if not re.search(r'/trigger$|^synthetic_events$|^dynamic_events$', file):
            continue
        if quoted[0] == '"' or quoted.startswith("'!'"):
            quoted = quoted.replace("'!'", '')[1:-1].replace('\\$', '\0')
            quoted = unfolded(quoted, names).replace('\0', '$')
            quoted = "'" + ('!' if m[2].startswith("'!'") else '') + quoted + "'"
        yield f'echo {quoted} {m[3]} {file}', bool(m[1]) or 'exit_fail' in m[5] or m[5].strip() == '> /dev/null'


def carets(text):
    """(event, command, column)"""
    for event, name in re.findall(r"ftrace_errlog_check '(hist:[^']*)' \"\$([12])\"", text):
        system, ev = event.split(':')[1:]
        for m in re.finditer(r"^check_error (?:\"[^\"]*\" )?'([^']*)'", text, re.M):
            yield f'events/{system}/{ev}/trigger', m[1].replace('^', ''), m[1].index('^')


def values(text):
    """(expression, what is shown)"""
    return re.findall(r'^test_hist_expr "[^"]*" "([^"]*)" "([^"]*)"', text, re.M)


def skip(why):
    print('1..0 # SKIP', why)
    sys.exit(0)


def main():
    global PROGRAM
    script, vm, linux_source, series = sys.argv[1:5]
    ready = {}
    for needed in ([vm, '--kernel', series, '--ready'], [linux_source, series]):
        ready = subprocess.run(needed, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ready.returncode:
            skip((ready.stdout + ready.stderr).strip().splitlines()[-1])
    top = ready.stdout.strip() + '/tools/testing/selftests/ftrace/test.d/trigger'
    facts = subprocess.run([vm, '--kernel', series, '--exported'], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    PROGRAM = [script, facts, series, '/']
    lines_read = 0
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(f for f in names if f.endswith('.tc')):
            with open(f'{folder}/{name}', encoding='utf-8') as f:
                text = f.read()
            short = os.path.relpath(f'{folder}/{name}', top)
            lines = [(w, no) for w, no in writes(text) if "'hist:" in w or "'!hist:" in w or '/trigger' not in w]
            lines_read += len(lines)
            answers = tree([w for w, _ in lines])
            wrong = [f'{w}: {a}' for (w, no), a in zip(lines, answers) if ('failed' in a) != no]
            if lines:
                check(not wrong, f'{short}: {len(lines)} lines', '\n'.join(wrong))
            for file, command, column in carets(text):
                log = tree([f"echo '{command}' > {file}", 'cat error_log'])[1].splitlines()
                caret = log[-1].index('^') - len('  Command: ') if log else None
                check(caret == column, f'{short}: {command}', '\n'.join(log))
            for expr, shown in values(text):
                file = 'events/sched/sched_process_fork/trigger'
                out = tree([f"echo 'hist:keys=common_pid:x={expr}' > {file}", f'cat {file}'])[1]
                check(f':x={shown}:' in out, f'{short}: x={expr} is {shown}', out)
    check(lines_read, 'the kernel has tests of histograms')
    return done()


if __name__ == '__main__':
    sys.exit(main())
