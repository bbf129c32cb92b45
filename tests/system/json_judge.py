# SPDX-License-Identifier: GPL-2.0-or-later
"""What foreland prints with --json, judged by python3-jsonschema and `foreland schema`."""
import json
import subprocess

import jsonschema


def shape(v, key=""):
    """A line without what its validity does not depend on: lines of one shape are judged once."""
    if isinstance(v, dict):
        return tuple((k, shape(x, k)) for k, x in sorted(v.items()))
    if isinstance(v, list):
        return ("list", *sorted({repr(shape(x)) for x in v}))
    if isinstance(v, (bool, type(None))):
        return repr(v)
    if isinstance(v, str):
        return v if key in ("type", "command") or key.endswith("_hex") else "text"
    return type(v).__name__ + ("" if v >= 0 else "-")


class Judge:
    def __init__(self, foreland):
        self.schema = json.loads(subprocess.run([foreland, "schema"], capture_output=True, check=True).stdout)
        jsonschema.Draft202012Validator.check_schema(self.schema)
        self.known = {}
        self.seen = {}  # (command, which of its lines): one of them
        self.validators = {}
        for name, d in self.schema["$defs"].items():
            if name != "value":
                self.validators[name] = [self.validator(line) for line in d["anyOf"]]

    def validator(self, line):
        return jsonschema.Draft202012Validator({**line, "$defs": {"value": self.schema["$defs"]["value"]}})

    def line(self, command, v):
        """Which of the command's lines it is, or None."""
        of = self.validators.get(command.replace(" ", "-"), [])
        fits = [i for i, one in enumerate(of) if one.is_valid(v)]
        for i in fits:
            self.seen.setdefault((command, i), v)
        return fits[0] if fits else None

    def output(self, text, ended=True):
        """Complaints about all that one run printed."""
        try:
            lines = [json.loads(line) for line in text.splitlines()]
        except ValueError as e:
            return [f"no JSON: {e}: {text[:300]!r}"]
        if not lines:
            return []
        if not all(isinstance(line, dict) for line in lines):
            return [f"no object: {text[:300]!r}"]
        command = lines[0].get("command")
        if lines[0].get("type") != "schema" or not command:
            return [f"the first line is no schema: {lines[0]}"]
        wrong = []
        for v in lines:
            key = (command, shape(v))
            if key not in self.known:
                self.known[key] = self.line(command, v) is not None
                if not self.known[key]:
                    wrong.append(f"{command}: {json.dumps(v)[:400]}")
        if ended and lines[-1].get("type") != "summary":
            wrong.append(f"{command}: the last line is no summary: {json.dumps(lines[-1])[:200]}")
        return wrong

    def unseen(self):
        return [f"{name.replace('-', ' ')}: {one.schema['description']}" for name, of in self.validators.items()
                for i, one in enumerate(of) if (name.replace("-", " "), i) not in self.seen]
