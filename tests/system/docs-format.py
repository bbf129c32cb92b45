#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-format.py FORELAND: what docs check prints for machines, of files whose names and texts mean harm.

Each form is read by a parser that is not ours, and what comes out is compared with the JSON lines: Python's
JSON and XML, and the grammar that GitHub publishes for its workflow commands.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
EVIL = "Documentation/e,v:i l%\"<&>'\n::error::x.rst"


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)


def run(top, *args, stdin=None):
    p = subprocess.run([FORELAND, "docs", "check", *args], cwd=top, input=stdin, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    return p.returncode, p.stdout, p.stderr


def tree(top):
    put(top, "MAINTAINERS", "x\n")
    put(top, "Documentation/index.rst", "T\n=\n\n:orphan\n")
    put(top, EVIL, ":orphan:\n\nTitle\n==\n\n.. ntoe:: caf\u00e9 \x01 <&>\n\ncaf\u00e9 *un\n\nSee Documentation/nope\u00e9.rst:\n====\n")
    put(top, "Documentation/o.rst", "Title\n=====\n\ntext\n")


def rows(top, *args):
    return [r for r in map(json.loads, run(top, "--json", "--level", "style", *args)[1].split("\n")[:-1]) if "file" in r]


def sarif(top, want):
    doc = json.loads(run(top, "--format", "sarif", "--level", "style")[1])
    one = doc["runs"][0]
    rules = one["tool"]["driver"]["rules"]
    levels = {"error": "error", "warning": "warning", "note": "style"}
    got = []
    for r in one["results"]:
        place = r["locations"][0]["physicalLocation"]
        uri = re.sub("%([0-9A-F]{2})", lambda m: chr(int(m.group(1), 16)), place["artifactLocation"]["uri"])
        got.append((uri.encode("latin-1").decode(), place.get("region", {}).get("startLine", 0), levels[r["level"]],
                    r["ruleId"], r["message"]["text"]))
        check(rules[r["ruleIndex"]]["id"] == r["ruleId"], "sarif: rule %s" % r["ruleId"])
    check(doc["version"] == "2.1.0" and got == want, "sarif: all findings", got, want)
    region = [r["locations"][0]["physicalLocation"]["region"] for r in one["results"] if r["ruleId"] == "inline-end"]
    check(region and region[0]["startColumn"] == 6, "sarif: columns are characters", region)


def github(top, want):
    """"::" COMMAND {" " KEY "=" VALUE {"," ...}} "::" MESSAGE, with %, CR and LF escaped, and : and , in values."""
    def plain(s):
        return re.sub("%([0-9A-F]{2})", lambda m: chr(int(m.group(1), 16)), s)
    out = run(top, "--format", "github", "--level", "style")[1]
    got = []
    for line in out.split("\n")[:-1]:
        m = re.fullmatch(r"::(error|warning|notice) ((?:\w+=[^:,]*,?)+)::(.*)", line)
        p = dict(kv.split("=", 1) for kv in m.group(2).split(",")) if m else {}
        got.append((plain(p.get("file", "?")), int(p.get("line", 0)), {"notice": "style"}.get(m and m.group(1), m and m.group(1)),
                    p.get("title"), plain(m.group(3)) if m else line))
    check(got == want, "github: one command a finding", out, want)


def gitlab(top, want):
    doc = json.loads(run(top, "--format", "gitlab", "--level", "style")[1])
    levels = {"major": "error", "minor": "warning", "info": "style"}
    got = [(r["location"]["path"], r["location"]["lines"]["begin"], levels[r["severity"]], r["check_name"], r["description"])
           for r in doc]
    check(got == [(w[0], w[1] or 1) + w[2:] for w in want], "gitlab: all findings", got, want)
    check(len({r["fingerprint"] for r in doc}) == len(doc), "gitlab: each with its fingerprint")


def junit(top, want):
    suite = ET.fromstring(run(top, "--format", "junit", "--level", "style")[1]).find("testsuite")
    cases = suite.findall("testcase")
    check(int(suite.get("tests")) == int(suite.get("failures")) == len(cases) == len(want), "junit: counts")
    check([c.get("classname") for c in cases] == [w[0].replace("\x01", "\ufffd") for w in want] and
          [c.find("failure").get("message") for c in cases] == [w[4].replace("\x01", "\ufffd") for w in want],
          "junit: all findings")


def checkstyle(top, want):
    doc = ET.fromstring(run(top, "--format", "checkstyle", "--level", "style")[1])
    got = [(f.get("name"), int(e.get("line")), {"info": "style"}.get(e.get("severity"), e.get("severity")),
            e.get("source")[9:], e.get("message")) for f in doc.findall("file") for e in f.findall("error")]
    check(got == [(w[0], w[1] or 1) + w[2:4] + (w[4].replace("\x01", "\ufffd"),) for w in want], "checkstyle: all findings", got, want)


PATCH = "--- a/Documentation/o.rst\n+++ b/Documentation/o.rst\n@@ -1,4 +1,4 @@\n-Title\n+Title of it\n =====\n \n text\n"


def b4(top, want):
    code, out, err = run(top, "--format", "b4", "--patch", "-", stdin=PATCH)
    check(code == 1 and not err and out == "Documentation/o.rst:2: WARNING: Title underline too short. [title-underline-short]\n",
          "b4: one line a finding, and nothing else", out, err)
    code, out, err = run(top, "--format", "b4")
    check(len(out.split("\n")) - 1 == len([w for w in want if w[2] != "style"]) and
          all(re.match(r".*:\d+: (ERROR|WARNING): ", line) for line in out.split("\n")[:-1]), "b4: no name makes two of one", out)
    code, out, err = run(top, "--format", "b4-review", "--patch", "-", stdin=PATCH)
    doc = json.loads(out)
    check(doc[0]["status"] == "warn" and sorted(doc[0]) == ["details", "status", "summary", "tool", "url"] and not err,
          "b4-review: a JSON array", out, err)
    code, out, err = run(top, "--format", "b4-review", "Documentation/index.rst")
    check(code == 0 and json.loads(out)[0]["status"] == "pass", "b4-review: nothing found is a pass", out)


def exits(top):
    for args, status in ((("Documentation/index.rst",), 0), (("Documentation/o.rst",), 250), ((), 1)):
        code = run(top, "--warnings-exit", "250", *args)[0]
        check(code == status, "--warnings-exit 250 %s: %d" % (" ".join(args), status), code)
    check(run(top, "Documentation/o.rst")[0] == 1, "without it warnings are 1")
    check(run(top, "--format", "sarif", "--json")[0] == 2 and run(top, "--format", "xml")[0] == 2, "forms exclude each other")


def large():
    """More findings than are written at once: still one document."""
    with tempfile.TemporaryDirectory() as top:
        put(top, "x.rst", "T\n=\n\n" + "a *b\n\n" * 2000)
        check(len(json.loads(run(top, "--format", "sarif", "x.rst")[1])["runs"][0]["results"]) == 2000, "sarif: 2000 findings")
        for form in "gitlab", "b4-review":
            check(json.loads(run(top, "--format", form, "x.rst")[1]), "%s: 2000 findings" % form)
        for form in "junit", "checkstyle":
            check(len(ET.fromstring(run(top, "--format", form, "x.rst")[1]).findall(".//failure" if form == "junit" else
                                                                                  ".//error")) == 2000, "%s: 2000" % form)


large()
with tempfile.TemporaryDirectory() as top:
    tree(top)
    want = [(r["file"], r["line"], r["level"], r["code"], r["message"]) for r in rows(top)]
    check(len(want) >= 5 and {w[2] for w in want} == {"error", "warning", "style"} and any(w[0] == EVIL for w in want),
          "findings of all levels, of a name that means harm", want)
    for part in sarif, github, gitlab, junit, checkstyle, b4:
        part(top, want)
    exits(top)
    code, out, err = run(top, "--format", "junit", "Documentation/index.rst")
    check(ET.fromstring(out).find("testsuite").get("failures") == "0" and code == 0, "junit: nothing found passes", out)
sys.exit(done())
