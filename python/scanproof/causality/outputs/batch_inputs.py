"""A batch of examples, in one tensor or several, and the other batches that are made from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from torch import Tensor

from scanproof.causality.outputs.batch_report import BatchProbe
from scanproof.causality.outputs.replacement import Kind, Replacement
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes, check_tensor
from scanproof.foundation.drawing import Draw, draw_call, each_drawn, strategy_of
from scanproof.foundation.packing import Inputs
from scanproof.foundation.precision import AtPrecision
from scanproof.foundation.selection import Selector, check_selector, how_to_select, select


@dataclass(frozen=True)
class Case:
    """Another batch.

    Attributes:
        probe: the comparison that uses it.
        order: the example at each place.
        replaced: the examples with other contents.
        kind: the kind of other contents.
    """

    probe: BatchProbe
    order: tuple[int, ...]
    replaced: tuple[int, ...] = ()
    kind: Kind | None = None

    def __str__(self) -> str:
        if self.probe == "replace":
            several = "s" if self.replaced[1:] else ""
            become = "become" if several else "becomes"
            return f"example{several} {', '.join(map(str, self.replaced))} {become} {self.kind}"
        if self.probe == "permute":
            return f"the examples have the order {', '.join(map(str, self.order))}"
        return "it is alone in its batch"


class Batch:
    """A function and its examples, which are along ``batch_dim`` of every tensor.

    Args:
        check: name of the check, for messages.
        fn: the caller's function.
        x: one tensor, several positional ones, or several by keyword.
        batch_dim: axis of examples.
        output: which of several outputs is checked.
        kwargs: keyword arguments without an axis of examples.

    Raises:
        InvalidArgument: an argument is wrong.
    """

    def __init__(
        self,
        check: str,
        fn: Callable[..., Any],
        x: Inputs,
        batch_dim: int,
        output: Selector | None,
        kwargs: Mapping[str, Any] | None,
    ) -> None:
        self._check, self.fn, self._output, self.dim = check, fn, output, batch_dim
        check_selector(check, output)
        if not (kwargs is None or isinstance(kwargs, Mapping)):
            raise InvalidArgument(
                f"{check}: kwargs must map names to arguments of fn, got {type(kwargs).__name__}."
            )
        self._kwargs = dict(kwargs or {})
        self._keys = tuple(x) if isinstance(x, Mapping) else None
        if shared := sorted(set(self._keys or ()) & set(self._kwargs)):
            raise InvalidArgument(f"{check}: {shared[0]} is in x and in kwargs=; pass it once.")
        given = _tensors(x)
        if not given:
            raise InvalidArgument(f"{check}: x holds no tensor; pass at least one.")
        for tensor in given:
            check_tensor(check, fn, tensor, token_ids=True)
            _check_examples(check, tensor, batch_dim)
        counts = {tensor.shape[batch_dim] for tensor in given}
        if len(counts) > 1:
            raise InvalidArgument(
                f"{check}: inputs must have the same examples, but along batch_dim={batch_dim} they have "
                f"{' and '.join(map(str, sorted(counts)))}; pass inputs without an axis of examples by "
                "kwargs=."
            )
        self.tensors = tuple(tensor.detach() for tensor in given)
        self.examples = counts.pop()

    def draws(self, cases: int, seed: int, vocab_size: int | None) -> tuple[Draw[Self], ...]:
        """Return this batch at no more than ``cases - 1`` inputs drawn from its own, without equal ones."""
        call = draw_call(seed=seed, seq_dim=None, batch_dim=self.dim, vocab_size=vocab_size)
        made = []
        for number in range(1, cases):
            other = self.holding(each_drawn(self.tensors, number, seed, self.dim, vocab_size))
            if any(not torch.equal(a, b) for a, b in zip(other.tensors, self.tensors, strict=True)):
                made.append(Draw(number, strategy_of(self.tensors[0], number), call(number), other))
        return tuple(made)

    def holding(self, tensors: tuple[Tensor, ...]) -> Self:
        """Return this batch with other tensors of the same shapes."""
        other = copy(self)
        other.tensors = tensors
        return other

    @property
    def dtype(self) -> torch.dtype | None:
        """The dtype of the first floating input; None if all inputs are token ids."""
        return next((tensor.dtype for tensor in self.tensors if tensor.is_floating_point()), None)

    def cases(
        self,
        probe: BatchProbe,
        kinds: Iterable[Kind],
        vocab_size: int | None,
        generator: torch.Generator,
    ) -> list[Case]:
        """Return the other batches of a probe, and draw the contents that they need."""
        places = tuple(range(self.examples))
        if probe == "alone":
            return [Case(probe, (place,)) for place in places]
        if probe == "permute":
            return [Case(probe, order) for order in sorted({places[::-1], places[1:] + places[:1]})]
        self._contents = self._draw(tuple(kinds), vocab_size, generator)
        groups = {(place,) for place in places} | {tuple(p for p in places if p != kept) for kept in places}
        cases = [Case(probe, places, group, kind) for kind in self._contents for group in sorted(groups)]
        return [case for case in cases if self._changes(case)]

    def inputs(self, case: Case | None = None, mode: AtPrecision | None = None) -> tuple[Tensor, ...]:
        """Return the tensors of another batch, or copies of the tensors of this one."""
        made = []
        for number, tensor in enumerate(self.tensors):
            x = (mode.input(tensor) if mode else tensor).clone()
            if case:
                for example in case.replaced:
                    assert case.kind is not None
                    other = self._contents[case.kind][number]
                    x.select(self.dim, example).copy_(other.select(self.dim, example))
                x = x.index_select(self.dim, torch.tensor(case.order, device=x.device))
            made.append(x)
        return tuple(made)

    def call(self, inputs: Sequence[Tensor]) -> Any:
        """Call the function, and return the output that is checked."""
        if self._keys is None:
            y = self.fn(*inputs, **self._kwargs)
        else:
            y = self.fn(**dict(zip(self._keys, inputs, strict=True)), **self._kwargs)
        return select(self._check, y, self._output)

    def wrong_output(self, y: object, examples: int, call: str) -> str | None:
        """Say what is wrong with an output; None if it is one real tensor with that many examples."""
        if not isinstance(y, Tensor):
            return f"{call} must return one tensor, got {type(y).__name__}; {how_to_select(y)}"
        if y.is_complex():
            return f"{call} must return a real tensor, got {y.dtype}; return torch.view_as_real of it"
        if not -y.dim() <= self.dim < y.dim() or y.shape[self.dim] != examples:
            return (
                f"{call} must have as many examples as its input along batch_dim={self.dim}, which is "
                f"{examples}, but its shape is {tuple(y.shape)}; name the right batch_dim, and keep this "
                "axis in a batch of one"
            )
        return None

    def _draw(
        self, kinds: tuple[Kind, ...], vocab_size: int | None, generator: torch.Generator
    ) -> dict[Kind, tuple[Tensor, ...]]:
        drawn = [
            Replacement(
                self._check,
                x,
                Axes(self.dim, None),
                None if self.tensors[1:] and x.is_floating_point() else vocab_size,
                generator,
            )
            for x in self.tensors
        ]
        return {
            kind: tuple(
                x.roll(-1, self.dim) if kind == "permutation" else replacement.future(kind, 0)
                for x, replacement in zip(self.tensors, drawn, strict=True)
            )
            for kind in kinds
        }

    def _changes(self, case: Case) -> bool:
        return any(not torch.equal(a, b) for a, b in zip(self.inputs(case), self.tensors, strict=True))


def _tensors(x: Inputs) -> tuple[Tensor, ...]:
    if isinstance(x, Mapping):
        return tuple(x.values())
    if isinstance(x, Tensor) or not isinstance(x, list | tuple):
        return (cast(Tensor, x),)
    return tuple(x)


def _check_examples(check: str, x: Tensor, batch_dim: int) -> None:
    if not isinstance(batch_dim, int) or not -x.dim() <= batch_dim < x.dim():
        raise InvalidArgument(
            f"{check}: batch_dim must be the whole number of an axis of x with shape {tuple(x.shape)}, got "
            f"{batch_dim!r}."
        )
    if x.shape[batch_dim] < 2:
        raise InvalidArgument(
            f"{check}: x has 1 example along batch_dim={batch_dim}, its shape is {tuple(x.shape)}; pass at "
            "least 2 examples, so that they could read each other."
        )
