#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland alloc run changes nothing: programs of Debian, each with the allocator that it has and with
others preloaded.

usage: test-matrix.py FORELAND [--long [SCRIPTS [NAME...]]]

With --long all that are listed, or those that are named; given the tree's scripts, in a root of this machine's own
suite that has them.
Each runs plain twice, in folders of their own, and then counted. What differs between the two plain
runs (times, process ids, addresses) is masked; all else must be equal: output, errors, exit status,
and the files that were written, byte for byte."""
import concurrent.futures
import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

FORELAND = os.path.abspath(sys.argv[1])
LONG = "--long" in sys.argv
SCRIPTS = sys.argv[3] if len(sys.argv) > 3 and "/" in sys.argv[3] else None
NAMED = sys.argv[4 if SCRIPTS else 3:]
ALLOCATORS = [("as it is", None)] + [
    (name, path) for name, pattern in (("jemalloc", "libjemalloc.so.?"), ("tcmalloc", "libtcmalloc_minimal.so.?"), ("mimalloc", "libmimalloc.so.?"))
    for path in sorted(glob.glob("/usr/lib/x86_64-linux-gnu/" + pattern))[-1:]]
# What the programs of ./check and the allocators are in; the others' packages are scripts/deps --long.
PACKAGES = "python3 perl git gcc g++ libc6-dev clang make xz-utils groff zsh binutils python3-docutils protobuf-compiler " \
           "libjemalloc-dev libgoogle-perftools-dev libmimalloc-dev"

C = "#include <stdio.h>\n#include <stdlib.h>\nint main(void) { char *s = malloc(6); snprintf(s, 6, \"hello\"); puts(s); return 3; }\n"
CXX = "#include <map>\n#include <string>\n#include <iostream>\nint main() { std::map<int, std::string> m; " \
      "for (int i = 0; i < 100; i++) m[i] = std::string(i, 'x'); std::cout << m.size(); }\n"
MAKE = "all: a b c d\n%: %.c\n\tcc -O1 -o $@ $<\n"

# Name, what a shell is given in an empty folder; those of ./check come with scripts/deps.
QUICK = [
    ("python3", "python3 -c 'import json, re, ctypes, hashlib; print(json.dumps({str(i): [i] * 5 for i in range(3000)})[-50:]); "
                "print(hashlib.sha256(b\"x\" * 100000).hexdigest())'"),
    ("perl", "perl -e 'my %h; $h{$_ % 977} .= \"x$_\" for 1 .. 60000; print length(join \",\", map { $h{$_} } sort keys %h), \"\\n\"'"),
    ("bash", "bash -c 'for i in {1..300}; do a[i]=$(echo $((i * i))); done; echo ${a[@]} | md5sum; (exit 5)'; echo $?"),
    ("git", "git init -q r && cd r && for i in 1 2 3 4 5; do seq $((i * 1000)) > f$i; done && git add . && GIT_AUTHOR_DATE='1 Jan 2020 00:00 +0000' "
            "GIT_COMMITTER_DATE='1 Jan 2020 00:00 +0000' git -c user.name=a -c user.email=b commit -qm x && git log -p --stat | md5sum && git gc -q && git fsck && rm -rf .git/index .git/logs"),
    ("gcc", "cc -O2 -g -o p p.c && ./p; echo $?"),
    ("c++", "c++ -O1 -o p q.cc && ./p"),
    ("clang", "clang -O2 -S -o - p.c"),
    ("make -j2", "for i in a b c d; do cp p.c $i.c; done; make -s -j2 -f Makefile && ./d; echo $?"),
    ("xz", "seq 300000 | xz -T2 -6 | xz -dc | md5sum"),
    ("groff", "printf '.TH x 1\\n.SH NAME\\nx \\\\- y\\n.PP\\ntext %s\\n' 1 2 3 | groff -Tutf8 -man"),
    ("zsh", "zsh -fc 'typeset -A h; for i in {1..2000}; do h[$i]=$((i * 3)); done; print ${#h} $h[77]'"),
    ("readelf", "readelf -Wa /bin/ls | md5sum; c++filt _ZNSt6vectorIiSaIiEE9push_backERKi"),
    ("rst2html", "printf 'T\\n=\\n\\n- a\\n- b\\n' | rst2html"),
]
MORE = [
    ("ruby", "ruby -e 'puts (1..50000).map { |i| \"s#{i}\" }.group_by(&:size).map { |k, v| [k, v.size] }.inspect'"),
    ("node", "node -e 'let m = new Map(); for (let i = 0; i < 200000; i++) m.set(\"k\" + i, [i]); console.log(m.size)'"),
    ("java", "printf 'public class A { public static void main(String[] a) { StringBuilder b = new StringBuilder(); for (int i = 0; i < 99999; i++) b.append(i); System.out.println(b.length()); } }' > A.java && java A.java"),
    ("rustc", "printf 'fn main() { let v: Vec<String> = (0..100).map(|i| i.to_string()).collect(); println!(\"{}\", v.join(\",\")); }' > a.rs && rustc -o a a.rs && ./a && rm a"),
    ("sqlite3", "sqlite3 db 'create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000) insert into t select x, hex(x) from c; select count(*), sum(a), max(b) from t;'"),
    ("redis-server", "redis-server --port 0 --unixsocket $PWD/s --daemonize no --save '' >/dev/null & p=$!; for i in $(seq 100); do [ -S s ] && break; sleep 0.1; done; "
                     "for i in $(seq 50); do redis-cli -s s set k$i v$i; done; redis-cli -s s dbsize; kill $p; wait $p; echo $?"),
    ("postgres", "true; d=$(pg_config --bindir) && chown 65534 . && setpriv --reuid 65534 --clear-groups sh -c \"$d/initdb -D d -A trust >/dev/null && $d/postgres --single -D d postgres <<-X\nselect count(*) from pg_class;\nX\"; rm -rf d"),
    ("nginx", "nginx -V 2>&1 | head -1; printf 'events {}\\nhttp {}\\n' > c; nginx -t -p . -c c -e stderr 2>&1 | tail -1"),
    ("gdb", "gdb -nx -batch -ex 'print 6 * 7' -ex 'disassemble main' ./true 2>&1 | tail -3"),
    ("tmux", "tmux -S s -f /dev/null new-session -d 'sleep 1' && tmux -S s list-sessions -F '#{session_name}'; tmux -S s kill-server"),
    ("lua", "lua -e 'local t = {} for i = 1, 200000 do t[i] = tostring(i) end print(#t, #table.concat(t))'"),
    ("php", "php -r '$a = []; for ($i = 0; $i < 100000; $i++) $a[] = md5($i); echo count(array_unique($a)), PHP_EOL;'"),
    ("go", "printf 'package main\\nfunc main() { println(len(make([]int, 1000))) }\\n' > a.go && HOME=$PWD go run a.go; rm -rf .cache go"),
    ("ghostscript", "printf '%%!PS\\n/Helvetica findfont 12 scalefont setfont 72 72 moveto (x) show showpage\\n' | gs -q -sDEVICE=ppmraw -r72 -o - - | md5sum"),
    ("ffmpeg", "ffmpeg -v error -f lavfi -i testsrc=d=1 -f md5 -"),
    ("gawk", "seq 100000 | gawk '{ a[$1 % 999] += $1 } END { print length(a), a[5] }'"),
    ("sort", "seq 400000 | sort -R --random-source=/bin/ls | sort -n --parallel=2 | md5sum"),
    ("vim", "seq 2000 > f; vim -u NONE -es -c '%s/1/one/g' -c wq f; md5sum f"),
    ("curl", "curl -s file:///etc/passwd | md5sum"),
    ("openssl", "openssl sha256 /bin/ls; echo x | openssl enc -aes-128-cbc -pbkdf2 -k y -nosalt | md5sum"),
    ("gpg", "mkdir -m700 h; echo x | gpg --homedir h --batch --passphrase y --symmetric -o - | wc -c; rm -rf h"),
    ("ssh-keygen", "ssh-keygen -q -t ed25519 -N '' -f k && ssh-keygen -l -f k | cut -c1-5; rm k k.pub"),
    ("tar", "tar -C /usr/share/doc -cf - bash 2>/dev/null | tar tf - | wc -l"),
    ("protoc", "printf 'syntax = \"proto3\"; message M { int32 a = 1; }' > m.proto && protoc --cpp_out=. m.proto && md5sum m.pb.cc"),
]



def needed(name):
    return {"make -j2": "make", "rst2html": "rst2html", "postgres": "pg_config", "ghostscript": "gs"}.get(name, name.split()[0])


def digest(folder):
    found = {}
    for root, dirs, files in os.walk(folder):
        for f in files:
            p = os.path.join(root, f)
            name = os.path.relpath(p, folder)
            if os.path.islink(p) or not os.path.isfile(p):
                found[name] = "special"
            else:
                found[name] = hashlib.sha256(open(p, "rb").read()).hexdigest()
    return found


def once(script, preload, counted, at):
    """In a folder that has the same name each time, as programs write it into what they make."""
    folder = os.path.join(at, "here")
    os.mkdir(folder)
    for name, text in (("p.c", C), ("q.cc", CXX), ("Makefile", MAKE)):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    env = dict(os.environ, LC_ALL="C", HOME=folder, ZDOTDIR=folder, PYTHONHASHSEED="0", PERL_HASH_SEED="0", TMPDIR=at,
               SOURCE_DATE_EPOCH="1")
    if preload:
        env["LD_PRELOAD"] = preload
    command = ["sh", "-c", script]
    if counted:
        command = [FORELAND, "alloc", "run", "-o", "/dev/null", "--", *command]
    p = subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    result = (p.stdout, p.stderr, p.returncode, digest(folder))
    shutil.rmtree(folder)
    return result


def mask(a, b, text):
    """Lines that differ between the plain runs mean nothing; numbers in them neither."""
    a, b, text = (x.splitlines() for x in (a, b, text))
    if len(a) != len(b):
        return None
    if len(text) != len(a):
        return False
    return all(t == x or x != y for x, y, t in zip(a, b, text))


OURS = re.compile(rb"^foreland: note: .*another allocator than the C library's is used.*\n", re.M)


def compare(first, second, counted):
    out, err, status, files = counted
    err = OURS.sub(b"", err)
    why = []
    for name, index, text in (("output", 0, out), ("errors", 1, err)):
        if mask(first[index], second[index], text) is False:
            why.append(f"{name}: {text[-600:]!r} instead of {first[index][-600:]!r}")
    if status != first[2] and first[2] == second[2]:
        why.append(f"status {status} instead of {first[2]}: {err[-300:]!r}")
    stable = {n: h for n, h in first[3].items() if second[3].get(n) == h}
    different = [n for n, h in stable.items() if files.get(n) != h]
    if different:
        why.append(f"files: {different}")
    return why


def try_one(row):
    (name, script), (allocator, preload) = row
    with tempfile.TemporaryDirectory(prefix="foreland-matrix-") as at:
        os.chmod(at, 0o755)
        first, second = (once(script, preload, False, at) for _ in range(2))
        return name, allocator, compare(first, second, once(script, preload, True, at))


def in_a_root():
    """This test again, where all the programs are; does not return."""
    deps = subprocess.run([f"{SCRIPTS}/deps", "--long"], capture_output=True, text=True, check=True).stdout.split()
    source, build = os.path.dirname(os.path.abspath(SCRIPTS)), FORELAND.split("/src/cli/")[0]
    os.execv(f"{SCRIPTS}/suite-root", ["suite-root", platform.freedesktop_os_release()["VERSION_CODENAME"], "--name", "alloc-matrix",
             "--packages", " ".join([PACKAGES, *(d for d in deps if not d.endswith("-dbg"))]), "--bind", f"{source}:{source}",
             "--bind", f"{build}:{build}", "--", "python3", os.path.abspath(sys.argv[0]), FORELAND, "--long", *NAMED])


if SCRIPTS:
    sys.stdout.flush()
    in_a_root()
wanted = [p for p in QUICK + (MORE if LONG else []) if not NAMED or p[0] in NAMED]
programs = [p for p in wanted if shutil.which(needed(p[0]))]
missing = [p[0] for p in wanted if not shutil.which(needed(p[0]))]
rows = [(p, a) for p in programs for a in ALLOCATORS
        if LONG or not a[1] or (p[0], a[0]) in (("python3", "jemalloc"), ("perl", "tcmalloc"), ("c++", "mimalloc"))]
print(f"1..{len(rows) + len(missing)}")
failed = number = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for name, allocator, why in pool.map(try_one, rows):
        number += 1
        failed += bool(why)
        print(f"{'not ok' if why else 'ok'} {number} - {name}, {allocator}" + (f": {why!r}"[:1500] if why else ""), flush=True)
for name in missing:
    number += 1
    print(f"ok {number} - {name} # SKIP it is not installed (scripts/deps --long)", flush=True)
sys.exit(failed != 0)
