"""The methods that a model needs so that decoding from its state can be checked.

Three methods are enough: a pass over the whole sequence, the state before the first token, and one step. Each
optional method adds checks. If a model lacks the method, or the method raises ``Unsupported``, these checks
are NOT_APPLICABLE.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

State = Any
"""Whatever a model carries from one call to the next; the model may write it in place."""


class Unsupported(Exception):
    """A method raises this if the model does not offer what was asked; the message says why."""


@runtime_checkable
class StreamingModel(Protocol):
    """A model of sequences (batch, T, …) that can also be fed token by token.

    Optional methods, found by name:

    - ``prefill(x) -> (y, state)``: several tokens from the empty state; default: ``extend`` from that state.
    - ``extend(x, state) -> (y, state)``: several tokens from any state.
    - ``rollback(state, count) -> state``: the state without its last ``count`` tokens.
    - ``padded(x, mask) -> (y, state)``: a pass over rows padded on the left; ``mask`` (batch, T) is True at
      real tokens. ``state`` may be None.
    - ``packed(x, lengths) -> y``: a pass over one row that holds sequences of these lengths end to end.
    - ``select(state, rows) -> state``: the state of some rows of the batch, in this order.
    - ``reorder(state, rows) -> state``: the state of as many rows as before, in this order; a row may occur
      twice. A beam search calls this.
    - ``clone(state) -> state``: a copy that later steps do not change; default: ``copy.deepcopy``.
    - ``tensors(state) -> [Tensor]``: the tensors of a state; default: every tensor found in it.
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the outputs (batch, T, …) of a whole sequence (batch, T, …)."""

    def initial_state(self, x: Tensor) -> State:
        """Return the state before the first token of a batch like ``x``."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output of one more token, x (batch, 1, …), and the state after it."""


def offered(model: StreamingModel, method: str) -> Any:
    """Return an optional method.

    Raises:
        Unsupported: the model does not have it.
    """
    found = getattr(model, method, None)
    if not callable(found):
        raise Unsupported(f"the model offers no {method}()")
    return found


def clone(model: StreamingModel, state: State) -> State:
    """Return a copy of a state, by the model's own ``clone`` if it has one."""
    own = getattr(model, "clone", None)
    if callable(own):
        return own(state)
    return copied(state)


def copied(value: Any) -> Any:
    """Return a deep copy; ``clone`` copies tensors that share no memory, as a program can record that."""
    found = {id(tensor): tensor for tensor in tensors_in(value)}
    memories = [tensor.untyped_storage().data_ptr() for tensor in found.values()]
    cloned = {
        name: tensor.clone()
        for (name, tensor), memory in zip(found.items(), memories, strict=True)
        if not tensor.numel() or memories.count(memory) == 1
    }
    return copy.deepcopy(value, cloned)


def tensors(model: StreamingModel, state: State) -> list[Tensor]:
    """Return the tensors of a state, in an order that depends on its structure alone."""
    own = getattr(model, "tensors", None)
    return list(own(state)) if callable(own) else tensors_in(state)


def tensors_in(value: Any) -> list[Tensor]:
    """Return every tensor within containers, dataclasses and attributes of objects."""
    return _found_in(value, set())


def _found_in(value: Any, seen: set[int]) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, str | bytes | int | float | bool | type(None)) or id(value) in seen:
        return []
    seen.add(id(value))
    parts: list[Any] = []
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, Sequence):
        parts = list(value)
    elif is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
    elif hasattr(value, "__dict__"):
        parts = list(vars(value).values())
    return [tensor for part in parts for tensor in _found_in(part, seen)]
