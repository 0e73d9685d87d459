"""The verdict on one run: whether every entry of the output is within its bound."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass, field, replace
from math import isfinite, nan
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanproof.refinement.bounded import Floats
from scanproof.refinement.gradients import COTANGENTS, NoGradientError
from scanproof.refinement.problem import Expected, Inputs, Problem, to_numpy
from scanproof.refinement.report import Deviation, Quantiles
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.shapes import axes_of
from scanproof.report.spread import Spread
from scanproof.report.verdict import Verdict


@dataclass(frozen=True)
class Comparison:
    """The outcome of one run of an implementation.

    Attributes:
        verdict: REFINES, REFUTED or INCONCLUSIVE.
        reason: why the verdict was given.
        compared: number of output entries.
        worst: the entry with the greatest error/bound. An entry that an overflow may explain comes last. If
            nothing could be compared, an entry whose reference or bound is not finite.
        sharpness: median over entries of bound / |expected|, for the output or gradient with the greatest
            median.
        loosest: the name of that output or gradient, or of all outputs and gradients together if their
            common median is greater.
        spread: error/bound over time, and over all entries; None if nothing could be compared.
        greatest: the greatest error/bound of each output and gradient.
        ratios: error/bound of all entries.
        ulps: errors in units in the last place.
        probable: greatest error relative to a probabilistic bound; None without ``diagnose``.
        coarser: dtypes of the outputs and gradients that are stored in a coarser dtype, with one more
            rounding.
        vacuous: whether the verdict is INCONCLUSIVE only because the bound is so wide.
    """

    verdict: Verdict
    reason: str
    compared: int
    worst: Deviation
    sharpness: float = nan
    loosest: str = ""
    spread: Spread | None = None
    greatest: Mapping[str, float] = field(default_factory=dict)
    ratios: Quantiles | None = None
    ulps: Quantiles | None = None
    probable: float | None = None
    coarser: Mapping[str, str] = field(default_factory=dict)
    vacuous: bool = False


CONFIDENCE = 4.0
"""lambda of the probabilistic bound: the bound of one sum fails with a probability of at most 2 exp(-8)."""


def compare(
    problem: Problem,
    inputs: Inputs,
    *,
    diagnose: bool = False,
    within: AbstractContextManager[Any] | None = None,
) -> Comparison:
    """Run implementation and reference on ``inputs`` and compare every entry of the output.

    With ``diagnose``, a second run of the reference computes the probabilistic bound. The implementation runs
    in the context ``within``.
    """
    with torch.no_grad(), within or nullcontext():
        outputs, inputs, missing = _run(problem, inputs)
    dtypes = {name: y.dtype for name, y in outputs.items()}
    expected = problem.expected(inputs, dtypes)
    compared = sum(y.numel() for y in outputs.values())
    got = {name: to_numpy(y) for name, y in outputs.items()}
    if unusable := _unusable(problem, got, expected):
        reason, worst = unusable
        return Comparison(Verdict.INCONCLUSIVE, reason, compared, worst)
    largest = min(problem.rounding.largest, *(torch.finfo(y.dtype).max for y in outputs.values()))
    with np.errstate(divide="ignore", over="ignore"):  # the bound may be so small that the ratio is infinite
        worst = _worst(problem, got, expected)
        if (
            not isfinite(worst.got) and expected.peak >= largest
        ):  # an entry that an overflow may explain must not hide a worse one
            finite = {name: np.where(np.isfinite(y), y, expected.value[name]) for name, y in got.items()}
            other = _worst(problem, finite, expected)
            worst = other if other.ratio > 1 else worst
        medians = _medians(expected, problem.rounding)
        loosest = max(medians, key=lambda name: medians[name])

        verdict, reason = _judge(worst, expected.peak, largest, medians)
        vacuous = verdict is Verdict.INCONCLUSIVE and worst.ratio <= 1
        if missing:
            refuted = verdict is Verdict.REFUTED
            reason = f"{reason}; besides, {missing}" if refuted else missing
            verdict, vacuous = verdict if refuted else Verdict.INCONCLUSIVE, False
        if expected.trouble:
            verdict, reason, vacuous = Verdict.INCONCLUSIVE, expected.trouble, False
        errors = {name: _errors(name, got, expected) for name in got}
        ratios = {name: _ratio(error, expected.bound[name]) for name, error in errors.items()}
        return Comparison(
            verdict,
            reason,
            compared,
            worst,
            medians[loosest],
            loosest,
            _spread(problem, ratios),
            {name: float(ratio.max()) for name, ratio in ratios.items()},
            _quantiles(ratios.values()),
            _quantiles(error / _ulp(expected.value[name], dtypes[name]) for name, error in errors.items()),
            _probable(problem, inputs, dtypes, errors) if diagnose else None,
            {
                name: str(dtype).removeprefix("torch.")
                for name, dtype in dtypes.items()
                if torch.finfo(dtype).eps / 2 > problem.rounding.unit_roundoff
            },
            vacuous,
        )


def _run(problem: Problem, inputs: Inputs) -> tuple[dict[str, Tensor], Inputs, str]:
    """Return outputs and gradients, the inputs without unused cotangents, and why gradients are missing."""
    try:
        return problem.outputs(inputs), inputs, ""
    except NoGradientError as missing:
        rest = {name: x for name, x in inputs.items() if COTANGENTS.get(name) not in missing.outputs}
        outputs, left, more = _run(problem, rest)
        return outputs, left, "; ".join(filter(None, (str(missing), more)))


def _probable(
    problem: Problem, inputs: Inputs, dtypes: Mapping[str, torch.dtype], errors: Mapping[str, Floats]
) -> float:
    """Return the greatest error relative to the probabilistic bound of its entry."""
    likely = copy(problem)
    likely.rounding = replace(problem.rounding, confidence=CONFIDENCE)
    bounds = likely.expected(inputs, dtypes).bound
    return max(float(_ratio(error, bounds[name]).max()) for name, error in errors.items())


_ALL = "everything compared"


def _medians(expected: Expected, rounding: Rounding) -> dict[str, float]:
    """Return the medians of bound / |expected|, of each output and gradient and of all together.

    Zeros whose bound is no more than underflow, such as the gradient of a decay that no state meets, do not
    make an output or gradient loose. If most of all entries are zero, nothing is established.
    """
    medians, relative = {}, []
    for name, bound in expected.bound.items():
        value = np.abs(expected.value[name])
        relative.append(_ratio(bound, value).ravel())
        negligible = (value == 0) & (bound * rounding.unit_roundoff <= rounding.underflow)
        medians[name] = float(np.median(np.where(negligible, 0.0, _ratio(bound, value))))
    return {**medians, _ALL: float(np.median(np.concatenate(relative)))}


def _ulp(value: Floats, dtype: torch.dtype) -> Floats:
    """Return the distance between numbers of a dtype at these values."""
    info = torch.finfo(dtype)
    _, exponent = np.frexp(np.maximum(np.abs(value), info.smallest_normal))
    spacing: Floats = np.ldexp(info.eps, exponent - 1)
    return spacing


def _quantiles(arrays: Iterable[Floats]) -> Quantiles:
    numbers = np.sort(np.concatenate([array.ravel() for array in arrays]))
    median, most, greatest = (float(numbers[int(q * (len(numbers) - 1))]) for q in (0.5, 0.99, 1.0))
    return Quantiles(median, most, greatest)


def _unusable(
    problem: Problem, got: Mapping[str, Floats], expected: Expected
) -> tuple[str, Deviation] | None:
    """Say why nothing can be compared, and name the first such entry; None if a comparison is possible."""
    for name, value in expected.value.items():
        if not np.isfinite(value).all():
            reason = f"the reference's {name} is not finite on this input; use a smaller or shorter input"
            return reason, _entry(problem, name, int(np.argmin(np.isfinite(value))), got, expected)
    for name, bound in expected.bound.items():
        if not np.isfinite(bound).all():
            reason = (
                f"the bound of {name} is infinite: unit roundoff {problem.rounding.unit_roundoff:.3g} is"
                " amplified without limit; use a smaller or shorter input, or state a finer rounding"
            )
            return reason, _entry(problem, name, int(np.argmin(np.isfinite(bound))), got, expected)
    return None


def _judge(
    worst: Deviation, peak: float, largest: float, medians: Mapping[str, float]
) -> tuple[Verdict, str]:
    if worst.ratio > 1 and isfinite(worst.got):
        return Verdict.REFUTED, "rounding cannot explain the worst entry"
    if worst.ratio > 1 and peak < largest:
        return (
            Verdict.REFUTED,
            f"the implementation returned {worst.got}, but no evaluation of this recurrence overflows"
            f" on this input: all intermediates stay below {peak:.3g}",
        )
    if worst.ratio > 1:
        return (
            Verdict.INCONCLUSIVE,
            f"the implementation returned {worst.got}, which an overflow may explain: intermediates may reach"
            f" {peak:.3g}; use a smaller or shorter input",
        )
    if vacuous := [name for name, sharpness in medians.items() if sharpness >= 1]:
        one_by_one = [name for name in vacuous if name != _ALL]
        return (
            Verdict.INCONCLUSIVE,
            f"the bound is so wide that zeros would pass at half or more of the entries of"
            f" {', '.join(one_by_one) or _ALL}; use another or a shorter input, or state a finer rounding",
        )
    return Verdict.REFINES, "no entry outside the bound, on this input"


def _worst(problem: Problem, got: Mapping[str, Floats], expected: Expected) -> Deviation:
    return max((_worst_of(problem, name, got, expected) for name in got), key=lambda entry: entry.ratio)


def _worst_of(problem: Problem, name: str, got: Mapping[str, Floats], expected: Expected) -> Deviation:
    ratio = _ratio(_errors(name, got, expected), expected.bound[name])
    return _entry(problem, name, int(np.argmax(ratio)), got, expected)


def _entry(
    problem: Problem, name: str, place: int, got: Mapping[str, Floats], expected: Expected
) -> Deviation:
    """Return the deviation of an entry, given by its flat index in an output or gradient."""
    value, bound = expected.value[name], expected.bound[name]
    with np.errstate(invalid="ignore"):
        error = _errors(name, got, expected)
    index = np.unravel_index(place, value.shape)
    axes = axes_of(value, problem.output_axes[name], problem.omissible)
    at = dict(zip(axes, map(int, index), strict=True))
    if name == "last_state":
        at["time"] = expected.value["y"].shape[problem.output_axes["y"].index("time")] - 1
    return Deviation(
        output=name,
        example=at.get("batch"),
        t=at.get("time"),
        channel=at.get("channel"),
        state=at.get("state"),
        head=at.get("head"),
        group=at.get("group"),
        got=float(got[name][index]),
        expected=float(value[index]),
        error=float(error[index]),
        bound=float(np.nan_to_num(bound[index], nan=np.inf, posinf=np.inf)),
    )


def _errors(name: str, got: Mapping[str, Floats], expected: Expected) -> Floats:
    """Return absolute differences; infinite where the implementation returned NaN or infinity."""
    difference = np.abs((got[name] - expected.value[name]) - expected.rest[name])
    error: Floats = np.nan_to_num(difference, nan=np.inf, posinf=np.inf)
    return error


def _ratio(error: Floats, bound: Floats) -> Floats:
    """Return error/bound; zero where the error is zero, for any bound."""
    ratio: Floats = np.where(error == 0, 0.0, error / np.where(error == 0, 1.0, bound))
    return ratio


def _spread(problem: Problem, ratios: Mapping[str, Floats]) -> Spread:
    time = problem.output_axes["y"].index("time")
    over_time = np.moveaxis(ratios["y"], time, 0).reshape(ratios["y"].shape[time], -1).max(axis=1)
    return Spread.of(over_time.tolist(), np.concatenate([each.ravel() for each in ratios.values()]).tolist())
