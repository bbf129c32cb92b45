#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-lsp.py FORELAND [TREE PAGE]: the language server, spoken to as the protocol's text has it.

With TREE and PAGE: figures instead of a test, keystroke to diagnostics at the page's begin, middle and end.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])


class Client:
    def __init__(self, root):
        self.p = subprocess.Popen([FORELAND, "docs", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.root, self.n = root, 0
        self.capabilities = self.ask("initialize", rootUri=self.uri(""), capabilities={}, processId=None)["capabilities"]
        self.tell("initialized")

    def uri(self, path):
        return "file://" + os.path.join(self.root, path)

    def send(self, **message):
        body = json.dumps(dict(message, jsonrpc="2.0")).encode()
        self.p.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.p.stdin.flush()

    def read(self):
        size = 0
        for line in iter(self.p.stdout.readline, b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        return json.loads(self.p.stdout.read(size))

    def ask(self, method, **params):
        self.n += 1
        self.send(id=self.n, method=method, params=params)
        while True:
            m = self.read()
            if m.get("id") == self.n:
                return m.get("result", m.get("error"))

    def tell(self, method, **params):
        self.send(method=method, params=params)

    def diagnostics(self):
        return sorted((d["range"]["start"]["line"], d["range"]["start"]["character"], d["code"])
                      for d in self.read()["params"]["diagnostics"])

    def open(self, path, text):
        self.tell("textDocument/didOpen", textDocument={"uri": self.uri(path), "languageId": "rst", "version": 1, "text": text})
        return self.diagnostics()

    def edit(self, path, line, col, end, text):
        self.tell("textDocument/didChange", textDocument={"uri": self.uri(path), "version": 2}, contentChanges=[
            {"range": {"start": {"line": line, "character": col}, "end": {"line": line, "character": end}}, "text": text}])
        return self.diagnostics()

    def at(self, method, path, line, col, **more):
        return self.ask("textDocument/" + method, textDocument={"uri": self.uri(path)},
                        position={"line": line, "character": col}, **more)


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)


PAGE = "Title of it\n===========\n\n\U0001d11e caf\u00e9 :ref:`other` x\n\nSee Documentation/b.rst and :doc:`/b`.\n\n.. kernel-doc:: lib/a.c\n"


def test():
    with tempfile.TemporaryDirectory() as top:
        put(top, "MAINTAINERS", "x\n")
        put(top, ".git/HEAD", "ref: refs/heads/one\n")
        put(top, "Documentation/index.rst", "T\n=\n\n.. toctree::\n\n   a\n   b\n")
        put(top, "Documentation/a.rst", PAGE)
        put(top, "Documentation/b.rst", ".. _other:\n\nB\n=\n\ntext\n")
        put(top, "lib/a.c", "/**\n * func() - does\n */\nint func(void);\n")
        c = Client(top)
        check(c.capabilities["textDocumentSync"]["change"] == 2, "changes come as ranges")
        check(c.open("Documentation/a.rst", PAGE) == [], "a page that is right has no diagnostics, its label is of another")
        check(c.edit("Documentation/a.rst", 1, 0, 11, "====") == [(1, 0, "title-underline-short")], "an underline that gets short")
        acts = c.ask("textDocument/codeAction", textDocument={"uri": c.uri("Documentation/a.rst")}, context={"diagnostics": []},
                     range={"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}})
        edit = acts[0]["edit"]["documentChanges"][0]["edits"][0] if acts else {}
        check(edit.get("newText") == "===========\n" and edit["range"]["start"]["line"] == 1 and edit["range"]["end"]["line"] == 2,
              "its fix as a code action", acts)
        check(c.edit("Documentation/a.rst", 1, 0, 4, "===========") == [], "and mended it is gone")
        found = c.edit("Documentation/a.rst", 3, 14, 19, "nowhr")
        check(found == [(3, 14, "label-undefined")], "a label that nobody has, in UTF-16 units behind a wide character", found)
        c.edit("Documentation/a.rst", 3, 14, 19, "other")
        where = c.at("definition", "Documentation/a.rst", 3, 15)
        check([(w["uri"], w["range"]["start"]["line"]) for w in where] == [(c.uri("Documentation/b.rst"), 0)],
              "the definition of a label", where)
        where = c.at("definition", "Documentation/a.rst", 5, 8)
        check([w["uri"] for w in where] == [c.uri("Documentation/b.rst")], "of a file", where)
        where = c.at("definition", "Documentation/a.rst", 5, 36)
        check([w["uri"] for w in where] == [c.uri("Documentation/b.rst")], "of a page", where)
        where = c.at("definition", "Documentation/a.rst", 7, 20)
        check([w["uri"] for w in where] == [c.uri("lib/a.c")], "of a kernel-doc file", where)
        c.edit("Documentation/a.rst", 5, 0, 0, "func ")
        where = c.at("definition", "Documentation/a.rst", 5, 2)
        check([(w["uri"], w["range"]["start"]["line"]) for w in where] == [(c.uri("lib/a.c"), 1)], "of a C name", where)
        where = c.at("references", "Documentation/a.rst", 3, 15, context={"includeDeclaration": False})
        check([w["uri"] for w in where] == [c.uri("Documentation/a.rst")], "the references of a label", where)
        items = c.at("completion", "Documentation/a.rst", 3, 16)
        check([i["label"] for i in items] == ["other"], "completion of labels", items)
        items = c.at("completion", "Documentation/a.rst", 5, 40)
        check("/b" in [i["label"] for i in items], "completion of pages", items)
        put(top, "Documentation/b.rst", ".. _another:\n\nB\n=\n\ntext\n")
        put(top, ".git/HEAD", "ref: refs/heads/two\n")
        found = c.edit("Documentation/a.rst", 5, 0, 0, " ")
        check((3, 14, "label-undefined") in found, "a checkout under the server is seen", found)
        check(c.ask("no/such/method")["code"] == -32601, "an unknown method is answered so")
        c.ask("shutdown")
        c.tell("exit")
        check(c.p.wait(10) == 0, "shutdown and exit end it with status 0")
        p = subprocess.run([FORELAND, "docs", "lsp"], input=b"Content-Length: 3\r\n\r\n{]}Content-Length: -4\r\n\r\n",
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(b"-32700" in p.stdout and p.returncode == 1, "bytes that are no message are answered, or told", p.stdout, p.stderr)


def figures(tree, page):
    begin = time.time()
    c = Client(tree)
    with open(os.path.join(tree, page), encoding="utf-8") as f:
        text = f.read()
    c.open(page, text)
    print("start to first diagnostics: %.0f ms" % ((time.time() - begin) * 1000))
    lines = text.count("\n")
    for where, line in (("begin", 4), ("middle", lines // 2), ("end", lines - 2)):
        took = []
        for n in range(100):
            begin = time.time()
            c.edit(page, line, 0, n % 2, "" if n % 2 else "x")
            took.append((time.time() - begin) * 1000)
        took.sort()
        print("%s of %s: median %.1f ms, 99th percentile %.1f ms" % (where, page, took[50], took[98]))
    with open("/proc/%d/status" % c.p.pid) as f:
        print(re.search(r"VmHWM.*", f.read()).group(0))
    c.p.kill()


if len(sys.argv) > 2:
    figures(os.path.abspath(sys.argv[2]), sys.argv[3])
    sys.exit(0)
test()
sys.exit(done())
