from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from scanproof import (
    Alignment,
    CausalCertificate,
    InvalidArgument,
    PerturbationReport,
    Verdict,
    certify,
    check_perturbation,
    check_prefix,
)
from scanproof.causality.gradients.certificate import Cuts
from verdicts import assert_verdict, pair_of, present

alignments = st.one_of(
    st.just(Alignment.same()),
    st.builds(Alignment.patches, st.integers(1, 5)),
    st.builds(Alignment.patches, st.integers(1, 5), st.integers(1, 5)),
    st.builds(Alignment.stride, st.integers(1, 5)),
    st.builds(Alignment.upsample, st.integers(1, 4)),
    st.builds(Alignment.shift, st.integers(-3, 3)),
)


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


CHECKS = [certify, partial(certify, cuts="coded"), check_prefix, check_perturbation]


class TestReach:
    @pytest.mark.parametrize(
        ("alignment", "outputs", "inputs", "reach"),
        [
            (Alignment.same(), 4, 4, [1, 2, 3, 4]),
            (Alignment.patches(4), 4, 13, [4, 8, 12, 13]),
            (Alignment.patches(16, stride=8), 3, 32, [16, 24, 32]),
            (Alignment.patches(3, stride=1), 2, 4, [3, 4]),
            (Alignment.stride(3), 4, 10, [1, 4, 7, 10]),
            (Alignment.upsample(3), 6, 2, [1, 1, 1, 2, 2, 2]),
            (Alignment.shift(2), 4, 4, [0, 0, 1, 2]),
            (Alignment.shift(-2), 4, 4, [3, 4, 4, 4]),
            (Alignment.explicit([2, 0, 9]), 3, 5, [2, 0, 5]),
            (Alignment.explicit(torch.tensor([2, 0])), 2, 5, [2, 0]),
        ],
    )
    def test_of_each_kind(self, alignment: Alignment, outputs: int, inputs: int, reach: list[int]) -> None:
        assert alignment.reaches(outputs, inputs).tolist() == reach
        assert outputs in alignment.lengths(inputs)

    @pytest.mark.parametrize("T", [1, 7, 8, 9, 64])
    def test_number_of_outputs(self, T: int) -> None:
        for s in (1, 2, 4):
            assert list(Alignment.stride(s).lengths(T)) == [ceil(T / s)]
            assert list(Alignment.upsample(s).lengths(T)) == [s * T]
            assert list(Alignment.shift(s).lengths(T)) == [T]
            assert set(Alignment.patches(s).lengths(T)) == {T // s, ceil(T / s)}
            if T >= 3:
                conv = nn.functional.conv1d(torch.zeros(1, 1, T), torch.zeros(1, 1, 3), stride=s)
                assert Alignment.patches(3, stride=s).lengths(T)[0] == conv.shape[2]

    @settings(deadline=None)
    @given(alignments, st.integers(1, 12), st.data())
    def test_the_order_is_that_of_the_reach(self, alignment: Alignment, T: int, data: st.DataObject) -> None:
        outputs = data.draw(st.sampled_from(list(alignment.lengths(T))).filter(bool))
        reach, order = alignment.reaches(outputs, T), alignment.order(outputs, T)
        may_read = torch.arange(T)[None, :] < reach[:, None]
        assert torch.equal(order.inputs[None, :] <= order.outputs[:, None], may_read)

    def test_is_shown_as_the_call_that_makes_it(self) -> None:
        for alignment in (
            Alignment.same(),
            Alignment.patches(4),
            Alignment.patches(16, stride=8),
            Alignment.stride(3),
            Alignment.upsample(2),
            Alignment.shift(-1),
            Alignment.explicit([1, 4]),
        ):
            assert eval(repr(alignment)) == alignment
        assert Alignment.patches(1) == Alignment.shift(0) == Alignment.same() != Alignment.patches(2)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Alignment.patches(0), r"Alignment.patches: size must be a whole number >= 1, got 0"),
            (lambda: Alignment.patches(4, 0), "stride must be"),
            (lambda: Alignment.stride(cast(int, 2.0)), r"got 2\.0"),
            (lambda: Alignment.upsample(cast(int, "2")), "factor must be"),
            (lambda: Alignment.upsample(True), "factor must be"),
            (lambda: Alignment.shift(cast(int, 0.5)), "by must be a whole number"),
            (lambda: Alignment.explicit([]), "one whole number >= 0 per output"),
            (lambda: Alignment.explicit([1, -1]), "one whole number >= 0 per output"),
            (lambda: Alignment.explicit(cast(list[int], "12")), "one whole number >= 0 per output"),
            (lambda: Alignment.explicit(cast(list[int], 3)), "one whole number >= 0 per output"),
            (lambda: Alignment.explicit(np.array([1.5])), "one whole number >= 0 per output"),
        ],
    )
    def test_wrong_arguments(self, make: Callable[[], object], message: str) -> None:
        with pytest.raises(InvalidArgument, match=message):
            make()


class Map(NamedTuple):
    """A linear map (outputs, inputs) that obeys an alignment but for one pair; sums of it are exact."""

    alignment: Alignment
    matrix: Tensor
    pair: tuple[int, int] | None

    def outputs(self, T: int) -> int:
        return min(len(self.matrix), self.alignment.lengths(T)[-1])

    def __call__(self, x: Tensor) -> Tensor:
        T = x.shape[1]
        return torch.einsum("ts,bsd->btd", self.matrix[: self.outputs(T), :T].to(x.dtype), x)


def whole_numbers(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, shape, generator=generator) * 2 - 1
    return (signs * torch.randint(1, 9, shape, generator=generator)).double()


@st.composite
def maps(draw: st.DrawFn) -> Map:
    T = draw(st.integers(2, 14))
    if draw(st.booleans()):
        alignment = draw(alignments)
        outputs = draw(st.sampled_from(list(alignment.lengths(T))).filter(bool))
    else:
        outputs = draw(st.integers(1, 14))
        alignment = Alignment.explicit(draw(st.lists(st.integers(0, T), min_size=outputs, max_size=outputs)))
    reaches = alignment.reaches(outputs, T)
    allowed = torch.arange(T)[None, :] < reaches[:, None]
    kept = torch.rand(allowed.shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    matrix = whole_numbers(draw(st.integers(0, 99)), *allowed.shape) * allowed
    matrix *= kept < draw(st.sampled_from([0.5, 1.0]))
    assume(((reaches >= 1) & (reaches < T) & matrix.any(1)).any())  # else nothing is probed,
    assume(matrix[:, int(reaches.min()) :].any())  # or what is replaced is never read
    forbidden = (~allowed).nonzero().tolist()
    if not draw(st.booleans()):
        return Map(alignment, matrix, None)
    t, s = draw(st.sampled_from(forbidden))
    matrix[t, s] = 2.0 ** -draw(st.integers(0, 25))
    return Map(alignment, matrix, (t, s))


@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=60, deadline=None)
@given(case=maps())
def test_the_verdict_is_the_truth(check: Callable[..., Any], case: Map) -> None:
    x = whole_numbers(1, 1, case.matrix.shape[1], 1)
    assume(case(x).any())  # whole numbers may cancel
    report = check(case, x, alignment=case.alignment)
    if case.pair is None:
        assert report.cases[0].verdict is Verdict.CAUSAL, report.summary()
        rounding = (Verdict.CAUSAL_TO_ROUNDING,) if check is check_prefix else ()  # of drawn, broken numbers
        assert_verdict(report, Verdict.CAUSAL, *rounding)
        return
    t, s = case.pair
    reach = int(case.alignment.reaches(*case.matrix.shape)[t])
    if check is check_prefix and not any(reach <= k <= s and t < case.outputs(k) for k in range(1, s + 1)):
        return  # no prefix without the input has the output
    assert_verdict(report, Verdict.LEAK)
    if isinstance(report, CausalCertificate):
        pair = pair_of(report)
        assert (pair.t, pair.s) == (t, s)
        shown = case.alignment != Alignment.same()
        assert (f"t={t} <- s={s}, which may read s < " in str(report.worst)) == shown
    else:
        assert report.worst.t == t
    if isinstance(report, PerturbationReport):
        assert present(report.worst).sources == (s, s)


@pytest.mark.parametrize("check", CHECKS)
def test_an_alignment_that_allows_everything(check: Callable[..., Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"Alignment.patches\(6\) lets every output read all 6 inputs"):
        check(lambda x: x.mean(1, keepdim=True), numbers(1, 6, 2), alignment=Alignment.patches(6))


@pytest.mark.parametrize(
    ("fn", "alignment", "message"),
    [
        (lambda x: x[:, ::4], Alignment.same(), "as many positions as its input .*Alignment.patches"),
        (
            lambda x: x[:, ::3],
            Alignment.stride(4),
            r"must have 3 positions along seq_dim=1 for 12 inputs under Alignment.stride\(4\), got 4",
        ),
        (lambda x: x[:, ::3], Alignment.patches(5), "must have 2 or 3 positions"),
        (lambda x: x[:, :2], Alignment.explicit([1, 2, 3]), "reach holds 3 numbers for 2 outputs"),
    ],
)
@pytest.mark.parametrize("check", CHECKS)
def test_a_wrong_number_of_outputs(
    check: Callable[..., Any], fn: object, alignment: Alignment, message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        check(fn, numbers(1, 12, 2), alignment=alignment)


class TestCertify:
    def test_probes_one_cut_per_different_reach(self) -> None:
        x = numbers(2, 24, 3)
        patches = lambda x: x.unflatten(1, (-1, 4)).sum(2)  # noqa: E731
        report = certify(patches, x, alignment=Alignment.patches(4), cuts="all")
        assert (report.verdict, report.cuts_probed, report.T) == (Verdict.CAUSAL, 5, 24)
        repeated = certify(
            lambda x: x.repeat_interleave(3, 1), x, alignment=Alignment.upsample(3), cuts="all"
        )
        assert (repeated.verdict, repeated.cuts_probed) == (Verdict.CAUSAL, 23)
        assert certify(lambda x: x[:, ::5], x, alignment=Alignment.stride(5), cuts="all").cuts_probed == 5

    def test_random_cuts_count_the_cuts_there_are(self) -> None:
        x = numbers(1, 24, 3)
        report = certify(lambda x: x[:, ::4], x, alignment=Alignment.stride(4), cuts="rand", K=2)
        assert report.detection_probability == pytest.approx(1 - (1 - 1 / 6) ** 2)

    @pytest.mark.parametrize("cuts", ["all", "coded"])
    def test_what_a_stricter_alignment_forbids(self, cuts: Cuts) -> None:
        x = numbers(1, 400, 2)
        patches = lambda x: x.unflatten(1, (-1, 4)).sum(2)  # noqa: E731
        assert certify(patches, x, alignment=Alignment.patches(4), cuts=cuts).ok
        pair = pair_of(certify(patches, x, alignment=Alignment.stride(4), cuts=cuts))
        assert pair.s - 4 * pair.t in (1, 2, 3)
        assert certify(lambda x: x.cumsum(1), x, cuts=cuts).ok
        predicts = certify(lambda x: x.cumsum(1), x, alignment=Alignment.shift(1), cuts=cuts)
        pair = pair_of(predicts)
        assert pair.t == pair.s
        looks_ahead = lambda x: torch.cat([x[:, :-2] + x[:, 2:], x[:, -2:]], 1)  # noqa: E731
        assert certify(looks_ahead, x, alignment=Alignment.shift(-2), cuts=cuts).ok
        assert_verdict(certify(looks_ahead, x, alignment=Alignment.shift(-1), cuts=cuts), Verdict.LEAK)

    def test_outputs_that_may_read_nothing(self) -> None:
        x = numbers(1, 6, 2)
        shifted = lambda x: torch.cat([x[:, :1] * 0 + 1, x[:, :-1]], 1)  # noqa: E731
        assert certify(shifted, x, alignment=Alignment.shift(1)).ok
        for cuts in ("all", "coded"):
            leaky = lambda x: torch.cat([x[:, 4:5], x[:, :-1]], 1)  # noqa: E731
            pair = pair_of(certify(leaky, x, alignment=Alignment.shift(1), cuts=cuts))
            assert (pair.t, pair.s) == (0, 4)


class TestForward:
    def test_compares_where_an_output_is_complete(self) -> None:
        x = numbers(2, 26, 3)
        patches = lambda x: nn.functional.avg_pool1d(x.mT, 4, ceil_mode=True).mT  # noqa: E731
        prefix = check_prefix(patches, x, alignment=Alignment.patches(4))
        assert (prefix.verdict, prefix.cuts) == (Verdict.CAUSAL, (4, 8, 12, 16, 20, 24))
        ragged = check_prefix(patches, x, alignment=Alignment.patches(4), cuts=range(4, 26))
        assert_verdict(ragged, Verdict.CAUSAL)
        future = check_perturbation(patches, x, alignment=Alignment.patches(4))
        assert (future.verdict, future.cuts) == (Verdict.CAUSAL, (4, 8, 12, 16, 20, 24))

    def test_outputs_that_may_read_nothing_have_a_cut_of_their_own(self) -> None:
        x = numbers(1, 6, 2)
        leaky = lambda x: torch.cat([x[:, 4:5].detach(), x[:, :-1]], 1)  # noqa: E731
        report = check_perturbation(leaky, x, alignment=Alignment.shift(1))
        assert report.cuts == (0, 1, 2, 3, 4, 5)
        assert (present(report.worst).t, present(report.worst).sources) == (0, (4, 4))

    @pytest.mark.parametrize(
        ("check", "options"), [(check_prefix, {"cuts": [3]}), (check_perturbation, {"cuts": [3]})]
    )
    def test_a_cut_before_any_output_is_complete(
        self, check: Callable[..., Any], options: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidArgument, match=r"with 4 <= k < T = 12, got \[3\]"):
            check(
                lambda x: x.unflatten(1, (-1, 4)).sum(2),
                numbers(1, 12, 2),
                alignment=Alignment.patches(4),
                **options,
            )

    def test_a_prefix_with_nothing_to_compare(self) -> None:
        x = numbers(1, 4, 2)
        backwards = Alignment.explicit([4, 3, 2, 1])
        report = check_prefix(lambda x: x.flip(1).cumsum(1).flip(1).flip(1), x, alignment=backwards, cuts=[1])
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "no prefix has an output that may be compared" in report.reason

    def test_a_prefix_for_an_output_that_may_read_nothing(self) -> None:
        total = lambda x: x.sum(1, keepdim=True).expand(1, 2, 2)  # noqa: E731
        report = check_prefix(total, numbers(1, 4, 2), alignment=Alignment.explicit([0, 4]))
        assert (report.verdict, report.cuts, present(report.worst).t) == (Verdict.LEAK, (1,), 0)
