"""The certificate of strict causality: no gradient from the future, none from another example.

For ``y = fn(x)``, strict causality is ``dy_t / dx_s = 0`` for all ``s > t``. One vector-Jacobian product
probes a cut ``tau``: the cotangent is random on the outputs ``t < tau`` and zero elsewhere, and the gradient
at every input ``s >= tau`` must be exactly zero. The cuts 1 … T - 1 together separate every pair
(``blockLowerTriangular_iff_cuts``). So in exact arithmetic, if a dependence at ``x`` has a gradient, at most
1/n of the cotangents with entries from n values miss it (``countP_certificate_same_length_le``). A causal
Jacobian passes with every cotangent (``MatrixCausal.passes``). This check does not see dependences without a
gradient (``detach``, ``round``, ``argmax``, top-k routing).

``certify`` reads the program of the function first (``scanproof.causality.reading``), and probes only what
the program leaves open. With ``cuts="all"`` it probes without reading. Then the probes, arguments, report
fields and summary lines are those of causal-certificate 0.1.0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.causality.gradients.coded import WINDOW
from scanproof.causality.gradients.probes import Probes
from scanproof.causality.gradients.side_by_side import screen
from scanproof.causality.reading.aimed import Aim
from scanproof.causality.reading.by_reading import by_reading
from scanproof.causality.reading.sizes import lengths_asked, sizes_asked
from scanproof.causality.reading.subject_read import ProgramChecker
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

Cuts = Literal["read", "all", "rand", "coded"]

FEW = 32
"""Number of exact cuts at a drawn input where coded cotangents flag more than one window."""


def certify(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    cuts: Cuts = "read",
    K: int = 8,
    cases: int | None = None,
    lengths: Iterable[int] | Literal["all"] | None = None,
    batch_sizes: Iterable[int] | None = None,
    batch_check: bool = True,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    threshold: float = 0.0,
    alignment: Alignment = SAME,
    documents: Tensor | None = None,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    memory_budget: int = MEMORY_BUDGET,
    reference: ProgramChecker | None = None,
    seed: int = 0,
    generator: torch.Generator | None = None,
) -> CausalCertificate:
    """Certify that no output of ``fn`` depends on a later input or on another example.

    Args:
        fn: function or module from a floating tensor to one tensor with the same number of positions along
            ``seq_dim`` (for other numbers pass ``alignment``) and of examples along ``batch_dim``; a module
            must be in eval mode. Reading runs ``fn`` twice at each size. Probes run ``fn`` once; once more in
            another precision if a gradient that should be zero is not; and once more on copies along
            ``batch_dim`` if an operation cannot take several cotangents at once.
        x: floating tensor on any device, by default of shape (batch, T, …) with T >= 2; with ``cuts="read"``
            also token ids. Choose T beyond the chunk size of the model, and not a multiple of it. To check
            several tensors with the same positions and examples, pass a tuple of positional or a mapping of
            keyword arguments.
        cuts: which cuts are probed.

            - ``"read"`` reads the program that PyTorch runs. What the program shows holds for every input of
              the shape and every value of the parameters, and nothing is probed. Where the program does not
              show causality, the cuts at which outputs may read too far are probed, and their futures are
              replaced. A program that cannot be read gets all cuts.
            - ``"all"``: all T - 1 cuts.
            - ``"coded"``: two products per 96 positions in float64 bound every pair (module ``coded``), and
              windows above the bound get exact cuts.
            - ``"rand"``: ``K`` random cuts with replacement, which miss a leak between two neighbours with
              probability (1 - 1/(T-1))^K (Lean theorem ``random_cuts_missed_next``).
        K: number of random cuts.
        cases: number of inputs to try in all; by default 4, and 1 with random cuts. Inputs after ``x`` are
            drawn from ``x`` (``scanproof.draw_input``) and checked with coded cotangents. If these flag more
            than one window, or if float64 is impossible, 32 random exact cuts decide instead.
        lengths: numbers of positions at which the program is read as well; by default several up to 2 T. A
            length that ``fn`` does not take is left out. ``()`` reads the length of ``x`` alone. ``"all"``
            asks ``torch.export`` for one program of every length, and reads that (seconds); where there is
            none, or it leaves causality open, the report says why, and the default lengths are read.
        batch_sizes: numbers of examples at which the program is read as well; by default 1, 2 and 5.
        batch_check: also probe every ordered pair of examples if there are at least two. With False, ``x``
            needs no batch axis and ``batch_dim`` has no effect.
        seq_dim: axis of positions in ``x`` and in the output.
        batch_dim: axis of examples in both; None for an input without a batch axis.
        threshold: a forbidden gradient entry of at most this share of the greatest entry of the same probe is
            TOLERATED. 0 accepts only exact zeros, and rounding on the evidence of two precisions
            (``scanproof.foundation.judgement``).
        alignment: which inputs each output may read, if that is not ``s <= t``: patches, strides, more
            outputs than inputs, shifted outputs (``scanproof.Alignment``).
        documents: for rows into which documents are packed, the number of the document of each position, (T,)
            or (rows, T), such as ``seq_idx``. Then each document counts as an example, and must read itself
            only (``scanproof.split_documents``). No other sizes are read.
        output: which of several outputs is checked: an index, a key, an attribute, or a callable from the
            result of ``fn`` to one tensor.
        kwargs: keyword arguments that ``fn`` receives unchanged, such as constants and masks.
        memory_budget: bytes for the cotangents of one backward pass, their gradients and the largest
            gradients on the way; at least one cotangent is pulled back at a time. The recorded forward pass
            is not counted.
        reference: an ``Oracle``, to check the program that was read by a checker in Lean as well, whose
            soundness is proved (``Listing.check_sound``). The report says whether Lean confirms the reading.
        seed: seed of the cuts, the cotangents and the drawn inputs.
        generator: source of the seed, as in causal-certificate; the call advances it.

    Returns:
        The report. ``verdict`` is one of five. CAUSAL: the program shows it, for every input at the sizes
        that the report lists; or every forbidden entry that was probed is exactly zero, or below the
        detection limit of coded cotangents, 1.5e-11 of the gradient nearby. CAUSAL_TO_ROUNDING. TOLERATED.
        LEAK: the report names the pair t <- s. INCONCLUSIVE: outputs or gradients hold NaN or infinity,
        outputs are zero throughout an example or have no gradient, a residue may be rounding, or the program
        reads a later input and no effect was found.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    Source: causal-certificate 0.1.0; per-cut gradients, arXiv:2505.22487; random cotangents, Freivalds 1977.
    The property is ``Runner.take_outputs_congr``; of a program that was read, ``Program.causal``.

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
    subject = Subject.of(
        "certify", fn, x, axes, alignment=alignment, output=output, kwargs=kwargs, token_ids=cuts == "read"
    )
    _check_options(cuts, K, threshold, memory_budget)
    sizes = lengths_asked(lengths), sizes_asked("batch_sizes", batch_sizes)
    arguments |= {"lengths": sizes[0], "batch_sizes": sizes[1]}
    default = 1 if cuts == "rand" else CASES
    request = Request(certify, arguments, default if cases is None else cases)
    all_draws = request.draws(subject)
    if documents is not None:
        if any(sizes):
            raise InvalidArgument(
                "certify: lengths= and batch_sizes= do not go with documents=, which fit one size."
            )
        sizes, subject = ((), ()), subject.by_document(documents)
        all_draws = tuple(replace(draw, subject=draw.subject.by_document(documents)) for draw in all_draws)
    certified = partial(_certify, K=K, threshold=threshold, memory_budget=memory_budget, seed=seed)

    def at_drawn(draw: Draw[Subject]) -> CausalCertificate:
        return certified(draw.subject, "few", call=request.at(draw.source, cuts="coded"))

    def probed(at: Subject, cuts: Cuts | Aim, call: str) -> CausalCertificate:
        given = certified(at, cuts, call=call)
        part = "" if cuts == "coded" else "coded cuts"

        def together(draws: Sequence[Draw[Subject]]) -> Mapping[int, tuple[Verdict, str]]:
            return screen(draws, seed, memory_budget) if given.batching.rows > 1 else {}

        draws = all_draws if at is subject else ()
        return try_cases(given, draws, at_drawn, lambda _: part, together)

    if cuts != "read":
        return probed(subject, cuts, request.text())
    return by_reading(
        subject,
        *sizes,
        all_draws,
        request,
        threshold,
        lambda at, aim, call: probed(at, aim or "all", call),
        reference,
    )


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
    cuts: Cuts | Literal["few"] | Aim,
    K: int,
    threshold: float,
    memory_budget: int,
    seed: int,
    call: str,
) -> CausalCertificate:
    """Certify at one input; ``"few"`` cuts are coded ones and a bounded number of exact ones.

    An aim gets the cuts and examples that it leaves open.
    """
    aim = cuts if isinstance(cuts, Aim) else None
    numbers = torch.Generator(device="cpu").manual_seed(seed)
    x, axes = subject.x, subject.axes
    examples = 1 if axes.batch is None else x.shape[axes.batch]
    probes = Probes(subject, numbers, memory_budget)
    possible = probes.order.cuts
    coded = probes.code() if cuts in ("coded", "few") else None
    probed = torch.tensor(coded.cuts, dtype=torch.long, device="cpu") if coded else possible
    if aim:
        probed = torch.tensor(aim.cuts(probes.order), dtype=torch.long, device="cpu")
    elif cuts == "rand":
        probed = _random_cuts(possible, K, numbers)
    elif cuts == "few" and len(probed) > WINDOW:
        probed = _random_cuts(probed, FEW, numbers)
    families: dict[AxisName, Rows] = {"seq": cut_rows(probed, probes.order)} if len(probed) else {}
    if examples > 1 and (aim is None or aim.open("examples")):
        families["batch"] = example_rows(examples)
    probes.probe(families)
    temporal = probes.judge_coded(coded, threshold) if coded else None
    batch = probes.judge("batch", threshold) if "batch" in families else None
    if aim:
        temporal = None if aim.open("positions") else aim.finding("positions")
        batch = batch or aim.finding("examples")
    return CausalCertificate(
        T=x.shape[axes.seq],
        possible_cuts=len(possible),
        exhaustive=cuts == "all" or aim is not None,
        coded=coded,
        temporal=temporal or probes.judge("seq", threshold),
        batch=batch,
        example_leaks=probes.example_leaks(),
        threshold=threshold,
        vjps=probes.vjps,
        batching=probes.batching,
        seed=seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call,
        documents=subject.documents,
    )


def _random_cuts(possible: Tensor, K: int, generator: torch.Generator) -> Tensor:
    return possible[torch.randint(len(possible), (K,), generator=generator, device="cpu")]
