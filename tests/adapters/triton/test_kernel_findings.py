"""The programs of the findings about kernels run over their packages, and show the faults."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from figures import same

PAGE = Path(__file__).parents[3] / "docs" / "census-findings.md"
SECTION = re.compile(r"^## Kernels\n(?P<text>.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"```python\n(?P<code>.*?)```.*?```text\n(?P<output>.*?)```", re.DOTALL)


def section() -> tuple[str, dict[str, str]]:
    """Return the code that every program begins with, and the text below each heading."""
    found = SECTION.search(PAGE.read_text())
    assert found is not None
    top, *findings = found["text"].split("\n### ")
    [shared] = re.findall(r"```python\n(.*?)```", top, re.DOTALL)
    return shared, {each.partition("\n")[0]: each for each in findings}


SHARED, FINDINGS = section()


@pytest.mark.parametrize("heading", FINDINGS)
def test_a_program_shows_the_fault_and_the_control(
    heading: str, over_packages: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    [program] = PROGRAM.finditer(FINDINGS[heading])
    code = program["code"]
    of_ggml = 'find_spec("ggml")' in code
    guard = 'find_spec("ggml")' if of_ggml else "has_kernels"
    packages = "ggml.txt" if of_ggml else "triton.txt"
    done = over_packages(packages, "-c", f"{SHARED}\nassert {guard}\n{code}")
    assert done.returncode == 0, done.stderr
    assert same(program["output"], done.stdout), done.stdout


@pytest.mark.parametrize("heading", FINDINGS)
def test_a_program_is_short_and_asserts(heading: str) -> None:
    [program] = PROGRAM.finditer(FINDINGS[heading])
    lines = [line for line in program["code"].splitlines() if line.strip()]
    assert len(lines) <= 15
    assert "assert " in program["code"]
    assert "*This would be no fault with*" in FINDINGS[heading]
