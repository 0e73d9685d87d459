"""Kernels of real packages refine the families' recurrences, and are causal."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from scaled_gradient import scaled_gradient
from scanproof import (
    MinGru,
    RefinementReport,
    Rounding,
    SelectiveScan,
    SsdScan,
    Verdict,
    assert_strictly_causal,
    certify,
    check_perturbation,
    check_refinement,
)
from scanproof.adapters.kernels import transformers
from scanproof.adapters.kernels.registry import OVERLAYS, kernel_subjects
from scanproof.adapters.kernels.subject import Subject
from scanproof.adapters.overlay import LISTS, overlay
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.streaming.model import Unsupported

ROOT = Path(__file__).parents[2]
ENABLE = "SCANPROOF_OVERLAYS=1 pytest tests/adapters/test_kernels.py"
INSTALLED = transformers.subjects()


def first_of_their_name(subjects: Sequence[Subject]) -> Iterable[Subject]:
    """Return one subject of each function; its copies in other families are only compared with the kernel."""
    return {subject.name.partition(":")[2]: subject for subject in reversed(subjects)}.values()


def cells(page: str) -> dict[str, list[str]]:
    """Return the cells of each implementation on the page of families, without its name."""
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| `")]
    return {name.strip(" `"): [cell.strip() for cell in row] for name, *row in rows if ":" in name}


PAGE = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
CELLS = cells(PAGE)
FOREIGN = ("ggml", "mlx_lm", "recurrentgemma.jax")
"""Packages whose functions are no programs of PyTorch operations."""


def check(subject: Subject, causality: bool = True) -> None:
    report = subject.refinement()
    assert report.verdict is Verdict.REFINES, report.summary()
    check_exactly(subject, 0, report)
    keys_are_not_normalised = "delta_rule_recurrence" in subject.name  # so that its state may grow
    assert report.sharpness < (0.1 if keys_are_not_normalised else 3e-3)
    if causality:
        fn, x = subject.function()
        length = next(iter(x.values())).shape[1]
        cuts = [cut for cut in (1, 7, 16, 20, 36) if cut < length]
        check_perturbation(fn, x, cuts=cuts, cases=1).require()
    if subject.no_gradient or subject.name.endswith(NAN):
        return
    if causality:
        assert_strictly_causal(fn, x, cuts="coded", cases=1)
    gradients = subject.gradient_refinement()
    check_exactly(subject, 1, gradients)
    assert set(gradients.gradients) == gradients_at(subject)
    if subject.name.endswith(CONSTANT):
        assert gradients.verdict is Verdict.REFUTED, gradients.summary()
    else:
        assert gradients.verdict.passed, gradients.summary()


def check_exactly(subject: Subject, column: int, report: RefinementReport) -> None:
    """Compare the exact answer with the page; an implementation that equals its kernel passes."""
    answer = report.exact.verdict
    if subject.name.startswith(FOREIGN):
        assert answer is Verdict.INCONCLUSIVE
    else:
        assert answer.name == CELLS[subject.name][1 + column], report.exact


TAIL = ":rwkv_wkv7 with 48 per head"
"""A loop without a tail; ``test_foreign_libraries`` shows it."""

COMBA = ":naive_recurrent_comba"
"""Another recurrence than that of the chunked form beside it."""

CONSTANT = "custbw"
"""Hand-written backward passes that take the normaliser of the mLSTM as a constant."""

NAN = ":ssd_chunk_scan_combined_ref"
"""Its gradients are NaN at such inputs."""


def gradients_at(subject: Subject) -> set[str]:
    return set(subject.inputs()) - subject.kernel.marks - subject.constant


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("subject", INSTALLED, ids=lambda subject: subject.name)
def test_kernels_of_transformers(subject: Subject) -> None:
    check(subject, causality=subject in first_of_their_name(INSTALLED))


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("module", OVERLAYS)
def test_kernels_of_packages_in_overlays(module: str) -> None:
    requirements = LISTS / OVERLAYS[module]
    found = import_module(f"scanproof.adapters.kernels.{module}").subjects(overlay(requirements))
    for subject in found:
        assert f"{subject.package.lower()}=={subject.version}\n" in requirements.read_text()
        if not subject.name.endswith((TAIL, COMBA)):
            check(subject)


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
def test_every_subject_is_found_in_overlays() -> None:
    assert len(kernel_subjects(overlays=True)) == len(every_subject())


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_an_exponential_before_the_mask_makes_gradients_that_are_not_numbers() -> None:
    [subject] = [subject for subject in kernel_subjects(overlays=True) if subject.name.endswith(NAN)]
    report = subject.gradient_refinement()
    check_exactly(subject, 1, report)
    assert report.verdict is Verdict.REFUTED
    assert "returned nan, but no evaluation of this recurrence overflows" in report.reason
    fn, x = subject.function()
    assert certify(fn, x, cuts="coded", cases=1).verdict is Verdict.INCONCLUSIVE
    inputs = {name: torch.ones(1, 40, 1, 1) for name in ("x", "B", "C")}
    inputs |= {"dt": torch.full((1, 40, 1), 10.0), "D": torch.ones(1, 1)}
    for added, is_nan in ((87.0, False), (90.0, True)):  # over all chunks; exp(88.8) is beyond float32
        inputs["A"] = torch.tensor([-added / 400])
        found = check_refinement(
            subject.load(), subject.kernel, inputs, gradients=True, log_window=8, shrink=False
        )
        assert (found.verdict is Verdict.REFUTED) is is_nan, found.summary()
        assert ("returned nan" in found.reason) is is_nan


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
def test_the_recurrent_reference_of_comba_reads_the_decayed_state() -> None:
    """With ``p`` times ``exp(-g)`` it is Comba; rounding that product moves its outputs by a little more."""
    [subject] = [subject for subject in kernel_subjects(overlays=True) if subject.name.endswith(COMBA)]
    for column, report in enumerate((subject.refinement(), subject.gradient_refinement())):
        assert report.verdict is Verdict.REFUTED
        check_exactly(subject, column, report)
        assert report.exact.differing is not None
        assert "h.clone() * b_p" in report.exact.differing.operation
    implementation = subject.load()

    def early(p: Tensor, g: Tensor, **x: Tensor) -> tuple[Tensor, Tensor]:
        y, last = implementation(p=p.double() / g.double().exp(), g=g, **x)
        return y, last

    report = check_refinement(
        early, subject.kernel, subject.inputs(), rounding=Rounding.of(torch.float32, ulps=4)
    )
    assert report.verdict is Verdict.REFINES, report.summary()


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_gradients_of_a_parallel_scan_that_pads_to_powers_of_two() -> None:
    """That of mambapy, which has a backward of its own."""
    for subject in kernel_subjects(overlays=True):
        if isinstance(subject.kernel, SelectiveScan) and not subject.no_gradient:
            report = replace(subject, sizes={"time": 8}).gradient_refinement()
            assert report.verdict is Verdict.REFINES, report.summary()


def scan_subject(gradient: Callable[[Tensor], Tensor] = lambda x: x, **options: Any) -> Subject:
    def implementation(gate: Tensor, candidate: Tensor, initial_state: Tensor) -> tuple[Tensor, Tensor]:
        h, outputs = initial_state.detach(), []
        for t in range(gate.shape[1]):
            z = gate[:, t].sigmoid()
            h = (1 - z) * h + z * gradient(candidate[:, t])
            outputs.append(h)
        return torch.stack(outputs, 1), h.detach()

    without = frozenset() if "constant" in options else frozenset({"initial_state"})

    def started(
        gate: Tensor, candidate: Tensor, initial_state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        return implementation(gate, candidate, torch.zeros(2, 3) if initial_state is None else initial_state)

    return Subject("here:it", "nothing", lambda: started, MinGru(), without=without, **options)


def test_a_backward_that_is_wrong_is_refuted() -> None:
    right = scan_subject().gradient_refinement()
    assert right.verdict is Verdict.REFINES, right.summary()
    assert set(right.gradients) == {"gate", "candidate"}
    assert scan_subject(scaled_gradient(0.5)).refinement().verdict is Verdict.REFINES
    assert scan_subject(scaled_gradient(0.5)).gradient_refinement().verdict is Verdict.REFUTED


def test_gradients_at_what_is_constant_are_not_compared() -> None:
    class Constant(Subject):
        def inputs(self, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
            return random_inputs(self.kernel, seed=seed, dtype=dtype)

    plain = scan_subject(constant=frozenset({"initial_state"}))
    subject = Constant(**{field.name: getattr(plain, field.name) for field in fields(plain)})
    report = subject.gradient_refinement()
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.gradients == ("gate", "candidate")


def test_gradients_that_cannot_be_compared() -> None:
    with pytest.raises(Unsupported, match="no gradients can be pulled"):
        scan_subject(no_gradient=True).gradient_refinement()


def every_subject() -> list[Any]:
    return [
        *INSTALLED,
        *(s for module in OVERLAYS for s in import_module(f"scanproof.adapters.kernels.{module}").subjects()),
    ]


def test_the_page_on_families_lists_every_subject() -> None:
    assert CELLS.keys() == {subject.name for subject in every_subject()}
    for subject in every_subject():
        kernel, *answers, departs = CELLS[subject.name]
        assert kernel == f"`{type(subject.kernel).__name__}`"
        assert departs == subject.departs
        assert len(answers) == (0 if subject.name.startswith(FOREIGN) else 2)
        assert subject.name.startswith(FOREIGN) or bool(answers[1]) != subject.no_gradient


def test_a_subject_says_what_is_installed() -> None:
    by_name = {subject.name: subject for subject in every_subject()}
    assert by_name["transformers.models.mamba2:mamba2_chunk_scan"].version.startswith("5.")
    assert by_name["fla.ops.gla.naive:naive_recurrent_gla"].version == "not installed"


def test_a_subject_as_a_function_of_its_tokens() -> None:
    def implementation(
        x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        assert A.shape == (4,)
        return x * scale, x[:, -1]

    subject = Subject(
        "here:it",
        "nothing",
        lambda: implementation,
        SsdScan(),
        without=frozenset({"seq_idx", "z", "D", "dt_bias"}),
    )
    fn, x = subject.function()
    assert set(x) == {"x", "dt", "B", "C"}
    assert torch.equal(fn(**x), x["x"])
    constant = Subject("here:it", "nothing", lambda: implementation, SsdScan(), constant=frozenset({"dt"}))
    assert "dt" not in constant.function()[1]
    dt = constant.inputs()["dt"]
    assert torch.equal(dt, dt[:1, :1].expand_as(dt))
