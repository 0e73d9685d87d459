"""Whether an implementation refines its reference: whether rounding explains every difference between them.

The reference runs in float64 and carries along a bound on what any evaluation of the same recurrence may
return in the implementation's arithmetic: any order of summation, any association of the scan, ``exp`` and
its kin to a stated number of ulps (:mod:`scanproof.refinement.bounded`). An output beyond the bound is not an
evaluation of that recurrence, or not a stable one.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scanproof import theorems
from scanproof.causality.interface import reject_active_dropout
from scanproof.errors import InvalidArgument
from scanproof.first_calls import settle_first_calls
from scanproof.refinement.casts import casts_to_blame
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.compare import Comparison, compare
from scanproof.refinement.gradients import COTANGENTS, draw_cotangents
from scanproof.refinement.problem import (
    BlockProblem,
    Inputs,
    Problem,
    Reference,
    ScanProblem,
    checked_output,
    separated,
)
from scanproof.refinement.report import FailingCase, RefinementError, RefinementReport, Tried
from scanproof.refinement.rounding import Format, Rounding
from scanproof.refinement.runners import Spec
from scanproof.refinement.search import Cases, Prepare, search
from scanproof.refinement.shrink import Shrinker
from scanproof.report.verdict import Verdict
from scanproof.scans.selective import check_arguments

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def check_refinement(
    impl: Callable[[Tensor], Any],
    spec: Spec | MambaCheckpoint,
    x: Tensor | None = None,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    reference: Reference | None = None,
    shrink: bool = True,
) -> RefinementReport:
    """Check that ``impl`` computes the outputs of a spec's list runner, up to rounding.

    Args:
        impl: function or module in eval mode from x (batch, T, inputDim) to y (batch, T, outputDim), run from
            the zero state.
        spec: parameters of the reference, exactly those of ``impl`` (its low-precision ones upcast).
        x: input, floating, on any device, in the precision that ``impl`` takes; the reference runs on the
            same numbers upcast, so that quantising the input hides nothing.
        cases: in place of ``x``, how many inputs to draw, or which (:class:`Cases`).
        gradients: also compare the gradient at ``x``, a vector-Jacobian product by autograd, with the adjoint
            of the runner, within a bound of its own (:mod:`scanproof.refinement.adjoint`).
        cotangents: what to pull back, ``{"y": …}`` of the shape of the output; default: drawn from ``seed``.
        seed: seed of the cases and of the cotangents.
        rounding: what ``impl`` computes in, a dtype, ``"tf32"``, ``"bf16-mixed"`` or a :class:`Rounding`;
            default: the dtype of ``x``. A coarser output dtype is allowed for by one more rounding.
        reference: what computes the reference's values, an object with ``run(spec, x) -> (y, state)`` such as
            the Lean oracle, which then must agree with the Python twin; default: the twin.
        shrink: look for the smallest failing case, rerunning ``impl`` at most 400 times.

    Returns:
        The report: REFINES with the greatest error/bound; REFUTED with the worst (example, t, channel) and
        the smallest failing case found; INCONCLUSIVE where the reference or the bound is not finite, where an
        overflow may explain what ``impl`` returned, or where the bound admits zeros at half of the entries of
        an output or of a gradient.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    >>> import torch
    >>> from scanproof import DiagonalS4Spec, check_refinement
    >>> spec = DiagonalS4Spec(inProj=[[1.0]], a=[0.0], outProj=[[1.0]], skip=[[1.0]])
    >>> check_refinement(lambda x: 2 * x, spec, torch.randn(1, 8, 1)).verdict.name
    'REFINES'
    """
    _check_implementation("check_refinement", impl)
    spec = spec.spec() if isinstance(spec, MambaCheckpoint) else spec
    if not isinstance(spec, Spec):
        raise InvalidArgument(
            f"check_refinement: spec is a {type(spec).__name__}; give a spec of this package."
        )
    if reference is not None and (isinstance(reference, type) or not hasattr(reference, "run")):
        raise InvalidArgument(
            f"check_refinement: reference is {reference!r}; give an object with run(spec, x), such as the"
            " oracle of Oracle.start()."
        )

    def prepare(x: Any, seed: int) -> tuple[Problem, Inputs]:
        _check_input(x, spec)
        problem = BlockProblem(impl, spec, rounding_of(rounding, x.dtype), reference)
        like = {"y": x.new_empty((*x.shape[:2], spec.dims["outputDim"]))}
        return problem, {"x": x, **named_cotangents("check_refinement", gradients, cotangents, like, seed)}

    if cases is None:
        return check_problem(*prepare(x, seed), shrink, seed if gradients and cotangents is None else None)
    from scanproof.strategies import block_inputs

    reject_beside_cases("check_refinement", {"x": x, "cotangents": cotangents})
    return search_problems(prepare, cases, block_inputs(spec.dims["inputDim"]), shrink, seed)


def assert_refines(
    impl: Callable[[Tensor], Any],
    spec: Spec | MambaCheckpoint,
    x: Tensor | None = None,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    reference: Reference | None = None,
    shrink: bool = True,
) -> RefinementReport:
    """Run :func:`check_refinement`, and raise unless it REFINES.

    Raises:
        RefinementError: REFUTED or INCONCLUSIVE; an ``AssertionError`` with the summary, and the ``report``.
        InvalidArgument: the call is wrong.
    """
    __tracebackhide__ = True
    return assert_passed(
        check_refinement(
            impl,
            spec,
            x,
            cases=cases,
            gradients=gradients,
            cotangents=cotangents,
            seed=seed,
            rounding=rounding,
            reference=reference,
            shrink=shrink,
        )
    )


def check_scan_refinement(
    impl: Callable[..., Any],
    u: Tensor | None = None,
    delta: Tensor | None = None,
    A: Tensor | None = None,
    B: Tensor | None = None,
    C: Tensor | None = None,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    shrink: bool = True,
) -> RefinementReport:
    """Check that ``impl`` computes the selective scan of the selective Mamba runner, up to rounding.

    Args:
        impl: function with the signature of :func:`scanproof.scans.selective_scan`; called with every tensor
            by name (those that are None left out) and ``return_last_state=True``.
        u: inputs, (batch, channels, length).
        delta: step sizes before bias and softplus, (batch, channels, length).
        A: continuous-time decays, (channels, states).
        B: input projections, (batch, groups, states, length), or (batch, states, length) for one group;
            consecutive channels share a group.
        C: output projections, as B.
        D: skip weights, (channels,).
        z: gates, (batch, channels, length).
        delta_bias: added to ``delta``, (channels,).
        delta_softplus: apply softplus to the step sizes.
        cases: in place of all tensors, how many inputs to draw, or which (:class:`Cases`).
        gradients: also compare the gradients at every tensor given, vector-Jacobian products by autograd,
            with the adjoint of the runner, within bounds of their own.
        cotangents: what to pull back, by ``"y"`` and ``"last_state"``; one that is left out counts as zero,
            so that an implementation need not differentiate through its last state. Default: both, drawn
            from ``seed``.
        seed: seed of the cases and of the cotangents.
        rounding: what ``impl`` computes in, a dtype, ``"tf32"``, ``"bf16-mixed"`` or a :class:`Rounding`;
            default: the widest dtype among the tensors, at least float32. A coarser output dtype is allowed
            for by one more rounding.
        shrink: look for the smallest failing case, rerunning ``impl`` at most 400 times.

    Returns:
        The report, as :func:`check_refinement`; both y and the last state are compared.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.
    """
    _check_implementation("check_scan_refinement", impl)

    def prepare(given: Mapping[str, Any], seed: int) -> tuple[Problem, Inputs]:
        inputs = {name: x for name, x in given.items() if name != "delta_softplus" and x is not None}
        dtype = check_arguments(inputs)
        problem = ScanProblem(impl, bool(given.get("delta_softplus")), rounding_of(rounding, dtype))
        u, states = inputs["u"], inputs["A"].shape[1]
        like = {"y": u, "last_state": u.new_empty((*u.shape[:2], states), dtype=dtype)}
        drawn = named_cotangents("check_scan_refinement", gradients, cotangents, like, seed)
        return problem, {**inputs, **drawn}

    given = {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "z": z, "delta_bias": delta_bias}
    if cases is None:
        drawn = seed if gradients and cotangents is None else None
        return check_problem(*prepare({**given, "delta_softplus": delta_softplus}, seed), shrink, drawn)
    from scanproof.strategies import scan_inputs

    reject_beside_cases("check_scan_refinement", {**given, "cotangents": cotangents})
    return search_problems(prepare, cases, scan_inputs(), shrink, seed)


def assert_scan_refines(
    impl: Callable[..., Any],
    u: Tensor | None = None,
    delta: Tensor | None = None,
    A: Tensor | None = None,
    B: Tensor | None = None,
    C: Tensor | None = None,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    shrink: bool = True,
) -> RefinementReport:
    """Run :func:`check_scan_refinement`, and raise unless it REFINES; errors as :func:`assert_refines`."""
    __tracebackhide__ = True
    return assert_passed(
        check_scan_refinement(
            impl,
            u,
            delta,
            A,
            B,
            C,
            D,
            z,
            delta_bias,
            delta_softplus,
            cases=cases,
            gradients=gradients,
            cotangents=cotangents,
            seed=seed,
            rounding=rounding,
            shrink=shrink,
        )
    )


def named_cotangents(
    check: str, gradients: bool, given: Mapping[str, Tensor] | None, like: Mapping[str, Tensor], seed: int
) -> dict[str, Tensor]:
    """Return the cotangents, drawn unless they are given, by the names that they have among inputs.

    Raises:
        InvalidArgument: what is given has no name or not the shape of an output in ``like``.
    """
    if given is not None:
        if not given or not set(given) <= set(like):
            raise InvalidArgument(
                f"{check}: cotangents has {sorted(given)}; give a tensor for one or more of {sorted(like)}."
            )
        for name, tensor in given.items():
            checked_output(f"{check}: the cotangent of {name}", tensor, tuple(like[name].shape))
    elif not gradients:
        return {}
    cotangents = draw_cotangents(like, seed) if given is None else given
    return {name: cotangents[output] for name, output in COTANGENTS.items() if output in cotangents}


def check_problem(
    problem: Problem, inputs: Inputs, shrink: bool, seed: int | None = None
) -> RefinementReport:
    """Compare an implementation with its reference, and shrink the inputs if it is refuted."""
    settle_first_calls()
    return _report(problem, inputs, compare(problem, inputs, diagnose=True), shrink, seed)


def search_problems(
    prepare: Prepare, cases: int | Cases, strategy: "SearchStrategy[Any]", shrink: bool, seed: int
) -> RefinementReport:
    """Compare on inputs that ``cases`` or else a strategy draws, and shrink the first that refutes."""
    settle_first_calls()
    cases = cases if isinstance(cases, Cases) else Cases(count=cases)
    found = search(strategy if cases.inputs is None else cases.inputs, prepare, cases, seed)
    return _report(found.problem, found.inputs, found.comparison, shrink, seed, found.tried)


def _report(
    problem: Problem,
    inputs: Inputs,
    found: Comparison,
    shrink: bool,
    seed: int | None,
    tried: Tried | None = None,
) -> RefinementReport:
    smallest = _smallest(problem, inputs) if shrink and found.verdict is Verdict.REFUTED else None
    casts = casts_to_blame(problem, inputs) if found.verdict is Verdict.REFUTED else ()
    option = _option_missed(problem, inputs) if found.verdict is Verdict.REFUTED else ""
    first = next(iter(inputs.values()))
    return RefinementReport(
        verdict=found.verdict,
        reason=found.reason,
        model=problem.model,
        reference=problem.reference_name,
        shape=tuple(first.shape),
        dtype=str(first.dtype).removeprefix("torch."),
        device=str(first.device),
        rounding=problem.rounding,
        compared=found.compared if tried is None else tried.compared,
        tried=tried,
        gradients=_compared_gradients(problem, inputs, found),
        seed=seed,
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


def _compared_gradients(problem: Problem, inputs: Inputs, found: Comparison) -> tuple[str, ...]:
    """Return the inputs at which gradients were compared, or would have been if anything could be."""
    wanted = problem.differentiated(inputs) if separated(inputs)[1] else ()
    return tuple(name for name in wanted if not found.greatest or f"d{name}" in found.greatest)


def _option_missed(problem: Problem, inputs: Inputs) -> str:
    """Return the option with which an implementation that was refuted refines; empty if there is none."""
    for option, other in problem.alternatives(inputs):
        try:
            if compare(other, inputs).verdict is Verdict.REFINES:
                return option
        except Exception:  # whatever an implementation raises that is not the same twice
            return ""
    return ""


def _smallest(problem: Problem, inputs: Inputs) -> FailingCase | None:
    last: Comparison | None = None

    def fails(candidate: Inputs) -> bool:
        nonlocal last
        try:
            found = compare(problem, candidate)
        except Exception:
            return False  # an implementation may refuse a size; that is another fault than the one found
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


def assert_passed(report: RefinementReport) -> RefinementReport:
    """Raise unless a report passed.

    Raises:
        RefinementError: it did not.
    """
    __tracebackhide__ = True
    if not report.verdict.passed:
        raise RefinementError(report)
    return report


def rounding_of(given: Format | Rounding | None, default: torch.dtype) -> Rounding:
    """Return what is assumed of an implementation's arithmetic."""
    if isinstance(given, Rounding):
        if given.confidence is not None:
            raise InvalidArgument("rounding has a confidence, which is for diagnostics; give one without.")
        return given
    return Rounding.of(default if given is None else given)


def _check_input(x: Any, spec: Spec) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        what = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise InvalidArgument(f"check_refinement: x is {what}; give a real floating tensor.")
    wanted = spec.dims["inputDim"]
    if x.ndim != 3 or x.shape[2] != wanted or 0 in x.shape:
        raise InvalidArgument(
            f"check_refinement: x has shape {tuple(x.shape)}; give (batch, T, inputDim = {wanted}), none 0."
        )


def reject_beside_cases(check: str, given: Mapping[str, Any]) -> None:
    """Raise if an input is given where cases are drawn.

    Raises:
        InvalidArgument: one is.
    """
    for name, value in given.items():
        if value is not None:
            raise InvalidArgument(f"{check}: {name} and cases are both given; give one of them.")


def _check_implementation(check: str, impl: Any) -> None:
    if not callable(impl):
        raise InvalidArgument(f"{check}: impl is a {type(impl).__name__}; give a function or a module.")
    reject_active_dropout(check, impl)
