"""What a reading establishes, what it names, and what it rests on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import _disable_current_modes

from scanproof import Alignment
from scanproof.errors import InvalidArgument
from scanproof.programs import Reading, answer, read, record
from scanproof.programs.execute import execute


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


X = numbers(2, 9, 4)
DOCUMENTS = torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2])


def causal(x: Tensor) -> Tensor:
    return scaled_dot_product_attention(x, x, x, is_causal=True)


def positions(reading: Reading) -> bool:
    found = reading.answer("positions")
    assert found is not None
    return found.established


@dataclass
class Output:
    logits: Tensor
    state: Tensor
    note: str = ""


class TestAnswers:
    def test_excess_names_the_latest_position_of_each_output(self) -> None:
        reading = read(lambda x: x + x.roll(-2, 1), X)
        found = reading.answer("positions")
        assert found is not None
        assert [(each.at, each.reads) for each in found.excess] == [(t, (t + 2,)) for t in range(7)]

    def test_a_single_pair_behind_a_gate_that_never_opens(self) -> None:
        def fn(x: Tensor) -> Tensor:
            y = x.cumsum(1)
            y[1, 3, 2] += (x[1, 7, 0] > 1e30) * 1e-30
            return y

        reading = read(fn, X)
        assert [str(each) for each in reading.answers[0].excess] == ["3 of example 1 <- 7"]

    def test_examples(self) -> None:
        reading = read(lambda x: torch.cat([x[:1], x[:1] + x[1:2], x[2:]]), numbers(3, 9, 4))
        assert positions(reading)
        assert [str(each) for each in reading.answers[1].excess] == ["1 <- 0"]

    def test_more_examples_than_a_label_has_bits(self) -> None:
        x = numbers(130, 3, 1)
        assert read(lambda x: x.cumsum(1), x).established
        reading = read(lambda x: torch.cat([x[:128], x[64:65] + x[128:129], x[129:]]), x)
        assert [each.at for each in reading.answers[1].excess] == [128]
        assert 64 in reading.answers[1].excess[0].reads
        reading = read(
            lambda x: torch.cat([x[:128], x[66:67] + x[128:129], x[129:]]), x
        )  # the same first digit
        assert [each.at for each in reading.answers[1].excess] == [128]

    def test_one_example_is_not_asked_about(self) -> None:
        assert [found.question for found in read(causal, X[:1]).answers] == ["positions"]
        assert [
            found.question for found in read(lambda x: x.cumsum(0), X[0], seq_dim=0, batch_dim=None).answers
        ] == ["positions"]

    @pytest.mark.parametrize(("queries", "keys"), [(9, 9), (5, 9), (9, 5)])
    def test_attention_of_other_lengths(self, queries: int, keys: int) -> None:
        """Query t of ``is_causal`` sees the keys up to t, however many keys there are."""

        def fn(x: Tensor) -> Tensor:
            y = scaled_dot_product_attention(x[:, :queries], x[:, :keys], x[:, :keys], is_causal=True)
            return torch.cat([y, x[:, queries:]], 1)

        def ahead(x: Tensor) -> Tensor:
            return torch.cat([fn(x)[:, 1:], x[:, :1]], 1)

        assert positions(read(fn, X))
        found = read(ahead, X).answer("positions")
        assert found is not None
        shared = range(min(queries, keys) - 1)
        assert {each.at for each in found.excess if each.at in shared} == set(shared)
        assert {each.reads for each in found.excess if each.at in shared} == {(t + 1,) for t in shared}

    def test_a_backward_pass_is_read(self) -> None:
        """The gradient of a causal function reads later cotangents alone."""

        def attend(x: Tensor) -> Tensor:
            future = torch.ones(9, 9, dtype=torch.bool).triu(1)
            return (x @ x.mT).masked_fill(future, -torch.inf).softmax(-1) @ x

        def gradient(cotangent: Tensor) -> Tensor:
            with torch.enable_grad():
                x = X.clone().requires_grad_()
                return torch.autograd.grad(attend(x), x, cotangent)[0]

        assert positions(read(lambda ct: gradient(ct.flip(1)).flip(1), X))
        assert not positions(read(gradient, X))

    def test_documents(self) -> None:
        same = DOCUMENTS[:, None] == DOCUMENTS
        mask = same & torch.ones(9, 9, dtype=torch.bool).tril()
        packed = read(lambda x: scaled_dot_product_attention(x, x, x, attn_mask=mask), X, documents=DOCUMENTS)
        assert packed.established
        whole = read(causal, X, documents=DOCUMENTS).answer("documents")
        assert whole is not None
        assert [(each.at, each.reads) for each in whole.excess[:2]] == [(3, (0,)), (4, (0,))]
        assert whole.excess[-1].reads == (0, 1)

    def test_documents_by_row(self) -> None:
        rows = torch.stack([DOCUMENTS, torch.zeros_like(DOCUMENTS)])
        found = read(causal, X, documents=rows).answer("documents")
        assert found is not None
        assert {each.example for each in found.excess} == {0}

    @pytest.mark.parametrize(
        ("fn", "alignment", "established"),
        [
            (lambda x: x.cumsum(1)[:, ::3], Alignment.stride(3), True),
            (lambda x: x.unflatten(1, (3, 3)).sum(2), Alignment.patches(3), True),
            (lambda x: x.unflatten(1, (3, 3)).sum(2), Alignment.stride(3), False),
            (lambda x: x.cumsum(1), Alignment.shift(1), False),
            (lambda x: x.cumsum(1)[:, 2:4], [3, 4], True),
            (lambda x: x.cumsum(1)[:, 2:4], [3, 3], False),
        ],
    )
    def test_alignments(
        self, fn: Callable[[Tensor], Tensor], alignment: Alignment | list[int], established: bool
    ) -> None:
        assert positions(read(fn, X, alignment=alignment)) == established

    def test_outputs_without_positions_are_named(self) -> None:
        reading = read(lambda x: Output(x.cumsum(1), x.sum(1)), X)
        assert reading.established
        assert reading.unasked == (".state",)

    def test_a_step_reads_its_cache(self) -> None:
        def step(token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            states = state[:, None] + token.cumsum(1)
            return states, states[:, -1]

        assert read(step, (X[:, :3], X[:, 0])).established
        assert not read(lambda token, state: step(token.flip(1), state), (X[:, :3], X[:, 0])).established

    def test_inputs_by_name_and_constants(self) -> None:
        def fn(ids: Tensor, mask: Tensor, scale: Tensor) -> Tensor:
            return (ids * mask).cumsum(1) * scale

        ids = torch.arange(18).reshape(2, 9)
        reading = read(fn, {"ids": ids, "mask": torch.ones(2, 9)}, kwargs={"scale": torch.ones(9)})
        assert reading.established
        assert not read(
            fn, {"ids": ids, "mask": torch.ones(2, 9)}, kwargs={"scale": ids.sum(1).flip(0)[:, None]}
        ).unknown

    def test_an_axis_that_a_function_names(self) -> None:
        def axis(name: str, shape: tuple[int, ...]) -> int | None:
            return {"x[0]": 1, "x[1]": 2}.get(name, 1)

        def fn(x: Tensor, channels_first: Tensor) -> Tensor:
            return x.cumsum(1) + channels_first.mT.cumsum(1)

        assert read(fn, (X, X.mT), seq_dim=axis).established
        assert not positions(read(lambda x, y: fn(x, y.flip(2)), (X, X.mT), seq_dim=axis))

    @pytest.mark.parametrize(
        ("fn", "says"),
        [(lambda x: x.sum(), "no output has an axis of 9"), (lambda x: "text", "no output has an axis of 9")],
    )
    def test_nothing_to_ask(self, fn: Callable[[Tensor], Any], says: str) -> None:
        with pytest.raises(InvalidArgument, match=says):
            read(fn, X)

    def test_no_positions(self) -> None:
        with pytest.raises(InvalidArgument, match="no input has an axis 1"):
            read(lambda x: x, numbers(3))

    def test_documents_of_another_shape(self) -> None:
        with pytest.raises(InvalidArgument, match=r"documents must have shape \(9,\)"):
            read(causal, X, documents=DOCUMENTS[:4])


class Mixer(nn.Module):
    def __init__(self, leaks: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 4, 3, padding=1 if leaks else 2)
        self.norm = nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x.mT)[..., : x.shape[1]].mT)


class TestWhereItEnters:
    def test_a_module(self) -> None:
        layers = nn.Sequential(Mixer(False), nn.Linear(4, 4), Mixer(True), Mixer(False))
        jump = read(layers, X).answers[0].jump
        assert jump is not None
        assert (jump.operation, jump.module) == ("aten.convolution", "2.conv (Conv1d)")
        assert jump.file == __file__

    def test_a_line(self) -> None:
        def fn(x: Tensor) -> Tensor:
            y = causal(x)
            z = y.flip(1).cumsum(1)
            return z.flip(1) * 2

        jump = read(fn, X).answers[0].jump
        assert jump is not None
        assert (jump.operation, jump.line) == ("aten.flip", fn.__code__.co_firstlineno + 2)

    def test_what_gave_positions_up(self) -> None:
        def fn(x: Tensor) -> Tensor:
            mean = x.mean(1, keepdim=True)
            scaled = mean.tanh() * 2
            return causal(x) + scaled

        jump = read(fn, X).answers[0].jump
        assert jump is not None
        assert (jump.operation, jump.through) == ("aten.add.Tensor", "aten.mean.dim")
        assert jump.line == fn.__code__.co_firstlineno + 3

    def test_a_masked_score_is_no_jump(self) -> None:
        def fn(x: Tensor) -> Tensor:
            scores = (x @ x.mT).masked_fill(~torch.ones(9, 9, dtype=torch.bool).tril(), -1e9)
            sinks = torch.cat([scores, torch.zeros(2, 9, 1)], -1).softmax(-1)[..., :-1]
            return (sinks @ x).flip(1)

        jump = read(fn, X).answers[0].jump
        assert jump is not None
        assert jump.operation == "aten.flip"

    def test_examples(self) -> None:
        norm = nn.BatchNorm1d(4).train()
        jump = read(lambda x: norm(causal(x).mT).mT, X).answers[1].jump
        assert jump is not None
        assert (jump.operation, jump.module) == ("aten.native_batch_norm", "norm (BatchNorm1d)")


class TestWhatItRestsOn:
    def test_a_choice_by_values(self) -> None:
        reading = read(lambda x: x.cumsum(1) if x.sum() > 0 else x, X)
        assert reading.established
        assert any("path" in sentence for sentence in reading.assumptions)
        assert [(seen.kind, seen.latest, seen.steers) for seen in reading.seen] == [
            ("_local_scalar_dense", 8, True)
        ]

    @pytest.mark.parametrize(
        "fn",
        [
            lambda x: x.cumsum(1) / x.abs().max().item(),
            lambda x: x.cumsum(1) * (1 / x[:, -1].sum().item()),
            lambda x: x.cumsum(1) * torch.tensor(x.sum().item()),
            lambda x: x.cumsum(1) * torch.from_numpy(x.sum(1).numpy().copy())[:, None],
            lambda x: x.cumsum(1) * x.flatten().tolist()[-1],
            lambda x: x.cumsum(1) / (17 + (x > 0).sum()).item(),
        ],
    )
    def test_a_number_that_comes_back(self, fn: Callable[[Tensor], Tensor]) -> None:
        assert not positions(read(fn, X))

    def test_a_number_of_the_past_that_comes_back(self) -> None:
        def fn(x: Tensor) -> Tensor:
            y = x.cumsum(1) * 0.5
            return torch.cat([y[:, :1], y[:, 1:] * x[:, 0].sum().item()], 1)

        assert positions(read(fn, X))

    def test_finite_numbers(self) -> None:
        masked = read(lambda x: x * torch.ones(9, 1), X)
        assert not any("finite" in sentence for sentence in masked.assumptions)
        mask = torch.ones(9, 9).tril()
        masked = read(lambda x: mask @ x, X)
        assert any("finite" in sentence for sentence in masked.assumptions)

    @pytest.mark.parametrize(("size", "established"), [(-torch.inf, True), (-1e9, True), (-10.0, False)])
    def test_how_much_hides(self, size: float, established: bool) -> None:
        mask = torch.zeros(9, 9).masked_fill(~torch.ones(9, 9, dtype=torch.bool).tril(), size)
        reading = read(lambda x: (x @ x.mT + mask).softmax(-1) @ x, X)
        assert positions(reading) == established
        assert any("scores are small" in sentence for sentence in reading.assumptions) == (size == -1e9)

    def test_a_row_in_which_all_is_hidden_by_finite_numbers_reads_all(self) -> None:
        mask = torch.zeros(9, 9).masked_fill(~torch.ones(9, 9, dtype=torch.bool).tril(-1), -1e9)
        reading = read(lambda x: (x @ x.mT + mask).softmax(-1) @ x, X)
        assert [each.at for each in reading.answers[0].excess] == [0]

    @pytest.mark.parametrize(("lift", "established"), [(9e8, False), (2e3, True), (-1e9, True)])
    def test_a_known_number_may_lift_what_is_masked(self, lift: float, established: bool) -> None:
        above = torch.ones(9, 9).triu(1)
        for fn in (
            lambda x: (x @ x.mT + -1e9 * above + lift * above).softmax(-1) @ x,
            lambda x: (x @ x.mT + -1e9 * above - (-lift * above)).softmax(-1) @ x,
        ):
            assert positions(read(fn, X)) == established


class TestTheRecordingIsTested:
    @pytest.mark.parametrize("make", [torch.empty_like, torch.zeros_like])
    def test_a_kernel_that_torch_does_not_see(self, make: Callable[[Tensor], Tensor]) -> None:
        def fn(x: Tensor) -> Tensor:
            y = make(x)
            with _disable_current_modes():  # as a kernel of another library writes
                y.copy_(x.flip(1))
            return y + x.cumsum(1)

        reading = read(fn, X)
        assert not positions(reading)
        assert reading.executed is not None
        assert not reading.executed.same

    def test_what_nothing_wrote_is_no_number(self) -> None:
        """The memory might hold what the function wrote there before."""
        (result,) = execute(record(lambda x: torch.empty_like(x), X), [X]).values()
        assert result.isnan().all()

    def test_a_tensor_that_left_the_program(self) -> None:
        reading = read(lambda x: x.cumsum(1) + nn.Parameter(x.sum(1, keepdim=True)), X)
        assert not reading.established
        assert "is not what the function computes" in reading.answers[0].reason

    def test_another_input_may_be_refused(self) -> None:
        seen: list[Tensor] = []

        def fn(x: Tensor) -> Tensor:
            seen.append(x)
            if len(seen) == 2:  # the other input: it comes between two runs at X
                raise ValueError("no other input")
            return x.cumsum(1)

        reading = read(fn, X)
        assert reading.established
        assert reading.executed is not None
        assert reading.executed.at == ("x",)
        assert torch.equal(seen[2], X)

    def test_a_second_run_returns_something_else(self) -> None:
        calls: list[int] = []

        def fn(x: Tensor) -> Tensor:
            calls.append(1)
            return x.cumsum(1) * len(calls) if x.shape[1] > int(x.isnan().sum()) else x

        reading = read(fn, X)
        assert not reading.established
        assert "a second run at x returns something else" in reading.answers[0].reason

    def test_without_it(self) -> None:
        assert answer(record(causal, X)).established
        assert read(causal, X, validate=False).executed is None


def test_unwritten_memory_may_be_anything() -> None:
    program = record(lambda x: x.cumsum(1) + torch.empty(4), X)
    assert not answer(program).established


def test_the_summary_says_it_all() -> None:
    lines = read(lambda x: Output(x.flip(1), x.sum(1)), X).summary().splitlines()
    assert lines[0] == "Reading of 2 operations, inputs (2, 9, 4)"
    assert lines[1].startswith(
        "  no output reads a later position: not established; .logits 0 of example 0 <- 8, "
    )
    assert lines[2] == "  no example reads another one: established"
    assert lines[-1] == "  not asked about: .state"


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(("ahead", "established"), [(0, True), (1, False)])
def test_flex_attention(ahead: int, established: bool) -> None:
    flex = pytest.importorskip("torch.nn.attention.flex_attention")

    def fn(x: Tensor) -> Tensor:
        mask = flex.create_block_mask(lambda b, h, q, k: q + ahead >= k, None, None, 9, 9, device="cpu")
        return flex.flex_attention(*[x[:, None]] * 3, block_mask=mask)[:, 0]

    assert positions(read(fn, X)) == established
