#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-pretty.py FORELAND: what values mean, against what the process that caused them knows of them:
its sockets' addresses, a file's device, mode and owner, the signal it sent, the system calls it made."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from tap import done, expect

foreland = sys.argv[1]


def rows(definition, command):
    """Of COMMAND: rows in JSON, and what text says of the arguments."""
    run = lambda *o: subprocess.run([foreland, "trace", "--pretty", "--children", *o, definition, "--", *command],
                                    capture_output=True, text=True, errors="replace")
    text, found = run(), [json.loads(line) for line in run("--json").stdout.splitlines()]
    return ([r for r in found if "args" in r and "time_ns" in r],
            [m[1] for m in re.finditer(r"^.*?: \w+: \([^)]*\) (.*)$", text.stdout, re.M)], text.stderr)


def works(definition):
    r = subprocess.run([foreland, "trace", "--pretty", "-t", "10ms", definition], capture_output=True, text=True)
    return r.returncode == 0


def sockets():
    def free(family, host):
        s = socket.socket(family)
        s.bind((host, 0))
        return s.getsockname()[1], s
    port4, hold4 = free(socket.AF_INET, "127.0.0.9")
    hold4.listen()
    names = "dport=sk->__sk_common.skc_dport daddr=sk->__sk_common.skc_daddr v6=sk->__sk_common.skc_v6_daddr uid=sk->sk_uid"
    if not works(f"t:p/s inet_sock_set_state {names}"):
        expect("sockets # SKIP this kernel has no such tracepoint, or other members", True)
        return
    connect = [sys.executable, "-c", f"import socket; socket.create_connection(('127.0.0.9', {port4})).close()"]
    js, text, err = rows(f"t:p/s inet_sock_set_state {names}", connect)
    expect("a port and an address in network byte order", any(f"dport={port4} daddr=127.0.0.9 " in t for t in text), (text, err))
    expect("a user's number is one", any(t.endswith(f" uid={os.getuid()}") for t in text), text)
    args = [r["args"] for r in js if r["args"].get("dport_text") == str(port4)]
    expect("JSON keeps the numbers, and has the text beside them", args and args[0]["dport"] == socket.htons(port4) and
           args[0]["daddr_text"] == "127.0.0.9" and args[0]["daddr"] == int.from_bytes(socket.inet_aton("127.0.0.9"), "little"), js[:3])
    try:
        port6, hold6 = free(socket.AF_INET6, "::1")
    except OSError:
        expect("an IPv6 address # SKIP there is none", True)
        return
    hold6.listen()
    connect = [sys.executable, "-c", f"import socket; socket.create_connection(('::1', {port6})).close()"]
    _, text, err = rows(f"t:p/s inet_sock_set_state {names}", connect)
    expect("an IPv6 address", any(f"dport={port6} " in t and " v6=::1 " in t for t in text), (text, err))


def files(tmp):
    program = f"{tmp}/prog"
    shutil.copy("/bin/true", program)
    os.chmod(program, 0o4751)
    st = os.stat(program)
    inode = "bprm->file->f_inode"
    js, text, err = rows(f"t:p/e sched_process_exec dev={inode}->i_sb->s_dev mode={inode}->i_mode ino={inode}->i_ino t={inode}->i_uid",
                         ["sh", "-c", f"{program}; exit 0"])
    mine = [t for t in text if f" ino={st.st_ino} " in t]
    device = next((line.split()[2] for line in open("/proc/self/mountinfo") if line.split()[4] ==
                   subprocess.run(["stat", "-c", "%m", program], capture_output=True, text=True).stdout.strip()), "")
    expect("a device, as mountinfo has it", mine and (f"dev={device} " in mine[0] or not device), (mine, device, err))
    expect("a file's mode, in octal", mine and " mode=0104751 " in mine[0], (mine, oct(st.st_mode)))
    expect("its owner", mine and mine[0].endswith(f" t={st.st_uid}"), mine)
    args = [r["args"] for r in js if r["args"].get("ino") == st.st_ino]
    expect("JSON: the same with numbers", args and args[0]["mode"] == 0o104751 and args[0]["mode_text"] == "0104751", args[:1])


def calls():
    js, text, err = rows("t:p/c sys_enter id", [sys.executable, "-c", "import os; os.getpriority(0, 0); os.uname()"])
    names = {t.removeprefix("id=") for t in text}
    expect("system calls by name", {"getpriority", "uname", "execve", "exit_group"} <= names, names)
    expect("in JSON beside their numbers", any(r["args"] == {"id": 63, "id_text": "uname"} for r in js) or os.uname().machine != "x86_64", js[:2])
    tick = time.clock_getres(6)  # CLOCK_MONOTONIC_COARSE, which only ticks move
    if works("t:p/j timer_expire_entry e=timer->expires"):
        r = subprocess.run([foreland, "trace", "--pretty", "--json", "-n", "2", "-t", "20s", "t:p/j timer_expire_entry e=timer->expires"],
                           capture_output=True, text=True)
        js = [r["args"] for r in map(json.loads, r.stdout.splitlines()) if "args" in r and "time_ns" in r]
        start = 2**32 - 300 * round(1 / tick)  # the kernel's INITIAL_JIFFIES
        expect("jiffies as seconds since the start", not js or all(abs(float(a["e_text"].strip("@s")) - (a["e"] - start) * tick) < 0.002 and
               a["e_text"][0] == "@" for a in js), (js[:2], r.stderr))
    if works("t:p/s signal_generate sig"):
        _, text, err = rows("t:p/s signal_generate sig", ["sh", "-c", "kill -WINCH $$; kill -0 $$"])
        expect("signals by name", "sig=SIGWINCH" in text, (text, err))
    if works("t:p/k cap_capable cap ret"):
        _, text, err = rows("t:p/k cap_capable cap ret", [sys.executable, "-c", "import os; os.nice(-1)"])
        expect("capabilities, and errors that are a result", "cap=CAP_SYS_NICE ret=0" in text or "cap=CAP_SYS_NICE ret=-EPERM" in text, (text, err))


if subprocess.run([foreland, "trace", "-n", "1", "t sched_switch"], capture_output=True).returncode:
    print("1..0 # SKIP raw tracepoint programs cannot be loaded here")
    sys.exit(0)
with tempfile.TemporaryDirectory() as tmp:
    sockets()
    files(tmp)
    calls()
sys.exit(done())
