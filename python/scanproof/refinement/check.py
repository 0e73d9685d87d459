"""Whether a function refines its reference.

Two questions are answered apart. Is it the same function? The recorded program of the function and the
reference run over finite fields, where nothing rounds (:mod:`scanproof.refinement.exact`). What did rounding
do to it? The reference runs in float64. With each value the reference computes a bound. The bound holds for
every evaluation of the same recurrence in the arithmetic of the function: any order of summation, any
association of the scan, and ``exp``, ``sigmoid`` and ``softplus`` to a stated number of ulps
(:mod:`scanproof.refinement.bounded`). An output outside the bound is not a stable evaluation of that
recurrence.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.foundation.call import Call
from scanproof.foundation.contract import reject_active_dropout
from scanproof.foundation.first_calls import settle_first_calls
from scanproof.foundation.seeds import check_seed
from scanproof.refinement.casts import casts_to_blame
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.compare import Comparison, compare
from scanproof.refinement.exact.answer import LEFT_OUT, ExactAnswer
from scanproof.refinement.exact.ask import ask
from scanproof.refinement.exact.smallest import smallest_difference
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.posing import Posing, posed
from scanproof.refinement.problem import Inputs, Problem, Reference, separated
from scanproof.refinement.report import Drawn, FailingCase, RefinementReport
from scanproof.refinement.rounding import Format, Rounding
from scanproof.refinement.runners import Spec
from scanproof.refinement.scan_fn import SelectiveScanFn
from scanproof.refinement.search import Cases, search
from scanproof.refinement.shrink import Shrinker
from scanproof.report.verdict import Verdict


def check_refinement(
    fn: Callable[..., Any],
    spec: Spec | MambaCheckpoint | Kernel | SelectiveScanFn,
    x: Tensor | Mapping[str, Any] | None = None,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    reference: Reference | None = None,
    log_window: int = 0,
    gradient_log_window: int | None = None,
    constant: Collection[str] = frozenset(),
    exact: bool = True,
    shrink: bool = True,
) -> RefinementReport:
    """Check that ``fn`` computes what a spec computes: exactly, apart from rounding, and in floats.

    Args:
        fn: function or module in eval mode. For a block, ``fn`` maps x (batch, T, inputDim) to y (batch, T,
            outputDim) and starts from the zero state. For a kernel, ``fn`` is called with every input by name
            and returns y, or (y, last state, ...) in the order of ``spec.outputs``, with None for an output
            that ``fn`` does not return.
        spec: the reference: the parameters of a block, exactly those of ``fn`` (low-precision parameters
            upcast); a kernel with its options, such as ``SsdScan(dt_softplus=True)``; or
            ``SelectiveScanFn()``.
        x: the input. For a block, a floating tensor in the precision that ``fn`` takes. For a kernel, tensors
            by name, of the shapes that ``spec.inputs`` names. The reference runs on the same numbers, upcast
            exactly, so the quantisation of the input hides nothing.
        cases: in place of ``x``, how many inputs to draw, or which inputs (:class:`Cases`).
        gradients: also compare gradients with the adjoint of the reference, within bounds of their own
            (:mod:`scanproof.refinement.adjoint`). Gradients are compared at ``x`` of a block, and at every
            floating input of a kernel except ``spec.marks``. Gradients of ``fn`` are vector-Jacobian products
            by autograd.
        cotangents: the cotangents by the names of outputs; an output that is left out has a cotangent of
            zero. Default: drawn from ``seed``, for every output that ``fn`` returns.
        seed: seed of the cases and of the cotangents.
        rounding: the arithmetic of ``fn``: a dtype, ``"tf32"``, ``"bf16-mixed"`` or a :class:`Rounding`.
            Default: for a block, the dtype of ``x``; for a kernel, the widest dtype among the tensors, at
            least float32. For an output in a coarser dtype, the bound allows one more rounding.
        reference: for a block, what computes the outputs of the reference: an object with ``run(spec, x) ->
            (y, state)``, such as the Lean oracle. Its outputs must agree with those of the Python twin.
            Default: the twin. Gradients are always compared with the gradients of the twin. With an
            ``Oracle``, for a block or a kernel, the exact answer compares outputs with the Lean definition
            itself, which runs over the same finite fields.
        log_window: for a kernel, the number of tokens over which ``fn`` adds logarithms of decays in place of
            multiplying decays: its chunk size, or 1 for a step that keeps a maximum in log space. 0: ``fn``
            multiplies decays.
        gradient_log_window: for a kernel, the number of tokens over which the backward pass of ``fn`` adds up
            the gradient at the logarithms: the whole length if the backward pass computes ``q dq - k dk`` and
            adds from the last token on. Default: ``log_window``. If ``fn`` refines with another value, the
            report of a REFUTED check names that value.
        constant: for a kernel, the names of inputs that must be the same for every example and token, such as
            the decays ``g`` of an ``fn`` for retention. Drawn inputs keep to this, and no gradients are
            compared at these inputs.
        exact: also answer whether ``fn`` is the function of the spec, without a tolerance, by running both
            over finite fields (:mod:`scanproof.refinement.exact`). Drawn cases are answered for the case that
            the report shows. False leaves this answer out and saves its time.
        shrink: look for the smallest failing case, with at most 400 more calls of ``fn``; of a difference
            that only the exact answer sees, with at most 32 smaller inputs.

    Returns:
        The report: REFINES with the greatest error/bound; REFUTED with the worst entry and the smallest
        failing case found; DIFFERENT if the bound holds, but ``fn`` is another function; EQUAL if ``fn`` is
        the function of the spec, and the bound admits zeros at half of the entries of an output or of a
        gradient; INCONCLUSIVE if the bound admits so much and nothing exact is known, if the reference or the
        bound is not finite, or if an overflow may explain what ``fn`` returned.

    Raises:
        InvalidArgument: the call is wrong, and nothing was checked.

    >>> import torch
    >>> from scanproof import DiagonalS4Spec, MinGru, check_refinement
    >>> spec = DiagonalS4Spec(inProj=[[1.0]], a=[0.0], outProj=[[1.0]], skip=[[1.0]])
    >>> check_refinement(lambda x: 2 * x, spec, torch.randn(1, 8, 1)).verdict.name
    'REFINES'
    >>> def gru(gate, candidate):
    ...     h, states = torch.zeros(2, 4), []
    ...     for z, c in zip(gate.sigmoid().unbind(1), candidate.unbind(1)):
    ...         h = (1 - z) * h + z * c
    ...         states.append(h)
    ...     return torch.stack(states, 1)
    >>> x = {"gate": torch.randn(2, 9, 4), "candidate": torch.randn(2, 9, 4)}
    >>> check_refinement(gru, MinGru(), x).verdict.name
    'REFINES'
    """
    call = Call(check_refinement, locals())
    if not callable(fn):
        raise InvalidArgument(f"check_refinement: fn is a {type(fn).__name__}; give a function or a module.")
    reject_active_dropout("check_refinement", fn)
    check_seed("check_refinement", seed)
    posing = posed(
        fn, spec, gradients, cotangents, rounding, reference, log_window, gradient_log_window, constant
    )
    settle_first_calls()
    if cases is not None:
        for name, value in {"x": x, "cotangents": cotangents}.items():
            if value is not None:
                raise InvalidArgument(f"check_refinement: {name} and cases are both given; give one of them.")
        return _search(posing, cases, exact, shrink, seed, call)
    problem, inputs = posing.prepare(x, seed)
    drawn = seed if gradients and cotangents is None else None
    return check_problem(problem, inputs, call.text(), exact=exact, shrink=shrink, seed=drawn)


def check_problem(
    problem: Problem, inputs: Inputs, call: str, *, exact: bool, shrink: bool, seed: int | None = None
) -> RefinementReport:
    """Compare a function with its reference, and shrink the inputs if it is refuted.

    Args:
        problem: the function and its reference.
        inputs: tensors by name.
        call: the call that repeats the check.
        exact: also answer whether the function is that of the reference.
        shrink: look for the smallest failing case.
        seed: the seed of the cotangents; None where nothing was drawn.
    """
    settle_first_calls()
    found = compare(problem, inputs, diagnose=True)
    return _report(problem, inputs, found, call, exact, shrink, seed)


def _search(
    posing: Posing, cases: int | Cases, exact: bool, shrink: bool, seed: int, call: Call
) -> RefinementReport:
    """Compare on drawn inputs, and shrink the first input that refutes ``fn``."""
    cases = cases if isinstance(cases, Cases) else Cases(count=cases)
    strategy = posing.strategy() if cases.inputs is None else cases.inputs
    found = search(strategy, posing.prepare, cases, seed)
    problem, inputs, compared = found.problem, found.inputs, found.comparison
    return _report(problem, inputs, compared, call.text(), exact, shrink, seed, found.drawn)


def _report(
    problem: Problem,
    inputs: Inputs,
    found: Comparison,
    call: str,
    exact: bool,
    shrink: bool,
    seed: int | None,
    drawn: Drawn | None = None,
) -> RefinementReport:
    answer = ask(problem, inputs, seed=seed or 0) if exact else LEFT_OUT
    verdict, reason = _together(found, answer)
    smallest = None
    if shrink and found.verdict is Verdict.REFUTED:
        smallest = _smallest(problem, inputs)
    elif shrink and verdict is Verdict.DIFFERENT:
        smallest = smallest_difference(problem, inputs, seed or 0)
    casts = casts_to_blame(problem, inputs) if found.verdict is Verdict.REFUTED else ()
    option = _option_missed(problem, inputs) if found.verdict is Verdict.REFUTED else ""
    first = next(iter(inputs.values()))
    return RefinementReport(
        verdict=verdict,
        reason=reason,
        exact=answer,
        spec=problem.spec,
        reference=problem.reference_at(inputs),
        shape=tuple(first.shape),
        dtype=str(first.dtype).removeprefix("torch."),
        device=str(first.device),
        rounding=problem.rounding,
        compared=found.compared if drawn is None else drawn.compared,
        drawn=drawn,
        gradients=_compared_gradients(problem, inputs, found),
        seed=seed,
        call=call,
        worst=found.worst,
        sharpness=found.sharpness,
        loosest=found.loosest,
        spread=found.spread,
        greatest=found.greatest,
        ratios=found.ratios,
        ulps=found.ulps,
        probable=found.probable,
        coarser=found.coarser,
        casts=casts,
        option=option,
        smallest=smallest,
        theorem=problem.theorem,
        bound_theorem=_bound_theorem(problem),
    )


def _together(found: Comparison, exact: ExactAnswer) -> tuple[Verdict, str]:
    """Return the verdict of both answers: another function is a finding even if rounding would hide it.

    The same function passes even if the bound is too wide to say anything: then nothing is known of rounding.
    """
    if exact.wrong and found.verdict is not Verdict.REFUTED:
        return Verdict.DIFFERENT, f"fn is another function than the spec: {exact.reason}"
    if exact.verdict is Verdict.EQUAL and found.verdict is Verdict.INCONCLUSIVE and found.vacuous:
        return Verdict.EQUAL, f"fn is the function of the spec; of rounding, nothing is known: {found.reason}"
    return found.verdict, found.reason


def _compared_gradients(problem: Problem, inputs: Inputs, found: Comparison) -> tuple[str, ...]:
    """Return the inputs at which gradients were compared; all wanted inputs if nothing could be compared."""
    wanted = problem.differentiated(inputs) if separated(inputs)[1] else ()
    return tuple(name for name in wanted if not found.greatest or f"d{name}" in found.greatest)


def _option_missed(problem: Problem, inputs: Inputs) -> str:
    """Return the option with which a refuted implementation refines; empty if there is none."""
    for option, other in problem.alternatives(inputs):
        try:
            if compare(other, inputs).verdict is Verdict.REFINES:
                return option
        except Exception:  # the implementation may raise only on some calls
            return ""
    return ""


def _smallest(problem: Problem, inputs: Inputs) -> FailingCase | None:
    last: Comparison | None = None

    def fails(candidate: Inputs) -> bool:
        nonlocal last
        if not problem.admits(candidate):
            return False
        try:
            found = compare(problem, candidate)
        except Exception:
            return False  # the function may reject a size; that is not the failure being shrunk
        if found.verdict is not Verdict.REFUTED:
            return False
        last = found
        return True

    shrinker = Shrinker(
        inputs,
        problem.input_axes,
        fails,
        problem.optional,
        grouped=problem.grouped,
        omissible=problem.omissible,
    )
    smallest = shrinker.run()
    if last is None:
        last = compare(problem, smallest)
    return FailingCase(inputs=smallest, deviation=last.worst, code=problem.code(smallest), runs=shrinker.runs)


def _bound_theorem(problem: Problem) -> str:
    in_order = problem.rounding.order == "sequential" and problem.bound_theorem == theorems.SCAN_ERROR
    return theorems.SEQUENTIAL_SCAN_ERROR if in_order else problem.bound_theorem
