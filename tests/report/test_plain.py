import json
from math import inf, nan

import numpy as np
import pytest
import torch

from scanproof.report.plain import plain
from scanproof.report.verdict import Verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2.5, None, True), [1, 2.5, None, True]),
        ({1: Verdict.LEAK}, {"1": "LEAK"}),
        ([nan, inf, -inf], ["NaN", "Infinity", "-Infinity"]),
        (np.float64("nan"), "NaN"),
        (torch.zeros(2, 3), "float32 (2, 3)"),
        (np.zeros((2, 3)), "float64 (2, 3)"),
        (slice(1), "slice(None, 1, None)"),
    ],
)
def test_a_value_becomes_what_json_can_hold(value: object, expected: object) -> None:
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)
