# SPDX-License-Identifier: GPL-2.0-or-later
"""A user namespace with many users and nothing of the machine's in their hands: its root is user 100000
outside, so that an attack which succeeds spoils the test's own folder and no more."""
import atexit
import ctypes
import os
import shutil
import sys
import tempfile

NEWNS, NEWUSER = 0x20000, 0x10000000
FIRST, COUNT = 100000, 65536
NOBODY = 65534
libc = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def _map(pid):
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{pid}/{name}", "w") as f:
            f.write(f"0 {FIRST} {COUNT}")


def enter(*programs):
    """Makes the caller root of such a namespace, in a folder of its own, to which @programs were copied.
    The process that was there before waits outside, and removes the folder."""
    if os.geteuid():
        skip("users of a namespace are given out by root")
    home = tempfile.mkdtemp(prefix="foreland-ns-")
    here, there = os.pipe(), os.pipe()
    pid = os.fork()
    if pid:
        os.close(here[1]), os.close(there[0])
        status = 1
        try:
            if os.read(here[0], 1) == b"x":
                for p in programs:
                    shutil.copy(p, home)
                for path in [home] + [f"{home}/{n}" for n in os.listdir(home)]:
                    os.chown(path, FIRST, FIRST)
                os.chmod(home, 0o755)
                _map(pid)
                os.write(there[1], b"x")
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        finally:
            shutil.rmtree(home, ignore_errors=True)
        os._exit(status if status >= 0 else 1)
    os.close(here[0]), os.close(there[1])
    if libc.unshare(NEWUSER | NEWNS):
        skip(f"no user namespace: {os.strerror(ctypes.get_errno())}")
    os.write(here[1], b"x")
    if os.read(there[0], 1) != b"x":
        skip("the namespace's users could not be set up")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.chdir(home)
    atexit.register(sys.stdout.flush)


def become(user):
    """For subprocess' preexec_fn: the user of that number, and no more than he may."""
    def change():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    return change
