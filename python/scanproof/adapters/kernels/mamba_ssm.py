"""Reference functions of mamba-ssm and of causal-conv1d, without their CUDA extensions (2.3.2 and 1.7.0).

The modules import triton and the extensions, but the references use neither; stand-ins replace both.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.bare import bare_module
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.attention import GatedLinearAttention
from scanproof.refinement.kernels.selective import CausalConv1d, SelectiveScan
from scanproof.refinement.kernels.ssd import SsdScan

CHUNK = 8
_INERT = (
    "triton",
    "triton.language",
    "selective_scan_cuda",
    "causal_conv1d_cuda",
    "mamba_ssm.ops.triton.layer_norm",
)


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of both packages, which are in ``folder`` or, if that is None, installed."""

    def module(name: str) -> ModuleType:
        return bare_module(name, folder=folder, inert=_INERT)

    return (
        Subject(
            "mamba_ssm.ops.selective_scan_interface:selective_scan_ref",
            "mamba-ssm",
            lambda: _selective_scan(module("mamba_ssm.ops.selective_scan_interface")),
            SelectiveScan(delta_softplus=True),
            without=frozenset({"initial_state"}),
            folder=folder,
        ),
        Subject(
            "mamba_ssm.ops.selective_scan_interface:selective_scan_ref, with groups",
            "mamba-ssm",
            lambda: _selective_scan(module("mamba_ssm.ops.selective_scan_interface")),
            SelectiveScan(delta_softplus=True),
            sizes={"group": 2, "channel": 6},
            without=frozenset({"initial_state"}),
            folder=folder,
        ),
        Subject(
            "mamba_ssm.ops.triton.selective_state_update:selective_state_update_ref",
            "mamba-ssm",
            lambda: by_steps(
                module("mamba_ssm.ops.triton.selective_state_update").selective_state_update_ref
            ),
            SelectiveScan(delta_softplus=True),
            no_gradient=True,
            folder=folder,
        ),
        Subject(
            "mamba_ssm.ops.triton.selective_state_update:selective_state_update_ref, with heads",
            "mamba-ssm",
            lambda: by_steps_of_heads(
                module("mamba_ssm.ops.triton.selective_state_update").selective_state_update_ref
            ),
            SsdScan(dt_softplus=True),
            no_gradient=True,
            folder=folder,
            departs="No limits of dt: it continues a prefill only where they do not bind.",
        ),
        Subject(
            "mamba_ssm.ops.triton.ssd_combined:ssd_chunk_scan_combined_ref",
            "mamba-ssm",
            lambda: _chunk_scan(module("mamba_ssm.ops.triton.ssd_combined")),
            SsdScan(dt_softplus=True),
            log_window=CHUNK,
            sizes={"time": 40},
            multiple=CHUNK,
            without=frozenset({"seq_idx", "initial_state"}),
            folder=folder,
            departs="No limits of dt, no states. Between chunks, too, exp is taken before the mask: where the"
            " logarithms of the sequence add up to over 88, gradients at dt and A are NaN.",
        ),
        Subject(
            "mamba_ssm.modules.ssd_minimal:ssd_minimal_discrete",
            "mamba-ssm",
            lambda: _minimal(module("mamba_ssm.modules.ssd_minimal")),
            GatedLinearAttention(),
            log_window=CHUNK,
            sizes={"time": 40},
            multiple=CHUNK,
            folder=folder,
            departs="Takes dt x and dt A in place of x, dt and A.",
        ),
        Subject(
            "causal_conv1d.causal_conv1d_interface:causal_conv1d_ref",
            "causal-conv1d",
            lambda: _convolution(module("causal_conv1d.causal_conv1d_interface")),
            CausalConv1d(silu=True),
            sizes={"width": 4, "initial_state": 3},
            folder=folder,
        ),
        Subject(
            "causal_conv1d.causal_conv1d_interface:causal_conv1d_update_ref",
            "causal-conv1d",
            lambda: _convolution_update(module("causal_conv1d.causal_conv1d_interface")),
            CausalConv1d(silu=True),
            sizes={"width": 4, "initial_state": 3},
            folder=folder,
        ),
    )


def _selective_scan(module: ModuleType) -> Implementation:
    def implementation(**inputs: Tensor) -> Any:
        turned = {name: x.movedim(1, -1) if x.ndim > 2 else x for name, x in inputs.items()}
        y, last = module.selective_scan_ref(**turned, delta_softplus=True, return_last_state=True)
        return y.transpose(1, 2), last

    return implementation


def by_steps(update: Callable[..., Tensor]) -> Implementation:
    """Return the scan that ``selective_state_update`` computes token after token."""

    def implementation(
        u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, delta_bias: Tensor,
        initial_state: Tensor | None = None,
    ) -> Any:  # fmt: skip
        state = u.new_zeros(u.shape[0], *A.shape) if initial_state is None else initial_state.clone()
        outputs = []
        for t in range(u.shape[1]):
            step = (u[:, t], delta[:, t], A, B[:, t], C[:, t])
            y = update(state, *step, D=D, z=z[:, t], dt_bias=delta_bias, dt_softplus=True)
            outputs.append(y)
        return torch.stack(outputs, 1), state

    return implementation


def by_steps_of_heads(update: Callable[..., Tensor]) -> Implementation:
    """Return the scan that ``selective_state_update`` computes token after token, for a state with heads."""

    def implementation(
        x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, dt_bias: Tensor,
        initial_state: Tensor | None = None,
    ) -> Any:  # fmt: skip
        batch, time, heads, channels = x.shape
        shape = (batch, heads, channels, B.shape[-1])
        state = x.new_zeros(shape) if initial_state is None else initial_state.clone()
        wide = {"D": D.expand(heads, channels), "dt_bias": dt_bias[:, None].expand(heads, channels)}
        outputs = []
        for t in range(time):
            step = dt[:, t, :, None].expand(batch, heads, channels)
            y = update(
                state, x[:, t], step, A[:, None, None].expand(shape[1:]), B[:, t], C[:, t],
                z=z[:, t], dt_softplus=True, **wide,
            )  # fmt: skip
            outputs.append(y)
        return torch.stack(outputs, 1), state

    return implementation


def _chunk_scan(module: ModuleType) -> Implementation:
    def implementation(D: Tensor, **inputs: Tensor) -> Any:
        return module.ssd_chunk_scan_combined_ref(**inputs, D=D[:, 0], chunk_size=CHUNK, dt_softplus=True)

    return implementation


def _minimal(module: ModuleType) -> Implementation:
    def implementation(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor | None = None
    ) -> Any:
        start = None if initial_state is None else initial_state.mT[:, None]
        y, last = module.ssd_minimal_discrete(v, g[..., 0], k, q, CHUNK, start)
        return y, last.mT

    return implementation


def _convolution(module: ModuleType) -> Implementation:
    def implementation(x: Tensor, weight: Tensor, bias: Tensor, initial_state: Tensor | None = None) -> Any:
        before = None if initial_state is None else initial_state.transpose(1, 2)
        y = module.causal_conv1d_ref(
            x.transpose(1, 2), weight, bias, initial_states=before, activation="silu"
        )
        return y.transpose(1, 2)

    return implementation


def _convolution_update(module: ModuleType) -> Implementation:
    def implementation(x: Tensor, weight: Tensor, bias: Tensor, initial_state: Tensor | None = None) -> Any:
        shape = (x.shape[0], x.shape[2], weight.shape[1] - 1)
        state = x.new_zeros(shape) if initial_state is None else initial_state.transpose(1, 2).clone()
        steps = [
            module.causal_conv1d_update_ref(token, state, weight, bias, activation="silu")
            for token in x.unbind(1)
        ]
        return torch.stack(steps, 1)

    return implementation
