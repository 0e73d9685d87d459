"""Ways of feeding that real models need: two layers, masks without a key, caches that are copied, padding."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scanproof import Verdict, check_streaming
from scanproof.programs.field.draw import Point
from scanproof.programs.field.interpret import run_floats, run_residues
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.residues import Side
from scanproof.programs.program import Program
from scanproof.programs.record import record
from scanproof.programs.wide import run_wide
from scanproof.streaming.model import copied
from scanproof.streaming.report import StreamingWay

WIDTH = 4


class Decays(nn.Module):
    """A layer whose pass adds up logarithms of decays, where its steps multiply decays."""

    def __init__(self, wrong: float) -> None:
        super().__init__()
        self.rate, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.wrong = wrong

    def forward(self, x: Tensor) -> Tensor:
        """Run over the whole sequence."""
        logs = -torch.sigmoid(self.rate(x)).cumsum(1)
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        decays = (logs[:, :, None] - logs[:, None]).masked_fill(later[..., None], -torch.inf).exp()
        return x + self.out((decays * x[:, None]).sum(2))

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take one token."""
        h = (-torch.sigmoid(self.rate(x[:, 0]))).exp() * h + (1 + self.wrong) * x[:, 0]
        return x + self.out(h)[:, None], h


class TwoLayers(nn.Module):
    """Two layers with decays."""

    def __init__(self, wrong: float = 0.0, T: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.ModuleList([Decays(wrong), Decays(0.0)])
        self.T = T
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Run over the whole sequence."""
        for layer in self.layers:
            x = layer(x)
        return x

    def initial_state(self, x: Tensor) -> list[Tensor]:
        """Return zeros for each layer."""
        return [torch.zeros_like(x[:, 0]) for _ in self.layers]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Take one token; a wrong model returns ``T`` of them."""
        states = []
        for layer, h in zip(self.layers, state, strict=True):
            assert isinstance(layer, Decays)
            x, h = layer.step(x, h)
            states.append(h)
        return (x.expand(-1, self.T, -1) if self.T else x), states


def steps(model: TwoLayers) -> StreamingWay:
    x = torch.randn(1, 4, WIDTH, generator=torch.Generator().manual_seed(0))
    return check_streaming(model, x, cuts=[1], exact=True).ways[0]


def test_a_law_of_exp_in_one_layer_does_not_leave_the_next_open() -> None:
    assert steps(TwoLayers()).exact.verdict is Verdict.EQUAL


@pytest.mark.parametrize("wrong", [2.0**-10, 2.0**-30])
def test_a_wrong_factor_in_the_first_of_two_layers_is_found(wrong: float) -> None:
    way = steps(TwoLayers(wrong))
    assert way.exact.verdict is Verdict.DIFFERENT
    assert way.exact.constants == (wrong < 2.0**-20)
    assert way.verdict.found != way.exact.constants


def test_outputs_of_another_shape_are_another_function() -> None:
    way = steps(TwoLayers(T=2))
    assert (way.exact.verdict, way.exact.constants) == (Verdict.DIFFERENT, False)
    assert "(1, 8, 4) in place of (1, 4, 4)" in way.exact.reason


def residues(program: Program, *inputs: Tensor) -> Side:
    point = Point(0, 0)
    floats = run_floats(program, inputs)
    (found,) = run_residues(program, floats, lambda value: point.drawn(0, value), point.primes).values()
    assert isinstance(found, Pair)
    assert isinstance(found.value, Side)
    return found.value


def test_a_query_that_may_see_no_key_gets_zeros_and_leaves_other_queries_alone() -> None:
    mask = torch.ones(3, 3).tril().bool()
    mask[0] = False

    def attend(q: Tensor, kept: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(q, q, q, attn_mask=kept)

    q = torch.randn(1, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    masked, seen = (
        residues(record(lambda q, kept=kept: attend(q, kept), q), q)
        for kept in (mask, torch.ones(3, 3).tril().bool())
    )
    assert not attend(q, mask)[0, 0, 0].any()
    assert not masked.values[0, 0, 0].any()
    assert torch.equal(masked.values[..., 1:, :], seen.values[..., 1:, :])


def test_attention_runs_in_float64_in_a_run_in_float64() -> None:
    q = torch.randn(1, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    program = record(lambda q: functional.scaled_dot_product_attention(q, q, q), q)
    (wide,) = run_wide(program, [q]).values()
    exact = functional.scaled_dot_product_attention(q.double(), q.double(), q.double())
    assert float((wide - exact).abs().max()) < 1e-15


def test_rows_of_zeros_do_not_raise_the_degree() -> None:
    def rows(x: Tensor, count: int) -> Tensor:
        x = functional.pad(x, (0, 0, 0, count))
        for row in range(1, len(x)):
            x = torch.cat([x[:row], x[row : row + 1] * x[:row].sum(0), x[row + 1 :]])
        return x

    x = torch.randn(3, 2)
    short, padded = (residues(record(lambda x, n=n: rows(x, n), x), x).degree for n in (0, 20))
    assert padded.numerator == short.numerator
    assert short.numerator < padded.behind < 1000 < 2**20


@dataclass
class Cache:
    """A state of two tensors, of which one is a view of the other, and another tensor."""

    keys: Tensor
    view: Tensor
    other: Tensor


def test_a_copy_of_a_state_shares_no_memory_with_it_and_keeps_what_it_shares_within() -> None:
    keys = torch.zeros(2, 3)
    state = Cache(keys, keys[0], torch.zeros(3))
    copy = copied(state)
    state.keys.fill_(1)
    state.other.fill_(1)
    assert not copy.keys.any()
    assert not copy.other.any()
    copy.keys.fill_(2)
    assert (copy.view == 2).all()


def test_a_copy_can_be_recorded() -> None:
    def fn(x: Tensor) -> Tensor:
        state = {"h": x * 2}
        kept = copied(state)
        state["h"].zero_()
        return kept["h"]

    x = torch.ones(2)
    (y,) = record(fn, x).results.values()
    assert torch.equal(y, 2 * x)
