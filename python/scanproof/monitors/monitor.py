"""A causality check at regular steps of a training loop."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from scanproof.causality.gradients.certificate import certify
from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import module_of
from scanproof.foundation.packing import Inputs
from scanproof.foundation.seeds import seed_of
from scanproof.report.failure import CheckFailed
from scanproof.report.verdict import Verdict

OnLeak = Literal["raise", "log"]

log = logging.getLogger("scanproof.monitor")


class CausalityMonitor:
    """Call it with the input of every training step; it checks the first step, and one step in ``every``.

    A check runs ``certify`` on the first ``examples`` of the batch, by default with four random cuts, which
    differ from check to check. The check runs in eval mode, without dropout. Afterwards the train or eval
    mode of every submodule, torch's random numbers, and all ``.grad`` are what they were.

    Args:
        fn: function or module, as for ``certify``.
        every: number of steps from one check to the next.
        examples: number of examples of the batch to check. Two or more are also checked for dependence on
            each other.
        on_leak: ``"raise"`` raises ``CheckFailed``; ``"log"`` logs an error to ``scanproof.monitor``. An
            INCONCLUSIVE verdict is logged as a warning in both cases.
        module: module to put into eval mode, if ``fn`` is neither a module nor a method of one.
        seed: seed of the cuts and cotangents.
        options: other arguments of ``certify``, for example ``cuts="coded"``, ``K``, ``seq_dim``, ``output``.

    Attributes:
        step: number of steps so far.

    Raises:
        InvalidArgument: an argument is out of range, or ``certify`` does not have it.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.1)).train()
        >>> monitor = CausalityMonitor(model, every=100)
        >>> report = monitor(torch.randn(8, 16, 4))  # checks, because it is the first step
        >>> report.verdict.name, model.training
        ('CAUSAL', True)
        >>> monitor(torch.randn(8, 16, 4)) is None
        True
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        every: int = 100,
        examples: int = 1,
        on_leak: OnLeak = "raise",
        module: nn.Module | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        for name, number in (("every", every), ("examples", examples)):
            if not (isinstance(number, int) and number >= 1):
                raise InvalidArgument(
                    f"CausalityMonitor: {name} must be a whole number >= 1, got {number!r}."
                )
        if on_leak not in get_args(OnLeak):
            raise InvalidArgument(f"CausalityMonitor: on_leak must be 'raise' or 'log', got {on_leak!r}.")
        if unknown := sorted(options.keys() - signature(certify).parameters.keys()):
            raise InvalidArgument(f"CausalityMonitor: certify has no argument {unknown[0]!r}.")
        self.step = 0
        self._fn, self._module = fn, module or module_of(fn)
        self._every, self._examples, self._on_leak = every, examples, on_leak
        self._options: dict[str, Any] = {"cuts": "rand", "K": 4} | options
        self._generator = torch.Generator(device="cpu").manual_seed(seed)

    @property
    def due(self) -> bool:
        """Whether the next call checks."""
        return self.step % self._every == 0

    def __call__(self, x: Inputs) -> CausalCertificate | None:
        """Count a step; if a check is due, check and return the report.

        Raises:
            CheckFailed: it leaks, and ``on_leak`` is ``"raise"``.
            InvalidArgument: ``certify`` cannot be called this way.
        """
        due = self.due
        self.step += 1
        return self.check(x) if due else None

    def check(self, x: Inputs, kwargs: Mapping[str, Any] | None = None) -> CausalCertificate:
        """Check the first examples of ``x`` now; ``kwargs`` go to ``fn`` as they are.

        Raises:
            CheckFailed: it leaks, and ``on_leak`` is ``"raise"``.
            InvalidArgument: ``certify`` cannot be called this way.
        """
        options: dict[str, Any] = self._options | ({} if kwargs is None else {"kwargs": kwargs})
        few = self._slice(x)
        with _evaluating(self._module), _same_random_numbers(few):
            report = certify(self._fn, few, seed=seed_of("certify", self._generator), **options)
        if report.verdict is Verdict.LEAK:
            error = CheckFailed(report)
            error.add_note(f"Found at step {self.step} of the CausalityMonitor.")
            if self._on_leak == "raise":
                raise error
            log.error("Step %d: %s", self.step, error)
        elif report.verdict is Verdict.INCONCLUSIVE:
            log.warning("Step %d: %s", self.step, report.summary())
        return report

    def _slice(self, x: Inputs) -> Inputs:
        axis = self._options.get("batch_dim", 0)
        if axis is None:
            return x
        if isinstance(x, Tensor):
            return self._first(x, axis)
        if isinstance(x, Mapping):
            return {name: self._first(part, axis) for name, part in x.items()}
        return tuple(self._first(part, axis) for part in x)

    def _first(self, x: Tensor, axis: int) -> Tensor:
        return x.detach().narrow(axis, 0, min(self._examples, x.shape[axis]))


@contextmanager
def _evaluating(module: nn.Module | None) -> Iterator[None]:
    """Set the flag of every submodule to eval mode; some ``eval()`` merge weights or drop caches."""
    modes = [(part, part.training) for part in module.modules()] if module else []
    for part, _ in modes:
        part.training = False
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def _same_random_numbers(x: Inputs) -> Iterator[None]:
    parts = [x] if isinstance(x, Tensor) else list(x.values() if isinstance(x, Mapping) else x)
    devices = {part.device for part in parts if part.device.type != "cpu"}
    kind = next((device.type for device in devices), "cuda")
    with torch.random.fork_rng(devices=list(devices), device_type=kind):
        yield
