"""The same check on a GPU runs the compiled kernels; without one, their launches are still counted."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from scanproof.demo import block as demo

HAS_TRITON = pytest.mark.skipif(find_spec("triton") is None, reason="pip install 'scanproof[triton]'")
LAUNCHED = """
import sys, torch
from scanproof.adapters.triton import Watch
from scanproof.adapters.triton.compiled import compiled

sys.path.insert(0, sys.argv[1])
with compiled(Watch()) as watch:
    from attention_kernel import attention
    try:
        attention(*(torch.ones(1, 4, 1, 8) for _ in range(3)))
    except RuntimeError as error:
        assert "driver" in str(error), error
print(dict(watch.launches))
"""
ON_A_GPU = """
import sys
from scanproof import GatedLinearAttention
from scanproof.adapters.triton import check_kernel

sys.path.insert(0, sys.argv[1])
from attention_kernel import attention
report = check_kernel(attention, GatedLinearAttention(), device="cuda", sizes={"state": 16, "channel": 16})
assert report.verdict.passed, report.summary()
assert report.ran.startswith("the compiled kernel on")
assert report.launches == {"states_kernel": 1, "outputs_kernel": 1}
assert {answer.verdict.name for answer in report.answers[1:]} == {"NOT_APPLICABLE"}
print(report.ran)
"""


def run(program: str) -> str:
    folder = str(Path(demo.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", program, folder], capture_output=True, text=True, check=False, env=without()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}


@HAS_TRITON
def test_launches_of_compiled_kernels_are_counted(interpreting: None) -> None:
    assert "states_kernel" in run(LAUNCHED)


@HAS_TRITON
@pytest.mark.cuda
def test_a_gpu_runs_the_compiled_kernel() -> None:
    assert "the compiled kernel" in run(ON_A_GPU)
