"""Gradients of right implementations refine the adjoint, wrong ones are refuted with a small case."""

from collections.abc import Callable, Iterator
from typing import Any, Never

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from block_case import block_case
from scan_case import SCANS, Scan, scan_case, sequential
from scanproof import (
    CheckFailed,
    InvalidArgument,
    MambaBlockSpec,
    Rounding,
    SelectiveScanFn,
    Verdict,
    check_refinement,
    selective_scan,
)
from scanproof.refinement.gradients import draw_cotangents
from verdicts import present


@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_gradients_of_own_scans_refine(scan: Scan, dtype: torch.dtype) -> None:
    report = check_refinement(
        scan, SelectiveScanFn(), {**scan_case(dtype=dtype), "delta_softplus": True}, gradients=True
    )
    assert report.verdict is Verdict.REFINES, report.summary()
    assert 1e-2 < report.worst.ratio <= 1
    assert report.gradients == tuple(scan_case())
    assert report.seed == 0
    forward = check_refinement(scan, SelectiveScanFn(), {**scan_case(dtype=dtype), "delta_softplus": True})
    assert (forward.gradients, forward.seed) == ((), None)
    assert report.compared > forward.compared


@pytest.mark.parametrize("leave_out", [("D",), ("z",), ("delta_bias",), ("D", "z", "delta_bias")])
@pytest.mark.parametrize("softplus", [True, False])
def test_optional_arguments(leave_out: tuple[str, ...], softplus: bool) -> None:
    case = scan_case(leave_out=leave_out)
    report = check_refinement(
        selective_scan, SelectiveScanFn(), {**case, "delta_softplus": softplus}, gradients=True
    )
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.gradients == tuple(case)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_gradients_of_blocks_refine(dtype: torch.dtype) -> None:
    fn, spec, x = block_case(MambaBlockSpec, dtype)
    report = check_refinement(fn, spec, x, gradients=True)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.compared == x.numel() + 2 * 20 * 2
    assert "gradients : at x; cotangents drawn with seed 0" in report.summary()


Gradients = dict[str, Tensor]
Change = Callable[[Gradients, Gradients, Tensor, Tensor], None]


class WithBackward(torch.autograd.Function):
    """A scan whose backward has been written by hand: autograd's, with one gradient changed."""

    @staticmethod
    def forward(
        context: Any, change: Change, names: tuple[str, ...], *tensors: Tensor
    ) -> tuple[Tensor, Tensor]:
        context.change, context.names = change, names
        context.save_for_backward(*tensors)
        y, last = selective_scan(
            **dict(zip(names, tensors, strict=True)), delta_softplus=True, return_last_state=True
        )
        return y, last

    @staticmethod
    def backward(context: Any, dy: Tensor, dlast: Tensor) -> tuple[Tensor | None, ...]:
        with torch.enable_grad():
            leaves = {
                name: tensor.detach().requires_grad_()
                for name, tensor in zip(context.names, context.saved_tensors, strict=True)
            }
            results = selective_scan(**leaves, delta_softplus=True, return_last_state=True)
            pulled = torch.autograd.grad(results, list(leaves.values()), [dy, dlast])
        gradients = dict(zip(leaves, pulled, strict=True))
        context.change(gradients, leaves, dy, dlast)
        return None, None, *gradients.values()


def by_hand(change: Change) -> Callable[..., Any]:
    def scan(*, delta_softplus: bool, return_last_state: bool, **given: Tensor) -> tuple[Tensor, Tensor]:
        assert delta_softplus
        assert return_last_state
        return WithBackward.apply(change, tuple(given), *given.values())

    return scan


def no_gate(gradients: Gradients, leaves: Gradients, dy: Tensor, dlast: Tensor) -> None:
    gradients["z"].zero_()


def skip_forgotten(gradients: Gradients, leaves: Gradients, dy: Tensor, dlast: Tensor) -> None:
    gradients["u"] -= leaves["D"][:, None] * dy * functional.silu(leaves["z"])


def sigmoid_of_softplus_forgotten(gradients: Gradients, leaves: Gradients, dy: Tensor, dlast: Tensor) -> None:
    gradients["delta"] /= torch.sigmoid(leaves["delta"] + leaves["delta_bias"][:, None])


def last_bits(gradients: Gradients, leaves: Gradients, dy: Tensor, dlast: Tensor) -> None:
    gradients["A"] *= 1 + 2.0**-12


def bias_of_one_example(gradients: Gradients, leaves: Gradients, dy: Tensor, dlast: Tensor) -> None:
    gradients["delta_bias"] = gradients["delta"][0].sum(-1)


WRONG = [no_gate, skip_forgotten, sigmoid_of_softplus_forgotten, last_bits, bias_of_one_example]


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_wrong_backward_passes_are_refuted_with_a_small_case(change: Change) -> None:
    scan, case = by_hand(change), scan_case(batch=2, channels=2, length=9, states=2)
    assert (
        check_refinement(scan, SelectiveScanFn(), {**case, "delta_softplus": True}).verdict is Verdict.REFINES
    )
    report = check_refinement(scan, SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True)
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert report.worst.output.startswith("d")
    smallest = present(report.smallest).inputs
    assert smallest["dy"].shape == smallest["u"].shape
    assert smallest["u"].numel() < case["u"].numel()
    assert "cotangents={'y': dy, 'last_state': dlast_state}" in present(report.smallest).code
    with pytest.raises(CheckFailed, match="cotangents given"):
        exec(present(report.smallest).code, {"fn": scan})


def test_a_right_backward_by_hand_refines() -> None:
    scan = by_hand(lambda *_: None)
    check_refinement(
        scan, SelectiveScanFn(), {**scan_case(), "delta_softplus": True}, gradients=True
    ).require()


def test_a_wrong_gradient_is_named_with_its_place() -> None:
    def change(gradients: Gradients, *_: object) -> None:
        gradients["A"][1, 3] += 1

    report = check_refinement(
        by_hand(change),
        SelectiveScanFn(),
        {**scan_case(), "delta_softplus": True},
        gradients=True,
        shrink=False,
    )
    worst = report.worst
    assert (worst.output, worst.example, worst.t, worst.channel, worst.state) == ("dA", None, None, 1, 3)
    assert str(worst).startswith("dA at channel 1, state 3: got ")


def test_gradients_that_are_not_finite_are_refuted() -> None:
    def change(gradients: Gradients, *_: object) -> None:
        gradients["B"][0, 1, 2] = torch.nan

    report = check_refinement(
        by_hand(change),
        SelectiveScanFn(),
        {**scan_case(), "delta_softplus": True},
        gradients=True,
        shrink=False,
    )
    assert report.verdict is Verdict.REFUTED
    assert (report.worst.output, report.worst.example, report.worst.state, report.worst.t) == ("dB", 0, 1, 2)


def test_a_block_whose_input_is_detached_somewhere_is_refuted() -> None:
    fn, spec, x = block_case(MambaBlockSpec)

    def half_detached(x: Tensor) -> Tensor:
        return (fn(x) + fn(x).detach()) / 2

    assert check_refinement(half_detached, spec, x).verdict is Verdict.REFINES
    report = check_refinement(half_detached, spec, x, gradients=True)
    assert report.verdict is Verdict.REFUTED
    assert report.worst.output == "dx"


def test_inputs_without_a_path_have_a_gradient_of_zero() -> None:
    """Rightly so where only the last state is pulled back: it depends on neither C nor D nor z."""
    case = scan_case()
    cotangent = draw_cotangents({"last_state": torch.empty(2, 3, 4)}, 3)
    report = check_refinement(
        selective_scan, SelectiveScanFn(), {**case, "delta_softplus": True}, cotangents=cotangent
    )
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.gradients == tuple(case)
    assert report.seed is None


def test_states_without_a_gradient_can_be_left_out() -> None:
    def scan(**given: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(**given)
        return y, last.detach()

    case = scan_case()
    report = check_refinement(scan, SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reason.startswith("fn(…) has no gradient of last_state")
    assert report.gradients == tuple(case), "those through y were compared"
    assert max(report.greatest.values()) <= 1
    dy = torch.ones_like(case["u"])
    assert (
        check_refinement(
            scan, SelectiveScanFn(), {**case, "delta_softplus": True}, cotangents={"y": dy}
        ).verdict
        is Verdict.REFINES
    )


def test_a_wrong_gradient_is_found_beside_a_state_that_has_none() -> None:
    def scan(u: Tensor, **given: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(u=(u + u.detach()) / 2, **given)
        return y, last.detach()

    report = check_refinement(scan, SelectiveScanFn(), scan_case(), gradients=True, shrink=False)
    assert report.verdict is Verdict.REFUTED
    assert "besides, fn(…) has no gradient of last_state" in report.reason


class NotBackwards(torch.autograd.Function):
    @staticmethod
    def forward(context: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: object, g: Tensor) -> Never:
        raise NotImplementedError("no backward on this device")


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (NotBackwards.apply, "no backward on this device"),
        (torch.Tensor.detach, "fn(…) has no gradient of y"),
    ],
)
def test_an_implementation_without_gradients_is_inconclusive_and_its_outputs_are_compared(
    end: Callable[[Tensor], Tensor], says: str
) -> None:
    fn, spec, x = block_case(MambaBlockSpec)
    report = check_refinement(lambda x: end(fn(x)), spec, x, gradients=True)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert says in report.reason
    assert report.gradients == ()
    assert set(report.greatest) == {"y"}
    wrong = check_refinement(lambda x: end(1.01 * fn(x)), spec, x, gradients=True)
    assert wrong.verdict is Verdict.REFUTED
    assert says in wrong.reason
    drawn = check_refinement(lambda x: end(fn(x)), spec, cases=3, gradients=True)
    assert drawn.verdict is Verdict.INCONCLUSIVE
    assert says in drawn.reason


def test_implementations_may_write_into_their_inputs() -> None:
    def scan(u: Tensor, **given: object) -> tuple[Tensor, Tensor]:
        result = sequential(u=u + 0, **given)
        u.zero_()
        return result

    case = scan_case()
    before = case["u"].clone()
    check_refinement(scan, SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True).require()
    assert torch.equal(case["u"], before)


def test_implementations_get_inputs_that_lie_in_memory_as_those_given() -> None:
    case = scan_case()
    case["u"] = case["u"].transpose(1, 2).contiguous().transpose(1, 2)
    case["B"] = case["B"][..., :1].expand(case["B"].shape)
    strides = {name: tensor.stride() for name, tensor in case.items()}
    seen = {}

    def scan(**given: Any) -> tuple[Tensor, Tensor]:
        seen.update({name: given[name].stride() for name in case})
        return sequential(**given)

    check_refinement(scan, SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True).require()
    assert seen == strides


def test_each_seed_draws_other_cotangents() -> None:
    like = {"y": torch.empty(3, 5, dtype=torch.bfloat16)}
    first, same, other = (draw_cotangents(like, seed)["y"] for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert first.dtype == torch.bfloat16
    fn, spec, x = block_case(MambaBlockSpec)
    reports = [check_refinement(fn, spec, x, gradients=True, seed=seed) for seed in (1, 1, 2)]
    ratios = [report.worst.ratio for report in reports]
    assert ratios[0] == ratios[1]
    assert [report.seed for report in reports] == [1, 1, 2]


def test_gradients_accumulated_in_half_precision_over_two_uses() -> None:
    """u.to(float32) twice: each use is rounded to bfloat16 before the two are added."""

    def scan(u: Tensor, D: Tensor, z: Tensor, **given: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(u=u.float(), **given)
        y = (y + D.float()[:, None] * u.float()) * functional.silu(z.float())
        return y.to(u.dtype), last

    for seed in range(5):
        report = check_refinement(
            scan,
            SelectiveScanFn(),
            {**scan_case(seed=seed, dtype=torch.bfloat16), "delta_softplus": True},
            gradients=True,
        )
        assert report.verdict is Verdict.REFINES, report.summary()


def wrong_calls() -> Iterator[tuple[str, Callable[[], Any]]]:
    fn, spec, x = block_case(MambaBlockSpec)
    y = torch.ones(2, 20, 2)
    yield "cotangents has []; give a tensor", lambda: check_refinement(fn, spec, x, cotangents={})
    yield (
        "cotangents has ['last_state']; give a tensor for one or more of ['y']",
        lambda: check_refinement(fn, spec, x, cotangents={"last_state": y}),
    )
    yield (
        "the cotangent of y has shape (2, 20, 1); it must have shape (2, 20, 2)",
        lambda: check_refinement(fn, spec, x, cotangents={"y": y[..., :1]}),
    )
    yield (
        "the cotangent of y does not fit into torch.float16",
        lambda: check_refinement(lambda x: fn(x).half(), spec, x, cotangents={"y": y / 3}),
    )


@pytest.mark.parametrize(("says", "call"), [pytest.param(*case, id=case[0]) for case in wrong_calls()])
def test_wrong_calls(says: str, call: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        call()
    assert says in str(caught.value)


def test_assertions_take_the_same_options() -> None:
    fn, spec, x = block_case(MambaBlockSpec)
    assert check_refinement(fn, spec, x, gradients=True, seed=5).require().seed == 5
    with pytest.raises(CheckFailed):
        check_refinement(
            lambda x: fn(x) + 0 * x.sum() + x.sum() - x.sum().detach(), spec, x, gradients=True
        ).require()
    coarse = Rounding.of(torch.float32, ulps=3.0)
    assert (
        check_refinement(
            selective_scan,
            SelectiveScanFn(),
            {**scan_case(), "delta_softplus": True},
            gradients=True,
            rounding=coarse,
        )
        .require()
        .rounding
        == coarse
    )


def test_an_overflow_within_softplus_gradient_is_no_fault() -> None:
    """PyTorch multiplies the gradient by exp(16) before it divides by 1 + exp(16)."""
    delta = torch.full((1, 1, 1), 16.0)
    one = torch.ones(1, 1, 1)
    case = {"u": one, "delta": delta, "A": -torch.ones(1, 1), "B": one, "C": 1e32 * one}
    report = check_refinement(
        selective_scan, SelectiveScanFn(), {**case, "delta_softplus": True}, cotangents={"y": one}
    )
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()
    assert "overflow may explain" in report.reason
    tamer = {**case, "C": 1e31 * one}
    report = check_refinement(
        selective_scan, SelectiveScanFn(), {**tamer, "delta_softplus": True}, cotangents={"y": one}
    )
    assert report.verdict is Verdict.REFINES, report.summary()


def test_a_bound_that_is_vacuous_for_one_gradient_is_not_hidden_by_the_others() -> None:
    """In bfloat16 all of a bias's gradient may be rounding, while that of most entries is not."""
    case = {name: x.bfloat16() for name, x in scan_case().items()}

    def stops_at_the_bias(delta_bias: Tensor, **given: object) -> tuple[Tensor, Tensor]:
        return sequential(delta_bias=delta_bias.detach(), **given)

    report = check_refinement(
        stops_at_the_bias,
        SelectiveScanFn(),
        {**case, "delta_softplus": True},
        gradients=True,
        rounding=torch.bfloat16,
    )
    assert report.greatest["ddelta_bias"] <= 1
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "ddelta_bias" in report.reason
    assert report.loosest == "ddelta_bias"
    assert report.sharpness >= 1


def test_a_gradient_that_is_zero_says_no_less_for_it() -> None:
    """Before the first token there is no state, so that of one token alone the decay has no gradient."""
    case = scan_case(length=1)
    report = check_refinement(
        selective_scan, SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True
    )
    assert report.greatest["dA"] == 0
    assert report.verdict is Verdict.REFINES, report.summary()


def test_the_theorem_of_a_gradient_that_is_worst_is_the_adjoints() -> None:
    fn, spec, x = block_case(MambaBlockSpec)
    report = check_refinement(lambda x: fn(x.detach()) + 0 * x.sum(), spec, x, gradients=True, shrink=False)
    assert report.worst.output == "dx"
    assert report.worst_theorem == report.rows("mine")[0].theorem == "diagonalScan_vjp_inputs_error"
    with pytest.raises(CheckFailed, match="theorem diagonalScan_vjp_inputs_error"):
        raise CheckFailed(report)
    outputs = check_refinement(lambda x: 2 * fn(x), spec, x, shrink=False)
    assert outputs.worst_theorem == "runDiagonalTransitions_error"
