"""``CausalityCallback`` for the Trainer of Lightning, whichever of its two packages is installed."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.foundation.packing import Inputs
from scanproof.monitors.monitor import CausalityMonitor

if TYPE_CHECKING:
    from lightning.pytorch import Callback
else:
    try:
        from lightning.pytorch import Callback
    except ImportError:
        try:
            from pytorch_lightning import Callback
        except ImportError as missing:
            raise MissingDependency("Lightning is missing; pip install lightning.") from missing


class CausalityCallback(Callback):
    """Check the module in training at regular intervals, ``every`` of the monitor.

    Args:
        inputs: maps a batch to the input to check. Default: the batch if it is a tensor, otherwise the first
            element of the batch.
        fn: the function to check. Default: the module in training.
        options: arguments of ``scanproof.CausalityMonitor``.

    Raises:
        InvalidArgument: an argument is out of range. At the first batch: neither the batch nor its first
            element is a tensor.
    """

    def __init__(
        self,
        inputs: Callable[[Any], Inputs] | None = None,
        fn: Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._inputs, self._fn, self._options = inputs or _first_tensor, fn, options
        CausalityMonitor(_first_tensor, **options)  # so that a wrong option is refused here
        self._monitor: CausalityMonitor | None = None

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batch, and check it when a check is due."""
        if self._monitor is None:
            self._monitor = CausalityMonitor(self._fn or pl_module, **({"module": pl_module} | self._options))
        self._monitor(self._inputs(batch))


def _first_tensor(batch: Any) -> Tensor:
    first = batch
    if isinstance(batch, Sequence) and not isinstance(batch, Mapping | str) and len(batch):
        first = batch[0]
    if not isinstance(first, Tensor):
        raise InvalidArgument(
            f"CausalityCallback: the batch is a {type(batch).__name__} whose first element is not a tensor; "
            "pass inputs=, a function from a batch to the input of the model."
        )
    return first
