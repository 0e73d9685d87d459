"""Check every proof of a project, and report the faults or what was proved."""

import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from scanproof.lean import catalogue as catalogues
from scanproof.lean.catalogue import Catalogue
from scanproof.lean.describe import describe
from scanproof.lean.find import find_toolchain
from scanproof.lean.findings import Finding
from scanproof.lean.modules import read_graph
from scanproof.lean.progress import ShowStep, silent
from scanproof.lean.project import Project
from scanproof.lean.store import cache_folder, forget_unused
from scanproof.lean.toolchain import Toolchain


@dataclass(frozen=True)
class ProofReport:
    """The result of a check of all proofs.

    Attributes:
        findings: the faults, in order of file and line; if there are none, everything was proved.
        skipped: modules that were not checked, because an imported module has faults.
        modules: number of modules of the library.
        checked: number of modules that Lean checked now; the other modules had not changed.
        catalogue: what was proved, or None if there are faults.
        toolchain: the name of the toolchain.
        seconds: duration of the check.
    """

    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]
    modules: int
    checked: int
    catalogue: Catalogue | None
    toolchain: str
    seconds: float

    def summary(self) -> str:
        """Return the result in a line or two."""
        took = f"{self.seconds:.1f} s"
        if self.catalogue is None:
            skipped = f", {len(self.skipped)} modules not checked" if self.skipped else ""
            faults = f"{len(self.findings)} fault{'s' if len(self.findings) > 1 else ''}"
            return (
                f"Not proved: {faults} in {self.modules} modules{skipped} ({self.toolchain}, {took}).\n"
                "Check again with: scanproof prove"
            )
        axioms = ", ".join(self.catalogue.axioms) or "none"
        theorems = len(self.catalogue.theorems)
        return (
            f"Proved: {theorems} theorems in {self.modules} modules, {self.checked} checked now "
            f"(Lean {self.catalogue.lean.partition(',')[0]}, {self.toolchain}, {took}).\n"
            f"Axioms: {axioms}, besides the axioms of lemmas from Lean's own library."
        )


def prove(project: Project, toolchain: Toolchain | None = None, show: ShowStep = silent) -> ProofReport:
    """Check the proofs that changed since the last check, and make the catalogue.

    Args:
        project: the project.
        toolchain: the Lean to use; default: the one found on this machine.
        show: shows the progress of long steps.

    Raises:
        LeanUnavailable: Lean cannot run on this machine.
    """
    began = time.perf_counter()
    toolchain = toolchain or find_toolchain(project)
    graph = read_graph(project)

    def report(
        findings: list[Finding],
        skipped: tuple[str, ...] = (),
        checked: int = 0,
        found: Catalogue | None = None,
    ) -> ProofReport:
        seconds = time.perf_counter() - began
        return ProofReport(
            tuple(findings), skipped, len(graph.modules), checked, found, toolchain.name, seconds
        )

    if faults := graph.faults():
        return report(faults)
    if known := catalogues.cached(graph, toolchain):
        return report([], found=known)
    toolchain.prepare(show)
    builds = cache_folder() / "builds"
    builds.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=builds, ignore_cleanup_errors=True) as folder,
        closing(toolchain),
    ):
        build = toolchain.build(graph, Path(folder), show)
        if build.findings:
            return report(list(build.findings), build.skipped, len(build.checked))
        with show("Making the catalogue", 0, ""):
            found, revealed = describe(graph, build, toolchain, Path(folder))
    if revealed:
        return report(revealed, checked=len(build.checked))
    catalogues.keep(found)
    forget_unused()
    return report([], checked=len(build.checked), found=found)
