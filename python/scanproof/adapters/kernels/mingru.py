"""The minimal GRU of minGRU-pytorch 0.2.1: in log space for several tokens, and token by token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scanproof.adapters.bare import bare_module
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.recurrent_unit import MinGru

_POSITIVE = "Candidates are positive: x + 1/2 from x = 0 on, and sigmoid(x) below."


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of minGRU-pytorch, which is in ``folder`` or, if that is None, installed."""
    return tuple(
        _Positive(
            f"minGRU_pytorch.minGRU:minGRU, {how}",
            "minGRU-pytorch",
            partial(_loaded, run, folder),
            MinGru(),
            log_window=window,
            without=frozenset({"initial_state"}),
            folder=folder,
            departs=_POSITIVE,
        )
        for how, run, window in (("in log space", _at_once, 37), ("by tokens", _by_tokens, 0))
    )


@dataclass(frozen=True)
class _Positive(Subject):
    """A unit whose candidates are positive."""

    def inputs(self, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
        """Return random inputs that it takes."""
        return _positive(super().inputs(seed, dtype))

    def function(self, seed: int = 0) -> tuple[Callable[..., Tensor], dict[str, Tensor]]:
        """Return the map from gates and preactivations of candidates to y, and such inputs."""
        fn, _ = super().function(seed)
        return lambda **given: fn(**_positive(given)), super().inputs(seed)


def _positive(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    x = inputs["candidate"]
    return {**inputs, "candidate": torch.where(x >= 0, x + 0.5, x.sigmoid())}


def _loaded(run: Callable[[nn.Module, Tensor], Tensor], folder: Path | None) -> Implementation:
    unit = bare_module("minGRU_pytorch.minGRU", folder=folder).minGRU

    def implementation(gate: Tensor, candidate: Tensor) -> Any:
        module = unit(gate.shape[-1])
        module.to_hidden_and_gate = nn.Identity()
        before = torch.where(candidate >= 0.5, candidate - 0.5, candidate.clamp(max=0.5).logit())
        return run(module, torch.cat([before, gate], -1))

    return implementation


def _at_once(module: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = module(x)
    return y


def _by_tokens(module: nn.Module, x: Tensor) -> Tensor:
    y, outputs = None, []
    for t in range(x.shape[1]):
        y = module(x[:, t : t + 1], y)
        outputs.append(y)
    return torch.cat(outputs, 1)
