#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fleet-figures.py FORELAND: what the agent costs. Idle (one histogram and one probe that nobody meets, served and sent
every 10 seconds), and with 10,000 records a second sent by OTLP. A line each: what it was, and what others did."""
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

foreland = os.path.abspath(sys.argv[1])
GETPPID = 110 if os.uname().machine == "x86_64" else 173
SECONDS = 20


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self):
        Taker.taken += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return {k: int(v) // 1024 for k, v in re.findall(r"(VmRSS|RssAnon|RssFile):\s+(\d+) kB", f.read())}


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
CODE = f"""import os, sys, time
per, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    begin = time.monotonic()
    for i in range(per // 100): os.getppid()
    time.sleep(max(0, 0.01 - (time.monotonic() - begin)))
"""


def records(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as r:
        return sum(float(n) for n in re.findall(r"^foreland_probe_records_total\{.*\} (\S+)$", r.read().decode(), re.M))


def measure(what, question, rate, sender):
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        caller = subprocess.Popen([sys.executable, "-c", CODE, str(rate), str(SECONDS + 5)])
        with open(f"{d}/q.conf", "w") as f:
            f.write(question.replace("PID", str(caller.pid)))
        p = subprocess.Popen([foreland, "agent", "--config", d, "--listen", "127.0.0.1:0", *sender], stderr=subprocess.PIPE, text=True)
        port = re.search(r":(\d+)/metrics", p.stderr.readline())[1]
        time.sleep(3)
        made, before, taken = records(port), cpu(p.pid), Taker.taken
        time.sleep(SECONDS)
        share, m, made = (cpu(p.pid) - before) / SECONDS, memory(p.pid), (records(port) - made) / SECONDS
        print(f"{what}: {made:.0f} hits/s, CPU {share * 100:.2f} % of a core, RSS {m['VmRSS']} MB ({m['RssAnon']} of its own, {m['RssFile']} of "
              f"files), {(Taker.taken - taken) / SECONDS / 1024:.0f} KB/s sent; load {os.getloadavg()[0]:.1f}", flush=True)
        p.terminate()
        p.wait()
        caller.kill()
        caller.wait()


hist = f"t:e/h sys_enter id=id:u64 if common_pid == PID\nhist:keys=id:vals=id\n"
record = f"t:e/r sys_enter id=id:u64 if id == {GETPPID} && common_pid == PID\n"
measure("idle, a histogram, served", hist, 100, [])
measure("idle, a histogram, served and sent", hist, 100, ["--otlp", url])
measure("idle, a probe and a histogram, served and sent", record.replace(str(GETPPID), "999") + hist, 100, ["--otlp", url])
measure("10,000 records a second, sent", record, 10000, ["--otlp", url])
