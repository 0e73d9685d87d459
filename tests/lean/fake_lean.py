"""Stands in for Node.js running Lean: follows directives such as ``--! error text`` in the sources.

It writes the outputs that it is asked for and logs the beginning and end of every run. A source whose first
line says so waits until another run has begun, at most a minute.
"""

import json
import os
import re
import sys
import time
from pathlib import Path


def log(event: str, file: str) -> None:
    with Path(os.environ["FAKE_LEAN_LOG"]).open("a") as out:
        out.write(f"{event} {file}\n")


def message(file: str, line: int, severity: str, text: str) -> None:
    place = {"line": line, "column": 0}
    print(json.dumps({"severity": severity, "pos": place, "data": text, "fileName": file}))


def catalogue(file: str, source: str) -> None:
    lines = [json.dumps({"lean": "4.28.0, commit 0"})]
    lines += [json.dumps({"module": name, "axioms": []}) for name in _arguments("audit!", source)]
    for name in _arguments("describe!", source):
        fact = {"name": name, "kind": "theorem", "statement": f"{name} : True", "axioms": []}
        lines.append(json.dumps(fact))
    message(file, 1, "information", "\n".join(lines))


def _arguments(command: str, source: str) -> list[str]:
    found = re.findall(rf":= {command}(.*)", source)
    return found[-1].split() if found else []


def ilean(source: str) -> str:
    decls = {}
    for number, line in enumerate(source.splitlines()):
        if match := re.match(r"theorem (\w+)", line):
            decls[match[1]] = [number, 0, number, 1, number, match.start(1), number, match.end(1)]
    return json.dumps({"references": {}, "decls": decls})


if sys.argv[1:] == ["--version"]:
    print("v24.1.0")
    raise SystemExit
arguments = sys.argv[4:]
file = arguments[-1]
source = Path(file).read_text(encoding="utf-8")
log("begin", file)
time.sleep(0.02)
deadline = time.monotonic() + 60 * source.startswith("-- waits for another to begin\n")
while time.monotonic() < deadline and Path(os.environ["FAKE_LEAN_LOG"]).read_text().count("begin ") < 2:
    time.sleep(0.01)
if "-o" in arguments:
    for imported in re.findall(r"^public import (Spec\S*)", source, re.MULTILINE):
        assert Path(imported.replace(".", "/") + ".olean").exists(), f"{file} was checked before {imported}"
    Path(arguments[arguments.index("-o") + 1]).write_text(source)
    Path(arguments[arguments.index("-i") + 1]).write_text(ilean(source))
else:
    catalogue(file, source)
print("options " + " ".join(a for a in arguments if a.startswith("-D")))
status = 0
for number, line in enumerate(source.splitlines(), start=1):
    if match := re.match(r"--! (\w+) ?(.*)", line):
        if match[1] == "crash":
            sys.stderr.write("memory access out of bounds\n")
            os._exit(134)
        message(file, number, match[1], match[2])
        status |= match[1] == "error"
log("end", file)
sys.exit(status)
