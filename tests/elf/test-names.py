#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, lines and inlined functions of addresses, as addr2line -fiC says them.

usage: test-names.py ELF_NAMES [SCRIPTS]

Programs of two compilers are asked at some hundred places; given the tree's scripts, python3.11-dbg and
libstdc++6-12-dbg as well, out of a root that has them. Where addr2line (binutils 2.40) says something else,
llvm-symbolizer must say what we say, and the reason is one of these:

unit      the line is ours, and the file is the unit's first one
nothing   the address is in no function (what fills up between two): addr2line names the one before
unlinked  a function has no linkage name, as in an anonymous namespace or with a lambda for a parameter:
          addr2line gives the symbol's name to the innermost frame, and the plain one to the function itself
line      there is one, which addr2line does not find
inlined   addr2line does not find functions inlined by clang in DWARF 5
"""
import collections
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

names = os.path.abspath(sys.argv[1])

C = r"""
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; int key; char text[20]; };
static inline int hash(const char *s) { int h = 5381; while (*s) h = h * 33 + *s++; return h; }
static inline struct node *make(const char *s)
{
	struct node *n = malloc(sizeof(*n));
	if (!n) abort();
	strncpy(n->text, s, sizeof(n->text) - 1);
	n->key = hash(s);
	return n;
}
__attribute__((noinline)) static struct node *add(struct node *list, const char *s)
{
	struct node *n = make(s);
	n->next = list;
	return n;
}
__attribute__((noinline)) int sum(const struct node *n)
{
	int s = 0;
	for (; n; n = n->next) { if (n->key & 1) s += n->key; else s ^= n->key; }
	return s;
}
static int cold(int x) { if (__builtin_expect(x == 12345, 0)) { abort(); } return x * 3; }
int main(int argc, char **argv)
{
	struct node *list = NULL;
	for (int i = 0; i < argc; i++) { list = add(list, argv[i]); list = add(list, "x"); }
	return cold(sum(list)) & 1;
}
"""
CXX = r"""
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>
namespace shapes {
struct shape { virtual ~shape() = default; virtual double area() const = 0; };
template <typename T> struct square : shape { T side; explicit square(T s) : side(s) {} double area() const override { return side * side; } };
namespace { double local(double x) { double y = 0; for (int i = 0; i < 10; i++) y += x / (i + 1); return y; } }
__attribute__((noinline)) double hidden(double x) { return local(x) + local(x + 1); }
}
template <typename T> static inline T clamp_to(T v, T low, T high) { return std::min(std::max(v, low), high); }
__attribute__((noinline)) static std::string joined(const std::vector<std::string> &v)
{
	std::string s;
	for (auto &x : v) { s += x; s.push_back(','); }
	return s;
}
int main(int argc, char **argv)
{
	std::map<std::string, std::unique_ptr<shapes::shape>> m;
	std::vector<std::string> v(argv, argv + argc);
	for (auto &x : v) m[x] = std::make_unique<shapes::square<double>>(x.size());
	std::sort(v.begin(), v.end(), [](const std::string &a, const std::string &b) { return a.size() < b.size() || (a.size() == b.size() && a > b); });
	double d = 0;
	for (auto &p : m) d += p.second->area() + shapes::hidden(d);
	try { v.at(argc + 1); } catch (const std::exception &) { d++; }
	return clamp_to<int>((int)d + (int)joined(v).size(), 0, 3);
}
"""


def tell(what, why):
    check(not why, what, why)


def answers(command, addresses):
    """By address: a list of (function, file:line)."""
    text = subprocess.run(command, input="".join(f"{x:#x}\n" for x in addresses), capture_output=True, text=True, check=True).stdout
    found = []
    for line in text.splitlines():
        if re.fullmatch(r"0x[0-9a-f]{16}", line):
            found.append([])
        else:
            found[-1].append(line)
    return [list(zip(x[::2], x[1::2])) for x in found]


def llvm(path, addresses):
    text = subprocess.run(["llvm-symbolizer", "-C", "-i", "-e", path], input="".join(f"{x:#x}\n" for x in addresses),
                          capture_output=True, text=True, check=True).stdout
    found = []
    for block in text.strip("\n").split("\n\n"):
        lines = block.split("\n")
        found.append([(f, re.sub(r":\d+$", "", where)) for f, where in zip(lines[::2], lines[1::2])])
    return found


def plain(where):
    return re.sub(r" \(discriminator \d+\)$", "", where)


def reason(theirs, ours):
    if len(ours) == 1 and ours[0][0] == "??" and len(theirs) == 1:
        return "nothing"
    if len(theirs) < len(ours):
        return "inlined" if (theirs[-1][0], theirs[0][1]) == (ours[-1][0], ours[0][1]) else None
    if len(theirs) != len(ours):
        return None
    if all(b == d for (_, b), (_, d) in zip(theirs, ours)):
        return "unlinked"
    if len(ours) == 1 and theirs[0] == (ours[0][0], "??:?"):
        return "line"
    if all(plain(b).rsplit(":", 1)[1] == plain(d).rsplit(":", 1)[1] for (_, b), (_, d) in zip(theirs, ours)):
        return "unit"
    return None


def common(frames):
    """What both have in the same words: LLVM writes lambdas and parts of functions in its own, cannot demangle
    all, and knows no file by symbols."""
    answer = []
    for name, where in frames:
        name = re.sub(r"\s+|\[clone \S+\]|\(\.\w+(\.\d+)*\)", "", re.sub(r"\[clone [^]]*\]|\(\.[\w.]+\)", "", name))
        where = plain(where)
        name = name.replace("decltype(nullptr)", "std::nullptr_t")
        answer.append(("" if "lambda" in name or "$_" in name or name.startswith("_Z") else name, "" if where.endswith((":?", ":0")) else where))
    return answer


def is_confirmed(ours, judge):
    return len(ours) == len(judge) and all(b == d and (not a or not c or a == c) for (a, b), (c, d) in zip(ours, judge))


def text_section(path):
    words = subprocess.run(["readelf", "-WS", path], capture_output=True, text=True, check=True).stdout.split(" .text ")[1].split()
    return int(words[1], 16), int(words[3], 16)


def compare(what, path, addresses):
    theirs = answers(["addr2line", "-afiC", "-e", path], addresses)
    ours = answers([names, "-a", path], addresses)
    kinds, wrong, different = collections.Counter(), [], []
    for address, a, b in zip(addresses, theirs, ours):
        if a == b:
            continue
        why = reason(a, b)
        kinds[why] += 1
        different.append((address, why, a, b))
    judged = llvm(path, [x[0] for x in different]) if different else []
    for (address, why, a, b), judge in zip(different, judged):
        if not why or not is_confirmed(common(b), common(judge)):
            wrong.append(f"{address:#x} ({why}): {b}; addr2line {a}; llvm {judge}")
    known = sum(f != "??" and w[-2:] not in (":?", ":0") for x in ours for f, w in x[:1])
    if known < len(addresses) / 4:
        wrong.append(f"only {known} of {len(addresses)} have lines")
    tell(f"{what}: {len(addresses)} addresses" + "".join(f", {n} {k}" for k, n in sorted(kinds.items(), key=str)), "; ".join(wrong[:3])[:3000])


def build(tmp, name, compiler, text, *flags):
    source, program = os.path.join(tmp, name + (".cc" if "++" in compiler else ".c")), os.path.join(tmp, name)
    with open(source, "w") as f:
        f.write(text)
    subprocess.run([compiler, "-w", "-g", "-o", program, source, *flags], check=True, cwd=tmp)
    return program


def programs(tmp):
    for compiler, text in (("gcc", C), ("g++", CXX), ("clang", C), ("clang++", CXX)):
        for flags in (["-O2"], ["-O0"], ["-O2", "-gdwarf-4"], ["-O1", "-gz", "-ffunction-sections", "-fno-pie", "-no-pie"]):
            if shutil.which(compiler):
                name = f"{compiler}{''.join(flags)}"
                yield " ".join([compiler, *flags]), build(tmp, name, compiler, text, *flags)


def big(scripts):
    root = subprocess.run([f"{scripts}/suite-root", platform.freedesktop_os_release()["VERSION_CODENAME"], "--name", "alloc-names",
                           "--packages", "python3.11-dbg libstdc++6-12-dbg"], capture_output=True, text=True)
    if root.returncode:
        print(f"1..0 # SKIP {root.stderr.strip().splitlines()[-1]}")
        sys.exit(0)
    for path in ("usr/bin/python3.11-dbg", "usr/lib/x86_64-linux-gnu/debug/libstdc++.so.6"):
        yield os.path.basename(path), os.path.realpath(os.path.join(root.stdout.strip(), path))


def main():
    missing = [x for x in ("addr2line", "llvm-symbolizer", "readelf") if not shutil.which(x)]
    if missing:
        print("1..0 # SKIP there is no " + " or ".join(missing))
        return
    version = subprocess.run(["addr2line", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    if " 2.40" not in version:
        print(f"1..0 # SKIP {version} is not the one whose ways are known here")
        return
    random.seed(5)
    with tempfile.TemporaryDirectory() as tmp:
        for what, path in big(sys.argv[2]) if len(sys.argv) > 2 else programs(tmp):
            start, size = text_section(path)
            count = 20000 if len(sys.argv) > 2 else 400
            compare(what, path, [start + random.randrange(size) for _ in range(count)])
    sys.exit(done())


main()
