"""``CITATION.cff`` and the references of ``scanproof cite`` are valid by the schema of the format."""

import subprocess
import sys
from pathlib import Path

import pytest

from scanproof.lean import catalogue, citation

ROOT = Path(__file__).parents[1]
CITATION = (ROOT / "CITATION.cff").read_text()


def validate(file: Path) -> subprocess.CompletedProcess[str]:
    check = ["-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format", str(file)]
    return subprocess.run([sys.executable, *check], capture_output=True, text=True, check=False)


def test_the_citation_file_with_a_theorem_among_its_references(tmp_path: Path) -> None:
    kept = catalogue.carried()
    theorem = kept.theorem("Runner.take_outputs_append")
    for name, text in {
        "plain": CITATION,
        "citing": f"{CITATION}{citation.cite(theorem, kept, 'cff')}\n",
    }.items():
        file = tmp_path / f"{name}.cff"
        file.write_text(text)
        found = validate(file)
        assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(("part", "wrong"), [("title:", "titel:"), ("type: swh", "type: url-of-sorts")])
def test_what_is_wrong_is_seen(tmp_path: Path, part: str, wrong: str) -> None:
    kept = catalogue.carried()
    text = f"{CITATION}{citation.cite(kept.theorems[0], kept, 'cff')}\n"
    file = tmp_path / "wrong.cff"
    file.write_text(text.replace(part, wrong, 1))
    assert validate(file).returncode == 1
