"""Packed rows: every document counts as an example."""

import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from scanproof import (
    Alignment,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
    draw_input,
    split_documents,
)
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes
from scanproof.foundation.documents import Documents
from scanproof.report.verdict import Verdict
from verdicts import assert_verdict

SAME_ROWS = torch.tensor([0] * 5 + [1] * 4 + [2] * 3)
OWN_ROWS = torch.stack([SAME_ROWS, torch.tensor([7] * 2 + [3] * 10)])
LAYOUTS = pytest.mark.parametrize("documents", [SAME_ROWS, OWN_ROWS], ids=["same rows", "own rows"])
CUTS = pytest.mark.parametrize("cuts", ["read", "all", "coded"])


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def scan(x: Tensor, documents: Tensor) -> Tensor:
    """A recurrence whose state is reset where a document begins."""
    documents = documents.expand(x.shape[:2])
    h, ys = torch.zeros_like(x[:, 0]), []
    for t in range(x.shape[1]):
        if t:
            h = torch.where((documents[:, t] == documents[:, t - 1])[:, None], h, 0.0)
        h = 0.5 * h + x[:, t]
        ys.append(h)
    return torch.stack(ys, 1)


def attention(x: Tensor, documents: Tensor) -> Tensor:
    documents = documents.expand(x.shape[:2])
    seen = (documents[:, :, None] == documents[:, None]) & torch.ones(x.shape[1], x.shape[1]).tril().bool()
    return (x @ x.mT).masked_fill(~seen, -torch.inf).softmax(-1) @ x


def never_reset(x: Tensor, documents: Tensor) -> Tensor:
    return scan(x, torch.zeros_like(documents))


def reset_one_late(x: Tensor, documents: Tensor) -> Tensor:
    """The first token of a document still reads the state of the document before it."""
    return scan(x, torch.roll(documents, 1, -1))


def detached_carry(x: Tensor, documents: Tensor) -> Tensor:
    """The sign of the last token of the document before, which has no gradient."""
    return scan(x, documents) + torch.roll(x.detach(), 1, 1).sign().cumsum(1)


class TestRight:
    @LAYOUTS
    @CUTS
    @pytest.mark.parametrize("mixer", [scan, attention])
    def test_is_causal(
        self, mixer: Callable[..., Tensor], cuts: Literal["read", "all", "coded"], documents: Tensor
    ) -> None:
        report = certify(lambda x: mixer(x, documents), numbers(2, 12, 3), documents=documents, cuts=cuts)
        assert_verdict(report, Verdict.CAUSAL)
        assert report.batch is not None
        assert report.batch.read == (cuts == "read")
        assert len(report.documents) == (5 if documents is OWN_ROWS else 6)
        assert "each counts as an example: 0 is row 0 from 0, 1 is row 0 from 5" in report.summary()
        assert report.call.startswith("certify(fn, x, ")
        assert "documents=documents" in report.call

    def test_no_other_size_is_read(self) -> None:
        report = certify(lambda x: scan(x, SAME_ROWS), numbers(1, 12, 3), documents=SAME_ROWS)
        assert report.reading is not None
        assert report.reading.others == ()


class TestWrong:
    @LAYOUTS
    @CUTS
    @pytest.mark.parametrize("mixer", [never_reset, reset_one_late])
    def test_is_a_leak(
        self, mixer: Callable[..., Tensor], cuts: Literal["read", "all", "coded"], documents: Tensor
    ) -> None:
        x = numbers(2, 12, 3)
        assert_verdict(certify(lambda x: mixer(x, documents), x, cuts=cuts), Verdict.CAUSAL)
        report = certify(lambda x: mixer(x, documents), x, documents=documents, cuts=cuts)
        assert_verdict(report, Verdict.LEAK)
        assert report.batch is not None
        assert report.batch.verdict is Verdict.LEAK

    @LAYOUTS
    def test_without_a_gradient_is_a_leak_of_outputs(self, documents: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            return detached_carry(x, documents)

        x = numbers(2, 12, 3)
        report = certify(fn, x, documents=documents)
        assert_verdict(report, Verdict.LEAK)
        found = next(check for check in report.aimed if check.verdict is Verdict.LEAK)
        call, _, _ = found.call.partition("  #")
        assert "(*split_documents(fn, x, documents), " in call
        names = {
            "fn": fn,
            "x": x,
            "documents": documents,
            "split_documents": split_documents,
            "check_batch": check_batch,
            "check_perturbation": check_perturbation,
        }
        assert_verdict(eval(call, names), Verdict.LEAK)

    def test_at_a_drawn_input_alone(self) -> None:
        """The call that the report prints finds the leak again."""

        def fn(x: Tensor) -> Tensor:
            return scan(x, SAME_ROWS) + torch.where(x.amax() > 9, x[:, 5:6], 0.0)

        x = numbers(1, 12, 3)
        report = certify(fn, x, documents=SAME_ROWS, cuts="all")
        assert_verdict(report, Verdict.LEAK)
        call, _, _ = report.call.partition("  #")
        assert "draw_input(x, " in call
        again = eval(
            call,
            {"fn": fn, "x": x, "documents": SAME_ROWS, "certify": certify, "draw_input": draw_input},
        )
        assert_verdict(again, Verdict.LEAK)


class TestOpen:
    def test_effect_is_looked_for_and_order_of_documents_is_kept(self) -> None:
        """Documents have lengths of their own, so another order of the documents is another layout."""

        def gated(x: Tensor) -> Tensor:
            return torch.where(x.sum(1, keepdim=True).abs() > 1e30, x.flip(1), scan(x, SAME_ROWS))

        report = certify(gated, numbers(2, 12, 3), documents=SAME_ROWS)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "no effect was found" in report.reason


class TestSplit:
    @pytest.mark.parametrize(("seq", "batch"), [(1, 0), (0, 1), (2, 0), (-1, -3)])
    def test_join_is_the_inverse(self, seq: int, batch: int) -> None:
        packed = numbers(2, 12, 3).movedim((0, 1), (batch, seq))
        layout = Documents.of("check", OWN_ROWS, packed, Axes(seq, batch))
        assert torch.equal(layout.join(layout.split(packed)), packed)

    def test_shorter_documents_end_in_zeros(self) -> None:
        _, parts = split_documents(lambda x: x, numbers(2, 12, 3) + 9, OWN_ROWS)
        assert parts.shape == (5, 10, 3)
        assert [int((part != 0).any(-1).sum()) for part in parts] == [5, 4, 3, 2, 10]
        assert torch.equal(parts[4], (numbers(2, 12, 3) + 9)[1, 2:])

    def test_cu_seqlens(self) -> None:
        cu_seqlens = torch.tensor([0, 5, 9, 12])
        documents = torch.repeat_interleave(torch.arange(3), cu_seqlens.diff())
        assert torch.equal(documents, SAME_ROWS)

    def test_several_inputs_and_outputs(self) -> None:
        def fn(u: Tensor, dt: Tensor, scale: float) -> dict[str, Tensor]:
            return {"y": scan(u * dt, SAME_ROWS) * scale, "state": u[:, -1]}

        x = {"u": numbers(2, 12, 3), "dt": numbers(2, 12, 3, seed=1)}
        report = certify(fn, x, documents=SAME_ROWS, output="y", kwargs={"scale": 2.0})
        assert_verdict(report, Verdict.CAUSAL)
        pair = certify(lambda u, dt: u.cumsum(1) * dt, tuple(x.values()), documents=SAME_ROWS)
        assert_verdict(pair, Verdict.LEAK)

    def test_token_ids(self) -> None:
        table = numbers(11, 3)
        ids = torch.randint(0, 11, (2, 12), generator=torch.Generator().manual_seed(0))
        report = certify(lambda ids: scan(table[ids], OWN_ROWS), ids, documents=OWN_ROWS)
        assert_verdict(report, Verdict.CAUSAL)
        leaks = certify(lambda ids: table[ids].cumsum(1), ids, documents=OWN_ROWS)
        assert_verdict(leaks, Verdict.LEAK)

    def test_other_checks_take_it(self) -> None:
        fn, parts = split_documents(lambda x: scan(x, SAME_ROWS), numbers(2, 12, 3), SAME_ROWS)
        assert_verdict(check_perturbation(fn, parts), Verdict.CAUSAL)
        assert_verdict(check_batch(fn, parts, probes=["replace"]), Verdict.INDEPENDENT)


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"documents": SAME_ROWS[:4]},
                r"documents must be a tensor .* shape \(12,\) or \(2, 12\), got \(4,\)",
            ),
            ({"documents": [0] * 12}, "documents must be a tensor .* got list"),
            ({"documents": SAME_ROWS.roll(1)}, "a number comes back after another one"),
            ({"batch_check": False}, "documents= needs an axis of examples"),
            ({"alignment": Alignment.shift(1)}, "documents= needs outputs at the positions of the inputs"),
            ({"lengths": (4,)}, "do not go with documents="),
            ({"batch_sizes": (4,)}, "do not go with documents="),
        ],
    )
    def test_is_one_sentence(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidArgument, match=message) as caught:
            certify(lambda x: x.cumsum(1), numbers(2, 12, 3), **{"documents": SAME_ROWS, **changes})
        assert re.match(r"certify: [^\n]+\.$", str(caught.value))

    def test_outputs_of_other_positions(self) -> None:
        with pytest.raises(InvalidArgument, match="as many positions as its input"):
            certify(lambda x: x[:, ::2], numbers(2, 12, 3), documents=SAME_ROWS, cuts="all")
        fn, parts = split_documents(lambda x: x[:, ::2], numbers(2, 12, 3), SAME_ROWS)
        with pytest.raises(InvalidArgument, match="as many positions as its input"):
            check_prefix(fn, parts)
