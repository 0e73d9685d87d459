"""The workflow of continuous integration is valid by the schema of its format."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_it() -> None:
    file = ROOT / ".github" / "workflows" / "ci.yml"
    check = ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    run = subprocess.run([sys.executable, *check], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
