"""The certificate of strict causality: no gradient from the future, none from another example.

For ``y = fn(x)``, strict causality is ``dy_t / dx_s = 0`` for all ``s > t``. A cut ``tau`` is probed by one
vector-Jacobian product with a random cotangent on the outputs ``t < tau``; the gradient at every input ``s >=
tau`` must be exactly zero. All cuts 1 … T - 1 separate every pair (``blockLowerTriangular_iff_cuts``), so in
exact arithmetic a dependence at ``x`` that autograd can see is missed by at most 1/n of the cotangents with
entries from n values (``countP_certificate_same_length_le``), and a causal Jacobian passes with all of them
(``MatrixCausal.passes``). Dependences that have no gradient (``detach``,
``round``, ``argmax``, top-k routing) are outside what this check can see.

The probes are those of causal-certificate 0.1.0, whose arguments, report fields and summary lines work here.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.causality.gradients.coded import WINDOW
from scanproof.causality.gradients.probes import Probes
from scanproof.causality.gradients.side_by_side import screen
from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME, Alignment
from scanproof.foundation.contract import Axes, AxisName
from scanproof.foundation.drawing import CASES, Draw, try_cases
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.memory import MEMORY_BUDGET, check_memory_budget
from scanproof.foundation.packing import Inputs
from scanproof.foundation.request import Request
from scanproof.foundation.rows import Rows, cut_rows, example_rows
from scanproof.foundation.seeds import seed_of
from scanproof.foundation.selection import Selector
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict

Cuts = Literal["all", "rand", "coded"]

FEW = 32
"""Exact cuts at a drawn input where coded cotangents leave more than one window to them."""


def certify(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    cuts: Cuts = "all",
    K: int = 8,
    cases: int | None = None,
    batch_check: bool = True,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    threshold: float = 0.0,
    alignment: Alignment = SAME,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    memory_budget: int = MEMORY_BUDGET,
    seed: int = 0,
    generator: torch.Generator | None = None,
) -> CausalCertificate:
    """Certify at ``x`` that no output of ``fn`` depends on a later input or on another example.

    Args:
        fn: function or module from a floating tensor to one tensor with as many positions along ``seq_dim``
            (else say so by ``alignment``) and as many examples along ``batch_dim``; a module in eval mode.
            Called once; once more in another precision when a gradient that should be zero is not; and once
            more on copies along ``batch_dim`` where an operation cannot take several cotangents at once.
        x: floating tensor on any device, by default of shape (batch, T, …) with T >= 2. Choose T beyond the
            chunk size of the model, and not a multiple of it. Several tensors with the same positions and
            examples: a tuple for positional arguments, a mapping for keyword arguments.
        cuts: ``"all"`` T - 1 cuts; ``"coded"``: two products per 96 positions, in float64, that bound every
            pair (module ``coded`` beside this one), with the exact cuts of the windows where the bound is
            exceeded; or ``"rand"``: ``K`` random cuts, with replacement, which miss a leak between two
            neighbours with probability (1 - 1/(T-1))^K (Lean theorem ``random_cuts_missed_next``).
        K: number of random cuts.
        cases: number of inputs to try in all; by default 4, and 1 with random cuts. Inputs after ``x`` are
            drawn from ``x`` (``scanproof.draw_input``) and swept by coded cotangents. Where these flag more
            than one window, or float64 cannot be used, 32 random exact cuts settle what they flag.
        batch_check: also probe every ordered pair of examples, where there are at least two. With False,
            ``x`` needs no batch axis and ``batch_dim`` is not read.
        seq_dim: axis of positions in ``x`` and in the output.
        batch_dim: axis of examples in both; None for an input without one.
        threshold: a forbidden gradient entry of at most this share of the greatest entry of the same probe is
            TOLERATED. 0 accepts exact zeros, and rounding on the evidence of two precisions only
            (``scanproof.foundation.judgement``).
        alignment: which inputs each output may read, where that is not ``s <= t``: patches, strides, more
            outputs than inputs, shifted outputs (``scanproof.Alignment``).
        output: which of several outputs is looked at: an index, a key or attribute, or a callable that takes
            what ``fn`` returns to one tensor.
        kwargs: keyword arguments handed to ``fn`` as they are; constants and masks belong here.
        memory_budget: bytes that cotangents pulled back together, their gradients and the largest gradients
            on the way may take; at least one is pulled back at a time. The record of ``fn`` comes on top.
        seed: seed of the cuts, the cotangents and the drawn inputs.
        generator: where the seed comes from, as causal-certificate takes it; advanced by the call.

    Returns:
        The report. ``verdict`` is CAUSAL (every forbidden entry is exactly zero, or below the detection limit
        of coded cotangents, 1.5e-11 of the gradient nearby), CAUSAL_TO_ROUNDING, TOLERATED, LEAK (with the
        pair t <- s), or INCONCLUSIVE: outputs or gradients with NaN or infinity, outputs that are zero
        throughout an example or have no gradient, or a residue that cannot be told from rounding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    Source: causal-certificate 0.1.0; per-cut gradients, arXiv:2505.22487; random cotangents, Freivalds 1977.
    The property is ``Runner.take_outputs_congr``.

    Example:
        >>> import torch
        >>> from scanproof import certify
        >>> certify(lambda x: x.cumsum(1), torch.randn(2, 16, 3)).verdict.name
        'CAUSAL'
    """
    if generator is not None:
        seed, generator = seed_of("certify", generator), None
    arguments = locals()
    axes = Axes(seq_dim, batch_dim if batch_check else None)
    subject = Subject.of("certify", fn, x, axes, alignment=alignment, output=output, kwargs=kwargs)
    _check_options(cuts, K, threshold, memory_budget)
    default = 1 if cuts == "rand" else CASES
    request = Request(certify, arguments, default if cases is None else cases)

    def at_drawn(draw: Draw[Subject]) -> CausalCertificate:
        call = request.at(draw.source, cuts="coded")
        return _certify(draw.subject, "few", K, threshold, memory_budget, seed, call)

    def together(draws: Sequence[Draw[Subject]]) -> Mapping[int, tuple[Verdict, str]]:
        return screen(draws, seed, memory_budget) if given.batching.rows > 1 else {}

    given = _certify(subject, cuts, K, threshold, memory_budget, seed, request.text())
    part = "" if cuts == "coded" else "coded cuts"
    return try_cases(given, request.draws(subject), at_drawn, lambda _: part, together)


def _check_options(cuts: str, K: int, threshold: float, memory_budget: int) -> None:
    if cuts not in get_args(Cuts):
        raise InvalidArgument(
            f"certify: cuts must be one of {', '.join(map(repr, get_args(Cuts)))}, got {cuts!r}."
        )
    if cuts == "rand" and not (isinstance(K, int) and K >= 1):
        raise InvalidArgument(f"certify: K must be at least 1 random cut, got {K!r}.")
    if not (isinstance(threshold, int | float) and isfinite(threshold) and threshold >= 0):
        raise InvalidArgument(
            f"certify: threshold must be a finite number >= 0 (0 is exact), got {threshold!r}."
        )
    check_memory_budget("certify", memory_budget)


def _certify(
    subject: Subject,
    cuts: Cuts | Literal["few"],
    K: int,
    threshold: float,
    memory_budget: int,
    seed: int,
    call: str,
) -> CausalCertificate:
    """Certify at one input; ``"few"`` cuts are coded ones, settled by a bounded number of exact ones."""
    numbers = torch.Generator(device="cpu").manual_seed(seed)
    x, axes = subject.x, subject.axes
    examples = 1 if axes.batch is None else x.shape[axes.batch]
    probes = Probes(subject, numbers, memory_budget)
    possible = probes.order.cuts
    coded = probes.code() if cuts in ("coded", "few") else None
    probed = torch.tensor(coded.cuts, dtype=torch.long, device="cpu") if coded else possible
    if cuts == "rand":
        probed = _random_cuts(possible, K, numbers)
    elif cuts == "few" and len(probed) > WINDOW:
        probed = _random_cuts(probed, FEW, numbers)
    families: dict[AxisName, Rows] = {"seq": cut_rows(probed, probes.order)} if len(probed) else {}
    if examples > 1:
        families["batch"] = example_rows(examples)
    probes.probe(families)
    temporal = probes.judge_coded(coded, threshold) if coded else probes.judge("seq", threshold)
    batch = probes.judge("batch", threshold) if examples > 1 else None
    return CausalCertificate(
        T=x.shape[axes.seq],
        possible_cuts=len(possible),
        exhaustive=cuts == "all",
        coded=coded,
        temporal=temporal,
        batch=batch,
        example_leaks=probes.example_leaks(),
        threshold=threshold,
        vjps=probes.vjps,
        batching=probes.batching,
        seed=seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call,
    )


def _random_cuts(possible: Tensor, K: int, generator: torch.Generator) -> Tensor:
    return possible[torch.randint(len(possible), (K,), generator=generator, device="cpu")]
