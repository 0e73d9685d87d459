"""The command ``scanproof bench ulps``: the error of PyTorch's functions in units in the last place."""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from math import frexp, isfinite
from typing import Any

import numpy as np
import torch
from rich import box
from rich.table import Table
from torch import Tensor

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.foundation.first_calls import settle_first_calls
from scanproof.named import dtype_named
from scanproof.refinement.arithmetic import SOFTPLUS_THRESHOLD
from scanproof.report.console import output

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
}
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
_DIGITS = 250
"""Precision of mpmath in bits."""


@dataclass(frozen=True)
class Accuracy:
    """The greatest error of one function that was found.

    Attributes:
        function: name of the function.
        dtype: dtype of argument and result.
        device: device that it ran on.
        ulps: greatest error in units in the last place of the exact result.
        at: argument of the greatest error.
        samples: number of arguments tried whose exact results are normal numbers of the dtype.
        exhaustive: whether the samples are all numbers of the dtype.
    """

    function: str
    dtype: str
    device: str
    ulps: float
    at: float
    samples: int
    exhaustive: bool


def measure(function: str, dtype: torch.dtype, *, device: str, samples: int, seed: int) -> Accuracy:
    """Compare one function with mpmath, at all numbers of a 16-bit dtype, or at drawn numbers."""
    mpmath: Any = import_module("mpmath")
    exhaustive = torch.finfo(dtype).bits == 16
    x = (_all_numbers(dtype) if exhaustive else _drawn(dtype, samples, seed)).to(device)
    if function in ("log", "log1p"):
        x = x[x > 0]
    settle_first_calls()
    y = FUNCTIONS[function](x)
    info, worst, at, compared = torch.finfo(dtype), 0.0, 0.0, 0
    with mpmath.workprec(_DIGITS):
        exact_function = _EXACT[function](mpmath)
        for argument, got in zip(x.double().tolist(), y.double().tolist(), strict=True):
            exact = exact_function(mpmath.mpf(argument))
            if not info.smallest_normal <= abs(exact) <= info.max:
                continue
            compared += 1
            spacing = info.eps * 2.0 ** (frexp(float(abs(exact)))[1] - 1)
            ulps = float(abs(mpmath.mpf(got) - exact) / spacing) if isfinite(got) else np.inf
            if ulps > worst:
                worst, at = ulps, argument
    return Accuracy(function, str(dtype).removeprefix("torch."), device, worst, at, compared, exhaustive)


def run_bench(
    *, as_json: bool, device: str, samples: int, seed: int, dtypes: Collection[str] | None = None
) -> None:
    """Measure all functions in these dtypes, by default in all of ``DTYPES``, and print.

    Raises:
        InvalidArgument: an option is out of range, or there is no such device or dtype.
        MissingDependency: mpmath is not installed.
    """
    if samples < 1:
        raise InvalidArgument(f"bench ulps: --samples must be at least 1, got {samples}.")
    if device != "cpu" and not (device == "cuda" and torch.cuda.is_available()):
        raise InvalidArgument(f"bench ulps: --device must be cpu, or cuda if there is one; got {device!r}.")
    if find_spec("mpmath") is None:
        raise MissingDependency("bench ulps compares with mpmath: pip install 'scanproof[bench]'.")
    chosen = [dtype_named("bench ulps", name) for name in dtypes] if dtypes else DTYPES
    found = [
        measure(function, dtype, device=device, samples=samples, seed=seed)
        for dtype in chosen
        for function in FUNCTIONS
    ]
    if as_json:
        print(json.dumps([asdict(accuracy) for accuracy in found], indent=2))
    else:
        output().print(_table(found, seed))


def _table(found: list[Accuracy], seed: int) -> Table:
    title = f"Greatest error in ulps, PyTorch {torch.__version__}, {found[0].device}, seed {seed}"
    table = Table(title=title, title_justify="left", box=box.ROUNDED)
    for column in ("Function", "dtype", "ulps", "at x", "Compared"):
        table.add_column(column, justify="right" if column in ("ulps", "at x", "Compared") else "left")
    for accuracy in found:
        number = f"{accuracy.samples}, {'all' if accuracy.exhaustive else 'drawn'}"
        table.add_row(accuracy.function, accuracy.dtype, f"{accuracy.ulps:.3f}", f"{accuracy.at:.6g}", number)
    return table


def _all_numbers(dtype: torch.dtype) -> Tensor:
    numbers = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(dtype)
    return numbers[numbers.isfinite()]


def _drawn(dtype: torch.dtype, samples: int, seed: int) -> Tensor:
    """Draw ordinary numbers, numbers over the whole range of exp, of many magnitudes, and around 20."""
    rng = np.random.default_rng(seed)
    fourth = -(-samples // 4)
    widest = float(np.log(torch.finfo(dtype).max))
    drawn = [
        rng.uniform(-4, 4, fourth),
        rng.uniform(-widest, widest, fourth),
        rng.choice([-1.0, 1.0], fourth) * np.exp(rng.uniform(-40, np.log(widest), fourth)),
        SOFTPLUS_THRESHOLD + rng.normal(size=fourth),
    ]
    return torch.from_numpy(np.concatenate(drawn)).to(dtype)


_EXACT: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "exp": lambda mp: mp.exp,
    "log": lambda mp: mp.log,
    "log1p": lambda mp: mp.log1p,
    "sigmoid": lambda mp: lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda mp: lambda x: x if x > SOFTPLUS_THRESHOLD else mp.log1p(mp.exp(x)),
    "silu": lambda mp: lambda x: x / (1 + mp.exp(-x)),
}
