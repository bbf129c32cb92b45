#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-fleet-many.py FORELAND PEERS AGENTS: so many agents on one machine, each told to be another one, and all sending to
one VictoriaMetrics, whose sums are those of the calls that this test made. What the agents hold together is printed."""
import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request

from fleet import GETPPID, Caller, check, end, free_port, may_not, peers, until
from tap import folder

foreland, script, agents = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), int(sys.argv[3])
CALLS = 1000
root, why = peers(script, "sid", "victoria-metrics")
if not root:
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
work = folder("many")
os.chmod(work, 0o755)
os.mkdir(f"{work}/q")
caller = Caller()
with open(f"{work}/q/calls.conf", "w") as f:
    f.write(f"t:e/call sys_enter id=id:u64 if common_pid == {caller.pid} && id == {GETPPID}\nhist:keys=id\n")
web = free_port()
with open(f"{work}/log", "w") as log:
    victoria = subprocess.Popen([f"{root}/usr/bin/victoria-metrics", f"-storageDataPath={work}/v", f"-httpListenAddr=127.0.0.1:{web}",
                                 "-search.latencyOffset=0s", "-opentelemetry.usePrometheusNaming"], stdout=log, stderr=log)


def ask(query):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/api/v1/query?query=" + urllib.parse.quote(query), timeout=30) as r:
            got = json.load(r)["data"]["result"]
            return float(got[0]["value"][1]) if got else None
    except (OSError, ValueError):
        return None


def start(i):
    return subprocess.Popen([foreland, "agent", "--config", f"{work}/q", "--otlp", f"http://127.0.0.1:{web}/opentelemetry", "--interval", "2s"],
                            stderr=open(f"{work}/said-{i}", "w"), env={**os.environ, "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id=node-{i}"})


def said(i):
    with open(f"{work}/said-{i}") as f:
        return f.read()


def held(pid):
    """Its share of all memory, in KiB: what several have in common is divided among them."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


until(lambda: ask("1") is not None)
running = [start(0)]
until(lambda: running[0].poll() is not None or ask("foreland_agent_questions") is not None)
if running[0].poll() is not None:
    victoria.kill()
    why = may_not(said(0))
    print(f"1..0 # SKIP {why}" if why else f"not ok 1 - the agent runs\n# {said(0)!r}\n1..1")
    sys.exit(0)
running += [start(i) for i in range(1, agents)]
until(lambda: ask("count(foreland_agent_questions == 1)") == agents, 300)
check("each is there, by its own name", ask("count(count by (service_instance_id) (foreland_agent_questions))") == agents,
      (ask("count(foreland_agent_questions)"), [said(i) for i in range(3)]))
caller.call(CALLS)
query = f'sum(foreland_hist_hits_total{{id="{GETPPID}"}})'
until(lambda: ask(query) == agents * CALLS, 120)
check("what they have counted together is each call, so many times as there are agents", ask(query) == agents * CALLS, ask(query))
check("nothing was lost or refused", ask('sum(foreland_otlp_items_total{result=~"pushed_out|refused"})') == 0 and
      ask("sum(foreland_probe_lost_total)") == 0)
together = sum(held(p.pid) for p in running)
print(f"# {agents} agents hold {together / 1024:.0f} MB together, {together / agents / 1024:.1f} MB each; load {os.getloadavg()[0]:.1f}")
check("each holds less than its resident size alone would be", together / agents < 12 * 1024, together)
for p in running:
    p.send_signal(signal.SIGTERM)
check("each has a good end", [p.wait(120) for p in running] == [0] * agents, [said(i) for i, p in enumerate(running) if p.returncode][:3])
victoria.terminate()
victoria.wait()
caller.end()
end()
