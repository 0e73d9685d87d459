"""The error relative to its bound, over time and over entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

BINS_A_DECADE = 2
DECADES = 16
"""The outermost bins end at 10^-16 and 10^16, and also hold the entries beyond."""


@dataclass(frozen=True)
class Spread:
    """Error relative to its bound.

    Attributes:
        over_time: the greatest error/bound at each position of the outputs.
        edges: powers of ten between the bins of a histogram of error/bound over all entries, ascending.
        counts: number of entries in each bin.
        exact: number of entries without error; no bin holds them.
        beyond: number of entries with an infinite error; no bin holds them.
    """

    over_time: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    exact: int
    beyond: int

    @property
    def entries(self) -> int:
        """Number of all entries."""
        return sum(self.counts) + self.exact + self.beyond

    @property
    def above_bound(self) -> int:
        """Number of entries whose error reaches or exceeds its bound."""
        return self.beyond + sum(
            count for edge, count in zip(self.edges, self.counts, strict=False) if edge >= 1
        )

    @classmethod
    def of(cls, over_time: Sequence[float], ratios: Sequence[float]) -> "Spread":
        """Return the spread of the ratios of all entries, each at least 0."""
        finite = [min(max(log10(ratio), -DECADES), DECADES) for ratio in ratios if 0 < ratio < float("inf")]
        exact = sum(ratio == 0 for ratio in ratios)
        first = min(floor(min(finite, default=0.0) * BINS_A_DECADE), DECADES * BINS_A_DECADE - 1)
        last = max(ceil(max(finite, default=0.0) * BINS_A_DECADE), first + 1)
        counts = [0] * (last - first)
        for size in finite:
            counts[min(floor(size * BINS_A_DECADE), last - 1) - first] += 1
        return cls(
            over_time=tuple(over_time),
            edges=tuple(10 ** (edge / BINS_A_DECADE) for edge in range(first, last + 1)),
            counts=tuple(counts),
            exact=exact,
            beyond=len(ratios) - exact - len(finite),
        )
