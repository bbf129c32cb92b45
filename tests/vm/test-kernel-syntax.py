#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own selftests of probe definitions, out of Debian's kernel sources, on our tracefs tree.

Each script runs in a shell of this machine, with its own checks, in a folder that looks like
tracefs. Only where it writes into a control file the redirection is replaced, by this program: the
text goes to the tree (the dialect of the series, that kernel's types and symbols), and what the tree then shows is
put into the folder's files. What a script expects (a caret, a failure, a listing) is its own.
Scripts that trace are left out. The module of samples/trace_events, which one of them loads, is there as
types and a symbol of ours.
usage: test-kernel-syntax.py TRACEFS_SCRIPT VM LINUX_SOURCE SERIES
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
import rawbtf # noqa: E402 (beside the other tests)
from tap import check, done, skip # noqa: E402

FILES = ['dynamic_events', 'kprobe_events', 'uprobe_events', 'synthetic_events']
# what only a kernel that runs can do
LIVE = re.compile(r'trace_pipe|set_event|modprobe (?!trace-events-sample)|enabled_functions|tracing_on|/trigger|TRIGGER|instances|'
                  r'set_ftrace_filter|OPTIMIZED|kprobe_profile|(cat|grep).* trace\b|events/kprobes/enable|'
                  r'testprobe/enable|busy')
EXITS = {'pass': 0, 'fail': 1, 'failure': 1, 'unresolved': 4, 'untested': 4, 'unsupported': 4}
SKIPPED = 4


# ---- the other side of a redirection: TEXT | test-kernel-syntax.py --write FILE ">"|">>" ----

def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def tree(lines):
    """What our tree prints, a part for each line."""
    script = ''.join(line + "\necho '%%%'\n" for line in lines)
    out = subprocess.run([os.environ['TREE'], os.environ['FACTS'], os.environ['SERIES'], '/'], input=script,
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return out.split('%%%\n')[:-1]


def show(listing, parts):
    for name, text in zip(FILES, parts):
        with open(name, 'w', encoding='utf-8') as f:
            f.write(text)
    there = {m[1] for m in re.finditer(r'^[a-z]\d*:(\S+)', listing, re.M)}
    for event in there:
        os.makedirs('events/' + event, exist_ok=True)
    with open('made', 'a+', encoding='utf-8') as f:
        f.seek(0)
        gone = {line.strip() for line in f} - there
        f.write(''.join(e + '\n' for e in there))
    for event in gone:
        if os.path.isdir('events/' + event):
            shutil.rmtree('events/' + event)


def write(name, mode):
    text = sys.stdin.read()
    with open('done', 'a+', encoding='utf-8') as f:
        f.seek(0)
        before = f.read().splitlines()
        lines = text.split('\n')[:-1] if text.endswith('\n') else text.split('\n')
        writes = [f'echo {quoted(line)} {mode if not i else ">>"} {name}' for i, line in
                  enumerate(lines)]
        parts = tree([*before, 'echo > error_log', *writes, 'cat error_log',
                      *['cat ' + n for n in FILES]])
        answers = parts[len(before) + 1:len(before) + 1 + len(writes)]
        # what was refused left nothing behind, but a log that was read by now
        f.write(''.join(w + '\n' for w, a in zip(writes, answers) if '>>' not in w or not a))
    with open('count', 'a', encoding='utf-8') as f:
        f.write('.' * len(writes))
    log, listing = parts[-1 - len(FILES)], parts[-len(FILES)]
    with open('error_log', 'a', encoding='utf-8') as f:
        f.write(log)
    show(listing, parts[-len(FILES):])
    failed = ''.join(answers).strip()
    if failed:
        print(failed, file=sys.stderr)
    return 1 if failed else 0


# ---- the scripts ----

def redirected(text):
    """Writes into control files, as pipes."""
    me = f'{sys.executable} {os.path.abspath(__file__)} --write'
    text = re.sub(r'(>>?) *("\$3"|' + '|'.join(FILES) + r')(?![\w/])', rf"| {me} \2 '\1'", text)
    return text.replace('/proc/kallsyms', os.environ['FACTS'] + '/kallsyms')


def missing(text, readme):
    """Patterns of its "requires" line that our README does not have."""
    line = re.search(r'^# requires: (.*)$', text, re.M)
    wants = re.findall(r'"([^"]+)":README', line[1]) if line else []
    files = re.findall(r'(?:^| )(\w+)(?= |$)', re.sub(r'"[^"]+":README', '', line[1])) if line else []
    unknown = [f for f in files if f not in FILES + ['error_log', 'available_filter_functions']]
    return [w for w in wants if w not in readme] + unknown


def with_sample(facts, folder):
    """Those facts, with the kernel's sample module loaded."""
    shutil.copytree(facts, folder, symlinks=True, ignore=shutil.ignore_patterns('events', 'kallsyms'))
    os.symlink(facts + '/events', folder + '/events')
    with open(facts + '/kallsyms', encoding='utf-8') as f:
        symbols = f.read()
    with open(folder + '/kallsyms', 'w', encoding='utf-8') as f:
        f.write(symbols + 'ffffffffc0f00000 t sample_timer_cb\t[trace_events_sample]\n')
    with open(folder + '/btf/vmlinux', 'rb') as f:
        module, _ = rawbtf.sample_module(rawbtf.Btf(f.read()))
    with open(folder + '/btf/trace_events_sample', 'wb') as f:
        f.write(module)
    return folder


def run_script(path, functions, readme):
    with open(path, encoding='utf-8') as f:
        text = f.read()
    lacks = missing(text, readme)
    if lacks:
        return SKIPPED, f'wants {lacks[0]}'
    modules = 'lsmod() { echo trace_events_sample; }\n'
    exits = modules + ''.join(f'exit_{k}() {{ exit {v}; }}\n' for k, v in EXITS.items())
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES + ['error_log', 'done', 'made', 'count']:
            open(f'{folder}/{name}', 'w', encoding='utf-8').close()
        os.mkdir(f'{folder}/events')
        os.makedirs(f'{folder}/events/syscalls/sys_enter_openat')
        with open(f'{folder}/README', 'w', encoding='utf-8') as f:
            f.write(readme)
        os.symlink(os.environ['FACTS'] + '/available_filter_functions',
                   folder + '/available_filter_functions')
        out = subprocess.run(['/bin/sh', '-e', '-c', functions + '\n' + exits + redirected(text)], cwd=folder,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=300, check=False)
        lines = os.path.getsize(f'{folder}/count')
    return out.returncode, f'{lines} lines' if out.returncode == 0 else out.stdout


def run_all(tests):
    with open(tests + '/functions', encoding='utf-8') as f:
        functions = redirected(f.read())
    readme = tree(['cat README'])[0]
    tried = 0
    for folder in ('dynevent', 'kprobe', 'trigger/inter-event'):
        for name in sorted(os.listdir(f'{tests}/{folder}')):
            with open(f'{tests}/{folder}/{name}', encoding='utf-8') as f:
                text = f.read()
            if LIVE.search(text) or not re.search('|'.join(FILES), text):
                continue
            status, why = run_script(f'{tests}/{folder}/{name}', functions, readme)
            tried += 1
            if status == SKIPPED:
                skip(f'{folder}/{name}', why.splitlines()[-1] if why else 'its own')
            else:
                check(status == 0, f'{folder}/{name}' + (f', {why}' if status == 0 else ''), why)
    check(tried, 'there are such tests')
    return done()


def main():
    script, vm, linux_source, series = sys.argv[1:5]
    for needed in ([vm, '--kernel', series, '--ready'], [linux_source, series]):
        ready = subprocess.run(needed, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ready.returncode:
            print(f'1..0 # SKIP {(ready.stdout + ready.stderr).strip().splitlines()[-1]}')
            return 0
    tests = ready.stdout.strip() + '/tools/testing/selftests/ftrace/test.d'
    os.environ['TREE'] = os.path.abspath(script)
    os.environ['SERIES'] = series
    facts = subprocess.run([vm, '--kernel', series, '--exported'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        os.environ['FACTS'] = with_sample(facts, folder + '/facts')
        return run_all(tests)


if __name__ == '__main__':
    sys.exit(write(*sys.argv[2:4]) if sys.argv[1] == '--write' else main())
