#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-musl.py BUILD SOURCE: the program is not glibc's alone.

Every C file of BUILD (its compile_commands.json) is compiled by musl-gcc, whose headers know nothing
of glibc's. What is at home on small systems is linked with it, statically, and its unit tests run:
base, the language of probes, and libforeland-alloc. cmocka and json-c, which Debian has for glibc
alone, are compiled from Debian's sources, kept in the cache."""
import concurrent.futures
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from tap import expect as report, done

build, source = (os.path.abspath(p) for p in sys.argv[1:3])
cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "foreland/musl")
# The kernel's interface and the libraries' headers are the same for each C library.
HEADERS = ["linux", "asm-generic", "asm", "json-c", "bpf", "elfutils", "libiberty", "libelf.h", "gelf.h", "dwarf.h", "zlib.h",
           "zconf.h", "zstd.h", "zstd_errors.h", "fuse3", "curl", "microhttpd.h", "google",
           "protobuf-c"]
# Module, and the folders that it is linked with.
BASE = ["base"]
LANG = ["base", "vfs", "script", "bpf", "btf", "probe/fetch", "probe/filter", "probe/event", "probe/target",
        "probe/lang", "elf/image.c", "elf/insn-length.c"]  # of elf, what needs no library
TESTS = [("text", BASE), ("output", BASE), ("script", ["base", "vfs", "script"]), ("interp", LANG),
         ("lang", LANG), ("filter", LANG), ("target", LANG), ("btf", LANG)]


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def headers(folder):
    os.mkdir(folder)
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
    for name in HEADERS:
        for place in ("/usr/include", f"/usr/include/{multiarch}"):
            if os.path.exists(f"{place}/{name}") and not os.path.lexists(f"{folder}/{name}"):
                os.symlink(f"{place}/{name}", f"{folder}/{name}")
    return folder


def musl(include, arguments, folder):
    return subprocess.run(["musl-gcc", "-isystem", include, *arguments], cwd=folder, capture_output=True, text=True)


def arguments_of(command, out):
    """The words of a compile command, without its compiler, sanitizers and dependency files."""
    words = shlex.split(command["command"])
    words = words[next(i for i, w in enumerate(words) if w.startswith("-")):]
    for flag in ("-MQ", "-MF", "-o"):
        if flag in words:
            at = words.index(flag)
            name = words[at + 1]
            del words[at:at + 2]
    theirs = re.compile(r"-I/usr/include(/[a-z0-9_]+-linux-gnu\w*)?")  # another C library's headers
    words = [w for w in words if w != "-MD" and not w.startswith("-fsanitize") and not theirs.fullmatch(w)]
    return words + ["-Werror", "-o", os.path.join(out, name.replace("/", "_"))], os.path.join(out, name.replace("/", "_"))


def compile_all(include, out):
    """{source file: [object...]}: each way in which a file is compiled."""
    commands = [c for c in json.load(open(os.path.join(build, "compile_commands.json"))) if c["file"].endswith(".c")]
    objects, bad = {}, []

    def one(command):
        arguments, name = arguments_of(command, out)
        return command, name, musl(include, arguments, command["directory"])

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for command, name, r in pool.map(one, commands):
            path = os.path.relpath(os.path.join(command["directory"], command["file"]), source)
            objects.setdefault(path, []).append(name)
            if r.returncode:
                bad.append(path + "\n" + r.stderr)
    report(f"{len(commands)} objects of {len(objects)} files are compiled by musl-gcc", not bad, "\n".join(bad))
    return objects


def unpacked(package):
    """Debian's source of a package, or None."""
    os.makedirs(cache, exist_ok=True)
    found = glob.glob(f"{cache}/{package}-*/")
    if not found:
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            r = subprocess.run([f"{source}/scripts/fetch-deb", "--source", "bookworm", package], cwd=folder,
                               capture_output=True, text=True)
            archive = glob.glob(f"{folder}/*.orig.tar.?z")
            if r.returncode or not archive:
                skip_all(r.stderr.strip() or f"{package} has no source")
            inside = os.path.join(folder, "inside")
            os.mkdir(inside)
            subprocess.run(["tar", "xf", archive[0], "-C", inside, "--strip-components=1"], check=True)
            os.rename(inside, f"{cache}/{package}-source")
        found = [f"{cache}/{package}-source/"]
    return found[0]


def library(package, files, defines, include, out):
    """Objects of a library's source: what its own configuration would find, said here."""
    folder = unpacked(package)
    config = os.path.join(out, package)
    os.mkdir(config)
    with open(f"{config}/config.h", "w", encoding="utf-8") as f:
        f.write("".join(f"#define {d}\n" for d in defines))
    objects = []
    for path in sorted(p for pattern in files for p in glob.glob(folder + pattern)):
        objects.append(f"{config}/{os.path.basename(path)}.o")
        r = musl(include, ["-O1", "-w", "-DHAVE_CONFIG_H", "-D_GNU_SOURCE", "-I", config, "-I", folder + "include",
                           "-I", include + "/json-c", "-c", path, "-o", objects[-1]], folder)
        report(f"{package}: {os.path.basename(path)}", r.returncode == 0, r.stderr)
    return objects


def run(name, objects, include, out, env):
    program = os.path.join(out, "test-" + name)
    r = musl(include, ["-static", "-o", program, *objects, "-lm"], out)
    if r.returncode:
        return report(f"{name} links", False, r.stderr)
    r = subprocess.run([program], cwd=out, env=env, capture_output=True, text=True, timeout=300)
    passed = len(re.findall(r"^ok ", r.stdout, re.M))
    report(f"{name}: {passed} unit tests pass with musl", r.returncode == 0 and passed, r.stdout + r.stderr)


def shared_library(objects, include, out):
    """libforeland-alloc, with a program of many threads that compares its own counts."""
    parts = [o for f, names in objects.items() for o in names[:1]
             if os.path.dirname(f) in ("src/alloc/lib", "src/alloc/tags")]
    r = musl(include, ["-shared", "-o", f"{out}/libforeland-alloc.so", *parts], out)
    report("libforeland-alloc.so links", r.returncode == 0, r.stderr)
    r = musl(include, ["-o", f"{out}/threads", *objects["tests/alloc/threads.c"][:1], f"{out}/libforeland-alloc.so",
                       f"-Wl,-rpath,{out}"], out)
    r = r.returncode and r or subprocess.run([f"{out}/threads"], capture_output=True, text=True, timeout=300)
    report("libforeland-alloc counts what threads do, with musl", r.returncode == 0, r.stdout + r.stderr)


def main():
    if not shutil.which("musl-gcc"):
        skip_all("there is no musl-gcc (Debian: musl-tools)")
    with tempfile.TemporaryDirectory() as out:
        include = headers(os.path.join(out, "include"))
        os.symlink(unpacked("cmocka") + "include/cmocka.h", f"{include}/cmocka.h")  # of what is linked, not of this system
        objects = compile_all(include, out)
        cmocka = library("cmocka", ["src/cmocka.c"],
                         [f"HAVE_{h}_H 1" for h in ("ASSERT", "INTTYPES", "MALLOC", "SETJMP", "SIGNAL", "STDARG",
                                                    "STDDEF", "STDINT", "STDIO", "STDLIB", "STRING", "STRINGS",
                                                    "SYS_STAT", "SYS_TYPES", "TIME", "UNISTD")]
                         + ["HAVE_STRUCT_TIMESPEC 1", "HAVE_CLOCK_GETTIME 1", "HAVE_CLOCK_REALTIME 1",
                            "HAVE_STRSIGNAL 1", "HAVE_SNPRINTF 1", "HAVE_VSNPRINTF 1"], include, out)
        json_c = library("json-c", ["*.c"],
                         ["PACKAGE_VERSION \"musl\"", "STDC_HEADERS 1"] + [f"HAVE_{n} 1" for n in (
                             "STDLIB_H", "STRINGS_H", "UNISTD_H", "SYS_PARAM_H", "SYS_STAT_H", "FCNTL_H", "LIMITS_H", "LOCALE_H",
                             "SYSLOG_H", "STDARG_H", "STDINT_H", "INTTYPES_H", "STRING_H", "STRNCASECMP", "STRDUP",
                             "STRERROR", "SNPRINTF", "VSNPRINTF", "VASPRINTF", "OPEN", "SETLOCALE", "DECL_INFINITY",
                             "DECL_ISINF", "DECL_ISNAN", "DECL_NAN", "STRTOLL", "STRTOULL", "GETRANDOM",
                             "SYS_RANDOM_H", "ATOMIC_BUILTINS")]
                         + ["SIZEOF_INT 4", "SIZEOF_LONG 8", "SIZEOF_LONG_LONG 8", "SIZEOF_SIZE_T 8", "SIZEOF_SSIZE_T 8",
                            "SIZEOF_INT64_T 8", "json_c_strtoll strtoll", "json_c_strtoull strtoull"], include, out)
        env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
        for name, folders in TESTS:
            own = objects.get(f"tests/unit/test-{name}.c")
            if own:
                parts = [o for f, names in objects.items() for o in names[:1]
                         if {os.path.dirname(f), f} & {f"src/{d}" for d in folders}]
                run(name, own[:1] + parts + cmocka + json_c, include, out, env)
        if "tests/alloc/threads.c" in objects:
            shared_library(objects, include, out)
    return done()


sys.exit(main())
