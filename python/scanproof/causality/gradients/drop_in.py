"""Names of causal-certificate 0.1.0, so that code written for it runs unchanged.

``certify`` takes the same arguments and prints the same summary lines. This module has
``assert_strictly_causal`` and the report fields that exist only for compatibility.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from scanproof.foundation.packing import Inputs

if TYPE_CHECKING:
    from scanproof.causality.gradients.certificate_report import CausalCertificate, Finding


def assert_strictly_causal(fn: Callable[..., Any], x: Inputs, **options: Any) -> "CausalCertificate":
    """Call ``certify`` with the same arguments, and require that its report passes.

    Raises:
        CheckFailed: the report did not pass; INCONCLUSIVE does not pass.
        InvalidArgument: the call is wrong; nothing was checked.
    """
    __tracebackhide__ = True
    from scanproof.causality.gradients.certificate import certify

    return certify(fn, x, **options).require()


class DropInFields(ABC):
    """The fields of the reports of causal-certificate 0.1.0, read off the findings."""

    if TYPE_CHECKING:
        temporal: Finding
        batch: Finding | None

    @property
    @abstractmethod
    def mode(self) -> str:
        """Which cuts were probed: ``exhaustive``, ``coded`` or ``random-K=…``."""

    @property
    def is_strictly_causal(self) -> bool:
        """Whether the temporal verdict passed."""
        return self.temporal.verdict.passed

    @property
    def is_batch_independent(self) -> bool:
        """Whether the cross-batch verdict passed; true if examples were not probed."""
        return self.batch is None or self.batch.verdict.passed

    @property
    def temporal_leak(self) -> float:
        """Gradient energy that crossed a cut, summed over cuts."""
        return self.temporal.leak

    @property
    def temporal_total(self) -> float:
        """Gradient energy, summed over cuts."""
        return self.temporal.total

    @property
    def temporal_fraction(self) -> float:
        """Share of the gradient energy that crossed a cut; NaN without a gradient."""
        return self.temporal.fraction

    @property
    def crossbatch_leak(self) -> float:
        """Gradient energy that reached another example, summed over examples; 0 if not probed."""
        return self.batch.leak if self.batch else 0.0

    @property
    def crossbatch_total(self) -> float:
        """Gradient energy, summed over examples; 0 if not probed."""
        return self.batch.total if self.batch else 0.0

    @property
    def crossbatch_fraction(self) -> float:
        """Share of the gradient energy that reached another example; 0 if not probed."""
        return self.batch.fraction if self.batch else 0.0

    @property
    def cuts_probed(self) -> int:
        """Number of cuts probed."""
        return self.temporal.probes

    @property
    def batch_checked(self) -> bool:
        """Whether examples were probed."""
        return self.batch is not None

    @property
    def extra(self) -> Mapping[str, Any]:
        """An empty mapping."""
        return {}
