"""What the questions about kernels need of a comparison with what is right."""

from typing import Protocol

from scanproof.report.verdict import Verdict


class Compared(Protocol):
    """A comparison of results: a ``RefinementReport``, or a comparison of two forms."""

    @property
    def verdict(self) -> Verdict:
        """Whether the results are right."""
        ...

    @property
    def reason(self) -> str:
        """What led to the verdict."""
        ...

    @property
    def worst(self) -> object:
        """The worst difference, which can be printed."""
        ...
