"""Recurrences without a spec, each in two forms that must agree: by chunks, and token after token."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]


@dataclass(frozen=True)
class Forms:
    """Two functions of a package that compute one recurrence.

    Attributes:
        name: name of both.
        package: the distribution that they come from.
        chunked: imports the form by chunks.
        recurrent: imports the form that goes token after token.
        axes: the axes of each input after batch, time and head: ``"state"``, ``"channel"`` or none.
        folder: overlay that holds the package.
    """

    name: str
    package: str
    chunked: Callable[[], Function]
    recurrent: Callable[[], Function]
    axes: Mapping[str, str]
    folder: Path | None = None

    def inputs(self, seed: int, time: int, sizes: Mapping[str, int]) -> dict[str, Tensor]:
        """Return random inputs by name.

        Logarithms of decays are such that the first token still counts after ``time`` tokens.
        """
        rng = torch.Generator().manual_seed(seed)
        inputs = {}
        for name, axis in self.axes.items():
            shape = [sizes["batch"], time, sizes["head"], *([sizes[axis]] if axis else [])]
            inputs[name] = _drawn(name, torch.randn(shape, generator=rng), time)
        return inputs


def _drawn(name: str, normal: Tensor, time: int) -> Tensor:
    if name.startswith("g"):
        return -4 / time * (0.7 * normal).exp()
    if name.startswith(("b", "w")):
        return normal.sigmoid()
    return normal / normal.shape[-1] ** 0.5 if name == "k" else normal


_TOKENS = {"q": "state", "k": "state", "v": "channel"}
_ATK = {"g_atk": "", "beta_atk": "", "beta": ""}


@dataclass(frozen=True)
class _Pair:
    family: str
    axes: Mapping[str, str]


_PAIRS = (
    _Pair("lightnet", _TOKENS),
    _Pair("gsa", {**_TOKENS, "s": "state", "g": "state"}),
    _Pair("gdn2", {**_TOKENS, "g": "state", "b": "state", "w": "channel"}),
    _Pair("gated_oja_rule", {**_TOKENS, "gv": "channel", "beta": ""}),
    _Pair("precond_gated_delta_rule", {**_TOKENS, "g": "", **_ATK}),
    _Pair("precond_kda", {**_TOKENS, "g": "state", **_ATK}),
)


def forms(folder: Path | None = None) -> Iterator[Forms]:
    """Yield the pairs of fla; fla is in ``folder``, which must be on the path of Python."""
    for pair in _PAIRS:
        yield Forms(
            name=f"fla.ops.{pair.family}:chunk_{pair.family}, fused_recurrent_{pair.family}",
            package="fla-core",
            chunked=partial(_loaded, pair, "chunk"),
            recurrent=partial(_loaded, pair, "fused_recurrent"),
            axes=pair.axes,
            folder=folder,
        )


def _loaded(pair: _Pair, form: str) -> Function:
    function = getattr(import_module(f"fla.ops.{pair.family}"), f"{form}_{pair.family}")
    return partial(function, output_final_state=True)
