"""Adjoints of the kernels: what autograd computes, with bounds that hold, and wrong backwards refuted."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from refinement.kernels.recurrences import RECURRENCES, attention, outer, read, rg_lru, ssd, stabilised_mlstm
from scanproof import (
    Cases,
    CausalConv1d,
    CheckFailed,
    GatedLinearAttention,
    InvalidArgument,
    Kernel,
    MLstm,
    RgLru,
    Rounding,
    SsdScan,
    Verdict,
    check_refinement,
)
from scanproof.refinement.kernels.adjoint import KernelTape
from scanproof.refinement.kernels.arithmetic import (
    DOUBLE_DOUBLE,
    EXACT,
    FLOAT64,
    KernelDoubleDouble,
    KernelExact,
    KernelFloat64,
)
from scanproof.refinement.kernels.bounds import KernelBounds
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.strategies import kernel_inputs, scan_shapes
from verdicts import present

Recurrence = Callable[..., Any]

ALL = frozenset[str]()
SHORT = scan_shapes(max_length=20, max_groups=2)
SIZES = {"time": 13, "width": 3}


def drawn(
    kernel: Kernel,
    seed: int = 0,
    without: frozenset[str] = ALL,
    dtype: torch.dtype = torch.float32,
    **sizes: int,
) -> dict[str, Tensor]:
    sizes = {**SIZES, **sizes}
    if isinstance(kernel, CausalConv1d):
        sizes["initial_state"] = sizes["width"] - 1
    options: dict[str, Any] = {"dtype": dtype, "without": without, **sizes}
    inputs = random_inputs(kernel, seed=seed, **options)
    if "reset" in inputs:
        inputs["reset"] = inputs["reset"].roll(4, dims=1)
    return inputs


def choices() -> Iterator[Any]:
    """Yield every kernel with all optional inputs, without any, and without each one."""
    for name, (kernel, _) in RECURRENCES.items():
        one = [frozenset({left_out}) for left_out in sorted(kernel.optional)]
        for without in dict.fromkeys([ALL, kernel.optional, *one]):
            yield pytest.param(name, without, id=f"{name} without {', '.join(sorted(without)) or 'nothing'}")


def plain(name: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    if "plain" in name and "g" in inputs:
        return {**inputs, "g": inputs["g"].exp()}
    return inputs


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_of_channels_in_float64_are_what_autograd_computes(groups: int) -> None:
    is_what_autograd_computes("selective", ALL, group=groups, channel=4)


@pytest.mark.parametrize(("name", "without"), list(choices()))
def test_in_float64_it_is_what_autograd_computes(name: str, without: frozenset[str]) -> None:
    is_what_autograd_computes(name, without)


def is_what_autograd_computes(name: str, without: frozenset[str], **sizes: int) -> None:
    kernel, recurrence = RECURRENCES[name]
    inputs = plain(name, drawn(kernel, without=without, dtype=torch.float64, **sizes))
    tape = KernelTape(FLOAT64)
    variables, traced = kernel.trace({n: x.numpy() for n, x in inputs.items()}, tape)
    rng = np.random.default_rng(0)
    cotangents = [rng.normal(size=result.shape) for result in traced.values()]
    pulled = tape.gradients(list(zip(traced.values(), cotangents, strict=True)), list(variables.values()))
    leaves = {n: x.clone().requires_grad_(n not in kernel.marks) for n, x in inputs.items()}
    returned = recurrence(**leaves)
    results = returned if isinstance(returned, tuple) else (returned,)
    for result, twin in zip(results, traced.values(), strict=True):
        np.testing.assert_allclose(result.detach().numpy(), twin.value, rtol=1e-11, atol=1e-11)
    assert set(variables) == set(inputs) - kernel.marks
    want = torch.autograd.grad(
        results, [leaves[n] for n in variables], [torch.from_numpy(c) for c in cotangents]
    )
    for n, parts, other in zip(variables, pulled, want, strict=True):
        got = FLOAT64.total(parts, variables[n].shape)
        assert np.abs(got).max() > 1e-3, n
        np.testing.assert_allclose(got, other.numpy(), rtol=1e-10, atol=1e-10, err_msg=n)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", [name for name in RECURRENCES if "plain" not in name])
def test_right_implementations_refine_on_drawn_cases(name: str, dtype: torch.dtype) -> None:
    """Inputs in the dtype, computed in float32, gradients stored in the dtype."""
    kernel, recurrence = RECURRENCES[name]
    report = check_refinement(
        lambda **x: recurrence(**{n: tensor.float() for n, tensor in x.items()}),
        kernel,
        cases=Cases(count=20, inputs=kernel_inputs(kernel, SHORT, without=ALL, dtype=dtype)),
        gradients=True,
        shrink=False,
    )
    assert report.verdict is Verdict.REFINES, report.summary()
    assert present(report.drawn).inconclusive <= 10
    assert report.worst.ratio > 0.1
    assert set(report.gradients) <= set(kernel.inputs) - kernel.marks


@pytest.mark.parametrize("name", [name for name in RECURRENCES if "plain" not in name])
def test_bounds_hold_for_arithmetic_in_half_precision(name: str) -> None:
    kernel, recurrence = RECURRENCES[name]
    for seed in range(4):
        inputs = drawn(kernel, seed, dtype=torch.bfloat16, time=5)
        if "complex" in name:
            continue  # torch has no complex bfloat16
        report = check_refinement(
            recurrence, kernel, inputs, gradients=True, seed=seed, rounding=torch.bfloat16, shrink=False
        )
        assert report.verdict in (Verdict.REFINES, Verdict.INCONCLUSIVE), report.summary()


# ---------------------------------------------------------------- sums of logarithms


def by_pairs(q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """Attention by decays between all pairs of tokens, differences of sums of logarithms."""
    sums = g.cumsum(1)
    pairs = sums[:, :, None] - sums[:, None]
    later = torch.ones(q.shape[1], q.shape[1], dtype=torch.bool).triu(1)[None, :, :, None, None]
    decays = pairs.masked_fill(later, -torch.inf).exp()
    y = torch.einsum("bthn,btshn,bshn,bshp->bthp", q, decays.expand(*decays.shape[:4], k.shape[3]), k, v)
    if initial_state is not None:
        y = y + read(q * sums.exp(), initial_state[:, None])
    return y


def by_ends(q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """Attention by queries and keys that are decayed by themselves."""
    sums = g.cumsum(1)
    q, k = q * sums.exp(), k * (-sums).exp()
    scores = torch.einsum("bthn,bshn->bhts", q, k).tril()
    y = torch.einsum("bhts,bshp->bthp", scores, v)
    return y if initial_state is None else y + read(q, initial_state[:, None])


@pytest.mark.parametrize("form", [by_pairs, by_ends])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_gradients_through_sums_of_logarithms_refine(form: Recurrence, dtype: torch.dtype) -> None:
    for seed in range(4):
        inputs = drawn(GatedLinearAttention(), seed, dtype=dtype, time=4 if dtype == torch.float16 else 13)
        report = check_refinement(
            form, GatedLinearAttention(), inputs, gradients=True, log_window=13, rounding=dtype, shrink=False
        )
        assert report.worst.ratio <= 1, report.summary()
        if dtype != torch.float16:
            assert report.verdict is Verdict.REFINES, report.summary()
            assert report.sharpness < 0.02
    assert report.bound_theorem == ""
    assert report.theorems == (GatedLinearAttention.theorem,)


@pytest.mark.parametrize(("form", "place"), [(by_pairs, 12), (by_ends, 5)])
def test_what_cancels_in_the_gradient_at_logarithms_errs_all_the_same(form: Recurrence, place: int) -> None:
    """One large addition: it is added and taken off again at every decay before it."""
    inputs = drawn(GatedLinearAttention())
    inputs["v"][:, place] = 1e5

    def report(window: int) -> RefinementReport:
        return check_refinement(
            form,
            GatedLinearAttention(),
            inputs,
            cotangents={"y": torch.ones_like(inputs["v"])},
            log_window=window,
            shrink=False,
        )

    multiplied, added = report(0), report(13)
    assert multiplied.greatest["dg"] > 1
    assert all(added.greatest[name] <= 1 for name in added.greatest), added.summary()
    assert added.greatest["dg"] > 1e-3


def test_a_window_does_not_hide_a_wrong_gradient() -> None:
    inputs = drawn(GatedLinearAttention())

    def half(q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor) -> Tensor:
        return by_pairs(q, k, v, (g + g.detach()) / 2, initial_state)

    report = check_refinement(
        half, GatedLinearAttention(), inputs, gradients=True, log_window=13, shrink=False
    )
    assert report.verdict is Verdict.REFUTED
    assert report.worst.output == "dg"


class SummedBackwards(torch.autograd.Function):
    """Attention that multiplies decays, whose backward adds ``q dq - k dk`` from the last token on."""

    @staticmethod
    def forward(
        context: Any, q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor, wrong: float
    ) -> tuple[Tensor, Tensor]:
        s, states = initial_state, []
        for t in range(q.shape[1]):
            s = g[:, t].exp()[..., None] * s + outer(k[:, t], v[:, t])
            states.append(s)
        context.save_for_backward(q, k, v, g, torch.stack(states, 1))
        context.wrong = wrong
        return read(q, torch.stack(states, 1)), s

    @staticmethod
    def backward(context: Any, dy: Tensor, dlast: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, g, states = context.saved_tensors
        dq, received, dks, dvs = (states * dy[..., None, :]).sum(-1), dlast, [], []
        for t in reversed(range(q.shape[1])):
            received = received + outer(q[:, t], dy[:, t])
            dks.append(read(v[:, t], received.mT))
            dvs.append(read(k[:, t], received))
            received = g[:, t].exp()[..., None] * received
        dk, dv = (torch.stack(each[::-1], 1) for each in (dks, dvs))
        summed = (q * dq - k * dk).flip(1).cumsum(1).flip(1) + (states[:, -1] * dlast).sum(-1)[:, None]
        dg = (summed * (1 + context.wrong)).sum(-1, keepdim=True) if g.shape[-1] == 1 else summed
        return dq, dk, dv, dg, received, None


def summed_backwards(wrong: float = 0.0) -> Callable[..., Any]:
    return lambda **x: SummedBackwards.apply(*(x[n] for n in ("q", "k", "v", "g", "initial_state")), wrong)


def test_a_backward_that_adds_what_reaches_decays_has_a_window_of_its_own() -> None:
    inputs, kernel = drawn(GatedLinearAttention()), GatedLinearAttention()
    wild = {**inputs, "v": inputs["v"].clone()}
    wild["v"][:, 12] = 3e3
    options: dict[str, Any] = {"cotangents": {"y": torch.ones_like(inputs["v"])}, "shrink": False}

    multiplied = check_refinement(summed_backwards(), kernel, wild, **options)
    assert multiplied.verdict is Verdict.REFUTED
    assert multiplied.worst.output == "dg"
    assert multiplied.option == "gradient_log_window=13"
    assert "with gradient_log_window=13, fn REFINES" in multiplied.summary()

    added = check_refinement(summed_backwards(), kernel, wild, gradient_log_window=13, **options)
    assert added.verdict is Verdict.REFINES, added.summary()
    assert added.greatest["dg"] > 1e-3
    assert added.theorems == (kernel.theorem,)
    whole = check_refinement(summed_backwards(), kernel, wild, log_window=13, **options)
    assert added.greatest["y"] > 2 * whole.greatest["y"], "the bound of the outputs is the narrow one"

    wrong = summed_backwards(wrong=1e-2)
    small = check_refinement(wrong, kernel, inputs, gradient_log_window=13, **options)
    assert small.verdict is Verdict.REFUTED
    assert small.worst.output == "dg"
    assert small.option == ""


def test_a_report_names_the_window_of_a_form_that_adds_logarithms() -> None:
    kernel, inputs = GatedLinearAttention(), drawn(GatedLinearAttention())
    inputs["g"] *= 20
    report = check_refinement(by_pairs, kernel, inputs, shrink=False)
    assert report.verdict is Verdict.REFUTED
    assert report.option == "log_window=13"
    assert check_refinement(by_pairs, kernel, inputs, log_window=13).verdict is Verdict.REFINES


def test_the_windows_are_in_the_program_that_repeats_a_check() -> None:
    kernel, inputs = GatedLinearAttention(), drawn(GatedLinearAttention(), time=3)
    report = check_refinement(
        lambda **x: 3 * attention(**x)[0], kernel, inputs, log_window=1, gradient_log_window=3
    )
    assert "gradient_log_window=3, log_window=1" in present(report.smallest).code
    with pytest.raises(InvalidArgument, match="gradient_log_window is -1"):
        check_refinement(attention, kernel, inputs, gradient_log_window=-1)


@pytest.mark.parametrize(("size", "dtype"), [(1, torch.float32), (1, torch.float64), (4, torch.float64)])
def test_gradients_through_a_running_maximum_refine(size: int, dtype: torch.dtype) -> None:
    kernel, _ = RECURRENCES["mlstm"]
    for seed in range(4):
        inputs = drawn(kernel, seed, dtype=dtype)
        inputs |= {name: size * inputs[name] for name in ("input_gate", "forget_gate")}
        report = check_refinement(
            stabilised_mlstm, kernel, inputs, gradients=True, log_window=1, shrink=False
        )
        assert report.verdict is Verdict.REFINES, report.summary()
        assert report.worst.ratio > 0.01


def test_what_cancels_in_the_gradient_at_a_running_maximum_errs_all_the_same() -> None:
    """A token that sets m and adds next to nothing: what the state before it leaves through m cancels."""
    kernel = MLstm(scale=0.5)
    inputs = drawn(kernel)
    inputs["input_gate"][:, 5] = 4
    inputs["k"][:, 5] *= 1e-7

    def report(window: int) -> RefinementReport:
        return check_refinement(
            lambda **x: stabilised_mlstm(**x, eps=0.0),
            kernel,
            inputs,
            cotangents={"y": torch.ones_like(inputs["v"])},
            log_window=window,
            shrink=False,
        )

    multiplied, added = report(0).greatest, report(1).greatest
    assert multiplied["dinput_gate"] > 1
    assert multiplied["dforget_gate"] > 1
    assert max(added.values()) <= 1


def test_a_running_maximum_without_gradient_is_refuted_where_it_counts() -> None:
    kernel, _ = RECURRENCES["mlstm"]
    inputs = drawn(kernel)

    def fixed(eps: float) -> RefinementReport:
        return check_refinement(
            lambda **x: stabilised_mlstm(**x, eps=eps, through_m=False),
            MLstm(scale=0.5, eps=eps),
            inputs,
            gradients=True,
            log_window=1,
            shrink=False,
        )

    assert fixed(0.01).verdict is Verdict.REFUTED
    assert fixed(0.01).worst.output in ("dinput_gate", "dforget_gate")
    assert fixed(0.0).verdict is Verdict.REFINES


# ---------------------------------------------------------------- wrong backwards


class BackwardOf(torch.autograd.Function):
    """One function's outputs with another one's gradients: a backward that has been written by hand."""

    @staticmethod
    def forward(
        context: Any, right: Recurrence, wrong: Recurrence, names: tuple[str, ...], *tensors: Tensor
    ) -> Any:
        context.wrong, context.names = wrong, names
        context.save_for_backward(*tensors)
        return right(**dict(zip(names, tensors, strict=True)))

    @staticmethod
    def backward(context: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        with torch.enable_grad():
            leaves = {
                name: tensor.detach().requires_grad_(tensor.is_floating_point())
                for name, tensor in zip(context.names, context.saved_tensors, strict=True)
            }
            at = [leaf for leaf in leaves.values() if leaf.requires_grad]
            pulled = iter(torch.autograd.grad(context.wrong(**leaves), at, cotangents, allow_unused=True))
        return None, None, None, *(next(pulled) if x.requires_grad else None for x in leaves.values())


def by_hand(right: Recurrence, wrong: Recurrence) -> Callable[..., Any]:
    return lambda **x: BackwardOf.apply(right, wrong, tuple(x), *x.values())


def detached(recurrence: Recurrence, name: str) -> Callable[..., Any]:
    return lambda **x: recurrence(**{**x, name: x[name].detach()})


def of_first_head(B: Tensor) -> Tensor:
    """Repeat each of two groups for two heads, with the gradient of the first head alone."""
    wide = B.repeat_interleave(2, 2)
    return torch.where(torch.tensor([True, False, True, False])[:, None], wide, wide.detach())


def of_later_state(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradient at a decay is that of the state after the step, in place of the one before it."""
    s, ys = initial_state, []
    for t in range(q.shape[1]):
        a = g[:, t].exp()[..., None]
        s = a.detach() * s + outer(k[:, t], v[:, t])
        s = s + (a - a.detach()) * s.detach()
        ys.append(read(0.5 * q[:, t], s))
    return torch.stack(ys, 1), s


class Unlimited(torch.autograd.Function):
    """A clamp whose gradient passes beyond the limits."""

    @staticmethod
    def forward(context: object, x: Tensor, *limits: float) -> Tensor:
        return x.clamp(*limits)

    @staticmethod
    def backward(context: object, g: Tensor) -> tuple[Tensor | None, ...]:
        return g, None, None


def passes_limits(dt: Tensor, dt_bias: Tensor, **x: Any) -> tuple[Tensor, Tensor]:
    step = Unlimited.apply(functional.softplus(dt + dt_bias), 0.1, 2.0)
    return ssd(dt=step.expm1().log(), **x)


def without_softplus_slope(dt: Tensor, dt_bias: Tensor, **x: Any) -> tuple[Tensor, Tensor]:
    y = functional.softplus(dt + dt_bias)
    straight = dt + dt_bias
    return ssd(dt=(y.detach() + straight - straight.detach()).expm1().log(), **x)


def normaliser_fixed(**x: Tensor) -> Tensor:
    y = RIGHT["mlstm"](**x)
    memory_alone = RIGHT["attention"](
        x["q"],
        x["input_gate"].exp()[..., None] * x["k"],
        x["v"],
        functional.logsigmoid(x["forget_gate"])[..., None],
    )[0]
    return memory_alone * (y / memory_alone).detach()


RIGHT = {name: recurrence for name, (_, recurrence) in RECURRENCES.items()}
WRONG: dict[str, tuple[str, Recurrence, str | None]] = {
    "ssd: gate's gradient missing": ("ssd", detached(ssd, "z"), "dz"),
    "ssd: D's gradient missing": ("ssd", detached(ssd, "D"), "dD"),
    "ssd: initial state's gradient missing": ("ssd", detached(ssd, "initial_state"), "dinitial_state"),
    "ssd: B's gradient not summed over heads": ("ssd", lambda B, **x: ssd(B=of_first_head(B), **x), "dB"),
    "ssd: C's gradient not summed over heads": ("ssd", lambda C, **x: ssd(C=of_first_head(C), **x), "dC"),
    "ssd: sequences not separated": ("ssd", lambda seq_idx, **x: ssd(**x), None),
    "ssd: gradient beyond the limits of dt": ("ssd", passes_limits, "ddt"),
    "ssd: slope of softplus forgotten": ("ssd", without_softplus_slope, "ddt"),
    "ssd: gate's slope that of sigmoid": (
        "ssd",
        lambda z, **x: ssd(z=(z.sigmoid() * z.detach() - (z.sigmoid() * z).detach()) + z.detach(), **x),
        "dz",
    ),
    "attention: decay's gradient a step late": ("attention", of_later_state, "dg"),
    "attention: decay's gradient missing": ("attention", detached(attention, "g"), "dg"),
    "attention: scale forgotten": (
        "attention",
        lambda k, q, **x: attention(k=k, q=2 * q - q.detach(), **x),
        "dq",
    ),
    "rwkv6: bonus not in the gradient of k": (
        "rwkv6",
        lambda k, u, **x: RIGHT["rwkv6"](k=k, u=torch.zeros_like(u) + 0 * u, **x),
        None,
    ),
    "rwkv6: bonus' gradient of example 0 alone": (
        "rwkv6",
        lambda u, v, **x: RIGHT["rwkv6"](u=u, v=torch.cat([v[:1], v[1:].detach()]), **x),
        None,
    ),
    "rg-lru: reset not applied": ("rg-lru", lambda reset, **x: rg_lru(**x), None),
    "rg-lru: decay's gradient missing": ("rg-lru", detached(rg_lru, "decay"), "ddecay"),
    "min-gru: gate's gradient missing": ("min-gru", detached(RIGHT["min-gru"], "gate"), "dgate"),
    "complex: conjugate forgotten": (
        "complex",
        lambda a_im, **x: RIGHT["complex"](a_im=-a_im, **x),
        None,
    ),
    "delta: beta's gradient missing": ("delta", detached(RIGHT["delta"], "beta"), "dbeta"),
    "delta: norm taken for constant": (
        "delta",
        lambda k, **x: RIGHT["delta"](
            k=k / (k.square().sum(-1, keepdim=True) + 1e-6).sqrt().detach() * 1e3, **x
        ),
        None,
    ),
    "convolution: slope of silu forgotten": (
        "convolution",
        lambda x, weight, bias, initial_state: functional.conv1d(
            torch.cat([initial_state, x], 1).transpose(1, 2), weight[:, None], bias, groups=len(weight)
        ).transpose(1, 2),
        None,
    ),
    "mlstm: normaliser taken for constant": (
        "mlstm",
        lambda q, **x: normaliser_fixed(q=q, **x),
        "dq",
    ),
    "mlstm: forget gate's gradient missing": (
        "mlstm",
        detached(RIGHT["mlstm"], "forget_gate"),
        "dforget_gate",
    ),
    "selective: gate's gradient missing": ("selective", detached(RIGHT["selective"], "z"), "dz"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_backwards_are_refuted(fault: str) -> None:
    name, wrong, output = WRONG[fault]
    kernel, right = RECURRENCES[name]
    inputs = drawn(kernel, time=9)
    fn = by_hand(right, wrong)
    assert check_refinement(fn, kernel, inputs, shrink=False).verdict is Verdict.REFINES
    by_autograd = by_hand(right, right)
    check_refinement(by_autograd, kernel, inputs, gradients=True).require()
    report = check_refinement(fn, kernel, inputs, gradients=True, shrink=False)
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert report.worst.output.startswith("d")
    if output is not None:
        assert report.greatest[output] > 1


def test_a_wrong_backward_has_a_small_case_that_repeats_it() -> None:
    kernel, right = RECURRENCES["ssd"]
    fn = by_hand(right, detached(ssd, "D"))
    report = check_refinement(fn, kernel, drawn(kernel, time=5), gradients=True)
    assert report.verdict is Verdict.REFUTED
    smallest = present(report.smallest).inputs
    assert smallest["dy"].shape == smallest["x"].shape == (1, 1, 1, 1)
    assert "cotangents={'y': dy, 'last_state': dlast_state}" in present(report.smallest).code
    with pytest.raises(CheckFailed, match="cotangents given"):
        exec(present(report.smallest).code, {"fn": fn})


def test_a_small_case_keeps_what_is_no_number() -> None:
    kernel, right = RECURRENCES["rg-lru"]
    inputs = drawn(kernel, time=6)
    inputs["reset"] = inputs["reset"].bool()
    fn = by_hand(right, lambda reset, **x: rg_lru(**x))
    report = check_refinement(fn, kernel, inputs, gradients=True)
    assert report.verdict is Verdict.REFUTED
    assert present(report.smallest).inputs["reset"].dtype == torch.bool
    assert present(report.smallest).inputs["reset"].any()
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": fn})


# ---------------------------------------------------------------- where there is no derivative


def limited(passes: bool) -> Callable[..., Any]:
    """A kernel's recurrence with ``dt`` used as given, its clamp's gradient at the limits chosen."""

    class Clamp(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, dt: Tensor) -> Tensor:
            context.save_for_backward(dt)
            return dt.clamp(0.5, 2.0)

        @staticmethod
        def backward(context: Any, g: Tensor) -> Tensor:
            [dt] = context.saved_tensors
            inside = (dt >= 0.5) & (dt <= 2.0) if passes else (dt > 0.5) & (dt < 2.0)
            return torch.where(inside, g, 0.0)

    def fn(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
        return ssd(x, Clamp.apply(dt).expm1().log(), A, B, C, limits=(0.0, None))

    return fn


@pytest.mark.parametrize("at", [0.5, 2.0])
def test_at_a_limit_either_gradient_is_right(at: float) -> None:
    kernel = SsdScan(dt_min=0.5, dt_max=2.0)
    inputs = drawn(kernel, without=kernel.optional, time=5)
    inputs["dt"] = torch.full_like(inputs["dt"], at)
    for passes in (True, False):
        report = check_refinement(limited(passes), kernel, inputs, gradients=True, shrink=False)
        assert report.greatest["ddt"] <= 1
        assert report.verdict is Verdict.INCONCLUSIVE  # at every entry of ddt
    inputs["dt"] = torch.full_like(inputs["dt"], 1.0)
    inputs["dt"][0, 0, 0] = at
    for passes in (True, False):
        check_refinement(limited(passes), kernel, inputs, gradients=True).require()


@pytest.mark.parametrize("reference", [FLOAT64, DOUBLE_DOUBLE])
def test_which_one_is_the_greater_is_in_doubt_within_their_errors(
    reference: KernelFloat64 | KernelDoubleDouble,
) -> None:
    exact = Rounding(unit_roundoff=0.0, underflow=0.0, largest=np.inf)
    ar = KernelBounds(exact, reference)
    x, y = ar.lift(np.array([1.0, 1.0, 1.0, 2.0])), ar.lift(np.array([0.0, 1.0, 1.25, 1.0]))
    x.error = np.array([0.5, 0.0, 0.5, 0.0])
    gradient = ar.lift(np.full(4, 3.0))
    (first, *_), (second, *_) = ar.through_maximum(gradient, x, y)
    assert first.value.tolist() == [3.0, 3.0, 0.0, 3.0]
    assert second.value.tolist() == [0.0, 0.0, 3.0, 0.0]
    for part in (first, second):
        assert (part.error >= 3).tolist() == [False, True, True, False]


@pytest.mark.parametrize("arithmetic", [FLOAT64, DOUBLE_DOUBLE, EXACT], ids=lambda ar: ar.name)
def test_the_gradient_goes_to_the_greater_one_and_at_ties_to_the_first(
    arithmetic: KernelFloat64 | KernelDoubleDouble | KernelExact,
) -> None:
    tape = KernelTape(arithmetic)
    x, y = tape.variable(np.array([3.0, 1.0, 2.0])), tape.variable(np.array([1.0, 2.0, 2.0]))
    pulled = tape.gradients([(tape.maximum(x, y), np.array([5.0, 6.0, 7.0]))], [x, y])
    found = [arithmetic.nearest(arithmetic.total(parts, (3,))).tolist() for parts in pulled]
    assert found == [[5.0, 0.0, 7.0], [0.0, 6.0, 0.0]]


def test_a_root_of_what_may_be_zero_has_no_bound() -> None:
    inputs = drawn(RgLru(), without=RgLru().optional)
    inputs["decay"] = torch.full_like(inputs["decay"], -20.0)
    report = check_refinement(rg_lru, RgLru(), inputs, gradients=True, shrink=False)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "is infinite" in report.reason


def test_slopes_of_roots_in_every_arithmetic() -> None:
    x = np.array([0.25, 1.0, 9.0, 1e-6, 3e5])
    ar = KernelBounds(Rounding.of(torch.float32))
    for name in ("sqrt", "rsqrt"):
        tape = KernelTape(ar)
        variable = tape.variable(x)
        [parts] = tape.gradients([(getattr(tape, name)(variable), np.ones(5))], [variable])
        bound = ar.total(parts, (5,))
        leaf = torch.from_numpy(x).float().requires_grad_()
        [slope] = torch.autograd.grad(getattr(torch, name)(leaf).sum(), leaf)
        assert np.all(np.abs(slope.double().numpy() - bound.value) <= bound.error)
        assert np.all(bound.error <= 2e-6 * np.abs(bound.value))
    tape = KernelTape(EXACT)
    root, other = tape.variable(np.array([Fraction(1, 2)])), tape.variable(np.array([Fraction(3)]))
    results = [(tape.sqrt(root), np.array([1])), (tape.rsqrt(other), np.array([1]))]
    at_root, at_other = tape.gradients(results, [root, other])
    assert EXACT.total(at_root, (1,)) == Fraction(1, 2)
    assert EXACT.total(at_other, (1,)) == (1 + 2 * Fraction(-3)) * Fraction(-5, 2)


# ---------------------------------------------------------------- calls


def test_marks_are_whole_numbers_and_have_no_gradient() -> None:
    kernel, recurrence = RECURRENCES["ssd"]
    inputs = drawn(kernel)
    inputs["seq_idx"] = inputs["seq_idx"].long()
    report = check_refinement(recurrence, kernel, inputs, gradients=True).require()
    assert report.gradients == tuple(name for name in inputs if name != "seq_idx")
    assert "gradients : at x, dt, A, B, C, D, z, dt_bias, initial_state; cotangents drawn" in report.summary()
    assert report.seed == 0
    assert report.theorems == (
        kernel.theorem,
        "runDiagonalTransitions_error",
        "diagonalScan_adjoint",
        "diagonalScan_vjp_inputs_error",
    )


def test_a_bound_that_rests_on_no_theorem_names_none_for_gradients() -> None:
    kernel, recurrence = RECURRENCES["delta"]
    report = check_refinement(recurrence, kernel, drawn(kernel), gradients=True).require()
    assert report.theorems == (kernel.theorem,)


def test_cotangents_of_what_is_not_returned() -> None:
    kernel, recurrence = RECURRENCES["attention"]
    inputs = drawn(kernel)
    alone = check_refinement(lambda **x: recurrence(**x)[0], kernel, inputs, gradients=True).require()
    assert "dinitial_state" in alone.greatest
    with pytest.raises(
        InvalidArgument, match=r"a cotangent of last_state is given, but .* returns no last_state"
    ):
        check_refinement(
            lambda **x: recurrence(**x)[0],
            kernel,
            inputs,
            cotangents={"last_state": torch.ones(2, 4, 5, 3)},
        )


def test_states_without_a_gradient_can_be_left_out() -> None:
    kernel, recurrence = RECURRENCES["attention"]
    inputs = drawn(kernel)

    def fn(**x: Tensor) -> tuple[Tensor, Tensor]:
        y, last = recurrence(**x)
        return y, last.detach()

    undecided = check_refinement(fn, kernel, inputs, gradients=True)
    assert undecided.verdict is Verdict.INCONCLUSIVE
    assert "fn(…) has no gradient of last_state" in undecided.reason
    report = check_refinement(fn, kernel, inputs, cotangents={"y": torch.ones(2, 13, 4, 3)}).require()
    assert report.seed is None
    assert "last_state" in report.greatest


def test_the_place_of_a_gradient_of_a_group() -> None:
    kernel, recurrence = RECURRENCES["ssd"]

    def moved(B: Tensor, **x: Tensor) -> tuple[Tensor, Tensor]:
        if B.requires_grad:
            B.register_hook(lambda g: g + (torch.arange(2) == 1)[None, None, :, None] * 1e3)
        return recurrence(B=B, **x)

    report = check_refinement(moved, kernel, drawn(kernel), gradients=True, shrink=False)
    assert (report.worst.output, report.worst.group) == ("dB", 1)
    assert "worst: dB at example 0, t 0, group 1, state " in report.rows("mine")[0].evidence
    assert "rounding cannot explain the worst entry" in report.rows("mine")[0].evidence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cotangents": {}}, r"cotangents has \[\]"),
        ({"cotangents": {"x": torch.ones(1)}}, r"one or more of \['last_state', 'y'\]"),
        ({"cotangents": {"y": torch.ones(1)}}, r"cotangent of y has shape \(1,\)"),
    ],
)
def test_wrong_cotangents(options: dict[str, Any], message: str) -> None:
    kernel, recurrence = RECURRENCES["attention"]
    with pytest.raises(InvalidArgument, match=message):
        check_refinement(recurrence, kernel, drawn(kernel), **options)
    with pytest.raises(InvalidArgument, match="cotangents and cases are both given"):
        check_refinement(recurrence, kernel, cases=3, cotangents={"y": torch.ones(1)})


def test_groups_must_divide_what_they_group() -> None:
    kernel, recurrence = RECURRENCES["selective"]
    with pytest.raises(InvalidArgument, match="SelectiveScan: 3 channels, 2 groups; give a number"):
        check_refinement(recurrence, kernel, drawn(kernel, group=2, channel=3))
    kernel, _ = RECURRENCES["ssd"]
    with pytest.raises(InvalidArgument, match="4 heads, 3 groups; give a number"):
        kernel.run({name: x.numpy() for name, x in drawn(kernel, group=3).items()})
