#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-fleet-receivers.py FORELAND PEERS: what real receivers answer after the agent has sent them something:
VictoriaMetrics, by OTLP, killed and started again meanwhile. (Debian's Prometheus 3 is built without its receiver of
OTLP, and Debian has no Loki.) The judge is the number of calls that this test made."""
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request

from fleet import GETPPID, Caller, check, end, free_port, listening, may_not, peers, skip, until
from tap import folder

foreland, script = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
work = folder("receivers")
os.chmod(work, 0o755)
caller = Caller()
os.mkdir(f"{work}/q")
with open(f"{work}/q/calls.conf", "w") as f:
    f.write(f"t:e/call sys_enter id=id:u64 if common_pid == {caller.pid}\nhist:keys=id:vals=id\n"
            f"t:e/size sys_enter id=id:u64 if common_pid == {caller.pid}\nhist:keys=id.log2:vals=id\n")


def ask(port, query, path="/api/v1/query"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?query=" + urllib.parse.quote(query), timeout=10) as r:
            got = json.load(r)["data"]["result"]
            return float(got[0]["value"][1]) if got else None
    except (OSError, ValueError):
        return None


class Peer:
    def __init__(self, name, words, port):
        self.words, self.port, self.log = words, port, open(f"{work}/{name}.log", "w")
        self.start()

    def start(self):
        self.p = subprocess.Popen(self.words, stdout=self.log, stderr=self.log)

    def up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def end(self, how=signal.SIGTERM):
        self.p.send_signal(how)
        self.p.wait()


def judge(name, peer, url, kill):
    until(peer.up)
    p, port, said = listening(foreland, "agent", "--config", f"{work}/q", "--listen", "127.0.0.1:0", "--otlp", url,
                              "--interval", "500ms", "--spool", f"{work}/{name}-spool,16M")
    if not port:
        skip(name, may_not(said) or said)
        return
    query = f'foreland_hist_hits_total{{id="{GETPPID}"}}'
    total = 0
    for i in range(3):
        caller.call(7000)
        total += 7000
        if kill and i < 2:
            peer.end(signal.SIGKILL)
            caller.call(500)
            total += 500
            peer.start()
        until(lambda: ask(peer.port, query) == total)
        check(f"{name} answers with the exact number ({i + 1})", ask(peer.port, query) == total, (ask(peer.port, query), total))
    bucket = f'foreland_hist_distribution_bucket{{le=~"128|128.0"}}'
    check(f"{name} has the histogram", (ask(peer.port, bucket) or 0) >= total, ask(peer.port, bucket))
    p.send_signal(signal.SIGTERM)
    err = p.stderr.read()
    check(f"{name}: a good end", p.wait(60) == 0, err)


root, why = peers(script, "sid", "victoria-metrics")
if root:
    port = free_port()
    victoria = Peer("victoria", [f"{root}/usr/bin/victoria-metrics", f"-storageDataPath={work}/v", f"-httpListenAddr=127.0.0.1:{port}",
                                 "-search.latencyOffset=0s", "-opentelemetry.usePrometheusNaming"], port)
    judge("victoriametrics", victoria, f"http://127.0.0.1:{port}/opentelemetry", True)
    victoria.end()
else:
    skip("VictoriaMetrics", why)
caller.end()
end()
