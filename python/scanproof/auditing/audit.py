"""Every check that applies to one implementation, in one call and one report."""

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, cast

import torch
from torch import Tensor

from scanproof.auditing.report import AuditEntry, AuditReport
from scanproof.causality.alignment import SAME, Alignment
from scanproof.causality.batch import check_batch_independence
from scanproof.causality.certificate import Cuts, certify
from scanproof.causality.dense import leak_map
from scanproof.causality.evidence import dtype_name
from scanproof.causality.inputs import INPUTS
from scanproof.causality.interface import callable_name
from scanproof.causality.packing import Inputs
from scanproof.causality.perturbation import check_perturbation
from scanproof.causality.prefix import check_prefix
from scanproof.causality.seed import seed_of
from scanproof.causality.selection import Selector, select
from scanproof.errors import InvalidArgument
from scanproof.lean.errors import LeanUnavailable
from scanproof.refinement.check import check_refinement
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.oracle import OracleError
from scanproof.refinement.problem import Reference
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.runners import Spec
from scanproof.report.table import Row
from scanproof.report.verdict import Verdict, gravest
from scanproof.streaming.check import check_streaming
from scanproof.streaming.model import StreamingModel

MAPPED = 512
"""Positions up to which a leak is mapped: every output costs one vector-Jacobian product."""

CHECKS = ("certificate", "perturbation", "prefix", "batch", "refinement", "streaming")
"""What ``checks`` of an audit may name."""


def audit(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    spec: Spec | MambaCheckpoint | None = None,
    rounding: torch.dtype | Rounding | None = None,
    reference: Reference | None = None,
    name: str | None = None,
    checks: Iterable[str] = CHECKS,
    cuts: Cuts = "all",
    inputs: int = INPUTS,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    alignment: Alignment = SAME,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    vocab_size: int | None = None,
    generator: torch.Generator | None = None,
) -> AuditReport:
    """Run every check that applies to ``fn`` at ``x``.

    They are ``certify``, ``check_perturbation``, ``check_prefix``, ``check_batch_independence``, with a
    ``spec`` ``check_refinement``, and ``check_streaming`` where ``fn`` is a ``StreamingModel``. Where ``fn``
    raises in one of them, that one is INCONCLUSIVE. A leak that gradients see comes with its ``leak_map``.

    Args:
        fn: function or module in eval mode, as ``certify`` takes it.
        x: input, as ``certify`` takes it; or token ids, which leave out what needs gradients or floats.
        spec: parameters of the Lean runner that ``fn`` is to refine.
        rounding: as in ``check_refinement``.
        reference: as in ``check_refinement``.
        name: what to call ``fn`` in the report; by default its own name.
        checks: which checks to run, of ``"certificate"``, ``"perturbation"``, ``"prefix"``, ``"batch"``,
            ``"refinement"`` and ``"streaming"``.
        cuts: as in ``certify``.
        inputs: as in ``certify``, ``check_perturbation`` and ``check_prefix``.
        seq_dim: axis of positions.
        batch_dim: axis of examples; None for an input without one.
        alignment: which inputs each output may read.
        output: which of several outputs is looked at.
        kwargs: keyword arguments handed to ``fn`` as they are.
        vocab_size: token ids are drawn from 0 … vocab_size - 1; by default from those present in ``x``.
        generator: source of randomness; advanced by the call. Default: seed 0.

    Returns:
        The report, with an entry for each check.

    Raises:
        InvalidArgument: the call is wrong.
        LeanUnavailable: the oracle that ``reference`` names has died or was closed.
        OracleError: that oracle refused the request.

    Example:
        >>> import torch
        >>> from scanproof import audit
        >>> audit(lambda x: x.cumsum(1), torch.randn(2, 16, 3)).verdict.name
        'CAUSAL'
    """
    tensors = _tensors(x)
    first, single = tensors[0], isinstance(x, Tensor)
    seed = seed_of("audit", generator)
    subject = name or callable_name(fn)
    common: dict[str, Any] = {"output": output, "kwargs": kwargs}
    aligned: dict[str, Any] = {"seq_dim": seq_dim, "batch_dim": batch_dim, "alignment": alignment}
    placed = {**common, **aligned, "inputs": inputs}
    examples = 1 if batch_dim is None or batch_dim >= first.dim() else first.shape[batch_dim]
    chosen = _chosen(checks)
    lonely = None if examples > 1 else "x has no other example to read"
    ids = (
        None
        if first.is_floating_point()
        else "x holds token ids; check at their embeddings (adapters.embeddings.from_ids)"
    )

    unrefined = "no spec was given" if spec is None else None if single else "x is several tensors"

    def unless_asked(check: str) -> str | None:
        return None if check in chosen else "not asked for"

    def seeded() -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    def plain(x: Tensor) -> Any:
        return select("audit", fn(x, **(kwargs or {})), output)

    def refinement() -> Any:
        bare = output is None and not kwargs
        return check_refinement(
            fn if bare else plain, cast(Spec, spec), cast(Tensor, x), rounding=rounding, reference=reference
        )

    def unstreamed() -> str | None:
        if not single:
            return "x is several tensors"
        if not isinstance(fn, StreamingModel):
            return "fn has no initial_state(x) and step(x, state)"
        if output is not None or kwargs or (seq_dim, batch_dim, alignment) != (1, 0, SAME):
            return "kwargs, output, axes and alignment are not for it; call check_streaming on a wrapper"
        return "x has fewer than 4 positions" if first.dim() < 2 or first.shape[1] < 4 else None

    entries = [
        _entry(
            "VJP certificate",
            lambda: certify(fn, x, cuts=cuts, batch_check=not lonely, generator=seeded(), **placed),
            unless_asked("certificate") or ids,
        ),
        _entry(
            "future perturbation",
            lambda: check_perturbation(fn, x, vocab_size=vocab_size, generator=seeded(), **placed),
            unless_asked("perturbation"),
        ),
        _entry(
            "append-prefix",
            lambda: check_prefix(fn, x, vocab_size=vocab_size, generator=seeded(), **placed),
            unless_asked("prefix"),
        ),
        _entry(
            "batch independence",
            lambda: check_batch_independence(
                fn, x, vocab_size=vocab_size, batch_dim=cast(int, batch_dim), generator=seeded(), **common
            ),
            unless_asked("batch") or lonely,
        ),
        _entry("refinement", refinement, unless_asked("refinement") or unrefined),
    ]
    entries += _entries(
        "streaming",
        lambda: check_streaming(cast(StreamingModel, fn), cast(Tensor, x), generator=seeded()).rows,
        unless_asked("streaming") or unstreamed(),
    )
    return AuditReport(
        subject=subject,
        entries=tuple(entries),
        verdict=gravest(entry.verdict for entry in entries),
        shape=" and ".join(str(tuple(tensor.shape)) for tensor in tensors),
        dtype=dtype_name(first.dtype),
        device=str(first.device),
        seed=seed,
        versions=_versions(),
        leak_map=leak_map(fn, x, generator=seeded(), **common, **aligned) if _to_map(entries[0]) else None,
    )


def _chosen(checks: Iterable[str]) -> frozenset[str]:
    chosen = frozenset() if isinstance(checks, str) else frozenset(checks)
    if not chosen or not chosen <= set(CHECKS):
        raise InvalidArgument(f"audit: checks must be some of {', '.join(CHECKS)}, got {checks!r}.")
    return chosen


def _to_map(certificate: AuditEntry) -> bool:
    """Whether gradients leak across a cut at the given input, and a map of that is not too large."""
    report = certificate.report
    leaks = report is not None and report.temporal.verdict is Verdict.LEAK
    return leaks and len(report.inputs) == 1 and report.T <= MAPPED


def _entry(check: str, run: Callable[[], Any], obstacle: str | None) -> AuditEntry:
    (entry,) = _entries(check, lambda: (run(),), obstacle)
    return entry


def _entries(check: str, run: Callable[[], Sequence[Any]], obstacle: str | None) -> list[AuditEntry]:
    """Return an entry for each report that ``run`` returns, or one that says why there is none."""
    if obstacle:
        return [AuditEntry(check=check, verdict=Verdict.NOT_APPLICABLE, evidence=obstacle)]
    began = time.perf_counter()
    try:
        reports = run()
    except (InvalidArgument, LeanUnavailable, OracleError):  # of the call, not of fn
        raise
    except Exception as error:  # whatever fn raises in the runs that a check makes
        raised = f"fn raised {type(error).__name__}: {error}"
        seconds = time.perf_counter() - began
        return [AuditEntry(check=check, verdict=Verdict.INCONCLUSIVE, evidence=raised, seconds=seconds)]
    seconds = (time.perf_counter() - began) / len(reports)
    rows: list[tuple[Any, Row]] = [(report, report.row("")) for report in reports]
    return [
        AuditEntry(
            check=row.check,
            verdict=row.verdict,
            evidence=row.evidence,
            theorem=row.theorem,
            seconds=seconds,
            report=report,
        )
        for report, row in rows
    ]


def _tensors(x: Inputs) -> tuple[Tensor, ...]:
    parts = tuple(x.values()) if isinstance(x, Mapping) else tuple(x) if isinstance(x, list | tuple) else (x,)
    if not parts or not all(isinstance(part, Tensor) for part in parts):
        raise InvalidArgument(f"audit: x must be a tensor, or a tuple or mapping of some, got {x!r:.80}.")
    return cast(tuple[Tensor, ...], parts)


def _versions() -> dict[str, str]:
    return {
        "scanproof": version("scanproof"),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
