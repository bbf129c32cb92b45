#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-consumers.py FORELAND: what docs check prints for machines, read by those who read such files.

SARIF is held against its schema (in npm's @microsoft/jest-sarif, by ajv), GitLab's report against the types of its
format (codeclimate-types, by TypeScript's compiler), JUnit is read by junit2json and checkstyle by
danger-plugin-lint-report; what they read is compared with the JSON lines. The packages are fetched by npm, are kept
in the cache, and run none of their scripts.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
PACKAGES = ["@microsoft/jest-sarif@1.0.0-beta.0", "ajv@6.12.6", "codeclimate-types@0.3.1",
            "danger-plugin-lint-report@1.8.1", "junit2json@4.0.0", "typescript@5.4.5"]
NAME = "Documentation/a <&>\"'.rst"
PAGE = "Title\n==\n\n.. ntoe:: caf\u00e9 <&>\n\ncaf\u00e9 *un\n\nSee Documentation/nope.rst:\n====\n"
READERS = """
const fs = require("fs"), at = process.argv[2];
const text = kind => fs.readFileSync(`${at}/${kind}`, "utf8");
const ajv = new (require("ajv"))({ schemaId: "auto", allErrors: true, unknownFormats: "ignore" });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-04.json"));
const schema = require("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
const sarif = ajv.compile(schema), out = {};
out.sarif = sarif(JSON.parse(text("sarif"))) ? [] : sarif.errors;
const broken = JSON.parse(text("sarif"));
delete broken.runs[0].results[0].message;
out.strict = !sarif(broken);
const parser = require("danger-plugin-lint-report/dist/parse/checkstyle_parser");
out.checkstyle = parser.parseCheckstyle(require("xml-js").xml2js(text("checkstyle")), "/nowhere")
    .map(v => [v.file, v.line, v.severity, v.message]);
import("junit2json").then(async m => {
    out.junit = await m.parse(text("junit"));
    console.log(JSON.stringify(out));
});
"""


def fetched():
    """Where the packages are; the reason why they are not is raised."""
    at = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "foreland", "npm", "docs-consumers")
    for name in ("node", "npm"):
        if not shutil.which(name):
            raise LookupError("there is no %s" % name)
    if not os.path.exists(at + "/whole"):
        os.makedirs(at, exist_ok=True)
        p = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--prefix", at,
                            *PACKAGES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if p.returncode:
            raise LookupError("npm cannot have them: %s" % (p.stderr.strip().split("\n")[-1]))
        with open(at + "/whole", "w"):
            pass
    return at


def run(top, *args):
    return subprocess.run([FORELAND, "docs", "check", "--level", "style", *args], cwd=top, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout


def read_all(at, reports, want):
    with open(os.path.join(at, "read.js"), "w") as f:
        f.write(READERS)
    p = subprocess.run(["node", os.path.join(at, "read.js"), reports], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode:
        return check(False, "the readers ran", p.stderr[-2000:])
    out = json.loads(p.stdout)
    check(out["sarif"] == [] and out["strict"], "sarif: valid by the schema of 2.1.0, and not without its messages", out["sarif"][:3])
    got = [tuple(v) for v in out["checkstyle"]]
    levels = {"error": "error", "warning": "warning", "style": "info"}
    check(got == [(w[0], w[1] or 1, levels[w[2]], w[4]) for w in want], "checkstyle: all findings", got, want)
    suite = out["junit"]["testsuite"][0]
    cases = [(c["classname"], c["failure"][0]["message"]) for c in suite["testcase"]]
    check(suite["failures"] == len(want) and cases == [(w[0], w[4]) for w in want], "junit: all findings", suite, want)


def gitlab(at, reports):
    with open(os.path.join(reports, "gitlab")) as f:
        report = f.read()
    sources = {"right": report, "wrong": report.replace('"severity"', '"severety"', 1)}
    for name, text in sources.items():
        with open(os.path.join(at, name + ".ts"), "w") as f:
            f.write('import { Issue } from "codeclimate-types";\nexport const report: Issue[] = %s;\n' % text)
        p = subprocess.run(["node", at + "/node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--typeRoots", "./none",
                            name + ".ts"], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check((p.returncode == 0) == (name == "right"), "gitlab: the %s report by the types of the format" % name, p.stdout[-1500:])


def main():
    try:
        at = fetched()
    except LookupError as why:
        print("1..0 # SKIP %s" % why)
        return 0
    with tempfile.TemporaryDirectory() as top, tempfile.TemporaryDirectory() as reports:
        for path, text in (("MAINTAINERS", "x\n"), ("Documentation/index.rst", "T\n=\n"), (NAME, PAGE)):
            os.makedirs(os.path.dirname(os.path.join(top, path)) or top, exist_ok=True)
            with open(os.path.join(top, path), "w") as f:
                f.write(text)
        rows = [r for r in map(json.loads, run(top, "--json").split("\n")[:-1]) if "file" in r]
        want = [(r["file"], r["line"], r["level"], r["code"], r["message"]) for r in rows]
        check(len(want) >= 5 and {w[2] for w in want} == {"error", "warning", "style"}, "findings of all levels", want)
        for kind in "sarif", "gitlab", "junit", "checkstyle":
            with open(os.path.join(reports, kind), "w") as f:
                f.write(run(top, "--format", kind))
        read_all(at, reports, want)
        gitlab(at, reports)
    return done()


sys.exit(main())
