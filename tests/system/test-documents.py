#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-documents.py FORELAND SOURCE [guest]: the commands in our documents do what the documents say.

Every block that starts with ```console is a session: a line "$ COMMAND" (continued by a backslash)
is run by bash, and what follows it is what it prints, standard error after standard output. "..."
there stands for anything, over lines as well. No output written means that any is right. The status must be 0, or
what the block says:

    ```console                 ```console guest          needs a guest: run with the guest's tests
    ```console status=1        ```console skip=WHY       cannot be run here: shown as a skip

A block is one session of one shell: what its lines start in the background runs until they end it, or the block
does. A command whose status is 77 could not be run, and its last line is the reason: the rest of the block is skipped.
Sessions of one document share a folder that looks like the top of the source tree, and what they
write is gone afterwards. A block ```sh is code to read, and is only checked for syntax."""
import glob
import os
import re
import select
import signal
import subprocess
import sys
import tempfile

from tap import done, expect, skip

foreland, source = (os.path.abspath(p) for p in sys.argv[1:3])
guest = sys.argv[3:] == ["guest"]
vm = os.path.join(source, "scripts/vm")


def blocks(path):
    """(line number, info words, lines) of each fenced block."""
    fence = None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if fence is None and line.startswith("```") and line != "```":
            fence = (number, line[3:].split(), [])
        elif fence is not None and line == "```":
            yield fence
            fence = None
        elif fence is not None:
            fence[2].append(line)
    if fence:
        expect(f"{path}:{fence[0]}: the block ends", False)


def sessions(lines):
    """[command, expected output] of a console block."""
    result = []
    for line in lines:
        if result and result[-1][0].endswith("\\\n"):
            result[-1][0] += line.removeprefix("> ") + "\n"
        elif line.startswith("$ "):
            result.append([line[2:] + "\n", ""])
        elif result:
            result[-1][1] += line + "\n"
    return result


def matches(expected, output):
    """As doctest's ELLIPSIS: "..." is any text."""
    pattern = ".*".join(re.escape(part) for part in expected.rstrip().split("..."))
    return re.fullmatch(pattern, output.rstrip(), re.S) is not None


class Shell:
    """A shell that runs one command after the other. Their output goes to files, which jobs that stay may hold."""

    def __init__(self, folder, env):
        self.dir = tempfile.TemporaryDirectory()
        todo, self.todo = os.pipe()
        self.status, status = os.pipe()
        loop = (f'while read -r cmd <&{todo}; do eval "$(cat "$cmd")" </dev/null >{self.dir.name}/out '
                f'2>{self.dir.name}/err {todo}<&- {status}>&-; echo $? >&{status}; done')
        self.p = subprocess.Popen(["bash", "-c", loop], cwd=folder, env=env, pass_fds=(todo, status),
                                  start_new_session=True, stdin=subprocess.DEVNULL)
        os.close(todo)
        os.close(status)

    def run(self, command, seconds=300):
        """(status, standard output, standard error); a status of None: it took too long, or took the shell with it."""
        path = os.path.join(self.dir.name, "command")
        with open(path, "w", encoding="utf-8") as f:
            f.write(command)
        os.write(self.todo, (path + "\n").encode())
        ready = select.select([self.status], [], [], seconds)[0]
        said = os.read(self.status, 16) if ready else b""
        texts = [open(os.path.join(self.dir.name, k), encoding="utf-8", errors="replace").read() for k in ("out", "err")]
        return int(said) if said else None, *texts

    def close(self):
        """And everything that it has started."""
        try:
            os.killpg(self.p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.p.wait()
        os.close(self.todo)
        os.close(self.status)
        self.dir.cleanup()


def try_session(where, flags, lines, folder, env):
    want = next((int(f[7:]) for f in flags if f.startswith("status=")), 0)
    shell = Shell(folder, env)
    for command, expected in sessions(lines):
        name = f"{where}: {' '.join(command.split())}"
        status, out, err = shell.run(command)
        if status == 77 != want:
            skip(name, ((out + err).strip().splitlines() or ["no reason given"])[-1])
            break
        ok = status == want and (not expected.strip() or matches(expected, out + err))
        expect(name, ok, f"exit status {status}, wanted {want}; it printed:\n{out + err}\nthe document says:\n{expected}")
    shell.close()


def try_block(path, number, info, lines, folder, env):
    where = f"{os.path.relpath(path, source)}:{number}"
    reason = next((f[5:].replace("-", " ") for f in info if f.startswith("skip=")), None)
    if info[0] == "sh" and not guest:
        r = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True)
        expect(f"{where}: is shell", r.returncode == 0, r.stderr)
    elif info[0] == "console" and ("guest" in info) == guest:
        if reason:
            skip(where, reason)
        else:
            try_session(where, info, lines, folder, env)


def main():
    if guest:
        r = subprocess.run([vm, "--ready"], capture_output=True, text=True)
        if r.returncode == 77:
            print(f"1..0 # SKIP {r.stderr.strip()}")
            return 0
    env = dict(os.environ, PATH=os.path.dirname(foreland) + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")
    if guest:
        static = subprocess.run([os.path.join(source, "scripts/static")], stdout=subprocess.PIPE, text=True)
        env["FORELAND_STATIC"] = static.stdout.strip()
    documents = ["README.md", "HACKING.md"] + sorted(glob.glob("doc/**/*.md", root_dir=source, recursive=True))
    for document in documents:
        path = os.path.join(source, document)
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(source):
                if not name.startswith((".", "build")):
                    os.symlink(os.path.join(source, name), os.path.join(folder, name))
            for number, info, lines in blocks(path):
                try_block(path, number, info, lines, folder, env)
    return done()


sys.exit(main())
