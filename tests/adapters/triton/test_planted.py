"""Faults planted into right kernels, one each: the right kernels pass, and every fault is found."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from scanproof import GatedLinearAttention, Verdict
from scanproof.adapters.triton import KernelReport, check_kernel, interpreted
from scanproof.adapters.triton.findings import QUESTIONS
from scanproof.demo import block as demo

pytestmark = pytest.mark.usefixtures("interpreting")
SPEC = GatedLinearAttention()
SIZES = {"time": 37, "batch": 1, "head": 2}


@pytest.fixture(scope="module")
def source() -> str:
    return Path(demo.__file__).with_name("attention_kernel.py").read_text(encoding="utf-8")


def module_of(source: str, tmp_path: Path, changes: Mapping[str, str]) -> ModuleType:
    """Return the module of kernels with lines changed."""
    for before, after in changes.items():
        assert source.count(before) >= 1, before
        source = source.replace(before, after)
    file = tmp_path / f"planted_{abs(hash(tuple(changes.items())))}.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checked(source: str, tmp_path: Path) -> Any:
    def check(changes: Mapping[str, str], **options: Any) -> KernelReport:
        with interpreted():
            attention = module_of(source, tmp_path, changes).attention
        return check_kernel(attention, SPEC, **{"sizes": SIZES, **options})

    return check


def verdicts(report: KernelReport) -> dict[str, Verdict]:
    return {answer.check: answer.verdict for answer in report.answers}


def test_right_kernels_pass(checked: Any) -> None:
    report = checked({}, gradients=True)
    assert report.verdict.passed, report.summary()
    assert not report.faults
    assert tuple(answer.check for answer in report.answers) == QUESTIONS
    assert set(report.launches) == {"states_kernel", "outputs_kernel"}
    assert set(report.refinement.gradients) == {"q", "k", "v"}
    assert report.prefix.verdict.passed
    assert "not the compiled code" in report.summary()
    assert "not the compiled code" in report.rows()[0].evidence
    assert report.require() is report


def test_a_read_past_the_tail_is_found_at_its_line(checked: Any) -> None:
    inside, outside = "inside = row[:, None] < T\n    queries", "inside = row[:, None] <= T\n    queries"
    report = checked({inside: outside})
    assert verdicts(report)["bounds"] is Verdict.FAULTY
    assert {fault.kernel for fault in report.faults if fault.kind == "bounds"} == {"outputs_kernel"}
    arguments = {fault.argument for fault in report.faults if fault.kind == "bounds"}
    assert arguments == {"q", "k", "v", "y"}
    lines = Path(report.faults[0].file).read_text().splitlines()
    assert all(
        "tl.load" in lines[fault.line - 1] or "tl.store" in lines[fault.line - 1] for fault in report.faults
    )
    with pytest.raises(AssertionError, match="1 entry past the last entry of q"):
        report.require()


RACE = {
    "i = tl.program_id(0)\n    chunks": "i, n = tl.program_id(0), tl.program_id(1)\n    chunks",
    "total = tl.zeros((K, V), tl.float32)\n    for n in range(chunks):\n        tl.store(state + ((i *"
    " (chunks + 1) + n) * K + c[:, None]) * V + r[None, :], total)": (
        "total = tl.load(state + ((i * (chunks + 1) + n) * K + c[:, None]) * V + r[None, :])\n    if True:"
    ),
    "tl.store(state + ((i * (chunks + 1) + chunks) * K + c[:, None])": (
        "tl.store(state + ((i * (chunks + 1) + n + 1) * K + c[:, None])"
    ),
    "state = q.new_empty(": "state = q.new_zeros(",
    "states_kernel[(batch * heads,)]": "states_kernel[(batch * heads, chunks)]",
}
"""One program for each chunk, which reads the state that the program before it writes."""


def test_a_race_between_programs_is_found(checked: Any) -> None:
    report = checked(RACE)
    assert verdicts(report)["races"] is Verdict.FAULTY
    assert verdicts(report)["order"] is Verdict.FAULTY
    assert {fault.argument for fault in report.faults if fault.kind == "races"} == {"state"}
    assert report.refinement.verdict is Verdict.REFINES  # one program after another, the numbers are right


def test_products_in_tf32_are_found_and_may_be_allowed(checked: Any) -> None:
    tf32 = {'input_precision="ieee"': "allow_tf32=True"}
    report = checked(tf32)
    assert report.verdict is Verdict.REFUTED
    assert not report.faults
    assert "give rounding='tf32'" in report.note
    allowed = checked(tf32, rounding="tf32")
    assert allowed.verdict.passed, allowed.summary()
    assert allowed.note == ""
    exact = checked(tf32, exact_products=True, gradients=True)
    assert exact.verdict.passed, exact.summary()


def test_a_gradient_that_is_dropped_is_found(checked: Any) -> None:
    dropped = {", dlast.transpose(-1, -2))": ")"}
    assert checked(dropped).verdict.passed
    report = checked(dropped, gradients=True)
    assert report.refinement.verdict is Verdict.REFUTED
    assert report.refinement.worst.output == "dk"


def test_memory_that_nothing_wrote_is_found(checked: Any) -> None:
    report = checked(
        {
            "    for n in range(chunks):\n        tl.store(": (
                "    for n in range(chunks):\n        if n > 0:\n            tl.store("
            )
        }
    )
    assert verdicts(report)["uninitialised"] is Verdict.FAULTY
    [fault] = [fault for fault in report.faults if fault.kind == "uninitialised"]
    assert (fault.kernel, fault.argument) == ("outputs_kernel", "state")


def test_a_function_that_launches_no_kernel_is_found(checked: Any) -> None:
    def fallback(q: Any, k: Any, v: Any) -> Any:
        s = torch.einsum("bthk,bthv->bthkv", k, v).cumsum(1)
        return torch.einsum("bthk,bthkv->bthv", q, s), s[:, -1]

    report = check_kernel(fallback, SPEC, sizes=SIZES)
    assert report.refinement.verdict is Verdict.REFINES
    assert verdicts(report) == {"launches": Verdict.FAULTY}
    assert report.verdict is Verdict.FAULTY


TUNED = {
    "@triton.jit\ndef outputs_kernel": (
        "@triton.autotune([triton.Config({'SKIP': skip}) for skip in (0, 0, 1)], key=['T'])\n@triton.jit\n"
        "def outputs_kernel"
    ),
    "state, y, T, K: tl.constexpr, V: tl.constexpr, CHUNK: tl.constexpr)": (
        "state, y, T, K: tl.constexpr, V: tl.constexpr, CHUNK: tl.constexpr, SKIP: tl.constexpr)"
    ),
}


def test_every_configuration_is_checked(checked: Any) -> None:
    right = checked(TUNED)
    assert verdicts(right)["configurations"] is Verdict.CLEAN
    assert right.configurations["outputs_kernel"] == ("SKIP=0", "SKIP=1")
    wrong = checked({**TUNED, "t[:, None] >= t[None, :]": "t[:, None] >= t[None, :] + SKIP"})
    assert wrong.refinement.verdict is Verdict.REFINES
    [answer] = [answer for answer in wrong.answers if answer.check == "configurations"]
    assert answer.verdict is Verdict.FAULTY
    assert "outputs_kernel with SKIP=1" in answer.reason
