"""The scans of the package refine when inductor has compiled them, forward and backward."""

import shutil

import pytest
import torch

from scan_case import SCANS, scan_case
from scanproof import (
    SelectiveScanFn,
    Verdict,
    check_refinement,
)


@pytest.mark.skipif(not shutil.which("c++"), reason="inductor needs a C++ compiler: apt-get install g++")
@pytest.mark.filterwarnings("ignore")  # of Dynamo and inductor, about themselves
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
def test_compiled_scans_refine(scan, dtype):
    case = scan_case(length=4, dtype=dtype)
    report = check_refinement(
        torch.compile(scan), SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True
    )
    assert report.verdict is Verdict.REFINES, report.summary()
    assert 1e-2 < report.worst.ratio < 1
