"""Kernels of real packages refine the families' recurrences, and are causal."""

import os
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
    check_scan_refinement,
    selective_scan,
)
from scanproof.adapters.kernels import plain, transformers
from scanproof.adapters.kernels.registry import OVERLAYS, kernel_subjects
from scanproof.adapters.kernels.subject import Subject
from scanproof.adapters.overlay import LISTS, overlay
from scanproof.refinement.kernels.cases import random_inputs

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
@pytest.mark.parametrize("time", [8, 37])
def test_the_backward_that_mambapy_writes_itself(time):
    """Its parallel scan has a backward of its own, by another scan; lengths are padded to powers of two.

    It returns no last state; that of this package stands in.
    """
    scan = plain.subjects(overlay(LISTS / "plain.txt"))[0].load()

    def implementation(u, delta, A, B, C, D, delta_softplus, return_last_state):
        turned = (tensor.transpose(1, 2) for tensor in (u, delta, B, C))
        u, delta, B, C = turned
        y = scan(u=u, delta=delta, A=A, B=B, C=C, D=D)
        last = selective_scan(
            *(x.transpose(1, 2) for x in (u, delta)),
            A,
            *(x.transpose(1, 2) for x in (B, C)),
            return_last_state=True,
        )[1]
        return y.transpose(1, 2), last

    inputs = random_inputs(
        SelectiveScan(), seed=0, time=time, without=frozenset({"z", "delta_bias", "initial_state"})
    )
    inputs = {name: x.transpose(1, 2) if x.ndim == 3 else x for name, x in inputs.items()}
    inputs["delta"] = inputs["delta"].abs()
    report = check_scan_refinement(implementation, **inputs, gradients=True, shrink=False)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert set(report.gradients) == set(inputs)


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
