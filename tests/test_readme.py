"""The README's examples run, and print what it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = re.findall(
    r"```python\n(?P<code>(?:(?!```).)*)```\n```text\n(?P<output>.*?)```",
    (ROOT / "README.md").read_text(),
    re.DOTALL,
)


def without_numbers(text):
    """Numbers vary between machines; what is said of them does not."""
    return re.sub(r"-?\d+(\.\d+)?(e[+-]\d+)?", "#", text)


def test_there_are_examples():
    assert len(EXAMPLES) == 2


@pytest.mark.lean
@pytest.mark.parametrize(("code", "output"), EXAMPLES, ids=["certify", "refine"])
def test_example(code, output):
    if "transformers" in code:
        pytest.importorskip("transformers")
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert without_numbers(run.stdout) == without_numbers(output)
