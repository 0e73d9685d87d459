import pytest
import torch

from zoo.faults import FAULTS
from zoo.models import MODELS
from zoo.specimen import Specimen
from zoo.table import PAGE, measured, page, recorded, rows

SHORT = [kept for kept in (*FAULTS, *MODELS) if kept.T < 100]


def test_the_page_says_what_the_checks_say() -> None:
    text = PAGE.read_text()
    assert page(rows(recorded(text))) == text, "run: python -m tests.zoo.table"


def test_the_page_lists_everything_once() -> None:
    lines = PAGE.read_text().splitlines()
    for kept in (*FAULTS, *MODELS):
        assert sum(line.startswith(f"| {kept.name} |") for line in lines) == 1, kept.name


@pytest.mark.parametrize("kept", SHORT, ids=lambda kept: kept.name)
def test_the_page_says_what_causal_certificate_says_of_positions(kept: Specimen) -> None:
    pytest.importorskip(
        "causal_certificate"
    )  # what it says of examples is rounding, which machines differ in
    assert recorded(PAGE.read_text())(kept)[:2] == measured(kept)[:2]


def test_what_is_recorded_is_read_back() -> None:
    text = "| a | b | pass | LEAK | – |\n| x | pass | pass | pass |\n"
    kept = Specimen(name="a", fn=torch.clone)
    assert recorded(text)(kept) == ("pass", "LEAK", "–")
    assert recorded("")(kept) == ("", "", "")


def test_the_readme_counts_the_zoo() -> None:
    text = " ".join((PAGE.parents[1] / "README.md").read_text().split())
    assert f"{len(FAULTS)} faults and {len(MODELS)} causal models" in text
