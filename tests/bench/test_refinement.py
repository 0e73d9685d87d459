"""What a bound and an exact answer cost is measured in turns with what they are compared with."""

import json

import pytest

from scanproof import InvalidArgument
from scanproof.bench import refinement


def test_it_measures_bounds_and_answers_and_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refinement, "SIZES", ((1, 2, 16, 2),))
    monkeypatch.setenv("COLUMNS", "200")
    refinement.run_bench(as_json=True, repeats=2, lengths=(5,))
    found = json.loads(capsys.readouterr().out)
    assert [cost["gradients"] for cost in found["bounds"]] == [False, True]
    assert all(cost[name] > 0 for cost in found["bounds"] for name in ("reference", "bound", "exact_bound"))
    assert [
        (cost["form"], cost["length"], cost["gradients"], cost["verdict"]) for cost in found["answers"]
    ] == [
        (form, 5, gradients, "EQUAL") for form in ("token by token", "chunked") for gradients in (False, True)
    ]
    refinement.run_bench(as_json=False, repeats=1, lengths=(5,))
    output = capsys.readouterr().out
    assert "with bound for float64" in output
    assert "exact answer" in output


@pytest.mark.parametrize(("repeats", "length", "option"), [(0, 5, "--repeats"), (1, 0, "--length")])
def test_wrong_options(repeats: int, length: int, option: str) -> None:
    with pytest.raises(InvalidArgument, match=option):
        refinement.run_bench(as_json=False, repeats=repeats, lengths=(length,))
