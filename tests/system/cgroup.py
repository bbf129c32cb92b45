# SPDX-License-Identifier: GPL-2.0-or-later
"""A control group for memory, of either version, that a test makes for itself."""
import errno
import os
import time


def make(name):
    """(its folder, how its limit is called, and that of memory and swap together or of swap), or None."""
    for top, names in (("/sys/fs/cgroup", ("memory.max", "memory.swap.max")),
                       ("/sys/fs/cgroup/memory", ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"))):
        path = f"{top}/foreland-{name}-{os.getpid()}"
        try:
            os.mkdir(path)
        except OSError:
            continue
        if os.path.exists(f"{path}/{names[0]}"):
            return path, *names
        os.rmdir(path)
    return None


def remove(path):
    """It is busy until the kernel has put away who was in it."""
    for _ in range(100):
        try:
            return os.rmdir(path)
        except OSError as e:
            if e.errno != errno.EBUSY:
                raise
        time.sleep(0.1)
    raise OSError(errno.EBUSY, "the control group is never empty", path)
