"""The requests with which the oracle runs the Lean definition of a kernel.

Lean runs one example at a time, and one head at a time where heads do not meet
(``Spec/Oracle/Kernels.lean``). Arrays hold words here, so a request is the same for every scalar type.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from scanproof.errors import InvalidArgument
from scanproof.refinement.kernels.attention import GatedLinearAttention, MLstm, Rwkv6
from scanproof.refinement.kernels.complex_diagonal import ComplexDiagonal
from scanproof.refinement.kernels.delta import Comba, GatedDeltaRule
from scanproof.refinement.kernels.gated_norm import GatedNorm
from scanproof.refinement.kernels.generalized_delta import GeneralizedDeltaRule
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.linear import LinearRecurrence
from scanproof.refinement.kernels.recurrent_unit import MinGru, RgLru
from scanproof.refinement.kernels.selective import CausalConv1d, SelectiveScan
from scanproof.refinement.kernels.ssd import SsdScan
from scanproof.refinement.words import WordArray, Words

Shapes: TypeAlias = Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class Request:
    """One run.

    Attributes:
        kernel: the name of the kernel in the oracle.
        dims: its dimensions and options.
        fixed: the tensors before the tokens.
        tokens: the tensors of the tokens, (time, ...).
        marks: a whole number for each token, or none.
    """

    kernel: str
    dims: Sequence[int]
    fixed: Sequence[WordArray]
    tokens: Sequence[WordArray]
    marks: Sequence[int] = ()

    def words(self) -> Iterable[str]:
        """Return the words of the request after the scalar type."""
        time = self.tokens[0].shape[0]
        rows = np.concatenate(
            [tensor.reshape(time, math.prod(tensor.shape[1:])) for tensor in self.tokens], axis=1
        )
        yield from (self.kernel, *map(str, (*map(int, self.dims), time, *self.marks)))
        for tensor in (*self.fixed, rows):
            yield from tensor.ravel().tolist()


@dataclass(frozen=True)
class Runs:
    """The runs of a kernel on a batch.

    Attributes:
        requests: the requests, example by example, and within an example head by head.
        shapes: shapes of the parts of each reply.
        heads: number of heads; None: an example is one run.
        transposed: whether the states of the reply are (channel, state).
    """

    requests: Sequence[Request]
    shapes: Shapes
    heads: int | None = None
    transposed: bool = False

    def joined(self, replies: Sequence[Sequence[str]]) -> list[WordArray]:
        """Return the outputs, with axes as the kernel has them."""
        parts = [_cut(reply, self.shapes) for reply in replies]
        outputs = [np.stack([part[place] for part in parts]) for place in range(len(self.shapes))]
        if self.heads is None:
            return outputs
        split = [whole.reshape(-1, self.heads, *whole.shape[1:]) for whole in outputs]
        y, *states = split
        return [
            np.moveaxis(y, 1, 2),
            *(state.swapaxes(-1, -2) if self.transposed else state for state in states),
        ]


def _cut(reply: Sequence[str], shapes: Shapes) -> list[WordArray]:
    words = np.array(reply, dtype=object)
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    pieces = np.split(words, ends[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


class _Given:
    """The inputs of a kernel, as words."""

    def __init__(self, kernel: Kernel, inputs: Mapping[str, Any], words: Words) -> None:
        kernel.check_names(inputs)
        self.sizes = kernel.sizes(inputs)
        self._words, self._inputs = words, inputs
        self._encoded = {name: words.encode(x) for name, x in inputs.items() if name not in kernel.marks}

    def __contains__(self, name: str) -> bool:
        return name in self._inputs

    def __getitem__(self, name: str) -> WordArray:
        return self._encoded[name]

    def filled(self, value: float, shape: tuple[int, ...]) -> WordArray:
        """Return a constant at every entry."""
        return np.broadcast_to(self._words.encode(np.asarray(float(value))), shape)

    def get(self, name: str, shape: tuple[int, ...], value: float = 0.0) -> WordArray:
        """Return an input, broadcast to a shape; without it, a constant."""
        return np.broadcast_to(self[name], shape) if name in self else self.filled(value, shape)

    def some(self, name: str) -> list[WordArray]:
        """Return an input that may be left out, as a list."""
        return [self[name]] if name in self else []

    def marks(self, name: str) -> list[list[int]]:
        """Return whole numbers of at least 0 by example, zeros without the input: equal ones stay equal."""
        shape = self.sizes["batch"], self.sizes["time"]
        given = np.asarray(self._inputs[name]).astype(np.int64) if name in self else np.zeros(shape, np.int64)
        return np.where(given < 0, given.max(initial=0) - given, given).tolist()  # type: ignore[no-any-return]


def kernel_runs(kernel: Kernel, inputs: Mapping[str, Any], words: Words) -> Runs:
    """Return the runs of a kernel.

    Args:
        kernel: the kernel.
        inputs: arrays, or what ``words`` encodes, by name.
        words: the scalar type.

    Raises:
        InvalidArgument: an input is missing or unknown, shapes do not fit, or Lean has no definition.
    """
    if type(kernel) not in _RUNS:
        raise InvalidArgument(f"The Lean oracle has no definition of {type(kernel).__name__}.")
    return _RUNS[type(kernel)](kernel, _Given(kernel, inputs, words))


def _selective(kernel: SelectiveScan, given: _Given) -> Runs:
    batch, time, channels = (given.sizes[axis] for axis in ("batch", "time", "channel"))
    groups, states = given.sizes.get("group", 1), given.sizes["state"]
    B, C = (given[name].reshape(batch, time, groups, states) for name in "BC")
    start = given.get("initial_state", (batch, channels, states))
    optional = [name in given for name in ("D", "delta_bias", "z")]
    requests = [
        Request(
            "selective",
            (channels, groups, states, kernel.delta_softplus, *optional),
            [given["A"], *given.some("D"), *given.some("delta_bias"), start[b]],
            [given["u"][b], given["delta"][b], B[b], C[b], *(z[b] for z in given.some("z"))],
        )
        for b in range(batch)
    ]
    return Runs(requests, [(time, channels), (channels, states)])


def _ssd(kernel: SsdScan, given: _Given) -> Runs:
    batch, time, heads, groups, channels, states = (
        given.sizes[axis] for axis in ("batch", "time", "head", "group", "channel", "state")
    )
    limits = [
        [] if limit is None or math.isinf(limit) else [given.filled(limit, (1,))]
        for limit in (kernel.dt_min, kernel.dt_max)
    ]
    skip = [np.broadcast_to(D, (heads, channels)) for D in given.some("D")]
    start = given.get("initial_state", (batch, heads, channels, states))
    marks = given.marks("seq_idx")
    options = (kernel.dt_softplus, "D" in given, "dt_bias" in given, *map(len, limits), "z" in given)
    requests = [
        Request(
            "ssd",
            (heads, groups, channels, states, *options),
            [given["A"], *skip, *given.some("dt_bias"), *limits[0], *limits[1], start[b]],
            [
                *(given[name][b] for name in ("x", "dt", "B", "C")),
                *(z[b] for z in given.some("z")),
            ],
            marks[b],
        )
        for b in range(batch)
    ]
    return Runs(requests, [(time, heads, channels), (heads, channels, states)])


def _conv(kernel: CausalConv1d, given: _Given) -> Runs:
    batch, time, channels, width = (given.sizes[axis] for axis in ("batch", "time", "channel", "width"))
    before = (
        given["initial_state"] if "initial_state" in given else given.filled(0, (batch, width - 1, channels))
    )
    before = before[:, before.shape[1] - width + 1 :]
    if before.shape[1] != width - 1:
        raise InvalidArgument(
            f"CausalConv1d: initial_state is too short; {width} taps need {width - 1} inputs."
        )
    requests = [
        Request(
            "conv",
            (channels, width, kernel.silu, "bias" in given),
            [given["weight"], *given.some("bias"), before[b]],
            [given["x"][b]],
        )
        for b in range(batch)
    ]
    return Runs(requests, [(time, channels)])


def _by_head(
    name: str,
    given: _Given,
    options: Sequence[int],
    fixed: Callable[[int, int], Sequence[WordArray]],
    tokens: Sequence[WordArray],
    *,
    state: bool = True,
    transposed: bool = False,
) -> Runs:
    """Return a run for each head of each example of tensors (batch, time, head, ...)."""
    batch, time, heads, states, channels = (
        given.sizes[axis] for axis in ("batch", "time", "head", "state", "channel")
    )
    requests = [
        Request(name, (states, channels, *options), fixed(b, h), [tensor[b, :, h] for tensor in tokens])
        for b in range(batch)
        for h in range(heads)
    ]
    last = (channels, states) if transposed else (states, channels)
    return Runs(requests, [(time, channels), *([last] if state else [])], heads, transposed)


def _wide(given: _Given, name: str, value: float) -> WordArray:
    """Return decays for each state entry; a constant without the input."""
    return given.get(name, tuple(given.sizes[axis] for axis in ("batch", "time", "head", "state")), value)


def _start(given: _Given) -> WordArray:
    shape = tuple(given.sizes[axis] for axis in ("batch", "head", "state", "channel"))
    return given.get("initial_state", shape)


def _gla(kernel: GatedLinearAttention, given: _Given) -> Runs:
    scale, start = given.filled(kernel.scale, (1,)), _start(given)
    return _by_head(
        "gla",
        given,
        [kernel.log_decays and "g" in given],
        lambda b, h: [scale, start[b, h]],
        [given["q"], given["k"], given["v"], _wide(given, "g", 1.0)],
    )


def _rwkv6(kernel: Rwkv6, given: _Given) -> Runs:
    scale, start = given.filled(kernel.scale, (1,)), _start(given)
    return _by_head(
        "rwkv6",
        given,
        [],
        lambda b, h: [scale, given["u"][h], start[b, h]],
        [given[name] for name in "qkvw"],
    )


def _mlstm(kernel: MLstm, given: _Given) -> Runs:
    scale, eps = given.filled(kernel.scale, (1,)), given.filled(kernel.eps, (1,))
    tokens = [given[name] for name in ("q", "k", "v", "input_gate", "forget_gate")]
    return _by_head("mlstm", given, [], lambda b, h: [scale, eps], tokens, state=False)


def _delta(kernel: GatedDeltaRule, given: _Given) -> Runs:
    scale, start = given.filled(kernel.scale, (1,)), _start(given)
    eps = given.filled(kernel.norm_eps or 0.0, (1,))
    g = _wide(given, "g", 0.0 if kernel.log_decays else 1.0)
    return _by_head(
        "comba" if isinstance(kernel, Comba) else "delta",
        given,
        [kernel.log_decays, kernel.norm_eps is not None],
        lambda b, h: [scale, eps, start[b, h].T],
        [given["q"], given["k"], given["v"], g, given["beta"], *given.some("p")],
        transposed=True,
    )


def _generalized(kernel: GeneralizedDeltaRule, given: _Given) -> Runs:
    scale, start = given.filled(kernel.scale, (1,)), _start(given)
    g = _wide(given, "g", 0.0 if kernel.log_decays else 1.0)
    return _by_head(
        "generalized",
        given,
        [kernel.log_decays],
        lambda b, h: [scale, start[b, h].T],
        [given["q"], given["k"], given["v"], g, given["a"], given["b"]],
        transposed=True,
    )


def _norm(kernel: GatedNorm, given: _Given) -> Runs:
    batch, time, features = (given.sizes[axis] for axis in ("batch", "time", "feature"))
    fixed = [given.filled(kernel.eps, (1,)), given.get("weight", (features,), 1.0), *given.some("bias")]
    options = (not kernel.norm_before_gate, kernel.centred, kernel.activation == "sigmoid")
    requests = [
        Request(
            "norm",
            (features, kernel.groups, *options, "bias" in given, "z" in given),
            fixed,
            [given["x"][b], *(z[b] for z in given.some("z"))],
        )
        for b in range(batch)
    ]
    return Runs(requests, [(time, features)])


def _linear(kernel: LinearRecurrence, given: _Given) -> Runs:
    return _by_channel("linear", given, [kernel.log_decays], ("x", "g"))


def _min_gru(kernel: MinGru, given: _Given) -> Runs:
    return _by_channel("mingru", given, [], ("gate", "candidate"))


def _by_channel(name: str, given: _Given, options: Sequence[int], tokens: Sequence[str]) -> Runs:
    batch, time, channels = (given.sizes[axis] for axis in ("batch", "time", "channel"))
    start = given.get("initial_state", (batch, channels))
    requests = [
        Request(name, (channels, *options), [start[b]], [given[each][b] for each in tokens])
        for b in range(batch)
    ]
    return Runs(requests, [(time, channels), (channels,)])


def _rg_lru(kernel: RgLru, given: _Given) -> Runs:
    batch, time, heads, channels = (given.sizes[axis] for axis in ("batch", "time", "head", "channel"))
    start = given.get("initial_state", (batch, heads, channels))
    marks = given.marks("reset")
    parameters = ("input_weight", "input_bias", "recurrence_weight", "recurrence_bias", "decay")
    requests = [
        Request(
            "rglru",
            (channels,),
            [*(given[name][h] for name in parameters), start[b, h]],
            [given["x"][b, :, h]],
            marks[b],
        )
        for b in range(batch)
        for h in range(heads)
    ]
    return Runs(requests, [(time, channels), (channels,)], heads)


def _complex(kernel: ComplexDiagonal, given: _Given) -> Runs:
    batch, time, channels, states = (given.sizes[axis] for axis in ("batch", "time", "channel", "state"))
    skip = given.filled(0, (channels, channels)).copy()
    np.fill_diagonal(skip, given.get("D", (channels,)))
    start = [given.get(name, (batch, states)) for name in ("initial_re", "initial_im")]
    projections = [given[name] for name in ("B_re", "B_im", "C_re", "C_im")]
    fixed = [given.filled(kernel.scale, (1,)), *projections, skip, given["a_re"], given["a_im"]]
    requests = [
        Request(
            "complex", (channels, states, channels), [*fixed, *(part[b] for part in start)], [given["u"][b]]
        )
        for b in range(batch)
    ]
    return Runs(requests, [(time, channels), (states,), (states,)])


_RUNS: Mapping[type[Kernel], Callable[[Any, _Given], Runs]] = {
    SelectiveScan: _selective,
    SsdScan: _ssd,
    CausalConv1d: _conv,
    GatedLinearAttention: _gla,
    Rwkv6: _rwkv6,
    MLstm: _mlstm,
    GatedDeltaRule: _delta,
    Comba: _delta,
    GeneralizedDeltaRule: _generalized,
    GatedNorm: _norm,
    LinearRecurrence: _linear,
    RgLru: _rg_lru,
    MinGru: _min_gru,
    ComplexDiagonal: _complex,
}
