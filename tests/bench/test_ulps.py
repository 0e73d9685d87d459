"""The declared accuracies hold for what is measured, and an inaccurate function would be seen."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from scanproof import InvalidArgument
from scanproof.bench import ulps
from scanproof.refinement.rounding import EXP_ULPS, SIGMOID_ULPS, SOFTPLUS_ULPS

DECLARED = {"exp": EXP_ULPS, "sigmoid": SIGMOID_ULPS, "softplus": SOFTPLUS_ULPS}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("function", DECLARED)
def test_defaults_are_at_least_what_is_measured(function: str, dtype: torch.dtype) -> None:
    found = ulps.measure(function, dtype, device="cpu", samples=2000, seed=0)
    assert 0.4 < found.ulps <= DECLARED[function]
    assert found.samples > 1500
    assert not found.exhaustive


@pytest.mark.cuda
@pytest.mark.parametrize("function", DECLARED)
def test_defaults_hold_on_a_gpu(function: str) -> None:
    found = ulps.measure(function, torch.float32, device="cuda", samples=2000, seed=0)
    assert found.ulps <= DECLARED[function]


def test_an_error_of_three_ulps_is_measured_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ulps.FUNCTIONS, "exp", lambda x: torch.exp(x) * (1 + 3 * torch.finfo(x.dtype).eps))
    found = ulps.measure("exp", torch.float64, device="cpu", samples=400, seed=0)
    assert 2.5 < found.ulps < 7, "an ulp is between half an eps and one of the value"
    monkeypatch.setitem(ulps.FUNCTIONS, "exp", lambda x: torch.exp(x) * torch.nan)
    assert ulps.measure("exp", torch.float32, device="cpu", samples=40, seed=0).ulps == np.inf


def test_all_numbers_of_half_precision() -> None:
    numbers = ulps._all_numbers(torch.bfloat16)
    assert len(numbers) == len(set(numbers.tolist())) + 1, "two zeros"
    assert len(numbers) == 2**16 - 2 * 2**7
    assert numbers.max() == torch.finfo(torch.bfloat16).max


def test_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    chosen: dict[str, Any] = {"device": "cpu", "samples": 40, "seed": 1, "dtypes": ["float32"]}
    ulps.run_bench(as_json=True, **chosen)
    rows = json.loads(capsys.readouterr().out)
    assert {row["function"] for row in rows} == set(ulps.FUNCTIONS)
    assert {row["dtype"] for row in rows} == {"float32"}
    ulps.run_bench(as_json=False, **chosen)
    assert "softplus" in capsys.readouterr().out


@pytest.mark.parametrize("options", [{"samples": 0}, {"device": "tpu"}, {"dtypes": ["int8"]}])
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="bench ulps: --"):
        ulps.run_bench(**{"as_json": False, "device": "cpu", "samples": 10, "seed": 0, **options})
