"""The exact answer about ways of feeding: EQUAL for right code, DIFFERENT for errors of any size."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import Verdict, check_streaming


class Gated(nn.Module):
    """A recurrence with a gate, whose steps may be wrong by a factor."""

    def __init__(self, wrong: float = 0.0, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(3, 3, generator=generator).to(dtype))
        self.wrong = wrong

    def _step(self, x: Tensor, h: Tensor) -> Tensor:
        gate = torch.sigmoid(x @ self.weight)
        return gate * h + (1 - gate) * x

    def forward(self, x: Tensor) -> Tensor:
        """Run over the whole sequence."""
        return self.extend(x, self.initial_state(x))[0]

    def initial_state(self, x: Tensor) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(x[:, 0])

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take one token."""
        h = self._step(x[:, 0], h)
        return h[:, None] + self.wrong * h[:, None], h

    def extend(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take several tokens."""
        outputs = []
        for t in range(x.shape[1]):
            h = self._step(x[:, t], h)
            outputs.append(h)
        return torch.stack(outputs, 1), h


def tokens(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(1)).to(dtype)


def ways(model: Any, x: Tensor) -> dict[str, Any]:
    return {way.check: way for way in check_streaming(model, x, exact=True).ways if way.comparisons}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_way_of_a_right_model_is_one_pass(dtype: torch.dtype) -> None:
    found = ways(Gated(dtype=dtype), tokens(dtype))
    assert {"steps", "prefill, then steps", "chunked prefill", "state returned"} <= found.keys()
    for way in found.values():
        assert way.exact.verdict is Verdict.EQUAL, way
        assert way.verdict is Verdict.STREAMS


@pytest.mark.parametrize("wrong", [2.0**-40, 2.0**-4])
def test_wrong_steps_are_another_function(wrong: float) -> None:
    found = ways(Gated(wrong), tokens())
    for name in ("steps", "prefill, then steps"):
        assert found[name].exact.verdict is Verdict.DIFFERENT
    assert found["chunked prefill"].exact.verdict is Verdict.EQUAL
    assert found["steps"].verdict.found  # 2^-40 and 2^-4 are no rounded constants


def test_a_rounded_constant_may_explain_a_small_difference() -> None:
    steps = ways(Gated(1.1e-12), tokens())["steps"]
    assert steps.exact.verdict is Verdict.DIFFERENT
    assert steps.exact.constants
    assert not steps.verdict.found


def test_what_floats_leave_open_is_decided() -> None:
    class Cast(Gated):
        def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            y, h = super().step(x, h)
            return y, h.bfloat16().to(h.dtype)

    way = ways(Cast(), tokens())["steps"]
    assert way.exact.verdict is Verdict.EQUAL
    report = check_streaming(Gated(), tokens())
    assert all(way.exact.verdict is Verdict.NOT_APPLICABLE for way in report.ways)
