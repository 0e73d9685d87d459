from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scan_case import sequential
from scanproof import (
    CausalCertificate,
    InvalidArgument,
    PerturbationReport,
    Verdict,
    certify,
    check_perturbation,
    check_prefix,
)
from scanproof.foundation.contract import Axes
from scanproof.foundation.packing import Packing
from verdicts import assert_verdict, pair_of, present


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


SCAN = {"u": numbers(2, 3, 9), "delta": numbers(2, 3, 9), "B": numbers(2, 4, 9), "C": numbers(2, 1, 4, 9)}
CONSTANTS = {"A": -torch.ones(3, 4), "delta_softplus": True}


def scan(u: Tensor, delta: Tensor, B: Tensor, C: Tensor, **constants: Any) -> Tensor:
    return sequential(u, delta, constants.pop("A"), B, C.squeeze(1), **constants)


@st.composite
def packings(draw: st.DrawFn) -> tuple[Packing, list[Tensor]]:
    seq, batch = draw(
        st.sampled_from([(1, 0), (0, 1), (-1, 0), (-1, -2), (1, -2), (-2, 0), (0, None), (-1, None)])
    )
    named = [axis for axis in (seq, batch) if axis is not None]
    ranks = [
        rank
        for rank in range(1, 5)
        if all(-rank <= axis < rank for axis in named) and len({axis % rank for axis in named}) == len(named)
    ]
    lengths = dict(zip(named, (draw(st.integers(1, 4)), draw(st.integers(1, 3))), strict=False))
    tensors = []
    for seed in range(draw(st.integers(1, 3))):
        shape = [draw(st.integers(1, 3)) for _ in range(draw(st.sampled_from(ranks)))]
        for axis in named:
            shape[axis] = lengths[axis]
        tensors.append(numbers(*shape, seed=seed))
    return Packing.of("check", tensors, Axes(seq, batch)), tensors


class TestPacking:
    @settings(deadline=None)
    @given(packings())
    def test_unpacks_what_it_packed(self, case: tuple[Packing, list[Tensor]]) -> None:
        packing, tensors = case
        packed = packing.pack(tensors)
        for tensor, other in zip(tensors, packing.unpack(packed), strict=True):
            assert torch.equal(tensor, other)
            assert other.is_contiguous()
        if packing.axes.batch is not None:
            assert packed.shape[packing.axes.batch] == tensors[0].shape[packing.axes.batch]
        assert packed.shape[packing.axes.seq] == tensors[0].shape[packing.axes.seq]

    @settings(deadline=None)
    @given(packings())
    def test_names_every_entry(self, case: tuple[Packing, list[Tensor]]) -> None:
        packing, tensors = case
        packed = packing.pack(tensors)
        for index in torch.ones_like(packed).nonzero().tolist():
            name, own = packing.place(tuple(index))
            assert tensors[int(name[2:-1])][own] == packed[tuple(index)]

    @settings(deadline=None)
    @given(packings())
    def test_swaps_one_input(self, case: tuple[Packing, list[Tensor]]) -> None:
        packing, tensors = case
        packed = packing.pack(tensors)
        swaps = list(packing.swaps(packed, -packed))
        assert [name for name, _ in swaps] == [f"x[{i}]" for i in range(len(tensors))]
        for number, (_, swapped) in enumerate(swaps):
            for i, (tensor, other) in enumerate(zip(tensors, packing.unpack(swapped), strict=True)):
                assert torch.equal(other, -tensor if i == number else tensor)

    def test_takes_fewer_positions_and_more_examples(self) -> None:
        packing = Packing.of("check", SCAN, Axes(-1, 0))
        packed = packing.pack(SCAN)
        copies = torch.cat([packed, packed])[..., :5]
        assert [tuple(tensor.shape) for tensor in packing.unpack(copies)] == [
            (4, 3, 5),
            (4, 3, 5),
            (4, 4, 5),
            (4, 1, 4, 5),
        ]


@pytest.mark.parametrize("check", [certify, partial(certify, cuts="coded"), check_prefix, check_perturbation])
class TestScan:
    def test_in_all_its_sequences(self, check: Callable[..., Any]) -> None:
        report = check(scan, SCAN, kwargs=CONSTANTS, seq_dim=-1)
        assert_verdict(report, Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)
        assert report.T == 9
        ordered = check(lambda *x, **k: scan(*x, **k), tuple(SCAN.values()), kwargs=CONSTANTS, seq_dim=-1)
        assert ordered.verdict is report.verdict

    @settings(max_examples=20, deadline=None)
    @given(data=st.data())
    def test_a_leaky_input_is_named(self, check: Callable[..., Any], data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(SCAN)))
        t = data.draw(st.integers(0, 7))
        s = data.draw(st.integers(t + 1, 8))
        channel = tuple(data.draw(st.integers(0, size - 1)) for size in SCAN[name].shape[1:-1])

        def leaky(**x: Any) -> Tensor:
            y = scan(**x).clone()
            if s < y.shape[-1]:
                y[1, 2, t] += 1e-2 * x[name][(1, *channel, s)]
            return y

        report = check(leaky, SCAN, kwargs=CONSTANTS, seq_dim=-1)
        assert_verdict(report, Verdict.LEAK)
        if isinstance(report, CausalCertificate):
            pair = pair_of(report)
            assert (pair.input_name, pair.input_index) == (name, (1, *channel, s))
            assert (pair.output_index, pair.t, pair.s) == ((1, 2, t), t, s)
            assert f"|dy[1, 2, {t}] / d{name}[1, " in str(pair)
        else:
            assert report.worst.index == (1, 2, t)
        if isinstance(report, PerturbationReport):
            assert (present(report.worst).input_name, present(report.worst).sources) == (name, (s, s))
            assert f"when {name}[" in str(report.worst)


class TestCertify:
    def test_an_example_that_reads_another(self) -> None:
        def leaky(u: Tensor, gate: Tensor) -> Tensor:
            return u.cumsum(1) + 1e-3 * gate.flip(0)

        report = certify(leaky, (numbers(2, 5, 3), numbers(2, 5, 3)))
        assert report.is_strictly_causal
        pair = pair_of(report)
        assert pair.input_name == "x[1]"
        assert (pair.output_example, pair.input_example) in ((0, 1), (1, 0))

    def test_without_a_batch_axis(self) -> None:
        report = certify(
            lambda a, b: a.cumsum(0) * b, (numbers(6, 3), numbers(6, 3)), seq_dim=0, batch_dim=None
        )
        assert_verdict(report, Verdict.CAUSAL)

    def test_the_call_names_what_it_was_given(self) -> None:
        call = certify(scan, SCAN, kwargs=CONSTANTS, seq_dim=-1).call
        assert call == (
            "certify(fn, x, seq_dim=-1, kwargs=kwargs, seed=0)  "
            "# fn: scan, x: {u: float32 (2, 3, 9) on cpu, delta: float32 (2, 3, 9) on cpu, "
            "B: float32 (2, 4, 9) on cpu, C: float32 (2, 1, 4, 9) on cpu}, "
            "kwargs: {A: float32 (3, 4) on cpu, delta_softplus: True}"
        )
        plain = certify(lambda x, scale: x * scale, numbers(1, 4, 2), kwargs={"scale": 2.0}).call
        assert "kwargs={'scale': 2.0}" in plain

    @pytest.mark.parametrize(
        ("x", "options", "message"),
        [
            ((), {}, "x holds no tensor"),
            (
                {"a": numbers(2, 5, 3), "b": 1.0},
                {},
                "b of several inputs must be a .*Tensor, got float; .*kwargs=",
            ),
            ({"a": numbers(2, 5, 3), "m": torch.ones(2, 5) > 0}, {}, "m of several inputs .* got torch.bool"),
            (
                (numbers(2, 5, 3), numbers(2, 6, 3)),
                {},
                r"same size along seq_dim=1, got 6 for x\[1\] and 5 for x\[0\]",
            ),
            (
                (numbers(2, 5, 3), numbers(1, 5, 3)),
                {},
                r"same size along batch_dim=0, got 1 for x\[1\] .*kwargs=",
            ),
            ((numbers(2, 5, 3), numbers(5)), {}, r"x\[1\] has the wrong rank"),
            (
                (numbers(2, 5, 3), numbers(2, 5).double()),
                {},
                "have the same dtype and device, but .* is float64 on cpu",
            ),
            ((numbers(2, 1, 3),), {}, "T >= 2"),
            ({"a": numbers(2, 5, 3)}, {"kwargs": {"a": 1}}, "a is in x and in kwargs="),
            (numbers(2, 5, 3), {"kwargs": 3}, "kwargs must map names to arguments of fn, got int"),
            (numbers(2, 5, 3), {"alignment": 4}, "must be an Alignment, .*, got 4"),
            ((numbers(2, 5, 3),), {"seq_dim": None}, "seq_dim must be"),
        ],
    )
    @pytest.mark.parametrize("check", [certify, check_prefix, check_perturbation])
    def test_wrong_calls(
        self, check: Callable[..., Any], x: Any, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InvalidArgument, match=message) as caught:
            check(lambda *args, **kwargs: args[0], x, **options)
        assert str(caught.value).startswith(f"{check.__name__}: ")
        assert "\n" not in str(caught.value)


def test_arguments_are_handed_over_unchanged() -> None:
    seen: list[Any] = []
    mask: object = object()

    def fn(x: Tensor, *, mask: object, scale: float) -> Tensor:
        seen.append(mask)
        return scale * x.cumsum(1)

    assert certify(fn, numbers(1, 5, 2), kwargs={"mask": mask, "scale": 2.0}).ok
    assert all(entry is mask for entry in seen)


def positional_only(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda a, b, /: f(a, b)


def test_a_tuple_is_passed_by_position() -> None:
    fn = positional_only(lambda a, b: a.cumsum(1) + b)
    assert certify(fn, [numbers(1, 5, 2), numbers(1, 5, 2)]).ok
