#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-fleet-pull.py FORELAND PEERS: what --listen serves. Judges: promtool and Prometheus of Debian, which scrapes
it and is asked; the OpenMetrics parser of Prometheus's client library; and the number of calls that this test
made itself. Peers that hold connections open, send no end, or want something else."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from fleet import GETPPID, Caller, check, end, free_port, get, listening, may_not, peers, skip, until, value

foreland, script = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
CALLS = 12345

caller = Caller()
trace, port, said = listening(foreland, "trace", "-p", str(caller.pid), "t:e/enter sys_enter id=id:u64",
                              "t:e/size sys_enter id=id:u64", "--hist", "keys=id:vals=id", "--hist",
                              "keys=id.log2:vals=id:size=64", "--listen", "127.0.0.1:0")
if not port:
    why = may_not(said)
    print(f"1..0 # SKIP {why}" if why else f"not ok 1 - it listens\n# {said!r}\n1..1")
    sys.exit(0 if why else 1)

# Held open from the first moment; looked at again at the end.
held = [socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.9", 0)) for _ in range(16)]
for i, s in enumerate(held):
    s.sendall(b"GET /met" if i % 2 else b"")

caller.call(CALLS)
until(lambda: value(get(port)[2], "foreland_hist_hits_total", event="enter", id=GETPPID) == CALLS)
status, kind, text = get(port)
check("each call was counted", value(text, "foreland_hist_hits_total", event="enter", id=GETPPID) == CALLS, text)
check("and its value is summed", value(text, "foreland_hist_sum_total", event="enter", id=GETPPID, value="id") == CALLS * GETPPID, text)
check("plain text for who asks for nothing", status == 200 and kind.startswith("text/plain; version=0.0.4"), kind)
for name in ("hits", "records", "filtered", "lost", "missed", "faults", "records_bytes", "over_budget", "unpaired"):
    check(f"health: {name}", value(text, f"foreland_probe_{name}_total", event="enter") is not None, text)
check("health: CPU and memory", (value(text, "process_cpu_seconds_total") or 0) > 0 and
      (value(text, "process_resident_memory_bytes") or 0) > 1e6, text)

status, kind, om = get(port, "application/openmetrics-text; version=1.0.0,text/plain;q=0.5")
check("OpenMetrics for who takes it", kind.startswith("application/openmetrics-text; version=1.0.0"), kind)
check("which has an end", om.endswith("# EOF\n"), om)
check("404, 405, and a hint", get(port, path="/nothing")[0] == 404 and get(port, method="POST")[0] == 405 and
      "/metrics" in get(port, path="/")[2])


def judge(root):
    lint = subprocess.run([f"{root}/usr/bin/promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    check("promtool finds nothing", lint.returncode == 0 and not lint.stdout + lint.stderr, lint.stdout + lint.stderr)
    sys.path.insert(0, f"{root}/usr/lib/python3/dist-packages")
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
    families = {f.name: f for f in openmetrics(om)}
    hits = {s.labels["id"]: s.value for s in families["foreland_hist_hits"].samples if s.labels["event"] == "enter"}
    check("its client library reads the same out of OpenMetrics", hits.get(str(GETPPID)) == CALLS, om)
    buckets = [s for s in families["foreland_hist_distribution"].samples if s.labels.get("le") == "128.0"]
    check("a .log2 key is a histogram with its bounds", families["foreland_hist_distribution"].type == "histogram" and
          len(buckets) == 1 and buckets[0].value >= CALLS, om)


def scrape(root, folder):
    web = free_port()
    with open(f"{folder}/p.yml", "w") as f:
        f.write(f"scrape_configs:\n- job_name: f\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n")
    with open(f"{folder}/log", "w") as log:
        prometheus = subprocess.Popen([f"{root}/usr/bin/prometheus", f"--config.file={folder}/p.yml",
                                       f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{web}"],
                                      stdout=log, stderr=log)

    def ask(query):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web}/api/v1/query?query=" + urllib.parse.quote(query), timeout=10) as r:
                got = json.load(r)["data"]["result"]
                return float(got[0]["value"][1]) if got else None
        except OSError:
            return None

    query = f'foreland_hist_hits_total{{event="enter",id="{GETPPID}"}}'
    until(lambda: ask(query) == CALLS)
    check("Prometheus answers with the exact number", ask(query) == CALLS, open(f"{folder}/log").read())
    caller.call(1000)
    until(lambda: ask(query) == CALLS + 1000)
    check("and goes on with it", ask(query) == CALLS + 1000, ask(query))
    quantile = ask('histogram_quantile(0.99, foreland_hist_distribution_bucket{event="size"})')
    check("its quantiles lie where the calls are", quantile is not None and 64 < quantile <= 128, quantile)
    prometheus.terminate()
    prometheus.wait()


root, why = peers(script, "bookworm,bookworm-security", "prometheus", "python3-prometheus-client", "python3-decorator")
if root:
    judge(root)
    with tempfile.TemporaryDirectory() as d:
        scrape(root, d)
else:
    skip("promtool, Prometheus and its client library", why)

# ---- peers that mean no good ----
with socket.create_connection(("127.0.0.1", port)) as s:
    s.settimeout(30)
    try:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 400000)
        got = s.recv(65536)
    except OSError:
        got = b""
check("a head without end is refused", got == b"" or got.split()[1] in (b"431", b"413", b"400"), got)
crowd = []
for _ in range(100):
    try:
        crowd.append(socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.8", 0), timeout=5))
    except OSError:
        break
check("a crowd of one address leaves room for others", get(port)[0] == 200)
for s in crowd:
    s.close()


def closed(s):
    s.settimeout(1)
    try:
        while s.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


check("a connection that is held open is closed", until(lambda: all(closed(s) for s in held), 60))
trace.send_signal(signal.SIGTERM)
err = trace.stderr.read()
check("and the trace ends as it would have", trace.wait() == 0 and re.search(r"e/enter: \d+ hits", err), err)

# ---- a file that node_exporter looks at: written when it begins, and once more at the end ----
with tempfile.TemporaryDirectory() as d:
    told = f"{d}/foreland.prom"
    run = subprocess.Popen([foreland, "trace", "-p", str(caller.pid), "--hist", "keys=id", "--prometheus", told,
                            "t:e/enter sys_enter id=id:u64"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: run.poll() is not None or os.path.exists(told))
    caller.call(777)
    run.terminate()
    said = run.communicate()
    with open(told, encoding="utf-8") as f:
        text = f.read()
    check("--prometheus: each call is in the file", run.returncode == 0 and
          value(text, "foreland_hist_hits_total", event="enter", id=GETPPID) == 777, (said, text))
    if root:
        lint = subprocess.run([f"{root}/usr/bin/promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        check("--prometheus: promtool finds nothing in it", lint.returncode == 0 and not lint.stdout + lint.stderr, lint)
caller.end()

# ---- alloc watch ----
DUMP = """allocinfo - version: 2.0
#     <size>  <calls> <tag info>
        4096        1 mm/a.c:1 func:f
         512        2 mm/b.c:2 [m] func:g
"""
with tempfile.TemporaryDirectory() as d:
    with open(f"{d}/dump", "w") as f:
        f.write(DUMP)
    watch, port, said = listening(foreland, "alloc", "watch", "--input", f"{d}/dump", "-i", "60s", "--listen", "127.0.0.1:0")
    check("alloc watch listens", port, said)
    text = get(port)[2] if port else ""
    check("live bytes and calls by call site", value(text, "foreland_alloc_bytes", file="mm/a.c", function="f") == 4096 and
          value(text, "foreland_alloc_calls", file="mm/b.c", module="m") == 2, text)
    watch.send_signal(signal.SIGTERM)
    check("a signal ends it", watch.wait(30) == 0)
    r = subprocess.run([foreland, "alloc", "watch", "--input", f"{d}/dump", "--listen", "localhost:1"], capture_output=True, text=True)
    check("a name is no place to listen", r.returncode == 2 and "ADDR:PORT" in r.stderr, r)
r = subprocess.run([foreland, "trace", "t:e/x sys_enter", "--listen", "localhost:1"], capture_output=True, text=True)
check("nor for a trace", r.returncode == 2 and "ADDR:PORT" in r.stderr, r)
r = subprocess.run([foreland, "trace", "t:e/x sys_enter", "--vm", "--listen", "127.0.0.1:0"], capture_output=True, text=True)
check("nobody listens in a guest", r.returncode == 2 and "--listen" in r.stderr, r)
end()
