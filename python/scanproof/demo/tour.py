"""The command ``scanproof demo``."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
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
from scanproof.lean.find import find_toolchain
from scanproof.lean.progress import on_console
from scanproof.lean.project import Project
from scanproof.lean.prove import prove
from scanproof.refinement.check import check_refinement
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.oracle import Oracle
from scanproof.report.console import output
from scanproof.report.row import Row
from scanproof.report.table import table
from scanproof.report.verdict import Verdict
from scanproof.scans import selective_scan, selective_scan_associative, selective_scan_chunked

if TYPE_CHECKING:
    from transformers.models.mamba.modeling_mamba import MambaMixer

SEED = 0
SHAPE = (2, 37, 8)
"""(batch, T, channels): T is beyond the chunk size, and not a multiple of it."""

Block = Callable[[Tensor], Tensor]

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


def run_demo(as_json: bool = False, quiet: bool = False) -> bool:
    """Give the tour; return whether all proofs held, all audits passed and both faults were caught.

    Args:
        as_json: print one JSON document instead.
        quiet: print the last sentence alone.
    """
    began = time.perf_counter()
    console = Console(quiet=True) if as_json or quiet else output()
    mixer = random_mamba_mixer(hidden_size=SHAPE[2], seed=SEED)
    from transformers.utils import logging  # it says at the first call that no CUDA kernel is installed

    logging.set_verbosity_error()
    project = Project.find()
    toolchain = find_toolchain(project, note=console.print)

    console.rule("1. Lean checks every proof", align="left")
    proofs = prove(project, toolchain, on_console(console))
    for finding in proofs.findings:
        console.print(str(finding), markup=False)
    console.print(proofs.summary(), markup=False)
    if proofs.catalogue is None:
        return False

    console.rule("2. The Lean runner starts, as numeric oracle", align="left")
    started = time.perf_counter()
    with Oracle.start(show=on_console(console)) as oracle:
        console.print(f"Ready after {time.perf_counter() - started:.1f} s ({toolchain.name}).")

        console.rule("3. PyTorch implementations are audited against it", align="left")
        rows, surprises = _audit_all(mixer, oracle, console)
    console.print(table(rows, title=f"Random weights and inputs, seed {SEED}, shape {SHAPE}, float32"))
    for surprise in surprises:
        console.print(f"Not as expected: {surprise}", markup=False)
    if not surprises:
        console.print("Every implementation passed, and both injected faults were caught.")
    console.print(f"Took {time.perf_counter() - began:.1f} s.")
    if as_json:
        checks = [asdict(row) | {"verdict": row.verdict.name} for row in rows]
        said = {"command": "demo", "passed": not surprises, "checks": checks, "surprises": surprises}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    elif quiet:
        print("not as expected" if surprises else "passed")
    return not surprises


def _audit_all(mixer: "MambaMixer", oracle: Oracle, console: Console) -> tuple[list[Row], list[str]]:
    checkpoint = mamba_mixer_checkpoint(mixer)
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(SEED))
    build = partial(mamba_block, checkpoint, dtype=x.dtype)
    subjects: list[tuple[str, Block, dict[str, Verdict]]] = [
        *((f"scanproof {name}", build(scan), {}) for name, scan in _SCANS.items()),
        ("transformers MambaMixer", mixer, {}),
        *((name, build(scan), expected) for name, (scan, expected) in _FAULTS.items()),
    ]
    rows, surprises = [], []
    with on_console(console)("Auditing", len(subjects), "implementations") as step:
        for subject, block, expected in subjects:
            step.start(subject)
            for row in _audit(subject, block, checkpoint, x, oracle):
                rows.append(row)
                wanted = expected.get(row.check)
                if row.verdict is not wanted if wanted else not row.verdict.passed:
                    surprises.append(f"{row.subject}, {row.check}: {row.verdict.name}; {row.evidence}")
            step.finish(subject)
    return rows, surprises


def _audit(
    subject: str, block: Block, checkpoint: MambaCheckpoint, x: Tensor, oracle: Oracle
) -> Iterator[Row]:
    yield from certify(block, x).rows(subject)
    yield from check_prefix(block, x).rows(subject)
    yield from check_refinement(block, checkpoint, x, reference=oracle).rows(subject)
