# SPDX-License-Identifier: GPL-2.0-or-later
"""A pprof profile as protoc decodes it, by a schema of the fields that are used."""
import gzip
import os
import re
import subprocess
import tempfile

SCHEMA = """syntax = "proto3"; package p;
message Profile { repeated ValueType sample_type = 1; repeated Sample sample = 2; repeated Mapping mapping = 3;
  repeated Location location = 4; repeated Function function = 5; repeated string string_table = 6;
  int64 time_nanos = 9; int64 default_sample_type = 14; }
message ValueType { int64 type = 1; int64 unit = 2; }
message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; repeated Label label = 3; }
message Label { int64 key = 1; int64 str = 2; int64 num = 3; int64 num_unit = 4; }
message Mapping { uint64 id = 1; uint64 memory_start = 2; uint64 memory_limit = 3; uint64 file_offset = 4;
  int64 filename = 5; int64 build_id = 6; bool has_functions = 7; bool has_filenames = 8; bool has_line_numbers = 9;
  bool has_inline_frames = 10; }
message Location { uint64 id = 1; uint64 mapping_id = 2; uint64 address = 3; repeated Line line = 4; }
message Line { uint64 function_id = 1; int64 line = 2; }
message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; int64 filename = 4; }
"""


def text_format(text):
    """protoc's text: names with values, and messages in braces, into lists by name."""
    tokens, stack = re.findall(r'"(?:[^"\\]|\\.)*"|[^\s]+', text), [{}]
    i = 0
    while i < len(tokens):
        if tokens[i] == "}":
            stack.pop()
            i += 1
        elif tokens[i + 1] == "{":
            m = {}
            stack[-1].setdefault(tokens[i], []).append(m)
            stack.append(m)
            i += 2
        else:
            value = tokens[i + 1]
            stack[-1].setdefault(tokens[i].rstrip(":"), []).append(
                value[1:-1] if value[0] == '"' else int(value) if value.lstrip("-").isdigit() else value)
            i += 2
    return stack[0]


def profile(path):
    with tempfile.TemporaryDirectory() as tmp, gzip.open(path) as f:
        with open(os.path.join(tmp, "profile.proto"), "w") as schema:
            schema.write(SCHEMA)
        return text_format(subprocess.run(["protoc", "--decode=p.Profile", "profile.proto"], input=f.read(), capture_output=True,
                                          check=True, cwd=tmp).stdout.decode())


def samples(p):
    """(names from the leaf on, values, label pairs) of each sample."""
    strings = p["string_table"]
    function = {f["id"][0]: strings[f["name"][0]] for f in p["function"]}
    location = {x["id"][0]: [function[li["function_id"][0]] for li in x["line"]] for x in p["location"]}
    return [([name for i in s["location_id"] for name in location[i]], s.get("value", []),
             {strings[la["key"][0]]: la.get("num", [strings[la.get("str", [0])[0]]])[0] for la in s.get("label", [])})
            for s in p["sample"]]
