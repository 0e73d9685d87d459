"""The census of kernels: a right kernel passes every case, and each planted fault fails its own case."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from pages import ROOT, rows_of
from scanproof import GatedLinearAttention, InvalidArgument, SsdScan, Verdict
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.adapters.triton.watch import Watch
from scanproof.census.kernels import answers as census
from scanproof.census.kernels.answers import kernel_answers, memory
from scanproof.census.kernels.cases import CASES, Case, drawn
from scanproof.census.kernels.forms import SAME, Difference, FormsReport, _compared, _gradients, _outputs
from scanproof.census.kind import KERNEL_COLUMNS
from scanproof.cli.app import app
from scanproof.cli.exits import WRONG_CALL

BLOCK = 8
NAMES = tuple(case.name for case in CASES)


class Dropped(torch.autograd.Function):
    """The identity, without a gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Tensor:
        return torch.zeros_like(given[0])


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    g: Tensor,
    initial_state: Tensor | None = None,
    cu_seqlens: Tensor | None = None,
    *,
    fault: str = "",
) -> tuple[Tensor, Tensor]:
    """Linear attention token after token; a fault is that of a kernel that was released."""
    batch, time, heads, keys = q.shape
    starts = [0] if cu_seqlens is None else [int(end) for end in cu_seqlens[:-1]]
    rows = batch if cu_seqlens is None else len(starts)
    zeros = q.new_zeros(rows, heads, keys, v.shape[-1])
    initial = zeros if initial_state is None else initial_state
    state, outputs, ends = initial if cu_seqlens is None else initial[:1], [], []
    for t in range(time):
        if cu_seqlens is not None and t in starts and t and fault != "mixes sequences":
            ends.append(state)
            state = initial[0 if fault == "begins at the first state" else starts.index(t)][None]
        decay = (g[:, t].clamp(min=-4) if fault == "forgets little" else g[:, t]).exp()
        if fault == "forgets nothing small":
            decay = torch.where(g[:, t] > -1e-3, torch.ones_like(decay), decay)
        state = decay[..., None] * state + k[:, t, ..., None] * v[:, t, :, None, :]
        outputs.append((state * q[:, t, ..., None]).sum(-2))
    last = torch.cat([*ends, state]) if cu_seqlens is not None else state
    y = torch.stack(outputs, 1)
    if fault == "mixes sequences" and cu_seqlens is not None:
        last = state.expand(rows, *state.shape[1:])
    if fault == "reads ahead":
        y = y + 1e-3 * y.mean(dim=1, keepdim=True)
    if fault == "tail" and time % BLOCK:
        last = last * torch.nan
    if fault == "loop without a tail" and keys % 8:
        y = y * 1.01
    return y, Dropped.apply(last) if fault == "drops the state's gradient" else last


def subject(fault: str, **options: Any) -> Subject:
    def load() -> Implementation:
        return lambda **inputs: attention(**inputs, fault=fault)

    return Subject(
        "own.kernels:attention", "own", load, GatedLinearAttention(), block=BLOCK, packed=True, **options
    )


def verdicts(kernel: Subject) -> dict[str, str]:
    return {said.check: said.verdict for said in kernel_answers(kernel, 0, triton=False)}


def test_a_right_kernel_passes_every_case() -> None:
    assert verdicts(subject("")) == {**dict.fromkeys(NAMES, "REFINES"), "prefix": "CAUSAL"}


FAULTS: Mapping[str, str] = {
    "tail": "T off a block",
    "drops the state's gradient": "gradients of the last state",
    "forgets nothing small": "weak decays",
    "forgets little": "strong decays",
    "loop without a tail": "odd sizes",
    "mixes sequences": "packed",
    "reads ahead": "prefix",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_case(fault: str) -> None:
    found = verdicts(subject(fault))
    assert Verdict[found[FAULTS[fault]]].found, found


def test_a_fault_fails_no_case_that_does_not_reach_it() -> None:
    right = {
        name for name, verdict in verdicts(subject("loop without a tail")).items() if verdict == "REFINES"
    }
    assert right == set(NAMES) - {"odd sizes"}


def test_what_a_kernel_does_not_offer_does_not_apply() -> None:
    kernel = subject("", odd={}, given={"g": lambda g: g.detach()}, no_gradient=True)
    found = verdicts(replace(kernel, packed=False))
    missing = {name for name, verdict in found.items() if verdict == "NOT_APPLICABLE"}
    assert missing == {
        "gradients", "gradients of the last state", "weak decays", "strong decays", "odd sizes", "packed",
    }  # fmt: skip


@pytest.mark.parametrize("reached", ["", "y", "last_state"])
def test_gradients_that_autograd_does_not_reach_are_not_applicable(reached: str) -> None:
    def load() -> Implementation:
        def implementation(**inputs: Any) -> Any:
            returned = dict(zip(("y", "last_state"), attention(**inputs), strict=True))
            return tuple(x if name == reached else x.detach() for name, x in returned.items())

        return implementation

    found = {said.check: said for said in kernel_answers(replace(subject(""), load=load), 0, triton=False)}
    for case, name in {"gradients": "y", "gradients of the last state": "last_state"}.items():
        if name == reached:
            assert found[case].verdict == "REFINES"
        else:
            assert found[case].verdict == "NOT_APPLICABLE"
            assert found[case].evidence == f"autograd does not reach {name}"
    assert {found[case].verdict for case in ("weak decays", "odd sizes", "packed")} == {"REFINES"}


def test_packed_sequences_have_several_blocks() -> None:
    case = next(case for case in CASES if case.packed)
    assert 64 < drawn(replace(subject(""), block=64), case, 0)["q"].shape[1] < 128


def test_a_packed_sequence_begins_at_its_own_state_even_if_it_is_the_only_one() -> None:
    found = verdicts(subject("begins at the first state", sizes={"batch": 1}))
    assert {case for case, verdict in found.items() if Verdict[verdict].found} == {"packed"}


def test_only_kernels_that_the_outputs_launch_have_configurations_that_are_compared() -> None:
    watch = Watch(configurations={"forward": ("N=1", "N=2"), "backward": ("N=1", "N=2")})

    def outputs() -> dict[str, Tensor]:
        watch.configurations["forward"] = ("N=1", "N=2")
        return {"y": torch.ones(1)}

    def refine() -> FormsReport:
        outputs()
        return FormsReport(worst=Difference("y", 0.0))

    answers = memory(watch, outputs, refine, refine(), refine)
    (said,) = [said for said in answers if said.check == "configurations"]
    assert said.evidence == "all are within the bound: forward (2)"


def test_each_case_is_run_for_its_answer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    posed: list[str] = []
    pose = census.pose

    def counted(*given: Any, **options: Any) -> Any:
        posed.append(given[2].name)
        return pose(*given, **options)

    monkeypatch.setattr(census, "pose", counted)
    asked = census._Asked(subject(""), 0, triton=False)
    list(asked.numbers())
    asked.report(CASES[0])
    assert posed == list(NAMES)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_cases_have_the_lengths_and_sizes_of_their_names(case: Case) -> None:
    inputs = drawn(subject(""), case, 0)
    time, _, keys = inputs["q"].shape[1:]
    assert (time % BLOCK == 0) == (case.length == "on")
    assert (keys & (keys - 1) != 0) == case.odd
    assert ("initial_state" in inputs) == (case.decays != "strong")
    strongest, weakest = float(inputs["g"].min()), float(inputs["g"].max())
    assert (strongest < -5) == (case.decays == "strong")
    assert (weakest > -1e-3) == (case.decays == "weak")


@pytest.mark.parametrize(("decays", "low", "high"), [("weak", 0.0, 1e-2), ("strong", 20.0, 40.0)])
def test_step_sizes_before_the_softplus_are_weak_or_strong(decays: str, low: float, high: float) -> None:
    case = next(case for case in CASES if case.decays == decays)
    scan = Subject("own.kernels:scan", "own", lambda: attention, SsdScan(dt_softplus=True))
    steps = torch.nn.functional.softplus(drawn(scan, case, 0)["dt"])
    assert low < float(steps.max()) < high


def twice(**inputs: Any) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    y, state = attention(**inputs)
    return y, (state, 2 * state)


def compared(second: Callable[..., Any]) -> FormsReport:
    inputs = drawn(subject(""), CASES[0], 0)
    del inputs["initial_state"]
    return _compared(lambda fn: _gradients(inputs, 0, fn, states_alone=True), twice, second)


def test_two_forms_are_compared_in_the_gradients_of_all_states() -> None:
    def other(**inputs: Tensor) -> Any:
        y, states = twice(**inputs)
        return y, (states[0], Dropped.apply(states[1]))

    assert compared(twice).verdict is Verdict.CLEAN
    found = compared(other)
    assert (found.verdict, found.worst.where in ("dk", "dv", "dg")) == (Verdict.FAULTY, True)
    assert f"{found.worst.share:.2g}" in found.reason


def test_two_forms_that_cannot_be_compared_are_not_right() -> None:
    def other(**inputs: Tensor) -> Any:
        y, states = twice(**inputs)
        return y[:, :1], states

    inputs = drawn(subject(""), CASES[0], 0)
    with pytest.raises(InvalidArgument, match="the shapes are"):
        _compared(lambda fn: _outputs(inputs, fn), twice, other)
    with pytest.raises(InvalidArgument, match="the shapes are"):
        _compared(lambda fn: _outputs(inputs, fn), attention, twice)
    with pytest.raises(InvalidArgument, match="zero in both forms"):
        _compared(lambda fn: {"dq": torch.zeros(3)}, twice, twice)


def test_two_forms_may_differ_by_rounding_alone() -> None:
    def scaled(factor: float) -> Callable[..., Any]:
        def fn(**inputs: Tensor) -> Any:
            y, states = twice(**inputs)
            return y, tuple(factor * state for state in states)

        return fn

    assert compared(scaled(1 + SAME / 2)).verdict is Verdict.CLEAN
    assert compared(scaled(1 + 2 * SAME)).verdict is Verdict.FAULTY
    assert compared(scaled(torch.nan)).verdict is Verdict.FAULTY


def test_every_answer_has_a_column() -> None:
    held = [check for checks in KERNEL_COLUMNS.values() for check in checks]
    assert {
        *NAMES,
        "prefix",
        "launches",
        "bounds",
        "races",
        "uninitialised",
        "order",
        "configurations",
    } == set(held)


def test_kernels_come_with_packages_of_their_own() -> None:
    run = CliRunner().invoke(app, ["census", "--kernels", "--overlays"])
    assert run.exit_code == WRONG_CALL
    assert "--kernels checks kernels alone" in run.output


@pytest.mark.skipif(
    "SCANPROOF_OVERLAYS" not in os.environ, reason="installs Triton: SCANPROOF_OVERLAYS=1 pytest tests/census"
)
def test_the_census_finds_a_dropped_gradient_in_a_package(tmp_path: Path) -> None:
    options = ["--only", "*fused_recurrent_rwkv6", "--folder", str(tmp_path), "--jobs", "1", "--quiet"]
    run = CliRunner().invoke(app, ["census", "--kernels", *options])
    assert run.stdout.startswith("1 implementations, 1 with findings")
    (row,) = [
        line for line in (tmp_path / "kernels.md").read_text().splitlines() if line.startswith("| fla-core")
    ]
    cells = dict(
        zip(("Implementation", "Version", *KERNEL_COLUMNS), row.strip("| ").split(" | "), strict=True)
    )
    marks = {column: cell[0] for column, cell in cells.items() if column in KERNEL_COLUMNS}
    assert (marks["outputs"], marks["gradients of the last state"], marks["memory"]) == ("✓", "✗", "✓")


def _functions(heading: str) -> set[str]:
    """Return the functions that a heading ends with, without their modules."""
    return {name.split(" ")[0].rpartition(".")[2] for name in heading.rpartition(": ")[2].split(", ")}


def test_every_counterexample_of_the_census_of_kernels_is_shown_as_a_program() -> None:
    """A function with a ✗ is named in a heading of the findings."""
    rows = rows_of((ROOT / "docs" / "census-kernels.md").read_text())
    wrong = {row["Implementation"] for row in rows if any(cell.startswith("✗") for cell in row.values())}
    assert wrong
    findings = (ROOT / "docs" / "census-findings.md").read_text()
    headings = [line for line in findings.splitlines() if line.startswith("##")]
    functions = {name.rpartition(":")[2].split(",")[0].split(" ")[0] for name in wrong}
    assert functions <= set().union(*map(_functions, headings))
