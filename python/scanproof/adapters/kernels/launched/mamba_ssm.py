"""The Triton kernels of mamba-ssm (2.3.2)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.bare import bare_module
from scanproof.adapters.kernels.mamba_ssm import by_steps, by_steps_of_heads
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.gated_norm import GatedNorm
from scanproof.refinement.kernels.selective import SelectiveScan
from scanproof.refinement.kernels.ssd import SsdScan

CHUNK = 16
_MARKS = frozenset({"seq_idx"})
_PLAIN = _MARKS | {"D", "z", "dt_bias", "initial_state"}
_FULL = SsdScan(dt_softplus=True, dt_min=0.0, dt_max=inf)


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects; mamba-ssm is in ``folder``, which must be on the path of Python."""
    combined = "mamba_ssm.ops.triton.ssd_combined:mamba_chunk_scan_combined"
    update = "mamba_ssm.ops.triton.selective_state_update:selective_state_update"
    scans: Mapping[str, tuple[SsdScan, frozenset[str]]] = {
        f"{combined}, x, dt, A, B, C alone": (SsdScan(), _PLAIN),
        f"{combined}, dt_softplus=True": (_FULL, _MARKS),
        f"{combined}, dt_limit=": (SsdScan(dt_softplus=True, dt_min=0.01, dt_max=0.9), _MARKS),
        f"{combined}, seq_idx=": (_FULL, frozenset()),
    }
    chunked = tuple(
        Subject(
            name=name,
            package="mamba-ssm",
            load=partial(_scan, kernel, folder),
            kernel=kernel,
            log_window=CHUNK,
            sizes={"head": 4, "channel": 4},
            without=without,
            given={} if "seq_idx" in without else {"seq_idx": _sequences},
            block=CHUNK,
            folder=folder,
        )
        for name, (kernel, without) in scans.items()
    )
    steps = (
        Subject(
            name=f"{update}, with heads",
            package="mamba-ssm",
            load=lambda: by_steps_of_heads(_update(folder)),
            kernel=SsdScan(dt_softplus=True),
            without=_MARKS,
            no_gradient=True,
            folder=folder,
            departs="It is the step of a decoder: no gradients, no limits of dt.",
        ),
        Subject(
            name=f"{update}, a state for each channel",
            package="mamba-ssm",
            load=lambda: by_steps(_update(folder)),
            kernel=SelectiveScan(delta_softplus=True),
            no_gradient=True,
            folder=folder,
            departs="It is the step of a decoder: no gradients.",
        ),
    )
    return (*chunked, *steps, *_norms(folder))


def _norms(folder: Path | None) -> Iterator[Subject]:
    for name, kernel in {
        "rmsnorm_fn, norm_before_gate=False, group_size=8": GatedNorm(groups=2, norm_before_gate=False),
        "layernorm_fn": GatedNorm(centred=True),
    }.items():
        yield Subject(
            name=f"mamba_ssm.ops.triton.layernorm_gated:{name}",
            package="mamba-ssm",
            load=partial(_gated_norm, kernel, folder),
            kernel=kernel,
            odd={} if kernel.groups > 1 else {"feature": 11},
            folder=folder,
        )
    for name, kernel in {"rms_norm_fn": GatedNorm(), "layer_norm_fn": GatedNorm(centred=True)}.items():
        yield Subject(
            name=f"mamba_ssm.ops.triton.layer_norm:{name}",
            package="mamba-ssm",
            load=partial(_norm, name, kernel, folder),
            kernel=kernel,
            without=frozenset({"z"}),
            odd={"feature": 11},
            folder=folder,
        )


def _sequences(seq_idx: Tensor) -> Tensor:
    """Return indices of sequences that begin at tokens 0, 2 and 4, and at the second chunk."""
    starts = torch.tensor([1, 3, CHUNK - 1])
    return torch.bucketize(torch.arange(seq_idx.shape[1]), starts).expand(seq_idx.shape)


def _scan(kernel: SsdScan, folder: Path | None) -> Implementation:
    function = bare_module("mamba_ssm.ops.triton.ssd_combined", folder=folder).mamba_chunk_scan_combined
    limits = {} if kernel.dt_min is None else {"dt_limit": (kernel.dt_min, kernel.dt_max)}

    def implementation(
        x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None = None,
        initial_state: Tensor | None = None, seq_idx: Tensor | None = None, **options: Tensor,
    ) -> Any:  # fmt: skip
        marks = {} if seq_idx is None else {"seq_idx": seq_idx.int()}
        return function(
            x, dt, A, B, C, CHUNK,
            D=D if D is None or D.shape[-1] > 1 else D[:, 0],
            initial_states=initial_state, dt_softplus=kernel.dt_softplus, return_final_states=True,
            **limits, **marks, **options,
        )  # fmt: skip

    return implementation


def _norm(name: str, kernel: GatedNorm, folder: Path | None) -> Implementation:
    function = getattr(bare_module("mamba_ssm.ops.triton.layer_norm", folder=folder), name)

    def implementation(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
        return function(x, weight, bias, eps=kernel.eps)

    return implementation


def _gated_norm(kernel: GatedNorm, folder: Path | None) -> Implementation:
    function = bare_module("mamba_ssm.ops.triton.layernorm_gated", folder=folder).layernorm_fn

    def implementation(x: Tensor, weight: Tensor, bias: Tensor, z: Tensor) -> Any:
        return function(
            x, weight, bias, z, kernel.eps, x.shape[-1] // kernel.groups, kernel.norm_before_gate,
            not kernel.centred,
        )  # fmt: skip

    return implementation


def _update(folder: Path | None) -> Callable[..., Tensor]:
    module = bare_module("mamba_ssm.ops.triton.selective_state_update", folder=folder)
    update: Callable[..., Tensor] = module.selective_state_update
    return update
