"""Kernels of real packages refine the families' recurrences, and are causal."""

import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch

from scanproof import (
    SelectiveScan,
    SsdScan,
    Verdict,
    assert_future_blind,
    assert_strictly_causal,
    selective_scan,
)
from scanproof.adapters.kernels import transformers
from scanproof.adapters.kernels.gradients import gradient_refinement
from scanproof.adapters.kernels.registry import OVERLAYS, kernel_subjects
from scanproof.adapters.kernels.subject import Subject
from scanproof.adapters.overlay import LISTS
from scanproof.streaming.model import Unsupported

ROOT = Path(__file__).parents[2]
ENABLE = "SCANPROOF_OVERLAYS=1 pytest tests/adapters/test_kernels.py"
INSTALLED = transformers.subjects()


def first_of_their_name(subjects):
    """Return one subject of each function; its copies in other families are only compared with the kernel."""
    return {subject.name.partition(":")[2]: subject for subject in reversed(subjects)}.values()


def check(subject, causality=True):
    report = subject.refinement()
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.sharpness < 3e-3
    if not causality:
        return
    fn, x = subject.function()
    assert_future_blind(fn, x, cuts=(1, 7, 16, 20, 36), inputs=1)
    if not subject.no_gradient:
        assert_strictly_causal(fn, x, cuts="coded", inputs=1)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("subject", INSTALLED, ids=lambda subject: subject.name)
def test_kernels_of_transformers(subject):
    check(subject, causality=subject in first_of_their_name(INSTALLED))


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_kernels_of_packages_in_overlays():
    pinned = "".join((LISTS / name).read_text() for name in OVERLAYS.values())
    found = kernel_subjects(overlays=True)[len(INSTALLED) :]
    assert len(found) == len(every_subject()) - len(INSTALLED)
    for subject in found:
        assert f"{subject.package}=={subject.version}\n" in pinned
        check(subject)


@pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("time", [8, 37])
def test_gradients_of_selective_scans_in_overlays(time):
    """The parallel scan of mambapy has a backward of its own; lengths are padded to powers of two."""
    scans = [
        subject
        for subject in kernel_subjects(overlays=True)
        if isinstance(subject.kernel, SelectiveScan) and not subject.no_gradient
    ]
    assert len(scans) == 3
    for subject in scans:
        report = gradient_refinement(replace(subject, sizes={"time": time}))
        assert report.verdict is Verdict.REFINES, report.summary()
        assert set(report.gradients) == set(subject.inputs())


class HalfTheGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return 0.5 * g


def scan_subject(gradient=lambda x: x, kernel=None, **options):
    def implementation(u, delta, A, B, C, D):
        u, delta, B, C = (x.transpose(1, 2) for x in (gradient(u), delta, B, C))
        return selective_scan(u, delta, A, B, C, D).transpose(1, 2)

    without = frozenset({"z", "delta_bias", "initial_state"})
    kernel = kernel or SelectiveScan()
    return Subject("here:it", "nothing", lambda: implementation, kernel, without=without, **options)


def test_a_backward_that_is_wrong_is_refuted():
    right = gradient_refinement(scan_subject())
    assert right.verdict is Verdict.REFINES, right.summary()
    assert set(right.gradients) == {"u", "delta", "A", "B", "C", "D"}
    assert scan_subject(HalfTheGradient.apply).refinement().verdict is Verdict.REFINES
    assert gradient_refinement(scan_subject(HalfTheGradient.apply)).verdict is Verdict.REFUTED


def test_gradients_that_have_no_spec():
    with pytest.raises(Unsupported, match="specified for selective scans alone"):
        gradient_refinement(scan_subject(kernel=SsdScan()))
    with pytest.raises(Unsupported, match="no gradients can be pulled"):
        gradient_refinement(scan_subject(no_gradient=True))


def every_subject():
    return [
        *INSTALLED,
        *(s for module in OVERLAYS for s in import_module(f"scanproof.adapters.kernels.{module}").subjects()),
    ]


def test_the_page_on_families_lists_every_subject():
    page = (ROOT / "docs" / "families.md").read_text()
    for subject in every_subject():
        kernel = type(subject.kernel).__name__
        assert f"| `{subject.name}` | `{kernel}` | {subject.departs} |" in page
    rows = [line for line in page.splitlines() if line.startswith("| `") and ":" in line.split("|")[1]]
    assert len(rows) == len(every_subject())


def test_a_subject_says_what_is_installed():
    by_name = {subject.name: subject for subject in every_subject()}
    assert by_name["transformers.models.mamba2:mamba2_chunk_scan"].version.startswith("5.")
    assert by_name["fla.ops.gla.naive:naive_recurrent_gla"].version == "not installed"


def test_a_subject_as_a_function_of_its_tokens():
    def implementation(x, dt, A, B, C, scale=1.0):
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
