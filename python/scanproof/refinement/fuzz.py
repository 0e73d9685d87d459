"""The command ``scanproof fuzz``: selective scans on inputs drawn until the budget is spent."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.named import dtype_named, object_named, running
from scanproof.refinement.check import check_refinement
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.scan_fn import SelectiveScanFn
from scanproof.refinement.search import Cases
from scanproof.refinement.strategies import scan_inputs, scan_shapes
from scanproof.report.console import output
from scanproof.report.record import document
from scanproof.report.table import table
from scanproof.scans import selective_scan, selective_scan_associative, selective_scan_chunked

CHUNKS = (1, 2, 3, 4, 7, 8, 16, 64)

OWN_SCANS: Mapping[str, Callable[..., Any]] = {
    "sequential scan": selective_scan,
    **{f"scan in chunks of {size}": partial(selective_scan_chunked, chunk_size=size) for size in CHUNKS},
    "associative scan": selective_scan_associative,
}


def run_fuzz(
    names: Iterable[str],
    *,
    cases: int,
    seconds: float | None,
    seed: int,
    dtype: str,
    max_groups: int | None,
    gradients: bool,
    as_json: bool,
    quiet: bool,
) -> tuple[list[RefinementReport], list[str]]:
    """Check scans on drawn inputs, and print what was found.

    Args:
        names: ``"package.module:name"`` of functions with the signature of ``scanproof.selective_scan``; none
            for the scans of this package.
        cases: inputs for each scan.
        seconds: time after which a scan gets no further input; None for no limit.
        seed: of the inputs.
        dtype: of the inputs.
        max_groups: most groups of channels, as of ``scan_shapes``; None: 2 for the scans of this package, 0
            for others.
        gradients: compare gradients, too.
        as_json: print JSON.
        quiet: print one line for each scan.

    Returns:
        The reports, and a sentence about each scan that raised.

    Raises:
        InvalidArgument: there is no such function, or an argument is wrong.
    """
    named = {name: object_named("fuzz", name) for name in names}
    scans = named or OWN_SCANS
    for name, scan in scans.items():
        _check(name, scan)
    groups = max_groups if max_groups is not None else 0 if named else 2
    inputs = scan_inputs(scan_shapes(max_groups=groups), dtype=dtype_named("fuzz", dtype))
    budget = Cases(cases, seconds, inputs, bar=not quiet)
    reports, problems = {}, []
    for name, scan in scans.items():
        try:
            with running("fuzz", name):
                reports[name] = check_refinement(
                    scan, SelectiveScanFn(), cases=budget, seed=seed, gradients=gradients
                )
        except NothingEstablished as error:
            problems.append(str(error))
    if as_json:
        print(json.dumps(document(reports.items()), indent=2))
    elif quiet:
        for name, report in reports.items():
            print(f"{name}: {report.verdict.name}")
    elif reports:
        console = output()
        rows = [row for name, report in reports.items() for row in report.rows(name)]
        console.print(table(rows, title=f"{dtype}, seed {seed}{', outputs and gradients' * gradients}"))
        for name, report in reports.items():
            if report.smallest is not None:
                console.print(
                    f"\nRepeats what refutes {name}, as fn:\n\n{report.smallest.code}", markup=False
                )
    return list(reports.values()), problems


def _check(name: str, scan: Any) -> None:
    if not callable(scan):
        raise InvalidArgument(f"fuzz: {name} must be a function, got {scan!r:.80}.")
    try:
        parameters = signature(scan)
    except ValueError:
        return  # written in C: what it takes shows in the first case
    try:
        parameters.bind(**dict.fromkeys(signature(selective_scan).parameters))
    except TypeError as error:
        raise InvalidArgument(
            f"fuzz: {name} {parameters} cannot be called as scanproof.selective_scan is: {error}."
        ) from None
