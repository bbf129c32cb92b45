#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Profiles as npm's pprof-format reads them, against protoc's reading: samples, values, labels, build-ids.

usage: test-pprof.py FORELAND

The package is fetched by npm and kept in the cache."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import protoc
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

PACKAGE = "pprof-format@2.3.2"
READER = """
const { Profile } = require("pprof-format"), fs = require("fs"), zlib = require("zlib");
const p = Profile.decode(zlib.gunzipSync(fs.readFileSync(process.argv[2]))), s = p.stringTable.strings;
const functions = new Map(p.function.map(f => [Number(f.id), [s[Number(f.name)], s[Number(f.filename)]]]));
const places = new Map(p.location.map(l => [Number(l.id), l]));
console.log(JSON.stringify({
    types: p.sampleType.map(t => [s[Number(t.type)], s[Number(t.unit)]]),
    samples: p.sample.map(x => [
        x.locationId.flatMap(i => places.get(Number(i)).line.map(l => [...functions.get(Number(l.functionId)), Number(l.line)])),
        x.value.map(Number),
        x.label.map(l => [s[Number(l.key)], Number(l.str) ? s[Number(l.str)] : Number(l.num)])]),
    mappings: p.mapping.map(m => [s[Number(m.filename)], s[Number(m.buildId)]])}));
"""


def fetched():
    """Where the package is; the reason why it is not is raised."""
    at = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "foreland", "npm", PACKAGE)
    for name in ("node", "npm", "protoc"):
        if not shutil.which(name):
            raise LookupError(f"there is no {name}")
    if not os.path.exists(f"{at}/node_modules"):
        os.makedirs(at, exist_ok=True)
        p = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", at, PACKAGE], capture_output=True, text=True)
        if p.returncode:
            raise LookupError(f"npm cannot have {PACKAGE}: {p.stderr.strip().splitlines()[-1:]}")
    return at


def by_protoc(path):
    p = protoc.profile(path)
    s = p["string_table"]
    functions = {f["id"][0]: [s[f["name"][0]], s[f.get("filename", [0])[0]]] for f in p["function"]}
    places = {x["id"][0]: [[*functions[li["function_id"][0]], li.get("line", [0])[0]] for li in x["line"]] for x in p["location"]}
    return {"types": [[s[t["type"][0]], s[t["unit"][0]]] for t in p["sample_type"]],
            "samples": [[[frame for i in x["location_id"] for frame in places[i]], x["value"],
                         [[s[la["key"][0]], s[la["str"][0]] if "str" in la else la["num"][0]] for la in x.get("label", [])]]
                        for x in p["sample"]],
            "mappings": [[s[m.get("filename", [0])[0]], s[m.get("build_id", [0])[0]]] for m in p.get("mapping", [])]}


try:
    at = fetched()
except LookupError as e:
    print(f"1..0 # SKIP {e}")
    sys.exit(0)
foreland = os.path.abspath(sys.argv[1])
with tempfile.TemporaryDirectory() as tmp:
    with open(f"{tmp}/kernel.txt", "w") as f:
        f.write("allocinfo - version: 2.0\n300 3 mm/slub.c:12 func:alloc_slab_page \n"
                "4096 1 fs/ext4/super.c:9 [ext4] func:fill accurate:no \n")
    with open(f"{tmp}/read.js", "w") as f:
        f.write(READER)
    for what, command in (
            ("a program's stacks", ["run", "-o", "p.pb.gz", "--", "git", "--version"]),
            ("a C++ program's", ["run", "-o", "p.pb.gz", "--children", "--", "protoc", "--version"]),
            ("the kernel's dump", ["show", "--input", "kernel.txt", "-o", "p.pb.gz"])):
        subprocess.run([foreland, "alloc", *command], check=True, cwd=tmp, stdout=subprocess.DEVNULL)
        read = json.loads(subprocess.run(["node", "read.js", "p.pb.gz"], cwd=tmp, check=True, capture_output=True, text=True,
                                         env=dict(os.environ, NODE_PATH=f"{at}/node_modules")).stdout)
        expected = by_protoc(f"{tmp}/p.pb.gz")
        good = read == expected and read["samples"] and all(read["types"])
        check(good, f"{what}: {len(read['samples'])} samples are read alike", f"{str(read)[:1000]} and {str(expected)[:1000]}")
sys.exit(done())
