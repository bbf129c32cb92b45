# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the numbers of processes are the kernel's own here: elsewhere a field holds one, and the line's front another."""
import os

INITIAL = "pid:[4026531836]"  # PROC_PID_INIT_INO of the kernel's linux/proc_ns.h


def is_initial():
    return os.readlink("/proc/self/ns/pid") == INITIAL
