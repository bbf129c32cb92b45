#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-clients.py FORELAND SUITE_ROOT: those for whom docs check and docs lsp were made, themselves.

neovim and b4 come from a root of sid. neovim is run here by its own loader, starts the language server and is
asked what it shows; b4's review reads what --format b4-review printed; a JSON Schema validator is not needed for
that, since b4 is the judge.
"""
import json
import os
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
ROOT = [sys.argv[2], "--name", "docs", "--packages", "python3-sphinx python3-yaml neovim b4"]
PAGE = "Title\n=====\n\nSee :ref:`there` and :ref:`nowhere`.\n\nOther title\n----\n\ntext\n"
LUA = """
vim.o.swapfile = false
local top, program = os.getenv("TOP"), os.getenv("PROGRAM")
local out = {}
vim.cmd.edit(top .. "/Documentation/a.rst")
local id = vim.lsp.start({ name = "foreland", cmd = { program, "docs", "lsp" }, root_dir = top })
local function shown()
  local t = {}
  for _, d in ipairs(vim.diagnostic.get(0)) do table.insert(t, { d.lnum + 1, d.code, d.severity }) end
  table.sort(t, function(a, b) return a[1] < b[1] end)
  return t
end
vim.wait(60000, function() return #shown() > 0 end)
out.first = shown()
local place = vim.lsp.util.make_position_params(0, "utf-16")
place.position = { line = 3, character = 12 }
local got = vim.lsp.buf_request_sync(0, "textDocument/definition", place, 60000)
for _, r in pairs(got or {}) do out.definition = r.result end
local range = { start = { line = 6, character = 0 }, ["end"] = { line = 6, character = 4 } }
got = vim.lsp.buf_request_sync(0, "textDocument/codeAction",
  { textDocument = place.textDocument, range = range, context = { diagnostics = {} } }, 60000)
for _, r in pairs(got or {}) do
  for _, action in ipairs(r.result or {}) do
    if action.edit then vim.lsp.util.apply_workspace_edit(action.edit, "utf-16") end
  end
end
out.underline = vim.api.nvim_buf_get_lines(0, 6, 7, false)[1]
vim.wait(60000, function() return #shown() < #out.first end)
out.mended = shown()
vim.api.nvim_buf_set_lines(0, 3, 4, false, { "See :ref:`there`." })
vim.wait(60000, function() return #shown() == 0 end)
out.last = #shown()
io.stdout:write(vim.json.encode(out) .. "\\n")
vim.cmd("qall!")
"""
B4 = """
import json, sys, email.message, b4, b4.review.checks as checks
with open("/src/out.json", "rb") as f:
    out = f.read()
b4._run_command = lambda *args, **more: (int(sys.argv[1]), out, b"")
print(json.dumps(checks._run_external_cmd(["foreland"], email.message.EmailMessage(), "/")))
"""


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)


def neovim(root):
    with tempfile.TemporaryDirectory() as top:
        put(top, "MAINTAINERS", "x\n")
        put(top, "Documentation/index.rst", "Top\n===\n\n.. toctree::\n\n   a\n   b\n")
        put(top, "Documentation/a.rst", PAGE)
        put(top, "Documentation/b.rst", ".. _there:\n\nB\n=\n\ntext\n")
        put(top, "x.lua", LUA)
        libs = ":".join(os.path.join(root, d) for d in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
        run = subprocess.run([os.path.join(root, "lib64/ld-linux-x86-64.so.2"), "--library-path", libs,
                              os.path.join(root, "usr/bin/nvim"), "--headless", "-u", "NONE", "-i", "NONE", "-S", top + "/x.lua"],
                             env=dict(os.environ, TOP=top, PROGRAM=FORELAND, HOME=top, XDG_RUNTIME_DIR=top,
                                      VIMRUNTIME=os.path.join(root, "usr/share/nvim/runtime")),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=600)
        try:
            out = json.loads(run.stdout.strip().split("\n")[-1])
        except ValueError:
            return check(False, "neovim ran", run.stdout[-500:], run.stderr[-500:])
        check(out["first"] == [[4, "label-undefined", 2], [7, "title-underline-short", 2]],
              "neovim shows what is wrong with the page", out)
        place = out["definition"] if isinstance(out["definition"], dict) else (out["definition"] or [{}])[0]
        check(place.get("uri", "").endswith("Documentation/b.rst"), "it finds where a label is", out)
        check(out["underline"] == "-" * 11, "it applies the fix", out)
        check(out["mended"] == [[4, "label-undefined", 2]] and out["last"] == 0, "and shows what is left while one types", out)


def b4():
    for text, status in ((PAGE, "warn"), ("T\n=\n\ntext\n", "pass"), ("T\n=\n\n|x|\n", "fail")):
        with tempfile.TemporaryDirectory() as top:
            put(top, "x.rst", text)
            put(top, "x.py", B4)
            run = subprocess.run([FORELAND, "docs", "check", "--format", "b4-review", "x.rst"], cwd=top, stdout=subprocess.PIPE)
            with open(os.path.join(top, "out.json"), "wb") as f:
                f.write(run.stdout)
            os.chmod(top, 0o755)
            said = subprocess.run(ROOT + ["--bind", top + ":/src", "sid", "--", "python3", "/src/x.py", str(run.returncode)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                entries = json.loads(said.stdout)
            except ValueError:
                return check(False, "b4 ran", said.stdout, said.stderr)
            check(len(entries) == 1 and entries[0]["status"] == status and entries[0]["summary"] and
                  entries[0]["tool"].startswith("foreland"), "b4 reads %s" % status, entries)


def main():
    where = subprocess.run(ROOT + ["sid"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if where.returncode:
        print("1..0 # SKIP %s" % where.stderr.strip().split("\n")[-1])
        return 0
    neovim(where.stdout.strip().split("\n")[-1])
    b4()
    return done()


sys.exit(main())
