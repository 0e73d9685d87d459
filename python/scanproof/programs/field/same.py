"""Whether two functions compute the same, without a tolerance."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.call import Call
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.seeds import check_seed
from scanproof.programs.compare import compared
from scanproof.programs.field.draw import Parameters, Point
from scanproof.programs.field.interpret import FloatRun, run_floats, run_residues
from scanproof.programs.field.pair import Complex, Lost, Pair
from scanproof.programs.field.primes import BEYOND
from scanproof.programs.field.report import LISTED, Entry, SameReport
from scanproof.programs.field.residues import Side
from scanproof.programs.field.table import exponentiates
from scanproof.programs.program import Program
from scanproof.programs.record import record
from scanproof.programs.trees import leaves
from scanproof.programs.wide import differences, real_parts
from scanproof.report.verdict import Verdict

WRONG = Fraction(1, 10**15)
"""Points are drawn until EQUAL is wrong with at most this probability."""

MOST = 16
"""Points that are drawn at most; a degree that needs more is not decided."""


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
        overflow are not seen. No Lean theorem states this yet.

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
    for name, fn, program in zip("fg", (f, g), programs, strict=True):
        executed = compared(program, fn, args, kwargs)
        if not executed.same:
            comparison.leave(f"the recorded program of {name} is not the function: {executed.reason}")
    if not comparison.undecided:
        comparison.decide()
    return SameReport(
        verdict=comparison.verdict,
        reason=comparison.reason,
        primes=tuple(comparison.primes),
        degree=comparison.degree,
        probability=comparison.probability,
        exponentials=any(exponentiates(node) for program in programs for node in program.used),
        opaque=tuple(sorted(comparison.opaque)),
        undecided=tuple(comparison.undecided),
        branches=tuple(dict.fromkeys(note for run in comparison.floats for note in run.noted)),
        worst=comparison.worst,
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


class _Comparison:
    """Two programs, point after point."""

    def __init__(
        self, f: Any, g: Any, programs: tuple[Program, Program], inputs: list[Tensor], seed: int
    ) -> None:
        self._programs, self._inputs, self._seed = programs, inputs, seed
        self.parameters = Parameters(f, g)
        self.floats: list[FloatRun] = [run_floats(program, inputs) for program in programs]
        self.verdict, self._found = Verdict.INCONCLUSIVE, ""
        self.primes: list[int] = []
        self.degree: int | None = None
        self.probability: float | None = None
        self.opaque: set[str] = set()
        self.undecided: dict[str, None] = {}
        self.worst: Entry | None = None
        self._confirmed = ""

    @property
    def reason(self) -> str:
        """What led to the verdict."""
        return self._found or "; ".join([*self.undecided][:LISTED])

    def leave(self, why: str) -> None:
        """Note why the programs cannot be decided."""
        self.undecided[why] = None

    def decide(self) -> None:
        """Draw points until the verdict is clear."""
        wrong = Fraction(1)
        for number in range(MOST):
            point = Point(self._seed, number, self.parameters)
            outputs = [
                run_residues(program, run, partial(point.drawn, at), point.primes)
                for at, (program, run) in enumerate(zip(self._programs, self.floats, strict=True))
            ]
            self.primes.append(point.primes.p)
            if self._differ(*outputs) or self.undecided:
                break
            if Fraction(self.degree or 0, BEYOND) ** MOST >= WRONG:
                break
            wrong *= min(Fraction(self.degree or 0, point.primes.q), Fraction(1))
            if wrong < WRONG and number:
                self._equal(wrong)
                return
        if self.worst is not None:
            self.verdict = Verdict.DIFFERENT
            self._found = (
                f"entries differ at a random point of a field, where nothing rounds{self._confirmed}"
            )
        elif not self.undecided:
            self.leave(f"the degree is {self.degree}, too great for {MOST} points")

    def _equal(self, wrong: Fraction) -> None:
        self.verdict, self.probability = Verdict.EQUAL, float(wrong)
        least = min(self.primes)
        self._found = (
            f"equal at {len(self.primes)} random points of fields with at least {least} elements; functions "
            f"that differ there, by degree {self.degree}, agree at all points with probability at most "
            f"{wrong_text(wrong)}"
        )

    def _differ(self, f: dict[str, Pair | Complex], g: dict[str, Pair | Complex]) -> bool:
        """Compare the outputs at a point, and note the entries that differ."""
        found: list[tuple[str, Tensor, frozenset[str]]] = []
        degrees = [0]
        for path, result in self._programs[0].results.items():
            other = self._programs[1].results[path]
            if path not in f or path not in g:
                if not torch.equal(result, other):
                    self.leave("whole numbers or truth values of the results differ at x")
                continue
            ours, theirs = _parts(path, f[path]), _parts(path, g[path])
            if ours.keys() != theirs.keys():
                self.leave("one function returns complex numbers where the other returns real ones")
                continue
            for part, one, two in ((part, ours[part], theirs[part]) for part in ours):
                self.opaque |= one.opaque | two.opaque
                for side in (one.value, two.value):
                    if isinstance(side, Lost):
                        self.leave(side.why)
                if isinstance(one.value, Side) and isinstance(two.value, Side):
                    degrees.append(_degree(one.value, two.value))
                    unequal = _unequal(one.value, two.value)
                    if unequal.any():
                        found.append((part, unequal, one.opaque | two.opaque))
        self.degree = max(degrees)
        sure = [(path, unequal) for path, unequal, opaque in found if not opaque]
        if found and not sure:
            names = ", ".join(sorted(frozenset().union(*(opaque for _, _, opaque in found))))
            sure = self._seen_in_floats([(path, unequal) for path, unequal, _ in found], names)
            if not sure:
                self.leave(f"entries differ unless a law of {names} makes them equal")
        if sure:
            self.undecided.clear()
            self.worst = self._entry(sure)
        return bool(found)

    def _seen_in_floats(self, found: list[tuple[str, Tensor]], names: str) -> list[tuple[str, Tensor]]:
        """Return the entries that also differ in float64, by more than its rounding can be."""
        try:
            apart = differences(self._programs, self._inputs)
        except NothingEstablished as error:
            self.leave(str(error))
            return []
        seen, worst = [], (0.0, 0.0)
        for path, unequal in found:
            difference, rounding = apart[path]
            beyond = unequal & (difference > rounding)
            if beyond.any():
                seen.append((path, beyond))
                worst = max(worst, (float(difference[beyond].max()), rounding))
        if seen:
            self._confirmed = (
                f" but no law of {names} is used; in float64 at x they differ by {worst[0]:.2g}, "
                f"and rounding explains at most {worst[1]:.2g}"
            )
        return seen

    def _entry(self, found: list[tuple[str, Tensor]]) -> Entry:
        count = sum(int(unequal.sum()) for _, unequal in found)
        entries = []
        for path, unequal in found:
            one, two = (real_parts(program.results)[path].cpu().double() for program in self._programs)
            sizes = (one - two).abs().nan_to_num(0.0).masked_fill(~unequal, -1.0)
            at = tuple(int(each) for each in torch.unravel_index(sizes.argmax(), sizes.shape))
            entries.append(
                (
                    float(sizes[at]),
                    Entry(path=path, index=at, count=count, f=float(one[at]), g=float(two[at])),
                )
            )
        return max(entries, key=lambda entry: entry[0])[1]


def _parts(path: str, found: Pair | Complex) -> dict[str, Pair]:
    if isinstance(found, Complex):
        return {f"{path}.real": found.real, f"{path}.imag": found.imag}
    return {path: found}


def _degree(one: Side, other: Side) -> int:
    difference = one.degree.plus(other.degree)
    return difference.numerator + difference.behind


def _unequal(one: Side, other: Side) -> Tensor:
    unequal = one.values != other.values
    zero = torch.zeros((), dtype=torch.bool)
    gone, lost = (zero if side.gone is None else side.gone for side in (one, other))
    return (unequal & ~(gone & lost)) | (gone ^ lost)


def wrong_text(probability: Fraction) -> str:
    """Return a probability in two digits, rounded up."""
    if not probability:
        return "0"
    shown = f"{float(probability):.1e}"
    return shown if Fraction(shown) >= probability else f"{float(probability) * 1.1:.1e}"
