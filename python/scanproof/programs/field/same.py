"""Whether two functions compute the same, without a tolerance."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.call import Call
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.seeds import check_seed
from scanproof.programs.compare import compared
from scanproof.programs.field.decide import Both, Decision, decide
from scanproof.programs.field.draw import Parameters, Point
from scanproof.programs.field.interpret import FloatRun, run_floats, run_residues
from scanproof.programs.field.report import Entry, SameReport
from scanproof.programs.field.table import exponentiates
from scanproof.programs.program import Program
from scanproof.programs.record import record
from scanproof.programs.trees import leaves
from scanproof.programs.wide import differences, real_parts


def check_same(f: Callable[..., Any], g: Callable[..., Any], x: Any, *, seed: int = 0) -> SameReport:
    """Decide whether ``f`` and ``g`` are the same function, apart from rounding.

    Both are recorded at ``x``. The recorded programs then run over finite fields, with the same random
    residues for their inputs and parameters. Nothing rounds there, so a difference shows that the formulas
    differ, and functions that differ agree at all points only with the probability that the report states
    (Schwartz 1980, Zippel 1979).

    Args:
        f: a function or a module.
        g: another one, which takes the same input and returns tensors of the same shapes.
        x: the input: a tensor, a tuple of inputs, or a mapping of inputs by name. Floating-point tensors are
            replaced by residues; tensors of whole numbers and truth values stay as they are.
        seed: repeats the draws.

    Returns:
        The report. EQUAL: every entry is equal at every point. DIFFERENT: an entry differs, with the entries
        in floats; if a law of a function such as ``log`` could make it equal, it also differs in float64 by
        more than rounding explains. INCONCLUSIVE: the report names the operations that have no rule, or the
        functions whose laws would decide. Comparisons of floats decide as they do at ``x``. Constants are the
        exact numbers that floats hold, casts between floating dtypes change nothing, and infinities, NaN and
        overflow are not seen. EQUAL rests on the Lean theorem ``RationalExpr.countP_agree_draws_le``,
        DIFFERENT on ``Natural.eq_of_expression_eq``.

    Raises:
        InvalidArgument: the functions return other tensors than each other, or cannot be recorded.
        NothingEstablished: a function raised.

    >>> check_same(lambda x: (x + 1) ** 2, lambda x: x * x + 2 * x + 1, torch.randn(3)).verdict.name
    'EQUAL'
    """
    check_seed("check_same", seed)
    call = Call(check_same, locals())
    args, kwargs = _given(x)
    programs = record(f, *args, **kwargs), record(g, *args, **kwargs)
    _check_results(*programs)
    tensors = [tensor for _, tensor in leaves([*args, *kwargs.values()])]
    first = next((tensor for tensor in tensors if tensor.is_floating_point()), tensors[0])
    comparison = _Comparison(f, g, programs, [tensor.detach() for tensor in tensors], seed)
    reasons = [
        f"the recorded program of {name} is not the function: {executed.reason}"
        for name, fn, program in zip("fg", (f, g), programs, strict=True)
        if not (executed := compared(program, fn, args, kwargs)).same
    ]
    reasons += _wholes_apart(*programs)
    decision = Decision.left(reasons) if reasons else comparison.decided()
    return SameReport(
        verdict=decision.verdict,
        reason=decision.reason,
        primes=decision.fields,
        degree=decision.degree,
        probability=decision.probability,
        exponentials=any(exponentiates(node) for program in programs for node in program.used),
        opaque=tuple(sorted(decision.opaque)),
        undecided=decision.undecided,
        branches=tuple(dict.fromkeys(note for run in comparison.floats for note in run.noted)),
        worst=comparison.worst(decision.differing) if decision.differing else None,
        operations=(len(programs[0].used), len(programs[1].used)),
        parameters=len(comparison.parameters),
        seed=seed,
        dtype=dtype_name(first.dtype),
        device=str(first.device),
        call=call.text(),
    )


def _given(x: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(x, Mapping):
        args, kwargs = (), dict(x)
    else:
        args, kwargs = x if isinstance(x, tuple) else (x,), {}
    if not any(True for _ in leaves([*args, *kwargs.values()])):
        raise InvalidArgument("check_same: x holds no tensor; give a tensor, a tuple, or a mapping by name.")
    return args, kwargs


def _check_results(f: Program, g: Program) -> None:
    one, other = (
        {path or "result": tuple(tensor.shape) for path, tensor in program.results.items()}
        for program in (f, g)
    )
    if one != other or not one:
        raise InvalidArgument(
            f"check_same: f returns tensors of shapes {one}, g returns {other}; "
            "give functions that return tensors of the same shapes."
        )


def _wholes_apart(f: Program, g: Program) -> list[str]:
    """Return why results that are no floats leave the question open."""
    reasons = []
    for path, one in f.results.items():
        other = g.results[path]
        if one.is_complex() != other.is_complex():
            reasons.append("one function returns complex numbers where the other returns real ones")
        elif not (_inexact(one) and _inexact(other)) and not torch.equal(one, other):
            reasons.append("whole numbers or truth values of the results differ at x")
    return reasons


def _inexact(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


class _Comparison:
    """Two programs at one input."""

    def __init__(
        self, f: Any, g: Any, programs: tuple[Program, Program], inputs: list[Tensor], seed: int
    ) -> None:
        self._programs, self._inputs, self._seed = programs, inputs, seed
        self.parameters = Parameters(f, g)
        self.floats: list[FloatRun] = [run_floats(program, inputs) for program in programs]

    def decided(self) -> Decision:
        """Draw points until the verdict is clear."""
        return decide(self._at_point, self._confirmed)

    def _at_point(self, number: int) -> tuple[Both, int, int]:
        point = Point(self._seed, number, self.parameters)
        f, g = (
            run_residues(program, run, partial(point.drawn, at), point.primes)
            for at, (program, run) in enumerate(zip(self._programs, self.floats, strict=True))
        )
        shared = f.keys() & g.keys()
        both = {path: f[path] for path in f if path in shared}, {path: g[path] for path in shared}
        return both, point.primes.p, point.primes.q

    def _confirmed(self, suspected: Mapping[str, Tensor]) -> str:
        """Say how float64 shows that entries differ: by more than its rounding can be."""
        try:
            apart = differences(self._programs, self._inputs)
        except NothingEstablished:
            return ""
        sizes = [
            (float((difference * mask).max()), rounding)
            for (difference, rounding), mask in ((apart[path], mask) for path, mask in suspected.items())
        ]
        size, rounding = max(sizes, key=lambda each: each[0] / each[1] if each[1] else each[0])
        if size <= rounding:
            return ""
        return f"in float64 at x they differ by {size:.2g}, and rounding explains at most {rounding:.2g}"

    def worst(self, differing: Mapping[str, Tensor]) -> Entry:
        """Return the entry that differs most in floats."""
        count = sum(int(unequal.sum()) for unequal in differing.values())
        entries = []
        for path, unequal in differing.items():
            one, two = (real_parts(program.results)[path].cpu().double() for program in self._programs)
            sizes = (one - two).abs().nan_to_num(0.0).masked_fill(~unequal, -1.0)
            at = tuple(int(each) for each in torch.unravel_index(sizes.argmax(), sizes.shape))
            entry = Entry(path=path, index=at, count=count, f=float(one[at]), g=float(two[at]))
            entries.append((float(sizes[at]), entry))
        return max(entries, key=lambda each: each[0])[1]
