"""The command ``scanproof audit``: everything that applies to what a factory of the user's makes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from scanproof.auditing.audit import audit
from scanproof.auditing.report import AuditReport
from scanproof.errors import InvalidArgument
from scanproof.named import dtype_named, object_named
from scanproof.report.table import table


def run_audit(
    factory: str,
    *,
    shape: str,
    dtype: str,
    vocab_size: int | None,
    seed: int,
    html: Path | None,
    as_json: bool,
    quiet: bool,
) -> AuditReport:
    """Make what ``factory`` names, audit it at a random input, and print what was found.

    Args:
        factory: ``"package.module:name"``, a callable without arguments that returns the function or module
            to check, or a mapping of arguments of ``scanproof.audit`` with ``"fn"`` among them.
        shape: shape of the input, ``"2,64,32"``.
        dtype: its dtype.
        vocab_size: draw token ids below it, instead of normal numbers.
        seed: seed of the input and of every check; also of torch, while the factory runs.
        html: write the report here, as a page.
        as_json: print JSON.
        quiet: print one line.

    Raises:
        InvalidArgument: there is no such factory, or an argument is wrong.
    """
    sizes = _sizes(shape)
    numbers = dtype_named("audit", dtype)
    torch.manual_seed(seed)
    arguments = _made_by(factory)
    arguments.setdefault("x", _input(sizes, numbers, vocab_size, seed))
    arguments.setdefault("name", factory)
    report = audit(vocab_size=vocab_size, generator=torch.Generator().manual_seed(seed), **arguments)
    if html:
        report.to_html(html)
    if as_json:
        print(report.to_json(), end="")
    elif quiet:
        print(f"{report.subject}: {report.verdict.name}")
    else:
        Console(highlight=False).print(table(report.rows(), title=f"Seed {seed}, input {report.shape}"))
    return report


def _made_by(factory: str) -> dict[str, Any]:
    found = object_named("audit", factory)
    if not callable(found):
        raise InvalidArgument(f"audit: {factory} must be a function without arguments, got {found!r:.80}.")
    made = found()
    if isinstance(made, Mapping):
        if "fn" not in made:
            raise InvalidArgument(f"audit: {factory} returned a mapping without 'fn', what is to be checked.")
        return dict(made)
    if not callable(made):
        raise InvalidArgument(
            f"audit: {factory} must return a function or module, or a mapping of arguments of "
            f"scanproof.audit, got {type(made).__name__}."
        )
    return {"fn": made}


def _sizes(shape: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in shape.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise InvalidArgument(f"audit: --shape must be whole numbers >= 1 as in 2,64,32, got {shape!r}.")
    return sizes


def _input(shape: tuple[int, ...], dtype: torch.dtype, vocab_size: int | None, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if vocab_size is not None:
        return torch.randint(vocab_size, shape, generator=generator)
    return torch.randn(shape, generator=generator).to(dtype)
