"""One reading for every length: what it establishes, what it must not, and that concrete readings agree."""

import re
from collections.abc import Callable

import pytest
import sympy  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn
from torch.nn import functional

from scanproof import certify
from scanproof.errors import InvalidArgument
from scanproof.programs import read
from scanproof.programs.lengths import rules
from scanproof.programs.lengths.answer import EveryLength
from scanproof.programs.lengths.conditions import Lengths
from scanproof.programs.lengths.constants import constant
from scanproof.programs.lengths.every_length import every_length
from scanproof.programs.lengths.form import Known
from scanproof.programs.record import record
from scanproof.report.verdict import Verdict
from verdicts import assert_verdict

D = 4
X = torch.randn(2, 11, D, generator=torch.Generator().manual_seed(0))
LENGTHS = (2, 3, 5, 8, 13)
WEIGHT = torch.randn(D, D, generator=torch.Generator().manual_seed(1))
TAPS = torch.randn(D, 1, 3, generator=torch.Generator().manual_seed(2))
BUFFER = torch.full((32, 32), -torch.inf).triu(1)

Function = Callable[[Tensor], Tensor]


def times(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positions as a row and as a column."""
    t = torch.arange(x.shape[1])
    return t[None, :], t[:, None]


def attend(scores: Tensor, x: Tensor) -> Tensor:
    return scores.softmax(-1) @ (x @ WEIGHT)


def conv(x: Tensor, left: int, dilation: int = 1) -> Tensor:
    padded = functional.pad(x.mT, (left, 2 * dilation - left))
    return functional.conv1d(padded, TAPS, groups=D, dilation=dilation).mT


def boolean_mask(x: Tensor, diagonal: int = 0) -> Tensor:
    seen = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(diagonal)
    return attend((x @ x.mT).masked_fill(~seen, -torch.inf), x)


def additive_mask(x: Tensor, diagonal: int = 1) -> Tensor:
    hidden = torch.full((x.shape[1], x.shape[1]), torch.finfo(x.dtype).min).triu(diagonal)
    return attend(x @ x.mT + hidden, x)


def window(x: Tensor, ahead: int = 0) -> Tensor:
    row, column = times(x)
    seen = (row <= column + ahead) & (row > column - 3)
    return attend(torch.where(seen, x @ x.mT, -torch.inf), x)


def linear_attention(x: Tensor, diagonal: int = 0) -> Tensor:
    return (x @ x.mT).tril(diagonal) @ x


def by_hand(x: Tensor) -> Tensor:
    """A softmax whose hidden entries are zeroed after the exponential."""
    weights = (x @ x.mT - 3).exp().tril()
    return weights @ x / weights.sum(-1, keepdim=True)


def buffered(x: Tensor) -> Tensor:
    return attend(x @ x.mT + BUFFER[: x.shape[1], : x.shape[1]], x)


def shifted(x: Tensor, by: int = 1) -> Tensor:
    return functional.pad(x, (0, 0, by, 0))[:, : x.shape[1]]


def rolled_by_hand(x: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)


def heads(x: Tensor) -> Tensor:
    q = x.view(x.shape[0], x.shape[1], 2, 2).transpose(1, 2)
    y = functional.scaled_dot_product_attention(q, q, q, is_causal=True)
    return y.transpose(1, 2).reshape(x.shape)


def looked_up(x: Tensor, ahead: int = 0) -> Tensor:
    """Positions that are looked up in a table of positions, as transformers does."""
    rows, positions = torch.arange(len(x)), torch.arange(x.shape[1]).expand(len(x), -1)
    row, column = times(x)
    query = positions[rows[:, None, None], column]
    key = positions[rows[:, None, None], row]
    return attend(torch.where(key <= query + ahead, x @ x.mT, torch.finfo(x.dtype).min), x)


def summed_over_examples(x: Tensor) -> Tensor:
    return x.reshape(-1, D).cumsum(0).view(x.shape)


def masked_by_integers(x: Tensor) -> Tensor:
    """The complement of 0 is -1, so nothing is hidden."""
    row, column = times(x)
    return (x @ x.mT * ~(row <= column).int()) @ x


WEIGHTS = nn.Parameter(torch.randn(32, 32, generator=torch.Generator().manual_seed(5)).tril())


def mixed_by_weights(x: Tensor) -> Tensor:
    """The weights are lower triangular now, and need not stay so."""
    return WEIGHTS[: x.shape[1], : x.shape[1]] @ x


def positions_in(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask of positions in a dtype that rounds them, or wraps around: some later ones are seen."""
    t = torch.arange(x.shape[1]).to(dtype)
    return attend((x @ x.mT).masked_fill(t[None, :] > t[:, None], -torch.inf), x)


def position_before(x: Tensor) -> Tensor:
    """The position before the first one is the last one, so the first query sees all keys."""
    t = torch.arange(x.shape[1])
    return attend((x @ x.mT).masked_fill(t[None, :] > t[t - 1][:, None], -torch.inf), x)


def low(x: Tensor, number: float = -1e5) -> Tensor:
    return torch.full((x.shape[1], x.shape[1]), number).triu(1)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(D)
        self.mlp = nn.Sequential(nn.Linear(D, 8), nn.GELU(), nn.Linear(8, D))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.norm(x)) + heads(self.norm(x))


RIGHT: dict[str, Function] = {
    "block": Block().eval(),
    "cumsum": lambda x: x.cumsum(1) * x.sigmoid(),
    "convolution": lambda x: conv(x, 2),
    "dilated convolution": lambda x: conv(x, 4, dilation=2),
    "boolean mask": boolean_mask,
    "stricter mask": lambda x: boolean_mask(x, 0).cumsum(1),
    "additive mask": additive_mask,
    "window": window,
    "linear attention": linear_attention,
    "softmax by hand": by_hand,
    "mask in a buffer": buffered,
    "scores scaled after the mask": lambda x: attend((x @ x.mT + low(x)) / 2, x),
    "scores and small mask scaled": lambda x: attend((low(x) + x @ x.mT) * 0.125, x),
    "heads": heads,
    "looked up positions": looked_up,
    "shift": shifted,
    "shift by cat": rolled_by_hand,
    "first position": lambda x: x + x[:, :1],
    "normalised over features": lambda x: x / x.norm(dim=-1, keepdim=True),
}

WRONG: dict[str, Function] = {
    "flip": lambda x: x.flip(1),
    "mean": lambda x: x - x.mean(1, keepdim=True),
    "second position": lambda x: x + x[:, 1:2],
    "last position": lambda x: x + x[:, -1:],
    "convolution centred": lambda x: conv(x, 1),
    "dilated convolution one ahead": lambda x: conv(x, 3, dilation=2),
    "boolean mask one ahead": lambda x: boolean_mask(x, 1),
    "additive mask one ahead": lambda x: additive_mask(x, 2),
    "window ahead": lambda x: window(x, 1),
    "looked up positions ahead": lambda x: looked_up(x, 1),
    "sum over examples": summed_over_examples,
    "mask of integers": masked_by_integers,
    "weights": mixed_by_weights,
    "positions in int8": lambda x: positions_in(x, torch.int8),
    "positions in bfloat16": lambda x: positions_in(x, torch.bfloat16),
    "position before": position_before,
    "mask times a small number": lambda x: attend((x @ x.mT + low(x)) * 1e-7, x),
    "mask divided by a large number": lambda x: attend((x @ x.mT + low(x)) / 1e7, x),
    "mask added with a small factor": lambda x: attend(torch.add(x @ x.mT, low(x), alpha=1e-7), x),
    "mask as truth values": lambda x: attend(x @ x.mT + low(x).bool(), x),
    "mask times a whole number": lambda x: attend((x @ x.mT + low(x)) * torch.full((), 0.7).int(), x),
    "no mask": lambda x: attend(x @ x.mT, x),
    "linear attention one ahead": lambda x: linear_attention(x, 1),
    "next by cat": lambda x: torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], 1),
    "softmax over positions": lambda x: x.softmax(1),
    "norm over positions": lambda x: functional.layer_norm(x.mT, (x.shape[1],)).mT,
    "weights of a convolution from x": lambda x: (
        functional.conv1d(x[:1].mT, x[0, :, None, None] * TAPS[:1]).mT
    ),
    "mask from values": lambda x: torch.where(x.sum((1, 2), keepdim=True) > 0, x, -x),
    "reversed sum": lambda x: x.flip(1).cumsum(1).flip(1),
    "at multiples of 7": lambda x: x.cumsum(1) + (x.mean(1, keepdim=True) if x.shape[1] % 7 == 0 else 0),
    "beyond 12, squared": lambda x: x.cumsum(1) + (x.mean(1, keepdim=True) if x.shape[1] ** 2 > 150 else 0),
    "beyond 7": lambda x: x.cumsum(1) + (x.mean(1, keepdim=True) if x.shape[1] > 7 else 0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_causal_functions_are_established(name: str) -> None:
    found = every_length(RIGHT[name], X, 1)
    assert found.established, found.problem
    assert (found.shortest, found.longest) == (2, 32 if name == "mask in a buffer" else None)
    assert found.apart == {"mask in a buffer": (32,), "shift by cat": (2,)}.get(name, ())
    for length in LENGTHS:
        x = torch.randn(2, length, D, generator=torch.Generator().manual_seed(length))
        answer = read(RIGHT[name], x).answer("positions")
        assert answer is not None
        assert answer.established, f"at {length}: {answer}"


@pytest.mark.parametrize("name", WRONG)
def test_others_are_not(name: str) -> None:
    found = every_length(WRONG[name], X, 1)
    assert not found.established
    assert found.problem
    assert str(found).startswith("not established for every length: ")


@pytest.mark.parametrize(
    ("leaks", "shortest", "longest"),
    [(lambda T: T < 9, 9, None), (lambda T: T > 99, 2, 99), (lambda T: 2 * T > 99, 2, 49)],
)
def test_one_side_of_a_condition(leaks: Callable[[int], bool], shortest: int, longest: int | None) -> None:
    def fn(x: Tensor) -> Tensor:
        return x.cumsum(1) + (x.mean(1, keepdim=True) if leaks(x.shape[1]) else 0)

    found = every_length(fn, X, 1)
    assert (found.established, found.shortest, found.longest) == (True, shortest, longest)
    assert [found.covers(length) for length in (1, 2, 8, 9, 49, 50, 99, 100)] == [
        shortest <= length <= (longest or 100) for length in (1, 2, 8, 9, 49, 50, 99, 100)
    ]


CONDITIONS = "T >= 2|T >= 3|T > 3|T <= 98|T < 98|2*T < 99|2*T <= 99|2*T >= 9|2*T > 9|9 > T|4 - T < 0"
CONDITIONS += "|4 - 3*T <= -7|Ne(T, 1)|Ne(T - 1, 49)|Ne(2*T, 9)|Ne(2*T, 8)"


@pytest.mark.parametrize("condition", CONDITIONS.split("|"))
def test_conditions_over_a_range(condition: str) -> None:
    T = sympy.Symbol("T", integer=True, positive=True)
    guard = sympy.sympify(condition, {"T": T})
    met = Lengths(2, 99).meeting(guard, T)
    assert met is not None
    answer = EveryLength("", met.shortest, met.longest, met.apart)
    tried = range(1, 102)
    assert [answer.covers(length) for length in tried] == [
        2 <= length <= 99 and guard.subs(T, length) == sympy.true for length in tried
    ]


@pytest.mark.parametrize("condition", ["Eq(T, 5)", "T**2 <= 10000", "Ne(T % 7, 0)", "T <= s"])
def test_other_conditions_are_refused(condition: str) -> None:
    T, s = sympy.Symbol("T", integer=True, positive=True), sympy.Symbol("s", integer=True)
    assert Lengths(2).meeting(sympy.sympify(condition, {"T": T, "s": s}), T) is None


def test_operation_and_line_are_named() -> None:
    class Leaky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flip(1)

    found = every_length(Leaky(), X, 1)
    assert re.fullmatch(
        r"aten\.flip in test_every_length\.py:\d+: return x\.flip\(1\) reads positions that no delay bounds",
        found.problem,
    )


def test_a_loop_over_positions_is_for_one_length() -> None:
    def loop(x: Tensor) -> Tensor:
        steps = [x[:, 0]]
        for t in range(1, x.shape[1]):
            steps.append(0.5 * steps[-1] + x[:, t])
        return torch.stack(steps, 1)

    assert every_length(loop, X, 1).problem == (
        "torch.export has no program for every length: the program that it makes is for this length alone"
    )


def test_a_rule_that_fails_establishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def cumulate(node: object, forms: object) -> None:
        raise AssertionError("one argument")

    monkeypatch.setitem(rules.RULES, "cumsum", cumulate)
    report = certify(lambda x: x.cumsum(1), X, lengths="all")
    assert_verdict(report, Verdict.CAUSAL)  # by the list of lengths
    assert report.reading is not None
    assert report.reading.every is not None
    assert report.reading.every.problem == (
        "aten.cumsum has arguments that its rule does not expect (AssertionError: one argument)"
    )


def test_one_recording_serves_both_readings() -> None:
    calls = []

    def fn(x: Tensor) -> Tensor:
        calls.append(x)
        return x.cumsum(1)

    assert every_length(fn, X, 1, record(fn, X)).established
    given = len(calls)
    assert every_length(fn, X, 1).established
    assert len(calls) == 2 * given  # the recording was one of these calls, and here it is another one


def test_other_axes() -> None:
    assert every_length(lambda x: x.cumsum(0), X, 0).established
    assert every_length(lambda x: x.cumsum(-1), X, -1).established
    assert not every_length(lambda x: x.flip(0), X, 0).established


def test_token_ids() -> None:
    table = torch.randn(9, D, generator=torch.Generator().manual_seed(3))
    ids = torch.randint(0, 9, (2, 7), generator=torch.Generator().manual_seed(4))
    assert every_length(lambda ids: functional.embedding(ids, table).cumsum(1), ids, 1).established
    assert not every_length(lambda ids: functional.embedding(ids, table).flip(1), ids, 1).established


def test_assumptions_are_said() -> None:
    assert every_length(lambda x: x.cumsum(1), X, 1).assumptions == ()
    assert any("hides" in each for each in every_length(boolean_mask, X, 1).assumptions)


@pytest.mark.parametrize(
    ("values", "known", "beyond"),
    [
        (torch.ones(5, 5).tril(), Known.ZERO, 0),
        (torch.ones(5, 5).tril(-1), Known.ZERO, -1),
        (torch.full((3, 5, 5), -torch.inf).triu(2), Known.NINF, 1),
        (torch.full((5, 5), -1e30).triu(1), Known.LOW, 0),
        (torch.ones(4, 6, dtype=torch.bool).triu(1), Known.ONE, 0),
    ],
)
def test_bands_of_constants(values: Tensor, known: Known, beyond: int) -> None:
    form = constant(values)
    found = [each for each in form.regions if each.known is known and each.later is form.axes[-1][0]]
    assert [each.beyond for each in found] == [beyond]
    ahead = torch.arange(values.shape[-1]) - torch.arange(values.shape[-2])[:, None]
    tighter = values.reshape(-1, *values.shape[-2:])[:, ahead == beyond]
    assert len(tighter.unique()) > 1 or tighter.unique().item() != values[..., 0, -1].unique().item()


def test_text_says_the_range() -> None:
    assert str(EveryLength(shortest=2, longest=32)) == (
        "no output reads a later position at any length from 2 to 32: established"
    )


class TestCertify:
    def test_every_length_takes_the_place_of_the_list(self) -> None:
        report = certify(RIGHT["block"], X, lengths="all")
        assert_verdict(report, Verdict.CAUSAL)
        assert report.reading is not None
        assert report.reading.every is not None
        assert report.reading.every.established
        assert {each.positions for each in report.reading.others} == {1, X.shape[1]}
        assert "at any length from 2 on: established" in report.summary()
        assert any("hides" in each for each in report.reading.assumptions)
        assert "lengths='all'" in report.call

    def test_a_leak_beyond_a_length_is_found_by_the_list(self) -> None:
        """The program is for lengths up to 7, so other lengths are read one by one."""
        report = certify(WRONG["beyond 7"], X[:, :6], lengths="all", cases=1)
        assert_verdict(report, Verdict.LEAK)
        assert report.reading is not None
        assert report.reading.every is not None
        assert "at any length from 2 to 7: established" in report.summary()

    def test_lengths_beyond_the_range_are_read(self) -> None:
        def short(x: Tensor) -> Tensor:
            return x.cumsum(1) + (x.mean(1, keepdim=True) if x.shape[1] < 9 else 0)

        report = certify(short, X, lengths="all", cases=1)
        assert_verdict(report, Verdict.LEAK)
        assert report.T < 9
        assert "at any length from 9 on: established" in report.summary()

    def test_a_length_apart_is_read(self) -> None:
        def at_9(x: Tensor) -> Tensor:
            return x.cumsum(1) + (x.mean(1, keepdim=True) if x.shape[1] == 9 else 0)

        report = certify(at_9, X[:, :4], lengths="all", cases=1)
        assert_verdict(report, Verdict.LEAK)
        assert report.T == 9
        assert "at any length from 2 on, but for 9: established" in report.summary()

    def test_open_for_every_length_does_not_undo_what_is_read(self) -> None:
        def doubled(x: Tensor) -> Tensor:
            return x.repeat(1, 2, 1)[:, : x.shape[1]].cumsum(1)

        report = certify(doubled, X, lengths="all")
        assert_verdict(report, Verdict.CAUSAL)
        assert report.reading is not None
        assert report.reading.every is not None
        assert not report.reading.every.established
        assert len(report.reading.others) > 2

    def test_several_inputs_are_read_at_one_length_each(self) -> None:
        report = certify(lambda a, b: (a * b).cumsum(1), (X, X), lengths="all")
        assert_verdict(report, Verdict.CAUSAL)
        assert "several inputs" in report.summary()

    def test_another_word(self) -> None:
        with pytest.raises(
            InvalidArgument, match="lengths must be whole numbers >= 1, or \"all\", got 'any'"
        ):
            certify(lambda x: x.cumsum(1), X, lengths="any")  # type: ignore[arg-type]
