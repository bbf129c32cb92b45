# SPDX-License-Identifier: GPL-2.0-or-later
"""A receiver of OTLP that behaves as it is told to, and what protoc reads out of what it was sent."""
import gzip
import http.server
import os
import re
import subprocess
import threading
import time

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data")
real = None  # where opentelemetry-proto lies, when that could be had; otherwise the field numbers in tests/data


def decode(kind, body):
    """As protoc prints it; fields that the schema does not have are shown by their number, which ends the test."""
    package = f"opentelemetry.proto.collector.{kind.lower()}.v1"
    words = [f"--proto_path={real}", f"--decode={package}.Export{kind}ServiceRequest",
             f"{package.replace('.', '/')}/{kind.lower()}_service.proto"] if real else \
        [f"--proto_path={DATA}", f"--decode=otlp.Export{kind}ServiceRequest", "otlp.proto"]
    r = subprocess.run(["protoc", *words], input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = r.stdout.decode()
    assert r.returncode == 0 and not re.search(r"^\s*\d", text, re.M), (r.stderr, text[:2000])
    return text


def tree(text):
    """protoc's text as nested lists of (name, value)."""
    stack = [[]]
    for line in text.splitlines():
        line = line.strip()
        if line.endswith("{"):
            inner = []
            stack[-1].append((line[:-1].strip(), inner))
            stack.append(inner)
        elif line == "}":
            stack.pop()
        elif line:
            name, _, value = line.partition(": ")
            stack[-1].append((name, value))
    return stack[0]


def unquoted(s):
    return s[1:-1].encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")


def attributes(node, name="attributes"):
    """{key: (type, value)} of a message's attributes."""
    got = {}
    for n, kv in node:
        if n != name:
            continue
        kv = dict(kv)
        value = kv.get("value") or []
        got[unquoted(kv["key"])] = value[0] if value else (None, None)
    return got


class Receiver:
    """@plan: what the next requests are answered with, and behind its end 200: a status, (429, seconds), "die",
    "slow", "endless", or bytes that are the body of a 200. Only what was answered with 200 was taken."""

    def __init__(self, port=0):
        self.plan, self.taken, self.seen, self.headers, self.read = [], [], 0, [], []
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.seen += 1
                    receiver.headers.append(dict(self.headers))
                    what = receiver.plan.pop(0) if receiver.plan else 200
                    if what in (200, "slow") or isinstance(what, bytes):
                        receiver.taken.append((self.path, body))
                self.answer(what)

            def answer(self, what):
                if what == "die":
                    self.close_connection = True
                    return
                if what == "slow":
                    time.sleep(1)
                if what == "endless":
                    self.send_response(200)
                    self.end_headers()
                    try:
                        while True:
                            self.wfile.write(b"x" * 65536)
                    except OSError:
                        self.close_connection = True
                    return
                status, after = what if isinstance(what, tuple) else (200 if not isinstance(what, int) else what, None)
                reply = what if isinstance(what, bytes) else b""
                self.send_response(status)
                if after is not None:
                    self.send_header("Retry-After", str(after))
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self, path):
        with self.lock:
            return [gzip.decompress(b) for p, b in self.taken if p == path]

    def logs(self):
        """The log records of each request that was taken."""
        bodies = self.bodies("/v1/logs")
        self.read += [records(b) for b in bodies[len(self.read):]]
        return self.read

    def metrics(self):
        """{name: [(labels, point)]} of the last request that was taken."""
        bodies = self.bodies("/v1/metrics")
        return points(bodies[-1]) if bodies else {}


def records(body):
    found = []
    for _, resource_logs in tree(decode("Logs", body)):
        for n, scope_logs in resource_logs:
            if n == "scope_logs":
                found += [inner for name, inner in scope_logs if name == "log_records"]
    return found


def points(body):
    got = {}
    for _, resource_metrics in tree(decode("Metrics", body)):
        for n, scope_metrics in resource_metrics:
            for name, metric in scope_metrics if n == "scope_metrics" else []:
                if name == "metrics":
                    data = [inner for kind, inner in metric if kind in ("sum", "gauge", "histogram", "exponential_histogram")]
                    title = unquoted(dict(metric)["name"])
                    got[title] = got.get(title, []) + [(attributes(p), dict((k, v) for k, v in p if k != "attributes"))
                                  for k, p in data[0] if k == "data_points"]
    return got


def shapes(body, wanted):
    """What kinds of data a metric of that name has, in order."""
    return [kind for _, resource_metrics in tree(decode("Metrics", body)) for n, scope in resource_metrics if n == "scope_metrics"
            for name, metric in scope if name == "metrics" and unquoted(dict(metric)["name"]) == wanted
            for kind, inner in metric if isinstance(inner, list)]


def resource(body, kind):
    return attributes(dict(tree(decode(kind, body))[0][1])["resource"])


def uids(batches):
    return [[unquoted(attributes(r)["log.record.uid"][1]) for r in b] for b in batches]


def raw_uids(body):
    """Without protoc: of a request that may not have been sent yet."""
    return re.findall(rb"log\.record\.uid\x12.{5}\n.([0-9a-f]{32}-\d+)", body, re.S)
