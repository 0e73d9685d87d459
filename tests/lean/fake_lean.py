"""Stands in for Node.js running ``checker.cjs``: follows directives like ``--! error text`` in the sources.

It writes the outputs that it is asked for and logs the beginning and end of every file. The directive
``crash`` ends the Lean that checks the file, ``stale`` only one that has checked others, and ``die`` the
process. A source whose first line says so waits until another file has begun, at most a minute.
"""

import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def log(event: str, file: str) -> None:
    with Path(os.environ["FAKE_LEAN_LOG"]).open("a") as out:
        out.write(f"{event} {file}\n")


def message(file: str, line: int, severity: str, text: str) -> str:
    place = {"line": line, "column": 0}
    return json.dumps({"severity": severity, "pos": place, "data": text, "fileName": file})


def catalogue(file: str, source: str) -> str:
    lines = [json.dumps({"lean": "4.28.0, commit 0"})]
    lines += [json.dumps({"module": name, "axioms": []}) for name in _arguments("audit!", source)]
    for name in _arguments("describe!", source):
        fact = {"name": name, "kind": "theorem", "statement": f"{name} : True", "axioms": []}
        lines.append(json.dumps(fact))
    return message(file, 1, "information", "\n".join(lines))


def _arguments(command: str, source: str) -> list[str]:
    found = re.findall(rf":= {command}(.*)", source)
    return found[-1].split() if found else []


def ilean(source: str) -> str:
    decls = {}
    for number, line in enumerate(source.splitlines()):
        if match := re.match(r"theorem (\w+)", line):
            decls[match[1]] = [number, 0, number, 1, number, match.start(1), number, match.end(1)]
    return json.dumps({"references": {}, "decls": decls})


def check(job: dict[str, Any]) -> None:
    file = job["file"]
    source = Path(file).read_text(encoding="utf-8")
    log("begin", file)
    time.sleep(0.02)
    deadline = time.monotonic() + 60 * source.startswith("-- waits for another to begin\n")
    while time.monotonic() < deadline and Path(os.environ["FAKE_LEAN_LOG"]).read_text().count("begin ") < 2:
        time.sleep(0.01)
    said = [f"options {job['options']}"]
    if "olean" in job:
        for imported in re.findall(r"^public import (Spec\S*)", source, re.MULTILINE):
            assert Path(imported.replace(".", "/") + ".olean").exists(), (
                f"{file} was checked before {imported}"
            )
        Path(job["olean"]).write_text(source)
        Path(job["ilean"]).write_text(ilean(source))
    else:
        said.append(catalogue(file, source))
    code = 0
    for number, line in enumerate(source.splitlines(), start=1):
        if match := re.match(r"--! (\w+) ?(.*)", line):
            if match[1] == "die":
                os.write(2, b"out of memory")
                os._exit(134)
            if match[1] == "stale" and not job["fresh"]:
                return answer(file, 7, "out of memory", checked=3)
            if match[1] == "stale":
                continue
            if match[1] == "crash":
                return answer(file, 7, "RuntimeError: memory access out of bounds")
            said.append(message(file, number, match[1], match[2]))
            code |= match[1] == "error"
    log("end", file)
    return answer(file, code, "\n".join(said))


def answer(file: str, code: int, output: str, checked: int = 0) -> None:
    said = {"file": file, "code": code, "output": output, "noted": "", "checked": checked}
    os.write(1, (json.dumps(said) + "\n").encode())


if sys.argv[1:] == ["--version"]:
    print("v24.1.0")
    raise SystemExit
log("start", sys.argv[3])
with ThreadPoolExecutor(8) as pool:
    for job in sys.stdin:
        pool.submit(check, json.loads(job))
