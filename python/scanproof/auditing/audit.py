"""Every check that applies to one implementation, in one call and one report."""

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, cast

import torch
from torch import Tensor

from scanproof.auditing.looked_at import looked_at
from scanproof.auditing.report import AuditedCheck, AuditReport
from scanproof.causality.diagnosis.map import leak_map
from scanproof.causality.gradients.certificate import Cuts, certify
from scanproof.causality.outputs.batch import check_batch
from scanproof.causality.outputs.perturbation import check_perturbation
from scanproof.causality.outputs.prefix import check_prefix
from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME, Alignment
from scanproof.foundation.call import Call
from scanproof.foundation.contract import callable_name
from scanproof.foundation.drawing import CASES
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.packing import Inputs
from scanproof.foundation.seeds import check_seed
from scanproof.foundation.selection import Selector, select
from scanproof.lean.errors import LeanUnavailable
from scanproof.refinement.check import check_refinement
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.oracle import Oracle, OracleError
from scanproof.refinement.problem import Reference
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.runners import Spec
from scanproof.refinement.scan_fn import SelectiveScanFn
from scanproof.report.row import Row
from scanproof.report.verdict import Verdict, gravest
from scanproof.streaming.check import check_streaming
from scanproof.streaming.model import StreamingModel
from scanproof.streaming.report import StreamingWay

MAPPED = 512
"""Greatest number of positions of a leak map: every output position costs one vector-Jacobian product."""

CHECKS = ("certificate", "perturbation", "prefix", "batch", "refinement", "streaming")
"""The names that the argument ``checks`` of an audit takes."""


def audit(
    fn: Callable[..., Any],
    x: Inputs | Mapping[str, Any],
    *,
    spec: Spec | MambaCheckpoint | Kernel | SelectiveScanFn | None = None,
    rounding: torch.dtype | Rounding | None = None,
    reference: Reference | None = None,
    name: str | None = None,
    checks: Iterable[str] = CHECKS,
    cuts: Cuts = "read",
    cases: int = CASES,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    alignment: Alignment = SAME,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    vocab_size: int | None = None,
    seed: int = 0,
) -> AuditReport:
    """Run every check that applies to ``fn`` at ``x``.

    The checks are ``certify``, ``check_perturbation``, ``check_prefix`` and ``check_batch``; with a ``spec``,
    also ``check_refinement``; if ``fn`` is a ``StreamingModel``, also ``check_streaming``. A check in which
    ``fn`` raises is INCONCLUSIVE. If gradients show a leak, the report has a ``leak_map``.

    Args:
        fn: function or module in eval mode, as ``certify`` takes it.
        x: input, as ``certify`` takes it; or token ids (batch, T); or, with a kernel as ``spec``, the inputs
            of the kernel by name. For token ids, the certificate is made at the output of the embedding of
            ``fn``, found by ``get_input_embeddings()`` or as its only ``nn.Embedding``.
        spec: the reference that ``fn`` should refine: a block, a kernel, or ``SelectiveScanFn()``.
        rounding: as in ``check_refinement``.
        reference: as in ``check_refinement``; an ``Oracle`` also checks the program that ``certify`` reads.
        name: the name of ``fn`` in the report; default: the name of the function or class.
        checks: the checks to run, some of ``"certificate"``, ``"perturbation"``, ``"prefix"``, ``"batch"``,
            ``"refinement"`` and ``"streaming"``.
        cuts: as in ``certify``.
        cases: as in ``certify``, ``check_perturbation`` and ``check_prefix``.
        seq_dim: axis of positions.
        batch_dim: axis of examples; None for an input without one.
        alignment: which inputs each output may read.
        output: which of several outputs is checked; default: ``logits`` or ``last_hidden_state``, if ``fn``
            returns one of these.
        kwargs: keyword arguments that are passed to ``fn`` unchanged.
        vocab_size: token ids are drawn from 0 … vocab_size - 1; default: from the ids in ``x``.
        seed: seed of every check.

    Returns:
        The report, with one part for each check.

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
    call = Call(audit, locals())
    tensors = _tensors(x)
    first, single = tensors[0], isinstance(x, Tensor)
    check_seed("audit", seed)
    subject = name or callable_name(fn)
    if isinstance(spec, SelectiveScanFn):
        seq_dim = -1
    seen = looked_at(fn, x, spec, output, kwargs, vocab_size)
    without_gradients = seen.differentiable if isinstance(seen.differentiable, str) else None
    differentiable = cast(tuple[Any, Inputs], seen.differentiable)
    common: dict[str, Any] = {"output": seen.output, "kwargs": kwargs}
    aligned: dict[str, Any] = {"seq_dim": seq_dim, "batch_dim": batch_dim, "alignment": alignment}
    placed = {**common, **aligned, "cases": cases}
    examples = 1 if batch_dim is None or batch_dim >= first.dim() else first.shape[batch_dim]
    chosen = _chosen(checks)
    lonely = None if examples > 1 else "x has only one example"
    blockwise = not isinstance(spec, Kernel | SelectiveScanFn)
    unrefined = "no spec is given" if spec is None else None
    if spec is not None and blockwise and not single:
        unrefined = "x is several tensors"

    def unless_asked(check: str) -> str | None:
        return None if check in chosen else "not asked for"

    def plain(x: Tensor) -> Any:
        return select("audit", fn(x, **(kwargs or {})), output)

    def refinement() -> Any:
        bare = not blockwise or (output is None and not kwargs)
        return check_refinement(
            fn if bare else plain, cast(Spec, spec), cast(Tensor, x), rounding=rounding, reference=reference
        )

    def unstreamed() -> str | None:
        if not single:
            return "x is several tensors"
        if not isinstance(fn, StreamingModel):
            return "fn has no initial_state(x) and step(x, state)"
        if output is not None or kwargs or (seq_dim, batch_dim, alignment) != (1, 0, SAME):
            return "it takes no kwargs, output, axes or alignment; call check_streaming on a wrapper"
        return "x has fewer than 4 positions" if first.dim() < 2 or first.shape[1] < 4 else None

    found = [
        _audited(
            "certificate",
            lambda: certify(
                *differentiable,
                cuts=cuts,
                batch_check=not lonely,
                reference=reference if isinstance(reference, Oracle) else None,
                seed=seed,
                **placed,
            ),
            unless_asked("certificate") or without_gradients,
        ),
        _audited(
            "perturbation",
            lambda: check_perturbation(seen.fn, seen.x, vocab_size=seen.vocab_size, seed=seed, **placed),
            unless_asked("perturbation"),
        ),
        _audited(
            "prefix",
            lambda: check_prefix(seen.fn, seen.x, vocab_size=seen.vocab_size, seed=seed, **placed),
            unless_asked("prefix"),
        ),
        _audited(
            "batch",
            lambda: check_batch(
                seen.fn,
                seen.x,
                vocab_size=seen.vocab_size,
                batch_dim=cast(int, batch_dim),
                seed=seed,
                **common,
            ),
            unless_asked("batch") or lonely,
        ),
        _audited("refinement", refinement, unless_asked("refinement") or unrefined),
    ]
    found += _audited_each(
        "streaming",
        lambda: check_streaming(cast(StreamingModel, fn), cast(Tensor, x), seed=seed).ways,
        unless_asked("streaming") or unstreamed(),
    )
    source, at = differentiable if not without_gradients else (fn, x)
    mapped = leak_map(source, at, seed=seed, **common, **aligned) if _to_map(found[0]) else None
    return AuditReport(
        subject=subject,
        checks=tuple(found),
        verdict=gravest(one.verdict for one in found),
        shape=" and ".join(str(tuple(tensor.shape)) for tensor in tensors),
        dtype=dtype_name(first.dtype),
        device=str(first.device),
        seed=seed,
        versions=_versions(),
        call=call.text(),
        leak_map=mapped,
    )


def _chosen(checks: Iterable[str]) -> frozenset[str]:
    chosen = frozenset() if isinstance(checks, str) else frozenset(checks)
    if not chosen or not chosen <= set(CHECKS):
        raise InvalidArgument(f"audit: checks must be some of {', '.join(CHECKS)}, got {checks!r}.")
    return chosen


def _to_map(certificate: AuditedCheck) -> bool:
    """Whether gradients leak across a cut at the given input, and the map would not be too large."""
    report = certificate.report
    leaks = report is not None and report.temporal.verdict is Verdict.LEAK
    return leaks and len(report.cases) == 1 and report.T <= MAPPED


def _audited(check: str, run: Callable[[], Any], obstacle: str | None) -> AuditedCheck:
    (one,) = _audited_each(check, lambda: (run(),), obstacle)
    return one


def _audited_each(check: str, run: Callable[[], Sequence[Any]], obstacle: str | None) -> list[AuditedCheck]:
    """Return an entry for each report that ``run`` returns, or one entry that says why there is no report."""
    if obstacle:
        return [AuditedCheck(check=check, verdict=Verdict.NOT_APPLICABLE, evidence=obstacle)]
    began = time.perf_counter()
    try:
        reports = run()
    except (InvalidArgument, LeanUnavailable, OracleError):  # errors of the call, not of fn
        raise
    except Exception as error:  # fn may raise anything in the runs of a check
        raised = f"fn raised {type(error).__name__}: {error}"
        seconds = time.perf_counter() - began
        return [AuditedCheck(check=check, verdict=Verdict.INCONCLUSIVE, evidence=raised, seconds=seconds)]
    seconds = (time.perf_counter() - began) / len(reports)
    rows = [(report, _row(report)) for report in reports]
    return [
        AuditedCheck(
            check=row.check,
            verdict=row.verdict,
            evidence=row.evidence,
            theorem=row.theorem,
            seconds=seconds,
            report=report,
        )
        for report, row in rows
    ]


def _row(report: Any) -> Row:
    row: Row = report.row() if isinstance(report, StreamingWay) else report.rows()[0]
    return row


def _tensors(x: Inputs) -> tuple[Tensor, ...]:
    parts = tuple(x) if isinstance(x, list | tuple) else (x,)
    if isinstance(x, Mapping):
        parts = tuple(part for part in x.values() if not isinstance(part, bool))
    if not parts or not all(isinstance(part, Tensor) for part in parts):
        raise InvalidArgument(f"audit: x must be a tensor, or a tuple or mapping of tensors, got {x!r:.80}.")
    return cast(tuple[Tensor, ...], parts)


def _versions() -> dict[str, str]:
    return {
        "scanproof": version("scanproof"),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
