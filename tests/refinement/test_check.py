"""Right implementations refine their reference, wrong ones are refuted with a small case."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

import scanproof
from block_case import BLOCKS, DiagonalS4, block_case, scalar_s4
from scan_case import SCANS, Scan, scan_case, sequential
from scanproof import (
    CheckFailed,
    DiagonalS4Spec,
    InvalidArgument,
    MambaBlockSpec,
    MambaCheckpoint,
    Rounding,
    SelectiveMambaBlockSpec,
    SelectiveScanFn,
    Verdict,
    check_refinement,
    selective_scan,
)
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.runners import Spec
from verdicts import present

# ---------------------------------------------------------------- right implementations


@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("length", [1, 37, 128])
def test_own_scans_refine(scan: Scan, dtype: torch.dtype, length: int) -> None:
    report = check_refinement(
        scan, SelectiveScanFn(), {**scan_case(length=length, dtype=dtype), "delta_softplus": True}
    )
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.smallest is None
    assert report.theorem == "diagonalSelectiveScan_append"
    assert 1e-3 < report.worst.ratio <= 1, "not vacuous: the bound is at most a thousand errors wide"
    assert report.sharpness < torch.finfo(dtype).eps ** 0.5, "more than half of the digits are checked"


@pytest.mark.parametrize("leave_out", [("D",), ("z",), ("delta_bias",), ("D", "z", "delta_bias")])
def test_optional_arguments(leave_out: tuple[str, ...]) -> None:
    report = check_refinement(
        selective_scan, SelectiveScanFn(), {**scan_case(leave_out=leave_out), "delta_softplus": True}
    )
    assert report.verdict is Verdict.REFINES, report.summary()


@pytest.mark.cuda
@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
def test_own_scans_refine_on_a_gpu(scan: Scan) -> None:
    case = {name: tensor.cuda() for name, tensor in scan_case().items()}
    report = check_refinement(scan, SelectiveScanFn(), {**case, "delta_softplus": True})
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.device == "cuda:0"
    wrong = check_refinement(sigmoid_gate, SelectiveScanFn(), {**case, "delta_softplus": True})
    assert "device='cuda:0'" in present(wrong.smallest).code
    with pytest.raises(CheckFailed):
        exec(present(wrong.smallest).code, {"fn": sigmoid_gate})


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(SCANS)),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 40), st.integers(1, 4)),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_own_scans_refine_on_any_shape(
    name: str, shape: tuple[int, int, int, int], seed: int, softplus: bool
) -> None:
    case = scan_case(*shape, seed=seed)
    case["delta"] = case["delta"] if softplus else case["delta"].abs()
    if not softplus:
        del case["delta_bias"]
    report = check_refinement(
        SCANS[name], SelectiveScanFn(), {**case, "delta_softplus": softplus}, shrink=False
    )
    assert report.verdict is Verdict.REFINES, report.summary()


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_blocks_refine(kind: type[Spec], dtype: torch.dtype) -> None:
    fn, spec, x = block_case(kind, dtype)
    report = check_refinement(fn, spec, x)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.worst.ratio > 1e-3
    assert report.theorem == spec.theorem
    assert report.rounding == Rounding.of(dtype)
    assert report.compared == 2 * 20 * 2


def test_casts_without_which_it_refines_are_named() -> None:
    fn, spec, x = block_case(MambaBlockSpec, torch.float64)
    casting = check_refinement(lambda x: fn(x).float().to(torch.float64), spec, x)
    assert casting.verdict is Verdict.REFUTED
    assert casting.casts == ("to(float32)",)
    assert "without to(float32) in its code, fn REFINES" in casting.summary()
    wrong = check_refinement(lambda x: 1.01 * fn(x).float().double(), spec, x, shrink=False)
    assert (wrong.verdict, wrong.casts) == (Verdict.REFUTED, ())


def test_an_output_stored_in_a_coarser_dtype_is_allowed_one_more_rounding() -> None:
    fn, spec, x = block_case()
    report = check_refinement(lambda x: fn(x).bfloat16(), spec, x)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.worst.ratio > 0.5
    assert report.coarser == {"y": "bfloat16"}
    assert "stored    : y in bfloat16: coarser than assumed" in report.summary()
    assert check_refinement(fn, spec, x).coarser == {}
    twice = check_refinement(lambda x: (fn(x) * 1.02).bfloat16(), spec, x, shrink=False)
    assert twice.verdict is Verdict.REFUTED


def doubling() -> DiagonalS4Spec:
    return scalar_s4(inProj=1.0, a=0.0, outProj=1.0, skip=1.0)


def test_a_finer_output_dtype_that_underflows_earlier_is_allowed_for_too() -> None:
    x = torch.randn(1, 8, 1, generator=torch.Generator().manual_seed(0)) * 1e-6
    report = check_refinement(lambda x: (2 * x).half(), doubling(), x, rounding=torch.bfloat16)
    assert report.verdict is not Verdict.REFUTED, report.summary()
    assert 0.1 < report.worst.ratio <= 1
    wrong = check_refinement(lambda x: (2.2 * x).half(), doubling(), x + 1e-4, rounding=torch.bfloat16)
    assert wrong.verdict is Verdict.REFUTED


def test_a_that_the_block_computes_for_itself_may_be_off_by_the_declared_ulps() -> None:
    """The second output is exp(dt A) times the first token's input: dt A = -30 shows what is wrong with A."""
    spec = SelectiveMambaBlockSpec(
        inProj=np.eye(2),
        inBias=np.zeros(2),
        gateProj=np.zeros((2, 2)),
        gateBias=np.ones(2),
        convWeight=np.ones((2, 1)),
        convBias=np.zeros(2),
        dtDown=np.zeros((1, 2)),
        dtUp=np.zeros((2, 1)),
        dtBias=np.full(2, 30.0),
        bProj=np.array([[1.0, 0.0]]),
        cProj=np.array([[0.0, 1.0]]),
        A=-np.ones((2, 1)),
        D=np.ones(2),
        outProj=np.array([[1.0, 0.0]]),
        outBias=np.zeros(1),
    )
    rounding = Rounding.of(torch.float32, ulps=64.0)
    off = 2 * rounding.exp_ulps * rounding.unit_roundoff

    def verdict(A: NDArray[Any]) -> Verdict:
        """Of a block in float64, but for dt at the end of its interval, and for A."""
        block = replace(spec, dtBias=spec.dtBias * (1 + off), A=A)
        return check_refinement(
            lambda x: torch.from_numpy(block.run(x.numpy())[0]), spec, torch.eye(2)[None], rounding=rounding
        ).verdict

    assert verdict(spec.A * (1 + off)) is Verdict.REFINES
    assert verdict(spec.A * (1 + 3 * off)) is Verdict.REFUTED


# ---------------------------------------------------------------- wrong implementations


def softplus_before_bias(
    delta: Tensor, delta_bias: Tensor, delta_softplus: bool, **rest: object
) -> tuple[Tensor, Tensor]:
    assert delta_softplus
    return sequential(delta=functional.softplus(delta) + delta_bias[:, None], **rest)


def dt_not_applied_to_b(
    u: Tensor, delta: Tensor, delta_bias: Tensor, D: Tensor, **rest: Any
) -> tuple[Tensor, Tensor]:
    dt = functional.softplus(delta + delta_bias[:, None])
    rest.pop("delta_softplus")
    z, want_state = rest.pop("z"), rest.pop("return_last_state")
    y, h = selective_scan(u=u / dt, delta=dt, return_last_state=want_state, **rest)
    return (y + D[:, None] * u) * functional.silu(z), h


def decay_one_step_late(
    u: Tensor,
    delta: Tensor,
    delta_bias: Tensor,
    D: Tensor,
    z: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    **_: object,
) -> tuple[Tensor, Tensor]:
    dt = functional.softplus(delta + delta_bias[:, None])
    h, ys = torch.zeros(u.shape[0], u.shape[1], A.shape[1], dtype=u.dtype), []
    for t in range(u.shape[-1]):
        decay = torch.exp(dt[..., max(t - 1, 0), None] * A)
        h = decay * h + dt[..., t, None] * B[:, None, :, t] * u[..., t, None]
        ys.append((h * C[:, None, :, t]).sum(-1))
    return (torch.stack(ys, -1) + D[:, None] * u) * functional.silu(z), h


def sigmoid_gate(z: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
    y, h = sequential(**rest)
    return y * torch.sigmoid(z), h


def skip_before_the_gate_missing(D: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
    return sequential(**rest)


def last_state_of_the_token_before(u: Tensor, **rest: Any) -> tuple[Tensor, Tensor]:
    y, _ = selective_scan(u=u, **rest)
    earlier = {n: t[..., :-1] if n in ("delta", "B", "C", "z") else t for n, t in rest.items()}
    return y, selective_scan(u=u[..., :-1], **earlier)[1]


def state_kept_in_bfloat16(
    u: Tensor,
    delta: Tensor,
    delta_bias: Tensor,
    D: Tensor,
    z: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    **_: object,
) -> tuple[Tensor, Tensor]:
    dt = functional.softplus(delta + delta_bias[:, None])
    h, ys = torch.zeros(u.shape[0], u.shape[1], A.shape[1], dtype=u.dtype), []
    for t in range(u.shape[-1]):
        h = torch.exp(dt[..., t, None] * A) * h + dt[..., t, None] * B[:, None, :, t] * u[..., t, None]
        h = h.bfloat16().float()
        ys.append((h * C[:, None, :, t]).sum(-1))
    return (torch.stack(ys, -1) + D[:, None] * u) * functional.silu(z), h


def divides_by_cumulated_decays(
    u: Tensor,
    delta: Tensor,
    delta_bias: Tensor,
    D: Tensor,
    z: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    **_: object,
) -> tuple[Tensor, Tensor]:
    """The exp(cumsum) trick: h_t = P_t sum of b_s / P_s."""
    dt = functional.softplus(delta + delta_bias[:, None])
    log_p = (dt[..., None] * A[:, None]).cumsum(2)
    b = dt[..., None] * B.transpose(1, 2)[:, None] * u[..., None]
    h = torch.exp(log_p) * (b * torch.exp(-log_p)).cumsum(2)
    y = torch.einsum("bdln,bnl->bdl", h, C)
    return (y + D[:, None] * u) * functional.silu(z), h[:, :, -1]


WRONG = {
    function.__name__: function
    for function in (
        softplus_before_bias,
        dt_not_applied_to_b,
        decay_one_step_late,
        sigmoid_gate,
        skip_before_the_gate_missing,
        last_state_of_the_token_before,
        state_kept_in_bfloat16,
        divides_by_cumulated_decays,
    )
}


@pytest.mark.parametrize("scan", WRONG.values(), ids=WRONG)
def test_wrong_scans_are_refuted_with_a_small_case(scan: Scan) -> None:
    report = check_refinement(scan, SelectiveScanFn(), {**scan_case(length=37), "delta_softplus": True})
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert report.worst.ratio > 1
    case = present(report.smallest)
    assert case.deviation.ratio > 1
    assert case.runs <= 400
    batch, channels, length = case.inputs["u"].shape
    assert batch * channels * case.inputs["A"].shape[1] == 1
    assert length <= 20
    assert "smallest failing case" in report.summary()
    with pytest.raises(CheckFailed):
        exec(case.code, {"fn": scan})


def test_an_unstable_scan_is_refuted_where_it_loses_its_digits_and_not_where_it_keeps_them() -> None:
    short = check_refinement(
        divides_by_cumulated_decays, SelectiveScanFn(), {**scan_case(length=2), "delta_softplus": True}
    )
    assert short.verdict is Verdict.REFINES, short.summary()
    long = check_refinement(
        divides_by_cumulated_decays,
        SelectiveScanFn(),
        {**scan_case(length=200), "delta_softplus": True},
        shrink=False,
    )
    assert long.verdict is Verdict.REFUTED, "0 times infinity is not an overflow of the recurrence itself"
    assert not np.isfinite(long.worst.got)
    assert "no evaluation of this recurrence overflows" in long.reason


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_one_wrong_parameter_in_its_last_digits_is_refuted(kind: type[Spec], dtype: torch.dtype) -> None:
    fn, spec, x = block_case(kind, dtype)
    assert isinstance(fn, DiagonalS4)
    fn.a *= 1 + 100 * torch.finfo(dtype).eps
    report = check_refinement(fn, spec, x)
    assert report.verdict is Verdict.REFUTED, report.summary()
    x = present(report.smallest).inputs["x"]
    assert x.shape[0] == 1
    assert torch.count_nonzero(x) <= 3
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": fn, "spec": spec})


def test_worst_entry_is_named() -> None:
    fn, spec, x = block_case()

    def off_in_one_entry(x: Tensor) -> Tensor:
        y = fn(x)
        if x.shape[1] > 7:
            y[1, 7, 1] += 1
        return y

    report = check_refinement(off_in_one_entry, spec, x, shrink=False)
    assert report.reason == "rounding cannot explain the worst entry"
    worst = report.worst
    assert (worst.output, worst.example, worst.t, worst.channel, worst.state) == ("y", 1, 7, 1, None)
    assert worst.error == pytest.approx(1, abs=1e-5)
    assert worst.got == pytest.approx(worst.expected + 1, abs=1e-5)
    assert "y at example 1, t 7, channel 1" in report.summary()
    smallest = present(check_refinement(off_in_one_entry, spec, x).smallest)
    assert smallest.inputs["x"].shape == (2, 8, 3), "it takes two examples and eight tokens to fail"
    assert torch.count_nonzero(smallest.inputs["x"]) == 0


def test_a_wrong_last_state_is_named_with_its_place() -> None:
    report = check_refinement(
        last_state_of_the_token_before,
        SelectiveScanFn(),
        {**scan_case(length=37), "delta_softplus": True},
        shrink=False,
    )
    assert report.worst.output == "last_state"
    assert report.worst.t == 36
    assert report.worst.state in range(4)
    assert f"t 36, channel {report.worst.channel}, state {report.worst.state}" in report.summary()


def test_large_cases_are_handed_over_in_the_report() -> None:
    fn, spec, x = block_case(length=120)

    def fails_on_long_inputs_only(x: Tensor) -> Tensor:
        return fn(x) + (x.shape[1] > 90)

    report = check_refinement(fails_on_long_inputs_only, spec, x)
    assert present(report.smallest).inputs["x"].shape == (1, 91, 3)
    assert "x = report.smallest.inputs['x']  # (1, 91, 3)" in present(report.smallest).code
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": fails_on_long_inputs_only, "spec": spec, "report": report})


def test_an_implementation_that_refuses_smaller_inputs_still_gets_a_case() -> None:
    fn, spec, x = block_case()

    def only_this_size(x: Tensor) -> Tensor:
        if x.shape != (2, 20, 3):
            raise RuntimeError("this kernel wants (2, 20, 3)")
        return fn(x) * 2

    report = check_refinement(only_this_size, spec, x)
    assert present(report.smallest).inputs["x"].shape == (2, 20, 3)
    assert present(report.smallest).deviation.ratio > 1


def test_implementations_may_write_into_their_input() -> None:
    fn, spec, x = block_case()
    before = x.clone()

    def writes(x: Tensor) -> Tensor:
        y = fn(x)
        x.zero_()
        return y

    assert check_refinement(writes, spec, x).verdict is Verdict.REFINES
    assert torch.equal(x, before)

    def scan_writes(u: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
        result = sequential(u=u, **rest)
        u.zero_()
        return result

    case = scan_case()
    before = case["u"].clone()
    assert (
        check_refinement(scan_writes, SelectiveScanFn(), {**case, "delta_softplus": True}).verdict
        is Verdict.REFINES
    )
    assert torch.equal(case["u"], before)


# ---------------------------------------------------------------- what stays open


def test_overflow_that_may_be_rightful_is_inconclusive() -> None:
    spec = scalar_s4(inProj=1.0, a=8.0, outProj=1.0, skip=0.0)
    x = torch.full((1, 12, 1), 1e30)
    report = check_refinement(DiagonalS4(spec), spec, x)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "overflow may explain" in report.reason
    assert check_refinement(DiagonalS4(spec), spec, x[:, :8]).verdict is Verdict.REFINES


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_an_overflow_may_explain_hides_no_other_entry(bad: float) -> None:
    """The first example may overflow, the second is wrong by a factor."""
    spec = scalar_s4(inProj=1.0, a=8.0, outProj=1.0, skip=0.0)
    x = torch.cat([torch.full((1, 12, 1), 1e30), torch.ones(1, 12, 1)])

    def broken(factor: float) -> RefinementReport:
        def fn(x: Tensor) -> Tensor:
            y = torch.from_numpy(spec.run(x.numpy())[0]).float()
            y[:1, 8:] = bad
            y[1:, 3] *= factor
            return y

        return check_refinement(fn, spec, x, shrink=False)

    right, wrong = broken(1), broken(1.5)
    assert right.verdict is Verdict.INCONCLUSIVE
    assert "overflow may explain" in right.reason
    assert not np.isfinite(right.worst.got)
    assert wrong.verdict is Verdict.REFUTED, wrong.summary()
    assert (wrong.worst.example, wrong.worst.t) == (1, 3)


def test_an_overflow_in_one_output_hides_nothing_in_the_other() -> None:
    case = scan_case(batch=1, channels=1, length=12, states=1, leave_out=("z", "delta_bias"))
    case["A"], case["delta"] = torch.ones(1, 1), torch.full((1, 1, 12), 2.0)
    case["u"], case["B"] = torch.full((1, 1, 12), 1e30), torch.ones(1, 1, 12)

    def scan(**given: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(**given)
        return y * 1.5, last

    report = check_refinement(scan, SelectiveScanFn(), case, shrink=False)
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert report.worst.output == "y"
    assert np.isfinite(report.worst.got)


def test_a_reference_that_is_not_finite_is_inconclusive() -> None:
    fn, spec, x = block_case()
    x[0, 3, 1] = torch.nan
    report = check_refinement(fn, spec, x)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the reference's y is not finite" in report.reason
    assert (report.worst.example, report.worst.t) == (0, 3)
    assert np.isnan(report.worst.expected)
    assert report.worst.ratio == 0
    assert "undecided : y at example 0, t 3" in report.summary()
    assert report.reason in report.rows("mine")[0].evidence
    with pytest.raises(CheckFailed, match="t 3"):
        report.require()


def test_an_infinite_bound_is_inconclusive() -> None:
    spec = scalar_s4(inProj=1.0, a=1.0, outProj=1.0, skip=0.0)
    coarse = Rounding(unit_roundoff=0.5, underflow=0.0, largest=1e38)
    report = check_refinement(DiagonalS4(spec), spec, torch.ones(1, 3000, 1), rounding=coarse)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the bound of y is infinite" in report.reason
    assert report.worst.bound == np.inf
    assert 0 < present(report.worst.t) < 3000
    assert report.worst.expected == present(report.worst.t) + 1


def test_outputs_that_are_zero_prove_nothing() -> None:
    fn, spec, x = block_case()
    report = check_refinement(fn, spec, torch.zeros_like(x))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "zeros would pass" in report.reason
    with pytest.raises(CheckFailed, match="INCONCLUSIVE"):
        check_refinement(fn, spec, torch.zeros_like(x)).require()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_one_entry_that_is_not_finite_never_passes(bad: float) -> None:
    fn, spec, x = block_case()

    def broken(x: Tensor) -> Tensor:
        y = fn(x)
        y[:, 3, 0] += 1
        y[:, -1, 1] = bad
        return y

    report = check_refinement(broken, spec, x)
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert (report.worst.t, report.worst.channel, report.worst.error) == (19, 1, torch.inf)
    assert "no evaluation of this recurrence overflows" in report.reason


def test_an_error_beyond_any_number_of_ulps() -> None:
    """Of a zero in float64, an ulp is the least number there is."""
    report = check_refinement(lambda x: 2 * x + 1e300, doubling(), torch.zeros(1, 4, 1, dtype=torch.float64))
    assert report.verdict is Verdict.REFUTED
    assert report.worst.error == 1e300


# ---------------------------------------------------------------- references


class Twin:
    """Another reference, right up to a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def run(self, spec: Spec, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        y, state = spec.run(x)
        return y * self.factor, state


def test_another_reference_computes_the_values() -> None:
    fn, spec, x = block_case()
    report = check_refinement(fn, spec, x, reference=Twin(1 + 2.0**-52))
    assert report.verdict is Verdict.REFINES
    assert report.reference == "Twin, float64"
    alone = check_refinement(fn, spec, x)
    assert report.worst.bound != alone.worst.bound


def test_references_that_disagree_are_inconclusive() -> None:
    fn, spec, x = block_case()
    report = check_refinement(fn, spec, x, reference=Twin(1 + 2.0**-30))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "Twin, float64 differs from the Python twin" in report.reason


# ---------------------------------------------------------------- reports and errors


def test_report_reads_well() -> None:
    fn, spec, x = block_case()
    report = check_refinement(fn, spec, x)
    first, *lines = report.summary().splitlines()
    assert first == (
        "Refinement(DiagonalS4Spec(stateDim=5, inputDim=3, outputDim=2), input (2, 20, 3) float32 on cpu)"
    )
    assert [line.split(":")[0].strip() for line in lines] == [
        "verdict",
        "exact",
        "worst",
        "bound",
        "spread",
        "probable",
        "reference",
        "theorems",
        "runDiagonalTransitions_error (the bound of the scan, evaluated in float64)",
        "(w^n g - m) + eta (4 ((n + 1)(M + 1) - 1) p) + d",
    ]
    assert "unit roundoff 5.96e-08, 1 ulp of exp, 3 of sigmoid, 2 of softplus" in report.summary()
    assert report.rows("my block")[0].theorem == "diagonalS4_runList_append_outputs_prefix"
    assert scanproof.table([report.rows("my block")[0]])


def test_reports_say_how_errors_are_distributed() -> None:
    fn, spec, x = block_case()

    def one_off(x: Tensor) -> Tensor:
        y = fn(x)
        y[1, 4, 0] += 2**-10
        return y

    right, wrong = (check_refinement(tried, spec, x, shrink=False) for tried in (fn, one_off))
    assert right.greatest == {"y": right.worst.ratio}
    ratios = present(right.ratios)
    assert 0 < ratios.median < ratios.most <= ratios.greatest == right.worst.ratio
    assert 0 < present(right.ulps).median < 4, "about half an ulp an operation"
    assert 0.999 * right.worst.ratio <= present(right.probable) < 1
    assert present(wrong.ratios).median == ratios.median
    spacing = np.spacing(np.float32(abs(wrong.worst.expected)))
    assert present(wrong.ulps).greatest == pytest.approx(wrong.worst.error / spacing)
    assert present(wrong.probable) > 1
    assert right.formula


def test_a_rounding_for_diagnostics_decides_nothing() -> None:
    fn, spec, x = block_case()
    likely = replace(Rounding.of(torch.float32), confidence=4.0)
    with pytest.raises(InvalidArgument, match="for diagnostics"):
        check_refinement(fn, spec, x, rounding=likely)


def test_assertion_carries_the_report() -> None:
    fn, spec, x = block_case()
    assert check_refinement(fn, spec, x).require().verdict is Verdict.REFINES
    with pytest.raises(AssertionError, match="REFUTED") as caught:
        check_refinement(lambda x: fn(x) + 1, spec, x).require()
    assert isinstance(caught.value, CheckFailed)
    assert caught.value.report.verdict is Verdict.REFUTED
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)


def test_roundings_can_be_stated() -> None:
    fn, spec, x = block_case(dtype=torch.float64)
    single = check_refinement(lambda x: fn.float()(x.float()).double(), spec, x, rounding=torch.float32)
    assert single.verdict is Verdict.REFINES
    fn.double()
    assert check_refinement(fn, spec, x).worst.bound < single.worst.bound / 1e6
    coarse = replace(Rounding.of(torch.float32), exp_ulps=3.0)
    report = check_refinement(lambda x: fn(x) * 2, spec, x, rounding=coarse)
    assert "rounding=scanproof.Rounding(" in present(report.smallest).code
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": lambda x: fn(x) * 2, "spec": spec})


def test_checkpoints_are_specs_too() -> None:
    rng = np.random.default_rng(0)
    shapes = [(4, 3), (2, 1, 2), (1 + 2 * 2, 2), (2, 1), (2,), (2, 2), (2,), (3, 2)]
    checkpoint = MambaCheckpoint(*(rng.normal(size=shape) for shape in shapes))
    x = torch.from_numpy(rng.normal(size=(1, 5, 3)))
    report = check_refinement(lambda x: torch.from_numpy(checkpoint.spec().run(x.numpy())[0]), checkpoint, x)
    assert report.verdict is Verdict.REFINES


def wrong_calls() -> Iterator[tuple[str, Callable[[], Any]]]:
    fn, spec, x = block_case()
    yield "x is torch.int64", lambda: check_refinement(fn, spec, x.long())
    yield "x is list", lambda: check_refinement(fn, spec, x.tolist())  # type: ignore[arg-type]
    yield "x is torch.complex64", lambda: check_refinement(fn, spec, x.to(torch.complex64))
    yield "x has shape (20, 3); give (batch, T, inputDim = 3)", lambda: check_refinement(fn, spec, x[0])
    yield "x has shape (2, 0, 3)", lambda: check_refinement(fn, spec, x[:, :0])
    yield "x has shape (2, 20, 2)", lambda: check_refinement(fn, spec, x[..., :2])
    for wrong in ("float32", 1e-3, torch.int32, torch.complex64):
        yield (
            f"rounding in {wrong!r} is not modelled; give a real floating dtype",
            partial(check_refinement, fn, spec, x, rounding=wrong),  # type: ignore[arg-type]
        )
    yield "fn is a int; give a function", lambda: check_refinement(3, spec, x)  # type: ignore[arg-type]
    yield (
        "fn is a int; give a function",
        lambda: check_refinement(
            3,  # type: ignore[arg-type]
            SelectiveScanFn(),
            scan_case(),
        ),
    )
    for reference in (3, Twin):
        yield (
            f"reference is {reference!r}; give an object with run",
            partial(check_refinement, fn, spec, x, reference=reference),  # type: ignore[arg-type]
        )
    yield "spec is a dict", lambda: check_refinement(fn, {}, x)  # type: ignore[arg-type]
    yield "fn(x) is a tuple; it must be a tensor", lambda: check_refinement(lambda x: (x, x), spec, x)
    yield "fn(x) has shape (2, 20, 3)", lambda: check_refinement(lambda x: x, spec, x)
    yield "fn(x) has dtype torch.int64", lambda: check_refinement(lambda x: fn(x).long(), spec, x)
    yield "drops out at random", lambda: check_refinement(nn.Dropout(0.5), spec, x)
    case = scan_case()
    yield (
        "u has shape (3, 21)",
        lambda: check_refinement(selective_scan, SelectiveScanFn(), {**case, "u": case["u"][0]}),
    )
    yield "C is None", lambda: check_refinement(selective_scan, SelectiveScanFn(), {**case, "C": None})
    yield "B is a list", lambda: check_refinement(selective_scan, SelectiveScanFn(), {**case, "B": [1.0]})
    yield (
        "return (y, last_state)",
        lambda: check_refinement(lambda **given: given["u"], SelectiveScanFn(), case),
    )
    yield (
        "last_state of fn(…) has shape",
        lambda: check_refinement(lambda **given: (given["u"], given["u"]), SelectiveScanFn(), case),
    )


@pytest.mark.parametrize(("says", "call"), [pytest.param(*case, id=case[0]) for case in wrong_calls()])
def test_wrong_calls(says: str, call: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        call()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite_make_no_spec(bad: float) -> None:
    with pytest.raises(InvalidArgument, match=rf"DiagonalS4Spec: skip holds {bad} at \[0, 1\]"):
        DiagonalS4Spec(
            inProj=np.ones((1, 2)), a=np.zeros(1), outProj=np.ones((1, 1)), skip=np.array([[1.0, bad]])
        )
    names = (
        "in_proj_weight",
        "conv1d_weight",
        "x_proj_weight",
        "dt_proj_weight",
        "dt_proj_bias",
        "A_log",
        "D",
    )
    shapes = [(4, 3), (2, 1, 2), (1 + 2 * 2, 2), (2, 1), (2,), (2, 2), (2,)]
    given = {name: np.ones(shape) for name, shape in zip(names, shapes, strict=True)}
    with pytest.raises(InvalidArgument, match=f"MambaCheckpoint: out_proj_weight holds {bad}"):
        MambaCheckpoint(**given, out_proj_weight=np.full((3, 2), bad))
