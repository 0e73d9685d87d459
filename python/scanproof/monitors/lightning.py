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
    """Check the module that is trained, every so many batches.

    Args:
        inputs: takes a batch to the input to check; by default the batch itself if it is a tensor, or the
            first of several.
        fn: the function to check; by default the module that is trained.
        options: arguments of ``scanproof.CausalityMonitor``.

    Raises:
        InvalidArgument: an argument is out of range; or, at the first batch, the batch holds no tensor first.
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
        """Count the batch, and check it when due."""
        if self._monitor is None:
            self._monitor = CausalityMonitor(self._fn or pl_module, **({"module": pl_module} | self._options))
        self._monitor(self._inputs(batch))


def _first_tensor(batch: Any) -> Tensor:
    first = batch
    if isinstance(batch, Sequence) and not isinstance(batch, Mapping | str) and len(batch):
        first = batch[0]
    if not isinstance(first, Tensor):
        raise InvalidArgument(
            f"CausalityCallback: the batch is a {type(batch).__name__} with no tensor first; pass inputs=, a "
            "function from a batch to the input of the model."
        )
    return first
