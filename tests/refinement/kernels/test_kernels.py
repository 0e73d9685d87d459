"""Kernels of the families: runs in pieces, equal forms, bounds that hold, faults that are refuted."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scan_case import Scan
from scanproof import (
    CheckFailed,
    Comba,
    ComplexDiagonal,
    GatedDeltaRule,
    GatedLinearAttention,
    GatedNorm,
    GeneralizedDeltaRule,
    InvalidArgument,
    Kernel,
    LinearRecurrence,
    MinGru,
    MLstm,
    RgLru,
    Rounding,
    Rwkv6,
    SsdScan,
    Verdict,
    check_refinement,
)
from scanproof.refinement.cases import random_fractions
from scanproof.refinement.kernels.arithmetic import (
    DOUBLE_DOUBLE,
    EXACT,
    FLOAT64,
    KernelDoubleDouble,
    KernelFloat64,
)
from scanproof.refinement.kernels.bounds import KernelBounds
from scanproof.refinement.kernels.cases import SIZES, random_inputs
from verdicts import present

KERNELS = {
    "ssd": SsdScan(dt_softplus=True, dt_min=0.1, dt_max=2.0),
    "gla": GatedLinearAttention(scale=0.5),
    "rwkv6": Rwkv6(scale=0.5),
    "mlstm": MLstm(scale=0.5, eps=1e-6),
    "rglru": RgLru(),
    "mingru": MinGru(),
    "linear": LinearRecurrence(),
    "linear in log space": LinearRecurrence(log_decays=True),
    "complex": ComplexDiagonal(scale=2.0),
    "delta": GatedDeltaRule(scale=0.5, norm_eps=1e-6),
    "delta by chunks": GatedDeltaRule(scale=0.5, norm_eps=1e-6, chunk_size=8),
    "comba": Comba(scale=0.5),
    "comba by chunks": Comba(scale=0.5, norm_eps=1e-6, chunk_size=8),
    "generalised delta": GeneralizedDeltaRule(scale=0.5),
    "generalised delta by chunks": GeneralizedDeltaRule(scale=0.5, chunk_size=8),
    "gated norm": GatedNorm(centred=True, groups=2),
}
STATES = {
    "initial_state": "last_state",
    "initial_re": "last_re",
    "initial_im": "last_im",
}
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


def arrays(inputs: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {name: tensor.double().numpy() for name, tensor in inputs.items()}


def fractions(kernel: Kernel, seed: int, **sizes: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    size = {**SIZES, "time": 5, "head": 2, "group": 1, "state": 2, "channel": 2, **sizes}
    return {
        name: random_fractions(tuple(size[axis] if axis else 1 for axis in axes), rng)
        for name, axes in kernel.inputs.items()
        if name not in ("seq_idx", "reset")
    }


@pytest.mark.parametrize(
    "kernel", [kernel for kernel in KERNELS.values() if len(kernel.outputs) > 1], ids=repr
)
def test_pieces_from_the_state_that_was_reached_are_one_run(kernel: Kernel) -> None:
    inputs = arrays(random_inputs(kernel, seed=0))
    whole = kernel.run(inputs)
    outputs: list[NDArray[Any]] = []
    states: dict[str, NDArray[Any]] = {}
    step = getattr(kernel, "chunk_size", None) or 5
    for start in range(0, 37, step):
        piece = {
            name: array[:, start : start + step] if kernel.inputs[name][1:2] == ("time",) else array
            for name, array in inputs.items()
        }
        result = kernel.run({**piece, **states})
        outputs.append(result.pop("y"))
        states = {name: result[last] for name, last in STATES.items() if last in result}
    assert np.concatenate(outputs, axis=1).tobytes() == whole["y"].tobytes()
    for name, last in STATES.items():
        assert name not in states or states[name].tobytes() == whole[last].tobytes()


@every_kernel
def test_no_token_leaves_the_state(kernel: Kernel) -> None:
    inputs = arrays(random_inputs(kernel, seed=0, time=1))
    none = {
        name: array[:, :0] if kernel.inputs[name][1:2] == ("time",) else array
        for name, array in inputs.items()
    }
    result = kernel.run(none)
    assert result["y"].shape[1] == 0
    for name, last in STATES.items():
        assert last not in result or np.array_equal(result[last], inputs[name])


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("decays", ["a head", "a state entry"])
def test_the_delta_rule_by_chunks_is_the_recurrence(chunk_size: int, decays: str) -> None:
    """In exact arithmetic: Lean theorem ``deltaRule_outputs_eq_chunked``."""
    kernel = GatedDeltaRule(scale=0.5, log_decays=False)
    for seed in range(5):
        inputs = fractions(kernel, seed)
        if decays == "a state entry":
            inputs["g"] = random_fractions((*inputs["g"].shape[:-1], 2), np.random.default_rng(seed))
        chunked = GatedDeltaRule(scale=0.5, log_decays=False, chunk_size=chunk_size).run(inputs, EXACT)
        for name, value in kernel.run(inputs, EXACT).items():
            assert (chunked[name] == value).all()


def test_simple_special_cases_agree() -> None:
    """An mLSTM with open gates and large readings divides attention by its normaliser; a RG-LRU is a scan."""
    exact = fractions(GatedLinearAttention(), 3)
    kernel = GatedLinearAttention(log_decays=False)
    ones = {**exact, "g": np.full_like(exact["g"], Fraction(1))}
    y = kernel.run(ones, EXACT)["y"]
    start = np.einsum("bhnp,bthn->bthp", exact["initial_state"], exact["q"])
    scores = np.tril(np.einsum("bthn,bshn->bhts", exact["q"], exact["k"]).astype(object))
    assert (y == start + np.einsum("bhts,bshp->bthp", scores, exact["v"])).all()

    inputs = arrays(random_inputs(MinGru(), seed=1, time=1))
    z = FLOAT64.sigmoid(inputs["gate"][:, 0])
    expected = (1 - z) * inputs["initial_state"] + z * inputs["candidate"][:, 0]
    np.testing.assert_allclose(MinGru().run(inputs)["last_state"], expected, rtol=1e-15)


def sequential(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    states = []
    for t in range(b.shape[1]):
        h0 = a[:, t] * h0 + b[:, t]
        states.append(h0)
    return torch.stack(states, 1)


def associative(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    """Hillis and Steele's prefix scan, with the initial state in the first input."""
    a = a.expand_as(b) if not a.is_complex() else a.expand(b.shape)
    b = torch.cat([b[:, :1] + a[:, :1] * h0[:, None], b[:, 1:]], 1)
    stride = 1
    while stride < b.shape[1]:
        later = a[:, stride:]
        b = torch.cat([b[:, :stride], later * b[:, :-stride] + b[:, stride:]], 1)
        a = torch.cat([a[:, :stride], later * a[:, :-stride]], 1)
        stride *= 2
    return b


def attention(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    """Decays between all pairs of tokens, from sums of their logarithms."""
    logs = a.log().expand_as(b).cumsum(1)
    pairs = logs[:, :, None] - logs[:, None]
    mask = torch.ones(b.shape[1], b.shape[1], dtype=torch.bool).tril()
    weights = pairs.masked_fill(~mask.reshape(1, *mask.shape, *[1] * (b.ndim - 2)), -torch.inf).exp()
    return torch.einsum("bts...,bs...->bt...", weights, b) + logs.exp() * h0[:, None]


SCANS = {"sequential": (sequential, 0), "associative": (associative, 0), "attention": (attention, 37)}


def ssd(
    scan: Scan,
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor,
    dt_bias: Tensor,
    initial_state: Tensor,
) -> tuple[Tensor, Tensor]:
    dt = functional.softplus(dt + dt_bias).clamp(0.1, 2.0)[..., None, None]
    B, C = (each.repeat_interleave(2, dim=2)[..., None, :] for each in (B, C))
    h = scan((dt * A[:, None, None]).exp(), dt * B * x[..., None], initial_state)
    return ((h * C).sum(-1) + D * x) * functional.silu(z), h[:, -1]


def gla(
    scan: Scan, q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor
) -> tuple[Tensor, Tensor]:
    h = scan(g.exp()[..., None], k[..., None] * v[..., None, :], initial_state)
    return torch.einsum("bthn,bthnp->bthp", q * 0.5, h), h[:, -1]


def rwkv6(
    scan: Scan, q: Tensor, k: Tensor, v: Tensor, w: Tensor, u: Tensor, initial_state: Tensor
) -> tuple[Tensor, Tensor]:
    kv = k[..., None] * v[..., None, :]
    h = scan(w.exp()[..., None], kv, initial_state)
    before = torch.cat([initial_state[:, None], h[:, :-1]], 1)
    return (q[..., None] * 0.5 * (before + u[..., None] * kv)).sum(-2), h[:, -1]


def mlstm(scan: Scan, q: Tensor, k: Tensor, v: Tensor, input_gate: Tensor, forget_gate: Tensor) -> Tensor:
    logs, m = functional.logsigmoid(forget_gate), torch.zeros_like(input_gate[:, 0])
    C, n, outputs = torch.zeros(()), torch.zeros(()), []
    for t in range(q.shape[1]):
        new = torch.maximum(logs[:, t] + m, input_gate[:, t])
        f, i = (logs[:, t] + m - new).exp(), (input_gate[:, t] - new).exp()
        m = new
        C = f[..., None, None] * C + i[..., None, None] * k[:, t, ..., None] * v[:, t, :, None]
        n = f[..., None] * n + i[..., None] * k[:, t]
        read = (q[:, t] * 0.5 * n).sum(-1)
        divisor = torch.maximum(read.abs(), (-m).exp()) + 1e-6
        outputs.append((q[:, t, ..., None] * 0.5 * C).sum(-2) / divisor[..., None])
    return torch.stack(outputs, 1)


def rglru(
    scan: Scan,
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    recurrence_weight: Tensor,
    recurrence_bias: Tensor,
    decay: Tensor,
    initial_state: Tensor,
) -> tuple[Tensor, Tensor]:
    def gate(weight: Tensor, bias: Tensor) -> Tensor:
        return (torch.einsum("hoi,bthi->btho", weight, x) + bias).sigmoid()

    logs = -8 * gate(recurrence_weight, recurrence_bias) * functional.softplus(decay)
    gated = (1 - (2 * logs).exp()).sqrt() * (gate(input_weight, input_bias) * x)
    h = scan(logs.exp(), gated, initial_state)
    return h, h[:, -1]


def mingru(scan: Scan, gate: Tensor, candidate: Tensor, initial_state: Tensor) -> tuple[Tensor, Tensor]:
    h = scan((-gate).sigmoid(), gate.sigmoid() * candidate, initial_state)
    return h, h[:, -1]


def linear(scan: Scan, x: Tensor, g: Tensor, initial_state: Tensor) -> tuple[Tensor, Tensor]:
    h = scan(g, x, initial_state)
    return h, h[:, -1]


def complex_diagonal(
    scan: Scan,
    u: Tensor,
    a_re: Tensor,
    a_im: Tensor,
    B_re: Tensor,
    B_im: Tensor,
    C_re: Tensor,
    C_im: Tensor,
    D: Tensor,
    initial_re: Tensor,
    initial_im: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    a = torch.complex(a_re, a_im)
    b = torch.einsum("sc,btc->bts", torch.complex(B_re, B_im), u.to(a.dtype))
    h = scan(a.expand(b.shape), b, torch.complex(initial_re, initial_im))
    y = 2 * torch.einsum("cs,bts->btc", torch.complex(C_re, C_im), h).real + D * u
    return y, h[:, -1].real, h[:, -1].imag


IMPLEMENTATIONS: dict[str, Callable[..., Any]] = {
    "ssd": ssd,
    "gla": gla,
    "rwkv6": rwkv6,
    "mlstm": mlstm,
    "rglru": rglru,
    "mingru": mingru,
    "linear": linear,
    "linear in log space": lambda scan, g, **x: linear(scan, g=g.exp(), **x),
    "complex": complex_diagonal,
}


def tried() -> Iterator[tuple[str, str, torch.dtype]]:
    """Yield (family, order, precision) as far as torch has such numbers and the family such an order.

    The mLSTM is tried as it is run, from token to token in log space; in bfloat16 its bound is infinite.
    """
    for name in IMPLEMENTATIONS:
        for order in SCANS:
            for dtype in (torch.float64, torch.float32, torch.bfloat16):
                no_such = order != "sequential" or dtype == torch.bfloat16
                no_such_complex = order == "attention" or dtype == torch.bfloat16
                if not (name == "mlstm" and no_such) and not (name == "complex" and no_such_complex):
                    yield name, order, dtype


@pytest.mark.parametrize(("name", "order", "dtype"), list(tried()))
def test_bounds_hold_in_every_order(name: str, order: str, dtype: torch.dtype) -> None:
    kernel, implementation = KERNELS[name], IMPLEMENTATIONS[name]
    scan, window = SCANS[order]
    for seed in range(3):
        inputs = random_inputs(kernel, seed=seed, dtype=dtype, time=8 if dtype == torch.bfloat16 else 37)
        report = check_refinement(
            lambda **tensors: implementation(scan, **tensors),
            kernel,
            inputs,
            rounding=dtype,
            log_window=max(window, name == "mlstm"),
            shrink=False,
        )
        assert report.worst.ratio <= 1, report.summary()
        if dtype != torch.bfloat16:  # whose bound may exceed the values
            assert report.verdict is Verdict.REFINES, report.summary()
            assert report.sharpness < 3e-3


@pytest.mark.parametrize(
    ("name", "window", "bound"),
    [
        ("ssd", 0, "runDiagonalTransitions_error"),
        ("ssd", 8, None),
        ("complex", 0, None),
        ("mlstm", 0, None),
        ("delta", 0, None),
        ("generalised delta", 0, None),
        ("comba", 0, None),
        ("gated norm", 0, None),
    ],
)
def test_a_bound_without_a_theorem_names_none(name: str, window: int, bound: str | None) -> None:
    kernel = KERNELS[name]
    inputs = random_inputs(kernel, seed=0, time=3)

    def twin(**tensors: Tensor) -> tuple[Tensor, ...]:
        results = kernel.run(arrays(tensors), FLOAT64)
        return tuple(torch.tensor(results[name], dtype=torch.float32) for name in kernel.outputs)

    report = check_refinement(twin, kernel, inputs, log_window=window)
    assert report.verdict is Verdict.REFINES
    assert report.theorems == (kernel.theorem, *([bound] if bound else []))
    assert ("none about the bound" in report.summary()) == (bound is None)


def test_complex_rounding_is_counted() -> None:
    """An impulse that rotates: nothing errs but the products with the decay."""
    angle, parts = 0.05, {"B_re": 1.0, "B_im": 0.0, "C_re": 1.0, "C_im": 0.0}
    inputs = {name: torch.tensor([[value]]) for name, value in parts.items()}
    inputs["a_re"], inputs["a_im"] = torch.tensor([angle]).cos(), torch.tensor([angle]).sin()
    inputs["u"] = (torch.arange(600) == 0).float()[None, :, None]
    nothing = {"D": torch.zeros(1), "initial_re": torch.zeros(1, 1), "initial_im": torch.zeros(1, 1)}
    report = check_refinement(
        lambda **x: complex_diagonal(sequential, **x, **nothing), ComplexDiagonal(scale=2.0), inputs
    )
    assert report.verdict is Verdict.REFINES, report.summary()


@pytest.mark.parametrize("decay", [-18.0, -22.0])
def test_a_root_near_zero_may_grow_by_more_than_its_value(decay: float) -> None:
    """``1 - a²`` cancels to a few units in the last place, and ``exp`` is right to one of them."""
    inputs = random_inputs(RgLru(), seed=0)
    inputs["decay"] = torch.full_like(inputs["decay"], decay)

    def one_step_down(
        x: Tensor,
        input_weight: Tensor,
        input_bias: Tensor,
        recurrence_weight: Tensor,
        recurrence_bias: Tensor,
        decay: Tensor,
        initial_state: Tensor,
    ) -> tuple[Tensor, Tensor]:
        def gate(weight: Tensor, bias: Tensor) -> Tensor:
            return (torch.einsum("hoi,bthi->btho", weight, x) + bias).sigmoid()

        def exp(log: Tensor) -> Tensor:
            return torch.nextafter(log.exp(), torch.zeros(()))

        logs = -8 * gate(recurrence_weight, recurrence_bias) * functional.softplus(decay)
        gated = (1 - exp(2 * logs)).sqrt() * (gate(input_weight, input_bias) * x)
        h = sequential(exp(logs), gated, initial_state)
        return h, h[:, -1]

    report = check_refinement(one_step_down, RgLru(), inputs, shrink=False)
    assert 0.05 < report.worst.ratio <= 1, report.summary()


@pytest.mark.parametrize("reference", [FLOAT64, DOUBLE_DOUBLE])
def test_bounds_of_a_root_hold_for_arguments_moved_either_way(
    reference: KernelFloat64 | KernelDoubleDouble,
) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([10 ** rng.uniform(-12, 2, 400), [0.0, 1.0, 1e-300]])
    off = np.concatenate([x[:400] * 10 ** rng.uniform(-6, 6, 400), [1e-8, 0.0, 1e-300]])
    exact = Rounding(unit_roundoff=0.0, underflow=0.0, largest=np.inf)
    ar = KernelBounds(exact, reference)
    argument = ar.lift(x)
    argument.error = off
    root = ar.sqrt(argument)
    for moved in (x + off, np.maximum(x - off, 0.0)):
        assert np.all(np.abs(np.sqrt(moved) - root.value) <= root.error + 2.0**-52 * np.sqrt(moved))
    reached = np.maximum(np.sqrt(x + off) - np.sqrt(x), np.sqrt(x) - np.sqrt(np.maximum(x - off, 0.0)))
    sharp = off > 1e-3 * x
    assert np.all(root.error[sharp] <= 1.001 * reached[sharp] + 2.0**-45 * root.value[sharp])


def test_roots_quotients_and_maxima_in_pairs_are_exact_to_a_hundred_bits() -> None:
    rng = np.random.default_rng(0)
    x, y = (DOUBLE_DOUBLE.lift(rng.uniform(0.1, 9, 50)) * rng.uniform(0.9, 1.1, 50) for _ in range(2))
    with mpmath.workprec(250):
        numbers = [
            [mpmath.mpf(h) + mpmath.mpf(low) for h, low in zip(p.high, p.low, strict=True)] for p in (x, y)
        ]
        for found, expected in (
            (DOUBLE_DOUBLE.sqrt(x), [mpmath.sqrt(a) for a in numbers[0]]),
            (DOUBLE_DOUBLE.div(x, y), [a / b for a, b in zip(*numbers, strict=True)]),
            (DOUBLE_DOUBLE.maximum(x, y), [max(a, b) for a, b in zip(*numbers, strict=True)]),
        ):
            for high, low, right in zip(found.high, found.low, expected, strict=True):
                assert abs(mpmath.mpf(high) + low - right) <= abs(right) * mpmath.mpf(2) ** -100
    assert DOUBLE_DOUBLE.sqrt(DOUBLE_DOUBLE.lift(np.zeros(2))).high.tolist() == [0.0, 0.0]


@every_kernel
def test_in_float64_the_reference_is_the_more_exact_one(kernel: Kernel) -> None:
    """Pairs of float64, with what float64 itself would not see."""
    inputs = arrays(random_inputs(kernel, seed=0, dtype=torch.float64))
    finer = KernelBounds.finer_than(Rounding.of(torch.float64), 1)
    assert finer.log_window == 1
    results = kernel.run(inputs, finer)
    for name, value in kernel.run(inputs).items():
        found = results[name]
        assert np.all(np.abs(value - found.value - found.rest) <= found.error)
        assert np.any(found.rest != 0)


def test_a_kernel_in_float64_is_held_to_float64() -> None:
    """An error of 2^-44, which the float64 oracle's own error would hide."""
    inputs = random_inputs(KERNELS["gla"], seed=0, dtype=torch.float64, time=3)
    right = check_refinement(lambda **x: gla(sequential, **x), KERNELS["gla"], inputs)
    assert right.reference.endswith("pairs of float64")
    assert 0 < present(right.ulps).median < 4
    off = check_refinement(
        lambda **x: gla(sequential, **x)[0] * (1 + 2.0**-44), KERNELS["gla"], inputs, shrink=False
    )
    assert off.verdict is Verdict.REFUTED


@pytest.mark.parametrize("size", [1, 20])
def test_mlstm_with_large_gates(size: int) -> None:
    kernel = MLstm(scale=0.5, eps=1e-6)
    inputs = random_inputs(kernel, seed=0, time=12)
    inputs["input_gate"] = inputs["input_gate"] * size
    inputs["forget_gate"] = inputs["forget_gate"] * size
    report = check_refinement(lambda **x: mlstm(sequential, **x), kernel, inputs, log_window=1)
    assert report.worst.ratio <= 1, report.summary()


def delta(dtype_of_state: torch.dtype | None = None, chunk_size: int | None = None) -> Callable[..., Any]:
    def by_tokens(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, initial_state: Tensor
    ) -> tuple[Tensor, Tensor]:
        q, k = (x * (x.square().sum(-1, keepdim=True) + 1e-6).rsqrt() for x in (q, k))
        h, outputs = initial_state, []
        for t in range(q.shape[1]):
            h = g[:, t, ..., None].exp() * h
            error = beta[:, t, :, None] * (v[:, t] - (k[:, t, ..., None] * h).sum(-2))
            h = h + k[:, t, ..., None] * error[..., None, :]
            outputs.append((q[:, t, ..., None] * 0.5 * h).sum(-2))
        return torch.stack(outputs, 1), h

    def by_chunks(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, initial_state: Tensor
    ) -> tuple[Tensor, Tensor]:
        q, k = (x * (x.square().sum(-1, keepdim=True) + 1e-6).rsqrt() for x in (q, k))
        h, outputs, size = initial_state, [], present(chunk_size)
        for start in range(0, q.shape[1], size):
            Q, K, V, G, b = (x[:, start : start + size].transpose(1, 2) for x in (q, k, v, g, beta))
            G, b = G[..., 0].cumsum(-1), b[..., None]
            between = (G[..., :, None] - G[..., None, :]).exp().tril()
            system = (b * K @ K.mT * between).tril(-1) + torch.eye(Q.shape[2], dtype=q.dtype)
            new = torch.linalg.solve_triangular(system, b * V, upper=False)
            keys = torch.linalg.solve_triangular(system, b * K * G.exp()[..., None], upper=False)
            new = new - keys @ h
            outputs.append(0.5 * (Q * G.exp()[..., None] @ h + (Q @ K.mT * between).tril() @ new))
            h = G[..., -1].exp()[..., None, None] * h + (K * between[..., -1, :, None]).mT @ new
        return torch.cat(outputs, 2).transpose(1, 2), h

    return by_tokens if chunk_size is None else by_chunks


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("chunk_size", [None, 8])
def test_bounds_of_the_delta_rule_hold(dtype: torch.dtype, chunk_size: int | None) -> None:
    kernel = GatedDeltaRule(scale=0.5, norm_eps=1e-6, chunk_size=chunk_size)
    for seed in range(3):
        inputs = random_inputs(kernel, seed=seed, dtype=dtype)
        report = check_refinement(delta(chunk_size=chunk_size), kernel, inputs).require()
        assert report.sharpness < 1e-3
    assert "none about the bound" in report.summary()


FAULTS: dict[str, tuple[str, Callable[[Tensor], Tensor], str]] = {
    "ssd": ("C", lambda C: C.flip(2), "groups exchanged"),
    "gla": ("g", lambda g: g * (1 + 1e-3), "another decay"),
    "rwkv6": ("u", lambda u: u + 1e-3, "another bonus"),
    "mlstm": ("forget_gate", lambda f: f + 1e-3, "another forget gate"),
    "rglru": ("recurrence_weight", lambda w: w.mT, "a gate's blocks transposed"),
    "mingru": ("candidate", lambda c: c * (1 + 1e-4), "another candidate"),
    "linear": ("g", lambda g: g * (1 - 1e-4), "another decay"),
    "linear in log space": ("g", lambda g: g - 1e-4, "another decay"),
    "complex": ("C_im", lambda C: -C, "a conjugate lost"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_refuted(name: str) -> None:
    kernel, (changed, change, _) = KERNELS[name], FAULTS[name]
    inputs = random_inputs(kernel, seed=0)

    def faulty(**tensors: Tensor) -> Any:
        return IMPLEMENTATIONS[name](sequential, **{**tensors, changed: change(tensors[changed])})

    with pytest.raises(CheckFailed) as raised:
        check_refinement(faulty, kernel, inputs, log_window=1, shrink=False).require()
    assert raised.value.report.verdict is Verdict.REFUTED


def test_a_failing_case_is_made_small_and_says_how_to_repeat_it() -> None:
    kernel = GatedLinearAttention()
    inputs = random_inputs(kernel, seed=0, without=frozenset({"initial_state"}))

    def ignores_decay(q: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
        h = sequential(torch.ones_like(g)[..., None], k[..., None] * v[..., None, :], torch.zeros(()))
        return torch.einsum("bthn,bthnp->bthp", q, h)

    report = check_refinement(ignores_decay, kernel, inputs)
    assert report.verdict is Verdict.REFUTED
    assert present(report.smallest).inputs["q"].shape == (1, 2, 1, 1)
    call = "scanproof.check_refinement(fn, scanproof.GatedLinearAttention(scale=1.0, log_decays=True)"
    assert call in present(report.smallest).code
    namespace = {"fn": ignores_decay, "report": report}
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, namespace)


def test_only_y_may_be_returned() -> None:
    inputs = random_inputs(KERNELS["gla"], seed=0)
    report = check_refinement(lambda **x: gla(sequential, **x)[0], KERNELS["gla"], inputs).require()
    assert report.compared == 2 * 37 * 4 * 3
    state_only_wrong = check_refinement(
        lambda **x: (gla(sequential, **x)[0], None), KERNELS["gla"], inputs
    ).require()
    assert state_only_wrong.compared == report.compared


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fn": 3}, "fn is a int"),
        ({"kernel": SsdScan}, "spec is a ABCMeta; give a spec or a kernel"),
        ({"without": "k"}, r"missing: \['k'\]"),
        ({"extra": "h"}, r"unknown: \['h'\]"),
        ({"cut": "v"}, r"v has shape \(2, 5, 4, 3\)"),
        ({"log_window": -1}, "log_window is -1"),
        ({"none": "q"}, "q is NoneType"),
        ({"empty": "g"}, "give sizes above 0"),
    ],
)
def test_wrong_calls_are_explained(change: dict[str, Any], message: str) -> None:
    kernel = KERNELS["gla"]
    inputs = random_inputs(kernel, seed=0)
    if "without" in change:
        del inputs[change["without"]]
    if "extra" in change:
        inputs[change["extra"]] = inputs["q"]
    if "cut" in change:
        inputs[change["cut"]] = inputs[change["cut"]][:, :5]
    if "none" in change:
        inputs[change["none"]] = None  # type: ignore[assignment]
    if "empty" in change:
        inputs[change["empty"]] = inputs[change["empty"]][:, :, :, :0]
    fn = change.get("fn", lambda **x: gla(sequential, **x))
    with pytest.raises(InvalidArgument, match=message):
        check_refinement(fn, change.get("kernel", kernel), inputs, log_window=change.get("log_window", 0))
