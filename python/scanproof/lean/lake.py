"""A native Lean of the project's version with Lake, as installed by elan."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import IO

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.messages import Message, parse_messages
from scanproof.lean.modules import Graph, read_graph
from scanproof.lean.progress import ShowStep
from scanproof.lean.project import Project
from scanproof.lean.toolchain import Build

_BUILD = Path(".lake/build")
_JOB = re.compile(r"\S+ \[(?P<done>\d+)/(?P<total>\d+)\] \S+ (?P<what>\S+)")
_MESSAGE = re.compile(
    r"(?P<severity>error|warning): (?P<file>\S+\.lean):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)"
)
_OTHER = re.compile(r"\S+ \[\d+/\d+\] |error: |warning: |info: |trace: |Some required |Build completed")


class Lake:
    """The toolchain that ``lake build`` uses."""

    name = "lake"

    def __init__(self, lake: str, version: str) -> None:
        self._lake = lake
        self.identity = f"lake {version}"

    @staticmethod
    def is_installed() -> bool:
        """Return whether a ``lake`` and a ``lean`` of any version are installed."""
        return bool(_which("lake") and _which("lean"))

    @classmethod
    def require(cls, project: Project) -> "Lake":
        """Return the Lake on the PATH, or that of elan, if its Lean has the version of the project.

        elan may download that version first.

        Raises:
            LeanUnavailable: no such Lake was found.
        """
        lake, lean = _which("lake"), _which("lean")
        remedy = f"install Lean {project.version} with elan."
        if lake is None or lean is None:
            raise LeanUnavailable(f"lake and lean are not on the PATH; {remedy}")
        version = _version(lean, project)
        if f"version {project.version}," not in version:
            raise LeanUnavailable(f"{lean} is '{version}', but the project needs {project.version}; {remedy}")
        return cls(lake, version)

    def prepare(self, show: ShowStep) -> None:
        """Do nothing: elan has installed everything."""

    def build(self, graph: Graph, folder: Path, show: ShowStep) -> Build:
        """Run ``lake build --wfail``; Lake keeps a build folder in the project and decides what changed."""
        root = graph.project.root
        output: list[str] = []
        checked: dict[str, None] = {}
        total = len(graph.modules)
        with (
            show("Checking proofs", total, "modules") as step,
            subprocess.Popen(
                [self._lake, "build", "--wfail"],
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
            ) as process,
        ):
            for line in process.stdout or ():
                output.append(line.rstrip("\n"))
                if (match := _JOB.match(line)) and (name := match["what"].partition(":")[0]) in graph.modules:
                    checked[name] = None
                    step.last = name
                    step.reach(total * int(match["done"]) / int(match["total"]))
        findings = parse_lake(output)
        if process.returncode != 0 and not findings:
            raise LeanUnavailable(f"lake build failed: {_tail(chr(10).join(output))}")
        if read_graph(graph.project) != graph:
            raise LeanUnavailable("The Lean files changed during the check; run the command again.")
        return Build(root / _BUILD / "lib" / "lean", tuple(sorted(set(findings))), tuple(checked), ())

    def elaborate(self, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file, with ``lake env lean``."""
        run = self._run(build.folder.parents[3], "env", "lean", "--json", str(file))
        messages = list(parse_messages(run.stdout))
        if run.returncode != 0 and not any(message.severity == "error" for message in messages):
            raise LeanUnavailable(f"lake env lean failed: {_tail(run.stdout + run.stderr)}")
        return messages

    def close(self) -> None:
        """Do nothing: no process is left running."""

    def spawn(
        self, graph: Graph, executable: str, errors: int | IO[str] = subprocess.DEVNULL
    ) -> "subprocess.Popen[str]":
        """Build a native executable and start it."""
        root = graph.project.root
        run = self._run(root, "build", executable)
        if run.returncode != 0:
            raise LeanUnavailable(f"lake build {executable} failed: {_tail(run.stdout + run.stderr)}")
        return subprocess.Popen(
            [root / _BUILD / "bin" / executable],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )

    def _run(self, root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self._lake, *arguments],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


def parse_lake(output: list[str]) -> list[Finding]:
    """Return the errors and warnings about Lean files in the output of ``lake build``."""
    findings: list[Finding] = []
    inside = False
    for line in output:
        if match := _MESSAGE.match(line):
            file, message = str(PurePosixPath(match["file"])), f"{match['severity']}: {match['text']}"
            findings.append(Finding(file, int(match["line"]), int(match["column"]), message))
            inside = True
        elif _OTHER.match(line):
            inside = False
        elif inside:
            last = findings.pop()
            findings.append(Finding(last.file, last.line, last.column, f"{last.message}\n{line}"))
    return findings


def _which(name: str) -> str | None:
    folders = [os.environ.get("PATH", os.defpath), str(Path.home() / ".elan" / "bin")]
    return shutil.which(name, path=os.pathsep.join(folders))


def _version(lean: str, project: Project) -> str:
    """Ask Lean for its version in the folder of the project; elan may download that Lean and report it."""
    failure = "no reason given"
    with subprocess.Popen(
        [lean, "--version"],
        cwd=project.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        for line in process.stderr or ():
            if line.startswith("error: "):
                failure = line.removeprefix("error: ").strip()
            elif line.startswith(("info: downloading", "info: installing")):
                sys.stderr.write(line)
        version = process.stdout.read().strip() if process.stdout else ""
    if process.returncode != 0:
        raise LeanUnavailable(f"{lean} could not provide Lean {project.version}: {failure}.")
    return version


def _tail(text: str) -> str:
    return " ".join(text.split())[-400:]
