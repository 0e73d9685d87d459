"""Scans of mlx-lm that run where there is no Metal (mlx 0.32.4, mlx-lm 0.32.2), with the gradients of MLX."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from scanproof.adapters.bare import bare_module
from scanproof.adapters.foreign import foreign_mlx
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.delta import GatedDeltaRule
from scanproof.refinement.kernels.ssd import SsdScan

CHUNK = 8
KEYS = 5
LIMITS = (0.001, 100.0)
"""The default limits of dt in mlx-lm."""


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of mlx-lm, which is in ``folder`` with mlx or, if that is None, installed."""
    ssm = Subject(
        "mlx_lm.models.ssm:ssm_attn",
        "mlx-lm",
        partial(_ssm, folder),
        SsdScan(dt_softplus=True, dt_min=LIMITS[0], dt_max=LIMITS[1]),
        log_window=CHUNK,
        sizes={"head": 4},
        without=frozenset({"seq_idx", "z"}),
        block=CHUNK,
        folder=folder,
        departs="It takes the logarithm of -A.",
    )
    deltas = (
        Subject(
            f"mlx_lm.models.gated_delta:gated_delta_ops{name}",
            "mlx-lm",
            partial(_delta, folder),
            GatedDeltaRule(log_decays=False),
            sizes={"g": decays, "state": KEYS},
            odd={"channel": 3},
            folder=folder,
        )
        for name, decays in {"": 1, ", decays per key": KEYS}.items()
    )
    return (ssm, *deltas)


def _ssm(folder: Path | None) -> Implementation:
    ssm_attn = bare_module("mlx_lm.models.ssm", folder=folder).ssm_attn
    log = import_module("mlx.core").log

    def implementation(
        x: Any, dt: Any, A: Any, B: Any, C: Any, D: Any, dt_bias: Any, initial_state: Any = None
    ) -> Any:
        return ssm_attn(x, log(-A), B, C, D, dt, dt_bias, initial_state, time_step_limit=LIMITS, step=CHUNK)

    return foreign_mlx(implementation)


def _delta(folder: Path | None) -> Implementation:
    gated_delta_ops = bare_module("mlx_lm.models.gated_delta", folder=folder).gated_delta_ops

    def implementation(q: Any, k: Any, v: Any, g: Any, beta: Any, initial_state: Any = None) -> Any:
        start = None if initial_state is None else initial_state.swapaxes(-1, -2)
        y, last = gated_delta_ops(q, k, v, g if g.shape[-1] > 1 else g[..., 0], beta, start)
        return y, last.swapaxes(-1, -2)

    return foreign_mlx(implementation)
