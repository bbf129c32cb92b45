#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/fetch-deb takes what the archive has signed, and nothing else: Debian's own mirror is served
through a proxy on loopback that changes one thing at a time. The judge is the archive's keyring."""
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

from tap import expect as check, done

top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
fetch_deb = os.path.join(top, "scripts", "fetch-deb")
SUITE = "bookworm-updates"  # the smallest index that there is
real = subprocess.run([os.path.join(top, "scripts", "mirror"), SUITE], capture_output=True, text=True)
if real.returncode != 0:
    print("1..0 # SKIP " + real.stderr.strip())
    sys.exit(0)
tamper = lambda path, body: body  # noqa: E731


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            with urllib.request.urlopen(real.stdout.strip() + self.path[len("/debian"):], timeout=120) as r:
                body = tamper(self.path, r.read())
        except (urllib.error.URLError, OSError):
            body = None
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()


def fetch(*words):
    """With a cache of its own, so that nothing good is left from before: (status, last words, files)."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/sources.list", "w") as f:
            f.write(f"deb http://127.0.0.1:{server.server_port}/debian bookworm main\n")
        with open(f"{folder}/apt.conf", "w") as f:
            f.write(f'Dir::Etc::SourceList "{folder}/sources.list";\nDir::Etc::SourceParts "/dev/null";\n'
                    'Acquire::Retries "0";\n')
        os.mkdir(f"{folder}/to")
        env = {**os.environ, "APT_CONFIG": f"{folder}/apt.conf", "XDG_CACHE_HOME": f"{folder}/cache"}
        env.pop("http_proxy", None)
        ran = subprocess.run([fetch_deb, *words], cwd=f"{folder}/to", env=env, capture_output=True, text=True)
        return ran.returncode, ran.stdout + ran.stderr, os.listdir(f"{folder}/to")


def changed(body):
    return body[:-20] + bytes([body[-20] ^ 1]) + body[-19:]


def unsigned(path, body):
    if path.endswith(("/InRelease", "/Release.gpg")):
        return None
    return body


def resigned(path, body):
    """Signed once, and a line has changed since."""
    return body.replace(b"Origin: Debian", b"Origin: Elsewhere", 1) if path.endswith("/InRelease") else body


status, names, _ = fetch("--search", "^[a-z].*-(data|common|doc)$|^tzdata|clamav", SUITE)
if status != 0:
    print(f"1..0 # SKIP {names.strip().splitlines()[-1]}")
    sys.exit(0)
package = names.split()[0]
status, said, files = fetch(SUITE, package)
check("what the archive signed arrives", status == 0 and len(files) == 1 and files[0].startswith(package + "_"),
      said)
for name, change in (
        ("a package with one bit changed", lambda p, b: changed(b) if p.endswith(".deb") else b),
        ("an index with one bit changed", lambda p, b: changed(b) if "Packages" in p or "by-hash" in p else b),
        ("a suite without a signature", unsigned),
        ("a suite that was changed after it was signed", resigned)):
    tamper = change
    status, said, files = fetch(SUITE, package)
    check(name + " is refused, and nothing is left", status == 1 and not files and "E: " in said,
          (status, said, files))
sys.exit(done())
