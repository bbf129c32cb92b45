#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The alloc commands as a user runs them: dumps, live programs, programs as they are.

usage: test-alloc.py FORELAND LIVE INCLUDE LIB

The sizes that are expected are those that the test asks the programs for.
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import Skip, done, every

FORELAND, LIVE, INCLUDE, LIB = sys.argv[1:5]
TMP = tempfile.TemporaryDirectory()
HEAD = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
ENV = dict(os.environ, XDG_RUNTIME_DIR=TMP.name)
os.chmod(TMP.name, 0o700)


def run(*args, **kw):
    return subprocess.run([FORELAND, "alloc", *args], capture_output=True, text=True, env=ENV,
                          timeout=60, **kw)


def rows(p):
    lines = [json.loads(line) for line in p.stdout.splitlines()]
    assert lines[0]["type"] == "schema" and lines[-1]["type"] == "summary", p.stdout
    return [line for line in lines if "type" not in line]


def path(name, text):
    p = os.path.join(TMP.name, name)
    with open(p, "w") as f:
        f.write(text)
    return p


class Live:
    def __init__(self, preexec_fn=None, **env):
        self.p = subprocess.Popen([LIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env=dict(ENV, **env), preexec_fn=preexec_fn)
        self.pid = int(self.p.stdout.readline())

    def do(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()
        self.pid = int(self.p.stdout.readline())
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.stdin.close()
        self.p.wait(timeout=20)


def show_filters_sorts_and_limits():
    d = path("d", HEAD + "300 3 mm/a.c:1 func:f \n100 1 mm/b.c:2 [ext4] func:g \n"
                         "200 9 fs/c.c:3 func:h accurate:no \n")
    r = rows(run("show", "--input", d, "--json"))
    assert [x["bytes"] for x in r] == [300, 200, 100]
    assert r[1] == {"bytes": 200, "calls": 9, "file": "fs/c.c", "line": 3, "module": "",
                    "function": "h", "accurate": False}
    r = rows(run("show", "--input", d, "--json", "--sort", "-calls", "-n", "2"))
    assert [x["calls"] for x in r] == [1, 3]
    assert len(rows(run("show", "--input", d, "--json", "--module", ""))) == 2
    assert len(rows(run("show", "--input", d, "--json", "--file", "mm/"))) == 2
    assert len(rows(run("show", "--input", d, "--json", "--function", "[fg]"))) == 2
    assert len(rows(run("show", "--input", d, "--json", "--inaccurate"))) == 1
    assert len(rows(run("show", "--input", d, "--json", "--min-size", "100",
                        "--max-size", "200"))) == 2
    p = run("show", "--input", d, "--min-size", "2", "--max-size", "1")
    assert p.returncode == 2 and "minimum is above its maximum" in p.stderr
    p = run("show", "--input", d, "--tree", "dir", "-r")
    assert p.stdout.splitlines()[1].split() == ["400", "4", "mm"], p.stdout


def bad_lines_are_located_and_the_rest_is_read():
    d = path("bad", HEAD + "1 1 a.c:1 func:f \nwhat is this\n2 1 a.c:2 func:f \n")
    p = run("show", "--input", d, "--json")
    assert p.returncode == 1 and len(rows(p)) == 2
    assert f"{d}:4:1: error: a number of bytes is expected [BYTES]" in p.stderr, p.stderr
    p = run("watch", "--input", d + ".none", "--json", "-c", "2")
    assert p.returncode == 1 and p.stdout == "" and p.stderr.count("\n") == 1, p
    for mixed in (("--json", "--dump"), ("--dump", "--prometheus", "x"), ("--tree", "dir", "--dump")):
        assert run("show", "--input", d, *mixed).returncode == 2
    p = run("show", "--input", d + ".none")
    assert p.returncode == 1 and "[ENOENT]" in p.stderr and p.stdout == ""


def dumps_come_back_the_same():
    text = HEAD + "         300        3 mm/a.c:1 [m] func:f accurate:no later:1 \n"
    p = run("show", "--input", "-", "--dump", input=text)
    assert p.stdout == text


def diff_shows_growth():
    a = path("a", HEAD + "10 1 a.c:1 func:f \n50 5 b.c:1 func:g \n7 1 c.c:1 func:h \n")
    b = path("b", HEAD + "30 2 a.c:9 func:f \n40 4 b.c:1 func:g \n7 1 c.c:1 func:h \n"
                         "1 1 d.c:1 func:i \n")
    r = rows(run("diff", a, b, "--json"))
    assert [(x["bytes_growth"], x["calls_growth"], x["note"]) for x in r] == \
        [(20, 1, "moved"), (1, 1, "new"), (-10, -1, None)], r
    assert r[0]["line"] == 9 and r[0]["line_before"] == 1


def metrics_have_each_label_set_once():
    d = path("d", HEAD + '1 1 a.c:1 func:f \n2 1 a.c:1 func:f \n4 1 "x\\y".c:1 func:f \n')
    m = os.path.join(TMP.name, "m.prom")
    assert run("show", "--input", d, "--prometheus", m).returncode == 0
    lines = open(m).read().splitlines()
    assert 'foreland_alloc_bytes{file="a.c",line="1",module="",function="f"} 3' in lines, lines
    assert r'foreland_alloc_bytes{file="\"x\\y\".c",line="1",module="",function="f"} 4' in lines
    assert len(set(x.split("} ")[0] for x in lines)) == len(lines)


LABEL = r'[a-z]+="(?:[^"\\\n]|\\[\\"n])*"'


def metrics_are_the_text_format():
    """The exposition format's own rules (and promtool, where it is): HELP and TYPE once and first, one
    group a metric, labels in UTF-8 with three escapes, an end to the last line; readable by others."""
    d = os.path.join(TMP.name, "d")
    with open(d, "wb") as f:
        f.write(HEAD.encode() + b'1 1 "x\\y".c:1 [m] func:f \n2 1 \xff\xfe.c:2 func:\xc3\xa4 \n'
                b"-5 3 c.c:3 func:g \n18014398509481984 9 a b.c:4 func:h \n")
    m = os.path.join(TMP.name, "new.prom")
    assert run("show", "--input", d, "--prometheus", m).returncode == 0
    old = os.umask(0)
    os.umask(old)
    assert os.stat(m).st_mode & 0o777 == 0o666 & ~old
    text = open(m, "rb").read().decode()  # UTF-8 throughout
    assert text.endswith("\n")
    seen, metric = [], None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            metric = line.split()[2]
            assert metric not in seen
            seen.append(metric)
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {metric} gauge"
        else:
            assert re.fullmatch(metric + r"\{" + LABEL + "(," + LABEL + r")*\} -?[0-9]+", line), line
    assert seen == ["foreland_alloc_bytes", "foreland_alloc_calls", "foreland_series_cut"]
    assert 'file="\ufffd\ufffd.c",line="2",module="",function="\xe4"} 2' in text, text
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)


def names_do_nothing_to_a_terminal():
    d = path("d", HEAD + "1 1 a\033[2J.c:1 [m\033] func:f\033[31m x:\033 \nbad\033[2J\n")
    for more in ((), ("--tree", "dir"), ("--tree", "function")):
        p = run("show", "--input", d, *more)
        assert "\033" not in p.stdout + p.stderr and "\\x1b[2J" in p.stdout + p.stderr, (more, p)


def watch_scores_what_only_grows():
    """A look for each dump that is written; scores by the definition in watch's help: growth in percent
    of all movement, halved in doubt for each rise that is missing."""
    fifo = os.path.join(TMP.name, "fifo")
    os.mkfifo(fifo)
    w = subprocess.Popen([FORELAND, "alloc", "watch", "--input", fifo, "-c", "4", "-i", "1ms", "-r"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    for grows, breathes, falls, comes in ((10, 10, 100, None), (20, 50, 50, 5), (30, 10, 50, 5), (40, 50, 60, 5)):
        with open(fifo, "w") as f:
            f.write(HEAD + f"{grows} 1 a.c:1 func:grows \n{breathes} 1 a.c:2 func:breathes \n"
                           f"{falls} 1 a.c:3 func:falls \n" +
                    (f"{comes} 1 a.c:4 func:comes \n" if comes else ""))
        w.stderr.readline()  # the look is over
    out = w.communicate(timeout=20)[0]
    table = [(x[0], x[1], x[-1]) for x in map(str.split, out.splitlines()[1:])]
    assert table == [("88", "30", "grows"), ("50", "5", "comes"), ("25", "40", "breathes")], out


def a_live_program_is_asked():
    with Live() as live:
        live.do("a 1000").do("a 24")
        r = rows(run("show", "--pid", str(live.pid), "--json", "--function", "allocate"))
        assert [(x["bytes"], x["calls"], x["module"]) for x in r] == [(1024, 2, "")], r
        assert r[0]["file"].endswith("tests/alloc/live.c")
        live.do("f")
        r = rows(run("show", "--pid", str(live.pid), "--json", "--min-size", "1000",
                     "--max-size", "1000"))
        assert [x["bytes"] for x in r] == [1000]
        pid = live.pid
    p = run("show", "--pid", str(pid))
    assert p.returncode == 1 and "[ESRCH]" in p.stderr


def a_child_answers_for_itself():
    with Live() as live:
        parent = live.do("a 100").pid
        child = live.do("k").pid
        live.do("a 11")
        assert child != parent
        for pid, expected in ((parent, 100), (child, 111)):
            r = rows(run("show", "--pid", str(pid), "--json", "--function", "allocate"))
            assert [x["bytes"] for x in r] == [expected], (pid, r)


STRANGER = 20000 + os.getpid() % 40000  # a user of this run alone
NOBODY = ["setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER), "--clear-groups"]


def needs_another_user():
    p = subprocess.run([*NOBODY, FORELAND, "--version"], capture_output=True) if shutil.which("setpriv") else None
    if not p or p.returncode:
        raise Skip("only root can become another user, who must be able to run the program")


def only_the_same_user_may_ask():
    needs_another_user()
    with Live() as live:
        live.do("a 5")
        p = subprocess.run([*NOBODY, FORELAND, "alloc", "show", "--pid", str(live.pid)], capture_output=True,
                           text=True, env=ENV, timeout=60)
        assert p.returncode == 1 and p.stdout == "" and "[EACCES]" in p.stderr, p
        assert "another user's" in p.stderr, p.stderr
        assert rows(run("show", "--pid", str(live.pid), "--json", "--function", "allocate"))


def root_may_ask_anybody():
    needs_another_user()
    p = subprocess.Popen([*NOBODY, LIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV)
    pid = p.stdout.readline().strip()
    p.stdin.write("a 33\n")
    p.stdin.flush()
    p.stdout.readline()
    r = rows(run("show", "--pid", pid, "--json", "--function", "allocate"))
    p.stdin.close()
    p.wait()
    assert [x["bytes"] for x in r] == [33], r


def a_program_needs_neither_descriptor_nor_signals_to_be_asked():
    """It is stopped, and has closed all that it does not know: root finds the mapping."""
    with Live() as live:
        live.do("a 44").do("c")
        live.do("a 55")
        live.p.send_signal(signal.SIGSTOP)
        p = run("show", "--pid", str(live.pid), "--json", "--function", "allocate")
        live.p.send_signal(signal.SIGCONT)
    if os.geteuid():
        assert p.returncode == 1 and "[EACCES]" in p.stderr, p
    else:
        assert [x["bytes"] for x in rows(p)] == [99], p


def the_ledger_is_sealed_and_the_users_alone():
    with Live() as live:
        live.do("a 1")
        fds = [f for f in os.listdir(f"/proc/{live.pid}/fd")
               if "memfd:foreland-alloc" in os.readlink(f"/proc/{live.pid}/fd/{f}")]
        assert len(fds) == 1 and int(fds[0]) >= 3, fds
        fd = os.open(f"/proc/{live.pid}/fd/{fds[0]}", os.O_RDONLY)
        seals = fcntl.fcntl(fd, 1034)  # F_GET_SEALS
        assert seals & 7 == 7, hex(seals)  # no more seals, no shrinking, no growing
        assert os.fstat(fd).st_mode & 0o777 == 0o600
        os.close(fd)


def a_process_without_the_library_is_told():
    p = run("show", "--pid", str(os.getpid()))
    assert p.returncode == 1 and "it has no libforeland-alloc" in p.stderr, p.stderr
    with Live(FORELAND_ALLOC="noserve") as live:
        live.do("a 5")
        p = run("show", "--pid", str(live.pid))
        assert p.returncode == 1 and "it has no libforeland-alloc" in p.stderr, p.stderr


def dumps_at_exit_and_on_a_signal():
    dump = os.path.join(TMP.name, "dump")
    with Live(FORELAND_ALLOC=f"dump={dump}.%p,signal=USR2,total") as live:
        live.do("a 100").do("a 50").do("f")
        os.kill(live.pid, signal.SIGUSR2)
        live.do("a 7").do("f")
        early = rows(run("show", "--input", f"{dump}.{live.pid}", "--json", "--min-size", "1"))
        live.do("a 3")
    late = rows(run("show", "--input", f"{dump}.{live.pid}", "--json", "--min-size", "1"))
    assert [(x["bytes"], x["calls"]) for x in early] == [(100, 1)], early
    assert (early[0]["total_bytes"], early[0]["total_calls"]) == (150, 2), early
    assert [(x["bytes"], x["calls"]) for x in late] == [(103, 2)], late


def peaks_are_kept():
    dump = os.path.join(TMP.name, "peak")
    with Live(FORELAND_ALLOC=f"dump={dump},peak") as live:
        live.do("a 100").do("a 900").do("f").do("f").do("a 30")
    held = rows(run("show", "--input", dump, "--json", "--function", "allocate"))
    assert [(x["bytes"], x["peak_bytes"]) for x in held] == [(30, 1000)], held


CXX = r"""
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>
template <class T> T *make(int n) { return (T *)malloc(n * sizeof(T)); }
inline void *often() { return std::malloc(77); }
std::vector<int> *kept;
int main()
{
	kept = new std::vector<int>(1000);
	return !make<int>(10) || !make<double>(10) || !often() || !often();
}
"""


def needs_a_plain_library():
    lib = os.path.join(os.path.dirname(FORELAND), "../alloc/lib/libforeland-alloc.so")
    if os.path.exists(lib) and b"__asan_init" in open(lib, "rb").read():
        raise Skip("a library with a sanitizer in it cannot be loaded into other programs")


def cxx_programs_are_tagged():
    """Templates and inline functions have a tag each instance; new is counted by its caller."""
    needs_a_plain_library()
    if not shutil.which("c++"):
        return
    source, program, dump = (os.path.join(TMP.name, x) for x in ("p.cc", "p", "p.dump"))
    path("p.cc", CXX)
    subprocess.run(["c++", "-O1", "-isystem", f"{INCLUDE}/foreland/map", f"-I{INCLUDE}", "-o", program,
                    source, f"-L{LIB}", "-lforeland-alloc", f"-Wl,-rpath,{LIB}"], check=True)
    subprocess.run([program], env=dict(ENV, FORELAND_ALLOC=f"dump={dump}"), check=True)
    held = rows(run("show", "--input", dump, "--json"))
    assert sorted((x["function"], x["bytes"], x["calls"]) for x in held
                  if x["function"] in ("make", "often")) == \
        [("make", 40, 1), ("make", 80, 1), ("often", 154, 2)], held
    assert (4000, 1) in [(x["bytes"], x["calls"]) for x in held if x["module"] == "p"], held


# Freed by what it has as a pointer, as obstacks, hash tables and GLib do, and by code that was not rebuilt.
FREED_BY_OTHERS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void (*volatile destroy)(void *) = free;
static void *(*volatile grow)(void *, size_t) = realloc;
char *kept[4], *line;
int main(void)
{
	size_t n = 0;
	for (int i = 0; i < 100; i++) destroy(malloc(100));
	destroy(grow(calloc(1, 50), 5000));
	free(strdup("both"));
	destroy(strdup("both"));
	for (int i = 0; i < 4; i++) if (posix_memalign((void **)&kept[i], 64, 1000)) return 9;
	free(kept[3]);
	line = malloc(16), n = 16;
	if (getline(&line, &n, stdin) < 0) return 8; /* which reallocates it */
	free(line);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	return getchar();
}
"""


def build_tagged(name, text, *command):
    """None where the compiler cannot."""
    program = os.path.join(TMP.name, name)
    where = ":".join(os.path.dirname(subprocess.run([command[0], "-print-file-name=" + file], capture_output=True, text=True).stdout)
                     for file in (f"libclang_rt.asan-{os.uname().machine}.so", "libclang_rt.asan.so"))
    p = subprocess.run([*command, "-w", "-g", "-O1", "-isystem", f"{INCLUDE}/foreland/map", f"-I{INCLUDE}", "-o", program,
                        path(f"{name}.c", text), f"-L{LIB}", "-lforeland-alloc", f"-Wl,-rpath,{LIB}:{where}"],
                       capture_output=True, text=True)
    return program if p.returncode == 0 else None


def ask_while_it_runs(program):
    p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    p.stdin.write("x" * 300 + "\n")
    p.stdin.flush()
    pid = p.stdout.readline().strip()
    shown = run("show", "--json", "--pid", pid) if pid else None
    _, err = p.communicate("\0")
    assert p.returncode == 0 and not err, (program, p.returncode, err)
    return shown


def a_sanitizer_has_the_blocks_and_tells_of_each_free():
    needs_a_plain_library()
    tried = []
    for command in (("gcc", "-fsanitize=address"), ("gcc", "-fsanitize=thread"), ("gcc", "-fsanitize=leak"), ("clang", "-fsanitize=address"),
                    ("clang", "-fsanitize=address", "-shared-libsan"), ("clang", "-fsanitize=memory")):
        program = shutil.which(command[0]) and build_tagged("freed", FREED_BY_OTHERS, *command)
        if not program:
            continue
        tried.append(command)
        p = ask_while_it_runs(program)
        hidden = [(50, 1), (16, 1)] if "reallocates is not seen" in p.stderr else []
        assert [(r["bytes"], r["calls"]) for r in rows(p) if r["bytes"] or r["calls"]] == [(3000, 3)] + hidden, (command, p)
        assert not hidden or command[1] == "-fsanitize=leak", (command, p)
        assert p.returncode == 0 and "a sanitizer answers malloc()" in p.stderr, (command, p)
    if not tried:
        raise Skip("there is no compiler with a sanitizer")
    # whose blocks they are, so what is done with them is seen
    late = FREED_BY_OTHERS.replace("return getchar();", 'char *p = malloc(7); free(p); return *(volatile char *)&p[3] & 1;')
    for command in tried[:1]:
        p = subprocess.run([build_tagged("late", late, *command)], input="x\n", capture_output=True, text=True, env=ENV)
        assert "heap-use-after-free" in p.stderr, p


OWN_MALLOC = r"""
#include <stdlib.h>
#include <string.h>
#include <foreland/alloc-unmap.h>
static char arena[1 << 22] __attribute__((aligned(16)));
static size_t used;
static int is_own(char *p) { return p >= arena && p < arena + sizeof(arena); }
void *malloc(size_t n) { char *p = arena + used + 16; used += (n + 47) & ~31ul; *(size_t *)(p - 16) = n; return p; }
void free(void *p) { if (p && !is_own(p)) __builtin_trap(); }
void *calloc(size_t a, size_t n) { return memset(malloc(a * n), 0, a * n); }
void *realloc(void *p, size_t n) { return p ? memcpy(malloc(n), p, n < ((size_t *)p)[-2] ? n : ((size_t *)p)[-2]) : malloc(n); }
int posix_memalign(void **ret, size_t a, size_t n) { *ret = (void *)(((size_t)malloc(n + a) + a) & -a); return 0; }
#include <foreland/alloc-map.h>
"""


def a_program_that_answers_malloc_itself_is_linked_and_told():
    needs_a_plain_library()
    program = build_tagged("own", OWN_MALLOC + FREED_BY_OTHERS, "cc", "-fno-builtin")
    p = ask_while_it_runs(program)
    assert p.returncode == 1 and rows(p) == [] and "brings its own malloc()" in p.stderr, p
    p = subprocess.run([program], input="x\n\0", capture_output=True, text=True, env=dict(ENV, FORELAND_ALLOC="dump=own.txt"), cwd=TMP.name)
    assert p.returncode == 0 and "nothing is counted" in open(os.path.join(TMP.name, "own.txt")).read(), p


def off_is_off():
    with Live(FORELAND_ALLOC="off") as live:
        live.do("a 100")
        assert not [f for f in os.listdir(f"/proc/{live.pid}/fd")
                    if "memfd:" in os.readlink(f"/proc/{live.pid}/fd/{f}")]


HOLDER = """
#include <stdlib.h>
__attribute__((noinline)) void *holder(void) { void *p = malloc(777); __asm__("" : "+r"(p)); return p; }
int main(void) { return !holder() || !holder() || !holder(); }
"""


def run_shows_a_program_as_it_is():
    needs_a_plain_library()
    program = "import ctypes; c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p\n" \
              "for i in range(5): c.malloc(123456)"
    p = run("run", "--json", "--min-size", "600000", "--", sys.executable, "-c", program)
    assert p.returncode == 0, p.stderr
    held = [x for x in rows(p) if x["bytes"] == 5 * 123456 and x["calls"] == 5]
    assert len(held) == 1 and "ffi" in held[0]["module"], p.stdout
    if shutil.which("cc"):
        source, program = path("h.c", HOLDER), os.path.join(TMP.name, "holder")
        subprocess.run(["cc", "-O1", "-o", program, source], check=True)
        r = rows(run("run", "--json", "--min-size", "777", "--", program))
        assert [(x["bytes"], x["calls"], x["function"].split("+")[0]) for x in r] == \
            [(3 * 777, 3, "holder")], r
    p = run("run", "--", "false")
    assert p.returncode == 1, p
    p = run("run", "--", "/nonexistent")
    assert p.returncode == 127 and p.stderr == "/nonexistent: error: No such file or directory [ENOENT]\n", p
    ran = os.path.join(TMP.name, "ran")
    assert run("run", "--sort", "nothing", "--", "touch", ran).returncode == 2 and not os.path.exists(ran)
    # Ctrl-C is the program's: it ends as it likes, and is reported on
    program = "import signal, sys, time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n" \
              "print('on', flush=True)\nwhile True: time.sleep(0.1)"
    ctrl_c = subprocess.Popen([FORELAND, "alloc", "run", "--", sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=ENV, start_new_session=True)
    assert ctrl_c.stdout.readline() == "on\n"
    os.killpg(ctrl_c.pid, signal.SIGINT)
    out, err = ctrl_c.communicate(timeout=30)
    assert ctrl_c.returncode == 0 and "BYTES" in out, (out, err)
    assert run("run").returncode == 2
    kept = os.path.join(TMP.name, "kept")
    assert run("run", "-o", kept, "--", "true").returncode == 0
    assert open(kept).readline() == "allocinfo - version: 2.0\n"


def watch_ranks_what_grows():
    with Live() as live:
        w = subprocess.Popen([FORELAND, "alloc", "watch", "--pid", str(live.pid), "-c", "6", "-i",
                              "100ms", "--json"], stdout=subprocess.PIPE, text=True, env=ENV)
        while w.poll() is None:
            live.do("a 1000")
            time.sleep(0.03)
        out = w.stdout.read()
    r = [json.loads(x) for x in out.splitlines()]
    assert r[-1]["looks"] == 6 and r[1]["function"] == "allocate", out
    assert r[1]["bytes_growth"] > 0 and r[1]["falls"] == 0 and r[1]["leak"] > 80, out


def top_draws_resizes_and_quits():
    d = path("d", HEAD + "".join(f"{i} 1 file{i}.c:1 func:f \n" for i in range(1, 200)))
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(FORELAND, [FORELAND, "alloc", "top", "--input", d, "-i", "50ms"], dict(ENV, TERM="xterm"))
    before = termios.tcgetattr(fd)

    def screen(rows):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 60, 0, 0))
        text, end = b"", time.time() + 20
        while time.time() < end and text.count(b"\033[H") < 8:
            if select.select([fd], [], [], 1)[0]:
                text += os.read(fd, 65536)
        return text.split(b"\033[H")[-2].decode()

    small, large = screen(10), screen(40)
    assert len(small.splitlines()) == 10 and len(large.splitlines()) == 40, small
    assert "file199.c" in small.splitlines()[3] and "file170.c" in large
    os.write(fd, b"bq")
    _, status = os.waitpid(pid, 0)
    assert status == 0
    rest = b""
    try:
        while select.select([fd], [], [], 0.2)[0]:
            rest += os.read(fd, 65536)
    except OSError:
        pass
    assert rest.endswith(b"\033[?25h\033[?1049l"), rest[-50:]
    assert before[3] & termios.ICANON
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # a clean screen in any case
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(FORELAND, [FORELAND, "alloc", "top", "--input", d, "-i", "10s"], dict(ENV, TERM="xterm"))
        text = b""
        while b"file199.c" not in text:
            text += os.read(fd, 65536)
        os.kill(pid, end)
        try:
            while True:
                text += os.read(fd, 65536)
        except OSError:
            pass
        assert os.waitpid(pid, 0)[1] == 0 and text.endswith(b"\033[?25h\033[?1049l"), (end, text[-50:])
    assert run("top", "--input", d).returncode == 2


def top_on_a_dumb_terminal_has_no_sequences():
    d = path("d", HEAD + "".join(f"{i} 1 file{i}.c:1 func:f \n" for i in range(1, 200)))
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(FORELAND, [FORELAND, "alloc", "top", "--input", d, "-i", "50ms", "-n", "3"], dict(ENV, TERM="dumb"))
    text = b""
    while text.count(b"file199.c") < 3:
        text += os.read(fd, 65536)
    os.write(fd, b"q")
    try:
        while True:
            text += os.read(fd, 65536)
    except OSError:
        pass
    assert os.waitpid(pid, 0)[1] == 0 and b"\033" not in text, text
    last = text.decode().rstrip().replace("q", "").split("\r\n\r\n")[-1]
    assert "sort: b bytes" in last and [f"file{n}.c" in last for n in (199, 198, 197, 196)] == [True] * 3 + [False], text


TESTS = [show_filters_sorts_and_limits, bad_lines_are_located_and_the_rest_is_read,
         dumps_come_back_the_same, diff_shows_growth, metrics_have_each_label_set_once,
         metrics_are_the_text_format, names_do_nothing_to_a_terminal, watch_scores_what_only_grows,
         a_live_program_is_asked, a_child_answers_for_itself, only_the_same_user_may_ask,
         root_may_ask_anybody, a_program_needs_neither_descriptor_nor_signals_to_be_asked,
         the_ledger_is_sealed_and_the_users_alone, a_process_without_the_library_is_told,
         dumps_at_exit_and_on_a_signal, peaks_are_kept, cxx_programs_are_tagged, off_is_off,
         a_sanitizer_has_the_blocks_and_tells_of_each_free, a_program_that_answers_malloc_itself_is_linked_and_told,
         run_shows_a_program_as_it_is, watch_ranks_what_grows, top_draws_resizes_and_quits,
         top_on_a_dumb_terminal_has_no_sequences]

every(TESTS)
sys.exit(done())
