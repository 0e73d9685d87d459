"""A native Lean of the project's version, with Lake, as elan installs them."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.messages import Message, parse_messages
from scanproof.lean.modules import Graph
from scanproof.lean.progress import ShowStep
from scanproof.lean.project import Project
from scanproof.lean.toolchain import Build

_BUILD = Path(".lake/build")
_JOB = re.compile(r"^\S+ \[(?P<done>\d+)/(?P<total>\d+)\] (?P<what>.*)")
_MESSAGE = re.compile(
    r"^(?P<severity>error|warning): (?P<file>\S+\.lean):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)"
)
_NEXT = re.compile(r"^(\S+ \[\d+/\d+\] |error: |warning: |info: |trace: |Some required |Build completed)")


class Lake:
    """The toolchain that ``lake build`` uses."""

    name = "lake"

    def __init__(self, lake: str, version: str) -> None:
        self._lake = lake
        self.identity = f"lake {version}"

    @classmethod
    def find(cls, project: Project, note: Callable[[str], None] = lambda text: None) -> "Lake | None":
        """Return the Lake on the PATH (or of elan) if its Lean has the project's version.

        elan may download that version first; it shows its own progress on the standard error.
        """
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path.home() / ".elan" / "bin")])
        lake, lean = shutil.which("lake", path=path), shutil.which("lean", path=path)
        if lake is None or lean is None:
            return None
        run = subprocess.run(
            [lean, "--version"],
            cwd=project.root,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        version = run.stdout.strip()
        if run.returncode != 0:
            note(f"{lean} could not provide Lean {project.version}.")
            return None
        if f"version {project.version}," not in version:
            note(
                f"{lean} is {version or 'of unknown version'}; the project is written for Lean {project.version}."
            )
            return None
        return cls(lake, version)

    @classmethod
    def require(cls, project: Project) -> "Lake":
        """Return the Lake to use.

        Raises:
            LeanUnavailable: there is none of the project's version.
        """
        reasons: list[str] = []
        found = cls.find(project, reasons.append)
        if found is None:
            reason = reasons[0] if reasons else "Neither lake nor lean was found on the PATH."
            raise LeanUnavailable(f"{reason} Install elan, the Lean version manager, and try again.")
        return found

    def prepare(self, show: ShowStep) -> None:
        """Nothing is missing."""

    def build(self, graph: Graph, folder: Path, show: ShowStep) -> Build:
        """Run ``lake build --wfail``; Lake keeps its own build folder and decides what changed."""
        root = graph.project.root
        command = [self._lake, "build", "--wfail"]
        output = []
        checked = []
        with (
            show("Checking proofs", len(graph.modules), "modules") as step,
            subprocess.Popen(
                command,
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            for line in process.stdout or ():
                output.append(line.rstrip("\n"))
                if match := _JOB.match(line):
                    step.last = match["what"].split()[-1]
                    step.reach(len(graph.modules) * int(match["done"]) / int(match["total"]))
                    checked += [word for word in match["what"].split() if word in graph.modules]
        findings = parse_lake(output)
        if process.returncode != 0 and not findings:
            raise LeanUnavailable(f"lake build failed: {' '.join(' '.join(output).split())[-400:]}")
        return Build(
            root / _BUILD / "lib" / "lean", tuple(sorted(set(findings))), tuple(dict.fromkeys(checked)), ()
        )

    def elaborate(self, graph: Graph, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file, with ``lake env lean``."""
        run = subprocess.run(
            [self._lake, "env", "lean", "--json", str(file)],
            cwd=graph.project.root,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        messages = list(parse_messages(run.stdout.splitlines()))
        if run.returncode != 0 and not any(message.severity == "error" for message in messages):
            raise LeanUnavailable(
                f"lake env lean failed: {' '.join((run.stdout + run.stderr).split())[-400:]}"
            )
        return messages

    def spawn(self, graph: Graph, executable: str) -> "subprocess.Popen[str]":
        """Build a native executable and start it."""
        root = graph.project.root
        run = subprocess.run(
            [self._lake, "build", executable],
            cwd=root,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if run.returncode != 0:
            raise LeanUnavailable(
                f"lake build {executable} failed: {' '.join((run.stdout + run.stderr).split())[-400:]}"
            )
        return subprocess.Popen(
            [root / _BUILD / "bin" / executable],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def parse_lake(output: list[str]) -> list[Finding]:
    """Return the errors and warnings about Lean files in the output of ``lake build``."""
    findings: list[Finding] = []
    inside = False
    for line in output:
        if match := _MESSAGE.match(line):
            text = f"{match['severity']}: {match['text']}"
            findings.append(
                Finding(match["file"].removeprefix("./"), int(match["line"]), int(match["column"]), text)
            )
            inside = True
        elif _NEXT.match(line):
            inside = False
        elif inside:
            last = findings.pop()
            findings.append(Finding(last.file, last.line, last.column, f"{last.message}\n{line}"))
    return findings
