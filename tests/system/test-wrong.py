#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-wrong.py FORELAND: wrong command lines, closed descriptors, full disks and narrow terminals.

The judge is the command contract: 2 is wrong usage, of which the first line is "foreland COMMAND: error: ..." and
the last names --help; 1 is what failed, of which a line reads "PLACE: error: ..."; 126 and 127 are a COMMAND that
cannot be run. Standard output is empty where nothing is to be shown. Each row has a word of what must be said."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

from tap import done, expect

foreland = os.path.abspath(sys.argv[1])
work = tempfile.TemporaryDirectory()
os.chdir(work.name)


def run(*argv, **kw):
    return subprocess.run([foreland, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", timeout=60, **kw)


def write(name, text):
    with open(name, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


write("tags", "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n        4096        2 mm/a.c:10 func:f \n")
write("junk", "".join(f"this is line {i} of no dump\n" for i in range(3000)))
write("empty", b"")
write("perf", b"PERFILE2" + bytes(200))
write("elf", b"\x7fELF" + bytes(200))
write("text.json", '{"type":"schema","command":"trace","version":1}\n')
write("zeros", bytes(4096))
write("defs", "p vfs_read\nnonsense\n")
os.mkdir("dir")
os.mkdir("closed", 0o500)

# Words as the shell has them; status; what is said. Of an engine that is left out the command is unknown.
ROWS = r"""
                                                2  a command is expected
nosuch                                          2  unknown command 'nosuch'
trcae                                           2  did you mean 'trace'
repotr x                                        2  did you mean 'report'
help nosuch                                     2  unknown command 'nosuch'
help probe chekc                                2  did you mean 'check'
--nosuch                                        2  unknown option '--nosuch'
--version x                                     2  unexpected argument 'x'
--versoin                                       2  did you mean '--version'
--print-completion tcsh                         2  none of bash|zsh|fish
--print-man nosuch                              2  no command 'nosuch'
trace                                           2  nothing to trace
trace --json                                    2  nothing to trace
trace -n                                        2  needs a value
trace -n x t                                    2  'x' is not a number
trace -n -1 t                                   2  '-1' is not a number
trace -n 0 t                                    2  out of range
trace --lines 0 t                               2  out of range
trace -n 99999999999999999999 t                 2  out of range
trace -t 0 t                                    2  out of range
trace -t 0s t                                   2  out of range
trace -t 5parsecs t                             2  is not a time
trace -p 0 t                                    2  out of range
trace -p 4294967296 t                           2  out of range
trace -p -1 t                                   2  not a number
trace -p x t                                    2  not a number
trace --pid 4194305 t                           2  out of range
trace --via nfs t                               2  none of bpf|tracefs
trace --via=bfp t                               2  did you mean 'bpf'
trace --clock moon t                            2  none of mono
trace --josn t                                  2  did you mean '--json'
trace --json=yes t                              2  takes no value
trace --nosuch=1 t                              2  unknown option
trace --dialect 8 t                             2  none of 7.3
trace --file                                    2  needs a value
trace t --                                      2  expected behind '--'
trace --file /nonexistent                       1  /nonexistent: error: No such file
trace --file dir                                1  dir: error: Is a directory
trace --vm --hist kyes=x 't sched_switch'       1  --hist: error: a histogram has keys=
trace --vm kprobe:vfs_read                      1  did you mean 'p vfs_read'
trace --vm vfs_read                             1  No matching dynamic event type
trace --vm --nosuch x                           2  unknown option
trace --vm= 't sched_switch'                    2  --vm needs a value
trace --vm=nosuch 't sched_switch'              2  'nosuch' is not the name of a kernel
trace --vm=./nosuch 't sched_switch'            2  './nosuch': no such file
doctor --vm=nosuch                              2  'nosuch' is not the name of a kernel
doctor --vm --clean                             2  --clean has nothing to clean in a guest
trace --vm -n x y                               2  not a number
report                                          2  is missing
report /nonexistent                             1  /nonexistent: error: No such file
report dir                                      1  Is a directory
report empty                                    1  NOT_A_RECORDING
report junk                                     1  it is text
report perf                                     1  'perf script' reads
report elf                                      1  it is a program
report tags                                     1  'foreland alloc show --input FILE'
report text.json                                1  'trace --json' printed
report zeros                                    1  zeros: error: not a recording
report --to nothing x                           2  none of text|json
report --to txet x                              2  did you mean 'text'
report --cpu x f                                2  --cpu: 'x' is no list
report --cpu 3-1 f                              2  --cpu: '3-1' is no list
report -p x f                                   2  --pid: 'x' is no
report -F '' f                                  2  --filter: '' is no
report --since x f                              2  --since: 'x' is not a time
report --until '' f                             2  --until: '' is not a time
report --tail f                                 2  FILE.part
report --json --to csv f                        2  is '--to json'
report -o                                       2  needs a value
report -o x.dat --cpu 0 f                       2  writes all of one recording
probe                                           2  a command is expected
probe chekc x                                   2  did you mean 'check'
probe check                                     2  is missing
probe check --dialect 9 x                       2  none of 7.3
probe check --file nosuch x                     2  none of dynamic_events
probe check --btf /nonexistent x                1  /nonexistent: error: No such file
probe check --btf junk x                        1  this is not BTF
probe check --btf empty x                       1  empty: error:
probe check --btf dir x                         1  dir: error:
probe check --kallsyms /nonexistent x           1  /nonexistent: error:
probe check --events /nonexistent x             1  error:
probe check --arch vax x                        2  none of x86_64|arm64
probe check --arch x86-64 x                     2  did you mean 'x86_64'
probe check --josn x                            2  did you mean '--json'
probe check kprobe:vfs_read                     1  did you mean 'p vfs_read'
probe check kretprobe:vfs_read                  1  did you mean 'r vfs_read'
probe check fentry:vfs_read                     1  did you mean 'f vfs_read'
probe check fexit:vmlinux:vfs_read              1  did you mean 'f vfs_read%return'
probe check tracepoint:sched:sched_switch       1  did you mean 'e sched/sched_switch'
probe check sched:sched_switch                  1  did you mean 'e sched/sched_switch'
probe check sched/sched_switch                  1  did you mean 'e sched/sched_switch'
probe check vfs_read                            1  did you mean '. vfs_read'
probe check p:vfs_read                          1  did you mean 'p vfs_read'
probe check 'kprobe vfs_read'                   1  did you mean 'p vfs_read'
probe check 'p /bin/sh:main'                    1  'foreland trace' takes user code by name
probe check /bin/sh:main                        1  did you mean 'p /bin/sh:main'
probe check uprobe:/bin/sh:main                 1  did you mean 'p /bin/sh:main'
probe check 'x y z'                             1  No matching dynamic event type
probe dump                                      2  is missing
probe dump --nosuch x                           2  unknown option
probe lower --level 0.1 x                       2  none of 5.10
probe lower vfs_read                            1  did you mean
probe list                                      2  is missing
probe list nothing x                            2  'nothing'
probe syntax x                                  2  unexpected argument
probe syntax --dialect 5                        2  none of 7.3
doctor x                                        2  unexpected argument
doctor --claen                                  2  did you mean '--clean'
schema nosuch                                   2  prints JSON
schema probe                                    0
mount                                           2  is missing
mount --only nothing dir                        2  none of
mount /nonexistent                              1  No such file
mount junk                                      1  Not a directory
mount -                                         2  goes with -- COMMAND
epdma                                           2  a command is expected
epdma paln                                      2  did you mean 'plan'
epdma plan --board                              2  needs a value
epdma plan --board nosuch                       2  --board: 'nosuch' is none of amd-mdb
epdma plan --board rk3589                       2  did you mean 'rk3588'
epdma plan --board /nonexistent                 1  /nonexistent: error: No such file
epdma plan x                                    2  unexpected argument
epdma plan --wr-chans x                         2  not a number
epdma plan --wr-chans 99                        1  more channels than
epdma plan --vendor 0x10000                     1  out of range
epdma plan --configfs /nonexistent              1  /nonexistent: error: No such file
epdma plan --metadata-layout C                  2  --metadata-layout: 'C' is none of A|B
epdma inspect                                   2  is expected
epdma inspect /nonexistent                      1  /nonexistent: error: No such file
epdma inspect x y                               2  unexpected argument 'y'
epdma endpoint                                  2  --socket is required
epdma endpoint --socket /nonexistent/x          1  /nonexistent/x: error: No such file
epdma endpoint --fault nosuch --socket s        2  unknown fault
epdma host                                      2  a command is expected
epdma host ls                                   2  either --socket or
epdma host ls --socket /nonexistent             1  /nonexistent: error: No such file
epdma host ls --socket junk                     1  junk: error: Connection refused
epdma host read --socket /nonexistent           2  is missing
epdma host verify 0000:00:00.0                  2  ADDRESS of endpoint memory
epdma host bench x y z                          2  unexpected argument 'z'
epdma demo x                                    2  unexpected argument
epdma demo --board nosuch                       2  none of amd-mdb
epdma demo --fault x                            2  unknown fault
epdma demo --trace /nonexistent/x               1  /nonexistent/x: error: No such file
alloc                                           2  a command is expected
alloc shwo                                      2  did you mean 'show'
alloc show --input /nonexistent                 1  /nonexistent: error: No such file
alloc show --input dir                          1  dir: error:
alloc show --input tags --sort nothing          2  --sort: 'nothing' is none of bytes|calls
alloc show --pid 999999999                      2  out of range
alloc show --pid 4194304                        1  No such process
alloc show --pid 0                              2  out of range
alloc show --attach 4294967296                  2  out of range
alloc show --pid 4194304 --input tags           2  exclude each other
alloc show --min-size x                         2  is not a size
alloc show --min-size 2 --max-size 1            2  above its maximum
alloc show --line x                             2  not a number
alloc show --tree nothing                       2  none of dir|module
alloc show --json --dump                        2  exclude each other
alloc show x                                    2  unexpected argument
alloc diff tags                                 2  is missing
alloc diff tags /nonexistent                    1  /nonexistent: error: No such file
alloc diff a b c                                2  unexpected argument 'c'
alloc watch --input tags --interval 0           2  out of range
alloc watch --input tags --time 0               2  out of range
alloc watch --count x                           2  not a number
alloc run                                       2  expected behind '--'
alloc run sort                                  2  unexpected argument 'sort'
alloc run --                                    2  expected behind '--'
alloc run -- nosuchprog                         127  nosuchprog: error: No such file
alloc run -- ./tags                             126  ./tags: error: Permission denied
alloc run -o /nonexistent/x -- true             1  /nonexistent/x: error: No such file
alloc run --stack 0 -- true                     2  out of range
alloc run --stack 9999 -- true                  2  out of range
docs                                            2  a command is expected
docs chekc                                      2  did you mean 'check'
docs check /nonexistent                         1  /nonexistent: error: No such file
docs check --patch /nonexistent .               1  /nonexistent: error: No such file
docs check --base nosuch .                      1  error:
docs check --only nothing .                     2  no check
docs check --only ref-fiel .                    2  did you mean 'ref-file'
docs check --skip nothing .                     2  no check
docs check --level loud .                       2  none of error|warning
docs check --format xml .                       2  none of text|json
docs check --robot --json .                     2  exclude each other
docs check --docutils 9 .                       2  none of 0.21
docs check --baseline /nonexistent .            1  /nonexistent: error: No such file
docs lsp x                                      2  unexpected argument
--hepl                                          2  did you mean '--help'
probe --hepl                                    2  unknown option '--hepl', did you mean '--help'
epdma host --nosuch                             2  unknown option '--nosuch'
trace --comm '' t                               2  --comm: '' is no thread's name
trace --comm sixteen-bytes-16 t                 2  is no thread's name, which has 1 to 15 bytes
trace --cgroup '' t                             2  --cgroup: '' is no control group
trace --cgroup /nonexistent t                   1  there is no control group '/nonexistent'
trace --container '' t                          2  --container: '' is no container
trace --until '' t                              2  --until: '' is no filter
trace --compress t                              2  --compress is of -o FILE.dat
trace --compress -o x.txt t                     2  --compress is of -o FILE.dat
trace --reopen t                                2  --reopen is for lines
trace --spool x,1M t                            2  --spool is of --otlp
trace --interval 1 t                            2  are of histograms
trace --top 3 t                                 2  are of histograms
trace --over 1ms t                              2  --over is of --slice
trace --children t                              2  --children is of COMMAND
trace --follow t                                2  needs somebody to follow
trace --cgroup / --container x t                2  in two ways
trace --task-budget x t                         2  is no number of events a second
trace --task-budget 0/s t                       2  is no number of events a second
trace --rotate 1M t                             2  --rotate
trace --flight x t                              2  is not a size
trace --vm --listen 127.0.0.1:1 t               2  nobody can reach the guest
trace --listen nowhere t                        2  is no ADDR:PORT
report --stat --profile f                       2  exclude each other
report --stat --to csv f                        2  --stat is text or JSON
report --profile --to perfetto f                2  --profile is text or JSON
probe check --readme /nonexistent x             1  /nonexistent: error: No such file
probe dump --readme /nonexistent x              1  /nonexistent: error: No such file
probe list --readme dir types x                 1  dir: error:
probe lower --level 6.1 --readme defs x         2  exclude each other
probe check --matrix /nonexistent x             1  /nonexistent: error: No such file
agent                                           2  --config DIR says
agent --listen 127.0.0.1:0 --config /nonexistent  1  /nonexistent: error: No such file
agent --listen 127.0.0.1:0 --config defs        1  defs: error: Not a directory
epdma demo --board /nonexistent                 1  /nonexistent: error: No such file
epdma endpoint --socket s --board nosuch        2  none of amd-mdb
epdma endpoint --socket s --board /nonexistent  1  /nonexistent: error: No such file
epdma inspect --board nosuch                    2  none of amd-mdb
epdma inspect --config --json junk              2  has no --json
alloc top --json                                2  a screen has no --json
alloc top --sort nothing                        2  none of bytes|calls
alloc top --input tags                          2  not a terminal
alloc watch --input tags --sort nothing         2  none of bytes|calls
alloc watch --input tags --sort bytse           2  none of bytes|calls
alloc diff --sort nothing a b                   2  none of bytes|calls
alloc show --input tags --time 1                2  --time is of --kernel and --attach
alloc show --input tags --objects 5             2  --objects is of --kernel and --attach
alloc show --input tags --depth 2               2  --depth is of --tree
alloc run --depth 2 -- true                     2  --depth is of --tree
alloc show --accurate --inaccurate              2  exclude each other
alloc show --prometheus x -o y                  2  names its own file
docs check --only '' .                          2  --only: '' names no check
docs check --only , .                           2  names no check
docs check --doc-root junk .                    1  junk: error: Not a directory
docs check --doc-root /nonexistent .            1  /nonexistent: error: No such file
docs check --write .                            2  --write goes with --fix
docs check --fix --patch x .                    2  --fix goes with files alone
docs check --warnings-exit x .                  2  not a number
"""


def judge(words, want, said):
    r = run(*words)
    lines = r.stderr.splitlines()
    ok = r.returncode == want and re.search(said, r.stderr) is not None and not r.returncode < 0
    if want == 2 and len(lines) == 2:
        place = lines[0].split(": error: ")[0]
        ok = ok and re.match(r"foreland[a-z -]*: error: ", lines[0]) and lines[1] == f"Try '{place} --help'."
    if want == 2 or want > 125:
        ok = ok and not r.stdout
    if want == 1:
        ok = ok and re.search(r"^\S.*: error: ", r.stderr, re.M)
    expect(f"{' '.join(words) or '(nothing)'}: {want}, {said or 'and nothing is wrong'}", ok,
           f"status {r.returncode}\n{r.stderr}\n{r.stdout[:200]}")


def shell_words(text):
    return [a or b for a, b in re.findall(r"'([^']*)'|(\S+)", text)] if "''" not in text else \
        [w.strip("'") for w in text.split()]


have = {line.split()[0] for line in run("help").stdout.split("Commands:")[1].split("Options:")[0].splitlines() if line.strip()}
as_root = os.geteuid() == 0
for row in ROWS.strip("\n").splitlines():
    words, want, said = re.match(r"^(.*?)\s{2,}(\d+)(?:  (.*))?$", " " + row if row[0] == " " else row).groups()
    words = shell_words(words)
    known = {"trcae": "trace", "repotr": "report"}.get(words[0], words[0]) if words else ""
    if words and words[0][0] != "-" and known not in have | {"nosuch", "help"}:
        continue
    judge(words, int(want), (said or "").replace("(", r"\("))

# ---- every option of every command, as --help has them ----


def part(text, title):
    m = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.M)
    return m.group(1) if m else ""


def spelled_wrong(word):
    """Two letters change their places: the error that people make most."""
    return word[:-2] + word[-1] + word[-2]


def bad_values(metavar):
    """What no option takes that says so of its value, and the words of the refusal."""
    if re.fullmatch(r"[a-z0-9_.|-]+", metavar) and "|" in metavar:
        return [(value, "is none of") for value in ("nosuch", "", metavar.split("|")[0] + "x")]
    if metavar == "PID":
        return [(value, "not a number|out of range|no thread's number") for value in ("x", "", "-1", "99999999999999999999")]
    if metavar == "N":
        return [(value, "not a (number|size)|out of range") for value in ("x", "", "-1", "1e3", "1 2", "99999999999999999999")]
    if metavar in ("TIME", "SECONDS"):
        return [(value, "not a time|out of range") for value in ("x", "", "-1", "s", "5parsecs", "99999999999999999999")]
    return []


def refused(words, said):
    r = run(*words)
    lines = r.stderr.splitlines()
    place = "foreland" + "".join(" " + w for w in words if re.fullmatch("[a-z]+", w) and w != "x")
    return None if r.returncode == 2 and not r.stdout and len(lines) == 2 and re.search(said, lines[0]) and \
        lines[0].startswith("foreland") and lines[1].startswith("Try 'foreland") else \
        f"{place}: {words}: status {r.returncode}: {r.stderr} {r.stdout[:80]}"


def try_option(words, row, names):
    """Misspelt, without a value, with one where there is none, with a wrong one; what went otherwise."""
    m = re.match(r"  (?:(-\w), |    )(--[a-z-]+)(?:(\[?=| )(\S+))?", row)
    letter, name, apart, metavar = m.groups() if m else (None, None, None, None)
    if not name:
        return []
    wrong = spelled_wrong(name)
    tries = [([*words, wrong, "x"], f"unknown option '{wrong}', did you mean '--")] if wrong not in names | {name} else []
    if not metavar:
        tries += [([*words, name + "=1", "x"], "takes no value")] if name != "--help" and apart is None and name != "--vm" else []
    elif apart == " ":
        tries += [([*words, option], "needs a value") for option in (letter, name) if option]
        tries += [([*words, *form, "x"], said) for value, said in bad_values(metavar) if (words, metavar) != (["report"], "TIME")
                  for form in ([name, value], [f"{name}={value}"])]
    return [complaint for argv, said in tries if (complaint := refused(argv, said))]


commands = [[]]
while commands:
    words = commands.pop(0)
    if words and words[0] not in have:
        continue
    text = run(*words, "--help").stdout
    subs = re.findall(r"^  (\S+)", part(text, "Commands"), re.M)
    rows = part(text, "Options").splitlines()
    names = set(re.findall(r"--[a-z-]+", "\n".join(rows)))
    wrong = [complaint for row in rows for complaint in try_option(words, row, names)]
    for sub in subs:
        meant = spelled_wrong(sub)
        if meant not in subs and meant != sub:
            wrong += [c for argv in ([*words, meant], ["help", *words, meant])
                      if (c := refused(argv, f"unknown command '{meant}', did you mean '{sub}'"))]
        if run("help", *words, sub).stdout != run(*words, sub, "--help").stdout:
            wrong.append(f"help {words} {sub}: not what --help prints")
    expect(f"{' '.join(['foreland', *words])}: each of its {len(rows)} rows of options and {len(subs)} commands, given wrongly",
           not wrong and len(rows) > 0, "\n".join(wrong[:10]))
    commands += [[*words, sub] for sub in subs]

# ---- complaints: 20 of a kind, and how many more ----
if "alloc" in have:
    r = run("alloc", "show", "--input", "junk")
    said = [line for line in r.stderr.splitlines() if ": error: " in line]
    expect("3000 wrong lines are 20 complaints and a count", r.returncode == 1 and 20 <= len(said) <= 22 and "2980" in r.stderr, r.stderr[-600:])

# ---- descriptors that are closed, disks that are full ----
PRINTERS = [("--version",), ("--help",), ("help", "trace"), ("schema",), ("probe", "syntax"), ("probe", "syntax", "--json"),
            ("alloc", "show", "--input", "tags"), ("alloc", "show", "--input", "tags", "--json"),
            ("epdma", "plan", "--board", "rk3588"), ("epdma", "plan", "--json"), ("doctor", "--json")]
for words in PRINTERS:
    if words[0][0] != "-" and words[0] not in have | {"help"}:
        continue
    name = " ".join(words)
    with open("/dev/full", "w") as full:
        r = subprocess.run([foreland, *words], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    expect(f"{name} >/dev/full: 1, and said", r.returncode == 1 and "No space left on device [ENOSPC]" in r.stderr, r)
    r = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", foreland, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    expect(f"{name} >&-: 1, and said", r.returncode == 1 and "Bad file descriptor [EBADF]" in r.stderr, r)
    r = subprocess.run(["sh", "-c", 'exec "$@" 2>&- <&-', "sh", foreland, *words], stdout=subprocess.PIPE, text=True, timeout=60)
    plain = run(*words)
    expect(f"{name} <&- 2>&-: as always", r.returncode == plain.returncode and bool(r.stdout), r)
    r = subprocess.run(["bash", "-c", 'set -o pipefail; "$@" | head -c 0', "sh", foreland, *words], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=60)
    expect(f"{name} | head -c 0: that is no error", "error" not in r.stderr and r.returncode in (0, 1, 141), r)
if "alloc" in have:
    r = run("alloc", "show", "--input", "empty", "--json")
    expect("an empty dump has no rows, and is whole", r.returncode == 0 and len(r.stdout.splitlines()) == 2, r)

# ---- narrow terminals ----


def on_terminal(columns, *words):
    """What a terminal of that width gets."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.pop("COLUMNS", None)
        os.execv(foreland, [foreland, *words])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    text = b""
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return status, text.decode(errors="replace").replace("\r\n", "\n")


WIDE = [("--help",), ("help", "trace"), ("help", "epdma", "plan"), ("help", "docs", "check"), ("help", "alloc", "run"), ("help", "report")]
for words in WIDE:
    if words[-1] != "--help" and words[1] not in have:
        continue
    for columns in (80, 100):
        status, text = on_terminal(columns, *words)
        long = [line for line in text.splitlines() if len(line) > columns]
        expect(f"{' '.join(words)} fits {columns} columns", status == 0 and text and not long, "\n".join(long))

# A key that is a text has 50 columns in the kernel's own form, which alone would fill the line.
HIST = ["trace", "-t", "0.3s", "--hist", "keys=to", "t sched_switch to=next->comm:string"]
if "trace" in have and run(*HIST).returncode == 0:
    for columns in (60, 80, 100):
        status, text = on_terminal(columns, *HIST)
        rows = [line for line in text.splitlines() if line.startswith("{ to: ")]
        expect(f"a histogram fits {columns} columns, and has bars", status == 0 and rows and max(map(len, rows)) <= columns and
               all(row.endswith("|") for row in rows), text)
    rows = [line for line in run(*HIST).stdout.splitlines() if line.startswith("{ to: ")]
    expect("and in a file it is the kernel's", rows and all(re.match(r"\{ to: .{50} \} hitcount: +\d+$", row) for row in rows), rows[:3])

sys.exit(done())
