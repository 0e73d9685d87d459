"""Operations of ggml on a CPU, the kernels of llama.cpp (ggml-py 0.10.1): float32, without gradients.

ggml ends the process if shapes do not fit.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.adapters.foreign import foreign
from scanproof.adapters.kernels.ggml_graph import Ggml, ggml
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.attention import GatedLinearAttention, Rwkv6
from scanproof.refinement.kernels.delta import GatedDeltaRule
from scanproof.refinement.kernels.generalized_delta import GeneralizedDeltaRule
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.selective import CausalConv1d, SelectiveScan
from scanproof.refinement.kernels.ssd import SsdScan

Array = NDArray[Any]
Function = Callable[..., Any]
"""From the library and the inputs of a kernel by name to its outputs."""

KEYS = 16
_SCALE = KEYS**-0.5
_NO_STEPS = frozenset({"z", "D", "dt_bias", "delta_bias", "seq_idx"})
_TAIL = "Wrong where the head size is no multiple of the 64 numbers that its AVX-512 loop takes at once."


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of ggml-py, which is in ``folder`` or, if that is None, installed."""
    return tuple(
        Subject(
            f"ggml.cpu:{name}",
            "ggml-py",
            partial(_loaded, function, folder),
            kernel,
            no_gradient=True,
            folder=folder,
            **options,
        )
        for name, function, kernel, options in TABLE
    )


def _loaded(function: Function, folder: Path | None) -> Implementation:
    library = ggml(folder)

    def implementation(**inputs: Array) -> Any:
        return function(library, **{name: x.astype(np.float32) for name, x in inputs.items()})

    return foreign(implementation)


def _convolution(library: Ggml, x: Array, weight: Array, initial_state: Array | None = None) -> Array:
    before = np.zeros((len(x), weight.shape[1] - 1, x.shape[2]), x.dtype)
    if initial_state is not None:
        before = initial_state[:, initial_state.shape[1] - before.shape[1] :]
    seen = np.concatenate([before, x], axis=1).swapaxes(1, 2)
    return library.run("ssm_conv", [seen, weight]).reshape(x.shape)


def _scan(library: Ggml, x: Array, dt: Array, A: Array, B: Array, C: Array, start: Array) -> Any:
    """Run the scan of heads (batch, time, head, channel) from a state (batch, head, channel, state)."""
    flat = library.run("ssm_scan", [start, x, dt, A, B, C, np.arange(len(x), dtype=np.int32)])
    return flat[: x.size].reshape(x.shape), flat[x.size :].reshape(start.shape)


def _mamba2(library: Ggml, x: Array, initial_state: Array | None = None, **tokens: Array) -> Any:
    start = _start(x, (len(x), *x.shape[2:], tokens["B"].shape[-1]), initial_state)
    return _scan(library, x, start=start, **{**tokens, "A": tokens["A"][:, None]})


def _mamba1(
    library: Ggml, u: Array, delta: Array, A: Array, initial_state: Array | None = None, **tokens: Array
) -> Any:
    start = _start(u, (len(u), *A.shape), initial_state)
    grouped = {name: x[:, :, None] if x.ndim == 3 else x for name, x in tokens.items()}
    y, last = _scan(library, u[..., None], delta, A, start=start[:, :, None], **grouped)
    return y[..., 0], last[:, :, 0]


def _attention(
    library: Ggml, q: Array, k: Array, v: Array, g: Array, initial_state: Array | None = None
) -> Any:
    tokens = [k, v, q, np.broadcast_to(_decays(g), k.shape)]
    return _by_tokens(library, "gated_linear_attn", tokens, v, initial_state, numbers=(_SCALE,))


def _rwkv6(
    library: Ggml, q: Array, k: Array, v: Array, w: Array, u: Array, initial_state: Array | None = None
) -> Any:
    return _by_tokens(library, "rwkv_wkv6", [k, v, q, u, _decays(w)], v, initial_state)


def _rwkv7(
    library: Ggml,
    q: Array,
    k: Array,
    v: Array,
    a: Array,
    b: Array,
    g: Array,
    initial_state: Array | None = None,
) -> Any:
    tokens = [q, _decays(g), k, v, a, b]
    return _by_tokens(library, "rwkv_wkv7", tokens, v, initial_state, transposed=True)


def _delta(
    library: Ggml, q: Array, k: Array, v: Array, g: Array, beta: Array, initial_state: Array | None = None
) -> Any:
    start = _start(v, (len(v), *v.shape[2:], k.shape[3]), _turned(initial_state))
    flat = library.run("gated_delta_net", [q, k, v, g, beta[..., None], start])
    return flat[: v.size].reshape(v.shape), _turned(flat[v.size :].reshape(start.shape))


def _by_tokens(
    library: Ggml,
    operation: str,
    tokens: list[Array],
    v: Array,
    initial_state: Array | None,
    transposed: bool = False,
    numbers: tuple[float, ...] = (),
) -> Any:
    """Run an operation that takes the tokens of all sequences as one axis, and each state as one row."""
    size = v.shape[-1]
    start = _start(v, (*v.shape[:1], v.shape[2], size, size), initial_state)
    start = _turned(start) if transposed else start
    rows = [x if x.ndim == 2 else x.reshape(-1, *x.shape[2:]) for x in tokens]
    flat = library.run(operation, [*rows, start.reshape(len(start), -1)], numbers)
    last = flat[v.size :].reshape(start.shape)
    return flat[: v.size].reshape(v.shape), _turned(last) if transposed else last


def _decays(logs: Array) -> Array:
    return np.exp(logs.astype(np.float64)).astype(np.float32)


def _start(like: Array, shape: tuple[int, ...], given: Array | None) -> Array:
    return np.zeros(shape, like.dtype) if given is None else given


def _turned(state: Any) -> Any:
    """Return a state with keys and values exchanged."""
    return None if state is None else state.swapaxes(-1, -2)


_SQUARE: Mapping[str, Any] = {"sizes": {"state": KEYS, "channel": KEYS, "g": KEYS}, "odd": {}}
_ANY: Mapping[str, Any] = {**_SQUARE, "odd": {"state": 5, "channel": 5, "g": 5}}
_RWKV7 = {
    size: {
        "sizes": {"state": size, "channel": size, "g": size, "head": 2},
        "odd": {"state": 40, "channel": 40, "g": 40},
        "departs": departs,
    }
    for size, departs in ((48, _TAIL), (64, ""))
}

TABLE: tuple[tuple[str, Function, Kernel, Mapping[str, Any]], ...] = (
    (
        "ssm_conv",
        _convolution,
        CausalConv1d(),
        {"sizes": {"width": 4, "initial_state": 3}, "without": frozenset({"bias"})},
    ),
    ("ssm_scan, heads", _mamba2, SsdScan(dt_softplus=True), {"without": _NO_STEPS}),
    (
        "ssm_scan, channels",
        _mamba1,
        SelectiveScan(delta_softplus=True),
        {"without": _NO_STEPS, "sizes": {"channel": 4}},
    ),
    ("gated_linear_attn", _attention, GatedLinearAttention(scale=_SCALE), _ANY),
    (
        "rwkv_wkv6",
        _rwkv6,
        Rwkv6(),
        {**_ANY, "sizes": {"state": KEYS, "channel": KEYS}, "odd": {"state": 5, "channel": 5}},
    ),
    ("rwkv_wkv7 with 48 per head", _rwkv7, GeneralizedDeltaRule(), _RWKV7[48]),
    ("rwkv_wkv7 with 64 per head", _rwkv7, GeneralizedDeltaRule(), _RWKV7[64]),
    (
        "gated_delta_net",
        _delta,
        GatedDeltaRule(scale=_SCALE),
        {**_SQUARE, "sizes": {**_SQUARE["sizes"], "g": 1}},
    ),
    ("gated_delta_net, decays per key", _delta, GatedDeltaRule(scale=_SCALE), _SQUARE),
)
