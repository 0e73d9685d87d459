from io import StringIO

import pytest
from rich.console import Console

from scanproof import Row, Verdict, table, theorems

LONGEST = max((value for name, value in vars(theorems).items() if name.isupper()), key=len)


def render(rows: list[Row], width: int = 100, colour: bool = False) -> str:
    out = StringIO()
    Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None).print(
        table(rows, title="audit")
    )
    return out.getvalue()


def row(verdict: Verdict = Verdict.CAUSAL, evidence: str = "36 cuts", theorem: str = LONGEST) -> Row:
    return Row(subject="MambaMixer", check="prefix", verdict=verdict, evidence=evidence, theorem=theorem)


def test_every_field_is_shown() -> None:
    text = render([row(Verdict.REFINES)])
    for part in ("audit", "MambaMixer", "prefix", "✓ REFINES", "36 cuts", LONGEST):
        assert part in text


def test_the_longest_theorem_fits_on_one_line_of_100_columns_beside_the_longest_verdict() -> None:
    text = render([row(max(Verdict, key=lambda verdict: len(verdict.name)))])
    assert LONGEST in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("width", [100, 80, 60])
def test_long_names_are_wrapped_not_cut(width: int) -> None:
    name = "selectiveMamba_" * 12 + "end"
    cells = [
        line.split("│")[-2].strip() for line in render([row(theorem=name)], width).splitlines() if "│" in line
    ]
    assert name in "".join(cells)
    assert "…" not in "".join(cells)


def test_brackets_in_the_evidence_are_text_not_markup() -> None:
    assert "|dy[0, 3, 1] / dx[0, 17, 1]|" in render([row(evidence="|dy[0, 3, 1] / dx[0, 17, 1]|")])


@pytest.mark.parametrize("verdict", Verdict)
def test_verdicts_read_without_colour_and_are_coloured_with_it(verdict: Verdict) -> None:
    mark, colour = "✗", "31"
    if verdict.passed:
        mark, colour = "✓", "32"
    elif verdict is Verdict.INCONCLUSIVE:
        mark, colour = "?", "33"
    elif verdict is Verdict.NOT_APPLICABLE:
        mark, colour = "-", "2"
    assert f"{mark} {verdict.name}" in render([row(verdict)])
    assert "\x1b" not in render([row(verdict)])
    assert f"{colour}m{mark} {verdict.name}" in render([row(verdict)], colour=True)


def test_no_rows() -> None:
    assert "Verdict" in render([])
