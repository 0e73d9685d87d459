"""The domain of each input of a kernel; outside of it, a correct chunked implementation may overflow."""

from dataclasses import dataclass
from math import inf, isinf

import torch
from torch import Tensor


@dataclass(frozen=True)
class Domain:
    """The numbers that an input may hold.

    Attributes:
        meaning: the domain in words.
        low: least number.
        high: greatest number.
        norm: greatest Euclidean norm over the last axis.
    """

    meaning: str
    low: float = -inf
    high: float = inf
    norm: float = inf

    def holds(self, x: Tensor) -> bool:
        """Return whether all entries lie in the domain; NaN does not, and norms are exact up to rounding."""
        inside = (x >= self.low) & (x <= self.high)
        short = x.double().norm(dim=-1) <= self.norm * (1 + 4 * torch.finfo(x.dtype).eps)
        return bool(inside.all()) and (isinf(self.norm) or bool(short.all()))

    def brought(self, x: Tensor) -> Tensor:
        """Return a tensor in the domain; entries inside stay, others are reflected, long rows are scaled.

        Each entry of the result depends only on the same entry, or on the same row along the last axis.
        Gradients go through every entry.
        """
        outside = (x < self.low) | (x > self.high)
        x = torch.where(outside, self._reflected(x), x)
        if isinf(self.norm):
            return x
        squares = x.double().square().sum(dim=-1, keepdim=True) / self.norm**2
        return x / squares.clamp(min=1.0).sqrt().to(x.dtype)

    def _reflected(self, x: Tensor) -> Tensor:
        if isinf(self.low):
            return x if isinf(self.high) else 2 * self.high - x
        if isinf(self.high):
            return 2 * self.low - x
        width = self.high - self.low
        from_low = (x - self.low).remainder(2 * width)
        return (self.low + width - (width - from_low).abs()).clamp(self.low, self.high)


LOG_DECAYS = Domain("logarithms of decays, at most 0", high=0.0)
DECAYS = Domain("decays from 0 to 1", low=0.0, high=1.0)
RATES = Domain("rates of decay, at most 0", high=0.0)
STEPS = Domain("step sizes, at least 0", low=0.0)
FRACTIONS = Domain("fractions from 0 to 1", low=0.0, high=1.0)
KEYS = Domain("keys of length at most 1", norm=1.0)
PARTS = Domain("real or imaginary parts of decays of modulus at most 1", low=-(0.5**0.5), high=0.5**0.5)
