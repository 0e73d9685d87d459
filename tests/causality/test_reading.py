"""``certify`` reads the program first: what that establishes, what it leaves open, and what follows then."""

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

import scanproof
from scanproof import Alignment, CheckFailed, certify, resize_input
from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.causality.reading.sizes import POSITIONS, default_lengths
from scanproof.errors import InvalidArgument
from scanproof.foundation.packing import Inputs
from scanproof.programs import record
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.program_answer import ProgramAnswer
from scanproof.report.verdict import Verdict
from verdicts import assert_verdict, pair_of


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


def only_beyond(length: int) -> Callable[[Tensor], Tensor]:
    """Return a function that reads the future of inputs longer than ``length``."""
    return lambda x: x.cumsum(1) + (x.mean(1, keepdim=True) if x.shape[1] > length else 0)


def only_from(examples: int) -> Callable[[Tensor], Tensor]:
    """Return a function whose examples read each other if there are at least so many."""
    return lambda x: x.cumsum(1) - (x.mean(0, keepdim=True) if len(x) >= examples else 0)


def gated(x: Tensor) -> Tensor:
    """Read the future behind a gate that no tried input opens."""
    return torch.where(x.sum(1, keepdim=True).abs() > 1e30, x.flip(1), x.cumsum(1))


class Mirrored(torch.autograd.Function):
    """Reads the future, and has no backward pass."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        return x.flip(1)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *cotangents: Tensor) -> Tensor:
        raise NotImplementedError("training is not supported")


class TestWithoutBackward:
    def test_outputs_tell(self) -> None:
        report = certify(Mirrored.apply, numbers(2, 9, 3))
        assert_verdict(report, Verdict.LEAK)
        assert (
            "the backward pass of fn is not implemented (training is not supported)" in report.temporal.reason
        )
        assert report.vjps == 0
        assert "probed     : no gradient" in report.summary()

    @pytest.mark.parametrize("cuts", ["all", "coded", "rand"])
    def test_gradients_alone_tell_nothing(self, cuts: Literal["all", "coded", "rand"]) -> None:
        report = certify(Mirrored.apply, numbers(2, 9, 3), cuts=cuts)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "the backward pass of fn is not implemented (training is not supported)" in report.reason


class TestEstablished:
    def test_holds_for_every_input_without_a_probe(self) -> None:
        report = certify(cumsum, numbers(2, 9, 3))
        assert_verdict(report, Verdict.CAUSAL)
        assert report.temporal.read
        assert report.batch is not None
        assert report.batch.read
        assert (report.vjps, report.cuts_probed, report.mode) == (0, 0, "read")
        assert report.reason.startswith("no output reads a later position, for every input of this shape")
        assert "Program.causal" in report.theorems
        assert "Program.Certified.own_row" in report.theorems
        assert "probed     : nothing" in report.summary()

    def test_drop_in_fields_are_zero(self) -> None:
        report = certify(cumsum, numbers(2, 9, 3))
        assert report.is_strictly_causal
        assert report.is_batch_independent
        assert report.temporal_leak == report.temporal_fraction == report.crossbatch_fraction == 0.0
        assert report.detection_probability == 1.0

    def test_examples_are_not_asked_about_where_the_call_says_so(self) -> None:
        report = certify(only_from(2), numbers(2, 9, 3), batch_check=False)
        assert_verdict(report, Verdict.CAUSAL)
        assert report.batch is None
        assert "Program.Certified.own_row" not in report.theorems

    @pytest.mark.parametrize(
        ("fn", "x", "options"),
        [
            (lambda a, b: (a * b).cumsum(1), (numbers(2, 9, 3), numbers(2, 9, 3)), {}),
            (lambda a, b: (a * b).cumsum(1), {"a": numbers(2, 9, 3), "b": numbers(2, 9, 3)}, {}),
            (lambda x: {"y": x.cumsum(1), "z": x.flip(1)}, numbers(2, 9, 3), {"output": "y"}),
            (lambda x, w: x.cumsum(1) * w, numbers(2, 9, 3), {"kwargs": {"w": numbers(3)}}),
            (lambda x: x[:, ::2].cumsum(1), numbers(2, 9, 3), {"alignment": Alignment.stride(2)}),
            (lambda x: x.cumsum(0), numbers(9, 2, 3), {"seq_dim": 0, "batch_dim": 1}),
            (lambda x: x.cumsum(0), numbers(9, 3), {"seq_dim": 0, "batch_dim": None}),
        ],
    )
    def test_every_way_to_call(self, fn: Callable[..., Any], x: Inputs, options: dict[str, Any]) -> None:
        report = certify(fn, x, **options)
        assert_verdict(report, Verdict.CAUSAL)
        assert report.temporal.read

    @pytest.mark.parametrize(
        ("fn", "x", "options"),
        [
            (lambda a, b: (a * b.roll(-1, 1)).cumsum(1), (numbers(2, 9, 3), numbers(2, 9, 3)), {}),
            (lambda x: {"y": x.cumsum(1), "z": x.flip(1)}, numbers(2, 9, 3), {"output": "z"}),
            (lambda x, w: x.flip(1) * w, numbers(2, 9, 3), {"kwargs": {"w": numbers(3)}}),
            (
                lambda x: x[:, 1::2].cumsum(1),
                numbers(2, 8, 3),
                {"alignment": Alignment.explicit(range(1, 8, 2))},
            ),
            (lambda x: x.flip(0), numbers(9, 2, 3), {"seq_dim": 0, "batch_dim": 1}),
            (lambda x: x.flip(0), numbers(9, 3), {"seq_dim": 0, "batch_dim": None}),
        ],
    )
    def test_a_leak_is_found_in_every_way_to_call(
        self, fn: Callable[..., Any], x: Inputs, options: dict[str, Any]
    ) -> None:
        report = certify(fn, x, **options)
        assert_verdict(report, Verdict.LEAK)
        assert report.mode == "aimed"


class TestAimed:
    def test_only_cuts_in_question_are_probed(self) -> None:
        def fn(x: Tensor) -> Tensor:
            y = x.cumsum(1)
            return torch.cat([y[:, :4], y[:, 4:5] + x[:, 7:8], y[:, 5:]], 1)

        report = certify(fn, numbers(2, 9, 3))
        assert_verdict(report, Verdict.LEAK)
        pair = pair_of(report)
        assert (report.cuts_probed, pair.t, pair.s) == (1, 4, 7)

    def test_what_autograd_cannot_see_is_seen_by_replacing_inputs(self) -> None:
        report = certify(lambda x: x - x.mean(1, keepdim=True).detach(), numbers(2, 9, 3))
        assert_verdict(report, Verdict.LEAK)
        assert str(report.worst).startswith("t=")
        assert report.pattern is not None
        assert report.origin is not None
        assert [check.check for check in report.aimed] == ["perturbation"]
        with pytest.raises(CheckFailed, match="worst pair : t="):
            report.require()

    def test_examples_that_autograd_cannot_see(self) -> None:
        report = certify(lambda x: x.cumsum(1) - x.mean(0, keepdim=True).detach(), numbers(2, 9, 3))
        assert_verdict(report, Verdict.LEAK)
        assert [check.check for check in report.aimed] == ["batch"]
        assert report.temporal.read

    def test_without_an_effect_both_facts_are_said(self) -> None:
        report = certify(gated, numbers(2, 9, 3))
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "the program reads it, and no effect was found" in report.reason
        assert "aten.where" in report.reason
        assert report.batch is not None
        assert report.batch.read
        assert "Program.causal" not in report.theorems
        assert_verdict(certify(gated, numbers(2, 9, 3), cuts="all"), Verdict.CAUSAL)

    def test_rounding_is_an_effect(self) -> None:
        def total_minus_suffix(x: Tensor) -> Tensor:
            later = x.flip(1).cumsum(1).flip(1)
            return x.sum(1, keepdim=True) - later + x

        report = certify(total_minus_suffix, numbers(2, 33, 3))
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        assert not report.temporal.read

    def test_a_fourier_transform_says_why_reading_leaves_it_open(self) -> None:
        kernel = numbers(9, 3)

        def convolved(x: Tensor) -> Tensor:
            return torch.fft.irfft(torch.fft.rfft(x, 32, 1) * torch.fft.rfft(kernel, 32, 0), 32, 1)[:, :9]

        report = certify(convolved, numbers(2, 9, 3))
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        assert "what cancels later cannot be seen by reading" in report.summary()

    def test_a_tolerance_holds(self) -> None:
        fn = lambda x: x.cumsum(1) + 1e-6 * x.roll(-1, 1)  # noqa: E731
        assert_verdict(certify(fn, numbers(2, 9, 3), threshold=0.1), Verdict.TOLERATED)
        assert_verdict(certify(fn, numbers(2, 9, 3)), Verdict.LEAK)


class TestNotRead:
    def test_numbers_that_are_not_finite_are_left_to_the_cuts(self) -> None:
        report = certify(lambda x: x.cumsum(1) / 0, numbers(2, 9, 3))
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "could not be read" in report.summary()

    def test_what_pytorch_does_not_see_is_no_reading(self) -> None:
        def hidden(x: Tensor) -> Tensor:
            y = x.cumsum(1)
            y.detach().numpy()[:] += x.detach().numpy().mean(1, keepdims=True)
            return y

        report = certify(hidden, numbers(2, 9, 3))
        assert not report.temporal.read
        assert_verdict(certify(hidden, numbers(2, 9, 3)), report.verdict)

    def test_an_operation_without_a_row_is_named_and_the_cuts_decide(self) -> None:
        @torch.library.custom_op("scanproof_tests::running", mutates_args=())
        def running(x: Tensor) -> Tensor:
            return x.cumsum(1)

        @running.register_fake
        def _(x: Tensor) -> Tensor:
            return torch.empty_like(x)

        running.register_autograd(lambda ctx, grad: grad.flip(1).cumsum(1).flip(1))
        report = certify(running, numbers(2, 9, 3))
        assert_verdict(report, Verdict.CAUSAL)
        assert not report.temporal.read
        assert "scanproof_tests.running" in report.summary()


class TestControlFlow:
    def test_a_branch_that_a_drawn_input_takes_is_read(self) -> None:
        def fn(x: Tensor) -> Tensor:
            return x.flip(1) if (x < 0).any() else x.cumsum(1)

        x = numbers(2, 9, 3).abs()
        report = certify(fn, x)
        assert_verdict(report, Verdict.LEAK)
        assert report.call.startswith("certify(fn, draw_input(x, 1), ")
        again = certify(fn, scanproof.draw_input(x, 1))
        assert (again.verdict, again.worst) == (Verdict.LEAK, report.worst)
        assert_verdict(certify(fn, x, cases=1), Verdict.CAUSAL)

    def test_a_branch_that_no_input_takes_is_an_assumption_of_the_verdict(self) -> None:
        report = certify(lambda x: x.flip(1) if x.sum().item() > 1e30 else x.cumsum(1), numbers(2, 9, 3))
        assert_verdict(report, Verdict.CAUSAL)
        assert "that takes the path recorded: values decide what is run" in report.reason

    def test_what_has_no_gradient_is_told_by_its_outputs(self) -> None:
        report = certify(lambda x: torch.from_numpy(x.numpy()[:, ::-1].copy()), numbers(2, 9, 3))
        assert_verdict(report, Verdict.LEAK)
        assert report.vjps == 0


class TestOtherSizes:
    @pytest.mark.parametrize("length", [33, 63, 64])
    def test_a_leak_of_longer_inputs(self, length: int) -> None:
        x = numbers(2, 33, 3)
        report = certify(only_beyond(length), x)
        assert_verdict(report, Verdict.LEAK)
        assert f"resize_input(x, {report.T}, 2)" in report.call
        again = certify(only_beyond(length), resize_input(x, report.T, 2))
        assert (again.verdict, again.worst) == (Verdict.LEAK, report.worst)
        assert_verdict(certify(only_beyond(length), x, lengths=()), Verdict.CAUSAL)
        assert_verdict(certify(only_beyond(length), x, lengths=(length,)), Verdict.CAUSAL)
        assert_verdict(certify(only_beyond(length), x, lengths=(length + 1,)), Verdict.LEAK)

    def test_a_leak_of_shorter_inputs(self) -> None:
        fn = lambda x: x.flip(1) if x.shape[1] == 8 else x.cumsum(1)  # noqa: E731
        assert_verdict(certify(fn, numbers(2, 33, 3)), Verdict.LEAK)
        assert_verdict(certify(fn, numbers(2, 33, 3), cuts="all"), Verdict.CAUSAL)

    def test_a_leak_of_a_block_size_that_stands_in_the_program(self) -> None:
        def blocks(x: Tensor) -> Tensor:
            padded = nn.functional.pad(x, (0, 0, 0, -x.shape[1] % 24))
            inner = padded.unflatten(1, (-1, 24)).cumsum(2).flatten(1, 2)[:, : x.shape[1]]
            return inner.flip(1) if x.shape[1] == 24 else inner

        assert_verdict(certify(blocks, numbers(2, 33, 3)), Verdict.LEAK)

    @pytest.mark.parametrize(("examples", "found"), [(4, True), (5, True), (6, False)])
    def test_a_leak_of_more_examples(self, examples: int, found: bool) -> None:
        x = numbers(2, 9, 3)
        report = certify(only_from(examples), x)
        assert_verdict(report, Verdict.LEAK if found else Verdict.CAUSAL)
        assert_verdict(certify(only_from(examples), x, batch_sizes=()), Verdict.CAUSAL)
        assert_verdict(certify(only_from(examples), x, batch_sizes=(7,)), Verdict.LEAK)

    def test_a_size_that_the_function_refuses_is_left_out(self) -> None:
        def fn(x: Tensor) -> Tensor:
            if x.shape[1] != 9:
                raise ValueError("nine positions only")
            return x.cumsum(1)

        report = certify(fn, numbers(2, 9, 3))
        assert_verdict(report, Verdict.CAUSAL)
        assert report.reading is not None
        assert report.reading.sizes() == "batch sizes 1, 5"
        assert any("nine positions only" in size.problem for size in report.reading.others)

    def test_a_gate_of_longer_inputs_is_inconclusive(self) -> None:
        fn = lambda x: gated(x) if x.shape[1] > 40 else x.cumsum(1)  # noqa: E731
        report = certify(fn, numbers(2, 33, 3))
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "66 positions" in report.summary()
        assert [tried.source for tried in report.cases] == ["x"]
        (futures,) = report.aimed
        assert futures.call.startswith(f"check_perturbation(fn, resize_input(x, {report.T}, 2), cuts=")

    def test_default_lengths_are_within_the_budget(self) -> None:
        for T in (2, 3, 37, 512, 5000):
            lengths = default_lengths(T, record(cumsum, numbers(1, T, 1)))
            assert sum(lengths) <= max(POSITIONS, 6 * T)
            assert len(set(lengths)) == len(lengths)
            assert {1, T - 1} - {T} <= {*lengths, T}
            assert max(lengths) <= max(T, 4096)
        assert {1, 2, 36, 38, 74, 16, 17, 32, 33, 64, 65} <= set(
            default_lengths(37, record(cumsum, numbers(1, 37, 1)))
        )


class TestTokenIds:
    ids = torch.arange(18).reshape(2, 9) % 7

    def model(self, leak: bool) -> Callable[[Tensor], Tensor]:
        embedding = nn.Embedding(7, 4)

        def fn(ids: Tensor) -> Tensor:
            y = embedding(ids).cumsum(1)
            return y + (ids.roll(-1, 1) % 2)[..., None] if leak else y

        return fn

    def test_are_read(self) -> None:
        report = certify(self.model(False), self.ids)
        assert_verdict(report, Verdict.CAUSAL)
        assert report.temporal.read

    def test_that_leak_are_found_by_replacing_them(self) -> None:
        report = certify(self.model(True), self.ids)
        assert_verdict(report, Verdict.LEAK)
        assert report.vjps == 0

    def test_of_a_program_that_cannot_be_read_need_embeddings(self) -> None:
        with pytest.raises(
            InvalidArgument, match=r"token ids have no gradient.* was not read: fn\(x\) is identically zero"
        ):
            certify(lambda ids: (ids * 0).float().cumsum(1), self.ids)


@torch.library.custom_op("scanproof_test::no_formula", mutates_args=())
def no_formula(x: Tensor, ahead: int) -> Tensor:
    """A custom operator without a backward, which reads some positions ahead."""
    return x.cumsum(1).roll(-ahead, 1)


class TestCustomOperatorsWithoutABackward:
    def test_that_are_right_are_inconclusive(self) -> None:
        report = certify(lambda x: no_formula(x, 0), numbers(2, 9, 3))
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "no autograd formula was registered" in report.reason
        assert "scanproof_test.no_formula" in report.summary()
        assert [each.verdict for each in report.aimed] == [Verdict.CAUSAL, Verdict.INDEPENDENT]

    def test_that_leak_are_found_by_replacing_inputs(self) -> None:
        report = certify(lambda x: no_formula(x, 1), numbers(2, 9, 3))
        assert_verdict(report, Verdict.LEAK)
        assert report.aimed[0].verdict is Verdict.LEAK

    def test_another_error_of_a_backward_is_raised(self) -> None:
        class Broken(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Tensor) -> Tensor:
                return x.flip(1)

            @staticmethod
            def backward(ctx: Any, grad: Tensor) -> Tensor:
                raise RuntimeError("broken")

        with pytest.raises(RuntimeError, match="broken"):
            certify(Broken.apply, numbers(2, 9, 3))


class TestReport:
    def leaky(self) -> CausalCertificate:
        return certify(only_beyond(40), numbers(2, 33, 3))

    def test_is_written_as_json(self) -> None:
        document = json.loads(self.leaky().to_json())
        fields = document["reports"][0]["fields"]
        assert fields["reading"]["given"]["positions"] == 33
        assert fields["reading"]["given"]["reading"]["answers"][0]["established"] is True

    def test_holds_the_checks_that_replaced_inputs(self) -> None:
        report = certify(gated, numbers(2, 9, 3))
        assert [part["check"] for part in report.document("it")["reports"]] == ["certificate", "perturbation"]

    def test_names_other_sizes(self) -> None:
        assert "the same at lengths 1, 2, 4, 5" in certify(cumsum, numbers(2, 9, 3)).summary()
        assert "at 2 examples of 66 positions" in self.leaky().summary()


class TestResizeInput:
    def test_repeats_and_cuts_off(self) -> None:
        x = numbers(2, 3, 4)
        longer = resize_input(x, 5, 3)
        assert longer.shape == (3, 5, 4)
        assert torch.equal(longer[:2, :3], x)
        assert torch.equal(longer[2, 3:], x[0, :2])
        assert torch.equal(resize_input(x, 1), x[:, :1])

    def test_of_several_inputs(self) -> None:
        resized = resize_input({"a": numbers(2, 3, 4), "b": numbers(2, 3)}, 5)
        assert {name: tuple(each.shape) for name, each in resized.items()} == {"a": (2, 5, 4), "b": (2, 5)}

    @pytest.mark.parametrize("sizes", [(0,), (2.5,), (3, 0)])
    def test_wrong_numbers(self, sizes: tuple[Any, ...]) -> None:
        with pytest.raises(InvalidArgument, match="must be a whole number >= 1"):
            resize_input(numbers(2, 3, 4), *sizes)

    def test_is_public(self) -> None:
        assert scanproof.resize_input is resize_input


class Checker:
    """Answers as Lean's checker would, or otherwise."""

    def __init__(self, established: bool) -> None:
        self.answer = ProgramAnswer(True) if established else ProgramAnswer(False, 0, 1, 2, 3, 4)
        self.asked: list[str] = []

    def check_program(self, text: str) -> ProgramAnswer:
        self.asked.append(text)
        return self.answer


class TestLean:
    @pytest.mark.parametrize("established", [True, False])
    def test_the_verdict_line_says_what_the_checker_says(self, established: bool) -> None:
        checker = Checker(established)
        report = certify(cumsum, numbers(2, 9, 3), reference=checker)
        assert_verdict(report, Verdict.CAUSAL)
        assert len(checker.asked) == 1
        assert ("Lean's checker confirms it" in report.reason) is established
        assert ("Lean's checker does not confirm it" in report.reason) is not established
        assert ("Listing.check_sound" in report.theorems) is established

    def test_the_checker_is_not_asked_about_what_is_open(self) -> None:
        checker = Checker(True)
        assert_verdict(certify(gated, numbers(2, 9, 3), reference=checker), Verdict.INCONCLUSIVE)
        assert checker.asked == []

    @pytest.mark.lean
    def test_the_oracle_confirms(self, oracle: Oracle) -> None:
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
        mask = nn.Transformer.generate_square_subsequent_mask(9)
        report = certify(layer, numbers(2, 9, 8), kwargs={"src_mask": mask}, reference=oracle)
        assert_verdict(report, Verdict.CAUSAL)
        assert "Lean's checker confirms it" in report.reason
