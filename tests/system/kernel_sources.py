# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's sources, which scripts/linux-source keeps; and what its scripts for comments say, made comparable."""
import re
import subprocess
import sys


def tree(script, *series):
    """Where they are; without them the test is skipped with the reason."""
    found = subprocess.run([script, *series], capture_output=True, text=True)
    if found.returncode:
        print("1..0 # SKIP no kernel sources: %s" % found.stderr.strip().split("\n")[-1])
        sys.exit(0)
    return found.stdout.strip()


def kernel_doc_message(message):
    """Without the places that it names in words, and what comes of how it is called."""
    message = re.sub(r" ?\(did you mean one of:.*", "", message)
    message = re.sub(r"^.*error: Cannot parse", "Cannot parse", message)
    message = re.sub(r"^error: | on line \d+ - I thought.*", "", message)
    message = re.sub(r"(wrong kernel-doc identifier on line:).*", r"\1", message)
    return re.sub(r"\s+", " ", message).strip()
