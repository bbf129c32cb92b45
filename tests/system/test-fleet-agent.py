#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-fleet-agent.py FORELAND: the agent's folder (read again as a whole, a bad file said with its line, strangers'
files), its service manager (whose datagrams are sd_notify(3)'s), and its budgets."""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import otlp
from fleet import GETPPID, Caller, check, end, get, may_not, skip, until, value
from tap import folder

foreland = os.path.abspath(sys.argv[1])
work = folder("agent")
os.chmod(work, 0o755)
folder = f"{work}/agent.d"
os.mkdir(folder)
caller, quiet = Caller(), Caller()


def ask(name, text):
    with open(f"{work}/new", "w") as f:
        f.write(text)
    os.rename(f"{work}/new", f"{folder}/{name}")


def question(pid, name="call", more=""):
    return f"t:e/{name} sys_enter id=id:u64 if id == {GETPPID} && common_pid == {pid}\n{more}"


class Agent:
    def __init__(self, *more, env=None):
        self.p = subprocess.Popen([foreland, "agent", "--config", folder, "--listen", "127.0.0.1:0", *more],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.said = ""
        threading.Thread(target=self.read, daemon=True).start()
        until(lambda: re.search(r":(\d+)/metrics", self.said) or self.p.poll() is not None)
        m = re.search(r":(\d+)/metrics", self.said)
        self.port = int(m[1]) if m else 0

    def read(self):
        for line in self.p.stderr:
            self.said += line

    def metrics(self):
        return get(self.port)[2]

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        return self.p.wait(60)


def refused(text, name="bad.conf"):
    """What is said of a folder with this file, at the start."""
    ask(name, text)
    r = subprocess.run([foreland, "agent", "--config", folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    os.unlink(f"{folder}/{name}")
    return r.returncode, r.stderr


ask("calls.conf", question(caller.pid))
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(f"{work}/notify")
agent = Agent(env={"NOTIFY_SOCKET": f"{work}/notify", "WATCHDOG_USEC": "400000"})
if not agent.port:
    why = may_not(agent.said)
    print(f"1..0 # SKIP {why}" if why else f"not ok 1 - the agent runs\n# {agent.said!r}\n1..1")
    sys.exit(0 if why else 1)


datagrams = []


def listen():
    while True:
        datagrams.append(manager.recv(4096).decode())


def told(what, n=1):
    """Whether there were so many."""
    return until(lambda: datagrams.count(what) >= n)


threading.Thread(target=listen, daemon=True).start()
check("the manager is told that it is ready", told("READY=1"), datagrams)
check("and that it is alive, again and again", told("WATCHDOG=1", 5), datagrams)

# ---- read again ----
hits = lambda q: value(agent.metrics(), "foreland_probe_records_total", question=q)
caller.call(100)
until(lambda: hits("calls") == 100)
check("a question is answered", hits("calls") == 100, agent.metrics())
ask("more.conf", question(caller.pid, "more"))
until(lambda: hits("more") is not None)
caller.call(50)
until(lambda: hits("more") == 50 and hits("calls") == 150)
check("a file that comes is asked, and the other goes on counting", (hits("more"), hits("calls")) == (50, 150), agent.metrics())
ask("wrong.conf", "# a line that is right\nt:e/x sys_enter id=nosuch\n")
until(lambda: value(agent.metrics(), "foreland_agent_reloads_total", result="refused") == 1)
until(lambda: "go on" in agent.said)
check("a bad file is said with its line and column", re.search(rf"^{folder}/wrong\.conf:2:\d+: error: .*\[[A-Z_]+\]$", agent.said, re.M) and
      "\n" + " " * 18 in agent.said and "go on" in agent.said, agent.said)
ask("another.conf", question(caller.pid, "another"))
until(lambda: value(agent.metrics(), "foreland_agent_reloads_total", result="refused") == 2)
caller.call(10)
until(lambda: hits("calls") == 160)
check("all or nothing: while it is there no other is taken, and the old ones go on", hits("another") is None and
      (hits("more"), hits("calls")) == (60, 160), agent.metrics())
os.unlink(f"{folder}/wrong.conf")
os.unlink(f"{folder}/more.conf")
until(lambda: hits("another") is not None)
check("when it is gone the rest is taken", hits("another") is not None and hits("more") is None and hits("calls") == 160, agent.metrics())
check("SIGTERM is a good end", agent.stop() == 0, agent.said)
check("of which the manager is told", told("STOPPING=1"), datagrams)
os.unlink(f"{folder}/another.conf")

# ---- files that are wrong ----
for text, want in (("hist:keys=id\n", r"bad\.conf:1:1: error: .*\[LONE_HIST\]"),
                   ("event = 5\n", r"bad\.conf:1:1: error: .*\[NO_SETTING\]\n(?s:.*)'events'"),
                   ("events = many\nt:e/x sys_enter\n", r"bad\.conf:1:10: error: .*\[BAD_NUMBER\]"),
                   ("cpu = 0\nt:e/x sys_enter\n", r"bad\.conf:1:7: error: .*\[BAD_NUMBER\]"),
                   ("events = 0\nt:e/x sys_enter\n", r"bad\.conf:1:10: error: .*\[BAD_NUMBER\]"),
                   ("events = 5\nevents = 6\n", r"bad\.conf:2:1: error: .*\[SET_TWICE\]"),
                   ("# nothing\n", r"bad\.conf: error: .*\[EMPTY\]"),
                   ("t:e/x sys_enter id\nhist:keys=nosuch\n", r"bad\.conf:2:\d+: error: .*\[HIST_FIELD_NOT_FOUND\]"),
                   ("t:e/x nosuchpoint\n", r"bad\.conf:1:\d+: error: .*\[")):
    status, err = refused(text)
    check(f"refused: {text.splitlines()[0]}", status == 1 and re.search(want, err), err)
status, err = refused(question(1), "a b.conf")
check("a name is a name", status == 1 and "BAD_NAME" in err, err)
r = subprocess.run([foreland, "agent", "--config", f"{work}/nowhere", "--listen", "127.0.0.1:0"], capture_output=True, text=True)
check("a folder that is not there", r.returncode == 1 and "ENOENT" in r.stderr, r)
if os.geteuid() == 0:
    ask("bad.conf", question(1))
    os.chown(f"{folder}/bad.conf", 65534, 65534)
    r = subprocess.run([foreland, "agent", "--config", folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True)
    check("root asks no question of a stranger", r.returncode == 1 and "NOT_OURS" in r.stderr, r)
    os.chown(f"{folder}/bad.conf", 0, 0)
    os.chmod(f"{folder}/bad.conf", 0o666)
    r = subprocess.run([foreland, "agent", "--config", folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True)
    check("nor one that strangers can change", r.returncode == 1 and "NOT_OURS" in r.stderr, r)
    os.unlink(f"{folder}/bad.conf")
else:
    skip("root asks no question of a stranger", "this is not root")

# ---- a budget of CPU: sending a record takes some microseconds, and more of them are made than fit into one percent ----
ask("calls.conf", question(caller.pid, more="cpu = 1\n"))
receiver = otlp.Receiver()
agent = Agent("--otlp", receiver.url(), "--interval", "1h")
stage = lambda: value(agent.metrics(), "foreland_agent_question_stage", question="calls")


def flood():
    for _ in range(10):
        caller.call(4000)
        time.sleep(0.02)
    return stage()


until(flood)
check("a question that takes too much of a CPU is thinned, which is said",
      re.search(r"\d % of a CPU are over its budget of 1: each task may have 100 from now on", agent.said), agent.said)
check("and counted", (value(agent.metrics(), "foreland_agent_question_over_budget_total", question="calls") or 0) >= 1)
agent.stop()
receiver.close()

# ---- budgets ----
ask("calls.conf", f"events = 1600\nt:e/call sys_enter id=id:u64 if id == {GETPPID} && "
    f"(common_pid == {caller.pid} || common_pid == {quiet.pid})\n")
receiver = otlp.Receiver()
agent = Agent("--otlp", receiver.url(), "--interval", "1h")
stage = lambda: value(agent.metrics(), "foreland_agent_question_stage", question="calls")
made = 0
while not stage() and made < 100000:
    caller.call(400)
    made += 400
    time.sleep(0.05)
check("a flood is thinned by task, which is said", stage() == 1 and "over its budget of 1600: each task may have 100" in agent.said, agent.said)
before = sum(otlp.attributes(r)["thread.id"][1] == str(quiet.pid) for b in receiver.logs() for r in b)
for _ in range(20):
    caller.call(400)
    made += 400
    quiet.call(1)
status = agent.stop()
who = [otlp.attributes(r)["thread.id"][1] for b in receiver.logs() for r in b]
check("and does not hide the others", who.count(str(quiet.pid)) - before == 20, who.count(str(quiet.pid)))
last = {name: [int(d["as_int"]) for a, d in receiver.metrics().get("foreland_probe_" + name, [])]
        for name in ("hits", "records", "filtered", "lost", "over_budget")}
n = {k: v[0] if v else None for k, v in last.items()}
check("what was left out is counted", n["over_budget"] > 0 and n["hits"] == n["records"] + n["filtered"] + n["lost"] + n["over_budget"], n)
check("and so is what was not: each call has become one of these", made - 2000 <= n["records"] + n["over_budget"] + n["lost"] <= made + 20, (n, made))
check("each record has arrived", len(who) == n["records"], (len(who), n))
receiver.close()
caller.end()
quiet.end()
end()
