"""The command ``scanproof demo``."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from torch import Tensor

from scanproof.adapters.transformers import mamba_mixer_checkpoint, random_mamba_mixer
from scanproof.causality.gradients.certificate import certify
from scanproof.causality.outputs.prefix import check_prefix
from scanproof.demo.block import Scan, mamba_block
from scanproof.demo.faults import (
    CHUNK_SIZE,
    scan_reading_one_token_late,
    scan_with_chunk_state_from_the_wrong_side,
)
from scanproof.demo.runner import Runner
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.find import find_toolchain
from scanproof.lean.progress import ShowStep, together
from scanproof.lean.project import Project
from scanproof.lean.prove import ProofReport, prove
from scanproof.lean.toolchain import Toolchain
from scanproof.refinement.check import check_refinement
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.oracle import Oracle
from scanproof.report.console import output
from scanproof.report.row import Row
from scanproof.report.table import table, verdict_text
from scanproof.report.verdict import Verdict
from scanproof.scans import selective_scan, selective_scan_associative, selective_scan_chunked

if TYPE_CHECKING:
    from transformers.models.mamba.modeling_mamba import MambaMixer

SEED = 0
SHAPE = (2, 37, 8)
"""(batch, T, channels): T is beyond the chunk size, and not a multiple of it."""

Block = Callable[[Tensor], Tensor]
Subject = tuple[str, Block, dict[str, Verdict]]
"""What is audited: a name, the implementation, and every expected verdict that is not a pass."""

_SCANS: dict[str, Scan] = {
    "sequential scan": selective_scan,
    "chunked scan": partial(selective_scan_chunked, chunk_size=CHUNK_SIZE),
    "associative scan": selective_scan_associative,
}
_FAULTS: dict[str, tuple[Scan, dict[str, Verdict]]] = {
    "injected leak: chunk state from the wrong side": (
        scan_with_chunk_state_from_the_wrong_side,
        {"certificate": Verdict.LEAK, "prefix": Verdict.LEAK, "refinement": Verdict.REFUTED},
    ),
    "wrong scan: C of the previous token": (
        scan_reading_one_token_late,
        {"refinement": Verdict.REFUTED},
    ),
}


@dataclass
class Audits:
    """The results of the audits.

    Attributes:
        rows: the results of the checks, in order.
        surprises: a sentence for every result that was not expected.
        problem: why the Lean runner was not available; None if it was available.
    """

    rows: list[Row] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    problem: str | None = None

    def add(self, row: Row, expected: dict[str, Verdict]) -> None:
        """Keep a result, and a surprise if its verdict is not the expected one; the default is a pass."""
        self.rows.append(row)
        wanted = expected.get(row.check)
        if row.verdict is not wanted if wanted else not row.verdict.passed:
            self.surprises.append(f"{row.subject}, {row.check}: {row.verdict.name}; {row.evidence}")


def run_demo(as_json: bool = False, quiet: bool = False) -> bool:
    """Give the tour; return whether all proofs held, all audits passed and both faults were caught.

    The proofs are checked while the audits run. Audits without Lean come first, so the first verdict does not
    wait for Lean.

    Args:
        as_json: print one JSON document instead.
        quiet: print only the last sentence.

    Raises:
        LeanUnavailable: Lean cannot be installed or run. The audits without Lean were made and shown.
    """
    began = time.perf_counter()
    console = Console(quiet=True) if as_json or quiet else output()
    mixer = random_mamba_mixer(hidden_size=SHAPE[2], seed=SEED)
    project = Project.find()
    toolchain = find_toolchain(project, note=console.print)
    with _without_warnings_of_transformers():
        proofs, problem, audits = _beside(project, toolchain, mixer, console)
    problem = problem or audits.problem
    proved = proofs is not None and proofs.catalogue is not None
    for surprise in audits.surprises:
        console.print(f"Not as expected: {surprise}", markup=False)
    passed = proved and problem is None and not audits.surprises
    if passed:
        console.print("Every implementation passed, and both injected faults were caught.")
    console.print(f"Took {time.perf_counter() - began:.1f} s.")
    if as_json:
        checks = [asdict(row) | {"verdict": row.verdict.name} for row in audits.rows]
        said = {"command": "demo", "passed": passed, "proved": proved, "problem": problem}
        said |= {"checks": checks, "surprises": audits.surprises}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    if problem is not None:
        raise LeanUnavailable(problem)
    if quiet:
        print("passed" if passed else "not as expected" if proved else "not proved")
    return passed


@contextmanager
def _without_warnings_of_transformers() -> Iterator[None]:
    """Hide the warning of transformers, at the first call, that no CUDA kernel is installed."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _beside(
    project: Project, toolchain: Toolchain, mixer: "MambaMixer", console: Console
) -> tuple[ProofReport | None, str | None, Audits]:
    """Check the proofs in this thread, audit in another; return both, and why Lean was not available."""
    runner = Runner(project, toolchain)
    with together(console) as show, ThreadPoolExecutor(1, initializer=_one_thread) as pool:
        audits = pool.submit(_audit_all, mixer, runner, console, show)
        try:
            proofs = problem = None
            try:
                proofs = _prove(project, toolchain, runner, console, show)
            except LeanUnavailable as error:
                problem = str(error)
                runner.refuse(problem)
            return proofs, problem, audits.result()
        except BaseException:
            runner.end()
            raise


def _prove(
    project: Project, toolchain: Toolchain, runner: Runner, console: Console, show: ShowStep
) -> ProofReport:
    toolchain.prepare(show)
    runner.installed()
    proofs = prove(project, toolchain, show)
    runner.proved()
    for finding in proofs.findings:
        console.print(str(finding), markup=False)
    console.print(proofs.summary(), markup=False)
    return proofs


def _one_thread() -> None:
    torch.set_num_threads(1)  # on tensors this small, several threads would wait for each other


def _audit_all(mixer: "MambaMixer", runner: Runner, console: Console, show: ShowStep) -> Audits:
    checkpoint = mamba_mixer_checkpoint(mixer)
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(SEED))
    build = partial(mamba_block, checkpoint, dtype=x.dtype)
    subjects: list[Subject] = [
        *((f"scanproof {name}", build(scan), {}) for name, scan in _SCANS.items()),
        ("transformers MambaMixer", mixer, {}),
        *((name, build(scan), expected) for name, (scan, expected) in _FAULTS.items()),
    ]
    audits = Audits()

    def audit(title: str, checks: Callable[[str, Block], Iterator[Row]]) -> None:
        already = len(audits.rows)
        with show("Auditing", len(subjects), "implementations") as step:
            for subject, block, expected in subjects:
                step.start(subject)
                for row in checks(subject, block):
                    audits.add(row, expected)
                    console.print(verdict_text(row.verdict), f"{subject}, {row.check}", markup=False)
                step.finish(subject)
        console.print(table(audits.rows[already:], title=title))

    audit(f"Causality. Random weights and inputs, seed {SEED}, shape {SHAPE}, float32", partial(_causal, x))
    console.print("The theorems named here are proved only if the check of the proofs finds no fault.")
    try:
        with show("Starting the Lean runner", 0, ""):
            starting = runner.start()
        with starting as oracle:
            audit("Refinement of the Lean runner, on the same", partial(_refines, checkpoint, x, oracle))
    except LeanUnavailable as error:
        audits.problem = str(error)
    return audits


def _causal(x: Tensor, subject: str, block: Block) -> Iterator[Row]:
    yield from certify(block, x).rows(subject)
    yield from check_prefix(block, x).rows(subject)


def _refines(
    checkpoint: MambaCheckpoint, x: Tensor, oracle: Oracle, subject: str, block: Block
) -> Iterator[Row]:
    yield from check_refinement(block, checkpoint, x, reference=oracle).rows(subject)
