"""Random causal compositions certify with exact zeros; one injected pair is found, and named."""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof import Verdict, certify, check_prefix
from verdicts import assert_verdict, pair_of
from zoo.attention import causal_attention, chunked_linear_attention
from zoo.injected import with_pair_leak
from zoo.mixing import shifted
from zoo.scans import ema

Layer = Callable[[Tensor], Tensor]


def mixed_channels(seed: int) -> Layer:
    weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
    return lambda x: x @ weight[: x.shape[-1], : x.shape[-1]].to(x.dtype)


def causal_mixing(seed: int) -> Layer:
    """Mix positions by a random lower triangular matrix."""
    full = torch.randn(12, 12, generator=torch.Generator().manual_seed(seed)).tril()
    return lambda x: full[: x.shape[1], : x.shape[1]].to(x.dtype) @ x


def normalised(x: Tensor) -> Tensor:
    return x * (1 + x.square().mean(-1, keepdim=True)).rsqrt()


def residual(layer: Layer) -> Layer:
    return lambda x: x + layer(x)


plain: st.SearchStrategy[Layer] = st.sampled_from(
    [torch.tanh, normalised, ema, causal_attention, chunked_linear_attention, shifted]
)
seeded: st.SearchStrategy[Layer] = st.builds(
    lambda make, seed: make(seed), st.sampled_from([mixed_channels, causal_mixing]), st.integers(0, 99)
)
layers = plain | seeded | plain.map(residual) | seeded.map(residual)


class Case(NamedTuple):
    fn: Layer
    x: Tensor


@st.composite
def causal_cases(draw: st.DrawFn, dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)) -> Case:
    chosen = draw(st.lists(layers, min_size=1, max_size=4))
    shape = (draw(st.integers(1, 3)), draw(st.integers(2, 12)), draw(st.integers(1, 4)))
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 2**32))))
    fn: Layer = lambda x: reduce(lambda h, layer: normalised(layer(h)), chosen, x) + 0.1 * x  # noqa: E731
    return Case(fn, numbers.to(draw(st.sampled_from(dtypes))))


@st.composite
def pairs(draw: st.DrawFn, x: Tensor) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Draw an output entry and a later input entry of the same example."""
    examples, T, channels = x.shape
    example, t = draw(st.integers(0, examples - 1)), draw(st.integers(0, T - 2))
    s = draw(st.integers(t + 1, T - 1))
    return (example, t, draw(st.integers(0, channels - 1))), (example, s, draw(st.integers(0, channels - 1)))


@settings(max_examples=100, deadline=None)
@given(causal_cases())
def test_a_causal_composition_has_exact_zeros(case: Case) -> None:
    report = certify(case.fn, case.x, cuts="all")
    assert_verdict(report, Verdict.CAUSAL)
    assert report.temporal.residue == report.temporal_leak == report.crossbatch_leak == 0.0


@settings(max_examples=100, deadline=None)
@given(causal_cases(), st.integers(0, 10), st.data())
def test_an_injected_pair_is_named(case: Case, digits: int, data: st.DataObject) -> None:
    output, source = data.draw(pairs(case.x))
    report = certify(with_pair_leak(case.fn, 10.0**-digits, output, source), case.x, cuts="all")
    assert_verdict(report, Verdict.LEAK)
    assert report.temporal.leaking == source[1] - output[1]
    pair = pair_of(report)
    assert (pair.output_index, pair.input_index) == (output, source)
    assert abs(pair.size * 10.0**digits - 1) < 1e-5


@settings(max_examples=50, deadline=None)
@given(causal_cases(), st.integers(0, 2**32))
def test_every_cut_sees_the_pairs_across_it_and_no_other(case: Case, seed: int) -> None:
    T = case.x.shape[1]
    weights = torch.randn(T, T, generator=torch.Generator().manual_seed(seed)).to(case.x.dtype)
    report = certify(lambda x: case.fn(x) + weights @ x, case.x)
    assert_verdict(report, Verdict.LEAK)
    assert report.temporal.leaking == T - 1


@settings(max_examples=60, deadline=None)
@given(causal_cases())
def test_a_causal_composition_keeps_its_prefixes(case: Case) -> None:
    report = check_prefix(case.fn, case.x)
    assert_verdict(report, Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)


@settings(max_examples=60, deadline=None)
@given(causal_cases(dtypes=(torch.float64,)), st.integers(1, 8), st.data())
def test_an_injected_pair_breaks_the_prefixes_between(case: Case, digits: int, data: st.DataObject) -> None:
    output, source = data.draw(pairs(case.x))
    case.x[source] = 1.0
    report = check_prefix(with_pair_leak(case.fn, 10.0**-digits, output, source), case.x)
    assert_verdict(report, Verdict.LEAK)
    assert report.worst is not None
    assert report.worst.index == output
    assert output[1] < report.worst.cut <= source[1]
    assert abs(report.worst.size * 10.0**digits - 1) < 1e-5
