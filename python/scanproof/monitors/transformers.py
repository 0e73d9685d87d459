"""``CausalityCallback`` for the Trainer of Hugging Face transformers."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.monitors.monitor import CausalityMonitor

try:
    from transformers import TrainerCallback
except ImportError as missing:
    raise MissingDependency("transformers is missing; pip install 'scanproof[transformers]'.") from missing

_PASSED_ON = ("attention_mask", "position_ids")


class CausalityCallback(TrainerCallback):
    """Check the model in training at regular steps, on the batch of the step.

    The model is checked as a function of its ``inputs_embeds``, which are the input embeddings of the token
    ids; ``attention_mask`` and ``position_ids`` are passed on.

    Args:
        every: number of steps from one check to the next.
        examples: number of examples of the batch to check.
        output: the output of the model to check, if it returns several.
        options: other arguments of ``scanproof.CausalityMonitor``.

    Raises:
        InvalidArgument: an argument is out of range. At the first step: the model does not take
            ``inputs_embeds``.
    """

    def __init__(
        self, *, every: int = 100, examples: int = 1, output: str = "logits", **options: Any
    ) -> None:
        self._options: dict[str, Any] = dict(options, every=every, examples=examples, output=output)
        CausalityMonitor(_nothing, **self._options)  # so that a wrong option is refused here
        self._every, self._examples = every, examples
        self._monitor: CausalityMonitor | None = None
        self._model: nn.Module | None = None
        self._hook: Any = None
        self._waiting = False
        self._batch: dict[str, Tensor] | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Start to record what the model is called with."""
        model: nn.Module = others["model"]
        self._model, self._monitor = model, CausalityMonitor(model, **self._options)
        self._hook = model.register_forward_pre_hook(self._keep, with_kwargs=True)

    def on_step_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Keep a slice of the next batch if a check is due."""
        self._waiting = state.global_step % self._every == 0

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Check the slice that was kept."""
        if self._batch is None:
            return
        batch, self._batch = self._batch, None
        assert self._monitor is not None
        self._monitor.step = state.global_step
        passed_on = {name: batch[name] for name in _PASSED_ON if name in batch}
        self._monitor.check({"inputs_embeds": self._embedded(batch)}, kwargs=passed_on)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Stop recording."""
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def _keep(self, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if not self._waiting:
            return
        self._waiting = False
        self._batch = {
            name: kwargs[name][: self._examples].detach().clone()
            for name in ("input_ids", "inputs_embeds", *_PASSED_ON)
            if isinstance(kwargs.get(name), Tensor)
        }

    def _embedded(self, batch: dict[str, Tensor]) -> Tensor:
        if "inputs_embeds" in batch:
            return batch["inputs_embeds"]
        look_up = getattr(self._model, "get_input_embeddings", None)
        if look_up is None or "input_ids" not in batch:
            raise InvalidArgument(
                f"CausalityCallback: {type(self._model).__name__} was called without input_ids or "
                "inputs_embeds, or has no input embeddings; write a callback that calls "
                "scanproof.CausalityMonitor."
            )
        embedded: Tensor = look_up()(batch["input_ids"])
        return embedded.detach()


def _nothing() -> None:
    pass
