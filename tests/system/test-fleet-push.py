#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-fleet-push.py FORELAND PEERS KILLS: what the agent sends by OTLP, read by protoc with the schema of
opentelemetry-proto (where the package can be had, otherwise by its field numbers in tests/data), from a receiver
that refuses, is slow, dies, answers without end; and from an agent that is killed KILLS times. The judge of every
number are the calls that this test made itself."""
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import otlp
from fleet import GETPPID, Caller, check, end, get, listening, may_not, peers, skip, until, value
from tap import folder

foreland, script, kills = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), int(sys.argv[3])
otlp.real, why = peers(script, "sid", "opentelemetry-proto")
if otlp.real:
    otlp.real += "/usr/include"
else:
    skip("the schema of opentelemetry-proto; its field numbers are taken", why)
work = folder("push")
os.chmod(work, 0o755)
caller = Caller()
QUESTION = f"t:e/call sys_enter id=id:u64 neg=id:s8 str=$comm:string if id == {GETPPID} && common_pid == {caller.pid}\n"


def ask(name, text):
    with open(f"{work}/{name}/.new", "w") as f:
        f.write(text)
    os.rename(f"{work}/{name}/.new", f"{work}/{name}/calls.conf")


def agent(receiver, config, *more):
    os.makedirs(f"{work}/{config}", exist_ok=True)
    if not os.path.exists(f"{work}/{config}/calls.conf"):
        ask(config, QUESTION)
    return listening(foreland, "agent", "--config", f"{work}/{config}", "--listen", "127.0.0.1:0", "--otlp", receiver.url(),
                     "--interval", "1s", *more)


def stop(p, how=signal.SIGTERM):
    p.send_signal(how)
    err = p.stderr.read()
    return p.wait(60), err


def flat(lists):
    return [x for inner in lists for x in inner]


# ---- every refusal that passes ----
receiver = otlp.Receiver()
receiver.plan = [503, 200, (429, 1), 200, "die", 200, "endless", 200, "slow"]
p, port, said = agent(receiver, "a")
if not port:
    why = may_not(said)
    print(f"ok {1} - the agent # SKIP {why}\n1..1" if why else f"not ok 1 - the agent runs\n# {said!r}\n1..1")
    sys.exit(0 if why else 1)
CALLS = 5000
for _ in range(10):
    caller.call(CALLS // 10)
    time.sleep(0.2)
until(lambda: not receiver.plan)
status, err = stop(p)
batches = receiver.logs()
ids = flat(otlp.uids(batches))
check("all records arrive, once each, after 503, 429, a connection that dies, an answer without end, a slow one",
      len(ids) == CALLS and len(set(ids)) == CALLS, (len(ids), len(set(ids)), err))
check("in order", [int(i.split("-")[1]) for i in ids] == list(range(CALLS)))
check("the end by SIGTERM is a good one", status == 0, err)
check("what the receiver said is said", "answers 503" in err and "takes requests again" in err, err)
one = otlp.attributes(batches[0][0])
check("attributes have types", one["id"] == ("int_value", str(GETPPID)) and one["neg"][0] == "int_value" and
      one["str"] == ("string_value", '"python3"') or one["str"][0] == "string_value", one)
check("who made it", one["thread.id"] == ("int_value", str(caller.pid)) and one["foreland.question"][1] == '"calls"', one)
times = [int(dict(r)["time_unix_nano"]) for r in batches[0]]
check("when", abs(times[0] / 1e9 - time.time()) < 600 and times == sorted(times), times[0])
points = receiver.metrics()
record = [d for a, d in points["foreland_probe_records"] if a["question"][1] == '"calls"']
check("the sum is exact", record and record[0]["as_int"] == str(CALLS), record)
check("it begins when the agent began", int(record[0]["start_time_unix_nano"]) < int(record[0]["time_unix_nano"]), record)
who = otlp.resource(receiver.bodies("/v1/logs")[0], "Logs")
check("of which machine", who["host.name"][1] == f'"{os.uname().nodename}"' and who["os.version"][1] == f'"{os.uname().release}"' and
      who["linux.boot_id"][1] == '"' + open("/proc/sys/kernel/random/boot_id").read().strip() + '"', who)
check("gzip, protobuf, and who asks", receiver.headers[0]["Content-Encoding"] == "gzip" and
      receiver.headers[0]["Content-Type"] == "application/x-protobuf" and
      receiver.headers[0]["User-Agent"].startswith("foreland/"), receiver.headers[0])
receiver.close()

# ---- what the environment says: OpenTelemetry's own variables, in its specification's words ----
def environment(**words):
    os.environ.update(words)
    try:
        r = otlp.Receiver()
        os.makedirs(f"{work}/e", exist_ok=True)
        ask("e", f"t:e/size sys_enter id=id:u64 one=id:u64 if id == {GETPPID} && common_pid == {caller.pid}\n"
            "hist:keys=id.log2:vals=id\nhist:keys=one.buckets=100\n")
        p, port, said = agent(r, "e", "--interval", "300ms")
        caller.call(1000)
        get_count = lambda: sum(int(d["count"]) for a, d in r.metrics().get("foreland_hist_distribution", []))
        until(lambda: get_count() == 2000)
        status, err = stop(p)
        points, who = r.metrics(), otlp.resource(r.bodies("/v1/metrics")[-1], "Metrics")
        shapes = otlp.shapes(r.bodies("/v1/metrics")[-1], "foreland_hist_distribution")
        r.close()
        return points.get("foreland_hist_distribution", []), shapes, {k: v[1] for k, v in who.items()}, said + err
    finally:
        for name in words:
            del os.environ[name]


points, shapes, who, said = environment(
    OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=a%2Cb, k8s.node.name = n1,host.name=other,service.name=mine", OTEL_SERVICE_NAME="named",
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION="base2_exponential_bucket_histogram")
check("attributes that are given are taken, decoded, and stand in place of ours", who.get("k8s.pod.name") == '"a,b"' and
      who.get("k8s.node.name") == '"n1"' and who.get("host.name") == '"other"' and who.get("service.name") == '"named"', who)
check("and ours stand beside them", who.get("process.executable.name") == '"foreland"' and who.get("os.type") == '"linux"' and
      who.get("host.arch") in ('"amd64"', '"arm64"') and who.get("process.pid", "0").isdigit(), who)
check("a .log2 key is an exponential histogram where that is asked for, any other has bounds",
      shapes == ["histogram", "exponential_histogram"], shapes)
one = next((d for a, d in points if "positive" in d), {})
low = 2 ** (int(dict(one.get("positive", {})).get("offset", 0)) // 1)
check("its bucket is the one that the value lies in, by the specification's (2^i, 2^(i+1)] of scale 0",
      low < GETPPID <= 2 * low and one.get("count") == "1000" and dict(one["positive"])["bucket_counts"] == "1000" and
      "scale" not in one and float(one["sum"]) == 1000 * GETPPID, one)
points, shapes, who, said = environment(OTEL_RESOURCE_ATTRIBUTES="right=1,wrong", OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION="x")
check("of attributes that are wrong none is taken, which is said", "right" not in who and who["service.name"] == '"foreland"' and
      "warning" in said and "resource attributes" in said, (who, said))
check("nor an aggregation that nobody knows", shapes == ["histogram"] and "'x'" in said, (shapes, said))

# ---- refusals that stay, and a part of a request ----
receiver = otlp.Receiver()
p, port, said = agent(receiver, "b", "--interval", "1h")
receiver.plan = [400] * 100  # how many requests a hundred records are is a matter of time
caller.call(100)
until(lambda: value(get(port)[2], "foreland_otlp_items_total", kind="logs", result="refused") == 100)
receiver.plan = []
check("what is refused for good is counted", value(get(port)[2], "foreland_otlp_items_total", kind="logs", result="refused") == 100)
receiver.plan = [b"\x0a\x06\x08\x07\x12\x02no"]  # partial_success { rejected_log_records: 7 error_message: "no" }
caller.call(100)
until(lambda: value(get(port)[2], "foreland_otlp_items_total", kind="logs", result="refused") == 107)
text = get(port)[2]
check("and so is what is refused of a request", value(text, "foreland_otlp_items_total", kind="logs", result="refused") == 107 and
      value(text, "foreland_otlp_items_total", kind="logs", result="sent") == 93, text)
receiver.plan = [b"\xff" * 60000]
caller.call(100)
until(lambda: value(get(port)[2], "foreland_otlp_items_total", kind="logs", result="sent") == 193)
check("an answer of nonsense is no refusal", value(get(port)[2], "foreland_otlp_items_total", kind="logs", result="sent") == 193)
stop(p)
receiver.close()

# ---- a spool that is full ----
receiver = otlp.Receiver()
receiver.plan = [503] * 1000
p, port, said = agent(receiver, "c", "--interval", "1h", "--spool", f"{work}/small,8K")
for _ in range(12):
    caller.call(2000)
    time.sleep(0.3)
until(lambda: (value(get(port)[2], "foreland_otlp_items_total", kind="logs", result="pushed_out") or 0) > 0)
size = sum(os.path.getsize(f"{work}/small/{n}") for n in os.listdir(f"{work}/small"))
check("a spool keeps within its bound", size < 8192 + 4096, size)
receiver.plan = []
status, err = stop(p)
bodies = receiver.bodies("/v1/metrics")
final = otlp.points(bodies[-1])["foreland_otlp_items"] if bodies else []
pushed = sum(int(d["as_int"]) for a, d in final if a["kind"][1] == '"logs"' and a["result"][1] == '"pushed_out"')
arrived = sum(map(len, receiver.logs()))
check("what it pushed out is counted, and told afterwards", pushed > 0 and pushed + arrived == 24000, (pushed, arrived, err[-300:]))
receiver.close()

# ---- kill -9 ----
receiver = otlp.Receiver()
kept = set()
rng = random.Random(7)
for i in range(kills):
    receiver.plan = rng.choice([[], [503], ["slow"], ["die"], [200, 503]])
    p, port, said = agent(receiver, "d", "--spool", f"{work}/spool,64M")
    caller.call(rng.randrange(1, 4000))
    time.sleep(rng.random() * 0.4)
    p.kill()
    p.stderr.close()
    p.wait()
    shutil.copytree(f"{work}/spool", f"{work}/then")
    for name in os.listdir(f"{work}/then"):
        data = open(f"{work}/then/{name}", "rb").read()
        if data[:8] == b"FLSPOOL1" and data[8] == 1:
            kept |= set(flat(otlp.uids([otlp.records(otlp.gzip.decompress(data[40:]))])))
    shutil.rmtree(f"{work}/then")
receiver.plan = []
p, port, said = agent(receiver, "d", "--spool", f"{work}/spool,64M")
until(lambda: value(get(port)[2], "foreland_spool_requests") == 0)
stop(p)
batches = otlp.uids(receiver.logs())
ids = flat(batches)
check("nothing that was in the spool is lost", kept <= set(ids), len(kept - set(ids)))
twice = collections.Counter(tuple(b) for b in batches)
again = sum(n - 1 for n in twice.values())
check("a request is made again at most once a kill, and whole", again <= kills and
      len(set(ids)) == sum(len(b) for b in twice), (again, kills))
runs = collections.defaultdict(set)
for i in ids:
    run, n = i.split("-")
    runs[run].add(int(n))
check("of each run there is all up to a moment", all(s == set(range(len(s))) for s in runs.values()) and len(runs) > 1,
      {r: (len(s), max(s)) for r, s in runs.items()})
check("and nothing is left behind", not [n for n in os.listdir(f"{work}/spool") if n != "pushed-out"], os.listdir(f"{work}/spool"))
p, port, said = agent(receiver, "d", "--spool", f"{work}/spool,64M")
second = agent(receiver, "d", "--spool", f"{work}/spool,64M")
check("a spool is one agent's", port and not second[1] and "another process" in second[2], second[2])
stop(p)
receiver.close()

# ---- names: of nobody, then of an address where nobody is, then of the receiver's ----
def with_names(*words):
    """In a mount namespace whose names are those in the file hosts, and whose name server is nobody."""
    return subprocess.Popen(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && '
                             'shift 2 && exec "$@"', "-", f"{work}/hosts", f"{work}/resolv", *words], stderr=subprocess.PIPE, text=True)


def names(text):
    with open(f"{work}/hosts", "w") as f:
        f.write(text)


def wait_for(p, pattern):
    said = ""
    for line in p.stderr:
        said += line
        if re.search(pattern, line):
            break
    return said


names("")
with open(f"{work}/resolv", "w") as f:
    f.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0 and os.path.exists("/etc/resolv.conf"):
    receiver = otlp.Receiver()
    os.makedirs(f"{work}/n", exist_ok=True)
    ask("n", QUESTION)
    p = with_names(foreland, "agent", "--config", f"{work}/n", "--listen", "127.0.0.1:0", "--otlp",
                   f"http://receiver.invalid:{receiver.port}", "--interval", "500ms")
    port = int(re.search(r":(\d+)/metrics", wait_for(p, "/metrics"))[1])
    caller.call(500)
    said = wait_for(p, "warning")
    check("a name that is nobody's is said, and the agent goes on", "resolve" in said and p.poll() is None, said)
    names("127.0.0.99 receiver.invalid\n")
    said = wait_for(p, "warning")
    caller.call(500)
    check("and so is an address where nobody is", "onnect" in said, said)
    names("127.0.0.1 receiver.invalid\n")
    said = wait_for(p, "takes requests again")
    caller.call(500)
    until(lambda: sum(map(len, receiver.logs())) == 1500)
    status, err = stop(p)
    ids = flat(otlp.uids(receiver.logs()))
    check("when the name is the receiver's all that waited arrives, once", status == 0 and len(ids) == len(set(ids)) == 1500, (len(ids), err))
    receiver.close()
else:
    skip("names that change", "mount namespaces are not permitted here")

# ---- a trace of one command ----
receiver = otlp.Receiver()
receiver.plan = [503]
r = subprocess.run([foreland, "trace", f"t:e/call sys_enter id=id:u64 if id == {GETPPID}", "--children", "-o", f"{work}/lines", "--otlp",
                    receiver.url(), "--spool", f"{work}/trace,1M", "--", sys.executable, "-c",
                    "import os\nfor i in range(777): os.getppid()"], capture_output=True, text=True)
lines = open(f"{work}/lines").read().count("\n")
check("trace sends what it shows", r.returncode == 0 and lines >= 777 and sum(map(len, receiver.logs())) == lines, (lines, r))
check("and what became of each hit", [d["as_int"] for a, d in receiver.metrics()["foreland_probe_records"]] == [str(lines)], receiver.metrics())
receiver.close()
for words in (["--spool", "x,1M"], ["--otlp", "http://127.0.0.1:1", "--spool", "x"], ["--otlp", "http://127.0.0.1:1", "--vm"]):
    r = subprocess.run([foreland, "trace", "t:e/x sys_enter", *words], capture_output=True, text=True)
    check(f"wrong usage: {' '.join(words)}", r.returncode == 2 and words[-2 if words[-1] != "--vm" else 0].strip("-") in r.stderr, r)

# ---- what is no receiver ----
for url in ("ftp://127.0.0.1", "file:///etc/passwd", "127.0.0.1:4318", "http://"):
    r = subprocess.run([foreland, "agent", "--config", f"{work}/a", "--otlp", url], capture_output=True, text=True)
    check(f"{url} is no receiver", r.returncode == 2 and "--otlp" in r.stderr, r)
caller.end()
end()
