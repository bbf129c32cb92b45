#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland alloc run: programs as they are, however they end, whatever allocator they have.

usage: test-run.py FORELAND CXX_DEF

What is expected is what the programs below do, by their own text: sizes, counts, who calls whom.
"""
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import protoc
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
import cgroup
from tap import Skip, done, every

FORELAND, CXX_DEF = map(os.path.abspath, sys.argv[1:3])
TMP = tempfile.TemporaryDirectory()
LIBS = {name: f"/usr/lib/x86_64-linux-gnu/{so}" for name, so in
        (("jemalloc", "libjemalloc.so.2"), ("tcmalloc", "libtcmalloc_minimal.so.4"),
         ("mimalloc", "libmimalloc.so.2"))}


def run(*args, env=None, **kw):
    return subprocess.run([FORELAND, "alloc", "run", *args], capture_output=True, text=True, timeout=120,
                          cwd=TMP.name, env=dict(os.environ, **(env or {})), **kw)


def rows(p):
    lines = [json.loads(line) for line in p.stdout.splitlines() if line.startswith("{")]
    assert lines and lines[0]["type"] == "schema" and lines[-1]["type"] == "summary", p
    return [line for line in lines if "type" not in line]


def build(name, text, *flags, cc="cc"):
    program, source = os.path.join(TMP.name, name), os.path.join(TMP.name, name + (".cc" if cc.endswith("++") else ".c"))
    with open(source, "w") as f:
        f.write(text)
    subprocess.run([cc, "-w", "-o", program, source, *flags], check=True, cwd=TMP.name)
    return program


def litter():
    """What lies where accounts, sockets and dumps were ever put. Others use these folders, too: their names are none of these."""
    folders = ("/tmp", "/dev/shm", "/run", f"/run/user/{os.getuid()}", TMP.name)
    left = {f"{d}/{x}" for d in folders if os.path.isdir(d) for x in os.listdir(d)
            if x.startswith(("foreland-alloc", f"foreland-{os.getuid()}", "alloc."))}
    with open("/proc/net/unix") as f:
        return left | {line.split()[-1] for line in f if "foreland-alloc" in line}


WRAPPED = r"""
#include <stdlib.h>
#define KEEP __attribute__((noinline, noclone, noipa))
void *volatile kept[100];
KEEP void *xmalloc(size_t n) { void *p = malloc(n); if (!p) abort(); return p; }
KEEP void first(void) { for (int i = 0; i < 10; i++) kept[i] = xmalloc(100); }
KEEP void second(void) { for (int i = 0; i < 5; i++) kept[20 + i] = xmalloc(1000); }
KEEP void both(void) { first(); second(); }
int main(int argc, char **argv) { both(); return argc > 1 ? atoi(argv[1]) : 0; }
"""


# What each function holds at the end stands in it.
KNOWN = r"""
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>
#define KEEP __attribute__((noinline, noclone, noipa))
#define TEN for (int i = 0; i < 10; i++)
void *kept[4096]; int n;
#define K(x) (kept[n++] = (x))
KEEP void f_malloc(void) { TEN K(malloc(100)); }
KEEP void f_calloc(void) { TEN K(calloc(10, 20)); }
KEEP void f_realloc(void) { TEN K(realloc(malloc(10), 300)); }
KEEP void f_reallocarray(void) { TEN K(reallocarray(0, 40, 10)); }
KEEP void f_memalign(void) { TEN K(memalign(64, 500)); }
KEEP void f_posix(void) { void *p; TEN { if (posix_memalign(&p, 4096, 600)) abort(); K(p); } }
KEEP void f_aligned(void) { TEN K(aligned_alloc(32, 704)); }
KEEP void f_valloc(void) { TEN K(valloc(800)); }
KEEP void f_strdup(void) { TEN K(strdup("0123456789")); }
KEEP void f_strndup(void) { TEN K(strndup("0123456789", 5)); }
KEEP void f_wcsdup(void) { TEN K(wcsdup(L"abcd")); }
KEEP void f_asprintf(void) { char *p; TEN { if (asprintf(&p, "%05d", i) < 0) abort(); K(p); } }
KEEP void f_none(void) { TEN K(malloc(0)); }
KEEP void f_to_none(void) { TEN realloc(malloc(50), 0); }
KEEP void f_too_much(void) { volatile size_t m = (size_t)-1 / 2; TEN { void *p = K(malloc(7)); if (malloc(m) || calloc(m, 4) || realloc(p, m)) abort(); } }
KEEP void f_freed(void) { for (int i = 0; i < 1000; i++) free(malloc(64)); }
KEEP void *f_thread(void *a) { for (int i = 0; i < 25; i++) K(malloc(1000)); return 0; }
KEEP void f_of_others(void) { for (int i = 0; i < 25; i++) K(malloc(2000)); }
void *freer(void *a) { for (int i = 0; i < 25; i++) free(kept[--n]); return 0; }
KEEP void f_child(void) { TEN K(malloc(1111)); }
int main(int argc, char **argv)
{
	pthread_t t;
	f_malloc(); f_calloc(); f_realloc(); f_reallocarray(); f_memalign(); f_posix(); f_aligned(); f_valloc(); f_strdup();
	f_strndup(); f_wcsdup(); f_asprintf(); f_none(); f_to_none(); f_too_much(); f_freed();
	for (int i = 0; i < 4; i++) pthread_create(&t, 0, f_thread, 0), pthread_join(t, 0);
	f_of_others(), pthread_create(&t, 0, freer, 0), pthread_join(t, 0);
	if (!fork()) f_child(), _exit(0);
	wait(0);
	if (!vfork()) execl("/bin/true", "true", NULL), _exit(1);
	wait(0);
	switch (argc > 1 ? *argv[1] : 0) {
	case 'a': abort();
	case 'k': kill(getpid(), 9);
	case '_': _exit(5);
	case 'q': quick_exit(6);
	}
	return 0;
}
"""
HELD = {"malloc": (1000, 10), "calloc": (2000, 10), "realloc": (3000, 10), "reallocarray": (4000, 10), "memalign": (5000, 10),
        "posix": (6000, 10), "aligned": (7040, 10), "valloc": (8000, 10), "strdup": (110, 10), "strndup": (60, 10),
        "wcsdup": (200, 10), "asprintf": (60, 10), "none": (0, 10), "too_much": (70, 10), "thread": (100000, 100)}


def what_is_known_to_be_held_is_what_is_said():
    for flags in (("-O1", "-g"), ("-O2", "-no-pie", "-fomit-frame-pointer"), ("-O2", "-flto")):
        program = build("known", KNOWN, *flags, "-pthread")
        for words, status in (((), 0), (("a",), 134), (("k",), 137), (("_",), 5), (("q",), 6)):
            p = run("--json", "--", program, *words)
            held = {}
            for x in rows(p):
                bytes, calls = held.get(x["function"], (0, 0))
                held[x["function"]] = bytes + x["bytes"], calls + x["calls"]
            mine = {k.split("+")[0][2:]: v for k, v in held.items() if k.startswith("f_")}
            assert p.returncode == status and mine == HELD, (flags, words, p.returncode, set(mine.items()) ^ set(HELD.items()))


def the_first_row_names_who_asked():
    for flags in (("-O1", "-g"), ("-O2", "-fno-optimize-sibling-calls", "-fomit-frame-pointer"),
                  ("-O1", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables")):
        program = build("wrapped", WRAPPED, *flags)
        r = rows(run("--json", "--", program))
        assert [(x["function"].split("+")[0], x["bytes"], x["calls"]) for x in r] == \
            [("second", 5000, 5), ("first", 1000, 10)], (flags, r)
        names = [f["function"] for f in r[0]["stack"]]
        assert names[:4] == ["xmalloc", "second", "both", "main"], (flags, names)
        if "-g" in flags:
            line = WRAPPED[:WRAPPED.index("void second")].count("\n") + 1
            assert r[0]["line"] == line and r[0]["file"].endswith("wrapped.c"), r[0]
        r = rows(run("--json", "--skip", "", "--", program))
        assert [(x["function"].split("+")[0], x["bytes"], x["calls"]) for x in r] == [("xmalloc", 6000, 15)], r
        r = rows(run("--json", "--skip", "xmalloc,second", "--", program))
        assert [x["function"].split("+")[0] for x in r] == ["both", "first"], r
        r = rows(run("--json", "--stack", "2", "--", program))
        assert [len(x["stack"]) for x in r] == [2, 2], r


def trees_and_folded_stacks_add_up():
    program = build("wrapped", WRAPPED, "-O1", "-g")
    p = run("--folded", "--", program)
    stacks = dict(line.rsplit(" ", 1) for line in p.stdout.splitlines())
    assert sorted(stacks.values()) == ["1000", "5000"], p.stdout
    assert all(re.search("main;both;(first|second);xmalloc$", s) for s in stacks), p.stdout
    p = run("--tree", "callers", "-r", "--", program)
    lines = [line.split() for line in p.stdout.splitlines()[1:]]
    assert lines[0] == ["5000", "5", "second"] and ["1000", "10", "first"] in lines, p.stdout
    p = run("--tree", "callees", "-r", "--", program)
    lines = [line.split() for line in p.stdout.splitlines()[1:]]
    assert lines[0][:2] == ["6000", "15"] and ["6000", "15", "both"] in lines, p.stdout


def a_dump_is_read_again():
    program = build("wrapped", WRAPPED, "-O1", "-g")
    p = run("-o", "kept.txt", "--", program)
    assert (p.stdout, p.stderr) == ("", ""), p
    assert open(os.path.join(TMP.name, "kept.txt")).readline() == "allocinfo - version: 2.0\n"
    again = subprocess.run([FORELAND, "alloc", "show", "--input", "kept.txt", "--folded"], capture_output=True,
                           text=True, cwd=TMP.name)
    assert again.stdout == run("--folded", "--", program).stdout, again
    p = run("-o", "kept.txt", "--", "c++filt", "x")  # C++ names hold blanks
    again = subprocess.run([FORELAND, "alloc", "show", "--input", "kept.txt", "--json"], capture_output=True,
                           text=True, cwd=TMP.name)
    assert again.returncode == 0 and again.stdout.count("\n") > 2, again


ENDS = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
void *volatile kept[100];
__attribute__((noinline)) void holder(void) { for (int i = 0; i < 100; i++) kept[i] = malloc(100); }
int main(int argc, char **argv)
{
	holder();
	if (!strcmp(argv[1], "segv")) *(volatile int *)0 = 1;
	if (!strcmp(argv[1], "abort")) abort();
	if (!strcmp(argv[1], "_exit")) _exit(3);
	if (!strcmp(argv[1], "kill")) raise(SIGKILL); /* what the OOM killer sends */
	if (!strcmp(argv[1], "quick")) quick_exit(5);
	if (!strcmp(argv[1], "exec")) execl("/bin/true", "true", (char *)0);
	if (!strcmp(argv[1], "setuid")) { if (setgid(65534) || setuid(65534)) return 9; kept[0] = malloc(23); _exit(0); }
	if (!strcmp(argv[1], "chroot")) { if (chroot("/proc/self/fdinfo")) return 9; kept[0] = malloc(23); _exit(0); }
	if (!strcmp(argv[1], "scribble")) { /* over its own account, wherever it can write */
		char line[512]; int fd = open("/proc/self/maps", O_RDONLY); static char text[1 << 20]; ssize_t n = 0, k;
		while ((k = read(fd, text + n, sizeof(text) - 1 - n)) > 0) n += k;
		for (char *l = strtok(text, "\n"); l; l = strtok(0, "\n")) {
			unsigned long a, b;
			if (!strstr(l, "memfd:foreland-alloc")) continue;
			a = strtoul(l, &l, 16); b = strtoul(l + 1, 0, 16);
			for (unsigned long p = a; p < b && p < a + 65536; p += 8) *(unsigned long *)p = 0x4141414142424242;
		}
		_exit(0);
	}
	return 4;
}
"""


def there_is_an_answer_however_it_ends():
    program, before = build("ends", ENDS, "-O1"), litter()
    for how, status in (("segv", 128 + 11), ("abort", 128 + 6), ("_exit", 3), ("kill", 128 + 9), ("quick", 5),
                        ("exit", 4)):
        p = run("--json", "--min-size", "10000", "--", program, how)
        assert p.returncode == status, (how, p)
        assert [(x["function"].split("+")[0], x["bytes"], x["calls"]) for x in rows(p)] == \
            [("holder", 10000, 100)], (how, p)
        assert litter() == before, (how, litter() - before)


def a_program_without_a_runner_leaves_nothing_either():
    lib = os.path.join(os.path.dirname(FORELAND), "../alloc/lib")
    with open(f"{lib}/libforeland-alloc.so", "rb") as f:
        if b"__asan_init" in f.read():
            raise Skip("a library with a sanitizer in it cannot be loaded into other programs")
    program = build("linked-ends", ENDS, "-O1", "-Wl,--no-as-needed", f"-L{lib}", "-lforeland-alloc", f"-Wl,-rpath,{lib}")
    before = litter()
    for how, status in (("segv", -11), ("kill", -9), ("_exit", 3), ("exit", 4)):
        p = subprocess.run([program, how], capture_output=True, cwd=TMP.name, timeout=60)
        assert p.returncode == status and litter() == before, (how, p, litter() - before)


EATER = r"""
#include <stdlib.h>
#include <string.h>
void *volatile kept[100], *volatile eaten[1024];
__attribute__((noinline)) void holder(void) { for (int i = 0; i < 100; i++) kept[i] = malloc(100); }
__attribute__((noinline)) void eater(void) { for (int i = 0; i < 1024; i++) { eaten[i] = malloc(1 << 20); memset(eaten[i], 1, 1 << 20); } }
int main(void) { holder(); eater(); return 9; }
"""


def small_group():
    """With 64 MiB and no swap."""
    made = cgroup.make("alloc-run")
    if not made:
        raise Skip("no control group that limits memory can be made")
    group, limit, swap = made
    for name, value in ((limit, 64 << 20), (swap, 0 if "swap.max" in swap else 64 << 20)):
        if os.path.exists(f"{group}/{name}"):
            with open(f"{group}/{name}", "w") as f:
                f.write(str(value))
    return group


def what_the_oom_killer_ends_has_an_answer():
    program, group = build("eater", EATER, "-O1"), small_group()
    try:
        p = run("--json", "--", "sh", "-c", f"echo 0 >{group}/cgroup.procs && exec {program}")
        events = open(f"{group}/{'memory.events' if os.path.exists(f'{group}/memory.events') else 'memory.oom_control'}").read()
    finally:
        cgroup.remove(group)
    if p.returncode == 9:
        raise Skip("the control group did not limit it")
    assert p.returncode == 137 and "was killed by signal 9" in p.stderr and "oom_kill 0" not in events, (p, events)
    r = {x["function"].split("+")[0]: (x["bytes"], x["calls"]) for x in rows(p)}
    assert r["holder"] == (10000, 100) and 30 << 20 <= r["eater"][0] <= 64 << 20 and r["eater"][0] == r["eater"][1] << 20, r


def also_behind_another_user_or_root():
    if os.geteuid():
        raise Skip("only root can become another user or change its root")
    program = build("ends", ENDS, "-O1")
    for how in ("setuid", "chroot"):
        p = run("--json", "--", program, how)
        assert p.returncode == 0, (how, p)
        assert sum(x["bytes"] for x in rows(p) if x["module"] == "ends") == 10023, (how, p.stdout)


def a_program_may_write_what_it_likes_into_its_account():
    program = build("ends", ENDS, "-O1")
    p = run("--json", "--", program, "scribble")
    assert p.returncode == 1 and "Traceback" not in p.stderr and p.stderr, p
    assert re.search(r"\[E[A-Z]+\]|damaged|left nothing", p.stderr), p.stderr


def what_it_became_is_not_taken_for_it():
    """The library goes with an exec; it does not where the environment is cleared."""
    program = build("ends", ENDS, "-O1")
    p = run("--json", "--total", "--", program, "exec")
    assert p.returncode == 0 and not [x for x in rows(p) if x["function"].startswith("holder")], p
    p = run("--json", "--", "env", "-i", "sleep", "0")
    assert p.returncode == 1 and "left nothing" in p.stderr and "env -i" in p.stderr, p


def what_cannot_be_counted_is_told_before():
    program = build("static", WRAPPED, "-static")
    p = run("--", program)
    assert p.returncode == 1 and "is linked statically" in p.stderr and p.stdout == "", p
    assert run("--", program, "7").returncode == 7
    program = build("sanitized", WRAPPED, "-fsanitize=address")
    p = run("--", program, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert p.returncode == 1 and "sanitizer" in p.stderr and "ASan runtime" not in p.stderr, p
    program = build("privileged", WRAPPED)
    if os.geteuid() == 0:
        os.chown(program, 65534, -1)
        os.chmod(program, 0o4755)
        p = run("--", program)
        assert p.returncode == 1 and "rights of its own" in p.stderr, p


OWN = r"""
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
static char arena[1 << 24] __attribute__((aligned(16))); static size_t at;
void *malloc(size_t n) { size_t *p = (size_t *)(arena + at); at += ((n + 15) & ~15ul) + 16; p[0] = n; p[1] = 0x5a5a; return p + 2; }
void free(void *q) { if (q && ((char *)q < arena || (char *)q >= arena + sizeof arena)) { write(2, "not mine\n", 9); _exit(66); } }
void *calloc(size_t a, size_t b) { void *p = malloc(a * b); memset(p, 0, a * b); return p; }
void *realloc(void *q, size_t n) { void *p = malloc(n); if (q) memcpy(p, q, n); return p; }
int main(void) { for (int i = 0; i < 9; i++) { char *s = strdup("abc"), *t = strndup("abc", 2); free(s); free(t); } puts("ok"); return 0; }
"""


LEAKS = r"""
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#define KEEP __attribute__((noinline))
void *volatile p;
KEEP void lose(void *x) { p = x; p = 0; }
KEEP void leak(void)
{
	void *q;
	lose(malloc(101)), lose(calloc(1, 102)), lose(realloc(malloc(3), 103)), lose(strdup("104")), lose(new char[105]);
	lose(memalign(64, 106)), lose(aligned_alloc(64, 128)), lose(new int(3)), lose(posix_memalign(&q, 64, 107) ? 0 : q);
}
KEEP void forget(void) { char junk[8192]; memset(junk, 0, sizeof(junk)); lose(junk); }
int main(int argc, char **argv)
{
	if (argc > 1) { p = malloc(100); free(p); return ((char *)p)[50]; }
	leak();
	forget();
	return 0;
}
"""


def a_child_with_a_sanitizer_reports_what_it_reports_without():
    tried = 0
    for cc, *flags in (("g++", "-fsanitize=address"), ("g++", "-fsanitize=leak"), ("clang++", "-fsanitize=address")):
        try:
            program = build("leaks", LEAKS, "-g", *flags, cc="c++" if cc == "g++" else cc)
        except (OSError, subprocess.CalledProcessError):
            continue
        tried += 1
        for args in ("", "x"):
            command = ["sh", "-c", f"{program} {args}; echo status $?; exit 0"]
            plain = subprocess.run(command, capture_output=True, text=True, cwd=TMP.name)
            p = run("-o", "kept.txt", "--", *command)
            varies = r"==\d+==|(?m:^ +#\d+ +0x\w+ +\(<unknown module>\)\n)|0x\w+|(?m:^(  )?[ =]>?0x.*$)|(?m:^foreland: .*\n)"
            told = [re.sub(varies, "", x) for x in (plain.stdout + plain.stderr, p.stdout + p.stderr)]
            assert told[0].splitlines()[0] == told[1].splitlines()[0], (cc, flags, told)
            if args:
                assert told[0] == told[1] and ("leak" in flags[0] or "use-after-free" in told[0]), (cc, flags, told)
                continue
            # a word that nobody cleared may keep one of the nine from being a leak
            leaks = [dict(re.findall(r"leak of (\d+) byte(.*?)\n\n", x, re.S)) for x in told]
            both = leaks[0].keys() & leaks[1].keys()
            assert len(both) >= 7 and all(leaks[0][n] == leaks[1][n] for n in both), (cc, flags, leaks)
    if not tried:
        raise Skip("there is no compiler with a sanitizer")


def a_program_with_its_own_malloc_is_left_alone():
    program = build("own", OWN, "-O1", "-fno-builtin")
    p = run("-o", "own.txt", "--", program)
    assert p.stdout == "ok\n" and "brings its own malloc()" in p.stderr and p.returncode == 1, p


def a_jump_to_malloc_is_not_a_malloc_of_its_own():
    """An executable that is not position independent and takes the addresses has symbols of the names."""
    program = build("jumps", WRAPPED.replace("int main(int argc, char **argv) {",
                    "int main(int argc, char **argv) { void *(*get)(size_t); void (*put)(void *);\n"
                    '__asm__("mov $malloc, %0" : "=r"(get)); __asm__("mov $free, %0" : "=r"(put)); put(get(5));'),
                    "-O1", "-no-pie", "-fno-pie")
    names = subprocess.run(["readelf", "-W", "--dyn-syms", program], capture_output=True, text=True).stdout
    assert re.search(r": 0*[1-9a-f][0-9a-f]* +0 FUNC +GLOBAL DEFAULT +UND malloc", names), names
    p = run("--json", "--", program)
    assert p.returncode == 0 and sum(x["bytes"] for x in rows(p)) == 6000, p
    if os.path.exists(LIBS["jemalloc"]):
        p = run("--json", "--", program, env={"LD_PRELOAD": LIBS["jemalloc"]})
        assert p.returncode == 0 and sum(x["bytes"] for x in rows(p)) == 6000, p


def every_form_of_new_and_delete():
    """Each row of the table, from new to delete, alone and over each allocator: nothing is left."""
    forms = re.findall(r'^FORM\((\w+), (\w+), "(.*)"\)', open(CXX_DEF).read(), re.M)
    assert len(forms) == 20, forms
    news = [f for f in forms if f[0].startswith("NEW")]
    deletes = [f for f in forms if f[0] == "DELETE"]
    extra = {"size": "64", "alignment": "64", "nothrow": "0", "p": "p"}

    def call(symbol, written):
        return f'{symbol}({", ".join(extra[a] for a in re.search("[(](.*)[)]", written)[1].split(", "))})'
    body = "".join(f'\tp = {call(new[1], new[2])}; memset(p, 1, 64); if (ask) puts("{new[2]}"); {call(old[1], old[2])};\n'
                   for new in news for old in deletes
                   if ("[]" in new[2]) == ("[]" in old[2]) and ("alignment" in new[2]) == ("alignment" in old[2]))
    assert body.count("\n") == 8 * 3, body  # each new with each delete that the language allows for it
    program = build("forms", "#include <stdio.h>\n#include <string.h>\n" +
                    "".join(f"void *{n}();\n" for _, n, _ in news) + "".join(f"void {n}();\n" for _, n, _ in deletes) +
                    f"int main(int ask) {{ void *p; ask--;\n{body}\tputs(\"done\"); return 0; }}\n", "-std=gnu17", "-lstdc++")
    for name, lib in [(None, None), *LIBS.items()]:
        if lib and not os.path.exists(lib):
            continue
        env = {"LD_PRELOAD": lib} if lib else {}
        plain = subprocess.run([program], capture_output=True, text=True, env=dict(os.environ, **env))
        assert plain.stdout == "done\n", (name, plain)
        p = run("-o", "forms.json", "--json", "--total", "--", program, env=env)
        assert p.returncode == 0 and p.stdout == "done\n", (name, p)
        lines = [json.loads(x) for x in open(os.path.join(TMP.name, "forms.json"))]
        mine = [x for x in lines if "type" not in x and x["module"] == "forms"]
        assert sum(x["total_calls"] for x in mine) == 24 and not any(x["bytes"] or x["calls"] for x in mine), (name, mine)


CXX = r"""
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>
struct alignas(64) wide { char c[64]; };
int main()
{
	std::map<int, std::string> m;
	std::vector<std::unique_ptr<wide>> v;
	for (int i = 0; i < 2000; i++) {
		m[i] = std::string(100, 'x');
		v.push_back(std::make_unique<wide>());
	}
	m.clear();
	v.clear();
	v.shrink_to_fit();
	int *array = new int[1000];
	delete[] array;
	std::puts("ok");
}
"""


def other_allocators_stay_the_programs():
    program = build("cxx", CXX, "-O1", "-std=c++17", cc="c++")
    found = 0
    for name, lib in LIBS.items():
        if not os.path.exists(lib):
            continue
        found += 1
        linked = build("cxx-" + name, CXX, "-O1", "-std=c++17", "-Wl,--no-as-needed", lib, cc="c++")
        for args, env in ((program, {"LD_PRELOAD": lib}), (linked, {})):
            p = run("-o", "cxx.json", "--json", "--total", "--", args, env=env)
            assert p.returncode == 0 and p.stdout == "ok\n", (name, p)
            lines = [json.loads(x) for x in open(os.path.join(TMP.name, "cxx.json"))]
            mine = [x for x in lines if "type" not in x and x["module"] == os.path.basename(args)]
            assert mine and sum(x["total_calls"] for x in mine) >= 4000, (name, mine)
            assert not sum(x["bytes"] for x in mine), (name, mine)
        if name == "jemalloc":  # it is still that one which answers: its own statistics have the calls
            p = run("-o", "x", "--", linked, env={"MALLOC_CONF": "stats_print:true"})
            assert "jemalloc statistics" in p.stderr, p
    if not found:
        raise Skip("none of Debian's other allocators is there")


MIXED = r"""
#include <stdlib.h>
#include <stdio.h>
void *mallocx(size_t, int), *rallocx(void *, size_t, int); void dallocx(void *, int), sdallocx(void *, size_t, int); size_t sallocx(const void *, int);
int main(void)
{
	for (int i = 1; i < 3000; i++) {
		void *p = mallocx(i, 0), *q = malloc(i), *r = malloc(i), *s = malloc(i);
		if (sallocx(q, 0) < (size_t)i) return 1;
		free(p); dallocx(q, 0); r = rallocx(r, i + 100, 0); free(r); sdallocx(s, i, 0);
	}
	puts("ok");
	return 0;
}
"""


def blocks_go_through_an_allocators_own_functions():
    if not os.path.exists(LIBS["jemalloc"]):
        raise Skip("no jemalloc")
    program = build("mixed", MIXED, "-O1", "-Wl,--no-as-needed", LIBS["jemalloc"])
    p = run("-o", "mixed.txt", "--", program)
    assert p.returncode == 0 and p.stdout == "ok\n", p


def an_unloaded_library_keeps_its_name():
    """100 blocks are guilty()'s; innocent() comes to lie where it was."""
    for name, n, keep in (("guilty", 1234, ""), ("innocent", 5, "free(hold);")):
        build(f"{name}.so", f"#include <stdlib.h>\nvoid *volatile hold; void call(void) {{ hold = malloc({n}); {keep} }}\n",
              "-shared", "-fPIC", "-g")
    program = build("loads", r"""
        #include <dlfcn.h>
        #include <stdio.h>
        static void many(const char *lib, int n, int close) { void *h = dlopen(lib, RTLD_NOW);
            void (*f)(void) = (void (*)(void))dlsym(h, "call"); fprintf(stderr, "%p\n", (void *)f);
            while (n--) f(); if (close) dlclose(h); }
        int main(void) { many("./guilty.so", 100, 1); many("./innocent.so", 1, 0); many("./guilty.so", 10, 1); return 0; }""")
    p = run("--json", "--", program)
    places = p.stderr.split("\n")[:2]
    held = {(x["module"], x["function"].split("+")[0], x["bytes"]) for x in rows(p)}
    assert places[0][:-3] == places[1][:-3], "the second library does not lie where the first one was: the test says nothing"
    assert ("guilty.so", "call", 110 * 1234) in held, held
    assert not [x for x in held if x[0] == "innocent.so"], held


def children_are_counted_in_accounts_of_their_own():
    program = build("forks", r"""
        #include <stdlib.h>
        #include <sys/wait.h>
        #include <unistd.h>
        void *volatile k;
        __attribute__((noinline)) void parent(void) { k = malloc(1000); }
        __attribute__((noinline)) void child(int i) { k = malloc(2000 + i); }
        int main(void) { parent(); for (int i = 0; i < 50; i++) { if (!fork()) { child(i); _exit(0); } wait(0); } return 0; }""",
                    "-O0")
    before = litter()
    p = run("--json", "--", program)
    assert [(x["function"].split("+")[0], x["bytes"]) for x in rows(p)] == [("parent", 1000)], p
    assert "50 other processes" in p.stderr, p.stderr
    assert not litter() - before, litter() - before
    r = rows(run("--json", "--children", "--", program))
    assert len({x["pid"] for x in r}) == 51, len({x["pid"] for x in r})
    assert sorted(x["bytes"] for x in r if x["function"].startswith("child")) == [2000 + i for i in range(50)]
    assert sum(x["bytes"] for x in r if x["function"].startswith("parent")) == 51 * 1000
    text = run("--children", "--", program).stdout
    told = re.findall(r"  child\S* pid:(\d+)$", text, re.M)
    assert len(set(told)) == 50 and set(told) <= set(re.findall(r" of process (\d+) from$", text, re.M)), text


def more_chains_than_there_is_room_for():
    """2^18 chains of 60 callers each: what has no place of its own is in one row, told, and in the status."""
    program = build("chains", r"""
        #include <stdlib.h>
        static void *volatile k;
        #define CALL(f, n) do { f(n); __asm__ volatile("" ::: "memory"); } while (0)
        static __attribute__((noinline)) void tree(int n) {
            if (!n) { k = malloc(8); return; }
            CALL(tree, n - 1);
            CALL(tree, n - 1);
        }
        static __attribute__((noinline)) void deep(int n) {
            if (!n) { CALL(tree, 18); return; }
            CALL(deep, n - 1);
        }
        int main(void) { deep(40); return 0; }""", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls")
    p = run("--json", "--stack", "64", "-n", "1", "--", program)
    whole = json.loads(p.stdout.splitlines()[-1])
    assert (whole["bytes"], whole["calls"]) == (8 << 18, 1 << 18), p
    assert [(x["function"].startswith("(more callers"), x["accurate"]) for x in rows(p)] == [(True, False)], p
    assert p.returncode == 1 and re.search(r": \d+ calls came from more callers than can be told apart", p.stderr), p


def peaks_totals_and_the_moment_of_the_peak():
    """first() holds 100 and 900 at most, second() 500 when first() holds 100: together 1000, then 600."""
    program = build("peaks", r"""
        #include <stdlib.h>
        void *volatile k[9];
        __attribute__((noinline)) void *first(int n) { return malloc(n); }
        __attribute__((noinline)) void *second(int n) { return malloc(n); }
        int main(void) { k[0] = first(100); k[1] = first(900); free(k[1]); k[2] = second(500); free(k[2]); k[2] = second(30); return 0; }""",
                    "-O0")
    r = rows(run("--json", "--sort", "peak", "--stack", "1", "--", program))
    r = {x["function"].split("+")[0]: x for x in r}
    assert (r["first"]["bytes"], r["first"]["peak_bytes"], r["first"]["total_bytes"], r["first"]["total_calls"]) == \
        (100, 1000, 1000, 2), r
    assert (r["second"]["bytes"], r["second"]["peak_bytes"], r["second"]["total_bytes"]) == (30, 500, 530), r
    r = rows(run("--json", "--at-peak", "--stack", "1", "--", program))
    assert [(x["function"].split("+")[0], x["bytes"], x["calls"]) for x in r] == [("first", 1000, 2)], r
    program = build("failing", "#include <stdlib.h>\nint main(void) { void *volatile p = malloc(1UL << 46); return p != 0; }")
    r = rows(run("--json", "--total", "--peak", "--", program))
    assert not [x for x in r if x["module"] == "failing"], r


def a_library_bound_to_its_own_first_frees_what_others_allocated():
    """Found by the RUNPATH of who opens it; PHP loads its extensions so."""
    build("deep.so", "#include <stdlib.h>\nvoid take(void *p) { free(p); }\nvoid *give(void) { return malloc(100); }", "-shared", "-fPIC")
    program = build("binds", """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        int main(void) { void *h = dlopen("deep.so", RTLD_NOW | RTLD_DEEPBIND); if (!h) return 9;
            void (*take)(void *) = dlsym(h, "take"); void *(*give)(void) = dlsym(h, "give");
            for (int i = 0; i < 1000; i++) { take(malloc(50)); free(give()); } return 3; }""", "-ldl", "-Wl,-rpath,$ORIGIN")
    assert subprocess.run([program]).returncode == 3
    p = run("-o", "/dev/null", "--", program)
    assert (p.returncode, p.stderr) == (3, ""), p


def a_handler_may_allocate():
    """Every chain is a new one, in the program and in the handler that comes in its middle: both take the
    library's lock. (glibc's own are left alone: its cache has a block of that size after the first.)"""
    program = build("handler", r"""
        #include <signal.h>
        #include <stdlib.h>
        #include <unistd.h>
        static volatile int came;
        static void handler(int s) { free(malloc(100)); came++; }
        __attribute__((noipa)) int step(unsigned n, int depth);
        __attribute__((noipa)) int left(unsigned n, int depth) { return step(n, depth) + 1; }
        __attribute__((noipa)) int right(unsigned n, int depth) { return step(n, depth) + 2; }
        int step(unsigned n, int depth) { if (!depth) { free(malloc(100)); return 0; }
            return (n & 1 ? left : right)(n >> 1, depth - 1) + 1; }
        int main(void) { signal(SIGALRM, handler); ualarm(200, 200);
            for (unsigned n = 0; n < 60000; n++) step(n, 16);
            return came < 20; }""", "-O1")
    p = run("-o", "handler.txt", "--stack", "40", "--", program)
    assert p.returncode == 0, p


def what_is_mapped_past_malloc_has_rows_of_its_own():
    """16 pages are mapped, the four in the middle unmapped, one grown by four pages and moved at will."""
    program = build("maps", r"""
        #define _GNU_SOURCE
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #define MAP(n) mmap(0, (n) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        void *volatile k;
        __attribute__((noipa)) char *arena(void) { return MAP(16); }
        __attribute__((noipa)) void jit(void) { char *p = MAP(4); p = mremap(p, 4 * 4096, 8 * 4096, MREMAP_MAYMOVE); memset(p, 1, 8 * 4096); }
        __attribute__((noipa)) void gone(void) { munmap(MAP(100), 100 * 4096); }
        int main(void) { char *p = arena(); memset(p, 1, 16 * 4096); munmap(p + 6 * 4096, 4 * 4096); jit(); gone();
            k = malloc(1000); return p[0] + p[15 * 4096] - 2; }""", "-O1")
    p = run("--json", "--mmap", "--", program)
    assert p.returncode == 0, p
    assert sorted((x["function"].split("+")[0], x["bytes"]) for x in rows(p) if x.get("extra") == "mmap") == \
        [("arena", 12 * 4096), ("jit", 8 * 4096)], p.stdout
    p = run("--json", "--", program)
    assert [(x["function"].split("+")[0], x["bytes"]) for x in rows(p)] == [("main", 1000)], p.stdout
    assert re.search("note: 80.0K in [23] mappings that malloc", p.stderr), p.stderr


def profiles_are_read_by_protoc():
    if not shutil.which("protoc"):
        raise Skip("no protoc")
    program = build("wrapped", WRAPPED, "-O1", "-g", "-Wl,--build-id=0x00112233445566778899aabbccddeeff00112233")
    assert run("-o", "w.pb.gz", "--", program).returncode == 0
    p = protoc.profile(os.path.join(TMP.name, "w.pb.gz"))
    strings = p["string_table"]
    assert strings[0] == "" and [strings[t["type"][0]] for t in p["sample_type"]] == \
        ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"], strings
    found = {s[0][1]: s for s in protoc.samples(p)}
    assert found["second"][0][:4] == ["xmalloc", "second", "both", "main"], found
    assert found["second"][1] == [5, 5000, 5, 5000] and found["first"][1] == [10, 1000, 10, 1000], found
    assert all(s[2]["pid"] > 0 for s in found.values())
    ids = {strings[m["filename"][0]]: strings[m["build_id"][0]] for m in p["mapping"]}
    assert ids[program] == "00112233445566778899aabbccddeeff00112233", ids
    lines = [li["line"][0] for x in p["location"] for li in x["line"] if "line" in li]
    line = WRAPPED[:WRAPPED.index("void second")].count("\n") + 1
    assert {line - 2, line - 1, line, line + 1} <= set(lines), lines
    dump = os.path.join(TMP.name, "kernel.txt")
    with open(dump, "w") as f:
        f.write("allocinfo - version: 2.0\n300 3 mm/slub.c:12 func:alloc_slab_page \n"
                "4096 1 fs/ext4/super.c:9 [ext4] func:fill accurate:no \n")
    subprocess.run([FORELAND, "alloc", "show", "--input", dump, "-o", "k.pb.gz"], check=True, cwd=TMP.name)
    p = protoc.profile(os.path.join(TMP.name, "k.pb.gz"))
    assert sorted((tuple(s[0]), tuple(s[1]), tuple(s[2].items())) for s in protoc.samples(p)) == \
        [(("alloc_slab_page", "mm/slub.c", "(built in)"), (3, 300), ()),
         (("fill", "fs/ext4/super.c", "ext4"), (1, 4096), (("accurate", "no"),))], protoc.samples(p)


def a_program_that_runs_is_asked_from_outside():
    program = build("waits", WRAPPED.replace("both(); return", "both(); getchar(); return").replace(
        "#include <stdlib.h>", "#include <stdlib.h>\n#include <stdio.h>\n#include <signal.h>").replace(
        "int main(int argc, char **argv) {", "int main(int argc, char **argv) { sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, 0);"))
    p = subprocess.Popen([FORELAND, "alloc", "run", "-o", "x", "--", program], stdin=subprocess.PIPE, cwd=TMP.name)
    found, r = [], None
    end = time.monotonic() + 60
    while found != [1000, 5000] and time.monotonic() < end:
        time.sleep(0.05)
        kids = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
        r = subprocess.run([FORELAND, "alloc", "show", "--json", "--pid", kids[0] if kids else "1"], capture_output=True, text=True)
        if '"first' in r.stdout and '"summary"' in r.stdout:
            found = sorted(x["bytes"] for x in rows(r) if x["module"] == "waits")
    p.communicate(b"\n")
    assert found == [1000, 5000], r


class Server(http.server.BaseHTTPRequestHandler):
    """What debuginfod is asked for: /buildid/ID/debuginfo."""
    files, asked = {}, []

    def do_GET(self):
        self.asked.append(self.path)
        data = self.files.get(self.path)
        self.send_response(200 if data else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *args):
        pass


def build_id(path):
    text = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: (\w+)", text)[1]


def debug_information_comes_from_a_server():
    if "libdebuginfod.so.1" not in subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout:
        raise Skip("there is no libdebuginfod")
    program = build("served", WRAPPED.replace("KEEP void first", "KEEP static void first"), "-O1", "-g", "-Wl,--build-id=sha1")
    whole = open(program, "rb").read()
    subprocess.run(["strip", program], check=True)
    path = f"/buildid/{build_id(program)}/debuginfo"
    line = WRAPPED[:WRAPPED.index("void first")].count("\n") + 1
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_port}/", "DEBUGINFOD_TIMEOUT": "20", "no_proxy": "127.0.0.1"}

    def lines(cache, env):
        r = rows(run("--json", "--", program, env=dict(env, DEBUGINFOD_CACHE_PATH=os.path.join(TMP.name, cache))))
        return sorted((x["function"].split("+")[0], x["line"]) for x in r if x["module"] == "served")
    try:
        assert "first" not in [f for f, _ in lines("cache0", {"DEBUGINFOD_URLS": ""})] and not Server.asked, Server.asked
        assert "first" not in [f for f, _ in lines("cache1", where)] and path in Server.asked, Server.asked
        Server.files[path] = open("/bin/ls", "rb").read()  # another program's
        assert "first" not in [f for f, _ in lines("cache2", where)]
        Server.files[path] = whole
        assert ("first", line) in lines("cache3", where), lines("cache3", where)
        asked = len(Server.asked)
        assert ("first", line) in lines("cache3", where) and path not in Server.asked[asked:]  # it was kept
    finally:
        server.shutdown()


TESTS = [what_is_known_to_be_held_is_what_is_said, the_first_row_names_who_asked, trees_and_folded_stacks_add_up, a_dump_is_read_again,
         there_is_an_answer_however_it_ends, a_program_without_a_runner_leaves_nothing_either, what_the_oom_killer_ends_has_an_answer, also_behind_another_user_or_root,
         a_program_may_write_what_it_likes_into_its_account, what_it_became_is_not_taken_for_it,
         what_cannot_be_counted_is_told_before, a_program_with_its_own_malloc_is_left_alone, a_child_with_a_sanitizer_reports_what_it_reports_without,
         a_jump_to_malloc_is_not_a_malloc_of_its_own, every_form_of_new_and_delete, other_allocators_stay_the_programs,
         blocks_go_through_an_allocators_own_functions, an_unloaded_library_keeps_its_name,
         children_are_counted_in_accounts_of_their_own, more_chains_than_there_is_room_for, peaks_totals_and_the_moment_of_the_peak,
         a_handler_may_allocate, a_library_bound_to_its_own_first_frees_what_others_allocated, what_is_mapped_past_malloc_has_rows_of_its_own, profiles_are_read_by_protoc, a_program_that_runs_is_asked_from_outside,
         debug_information_comes_from_a_server]

every(TESTS)
sys.exit(done())
