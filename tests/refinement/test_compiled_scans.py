"""The scans of the package refine when inductor has compiled them, forward and backward.

A process of its own compiles them: what Dynamo and inductor change in PyTorch and in Python lasts.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scan_case import SCANS, scan_case
from scanproof import SelectiveScanFn, check_refinement

DTYPES = ("float64", "float32", "bfloat16")


def main() -> None:
    """Print the verdict, the greatest error/bound and the summary of each scan in each dtype."""
    torch.set_num_threads(1)
    found = {}
    for name, scan in SCANS.items():
        for dtype in DTYPES:
            case = scan_case(length=4, dtype=getattr(torch, dtype))
            report = check_refinement(
                torch.compile(scan), SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=True
            )
            found[f"{name} {dtype}"] = report.verdict.name, report.worst.ratio, report.summary()
    print(json.dumps(found))


Found = dict[str, tuple[str, float, str]]
"""The verdict, the greatest ratio and the summary, by scan and dtype."""


@pytest.fixture(scope="module")
def found() -> Found:
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", __file__],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.skipif(not shutil.which("c++"), reason="inductor needs a C++ compiler: apt-get install g++")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scan", SCANS)
def test_compiled_scans_refine(found: Found, scan: str, dtype: torch.dtype) -> None:
    verdict, ratio, summary = found[f"{scan} {dtype}"]
    assert verdict == "REFINES", summary
    assert 1e-2 < ratio < 1


if __name__ == "__main__":
    main()
