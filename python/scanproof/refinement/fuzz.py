"""The command ``scanproof fuzz``: check functions on drawn inputs until the budget is spent."""

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from hypothesis.strategies import SearchStrategy

import scanproof
from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.named import dtype_named, object_named, running
from scanproof.refinement.check import check_refinement
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.scan_fn import SelectiveScanFn
from scanproof.refinement.search import Cases
from scanproof.refinement.strategies import kernel_inputs, scan_inputs, scan_shapes
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
    spec: str | None,
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
        names: ``"package.module:name"`` of functions; without names, the selective scans of this package.
        spec: the kernel to refine, such as ``"SsdScan(dt_softplus=True)"``; None for functions with the
            signature of ``scanproof.selective_scan``.
        cases: number of inputs for each function.
        seconds: time after which a function gets no further input; None for no limit.
        seed: seed of the inputs.
        dtype: dtype of the inputs.
        max_groups: greatest number of groups of channels, as in ``scan_shapes``. None: 2 for the scans of
            this package, 0 for other functions.
        gradients: compare gradients, too.
        as_json: print JSON.
        quiet: print one line for each scan.

    Returns:
        The reports, and a sentence about each scan that raised.

    Raises:
        InvalidArgument: a named function does not exist, or an argument is wrong.
    """
    named = {name: object_named("fuzz", name) for name in names}
    scans = named or OWN_SCANS
    kernel = None if spec is None else kernel_named(spec)
    if kernel is not None and not named:
        raise InvalidArgument("fuzz: --spec needs the names of functions to check.")
    inputs: SearchStrategy[Any]
    if kernel is None:
        for name, scan in scans.items():
            _check(name, scan)
        groups = max_groups if max_groups is not None else 0 if named else 2
        inputs = scan_inputs(scan_shapes(max_groups=groups), dtype=dtype_named("fuzz", dtype))
    else:
        inputs = kernel_inputs(kernel, dtype=dtype_named("fuzz", dtype))
    budget = Cases(cases, seconds, inputs, bar=not quiet)
    reports, problems = {}, []
    for name, scan in scans.items():
        try:
            with running("fuzz", name):
                reports[name] = check_refinement(
                    scan, kernel or SelectiveScanFn(), cases=budget, seed=seed, gradients=gradients
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
                    f"\nThis code repeats the failure of {name}; fn is {name}:\n\n{report.smallest.code}",
                    markup=False,
                )
    return list(reports.values()), problems


def kernel_named(text: str) -> Kernel:
    """Return the kernel that ``text`` describes, such as ``"SsdScan(dt_softplus=True)"``.

    Raises:
        InvalidArgument: the kernel does not exist, or does not have one of the options.
    """
    name, bracket, options = text.partition("(")
    kinds = {kind: getattr(scanproof, kind) for kind in scanproof.__all__}
    kernels = {
        kind: made for kind, made in kinds.items() if isinstance(made, type) and issubclass(made, Kernel)
    }
    kernels.pop("Kernel")
    if name.strip() not in kernels:
        known = ", ".join(sorted(kernels))
        raise InvalidArgument(
            f"fuzz: --spec is {text!r}; name one of {known}, with its options in parentheses."
        )
    try:
        call = ast.parse(f"f({options}" if bracket else "f()", mode="eval").body
        assert isinstance(call, ast.Call)
        given = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        kernel: Kernel = kernels[name.strip()](**given)
    except (SyntaxError, ValueError, TypeError, AssertionError) as error:
        raise InvalidArgument(f"fuzz: --spec is {text!r}, which is not a valid kernel: {error}.") from error
    return kernel


def _check(name: str, scan: Any) -> None:
    if not callable(scan):
        raise InvalidArgument(f"fuzz: {name} must be a function, got {scan!r:.80}.")
    try:
        parameters = signature(scan)
    except ValueError:
        return  # a function written in C has no signature; the first case shows whether the call works
    try:
        parameters.bind(**dict.fromkeys(signature(selective_scan).parameters))
    except TypeError as error:
        raise InvalidArgument(
            f"fuzz: {name} {parameters} cannot be called as scanproof.selective_scan is: {error}."
        ) from None
