"""What a bound costs is measured in turns with the reference."""

import json

import pytest

from scanproof import InvalidArgument
from scanproof.bench import refinement


def test_it_measures_both_bounds_and_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refinement, "SIZES", ((1, 2, 16, 2),))
    monkeypatch.setenv("COLUMNS", "200")
    refinement.run_bench(as_json=True, repeats=2)
    outputs, gradients = json.loads(capsys.readouterr().out)
    assert outputs["gradients"] is False
    assert gradients["gradients"] is True
    assert all(
        cost[name] > 0 for cost in (outputs, gradients) for name in ("reference", "bound", "exact_bound")
    )
    refinement.run_bench(as_json=False, repeats=1)
    assert "with bound for float64" in capsys.readouterr().out


def test_wrong_options() -> None:
    with pytest.raises(InvalidArgument, match="--repeats"):
        refinement.run_bench(as_json=False, repeats=0)
